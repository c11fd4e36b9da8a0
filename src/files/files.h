/* files.h: files on shares: who reads and who rewrites how many, held at the budget; and nothing
 * that was rewritten or removed is lost.
 *
 * A share is a mount on a file system of its own. While the contract enforces, every open on it
 * waits for the listener's answer (fanotify): the open is attributed to its user, its process tree
 * and its executable, charged to every budget of `files_read` and `files_rewritten` that applies,
 * and refused when one is over or a hold is in force. In observe nothing waits: what was done is
 * counted afterwards.
 *
 * User       the file-system uid of the calling thread.
 * Process    the tree below the service or login session: a fork per file changes nothing
 *            (process_tree.h).
 * Trusted    programs of `files.trusted` pay from budgets of their own, and from no others.
 * Read       an open that can read, of a file that is not empty; each file once.
 * Rewritten  an existing file that the judge finds rewritten, emptied or removed (rewrite.h); each
 *            file once. Opens for writing that are not judged yet count provisionally (flight.h).
 * Over       opens are refused; the process tree is stopped when it serves that user alone, and
 *            goes on when the hold ends. A tree that several users share (smbd) is never stopped,
 *            nor is root's.
 * Evidence   which files, and what became of them, of each hold: `state/evidence`, root's alone,
 *            for `keep: holds` after its end. Never in a log, nor in the audit log.
 * Kept       by the vault (vault.h), one process a share.
 *
 * Processes  all below one manager, a child of `ecluse run`: the listener, which alone holds the
 *            fanotify group and touches no disk; the watchdog, which ends a listener that is
 *            silent for 300 ms, so that the kernel lets waiting opens go; for each share a vault
 *            and a judge without rights. No open waits longer than a second, whatever happens to
 *            any of them; a new listener has its marks before an old one goes.
 * Not seen   opens of what was open before the guard began (listed: opened.h), writes through
 *            memory maps until the file is closed, overlay mounts that lie over a share on kernels
 *            without events for them. Truncation by path is told a moment later (changing.c).
 * Rights     root begins; listener.h and vault_service.h say what each keeps.
 * Cost       bench/files.
 */
#ifndef ECLUSE_FILES_H
#define ECLUSE_FILES_H

#include "budget/budget.h"
#include "files/board.h"
#include "files/vault_service.h"

#define FILES_PACE (50 * NANOS_MILLISECOND)

struct files;

/* The guard's sizes, for budget_create(). */
extern const struct budget_sizes FILES_SIZES;

/* Opens the guard's segment (budget_create() made it) and begins all processes; shares that cannot
 * be guarded are told in news, and tried again. Both directories must exist. 0, or a negative errno
 * with *error. The contract must outlive it. */
int files_open(const struct contract *contract, enum mode mode, struct moment moment,
               struct files **out, struct error *error);
/* All its processes end, and every open that waits is let go. Takes NULL. */
void files_close(struct files *f);

/* A descriptor that is readable when files_tick() should come at once; otherwise every
 * FILES_PACE. */
int files_descriptor(const struct files *f);
void files_tick(struct files *f, struct moment moment);

/* Panic: MODE_OBSERVE; nothing is kept waiting or refused within 100 ms. */
void files_set_mode(struct files *f, enum mode mode);

/* ---- Another contract, as publish.h says ----------------------------------------------------- */

int files_prepare(struct files *f, const struct contract *next, struct error *error);
void files_rollback(struct files *f);
void files_commit(struct files *f, const struct contract *next); /* which must outlive f */
void files_tell(struct files *f, uint64_t prepared, uint64_t running, uint64_t refused);
struct budgets *files_budgets(struct files *f);

/* ---- Before anything runs -------------------------------------------------------------------- */

/* Whether a share could be guarded where it lies now, by the same test: for `ecluse check`. 0, or
 * what files_open() would tell of it: -EBUSY, -EXDEV, -EOPNOTSUPP, -EEXIST, -ENOENT, ... (place.h),
 * with *error. Shares before it are opened, too: one file system is one share's. */
int files_place_check(const struct contract *contract, unsigned share, struct error *error);

/* Whom the kernel ends when memory runs out: the lower (-1000 to 1000), the later this process.
 * Where that is ours to say (CAP_SYS_RESOURCE to go lower). */
void files_oom_score(const char *score);

/* ---- What happened, for the record ----------------------------------------------------------- */

enum files_event { FILES_UP, FILES_DOWN, FILES_ALARM };

struct files_news {
    enum files_event event;
    char object[32]; /* "listener", "vault", "queue", "canary", "share", "process tree" */
    char text[192];  /* nothing personal */
};

/* The next, oldest first; false: none. At most 64 wait. */
bool files_news(struct files *f, struct files_news *out);

/* ---- What is, for status --------------------------------------------------------------------- */

struct files_share_state {
    uint8_t guarded;
    uint8_t covered;           /* the vault's process answers */
    uint32_t canaries;         /* laid out */
    uint32_t opened_before;    /* descriptors open for writing that are older than the guard */
    char reason[232];          /* why it is not guarded */
    struct vault_report vault; /* all zero without one */
};

/* Without a word for so long, nothing of what it said is taken for so. */
#define FILES_SILENT_AFTER (3 * NANOS_SECOND)

struct files_state {
    uint64_t check;                      /* over what follows */
    nanos_t heartbeat;                   /* boot clock */
    int32_t manager, listener, watchdog; /* processes; 0: down */
    uint8_t enforce;                     /* opens wait for an answer */
    nanos_t since;                       /* boot clock: the listener is up, or down, since then */
    uint64_t deaths, killed;             /* of listeners; of these, by the watchdog */
    uint64_t count[BOARD_COUNT_COUNT];
    uint32_t frozen; /* process trees */
    uint32_t share_count;
    struct files_share_state share[CONTRACT_MAX_SHARES];
};

/* Which descriptors are older than the guard, for root: calls `each` for every one that was still
 * open a minute ago at most. How many, or a negative errno. */
long files_opened(const char *runtime, void (*each)(void *context, int process, const char *path),
                  void *context);

/* `runtime/files.state`. -ENOENT: no guard of files ever ran here. */
int files_state_read(const char *runtime, struct files_state *out);

#endif
