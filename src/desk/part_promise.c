/* A promise and a budget, with their bars and curves. */
#include "desk/parts.h"

#include <stdio.h>

/* Where a share stands on a curve that shows four times the failures that are allowed: 0 at the
 * top. */
static double height(uint32_t share, uint32_t promised, double tall)
{
    double room = 4.0 * (double)(1000000 - promised);
    double missed = (double)(1000000 - share);
    if (room <= 0)
        return missed > 0 ? tall : 0;
    return missed >= room ? tall : missed / room * tall;
}

static void write_curve(struct writer *w, const struct curve *h, uint32_t promised, int language)
{
    enum { WIDE = 240, TALL = 40 };
    char point[48];
    WRITE_LITERAL(w, "<svg class=\"curve\" viewBox=\"0 -2 240 44\" preserveAspectRatio=\"none\" "
                     "role=\"img\" aria-label=\"");
    html_word(w, language, WORD_CURVE);
    snprintf(point, sizeof point, "%.1f", height(promised, promised, TALL));
    WRITE_LITERAL(w, "\"><line class=\"limit\" x1=\"0\" x2=\"240\" y1=\"");
    write_string(w, point);
    WRITE_LITERAL(w, "\" y2=\"");
    write_string(w, point);
    WRITE_LITERAL(w, "\"/><polyline points=\"");
    for (unsigned i = 0; i < h->count; i++) {
        double x = (double)(HISTORY - h->count + i) * WIDE / (HISTORY - 1);
        snprintf(point, sizeof point, "%s%.0f,%.1f", i ? " " : "", x,
                 height(h->value[i], promised, TALL));
        write_string(w, point);
    }
    WRITE_LITERAL(w, "\"/></svg>");
}

static void write_terms(struct writer *w, const struct promise_rule *rule, int language)
{
    char text[SAY_SIZE];
    WRITE_LITERAL(w, "<p class=\"soft\">");
    if (rule->statement) { /* a time alone: no share of anything */
        html_word_with(w, language, WORD_PROMISED_STATEMENT,
                       say_span(language, rule->within, text));
        WRITE_LITERAL(w, "</p>");
        return;
    }
    html_word(w, language, WORD_PROMISED);
    WRITE_LITERAL(w, " ");
    html_text(w, say_share(language, rule->success, text));
    WRITE_LITERAL(w, " ");
    html_word(w, language, WORD_WITHIN);
    WRITE_LITERAL(w, " ");
    html_text(w, say_span(language, rule->within, text));
    if (rule->over) {
        WRITE_LITERAL(w, ", ");
        html_word(w, language, WORD_OVER_TIME);
        WRITE_LITERAL(w, " ");
        html_text(w, say_span(language, rule->over, text));
    }
    WRITE_LITERAL(w, "</p>");
}

static void write_measured(struct writer *w, const struct snapshot *s, int language, unsigned at)
{
    const struct promise_rule *rule = &snapshot_contract(s)->promise[at];
    const struct promise_state *state = &s->promise[at];
    char text[SAY_SIZE];
    WRITE_LITERAL(w, "<p class=\"big\">");
    html_text(w, say_share(language, state->share, text));
    WRITE_LITERAL(w, " <span class=\"soft small\">");
    html_word_with(w, language, WORD_OF_ANSWERS, say_count(language, state->answers, text));
    WRITE_LITERAL(w, "</span></p>");
    write_curve(w, &s->kept[at], rule->success, language);
    WRITE_LITERAL(w, "<p>");
    if (state->left)
        html_word_with(w, language, WORD_BEARS, say_count(language, state->left, text));
    else
        html_word(w, language, WORD_BEARS_NONE);
    WRITE_LITERAL(w, "</p>");
}

static void write_badge(struct writer *w, const char *kind, int language, enum word which)
{
    WRITE_LITERAL(w, "<span class=\"badge ");
    write_string(w, kind);
    WRITE_LITERAL(w, "\">");
    html_word(w, language, which);
    WRITE_LITERAL(w, "</span>");
}

void part_promise(struct writer *w, const struct snapshot *s, int language, unsigned at)
{
    const struct promise_rule *rule = &snapshot_contract(s)->promise[at];
    const struct promise_state *state = &s->promise[at];
    bool measured = rule->route >= 0 && s->status.s.guard[GUARD_FRONT];
    WRITE_LITERAL(w, "<h3>");
    html_text(w, rule->name);
    WRITE_LITERAL(w, "</h3>");
    if (!measured)
        write_badge(w, "none", language, WORD_NOT_MEASURED);
    else if (state->answers == 0)
        write_badge(w, "none", language, WORD_NO_ANSWERS);
    else
        write_badge(w, state->broken ? "bad" : "good", language,
                    state->broken ? WORD_BROKEN : WORD_KEPT);
    if (measured && state->answers)
        write_measured(w, s, language, at);
    write_terms(w, rule, language);
}

/* ---- Budgets --------------------------------------------------------------------------------- */

static enum word per_word(enum principal_kind kind)
{
    static const enum word words[PRINCIPAL_KIND_COUNT] = {
        [PRINCIPAL_CLIENT] = WORD_PER_CLIENT,     [PRINCIPAL_NETWORK] = WORD_PER_NETWORK,
        [PRINCIPAL_ACCOUNT] = WORD_PER_ACCOUNT,   [PRINCIPAL_HOST] = WORD_PER_HOST,
        [PRINCIPAL_PAIR] = WORD_PER_PAIR,         [PRINCIPAL_USER] = WORD_PER_USER,
        [PRINCIPAL_PROCESS] = WORD_PER_PROCESS,   [PRINCIPAL_SHARE] = WORD_PER_SHARE,
        [PRINCIPAL_EVERYONE] = WORD_PER_EVERYONE,
    };
    return words[kind];
}

