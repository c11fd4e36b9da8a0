#include "desk/answer.h"
#include "desk/stream.h"
#include "desk/timeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SIGN_INS_MOST = 8,
    ACTS_MOST = 32,
    SETTLE_MILLISECONDS = 20,
    CONNECTION_MEMORY = 24 * 1024,
    SEND_WITHIN_S = 15
};

#define SETTLE_FOR        (2 * NANOS_SECOND)
#define FAILED_TOLD_EVERY (10 * NANOS_SECOND)

/* ---- One request ----------------------------------------------------------------------------- */

static void take_peer(struct exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info ? info->client_addr : NULL;
    if (peer && peer->sa_family == AF_INET) {
        x->address[10] = x->address[11] = 0xff;
        memcpy(x->address + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    } else if (peer && peer->sa_family == AF_INET6) {
        memcpy(x->address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    }
    const struct desk_setup *setup = x->desk->setup;
    struct text proto = exchange_header(x, "X-Forwarded-Proto");
    if (setup->local)
        forwarded_address(exchange_header(x, "X-Forwarded-For"), x->address);
    x->https = setup->local && proto.length ? text_is(proto, "https")
                                            : strncmp(setup->address, "https://", 8) == 0;
}

static void take_language(struct exchange *x)
{
    struct text asked = exchange_query(x, "lang"),
                kept = cookie_find(exchange_header(x, "Cookie"), "lang");
    x->language_chosen = text_is(asked, "fr") || text_is(asked, "en");
    if (x->language_chosen)
        kept = asked;
    if (text_is(kept, "fr") || text_is(kept, "en"))
        x->language = text_is(kept, "fr") ? SAY_FR : SAY_EN;
    else
        x->language =
            language_wanted(exchange_header(x, "Accept-Language")) == LANGUAGE_FR ? SAY_FR : SAY_EN;
}

static struct exchange *exchange_new(struct desk *desk, struct MHD_Connection *connection,
                                     const char *path, const char *method)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->desk = desk;
    x->connection = connection;
    x->now = clock_boot();
    /* A path or method that does not fit is none of ours: it is not found. */
    if (snprintf(x->path, sizeof x->path, "%s", path) >= (int)sizeof x->path)
        strcpy(x->path, "/-");
    if (snprintf(x->method, sizeof x->method, "%s", method) >= (int)sizeof x->method)
        strcpy(x->method, "-");
    x->api = strncmp(x->path, "/api/", 5) == 0;
    take_peer(x);
    take_language(x);
    x->browser = exchange_header(x, "User-Agent");
    x->token = cookie_find(exchange_header(x, "Cookie"), x->https ? "__Host-ecluse" : "ecluse");
    return x;
}

static void exchange_free(void *context, struct MHD_Connection *connection, void **own,
                          enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    (void)how;
    struct exchange *x = *own;
    if (x) {
        sodium_memzero(x, sizeof *x);
        free(x);
    }
    *own = NULL;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *length, void **own)
{
    (void)version;
    struct exchange *x = *own;
    if (!x) {
        *own = x = exchange_new(context, connection, path, method);
        return x ? MHD_YES : MHD_NO;
    }
    if (*length) {
        if (*length > sizeof x->body - x->body_length)
            x->too_long = true;
        else
            memcpy(x->body + x->body_length, data, *length);
        x->body_length += x->too_long ? 0 : *length;
        *length = 0;
        return MHD_YES;
    }
    if (x->away && !x->back)
        return MHD_YES; /* suspended, and MHD looks again */
    x->now = clock_boot();
    return answer(x);
}

enum MHD_Result exchange_away(struct exchange *x, struct job_queue *queue,
                              void (*run)(struct job *))
{
    x->job.run = run;
    if (job_give(queue, &x->job) < 0)
        return x->api ? reply_later(x, MHD_HTTP_SERVICE_UNAVAILABLE, 2 * NANOS_SECOND, "busy",
                                    word(x->language, WORD_BUSY))
                      : reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
                                    word(x->language, WORD_BUSY));
    x->away = true;
    MHD_suspend_connection(x->connection);
    return MHD_YES;
}

/* ---- Jobs that are done ---------------------------------------------------------------------- */

static void give_back(struct exchange *x)
{
    x->back = true;
    MHD_resume_connection(x->connection);
}

