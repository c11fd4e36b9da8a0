/* `ecluse waves`: the floods that were, what each was made of, and what is known when it returns.
 */
#include "cli/output.h"
#include "cli/record.h"
#include "cli/situation.h"
#include "gate/wave.h"
#include "status/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct look {
    struct situation s;
    struct waves *waves;
    size_t wave_count, learned_count;
    struct wave wave[WAVE_RECORDS];
    struct wave_learned learned[WAVE_LEARNED];
};

static int64_t now_seconds(const struct look *look)
{
    return look->s.now.wall / NANOS_SECOND;
}

static int look_open(const struct arguments *a, bool read_only, struct look **out)
{
    struct look *look = calloc(1, sizeof *look);
    must(look != NULL);
    struct error error;
    int status = situation_open(a, &look->s);
    if (status != EXIT_DONE) {
        free(look);
        return status;
    }
    if (waves_open(look->s.contract->state, read_only, &look->waves, &error) < 0) {
        status = could_not(a->option[OPTION_JSON] != NULL,
                           "%s; `ecluse run` makes it, and root may read it", error.text);
        situation_close(&look->s);
        free(look);
        return status;
    }
    look->wave_count = waves_list(look->waves, look->wave, WAVE_RECORDS);
    look->learned_count =
        waves_learned(look->waves, now_seconds(look), look->learned, WAVE_LEARNED);
    *out = look;
    return EXIT_DONE;
}

static void look_close(struct look *look)
{
    waves_close(look->waves);
    situation_close(&look->s);
    free(look);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static json_t *shape_json(const struct look *look, const struct shape *shape)
{
    char id[24], text[SHAPE_TEXT_SIZE];
    snprintf(id, sizeof id, "%016" PRIx64, shape->id);
    return json_pack("{s:s,s:o}", "shape", id, "like",
                     json_safe(shape_text(shape, look->s.contract, text)));
}

static json_t *counts_json(const uint64_t count[WAVE_FATE_COUNT])
{
    json_t *object = json_object();
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        json_object_set_new(object, wave_fate_name((enum wave_fate)i),
                            json_integer((json_int_t)count[i]));
    return object;
}

static json_t *routes_json(const struct look *look, uint64_t routes)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < look->s.contract->route_count; i++)
        if (routes >> i & 1)
            json_array_append_new(list, json_safe(look->s.contract->route[i].name));
    return list;
}

static json_t *time_json(int64_t seconds)
{
    char text[CLOCK_TEXT_SIZE];
    return seconds > 0 && seconds < INT64_MAX / NANOS_SECOND
               ? json_string(clock_text(seconds * NANOS_SECOND, text))
               : json_null();
}

static json_t *wave_json(const struct look *look, const struct wave *wave)
{
    json_t *shapes = json_array();
    for (uint32_t i = 0; i < wave->shape_count; i++) {
        json_t *shape = shape_json(look, &wave->shape[i].shape);
        json_object_set_new(shape, "requests", counts_json(wave->shape[i].count));
        json_array_append_new(shapes, shape);
    }
    return json_pack("{s:I,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:b,s:I,s:o}", "wave",
                     (json_int_t)wave->number, "began", time_json(wave->begin), "ended",
                     time_json(wave->end), "routes", routes_json(look, wave->routes), "requests",
                     counts_json(wave->count), "most_a_second", (json_int_t)wave->most_a_second,
                     "sources", (json_int_t)wave->sources, "networks", (json_int_t)wave->networks,
                     "recognised", (int)(wave->known != 0), "learned", (json_int_t)wave->learned,
                     "shapes", shapes);
}

static void print_json(const struct look *look)
{
    json_t *waves = json_array(), *learned = json_array();
    for (size_t i = 0; i < look->wave_count; i++)
        json_array_append_new(waves, wave_json(look, &look->wave[i]));
    for (size_t i = 0; i < look->learned_count; i++) {
        const struct wave_learned *l = &look->learned[i];
        json_t *shape = shape_json(look, &l->shape);
        json_object_set_new(shape, "wave", json_integer((json_int_t)l->wave));
        json_object_set_new(shape, "since", time_json(l->since));
        json_object_set_new(shape, "until", time_json(l->until));
        json_object_set_new(shape, "met", json_integer((json_int_t)l->met));
        json_array_append_new(learned, shape);
    }
    output_json(json_pack("{s:o,s:o}", "waves", waves, "learned", learned));
}

/* ---- For people ------------------------------------------------------------------------------ */

static uint64_t total_of(const uint64_t count[WAVE_FATE_COUNT])
{
    uint64_t total = 0;
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        total += count[i];
    return total;
}

