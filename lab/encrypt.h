/* encrypt.h: a simulator of what encrypts or wipes a file share, to test that it is stopped and
 * undone. Not a weapon: see marked.h for the one place where it works.
 *
 *   encrypt prepare DIR               makes DIR, marks it, prints the mark's id
 *   encrypt ways                      the ways that it knows
 *   encrypt run --way W --id ID DIR   destroys the files in DIR
 *   encrypt undo --way W --id ID --key KEY DIR
 *
 * `run` prints its key first; with it `undo` takes back all that a way leaves in the files, without
 * any vault. Then each file gets a line of JSON: the monotonic clock in seconds, what came of it
 * (0 or an errno), its name.
 *
 * Bounds: at most 200,000 files and ten minutes; every process ends with the one that began it.
 */
#ifndef ECLUSE_LAB_ENCRYPT_H
#define ECLUSE_LAB_ENCRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "marked.h"

enum {
    ENCRYPT_FILES_MAX = 200000,
    ENCRYPT_SECONDS_MAX = 600,
    ENCRYPT_WORKERS_MAX = 64,
    ENCRYPT_HELD_MAX = 64 << 20, /* what a way that must read the whole file takes at most */
};
#define ENCRYPT_EXTENSION ".locked"

/* ---- encrypt_cipher.c ------------------------------------------------------------------------ */

enum { CIPHER_KEY = 32, CIPHER_STEP = 64 * 1024 };

/* XChaCha20; the nonce is the file's name, so that the key alone undoes it. */
struct cipher {
    const unsigned char *key;
    unsigned char nonce[24];
};
struct cipher cipher_for(const unsigned char key[CIPHER_KEY], const char *path);
/* from is a multiple of 64. */
void cipher_apply(const struct cipher *c, unsigned char *bytes, size_t length, off_t from);

/* Which bytes of a file. */
struct extent {
    off_t until; /* 0: to its end */
    bool every_other;
};
/* Reads from one descriptor, writes to the other (which may be the same); holes stay holes. */
int cipher_copy(const struct cipher *c, int from, int to, struct extent what);

/* ---- encrypt_ways*.c ------------------------------------------------------------------------- */

typedef int encrypt_way(const struct target *t, const struct cipher *c);

/* As one process, or how else. SPAWN: one for each file, which does nothing but the act itself in
 * its parent's memory, and is gone before anybody can look. */
enum crew { CREW_ONE, CREW_WORKERS, CREW_FORK, CREW_SESSION, CREW_SPAWN };
/* Where from: as any program, from its own name space, through another mount of the directory
 * there, through an overlay of it. */
enum place { PLACE_PLAIN, PLACE_NAMESPACE, PLACE_BIND, PLACE_OVERLAY };

/*  function           name                 crew     place      undone by      */
#define WAYS(X)                                                                                    \
    X(in_place, "in-place", ONE, PLAIN, in_place)                                                  \
    X(new_and_unlink, "new-and-unlink", ONE, PLAIN, in_place)                                      \
    X(rename_extension, "rename-extension", ONE, PLAIN, in_place)                                  \
    X(rename_over, "rename-over", ONE, PLAIN, in_place)                                            \
    X(exchange, "exchange", ONE, PLAIN, in_place)                                                  \
    X(o_trunc, "o-trunc", ONE, PLAIN, in_place)                                                    \
    X(truncate_path, "truncate-path", ONE, PLAIN, in_place)                                        \
    X(first_4k, "first-4k", ONE, PLAIN, first_4k)                                                  \
    X(every_other, "every-other-64k", ONE, PLAIN, every_other)                                     \
    X(in_place, "workers", WORKERS, PLAIN, in_place)                                               \
    X(in_place, "fork-per-file", FORK, PLAIN, in_place)                                            \
    X(in_place, "session-per-file", SESSION, PLAIN, in_place)                                      \
    X(mapped, "mmap", ONE, PLAIN, in_place)                                                        \
    X(by_ring, "io-uring", ONE, PLAIN, in_place)                                                   \
    X(clone_over, "clone-over", ONE, PLAIN, in_place)                                              \
    X(in_place, "namespace", ONE, NAMESPACE, in_place)                                             \
    X(in_place, "bind", ONE, BIND, in_place)                                                       \
    X(in_place, "overlay", ONE, OVERLAY, in_place)                                                 \
    X(punch, "punch-hole", ONE, PLAIN, nothing)                                                    \
    X(empty, "truncate-only", ONE, PLAIN, nothing)                                                 \
    X(remove_only, "unlink", ONE, PLAIN, nothing)                                                  \
    X(remove_only, "spawn-unlink", SPAWN, PLAIN, nothing)                                          \
    X(rename_over, "spawn-rename-over", SPAWN, PLAIN, in_place)                                    \
    X(empty, "spawn-truncate", SPAWN, PLAIN, nothing)

#define X(function, ...) encrypt_way way_##function;
WAYS(X)
#undef X
encrypt_way way_nothing;

/* ---- encrypt_place.c ------------------------------------------------------------------------- */

/* Moves this process; afterwards m leads to the same files from there. */
int place_enter(struct marked *m, const char *path, enum place place);

/* ---- encrypt_list.c -------------------------------------------------------------------------- */

enum order { ORDER_FORWARD, ORDER_BACKWARD, ORDER_RANDOM };
struct list {
    char **path;
    size_t count;
};
/* The files beneath the directory, by name. No file is opened for it. */
int list_make(const struct marked *m, enum order order, struct list *out);
void list_free(struct list *list);

#endif
