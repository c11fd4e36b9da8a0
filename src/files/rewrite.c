#include "files/rewrite.h"

#include "files/entropy.h"
#include "files/filetype.h"
#include "files/unlocked.h"

#include <sys/stat.h>

/* The thresholds, in thousandths of a bit per byte. Deflated and encrypted chunks of 4 KiB lie
 * within 60 of noise, text and programs at 3000 to 6500 (bench/vault --figures). */
enum {
    NEAR_NOISE = 150,      /* this far below noise is noise */
    ROSE = 500,            /* at least this much above the old chunk */
    ROSE_IN_LETTERS = 700, /* base64 of noise has 6000: above any text */
    LETTERS = 5750,
    DENSE = 7500, /* a file of unknown type that looked like noise before */
    BLANK = 500,  /* zeros, or one letter over and over */
    NOT_BLANK = 1500,
    FEW = 4,            /* chunks: shorter files are often as long as before by chance */
    PLACEHOLDER = 1024, /* bytes: what is shorter may stand for what follows */
    EDGE = 16,          /* chunks at the head and at the tail that are always looked at */
};

struct side {
    int fd;
    uint64_t size;
    enum filetype type;
    unsigned zip_kind;
    bool same_name; /* as the old one */
};

struct sample {
    uint64_t before, after; /* sums of entropy over chunks that differ */
    uint32_t read, changed, risen, blanked;
    bool unreadable;
    bool dense_before;
};

static bool side_open(struct side *side, int fd)
{
    struct stat status;
    uint8_t head[FILETYPE_HEAD];
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    long got = unlocked_read(fd, head, sizeof head, 0);
    if (got < 0)
        return false;
    *side = (struct side){.fd = fd,
                          .size = (uint64_t)status.st_size,
                          .type = filetype_of(head, (size_t)got),
                          .zip_kind = filetype_zip_kind(head, (size_t)got)};
    return true;
}

static void compare_chunk(const struct side *old, const struct side *new, uint64_t at,
                          struct sample *sample)
{
    uint8_t was[REWRITE_CHUNK], is[REWRITE_CHUNK];
    long had = unlocked_read(old->fd, was, sizeof was, at);
    long has = unlocked_read(new->fd, is, sizeof is, at);
    if (had < 0 || has < 0) {
        sample->unreadable = true;
        return;
    }
    size_t length = (size_t)(had < has ? had : has);
    sample->read++;
    if (length == 0 || memcmp(was, is, length) == 0)
        return;
    unsigned before = entropy_of(was, length), after = entropy_of(is, length);
    unsigned noise = entropy_of_noise(length);
    bool noisy = length >= 16 && after + NEAR_NOISE >= noise && after >= before + ROSE;
    /* Machine code comes as near, and is no letters. */
    bool text = new->type == FILETYPE_TEXT || new->type == FILETYPE_ARMOUR;
    bool letters = text && length >= 256 && after >= LETTERS && after >= before + ROSE_IN_LETTERS;
    sample->changed++;
    sample->risen += noisy || letters;
    sample->blanked += before >= NOT_BLANK && after < BLANK;
    sample->before += before;
    sample->after += after;
}

/* Every chunk that both have, or the edges and places that nobody outside can foresee. */
static void compare(const struct side *old, const struct side *new, uint64_t seed,
                    struct sample *sample)
{
    uint64_t common = old->size < new->size ? old->size : new->size;
    uint64_t chunks = (common + REWRITE_CHUNK - 1) / REWRITE_CHUNK;
    struct hash_key key = {seed, common};
    uint64_t looks = chunks < REWRITE_CHUNKS ? chunks : REWRITE_CHUNKS;
    for (uint64_t i = 0; i < looks && !sample->unreadable; i++) {
        uint64_t chunk = i;
        if (chunks > REWRITE_CHUNKS && i >= EDGE)
            chunk = i < 2 * EDGE ? chunks - 1 - (i - EDGE)
                                 : siphash_words3(key, i, 3, 5) % (chunks - 2 * EDGE) + EDGE;
        compare_chunk(old, new, chunk * REWRITE_CHUNK, sample);
    }
    sample->dense_before = sample->changed && sample->before / sample->changed >= DENSE;
}

static bool same_type(const struct side *old, const struct side *new)
{
    return old->type == new->type &&
           (old->type != FILETYPE_ZIP || old->zip_kind == 0 || old->zip_kind == new->zip_kind);
}

static bool holds(const struct side *side, uint64_t seed)
{
    return filetype_holds(side->type, side->fd, side->size, seed);
}

static bool mostly_risen(const struct sample *s)
{
    return s->risen && s->risen * 8 >= s->changed;
}

/* Written over where it lay, rather than saved anew: another length would be a chance in
 * thousands. */
static bool overwritten(const struct side *old, const struct side *new, const struct sample *s)
{
    return old->size == new->size && s->changed * 4 >= s->read;
}

