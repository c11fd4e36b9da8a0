#include "cli/herald_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const nanos_t teller_pause = 250 * NANOS_MILLISECOND, caller_pause = 500 * NANOS_MILLISECOND;
static const nanos_t longest_back_off = 30 * NANOS_SECOND;
enum { LOOK_OLD_AFTER = 30 /* seconds */ };

void herald_wait(struct herald *h, nanos_t span)
{
    const nanos_t step = 50 * NANOS_MILLISECOND;
    for (nanos_t waited = 0; waited < span && !h->stop; waited += step)
        nanosleep(&(struct timespec){.tv_nsec = (long)step}, NULL);
}

/* ---- Entries of the log: to a file, to syslog ------------------------------------------------ */

struct teller {
    struct herald *h;
    enum output output;
    struct tail *tail;
    struct event_file *file;
    struct syslog *syslog;
    nanos_t back_off, saved;
};

static struct eve_source source_of(const struct teller *t)
{
    return (struct eve_source){tail_origin(t->tail), t->h->host, t->h->contract->organisation};
}

static int tell_to_file(struct teller *t, uint64_t index, struct text text, struct error *error)
{
    char line[EVE_LINE_SIZE];
    struct entry entry;
    struct writer w = writer_on(line, sizeof line);
    const struct eve_source source = source_of(t);
    if (entry_parse(text, &entry) == 0)
        eve_write(&source, index, &entry, &w);
    else
        eve_write_unknown(&source, index, clock_wall(), &w);
    return event_file_append(t->file, (struct text){line, w.length}, error);
}

static int tell_to_syslog(struct teller *t, uint64_t index, struct text text, struct error *error)
{
    char message[SYSLOG_SIZE];
    struct entry entry = {.kind = ACT_KIND_COUNT, .at = clock_wall()};
    struct writer w = writer_on(message, sizeof message);
    const struct eve_source source = source_of(t);
    entry_parse(text, &entry); /* of a later version: told as unknown */
    syslog_write(&source, index, &entry, &w);
    return syslog_send(t->syslog, (struct text){message, w.length}, error);
}

static void save(struct teller *t, bool now)
{
    struct error error;
    nanos_t boot = clock_boot();
    if (!now && boot - t->saved < NANOS_SECOND)
        return;
    t->saved = boot;
    if (tail_save(t->tail, &error) < 0)
        tally_failed(&t->h->tally, t->output, error.text, clock_wall());
}

/* Tells what there is. False: the receiver or the log failed, and the reason is in the tally. */
static bool tell_all(struct teller *t)
{
    struct error error = {""};
    uint64_t index;
    struct text text;
    int code = 0, got;
    while (code == 0 && !t->h->stop && (got = tail_next(t->tail, &index, &text, &error)) != 0) {
        code = got < 0                      ? got
               : t->output == OUTPUT_EVENTS ? tell_to_file(t, index, text, &error)
                                            : tell_to_syslog(t, index, text, &error);
        if (code < 0)
            break;
        tail_told(t->tail);
        tally_told(&t->h->tally, t->output, 1, clock_wall());
        save(t, false);
    }
    if (code < 0)
        tally_failed(&t->h->tally, t->output, error.text, clock_wall());
    return code == 0;
}

static void teller_round(struct teller *t)
{
    struct error error = {""};
    int code = tail_refresh(t->tail, &error);
    bool well = code == 0;
    if (code < 0 && code != -ENOENT) /* before the first entry there is no log */
        tally_failed(&t->h->tally, t->output, error.text, clock_wall());
    if (t->file && atomic_load(&t->h->reopen)) {
        event_file_reopen(t->file);
        t->h->reopen = false;
    }
    if (t->file)
        event_file_look(t->file);
    if (well)
        well = tell_all(t);
    save(t, false);
    tally_left(&t->h->tally, t->output, tail_behind(t->tail), tail_skipped(t->tail));
    t->back_off = well || code == -ENOENT          ? teller_pause
                  : t->back_off < NANOS_SECOND / 2 ? NANOS_SECOND / 2
                                                   : t->back_off * 2;
    if (t->back_off > longest_back_off)
        t->back_off = longest_back_off;
    herald_wait(t->h, t->back_off);
}

