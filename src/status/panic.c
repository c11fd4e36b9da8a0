#include "status/panic.h"

#include "contract/contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PANIC_PATH_SIZE = CONTRACT_PATH_SIZE + 16 };

static const char *panic_path(const char *runtime, char out[PANIC_PATH_SIZE])
{
    snprintf(out, PANIC_PATH_SIZE, "%s/panic", runtime);
    return out;
}

bool panic_asked(const char *runtime)
{
    char path[PANIC_PATH_SIZE];
    struct stat status;
    /* Its owner is checked as well as the folder's mode: one mistake in either is not enough to
     * forge a panic. */
    return lstat(panic_path(runtime, path), &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_uid == 0 || status.st_uid == geteuid());
}

int panic_ask(const char *runtime, bool on, struct error *error)
{
    char path[PANIC_PATH_SIZE];
    panic_path(runtime, path);
    if (!on) {
        if (unlink(path) != 0 && errno != ENOENT)
            return error_set(error, -errno, "%s: %s; say it as the user who runs `ecluse run`",
                             path, strerror(errno));
        return 0;
    }
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0)
        return error_set(error, -errno, "%s: %s; say it as the user who runs `ecluse run`", path,
                         strerror(errno));
    close(descriptor);
    return 0;
}
