/* `ecluse serve`: nginx with the module, and `ecluse run`, as one thing: for those without an nginx
 * of their own, for trials and tests. Whatever it starts ends with it. */
#include "cli/child.h"
#include "cli/nginx_conf.h"
#include "cli/output.h"
#include "cli/serve_parts.h"
#include "cli/situation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const nanos_t start_patience = 15 * NANOS_SECOND;
static const nanos_t kept_patience = 4 * NANOS_SECOND; /* one that may listen elsewhere */
static const nanos_t stop_patience = 5 * NANOS_SECOND;

/* One nginx: the public's, or the lane's. */
struct front {
    struct nginx_settings settings;
    struct child nginx;
    bool kept; /* its configuration was edited: it need not listen where we were told */
};

struct serve {
    struct contract *contract;
    struct front public, lane;
    struct lane settled; /* what `lane` is for; without a name: there is none */
    char *file;          /* the contract's, absolute */
    char *folder;        /* absolute */
    char *module;
    struct child run;
    int signals;
    bool stop;
};

/* ---- Starting -------------------------------------------------------------------------------- */

static bool settle_options(const struct arguments *a, struct serve *s, struct error *error)
{
    const char *listen = a->option[OPTION_LISTEN], *workers = a->option[OPTION_WORKERS];
    if (a->option[OPTION_ORIGIN] == NULL || a->option[OPTION_DIR] == NULL) {
        error_set(error, 0,
                  "`ecluse serve` needs --origin URL (the service behind) and --dir DIR "
                  "(where nginx's configuration goes)");
        return false;
    }
    if (!listener_parse(listen ? listen : "127.0.0.1:8080", &s->public.settings.listener, error) ||
        !origin_parse(a->option[OPTION_ORIGIN], &s->public.settings.origin, error) ||
        (a->option[OPTION_LANE] && !lane_parse(a->option[OPTION_LANE], &s->settled, error)))
        return false;
    if (workers) {
        char *end;
        unsigned long count = strtoul(workers, &end, 10);
        if (*end || count < 1 || count > 256) {
            error_set(error, 0, "--workers %.20s: is not a number from 1 to 256", workers);
            return false;
        }
        s->public.settings.workers = (unsigned)count;
    }
    return true;
}

static bool settle_files(const struct arguments *a, struct serve *s, struct error *error)
{
    s->file = realpath(contract_file(a), NULL);
    if (s->file == NULL) {
        error_set(error, 0, "%s: %s", contract_file(a), strerror(errno));
        return false;
    }
    s->folder = serve_make_folder(a->option[OPTION_DIR], error);
    if (s->folder == NULL)
        return false;
    s->module = serve_find_module(a->option[OPTION_MODULE], error);
    if (s->module == NULL)
        return false;
    s->public.settings.contract = s->contract;
    s->public.settings.folder = s->folder;
    s->public.settings.module = s->module;
    s->public.settings.user = serve_workers_user();
    s->public.settings.descriptors = serve_descriptors();
    s->lane.settings = s->public.settings;
    s->lane.settings.lane = &s->settled;
    s->lane.settings.listener = s->settled.listener;
    return true;
}

static bool start_run(struct serve *s, struct error *error)
{
    const char *words[] = {"ecluse", "run", "-c", s->file, NULL};
    pid_t pid = serve_start("/proc/self/exe", words);
    if (pid < 0) {
        error_set(error, 0, "`ecluse run` cannot be started: %s", strerror(errno));
        return false;
    }
    child_began(&s->run, pid, clock_boot());
    return true;
}

static bool start_nginx(struct serve *s, struct front *front, struct error *error)
{
    const char *log = front == &s->lane ? "lane-error.log" : "error.log";
    const char *words[] = {
        "nginx", "-p", s->folder, "-c",          nginx_conf_name(&front->settings),
        "-e",    log,  "-g",      "daemon off;", NULL};
    pid_t pid = serve_start("nginx", words);
    if (pid < 0) {
        error_set(error, 0, "nginx cannot be started: %s", strerror(errno));
        return false;
    }
    child_began(&front->nginx, pid, clock_boot());
    return true;
}

static bool has_lane(const struct serve *s)
{
    return *s->settled.name;
}

