/* `ecluse key`: signed keys of partners' programs (gate/client_key.h), issued, listed, revoked. A
 * key opens the way past challenges: it is issued only once that is on the record, or before there
 * is one (unrecorded.h). */
#include "cli/output.h"
#include "cli/record.h"
#include "cli/rights.h"
#include "cli/situation.h"
#include "gate/client_key.h"
#include "gate/keyring.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    const struct arguments *a;
    const struct contract *contract;
    char folder[KEYRING_PATH_SIZE];
    int group;
    bool json;
};

static int64_t seconds_now(void)
{
    return clock_wall() / NANOS_SECOND;
}

static struct act act_of(const char *name, const char *what)
{
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(ACT_CLIENT_KEY, actor, "client keys", "%s", what);
    act_text(act.subject, sizeof act.subject, text_of(name));
    return act;
}

/* ---- Issue ----------------------------------------------------------------------------------- */

/* As `ecluse run` would make it: keys may be issued before it first runs. */
static int make_folder(const struct place *place, struct error *error)
{
    char part[KEYRING_PATH_SIZE];
    struct stat about;
    if (stat(place->folder, &about) == 0)
        return 0;
    for (size_t at = 1; place->folder[at]; at++) {
        if (place->folder[at] != '/')
            continue;
        memcpy(part, place->folder, at);
        part[at] = 0;
        mkdir(part, 0755); /* what fails here, the last one says */
    }
    if (mkdir(place->folder, place->group < 0 ? 0700 : 0750) < 0 ||
        (place->group >= 0 && chown(place->folder, (uid_t)-1, (gid_t)place->group) < 0))
        return error_set(error, -errno, "%s cannot be made: %s", place->folder, strerror(errno));
    return 0;
}

static void show_issued(const struct place *place, const struct client_key *key, const char *secret)
{
    if (place->json) {
        output_json(json_pack("{s:s,s:s,s:s?,s:I,s:s}", "id", key->id, "name", key->name, "lane",
                              *key->lane ? key->lane : NULL, "created", (json_int_t)key->created,
                              "secret", secret));
        return;
    }
    printf("id      %s\nsecret  %s\n", key->id, secret);
    fputs("The secret is shown this once. docs/keys.md says how a request is signed.\n", stderr);
}

static int issue(const struct place *place)
{
    const char *name = place->a->option[OPTION_NAME], *lane = place->a->option[OPTION_LANE];
    char secret[CLIENT_KEY_SECRET_LENGTH + 1];
    struct client_key key;
    struct error error = {""};
    if (!name)
        return could_not(place->json, "`ecluse key issue` needs --name NAME: whose key it is");
    struct text words[] = {text_of(name), text_of(lane ? lane : "")};
    int failed = client_key_may_issue(place->folder, words[0], words[1], &error);
    if (!failed)
        failed = make_folder(place, &error);
    if (failed)
        return could_not(place->json, "%s", error.text);
    struct act act =
        act_of(name, lane ? "a client's key for a lane was issued" : "a client's key was issued");
    int status = record_where_kept(place->a, place->contract, &act, "this key");
    if (status != EXIT_DONE)
        return status;
    failed = client_key_issue(place->folder, words[0], words[1], seconds_now(), place->group, &key,
                              secret, &error);
    if (failed)
        return could_not(place->json, "%s", error.text);
    show_issued(place, &key, secret);
    sodium_memzero(secret, sizeof secret);
    return EXIT_DONE;
}

/* ---- List ------------------------------------------------------------------------------------ */

static int older_first(const void *a, const void *b)
{
    const struct client_key *one = *(const struct client_key *const *)a;
    const struct client_key *other = *(const struct client_key *const *)b;
    return (one->created > other->created) - (one->created < other->created);
}

