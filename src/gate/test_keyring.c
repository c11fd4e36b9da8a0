#include "gate/test_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void write_file(const char *text)
{
    assert_int_equal(secret_file_write(ring_path, -1, text, strlen(text), NULL), 0);
}

static void test_a_new_file_has_a_key_that_signs_and_the_next(void **state)
{
    (void)state;
    ring_at(0);
    assert_int_equal(ring.count, 2);
    assert_int_equal(keyring_signs(&ring, BEGIN), 0);
    assert_int_equal(keyring_signs(&ring, BEGIN + WEEK - 1), 0);
    assert_int_equal(keyring_signs(&ring, BEGIN + WEEK), 1);
    assert_int_equal(keyring_signs(&ring, 0), 0); /* a clock that was set back */
    assert_int_not_equal(ring.name[0], ring.name[1]);
    assert_memory_not_equal(ring.key[0], ring.key[1], KEY_SIZE);
}

/* What a second front copied a week ago verifies what is signed now, and the other way round. */
static void test_the_next_key_is_there_a_rotation_before_it_signs(void **state)
{
    (void)state;
    ring_at(20 * WEEK + 3600);
    struct keyring now = ring;
    unlink(ring_path);
    ring = (struct keyring){.count = 0};
    for (int64_t t = 0; t <= 3 * WEEK; t += 3600) {
        struct keyring older = ring;
        keyring_rotate(ring_path, BEGIN + t, WEEK, -1, NULL);
        assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
        int signs = keyring_signs(&ring, BEGIN + t);
        if (t > 0)
            assert_true(keyring_named(&older, ring.name[signs]) >= 0);
    }
    int64_t end = BEGIN + 20 * WEEK + 3600;
    assert_true(now.from[now.count - 1] > end);
    assert_true(now.from[keyring_signs(&now, end)] <= end);
}

/* A pass signed in the last second of a key verifies until it expires by itself. */
static void test_a_key_stays_as_long_as_what_it_signed_may_live(void **state)
{
    (void)state;
    ring_at(0);
    uint16_t first = ring.name[0];
    const int64_t last_signed = BEGIN + WEEK;
    for (int64_t t = BEGIN; t <= last_signed + 30 * DAY; t += 3600) {
        keyring_rotate(ring_path, t, WEEK, -1, NULL);
        assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
        assert_true(keyring_named(&ring, first) >= 0);
    }
    for (int64_t t = 0; t <= 2 * WEEK; t += 3600)
        keyring_rotate(ring_path, last_signed + 30 * DAY + t, WEEK, -1, NULL);
    assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
    assert_int_equal(keyring_named(&ring, first), -1);
    assert_true(ring.count < 10);
}

static void test_the_salt_stays(void **state)
{
    (void)state;
    ring_at(0);
    struct hash_key salt = ring.salt;
    for (int64_t t = 0; t <= 10 * WEEK; t += 3600)
        keyring_rotate(ring_path, BEGIN + t, WEEK, -1, NULL);
    assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
    assert_memory_equal(&salt, &ring.salt, sizeof salt);
}

