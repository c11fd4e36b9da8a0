#include "audit/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct recorder {
    struct handover_reader *reader;
    struct audit_log *log;
    struct index *index;
    struct salts *salts;
    uint64_t own_number; /* of entries that the recorder makes itself: LOST, ERASED */
    uint64_t witnessed;
    size_t pending;      /* acts staged in the log and indexed in `act`, not durable yet */
    struct act act[RECORDER_BATCH + HANDOVER_COUNT + 1]; /* a step stages one of each ring's LOST, and one ERASED, beyond a batch */
};

struct audit_log *recorder_log(struct recorder *recorder)
{
    return recorder->log;
}

struct index *recorder_index(struct recorder *recorder)
{
    return recorder->index;
}

struct salts *recorder_salts(struct recorder *recorder)
{
    return recorder->salts;
}

/* ---- The key -------------------------------------------------------------------------------------- */

static int read_key(const char *path, uint8_t seed[32], struct text *name, char *buffer, size_t size, struct error *error)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return -errno;
    ssize_t length = fstat(file, &about) < 0 ? -1 : read(file, buffer, size);
    close(file);
    if (length < 0)
        return error_set(error, -EIO, "%s cannot be read", path);
    if (about.st_mode & 077)
        return error_set(error, -EPERM, "%s may be read by others: its mode must be 0600", path);
    /* "NAME\nHEX\n" */
    const char *newline = memchr(buffer, '\n', (size_t)length);
    size_t hex = 0;
    if (newline)
        *name = (struct text){buffer, (size_t)(newline - buffer)};
    if (!newline || (size_t)length - name->length - 1 < 64 ||
        sodium_hex2bin(seed, 32, newline + 1, 64, NULL, &hex, NULL) != 0 || hex != 32)
        return error_set(error, -EBADMSG, "%s is not a key file: it has the log's name on its first line and 64 hexadecimal "
                                          "digits on its second", path);
    return 0;
}

static int write_file_durably(const char *path, mode_t mode, const char *text, struct error *error)
{
    char temporary[320];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    unlink(temporary);
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0)
        return error_set(error, -errno, "%s cannot be made: %s", temporary, strerror(errno));
    size_t length = strlen(text);
    int failed = write(file, text, length) == (ssize_t)length && fsync(file) == 0 ? 0 : errno ? -errno : -EIO;
    close(file);
    if (!failed && rename(temporary, path) < 0)
        failed = -errno;
    return failed ? error_set(error, failed, "%s cannot be written: %s", path, strerror(-failed)) : 0;
}

static int make_key(const char *path, const char *name, struct error *error)
{
    uint8_t seed[32];
    char hex[65], text[NOTE_NAME_MAX + 80];
    randombytes_buf(seed, sizeof seed);
    sodium_bin2hex(hex, sizeof hex, seed, sizeof seed);
    snprintf(text, sizeof text, "%s\n%s\n", name, hex);
    int failed = write_file_durably(path, 0600, text, error);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(text, sizeof text);
    return failed;
}

int audit_key_load(const char *state, const char *name, struct signer_key *out, struct error *error)
{
    char folder[280], path[300], public_path[300], buffer[NOTE_NAME_MAX + 100], key_name[NOTE_NAME_MAX + 1];
    uint8_t seed[32];
    struct text stored;
    if (sodium_init() < 0)
        return error_set(error, -EIO, "libsodium does not start");
    snprintf(folder, sizeof folder, "%s/keys", state);
    snprintf(path, sizeof path, "%s/audit.key", folder);
    snprintf(public_path, sizeof public_path, "%s/audit.pub", folder);
    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    int failed = read_key(path, seed, &stored, buffer, sizeof buffer, error);
    if (failed == -ENOENT) {
        failed = make_key(path, name, error);
        if (!failed)
            failed = read_key(path, seed, &stored, buffer, sizeof buffer, error);
    }
    if (failed)
        return failed;
    snprintf(key_name, sizeof key_name, "%.*s", (int)stored.length, stored.data);
    failed = signer_key_make(key_name, NOTE_KEY_LOG, seed, out);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(buffer, sizeof buffer);
    if (failed)
        return error_set(error, failed, "%s: a log's name has no spaces and no +", path);
    char text[NOTE_VKEY_SIZE + 1];
    verifier_key_text(&out->verifier, text);
    strcat(text, "\n");
    return access(public_path, F_OK) == 0 ? 0 : write_file_durably(public_path, 0644, text, error);
}

