#include "files/vault_wire.h"

#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 100 };

static size_t length_of(const char path[VAULT_PATH_SIZE])
{
    return strnlen(path, VAULT_PATH_SIZE - 1) + 1;
}

/* Two paths one after the other, each with its zero byte; what is not whole is not taken. */
static bool unpack(const char *bytes, size_t length, char *first, char *second)
{
    const char *end = memchr(bytes, 0, length);
    size_t one = end ? (size_t)(end - bytes) + 1 : 0;
    if (!end || one > VAULT_PATH_SIZE)
        return false;
    memcpy(first, bytes, one);
    if (second == NULL)
        return one == length;
    if (length - one > VAULT_PATH_SIZE || length == one || bytes[length - 1] != 0)
        return false;
    memcpy(second, bytes + one, length - one);
    return true;
}

/* ---- Questions ------------------------------------------------------------------------------- */

enum { QUESTION_HEAD = offsetof(struct vault_question, path) };

union passing {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

int vault_ask(int socket, const struct vault_question *question, int fd)
{
    union passing control;
    struct iovec part[3] = {{(void *)question, QUESTION_HEAD},
                            {(void *)question->path, length_of(question->path)},
                            {(void *)question->to, length_of(question->to)}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 3};
    memset(&control, 0, sizeof control);
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? 0 : errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

/* The listener opens nothing for reading, since it would wait for itself: of some files it has a
 * descriptor that only names them (O_PATH). -1 when such a one cannot be opened any more. */
static int for_reading(int fd)
{
    char link[32];
    if (fd < 0 || !(fcntl(fd, F_GETFL) & O_PATH))
        return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int opened = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    close(fd);
    return opened;
}

int vault_wire_take(int socket, struct vault_question *question, int *fd)
{
    union passing control;
    char paths[2 * VAULT_PATH_SIZE];
    struct iovec part[2] = {{question, QUESTION_HEAD}, {paths, sizeof paths}};
    struct msghdr message = {.msg_iov = part,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    *fd = -1;
    ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (got == 0)
        return -EPIPE;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    if (got <= QUESTION_HEAD ||
        !unpack(paths, (size_t)got - QUESTION_HEAD, question->path, question->to)) {
        if (*fd >= 0)
            close(*fd);
        return -EPROTO;
    }
    question->hold[sizeof question->hold - 1] = 0;
    *fd = for_reading(*fd);
    return 1;
}

/* ---- Answers --------------------------------------------------------------------------------- */

enum { ANSWER_HEAD = offsetof(struct vault_answer, path) };

int vault_wire_answer(int socket, const struct vault_answer *answer)
{
    struct iovec part[2] = {{(void *)answer, ANSWER_HEAD},
                            {(void *)answer->path, length_of(answer->path)}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    for (int tries = 0; tries < 2; tries++) {
        if (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        poll(&(struct pollfd){.fd = socket, .events = POLLOUT}, 1, PATIENCE_MS);
    }
    return -EAGAIN;
}

/* An answer counts for a budget: what another process says is checked like input. */
int vault_answer(int socket, struct vault_answer *out)
{
    struct vault_answer answer;
    struct iovec part[2] = {{&answer, ANSWER_HEAD}, {answer.path, sizeof answer.path}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
    if (got <= ANSWER_HEAD || answer.path[got - ANSWER_HEAD - 1] != 0 ||
        answer.figures.ground >= REWRITE_GROUND_COUNT || answer.result > VAULT_FAILED)
        return -EPIPE;
    *out = answer;
    return 1;
}
