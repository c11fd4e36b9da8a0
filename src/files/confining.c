/* Rights given up by the guard's processes, each once everything that it needs is open. */
#include "files/files_parts.h"
#include "files/listener_parts.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY(name) (UINT64_C(1) << CAP_##name)

/* Whatever a program started later would be given: nothing but this. */
static int bound_capabilities(uint64_t kept)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -errno;
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability) != 0)
            return -errno;
    return 0;
}

static int keep_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0)
        return -errno;
    for (unsigned i = 0; i < 2; i++) { /* what a container never gave cannot be kept */
        data[i].permitted &= (uint32_t)(kept >> 32 * i);
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) != 0 ? -errno : 0;
}

static int give_up_others(uint64_t kept)
{
    int code = bound_capabilities(kept);
    return code ? code : keep_capabilities(kept);
}

/* Without these no listener and no vault can be begun. What else packaging/files.conf gives makes
 * them quicker, or keep more. */
int confining_begin(struct error *error)
{
    static const struct {
        const char *name;
        int number;
    } needed[] = {{"CAP_SYS_ADMIN", CAP_SYS_ADMIN},
                  {"CAP_SYS_PTRACE", CAP_SYS_PTRACE},
                  {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
                  {"CAP_IPC_LOCK", CAP_IPC_LOCK},
                  {"CAP_SETPCAP", CAP_SETPCAP}};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    char missing[128] = "";
    if (syscall(SYS_capget, &header, data) != 0)
        return error_set(error, -errno, "capabilities cannot be read: %s", strerror(errno));
    for (unsigned i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!(data[needed[i].number / 32].effective >> needed[i].number % 32 & 1))
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " %s",
                     needed[i].name);
    if (!*missing)
        return 0;
    return error_set(error, -EPERM,
                     "`ecluse run` lacks%s: under systemd, packaging/files.conf gives them "
                     "(docs/operate.md)",
                     missing);
}

/* What the C library needs, whatever a process is for. */
#define COMMON_CALLS(X)                                                                            \
    X(read) X(pread64) X(preadv2) X(close) X(fstat) X(newfstatat) X(sendmsg) X(recvmsg) X(sendto)  \
    X(recvfrom) X(clock_gettime) X(gettimeofday) X(getpid) X(getppid) X(mmap) X(munmap) X(mremap)  \
    X(brk) X(madvise) X(mprotect) X(futex) X(poll) X(ppoll) X(nanosleep) X(clock_nanosleep)        \
    X(rt_sigreturn) X(rt_sigprocmask) X(restart_syscall) X(exit) X(exit_group) X(getrandom)        \
    X(lseek) X(write)

/* CAP_IPC_LOCK: a vault that is begun again has another view to be mapped, and all that is mapped
 * is locked. CAP_SYS_PTRACE: /proc/TID/syscall, /proc/PID/exe and, for openat2(2), eight bytes of a
 * waiting thread's memory. CAP_DAC_READ_SEARCH: open_by_handle_at(2) of the folder where a name
 * changed. openat(2) opens nothing for writing, and neither makes nor empties anything: see below.
 */
#define LISTENER_CALLS(X)                                                                          \
    X(statx) X(readlink) X(readlinkat) X(open_by_handle_at) X(epoll_wait) X(epoll_pwait)           \
    X(epoll_ctl) X(process_vm_readv) X(fanotify_mark)

static int fill(scmp_filter_ctx context, bool listener)
{
    int code = 0;
#define X(call)                                                                                    \
    if (code == 0)                                                                                 \
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(call), 0);
    COMMON_CALLS(X)
    if (listener) {
        LISTENER_CALLS(X)
    }
#undef X
    if (code == 0 && listener) /* O_WRONLY, O_RDWR, O_CREAT, O_TRUNC */
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, 01 | 02 | 0100 | 01000, 0));
    if (code == 0 && !listener) /* of nobody's memory but its own */
        code = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(process_vm_readv), 1,
                                SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return code;
}

/* Whatever is not in the list fails with EPERM. */
static int allow_calls(bool listener)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int code = context ? fill(context, listener) : -ENOMEM;
    if (code == 0) /* every thread of the process */
        code = seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, 1);
    if (code == 0)
        code = seccomp_load(context);
    if (context)
        seccomp_release(context);
    return code;
}

int confining_listener(struct error *error)
{
    int code =
        give_up_others(CAPABILITY(SYS_PTRACE) | CAPABILITY(DAC_READ_SEARCH) | CAPABILITY(IPC_LOCK));
    return code < 0 ? error_set(error, code, "the listener's rights cannot be given up: %s",
                                strerror(-code))
                    : 0;
}

int confining_listener_calls(struct error *error)
{
    int code = allow_calls(true);
    return code < 0 ? error_set(error, code, "the kernel refused the listener's list of calls: %s",
                                strerror(-code))
                    : 0;
}

int confining_judge(void)
{
    enum { NOBODY = 65534 };
    int code = bound_capabilities(0); /* while we may */
    if (code < 0)
        return code;
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return -errno;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* lost with the uid */
    code = keep_capabilities(0);
    return code ? code : allow_calls(false);
}

/* To read and clone every file and folder, to give versions their owner and attributes, and to keep
 * its own folder immutable. */
int confining_vault(void)
{
    return give_up_others(CAPABILITY(DAC_OVERRIDE) | CAPABILITY(DAC_READ_SEARCH) |
                          CAPABILITY(CHOWN) | CAPABILITY(FOWNER) | CAPABILITY(FSETID) |
                          CAPABILITY(LINUX_IMMUTABLE) | CAPABILITY(SYS_ADMIN) |
                          CAPABILITY(SYS_RESOURCE));
}
