/* Files put back: what an attacker did is undone, what others did since is asked for. */
#include "files/test_locked.h"

#include "files/restore.h"
#include "files/vault_internal.h"

#include <signal.h>
#include <sys/xattr.h>
#include <utime.h>

static const struct vault_who ana = {1001, 77}, mallory = {1002, 66}, bob = {1003, 55};

struct place {
    struct share share;
    struct vault *vault;
};

static void vault_begin(struct place *p)
{
    struct vault_limits limits = {.at_most = 100 << 20,
                                  .per_user = 50 << 20,
                                  .keep = 30 * NANOS_DAY,
                                  .window = NANOS_HOUR,
                                  .copy_up_to = 1 << 20};
    struct error error = {""};
    if (vault_open(p->share.path, -1, &limits, clock_wall(), &p->vault, &error) < 0)
        print_error("%s\n", error.text);
    assert_non_null(p->vault);
}

static void begin(struct place *p)
{
    memset(p, 0, sizeof *p);
    if (!share_begin(&p->share, "xfs", 300))
        skip();
    vault_begin(p);
}

static void end(struct place *p)
{
    vault_close(p->vault);
    share_end(&p->share);
}

static char *at(const struct place *p, const char *name)
{
    static char path[4][512];
    static unsigned turn;
    return in_share(&p->share, name, path[turn++ % 4]);
}

/* A file that was closed by somebody, as the vault's process would keep it. */
static void wrote(struct place *p, const char *name, const char *text, struct vault_who who)
{
    put(&p->share, name, text);
    int fd = look_at(&p->share, name);
    assert_int_equal(vault_keep(p->vault, fd, NULL, who, VAULT_CLOSED, clock_wall()), VAULT_KEPT);
    close(fd);
}

static uint64_t version_of(struct place *p, const char *name)
{
    struct vault_old old = vault_newest(p->vault, (struct vault_file){0}, name, 0);
    close(old.fd);
    assert_true(old.version != 0);
    return old.version;
}

/* The same, over what was there, judged. */
static void destroyed(struct place *p, const char *name, struct vault_who who,
                      enum rewrite_ground ground)
{
    struct rewrite_figures figures;
    uint64_t version = version_of(p, name);
    rewrite_figures_set(&figures, ground, 10, 10);
    if (ground == REWRITE_VANISHED) {
        assert_int_equal(unlink(at(p, name)), 0);
        vault_past(p->vault, version, who, &figures, clock_wall());
        vault_gone(p->vault, version, who, clock_wall());
        return;
    }
    vault_past(p->vault, version, who, &figures, clock_wall());
    wrote(p, name, "garbage", who);
}

static struct restore *plan(struct place *p, struct restore_request request)
{
    struct restore *r = NULL;
    struct error error = {""};
    if (restore_open(p->share.path, &request, &r, &error) < 0)
        print_error("%s\n", error.text);
    assert_non_null(r);
    return r;
}

static size_t find(const struct restore *r, const char *path)
{
    for (size_t i = 0; i < restore_count(r); i++)
        if (strcmp(restore_at(r, i)->path, path) == 0)
            return i;
    print_error("%s is not in the plan\n", path);
    assert_true(false);
    return 0;
}

static void expect_state(const struct restore *r, const char *path, enum restore_state state)
{
    const struct restore_item *item = restore_at(r, find(r, path));
    if (item->state != state)
        print_error("%s: %s\n", path, restore_state_name((enum restore_state)item->state));
    assert_int_equal(item->state, state);
}

/* How many were put back. */
static size_t put_all(struct restore *r, bool overwrite, int to)
{
    struct error error = {""};
    unsigned unset = 0;
    size_t done = 0;
    for (size_t i = 0; i < restore_count(r); i++) {
        enum restore_result result = restore_put(r, i, overwrite, to, &unset, &error);
        if (result == RESTORE_FAILED || result == RESTORE_MOVED)
            print_error("%s: %s\n", restore_at(r, i)->path,
                        result == RESTORE_MOVED ? "changed" : error.text);
        assert_true(result == RESTORE_DONE || result == RESTORE_SKIPPED);
        done += result == RESTORE_DONE;
    }
    assert_int_equal(unset, 0);
    return done;
}

