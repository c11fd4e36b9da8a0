/* desk.h: the operators' desk: what is kept, limited, held and recorded, at a glance, and undone
 * from there.
 *
 * `ecluse run` starts it as a process of its own, with a user of its own; TLS is done before it
 * (docs/desk.md). It reads what others publish and writes nothing but requests to release or to
 * panic, the operators' file, and its own segment: a desk that was taken over can undo holds, on
 * the record, and no more.
 *
 * route.h     everything that it answers: one table
 * request.h   what browsers send, read by us
 * exchange.h  one request and its answer; the desk as it runs
 * answer.h    the functions of the routes
 * job.h       work that would keep it waiting
 * limits.h    its own sign-in, under the budget engine
 * snapshot.h  what is the case, gathered once a second for all pages
 * parts.h     the page's parts and the interface's, each with its version: only differences are
 * pushed stream.h    server-sent events say.h       English and French
 *
 * Bounds   DESK_CONNECTIONS in all and DESK_CONNECTIONS_EACH an address (behind a proxy they are
 * the proxy's), requests of 8 kB, 15 s to send one; one Argon2id at a time.
 */
#ifndef ECLUSE_DESK_H
#define ECLUSE_DESK_H

#include "contract/contract.h"

#include <signal.h>

enum { DESK_CONNECTIONS = 384, DESK_CONNECTIONS_EACH = 96 };

struct desk_setup {
    char runtime[CONTRACT_PATH_SIZE], state[CONTRACT_PATH_SIZE];
    char address[CONTRACT_PATH_SIZE]; /* the contract's desk.address, or "" */
    int listener;                     /* bound and listening */
    bool local; /* only this machine can connect there: a proxy's X-Forwarded-* are believed */
    int store;  /* a pipe of struct store_look, or -1 */
};

/* Binds "127.0.0.1:9443", "[::1]:9443" or "unix:/path" (0660, `group`; -1: 0600). Returns the
 * descriptor or a negative errno. */
int desk_listen(const char *endpoint, int group, bool *local, struct error *error);

struct desk;

/* Opens what the desk alone writes: its segment and its ring. The setup must outlive it. */
int desk_open(const struct desk_setup *setup, struct desk **out, struct error *error);

/* With rights given up: serves until *stop, then frees the desk. What it opens from now on it only
 * reads, but for `state/access` and `runtime/releases`. */
int desk_serve(struct desk *desk, const volatile sig_atomic_t *stop, struct error *error);

#endif
