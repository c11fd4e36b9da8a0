#include "cli/last_contract.h"

#include "cli/situation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_STATE "/var/lib/ecluse"
enum { MOST_BYTES = 1 << 20, NAME_SIZE = CONTRACT_PATH_SIZE + 32 };

static void name_of(const char *state, const char *end, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%s/contract.last%s", state, end);
}

/* Owned bytes, or NULL. */
static char *bytes_of(int descriptor, size_t *length)
{
    char *bytes = malloc(MOST_BYTES + 1);
    *length = 0;
    for (ssize_t got = 1; bytes && got > 0 && *length <= MOST_BYTES;) {
        got = read(descriptor, bytes + *length, MOST_BYTES + 1 - *length);
        if (got < 0 || *length + (size_t)got > MOST_BYTES) {
            free(bytes);
            return NULL;
        }
        *length += (size_t)got;
    }
    return bytes;
}

/* A file that others may write, or that is theirs, is nobody's contract. NULL: there is none. */
static char *read_last(const char *state, size_t *length)
{
    char name[NAME_SIZE];
    struct stat status;
    name_of(state, "", name);
    int descriptor = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    bool ours = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_uid == geteuid() && (status.st_mode & 022) == 0;
    char *bytes = ours ? bytes_of(descriptor, length) : NULL;
    close(descriptor);
    return bytes;
}

static struct contract *parse(const char *bytes, size_t length)
{
    struct contract *c = calloc(1, sizeof *c);
    struct problems problems = {0};
    if (c == NULL)
        return NULL;
    int code = contract_parse(bytes, length, c, &problems);
    problems_free(&problems);
    if (code == 0)
        return c;
    free(c);
    return NULL;
}

static bool write_all(int descriptor, const char *bytes, size_t length)
{
    while (length) {
        ssize_t put = write(descriptor, bytes, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

static bool write_last(const char *state, const char *bytes, size_t length)
{
    char name[NAME_SIZE], temporary[NAME_SIZE];
    name_of(state, "", name);
    name_of(state, ".new", temporary);
    unlink(temporary);
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return false;
    bool good = write_all(descriptor, bytes, length) && fsync(descriptor) == 0;
    good = close(descriptor) == 0 && good && rename(temporary, name) == 0;
    int code = errno;
    if (!good)
        unlink(temporary);
    errno = code;
    return good;
}

void last_contract_keep(const char *file, const struct contract *live)
{
    size_t length = 0, old_length = 0;
    int descriptor = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char *bytes = descriptor < 0 ? NULL : bytes_of(descriptor, &length);
    if (descriptor >= 0)
        close(descriptor);
    struct contract *c = bytes ? parse(bytes, length) : NULL;
    char *old = c ? read_last(live->state, &old_length) : NULL;
    bool same = old && old_length == length && memcmp(old, bytes, length) == 0;
    /* Changed again meanwhile: what it says now is kept once that is in force. */
    if (c && memcmp(c, live, sizeof *c) == 0 && !same && !write_last(live->state, bytes, length))
        log_line(LOG_LEVEL_WARNING, "%s/contract.last cannot be written: %s", live->state,
                 strerror(errno));
    free(old);
    free(c);
    free(bytes);
}

struct contract *last_contract_load(const char *file, bool *from_last)
{
    char state[CONTRACT_PATH_SIZE] = DEFAULT_STATE;
    size_t length;
    *from_last = false;
    struct contract *c = contract_load(file, false);
    if (c)
        return c;
    folder_of_broken_file(file, "state:", state);
    char *bytes = read_last(state, &length);
    c = bytes ? parse(bytes, length) : NULL;
    free(bytes);
    if (c && strcmp(c->state, state) != 0) {
        free(c);
        c = NULL;
    }
    *from_last = c != NULL;
    if (c)
        log_line(LOG_LEVEL_ERROR,
                 "%s has mistakes: the contract that was last in force, %s/contract.last, is taken",
                 file, state);
    return c;
}
