/* traffic: see traffic.h. One thread, one epoll. */
#include "traffic.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct visit { /* one request */
    struct wire wire;
    struct traffic_stream *stream;
    nanos due, deadline;
    const char *mark;
    bool counts;                  /* due inside the window */
    struct visit *before, *after; /* of its stream, oldest first; of the free ones */
};

struct road {
    struct traffic_plan plan;
    struct visit *oldest[TRAFFIC_STREAMS_MAX], *newest[TRAFFIC_STREAMS_MAX], *spare;
    int poll;
    nanos start, from, to;
    bool open; /* new requests are made */
};

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static nanos now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nanos)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct visit *visit_take(struct road *road, struct traffic_stream *s)
{
    size_t i = (size_t)(s - road->plan.stream);
    struct visit *v = road->spare;
    if (v)
        road->spare = v->after;
    else if (!(v = malloc(sizeof *v)))
        exit(2);
    v->stream = s;
    v->after = NULL;
    v->before = road->newest[i];
    *(road->newest[i] ? &road->newest[i]->after : &road->oldest[i]) = v;
    road->newest[i] = v;
    s->out++;
    return v;
}

static void visit_end(struct road *road, struct visit *v)
{
    struct traffic_stream *s = v->stream;
    size_t i = (size_t)(s - road->plan.stream);
    *(v->before ? &v->before->after : &road->oldest[i]) = v->after;
    *(v->after ? &v->after->before : &road->newest[i]) = v->before;
    wire_close(&v->wire);
    v->after = road->spare;
    road->spare = v;
    s->out--;
    if (s->rate <= 0)
        s->owed++;
}

static void count(struct road *road, struct visit *v, enum traffic_end end, unsigned status)
{
    struct traffic_stream *s = v->stream;
    nanos now = now_ns();
    bool inside = now >= road->from && now < road->to;
    s->live_ended++;
    s->live_good += end == TRAFFIC_END_GOOD;
    if (end == TRAFFIC_END_GOOD)
        tally_add(&s->live_waits, OUTCOME_ANSWERED, false, now - v->due);
    if (inside)
        s->ended++;
    if (!v->counts)
        return;
    s->end_of[end]++;
    s->status[status]++;
    if (end == TRAFFIC_END_GOOD)
        tally_add(&s->waits, OUTCOME_ANSWERED, false, now - v->due);
}

static void go_on(struct road *road, struct visit *v)
{
    unsigned status = 0;
    bool marked = false;
    enum wire_news news = wire_go_on(&v->wire, v->mark, &status, &marked);
    if (news == WIRE_WAIT)
        return;
    enum traffic_end end = news == WIRE_REFUSED                           ? TRAFFIC_END_REFUSED
                           : news == WIRE_CLOSED                          ? TRAFFIC_END_CLOSED
                           : traffic_is_good(v->stream, status) && marked ? TRAFFIC_END_GOOD
                                                                          : TRAFFIC_END_OTHER;
    count(road, v, end, news == WIRE_WHOLE ? status : 0);
    visit_end(road, v);
}

static void begin(struct road *road, struct traffic_stream *s, nanos due)
{
    struct traffic_request request;
    uint64_t number = s->made++;
    bool inside = due >= road->from && due < road->to;
    s->due += inside;
    s->live_due++;
    if (inside && s->rate > 0)
        tally_add(&s->lags, OUTCOME_ANSWERED, false, now_ns() - due);
    struct visit *v = visit_take(road, s);
    v->due = due;
    v->deadline = due + s->within;
    v->counts = inside;
    traffic_request_make(&road->plan, s, number, &request);
    v->mark = request.mark;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = v};
    if (!wire_open(&v->wire, &road->plan, s, traffic_source(s, number), &request) ||
        epoll_ctl(road->poll, EPOLL_CTL_ADD, v->wire.descriptor, &event) != 0) {
        count(road, v, TRAFFIC_END_REFUSED, 0);
        visit_end(road, v);
        return;
    }
    go_on(road, v);
}

/* Makes what is due now; returns when the next is. */
static nanos make_due(struct road *road, struct traffic_stream *s, nanos now)
{
    nanos first = road->start + s->begin;
    nanos last = s->end ? road->start + s->end : road->to;
    if (now < first)
        return first;
    if (now >= last || s->made >= TRAFFIC_REQUESTS_MAX)
        return NANOS_NEVER;
    if (s->rate <= 0) {
        if (s->made == 0)
            s->owed = s->at_once;
        for (unsigned n = s->owed; n > 0; n--) {
            s->owed--;
            begin(road, s, now);
        }
        return s->owed ? now : NANOS_NEVER;
    }
    if (s->next == 0)
        s->next = first;
    for (; s->next <= now; s->next += random_gap(&road->plan.random, s->rate)) {
        if (s->out < s->at_once) {
            begin(road, s, s->next);
        } else if (s->next >= road->from && s->next < road->to) {
            s->not_made++;
        }
    }
    return s->next;
}

