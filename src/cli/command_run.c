/* `ecluse run`: the supervisor. It publishes the contract, makes the guards' segments, keeps their
 * counts durable, looks after its children (children.h), answers panics, and takes up changes of
 * the contract. It parses nothing but the contract. */
#include "audit/recorder.h"
#include "cli/children.h"
#include "cli/directories.h"
#include "cli/key_turn.h"
#include "cli/last_contract.h"
#include "cli/notify.h"
#include "cli/output.h"
#include "cli/record.h"
#include "cli/reload.h"
#include "cli/situation.h"
#include "cli/sync.h"
#include "cli/unrecorded.h"
#include "gate/ledger.h"
#include "gate/wave.h"
#include "status/panic.h"
#include "status/status.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OFFER_STEP_MILLISECONDS = 50 };

/* Told by the process that lost `runtime` to itself begun anew, for the record. */
#define AFTER_LOSS "ECLUSE_AFTER_LOSS"

struct supervisor {
    char *file;
    struct control *control;
    struct reload reload;
    struct bulletin bulletin;
    struct account account, audit;
    int workers;
    struct guard_segments guards; /* read-only: whether their processes have prepared */
    struct sync *sync;
    struct children children;
    struct chronicle chronicle;
    int signals, changes;   /* descriptors: signalfd, and inotify of runtime (-1: once a second) */
    bool stop, panic, anew; /* anew: `runtime` is gone, so everything begins again */
    nanos_t calmed;         /* when the panic's file went away */
    nanos_t next_second;
};

/* What nginx's workers share beside their segment. */
static int make_gate(const struct supervisor *s, struct error *error)
{
    struct error told = {""};
    if (ledger_create(s->reload.live->runtime, s->workers, &told) < 0)
        return error_set(error, -EIO, "%s", told.text);
    if (waves_create(s->reload.live->state, s->workers, &told) != 0)
        log_line(LOG_LEVEL_WARNING, "%s", told.text); /* without memory of floods it goes on */
    return 0;
}

/* Before a guard is started: its segment, which an earlier run may have left. */
static int make_segment(struct supervisor *s, enum guard guard, struct error *error)
{
    struct error told = {""};
    /* nginx's workers write the front's counts; those of other guards they may read at most. */
    const int writers = guard == GUARD_FRONT ? s->workers : -1;
    int made = budget_create(s->reload.live, guard, NULL, moment_now(), writers, &told);
    if (made < 0)
        return error_set(error, made, "%s", told.text);
    if (guard != GUARD_FRONT && budget_share(s->reload.live, guard, s->workers, error) < 0)
        return -EACCES;
    if (made > 0) {
        log_line(LOG_LEVEL_WARNING, "%s", told.text);
        chronicle_say(&s->chronicle, made == 2 ? ACT_CLOCK_JUMP : ACT_ALARM, guard_name(guard),
                      "%s", told.text);
    }
    return guard == GUARD_FRONT ? make_gate(s, error) : 0;
}

