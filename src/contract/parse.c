#include "contract/contract.h"

#include "contract/check.h"
#include "contract/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int contract_parse(const char *yaml, size_t length, struct contract *out, struct problems *problems)
{
    struct problems found = {0};
    struct tree tree;
    struct contract *c = calloc(1, sizeof *c);
    int result = c ? tree_parse(yaml, length, &tree, &found) : -ENOMEM;
    if (result) {
        if (c)
            tree_free(&tree);
        free(c);
        problem_add(&found, 1, 1, "there is not enough memory to read the contract");
        *problems = found;
        return -EINVAL;
    }
    struct reading reading = {.contract = c, .tree = &tree, .problems = &found};
    read_contract(&reading);
    if (!tree.cut)
        check_contract(&reading);
    problems_sort(&found);
    if (found.count)
        result = -EINVAL;
    else
        memcpy(out, c, sizeof *out);
    *problems = found;
    tree_free(&tree);
    free(c);
    return result;
}

/* At most one byte more than a contract may have, so that one that is too large is told so. */
static int read_file(const char *path, char **out, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    struct stat status;
    int result = fstat(fd, &status) ? -errno : S_ISDIR(status.st_mode) ? -EISDIR : 0;
    size_t size = TREE_MAX_BYTES + 1, used = 0;
    char *data = result ? NULL : malloc(size);
    if (!result && !data)
        result = -ENOMEM;
    while (!result && used < size) {
        ssize_t n = read(fd, data + used, size - used);
        if (n < 0 && errno != EINTR)
            result = -errno;
        if (n == 0)
            break;
        if (n > 0)
            used += (size_t)n;
    }
    close(fd);
    if (result) {
        free(data);
        return result;
    }
    *out = data;
    *length = used;
    return 0;
}

int contract_read(const char *path, struct contract *out, struct problems *problems,
                  struct error *error)
{
    char *yaml = NULL;
    size_t length = 0;
    int result = read_file(path, &yaml, &length);
    if (result) {
        *problems = (struct problems){0};
        return error_set(error, result, "cannot read %s: %s", path, strerror(-result));
    }
    result = contract_parse(yaml, length, out, problems);
    free(yaml);
    return result;
}
