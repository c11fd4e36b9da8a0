/* vault.h: the last closed version of every file of a share, where only root can reach it.
 *
 * Where      SHARE/.ecluse-vault, on the share's own file system: root's, 0700, and immutable
 *            (FS_IMMUTABLE_FL): whoever may write the share's root can neither rename nor remove
 *            nor replace it. What changes lies one folder deeper, in `store`. A folder of that
 *            name that is not root's is refused; a root's one is taken over. No users' mount shows
 *            more than the name. The guard excludes it from marks and charges.
 * Kinds      VAULT_CLONES where the file system shares blocks (FICLONE: XFS with reflink=1, btrfs):
 *            a clone of every file, so that whatever destroys a file, its last closed version is
 *            there. Not so, since a clone follows half a second after the close: the newest version
 *            of a file over VAULT_READ_MOST that is truncated by path within that time, of a
 *            smaller one (which may be cloned up to five seconds later) within the moment until its
 *            close is heard of; and what was saved and destroyed while nobody told. VAULT_COPIES
 *            elsewhere: a copy of a file of at most `copy_up_to` bytes of data, taken before an
 *            untrusted open can write; removal, rename over and truncation by path are then not
 *            covered. `ecluse check` says all of this. No hard links anywhere.
 * Version    a clone file `store/XX/ID` and a record in the log: path, inode, owner, mode, ACL and
 *            extended attributes (without trusted.*, unless with CAP_SYS_ADMIN), times, size, who
 *            wrote it last, when, and whose act made it past. A file that is renamed keeps its
 *            history by its inode, one that is saved by another file's rename over it by its path.
 * Log        append-only, each record with its length and a checksum; one write(2) each, and never
 *            rewritten in place (history.h reads it, also while it grows). Killed at any instant: a
 *            torn tail is cut off at the next open, a clone without a record is removed. Power
 *            lost: what the log lacks is kept anew by the next pass; vault_sync() bounds it to a
 *            second. When more than half of it is dead it is written anew beside, and renamed.
 * Past       a version is current while it is its file's last one, and is never evicted then; it
 *            costs its metadata only. Once its file was rewritten or removed it is past, and
 *            charged to the *user who did that*, with the bytes of data that it had. That counts
 *            shared extents in full: it is what the version costs at most.
 * Bounds     `at_most` bytes of past versions in all, `per_user` for each; older than `keep`: gone.
 *            With `at_most` passed, over is who has more than his part of it: by the number of
 *            users who have past versions, and never less than a 64th. So it is passed by as much
 *            again at the most (by more only if more than 64 users fill theirs), and whoever uses
 *            little goes on, however many accounts an attacker has.
 *            Who is over makes room out of the versions that he himself wrote and replaced, never
 *            out of others', those first whose content lived shortest (so that churn goes before
 *            what stood for long), and none younger than `window`, the longest window of the
 *            contract's budgets of files_rewritten. When that does not do, vault_keep() says
 *            VAULT_REFUSED, and his open for writing is to be refused. Others are not touched.
 * Disk full  16 MB lie ready in the vault and are given up first; then VAULT_REFUSED too.
 * Threads    one process writes (a lock file says so: -EBUSY); in it any number of threads may
 *            call. A clone of a file that is still dirty waits for its blocks to be written: never
 *            call from the listener (vault_service.h is for it).
 * Cost       bench/vault: time, footprint and share of metadata for 100,000 files.
 * Time       `now` is the wall clock: versions outlive a boot, and people ask for "since 14:00".
 */
#ifndef ECLUSE_FILES_VAULT_H
#define ECLUSE_FILES_VAULT_H

#include "contract/contract.h"
#include "files/rewrite.h"

#include <sys/stat.h>

#define VAULT_FOLDER ".ecluse-vault"

/* A file of at most so many bytes is read when it is closed, and outlives a truncation by its name
 * before it could be cloned. */
enum { VAULT_READ_MOST = 128 << 10 };

enum { VAULT_PATH_SIZE = 4096, VAULT_XATTR_MOST = 65536, VAULT_NOBODY = 0xffffffff };

