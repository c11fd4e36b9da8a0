/* Restarts, changed contracts, damage, and the health of processes. */
#include "budget/file.h"
#include "budget/test_room.h"

#include <fcntl.h>
#include <sys/wait.h>

static struct budget_rule *bytes(struct room *r, const char *name, nanos_t span, uint64_t limit)
{
    struct budget_rule *rule = room_budget(r, name, METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW);
    rule_window(rule, span, limit);
    return rule;
}

static const struct principal *host(void)
{
    static struct principal p;
    p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    return &p;
}

static int create_again(struct room *r, nanos_t boot, nanos_t wall, uint8_t id, struct error *error)
{
    budget_close(r->b);
    r->b = NULL;
    r->moment = (struct moment){.boot = boot, .wall = wall, .boot_id = {id}};
    int status = budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, error);
    assert_true(status >= 0);
    assert_int_equal(budget_open(r->contract, GUARD_FRONT, false, &r->b, error), 0);
    return status;
}

static void counts_survive_a_reboot_and_age_by_the_wall_clock_once(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "b", NANOS_HOUR, 100);
    room_open(r);
    struct moment last = r->moment;
    assert_int_equal(budget_charge(r->b, 0, host(), 60, last.boot).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_sync_at(r->b, last), 0);
    struct error error = {""};
    /* Half an hour off, 10 s up: still counted. */
    nanos_t wall = last.wall + 30 * NANOS_MINUTE;
    assert_int_equal(create_again(r, 10 * NANOS_SECOND, wall, 9, &error), 0);
    assert_int_equal(budget_peek(r->b, 0, host(), 10 * NANOS_SECOND).used, 60);
    assert_int_equal(budget_charge(r->b, 0, host(), 50, 11 * NANOS_SECOND).verdict, VERDICT_SLOW);
    /* A step of the wall clock while running ages nothing. */
    assert_int_equal(create_again(r, 12 * NANOS_SECOND, wall + 90 * NANOS_DAY, 9, &error), 0);
    assert_int_equal(budget_peek(r->b, 0, host(), 12 * NANOS_SECOND).used, 60);
    /* 32 minutes later it is over an hour ago. */
    nanos_t later = 12 * NANOS_SECOND + 32 * NANOS_MINUTE;
    assert_int_equal(budget_peek(r->b, 0, host(), later).used, 0);
    room_free(r);
}

static void a_wall_clock_that_jumped_is_told_and_forgets_nothing_backwards(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "b", NANOS_HOUR, 100);
    room_open(r);
    struct moment last = r->moment;
    budget_charge(r->b, 0, host(), 60, last.boot);
    budget_sync_at(r->b, last);
    struct error error = {""};
    assert_int_equal(create_again(r, NANOS_SECOND, last.wall - NANOS_DAY, 9, &error), 2);
    assert_non_null(strstr(error.text, "went back"));
    assert_int_equal(budget_peek(r->b, 0, host(), NANOS_SECOND).used, 60);
    budget_sync_at(r->b, r->moment);
    assert_int_equal(create_again(r, NANOS_SECOND, last.wall + 20 * NANOS_DAY, 10, &error), 2);
    room_free(r);
}

