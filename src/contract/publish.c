#include "contract/publish.h"

#include "contract/sound.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_MAGIC UINT64_C(0x314c5254434c4345) /* "ECLCTRL1" */
#define FILE_MAGIC    UINT64_C(0x3154434152544e43) /* "CNTRACT1" */

enum { CONTROL_SIZE = 4096, FILE_NAME_SIZE = CONTRACT_PATH_SIZE + 64 };

/* What is shared. Every field is one machine word and any value of it is harmless, so that a reader
 * needs no lock and a writer may be killed between any two stores. */
struct control_page {
    uint64_t magic;
    uint64_t layout;
    _Atomic uint64_t offered, live;
    _Atomic int64_t heartbeat;
    _Atomic int32_t supervisor;
    _Atomic uint32_t panic;
    uint8_t unused[CONTROL_SIZE - 48];
};
_Static_assert(sizeof(struct control_page) == CONTROL_SIZE, "the page is one page");

struct control {
    struct control_page *page;
    int lock; /* -1 for readers */
    dev_t device;
    ino_t inode;
};

struct file_header {
    uint64_t magic, layout, generation, size;
    uint64_t payload_checksum, header_checksum; /* the latter over all before it */
};

/* Two builds agree on a contract only if every field lies at the same place. */
static uint64_t layout(void)
{
    static const uint64_t places[] = {
        1, /* raise it when a meaning changes and no size does */
        sizeof(struct contract),
        sizeof(struct budget_rule),
        sizeof(struct prefix_list),
        sizeof(struct promise_rule),
        sizeof(struct route_rule),
        sizeof(struct tracking_rules),
        sizeof(struct network_rules),
        offsetof(struct contract, tracking),
        offsetof(struct contract, network),
        offsetof(struct contract, share),
        offsetof(struct contract, trusted),
        offsetof(struct contract, protected),
        offsetof(struct contract, route),
        offsetof(struct contract, promise),
        offsetof(struct contract, budget),
        offsetof(struct contract, keep),
        offsetof(struct contract, audit),
        offsetof(struct contract, desk),
        offsetof(struct contract, outputs),
        offsetof(struct contract, passes),
        offsetof(struct budget_rule, window),
        METER_COUNT,
        PRINCIPAL_KIND_COUNT,
        GUARD_COUNT,
    };
    return hash_checksum(CONTROL_SIZE, places, sizeof places);
}

static int name_file(char out[FILE_NAME_SIZE], const char *runtime, const char *format,
                     uint64_t generation)
{
    char leaf[48];
    snprintf(leaf, sizeof leaf, format, generation);
    int length = snprintf(out, FILE_NAME_SIZE, "%s/%s", runtime, leaf);
    return length < FILE_NAME_SIZE ? 0 : -ENAMETOOLONG;
}

