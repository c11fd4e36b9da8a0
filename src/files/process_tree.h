/* process_tree.h: which process tree a thread belongs to, by name. The room's own.
 *
 * A tree is what a service or a login session started. It has to stay the same through fork,
 * double fork, setsid and daemon(3), or a fork per file would be a budget per file:
 *
 *   unit    the first `.service` or `.scope` on the way to the thread's control group, where
 *           systemd runs. Only root moves a process out of it. What a user's own manager starts
 *           is all below `user@UID.service`, one tree.
 *   group   the first two folders of the control group, where it is none of systemd's (a
 *           container's).
 *   login   else the login session of pam_loginuid, which cannot be left.
 *   below   else the nearest ancestor that runs as somebody else, and as whom the thread's side
 *           of it runs: "1000 below 412/88213". Orphans all hang below process 1, so all that a
 *           user's processes disown is one tree.
 */
#ifndef ECLUSE_FILES_PROCESS_TREE_H
#define ECLUSE_FILES_PROCESS_TREE_H

#include "files/proc.h"

enum { TREE_NAME_SIZE = 128, TREE_DEPTH = 64 };

/* The tree's name from /proc/PID/cgroup: `unit` or `group`; false when it says neither. A name
 * that is too long is cut and ended with a hash of the whole. */
bool tree_of_group(struct text groups, char out[TREE_NAME_SIZE]);

void tree_of_login(uint32_t login, char out[TREE_NAME_SIZE]);

/* An ancestor, as `read` finds it; false when it is gone or cannot be read. */
struct tree_ancestor {
    pid_t parent;
    uid_t real;
    uint64_t began;
};
typedef bool (*tree_reader)(void *context, pid_t process, struct tree_ancestor *out);

/* False when the process itself is gone. An ancestor that is gone counts as having disowned it. */
bool tree_of_ancestors(pid_t process, tree_reader read, void *context, char out[TREE_NAME_SIZE]);

/* journald, which a listener that waits for the log must never keep waiting. */
bool tree_is_journal(const char *name);

#endif
