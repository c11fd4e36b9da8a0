#include "audit/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RING_MAGIC   UINT64_C(0x32676e6952757445) /* changes with the layout, as STATUS_MAGIC does \
                                                   */
#define STATUS_MAGIC UINT64_C(0x3374617453757445)

/* A place goes from free to filled for the number that took it: `filled` is the number whose act
 * it holds. The checksum shows an act that a stopped process wrote late, into a place that had
 * been given to another. */
struct place {
    _Atomic uint64_t filled;
    uint64_t checksum;
    struct act act;
};

struct ring {
    uint64_t magic;
    _Alignas(64) _Atomic uint64_t taken; /* the last number given out */
    _Alignas(64) _Atomic uint64_t lost;
    struct place place[]; /* handover_places() */
};

/* The writer's page. `read` and `durable` are the last numbers of each ring; `told` is how many
 * of the lost are on the record. */
struct status {
    uint64_t magic;
    _Atomic int32_t writer;
    _Atomic nanos_t heartbeat, witnessed_at;
    _Atomic uint64_t log_size, witnessed_size;
    struct {
        _Atomic uint64_t read, durable, holes, told;
    } ring[HANDOVER_COUNT];
};

struct handover {
    struct ring *ring;
    enum handover_name name;
    const struct status *status; /* NULL while there is no writer yet */
    char runtime[256];
};

static const char *const names[] = {
#define X(constant, name, places, text) name,
    HANDOVER_NAMES(X)
#undef X
};

static const uint64_t places[] = {
#define X(constant, name, places, text) places,
    HANDOVER_NAMES(X)
#undef X
};

const char *handover_name(enum handover_name name)
{
    must(name < HANDOVER_COUNT);
    return names[name];
}

uint64_t handover_places(enum handover_name name)
{
    must(name < HANDOVER_COUNT);
    return places[name];
}

static size_t ring_size(enum handover_name name)
{
    return sizeof(struct ring) + handover_places(name) * sizeof(struct place);
}

