/* watch.h: holds that are in force, and when each one's evidence is to be gathered. The room's own.
 *
 * When it begins, ten seconds later (what was on its way has arrived), every ten minutes for those
 * that only observe, and at its end. At most GATHER_MOST a second, so that a hundred holds at once
 * are gathered in seven seconds, and no tick takes long.
 */
#ifndef ECLUSE_EGRESS_WATCH_H
#define ECLUSE_EGRESS_WATCH_H

#include "egress/egress_parts.h"

struct watch;

struct watch *watch_new(void);        /* NULL without memory */
void watch_free(struct watch *watch); /* takes NULL */

/* Once a second. */
void watch_holds(struct watch *watch, struct egress *e, struct moment moment);

#endif
