/* herald_look.h: what runs now, looked at by a process of its own for the herald.
 *
 * Looking means to map what guards write and to open what feeds wrote, which needs their group and
 * children that may die; telling means to talk to the network. So one process looks, and gives the
 * other a plain struct every LOOK_SECONDS through a pipe.
 */
#ifndef ECLUSE_HERALD_LOOK_H
#define ECLUSE_HERALD_LOOK_H

#include "contract/contract.h"
#include "outputs/incident.h"

enum { LOOK_SECONDS = 5, LOOK_SIGNS = 128, LOOK_PAGE_SIZE = 160 * 1024 };

struct look {
    uint64_t magic;
    bool well;           /* the recorder is durable, guards are up, somebody supervises */
    char not_well[160];  /* why not */
    uint32_t signs;
    struct sign sign[LOOK_SIGNS];
    uint32_t length[2];  /* of the page in the older form, and in OpenMetrics; 0: it did not fit */
    char page[2][LOOK_PAGE_SIZE]; /* without the outputs' own figures and the end */
};

/* The looker: never returns. `to` is the pipe's end; runs as it is called, so give up rights
 * before. */
_Noreturn void look_main(const char *runtime, pid_t parent, int to);

/* What came through the pipe is checked like input. */
bool look_is_sound(struct look *look);

/* Which area an alarm of this name is of: alarms of one area are one incident. */
const char *look_area(const char *alarm);

#endif