enum vault_kind { VAULT_NONE, VAULT_CLONES, VAULT_COPIES };
const char *vault_kind_name(enum vault_kind kind); /* "none", "clones", "copies" */

struct vault; /* one share's, open for writing */

struct vault_limits {
    uint64_t at_most;    /* 0: a fifth of the file system */
    uint64_t per_user;   /* 0: a quarter of at_most */
    nanos_t keep;        /* of past versions */
    nanos_t window;      /* nothing younger is evicted: vault_window() */
    uint64_t copy_up_to; /* of VAULT_COPIES */
};

/* Limits of a share as the contract says them. */
struct vault_limits vault_limits_of(const struct contract *contract, unsigned share);
/* The longest window of the contract's budgets of files_rewritten; an hour without any. */
nanos_t vault_window(const struct contract *contract);

/* Who acts, as the guard attributes it. */
struct vault_who {
    uint32_t user; /* file-system uid; VAULT_NOBODY when not known */
    uint64_t tree; /* process tree: a number that stands for no other, over boots too; 0 unknown */
};

/* Which file: its path is relative to the share, without a leading slash, any bytes but zero. */
struct vault_file {
    uint64_t inode;
    uint32_t generation; /* FS_IOC_GETVERSION; 0 where there is none */
};

static inline bool vault_same_file(struct vault_file one, struct vault_file other)
{
    return one.inode == other.inode && one.generation == other.generation;
}

/* Why a version is kept, as its record says. */
enum vault_when {
    VAULT_FOUND,  /* by the pass over the share: who wrote it is not known */
    VAULT_BEFORE, /* before an open that may write */
    VAULT_CLOSED, /* after a writer closed it: `who` wrote it */
    VAULT_RESTORED,
};

enum vault_result {
    VAULT_KEPT,        /* it is in the vault now */
    VAULT_ALREADY,     /* it was: nothing was done */
    VAULT_NOTHING,     /* nothing to keep: empty, no regular file, or inside the vault */
    VAULT_NOT_COVERED, /* copies: over copy_up_to, or changing all the time; counted */
    VAULT_REFUSED,     /* no room for this user, or no room at all: refuse his writing */
    VAULT_FAILED,      /* an error of the file system; counted. Judge as not covered */
};

/* Opens the vault of the share mounted at `share`, making it when it is not there. Returns 0 with
 * *out, or a negative errno with *error: -EBUSY when another process has it, -EPERM when something
 * that is not root's stands in its place, -EUCLEAN when its log is of another version. root: a
 * descriptor of the share's root through which files are opened, O_PATH will do; -1: by path. */
int vault_open(const char *share, int root, const struct vault_limits *limits, nanos_t now,
               struct vault **out, struct error *error);
void vault_close(struct vault *v); /* takes NULL; makes all durable */
/* Makes all durable and unlocks it for a successor, while a thread still waits for a clone: nothing
 * is written after this, and the process is to end. */
void vault_abandon(struct vault *v);
void vault_set_limits(struct vault *v, const struct vault_limits *limits);
enum vault_kind vault_kind(const struct vault *v);

/* Which kind it would be, with nothing made there: for `ecluse check`. A negative errno when that
 * cannot be tried: -ENOENT, -EACCES, -EOPNOTSUPP, ... */
int vault_probe(const char *share, enum vault_kind *out);

/* Keeps the closed version behind fd (open for reading) unless it is there already (inode,
 * generation, ctime and size). `path` NULL: asks /proc. Repeats up to three times when the file
 * changes meanwhile. */
enum vault_result vault_keep(struct vault *v, int fd, const char *path, struct vault_who who,
                             enum vault_when when, nanos_t now);

/* Keeps what fd's file held when it was read, with the status that it had then: for who read it in
 * time, and finds it truncated by path. As VAULT_CLOSED. */
enum vault_result vault_keep_read(struct vault *v, int fd, const struct stat *status,
                                  const char *bytes, struct vault_who who, nanos_t now);

/* Whether `who` may make more versions past: VAULT_ALREADY, or VAULT_REFUSED. */
enum vault_result vault_room(struct vault *v, struct vault_who who, nanos_t now);