static bool waits_for_effect(const struct exchange *x)
{
    enum route_id id = x->route->id;
    return x->work.result == 0 &&
           (id == ROUTE_HOLD_RELEASE || id == ROUTE_API_RELEASE || id == ROUTE_PANIC_FORM ||
            id == ROUTE_API_PANIC || id == ROUTE_API_PANIC_OFF);
}

static void take_done(struct desk *desk, struct job_queue *queue)
{
    for (struct job *job; (job = job_next(queue));) {
        struct exchange *x = (struct exchange *)job;
        if (!waits_for_effect(x)) {
            give_back(x);
            continue;
        }
        x->settle_until = clock_boot() + SETTLE_FOR;
        job->next = desk->settling;
        desk->settling = job;
    }
}

static bool is_in_force(const struct desk *desk, const struct exchange *x)
{
    const struct situation *s = &desk->snapshot->status.s;
    struct hold hold;
    if (x->route->id == ROUTE_HOLD_RELEASE || x->route->id == ROUTE_API_RELEASE)
        return !situation_hold(s, (enum guard)x->work.hold.guard, x->work.hold.id, &hold);
    return s->control && control_panic(s->control) == x->work.on;
}

static void settle(struct desk *desk, nanos_t now)
{
    struct job *left = NULL;
    for (struct job *job = desk->settling, *next; job; job = next) {
        struct exchange *x = (struct exchange *)job;
        next = job->next;
        x->work.in_force = is_in_force(desk, x);
        if (x->work.in_force || now >= x->settle_until) {
            give_back(x);
        } else {
            job->next = left;
            left = job;
        }
    }
    desk->settling = left;
}

/* ---- Every second ---------------------------------------------------------------------------- */

/* Who was changed or removed, here or by the command line, is signed out. */
static void follow_operators(struct desk *desk)
{
    char path[CONTRACT_PATH_SIZE + 32];
    struct stat about;
    struct error error;
    snprintf(path, sizeof path, "%s/access/operators", desk->setup->state);
    if (stat(path, &about) != 0)
        memset(&about, 0, sizeof about);
    if (about.st_mtim.tv_sec == desk->operators_changed.tv_sec &&
        about.st_mtim.tv_nsec == desk->operators_changed.tv_nsec)
        return;
    struct operators *operators = calloc(1, sizeof *operators);
    must(operators != NULL);
    int failed = operators_load(desk->setup->state, operators, &error);
    if (failed && failed != -ENOENT)
        log_line(LOG_LEVEL_ERROR, "desk: %s", error.text);
    if (!failed || failed == -ENOENT)
        sessions_follow(&desk->sessions, operators);
    desk->operators_changed = about.st_mtim;
    sodium_memzero(operators, sizeof *operators);
    free(operators);
}

static void tell_failed_sign_ins(struct desk *desk, nanos_t now)
{
    if (!desk->failed_sign_ins || now - desk->failed_told < FAILED_TOLD_EVERY)
        return;
    struct act act = {.at = clock_wall(), .kind = ACT_SIGN_IN_FAILED};
    char reason[64];
    snprintf(reason, sizeof reason, "%llu attempt%s to sign in",
             (unsigned long long)desk->failed_sign_ins, desk->failed_sign_ins == 1 ? "" : "s");
    act_text(act.actor, sizeof act.actor, TEXT("guard desk"));
    act_text(act.object, sizeof act.object, TEXT("desk"));
    act_text(act.reason, sizeof act.reason, text_of(reason));
    act_number(&act, "count", (int64_t)desk->failed_sign_ins);
    handover_act(desk->handover, &act);
    desk->failed_sign_ins = 0;
    desk->failed_told = now;
}

static void each_second(struct desk *desk, nanos_t now)
{
    snapshot_take(desk->snapshot, desk->setup->store);
    timeline_follow(desk);
    parts_write(desk->parts, desk->snapshot);
    streams_tick(desk, now);
    follow_operators(desk);
    tell_failed_sign_ins(desk, now);
    limits_tick(desk->limits, now);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_log(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments; /* what clients do wrong is no line of ours, and may name them */
}

static int start_daemon(struct desk *desk, struct error *error)
{
    unsigned each = desk->setup->local ? DESK_CONNECTIONS : DESK_CONNECTIONS_EACH;
    desk->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
        desk, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
        desk->setup->listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned)DESK_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, each, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)SEND_WITHIN_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_free, NULL, MHD_OPTION_END);
    return desk->daemon ? 0 : error_set(error, -EIO, "the desk's listener cannot be served");
}