static int write_whole(int fd, const void *data, size_t size)
{
    const char *from = data;
    while (size) {
        ssize_t n = write(fd, from, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        from += n;
        size -= (size_t)n;
    }
    return 0;
}

static int read_whole(int fd, void *data, size_t size)
{
    char *to = data;
    while (size) {
        ssize_t n = read(fd, to, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPROTO;
        to += n;
        size -= (size_t)n;
    }
    return 0;
}

static int sync_directory(const char *runtime)
{
    int fd = open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = fsync(fd) ? -errno : 0;
    close(fd);
    return result;
}

struct piece {
    const void *data;
    size_t size;
};

/* Under a temporary name, durable, then renamed: a reader finds the whole file or none. The
 * temporary name is always the same, so that what a killed writer left is overwritten by the next.
 */
static int write_file(const char *runtime, const char *path, const struct piece *pieces,
                      size_t count)
{
    char temporary[FILE_NAME_SIZE + 8];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    if (unlink(temporary) && errno != ENOENT)
        return -errno;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    int result = fchmod(fd, 0644) ? -errno : 0; /* whatever the umask: guards run as other users */
    for (size_t i = 0; i < count && !result; i++)
        result = write_whole(fd, pieces[i].data, pieces[i].size);
    if (!result && fsync(fd))
        result = -errno;
    close(fd);
    if (!result && rename(temporary, path))
        result = -errno;
    if (!result)
        result = sync_directory(runtime);
    if (result)
        unlink(temporary);
    return result;
}

/* Maps `path` if it is a sound page. -ENOENT, -EPROTO, or what open(2) said. */
static int map_page(const char *path, bool writable, struct control *control)
{
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct stat status;
    int result = -EPROTO;
    if (fstat(fd, &status))
        result = -errno;
    else if (S_ISREG(status.st_mode) && status.st_size == CONTROL_SIZE) {
        void *page =
            mmap(NULL, CONTROL_SIZE, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
            result = -errno;
        else {
            *control = (struct control){
                .page = page, .lock = -1, .device = status.st_dev, .inode = status.st_ino};
            result = 0;
            if (control->page->magic != CONTROL_MAGIC || control->page->layout != layout()) {
                munmap(page, CONTROL_SIZE);
                result = -EPROTO;
            }
        }
    }
    close(fd);
    return result;
}

static int control_keep(struct control control, struct control **out, struct error *error)
{
    struct control *kept = malloc(sizeof *kept);
    if (!kept) {
        munmap(control.page, CONTROL_SIZE);
        return error_set(error, -ENOMEM, "no memory for the control page");
    }
    *kept = control;
    *out = kept;
    return 0;
}

/* A record lock, not flock(2): it is not inherited by the guards that the supervisor forks, so that
 * it ends with the supervisor even when they live on. */
static int take_lock(const char *runtime, int *out, struct error *error)
{
    char path[FILE_NAME_SIZE];
    if (name_file(path, runtime, "control.lock", 0))
        return error_set(error, -ENAMETOOLONG, "runtime: %s is too long", runtime);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, -errno, "cannot open %s: %s", path, strerror(errno));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole)) {
        int code = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
        close(fd);
        if (code == -EBUSY)
            return error_set(error, code, "another `ecluse run` works in %s", runtime);
        return error_set(error, code, "cannot lock %s: %s", path, strerror(-code));
    }
    *out = fd;
    return 0;
}

int control_create(const char *runtime, struct control **out, struct error *error)
{
    char path[FILE_NAME_SIZE];
    int lock = -1;
    int result = take_lock(runtime, &lock, error);
    if (result)
        return result;
    struct control control;
    name_file(path, runtime, "control", 0);
    result = map_page(path, true, &control);
    if (result == -ENOENT || result == -EPROTO || result == -ELOOP) {
        /* Never repaired in place: who still maps a page of another version must not see it change
         * under them. */
        struct control_page fresh = {.magic = CONTROL_MAGIC, .layout = layout()};
        result = write_file(runtime, path, &(struct piece){&fresh, sizeof fresh}, 1);
        if (!result)
            result = map_page(path, true, &control);
    }
    if (result) {
        close(lock);
        return error_set(error, result, "cannot make %s: %s", path, strerror(-result));
    }
    control.lock = lock;
    atomic_store(&control.page->supervisor, (int32_t)getpid());
    result = control_keep(control, out, error);
    if (result)
        close(lock);
    return result;
}

int control_open(const char *runtime, const struct control **out, struct error *error)
{
    char path[FILE_NAME_SIZE];
    if (name_file(path, runtime, "control", 0))
        return error_set(error, -ENAMETOOLONG, "runtime: %s is too long", runtime);
    struct control control, *kept = NULL;
    int result = map_page(path, false, &control);
    if (result == -ENOENT)
        return error_set(error, result, "`ecluse run` has not been started in %s", runtime);
    if (result == -EPROTO)
        return error_set(error, result, "%s is damaged or of another version of Ecluse", path);
    if (result)
        return error_set(error, result, "cannot open %s: %s", path, strerror(-result));
    result = control_keep(control, &kept, error);
    if (!result)
        *out = kept;
    return result;
}

int control_force_panic(const char *runtime, bool on, struct error *error)
{
    char path[FILE_NAME_SIZE];
    struct control control;
    int result = name_file(path, runtime, "control", 0);
    if (!result)
        result = map_page(path, true, &control);
    if (result)
        return error_set(error, result, "cannot write %s: %s", path, strerror(-result));
    atomic_store(&control.page->panic, on);
    munmap(control.page, CONTROL_SIZE);
    return 0;
}

void control_close(const struct control *control)
{
    if (!control)
        return;
    munmap(control->page, CONTROL_SIZE);
    if (control->lock >= 0)
        close(control->lock);
    free((void *)(uintptr_t)control);
}

bool control_replaced(const struct control *control, const char *runtime)
{
    char path[FILE_NAME_SIZE];
    struct stat status;
    if (name_file(path, runtime, "control", 0) || lstat(path, &status))
        return true;
    return status.st_dev != control->device || status.st_ino != control->inode;
}

