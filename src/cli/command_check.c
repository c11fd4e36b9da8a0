/* `ecluse check` and `ecluse explain`: a contract, before anything runs. */
#include "cli/check_files.h"
#include "cli/output.h"
#include "cli/situation.h"

#include "contract/explain.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

enum { WARNING_SIZE = 256 };

static const char *file_of(const struct arguments *a)
{
    return a->operand_count ? a->operand[0] : contract_file(a);
}

/* False when --lang names a language in which contracts are not explained. */
static bool language_of(const struct arguments *a, enum language *out)
{
    const char *named = a->option[OPTION_LANG];
    *out = LANGUAGE_EN;
    if (named == NULL || strcmp(named, "en") == 0)
        return true;
    *out = LANGUAGE_FR;
    return strcmp(named, "fr") == 0;
}

/* What one of explain.h's functions says; to be freed. */
static char *told_by(void (*tell)(const struct contract *, enum language, FILE *),
                     const struct contract *c, enum language language)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    must(out != NULL);
    tell(c, language, out);
    must(fclose(out) == 0);
    return text;
}

/* The same, lines as an array: for --json. */
static json_t *lines_of(void (*tell)(const struct contract *, enum language, FILE *),
                        const struct contract *c, enum language language)
{
    char *text = told_by(tell, c, language);
    json_t *lines = json_array();
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (*line)
            json_array_append_new(lines, json_safe(line));
    free(text);
    return lines;
}

/* A contract that is sound may not be guarded on this machine as it is. NULL: it is, here. */
static const char *interface_warning(const struct contract *c, enum language language,
                                     char out[WARNING_SIZE])
{
    if (!contract_wants(c, GUARD_EGRESS) || if_nametoindex(c->network.interface) != 0)
        return NULL;
    snprintf(out, WARNING_SIZE,
             language == LANGUAGE_FR
                 ? "- ATTENTION, réseau : il n’y a pas ici d’interface « %s » "
                   "(`network.interface`) : rien n’y est compté ni arrêté avant qu’elle n’existe."
                 : "- WARNING, network: there is no interface \"%s\" here "
                   "(`network.interface`): nothing is counted or stopped until it comes.",
             c->network.interface);
    return out;
}

static void interface_print(const struct contract *c, enum language language)
{
    char warning[WARNING_SIZE];
    if (!interface_warning(c, language, warning))
        return;
    puts(language == LANGUAGE_FR ? "\nCe qui n’est pas gardé sur cette machine\u00a0:"
                                 : "\nWhat is not guarded on this machine:");
    puts(warning);
}

static json_t *warnings_json(const struct contract *c, enum language language)
{
    char warning[WARNING_SIZE];
    json_t *list = lines_of(contract_explain_routes, c, language);
    if (interface_warning(c, language, warning))
        json_array_append_new(list, json_string(warning));
    return list;
}

static void routes_print(const struct contract *c, enum language language)
{
    char *text = told_by(contract_explain_routes, c, language);
    if (*text) {
        puts(language == LANGUAGE_FR ? "\nCe qui n'est compté que là où nginx le dit\u00a0:"
                                     : "\nWhat is counted only where nginx says so:");
        fputs(text, stdout);
    }
    free(text);
}

int command_check(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    enum language language;
    if (!language_of(a, &language))
        return could_not(json, "--lang is fr or en");
    const char *file = file_of(a);
    struct contract *c = contract_load(file, json);
    if (c == NULL)
        return EXIT_COULD_NOT;
    if (json) {
        output_json(json_pack(
            "{s:b,s:o,s:[],s:i,s:i,s:o,s:o,s:o,s:o}", "sound", 1, "file", json_safe(file),
            "problems", "budgets", (int)c->budget_count, "promises", (int)c->promise_count,
            "largest_loss", lines_of(contract_explain_loss, c, language), "vaults",
            check_vaults_json(c, language), "opened_before", check_opened_json(c), "warnings",
            warnings_json(c, language)));
    } else {
        output_tone(stdout, TONE_GOOD,
                    language == LANGUAGE_FR ? "Ce contrat est correct."
                                            : "This contract is sound.");
        puts(language == LANGUAGE_FR ? "\n\nLa plus grande perte qu'il permet\u00a0:"
                                     : "\n\nThe largest loss that it allows:");
        contract_explain_loss(c, language, stdout);
        routes_print(c, language);
        interface_print(c, language);
        check_vaults_print(c, language);
        check_opened_print(c, language);
    }
    free(c);
    return EXIT_DONE;
}

int command_explain(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    enum language language;
    if (!language_of(a, &language))
        return could_not(json, "--lang is fr or en");
    const char *file = file_of(a);
    struct contract *c = contract_load(file, json);
    if (c == NULL)
        return EXIT_COULD_NOT;
    if (json)
        output_json(json_pack("{s:o,s:s,s:o}", "file", json_safe(file), "lang",
                              language == LANGUAGE_FR ? "fr" : "en", "sentences",
                              lines_of(contract_explain, c, language)));
    else
        contract_explain(c, language, stdout);
    free(c);
    return EXIT_DONE;
}