static void wave_row(const struct look *look, struct table *table, const struct wave *wave)
{
    char figure[FIGURE_SIZE], route[160] = "";
    int64_t now = now_seconds(look), end = wave->end ? wave->end : now;
    for (uint32_t i = 0; i < look->s.contract->route_count; i++)
        if (wave->routes >> i & 1)
            snprintf(route + strlen(route), sizeof route - strlen(route), "%s%s",
                     *route ? ", " : "", look->s.contract->route[i].name);
    table_row(table);
    table_cell(table, TONE_BOLD, "%" PRIu64, wave->number);
    table_cell(table, TONE_PLAIN, "%s",
               figure_wall(wave->begin * NANOS_SECOND, look->s.now.wall, figure));
    table_cell(table, wave->end ? TONE_PLAIN : TONE_WARNING, "%s%s",
               figure_span((end > wave->begin ? end - wave->begin : 0) * NANOS_SECOND, figure),
               wave->end ? "" : ", still on");
    table_cell(table, TONE_PLAIN, "%s", figure_count(total_of(wave->count), figure));
    table_cell(table, TONE_PLAIN, "%s", figure_count(wave->most_a_second, figure));
    table_cell(table, TONE_PLAIN, "%s", figure_count(wave->sources, figure));
    table_cell(table, TONE_PLAIN, "%s", figure_count(wave->networks, figure));
    table_cell(table, TONE_PLAIN, "%s", figure_count(wave->count[WAVE_ORIGIN], figure));
    table_cell(table, TONE_PLAIN, "%s", *route ? route : "-");
    table_cell(table, TONE_DIM, "%s", wave->known ? "recognised when it began" : "");
}

static void shapes_print(const struct look *look, const struct wave *wave)
{
    char text[SHAPE_TEXT_SIZE], figure[FIGURE_SIZE];
    if (wave->shape_count == 0)
        return;
    printf("\nMost of wave %" PRIu64 ":\n", wave->number);
    for (uint32_t i = 0; i < wave->shape_count && i < 3; i++)
        printf("  %s times  %s\n", figure_count(total_of(wave->shape[i].count), figure),
               shape_text(&wave->shape[i].shape, look->s.contract, text));
}

static void learned_print(const struct look *look)
{
    static const char *const titles[] = {"shape", "like", ">met", ">of wave", "until"};
    char figure[FIGURE_SIZE], text[SHAPE_TEXT_SIZE];
    struct table table = table_of(5, titles);
    if (look->learned_count == 0)
        return;
    puts("\nLearned: strangers who send these are challenged at once.");
    for (size_t i = 0; i < look->learned_count; i++) {
        const struct wave_learned *l = &look->learned[i];
        table_row(&table);
        table_cell(&table, TONE_BOLD, "%016" PRIx64, l->shape.id);
        table_cell(&table, TONE_PLAIN, "%s", shape_text(&l->shape, look->s.contract, text));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(l->met, figure));
        table_cell(&table, TONE_PLAIN, "%" PRIu64, l->wave);
        table_cell(&table, TONE_PLAIN, "%s",
                   figure_wall(l->until * NANOS_SECOND, look->s.now.wall, figure));
    }
    table_print(&table, stdout);
    puts("`ecluse waves forget SHAPE` (or `all`) unlearns one.");
}

static void print_text(const struct look *look)
{
    static const char *const titles[] = {"wave",      "began",    "lasted",    ">requests",
                                         ">most in 1 s", ">sources", ">networks", ">at origin",
                                         "routes",    ""};
    struct table table = table_of(10, titles);
    for (size_t i = 0; i < look->wave_count; i++)
        wave_row(look, &table, &look->wave[i]);
    if (look->wave_count == 0)
        puts("No flood is remembered.");
    else
        table_print(&table, stdout);
    if (look->wave_count)
        shapes_print(look, &look->wave[0]);
    learned_print(look);
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

static size_t forget(struct look *look, const char *which)
{
    size_t forgotten = 0;
    if (strcmp(which, "all") == 0) {
        for (size_t i = 0; i < look->learned_count; i++)
            forgotten += waves_forget(look->waves, look->learned[i].shape.id);
        return forgotten;
    }
    char *end;
    uint64_t id = strtoull(which, &end, 16);
    return strlen(which) == 16 && *end == 0 && waves_forget(look->waves, id);
}

/* Whoever is unlearned is only no longer challenged from the first second: nothing that contains.
 */
static int forget_shapes(const struct arguments *a, struct look *look)
{
    bool json = a->option[OPTION_JSON] != NULL;
    bool all = strcmp(a->operand[1], "all") == 0;
    size_t forgotten = forget(look, a->operand[1]);
    if (forgotten == 0 && !all)
        return could_not(json, "`%.100s` is no learned shape; `ecluse waves` lists them",
                         a->operand[1]);
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(ACT_OPERATOR, actor, "learned shapes", "%zu forgotten", forgotten);
    if (forgotten)
        record_say(look->s.runtime, HANDOVER_COMMAND, &act);
    if (json)
        output_json(json_pack("{s:I}", "forgotten", (json_int_t)forgotten));
    else
        printf("%zu forgotten.\n", forgotten);
    return EXIT_DONE;
}

int command_waves(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL, forgets = a->operand_count > 0;
    if (forgets && (a->operand_count != 2 || strcmp(a->operand[0], "forget") != 0))
        return could_not(json, "usage: ecluse waves, or ecluse waves forget SHAPE|all");
    struct look *look;
    int status = look_open(a, !forgets, &look);
    if (status != EXIT_DONE)
        return status;
    if (forgets)
        status = forget_shapes(a, look);
    else if (json)
        print_json(look);
    else
        print_text(look);
    look_close(look);
    return status;
}