/* Dense types: entropy tells nothing, the structure does where it can be looked at. */
static enum rewrite_ground judge_dense(const struct side *old, const struct side *new,
                                       const struct sample *s, uint64_t seed)
{
    if (!filetype_has_structure(new->type))
        return overwritten(old, new, s) ? REWRITE_UNJUDGED : REWRITE_KEPT;
    if (holds(new, seed)) /* as far as was looked: blocks in between may be noise */
        return s->read >= FEW && overwritten(old, new, s) ? REWRITE_UNJUDGED : REWRITE_KEPT;
    if (holds(old, seed))
        return REWRITE_DAMAGED;
    return overwritten(old, new, s) ? REWRITE_UNJUDGED : REWRITE_KEPT; /* odd before as after */
}

/* Of an unknown type, so that it had none to lose: but it was no placeholder either. */
static bool held_something(const struct side *old, const struct sample *s)
{
    return old->size >= PLACEHOLDER && s->changed && s->before / s->changed >= NOT_BLANK;
}

/* Another type that holds, where nobody converts: under the same name. */
static enum rewrite_ground judge_converted(const struct side *old, const struct side *new,
                                           const struct sample *s)
{
    bool letters = old->type == FILETYPE_ARMOUR && new->type == FILETYPE_TEXT;
    bool lost =
        old->type != FILETYPE_UNKNOWN || (filetype_is_dense(new->type) && held_something(old, s));
    return lost && !letters && new->same_name ? REWRITE_TYPE_LOST : REWRITE_CONVERTED;
}

static enum rewrite_ground judge_other_type(const struct side *old, const struct side *new,
                                            const struct sample *s, uint64_t seed)
{
    bool known = new->type != FILETYPE_UNKNOWN &&new->type != FILETYPE_ARMOUR;
    if (!filetype_is_dense(old->type) &&
        filetype_unpacks_to(new->type, new->fd, new->size, old->fd, old->size))
        return REWRITE_PACKED;
    if (old->type == FILETYPE_UNKNOWN && new->type == FILETYPE_ARMOUR)
        return s->dense_before && !new->same_name ? REWRITE_CONVERTED : REWRITE_TYPE_LOST;
    if (!known)
        return REWRITE_TYPE_LOST;
    if (filetype_is_dense(new->type)) {
        if (!filetype_has_structure(new->type))
            return REWRITE_UNJUDGED;
        /* A plain zip or gzip may hold anything: only a picture or a document is a conversion. */
        bool container =
            new->type == FILETYPE_GZIP || (new->type == FILETYPE_ZIP &&new->zip_kind == 0);
        return holds(new, seed) && !container ? judge_converted(old, new, s) : REWRITE_TYPE_LOST;
    }
    return mostly_risen(s) ? REWRITE_RISEN : judge_converted(old, new, s);
}

static enum rewrite_ground judge(const struct side *old, const struct side *new,
                                 const struct sample *s, uint64_t seed)
{
    if (old->size == 0)
        return REWRITE_GROWN;
    if (new->size == 0)
        return REWRITE_EMPTIED;
    if (s->unreadable)
        return REWRITE_UNJUDGED;
    if (s->changed == 0 && new->size == old->size)
        return REWRITE_UNCHANGED;
    if (s->changed == 0 && new->size > old->size)
        return REWRITE_GROWN;
    if (new->size < old->size / 8 && old->size >= 1024 &&
        !filetype_unpacks_to(new->type, new->fd, new->size, old->fd, old->size))
        return REWRITE_EMPTIED;
    if (s->blanked && s->blanked * 4 >= s->changed)
        return REWRITE_EMPTIED;
    if (old->type == FILETYPE_UNKNOWN && new->type == FILETYPE_UNKNOWN) {
        if (mostly_risen(s))
            return REWRITE_RISEN;
        return s->dense_before && s->changed * 4 >= s->read ? REWRITE_UNJUDGED : REWRITE_KEPT;
    }
    if (!same_type(old, new))
        return judge_other_type(old, new, s, seed);
    if (filetype_is_dense(new->type))
        return judge_dense(old, new, s, seed);
    return mostly_risen(s) ? REWRITE_RISEN : REWRITE_KEPT;
}

void rewrite_judge(int old_fd, int new_fd, bool same_name, uint64_t seed,
                   struct rewrite_figures *out)
{
    struct side old, new;
    struct sample sample = {0};
    if (!side_open(&old, old_fd)) {
        rewrite_figures_set(out, REWRITE_UNJUDGED, 0, 0);
        return;
    }
    if (new_fd < 0) {
        rewrite_figures_set(out, REWRITE_VANISHED, old.size, 0);
        out->before = (uint8_t)old.type;
        return;
    }
    if (!side_open(&new, new_fd)) {
        rewrite_figures_set(out, REWRITE_UNJUDGED, old.size, 0);
        return;
    }
    new.same_name = same_name;
    compare(&old, &new, seed, &sample);
    rewrite_figures_set(out, judge(&old, &new, &sample, seed), old.size, new.size);
    out->before = (uint8_t)old.type;
    out->after = (uint8_t) new.type;
    out->read = (uint16_t)sample.read;
    out->changed = (uint16_t)sample.changed;
    out->risen = (uint16_t)sample.risen;
    if (sample.changed) {
        out->entropy_before = (uint16_t)(sample.before / sample.changed);
        out->entropy_after = (uint16_t)(sample.after / sample.changed);
    }
}
