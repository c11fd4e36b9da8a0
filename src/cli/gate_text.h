/* gate_text.h: what the front's gate says of itself, for a terminal. */
#ifndef ECLUSE_CLI_GATE_TEXT_H
#define ECLUSE_CLI_GATE_TEXT_H

#include "status/status.h"

/* Of `ecluse status`; nothing where there is no gate. */
void gate_text(const struct status *st);

/* Of `ecluse why`: what the gate does with a caller from this address, or with this pass or key.
 * address NULL: not known. pass 0: none is shown. */
struct gate_asked {
    const uint8_t *address;
    uint64_t pass;
    enum standing standing;
};
void gate_why_text(const struct situation *s, const struct gate_asked *asked);
json_t *gate_why_json(const struct situation *s, const struct gate_asked *asked);

#endif
