#include "front/front.h"

/* The compiler's own pair rather than setjmp.h's: no signal mask, no mangling, and it is marked for
 * every lookup. */
static void *way_out[5];
static bool armed;

/* Called by must() in the depth of some room: says what does not hold, and leaves by the way that
 * was marked. Memory that the interrupted call held is lost; nothing of it is used again in this
 * process. */
static void trap_sprung(const char *expression, const char *file, int line)
{
    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "ecluse: a mistake of ours at %s:%d: \"%s\" does not hold; the module is "
                  "switched off in this "
                  "worker until nginx is reloaded",
                  file, line, expression);
    if (armed)
        __builtin_longjmp(way_out, 1);
}

void front_trap_install(void)
{
    must_set_handler(trap_sprung);
}

static void switch_off(void)
{
    front.off = true;
    if (!front.budgets)
        return;
    /* Plain stores into the segment, without a must() on their way. */
    if (front.slot >= 0)
        guard_leave_store(front.budgets, front.slot);
    guard_count(front.budgets, COUNTER_SELF_OFF, 1);
}

bool front_guarded(void (*work)(void *argument), void *argument)
{
    if (front.off)
        return false;
    if (__builtin_setjmp(way_out)) {
        armed = false;
        switch_off();
        return false;
    }
    armed = true;
    work(argument);
    armed = false;
    return true;
}
