#include "tracking/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { START = 1763000000, DAY = 86400, BEFORE = 60 * DAY };

static char state_dir[64];
static struct store *writer;
static struct history history;

static struct parcel_number number_of(unsigned i)
{
    struct parcel_number parcel = {.length = 13};
    snprintf(parcel.text, sizeof parcel.text, "RA%09uFR", i);
    return parcel;
}

static struct event event_of(unsigned parcel, int64_t at, const char *code, const char *place)
{
    struct event e = {.parcel = number_of(parcel),
                      .at = at,
                      .offset = 60,
                      .step = STEP_IN_TRANSIT,
                      .country = "FR",
                      .source = "depots"};
    snprintf(e.code, sizeof e.code, "%s", code);
    snprintf(e.place, sizeof e.place, "%s", place);
    return e;
}

static struct store_batch *begin(void)
{
    struct store_batch *batch;
    struct error error;
    assert_int_equal(store_begin(writer, &batch, &error), 0);
    return batch;
}

static int add(struct store_batch *batch, struct event event)
{
    return store_add(batch, &event, BEFORE, START + 7);
}

/* Events of parcel i: a function of i, so that a reader can tell a right answer from a wrong one.
 * */
static void feed(unsigned from, unsigned to)
{
    struct store_batch *batch = begin();
    for (unsigned i = from; i < to; i++) {
        char place[32];
        snprintf(place, sizeof place, "Place %u", i % 97);
        for (unsigned k = 0; k < 3; k++)
            assert_true(add(batch, event_of(i, START + i + k * 1000, k ? "ET1" : "PC1", place)) >=
                        0);
    }
    assert_int_equal(store_commit(batch, NULL), 0);
}

static bool is_right(const struct history *h, unsigned i)
{
    char place[32];
    snprintf(place, sizeof place, "Place %u", i % 97);
    if (h->count != 3 || h->changed != START + 7 || !text_is(h->source, "depots"))
        return false;
    for (unsigned k = 0; k < 3; k++)
        if (h->event[k].at != START + i + k * 1000 || !text_is(h->event[k].place, place) ||
            !text_is(h->event[k].code, k ? "ET1" : "PC1") ||
            strcmp(h->event[k].country, "FR") != 0 || h->event[k].offset != 60 ||
            h->event[k].step != STEP_IN_TRANSIT)
            return false;
    return true;
}

static enum store_result get(struct store *s, unsigned i)
{
    struct parcel_number parcel = number_of(i);
    return store_get(s, &parcel, &history);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(state_dir, "/tmp/ecluse-store-XXXXXX");
    return mkdtemp(state_dir) ? store_open(state_dir, false, &writer, NULL) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    store_close(writer);
    snprintf(command, sizeof command, "rm -rf %s", state_dir);
    return system(command);
}

/* LMDB may be opened once in a process: readers are children. Returns the child's exit status, or
 * 128 and its signal. */