/* Whether a signal has come that says to stop, so that Ctrl-C ends a start that does not succeed.
 */
static bool stop_asked(struct serve *s)
{
    struct signalfd_siginfo info;
    while (!s->stop && read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
        s->stop = info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
    return s->stop;
}

/* Waits until ready() says so; false when the child ends first, time is up, or we are told to stop.
 */
static bool wait_for(struct serve *s, struct child *child, nanos_t patience,
                     bool (*ready)(const struct serve *s))
{
    nanos_t deadline = clock_boot() + patience;
    while (clock_boot() < deadline && !stop_asked(s)) {
        if (ready(s))
            return true;
        if (waitpid(child->pid, NULL, WNOHANG) == child->pid) {
            child->pid = 0;
            return false;
        }
        poll(NULL, 0, 20);
    }
    return false;
}

static bool run_is_ready(const struct serve *s)
{
    const struct control *control;
    if (control_open(s->contract->runtime, &control, NULL) < 0)
        return false;
    bool ready = control_supervisor(control) == s->run.pid && control_live(control) > 0 &&
                 serve_segment_is_there(s->contract);
    control_close(control);
    return ready;
}

static bool public_is_ready(const struct serve *s)
{
    return serve_answers(&s->public.settings.listener);
}

static bool lane_is_ready(const struct serve *s)
{
    return serve_answers(&s->lane.settings.listener);
}

static const char *listen_option(const struct serve *s, const struct front *front)
{
    return front == &s->lane ? "--lane" : "--listen";
}

/* 0, or EXIT_COULD_NOT after having said why. */
static int start_front(struct serve *s, struct front *front, bool (*ready)(const struct serve *s))
{
    struct error error;
    const struct listener *listener = &front->settings.listener;
    if (serve_answers(listener))
        return could_not(false, "something answers on %s:%u already; choose another %s",
                         listener->address, listener->port, listen_option(s, front));
    if (!start_nginx(s, front, &error))
        return could_not(false, "%s", error.text);
    nanos_t patience = front->kept ? kept_patience : start_patience;
    if (wait_for(s, &front->nginx, patience, ready) || s->stop)
        return EXIT_DONE;
    if (front->kept && front->nginx.pid > 0)
        return could_not(false,
                         "nginx does not answer on %s:%u; %s/%s was edited and is kept, so that %s "
                         "changes nothing in it: name the address that it listens on, or remove it "
                         "to have it written again",
                         listener->address, listener->port, s->folder,
                         nginx_conf_name(&front->settings), listen_option(s, front));
    return could_not(false, "nginx does not answer on %s:%u; %s/%serror.log says why",
                     listener->address, listener->port, s->folder,
                     front == &s->lane ? "lane-" : "");
}

/* The lane first: it is there before the public is. */
static int start_all(struct serve *s)
{
    struct error error;
    if (!serve_nginx_test(s->folder, nginx_conf_name(&s->public.settings), &error) ||
        (has_lane(s) && !serve_nginx_test(s->folder, nginx_conf_name(&s->lane.settings), &error)))
        return could_not(false, "%s", error.text);
    if (!start_run(s, &error))
        return could_not(false, "%s", error.text);
    if (!wait_for(s, &s->run, start_patience, run_is_ready))
        return s->stop ? EXIT_DONE
                       : could_not(false, "`ecluse run` did not begin; it says why above");
    if (!serve_workers_may_enter(s->contract, s->folder, &error))
        return could_not(false, "%s", error.text);
    int status = has_lane(s) ? start_front(s, &s->lane, lane_is_ready) : EXIT_DONE;
    if (status == EXIT_DONE && !s->stop)
        status = start_front(s, &s->public, public_is_ready);
    return status;
}

/* ---- Going on -------------------------------------------------------------------------------- */

/* Of an nginx that has died: its workers are ours now. */
static void end_workers(const struct serve *s)
{
    const pid_t but[] = {s->run.pid, s->public.nginx.pid, s->lane.nginx.pid};
    serve_end_orphans(but, sizeof but / sizeof but[0]);
}

static void reap(struct serve *s, nanos_t now)
{
    int status;
    for (pid_t gone; (gone = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (gone == s->run.pid) {
            child_died(&s->run, status, now);
        } else if (gone == s->public.nginx.pid) {
            child_died(&s->public.nginx, status, now);
            end_workers(s); /* they hold the port */
        } else if (gone == s->lane.nginx.pid) {
            child_died(&s->lane.nginx, status, now);
            end_workers(s);
        }
    }
}

static void take_signals(struct serve *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            s->stop = true;
        } else if (info.ssi_signo == SIGCHLD) {
            reap(s, clock_boot());
        } else if (info.ssi_signo == SIGHUP) {
            log_line(LOG_LEVEL_INFO, "reading the contract and nginx's configuration again");
            if (s->run.pid > 0)
                kill(s->run.pid, SIGHUP);
            if (s->public.nginx.pid > 0)
                kill(s->public.nginx.pid, SIGHUP);
            if (s->lane.nginx.pid > 0)
                kill(s->lane.nginx.pid, SIGHUP);
        }
    }
}

