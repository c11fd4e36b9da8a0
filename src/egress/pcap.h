/* pcap.h: captures as libpcap writes them (draft-ietf-opsawg-pcap): both byte orders, microseconds
 * and nanoseconds. The room's own.
 *
 * Behind a packet header that makes no sense the reader looks for the next place at which one does
 * and is followed by another: a damaged piece costs itself and, at most, the packet it hides.
 */
#ifndef ECLUSE_EGRESS_PCAP_H
#define ECLUSE_EGRESS_PCAP_H

#include "egress/record.h"

bool pcap_is(const uint8_t begin[4]);
void pcap_read(struct source *s); /* from the file header on */

#endif
