/* encrypt_ways_rare: with calls that a guard may overlook. See encrypt.h. */
#include "encrypt.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is written through a mapping, no event reports. */
int way_mapped(const struct target *t, const struct cipher *c)
{
    if (t->size == 0)
        return 0;
    int fd = target_open(t, O_RDWR);
    if (fd < 0)
        return fd;
    void *bytes = mmap(NULL, (size_t)t->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int result = bytes == MAP_FAILED ? -errno : 0;
    close(fd); /* the mapping outlives it */
    if (result != 0)
        return result;
    for (off_t at = 0; at < t->size; at += CIPHER_STEP) {
        size_t length = t->size - at < CIPHER_STEP ? (size_t)(t->size - at) : CIPHER_STEP;
        cipher_apply(c, (unsigned char *)bytes + at, length, at);
    }
    munmap(bytes, (size_t)t->size);
    return 0;
}

/* ---- io_uring -------------------------------------------------------------------------------- */

/* One request after another, each by a kernel thread of the ring rather than by this thread. */
static int ring_do(struct io_uring *ring, struct io_uring_sqe *request)
{
    io_uring_sqe_set_flags(request, IOSQE_ASYNC);
    int result = io_uring_submit(ring);
    struct io_uring_cqe *done;
    if (result < 0 || (result = io_uring_wait_cqe(ring, &done)) < 0)
        return result;
    result = done->res;
    io_uring_cqe_seen(ring, done);
    return result;
}

static int ring_copy(struct io_uring *ring, int fd, const struct target *t, const struct cipher *c)
{
    unsigned char *bytes = malloc(CIPHER_STEP);
    int result = bytes ? 0 : -ENOMEM;
    for (off_t at = 0; at < t->size && result >= 0; at += CIPHER_STEP) {
        struct io_uring_sqe *request = io_uring_get_sqe(ring);
        io_uring_prep_read(request, fd, bytes, CIPHER_STEP, (uint64_t)at);
        result = ring_do(ring, request);
        if (result <= 0)
            break;
        cipher_apply(c, bytes, (size_t)result, at);
        request = io_uring_get_sqe(ring);
        io_uring_prep_write(request, fd, bytes, (unsigned)result, (uint64_t)at);
        result = ring_do(ring, request);
    }
    free(bytes);
    return result < 0 ? result : 0;
}

int way_by_ring(const struct target *t, const struct cipher *c)
{
    static struct io_uring ring;
    static bool open;
    if (!open) {
        int result = io_uring_queue_init(4, &ring, 0);
        if (result < 0)
            return result;
        open = true;
    }
    struct target_path path = target_path(t);
    struct io_uring_sqe *request = io_uring_get_sqe(&ring);
    io_uring_prep_openat(request, AT_FDCWD, path.text, O_RDWR | O_CLOEXEC, 0);
    int fd = ring_do(&ring, request);
    if (fd < 0)
        return fd;
    int result = ring_copy(&ring, fd, t, c);
    close(fd);
    return result;
}

/* ---- Extents --------------------------------------------------------------------------------- */

/* Encrypted apart, then laid over the file as shared extents: not one byte is written to it. */
int way_clone_over(const struct target *t, const struct cipher *c)
{
    int fd = target_open(t, O_RDWR);
    if (fd < 0)
        return fd;
    int beside = openat(t->parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int result = beside < 0 ? -errno : cipher_copy(c, fd, beside, (struct extent){0});
    if (result == 0 && (ftruncate(beside, t->size) != 0 || ioctl(fd, FICLONE, beside) != 0))
        result = -errno;
    if (beside >= 0)
        close(beside);
    close(fd);
    return result;
}

int way_punch(const struct target *t, const struct cipher *c)
{
    (void)c;
    if (t->size == 0)
        return 0;
    int fd = target_open(t, O_WRONLY);
    if (fd < 0)
        return fd;
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    int result = fallocate(fd, mode, 0, t->size) != 0 ? -errno : 0;
    close(fd);
    return result;
}
