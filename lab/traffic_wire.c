/* One request on a connection of its own: TCP or TLS, HTTP/1.1 (RFC 9112) or HTTP/2 (RFC 9113,
 * HPACK without Huffman and without indexing, RFC 7541). */
#include "traffic.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *tls_context;

bool wire_setup(void)
{
    tls_context = SSL_CTX_new(TLS_client_method());
    if (!tls_context)
        return false;
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_NONE, NULL); /* the lab's certificate is its own */
    SSL_CTX_set_session_cache_mode(tls_context, SSL_SESS_CACHE_OFF); /* full handshakes */
    return true;
}

/* ---- What is sent ---------------------------------------------------------------------------- */

static const char agent[] = "Mozilla/5.0";
static const char takes_html[] = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
static const char form_type[] = "application/x-www-form-urlencoded";

static void write_http1(struct wire *w, const struct traffic_stream *s,
                        const struct traffic_request *r)
{
    int n = snprintf(w->out, sizeof w->out,
                     "%s %s HTTP/1.1\r\nHost: suivi.example\r\nUser-Agent: %s\r\nAccept: %s\r\n%s"
                     "%s%s%s%s%sConnection: close\r\n",
                     r->method, r->path, agent, s->html ? takes_html : "*/*",
                     s->html ? "Accept-Language: fr\r\nAccept-Encoding: identity\r\n" : "",
                     r->cookie ? "Cookie: " : "", r->cookie ? r->cookie : "",
                     r->cookie ? "\r\n" : "", s->header ? s->header : "", s->header ? "\r\n" : "");
    if (*r->body)
        n += snprintf(w->out + n, sizeof w->out - (size_t)n,
                      "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", form_type,
                      strlen(r->body), r->body);
    else
        n += snprintf(w->out + n, sizeof w->out - (size_t)n, "\r\n");
    w->out_length = (size_t)n;
}

static void put(struct wire *w, const void *bytes, size_t length)
{
    if (w->out_length + length <= sizeof w->out) {
        memcpy(w->out + w->out_length, bytes, length);
        w->out_length += length;
    }
}

static void put_byte(struct wire *w, unsigned byte)
{
    unsigned char c = (unsigned char)byte;
    put(w, &c, 1);
}

/* RFC 7541 section 5.2, without Huffman: a length with a prefix of 7 bits, then the bytes. */
static void put_string(struct wire *w, const char *text)
{
    size_t length = strlen(text);
    if (length < 127) {
        put_byte(w, (unsigned)length);
    } else {
        put_byte(w, 127);
        size_t rest = length - 127;
        for (; rest >= 128; rest >>= 7)
            put_byte(w, (unsigned)(rest & 127) | 128);
        put_byte(w, (unsigned)rest);
    }
    put(w, text, length);
}

/* A literal field without indexing whose name stands in the static table. */
static void put_field(struct wire *w, unsigned name, const char *value)
{
    if (name < 15) {
        put_byte(w, name);
    } else {
        put_byte(w, 15);
        put_byte(w, name - 15);
    }
    put_string(w, value);
}

static void put_frame(struct wire *w, size_t length, unsigned type, unsigned flags, unsigned stream)
{
    unsigned char head[9] = {(unsigned char)(length >> 16),
                             (unsigned char)(length >> 8),
                             (unsigned char)length,
                             (unsigned char)type,
                             (unsigned char)flags,
                             0,
                             0,
                             0,
                             (unsigned char)stream};
    put(w, head, sizeof head);
}

enum { FRAME_DATA, FRAME_HEADERS, FRAME_RESET = 3, FRAME_SETTINGS, FRAME_GOAWAY = 7 };
enum { END_STREAM = 1, END_HEADERS = 4 };

