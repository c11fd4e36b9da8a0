/* `ecluse audit`: its verbs, and those that only look: tail, show, prove. */
#include "cli/arguments.h"
#include "cli/audit_view.h"
#include "cli/audit_wish.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { TAIL = 20, TAIL_MAX = 1000000, FOLLOW_MILLISECONDS = 200 };

static const struct verb {
    const char *name, *operands;
    size_t least, most;
    int (*run)(const struct arguments *a);
} verbs[] = {
#define X(verb, operands, least, most, options, summary)                                           \
    {#verb, operands, least, most, audit_do_##verb},
    AUDIT_VERBS(X)
#undef X
};

int command_audit(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    if (a->operand_count == 0) {
        help_verbs(command_named("audit"), stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const struct verb *verb = &verbs[i];
        if (strcmp(verb->name, a->operand[0]) != 0)
            continue;
        size_t given = a->operand_count - 1;
        if (given < verb->least || given > verb->most)
            return could_not(json, "`ecluse audit %s` takes %s", verb->name,
                             verb->operands[0] ? verb->operands : "nothing more");
        return verb->run(a);
    }
    return could_not(json, "there is no `ecluse audit %.40s`; `ecluse audit` lists what there is",
                     a->operand[0]);
}

/* ---- tail ---------------------------------------------------------------------------------------
 */

static int unreadable(const struct arguments *a, uint64_t index)
{
    return could_not(a->option[OPTION_JSON] != NULL,
                     "entry %" PRIu64 " cannot be read; `ecluse audit verify` says why", index);
}

/* Where the newest `wanted` of those that are meant begin: from the log's end on, so that the few
 * newest of a long log are found at once. */
static int find_newest(const struct arguments *a, const struct audit_wish *wish,
                       struct audit_reader *reader, uint64_t wanted, uint64_t *first)
{
    struct text text;
    *first = audit_reader_size(reader);
    for (uint64_t i = *first; i > 0 && wanted; i--) {
        if (audit_reader_entry(reader, i - 1, &text) != 0)
            return unreadable(a, i - 1);
        if (!audit_wished(wish, text))
            continue;
        *first = i - 1;
        wanted--;
    }
    return EXIT_DONE;
}

static int show_from(const struct arguments *a, const struct audit_wish *wish,
                     struct audit_reader *reader, uint64_t *next, json_t *list)
{
    for (; *next < audit_reader_size(reader); (*next)++) {
        struct text text;
        if (audit_reader_entry(reader, *next, &text) != 0)
            return unreadable(a, *next);
        if (!audit_wished(wish, text))
            continue;
        json_t *object = a->option[OPTION_JSON] ? audit_json(*next, text) : NULL;
        if (object && list)
            json_array_append_new(list, object);
        else if (object)
            output_json(object);
        else
            audit_line(stdout, *next, text);
    }
    return EXIT_DONE;
}

int audit_do_tail(const struct arguments *a)
{
    struct audit_place place;
    struct audit_reader *reader = NULL;
    struct audit_wish wish;
    uint64_t wanted = TAIL, next = 0;
    bool json = a->option[OPTION_JSON] != NULL, follow = a->option[OPTION_FOLLOW] != NULL;
    if (a->option[OPTION_LINES] &&
        (!decimal_parse(text_of(a->option[OPTION_LINES]), &wanted) || wanted > TAIL_MAX))
        return could_not(json, "--lines is a number up to %d", TAIL_MAX);
    int status = audit_wish_read(a, &wish);
    if (status == EXIT_DONE)
        status = audit_view_open(a, &place, &reader);
    if (status == EXIT_DONE)
        status = find_newest(a, &wish, reader, wanted, &next);
    if (status != EXIT_DONE) {
        audit_reader_close(reader);
        return status;
    }
    json_t *list = json && !follow ? json_array() : NULL;
    status = show_from(a, &wish, reader, &next, list);
    if (list && status == EXIT_DONE)
        output_json(json_pack("{s:I,s:o}", "size", (json_int_t)audit_reader_size(reader),
                              "entries", list));
    else
        json_decref(list);
    while (follow && status == EXIT_DONE &&
           fflush(stdout) == 0) { /* one object a line with --json; until Ctrl-C */
        struct error error;
        nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MILLISECONDS * NANOS_MILLISECOND}, NULL);
        if (audit_reader_refresh(reader, &error) == 0)
            status = show_from(a, &wish, reader, &next, NULL);
    }
    audit_reader_close(reader);
    return status;
}

