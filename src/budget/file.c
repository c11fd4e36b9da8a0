#include "budget/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_SEED UINT64_C(0x65636c757365)

struct shape { /* what a section must look like */
    uint32_t entry, most;
};

enum { MOST_ENTRIES = 1 << 28 };

static const struct shape segment_shapes[] = {
#define X(constant, type) {sizeof(type), MOST_ENTRIES},
    SEGMENT_SECTIONS(X)
#undef X
};

static const struct shape rings_shapes[] = {
#define X(constant, type) {sizeof(type), MOST_ENTRIES},
    RINGS_SECTIONS(X)
#undef X
};

void file_path(const struct contract *c, enum guard guard, enum file_kind kind,
               char out[FILE_PATH_SIZE])
{
    if (kind == FILE_SEGMENT)
        snprintf(out, FILE_PATH_SIZE, "%s/%s.segment", c->runtime, guard_name(guard));
    else
        snprintf(out, FILE_PATH_SIZE, "%s/budget/%s.rings", c->state, guard_name(guard));
}

static uint32_t rounded(uint32_t wanted, uint32_t fallback, uint32_t unit)
{
    uint32_t n = wanted ? wanted : fallback;
    if (n > MOST_ENTRIES)
        n = MOST_ENTRIES;
    return n < 16 * unit ? 16 * unit : (n + unit - 1) / unit * unit;
}

uint64_t file_header_check(const struct file_header *h)
{
    return hash_checksum(CHECK_SEED, h, offsetof(struct file_header, check));
}

static void plan_sections(struct file_header *h, const struct shape *shape, const uint32_t *count)
{
    uint64_t offset = LAYOUT_PAGE;
    for (unsigned i = 0; i < h->section_count; i++) {
        h->section[i] =
            (struct section){.offset = offset, .count = count[i], .entry = shape[i].entry};
        uint64_t bytes = (uint64_t)count[i] * shape[i].entry;
        offset += (bytes + LAYOUT_PAGE - 1) / LAYOUT_PAGE * LAYOUT_PAGE;
    }
    h->size = offset;
}

void file_plan(enum guard guard, enum file_kind kind, const struct budget_sizes *sizes,
               struct file_header *out)
{
    static const struct budget_sizes defaults;
    const struct budget_sizes *s = sizes ? sizes : &defaults;
    *out = (struct file_header){.version = LAYOUT_VERSION, .guard = (uint32_t)guard};
    uint32_t holds = rounded(s->holds, 4096, KEYS_A_SET * 16);
    uint32_t rates = rounded(s->cells, 1 << 20, RATES_A_LINE);
    uint32_t rings = rounded(s->rings, 1 << 14, KEYS_A_SET);
    if (kind == FILE_SEGMENT) {
        out->magic = LAYOUT_SEGMENT_MAGIC;
        out->section_count = SEGMENT_SECTION_COUNT;
        plan_sections(out, segment_shapes,
                      (uint32_t[]){1, rates, rounded(rates / 2, 0, CELLS_A_LINE), holds, holds,
                                   SHRINK_COUNT, SLOT_COUNT * TALLY_SHARDS, PROMISE_SLOTS});
        return;
    }
    out->magic = LAYOUT_RINGS_MAGIC;
    out->section_count = RINGS_SECTION_COUNT;
    plan_sections(out, rings_shapes,
                  (uint32_t[]){1, SLOT_COUNT, rings, rings,
                               rounded(s->things, 1 << 22, CELLS_A_LINE), CROWD_COUNT});
}

struct new_file {
    const struct file_header *header;
    struct file_fill fill;
};

static void write_new(void *data, void *argument)
{
    const struct new_file *new_file = argument;
    struct file_header h = *new_file->header;
    h.check = file_header_check(&h);
    memcpy(data, &h, sizeof h);
    if (new_file->fill.write)
        new_file->fill.write(data, &h, new_file->fill.argument);
}

int file_make(const char *path, const struct file_header *header, int group, struct file_fill fill,
              struct error *error)
{
    struct new_file new_file = {header, fill};
    return shared_file_make(path, header->size, group, write_new, &new_file, error);
}

static const char *sections_fault(const struct file_header *h, const struct shape *shape,
                                  unsigned count)
{
    if (h->section_count != count)
        return "has another number of sections";
    uint64_t end = LAYOUT_PAGE;
    for (unsigned i = 0; i < count; i++) {
        const struct section *s = &h->section[i];
        if (s->entry != shape[i].entry || s->count == 0 || s->count > shape[i].most)
            return "has a section of another shape";
        if (s->offset != end)
            return "has sections that overlap";
        uint64_t bytes = (uint64_t)s->count * s->entry;
        end += (bytes + LAYOUT_PAGE - 1) / LAYOUT_PAGE * LAYOUT_PAGE;
    }
    return end == h->size ? NULL : "ends elsewhere than it says";
}

