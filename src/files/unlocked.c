#include "files/unlocked.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SCATTERED = 16384 }; /* less than that is a sample: what lies around it is not read ahead */

static ssize_t copy_from_mapping(const char *from, void *to, size_t length)
{
    struct iovec here = {to, length}, there = {(void *)from, length};
    ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    return got < 0 && errno == EFAULT ? 0 : got; /* it is shorter by now */
}

/* Up to the end that the file has now; -1 when it cannot be mapped. */
static ssize_t read_mapped(int fd, void *buffer, size_t length, uint64_t at)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -1;
    uint64_t size = (uint64_t)status.st_size;
    if (at >= size)
        return 0;
    if (length > size - at)
        length = size - at;
    size_t before = at % (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, before + length, PROT_READ, MAP_SHARED, fd, (off_t)(at - before));
    if (map == MAP_FAILED)
        return -1;
    if (length < SCATTERED)
        (void)madvise(map, before + length, MADV_RANDOM);
    ssize_t got = copy_from_mapping(map + before, buffer, length);
    munmap(map, before + length);
    return got;
}

static ssize_t read_some(int fd, void *buffer, size_t length, uint64_t at)
{
    struct iovec part = {buffer, length};
    ssize_t got = preadv2(fd, &part, 1, (off_t)at, RWF_NOWAIT);
    if (got < 0 && errno == EAGAIN)
        got = read_mapped(fd, buffer, length, at);
    else if (got < 0 && errno == EOPNOTSUPP) /* it knows no locks of that kind */
        got = pread(fd, buffer, length, (off_t)at);
    return got;
}

long unlocked_read(int fd, void *buffer, size_t length, uint64_t at)
{
    size_t got = 0;
    while (got < length) {
        ssize_t n = read_some(fd, (char *)buffer + got, length - got, at + got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (long)got;
}

/* Behind all that a file may hold the lock is taken, and nothing is read. */
bool unlocked_now(int fd)
{
    char byte;
    struct iovec part = {&byte, 1};
    return preadv2(fd, &part, 1, INT64_MAX - 1, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}
