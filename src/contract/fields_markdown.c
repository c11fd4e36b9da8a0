#include "contract/check.h"
#include "contract/fields_page.h"

static void write_words(FILE *out, enum field_type type)
{
    const char *const *words = type_words(type), *const *meanings = type_meanings(type);
    fputs("\n| word | meaning |\n|---|---|\n", out);
    for (size_t i = 0; words[i]; i++)
        fprintf(out, "| `%s` | %s |\n", words[i], meanings[i]);
}

static void write_field(FILE *out, const struct field *field)
{
    char value[512], need[128];
    field_value_words(field, value, sizeof value);
    field_need_words(field, need, sizeof need);
    const char *path = scope_path(field->scope);
    fprintf(out, "\n### `%s%s%s`\n\n%s\n\n", path, *path ? "." : "", field->key, field->text);
    fprintf(out, "- Value: %s\n- Need: %s\n", value, need);
    if (field->example)
        fprintf(out, "- Example: `%s: %s`\n", field->key, field->example);
    if (field->type == TYPE_METER || field->type == TYPE_PRINCIPAL || field->type == TYPE_OVER ||
        field->type == TYPE_BEGUN)
        write_words(out, field->type);
}

void fields_markdown(FILE *out)
{
    fputs("# The contract, field by field\n\n"
          "<!-- Written by ecluse-fields from src/contract/fields.h and check.h: change those. "
          "-->\n\n"
          "A contract is one YAML file, `/etc/ecluse/ecluse.yaml` if nothing else is said. Any "
          "subset of its sections is a\n"
          "contract. `ecluse check FILE` reports every mistake in one run, `ecluse explain FILE` "
          "says it in plain sentences.\n"
          "Editors check it as it is written with "
          "[contract.schema.json](contract.schema.json).\n\n```yaml\n",
          out);
    for (size_t i = 0; EXAMPLE_CONTRACT[i]; i++)
        fprintf(out, "%s\n", EXAMPLE_CONTRACT[i]);
    fputs("```\n\nAnchors, aliases, tags and several documents are not read. Decimals are written "
          "with a point: `1.5GB`. 1 kB "
          "is\n1000 bytes, 1 KiB is 1024.\n",
          out);
    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        fprintf(out, "\n## %s\n", scope_title((enum field_scope)scope));
        for (size_t i = 0; i < FIELD_COUNT; i++)
            if (FIELDS[i].scope == scope)
                write_field(out, &FIELDS[i]);
    }
    fputs("\n## Routes that are known without being written\n\n| route | requests | what "
          "|\n|---|---|---|\n",
          out);
#define X(name, method, path, match, what)                                                         \
    fprintf(out, "| `%s` | %s%s%s%s%s | %s |\n", name, *(path) ? "`" : "", method,                 \
            *(path) ? " " : "", path,                                                              \
            !*(path)                  ? ""                                                         \
            : (match) == MATCH_PREFIX ? "*`"                                                       \
                                      : "`",                                                       \
            what);
    BUILTIN_ROUTES(X)
#undef X
    fputs("\n## What is refused, and why\n\n| refused | why |\n|---|---|\n", out);
    for (size_t i = 0; i < RULE_COUNT; i++)
        fprintf(out, "| %s | %s |\n", RULE_TEXTS[i].what, RULE_TEXTS[i].why);
}
