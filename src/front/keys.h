/* keys.h: the keys of passes and clients, as this worker has read them.
 *
 * Looked at once a second; read again when a file has changed. What cannot be read is complained of
 * once a minute, and what was read before stays in force: a file that somebody made readable for
 * all must not put every customer out, and is said to be so until it is mended.
 */
#ifndef ECLUSE_FRONT_KEYS_H
#define ECLUSE_FRONT_KEYS_H

#include "gate/client_key.h"
#include "gate/keyring.h"

/* Inside front_guarded(), with a contract in force. */
void keys_look(const struct contract *c, nanos_t now);
void keys_close(void);

const struct keyring *keys_ring(void);        /* never NULL; count 0 without keys */
const struct client_keys *keys_clients(void); /* NULL: there are none */

#endif