static void holds(const struct place *p, const char *name, const char *text)
{
    int fd = look_at(&p->share, name);
    holds_text(fd, text);
    close(fd);
}

static const struct restore_request of_hold = {.hold = "hold-1-files"};

static void hold_begins(struct place *p, struct vault_who who, nanos_t from)
{
    vault_held(p->vault, "hold-1-files", who, from, clock_wall());
}

static void dress_up(struct place *p, const char *name)
{
    /* user::rwx, user:1001:r--, group::r-x, mask::rwx, other::--- (acl(5), linux/posix_acl_xattr.h)
     */
    static const unsigned char acl[] = {
        2, 0,    0,    0,    1,    0,    7,  0, 0xff, 0xff, 0xff, 0xff, 2,    0,   4,
        0, 0xe9, 3,    0,    0,    4,    0,  5, 0,    0xff, 0xff, 0xff, 0xff, 16,  0,
        7, 0,    0xff, 0xff, 0xff, 0xff, 32, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};
    assert_int_equal(chown(at(p, name), 1001, 1005), 0);
    assert_int_equal(setxattr(at(p, name), "user.subject", "a letter", 8, 0), 0);
    assert_int_equal(setxattr(at(p, name), "system.posix_acl_access", acl, sizeof acl, 0), 0);
    assert_int_equal(utime(at(p, name), &(struct utimbuf){1000000000, 1100000000}), 0);
}

static void expect_dressed(struct place *p, const char *name)
{
    struct stat s;
    char value[64];
    assert_int_equal(stat(at(p, name), &s), 0);
    assert_int_equal(s.st_uid, 1001);
    assert_int_equal(s.st_gid, 1005);
    assert_int_equal(s.st_mode & 07777, 0770);
    assert_int_equal(s.st_mtim.tv_sec, 1100000000);
    assert_int_equal(s.st_atim.tv_sec, 1000000000);
    assert_int_equal(getxattr(at(p, name), "user.subject", value, sizeof value), 8);
    assert_memory_equal(value, "a letter", 8);
    assert_int_equal(getxattr(at(p, name), "system.posix_acl_access", value, sizeof value), 44);
}

static void what_a_held_tree_did_is_undone_whole(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    static const char *const names[] = {"over", "removed", "locked", "deep/in/it"};
    assert_int_equal(mkdir(at(&p, "deep"), 0750), 0);
    assert_int_equal(mkdir(at(&p, "deep/in"), 0710), 0);
    assert_int_equal(chown(at(&p, "deep/in"), 1001, 1001), 0);
    for (size_t i = 0; i < 4; i++) {
        put(&p.share, names[i], names[i]);
        dress_up(&p, names[i]);
        int fd = look_at(&p.share, names[i]);
        assert_int_equal(vault_keep(p.vault, fd, NULL, ana, VAULT_CLOSED, clock_wall()),
                         VAULT_KEPT);
        close(fd);
    }
    nanos_t from = clock_wall();
    destroyed(&p, "over", mallory, REWRITE_TYPE_LOST);
    destroyed(&p, "removed", mallory, REWRITE_VANISHED);
    destroyed(&p, "locked", mallory, REWRITE_TYPE_LOST);
    assert_int_equal(rename(at(&p, "locked"), at(&p, "locked.enc")), 0);
    assert_int_equal(vault_moved(p.vault, "locked", "locked.enc", false, mallory, clock_wall()), 0);
    destroyed(&p, "deep/in/it", mallory, REWRITE_VANISHED);
    assert_int_equal(shell("rm -r %s", at(&p, "deep")), 0);
    wrote(&p, "READ ME", "pay", mallory);
    hold_begins(&p, (struct vault_who){VAULT_NOBODY, mallory.tree}, from);

    struct restore *r = plan(&p, of_hold);
    assert_int_equal(restore_count(r), 4);
    expect_state(r, "over", RESTORE_SPOILT);
    expect_state(r, "removed", RESTORE_MISSING);
    expect_state(r, "locked", RESTORE_MISSING);
    expect_state(r, "deep/in/it", RESTORE_MISSING);
    assert_int_equal(restore_left_count(r), 2);
    assert_int_equal(put_all(r, false, -1), 4);
    restore_close(r);
    for (size_t i = 0; i < 4; i++) {
        expect_dressed(&p, names[i]); /* before it is read, which changes a time */
        holds(&p, names[i], names[i]);
    }
    struct stat s;
    assert_int_equal(stat(at(&p, "deep/in"), &s), 0);
    assert_int_equal(s.st_uid, 1001);
    assert_int_equal(s.st_mode & 07777, 0710);
    holds(&p, "READ ME", "pay"); /* left where it is */

    r = plan(&p, of_hold); /* again: nothing is left to do */
    assert_int_equal(put_all(r, true, -1), 0);
    struct error error;
    for (size_t i = 0; i < restore_left_count(r); i++)
        assert_int_equal(restore_remove_left(r, i, &error), RESTORE_DONE);
    restore_close(r);
    assert_int_not_equal(access(at(&p, "READ ME"), F_OK), 0);
    assert_int_not_equal(access(at(&p, "locked.enc"), F_OK), 0);
    end(&p);
}

