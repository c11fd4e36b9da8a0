/* vault_wire.h: questions and answers between the listener and the vault, as they go over the
 * socket: without the room that their paths do not need. Room's own.
 */
#ifndef ECLUSE_FILES_VAULT_WIRE_H
#define ECLUSE_FILES_VAULT_WIRE_H

#include "files/vault_service.h"

/* The next question, with its descriptor or -1: 1, 0 when there is none, or a negative errno. */
int vault_wire_take(int socket, struct vault_question *question, int *fd);
/* Waits at most a tenth of a second for room. */
int vault_wire_answer(int socket, const struct vault_answer *answer);

#endif
