/* origin: a small service with a database, for the demo and the benchmarks. See origin.h.
 *
 *   origin --fill DATABASE < EVENTS.ndjson
 *   origin --serve DATABASE [--port N] [--threads N] [--work MICROSECONDS] [--connections N]
 *                                                        prints `ready 127.0.0.1:PORT`
 *
 * Listens on 127.0.0.1 only. All threads take from one epoll; each has its own connection to the
 * database.
 */
#include "origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, HEAD_MAX = 256, THREADS_MAX = 64 };

struct connection {
    int descriptor;
    size_t length;
    char request[REQUEST_MAX];
};

struct worker {
    struct origin_database *database;
};

static struct service {
    int listener, poll;
    int64_t work; /* nanoseconds of CPU a request */
    long most;    /* connections at once */
    _Atomic long open;
    _Atomic bool full; /* the listener is out of the poll until one closes */
    _Atomic uint64_t count[ORIGIN_ROUTE_COUNT];
} service = {.most = 10000};

/* Where the blank line after a request's head ends, 0 when it is not there yet. */
static size_t head_end(const struct connection *c)
{
    const char *end = memmem(c->request, c->length, "\r\n\r\n", 4);
    return end ? (size_t)(end - c->request) + 4 : 0;
}

/* The value of a header as a number; bodies are short and only skipped. */
static size_t body_length(const char *head, size_t length)
{
    static const char name[] = "\r\ncontent-length:";
    for (size_t i = 0; i + sizeof name - 1 < length; i++) {
        if (strncasecmp(head + i, name, sizeof name - 1) == 0)
            return (size_t)strtoul(head + i + sizeof name - 1, NULL, 10);
    }
    return 0;
}

static bool wants_close(const char *head, size_t length)
{
    static const char close_header[] = "\r\nconnection: close";
    for (size_t i = 0; i + sizeof close_header - 1 < length; i++) {
        if (strncasecmp(head + i, close_header, sizeof close_header - 1) == 0)
            return true;
    }
    return memmem(head, length, " HTTP/1.0\r\n", 11) != NULL;
}

static const char *reason(unsigned status)
{
    return status == 200 ? "OK" : status == 404 ? "Not Found" : "Internal Server Error";
}

/* Answers are a few kB: one that the socket does not take whole at once means a peer that does not
 * read. */
static bool reply(int descriptor, const struct origin_page *page, bool head_only, bool close_after)
{
    char out[HEAD_MAX + ORIGIN_BODY_MAX];
    int length = snprintf(out, HEAD_MAX,
                          "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                          "Cache-Control: %s\r\nConnection: %s\r\n\r\n",
                          page->status, reason(page->status), page->type, page->length,
                          page->status == 200 ? "max-age=60" : "no-store",
                          close_after ? "close" : "keep-alive");
    size_t all = (size_t)length;
    if (!head_only) {
        memcpy(out + all, page->body, page->length);
        all += page->length;
    }
    return send(descriptor, out, all, MSG_NOSIGNAL) == (ssize_t)all;
}

static int64_t thread_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* An application that thinks: CPU, not sleep, so that its threads are what runs short. */
static void think(enum origin_route route)
{
    int64_t end = thread_time() + service.work * (route == ORIGIN_LOGIN ? 5 : 1);
    while (service.work && thread_time() < end)
        continue;
}

static int counts_write(char *out, size_t size)
{
    static const char *const names[] = {
#define X(constant, name, text) name,
        ORIGIN_ROUTES(X)
#undef X
    };
    int length = 0;
    for (size_t i = 0; i < ORIGIN_ROUTE_COUNT; i++)
        length += snprintf(out + length, size - (size_t)length, "%s\"%s\":%llu", i ? "," : "{",
                           names[i], (unsigned long long)atomic_load(&service.count[i]));
    return length + snprintf(out + length, size - (size_t)length, "}\n");
}

static void make_page(struct origin_database *database, bool post, const char *path, size_t length,
                      struct origin_page *page)
{
    if (length == 8 && memcmp(path, "/_counts", 8) == 0) {
        page->length = (size_t)counts_write(page->body, sizeof page->body);
        page->status = 200;
        page->type = "application/json";
        return;
    }
    page_make(database, post, path, length, page);
    atomic_fetch_add(&service.count[page->route], 1);
    think(page->route);
}

/* Answers every whole request in the buffer. Returns false when the connection is to be closed. */
static bool answer(struct connection *c, struct origin_database *database)
{
    size_t head;
    while ((head = head_end(c)) != 0) {
        size_t body = body_length(c->request, head);
        if (body > REQUEST_MAX - head)
            return false;
        if (c->length < head + body)
            return true;
        char *space = memchr(c->request, ' ', head);
        char *end = space ? memchr(space + 1, ' ', head - (size_t)(space + 1 - c->request)) : NULL;
        if (!end)
            return false;
        char *path = space + 1;
        size_t length = (size_t)(end - path);
        const char *query = memchr(path, '?', length);
        if (query)
            length = (size_t)(query - path);
        struct origin_page page;
        make_page(database, c->request[0] == 'P', path, length, &page);
        bool close_after = wants_close(c->request, head);
        if (!reply(c->descriptor, &page, c->request[0] == 'H', close_after) || close_after)
            return false;
        c->length -= head + body;
        memmove(c->request, c->request + head + body, c->length);
    }
    return c->length < sizeof c->request;
}