static struct place *place_of(struct ring *ring, enum handover_name name, uint64_t number)
{
    return &ring->place[number % handover_places(name)];
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int path_of(const char *runtime, const char *name, char *out, size_t size)
{
    return snprintf(out, size, "%s/%s", runtime, name) < (int)size ? 0 : -ENAMETOOLONG;
}

static int ring_path(const char *runtime, enum handover_name name, char *out, size_t size)
{
    char file[32];
    snprintf(file, sizeof file, "%s.audit", handover_name(name));
    return path_of(runtime, file, out, size);
}

/* Maps a whole file of exactly this size, whose first word is this one. */
static int map_file(const char *path, int flags, size_t size, uint64_t magic, void **out)
{
    struct stat about;
    int file = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return -errno;
    int failed = fstat(file, &about) < 0 ? -errno : 0;
    if (!failed && (!S_ISREG(about.st_mode) || about.st_size != (off_t)size))
        failed = -EPROTO;
    int protection = (flags & O_ACCMODE) == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
    void *mapped = failed ? MAP_FAILED : mmap(NULL, size, protection, MAP_SHARED, file, 0);
    if (!failed && mapped == MAP_FAILED)
        failed = -errno;
    close(file);
    if (!failed && *(const uint64_t *)mapped != magic) {
        munmap(mapped, size);
        failed = -EPROTO;
    }
    if (!failed)
        *out = mapped;
    return failed;
}

/* Made whole under a temporary name, so that nobody ever maps half of it. */
static int make_file(const char *path, mode_t mode, int owner, int group, size_t size,
                     uint64_t magic)
{
    char temporary[300];
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    int file = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return -errno;
    int failed =
        posix_fallocate(file, 0, (off_t)size); /* a full disk is met here, not as SIGBUS later */
    failed = -failed;
    if (!failed && pwrite(file, &magic, sizeof magic, 0) != sizeof magic)
        failed = -EIO;
    if (!failed && (owner >= 0 || group >= 0) && fchown(file, (uid_t)owner, (gid_t)group) < 0)
        failed = -errno;
    if (!failed && (fchmod(file, mode) < 0 || rename(temporary, path) < 0))
        failed = -errno;
    close(file);
    if (failed)
        unlink(temporary);
    return failed;
}

/* ---- A guard's side -------------------------------------------------------------------------- */

/* Makes a file that is not there, or gives the one that is to its owner and group of today. */
static int make_or_take_over(const char *path, mode_t mode, int owner, int group, size_t size,
                             uint64_t magic)
{
    void *mapped = NULL;
    if (map_file(path, O_RDWR, size, magic, &mapped) != 0)
        return make_file(path, mode, owner, group, size, magic);
    munmap(mapped, size); /* what was handed over before a restart is still to be read */
    if ((owner >= 0 || group >= 0) && lchown(path, (uid_t)owner, (gid_t)group) < 0)
        return -errno;
    return chmod(path, mode) < 0 ? -errno : 0;
}

int handover_create_for(const char *runtime, enum handover_name name, int owner, int group,
                        struct error *error)
{
    char path[288];
    int failed = ring_path(runtime, name, path, sizeof path);
    if (!failed)
        failed = make_or_take_over(path, group >= 0 ? 0660 : 0600, owner, group, ring_size(name),
                                   RING_MAGIC);
    return failed ? error_set(error, failed, "%s cannot be made: %s", path, strerror(-failed)) : 0;
}

int handover_create(const char *runtime, enum handover_name name, int group, struct error *error)
{
    return handover_create_for(runtime, name, -1, group, error);
}

int handover_create_status(const char *runtime, int owner, struct error *error)
{
    char path[288];
    int failed = path_of(runtime, "audit.status", path, sizeof path);
    if (!failed)
        failed = make_or_take_over(path, 0644, owner, -1, sizeof(struct status), STATUS_MAGIC);
    return failed ? error_set(error, failed, "%s cannot be made: %s", path, strerror(-failed)) : 0;
}

static const struct status *map_status(const char *runtime)
{
    char path[288];
    void *mapped = NULL;
    if (path_of(runtime, "audit.status", path, sizeof path) == 0)
        map_file(path, O_RDONLY, sizeof(struct status), STATUS_MAGIC, &mapped);
    return mapped;
}

int handover_open(const char *runtime, enum handover_name name, struct handover **out,
                  struct error *error)
{
    char path[288];
    struct handover *handover = calloc(1, sizeof *handover);
    if (!handover)
        return error_set(error, -ENOMEM, "out of memory");
    int failed = ring_path(runtime, name, path, sizeof path);
    if (!failed)
        failed = map_file(path, O_RDWR, ring_size(name), RING_MAGIC, (void **)&handover->ring);
    if (failed) {
        free(handover);
        return error_set(error, failed, "%s: %s", path,
                         failed == -EPROTO ? "is not a ring of this version" : strerror(-failed));
    }
    handover->name = name;
    snprintf(handover->runtime, sizeof handover->runtime, "%s", runtime);
    handover->status = map_status(runtime);
    *out = handover;
    return 0;
}

void handover_close(struct handover *handover)
{
    if (!handover)
        return;
    munmap(handover->ring, ring_size(handover->name));
    if (handover->status)
        munmap((void *)(uintptr_t)handover->status, sizeof *handover->status);
    free(handover);
}

/* Places that the writer has made durable are free again. Before there is a writer, a ring's
 * first acts wait in it. */
static uint64_t free_from(struct handover *handover)
{
    if (!handover->status)
        handover->status = map_status(handover->runtime);
    return handover->status ? atomic_load_explicit(&handover->status->ring[handover->name].durable,
                                                   memory_order_acquire)
                            : 0;
}

static uint64_t act_checksum(uint64_t number, const struct act *act)
{
    return hash_checksum(number, act, sizeof *act);
}

static uint64_t take_place(struct handover *handover, uint64_t room)
{
    struct ring *ring = handover->ring;
    uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    do {
        if (taken - free_from(handover) >= room) {
            atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(&ring->taken, &taken, taken + 1,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return taken + 1;
}

static uint64_t hand_over(struct handover *handover, const struct act *act, uint64_t room)
{
    uint64_t number = take_place(handover, room);
    if (!number)
        return 0;
    struct place *place = place_of(handover->ring, handover->name, number);
    place->act = *act;
    place->checksum = act_checksum(number, act);
    atomic_store_explicit(&place->filled, number, memory_order_release);
    return number;
}

uint64_t handover_act(struct handover *handover, const struct act *act)
{
    return handover ? hand_over(handover, act, places[handover->name] / 4 * 3) : 0;
}

uint64_t handover_reserved(struct handover *handover, const struct act *act)
{
    return handover ? hand_over(handover, act, places[handover->name]) : 0;
}

bool handover_is_durable(struct handover *handover, uint64_t number)
{
    return handover && number && free_from(handover) >= number;
}

int handover_durably(struct handover *handover, const struct act *act, nanos_t patience)
{
    if (!handover)
        return -ENOTCONN;
    uint64_t number = handover_reserved(handover, act);
    if (!number)
        return -ENOBUFS;
    const struct timespec pause = {.tv_nsec = 2 * NANOS_MILLISECOND};
    for (nanos_t end = clock_boot() + patience; !handover_is_durable(handover, number);
         nanosleep(&pause, NULL))
        if (clock_boot() > end)
            return -ETIMEDOUT;
    return 0;
}

/* ---- The writer's side ----------------------------------------------------------------------- */

struct handover_reader {
    char runtime[256];
    struct status *status;
    struct ring *ring[HANDOVER_COUNT];
    uint64_t read[HANDOVER_COUNT]; /* the last number taken or passed over */
    nanos_t
        waiting_since[HANDOVER_COUNT]; /* for a place that was taken and is not filled; 0: none */
    uint64_t told_lost[HANDOVER_COUNT];
    unsigned turn;
};

void handover_reader_look(struct handover_reader *reader)
{
    char path[288];
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++) {
        if (reader->ring[name] || ring_path(reader->runtime, name, path, sizeof path) != 0)
            continue;
        void *mapped = NULL;
        if (map_file(path, O_RDONLY, ring_size(name), RING_MAGIC, &mapped) == 0)
            reader->ring[name] = mapped;
    }
}

int handover_reader_new(const char *runtime, struct handover_reader **out, struct error *error)
{
    char path[288];
    struct handover_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_set(error, -ENOMEM, "out of memory");
    snprintf(reader->runtime, sizeof reader->runtime, "%s", runtime);
    int failed = path_of(runtime, "audit.status", path, sizeof path);
    if (!failed && map_file(path, O_RDWR, sizeof(struct status), STATUS_MAGIC,
                            (void **)&reader->status) != 0) {
        failed = make_file(path, 0644, -1, -1, sizeof(struct status), STATUS_MAGIC);
        if (!failed)
            failed = map_file(path, O_RDWR, sizeof(struct status), STATUS_MAGIC,
                              (void **)&reader->status);
    }
    if (failed) {
        free(reader);
        return error_set(error, failed, "%s: %s", path, strerror(-failed));
    }
    /* What an earlier writer took without making it durable is taken again: twice on the record
     * is better than never. */
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++) {
        reader->read[name] = atomic_load(&reader->status->ring[name].durable);
        reader->told_lost[name] = atomic_load(&reader->status->ring[name].told);
    }
    atomic_store(&reader->status->writer, (int32_t)getpid());
    atomic_store(&reader->status->witnessed_at, 0);
    handover_reader_look(reader);
    *out = reader;
    return 0;
}

void handover_reader_free(struct handover_reader *reader)
{
    if (!reader)
        return;
    atomic_store(&reader->status->writer, 0);
    munmap(reader->status, sizeof *reader->status);
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++)
        if (reader->ring[name])
            munmap(reader->ring[name], ring_size(name));
    free(reader);
}

static bool plain(struct text text)
{
    return utf8_is_valid(text) && !text_has_controls(text);
}

static bool field_is_sound(const char *field, size_t size)
{
    const char *zero = memchr(field, 0, size);
    return zero && plain((struct text){field, (size_t)(zero - field)});
}

static bool act_is_sound(const struct act *act)
{
    bool sound = act->kind < ACT_KIND_COUNT && field_is_sound(act->actor, sizeof act->actor) &&
                 field_is_sound(act->subject, sizeof act->subject) &&
                 field_is_sound(act->object, sizeof act->object) &&
                 field_is_sound(act->hold, sizeof act->hold) &&
                 field_is_sound(act->reason, sizeof act->reason) &&
                 field_is_sound(act->evidence, sizeof act->evidence);
    for (size_t i = 0; i < ACT_NUMBERS; i++)
        sound = sound && field_is_sound(act->number[i].name, sizeof act->number[i].name);
    return sound;
}

static void pass_over(struct handover_reader *reader, enum handover_name name)
{
    reader->read[name]++;
    reader->waiting_since[name] = 0;
    atomic_fetch_add_explicit(&reader->status->ring[name].holes, 1, memory_order_relaxed);
}

/* Whether ring `name` gave an act. A number beyond what the ring can hold is a spoilt ring:
 * begin again at its end. */
static bool next_of(struct handover_reader *reader, enum handover_name name, nanos_t now,
                    struct handed_over *out)
{
    struct ring *ring = reader->ring[name];
    for (uint64_t tries = 0; ring && tries < places[name]; tries++) {
        uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
        if (taken == reader->read[name])
            return false;
        if (taken - reader->read[name] > places[name]) {
            reader->read[name] =
                taken - 1; /* also when it went backwards: the ring was made anew */
            pass_over(reader, name);
            continue;
        }
        uint64_t number = reader->read[name] + 1;
        struct place *place = place_of(ring, name, number);
        if (atomic_load_explicit(&place->filled, memory_order_acquire) != number) {
            if (!reader->waiting_since[name])
                reader->waiting_since[name] = now;
            if (now - reader->waiting_since[name] < NANOS_SECOND)
                return false;
            pass_over(reader, name);
            continue;
        }
        struct act act = place->act;
        if (place->checksum != act_checksum(number, &act) || !act_is_sound(&act)) {
            pass_over(reader, name);
            continue;
        }
        reader->read[name] = number;
        reader->waiting_since[name] = 0;
        *out = (struct handed_over){.from = name, .number = number, .act = act};
        return true;
    }
    return false;
}

bool handover_next(struct handover_reader *reader, nanos_t now, struct handed_over *out)
{
    for (unsigned i = 0; i < HANDOVER_COUNT; i++) {
        enum handover_name name = (reader->turn + i) % HANDOVER_COUNT;
        if (next_of(reader, name, now, out)) {
            reader->turn = name + 1;
            return true;
        }
    }
    return false;
}

static uint64_t lost_of(const struct handover_reader *reader, enum handover_name name)
{
    uint64_t lost = atomic_load_explicit(&reader->status->ring[name].holes, memory_order_relaxed);
    if (reader->ring[name])
        lost += atomic_load_explicit(&reader->ring[name]->lost, memory_order_relaxed);
    return lost;
}

uint64_t handover_lost(struct handover_reader *reader, enum handover_name name)
{
    uint64_t lost = lost_of(reader, name), before = reader->told_lost[name];
    reader->told_lost[name] = lost;
    return lost > before ? lost - before : 0;
}

void handover_durable(struct handover_reader *reader, nanos_t now, uint64_t log_size,
                      uint64_t witnessed_size)
{
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++) {
        atomic_store_explicit(&reader->status->ring[name].read, reader->read[name],
                              memory_order_relaxed);
        atomic_store_explicit(&reader->status->ring[name].durable, reader->read[name],
                              memory_order_release);
        atomic_store_explicit(&reader->status->ring[name].told, reader->told_lost[name],
                              memory_order_relaxed);
    }
    atomic_store(&reader->status->log_size, log_size);
    atomic_store(&reader->status->witnessed_size, witnessed_size);
    atomic_store(&reader->status->heartbeat, now);
}

