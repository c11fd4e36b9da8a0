/* The guard's processes: begun, watched, replaced. */
#include "files/files_parts.h"
#include "files/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUICK_DEATHS = 5, SOCKET_SPACE = 8 << 20 };

#define VAULT_PATIENCE (20 * NANOS_SECOND)

static void close_all_but(int a, int b, int c)
{
    for (int fd = 3; fd < 1024; fd++)
        if (fd != a && fd != b && fd != c)
            close(fd);
}

/* A child holds nothing that it does not need, and ends with its manager. */
static void begin_child(const char *name, pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_NAME, name);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    if (getppid() != parent)
        _exit(1);
}

static int make_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &(int){SOCKET_SPACE}, sizeof(int));
    return 0;
}

/* ---- The watchdog ---------------------------------------------------------------------------- */

static void begin_watchdog(struct files *f)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        begin_child("ecluse-watchdog", parent);
        close_all_but(-1, -1, -1);
        watchdog_main(f->board, parent);
    }
    f->watchdog = pid > 0 ? pid : 0;
}

int crew_begin(struct files *f)
{
    atomic_store(&f->board->ours[0], getpid());
    atomic_store(&f->board->ours[1], getppid());
    begin_watchdog(f);
    return f->watchdog ? 0 : -EAGAIN;
}

void files_oom_score(const char *score)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, score, strlen(score));
    (void)written;
    close(fd);
}

/* What the manager set for itself and the listener is not for who reads others' files. */
static void give_up_last_place(void)
{
    files_oom_score("0");
}

/* ---- The vault ------------------------------------------------------------------------------- */

static pid_t begin_judge(int socket, pid_t parent)
{
    pid_t pid = fork();
    if (pid == 0) {
        begin_child("ecluse-judge", parent);
        close_all_but(socket, -1, -1);
        setpriority(PRIO_PROCESS, 0, 5);
        give_up_last_place();
        _exit(confining_judge() == 0 && rewrite_serve(socket) == 0 ? 0 : 1);
    }
    return pid;
}

static void serve_vault(struct files *f, unsigned share, int socket, int judge, pid_t parent)
{
    struct error error = {""};
    static const volatile int stop;
    struct vault_service service = {.share = f->contract->share[share].path,
                                    .root = f->share[share].place.quiet,
                                    .limits = vault_limits_of(f->contract, share),
                                    .socket = socket,
                                    .judge = judge,
                                    .stop = &stop};
    begin_child("ecluse-vault", parent);
    give_up_last_place();
    close_all_but(socket, judge, service.root);
    if (vault_view_open(f->contract->runtime, f->contract->share[share].name, true, &service.view,
                        &error) < 0)
        service.view = NULL;
    int code = confining_vault();
    if (code < 0)
        error_set(&error, code, "rights cannot be given up: %s", strerror(-code));
    else
        code = vault_serve(&service, &error);
    if (code < 0)
        log_line(LOG_LEVEL_ERROR, "vault of share %s: %s", f->contract->share[share].name,
                 error.text);
    _exit(code ? 1 : 0);
}

/* A thread of it may wait for a file that somebody keeps locked, and goes when that is free: nobody
 * waits for it here, and reap() finds it then. */
static void end_process(pid_t *pid)
{
    bool gone = *pid <= 0 || kill(*pid, SIGKILL) != 0;
    for (int i = 0; i < 20 && !gone; i++) {
        gone = waitpid(*pid, NULL, WNOHANG) != 0;
        if (!gone)
            poll(NULL, 0, 10);
    }
    *pid = 0;
}

/* The vault ends when its socket does, and makes all durable first; it is given a moment. */
static void end_vault(struct share_crew *crew)
{
    if (crew->socket >= 0)
        shutdown(crew->socket, SHUT_RDWR);
    for (int i = 0; i < 300 && crew->vault > 0; i++) {
        if (waitpid(crew->vault, NULL, WNOHANG) != 0)
            crew->vault = 0;
        else
            poll(NULL, 0, 10);
    }
    end_process(&crew->vault);
    end_process(&crew->judge);
    if (crew->socket >= 0)
        close(crew->socket);
    crew->socket = -1;
    vault_view_close(crew->view);
    crew->view = NULL;
}

