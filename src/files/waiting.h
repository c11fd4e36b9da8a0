/* waiting.h: opens that are answered later: when the vault has the file, or verdicts made room. The
 * room's own.
 *
 * There are WAITING_MOST places for all, and one user has WAITING_A_USER of them at most: whoever
 * begins six hundred threads that all wait keeps nobody else from waiting. Who finds no place is
 * refused at once.
 */
#ifndef ECLUSE_FILES_WAITING_H
#define ECLUSE_FILES_WAITING_H

#include "base/base.h"

#include <sys/stat.h>

enum { WAITING_MOST = 512, WAITING_A_USER = 64 };

enum waits_for { WAITS_FOR_NOTHING, WAITS_FOR_ROOM, WAITS_FOR_VAULT };

struct waiting {
    enum waits_for waits_for;
    int fd;
    uint32_t number; /* of its question */
    nanos_t deadline;
    uint64_t thing, tree;
    uint32_t user;
    uint16_t share;
    struct stat status;
};

/* Opens of which it cannot be seen yet what they are for: for a millisecond. Few, and fewer for one
 * user, since the kernel wakes all who wait at each answer, and who is awake cannot be seen. */
enum { UNSEEN_MOST = 128, UNSEEN_A_USER = 16 };

struct unseen {
    pid_t thread; /* 0: free */
    int fd;
    uint32_t user;
    bool root; /* of owner.h */
    nanos_t deadline;
};

/* A free place for a user, of WAITING_MOST of which `used` are taken; NULL: none for him. */
struct waiting *waiting_place(struct waiting *waiting, unsigned used, uint32_t user);
/* The same, of UNSEEN_MOST. */
struct unseen *unseen_place(struct unseen *unseen, uint32_t user);

#endif
