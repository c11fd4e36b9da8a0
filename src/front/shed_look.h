/* shed_look.h: whether connections are to be shed, and which HTTP/2 connections reset streams. The
 * glue's own. */
#ifndef ECLUSE_SHED_LOOK_H
#define ECLUSE_SHED_LOOK_H

#include "front/shed.h"

/* Once a tick: bits of SHED_FOR_. */
unsigned shed_pressure(nanos_t lag, nanos_t now);

/* The next connection that has reset too many streams this second; NULL: no more. It may be
 * another's by now, or closed: the caller checks. */
ngx_connection_t *shed_next_resetter(void);

#endif
