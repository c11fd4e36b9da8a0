#include "status/situation.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static bool supervisor_lives(const struct control *control, nanos_t now)
{
    nanos_t heartbeat = control_heartbeat(control);
    int32_t pid = control_supervisor(control);
    if (pid <= 0 || heartbeat <= 0 || now - heartbeat > SUPERVISOR_SILENT_AFTER * NANOS_SECOND)
        return false;
    return kill(pid, 0) == 0 || errno == EPERM;
}

static bool take_published(struct situation *s)
{
    uint64_t live = s->control ? control_live(s->control) : 0;
    if (live == 0)
        return false;
    struct contract *c = calloc(1, sizeof *c);
    must(c != NULL);
    struct error error;
    if (contract_published(s->runtime, live, c, &error) < 0) {
        free(c);
        return false;
    }
    s->contract = c;
    s->generation = live;
    return true;
}

int situation_begin(const char *runtime, struct situation *out, struct error *error)
{
    struct situation s = {.now = moment_now()};
    if (snprintf(s.runtime, sizeof s.runtime, "%s", runtime) >= (int)sizeof s.runtime)
        return error_set(error, -ENAMETOOLONG, "%.100s...: too long for a folder's name", runtime);
    int opened = control_open(s.runtime, &s.control, error);
    if (opened < 0)
        s.control = NULL;
    if (opened < 0 && opened != -ENOENT)
        return opened;
    take_published(&s);
    *out = s;
    return 0;
}

void situation_front(struct situation *s)
{
    s->supervised = s->control && supervisor_lives(s->control, s->now.boot);
    budget_close(s->front);
    s->front_code = budget_open(s->contract, GUARD_FRONT, true, &s->front, &s->front_error);
    if (s->front_code < 0)
        s->front = NULL;
}

void situation_again(struct situation *s)
{
    struct error error;
    s->now = moment_now();
    if (!s->control || control_replaced(s->control, s->runtime)) {
        control_close(s->control);
        if (control_open(s->runtime, &s->control, &error) < 0)
            s->control = NULL;
    }
    struct contract *before = s->contract;
    bool another = s->control && control_live(s->control) != s->generation && take_published(s);
    if (another || !s->front || budget_is_replaced(s->front))
        situation_front(s);
    if (another)
        free(before); /* not before the segment that was open with it is closed */
    s->supervised = s->control && supervisor_lives(s->control, s->now.boot);
}

void situation_close(struct situation *s)
{
    budget_close(s->front);
    control_close(s->control);
    free(s->contract);
    *s = (struct situation){0};
}
