/* vault_service.h: the vault's own process, and the two ways in which the listener reaches it.
 *
 * Why        a clone of a dirty file waits for the disk, and the listener may not. So one process a
 *            share keeps its vault, with a few threads, and a judge without rights beside it
 *            (rewrite_serve()).
 * Look       the listener looks for itself first: vault_view_has() tells from shared memory whether
 *            the version behind an event is kept (a quarter of a microsecond). Most are.
 * Ask        otherwise it sends the descriptor over a SOCK_SEQPACKET socket with a cookie, and
 *            reads the answer when it comes: vault_ask() and vault_answer() never wait. What is not
 *            answered by the listener's own deadline is the listener's to decide.
 * Order      OPENED is answered once the version is kept (or is not). CLOSED, MOVED and REMOVED are
 *            answered only if an existing file was rewritten: with `thing` (for
 *            budget_charge_distinct()) and the figures; the clone follows half a second later,
 *            since most files that live shorter need none, or, of a small file, which is read at
 *            once, when it is calm: at the latest after five seconds. The descriptor is held
 *            meanwhile, so that a removal or a rename over takes nothing away. REMOVED waits 200 ms
 *            for a successor. A file that was opened for writing and is not closed is looked at
 *            every second, and judged when it changed: an attacker who never closes gains nothing.
 * Changed    a file that is smaller now than it was kept, on disk or in length, or that is small,
 *            is judged as if it had been closed: truncate(2) by path is told by nothing else.
 * Locked     whoever keeps a few files locked (unlocked.h) makes wait who opens these, until it is
 *            the listener's deadline, and nobody else; `stuck` tells. Sixteen: everybody.
 * Dead       the socket ends, the view says so by its heartbeat; the one who started it starts it
 *            again with a new socket. A successor has it even while a thread waits for a lock.
 */
#ifndef ECLUSE_FILES_VAULT_SERVICE_H
#define ECLUSE_FILES_VAULT_SERVICE_H

#include "files/vault.h"

/* ---- The view: shared memory, written by the vault's process, read by all others ------------- */

struct vault_view;

/* The pass over the share, for status. */
struct vault_pass {
    uint64_t seen, kept;  /* files */
    nanos_t began, ended; /* wall clock; 0: not yet */
};

struct vault_report {
    struct vault_state vault;
    struct vault_pass pass;
    uint64_t waiting; /* closed files whose clone is due */
    uint64_t judged, counted;
    uint32_t stuck;    /* its threads that have waited for a file's lock for over five seconds */
    nanos_t heartbeat; /* boot clock */
    int32_t pid;
};

/* `runtime/vault.SHARE` (0600): made anew by who starts the vault's process, before it does. */
int vault_view_create(const char *runtime, const char *share, struct error *error);
/* -ENOENT when there is none, -EPROTO for another version. `write`: the vault's process. */
int vault_view_open(const char *runtime, const char *share, bool write, struct vault_view **out,
                    struct error *error);
void vault_view_close(struct vault_view *view); /* takes NULL */

/* Whether the version with this inode, ctime and size is in the vault. May say no though it is;
 * never yes though it is not (but for one in 2^60). */
bool vault_view_has(const struct vault_view *view, const struct stat *status);
/* Whether this user may make no more versions past: refuse his opens for writing. Look here first,
 * since the version that he would destroy may be kept already. */
bool vault_view_refuses(const struct vault_view *view, uint32_t user);
/* More has happened than the vault has taken note of: whoever tells of more is to do less. */
bool vault_view_pressed(const struct vault_view *view);
void vault_view_report(const struct vault_view *view, struct vault_report *out);
/* Other limits, from who started the vault's process: taken up within a second. The view is open
 * for writing. */
void vault_view_limit(struct vault_view *view, const struct vault_limits *limits);

/* ---- Asking: the listener's side ------------------------------------------------------------- */

enum vault_event {
    VAULT_OPENED,  /* fd: about to be opened for writing by `who`. Answered always */
    VAULT_WRITTEN, /* fd: a writer closed it (FAN_CLOSE_WRITE) */
    VAULT_CHANGED, /* fd: it changed and nobody was asked: truncated by path, maybe */
    VAULT_MOVED,   /* path -> to; fd -1, or the moved file */
    VAULT_REMOVED, /* path; fd -1. `file` when it is known (inode 0: by path) */
    VAULT_MISSED,  /* events were lost: the pass over the share begins again */
    VAULT_HELD,    /* a hold began: `hold`, of `who`, for what was done from `at` on */
};

struct vault_question {
    uint64_t cookie; /* comes back in the answer */
    uint8_t event;   /* enum vault_event */
    uint8_t kept;    /* of OPENED: vault_view_has() said so, and nobody waits for the answer */
    struct vault_who who;
    struct vault_file file;     /* of MOVED and REMOVED; elsewhere fd tells */
    nanos_t at;                 /* wall clock of the event; of HELD: from when on */
    char hold[40];              /* of HELD */
    char path[VAULT_PATH_SIZE]; /* relative to the share; "" asks /proc for fd's */
    char to[VAULT_PATH_SIZE];
};

struct vault_answer {
    uint64_t cookie;
    uint8_t event;     /* of the question */
    uint8_t result;    /* enum vault_result: of OPENED, VAULT_REFUSED means refuse this open */
    uint8_t rewritten; /* an existing file was: the rest is filled */
    struct vault_who who;
    uint64_t thing; /* the file: the same however often it is rewritten, by inode or by path */
    struct rewrite_figures figures; /* verdict REWRITE_COUNTS: charge files_rewritten with thing */
    char path[VAULT_PATH_SIZE]; /* of the file that was rewritten, for the hold's list; personal */
};

/* Sends the question, with fd unless it is -1 (the caller keeps its own). Never waits: -EAGAIN when
 * the queue is full, -EPIPE when nobody is there. */
int vault_ask(int socket, const struct vault_question *question, int fd);
/* The next answer: 1, or 0 when there is none yet, or -EPIPE. The socket is readable then. */
int vault_answer(int socket, struct vault_answer *out);

/* ---- Serving: the vault's process ------------------------------------------------------------ */

struct vault_service {
    const char *share; /* where it is mounted */
    int root;          /* of vault_open() */
    struct vault_limits limits;
    int socket;                /* of the listener */
    int judge;                 /* socket of a rewrite_serve(); -1: every rewrite is UNJUDGED */
    struct vault_view *view;   /* open for writing; may be NULL */
    uint32_t files_per_second; /* the pass at most; 0: VAULT_PASS_PACE */
    const volatile int *stop;  /* set by a signal: ends in order */
};

enum { VAULT_PASS_PACE = 2000 };

/* Opens the vault, answers, passes over the share once, tidies; until the socket ends or *stop.
 * Takes threads, and what it needs of rights is: to read every file of the share (CAP_DAC_OVERRIDE,
 * CAP_DAC_READ_SEARCH), to set attributes on its own folder (CAP_LINUX_IMMUTABLE at the first
 * start). Returns 0, or a negative errno with *error. */
int vault_serve(const struct vault_service *service, struct error *error);

#endif
