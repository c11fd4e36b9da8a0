/* `ecluse panic` and `ecluse panic --off`. */
#include "cli/output.h"
#include "cli/record.h"
#include "cli/situation.h"
#include "status/panic.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static const nanos_t silent_after = 2 * NANOS_SECOND;
enum { WAIT_MILLISECONDS = 2000, STEP_MILLISECONDS = 20 };

/* Nothing supervises: the control page is ours to write while we hold its lock. */
static int write_control(const char *runtime, bool on, struct error *error)
{
    struct control *control;
    int code = control_create(runtime, &control, error);
    if (code < 0)
        return code;
    control_set_panic(control, on);
    control_stop(control);
    control_close(control);
    return 0;
}

static bool wait_in_force(const struct control *control, bool on)
{
    if (clock_boot() - control_heartbeat(control) > silent_after)
        return false; /* it beats once a second: it hangs, or is stopped */
    for (int waited = 0; waited < WAIT_MILLISECONDS; waited += STEP_MILLISECONDS) {
        if (control_panic(control) == on)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = STEP_MILLISECONDS * 1000000L}, NULL);
    }
    return false;
}

enum written { BY_SUPERVISOR, FOR_NOBODY, FOR_HANGING };

static int tell(const struct arguments *a, bool on, enum written written)
{
    if (a->option[OPTION_JSON]) {
        output_json(json_pack("{s:b,s:b}", "panic", (int)on, "supervised",
                              (int)(written == BY_SUPERVISOR)));
        return EXIT_DONE;
    }
    if (on)
        puts("Panic: every budget is in observe. Nobody is slowed, challenged or refused; what "
             "would\n"
             "have been is still counted. `ecluse panic --off` ends it.");
    else
        puts("The panic is over: the contract's modes are in force again.");
    if (written == FOR_NOBODY)
        puts("`ecluse run` does not run; the control page was written directly.");
    if (written == FOR_HANGING)
        puts("`ecluse run` lives but does not answer; the control page was written directly. "
             "Restart it.");
    return EXIT_DONE;
}

/* A panic lets everything through, so it waits for the record; its end does not. */
static int record_panic(const struct arguments *a, const char *runtime, bool on)
{
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(on ? ACT_PANIC : ACT_PANIC_OFF, actor, "asked for",
                                on ? "every budget is to observe only"
                                   : "the contract's modes are to be in force");
    if (on)
        return record_durably(a, runtime, &act, "the panic");
    record_say(runtime, HANDOVER_COMMAND, &act);
    return EXIT_DONE;
}

/* Asked for, or in force: a panic whose file is gone is in force until somebody looks. */
static bool is_panic(const char *runtime)
{
    const struct control *control;
    struct error error;
    if (panic_asked(runtime))
        return true;
    if (control_open(runtime, &control, &error) < 0)
        return false;
    bool on = control_panic(control);
    control_close(control);
    return on;
}

static int tell_none(const struct arguments *a, const char *runtime)
{
    if (a->option[OPTION_JSON])
        output_json(
            json_pack("{s:b,s:b}", "panic", 0, "supervised", (int)situation_supervised(runtime)));
    else
        puts("There was no panic: the contract's modes are in force.");
    return EXIT_DONE;
}

int command_panic(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL, on = a->option[OPTION_OFF] == NULL;
    char runtime[CONTRACT_PATH_SIZE];
    struct error error;
    if (!runtime_find(a, runtime, &error))
        return could_not(json, "%s", error.text);
    if (!on && !is_panic(runtime))
        return tell_none(a, runtime);
    int recorded = record_panic(a, runtime, on);
    if (recorded != EXIT_DONE)
        return recorded;
    if (panic_ask(runtime, on, &error) < 0)
        return could_not(json, "%s", error.text);
    /* Whoever holds the lock is the supervisor; when nobody does, the page is written here. */
    int code = write_control(runtime, on, &error);
    if (code == 0)
        return tell(a, on, FOR_NOBODY);
    if (code != -EBUSY)
        return could_not(json, "%s", error.text);
    const struct control *control;
    if (control_open(runtime, &control, &error) < 0)
        return could_not(json, "%s", error.text);
    bool in_force = wait_in_force(control, on);
    control_close(control);
    if (in_force)
        return tell(a, on, BY_SUPERVISOR);
    if (control_force_panic(runtime, on, &error) < 0)
        return could_not(json, "%s", error.text);
    return tell(a, on, FOR_HANGING);
}
