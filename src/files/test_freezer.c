/* Who is held stands still, with all that he started; who serves others goes on. */
#include "files/freezer.h"

#include "budget/test_room.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { USER = 61777 };

struct stage {
    struct room *room;
    struct freezer freezer;
    pid_t child[4];
    unsigned children;
    nanos_t now;
};

static void become(uid_t user)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setresuid(user, user, user) != 0)
        _exit(1);
}

/* A process of that user, below us: all of one user are one tree. */
static pid_t begins(struct stage *s, uid_t real, uid_t file)
{
    int told[2];
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (real == file)
            become(real);
        else if (setresuid(real, file, real) != 0)
            _exit(1);
        if (write(told[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
    close(told[1]);
    s->child[s->children++] = pid;
    return pid;
}

static int begin(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    struct error error;
    s->room = room_new();
    s->now = s->room->moment.boot;
    struct budget_rule *rule =
        room_budget(s->room, "sweep", METER_FILES_READ, PRINCIPAL_USER, OVER_HOLD);
    rule_window(rule, NANOS_HOUR, 1);
    assert_int_equal(
        budget_create(s->room->contract, GUARD_FILES, &s->room->sizes, s->room->moment, -1, &error),
        0);
    assert_int_equal(budget_open(s->room->contract, GUARD_FILES, false, &s->room->b, &error), 0);
    assert_int_equal(freezer_open(&s->freezer, s->room->folder), 0);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct stage *s = *state;
    for (unsigned i = 0; i < s->children; i++) {
        kill(s->child[i], SIGKILL);
        waitpid(s->child[i], NULL, 0);
    }
    freezer_close(&s->freezer);
    room_free(s->room);
    free(s);
    return 0;
}

static uint64_t tree_of(const struct stage *s, pid_t process)
{
    char name[TREE_NAME_SIZE];
    assert_true(owner_tree_name(s->freezer.proc, process, name));
    return owner_tree_id(name);
}

static char state_of(pid_t process)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    for (int i = 0; i < 100; i++) { /* a stop is taken at the next turn */
        int fd = open(path, O_RDONLY);
        ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        text[length > 0 ? length : 0] = 0;
        const char *after = strrchr(text, ')');
        if (after && after[2] != 'R')
            return after[2];
        usleep(1000);
    }
    return '?';
}

static uint64_t a_hold(struct stage *s)
{
    struct principal p = principal_named(PRINCIPAL_USER, TEXT("61777"));
    budget_charge_distinct(s->room->b, 0, &p, 1, s->now);
    return budget_charge_distinct(s->room->b, 0, &p, 2, s->now).hold;
}

static void all_of_a_tree_stand_still_until_the_hold_is_over(void **state)
{
    struct stage *s = *state;
    pid_t one = begins(s, USER, USER), two = begins(s, USER, USER);
    uint64_t hold = a_hold(s);
    struct freezer_who who = {tree_of(s, one), USER, one};
    assert_true(freezer_freeze(&s->freezer, &who, hold));
    assert_int_equal(state_of(one), 'T');
    assert_int_equal(state_of(two), 'T');
    assert_false(freezer_freeze(&s->freezer, &who, hold));
    pid_t later = begins(s, USER, USER);
    kill(one, SIGCONT); /* by another session of his */
    assert_int_equal(freezer_tick(&s->freezer, s->room->b, true, s->now), 0);
    assert_int_equal(state_of(later), 'T');
    assert_int_equal(state_of(one), 'T');
    assert_int_equal(hold_release(s->room->b, hold, s->now), 0);
    assert_int_equal(freezer_tick(&s->freezer, s->room->b, true, s->now), 1);
    assert_int_equal(state_of(one), 'S');
    assert_int_equal(state_of(later), 'S');
    assert_int_equal(freezer_count(&s->freezer), 0);
}

static void in_a_panic_everybody_goes_on(void **state)
{
    struct stage *s = *state;
    pid_t one = begins(s, USER, USER);
    struct freezer_who who = {tree_of(s, one), USER, one};
    freezer_freeze(&s->freezer, &who, a_hold(s));
    freezer_tick(&s->freezer, s->room->b, false, s->now);
    assert_int_equal(state_of(one), 'S');
}

/* Its real user is root: what its effective one did is refused, and it serves the others. */
static void a_server_is_never_stopped(void **state)
{
    struct stage *s = *state;
    pid_t server = begins(s, 0, USER);
    struct freezer_who who = {tree_of(s, server), USER, server};
    assert_false(freezer_freeze(&s->freezer, &who, a_hold(s)));
    assert_int_equal(state_of(server), 'S');
    struct freezer_who root = {tree_of(s, server), 0, server};
    assert_false(freezer_freeze(&s->freezer, &root, a_hold(s)));
}

static void a_pause_ends_by_itself(void **state)
{
    struct stage *s = *state;
    pid_t one = begins(s, USER, USER);
    struct freezer_who who = {tree_of(s, one), USER, one};
    freezer_pause(&s->freezer, &who, s->now + NANOS_SECOND);
    assert_int_equal(state_of(one), 'T');
    freezer_resume(&s->freezer, s->now);
    assert_int_equal(state_of(one), 'T');
    freezer_resume(&s->freezer, s->now + NANOS_SECOND);
    assert_int_equal(state_of(one), 'S');
}

static void a_hold_that_comes_meanwhile_outlasts_the_pause(void **state)
{
    struct stage *s = *state;
    pid_t one = begins(s, USER, USER);
    struct freezer_who who = {tree_of(s, one), USER, one};
    freezer_pause(&s->freezer, &who, s->now + NANOS_SECOND);
    assert_true(freezer_freeze(&s->freezer, &who, a_hold(s)));
    freezer_resume(&s->freezer, s->now + 2 * NANOS_SECOND);
    assert_int_equal(state_of(one), 'T');
}

/* Killed at any moment, a guard leaves nobody standing still for good. */
static void the_next_guard_knows_who_stands_still(void **state)
{
    struct stage *s = *state;
    pid_t one = begins(s, USER, USER);
    struct freezer_who who = {tree_of(s, one), USER, one};
    uint64_t hold = a_hold(s);
    freezer_freeze(&s->freezer, &who, hold);
    struct freezer next;
    assert_int_equal(freezer_open(&next, s->room->folder), 0);
    assert_int_equal(freezer_tick(&next, s->room->b, true, s->now), 0);
    assert_int_equal(state_of(one), 'T');
    hold_release(s->room->b, hold, s->now);
    freezer_tick(&next, s->room->b, true, s->now);
    assert_int_equal(state_of(one), 'S');
    freezer_close(&next);
}

int main(void)
{
    if (geteuid() != 0) {
        print_message("skipped: these tests make processes of other users, and need root\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_a_tree_stand_still_until_the_hold_is_over, begin,
                                        end),
        cmocka_unit_test_setup_teardown(in_a_panic_everybody_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(a_server_is_never_stopped, begin, end),
        cmocka_unit_test_setup_teardown(a_pause_ends_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(a_hold_that_comes_meanwhile_outlasts_the_pause, begin, end),
        cmocka_unit_test_setup_teardown(the_next_guard_knows_who_stands_still, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
