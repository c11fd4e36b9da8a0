/* figure.h: counts, sizes and times as people read them, and strings as JSON takes them. */
#ifndef ECLUSE_FIGURE_H
#define ECLUSE_FIGURE_H

#include "base/base.h"
#include "contract/contract.h"

#include <jansson.h>

enum { FIGURE_SIZE = 48 };

char *figure_count(uint64_t count, char out[FIGURE_SIZE]);      /* 1,234,567 */
char *figure_bytes(uint64_t bytes, char out[FIGURE_SIZE]);      /* 30.5 GB; 1 kB is 1000 B */
char *figure_span(nanos_t span, char out[FIGURE_SIZE]);         /* 2 d 4 h; 3 min 20 s; 250 ms */
char *figure_share(uint32_t millionths, char out[FIGURE_SIZE]); /* 99.95 % */
char *figure_amount(enum meter_unit unit, uint64_t amount, char out[FIGURE_SIZE]);
/* "today 14:03:05" in UTC, or with its date when that is another day. */
char *figure_wall(nanos_t wall, nanos_t now, char out[FIGURE_SIZE]);

/* Borrowed strings of files may not be UTF-8: such bytes become ?. Never NULL. */
json_t *json_safe(const char *text);

#endif
