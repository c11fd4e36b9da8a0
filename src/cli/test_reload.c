#include "cli/reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants some of the above first */
#include <cmocka.h>

/* A supervisor and one process of the front, which is this one, in a folder of their own. */
struct scene {
    char folder[64], file[96];
    struct contract *first;
    struct control *control;
    struct bulletin bulletin;
    struct reload reload;
    struct guard_segments guards;
    int slot;
    nanos_t now;
};

static void write_contract(const struct scene *s, int limit)
{
    FILE *f = fopen(s->file, "w");
    assert_non_null(f);
    fprintf(f,
            "ecluse: 1\n"
            "organisation: {name: Poste, languages: [fr]}\n"
            "state: %s/state\n"
            "runtime: %s/run\n"
            "budgets:\n"
            "  - {name: all, meter: requests, per: client, at_most: {1h: %d}, over: slow}\n",
            s->folder, s->folder, limit);
    fclose(f);
}

static struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->folder, sizeof s->folder, "/tmp/ecluse-reload-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->file, sizeof s->file, "%s/ecluse.yaml", s->folder);
    char path[96];
    snprintf(path, sizeof path, "%s/state", s->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/run", s->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    write_contract(s, 10);
    struct error error = {""};
    struct problems problems = {0};
    s->first = calloc(1, sizeof *s->first);
    struct contract *mine = calloc(1, sizeof *mine);
    assert_int_equal(contract_read(s->file, s->first, &problems, &error), 0);
    *mine = *s->first;
    assert_int_equal(control_create(path, &s->control, &error), 0);
    s->reload = (struct reload){.file = s->file, .control = s->control, .bulletin = &s->bulletin};
    assert_int_equal(reload_begin(&s->reload, mine, &error), 0);
    struct budget_sizes sizes = {
        .cells = 1 << 10, .rings = 1 << 10, .holds = 512, .things = 1 << 10};
    s->now = clock_boot();
    assert_int_equal(budget_create(s->first, GUARD_FRONT, &sizes, moment_now(), -1, &error), 0);
    assert_int_equal(budget_open(s->first, GUARD_FRONT, false, &s->guards.of[GUARD_FRONT], &error),
                     0);
    s->slot = guard_register(s->guards.of[GUARD_FRONT], s->now);
    guard_set_generation(s->guards.of[GUARD_FRONT], s->slot, s->reload.generation,
                         s->reload.generation, 0);
    return s;
}

static void scene_free(struct scene *s)
{
    char command[128];
    budget_close(s->guards.of[GUARD_FRONT]);
    reload_end(&s->reload);
    control_close(s->control);
    snprintf(command, sizeof command, "rm -r %s", s->folder);
    assert_int_equal(system(command), 0);
    free(s->first);
    free(s);
}

/* nginx was reloaded just before: the old worker still answers a slow reader, and looks around
 * no more. */
static void a_worker_that_leaves_has_no_veto(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    guard_beat(s->guards.of[GUARD_FRONT], s->slot, s->now);
    write_contract(s, 11);
    nanos_t offered = s->now + 200 * NANOS_MILLISECOND;
    assert_int_equal(reload_look(&s->reload, &s->guards, true, offered), RELOAD_NOTHING);
    assert_non_null(s->reload.next);
    assert_int_equal(reload_step(&s->reload, &s->guards, offered + NANOS_SECOND), RELOAD_NOTHING);
    assert_int_equal(reload_step(&s->reload, &s->guards, offered + 2 * NANOS_SECOND), RELOAD_TAKEN);
    assert_int_equal(s->reload.live->budget[0].window[0].limit, 11);
    assert_int_equal(s->bulletin.refused, 0);
    scene_free(s);
}

static void a_worker_that_beats_and_does_not_prepare_undoes_the_offer(void **state)
{
    (void)state;
    struct scene *s = scene_new();
    write_contract(s, 11);
    assert_int_equal(reload_look(&s->reload, &s->guards, true, s->now), RELOAD_NOTHING);
    guard_beat(s->guards.of[GUARD_FRONT], s->slot, s->now + NANOS_SECOND);
    assert_int_equal(reload_step(&s->reload, &s->guards, s->now + 2 * NANOS_SECOND),
                     RELOAD_NOTHING);
    assert_null(s->reload.next);
    assert_int_equal(s->reload.live->budget[0].window[0].limit, 10);
    assert_true(s->bulletin.refused > 0);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_leaves_has_no_veto),
        cmocka_unit_test(a_worker_that_beats_and_does_not_prepare_undoes_the_offer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
