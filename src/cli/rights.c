#include "cli/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool account_named(const char *name, struct account *out)
{
    const struct passwd *user = getpwnam(name);
    if (user == NULL || user->pw_uid == 0)
        return false;
    out->uid = user->pw_uid;
    out->gid = user->pw_gid;
    strncpy(out->name, name, sizeof out->name - 1);
    return true;
}

struct account account_of_service(const char *state)
{
    struct account account = {.uid = geteuid(), .gid = getegid(), .change = geteuid() == 0};
    if (!account.change || account_named("ecluse", &account))
        return account;
    struct stat owner;
    if (stat(state, &owner) == 0 && owner.st_uid != 0) {
        account.uid = owner.st_uid;
        account.gid = owner.st_gid;
        const struct passwd *user = getpwuid(owner.st_uid);
        strncpy(account.name, user ? user->pw_name : "the owner of state", sizeof account.name - 1);
        return account;
    }
    account.last_resort = true;
    if (!account_named("nobody", &account)) {
        account.uid = account.gid = 65534;
        strcpy(account.name, "nobody");
    }
    return account;
}

struct account account_of_audit(const char *state)
{
    struct account account = {.uid = geteuid(), .gid = getegid(), .change = geteuid() == 0};
    return !account.change || account_named("ecluse-audit", &account) ? account
                                                                      : account_of_service(state);
}

struct account account_of_egress(const char *state)
{
    struct account account = {.uid = geteuid(), .gid = getegid(), .change = geteuid() == 0};
    return !account.change || account_named("ecluse-egress", &account) ? account
                                                                       : account_of_service(state);
}

int group_of_workers(void)
{
    if (geteuid() != 0)
        return -1;
    const struct group *group = getgrnam("www-data");
    if (group == NULL)
        group = getgrnam("nginx");
    return group ? (int)group->gr_gid : -1;
}

int rights_become(const struct account *account, struct error *error)
{
    if (!account->change)
        return 0;
    if (setgroups(0, NULL) != 0 || setresgid(account->gid, account->gid, account->gid) != 0 ||
        setresuid(account->uid, account->uid, account->uid) != 0)
        return error_set(error, -errno, "cannot become user %s: %s", account->name,
                         strerror(errno));
    /* Regaining must fail: anything else would be a kernel or container that ignored us. */
    if (setresuid(0, 0, 0) == 0)
        return error_set(error, -EPERM, "user %s could become root again", account->name);
    return 0;
}

int rights_drop(const struct account *account, struct error *error)
{
    int code = rights_become(account, error);
    if (code < 0)
        return code;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(error, -errno, "cannot rule out new privileges: %s", strerror(errno));
    return 0;
}

/* ---- Landlock: there is no C library wrapper in Debian 12 ------------------------------------ */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static const uint64_t landlock_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t landlock_first =
    (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* ABI 1: all up to it */

static int landlock_allow(int ruleset, const char *path, uint64_t access)
{
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    struct stat status;
    if (fstat(descriptor, &status) == 0 && !S_ISDIR(status.st_mode))
        access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                  LANDLOCK_ACCESS_FS_TRUNCATE;
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = descriptor};
    long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int code = result == 0 ? 0 : -errno;
    close(descriptor);
    return code;
}

static int landlock_confine(const struct rights_paths *paths, const char **partly)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        *partly = "this kernel has no Landlock";
        return 0;
    }
    uint64_t all = landlock_first;
    if (version >= 2)
        all |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        all |= LANDLOCK_ACCESS_FS_TRUNCATE;
    struct landlock_ruleset_attr attribute = {.handled_access_fs = all};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attribute,
                               sizeof attribute.handled_access_fs, 0);
    if (ruleset < 0)
        return -errno;
    uint64_t write = all & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                       LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                       LANDLOCK_ACCESS_FS_MAKE_SOCK);
    int code = paths->writable ? landlock_allow(ruleset, paths->writable, write) : 0;
    for (size_t i = 0; code == 0 && i < 2 && paths->also_writable[i]; i++)
        code = landlock_allow(ruleset, paths->also_writable[i], write);
    for (size_t i = 0; code == 0 && i < 8 && paths->readable[i]; i++)
        code = landlock_allow(ruleset, paths->readable[i], landlock_read);
    if (code == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        code = -errno;
    close(ruleset);
    return code;
}

/* ---- seccomp --------------------------------------------------------------------------------- */

