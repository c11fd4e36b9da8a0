/* `ecluse audit witness`: a tlog-witness for the logs of others: an HTTP server around
 * audit/witness.h.
 *
 * One thread, at most CONNECTIONS connections, CONNECTIONS_EACH of one address, each with a time
 * limit, and bodies no longer than a request may be. Put TLS before it. Started by root it gives up
 * its rights; it may write its folder and nothing else.
 */
#include "audit/audit.h"
#include "cli/audit_view.h"
#include "cli/nginx_conf.h"
#include "cli/output.h"
#include "cli/rights.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTIONS = 128, CONNECTIONS_EACH = 16, SECONDS = 15, PREFIX_PATH = 512 };

struct body {
    size_t length;
    bool too_long;
    char data[WITNESS_REQUEST_MAX];
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              const char *text, size_t length)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static bool ends_with(const char *path, const char *end)
{
    size_t length = strlen(path), wanted = strlen(end);
    return length >= wanted && strcmp(path + length - wanted, end) == 0;
}

static enum MHD_Result add_checkpoint(struct witness *witness, struct MHD_Connection *connection,
                                      const struct body *body)
{
    static struct witness_answer out;
    if (body->too_long)
        return answer(connection, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain", "too long\n",
                      strlen("too long\n"));
    witness_add_checkpoint(witness, (struct text){body->data, body->length},
                           (uint64_t)(clock_wall() / NANOS_SECOND), &out);
    return answer(connection, out.status, out.content_type, out.body, out.length);
}

static enum MHD_Result get_checkpoint(struct witness *witness, struct MHD_Connection *connection,
                                      const char *path)
{
    static struct witness_answer out;
    struct text hash = {path + 1, strlen(path) - strlen("/") - strlen("/checkpoint")};
    witness_get_checkpoint(witness, hash, &out);
    return answer(connection, out.status, out.content_type, out.body, out.length);
}

static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *path,
                            const char *method, const char *version, const char *data,
                            size_t *length, void **state)
{
    static const char nothing[] =
        "a witness has POST /add-checkpoint and GET /<origin hash>/checkpoint\n";
    (void)version;
    bool post = strcmp(method, "POST") == 0 && ends_with(path, "/add-checkpoint");
    struct body *body = *state;
    if (post && !body) {
        *state = calloc(1, sizeof *body);
        return *state ? MHD_YES : MHD_NO;
    }
    if (post && *length) {
        body->too_long = body->too_long || *length > sizeof body->data - body->length;
        if (!body->too_long) {
            memcpy(body->data + body->length, data, *length);
            body->length += *length;
        }
        *length = 0;
        return MHD_YES;
    }
    if (post)
        return add_checkpoint(context, connection, body);
    if (strcmp(method, "GET") == 0 && ends_with(path, "/checkpoint") &&
        strlen(path) < PREFIX_PATH && strlen(path) > strlen("//checkpoint"))
        return get_checkpoint(context, connection, path);
    return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", nothing, sizeof nothing - 1);
}

static void done_with(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    free(*state);
    *state = NULL;
}

/* ---- Starting -------------------------------------------------------------------------------- */

static int listen_on(const char *typed, unsigned *port, struct error *error)
{
    struct listener listener;
    if (!listener_parse(typed, &listener, error))
        return -EINVAL;
    struct sockaddr_in six_not = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)listener.port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t)listener.port)};
    bool four = inet_pton(AF_INET, listener.address, &six_not.sin_addr) == 1;
    char plain[64];
    size_t bracket = listener.address[0] == '[';
    snprintf(plain, sizeof plain, "%.*s", (int)(strlen(listener.address) - 2 * bracket),
             listener.address + bracket);
    if (!four && inet_pton(AF_INET6, plain, &six.sin6_addr) != 1)
        return error_set(error, -EINVAL, "--listen %s: is not an address", typed);
    int s = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
        yes = 1;
    if (s >= 0)
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int bound = s < 0  ? -1
                : four ? bind(s, (struct sockaddr *)&six_not, sizeof six_not)
                       : bind(s, (struct sockaddr *)&six, sizeof six);
    if (bound != 0 || listen(s, CONNECTIONS) != 0) {
        int failed = error_set(error, -errno, "--listen %s: %s", typed, strerror(errno));
        if (s >= 0)
            close(s);
        return failed;
    }
    struct sockaddr_storage is;
    socklen_t size = sizeof is;
    getsockname(s, (struct sockaddr *)&is, &size);
    *port = ntohs(is.ss_family == AF_INET ? ((struct sockaddr_in *)&is)->sin_port
                                          : ((struct sockaddr_in6 *)&is)->sin6_port);
    return s;
}

