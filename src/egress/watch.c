#include "egress/watch.h"

#include "egress/gather.h"
#include "egress/trail.h"

#include <stdlib.h>

enum { WATCHED = 4096 }; /* as many holds as a segment has */

static const nanos_t soon = 10 * NANOS_SECOND, seldom = 10 * NANOS_MINUTE,
                     expire_every = 10 * NANOS_MINUTE;

struct watched {
    struct hold hold;
    nanos_t next; /* boot clock: when it is gathered again */
    bool there;   /* in force at this look */
    bool kept;    /* an earlier process gathered it: that knew more than this one can */
};

struct watch {
    struct gather *gather;
    nanos_t expired; /* boot clock: when old evidence was last removed; 0: never */
    bool said;
    size_t count;
    struct watched watched[WATCHED]; /* by id, smallest first */
    struct watched before[WATCHED];
    struct hold hold[WATCHED];
    struct trail evidence[GATHER_MOST];
};

struct watch *watch_new(void)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w && !(w->gather = gather_new())) {
        free(w);
        return NULL;
    }
    return w;
}

void watch_free(struct watch *w)
{
    if (w)
        gather_free(w->gather);
    free(w);
}

/* ---- One hold ---------------------------------------------------------------------------------
 */

static int hex(uint8_t c)
{
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= '0' && c <= '9' ? c - '0' : -1;
}

/* The inverse of principal_host() and principal_pair(); false for the newcomers. */
static bool host_of(const struct principal *p, struct egress_pair *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->host.id, p->id, 16);
    if (p->kind == PRINCIPAL_PAIR) {
        memcpy(out->to, p->network, 16);
        return true;
    }
    if (p->kind != PRINCIPAL_HOST || (p->proven && p->id[15] != 12))
        return false;
    if (!p->proven)
        return true;
    memset(out->host.id, 0, 16);
    out->host.id[0] = 1;
    for (unsigned i = 0; i < 6; i++) {
        int high = hex(p->id[2 * i]), low = hex(p->id[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->host.id[10 + i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static nanos_t to_wall(struct moment now, nanos_t boot)
{
    return now.wall - (now.boot - boot);
}

static void describe(const struct egress *e, const struct hold *hold, struct moment moment,
                     struct trail *out)
{
    struct egress_pair who;
    uint32_t index = ENTRY_NEWCOMERS;
    *out = (struct trail){.hold = hold->id,
                          .since = to_wall(moment, hold->since),
                          .until = to_wall(moment, hold->until),
                          .taken = moment.wall,
                          .pair = hold->principal.kind == PRINCIPAL_PAIR};
    if (host_of(&hold->principal, &who)) {
        memcpy(out->host, who.host.id, 16);
        memcpy(out->to, who.to, 16);
        out->known_since = known_since(e->known, &who.host);
        if (kernel_place(e->kernel, &who, &index) < 0)
            return;
    }
    pace_read(&e->pace[index], moment.boot, out->second, out->minute);
}

static unsigned account_of(const struct egress *e, const struct hold *hold)
{
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (e->config->budget[i] >= 0 && e->config->budget[i] == hold->budget)
            return i;
    return EGRESS_ACCOUNTS;
}

static void keep(struct watch *w, const struct egress *e, struct trail *evidence)
{
    struct error error;
    int code = trail_write(e->contract->state, evidence, &error);
    if (code < 0 && !w->said)
        log_line(LOG_LEVEL_WARNING, "egress: evidence of holds cannot be kept: %s", error.text);
    w->said = code < 0;
}

/* It is over: its evidence is kept from now on for as long as the contract says. */
static void ended(struct watch *w, const struct egress *e, const struct watched *watched,
                  struct moment moment)
{
    struct trail evidence;
    nanos_t until = to_wall(moment, watched->hold.until);
    if (trail_read(e->contract->state, watched->hold.id, &evidence) < 0)
        return;
    evidence.until = until < moment.wall ? until : moment.wall;
    keep(w, e, &evidence);
}

/* ---- All of them ------------------------------------------------------------------------------
 */

static int smaller_first(const void *a, const void *b)
{
    uint64_t left = ((const struct hold *)a)->id, right = ((const struct hold *)b)->id;
    return left < right ? -1 : left > right;
}

static struct watched begin_watching(const struct egress *e, const struct hold *hold,
                                     struct moment moment)
{
    struct trail evidence;
    struct watched watched = {.hold = *hold, .next = moment.boot};
    if (trail_read(e->contract->state, hold->id, &evidence) == 0) {
        watched.kept = true;
        watched.next = NANOS_FOREVER;
    }
    return watched;
}

/* Goes through what was watched and what is in force side by side, both by id. */
static void follow(struct watch *w, const struct egress *e, struct moment moment)
{
    size_t before = w->count, count = holds_list(e->budgets, moment.boot, w->hold, WATCHED), b = 0;
    memcpy(w->before, w->watched, before * sizeof w->before[0]);
    qsort(w->hold, count, sizeof w->hold[0], smaller_first);
    for (size_t h = 0; h < count; h++) {
        while (b < before && w->before[b].hold.id < w->hold[h].id)
            ended(w, e, &w->before[b++], moment);
        if (b < before && w->before[b].hold.id == w->hold[h].id) {
            w->watched[h] = w->before[b++];
            w->watched[h].hold = w->hold[h];
        } else {
            w->watched[h] = begin_watching(e, &w->hold[h], moment);
        }
    }
    while (b < before)
        ended(w, e, &w->before[b++], moment);
    w->count = count;
}

static nanos_t next_of(const struct watched *watched, struct moment moment)
{
    if (moment.boot - watched->hold.since < soon)
        return watched->hold.since + soon;
    return watched->hold.observed ? moment.boot + seldom : NANOS_FOREVER;
}

static void gather_due(struct watch *w, const struct egress *e, struct moment moment)
{
    struct trail *due[GATHER_MOST];
    unsigned account[GATHER_MOST];
    size_t count = 0;
    for (size_t i = 0; i < w->count && count < GATHER_MOST; i++) {
        struct watched *watched = &w->watched[i];
        if (watched->next > moment.boot)
            continue;
        watched->next = next_of(watched, moment);
        account[count] = account_of(e, &watched->hold);
        due[count] = &w->evidence[count];
        describe(e, &watched->hold, moment, due[count++]);
    }
    if (count)
        gather_connections(w->gather, e->kernel, due, account, count, moment.monotonic,
                           moment.wall);
    for (size_t i = 0; i < count; i++)
        keep(w, e, due[i]);
}

void watch_holds(struct watch *w, struct egress *e, struct moment moment)
{
    follow(w, e, moment);
    gather_due(w, e, moment);
    if (w->expired && moment.boot - w->expired < expire_every)
        return;
    w->expired = moment.boot;
    trail_expire(e->contract->state, moment.wall - e->contract->keep.holds, TRAIL_MOST);
}
