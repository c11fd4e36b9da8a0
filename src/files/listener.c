#include "files/listener_parts.h"

#include "contract/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { EVENTS = 64, READ_SIZE = 64 * 1024, FILES_MOST = 65536, THING_BITS = 40, YOUNG_SECONDS = 5 };

#define SAID_AGAIN (200 * NANOS_MILLISECOND)

static struct listener *the_listener; /* for lines that rooms below want to log */

/* ---- What others of the room call ------------------------------------------------------------ */

void listener_say(struct listener *l, enum log_level level, const char *format, ...)
{
    struct note note = {.kind = NOTE_LOG, .level = level};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note.text, sizeof note.text, format, arguments);
    va_end(arguments);
    note_send(l->start->control, &note);
}

static void log_by_note(enum log_level level, const char *line)
{
    listener_say(the_listener, level, "%s", line);
}

int listener_share(const struct listener *l, uint64_t device)
{
    for (unsigned i = 0; i < l->contract->share_count; i++)
        if (l->start->place[i].device == device && device)
            return (int)i;
    return -1;
}

uint64_t listener_thing(const struct listener *l, const struct stat *status)
{
    return siphash_words3(l->key, status->st_dev, status->st_ino, 0) &
           ((UINT64_C(1) << THING_BITS) - 1);
}

bool listener_see(struct listener *l, int fd, pid_t thread, bool lately, struct act_seen *out)
{
    *out = (struct act_seen){.fd = fd, .since = l->now};
    if (fstat(fd, &out->status) != 0 || !S_ISREG(out->status.st_mode))
        return false;
    int share = listener_share(l, out->status.st_dev);
    if (share < 0)
        return false;
    out->owner =
        lately ? owners_lately(l->owners, thread, l->now) : owners_find(l->owners, thread, l->now);
    if (out->owner.ours)
        return false;
    if (!out->owner.known)
        board_add(l->board, BOARD_UNKNOWN);
    out->thing = listener_thing(l, &out->status);
    out->payer = (struct payer){.user = out->owner.user,
                                .known = out->owner.known,
                                .tree = out->owner.tree,
                                .process = out->owner.process,
                                .trusted = out->owner.trusted,
                                .share = (uint16_t)share};
    return true;
}

/* Who makes a file writes to it within a few seconds. */
static bool is_young(const struct statx *status)
{
    return clock_wall() / NANOS_SECOND - status->stx_btime.tv_sec <= YOUNG_SECONDS;
}

bool listener_was_there(int fd)
{
    struct statx status;
    return statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 ||
           !(status.stx_mask & STATX_BTIME) || !is_young(&status);
}

bool listener_is_new(const struct listener *l, int fd, struct stat *status)
{
    struct statx s;
    unsigned asked = STATX_TYPE | STATX_INO | STATX_UID | STATX_SIZE | STATX_CTIME | STATX_BTIME;
    if (statx(fd, "", AT_EMPTY_PATH, asked, &s) != 0 || s.stx_size > 0 || !S_ISREG(s.stx_mode) ||
        !(s.stx_mask & STATX_BTIME) || !is_young(&s))
        return false;
    if (s.stx_ctime.tv_sec != s.stx_btime.tv_sec || s.stx_ctime.tv_nsec != s.stx_btime.tv_nsec)
        return false; /* emptied, maybe */
    *status = (struct stat){.st_dev = gnu_dev_makedev(s.stx_dev_major, s.stx_dev_minor),
                            .st_ino = s.stx_ino,
                            .st_uid = s.stx_uid};
    return listener_share(l, status->st_dev) >= 0;
}

void listener_answer(struct listener *l, int fd, bool refuse)
{
    struct fanotify_response response = {.fd = fd,
                                         .response = refuse && !l->calm ? FAN_DENY : FAN_ALLOW};
    if (write(l->opens, &response, sizeof response) < 0 && errno != ENOENT) /* killed meanwhile */
        listener_say(l, LOG_LEVEL_ERROR, "files: an open could not be answered: %s",
                     strerror(errno));
    rescue_answered(&l->rescue, fd);
    close(fd);
    board_add(l->board, BOARD_OPENS);
    if (refuse && !l->calm)
        board_add(l->board, BOARD_REFUSED);
}

