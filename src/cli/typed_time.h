/* typed_time.h: a time as people type it on a command line. */
#ifndef ECLUSE_TYPED_TIME_H
#define ECLUSE_TYPED_TIME_H

#include "base/base.h"

/* "2026-11-20" or "2026-11-20T14:03:00Z", in UTC. */
bool typed_time(const char *typed, nanos_t *out);

/* The same, or "14:03" of today (of yesterday, when that is still to come), or "2h" or "2h
 * ago". */
bool typed_time_past(const char *typed, nanos_t now, nanos_t *out);

#endif
