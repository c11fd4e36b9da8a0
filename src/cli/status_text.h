/* status_text.h: status.h's findings, for a terminal. */
#ifndef ECLUSE_CLI_STATUS_TEXT_H
#define ECLUSE_CLI_STATUS_TEXT_H

#include "status/status.h"

void status_text(const struct status *st);

/* The alarms alone, or that there is none. */
void status_alarms_text(const struct status *st);

#endif
