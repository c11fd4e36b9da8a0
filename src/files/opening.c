#include "files/listener_parts.h"

#include <unistd.h>

/* ---- Waiting --------------------------------------------------------------------------------- */

static struct flight flight_of(const struct waiting *w)
{
    return (struct flight){.thing = w->thing, .tree = w->tree, .user = w->user, .share = w->share};
}

static struct payer payer_of(const struct listener *l, const struct waiting *w)
{
    return (struct payer){.user = w->user,
                          .known = true,
                          .tree = owners_tree(l->owners, w->tree),
                          .trusted = OWNER_NOBODY,
                          .share = w->share};
}

static void settle(struct listener *l, struct waiting *w, bool refuse)
{
    listener_answer(l, w->fd, refuse);
    if (w->waits_for != WAITS_FOR_NOTHING)
        l->waiting_count--;
    w->waits_for = WAITS_FOR_NOTHING;
}

static void settle_late(struct listener *l, struct waiting *w)
{
    board_add(l->board, BOARD_LATE);
    settle(l, w, true);
}

/* Whether one more file may be open for writing and not judged. */
static bool has_room(struct listener *l, const struct waiting *w)
{
    struct payer payer = payer_of(l, w);
    struct flight flight = flight_of(w);
    struct charging_left left =
        charging_left(&l->charging, l->budgets, METER_FILES_REWRITTEN, &payer, l->now);
    struct flights_count count = flights_count(&l->flights, &flight, l->now);
    return flights_fit(count.own, left.own) && flights_fit(count.all, left.all) &&
           flights_add(&l->flights, &flight, l->now, l->now + FLIGHT_OPEN);
}

/* Nobody can keep a version or judge: the file counts as rewritten at once, so that no more than
 * the budget is lost. */
static void open_uncovered(struct listener *l, struct waiting *w)
{
    struct payer payer = payer_of(l, w);
    board_add(l->board, BOARD_NOT_COVERED);
    struct charged charged =
        charging_charge(&l->charging, l->budgets, METER_FILES_REWRITTEN, &payer, w->thing, l->now);
    listener_held(l, &payer, &charged);
    settle(l, w, charged.refuse);
}

/* What was written a moment ago has to reach the disk before it can be cloned, and a slow disk must
 * not be what keeps somebody from his work. */
static void open_late(struct listener *l, struct waiting *w)
{
    board_add(l->board, BOARD_LATE);
    open_uncovered(l, w);
}

/* It has room: now its last closed version must be kept. The vault is told in any case, since it
 * looks at files that nobody closes. */
static void keep_first(struct listener *l, struct waiting *w)
{
    bool kept = asking_has(l, w->share, &w->status);
    w->number = ++l->questions & 0x7fffff;
    if (asking_refuses(l, w->share, w->user)) {
        settle(l, w, true);
        return;
    }
    int code = asking_is_up(l, w->share) ? asking_opened(l, w, kept) : -1;
    if (kept)
        settle(l, w, false);
    else if (code < 0)
        open_uncovered(l, w);
    else
        w->waits_for = WAITS_FOR_VAULT;
}

/* An open for writing, of a file that holds something. */
static void open_existing(struct listener *l, const struct act_seen *act)
{
    struct waiting *w = waiting_place(l->waiting, l->waiting_count, act->owner.user);
    struct waiting late = {.fd = act->fd};
    if (!w) {
        settle_late(l, &late);
        return;
    }
    *w = (struct waiting){.waits_for = WAITS_FOR_ROOM,
                          .fd = act->fd,
                          .deadline = act->since + LISTENER_PATIENCE,
                          .thing = act->thing,
                          .tree = act->owner.tree ? act->owner.tree->id : 0,
                          .user = act->owner.user,
                          .share = act->payer.share,
                          .status = act->status};
    l->waiting_count++;
    rescue_answered(&l->rescue, w->fd); /* from now on it has a deadline of its own */
    if (has_room(l, w))
        keep_first(l, w);
    if (w->waits_for != WAITS_FOR_NOTHING)
        board_add(l->board, BOARD_WAITED);
}

void opening_again(struct listener *l)
{
    for (unsigned i = 0; i < WAITING_MOST && l->waiting_count; i++) {
        struct waiting *w = &l->waiting[i];
        if (w->waits_for == WAITS_FOR_NOTHING)
            continue;
        struct payer payer = payer_of(l, w);
        struct charged held = charging_held(&l->charging, l->budgets, &payer, l->now);
        if (held.refuse)
            settle(l, w, true);
        else if (w->waits_for == WAITS_FOR_ROOM && has_room(l, w))
            keep_first(l, w);
        else if (w->waits_for == WAITS_FOR_VAULT && !asking_is_up(l, w->share))
            open_uncovered(l, w);
        else if (l->now >= w->deadline && w->waits_for == WAITS_FOR_VAULT)
            open_late(l, w);
        else if (l->now >= w->deadline)
            settle_late(l, w);
    }
}

void opening_kept(struct listener *l, uint32_t number, enum vault_result result)
{
    for (unsigned i = 0; i < WAITING_MOST && l->waiting_count; i++) {
        struct waiting *w = &l->waiting[i];
        if (w->waits_for != WAITS_FOR_VAULT || w->number != number)
            continue;
        if (result == VAULT_NOT_COVERED || result == VAULT_FAILED)
            open_uncovered(l, w);
        else
            settle(l, w, result == VAULT_REFUSED);
        return;
    }
}

/* Whether an open for writing can destroy something: an old file that is empty now was emptied by
 * path just before, maybe. */
static bool is_existing(const struct act_seen *act)
{
    return act->status.st_size > 0 || listener_was_there(act->fd);
}