static void what_others_changed_since_is_asked_for(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    wrote(&p, "both", "by ana", ana);
    wrote(&p, "hers", "by ana", ana);
    wrote(&p, "unseen", "by ana", ana);
    nanos_t from = clock_wall();
    destroyed(&p, "both", mallory, REWRITE_TYPE_LOST);
    destroyed(&p, "unseen", mallory, REWRITE_TYPE_LOST);
    hold_begins(&p, mallory, from);
    wrote(&p, "both", "by bob, afterwards", bob);
    wrote(&p, "hers", "by bob, always", bob); /* nothing to do with it */
    usleep(2100000);
    put(&p.share, "unseen", "while nobody looked");
    struct restore *r = plan(&p, of_hold);
    assert_int_equal(restore_count(r), 2);
    expect_state(r, "both", RESTORE_CHANGED);
    expect_state(r, "unseen", RESTORE_CHANGED);
    assert_int_equal(put_all(r, false, -1), 0);
    holds(&p, "both", "by bob, afterwards");
    vault_close(p.vault); /* so that restoring keeps the vault itself */
    assert_int_equal(put_all(r, true, -1), 2);
    restore_close(r);
    holds(&p, "both", "by ana");
    holds(&p, "unseen", "by ana");
    vault_begin(&p); /* and what was replaced is in the vault */
    struct restore_view *view;
    struct restore_version versions[8];
    struct error error;
    assert_int_equal(restore_view_open(p.share.path, &view, &error), 0);
    size_t count = restore_view_versions(view, "unseen", versions, 8);
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || versions[i].size == strlen("while nobody looked");
    assert_true(found);
    restore_view_close(view);
    end(&p);
}

static void since_a_time_undoes_what_counts_and_asks_for_the_rest(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    wrote(&p, "saved", "before", ana);
    wrote(&p, "spoilt", "before", ana);
    wrote(&p, "old", "before", ana);
    destroyed(&p, "old", bob, REWRITE_TYPE_LOST);
    nanos_t since = clock_wall();
    destroyed(&p, "saved", ana, REWRITE_KEPT);
    destroyed(&p, "spoilt", mallory, REWRITE_TYPE_LOST);
    destroyed(&p, "spoilt", mallory, REWRITE_TYPE_LOST); /* twice: the first counts */
    struct restore *r = plan(&p, (struct restore_request){.since = since});
    assert_int_equal(restore_count(r), 2);
    expect_state(r, "saved", RESTORE_CHANGED);
    expect_state(r, "spoilt", RESTORE_SPOILT);
    assert_int_equal(put_all(r, false, -1), 1);
    restore_close(r);
    holds(&p, "spoilt", "before");
    holds(&p, "saved", "garbage");
    end(&p);
}

