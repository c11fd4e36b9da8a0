#include "files/watchdog.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

pid_t watchdog_look(const struct seat *seat, nanos_t now, nanos_t slept)
{
    pid_t listener = atomic_load(&seat->pid);
    if (listener <= 0 || now - atomic_load(&seat->beat) < WATCHDOG_PATIENCE ||
        slept > 2 * WATCHDOG_PACE)
        return 0;
    return listener;
}

static void look_at_all(struct board *board, nanos_t now, nanos_t slept)
{
    atomic_store(&board->watchdog_beat, now);
    for (unsigned i = 0; i < SEATS; i++) {
        pid_t late = watchdog_look(&board->seat[i], now, slept);
        int32_t expected = late;
        /* Its number is its parent's to give back, and given back only after `pid` is 0 again. */
        if (late && kill(late, SIGKILL) == 0 &&
            atomic_compare_exchange_strong(&board->seat[i].pid, &expected, 0))
            atomic_fetch_add(&board->killed, 1);
    }
}

_Noreturn void watchdog_main(struct board *board, pid_t parent)
{
    prctl(PR_SET_NAME, "ecluse-watchdog");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    setpriority(PRIO_PROCESS, 0, -20);
    mlockall(MCL_CURRENT);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (nanos_t last = clock_boot(); getppid() == parent;) {
        nanosleep(&(struct timespec){.tv_nsec = (long)WATCHDOG_PACE}, NULL);
        nanos_t now = clock_boot();
        look_at_all(board, now, now - last);
        last = now;
    }
    _exit(0);
}
