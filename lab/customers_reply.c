/* What came back, and how long it took. */
#include "customers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header in a head of `length` bytes, or NULL. Name with its colon, lower case. */
static const char *header(const char *head, size_t length, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = memchr(head, '\n', length); line;) {
        const char *start = line + 1;
        size_t left = length - (size_t)(start - head);
        if (left < size)
            return NULL;
        if (strncasecmp(start, name, size) == 0)
            return start + size;
        line = memchr(start, '\n', left);
    }
    return NULL;
}

static size_t head_length(const char *bytes, size_t length)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes) + 4 : 0;
}

bool reply_is_whole(const char *bytes, size_t length, bool closed)
{
    size_t head = head_length(bytes, length);
    if (head == 0)
        return false;
    const char *value = header(bytes, head, "content-length:");
    if (value)
        return length - head >= strtoul(value, NULL, 10);
    if (header(bytes, head, "transfer-encoding:"))
        return length >= head + 5 && memcmp(bytes + length - 5, "0\r\n\r\n", 5) == 0;
    return closed;
}

bool reply_keeps_open(const char *bytes, size_t length)
{
    size_t head = head_length(bytes, length);
    const char *value = header(bytes, head, "connection:");
    bool bounded =
        header(bytes, head, "content-length:") || header(bytes, head, "transfer-encoding:");
    return bounded && (!value || strncasecmp(value, " close", 6) != 0);
}

enum outcome reply_outcome(const char *bytes, size_t length, const char *number, const char *mark,
                           bool *marked)
{
    size_t head = head_length(bytes, length);
    unsigned long status = length > 12 ? strtoul(bytes + 9, NULL, 10) : 0;
    *marked = mark && memmem(bytes + head, length - head, mark, strlen(mark));
    switch (status) {
    case 200:
        return memmem(bytes + head, length - head, number, strlen(number)) ? OUTCOME_ANSWERED
                                                                           : OUTCOME_WRONG;
    case 404:
        return OUTCOME_NOT_KNOWN;
    case 429:
        return OUTCOME_REFUSED;
    case 503:
        return header(bytes, head, "retry-after:") ? OUTCOME_NOTICE : OUTCOME_FAILED;
    default:
        return OUTCOME_FAILED;
    }
}

/* 32 buckets for each power of two of nanoseconds. */
static size_t bucket_of(nanos wait)
{
    uint64_t value = wait < 64 ? 64 : (uint64_t)wait;
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    size_t bucket = (size_t)(power - 6) * 32 + (size_t)((value >> (power - 5)) & 31);
    return bucket < TALLY_BUCKETS ? bucket : TALLY_BUCKETS - 1;
}

static nanos bucket_end(size_t bucket)
{
    unsigned power = (unsigned)(bucket / 32) + 6;
    return (nanos)((UINT64_C(33) + bucket % 32) << (power - 5));
}

void tally_add(struct tally *tally, enum outcome outcome, bool marked, nanos wait)
{
    tally->outcome[outcome]++;
    tally->marked += marked;
    if (outcome == OUTCOME_ANSWERED)
        tally->waits[bucket_of(wait)]++;
}

nanos tally_wait(const struct tally *tally, double share)
{
    double wanted = (double)tally->outcome[OUTCOME_ANSWERED] * share;
    uint64_t seen = 0;
    for (size_t i = 0; i < TALLY_BUCKETS; i++) {
        seen += tally->waits[i];
        if (tally->waits[i] && (double)seen >= wanted)
            return bucket_end(i);
    }
    return 0;
}

void tally_print(const struct tally *tally, const char *second)
{
#define X(constant, name, ...) name,
    static const char *const name_of[] = {OUTCOMES(X)};
#undef X
    printf("{\"second\":%s,\"asked\":%llu,\"marked\":%llu", second,
           (unsigned long long)tally->asked, (unsigned long long)tally->marked);
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        printf(",\"%s\":%llu", name_of[i], (unsigned long long)tally->outcome[i]);
    printf(",\"p50_us\":%lld,\"p99_us\":%lld}\n", (long long)tally_wait(tally, 0.5) / 1000,
           (long long)tally_wait(tally, 0.99) / 1000);
    fflush(stdout);
}
