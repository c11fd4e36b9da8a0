#include "outputs/syslog.h"

#include "outputs/telling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- The message ----------------------------------------------------------------------------- */

/* HOSTNAME is PRINTUSASCII without spaces, at most 255; what it cannot say is "-". */
static void write_host(const char *host, struct writer *out)
{
    size_t length = strlen(host);
    bool fits = length > 0 && length <= 255;
    for (size_t i = 0; fits && i < length; i++)
        fits = host[i] > ' ' && host[i] < 0x7f;
    write_string(out, fits ? host : "-");
}

/* In quotes, as RFC 5424 6.3.3 escapes a PARAM-VALUE; controls cannot be in an entry. */
static void write_quoted(struct writer *out, const char *name, struct text value)
{
    if (value.length == 0)
        return;
    WRITE_LITERAL(out, " ");
    for (; *name; name++) /* a figure's name comes out of the log too */
        write_bytes(out, *name > ' ' && *name < 0x7f && !strchr("=\"]", *name) ? name : "?", 1);
    WRITE_LITERAL(out, "=\"");
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (c == '"' || c == '\\' || c == ']')
            WRITE_LITERAL(out, "\\");
        write_bytes(out, (unsigned char)c < 0x20 || c == 0x7f ? "?" : &c, 1);
    }
    WRITE_LITERAL(out, "\"");
}

static void write_numbers(const struct act *act, struct writer *out)
{
    for (size_t i = 0; i < ACT_NUMBERS && act->number[i].name[0]; i++) {
        char value[24];
        snprintf(value, sizeof value, "%lld", (long long)act->number[i].value);
        write_quoted(out, act->number[i].name, text_of(value));
    }
}

static void write_sentence(const struct entry *entry, struct writer *out)
{
    size_t start = out->length;
    eve_message_write(entry, out);
    for (size_t i = start; i < out->length; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f)
            out->data[i] = '?';
}

void syslog_write(const struct eve_source *source, uint64_t index, const struct entry *entry,
                  struct writer *out)
{
    const struct act *act = &entry->act;
    char id[EVE_ID_SIZE];
    struct writer plain = writer_on(id, sizeof id);
    eve_id_write(source, index, &plain);
    WRITE_LITERAL(out, "<");
    write_unsigned(out, SYSLOG_FACILITY_DAEMON * 8 + telling_of(entry->kind).severity);
    WRITE_LITERAL(out, ">1 ");
    eve_time_write(entry->at, "Z ", out);
    write_host(source->host, out);
    WRITE_LITERAL(out, " ecluse - ");
    write_string(out, act_kind_name(entry->kind));
    WRITE_LITERAL(out, " [origin software=\"ecluse\" swVersion=\"" ECLUSE_VERSION
                       "\"][meta sequenceId=\"");
    write_unsigned(out, index % INT32_MAX + 1); /* RFC 5424 7.3.1: 1 to 2147483647 */
    WRITE_LITERAL(out, "\"] ");
    write_sentence(entry, out);
    WRITE_LITERAL(out, ";");
    write_quoted(out, "id", (struct text){id, plain.length});
    write_quoted(out, "hold", text_of(act->hold));
    write_quoted(out, "subject", text_of(act->subject));
    write_quoted(out, "actor", text_of(act->actor));
    write_numbers(act, out);
    must(!out->overflow);
}

/* ---- The connection -------------------------------------------------------------------------- */

struct syslog {
    int socket; /* -1: not connected */
    bool stream;
    bool counted; /* each message behind its length: TCP, not a stream socket of this machine */
    int type, family;
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_un local;
    } to;
};

static bool take_address(struct syslog *s, const char *text)
{
    char address[64];
    const char *colon = strrchr(text, ':');
    bool six = text[0] == '[';
    if (colon == NULL || (size_t)(colon - text) >= sizeof address || colon - text < 3 ||
        (six && colon[-1] != ']'))
        return false;
    size_t length = (size_t)(colon - text) - (six ? 2 : 0);
    memcpy(address, text + six, length);
    address[length] = 0;
    long port = strtol(colon + 1, NULL, 10);
    if (port < 1 || port > 65535)
        return false;
    s->family = six ? AF_INET6 : AF_INET;
    if (six) {
        s->to.six =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        s->length = sizeof s->to.six;
        return inet_pton(AF_INET6, address, &s->to.six.sin6_addr) == 1;
    }
    s->to.four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    s->length = sizeof s->to.four;
    return inet_pton(AF_INET, address, &s->to.four.sin_addr) == 1;
}