static void listen_again(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = NULL};
    epoll_ctl(service.poll, EPOLL_CTL_MOD, service.listener, &event);
}

static void accept_all(void)
{
    while (atomic_load(&service.open) < service.most) {
        int descriptor = accept4(service.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            listen_again();
            return;
        }
        int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *c = malloc(sizeof *c);
        struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = c};
        if (c) {
            c->descriptor = descriptor;
            c->length = 0;
            atomic_fetch_add(&service.open, 1);
        }
        if (!c || epoll_ctl(service.poll, EPOLL_CTL_ADD, descriptor, &event) != 0)
            exit(2);
    }
    atomic_store(&service.full, true);
    if (atomic_load(&service.open) < service.most && atomic_exchange(&service.full, false))
        listen_again();
}

static void end_connection(struct connection *c)
{
    close(c->descriptor);
    free(c);
    atomic_fetch_sub(&service.open, 1);
    if (atomic_exchange(&service.full, false))
        listen_again();
}

static void serve_connection(struct connection *c, struct origin_database *database)
{
    ssize_t got = read(c->descriptor, c->request + c->length, sizeof c->request - c->length);
    bool goes_on = got < 0 && errno == EAGAIN;
    if (got > 0) {
        c->length += (size_t)got;
        goes_on = answer(c, database);
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = c};
    if (!goes_on || epoll_ctl(service.poll, EPOLL_CTL_MOD, c->descriptor, &event) != 0)
        end_connection(c);
}

static void *serve(void *context)
{
    const struct worker *worker = context;
    for (;;) {
        struct epoll_event event;
        if (epoll_wait(service.poll, &event, 1, -1) != 1)
            continue;
        if (event.data.ptr)
            serve_connection(event.data.ptr, worker->database);
        else
            accept_all();
    }
    return NULL;
}

static int listen_on(uint16_t *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, service.most < 1024 ? 128 : 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        fprintf(stderr, "origin: 127.0.0.1:%u: %s\n", *port, strerror(errno));
        return -1;
    }
    *port = ntohs(address.sin_port);
    return listener;
}

/* Each SIGUSR1 is answered by a line of counts, however busy the threads are. */
static void tell_counts(void)
{
    char line[256];
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGUSR1);
    for (int signal_number; sigwait(&asked, &signal_number) == 0;) {
        counts_write(line, sizeof line);
        fputs(line, stdout);
        fflush(stdout);
    }
}

/* Everything is open before anyone is told that it is ready. */
static int run(const char *database, uint16_t port, size_t threads)
{
    static struct worker worker[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &asked, NULL);
    service.listener = listen_on(&port);
    service.poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = NULL};
    if (service.listener < 0 ||
        epoll_ctl(service.poll, EPOLL_CTL_ADD, service.listener, &listening) != 0)
        return 2;
    for (size_t i = 0; i < threads; i++) {
        worker[i] = (struct worker){database_open(database)};
        if (!worker[i].database || pthread_create(&thread[i], NULL, serve, &worker[i]) != 0)
            return 2;
    }
    printf("ready 127.0.0.1:%u\n", port);
    fflush(stdout);
    tell_counts();
    return 0;
}

static int usage(void)
{
    fputs("origin --fill DATABASE < EVENTS.ndjson\n"
          "origin --serve DATABASE [--port N] [--threads N] [--work MICROSECONDS] "
          "[--connections N]\n",
          stderr);
    return 2;
}

int main(int count, char **arguments)
{
    if (count < 3)
        return usage();
    if (strcmp(arguments[1], "--fill") == 0)
        return database_fill(arguments[2], stdin) ? 0 : 2;
    if (strcmp(arguments[1], "--serve") != 0)
        return usage();
    unsigned long port = 0, threads = 2;
    for (int i = 3; i + 1 < count; i += 2) {
        if (strcmp(arguments[i], "--port") == 0)
            port = strtoul(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--threads") == 0)
            threads = strtoul(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--work") == 0)
            service.work = strtol(arguments[i + 1], NULL, 10) * 1000;
        else if (strcmp(arguments[i], "--connections") == 0)
            service.most = strtol(arguments[i + 1], NULL, 10);
        else
            return usage();
    }
    if (port > UINT16_MAX || threads < 1 || threads > THREADS_MAX || service.work < 0 ||
        service.work > 1000000000 || service.most < 1)
        return usage();
    return run(arguments[2], (uint16_t)port, threads);
}
