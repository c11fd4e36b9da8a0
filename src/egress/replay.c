#include "egress/replay.h"

#include "egress/known.h"
#include "egress/replay_kernel.h"
#include "egress/replay_places.h"
#include "egress/replay_rows.h"
#include "egress/replay_spread.h"
#include "egress/replay_world.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* The boot clock at the record's first moment, and when the rings begin: flows may have begun long
 * before they are told. */
#define BEGIN       (400 * NANOS_DAY)
#define RINGS_BEGIN NANOS_DAY

enum { ANSWERS = 3 }; /* ANSWER_RATIO of flow.bpf.h */

enum { FRAME_KEPT = 2048 }; /* bytes of a packet that waits: more than its headers */

struct hands { /* of a clock: where it stands; a record that is far ahead waits for the next one */
    nanos_t wall, ahead;
    bool waits;
};

struct replay {
    struct contract *contract;
    struct egress_config *config;
    struct replay_tables *tables;
    struct replay_places *places;
    struct replay_world *observed, *enforced;
    struct replay_rows *rows;
    struct known *known;
    struct spread *spread;
    struct hands of_frames, of_flows;
    struct replay_frame kept_frame;
    struct replay_flow kept_flow;
    uint8_t kept[FRAME_KEPT];
    nanos_t base; /* wall clock of the first record; BEGIN on the boot clock */
    nanos_t now;  /* boot clock of what is charged */
    nanos_t then; /* of what was charged last */
    nanos_t epoch, next_turn, next_day, longest, part_span;
    uint64_t part_bytes;
    struct replay_report report;
};

static nanos_t wall_of(const struct replay *r, nanos_t boot)
{
    nanos_t wall = boot - BEGIN + r->base;
    return wall > 0 ? wall : 0;
}

