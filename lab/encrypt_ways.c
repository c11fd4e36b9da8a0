/* encrypt_ways: with the calls that every program uses. See encrypt.h. */
#include "encrypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct new_name {
    char text[300];
};

static struct new_name with_extension(const struct target *t)
{
    struct new_name n;
    snprintf(n.text, sizeof n.text, "%s" ENCRYPT_EXTENSION, t->name);
    return n;
}

static int range(const struct target *t, const struct cipher *c, struct extent what)
{
    int fd = target_open(t, O_RDWR);
    if (fd < 0)
        return fd;
    int result = cipher_copy(c, fd, fd, what);
    if (close(fd) != 0 && result == 0)
        result = -errno;
    return result;
}

int way_in_place(const struct target *t, const struct cipher *c)
{
    return range(t, c, (struct extent){0});
}

int way_first_4k(const struct target *t, const struct cipher *c)
{
    return range(t, c, (struct extent){.until = 4096});
}

int way_every_other(const struct target *t, const struct cipher *c)
{
    return range(t, c, (struct extent){.every_other = true});
}

int way_nothing(const struct target *t, const struct cipher *c)
{
    (void)t, (void)c;
    return -EOPNOTSUPP;
}

int way_rename_extension(const struct target *t, const struct cipher *c)
{
    int result = way_in_place(t, c);
    struct new_name to = with_extension(t);
    if (result == 0 && renameat(t->parent, t->name, t->parent, to.text) != 0)
        result = -errno;
    return result;
}

/* The encrypted file beside the first, under its other name. */
static int make_beside(const struct target *t, const struct cipher *c)
{
    int from = target_open(t, O_RDONLY);
    if (from < 0)
        return from;
    struct new_name to = with_extension(t);
    int fd = openat(t->parent, to.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, t->mode);
    int result = fd < 0 ? -errno : cipher_copy(c, from, fd, (struct extent){0});
    if (fd >= 0 && close(fd) != 0 && result == 0)
        result = -errno;
    close(from);
    return result;
}

int way_new_and_unlink(const struct target *t, const struct cipher *c)
{
    int result = make_beside(t, c);
    return result == 0 && unlinkat(t->parent, t->name, 0) != 0 ? -errno : result;
}

int way_rename_over(const struct target *t, const struct cipher *c)
{
    int result = make_beside(t, c);
    struct new_name from = with_extension(t);
    if (result == 0 && renameat(t->parent, from.text, t->parent, t->name) != 0)
        result = -errno;
    return result;
}

int way_exchange(const struct target *t, const struct cipher *c)
{
    int result = make_beside(t, c);
    struct new_name other = with_extension(t);
    if (result == 0 && renameat2(t->parent, t->name, t->parent, other.text, RENAME_EXCHANGE) != 0)
        result = -errno;
    return result == 0 && unlinkat(t->parent, other.text, 0) != 0 ? -errno : result;
}

/* The whole file in memory, for ways that empty it before they write. */
static int read_whole(const struct target *t, const struct cipher *c, unsigned char **out,
                      size_t *length)
{
    if (t->size > ENCRYPT_HELD_MAX)
        return -EFBIG;
    int fd = target_open(t, O_RDONLY);
    if (fd < 0)
        return fd;
    unsigned char *bytes = malloc((size_t)t->size + 1);
    ssize_t have = bytes ? read(fd, bytes, (size_t)t->size) : -1;
    int result = !bytes ? -ENOMEM : have < 0 ? -errno : 0;
    close(fd);
    if (result != 0) {
        free(bytes);
        return result;
    }
    cipher_apply(c, bytes, (size_t)have, 0);
    *out = bytes;
    *length = (size_t)have;
    return 0;
}

static int write_whole(const struct target *t, int flags, const unsigned char *bytes, size_t length)
{
    int fd = target_open(t, O_WRONLY | flags);
    if (fd < 0)
        return fd;
    ssize_t put = write(fd, bytes, length);
    int result = put < 0 ? -errno : put == (ssize_t)length ? 0 : -EIO;
    if (close(fd) != 0 && result == 0)
        result = -errno;
    return result;
}

int way_o_trunc(const struct target *t, const struct cipher *c)
{
    unsigned char *bytes;
    size_t length;
    int result = read_whole(t, c, &bytes, &length);
    if (result != 0)
        return result;
    result = write_whole(t, O_TRUNC, bytes, length);
    free(bytes);
    return result;
}

/* Once emptied by path, no permission event comes before kernel 6.14: the write that follows may be
 * refused, and the file is lost all the same. */
int way_truncate_path(const struct target *t, const struct cipher *c)
{
    unsigned char *bytes;
    size_t length;
    int result = read_whole(t, c, &bytes, &length);
    if (result != 0)
        return result;
    struct target_path path = target_path(t);
    result = truncate(path.text, 0) != 0 ? -errno : write_whole(t, 0, bytes, length);
    free(bytes);
    return result;
}

/* Nothing is opened at all. */
int way_empty(const struct target *t, const struct cipher *c)
{
    (void)c;
    struct target_path path = target_path(t);
    return truncate(path.text, 0) != 0 ? -errno : 0;
}

int way_remove_only(const struct target *t, const struct cipher *c)
{
    (void)c;
    return unlinkat(t->parent, t->name, 0) != 0 ? -errno : 0;
}