static void show_list(const struct place *place, const struct client_key *const *key, size_t count)
{
    static const char *const titles[] = {"id", "name", "lane", "issued", "revoked"};
    struct table table = table_of(5, titles);
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct client_key *k = key[i];
        char created[CLOCK_TEXT_SIZE], revoked[CLOCK_TEXT_SIZE] = "";
        enum tone tone = k->revoked ? TONE_DIM : TONE_PLAIN;
        clock_text(k->created * NANOS_SECOND, created);
        if (k->revoked)
            clock_text(k->revoked * NANOS_SECOND, revoked);
        table_row(&table);
        const char *const cells[] = {k->id, k->name, k->lane, created, revoked};
        for (unsigned c = 0; c < 5; c++)
            table_cell(&table, tone, "%s", cells[c]);
        json_array_append_new(
            rows, json_pack("{s:s,s:s,s:s?,s:I,s:o}", "id", k->id, "name", k->name, "lane",
                            *k->lane ? k->lane : NULL, "created", (json_int_t)k->created, "revoked",
                            k->revoked ? json_integer((json_int_t)k->revoked) : json_null()));
    }
    if (place->json) {
        output_json(json_pack("{s:o}", "keys", rows));
        table.count = 0;
        return;
    }
    json_decref(rows);
    if (count)
        table_print(&table, stdout);
    else
        puts("No key was issued yet: `ecluse key issue --name NAME` does.");
}

static int list(const struct place *place)
{
    struct client_keys *keys = NULL;
    struct error error = {""};
    if (client_keys_read(place->folder, &keys, &error) != 0)
        return could_not(place->json, "%s", error.text);
    size_t count = client_keys_count(keys);
    const struct client_key **key = calloc(count + 1, sizeof *key);
    must(key != NULL);
    for (size_t i = 0; i < count; i++)
        key[i] = client_keys_at(keys, i);
    qsort(key, count, sizeof *key, older_first);
    show_list(place, key, count);
    free(key);
    client_keys_free(keys);
    return EXIT_DONE;
}

/* ---- Revoke ---------------------------------------------------------------------------------- */

static int revoke_key(const struct place *place)
{
    const char *id = place->a->operand_count > 1 ? place->a->operand[1] : NULL;
    struct client_key key;
    struct error error = {""};
    if (!id)
        return could_not(place->json,
                         "`ecluse key revoke` needs the key's ID; `ecluse key list` shows them");
    if (client_key_revoke(place->folder, text_of(id), seconds_now(), place->group, &key, &error) !=
        0)
        return could_not(place->json, "%s", error.text);
    struct act act = act_of(key.name, "a client's key was revoked");
    record_say(place->contract->runtime, HANDOVER_COMMAND, &act);
    if (place->json)
        output_json(json_pack("{s:s,s:s,s:I}", "id", key.id, "name", key.name, "revoked",
                              (json_int_t)key.revoked));
    else
        printf("%s (%s) is revoked; the front refuses it within a second\n", key.id, key.name);
    return EXIT_DONE;
}

/* ---- The command ----------------------------------------------------------------------------- */

static const struct verb {
    const char *name;
    int (*run)(const struct place *place);
} verbs[] = {{"issue", issue}, {"list", list}, {"revoke", revoke_key}};

int command_key(const struct arguments *a)
{
    struct place place = {.a = a, .json = a->option[OPTION_JSON] != NULL};
    const struct verb *verb = NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(a->operand[0], verbs[i].name) == 0)
            verb = &verbs[i];
    if (!verb)
        return could_not(place.json, "`ecluse key` takes issue, list or revoke, not `%.40s`",
                         a->operand[0]);
    struct contract *c = contract_load(contract_file(a), place.json);
    if (c == NULL)
        return EXIT_COULD_NOT;
    place.contract = c;
    place.group = group_of_workers();
    int status = keyring_folder(c, place.folder) != 0
                     ? could_not(place.json, "the path of `passes.keys` is too long")
                     : verb->run(&place);
    free(c);
    return status;
}