static void counts_are_kept_by_name_when_a_contract_changes(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "first", NANOS_HOUR, 100);
    bytes(r, "second", NANOS_HOUR, 100);
    room_open(r);
    nanos_t now = r->moment.boot;
    budget_charge(r->b, 0, host(), 30, now);
    budget_charge(r->b, 1, host(), 70, now);
    struct contract *next = calloc(1, sizeof *next), *old = r->contract;
    assert_non_null(next);
    *next = *old;
    next->budget[0] = old->budget[1]; /* reordered, one with another limit and window, one new */
    next->budget[1] = old->budget[0];
    next->budget[1].window[0].limit = 40;
    next->budget[0].window[0] = (struct window){2 * NANOS_HOUR, 100};
    next->budget[next->budget_count] = old->budget[0];
    snprintf(next->budget[next->budget_count++].name, CONTRACT_NAME_SIZE, "third");
    struct error error;
    assert_int_equal(budget_prepare(r->b, next, &error), 0);
    assert_int_equal(budget_charge(r->b, 0, host(), 1, now).used, 31); /* nothing changed yet */
    budget_rollback(r->b);
    budget_commit(r->b);
    assert_int_equal(budget_peek(r->b, 0, host(), now).used, 31);
    assert_int_equal(budget_prepare(r->b, next, &error), 0);
    budget_commit(r->b);
    assert_int_equal(budget_peek(r->b, 1, host(), now).used, 31);
    assert_int_equal(budget_peek(r->b, 1, host(), now).limit, 40);
    assert_int_equal(budget_charge(r->b, 2, host(), 1, now).used, 1);
    /* The window of two hours knows what the window of one knew. */
    struct outcome o = budget_charge(r->b, 0, host(), 31, now + NANOS_SECOND);
    assert_int_equal(o.verdict, VERDICT_SLOW);
    assert_int_equal(o.used, 70);
    assert_int_equal(budget_charge(r->b, 0, host(), 30, now + NANOS_SECOND).used, 100);
    assert_int_equal(budget_charge(r->b, 0, host(), 1, now + 100 * NANOS_MINUTE).verdict,
                     VERDICT_SLOW);
    budget_close(r->b);
    r->b = NULL;
    room_free(r);
    free(next);
}

static void another_meter_under_the_same_name_begins_new_counts_and_holds_nobody(void **state)
{
    (void)state;
    struct room *r = room_new();
    struct budget_rule *rule =
        room_budget(r, "b", METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, OVER_HOLD);
    rule_window(rule, NANOS_HOUR, 5);
    room_open(r);
    struct contract *next = calloc(1, sizeof *next);
    assert_non_null(next);
    *next = *r->contract;
    next->budget[0].meter = METER_ORIGIN_REQUESTS;
    struct principal who = room_address(r, 1);
    nanos_t now = r->moment.boot;
    for (int i = 0; i < 6; i++)
        budget_charge(r->b, 0, &who, 1, now);
    assert_int_equal(budget_peek(r->b, 0, &who, now).verdict, VERDICT_HOLD);
    struct error error;
    assert_int_equal(budget_prepare(r->b, next, &error), 0);
    budget_commit(r->b);
    assert_int_equal(budget_peek(r->b, 0, &who, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &who, 1, now).used, 1);
    struct budget_state shown;
    budget_state(r->b, 0, now, &shown);
    assert_int_equal(shown.held, 0);
    budget_close(r->b);
    r->b = NULL;
    room_free(r);
    free(next);
}

static void more_budgets_than_were_ever_kept_are_refused_whole(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "kept", NANOS_HOUR, 100);
    room_open(r);
    struct error error;
    int status = 0;
    for (int generation = 0; generation < 10 && status == 0; generation++) {
        struct contract *next = calloc(1, sizeof *next);
        *next = *r->contract;
        for (int i = 1; i < 40; i++) {
            next->budget[i] = next->budget[0];
            snprintf(next->budget[i].name, CONTRACT_NAME_SIZE, "b%d-%d", generation, i);
        }
        next->budget_count = 40;
        status = budget_prepare(r->b, next, &error);
        budget_rollback(r->b);
        free(next);
    }
    assert_int_equal(status, -ENOSPC);
    assert_int_equal(budget_charge(r->b, 0, host(), 1, r->moment.boot).used, 1);
    room_free(r);
}

/* Every call that reads what the files hold; what comes of it does not matter, only that it comes
 * back. */
static void use_everything(struct room *r, nanos_t now)
{
    for (uint32_t i = 0; i < 300; i++) {
        struct principal p = i % 2 ? room_pass(r, i % 30) : room_address(r, i % 30);
        budget_charge(r->b, i % 2, &p, 1 + i % 7, now + i);
        budget_charge_distinct(r->b, 2, &p, i, now + i);
    }
    for (int i = 0; i < 20; i++)
        budget_tick(r->b, now + i * NANOS_SECOND);
    struct hold h[100];
    struct budget_state s;
    struct guard_process g[GUARD_MAX_PROCESSES];
    if (holds_list(r->b, now, h, 100)) {
        char text[PRINCIPAL_TEXT_SIZE];
        principal_text(&h[0].principal, text);
        hold_release(r->b, h[0].id, now);
    }
    for (unsigned i = 0; i < 3; i++)
        budget_state(r->b, i, now, &s);
    guard_processes(r->b, g, GUARD_MAX_PROCESSES);
}

