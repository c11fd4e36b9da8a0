#include "audit/guard_report.h"

#include <stdio.h>

enum { NEWS = 256 };

static const struct budget_rule *rule_of(const struct contract *c, const struct hold *hold)
{
    return hold->budget >= 0 && (uint32_t)hold->budget < c->budget_count ? &c->budget[hold->budget]
                                                                         : NULL;
}

static void describe(struct act *act, const struct budget_rule *rule,
                     const struct budget_news *news)
{
    const struct hold *hold = &news->hold;
    char text[ACT_REASON_SIZE];
    const char *meter = rule ? meter_name(rule->meter) : "";
    nanos_t span = rule && hold->window < rule->window_count ? rule->window[hold->window].span : 0;
    const char *observed = hold->observed ? "observe, nobody was held: " : "";
    switch (news->event) {
    case BUDGET_HELD:
        /* What is refused is not counted, so that at the limit it is the next one that was over. */
        snprintf(text, sizeof text, "%s%s%llu of %llu %s in %lld s%s", observed,
                 news->count > 1 ? "the largest " : "", (unsigned long long)hold->used,
                 (unsigned long long)hold->limit, meter, (long long)(span / NANOS_SECOND),
                 hold->used <= hold->limit ? ", and the next was over" : "");
        break;
    case BUDGET_ENDED:
        snprintf(text, sizeof text, "%s%s", observed,
                 rule ? "its time was over" : "it gave way to another of the same principal");
        break;
    case BUDGET_RELEASED:
        snprintf(text, sizeof text, "%sended as was asked for", observed);
        break;
    case BUDGET_BREAKER:
        snprintf(text, sizeof text,
                 "it would have held too many of those in good standing: it observes");
        break;
    default:
        snprintf(text, sizeof text, "it is in force again");
    }
    act_text(act->reason, sizeof act->reason, text_of(text));
}

static enum act_kind kind_of(const struct budget_news *news)
{
    bool one = news->count == 1 && !news->hold.observed;
    switch (news->event) {
    case BUDGET_HELD:
        return one ? ACT_HOLD : ACT_HOLDS;
    case BUDGET_ENDED:
        return one ? ACT_EXPIRY : ACT_EXPIRIES;
    case BUDGET_RELEASED:
        return ACT_RELEASE;
    default:
        return ACT_BREAKER;
    }
}

static void number_holds(struct act *act, const struct budget_rule *rule,
                         const struct budget_news *news)
{
    const struct hold *hold = &news->hold;
    if (rule && news->event == BUDGET_HELD) {
        act_number(act, "used", (int64_t)hold->used);
        act_number(act, "limit", (int64_t)hold->limit);
    }
    if (news->count > 1 || hold->observed) {
        act_number(act, "count", (int64_t)news->count);
        act_number(act, "first", (int64_t)news->first);
        act_number(act, "last", (int64_t)news->last);
    } else if (rule && news->event == BUDGET_HELD) {
        act_number(act, "hold_s", (hold->until - hold->since) / NANOS_SECOND);
    } else if (rule) {
        act_number(act, "refused", (int64_t)hold->refused);
    }
}

/* One hold is named with who it is about; many are told by their numbers. */
static struct act act_of(const struct contract *c, enum guard guard, const struct budget_news *news,
                         int64_t wall)
{
    const struct budget_rule *rule = rule_of(c, &news->hold);
    struct act act = {.at = wall, .kind = (uint8_t)kind_of(news)};
    snprintf(act.actor, sizeof act.actor, "guard %s", guard_name(guard));
    char name[HOLD_NAME_SIZE], who[PRINCIPAL_TEXT_SIZE];
    if (rule)
        act_text(act.object, sizeof act.object, text_of(rule->name));
    describe(&act, rule, news);
    if (news->event >= BUDGET_BREAKER)
        return act;
    number_holds(&act, rule, news);
    if (news->count > 1 || news->hold.observed)
        return act;
    hold_name(guard, news->hold.id, name);
    act_text(act.hold, sizeof act.hold, text_of(name));
    if (rule)
        act_text(act.subject, sizeof act.subject,
                 text_of(principal_text(&news->hold.principal, who)));
    snprintf(act.evidence, sizeof act.evidence, "ecluse why %s", name);
    return act;
}

static bool ring_is_open(struct guard_report *r, const char *runtime, nanos_t now)
{
    struct error error;
    if (r->ring || (r->looked && now - r->looked < 5 * NANOS_SECOND))
        return r->ring != NULL;
    r->looked = now;
    if (handover_open(runtime, r->name, &r->ring, &error) == 0)
        return true;
    r->ring = NULL;
    if (!r->said || now - r->said >= NANOS_MINUTE)
        log_line(LOG_LEVEL_ERROR, "holds are not put on the record: %s", error.text);
    r->said = now;
    return false;
}

void guard_report_beat(struct guard_report *r, struct budgets *budgets,
                       const struct contract *contract, nanos_t now)
{
    static struct budget_news news[NEWS];
    if (!ring_is_open(r, contract->runtime, now))
        return; /* what began meanwhile is told once there is a ring */
    size_t count = budget_report(budgets, now, news, NEWS);
    int64_t wall = count ? clock_wall() : 0;
    for (size_t i = 0; i < count; i++) {
        struct act act = act_of(contract, r->guard, &news[i], wall);
        handover_act(r->ring, &act);
    }
}

void guard_report_close(struct guard_report *r)
{
    handover_close(r->ring);
    r->ring = NULL;
}
