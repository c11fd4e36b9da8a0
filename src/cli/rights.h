/* rights.h: giving up rights, for good.
 *
 * Whatever parses bytes from outside, or opens what such a parser wrote, does it as a user who owns
 * the parcels and nothing else. Started by root, that is `ecluse` if there is such a user, else the
 * owner of `state`, else `nobody` (said once: trials work, an installation should have the user).
 * Started by anybody else, it stays who it is.
 */
#ifndef ECLUSE_RIGHTS_H
#define ECLUSE_RIGHTS_H

#include "base/base.h"

#include <stdbool.h>
#include <sys/types.h>

struct account {
    uid_t uid;
    gid_t gid;
    char name[64];
    bool change;      /* started by root: rights_drop() changes to it */
    bool last_resort; /* it is `nobody` */
};

struct account account_of_service(const char *state);

/* Whose the audit log is: `ecluse-audit` if there is such a user, so that not even what takes the
 * service account over could write in it; else the service account. */
struct account account_of_audit(const char *state);

/* Whose process counts bytes out: `ecluse-egress` if there is such a user, else the service
 * account. */
struct account account_of_egress(const char *state);

/* The group of nginx's workers when started by root: www-data, else nginx, else -1. Otherwise -1:
 * the same user runs all. */
int group_of_workers(void);

/* Becomes the account, without a way back; a program that it starts may still have privileges of
 * its own (a mail server's sendmail). */
int rights_become(const struct account *account, struct error *error);

/* The same, and without new privileges ever. */
int rights_drop(const struct account *account, struct error *error);

struct rights_paths {
    const char *writable;    /* everything below may be read and written; NULL: nothing */
    const char *readable[8]; /* the same, to read only; NULL ends them; absent ones are skipped */
    const char *also_writable[2]; /* folders or single files; NULL ends them */
    bool network;                 /* sockets are allowed */
    bool maps;                    /* the kernel's maps (bpf(2)) whose descriptors are open */
    bool children;                /* processes of the same rights are allowed, no new programs */
};

/* Landlock where the kernel has it (5.13), then a seccomp allow-list: no sockets (but with
 * `network`), no new programs, no other process. A call outside the list fails with EPERM rather
 * than killing, so that another C library's new call is an error message. Returns 0, or a
 * negative errno with the reason when the kernel refuses what it should have; *partly tells what
 * it lacks. */
int rights_confine(const struct rights_paths *paths, const char **partly, struct error *error);

/* The first folder on the way to path that we may not pass, or NULL: for an error that a person can
 * act on. */
const char *path_first_closed(const char *path, char *out, size_t size);

#endif