/* ---- What happened to files ------------------------------------------------------------------ */

struct vault_old {    /* a version that is about to be, or was, replaced */
    uint64_t version; /* 0: none is kept */
    int fd;           /* of the clone, for reading; -1 when it is not there. The caller closes it */
    uint64_t size, bytes; /* as seen; of data on disk */
    struct vault_who writer;
    nanos_t closed; /* when it was written, or found */
    nanos_t past;   /* 0: it is its file's current version */
    struct vault_file file;
    uint64_t mark;  /* 0: it was torn */
    uint32_t links; /* when it was kept */
};

/* One version; or the newest kept version of a file, by inode; or, with inode 0, by path. `before`:
 * not this one but the one before it (0: the newest). */
struct vault_old vault_version(struct vault *v, uint64_t version);
struct vault_old vault_newest(struct vault *v, struct vault_file file, const char *path,
                              uint64_t before);

/* A version was rewritten or removed by `who`: it is past from now on, with the figures. A path's
 * version may be made past by the inode that took its place. */
void vault_past(struct vault *v, uint64_t version, struct vault_who who,
                const struct rewrite_figures *figures, nanos_t now);

/* A file or folder has another path now. What had that path before is past. A folder moves all that
 * lies in it. */
int vault_moved(struct vault *v, const char *from, const char *to, bool folder,
                struct vault_who who, nanos_t now);

/* A version's file has no name any more. */
void vault_gone(struct vault *v, uint64_t version, struct vault_who who, nanos_t now);

/* Current versions one after another, from *cursor 0 on: whether their files are still there is for
 * the caller to see. False at the end. */
bool vault_next(struct vault *v, size_t *cursor, uint64_t *version, char path[VAULT_PATH_SIZE]);

/* Whether `who` alone wrote the version's file, and all that had its path, and not before `since`:
 * then nobody loses anything by what he does with it. Never for a tree that is not known. */
bool vault_is_own(struct vault *v, uint64_t version, struct vault_who who, nanos_t since);

/* Where the file was when the version was kept; "" when it is not known. */
char *vault_path_of(struct vault *v, uint64_t version, char out[VAULT_PATH_SIZE]);

/* A hold began: `ecluse files restore --hold` undoes what `who` did from `from` on (user
 * VAULT_NOBODY: any user, tree 0: any tree). `hold` as hold_name() writes it: "hold-2f-files". */
void vault_held(struct vault *v, const char *hold, struct vault_who who, nanos_t from, nanos_t now);

/* Folders, so that removed ones come back as they were: called by the pass, and for a file's
 * folders the first time that a file in them is kept. */
void vault_keep_folder(struct vault *v, int fd, const char *path, nanos_t now);

/* ---- Upkeep ---------------------------------------------------------------------------------- */

/* About once a second, from one thread: expires, makes room, refills the reserve, compacts. */
void vault_tidy(struct vault *v, nanos_t now);
int vault_sync(struct vault *v); /* the log and the clones so far are durable */

/* What stands for one closed version of one file: inode, ctime and size under the vault's key. */
struct hash_key vault_key(const struct vault *v);
uint64_t vault_mark(struct hash_key key, const struct stat *status);

/* Called, with the vault locked, for each current version at once, then for each that is kept or
 * replaced: for the listener's table. */
typedef void (*vault_watcher)(void *context, uint64_t mark, bool kept);
void vault_watch(struct vault *v, vault_watcher watcher, void *context);

/* Users to whom vault_keep() says VAULT_REFUSED now: returns how many were written. */
size_t vault_refused_users(struct vault *v, uint32_t *out, size_t most, nanos_t now);

struct vault_state {
    uint8_t kind;        /* enum vault_kind */
    uint8_t full;        /* the reserve was given up */
    uint64_t files;      /* with a current version */
    uint64_t versions;   /* in all */
    uint64_t past_bytes; /* charged */
    uint64_t log_bytes;
    uint64_t not_covered, failed, refused, evicted, expired; /* since it was opened */
    uint64_t at_most, per_user;
};
void vault_state(struct vault *v, struct vault_state *out);

#endif
