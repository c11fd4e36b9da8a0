/* The head of the page, alarms, holds and guards. */
#include "desk/parts.h"

#include <errno.h>

enum { HOLDS_SHOWN = 50 };

void part_state(struct writer *w, const struct snapshot *s, int language)
{
    const struct status *st = &s->status;
    size_t alarms = st->alarms.count;
    char text[SAY_SIZE];
    WRITE_LITERAL(w, "<p class=\"pill ");
    write_string(w, st->panic || st->broken ? "bad" : alarms ? "near" : "good");
    WRITE_LITERAL(w, "\">");
    if (st->panic) {
        html_word(w, language, WORD_PANIC_NOW);
    } else if (alarms == 0) {
        html_word(w, language, WORD_ALL_WELL);
    } else if (alarms == 1) {
        html_word(w, language, WORD_ONE_ALARM);
    } else {
        html_text(w, say_count(language, alarms, text));
        WRITE_LITERAL(w, " ");
        html_word(w, language, WORD_ALARMS);
    }
    WRITE_LITERAL(w, "</p>");
    if (!st->panic && st->s.contract->mode == MODE_OBSERVE) {
        WRITE_LITERAL(w, "<p class=\"soft\">");
        html_word(w, language, WORD_MODE_OBSERVE);
        WRITE_LITERAL(w, "</p>");
    }
    WRITE_LITERAL(w, "<p><a class=\"button quiet\" href=\"/panic\">");
    html_word(w, language, st->panic ? WORD_PANIC_END : WORD_PANIC);
    WRITE_LITERAL(w, "</a></p>");
}

void part_alarms(struct writer *w, const struct snapshot *s, int language)
{
    const struct alarms *alarms = &s->status.alarms;
    if (alarms->count == 0) {
        WRITE_LITERAL(w, "<p class=\"soft\">");
        html_word(w, language, WORD_NO_ALARM);
        WRITE_LITERAL(w, "</p>");
        return;
    }
    WRITE_LITERAL(w, "<ul class=\"alarms\">");
    for (size_t i = 0; i < alarms->count; i++) {
        enum alarm_kind kind = alarms->alarm[i].kind;
        bool bad = kind == ALARM_PANIC || kind == ALARM_PROMISE_BROKEN || kind == ALARM_GUARD_DOWN;
        WRITE_LITERAL(w, "<li class=\"");
        write_string(w, bad ? "bad" : "near");
        WRITE_LITERAL(w, "\"><p><b>");
        html_text(w, alarm_word(language, kind));
        WRITE_LITERAL(w, "</b></p><p");
        if (language != SAY_EN)
            WRITE_LITERAL(w, " lang=\"en\"");
        WRITE_LITERAL(w, ">");
        html_text(w, alarms->alarm[i].text);
        WRITE_LITERAL(w, "</p><p class=\"soft\">");
        html_word(w, language, WORD_TO_DO);
        WRITE_LITERAL(w, " ");
        html_text(w, alarm_advice(language, kind));
        WRITE_LITERAL(w, "</p></li>");
    }
    WRITE_LITERAL(w, "</ul>");
}

/* ---- Holds ----------------------------------------------------------------------------------- */

static const struct budget_rule *rule_of(const struct snapshot *s, const struct hold *hold)
{
    const struct contract *c = snapshot_contract(s);
    return hold->budget >= 0 && (uint32_t)hold->budget < c->budget_count ? &c->budget[hold->budget]
                                                                         : NULL;
}

void hold_reason(struct writer *w, const struct snapshot *s, const struct hold *hold, int language)
{
    const struct budget_rule *rule = rule_of(s, hold);
    enum meter_unit unit = rule ? meter_unit(rule->meter) : METER_UNIT_COUNT;
    char text[SAY_SIZE];
    html_text(w, say_amount(language, unit, hold->used, text));
    WRITE_LITERAL(w, " ");
    html_word(w, language, WORD_OF);
    WRITE_LITERAL(w, " ");
    html_text(w, say_amount(language, unit, hold->limit, text));
    if (rule && hold->window < rule->window_count) {
        WRITE_LITERAL(w, " ");
        html_word(w, language, WORD_IN_SPAN);
        WRITE_LITERAL(w, " ");
        html_text(w, say_span(language, rule->window[hold->window].span, text));
    }
    if (rule) {
        WRITE_LITERAL(w, " · ");
        html_text(w, rule->name);
    }
}

