/* operator.h: the operators of the desk.
 *
 * `state/access/operators` (0600), one line an operator: name, role, password hash, one-time
 * secret, last step used, flags. It is replaced whole by rename after fsync, under a lock, so that
 * the desk and the command line may both change it.
 *
 * Names     1 to 40 letters, digits, '.', '-' and '_'. They are personal data: the audit log has
 * commitments only. Limits    OPERATOR_MAX operators.
 */
#ifndef ECLUSE_OPERATOR_H
#define ECLUSE_OPERATOR_H

#include "access/totp.h"
#include "base/base.h"

enum {
    OPERATOR_MAX = 200,
    OPERATOR_NAME_SIZE = 41,
    OPERATOR_HASH_SIZE = 128,
    OPERATOR_PASSWORD_MIN = 12,
    OPERATOR_PASSWORD_MAX = 1024
};

/* Each role may do what those before it may. */
#define OPERATOR_ROLES(X)                                                                          \
    X(SEE, "see", "sees everything")                                                               \
    X(RELEASE, "release", "and undoes holds, and panics")                                          \
    X(ADMINISTER, "administer", "and changes operators and contracts")

enum operator_role {
#define X(constant, ...) ROLE_##constant,
    OPERATOR_ROLES(X)
#undef X
        ROLE_COUNT
};

const char *role_name(enum operator_role role);
bool role_named(struct text name, enum operator_role *out);

struct operator
{
    char name[OPERATOR_NAME_SIZE];
    enum operator_role role;
    char password[OPERATOR_HASH_SIZE]; /* Argon2id, in libsodium's text form */
    uint8_t totp[TOTP_SECRET_SIZE];
    uint64_t totp_last; /* the last step used */
    bool must_change;   /* the password was set by somebody else */
};

struct operators {
    size_t count;
    struct operator operator[OPERATOR_MAX];
};

bool operator_name_is_allowed(struct text name);

/* 0; -ENOENT when there is no file yet (out is then empty); -EPERM when others may read it;
 * -EBADMSG with the line in *error. */
int operators_load(const char *state, struct operators *out, struct error *error);

/* Under the lock: loads, calls change (which returns 0 to save, or a negative errno to leave
 * everything as it was), saves. */
int operators_change(const char *state, int (*change)(void *context, struct operators *operators),
                     void *context, struct error *error);

struct operator* operators_find(struct operators *operators, struct text name);

/* Makes one with a new one-time secret. -EEXIST, -ENOSPC, -EINVAL (name or password not allowed:
 * the error says why). */
int operator_add(struct operators *operators, struct text name, enum operator_role role,
                 struct text password, struct error *error);
bool operator_password_is_right(const struct operator* operator, struct text password);
int operator_set_password(struct operator* operator, struct text password, struct error *error);

/* Takes as long for a name that does not exist. Memory and time of Argon2id's "interactive" limits:
 * 64 MiB, some 100 ms: the caller bounds how often. On success the step of the code is used up
 * (save it). */
bool operator_check(struct operators *operators, struct text name, struct text password,
                    struct text code, int64_t now, struct operator** out);

#endif
