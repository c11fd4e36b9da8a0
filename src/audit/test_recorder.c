#include "audit/follower.h"
#include "audit/recorder.h"
#include "audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char state_folder[64], runtime[64];
static struct error error;
static int64_t now = INT64_C(1795183380) * NANOS_SECOND;

static int begin(void **state)
{
    (void)state;
    strcpy(state_folder, "/tmp/ecluse-state-XXXXXX");
    strcpy(runtime, "/tmp/ecluse-runtime-XXXXXX");
    return mkdtemp(state_folder) && mkdtemp(runtime) &&
                   handover_create(runtime, HANDOVER_FRONT, -1, &error) == 0
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s %s", state_folder, runtime);
    return system(command);
}

static struct recorder *opened(void)
{
    struct recorder *recorder = NULL;
    if (recorder_open(state_folder, runtime, "ecluse.example/log", &recorder, &error) != 0)
        fail_msg("%s", error.text);
    return recorder;
}

static void hold(struct handover *front, unsigned number)
{
    struct act act = {.at = now, .kind = ACT_HOLD, .actor = "guard front", .object = "logins"};
    char address[32], name[32];
    snprintf(address, sizeof address, "198.51.100.%u", number % 256);
    snprintf(name, sizeof name, "hold-%x-front", number);
    act_text(act.subject, sizeof act.subject, text_of(address));
    act_text(act.hold, sizeof act.hold, text_of(name));
    handover_act(front, &act);
}

/* The index as the follower would leave it. */
static struct index *followed(void)
{
    char path[120];
    struct index *index = NULL;
    struct audit_reader *reader = NULL;
    snprintf(path, sizeof path, "%s/audit", state_folder);
    assert_int_equal(audit_reader_open(path, &reader, &error), 0);
    assert_int_equal(index_open(index_path(state_folder, path, sizeof path), &index, &error), 0);
    while (index_follow(index, reader, 100, &error) > 0)
        continue;
    assert_int_equal(index_size(index), audit_reader_size(reader));
    audit_reader_close(reader);
    return index;
}

static struct handover *front_ring(void)
{
    struct handover *front = NULL;
    assert_int_equal(handover_open(runtime, HANDOVER_FRONT, &front, &error), 0);
    return front;
}

static long step(struct recorder *recorder)
{
    long done = recorder_step(recorder, clock_boot(), now, &error);
    if (done < 0)
        fail_msg("%s", error.text);
    return done;
}

static void acts_become_durable_entries_that_can_be_found(void **state)
{
    (void)state;
    struct handover *front = front_ring();
    struct recorder *recorder = opened();
    for (unsigned i = 1; i <= 300; i++)
        hold(front, i);
    assert_int_equal(step(recorder), 300);
    assert_int_equal(step(recorder), 0);
    assert_int_equal(audit_log_size(recorder_log(recorder)), 300);
    struct index *index = followed();
    uint64_t found[10];
    struct index_query by_hold = {.hold = "hold-11-front", .kind = -1};
    assert_int_equal(index_find(index, &by_hold, found, 10), 1);
    assert_int_equal(found[0], 16);
    struct index_query newest = {.object = "logins", .kind = ACT_HOLD};
    assert_int_equal(index_find(index, &newest, found, 10), 10);
    assert_int_equal(found[0], 299);
    newest.before = found[9];
    assert_int_equal(index_find(index, &newest, found, 10), 10);
    assert_int_equal(found[0], 289);
    index_close(index);
    recorder_close(recorder);
    handover_close(front);
}

/* Reads an entry from the files, as `show` does. */
static struct entry entry_at(uint64_t index, uint64_t size)
{
    char folder[100];
    struct entry entry;
    struct text text = {NULL, 0};
    snprintf(folder, sizeof folder, "%s/audit", state_folder);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    uint8_t *bundle = malloc(BUNDLE_SIZE_MAX);
    long length = bundle_read(descriptor, index / TILE_WIDTH,
                              tile_width(TILE_BUNDLES, index / TILE_WIDTH, size), bundle);
    size_t at = 0;
    for (uint64_t i = 0; i <= index % TILE_WIDTH; i++)
        assert_true(bundle_next(bundle, (size_t)length, &at, &text));
    assert_int_equal(entry_parse(text, &entry), 0);
    free(bundle);
    close(descriptor);
    return entry;
}