static nanos_t boot_of(const struct replay *r, nanos_t wall)
{
    nanos_t boot = wall - r->base + BEGIN;
    return boot > RINGS_BEGIN ? boot : RINGS_BEGIN;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void span_note(struct replay *r, nanos_t first, nanos_t last)
{
    if (!r->report.first || first < r->report.first)
        r->report.first = first;
    if (last > r->report.last)
        r->report.last = last;
}

/* Whether a record is so far ahead that it has to wait for the next one. */
static bool is_far_ahead(struct hands *h, nanos_t wall)
{
    if (h->wall && wall <= h->wall + REPLAY_JUMP)
        return false;
    h->waits = true;
    h->ahead = wall;
    return true;
}

/* The time of the record that waited, now that the next one says `next`. */
static nanos_t time_of_kept(struct replay *r, struct hands *h, nanos_t next)
{
    h->waits = false;
    if (next >= h->ahead - REPLAY_JUMP)
        return h->ahead;
    r->report.jumps++;
    return h->wall ? h->wall : next;
}

static nanos_t clock_take(struct hands *h, nanos_t wall)
{
    if (wall > h->wall)
        h->wall = wall;
    return h->wall;
}

/* Who is new is so until the end of the day (UTC). Who was idle for longer than every window owes
 * nothing. */
static void new_day(struct replay *r)
{
    nanos_t wall = wall_of(r, r->now);
    r->next_day = r->now + NANOS_DAY - wall % NANOS_DAY;
    for (uint32_t i = ENTRY_FIRST; i < r->places->high; i++) {
        if (r->places->kind[i] == ENTRY_FREE)
            continue;
        if (r->now - r->places->busy[i] > r->longest) {
            replay_places_give_back(r->places, i);
            replay_world_place_gone(r->observed, i);
            replay_world_place_gone(r->enforced, i);
        } else if (r->places->kind[i] == ENTRY_HOST) {
            replay_world_place_known(r->observed, i);
            replay_world_place_known(r->enforced, i);
        }
    }
}

static void time_goes(struct replay *r, nanos_t boot)
{
    if (boot > r->now)
        r->now = boot;
    if (r->now < r->next_turn)
        return;
    replay_world_turn(r->observed, r->then, r->now);
    replay_world_turn(r->enforced, r->then, r->now);
    r->next_turn = r->now - r->now % r->epoch + r->epoch;
    if (r->now >= r->next_day)
        new_day(r);
}

/* In the first day of the record everybody counts as known. */
static void begin(struct replay *r, nanos_t wall)
{
    if (r->base)
        return;
    r->base = wall > 0 ? wall : 1;
    r->now = r->then = RINGS_BEGIN;
    if (known_open("", r->base, &r->known, NULL) < 0)
        r->known = NULL; /* no memory: nobody is new */
    spread_advance(r->spread, BEGIN - REPLAY_PATIENCE);
}

/* ---- What leaves ----------------------------------------------------------------------------- */

static void place_made(struct replay *r, uint32_t index)
{
    bool host = r->places->kind[index] == ENTRY_HOST;
    nanos_t wall = wall_of(r, r->now);
    bool newcomer =
        host && r->known &&
        known_is_new(r->known, &r->places->who[index].host, wall > r->base ? wall : r->base);
    replay_world_place_made(r->observed, index, newcomer);
    replay_world_place_made(r->enforced, index, newcomer);
}

static uint32_t place_of(struct replay *r, const struct egress_pair *who, uint8_t kind)
{
    bool made;
    uint32_t index = replay_places_take(r->places, who, kind, r->now, &made);
    if (made)
        place_made(r, index);
    r->places->busy[index] = r->now;
    return index;
}

struct leaving {
    const struct egress_host *host;
    const uint8_t *to;
    uint32_t list, bytes;
    bool proven;
    nanos_t when;
    uint32_t *place;
};

static void leave(struct replay *r, const struct leaving *l)
{
    struct replay_sum *sum = &r->report.sum[l->list / BY_COUNT][l->list % BY_COUNT];
    sum->left += l->bytes;
    if (!r->config->settings.applies[l->list].count) {
        sum->would_have_left += l->bytes;
        r->report.uncharged.left += l->bytes;
        r->report.uncharged.would_have_left += l->bytes;
        return;
    }
    time_goes(r, l->when);
    struct egress_pair who = {.host = *l->host};
    struct replay_act act = {
        .list = l->list, .bytes = l->bytes, .proven = l->proven, .now = r->now, .when = l->when};
    if (l->place && replay_places_is_host(r->places, *l->place, l->host)) {
        act.host = *l->place;
        r->places->busy[act.host] = r->now;
    } else {
        act.host = place_of(r, &who, ENTRY_HOST);
    }
    replay_world_fetch(r->observed, act.host);
    replay_world_fetch(r->enforced, act.host);
    if (l->place)
        *l->place = act.host;
    act.pair = act.host;
    memcpy(act.to, l->to, sizeof act.to);
    memcpy(who.to, l->to, sizeof who.to);
    if (r->config->settings.pairs)
        act.pair = place_of(r, &who, ENTRY_PAIR);
    replay_world_charge(r->observed, &act);
    bool goes = replay_world_charge(r->enforced, &act);
    r->then = r->now;
    if (goes)
        sum->would_have_left += l->bytes;
    replay_rows_add(r->rows, act.host, &r->places->who[act.host].host, wall_of(r, r->now), l->bytes,
                    goes);
}

static void on_held(void *context, const struct hold *hold, const struct replay_who *who,
                    const struct replay_act *act)
{
    struct replay *r = context;
    struct replay_report *report = &r->report;
    struct egress_host host;
    memcpy(host.id, who->id, sizeof host.id);
    replay_rows_hold(r->rows, &host, wall_of(r, hold->since));
    if (report->holds++ >= REPLAY_HOLDS)
        return;
    struct replay_hold *h = &report->hold[report->hold_count++];
    *h = (struct replay_hold){.since = wall_of(r, hold->since),
                              .until = wall_of(r, hold->until),
                              .who = *who,
                              .budget = hold->budget,
                              .window = hold->window,
                              .used = hold->used,
                              .limit = hold->limit};
    memcpy(h->to, act->to, sizeof h->to);
}

static void on_held_enforced(void *context, const struct hold *hold, const struct replay_who *who,
                             const struct replay_act *act)
{
    (void)hold, (void)who, (void)act;
    ((struct replay *)context)->report.holds_enforced++;
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void way_count(struct replay *r, const struct replay_sight *sight)
{
    if (sight->way == REPLAY_INSIDE || (sight->way == REPLAY_OUT && sight->class == CLASS_INSIDE))
        r->report.inside++;
    else if (sight->way == REPLAY_ELSEWHERE)
        r->report.elsewhere++;
    else if (sight->way == REPLAY_UNREADABLE)
        r->report.unreadable++;
}

static void frame_count(struct replay *r, const struct replay_frame *frame)
{
    struct replay_sight sight;
    begin(r, frame->time);
    if (frame->time < r->of_frames.wall) {
        nanos_t back = r->of_frames.wall - frame->time;
        r->report.backwards++;
        r->report.backwards_most =
            back > r->report.backwards_most ? back : r->report.backwards_most;
    }
    nanos_t wall = clock_take(&r->of_frames, frame->time);
    span_note(r, wall, wall);
    nanos_t boot = boot_of(r, wall);
    if (!spread_is_empty(r->spread))
        spread_advance(r->spread, boot);
    replay_frame_look(r->tables, frame, boot, &sight);
    way_count(r, &sight);
    if (sight.way != REPLAY_OUT || sight.class == CLASS_INSIDE || sight.class >= REPLAY_CLASSES)
        return;
    r->report.sum[sight.class][sight.by].packets++;
    leave(r, &(struct leaving){.host = &sight.host,
                               .to = sight.to,
                               .list = sight.class * BY_COUNT + sight.by,
                               .bytes = sight.bytes,
                               .proven = sight.proven,
                               .when = boot > r->now ? boot : r->now,
                               .place = sight.place});
}

static void kept_frame_count(struct replay *r, nanos_t next)
{
    struct replay_frame kept = r->kept_frame;
    kept.time = time_of_kept(r, &r->of_frames, next);
    frame_count(r, &kept);
}

void replay_frame(struct replay *r, const struct replay_frame *frame)
{
    r->report.frames++;
    if (r->of_frames.waits)
        kept_frame_count(r, frame->time);
    if (!is_far_ahead(&r->of_frames, frame->time)) {
        frame_count(r, frame);
        return;
    }
    r->kept_frame = *frame;
    r->kept_frame.data = r->kept;
    if (frame->captured > FRAME_KEPT)
        r->kept_frame.captured = FRAME_KEPT;
    memcpy(r->kept, frame->data, r->kept_frame.captured);
}

/* ---- Flows ----------------------------------------------------------------------------------- */

static void on_part(void *context, const struct spread_item *item, nanos_t when, uint64_t bytes)
{
    struct replay *r = context;
    if (r->now - when <
        NANOS_SECOND) /* a second's parts come in the order in which they are told */
        when = when > r->now ? when : r->now;
    else
        r->report.late += bytes;
    leave(r, &(struct leaving){.host = &item->host,
                               .to = item->to,
                               .list = item->list,
                               .bytes = (uint32_t)bytes,
                               .proven = item->proven,
                               .when = when});
}

static uint64_t divided_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static void flow_spread(struct replay *r, const struct replay_flow *f, struct spread_item *item,
                        uint8_t by, uint64_t bytes, bool proven)
{
    if (!bytes)
        return;
    uint32_t class = replay_class_of(r->tables, item->to);
    uint64_t parts = divided_up(bytes, r->part_bytes);
    uint64_t spans = divided_up((uint64_t)(f->end - f->start), (uint64_t)r->part_span);
    if (bytes > r->part_bytes / 16 && spans > parts)
        parts = spans;
    item->parts = (uint32_t)(parts < SPREAD_PARTS ? parts : SPREAD_PARTS);
    item->bytes = bytes;
    item->list = (uint8_t)((class == CLASS_INSIDE ? CLASS_UNLISTED : class) * BY_COUNT + by);
    item->proven = proven;
    r->report.sum[item->list / BY_COUNT][by].packets++;
    spread_add(r->spread, item);
}

static void host_of(const struct replay_flow *f, bool from, struct egress_host *out)
{
    memset(out, 0, sizeof *out);
    if (f->has_link) {
        out->id[0] = 1;
        memcpy(out->id + 10, from ? f->from_link : f->to_link, 6);
    } else {
        memcpy(out->id, from ? f->from : f->to, 16);
    }
}

/* Both ends took part: a completed handshake; without one, an answer and another packet after
 * it. */
static bool took_part(const struct replay_flow *f)
{
    return f->protocol == IPPROTO_TCP ? f->established : f->packets_from >= 2 && f->packets_to >= 1;
}

static void flow_leaves(struct replay *r, const struct replay_flow *f, bool from_inside)
{
    struct spread_item item = {.start = boot_of(r, f->start), .span = f->end - f->start};
    bool proven = took_part(f);
    host_of(f, from_inside, &item.host);
    memcpy(item.to, from_inside ? f->to : f->from, 16);
    if (from_inside) {
        flow_spread(r, f, &item, BY_INSIDE, f->bytes_from, proven);
    } else if (!f->began_known) {
        flow_spread(r, f, &item, BY_INSIDE, f->bytes_to, proven);
    } else if (proven) {
        flow_spread(r, f, &item, BY_OUTSIDE, f->bytes_to, true);
    } else { /* what nobody vouches for may be answered with three times what came */
        uint64_t free = f->bytes_from * ANSWERS;
        uint64_t answer = f->bytes_to < free ? f->bytes_to : free;
        flow_spread(r, f, &item, BY_OUTSIDE, answer, false);
        flow_spread(r, f, &item, BY_INSIDE, f->bytes_to - answer, false);
    }
}

static void flow_count(struct replay *r, const struct replay_flow *flow)
{
    struct replay_flow f = *flow;
    begin(r, f.end);
    nanos_t end = clock_take(&r->of_flows, f.end);
    if (f.start < r->base - BEGIN)
        f.start = r->base - BEGIN;
    span_note(r, f.start, f.end);
    spread_advance(r->spread, boot_of(r, end) - REPLAY_PATIENCE);
    bool from = replay_class_of(r->tables, f.from) == CLASS_INSIDE;
    bool to = replay_class_of(r->tables, f.to) == CLASS_INSIDE;
    if (!from && !to && f.local_known) {
        from = f.from_local;
        to = !from;
    }
    if (from && to)
        r->report.inside++;
    else if (!from && !to)
        r->report.elsewhere++;
    else
        flow_leaves(r, &f, from);
}

static void kept_flow_count(struct replay *r, nanos_t next)
{
    struct replay_flow kept = r->kept_flow;
    kept.end = time_of_kept(r, &r->of_flows, next);
    if (kept.start > kept.end)
        kept.start = kept.end;
    flow_count(r, &kept);
}

void replay_flow(struct replay *r, const struct replay_flow *flow)
{
    struct replay_flow f = *flow;
    if (f.end < f.start)
        f.end = f.start;
    r->report.flows++;
    if (r->of_flows.waits)
        kept_flow_count(r, f.end);
    if (is_far_ahead(&r->of_flows, f.end))
        r->kept_flow = f;
    else
        flow_count(r, &f);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void spans_of(struct replay *r)
{
    nanos_t shortest = NANOS_FOREVER;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        if (r->config->budget[i] < 0)
            continue;
        const struct budget_rule *rule = &r->contract->budget[r->config->budget[i]];
        for (uint32_t w = 0; w < rule->window_count; w++) {
            shortest = rule->window[w].span < shortest ? rule->window[w].span : shortest;
            least = rule->window[w].limit < least ? rule->window[w].limit : least;
            r->longest = rule->window[w].span > r->longest ? rule->window[w].span : r->longest;
        }
    }
    r->part_span = shortest / 10 > 0 ? shortest / 10 : 1;
    r->part_bytes = least / 1000 > 1000 ? least / 1000 : 1000;
}

static int worlds_open(struct replay *r, const char *folder, struct error *error)
{
    struct replay_world_options options = {.contract = r->contract,
                                           .config = r->config,
                                           .places = r->places,
                                           .folder = folder,
                                           .begin = RINGS_BEGIN,
                                           .held = on_held,
                                           .context = r};
    int code = replay_world_open(&options, &r->observed, error);
    options.enforce = true;
    options.held = on_held_enforced;
    if (code == 0)
        code = replay_world_open(&options, &r->enforced, error);
    if (code == 0)
        r->epoch = replay_world_epoch(r->enforced);
    return code;
}

static int parts_open(struct replay *r, const struct contract *contract, const char *folder,
                      struct error *error)
{
    r->contract = malloc(sizeof *r->contract);
    r->config = calloc(1, sizeof *r->config);
    r->places = replay_places_new();
    r->rows = replay_rows_new(REPLAY_ROWS);
    r->spread = spread_new(REPLAY_WAITING, on_part, r);
    r->report.hold = calloc(REPLAY_HOLDS, sizeof *r->report.hold);
    if (!r->contract || !r->config || !r->places || !r->rows || !r->spread || !r->report.hold)
        return error_set(error, -ENOMEM, "no memory for the record's tables");
    *r->contract = *contract;
    int code = config_make(contract, true, r->config, error);
    if (code < 0)
        return code;
    if (r->config->budget[0] < 0)
        return error_set(error, -EINVAL, "the contract has no budget of bytes_out");
    if (replay_tables_make(r->config, &r->tables) < 0)
        return error_set(error, -ENOMEM, "no memory for the record's connections");
    spans_of(r);
    return worlds_open(r, folder, error);
}

int replay_open(const struct contract *contract, const char *folder, struct replay **out,
                struct error *error)
{
    struct replay *r = calloc(1, sizeof *r);
    int code = r ? parts_open(r, contract, folder, error)
                 : error_set(error, -ENOMEM, "no memory for the record's tables");
    if (code < 0) {
        replay_close(r);
        return code;
    }
    *out = r;
    return 0;
}

const struct replay_report *replay_so_far(const struct replay *r)
{
    return &r->report;
}

const struct replay_report *replay_end(struct replay *r)
{
    struct replay_report *report = &r->report;
    if (r->of_frames.waits)
        kept_frame_count(r, r->of_frames.ahead);
    if (r->of_flows.waits)
        kept_flow_count(r, r->of_flows.ahead);
    spread_end(r->spread);
    if (r->base) {
        replay_world_turn(r->observed, r->then, r->now);
        replay_world_turn(r->enforced, r->then, r->now);
    }
    report->forgotten = replay_tables_forgotten(r->tables);
    report->no_place = r->places->refused;
    report->no_slot = replay_world_no_slot(r->observed, r->now);
    report->row_count = replay_rows_sorted(r->rows, &report->row, &report->no_row);
    return report;
}

void replay_close(struct replay *r)
{
    if (!r)
        return;
    replay_world_close(r->observed);
    replay_world_close(r->enforced);
    replay_tables_free(r->tables);
    replay_rows_free(r->rows);
    spread_free(r->spread);
    known_close(r->known);
    free(r->report.hold);
    free(r->places);
    free(r->config);
    free(r->contract);
    free(r);
}
