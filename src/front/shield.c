#include "front/shield.h"

#ifdef ECLUSE_FRONT_FAULTS /* never in what ships: tests/front builds a module of its own with it  \
                            */
#include <signal.h>
static void meet_fault(const struct parcel_number *parcel)
{
    must(parcel->text[0] != 'M');
    if (parcel->text[0] == 'K')
        raise(SIGKILL);
}
#else
#define meet_fault(parcel) ((void)0)
#endif

static void count(const struct shield *s, enum guard_counter counter)
{
    if (s->budgets)
        guard_count(s->budgets, counter, 1);
}

enum sight shield_form(const struct shield *s, struct text typed, struct parcel_number *parcel)
{
    const struct tracking_rules *rules = &s->contract->tracking;
    switch (parcel_parse(rules->format, rules->format_count, typed, parcel, NULL)) {
    case PARCEL_VALID:
        return SIGHT_BLIND;
    case PARCEL_WRONG_CHECK:
        count(s, COUNTER_CHECK_REFUSED);
        return SIGHT_WRONG_CHECK;
    default:
        count(s, COUNTER_SHAPE_REFUSED);
        return SIGHT_WRONG_FORM;
    }
}

static void enter(const struct shield *s)
{
    if (s->budgets && s->slot >= 0)
        guard_enter_store(s->budgets, s->slot);
}

void shield_done(const struct shield *s)
{
    if (s->budgets && s->slot >= 0)
        guard_leave_store(s->budgets, s->slot);
}

enum sight shield_look(const struct shield *s, const struct parcel_number *parcel,
                       struct history *history)
{
    if (!s->store) {
        count(s, COUNTER_STORE_OFF);
        return SIGHT_BLIND;
    }
    if (s->filter && !filter_has(s->filter, parcel)) {
        count(s, COUNTER_FILTER_REFUSED);
        return SIGHT_UNKNOWN;
    }
    enter(s);
    meet_fault(parcel);
    enum store_result result = store_get(s->store, parcel, history);
    if (result == STORE_FOUND)
        return SIGHT_FOUND;
    shield_done(s);
    if (result == STORE_ABSENT) {
        count(s, COUNTER_FILTER_FALSE);
        return SIGHT_UNKNOWN;
    }
    if (result == STORE_DAMAGED)
        count(s, COUNTER_RECORD_DAMAGED);
    return SIGHT_BLIND;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

struct text shield_unescape(struct text typed, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < typed.length && length < size; i++) {
        char c = typed.data[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && typed.length - i > 2) {
            int high = hex_value(typed.data[i + 1]), low = hex_value(typed.data[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        }
        out[length++] = c;
    }
    return (struct text){out, length};
}