/* A file that is opened again and again is one line of a list, and no reason to ask for its path.
 */
static bool was_traced(struct listener *l, const struct act_seen *act, enum trace_kind kind)
{
    uint64_t key = siphash_words3(l->key, act->thing, act->owner.user,
                                  (act->owner.tree ? act->owner.tree->id : 0) ^ (uint64_t)kind);
    struct traced *traced = &l->traced[key % TRACED_MOST];
    bool again = traced->key == key && l->now - traced->at < NANOS_MINUTE;
    if (!again)
        *traced = (struct traced){key, l->now};
    return again;
}

void listener_trace(struct listener *l, const struct act_seen *act, enum trace_kind kind)
{
    if (was_traced(l, act, kind))
        return;
    char link[32], path[CONTRACT_PATH_SIZE + 1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", act->fd);
    ssize_t length = readlink(link, path, sizeof path);
    size_t root = strlen(l->contract->share[act->payer.share].path);
    struct text text = {path, length > 0 ? (size_t)length : 0};
    if (text.length > root + 1 &&
        memcmp(path, l->contract->share[act->payer.share].path, root) == 0)
        text = (struct text){path + root + 1, text.length - root - 1};
    struct trace_act trace = {.kind = kind,
                              .share = act->payer.share,
                              .user = act->owner.user,
                              .tree = act->owner.tree ? act->owner.tree->id : 0};
    board_trace(l->board, &trace, text, l->now);
}

/* ---- Holds ----------------------------------------------------------------------------------- */

/* Whether this pair was told of just now. `is_new`: the hold never was. */
static bool was_said(struct listener *l, uint64_t hold, uint64_t tree, bool *is_new)
{
    struct said *oldest = &l->said[0], *same = NULL;
    *is_new = true;
    for (unsigned i = 0; i < SAID_MOST; i++) {
        struct said *said = &l->said[i];
        *is_new &= said->hold != hold;
        if (said->hold == hold && said->tree == tree)
            same = said;
        if (said->at < oldest->at)
            oldest = said;
    }
    if (same && l->now - same->at < SAID_AGAIN)
        return true;
    *(same ? same : oldest) = (struct said){hold, tree, l->now};
    return false;
}

static nanos_t longest_window(const struct budget_rule *rule)
{
    return rule->window_count ? rule->window[rule->window_count - 1].span : NANOS_HOUR;
}

void listener_held(struct listener *l, const struct payer *payer, const struct charged *charged)
{
    bool is_new;
    uint64_t tree = payer->tree ? payer->tree->id : 0;
    l->holding |= charged->hold != 0;
    if (!charged->hold || was_said(l, charged->hold, tree, &is_new))
        return;
    struct note note = {.kind = NOTE_HELD,
                        .hold = charged->hold,
                        .tree = tree,
                        .binds = charged->refuse,
                        .budget = charged->budget,
                        .share = (int16_t)payer->share,
                        .user = payer->user,
                        .process = payer->process,
                        .principal = charged->principal};
    if (payer->tree)
        snprintf(note.text, sizeof note.text, "%s", payer->tree->name);
    note_send(l->start->control, &note);
    if (!is_new || !charged->refuse || charged->budget < 0)
        return;
    nanos_t from = clock_wall() - longest_window(&l->contract->budget[charged->budget]);
    for (unsigned share = 0; share < l->contract->share_count; share++)
        asking_held(l, share, charged->hold, payer, &charged->principal, from);
}

void listener_pause(struct listener *l, const struct payer *payer)
{
    bool is_new;
    uint64_t tree = payer->tree ? payer->tree->id : 0;
    if (!tree || was_said(l, 0, tree, &is_new))
        return;
    struct note note = {
        .kind = NOTE_PAUSE, .tree = tree, .user = payer->user, .process = payer->process};
    note_send(l->start->control, &note);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void take_event(struct listener *l, const struct fanotify_event_metadata *event)
{
    if (event->mask & FAN_Q_OVERFLOW) {
        board_add(l->board, BOARD_OVERFLOWS);
        asking_missed(l);
        return;
    }
    if (event->fd < 0)
        return;
    if (event->mask & FAN_OPEN_PERM)
        opening_take(l, event);
    else
        opening_closed(l, event);
}

void listener_beat(struct listener *l)
{
    l->now = clock_boot();
    atomic_store_explicit(&l->seat->beat, l->now, memory_order_relaxed);
    atomic_store_explicit(&l->rescue.beat, l->now, memory_order_relaxed);
}

static void take_opens(struct listener *l)
{
    static char buffer[4096] __attribute__((aligned(8))); /* few at once: others' turn comes */
    ssize_t length = read(l->opens, buffer, sizeof buffer);
    const struct fanotify_event_metadata *first = (const void *)buffer, *event = first;
    bool answered[sizeof buffer / sizeof *first] = {false};
    unsigned i = 0;
    for (ssize_t left = length; left > 0 && FAN_EVENT_OK(event, left);
         event = FAN_EVENT_NEXT(event, left)) {
        if (event->fd >= 0 && event->mask & FAN_OPEN_PERM && !(answered[i] = opening_new(l, event)))
            rescue_read(&l->rescue, event->fd);
        i++;
    }
    i = 0;
    for (event = first; length > 0 && FAN_EVENT_OK(event, length);
         event = FAN_EVENT_NEXT(event, length)) {
        listener_beat(l);
        if (!answered[i++])
            take_event(l, event);
    }
}

static void take_names(struct listener *l)
{
    static char buffer[READ_SIZE] __attribute__((aligned(8)));
    ssize_t length = read(l->names, buffer, sizeof buffer);
    const struct fanotify_event_metadata *event = (const void *)buffer;
    for (; length > 0 && FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
        listener_beat(l);
        if (event->mask & FAN_Q_OVERFLOW) {
            board_add(l->board, BOARD_OVERFLOWS);
            asking_missed(l);
        } else {
            naming_take(l, event);
        }
    }
}

static void take_control(struct listener *l)
{
    int vault;
    struct pollfd state = {.fd = l->start->control, .events = POLLRDHUP};
    int share = note_take_vault(l->start->control, &vault);
    if (share < 0) {
        if (poll(&state, 1, 0) > 0 && state.revents & (POLLRDHUP | POLLHUP)) {
            l->leave = true; /* told to, or the manager is gone */
            epoll_ctl(l->poll, EPOLL_CTL_DEL, l->start->control, NULL);
        }
        return;
    }
    asking_gone(l, (unsigned)share);
    l->vault[share] = vault;
    asking_open(l, (unsigned)share);
}

static void look_around(struct listener *l)
{
    if (getppid() != l->start->parent)
        l->leave = true;
    bool panic = l->control && control_panic(l->control);
    if (panic != l->calm)
        budget_set_mode(l->budgets, panic ? MODE_OBSERVE : MODE_ENFORCE);
    l->calm = panic;
}

/* Those of this process are known at once (listener_held()); others are its predecessor's. */
static void look_for_holds(struct listener *l)
{
    struct hold hold;
    l->holding = holds_list(l->budgets, l->now, &hold, 1) > 0;
}

enum source { SOURCE_OPENS = -1, SOURCE_NAMES = -2, SOURCE_CONTROL = -3 };

static void take(struct listener *l, int source)
{
    if (source == SOURCE_OPENS)
        take_opens(l);
    else if (source == SOURCE_NAMES)
        take_names(l);
    else if (source == SOURCE_CONTROL)
        take_control(l);
    else
        asking_answers(l, (unsigned)source);
}

static void listen_to(struct listener *l)
{
    struct epoll_event ready[EVENTS];
    nanos_t looked = 0, again = 0, seen = 0, watched = 0;
    while (!l->leave || l->waiting_count || l->unseen_count) {
        nanos_t pace = l->unseen_count    ? LISTENER_SOON
                       : l->waiting_count ? LISTENER_AGAIN
                                          : LISTENER_BEAT;
        int count = epoll_wait(l->poll, ready, EVENTS, (int)(pace / NANOS_MILLISECOND));
        listener_beat(l);
        for (int i = 0; i < count; i++)
            take(l, (int)ready[i].data.u64);
        listener_beat(l);
        if (l->unseen_count && l->now - seen >= LISTENER_SOON) {
            opening_see(l);
            seen = l->now;
        }
        if (l->waiting_count && l->now - again >= LISTENER_AGAIN) {
            opening_again(l);
            again = l->now;
        }
        if (l->now - looked >= LISTENER_BEAT) {
            look_around(l);
            asking_tell_missed(l);
            if (l->changes >= 0)
                changing_take_all(l);
            if (l->now - watched >= WATCH_AGAIN) {
                look_for_holds(l);
                changing_watch_all(l);
                watched = l->now;
            }
            looked = l->now;
        }
    }
}

/* ---- The beginning --------------------------------------------------------------------------- */

static int listen_group(struct listener *l, int source, int group)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(int64_t)source};
    return epoll_ctl(l->poll, EPOLL_CTL_ADD, group, &event) < 0 ? -errno : 0;
}

