#include "front/shield.h"
#include "tracking/ingest.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants some of the above first */
#include <cmocka.h>

static struct contract contract;
static struct store *store;
static struct filter *filter;
static struct shield shield;

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status, (void)flag, (void)walk;
    return remove(path);
}

static int feed_one_parcel(void **state)
{
    (void)state;
    struct error error = {""};
    char directory[] = "/tmp/ecluse-shield-XXXXXX", path[128];
    if (!mkdtemp(directory))
        return -1;
    memcpy(contract.state, directory, sizeof directory);
    contract.tracking.present = true;
    contract.tracking.format_count = 1;
    contract.tracking.format[0].kind = FORMAT_S10;
    contract.tracking.before = 60 * NANOS_DAY;
    contract.tracking.ahead = NANOS_HOUR;
    snprintf(path, sizeof path, "%s/tracking", directory);
    mkdir(path, 0755);
    FILE *feed = tmpfile();
    fputs("{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\"}\n",
          feed);
    fflush(feed);
    rewind(feed);
    struct ingest_options options = {
        .contract = &contract, .format = FEED_NDJSON, .now = 1795300000};
    struct ingest_totals totals;
    struct ingest *ingest;
    if (ingest_begin(&options, &ingest, &error) != 0)
        return -1;
    if (ingest_input(ingest, "feed", fileno(feed), &error) != 0 ||
        ingest_end(ingest, &totals, &error) != 0)
        return -1;
    fclose(feed);
    if (store_open(directory, true, &store, &error) != 0 ||
        filter_open(directory, &filter, &error) != 0)
        return -1;
    shield = (struct shield){&contract, store, filter, NULL, -1};
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    filter_close(filter);
    store_close(store);
    return nftw(contract.state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static enum sight see(const struct shield *s, const char *typed)
{
    static struct history history;
    struct parcel_number parcel;
    enum sight sight = shield_form(s, text_of(typed), &parcel);
    return sight == SIGHT_BLIND ? shield_look(s, &parcel, &history) : sight;
}

static void each_stage_ends_what_it_can(void **state)
{
    (void)state;
    assert_int_equal(see(&shield, "hello"), SIGHT_WRONG_FORM);
    assert_int_equal(see(&shield, "RA123456786FR"), SIGHT_WRONG_CHECK);
    assert_int_equal(see(&shield, "RB123456785FR"), SIGHT_UNKNOWN);
    assert_int_equal(see(&shield, "ra 1234 5678 5 fr"), SIGHT_FOUND);
}

static void without_a_filter_the_store_decides(void **state)
{
    (void)state;
    struct shield s = shield;
    s.filter = NULL;
    assert_int_equal(see(&s, "RB123456785FR"), SIGHT_UNKNOWN);
    assert_int_equal(see(&s, "RA123456785FR"), SIGHT_FOUND);
}

static void without_a_store_it_is_blind_and_form_still_counts(void **state)
{
    (void)state;
    struct shield s = shield;
    s.store = NULL;
    assert_int_equal(see(&s, "RA123456785FR"), SIGHT_BLIND);
    assert_int_equal(see(&s, "RA123456786FR"), SIGHT_WRONG_CHECK);
}

static void assert_unescaped(const char *typed, const char *expected)
{
    char out[16];
    struct text text = shield_unescape(text_of(typed), out, sizeof out);
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.data, expected, text.length);
}

static void a_query_string_is_unescaped_once_and_cut_at_the_buffer(void **state)
{
    (void)state;
    assert_unescaped("RA%20123+4", "RA 123 4");
    assert_unescaped("%2", "%2");
    assert_unescaped("%zz%2g", "%zz%2g");
    assert_unescaped("%2541", "%41");
    assert_unescaped("0123456789abcdefXYZ", "0123456789abcdef");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stage_ends_what_it_can),
        cmocka_unit_test(without_a_filter_the_store_decides),
        cmocka_unit_test(without_a_store_it_is_blind_and_form_still_counts),
        cmocka_unit_test(a_query_string_is_unescaped_once_and_cut_at_the_buffer),
    };
    return cmocka_run_group_tests(tests, feed_one_parcel, remove_all);
}
