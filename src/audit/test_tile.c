#include "audit/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void paths_are_those_of_the_specification(void **state)
{
    (void)state;
    char path[TILE_PATH_SIZE];
    assert_string_equal(tile_path(0, 1234067, TILE_WIDTH, path), "tile/0/x001/x234/067");
    assert_string_equal(tile_path(1, 0, 17, path), "tile/1/000.p/17");
    assert_string_equal(tile_path(TILE_BUNDLES, 999, TILE_WIDTH, path), "tile/entries/999");
    assert_string_equal(tile_path(TILE_BUNDLES, 1000, 255, path), "tile/entries/x001/000.p/255");
    assert_true(strlen(tile_path(7, UINT64_MAX, 255, path)) < TILE_PATH_SIZE - 1);
}

/* "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile
 * of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial
 * level 2 tile of width 1" */
static void widths_are_those_of_the_specification(void **state)
{
    (void)state;
    assert_int_equal(tile_width(0, 272, 70000), 256);
    assert_int_equal(tile_width(0, 273, 70000), 112);
    assert_int_equal(tile_width(0, 274, 70000), 0);
    assert_int_equal(tile_width(1, 0, 70000), 256);
    assert_int_equal(tile_width(1, 1, 70000), 17);
    assert_int_equal(tile_width(2, 0, 70000), 1);
    assert_int_equal(tile_width(3, 0, 70000), 0);
    assert_int_equal(tile_width(0, 0, 256), 256);
    assert_int_equal(tile_width(1, 0, 256), 1);
    assert_int_equal(tile_width(0, 1, 256), 0);
}

static void a_bundle_that_ends_early_says_so(void **state)
{
    (void)state;
    static const uint8_t bundle[] = {0, 2, 'a', 'b', 0, 0, 0, 3, 'c'};
    struct text entry;
    size_t at = 0;
    assert_true(bundle_next(bundle, sizeof bundle, &at, &entry));
    assert_true(text_is(entry, "ab"));
    assert_true(bundle_next(bundle, sizeof bundle, &at, &entry));
    assert_int_equal(entry.length, 0);
    assert_false(bundle_next(bundle, sizeof bundle, &at, &entry));
    assert_int_equal(at, 6);
}

static void a_tile_of_the_wrong_length_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/ecluse-tile-XXXXXX", path[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path,
             "mkdir -p %s/tile/0/000.p && head -c 95 /dev/zero > %s/tile/0/000.p/3", folder,
             folder);
    assert_int_equal(system(path), 0);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    struct merkle_hash hash[TILE_WIDTH];
    assert_int_equal(tile_read(descriptor, 0, 0, 3, hash), -EBADMSG);
    assert_int_equal(tile_read(descriptor, 0, 1, 3, hash), -ENOENT);
    snprintf(path, sizeof path, "head -c 8192 /dev/zero > %s/tile/0/000", folder);
    assert_int_equal(system(path), 0);
    assert_int_equal(tile_read(descriptor, 0, 0, 4, hash), 0); /* the full tile serves */
    close(descriptor);
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_those_of_the_specification),
        cmocka_unit_test(widths_are_those_of_the_specification),
        cmocka_unit_test(a_bundle_that_ends_early_says_so),
        cmocka_unit_test(a_tile_of_the_wrong_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
