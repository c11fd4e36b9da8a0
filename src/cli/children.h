/* children.h: the processes that `ecluse run` starts, looks after and stops: one row each.
 *
 * A child is this same program, begun anew (child.h). It is started when the contract wants it, as
 * root and in the order of the table; it gives up its rights by itself. One that dies is started
 * again, later each time it dies young, with an audit entry; one that the contract no longer wants
 * is stopped, and so is one that was started with something that it cannot follow while it runs.
 *
 * To add a child: a row here, with functions of the file that is the child.
 */
#ifndef ECLUSE_CHILDREN_H
#define ECLUSE_CHILDREN_H

#include "cli/child.h"
#include "cli/chronicle.h"
#include "cli/desk_child.h"
#include "cli/files_child.h"
#include "cli/egress_child.h"
#include "cli/herald.h"
#include "cli/keeper.h"
#include "cli/recorder_child.h"

/* The columns are the members of struct child_kind, in its order; NULL or 0 where a child needs
 * none of it. The recorder is first and last: it takes down what the others leave. */
#define CHILDREN(X)                                                                                \
    X(RECORDER, "recorder", recorder_main, NULL, NULL, NULL, NULL, RECORDER_AGAIN,                 \
      RECORDER_DAMAGED, recorder_mend, RECORDER_STOP, 10 * NANOS_SECOND, NANOS_SECOND, true)       \
    X(HERALD, "herald", herald_main, NULL, NULL, NULL, NULL, HERALD_AGAIN, 0, NULL, SIGTERM,       \
      5 * NANOS_SECOND, NANOS_SECOND, true)                                                        \
    X(EGRESS, "egress", egress_main, egress_wanted, egress_unwanted, egress_begin, NULL,           \
      EGRESS_AGAIN, 0, NULL, SIGTERM, 3 * NANOS_SECOND, NANOS_SECOND, false)                       \
    X(FILES, "files-guard", files_main, files_wanted, NULL, NULL, NULL, FILES_AGAIN, 0, NULL,      \
      SIGTERM, 10 * NANOS_SECOND, NANOS_SECOND, false)                                             \
    X(KEEPER, "keeper", keeper_main, keeper_wanted, NULL, NULL, NULL, 0, 0, NULL, SIGTERM,         \
      5 * NANOS_SECOND, NANOS_SECOND, false)                                                       \
    X(DESK, "desk", desk_main, desk_wanted, NULL, desk_prepare, desk_fixed, 0, 0, NULL, SIGTERM,   \
      3 * NANOS_SECOND, NANOS_MINUTE, false)

enum child_name {
#define X(constant, ...) CHILD_##constant,
    CHILDREN(X)
#undef X
        CHILD_COUNT
};

struct child_kind {
    const char *name;                              /* in acts, and its word (child.h) */
    const char *title;                             /* in logs */
    void (*main)(const struct child_words *words); /* never returns */
    bool (*wanted)(const struct contract *c);      /* NULL: always */
    /* Of a contract that does not want it, at once and once an hour: what it may have left. */
    void (*unwanted)(const struct contract *c);
    /* The supervisor's part, before each start: folders, segments, rings. */
    int (*prepare)(const struct contract *c, struct error *error);
    /* A hash of what it cannot follow while it runs: when that changes, it is started anew. */
    uint64_t (*fixed)(const struct contract *c);
    int again; /* exit status: start me again at once, this was no death */
    int mends; /* exit status: call mend, then start me again at once */
    void (*mend)(const struct contract *c, struct chronicle *chronicle);
    int stop_signal;
    nanos_t patience; /* with the stop; then it is killed */
    nanos_t retry;    /* after a start that failed */
    bool to_the_last; /* stopped after all else is over */
};

struct children {
    struct child child[CHILD_COUNT];
    uint64_t fixed[CHILD_COUNT]; /* with which each was started */
    nanos_t since[CHILD_COUNT];  /* wall clock: up since, or down since */
    nanos_t tidied[CHILD_COUNT]; /* boot clock: when `unwanted` was last called; 0: never */
    struct chronicle *chronicle;
    bool changed; /* one began or died: set here, cleared by who has told it on */
};

const struct child_kind *child_kind(enum child_name name);

/* Which child this program was started as, and what it was told; NULL: it is a command. */
const struct child_kind *child_kind_told(int argc, char **argv, struct child_words *out);

void children_open(struct children *all, struct chronicle *chronicle);

/* Starts one now, whatever the contract wants. */
void children_start(struct children *all, enum child_name name, const struct contract *c,
                    nanos_t now);

/* Each second: starts who is wanted, not running, and due. */
void children_start_due(struct children *all, const struct contract *c, nanos_t now);

/* Another contract is in force: stops who is not wanted any more, or must begin anew. */
void children_follow(struct children *all, const struct contract *c);

/* waitpid(2) gave this. False: it is none of them. */
bool children_reap(struct children *all, pid_t gone, int status, const struct contract *c,
                   nanos_t now);

/* In the table's order from its end: those that are to the last, or the others. */
void children_stop(struct children *all, bool to_the_last);

#endif
