/* test_service.h: the vault's process, asked as the listener asks it. For tests only.
 */
#ifndef ECLUSE_FILES_TEST_SERVICE_H
#define ECLUSE_FILES_TEST_SERVICE_H

#include "files/test_share.h"

#include "files/restore.h"
#include "files/vault_service.h"

#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const struct vault_who ana = {1001, 77}, mallory = {1002, 66};

static const struct vault_limits limits = {.at_most = 200 << 20,
                                           .per_user = 20 << 20,
                                           .keep = NANOS_DAY,
                                           .window = NANOS_HOUR,
                                           .copy_up_to = 1 << 20};

struct running {
    struct share share;
    char runtime[64];
    int socket;
    pid_t vault, judge;
    struct vault_view *view;
    uint64_t cookie;
};

static inline void serve(const struct running *r, int socket, int judge)
{
    struct error error = {""};
    struct vault_service service = {
        .share = r->share.path,
        .root = -1,
        .limits = limits,
        .socket = socket,
        .judge = judge,
    };
    if (vault_view_open(r->runtime, "test", true, &service.view, &error) < 0)
        _exit(2);
    int status = vault_serve(&service, &error);
    if (status < 0)
        fprintf(stderr, "%s\n", error.text);
    _exit(status < 0 ? 1 : 0);
}

static inline void begin_on(struct running *r, const char *kind)
{
    memset(r, 0, sizeof *r);
    if (!share_begin(&r->share, kind, 300))
        skip();
    int listener[2], judge[2];
    struct error error;
    snprintf(r->runtime, sizeof r->runtime, "%.40s/runtime", r->share.folder);
    assert_int_equal(mkdir(r->runtime, 0700), 0);
    assert_int_equal(vault_view_create(r->runtime, "test", &error), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, listener), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, judge), 0);
    r->judge = fork();
    if (r->judge == 0) {
        close(listener[0]);
        close(listener[1]);
        close(judge[0]);
        _exit(rewrite_serve(judge[1]) == 0 ? 0 : 1);
    }
    r->vault = fork();
    if (r->vault == 0) {
        close(listener[0]);
        close(judge[1]);
        serve(r, listener[1], judge[0]);
    }
    close(listener[1]);
    close(judge[0]);
    close(judge[1]);
    r->socket = listener[0];
    assert_int_equal(vault_view_open(r->runtime, "test", false, &r->view, &error), 0);
    struct vault_report report = {.pid = 0};
    for (int i = 0; i < 500 && !report.pass.ended; i++) { /* else it finds files before we tell */
        usleep(10000);
        vault_view_report(r->view, &report);
    }
    assert_true(report.pass.ended > 0);
}

static inline void begin(struct running *r)
{
    begin_on(r, "xfs");
}

static inline void end(struct running *r)
{
    int status;
    close(r->socket);
    assert_int_equal(waitpid(r->vault, &status, 0), r->vault);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(r->judge, &status, 0), r->judge);
    assert_int_equal(status, 0);
    vault_view_close(r->view);
    share_end(&r->share);
}

static inline bool answered(struct running *r, struct vault_answer *answer, int milliseconds)
{
    struct pollfd wait = {.fd = r->socket, .events = POLLIN};
    if (poll(&wait, 1, milliseconds) <= 0)
        return false;
    assert_int_equal(vault_answer(r->socket, answer), 1);
    return true;
}

static inline void ask(struct running *r, enum vault_event event, struct vault_who who,
                       const char *file, const char *path, const char *to)
{
    struct vault_question q = {
        .cookie = ++r->cookie, .event = (uint8_t)event, .who = who, .at = clock_wall()};
    int fd = file ? look_at(&r->share, file) : -1;
    snprintf(q.path, sizeof q.path, "%s", path ? path : "");
    snprintf(q.to, sizeof q.to, "%s", to ? to : "");
    assert_int_equal(vault_ask(r->socket, &q, fd), 0);
    if (fd >= 0)
        close(fd);
}

static inline struct vault_file identity_of(struct running *r, const char *name)
{
    struct stat status;
    int fd = look_at(&r->share, name), generation = 0;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(ioctl(fd, FS_IOC_GETVERSION, &generation), 0);
    close(fd);
    return (struct vault_file){status.st_ino, (uint32_t)generation};
}

/* By mallory, of a file that its inode names. */
static inline void ask_of(struct running *r, enum vault_event event, struct vault_file file,
                          const char *path, const char *to)
{
    struct vault_question q = {.cookie = ++r->cookie,
                               .event = (uint8_t)event,
                               .who = mallory,
                               .file = file,
                               .at = clock_wall()};
    snprintf(q.path, sizeof q.path, "%s", path);
    snprintf(q.to, sizeof q.to, "%s", to ? to : "");
    assert_int_equal(vault_ask(r->socket, &q, -1), 0);
}

static inline enum vault_result opened(struct running *r, struct vault_who who, const char *file)
{
    struct vault_answer answer;
    ask(r, VAULT_OPENED, who, file, NULL, NULL);
    assert_true(answered(r, &answer, 5000));
    assert_int_equal(answer.event, VAULT_OPENED);
    assert_int_equal(answer.cookie, r->cookie);
    assert_false(answer.rewritten);
    return (enum vault_result)answer.result;
}

/* The answer to what was asked last: a rewrite on this ground, of this path. */
static inline uint64_t expect(struct running *r, enum rewrite_ground ground, const char *path)
{
    struct vault_answer answer;
    assert_true(answered(r, &answer, 5000));
    assert_true(answer.rewritten);
    if (answer.figures.ground != ground)
        print_error("%s\n", rewrite_ground_name((enum rewrite_ground)answer.figures.ground));
    assert_int_equal(answer.figures.ground, ground);
    assert_int_equal(answer.cookie, r->cookie);
    assert_string_equal(answer.path, path);
    return answer.thing;
}

static inline void expect_silence(struct running *r)
{
    struct vault_answer answer;
    assert_false(answered(r, &answer, 400));
}

static inline bool has(struct running *r, const char *file)
{
    char path[512];
    struct stat status;
    assert_int_equal(stat(in_share(&r->share, file, path), &status), 0);
    return vault_view_has(r->view, &status);
}

static inline void wait_until_kept(struct running *r, const char *file)
{
    for (int i = 0; i < 500 && !has(r, file); i++)
        usleep(10000);
    assert_true(has(r, file));
}

static inline void prose(const struct share *s, const char *name, unsigned kind)
{
    static const char *const words[] = {"the letter ", "was sent ", "on a day\n", "in winter ",
                                        "by rail "};
    char text[16384] = "";
    for (size_t i = 0, n = 0; n + 16 < sizeof text; i += 1 + kind % 3)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", words[(i + kind) % 5]);
    put(s, name, text);
}

static inline void noise(const struct share *s, const char *name, uint64_t key)
{
    char path[512];
    uint64_t words[2048];
    for (size_t i = 0; i < 2048; i++)
        words[i] = siphash_words3((struct hash_key){key, 3}, i, 1, 2);
    int fd = open(in_share(s, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, words, sizeof words), sizeof words);
    close(fd);
    wait_a_tick();
}

static inline uint64_t versions(struct running *r)
{
    struct vault_report report;
    usleep(1100000); /* told once a second */
    vault_view_report(r->view, &report);
    return report.vault.versions;
}

/* A file of ana's that the vault has. */
static inline void letter(struct running *r, const char *name)
{
    prose(&r->share, name, 1);
    ask(r, VAULT_WRITTEN, ana, name, NULL, NULL);
    wait_until_kept(r, name);
}

#endif
