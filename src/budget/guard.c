#include "budget/guard.h"

#include "budget/layout.h"
#include "budget/tick.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static const char *const counter_names[COUNTER_COUNT] = {
#define X(constant, name, what) [COUNTER_##constant] = name,
    GUARD_COUNTERS(X)
#undef X
};

enum { DEATHS_APART_S = 60 };

const char *counter_name(enum guard_counter counter)
{
    return (unsigned)counter < COUNTER_COUNT ? counter_names[counter] : "unknown";
}

static struct process_slot *slot_at(struct budgets *b, int slot)
{
    return slot >= 0 && slot < GUARD_MAX_PROCESSES ? &b->live->process[slot] : NULL;
}

static bool process_is_dead(uint64_t pid)
{
    return pid == 0 || pid > INT32_MAX || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

/* Two within a minute, and nobody reads the store until there is another one: what kills one reader
 * kills all. */
static void died_in_store(struct segment_live *live, nanos_t now)
{
    uint64_t before = atomic_exchange(&live->deaths[0], (uint64_t)now + 1);
    atomic_store(&live->deaths[1], before);
    if (before && (uint64_t)now + 1 - before <= (uint64_t)(DEATHS_APART_S * NANOS_SECOND))
        atomic_store(&live->store_off, 1);
}

static void slot_clear(struct process_slot *p)
{
    atomic_store(&p->in_store, 0);
    atomic_store(&p->started, 0);
    atomic_store(&p->heartbeat, 0);
    atomic_store(&p->prepared, 0);
    atomic_store(&p->running, 0);
    atomic_store(&p->refused, 0);
}

void guard_clear_dead(struct budgets *b, nanos_t now)
{
    for (int i = 0; i < GUARD_MAX_PROCESSES; i++) {
        struct process_slot *p = &b->live->process[i];
        uint64_t pid = atomic_load(&p->pid);
        if (pid == 0 || !process_is_dead(pid))
            continue;
        /* Whoever takes the flag counts the death, once. */
        if (atomic_exchange(&p->in_store, 0))
            died_in_store(b->live, now);
        atomic_compare_exchange_strong(&p->pid, &pid, 0);
    }
}

int guard_register(struct budgets *b, nanos_t now)
{
    if (b->read_only)
        return -EACCES;
    guard_clear_dead(b, now);
    for (int i = 0; i < GUARD_MAX_PROCESSES; i++) {
        struct process_slot *p = &b->live->process[i];
        uint64_t none = 0;
        if (!atomic_compare_exchange_strong(&p->pid, &none, (uint64_t)getpid()))
            continue;
        slot_clear(p);
        atomic_store(&p->started, (uint64_t)now);
        atomic_store(&p->heartbeat, (uint64_t)now);
        return i;
    }
    return -ENOSPC;
}

void guard_leave(struct budgets *b, int slot)
{
    struct process_slot *p = slot_at(b, slot);
    uint64_t pid = (uint64_t)getpid();
    if (!p || atomic_load(&p->pid) != pid)
        return;
    uint64_t heartbeat = atomic_load(&p->heartbeat);
    slot_clear(p);
    atomic_store(&p->heartbeat, heartbeat); /* of nobody now: guard_last_heard() */
    atomic_compare_exchange_strong(&p->pid, &pid, 0);
}

void guard_beat(struct budgets *b, int slot, nanos_t now)
{
    struct process_slot *p = slot_at(b, slot);
    if (p)
        atomic_store_explicit(&p->heartbeat, (uint64_t)now, memory_order_relaxed);
}

void guard_set_generation(struct budgets *b, int slot, uint64_t prepared, uint64_t running,
                          uint64_t refused)
{
    struct process_slot *p = slot_at(b, slot);
    if (!p)
        return;
    atomic_store(&p->prepared, prepared);
    atomic_store(&p->running, running);
    atomic_store(&p->refused, refused);
}

void guard_count(struct budgets *b, enum guard_counter counter, uint64_t amount)
{
    if ((unsigned)counter < COUNTER_COUNT)
        atomic_fetch_add_explicit(&b->live->counter[counter], amount, memory_order_relaxed);
}

void guard_enter_store(struct budgets *b, int slot)
{
    struct process_slot *p = slot_at(b, slot);
    if (p)
        atomic_store_explicit(&p->in_store, 1, memory_order_relaxed);
}

void guard_leave_store(struct budgets *b, int slot)
{
    struct process_slot *p = slot_at(b, slot);
    if (p)
        atomic_store_explicit(&p->in_store, 0, memory_order_relaxed);
}

bool guard_store_is_off(const struct budgets *b)
{
    return atomic_load_explicit(&b->live->store_off, memory_order_relaxed) != 0;
}

void guard_store_is_new(struct budgets *b, uint64_t store_generation)
{
    uint64_t known = atomic_load(&b->live->store_generation);
    if (known == store_generation ||
        !atomic_compare_exchange_strong(&b->live->store_generation, &known, store_generation))
        return;
    atomic_store(&b->live->deaths[0], 0);
    atomic_store(&b->live->store_off, 0);
}

nanos_t guard_origin_down_since(const struct budgets *b, nanos_t now)
{
    nanos_t since =
        (nanos_t)(atomic_load_explicit(&b->live->origin_down_since, memory_order_relaxed) &
                  INT64_MAX);
    nanos_t seen =
        (nanos_t)(atomic_load_explicit(&b->live->origin_down_seen, memory_order_relaxed) &
                  INT64_MAX);
    return since && now - seen <= NANOS_MINUTE ? since : 0;
}

void guard_origin_say(struct budgets *b, bool down, nanos_t now)
{
    struct segment_live *live = b->live;
    if (!down) {
        atomic_store(&live->origin_down_since, 0);
        return;
    }
    if (guard_origin_down_since(b, now) == 0)
        atomic_store(&live->origin_down_since, (uint64_t)now);
    atomic_store(&live->origin_down_seen, (uint64_t)now);
}

size_t guard_processes(const struct budgets *b, struct guard_process *out, size_t most)
{
    size_t n = 0;
    for (int i = 0; i < GUARD_MAX_PROCESSES && n < most; i++) {
        const struct process_slot *p = &b->live->process[i];
        uint64_t pid = atomic_load(&p->pid);
        if (pid == 0 || pid > INT32_MAX)
            continue;
        out[n++] = (struct guard_process){
            .pid = (int32_t)pid,
            .started = (nanos_t)(atomic_load(&p->started) & INT64_MAX),
            .heartbeat = (nanos_t)(atomic_load(&p->heartbeat) & INT64_MAX),
            .prepared = atomic_load(&p->prepared),
            .running = atomic_load(&p->running),
            .refused = atomic_load(&p->refused),
            .in_store = atomic_load(&p->in_store) != 0,
        };
    }
    return n;
}

nanos_t guard_last_heard(const struct budgets *b)
{
    uint64_t last = 0;
    for (int i = 0; i < GUARD_MAX_PROCESSES; i++) {
        uint64_t heartbeat = atomic_load(&b->live->process[i].heartbeat) & INT64_MAX;
        last = heartbeat > last ? heartbeat : last;
    }
    return (nanos_t)last;
}

uint64_t guard_counter_read(const struct budgets *b, enum guard_counter counter)
{
    return (unsigned)counter < COUNTER_COUNT ? atomic_load(&b->live->counter[counter]) : 0;
}
