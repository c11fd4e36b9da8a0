#include "contract/fields_page.h"

#include <stdarg.h>

#define DURATION "[0-9]+(\\\\.[0-9]+)?(ms|s|m|h|d)"
#define SIZE     "[0-9]+(\\\\.[0-9]+)?([kKMGTP]?B|[KMGTP]iB)"
#define WORD     "[A-Za-z][A-Za-z0-9_-]{0,62}"
#define PREFIX   "[0-9A-Fa-f:.]+(/(0|[1-9][0-9]{0,2}))?"
#define LENGTHS  "-[0-9]{1,2}(-[0-9]{1,2})?"
#define FORMAT   "(s10|colissimo|sscc|digits" LENGTHS "|alnum" LENGTHS ")"
#define METHODS  "([A-Z]{1,15} )?/[^ ?#%*]*\\\\*?"

struct json {
    FILE *out;
    unsigned depth;
    bool first; /* nothing stands yet in the open object */
};

/* A member of the open object: `"name": ` and then, if `format`, its value. */
__attribute__((format(printf, 3, 4))) static void member(struct json *j, const char *name,
                                                         const char *format, ...)
{
    fprintf(j->out, "%s\n%*s", j->first ? "" : ",", (int)j->depth * 2, "");
    if (name)
        fprintf(j->out, "\"%s\": ", name);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(j->out, format, arguments);
    va_end(arguments);
    j->first = false;
}

static void open_object(struct json *j, const char *name, char bracket)
{
    member(j, name, "%c", bracket);
    j->depth++;
    j->first = true;
}

static void close_object(struct json *j, char bracket)
{
    j->depth--;
    fprintf(j->out, "\n%*s%c", (int)j->depth * 2, "", bracket);
    j->first = false;
}

static void member_text(struct json *j, const char *name, const char *text)
{
    char escaped[1024];
    struct writer w = writer_on(escaped, sizeof escaped);
    write_json_escaped(&w, text_of(text));
    must(!w.overflow);
    member(j, name, "\"%.*s\"", (int)w.length, escaped);
}

static void member_words(struct json *j, const char *name, const char *const *words)
{
    char list[512];
    struct writer w = writer_on(list, sizeof list - 1);
    for (size_t i = 0; words[i]; i++) {
        write_string(&w, i ? ", \"" : "\"");
        write_string(&w, words[i]);
        write_string(&w, "\"");
    }
    must(!w.overflow);
    list[w.length] = 0;
    member(j, name, "[%s]", list);
}

static void keys_needed(enum field_scope scope, enum field_need need, enum field_need other,
                        const char *keys[])
{
    size_t count = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (FIELDS[i].scope == scope && (FIELDS[i].need == need || FIELDS[i].need == other))
            keys[count++] = FIELDS[i].key;
    keys[count] = NULL;
}

enum { KEYS_MOST = 32 };

/* Exactly one key of ROUTE_OR_STATEMENT; those of WITH_ROUTE go with `route`. */
static void route_or_statement(struct json *j, enum field_scope scope)
{
    const char *with[KEYS_MOST], *either[KEYS_MOST];
    keys_needed(scope, NEED_WITH_ROUTE, NEED_WITH_ROUTE, with);
    keys_needed(scope, NEED_ROUTE_OR_STATEMENT, NEED_ROUTE_OR_STATEMENT, either);
    if (!with[0])
        return;
    open_object(j, "oneOf", '[');
    for (size_t i = 0; either[i]; i++) {
        const char *all[KEYS_MOST] = {either[i]};
        bool route = strcmp(either[i], "route") == 0;
        for (size_t w = 0; with[w] && route; w++)
            all[w + 1] = with[w];
        open_object(j, NULL, '{');
        member_words(j, "required", all);
        open_object(j, "properties", '{');
        for (size_t e = 0; either[e]; e++)
            if (e != i)
                member(j, either[e], "false");
        for (size_t w = 0; with[w] && !route; w++)
            member(j, with[w], "false");
        close_object(j, '}');
        close_object(j, '}');
    }
    close_object(j, ']');
}

/* hold_for goes with `over: hold`; the limits of bytes are sizes, others numbers. */
static void budget_conditions(struct json *j)
{
    const char *with[KEYS_MOST];
    keys_needed(SCOPE_BUDGET, NEED_WITH_HOLD, NEED_WITH_HOLD, with);
    open_object(j, "allOf", '[');
    open_object(j, NULL, '{');
    member(j, "if", "{\"properties\": {\"over\": {\"const\": \"hold\"}}}");
    open_object(j, "then", '{');
    member_words(j, "required", with);
    close_object(j, '}');
    open_object(j, "else", '{');
    open_object(j, "properties", '{');
    for (size_t i = 0; with[i]; i++)
        member(j, with[i], "false");
    close_object(j, '}');
    close_object(j, '}');
    close_object(j, '}');
    open_object(j, NULL, '{');
    member(j, "if", "{\"properties\": {\"meter\": {\"const\": \"bytes_out\"}}}");
    member(j, "then",
           "{\"properties\": {\"at_most\": {\"additionalProperties\": {\"type\": \"string\"}}}}");
    member(j, "else",
           "{\"properties\": {\"at_most\": {\"additionalProperties\": {\"type\": \"integer\"}}}}");
    close_object(j, '}');
    close_object(j, ']');
}

static void write_scope(struct json *j, enum field_scope scope);

static void list_of_texts(struct json *j, const char *pattern)
{
    member(j, "type", "\"array\"");
    member(j, "minItems", "1");
    member(j, "items", "{\"type\": \"string\", \"pattern\": \"^%s$\"}", pattern);
    member(j, "uniqueItems", "true");
}

