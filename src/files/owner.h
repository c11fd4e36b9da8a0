/* owner.h: for whom a thread opens files. The room's own.
 *
 * User        the file-system uid of the calling thread (Uid, fourth field), if its real one is 0:
 *             Samba's processes and threads change it for each connection. Else the real one.
 * Tree        process_tree.h; looked at anew every OWNER_FRESH.
 * Trusted     the contract's entry whose user it is and whose executable it runs, by device and
 *             inode, now: asked at every open, since exec(2) changes neither pid nor uid.
 * Ours        Ecluse's own processes and journald: their opens are never kept waiting, nor counted.
 *
 * Kept        per thread, descriptors of its files in /proc. Such a descriptor belongs to that
 *             thread and to no later one with its number, so that a reuse of the number shows: the
 *             read fails with ESRCH.
 * Cost        2 to 3 us a thread that is known, about 10 us one that is not (bench/files).
 * Blocking    nothing here follows a link into another file system: an executable on one that
 *             hangs (FUSE, NFS) is looked at without asking it.
 */
#ifndef ECLUSE_FILES_OWNER_H
#define ECLUSE_FILES_OWNER_H

#include "budget/budget.h"
#include "files/ended.h"
#include "files/process_tree.h"

#include <stdatomic.h>

#define OWNER_FRESH (2 * NANOS_SECOND)

enum { OWNER_NOBODY = -1, OWNER_MOST_OURS = 64 };

struct tree {
    uint64_t id; /* stands for no other, over boots too; never 0 */
    char name[TREE_NAME_SIZE];
    struct principal principal;
    bool journal;
    nanos_t used;
};

struct owner {
    uint32_t user;
    bool known; /* false: the thread was gone, and left no line; user and tree mean nothing */
    bool ours;
    bool root; /* its real or saved uid is 0: what it says of itself is believed */
    int16_t trusted;
    pid_t process;
    const struct tree *tree; /* valid until the next call */
};

/* Of the contract's trusted programs, what is looked for: made where files may be opened. */
struct owner_trusted {
    uint32_t user;
    char executable[CONTRACT_PATH_SIZE];
    uint64_t device, inode; /* 0 0: the file is not there */
};

struct owners;

/* `proc`: a descriptor of /proc. `ours`: processes, zero-ended, that and whose children are ours;
 * read anew at each look, so that it may lie in shared memory. -ENOMEM. */
int owners_new(int proc, const _Atomic int32_t *ours, struct owners **out);
/* Root's commands that run the same executable as we do are ours too: `ecluse files restore`. */
void owners_know_self(struct owners *owners);
void owners_free(struct owners *owners); /* takes NULL */

/* At most CONTRACT_MAX_TRUSTED; the caller's, and may change between calls. */
void owners_trust(struct owners *owners, const struct owner_trusted *trusted, unsigned count);

/* Whom to ask about threads that are gone; NULL: nobody. The caller's. */
void owners_ask_ended(struct owners *owners, const struct ended *ended);

/* Who it is now. A thread that is gone is known as it last was, if it was known; else as it ended:
 * a child of a process of the same user is of its tree, any other of none. Nobody, if its user has
 * a trusted program: whether it ran that, nothing tells. */
struct owner owners_find(struct owners *owners, pid_t thread, nanos_t now);

/* Who it was when it was last found, if that was within OWNER_LATELY; else as above. For what a
 * thread does after an open: a server may close as root what it opened for a user. */
struct owner owners_lately(struct owners *owners, pid_t thread, nanos_t now);
#define OWNER_LATELY (NANOS_SECOND / 2)
/* Whether it was, and as which user. */
bool owners_knew_lately(const struct owners *owners, pid_t thread, nanos_t now, uint32_t *user);

/* What its open is for (INTENT_RUNNING: in a moment); only while the thread waits in it. `root`:
 * openat2(2)'s flags are believed (they lie in memory that another thread may change). */
enum intent owners_intent(struct owners *owners, pid_t thread, bool root);

/* A tree that was seen before, or NULL. */
const struct tree *owners_tree(const struct owners *owners, uint64_t id);

/* The tree of a process, named as above, without keeping anything: for who freezes trees. */
bool owner_tree_name(int proc, pid_t process, char out[TREE_NAME_SIZE]);
uint64_t owner_tree_id(const char *name);

/* The principal of a user. */
struct principal owner_user(uint32_t user);

#endif