/* Up to 4000 bytes of the file from `from` on become others. */
static void damage_file(const char *path, uint64_t from, uint64_t *random)
{
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    unsigned flips = 1 + (unsigned)(room_random(random) % 4000);
    for (unsigned i = 0; i < flips; i++) {
        uint64_t byte = room_random(random);
        off_t at = (off_t)(from + room_random(random) % ((uint64_t)st.st_size - from));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
}

/* A contract edited for years: each time 40 names and 20 promises that were never there before. */
static void names_no_longer_used_make_room_over_the_years(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "kept", 30 * NANOS_DAY, 1000000);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct contract *former = r->contract;
    for (unsigned generation = 0; generation < 60; generation++) {
        struct contract *next = calloc(1, sizeof *next);
        assert_non_null(next);
        *next = *r->contract;
        for (unsigned i = 1; i < 41; i++) {
            next->budget[i] = next->budget[0];
            next->budget[i].window[0].span = NANOS_HOUR;
            snprintf(next->budget[i].name, CONTRACT_NAME_SIZE, "b%u-%u", generation, i);
        }
        next->budget_count = 41;
        for (unsigned i = 0; i < 20; i++) {
            next->promise[i] = (struct promise_rule){
                .route = (int16_t)i, .success = 990000, .within = NANOS_SECOND, .over = NANOS_HOUR};
            snprintf(next->promise[i].name, CONTRACT_NAME_SIZE, "p%u-%u", generation, i);
        }
        next->promise_count = 20;
        assert_int_equal(budget_prepare(r->b, next, NULL), 0);
        budget_commit(r->b);
        if (former != r->contract)
            free(former);
        former = next;
        for (unsigned i = 1; i < 41; i++)
            assert_int_equal(budget_charge(r->b, i, host(), 7, now).used, 7);
        struct budget_state s;
        budget_state(r->b, 40, now, &s);
        assert_int_equal(s.charged, 1);
        promise_record(r->b, 19, 200, 0, now);
        struct promise_state p;
        promise_state(r->b, 19, now, &p);
        assert_int_equal(p.answers, 1);
        /* What stayed goes on: 30 days of one charge in 26 hours. */
        uint64_t used = budget_charge(r->b, 0, host(), 1, now).used;
        assert_in_range(used, generation < 27 ? generation + 1 : 27, 29);
        budget_tick(r->b, now);
        now += 26 * NANOS_HOUR;
        budget_tick(r->b, now);
    }
    budget_close(r->b);
    r->b = NULL;
    free(former);
    room_free(r);
}

static void damage_at_random_is_refused_or_harmless(void **state)
{
    (void)state;
    uint64_t random = room_seed() + 77;
    unsigned rounds = room_is_long() ? 3000 : 150, refused = 0, opened = 0;
    for (unsigned round = 0; round < rounds; round++) {
        struct room *r = room_new();
        r->sizes = (struct budget_sizes){.cells = 64, .rings = 128, .holds = 64, .things = 64};
        struct budget_rule *rule = room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD);
        rule_window(rule, NANOS_MINUTE, 5);
        rule_window(rule, NANOS_HOUR, 8);
        rule_window(room_budget(r, "e", METER_BYTES_OUT, PRINCIPAL_EVERYONE, OVER_HOLD), NANOS_DAY,
                    50);
        rule_window(room_budget(r, "d", METER_FILES_READ, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_DAY,
                    50);
        room_open(r);
        for (int use = 0; use < 2; use++) {
            use_everything(r, r->moment.boot + use * 90 * NANOS_SECOND);
            if (use)
                break;
            budget_close(r->b);
            r->b = NULL;
            char path[128];
            snprintf(path, sizeof path, "%s/%s", r->folder,
                     round % 2 ? "front.segment" : "budget/front.rings");
            damage_file(path, round % 3 ? 4096 : 0, &random);
            int status = budget_open(r->contract, GUARD_FRONT, false, &r->b, NULL);
            if (status < 0) {
                refused++;
                r->b = NULL;
                break;
            }
            opened++;
        }
        /* `ecluse run` comes again: what was damaged is set aside, and everything works. */
        struct error error;
        budget_close(r->b);
        r->b = NULL;
        int status = budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, &error);
        assert_in_range(status, 0, 2);
        assert_int_equal(budget_open(r->contract, GUARD_FRONT, false, &r->b, &error), 0);
        room_free(r);
    }
    assert_true(refused > 0 && opened > 0);
}

