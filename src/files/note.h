/* note.h: what the listener tells its manager, and what it is given. The room's own.
 *
 * One SOCK_SEQPACKET socket between the two; a note is a whole packet, and is dropped rather than
 * waited for. Neither end believes the other's lengths.
 */
#ifndef ECLUSE_FILES_NOTE_H
#define ECLUSE_FILES_NOTE_H

#include "files/charging.h"

enum note_kind {
    NOTE_LOG,    /* a line, since the log itself may wait for journald */
    NOTE_HELD,   /* somebody met a hold, or began one */
    NOTE_CANARY, /* somebody opened a canary */
    NOTE_PAUSE,  /* somebody removes more than is left to him, and verdicts are not there yet */
    NOTE_KINDS
};

struct note {
    uint32_t kind;  /* enum note_kind */
    uint32_t level; /* of a line */
    uint64_t hold, tree;
    int16_t budget, share;
    uint32_t user;
    uint32_t second; /* of a canary: the second, so held */
    uint32_t binds;  /* of a hold: it is not only noticed */
    int32_t process; /* that acts; 0: not known */
    struct principal principal;
    char text[256]; /* a line; of a hold, the tree's name */
};

void note_send(int socket, const struct note *note); /* never waits */
bool note_take(int socket, struct note *out);        /* false: none waits */

/* The vault's socket of a share, from the manager. take: the share, or -1 for none. */
int note_give_vault(int socket, unsigned share, int vault);
int note_take_vault(int socket, int *vault);

#endif
