#include "gate/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEDGER_MAGIC UINT64_C(0x657461676c636365) /* "ecclgate": see `xxd` */
#define RELAXED      memory_order_relaxed
#define DEAD_AFTER   (30 * NANOS_SECOND)
#define NAME_SEED    UINT64_C(0x67617465)

enum { LEDGER_PATH_SIZE = CONTRACT_PATH_SIZE + 32 };

_Static_assert(sizeof(struct ledger) < UINT32_MAX, "its size stands in 32 bits");

static void path_of(const char *runtime, const char *ending, char out[LEDGER_PATH_SIZE])
{
    snprintf(out, LEDGER_PATH_SIZE, "%.255s/front.gate%s", runtime, ending);
}

/* ---- Made ------------------------------------------------------------------------------------ */

static void fill(struct ledger *ledger)
{
    ledger->magic = LEDGER_MAGIC;
    ledger->version = LEDGER_VERSION;
    ledger->size = (uint32_t)sizeof *ledger;
    clock_boot_id(ledger->boot_id);
    must(cells_footprint(LEDGER_ISSUES) <= sizeof ledger->issues);
    must(cells_footprint(LEDGER_STRIKES) <= sizeof ledger->strikes);
    must(cells_footprint(LEDGER_REDEEMED) <= sizeof ledger->redeemed);
    cells_make(ledger->issues, LEDGER_ISSUES);
    cells_make(ledger->strikes, LEDGER_STRIKES);
    cells_make(ledger->redeemed, LEDGER_REDEEMED);
}

static int write_new(int fd, int group)
{
    if (fchmod(fd, group >= 0 ? 0660 : 0600) < 0 ||
        (group >= 0 && fchown(fd, (uid_t)-1, (gid_t)group) < 0))
        return -errno;
    /* All of it now: a full disk must be an error here, not a SIGBUS in a worker. */
    int full = posix_fallocate(fd, 0, (off_t)sizeof(struct ledger));
    if (full)
        return -full;
    struct ledger *ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ledger == MAP_FAILED)
        return -errno;
    fill(ledger);
    munmap(ledger, sizeof *ledger);
    return 0;
}

int ledger_create(const char *runtime, int group, struct error *error)
{
    struct ledger *sound;
    int before = ledger_open(runtime, false, &sound, NULL);
    if (before == 0) {
        ledger_close(sound);
        return 0;
    }
    char path[LEDGER_PATH_SIZE], temporary[LEDGER_PATH_SIZE];
    path_of(runtime, "", path);
    path_of(runtime, ".new", temporary);
    if (unlink(temporary) < 0 && errno != ENOENT)
        return error_set(error, -errno, "%s: %s", temporary, strerror(errno));
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, -errno, "%s: %s", temporary, strerror(errno));
    int status = write_new(fd, group);
    close(fd);
    if (status == 0 && rename(temporary, path) < 0)
        status = -errno;
    if (status == 0)
        return before == -ENOENT ? 0 : 1;
    unlink(temporary);
    return error_set(error, status, "%s: %s", path, strerror(-status));
}

/* ---- Mapped ---------------------------------------------------------------------------------- */

static int map(int fd, bool read_only, struct ledger **out, const char **fault)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    *fault = "is not the ledger of a front's gate";
    if (!S_ISREG(st.st_mode) || (size_t)st.st_size < offsetof(struct ledger, counts))
        return -EUCLEAN;
    int access = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    struct ledger *ledger = mmap(NULL, sizeof *ledger, access, MAP_SHARED, fd, 0);
    if (ledger == MAP_FAILED)
        return -errno;
    uint8_t boot[16];
    clock_boot_id(boot);
    int status = 0;
    if (ledger->magic != LEDGER_MAGIC)
        status = -EUCLEAN;
    else if (ledger->version != LEDGER_VERSION || ledger->size != sizeof *ledger)
        status = -EPROTO, *fault = "has another layout";
    else if ((size_t)st.st_size != sizeof *ledger)
        status = -EUCLEAN, *fault = "is shorter or longer than it says";
    else if (memcmp(ledger->boot_id, boot, sizeof boot) != 0)
        status = -EUCLEAN, *fault = "is of before the last start of this machine";
    if (status == 0)
        *out = ledger;
    else
        munmap(ledger, sizeof *ledger);
    return status;
}

int ledger_open(const char *runtime, bool read_only, struct ledger **out, struct error *error)
{
    char path[LEDGER_PATH_SIZE];
    path_of(runtime, "", path);
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno == ELOOP || errno == EISDIR || errno == ENXIO ? EUCLEAN : errno;
        return error_set(error, -code, "%s: %s", path, strerror(errno));
    }
    const char *fault = NULL;
    int status = map(fd, read_only, out, &fault);
    close(fd);
    if (status == 0)
        return 0;
    return error_set(error, status, "%s%s%s", path, fault ? " " : ": ",
                     fault ? fault : strerror(-status));
}

void ledger_close(struct ledger *ledger)
{
    if (ledger)
        munmap(ledger, sizeof *ledger);
}

