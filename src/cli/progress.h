/* progress.h: the bar for whatever takes over a second.
 *
 * On standard error, on a terminal only; nothing is shown in the first second, and the bar is gone
 * when it is over.
 */
#ifndef ECLUSE_PROGRESS_H
#define ECLUSE_PROGRESS_H

#include "base/base.h"

struct progress {
    nanos_t began, shown;
    uint64_t total; /* 0: not known, as with a pipe: rate only */
    bool on_terminal, drawn;
    const char *unit; /* "events" */
};

struct progress progress_begin(uint64_t total, const char *unit, nanos_t now);

/* `done` is of `total`; `count` is what the rate is told in. */
void progress_show(struct progress *p, uint64_t done, uint64_t count, nanos_t now);
void progress_end(struct progress *p);

/* The line that progress_show() draws, without its control codes: for a terminal `columns` wide. */
void progress_line(const struct progress *p, uint64_t done, uint64_t count, nanos_t now,
                   unsigned columns, char *out, size_t size);

#endif
