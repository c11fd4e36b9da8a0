#include "files/test_locked.h"
#include "files/test_service.h"

static void encryption_in_place_is_told_with_its_figures(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    letter(&r, "a");
    letter(&r, "b");
    noise(&r.share, "a", 1);
    ask(&r, VAULT_WRITTEN, mallory, "a", NULL, NULL);
    uint64_t thing = expect(&r, REWRITE_TYPE_LOST, "a");
    usleep(700000); /* the garbage is kept as well */
    assert_true(has(&r, "a"));
    noise(&r.share, "a", 2);
    ask(&r, VAULT_WRITTEN, mallory, "a", NULL, NULL);
    assert_int_equal(expect(&r, REWRITE_UNJUDGED, "a"), thing);
    noise(&r.share, "b", 3);
    ask(&r, VAULT_WRITTEN, mallory, "b", NULL, NULL);
    assert_int_not_equal(expect(&r, REWRITE_TYPE_LOST, "b"), thing);
    end(&r);
}

static void saving_is_told_and_does_not_count(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    letter(&r, "a");
    prose(&r.share, "a", 2);
    ask(&r, VAULT_WRITTEN, mallory, "a", NULL, NULL);
    expect(&r, REWRITE_KEPT, "a");
    prose(&r.share, "new", 3); /* and by another file renamed over it */
    ask(&r, VAULT_WRITTEN, mallory, "new", NULL, NULL);
    char one[512], other[512];
    assert_int_equal(rename(in_share(&r.share, "new", one), in_share(&r.share, "a", other)), 0);
    ask(&r, VAULT_MOVED, mallory, NULL, "new", "a");
    expect(&r, REWRITE_KEPT, "a");
    end(&r);
}

static void what_a_tree_wrote_itself_is_its_own(void **state)
{
    (void)state;
    struct running r;
    begin(&r);
    letter(&r, "mine");
    noise(&r.share, "mine", 1);
    ask(&r, VAULT_WRITTEN, ana, "mine", NULL, NULL);
    expect(&r, REWRITE_OWN, "mine");
    char path[512];
    assert_int_equal(unlink(in_share(&r.share, "mine", path)), 0);
    ask(&r, VAULT_REMOVED, ana, NULL, "mine", NULL);
    expect(&r, REWRITE_OWN, "mine");
    /* Once anybody else's content was in it, it is not. */
    letter(&r, "ours");
    prose(&r.share, "ours", 2);
    ask(&r, VAULT_WRITTEN, mallory, "ours", NULL, NULL);
    expect(&r, REWRITE_KEPT, "ours");
    wait_until_kept(&r, "ours");
    noise(&r.share, "ours", 2);
    ask(&r, VAULT_WRITTEN, mallory, "ours", NULL, NULL);
    expect(&r, REWRITE_TYPE_LOST, "ours");
    end(&r);
}

static void renamed_over_and_removed_is_judged(void **state)
{
    (void)state;
    struct running r;
    char one[512], other[512];
    begin(&r);
    letter(&r, "over");
    letter(&r, "gone");
    noise(&r.share, "garbage", 1);
    ask(&r, VAULT_WRITTEN, mallory, "garbage", NULL, NULL);
    assert_int_equal(rename(in_share(&r.share, "garbage", one), in_share(&r.share, "over", other)),
                     0);
    ask(&r, VAULT_MOVED, mallory, NULL, "garbage", "over");
    expect(&r, REWRITE_TYPE_LOST, "over");
    noise(&r.share, "gone.locked", 2); /* a new file, and the old one removed */
    ask(&r, VAULT_WRITTEN, mallory, "gone.locked", NULL, NULL);
    assert_int_equal(unlink(in_share(&r.share, "gone", one)), 0);
    ask(&r, VAULT_REMOVED, mallory, NULL, "gone", NULL);
    expect(&r, REWRITE_VANISHED, "gone");
    end(&r);
}

static void a_file_with_a_successor_did_not_vanish(void **state)
{
    (void)state;
    struct running r;
    char one[512], other[512];
    begin(&r);
    letter(&r, "a");
    letter(&r, "b");
    letter(&r, "c");
    unlink(in_share(&r.share, "a", one)); /* as git does: removed, and made anew */
    ask(&r, VAULT_REMOVED, mallory, NULL, "a", NULL);
    prose(&r.share, "a", 2);
    expect(&r, REWRITE_KEPT, "a");
    /* As editors do: moved aside, written, and the old one removed. */
    rename(in_share(&r.share, "b", one), in_share(&r.share, "b~", other));
    ask(&r, VAULT_MOVED, mallory, NULL, "b", "b~");
    prose(&r.share, "b", 2);
    unlink(in_share(&r.share, "b~", one));
    ask(&r, VAULT_REMOVED, mallory, NULL, "b~", NULL);
    expect(&r, REWRITE_KEPT, "b");
    /* The same, before it was kept anywhere: only its inode says where it was. */
    prose(&r.share, "young", 1);
    struct vault_file file = identity_of(&r, "young");
    ask(&r, VAULT_WRITTEN, ana, "young", NULL, NULL);
    rename(in_share(&r.share, "young", one), in_share(&r.share, "young~", other));
    ask_of(&r, VAULT_MOVED, file, "young", "young~");
    prose(&r.share, "young", 2);
    unlink(other);
    ask_of(&r, VAULT_REMOVED, file, "young~", NULL);
    expect(&r, REWRITE_KEPT, "young~");
    /* Compressed. */
    assert_int_equal(shell("gzip %s", in_share(&r.share, "c", one)), 0);
    ask(&r, VAULT_REMOVED, mallory, NULL, "c", NULL);
    expect(&r, REWRITE_PACKED, "c");
    end(&r);
}

