#include "cli/desk_child.h"

#include "audit/handover.h"
#include "cli/store_look.h"
#include "contract/publish.h"
#include "desk/desk.h"
#include "desk/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STORE_EVERY_SECONDS = 10, DESK_NICE = -5 };

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

struct account account_of_desk(const char *state)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam("ecluse-desk") : NULL;
    if (user == NULL || user->pw_uid == 0)
        return account_of_service(state);
    struct account account = {.uid = user->pw_uid, .gid = user->pw_gid, .change = true};
    strncpy(account.name, "ecluse-desk", sizeof account.name - 1);
    return account;
}

/* ---- The supervisor's part ----------------------------------------------------------------------
 */

/* Files of the desk that root made (`ecluse operator`), or that an earlier account left. */
static int own_folder(const char *path, const struct account *account, struct error *error)
{
    static const char *const files[] = {"operators", "lock"};
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int code = folder < 0 ? -errno : 0;
    struct stat status;
    if (code == 0 && account->change && fchown(folder, account->uid, (gid_t)-1) != 0)
        code = -errno;
    for (size_t i = 0; code == 0 && account->change && i < 2; i++)
        if (fstatat(folder, files[i], &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_nlink == 1 &&
            fchownat(folder, files[i], account->uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) != 0)
            code = -errno;
    if (folder >= 0)
        close(folder);
    return code ? error_set(error, code, "%s: %s", path, strerror(-code)) : 0;
}

int desk_prepare(const struct contract *c, struct error *error)
{
    const struct account account = account_of_desk(c->state), audit = account_of_audit(c->state);
    const int group = account.change ? (int)account.gid : -1;
    char access[CONTRACT_PATH_SIZE + 16], releases[CONTRACT_PATH_SIZE + 16];
    snprintf(access, sizeof access, "%s/access", c->state);
    snprintf(releases, sizeof releases, "%s/releases", c->runtime);
    if (mkdir(access, 0700) != 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: %s", access, strerror(errno));
    struct error told = {""};
    int code = own_folder(access, &account, error);
    if (code == 0)
        code = own_folder(releases, &account, error);
    if (code == 0)
        code = handover_create_for(c->runtime, HANDOVER_DESK, audit.change ? (int)audit.uid : -1,
                                   group, error);
    if (code == 0)
        code = limits_create(c->state, c->runtime, group, moment_now(), &told);
    if (code > 0)
        log_line(LOG_LEVEL_WARNING, "%s", told.text);
    return code < 0 && *told.text ? error_set(error, code, "%s", told.text) : code < 0 ? code : 0;
}

bool desk_wanted(const struct contract *c)
{
    return c->desk.present;
}

/* Another address is another listener, and another rule is another desk. */
uint64_t desk_fixed(const struct contract *c)
{
    return hash_checksum(0, &c->desk, sizeof c->desk);
}

/* ---- The process that looks at the store ----------------------------------------------------- */

static struct contract *contract_now(const char *runtime, struct error *error)
{
    const struct control *control;
    if (control_open(runtime, &control, error) < 0)
        return NULL;
    struct contract *c = calloc(1, sizeof *c);
    uint64_t live = control_live(control);
    control_close(control);
    if (c && contract_published(runtime, live, c, error) == 0)
        return c;
    free(c);
    return NULL;
}

static _Noreturn void look_at_store(const struct child_words *k, pid_t parent, int to)
{
    struct error error;
    struct account account = account_of_service(k->state);
    if (rights_drop(&account, &error) < 0)
        _exit(EXIT_FAILURE);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "ecluse-look");
    for (unsigned second = 0; getppid() == parent; second++) {
        struct contract *c =
            second % STORE_EVERY_SECONDS == 0 ? contract_now(k->runtime, &error) : NULL;
        struct store_look look = {.exists = true};
        if (c && c->tracking.present) {
            store_look(c, clock_wall(), &look);
            if (write(to, &look, sizeof look) != (ssize_t)sizeof look)
                _exit(EXIT_FAILURE);
        }
        free(c);
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    _exit(EXIT_SUCCESS);
}

/* The reading end, or -1: the page then says nothing of the store. */
static int start_looking(const struct child_words *k)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        look_at_store(k, self, ends[1]);
    }
    close(ends[1]);
    if (pid > 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return ends[0];
    close(ends[0]);
    return -1;
}

/* ---- The desk -------------------------------------------------------------------------------- */

/* The account, in the groups that may read the front's segment and the log. */
static int become(const struct child_words *k, struct error *error)
{
    struct account account = account_of_desk(k->state);
    const struct account audit = account_of_audit(k->state);
    const int workers = group_of_workers();
    gid_t groups[2];
    size_t count = 0;
    if (account.change) {
        if (workers >= 0)
            groups[count++] = (gid_t)workers;
        if (audit.gid != account.gid)
            groups[count++] = audit.gid;
        if (setgroups(count, groups) != 0 ||
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
    char access[CONTRACT_PATH_SIZE + 16], releases[CONTRACT_PATH_SIZE + 16],
        log[CONTRACT_PATH_SIZE + 16], budget[CONTRACT_PATH_SIZE + 16];
    const char *partly = NULL;
    snprintf(access, sizeof access, "%s/access", k->state);
    snprintf(releases, sizeof releases, "%s/releases", k->runtime);
    snprintf(log, sizeof log, "%s/audit", k->state);
    snprintf(budget, sizeof budget, "%s/budget", k->state);
    const struct rights_paths paths = {
        .writable = access,
        .also_writable = {releases},
        .readable = {k->runtime, log, budget, "/proc/sys/kernel/random"},
        .network = true};
    int code = rights_confine(&paths, &partly, error);
    if (code == 0 && partly)
        log_line(LOG_LEVEL_INFO, "desk: %s; it is confined by seccomp and its user alone", partly);
    return code;
}

static int desk_begin(const struct child_words *k, struct desk_setup *setup, struct desk **out,
                      struct error *error)
{
    struct contract *c = contract_now(k->runtime, error);
    if (!c)
        return -EPROTO;
    memcpy(setup->runtime, k->runtime, sizeof setup->runtime);
    memcpy(setup->state, k->state, sizeof setup->state);
    memcpy(setup->address, c->desk.address, sizeof setup->address);
    setup->store = start_looking(k);
    setup->listener = desk_listen(c->desk.listen, group_of_workers(), &setup->local, error);
    int code = setup->listener < 0 ? setup->listener : 0;
    if (code == 0)
        log_line(LOG_LEVEL_INFO, "the desk answers at %s",
                 *c->desk.address ? c->desk.address : c->desk.listen);
    free(c);
    setpriority(PRIO_PROCESS, 0,
                DESK_NICE); /* before the flood in the queue for the processor; as root only */
    if (code == 0)
        code = become(k, error);
    if (code == 0)
        code = desk_open(setup, out, error);
    return code == 0 ? confine(k, error) : code;
}

_Noreturn void desk_main(const struct child_words *k)
{
    static struct desk_setup setup;
    struct desk *desk;
    struct error error = {""};
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the supervisor stops us in order */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* who looks at the store is not waited for */
    prctl(PR_SET_NAME, "ecluse-desk");
    umask(0077);
    int code = desk_begin(k, &setup, &desk, &error);
    if (code == 0)
        code = desk_serve(desk, &stopping, &error);
    if (code < 0)
        log_line(LOG_LEVEL_ERROR, "desk: %s", error.text);
    _exit(code < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
