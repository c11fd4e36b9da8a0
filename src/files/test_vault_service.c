#include "files/test_service.h"

static void a_version_is_kept_before_an_open_can_write(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    prose(&r.share, "file", 1);
    assert_int_equal(opened(&r, mallory, "file"), VAULT_KEPT);
    assert_true(has(&r, "file"));
    assert_int_equal(opened(&r, mallory, "file"), VAULT_ALREADY);
    put(&r.share, "empty", "");
    assert_int_equal(opened(&r, mallory, "empty"), VAULT_NOTHING);
    end(&r);
}

static void the_pass_keeps_what_was_there_before(void **state)
{
    (void)state;
    struct running r = {0};
    begin(&r);
    char path[512];
    assert_int_equal(mkdir(in_share(&r.share, "in", path), 0755), 0);
    put(&r.share, "in/file", "text");
    put(&r.share, "other", "text");
    struct vault_report report;
    close(r.socket); /* started again, it finds them */
    assert_int_equal(waitpid(r.vault, NULL, 0), r.vault);
    assert_int_equal(waitpid(r.judge, NULL, 0), r.judge);
    struct share share = r.share;
    struct error error;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(vault_view_create(r.runtime, "test", &error), 0);
    vault_view_close(r.view);
    assert_int_equal(vault_view_open(r.runtime, "test", false, &r.view, &error), 0);
    r.vault = fork();
    if (r.vault == 0) {
        close(pair[0]);
        serve(&r, pair[1], -1);
    }
    close(pair[1]);
    r.socket = pair[0];
    wait_until_kept(&r, "in/file");
    wait_until_kept(&r, "other");
    for (int i = 0; i < 300; i++) {
        vault_view_report(r.view, &report);
        if (report.pass.ended && report.vault.files == 2)
            break;
        usleep(10000);
    }
    assert_int_equal(report.vault.files, 2);
    assert_int_equal(report.vault.kind, VAULT_CLONES);
    assert_true(report.pass.ended > 0);
    assert_int_equal(report.pid, r.vault);
    close(r.socket);
    assert_int_equal(waitpid(r.vault, NULL, 0), r.vault);
    vault_view_close(r.view);
    share_end(&share);
}

static void another_pass_finds_what_nobody_told(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    struct vault_report report;
    begin(&r);
    letter(&r, "gone");
    prose(&r.share, "new", 1);
    assert_int_equal(unlink(in_share(&r.share, "gone", path)), 0);
    ask(&r, VAULT_MISSED, ana, NULL, NULL, NULL);
    wait_until_kept(&r, "new");
    for (int i = 0; i < 300; i++) {
        vault_view_report(r.view, &report);
        if (report.pass.seen == 1 && report.pass.ended && report.vault.files == 1)
            break;
        usleep(10000);
    }
    assert_int_equal(report.vault.files, 1); /* the other is past */
    assert_int_equal(report.vault.versions, 2);
    end(&r);
}

static void a_pass_finds_what_was_told_of_without_its_descriptor(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    prose(&r.share, "new", 1);
    ask(&r, VAULT_WRITTEN, ana, NULL, NULL, NULL);
    wait_until_kept(&r, "new");
    end(&r);
}

static void scratch_files_are_not_kept_and_others_young_ones_are(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    begin(&r);
    prose(&r.share, "scratch", 1);
    ask(&r, VAULT_WRITTEN, ana, "scratch", NULL, NULL);
    unlink(in_share(&r.share, "scratch", path));
    ask(&r, VAULT_REMOVED, ana, NULL, "scratch", NULL);
    prose(&r.share, "young", 1);
    ask(&r, VAULT_WRITTEN, ana, "young", NULL, NULL);
    unlink(in_share(&r.share, "young", path)); /* long before it is due to be kept */
    ask(&r, VAULT_REMOVED, mallory, NULL, "young", NULL);
    expect(&r, REWRITE_VANISHED, "young");
    expect_silence(&r);
    usleep(1200000);
    struct vault_report report;
    vault_view_report(r.view, &report);
    assert_int_equal(report.vault.versions, 1);
    end(&r);
}

static void who_fills_the_vault_is_refused_in_the_view(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    char path[512];
    assert_int_equal(shell("head -c 24000000 /dev/urandom >%s", in_share(&r.share, "large", path)),
                     0);
    ask(&r, VAULT_WRITTEN, ana, "large", NULL, NULL);
    wait_until_kept(&r, "large");
    assert_false(vault_view_refuses(r.view, mallory.user));
    assert_int_equal(truncate(path, 0), 0);
    ask(&r, VAULT_WRITTEN, mallory, "large", NULL, NULL);
    expect(&r, REWRITE_EMPTIED, "large");
    for (int i = 0; i < 300 && !vault_view_refuses(r.view, mallory.user); i++)
        usleep(10000);
    assert_true(vault_view_refuses(r.view, mallory.user));
    assert_false(vault_view_refuses(r.view, ana.user));
    prose(&r.share, "other", 1);
    assert_int_equal(opened(&r, mallory, "other"), VAULT_REFUSED);
    assert_int_equal(opened(&r, ana, "other"), VAULT_KEPT);
    struct vault_limits more = limits; /* of a contract that was taken up meanwhile */
    more.per_user = 100 << 20;
    struct vault_view *view;
    struct error error;
    assert_int_equal(vault_view_open(r.runtime, "test", true, &view, &error), 0);
    vault_view_limit(view, &more);
    vault_view_close(view);
    for (int i = 0; i < 300 && vault_view_refuses(r.view, mallory.user); i++)
        usleep(10000);
    assert_int_equal(opened(&r, mallory, "other"), VAULT_ALREADY);
    end(&r);
}

static void a_judge_that_dies_ends_the_vault_and_the_file_counts(void **state)
{
    (void)state;
    struct running r;
    int status;
    begin(&r);
    letter(&r, "a");
    assert_int_equal(kill(r.judge, SIGKILL), 0);
    assert_int_equal(waitpid(r.judge, &status, 0), r.judge);
    prose(&r.share, "a", 2);
    ask(&r, VAULT_WRITTEN, mallory, "a", NULL, NULL);
    expect(&r, REWRITE_UNJUDGED, "a");
    assert_int_equal(waitpid(r.vault, &status, 0), r.vault);
    assert_int_equal(WEXITSTATUS(status), 1);
    vault_view_close(r.view);
    close(r.socket);
    share_end(&r.share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_kept_before_an_open_can_write),
        cmocka_unit_test(the_pass_keeps_what_was_there_before),
        cmocka_unit_test(another_pass_finds_what_nobody_told),
        cmocka_unit_test(a_pass_finds_what_was_told_of_without_its_descriptor),
        cmocka_unit_test(scratch_files_are_not_kept_and_others_young_ones_are),
        cmocka_unit_test(who_fills_the_vault_is_refused_in_the_view),
        cmocka_unit_test(a_judge_that_dies_ends_the_vault_and_the_file_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
