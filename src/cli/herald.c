#include "cli/herald.h"

#include "audit/handover.h"
#include "cli/herald_parts.h"
#include "status/alarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HERALD_THREADS = 6 };

static volatile sig_atomic_t stop_asked, reopen_asked;

static void on_signal(int number)
{
    if (number == SIGHUP)
        reopen_asked = 1;
    else
        stop_asked = 1;
}

/* ---- Before rights are given up -------------------------------------------------------------- */

/* What cannot be had makes this output fail, and no other. */
static void say_failed(struct herald *h, enum output output, const struct error *error)
{
    tally_failed(&h->tally, output, error->text, clock_wall());
}

static struct post *post_of(struct herald *h, enum output output, const char *path)
{
    char address[SECRET_SIZE];
    struct error error = {""};
    struct post *post = NULL;
    if (!path[0])
        return NULL;
    tally_want(&h->tally, output);
    struct secret_look look = secret_look(path); /* before it is read: what changes later is seen */
    h->secret[h->secrets++] = (struct herald_secret){path, look, look};
    if (secret_address_read(path, address, &error) < 0 || post_new(address, &post, &error) < 0)
        say_failed(h, output, &error);
    explicit_bzero(address, sizeof address);
    return post;
}

static int bind_local(const char *path, struct error *error)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct stat status;
    if (strlen(path) >= sizeof to.sun_path)
        return error_set(error, -ENAMETOOLONG, "outputs.metrics: the path is too long");
    strcpy(to.sun_path, path);
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
        unlink(path); /* of the process before */
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&to, sizeof to) != 0 ||
        chmod(path, 0666) != 0) {
        int code = -errno;
        if (listener >= 0)
            close(listener);
        return error_set(error, code, "%s: %s", path, strerror(-code));
    }
    return listener;
}

static bool is_loopback(const struct sockaddr_storage *to)
{
    const struct sockaddr_in *four = (const void *)to;
    const struct sockaddr_in6 *six = (const void *)to;
    return to->ss_family == AF_INET ? ntohl(four->sin_addr.s_addr) >> 24 == 127
                                    : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* "127.0.0.1:9464" or "[::1]:9464": the contract's checker has seen to the form. */
static socklen_t address_of(const char *text, struct sockaddr_storage *out)
{
    char address[CONTRACT_ENDPOINT_SIZE];
    const char *colon = strrchr(text, ':');
    memset(out, 0, sizeof *out);
    if (colon == NULL)
        return 0;
    bool is_six = text[0] == '[';
    size_t length = (size_t)(colon - text) - (is_six ? 2 : 0);
    memcpy(address, text + is_six, length);
    address[length] = 0;
    in_port_t port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    struct sockaddr_in *four = (void *)out;
    struct sockaddr_in6 *six = (void *)out;
    out->ss_family = is_six ? AF_INET6 : AF_INET;
    if (is_six) {
        six->sin6_port = port;
        return inet_pton(AF_INET6, address, &six->sin6_addr) == 1 ? sizeof *six : 0;
    }
    four->sin_port = port;
    return inet_pton(AF_INET, address, &four->sin_addr) == 1 ? sizeof *four : 0;
}

static int bind_address(const char *text, struct error *error)
{
    struct sockaddr_storage to;
    socklen_t length = address_of(text, &to);
    if (length == 0)
        return error_set(error, -EINVAL, "outputs.metrics: `%.100s` is no address", text);
    if (!is_loopback(&to))
        log_line(LOG_LEVEL_WARNING,
                 "herald: figures are served at %s, which is not this machine alone", text);
    int on = 1, listener = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener >= 0)
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener < 0 || bind(listener, (struct sockaddr *)&to, length) != 0) {
        int code = -errno;
        if (listener >= 0)
            close(listener);
        return error_set(error, code, "%s: %s", text, strerror(-code));
    }
    return listener;
}

static void open_metrics(struct herald *h)
{
    const char *at = h->contract->outputs.metrics;
    struct error error = {""};
    h->metrics = -1;
    if (!at[0])
        return;
    tally_want(&h->tally, OUTPUT_METRICS);
    int listener =
        strncmp(at, "unix:", 5) == 0 ? bind_local(at + 5, &error) : bind_address(at, &error);
    if (listener >= 0 && listen(listener, 64) != 0) {
        close(listener);
        listener = error_set(&error, -errno, "%s: %s", at, strerror(errno));
    }
    if (listener < 0)
        say_failed(h, OUTPUT_METRICS, &error);
    h->metrics = listener < 0 ? -1 : listener;
}

static int become_service(void *account)
{
    struct error error;
    int code = rights_become(account, &error);
    if (code < 0)
        log_line(LOG_LEVEL_ERROR, "herald: %s", error.text);
    return code;
}