static void put_fields(struct wire *w, const struct traffic_stream *s,
                       const struct traffic_request *r)
{
    char length[24], name[64];
    put_byte(w, *r->body ? 0x83 : 0x82); /* :method POST, GET */
    put_byte(w, s->tls ? 0x87 : 0x86);   /* :scheme https, http */
    put_field(w, 4, r->path);
    put_field(w, 1, "suivi.example");
    put_field(w, 58, agent);
    put_field(w, 19, s->html ? takes_html : "*/*");
    if (s->html)
        put_field(w, 17, "fr");
    if (r->cookie)
        put_field(w, 32, r->cookie);
    if (*r->body) {
        snprintf(length, sizeof length, "%zu", strlen(r->body));
        put_field(w, 31, form_type);
        put_field(w, 28, length);
    }
    const char *colon = s->header ? strchr(s->header, ':') : NULL;
    if (!colon || (size_t)(colon - s->header) >= sizeof name)
        return;
    for (size_t i = 0; i < (size_t)(colon - s->header); i++)
        name[i] = (char)(s->header[i] | 0x20);
    name[colon - s->header] = '\0';
    put_byte(w, 0);
    put_string(w, name);
    put_string(w, colon + 1 + strspn(colon + 1, " "));
}

static void write_http2(struct wire *w, const struct traffic_stream *s,
                        const struct traffic_request *r)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    put(w, preface, sizeof preface - 1);
    put_frame(w, 0, FRAME_SETTINGS, 0, 0);
    size_t head = w->out_length;
    put_frame(w, 0, FRAME_HEADERS, END_HEADERS | (*r->body ? 0u : END_STREAM), 1);
    put_fields(w, s, r);
    size_t length = w->out_length - head - 9;
    w->out[head + 1] = (char)(length >> 8);
    w->out[head + 2] = (char)length;
    if (*r->body) {
        put_frame(w, strlen(r->body), FRAME_DATA, END_STREAM, 1);
        put(w, r->body, strlen(r->body));
    }
}

/* ---- What comes back ------------------------------------------------------------------------- */

static bool whole_http1(const struct wire *w, bool closed, unsigned *status, const char **body)
{
    if (!reply_is_whole(w->in, w->in_length, closed) || w->in_length < 12)
        return false;
    const char *blank = memmem(w->in, w->in_length, "\r\n\r\n", 4);
    *status = (unsigned)atoi(w->in + 9);
    *body = blank;
    return blank && *status >= 100 && *status < TRAFFIC_STATUS_MAX;
}

/* nginx and others write :status first: indexed (8 to 14 of the static table) or as three digits.
 */
static unsigned status_of(const unsigned char *field, size_t length)
{
    static const unsigned indexed[] = {200, 204, 206, 304, 400, 404, 500};
    while (length && (*field & 0xe0) == 0x20) { /* a change of the table's size */
        field++;
        length--;
    }
    if (length && *field >= 0x88 && *field <= 0x8e)
        return indexed[*field - 0x88];
    if (length >= 5 && (*field & 0x3f) == 8 && field[1] == 3)
        return (unsigned)((field[2] - '0') * 100 + (field[3] - '0') * 10 + (field[4] - '0'));
    return 0;
}

static bool whole_http2(const struct wire *w, unsigned *status, const char **body)
{
    const unsigned char *at = (const unsigned char *)w->in, *end = at + w->in_length;
    *status = 0;
    *body = w->in;
    while (end - at >= 9) {
        size_t length = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
        unsigned type = at[3], flags = at[4], stream = at[8];
        if ((size_t)(end - at) < 9 + length)
            return false;
        if (type == FRAME_HEADERS && stream == 1 && *status == 0)
            *status = status_of(at + 9, length);
        bool last =
            stream == 1 && (type == FRAME_HEADERS || type == FRAME_DATA) && (flags & END_STREAM);
        if (last)
            return *status >= 100 && *status < TRAFFIC_STATUS_MAX;
        if (type == FRAME_GOAWAY || type == FRAME_RESET)
            return false;
        at += 9 + length;
    }
    return false;
}

