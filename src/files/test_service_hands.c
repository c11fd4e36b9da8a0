/* Files that somebody keeps locked, and those who wait for something else meanwhile. */
#include "files/service_parts.h"
#include "files/test_locked.h"
#include "files/test_service.h"

enum { LOCKED_FILES = OPENERS_OF_LOCKED + 2 };

static nanos_t since_begun(nanos_t begun)
{
    return clock_boot() - begun;
}

static void large(const struct share *s, const char *name, char path[512])
{
    assert_int_equal(shell("head -c 300000 /dev/urandom >%s", in_share(s, name, path)), 0);
}

/* ---- The vault's process --------------------------------------------------------------------- */

static void who_locks_his_files_keeps_nobody_from_opening_others(void **state)
{
    (void)state;
    struct running r;
    struct lock lock[LOCKED_FILES];
    char path[512], name[16];
    begin(&r);
    for (int i = 0; i < LOCKED_FILES; i++) {
        snprintf(name, sizeof name, "locked%d", i);
        large(&r.share, name, path);
        take_lock(&lock[i], path);
        ask(&r, VAULT_OPENED, mallory, name, NULL, NULL);
    }
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "letter%d", i);
        prose(&r.share, name, 1);
        nanos_t asked = clock_boot();
        assert_int_equal(opened(&r, ana, name), VAULT_KEPT);
        assert_true(since_begun(asked) < 400 * NANOS_MILLISECOND);
    }
    for (int i = 0; i < LOCKED_FILES; i++)
        free_lock(&lock[i]);
    unsigned kept = 0;
    for (int i = 0; i < LOCKED_FILES; i++) {
        struct vault_answer answer;
        assert_true(answered(&r, &answer, 5000));
        kept += answer.result == VAULT_KEPT;
    }
    assert_true(kept >= OPENERS_OF_LOCKED); /* the others gave up, unless this was quick */
    end(&r);
}

static void what_is_locked_is_kept_when_it_is_free(void **state)
{
    (void)state;
    struct running r;
    struct lock lock[4];
    char path[512], name[16];
    begin(&r);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "locked%d", i);
        large(&r.share, name, path);
        take_lock(&lock[i], path);
        ask(&r, VAULT_WRITTEN, mallory, name, NULL, NULL);
    }
    large(&r.share, "report", path);
    ask(&r, VAULT_WRITTEN, ana, "report", NULL, NULL);
    wait_until_kept(&r, "report");
    assert_false(has(&r, "locked0"));
    ask(&r, VAULT_WRITTEN, mallory, "locked0", NULL, NULL); /* and the chronicler goes on */
    letter(&r, "letter");
    noise(&r.share, "letter", 1);
    ask(&r, VAULT_WRITTEN, mallory, "letter", NULL, NULL);
    expect(&r, REWRITE_TYPE_LOST, "letter");
    for (int i = 0; i < 4; i++)
        free_lock(&lock[i]);
    wait_until_kept(&r, "locked0");
    end(&r);
}

