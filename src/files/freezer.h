/* freezer.h: process trees that stand still while a hold is in force. The room's own.
 *
 * Refused opens stop who reads and rewrites; who only removes or truncates by path asks nobody, and
 * is stopped by standing still. Only a tree whose every process runs as the held user alone is
 * frozen, and never root's: a file server that others use goes on, and refuses the one.
 *
 * By the control group's freezer where the tree is a unit of systemd's that has nobody else in it;
 * else by SIGSTOP, again each second to who was begun or woken meanwhile.
 */
#ifndef ECLUSE_FILES_FREEZER_H
#define ECLUSE_FILES_FREEZER_H

#include "files/owner.h"

enum { FREEZER_MOST = 64, FREEZER_PROCESSES = 1024 };

struct frozen {
    uint64_t tree, hold; /* tree 0: free; hold 0: only until `until` */
    nanos_t until;
    uint32_t user;
    bool shared;     /* it serves others: looked at again, not stopped */
    bool found;      /* an earlier manager stopped it: who is stopped in it was, we say */
    char group[256]; /* the control group's folder; "" when signals do it */
    unsigned count;
    struct frozen_process {
        pid_t id;
        uint64_t began;
    } process[FREEZER_PROCESSES];
};

struct freezer {
    int proc;
    char memory[CONTRACT_PATH_SIZE + 16];
    struct frozen *frozen; /* FREEZER_MOST */
};

/* `runtime/files.frozen` remembers who stands still, for the next manager if this one is killed:
 * what it finds there goes on when the holds end. -ENOMEM, or /proc. */
int freezer_open(struct freezer *freezer, const char *runtime);
void freezer_close(struct freezer *freezer); /* everybody goes on */

struct freezer_who {
    uint64_t tree;
    uint32_t user;
    pid_t process; /* that acted: stopped first, since finding the others takes milliseconds */
};

/* True when the tree stands still from now on, and did not before. */
bool freezer_freeze(struct freezer *freezer, const struct freezer_who *who, uint64_t hold);
/* The same for a moment, until a verdict is there: `until`. */
void freezer_pause(struct freezer *freezer, const struct freezer_who *who, nanos_t until);
/* Often: lets go who was paused long enough. */
void freezer_resume(struct freezer *freezer, nanos_t now);
/* Once a second: stops who was begun meanwhile, lets go whose hold is not in force any more, and
 * everybody when nothing is enforced. How many trees went on. */
unsigned freezer_tick(struct freezer *freezer, const struct budgets *b, bool enforce, nanos_t now);
unsigned freezer_count(const struct freezer *freezer);

#endif
