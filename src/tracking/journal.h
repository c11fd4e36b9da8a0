/* journal.h: when each source last delivered, and how much in each hour of the last 7 days.
 *
 * `state/tracking/feeds`, replaced whole by rename. It is a record of arrivals, not of what is in
 * the store: a run that is killed may have counted up to a second less. One that is missing or
 * damaged starts anew.
 */
#ifndef ECLUSE_JOURNAL_H
#define ECLUSE_JOURNAL_H

#include "tracking/ingest.h"

enum { JOURNAL_SOURCES = 64, JOURNAL_HOURS = 7 * 24 + 1 };

struct journal_source {
    char name[CONTRACT_NAME_SIZE];
    int64_t first, last;             /* seconds; of arrival */
    int64_t hour;                    /* of the newest count, hours since 1970 */
    uint32_t count[JOURNAL_HOURS];   /* by hour modulo JOURNAL_HOURS */
    uint32_t reserved;
};

struct journal {
    uint64_t magic;
    uint64_t sources;
    struct journal_source source[JOURNAL_SOURCES];
    uint64_t checksum;
};

/* Empty where there is none, or it is damaged. -EACCES: not to be read by whoever runs us (empty as
 * well). */
int journal_read(const char *state, struct journal *out);
int journal_write(const char *state, struct journal *journal);

/* The source of that name, a new one when it has none; when all are taken, in place of the one
 * silent for longest. */
struct journal_source *journal_source(struct journal *journal, const char *name);
void journal_count(struct journal_source *source, int64_t now, uint64_t events);

/* What is usual in an hour: the average of the hours in which anything came, but for this one; 0
 * before a day is over. A feed that comes once a day is so measured by its own hour. */
uint64_t journal_usual(const struct journal_source *source, int64_t now);
uint64_t journal_this_hour(const struct journal_source *source, int64_t now);

#endif