static bool begin_vault(struct files *f, unsigned share)
{
    struct share_crew *crew = &f->share[share];
    struct error error;
    int listener[2], judge[2];
    pid_t parent = getpid();
    if (vault_view_create(f->contract->runtime, f->contract->share[share].name, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "files: %s", error.text);
        return false;
    }
    if (make_pair(listener) != 0)
        return false;
    if (make_pair(judge) != 0) {
        close(listener[0]);
        close(listener[1]);
        return false;
    }
    crew->judge = begin_judge(judge[1], parent);
    crew->vault = fork();
    if (crew->vault == 0)
        serve_vault(f, share, listener[1], judge[0], parent);
    close(listener[1]);
    close(judge[0]);
    close(judge[1]);
    crew->socket = listener[0];
    for (unsigned seat = 0; seat < SEATS; seat++)
        if (f->listener[seat].pid && !f->listener[seat].leaving)
            note_give_vault(f->listener[seat].control, share, crew->socket);
    return crew->vault > 0;
}

/* Its upkeep waits for no file: silence is its own fault. */
static void watch_vault(struct files *f, unsigned share)
{
    struct share_crew *crew = &f->share[share];
    struct vault_report report = {.pid = 0};
    if (!crew->vault || !crew->view)
        return;
    vault_view_report(crew->view, &report);
    if (report.stuck && !crew->stuck)
        files_say(f, FILES_ALARM, "vault",
                  "%u threads of the vault of share %s wait for files that somebody keeps locked",
                  report.stuck, f->contract->share[share].name);
    crew->stuck = report.stuck;
    bool silent = report.heartbeat && f->moment.boot - report.heartbeat > VAULT_PATIENCE;
    if (!silent)
        crew->silent_since = f->moment.boot; /* all of us may have been asleep until now */
    if (silent && f->moment.boot - crew->silent_since > 2 * NANOS_SECOND) {
        files_say(f, FILES_DOWN, "vault", "the vault of share %s was silent for %d s and was ended",
                  f->contract->share[share].name, (int)(VAULT_PATIENCE / NANOS_SECOND));
        end_process(&crew->vault); /* it may end at any moment, and would not in order */
        end_vault(crew);
    }
}

static void keep_vault(struct files *f, unsigned share)
{
    struct share_crew *crew = &f->share[share];
    nanos_t now = f->moment.boot;
    watch_vault(f, share);
    bool wanted = crew->place.device && f->mode == MODE_ENFORCE;
    if (!wanted || crew->vault || now < crew->start_at) {
        if (!wanted && crew->vault)
            end_vault(crew);
        return;
    }
    if (now - crew->start_at > NANOS_MINUTE)
        crew->back_off = 0;
    crew->back_off = crew->back_off ? 2 * crew->back_off : NANOS_SECOND / 2;
    if (crew->back_off > 10 * NANOS_SECOND)
        crew->back_off = 10 * NANOS_SECOND;
    crew->start_at = now + crew->back_off;
    if (!begin_vault(f, share))
        files_say(f, FILES_ALARM, "vault", "the vault of share %s cannot be begun",
                  f->contract->share[share].name);
}

void crew_limit(struct files *f, unsigned share, const struct contract *next)
{
    struct vault_view *view;
    struct error error;
    struct vault_limits limits = vault_limits_of(next, share);
    if (f->share[share].vault <= 0)
        return; /* it is begun with them */
    if (vault_view_open(f->contract->runtime, f->contract->share[share].name, true, &view, &error) <
        0) {
        log_line(LOG_LEVEL_ERROR, "files: %s", error.text);
        end_vault(&f->share[share]);
        return;
    }
    vault_view_limit(view, &limits);
    vault_view_close(view);
}

/* ---- The listener ---------------------------------------------------------------------------- */

static void find_trusted(const struct contract *c, struct listener_start *start)
{
    start->trusted_count = c->trusted_count;
    for (unsigned i = 0; i < c->trusted_count; i++) {
        struct owner_trusted *to = &start->trusted[i];
        struct stat status;
        char *end;
        unsigned long user = strtoul(c->trusted[i].user, &end, 10);
        const struct passwd *account = *end ? getpwnam(c->trusted[i].user) : NULL;
        *to = (struct owner_trusted){.user = account ? account->pw_uid : (uint32_t)user};
        memcpy(to->executable, c->trusted[i].executable, sizeof to->executable);
        bool there = (!*end || account) && stat(to->executable, &status) == 0;
        if (there) {
            to->device = status.st_dev;
            to->inode = status.st_ino;
        } else {
            log_line(LOG_LEVEL_WARNING,
                     "files: trusted program %s: its user or its executable is not on this "
                     "machine, so nobody is trusted by it",
                     c->trusted[i].name);
        }
    }
}

