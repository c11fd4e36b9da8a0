#include "files/rescue.h"
#include "files/listener_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_SIZE = 4096 };

/* ---- What the first thread tells ------------------------------------------------------------- */

void rescue_read(struct rescue *rescue, int fd)
{
    for (unsigned i = 0; i < RESCUE_BATCH; i++)
        if (atomic_load_explicit(&rescue->batch[i], memory_order_relaxed) < 0) {
            atomic_store_explicit(&rescue->batch[i], fd, memory_order_relaxed);
            return;
        }
}

void rescue_answered(struct rescue *rescue, int fd)
{
    for (unsigned i = 0; i < RESCUE_BATCH; i++)
        if (atomic_load_explicit(&rescue->batch[i], memory_order_relaxed) == fd) {
            atomic_store_explicit(&rescue->batch[i], -1, memory_order_relaxed);
            return;
        }
}

void rescue_refused(struct rescue *rescue, uint32_t user, nanos_t now)
{
    struct rescue_refused *oldest = &rescue->refused[0];
    for (unsigned i = 0; i < RESCUE_REFUSED; i++) {
        struct rescue_refused *r = &rescue->refused[i];
        if (atomic_load(&r->at) && atomic_load(&r->user) == user) {
            atomic_store(&r->at, now);
            return;
        }
        if (atomic_load(&r->at) < atomic_load(&oldest->at))
            oldest = r;
    }
    atomic_store(&oldest->user, user);
    atomic_store(&oldest->at, now);
}

bool rescue_may_pass(struct rescue *rescue, uint32_t user, nanos_t now)
{
    for (unsigned i = 0; i < RESCUE_REFUSED; i++) {
        nanos_t at = atomic_load(&rescue->refused[i].at);
        if (at && now - at < NANOS_MINUTE && atomic_load(&rescue->refused[i].user) == user)
            return false;
    }
    if (now - rescue->second >= NANOS_SECOND) {
        rescue->second = now;
        rescue->went = 0;
    }
    return rescue->went++ < RESCUE_RATE;
}

/* ---- The second thread ----------------------------------------------------------------------- */

static ssize_t read_proc(pid_t thread, const char *name, char out[TEXT_SIZE])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", thread, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, out, TEXT_SIZE);
    close(fd);
    return length;
}

/* Waits in the kernel for something that no signal ends. */
static bool is_stuck(pid_t thread)
{
    char text[TEXT_SIZE];
    ssize_t length = read_proc(thread, "stat", text);
    const char *state = length > 0 ? memrchr(text, ')', (size_t)length) : NULL;
    return state && text + length - state > 2 && state[2] == 'D';
}

static void answer(const struct listener *l, int fd, bool refuse)
{
    struct fanotify_response response = {.fd = fd, .response = refuse ? FAN_DENY : FAN_ALLOW};
    if (write(l->opens, &response, sizeof response) < 0)
        return; /* it was answered, or nobody waits for it any more */
}

static void answer_new(struct listener *l, const struct fanotify_event_metadata *event, nanos_t now)
{
    char text[TEXT_SIZE];
    struct proc_status status;
    if (event->fd < 0)
        return;
    if (event->mask & FAN_OPEN_PERM) {
        ssize_t length = read_proc(event->pid, "status", text);
        bool known = length > 0 && proc_status_parse((struct text){text, (size_t)length}, &status);
        answer(l, event->fd, !rescue_may_pass(&l->rescue, known ? status.file : VAULT_NOBODY, now));
        board_add(l->board, BOARD_RESCUED);
    }
    close(event->fd); /* that it was closed is lost: its writer is judged at the next */
}

static void take_over(struct listener *l, nanos_t now)
{
    static char buffer[4096] __attribute__((aligned(8)));
    for (unsigned i = 0; i < RESCUE_BATCH; i++) {
        int fd = atomic_load(&l->rescue.batch[i]);
        if (fd >= 0)
            answer(l, fd, !rescue_may_pass(&l->rescue, VAULT_NOBODY, now));
        if (fd >= 0)
            atomic_store(&l->rescue.batch[i], -1);
    }
    for (unsigned i = 0; i < WAITING_MOST; i++)
        if (l->waiting[i].waits_for != WAITS_FOR_NOTHING && l->waiting[i].deadline <= now)
            answer(l, l->waiting[i].fd, true);
    for (unsigned i = 0; i < UNSEEN_MOST; i++)
        if (l->unseen[i].thread && l->unseen[i].deadline <= now)
            answer(l, l->unseen[i].fd, true);
    ssize_t length = read(l->opens, buffer, sizeof buffer);
    const struct fanotify_event_metadata *event = (const void *)buffer;
    for (; length > 0 && FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length))
        answer_new(l, event, now);
}

static void *watch(void *context)
{
    struct listener *l = context;
    atomic_store(&l->rescue.begun, 1);
    for (;;) {
        struct pollfd ready = {.fd = l->opens, .events = POLLIN};
        nanosleep(&(struct timespec){.tv_nsec = (long)RESCUE_PACE}, NULL);
        nanos_t now = clock_boot();
        while (now - atomic_load(&l->rescue.beat) > RESCUE_AFTER && is_stuck(l->rescue.first)) {
            atomic_store(&l->seat->beat, now);
            take_over(l, now);
            poll(&ready, 1, (int)(RESCUE_PACE / NANOS_MILLISECOND));
            now = clock_boot();
        }
    }
    return NULL;
}

int rescue_begin(struct listener *l)
{
    pthread_t thread;
    pthread_attr_t attributes;
    for (unsigned i = 0; i < RESCUE_BATCH; i++)
        atomic_store(&l->rescue.batch[i], -1);
    l->rescue.first = (pid_t)syscall(SYS_gettid);
    atomic_store(&l->rescue.beat, clock_boot());
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 512 * 1024); /* locked in memory like all else */
    int code = pthread_create(&thread, &attributes, watch, l);
    pthread_attr_destroy(&attributes);
    /* What the C library does when a thread begins is none of the calls that are left later. */
    while (code == 0 && !atomic_load(&l->rescue.begun))
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    return -code;
}