/* Who may read a file can hold it as well, and no probe tells. */
static void who_reads_for_ever_stops_nothing_but_his_file(void **state)
{
    (void)state;
    struct running r;
    struct lock lock;
    char path[512];
    begin(&r);
    large(&r.share, "read", path);
    struct vault_file file = identity_of(&r, "read");
    ask(&r, VAULT_WRITTEN, ana, "read", NULL, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    take_lock_to(true, &lock, path);
    ask_of(&r, VAULT_REMOVED, file, "read", NULL);
    letter(&r, "letter");
    noise(&r.share, "letter", 1);
    ask(&r, VAULT_WRITTEN, mallory, "letter", NULL, NULL);
    expect(&r, REWRITE_TYPE_LOST, "letter");
    free_lock(&lock);
    close(fd);
    for (int i = 0; i < 4 && versions(&r) < 3; i++)
        continue;
    assert_int_equal(versions(&r), 3); /* and it is kept, if late */
    end(&r);
}

/* A removal of a locked file holds the folder, where the vault then looks for a successor. */
static void a_folder_that_is_locked_is_told(void **state)
{
    (void)state;
    struct running r;
    struct lock lock;
    struct vault_report report = {.pid = 0};
    char path[512];
    begin(&r);
    assert_int_equal(mkdir(in_share(&r.share, "in", path), 0755), 0);
    prose(&r.share, "in/kept", 1);
    ask(&r, VAULT_WRITTEN, ana, "in/kept", NULL, NULL);
    wait_until_kept(&r, "in/kept");
    prose(&r.share, "in/locked", 1);
    take_lock(&lock, in_share(&r.share, "in/locked", path));
    pid_t remover = fork();
    if (remover == 0)
        _exit(unlink(path));
    usleep(100000);
    assert_int_equal(kill(remover, 0), 0);
    ask(&r, VAULT_MOVED, mallory, NULL, "in/kept", "in/elsewhere");
    for (int i = 0; i < 100 && !report.stuck; i++) {
        usleep(100000);
        vault_view_report(r.view, &report);
    }
    assert_true(report.stuck > 0);
    free_lock(&lock);
    assert_int_equal(waitpid(remover, NULL, 0), remover);
    for (int i = 0; i < 50 && report.stuck; i++) {
        usleep(100000);
        vault_view_report(r.view, &report);
    }
    assert_int_equal(report.stuck, 0);
    end(&r);
}

static void the_vault_is_left_to_its_successor_though_a_thread_waits(void **state)
{
    (void)state;
    struct running r;
    struct lock lock;
    struct vault *next = NULL;
    struct error error;
    char path[512];
    int status;
    begin(&r);
    letter(&r, "letter");
    large(&r.share, "locked", path);
    take_lock(&lock, path);
    ask(&r, VAULT_OPENED, mallory, "locked", NULL, NULL);
    usleep(200000);
    close(r.socket);
    nanos_t closed = clock_boot();
    while (vault_open(r.share.path, -1, &limits, clock_wall(), &next, &error) < 0 &&
           since_begun(closed) < 4 * NANOS_SECOND)
        usleep(50000);
    assert_non_null(next);
    struct vault_state has;
    vault_state(next, &has);
    assert_int_equal(has.versions, 1);
    vault_close(next);
    free_lock(&lock);
    assert_int_equal(waitpid(r.vault, &status, 0), r.vault);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(r.judge, &status, 0), r.judge);
    vault_view_close(r.view);
    share_end(&r.share);
}

/* ---- Threads that wait where no probe had seen it -------------------------------------------- */

struct half { /* a service of which the test is some of the threads */
    struct share share;
    struct vault_service given;
    struct service *s;
    int listener;
    pthread_t thread;
};

static void half_begin(struct half *h)
{
    int pair[2];
    struct error error;
    memset(h, 0, sizeof *h);
    if (!share_begin(&h->share, "xfs", 300))
        skip();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    h->listener = pair[0];
    h->given = (struct vault_service){.socket = pair[1], .judge = -1};
    h->s = calloc(1, sizeof *h->s);
    assert_non_null(h->s);
    h->s->given = &h->given;
    h->s->settling = settlings_new(64);
    assert_non_null(h->s->settling);
    queue_begin(&h->s->opened);
    pthread_mutex_init(&h->s->lists, NULL);
    condition_begin(&h->s->settled);
    condition_begin(&h->s->spare);
    condition_begin(&h->s->due);
    h->s->urgent = SETTLING_NONE;
    assert_int_equal(
        vault_open(h->share.path, -1, &limits, clock_wall(), &h->s->vault, &error), 0);
}

static void half_end(struct half *h)
{
    h->s->ending = true;
    queue_end(&h->s->opened);
    pthread_mutex_lock(&h->s->lists);
    pthread_cond_broadcast(&h->s->spare);
    pthread_mutex_unlock(&h->s->lists);
    assert_int_equal(pthread_join(h->thread, NULL), 0);
    settlings_free(h->s->settling);
    vault_close(h->s->vault);
    free(h->s);
    close(h->listener);
    close(h->given.socket);
    share_end(&h->share);
}

static bool is_answered(const struct half *h, int milliseconds)
{
    struct pollfd wait = {.fd = h->listener, .events = POLLIN};
    struct vault_answer answer;
    return poll(&wait, 1, milliseconds) == 1 && vault_answer(h->listener, &answer) == 1;
}

