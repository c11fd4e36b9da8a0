#include "cli/audit_view.h"

#include "cli/output.h"
#include "cli/situation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

int audit_place_find(const struct arguments *a, struct audit_place *out)
{
    const char *copy = a->option[OPTION_DIR];
    *out = (struct audit_place){.log = ""};
    if (copy) {
        if (strlen(copy) >= sizeof out->log)
            return could_not(a->option[OPTION_JSON] != NULL, "--dir: the path is too long");
        strcpy(out->log, copy);
        return EXIT_DONE;
    }
    struct contract *c = contract_load(contract_file(a), a->option[OPTION_JSON] != NULL);
    if (c == NULL)
        return EXIT_COULD_NOT;
    snprintf(out->log, sizeof out->log, "%s/audit", c->state);
    snprintf(out->state, sizeof out->state, "%s", c->state);
    snprintf(out->runtime, sizeof out->runtime, "%s", c->runtime);
    free(c);
    if (access(out->log, F_OK) != 0 && errno == ENOENT)
        return could_not(a->option[OPTION_JSON] != NULL,
                         "there is no audit log in %s yet; `ecluse run` makes it", out->log);
    return EXIT_DONE;
}

const char *audit_who_may(int failed)
{
    return failed == -EACCES ? "; say it as root" : "";
}

int audit_view_open(const struct arguments *a, struct audit_place *place, struct audit_reader **out)
{
    struct error error;
    int status = audit_place_find(a, place), failed = 0;
    if (status == EXIT_DONE && (failed = audit_reader_open(place->log, out, &error)) != 0)
        status = could_not(a->option[OPTION_JSON] != NULL, "%s%s", error.text,
                           audit_who_may(failed));
    return status;
}

bool audit_entry_number(const struct arguments *a, const char *typed,
                        const struct audit_reader *reader, uint64_t *out)
{
    bool json = a->option[OPTION_JSON] != NULL;
    if (!decimal_parse(text_of(typed), out)) {
        could_not(json, "`%.40s` is not an entry's number; `ecluse audit tail` shows them", typed);
        return false;
    }
    if (reader && *out >= audit_reader_size(reader)) {
        could_not(json, "there is no entry %" PRIu64 " yet: the log has %" PRIu64, *out,
                  audit_reader_size(reader));
        return false;
    }
    return true;
}

static void print_harmless(FILE *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        fputc((unsigned char)text.data[i] < ' ' || (unsigned char)text.data[i] >= 0x7f
                  ? '?'
                  : text.data[i],
              out);
}

void audit_line(FILE *out, uint64_t index, struct text text)
{
    struct entry entry;
    char when[CLOCK_TEXT_SIZE];
    fprintf(out, "%8" PRIu64 "  ", index);
    if (entry_parse(text, &entry) != 0) {
        print_harmless(out, text);
        fputc('\n', out);
        return;
    }
    const struct act *act = &entry.act;
    const char *what = act->hold[0] ? act->hold : act->object;
    fprintf(out, "%s  %-16s %s", clock_text(entry.at, when), act_kind_name(entry.kind),
            actor_is_person(text_of(act->actor)) ? "operator" : act->actor);
    if (what[0])
        fprintf(out, ", %s%s%s", what, act->hold[0] && act->object[0] ? ", " : "",
                act->hold[0] ? act->object : "");
    if (act->reason[0])
        fprintf(out, ": %s", act->reason);
    for (size_t i = 0; i < ACT_NUMBERS && act->number[i].name[0]; i++)
        fprintf(out, "%s%s %" PRId64, i ? ", " : "  [", act->number[i].name, act->number[i].value);
    fputs(act->number[0].name[0] ? "]\n" : "\n", out);
}

json_t *audit_json(uint64_t index, struct text text)
{
    json_t *content = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    json_t *object = json_object();
    json_object_set_new(object, "entry", json_integer((json_int_t)index));
    if (json_is_object(content))
        json_object_update(object, content);
    else
        json_object_set_new(object, "unreadable", json_true());
    json_decref(content);
    return object;
}

char *audit_name(const struct audit_place *place, uint64_t index, enum entry_role role,
                 const struct entry *entry)
{
    char path[CONTRACT_PATH_SIZE + 32], name[ACT_SUBJECT_SIZE];
    struct salts *salts = NULL;
    const char *stands =
        role == ENTRY_SUBJECT ? entry->act.subject : entry->act.actor + strlen("operator ");
    if (!place->state[0] || (role == ENTRY_ACTOR && !actor_is_person(text_of(entry->act.actor))) ||
        !stands[0])
        return NULL;
    snprintf(path, sizeof path, "%s/record/salts.db", place->state);
    if (access(path, R_OK | W_OK) != 0 || salts_open(path, &salts, NULL) != 0)
        return NULL;
    bool found = salts_name(salts, index, role, text_of(stands), name, sizeof name);
    salts_close(salts);
    return found ? strdup(name) : NULL;
}

/* ---- A hold that has ended ---------------------------------------------------------------------
 */

enum { HISTORY = 32 };

static int tell_history(const struct arguments *a, struct audit_reader *reader,
                        const struct audit_place *place, const char *hold, const uint64_t *found,
                        long count, json_t *evidence)
{
    json_t *list = json_array();
    bool json = a->option[OPTION_JSON] != NULL;
    if (!json)
        printf("%s is not in force any more. From the audit log:\n", hold);
    for (long i = count - 1; i >= 0; i--) {
        struct text text;
        struct entry entry;
        if (audit_reader_entry(reader, found[i], &text) != 0)
            continue;
        char *name = entry_parse(text, &entry) == 0
                         ? audit_name(place, found[i], ENTRY_SUBJECT, &entry)
                         : NULL;
        json_t *object = audit_json(found[i], text);
        if (name)
            json_object_set_new(object, "name", json_safe(name));
        if (!json) {
            audit_line(stdout, found[i], text);
            if (name)
                printf("          it was about %s\n", name);
        }
        json_array_append_new(list, object);
        free(name);
    }
    if (json)
        output_json(json_pack("{s:s,s:b,s:o,s:O*}", "hold", hold, "in_force", 0, "entries", list,
                              "evidence", evidence));
    else
        json_decref(list);
    return EXIT_DONE;
}

int audit_history(const struct arguments *a, const struct contract *c, const char *hold,
                  json_t *evidence)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct audit_place place = {.log = ""};
    char path[CONTRACT_PATH_SIZE + 32];
    struct audit_reader *reader = NULL;
    struct index *index = NULL;
    uint64_t found[HISTORY];
    snprintf(place.log, sizeof place.log, "%s/audit", c->state);
    snprintf(place.state, sizeof place.state, "%s", c->state);
    long count = 0;
    if (access(index_path(c->state, path, sizeof path), R_OK) == 0 &&
        index_open(path, &index, NULL) == 0 && audit_reader_open(place.log, &reader, NULL) == 0) {
        struct index_query query = {.hold = hold, .kind = -1};
        count = index_find(index, &query, found, HISTORY);
    }
    int status = count > 0 ? tell_history(a, reader, &place, hold, found, count, evidence)
                           : could_not(json,
                                       "no hold %s is in force, and the audit log names none; "
                                       "`ecluse holds` lists those that are",
                                       hold);
    json_decref(evidence);
    index_close(index);
    audit_reader_close(reader);
    return status;
}
