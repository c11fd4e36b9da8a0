/* timeline.h: the audit log, newest first, read from the log itself: an index is never evidence.
 */
#ifndef ECLUSE_DESK_TIMELINE_H
#define ECLUSE_DESK_TIMELINE_H

#include "desk/exchange.h"

enum { TIMELINE_SHOWN = 12, TIMELINE_PAGE = 50, TIMELINE_MOST = 200, TIMELINE_SCANNED = 4096 };

/* Once a second: opens the log when it can be read, and follows it. */
void timeline_follow(struct desk *desk);

struct timeline_query { /* each that is set narrows */
    int kind;           /* enum act_kind, or -1 */
    const char *hold;   /* "" */
    uint64_t before;    /* 0: from the newest */
    size_t most;
};

/* {"size": N, "entries": [{"index": N, ...}], "next": N|null}. Never NULL; without a log, size is
 * 0. */
json_t *timeline_json(struct desk *desk, const struct timeline_query *query);
/* NULL when there is no such entry. */
json_t *timeline_entry_json(struct desk *desk, uint64_t index);

/* A list of HTML; *next is the entry before which the next page begins, 0 for none. */
void timeline_html(struct desk *desk, struct writer *w, int language, uint64_t before, size_t most,
                   uint64_t *next);
/* One entry as a page's content. False when there is no such entry. */
bool timeline_entry_html(struct desk *desk, struct writer *w, int language, uint64_t index);

#endif
