#include "gate/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ecluse-ledger-XXXXXX";
static char path[sizeof folder + 32];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/front.gate", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int without_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct ledger *opened(void)
{
    struct ledger *ledger;
    struct error error = {""};
    assert_true(ledger_create(folder, -1, &error) >= 0);
    assert_int_equal(ledger_open(folder, false, &ledger, &error), 0);
    return ledger;
}

static void a_sound_one_is_kept_with_what_it_counts(void **state)
{
    (void)state;
    struct ledger *ledger = opened();
    ledger_count(ledger, 3, GATE_RULE_QUEUED, STANDING_STRANGER, false);
    uint64_t inode = ledger_inode(folder);
    ledger_close(ledger);
    ledger = opened();
    assert_int_equal(ledger_inode(folder), inode);
    assert_int_equal(ledger_counted(ledger, GATE_RULE_QUEUED, LEDGER_DONE, LEDGER_ANYONE), 1);
    assert_non_null(ledger_issues(ledger));
    assert_non_null(ledger_strikes(ledger));
    assert_non_null(ledger_redeemed(ledger));
    ledger_close(ledger);
}

static void damage(size_t at, uint8_t with)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && pwrite(fd, &with, 1, (off_t)at) == 1);
    close(fd);
}

static void is_refused_as(int code)
{
    struct ledger *ledger;
    struct error error = {""};
    assert_int_equal(ledger_open(folder, true, &ledger, &error), code);
    assert_true(strlen(error.text) > 0);
    assert_int_equal(ledger_create(folder, -1, &error), code == -ENOENT ? 0 : 1);
    assert_int_equal(ledger_open(folder, true, &ledger, &error), 0);
    ledger_close(ledger);
}

static void what_is_none_is_refused_and_replaced(void **state)
{
    (void)state;
    is_refused_as(-ENOENT);
    damage(0, 'x');
    is_refused_as(-EUCLEAN);
    damage(offsetof(struct ledger, version), LEDGER_VERSION + 1);
    is_refused_as(-EPROTO);
    damage(offsetof(struct ledger, boot_id), 0);
    damage(offsetof(struct ledger, boot_id) + 1, 0);
    is_refused_as(-EUCLEAN);
    assert_int_equal(truncate(path, 5000), 0);
    is_refused_as(-EUCLEAN);
    assert_int_equal(truncate(path, 0), 0);
    is_refused_as(-EUCLEAN);
}

static void another_kind_of_file_is_refused(void **state)
{
    (void)state;
    struct ledger *ledger;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(ledger_open(folder, true, &ledger, NULL) == -EUCLEAN);
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(ledger_open(folder, true, &ledger, NULL), -EUCLEAN);
}

