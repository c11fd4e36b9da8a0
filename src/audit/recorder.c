#include "audit/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 320 };

struct kept_name { /* a commitment of a staged entry, on its way into the salts */
    uint64_t entry;
    int64_t at;
    enum entry_role role;
    uint8_t salt[ENTRY_SALT_SIZE];
    char name[ACT_SUBJECT_SIZE];
};

enum {
    STAGED_MAX = RECORDER_BATCH + HANDOVER_COUNT + 2
}; /* a step stages a LOST of each ring, an ERASED and a KEY beyond a batch */

enum { NAMES_MAX = ENTRY_ROLE_COUNT * STAGED_MAX };

/* Names are written by a thread of their own, so that the next batch need not wait for them. */
struct names {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, busy, stopping;
    int failed; /* of the last try; what it was to write is still in `name` */
    size_t count;
    struct kept_name name[NAMES_MAX];
};

struct recorder {
    struct handover_reader *reader;
    struct audit_log *log;
    struct salts *salts;
    uint64_t witnessed;
    size_t pending; /* acts staged in the log, not durable yet */
    size_t name_count;
    struct kept_name name[NAMES_MAX]; /* of this batch, until the thread takes them */
    struct names names;
};

struct audit_log *recorder_log(struct recorder *recorder)
{
    return recorder->log;
}

/* Until the thread has no names to write, or cannot. */
static void wait_for_names(struct names *names)
{
    pthread_mutex_lock(&names->lock);
    while (names->busy)
        pthread_cond_wait(&names->changed, &names->lock);
    pthread_mutex_unlock(&names->lock);
}

struct salts *recorder_salts(struct recorder *recorder)
{
    wait_for_names(&recorder->names);
    return recorder->salts;
}

void recorder_witnessed(struct recorder *recorder, uint64_t size, nanos_t when)
{
    recorder->witnessed = size;
    handover_witnessed(recorder->reader, when);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int write_names(struct salts *salts, const struct kept_name *name, size_t count)
{
    int failed = salts_begin(salts);
    for (size_t i = 0; i < count && !failed; i++)
        failed = salts_add(salts, name[i].entry, name[i].role, name[i].salt, text_of(name[i].name),
                           name[i].at);
    if (!failed)
        failed = salts_commit(salts);
    if (failed)
        salts_rollback(salts);
    if (failed == -EBADMSG) { /* they will not mend by waiting, and the log must go on */
        log_line(LOG_LEVEL_ERROR,
                 "recorder: the salts are damaged; whom %zu entries meant is not kept", count);
        failed = 0;
    }
    return failed;
}

static void *names_thread(void *argument)
{
    struct recorder *recorder = argument;
    struct names *names = &recorder->names;
    pthread_mutex_lock(&names->lock);
    while (!names->stopping) {
        if (!names->busy) {
            pthread_cond_wait(&names->changed, &names->lock);
            continue;
        }
        pthread_mutex_unlock(&names->lock);
        int failed = write_names(recorder->salts, names->name, names->count);
        pthread_mutex_lock(&names->lock);
        names->failed = failed;
        if (!failed)
            names->count = 0;
        names->busy = false;
        pthread_cond_broadcast(&names->changed);
    }
    pthread_mutex_unlock(&names->lock);
    return NULL;
}

static int start_names(struct recorder *recorder)
{
    struct names *names = &recorder->names;
    pthread_mutex_init(&names->lock, NULL);
    pthread_cond_init(&names->changed, NULL);
    names->started = pthread_create(&names->thread, NULL, names_thread, recorder) == 0;
    return names->started ? 0 : -EAGAIN;
}

static void stop_names(struct names *names)
{
    if (!names->started)
        return;
    wait_for_names(names);
    pthread_mutex_lock(&names->lock);
    names->stopping = true;
    pthread_cond_broadcast(&names->changed);
    pthread_mutex_unlock(&names->lock);
    pthread_join(names->thread, NULL);
}

/* After the entries are durable, so that nobody waits for it. What cannot be written is kept and
 * tried again; a crash of the machine may take the last moments, as database.h says. Returns how
 * the last try went. */
static int hand_names(struct recorder *recorder)
{
    struct names *names = &recorder->names;
    pthread_mutex_lock(&names->lock);
    int failed = names->failed;
    if (!names->busy && names->count == 0 && recorder->name_count) {
        memcpy(names->name, recorder->name, recorder->name_count * sizeof *names->name);
        names->count = recorder->name_count;
        recorder->name_count = 0;
    }
    if (!names->busy && names->count) {
        names->busy = true;
        pthread_cond_broadcast(&names->changed);
    }
    pthread_mutex_unlock(&names->lock);
    return failed;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int open_log(struct recorder *recorder, const char *state, const char *name,
                    struct error *error)
{
    char folder[PATH_SIZE];
    struct signer_key key;
    struct verifier_key *former = calloc(AUDIT_FORMER_MAX, sizeof *former);
    if (!former)
        return error_set(error, -ENOMEM, "out of memory");
    snprintf(folder, sizeof folder, "%s/audit", state);
    int failed = audit_key_load(state, name, &key, error);
    long count = failed ? 0 : audit_former_load(state, former, error);
    if (!failed && count < 0)
        failed = -EPERM; /* not of the log, which is not to be set aside for it */
    else if (failed == -EBADMSG)
        failed = -EPERM;
    if (!failed)
        failed = audit_log_open_former(folder, &key, former, (size_t)count, &recorder->log, error);
    signer_key_wipe(&key);
    free(former);
    return failed;
}

static int open_salts(struct recorder *recorder, const char *state, struct error *error)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char folder[PATH_SIZE], path[PATH_SIZE + 16], from[PATH_SIZE + 24], to[PATH_SIZE + 40];
    snprintf(folder, sizeof folder, "%s/record", state);
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    snprintf(path, sizeof path, "%s/salts.db", folder);
    int failed = salts_open(path, &recorder->salts, error);
    if (failed != -EBADMSG)
        return failed;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(from, sizeof from, "%s%s", path, parts[i]);
        snprintf(to, sizeof to, "%s.damaged%s", path, parts[i]);
        rename(from, to);
    }
    log_line(
        LOG_LEVEL_ERROR,
        "recorder: %s was damaged and is set aside: whom older entries meant can no longer be told",
        path);
    return salts_open(path, &recorder->salts, error);
}

