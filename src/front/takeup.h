/* takeup.h: what `ecluse run` publishes, taken up by one worker.
 *
 * Called once a second and at the start, inside front_guarded(). Each call does what is due and
 * returns: an absent or damaged part is tried again at the next call, complained of once a minute,
 * and everything else goes on.
 *
 * Contract   two-phase (publish.h): prepared when it is offered, in force when it is live. A worker
 * that starts takes what is live. A damaged control page: the newest contract beside it that can be
 * read. Segment    opened after the fork; opened again when another file has its name. Store the
 * same; a new file is told to the segment, since what killed workers may have gone with the old
 * one.
 */
#ifndef ECLUSE_TAKEUP_H
#define ECLUSE_TAKEUP_H

#include "base/base.h"

void takeup_contract(nanos_t now);
void takeup_segment(nanos_t now);
void takeup_store(void);
void takeup_beat(nanos_t now); /* heartbeat, releases, the room's own second */
void takeup_close(void);

#endif
