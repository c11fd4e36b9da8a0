/* What follows from what the listener tells: lines, evidence, and process trees that stand still.
 */
#include "files/files_parts.h"

#include <stdio.h>

enum { WRITTEN_TWICE = 2 };
#define WRITTEN_AGAIN (3 * NANOS_SECOND) /* by then what was in flight is judged */

/* Longer than a verdict on a removal takes. */
#define PAUSED_FOR    (600 * NANOS_MILLISECOND)

/* ---- Evidence -------------------------------------------------------------------------------- */

static nanos_t longest_window(const struct budget_rule *rule)
{
    return rule->window_count ? rule->window[rule->window_count - 1].span : NANOS_HOUR;
}

static void write_evidence(struct files *f, struct held *h)
{
    char reason[REWRITE_TEXT_SIZE], name[HOLD_NAME_SIZE];
    h->evidence.wall = f->moment.wall;
    h->evidence.boot = f->moment.boot;
    h->evidence.until = f->moment.boot;
    long count =
        files_evidence_write(f->contract->state, f->contract, f->board, &h->evidence, reason);
    if (count < 0)
        log_line(LOG_LEVEL_ERROR, "files: the list of a hold's files cannot be written: %s",
                 strerror((int)-count));
    else if (h->written + 1 == WRITTEN_TWICE && reason[0])
        files_say(f, FILES_ALARM, "files rewritten", "%s: %s",
                  hold_name(GUARD_FILES, h->evidence.hold, name), reason);
    h->written++;
    h->again = f->moment.boot + WRITTEN_AGAIN;
    if (h->written >= WRITTEN_TWICE)
        h->again = 0;
}

static struct held *held_of(struct files *f, uint64_t hold)
{
    struct held *oldest = &f->held[0];
    for (unsigned i = 0; i < HOLDS_MOST; i++) {
        if (f->held[i].evidence.hold == hold)
            return &f->held[i];
        if (f->held[i].evidence.boot < oldest->evidence.boot)
            oldest = &f->held[i];
    }
    *oldest = (struct held){.evidence.hold = 0};
    return oldest;
}

static void note_hold(struct files *f, const struct note *note)
{
    struct held *h = held_of(f, note->hold);
    if (h->evidence.hold || note->budget < 0 || (uint32_t)note->budget >= f->contract->budget_count)
        return;
    const struct budget_rule *rule = &f->contract->budget[note->budget];
    nanos_t from = f->moment.boot - longest_window(rule);
    memcpy(h->tree, note->text, TREE_NAME_SIZE - 1);
    h->tree[TREE_NAME_SIZE - 1] = 0;
    h->evidence = (struct evidence){.hold = note->hold,
                                    .budget = rule->name,
                                    .tree = h->tree,
                                    .kind = (enum principal_kind)note->principal.kind,
                                    .user = note->user,
                                    .tree_id = note->tree,
                                    .share = (uint16_t)note->share,
                                    .from = from > 0 ? from : 0};
    write_evidence(f, h);
}

/* ---- Notes ----------------------------------------------------------------------------------- */

static void take_held(struct files *f, const struct note *note)
{
    char name[HOLD_NAME_SIZE];
    const struct freezer_who who = {note->tree, note->user, note->process};
    note_hold(f, note);
    if (note->binds && f->mode == MODE_ENFORCE && freezer_freeze(&f->freezer, &who, note->hold))
        files_say(f, FILES_ALARM, "process tree", "stopped while %s is in force",
                  hold_name(GUARD_FILES, note->hold, name));
}

static void take_pause(struct files *f, const struct note *note)
{
    const struct freezer_who who = {note->tree, note->user, note->process};
    freezer_pause(&f->freezer, &who, f->moment.boot + PAUSED_FOR);
}

static void take_canary(struct files *f, const struct note *note)
{
    const char *share = note->share >= 0 && (uint32_t)note->share < f->contract->share_count
                            ? f->contract->share[note->share].name
                            : "?";
    files_say(f, FILES_ALARM, "canary", "on share %s, %s", share,
              note->second ? "the second in another directory: whoever it was is held"
                           : "one was opened: budgets are a tenth for an hour");
}

void answering_notes(struct files *f, unsigned seat)
{
    struct note note;
    while (note_take(f->listener[seat].control, &note)) {
        if (note.kind == NOTE_LOG)
            log_line(note.level > LOG_LEVEL_INFO ? LOG_LEVEL_INFO : (enum log_level)note.level,
                     "%s", note.text);
        else if (note.kind == NOTE_HELD)
            take_held(f, &note);
        else if (note.kind == NOTE_PAUSE && f->mode == MODE_ENFORCE)
            take_pause(f, &note);
        else if (note.kind == NOTE_CANARY)
            take_canary(f, &note);
    }
}

void answering_tick(struct files *f)
{
    for (unsigned i = 0; i < HOLDS_MOST; i++)
        if (f->held[i].evidence.hold && f->held[i].again && f->held[i].again <= f->moment.boot)
            write_evidence(f, &f->held[i]);
    unsigned gone = freezer_tick(&f->freezer, f->budgets, f->mode == MODE_ENFORCE, f->moment.boot);
    if (gone)
        files_say(f, FILES_UP, "process tree", "%u went on: the hold is over", gone);
}