/* The first entry under a new key says which it follows; the last under the old one named it. */
static int stage_new_key(struct recorder *recorder)
{
    uint32_t former;
    struct act act = {.kind = ACT_KEY};
    if (!audit_log_key_is_new(recorder->log, &former))
        return 0;
    snprintf(act.reason, sizeof act.reason,
             "from here on signed by a new key; the one before was %08x", former);
    return recorder_say(recorder, act, clock_wall());
}

/* Those of the last batch may still wait for those before them. */
static void hand_last_names(struct recorder *recorder)
{
    for (int tries = 0; recorder->names.started && tries < 2 && recorder->name_count; tries++) {
        wait_for_names(&recorder->names);
        hand_names(recorder);
    }
}

int recorder_open(const char *state, const char *runtime, const char *name, struct recorder **out,
                  struct error *error)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return error_set(error, -ENOMEM, "out of memory");
    int failed = open_log(recorder, state, name, error);
    if (!failed) {
        failed = open_salts(recorder, state, error);
        failed = failed == -EBADMSG ? -EIO : failed; /* as above */
    }
    if (!failed)
        failed = start_names(recorder);
    if (!failed)
        failed = stage_new_key(recorder);
    if (!failed)
        failed = handover_reader_new(runtime, &recorder->reader, error);
    if (failed) {
        recorder_close(recorder);
        return failed;
    }
    *out = recorder;
    return 0;
}

void recorder_close(struct recorder *recorder)
{
    if (!recorder)
        return;
    handover_reader_free(recorder->reader);
    hand_last_names(recorder);
    stop_names(&recorder->names);
    salts_close(recorder->salts);
    audit_log_close(recorder->log);
    free(recorder);
}

int recorder_set_aside(const char *state, int64_t wall, struct error *error)
{
    static const char *const parts[] = {"audit", "record/index.db", "record/index.db-wal",
                                        "record/index.db-shm"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char from[PATH_SIZE], to[PATH_SIZE + 40];
        snprintf(from, sizeof from, "%s/%s", state, parts[i]);
        snprintf(to, sizeof to, "%s.damaged-%lld", from, (long long)(wall / NANOS_SECOND));
        if (rename(from, to) < 0 && errno != ENOENT)
            return error_set(error, -errno, "%s cannot be moved: %s", from, strerror(errno));
    }
    return 0;
}

/* ---- A step ---------------------------------------------------------------------------------- */

