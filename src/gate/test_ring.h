/* test_ring.h: a ring of keys for the tests of tokens, made by rotation as `ecluse run` does it. */
#ifndef ECLUSE_GATE_TEST_RING_H
#define ECLUSE_GATE_TEST_RING_H

#include "gate/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY = 86400, WEEK = 7 * DAY };

static const int64_t BEGIN = 1800000000; /* seconds since 1970 */
static struct keyring ring;
static char ring_folder[] = "/tmp/ecluse-ring-XXXXXX", ring_path[64];

/* As it is `after` seconds later, `ecluse run` having looked each hour. */
static inline void ring_at(int64_t after)
{
    unlink(ring_path);
    for (int64_t t = 0; t <= after; t += 3600)
        assert_true(keyring_rotate(ring_path, BEGIN + t, WEEK, -1, NULL) >= 0);
    assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
}

static inline int ring_make(void **state)
{
    (void)state;
    if (!mkdtemp(ring_folder))
        return -1;
    snprintf(ring_path, sizeof ring_path, "%s/pass.keys", ring_folder);
    ring_at(0);
    return 0;
}

static inline int ring_remove(void **state)
{
    (void)state;
    unlink(ring_path);
    return rmdir(ring_folder);
}

/* Another character of base64url, whatever stands there. */
static inline char ring_other(char c)
{
    return c == 'A' ? 'B' : 'A';
}

#endif