static void only_its_group_may_write_it(void **state)
{
    (void)state;
    struct stat st;
    ledger_close(opened());
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    unlink(path);
    assert_int_equal(ledger_create(folder, (int)getgid(), NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void what_was_done_to_the_known_is_told_apart(void **state)
{
    (void)state;
    struct ledger *ledger = opened();
    ledger_count(ledger, 0, GATE_RULE_WAITED_OUT, STANDING_STRANGER, false);
    ledger_count(ledger, 1, GATE_RULE_WAITED_OUT, STANDING_KNOWN, false);
    ledger_count(ledger, 2, GATE_RULE_PUSHED_OUT, STANDING_LANE, false);
    ledger_count(ledger, 3, GATE_RULE_QUEUED, STANDING_KNOWN, false);    /* waiting is no refusal */
    ledger_count(ledger, 4, GATE_RULE_WAITED_OUT, STANDING_KNOWN, true); /* would have been */
    assert_int_equal(ledger_good_refused(ledger), 2);
    assert_int_equal(ledger_counted(ledger, GATE_RULE_WAITED_OUT, LEDGER_WOULD, LEDGER_GOOD), 1);
    ledger_admit(ledger, 9, STANDING_FRESH);
    assert_int_equal(ledger_admitted(ledger, STANDING_FRESH), 1);
    ledger_close(ledger);
}

static void names_have_one_place_for_good(void **state)
{
    (void)state;
    struct ledger *ledger = opened();
    char text[CONTRACT_NAME_SIZE];
    unsigned login = ledger_route(ledger, TEXT("login")), search = ledger_route(ledger, TEXT("s"));
    assert_true(login != search && login && search);
    assert_int_equal(ledger_route(ledger, TEXT("login")), login);
    assert_string_equal(ledger_name_text(&ledger->route_name[login], text), "login");
    assert_int_equal(ledger_route(ledger, TEXT("")), 0);
    for (unsigned i = 1; i < LEDGER_ORIGINS; i++) {
        char name[8];
        snprintf(name, sizeof name, "o%u", i);
        assert_int_equal(ledger_origin(ledger, text_of(name)), i);
    }
    assert_int_equal(ledger_origin(ledger, TEXT("one more")), 0);
    ledger_close(ledger);
}

static void a_dead_workers_slot_is_taken_by_another(void **state)
{
    (void)state;
    struct ledger *ledger = opened();
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    for (int i = 0; i < LEDGER_WORKERS; i++)
        assert_int_equal(ledger_join(ledger, i == 5 ? dead : getpid(), 1), i);
    assert_int_equal(ledger_join(ledger, getpid(), NANOS_SECOND), -1);
    assert_int_equal(ledger_join(ledger, getpid(), NANOS_MINUTE), 5);
    ledger_part(ledger, 7);
    assert_int_equal(ledger_join(ledger, getpid(), NANOS_MINUTE), 7);
    ledger_part(ledger, -1);
    ledger_part(ledger, LEDGER_WORKERS);
    ledger_close(ledger);
}

/* ---- Many at once ---------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 20000 };
static struct ledger *shared;
static unsigned found[THREADS];

static void *work(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;
    found[me] = ledger_route(shared, TEXT("raced for"));
    for (unsigned i = 0; i < ROUNDS; i++) {
        nanos_t now = (nanos_t)i * NANOS_SECOND / 1000;
        ledger_count(shared, me, GATE_RULE_QUEUED, STANDING_KNOWN, false);
        demand_add(&shared->route[1], 1, 1, now);
        if (i % 100 == 0) {
            struct demand_view view;
            char text[CONTRACT_NAME_SIZE];
            demand_begin(&shared->route[1], 1, now);
            demand_look(&shared->route[1], now + NANOS_HOUR);
            demand_view(&shared->route[1], now, &view);
            ledger_name_text(&shared->route_name[found[me]], text);
            int slot = ledger_join(shared, getpid(), now);
            ledger_part(shared, slot);
        }
    }
    return NULL;
}

/* Built with -Db_sanitize=thread as well. */
static void threads_write_at_once(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    shared = opened();
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(ledger_counted(shared, GATE_RULE_QUEUED, LEDGER_DONE, LEDGER_GOOD),
                     THREADS * ROUNDS);
    for (unsigned i = 1; i < THREADS; i++)
        assert_int_equal(found[i], found[0]);
    ledger_close(shared);
}

/* A worker that is killed anywhere leaves a file in which the others go on. */
static void a_killed_writer_leaves_it_sound(void **state)
{
    (void)state;
    shared = opened();
    for (unsigned i = 0; i < 30; i++) {
        pid_t child = fork();
        if (child == 0)
            for (;;)
                work((void *)0);
        usleep(3000 + 200 * i);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct ledger *again;
        assert_int_equal(ledger_open(folder, true, &again, NULL), 0);
        ledger_close(again);
        assert_int_equal(ledger_route(shared, TEXT("raced for")), 1);
    }
    ledger_close(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_sound_one_is_kept_with_what_it_counts, without_file),
        cmocka_unit_test_setup(what_is_none_is_refused_and_replaced, without_file),
        cmocka_unit_test_setup(another_kind_of_file_is_refused, without_file),
        cmocka_unit_test_setup(only_its_group_may_write_it, without_file),
        cmocka_unit_test_setup(what_was_done_to_the_known_is_told_apart, without_file),
        cmocka_unit_test_setup(names_have_one_place_for_good, without_file),
        cmocka_unit_test_setup(a_dead_workers_slot_is_taken_by_another, without_file),
        cmocka_unit_test_setup(threads_write_at_once, without_file),
        cmocka_unit_test_setup(a_killed_writer_leaves_it_sound, without_file),
    };
    return cmocka_run_group_tests_name("ledger", tests, make_folder, remove_folder);
}
