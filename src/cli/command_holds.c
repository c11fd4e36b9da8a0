/* `ecluse holds`, `why` and `release`: who is held, why, and ending it. */
#include "cli/audit_view.h"
#include "cli/evidence_view.h"
#include "cli/gate_text.h"
#include "cli/hold_text.h"
#include "cli/local_who.h"
#include "cli/output.h"
#include "cli/situation.h"
#include "cli/token_asked.h"
#include "status/status.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static json_t *hold_json(const struct situation *s, const struct hold *hold)
{
    const struct budget_rule *rule = hold_rule(s, hold);
    char name[HOLD_NAME_SIZE], who[PRINCIPAL_TEXT_SIZE], since[CLOCK_TEXT_SIZE],
        until[CLOCK_TEXT_SIZE], known[LOCAL_WHO_SIZE];
    json_t *object = json_pack("{s:s,s:o,s:o,s:o,s:b,s:I,s:I,s:I,s:s,s:s}", "hold",
                               hold_name((enum guard)hold->guard, hold->id, name), "principal",
                               json_safe(principal_text(&hold->principal, who)), "who",
                               json_safe(local_who_held(s, hold, known)), "budget",
                               rule ? json_safe(rule->name) : json_null(), "observed",
                               (int)hold->observed, "used", (json_int_t)hold->used, "limit",
                               (json_int_t)hold->limit, "refused", (json_int_t)hold->refused,
                               "since", clock_text(wall_of(&s->now, hold->since), since), "until",
                               clock_text(wall_of(&s->now, hold->until), until));
    if (rule) {
        json_object_set_new(object, "meter", json_string(meter_name(rule->meter)));
        json_object_set_new(object, "window_s",
                            json_integer(rule->window[hold->window].span / NANOS_SECOND));
    }
    return object;
}

static void hold_row(const struct situation *s, struct table *table, const struct hold *hold)
{
    const struct budget_rule *rule = hold_rule(s, hold);
    enum meter_unit unit = rule ? meter_unit(rule->meter) : METER_UNIT_COUNT;
    char name[HOLD_NAME_SIZE], who[LOCAL_WHO_SIZE], one[FIGURE_SIZE], two[FIGURE_SIZE];
    table_row(table);
    table_cell(table, TONE_BOLD, "%s", hold_name((enum guard)hold->guard, hold->id, name));
    table_cell(table, TONE_PLAIN, "%s", local_who_held(s, hold, who));
    table_cell(table, TONE_PLAIN, "%s", rule ? rule->name : "(no longer in the contract)");
    table_cell(table, TONE_PLAIN, "%s of %s", figure_amount(unit, hold->used, one),
               figure_amount(unit, hold->limit, two));
    table_cell(table, TONE_PLAIN, "%s ago", figure_span(s->now.boot - hold->since, one));
    table_cell(table, TONE_PLAIN, "%s", figure_span(hold->until - s->now.boot, one));
    table_cell(table, TONE_PLAIN, "%s", figure_count(hold->refused, one));
    table_cell(table, TONE_DIM, "%s", hold->observed ? "observed only" : "");
}

static size_t holds_read(const struct situation *s, struct hold **out)
{
    *out = calloc(STATUS_MAX_HOLDS, sizeof **out);
    must(*out != NULL);
    return situation_holds(s, *out, STATUS_MAX_HOLDS);
}

/* A list that lacks what its reader may not see is not taken for the whole. */
static void tell_unseen(const struct situation *s)
{
    char why[UNSEEN_SIZE];
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (situation_unsure(s, guard))
            fprintf(stderr, "ecluse: not in this list: %s\n", situation_unseen(s, guard, why));
}

int command_holds(const struct arguments *a)
{
    struct situation s;
    int status = situation_open_guards(a, &s);
    if (status != EXIT_DONE)
        return status;
    struct hold *holds;
    size_t count = holds_read(&s, &holds);
    if (a->option[OPTION_JSON]) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, hold_json(&s, &holds[i]));
        output_json(json_pack("{s:o}", "holds", list));
    } else if (count == 0) {
        puts("Nobody is held.");
    } else {
        static const char *const titles[] = {"hold",   "who",      "budget",   ">spent",
                                             ">since", ">ends in", ">refused", ""};
        struct table table = table_of(8, titles);
        for (size_t i = 0; i < count; i++)
            hold_row(&s, &table, &holds[i]);
        table_print(&table, stdout);
        puts("`ecluse why HOLD` explains one; `ecluse release HOLD` ends it.");
    }
    tell_unseen(&s);
    free(holds);
    situation_close(&s);
    return EXIT_DONE;
}

/* ---- why ------------------------------------------------------------------------------------- */

static int why_hold(const struct arguments *a, const struct situation *s, enum guard guard,
                    uint64_t id)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct hold hold;
    if (!situation_hold(s, guard, id, &hold)) {
        int status =
            audit_history(a, s->contract, a->operand[0], json ? evidence_json(s, guard, id) : NULL);
        if (!json)
            evidence_print(s, guard, id);
        return status;
    }
    if (json) {
        json_t *object = hold_json(s, &hold);
        json_object_set_new(object, "evidence", evidence_json(s, guard, id));
        output_json(object);
    } else {
        hold_text(s, &hold, stdout);
        evidence_print(s, guard, id);
    }
    return EXIT_DONE;
}

