/* When what was closed is kept: soon, or when others are done, and always before it is lost. */
#include "files/test_service.h"

enum { BUSY_TICK = 50000 };

/* Others are at work: something is told all the time. */
static void busy_for(struct running *r, int milliseconds)
{
    for (int i = 0; i < milliseconds * 1000 / BUSY_TICK; i++) {
        ask(r, VAULT_REMOVED, ana, NULL, "nothing", NULL);
        usleep(BUSY_TICK);
    }
}

static void small_files_wait_while_others_are_at_work(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    prose(&r.share, "small", 1);
    ask(&r, VAULT_WRITTEN, ana, "small", NULL, NULL);
    busy_for(&r, 1500);
    assert_false(has(&r, "small"));
    busy_for(&r, 4500); /* but not for ever */
    assert_true(has(&r, "small"));
    prose(&r.share, "other", 1);
    ask(&r, VAULT_WRITTEN, ana, "other", NULL, NULL);
    usleep(1000000); /* and not at all when it is calm */
    assert_true(has(&r, "other"));
    end(&r);
}

static void large_files_do_not_wait(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    begin(&r);
    assert_int_equal(shell("head -c 200000 /dev/urandom >%s", in_share(&r.share, "large", path)),
                     0);
    ask(&r, VAULT_WRITTEN, ana, "large", NULL, NULL);
    busy_for(&r, 1500);
    assert_true(has(&r, "large"));
    end(&r);
}

static void what_waits_is_kept_before_it_is_lost(void **state)
{
    (void)state;
    struct running r;
    char one[512], other[512];
    begin(&r);
    assert_int_equal(mkdir(in_share(&r.share, "in", one), 0755), 0);
    prose(&r.share, "opened", 1);
    ask(&r, VAULT_WRITTEN, ana, "opened", NULL, NULL);
    prose(&r.share, "removed", 1);
    ask(&r, VAULT_WRITTEN, ana, "removed", NULL, NULL);
    prose(&r.share, "replaced", 1);
    ask(&r, VAULT_WRITTEN, ana, "replaced", NULL, NULL);
    prose(&r.share, "in/moved", 1);
    ask(&r, VAULT_WRITTEN, ana, "in/moved", NULL, NULL);
    busy_for(&r, 700);
    assert_false(has(&r, "opened"));
    assert_int_equal(opened(&r, mallory, "opened"), VAULT_ALREADY);
    assert_true(has(&r, "opened"));
    noise(&r.share, "new", 1);
    assert_int_equal(rename(in_share(&r.share, "new", one), in_share(&r.share, "replaced", other)),
                     0);
    ask(&r, VAULT_MOVED, mallory, NULL, "new", "replaced");
    expect(&r, REWRITE_TYPE_LOST, "replaced");
    assert_int_equal(rename(in_share(&r.share, "in", one), in_share(&r.share, "out", other)), 0);
    ask(&r, VAULT_MOVED, mallory, NULL, "in", "out");
    noise(&r.share, "new", 2);
    assert_int_equal(rename(in_share(&r.share, "new", one), in_share(&r.share, "out/moved", other)),
                     0);
    ask(&r, VAULT_MOVED, mallory, NULL, "new", "out/moved");
    expect(&r, REWRITE_TYPE_LOST, "out/moved");
    assert_int_equal(unlink(in_share(&r.share, "removed", one)), 0);
    ask(&r, VAULT_REMOVED, mallory, NULL, "removed", NULL); /* 200 ms later it is judged */
    expect(&r, REWRITE_VANISHED, "removed");
    assert_int_equal(versions(&r), 4);
    end(&r);
}

/* Its own author removes what he made longer ago than scratch files live. */
static void what_lived_for_a_while_is_no_scratch(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    begin(&r);
    prose(&r.share, "mine", 1);
    ask(&r, VAULT_WRITTEN, ana, "mine", NULL, NULL);
    busy_for(&r, 1000);
    assert_int_equal(unlink(in_share(&r.share, "mine", path)), 0);
    ask(&r, VAULT_REMOVED, ana, NULL, "mine", NULL);
    assert_int_equal(versions(&r), 1);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_wait_while_others_are_at_work),
        cmocka_unit_test(large_files_do_not_wait),
        cmocka_unit_test(what_waits_is_kept_before_it_is_lost),
        cmocka_unit_test(what_lived_for_a_while_is_no_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