/* ---- Opening -------------------------------------------------------------------------------------- */

/* The index follows the log: what it misses is read from the log's own files. */
static int catch_up(struct recorder *recorder, const char *folder, struct error *error)
{
    uint64_t size = audit_log_size(recorder->log), next = index_size(recorder->index);
    if (next > size && index_clear(recorder->index) == 0) /* of another log */
        next = 0;
    int descriptor = next < size ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    uint8_t *bundle = next < size ? malloc(BUNDLE_SIZE_MAX) : NULL;
    int failed = next < size && (descriptor < 0 || !bundle) ? -ENOMEM : 0;
    if (!failed && next < size)
        failed = index_begin(recorder->index);
    while (!failed && next < size) {
        uint64_t tile = next / TILE_WIDTH;
        unsigned width = tile_width(TILE_BUNDLES, tile, size);
        long length = bundle_read(descriptor, tile, width, bundle);
        size_t at = 0;
        struct text text;
        failed = length < 0 ? (int)length : 0;
        for (uint64_t i = tile * TILE_WIDTH; !failed && i < tile * TILE_WIDTH + width; i++) {
            struct entry entry = {.number = 0};
            if (!bundle_next(bundle, (size_t)length, &at, &text))
                failed = -EBADMSG;
            else if (i >= next && (entry_parse(text, &entry), true)) /* what cannot be read is indexed as it is: empty */
                failed = index_add(recorder->index, i, &entry.act);
        }
        next = tile * TILE_WIDTH + width;
    }
    if (!failed && bundle)
        failed = index_commit(recorder->index);
    free(bundle);
    if (descriptor >= 0)
        close(descriptor);
    return failed ? error_set(error, failed, "the audit index cannot be brought up to date: %s", strerror(-failed)) : 0;
}

int recorder_open(const char *state, const char *runtime, const char *name, struct recorder **out, struct error *error)
{
    char folder[300], index_path[300], salts_path[300];
    struct signer_key key;
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return error_set(error, -ENOMEM, "out of memory");
    snprintf(folder, sizeof folder, "%s/audit", state);
    snprintf(index_path, sizeof index_path, "%s/audit-index.db", state);
    snprintf(salts_path, sizeof salts_path, "%s/audit-salts.db", state);
    int failed = audit_key_load(state, name, &key, error);
    if (!failed)
        failed = audit_log_open(folder, &key, &recorder->log, error);
    signer_key_wipe(&key);
    if (!failed)
        failed = salts_open(salts_path, &recorder->salts, error);
    if (!failed)
        failed = index_open(index_path, &recorder->index, error);
    if (!failed)
        failed = catch_up(recorder, folder, error);
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
    index_close(recorder->index);
    salts_close(recorder->salts);
    audit_log_close(recorder->log);
    free(recorder);
}

int recorder_set_aside(const char *state, int64_t wall, struct error *error)
{
    static const char *const parts[] = {"audit", "audit-index.db", "audit-index.db-wal", "audit-index.db-shm"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char from[300], to[340];
        snprintf(from, sizeof from, "%s/%s", state, parts[i]);
        snprintf(to, sizeof to, "%s.damaged-%lld", from, (long long)(wall / NANOS_SECOND));
        if (rename(from, to) < 0 && errno != ENOENT)
            return error_set(error, -errno, "%s cannot be moved: %s", from, strerror(errno));
    }
    return 0;
}

/* ---- A step --------------------------------------------------------------------------------------- */

