#include "audit/act.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
} kinds[] = {
#define X(constant, name, text) {name, text},
    ACT_KINDS(X)
#undef X
};

const char *act_kind_name(enum act_kind kind)
{
    return kind < ACT_KIND_COUNT ? kinds[kind].name : "unknown";
}

const char *act_kind_text(enum act_kind kind)
{
    return kind < ACT_KIND_COUNT ? kinds[kind].text : "unknown";
}

bool act_kind_named(struct text name, enum act_kind *out)
{
    for (enum act_kind kind = 0; kind < ACT_KIND_COUNT; kind++) {
        if (text_is(name, kinds[kind].name)) {
            *out = kind;
            return true;
        }
    }
    return false;
}

void act_text(char *field, size_t size, struct text text)
{
    size_t length = utf8_cut(text, size - 1);
    memcpy(field, text.data, length);
    memset(field + length, 0, size - length);
}

void act_number(struct act *act, const char *name, int64_t value)
{
    for (size_t i = 0; i < ACT_NUMBERS; i++) {
        if (act->number[i].name[0])
            continue;
        act_text(act->number[i].name, sizeof act->number[i].name, text_of(name));
        act->number[i].value = value;
        return;
    }
}

struct act act_not_done(const struct act *act, int64_t at, const char *why)
{
    struct act not_done = {.at = at, .kind = ACT_ALARM};
    char reason[ACT_REASON_SIZE + 16];
    snprintf(reason, sizeof reason, "not done: %s", why);
    memcpy(not_done.actor, act->actor, sizeof not_done.actor);
    memcpy(not_done.subject, act->subject, sizeof not_done.subject);
    memcpy(not_done.hold, act->hold, sizeof not_done.hold);
    act_text(not_done.object, sizeof not_done.object,
             text_of(act_kind_name((enum act_kind)act->kind)));
    act_text(not_done.reason, sizeof not_done.reason, text_of(reason));
    return not_done;
}