static void a_name_is_kept_outside_until_it_is_erased_and_the_erasing_is_an_entry(void **state)
{
    (void)state;
    struct handover *front = front_ring();
    struct recorder *recorder = opened();
    char name[64];
    hold(front, 7);
    step(recorder);
    struct entry entry = entry_at(0, 1);
    struct text commitment = text_of(entry.act.subject);
    assert_true(
        salts_name(recorder_salts(recorder), 0, ENTRY_SUBJECT, commitment, name, sizeof name));
    assert_string_equal(name, "198.51.100.7");
    assert_false(salts_name(recorder_salts(recorder), 0, ENTRY_SUBJECT, TEXT("c1:another"), name,
                            sizeof name));
    assert_int_equal(recorder_expire(recorder, now, now, &error),
                     0); /* nothing is older than now */
    assert_int_equal(step(recorder), 0);
    assert_int_equal(recorder_expire(recorder, now + 1, now, &error), 1);
    assert_int_equal(step(recorder), 1);
    assert_false(
        salts_name(recorder_salts(recorder), 0, ENTRY_SUBJECT, commitment, name, sizeof name));
    entry = entry_at(1, 2);
    assert_int_equal(entry.kind, ACT_ERASED);
    assert_int_equal(entry.act.number[0].value, 1);
    recorder_close(recorder);
    handover_close(front);
}

static bool index_is(uint64_t size)
{
    char path[120];
    struct index *index = NULL;
    if (index_open(index_path(state_folder, path, sizeof path), &index, &error) != 0)
        return false;
    bool is = index_size(index) == size;
    index_close(index);
    return is;
}

static void wait_for_index(uint64_t size)
{
    for (int i = 0; i < 1000 && !index_is(size); i++)
        usleep(10000);
    assert_true(index_is(size));
}

static void an_index_that_was_lost_damaged_or_lags_is_made_again_from_the_log(void **state)
{
    (void)state;
    struct handover *front = front_ring();
    struct recorder *recorder = opened();
    char path[120];
    for (unsigned i = 1; i <= 700; i++)
        hold(front, i);
    step(recorder);
    struct follower *follower = follower_start(state_folder);
    wait_for_index(700);
    hold(front, 701);
    step(recorder);
    wait_for_index(701);
    follower_stop(follower);
    int file = open(index_path(state_folder, path, sizeof path), O_WRONLY);
    assert_int_equal(pwrite(file, "not a database at all", 21, 0), 21);
    close(file);
    follower = follower_start(state_folder);
    wait_for_index(701);
    follower_stop(follower);
    recorder_close(recorder);
    handover_close(front);
}

static void what_was_lost_on_a_full_disk_is_counted_first_when_writing_works_again(void **state)
{
    (void)state;
    struct handover *front = front_ring();
    struct recorder *recorder = opened();
    hold(front, 1);
    step(recorder);
    struct rlimit before, tight;
    getrlimit(RLIMIT_FSIZE, &before);
    tight = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    for (unsigned i = 0; i < HANDOVER_PLACES + 100; i++)
        hold(front, i);
    for (int i = 0; i < 5; i++)
        assert_true(recorder_step(recorder, clock_boot(), now, &error) < 0);
    assert_true(audit_log_size(recorder_log(recorder)) == 1);
    setrlimit(RLIMIT_FSIZE, &before);
    long last = -1; /* names are tried again by their own thread, which tells a step later */
    for (int i = 0; i < 1000 && last != 0; i++, usleep(1000))
        last = recorder_step(recorder, clock_boot(), now, &error);
    assert_int_equal(last, 0);
    uint64_t size = audit_log_size(recorder_log(recorder));
    int64_t done = (int64_t)size - 1;
    struct entry first = entry_at(1, size);
    assert_int_equal(first.kind, ACT_LOST);
    assert_int_equal(first.act.number[0].value + done - 1, HANDOVER_PLACES + 100);
    recorder_close(recorder);
    handover_close(front);
}

