/* Between the kernel's accounts and the rings: what went is counted, what is left is granted. */
#include "egress/watch.h"

#include "budget/guard.h"

#include <errno.h>

enum {
    LOOK_AHEAD = 1024
}; /* entries are given in order, so that new ones stand behind the others */

/* ---- Principals ------------------------------------------------------------------------------ */

static struct egress_pair pair_of(const struct egress_entry *entry)
{
    struct egress_pair who = {.host = entry->host};
    memcpy(who.to, entry->to, sizeof who.to);
    return who;
}

struct principal principal_of(const struct egress *e, uint32_t index)
{
    const struct egress_entry *entry = &e->kernel->entries[index];
    if (index == ENTRY_NEWCOMERS)
        return principal_named(PRINCIPAL_HOST, TEXT("newcomers"));
    if (e->look[index].pair)
        return principal_pair(entry->host.id, entry->to);
    return principal_host(entry->host.id);
}

/* ---- One entry ------------------------------------------------------------------------------- */

static bool concerns(uint8_t per, bool pair)
{
    return (per == PER_PAIR) == pair;
}

/* Returns what went since the last time. */
static uint64_t count_account(struct egress *e, uint32_t index, unsigned i,
                              const struct principal *p, nanos_t now)
{
    struct egress_entry *entry = &e->kernel->entries[index];
    struct egress_account *a = &entry->account[i];
    struct look *look = &e->look[index];
    unsigned budget = (unsigned)e->config->budget[i];
    uint64_t spent = word_load(&a->spent), recorded = entry->recorded[i],
             refused = word_load(&a->refused);
    /* A packet that is just being taken back may have been counted: then it is not counted the next
     * time. */
    uint64_t went = spent > recorded && spent - recorded <= INT64_MAX ? spent - recorded : 0;
    if (went) {
        if (budget_spent(e->budgets, budget, p, went, now) == -ENOSPC)
            look->lost = true;
        word_store(&entry->recorded[i], spent);
        look->busy = now;
    }
    /* What would fit by now was refused before a release or a window gave way: that is no reason
     * for another hold. */
    uint64_t more = refused - look->told[i];
    if (more && more > budget_left(e->budgets, budget, p, now, NULL))
        budget_refused(e->budgets, budget, p, more, now);
    look->told[i] = refused;
    return went;
}

static void grant_account(struct egress *e, uint32_t index, unsigned i, const struct principal *p,
                          nanos_t now)
{
    struct egress_account *a = &e->kernel->entries[index].account[i];
    struct outcome o;
    uint64_t left = budget_left(e->budgets, (unsigned)e->config->budget[i], p, now, &o);
    if (e->config->settings.rule[i].per != PER_EVERYONE)
        word_store(&a->ceiling, e->kernel->entries[index].recorded[i] + left);
    word_store(&a->held_until, o.verdict == VERDICT_HOLD ? (uint64_t)o.until : 0);
}

static bool has_news(const struct egress *e, uint32_t index)
{
    const struct egress_entry *entry = &e->kernel->entries[index];
    if (!e->look[index].seen)
        return true;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (word_load(&entry->account[i].spent) != entry->recorded[i] ||
            word_load(&entry->account[i].refused) != e->look[index].told[i])
            return true;
    return false;
}

static void refill_entry(struct egress *e, uint32_t index, bool second, struct moment moment)
{
    struct egress_entry *entry = &e->kernel->entries[index];
    struct look *look = &e->look[index];
    if (!second && !has_news(e, index))
        return;
    if (!look->seen)
        look->pair = entry->kind == ENTRY_PAIR;
    struct principal p = principal_of(e, index);
    if (!look->seen)
        look->busy = moment.boot;
    if (index >= ENTRY_FIRST && !look->pair && (second || !look->seen))
        entry->newcomer = known_is_new(e->known, &entry->host, moment.wall) || look->lost;
    look->seen = true;
    uint64_t most = 0; /* of the budgets that counted the same bytes */
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        if (e->config->budget[i] < 0 || !concerns(e->config->settings.rule[i].per, look->pair))
            continue;
        uint64_t went = count_account(e, index, i, &p, moment.boot);
        most = went > most ? went : most;
        grant_account(e, index, i, &p, moment.boot);
    }
    if (most)
        pace_add(&e->pace[index], most, moment.boot);
}

/* An entry that owes nothing to any window is taken away, and given back a tick later: no packet is
 * still on its way then. */
static void let_go(struct egress *e, uint32_t index, struct moment moment)
{
    struct look *look = &e->look[index];
    if (look->leaving) {
        refill_entry(e, index, true, moment);
        memset(look, 0, sizeof *look);
        memset(&e->pace[index], 0, sizeof e->pace[index]);
        kernel_give_back(e->kernel, index);
    } else if (moment.boot - look->busy > e->longest) {
        struct egress_pair who = pair_of(&e->kernel->entries[index]);
        look->leaving = kernel_forget(e->kernel, &who) == 0;
        if (look->leaving)
            __atomic_store_n(&e->kernel->entries[index].kind, ENTRY_LEAVING, __ATOMIC_SEQ_CST);
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Reads what everyone spent before it reads what each spent: see account_charge() in charge.bpf.h.
 */
static void refill_all(struct egress *e, bool second, struct moment moment)
{
    struct egress_entry *everyone = &e->kernel->entries[ENTRY_EVERYONE];
    struct principal all = principal_everyone();
    uint64_t spent[EGRESS_ACCOUNTS];
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        spent[i] = word_load(&everyone->account[i].spent);
    refill_entry(e, ENTRY_NEWCOMERS, second, moment);
    uint32_t count = e->kernel->entry_count, most = second ? count : e->high + LOOK_AHEAD;
    for (uint32_t index = ENTRY_FIRST; index < count && index < most; index++) {
        if (__atomic_load_n(&e->kernel->entries[index].kind, __ATOMIC_ACQUIRE) == ENTRY_FREE)
            continue;
        e->high = index > e->high ? index : e->high;
        refill_entry(e, index, second, moment);
        if (second)
            let_go(e, index, moment);
    }
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        if (e->config->budget[i] < 0 || e->config->settings.rule[i].per != PER_EVERYONE)
            continue;
        uint64_t left =
            budget_left(e->budgets, (unsigned)e->config->budget[i], &all, moment.boot, NULL);
        word_store(&everyone->account[i].ceiling, spent[i] + left);
    }
}

void egress_tick(struct egress *e, struct moment moment)
{
    struct error error;
    bool second = moment.boot >= e->next_second;
    kernel_noticed(e->kernel);
    if (second) {
        e->next_second = moment.boot + NANOS_SECOND;
        guard_beat(e->budgets, e->slot, moment.boot);
        budget_tick(e->budgets, moment.boot);
        release_apply(e->budgets, e->contract->runtime, moment.boot);
        if (e->attached && known_save(e->known, &error) < 0)
            log_line(LOG_LEVEL_WARNING, "%s", error.text);
        if (e->attached)
            watch_holds(e->watch, e, moment);
    }
    uint32_t enforced = config_enforced(e->config, e->contract, e->mode);
    __atomic_store_n(&e->kernel->settings->enforced, enforced, __ATOMIC_SEQ_CST);
    refill_all(e, second, moment);
    word_store(&e->kernel->settings->deadline, (uint64_t)(moment.boot + EGRESS_PATIENCE));
}
