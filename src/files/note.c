#include "files/note.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void note_send(int socket, const struct note *note)
{
    if (send(socket, note, sizeof *note, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return; /* full, or nobody is there: the next one says the same */
}

bool note_take(int socket, struct note *out)
{
    struct note note;
    ssize_t length;
    while ((length = recv(socket, &note, sizeof note, MSG_DONTWAIT)) > 0) {
        if (length != (ssize_t)sizeof note || note.kind >= NOTE_KINDS)
            continue;
        note.text[sizeof note.text - 1] = 0;
        *out = note;
        return true;
    }
    return false;
}

union passed { /* aligned as the macros want it */
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

int note_give_vault(int socket, unsigned share, int vault)
{
    union passed passed = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS}};
    uint32_t word = share;
    struct iovec part = {&word, sizeof word};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};
    memcpy(CMSG_DATA(&passed.header), &vault, sizeof vault);
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int note_take_vault(int socket, int *vault)
{
    union passed passed;
    uint32_t word = 0;
    struct iovec part = {&word, sizeof word};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = length == (ssize_t)sizeof word ? CMSG_FIRSTHDR(&message) : NULL;
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    memcpy(vault, CMSG_DATA(header), sizeof *vault);
    if (word < CONTRACT_MAX_SHARES)
        return (int)word;
    close(*vault);
    return -1;
}