static void test_rotating_when_nothing_is_due_writes_nothing(void **state)
{
    (void)state;
    struct stat before, after;
    ring_at(0);
    assert_int_equal(stat(ring_path, &before), 0);
    assert_int_equal(keyring_rotate(ring_path, BEGIN + DAY, WEEK, -1, NULL), 0);
    assert_int_equal(stat(ring_path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(keyring_rotate(ring_path, BEGIN + WEEK, WEEK, -1, NULL), 1);
    assert_int_equal(stat(ring_path, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
}

static void test_a_clock_that_was_far_ahead_is_recovered_from(void **state)
{
    (void)state;
    ring_at(0);
    for (int64_t t = 0; t <= 3 * WEEK; t += DAY)
        keyring_rotate(ring_path, BEGIN + 3000 * WEEK + t, WEEK, -1, NULL);
    for (int64_t t = 0; t <= 4 * WEEK; t += DAY) {
        assert_true(keyring_rotate(ring_path, BEGIN + WEEK + t, WEEK, -1, NULL) >= 0);
        assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
        assert_true(ring.count >= 2);
        assert_true(ring.from[ring.count - 1] <= BEGIN + WEEK + t + 2 * WEEK);
    }
    assert_true(ring.from[keyring_signs(&ring, BEGIN + 5 * WEEK)] >= BEGIN + 3 * WEEK);
}

static void test_a_file_that_others_may_read_is_refused_and_left(void **state)
{
    (void)state;
    struct stat before, after;
    struct error error = {""};
    ring_at(0);
    assert_int_equal(chmod(ring_path, 0644), 0);
    assert_int_equal(stat(ring_path, &before), 0);
    assert_int_equal(keyring_read(ring_path, &ring, &error), -EPERM);
    assert_non_null(strstr(error.text, "0640"));
    assert_int_equal(keyring_rotate(ring_path, BEGIN + 2 * WEEK, WEEK, -1, &error), -EPERM);
    assert_int_equal(stat(ring_path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

#define SALT "salt 000102030405060708090a0b0c0d0e0f\n"
#define KEY1 "key 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY2 "key ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_a_file_of_another_form_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } wrong[] = {
        {"", ":0:"},
        {"ecluse pass keys 2\n" SALT KEY1 " 1\n", ":1:"},
        {"ecluse pass keys 1\n", ":1:"},
        {"ecluse pass keys 1\n" KEY1 " 1\n", ":2:"},
        {"ecluse pass keys 1\n" SALT, ":2:"},
        {"ecluse pass keys 1\n" SALT KEY1 "\n", ":3:"},
        {"ecluse pass keys 1\n" SALT KEY1 " 1x\n", ":3:"},
        {"ecluse pass keys 1\n" SALT KEY1 " 9999999999999\n", ":3:"},
        {"ecluse pass keys 1\n" SALT KEY1 " 2\n" KEY2 " 1\n", ":4:"},
        {"ecluse pass keys 1\n" SALT KEY1 " 1\n" KEY1 " 2\n", ":4:"},
        {"ecluse pass keys 1\n" SALT KEY1 " 1\n\n", ":4:"},
    };
    struct keyring before = ring;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error error = {""};
        write_file(wrong[i].text);
        assert_int_equal(keyring_read(ring_path, &ring, &error), -EBADMSG);
        assert_non_null(strstr(error.text, wrong[i].line));
    }
    assert_memory_equal(&before, &ring, sizeof ring);
    write_file("ecluse pass keys 1\n" SALT KEY1 " 1\n" KEY2 " 2\n");
    assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
    assert_int_equal(ring.count, 2);
}

static void test_a_file_of_half_a_write_is_never_seen(void **state)
{
    (void)state;
    char half[80];
    ring_at(0);
    snprintf(half, sizeof half, "%s.new", ring_path);
    int file = open(half, O_WRONLY | O_CREAT, 0600); /* one that a crash left */
    assert_int_equal(write(file, "ecluse pa", 9), 9);
    close(file);
    assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
    assert_int_equal(keyring_rotate(ring_path, BEGIN + WEEK, WEEK, -1, NULL), 1);
    assert_int_equal(access(half, F_OK), -1);
    assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
    assert_int_equal(ring.count, 3);
}

static void test_networks_are_as_wide_as_said(void **state)
{
    (void)state;
    const uint8_t a[16] = {[10] = 0xff, 0xff, 198, 51, 100, 7};
    const uint8_t same_24[16] = {[10] = 0xff, 0xff, 198, 51, 100, 250};
    const uint8_t same_16[16] = {[10] = 0xff, 0xff, 198, 51, 1, 7};
    const uint8_t other[16] = {[10] = 0xff, 0xff, 198, 52, 100, 7};
    const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4};
    const uint8_t six_48[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 9, 9, 9};
    const uint8_t six_other[16] = {0x20, 1, 0xd, 0xb8, 1, 3, 3, 4};
    ring_at(0);
    assert_true(keyring_near(&ring, a) == keyring_near(&ring, same_24));
    assert_true(keyring_near(&ring, a) != keyring_near(&ring, same_16));
    assert_true(keyring_wide(&ring, a) == keyring_wide(&ring, same_16));
    assert_true(keyring_wide(&ring, a) != keyring_wide(&ring, other));
    assert_true(keyring_near(&ring, six) == keyring_near(&ring, six_48));
    assert_true(keyring_wide(&ring, six) == keyring_wide(&ring, six_48));
    assert_true(keyring_wide(&ring, six) != keyring_wide(&ring, six_other));
    struct keyring foreign = ring;
    foreign.salt.k0 ^= 1;
    assert_true(keyring_wide(&ring, a) != keyring_wide(&foreign, a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_file_has_a_key_that_signs_and_the_next),
        cmocka_unit_test(test_the_next_key_is_there_a_rotation_before_it_signs),
        cmocka_unit_test(test_a_key_stays_as_long_as_what_it_signed_may_live),
        cmocka_unit_test(test_the_salt_stays),
        cmocka_unit_test(test_rotating_when_nothing_is_due_writes_nothing),
        cmocka_unit_test(test_a_clock_that_was_far_ahead_is_recovered_from),
        cmocka_unit_test(test_a_file_that_others_may_read_is_refused_and_left),
        cmocka_unit_test(test_a_file_of_another_form_is_refused_with_its_line),
        cmocka_unit_test(test_a_file_of_half_a_write_is_never_seen),
        cmocka_unit_test(test_networks_are_as_wide_as_said),
    };
    return cmocka_run_group_tests(tests, ring_make, ring_remove);
}
