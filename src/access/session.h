/* session.h: who is signed in at the desk.
 *
 * In memory only: a restart of the desk signs everybody out. A token is 32 random bytes, given to
 * the browser and kept here only as its keyed hash; it is bound to the browser that got it (a hash
 * of what it says of itself) and ends after SESSION_IDLE without a request or SESSION_LONGEST in
 * all. Every session has a token against forged requests (CSRF), different from its own.
 *
 * Bounded   SESSION_MAX sessions, at most SESSION_EACH an operator: the oldest of the same operator
 * goes first, so that nobody can push out others.
 */
#ifndef ECLUSE_SESSION_H
#define ECLUSE_SESSION_H

#include "access/operator.h"

enum { SESSION_MAX = 256, SESSION_EACH = 4, SESSION_TOKEN_TEXT_SIZE = 44 };

#define SESSION_IDLE    (15 * NANOS_MINUTE)
#define SESSION_LONGEST (8 * NANOS_HOUR)

struct session {
    bool used;
    uint8_t hash[32];
    uint64_t browser;
    nanos_t begun, seen; /* boot clock */
    char csrf[SESSION_TOKEN_TEXT_SIZE];
    char name[OPERATOR_NAME_SIZE];
    enum operator_role role;
    bool must_change;
    uint64_t operator; /* keyed hash of what the operator was when it signed in */
};

struct sessions {
    struct hash_key key;
    uint8_t token_key[32];
    struct session session[SESSION_MAX];
};

void sessions_init(struct sessions *sessions);

/* Writes the token for the cookie. NULL when all places are taken by others that are still good. */
struct session *session_begin(struct sessions *sessions, const struct operator* operator,
                              struct text browser, nanos_t now,
                              char token[SESSION_TOKEN_TEXT_SIZE]);

/* The session of a token, still good, from the same browser; NULL otherwise. Counts as a request
 * when `active` (a page that refreshes by itself does not keep its session alive). */
struct session *session_find(struct sessions *sessions, struct text token, struct text browser,
                             bool active, nanos_t now);

bool session_csrf_is_right(const struct session *session, struct text given);

void session_end(struct session *session);
/* All sessions of an operator: its password, second factor or role was changed, or it was removed.
 */
void sessions_end_of(struct sessions *sessions, struct text name);

bool session_is_good(const struct session *session, nanos_t now);

/* Ends the sessions of all who were changed or removed since they signed in, by whomever. */
void sessions_follow(struct sessions *sessions, struct operators *operators);

size_t sessions_count(const struct sessions *sessions, nanos_t now);

#endif