static void go_on(struct serve *s)
{
    struct error error;
    while (!s->stop) {
        struct pollfd ready = {.fd = s->signals, .events = POLLIN};
        poll(&ready, 1, 500);
        take_signals(s);
        reap(s, clock_boot());
        nanos_t now = clock_boot();
        if (!s->stop && child_due(&s->run, now) && !start_run(s, &error))
            log_line(LOG_LEVEL_ERROR, "%s", error.text);
        if (!s->stop && child_due(&s->public.nginx, now) && !start_nginx(s, &s->public, &error))
            log_line(LOG_LEVEL_ERROR, "%s", error.text);
        if (!s->stop && has_lane(s) && child_due(&s->lane.nginx, now) &&
            !start_nginx(s, &s->lane, &error))
            log_line(LOG_LEVEL_ERROR, "%s", error.text);
    }
}

/* nginx first, so that whoever is being answered is answered; QUIT lets requests end. */
static void stop_all(struct serve *s)
{
    child_stop(&s->public.nginx, SIGQUIT, stop_patience);
    child_stop(&s->lane.nginx, SIGQUIT, stop_patience);
    end_workers(s);
    child_stop(&s->run, SIGTERM, 3 * stop_patience);
    serve_end_orphans(NULL, 0);
}

static void listen_to_signals(struct serve *s)
{
    s->signals = child_signals();
    /* Grandchildren whose parent is killed become ours, so that we can end them. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static bool write_configuration(const struct serve *s, struct front *front, struct error *error)
{
    enum nginx_conf_result result;
    if (nginx_conf_write(&front->settings, &result, error) < 0)
        return false;
    front->kept = result == NGINX_CONF_KEPT;
    if (front->kept)
        log_line(LOG_LEVEL_INFO,
                 "%s/%s was edited and is kept: %s, --origin and --workers change nothing in it; "
                 "remove it to have it written again",
                 s->folder, nginx_conf_name(&front->settings), listen_option(s, front));
    return true;
}

static int serve_all(const struct arguments *a, struct serve *s)
{
    struct error error;
    if (!settle_options(a, s, &error))
        return could_not(false, "%s", error.text);
    s->contract = contract_load(contract_file(a), false);
    if (s->contract == NULL)
        return EXIT_COULD_NOT;
    if (!settle_files(a, s, &error))
        return could_not(false, "%s", error.text);
    if (!write_configuration(s, &s->public, &error) ||
        (has_lane(s) && !write_configuration(s, &s->lane, &error)))
        return could_not(false, "%s", error.text);
    listen_to_signals(s);
    int status = start_all(s);
    if (status == EXIT_DONE && !s->stop) {
        printf("ready %s:%u\n", s->public.settings.listener.address,
               s->public.settings.listener.port);
        if (has_lane(s))
            printf("lane %s %s:%u\n", s->settled.name, s->settled.listener.address,
                   s->settled.listener.port);
        fflush(stdout);
        go_on(s);
    }
    stop_all(s);
    return status;
}

int command_serve(const struct arguments *a)
{
    struct serve s = {.run = {.name = "`ecluse run`"},
                      .public.nginx = {.name = "nginx"},
                      .lane.nginx = {.name = "the lane's nginx"},
                      .signals = -1};
    int status = serve_all(a, &s);
    free(s.contract);
    free(s.file);
    free(s.folder);
    free(s.module);
    return status;
}