/* ---- An open --------------------------------------------------------------------------------- */

static bool is_refused(struct listener *l, const struct act_seen *act, enum intent intent)
{
    struct charged charged = charging_held(&l->charging, l->budgets, &act->payer, l->now);
    if (!charged.refuse && intent_reads(intent) && act->status.st_size > 0) {
        charged = charging_charge(&l->charging, l->budgets, METER_FILES_READ, &act->payer,
                                  act->thing, l->now);
        if (!charged.refuse)
            listener_trace(l, act, TRACE_READ);
    }
    listener_held(l, &act->payer, &charged);
    return charged.refuse;
}

static void decide(struct listener *l, struct act_seen *act, enum intent intent)
{
    if (act->owner.trusted == OWNER_NOBODY && tripping_canary(l, act))
        intent = INTENT_BOTH; /* whatever for: it is charged */
    if (intent_writes(intent))
        changing_watch(l, act, false);
    if (is_refused(l, act, intent)) {
        rescue_refused(&l->rescue, act->owner.user, l->now);
        listener_answer(l, act->fd, true);
    } else if (intent_writes(intent) && act->owner.trusted == OWNER_NOBODY && is_existing(act)) {
        listener_trace(l, act, TRACE_OPENED);
        open_existing(l, act);
    } else {
        listener_answer(l, act->fd, false);
    }
}

/* The listener was woken before the thread that opens has fallen asleep, and may even keep it from
 * that: what it is at can be seen a moment later, and no reader is to be taken for a writer. */
static bool put_aside(struct listener *l, const struct act_seen *act, pid_t thread)
{
    struct unseen *u = unseen_place(l->unseen, act->owner.user);
    if (!u)
        return false;
    *u = (struct unseen){.thread = thread,
                         .fd = act->fd,
                         .user = act->owner.user,
                         .root = act->owner.root,
                         .deadline = l->now + LISTENER_PATIENCE};
    l->unseen_count++;
    rescue_answered(&l->rescue, act->fd); /* from now on it has a deadline of its own */
    return true;
}

/* False: it cannot be seen yet. */
static bool look_again(struct listener *l, const struct unseen *u)
{
    struct act_seen act;
    enum intent intent = owners_intent(l->owners, u->thread, u->root);
    if (intent == INTENT_RUNNING && l->now < u->deadline)
        return false;
    if (l->calm || !listener_see(l, u->fd, u->thread, false, &act)) {
        listener_answer(l, u->fd, false);
        return true;
    }
    if (intent == INTENT_UNSEEN && act.owner.known) /* it was forgotten meanwhile */
        intent = owners_intent(l->owners, u->thread, u->root);
    if (intent == INTENT_RUNNING && l->now < u->deadline)
        return false;
    act.since = u->deadline - LISTENER_PATIENCE;
    decide(l, &act, intent);
    return true;
}

void opening_see(struct listener *l)
{
    for (unsigned i = 0; i < UNSEEN_MOST && l->unseen_count; i++) {
        struct unseen *u = &l->unseen[i];
        if (!u->thread || !look_again(l, u))
            continue;
        u->thread = 0;
        l->unseen_count--;
    }
}

/* Nothing of a new file is read or lost, and no budget counts it: unless somebody is held, it is
 * enough to have seen a moment ago who opens it, so that who closes it is known: the user whose
 * file it is, since a server may work for another by now. */
bool opening_new(struct listener *l, const struct fanotify_event_metadata *event)
{
    uint32_t user;
    struct stat status;
    if (l->holding || l->calm || !owners_knew_lately(l->owners, event->pid, l->now, &user) ||
        !listener_is_new(l, event->fd, &status) || status.st_uid != user)
        return false;
    changing_new(l, listener_thing(l, &status));
    listener_answer(l, event->fd, false);
    return true;
}

void opening_take(struct listener *l, const struct fanotify_event_metadata *event)
{
    struct act_seen act;
    if (l->calm || !listener_see(l, event->fd, event->pid, false, &act)) {
        listener_answer(l, event->fd, false);
        return;
    }
    enum intent intent =
        act.owner.known ? owners_intent(l->owners, event->pid, act.owner.root) : INTENT_UNSEEN;
    if (intent != INTENT_RUNNING || !put_aside(l, &act, event->pid))
        decide(l, &act, intent);
}

/* ---- A file is closed ------------------------------------------------------------------------ */

static void observe_closed(struct listener *l, const struct act_seen *act, uint64_t mask)
{
    enum meter meter = mask & FAN_CLOSE_WRITE ? METER_FILES_REWRITTEN : METER_FILES_READ;
    if (act->status.st_size == 0 ||
        (meter == METER_FILES_REWRITTEN && !listener_was_there(act->fd)))
        return;
    struct charged charged =
        charging_charge(&l->charging, l->budgets, meter, &act->payer, act->thing, l->now);
    listener_trace(l, act, meter == METER_FILES_READ ? TRACE_READ : TRACE_REWRITTEN);
    listener_held(l, &act->payer, &charged);
}

void opening_closed(struct listener *l, const struct fanotify_event_metadata *event)
{
    struct act_seen act;
    if (listener_see(l, event->fd, event->pid, l->enforce, &act)) {
        changing_old(l, act.thing);
        if (act.owner.trusted == OWNER_NOBODY) /* a database has its files open elsewhere too */
            changing_watch(l, &act, true);
        if (!l->enforce) {
            observe_closed(l, &act, event->mask);
        } else {
            flights_closed(&l->flights, act.thing, l->now);
            asking_closed(l, &act);
        }
    }
    close(event->fd);
}
