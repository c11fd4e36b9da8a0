/* A crash at every step of the write order. What the log asks of the system is recorded; then every
 * beginning of that is played onto an empty folder, as three machines would have left it: one that
 * was only killed (all kept), one that lost its power and everything that was not synced, and one
 * that kept of that what chance kept. From each the log must open, hold all that was reported
 * durable, verify, and go on.
 */
#include "audit/log.h"
#include "audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { OPS = 4096, NAMES = 512, INODES = 1024, PATH = 128, ABSENT = -1, FOLDER = -2 };

enum op_kind { OP_MKDIR, OP_OPEN, OP_WRITE, OP_SYNC, OP_RENAME, OP_UNLINK, OP_DURABLE };

static struct op {
    enum op_kind kind;
    char path[PATH], to[PATH];
    char *data;
    size_t length;
    uint64_t size; /* of the log, once it was reported durable */
} op[OPS];
static size_t op_count;
static bool recording;
static char base[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct signer_key key;

/* ---- What the log asks of the system: these stand in its place, in this program only --------- */

static struct op *recorded(enum op_kind kind)
{
    assert_true(op_count < OPS);
    struct op *o = &op[op_count++];
    *o = (struct op){.kind = kind};
    return o;
}

/* A path below the log's folder, "" for itself; false for what is elsewhere. */
static bool path_below(int descriptor, const char *leaf, char out[PATH])
{
    char link[32], target[PATH];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (!recording || length < 0)
        return false;
    target[length] = 0;
    size_t prefix = strlen(base);
    if (strncmp(target, base, prefix) != 0)
        return false;
    const char *below = target[prefix] == '/' ? target + prefix + 1 : target + prefix;
    snprintf(out, PATH, "%s%s%s", below, *below && leaf ? "/" : "", leaf ? leaf : "");
    return true;
}

int shim_openat(int folder, const char *path, int flags, ...) __asm__("openat64");
int shim_openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    int file =
        (int)syscall(SYS_openat, folder, path, flags, flags & O_CREAT ? va_arg(arguments, int) : 0);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    char whole[PATH];
    if (file >= 0 && flags & O_CREAT && path_below(folder, path, whole))
        strcpy(recorded(OP_OPEN)->path, whole);
    pthread_mutex_unlock(&lock);
    return file;
}

int shim_mkdirat(int folder, const char *path, mode_t mode) __asm__("mkdirat");
int shim_mkdirat(int folder, const char *path, mode_t mode)
{
    char whole[PATH];
    int made = (int)syscall(SYS_mkdirat, folder, path, mode);
    pthread_mutex_lock(&lock);
    if (made == 0 && path_below(folder, path, whole))
        strcpy(recorded(OP_MKDIR)->path, whole);
    pthread_mutex_unlock(&lock);
    return made;
}

ssize_t shim_write(int file, const void *data, size_t length) __asm__("write");
ssize_t shim_write(int file, const void *data, size_t length)
{
    char whole[PATH];
    pthread_mutex_lock(&lock);
    if (path_below(file, NULL, whole)) {
        struct op *o = recorded(OP_WRITE);
        strcpy(o->path, whole);
        o->data = malloc(length);
        memcpy(o->data, data, length);
        o->length = length;
    }
    pthread_mutex_unlock(&lock);
    return syscall(SYS_write, file, data, length);
}

int shim_fsync(int file) __asm__("fsync");
int shim_fsync(int file)
{
    char whole[PATH];
    pthread_mutex_lock(&lock);
    if (path_below(file, NULL, whole))
        strcpy(recorded(OP_SYNC)->path, whole);
    pthread_mutex_unlock(&lock);
    return 0;
}

int shim_renameat(int from_folder, const char *from, int to_folder,
                  const char *to) __asm__("renameat");
int shim_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    char whole[PATH], whole_to[PATH];
    int renamed = (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
    pthread_mutex_lock(&lock);
    if (renamed == 0 && path_below(from_folder, from, whole) &&
        path_below(to_folder, to, whole_to)) {
        struct op *o = recorded(OP_RENAME);
        strcpy(o->path, whole);
        strcpy(o->to, whole_to);
    }
    pthread_mutex_unlock(&lock);
    return renamed;
}

