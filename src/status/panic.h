/* panic.h: everything in observe within a second, asked for by whoever may write in `runtime`.
 *
 * The request is a file, `runtime/panic`: there is a panic as long as it exists, also across
 * restarts of `ecluse run`, until `ecluse panic --off` removes it (or the machine restarts: /run is
 * memory). `ecluse run` watches the folder and writes the control page, which every guard reads. If
 * nothing supervises, `ecluse panic` writes the control page itself, under the same lock: a dead
 * supervisor must not stand between an operator and the panic. Nor must one that hangs: its beat is
 * two seconds old, and the word for the panic is written past it (control_force_panic).
 */
#ifndef ECLUSE_PANIC_H
#define ECLUSE_PANIC_H

#include "base/base.h"

#include <stdbool.h>

bool panic_asked(const char *runtime);
int panic_ask(const char *runtime, bool on, struct error *error);

/* The desk may not write in `runtime`: it asks by a file in `runtime/releases`, which it owns,
 * and `ecluse run` (which calls panic_take_requests() whenever it looks at panic_asked()) does
 * it. */
int panic_request(const char *runtime, bool on, struct error *error);
void panic_take_requests(const char *runtime);

#endif
