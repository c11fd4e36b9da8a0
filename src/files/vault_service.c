#include "files/service_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- The chronicler -------------------------------------------------------------------------- */

bool service_ends(const struct service *s)
{
    return s->ending || s->failed || (s->given->stop && *s->given->stop);
}

/* Told at once, since a flood of renames fills the queue in a tenth of a second. */
static void tell_pressed(struct service *s)
{
    size_t waiting = queue_count(&s->happened);
    bool pressed = waiting > (s->pressed ? QUEUE_MOST / 8 : QUEUE_MOST / 2);
    if (pressed == s->pressed || s->given->view == NULL)
        return;
    s->pressed = pressed;
    vault_view_press(s->given->view, pressed);
}

static void *chroniclers_work(void *service)
{
    struct service *s = service;
    for (bool over = false; !over;) {
        struct job *job = queue_take(&s->happened, 50 * NANOS_MILLISECOND, &over);
        s->chronicler.since = clock_boot(); /* he clones nothing, but a folder may be locked */
        if (job) {
            service_happened(s, job);
            queue_done(&s->happened, job);
            tell_pressed(s);
        }
        service_due(s, clock_boot());
        s->chronicler.since = 0;
    }
    return NULL;
}

/* ---- The receiver ---------------------------------------------------------------------------- */

/* Paths are short, and their room is long: only what is used is copied. */
static void take_up(struct job *job, int fd, const struct vault_question *question)
{
    job->next = NULL;
    job->fd = fd;
    memcpy(&job->question, question, offsetof(struct vault_question, path));
    strcpy(job->question.path, question->path);
    strcpy(job->question.to, question->to);
}

static void receive(struct service *s)
{
    struct vault_question question;
    int fd, got = vault_wire_take(s->given->socket, &question, &fd);
    if (got == -EPIPE || got == -ECONNRESET)
        s->ending = true;
    else if (got < 0 && got != -EPROTO)
        s->failed = got;
    if (got <= 0)
        return;
    s->told = clock_boot();
    if (fd < 0 && (question.event == VAULT_WRITTEN || question.event == VAULT_CHANGED))
        s->missed = true; /* there are no descriptors left */
    if (queue_is_idle(&s->happened) && service_closed_new(s, &question, fd))
        return; /* in its turn, since nothing is before it */
    struct job *job = malloc(sizeof *job);
    if (job == NULL) {
        close(fd);
        return;
    }
    take_up(job, fd, &question);
    job->put = s->told;
    bool put = question.event == VAULT_OPENED ? opened_put(s, job) : queue_put(&s->happened, job);
    tell_pressed(s);
    if (put)
        return;
    s->overflowed++;
    s->missed = true;
    if (question.event == VAULT_OPENED)
        answer_opened(s, &question, VAULT_FAILED);
    close(fd);
    free(job);
}

