/* bulletin.h: what `ecluse run` tells the other commands about itself, in
 * `runtime/supervisor.json`.
 *
 * Small, rewritten whole by rename at each change, readable by all; nothing on a hot path reads it,
 * and nothing depends on it but what `status` shows.
 */
#ifndef ECLUSE_BULLETIN_H
#define ECLUSE_BULLETIN_H

#include "base/base.h"
#include "contract/contract.h"

#include <stdbool.h>

struct bulletin_child {
    bool wanted;   /* by the contract */
    int pid;       /* 0: it is down, waiting to be started again */
    nanos_t since; /* up since, or down since; 0: never up */
    unsigned deaths;
};

struct bulletin {
    char file[CONTRACT_PATH_SIZE * 2]; /* the contract's, absolute */
    nanos_t started;                   /* wall clock, like all times here */
    nanos_t taken;                     /* when the live contract was taken up */
    nanos_t refused;      /* when a changed file was last refused; 0: the file is in force */
    char reason[600];     /* of the refusal */
    struct bulletin_child keeper, desk;
    char keys[256];         /* why the keys of passes are not looked after; "": they are */
    bool interface_missing; /* there is none of the name that `network.interface` says */
};

int bulletin_write(const char *runtime, const struct bulletin *bulletin, struct error *error);

/* -ENOENT when there is none, -EPROTO when it cannot be read. */
int bulletin_read(const char *runtime, struct bulletin *out);

#endif
