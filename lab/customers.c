/* customers: see customers.h. One thread, one epoll. */
#include "customers.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct customer {
    int descriptor;   /* -1: free */
    unsigned answers; /* whole answers on this connection so far */
    nanos due, deadline;
    const char *number;
    size_t length;
    char reply[REPLY_MAX];
};

struct crowd {
    const struct plan *plan;
    struct customer *customer;
    unsigned places, waiting;
    unsigned free[CUSTOMERS_WAITING_MAX]; /* indices of free places, as a stack */
    unsigned free_count;
    int poll;
    uint64_t random;
    size_t next; /* of a sweep */
    unsigned address;
    struct tally second, phase, all;
};

static volatile sig_atomic_t told_to_stop, phase_is_over;

static void on_signal(int signal_number)
{
    if (signal_number == SIGUSR1)
        phase_is_over = 1;
    else
        told_to_stop = 1;
}

static nanos now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nanos)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void count(struct crowd *crowd, enum outcome outcome, bool marked, nanos wait)
{
    tally_add(&crowd->second, outcome, marked, wait);
    tally_add(&crowd->phase, outcome, marked, wait);
    tally_add(&crowd->all, outcome, marked, wait);
}

static void leave(struct crowd *crowd, struct customer *c)
{
    if (c->descriptor >= 0)
        close(c->descriptor);
    c->descriptor = -1;
    crowd->free[crowd->free_count++] = (unsigned)(c - crowd->customer);
    crowd->waiting--;
}

static void count_question(struct crowd *crowd)
{
    crowd->second.asked++;
    crowd->phase.asked++;
    crowd->all.asked++;
}

static int connect_from(struct crowd *crowd)
{
    const struct plan *plan = crowd->plan;
    int on = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (plan->from) {
        /* The port is chosen at connect, so that one address serves any number of connections. */
        setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        uint32_t address = plan->from + crowd->address++ % plan->addresses;
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
        if (bind(descriptor, (struct sockaddr *)&from, sizeof from) != 0) {
            close(descriptor);
            return -1;
        }
    }
    if (connect(descriptor, (const struct sockaddr *)&plan->to, sizeof plan->to) != 0 &&
        errno != EINPROGRESS) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool dial(struct crowd *crowd, struct customer *c)
{
    if (c->descriptor >= 0)
        close(c->descriptor);
    c->answers = 0;
    c->descriptor = connect_from(crowd);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    return c->descriptor >= 0 && epoll_ctl(crowd->poll, EPOLL_CTL_ADD, c->descriptor, &event) == 0;
}

static bool ask(struct crowd *crowd, struct customer *c)
{
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s%s HTTP/1.1\r\nHost: suivi.example\r\nAccept-Language: %s\r\n"
                          "User-Agent: customers\r\n%s\r\n",
                          crowd->plan->path, c->number, crowd->plan->language,
                          crowd->plan->sweep ? "" : "Connection: close\r\n");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    return length < (int)sizeof request &&
           send(c->descriptor, request, (size_t)length, MSG_NOSIGNAL) == length &&
           epoll_ctl(crowd->poll, EPOLL_CTL_MOD, c->descriptor, &event) == 0;
}

/* Gives the place the next number of the sweep; false when there is none left. */
static bool next_of_sweep(struct crowd *crowd, struct customer *c, nanos now)
{
    if (crowd->next == crowd->plan->numbers || told_to_stop)
        return false;
    c->number = crowd->plan->text + crowd->plan->number[crowd->next++];
    c->due = now;
    c->deadline = now + crowd->plan->within;
    c->length = 0;
    count_question(crowd);
    return true;
}

static void arrive(struct crowd *crowd, nanos due)
{
    const struct plan *plan = crowd->plan;
    count_question(crowd);
    if (crowd->free_count == 0) {
        count(crowd, OUTCOME_LATE, false, 0);
        return;
    }
    struct customer *c = &crowd->customer[crowd->free[--crowd->free_count]];
    crowd->waiting++;
    c->due = due;
    c->deadline = due + plan->within;
    c->length = 0;
    c->number = plan->text + plan->number[random_next(&crowd->random) % plan->numbers];
    if (!dial(crowd, c)) {
        count(crowd, OUTCOME_FAILED, false, 0);
        leave(crowd, c);
    }
}

/* One question has ended: what becomes of its place. */
static void ended(struct crowd *crowd, struct customer *c, enum outcome outcome, bool marked,
                  bool reusable)
{
    nanos now = now_ns();
    count(crowd, outcome, marked, now - c->due);
    if (!crowd->plan->sweep || !next_of_sweep(crowd, c, now)) {
        leave(crowd, c);
        return;
    }
    c->answers++;
    if ((reusable && ask(crowd, c)) || dial(crowd, c))
        return;
    count(crowd, OUTCOME_FAILED, false, 0);
    leave(crowd, c);
}

/* The connection ended without a whole answer. A kept one may be closed by the server between two
 * questions (RFC 9112 section 9.3.1): then the question is asked once more on a new one. */