static void write_limits(struct writer *w, const struct budget_rule *rule, int language)
{
    char text[SAY_SIZE];
    WRITE_LITERAL(w, "<p class=\"soft\">");
    html_word(w, language, per_word(rule->per));
    WRITE_LITERAL(w, " · ");
    html_word(w, language, WORD_AT_MOST);
    for (uint32_t i = 0; i < rule->window_count; i++) {
        WRITE_LITERAL(w, " ");
        html_text(w, say_amount(language, meter_unit(rule->meter), rule->window[i].limit, text));
        WRITE_LITERAL(w, " ");
        html_word(w, language, WORD_IN_SPAN);
        WRITE_LITERAL(w, " ");
        html_text(w, say_span(language, rule->window[i].span, text));
        if (i + 1 < rule->window_count)
            WRITE_LITERAL(w, ",");
    }
    WRITE_LITERAL(w, " · ");
    if (rule->over == OVER_HOLD)
        html_word_with(w, language, WORD_OVER_HELD, say_span(language, rule->hold_for, text));
    else
        html_word(w, language, rule->over == OVER_SLOW ? WORD_OVER_SLOWED : WORD_OVER_CHALLENGED);
    WRITE_LITERAL(w, "</p>");
}

static void write_bar(struct writer *w, uint64_t used, uint64_t limit)
{
    char width[16];
    double share = limit ? (double)used / (double)limit : 0;
    snprintf(width, sizeof width, "%.1f", share >= 1 ? 100.0 : share * 100);
    WRITE_LITERAL(w, "<svg class=\"bar");
    write_string(w, share >= 1 ? " full" : share >= 0.75 ? " near" : "");
    WRITE_LITERAL(w, "\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                     "<rect class=\"bed\" width=\"100\" height=\"6\"/><rect class=\"fill\" "
                     "height=\"6\" width=\"");
    write_string(w, width);
    WRITE_LITERAL(w, "\"/></svg>");
}

/* Who is nearest to the limit. Whoever is held already is not counted any further, so the newest
 * hold stands for it. */
static bool find_worst(const struct snapshot *s, unsigned at, struct budget_worst *out)
{
    const struct budget_rule *rule = &snapshot_contract(s)->budget[at];
    for (size_t i = 0; i < s->hold_count; i++) {
        const struct hold *hold = &s->hold[i];
        if (hold->budget != (int)at || hold->observed || hold->window >= rule->window_count)
            continue;
        *out = (struct budget_worst){hold->principal, hold->window, hold->used, hold->limit};
        return true;
    }
    *out = s->budget[at].worst;
    return s->budget[at].has_worst && out->window < rule->window_count;
}

static void write_worst(struct writer *w, const struct snapshot *s, int language, unsigned at)
{
    const struct budget_rule *rule = &snapshot_contract(s)->budget[at];
    struct budget_worst worst;
    char text[SAY_SIZE], who[PRINCIPAL_TEXT_SIZE];
    if (!find_worst(s, at, &worst)) {
        WRITE_LITERAL(w, "<p class=\"soft\">");
        html_word(w, language, WORD_UNUSED);
        WRITE_LITERAL(w, "</p>");
        return;
    }
    enum meter_unit unit = meter_unit(rule->meter);
    WRITE_LITERAL(w, "<p>");
    if (rule->per != PRINCIPAL_EVERYONE) {
        WRITE_LITERAL(w, "<b>");
        html_text(w, principal_text(&worst.principal, who));
        WRITE_LITERAL(w, "</b> ");
    }
    html_text(w, say_amount(language, unit, worst.used, text));
    WRITE_LITERAL(w, " ");
    html_word(w, language, WORD_OF);
    WRITE_LITERAL(w, " ");
    html_text(w, say_amount(language, unit, worst.limit, text));
    WRITE_LITERAL(w, " ");
    html_word(w, language, WORD_IN_SPAN);
    WRITE_LITERAL(w, " ");
    html_text(w, say_span(language, rule->window[worst.window].span, text));
    WRITE_LITERAL(w, "</p>");
    write_bar(w, worst.used, worst.limit);
}

void part_budget(struct writer *w, const struct snapshot *s, int language, unsigned at)
{
    const struct budget_rule *rule = &snapshot_contract(s)->budget[at];
    const struct budget_state *state = &s->budget[at];
    char text[SAY_SIZE];
    WRITE_LITERAL(w, "<h3>");
    html_text(w, rule->name);
    WRITE_LITERAL(w, "</h3>");
    bool guarded = rule_is_enforced(rule);
    if (!guarded)
        write_badge(w, "none", language, WORD_NO_GUARD);
    else if (state->breaker_open)
        write_badge(w, "near", language, WORD_BREAKER);
    else if (budget_mode_shown(&s->status, rule) == MODE_OBSERVE)
        write_badge(w, "near", language, WORD_OBSERVES);
    if (state->held) {
        WRITE_LITERAL(w, " <span class=\"badge near\">");
        html_word_with(w, language, WORD_HELD_COUNT, say_count(language, state->held, text));
        WRITE_LITERAL(w, "</span>");
    }
    if (guarded)
        write_worst(w, s, language, at);
    write_limits(w, rule, language);
}
