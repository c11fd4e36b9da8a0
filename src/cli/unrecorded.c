#include "cli/unrecorded.h"

#include "access/operator.h"
#include "gate/client_key.h"
#include "gate/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

bool log_was_begun(const char *state)
{
    char path[CONTRACT_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/audit", state);
    return access(path, F_OK) == 0 || errno != ENOENT;
}

static void say(struct chronicle *chronicle, enum act_kind kind, const char *object, size_t count,
                const char *error)
{
    if (*error)
        chronicle_say(chronicle, kind, object, "there before this log, and not counted: %s", error);
    else if (count)
        chronicle_say(chronicle, kind, object, "%zu of them before this log began", count);
}

static void say_operators(const struct contract *c, struct chronicle *chronicle)
{
    struct operators *operators = calloc(1, sizeof *operators);
    struct error error = {""};
    must(operators != NULL);
    int failed = operators_load(c->state, operators, &error);
    say(chronicle, ACT_OPERATOR, "desk", operators->count,
        failed && failed != -ENOENT ? "the operators' file cannot be read" : "");
    sodium_memzero(operators, sizeof *operators);
    free(operators);
}

static void say_keys(const struct contract *c, struct chronicle *chronicle)
{
    char folder[KEYRING_PATH_SIZE];
    struct client_keys *keys = NULL;
    struct error error = {""};
    int failed = keyring_folder(c, folder);
    if (!failed)
        failed = client_keys_read(folder, &keys, &error);
    say(chronicle, ACT_CLIENT_KEY, "client keys", client_keys_count(keys),
        failed && failed != -ENOENT ? "the clients' keys cannot be read" : "");
    client_keys_free(keys);
}

void unrecorded_say(const struct contract *c, struct chronicle *chronicle)
{
    say_operators(c, chronicle);
    say_keys(c, chronicle);
}
