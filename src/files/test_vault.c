/* The vault on a file system with reflinks, and on one without. */
#include "files/test_vault.h"

#include <linux/fs.h>
#include <pthread.h>

/* Before Linux 6.13 what is written in the same tick has the same times. */
static void what_was_written_in_this_very_tick_is_kept_once_more(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    bool in_time = false;
    put(&s, "file", "text");
    for (int i = 0; i < 200 && !in_time; i++) {
        struct stat status;
        int fd = open(in_share(&s, "file", (char[512]){0}), O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, i % 2 ? "more" : "text", 4, 0), 4);
        assert_int_equal(vault_keep(v, fd, NULL, ana, VAULT_CLOSED, NOW), VAULT_KEPT);
        assert_int_equal(fstat(fd, &status), 0);
        in_time = status.st_ctim.tv_sec * NANOS_SECOND + status.st_ctim.tv_nsec >= clock_tick();
        close(fd);
    }
    assert_true(in_time);
    assert_int_equal(newest(v, "file", 0).mark, 0);
    wait_a_tick();
    assert_int_equal(keep(v, &s, "file", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    assert_int_equal(keep(v, &s, "file", ana, VAULT_CLOSED, NOW), VAULT_ALREADY);
    vault_close(v);
    share_end(&s);
}

static void whatever_destroys_a_file_its_last_version_is_there(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    assert_int_equal(vault_kind(v), VAULT_CLONES);
    mkdir(in_share(&s, "folder", (char[512]){0}), 0755);
    static const char *const names[] = {"folder/over", "truncated", "removed", "renamed over"};
    for (size_t i = 0; i < 4; i++) {
        put(&s, names[i], names[i]);
        assert_int_equal(keep(v, &s, names[i], ana, VAULT_CLOSED, NOW), VAULT_KEPT);
        assert_int_equal(keep(v, &s, names[i], ana, VAULT_BEFORE, NOW), VAULT_ALREADY);
    }
    put(&s, "folder/over", "garbage");
    char one[512], other[512];
    assert_int_equal(truncate(in_share(&s, "truncated", one), 0), 0);
    assert_int_equal(unlink(in_share(&s, "removed", one)), 0);
    put(&s, "new", "garbage");
    assert_int_equal(rename(in_share(&s, "new", one), in_share(&s, "renamed over", other)), 0);
    for (size_t i = 0; i < 4; i++)
        expect_newest(v, names[i], names[i]);
    vault_close(v);
    v = vault_on(&s, 0, 0); /* and after a restart */
    for (size_t i = 0; i < 4; i++)
        expect_newest(v, names[i], names[i]);
    vault_close(v);
    share_end(&s);
}

static void nobody_who_may_write_the_root_can_move_the_vault(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    assert_int_equal(chmod(s.path, 0777), 0);
    vault_close(vault_on(&s, 0, 0));
    pid_t child = fork();
    if (child == 0) {
        char one[512], other[512];
        if (setgid(1001) != 0 || setuid(1001) != 0)
            _exit(9);
        bool moved = rename(in_share(&s, VAULT_FOLDER, one), in_share(&s, "mine", other)) == 0;
        bool removed = rmdir(in_share(&s, VAULT_FOLDER, one)) == 0;
        bool read = access(in_share(&s, VAULT_FOLDER "/store/log", one), F_OK) == 0;
        bool mine = mkdir(in_share(&s, "free", one), 0700) == 0; /* the root is writable */
        _exit((moved ? 1 : 0) | (removed ? 2 : 0) | (read ? 4 : 0) | (mine ? 0 : 8));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    vault_close(vault_on(&s, 0, 0));
    share_end(&s);
}

static void what_a_user_put_in_its_place_is_refused(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    char path[512];
    struct vault_limits limits = limits_of(0, 0);
    struct vault *v = NULL;
    struct error error;
    assert_int_equal(mkdir(in_share(&s, VAULT_FOLDER, path), 0700), 0);
    assert_int_equal(chown(path, 1001, 1001), 0);
    assert_int_equal(vault_open(s.path, -1, &limits, NOW, &v, &error), -EPERM);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_int_equal(vault_open(s.path, -1, &limits, NOW, &v, &error), -EPERM);
    assert_null(v);
    assert_int_equal(unlink(path), 0);
    v = vault_on(&s, 0, 0);
    struct vault *second = NULL;
    assert_int_equal(vault_open(s.path, -1, &limits, NOW, &second, &error), -EBUSY);
    vault_close(v);
    share_end(&s);
}

static void a_renamed_file_keeps_its_history(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    char one[512], other[512];
    assert_int_equal(mkdir(in_share(&s, "a", one), 0755), 0);
    put(&s, "a/first", "text");
    assert_int_equal(keep(v, &s, "a/first", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    assert_int_equal(rename(in_share(&s, "a/first", one), in_share(&s, "a/second", other)), 0);
    assert_int_equal(vault_moved(v, "a/first", "a/second", false, bob, NOW), 0);
    expect_newest(v, "a/second", "text");
    /* Another folder, and all in it. */
    assert_int_equal(vault_moved(v, "a", "b", true, bob, NOW), 0);
    expect_newest(v, "b/second", "text");
    expect_newest(v, "a/first", "text"); /* by its old name too */
    assert_int_equal(newest(v, "b", 0).version, 0);
    /* Saved by another file's rename over it. */
    assert_int_equal(rename(in_share(&s, "a", one), in_share(&s, "b", other)), 0);
    put(&s, "b/saved", "more text");
    assert_int_equal(keep(v, &s, "b/saved", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    assert_int_equal(vault_moved(v, "b/saved", "b/second", false, ana, NOW), 0);
    expect_newest(v, "b/second", "more text");
    struct vault_old old = newest(v, "a/first", 0);
    assert_true(old.past != 0); /* made so by what came in its place */
    close(old.fd);
    vault_close(v);
    v = vault_on(&s, 0, 0);
    expect_newest(v, "b/second", "more text");
    vault_close(v);
    share_end(&s);
}

static void rights_and_names_alone_cost_nothing(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    char path[512];
    put(&s, "file", "some text");
    assert_int_equal(keep(v, &s, "file", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    assert_int_equal(chmod(in_share(&s, "file", path), 0600), 0);
    assert_int_equal(keep(v, &s, "file", ana, VAULT_BEFORE, NOW), VAULT_KEPT);
    struct vault_state state_now;
    vault_state(v, &state_now);
    assert_int_equal(state_now.versions, 2);
    assert_int_equal(state_now.files, 1);
    assert_int_equal(state_now.past_bytes, 0);
    put(&s, "file", "else text"); /* as long, and with times set back by who may */
    assert_int_equal(keep(v, &s, "file", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    vault_state(v, &state_now);
    assert_int_equal(state_now.past_bytes, 4096);
    vault_close(v);
    share_end(&s);
}

/* XFS sets 128 KiB aside where a file is written that shares its blocks with a clone. */
static void what_a_file_has_set_aside_is_charged_to_nobody(void **state)
{
    (void)state;
    struct share share = {.mounted = false};
    struct stat status;
    char path[512];
    share_or_skip(&share, "xfs", 300);
    struct vault *v = vault_on(&share, 100 << 20, 10 << 20);
    put(&share, "diary", "a day\n");
    assert_int_equal(keep(v, &share, "diary", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    int fd = open(in_share(&share, "diary", path), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "another\n", 8), 8);
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(status.st_blocks * 512 > 16384);
    assert_int_equal(keep(v, &share, "diary", ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    struct vault_old old = newest(v, "diary", 0);
    assert_int_equal(old.bytes, 4096);
    close(old.fd);
    close(fd);
    vault_close(v);
    share_end(&share);
}

/* Rewrites `name` as `who`, an hour or so later each time. */
static void churn(struct vault *v, const struct share *s, const char *name, struct vault_who who,
                  nanos_t now, size_t bytes)
{
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    memset(text, 'a' + (int)(now / NANOS_MINUTE % 26), bytes);
    text[bytes] = 0;
    put(s, name, text);
    free(text);
    assert_int_equal(keep(v, s, name, who, VAULT_CLOSED, now), VAULT_KEPT);
}

static void who_churns_evicts_his_own_versions_only(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 40 << 20, 4 << 20);
    enum { MIB = 1 << 20 };
    nanos_t now = NOW;
    churn(v, &s, "of bob", bob, now, MIB);
    churn(v, &s, "of ana", ana, now, MIB);
    uint64_t of_bob = newest(v, "of bob", 0).version, of_ana = newest(v, "of ana", 0).version;
    now += 10 * NANOS_DAY;
    churn(v, &s, "of bob", ana, now, MIB); /* ana destroys bob's, and her own old one */
    churn(v, &s, "of ana", ana, now, MIB);
    for (int i = 0; i < 12; i++) { /* and then writes and writes */
        now += 2 * NANOS_HOUR;
        churn(v, &s, "junk", ana, now, MIB);
        assert_int_not_equal(vault_room(v, ana, now), VAULT_REFUSED);
    }
    struct vault_state state_now;
    vault_state(v, &state_now);
    assert_true(state_now.evicted >= 6);
    assert_true(state_now.past_bytes <= 4 * MIB);
    /* Bob's content stands, and her own that lived long outlives the junk. */
    assert_true(clone_is_there(v->place.store, of_bob));
    assert_true(clone_is_there(v->place.store, of_ana));
    vault_close(v);
    share_end(&s);
}

static void nothing_young_is_evicted_and_who_is_over_is_refused_alone(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 40 << 20, 4 << 20);
    nanos_t now = NOW;
    for (int i = 0; i < 7; i++) {
        now += NANOS_MINUTE;
        churn(v, &s, "junk", ana, now, 1 << 20);
    }
    assert_int_equal(vault_room(v, ana, now), VAULT_REFUSED);
    put(&s, "other", "text");
    assert_int_equal(keep(v, &s, "other", ana, VAULT_BEFORE, now), VAULT_REFUSED);
    assert_int_equal(keep(v, &s, "other", bob, VAULT_BEFORE, now), VAULT_KEPT);
    uint32_t users[4];
    assert_int_equal(vault_refused_users(v, users, 4, now), 1);
    assert_int_equal(users[0], ana.user);
    /* An hour later her own may go. */
    now += NANOS_HOUR;
    assert_int_equal(vault_room(v, ana, now), VAULT_ALREADY);
    vault_close(v);
    share_end(&s);
}

/* Five accounts that each stay below what one user may have fill all that there is. */
static void a_full_vault_refuses_who_filled_it_and_nobody_else(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 16 << 20, 4 << 20);
    nanos_t now = NOW;
    for (uint32_t user = 0; user < 5; user++) {
        struct vault_who who = {2000 + user, 500 + user};
        char name[16];
        snprintf(name, sizeof name, "junk %u", user);
        for (int i = 0; i < 4; i++) {
            now += NANOS_MINUTE;
            churn(v, &s, name, who, now, (7 << 20) / 6);
        }
    }
    struct vault_state filled;
    vault_state(v, &filled);
    assert_true(filled.past_bytes > filled.at_most);
    churn(v, &s, "of bob", bob, now, 1000); /* has little past, and ana nothing */
    churn(v, &s, "of bob", bob, now + 1, 2000);
    assert_int_equal(vault_room(v, ana, now), VAULT_ALREADY);
    assert_int_equal(vault_room(v, bob, now), VAULT_ALREADY);
    uint32_t users[8];
    assert_int_equal(vault_refused_users(v, users, 8, now), 5);
    for (size_t i = 0; i < 5; i++)
        assert_in_range(users[i], 2000, 2004);
    vault_close(v);
    share_end(&s);
}

static void past_versions_expire_and_current_ones_never(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    churn(v, &s, "file", ana, NOW, 5000);
    churn(v, &s, "still", bob, NOW, 5000);
    uint64_t first = newest(v, "file", 0).version;
    churn(v, &s, "file", ana, NOW + NANOS_MINUTE, 6000);
    vault_tidy(v, NOW + 29 * NANOS_DAY);
    assert_true(clone_is_there(v->place.store, first));
    vault_tidy(v, NOW + 31 * NANOS_DAY);
    assert_false(clone_is_there(v->place.store, first));
    struct vault_state state_now;
    vault_state(v, &state_now);
    assert_int_equal(state_now.expired, 1);
    assert_int_equal(state_now.versions, 2);
    assert_int_equal(state_now.past_bytes, 0);
    vault_close(v);
    share_end(&s);
}

static void a_log_written_anew_says_the_same(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    char name[64];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "file %d", i % 50);
        churn(v, &s, name, ana, NOW + i * NANOS_MINUTE, 100 + (size_t)i);
    }
    assert_int_equal(vault_moved(v, "file 7", "elsewhere", false, ana, NOW), 0);
    struct rewrite_figures figures;
    rewrite_figures_set(&figures, REWRITE_VANISHED, 1, 0);
    vault_past(v, newest(v, "file 9", 0).version, bob, &figures, NOW + NANOS_DAY);
    vault_tidy(v, NOW + 31 * NANOS_DAY);
    struct vault_state before, after;
    vault_state(v, &before);
    nanos_t much_later = NOW + 50 * NANOS_DAY;
    vault_compact(v, much_later, true);
    vault_state(v, &after);
    assert_true(after.log_bytes < before.log_bytes);
    assert_int_equal(after.versions, before.versions);
    assert_int_equal(after.past_bytes, before.past_bytes);
    churn(v, &s, "later", ana, much_later, 10);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(newest(v, "elsewhere", 0).version != 0, 1);
        assert_true(newest(v, "file 9", 0).past != 0);
        assert_int_equal(newest(v, "file 8", 0).past, 0);
        vault_close(v);
        v = vault_on(&s, 0, 0);
        vault_state(v, &after);
        assert_int_equal(after.versions, before.versions + 1);
    }
    vault_close(v);
    share_end(&s);
}

/* ---- Threads, and other file systems --------------------------------------------------------- */

struct worker {
    struct vault *v;
    const struct share *s;
    unsigned number;
};

static void *keep_many(void *argument)
{
    struct worker *w = argument;
    char name[64];
    for (unsigned i = 0; i < 200; i++) { /* half of them are everyone's */
        snprintf(name, sizeof name, i % 2 ? "all %1$u" : "%2$u %1$u", i, w->number);
        put(w->s, name, name);
        enum vault_result result = keep(w->v, w->s, name, ana, VAULT_CLOSED, NOW);
        if (result != VAULT_KEPT && result != VAULT_ALREADY)
            return w;
    }
    return NULL;
}

static void threads_keep_side_by_side(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    pthread_t thread[4];
    struct worker worker[4];
    for (unsigned i = 0; i < 4; i++) {
        worker[i] = (struct worker){v, &s, i};
        assert_int_equal(pthread_create(&thread[i], NULL, keep_many, &worker[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    struct vault_state before, after;
    vault_state(v, &before);
    assert_int_equal(before.files, 500);
    vault_close(v);
    v = vault_on(&s, 0, 0);
    vault_state(v, &after);
    assert_int_equal(after.versions, before.versions);
    assert_int_equal(after.past_bytes, before.past_bytes);
    vault_close(v);
    share_end(&s);
}

struct compacting {
    struct vault *v;
    _Atomic bool stop;
    unsigned times;
};

static void *compact_on_and_on(void *argument)
{
    struct compacting *c = argument;
    for (; !c->stop; c->times++)
        vault_compact(c->v, NOW, true);
    return NULL;
}

static void a_log_written_anew_loses_nothing_that_is_appended_meanwhile(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct compacting c = {.v = vault_on(&s, 0, 0)};
    pthread_t compacter, thread[2];
    struct worker worker[2];
    assert_int_equal(pthread_create(&compacter, NULL, compact_on_and_on, &c), 0);
    for (unsigned i = 0; i < 2; i++) {
        worker[i] = (struct worker){c.v, &s, i};
        assert_int_equal(pthread_create(&thread[i], NULL, keep_many, &worker[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    c.stop = true;
    pthread_join(compacter, NULL);
    assert_true(c.times > 2);
    struct vault_state before, after;
    vault_state(c.v, &before);
    assert_int_equal(before.files, 300);
    assert_int_equal(before.failed, 0);
    vault_close(c.v);
    struct vault *v = vault_on(&s, 0, 0);
    vault_state(v, &after);
    assert_int_equal(after.files, before.files);
    assert_int_equal(after.versions, before.versions);
    assert_int_equal(after.past_bytes, before.past_bytes);
    char name[64];
    for (unsigned i = 0; i < 200; i += 2) {
        snprintf(name, sizeof name, "%u %u", 1U, i);
        expect_newest(v, name, name);
    }
    vault_close(v);
    share_end(&s);
}

static void without_reflinks_copies_are_made_before_a_write(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "ext4", 64);
    struct vault *v = vault_on(&s, 0, 0);
    assert_int_equal(vault_kind(v), VAULT_COPIES);
    put(&s, "small", "text");
    assert_int_equal(keep(v, &s, "small", ana, VAULT_CLOSED, NOW), VAULT_NOTHING);
    assert_int_equal(keep(v, &s, "small", bob, VAULT_BEFORE, NOW), VAULT_KEPT);
    put(&s, "small", "garbage");
    expect_newest(v, "small", "text");
    char *large = malloc((2 << 20) + 1);
    assert_non_null(large);
    memset(large, 'l', 2 << 20);
    large[2 << 20] = 0;
    put(&s, "large", large);
    free(large);
    assert_int_equal(keep(v, &s, "large", bob, VAULT_BEFORE, NOW), VAULT_NOT_COVERED);
    /* A hole costs nothing, however large it is. */
    char path[512];
    put(&s, "sparse", "head");
    assert_int_equal(truncate(in_share(&s, "sparse", path), (off_t)100 << 30), 0);
    assert_int_equal(keep(v, &s, "sparse", bob, VAULT_BEFORE, NOW), VAULT_KEPT);
    assert_int_equal(newest(v, "sparse", 0).size, (uint64_t)100 << 30);
    struct vault_state now;
    vault_state(v, &now);
    assert_int_equal(now.not_covered, 1);
    vault_close(v);
    share_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_in_this_very_tick_is_kept_once_more),
        cmocka_unit_test(whatever_destroys_a_file_its_last_version_is_there),
        cmocka_unit_test(nobody_who_may_write_the_root_can_move_the_vault),
        cmocka_unit_test(what_a_user_put_in_its_place_is_refused),
        cmocka_unit_test(a_renamed_file_keeps_its_history),
        cmocka_unit_test(rights_and_names_alone_cost_nothing),
        cmocka_unit_test(what_a_file_has_set_aside_is_charged_to_nobody),
        cmocka_unit_test(who_churns_evicts_his_own_versions_only),
        cmocka_unit_test(nothing_young_is_evicted_and_who_is_over_is_refused_alone),
        cmocka_unit_test(a_full_vault_refuses_who_filled_it_and_nobody_else),
        cmocka_unit_test(past_versions_expire_and_current_ones_never),
        cmocka_unit_test(a_log_written_anew_says_the_same),
        cmocka_unit_test(a_log_written_anew_loses_nothing_that_is_appended_meanwhile),
        cmocka_unit_test(threads_keep_side_by_side),
        cmocka_unit_test(without_reflinks_copies_are_made_before_a_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