static void a_file_of_another_version_or_guard_is_refused(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "b", NANOS_HOUR, 100);
    struct budgets *b = NULL;
    assert_int_equal(budget_open(r->contract, GUARD_FRONT, false, &b, NULL), -ENOENT);
    room_open(r);
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/front.segment", r->folder);
    snprintf(to, sizeof to, "%s/files.segment", r->folder);
    assert_int_equal(link(from, to), 0);
    assert_int_equal(budget_open(r->contract, GUARD_FILES, false, &b, NULL), -EUCLEAN);
    snprintf(to, sizeof to, "%s/desk.segment", r->folder);
    assert_int_equal(symlink(from, to), 0);
    assert_int_equal(budget_open(r->contract, GUARD_DESK, false, &b, NULL), -EUCLEAN);
    assert_int_equal(truncate(from, 8192), 0);
    assert_int_equal(budget_open(r->contract, GUARD_FRONT, false, &b, NULL), -EUCLEAN);
    assert_null(b);
    budget_close(r->b);
    r->b = NULL;
    struct error error;
    assert_int_equal(budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, &error), 1);
    room_free(r);
}

static void an_older_layout_is_migrated_and_a_newer_one_set_aside(void **state)
{
    (void)state;
    for (uint32_t version = 0; version <= 2; version += 2) {
        struct room *r = room_new();
        bytes(r, "b", NANOS_HOUR, 100);
        room_open(r);
        budget_charge(r->b, 0, host(), 42, r->moment.boot);
        budget_close(r->b);
        r->b = NULL;
        char path[FILE_PATH_SIZE];
        file_path(r->contract, GUARD_FRONT, FILE_RINGS, path);
        struct file_header h;
        int fd = open(path, O_RDWR);
        assert_int_equal(pread(fd, &h, sizeof h, 0), sizeof h);
        h.version = version;
        h.section_count = 4;
        h.size = h.section[4].offset;
        h.check = file_header_check(&h);
        assert_int_equal(pwrite(fd, &h, sizeof h, 0), sizeof h);
        assert_int_equal(ftruncate(fd, (off_t)h.size), 0);
        close(fd);
        struct error error = {""};
        assert_int_equal(budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, &error),
                         version == 0 ? 0 : 1);
        assert_int_equal(budget_open(r->contract, GUARD_FRONT, false, &r->b, &error), 0);
        assert_int_equal(budget_peek(r->b, 0, host(), r->moment.boot).used, version == 0 ? 42 : 0);
        room_free(r);
    }
}

static void every_guards_principals_are_hashed_under_a_key_of_its_own(void **state)
{
    (void)state;
    struct room *r = room_new(), *other = room_new();
    room_open(r);
    room_open(other);
    assert_true(r->b->key.k0 && r->b->key.k1);
    assert_true(r->b->key.k0 != other->b->key.k0 && r->b->key.k1 != other->b->key.k1);
    room_free(other);
    room_free(r);
}

static void who_has_the_old_file_open_learns_that_there_is_a_new_one(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "b", NANOS_HOUR, 100);
    room_open(r);
    assert_false(budget_is_replaced(r->b));
    struct error error;
    assert_int_equal(budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, &error), 0);
    assert_false(budget_is_replaced(r->b)); /* the same files are taken over */
    r->sizes.cells *= 2;
    assert_int_equal(budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, &error), 0);
    assert_true(budget_is_replaced(r->b));
    room_free(r);
}

