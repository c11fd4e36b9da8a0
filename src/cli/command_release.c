/* `ecluse release`: asks the guards to end holds, and waits until they have. */
#include "cli/output.h"
#include "cli/record.h"
#include "cli/situation.h"
#include "status/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MILLISECONDS = 2500, STEP_MILLISECONDS = 50 };
enum { TOLD_MILLISECONDS = 1500, WRITTEN_MILLISECONDS = 300, TURN_MILLISECONDS = 20 };

struct asked {
    struct hold hold;
    struct act act;
    bool ended;
};

static void pause_for(int milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000L}, NULL);
}

static bool are_told(const struct situation *s, const struct asked *asked, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct hold *hold = &asked[i].hold;
        if (s->guard[hold->guard] && !hold_is_told(s->guard[hold->guard], hold->id, clock_boot()))
            return false;
    }
    return true;
}

/* A guard tells its holds once a second. The record has each before its release, so what is younger
 * is waited for until it was told, and written. */
static void wait_told(const struct situation *s, const struct asked *asked, size_t count)
{
    struct handover_state audit;
    uint64_t waiting = 1;
    if (are_told(s, asked, count) || situation_nobody_records(s->runtime))
        return;
    for (int waited = 0; waited < TOLD_MILLISECONDS && !are_told(s, asked, count);
         waited += TURN_MILLISECONDS)
        pause_for(TURN_MILLISECONDS);
    for (int waited = 0; waited < WRITTEN_MILLISECONDS && waiting; waited += TURN_MILLISECONDS) {
        pause_for(TURN_MILLISECONDS); /* the guard marks it as told a moment before it hands over */
        waiting = 0;
        bool known = handover_status(s->runtime, &audit) == 0;
        for (size_t i = 0; known && i < HANDOVER_COUNT; i++)
            waiting += audit.waiting[i];
    }
}

static struct act act_of_all(size_t count)
{
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(ACT_RELEASE, actor, "", "every hold is to be undone");
    act_number(&act, "count", (int64_t)count);
    return act;
}

static struct act act_of_one(const struct situation *s, const struct hold *hold)
{
    const struct budget_rule *rule =
        hold->budget >= 0 && (uint32_t)hold->budget < s->contract->budget_count
            ? &s->contract->budget[hold->budget]
            : NULL;
    char actor[ACT_NAME_SIZE], name[HOLD_NAME_SIZE], who[PRINCIPAL_TEXT_SIZE];
    record_actor(actor);
    struct act act =
        record_act(ACT_RELEASE, actor, rule ? rule->name : "", "to be undone before its time");
    act_text(act.subject, sizeof act.subject, text_of(principal_text(&hold->principal, who)));
    act_text(act.hold, sizeof act.hold,
             text_of(hold_name((enum guard)hold->guard, hold->id, name)));
    act_number(&act, "used", (int64_t)hold->used);
    act_number(&act, "limit", (int64_t)hold->limit);
    act_number(&act, "left_s", (hold->until - s->now.boot) / NANOS_SECOND);
    return act;
}

/* What is released is on the record first, and nothing is released unless all of it is: one entry
 * when all are meant, else one for each hold. */
static int record_release(const struct arguments *a, const struct situation *s,
                          struct asked *asked, size_t count, bool all)
{
    char what[120], name[HOLD_NAME_SIZE];
    int status = EXIT_DONE;
    wait_told(s, asked, count);
    if (all && count > 1) {
        const struct act act = act_of_all(count);
        snprintf(what, sizeof what, "the release of %zu holds", count);
        return record_durably(a, s->runtime, &act, what);
    }
    size_t recorded = 0;
    for (; recorded < count && status == EXIT_DONE; recorded++) {
        const struct hold *hold = &asked[recorded].hold;
        asked[recorded].act = act_of_one(s, hold);
        snprintf(what, sizeof what, "the release of %s",
                 hold_name((enum guard)hold->guard, hold->id, name));
        status = record_durably(a, s->runtime, &asked[recorded].act, what);
    }
    for (size_t i = 0; status != EXIT_DONE && i + 1 < recorded; i++)
        record_not_done(s->runtime, &asked[i].act, "another release of the same command was not");
    return status;
}

/* ---- What is asked for ----------------------------------------------------------------------- */

/* All that bind. An incomplete list is not taken for the whole. */
static int find_all(const struct situation *s, bool json, struct asked **out, size_t *count)
{
    char why[UNSEEN_SIZE];
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (situation_unsure(s, guard))
            return could_not(json, "%s; nothing was released", situation_unseen(s, guard, why));
    struct hold *holds = calloc(STATUS_MAX_HOLDS, sizeof *holds);
    must(holds != NULL);
    size_t found = situation_holds(s, holds, STATUS_MAX_HOLDS), kept = 0;
    struct asked *asked = calloc(found + 1, sizeof *asked);
    must(asked != NULL);
    for (size_t i = 0; i < found; i++)
        if (!holds[i].observed)
            asked[kept++].hold = holds[i];
    free(holds);
    *out = asked;
    *count = kept;
    return EXIT_DONE;
}

