/* child.h: a child process that is started again when it dies, later each time it dies young. */
#ifndef ECLUSE_CHILD_H
#define ECLUSE_CHILD_H

#include "contract/contract.h"

#include <stdbool.h>
#include <sys/types.h>

struct child {
    const char *name;
    pid_t pid;        /* 0: not running */
    nanos_t started;  /* boot clock */
    nanos_t start_at; /* not before this */
    nanos_t back_off; /* before the next start */
    unsigned deaths;
};

/* It began: pid is what fork(2) gave. */
void child_began(struct child *child, pid_t pid, nanos_t now);

/* It died with what waitpid(2) said: logs how, and decides when it may start again: after 1 s, then
 * 2, 4, ... up to 60; one that lived a minute begins at 1 s again. */
void child_died(struct child *child, int status, nanos_t now);

bool child_due(const struct child *child, nanos_t now);

/* SIGTERM (or another), and SIGKILL to who has not gone after `patience`. Returns when it is gone.
 */
void child_stop(struct child *child, int signal, nanos_t patience);

/* What a child that is this same program is told, on its command line: "NAME RUNTIME STATE PARENT".
 * The names are not in the table of commands: they are no use to a person. */
struct child_words {
    char runtime[CONTRACT_PATH_SIZE];
    char state[CONTRACT_PATH_SIZE];
    pid_t parent;
};

/* After child_prepare(): begins this program anew as the child `name`, since a copy of the
 * supervisor would hold its memory, and whatever lock its other thread held. */
_Noreturn void child_exec(const char *name, const struct child_words *words);

/* What the new program was told. False when it is something else than the child `name`. */
bool child_words(const char *name, int argc, char **argv, struct child_words *out);

/* In a child, right after fork(2): default signals, none blocked, and the end of its parent ends it
 * too. */
void child_prepare(pid_t parent);

/* What a supervisor waits for, as a descriptor: SIGTERM, SIGINT, SIGHUP, SIGCHLD are blocked and
 * read there; SIGPIPE is ignored. */
int child_signals(void);

#endif
