/* The guard of bytes out from its beginning to its end, and from one contract to the next. */
#include "egress/watch.h"

#include "budget/guard.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ARPHRD_ in /sys/class/net/NAME/type (linux/if_arp.h). */
enum { TYPE_ETHERNET = 1, TYPE_LOOPBACK = 772 };

static uint8_t link_of(const char *interface)
{
    char path[64], text[16] = "";
    snprintf(path, sizeof path, "/sys/class/net/%.15s/type", interface);
    FILE *f = fopen(path, "re");
    bool read = f && fgets(text, sizeof text, f);
    if (f)
        fclose(f);
    int type = read ? atoi(text) : 0;
    return type == TYPE_ETHERNET ? LINK_HOSTS : type == TYPE_LOOPBACK ? LINK_HEADER : LINK_NONE;
}

/* An old program with another configuration: what it let go and did not tell is counted by the
 * budgets' names. */
static void take_over(struct egress *e, const struct kernel *old, nanos_t now)
{
    for (uint32_t index = ENTRY_FIRST; index < old->entry_count; index++) {
        struct egress_entry *entry = &old->entries[index];
        bool pair = entry->kind == ENTRY_PAIR;
        if (!pair && entry->kind != ENTRY_HOST)
            continue;
        struct principal p =
            pair ? principal_pair(entry->host.id, entry->to) : principal_host(entry->host.id);
        for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
            uint64_t spent = word_load(&entry->account[i].spent), recorded = entry->recorded[i];
            char name[EGRESS_NAME_SIZE + 1];
            snprintf(name, sizeof name, "%.*s", EGRESS_NAME_SIZE, old->settings->rule[i].name);
            int budget = contract_budget_named(e->contract, text_of(name));
            if (budget >= 0 && spent > recorded && (old->settings->rule[i].per == PER_PAIR) == pair)
                budget_spent(e->budgets, (unsigned)budget, &p, spent - recorded, now);
            word_store(&entry->recorded[i], spent);
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
        if (link == (e->config->settings.link == LINK_HOSTS) && kernel_make(e->kernel, &host) < 0)
            return;
    }
}

/* What was refused before this process began is no news. */
static int looks_begin(struct egress *e, struct error *error)
{
    e->look = calloc(e->kernel->entry_count, sizeof *e->look);
    e->pace = calloc(e->kernel->entry_count, sizeof *e->pace);
    e->watch = watch_new();
    if (!e->look || !e->pace || !e->watch)
        return error_set(error, -ENOMEM, "no memory for %u hosts", e->kernel->entry_count);
    static const uint8_t nowhere[16];
    for (uint32_t index = 0; index < e->kernel->entry_count; index++) {
        const struct egress_entry *entry = &e->kernel->entries[index];
        for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
            e->look[index].told[i] = word_load(&entry->account[i].refused);
        if (entry->kind == ENTRY_LEAVING) { /* the process before us had no time to give it back */
            e->look[index].seen = e->look[index].leaving = true;
            e->look[index].pair = memcmp(entry->to, nowhere, sizeof nowhere) != 0;
        }
    }
    return 0;
}

/* Fresh programs in the place of others: connections that they know go on being known. */
static int load_beside(struct egress *e, const struct kernel *old, struct error *error)
{
    const struct kernel_sizes sizes = {.old = old};
    return kernel_load(e->config, &sizes, &e->kernel, error);
}

/* The programs as this contract wants them, with what is left written into them before a packet
 * meets them. */
static int begin(struct egress *e, unsigned interface, struct moment moment, struct error *error)
{
    bool host = e->contract->network.attach_host;
    struct kernel *old = NULL;
    if (kernel_find(interface, host, &old, error) == 0 &&
        old->settings->owner != e->config->settings.owner) {
        kernel_close(old);
        return error_set(error, -EBUSY,
                         "%s has the programs of another `ecluse run`, with another `state`: stop "
                         "that one and say `ecluse detach %s`",
                         e->contract->network.interface, e->contract->network.interface);
    }
    if (old && old->settings->digest == e->config->settings.digest) {
        e->kernel = old;
        old = NULL;
    }
    int code = e->kernel ? 0 : load_beside(e, old, error);
    if (code == 0 && old)
        take_over(e, old, moment.boot);
    if (code == 0)
        code = looks_begin(e, error);
    if (code == 0) {
        place_known(e);
        egress_tick(e, moment);
        code = kernel_attach(e->kernel, interface, host, error);
        e->attached = code == 0;
    }
    if (code == 0 && old)
        take_over(e, old, moment.boot);
    kernel_close(old);
    return code;
}

static nanos_t longest_of(const struct contract *c, const struct egress_config *config)
{
    nanos_t longest = 0;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        const struct budget_rule *rule =
            config->budget[i] >= 0 ? &c->budget[config->budget[i]] : NULL;
        for (uint32_t w = 0; rule && w < rule->window_count; w++)
            if (rule->window[w].span > longest)
                longest = rule->window[w].span;
    }
    return longest;
}

static int open_known(struct egress *e, nanos_t wall, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/egress", e->contract->state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/egress/hosts", e->contract->state);
    return known_open(path, wall, &e->known, error);
}