static void become_listener(struct files *f, unsigned seat, pid_t parent)
{
    struct listener_crew *crew = &f->listener[seat];
    begin_child("ecluse-files", parent);
    bool kept[1024] = {false};
    for (unsigned i = 0; i < f->contract->share_count; i++) {
        const struct place *place = &crew->start.place[i];
        const int needed[] = {place->device ? place->mount : -1, place->device ? place->quiet : -1,
                              crew->start.vault[i]};
        for (unsigned k = 0; k < sizeof needed / sizeof *needed; k++)
            if (needed[k] >= 0 && needed[k] < 1024)
                kept[needed[k]] = true;
    }
    for (int fd = 3; fd < 1024; fd++)
        if (!kept[fd] && fd != crew->start.control)
            close(fd);
    crew->start.parent = parent;
    listener_main(&crew->start);
}

static void begin_listener(struct files *f, unsigned seat)
{
    struct listener_crew *crew = &f->listener[seat];
    struct seat *place = &f->board->seat[seat];
    int pair[2];
    pid_t parent = getpid();
    if (make_pair(pair) != 0)
        return;
    memset(&crew->start, 0, sizeof crew->start);
    crew->start = (struct listener_start){.contract = f->contract,
                                          .board = f->board,
                                          .seat = seat,
                                          .mode = f->mode,
                                          .ended = f->ended,
                                          .control = pair[1]};
    find_trusted(f->contract, &crew->start);
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++) {
        crew->start.place[i] = f->share[i].place;
        crew->start.vault[i] = f->share[i].vault ? f->share[i].socket : -1;
    }
    atomic_store(&place->beat, clock_boot());
    atomic_store(&place->ready, 0);
    atomic_store(&place->go, 0);
    atomic_store(&place->left, 0);
    crew->pid = fork();
    if (crew->pid == 0)
        become_listener(f, seat, parent);
    close(pair[1]);
    if (crew->pid < 0) {
        crew->pid = 0;
        close(pair[0]);
        return;
    }
    crew->control = pair[0];
    crew->leaving = false;
    crew->began = f->moment.boot;
    atomic_store(&place->pid, crew->pid);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = seat};
    epoll_ctl(f->poll, EPOLL_CTL_ADD, crew->control, &event);
}

static void told_death(struct files *f, const struct listener_crew *crew, int status)
{
    uint64_t killed = atomic_load(&f->board->killed);
    f->deaths++;
    if (killed != f->killed_told)
        files_say(f, FILES_DOWN, "listener",
                  "process %d was silent for 300 ms and was ended; opens that waited went on",
                  crew->pid);
    else
        files_say(f, FILES_DOWN, "listener", "process %d %s %d; opens that waited went on",
                  crew->pid, WIFSIGNALED(status) ? "died of signal" : "ended with status",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    f->killed_told = killed;
    nanos_t lived = f->moment.boot - crew->began;
    f->deaths_lately = lived > 5 * NANOS_SECOND ? 0 : f->deaths_lately + 1;
    f->listener_at = f->moment.boot + (f->deaths_lately > QUICK_DEATHS ? NANOS_SECOND : 0);
}

static void reap_listener(struct files *f, unsigned seat, int status)
{
    struct listener_crew *crew = &f->listener[seat];
    atomic_store(&f->board->seat[seat].pid, 0);
    answering_notes(f, seat);
    epoll_ctl(f->poll, EPOLL_CTL_DEL, crew->control, NULL);
    close(crew->control);
    bool in_order = crew->leaving || (WIFEXITED(status) && WEXITSTATUS(status) == LISTENER_TOLD);
    if (!in_order)
        told_death(f, crew, status);
    *crew = (struct listener_crew){.control = -1};
    if (seat == f->seat && !f->listener[1 - seat].pid)
        f->down_since = f->moment.boot;
}

static bool anything_to_guard(const struct files *f)
{
    for (unsigned i = 0; i < f->contract->share_count; i++)
        if (f->share[i].place.device)
            return true;
    return false;
}

static void give_word(struct files *f, unsigned seat)
{
    atomic_store(&f->board->seat[seat].go, 1);
    f->seat = seat;
    f->renew = false;
    f->up_since = f->moment.boot;
    f->down_since = 0;
    files_say(f, FILES_UP, "listener", "process %d, %s", f->listener[seat].pid,
              f->mode == MODE_ENFORCE ? "opens wait for its answer" : "observes");
}

/* Its notes are taken once more when it has gone. */
static void tell_to_leave(const struct files *f, struct listener_crew *crew)
{
    if (crew->pid && !crew->leaving) {
        epoll_ctl(f->poll, EPOLL_CTL_DEL, crew->control, NULL);
        shutdown(crew->control, SHUT_WR);
    }
    crew->leaving = true;
}

/* It is gone, has left, or was killed by the watchdog. Its process may be there still: its end
 * waits for opens that hold on to its marks, and these may wait for its successor. */
static bool answers_no_more(const struct files *f, unsigned seat)
{
    const struct seat *place = &f->board->seat[seat];
    return !f->listener[seat].pid || atomic_load(&place->left) || !atomic_load(&place->pid);
}

/* The next one is begun while the last one works; it has the word when that one answers no more. */
static void keep_listener(struct files *f)
{
    unsigned next = 1 - f->seat;
    struct listener_crew *now = &f->listener[f->seat], *then = &f->listener[next];
    if (!anything_to_guard(f)) {
        tell_to_leave(f, now);
        return;
    }
    bool over = answers_no_more(f, f->seat);
    if (then->pid) {
        if (!atomic_load(&f->board->seat[next].ready) || answers_no_more(f, next))
            return;
        tell_to_leave(f, now);
        if (over)
            give_word(f, next);
        return;
    }
    if ((over || f->renew) && f->moment.boot >= f->listener_at)
        begin_listener(f, next);
}

/* ---- Places ---------------------------------------------------------------------------------- */

void crew_lose(struct files *f, unsigned share)
{
    struct share_crew *crew = &f->share[share];
    end_vault(crew);
    place_close(&crew->place);
    f->renew = true;
}

static void find_place(struct files *f, unsigned share)
{
    struct share_crew *crew = &f->share[share];
    struct place others[CONTRACT_MAX_SHARES];
    struct error error = {""};
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++)
        others[i] = f->share[i].place;
    int code = confining_begin(&error);
    if (code == 0)
        code =
            place_open(f->contract, share, others, f->contract->share_count, &crew->place, &error);
    if (code == 0) {
        place_make_quiet(&crew->place);
        crew->reason[0] = 0;
        f->renew = true;
    } else if (strncmp(crew->reason, error.text, sizeof crew->reason - 1) != 0) {
        snprintf(crew->reason, sizeof crew->reason, "%.*s", (int)sizeof crew->reason - 1,
                 error.text);
        log_line(LOG_LEVEL_ERROR, "files: %s", error.text);
        files_say(f, FILES_ALARM, "share", "share %s is not guarded",
                  f->contract->share[share].name);
    }
}

