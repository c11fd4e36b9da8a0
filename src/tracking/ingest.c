#include "tracking/ingest.h"

#include "tracking/filter.h"
#include "tracking/journal.h"
#include "tracking/pool.h"
#include "tracking/store_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* Measured with bench/ingest; see docs/decisions/store.md. */
enum {
    READ_SIZE = 256 * 1024,
    POOL_SORTED = 32 * 1024,     /* events: sorted ones gain nothing by waiting */
    POOL_MOST = 4 * 1024 * 1024, /* events: about 420 MB */
    LOCAL_MOST = 256 * 1024,     /* words that the dictionary has no room for */
    BATCH_PAGES =
        24 * 1024, /* of one transaction: 96 MB, and twice that is what the file grows by */
    IDLE_MS = 100,
    BUILD_SHARE = 16, /* at most one part in so many of a run goes to building the filter */
};

static const nanos_t oldest_uncommitted = 5 * NANOS_SECOND;
static const nanos_t progress_every = 100 * NANOS_MILLISECOND;

struct ingest {
    struct ingest_options options;
    const struct tracking_rules *rules;
    struct store *store;
    struct filter_writer *filter;
    struct store_batch *batch; /* NULL: none is open */
    struct pool pool;
    struct journal *journal;
    struct journal_source *source;        /* of the last event */
    struct ingest_totals totals, pending; /* pending: what the open batch will make of the totals */
    const char *name;                     /* of the input being read */
    int64_t now;                          /* seconds; follows the boot clock from options.now */
    nanos_t began, waiting_since, told, built, build_took, journal_written;
    int failure;
    struct error error;
    char buffer[READ_SIZE];
};

static int fail(struct ingest *in, int code)
{
    if (in->failure == 0) {
        in->failure = code;
        if (in->error.text[0] == 0)
            error_set(&in->error, code, "%s: %s", in->options.contract->state, strerror(-code));
    }
    return code;
}

