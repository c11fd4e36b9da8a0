/* restore.h: files put back from the vault, byte by byte, with owner, mode, ACL, attributes, times.
 *
 * Plan       from the vault's log and a look at each place: what was rewritten, moved or removed by
 *            whom a hold is on, or since a time, or at a path; which version stood before; and what
 *            is there now. It changes nothing, and needs no guard.
 * Before     of a hold: the version before the held principal's first act on the file. Since a
 *            time: the one that stood then, also where nobody told of what happened (no guard was
 *            up) and only what lies on disk shows it. Of a file: the newest one that is not there
 *            now. Of a folder: the newest of each file in it that does not stand as it was kept
 *            last.
 * Names      where the file was before it was moved: old and new name are known by its inode.
 * Asks       RESTORE_CHANGED: somebody else, or nobody knows who, changed what is there now, or
 *            what became of it looks like ordinary work. Only with `overwrite` is it put back; what
 *            it replaces is in the vault first (without reflinks: only while no guard runs).
 * Left       what the held principal made (encrypted copies, notes) is listed, and removed only
 *            when asked: restore_remove_left().
 * Safe       users own the folders in which root works here: everything is opened beneath the share
 *            without following a link (beneath.h); a file is made whole inside the vault, and comes
 *            to its place by one rename that fails if something else got there meanwhile, or puts
 *            back what it found.
 * Killed     at any instant: each file is either as it was or restored. Run it again.
 * Running    it works beside the vault's process, which it tells what it put back; without one it
 *            keeps the vault itself meanwhile.
 * Cost       bench/vault: about 100 us a file.
 */
#ifndef ECLUSE_FILES_RESTORE_H
#define ECLUSE_FILES_RESTORE_H

#include "files/vault.h"

struct restore_request { /* one of the three; a path narrows the others */
    const char *hold;    /* "hold-2f-files", or NULL */
    nanos_t since;       /* wall clock, or 0 */
    const char *path;    /* relative to the share, without slashes at its ends, or NULL */
};

enum restore_state {
    RESTORE_MISSING, /* nothing is there: it is put back */
    RESTORE_SPOILT,  /* what is there comes from who is held, or counts as destroyed */
    RESTORE_CHANGED, /* it is asked for */
    RESTORE_SAME,    /* it is there already */
    RESTORE_BLOCKED, /* a folder, a link or a file stands in the way */
    RESTORE_LOST,    /* its version was not kept, or is gone from the vault */
    RESTORE_STATES
};
const char *restore_state_name(enum restore_state state);

struct restore_item {
    const char *path; /* where it goes */
    uint64_t version;
    uint64_t size;
    nanos_t closed; /* when that version was kept */
    nanos_t ended;  /* when it was destroyed; 0: not known */
    uint32_t by;    /* the user who did; VAULT_NOBODY: not known */
    uint8_t ground; /* enum rewrite_ground, or 255: nobody judged */
    uint8_t state;  /* enum restore_state */
};

struct restore_left { /* what the held principal made */
    const char *path;
    uint64_t size;
};

struct restore;

/* -ENOENT: the share has no vault, or the hold is not known here. -EINVAL: nothing was asked for.
 */
int restore_open(const char *share, const struct restore_request *request, struct restore **out,
                 struct error *error);
void restore_close(
    struct restore *r); /* takes NULL; tells the vault's process what is left to tell */

size_t restore_count(const struct restore *r);
const struct restore_item *restore_at(const struct restore *r, size_t i); /* in order of paths */
size_t restore_left_count(const struct restore *r);
const struct restore_left *restore_left_at(const struct restore *r, size_t i);

enum restore_result {
    RESTORE_DONE,
    RESTORE_SKIPPED, /* CHANGED without `overwrite`, SAME, BLOCKED, LOST */
    RESTORE_MOVED,   /* something changed there since the plan was made: skipped */
    RESTORE_FAILED,  /* *error says why */
};

/* Puts one back. `overwrite`: RESTORE_CHANGED too. `to`: below this folder instead (a descriptor;
 * -1 none), where nothing that exists is touched. A few attributes that cannot be set (trusted.* as
 * nobody privileged) are counted in *unset, which may be NULL. */
enum restore_result restore_put(struct restore *r, size_t i, bool overwrite, int to,
                                unsigned *unset, struct error *error);

/* Removes one of what was left, if it is still what it was; it is in the vault. */
enum restore_result restore_remove_left(struct restore *r, size_t i, struct error *error);

/* ---- Looking --------------------------------------------------------------------------------- */

struct restore_version { /* of one path, newest first */
    uint64_t version, size;
    nanos_t closed, ended; /* ended 0: it stands */
    uint32_t writer, by;
    uint8_t ground;
    uint8_t is_there; /* its clone is */
};
struct restore_hold {
    char hold[40];
    struct vault_who who;
    nanos_t from, at;
};

struct restore_view; /* what a vault knows, to be listed */
int restore_view_open(const char *share, struct restore_view **out, struct error *error);
void restore_view_close(struct restore_view *view); /* takes NULL */
size_t restore_view_versions(const struct restore_view *view, const char *path,
                             struct restore_version *out, size_t most);
size_t restore_view_holds(const struct restore_view *view, struct restore_hold *out, size_t most);
/* Paths below a folder ("" the share) that have versions: in no order; false: no more. */
bool restore_view_next(const struct restore_view *view, const char *folder, size_t *cursor,
                       const char **path);
void restore_view_state(const struct restore_view *view, struct vault_state *out);

#endif
