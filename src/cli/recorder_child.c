#include "cli/recorder_child.h"

#include "audit/audit.h"
#include "cli/cosign.h"
#include "cli/directories.h"
#include "contract/publish.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const nanos_t busy_pause = 5 * NANOS_MILLISECOND, idle_pause = 20 * NANOS_MILLISECOND;
static const nanos_t failed_pause = 200 * NANOS_MILLISECOND;
enum {
    EXPIRE_SECONDS = 3600,
    FIRST_EXPIRE_SECONDS = 10,
    ASKER_GRACE_SECONDS = 60,
    LAST_STEPS = 50
};

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

/* ---- Before the first start --------------------------------------------------------------------
 */

char *audit_origin(const struct contract *c, char out[ORIGIN_SIZE])
{
    if (c->audit.origin[0]) {
        snprintf(out, ORIGIN_SIZE, "%s", c->audit.origin);
        return out;
    }
    size_t length = 0;
    for (const char *s = c->organisation; *s && length < CONTRACT_NAME_SIZE; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9');
        if (*s >= 'A' && *s <= 'Z')
            out[length++] = (char)(*s - 'A' + 'a');
        else if (plain)
            out[length++] = *s;
        else if (length && out[length - 1] != '-')
            out[length++] = '-';
    }
    while (length && out[length - 1] == '-')
        length--;
    snprintf(out + length, ORIGIN_SIZE - length, "%s/ecluse", length ? "" : "organisation");
    return out;
}

static int prepare_key(const struct contract *c, const struct account *account, struct error *error)
{
    char origin[ORIGIN_SIZE], path[KEY_PATH_SIZE];
    struct signer_key key;
    int failed = audit_key_load(c->state, audit_origin(c, origin), &key, error);
    signer_key_wipe(&key);
    if (!failed && account->change &&
        lchown(key_path(c->state, KEY_SECRET, path), account->uid, account->gid) != 0)
        failed = error_set(error, -errno, "%s cannot be given to user %s: %s", path, account->name,
                           strerror(errno));
    return failed;
}

int recorder_prepare(const struct contract *c, const struct account *account, int workers,
                     struct error *error)
{
    struct account service = account_of_service(c->state);
    const int owner = account->change ? (int)account->uid : -1;
    const struct {
        enum handover_name name;
        int group;
    } rings[] = {
        {HANDOVER_FRONT, workers},
        {HANDOVER_RUN, -1},
        {HANDOVER_KEEPER, service.change ? (int)service.gid : -1},
        {HANDOVER_INGEST, service.change ? (int)service.gid : -1},
        {HANDOVER_COMMAND, -1},
        {HANDOVER_HERALD, -1},
        {HANDOVER_EGRESS, -1},
        {HANDOVER_FILES, -1},
    };
    int failed = directories_for_audit(c, account, error);
    if (!failed)
        failed = prepare_key(c, account, error);
    if (!failed)
        failed = handover_create_status(c->runtime, owner, error);
    for (size_t i = 0; i < sizeof rings / sizeof *rings && !failed; i++)
        failed = handover_create_for(c->runtime, rings[i].name, owner, rings[i].group, error);
    return failed;
}

void recorder_mend(const struct contract *live, struct chronicle *chronicle)
{
    struct error error = {""};
    const struct account account = account_of_audit(live->state);
    int64_t wall = clock_wall();
    int code = recorder_set_aside(live->state, wall, &error);
    if (code == 0)
        code = recorder_prepare(live, &account, group_of_workers(), &error);
    if (code < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", error.text);
        return;
    }
    log_line(LOG_LEVEL_ERROR,
             "the audit log was damaged: it is set aside as %s/audit.damaged-%lld, and a new one "
             "is begun",
             live->state, (long long)(wall / NANOS_SECOND));
    chronicle_say(chronicle, ACT_ALARM, "audit log",
                  "the log did not agree with its checkpoint: set aside as audit.damaged-%lld; "
                  "this one begins anew",
                  (long long)(wall / NANOS_SECOND));
}

/* ---- The child ----------------------------------------------------------------------------------
 */

static bool confine(const struct child_words *k)
{
    struct error error = {""};
    const struct account account = account_of_audit(k->state);
    char log[CONTRACT_PATH_SIZE + 16], record[CONTRACT_PATH_SIZE + 16],
        keys[CONTRACT_PATH_SIZE + 16], page[CONTRACT_PATH_SIZE + 16],
        closed[CONTRACT_PATH_SIZE + 32];
    const char *partly = NULL;
    snprintf(log, sizeof log, "%s/audit", k->state);
    snprintf(record, sizeof record, "%s/record", k->state);
    snprintf(keys, sizeof keys, "%s/keys", k->state);
    snprintf(page, sizeof page, "%s/audit.status", k->runtime);
    const struct rights_paths paths = {.writable = log,
                                       .also_writable = {record, page},
                                       .readable = {k->runtime, keys, "/proc/sys/kernel/random"}};
    bool done = rights_drop(&account, &error) == 0;
    if (done && path_first_closed(log, closed, sizeof closed)) {
        error_set(&error, 0, "user %s may not enter %s; say chmod o+x %s", account.name, closed,
                  closed);
        done = false;
    }
    done = done && rights_confine(&paths, &partly, &error) == 0;
    if (!done)
        log_line(LOG_LEVEL_ERROR, "recorder: %s", error.text);
    else if (partly)
        log_line(LOG_LEVEL_INFO, "recorder: %s; it is confined by seccomp and its user alone",
                 partly);
    return done;
}

