/* `ecluse audit index`, `erase` and `key`: what looks after a log. */
#include "cli/audit_view.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record.h"
#include "status/figure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MILLISECONDS = 50, PATIENCE_SECONDS = 600, AT_ONCE = 8192 };

static bool recorder_lives(const struct audit_place *place)
{
    struct handover_state state;
    return handover_status(place->runtime, &state) == 0 && state.writer > 0 &&
           (kill(state.writer, 0) == 0 || errno == EPERM);
}

/* ---- index ----------------------------------------------------------------------------------- */

static int index_here(const struct audit_place *place, struct audit_reader *reader,
                      struct progress *progress, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 32];
    struct index *index = NULL;
    long added = index_open(index_path(place->state, path, sizeof path), &index, error);
    if (added == 0)
        added = index_clear(index);
    for (added = added ? added : 1; added > 0;) {
        added = index_follow(index, reader, AT_ONCE, error);
        progress_show(progress, index_size(index), index_size(index), clock_boot());
    }
    index_close(index);
    return (int)added;
}

/* The recorder's own thread does it; the index is watched until it has caught up. */
static int index_there(const struct audit_place *place, struct audit_reader *reader,
                       struct progress *progress, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 32], asked[CONTRACT_PATH_SIZE + 32];
    uint64_t size = audit_reader_size(reader), done = 0;
    int failed = follower_ask_rebuild(place->state, error);
    snprintf(asked, sizeof asked, "%s/record/rebuild", place->state);
    index_path(place->state, path, sizeof path);
    for (int waited = 0; !failed && waited < PATIENCE_SECONDS * 1000; waited += STEP_MILLISECONDS) {
        struct index *index = NULL;
        nanosleep(&(struct timespec){.tv_nsec = STEP_MILLISECONDS * NANOS_MILLISECOND}, NULL);
        if (access(asked, F_OK) == 0)
            continue;
        if (index_open(path, &index, NULL) == 0)
            done = index_size(index);
        index_close(index);
        progress_show(progress, done, done, clock_boot());
        if (done >= size)
            return 0;
    }
    return failed ? failed
                  : error_set(error, -ETIMEDOUT,
                              "the recorder has not built the index within 10 min; `ecluse status` "
                              "says how it is");
}

int audit_do_index(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct audit_place place;
    struct audit_reader *reader = NULL;
    struct error error = {""};
    char figure[FIGURE_SIZE];
    int status = audit_view_open(a, &place, &reader);
    uint64_t size = status == EXIT_DONE ? audit_reader_size(reader) : 0;
    struct progress progress = progress_begin(size, "entries", clock_boot());
    if (status == EXIT_DONE &&
        (recorder_lives(&place) ? index_there : index_here)(&place, reader, &progress, &error) != 0)
        status = could_not(json, "%s", error.text);
    progress_end(&progress);
    if (status == EXIT_DONE && json)
        output_json(json_pack("{s:I}", "indexed", (json_int_t)size));
    else if (status == EXIT_DONE)
        printf("The index was built anew from %s entries.\n", figure_count(size, figure));
    audit_reader_close(reader);
    return status;
}

/* ---- erase ----------------------------------------------------------------------------------- */

int audit_do_erase(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct audit_place place;
    struct audit_reader *reader = NULL;
    struct salts *salts = NULL;
    struct error error;
    char actor[ACT_NAME_SIZE], what[80], path[CONTRACT_PATH_SIZE + 32];
    uint64_t index = 0;
    long erased = 0;
    int status = audit_view_open(a, &place, &reader);
    if (status == EXIT_DONE && !audit_entry_number(a, a->operand[1], reader, &index))
        status = EXIT_COULD_NOT;
    snprintf(path, sizeof path, "%s/record/salts.db", place.state);
    if (status == EXIT_DONE &&
        (access(path, R_OK | W_OK) != 0 || salts_open(path, &salts, &error) != 0))
        status = could_not(json, "%s cannot be opened; say it as root", path);
    if (status == EXIT_DONE) {
        record_actor(actor);
        struct act act =
            record_act(ACT_ERASED, actor, "", "asked for: whom entry %" PRIu64 " meant", index);
        act_number(&act, "entry", (int64_t)index);
        snprintf(what, sizeof what, "the erasing of whom entry %" PRIu64 " meant", index);
        status = record_durably(a, place.runtime, &act, what);
    }
    if (status == EXIT_DONE && (erased = salts_erase_entry(salts, index)) < 0)
        status =
            could_not(json, "it could not be erased: %s; say it again", strerror((int)-erased));
    if (status == EXIT_DONE && json)
        output_json(
            json_pack("{s:I,s:I}", "entry", (json_int_t)index, "erased", (json_int_t)erased));
    else if (status == EXIT_DONE)
        puts(erased ? "Erased: nobody can tell any more whom the entry meant. The entry stands "
                      "unchanged."
                    : "There was nothing: it named nobody, or was erased before.");
    salts_close(salts);
    audit_reader_close(reader);
    return status;
}

