#include "cli/nginx_conf.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void test_origins_are_a_scheme_a_host_and_a_port(void **state)
{
    (void)state;
    struct origin o;
    assert_true(origin_parse("http://127.0.0.1:8081", &o, NULL));
    assert_string_equal(o.host, "127.0.0.1");
    assert_int_equal(o.port, 8081);
    assert_true(origin_parse("https://origin.example/", &o, NULL));
    assert_true(o.tls && o.port == 443);
    assert_true(origin_parse("http://[::1]:80", &o, NULL));
    assert_string_equal(o.host, "[::1]");
}

static void test_nothing_in_an_address_reaches_nginx_as_more_than_a_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "http://",          "http://a;b", "http://a b",     "http://a{}",  "http://$host",
        "http://a\nserver", "http://a:0", "http://a:65536", "http://a:8x", "http://[::1",
        "http://[]:80",     "http://a/b", "gopher://host",  "http://a:",   "",
        "http://a\"b"};
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct origin o = {.port = 7};
        assert_false(origin_parse(bad[i], &o, &error));
        assert_int_equal(o.port, 7); /* untouched */
    }
    struct listener l;
    assert_true(listener_parse("[::]:8080", &l, NULL));
    assert_string_equal(l.address, "[::]");
    assert_false(listener_parse("[::]", &l, &error));
    assert_false(listener_parse(":80", &l, &error));
    assert_false(listener_parse("127.0.0.1:80 default", &l, &error));
}

static void test_a_lane_has_a_name_an_address_and_its_files(void **state)
{
    (void)state;
    struct lane lane;
    struct error error = {""};
    assert_true(lane_parse("staff=127.0.0.1:8443", &lane, &error));
    assert_string_equal(lane.name, "staff");
    assert_int_equal(lane.listener.port, 8443);
    assert_string_equal(lane.certificate, "");
    assert_true(lane_parse("a.b-c_1=[::1]:1,ca=/dev/null,key=/dev/zero,cert=/dev/../dev/null",
                           &lane, &error));
    assert_string_equal(lane.authority, "/dev/null");
    assert_string_equal(lane.key, "/dev/zero");
    assert_string_equal(lane.certificate, "/dev/null");
    static const char *const bad[] = {"",
                                      "staff",
                                      "=127.0.0.1:1",
                                      "st;aff=127.0.0.1:1",
                                      "staff=",
                                      "staff=,cert=/dev/null",
                                      "staff=127.0.0.1",
                                      "staff=127.0.0.1:1,cert=/dev/null",
                                      "staff=127.0.0.1:1,key=/dev/null",
                                      "staff=127.0.0.1:1,ca=/dev/null",
                                      "staff=127.0.0.1:1,cert=/dev/null,key=/nowhere/at/all",
                                      "staff=127.0.0.1:1,certificate=/dev/null"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(lane_parse(bad[i], &lane, &error));
        assert_int_equal(lane.listener.port, 1); /* untouched */
    }
}

struct fixture {
    char folder[32];
    struct contract *contract;
    struct nginx_settings settings;
};