static void *tell(struct teller *t)
{
    char cursor[sizeof t->h->outputs + 32];
    struct error error;
    snprintf(cursor, sizeof cursor, "%s/%s.cursor", t->h->outputs, output_name(t->output));
    if (tail_new(t->h->audit, cursor, &t->tail, &error) < 0) {
        tally_failed(&t->h->tally, t->output, error.text, clock_wall());
        return NULL;
    }
    while (!t->h->stop)
        teller_round(t);
    save(t, true);
    tail_free(t->tail);
    return NULL;
}

void *herald_events(void *herald)
{
    struct teller t = {.h = herald, .output = OUTPUT_EVENTS};
    struct error error;
    if (event_file_new(t.h->contract->outputs.events, &t.file, &error) < 0) {
        tally_failed(&t.h->tally, t.output, error.text, clock_wall());
        return NULL;
    }
    tell(&t);
    event_file_free(t.file);
    return NULL;
}

void *herald_syslog(void *herald)
{
    struct teller t = {.h = herald, .output = OUTPUT_SYSLOG};
    struct error error;
    if (syslog_new(t.h->contract->outputs.syslog, &t.syslog, &error) < 0) {
        tally_failed(&t.h->tally, t.output, error.text, clock_wall());
        return NULL;
    }
    tell(&t);
    syslog_free(t.syslog);
    return NULL;
}

/* ---- Incidents: to a webhook, to a mail command ---------------------------------------------- */

struct caller {
    struct herald *h;
    enum output output;
    unsigned channel;
    struct delivery delivery;
};

