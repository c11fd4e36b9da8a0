#include "cli/asker.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_SECONDS = 5, WHOLE_SECONDS = 15, URL_SIZE = 400 };

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct asker_answer *answer = context;
    size_t length = size * count;
    if (length > sizeof answer->body - answer->length)
        return 0; /* no witness says as much: ends the transfer */
    memcpy(answer->body + answer->length, data, length);
    answer->length += (uint32_t)length;
    return length;
}

static void set_options(CURL *curl, const char *url, char *reason)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "ecluse/" ECLUSE_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
}

static void ask(CURL *curl, const char *body, size_t length, struct asker_answer *answer)
{
    static char reason[CURL_ERROR_SIZE];
    long status = 0;
    *answer = (struct asker_answer){0};
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)length);
    reason[0] = 0;
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = code == CURLE_OK ? (int32_t)status : 0;
    if (code != CURLE_OK)
        answer->length = (uint32_t)snprintf(answer->body, sizeof answer->body, "%s",
                                            *reason ? reason : curl_easy_strerror(code));
}

static bool confine(const struct account *account)
{
    struct error error;
    const char *partly;
    const struct rights_paths paths = {
        .readable = {"/etc", "/usr", "/run/systemd/resolve", "/proc/sys/kernel/random"},
        .network = true};
    bool confined =
        rights_drop(account, &error) == 0 && rights_confine(&paths, &partly, &error) == 0;
    if (!confined)
        log_line(LOG_LEVEL_ERROR, "recorder: a witness cannot be asked: %s", error.text);
    return confined;
}

static _Noreturn void asker_main(int end, const char *prefix, const struct account *account,
                                 pid_t parent)
{
    static char body[WITNESS_REQUEST_MAX];
    static struct asker_answer answer;
    static char reason[CURL_ERROR_SIZE];
    char url[URL_SIZE];
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "ecluse-asker");
    size_t length = strlen(prefix);
    snprintf(url, sizeof url, "%s%sadd-checkpoint", prefix,
             length && prefix[length - 1] == '/' ? "" : "/");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    if (!curl || !confine(account))
        _exit(EXIT_FAILURE);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* changing the user forgot it */
    if (getppid() != parent)
        _exit(0);
    set_options(curl, url, reason);
    for (ssize_t got; (got = recv(end, body, sizeof body, 0)) > 0;) {
        ask(curl, body, (size_t)got, &answer);
        if (send(end, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
            break;
    }
    _exit(0);
}

int asker_start(const char *url, const struct account *account, pid_t *pid)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        asker_main(ends[1], url, account, parent);
    }
    close(ends[1]);
    if (child < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        close(ends[0]);
        return -errno;
    }
    *pid = child;
    return ends[0];
}