uint64_t control_offered(const struct control *control)
{
    return atomic_load_explicit(&control->page->offered, memory_order_acquire);
}

uint64_t control_live(const struct control *control)
{
    return atomic_load_explicit(&control->page->live, memory_order_acquire);
}

bool control_panic(const struct control *control)
{
    return atomic_load_explicit(&control->page->panic, memory_order_relaxed) != 0;
}

nanos_t control_heartbeat(const struct control *control)
{
    return atomic_load_explicit(&control->page->heartbeat, memory_order_relaxed);
}

int32_t control_supervisor(const struct control *control)
{
    return atomic_load_explicit(&control->page->supervisor, memory_order_relaxed);
}

void control_beat(struct control *control, nanos_t now)
{
    atomic_store_explicit(&control->page->heartbeat, now, memory_order_relaxed);
}

void control_set_panic(struct control *control, bool on)
{
    atomic_store_explicit(&control->page->panic, on, memory_order_relaxed);
}

void control_set_offered(struct control *control, uint64_t generation)
{
    atomic_store_explicit(&control->page->offered, generation, memory_order_release);
}

void control_set_live(struct control *control, uint64_t generation)
{
    atomic_store_explicit(&control->page->live, generation, memory_order_release);
}

void control_stop(struct control *control)
{
    atomic_store(&control->page->heartbeat, 0);
    atomic_store(&control->page->supervisor, 0);
}

static uint64_t header_checksum(const struct file_header *header)
{
    return hash_checksum(FILE_MAGIC, header, offsetof(struct file_header, header_checksum));
}

int contract_publish(const char *runtime, uint64_t generation, const struct contract *c,
                     struct error *error)
{
    char path[FILE_NAME_SIZE];
    if (name_file(path, runtime, "contract.%" PRIu64, generation))
        return error_set(error, -ENAMETOOLONG, "runtime: %s is too long", runtime);
    struct file_header header = {
        .magic = FILE_MAGIC,
        .layout = layout(),
        .generation = generation,
        .size = sizeof *c,
        .payload_checksum = hash_checksum(generation, c, sizeof *c),
    };
    header.header_checksum = header_checksum(&header);
    struct piece pieces[] = {{&header, sizeof header}, {c, sizeof *c}};
    int result = write_file(runtime, path, pieces, 2);
    if (result)
        return error_set(error, result, "cannot write %s: %s", path, strerror(-result));
    return 0;
}

/* Read, not mapped: what is checked is a copy that nobody can change afterwards, and a file that
 * shrinks meanwhile is a short read and no SIGBUS. */
static int read_published(int fd, uint64_t generation, struct contract *copy)
{
    struct stat status;
    struct file_header header;
    if (fstat(fd, &status))
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size != (off_t)(sizeof header + sizeof *copy))
        return -EPROTO;
    int result = read_whole(fd, &header, sizeof header);
    if (result)
        return result;
    if (header.magic != FILE_MAGIC || header.layout != layout() ||
        header.generation != generation || header.size != sizeof *copy ||
        header.header_checksum != header_checksum(&header))
        return -EPROTO;
    result = read_whole(fd, copy, sizeof *copy);
    if (result)
        return result;
    if (hash_checksum(generation, copy, sizeof *copy) != header.payload_checksum ||
        !contract_is_sound(copy))
        return -EPROTO;
    return 0;
}

int contract_published(const char *runtime, uint64_t generation, struct contract *out,
                       struct error *error)
{
    char path[FILE_NAME_SIZE];
    if (name_file(path, runtime, "contract.%" PRIu64, generation))
        return error_set(error, -ENAMETOOLONG, "runtime: %s is too long", runtime);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return error_set(error, -errno, "cannot open %s: %s", path, strerror(errno));
    struct contract *copy = malloc(sizeof *copy);
    int result = copy ? read_published(fd, generation, copy) : -ENOMEM;
    close(fd);
    if (!result)
        memcpy(out, copy, sizeof *out);
    free(copy);
    if (result == -EPROTO)
        return error_set(error, result, "%s is damaged or of another version of Ecluse", path);
    if (result)
        return error_set(error, result, "cannot read %s: %s", path, strerror(-result));
    return 0;
}

void contract_unpublish(const char *runtime, uint64_t generation)
{
    char path[FILE_NAME_SIZE];
    if (!name_file(path, runtime, "contract.%" PRIu64, generation))
        unlink(path);
}