static void keep_name(struct recorder *recorder, uint64_t entry, enum entry_role role,
                      const struct act *act, const struct entry_salts *salts)
{
    const char *name = role == ENTRY_SUBJECT ? act->subject : act->actor + strlen("operator ");
    struct kept_name *kept = &recorder->name[recorder->name_count++];
    *kept = (struct kept_name){.entry = entry, .at = act->at, .role = role};
    memcpy(kept->salt, salts->salt[role], sizeof kept->salt);
    act_text(kept->name, sizeof kept->name, text_of(name));
}

static int stage(struct recorder *recorder, const struct handed_over *handed)
{
    char buffer[ENTRY_SIZE];
    struct writer w = writer_on(buffer, sizeof buffer);
    struct entry_salts salts;
    if (recorder->pending == STAGED_MAX || recorder->name_count + ENTRY_ROLE_COUNT > NAMES_MAX)
        return -ENOBUFS;
    entry_write(handed, &w, &salts);
    int64_t index = audit_log_stage(recorder->log, (struct text){buffer, w.length});
    if (index < 0)
        return (int)index;
    for (enum entry_role role = 0; role < ENTRY_ROLE_COUNT; role++)
        if (salts.used[role])
            keep_name(recorder, (uint64_t)index, role, &handed->act, &salts);
    recorder->pending++;
    return 0;
}

int recorder_say(struct recorder *recorder, struct act act, int64_t wall)
{
    struct handed_over own = {.from = HANDOVER_RUN, .number = 0, .act = act};
    own.act.at = wall;
    act_text(own.act.actor, sizeof own.act.actor, TEXT("audit"));
    return stage(recorder, &own);
}

static int stage_lost(struct recorder *recorder, int64_t wall)
{
    int failed = 0;
    for (enum handover_name name = 0; name < HANDOVER_COUNT && !failed; name++) {
        uint64_t lost = handover_lost(recorder->reader, name);
        if (!lost)
            continue;
        struct act act = {.kind = ACT_LOST};
        act_text(act.object, sizeof act.object, text_of(handover_name(name)));
        act_text(act.reason, sizeof act.reason,
                 TEXT("acts that could not be taken: the log could not be written, or too many "
                      "came at once"));
        act_number(&act, "count", (int64_t)lost);
        failed = recorder_say(recorder, act, wall);
    }
    return failed;
}

static int stage_waiting(struct recorder *recorder, nanos_t boot, int64_t wall)
{
    int failed = stage_lost(recorder, wall);
    struct handed_over handed;
    while (!failed && recorder->pending < RECORDER_BATCH &&
           recorder->name_count < NAMES_MAX - ENTRY_ROLE_COUNT * (HANDOVER_COUNT + 2) &&
           handover_next(recorder->reader, boot, &handed))
        failed = stage(recorder, &handed);
    return failed;
}

long recorder_step(struct recorder *recorder, nanos_t boot, int64_t wall, struct error *error)
{
    handover_reader_look(recorder->reader);
    int failed = recorder->pending < RECORDER_BATCH ? stage_waiting(recorder, boot, wall) : 0;
    if (audit_log_staged(recorder->log) > 0) {
        int committed = audit_log_commit(recorder->log, error);
        if (committed)
            return committed;
    }
    long done = (long)recorder->pending;
    handover_durable(recorder->reader, boot, audit_log_size(recorder->log), recorder->witnessed);
    recorder->pending = 0;
    int kept = hand_names(recorder);
    if (kept)
        return error_set(error, kept, "the salts cannot be written: %s", strerror(-kept));
    return failed ? error_set(error, failed, "acts cannot be taken: %s", strerror(-failed)) : done;
}

long recorder_expire(struct recorder *recorder, int64_t before, int64_t wall, struct error *error)
{
    uint64_t first = 0, last = 0;
    if (recorder->pending >= RECORDER_BATCH)
        return error_set(error, -EBUSY, "the log cannot be written at present");
    long erased = salts_erase(recorder_salts(recorder), before, RECORDER_EXPIRE, &first, &last);
    if (erased <= 0)
        return erased < 0 ? error_set(error, (int)erased, "old salts cannot be erased: %s",
                                      strerror((int)-erased))
                          : 0;
    struct act act = {.kind = ACT_ERASED};
    act_text(act.reason, sizeof act.reason, TEXT("kept for as long as the contract says"));
    act_number(&act, "count", erased);
    act_number(&act, "first", (int64_t)first);
    act_number(&act, "last", (int64_t)last);
    int failed = recorder_say(recorder, act, wall);
    return failed ? error_set(error, failed, "out of memory") : erased;
}