static void open_mailer(struct herald *h, struct account *account)
{
    const char *command = h->contract->outputs.mail;
    struct error error = {""};
    h->mailer = (struct mailer){.socket = -1};
    if (!command[0])
        return;
    tally_want(&h->tally, OUTPUT_MAIL);
    if (mailer_start(command, become_service, account, &h->mailer, &error) < 0)
        say_failed(h, OUTPUT_MAIL, &error);
}

/* The folder of the file of events, down to its `/`. */
static void folder_of(const char *path, char out[CONTRACT_PATH_SIZE])
{
    snprintf(out, CONTRACT_PATH_SIZE, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash)
        slash[slash == out] = 0;
}

/* A folder under /var/log that nobody made is made; one that is there is left as it is. */
static void make_events_folder(struct herald *h, const struct account *account)
{
    char folder[CONTRACT_PATH_SIZE];
    if (!h->contract->outputs.events[0])
        return;
    tally_want(&h->tally, OUTPUT_EVENTS);
    folder_of(h->contract->outputs.events, folder);
    if (mkdir(folder, 0750) == 0 && account->change &&
        lchown(folder, account->uid, account->gid) != 0)
        log_line(LOG_LEVEL_WARNING, "herald: %s cannot be given to user %s", folder, account->name);
}

/* The looker reads what guards write, with the workers' group; what it writes goes to the herald
 * alone. */
static _Noreturn void looker(const struct herald *h, struct account account, int workers,
                             pid_t parent, int to)
{
    struct error error;
    char tracking[CONTRACT_PATH_SIZE + 16];
    const char *partly;
    prctl(PR_SET_NAME, "ecluse-looker");
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (workers >= 0)
        account.gid = (gid_t)workers;
    snprintf(tracking, sizeof tracking, "%s/tracking", h->child.state);
    const struct rights_paths paths = {
        .writable = tracking, /* LMDB's table of readers */
        .readable = {h->child.runtime, h->child.state, "/proc", "/etc", NULL},
        .children = true,
    };
    if (rights_drop(&account, &error) < 0 || (prctl(PR_SET_PDEATHSIG, SIGTERM), false) ||
        rights_confine(&paths, &partly, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "herald: %s", error.text);
        _exit(EXIT_FAILURE);
    }
    look_main(h->child.runtime, parent, to);
}