/* Whom `why` was asked about: an address is a client, and a part of its network. A pass or a client
 * key is a client of its own, wherever it is shown. */
struct asked {
    struct principal principal;
    struct principal network, host; /* when it is an address */
    bool is_address;
    uint8_t address[16];
    struct token_asked token; /* kind TOKEN_ASKED_NONE: an address, or a machine inside */
};

static bool asked_read(const struct contract *c, const char *typed, struct asked *out)
{
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
    if (token_asked_read(c, typed, clock_wall() / NANOS_SECOND, &out->token)) {
        out->principal = principal_pass(c, out->token.id, address);
        return true;
    }
    if (local_who_read(typed, &out->principal))
        return true;
    if (principal_parse(c, text_of(typed), &out->principal) != 0)
        return false;
    out->is_address =
        inet_pton(AF_INET, typed, address + 12) == 1 || inet_pton(AF_INET6, typed, address) == 1;
    if (out->is_address) {
        out->network = principal_network(c, address);
        out->host = principal_host(address);
        memcpy(out->address, address, sizeof address);
    }
    return true;
}

/* Who is charged when a budget meets whom was asked about: the budget's kind decides. False for
 * kinds that no address has. */
static bool principal_for(const struct budget_rule *rule, const struct asked *asked,
                          struct principal *out)
{
    if (rule->per == PRINCIPAL_EVERYONE)
        *out = principal_everyone();
    else if (rule->per == asked->principal.kind)
        *out = asked->principal;
    else if (rule->per == PRINCIPAL_NETWORK && asked->is_address)
        *out = asked->network;
    else if (rule->per == PRINCIPAL_HOST && asked->is_address)
        *out = asked->host;
    else
        return false;
    return true;
}

static const char *verdict_text(enum verdict verdict)
{
    static const char *const texts[] = {"allowed", "slowed", "challenged", "held"};
    return texts[verdict];
}

static enum tone verdict_tone(enum verdict verdict)
{
    return verdict == VERDICT_ALLOW ? TONE_GOOD : verdict == VERDICT_HOLD ? TONE_BAD : TONE_WARNING;
}

static const char *charged_text(enum charged_to to)
{
    static const char *const texts[] = {"its own count", "its network's count",
                                        "the count of all others"};
    return texts[to];
}

static json_t *outcome_json(const struct situation *s, const struct budget_rule *rule,
                            const struct outcome *outcome, const struct principal *p)
{
    static const char *const names[] = {"self", "network", "others"};
    char who[PRINCIPAL_TEXT_SIZE], name[HOLD_NAME_SIZE], until[CLOCK_TEXT_SIZE];
    unsigned window = outcome->window < rule->window_count ? outcome->window : 0;
    return json_pack(
        "{s:o,s:s,s:o,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:o}", "budget", json_safe(rule->name), "meter",
        meter_name(rule->meter), "principal", json_safe(principal_text(p, who)), "verdict",
        verdict_text(outcome->verdict), "would_be", verdict_text(outcome->would_be), "charged_to",
        names[outcome->charged_to], "window_s",
        (json_int_t)(rule->window[window].span / NANOS_SECOND), "used", (json_int_t)outcome->used,
        "limit", (json_int_t)outcome->limit, "until",
        outcome->until ? json_string(clock_text(wall_of(&s->now, outcome->until), until))
                       : json_null(),
        "hold",
        outcome->hold ? json_string(hold_name(meter_guard(rule->meter), outcome->hold, name))
                      : json_null());
}

static void outcome_row(const struct situation *s, struct table *table,
                        const struct budget_rule *rule, const struct outcome *outcome)
{
    char used[FIGURE_SIZE], limit[FIGURE_SIZE], span[FIGURE_SIZE], name[HOLD_NAME_SIZE];
    enum meter_unit unit = meter_unit(rule->meter);
    unsigned window = outcome->window < rule->window_count ? outcome->window : 0;
    table_row(table);
    table_cell(table, TONE_PLAIN, "%s", rule->name);
    table_cell(table, TONE_PLAIN, "%s", principal_name(rule->per));
    table_cell(table, TONE_PLAIN, "%s of %s", figure_amount(unit, outcome->used, used),
               figure_amount(unit, outcome->limit, limit));
    table_cell(table, TONE_PLAIN, "%s", figure_span(rule->window[window].span, span));
    table_cell(table, verdict_tone(outcome->would_be), "%s%s", verdict_text(outcome->would_be),
               outcome->verdict == outcome->would_be ? ""
               : situation_panic(s)                  ? " (panic: not done)"
                                                     : " (observe: not done)");
    if (outcome->hold)
        table_cell(table, TONE_PLAIN, "%s, %s more",
                   hold_name(meter_guard(rule->meter), outcome->hold, name),
                   figure_span(outcome->until - s->now.boot, span));
    else
        table_cell(table, TONE_DIM, "%s", charged_text(outcome->charged_to));
}