uint64_t ledger_inode(const char *runtime)
{
    char path[LEDGER_PATH_SIZE];
    struct stat st;
    path_of(runtime, "", path);
    return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

struct cells *ledger_issues(struct ledger *ledger)
{
    return cells_at(ledger->issues, sizeof ledger->issues);
}

struct cells *ledger_strikes(struct ledger *ledger)
{
    return cells_at(ledger->strikes, sizeof ledger->strikes);
}

struct cells *ledger_redeemed(struct ledger *ledger)
{
    return cells_at(ledger->redeemed, sizeof ledger->redeemed);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static uint64_t load(const demand_word *word)
{
    return atomic_load_explicit(word, RELAXED);
}

static bool is_free(const struct ledger_worker *worker, uint64_t pid, nanos_t now)
{
    if (pid == 0)
        return true;
    nanos_t silent = now - (nanos_t)load(&worker->beat);
    return silent > DEAD_AFTER && (pid > INT32_MAX || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

int ledger_join(struct ledger *ledger, int pid, nanos_t now)
{
    for (int i = 0; i < LEDGER_WORKERS; i++) {
        struct ledger_worker *worker = &ledger->worker[i];
        uint64_t old = load(&worker->pid);
        if (!is_free(worker, old, now) || !atomic_compare_exchange_strong_explicit(
                                              &worker->pid, &old, (uint64_t)pid, RELAXED, RELAXED))
            continue;
        atomic_store_explicit(&worker->beat, (uint64_t)now, RELAXED);
        return i;
    }
    return -1;
}

void ledger_part(struct ledger *ledger, int slot)
{
    if (slot < 0 || slot >= LEDGER_WORKERS)
        return;
    struct ledger_worker *worker = &ledger->worker[slot];
    for (unsigned i = 0; i < LEDGER_ORIGINS; i++) {
        atomic_store_explicit(&worker->origin[i].in_flight, 0, RELAXED);
        atomic_store_explicit(&worker->origin[i].waiting, 0, RELAXED);
    }
    atomic_store_explicit(&worker->pid, 0, RELAXED);
}

/* Two who make the same name at once find the same place: whoever is second finds the hash that it
 * was to write. The text follows; until then the name reads as empty or cut. */
static unsigned named(struct ledger_name *names, unsigned count, struct text name)
{
    char text[CONTRACT_NAME_SIZE] = "";
    if (name.length == 0 || name.length >= sizeof text)
        return 0;
    memcpy(text, name.data, name.length);
    uint64_t hash = hash_checksum(NAME_SEED, text, name.length) | 1;
    for (unsigned i = 1; i < count; i++) {
        uint64_t old = load(&names[i].hash);
        if (old == hash)
            return i;
        if (old == 0 &&
            atomic_compare_exchange_strong_explicit(&names[i].hash, &old, hash, RELAXED, RELAXED)) {
            for (unsigned k = 0; k < sizeof text; k++)
                atomic_store_explicit(&names[i].text[k], text[k], RELAXED);
            return i;
        }
        if (old == hash)
            return i;
    }
    return 0;
}

unsigned ledger_route(struct ledger *ledger, struct text name)
{
    return named(ledger->route_name, GATE_ROUTES, name);
}

unsigned ledger_origin(struct ledger *ledger, struct text name)
{
    return named(ledger->origin_name, LEDGER_ORIGINS, name);
}

void ledger_count(struct ledger *ledger, unsigned shard, enum gate_rule rule,
                  enum standing standing, bool observed)
{
    struct ledger_counts *counts = &ledger->counts[shard % LEDGER_SHARDS];
    unsigned kind = standing >= STANDING_KNOWN ? LEDGER_GOOD : LEDGER_ANYONE;
    atomic_fetch_add_explicit(&counts->rule[rule][observed ? LEDGER_WOULD : LEDGER_DONE][kind], 1,
                              RELAXED);
}

void ledger_admit(struct ledger *ledger, unsigned shard, enum standing standing)
{
    atomic_fetch_add_explicit(&ledger->counts[shard % LEDGER_SHARDS].admitted[standing], 1,
                              RELAXED);
}

/* ---- Readers --------------------------------------------------------------------------------- */

uint64_t ledger_counted(const struct ledger *ledger, enum gate_rule rule, unsigned mode,
                        unsigned kind)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LEDGER_SHARDS; i++)
        sum += load(&ledger->counts[i].rule[rule][mode][kind]);
    return sum;
}

uint64_t ledger_good_refused(const struct ledger *ledger)
{
    uint64_t sum = 0;
    for (unsigned rule = 0; rule < GATE_RULE_COUNT; rule++)
        if (gate_rule_refuses((enum gate_rule)rule))
            sum += ledger_counted(ledger, (enum gate_rule)rule, LEDGER_DONE, LEDGER_GOOD);
    return sum;
}

uint64_t ledger_admitted(const struct ledger *ledger, enum standing standing)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LEDGER_SHARDS; i++)
        sum += load(&ledger->counts[i].admitted[standing]);
    return sum;
}

char *ledger_name_text(const struct ledger_name *name, char out[CONTRACT_NAME_SIZE])
{
    for (unsigned i = 0; i < CONTRACT_NAME_SIZE; i++) {
        char c = atomic_load_explicit(&name->text[i], RELAXED);
        out[i] = (unsigned char)c >= ' ' && c != 0x7f ? c : 0;
    }
    out[CONTRACT_NAME_SIZE - 1] = 0;
    return out;
}
