#include "files/vault_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Two buckets of a cache line each for every mark: full ones lose a mark, which costs a question.
 */
enum { PLACES = 8, BUCKETS = 1 << 18, REFUSED_MOST = 62 };

static const char magic[8] = "ECLVIEW3";

struct layout {
    char magic[8];
    uint32_t size;
    _Atomic uint32_t ready;   /* the key is there */
    _Atomic uint32_t pressed; /* more is told than is taken note of */
    struct hash_key key;
    _Atomic uint32_t refused[REFUSED_MOST]; /* users; VAULT_NOBODY is none */
    _Atomic uint64_t sequence;              /* odd while the report is written */
    struct vault_report report;
    _Atomic uint64_t limited; /* odd while the limits are written; 0: never were */
    struct vault_limits limits;
    _Alignas(4096) _Atomic uint64_t mark[BUCKETS][PLACES];
};

struct vault_view {
    struct layout *map;
};

static int file_name(char out[CONTRACT_PATH_SIZE * 2], const char *runtime, const char *share,
                     const char *ending)
{
    int length = snprintf(out, CONTRACT_PATH_SIZE * 2, "%s/vault.%s%s", runtime, share, ending);
    return length < CONTRACT_PATH_SIZE * 2 ? 0 : -ENAMETOOLONG;
}

int vault_view_create(const char *runtime, const char *share, struct error *error)
{
    char name[CONTRACT_PATH_SIZE * 2], fresh[CONTRACT_PATH_SIZE * 2];
    if (file_name(name, runtime, share, "") < 0 || file_name(fresh, runtime, share, ".new") < 0)
        return error_set(error, -ENAMETOOLONG, "the name of the runtime folder is too long");
    int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int status = fd < 0 ? -errno : 0;
    if (status == 0 && ftruncate(fd, sizeof(struct layout)) != 0)
        status = -errno;
    struct layout *map = MAP_FAILED;
    if (status == 0)
        map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (status == 0 && map == MAP_FAILED)
        status = -errno;
    if (status == 0) {
        map->size = sizeof *map;
        for (size_t i = 0; i < REFUSED_MOST; i++)
            map->refused[i] = VAULT_NOBODY;
        memcpy(map->magic, magic, sizeof magic);
        munmap(map, sizeof *map);
        status = rename(fresh, name) == 0 ? 0 : -errno;
    }
    if (fd >= 0)
        close(fd);
    return status < 0 ? error_set(error, status, "%s cannot be made: %s", name, strerror(-status))
                      : 0;
}