/* Guards that count for a budget of which a row was shown, and of which no process is alive: what
 * was charged may be old, and what is allowed may be so because nobody counts. */
static json_t *gone_json(const struct situation *s, uint32_t guards)
{
    json_t *list = json_array();
    struct bulletin bulletin;
    const bool told = bulletin_read(s->runtime, &bulletin) == 0;
    struct guard_look *look = calloc(1, sizeof *look);
    must(look != NULL);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++) {
        char text[GUARD_GONE_SIZE];
        guard_look_at(s, guard, look);
        if ((guards >> guard & 1) && !look->alive)
            json_array_append_new(list, json_string(guard_gone_text(s, told ? &bulletin : NULL,
                                                                    guard, look, text)));
    }
    free(look);
    return list;
}

static void gone_text(const json_t *gone)
{
    size_t i;
    json_t *text;
    json_array_foreach (gone, i, text)
        printf("But %s.\n", json_string_value(text));
}

static bool is_local(const struct principal *p)
{
    return p->kind == PRINCIPAL_USER || p->kind == PRINCIPAL_PROCESS || p->kind == PRINCIPAL_SHARE;
}

static int why_client(const struct arguments *a, const struct situation *s,
                      const struct asked *asked)
{
    bool json = a->option[OPTION_JSON] != NULL;
    static const char *const titles[] = {"budget", "per", ">spent", ">in", "next", ""};
    struct table table = table_of(6, titles);
    json_t *list = json_array();
    char who[LOCAL_WHO_SIZE];
    uint32_t guards = 0;
    if (json)
        principal_text(&asked->principal, who);
    else
        local_who_text(&asked->principal, who);
    for (unsigned i = 0; i < s->contract->budget_count; i++) {
        const struct budget_rule *rule = &s->contract->budget[i];
        struct principal p;
        const struct budgets *budgets = situation_budgets(s, i);
        if (budgets == NULL || !principal_for(rule, asked, &p))
            continue;
        struct outcome outcome = budget_peek(budgets, i, &p, s->now.boot);
        json_array_append_new(list, outcome_json(s, rule, &outcome, &p));
        outcome_row(s, &table, rule, &outcome);
        guards |= UINT32_C(1) << meter_guard(rule->meter);
    }
    json_t *gone = gone_json(s, guards);
    int16_t entry = asked->principal.protected_by;
    const char *protected_by = entry >= 0 && (uint32_t)entry < s->contract->protected_count
                                   ? s->contract->protected[entry].name
                                   : NULL;
    const struct gate_asked gate = {.address = asked->is_address ? asked->address : NULL,
                                    .pass = asked->token.hash,
                                    .standing = asked->token.standing};
    if (json) {
        output_json(json_pack("{s:o,s:o,s:o,s:o,s:o}", "client", json_safe(who), "protected",
                              protected_by ? json_safe(protected_by) : json_null(), "budgets", list,
                              "not_counting", gone, "gate",
                              is_local(&asked->principal) ? json_null()
                                                          : gate_why_json(s, &gate)));
        return EXIT_DONE;
    }
    json_decref(list);
    if (asked->token.kind != TOKEN_ASKED_NONE)
        token_asked_text(&asked->token, s->now.wall);
    else if (asked->principal.kind == PRINCIPAL_HOST)
        printf("%s, a machine inside.\n", who);
    else if (is_local(&asked->principal))
        printf("%s, on shares of files.\n", who);
    else if (protected_by)
        printf("%s is protected: %s. It is never held for the sake of continuity.\n", who,
               protected_by);
    else
        printf("%s, by address; one who shows a pass is counted by the pass.\n", who);
    if (table.count == 0)
        puts("No budget is about it.");
    else
        table_print(&table, stdout);
    gone_text(gone);
    json_decref(gone);
    if (asked->principal.kind != PRINCIPAL_HOST && !is_local(&asked->principal))
        gate_why_text(s, &gate);
    return EXIT_DONE;
}

int command_why(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct situation s;
    int status = situation_open_guards(a, &s);
    if (status != EXIT_DONE)
        return status;
    enum guard guard;
    uint64_t id;
    struct asked asked = {0};
    if (hold_name_parse(text_of(a->operand[0]), &guard, &id) == 0)
        status = why_hold(a, &s, guard, id);
    else if (asked_read(s.contract, a->operand[0], &asked))
        status = why_client(a, &s, &asked);
    else
        status = could_not(json,
                           "`%.100s` is neither a hold (hold-2f-front), nor an address "
                           "(198.51.100.7, 02:00:5e:10:00:01), nor a network (198.51.100.0/24), "
                           "nor \"user NAME\", \"process TREE\" or \"share NAME\" of this machine, "
                           "nor a pass (what the cookie ecluse_pass holds), nor the id of a client "
                           "key",
                           a->operand[0]);
    situation_close(&s);
    return status;
}