static int in_child(int (*work)(struct store *reader, unsigned argument), unsigned argument)
{
    pid_t child = fork();
    if (child == 0) {
        struct store *reader;
        struct error error;
        static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
        for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
            signal(deadly[i], SIG_DFL); /* cmocka catches them, and would run on in the child */
        int code = store_open(state_dir, true, &reader, &error);
        if (code && getenv("ECLUSE_TEST_SHOW"))
            fprintf(stderr, "%s\n", error.text);
        _exit(code ? 100 : work(reader, argument));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void a_history_carries_all_that_was_fed(void **state)
{
    (void)state;
    struct store_batch *batch = begin();
    struct event e = event_of(1, START, "ET1", "Roissy");
    e.delivery_day = 20410;
    strcpy(e.product, "Colissimo");
    strcpy(e.pickup, "P0042");
    assert_int_equal(add(batch, e), ADDED_NEW_PARCEL);
    assert_int_equal(add(batch, event_of(1, START + 60, "DI1", "Lyon")), ADDED_EVENT);
    assert_int_equal(store_commit(batch, NULL), 0);
    assert_int_equal(get(writer, 1), STORE_FOUND);
    assert_string_equal(history.parcel.text, "RA000000001FR");
    assert_int_equal(history.count, 2);
    assert_int_equal(history.changed, START + 7);
    assert_int_equal(history.delivery_day, 20410);
    assert_true(text_is(history.product, "Colissimo") && text_is(history.pickup, "P0042"));
    assert_true(text_is(history.source, "depots"));
    assert_true(text_is(history.event[0].place, "Roissy") && text_is(history.event[1].code, "DI1"));
    assert_true(history.event[1].at == START + 60 && history.event[1].offset == 60);
    assert_string_equal(history.event[1].country, "FR");
    assert_int_equal(get(writer, 2), STORE_ABSENT);
    struct parcel_number empty = {0}, word = {.length = 6, .text = "\1\0\0\0\0\1"};
    assert_int_equal(store_get(writer, &empty, &history), STORE_ABSENT);
    assert_int_equal(store_get(writer, &word, &history), STORE_ABSENT);
}

static void the_same_event_twice_is_one(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) { /* within a batch and after it */
        struct store_batch *batch = begin();
        assert_int_equal(add(batch, event_of(1, START, "ET1", "Lyon")),
                         round ? ADDED_NOTHING : ADDED_NEW_PARCEL);
        assert_int_equal(add(batch, event_of(1, START, "ET1", "Lyon")), ADDED_NOTHING);
        struct event other = event_of(1, START, "ET1", "Lyon");
        strcpy(other.source, "partner");
        assert_int_equal(add(batch, other), ADDED_NOTHING);
        assert_int_equal(store_commit(batch, NULL), 0);
    }
    assert_int_equal(get(writer, 1), STORE_FOUND);
    assert_int_equal(history.count, 1);
}

static void a_repeated_event_that_moves_the_delivery_day_is_taken(void **state)
{
    (void)state;
    struct store_batch *batch = begin();
    struct event e = event_of(1, START, "ET1", "Lyon");
    e.delivery_day = 20410;
    assert_int_equal(add(batch, e), ADDED_NEW_PARCEL);
    e.delivery_day = 20411;
    assert_int_equal(add(batch, e), ADDED_FACTS);
    assert_int_equal(store_commit(batch, NULL), 0);
    assert_int_equal(get(writer, 1), STORE_FOUND);
    assert_int_equal(history.delivery_day, 20411);
    assert_int_equal(history.count, 1);
}

static uint64_t fed_in_order(unsigned parcel, const unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct store_batch *batch = begin();
        unsigned k = order[i];
        static const char *const places[] = {"Lyon", "Nantes", "Lille"};
        struct event e = event_of(parcel, START + k / 2 * 500, "ET1", places[k % 3]);
        e.delivery_day = k % 2 ? 20400 + (int32_t)k : 0;
        assert_true(add(batch, e) >= 0);
        assert_int_equal(store_commit(batch, NULL), 0);
    }
    assert_int_equal(get(writer, parcel), STORE_FOUND);
    uint64_t sum = (uint64_t)history.delivery_day;
    for (uint32_t i = 0; i < history.count; i++)
        sum = hash_checksum(sum + (uint64_t)history.event[i].at, history.event[i].place.data,
                            history.event[i].place.length);
    return sum;
}

