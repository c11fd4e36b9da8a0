/* pcapng.h: captures in sections and blocks (draft-ietf-opsawg-pcapng): several interfaces, each
 * with its link type and clock, and a byte order for each section. The room's own.
 *
 * Blocks of other kinds are passed by. Behind a block whose two lengths differ the reader looks for
 * the next one whose lengths agree.
 */
#ifndef ECLUSE_EGRESS_PCAPNG_H
#define ECLUSE_EGRESS_PCAPNG_H

#include "egress/record.h"

bool pcapng_is(const uint8_t begin[4]);
void pcapng_read(struct source *s);

#endif