int vault_view_open(const char *runtime, const char *share, bool write, struct vault_view **out,
                    struct error *error)
{
    char name[CONTRACT_PATH_SIZE * 2];
    struct stat found;
    if (file_name(name, runtime, share, "") < 0)
        return error_set(error, -ENAMETOOLONG, "the name of the runtime folder is too long");
    int fd = open(name, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set(error, -errno, "%s cannot be opened: %s", name, strerror(errno));
    int status =
        fstat(fd, &found) == 0 && found.st_size == (off_t)sizeof(struct layout) ? 0 : -EPROTO;
    struct layout *map = MAP_FAILED;
    if (status == 0)
        map = mmap(NULL, sizeof *map, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    close(fd);
    if (status == 0 && map == MAP_FAILED)
        status = -errno;
    if (status == 0 && (memcmp(map->magic, magic, sizeof magic) != 0 || map->size != sizeof *map)) {
        munmap(map, sizeof *map);
        status = -EPROTO;
    }
    struct vault_view *view = status == 0 ? malloc(sizeof *view) : NULL;
    if (status == 0 && view == NULL)
        status = -ENOMEM;
    if (status < 0)
        return error_set(error, status, "%s is of another version or damaged", name);
    view->map = map;
    *out = view;
    return 0;
}

void vault_view_close(struct vault_view *view)
{
    if (view == NULL)
        return;
    munmap(view->map, sizeof *view->map);
    free(view);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static _Atomic uint64_t *bucket(const struct vault_view *view, uint64_t mark, bool second)
{
    uint64_t hash = second ? mark >> 32 : mark;
    return view->map->mark[(hash ^ (second ? mark >> 7 : 0)) % BUCKETS];
}

bool vault_view_has(const struct vault_view *view, const struct stat *status)
{
    if (!atomic_load_explicit(&view->map->ready, memory_order_acquire))
        return false;
    uint64_t mark = vault_mark(view->map->key, status);
    const _Atomic uint64_t *one = bucket(view, mark, false), *other = bucket(view, mark, true);
    for (size_t i = 0; i < PLACES; i++)
        if (atomic_load_explicit(&one[i], memory_order_relaxed) == mark ||
            atomic_load_explicit(&other[i], memory_order_relaxed) == mark)
            return true;
    return false;
}

bool vault_view_refuses(const struct vault_view *view, uint32_t user)
{
    if (user == VAULT_NOBODY)
        return false;
    for (size_t i = 0; i < REFUSED_MOST; i++) {
        uint32_t found = atomic_load_explicit(&view->map->refused[i], memory_order_relaxed);
        if (found == user)
            return true;
        if (found == VAULT_NOBODY)
            break;
    }
    return false;
}

bool vault_view_pressed(const struct vault_view *view)
{
    return atomic_load_explicit(&view->map->pressed, memory_order_relaxed);
}

/* What another process writes may change while it is read: tried until it holds still, or given up
 * as it is, with no figure that anything relies on. */
void vault_view_report(const struct vault_view *view, struct vault_report *out)
{
    for (int tries = 0; tries < 100; tries++) {
        uint64_t before = atomic_load_explicit(&view->map->sequence, memory_order_acquire);
        *out = view->map->report;
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 &&
            before == atomic_load_explicit(&view->map->sequence, memory_order_relaxed))
            return;
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

void vault_view_begin(struct vault_view *view, struct hash_key key)
{
    view->map->key = key;
    atomic_store_explicit(&view->map->ready, 1, memory_order_release);
}

void vault_view_mark(struct vault_view *view, uint64_t mark, bool kept)
{
    _Atomic uint64_t *places[2] = {bucket(view, mark, false), bucket(view, mark, true)};
    for (size_t i = 0; i < 2 * PLACES; i++) {
        _Atomic uint64_t *place = &places[i / PLACES][i % PLACES];
        uint64_t found = atomic_load_explicit(place, memory_order_relaxed);
        if (found == mark && kept)
            return;
        if (found != (kept ? 0 : mark))
            continue;
        atomic_store_explicit(place, kept ? mark : 0, memory_order_release);
        if (kept)
            return;
    }
    if (kept)
        atomic_store_explicit(&places[0][mark >> 61], mark, memory_order_release);
}

void vault_view_refuse(struct vault_view *view, const uint32_t *users, size_t count)
{
    if (count > REFUSED_MOST)
        count = REFUSED_MOST;
    for (size_t i = 0; i < REFUSED_MOST; i++)
        atomic_store_explicit(&view->map->refused[i], i < count ? users[i] : VAULT_NOBODY,
                              memory_order_relaxed);
}

void vault_view_press(struct vault_view *view, bool pressed)
{
    atomic_store_explicit(&view->map->pressed, pressed, memory_order_relaxed);
}

void vault_view_limit(struct vault_view *view, const struct vault_limits *limits)
{
    atomic_fetch_add_explicit(&view->map->limited, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    view->map->limits = *limits;
    atomic_fetch_add_explicit(&view->map->limited, 1, memory_order_release);
}

bool vault_view_limited(const struct vault_view *view, uint64_t *seen, struct vault_limits *out)
{
    uint64_t before = atomic_load_explicit(&view->map->limited, memory_order_acquire);
    struct vault_limits limits = view->map->limits;
    atomic_thread_fence(memory_order_acquire);
    if (before == *seen || before % 2 ||
        before != atomic_load_explicit(&view->map->limited, memory_order_relaxed))
        return false; /* it is asked again */
    *seen = before;
    *out = limits;
    return true;
}

void vault_view_tell(struct vault_view *view, const struct vault_report *report)
{
    atomic_fetch_add_explicit(&view->map->sequence, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    view->map->report = *report;
    atomic_fetch_add_explicit(&view->map->sequence, 1, memory_order_release);
}
