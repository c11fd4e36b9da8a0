#include "tracking/journal.h"

#include "tracking/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { HOUR = 3600, FLOOD = 10 };

static const uint64_t magic = UINT64_C(0x31306465656663); /* "cfeed01" */

static uint64_t checksum_of(const struct journal *journal)
{
    return hash_checksum(magic, journal, offsetof(struct journal, checksum));
}

static bool is_sound(const struct journal *journal)
{
    if (journal->magic != magic || journal->checksum != checksum_of(journal) ||
        journal->sources > JOURNAL_SOURCES)
        return false;
    for (uint64_t i = 0; i < journal->sources; i++)
        if (journal->source[i].name[CONTRACT_NAME_SIZE - 1] != 0 || journal->source[i].hour < 0)
            return false;
    return true;
}

int journal_read(const char *state, struct journal *out)
{
    char path[STORE_PATH_SIZE];
    ssize_t got = -1;
    int code = store_path(path, state, "feeds");
    int fd = code == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool denied = code == 0 && fd < 0 && errno == EACCES;
    if (fd >= 0) {
        got = pread(fd, out, sizeof *out, 0);
        close(fd);
    }
    if (got != (ssize_t)sizeof *out || !is_sound(out))
        memset(out, 0, sizeof *out);
    return denied ? -EACCES : 0;
}

int journal_write(const char *state, struct journal *journal)
{
    char path[STORE_PATH_SIZE], temporary[STORE_PATH_SIZE];
    struct stat st;
    if (store_path(path, state, "feeds") != 0 || store_path(temporary, state, "feeds.new") != 0)
        return -ENAMETOOLONG;
    journal->magic = magic;
    journal->checksum = checksum_of(journal);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    ssize_t put = pwrite(fd, journal, sizeof *journal, 0);
    int code = put < 0 ? -errno : put != (ssize_t)sizeof *journal ? -ENOSPC : 0;
    if (code == 0 && fsync(fd) != 0)
        code = -errno;
    close(fd);
    if (code == 0 && stat(state, &st) == 0)
        store_share_file(temporary, 0640, &st);
    if (code == 0 && rename(temporary, path) != 0)
        code = -errno;
    if (code != 0)
        (void)unlink(temporary);
    return code;
}

struct journal_source *journal_source(struct journal *journal, const char *name)
{
    struct journal_source *oldest = &journal->source[0];
    for (uint64_t i = 0; i < journal->sources; i++) {
        struct journal_source *s = &journal->source[i];
        if (strcmp(s->name, name) == 0)
            return s;
        if (s->last < oldest->last)
            oldest = s;
    }
    if (journal->sources < JOURNAL_SOURCES)
        oldest = &journal->source[journal->sources++];
    *oldest = (struct journal_source){0};
    struct writer w = writer_on(oldest->name, sizeof oldest->name - 1);
    write_string(&w, name);
    return oldest;
}

void journal_count(struct journal_source *source, int64_t now, uint64_t events)
{
    int64_t hour = now / HOUR;
    if (events == 0 || now < 0)
        return;
    if (source->first == 0)
        source->first = now;
    if (hour > source->hour) { /* hours without a delivery are counted as such */
        int64_t forget = hour - source->hour < JOURNAL_HOURS ? hour - source->hour : JOURNAL_HOURS;
        for (int64_t i = 0; i < forget; i++)
            source->count[(hour - i) % JOURNAL_HOURS] = 0;
        source->hour = hour;
    }
    uint32_t *count = &source->count[source->hour % JOURNAL_HOURS];
    *count = events > UINT32_MAX - *count ? UINT32_MAX : *count + (uint32_t)events;
    source->last = now > source->last ? now : source->last;
}

uint64_t journal_this_hour(const struct journal_source *source, int64_t now)
{
    return source->hour == now / HOUR ? source->count[source->hour % JOURNAL_HOURS] : 0;
}

uint64_t journal_usual(const struct journal_source *source, int64_t now)
{
    uint64_t sum = 0, hours = 0;
    int64_t this_hour = now / HOUR;
    if (source->first == 0 || now - source->first < 24 * HOUR)
        return 0;
    for (int64_t hour = source->hour; hour > source->hour - JOURNAL_HOURS && hour >= 0; hour--) {
        uint32_t count = source->count[hour % JOURNAL_HOURS];
        if (hour >= this_hour || hour <= this_hour - JOURNAL_HOURS || count == 0)
            continue;
        sum += count;
        hours++;
    }
    return hours ? (sum + hours - 1) / hours : 0;
}

static void describe(const struct journal_source *s, const struct source_rule *rule, int64_t now,
                     struct feed_source_state *out)
{
    *out = (struct feed_source_state){0};
    memcpy(out->name, rule ? rule->name : s->name, sizeof out->name);
    if (s) {
        out->last = s->last;
        out->this_hour = journal_this_hour(s, now);
        out->usual_per_hour = journal_usual(s, now);
    }
    if (rule && rule->usual_per_hour)
        out->usual_per_hour = rule->usual_per_hour;
    if (rule && rule->silent_after)
        out->silent = now - out->last > rule->silent_after / NANOS_SECOND;
    out->flooding = out->usual_per_hour && out->this_hour / FLOOD >= out->usual_per_hour &&
                    out->this_hour > FLOOD * out->usual_per_hour;
}

size_t feed_sources(const struct contract *c, int64_t now, struct feed_source_state *out,
                    size_t most)
{
    static _Thread_local struct journal journal; /* 50 kB: not for a stack */
    size_t count = 0;
    bool unseen = journal_read(c->state, &journal) == -EACCES;
    for (uint32_t i = 0; i < c->tracking.source_count && count < most; i++) {
        const struct source_rule *rule = &c->tracking.source[i];
        const struct journal_source *found = NULL;
        for (uint64_t k = 0; k < journal.sources && !found; k++)
            if (strcmp(journal.source[k].name, rule->name) == 0)
                found = &journal.source[k];
        describe(found, rule, now, &out[count]);
        out[count].silent = out[count].silent && !unseen;
        out[count++].unseen = unseen;
    }
    if (c->tracking.source_count == 0) /* any source is taken: those that came are shown */
        for (uint64_t k = 0; k < journal.sources && count < most; k++)
            describe(&journal.source[k], NULL, now, &out[count++]);
    return count;
}
