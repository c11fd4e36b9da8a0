/* listener.h: the process that answers for every open of a share. The room's own.
 *
 * One thread, and one group of permission events with all that it decides in memory or in /proc:
 * it opens no file by path, waits for no disk, no lock and no other process, and logs by notes.
 * What needs the disk is the vault's (vault_service.h), which answers later; meanwhile others'
 * opens are answered. Nothing waits longer than LISTENER_PATIENCE for it.
 *
 * Enforce   every open of a share, on its file system, waits for an answer.
 * Observe   no open waits: what was read and written is counted when files are closed.
 *
 * Rights    CAP_SYS_ADMIN to begin; afterwards CAP_SYS_PTRACE (whose executable, which flags) and
 *           CAP_DAC_READ_SEARCH (names of folders by handle), and system calls of a list.
 * Ends      when it is told to, when the manager is gone, and whenever something is wrong that
 *           only a new one can put right: opens that wait are let go by the kernel.
 */
#ifndef ECLUSE_FILES_LISTENER_H
#define ECLUSE_FILES_LISTENER_H

#include "files/board.h"
#include "files/ended.h"
#include "files/note.h"
#include "files/place.h"

#define LISTENER_PATIENCE (500 * NANOS_MILLISECOND) /* for the vault, or for a verdict */
#define LISTENER_BEAT     (50 * NANOS_MILLISECOND)
#define LISTENER_AGAIN    (5 * NANOS_MILLISECOND) /* between two looks at who waits */
#define LISTENER_SOON     (1 * NANOS_MILLISECOND) /* and at whom it could not see yet */

struct listener_start {
    const struct contract *contract;
    struct board *board;
    unsigned seat;
    enum mode mode;                          /* MODE_OBSERVE also in a panic */
    struct place place[CONTRACT_MAX_SHARES]; /* device 0: not guarded */
    int vault[CONTRACT_MAX_SHARES];          /* sockets; -1 none */
    struct owner_trusted trusted[CONTRACT_MAX_TRUSTED];
    unsigned trusted_count;
    const struct ended *ended; /* NULL: none */
    int control; /* socket: notes to the manager */
    pid_t parent;
};

/* Exit statuses. */
enum { LISTENER_TOLD = 0, LISTENER_FAILED = 3 };

/* In a child of the manager that holds nothing else. */
_Noreturn void listener_main(const struct listener_start *start);

#endif
