#include "cli/egress_child.h"

#include "audit/guard_report.h"
#include "cli/directories.h"
#include "cli/rights.h"
#include "contract/publish.h"
#include "egress/egress.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EGRESS_NICE = -10, WAIT_MILLISECONDS = 100 };

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

struct work {
    const struct child_words *k;
    const struct control *control;
    struct contract *contract, *next; /* owned; next: prepared and not in force */
    uint64_t running, prepared, refused;
    struct egress *egress;
    struct guard_report report;
    struct moment moment;
    unsigned interface; /* index, when it was attached */
    nanos_t next_second;
};

/* ---- The supervisor's part ------------------------------------------------------------------- */

bool egress_wanted(const struct contract *c)
{
    return contract_wants(c, GUARD_EGRESS);
}

int egress_begin(const struct contract *c, struct error *error)
{
    const struct account account = account_of_egress(c->state);
    return directories_for_egress(c, &account, error);
}

void egress_unwanted(const struct contract *c)
{
    char path[CONTRACT_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/egress", c->state);
    if (geteuid() == 0 && access(path, F_OK) == 0)
        egress_tidy(c);
}

/* ---- Contracts --------------------------------------------------------------------------------
 */

static struct contract *read_contract(const struct work *w, uint64_t generation,
                                      struct error *error)
{
    struct contract *c = calloc(1, sizeof *c);
    if (!c)
        error_set(error, -ENOMEM, "no memory for a contract");
    else if (contract_published(w->k->runtime, generation, c, error) == 0)
        return c;
    free(c);
    return NULL;
}

static void prepare(struct work *w, uint64_t generation)
{
    struct error error = {""};
    struct contract *next = read_contract(w, generation, &error);
    /* One that has no way out guarded is for the supervisor: it will stop us. */
    if (next && egress_wanted(next) && egress_prepare(w->egress, next, &error) < 0) {
        free(next);
        next = NULL;
    }
    if (next) {
        w->next = next;
        w->prepared = generation;
    } else {
        w->refused = generation;
        log_line(LOG_LEVEL_ERROR, "egress: the offered contract is refused: %s", error.text);
    }
}

static void roll_back(struct work *w)
{
    egress_rollback(w->egress);
    free(w->next);
    w->next = NULL;
    w->prepared = w->running;
}

/* False: this process cannot work by what is in force, a new one can. */
static bool commit(struct work *w)
{
    if (!egress_wanted(w->next)) {
        w->running = w->prepared;
        return true;
    }
    if (!egress_commit(w->egress, w->next))
        return false;
    free(w->contract);
    w->contract = w->next;
    w->next = NULL;
    w->running = w->prepared;
    return true;
}

static bool take_up(struct work *w)
{
    uint64_t offered = control_offered(w->control), live = control_live(w->control);
    bool good = true;
    if (live && live != w->running)
        good = w->next && live == w->prepared && commit(w);
    if (w->next && offered != w->prepared)
        roll_back(w);
    if (good && offered && offered != w->running && offered != w->prepared && offered != w->refused)
        prepare(w, offered);
    egress_tell(w->egress, w->prepared, w->running, w->refused);
    return good;
}

/* ---- Beginning --------------------------------------------------------------------------------
 */

static bool is_over(const struct work *w)
{
    return stopping || getppid() != w->k->parent;
}

static void pause_for(nanos_t span)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)span}, NULL);
}

/* An interface may come later than we do, or go away and come back: said once. False: told to end
 * meanwhile. */
static bool wait_for_interface(struct work *w)
{
    const char *name = w->contract->network.interface;
    for (bool said = false; (w->interface = if_nametoindex(name)) == 0; said = true) {
        if (!said)
            log_line(LOG_LEVEL_ERROR,
                     "egress: there is no interface \"%s\" (network.interface): nothing is counted "
                     "until it comes",
                     name);
        if (is_over(w) || control_live(w->control) != w->running)
            return false;
        pause_for(WAIT_MILLISECONDS * NANOS_MILLISECOND);
    }
    return true;
}

/* Another device of the same name has no programs. Sockets are out of our reach by now. */
static bool interface_is_ours(const struct work *w)
{
    char path[64], text[16] = "";
    snprintf(path, sizeof path, "/sys/class/net/%.15s/ifindex", w->contract->network.interface);
    FILE *f = fopen(path, "re");
    bool read = f && fgets(text, sizeof text, f);
    if (f)
        fclose(f);
    return read && strtoul(text, NULL, 10) == w->interface;
}