void crew_places(struct files *f)
{
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++) {
        struct share_crew *crew = &f->share[i];
        bool wanted = i < f->contract->share_count;
        if (crew->place.device && (!wanted || place_moved(f->contract, i, &crew->place)))
            crew_lose(f, i);
        if (wanted && !crew->place.device)
            find_place(f, i);
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void reap(struct files *f)
{
    int status;
    for (pid_t gone; (gone = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (gone == f->watchdog)
            f->watchdog = 0;
        for (unsigned seat = 0; seat < SEATS; seat++)
            if (gone == f->listener[seat].pid)
                reap_listener(f, seat, status);
        for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++) {
            struct share_crew *crew = &f->share[i];
            if (gone != crew->vault && gone != crew->judge)
                continue;
            files_say(f, FILES_DOWN, "vault", "%s of share %s ended",
                      gone == crew->vault ? "the vault" : "the judge", f->contract->share[i].name);
            *(gone == crew->vault ? &crew->vault : &crew->judge) = 0;
            end_vault(crew);
        }
    }
}

static void keep_watchdog(struct files *f)
{
    nanos_t silent = f->moment.boot - atomic_load(&f->board->watchdog_beat);
    if (f->watchdog && atomic_load(&f->board->watchdog_beat) && silent > 2 * NANOS_SECOND) {
        files_say(f, FILES_DOWN, "watchdog", "process %d was silent for 2 s", f->watchdog);
        end_process(&f->watchdog);
    }
    if (!f->watchdog) {
        atomic_store(&f->board->watchdog_beat, 0);
        begin_watchdog(f);
    }
}

void crew_tick(struct files *f)
{
    reap(f);
    keep_watchdog(f);
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++)
        keep_vault(f, i);
    keep_listener(f);
}

bool crew_is_up(const struct files *f)
{
    return f->listener[f->seat].pid && atomic_load(&f->board->seat[f->seat].go);
}

void crew_release_children(struct files *f, bool all)
{
    for (unsigned seat = 0; seat < SEATS; seat++) {
        tell_to_leave(f, &f->listener[seat]);
        for (int i = 0; i < 80 && f->listener[seat].pid; i++) {
            reap(f);
            poll(NULL, 0, 10);
        }
        end_process(&f->listener[seat].pid);
        atomic_store(&f->board->seat[seat].pid, 0);
    }
    for (unsigned i = 0; all && i < CONTRACT_MAX_SHARES; i++) {
        end_vault(&f->share[i]);
        place_close(&f->share[i].place);
    }
    if (all)
        end_process(&f->watchdog);
}
