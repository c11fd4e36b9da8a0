/* The judge in a process of its own, and the one who asks it. */
#include "files/rewrite.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 2 };

struct ask {
    uint64_t number, seed;
    uint64_t same_name;
};

struct told {
    uint64_t number;
    struct rewrite_figures figures;
};

/* Takes one question with its two descriptors: 1, 0 at the end, or a negative errno. */
static int take(int socket, struct ask *ask, int fd[DESCRIPTORS])
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {ask, sizeof *ask};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got == 0 ? 0 : -errno;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (got != (ssize_t)sizeof *ask || !c || c->cmsg_type != SCM_RIGHTS ||
        c->cmsg_len != CMSG_LEN(sizeof(int) * DESCRIPTORS))
        return -EPROTO; /* descriptors that came nevertheless end with this process */
    memcpy(fd, CMSG_DATA(c), sizeof(int) * DESCRIPTORS);
    return 1;
}

int rewrite_serve(int socket)
{
    for (;;) {
        struct ask ask;
        int fd[DESCRIPTORS];
        int got = take(socket, &ask, fd);
        if (got <= 0)
            return got;
        struct told told = {.number = ask.number};
        rewrite_judge(fd[0], fd[1], ask.same_name, ask.seed, &told.figures);
        close(fd[0]);
        close(fd[1]);
        if (send(socket, &told, sizeof told, MSG_NOSIGNAL) != (ssize_t)sizeof told)
            return errno == EPIPE ? 0 : -errno;
    }
}

static int send_ask(int socket, const struct ask *ask, const int fd[DESCRIPTORS])
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {(void *)ask, sizeof *ask};
    memset(&control, 0, sizeof control);
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * DESCRIPTORS);
    memcpy(CMSG_DATA(c), fd, sizeof(int) * DESCRIPTORS);
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* The judge reads what attackers wrote, so its answer is checked like any input. */
static bool told_is_sound(const struct told *told)
{
    const struct rewrite_figures *f = &told->figures;
    return f->ground < REWRITE_GROUND_COUNT &&
           f->verdict == rewrite_ground_verdict((enum rewrite_ground)f->ground) &&
           f->entropy_before <= 8000 && f->entropy_after <= 8000 && f->read <= REWRITE_CHUNKS &&
           f->changed <= f->read && f->risen <= f->changed;
}

int rewrite_ask(int socket, int old_fd, int new_fd, bool same_name, uint64_t seed, nanos_t patience,
                struct rewrite_figures *out)
{
    static _Atomic uint64_t numbers;
    rewrite_figures_set(out, REWRITE_UNJUDGED, 0, 0);
    struct ask ask = {.number = ++numbers, .seed = seed, .same_name = same_name};
    int sent = send_ask(socket, &ask, (const int[]){old_fd, new_fd});
    if (sent < 0)
        return sent;
    for (;;) {
        struct pollfd wait = {.fd = socket, .events = POLLIN};
        int ready = poll(&wait, 1, (int)(patience / NANOS_MILLISECOND));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready == 0 ? -ETIMEDOUT : -errno;
        struct told told;
        ssize_t got = recv(socket, &told, sizeof told, MSG_DONTWAIT);
        if (got == 0)
            return -EPIPE;
        if (got != (ssize_t)sizeof told || !told_is_sound(&told))
            return got < 0 ? -errno : -EPROTO;
        if (told.number != ask.number)
            continue; /* of a question that was given up */
        *out = told.figures;
        return 0;
    }
}
