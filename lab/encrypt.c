/* encrypt: see encrypt.h. */
#include "encrypt.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct way {
    const char *name;
    encrypt_way *destroy, *undo;
    enum crew crew;
    enum place place;
};

static const struct way ways[] = {
#define X(function, name, crew, place, undo)                                                       \
    {name, way_##function, way_##undo, CREW_##crew, PLACE_##place},
    WAYS(X)
#undef X
};

struct job {
    struct marked marked;
    const struct way *way;
    bool undo;
    enum order order;
    unsigned char key[CIPHER_KEY];
    size_t files;
    unsigned seconds, workers, pause_ms;
};

/* ---- One file -------------------------------------------------------------------------------- */

/* One write a line, so that lines of several processes do not mix. */
static void tell(const char *path, int result)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    char line[4400];
    int length = snprintf(line, sizeof line, "{\"at\": %lld.%06ld, \"error\": %d, \"file\": \"",
                          (long long)t.tv_sec, t.tv_nsec / 1000, -result);
    for (const char *c = path; *c && length < (int)sizeof line - 16; c++) {
        bool plain = (unsigned char)*c >= ' ' && *c != '"' && *c != '\\';
        length += snprintf(line + length, sizeof line - (size_t)length, plain ? "%c" : "\\u%04x",
                           (unsigned char)*c);
    }
    length += snprintf(line + length, sizeof line - (size_t)length, "\"}\n");
    if (write(STDOUT_FILENO, line, (size_t)length) < 0)
        _exit(1); /* nobody listens any more */
}

static int undo_name(const struct target *t)
{
    size_t length = strlen(t->name), extra = strlen(ENCRYPT_EXTENSION);
    if (length <= extra || strcmp(t->name + length - extra, ENCRYPT_EXTENSION) != 0)
        return 0;
    char name[300];
    snprintf(name, sizeof name, "%.*s", (int)(length - extra), t->name);
    return renameat2(t->parent, t->name, t->parent, name, RENAME_NOREPLACE) != 0 ? -errno : 0;
}

static int act(const struct job *job, const char *path)
{
    struct target t;
    int result = target_find(&job->marked, path, &t);
    if (result != 0)
        return result;
    struct cipher c = cipher_for(job->key, path);
    result = job->undo ? job->way->undo(&t, &c) : job->way->destroy(&t, &c);
    if (result == 0 && job->undo)
        result = undo_name(&t);
    target_leave(&t);
    return result;
}

static void one(const struct job *job, const char *path)
{
    tell(path, act(job, path));
    if (job->pause_ms > 0)
        usleep(job->pause_ms * 1000);
}

struct spawned {
    const struct job *job;
    const char *path;
    int result;
};

static int spawned_acts(void *context)
{
    struct spawned *s = context;
    s->result = act(s->job, s->path);
    return 0;
}

static void spawn(const struct job *job, const char *path)
{
    static char stack[256 << 10] __attribute__((aligned(16)));
    struct spawned s = {job, path, -ECHILD};
    pid_t child = clone(spawned_acts, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
    if (child > 0)
        waitpid(child, NULL, 0);
    tell(path, s.result);
    if (job->pause_ms > 0)
        usleep(job->pause_ms * 1000);
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* No process outlives the one that began it, nor the time that it has. */
static void bound(unsigned seconds)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(seconds);
}

static void each(const struct job *job, const struct list *list, size_t first, size_t step)
{
    for (size_t i = first; i < list->count && i < job->files; i += step)
        one(job, list->path[i]);
}

static void in_workers(const struct job *job, const struct list *list)
{
    for (unsigned i = 0; i < job->workers; i++) {
        if (fork() != 0)
            continue;
        bound(job->seconds);
        each(job, list, i, job->workers);
        _exit(0);
    }
    while (wait(NULL) > 0)
        continue;
}

static void spawn_each(const struct job *job, const struct list *list)
{
    for (size_t i = 0; i < list->count && i < job->files; i++)
        spawn(job, list->path[i]);
}

static void fork_each(const struct job *job, const struct list *list)
{
    for (size_t i = 0; i < list->count && i < job->files; i++) {
        if (fork() == 0) {
            bound(job->seconds);
            if (job->way->crew == CREW_SESSION)
                setsid();
            one(job, list->path[i]);
            _exit(0);
        }
        wait(NULL);
    }
}

static int run(struct job *job, const char *directory)
{
    int result = place_enter(&job->marked, directory, job->way->place);
    struct list list;
    if (result == 0)
        result = list_make(&job->marked, job->order, &list);
    if (result != 0)
        return result;
    if (job->way->crew == CREW_WORKERS)
        in_workers(job, &list);
    else if (job->way->crew == CREW_ONE)
        each(job, &list, 0, 1);
    else if (job->way->crew == CREW_SPAWN)
        spawn_each(job, &list);
    else
        fork_each(job, &list);
    list_free(&list);
    return 0;
}

/* ---- The command line ------------------------------------------------------------------------ */

static _Noreturn void usage(void)
{
    fputs(
        "usage: encrypt prepare DIR | ways\n"
        "       encrypt run --way W --id ID [--files N] [--seconds N] [--workers N] [--pause MS]\n"
        "                   [--order forward|backward|random] DIR\n"
        "       encrypt undo --way W --id ID --key KEY DIR\n"
        "A simulator for tests: it works only in a directory that `prepare` made.\n",
        stderr);
    exit(2);
}

static _Noreturn void refuse(const char *what, int error)
{
    fprintf(stderr, "encrypt: %s: %s\n", what,
            error == -EPERM ? "not a directory that this simulator made for itself"
                            : strerror(-error));
    exit(2);
}

static unsigned number(const char *text, unsigned limit)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n > limit)
        usage();
    return (unsigned)n;
}

