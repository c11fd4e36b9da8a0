#include "files/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

enum { THREADS_A_SET = 4, THREAD_SETS = 256, TREES_A_SET = 8, TREE_SETS = 512, READ_SIZE = 4096 };

struct thread { /* one that opened something */
    pid_t id;   /* 0: free */
    int folder, status, syscall;
    pid_t process;
    uid_t real;
    uint32_t user;
    uint64_t tree;
    bool ours, root;
    int16_t trusted;
    nanos_t used, looked; /* `looked`: when the tree was found */
};

struct owners {
    int proc;
    const _Atomic int32_t *ours;
    const struct ended *ended;
    const struct owner_trusted *trusted;
    unsigned trusted_count;
    struct owner_trusted self; /* this program */
    struct thread thread[THREAD_SETS][THREADS_A_SET];
    struct tree tree[TREE_SETS][TREES_A_SET];
};

/* ---- /proc ----------------------------------------------------------------------------------- */

static ssize_t read_at(int folder, const char *name, char *out, size_t size)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t length = pread(fd, out, size, 0);
    int code = errno;
    close(fd);
    return length < 0 ? -code : length;
}

static int open_process(int proc, pid_t process)
{
    char name[16];
    snprintf(name, sizeof name, "%d", process);
    return openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool read_ancestor(void *context, pid_t process, struct tree_ancestor *out)
{
    char text[READ_SIZE];
    struct proc_status status;
    int folder = open_process(*(const int *)context, process);
    if (folder < 0)
        return false;
    ssize_t length = read_at(folder, "status", text, sizeof text);
    bool good = length > 0 && proc_status_parse((struct text){text, (size_t)length}, &status);
    length = good ? read_at(folder, "stat", text, sizeof text) : -1;
    uint64_t began = 0;
    good = good && length > 0 && proc_stat_parse((struct text){text, (size_t)length}, &began);
    close(folder);
    if (good)
        *out = (struct tree_ancestor){.parent = status.parent, .real = status.real, .began = began};
    return good;
}

static bool name_of_tree(int proc, int folder, pid_t process, char out[TREE_NAME_SIZE])
{
    char text[READ_SIZE];
    uint32_t login;
    ssize_t length = read_at(folder, "cgroup", text, sizeof text);
    if (length == -ESRCH)
        return false;
    if (length > 0 && tree_of_group((struct text){text, (size_t)length}, out))
        return true;
    length = read_at(folder, "sessionid", text, sizeof text);
    if (length <= 0 || !proc_login_parse((struct text){text, (size_t)length}, &login))
        return tree_of_ancestors(process, read_ancestor, &proc, out);
    tree_of_login(login, out);
    return true;
}

bool owner_tree_name(int proc, pid_t process, char out[TREE_NAME_SIZE])
{
    int folder = open_process(proc, process);
    if (folder < 0)
        return false;
    bool named = name_of_tree(proc, folder, process, out);
    close(folder);
    return named;
}

uint64_t owner_tree_id(const char *name)
{
    static uint8_t boot[16];
    static bool known;
    if (!known)
        clock_boot_id(boot);
    known = true;
    uint64_t id = hash_checksum(hash_checksum(0, boot, sizeof boot), name, strlen(name));
    return id ? id : 1;
}

struct principal owner_user(uint32_t user)
{
    char name[16];
    snprintf(name, sizeof name, "%u", user);
    return principal_named(PRINCIPAL_USER, text_of(name));
}

/* ---- Trees ----------------------------------------------------------------------------------- */

const struct tree *owners_tree(const struct owners *owners, uint64_t id)
{
    const struct tree *set = owners->tree[id % TREE_SETS];
    for (unsigned i = 0; i < TREES_A_SET && id; i++)
        if (set[i].id == id)
            return &set[i];
    return NULL;
}

static const struct tree *keep_tree(struct owners *owners, const char *name, nanos_t now)
{
    uint64_t id = owner_tree_id(name);
    struct tree *set = owners->tree[id % TREE_SETS], *oldest = set;
    for (unsigned i = 0; i < TREES_A_SET; i++) {
        if (set[i].id == id) {
            set[i].used = now;
            return &set[i];
        }
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    *oldest = (struct tree){.id = id,
                            .principal = principal_named(PRINCIPAL_PROCESS, text_of(name)),
                            .journal = tree_is_journal(name),
                            .used = now};
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void forget(struct thread *thread)
{
    if (thread->id) {
        close(thread->folder);
        close(thread->status);
        if (thread->syscall >= 0)
            close(thread->syscall);
    }
    thread->id = 0;
}

static bool is_ours(const struct owners *owners, pid_t process, pid_t parent)
{
    for (unsigned i = 0; i < OWNER_MOST_OURS && owners->ours; i++) {
        int32_t our = atomic_load_explicit(&owners->ours[i], memory_order_relaxed);
        if (our && (our == process || our == parent))
            return true;
    }
    return false;
}

/* By its text first, which costs no other file system a question; then by what lies there. */
static bool runs(const struct thread *thread, const char *path, size_t length,
                 const struct owner_trusted *trusted)
{
    struct statx status;
    return length == strlen(trusted->executable) &&
           memcmp(path, trusted->executable, length) == 0 &&
           statx(thread->folder, "exe", AT_STATX_DONT_SYNC, STATX_INO, &status) == 0 &&
           status.stx_ino == trusted->inode &&
           gnu_dev_makedev(status.stx_dev_major, status.stx_dev_minor) == trusted->device;
}

/* A command of root's that is this same program: `ecluse files restore` puts back what a hold is
 * about, and must not be held for that. */
static bool is_our_command(const struct owners *owners, const struct thread *thread)
{
    char path[CONTRACT_PATH_SIZE];
    if (thread->real != 0 || thread->user != 0 || !owners->self.inode)
        return false;
    ssize_t length = readlinkat(thread->folder, "exe", path, sizeof path);
    return length > 0 && runs(thread, path, (size_t)length, &owners->self);
}

void owners_know_self(struct owners *owners)
{
    struct stat status;
    ssize_t length =
        readlink("/proc/self/exe", owners->self.executable, sizeof owners->self.executable - 1);
    if (length <= 0 || stat("/proc/self/exe", &status) != 0)
        return;
    owners->self.executable[length] = 0;
    owners->self.device = status.st_dev;
    owners->self.inode = status.st_ino;
}

static void find_tree(struct owners *owners, struct thread *thread, pid_t parent, nanos_t now)
{
    char name[TREE_NAME_SIZE];
    thread->looked = now;
    thread->ours = is_ours(owners, thread->process, parent) || is_our_command(owners, thread);
    if (thread->ours || !name_of_tree(owners->proc, thread->folder, thread->process, name))
        return;
    const struct tree *tree = keep_tree(owners, name, now);
    thread->tree = tree->id;
    thread->ours = tree->journal && thread->real == 0;
}

/* A server of root's works for others by its file-system uid. Of anybody else it says nothing: a
 * program that is started after the act, and belongs to root (setuid), would make root pay. */
static uint32_t user_of(uid_t real, uint32_t file)
{
    return real == 0 ? file : real;
}

/* Its state now. False: gone, or half gone, when the kernel has taken its numbers back and gives 0
 * for them, or another thread has its number. */
static bool look(struct owners *owners, struct thread *thread, nanos_t now)
{
    char text[READ_SIZE];
    struct proc_status status;
    ssize_t length = pread(thread->status, text, sizeof text, 0);
    if (length <= 0 || !proc_status_parse((struct text){text, (size_t)length}, &status) ||
        status.process <= 0)
        return false;
    bool other = status.real != thread->real || status.process != thread->process;
    thread->process = status.process;
    thread->real = status.real;
    thread->root = status.real == 0 || status.saved == 0;
    thread->user = user_of(status.real, status.file);
    if (other || now - thread->looked >= OWNER_FRESH || !thread->tree)
        find_tree(owners, thread, status.parent, now);
    return true;
}

static bool meet(struct owners *owners, struct thread *thread, pid_t id, nanos_t now)
{
    forget(thread);
    *thread = (struct thread){
        .folder = open_process(owners->proc, id), .process = -1, .trusted = OWNER_NOBODY};
    if (thread->folder < 0)
        return false;
    thread->status = openat(thread->folder, "status", O_RDONLY | O_CLOEXEC);
    thread->syscall = openat(thread->folder, "syscall", O_RDONLY | O_CLOEXEC);
    if (thread->status < 0) {
        close(thread->folder);
        if (thread->syscall >= 0)
            close(thread->syscall);
        return false;
    }
    thread->id = id;
    if (look(owners, thread, now))
        return true;
    forget(thread);
    return false;
}

static const struct thread *is_known(const struct owners *owners, pid_t id)
{
    const struct thread *set = owners->thread[(uint32_t)id % THREAD_SETS];
    for (unsigned i = 0; i < THREADS_A_SET; i++)
        if (set[i].id == id)
            return &set[i];
    return NULL;
}

static struct thread *known(struct owners *owners, pid_t id)
{
    return (struct thread *)is_known(owners, id);
}

static struct thread *room_for(struct owners *owners, pid_t id)
{
    struct thread *set = owners->thread[(uint32_t)id % THREAD_SETS], *oldest = set;
    for (unsigned i = 1; i < THREADS_A_SET; i++)
        if (!set[i].id || (oldest->id && set[i].used < oldest->used))
            oldest = &set[i];
    return oldest;
}

/* ---- Trusted programs ------------------------------------------------------------------------ */

/* A thread that is about to end has no executable any more: it stays what it was. */
static void judge_trust(const struct owners *owners, struct thread *thread)
{
    char path[CONTRACT_PATH_SIZE];
    ssize_t length = 0;
    int16_t found = OWNER_NOBODY;
    for (unsigned i = 0; i < owners->trusted_count && found == OWNER_NOBODY; i++) {
        const struct owner_trusted *trusted = &owners->trusted[i];
        if (trusted->user != thread->user || !trusted->inode)
            continue;
        if (length == 0)
            length = readlinkat(thread->folder, "exe", path, sizeof path);
        if (length <= 0)
            return;
        if (runs(thread, path, (size_t)length, trusted))
            found = (int16_t)i;
    }
    thread->trusted = found;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

int owners_new(int proc, const _Atomic int32_t *ours, struct owners **out)
{
    struct owners *owners = calloc(1, sizeof *owners);
    if (!owners)
        return -ENOMEM;
    owners->proc = proc;
    owners->ours = ours;
    *out = owners;
    return 0;
}

void owners_ask_ended(struct owners *owners, const struct ended *ended)
{
    owners->ended = ended;
}

void owners_free(struct owners *owners)
{
    for (unsigned set = 0; owners && set < THREAD_SETS; set++)
        for (unsigned i = 0; i < THREADS_A_SET; i++)
            forget(&owners->thread[set][i]);
    free(owners);
}

void owners_trust(struct owners *owners, const struct owner_trusted *trusted, unsigned count)
{
    owners->trusted = trusted;
    owners->trusted_count = count;
}

static struct owner owner_of(const struct owners *owners, struct thread *thread)
{
    judge_trust(owners, thread);
    return (struct owner){.user = thread->user,
                          .known = true,
                          .ours = thread->ours,
                          .root = thread->root,
                          .trusted = thread->trusted,
                          .process = thread->process,
                          .tree = owners_tree(owners, thread->tree)};
}

static struct thread *find_living(struct owners *owners, pid_t id, nanos_t now)
{
    struct thread *thread = known(owners, id);
    if (thread && !look(owners, thread, now)) {
        struct thread newer = {.id = 0};
        if (!meet(owners, &newer, id, now))
            return NULL;
        forget(thread);
        *thread = newer;
    }
    if (!thread) {
        thread = room_for(owners, id);
        if (!meet(owners, thread, id, now))
            return NULL;
    }
    thread->used = now;
    return thread;
}

/* ---- Those that are gone --------------------------------------------------------------------- */

/* Numbers are given again, and whoever likes runs through all of them in a second: one that was
 * seen is the one that ended if that had begun by then. */
static bool is_same(const struct thread *seen, const struct ended_thread *ended)
{
    return seen && seen->process == ended->process && ended->began <= seen->used;
}

/* Who lives, or was looked at while he did. */
static const struct thread *find_parent(struct owners *owners, pid_t id, nanos_t now)
{
    struct ended_thread ended;
    const struct thread *living = find_living(owners, id, now);
    if (living)
        return living;
    const struct thread *last = known(owners, id);
    return ended_find(owners->ended, id, now, &ended) && is_same(last, &ended) ? last : NULL;
}

/* Who was disowned hangs below process 1, and of whose session it was, nothing tells any more. */
static const struct tree *tree_of_ended(struct owners *owners, pid_t id,
                                        const struct ended_thread *ended, nanos_t now)
{
    struct ended_thread above = *ended;
    if (ended->process != id)
        above.parent = ended->process; /* a thread of one that may live */
    for (int depth = 0; depth < TREE_DEPTH && above.parent > 1; depth++) {
        pid_t parent = above.parent;
        const struct thread *found = find_parent(owners, parent, now);
        if (found)
            return found->real == ended->real && !found->ours ? owners_tree(owners, found->tree)
                                                              : NULL;
        if (!ended_find(owners->ended, parent, now, &above) || above.real != ended->real)
            break;
    }
    return NULL;
}

/* It ended while it was looked at, before its tree was found. */
static struct owner of_living(struct owners *owners, struct thread *thread, nanos_t now)
{
    struct owner owner = owner_of(owners, thread);
    struct ended_thread ended;
    if (!owner.tree && !owner.ours && ended_find(owners->ended, thread->id, now, &ended) &&
        ended.process == thread->process)
        owner.tree = tree_of_ended(owners, thread->id, &ended, now);
    return owner;
}

/* What it ran is not known any more, and a trusted program's acts are no other budget's. */
static bool may_have_been_trusted(const struct owners *owners, uint32_t user)
{
    for (unsigned i = 0; i < owners->trusted_count; i++)
        if (owners->trusted[i].inode && owners->trusted[i].user == user)
            return true;
    return false;
}

/* Whoever is still known by this number may be an earlier one. */
static struct owner find_ended(struct owners *owners, pid_t id, nanos_t now)
{
    struct thread *last = known(owners, id);
    struct ended_thread ended;
    bool noted = ended_find(owners->ended, id, now, &ended);
    uint32_t user = noted ? user_of(ended.real, ended.user) : 0;
    if (noted ? is_same(last, &ended) : last && now - last->used < OWNER_LATELY)
        return of_living(owners, last, now); /* what it did last was done by who it was */
    if (!noted || may_have_been_trusted(owners, user))
        return (struct owner){.trusted = OWNER_NOBODY};
    return (struct owner){.user = user,
                          .known = true,
                          .ours = is_ours(owners, ended.process, ended.parent),
                          .root = ended.real == 0 || ended.saved == 0,
                          .trusted = OWNER_NOBODY,
                          .process = ended.process,
                          .tree = tree_of_ended(owners, id, &ended, now)};
}

struct owner owners_find(struct owners *owners, pid_t id, nanos_t now)
{
    if (id <= 0)
        return (struct owner){.trusted = OWNER_NOBODY};
    struct thread *thread = find_living(owners, id, now);
    return thread ? of_living(owners, thread, now) : find_ended(owners, id, now);
}

static const struct thread *known_lately(const struct owners *owners, pid_t id, nanos_t now)
{
    const struct thread *thread = id > 0 ? is_known(owners, id) : NULL;
    return thread && now - thread->used < OWNER_LATELY ? thread : NULL;
}

bool owners_knew_lately(const struct owners *owners, pid_t id, nanos_t now, uint32_t *user)
{
    const struct thread *thread = known_lately(owners, id, now);
    if (thread)
        *user = thread->user;
    return thread != NULL;
}

struct owner owners_lately(struct owners *owners, pid_t id, nanos_t now)
{
    return known_lately(owners, id, now) ? owner_of(owners, known(owners, id))
                                         : owners_find(owners, id, now);
}

static enum intent intent_in_memory(pid_t thread, uint64_t pointer)
{
    struct open_how how = {0};
    struct iovec here = {&how, sizeof how.flags};
    struct iovec there = {(void *)(uintptr_t)pointer, sizeof how.flags};
    if (process_vm_readv(thread, &here, 1, &there, 1, 0) != (ssize_t)sizeof how.flags)
        return INTENT_UNSEEN;
    return intent_of_flags(how.flags);
}

enum intent owners_intent(struct owners *owners, pid_t id, bool root)
{
    char text[256];
    uint64_t pointer = 0;
    const struct thread *thread = is_known(owners, id);
    ssize_t length =
        thread && thread->syscall >= 0 ? pread(thread->syscall, text, sizeof text, 0) : -1;
    if (length <= 0)
        return INTENT_UNSEEN;
    enum intent intent = proc_syscall_parse((struct text){text, (size_t)length}, &pointer);
    if (intent != INTENT_POINTED)
        return intent;
    return root ? intent_in_memory(id, pointer) : INTENT_UNSEEN;
}