static struct fixture fixture_make(void)
{
    struct fixture f = {.folder = "/tmp/ecluse-conf-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    f.contract = calloc(1, sizeof *f.contract);
    strcpy(f.contract->runtime, "/run/ecluse");
    f.contract->tracking.present = true;
    f.settings = (struct nginx_settings){.contract = f.contract,
                                         .origin = {false, "127.0.0.1", 8081},
                                         .listener = {"127.0.0.1", 8080},
                                         .folder = f.folder,
                                         .module = "/usr/lib/nginx/modules/m.so",
                                         .workers = 2,
                                         .descriptors = 1024};
    return f;
}

static void fixture_end(struct fixture *f)
{
    char path[64];
    snprintf(path, sizeof path, "%s/nginx.conf", f->folder);
    unlink(path);
    assert_int_equal(rmdir(f->folder), 0);
    free(f->contract);
}

static void append(const struct fixture *f, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/nginx.conf", f->folder);
    FILE *file = fopen(path, "a");
    fputs(text, file);
    fclose(file);
}

static void test_what_was_edited_is_never_written_again(void **state)
{
    (void)state;
    struct fixture f = fixture_make();
    enum nginx_conf_result result;
    f.settings.folder = f.folder;
    assert_int_equal(nginx_conf_write(&f.settings, &result, NULL), 0);
    assert_int_equal(result, NGINX_CONF_WRITTEN);
    assert_int_equal(nginx_conf_write(&f.settings, &result, NULL), 0);
    assert_int_equal(result, NGINX_CONF_WRITTEN);
    append(&f, "# mine\n");
    assert_int_equal(nginx_conf_write(&f.settings, &result, NULL), 0);
    assert_int_equal(result, NGINX_CONF_KEPT);
    fixture_end(&f);
}

static void test_a_path_that_nginx_would_misread_is_refused(void **state)
{
    (void)state;
    struct fixture f = fixture_make();
    char *text;
    struct error error;
    static const char *const bad[] = {"/run/a b",  "/run/a;b", "/run/$x",
                                      "/run/a\nb", "/run/\"",  "/run/{"};
    f.settings.folder = f.folder;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        strcpy(f.contract->runtime, bad[i]);
        assert_int_equal(nginx_conf_text(&f.settings, &text, &error), -EINVAL);
    }
    fixture_end(&f);
}

static void test_a_lane_is_written_beside_the_publics(void **state)
{
    (void)state;
    struct fixture f = fixture_make();
    struct lane lane;
    char *text;
    f.settings.folder = f.folder;
    assert_true(
        lane_parse("staff=127.0.0.1:8443,cert=/dev/null,key=/dev/null,ca=/dev/null", &lane, NULL));
    f.settings.lane = &lane;
    assert_string_equal(nginx_conf_name(&f.settings), "lane.conf");
    assert_int_equal(nginx_conf_text(&f.settings, &text, NULL), 0);
    assert_non_null(strstr(text, "listen 127.0.0.1:8443 ssl http2;"));
    assert_non_null(strstr(text, "ecluse_lane staff;"));
    assert_non_null(strstr(text, "ssl_verify_client optional;"));
    assert_non_null(strstr(text, "temp/lane-body"));
    assert_non_null(strstr(text, "pid lane.pid;"));
    assert_null(strstr(text, "8080"));
    free(text);
    f.settings.lane = NULL;
    assert_int_equal(nginx_conf_text(&f.settings, &text, NULL), 0);
    assert_null(strstr(text, "lane"));
    free(text);
    strcpy(lane.key, "/tmp/a b");
    f.settings.lane = &lane;
    assert_int_equal(nginx_conf_text(&f.settings, &text, NULL), -EINVAL);
    fixture_end(&f);
}

static void test_only_the_checksum_of_its_own_text_makes_a_file_ours(void **state)
{
    (void)state;
    struct fixture f = fixture_make();
    char path[64], content[16384];
    enum nginx_conf_result result;
    f.settings.folder = f.folder;
    assert_int_equal(nginx_conf_write(&f.settings, &result, NULL), 0);
    snprintf(path, sizeof path, "%s/nginx.conf", f.folder);
    FILE *file = fopen(path, "r");
    size_t length = fread(content, 1, sizeof content, file);
    fclose(file);
    assert_true(length > 1000 && nginx_conf_is_ours(content, length));
    for (size_t cut = 0; cut < length; cut += 37)
        assert_false(nginx_conf_is_ours(content, cut));
    for (size_t i = 0; i < length; i += 11) {
        content[i] ^= 1;
        assert_false(nginx_conf_is_ours(content, length));
        content[i] ^= 1;
    }
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins_are_a_scheme_a_host_and_a_port),
        cmocka_unit_test(test_nothing_in_an_address_reaches_nginx_as_more_than_a_name),
        cmocka_unit_test(test_a_lane_has_a_name_an_address_and_its_files),
        cmocka_unit_test(test_a_lane_is_written_beside_the_publics),
        cmocka_unit_test(test_what_was_edited_is_never_written_again),
        cmocka_unit_test(test_a_path_that_nginx_would_misread_is_refused),
        cmocka_unit_test(test_only_the_checksum_of_its_own_text_makes_a_file_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
