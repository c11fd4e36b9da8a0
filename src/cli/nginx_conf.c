#include "cli/nginx_conf.h"

#include "gate/client_key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK "# Written by `ecluse serve`. Edit it, and it is kept as it is. Checksum: "

enum { CHECKSUM_DIGITS = 16, CONF_MOST = 1 << 20 };

/* ---- Addresses ------------------------------------------------------------------------------- */

static bool port_parse(const char *text, unsigned *out)
{
    unsigned port = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits])
        return false;
    for (; *text; text++)
        port = port * 10 + (unsigned)(*text - '0');
    if (port == 0 || port > 65535)
        return false;
    *out = port;
    return true;
}

/* Host or address up to its port, with nothing in it that nginx's configuration would read as more
 * than a name. */
static bool host_parse(const char *text, size_t length, char *out, size_t size)
{
    if (length == 0 || length >= size)
        return false;
    bool bracketed = text[0] == '[';
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (bracketed ? !(isxdigit((unsigned char)c) || strchr("[]:.", c))
                      : !(isalnum((unsigned char)c) || strchr(".-_", c)))
            return false;
    }
    if (bracketed && (length < 4 || memchr(text, ']', length) != text + length - 1))
        return false;
    memcpy(out, text, length);
    out[length] = 0;
    return true;
}

/* The colon before the port; NULL when there is none. Colons inside [...] are the address's. */
static const char *port_colon(const char *text)
{
    const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
    return colon && bracket && colon < bracket ? NULL : colon;
}

bool origin_parse(const char *url, struct origin *out, struct error *error)
{
    struct origin origin = {0};
    const char *rest = NULL;
    if (strncmp(url, "http://", 7) == 0)
        rest = url + 7;
    else if (strncmp(url, "https://", 8) == 0)
        rest = url + 8;
    if (rest == NULL) {
        error_set(error, 0, "--origin %.200s: begins with neither http:// nor https://", url);
        return false;
    }
    origin.tls = url[4] == 's';
    origin.port = origin.tls ? 443 : 80;
    char text[320];
    size_t length = strcspn(rest, "/");
    if (rest[length] == '/' && rest[length + 1]) {
        error_set(error, 0,
                  "--origin %.200s: has a path; the origin's own paths are kept, so give "
                  "only http://HOST[:PORT] or https://HOST[:PORT]",
                  url);
        return false;
    }
    if (length < sizeof text) {
        memcpy(text, rest, length);
        text[length] = 0;
        const char *colon = port_colon(text);
        size_t host = colon ? (size_t)(colon - text) : length;
        if (host_parse(text, host, origin.host, sizeof origin.host) &&
            (colon == NULL || port_parse(colon + 1, &origin.port))) {
            *out = origin;
            return true;
        }
    }
    error_set(error, 0, "--origin %.200s: is neither http://HOST[:PORT] nor https://HOST[:PORT]",
              url);
    return false;
}

bool listener_parse(const char *text, struct listener *out, struct error *error)
{
    struct listener listener;
    const char *colon = port_colon(text);
    if (colon &&
        host_parse(text, (size_t)(colon - text), listener.address, sizeof listener.address) &&
        port_parse(colon + 1, &listener.port)) {
        *out = listener;
        return true;
    }
    error_set(error, 0, "--listen %.100s: is not ADDR:PORT, as 127.0.0.1:8080 or [::]:8080", text);
    return false;
}

/* ---- Lanes ----------------------------------------------------------------------------------- */

static bool lane_file(const char *text, char out[CONTRACT_PATH_SIZE], struct error *error)
{
    char *path = realpath(text, NULL);
    bool fits = path && strlen(path) < CONTRACT_PATH_SIZE;
    if (fits)
        strcpy(out, path);
    else
        error_set(error, 0, "--lane: %.200s: %s", text, path ? "too long" : strerror(errno));
    free(path);
    return fits;
}

static bool lane_word(const char *word, struct lane *lane, struct error *error)
{
    if (strncmp(word, "cert=", 5) == 0)
        return lane_file(word + 5, lane->certificate, error);
    if (strncmp(word, "key=", 4) == 0)
        return lane_file(word + 4, lane->key, error);
    if (strncmp(word, "ca=", 3) == 0)
        return lane_file(word + 3, lane->authority, error);
    error_set(error, 0, "--lane: %.100s: is none of cert=FILE, key=FILE, ca=FILE", word);
    return false;
}

