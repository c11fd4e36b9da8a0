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
static const nanos_t stop_patience = 5 * NANOS_SECOND;

struct serve {
    struct contract *contract;
    struct nginx_settings settings;
    char *file;   /* the contract's, absolute */
    char *folder; /* absolute */
    char *module;
    struct child run, nginx;
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
    if (!listener_parse(listen ? listen : "127.0.0.1:8080", &s->settings.listener, error) ||
        !origin_parse(a->option[OPTION_ORIGIN], &s->settings.origin, error))
        return false;
    if (workers) {
        char *end;
        unsigned long count = strtoul(workers, &end, 10);
        if (*end || count < 1 || count > 256) {
            error_set(error, 0, "--workers %.20s: is not a number from 1 to 256", workers);
            return false;
        }
        s->settings.workers = (unsigned)count;
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
    s->settings.contract = s->contract;
    s->settings.folder = s->folder;
    s->settings.module = s->module;
    s->settings.user = serve_workers_user();
    s->settings.descriptors = serve_descriptors();
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

static bool start_nginx(struct serve *s, struct error *error)
{
    const char *words[] = {"nginx", "-p",        s->folder, "-c",          "nginx.conf",
                           "-e",    "error.log", "-g",      "daemon off;", NULL};
    pid_t pid = serve_start("nginx", words);
    if (pid < 0) {
        error_set(error, 0, "nginx cannot be started: %s", strerror(errno));
        return false;
    }
    child_began(&s->nginx, pid, clock_boot());
    return true;
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
static bool wait_for(struct serve *s, struct child *child, bool (*ready)(const struct serve *s))
{
    nanos_t deadline = clock_boot() + start_patience;
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

static bool nginx_is_ready(const struct serve *s)
{
    return serve_answers(&s->settings.listener);
}

/* 0, or EXIT_COULD_NOT after having said why. */
static int start_all(struct serve *s)
{
    struct error error;
    if (!serve_nginx_test(s->folder, &error))
        return could_not(false, "%s", error.text);
    if (!start_run(s, &error))
        return could_not(false, "%s", error.text);
    if (!wait_for(s, &s->run, run_is_ready))
        return s->stop ? EXIT_DONE
                       : could_not(false, "`ecluse run` did not begin; it says why above");
    if (!serve_workers_may_enter(s->contract, s->folder, &error))
        return could_not(false, "%s", error.text);
    if (serve_answers(&s->settings.listener))
        return could_not(false, "something answers on %s:%u already; choose another --listen",
                         s->settings.listener.address, s->settings.listener.port);
    if (!start_nginx(s, &error))
        return could_not(false, "%s", error.text);
    if (!wait_for(s, &s->nginx, nginx_is_ready))
        return s->stop
                   ? EXIT_DONE
                   : could_not(false, "nginx does not answer on %s:%u; %s/error.log says why",
                               s->settings.listener.address, s->settings.listener.port, s->folder);
    return EXIT_DONE;
}

/* ---- Going on -------------------------------------------------------------------------------- */

static void reap(struct serve *s, nanos_t now)
{
    int status;
    for (pid_t gone; (gone = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (gone == s->run.pid) {
            child_died(&s->run, status, now);
        } else if (gone == s->nginx.pid) {
            child_died(&s->nginx, status, now);
            serve_end_orphans(s->run.pid, 0); /* its workers hold the port */
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
            if (s->nginx.pid > 0)
                kill(s->nginx.pid, SIGHUP);
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
        if (!s->stop && child_due(&s->nginx, now) && !start_nginx(s, &error))
            log_line(LOG_LEVEL_ERROR, "%s", error.text);
    }
}

/* nginx first, so that whoever is being answered is answered; QUIT lets requests end. */
static void stop_all(struct serve *s)
{
    child_stop(&s->nginx, SIGQUIT, stop_patience);
    serve_end_orphans(s->run.pid, 0);
    child_stop(&s->run, SIGTERM, 3 * stop_patience);
    serve_end_orphans(0, 0);
}

static void listen_to_signals(struct serve *s)
{
    s->signals = child_signals();
    /* Grandchildren whose parent is killed become ours, so that we can end them. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
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
    enum nginx_conf_result result;
    if (nginx_conf_write(&s->settings, &result, &error) < 0)
        return could_not(false, "%s", error.text);
    if (result == NGINX_CONF_KEPT)
        log_line(LOG_LEVEL_INFO,
                 "%s/nginx.conf was edited and is kept: --listen, --origin and "
                 "--workers change nothing in it; remove it to have it written again",
                 s->folder);
    listen_to_signals(s);
    int status = start_all(s);
    if (status == EXIT_DONE && !s->stop) {
        printf("ready %s:%u\n", s->settings.listener.address, s->settings.listener.port);
        fflush(stdout);
        go_on(s);
    }
    stop_all(s);
    return status;
}

int command_serve(const struct arguments *a)
{
    struct serve s = {.run = {.name = "`ecluse run`"}, .nginx = {.name = "nginx"}, .signals = -1};
    int status = serve_all(a, &s);
    free(s.contract);
    free(s.file);
    free(s.folder);
    free(s.module);
    return status;
}
