/* test_locked.h: a file whose lock somebody holds for as long as the test likes. For tests only.
 *
 * He writes one byte, from a page that is not there until free_lock(): root's userfaultfd(2) stands
 * for the FUSE file of which anybody may have mapped one.
 */
#ifndef ECLUSE_FILES_TEST_LOCKED_H
#define ECLUSE_FILES_TEST_LOCKED_H

#include "files/test_share.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { LOCK_PAGE = 4096, LOCKS_MOST = 16 };

struct lock {
    bool reads; /* shared with other readers, and a clone waits for it all the same */
    int faults, fd;
    char first, *page;
    pthread_t writer;
};

static struct lock locks_now[LOCKS_MOST]; /* for the end of a test that fails; faults 0: free */

static inline void *write_from_page(void *lock)
{
    struct lock *l = lock;
    if (l->reads)
        assert_int_equal(pread(l->fd, l->page, 1, 0), 1);
    else
        assert_int_equal(pwrite(l->fd, l->page, 1, 0), 1); /* the byte that is there */
    return NULL;
}

static inline void free_page(const struct lock *l)
{
    char page[LOCK_PAGE] __attribute__((aligned(LOCK_PAGE))) = {l->first};
    struct uffdio_copy copy = {
        .dst = (uintptr_t)l->page, .src = (uintptr_t)page, .len = LOCK_PAGE};
    if (ioctl(l->faults, UFFDIO_COPY, &copy) != 0)
        print_error("a lock cannot be freed\n");
}

static inline void free_locks_now(void)
{
    for (unsigned i = 0; i < LOCKS_MOST; i++)
        if (locks_now[i].faults)
            free_page(&locks_now[i]);
}

/* Where this one is remembered, or a free place. */
static inline struct lock *lock_now(int faults)
{
    for (unsigned i = 0; i < LOCKS_MOST; i++)
        if (locks_now[i].faults == faults)
            return &locks_now[i];
    return NULL;
}

static inline void take_lock_to(bool read, struct lock *l, const char *path)
{
    static bool registered;
    struct uffdio_api api = {.api = UFFD_API};
    if (!registered)
        registered = atexit(free_locks_now) == 0; /* before the share is unmounted */
    l->reads = read;
    l->faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    assert_true(l->faults >= 0);
    assert_int_equal(ioctl(l->faults, UFFDIO_API, &api), 0);
    l->page = mmap(NULL, LOCK_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(l->page != MAP_FAILED);
    struct uffdio_register page = {.range = {(uintptr_t)l->page, LOCK_PAGE},
                                   .mode = UFFDIO_REGISTER_MODE_MISSING};
    assert_int_equal(ioctl(l->faults, UFFDIO_REGISTER, &page), 0);
    l->fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(l->fd >= 0);
    assert_int_equal(pread(l->fd, &l->first, 1, 0), 1);
    assert_int_equal(pthread_create(&l->writer, NULL, write_from_page, l), 0);
    struct pollfd fault = {.fd = l->faults, .events = POLLIN};
    assert_int_equal(poll(&fault, 1, 5000), 1); /* he has the lock, and waits */
    struct lock *now = lock_now(0);
    assert_non_null(now);
    *now = *l;
}

static inline void take_lock(struct lock *l, const char *path)
{
    take_lock_to(false, l, path);
}

static inline void free_lock(struct lock *l)
{
    lock_now(l->faults)->faults = 0;
    free_page(l);
    assert_int_equal(pthread_join(l->writer, NULL), 0);
    munmap(l->page, LOCK_PAGE);
    close(l->fd);
    close(l->faults);
}

#endif
