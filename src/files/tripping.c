#include "files/listener_parts.h"

/* A canary opened: a tenth of every budget is left to him for an hour; one in another folder, and
 * nothing is, so that this very open begins the hold. */
#define TRIPPED_FOR NANOS_HOUR
enum { TRIPPED_SHARE = 100000, TRIPPED_MOST = 64 };

static struct tripped { /* who opened a canary lately */
    uint64_t tree;
    uint32_t user, folder;
    nanos_t at; /* 0: free */
} tripped[TRIPPED_MOST];

static const struct board_canary *find(const struct board *board, const struct stat *status)
{
    uint32_t count = atomic_load_explicit(&board->canary_count, memory_order_acquire);
    for (uint32_t i = 0; i < count && i < BOARD_CANARY_MOST; i++) {
        const struct board_canary *canary = &board->canary[i];
        if (atomic_load_explicit(&canary->inode, memory_order_relaxed) == status->st_ino &&
            atomic_load_explicit(&canary->device, memory_order_relaxed) == status->st_dev)
            return canary;
    }
    return NULL;
}

/* Whether the same tree or user opened one in another folder within the hour. */
static bool is_second(const struct act_seen *act, uint32_t folder, nanos_t now)
{
    uint64_t tree = act->owner.tree ? act->owner.tree->id : 0;
    bool second = false;
    struct tripped *oldest = &tripped[0];
    for (unsigned i = 0; i < TRIPPED_MOST; i++) {
        const struct tripped *t = &tripped[i];
        bool same = t->at && now - t->at < TRIPPED_FOR &&
                    ((tree && t->tree == tree) || t->user == act->owner.user);
        second |= same && t->folder != folder;
        if (same && t->folder == folder)
            return second;
        if (t->at < oldest->at)
            oldest = &tripped[i];
    }
    *oldest = (struct tripped){tree, act->owner.user, folder, now};
    return second;
}

bool tripping_canary(struct listener *l, const struct act_seen *act)
{
    const struct board_canary *canary = find(l->board, &act->status);
    if (!canary || !act->owner.known)
        return false;
    bool second = is_second(act, atomic_load(&canary->folder), l->now);
    board_add(l->board, BOARD_CANARIES);
    charging_shrink(l->budgets, &act->payer, second ? 0 : TRIPPED_SHARE, l->now,
                    l->now + TRIPPED_FOR);
    listener_trace(l, act, TRACE_CANARY);
    struct note note = {.kind = NOTE_CANARY,
                        .tree = act->owner.tree ? act->owner.tree->id : 0,
                        .share = (int16_t)act->payer.share,
                        .user = act->owner.user,
                        .second = second};
    note_send(l->start->control, &note);
    return true;
}
