/* credential.h: what one request showed, and what its answer is to carry.
 *
 * front_caller() reads it once a request, of one that shows something: the address, the pass, a
 * proof or ticket that is redeemed for one, a client's signature. The header filter then writes the
 * pass: when one was redeemed, when a visit is counted, when one is given in calm times; never in
 * observe, and never on an answer that a cache might give to others (gate/sharing.h), unless it was
 * redeemed just now: then that one answer becomes private.
 *
 * Refused   what does not count is counted by its fault (gate/token.h), and shown by `status`.
 */
#ifndef ECLUSE_FRONT_CREDENTIAL_H
#define ECLUSE_FRONT_CREDENTIAL_H

#include "gate/pass.h"

enum redeemed { REDEEMED_NOTHING, REDEEMED_PROOF, REDEEMED_TICKET };

struct front_credential {
    struct caller caller;
    bool made;              /* caller is what the request shows */
    bool told;              /* the answer's header has been seen to */
    bool has_pass;          /* `pass` was shown, and verified, or was redeemed now */
    enum redeemed redeemed; /* the cookie to be taken away */
    unsigned lacks;         /* seconds until the ticket that was shown may be redeemed */
    struct pass pass;
};

#endif
