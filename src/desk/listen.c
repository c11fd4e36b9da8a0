#include "desk/desk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int listen_unix(const char *path, int group, struct error *error)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (snprintf(name.sun_path, sizeof name.sun_path, "%s", path) >= (int)sizeof name.sun_path)
        return error_set(error, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes", path,
                         sizeof name.sun_path - 1);
    struct stat about;
    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode))
        unlink(path); /* of a desk before us: two never run, `ecluse run` sees to it */
    int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    int failed =
        socket_ < 0 || bind(socket_, (struct sockaddr *)&name, sizeof name) < 0 ? -errno : 0;
    umask(before);
    if (!failed && group >= 0 &&
        (chown(path, (uid_t)-1, (gid_t)group) < 0 || chmod(path, 0660) < 0))
        failed = -errno;
    if (!failed && listen(socket_, BACKLOG) < 0)
        failed = -errno;
    if (failed) {
        if (socket_ >= 0)
            close(socket_);
        return error_set(error, failed, "%s: %s", path, strerror(-failed));
    }
    return socket_;
}

/* "127.0.0.1:9443" or "[::1]:9443". */
static bool parse_endpoint(const char *endpoint, struct sockaddr_storage *out, socklen_t *length,
                           bool *local)
{
    char host[CONTRACT_ENDPOINT_SIZE];
    const char *colon = strrchr(endpoint, ':');
    if (!colon || (size_t)(colon - endpoint) >= sizeof host)
        return false;
    size_t size = (size_t)(colon - endpoint);
    bool bracketed = size > 1 && endpoint[0] == '[' && colon[-1] == ']';
    memcpy(host, endpoint + bracketed, size);
    host[size - (bracketed ? 2 : 0)] = 0;
    in_port_t port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};
    memset(out, 0, sizeof *out);
    if (!bracketed && inet_pton(AF_INET, host, &four.sin_addr) == 1) {
        memcpy(out, &four, *length = sizeof four);
        *local = ntohl(four.sin_addr.s_addr) >> 24 == 127;
    } else if (bracketed && inet_pton(AF_INET6, host, &six.sin6_addr) == 1) {
        memcpy(out, &six, *length = sizeof six);
        *local = IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    } else {
        return false;
    }
    return true;
}

int desk_listen(const char *endpoint, int group, bool *local, struct error *error)
{
    if (strncmp(endpoint, "unix:", 5) == 0) {
        *local = true;
        return listen_unix(endpoint + 5, group, error);
    }
    struct sockaddr_storage name;
    socklen_t length;
    if (!parse_endpoint(endpoint, &name, &length, local))
        return error_set(error, -EINVAL, "%s: is not ADDRESS:PORT or unix:/path", endpoint);
    const int yes = 1;
    int socket_ = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed =
        socket_ < 0 || setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
                bind(socket_, (struct sockaddr *)&name, length) < 0 || listen(socket_, BACKLOG) < 0
            ? -errno
            : 0;
    if (failed) {
        if (socket_ >= 0)
            close(socket_);
        return error_set(error, failed, "%s: %s", endpoint, strerror(-failed));
    }
    return socket_;
}
