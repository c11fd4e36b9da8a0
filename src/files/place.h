/* place.h: where a share lies, and whether it can be guarded there. The room's own.
 *
 * A share is a mount of its own, on a file system of its own: marks are on the file system, so
 * that other mounts of it (in other namespaces too) are seen, and no open of what runs the machine
 * ever waits for the listener.
 */
#ifndef ECLUSE_FILES_PLACE_H
#define ECLUSE_FILES_PLACE_H

#include "contract/contract.h"

#include <sys/types.h>

struct place {
    uint64_t device; /* st_dev; 0: not guarded */
    int mount;       /* a descriptor of the share's root, O_PATH not: for open_by_handle_at(2) */
    int quiet;       /* the root on a mount of our own, which has no name, O_PATH; -1: none */
};

/* Opens the place of a share. 0, or -ENOENT, -EXDEV (not a mount of its own), -EBUSY (holds `/`,
 * `state` or `runtime`), -EOPNOTSUPP (a file system that others change, or that can hang), -EEXIST
 * (the file system of another share; `others` of `count`), each with an error that names the fix.
 * */
int place_open(const struct contract *contract, unsigned share, const struct place *others,
               unsigned count, struct place *out, struct error *error);
void place_close(struct place *place);
/* Makes `quiet`: the vault opens ten thousand files of its own beside others', and the kernel tells
 * the listener of none that is opened through this mount. Only who is given the descriptor can use
 * it. Needs CAP_SYS_ADMIN; without it, the vault is seen, and let be by who it is. */
void place_make_quiet(struct place *place);

/* Whether another mount lies there by now. */
bool place_moved(const struct contract *contract, unsigned share, const struct place *place);

#endif