struct work {
    const struct child_words *k;
    const struct control *control;
    struct recorder *recorder;
    struct cosigners *cosigners;
    struct follower *follower;
    struct contract *contract;
    uint64_t generation;
    struct stat key; /* as it was when it was read */
    unsigned second, broken_since;
    bool more_to_expire;
    nanos_t next_second;
    char said[512];
};

static struct stat stat_key(const struct child_words *k)
{
    char path[KEY_PATH_SIZE];
    struct stat about = {.st_ino = 0};
    stat(key_path(k->state, KEY_SECRET, path), &about);
    return about;
}

/* The contract in force; follows it without being told. */
static bool follow_contract(struct work *w)
{
    struct error error;
    uint64_t live = control_live(w->control);
    if (live == w->generation)
        return true;
    if (contract_published(w->k->runtime, live, w->contract, &error) != 0)
        return false;
    w->generation = live;
    return true;
}

static void say(struct work *w, const struct error *error)
{
    if (strcmp(w->said, error->text) != 0)
        log_line(LOG_LEVEL_ERROR, "recorder: %s", strcpy(w->said, error->text));
}

static void expire(struct work *w)
{
    struct error error;
    int64_t wall = clock_wall();
    long erased = recorder_expire(w->recorder, wall - w->contract->keep.audit_names, wall, &error);
    if (erased < 0)
        say(w, &error);
    w->more_to_expire = erased == RECORDER_EXPIRE;
}

/* False: a recorder that is started anew is needed, with other witnesses or another key. */
static bool each_second(struct work *w)
{
    struct stat key = stat_key(w->k);
    w->second++;
    follow_contract(w);
    if (w->more_to_expire || w->second == FIRST_EXPIRE_SECONDS || w->second % EXPIRE_SECONDS == 0)
        expire(w);
    if (!cosigners_broken(w->cosigners))
        w->broken_since = w->second;
    return key.st_ino == w->key.st_ino && key.st_mtim.tv_sec == w->key.st_mtim.tv_sec &&
           key.st_mtim.tv_nsec == w->key.st_mtim.tv_nsec &&
           !cosigners_differ(w->cosigners, w->contract) &&
           w->second - w->broken_since < ASKER_GRACE_SECONDS;
}

/* How long to wait before the next. */
static nanos_t step(struct work *w)
{
    struct error error = {""};
    nanos_t now = clock_boot();
    long done = recorder_step(w->recorder, now, clock_wall(), &error);
    if (done < 0) {
        say(w, &error);
        return failed_pause;
    }
    if (w->said[0])
        log_line(LOG_LEVEL_INFO, "recorder: the log can be written again");
    w->said[0] = 0;
    cosigners_step(w->cosigners, w->recorder, w->k->state, now);
    return done > 0 ? busy_pause : idle_pause;
}

static int work(struct work *w)
{
    bool good = true;
    while (!stopping && good && getppid() == w->k->parent) {
        nanos_t pause = step(w);
        nanos_t now = clock_boot();
        if (now >= w->next_second) {
            good = each_second(w);
            w->next_second = now + NANOS_SECOND;
        }
        nanosleep(&(struct timespec){.tv_nsec = (long)pause}, NULL);
    }
    struct error error;
    for (int i = 0;
         i < LAST_STEPS && recorder_step(w->recorder, clock_boot(), clock_wall(), &error) > 0; i++)
        continue;
    return good ? EXIT_SUCCESS : RECORDER_AGAIN;
}

static int open_and_work(struct work *w)
{
    struct error error = {""};
    char origin[ORIGIN_SIZE];
    w->key = stat_key(w->k);
    int failed = recorder_open(w->k->state, w->k->runtime, audit_origin(w->contract, origin),
                               &w->recorder, &error);
    if (failed) {
        log_line(LOG_LEVEL_ERROR, "recorder: %s", error.text);
        return failed == -EBADMSG ? RECORDER_DAMAGED : EXIT_FAILURE;
    }
    if (strcmp(audit_origin(w->contract, origin), audit_log_origin(recorder_log(w->recorder))) != 0)
        log_line(LOG_LEVEL_WARNING,
                 "recorder: the log is called %s, and keeps that name; the contract says %s",
                 audit_log_origin(recorder_log(w->recorder)), origin);
    w->follower = follower_start(w->k->state);
    int status = work(w);
    follower_stop(w->follower);
    recorder_close(w->recorder);
    return status;
}

_Noreturn void recorder_main(const struct child_words *k)
{
    struct error error;
    struct work w = {.k = k};
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(RECORDER_STOP, &action, NULL);
    /* Ctrl-C and systemd reach every process at once: the supervisor stops us in order, last, and
     * when it is gone we end by ourselves. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    prctl(PR_SET_NAME, "ecluse-recorder");
    umask(0027);
    w.contract = calloc(1, sizeof *w.contract);
    must(w.contract != NULL);
    if (control_open(k->runtime, &w.control, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "recorder: %s", error.text);
        _exit(EXIT_FAILURE);
    }
    if (!follow_contract(&w)) {
        log_line(LOG_LEVEL_ERROR, "recorder: the contract in force cannot be read");
        _exit(EXIT_FAILURE);
    }
    const struct account account = account_of_audit(k->state);
    w.cosigners = cosigners_start(w.contract, &account);
    if (!confine(k))
        _exit(EXIT_FAILURE);
    _exit(open_and_work(&w));
}