static void a_reader_changes_nothing_and_sees_the_same(void **state)
{
    (void)state;
    struct room *r = room_new();
    bytes(r, "b", NANOS_HOUR, 100);
    room_open(r);
    budget_charge(r->b, 0, host(), 42, r->moment.boot);
    struct budgets *reader = NULL;
    assert_int_equal(budget_open(r->contract, GUARD_FRONT, true, &reader, NULL), 0);
    assert_int_equal(budget_charge(reader, 0, host(), 42, r->moment.boot).used, 42);
    budget_tick(reader, r->moment.boot);
    assert_int_equal(guard_register(reader, r->moment.boot), -EACCES);
    struct budget_state s;
    budget_state(reader, 0, r->moment.boot, &s);
    assert_true(s.has_worst && s.worst.used == 42 && s.charged == 1);
    budget_close(reader);
    room_free(r);
}

static void an_idle_principal_leaves_nothing_behind(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_HOLD), NANOS_HOUR, 3);
    room_open(r);
    struct principal p = room_pass(r, 0x5a5a5a5a);
    nanos_t now = r->moment.boot;
    for (int i = 0; i < 5; i++)
        budget_charge(r->b, 0, &p, 1, now);
    now += 3 * NANOS_HOUR;
    for (int i = 0; i < 700; i++)
        budget_tick(r->b, now + i * NANOS_SECOND);
    char command[300];
    snprintf(command, sizeof command,
             "LC_ALL=C grep -qaP 'ZZZZ\\x07' %s/front.segment %s/budget/front.rings", r->folder,
             r->folder);
    assert_int_not_equal(system(command), 0);
    room_free(r);
}