static bool lane_words(char *text, struct lane *lane, struct error *error)
{
    char *next = NULL, *address = strtok_r(text, ",", &next);
    if (address == NULL || !listener_parse(address, &lane->listener, error))
        return false;
    for (char *word; (word = strtok_r(NULL, ",", &next)) != NULL;)
        if (!lane_word(word, lane, error))
            return false;
    if (!*lane->certificate != !*lane->key || (*lane->authority && !*lane->certificate)) {
        error_set(error, 0,
                  "--lane: TLS takes cert=FILE and key=FILE together; ca=FILE takes both");
        return false;
    }
    return true;
}

bool lane_parse(const char *text, struct lane *out, struct error *error)
{
    struct lane lane = {.name = ""};
    const char *equals = strchr(text, '=');
    struct text name = {text, equals ? (size_t)(equals - text) : 0};
    if (!lane_name_is_allowed(name)) {
        error_set(
            error, 0,
            "--lane %.100s: is not NAME=ADDR:PORT[,cert=FILE,key=FILE[,ca=FILE]], with a NAME "
            "of 1 to 31 letters a to z, digits, dots, dashes and underscores",
            text);
        return false;
    }
    memcpy(lane.name, name.data, name.length);
    char *rest = strdup(equals + 1);
    bool right = rest && lane_words(rest, &lane, error);
    free(rest);
    if (right)
        *out = lane;
    return right;
}

/* ---- The text -------------------------------------------------------------------------------- */

static void text_head(const struct nginx_settings *s, FILE *out)
{
    fprintf(out,
            "#\n# nginx as the front of an essential service, with Ecluse in it%s.\n"
            "# docs/nginx.md explains each ecluse_ directive. Try a change with\n"
            "#   nginx -t -p %s -c %s\n"
            "# and put it in force with SIGHUP to `ecluse serve`, which loses no request.\n\n"
            "load_module %s;\n\n",
            s->lane ? ": a lane" : "", s->folder, nginx_conf_name(s), s->module);
    if (s->user)
        fprintf(out, "user %s;\n", s->user);
    if (s->lane && s->user)
        fputs("worker_priority -10;           # before the public's workers\n", out);
    if (s->lane)
        fputs("worker_processes 2;\n", out);
    else if (s->workers)
        fprintf(out, "worker_processes %u;\n", s->workers);
    else
        fputs("worker_processes auto;\n", out);
    /* Each proxied request takes two descriptors. */
    uint64_t connections = s->descriptors / 2 > 16384 ? 16384 : s->descriptors / 2;
    fprintf(out,
            "worker_rlimit_nofile %" PRIu64 ";\n"
            "worker_shutdown_timeout 30s;       # after a reload, old workers end at last\n"
            "pid %s.pid;\n"
            "error_log %serror.log warn;          # nginx itself, and Ecluse\n\n"
            "events {\n"
            "    worker_connections %" PRIu64 ";\n"
            "    multi_accept on;               # what a flood queued is taken at once\n"
            "}\n\n",
            s->descriptors, s->lane ? "lane" : "nginx", s->lane ? "lane-" : "", connections);
}

static void text_http(const struct nginx_settings *s, FILE *out)
{
    const char *lane = s->lane ? "lane-" : "";
    fprintf(
        out,
        "http {\n"
        "    ecluse_runtime %s;             # `runtime` of the contract\n\n"
        "    # Addresses and parcel numbers are personal data: no request is written down.\n"
        "    # Lines below `crit` would name the client.\n"
        "    access_log off;\n"
        "    error_log %serror.log crit;\n\n"
        "    server_tokens off;\n"
        "    default_type application/octet-stream;\n"
        "    types { text/html html; text/css css; application/json json; image/svg+xml svg; }\n\n"
        "    # Slow clients must not hold a connection for long, nor a large header much memory.\n"
        "    client_header_timeout 5s;\n"
        "    client_body_timeout 10s;\n"
        "    send_timeout 10s;\n"
        "    reset_timedout_connection on;\n"
        "    keepalive_timeout 20s;\n"
        "    keepalive_requests 10000;\n"
        "    client_header_buffer_size 1k;\n"
        "    large_client_header_buffers 4 8k;\n"
        "    client_body_buffer_size 16k;\n"
        "    client_max_body_size 1m;       # raise it if your forms take files\n\n"
        "    sendfile on;\n"
        "    tcp_nodelay on;\n\n"
        "    client_body_temp_path temp/%sbody;\n"
        "    proxy_temp_path temp/%sproxy;\n"
        "    fastcgi_temp_path temp/%sfastcgi;\n"
        "    uwsgi_temp_path temp/%suwsgi;\n"
        "    scgi_temp_path temp/%sscgi;\n\n",
        s->contract->runtime, lane, lane, lane, lane, lane, lane);
}

