#include "cli/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void child_began(struct child *child, pid_t pid, nanos_t now)
{
    child->pid = pid;
    child->started = now;
}

void child_died(struct child *child, int status, nanos_t now)
{
    nanos_t longest = NANOS_MINUTE;
    if (now - child->started >= NANOS_MINUTE || child->back_off == 0)
        child->back_off = NANOS_SECOND;
    else
        child->back_off = child->back_off * 2 > longest ? longest : child->back_off * 2;
    child->start_at = now + child->back_off;
    child->pid = 0;
    child->deaths++;
    long long seconds = child->back_off / NANOS_SECOND;
    if (WIFSIGNALED(status))
        log_line(LOG_LEVEL_WARNING, "%s died of signal %d (%s); started again in %lld s",
                 child->name, WTERMSIG(status), strsignal(WTERMSIG(status)), seconds);
    else
        log_line(LOG_LEVEL_WARNING, "%s ended with status %d; started again in %lld s", child->name,
                 WEXITSTATUS(status), seconds);
}

bool child_due(const struct child *child, nanos_t now)
{
    return child->pid == 0 && now >= child->start_at;
}

void child_stop(struct child *child, int signal, nanos_t patience)
{
    if (child->pid <= 0)
        return;
    const nanos_t step = 10 * NANOS_MILLISECOND;
    kill(child->pid, signal);
    for (nanos_t waited = 0; waited < patience; waited += step) {
        pid_t gone = waitpid(child->pid, NULL, WNOHANG);
        if (gone == child->pid || (gone < 0 && errno == ECHILD)) {
            child->pid = 0;
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = (long)step}, NULL);
    }
    log_line(LOG_LEVEL_WARNING, "%s did not stop in time and is killed", child->name);
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    child->pid = 0;
}

void child_prepare(pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        signal(
            number,
            SIG_DFL); /* fails for the two that cannot be caught, and for those of the C library */
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before we could ask to be told */
        _exit(0);
}

_Noreturn void child_exec(const char *name, const struct child_words *words)
{
    char parent[16];
    snprintf(parent, sizeof parent, "%d", words->parent);
    execl("/proc/self/exe", "ecluse", name, words->runtime, words->state, parent, (char *)NULL);
    _exit(EXIT_FAILURE);
}

bool child_words(const char *name, int argc, char **argv, struct child_words *out)
{
    if (argc != 5 || strcmp(argv[1], name) != 0 || strlen(argv[2]) >= sizeof out->runtime ||
        strlen(argv[3]) >= sizeof out->state)
        return false;
    *out = (struct child_words){.parent = atoi(argv[4])};
    strcpy(out->runtime, argv[2]);
    strcpy(out->state, argv[3]);
    return true;
}

int child_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    must(signals >= 0);
    return signals;
}