int shim_unlinkat(int folder, const char *path, int flags) __asm__("unlinkat");
int shim_unlinkat(int folder, const char *path, int flags)
{
    char whole[PATH];
    int gone = (int)syscall(SYS_unlinkat, folder, path, flags);
    pthread_mutex_lock(&lock);
    if (gone == 0 && path_below(folder, path, whole))
        strcpy(recorded(OP_UNLINK)->path, whole);
    pthread_mutex_unlock(&lock);
    return gone;
}

/* ---- A disk, as far as a crash is concerned -------------------------------------------------- */

struct bytes {
    char *data;
    size_t length;
};

static struct inode {
    struct bytes now, synced;
} inode[INODES];
static struct name {
    char path[PATH];
    int now, durable; /* an inode, FOLDER or ABSENT */
} name[NAMES];
static size_t inode_count, name_count;

static struct name *name_of(const char *path)
{
    for (size_t i = 0; i < name_count; i++)
        if (strcmp(name[i].path, path) == 0)
            return &name[i];
    assert_true(name_count < NAMES);
    struct name *n = &name[name_count++];
    *n = (struct name){.now = ABSENT, .durable = ABSENT};
    strcpy(n->path, path);
    return n;
}

static void set_bytes(struct bytes *b, const char *data, size_t length)
{
    b->data = realloc(b->data, length + 1);
    memcpy(b->data, data, length);
    b->length = length;
}

static bool is_in(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    if (length && (strncmp(path, folder, length) != 0 || path[length] != '/'))
        return false;
    return !strchr(path + length + (length > 0), '/');
}

static void sync_path(const char *path)
{
    int at = path[0] ? name_of(path)->now : FOLDER;
    if (at >= 0) {
        set_bytes(&inode[at].synced, inode[at].now.data ? inode[at].now.data : "",
                  inode[at].now.length);
        return;
    }
    for (size_t i = 0; i < name_count; i++)
        if (is_in(name[i].path, path))
            name[i].durable = name[i].now;
}

static void apply(const struct op *o)
{
    struct name *n = name_of(o->path);
    switch (o->kind) {
    case OP_MKDIR:
        n->now = FOLDER;
        break;
    case OP_OPEN: /* every file of a log is written anew: O_CREAT | O_TRUNC */
        if (n->now == ABSENT) {
            assert_true(inode_count < INODES);
            n->now = (int)inode_count++;
            inode[n->now].now.length = inode[n->now].synced.length = 0;
        }
        inode[n->now].now.length = 0;
        break;
    case OP_WRITE: {
        struct bytes *b = &inode[n->now].now;
        b->data = realloc(b->data, b->length + o->length + 1);
        memcpy(b->data + b->length, o->data, o->length);
        b->length += o->length;
        break;
    }
    case OP_SYNC:
        sync_path(o->path);
        break;
    case OP_RENAME:
        name_of(o->to)->now = n->now;
        n->now = ABSENT;
        break;
    case OP_UNLINK:
        n->now = ABSENT;
        break;
    case OP_DURABLE:
        break;
    }
}

/* ---- What is left of it ---------------------------------------------------------------------- */

enum left { LEFT_ALL, LEFT_SYNCED, LEFT_BY_CHANCE };

static void put_file(const char *path, struct bytes bytes)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    if (bytes.length)
        assert_int_equal(syscall(SYS_write, file, bytes.data, bytes.length), bytes.length);
    close(file);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

static void leave(const char *where, enum left left, unsigned *chance)
{
    static struct name sorted[NAMES];
    memcpy(sorted, name, name_count * sizeof *name);
    qsort(sorted, name_count, sizeof *sorted, by_path); /* folders before what is in them */
    assert_int_equal(mkdir(where, 0700), 0);
    for (size_t i = 0; i < name_count; i++) {
        char path[2 * PATH];
        bool present = left == LEFT_ALL || (left == LEFT_BY_CHANCE && rand_r(chance) % 2);
        int at = present ? sorted[i].now : sorted[i].durable;
        snprintf(path, sizeof path, "%.96s/%.127s", where, sorted[i].path);
        if (at == FOLDER)
            mkdir(path, 0700); /* fails where its own folder was lost */
        char above[2 * PATH];
        strcpy(above, path);
        *strrchr(above, '/') = 0;
        if (at < 0 || access(above, F_OK) != 0)
            continue;
        struct bytes bytes = left == LEFT_ALL ? inode[at].now : inode[at].synced;
        if (left == LEFT_BY_CHANCE && rand_r(chance) % 2) {
            bytes = inode[at].now;
            if (rand_r(chance) % 2 && bytes.length)
                bytes.length = (size_t)rand_r(chance) % bytes.length;
            /* What was synced and not written since is not lost. */
            if (inode[at].synced.length == inode[at].now.length && inode[at].now.length &&
                memcmp(inode[at].synced.data, inode[at].now.data, inode[at].now.length) == 0)
                bytes = inode[at].synced;
        }
        put_file(path, bytes);
    }
}