static void text_origin(const struct nginx_settings *s, FILE *out)
{
    const struct origin *origin = &s->origin;
    fprintf(out,
            "    upstream origin {\n"
            "        server %s:%u;\n"
            "        keepalive 16;              # a worker; idle ones are in others' way\n"
            "        keepalive_requests 10000;\n"
            "        keepalive_timeout 30s;\n"
            "    }\n\n"
            "    proxy_http_version 1.1;\n"
            "    proxy_set_header Connection \"\";\n"
            "    proxy_set_header Host $host;\n"
            "    proxy_set_header X-Forwarded-Proto $scheme;\n"
            "    proxy_set_header X-Forwarded-For %s;\n"
            "    # How long a reader waits before the store answers for the origin.\n"
            "    proxy_connect_timeout 2s;\n"
            "    proxy_send_timeout 5s;\n"
            "    proxy_read_timeout 5s;\n"
            "    proxy_next_upstream off;\n"
            "    proxy_max_temp_file_size 0;    # slow readers must not fill the disk\n",
            origin->host, origin->port,
            s->contract->trusted_proxies.count ? "$proxy_add_x_forwarded_for" : "$remote_addr");
    if (origin->tls)
        fprintf(out,
                "    proxy_ssl_server_name on;\n"
                "    proxy_ssl_name %s;\n"
                "    proxy_ssl_verify on;\n"
                "    proxy_ssl_verify_depth 4;\n"
                "    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;\n",
                origin->host);
    fputc('\n', out);
}

static void text_listen(const struct nginx_settings *s, FILE *out)
{
    fprintf(
        out,
        "        listen %s:%u backlog=4096; # the kernel's net.core.somaxconn caps it\n"
        "        # For TLS and HTTP/2: listen ... ssl http2; and ssl_certificate, _key.\n\n"
        "        ecluse on;                 # `observe` decides and counts, and changes nothing\n",
        s->listener.address, s->listener.port);
}

static void text_lane(const struct nginx_settings *s, FILE *out)
{
    const struct lane *lane = s->lane;
    fprintf(out, "        listen %s:%u%s;\n", lane->listener.address, lane->listener.port,
            *lane->certificate ? " ssl http2" : "");
    if (*lane->certificate)
        fprintf(out,
                "        ssl_certificate %s;\n"
                "        ssl_certificate_key %s;\n",
                lane->certificate, lane->key);
    if (*lane->authority)
        fprintf(out,
                "        # Who shows no certificate may still show a key: Ecluse looks at both.\n"
                "        ssl_client_certificate %s;\n"
                "        ssl_verify_client optional;\n"
                "        ssl_verify_depth 2;\n",
                lane->authority);
    fprintf(
        out,
        "\n        ecluse on;\n"
        "        ecluse_lane %s;            # its certificate or key, or 403; never challenged\n",
        lane->name);
}

static void text_server(const struct nginx_settings *s, FILE *out)
{
    const char *scheme = s->origin.tls ? "https" : "http";
    fputs("    server {\n", out);
    if (s->lane)
        text_lane(s, out);
    else
        text_listen(s, out);
    fputs(
        "        ecluse_answer fallback;    # proxied routes: a notice when the origin is away\n\n",
        out);
    if (s->contract->tracking.present)
        fprintf(
            out,
            "        # The search form, and the search: /suivi?id=... is sent to /suivi/NUMBER.\n"
            "        location = / { ecluse_route home; ecluse_page home; }\n"
            "        location = /suivi {\n"
            "            ecluse_route tracking;\n"
            "            ecluse_lookup $arg_id html redirect=/suivi/;\n"
            "            ecluse_answer first;\n"
            "        }\n\n"
            "        # `early`: what Ecluse answers itself is answered before nginx's own access\n"
            "        # rules (deny, auth_basic, limit_req, ...), which a refusal then costs "
            "nothing.\n"
            "        # What goes to the origin passes them. Take the word out if parcels are not\n"
            "        # for everybody.\n\n"
            "        # A parcel's page: the store first; the origin for numbers not in it, and "
            "for\n"
            "        # deeper paths (/suivi/x/y). $ecluse_rest: what follows the location's path.\n"
            "        location /suivi/ {\n"
            "            ecluse_route tracking;\n"
            "            ecluse_lookup $ecluse_rest html early;\n"
            "            ecluse_answer first;\n"
            "            proxy_pass %s://origin;\n"
            "        }\n\n"
            "        # Clients of La Poste's \"Suivi v2\".\n"
            "        location /suivi/v2/idships/ {\n"
            "            ecluse_route api;\n"
            "            ecluse_lookup $ecluse_rest json early;\n"
            "            ecluse_answer first;\n"
            "            proxy_pass %s://origin;\n"
            "        }\n\n",
            scheme, scheme);
    fputs("        # Everything else. The contract's `routes` are found by their `match`", out);
    for (uint32_t i = 0, named = 0; i < s->contract->route_count; i++) {
        const struct route_rule *route = &s->contract->route[i];
        if (!route->builtin)
            fprintf(out, "%s%s", named++ ? ", " : ": ", route->name);
    }
    fprintf(out, ".\n        location / { proxy_pass %s://origin; }\n    }\n}\n", scheme);
}

