#include "budget/file.h"
#include "budget/plan.h"
#include "budget/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOLDS_SKIPPED = 1 << 16 }; /* ids that a lost second may have given out */

struct moment moment_now(void)
{
    struct moment m = {
        .boot = clock_boot(), .wall = clock_wall(), .monotonic = clock_monotonic()};
    clock_boot_id(m.boot_id);
    return m;
}

size_t budget_footprint(const struct contract *c, const struct budget_sizes *sizes)
{
    (void)c; /* a contract is bounded, so the tables do not depend on it */
    struct file_header segment, rings;
    file_plan(GUARD_FRONT, FILE_SEGMENT, sizes, &segment);
    file_plan(GUARD_FRONT, FILE_RINGS, sizes, &rings);
    return (size_t)(segment.size + rings.size);
}

/* ---- Making the two files -------------------------------------------------------------------- */

static void rings_begin(uint8_t *data, const struct file_header *header, void *argument)
{
    const struct moment *moment = argument;
    struct rings_live *live = file_section(data, header, SECTION_RINGS_LIVE);
    struct anchor *anchor = &live->anchor[0];
    memcpy(anchor->boot_id, moment->boot_id, 16);
    /* Ring time begins at a day: so that nothing is ever before its beginning. */
    anchor->offset = NANOS_DAY - moment->boot;
    anchor->check = anchor_check(anchor);
    atomic_store(&live->last_time, (uint64_t)NANOS_DAY);
    atomic_store(&live->last_wall, (uint64_t)moment->wall);
    atomic_store(&live->next_hold, 1);
    struct budget_slot *slots = file_section(data, header, SECTION_SLOTS);
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        atomic_store(&slots[i].used_at, (uint64_t)NANOS_DAY);
}

static const struct anchor *anchor_of(const struct rings_live *live)
{
    const struct anchor *a = &live->anchor[atomic_load(&live->anchor_in_use) & 1];
    return a->check == anchor_check(a) ? a : NULL;
}

/* The wall clock is used here, once a boot, and nowhere else. Backwards it ages nothing that the
 * boot clock does not prove; forwards it is believed, and told when it is much. */
static int rings_age(struct rings_live *live, const struct moment *m, bool *rebooted,
                     struct error *error)
{
    const struct anchor *old = anchor_of(live);
    if (!old)
        return error_set(error, -EUCLEAN, "the rings' clock is damaged");
    *rebooted = memcmp(old->boot_id, m->boot_id, 16) != 0;
    if (!*rebooted)
        return 0;
    nanos_t last_wall = (nanos_t)atomic_load(&live->last_wall);
    nanos_t since;
    if (__builtin_sub_overflow(m->wall, last_wall, &since))
        since = 0;
    int status = 0;
    if (since < m->boot) {
        status = error_set(error, 2,
                           "the wall clock went back across a restart: it says %lld s since the "
                           "last count, this boot alone is %lld s old; the boot's age was used",
                           (long long)(since / NANOS_SECOND), (long long)(m->boot / NANOS_SECOND));
        since = m->boot;
    } else if (since - m->boot > 7 * NANOS_DAY) {
        status = error_set(error, 2,
                           "the wall clock says that the machine was off for %lld h: if that is "
                           "wrong, counts were forgotten too early",
                           (long long)((since - m->boot) / NANOS_HOUR));
    }
    nanos_t time;
    uint64_t last_time = atomic_load(&live->last_time);
    if (last_time > (uint64_t)NANOS_FOREVER / 4 || since > NANOS_FOREVER / 4)
        return error_set(error, -EUCLEAN, "the rings' clock is damaged");
    time = (nanos_t)last_time + since;
    struct anchor *next = &live->anchor[(atomic_load(&live->anchor_in_use) & 1) ^ 1];
    memcpy(next->boot_id, m->boot_id, 16);
    next->offset = time - m->boot;
    next->check = anchor_check(next);
    atomic_fetch_add(&live->anchor_in_use, 1);
    atomic_store(&live->last_time, (uint64_t)time);
    atomic_store(&live->last_wall, (uint64_t)m->wall);
    atomic_fetch_add(&live->next_hold, HOLDS_SKIPPED);
    return status;
}