static void a_file_that_is_never_closed_is_judged(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    begin(&r);
    letter(&r, "a");
    assert_int_equal(opened(&r, mallory, "a"), VAULT_ALREADY);
    int fd = open(in_share(&r.share, "a", path), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char block[16384];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)siphash_words3((struct hash_key){1, 2}, i, 3, 4);
    assert_int_equal(write(fd, block, sizeof block), sizeof block);
    struct vault_answer answer;
    assert_true(answered(&r, &answer, 2500));
    assert_true(answer.rewritten);
    assert_int_equal(answer.figures.verdict, REWRITE_COUNTS);
    assert_int_equal(answer.who.user, mallory.user);
    close(fd);
    end(&r);
}

/* How long the newest kept version of a path is. */
static uint64_t kept_size(const struct running *r, const char *path)
{
    struct restore_view *view;
    struct restore_version version[4];
    struct error error;
    assert_int_equal(restore_view_open(r->share.path, &view, &error), 0);
    size_t count = restore_view_versions(view, path, version, 4);
    restore_view_close(view);
    return count && version[0].is_there ? version[0].size : 0;
}

static void what_is_truncated_by_path_as_soon_as_it_was_closed_is_kept(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    begin(&r);
    prose(&r.share, "saved", 1);
    ask(&r, VAULT_WRITTEN, ana, "saved", NULL, NULL);
    usleep(20000);
    assert_int_equal(truncate(in_share(&r.share, "saved", path), 0), 0);
    ask(&r, VAULT_CHANGED, mallory, "saved", NULL, NULL);
    expect(&r, REWRITE_EMPTIED, "saved");
    assert_true(kept_size(&r, "saved") > 16000);
    prose(&r.share, "own", 1); /* by the same hand: no loss to be counted, and kept all the same */
    ask(&r, VAULT_WRITTEN, ana, "own", NULL, NULL);
    usleep(20000);
    assert_int_equal(truncate(in_share(&r.share, "own", path), 0), 0);
    ask(&r, VAULT_CHANGED, ana, "own", NULL, NULL);
    expect(&r, REWRITE_OWN, "own");
    assert_true(kept_size(&r, "own") > 16000);
    prose(&r.share, "silent", 1); /* and nobody tells */
    ask(&r, VAULT_WRITTEN, ana, "silent", NULL, NULL);
    usleep(20000);
    assert_int_equal(truncate(in_share(&r.share, "silent", path), 0), 0);
    usleep(900000);
    assert_true(kept_size(&r, "silent") > 16000);
    end(&r);
}

/* A close takes the file's lock itself for a moment, to give back what is set aside past its end.
 */
static void what_is_locked_when_it_is_closed_is_read_and_judged(void **state)
{
    (void)state;
    struct running r;
    struct lock lock;
    char path[512];
    begin(&r);
    prose(&r.share, "saved", 1);
    take_lock(&lock, in_share(&r.share, "saved", path));
    ask(&r, VAULT_WRITTEN, ana, "saved", NULL, NULL);
    usleep(20000);
    free_lock(&lock);
    assert_int_equal(truncate(path, 0), 0);
    ask(&r, VAULT_CHANGED, mallory, "saved", NULL, NULL);
    expect(&r, REWRITE_EMPTIED, "saved");
    assert_true(kept_size(&r, "saved") > 16000);
    letter(&r, "letter");
    noise(&r.share, "letter", 1);
    take_lock(&lock, in_share(&r.share, "letter", path));
    ask(&r, VAULT_WRITTEN, mallory, "letter", NULL, NULL);
    expect(&r, REWRITE_TYPE_LOST, "letter");
    free_lock(&lock);
    end(&r);
}

static void a_change_that_nobody_was_asked_about_is_judged_when_something_is_gone(void **state)
{
    (void)state;
    struct running r;
    char path[512];
    begin(&r);
    letter(&r, "grown");
    letter(&r, "blank");
    assert_int_equal(truncate(in_share(&r.share, "grown", path), 1 << 20), 0);
    ask(&r, VAULT_CHANGED, mallory, "grown", NULL, NULL);
    expect_silence(&r);
    assert_int_equal(truncate(in_share(&r.share, "blank", path), 0), 0);
    assert_int_equal(truncate(path, 1 << 20), 0); /* as long as a writer could have made it */
    ask(&r, VAULT_CHANGED, mallory, "blank", NULL, NULL);
    expect(&r, REWRITE_EMPTIED, "blank");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encryption_in_place_is_told_with_its_figures),
        cmocka_unit_test(saving_is_told_and_does_not_count),
        cmocka_unit_test(what_a_tree_wrote_itself_is_its_own),
        cmocka_unit_test(renamed_over_and_removed_is_judged),
        cmocka_unit_test(a_file_with_a_successor_did_not_vanish),
        cmocka_unit_test(a_file_that_is_never_closed_is_judged),
        cmocka_unit_test(what_is_truncated_by_path_as_soon_as_it_was_closed_is_kept),
        cmocka_unit_test(what_is_locked_when_it_is_closed_is_read_and_judged),
        cmocka_unit_test(a_change_that_nobody_was_asked_about_is_judged_when_something_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
