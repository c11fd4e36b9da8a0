/* Any bytes may stand in what a process says of itself in /proc. */
#include "files/process_tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proc_status status;
    uint64_t value;
    uint32_t login;
    char name[TREE_NAME_SIZE];
    char *exact = malloc(size); /* so that a byte too many is seen */
    if (size)
        memcpy(exact, data, size);
    struct text text = {exact, size};
    proc_status_parse(text, &status);
    proc_stat_parse(text, &value);
    proc_login_parse(text, &login);
    proc_syscall_parse(text, &value);
    if (tree_of_group(text, name))
        must(strlen(name) < sizeof name && name[0]);
    free(exact);
    return 0;
}
