#include "gate/wave.h"
#include "gate/wave_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const fate_names[] = {
#define X(constant, name, text) name,
    WAVE_FATES(X)
#undef X
};

const char *wave_fate_name(enum wave_fate fate)
{
    return fate_names[fate];
}

/* ---- Life ------------------------------------------------------------------------------------ */

size_t waves_footprint(void)
{
    return sizeof(struct waves);
}

static uint64_t head_check(const struct waves_head *head)
{
    return hash_checksum(WAVES_MAGIC, head, offsetof(struct waves_head, check));
}

static void begin_file(void *data, void *argument)
{
    struct waves *w = data;
    (void)argument;
    w->head = (struct waves_head){.magic = WAVES_MAGIC,
                                  .version = WAVES_VERSION,
                                  .size = sizeof *w,
                                  .key = hash_key_random()};
    w->head.check = head_check(&w->head);
    STORE(w->next, 1);
}

static int waves_path(const char *state, char out[CONTRACT_PATH_SIZE + 32], struct error *error)
{
    int length = snprintf(out, CONTRACT_PATH_SIZE + 32, "%s/front/waves", state);
    if (length < 0 || length >= CONTRACT_PATH_SIZE + 32)
        return error_set(error, -ENAMETOOLONG, "%s: too long", state);
    return 0;
}

static int map_checked(const char *path, bool read_only, struct waves **out, struct error *error)
{
    void *data;
    int code = shared_file_map(path, sizeof(struct waves), read_only, &data, error);
    if (code < 0)
        return code;
    struct waves *w = data;
    struct waves_head head = w->head;
    if (head.magic != WAVES_MAGIC || head.version != WAVES_VERSION || head.size != sizeof *w ||
        head.check != head_check(&head)) {
        shared_file_unmap(data, sizeof *w);
        return error_set(error, -EUCLEAN, "%s: of another version, or damaged", path);
    }
    *out = w;
    return 0;
}

int waves_create(const char *state, int group, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 32];
    struct waves *w;
    struct error reason = {""};
    int code = waves_path(state, path, error);
    if (code < 0)
        return code;
    code = map_checked(path, true, &w, &reason);
    if (code == 0) {
        waves_close(w);
        return 0;
    }
    int made = shared_file_make(path, sizeof(struct waves), group, begin_file, NULL, error);
    if (made < 0 || code == -ENOENT)
        return made;
    error_set(error, 0, "%s; past floods are forgotten, and a new file is begun", reason.text);
    return 1;
}

int waves_open(const char *state, bool read_only, struct waves **out, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 32];
    int code = waves_path(state, path, error);
    return code < 0 ? code : map_checked(path, read_only, out, error);
}

void waves_close(struct waves *waves)
{
    shared_file_unmap(waves, sizeof *waves);
}

struct hash_key waves_key(const struct waves *waves)
{
    return waves->head.key;
}

/* ---- Seen ------------------------------------------------------------------------------------ */

/* The slot of a shape, taken if it is new and there is one; NULL: it is counted with all others. */
static struct wave_slot *slot_of(struct wave_now *now, const struct shape *shape)
{
    for (unsigned i = 0; i < WAVES_PROBES; i++) {
        struct wave_slot *slot = &now->slot[(shape->id + i) % WAVE_SHAPES];
        uint64_t id = LOAD(slot->shape.word[0]);
        if (id == shape->id)
            return slot;
        if (id == 0 &&
            atomic_compare_exchange_strong_explicit(&slot->shape.word[0], &id, shape->id,
                                                    memory_order_relaxed, memory_order_relaxed)) {
            shape_store(&slot->shape, shape);
            return slot;
        }
        if (id == shape->id) /* another process was first, with the same */
            return slot;
    }
    return NULL;
}

void waves_see(struct waves *waves, const struct shape *shape, enum wave_fate fate, uint64_t source,
               uint64_t network)
{
    struct wave_now *now = &waves->now;
    struct wave_slot *slot = slot_of(now, shape);
    if (slot)
        ADD(slot->count[fate], 1);
    ADD(now->count[fate], 1);
    distinct_add(&now->sources, source);
    distinct_add(&now->networks, network);
}

bool waves_know(struct waves *waves, uint64_t shape, int64_t wall)
{
    for (unsigned i = 0; i < WAVES_PROBES; i++) {
        size_t place = (shape + i) % WAVE_LEARNED;
        if (LOAD(waves->known[place]) != shape)
            continue;
        struct learned_slot *slot = &waves->learned[place];
        if (LOAD(slot->until) <= wall)
            return false;
        ADD(slot->met, 1);
        ADD(waves->now.met, 1);
        return true;
    }
    return false;
}

/* ---- Learned --------------------------------------------------------------------------------- */

void waves_learn(struct waves *w, const struct shape *shape, uint64_t wave, int64_t wall)
{
    size_t best = shape->id % WAVE_LEARNED;
    for (unsigned i = 0; i < WAVES_PROBES; i++) { /* its own place, a free one, or the oldest */
        size_t place = (shape->id + i) % WAVE_LEARNED;
        uint64_t id = LOAD(w->known[place]);
        if (id == shape->id || id == 0) {
            best = place;
            break;
        }
        if (LOAD(w->learned[place].until) < LOAD(w->learned[best].until))
            best = place;
    }
    struct learned_slot *slot = &w->learned[best];
    bool again = LOAD(w->known[best]) == shape->id;
    shape_store(&slot->shape, shape);
    STORE(slot->wave, wave);
    STORE(slot->until, wall + WAVE_KEEP / NANOS_SECOND);
    if (!again) {
        STORE(slot->since, wall);
        STORE(slot->met, 0);
    }
    atomic_store_explicit(&w->known[best], shape->id, memory_order_release);
}

bool waves_forget(struct waves *waves, uint64_t shape)
{
    bool known = false;
    for (unsigned i = 0; shape && i < WAVES_PROBES; i++) {
        size_t place = (shape + i) % WAVE_LEARNED;
        uint64_t id = shape;
        known = atomic_compare_exchange_strong_explicit(
                    &waves->known[place], &id, 0, memory_order_relaxed, memory_order_relaxed) ||
                known;
    }
    return known;
}

size_t waves_learned(const struct waves *waves, int64_t wall, struct wave_learned *out, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < WAVE_LEARNED && count < most; i++) {
        uint64_t id = atomic_load_explicit(&waves->known[i], memory_order_acquire);
        const struct learned_slot *slot = &waves->learned[i];
        if (id == 0 || LOAD(slot->until) <= wall)
            continue;
        out[count] = (struct wave_learned){.shape = shape_load(&slot->shape),
                                           .wave = LOAD(slot->wave),
                                           .since = wall_within(LOAD(slot->since)),
                                           .until = wall_within(LOAD(slot->until)),
                                           .met = LOAD(slot->met)};
        out[count++].shape.id = id;
    }
    return count;
}