static void an_act_that_is_waited_for_is_durable_before_it_is_done(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) { /* the writer */
        struct recorder *recorder = opened();
        for (int i = 0; i < 400; i++, usleep(5000))
            recorder_step(recorder, clock_boot(), now, &error);
        recorder_close(recorder);
        _exit(0);
    }
    struct handover *front = front_ring();
    struct act act = {
        .at = now, .kind = ACT_RELEASE, .actor = "operator ana", .subject = "198.51.100.7"};
    assert_int_equal(handover_durably(front, &act, 5 * NANOS_SECOND), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    struct recorder *recorder = opened();
    assert_int_equal(audit_log_size(recorder_log(recorder)), 1);
    recorder_close(recorder);
    handover_close(front);
}

static void the_key_is_made_once_and_must_be_private(void **state)
{
    (void)state;
    char path[120];
    struct signer_key first, second;
    assert_int_equal(audit_key_load(state_folder, "ecluse.example/log", &first, &error), 0);
    assert_int_equal(audit_key_load(state_folder, "another.example/name", &second, &error), 0);
    assert_memory_equal(&first, &second, sizeof first);
    snprintf(path, sizeof path, "%s/keys/audit.key", state_folder);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(audit_key_load(state_folder, "ecluse.example/log", &second, &error), -EPERM);
    assert_non_null(strstr(error.text, "0600"));
}

static void a_damaged_log_is_set_aside_and_a_new_one_begun(void **state)
{
    (void)state;
    struct handover *front = front_ring();
    struct recorder *recorder = opened();
    char path[120], junk[8] = "garbage";
    hold(front, 1);
    step(recorder);
    recorder_close(recorder);
    snprintf(path, sizeof path, "%s/audit/checkpoint", state_folder);
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, junk, sizeof junk, 30), sizeof junk);
    close(file);
    assert_int_equal(recorder_open(state_folder, runtime, "ecluse.example/log", &recorder, &error),
                     -EBADMSG);
    assert_int_equal(recorder_set_aside(state_folder, now, &error), 0);
    recorder = opened();
    assert_int_equal(audit_log_size(recorder_log(recorder)), 0);
    recorder_close(recorder);
    handover_close(front);
}

static void after_a_rotation_the_log_goes_on_under_the_new_key(void **state)
{
    (void)state;
    struct handover *front = front_ring();
    struct recorder *recorder = opened();
    struct signer_key old, new;
    struct verifier_key former[AUDIT_FORMER_MAX];
    char folder[100];
    hold(front, 1);
    step(recorder);
    recorder_close(recorder);
    assert_int_equal(audit_key_load(state_folder, "ecluse.example/log", &old, &error), 0);
    assert_int_equal(audit_key_rotate(state_folder, &new, &error), 0);
    assert_int_equal(audit_former_load(state_folder, former, &error), 1);
    assert_memory_equal(&former[0], &old.verifier, sizeof old.verifier);
    snprintf(folder, sizeof folder, "%s/audit", state_folder);
    struct verify_report report;
    struct verify_options options = {.key = &new.verifier};
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    assert_int_equal(report.finding, VERIFY_BAD_SIGNATURE); /* nothing is signed by it yet */
    options.former = former;
    options.former_count = 1;
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    assert_int_equal(report.finding, VERIFY_SOUND);
    recorder = opened();
    assert_int_equal(step(recorder), 1);
    assert_int_equal(entry_at(1, 2).kind, ACT_KEY);
    options.former_count = 0;
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    assert_int_equal(report.finding, VERIFY_SOUND);
    recorder_close(recorder);
    handover_close(front);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(acts_become_durable_entries_that_can_be_found, begin, end),
        cmocka_unit_test_setup_teardown(
            a_name_is_kept_outside_until_it_is_erased_and_the_erasing_is_an_entry, begin, end),
        cmocka_unit_test_setup_teardown(
            an_index_that_was_lost_damaged_or_lags_is_made_again_from_the_log, begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_lost_on_a_full_disk_is_counted_first_when_writing_works_again, begin, end),
        cmocka_unit_test_setup_teardown(an_act_that_is_waited_for_is_durable_before_it_is_done,
                                        begin, end),
        cmocka_unit_test_setup_teardown(the_key_is_made_once_and_must_be_private, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_log_is_set_aside_and_a_new_one_begun, begin, end),
        cmocka_unit_test_setup_teardown(after_a_rotation_the_log_goes_on_under_the_new_key, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