static int open_parts(struct egress *e, struct moment moment, struct error *error)
{
    const struct contract *c = e->contract;
    unsigned interface = c->network.present ? if_nametoindex(c->network.interface) : 0;
    if (!interface)
        return error_set(error, -ENODEV, "network.interface: there is no interface \"%s\"",
                         c->network.interface);
    int code = config_make(c, link_of(c->network.interface), e->config, error);
    if (code < 0)
        return code;
    e->longest = longest_of(c, e->config);
    code = budget_open(c, GUARD_EGRESS, false, &e->budgets, error);
    if (code < 0)
        return code;
    budget_set_mode(e->budgets, e->mode);
    int known = open_known(e, moment.wall, error);
    if (known < 0)
        return known;
    struct error told;
    code = begin(e, interface, moment, &told);
    if (code < 0)
        return error_set(error, code, "%s", told.text);
    e->slot = guard_register(e->budgets, moment.boot); /* not up before it is in the way */
    if (e->slot < 0)
        return error_set(error, e->slot, "the guard's segment has no place for another process");
    return known;
}

int egress_open(const struct contract *contract, enum mode mode, struct moment moment,
                struct egress **out, struct error *error)
{
    struct egress *e = calloc(1, sizeof *e);
    if (!e || !(e->config = calloc(1, sizeof *e->config))) {
        free(e);
        return error_set(error, -ENOMEM, "no memory for the guard of bytes out");
    }
    e->contract = contract;
    e->mode = mode;
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
    watch_free(e->watch);
    free(e->pace);
    free(e->look);
    free(e->config);
    free(e);
}

/* ---- Another contract ------------------------------------------------------------------------ */

int egress_check(const struct contract *contract, struct error *error)
{
    char path[64];
    struct egress_config *config = calloc(1, sizeof *config);
    snprintf(path, sizeof path, "/sys/class/net/%.15s", contract->network.interface);
    int code = !config ? error_set(error, -ENOMEM, "no memory for another contract")
                       : config_make(contract, LINK_HOSTS, config, error);
    if (code == 0 && access(path, F_OK) != 0)
        code = error_set(error, -ENODEV, "network.interface: there is no interface \"%s\"",
                         contract->network.interface);
    free(config);
    return code;
}

int egress_prepare(struct egress *e, const struct contract *next, struct error *error)
{
    int code = egress_check(next, error);
    return code < 0 ? code : budget_prepare(e->budgets, next, error);
}

void egress_rollback(struct egress *e)
{
    budget_rollback(e->budgets);
}

bool egress_commit(struct egress *e, const struct contract *next)
{
    struct error error;
    const struct network_rules *now = &e->contract->network, *then = &next->network;
    struct egress_config *config = calloc(1, sizeof *config);
    bool same = config && then->present && strcmp(now->interface, then->interface) == 0 &&
                now->attach_host == then->attach_host &&
                config_make(next, e->config->settings.link, config, &error) == 0 &&
                config->settings.digest == e->config->settings.digest;
    if (!same) {
        free(config);
        return false;
    }
    budget_commit(e->budgets);
    free(e->config);
    e->config = config;
    e->contract = next;
    e->longest = longest_of(next, config);
    return true;
}

void egress_tell(struct egress *e, uint64_t prepared, uint64_t running, uint64_t refused)
{
    guard_set_generation(e->budgets, e->slot, prepared, running, refused);
}

struct budgets *egress_budgets(struct egress *e)
{
    return e->budgets;
}

/* ---- Taking it off --------------------------------------------------------------------------- */

int egress_remove(const char *interface, struct error *error)
{
    unsigned index = if_nametoindex(interface);
    if (!index)
        return error_set(error, -ENODEV, "there is no interface \"%s\"", interface);
    int found = 0;
    for (int host = 0; host < 2; host++) {
        struct kernel *k;
        if (kernel_find(index, host, &k, error) < 0)
            continue;
        kernel_close(k);
        int code = kernel_detach(index, host, error);
        if (code < 0)
            return code;
        found = 1;
    }
    return found;
}

static bool is_astray(const struct contract *c, const char *interface, bool host, uint64_t owner)
{
    const struct network_rules *n = &c->network;
    return owner == config_owner(c) &&
           !(n->present && strcmp(n->interface, interface) == 0 && n->attach_host == host);
}

void egress_tidy(const struct contract *contract)
{
    struct if_nameindex *all = if_nameindex();
    for (const struct if_nameindex *i = all; i && i->if_index; i++) {
        for (int host = 0; host < 2; host++) {
            struct kernel *k;
            struct error error;
            if (kernel_find(i->if_index, host, &k, &error) < 0)
                continue;
            bool astray = is_astray(contract, i->if_name, host, k->settings->owner);
            kernel_close(k);
            if (!astray)
                continue;
            if (kernel_detach(i->if_index, host, &error) < 0)
                log_line(LOG_LEVEL_WARNING, "%s", error.text);
            else
                log_line(LOG_LEVEL_WARNING,
                         "bytes out at %s are not limited any more: the contract says so",
                         i->if_name);
        }
    }
    if (all)
        if_freenameindex(all);
}