static int start_looker(const struct herald *h, const struct account *account, struct error *error)
{
    int ends[2], workers = group_of_workers();
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(error, -errno, "no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(ends[1], 3) < 0)
            _exit(EXIT_FAILURE);
        close_range(4, ~0U, 0); /* no listener, no address, no ring */
        looker(h, *account, workers, parent, 3);
    }
    close(ends[1]);
    if (pid < 0)
        return error_set(error, -errno, "the looker cannot be started: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[0];
}

static int confine(struct herald *h, const struct account *account, struct error *error)
{
    char told[CONTRACT_PATH_SIZE + 16], events[CONTRACT_PATH_SIZE];
    const char *partly = NULL;
    snprintf(told, sizeof told, "%s/outputs", h->child.runtime);
    folder_of(h->contract->outputs.events, events);
    const struct rights_paths paths = {
        .writable = h->outputs,
        .also_writable = {told, events[0] ? events : NULL},
        /* Names are looked up and certificates checked with what is below /etc and /usr. */
        .readable = {h->child.runtime, h->child.state, "/etc", "/usr/lib", "/usr/share",
                     "/run/systemd/resolve", "/proc/sys"},
        .network = true,
    };
    int code = rights_drop(account, error);
    if (code == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* changing the user forgot it */
        code = rights_confine(&paths, &partly, error);
    }
    if (code == 0 && partly)
        log_line(LOG_LEVEL_INFO, "herald: %s; it is confined by seccomp and its user alone",
                 partly);
    return code;
}

/* ---- The main thread: what is, and what follows from it ---------------------------------------
 */

static const char *remedy_of(const char *kind)
{
    for (int i = 0; i < ALARM_KIND_COUNT; i++)
        if (strcmp(alarm_name((enum alarm_kind)i), kind) == 0)
            return alarm_remedy((enum alarm_kind)i);
    return "";
}

static void record_incident(struct herald *h, const struct incident *incident)
{
    struct act act = {.kind = ACT_ALARM, .at = clock_wall()};
    char reason[ACT_REASON_SIZE * 2];
    enum notice_state state = notice_state(incident);
    const struct incident_kind *kind =
        &incident->kind[incident->kind_count ? incident->kind_count - 1 : 0];
    snprintf(reason, sizeof reason, "%s %s: %s", kind->kind,
             state == NOTICE_OVER ? "is over" : notice_state_name(state), kind->text);
    act_text(act.actor, sizeof act.actor, TEXT("herald"));
    act_text(act.object, sizeof act.object, text_of(incident->id));
    act_text(act.reason, sizeof act.reason, text_of(reason));
    act_text(act.evidence, sizeof act.evidence, TEXT("ecluse status"));
    act_number(&act, "version", incident->version);
    act_number(&act, "kinds", incident->kind_count);
    if (handover_act(h->ring, &act))
        tally_told(&h->tally, OUTPUT_RECORD, 1, clock_wall());
    else
        tally_failed(&h->tally, OUTPUT_RECORD, "the record takes nothing", clock_wall());
}

static void take_look(struct herald *h, struct look *look)
{
    nanos_t boot = clock_boot();
    pthread_mutex_lock(&h->lock);
    memcpy(h->look, look, sizeof *look);
    h->looked = boot;
    if (incidents_look(&h->incidents, look->sign, look->signs, boot, clock_wall()))
        h->save = true;
    for (struct incident *next; (next = incidents_next(&h->incidents, CHANNEL_RECORD)) != NULL;) {
        struct incident copy = *next;
        record_incident(h, &copy);
        incidents_told(&h->incidents, copy.id, copy.version, CHANNEL_RECORD, h->channels);
        h->save = true;
    }
    pthread_mutex_unlock(&h->lock);
}

struct incoming {
    struct look *look;
    size_t length;
};

/* False: the looker is gone, or is not itself any more. */
static bool take_from_looker(struct herald *h, int from, struct incoming *in)
{
    for (;;) {
        ssize_t got = read(from, (char *)in->look + in->length, sizeof *in->look - in->length);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        if (got == 0)
            return false;
        in->length += (size_t)got;
        if (in->length < sizeof *in->look)
            continue;
        in->length = 0;
        if (!look_is_sound(in->look))
            return false;
        take_look(h, in->look);
    }
}

/* Whether the contract in force says of outputs what this process began with. */
static bool is_current(struct herald *h)
{
    if (control_live(h->control) == h->generation)
        return true;
    uint64_t live = control_live(h->control);
    struct contract *c = calloc(1, sizeof *c);
    struct error error;
    if (c == NULL || contract_published(h->child.runtime, live, c, &error) < 0) {
        free(c);
        return true; /* looked at again in a second */
    }
    bool same = memcmp(&c->outputs, &h->contract->outputs, sizeof c->outputs) == 0 &&
                strcmp(c->desk.address, h->contract->desk.address) == 0 &&
                strcmp(c->organisation, h->contract->organisation) == 0;
    if (same)
        h->generation = live;
    free(c);
    return same;
}

/* Whether a secret was put right, or replaced, since it was read. One whose folder is closed to us
 * says nothing. */
static bool secrets_are_current(struct herald *h)
{
    bool current = true;
    for (unsigned i = 0; i < h->secrets; i++) {
        struct herald_secret *secret = &h->secret[i];
        struct secret_look look = secret_look(secret->path);
        if (look.code != -EACCES && !secret_looks_alike(&look, &secret->read))
            current = current && !secret_looks_alike(&look, &secret->seen);
        secret->seen = look;
    }
    return current;
}

static int watch(struct herald *h, int from)
{
    struct incoming in = {.look = calloc(1, sizeof *in.look)};
    int status = in.look ? -1 : EXIT_FAILURE;
    nanos_t looked = clock_boot();
    while (status < 0) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        poll(&ready, 1, 500);
        if (reopen_asked) {
            reopen_asked = 0;
            h->reopen = true;
        }
        if (stop_asked || getppid() != h->child.parent)
            status = EXIT_SUCCESS;
        else if (!take_from_looker(h, from, &in) || h->broken)
            status = EXIT_FAILURE;
        else if (!is_current(h))
            status = HERALD_AGAIN;
        else if (clock_boot() - looked > NANOS_SECOND && (looked = clock_boot()) &&
                 !secrets_are_current(h))
            status = HERALD_AGAIN;
    }
    free(in.look);
    return status;
}

