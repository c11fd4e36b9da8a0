/* flow_text.h: words of flow logs as values. Each call returns false, and leaves *out, when the
 * text is not exactly one. The room's own. */
#ifndef ECLUSE_EGRESS_FLOW_TEXT_H
#define ECLUSE_EGRESS_FLOW_TEXT_H

#include "base/base.h"

#include <stdbool.h>

bool flow_text_count(struct text t, uint64_t *out);
/* Decimal seconds, with an exponent if need be ("1e-06"), to nanoseconds, rounded down; none below
 * 0 nor after the year 2200. */
bool flow_text_seconds(struct text t, nanos_t *out);
/* Seconds or milliseconds since 1970, or a date and time with its zone ("2026-11-20T14:03:00.5Z",
 * "+0100"). */
bool flow_text_time(struct text t, nanos_t *out);
bool flow_text_address(struct text t, uint8_t out[16]); /* IPv4 mapped */
bool flow_text_link(struct text t, uint8_t out[6]);
bool flow_text_protocol(struct text t, uint8_t *out); /* by name, in any case, or by number */

#endif
