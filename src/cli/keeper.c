#include "cli/keeper.h"

#include "cli/rights.h"
#include "contract/publish.h"
#include "tracking/tracking.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EXPIRE_AT_ONCE = 10000, ROUND_SECONDS = 60, FIRST_ROUND_SECONDS = 2 };

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

/* A second, or less when told to stop. */
static bool wait_second(const struct child_words *k)
{
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return !stopping && getppid() == k->parent;
}

/* Each call holds the writer's lock for one batch only, so that an ingest that begins meanwhile
 * waits little. */
static bool expire_all(struct store *store, nanos_t keep, struct error *error)
{
    int64_t oldest = (clock_wall() - keep) / NANOS_SECOND;
    bool done = false;
    long removed = 0;
    while (!done && !stopping) {
        long now = store_expire(store, oldest, EXPIRE_AT_ONCE, &done, error);
        if (now < 0)
            return false;
        removed += now;
    }
    if (removed)
        log_line(LOG_LEVEL_INFO, "keeper: %ld parcels removed, older than the contract keeps them",
                 removed);
    return true;
}

static bool build_filter(const struct child_words *k, struct store *store, struct error *error)
{
    struct filter_writer *writer;
    if (filter_writer_open(k->state, &writer, error) < 0)
        return false;
    bool built = true;
    if (filter_wants_build(writer))
        built = filter_build(writer, store, error) == 0;
    filter_writer_close(writer);
    return built;
}

/* False: it failed, and the reason has been logged once. */
static void round_once(const struct child_words *k, nanos_t keep, char said[512])
{
    char path[CONTRACT_PATH_SIZE + 40];
    struct stat status;
    snprintf(path, sizeof path, "%s/tracking/parcels.mdb", k->state);
    if (stat(path, &status) != 0)
        return; /* nothing was fed yet */
    struct error error = {""};
    struct store *store;
    int code = store_open(k->state, false, &store, &error);
    if (code == -EBUSY)
        return; /* an ingest is at work: next time */
    bool well = code == 0 && expire_all(store, keep, &error) && build_filter(k, store, &error);
    if (code == 0)
        store_close(store);
    if (well)
        said[0] = 0;
    else if (strcmp(said, error.text) != 0)
        log_line(LOG_LEVEL_ERROR, "keeper: %s", strcpy(said, error.text));
}

static bool confine(const struct child_words *k)
{
    struct error error;
    const struct account account = account_of_service(k->state);
    char tracking[CONTRACT_PATH_SIZE + 32];
    snprintf(tracking, sizeof tracking, "%s/tracking", k->state);
    if (rights_drop(&account, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "keeper: %s", error.text);
        return false;
    }
    /* Changing the user forgot it. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    char closed[CONTRACT_PATH_SIZE + 32];
    if (path_first_closed(tracking, closed, sizeof closed)) {
        log_line(LOG_LEVEL_ERROR, "keeper: user %s may not enter %s; say chmod o+x %s",
                 account.name, closed, closed);
        return false;
    }
    const char *partly;
    const struct rights_paths paths = {.writable = tracking,
                                       .readable = {k->runtime, "/proc/sys/kernel/random"}};
    if (rights_confine(&paths, &partly, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "keeper: %s", error.text);
        return false;
    }
    if (partly)
        log_line(LOG_LEVEL_INFO, "keeper: %s; it is confined by seccomp and its user alone",
                 partly);
    return true;
}

/* How long parcels are kept by the contract in force; follows it without being told. */
static bool follow(const struct child_words *k, const struct control *control, uint64_t *generation,
                   nanos_t *keep)
{
    uint64_t live = control_live(control);
    if (live == *generation)
        return true;
    struct contract *c = calloc(1, sizeof *c);
    if (c == NULL)
        return false;
    struct error error;
    int code = contract_published(k->runtime, live, c, &error);
    if (code == 0) {
        *keep = c->keep.tracking;
        *generation = live;
    } else {
        log_line(LOG_LEVEL_WARNING, "keeper: %s", error.text);
    }
    free(c);
    return code == 0;
}

bool keeper_wanted(const struct contract *c)
{
    return c->tracking.present;
}

_Noreturn void keeper_main(const struct child_words *k)
{
    struct error error;
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the supervisor stops us in order */
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_NAME, "ecluse-keeper");
    umask(0007);
    const struct control *control;
    if (control_open(k->runtime, &control, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "keeper: %s", error.text);
        _exit(EXIT_FAILURE);
    }
    if (!confine(k))
        _exit(EXIT_FAILURE);
    uint64_t generation = 0;
    nanos_t keep = 0;
    char said[512] = "";
    for (unsigned second = 1; wait_second(k); second++) {
        if (!follow(k, control, &generation, &keep) || keep <= 0)
            continue;
        if (second == FIRST_ROUND_SECONDS || second % ROUND_SECONDS == 0)
            round_once(k, keep, said);
    }
    _exit(EXIT_SUCCESS);
}