static const struct way *way_named(const char *name)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    usage();
}

static enum order order_named(const char *name)
{
    static const char *const names[] = {"forward", "backward", "random"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return (enum order)i;
    usage();
}

static void read_options(struct job *job, int count, char **given, const char **id)
{
    static const struct option known[] = {
        {"way", 1, 0, 'w'},     {"id", 1, 0, 'i'},      {"files", 1, 0, 'f'},
        {"seconds", 1, 0, 's'}, {"workers", 1, 0, 'n'}, {"pause", 1, 0, 'p'},
        {"order", 1, 0, 'o'},   {"key", 1, 0, 'k'},     {0}};
    size_t length;
    for (int letter; (letter = getopt_long(count, given, "", known, NULL)) != -1;) {
        switch (letter) {
        case 'w':
            job->way = way_named(optarg);
            break;
        case 'i':
            *id = optarg;
            break;
        case 'f':
            job->files = number(optarg, ENCRYPT_FILES_MAX);
            break;
        case 's':
            job->seconds = number(optarg, ENCRYPT_SECONDS_MAX);
            break;
        case 'n':
            job->workers = number(optarg, ENCRYPT_WORKERS_MAX);
            break;
        case 'p':
            job->pause_ms = number(optarg, 60000);
            break;
        case 'o':
            job->order = order_named(optarg);
            break;
        case 'k':
            if (sodium_hex2bin(job->key, CIPHER_KEY, optarg, strlen(optarg), NULL, &length, NULL) !=
                    0 ||
                length != CIPHER_KEY)
                usage();
            break;
        default:
            usage();
        }
    }
    if (!job->way || !*id || job->seconds == 0 || job->workers == 0 ||
        (job->undo && sodium_is_zero(job->key, CIPHER_KEY)))
        usage();
}

static int prepare(const char *directory)
{
    char id[MARK_ID + 1];
    int result = marked_prepare(directory, id);
    if (result != 0)
        refuse(directory, result);
    puts(id);
    return 0;
}

int main(int count, char **given)
{
    if (count == 2 && strcmp(given[1], "ways") == 0) {
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
            puts(ways[i].name);
        return 0;
    }
    if (count == 3 && strcmp(given[1], "prepare") == 0)
        return prepare(given[2]);
    bool undo = count > 1 && strcmp(given[1], "undo") == 0;
    if (sodium_init() < 0 || count < 3 || (!undo && strcmp(given[1], "run") != 0))
        usage();
    struct job job = {.undo = undo, .files = ENCRYPT_FILES_MAX, .seconds = 60, .workers = 16};
    const char *id = NULL;
    read_options(&job, count - 1, given + 1, &id);
    if (optind + 1 != count - 1)
        usage();
    const char *directory = given[count - 1];
    int result = marked_open(&job.marked, directory, id);
    if (result != 0)
        refuse(directory, result);
    bound(job.seconds);
    char hex[2 * CIPHER_KEY + 1];
    if (!undo) {
        randombytes_buf(job.key, CIPHER_KEY);
        printf("{\"key\": \"%s\"}\n", sodium_bin2hex(hex, sizeof hex, job.key, CIPHER_KEY));
        fflush(stdout);
    }
    result = run(&job, directory);
    if (result != 0)
        refuse(directory, result);
    return 0;
}