static nanos_t look_at_clock(struct ingest *in)
{
    nanos_t now = clock_boot();
    in->now = in->options.now + (now - in->began) / NANOS_SECOND;
    if (in->options.progress && now - in->told >= progress_every) {
        in->told = now;
        in->options.progress(in->options.context, &in->totals);
    }
    return now;
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void reject(struct ingest *in, uint64_t place, enum feed_reason reason, const char *field)
{
    in->totals.rejected[reason]++;
    if (!in->options.rejects)
        return;
    fprintf(in->options.rejects, "%s:%llu: %s", in->name, (unsigned long long)place,
            feed_reason_text(reason));
    if (field && field[0])
        fprintf(in->options.rejects, " (%s)", field);
    fprintf(in->options.rejects, " [%s]\n", feed_reason_name(reason));
}

static void sink_reject(void *context, uint64_t place, enum feed_reason reason, const char *field)
{
    reject(context, place, reason, field);
}

static bool source_is_listed(const struct tracking_rules *rules, const char *name)
{
    for (uint32_t i = 0; i < rules->source_count; i++)
        if (strcmp(rules->source[i].name, name) == 0)
            return true;
    return rules->source_count == 0;
}

static enum feed_reason check(const struct ingest *in, const struct event *event)
{
    nanos_t keep = in->options.contract->keep.tracking;
    bool known = in->source && strcmp(in->source->name, event->source) == 0;
    if (!known && !source_is_listed(in->rules, event->source))
        return *event->source ? FEED_SOURCE : FEED_NO_SOURCE;
    if (event->at > in->now + in->rules->ahead / NANOS_SECOND)
        return FEED_FUTURE;
    if (keep && event->at < in->now - keep / NANOS_SECOND)
        return FEED_EXPIRED;
    return FEED_OK;
}

/* ---- into the store ------------------------------------------------------------------------- */

static void totals_add(struct ingest_totals *sum, const struct ingest_totals *more)
{
    sum->added += more->added;
    sum->repeated += more->repeated;
    sum->parcels += more->parcels;
    sum->committed += more->committed;
}

static void build_filter(struct ingest *in, bool at_end)
{
    nanos_t start = clock_boot();
    struct error error;
    if (!filter_wants_build(in->filter) ||
        (!at_end && in->build_took && start - in->built < BUILD_SHARE * in->build_took))
        return;
    /* Without it lookups are slower, not wrong; the next run tries again. */
    in->totals.filter_failed = filter_build(in->filter, in->store, &error) != 0;
    if (in->totals.filter_failed)
        log_line(LOG_LEVEL_WARNING, "%s", error.text);
    in->built = clock_boot();
    in->build_took = in->built - start;
}

static void write_journal(struct ingest *in, nanos_t now)
{
    if (in->journal_written && now - in->journal_written < NANOS_SECOND)
        return;
    int code = journal_write(in->options.contract->state, in->journal);
    in->totals.journal_failed = code != 0;
    if (code != 0)
        log_line(LOG_LEVEL_WARNING, "%s/tracking/feeds: cannot be written: %s",
                 in->options.contract->state, strerror(-code));
    in->journal_written = now;
}

static int commit(struct ingest *in)
{
    if (!in->batch || in->failure)
        return in->failure;
    int code = filter_sync(in->filter);
    struct store_batch *batch = in->batch;
    in->batch = NULL;
    if (code != 0) {
        store_abort(batch);
        return fail(in, code);
    }
    code = store_commit(batch, &in->error);
    if (code != 0)
        return fail(in, code);
    totals_add(&in->totals, &in->pending);
    in->pending = (struct ingest_totals){0};
    build_filter(in, false);
    write_journal(in, look_at_clock(in));
    return 0;
}

static int put_event(struct ingest *in, const struct parcel_number *parcel,
                     const struct pool_event *event)
{
    int added = store_add_words(in->batch, parcel, &event->words, in->rules->before / NANOS_SECOND,
                                in->now);
    in->pending.committed++;
    switch (added) {
    case ADDED_NEW_PARCEL:
        in->pending.parcels++;
        if (filter_add(in->filter, parcel) == -ENOSPC)
            filter_open_up(in->filter);
        in->pending.added++;
        return 0;
    case ADDED_EVENT:
    case ADDED_FACTS:
        in->pending.added++;
        return 0;
    case ADDED_NOTHING:
        in->pending.repeated++;
        return 0;
    case ADDED_TOO_MANY:
        reject(in, event->place, FEED_TOO_MANY, NULL);
        return 0;
    case ADDED_TOO_EARLY:
        reject(in, event->place, FEED_TOO_EARLY, "at");
        return 0;
    default:
        return added;
    }
}

static int put_run(struct ingest *in, const struct pool_run *run)
{
    if (!in->batch) {
        int code = store_begin(in->store, &in->batch, &in->error);
        if (code != 0)
            return fail(in, code);
    }
    for (uint32_t i = 0; i < run->count; i++) {
        int code = put_event(in, &run->parcel, &in->pool.event[run->first + i]);
        if (code != 0) {
            store_abort(in->batch);
            in->batch = NULL;
            return fail(in, code);
        }
    }
    return store_batch_pages(in->batch) >= BATCH_PAGES ? commit(in) : 0;
}

/* Puts what waits, sorted. Transactions end between numbers, when they have touched enough pages.
 * */
static int flush(struct ingest *in)
{
    if (in->failure)
        return in->failure;
    if (!pool_sort(&in->pool))
        return fail(in, -ENOMEM);
    for (uint32_t i = 0; i < in->pool.runs; i++) {
        int code = put_run(in, &in->pool.run[in->pool.order[i].run]);
        if (code != 0)
            return code;
        if (i % 4096 == 0)
            look_at_clock(in);
    }
    bool locals = dictionary_local(in->store->dictionary) != 0;
    pool_clear(&in->pool);
    if (locals || in->options.batch_events) { /* a record in the batch may still use local words */
        int code = commit(in);
        if (code != 0)
            return code;
        dictionary_forget_local(in->store->dictionary);
    }
    return 0;
}

static int settle(struct ingest *in)
{
    int code = flush(in);
    return code ? code : commit(in);
}

static bool pool_is_full(const struct ingest *in)
{
    uint32_t events = in->pool.events;
    if (in->options.batch_events)
        return events >= in->options.batch_events;
    return events >= POOL_MOST || (in->pool.sorted && events >= POOL_SORTED) ||
           dictionary_local(in->store->dictionary) >= LOCAL_MOST;
}

static enum feed_reason sink_event(void *context, const struct event *event, uint64_t place)
{
    struct ingest *in = context;
    struct record_event words;
    enum feed_reason reason = check(in, event);
    if (in->failure)
        return FEED_OK;
    in->totals.events++;
    if (reason != FEED_OK) /* the parser reports it to sink_reject() */
        return reason;
    if (!in->source || strcmp(in->source->name, event->source) != 0)
        in->source = journal_source(in->journal, event->source);
    journal_count(in->source, in->now, 1);
    if (in->pool.events == 0 && !in->batch)
        in->waiting_since = clock_boot();
    if (!store_event_words(in->store, event, &words) ||
        !pool_add(&in->pool, &event->parcel, &words, place))
        fail(in, -ENOMEM);
    else if (pool_is_full(in))
        flush(in);
    return FEED_OK;
}

/* ---- a run ---------------------------------------------------------------------------------- */

static int begin_in(struct ingest *in, struct error *error)
{
    const char *state = in->options.contract->state;
    in->journal = calloc(1, sizeof *in->journal);
    if (!in->journal)
        return error_set(error, -ENOMEM, "no memory");
    int code = store_open(state, false, &in->store, error);
    if (code == 0)
        code = filter_writer_open(state, &in->filter, error);
    if (code == 0)
        (void)journal_read(state, in->journal);
    return code;
}

static void ingest_free(struct ingest *in)
{
    if (in->batch)
        store_abort(in->batch);
    filter_writer_close(in->filter);
    store_close(in->store);
    pool_free(&in->pool);
    free(in->journal);
    free(in);
}

int ingest_begin(const struct ingest_options *options, struct ingest **out, struct error *error)
{
    struct ingest *in = calloc(1, sizeof *in);
    if (!in)
        return error_set(error, -ENOMEM, "no memory");
    in->options = *options;
    in->rules = &options->contract->tracking;
    in->began = clock_boot();
    in->now = options->now;
    int code = begin_in(in, error);
    if (code != 0) {
        ingest_free(in);
        return code;
    }
    *out = in;
    return 0;
}

/* A feed that pauses is committed at once, one that goes on at the latest after 5 s: what came is
 * then answered. */
static int commit_in_time(struct ingest *in, bool paused)
{
    nanos_t now = look_at_clock(in);
    bool waiting = in->pool.events || in->batch;
    if (waiting && (paused || now - in->waiting_since >= oldest_uncommitted))
        return settle(in);
    return in->failure;
}

static int read_input(struct ingest *in, struct feed *feed, int descriptor, struct error *error)
{
    for (;;) {
        struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
        int ready = poll(&waiting, 1, IDLE_MS);
        if (ready == 0) {
            if (commit_in_time(in, true) != 0)
                return in->failure;
            continue;
        }
        ssize_t got = read(descriptor, in->buffer, sizeof in->buffer);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return error_set(error, -errno, "%s: %s", in->name, strerror(errno));
        if (got == 0)
            return 0;
        in->totals.bytes += (uint64_t)got;
        feed_bytes(feed, in->buffer, (size_t)got);
        if (commit_in_time(in, false) != 0)
            return in->failure;
    }
}

int ingest_input(struct ingest *ingest, const char *name, int descriptor, struct error *error)
{
    if (ingest->failure)
        return error_set(error, ingest->failure, "%s", ingest->error.text);
    struct feed_sink sink = {ingest, sink_event, sink_reject};
    struct feed *feed = feed_new(ingest->options.format, ingest->rules, sink);
    ingest->name = name;
    int code = read_input(ingest, feed, descriptor, error);
    if (code == 0)
        feed_end(feed);
    ingest->totals.dropped += feed_dropped(feed);
    feed_free(feed);
    if (code == 0 || ingest->failure == 0)
        flush(ingest); /* before the next input: rejects name this one */
    if (ingest->failure)
        return error_set(error, ingest->failure, "%s", ingest->error.text);
    return code;
}

int ingest_end(struct ingest *ingest, struct ingest_totals *totals, struct error *error)
{
    int code = settle(ingest);
    if (code == 0) {
        pool_free(&ingest->pool); /* the build needs as much again */
        build_filter(ingest, true);
        ingest->journal_written = 0;
        write_journal(ingest, clock_boot());
    } else {
        error_set(error, code, "%s", ingest->error.text);
    }
    *totals = ingest->totals;
    ingest_free(ingest);
    return code;
}
