#include "cli/serve_parts.h"

#include "budget/budget.h"
#include "cli/child.h"
#include "cli/directories.h"
#include "cli/rights.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE_LEAF "ngx_http_ecluse_module.so"

char *serve_make_folder(const char *folder, struct error *error)
{
    if (directories_make(folder, "with --dir", error) < 0)
        return NULL;
    char *absolute = realpath(folder, NULL);
    char temp[CONTRACT_PATH_SIZE * 2];
    if (absolute == NULL || strlen(absolute) > CONTRACT_PATH_SIZE) {
        error_set(error, 0, "--dir %s: %s", folder, strerror(absolute ? ENAMETOOLONG : errno));
        free(absolute);
        return NULL;
    }
    snprintf(temp, sizeof temp, "%s/temp", absolute);
    if (mkdir(temp, 0755) != 0 && errno != EEXIST) {
        error_set(error, 0, "%s: %s", temp, strerror(errno));
        free(absolute);
        return NULL;
    }
    return absolute;
}

char *serve_find_module(const char *named, struct error *error)
{
    char beside[4096];
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - sizeof MODULE_LEAF - 1);
    beside[length > 0 ? length : 0] = 0;
    char *slash = strrchr(beside, '/');
    if (slash)
        strcpy(slash + 1, MODULE_LEAF);
    const char *const places[] = {beside, "/usr/lib/nginx/modules/" MODULE_LEAF,
                                  "/usr/lib/ecluse/" MODULE_LEAF};
    if (named) {
        char *found = realpath(named, NULL);
        if (found == NULL)
            error_set(error, 0, "--module %s: %s", named, strerror(errno));
        return found;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *found = realpath(places[i], NULL);
        if (found)
            return found;
    }
    error_set(error, 0,
              "%s is neither beside this program nor in /usr/lib/nginx/modules; build it "
              "(ninja -C build), or name it with --module",
              MODULE_LEAF);
    return NULL;
}

const char *serve_workers_user(void)
{
    if (geteuid() != 0)
        return NULL;
    if (getpwnam("www-data"))
        return "www-data www-data";
    return getpwnam("nginx") ? "nginx nginx" : "nobody nogroup";
}

uint64_t serve_descriptors(void)
{
    struct rlimit limit;
    const uint64_t most = 65536;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    return limit.rlim_max > most ? most : limit.rlim_max;
}

static _Noreturn void become(const char *program, const char *const *words)
{
    const char *path = getenv("PATH");
    char longer[4096];
    snprintf(longer, sizeof longer, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
    setenv("PATH", longer, 1);
    execvp(program, (char *const *)words);
    log_line(LOG_LEVEL_ERROR, "%s cannot be started: %s%s", program, strerror(errno),
             errno == ENOENT ? "; install it" : "");
    _exit(127);
}

pid_t serve_start(const char *program, const char *const *words)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    child_prepare(parent);
    /* A word from the terminal goes to us, and we stop the others in order. */
    setpgid(0, 0);
    become(program, words);
}

bool serve_nginx_test(const char *folder, const char *file, struct error *error)
{
    const char *words[] = {"nginx", "-q", "-t",     "-p", folder,        "-c",
                           file,    "-e", "stderr", "-g", "daemon off;", NULL};
    pid_t pid = serve_start("nginx", words);
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        error_set(error, 0, "nginx cannot be started: %s", strerror(errno));
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    error_set(error, 0, "nginx does not accept %s/%s; what is wrong stands above", folder, file);
    return false;
}

/* In a child that has the worker's rights: which of our folders it cannot enter, as an exit status;
 * 0: none. */
static int closed_to(const struct account *account, const char *const *paths, size_t count)
{
    pid_t pid = fork();
    if (pid == 0) {
        char closed[CONTRACT_PATH_SIZE * 2];
        if (rights_drop(account, NULL) < 0)
            _exit(0);
        for (size_t i = 0; i < count; i++)
            if (path_first_closed(paths[i], closed, sizeof closed))
                _exit((int)i + 1);
        _exit(0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 0;
    return WEXITSTATUS(status);
}

bool serve_workers_may_enter(const struct contract *c, const char *folder, struct error *error)
{
    if (geteuid() != 0)
        return true;
    const struct passwd *user = getpwnam("www-data");
    if (user == NULL)
        user = getpwnam("nginx");
    if (user == NULL)
        return true;
    struct account account = {.uid = user->pw_uid, .gid = user->pw_gid, .change = true};
    const char *const paths[] = {c->runtime, c->state, folder};
    int closed = closed_to(&account, paths, 3);
    if (closed == 0)
        return true;
    error_set(error, 0,
              "nginx's workers run as %s, who may not enter %s or a folder above it; say "
              "chmod o+x there, or start this as another user than root",
              user->pw_name, paths[closed - 1]);
    return false;
}

bool serve_segment_is_there(const struct contract *c)
{
    struct budgets *front;
    if (budget_open(c, GUARD_FRONT, true, &front, NULL) < 0)
        return false;
    budget_close(front);
    return true;
}

/* ---- Ports ----------------------------------------------------------------------------------- */

/* Where to knock: whoever listens on every address answers on loopback too. */
static int knock_address(const struct listener *listener, struct addrinfo **out)
{
    char host[64], port[8];
    snprintf(host, sizeof host, "%s", listener->address);
    char *bare = host;
    if (*bare == '[') {
        bare++;
        bare[strcspn(bare, "]")] = 0;
    }
    if (strcmp(bare, "0.0.0.0") == 0)
        bare = strcpy(host, "127.0.0.1");
    else if (strcmp(bare, "::") == 0)
        bare = strcpy(host, "::1");
    snprintf(port, sizeof port, "%u", listener->port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    return getaddrinfo(bare, port, &hints, out);
}

static bool answer_begins(int descriptor)
{
    static const char request[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char answer[5];
    struct pollfd ready = {.fd = descriptor, .events = POLLIN};
    if (send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)sizeof request - 1)
        return false;
    if (poll(&ready, 1, 500) != 1)
        return false;
    return recv(descriptor, answer, sizeof answer, MSG_WAITALL) == (ssize_t)sizeof answer &&
           memcmp(answer, "HTTP/", sizeof answer) == 0;
}

bool serve_answers(const struct listener *listener)
{
    struct addrinfo *address;
    if (knock_address(listener, &address) != 0)
        return false;
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_usec = 500000};
    bool answers = false;
    if (descriptor >= 0) {
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        answers = connect(descriptor, address->ai_addr, address->ai_addrlen) == 0 &&
                  answer_begins(descriptor);
        close(descriptor);
    }
    freeaddrinfo(address);
    return answers;
}

/* ---- Orphans --------------------------------------------------------------------------------- */

static bool is_spared(pid_t pid, const pid_t *but, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (but[i] == pid)
            return true;
    return false;
}

static size_t orphans(const pid_t *but, size_t spared, int signal_to_send)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *list = fopen(path, "re");
    if (list == NULL)
        return 0;
    size_t count = 0;
    for (int pid; fscanf(list, "%d", &pid) == 1;) {
        if (is_spared(pid, but, spared))
            continue;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            continue;
        kill(pid, signal_to_send);
        count++;
    }
    fclose(list);
    return count;
}

void serve_end_orphans(const pid_t *but, size_t count)
{
    for (int tried = 0; tried < 100; tried++) {
        if (orphans(but, count, tried < 50 ? SIGTERM : SIGKILL) == 0)
            return;
        poll(NULL, 0, 20);
    }
}
