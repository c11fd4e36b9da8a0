/* settling.h: files that were closed a moment ago, and whose clone is due. The room's own.
 *
 * Found     by file, and by the path that they have (a hash of it).
 * Order     in two lines, each in the order in which files were closed: those that are kept soon,
 *           and those that were read when they were closed, and may wait.
 * Cost      tens of nanoseconds a call, however many there are. Who calls has the lock.
 */
#ifndef ECLUSE_FILES_SETTLING_H
#define ECLUSE_FILES_SETTLING_H

#include "files/vault.h"

enum { SETTLING_MOST = 16384 };
#define SETTLING_NONE UINT32_MAX

enum settling_line { SETTLING_SOON, SETTLING_MAY_WAIT, SETTLING_LINES };

struct read_early;

struct settling { /* closed by a writer, and kept a little later */
    int fd;
    struct read_early *early; /* NULL: too large, or there are too many: kept soon */
    struct vault_file file;
    struct vault_who who;
    char *name;            /* its path, the caller's; NULL: not known */
    uint64_t path;         /* a hash of it */
    nanos_t closed, since; /* wall clock, boot clock */
    nanos_t again;         /* it was locked: not before this, boot clock */
    bool busy;             /* a keeper has it in hand */
    bool stuck;            /* he has had it for long: it is found no more */
    bool urgent;           /* somebody waits for it to be kept */
};

struct settlings;

/* For so many at most, and SETTLING_MOST. NULL: no memory. */
struct settlings *settlings_new(size_t most);
void settlings_free(struct settlings *s); /* takes NULL */
size_t settlings_count(const struct settlings *s);
bool settlings_full(const struct settlings *s);
bool settlings_nearly_full(const struct settlings *s); /* three quarters */

/* Its place, which is its own until it is removed; not when full. */
uint32_t settlings_add(struct settlings *s, const struct settling *item);
struct settling settlings_remove(struct settlings *s, uint32_t at);
struct settling *settlings_item(struct settlings *s, uint32_t at);

uint32_t settlings_find(const struct settlings *s, struct vault_file file);
/* The first at this path, and those after it. */
uint32_t settlings_at(const struct settlings *s, uint64_t path);
uint32_t settlings_also_at(const struct settlings *s, uint32_t at);
void settlings_moved(struct settlings *s, uint32_t at, uint64_t path);

/* The one that was closed first, and the one after. */
uint32_t settlings_first(const struct settlings *s, enum settling_line line);
uint32_t settlings_next(const struct settlings *s, uint32_t at);

#endif
