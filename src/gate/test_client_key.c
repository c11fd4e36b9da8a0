#include "gate/client_key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t NOW = 1800000000;
static char folder[] = "/tmp/ecluse-keys-XXXXXX";
static char secret[CLIENT_KEY_SECRET_LENGTH + 1], header[256];
static struct client_key key;
static struct client_keys *keys;

static int make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static void remove_files(void)
{
    static const char *const leaf[] = {"client.master", "client.keys", "client.lock"};
    char path[80];
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, leaf[i]);
        unlink(path);
    }
}

static int unmake(void **state)
{
    (void)state;
    remove_files();
    return rmdir(folder);
}

static void issue(const char *name, const char *lane)
{
    assert_int_equal(
        client_key_issue(folder, text_of(name), text_of(lane), NOW, -1, &key, secret, NULL), 0);
    client_keys_free(keys);
    assert_int_equal(client_keys_read(folder, &keys, NULL), 0);
}

static int begin(void **state)
{
    (void)state;
    keys = NULL;
    remove_files();
    issue("partner", "");
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_keys_free(keys);
    keys = NULL;
    return 0;
}

static struct text sign(const char *method, const char *target, int64_t at)
{
    size_t length = client_key_sign(key.id, secret, text_of(method), text_of(target), at, header,
                                    sizeof header);
    return (struct text){header, length};
}

static enum token_fault check(struct text value, const char *method, const char *target)
{
    const struct client_key *found;
    return client_key_check(keys, value, text_of(method), text_of(target), NOW, &found);
}

static void test_a_signed_request_is_known_by_its_key(void **state)
{
    (void)state;
    const struct client_key *found = NULL;
    issue("depot", "staff");
    struct text value = sign("POST", "/scans?site=4", NOW);
    assert_int_equal(
        client_key_check(keys, value, TEXT("POST"), TEXT("/scans?site=4"), NOW, &found),
        TOKEN_NONE);
    assert_string_equal(found->name, "depot");
    assert_string_equal(found->lane, "staff");
    assert_string_equal(found->id, key.id);
    assert_int_equal(found->created, NOW);
    assert_int_equal(client_keys_count(keys), 2);
}

/* printf 'GET\n/suivi?n=1\n1800000000' | openssl dgst -sha256 -hmac SECRET, with a secret of 64
 * times `0`. */
static void test_the_signature_is_hmac_sha256_of_three_lines(void **state)
{
    (void)state;
    memset(secret, '0', CLIENT_KEY_SECRET_LENGTH);
    struct text value = sign("GET", "/suivi?n=1", NOW);
    assert_int_equal(value.length, 12 + 1 + 10 + 1 + 64);
    assert_memory_equal(value.data + 12, ":1800000000:", 12);
    assert_memory_equal(value.data + 24,
                        "6142b232f658815e07982d13ae5bfb266ac6e6f02d280ccbf3a41df783e9ee8a", 64);
}

static void test_what_was_not_signed_is_refused(void **state)
{
    (void)state;
    struct text value = sign("GET", "/suivi?n=1", NOW);
    assert_int_equal(check(value, "GET", "/suivi?n=1"), TOKEN_NONE);
    assert_int_equal(check(value, "POST", "/suivi?n=1"), TOKEN_TAMPERED);
    assert_int_equal(check(value, "GET", "/suivi?n=2"), TOKEN_TAMPERED);
    assert_int_equal(check(value, "GET", "/suivi"), TOKEN_TAMPERED);
    for (size_t i = 0; i < value.length; i++) {
        char right = header[i];
        header[i] = right == '0' ? '1' : '0';
        assert_int_not_equal(check(value, "GET", "/suivi?n=1"), TOKEN_NONE);
        header[i] = right;
        assert_int_not_equal(check((struct text){header, i}, "GET", "/suivi?n=1"), TOKEN_NONE);
    }
    for (size_t i = 24; i < value.length; i++)
        if (header[i] >= 'a') { /* one form only */
            header[i] = (char)(header[i] - 32);
            assert_int_equal(check(value, "GET", "/suivi?n=1"), TOKEN_TAMPERED);
            break;
        }
}

static void test_a_request_is_of_this_minute(void **state)
{
    (void)state;
    static const struct {
        int64_t at;
        enum token_fault fault;
    } cases[] = {{60, TOKEN_NONE}, {61, TOKEN_FUTURE}, {-60, TOKEN_NONE}, {-61, TOKEN_EXPIRED}};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(check(sign("GET", "/", NOW + cases[i].at), "GET", "/"), cases[i].fault);
}

