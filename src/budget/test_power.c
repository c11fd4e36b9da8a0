/* Power cuts: of each page of the rings' file, what was synced or anything later may be there
 * afterwards. */
#include "budget/file.h"
#include "budget/test_room.h"

#include <fcntl.h>

enum { HOSTS = 24, BATCHES = 40, CHARGES = 60, MOST = BATCHES * CHARGES };

struct made { /* a charge that was admitted */
    uint32_t host;
    uint64_t amount;
    nanos_t at;
    bool synced;
};

struct world {
    struct room *r;
    struct made made[MOST];
    size_t count;
    uint8_t *synced;
    size_t size;
    uint64_t random, last_hold;
    nanos_t now;
};

/* Others come every hour, so that places change hands. */
static struct principal host_of(uint32_t n)
{
    char name[16];
    snprintf(name, sizeof name, "h%u", n);
    return principal_named(PRINCIPAL_HOST, text_of(name));
}

static void charge_batch(struct world *w)
{
    for (unsigned i = 0; i < CHARGES; i++) {
        uint32_t n =
            (uint32_t)(w->now / NANOS_HOUR * HOSTS + (nanos_t)(room_random(&w->random) % HOSTS));
        struct principal p = host_of(n);
        uint64_t amount = 1 + room_random(&w->random) % 9;
        struct outcome o = budget_charge(w->r->b, 0, &p, amount, w->now);
        assert_int_equal(o.verdict, VERDICT_ALLOW);
        w->made[w->count++] = (struct made){n, amount, w->now, false};
        w->now += NANOS_SECOND / CHARGES;
    }
}

/* The id of a hold that begins now: what is over is a budget of nothing but that. */
static uint64_t hold_now(struct room *r, uint32_t n, nanos_t now)
{
    struct principal p = host_of(n);
    budget_charge(r->b, 1, &p, 1, now);
    return budget_charge(r->b, 1, &p, 1, now).hold;
}

static void sync_now(struct world *w)
{
    struct moment m = w->r->moment;
    m.wall += w->now - m.boot;
    m.boot = w->now;
    assert_int_equal(budget_sync_at(w->r->b, m), 0);
    assert_int_equal(w->size, w->r->b->rings_size);
    memcpy(w->synced, w->r->b->rings_file, w->size);
    for (size_t i = 0; i < w->count; i++)
        w->made[i].synced = true;
}

static void power_cut(struct world *w, unsigned newer_in_16)
{
    char path[FILE_PATH_SIZE];
    file_path(w->r->contract, GUARD_FRONT, FILE_RINGS, path);
    for (size_t at = 0; at < w->size; at += LAYOUT_PAGE)
        if (room_random(&w->random) % 16 < newer_in_16)
            memcpy(w->synced + at, w->r->b->rings_file + at, LAYOUT_PAGE);
    budget_close(w->r->b);
    w->r->b = NULL;
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, w->synced, w->size, 0), w->size);
    close(fd);
    file_path(w->r->contract, GUARD_FRONT, FILE_SEGMENT, path);
    assert_int_equal(unlink(path), 0); /* it was in memory */
}

static void nothing_but_the_last_second_is_lost(struct world *w)
{
    struct moment m = {.boot = 20 * NANOS_SECOND, .boot_id = {9}};
    m.wall = w->r->moment.wall + (w->now - w->r->moment.boot) + NANOS_MINUTE;
    struct error error = {""};
    int status = budget_create(w->r->contract, GUARD_FRONT, &w->r->sizes, m, -1, &error);
    if (status)
        print_message("%s\n", error.text);
    assert_int_equal(status, 0);
    assert_int_equal(budget_open(w->r->contract, GUARD_FRONT, false, &w->r->b, &error), 0);
    nanos_t now = w->now + NANOS_MINUTE; /* as the world counts */
    uint32_t last = (uint32_t)(w->now / NANOS_HOUR + 1) * HOSTS;
    for (uint32_t n = last - 3 * HOSTS; n < last; n++) {
        uint64_t least = 0, most = 0;
        for (size_t i = 0; i < w->count; i++) {
            const struct made *made = &w->made[i];
            if (made->host != n)
                continue;
            most += made->at > now - NANOS_HOUR - 3 * NANOS_MINUTE ? made->amount : 0;
            least += made->synced && made->at > now - NANOS_HOUR ? made->amount : 0;
        }
        struct principal p = host_of(n);
        uint64_t used = budget_peek(w->r->b, 0, &p, m.boot).used;
        assert_in_range(used, least, most);
    }
    for (uint32_t n = 0; n < 30; n++) { /* and there is room for others */
        struct principal p = host_of(1000000 + n);
        struct outcome o = budget_charge(w->r->b, 0, &p, 7, m.boot);
        assert_true(o.used == 7 && o.charged_to == CHARGED_SELF);
    }
    assert_true(hold_now(w->r, 2, m.boot) > w->last_hold); /* no id is given twice */
}

static void a_power_cut_loses_the_last_second_and_mixes_nothing_up(void **state)
{
    (void)state;
    unsigned rounds = room_is_long() ? 3000 : 100;
    static struct world w;
    for (unsigned round = 0; round < rounds; round++) {
        w = (struct world){.r = room_new(), .random = room_seed() + round};
        w.r->sizes = (struct budget_sizes){.cells = 64, .rings = 256, .holds = 128, .things = 64};
        rule_window(room_budget(w.r, "b", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW), NANOS_HOUR,
                    1000000);
        rule_window(room_budget(w.r, "h", METER_REQUESTS, PRINCIPAL_HOST, OVER_HOLD), NANOS_MINUTE,
                    1);
        room_open(w.r);
        w.now = w.r->moment.boot;
        w.size = w.r->b->rings_size;
        w.synced = malloc(w.size);
        assert_non_null(w.synced);
        for (unsigned i = 0; i < BATCHES - 1; i++) {
            charge_batch(&w);
            budget_tick(w.r->b, w.now);
            sync_now(&w);
            w.now += (nanos_t)(room_random(&w.random) % (uint64_t)(15 * NANOS_MINUTE));
        }
        charge_batch(&w);
        w.last_hold = hold_now(w.r, 1, w.now);
        assert_true(w.last_hold > 0);
        power_cut(&w, round % 17);
        nothing_but_the_last_second_is_lost(&w);
        free(w.synced);
        room_free(w.r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_loses_the_last_second_and_mixes_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
