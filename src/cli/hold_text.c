#include "cli/hold_text.h"

#include "cli/local_who.h"
#include "cli/output.h"
#include "status/status.h"

#include <inttypes.h>

const struct budget_rule *hold_rule(const struct situation *s, const struct hold *hold)
{
    if (hold->budget < 0 || (uint32_t)hold->budget >= s->contract->budget_count)
        return NULL;
    const struct budget_rule *rule = &s->contract->budget[hold->budget];
    return hold->window < rule->window_count ? rule : NULL;
}

static bool breaker_open(const struct situation *s, const struct hold *hold)
{
    const struct budgets *budgets = situation_budgets(s, (unsigned)hold->budget);
    struct budget_state state = {0};
    if (budgets)
        budget_state(budgets, (unsigned)hold->budget, s->now.boot, &state);
    return state.breaker_open;
}

/* A hold that was only noticed stays so, whatever the budget does by now. */
static const char *why_nothing(const struct situation *s, const struct hold *hold,
                               const struct budget_rule *rule)
{
    if (situation_panic(s))
        return "in a panic, every budget only observes";
    if (rule && (s->contract->mode == MODE_OBSERVE || rule->mode == MODE_OBSERVE))
        return "this budget only observes";
    if (rule && breaker_open(s, hold))
        return "this budget's breaker is open, so that it stops only who is several times over";
    return "begun in a panic, or while this budget only observed; by now it enforces, and who is "
           "over its limit is held anew";
}

static void reason(const struct hold *hold, const struct budget_rule *rule, FILE *out)
{
    char used[FIGURE_SIZE], limit[FIGURE_SIZE], span[FIGURE_SIZE];
    enum meter_unit unit = meter_unit(rule->meter);
    /* What is refused is not counted, so that at the limit it is the next one that was over. */
    fprintf(out,
            "Reason: %s %s in %s%s; at most %s are allowed (line %" PRIu32 " of the contract).\n",
            figure_amount(unit, hold->used, used), meter_name(rule->meter),
            figure_span(rule->window[hold->window].span, span),
            hold->used <= hold->limit ? ", and the next was over" : "",
            figure_amount(unit, hold->limit, limit), rule->line);
}

void hold_text(const struct situation *s, const struct hold *hold, FILE *out)
{
    const struct budget_rule *rule = hold_rule(s, hold);
    const char *would = hold->observed ? "would have been " : "";
    char name[HOLD_NAME_SIZE], who[LOCAL_WHO_SIZE], count[FIGURE_SIZE], figure[FIGURE_SIZE];
    nanos_t wall = s->now.wall;
    hold_name((enum guard)hold->guard, hold->id, name);
    local_who_held(s, hold, who);
    fprintf(out, "%s %sheld by ", who, hold->observed ? would : "is ");
    if (rule) {
        fprintf(out, "the budget \"%s\".\n", rule->name);
        reason(hold, rule, out);
    } else {
        fputs("a budget that is no longer in the contract.\n", out);
    }
    fprintf(out, "Since:  %s", figure_wall(wall_of(&s->now, hold->since), wall, figure));
    fprintf(out, " (%s ago); %srefused %s time%s since.\n",
            figure_span(s->now.boot - hold->since, figure), would,
            figure_count(hold->refused, count), hold->refused == 1 ? "" : "s");
    fprintf(out, "Until:  %s", figure_wall(wall_of(&s->now, hold->until), wall, figure));
    fprintf(out, " (in %s), then it ends by itself.\n",
            figure_span(hold->until - s->now.boot, figure));
    if (hold->observed)
        fprintf(out, "Nothing is held: %s.\n", why_nothing(s, hold, rule));
    else
        fprintf(out, "Undo:   ecluse release %s\n", name);
}