static void test_a_revoked_key_and_an_unknown_one_are_refused(void **state)
{
    (void)state;
    struct error error = {""};
    assert_int_equal(client_key_revoke(folder, text_of(key.id), NOW + 5, -1, NULL, NULL), 0);
    assert_int_equal(check(sign("GET", "/", NOW), "GET", "/"), TOKEN_NONE); /* as it was read */
    client_keys_free(keys);
    assert_int_equal(client_keys_read(folder, &keys, NULL), 0);
    assert_int_equal(check(sign("GET", "/", NOW), "GET", "/"), TOKEN_REVOKED);
    assert_int_equal(client_keys_at(keys, 0)->revoked, NOW + 5);
    assert_int_equal(client_key_revoke(folder, text_of(key.id), NOW, -1, NULL, &error), -EALREADY);
    assert_int_equal(client_key_revoke(folder, TEXT("aaaaaaaaaaaa"), NOW, -1, NULL, &error),
                     -ENOENT);
    strcpy(key.id, "aaaaaaaaaaaa");
    assert_int_equal(check(sign("GET", "/", NOW), "GET", "/"), TOKEN_UNKNOWN_KEY);
}

static void test_each_of_many_keys_is_found(void **state)
{
    (void)state;
    struct text value;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "client-%d", i);
        issue(name, "");
        value = sign("GET", "/", NOW);
        assert_int_equal(check(value, "GET", "/"), TOKEN_NONE);
    }
    assert_int_equal(client_keys_count(keys), 41);
    for (size_t i = 1; i < 41; i++)
        assert_true(strcmp(client_keys_at(keys, i - 1)->id, client_keys_at(keys, i)->id) < 0);
}

static void test_names_are_plain_and_a_name_has_one_good_key(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "-", "a b", "a\nb", "caf\xc3\xa9", "a/b", "a:b"};
    struct error error = {""};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(
            client_key_issue(folder, text_of(wrong[i]), TEXT(""), NOW, -1, &key, secret, &error),
            -EINVAL);
    assert_int_equal(
        client_key_issue(folder, TEXT("partner"), TEXT(""), NOW, -1, &key, secret, &error),
        -EEXIST);
    assert_non_null(strstr(error.text, key.id));
    assert_int_equal(client_key_revoke(folder, text_of(key.id), NOW, -1, NULL, NULL), 0);
    issue("partner", "");
}

static void test_a_master_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char path[80];
    struct error error = {""};
    struct client_keys *other = NULL;
    snprintf(path, sizeof path, "%s/client.master", folder);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(client_keys_read(folder, &other, &error), -EPERM);
    assert_null(other);
    assert_int_equal(
        client_key_issue(folder, TEXT("other"), TEXT(""), NOW, -1, &key, secret, &error), -EPERM);
}

/* Keys whose master is lost are not made to look alive by a new one. */
static void test_a_lost_master_is_not_replaced_under_issued_keys(void **state)
{
    (void)state;
    char path[80];
    struct error error = {""};
    snprintf(path, sizeof path, "%s/client.master", folder);
    unlink(path);
    assert_int_equal(
        client_key_issue(folder, TEXT("other"), TEXT(""), NOW, -1, &key, secret, &error), -ENOENT);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_a_damaged_list_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "x\n",
        "abcdefghijkl name - 1\n",
        "abcdefghijkl name - 1 0",
        "abcdefghijkl name - 1 0 2\n",
        "abcdefghijk1 name - 1 0\n",
        "abcdefghijkl na:me - 1 0\n",
        "abcdefghijkl name - one 0\n",
        "abcdefghijkl name la/ne 1 0\n",
        "\n",
    };
    char path[80];
    snprintf(path, sizeof path, "%s/client.keys", folder);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct client_keys *other = NULL;
        struct error error = {""};
        assert_int_equal(secret_file_write(path, -1, wrong[i], strlen(wrong[i]), NULL), 0);
        assert_int_equal(client_keys_read(folder, &other, &error), -EBADMSG);
        assert_non_null(strstr(error.text, ":1:"));
    }
}

static void test_a_key_is_one_principal_that_nobody_can_choose(void **state)
{
    (void)state;
    uint8_t one[16], other[16];
    uint64_t hash, another;
    client_key_principal(&key, one, &hash);
    issue("other", "");
    client_key_principal(&key, other, &another);
    assert_memory_not_equal(one, other, 16);
    assert_true(hash != another && hash != 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_a_signed_request_is_known_by_its_key),
        TEST(test_the_signature_is_hmac_sha256_of_three_lines),
        TEST(test_what_was_not_signed_is_refused),
        TEST(test_a_request_is_of_this_minute),
        TEST(test_a_revoked_key_and_an_unknown_one_are_refused),
        TEST(test_each_of_many_keys_is_found),
        TEST(test_names_are_plain_and_a_name_has_one_good_key),
        TEST(test_a_master_that_others_may_read_is_refused),
        TEST(test_a_lost_master_is_not_replaced_under_issued_keys),
        TEST(test_a_damaged_list_is_refused_with_its_line),
        TEST(test_a_key_is_one_principal_that_nobody_can_choose),
    };
#undef TEST
    return cmocka_run_group_tests(tests, make, unmake);
}
