/* Between the kernel's accounts and the rings: what went is counted, what is left is granted. */
#include "egress/egress.h"
#include "egress/kernel.h"
#include "egress/known.h"

#include "budget/guard.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LINK_ETHERNET = 1, /* ARPHRD_ETHER in /sys/class/net/NAME/type */
    LOOK_AHEAD = 1024, /* entries are given in order, so that new ones stand behind the others */
};

struct look { /* what this process knows of an entry beside what stands in it */
    uint64_t told[EGRESS_ACCOUNTS]; /* of `refused` */
    nanos_t busy;                   /* when something last went */
    bool seen, pair, leaving;
    bool lost; /* no ring was free for it: the newcomers' common count stands for its own */
};

struct egress {
    const struct contract *contract;
    struct egress_config *config;
    struct kernel *kernel;
    struct budgets *budgets;
    struct known *known;
    struct look *look;
    nanos_t longest; /* of all windows: who was idle for longer owes nothing */
    nanos_t next_second;
    uint32_t high; /* the highest entry in use when all were last looked at */
    enum mode mode;
    int slot;
};

static uint64_t load(const __u64 *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(__u64 *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* ---- Principals ------------------------------------------------------------------------------ */

static void host_name(const struct egress_host *host, char out[16])
{
    const uint8_t *a = host->id + 10;
    snprintf(out, 16, "%02x%02x%02x%02x%02x%02x", a[0], a[1], a[2], a[3], a[4], a[5]);
}

static struct principal principal_of_host(const struct egress *e, const struct egress_host *host)
{
    char name[16];
    if (e->config->settings.link) {
        host_name(host, name);
        return principal_named(PRINCIPAL_HOST, text_of(name));
    }
    struct principal p = {.kind = PRINCIPAL_HOST, .protected_by = -1};
    memcpy(p.id, host->id, sizeof p.id);
    return p;
}

static struct egress_pair pair_of(const struct egress_entry *entry)
{
    struct egress_pair who = {.host = entry->host};
    memcpy(who.to, entry->to, sizeof who.to);
    return who;
}

static struct principal principal_of(const struct egress *e, uint32_t index)
{
    const struct egress_entry *entry = &e->kernel->entries[index];
    if (index == ENTRY_NEWCOMERS)
        return principal_named(PRINCIPAL_HOST, TEXT("newcomers"));
    if (e->look[index].pair) { /* longer than a name may be: it is known by its hash */
        struct egress_pair who = pair_of(entry);
        return principal_named(PRINCIPAL_PAIR, (struct text){(const char *)&who, sizeof who});
    }
    return principal_of_host(e, &entry->host);
}

/* ---- One entry ------------------------------------------------------------------------------- */

static bool concerns(uint8_t per, bool pair)
{
    return (per == PER_PAIR) == pair;
}

static void count_account(struct egress *e, uint32_t index, unsigned i, const struct principal *p,
                          nanos_t now)
{
    struct egress_entry *entry = &e->kernel->entries[index];
    struct egress_account *a = &entry->account[i];
    struct look *look = &e->look[index];
    unsigned budget = (unsigned)e->config->budget[i];
    uint64_t spent = load(&a->spent), recorded = entry->recorded[i], refused = load(&a->refused);
    /* A packet that is just being taken back may have been counted: then it is not counted the next
     * time. */
    if (spent > recorded && spent - recorded <= INT64_MAX) {
        if (budget_spent(e->budgets, budget, p, spent - recorded, now) == -ENOSPC)
            look->lost = true;
        store(&entry->recorded[i], spent);
        look->busy = now;
    }
    /* What would fit by now was refused before a release or a window gave way: that is no reason
     * for another hold. */
    if (refused - look->told[i] > budget_left(e->budgets, budget, p, now, NULL))
        budget_refused(e->budgets, budget, p, refused - look->told[i], now);
    look->told[i] = refused;
}

static void grant_account(struct egress *e, uint32_t index, unsigned i, const struct principal *p,
                          nanos_t now)
{
    struct egress_account *a = &e->kernel->entries[index].account[i];
    struct outcome o;
    uint64_t left = budget_left(e->budgets, (unsigned)e->config->budget[i], p, now, &o);
    if (e->config->settings.rule[i].per != PER_EVERYONE)
        store(&a->ceiling, e->kernel->entries[index].recorded[i] + left);
    store(&a->held_until, o.verdict == VERDICT_HOLD ? (uint64_t)o.until : 0);
}

static bool has_news(const struct egress *e, uint32_t index)
{
    const struct egress_entry *entry = &e->kernel->entries[index];
    if (!e->look[index].seen)
        return true;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (load(&entry->account[i].spent) != entry->recorded[i] ||
            load(&entry->account[i].refused) != e->look[index].told[i])
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
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        if (e->config->budget[i] < 0 || !concerns(e->config->settings.rule[i].per, look->pair))
            continue;
        count_account(e, index, i, &p, moment.boot);
        grant_account(e, index, i, &p, moment.boot);
    }
}

/* An entry that owes nothing to any window is taken away, and given back a tick later: no packet is
 * still on its way then. */
static void let_go(struct egress *e, uint32_t index, struct moment moment)
{
    struct look *look = &e->look[index];
    if (look->leaving) {
        refill_entry(e, index, true, moment);
        memset(look, 0, sizeof *look);
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
        spent[i] = load(&everyone->account[i].spent);
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
        store(&everyone->account[i].ceiling, spent[i] + left);
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
        if (known_save(e->known, &error) < 0)
            log_line(LOG_LEVEL_WARNING, "%s", error.text);
    }
    uint32_t enforced = config_enforced(e->config, e->contract, e->mode);
    __atomic_store_n(&e->kernel->settings->enforced, enforced, __ATOMIC_SEQ_CST);
    refill_all(e, second, moment);
    store(&e->kernel->settings->deadline, (uint64_t)(moment.boot + EGRESS_PATIENCE));
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool has_link_addresses(const char *interface)
{
    char path[64], text[16] = "";
    snprintf(path, sizeof path, "/sys/class/net/%.15s/type", interface);
    FILE *f = fopen(path, "re");
    bool read = f && fgets(text, sizeof text, f);
    if (f)
        fclose(f);
    return read && atoi(text) == LINK_ETHERNET;
}

/* An old program with another configuration: what it let go and did not tell is counted by the
 * budgets' names. A pair's begins anew: that of its host goes on. */
static void take_over(struct egress *e, const struct kernel *old, nanos_t now)
{
    for (uint32_t index = ENTRY_FIRST; index < old->entry_count; index++) {
        struct egress_entry *entry = &old->entries[index];
        if (entry->kind != ENTRY_HOST)
            continue;
        struct principal p = principal_of_host(e, &entry->host);
        for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
            uint64_t spent = load(&entry->account[i].spent), recorded = entry->recorded[i];
            char name[EGRESS_NAME_SIZE + 1];
            snprintf(name, sizeof name, "%.*s", EGRESS_NAME_SIZE, old->settings->rule[i].name);
            int budget = contract_budget_named(e->contract, text_of(name));
            if (budget >= 0 && spent > recorded && old->settings->rule[i].per != PER_PAIR)
                budget_spent(e->budgets, (unsigned)budget, &p, spent - recorded, now);
            store(&entry->recorded[i], spent);
        }
    }
}

/* Who has a history gets what is left of it before the first packet, not what a stranger may have.
 */
static void place_known(struct egress *e)
{
    static const uint8_t no_address[9];
    struct egress_host host;
    for (size_t cursor = 0; known_next(e->known, &cursor, &host);) {
        bool link = host.id[0] == 1 && memcmp(host.id + 1, no_address, sizeof no_address) == 0;
        if (link == (e->config->settings.link != 0) && kernel_make(e->kernel, &host) < 0)
            return;
    }
}

/* What was refused before this process began is no news. */
static int looks_begin(struct egress *e, struct error *error)
{
    e->look = calloc(e->kernel->entry_count, sizeof *e->look);
    if (!e->look)
        return error_set(error, -ENOMEM, "no memory for %u hosts", e->kernel->entry_count);
    for (uint32_t index = 0; index < e->kernel->entry_count; index++)
        for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
            e->look[index].told[i] = load(&e->kernel->entries[index].account[i].refused);
    return 0;
}

/* The programs as this contract wants them, with what is left written into them before a packet
 * meets them. */
static int begin(struct egress *e, unsigned interface, struct moment moment, struct error *error)
{
    bool host = e->contract->network.attach_host;
    struct kernel *old = NULL;
    if (kernel_find(interface, host, &old, error) == 0 &&
        old->settings->digest == e->config->settings.digest) {
        e->kernel = old;
        old = NULL;
    }
    int code = e->kernel ? 0 : kernel_load(e->config, NULL, &e->kernel, error);
    if (code == 0 && old)
        take_over(e, old, moment.boot);
    if (code == 0)
        code = looks_begin(e, error);
    if (code == 0) {
        place_known(e);
        egress_tick(e, moment);
        code = kernel_attach(e->kernel, interface, host, error);
    }
    if (code == 0 && old)
        take_over(e, old, moment.boot);
    kernel_close(old);
    return code;
}

static int open_parts(struct egress *e, struct moment moment, struct error *error)
{
    const struct contract *c = e->contract;
    unsigned interface = c->network.present ? if_nametoindex(c->network.interface) : 0;
    if (!interface)
        return error_set(error, -ENODEV, "network.interface: there is no interface \"%s\"",
                         c->network.interface);
    int code = config_make(c, has_link_addresses(c->network.interface), e->config, error);
    if (code < 0)
        return code;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        for (uint32_t w = 0;
             e->config->budget[i] >= 0 && w < c->budget[e->config->budget[i]].window_count; w++)
            if (c->budget[e->config->budget[i]].window[w].span > e->longest)
                e->longest = c->budget[e->config->budget[i]].window[w].span;
    code = budget_open(c, GUARD_EGRESS, false, &e->budgets, error);
    if (code < 0)
        return code;
    e->slot = guard_register(e->budgets, moment.boot);
    if (e->slot < 0)
        return error_set(error, e->slot, "the guard's segment has no place for another process");
    char path[CONTRACT_PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/egress.hosts", c->state);
    int known = known_open(path, moment.wall, &e->known, error);
    if (known < 0)
        return known;
    struct error told;
    code = begin(e, interface, moment, &told);
    return code < 0 ? error_set(error, code, "%s", told.text) : known;
}

int egress_open(const struct contract *contract, struct moment moment, struct egress **out,
                struct error *error)
{
    struct egress *e = calloc(1, sizeof *e);
    if (!e || !(e->config = calloc(1, sizeof *e->config))) {
        free(e);
        return error_set(error, -ENOMEM, "no memory for the guard of bytes out");
    }
    e->contract = contract;
    e->slot = -1;
    int code = open_parts(e, moment, error);
    if (code < 0) {
        egress_close(e);
        return code;
    }
    *out = e;
    return code;
}

int egress_descriptor(const struct egress *e)
{
    return kernel_waiting(e->kernel);
}

void egress_set_mode(struct egress *e, enum mode mode)
{
    e->mode = mode;
    budget_set_mode(e->budgets, mode);
}

void egress_close(struct egress *e)
{
    if (!e)
        return;
    if (e->known)
        known_save(e->known, NULL);
    known_close(e->known);
    kernel_close(e->kernel);
    if (e->budgets && e->slot >= 0)
        guard_leave(e->budgets, e->slot);
    budget_close(e->budgets);
    free(e->look);
    free(e->config);
    free(e);
}

int egress_remove(const struct contract *contract, struct error *error)
{
    unsigned interface = if_nametoindex(contract->network.interface);
    if (!interface)
        return error_set(error, -ENODEV, "there is no interface \"%s\"",
                         contract->network.interface);
    return kernel_detach(interface, contract->network.attach_host, error);
}
