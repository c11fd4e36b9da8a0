/* Killed, without power, on a full disk, damaged: the vault opens again, and is whole. */
#include "files/test_vault.h"

#include <signal.h>
#include <sys/ioctl.h>

static void write_until_killed(const struct share *s)
{
    struct vault *v = vault_on(s, 0, 0);
    char name[64], text[96];
    for (unsigned i = 0;; i++) {
        snprintf(name, sizeof name, "file %u", i % 40);
        snprintf(text, sizeof text, "version %u of %s", i, name);
        put(s, name, text);
        if (keep(v, s, name, ana, VAULT_CLOSED, NOW + i * NANOS_MINUTE) != VAULT_KEPT)
            _exit(1);
        if (i % 10 == 0)
            vault_tidy(v, NOW + i * NANOS_MINUTE);
        if (i % 25 == 0)
            vault_compact(v, NOW + i * NANOS_MINUTE, true);
    }
}

/* What the log names is there, and holds what its file held; and nothing else lies in the store. */
static void expect_sound(const struct share *s)
{
    struct vault *v = vault_on(s, 0, 0);
    size_t there = 0;
    for (size_t i = 0; i < v->history->version_count; i++) {
        const struct version *version = &v->history->version[i];
        if (version->gone)
            continue;
        there++;
        char text[128] = "", end[80];
        int fd = clone_open(v->place.store, version->id);
        assert_true(fd >= 0);
        assert_true(read(fd, text, sizeof text - 1) > 0);
        close(fd);
        snprintf(end, sizeof end, " of %s", history_name(v->history, version->path));
        size_t length = strlen(text);
        assert_true(length > strlen(end));
        assert_string_equal(text + length - strlen(end), end);
    }
    char command[600], count[32] = "";
    snprintf(command, sizeof command, "find %s/%s/store -type f -path '*/store/*/*' | wc -l",
             s->path, VAULT_FOLDER);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(count, sizeof count, pipe));
    pclose(pipe);
    assert_int_equal(strtoul(count, NULL, 10), there);
    vault_close(v);
}

static void killed_at_any_instant_it_opens_again_and_is_whole(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    for (unsigned round = 0; round < 25; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(&s);
        usleep(3000 + (useconds_t)(hash_checksum(round, "when", 4) % 60000));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        expect_sound(&s);
    }
    share_end(&s);
}

/* What the disk has not got is lost at once (XFS_IOC_GOINGDOWN, without its log being written). */
static void cut_the_power(const struct share *s)
{
    uint32_t no_flush = 2;
    int root = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    assert_int_equal(ioctl(root, _IOR('X', 125, uint32_t), &no_flush), 0);
    close(root);
}

static void after_a_power_cut_what_was_synced_is_whole(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    char name[64], text[96];
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "file %u", i);
        snprintf(text, sizeof text, "version 1 of %s", name);
        put(&s, name, text);
        assert_int_equal(keep(v, &s, name, ana, VAULT_CLOSED, NOW), VAULT_KEPT);
        if (i == 39)
            assert_int_equal(vault_sync(v), 0);
    }
    cut_the_power(&s);
    vault_close(v);
    assert_int_equal(shell("umount %s && mount -o loop %s/image %s", s.path, s.folder, s.path), 0);
    expect_sound(&s);
    v = vault_on(&s, 0, 0);
    struct vault_state now;
    vault_state(v, &now);
    assert_in_range(now.versions, 40, 60);
    expect_newest(v, "file 39", "version 1 of file 39");
    vault_close(v);
    share_end(&s);
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    char name[64], text[96];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "file %u", i);
        snprintf(text, sizeof text, "version 1 of %s", name);
        put(&s, name, text);
        assert_int_equal(keep(v, &s, name, ana, VAULT_CLOSED, NOW), VAULT_KEPT);
        snprintf(name, sizeof name, "late %u", i);
        snprintf(text, sizeof text, "version 1 of %s", name);
        put(&s, name, text);
    }
    char path[512];
    int junk = open(in_share(&s, "junk", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(junk >= 0);
    for (off_t at = 0, step = 1 << 20; step >= 4096;) /* to the last block */
        if (fallocate(junk, 0, at, step) == 0)
            at += step;
        else
            step /= 2;
    unsigned kept = 0, refused = 0;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "late %u", i);
        enum vault_result result = keep(v, &s, name, bob, VAULT_BEFORE, NOW);
        kept += result == VAULT_KEPT;
        refused += result == VAULT_REFUSED;
    }
    assert_int_equal(kept + refused, 20);
    assert_true(kept > 0); /* out of the reserve */
    struct vault_state now;
    vault_state(v, &now);
    assert_int_equal(now.versions, 20 + kept);
    close(junk);
    assert_int_equal(unlink(path), 0);
    vault_tidy(v, NOW);
    vault_state(v, &now);
    assert_int_equal(now.full, 0);
    vault_close(v);
    expect_sound(&s);
    share_end(&s);
}

static void a_damaged_place_costs_its_records_only(void **state)
{
    (void)state;
    struct share s;
    share_or_skip(&s, "xfs", 300);
    struct vault *v = vault_on(&s, 0, 0);
    char name[64], log[512];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "file %u", i);
        put(&s, name, name);
        assert_int_equal(keep(v, &s, name, ana, VAULT_CLOSED, NOW), VAULT_KEPT);
    }
    uint64_t length = v->log.length;
    vault_close(v);
    int fd = open(in_share(&s, VAULT_FOLDER "/store/log", log), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "damage", 6, (off_t)length / 2), 6);
    assert_int_equal(pwrite(fd, "a torn tail", 11, (off_t)length), 11);
    close(fd);
    v = vault_on(&s, 0, 0);
    struct vault_state now;
    vault_state(v, &now);
    assert_int_equal(now.versions, 99);
    assert_int_equal(now.log_bytes, length);
    vault_close(v);
    share_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_instant_it_opens_again_and_is_whole),
        cmocka_unit_test(after_a_power_cut_what_was_synced_is_whole),
        cmocka_unit_test(a_full_disk_refuses_and_loses_nothing),
        cmocka_unit_test(a_damaged_place_costs_its_records_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