static void open_segment(struct supervisor *s, enum guard guard)
{
    struct error error;
    budget_close(s->guards.of[guard]);
    s->guards.of[guard] = NULL;
    if (budget_open(s->reload.live, guard, true, &s->guards.of[guard], &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", error.text);
        s->guards.of[guard] = NULL;
    }
}

/* Of every guard that the contract wants; the front's always: nginx may have the module anyway. */
static int follow_segments(struct supervisor *s, bool first, struct error *error)
{
    int code = 0;
    for (enum guard guard = 0; code == 0 && guard < GUARD_COUNT; guard++) {
        bool was = s->guards.of[guard] != NULL;
        if (guard != GUARD_FRONT && !contract_wants(s->reload.live, guard)) {
            budget_close(s->guards.of[guard]);
            s->guards.of[guard] = NULL;
            continue;
        }
        if (first || !was)
            code = make_segment(s, guard, error);
        if (code == 0)
            open_segment(s, guard);
    }
    return code;
}

static struct bulletin_child told_of(const struct supervisor *s, enum child_name name, bool wanted)
{
    const struct child *child = &s->children.child[name];
    return (struct bulletin_child){.wanted = wanted,
                                   .pid = child->pid,
                                   .since = s->children.since[name],
                                   .deaths = child->deaths};
}

static bool interface_is_missing(const struct contract *c)
{
    return contract_wants(c, GUARD_EGRESS) && if_nametoindex(c->network.interface) == 0;
}

static void tell_bulletin(struct supervisor *s)
{
    struct error error;
    const struct contract *c = s->reload.live;
    s->bulletin.keeper = told_of(s, CHILD_KEEPER, keeper_wanted(c));
    s->bulletin.desk = told_of(s, CHILD_DESK, desk_wanted(c));
    s->bulletin.interface_missing = interface_is_missing(c);
    if (bulletin_write(s->reload.live->runtime, &s->bulletin, &error) < 0)
        log_line(LOG_LEVEL_WARNING, "%s", error.text);
    s->reload.told = s->children.changed = false;
}

static void answer_panic(struct supervisor *s)
{
    if (control_replaced(s->control, s->reload.live->runtime))
        return; /* that the panic's file is gone with all others ends no panic */
    panic_take_requests(s->reload.live->runtime);
    bool asked = panic_asked(s->reload.live->runtime);
    if (asked == s->panic)
        return;
    s->panic = asked;
    s->calmed = asked ? 0 : clock_boot();
    control_set_panic(s->control, asked);
    chronicle_say(&s->chronicle, asked ? ACT_PANIC : ACT_PANIC_OFF, "", "in force for every guard");
    log_line(LOG_LEVEL_WARNING, asked ? "PANIC: every budget is in observe"
                                      : "the panic is over: the contract's modes are in force");
}

static void contract_taken(struct supervisor *s)
{
    struct error error;
    if (follow_segments(s, false, &error) < 0)
        log_line(LOG_LEVEL_ERROR, "%s", error.text);
    if (s->sync)
        sync_follow(s->sync, s->reload.live);
    children_follow(&s->children, s->reload.live);
    children_start_due(&s->children, s->reload.live, clock_boot());
    tell_bulletin(s);
}

static void each_second(struct supervisor *s, nanos_t now)
{
    if (control_replaced(s->control, s->reload.live->runtime)) {
        log_line(LOG_LEVEL_ERROR,
                 "%s was removed or replaced under `ecluse run`: everything there is "
                 "made anew",
                 s->reload.live->runtime);
        s->stop = s->anew = true;
        return;
    }
    control_beat(s->control, now);
    notify_systemd("WATCHDOG=1");
    answer_panic(s);
    chronicle_look(&s->chronicle, s->guards.of, now, clock_wall());
    if (reload_look(&s->reload, &s->guards, false, now) == RELOAD_TAKEN)
        contract_taken(s);
    children_start_due(&s->children, s->reload.live, now);
    bool keys = key_turn(s->reload.live, s->workers, &s->chronicle, now, &s->bulletin);
    if (s->reload.told || keys || s->children.changed ||
        s->bulletin.interface_missing != interface_is_missing(s->reload.live))
        tell_bulletin(s);
}

static void reap(struct supervisor *s, nanos_t now)
{
    int status;
    for (pid_t gone; (gone = waitpid(-1, &status, WNOHANG)) > 0;)
        children_reap(&s->children, gone, status, s->reload.live, now);
    children_start_due(&s->children, s->reload.live, now); /* who only begins anew */
}

/* The contract is read again, and the file of events is opened again: it may have been rotated. */
static void take_hangup(struct supervisor *s, nanos_t now)
{
    if (s->children.child[CHILD_HERALD].pid > 0)
        kill(s->children.child[CHILD_HERALD].pid, SIGHUP);
    if (reload_look(&s->reload, &s->guards, true, now) == RELOAD_TAKEN)
        contract_taken(s);
}

static void take_signals(struct supervisor *s, nanos_t now)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            s->stop = true;
        else if (info.ssi_signo == SIGCHLD)
            reap(s, now);
        else if (info.ssi_signo == SIGHUP)
            take_hangup(s, now);
    }
}

static void drain(int descriptor)
{
    char events[4096];
    while (descriptor >= 0 && read(descriptor, events, sizeof events) > 0)
        continue;
}