static int open_all(struct desk *desk, struct error *error)
{
    const struct desk_setup *setup = desk->setup;
    struct error why;
    sessions_init(&desk->sessions);
    desk->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    desk->parts = parts_new();
    int failed = desk->done < 0 || !desk->parts ? error_set(error, -ENOMEM, "out of memory") : 0;
    if (!failed)
        failed = snapshot_new(setup->runtime, &desk->snapshot, error);
    if (failed)
        return failed;
    if (limits_open(setup->state, setup->runtime, &desk->limits, &why) < 0)
        log_line(LOG_LEVEL_WARNING, "desk: sign-ins are not counted: %s", why.text);
    if (handover_open(setup->runtime, HANDOVER_DESK, &desk->handover, &why) < 0)
        log_line(LOG_LEVEL_WARNING, "desk: nothing of what is done here goes on the record: %s",
                 why.text);
    return 0;
}

/* Threads, which are to have no more rights than their process has by now, and the listener. */
static int start_all(struct desk *desk, struct error *error)
{
    int failed = job_queue_new(SIGN_INS_MOST, desk->done, &desk->sign_ins, error);
    if (!failed)
        failed = job_queue_new(ACTS_MOST, desk->done, &desk->acts, error);
    if (failed)
        return failed;
    each_second(desk, clock_boot());
    return start_daemon(desk, error);
}

static int wait_milliseconds(struct desk *desk, nanos_t next)
{
    nanos_t left = next - clock_boot();
    int wait = left > 0 ? (int)(left / NANOS_MILLISECOND) + 1 : 0;
    MHD_UNSIGNED_LONG_LONG own;
    if (MHD_get_timeout(desk->daemon, &own) == MHD_YES && own < (MHD_UNSIGNED_LONG_LONG)wait)
        wait = (int)own;
    return desk->settling && wait > SETTLE_MILLISECONDS ? SETTLE_MILLISECONDS : wait;
}

static void serve(struct desk *desk, const volatile sig_atomic_t *stop)
{
    int sockets = MHD_get_daemon_info(desk->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    nanos_t next = clock_boot() + NANOS_SECOND;
    while (!*stop) {
        struct pollfd ready[] = {{.fd = sockets, .events = POLLIN},
                                 {.fd = desk->done, .events = POLLIN}};
        poll(ready, 2, wait_milliseconds(desk, next));
        uint64_t count;
        if (ready[1].revents && read(desk->done, &count, sizeof count) < 0 && errno != EAGAIN)
            log_line(LOG_LEVEL_WARNING, "desk: %s", strerror(errno));
        take_done(desk, desk->sign_ins);
        take_done(desk, desk->acts);
        nanos_t now = clock_boot();
        if (now >= next) {
            each_second(desk, now);
            next = now + NANOS_SECOND;
        }
        settle(desk, now);
        MHD_run(desk->daemon);
    }
}

static void close_all(struct desk *desk)
{
    job_queue_stop(desk->sign_ins);
    job_queue_stop(desk->acts);
    if (desk->daemon) { /* nothing may be suspended when it stops */
        streams_end(desk);
        take_done(desk, desk->sign_ins);
        take_done(desk, desk->acts);
        settle(desk, NANOS_FOREVER);
        MHD_run(desk->daemon);
        MHD_stop_daemon(desk->daemon);
    }
    job_queue_free(desk->sign_ins);
    job_queue_free(desk->acts);
    audit_reader_close(desk->reader);
    handover_close(desk->handover);
    limits_close(desk->limits);
    snapshot_free(desk->snapshot);
    parts_free(desk->parts);
    if (desk->done >= 0)
        close(desk->done);
    sodium_memzero(&desk->sessions, sizeof desk->sessions);
    free(desk);
}

int desk_open(const struct desk_setup *setup, struct desk **out, struct error *error)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk || sodium_init() < 0) {
        free(desk);
        return error_set(error, -ENOMEM, "out of memory");
    }
    desk->setup = setup;
    desk->done = -1;
    int failed = open_all(desk, error);
    if (failed) {
        close_all(desk);
        return failed;
    }
    *out = desk;
    return 0;
}

int desk_serve(struct desk *desk, const volatile sig_atomic_t *stop, struct error *error)
{
    int failed = start_all(desk, error);
    if (!failed)
        serve(desk, stop);
    close_all(desk);
    return failed;
}
