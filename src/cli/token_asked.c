#include "cli/token_asked.h"
#include "status/figure.h"

#include <stdio.h>
#include <string.h>

/* From which network it is shown is not known here: who has the cookie asks about it. */
static bool read_pass(const struct contract *c, const char *typed, int64_t now,
                      struct token_asked *out)
{
    char path[KEYRING_PATH_SIZE];
    struct keyring ring;
    if (strlen(typed) != PASS_TEXT_LENGTH || keyring_path(c, path) != 0 ||
        keyring_read(path, &ring, NULL) != 0)
        return false;
    enum token_fault fault = pass_look(&ring, text_of(typed), now, &out->pass);
    keyring_wipe(&ring);
    if (fault != TOKEN_NONE)
        return false;
    out->kind = TOKEN_ASKED_PASS;
    out->hash = pass_hash(out->pass.id);
    out->standing = pass_standing(&out->pass, now);
    pass_principal(out->pass.id, out->id);
    return true;
}

static bool read_key(const struct contract *c, const char *typed, struct token_asked *out)
{
    char folder[KEYRING_PATH_SIZE];
    struct client_keys *keys;
    if (strlen(typed) != CLIENT_KEY_ID_LENGTH || keyring_folder(c, folder) != 0 ||
        client_keys_read(folder, &keys, NULL) != 0)
        return false;
    for (size_t i = 0; i < client_keys_count(keys); i++) {
        const struct client_key *key = client_keys_at(keys, i);
        if (strcmp(key->id, typed) != 0)
            continue;
        out->kind = TOKEN_ASKED_KEY;
        out->key = *key;
        out->fault = key->revoked ? TOKEN_REVOKED : TOKEN_NONE;
        out->standing = key->revoked ? STANDING_STRANGER
                        : *key->lane ? STANDING_LANE
                                     : STANDING_KNOWN;
        client_key_principal(key, out->id, &out->hash);
        break;
    }
    client_keys_free(keys);
    return out->kind == TOKEN_ASKED_KEY;
}

bool token_asked_read(const struct contract *c, const char *typed, int64_t now,
                      struct token_asked *out)
{
    *out = (struct token_asked){.kind = TOKEN_ASKED_NONE};
    return read_pass(c, typed, now, out) || read_key(c, typed, out);
}

void token_asked_text(const struct token_asked *token, nanos_t wall)
{
    char one[FIGURE_SIZE], two[FIGURE_SIZE];
    if (token->kind == TOKEN_ASKED_PASS) {
        printf("A pass, given %s, last renewed %s, %u visits%s. It counts only from the wide "
               "network that it was given to.\n",
               figure_wall(token->pass.issued * NANOS_SECOND, wall, one),
               figure_wall(token->pass.renewed * NANOS_SECOND, wall, two), token->pass.visits,
               token->pass.from == PASS_PROVEN ? ", for work or waiting" : "");
        return;
    }
    printf("The client key \"%s\"%s%s, issued %s", token->key.name,
           *token->key.lane ? " of lane " : "", token->key.lane,
           figure_wall(token->key.created * NANOS_SECOND, wall, one));
    if (token->key.revoked)
        printf("; revoked %s", figure_wall(token->key.revoked * NANOS_SECOND, wall, two));
    puts(".");
}
