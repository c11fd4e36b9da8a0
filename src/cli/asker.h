/* asker.h: the process that carries a request to one witness and the answer back.
 *
 * What comes from a witness's server is parsed by libcurl, in a process that holds no key, may open
 * no file of ours and write none. It is told a body on one end of a socket pair, posts it, and
 * tells the answer; it waits for the network, so that the recorder never does.
 */
#ifndef ECLUSE_ASKER_H
#define ECLUSE_ASKER_H

#include "audit/witness.h"
#include "cli/rights.h"

struct asker_answer {
    int32_t status; /* HTTP; 0: nobody answered, and `body` says why */
    uint32_t length;
    char body[WITNESS_ANSWER_MAX];
};

/* Starts one for `url` (a witness's submission prefix). Returns our end of the pair, non-blocking,
 * or a negative errno. It ends when that end is closed, or with its parent. */
int asker_start(const char *url, const struct account *account, pid_t *pid);

#endif