static int become(const struct child_words *k, struct error *error)
{
    struct account account = account_of_egress(k->state);
    const int workers = group_of_workers();
    const gid_t group = (gid_t)workers;
    if (account.change) {
        if (setgroups(workers >= 0, &group) != 0 ||
            setresgid(account.gid, account.gid, account.gid) != 0 ||
            setresuid(account.uid, account.uid, account.uid) != 0 || setresuid(0, 0, 0) == 0)
            return error_set(error, -EPERM, "cannot become user %s", account.name);
        account.change = false;
    }
    int code = rights_drop(&account, error);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* changing the user forgot it */
    return code;
}

static int confine(const struct child_words *k, struct error *error)
{
    char own[CONTRACT_PATH_SIZE + 16], closed[CONTRACT_PATH_SIZE + 32];
    const char *partly = NULL;
    snprintf(own, sizeof own, "%s/egress", k->state);
    int code = become(k, error);
    if (code == 0 && path_first_closed(own, closed, sizeof closed))
        code = error_set(error, -EACCES, "its user may not enter %s; say chmod o+x %s", closed,
                         closed);
    const struct rights_paths paths = {
        .writable = own,
        .readable = {k->runtime, "/sys/class/net", "/sys/devices", "/proc/sys/kernel/random"},
        .maps = true};
    if (code == 0)
        code = rights_confine(&paths, &partly, error);
    if (code == 0 && partly)
        log_line(LOG_LEVEL_INFO, "egress: %s; it is confined by seccomp and its user alone",
                 partly);
    return code;
}

static enum mode mode_now(const struct work *w)
{
    return control_panic(w->control) ? MODE_OBSERVE : MODE_ENFORCE;
}

static int begin(struct work *w, struct error *error)
{
    int code = control_open(w->k->runtime, &w->control, error);
    if (code < 0)
        return code;
    w->running = w->prepared = control_live(w->control);
    w->contract = read_contract(w, w->running, error);
    if (!w->contract)
        return -EPROTO;
    if (!wait_for_interface(w))
        return 0;
    setpriority(PRIO_PROCESS, 0, EGRESS_NICE); /* a busy machine must not be the thief's helper */
    struct error told = {""};
    code = egress_open(w->contract, mode_now(w), w->moment, &w->egress, &told);
    if (code < 0)
        return error_set(error, code, "%s", told.text);
    if (code > 0)
        log_line(LOG_LEVEL_WARNING, "egress: %s", told.text);
    egress_tell(w->egress, w->prepared, w->running, 0);
    guard_report_beat(&w->report, egress_budgets(w->egress), w->contract, w->moment.boot);
    log_line(LOG_LEVEL_INFO, "egress: bytes out at %s are counted", w->contract->network.interface);
    return confine(w->k, error);
}

/* ---- Work -------------------------------------------------------------------------------------
 */

/* How it ends. */
static int work(struct work *w)
{
    struct pollfd ready = {.fd = egress_descriptor(w->egress), .events = POLLIN};
    while (!is_over(w)) {
        poll(&ready, 1, (int)(EGRESS_PACE / NANOS_MILLISECOND));
        w->moment.boot = clock_boot();
        w->moment.wall = clock_wall();
        w->moment.monotonic = clock_monotonic();
        if (!take_up(w))
            return EGRESS_AGAIN;
        egress_set_mode(w->egress, mode_now(w));
        egress_tick(w->egress, w->moment);
        if (w->moment.boot >= w->next_second) {
            w->next_second = w->moment.boot + NANOS_SECOND;
            guard_report_beat(&w->report, egress_budgets(w->egress), w->contract, w->moment.boot);
            if (!interface_is_ours(w) || budget_is_replaced(egress_budgets(w->egress)))
                return EGRESS_AGAIN;
        }
        pause_for(EGRESS_PAUSE);
    }
    return EXIT_SUCCESS;
}

_Noreturn void egress_main(const struct child_words *k)
{
    static struct work w;
    struct error error = {""};
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the supervisor stops us in order */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "ecluse-egress");
    umask(0077);
    w = (struct work){
        .k = k, .moment = moment_now(), .report = {.guard = GUARD_EGRESS, .name = HANDOVER_EGRESS}};
    if (begin(&w, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "egress: %s", error.text);
        _exit(EXIT_FAILURE);
    }
    int status = !w.egress && !stopping ? EGRESS_AGAIN : w.egress ? work(&w) : EXIT_SUCCESS;
    egress_close(w.egress);
    guard_report_close(&w.report);
    _exit(status);
}
