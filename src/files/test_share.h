/* test_share.h: a share to try things on: a file system of its own in a file, mounted in a folder
 * of its own, and taken away again whatever happens. For tests only; they need root.
 */
#ifndef ECLUSE_FILES_TEST_SHARE_H
#define ECLUSE_FILES_TEST_SHARE_H

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct share {
    char folder[64]; /* holds the image and the mount point */
    char path[80];
    bool mounted;
};

__attribute__((format(printf, 1, 2))) static inline int shell(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct share share_now; /* for the end of a test that fails */

static inline void share_end(struct share *s)
{
    if (s->mounted && shell("umount %s 2>/dev/null || umount -l %s", s->path, s->path) != 0)
        print_error("%s is still mounted\n", s->path);
    if (s->folder[0])
        shell("rm -rf --one-file-system %s", s->folder);
    memset(s, 0, sizeof *s);
    if (s != &share_now)
        memset(&share_now, 0, sizeof share_now);
}

static inline void share_end_now(void)
{
    share_end(&share_now);
}

/* "xfs" or "ext4", of so many MiB. False when this machine cannot (not root, no mkfs). */
static inline bool share_begin(struct share *s, const char *kind, unsigned mebibytes)
{
    static bool registered;
    share_end(&share_now); /* of a test that failed */
    memset(s, 0, sizeof *s);
    if (geteuid() != 0 || shell("command -v mkfs.%s >/dev/null", kind) != 0)
        return false;
    snprintf(s->folder, sizeof s->folder, "/tmp/ecluse-share-XXXXXX");
    if (mkdtemp(s->folder) == NULL || chmod(s->folder, 0755) != 0)
        return false;
    snprintf(s->path, sizeof s->path, "%s/share", s->folder);
    const char *how = strcmp(kind, "xfs") == 0 ? "mkfs.xfs -q -m reflink=1" : "mkfs.ext4 -q -F";
    s->mounted = mkdir(s->path, 0755) == 0 &&
                 shell("truncate -s %uM %s/image && %s %s/image && mount -o loop %s/image %s",
                       mebibytes, s->folder, how, s->folder, s->folder, s->path) == 0;
    share_now = *s;
    if (!registered)
        registered = atexit(share_end_now) == 0;
    if (!s->mounted)
        share_end(s);
    return s->mounted;
}

/* ---- Files in it ----------------------------------------------------------------------------- */

static inline char *in_share(const struct share *s, const char *name, char out[512])
{
    snprintf(out, 512, "%s/%s", s->path, name);
    return out;
}

/* What is kept in the tick in which it was written is kept once more later: not what tests are of.
 */
static inline void wait_a_tick(void)
{
    usleep(12000);
}

static inline void put(const struct share *s, const char *name, const char *text)
{
    char path[512];
    int fd = open(in_share(s, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    wait_a_tick();
}

static inline int look_at(const struct share *s, const char *name)
{
    char path[512];
    int fd = open(in_share(s, name, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline void holds_text(int fd, const char *text)
{
    char found[4096] = "";
    assert_true(fd >= 0);
    ssize_t n = pread(fd, found, sizeof found - 1, 0);
    assert_true(n >= 0);
    found[n] = 0;
    assert_string_equal(found, text);
}

#endif