void handover_witnessed(struct handover_reader *reader, nanos_t when)
{
    atomic_store(&reader->status->witnessed_at, when);
}

/* ---- For status ------------------------------------------------------------------------------ */

int handover_status(const char *runtime, struct handover_state *out)
{
    const struct status *status = map_status(runtime);
    if (!status)
        return -ENOENT;
    struct handover_state state = {
        .present = true,
        .writer = atomic_load(&status->writer),
        .heartbeat = atomic_load(&status->heartbeat),
        .witnessed_at = atomic_load(&status->witnessed_at),
        .log_size = atomic_load(&status->log_size),
        .witnessed_size = atomic_load(&status->witnessed_size),
    };
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++) {
        char path[288];
        void *mapped = NULL;
        state.lost[name] = atomic_load(&status->ring[name].holes);
        if (ring_path(runtime, name, path, sizeof path) != 0 ||
            map_file(path, O_RDONLY, ring_size(name), RING_MAGIC, &mapped) != 0)
            continue;
        struct ring *ring = mapped;
        state.lost[name] += atomic_load(&ring->lost);
        state.waiting[name] = atomic_load(&ring->taken) - atomic_load(&status->ring[name].durable);
        munmap(mapped, ring_size(name));
    }
    munmap((void *)(uintptr_t)status, sizeof *status);
    *out = state;
    return 0;
}