static bool take_path(struct syslog *s, const char *path)
{
    s->to.local = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof s->to.local.sun_path)
        return false;
    strcpy(s->to.local.sun_path, path);
    s->family = AF_UNIX;
    s->length = sizeof s->to.local;
    return true;
}

int syslog_new(const char *to, struct syslog **out, struct error *error)
{
    struct syslog *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    s->socket = -1;
    s->type = SOCK_DGRAM;
    bool taken = false;
    if (strncmp(to, "unix:", 5) == 0) {
        taken = take_path(s, to + 5);
    } else if (strncmp(to, "udp:", 4) == 0) {
        taken = take_address(s, to + 4);
    } else if (strncmp(to, "tcp:", 4) == 0) {
        taken = take_address(s, to + 4);
        s->type = SOCK_STREAM;
        s->stream = s->counted = true;
    }
    if (!taken) {
        free(s);
        return error_set(error, -EINVAL, "outputs.syslog: `%.100s` is no place for syslog", to);
    }
    *out = s;
    return 0;
}

static void disconnect(struct syslog *s)
{
    if (s->socket >= 0)
        close(s->socket);
    s->socket = -1;
}

void syslog_free(struct syslog *syslog)
{
    if (syslog == NULL)
        return;
    disconnect(syslog);
    free(syslog);
}

static int wait_for(int descriptor, short events)
{
    struct pollfd ready = {.fd = descriptor, .events = events};
    int count = poll(&ready, 1, SYSLOG_PATIENCE * 1000);
    return count > 0 ? 0 : count == 0 ? -ETIMEDOUT : -errno;
}

static int connect_now(struct syslog *s)
{
    s->socket = socket(s->family, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->socket < 0)
        return -errno;
    int code = connect(s->socket, &s->to.any, s->length) == 0 ? 0 : -errno;
    if (code == -EINPROGRESS) {
        code = wait_for(s->socket, POLLOUT);
        int failed = 0;
        socklen_t size = sizeof failed;
        if (code == 0 && getsockopt(s->socket, SOL_SOCKET, SO_ERROR, &failed, &size) == 0)
            code = -failed;
    }
    if (code < 0)
        disconnect(s);
    return code;
}

/* Some daemons make /dev/log a stream. */
static int connect_any(struct syslog *s)
{
    int code = connect_now(s);
    if (code != -EPROTOTYPE || s->family != AF_UNIX)
        return code;
    s->stream = !s->stream;
    s->type = s->stream ? SOCK_STREAM : SOCK_DGRAM;
    return connect_now(s);
}

/* Whether the other side of a stream has closed it: a write would still be taken, and lost. */
static bool is_closed(const struct syslog *s)
{
    char byte[256];
    ssize_t length;
    do
        length = recv(s->socket, byte, sizeof byte, MSG_DONTWAIT);
    while (length > 0);
    return length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static int send_all(struct syslog *s, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(s->socket, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        int code = sent < 0 ? -errno : 0;
        if (code == -EAGAIN || code == -ENOBUFS) {
            code = wait_for(s->socket, POLLOUT);
            sent = 0;
        }
        if (code < 0 && code != -EINTR)
            return code;
        if (sent > 0) {
            data += sent;
            length -= (size_t)sent;
        }
    }
    return 0;
}

static size_t framed(const struct syslog *s, struct text message, char *out, size_t size)
{
    struct writer w = writer_on(out, size);
    if (s->counted) {
        write_unsigned(&w, message.length);
        WRITE_LITERAL(&w, " ");
    }
    write_text(&w, message);
    if (s->stream && !s->counted)
        WRITE_LITERAL(&w, "\n");
    must(!w.overflow);
    return w.length;
}

int syslog_send(struct syslog *s, struct text message, struct error *error)
{
    char frame[SYSLOG_SIZE + 24];
    must(message.length <= SYSLOG_SIZE);
    if (s->socket >= 0 && s->stream && is_closed(s))
        disconnect(s);
    int code = s->socket >= 0 ? 0 : connect_any(s);
    if (code == 0) {
        size_t length = framed(s, message, frame, sizeof frame);
        code = send_all(s, frame, length);
        if (code < 0) /* after half a message nothing else may follow */
            disconnect(s);
    }
    return code < 0 ? error_set(error, code, "syslog takes nothing: %s", strerror(-code)) : 0;
}
