#include "base/must.h"

#include "base/log.h"

#include <stdlib.h>

static must_handler current_handler;

void must_set_handler(must_handler handler)
{
    current_handler = handler;
}

_Noreturn void must_failed(const char *expression, const char *file, int line)
{
    if (current_handler)
        current_handler(expression, file, line);
    log_line(LOG_LEVEL_ERROR, "our own mistake at %s:%d: %s does not hold", file, line, expression);
    abort();
}