static void supervise(struct supervisor *s)
{
    while (!s->stop) {
        nanos_t now = clock_boot();
        if (now >= s->next_second) {
            each_second(s, now);
            s->next_second = now + NANOS_SECOND;
        }
        int wait = (int)((s->next_second - now) / NANOS_MILLISECOND) + 1;
        if (s->reload.next && wait > OFFER_STEP_MILLISECONDS)
            wait = OFFER_STEP_MILLISECONDS;
        struct pollfd ready[] = {{.fd = s->signals, .events = POLLIN},
                                 {.fd = s->changes, .events = POLLIN}};
        poll(ready, 2, wait);
        now = clock_boot();
        take_signals(s, now);
        drain(s->changes);
        answer_panic(s);
        if (reload_step(&s->reload, &s->guards, now) == RELOAD_TAKEN)
            contract_taken(s);
        if (s->reload.told || s->children.changed)
            tell_bulletin(s);
    }
}

static void listen_to(struct supervisor *s, const char *runtime)
{
    s->signals = child_signals();
    s->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (s->changes >= 0 &&
        inotify_add_watch(s->changes, runtime, IN_CREATE | IN_DELETE | IN_MOVED_TO) < 0) {
        close(s->changes);
        s->changes = -1; /* the panic's file is looked at once a second then */
    }
    char releases[CONTRACT_PATH_SIZE + 16];
    snprintf(releases, sizeof releases, "%s/releases", runtime);
    if (s->changes >= 0) /* where the desk asks for a panic */
        inotify_add_watch(s->changes, releases, IN_CREATE);
}

/* Before anything that is to be on the record, and before a guard that has something to tell. */
static int begin_record(struct supervisor *s, struct error *error)
{
    const struct contract *c = s->reload.live;
    bool anew = getenv(AFTER_LOSS) != NULL;
    unsetenv(AFTER_LOSS);
    const bool first = !log_was_begun(c->state);
    s->audit = account_of_audit(c->state);
    int code = recorder_prepare(c, &s->audit, s->workers, error);
    if (code == 0)
        code = directories_for_outputs(c, &s->account, error);
    if (code < 0)
        return code;
    chronicle_open(&s->chronicle, c->runtime);
    s->reload.chronicle = &s->chronicle;
    chronicle_say(&s->chronicle, ACT_STARTED, "", "version " ECLUSE_VERSION "%s",
                  s->panic ? ", in panic" : "");
    if (anew)
        chronicle_say(&s->chronicle, ACT_ALARM, "runtime",
                      "it was removed or replaced under `ecluse run`: made anew");
    if (first)
        unrecorded_say(c, &s->chronicle);
    struct act act = record_act(ACT_CONTRACT, "supervisor", "contract in force",
                                "%u budget%s, %u promise%s, mode %s", c->budget_count,
                                c->budget_count == 1 ? "" : "s", c->promise_count,
                                c->promise_count == 1 ? "" : "s", mode_name(c->mode));
    act_number(&act, "number", (int64_t)s->reload.generation);
    handover_act(s->chronicle.ring, &act);
    children_start(&s->children, CHILD_RECORDER, c, clock_boot());
    return 0;
}

/* Whether the store's account becomes the one of last resort: said once, not at each start. */
static bool becomes_nobodys(const struct contract *c, const struct account *account)
{
    char store[CONTRACT_PATH_SIZE + 16];
    struct stat about;
    snprintf(store, sizeof store, "%s/tracking", c->state);
    return account->last_resort && c->tracking.present &&
           (stat(store, &about) != 0 || about.st_uid != account->uid);
}

/* From a checked contract to a published one, with everything in place that guards need. Owns
 * from_file. */
static int begin(struct supervisor *s, struct contract *from_file, struct error *error)
{
    s->account = account_of_service(from_file->state);
    s->workers = group_of_workers();
    const bool news = becomes_nobodys(from_file, &s->account);
    int code = directories_for_run(from_file, &s->account, s->workers, error);
    if (code == 0)
        code = control_create(from_file->runtime, &s->control, error);
    if (code < 0) {
        free(from_file);
        return code;
    }
    if (news)
        log_line(LOG_LEVEL_WARNING,
                 "there is no user `ecluse` here: the keeper and `ecluse ingest` run as nobody; "
                 "make one with: useradd --system --home-dir %s --shell /usr/sbin/nologin ecluse",
                 from_file->state);
    listen_to(s, from_file->runtime);
    s->reload.control = s->control;
    s->reload.bulletin = &s->bulletin;
    s->panic = panic_asked(from_file->runtime);
    control_set_panic(s->control, s->panic);
    control_beat(s->control, clock_boot());
    code = reload_begin(&s->reload, from_file, error);
    if (code < 0) {
        free(from_file);
        return code;
    }
    code = begin_record(s, error);
    if (code == 0)
        code = follow_segments(s, true, error);
    if (code == 0)
        code = sync_start(s->reload.live, &s->sync, error);
    s->bulletin.started = clock_wall();
    if (code == 0)
        tell_bulletin(s);
    return code;
}

