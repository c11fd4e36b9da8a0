#include "egress/replay_rows.h"

#include "egress/replay_places.h"

#include <stdlib.h>

enum { MONDAY = 3 }; /* days from Monday to Thursday, 1 January 1970 */

struct replay_rows {
    struct hash_key secret;
    size_t most, count, buckets;
    struct replay_row *row;
    uint32_t *bucket, *next; /* index + 1 */
    uint32_t place[REPLAY_PLACES];
    uint64_t lost;
};

struct replay_rows *replay_rows_new(size_t most)
{
    struct replay_rows *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->secret = hash_key_random();
    r->most = most;
    r->buckets = 2 * most;
    r->row = calloc(most, sizeof *r->row);
    r->next = calloc(most, sizeof *r->next);
    r->bucket = calloc(r->buckets, sizeof *r->bucket);
    if (r->row && r->next && r->bucket)
        return r;
    replay_rows_free(r);
    return NULL;
}

void replay_rows_free(struct replay_rows *rows)
{
    if (!rows)
        return;
    free(rows->row);
    free(rows->next);
    free(rows->bucket);
    free(rows);
}

static nanos_t week_of(nanos_t wall)
{
    int64_t day = wall / NANOS_DAY + MONDAY;
    return (day - day % 7 - MONDAY) * NANOS_DAY;
}

static bool is_row(const struct replay_row *row, const struct egress_host *host, nanos_t wall)
{
    return wall >= row->week && wall < row->week + 7 * NANOS_DAY &&
           memcmp(&row->who, host, sizeof *host) == 0;
}

/* Its number from 1 on; 0 when all are taken. */
static uint32_t row_of(struct replay_rows *r, const struct egress_host *host, nanos_t wall)
{
    struct {
        struct egress_host host;
        nanos_t week;
    } key = {*host, week_of(wall)};
    uint32_t *bucket = &r->bucket[siphash(r->secret, &key, sizeof key) % r->buckets];
    for (uint32_t i = *bucket; i; i = r->next[i - 1])
        if (is_row(&r->row[i - 1], host, wall))
            return i;
    if (r->count == r->most)
        return 0;
    struct replay_row *row = &r->row[r->count++];
    memcpy(&row->who, host, sizeof *host);
    row->week = key.week;
    r->next[r->count - 1] = *bucket;
    *bucket = (uint32_t)r->count;
    return *bucket;
}

void replay_rows_add(struct replay_rows *rows, uint32_t place, const struct egress_host *host,
                     nanos_t wall, uint64_t bytes, bool goes)
{
    uint32_t i = rows->place[place];
    if (!i || !is_row(&rows->row[i - 1], host, wall))
        i = rows->place[place] = row_of(rows, host, wall);
    if (!i) {
        rows->lost += bytes;
        return;
    }
    rows->row[i - 1].left += bytes;
    rows->row[i - 1].would_have_left += goes ? bytes : 0;
}

void replay_rows_hold(struct replay_rows *rows, const struct egress_host *host, nanos_t wall)
{
    uint32_t i = row_of(rows, host, wall);
    if (i)
        rows->row[i - 1].holds++;
}

static int by_week_then_bytes(const void *a, const void *b)
{
    const struct replay_row *x = a, *y = b;
    if (x->week != y->week)
        return x->week < y->week ? -1 : 1;
    if (x->left != y->left)
        return x->left > y->left ? -1 : 1;
    return memcmp(&x->who, &y->who, sizeof x->who);
}

size_t replay_rows_sorted(struct replay_rows *rows, struct replay_row **out, uint64_t *lost)
{
    qsort(rows->row, rows->count, sizeof *rows->row, by_week_then_bytes);
    *out = rows->row;
    *lost = rows->lost;
    return rows->count;
}
