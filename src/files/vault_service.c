#include "files/service_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Queues ---------------------------------------------------------------------------------- */

static void queue_begin(struct queue *q)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->ready, &monotonic);
    pthread_condattr_destroy(&monotonic);
    q->last = &q->first;
}

static bool queue_put(struct queue *q, struct job *job)
{
    pthread_mutex_lock(&q->mutex);
    bool room = q->count < QUEUE_MOST && !q->ended;
    if (room) {
        *q->last = job;
        q->last = &job->next;
        q->count++;
        pthread_cond_signal(&q->ready);
    }
    pthread_mutex_unlock(&q->mutex);
    return room;
}

/* The next job; NULL after so long, or at the end when all is done. */
static struct job *queue_take(struct queue *q, nanos_t patience, bool *over)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    nanos_t end = until.tv_sec * NANOS_SECOND + until.tv_nsec + patience;
    until = (struct timespec){end / NANOS_SECOND, end % NANOS_SECOND};
    pthread_mutex_lock(&q->mutex);
    int status = 0;
    while (q->first == NULL && !q->ended && status == 0)
        status = pthread_cond_timedwait(&q->ready, &q->mutex, &until);
    struct job *job = q->first;
    if (job) {
        q->first = job->next;
        if (q->first == NULL)
            q->last = &q->first;
        q->count--;
        q->in_hand++;
    }
    *over = q->ended && job == NULL;
    pthread_mutex_unlock(&q->mutex);
    return job;
}

static void queue_done(struct queue *q, struct job *job)
{
    if (job->fd >= 0)
        close(job->fd);
    free(job);
    pthread_mutex_lock(&q->mutex);
    q->in_hand--;
    pthread_mutex_unlock(&q->mutex);
}

/* All that was put into it is done. */
static bool queue_is_idle(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    bool idle = q->first == NULL && q->in_hand == 0;
    pthread_mutex_unlock(&q->mutex);
    return idle;
}

static void queue_end(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->ended = true;
    pthread_cond_broadcast(&q->ready);
    pthread_mutex_unlock(&q->mutex);
}

/* ---- Threads --------------------------------------------------------------------------------- */

bool service_ends(const struct service *s)
{
    return s->ending || s->failed || (s->given->stop && *s->given->stop);
}

static void answer_opened(struct service *s, const struct vault_question *q,
                          enum vault_result result)
{
    struct vault_answer answer = {
        .cookie = q->cookie, .event = VAULT_OPENED, .result = (uint8_t)result, .who = q->who};
    if (vault_wire_answer(s->given->socket, &answer) == -EPIPE)
        s->ending = true;
}

/* What was closed last is kept with who wrote it, then what the opener finds is there. */
static void handle_opened(struct service *s, struct job *job)
{
    struct stat status;
    enum vault_result result = VAULT_FAILED;
    const struct vault_question *q = &job->question;
    if (job->fd >= 0 && fstat(job->fd, &status) == 0) {
        settle_now(s, vault_identity(job->fd, &status));
        if (q->kept) /* it may be written to already: what is there is not to be kept */
            result = vault_room(s->vault, q->who, q->at);
        else
            result = vault_keep(s->vault, job->fd, NULL, q->who, VAULT_BEFORE, q->at);
    }
    if (result == VAULT_KEPT || result == VAULT_ALREADY) {
        watch_add(s, job->fd, q);
        job->fd = -1;
    }
    answer_opened(s, q, result);
}

static void *openers_work(void *service)
{
    struct service *s = service;
    for (bool over = false; !over;) {
        struct job *job = queue_take(&s->opened, NANOS_SECOND, &over);
        if (job == NULL)
            continue;
        handle_opened(s, job);
        queue_done(&s->opened, job);
    }
    return NULL;
}

static void *chroniclers_work(void *service)
{
    struct service *s = service;
    for (bool over = false; !over;) {
        struct job *job = queue_take(&s->happened, 50 * NANOS_MILLISECOND, &over);
        if (job) {
            service_happened(s, job);
            queue_done(&s->happened, job);
        }
        service_due(s, clock_boot());
    }
    return NULL;
}

/* A clone of what was just written waits for the disk. */
static void *keepers_work(void *service)
{
    struct service *s = service;
    while (!service_ends(s)) {
        settle_due(s, false);
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
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
    struct queue *queue = question.event == VAULT_OPENED ? &s->opened : &s->happened;
    if (queue_put(queue, job))
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
    while (!service_ends(s)) {
        int ready = poll(&wait, 1, 100);
        if (ready > 0)
            receive(s);
        else if (ready < 0 && errno != EINTR)
            s->failed = -errno;
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void mark(void *context, uint64_t value, bool kept)
{
    vault_view_mark(context, value, kept);
}

enum { DESCRIPTORS = 4 * SETTLING_MOST };

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

static int run(struct service *s, struct error *error)
{
    enum { THREADS = OPENERS + KEEPERS + 2 };
    pthread_t thread[THREADS];
    void *(*const work[THREADS])(void *) = {openers_work, openers_work,     keepers_work,
                                            keepers_work, chroniclers_work, service_upkeep};
    size_t begun = 0;
    for (; begun < THREADS; begun++)
        if (pthread_create(&thread[begun], NULL, work[begun], s) != 0)
            break;
    int status = begun < THREADS ? error_set(error, -EAGAIN, "no threads for the vault") : 0;
    if (status == 0)
        receive_until_end(s);
    s->ending = true;
    queue_end(&s->opened);
    queue_end(&s->happened);
    pthread_mutex_lock(&s->lists);
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lists);
    for (size_t i = 0; i < begun; i++)
        pthread_join(thread[i], NULL);
    settle_due(s, true);
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
    pthread_cond_init(&s->settled, NULL);
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
    status = run(s, error);
    service_free(s);
    return status;
}