static void two_deaths_inside_the_store_within_a_minute_switch_it_off(void **state)
{
    (void)state;
    struct room *r = room_new();
    r->moment.boot = 10 * NANOS_SECOND; /* soon after the boot too, one is not two */
    room_open(r);
    nanos_t now = r->moment.boot;
    for (int i = 0; i < 2; i++) {
        assert_false(guard_store_is_off(r->b));
        pid_t pid = fork();
        if (pid == 0) {
            int slot = guard_register(r->b, now);
            guard_enter_store(r->b, slot);
            _exit(slot < 0);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        now += 5 * NANOS_SECOND;
        budget_tick(r->b, now);
    }
    assert_true(guard_store_is_off(r->b));
    guard_store_is_new(r->b, 2);
    assert_false(guard_store_is_off(r->b));
    struct guard_process g[2];
    assert_int_equal(guard_processes(r->b, g, 2), 0);
    int slot = guard_register(r->b, now);
    guard_set_generation(r->b, slot, 3, 2, 0);
    assert_int_equal(guard_processes(r->b, g, 2), 1);
    assert_true(g[0].pid == getpid() && g[0].prepared == 3 && g[0].running == 2);
    guard_count(r->b, COUNTER_LOOKUPS, 5);
    assert_int_equal(guard_counter_read(r->b, COUNTER_LOOKUPS), 5);
    guard_beat(r->b, slot, now + NANOS_SECOND);
    guard_leave(r->b, slot);
    assert_int_equal(guard_processes(r->b, g, 2), 0);
    assert_int_equal(guard_last_heard(r->b), now + NANOS_SECOND); /* it left in order */
    room_free(r);
}

static void a_promise_counts_its_window_and_says_how_much_is_left(void **state)
{
    (void)state;
    struct room *r = room_new();
    r->contract->promise_count = 1;
    r->contract->promise[0] = (struct promise_rule){.name = "p",
                                                    .route = 2,
                                                    .success = 990000,
                                                    .within = 300 * NANOS_MILLISECOND,
                                                    .over = 5 * NANOS_MINUTE};
    room_open(r);
    nanos_t now = r->moment.boot;
    struct promise_state s;
    promise_state(r->b, 0, now, &s);
    assert_int_equal(s.share, 1000000);
    for (int i = 0; i < 1000; i++)
        promise_record(r->b, 2, i < 5 ? 503 : 404, (i < 8 ? 400 : 10) * NANOS_MILLISECOND, now);
    promise_record(r->b, 2, 429, 0, now);
    promise_record(r->b, 2, 444, 0, now);
    promise_record(r->b, 1, 200, 0, now);
    promise_state(r->b, 0, now, &s);
    assert_int_equal(s.answers, 1000);
    assert_int_equal(s.kept, 992);
    assert_int_equal(s.left, 2);
    assert_false(s.broken);
    assert_in_range(s.p50, 10 * NANOS_MILLISECOND, 20 * NANOS_MILLISECOND);
    for (int i = 0; i < 3; i++)
        promise_record(r->b, 2, 200, NANOS_SECOND, now + NANOS_SECOND);
    promise_state(r->b, 0, now + NANOS_SECOND, &s);
    assert_true(s.broken && s.left == 0);
    promise_state(r->b, 0, now + 6 * NANOS_MINUTE, &s);
    assert_int_equal(s.answers, 0);
    room_free(r);
}

/* Whom nobody vouches for begins a window with a quarter in a cell, but not a second time. */
static void a_changed_window_gives_no_second_quarter(void **state)
{
    (void)state;
    static const struct window changed[] = {
        {2 * NANOS_HOUR, 95}, {30 * NANOS_MINUTE, 95}, {2 * NANOS_HOUR, 120}};
    static const unsigned more[] = {0, 0, 20};
    for (unsigned i = 0; i < 3; i++) {
        struct room *r = room_new();
        rule_window(
            room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_HOUR, 100);
        room_open(r);
        nanos_t now = r->moment.boot;
        struct principal p = room_address(r, 7), other = room_address(r, 8);
        for (unsigned k = 0; k < 100; k++)
            assert_int_equal(budget_charge(r->b, 0, &p, 1, now).verdict, VERDICT_ALLOW);
        struct contract *next = calloc(1, sizeof *next);
        assert_non_null(next);
        *next = *r->contract;
        next->budget[0].window[0] = changed[i];
        assert_int_equal(budget_prepare(r->b, next, NULL), 0);
        budget_commit(r->b);
        unsigned passed = 0, of_other = 0;
        for (unsigned k = 0; k < 200; k++) {
            passed += budget_charge(r->b, 0, &p, 1, now).verdict == VERDICT_ALLOW;
            of_other += budget_charge(r->b, 0, &other, 1, now).verdict == VERDICT_ALLOW;
        }
        assert_int_equal(passed, more[i]);
        assert_int_equal(of_other, changed[i].limit);
        budget_close(r->b);
        r->b = NULL;
        free(next);
        room_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_survive_a_reboot_and_age_by_the_wall_clock_once),
        cmocka_unit_test(a_wall_clock_that_jumped_is_told_and_forgets_nothing_backwards),
        cmocka_unit_test(counts_are_kept_by_name_when_a_contract_changes),
        cmocka_unit_test(a_changed_window_gives_no_second_quarter),
        cmocka_unit_test(another_meter_under_the_same_name_begins_new_counts_and_holds_nobody),
        cmocka_unit_test(more_budgets_than_were_ever_kept_are_refused_whole),
        cmocka_unit_test(names_no_longer_used_make_room_over_the_years),
        cmocka_unit_test(damage_at_random_is_refused_or_harmless),
        cmocka_unit_test(a_file_of_another_version_or_guard_is_refused),
        cmocka_unit_test(an_older_layout_is_migrated_and_a_newer_one_set_aside),
        cmocka_unit_test(every_guards_principals_are_hashed_under_a_key_of_its_own),
        cmocka_unit_test(who_has_the_old_file_open_learns_that_there_is_a_new_one),
        cmocka_unit_test(a_reader_changes_nothing_and_sees_the_same),
        cmocka_unit_test(an_idle_principal_leaves_nothing_behind),
        cmocka_unit_test(two_deaths_inside_the_store_within_a_minute_switch_it_off),
        cmocka_unit_test(a_promise_counts_its_window_and_says_how_much_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
