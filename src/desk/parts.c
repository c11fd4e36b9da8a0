#include "desk/parts.h"

#include <stdio.h>
#include <stdlib.h>

struct parts *parts_new(void)
{
    return calloc(1, sizeof(struct parts));
}

void parts_free(struct parts *parts)
{
    if (!parts)
        return;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        for (size_t i = 0; i < PARTS_MAX; i++)
            free(parts->part[channel][i].text);
    for (int language = 0; language < SAY_COUNT; language++)
        free(parts->timeline[language]);
    free(parts);
}

const struct part *parts_find(const struct parts *parts, enum channel channel, const char *id)
{
    for (size_t i = 0; i < parts->count[channel]; i++)
        if (strcmp(parts->part[channel][i].id, id) == 0)
            return &parts->part[channel][i];
    return NULL;
}

/* The part at the next place of a channel, as it is now. */
static void keep(struct parts *parts, int channel, const char *id, struct text now)
{
    must(parts->count[channel] < PARTS_MAX);
    struct part *part = &parts->part[channel][parts->count[channel]++];
    if (part->text && strcmp(part->id, id) == 0 &&
        text_equal((struct text){part->text, part->length}, now))
        return;
    char *copy = malloc(now.length + 1);
    must(copy != NULL);
    memcpy(copy, now.data, now.length);
    copy[now.length] = 0;
    free(part->text);
    snprintf(part->id, sizeof part->id, "%s", id);
    part->text = copy;
    part->length = now.length;
    part->version = ++parts->version;
}

/* What does not fit is left out whole: half a part would not be HTML. */
static void keep_written(struct parts *parts, int channel, const char *id, const struct writer *w)
{
    keep(parts, channel, id, w->overflow ? TEXT("") : (struct text){w->data, w->length});
}

static void keep_json(struct parts *parts, const char *id, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    must(text != NULL);
    keep(parts, CHANNEL_JSON, id, text_of(text));
    free(text);
}

static void write_json_parts(struct parts *parts, const struct snapshot *s)
{
    static const char *const names[] = {"panic",    "alarms",  "contract",
                                        "promises", "budgets", "guards"};
    json_t *status = status_json(&s->status);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        keep_json(parts, names[i], json_incref(json_object_get(status, names[i])));
    json_decref(status);
    keep_json(parts, "holds", snapshot_holds_json(s));
}

static void write_page_parts(struct parts *parts, const struct snapshot *s, int language)
{
    static const struct {
        const char *id;
        void (*write)(struct writer *w, const struct snapshot *s, int language);
    } single[] = {{"state", part_state},
                  {"alarms", part_alarms},
                  {"holds", part_holds},
                  {"guards", part_guards}};
    const struct contract *c = snapshot_contract(s);
    char id[24];
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        struct writer w = writer_on(parts->scratch, sizeof parts->scratch);
        single[i].write(&w, s, language);
        keep_written(parts, language, single[i].id, &w);
    }
    for (unsigned i = 0; i < c->promise_count; i++) {
        struct writer w = writer_on(parts->scratch, sizeof parts->scratch);
        part_promise(&w, s, language, i);
        snprintf(id, sizeof id, "promise-%u", i);
        keep_written(parts, language, id, &w);
    }
    for (unsigned i = 0; i < c->budget_count; i++) {
        struct writer w = writer_on(parts->scratch, sizeof parts->scratch);
        part_budget(&w, s, language, i);
        snprintf(id, sizeof id, "budget-%u", i);
        keep_written(parts, language, id, &w);
    }
    if (parts->timeline[language])
        keep(parts, language, "timeline", text_of(parts->timeline[language]));
}

void parts_write(struct parts *parts, const struct snapshot *s)
{
    parts->generation = s->status.s.generation;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        parts->count[channel] = 0;
    for (int language = 0; language < SAY_COUNT; language++)
        write_page_parts(parts, s, language);
    write_json_parts(parts, s);
}
