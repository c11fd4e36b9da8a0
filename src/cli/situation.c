#include "cli/situation.h"

#include "cli/output.h"

#include <inttypes.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONTRACT "/etc/ecluse/ecluse.yaml"

const char *contract_file(const struct arguments *a)
{
    if (a->option[OPTION_CONTRACT])
        return a->option[OPTION_CONTRACT];
    const char *environment = getenv("ECLUSE_CONTRACT");
    return environment && *environment ? environment : DEFAULT_CONTRACT;
}

const char *contract_hint(const char *file)
{
    return strcmp(file, DEFAULT_CONTRACT) == 0
               ? "name the contract with -c FILE or ECLUSE_CONTRACT"
               : "name a contract that is there, and that you may read";
}

void problems_print(const char *file, const struct problems *problems, bool json)
{
    json_t *list = json_array();
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->problem[i];
        fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": %s\n", file, problem->line, problem->column,
                problem->text);
        json_array_append_new(list,
                              json_pack("{s:i,s:i,s:o}", "line", (int)problem->line, "column",
                                        (int)problem->column, "text", json_safe(problem->text)));
    }
    if (json)
        output_json(
            json_pack("{s:b,s:o,s:o}", "sound", 0, "file", json_safe(file), "problems", list));
    else
        json_decref(list);
}

struct contract *contract_load(const char *file, bool json)
{
    struct contract *c = calloc(1, sizeof *c);
    if (c == NULL) {
        could_not(json, "no memory for a contract (%zu bytes)", sizeof *c);
        return NULL;
    }
    struct problems problems = {0};
    struct error error = {""};
    int result = contract_read(file, c, &problems, &error);
    if (result == 0) {
        problems_free(&problems);
        return c;
    }
    if (problems.count)
        problems_print(file, &problems, json);
    else
        could_not(json, "%s; %s", error.text, contract_hint(file));
    problems_free(&problems);
    free(c);
    return NULL;
}

/* The value of a line "KEY PATH" that begins in the first column. Not a YAML parser: it is
 * what is left when the file does not check, and a path with quotes or a comment is understood too.
 */
static bool folder_of_line(const char *line, const char *key, char out[CONTRACT_PATH_SIZE])
{
    if (strncmp(line, key, strlen(key)) != 0)
        return false;
    line += strlen(key);
    line += strspn(line, " \t\"'");
    size_t length = strcspn(line, " \t\"'#\r\n");
    if (*line != '/' || length >= CONTRACT_PATH_SIZE)
        return false;
    memcpy(out, line, length);
    out[length] = 0;
    return true;
}

bool folder_of_broken_file(const char *file, const char *key, char out[CONTRACT_PATH_SIZE])
{
    FILE *in = fopen(file, "re");
    if (in == NULL)
        return false;
    char line[1024];
    bool found = false;
    while (!found && fgets(line, sizeof line, in))
        found = folder_of_line(line, key, out);
    fclose(in);
    return found;
}

bool runtime_find(const struct arguments *a, char out[CONTRACT_PATH_SIZE], struct error *error)
{
    const char *named = a->option[OPTION_RUNTIME];
    if (named) {
        if (strlen(named) >= CONTRACT_PATH_SIZE) {
            error_set(error, 0, "--runtime is longer than %d bytes", CONTRACT_PATH_SIZE - 1);
            return false;
        }
        strcpy(out, named);
        return true;
    }
    const char *file = contract_file(a);
    struct contract *c = calloc(1, sizeof *c);
    must(c != NULL);
    struct problems problems = {0};
    struct error reading = {""};
    int result = contract_read(file, c, &problems, &reading);
    if (result == 0)
        memcpy(out, c->runtime, CONTRACT_PATH_SIZE);
    free(c);
    problems_free(&problems);
    if (result == 0 || folder_of_broken_file(file, "runtime:", out))
        return true;
    error_set(error, 0,
              "%s: no runtime folder can be read from it; say -c FILE or --runtime DIR%s%.200s",
              file, *reading.text ? ": " : "", reading.text);
    return false;
}

int situation_open(const struct arguments *a, struct situation *out)
{
    bool json = a->option[OPTION_JSON] != NULL;
    char runtime[CONTRACT_PATH_SIZE];
    struct situation s;
    struct error error = {""};
    if (!runtime_find(a, runtime, &error) || situation_begin(runtime, &s, &error) < 0)
        return could_not(json, "%s", error.text);
    if (s.contract == NULL && a->option[OPTION_RUNTIME]) {
        situation_close(&s);
        return could_not(json,
                         "%s: no contract is in force there; is it what `runtime:` says, "
                         "and does `ecluse run` run?",
                         runtime);
    }
    if (s.contract == NULL)
        s.contract = contract_load(contract_file(a), json);
    if (s.contract == NULL) {
        situation_close(&s);
        return EXIT_COULD_NOT;
    }
    situation_guards(&s);
    *out = s;
    return EXIT_DONE;
}

const char *situation_unseen(const struct situation *s, enum guard guard, char out[UNSEEN_SIZE])
{
    if (s->code[guard] == -EACCES)
        snprintf(out, UNSEEN_SIZE,
                 "what the guard %s counts is not yours to see; say it as root", guard_name(guard));
    else if (s->control == NULL)
        snprintf(out, UNSEEN_SIZE,
                 "`ecluse run` has not been started here: there is nothing in %s yet", s->runtime);
    else
        snprintf(out, UNSEEN_SIZE, "%s", s->error[guard].text);
    return out;
}

bool situation_unsure(const struct situation *s, enum guard guard)
{
    return contract_wants(s->contract, guard) && !s->guard[guard] && s->code[guard] != -ENOENT;
}

int situation_open_guards(const struct arguments *a, struct situation *out)
{
    struct situation s;
    char why[UNSEEN_SIZE] = "no guard runs here";
    int status = situation_open(a, &s);
    if (status != EXIT_DONE)
        return status;
    bool some = false, said = false;
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++) {
        some = some || s.guard[guard];
        if (!said && !s.guard[guard] && contract_wants(s.contract, guard)) {
            situation_unseen(&s, guard, why);
            said = true;
        }
    }
    if (!some) {
        situation_close(&s);
        return could_not(a->option[OPTION_JSON] != NULL, "%s", why);
    }
    *out = s;
    return EXIT_DONE;
}