static int mark_shares(struct listener *l, int group, uint64_t mask, struct error *error)
{
    for (unsigned i = 0; i < l->contract->share_count; i++)
        if (l->start->place[i].device && fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
                                                       mask, l->start->place[i].mount, NULL) < 0)
            return error_set(error, -errno, "share %s cannot be marked: %s",
                             l->contract->share[i].name, strerror(errno));
    return 0;
}

/* Opens that wait, and the notices of files closed, in one queue: a file is never judged before
 * its opening was seen. It has no bound, since whoever waits queues one; a bound would let opens
 * pass unasked when it is reached. */
static int make_groups(struct listener *l)
{
    unsigned class = l->enforce ? FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE : FAN_CLASS_NOTIF;
    unsigned told = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID;
    if (l->enforce) {
        l->changes = fanotify_init(told | FAN_REPORT_FID, O_RDONLY | O_CLOEXEC);
        l->names = fanotify_init(told | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY | O_CLOEXEC);
        if (l->changes < 0 || l->names < 0)
            return -errno;
    }
    /* The last of them: who waits in it holds on to the marks that `changes` has on his file, and
     * that group's end waits for him. A process that is killed lets go of what it opened last
     * first (fput() and task_work_run() of Linux). */
    l->opens = fanotify_init(class | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID,
                             O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
    return l->opens < 0 ? -errno : 0;
}

/* What the vault opens, through a mount of its own, is told to nobody. Where that cannot be, it is
 * known by who it is. */
static void leave_out_vaults(struct listener *l, int group, uint64_t mask)
{
    unsigned how =
        FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY;
    for (unsigned i = 0; i < l->contract->share_count; i++)
        if (l->start->place[i].device && l->start->place[i].quiet >= 0 &&
            fanotify_mark(group, how, mask, l->start->place[i].quiet, ".") < 0)
            listener_say(l, LOG_LEVEL_WARNING,
                         "files: what the vault of share %s opens cannot be left out: %s",
                         l->contract->share[i].name, strerror(errno));
}

static int open_groups(struct listener *l, struct error *error)
{
    uint64_t mask = l->enforce ? FAN_OPEN_PERM | FAN_CLOSE_WRITE : FAN_CLOSE;
    int code = make_groups(l);
    if (code < 0)
        return error_set(error, code, "the kernel gives no fanotify group: %s", strerror(-code));
    must(l->opens > l->changes && l->opens > l->names);
    code = listen_group(l, SOURCE_OPENS, l->opens);
    if (code == 0 && l->enforce)
        code = listen_group(l, SOURCE_NAMES, l->names);
    if (code == 0 && l->enforce)
        code = mark_shares(l, l->names, FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ONDIR, error);
    if (code == 0 && l->enforce)
        code = mark_shares(l, l->changes, FAN_MODIFY, error);
    if (code == 0 && l->enforce) {
        leave_out_vaults(l, l->changes, FAN_MODIFY);
        leave_out_vaults(l, l->opens, mask);
    }
    return code ? code : mark_shares(l, l->opens, mask, error);
}

static void become_quick(void)
{
    struct rlimit files = {0, 0}, core = {0, 0};
    prctl(PR_SET_NAME, "ecluse-files");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0); /* its core would be written, and waited for, by itself */
    setrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < FILES_MOST ? files.rlim_max : FILES_MOST;
    setrlimit(RLIMIT_NOFILE, &files);
    setpriority(PRIO_PROCESS, 0, -15);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static int begin(struct listener *l, struct error *error)
{
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    l->poll = epoll_create1(EPOLL_CLOEXEC);
    l->key = hash_key_random();
    l->questions = (uint32_t)l->key.k0; /* answers to its predecessor are not its own */
    if (proc < 0 || l->poll < 0 || owners_new(proc, l->board->ours, &l->owners) < 0)
        return error_set(error, -ENOMEM, "no memory or no /proc");
    owners_know_self(l->owners);
    owners_trust(l->owners, l->start->trusted, l->start->trusted_count);
    owners_ask_ended(l->owners, l->start->ended);
    int code = budget_open(l->contract, GUARD_FILES, false, &l->budgets, error);
    if (code == 0)
        code = control_open(l->contract->runtime, &l->control, error);
    if (code < 0)
        return code;
    charging_learn(&l->charging, l->contract);
    l->holding = true; /* until it was looked */
    naming_begin(l);
    code = listen_group(l, SOURCE_CONTROL, l->start->control);
    for (unsigned i = 0; i < l->contract->share_count; i++) {
        l->vault[i] = l->start->vault[i];
        asking_open(l, i);
    }
    if (code == 0)
        code = mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? -errno : 0;
    if (code < 0)
        return error_set(error, code, "memory cannot be locked: %s", strerror(-code));
    return open_groups(l, error);
}

/* What is opened from now on waits; the last listener is told to go, and until it is gone its
 * successor only beats. */
static void await_turn(struct listener *l)
{
    atomic_store(&l->seat->ready, 1);
    while (!atomic_load(&l->seat->go) && getppid() == l->start->parent) {
        listener_beat(l);
        poll(NULL, 0, 2);
    }
}

_Noreturn void listener_main(const struct listener_start *start)
{
    struct error error = {""};
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        _exit(LISTENER_FAILED);
    l->start = start;
    l->contract = start->contract;
    l->board = start->board;
    l->seat = &start->board->seat[start->seat];
    l->enforce = start->mode == MODE_ENFORCE;
    l->opens = l->names = l->changes = -1;
    the_listener = l;
    become_quick();
    log_set_writer(log_by_note);
    int code = begin(l, &error);
    if (code == 0)
        code = confining_listener(&error);
    if (code == 0 && (code = rescue_begin(l)) < 0)
        error_set(&error, code, "there is no second thread: %s", strerror(-code));
    if (code == 0)
        code = confining_listener_calls(&error);
    if (code < 0) {
        listener_say(l, LOG_LEVEL_ERROR, "files: %s", error.text);
        _exit(LISTENER_FAILED);
    }
    await_turn(l);
    listen_to(l);
    close(l->opens);
    atomic_store(&l->seat->left, 1); /* its end may wait for those whom its successor answers */
    _exit(LISTENER_TOLD);
}
