#include "outputs/telling.h"

static const struct telling tellings[ACT_KIND_COUNT] = {
#define X(act, kind, category, type, outcome, severity)                                            \
    [ACT_##act] = {kind, category, type, outcome, SEVERITY_##severity},
    TELLINGS(X)
#undef X
};

struct telling telling_of(enum act_kind kind)
{
    if (kind < ACT_KIND_COUNT && tellings[kind].kind)
        return tellings[kind];
    return (struct telling){"event", "host", "info", "unknown", SEVERITY_NOTICE};
}