/* ---- The connection -------------------------------------------------------------------------- */

static int connect_from(const struct sockaddr_in *to, uint32_t source)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    bool bound = source == 0 || bind(fd, (struct sockaddr *)&from, sizeof from) == 0;
    if (bound &&
        (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

bool wire_open(struct wire *w, const struct traffic_plan *plan, const struct traffic_stream *stream,
               uint32_t source, const struct traffic_request *request)
{
    static const unsigned char protocols[] = {2, 'h', '2'};
    struct sockaddr_in to = plan->to;
    if (stream->port)
        to.sin_port = htons(stream->port);
    w->http2 = stream->http2;
    w->shaken = !stream->tls;
    w->tls = NULL;
    w->out_length = w->out_sent = w->in_length = 0;
    w->descriptor = connect_from(&to, source);
    if (w->descriptor < 0)
        return false;
    if (stream->http2)
        write_http2(w, stream, request);
    else
        write_http1(w, stream, request);
    if (!stream->tls)
        return true;
    w->tls = SSL_new(tls_context);
    if (!w->tls || !SSL_set_fd(w->tls, w->descriptor))
        return false;
    SSL_set_connect_state(w->tls);
    if (stream->http2)
        SSL_set_alpn_protos(w->tls, protocols, sizeof protocols);
    return true;
}

void wire_close(struct wire *w)
{
    if (w->tls)
        SSL_free(w->tls);
    w->tls = NULL;
    if (w->descriptor >= 0)
        close(w->descriptor);
    w->descriptor = -1;
}

/* Bytes, 0 at the end, -1 to wait, -2 broken, -3 no connection. */
static ssize_t tls_result(const struct wire *w, int result)
{
    int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(w->tls, result);
    ERR_clear_error();
    if (error == SSL_ERROR_NONE)
        return result;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -1;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

static ssize_t plain_result(ssize_t result)
{
    if (result >= 0)
        return result;
    if (errno == EAGAIN || errno == ENOTCONN)
        return -1;
    return errno == ECONNREFUSED ? -3 : -2;
}

static ssize_t wire_send(struct wire *w)
{
    const char *bytes = w->out + w->out_sent;
    size_t length = w->out_length - w->out_sent;
    if (w->tls)
        return tls_result(w, SSL_write(w->tls, bytes, (int)length));
    return plain_result(send(w->descriptor, bytes, length, MSG_NOSIGNAL));
}

static ssize_t wire_receive(struct wire *w)
{
    char *room = w->in + w->in_length;
    size_t length = TRAFFIC_REPLY_MAX - w->in_length;
    if (w->tls)
        return tls_result(w, SSL_read(w->tls, room, (int)length));
    return plain_result(recv(w->descriptor, room, length, 0));
}

enum wire_news wire_go_on(struct wire *w, const char *mark, unsigned *status, bool *marked)
{
    while (w->out_sent < w->out_length) {
        ssize_t sent = wire_send(w);
        if (sent == -1)
            return WIRE_WAIT;
        if (sent <= 0)
            return sent == -3 ? WIRE_REFUSED : WIRE_CLOSED;
        w->out_sent += (size_t)sent;
    }
    for (;;) {
        ssize_t got = wire_receive(w);
        if (got == -1)
            return WIRE_WAIT;
        if (got > 0)
            w->in_length += (size_t)got;
        w->in[w->in_length] = '\0';
        const char *body;
        if (w->http2 ? whole_http2(w, status, &body) : whole_http1(w, got == 0, status, &body)) {
            size_t rest = w->in_length - (size_t)(body - w->in);
            *marked = !mark || memmem(body, rest, mark, strlen(mark)) != NULL;
            return WIRE_WHOLE;
        }
        if (got <= 0)
            return got == -3 ? WIRE_REFUSED : WIRE_CLOSED;
        if (w->in_length == TRAFFIC_REPLY_MAX)
            return WIRE_CLOSED;
    }
}
