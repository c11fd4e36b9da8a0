/* act.h: one thing that Ecluse did or was told, as a guard hands it over.
 *
 * A fixed struct, so that handing over neither formats nor allocates. The writer turns it into the
 * entry's JSON (entry.h); what names somebody (subject, and actor where an operator is meant)
 * becomes a salted commitment there, never plain text in the log.
 */
#ifndef ECLUSE_AUDIT_ACT_H
#define ECLUSE_AUDIT_ACT_H

#include "base/base.h"

/*  constant        name in the entry    what it says */
#define ACT_KINDS(X)                                                                               \
    X(STARTED, "started", "Ecluse was started")                                                    \
    X(STOPPED, "stopped", "Ecluse was stopped in order")                                           \
    X(GUARD_UP, "guard_up", "a guard's process began its work")                                    \
    X(GUARD_DOWN, "guard_down", "a guard's process died, hung or ran out of memory")               \
    X(CONTRACT, "contract", "a contract took effect")                                              \
    X(CONTRACT_REFUSED, "contract_refused", "a contract was refused or rolled back")               \
    X(HOLD, "hold", "a principal was held")                                                        \
    X(HOLDS, "holds", "many principals were held by one budget at about the same time")            \
    X(EXPIRY, "expiry", "a hold ended at its time")                                                \
    X(EXPIRIES, "expiries", "many holds of one budget ended at about the same time")               \
    X(RELEASE, "release", "a hold was undone")                                                     \
    X(BREAKER, "breaker", "a budget would have held too many, and observes instead")               \
    X(PANIC, "panic", "everything was put in observe")                                             \
    X(PANIC_OFF, "panic_off", "the contract's modes are in force again")                           \
    X(WAVE, "wave", "a flood ended: what it was, and what reached the origin")                     \
    X(INGEST, "ingest", "a feed was taken in")                                                     \
    X(CLOCK_JUMP, "clock_jump", "the wall clock jumped")                                           \
    X(ALARM, "alarm", "something needs a person")                                                  \
    X(SIGN_IN, "sign_in", "an operator signed in")                                                 \
    X(SIGN_IN_FAILED, "sign_in_failed", "signing in was refused")                                  \
    X(OPERATOR, "operator", "an operator changed something")                                       \
    X(EXPORT, "export", "entries were exported")                                                   \
    X(RESTORE, "restore", "files were put back from the vault")                                    \
    X(ERASED, "erased", "the salt of an entry was erased: whom it meant cannot be told any more")  \
    X(LOST, "lost", "entries that could not be taken")                                             \
    X(KEY, "key", "the log's key was changed")                                                     \
    X(CLIENT_KEY, "client_key", "a client's key was issued or revoked")                            \
    X(PASS_KEYS, "pass_keys", "the keys that passes are signed with were made or rotated")

enum act_kind {
#define X(constant, ...) ACT_##constant,
    ACT_KINDS(X)
#undef X
        ACT_KIND_COUNT
};

const char *act_kind_name(enum act_kind kind);
const char *act_kind_text(enum act_kind kind);
bool act_kind_named(struct text name, enum act_kind *out);

enum {
    ACT_NAME_SIZE = 64,
    ACT_SUBJECT_SIZE = 96,
    ACT_REASON_SIZE = 192,
    ACT_NUMBERS = 6,
};

struct act {
    int64_t at;                /* wall clock, nanoseconds */
    uint8_t kind;              /* enum act_kind */
    char actor[ACT_NAME_SIZE]; /* "guard front", "operator ana", "root": operators are committed to,
                                  not named */
    char subject[ACT_SUBJECT_SIZE]; /* who it was done to, as text; "" for nobody. Committed to */
    char object[ACT_NAME_SIZE];     /* what it is about, not personal: a budget's name, a guard, a
                                       file's role */
    char hold[40];                  /* "hold-2f-front" or "" */
    char reason[ACT_REASON_SIZE];   /* a sentence with its numbers; nothing personal */
    struct act_number {
        char name[16]; /* "used", "limit", "window_s", "until_s", "count" */
        int64_t value;
    } number[ACT_NUMBERS];        /* those with a name */
    char evidence[ACT_NAME_SIZE]; /* where more is to be seen: "ecluse why hold-2f-front" */
};

/* Copies text into one of the act's fixed fields, cut at a UTF-8 character. */
void act_text(char *field, size_t size, struct text text);
void act_number(struct act *act, const char *name,
                int64_t value); /* the next free one; ignored when all are taken */

/* What takes back an act that was handed over before it was to be done, and then was not: an alarm
 * of the same actor, about the same subject and hold, whose object is the act's kind. */
struct act act_not_done(const struct act *act, int64_t at, const char *why);

#endif
