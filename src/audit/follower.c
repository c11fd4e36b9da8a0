#include "audit/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 4096, PATH_SIZE = 320, PAUSE_MILLISECONDS = 100 };

struct follower {
    char state[256];
    struct index *index;
    struct audit_reader *reader;
    char said[512];
    atomic_bool stopping;
    pthread_t thread;
};

char *index_path(const char *state, char *out, size_t size)
{
    snprintf(out, size, "%s/record/index.db", state);
    return out;
}

static char *rebuild_path(const char *state, char *out, size_t size)
{
    snprintf(out, size, "%s/record/rebuild", state);
    return out;
}

int follower_ask_rebuild(const char *state, struct error *error)
{
    char path[PATH_SIZE];
    int file = open(rebuild_path(state, path, sizeof path),
                    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_set(error, -errno, "%s cannot be made: %s", path, strerror(errno));
    close(file);
    return 0;
}

static void complain(struct follower *f, const struct error *error)
{
    if (strcmp(f->said, error->text) != 0)
        log_line(LOG_LEVEL_WARNING, "recorder: %s", strcpy(f->said, error->text));
}

static void remove_index(const char *state)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char path[PATH_SIZE], part[PATH_SIZE + 8];
    index_path(state, path, sizeof path);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(part, sizeof part, "%s%s", path, parts[i]);
        unlink(part);
    }
}

/* False: not now; the reason has been said once. */
static bool open_both(struct follower *f)
{
    struct error error = {""};
    char path[PATH_SIZE];
    if (!f->reader) {
        snprintf(path, sizeof path, "%s/audit", f->state);
        if (audit_reader_open(path, &f->reader, &error) != 0)
            return false; /* nothing is written yet */
    }
    if (f->index)
        return true;
    int failed = index_open(index_path(f->state, path, sizeof path), &f->index, &error);
    if (failed == -EBADMSG) {
        complain(f, &error);
        remove_index(f->state);
        failed = index_open(path, &f->index, &error);
    }
    if (failed)
        complain(f, &error);
    return !failed;
}

static long follow_once(struct follower *f)
{
    struct error error = {""};
    char path[PATH_SIZE];
    if (!open_both(f))
        return 0;
    if (unlink(rebuild_path(f->state, path, sizeof path)) == 0 && index_clear(f->index) != 0) {
        index_close(f->index);
        f->index = NULL;
        remove_index(f->state);
        return 0;
    }
    long added = audit_reader_refresh(f->reader, &error);
    if (added == 0)
        added = index_follow(f->index, f->reader, AT_ONCE, &error);
    if (added >= 0)
        return added;
    complain(f, &error);
    index_close(f->index); /* it is opened again, or made anew when it is damaged */
    f->index = NULL;
    return 0;
}

static void *follow(void *argument)
{
    struct follower *f = argument;
    setpriority(PRIO_PROCESS, (id_t)gettid(),
                10); /* of this thread: the log's writer comes first */
    while (!atomic_load(&f->stopping))
        if (follow_once(f) < AT_ONCE)
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_MILLISECONDS * NANOS_MILLISECOND}, NULL);
    return NULL;
}

struct follower *follower_start(const char *state)
{
    struct follower *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    snprintf(f->state, sizeof f->state, "%s", state);
    if (pthread_create(&f->thread, NULL, follow, f) != 0) {
        free(f);
        return NULL;
    }
    return f;
}

void follower_stop(struct follower *f)
{
    if (!f)
        return;
    atomic_store(&f->stopping, true);
    pthread_join(f->thread, NULL);
    index_close(f->index);
    audit_reader_close(f->reader);
    free(f);
}