static void a_path_gets_what_was_removed_before_it_could_be_cloned(void **state)
{
    (void)state;
    struct place p;
    struct stat status;
    begin(&p);
    put(&p.share, "a", "closed just now");
    int fd = look_at(&p.share, "a");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(unlink(at(&p, "a")), 0);
    assert_int_equal(
        vault_keep_read(p.vault, fd, &status, "closed just now", ana, clock_wall()), VAULT_KEPT);
    close(fd);
    struct restore *r = plan(&p, (struct restore_request){.path = "a"});
    assert_int_equal(restore_count(r), 1);
    expect_state(r, "a", RESTORE_MISSING);
    assert_int_equal(put_all(r, true, -1), 1);
    restore_close(r);
    holds(&p, "a", "closed just now");
    end(&p);
}

static void a_path_gets_its_newest_version_that_is_not_there(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    assert_int_equal(mkdir(at(&p, "in"), 0755), 0);
    wrote(&p, "in/a", "first", ana);
    wrote(&p, "in/a", "second", ana);
    wrote(&p, "in/b", "text", ana);
    wrote(&p, "in b", "text", ana);
    wrote(&p, "in/c", "first", ana);
    wrote(&p, "in/c", "stands", ana);
    put(&p.share, "in/a", "garbage");
    assert_int_equal(unlink(at(&p, "in/b")), 0);
    assert_int_equal(unlink(at(&p, "in b")), 0);
    struct restore *r = plan(&p, (struct restore_request){.path = "in"});
    assert_int_equal(restore_count(r), 2);
    expect_state(r, "in/a", RESTORE_CHANGED);
    expect_state(r, "in/b", RESTORE_MISSING);
    assert_int_equal(put_all(r, true, -1), 2);
    restore_close(r);
    holds(&p, "in/a", "second");
    holds(&p, "in/b", "text");
    holds(&p, "in/c", "stands");
    r = plan(&p, (struct restore_request){.path = "in/c"});
    assert_int_equal(restore_count(r), 1);
    assert_int_equal(put_all(r, true, -1), 1);
    restore_close(r);
    holds(&p, "in/c", "first");
    end(&p);
}

static void what_happened_while_no_guard_was_up_is_found_on_disk(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    wrote(&p, "emptied", "the work of a day", ana);
    wrote(&p, "removed", "the work of another day", ana);
    wrote(&p, "still", "as it was", ana);
    vault_close(p.vault);
    p.vault = NULL;
    usleep(20000);
    nanos_t then = clock_wall();
    usleep(20000);
    assert_int_equal(truncate(at(&p, "emptied"), 0), 0);
    assert_int_equal(unlink(at(&p, "removed")), 0);
    struct restore *r = plan(&p, (struct restore_request){.since = then});
    assert_int_equal(restore_count(r), 2);
    expect_state(r, "emptied", RESTORE_CHANGED); /* nobody knows by whom, so it is asked for */
    expect_state(r, "removed", RESTORE_MISSING);
    restore_close(r);
    r = plan(&p, (struct restore_request){.since = then, .path = "emptied"});
    assert_int_equal(put_all(r, true, -1), 1);
    restore_close(r);
    holds(&p, "emptied", "the work of a day");
    r = plan(&p, (struct restore_request){.since = clock_wall()}); /* emptied before that */
    assert_int_equal(restore_count(r), 1);
    restore_close(r);
    vault_begin(&p);
    end(&p);
}

static void into_another_folder_nothing_is_touched(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    char folder[] = "/tmp/ecluse-restored-XXXXXX"; /* another file system */
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(at(&p, "in"), 0755), 0);
    wrote(&p, "in/a", "text", ana);
    wrote(&p, "b", "text of b", ana);
    nanos_t from = clock_wall();
    destroyed(&p, "in/a", mallory, REWRITE_TYPE_LOST);
    destroyed(&p, "b", mallory, REWRITE_TYPE_LOST);
    hold_begins(&p, mallory, from);
    struct restore *r = plan(&p, of_hold);
    int to = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(to >= 0);
    assert_int_equal(put_all(r, false, to), 2);
    char path[128];
    snprintf(path, sizeof path, "%s/in/a", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    holds_text(fd, "text");
    close(fd);
    holds(&p, "in/a", "garbage");
    struct error error;
    assert_int_equal(restore_put(r, find(r, "b"), true, to, NULL, &error), RESTORE_MOVED);
    close(to);
    restore_close(r);
    shell("rm -r %s", folder);
    end(&p);
}

