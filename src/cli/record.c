#include "cli/record.h"

#include "audit/entry.h"

#include "cli/arguments.h"
#include "cli/output.h"
#include "cli/unrecorded.h"
#include "status/situation.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

struct act record_act(enum act_kind kind, const char *actor, const char *object, const char *format,
                      ...)
{
    struct act act = {.at = clock_wall(), .kind = (uint8_t)kind};
    char reason[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    for (char *c = reason; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    act_text(act.actor, sizeof act.actor, text_of(actor));
    act_text(act.object, sizeof act.object, text_of(object));
    act_text(act.reason, sizeof act.reason, text_of(reason));
    return act;
}

void record_actor(char out[ACT_NAME_SIZE])
{
    const char *through = getenv("SUDO_USER");
    if (geteuid() != 0)
        snprintf(out, ACT_NAME_SIZE, "user %u", (unsigned)geteuid());
    else if (through && *through && strcmp(through, "root") != 0 &&
             strlen(through) < ACT_NAME_SIZE - 16)
        snprintf(out, ACT_NAME_SIZE, "operator %s", through);
    else
        snprintf(out, ACT_NAME_SIZE, "root");
}

static const char *reason_of(int failed)
{
    switch (failed) {
    case -ENOENT:
        return "`ecluse run` has not been started here, and nobody else writes the audit log";
    case -EACCES:
        return "only root, or who runs `ecluse run`, may put acts on the record";
    case -ESRCH:
        return "`ecluse run` does not run, and nobody else writes the audit log";
    case -ENOBUFS:
        return "too many acts wait to be written";
    case -ETIMEDOUT:
        return "the audit log was not written within 2 s; is `ecluse run` up, and is the disk "
               "full? `ecluse status` says";
    default:
        return strerror(-failed);
    }
}

/* As loudly as can be: whoever looks later finds it without the log. */
static void tell_elsewhere(const struct act *act, const char *what)
{
    fprintf(stderr, "ecluse: WARNING: %s is not on the record yet, as was asked for\n", what);
    openlog("ecluse", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
    syslog(LOG_ALERT, "done without a record (--without-record): %s by %s: %s", what,
           actor_is_person(text_of(act->actor)) ? "an operator" : act->actor, act->reason);
    closelog();
}

static void not_in_time(struct handover *handover, const struct act *act, const char *what)
{
    char why[ACT_REASON_SIZE];
    snprintf(why, sizeof why, "it was not on the record in time: %s", what);
    struct act not_done = act_not_done(act, clock_wall(), why);
    handover_act(handover, &not_done);
}

static int refuse(const struct arguments *a, const char *what, int failed)
{
    const bool json = a->option[OPTION_JSON] != NULL;
    char line[600] = "the same command with --without-record";
    if (failed == -EACCES)
        return could_not(json, "%s was not done, since it must be on the record first: %s", what,
                         reason_of(failed));
    (void)arguments_line(a, OPTION_WITHOUT_RECORD, line, sizeof line);
    return could_not(json,
                     "%s was not done, since it must be on the record first: %s. In need, this "
                     "does it all the same, and tells syslog: %s",
                     what, reason_of(failed), line);
}

int record_durably(const struct arguments *a, const char *runtime, const struct act *act,
                   const char *what)
{
    struct handover *handover = NULL;
    struct error error = {""};
    bool without = a->option[OPTION_WITHOUT_RECORD] != NULL;
    int failed = handover_open(runtime, HANDOVER_COMMAND, &handover, &error);
    if (failed == -ENOENT && without && handover_create(runtime, HANDOVER_COMMAND, -1, &error) == 0)
        failed = handover_open(runtime, HANDOVER_COMMAND, &handover, &error);
    bool nobody = !failed && situation_nobody_records(runtime);
    if (nobody && !without)
        failed = -ESRCH; /* who needs it now is not kept waiting for what cannot be */
    if (!failed)
        failed = handover_durably(handover, act,
                                  nobody    ? 0
                                  : without ? NANOS_SECOND / 2
                                            : RECORD_PATIENCE);
    if (failed && without)
        tell_elsewhere(act, what);
    else if (failed && handover)
        not_in_time(handover, act, what);
    handover_close(handover);
    return !failed || without ? EXIT_DONE : refuse(a, what, failed);
}

int record_where_kept(const struct arguments *a, const struct contract *c, const struct act *act,
                      const char *what)
{
    if (log_was_begun(c->state))
        return record_durably(a, c->runtime, act, what);
    fprintf(stderr,
            "ecluse: %s is not on the record: there is no audit log yet. The first `ecluse run` "
            "makes it, and says there how many operators and clients' keys it found\n",
            what);
    return EXIT_DONE;
}

void record_say(const char *runtime, enum handover_name ring, const struct act *act)
{
    struct handover *handover = NULL;
    if (handover_open(runtime, ring, &handover, NULL) == 0)
        handover_act(handover, act);
    handover_close(handover);
}

void record_not_done(const char *runtime, const struct act *act, const char *why)
{
    struct act not_done = act_not_done(act, clock_wall(), why);
    record_say(runtime, HANDOVER_COMMAND, &not_done);
}