static void receive_until_end(struct service *s)
{
    struct pollfd wait = {.fd = s->given->socket, .events = POLLIN};
    nanos_t relieved = clock_boot();
    while (!service_ends(s)) {
        int ready = poll(&wait, 1, OPENER_STUCK / 2 / NANOS_MILLISECOND);
        if (ready > 0)
            receive(s);
        else if (ready < 0 && errno != EINTR)
            s->failed = -errno;
        if (ready == 0 || s->told - relieved > OPENER_STUCK / 2) {
            openers_relieve(s);
            relieved = clock_boot();
        }
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void mark(void *context, uint64_t value, bool kept)
{
    vault_view_mark(context, value, kept);
}

enum { DESCRIPTORS = 4 * SETTLING_MOST, JOIN_SECONDS = 1 };

/* Descriptors of files that settle or are watched: more than who started us may have been given,
 * which CAP_SYS_RESOURCE goes beyond. */
static size_t raise_descriptors(void)
{
    struct rlimit limit, more = {DESCRIPTORS, DESCRIPTORS};
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < DESCRIPTORS && setrlimit(RLIMIT_NOFILE, &more) == 0)
        return DESCRIPTORS;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max;
}

enum { THREADS = OPENERS + KEEPERS + 3 };

static size_t begin_threads(struct service *s, pthread_t thread[THREADS])
{
    size_t begun = 0;
    bool well = true;
    for (unsigned i = 0; i < OPENERS && well; i++) {
        s->opener[i].service = s;
        well = pthread_create(&thread[begun], NULL, openers_work, &s->opener[i]) == 0;
        begun += well;
    }
    for (unsigned i = 0; i < KEEPERS && well; i++) {
        s->keeper[i].service = s;
        s->keeper[i].number = i;
        well = pthread_create(&thread[begun], NULL, keepers_work, &s->keeper[i]) == 0;
        begun += well;
    }
    void *(*const single[])(void *) = {chroniclers_work, service_walk, service_upkeep};
    for (unsigned i = 0; i < sizeof single / sizeof *single && well; i++) {
        well = pthread_create(&thread[begun], NULL, single[i], s) == 0;
        begun += well;
    }
    return begun;
}

/* Whether they all ended: one may wait for a file's lock for as long as somebody likes. */
static bool join_threads(const pthread_t *thread, size_t count)
{
    struct timespec until;
    bool all = true;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_SECONDS;
    for (size_t i = 0; i < count; i++) /* ThreadSanitizer knows no pthread_clockjoin_np() */
        all &= pthread_timedjoin_np(thread[i], NULL, &until) == 0;
    return all;
}

static void *keep_the_rest(void *service)
{
    settle_due(service, NULL);
    return NULL;
}

static int run(struct service *s, bool *all_ended, struct error *error)
{
    pthread_t thread[THREADS];
    size_t begun = begin_threads(s, thread);
    int status = begun < THREADS ? error_set(error, -EAGAIN, "no threads for the vault") : 0;
    if (status == 0)
        receive_until_end(s);
    s->ending = true;
    queue_end(&s->opened);
    queue_end(&s->happened);
    pthread_mutex_lock(&s->lists);
    pthread_cond_broadcast(&s->settled);
    pthread_cond_broadcast(&s->spare);
    pthread_cond_broadcast(&s->due);
    pthread_mutex_unlock(&s->lists);
    *all_ended = join_threads(thread, begun);
    pthread_t rest;
    if (pthread_create(&rest, NULL, keep_the_rest, s) == 0)
        *all_ended &= join_threads(&rest, 1);
    if (status == 0 && s->failed)
        status = error_set(error, s->failed, "the vault stopped: %s", strerror(-s->failed));
    return status;
}

static void service_free(struct service *s)
{
    for (size_t i = 0; i < s->watched_count; i++)
        close(s->watched[i].fd);
    for (size_t i = 0; i < s->removed_count; i++)
        free(s->removed[(s->removed_first + i) % s->removed_room].path);
    free(s->removed);
    for (size_t i = 0; i < ORIGINS_MOST; i++)
        free(s->origin[i].path);
    settlings_free(s->settling);
    vault_close(s->vault);
    free(s);
}

int vault_serve(const struct vault_service *given, struct error *error)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(error, -ENOMEM, "no memory for the vault");
    s->settling = settlings_new(raise_descriptors() / 4 * 3);
    if (s->settling == NULL) {
        free(s);
        return error_set(error, -ENOMEM, "no memory for the vault");
    }
    s->given = given;
    s->window = given->limits.window;
    s->seed = hash_key_random().k0;
    queue_begin(&s->opened);
    queue_begin(&s->happened);
    pthread_mutex_init(&s->lists, NULL);
    condition_begin(&s->settled);
    condition_begin(&s->spare);
    condition_begin(&s->due);
    s->urgent = SETTLING_NONE;
    pthread_mutex_init(&s->judge_mutex, NULL);
    int status =
        vault_open(given->share, given->root, &given->limits, clock_wall(), &s->vault, error);
    if (status < 0) {
        settlings_free(s->settling);
        free(s);
        return status;
    }
    if (given->view) {
        vault_view_begin(given->view, vault_key(s->vault));
        vault_watch(s->vault, mark, given->view);
    }
    bool all_ended;
    status = run(s, &all_ended, error);
    if (all_ended)
        service_free(s);
    else
        vault_abandon(s->vault); /* all else is that thread's, too */
    return status;
}