static int call(struct caller *c, const struct incident *incident, struct error *error)
{
    static const size_t most = NOTICE_SIZE;
    char *message = malloc(most);
    if (message == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    struct writer w = writer_on(message, most);
    if (c->output == OUTPUT_WEBHOOK)
        notice_json(&c->h->notice, incident, &w);
    else
        notice_mail(&c->h->notice, incident, clock_wall(), &w);
    struct text text = {message, w.length};
    int code = w.overflow ? error_set(error, -EMSGSIZE, "the message is too long")
               : c->output == OUTPUT_WEBHOOK ? post_send(c->h->webhook, text, error)
                                             : mailer_send(&c->h->mailer, text, error);
    free(message);
    return code;
}

/* The next to tell, copied, so that nobody waits while it is told. */
static bool next_incident(struct caller *c, struct incident *out)
{
    uint64_t left = 0, dropped;
    struct herald *h = c->h;
    pthread_mutex_lock(&h->lock);
    const struct incident *next = incidents_next(&h->incidents, c->channel);
    if (next)
        *out = *next;
    for (size_t i = 0; i < h->incidents.count; i++)
        left += h->incidents.incident[i].told[c->channel] < h->incidents.incident[i].version;
    dropped = h->incidents.dropped;
    pthread_mutex_unlock(&h->lock);
    tally_left(&h->tally, c->output, left, dropped);
    return next != NULL;
}

static void call_next(struct caller *c)
{
    struct herald *h = c->h;
    struct incident incident;
    struct error error = {""};
    bool some = next_incident(c, &incident);
    if (!some || !delivery_may(&c->delivery, clock_boot()))
        return;
    int code = call(c, &incident, &error);
    delivery_tried(&c->delivery, code == 0, clock_boot());
    if (code < 0) {
        tally_failed(&h->tally, c->output, error.text, clock_wall());
        return;
    }
    tally_told(&h->tally, c->output, 1, clock_wall());
    pthread_mutex_lock(&h->lock);
    incidents_told(&h->incidents, incident.id, incident.version, c->channel, h->channels);
    pthread_mutex_unlock(&h->lock);
    h->save = true;
}

static void *call_all(struct caller *c)
{
    while (!c->h->stop) {
        call_next(c);
        herald_wait(c->h, caller_pause);
    }
    return NULL;
}

void *herald_webhook(void *herald)
{
    return call_all(
        &(struct caller){.h = herald, .output = OUTPUT_WEBHOOK, .channel = CHANNEL_WEBHOOK});
}

void *herald_mail(void *herald)
{
    return call_all(&(struct caller){.h = herald, .output = OUTPUT_MAIL, .channel = CHANNEL_MAIL});
}

/* ---- The heartbeat --------------------------------------------------------------------------- */

static bool all_is_well(struct herald *h, char why[160])
{
    pthread_mutex_lock(&h->lock);
    bool old = h->looked == 0 || clock_boot() - h->looked > LOOK_OLD_AFTER * NANOS_SECOND;
    bool well = !old && h->look->well;
    snprintf(why, 160, "%s", old ? "nothing is known of what runs" : h->look->not_well);
    pthread_mutex_unlock(&h->lock);
    return well;
}

static bool beat(struct herald *h)
{
    char why[160], reason[200];
    struct error error = {""};
    if (!all_is_well(h, why)) {
        snprintf(reason, sizeof reason, "withheld: %s", why);
        tally_failed(&h->tally, OUTPUT_HEARTBEAT, reason, clock_wall());
        return false;
    }
    if (post_send(h->heartbeat, (struct text){NULL, 0}, &error) < 0) {
        tally_failed(&h->tally, OUTPUT_HEARTBEAT, error.text, clock_wall());
        return false;
    }
    tally_told(&h->tally, OUTPUT_HEARTBEAT, 1, clock_wall());
    return true;
}

void *herald_heartbeat(void *herald)
{
    struct herald *h = herald;
    nanos_t every = h->contract->outputs.heartbeat_every;
    herald_wait(h,
                (LOOK_SECONDS + 3) * NANOS_SECOND); /* at the first look everything still begins */
    while (!h->stop) {
        bool well = beat(h);
        /* A beat that was lost on its way is tried again long before the switch notices. */
        herald_wait(h, well || every < 20 * NANOS_SECOND ? every : 10 * NANOS_SECOND);
    }
    return NULL;
}

/* ---- What is kept ---------------------------------------------------------------------------- */

static int write_durably(const char *path, const char *text)
{
    char temporary[CONTRACT_PATH_SIZE + 64];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
        return -errno;
    size_t length = strlen(text);
    ssize_t written = write(file, text, length);
    int code = written == (ssize_t)length ? 0 : written < 0 ? -errno : -ENOSPC;
    if (code == 0 && fsync(file) != 0)
        code = -errno;
    close(file);
    return code == 0 && rename(temporary, path) != 0 ? -errno : code;
}

static void save_incidents(struct herald *h)
{
    char path[CONTRACT_PATH_SIZE + 48];
    snprintf(path, sizeof path, "%s/incidents.json", h->outputs);
    h->save = false;
    pthread_mutex_lock(&h->lock);
    json_t *object = incidents_json(&h->incidents);
    pthread_mutex_unlock(&h->lock);
    char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
    json_decref(object);
    int code = text ? write_durably(path, text) : -ENOMEM;
    free(text);
    if (code < 0) {
        log_line(LOG_LEVEL_WARNING, "herald: %s: %s", path, strerror(-code));
        h->save = true;
    }
}

bool herald_read_incidents(struct herald *h)
{
    char path[CONTRACT_PATH_SIZE + 48];
    snprintf(path, sizeof path, "%s/incidents.json", h->outputs);
    json_t *object = json_load_file(path, 0, NULL);
    bool read = object && incidents_from_json(object, clock_boot(), &h->incidents);
    if (object && !read)
        log_line(LOG_LEVEL_WARNING, "herald: %s is damaged: open incidents are told again", path);
    json_decref(object);
    return read;
}

void *herald_saver(void *herald)
{
    struct herald *h = herald;
    char path[CONTRACT_PATH_SIZE + 48];
    struct output_state states[OUTPUT_COUNT];
    struct error error;
    snprintf(path, sizeof path, "%s/outputs/tally.json", h->child.runtime);
    while (!h->stop) {
        if (h->save)
            save_incidents(h);
        tally_copy(&h->tally, states);
        if (tally_write(path, states, clock_wall(), &error) < 0)
            log_line(LOG_LEVEL_WARNING, "herald: %s", error.text);
        herald_wait(h, 2 * NANOS_SECOND);
    }
    if (h->save)
        save_incidents(h);
    return NULL;
}