static int stage(struct recorder *recorder, const struct handed_over *handed)
{
    char buffer[ENTRY_SIZE];
    struct writer w = writer_on(buffer, sizeof buffer);
    struct entry_salts salts;
    entry_write(handed, &w, &salts);
    int64_t index = audit_log_stage(recorder->log, (struct text){buffer, w.length});
    if (index < 0)
        return (int)index;
    const struct act *act = &handed->act;
    const char *name[ENTRY_ROLE_COUNT] = {
        actor_is_person(text_of(act->actor)) ? act->actor + strlen("operator ") : "", act->subject};
    int failed = 0;
    for (enum entry_role role = 0; role < ENTRY_ROLE_COUNT && !failed; role++)
        if (salts.used[role])
            failed = salts_add(recorder->salts, (uint64_t)index, role, salts.salt[role], text_of(name[role]), act->at);
    recorder->act[recorder->pending++] = *act;
    return failed;
}

/* An entry of the recorder's own. */
static int stage_own(struct recorder *recorder, struct act act, int64_t wall)
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
        act_text(act.reason, sizeof act.reason, TEXT("acts that could not be taken: the log could not be written, or too many came at once"));
        act_number(&act, "count", (int64_t)lost);
        failed = stage_own(recorder, act, wall);
    }
    return failed;
}

static int stage_waiting(struct recorder *recorder, nanos_t boot, int64_t wall)
{
    int failed = salts_begin(recorder->salts);
    if (failed)
        return failed;
    failed = stage_lost(recorder, wall);
    struct handed_over handed;
    while (!failed && recorder->pending < RECORDER_BATCH && handover_next(recorder->reader, boot, &handed))
        failed = stage(recorder, &handed);
    if (failed) {
        salts_rollback(recorder->salts);
        return failed;
    }
    return salts_commit(recorder->salts);
}

static void index_pending(struct recorder *recorder, uint64_t first)
{
    if (index_begin(recorder->index) != 0)
        return; /* it catches up when it is opened next */
    int failed = index_size(recorder->index) == first ? 0 : -ESTALE;
    for (size_t i = 0; i < recorder->pending && !failed; i++)
        failed = index_add(recorder->index, first + i, &recorder->act[i]);
    if (failed || index_commit(recorder->index) != 0)
        index_rollback(recorder->index);
}

long recorder_step(struct recorder *recorder, nanos_t boot, int64_t wall, struct error *error)
{
    handover_reader_look(recorder->reader);
    int failed = recorder->pending < RECORDER_BATCH ? stage_waiting(recorder, boot, wall) : 0;
    uint64_t first = audit_log_size(recorder->log);
    if (audit_log_staged(recorder->log) > 0) {
        int committed = audit_log_commit(recorder->log, error);
        if (committed)
            return committed;
    }
    long done = (long)recorder->pending;
    handover_durable(recorder->reader, boot, audit_log_size(recorder->log), recorder->witnessed);
    index_pending(recorder, first);
    recorder->pending = 0;
    return failed ? error_set(error, failed, "the salts cannot be written: %s", strerror(-failed)) : done;
}

int recorder_expire(struct recorder *recorder, int64_t before, int64_t wall, struct error *error)
{
    uint64_t first = 0, last = 0;
    if (recorder->pending >= RECORDER_BATCH)
        return error_set(error, -EBUSY, "the log cannot be written at present");
    long erased = salts_erase(recorder->salts, before, 10000, &first, &last);
    if (erased <= 0)
        return erased < 0 ? error_set(error, (int)erased, "old salts cannot be erased: %s", strerror((int)-erased)) : 0;
    struct act act = {.kind = ACT_ERASED};
    act_text(act.reason, sizeof act.reason, TEXT("kept for as long as the contract says"));
    act_number(&act, "count", erased);
    act_number(&act, "first", (int64_t)first);
    act_number(&act, "last", (int64_t)last);
    int failed = stage_own(recorder, act, wall);
    return failed ? error_set(error, failed, "out of memory") : 0;
}