/* nginx has no way to quote a control character, and a quote or a dollar would change what the line
 * means. */
static bool is_one_word(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path <= ' ' || strchr("\"'\\;{}$#", *path))
            return false;
    return true;
}

int nginx_conf_text(const struct nginx_settings *s, char **out, struct error *error)
{
    const char *const words[] = {s->folder,
                                 s->module,
                                 s->contract->runtime,
                                 s->lane ? s->lane->certificate : "",
                                 s->lane ? s->lane->key : "",
                                 s->lane ? s->lane->authority : ""};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!is_one_word(words[i]))
            return error_set(error, -EINVAL,
                             "%s: holds a blank or a character that nginx reads in "
                             "its own way; choose another path",
                             words[i]);
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return error_set(error, -ENOMEM, "no memory");
    text_head(s, memory);
    text_http(s, memory);
    text_origin(s, memory);
    text_server(s, memory);
    if (fclose(memory) != 0) {
        free(text);
        return error_set(error, -ENOMEM, "no memory");
    }
    *out = text;
    return 0;
}

/* ---- Ours, or edited ------------------------------------------------------------------------- */

static void checksum_text(const char *text, size_t length, char out[CHECKSUM_DIGITS + 1])
{
    snprintf(out, CHECKSUM_DIGITS + 1, "%016" PRIx64, hash_checksum(0, text, length));
}

bool nginx_conf_is_ours(const char *content, size_t length)
{
    const size_t head = sizeof MARK - 1 + CHECKSUM_DIGITS + 1;
    if (length < head || memcmp(content, MARK, sizeof MARK - 1) != 0 || content[head - 1] != '\n')
        return false;
    char checksum[CHECKSUM_DIGITS + 1];
    checksum_text(content + head, length - head, checksum);
    return memcmp(content + sizeof MARK - 1, checksum, CHECKSUM_DIGITS) == 0;
}

/* 1: there is a file and it is not ours; 0: there is none, or it is as we wrote it. */
static int was_edited(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT ? 0 : error_set(error, -errno, "%s: %s", path, strerror(errno));
    char *content = malloc(CONF_MOST);
    ssize_t length = content ? read(descriptor, content, CONF_MOST) : -1;
    close(descriptor);
    int edited = length < 0 ? error_set(error, -EIO, "%s cannot be read", path)
                            : !nginx_conf_is_ours(content, (size_t)length);
    free(content);
    return edited;
}

static int write_conf(const char *path, const char *text, struct error *error)
{
    char temporary[CONTRACT_PATH_SIZE * 2], checksum[CHECKSUM_DIGITS + 1];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    checksum_text(text, strlen(text), checksum);
    FILE *out = fopen(temporary, "we");
    if (out == NULL)
        return error_set(error, -errno, "%s: %s", temporary, strerror(errno));
    bool failed = fprintf(out, MARK "%s\n%s", checksum, text) < 0;
    failed = fclose(out) != 0 || failed;
    if (failed || rename(temporary, path) != 0) {
        int code = errno ? -errno : -EIO;
        unlink(temporary);
        return error_set(error, code, "%s cannot be written: %s", path, strerror(-code));
    }
    return 0;
}

const char *nginx_conf_name(const struct nginx_settings *settings)
{
    return settings->lane ? "lane.conf" : "nginx.conf";
}

int nginx_conf_write(const struct nginx_settings *settings, enum nginx_conf_result *result,
                     struct error *error)
{
    char path[CONTRACT_PATH_SIZE * 2 - 8];
    int length = snprintf(path, sizeof path, "%s/%s", settings->folder, nginx_conf_name(settings));
    if (length < 0 || (size_t)length >= sizeof path)
        return error_set(error, -ENAMETOOLONG, "%s: too long", settings->folder);
    int edited = was_edited(path, error);
    if (edited < 0)
        return edited;
    *result = edited ? NGINX_CONF_KEPT : NGINX_CONF_WRITTEN;
    if (edited)
        return 0;
    char *text;
    int code = nginx_conf_text(settings, &text, error);
    if (code < 0)
        return code;
    code = write_conf(path, text, error);
    free(text);
    return code;
}