static void end_late_ones(struct road *road, nanos now)
{
    for (size_t i = 0; i < road->plan.streams; i++) {
        while (road->oldest[i] && road->oldest[i]->deadline <= now) {
            struct visit *v = road->oldest[i];
            count(road, v, TRAFFIC_END_LATE, 0);
            visit_end(road, v);
        }
    }
}

/* ---- What is told ---------------------------------------------------------------------------- */

static void print_live(struct road *road, unsigned second)
{
    printf("{\"second\":%u", second);
    for (size_t i = 0; i < road->plan.streams; i++) {
        struct traffic_stream *s = &road->plan.stream[i];
        printf(
            ",\"%s\":{\"due\":%llu,\"ended\":%llu,\"good\":%llu,\"p50_us\":%lld,\"p99_us\":%lld}",
            s->name, (unsigned long long)s->live_due, (unsigned long long)s->live_ended,
            (unsigned long long)s->live_good, (long long)tally_wait(&s->live_waits, 0.5) / 1000,
            (long long)tally_wait(&s->live_waits, 0.99) / 1000);
        s->live_due = s->live_ended = s->live_good = 0;
        s->live_waits = (struct tally){0};
    }
    puts("}");
    fflush(stdout);
}

static void print_stream(const struct traffic_stream *s, double seconds)
{
    static const char *const ends[] = {
#define X(constant, name) name,
        TRAFFIC_ENDS(X)
#undef X
    };
    printf("\"%s\":{\"due\":%llu,\"not_made\":%llu,\"ended_a_second\":%.1f", s->name,
           (unsigned long long)s->due, (unsigned long long)s->not_made, (double)s->ended / seconds);
    for (size_t i = 0; i < TRAFFIC_END_COUNT; i++)
        printf(",\"%s\":%llu", ends[i], (unsigned long long)s->end_of[i]);
    printf(",\"success\":%.6f,\"p50_us\":%lld,\"p99_us\":%lld,\"lag_p99_us\":%lld,\"status\":{",
           s->due ? (double)s->end_of[TRAFFIC_END_GOOD] / (double)s->due : 0,
           (long long)tally_wait(&s->waits, 0.5) / 1000,
           (long long)tally_wait(&s->waits, 0.99) / 1000,
           (long long)tally_wait(&s->lags, 0.99) / 1000);
    bool first = true;
    for (unsigned i = 1; i < TRAFFIC_STATUS_MAX; i++) {
        if (s->status[i])
            printf("%s\"%u\":%llu", first ? "" : ",", i, (unsigned long long)s->status[i]);
        first = first && !s->status[i];
    }
    printf("}}");
}

static void print_all(const struct road *road)
{
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    printf("{\"seconds\":%.1f,\"own_cpu_s\":%.2f", (double)road->plan.seconds / 1e9,
           (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
               (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
    for (size_t i = 0; i < road->plan.streams; i++) {
        printf(",");
        print_stream(&road->plan.stream[i], (double)road->plan.seconds / 1e9);
    }
    puts("}");
}

/* ---- The loop -------------------------------------------------------------------------------- */

static bool anybody_counts(const struct road *road)
{
    for (size_t i = 0; i < road->plan.streams; i++)
        if (road->plan.stream[i].rate > 0 && road->oldest[i])
            return true;
    return false;
}

static nanos next_deadline(const struct road *road, nanos due)
{
    for (size_t i = 0; i < road->plan.streams; i++)
        if (road->oldest[i] && road->oldest[i]->deadline < due)
            due = road->oldest[i]->deadline;
    return due;
}

static void run(struct road *road)
{
    nanos tick = road->start + 1000000000;
    unsigned second = 1;
    for (;;) {
        nanos now = now_ns(), due = now + 100000000;
        road->open = now < road->to && !told_to_stop;
        if (!road->open && !anybody_counts(road))
            break;
        for (size_t i = 0; i < road->plan.streams && road->open; i++) {
            nanos next = make_due(road, &road->plan.stream[i], now);
            due = next < due ? next : due;
        }
        if (road->plan.live && now >= tick) {
            print_live(road, second++);
            tick += 1000000000;
        }
        due = next_deadline(road, due < tick || !road->plan.live ? due : tick);
        nanos wait = due - now_ns();
        struct timespec pause = {0, wait < 0 ? 0 : wait};
        struct epoll_event event[64];
        int ready = epoll_pwait2(road->poll, event, 64, &pause, NULL);
        for (int i = 0; i < ready; i++)
            go_on(road, event[i].data.ptr);
        end_late_ones(road, now_ns());
    }
}

int main(int count_of, char **arguments)
{
    static struct road road;
    if (!traffic_plan_read(count_of, arguments, &road.plan) || !wire_setup())
        return 2;
    struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    road.poll = epoll_create1(EPOLL_CLOEXEC);
    road.start = now_ns();
    road.from = road.start + road.plan.warm;
    road.to = road.from + road.plan.seconds;
    run(&road);
    print_all(&road);
    return 0; /* what still runs ends with the process */
}