static bool counts_are_ours(const struct file_header *h, enum file_kind kind)
{
    const struct section *s = h->section;
    if (kind == FILE_RINGS)
        return s[SECTION_RINGS_LIVE].count == 1 && s[SECTION_SLOTS].count == SLOT_COUNT &&
               s[SECTION_RING_KEYS].count == s[SECTION_RINGS].count &&
               s[SECTION_RINGS].count % KEYS_A_SET == 0 && s[SECTION_CROWDS].count == CROWD_COUNT &&
               s[SECTION_THINGS].count % CELLS_A_LINE == 0;
    return s[SECTION_SEGMENT_LIVE].count == 1 &&
           s[SECTION_HOLDS].count == s[SECTION_HOLD_KEYS].count &&
           s[SECTION_HOLDS].count % (KEYS_A_SET * 16) == 0 &&
           s[SECTION_RATES].count % RATES_A_LINE == 0 &&
           s[SECTION_QUARTERS].count % CELLS_A_LINE == 0 &&
           s[SECTION_SHRINKS].count == SHRINK_COUNT &&
           s[SECTION_TALLIES].count == SLOT_COUNT * TALLY_SHARDS &&
           s[SECTION_PROMISES].count == PROMISE_SLOTS;
}

static int header_verify(const struct file_header *h, uint64_t size, enum guard guard,
                         enum file_kind kind, uint32_t *version, const char **fault)
{
    *fault = "is not a file of Ecluse's budgets";
    if (h->magic != (kind == FILE_RINGS ? LAYOUT_RINGS_MAGIC : LAYOUT_SEGMENT_MAGIC))
        return -EUCLEAN;
    *fault = "has a damaged header";
    if (h->check != file_header_check(h))
        return -EUCLEAN;
    *version = h->version;
    *fault = "has another layout";
    if (h->version != LAYOUT_VERSION)
        return -EPROTO;
    *fault = "belongs to another guard";
    if (h->guard != (uint32_t)guard)
        return -EUCLEAN;
    *fault = "is shorter or longer than it says";
    if (h->size != size)
        return -EUCLEAN;
    if (kind == FILE_RINGS)
        *fault = sections_fault(h, rings_shapes, RINGS_SECTION_COUNT);
    else
        *fault = sections_fault(h, segment_shapes, SEGMENT_SECTION_COUNT);
    if (*fault)
        return -EUCLEAN;
    *fault = "has tables of another size";
    return counts_are_ours(h, kind) ? 0 : -EUCLEAN;
}

static void identity_of(const struct stat *st, uint8_t out[16])
{
    uint64_t device = (uint64_t)st->st_dev, inode = (uint64_t)st->st_ino;
    memcpy(out, &device, 8);
    memcpy(out + 8, &inode, 8);
}

bool file_identity(const char *path, uint8_t out[16])
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return false;
    identity_of(&st, out);
    return true;
}

static int map_open(int fd, const char *path, bool read_only, struct mapping *out,
                    struct error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(error, -EUCLEAN, "%s is not a regular file", path);
    if (st.st_size < LAYOUT_PAGE)
        return error_set(error, -EUCLEAN, "%s is shorter than its header", path);
    int access = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    void *data = mmap(NULL, (size_t)st.st_size, access, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    *out = (struct mapping){.data = data, .size = (size_t)st.st_size, .fd = fd};
    identity_of(&st, out->identity);
    return 0;
}

int file_map(const char *path, enum guard guard, enum file_kind kind, bool read_only,
             struct mapping *out, uint32_t *version, struct error *error)
{
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int code = errno == ELOOP || errno == EISDIR || errno == ENXIO ? EUCLEAN : errno;
        return error_set(error, -code, "%s: %s", path, strerror(errno));
    }
    struct mapping m;
    int status = map_open(fd, path, read_only, &m, error);
    if (status < 0) {
        close(fd);
        return status;
    }
    const char *fault;
    memcpy(&m.header, m.data, sizeof m.header);
    status = header_verify(&m.header, m.size, guard, kind, version, &fault);
    if (status < 0) {
        file_unmap(&m);
        return error_set(error, status, "%s %s", path, fault);
    }
    *out = m;
    return 0;
}

void file_unmap(struct mapping *m)
{
    if (m->data)
        munmap(m->data, m->size);
    if (m->fd >= 0)
        close(m->fd);
    *m = (struct mapping){.fd = -1};
}

uint64_t anchor_check(const struct anchor *a)
{
    return hash_checksum(CHECK_SEED + 1, a, offsetof(struct anchor, check));
}