static void no_link_leads_out_of_the_share(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    char outside[] = "/tmp/ecluse-outside-XXXXXX";
    assert_non_null(mkdtemp(outside));
    assert_int_equal(mkdir(at(&p, "folder"), 0755), 0);
    wrote(&p, "folder/a", "text", ana);
    wrote(&p, "b", "text", ana);
    wrote(&p, "c", "text", ana);
    nanos_t from = clock_wall();
    destroyed(&p, "folder/a", mallory, REWRITE_VANISHED);
    destroyed(&p, "b", mallory, REWRITE_VANISHED);
    destroyed(&p, "c", mallory, REWRITE_VANISHED);
    hold_begins(&p, mallory, from);
    assert_int_equal(rmdir(at(&p, "folder")), 0);
    assert_int_equal(symlink(outside, at(&p, "folder")), 0);
    assert_int_equal(symlink("/etc/hostname", at(&p, "b")), 0);
    struct restore *r = plan(&p, of_hold);
    expect_state(r, "folder/a", RESTORE_BLOCKED);
    expect_state(r, "b", RESTORE_CHANGED);
    expect_state(r, "c", RESTORE_MISSING);
    wrote(&p, "c", "made since the plan", bob);
    struct error error;
    assert_int_equal(restore_put(r, find(r, "folder/a"), true, -1, NULL, &error), RESTORE_SKIPPED);
    assert_int_equal(restore_put(r, find(r, "b"), true, -1, NULL, &error), RESTORE_DONE);
    assert_int_equal(restore_put(r, find(r, "c"), true, -1, NULL, &error), RESTORE_MOVED);
    restore_close(r);
    holds(&p, "b", "text"); /* the link was replaced, not followed */
    holds(&p, "c", "made since the plan");
    struct stat s;
    assert_int_equal(lstat(at(&p, "b"), &s), 0);
    assert_true(S_ISREG(s.st_mode));
    assert_int_equal(rmdir(outside), 0); /* empty still */
    end(&p);
}

static void names_that_lead_up_are_refused(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    put(&p.share, "a", "text");
    int fd = look_at(&p.share, "a"); /* as if somebody had forged the log */
    static const char *const paths[] = {"../escaped", "in/../../escaped", "/escaped", "in/.."};
    for (size_t i = 0; i < 4; i++) {
        put(&p.share, "a", paths[i]);
        assert_int_equal(vault_keep(p.vault, fd, paths[i], ana, VAULT_CLOSED, clock_wall()),
                         VAULT_KEPT);
        struct restore *r = plan(&p, (struct restore_request){.since = clock_wall(), .path = NULL});
        restore_close(r);
    }
    close(fd);
    assert_int_equal(unlink(at(&p, "a")), 0);
    for (size_t i = 0; i < 4; i++) {
        struct restore *r = plan(&p, (struct restore_request){.path = paths[i]});
        for (size_t k = 0; k < restore_count(r); k++) {
            struct error error;
            enum restore_result result = restore_put(r, k, true, -1, NULL, &error);
            assert_true(result == RESTORE_SKIPPED || result == RESTORE_FAILED);
        }
        restore_close(r);
    }
    char escaped[128];
    snprintf(escaped, sizeof escaped, "%s/escaped", p.share.folder);
    assert_int_not_equal(access(escaped, F_OK), 0);
    assert_int_not_equal(access("/escaped", F_OK), 0);
    end(&p);
}

