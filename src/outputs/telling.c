#include "outputs/telling.h"

static const struct telling tellings[ACT_KIND_COUNT] = {
#define X(act, kind, category, type, outcome, severity)                                            \
    [ACT_##act] = {kind, category, type, outcome, SEVERITY_##severity},
    TELLINGS(X)
#undef X
};

void telling_markdown(struct writer *out)
{
    WRITE_LITERAL(
        out,
        "| event.action | what it says | event.kind | event.category | event.type | severity |\n"
        "|---|---|---|---|---|---|\n");
    for (enum act_kind kind = 0; kind < ACT_KIND_COUNT; kind++) {
        const struct telling telling = telling_of(kind);
        const char *const cells[] = {act_kind_text(kind), telling.kind, telling.category,
                                     telling.type};
        WRITE_LITERAL(out, "| `");
        write_string(out, act_kind_name(kind));
        WRITE_LITERAL(out, "`");
        for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
            WRITE_LITERAL(out, " | ");
            write_string(out, cells[i]);
        }
        WRITE_LITERAL(out, " | ");
        write_unsigned(out, telling.severity);
        WRITE_LITERAL(out, " |\n");
    }
}

struct telling telling_of(enum act_kind kind)
{
    if (kind < ACT_KIND_COUNT && tellings[kind].kind)
        return tellings[kind];
    return (struct telling){"event", "host", "info", "unknown", SEVERITY_NOTICE};
}