static void hold_times(struct writer *w, const struct snapshot *s, const struct hold *hold)
{
    const struct moment *now = &s->status.s.now;
    html_times(w, wall_of(now, hold->since), wall_of(now, hold->until), now->wall);
}

void hold_facts(struct writer *w, const struct snapshot *s, const struct hold *hold, int language)
{
    char who[PRINCIPAL_TEXT_SIZE], text[SAY_SIZE];
    WRITE_LITERAL(w, "<p class=\"big\">");
    html_text(w, principal_text(&hold->principal, who));
    WRITE_LITERAL(w, "</p><p>");
    hold_reason(w, s, hold, language);
    WRITE_LITERAL(w, "</p><p>");
    hold_times(w, s, hold);
    WRITE_LITERAL(w, "</p><p>");
    html_word_with(w, language, WORD_REFUSED_SINCE, say_count(language, hold->refused, text));
    WRITE_LITERAL(w, "</p>");
}

static void write_hold(struct writer *w, const struct snapshot *s, const struct hold *hold,
                       int language)
{
    char name[HOLD_NAME_SIZE], who[PRINCIPAL_TEXT_SIZE];
    hold_name((enum guard)hold->guard, hold->id, name);
    principal_text(&hold->principal, who);
    WRITE_LITERAL(w, "<li><div><p><b>");
    html_text(w, who);
    WRITE_LITERAL(w, "</b>");
    if (hold->observed) {
        WRITE_LITERAL(w, " <span class=\"badge none\">");
        html_word(w, language, WORD_OBSERVED);
        WRITE_LITERAL(w, "</span>");
    }
    WRITE_LITERAL(w, "</p><p>");
    hold_reason(w, s, hold, language);
    WRITE_LITERAL(w, "</p><p class=\"soft\">");
    hold_times(w, s, hold);
    WRITE_LITERAL(w, "</p></div>");
    if (!hold->observed) {
        WRITE_LITERAL(w, "<a class=\"button undo\" href=\"/holds/");
        write_string(w, name);
        WRITE_LITERAL(w, "\" aria-label=\"");
        html_word(w, language, WORD_UNDO);
        WRITE_LITERAL(w, " ");
        html_text(w, who);
        WRITE_LITERAL(w, "\">");
        html_word(w, language, WORD_UNDO);
        WRITE_LITERAL(w, "</a>");
    }
    WRITE_LITERAL(w, "</li>");
}

void part_holds(struct writer *w, const struct snapshot *s, int language)
{
    char text[SAY_SIZE];
    if (s->hold_count == 0) {
        WRITE_LITERAL(w, "<p class=\"soft\">");
        html_word(w, language, WORD_NO_HOLDS);
        WRITE_LITERAL(w, "</p>");
        return;
    }
    size_t shown = s->hold_count < HOLDS_SHOWN ? s->hold_count : HOLDS_SHOWN;
    WRITE_LITERAL(w, "<ul class=\"holds\">");
    for (size_t i = 0; i < shown; i++)
        write_hold(w, s, &s->hold[i], language);
    WRITE_LITERAL(w, "</ul>");
    if (shown < s->hold_count) {
        WRITE_LITERAL(w, "<p class=\"soft\">");
        html_word_with(w, language, WORD_MORE_HOLDS,
                       say_count(language, s->hold_count - shown, text));
        WRITE_LITERAL(w, "</p>");
    }
}

/* ---- Guards ---------------------------------------------------------------------------------- */

struct guard_row {
    enum word name, state;
    const char *kind; /* of the badge */
    nanos_t since;    /* wall clock; 0: not known */
    const char *detail;
};

