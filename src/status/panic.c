#include "status/panic.h"

#include "contract/contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PANIC_PATH_SIZE = CONTRACT_PATH_SIZE + 32 };

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

/* ---- Asked for by the desk ------------------------------------------------------------------- */

static const char *request_path(const char *runtime, bool on, char out[PANIC_PATH_SIZE])
{
    snprintf(out, PANIC_PATH_SIZE, "%s/releases/%s", runtime, on ? "panic" : "calm");
    return out;
}

int panic_request(const char *runtime, bool on, struct error *error)
{
    char path[PANIC_PATH_SIZE], other[PANIC_PATH_SIZE];
    unlink(request_path(runtime, !on, other)); /* the last word counts */
    int descriptor =
        open(request_path(runtime, on, path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    close(descriptor);
    return 0;
}

void panic_take_requests(const char *runtime)
{
    char folder[PANIC_PATH_SIZE], path[PANIC_PATH_SIZE];
    struct stat of_folder, of_file;
    snprintf(folder, sizeof folder, "%s/releases", runtime);
    if (lstat(folder, &of_folder) != 0 || !S_ISDIR(of_folder.st_mode) ||
        of_folder.st_mode & (S_IWGRP | S_IWOTH))
        return;
    for (int on = 0; on < 2; on++) {
        struct error error;
        if (lstat(request_path(runtime, on, path), &of_file) != 0)
            continue;
        bool valid =
            S_ISREG(of_file.st_mode) && (of_file.st_uid == 0 || of_file.st_uid == of_folder.st_uid);
        if (valid && panic_ask(runtime, on, &error) < 0)
            log_line(LOG_LEVEL_ERROR, "%s", error.text);
        unlink(path);
    }
}