/* ---- show and prove -------------------------------------------------------------------------- */

static void show_text(const struct audit_place *place, uint64_t index, struct text text)
{
    struct entry entry;
    audit_line(stdout, index, text);
    if (entry_parse(text, &entry) != 0)
        return;
    static const char *const roles[] = {"actor", "subject"};
    printf("  what     %s\n", act_kind_text(entry.kind));
    for (enum entry_role role = 0; role < ENTRY_ROLE_COUNT; role++) {
        const char *stands = role == ENTRY_ACTOR ? entry.act.actor : entry.act.subject;
        char *name = audit_name(place, index, role, &entry);
        bool committed = role == ENTRY_SUBJECT ? stands[0] : actor_is_person(text_of(stands));
        if (committed)
            printf("  %-8s %s (%s)\n", roles[role], name ? name : "not kept here, or erased",
                   stands);
        free(name);
    }
    printf("  from     %s, number %" PRIu64 "\n", entry.from, entry.number);
    if (entry.act.evidence[0])
        printf("  more     %s\n", entry.act.evidence);
}

static void show_json(const struct audit_place *place, uint64_t index, struct text text)
{
    static const char *const keys[] = {"actor_name", "subject_name"};
    struct entry entry;
    json_t *object = audit_json(index, text);
    if (entry_parse(text, &entry) == 0) {
        for (enum entry_role role = 0; role < ENTRY_ROLE_COUNT; role++) {
            char *name = audit_name(place, index, role, &entry);
            if (name)
                json_object_set_new(object, keys[role], json_string(name));
            free(name);
        }
    }
    output_json(object);
}

int audit_do_show(const struct arguments *a)
{
    struct audit_place place;
    struct audit_reader *reader = NULL;
    uint64_t index;
    struct text text;
    int status = audit_view_open(a, &place, &reader);
    if (status == EXIT_DONE && !audit_entry_number(a, a->operand[1], reader, &index))
        status = EXIT_COULD_NOT;
    if (status == EXIT_DONE && audit_reader_entry(reader, index, &text) != 0)
        status = could_not(a->option[OPTION_JSON] != NULL,
                           "the entry cannot be read; `ecluse audit verify` says why");
    if (status == EXIT_DONE)
        (a->option[OPTION_JSON] ? show_json : show_text)(&place, index, text);
    audit_reader_close(reader);
    return status;
}

int audit_do_prove(const struct arguments *a)
{
    struct audit_place place;
    struct audit_reader *reader = NULL;
    uint64_t index;
    bool json = a->option[OPTION_JSON] != NULL;
    char *buffer = malloc(PROOF_SIZE_MAX + 1);
    must(buffer != NULL);
    struct writer w = writer_on(buffer, PROOF_SIZE_MAX);
    int status = audit_view_open(a, &place, &reader);
    if (status == EXIT_DONE && !audit_entry_number(a, a->operand[1], reader, &index))
        status = EXIT_COULD_NOT;
    if (status == EXIT_DONE && audit_reader_proof(reader, index, &w) != 0)
        status = could_not(json, "the entry cannot be proven; `ecluse audit verify` says why");
    buffer[w.length] = 0;
    if (status == EXIT_DONE && json)
        output_json(json_pack("{s:I,s:s}", "entry", (json_int_t)index, "proof", buffer));
    else if (status == EXIT_DONE)
        fwrite(buffer, 1, w.length, stdout);
    audit_reader_close(reader);
    free(buffer);
    return status;
}