static void broken(struct crowd *crowd, struct customer *c)
{
    if (c->answers > 0 && c->length == 0 && dial(crowd, c))
        return;
    ended(crowd, c, OUTCOME_FAILED, false, false);
}

static void hear(struct crowd *crowd, struct customer *c)
{
    ssize_t got = recv(c->descriptor, c->reply + c->length, sizeof c->reply - c->length, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got > 0)
        c->length += (size_t)got;
    bool closed = got <= 0;
    if (reply_is_whole(c->reply, c->length, got == 0)) {
        bool marked;
        enum outcome outcome =
            reply_outcome(c->reply, c->length, c->number, crowd->plan->mark, &marked);
        ended(crowd, c, outcome, marked, !closed && reply_keeps_open(c->reply, c->length));
    } else if (closed || c->length == sizeof c->reply) {
        broken(crowd, c);
    }
}

static void handle(struct crowd *crowd, const struct epoll_event *event)
{
    struct customer *c = event->data.ptr;
    if (c->descriptor < 0)
        return;
    if (event->events & EPOLLOUT) {
        if ((event->events & (EPOLLERR | EPOLLHUP)) || !ask(crowd, c))
            broken(crowd, c);
    } else {
        hear(crowd, c);
    }
}

static void end_late_ones(struct crowd *crowd, nanos now)
{
    for (unsigned i = 0; i < crowd->places; i++) {
        struct customer *c = &crowd->customer[i];
        if (c->descriptor >= 0 && now > c->deadline)
            ended(crowd, c, OUTCOME_LATE, false, false);
    }
}

static void print_second(struct crowd *crowd, int64_t second)
{
    char name[24];
    snprintf(name, sizeof name, "%lld", (long long)second);
    tally_print(&crowd->second, name);
    tally_print(&crowd->phase, "\"phase\"");
    crowd->second = (struct tally){0};
}

static void end_phase(struct crowd *crowd)
{
    phase_is_over = 0;
    tally_print(&crowd->phase, "\"end of phase\"");
    crowd->phase = (struct tally){0};
}

static void begin_sweep(struct crowd *crowd, nanos now)
{
    while (crowd->free_count > CUSTOMERS_WAITING_MAX - crowd->plan->connections) {
        struct customer *c = &crowd->customer[crowd->free[--crowd->free_count]];
        crowd->waiting++;
        if (!next_of_sweep(crowd, c, now)) {
            leave(crowd, c);
            return;
        }
        if (!dial(crowd, c)) {
            count(crowd, OUTCOME_FAILED, false, 0);
            leave(crowd, c);
            return;
        }
    }
}

static void run(struct crowd *crowd)
{
    const struct plan *plan = crowd->plan;
    nanos start = now_ns(), next = start, tick = start + 1000000000, look = start;
    nanos end = start + (plan->seconds ? plan->seconds : CUSTOMERS_SECONDS_MAX) * 1000000000;
    int64_t second = 1;
    if (plan->sweep)
        begin_sweep(crowd, start);
    for (;;) {
        nanos now = now_ns();
        bool coming = !plan->sweep && !told_to_stop && now < end;
        for (; coming && next <= now; next += random_gap(&crowd->random, plan->rate))
            arrive(crowd, next);
        if (!coming && crowd->waiting == 0)
            break;
        for (; now >= tick; tick += 1000000000)
            print_second(crowd, second++);
        if (phase_is_over)
            end_phase(crowd);
        if (now >= look) {
            end_late_ones(crowd, now);
            look = now + 20000000;
        }
        nanos wait = (coming && next < tick ? next : tick) - now;
        struct timespec pause = {0, wait < 0 ? 0 : wait < 20000000 ? wait : 20000000};
        struct epoll_event event[256];
        int ready = epoll_pwait2(crowd->poll, event, 256, &pause, NULL);
        for (int i = 0; i < ready; i++)
            handle(crowd, &event[i]);
    }
    print_second(crowd, second);
    end_phase(crowd);
}

int main(int arguments, char **argument)
{
    struct plan plan;
    if (!plan_read(arguments, argument, &plan))
        return 2;
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGUSR1, &stop, NULL);
    struct crowd *crowd = calloc(1, sizeof *crowd);
    struct customer *customer = calloc(CUSTOMERS_WAITING_MAX, sizeof *customer);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (!crowd || !customer || poll < 0)
        return 2;
    crowd->plan = &plan;
    crowd->customer = customer;
    crowd->places = CUSTOMERS_WAITING_MAX;
    crowd->poll = poll;
    crowd->random = plan.seed;
    for (unsigned i = crowd->places; i-- > 0;) {
        customer[i].descriptor = -1;
        crowd->free[crowd->free_count++] = i;
    }
    run(crowd);
    tally_print(&crowd->all, "\"all\"");
    free(customer);
    free(crowd);
    plan_free(&plan);
    close(poll);
    return 0;
}