static void start_threads(struct herald *h, pthread_t thread[HERALD_THREADS], unsigned *count)
{
    const struct output_rules *o = &h->contract->outputs;
    const struct {
        bool wanted;
        void *(*run)(void *herald);
    } runs[HERALD_THREADS] = {
        {o->events[0], herald_events},    {o->syslog[0], herald_syslog},
        {h->webhook, herald_webhook},     {h->mailer.socket >= 0, herald_mail},
        {h->heartbeat, herald_heartbeat}, {true, herald_saver},
    };
    for (unsigned i = 0; i < HERALD_THREADS; i++)
        if (runs[i].wanted && pthread_create(&thread[*count], NULL, runs[i].run, h) == 0)
            ++*count;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int open_herald(struct herald *h, struct account *account, struct error *error)
{
    const struct child_words *k = &h->child;
    h->contract = calloc(1, sizeof *h->contract);
    h->look = calloc(1, sizeof *h->look);
    if (h->contract == NULL || h->look == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    int code = control_open(k->runtime, &h->control, error);
    if (code == 0) {
        h->generation = control_live(h->control);
        code = contract_published(k->runtime, h->generation, h->contract, error);
    }
    if (code < 0)
        return code;
    *account = account_of_service(k->state);
    snprintf(h->outputs, sizeof h->outputs, "%s/outputs", k->state);
    snprintf(h->audit, sizeof h->audit, "%s/audit", k->state);
    if (gethostname(h->host, sizeof h->host - 1) != 0)
        h->host[0] = 0;
    h->notice = (struct notice_source){h->contract->organisation, h->host,
                                       h->contract->desk.address, remedy_of};
    if (handover_open(k->runtime, HANDOVER_HERALD, &h->ring, error) < 0)
        log_line(LOG_LEVEL_WARNING, "herald: alarms are not recorded: %s", error->text);
    return 0;
}

static void open_outputs(struct herald *h, struct account *account)
{
    const struct output_rules *o = &h->contract->outputs;
    struct error error = {""};
    tally_want(&h->tally, OUTPUT_RECORD);
    if (o->syslog[0])
        tally_want(&h->tally, OUTPUT_SYSLOG);
    if (post_begin(&error) < 0)
        log_line(LOG_LEVEL_ERROR, "herald: %s", error.text);
    h->webhook = post_of(h, OUTPUT_WEBHOOK, o->webhook);
    h->heartbeat = post_of(h, OUTPUT_HEARTBEAT, o->heartbeat);
    make_events_folder(h, account);
    open_metrics(h);
    h->channels = 1U << CHANNEL_RECORD | (h->webhook ? 1U << CHANNEL_WEBHOOK : 0) |
                  (h->mailer.socket >= 0 ? 1U << CHANNEL_MAIL : 0);
}

/* Threads save how far they told as they end. One that talks to somebody who hangs ends within
 * POST_PATIENCE; who asked us to stop waits less, so we do not wait for that. */
static void wait_for_threads(const pthread_t *thread, unsigned count)
{
    const nanos_t until = clock_boot() + 300 * NANOS_MILLISECOND;
    for (unsigned i = 0; i < count && clock_boot() < until;)
        if (pthread_tryjoin_np(thread[i], NULL) == 0)
            i++;
        else
            poll(NULL, 0, 5);
}

static _Noreturn void end(struct herald *h, const pthread_t *thread, unsigned count, int status)
{
    h->stop = true;
    nanos_t until = clock_boot() + 2 * NANOS_SECOND;
    struct output_state states[OUTPUT_COUNT];
    char path[CONTRACT_PATH_SIZE + 48];
    struct error error;
    while (h->save && clock_boot() < until)
        poll(NULL, 0, 20);
    wait_for_threads(thread, count);
    snprintf(path, sizeof path, "%s/outputs/tally.json", h->child.runtime);
    tally_copy(&h->tally, states);
    tally_write(path, states, clock_wall(), &error);
    _exit(status);
}

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the supervisor stops us in order */
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "ecluse-herald");
    umask(0022); /* the file of events is not for everybody all the same */
}

_Noreturn void herald_main(const struct child_words *k)
{
    static struct herald herald;
    struct herald *h = &herald;
    struct account account;
    struct error error = {""};
    pthread_t thread[HERALD_THREADS];
    unsigned threads = 0;
    take_signals();
    h->child = *k;
    tally_init(&h->tally);
    must(pthread_mutex_init(&h->lock, NULL) == 0);
    int code = open_herald(h, &account, &error), from = -1;
    if (code == 0) {
        from = start_looker(h, &account,
                            &error); /* and the mailer: before there is a secret in memory */
        open_mailer(h, &account);
        open_outputs(h, &account);
        code = from < 0 ? from : 0;
    }
    /* The log belongs to a user of its own; its group may read it. */
    account.gid = account_of_audit(k->state).gid;
    if (code == 0)
        code = confine(h, &account, &error);
    if (code < 0) {
        log_line(LOG_LEVEL_ERROR, "herald: %s", error.text);
        _exit(EXIT_FAILURE);
    }
    herald_read_incidents(h);
    start_threads(h, thread, &threads);
    if (h->metrics >= 0 && herald_serve(h) == NULL) {
        error_set(&error, 0, "the figures cannot be served");
        say_failed(h, OUTPUT_METRICS, &error);
    }
    end(h, thread, threads, watch(h, from));
}
