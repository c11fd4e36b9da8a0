#include "cli/sync.h"

#include "budget/budget.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAID_SIZE = sizeof(struct error) };

struct sync {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    struct contract *next; /* under the mutex: what to take up; NULL when nothing */
    bool stop;             /* under the mutex */
};

static struct contract *contract_copy(const struct contract *c)
{
    struct contract *copy = malloc(sizeof *copy);
    if (copy)
        memcpy(copy, c, sizeof *copy);
    return copy;
}

/* Waits a second or for a word; takes what is next. Returns whether to go on. */
static bool wait_turn(struct sync *s, struct contract **next)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&s->mutex);
    if (!s->stop && s->next == NULL)
        pthread_cond_timedwait(&s->woken, &s->mutex, &until);
    *next = s->next;
    s->next = NULL;
    bool go_on = !s->stop;
    pthread_mutex_unlock(&s->mutex);
    return go_on;
}

static void say_once(char said[SAID_SIZE], const char *text)
{
    if (strcmp(said, text) == 0)
        return;
    snprintf(said, SAID_SIZE, "%s", text);
    log_line(LOG_LEVEL_ERROR, "counts are not made durable: %s", said);
}

static void close_all(struct budgets *budgets[GUARD_COUNT])
{
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++) {
        budget_close(budgets[guard]);
        budgets[guard] = NULL;
    }
}

static void sync_one(const struct contract *c, enum guard guard, struct budgets **budgets,
                     char said[SAID_SIZE])
{
    struct error error = {""};
    int code = 0;
    if (*budgets && budget_is_replaced(*budgets)) {
        budget_close(*budgets);
        *budgets = NULL;
    }
    if (*budgets == NULL && (code = budget_open(c, guard, false, budgets, &error)) < 0)
        *budgets = NULL;
    if (*budgets && (code = budget_sync(*budgets)) < 0)
        error_set(&error, code, "%s", strerror(-code));
    if (code < 0)
        say_once(said, error.text);
    else
        said[0] = 0;
}

static void *sync_loop(void *argument)
{
    struct sync *s = argument;
    struct contract *contract = NULL, *next = NULL;
    struct budgets *budgets[GUARD_COUNT] = {NULL};
    char said[GUARD_COUNT][SAID_SIZE] = {""};
    bool go_on = true;
    while (go_on) {
        go_on = wait_turn(s, &next);
        if (next) {
            close_all(budgets);
            free(contract);
            contract = next;
        }
        for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
            if (guard == GUARD_FRONT || contract_wants(contract, guard))
                sync_one(contract, guard, &budgets[guard], said[guard]);
    }
    close_all(budgets);
    free(contract);
    return NULL;
}

int sync_start(const struct contract *c, struct sync **out, struct error *error)
{
    struct sync *s = calloc(1, sizeof *s);
    if (s == NULL || (s->next = contract_copy(c)) == NULL) {
        free(s);
        return error_set(error, -ENOMEM, "no memory");
    }
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->woken, NULL);
    int code = pthread_create(&s->thread, NULL, sync_loop, s);
    if (code != 0) {
        free(s->next);
        free(s);
        return error_set(error, -code, "no thread: %s", strerror(code));
    }
    *out = s;
    return 0;
}

void sync_follow(struct sync *s, const struct contract *c)
{
    struct contract *copy = contract_copy(c);
    if (copy == NULL)
        return; /* the counts of the old contract's budgets stay durable */
    pthread_mutex_lock(&s->mutex);
    free(s->next);
    s->next = copy;
    pthread_cond_signal(&s->woken);
    pthread_mutex_unlock(&s->mutex);
}

void sync_stop(struct sync *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_signal(&s->woken);
    pthread_mutex_unlock(&s->mutex);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    if (pthread_timedjoin_np(s->thread, NULL, &until) != 0) {
        log_line(LOG_LEVEL_WARNING, "the disk did not take the last counts in time");
        return;
    }
    pthread_cond_destroy(&s->woken);
    pthread_mutex_destroy(&s->mutex);
    free(s->next);
    free(s);
}
