#include "gate/wave_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEARCH = 1 << 2 };

static char folder[32], path[64];
static struct waves *waves;
static nanos_t now;
static int64_t wall;
static struct wave ended;

static int open_waves(void **state)
{
    (void)state;
    char inner[48];
    snprintf(folder, sizeof folder, "/tmp/ecluse-waves-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(inner, sizeof inner, "%s/front", folder);
    snprintf(path, sizeof path, "%s/front/waves", folder);
    if (mkdir(inner, 0700) || waves_create(folder, -1, NULL) != 0)
        return -1;
    now = NANOS_HOUR;
    wall = 1700000000;
    return waves_open(folder, false, &waves, NULL);
}

static int close_waves(void **state)
{
    (void)state;
    char inner[48];
    waves_close(waves);
    unlink(path);
    snprintf(inner, sizeof inner, "%s/front", folder);
    rmdir(inner);
    return rmdir(folder);
}

static struct shape shape(const char *first, const char *query)
{
    struct shape_request request = {.method = TEXT("GET"),
                                    .path = text_of(first),
                                    .query = text_of(query),
                                    .route = 2,
                                    .version = 11};
    return shape_of(waves_key(waves), &request);
}

/* Seconds of the same, and whether a wave ended in one of them. */
static bool pass(unsigned seconds, uint64_t challenged, const struct shape *s, enum wave_fate fate,
                 unsigned each_second)
{
    static uint64_t source;
    bool over = false;
    for (unsigned i = 0; i < seconds; i++) {
        for (unsigned k = 0; k < each_second; k++, source++) {
            uint64_t who = siphash((struct hash_key){3, 4}, &source, sizeof source);
            waves_see(waves, s, fate, who, who / 16);
        }
        now += NANOS_SECOND;
        wall++;
        over = waves_tick(waves, challenged, now, wall, &ended) || over;
    }
    return over;
}

static void test_a_wave_ends_as_a_record_of_what_it_was(void **state)
{
    (void)state;
    struct shape flood = shape("/recherche", "q=a1b2c3d4");
    struct wave list[4];
    assert_false(pass(5, SEARCH, &flood, WAVE_CHALLENGED, 1000));
    assert_int_equal(waves_list(waves, list, 4), 1);
    assert_int_equal(list[0].end, 0);
    assert_false(pass(20, 0, &flood, WAVE_CHALLENGED, 0));
    assert_true(pass(15, 0, &flood, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.number, 1);
    assert_int_equal(ended.routes, SEARCH);
    assert_int_equal(ended.count[WAVE_CHALLENGED], 5000);
    assert_int_equal(ended.most_a_second, 1000);
    assert_in_range(ended.sources, 4500, 5500);
    assert_int_equal(ended.begin, 1700000001);
    assert_in_range(ended.end - ended.begin, 33, 36);
    assert_int_equal(ended.shape_count, 1);
    assert_true(ended.shape[0].shape.id == flood.id);
    assert_int_equal(ended.learned, 1);
    assert_int_equal(waves_list(waves, list, 4), 1);
    assert_memory_equal(&list[0], &ended, sizeof ended);
}

static void test_a_shape_of_a_past_wave_is_known_and_its_return_is_a_wave(void **state)
{
    (void)state;
    struct shape flood = shape("/recherche", "q=a1b2c3d4"), other = shape("/recherche", "");
    pass(5, SEARCH, &flood, WAVE_CHALLENGED, 1000);
    assert_false(waves_know(waves, flood.id, wall));
    pass(40, 0, &flood, WAVE_CHALLENGED, 0);
    assert_true(waves_know(waves, flood.id, wall));
    assert_false(waves_know(waves, other.id, wall));
    for (unsigned i = 0; i < 50; i++)
        waves_know(waves, flood.id, wall);
    assert_true(pass(40, 0, &flood, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.number, 2);
    assert_true(ended.known);
}

static void test_what_was_learned_expires_and_can_be_forgotten(void **state)
{
    (void)state;
    struct wave_learned learned[4];
    struct shape flood = shape("/recherche", "q=a1b2c3d4");
    pass(5, SEARCH, &flood, WAVE_CHALLENGED, 1000);
    pass(40, 0, &flood, WAVE_CHALLENGED, 0);
    assert_int_equal(waves_learned(waves, wall, learned, 4), 1);
    assert_true(learned[0].shape.id == flood.id);
    assert_true(waves_know(waves, flood.id, learned[0].until - 1));
    assert_false(waves_know(waves, flood.id, learned[0].until));
    assert_true(waves_forget(waves, flood.id));
    assert_false(waves_forget(waves, flood.id));
    assert_false(waves_know(waves, flood.id, wall));
}

static void test_shapes_of_proven_callers_are_never_learned(void **state)
{
    (void)state;
    struct shape search = shape("/recherche", "q=a1b2c3d4");
    pass(5, SEARCH, &search, WAVE_CHALLENGED, 1000);
    waves_spare(waves, &search, true);
    assert_true(pass(40, 0, &search, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.learned, 0);
}

static void test_shapes_of_calm_times_are_never_learned(void **state)
{
    (void)state;
    struct shape search = shape("/recherche", "q=a1b2c3d4");
    pass(1, 0, &search, WAVE_ORIGIN, 0);
    waves_spare(waves, &search, false);
    pass(180, 0, &search, WAVE_ORIGIN, 1);
    pass(5, SEARCH, &search, WAVE_CHALLENGED, 1000);
    assert_true(pass(40, 0, &search, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.learned, 0);
}

static void test_a_flood_that_has_only_begun_is_no_calm(void **state)
{
    (void)state;
    struct shape flood = shape("/recherche", "q=a1b2c3d4");
    pass(61, 0, &flood, WAVE_ORIGIN, 0);
    waves_spare(waves, &flood, false);
    pass(3, 0, &flood, WAVE_ORIGIN, 500);
    pass(5, SEARCH, &flood, WAVE_CHALLENGED, 1000);
    assert_true(pass(40, 0, &flood, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.learned, 1);
}

static void test_shapes_whose_senders_solve_are_never_learned(void **state)
{
    (void)state;
    struct shape search = shape("/recherche", "q=a1b2c3d4");
    pass(5, SEARCH, &search, WAVE_CHALLENGED, 100);
    pass(5, SEARCH, &search, WAVE_SOLVED, 10);
    assert_true(pass(40, 0, &search, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.learned, 0);
}

/* A page that is new and busy, while another route is flooded: nobody is asked for proof there. */
static void test_shapes_that_went_on_all_the_while_are_never_learned(void **state)
{
    (void)state;
    struct shape page = shape("/soldes", ""), flood = shape("/recherche", "q=a1b2c3d4");
    for (unsigned i = 0; i < 20; i++) {
        pass(1, SEARCH, &page, WAVE_ORIGIN, 100);
        pass(1, SEARCH, &flood, WAVE_CHALLENGED, 1000);
    }
    assert_true(pass(40, 0, &flood, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.learned, 1);
    assert_true(waves_know(waves, flood.id, wall));
    assert_false(waves_know(waves, page.id, wall));
}

static void test_rare_shapes_make_room_for_frequent_ones(void **state)
{
    (void)state;
    char query[32], path_text[32];
    for (unsigned i = 0; i < 20000; i++) { /* as many shapes as anybody cares to make */
        snprintf(path_text, sizeof path_text, "/%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26,
                 'a' + i / 676 % 26);
        struct shape s = shape(path_text, "");
        waves_see(waves, &s, WAVE_CHALLENGED, i, i);
    }
    pass(2, SEARCH, &(struct shape){.id = 1}, WAVE_CHALLENGED, 0);
    snprintf(query, sizeof query, "q=a1b2c3d4");
    struct shape flood = shape("/recherche", query);
    pass(20, SEARCH, &flood, WAVE_CHALLENGED, 2000);
    assert_true(pass(40, 0, &flood, WAVE_CHALLENGED, 0));
    assert_true(ended.shape[0].shape.id == flood.id);
    assert_int_equal(ended.count[WAVE_CHALLENGED], 60000);
    assert_int_equal(ended.learned, 1);
}

static void test_a_restart_keeps_all_and_another_boot_ends_what_was_on(void **state)
{
    (void)state;
    struct wave list[4];
    struct shape flood = shape("/recherche", "q=a1b2c3d4");
    pass(5, SEARCH, &flood, WAVE_CHALLENGED, 1000);
    waves_close(waves);
    assert_int_equal(waves_create(folder, -1, NULL), 0);
    assert_int_equal(waves_open(folder, false, &waves, NULL), 0);
    assert_int_equal(waves_list(waves, list, 4), 1);
    now = 20 * NANOS_SECOND; /* the boot clock began anew */
    assert_true(pass(40, 0, &flood, WAVE_CHALLENGED, 0));
    assert_int_equal(ended.count[WAVE_CHALLENGED], 5000);
    assert_true(waves_know(waves, flood.id, wall));
}

static void test_a_damaged_file_is_begun_anew(void **state)
{
    (void)state;
    struct waves *other;
    struct error error = {""};
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 9, SEEK_SET);
    fputc(0x55, file);
    fclose(file);
    assert_int_equal(waves_open(folder, true, &other, &error), -EUCLEAN);
    assert_int_equal(waves_create(folder, -1, &error), 1);
    assert_non_null(strstr(error.text, "forgotten"));
    assert_int_equal(waves_open(folder, true, &other, &error), 0);
    waves_close(other);
}

static void test_no_time_is_out_of_bounds_whatever_a_worker_wrote(void **state)
{
    (void)state;
    struct wave list[4];
    struct wave_learned learned[4];
    struct shape flood = shape("/recherche", "q=a1b2c3d4");
    pass(5, SEARCH, &flood, WAVE_CHALLENGED, 1000);
    assert_true(pass(40, 0, &flood, WAVE_CHALLENGED, 0));
    for (size_t i = 0; i < WAVE_LEARNED; i++) {
        STORE(waves->learned[i].since, INT64_MIN);
        STORE(waves->learned[i].until, INT64_MAX);
    }
    for (size_t i = 0; i < WAVE_RECORDS; i++) {
        waves->record[i].wave.begin = INT64_MIN;
        waves->record[i].wave.end = INT64_MAX;
        waves->record[i].wave.shape_count = UINT32_MAX;
    }
    STORE(waves->now.number, 7);
    STORE(waves->now.begin, INT64_MIN);
    assert_int_equal(waves_list(waves, list, 4), 2);
    assert_int_equal(list[0].begin, 0);
    assert_int_equal(list[1].begin, 0);
    assert_int_equal(list[1].end, INT64_MAX / NANOS_SECOND);
    assert_int_equal(list[1].shape_count, WAVE_TOP);
    assert_int_equal(waves_learned(waves, wall, learned, 4), 1);
    assert_int_equal(learned[0].since, 0);
    assert_int_equal(learned[0].until, INT64_MAX / NANOS_SECOND);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, open_waves, close_waves)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(test_a_wave_ends_as_a_record_of_what_it_was),
        ONE(test_a_shape_of_a_past_wave_is_known_and_its_return_is_a_wave),
        ONE(test_what_was_learned_expires_and_can_be_forgotten),
        ONE(test_shapes_of_proven_callers_are_never_learned),
        ONE(test_shapes_of_calm_times_are_never_learned),
        ONE(test_a_flood_that_has_only_begun_is_no_calm),
        ONE(test_shapes_whose_senders_solve_are_never_learned),
        ONE(test_shapes_that_went_on_all_the_while_are_never_learned),
        ONE(test_rare_shapes_make_room_for_frequent_ones),
        ONE(test_a_restart_keeps_all_and_another_boot_ends_what_was_on),
        ONE(test_a_damaged_file_is_begun_anew),
        ONE(test_no_time_is_out_of_bounds_whatever_a_worker_wrote),
    };
    return cmocka_run_group_tests_name("wave", tests, NULL, NULL);
}