static void write_guard(struct writer *w, const struct snapshot *s, int language,
                        const struct guard_row *row)
{
    WRITE_LITERAL(w, "<li><span>");
    html_word(w, language, row->name);
    WRITE_LITERAL(w, "</span><span class=\"badge ");
    write_string(w, row->kind);
    WRITE_LITERAL(w, "\">");
    html_word(w, language, row->state);
    WRITE_LITERAL(w, "</span><span class=\"soft\">");
    if (row->since > 0) {
        html_word(w, language, WORD_SINCE);
        WRITE_LITERAL(w, " ");
        html_time(w, row->since, s->status.s.now.wall);
    }
    if (row->since > 0 && *row->detail)
        WRITE_LITERAL(w, " · ");
    html_text(w, row->detail);
    WRITE_LITERAL(w, "</span></li>");
}

static void add_detail(struct writer *w, int language, enum word which, uint64_t count)
{
    char number[SAY_SIZE];
    const char *text = word(language, which), *at = strstr(text, "%s");
    must(at != NULL);
    if (w->length)
        WRITE_LITERAL(w, " · ");
    write_bytes(w, text, (size_t)(at - text));
    write_string(w, say_count(language, count, number));
    write_string(w, at + 2);
}

static void write_recorder(struct writer *w, const struct snapshot *s, int language)
{
    const struct handover_state *audit = &s->audit;
    char detail[256];
    uint64_t lost = 0;
    bool alive = audit->present && s->status.s.now.boot - audit->heartbeat < 5 * NANOS_SECOND;
    struct writer d = writer_on(detail, sizeof detail - 1);
    for (unsigned i = 0; i < HANDOVER_COUNT; i++)
        lost += audit->lost[i];
    if (audit->present)
        add_detail(&d, language, WORD_ENTRIES, audit->log_size);
    if (audit->witnessed_size && audit->witnessed_size < audit->log_size)
        add_detail(&d, language, WORD_UNWITNESSED, audit->log_size - audit->witnessed_size);
    if (lost)
        add_detail(&d, language, WORD_LOST_ACTS, lost);
    detail[d.length] = 0;
    const struct guard_row row = {WORD_RECORDER, alive ? WORD_UP : WORD_DOWN,
                                  alive && !lost ? "good" : "bad", 0, detail};
    write_guard(w, s, language, &row);
}

static enum word guard_word(enum guard guard)
{
    return guard == GUARD_EGRESS ? WORD_EGRESS : guard == GUARD_FILES ? WORD_FILES : WORD_FRONT;
}

/* A guard that has a segment of counts. */
static void write_segment(struct writer *w, const struct snapshot *s, int language,
                          enum guard guard)
{
    const struct status *st = &s->status;
    const struct guard_look *look = &st->guard[guard];
    char detail[128];
    struct writer d = writer_on(detail, sizeof detail - 1);
    if (look->alive && guard == GUARD_FRONT)
        add_detail(&d, language, WORD_WORKERS, look->alive);
    detail[d.length] = 0;
    bool unseen = !st->s.guard[guard] && st->s.code[guard] == -EACCES;
    const struct guard_row row = {guard_word(guard),
                                  unseen        ? WORD_UNSEEN
                                  : look->alive ? WORD_UP
                                                : WORD_DOWN,
                                  unseen        ? "none"
                                  : look->alive ? "good"
                                                : "bad",
                                  look->since ? wall_of(&st->s.now, look->since) : 0, detail};
    write_guard(w, s, language, &row);
}

void part_guards(struct writer *w, const struct snapshot *s, int language)
{
    const struct status *st = &s->status;
    const struct bulletin *b = &st->bulletin;
    const struct guard_row rows[] = {
        {WORD_SUPERVISOR, st->s.supervised ? WORD_UP : WORD_DOWN, st->s.supervised ? "good" : "bad",
         st->has_bulletin ? b->started : 0, ""},
        {WORD_KEEPER,
         !b->keeper.wanted ? WORD_UNWANTED
         : b->keeper.pid   ? WORD_UP
                           : WORD_DOWN,
         !b->keeper.wanted ? "none"
         : b->keeper.pid   ? "good"
                           : "bad",
         b->keeper.wanted ? b->keeper.since : 0, ""},
    };
    WRITE_LITERAL(w, "<ul class=\"guards\">");
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (guard_is_shown(st, guard))
            write_segment(w, s, language, guard);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        write_guard(w, s, language, &rows[i]);
    write_recorder(w, s, language);
    WRITE_LITERAL(w, "</ul>");
}
