#include "contract/test_yaml.h"

#include "contract/publish.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char runtime[64];
    struct contract *contract;
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->runtime, "/tmp/test_publish.XXXXXX");
    if (!mkdtemp(p->runtime))
        return -1;
    p->contract = accepted("ecluse: 1\norganisation: {name: Poste}\n");
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    static const char *const leaves[] = {"control",       "control.lock", "control.new",
                                         "contract.1",    "contract.2",   "contract.1.new",
                                         "contract.2.new"};
    char path[128];
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        snprintf(path, sizeof path, "%s/%s", p->runtime, leaves[i]);
        unlink(path);
    }
    int result = rmdir(p->runtime); /* fails, and with it the test, if anything unknown was left */
    free(p->contract);
    free(p);
    return result;
}

static const char *in(const struct place *p, const char *leaf)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", p->runtime, leaf);
    return path;
}

static void damage(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void what_is_published_is_read_back(void **state)
{
    struct place *p = *state;
    struct contract *read = contract_new();
    assert_int_equal(contract_publish(p->runtime, 1, p->contract, NULL), 0);
    assert_int_equal(contract_published(p->runtime, 1, read, NULL), 0);
    assert_memory_equal(read, p->contract, sizeof *read);
    contract_unpublish(p->runtime, 1);
    assert_int_equal(contract_published(p->runtime, 1, read, NULL), -ENOENT);
    free(read);
}

static void a_panic_passes_by_the_one_writer(void **state)
{
    struct place *p = *state;
    struct control *control;
    struct error error;
    assert_int_equal(control_force_panic(p->runtime, true, &error), -ENOENT);
    assert_int_equal(control_create(p->runtime, &control, &error), 0); /* and holds its lock */
    control_set_live(control, 7);
    assert_int_equal(control_force_panic(p->runtime, true, &error), 0);
    assert_true(control_panic(control));
    assert_int_equal(control_live(control), 7);
    assert_int_equal(control_force_panic(p->runtime, false, &error), 0);
    assert_false(control_panic(control));
    control_close(control);
}

static void damaged_shortened_and_renamed_files_are_refused_untouched(void **state)
{
    struct place *p = *state;
    struct contract *read = contract_new();
    memset(read, 0x5a, sizeof *read);
    struct error error;
    struct stat status;
    assert_int_equal(contract_publish(p->runtime, 1, p->contract, NULL), 0);
    const char *path = in(p, "contract.1");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    off_t places[200];
    for (size_t i = 0; i < 200; i++) /* every byte of the header, then spread over the rest */
        places[i] =
            i < 48 ? (off_t)i : (off_t)(48 + (size_t)(status.st_size - 49) * (i - 48) / 151);
    for (size_t i = 0; i < 200; i++) {
        damage(path, places[i]);
        assert_int_equal(contract_published(p->runtime, 1, read, &error), -EPROTO);
        damage(path, places[i]);
    }
    assert_int_equal(truncate(path, status.st_size - 1), 0);
    assert_int_equal(contract_published(p->runtime, 1, read, &error), -EPROTO);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(contract_published(p->runtime, 1, read, &error), -EPROTO);
    /* generation 2 under the name of 1 */
    assert_int_equal(contract_publish(p->runtime, 2, p->contract, NULL), 0);
    char other[128];
    strcpy(other, in(p, "contract.2"));
    assert_int_equal(rename(other, in(p, "contract.1")), 0);
    assert_int_equal(contract_published(p->runtime, 1, read, &error), -EPROTO);
    assert_non_null(strstr(error.text, "damaged or of another version"));
    assert_int_equal(*(unsigned char *)read, 0x5a);
    free(read);
}

/* A checksum is no judgement: an unsound contract, published as it is, is refused all the same. */
static void unsound_contents_are_refused(void **state)
{
    struct place *p = *state;
    struct contract *read = contract_new(), *bad = contract_new();
    for (unsigned i = 0; i < 9; i++) {
        memcpy(bad, p->contract, sizeof *bad);
        switch (i) {
        case 0:
            bad->budget_count = CONTRACT_MAX_BUDGETS + 1;
            break;
        case 1:
            memset(bad->state, 'x', sizeof bad->state);
            break;
        case 2:
            bad->mode = (enum mode)7;
            break;
        case 3:
            bad->budget_count = 1; /* with no window */
            break;
        case 4:
            memset(&bad->route[0].builtin, 3, 1);
            break;
        case 5:
            bad->trusted_proxies.count = 1;
            bad->trusted_proxies.prefix[0].bits = 129;
            break;
        case 6:
            bad->promise_count = 1;
            bad->promise[0] = (struct promise_rule){.route = CONTRACT_MAX_ROUTES, .within = 1};
            break;
        case 7:
            bad->first_language = LANGUAGE_COUNT;
            break;
        default:
            bad->keep.holds = -1;
            break;
        }
        assert_int_equal(contract_publish(p->runtime, 1, bad, NULL), 0);
        assert_int_equal(contract_published(p->runtime, 1, read, NULL), -EPROTO);
    }
    free(bad);
    free(read);
}

static void a_guard_sees_what_the_supervisor_sets(void **state)
{
    struct place *p = *state;
    struct control *writer = NULL;
    const struct control *reader = NULL;
    assert_int_equal(control_open(p->runtime, &reader, NULL), -ENOENT);
    assert_int_equal(control_create(p->runtime, &writer, NULL), 0);
    assert_int_equal(control_open(p->runtime, &reader, NULL), 0);
    assert_int_equal(control_offered(reader), 0);
    assert_int_equal(control_supervisor(reader), getpid());
    control_set_offered(writer, 3);
    control_set_live(writer, 2);
    control_beat(writer, 99);
    control_set_panic(writer, true);
    assert_int_equal(control_offered(reader), 3);
    assert_int_equal(control_live(reader), 2);
    assert_int_equal(control_heartbeat(reader), 99);
    assert_true(control_panic(reader));
    control_stop(writer);
    assert_int_equal(control_heartbeat(reader), 0);
    assert_int_equal(control_supervisor(reader), 0);
    control_close(writer);
    control_close(reader);
    control_close(NULL);
}

/* Runs what a child does, and gives back its exit status. */
static int in_a_child(int (*what)(const char *runtime), const char *runtime)
{
    pid_t child = fork();
    if (!child)
        _exit(what(runtime));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int try_to_create(const char *runtime)
{
    struct control *control;
    struct error error;
    int result = control_create(runtime, &control, &error);
    return -result;
}

static int create_and_die(const char *runtime)
{
    struct control *control;
    if (control_create(runtime, &control, NULL))
        return 1;
    control_set_live(control, 41);
    control_set_panic(control, true);
    kill(getpid(), SIGKILL);
    return 0;
}

static void one_supervisor_writes_and_the_next_takes_over_what_it_left(void **state)
{
    struct place *p = *state;
    struct control *writer;
    const struct control *reader;
    assert_int_equal(in_a_child(create_and_die, p->runtime), 128 + SIGKILL);
    assert_int_equal(control_open(p->runtime, &reader, NULL), 0);
    assert_int_equal(control_live(reader), 41);
    assert_int_equal(control_create(p->runtime, &writer, NULL), 0);
    assert_int_equal(control_live(writer), 41);
    assert_true(control_panic(writer)); /* a restart is no all-clear */
    assert_false(control_replaced(reader, p->runtime));
    assert_int_equal(in_a_child(try_to_create, p->runtime), EBUSY);
    control_close(writer);
    assert_int_equal(in_a_child(try_to_create, p->runtime), 0);
    control_close(reader);
}

static void a_damaged_page_is_refused_and_replaced_by_a_new_file(void **state)
{
    struct place *p = *state;
    struct control *writer;
    const struct control *reader, *next;
    assert_int_equal(control_create(p->runtime, &writer, NULL), 0);
    control_close(writer);
    assert_int_equal(control_open(p->runtime, &reader, NULL), 0);
    damage(in(p, "control"), 8);
    assert_int_equal(control_open(p->runtime, &next, NULL), -EPROTO);
    assert_int_equal(control_create(p->runtime, &writer, NULL), 0);
    assert_true(control_replaced(reader, p->runtime));
    assert_int_equal(control_open(p->runtime, &next, NULL), 0);
    control_close(next);
    control_close(reader);
    control_close(writer);
    assert_int_equal(truncate(in(p, "control"), 100), 0);
    assert_int_equal(control_open(p->runtime, &next, NULL), -EPROTO);
}

static int publish_until_killed(const char *runtime)
{
    struct contract *c = contract_new();
    struct problems problems;
    if (contract_parse("ecluse: 1\n", 10, c, &problems))
        return 1;
    for (uint32_t i = 0; i < 100000; i++) {
        c->keep.holds = NANOS_HOUR + i;
        contract_publish(runtime, 1, c, NULL);
    }
    return 0;
}

/* Whatever instruction the writer is killed at, a reader gets a whole contract or none, and the
 * next writer goes on. */
static void a_killed_writer_leaves_a_whole_contract_or_none(void **state)
{
    struct place *p = *state;
    struct contract *read = contract_new();
    assert_int_equal(contract_publish(p->runtime, 1, p->contract, NULL), 0);
    for (unsigned i = 0; i < 60; i++) {
        pid_t child = fork();
        if (!child)
            _exit(publish_until_killed(p->runtime));
        usleep(500 + i * 137 % 4000);
        for (unsigned look = 0; look < 4; look++)
            assert_int_equal(contract_published(p->runtime, 1, read, NULL), 0);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(contract_published(p->runtime, 1, read, NULL), 0);
    }
    assert_int_equal(contract_publish(p->runtime, 1, p->contract, NULL), 0);
    assert_int_equal(contract_published(p->runtime, 1, read, NULL), 0);
    free(read);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        TEST(what_is_published_is_read_back),
        TEST(a_panic_passes_by_the_one_writer),
        TEST(damaged_shortened_and_renamed_files_are_refused_untouched),
        TEST(unsound_contents_are_refused),
        TEST(a_guard_sees_what_the_supervisor_sets),
        TEST(one_supervisor_writes_and_the_next_takes_over_what_it_left),
        TEST(a_damaged_page_is_refused_and_replaced_by_a_new_file),
        TEST(a_killed_writer_leaves_a_whole_contract_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
