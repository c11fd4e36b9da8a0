/* test_room.h: a contract and a folder for the tests of this room. */
#ifndef ECLUSE_BUDGET_TEST_ROOM_H
#define ECLUSE_BUDGET_TEST_ROOM_H

#include "budget/budget.h"
#include "budget/guard.h"
#include "budget/promise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct room {
    struct contract *contract;
    struct budgets *b;
    struct budget_sizes sizes;
    char folder[64];
    struct moment moment;
};

static inline struct budget_rule *room_budget(struct room *r, const char *name, enum meter meter,
                                              enum principal_kind per, enum over over)
{
    struct budget_rule *rule = &r->contract->budget[r->contract->budget_count++];
    *rule = (struct budget_rule){.meter = meter,
                                 .per = per,
                                 .over = over,
                                 .mode = MODE_ENFORCE,
                                 .route = -1,
                                 .share = -1,
                                 .trusted = -1,
                                 .class = CONTRACT_CLASS_ANY,
                                 .hold_for = over == OVER_HOLD ? NANOS_HOUR : 0,
                                 .breaker = 50000};
    snprintf(rule->name, sizeof rule->name, "%s", name);
    return rule;
}

static inline void rule_window(struct budget_rule *rule, nanos_t span, uint64_t limit)
{
    rule->window[rule->window_count++] = (struct window){span, limit};
}

/* A test that fails never comes to room_free(); what stands then is removed as its program ends. */
enum { ROOMS_STANDING = 64 };

static struct {
    pid_t owner; /* a child that ends is not the program */
    char folder[ROOMS_STANDING][64];
} rooms_standing;

static inline void folder_remove(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        print_message("%s stays\n", folder);
}

static inline void rooms_remove(void)
{
    for (int i = 0; i < ROOMS_STANDING && rooms_standing.owner == getpid(); i++)
        if (rooms_standing.folder[i][0])
            folder_remove(rooms_standing.folder[i]);
}

static inline void room_stands(const char *folder, bool stands)
{
    int i = 0;
    if (rooms_standing.owner == 0) {
        rooms_standing.owner = getpid();
        atexit(rooms_remove);
    }
    while (i < ROOMS_STANDING && strcmp(rooms_standing.folder[i], stands ? "" : folder) != 0)
        i++;
    if (i < ROOMS_STANDING)
        snprintf(rooms_standing.folder[i], sizeof rooms_standing.folder[i], "%s",
                 stands ? folder : "");
}

static inline struct room *room_new(void)
{
    struct room *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->contract = calloc(1, sizeof *r->contract);
    assert_non_null(r->contract);
    /* In memory where that is possible: hundreds of rooms are made, and each is synced. */
    snprintf(r->folder, sizeof r->folder, "%s/ecluse-budget-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(r->folder));
    room_stands(r->folder, true);
    snprintf(r->contract->state, sizeof r->contract->state, "%s", r->folder);
    snprintf(r->contract->runtime, sizeof r->contract->runtime, "%s", r->folder);
    r->sizes =
        (struct budget_sizes){.cells = 1 << 14, .rings = 1 << 10, .holds = 512, .things = 1 << 14};
    r->moment = (struct moment){.boot = 1000 * NANOS_SECOND,
                                .wall = 1700000000 * NANOS_SECOND,
                                .boot_id = {1, 2, 3}};
    return r;
}

static inline void room_open(struct room *r)
{
    struct error error = {""};
    int status = budget_create(r->contract, GUARD_FRONT, &r->sizes, r->moment, -1, &error);
    if (status)
        print_message("%s\n", error.text);
    assert_int_equal(status, 0);
    status = budget_open(r->contract, GUARD_FRONT, false, &r->b, &error);
    if (status)
        print_message("%s\n", error.text);
    assert_int_equal(status, 0);
}

static inline void room_free(struct room *r)
{
    budget_close(r->b);
    folder_remove(r->folder);
    room_stands(r->folder, false);
    free(r->contract);
    free(r);
}

static inline struct principal room_address(const struct room *r, uint32_t n)
{
    uint8_t a[16] = {0,
                     0,
                     0,
                     0,
                     0,
                     0,
                     0,
                     0,
                     0,
                     0,
                     0xff,
                     0xff,
                     (uint8_t)(n >> 24),
                     (uint8_t)(n >> 16),
                     (uint8_t)(n >> 8),
                     (uint8_t)n};
    return principal_client(r->contract, a);
}

static inline struct principal room_pass(const struct room *r, uint32_t n)
{
    uint8_t a[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, (uint8_t)n};
    uint8_t pass[16] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24), 7};
    return principal_pass(r->contract, pass, a);
}

/* xorshift64* (Vigna 2014): the same numbers for the same seed, everywhere. */
static inline uint64_t room_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t room_seed(void)
{
    const char *given = getenv("ECLUSE_SEED");
    return given ? strtoull(given, NULL, 10) : 20261122;
}

static inline bool room_is_long(void)
{
    return getenv("ECLUSE_LONG") != NULL;
}

#endif
