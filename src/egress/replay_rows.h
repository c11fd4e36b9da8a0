/* replay_rows.h: what each host sent in each week (Monday to Sunday, UTC). The room's own. */
#ifndef ECLUSE_EGRESS_REPLAY_ROWS_H
#define ECLUSE_EGRESS_REPLAY_ROWS_H

#include "egress/map.h"
#include "egress/replay.h"

struct replay_rows;

struct replay_rows *replay_rows_new(size_t most); /* NULL: no memory */
void replay_rows_free(struct replay_rows *rows);  /* takes NULL */

/* `place` is where the host's entry is: its row is found again there. */
void replay_rows_add(struct replay_rows *rows, uint32_t place, const struct egress_host *host,
                     nanos_t wall, uint64_t bytes, bool goes);
void replay_rows_hold(struct replay_rows *rows, const struct egress_host *host, nanos_t wall);

/* By week, then by bytes, the largest first; *lost: bytes that found no row. */
size_t replay_rows_sorted(struct replay_rows *rows, struct replay_row **out, uint64_t *lost);

#endif