static void any_order_gives_the_same_history(void **state)
{
    (void)state;
    static const unsigned orders[][6] = {
        {0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {3, 0, 5, 1, 4, 2}};
    uint64_t first = fed_in_order(1, orders[0], 6);
    assert_true(first == fed_in_order(2, orders[1], 6));
    assert_true(first == fed_in_order(3, orders[2], 6));
}

static void what_does_not_fit_is_refused_and_the_rest_stays(void **state)
{
    (void)state;
    struct store_batch *batch = begin();
    for (int i = 0; i < STORE_MAX_EVENTS; i++)
        assert_true(add(batch, event_of(1, START + i, "ET1", "Lyon")) <= ADDED_EVENT);
    assert_int_equal(add(batch, event_of(1, START + 1000, "ET1", "Lyon")), ADDED_TOO_MANY);
    assert_int_equal(add(batch, event_of(2, START, "ET1", "Lyon")), ADDED_NEW_PARCEL);
    assert_int_equal(add(batch, event_of(2, START - BEFORE - 1, "ET1", "Lyon")), ADDED_TOO_EARLY);
    assert_int_equal(add(batch, event_of(2, START - BEFORE, "ET1", "Lyon")), ADDED_EVENT);
    assert_int_equal(add(batch, event_of(2, RECORD_EPOCH - 1, "ET1", "Lyon")), -EINVAL);
    assert_int_equal(store_commit(batch, NULL), 0);
    assert_int_equal(get(writer, 1), STORE_FOUND);
    assert_int_equal(history.count, STORE_MAX_EVENTS);
}

static void a_batch_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    struct store_batch *batch = begin();
    assert_int_equal(add(batch, event_of(1, START, "NEW", "Nowhere")), ADDED_NEW_PARCEL);
    assert_int_equal(add(batch, event_of(2, START, "NEW", "Nowhere")), ADDED_NEW_PARCEL);
    store_abort(batch);
    assert_int_equal(get(writer, 1), STORE_ABSENT);
    batch = begin(); /* words that the given-up batch took are written by the next one */
    assert_int_equal(add(batch, event_of(3, START, "NEW", "Nowhere")), ADDED_NEW_PARCEL);
    assert_int_equal(store_commit(batch, NULL), 0);
    struct store_figures figures;
    assert_int_equal(store_figures(writer, &figures), 0);
    assert_int_equal(figures.parcels, 1);
}

static int reads_what_comes_later(struct store *reader, unsigned pipes)
{
    int to = (int)(pipes >> 8), from = (int)(pipes & 255);
    char byte = 1;
    bool early = get(reader, 1) == STORE_ABSENT;
    if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
        return 9;
    return early && get(reader, 1) == STORE_FOUND && text_is(history.event[0].place, "Later") ? 0
                                                                                              : 1;
}

static void a_reader_takes_up_new_parcels_and_new_words(void **state)
{
    (void)state;
    int ask[2], answer[2];
    char byte;
    assert_true(pipe(ask) == 0 && pipe(answer) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(reads_what_comes_later, (unsigned)(answer[1] << 8 | ask[0])));
    assert_int_equal(read(answer[0], &byte, 1), 1);
    struct store_batch *batch = begin();
    assert_int_equal(add(batch, event_of(1, START, "WORD", "Later")), ADDED_NEW_PARCEL);
    assert_int_equal(store_commit(batch, NULL), 0);
    assert_int_equal(write(ask[1], &byte, 1), 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 0);
    for (int i = 0; i < 2; i++) {
        close(ask[i]);
        close(answer[i]);
    }
}

static void a_second_writer_is_told_who_has_the_lock(void **state)
{
    (void)state;
    struct store *second;
    struct error error;
    char pid[32];
    assert_int_equal(store_open(state_dir, false, &second, &error), -EBUSY);
    snprintf(pid, sizeof pid, "process %d)", (int)getpid());
    assert_non_null(strstr(error.text, pid));
}

