/* capture_link.h: from what a capture holds of a packet to what the kernel's program reads. The
 * room's own. */
#ifndef ECLUSE_EGRESS_CAPTURE_LINK_H
#define ECLUSE_EGRESS_CAPTURE_LINK_H

#include "egress/replay.h"

/* `data`, `captured` and `length` of *frame are as in the capture, and become what follows the
 * capture's own header. A cooked capture of an Ethernet interface gets back the 14 bytes that its
 * packets had on the line. False: the link type is not read (tcpdump.org/linktypes.html). */
bool capture_link_read(uint32_t link_type, struct replay_frame *frame);
bool capture_link_known(uint32_t link_type);

#endif
