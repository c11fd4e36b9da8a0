/* test_feed.h: feeds a text to a feed and keeps what comes out; for the tests of this room. */
#ifndef ECLUSE_TEST_FEED_H
#define ECLUSE_TEST_FEED_H

#include "tracking/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAUGHT_MOST = 4096 };

struct caught {
    struct event event[CAUGHT_MOST];
    uint64_t event_place[CAUGHT_MOST];
    struct {
        uint64_t place;
        enum feed_reason reason;
        char field[32];
    } reject[CAUGHT_MOST];
    size_t events, rejects;
    uint64_t dropped;
    enum feed_format format;
};

static const struct tracking_rules test_rules = {
    .present = true,
    .format_count = 3,
    .format = {{FORMAT_S10, 0, 0}, {FORMAT_COLISSIMO, 0, 0}, {FORMAT_SSCC, 0, 0}},
};

static inline enum feed_reason catch_event(void *context, const struct event *event, uint64_t place)
{
    struct caught *caught = context;
    assert_true(caught->events < CAUGHT_MOST);
    caught->event_place[caught->events] = place;
    caught->event[caught->events++] = *event;
    return FEED_OK;
}

static inline void catch_reject(void *context, uint64_t place, enum feed_reason reason,
                                const char *field)
{
    struct caught *caught = context;
    assert_true(caught->rejects < CAUGHT_MOST);
    caught->reject[caught->rejects].place = place;
    caught->reject[caught->rejects].reason = reason;
    snprintf(caught->reject[caught->rejects++].field, 32, "%s", field);
}

/* In pieces of `piece` bytes; 0: all at once. The caller frees what is returned. */
static inline struct caught *feed_text(enum feed_format format, struct text text, size_t piece)
{
    struct caught *caught = calloc(1, sizeof *caught);
    assert_non_null(caught);
    struct feed *feed =
        feed_new(format, &test_rules, (struct feed_sink){caught, catch_event, catch_reject});
    for (size_t at = 0; at < text.length;) {
        size_t length = !piece || piece > text.length - at ? text.length - at : piece;
        /* A copy that ends where the piece ends, so that sanitizers see a read beyond it. */
        char *copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, text.data + at, length);
        feed_bytes(feed, copy, length);
        free(copy);
        at += length;
    }
    feed_end(feed);
    caught->dropped = feed_dropped(feed);
    caught->format = feed_recognised(feed);
    assert_int_equal(feed_events(feed), caught->events);
    feed_free(feed);
    return caught;
}

static inline void assert_reject(const struct caught *caught, size_t i, uint64_t place,
                                 enum feed_reason reason, const char *field)
{
    assert_true(i < caught->rejects);
    assert_string_equal(feed_reason_name(caught->reject[i].reason), feed_reason_name(reason));
    assert_string_equal(caught->reject[i].field, field);
    assert_int_equal(caught->reject[i].place, place);
}

/* A file of the tree's real inputs; the test fails, and says which, when it is not there. */
static inline struct text read_input(const char *folder_variable, const char *path)
{
    char name[1024];
    const char *folder = getenv(folder_variable);
    if (!folder)
        fail_msg("%s is not set", folder_variable);
    if (strcmp(folder_variable, "ECLUSE_DATA") == 0 && access(folder, R_OK) != 0)
        skip(); /* the real inputs are not at hand: see CONTRIBUTING */
    snprintf(name, sizeof name, "%s/%s", folder, path);
    FILE *file = fopen(name, "re");
    if (!file)
        fail_msg("%s cannot be opened", name);
    char *data = malloc(1 << 20);
    assert_non_null(data);
    size_t length = fread(data, 1, 1 << 20, file);
    fclose(file);
    return (struct text){data, length};
}

#endif
