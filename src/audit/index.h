/* index.h: which entry is where: for `why`, `show` and the desk's timeline.
 *
 * `state/record/index.db` (SQLite). It is never evidence: it is built from the log, and whoever
 * reads an entry reads it from the log. It follows the log by a fraction of a second
 * (index_follow(), follower.h).
 */
#ifndef ECLUSE_AUDIT_INDEX_H
#define ECLUSE_AUDIT_INDEX_H

#include "audit/entry.h"
#include "audit/reader.h"

struct index;

int index_open(const char *path, struct index **out, struct error *error);
void index_close(struct index *index); /* takes NULL */

uint64_t index_size(const struct index *index); /* entries indexed: the next to add */

int index_begin(struct index *index);
int index_add(struct index *index, uint64_t entry, const struct act *act);
int index_commit(struct index *index);
void index_rollback(struct index *index);

/* From nothing: entries are then added again in order. */
int index_clear(struct index *index);

/* Adds what the reader's checkpoint covers beyond the index, at most `most` entries, as one
 * transaction. An index that is longer than the log is another log's, and is cleared. Returns
 * how many were added, or a negative errno. */
long index_follow(struct index *index, struct audit_reader *reader, uint64_t most,
                  struct error *error);

struct index_query { /* each that is set narrows; 0 and "" are unset */
    const char *hold, *object;
    int kind;         /* enum act_kind, or -1 */
    int64_t from, to; /* wall clock, nanoseconds; to 0: no end */
    uint64_t before;  /* entries below this index only: for pages; 0: from the newest */
};

/* Newest first; returns how many indices were written, or a negative errno. */
long index_find(struct index *index, const struct index_query *query, uint64_t *out, size_t most);

#endif
