/* `ecluse release`: asks the guards to end holds, and waits until they have. */
#include "cli/output.h"
#include "cli/situation.h"
#include "status/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MILLISECONDS = 2500, STEP_MILLISECONDS = 50 };

struct asked {
    uint64_t id;
    bool ended;
};

/* An ended hold's record stays for a while; its end tells. */
static bool in_force(const struct situation *s, uint64_t id)
{
    struct hold hold;
    return hold_find(s->front, id, &hold) && hold.until > clock_boot();
}

static int ask_all(const struct situation *s, bool json, struct asked **out, size_t *count)
{
    struct hold *holds = calloc(STATUS_MAX_HOLDS, sizeof *holds);
    must(holds != NULL);
    size_t found = holds_list(s->front, s->now.boot, holds, STATUS_MAX_HOLDS);
    *out = calloc(found + 1, sizeof **out);
    must(*out != NULL);
    int status = EXIT_DONE;
    for (size_t i = 0; i < found && status == EXIT_DONE; i++) {
        struct error error;
        if (holds[i].observed)
            continue;
        if (release_request(s->runtime, GUARD_FRONT, holds[i].id, &error) < 0)
            status = could_not(json, "%s", error.text);
        else
            (*out)[(*count)++].id = holds[i].id;
    }
    free(holds);
    return status;
}

static int ask_one(const struct situation *s, bool json, const char *name, struct asked *out)
{
    enum guard guard;
    struct error error;
    if (hold_name_parse(text_of(name), &guard, &out->id) != 0)
        return could_not(json, "`%.100s` is not a hold's name; `ecluse holds` lists them", name);
    if (guard != GUARD_FRONT)
        return could_not(json, "there is no guard `%s` yet", guard_name(guard));
    if (!in_force(s, out->id))
        return could_not(json, "no hold %s is in force; it may have ended by itself", name);
    if (release_request(s->runtime, guard, out->id, &error) < 0)
        return could_not(json, "%s", error.text);
    return EXIT_DONE;
}

/* A released principal that is still over its limit may be held again at once, but that hold has
 * another id. */
static size_t wait_ended(const struct situation *s, struct asked *asked, size_t count)
{
    size_t ended = 0;
    for (int waited = 0; waited < WAIT_MILLISECONDS && ended < count; waited += STEP_MILLISECONDS) {
        nanosleep(&(struct timespec){.tv_nsec = STEP_MILLISECONDS * 1000000L}, NULL);
        for (size_t i = 0; i < count; i++) {
            if (!asked[i].ended && !in_force(s, asked[i].id)) {
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
        hold_name(GUARD_FRONT, asked[i].id, name);
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
    fprintf(stderr,
            "ecluse: %zu of %zu are still in force: no guard answered in time; is nginx running "
            "with the module? What was asked for stands until a guard does it\n",
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
    if (s.front == NULL) {
        status = could_not(json, "%s", s.front_error.text);
    } else if (a->operand_count == 1 && strcmp(a->operand[0], "all") == 0) {
        status = ask_all(&s, json, &asked, &count);
    } else {
        asked = calloc(a->operand_count, sizeof *asked);
        must(asked != NULL);
        for (; count < a->operand_count && status == EXIT_DONE; count++)
            status = ask_one(&s, json, a->operand[count], &asked[count]);
    }
    if (status == EXIT_DONE)
        status = tell(json, asked, count, wait_ended(&s, asked, count));
    free(asked);
    situation_close(&s);
    return status;
}