static int own_folder(const char *folder, const char *key, const struct account *account,
                      struct error *error)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    if (account->change &&
        (lchown(folder, account->uid, account->gid) != 0 ||
         (access(key, F_OK) == 0 && lchown(key, account->uid, account->gid) != 0)))
        return error_set(error, -errno, "%s cannot be given to user %s: %s", folder, account->name,
                         strerror(errno));
    return 0;
}

/* Everything that needs rights, then none. */
static int prepare(const struct arguments *a, struct witness **out, char text[NOTE_VKEY_SIZE],
                   struct error *error)
{
    const char *folder = a->option[OPTION_DIR], *name = a->operand_count > 1 ? a->operand[1] : NULL,
               *partly;
    static struct verifier_key logs[WITNESS_LOGS_MAX];
    char key_file[KEY_PATH_SIZE];
    struct signer_key key;
    struct account account = account_of_audit(folder);
    snprintf(key_file, sizeof key_file, "%s", a->option[OPTION_KEY] ? a->option[OPTION_KEY] : "");
    if (!key_file[0])
        snprintf(key_file, sizeof key_file, "%s/witness.key", folder);
    long count = verifier_keys_load(a->option[OPTION_LOG], logs, WITNESS_LOGS_MAX, error);
    int failed = count < 0
                     ? (int)count
                     : own_folder(folder, a->option[OPTION_KEY] ? "" : key_file, &account, error);
    if (!failed)
        failed = key_file_load(key_file, name, NOTE_KEY_COSIGNER, &key, error);
    if (failed == -ENOENT && !name)
        return error_set(
            error, failed,
            "%s is not there; say `ecluse audit witness NAME ...` once, and it is made", key_file);
    if (failed)
        return failed;
    verifier_key_text(&key.verifier, text);
    const struct rights_paths paths = {
        .writable = folder, .readable = {"/proc/sys/kernel/random"}, .network = true};
    failed = rights_drop(&account, error);
    if (!failed)
        failed = rights_confine(&paths, &partly, error);
    if (!failed)
        failed = witness_open(folder, &key, logs, (size_t)count, out, error);
    signer_key_wipe(&key);
    return failed;
}

static void serve(struct MHD_Daemon *daemon, int signals)
{
    for (struct signalfd_siginfo info; read(signals, &info, sizeof info) != (ssize_t)sizeof info;) {
        MHD_UNSIGNED_LONG_LONG wait = 1000;
        const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
        if (MHD_get_timeout(daemon, &wait) != MHD_YES || wait > 1000)
            wait = 1000;
        struct pollfd ready[] = {{.fd = epoll->epoll_fd, .events = POLLIN},
                                 {.fd = signals, .events = POLLIN}};
        poll(ready, 2, (int)wait);
        MHD_run(daemon);
    }
}

static int signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int audit_do_witness(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    char text[NOTE_VKEY_SIZE];
    struct witness *witness = NULL;
    struct error error = {""};
    unsigned port = 0;
    if (!a->option[OPTION_DIR] || !a->option[OPTION_LOG] || !a->option[OPTION_LISTEN])
        return could_not(json, "`ecluse audit witness` needs --listen ADDR:PORT, --dir DIR (what "
                               "it keeps) and --log FILE (the verifier "
                               "keys of the logs, one a line)");
    int signals = signals_open(), listening = listen_on(a->option[OPTION_LISTEN], &port, &error);
    if (listening < 0 || prepare(a, &witness, text, &error) != 0)
        return could_not(json, "%s", error.text);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, take, witness, MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_EACH, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SECONDS,
        MHD_OPTION_NOTIFY_COMPLETED, done_with, NULL, MHD_OPTION_END);
    if (!daemon) {
        witness_close(witness);
        return could_not(json, "the server cannot be started");
    }
    if (json)
        output_json(json_pack("{s:s,s:i}", "key", text, "port", (int)port));
    else
        printf("key %s\nready port %u\n", text, port);
    fflush(stdout);
    serve(daemon, signals);
    MHD_stop_daemon(daemon);
    witness_close(witness);
    return EXIT_DONE;
}