static int set_aside(const char *path, struct error *error)
{
    char damaged[FILE_PATH_SIZE + 16];
    snprintf(damaged, sizeof damaged, "%s.damaged", path);
    if (rename(path, damaged) < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    return 0;
}

static bool same_shape(const struct file_header *a, const struct file_header *b)
{
    return a->size == b->size && a->section_count == b->section_count &&
           memcmp(a->section, b->section, sizeof a->section) == 0;
}

struct making {
    enum guard guard;
    const struct budget_sizes *sizes;
    const struct moment *moment;
    int group;
    struct error *error;
    struct hash_key key;
};

static int rings_anew(struct making *m, const char *path)
{
    struct file_header header;
    file_plan(m->guard, FILE_RINGS, m->sizes, &header);
    memcpy(header.boot_id, m->moment->boot_id, 16);
    m->key = header.key = hash_key_random();
    struct moment moment = *m->moment;
    return file_make(path, &header, m->group, (struct file_fill){rings_begin, &moment}, m->error);
}

/* 0, 1 (begun anew after damage), 2 (the clock jumped), or negative. Keeps the sizes that a file
 * has: rings are not thrown away because somebody tuned a table. */
static int rings_make(struct making *m, const char *path)
{
    struct mapping old;
    struct error why = {""};
    uint32_t version = 0;
    int status = file_map(path, m->guard, FILE_RINGS, false, &old, &version, &why);
    if (status == -EPROTO) {
        struct file_header header;
        file_plan(m->guard, FILE_RINGS, m->sizes, &header);
        memcpy(header.boot_id, m->moment->boot_id, 16);
        status = rings_migrate(path, version, &header, m->group, &why);
        if (status == 0)
            status = file_map(path, m->guard, FILE_RINGS, false, &old, &version, &why);
    }
    if (status == -ENOENT)
        return rings_anew(m, path);
    if (status != 0 && status != -EUCLEAN && status != -EPROTO)
        return error_set(m->error, status, "%s", why.text);
    if (status == 0) {
        m->key = old.header.key;
        struct rings_live *live = file_section(old.data, &old.header, SECTION_RINGS_LIVE);
        bool rebooted = false;
        status = rings_age(live, m->moment, &rebooted, &why);
        if (status >= 0 && rebooted)
            rings_recover(old.data, &old.header);
        if (status >= 0 && msync(old.data, LAYOUT_PAGE * 2, MS_SYNC) < 0)
            status = -errno;
        if (status >= 0 && (fchmod(old.fd, m->group >= 0 ? 0660 : 0600) < 0 ||
                            (m->group >= 0 && fchown(old.fd, (uid_t)-1, (gid_t)m->group) < 0)))
            status = -errno;
        file_unmap(&old);
        if (status != -EUCLEAN)
            return status ? error_set(m->error, status, "%s", why.text) : 0;
    }
    status = set_aside(path, m->error);
    if (status == 0)
        status = rings_anew(m, path);
    return status < 0 ? status : error_set(m->error, 1, "%s; counts begin anew", why.text);
}

static void retire(struct mapping *old)
{
    struct segment_live *live = file_section(old->data, &old->header, SECTION_SEGMENT_LIVE);
    atomic_store(&live->retired, 1);
    file_unmap(old);
}

static int segment_make(struct making *m, const char *path)
{
    struct file_header header;
    file_plan(m->guard, FILE_SEGMENT, m->sizes, &header);
    memcpy(header.boot_id, m->moment->boot_id, 16);
    header.key = m->key;
    struct mapping old;
    struct error why = {""};
    uint32_t version = 0;
    int damaged = 0;
    int status = file_map(path, m->guard, FILE_SEGMENT, false, &old, &version, &why);
    if (status == 0) {
        bool ours = same_shape(&old.header, &header) &&
                    memcmp(old.header.boot_id, header.boot_id, 16) == 0 &&
                    old.header.key.k0 == m->key.k0 && old.header.key.k1 == m->key.k1;
        if (ours) {
            int group = m->group;
            if (fchmod(old.fd, group >= 0 ? 0660 : 0600) < 0 ||
                (group >= 0 && fchown(old.fd, (uid_t)-1, (gid_t)group) < 0))
                status = error_set(m->error, -errno, "%s: %s", path, strerror(errno));
            file_unmap(&old);
            return status;
        }
        retire(&old);
    } else if (status == -EUCLEAN) {
        status = set_aside(path, m->error);
        if (status < 0)
            return status;
        damaged = error_set(m->error, 1, "%s; holds and rates begin anew", why.text);
    } else if (status != -ENOENT && status != -EPROTO) {
        return error_set(m->error, status, "%s", why.text);
    }
    status = file_make(path, &header, m->group, (struct file_fill){NULL, NULL}, m->error);
    return status < 0 ? status : damaged;
}

static int folder_make(const char *path, int group, struct error *error)
{
    if (mkdir(path, 0750) == 0) {
        if (group >= 0 && chown(path, (uid_t)-1, (gid_t)group) < 0)
            return error_set(error, -errno, "%s: %s", path, strerror(errno));
        return 0;
    }
    return errno == EEXIST ? 0 : error_set(error, -errno, "%s: %s", path, strerror(errno));
}

int budget_create(const struct contract *c, enum guard guard, const struct budget_sizes *sizes,
                  struct moment moment, int group, struct error *error)
{
    char path[FILE_PATH_SIZE], folder[FILE_PATH_SIZE];
    snprintf(folder, sizeof folder, "%s/budget", c->state);
    int status = folder_make(folder, group, error);
    if (status < 0)
        return status;
    struct making m = {guard, sizes, &moment, group, error, {0, 0}};
    file_path(c, guard, FILE_RINGS, path);
    int rings = rings_make(&m, path);
    if (rings < 0)
        return rings;
    file_path(c, guard, FILE_SEGMENT, path);
    int segment = segment_make(&m, path);
    if (segment < 0)
        return segment;
    return rings == 2 ? 2 : rings | segment;
}

int budget_share(const struct contract *c, enum guard guard, int group, struct error *error)
{
    static const enum file_kind kinds[] = {FILE_RINGS, FILE_SEGMENT};
    for (size_t i = 0; group >= 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[FILE_PATH_SIZE];
        file_path(c, guard, kinds[i], path);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int code =
            fd < 0 || fchown(fd, (uid_t)-1, (gid_t)group) < 0 || fchmod(fd, 0640) < 0 ? -errno : 0;
        if (fd >= 0)
            close(fd);
        if (code < 0)
            return error_set(error, code, "%s: %s", path, strerror(-code));
    }
    return 0;
}

/* ---- Opening them ---------------------------------------------------------------------------- */

static void take_segment(struct budgets *b, const struct mapping *m)
{
    const struct file_header *h = &m->header;
    b->segment = m->data;
    b->segment_size = m->size;
    memcpy(b->segment_identity, m->identity, 16);
    b->live = file_section(m->data, h, SECTION_SEGMENT_LIVE);
    b->rates = file_section(m->data, h, SECTION_RATES);
    b->rate_table = table_of(h->section[SECTION_RATES].count / RATES_A_LINE, 1);
    b->quarters = file_section(m->data, h, SECTION_QUARTERS);
    b->quarter_table = table_of(h->section[SECTION_QUARTERS].count / CELLS_A_LINE, 1);
    b->hold_keys = file_section(m->data, h, SECTION_HOLD_KEYS);
    b->holds = file_section(m->data, h, SECTION_HOLDS);
    b->hold_sets = h->section[SECTION_HOLDS].count / KEYS_A_SET;
    b->shrinks = file_section(m->data, h, SECTION_SHRINKS);
    b->tallies = file_section(m->data, h, SECTION_TALLIES);
    b->promises = file_section(m->data, h, SECTION_PROMISES);
}

static void take_rings(struct budgets *b, const struct mapping *m)
{
    const struct file_header *h = &m->header;
    b->rings_file = m->data;
    b->rings_size = m->size;
    b->key = h->key;
    b->rings_live = file_section(m->data, h, SECTION_RINGS_LIVE);
    b->slots = file_section(m->data, h, SECTION_SLOTS);
    b->ring_keys = file_section(m->data, h, SECTION_RING_KEYS);
    b->rings = file_section(m->data, h, SECTION_RINGS);
    b->ring_table = table_of(h->section[SECTION_RINGS].count / KEYS_A_SET, 2);
    b->things = file_section(m->data, h, SECTION_THINGS);
    b->thing_table = table_of(h->section[SECTION_THINGS].count / CELLS_A_LINE, 2);
    b->crowds = file_section(m->data, h, SECTION_CROWDS);
}

static int both_map(struct budgets *b, const struct contract *c, struct error *error)
{
    char path[FILE_PATH_SIZE];
    uint32_t version;
    struct mapping segment, rings;
    file_path(c, b->guard, FILE_SEGMENT, path);
    memcpy(b->segment_path, path, sizeof path);
    int status = file_map(path, b->guard, FILE_SEGMENT, b->read_only, &segment, &version, error);
    if (status < 0)
        return status;
    file_path(c, b->guard, FILE_RINGS, path);
    status = file_map(path, b->guard, FILE_RINGS, b->read_only, &rings, &version, error);
    if (status < 0) {
        file_unmap(&segment);
        return status;
    }
    take_segment(b, &segment);
    take_rings(b, &rings);
    close(segment.fd);
    close(rings.fd);
    const struct anchor *anchor = anchor_of(b->rings_live);
    if (!anchor || segment.header.key.k0 != b->key.k0 || segment.header.key.k1 != b->key.k1)
        return error_set(error, -EUCLEAN, "%s: the segment and the rings do not belong together",
                         path);
    b->offset = anchor->offset;
    /* Fewer TLB misses where the kernel allows it; no matter where it does not. */
    madvise(b->segment, b->segment_size, MADV_HUGEPAGE);
    return 0;
}

int budget_open(const struct contract *c, enum guard guard, bool read_only, struct budgets **out,
                struct error *error)
{
    struct budgets *b = calloc(1, sizeof *b);
    if (!b)
        return error_set(error, -ENOMEM, "no memory");
    b->guard = guard;
    b->read_only = read_only;
    b->shard = (unsigned)getpid() % TALLY_SHARDS;
    int status = both_map(b, c, error);
    if (status == 0) {
        struct plan *plan = plan_new(b, c, error);
        atomic_store(&b->plan, plan);
        status = plan ? 0 : -ENOSPC;
    }
    if (status < 0) {
        budget_close(b);
        return status;
    }
    *out = b;
    return 0;
}

void budget_close(struct budgets *b)
{
    if (!b)
        return;
    plan_free(atomic_load(&b->plan));
    plan_free(b->prepared);
    plan_free(b->former);
    if (b->segment)
        munmap(b->segment, b->segment_size);
    if (b->rings_file)
        munmap(b->rings_file, b->rings_size);
    free(b);
}

bool budget_is_replaced(const struct budgets *b)
{
    uint8_t now[16];
    if (atomic_load(&b->live->retired))
        return true;
    return file_identity(b->segment_path, now) && memcmp(now, b->segment_identity, 16) != 0;
}

/* ---- Another contract ------------------------------------------------------------------------ */

int budget_prepare(struct budgets *b, const struct contract *next, struct error *error)
{
    struct plan *plan = plan_new(b, next, error);
    if (!plan)
        return -ENOSPC;
    plan_free(b->prepared);
    b->prepared = plan;
    return 0;
}

void budget_commit(struct budgets *b)
{
    if (!b->prepared)
        return;
    /* A thread in the middle of a charge may still use the plan in force, and never the one before
     * it. */
    plan_free(b->former);
    b->former = atomic_load(&b->plan);
    atomic_store_explicit(&b->plan, b->prepared, memory_order_release);
    b->prepared = NULL;
}

void budget_rollback(struct budgets *b)
{
    plan_free(b->prepared);
    b->prepared = NULL;
}

void budget_set_mode(struct budgets *b, enum mode mode)
{
    atomic_store(&b->mode, (int)mode);
}

int budget_sync_at(struct budgets *b, struct moment moment)
{
    if (b->read_only)
        return -EACCES;
    const struct anchor *anchor = anchor_of(b->rings_live);
    if (anchor && memcmp(anchor->boot_id, moment.boot_id, 16) == 0) {
        atomic_store(&b->rings_live->last_time, (uint64_t)ring_time(b, moment.boot));
        atomic_store(&b->rings_live->last_wall, (uint64_t)moment.wall);
    }
    return msync(b->rings_file, b->rings_size, MS_SYNC) < 0 ? -errno : 0;
}

int budget_sync(struct budgets *b)
{
    return budget_sync_at(b, moment_now());
}