static void end(struct supervisor *s)
{
    if (!s->anew)
        notify_systemd("STOPPING=1");
    children_stop(&s->children, false);
    sync_stop(s->sync);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        budget_close(s->guards.of[guard]);
    if (s->reload.live) /* else it never began */
        chronicle_say(&s->chronicle, ACT_STOPPED, "", "in order; %s",
                  supervisor_gone(s->reload.live));
    children_stop(&s->children, true);
    chronicle_close(&s->chronicle);
    if (s->control) {
        control_stop(s->control);
        control_close(s->control);
    }
    reload_end(&s->reload);
    free(s->file);
}

/* Guards take a contract for another one by its number, so numbers go on; what was in force is,
 * and a file that was changed meanwhile is offered to them as always. */
static int publish_anew(const struct contract *live, uint64_t number, bool panic,
                        struct error *error)
{
    struct account account = account_of_service(live->state);
    struct control *control;
    int code = directories_for_run(live, &account, group_of_workers(), error);
    if (code == 0 && panic)
        code = panic_ask(live->runtime, true, error);
    if (code == 0)
        code = control_create(live->runtime, &control, error);
    if (code < 0)
        return code;
    code = contract_publish(live->runtime, number, live, error);
    if (code == 0) {
        control_set_panic(control, panic);
        control_set_offered(control, number);
        control_set_live(control, number);
    }
    control_close(control);
    return code;
}

/* The same process, from its beginning: nothing that was mapped or opened in the old folder is
 * left. Only returns when it failed. */
static void begin_anew(char *file, const struct contract *live, uint64_t number, bool panic)
{
    struct error error = {""};
    if (publish_anew(live, number, panic, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s; start `ecluse run` again", error.text);
        return;
    }
    setenv(AFTER_LOSS, "1", 1);
    char *words[] = {"ecluse", "run", "-c", file, NULL};
    execv("/proc/self/exe", words);
    log_line(LOG_LEVEL_ERROR, "`ecluse run` cannot begin anew: %s; start it again",
             strerror(errno));
}

static int finish(struct supervisor *s, int status)
{
    static struct contract live; /* end() frees the one in force; too large for the stack */
    uint64_t number = s->reload.last + 1;
    bool panic = s->panic || (s->calmed && clock_boot() - s->calmed < 2 * NANOS_SECOND);
    char *file = s->anew ? strdup(s->file) : NULL;
    if (s->anew)
        memcpy(&live, s->reload.live, sizeof live);
    end(s);
    if (!s->anew || file == NULL)
        return status;
    begin_anew(file, &live, number, panic);
    free(file);
    return EXIT_COULD_NOT;
}

int command_run(const struct arguments *a)
{
    struct supervisor s = {.signals = -1, .changes = -1};
    children_open(&s.children, &s.chronicle);
    s.file = realpath(contract_file(a), NULL);
    if (s.file == NULL)
        return could_not(false, "cannot read %s: %s; %s", contract_file(a), strerror(errno),
                         contract_hint(contract_file(a)));
    struct contract *from_file = last_contract_load(s.file, &s.reload.wanted);
    if (from_file == NULL) {
        free(s.file);
        return EXIT_COULD_NOT;
    }
    s.reload.file = s.file;
    snprintf(s.bulletin.file, sizeof s.bulletin.file, "%s", s.file);
    struct error error;
    int status = EXIT_DONE;
    if (begin(&s, from_file, &error) < 0) {
        status = could_not(false, "%s", error.text);
    } else {
        log_line(LOG_LEVEL_INFO, "contract in force from %s%s", s.file, s.panic ? "; PANIC" : "");
        notify_systemd("READY=1");
        supervise(&s);
        log_line(LOG_LEVEL_INFO, "stopping; %s", supervisor_gone(s.reload.live));
    }
    return finish(&s, status);
}