static void files_have_the_rights_that_readers_need(void **state)
{
    (void)state;
    struct stat st;
    char path[STORE_PATH_SIZE];
    (void)store_path(path, state_dir, "parcels.mdb");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    (void)store_path(path, state_dir, "parcels.mdb-lock");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

static void old_parcels_expire_in_bounded_steps(void **state)
{
    (void)state;
    bool done = false;
    feed(0, 300); /* last events at START + i + 2000 */
    long steps = 0, removed = 0;
    while (!done) {
        long now = store_expire(writer, START + 2000 + 250, 20, &done, NULL);
        assert_in_range(now, 0, 20);
        removed += now;
        steps++;
        if (steps == 3)
            feed(5, 6); /* one that comes behind the walk stays until the next */
    }
    assert_int_equal(removed, 250);
    assert_true(steps >= 13);
    assert_int_equal(get(writer, 5), STORE_FOUND);
    assert_int_equal(get(writer, 249), STORE_ABSENT);
    for (unsigned i = 250; i < 300; i++)
        assert_true(get(writer, i) == STORE_FOUND && is_right(&history, i));
    assert_int_equal(store_expire(writer, START + 2250, 20, &done, NULL), 1);
    assert_true(done);
}

static int count_number(void *context, struct text number)
{
    unsigned *count = context;
    struct parcel_number parcel = number_of(*count);
    return text_is(number, parcel.text) ? (int)(++*count == 600) : -1;
}

static void each_number_is_visited_in_order_until_told_to_stop(void **state)
{
    (void)state;
    unsigned count = 0;
    feed(0, 500);
    assert_int_equal(store_each_number(writer, count_number, &count), 0);
    assert_int_equal(count, 500);
    count = 0;
    feed(500, 700);
    assert_int_equal(store_each_number(writer, count_number, &count), 1);
    assert_int_equal(count, 600);
}

static int dies_while_reading(struct store *reader, unsigned unused)
{
    (void)unused;
    if (store_read_begin(reader) != 0)
        return 1;
    kill(getpid(), SIGKILL);
    return 2;
}

/* 126 reader slots are LMDB's default; a killed worker leaks its own until someone looks. */
static void killed_readers_neither_fill_the_table_nor_hold_back_pages(void **state)
{
    (void)state;
    struct store_figures before, after;
    feed(0, 5000);
    for (int i = 0; i < 200; i++)
        assert_int_equal(in_child(dies_while_reading, 0), 128 + SIGKILL);
    for (int i = 0; i < 8; i++) {
        bool done;
        feed(0, 5000);
        assert_true(store_expire(writer, START + DAY * 30, 5000, &done, NULL) == 5000);
        if (i == 3)
            assert_int_equal(store_figures(writer, &before), 0);
    }
    assert_int_equal(store_figures(writer, &after), 0);
    assert_int_equal(after.bytes_file, before.bytes_file);
}

static void a_full_map_is_an_error_and_a_larger_one_is_taken_up(void **state)
{
    (void)state;
    struct error error;
    store_close(writer);
    assert_int_equal(store_open_sized(state_dir, false, 1 << 20, &writer, &error), 0);
    struct store_batch *batch = begin();
    int code = 0;
    unsigned i = 0;
    for (; code >= 0 && i < 100000; i++)
        code = add(batch, event_of(i, START, "ET1", "Lyon"));
    assert_int_equal(code, -ENOSPC);
    store_abort(batch);
    feed(0, 1000);
    store_close(writer);
    assert_int_equal(store_open(state_dir, false, &writer, &error), 0);
    feed(1000, 20000);
    assert_true(get(writer, 10) == STORE_FOUND && is_right(&history, 10));
}

/* ---- damage --------------------------------------------------------------------------------- */

enum { DAMAGED_PARCELS = 4000, ASKED = 400 };
enum { ANSWERED = 1, SAID_DAMAGED = 2, SAID_ABSENT = 4, SAID_FAILED = 8, WRONG = 16 };

static int ask_all(struct store *reader, unsigned seed)
{
    int saw = 0;
    for (unsigned k = 0; k < ASKED; k++) {
        unsigned i = (k * 7919 + seed) % DAMAGED_PARCELS;
        switch (get(reader, i)) {
        case STORE_FOUND:
            saw |= is_right(&history, i) ? ANSWERED : WRONG;
            break;
        case STORE_DAMAGED:
            saw |= SAID_DAMAGED;
            break;
        case STORE_ABSENT:
            saw |= SAID_ABSENT;
            break;
        default:
            saw |= SAID_FAILED;
        }
    }
    return saw;
}

static uint32_t draw_state = 20261122;

static uint32_t draw(void)
{
    draw_state ^= draw_state << 13;
    draw_state ^= draw_state >> 17;
    return draw_state ^= draw_state << 5;
}

/* What disks do: bits flip, sectors come back as others or as zeroes, files are cut. */
static void damage(uint8_t *bytes, size_t size, unsigned kind)
{
    size_t page = draw() % (size / 4096) * 4096;
    if (kind % 4 == 0)
        for (int i = 0; i < 64; i++)
            bytes[((size_t)draw() << 4) % size] ^= (uint8_t)(1 << draw() % 8);
    else if (kind % 4 == 1)
        memset(bytes + page, (int)(draw() & 255), 4096);
    else if (kind % 4 == 2)
        for (int i = 0; i < 8; i++)
            memcpy(bytes + draw() % (size / 512) * 512, bytes + draw() % (size / 512) * 512, 512);
    else
        for (int i = 0; i < 24; i++) /* headers of pages: where the tree's pointers are */
            bytes[draw() % (size / 4096) * 4096 + draw() % 64] = (uint8_t)draw();
}

static void two_hundred_damaged_files_never_give_a_wrong_answer(void **state)
{
    (void)state;
    char path[STORE_PATH_SIZE];
    for (unsigned i = 0; i < DAMAGED_PARCELS; i += 500)
        feed(i, i + 500);
    store_close(writer);
    writer = NULL;
    (void)store_path(path, state_dir, "parcels.mdb");
    int fd = open(path, O_RDWR);
    size_t size = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *good = malloc(size), *bad = malloc(size);
    assert_int_equal(pread(fd, good, size, 0), (ssize_t)size);
    assert_int_equal(in_child(ask_all, 0), ANSWERED);
    unsigned crashed = 0, refused = 0, right = 0, noticed = 0;
    for (unsigned round = 0; round < 200; round++) {
        memcpy(bad, good, size);
        damage(bad, size, round);
        assert_int_equal(pwrite(fd, bad, size, 0), (ssize_t)size);
        int saw = in_child(ask_all, round);
        crashed += saw > 128;
        refused += saw == 100;
        noticed += saw < 32 && saw != ANSWERED;
        right += saw == ANSWERED;
        if (saw < 32)
            assert_false(saw & WRONG);
    }
    print_message(
        "of 200: %u refused at open, %u noticed in records, %u read without meeting the damage, "
        "%u readers crashed, 0 wrong answers\n",
        refused, noticed, right, crashed);
    assert_true(noticed > 50);
    assert_int_equal(crashed + refused + right + noticed, 200);
    assert_int_equal(ftruncate(fd, (off_t)size / 2), 0);
    assert_int_equal(in_child(ask_all, 0), 100);
    free(good);
    free(bad);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        X(a_history_carries_all_that_was_fed),
        X(the_same_event_twice_is_one),
        X(a_repeated_event_that_moves_the_delivery_day_is_taken),
        X(any_order_gives_the_same_history),
        X(what_does_not_fit_is_refused_and_the_rest_stays),
        X(a_batch_that_is_given_up_leaves_nothing),
        X(a_reader_takes_up_new_parcels_and_new_words),
        X(a_second_writer_is_told_who_has_the_lock),
        X(files_have_the_rights_that_readers_need),
        X(old_parcels_expire_in_bounded_steps),
        X(each_number_is_visited_in_order_until_told_to_stop),
        X(killed_readers_neither_fill_the_table_nor_hold_back_pages),
        X(a_full_map_is_an_error_and_a_larger_one_is_taken_up),
        X(two_hundred_damaged_files_never_give_a_wrong_answer),
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