static void write_windows(struct json *j)
{
    member(j, "type", "\"object\"");
    member(j, "minProperties", "1");
    member(j, "maxProperties", "%d", CONTRACT_MAX_WINDOWS);
    member(j, "propertyNames", "{\"pattern\": \"^" DURATION "$\"}");
    member(j, "additionalProperties",
           "{\"anyOf\": [{\"type\": \"integer\", \"minimum\": 1}, "
           "{\"type\": \"string\", \"pattern\": \"^" SIZE "$\"}]}");
}

static void write_pattern(struct json *j, const char *pattern)
{
    member(j, "type", "\"string\"");
    member(j, "pattern", "\"^%s$\"", pattern);
}

static void write_text_type(struct json *j, const struct field *field)
{
    member(j, "type", "\"string\"");
    member(j, "minLength", "1");
    member(j, "maxLength", "%d",
           field->type == TYPE_TITLE ? CONTRACT_NAME_SIZE * 2 - 1 : CONTRACT_NAME_SIZE - 1);
}

static void write_list(struct json *j, const struct field *field)
{
    if (field->type == TYPE_LIST) {
        member(j, "type", "\"array\"");
        open_object(j, "items", '{');
        write_scope(j, field->into);
        close_object(j, '}');
    } else if (field->type == TYPE_LANGUAGES) {
        member(j, "type", "\"array\"");
        member(j, "minItems", "1");
        member(j, "uniqueItems", "true");
        open_object(j, "items", '{');
        member_words(j, "enum", type_words(TYPE_LANGUAGES));
        close_object(j, '}');
    } else if (field->type == TYPE_CLASSES) {
        member(j, "type", "\"object\"");
        member(j, "maxProperties", "%d", CONTRACT_MAX_CLASSES);
        member(j, "propertyNames",
               "{\"pattern\": \"^" WORD "$\", \"not\": {\"const\": \"unlisted\"}}");
        open_object(j, "additionalProperties", '{');
        list_of_texts(j, PREFIX);
        close_object(j, '}');
    } else {
        list_of_texts(j, field->type == TYPE_FORMATS ? FORMAT : PREFIX);
    }
}

static void write_type(struct json *j, const struct field *field)
{
    static const char *const patterns[] = {
        [TYPE_WORD] = WORD,         [TYPE_PATH] = "/.{0,254}",
        [TYPE_DURATION] = DURATION, [TYPE_INTERFACE] = "[^/: ]{1,15}",
        [TYPE_SIZE] = SIZE,         [TYPE_RATE] = SIZE "/s",
        [TYPE_MATCH] = METHODS,     [TYPE_SHARE] = "(100|[0-9]{1,2}(\\\\.[0-9]{1,4})?)%",
        [TYPE_ROUTE_REF] = WORD,    [TYPE_SHARE_REF] = WORD,
        [TYPE_TRUSTED_REF] = WORD,
        [TYPE_CLASS_REF] = WORD,    [TYPE_ORIGIN] = "[^ +]{1,127}",
        [TYPE_URL] = "https?://.+", [TYPE_KEY] = "[^ +]+\\\\+[0-9a-f]{8}\\\\+[A-Za-z0-9+/=]+",
        [TYPE_LISTEN] = "(unix:/.+|.+:[0-9]{1,5})",
        [TYPE_SYSLOG] = "(unix:/.+|(udp|tcp):.+:[0-9]{1,5})",
    };
    if (field->type == TYPE_VERSION)
        member(j, "const", "1");
    else if (field->type == TYPE_TITLE || field->type == TYPE_NAME)
        write_text_type(j, field);
    else if (field->type == TYPE_MAP)
        write_scope(j, field->into);
    else if (field->type == TYPE_WINDOWS)
        write_windows(j);
    else if (field->type == TYPE_COUNT)
        member(j, "type", "\"integer\", \"minimum\": %llu, \"maximum\": %llu",
               (unsigned long long)field->low, (unsigned long long)field->high);
    else if (field->type == TYPE_LIST ||
             (field->type >= TYPE_LANGUAGES && field->type <= TYPE_CLASSES))
        write_list(j, field);
    else if (type_words(field->type))
        member_words(j, "enum", type_words(field->type));
    else
        write_pattern(j, patterns[field->type]);
}

static void write_scope(struct json *j, enum field_scope scope)
{
    const char *required[KEYS_MOST];
    keys_needed(scope, NEED_YES, NEED_YES, required);
    member(j, "type", "\"object\"");
    member(j, "additionalProperties", "false");
    if (required[0])
        member_words(j, "required", required);
    open_object(j, "properties", '{');
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &FIELDS[i];
        if (field->scope != scope)
            continue;
        open_object(j, field->key, '{');
        member_text(j, "description", field->text);
        if (field->fallback && field->type != TYPE_LANGUAGES)
            member_text(j, "default", field->fallback);
        write_type(j, field);
        close_object(j, '}');
    }
    close_object(j, '}');
    route_or_statement(j, scope);
    if (scope == SCOPE_BUDGET)
        budget_conditions(j);
}

void fields_schema(FILE *out)
{
    struct json j = {.out = out, .depth = 1, .first = true};
    fputc('{', out);
    member_text(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
    member_text(&j, "title", "Ecluse contract");
    member_text(&j, "$comment",
                "Written by ecluse-fields from src/contract/fields.h: change that.");
    write_scope(&j, SCOPE_CONTRACT);
    fputs("\n}\n", out);
}