static void nobody_waits_for_what_is_kept_locked(void **state)
{
    (void)state;
    struct place p;
    struct lock lock;
    struct error error = {""};
    begin(&p);
    wrote(&p, "letter", "letter", ana);
    destroyed(&p, "letter", mallory, REWRITE_TYPE_LOST);
    vault_close(p.vault);
    take_lock(&lock, at(&p, "letter"));
    struct restore *r = plan(&p, (struct restore_request){.path = "letter"});
    assert_int_equal(restore_put(r, 0, true, -1, NULL, &error), RESTORE_FAILED);
    assert_non_null(strstr(error.text, "locked"));
    free_lock(&lock);
    assert_int_equal(put_all(r, true, -1), 1);
    restore_close(r);
    vault_begin(&p);
    end(&p);
}

static void files_with_several_names_keep_them(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    put(&p.share, "one", "text");
    assert_int_equal(link(at(&p, "one"), at(&p, "two")), 0);
    int fd = look_at(&p.share, "one");
    assert_int_equal(vault_keep(p.vault, fd, NULL, ana, VAULT_CLOSED, clock_wall()), VAULT_KEPT);
    close(fd);
    nanos_t from = clock_wall();
    destroyed(&p, "one", mallory, REWRITE_TYPE_LOST);
    hold_begins(&p, mallory, from);
    struct restore *r = plan(&p, of_hold);
    assert_int_equal(put_all(r, false, -1), 1);
    restore_close(r);
    holds(&p, "one", "text");
    holds(&p, "two", "text");
    struct stat s;
    assert_int_equal(stat(at(&p, "two"), &s), 0);
    assert_int_equal(s.st_nlink, 2);
    end(&p);
}

static void killed_at_any_instant_and_run_again_all_is_back(void **state)
{
    (void)state;
    struct place p;
    enum { FILES = 300 };
    char name[64];
    begin(&p);
    for (unsigned i = 0; i < FILES && snprintf(name, sizeof name, "file %u", i) > 0; i++)
        wrote(&p, name, name, ana);
    nanos_t from = clock_wall();
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "file %u", i);
        destroyed(&p, name, mallory, i % 3 ? REWRITE_TYPE_LOST : REWRITE_VANISHED);
    }
    hold_begins(&p, mallory, from);
    vault_close(p.vault);
    unsigned runs = 0;
    for (bool done = false; !done && runs < 200; runs++) {
        pid_t child = fork();
        if (child == 0) {
            struct restore *r = plan(&p, of_hold);
            put_all(r, false, -1);
            restore_close(r);
            _exit(0);
        }
        usleep(500 + (useconds_t)(runs ? hash_checksum(runs, "when", 4) % 15000 : 0));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        for (unsigned i = 0; i < FILES; i++) { /* as it was, or restored: never half */
            snprintf(name, sizeof name, "file %u", i);
            char text[64] = "garbage";
            int fd = open(at(&p, name), O_RDONLY | O_CLOEXEC);
            assert_true(fd < 0 || read(fd, text, sizeof text) > 0);
            close(fd);
            if (strncmp(text, "garbage", 7) != 0)
                assert_memory_equal(text, name, strlen(name));
        }
    }
    assert_true(runs > 1);
    vault_begin(&p);
    struct restore *r = plan(&p, of_hold);
    put_all(r, false, -1);
    restore_close(r);
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "file %u", i);
        holds(&p, name, name);
    }
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_held_tree_did_is_undone_whole),
        cmocka_unit_test(what_others_changed_since_is_asked_for),
        cmocka_unit_test(since_a_time_undoes_what_counts_and_asks_for_the_rest),
        cmocka_unit_test(a_path_gets_what_was_removed_before_it_could_be_cloned),
        cmocka_unit_test(a_path_gets_its_newest_version_that_is_not_there),
        cmocka_unit_test(what_happened_while_no_guard_was_up_is_found_on_disk),
        cmocka_unit_test(into_another_folder_nothing_is_touched),
        cmocka_unit_test(no_link_leads_out_of_the_share),
        cmocka_unit_test(names_that_lead_up_are_refused),
        cmocka_unit_test(nobody_waits_for_what_is_kept_locked),
        cmocka_unit_test(files_with_several_names_keep_them),
        cmocka_unit_test(killed_at_any_instant_and_run_again_all_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