static void another_opener_takes_the_place_of_one_that_waits(void **state)
{
    (void)state;
    struct half h;
    half_begin(&h);
    for (unsigned i = 0; i < OPENERS_AT_WORK; i++)
        h.s->opener[i].since = clock_boot();
    struct hand *third = &h.s->opener[OPENERS_AT_WORK];
    third->service = h.s;
    struct job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    *job = (struct job){.fd = -1, .put = clock_boot()};
    assert_int_equal(pthread_create(&h.thread, NULL, openers_work, third), 0);
    assert_true(opened_put(h.s, job));
    openers_relieve(h.s);
    assert_false(is_answered(&h, 50)); /* the two are at work, as far as can be told */
    usleep(OPENER_STUCK / 1000);
    openers_relieve(h.s);
    assert_true(is_answered(&h, 2000));
    half_end(&h);
}

/* A large file that was closed. */
static struct vault_file closed(struct half *h)
{
    char path[512];
    struct stat status;
    large(&h->share, "report", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    struct vault_file file = vault_identity(fd, &status);
    settle_add(h->s, fd, &status, file, ana, clock_wall());
    return file;
}

static size_t left(const struct half *h)
{
    pthread_mutex_lock(&h->s->lists);
    size_t count = settlings_count(h->s->settling);
    pthread_mutex_unlock(&h->s->lists);
    return count;
}

static void another_keeper_takes_the_place_of_one_that_waits(void **state)
{
    (void)state;
    struct half h;
    half_begin(&h);
    struct hand *third = &h.s->keeper[KEEPERS_AT_WORK];
    third->service = h.s;
    third->number = KEEPERS_AT_WORK;
    closed(&h);
    h.s->keeper[0].since = clock_boot();
    assert_int_equal(pthread_create(&h.thread, NULL, keepers_work, third), 0);
    usleep(700000);
    keepers_relieve(h.s);
    usleep(100000);
    assert_int_equal(left(&h), 1);
    usleep(300000);
    keepers_relieve(h.s);
    for (int i = 0; i < 100 && left(&h); i++)
        usleep(20000);
    assert_int_equal(left(&h), 0);
    assert_int_equal(hands_stuck(h.s, clock_boot()), 0);
    assert_int_equal(hands_stuck(h.s, clock_boot() + 2 * STUCK_TOLD), 1);
    half_end(&h);
}

static void *does_nothing(void *context)
{
    return context;
}

static void nobody_waits_long_for_a_keeper_that_waits(void **state)
{
    (void)state;
    struct half h;
    half_begin(&h);
    struct vault_file file = closed(&h);
    uint32_t at = settlings_find(h.s->settling, file);
    settlings_item(h.s->settling, at)->busy = true;
    nanos_t begun = clock_boot();
    settle_now(h.s, file);
    assert_true(since_begun(begun) >= LOCKED_FOR);
    assert_true(since_begun(begun) < 20 * LOCKED_FOR);
    begun = clock_boot();
    for (int i = 0; i < 100; i++)
        settle_now(h.s, file);
    assert_true(since_begun(begun) < LOCKED_FOR); /* once is enough */
    settlings_item(h.s->settling, at)->busy = false;
    settle_due(h.s, NULL);
    assert_int_equal(left(&h), 0);
    assert_int_equal(pthread_create(&h.thread, NULL, does_nothing, NULL), 0);
    half_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_locks_his_files_keeps_nobody_from_opening_others),
        cmocka_unit_test(what_is_locked_is_kept_when_it_is_free),
        cmocka_unit_test(who_reads_for_ever_stops_nothing_but_his_file),
        cmocka_unit_test(a_folder_that_is_locked_is_told),
        cmocka_unit_test(the_vault_is_left_to_its_successor_though_a_thread_waits),
        cmocka_unit_test(another_opener_takes_the_place_of_one_that_waits),
        cmocka_unit_test(another_keeper_takes_the_place_of_one_that_waits),
        cmocka_unit_test(nobody_waits_long_for_a_keeper_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