/* ---- key ------------------------------------------------------------------------------------- */

static int key_show(const struct arguments *a, const struct audit_place *place)
{
    struct verifier_key key[AUDIT_FORMER_MAX];
    char path[KEY_PATH_SIZE], text[NOTE_VKEY_SIZE];
    struct error error;
    json_t *former = json_array();
    long count = verifier_keys_load(key_path(place->state, KEY_PUBLIC, path), key, 1, &error);
    if (count != 1) {
        json_decref(former);
        return could_not(a->option[OPTION_JSON] != NULL, "%s",
                         count < 0 ? error.text : "there is no key yet; `ecluse run` makes it");
    }
    json_t *object = json_pack("{s:s}", "key", verifier_key_text(&key[0], text));
    if (!a->option[OPTION_JSON])
        puts(text);
    count = audit_former_load(place->state, key, &error);
    for (long i = 0; i < count; i++) {
        json_array_append_new(former, json_string(verifier_key_text(&key[i], text)));
        if (!a->option[OPTION_JSON])
            printf("# before its rotation: %s\n", text);
    }
    json_object_set_new(object, "former", former);
    if (a->option[OPTION_JSON])
        output_json(object);
    else
        json_decref(object);
    return EXIT_DONE;
}

static int copy_key(const char *from, const char *to, struct error *error)
{
    char text[NOTE_NAME_MAX + 100];
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length = in < 0 ? -1 : read(in, text, sizeof text);
    int failed = length > 0 ? 0 : error_set(error, -EIO, "%s cannot be read; say it as root", from);
    if (in >= 0)
        close(in);
    if (failed)
        return failed;
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return error_set(error, -errno, "%s cannot be made: %s", to, strerror(errno));
    if (write(out, text, (size_t)length) != length || fsync(out) != 0)
        failed = error_set(error, -EIO, "%s could not be written", to);
    close(out);
    explicit_bzero(text, sizeof text);
    return failed;
}

static int key_backup(const struct arguments *a, const struct audit_place *place)
{
    char path[KEY_PATH_SIZE], actor[ACT_NAME_SIZE];
    struct error error;
    if (a->operand_count != 3)
        return could_not(a->option[OPTION_JSON] != NULL,
                         "`ecluse audit key backup FILE` needs a file that is not there yet");
    record_actor(actor);
    struct act act = record_act(ACT_KEY, actor, "backup", "the secret key was copied");
    int status = record_durably(a, place->runtime, &act, "the copy of the key");
    if (status == EXIT_DONE &&
        copy_key(key_path(place->state, KEY_SECRET, path), a->operand[2], &error) != 0)
        status = could_not(a->option[OPTION_JSON] != NULL, "%s", error.text);
    if (status == EXIT_DONE && a->option[OPTION_JSON])
        output_json(json_pack("{s:o}", "file", json_safe(a->operand[2])));
    else if (status == EXIT_DONE)
        printf("The secret key is in %s (0600). Keep it off this machine: whoever has it can sign "
               "another history.\n",
               a->operand[2]);
    return status;
}

static int key_rotate(const struct arguments *a, const struct audit_place *place)
{
    char actor[ACT_NAME_SIZE], text[NOTE_VKEY_SIZE];
    struct signer_key key;
    struct error error;
    bool json = a->option[OPTION_JSON] != NULL;
    record_actor(actor);
    struct act act =
        record_act(ACT_KEY, actor, "rotation",
                   "this is the last that the present key is asked to sign; a new key follows");
    int status = record_durably(a, place->runtime, &act, "the rotation of the key");
    if (status == EXIT_DONE && audit_key_rotate(place->state, &key, &error) != 0)
        status = could_not(json, "%s", error.text);
    if (status != EXIT_DONE)
        return status;
    verifier_key_text(&key.verifier, text);
    signer_key_wipe(&key);
    if (json)
        output_json(json_pack("{s:s}", "key", text));
    else
        printf("From the next entry on, the log is signed by:\n%s\nGive it to your witnesses and "
               "to whoever checks the log; keep the former "
               "ones: what they signed stays.\n",
               text);
    return EXIT_DONE;
}

int audit_do_key(const struct arguments *a)
{
    struct audit_place place;
    int status = audit_place_find(a, &place);
    if (status != EXIT_DONE)
        return status;
    if (strcmp(a->operand[1], "show") == 0)
        return key_show(a, &place);
    if (strcmp(a->operand[1], "backup") == 0)
        return key_backup(a, &place);
    if (strcmp(a->operand[1], "rotate") == 0)
        return key_rotate(a, &place);
    return could_not(a->option[OPTION_JSON] != NULL,
                     "`ecluse audit key` takes show, backup FILE or rotate");
}