/* What the C library, LMDB and our own files need; whatever is not here fails with EPERM. */
#define ALLOWED_CALLS(X)                                                                           \
    X(read)                                                                                        \
    X(readv)                                                                                       \
    X(write) X(writev) X(pread64) X(pwrite64) X(preadv) X(pwritev) X(pwritev2) X(preadv2) X(close) \
        X(close_range) X(fstat) X(newfstatat) X(stat) X(lstat) X(statx) X(statfs) X(fstatfs) X(    \
            lseek) X(open) X(openat) X(openat2) X(access) X(faccessat) X(faccessat2) X(readlink)   \
            X(readlinkat) X(getdents64) X(getcwd) X(rename) X(renameat) X(renameat2) X(unlink) X(  \
                unlinkat) X(mkdir) X(mkdirat) X(ftruncate) X(truncate) X(fallocate) X(fadvise64)   \
                X(fsync) X(fdatasync) X(msync) X(sync_file_range) X(flock) X(fcntl) X(dup) X(      \
                    dup2) X(dup3) X(pipe2) X(fchmod) X(fchmodat) X(chmod) X(umask) X(mmap)         \
                    X(munmap) X(mremap) X(mprotect) X(madvise) X(mincore) X(brk) X(futex) X(       \
                        set_robust_list) X(rseq) X(sched_yield) X(sched_getaffinity) X(membarrier) \
                        X(clock_gettime) X(clock_getres) X(clock_nanosleep)                        \
                            X(nanosleep) X(gettimeofday) X(time) X(poll) X(ppoll) X(               \
                                select) X(pselect6) X(epoll_create1) X(epoll_ctl)                  \
                                X(epoll_wait) X(epoll_pwait) X(eventfd2) X(getrandom) X(getpid) X( \
                                    gettid) X(getppid) X(getuid) X(geteuid) X(getgid) X(getegid)   \
                                    X(getrusage) X(getrlimit) X(prlimit64) X(sysinfo)              \
                                        X(uname) X(rt_sigaction) X(rt_sigprocmask) X(rt_sigreturn) \
                                            X(rt_sigtimedwait) X(sigaltstack) X(restart_syscall)   \
                                                X(arch_prctl) X(set_tid_address) X(exit)           \
                                                    X(exit_group) X(setpriority) X(ioprio_set)     \
                                                        X(copy_file_range) X(sendfile)

#define NETWORK_CALLS(X)                                                                           \
    X(socket)                                                                                      \
    X(socketpair) X(connect) X(bind) X(listen) X(accept) X(accept4) X(shutdown) X(getsockname)     \
        X(getpeername) X(getsockopt) X(setsockopt) X(sendto) X(recvfrom) X(sendmsg) X(recvmsg)     \
            X(sendmmsg) X(recvmmsg) X(pipe) X(timerfd_create) X(timerfd_settime)

/* Children as fork(2) makes them, without namespaces of their own; to be waited for and killed. */
static int seccomp_fill_children(scmp_filter_ctx context)
{
    const scmp_datum_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    int code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(wait4), 0);
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(pipe), 0);
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1,
                                SCMP_A1(SCMP_CMP_EQ, SIGKILL));
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                SCMP_A0(SCMP_CMP_EQ, PR_SET_NO_NEW_PRIVS));
    return code;
}

static int seccomp_fill(scmp_filter_ctx context, bool network)
{
    int code = 0;
#define X(call)                                                                                    \
    if (code == 0)                                                                                 \
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(call), 0);
    ALLOWED_CALLS(X)
    if (network) {
        NETWORK_CALLS(X)
        X(ioctl) /* FIONREAD, FIONBIO; no device is open */
    }
#undef X
    /* Threads yes, processes no. clone3 hides its flags from a filter: ENOSYS makes the C library
     * use clone. */
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    /* Only to ourselves, for abort(); and the terminal's width, for the progress bar. */
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    if (code == 0)
        code =
            seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, SCMP_A1(SCMP_CMP_EQ, 0));
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                SCMP_A1(SCMP_CMP_EQ, 0x5413)); /* TIOCGWINSZ */
    if (code == 0)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                SCMP_A1(SCMP_CMP_EQ, 0x5401)); /* TCGETS: isatty(3) */
    return code;
}

/* Elements of maps: no program and no map is made, found by number, pinned or attached. */
static int seccomp_fill_maps(scmp_filter_ctx context)
{
    static const scmp_datum_t commands[] = {BPF_MAP_LOOKUP_ELEM,  BPF_MAP_UPDATE_ELEM,
                                            BPF_MAP_DELETE_ELEM,  BPF_MAP_GET_NEXT_KEY,
                                            BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_ELEM};
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof commands / sizeof commands[0]; i++)
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
                                SCMP_A0(SCMP_CMP_EQ, commands[i]));
    return code;
}

static int seccomp_confine(const struct rights_paths *paths, struct error *error)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (context == NULL)
        return error_set(error, -ENOMEM, "no memory for the list of allowed system calls");
    int code = seccomp_fill(context, paths->network);
    if (code == 0 && paths->maps)
        code = seccomp_fill_maps(context);
    if (code == 0 && paths->children)
        code = seccomp_fill_children(context);
    if (code == 0)
        code = seccomp_load(context);
    seccomp_release(context);
    if (code < 0)
        return error_set(error, code, "the kernel refused the list of allowed system calls: %s",
                         strerror(-code));
    return 0;
}

int rights_confine(const struct rights_paths *paths, const char **partly, struct error *error)
{
    *partly = NULL;
    int code = landlock_confine(paths, partly);
    if (code < 0)
        return error_set(error, code, "Landlock refused: %s", strerror(-code));
    return seccomp_confine(paths, error);
}

const char *path_first_closed(const char *path, char *out, size_t size)
{
    size_t length = strlen(path);
    if (length >= size)
        return NULL;
    for (size_t at = 1; at <= length; at++) {
        if (path[at] != '/' && path[at] != 0)
            continue;
        memcpy(out, path, at);
        out[at] = 0;
        if (access(out, X_OK) != 0 && errno == EACCES)
            return out;
    }
    return NULL;
}
