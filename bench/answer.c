/* What rendering an answer costs: bench-answer. Median of 9 rounds on one core, and what is
 * written. For instructions: perf stat -e instructions:u bench-answer CASE ROUNDS     (and subtract
 * what ROUNDS of `nothing` take) */
#include "tracking/answer_samples.h"

#include <stdio.h>

enum { ROUNDS = 9, CALLS = 100000 };

static struct contract *contract;
static char buffer[ANSWER_SIZE];
static struct answer answer;
static struct history histories[2];

static void nothing(void)
{
    __asm__ volatile("" ::: "memory");
}

static void render(struct answer_request request)
{
    request.contract = contract;
    request.now = SAMPLE_NOW;
    answer_render(&request, buffer, sizeof buffer, &answer);
}

static void json_3(void)
{
    render((struct answer_request){.form = ANSWER_JSON, .history = &histories[0]});
}

static void json_8(void)
{
    render((struct answer_request){.form = ANSWER_JSON, .history = &histories[1]});
}

static void html_3(void)
{
    render((struct answer_request){.history = &histories[0], .language = LANGUAGE_DE});
}

static void html_8(void)
{
    render((struct answer_request){.history = &histories[1], .language = LANGUAGE_DE});
}

static void describe(void)
{
    struct answer_request request = {
        .contract = contract, .now = SAMPLE_NOW, .history = &histories[1]};
    answer_describe(&request, &answer);
}

static void unknown_static(void)
{
    answer_static(ANSWER_NOT_KNOWN_YET, ANSWER_HTML, LANGUAGE_FR, &answer);
}

static void wrong_check(void)
{
    render((struct answer_request){.kind = ANSWER_WRONG_CHECK, .typed = TEXT("RB123456786GB")});
}

static void language(void)
{
    static const struct text header = {"fr-BE,fr;q=0.9,en-US;q=0.8,en;q=0.7", 35};
    answer_language(contract, (struct text){NULL, 0}, header);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"nothing", nothing},
    {"json of 3 events", json_3},
    {"json of 8 events", json_8},
    {"html of 3 events", html_3},
    {"html of 8 events", html_8},
    {"validators alone", describe},
    {"not known yet, static", unknown_static},
    {"wrong check digit", wrong_check},
    {"language of a header", language},
};

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double nanoseconds(void (*run)(void))
{
    double rounds[ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        nanos_t start = clock_boot();
        for (unsigned i = 0; i < CALLS; i++)
            run();
        rounds[round] = (double)(clock_boot() - start) / CALLS;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    return rounds[ROUNDS / 2];
}

int main(int count, char **arguments)
{
    contract = sample_contract();
    if (!contract)
        return 2;
    answer_prepare(contract);
    histories[0] = sample_history(3);
    histories[1] = sample_history(8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (count == 3) { /* one case, so many times, for perf */
            for (long times = strcmp(arguments[1], cases[i].name) ? 0 : atol(arguments[2]);
                 times > 0; times--)
                cases[i].run();
            continue;
        }
        answer.length = 0;
        double taken = nanoseconds(cases[i].run);
        printf("%-22s %8.1f ns %8zu bytes\n", cases[i].name, taken, answer.length);
    }
    free(contract);
    return 0;
}
