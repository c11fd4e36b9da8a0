/* canary.h: files that nobody has a reason to open.
 *
 * Laid out by `ecluse files canaries place`: in the share's root and in the first, the last and
 * some of its folders, two in each, whose names sort before and after what people write, so that a
 * sweep in either order meets one early. They are tables of text like others', with the owner, the
 * rights and an age that fit where they lie. The first of each pair is hidden by its dot; the other
 * begins with a tilde, as editors' lock files do. Backups read them: trust the backup.
 *
 * `state/canaries` (0600) lists them; they are recognised by device and inode.
 */
#ifndef ECLUSE_FILES_CANARY_H
#define ECLUSE_FILES_CANARY_H

#include "contract/contract.h"

struct canary {
    char share[CONTRACT_NAME_SIZE];
    uint32_t folder; /* those of one folder have the same */
    char path[1024]; /* absolute */
};

/* Calls `each` for every one in the list; how many, or a negative errno (-ENOENT: none laid out).
 */
long canaries_list(const char *state, void (*each)(void *context, const struct canary *canary),
                   void *context);

/* Lays out what the contract wants of a share and is not there yet. How many were made, or a
 * negative errno with *error. */
long canaries_place(const struct contract *contract, unsigned share, nanos_t wall,
                    struct error *error);

/* Removes all of a share. How many. */
long canaries_remove(const struct contract *contract, unsigned share, struct error *error);

#endif