static bool is_among(const struct asked *asked, size_t count, enum guard guard, uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if ((enum guard)asked[i].hold.guard == guard && asked[i].hold.id == id)
            return true;
    return false;
}

/* Each that is named, once. Nothing is released when one of them is not there. */
static int find_named(const struct arguments *a, const struct situation *s, bool json,
                      struct asked **out, size_t *count)
{
    struct asked *asked = calloc(a->operand_count, sizeof *asked);
    const char *nothing = a->operand_count > 1 ? "; nothing was released" : "";
    must(asked != NULL);
    *out = asked;
    for (size_t i = 0; i < a->operand_count; i++) {
        const char *name = a->operand[i];
        enum guard guard;
        uint64_t id;
        char why[UNSEEN_SIZE];
        if (hold_name_parse(text_of(name), &guard, &id) != 0)
            return could_not(json, "`%.100s` is not a hold's name; `ecluse holds` lists them%s",
                             name, nothing);
        if (is_among(asked, *count, guard, id))
            continue;
        if (!s->guard[guard])
            return could_not(json, "%s: %s%s", name, situation_unseen(s, guard, why), nothing);
        if (!situation_hold(s, guard, id, &asked[*count].hold))
            return could_not(json, "no hold %s is in force; it may have ended by itself%s", name,
                             nothing);
        ++*count;
    }
    return EXIT_DONE;
}

/* `count` becomes how many were asked for, when one could not be. */
static int ask(const struct situation *s, bool json, const struct asked *asked, size_t *count)
{
    struct error error;
    for (size_t i = 0; i < *count; i++) {
        const struct hold *hold = &asked[i].hold;
        if (release_request(s->runtime, (enum guard)hold->guard, hold->id, &error) == 0)
            continue;
        for (size_t rest = i; rest < *count; rest++) {
            const struct act act = act_of_one(s, &asked[rest].hold);
            record_not_done(s->runtime, &act, "it could not be asked for");
        }
        *count = i;
        return could_not(json, "%s", error.text);
    }
    return EXIT_DONE;
}

/* A released principal that is still over its limit may be held again at once, but that hold has
 * another id. */
static size_t wait_ended(const struct situation *s, struct asked *asked, size_t count)
{
    size_t ended = 0;
    for (int waited = 0; waited < WAIT_MILLISECONDS && ended < count; waited += STEP_MILLISECONDS) {
        pause_for(STEP_MILLISECONDS);
        for (size_t i = 0; i < count; i++) {
            struct hold hold;
            if (!asked[i].ended && !situation_hold(s, (enum guard)asked[i].hold.guard,
                                                   asked[i].hold.id, &hold)) {
                asked[i].ended = true;
                ended++;
            }
        }
    }
    return ended;
}

static int tell(bool json, const struct asked *asked, size_t count, size_t ended)
{
    json_t *released = json_array(), *waiting = json_array();
    char name[HOLD_NAME_SIZE];
    for (size_t i = 0; i < count; i++) {
        hold_name((enum guard)asked[i].hold.guard, asked[i].hold.id, name);
        json_array_append_new(asked[i].ended ? released : waiting, json_string(name));
        if (!json && count <= 20)
            printf("%s %s\n", name, asked[i].ended ? "released" : "asked for");
    }
    if (json)
        output_json(json_pack("{s:o,s:o}", "released", released, "waiting", waiting));
    else if (count > 20 || count == 0)
        printf("%zu holds released\n", ended);
    json_decref(json ? NULL : released);
    json_decref(json ? NULL : waiting);
    if (ended == count)
        return EXIT_DONE;
    fprintf(
        stderr,
        "ecluse: %zu of %zu are still in force: no guard answered in time; `ecluse status` says "
        "which is down. What was asked for stands until a guard does it\n",
        count - ended, count);
    return EXIT_PARTLY;
}

int command_release(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct situation s;
    int status = situation_open_guards(a, &s);
    if (status != EXIT_DONE)
        return status;
    struct asked *asked = NULL;
    size_t count = 0;
    bool all = a->operand_count == 1 && strcmp(a->operand[0], "all") == 0;
    status = all ? find_all(&s, json, &asked, &count) : find_named(a, &s, json, &asked, &count);
    if (status == EXIT_DONE && count)
        status = record_release(a, &s, asked, count, all);
    if (status == EXIT_DONE) {
        status = ask(&s, json, asked, &count);
        if (status == EXIT_DONE || (count && !json)) {
            int told = tell(json, asked, count, wait_ended(&s, asked, count));
            status = status == EXIT_DONE ? told : status;
        }
    }
    free(asked);
    situation_close(&s);
    return status;
}