static void check(const char *where, uint64_t durable, size_t step, enum left left)
{
    struct error error = {""};
    struct audit_log *log = NULL;
    struct verify_report report = {.finding = VERIFY_SOUND};
    struct verify_options options = {.key = &key.verifier};
    for (int round = 0; round < 2; round++) {
        if (audit_log_open(where, &key, &log, &error) != 0)
            fail_msg("after step %zu, left %d: %s", step, left, error.text);
        if (audit_log_size(log) < durable)
            fail_msg("after step %zu, left %d: %llu entries, %llu were durable", step, left,
                     (unsigned long long)audit_log_size(log), (unsigned long long)durable);
        durable = audit_log_size(log);
        for (int i = 0; i < 3; i++)
            audit_log_stage(log, TEXT("{}"));
        assert_int_equal(audit_log_commit(log, &error), 0);
        audit_log_close(log);
        assert_int_equal(audit_verify(where, &options, &report), 0);
        if (report.finding != VERIFY_SOUND)
            fail_msg("after step %zu, left %d: %s: %s", step, left, report.place,
                     verify_finding_text(report.finding));
        durable += 3;
    }
}

static void work(void)
{
    static const unsigned batches[] = {1, 2, 250, 3, 1, 300, 530, 1};
    struct error error;
    struct audit_log *log = NULL;
    char buffer[64];
    recording = true;
    assert_int_equal(audit_log_open(base, &key, &log, &error), 0);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        for (unsigned j = 0; j < batches[i]; j++) {
            int length = snprintf(buffer, sizeof buffer, "{\"batch\":%zu,\"entry\":%u}", i, j);
            assert_true(audit_log_stage(log, (struct text){buffer, (size_t)length}) >= 0);
        }
        assert_int_equal(audit_log_commit(log, &error), 0);
        recorded(OP_DURABLE)->size = audit_log_size(log);
    }
    audit_log_close(log);
    recording = false;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void no_crash_at_any_step_loses_what_was_durable(void **state)
{
    (void)state;
    char where[96];
    unsigned chance = 17;
    work();
    assert_true(op_count > 100);
    for (size_t step = 0; step <= op_count; step++) {
        inode_count = name_count = 0;
        uint64_t durable = 0;
        for (size_t i = 0; i < step; i++) {
            apply(&op[i]);
            if (op[i].kind == OP_DURABLE)
                durable = op[i].size;
        }
        for (int variant = 0; variant < 6; variant++) {
            enum left left = variant < 2 ? (enum left)variant : LEFT_BY_CHANCE;
            snprintf(where, sizeof where, "%s.left", base);
            leave(where, left, &chance);
            check(where, durable, step, left);
            assert_int_equal(nftw(where, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        }
    }
}

static int begin(void **state)
{
    (void)state;
    uint8_t seed[32] = {42};
    strcpy(base, access("/dev/shm", W_OK) == 0 ? "/dev/shm/ecluse-crash-XXXXXX"
                                               : "/tmp/ecluse-crash-XXXXXX");
    return mkdtemp(base) && signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key) == 0
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    char command[160];
    for (size_t i = 0; i < op_count; i++)
        free(op[i].data);
    for (size_t i = 0; i < INODES; i++) {
        free(inode[i].now.data);
        free(inode[i].synced.data);
    }
    snprintf(command, sizeof command, "rm -rf %s %s.left", base, base);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_crash_at_any_step_loses_what_was_durable, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
