#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static log_writer current_writer;

void log_set_writer(log_writer writer)
{
    current_writer = writer;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const journal_prefix[] = {"<3>", "<4>", "<6>"};
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (current_writer)
        current_writer(level, line);
    else
        fprintf(stderr, "%secluse: %s\n", getenv("JOURNAL_STREAM") ? journal_prefix[level] : "",
                line);
}
