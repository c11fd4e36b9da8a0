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

static void pause_for(int milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000L}, NULL);
}

static bool are_told(const struct situation *s, const struct hold *hold, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (s->guard[hold[i].guard] &&
            !hold_is_told(s->guard[hold[i].guard], hold[i].id, clock_boot()))
            return false;
    return true;
}

/* A guard tells its holds once a second. The record has each before its release, so what is younger
 * is waited for until it was told, and written. */
static void wait_told(const struct situation *s, const struct hold *hold, size_t count)
{
    struct handover_state audit;
    uint64_t waiting = 1;
    if (are_told(s, hold, count) || situation_nobody_records(s->runtime))
        return;
    for (int waited = 0; waited < TOLD_MILLISECONDS && !are_told(s, hold, count);
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

struct asked {
    enum guard guard;
    uint64_t id;
    bool ended;
};

/* What is released is on the record first; one entry for all when all are meant. */
static int record_release(const struct arguments *a, const struct situation *s,
                          const struct hold *hold, size_t count)
{
    wait_told(s, hold, count);
    char actor[ACT_NAME_SIZE], name[HOLD_NAME_SIZE] = "", what[120];
    record_actor(actor);
    struct act act;
    if (count > 1) {
        snprintf(what, sizeof what, "the release of %zu holds", count);
        act = record_act(ACT_RELEASE, actor, "", "every hold is to be undone");
        act_number(&act, "count", (int64_t)count);
    } else {
        const struct budget_rule *rule =
            hold->budget >= 0 && (uint32_t)hold->budget < s->contract->budget_count
                ? &s->contract->budget[hold->budget]
                : NULL;
        char who[PRINCIPAL_TEXT_SIZE];
        hold_name((enum guard)hold->guard, hold->id, name);
        snprintf(what, sizeof what, "the release of %s", name);
        act =
            record_act(ACT_RELEASE, actor, rule ? rule->name : "", "to be undone before its time");
        act_text(act.subject, sizeof act.subject, text_of(principal_text(&hold->principal, who)));
        act_text(act.hold, sizeof act.hold, text_of(name));
        act_number(&act, "used", (int64_t)hold->used);
        act_number(&act, "limit", (int64_t)hold->limit);
        act_number(&act, "left_s", (hold->until - s->now.boot) / NANOS_SECOND);
    }
    return record_durably(a, s->runtime, &act, what);
}

static int ask_all(const struct arguments *a, const struct situation *s, bool json,
                   struct asked **out, size_t *count)
{
    struct hold *holds = calloc(STATUS_MAX_HOLDS, sizeof *holds);
    must(holds != NULL);
    size_t found = situation_holds(s, holds, STATUS_MAX_HOLDS);
    *out = calloc(found + 1, sizeof **out);
    must(*out != NULL);
    size_t kept = 0;
    for (size_t i = 0; i < found; i++)
        if (!holds[i].observed)
            holds[kept++] = holds[i];
    found = kept;
    int status = found ? record_release(a, s, holds, found) : EXIT_DONE;
    for (size_t i = 0; i < found && status == EXIT_DONE; i++) {
        struct error error;
        const enum guard guard = (enum guard)holds[i].guard;
        if (release_request(s->runtime, guard, holds[i].id, &error) < 0)
            status = could_not(json, "%s", error.text);
        else
            (*out)[(*count)++] = (struct asked){.guard = guard, .id = holds[i].id};
    }
    free(holds);
    return status;
}

static int ask_one(const struct arguments *a, const struct situation *s, bool json,
                   const char *name, struct asked *out)
{
    struct error error;
    struct hold hold;
    if (hold_name_parse(text_of(name), &out->guard, &out->id) != 0)
        return could_not(json, "`%.100s` is not a hold's name; `ecluse holds` lists them", name);
    if (!situation_hold(s, out->guard, out->id, &hold))
        return could_not(json, "no hold %s is in force; it may have ended by itself", name);
    int status = record_release(a, s, &hold, 1);
    if (status != EXIT_DONE)
        return status;
    if (release_request(s->runtime, out->guard, out->id, &error) < 0)
        return could_not(json, "%s", error.text);
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
            if (!asked[i].ended && !situation_hold(s, asked[i].guard, asked[i].id, &hold)) {
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
        hold_name(asked[i].guard, asked[i].id, name);
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
    int status = situation_open(a, &s);
    if (status != EXIT_DONE)
        return status;
    struct asked *asked = NULL;
    size_t count = 0;
    if (a->operand_count == 1 && strcmp(a->operand[0], "all") == 0) {
        status = ask_all(a, &s, json, &asked, &count);
    } else {
        asked = calloc(a->operand_count, sizeof *asked);
        must(asked != NULL);
        for (; count < a->operand_count && status == EXIT_DONE; count++)
            status = ask_one(a, &s, json, a->operand[count], &asked[count]);
    }
    if (status == EXIT_DONE)
        status = tell(json, asked, count, wait_ended(&s, asked, count));
    free(asked);
    situation_close(&s);
    return status;
}
