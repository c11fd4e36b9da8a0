/* customers.h: people who ask where their parcel is.
 *
 * Open loop: they come when they come (Poisson), whether or not the front keeps up, each on a
 * connection of their own, from many addresses. The wait of each runs from the moment they were
 * due, so a front (or a generator) that is late is seen as late. Or, with --sweep, every number of
 * the list is asked exactly once over a few kept connections.
 *
 * Each second prints a line of JSON for that second and one for the phase so far; SIGUSR1 ends a
 * phase (its line says so), SIGTERM ends all of it once those who wait have their answer.
 *
 * An answer counts only when it has status 200 and the asked number stands in its body.
 * Bounds: only 127.0.0.0/8, at most 20,000 a second, 4,096 waiting, one hour.
 */
#ifndef ECLUSE_LAB_CUSTOMERS_H
#define ECLUSE_LAB_CUSTOMERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t nanos;
#define NANOS_NEVER INT64_MAX

enum {
    CUSTOMERS_RATE_MAX = 20000,
    CUSTOMERS_WAITING_MAX = 4096,
    CUSTOMERS_SECONDS_MAX = 3600,
    CUSTOMERS_ADDRESSES_MAX = 60000,
    REPLY_MAX = 96 * 1024,
};

/*  constant    name          what came of one question */
#define OUTCOMES(X)                                                                                \
    X(ANSWERED, "answered", "200 with the number in it, in time")                                  \
    X(WRONG, "wrong", "200 without the number")                                                    \
    X(NOT_KNOWN, "not_known", "404")                                                               \
    X(REFUSED, "refused", "429")                                                                   \
    X(NOTICE, "notice", "503 that says when to come back")                                         \
    X(FAILED, "failed", "anything else, or the connection broke")                                  \
    X(LATE, "late", "no whole answer in time")

enum outcome {
#define X(constant, ...) OUTCOME_##constant,
    OUTCOMES(X)
#undef X
        OUTCOME_COUNT
};

/* ---- customers_plan.c: what is asked, by how many, from where -------------------------------- */

struct plan {
    struct sockaddr_in to;
    const char *path;     /* what stands before the number */
    const char *mark;     /* answers that contain it are counted as marked; NULL: none are */
    const char *language; /* Accept-Language */
    uint32_t from;        /* first source address, host order; 0: the system's choice */
    unsigned addresses;
    double rate;
    nanos seconds; /* 0: until told to stop */
    nanos within;
    bool sweep;
    unsigned connections; /* of a sweep */
    uint64_t seed;
    char *text;       /* the list, owned */
    uint32_t *number; /* where each one starts in text */
    size_t numbers;
};

/* A loopback address with its port; a file of numbers, one a line. */
bool plan_target(char *text, struct sockaddr_in *to);
bool plan_numbers(const char *path, struct plan *plan);
bool plan_read(int count, char **arguments, struct plan *plan); /* says on stderr what is wrong */
void plan_free(struct plan *plan);

uint64_t random_next(uint64_t *state);
nanos random_gap(uint64_t *state, double rate); /* between two arrivals of a Poisson process */

/* ---- customers_reply.c: one answer as it arrives, and the count of all ----------------------- */

/* Whether the bytes so far are a whole HTTP/1.1 answer; `closed` says that no more will come. */
bool reply_is_whole(const char *bytes, size_t length, bool closed);

/* Whether the server keeps the connection open after this whole answer. */
bool reply_keeps_open(const char *bytes, size_t length);

/* What a whole answer says about `number`. */
enum outcome reply_outcome(const char *bytes, size_t length, const char *number, const char *mark,
                           bool *marked);

enum { TALLY_BUCKETS = 40 * 32 };

struct tally {
    uint64_t asked, marked;
    uint64_t outcome[OUTCOME_COUNT];
    uint32_t waits[TALLY_BUCKETS]; /* of the answered, by logarithm */
};

void tally_add(struct tally *tally, enum outcome outcome, bool marked, nanos wait);
nanos tally_wait(const struct tally *tally, double share); /* upper bound of the bucket, 3 % wide */
void tally_print(const struct tally *tally, const char *second);

#endif
