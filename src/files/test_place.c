/* Where a share may lie: on a file system of its own, and nowhere that the machine needs. */
#include "files/place.h"
#include "files/test_share.h"

static void contract_with(struct contract *c, const char *path)
{
    memset(c, 0, sizeof *c);
    snprintf(c->state, sizeof c->state, "/tmp");
    snprintf(c->runtime, sizeof c->runtime, "/run");
    c->share_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(c->share[i].name, sizeof c->share[i].name, "share%u", i);
        snprintf(c->share[i].path, sizeof c->share[i].path, "%s", path);
    }
}

static void refuses(const struct contract *c, int code, const char *words)
{
    struct place place = {.mount = -1}, none[2] = {{.mount = -1}, {.mount = -1}};
    struct error error = {""};
    assert_int_equal(place_open(c, 0, none, 2, &place, &error), code);
    if (!strstr(error.text, words))
        print_error("not said: %s\nin: %s\n", words, error.text);
    assert_non_null(strstr(error.text, words));
    assert_int_equal(place.device, 0);
}

static void what_the_machine_itself_needs_is_never_marked(void **state)
{
    (void)state;
    static struct contract c;
    contract_with(&c, "/");
    refuses(&c, -EBUSY, "file system of `/`");
    contract_with(&c, "/usr");
    refuses(&c, -EBUSY, "file system of `/`");
    contract_with(&c, "/nowhere/at/all");
    refuses(&c, -ENOENT, "share share0");
    contract_with(&c, "/proc");
    refuses(&c, -EOPNOTSUPP, "is proc");
}

static void a_mount_of_its_own_is_taken_and_only_once(void **state)
{
    (void)state;
    static struct contract c;
    struct share share;
    struct place place[2] = {{.mount = -1}, {.mount = -1}};
    struct error error = {""};
    if (!share_begin(&share, "ext4", 16))
        skip();
    contract_with(&c, share.path);
    assert_int_equal(place_open(&c, 0, place, 2, &place[0], &error), 0);
    assert_false(place_moved(&c, 0, &place[0]));
    assert_int_equal(place_open(&c, 1, place, 2, &place[1], &error), -EEXIST);
    assert_non_null(strstr(error.text, "share0"));
    snprintf(c.state, sizeof c.state, "%s", share.path);
    refuses(&c, -EBUSY, "same file system as `state`");
    contract_with(&c, share.path);
    strcat(c.share[0].path, "/lost+found");
    refuses(&c, -EXDEV, "nothing is mounted");
    contract_with(&c, "/");
    assert_true(place_moved(&c, 0, &place[0]));
    place_close(&place[0]);
    share_end(&share);
}

int main(void)
{
    if (geteuid() != 0) {
        print_message("skipped: mounts need root\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_machine_itself_needs_is_never_marked),
        cmocka_unit_test(a_mount_of_its_own_is_taken_and_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
