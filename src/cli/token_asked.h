/* token_asked.h: a pass or a client key that somebody asks about, as `ecluse why` takes it: what
 * the customer's cookie `ecluse_pass` holds, or the id that `ecluse key list` shows. */
#ifndef ECLUSE_CLI_TOKEN_ASKED_H
#define ECLUSE_CLI_TOKEN_ASKED_H

#include "gate/client_key.h"
#include "gate/pass.h"

enum token_asked_kind { TOKEN_ASKED_NONE, TOKEN_ASKED_PASS, TOKEN_ASKED_KEY };

struct token_asked {
    enum token_asked_kind kind;
    uint8_t id[16]; /* for principal_pass() */
    uint64_t hash;  /* for the gate's tables */
    enum standing standing;
    enum token_fault fault; /* TOKEN_NONE, or why it does not count any more */
    struct pass pass;
    struct client_key key;
};

/* False when it is neither, or the keys are not ours to read. now in seconds since 1970. */
bool token_asked_read(const struct contract *c, const char *typed, int64_t now,
                      struct token_asked *out);

/* A line for people. wall in nanoseconds. */
void token_asked_text(const struct token_asked *token, nanos_t wall);

#endif
