#include "outputs/mailer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct mailer_answer {
    int code;   /* 0, or a negative errno: it could not be run, or not in time */
    int status; /* else how it ended, as waitpid(2) says it */
};

/* ---- The helper ------------------------------------------------------------------------------ */

static _Noreturn void run_command(const char *command, int message)
{
    char *const words[] = {(char *)(uintptr_t)command, NULL};
    char *const environment[] = {
        (char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        NULL};
    sigset_t none;
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || lseek(message, 0, SEEK_SET) < 0 || dup2(message, STDIN_FILENO) < 0 ||
        dup2(nothing, STDOUT_FILENO) < 0 || dup2(nothing, STDERR_FILENO) < 0)
        _exit(126);
    close_range(3, ~0U, 0);
    execve(command, words, environment);
    _exit(127);
}

static bool ended(pid_t child, int *status)
{
    for (int waited = 0; waited < MAILER_PATIENCE * 100; waited++) {
        if (waitpid(child, status, WNOHANG) == child)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static struct mailer_answer deliver(const char *command, const char *data, size_t length)
{
    struct mailer_answer answer = {.code = 0};
    int message = memfd_create("mail", MFD_CLOEXEC);
    if (message < 0 || write(message, data, length) != (ssize_t)length)
        answer.code = -EIO;
    pid_t child = answer.code == 0 ? fork() : -1;
    if (child == 0)
        run_command(command, message);
    if (answer.code == 0 && child < 0)
        answer.code = -errno;
    if (child > 0) {
        setpgid(child, child);
        if (!ended(child, &answer.status)) {
            answer.code = -ETIMEDOUT;
            kill(-child, SIGKILL);
            waitpid(child, NULL, 0);
        }
        kill(-child, SIGKILL); /* what it left behind */
    }
    if (message >= 0)
        close(message);
    return answer;
}

static _Noreturn void help(const char *command, int from)
{
    char *message = malloc(MAILER_MESSAGE_MAX);
    while (message) {
        ssize_t length = recv(from, message, MAILER_MESSAGE_MAX, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            break;
        struct mailer_answer answer = deliver(command, message, (size_t)length);
        if (send(from, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
            break;
    }
    _exit(0);
}

static _Noreturn void helper(const char *command, int from, pid_t parent,
                             int (*become)(void *context), void *context)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    if (dup2(from, 3) < 0)
        _exit(1);
    close_range(4, ~0U, 0);
    if (become && become(context) < 0)
        _exit(1);
    prctl(PR_SET_NAME, "ecluse-mailer");
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* after the change of user, which forgets it */
    prctl(PR_SET_DUMPABLE, 0);
    if (getppid() != parent)
        _exit(0);
    help(command, 3);
}

/* ---- Its user -------------------------------------------------------------------------------- */

int mailer_start(const char *command, int (*become)(void *context), void *context,
                 struct mailer *out, struct error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set(error, -errno, "the mailer has no socket: %s", strerror(errno));
    int size = 2 * MAILER_MESSAGE_MAX; /* one message whole */
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        helper(command, ends[1], parent, become, context);
    int code = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (code < 0) {
        close(ends[0]);
        return error_set(error, code, "the mailer cannot be started: %s", strerror(-code));
    }
    *out = (struct mailer){.pid = pid, .socket = ends[0]};
    return 0;
}

static int judge(const struct mailer_answer *answer, struct error *error)
{
    if (answer->code == -ETIMEDOUT)
        return error_set(error, -ETIMEDOUT, "the mail command did not end within %d s",
                         MAILER_PATIENCE);
    if (answer->code < 0)
        return error_set(error, answer->code, "the mail command cannot be run: %s",
                         strerror(-answer->code));
    if (WIFSIGNALED(answer->status))
        return error_set(error, -EIO, "the mail command died of signal %d",
                         WTERMSIG(answer->status));
    if (WEXITSTATUS(answer->status) == 127)
        return error_set(error, -ENOEXEC, "the mail command cannot be run: is it executable?");
    if (WEXITSTATUS(answer->status) != 0)
        return error_set(error, -EIO, "the mail command ended with status %d",
                         WEXITSTATUS(answer->status));
    return 0;
}

int mailer_send(struct mailer *mailer, struct text message, struct error *error)
{
    struct mailer_answer answer;
    if (message.length == 0 || message.length > MAILER_MESSAGE_MAX)
        return error_set(error, -EMSGSIZE, "a mail of %zu bytes", message.length);
    if (send(mailer->socket, message.data, message.length, MSG_NOSIGNAL) != (ssize_t)message.length)
        return error_set(error, -errno, "the mailer is gone: %s", strerror(errno));
    struct pollfd ready = {.fd = mailer->socket, .events = POLLIN};
    if (poll(&ready, 1, (MAILER_PATIENCE + 10) * 1000) != 1 ||
        recv(mailer->socket, &answer, sizeof answer, MSG_DONTWAIT) != (ssize_t)sizeof answer)
        return error_set(error, -EIO, "the mailer is gone");
    return judge(&answer, error);
}

void mailer_stop(struct mailer *mailer)
{
    if (mailer->socket >= 0)
        close(mailer->socket);
    if (mailer->pid > 0) {
        kill(mailer->pid, SIGTERM);
        waitpid(mailer->pid, NULL, 0);
    }
    *mailer = (struct mailer){.socket = -1};
}
