#include "status/alarm.h"

#include <stdarg.h>
#include <stdio.h>

const char *alarm_name(enum alarm_kind kind)
{
    static const char *const names[] = {
#define X(constant, name, meaning, remedy) name,
        ALARMS(X)
#undef X
    };
    return names[kind];
}

const char *alarm_meaning(enum alarm_kind kind)
{
    static const char *const meanings[] = {
#define X(constant, name, meaning, remedy) meaning,
        ALARMS(X)
#undef X
    };
    return meanings[kind];
}

const char *alarm_remedy(enum alarm_kind kind)
{
    static const char *const remedies[] = {
#define X(constant, name, meaning, remedy) remedy,
        ALARMS(X)
#undef X
    };
    return remedies[kind];
}

const char *alarm_to_do(const struct alarm *alarm)
{
    return alarm->to_do ? alarm->to_do : alarm_remedy(alarm->kind);
}

void alarm_say_to_do(struct alarms *alarms, const char *to_do)
{
    if (alarms->count)
        alarms->alarm[alarms->count - 1].to_do = to_do;
}

void alarm_add(struct alarms *alarms, enum alarm_kind kind, const char *format, ...)
{
    if (alarms->count == ALARMS_MAX)
        return;
    struct alarm *alarm = &alarms->alarm[alarms->count++];
    alarm->kind = kind;
    alarm->to_do = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(alarm->text, sizeof alarm->text, format, arguments);
    va_end(arguments);
}
