/* parts.h: the page's parts in each language, and the interface's, each with a version.
 *
 * Once a second each part is written anew; where it differs, it is kept and gets the next version.
 * An open page that has seen version N is sent the parts whose version is later: fifty pages cost
 * one writing and their differences.
 */
#ifndef ECLUSE_DESK_PARTS_H
#define ECLUSE_DESK_PARTS_H

#include "desk/say.h"
#include "desk/snapshot.h"

enum channel { CHANNEL_EN = SAY_EN, CHANNEL_FR = SAY_FR, CHANNEL_JSON, CHANNEL_COUNT };

enum { PARTS_MAX = CONTRACT_MAX_PROMISES + CONTRACT_MAX_BUDGETS + 8, PART_SIZE_MAX = 1 << 19 };

struct part {
    char id[24]; /* of the page's element; of the interface's event */
    char *text;
    size_t length;
    uint64_t version;
};

struct parts {
    uint64_t version;          /* the latest given */
    uint64_t generation;       /* of the contract: a page of another one is loaded anew */
    uint64_t timeline_size;    /* of the log, when the timeline was written */
    char *timeline[SAY_COUNT]; /* written by timeline.h when the log grows; owned */
    struct part part[CHANNEL_COUNT][PARTS_MAX];
    size_t count[CHANNEL_COUNT];
    char scratch[PART_SIZE_MAX];
};

struct parts *parts_new(void);
void parts_free(struct parts *parts); /* takes NULL */

void parts_write(struct parts *parts, const struct snapshot *snapshot);

const struct part *parts_find(const struct parts *parts, enum channel channel, const char *id);

/* ---- What the parts are, for parts_write() and tests ----------------------------------------- */

void part_state(struct writer *w, const struct snapshot *s, int language);
void part_alarms(struct writer *w, const struct snapshot *s, int language);
void part_promise(struct writer *w, const struct snapshot *s, int language, unsigned at);
void part_budget(struct writer *w, const struct snapshot *s, int language, unsigned at);
void part_holds(struct writer *w, const struct snapshot *s, int language);
void part_guards(struct writer *w, const struct snapshot *s, int language);

/* "61 of 60 in 1 min, for logins": why somebody is held; and all that is known of one hold, as a
 * list. */
void hold_reason(struct writer *w, const struct snapshot *s, const struct hold *hold, int language);
void hold_facts(struct writer *w, const struct snapshot *s, const struct hold *hold, int language);

#endif
