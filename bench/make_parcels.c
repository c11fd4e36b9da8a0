/* make-parcels: events of plausible parcels, for trials, benchmarks and the demo.
 *
 * A parcel is a function of the seed and its index alone, so any order and any part of the same
 * world can be written again without keeping it: nothing is allocated but the output buffer.
 * Numbers rise with the index, so the plain order is sorted.
 */
#include "base/base.h"
#include "tracking/event.h"
#include "tracking/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EVENTS_MOST = 40, DAY = 86400, LINE_MOST = 512, BUFFER_SIZE = 1 << 20 };

#define COUNT_MOST UINT64_C(100000000)

struct options {
    uint64_t count, seed, limit;
    int64_t now;
    unsigned events,
        skip; /* events: exactly so many for each parcel; 0: as many as have happened */
    bool csv, shuffle;
    const char *numbers, *source;
};

/* ---- Chance
 * --------------------------------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014): one multiply-xor chain a draw, good from any state. */
static uint64_t draw(struct chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(struct chance *chance, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)draw(chance) * bound >> 64);
}

static struct chance chance_of(uint64_t seed, uint64_t index)
{
    struct chance mixed = {seed ^ index * UINT64_C(0xd1342543de82ef95)};
    return (struct chance){draw(&mixed)};
}

/* ---- Numbers
 * -------------------------------------------------------------------------------------- */

/* In the order in which their numbers sort. `share`: of a hundred parcels. */
static const struct number_class {
    enum parcel_format_kind kind;
    const char *start;
    unsigned digits; /* of the body, that count up */
    unsigned share;
    const char *product;
} classes[] = {
    {FORMAT_SSCC, "0376012345", 7, 5, "Palette"},
    {FORMAT_SSCC, "0376098765", 7, 5, "Palette"},
    {FORMAT_COLISSIMO, "6A", 10, 20, "Colissimo"},
    {FORMAT_COLISSIMO, "6M", 10, 10, "Colissimo"},
    {FORMAT_COLISSIMO, "6P", 10, 10, "Colissimo"},
    {FORMAT_COLISSIMO, "8R", 10, 10, "Colissimo retour"},
    {FORMAT_S10, "CB", 8, 8, "Colissimo International"},
    {FORMAT_S10, "EE", 8, 4, "Chronopost"},
    {FORMAT_S10, "LA", 8, 8, "Lettre suivie"},
    {FORMAT_S10, "LP", 8, 8, "Petit paquet"},
    {FORMAT_S10, "RA", 8, 6, "Recommandé"},
    {FORMAT_S10, "RB", 8, 6, "Recommandé"},
};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

static const char *const countries[] = {"FR", "DE", "BE", "NL", "ES", "IT", "GB", "CN", "US", "JP"};
enum { COUNTRY_COUNT = sizeof countries / sizeof countries[0] };

struct parcel {
    const struct number_class *class;
    char number[PARCEL_TEXT_MAX + 1];
    const char *origin; /* country */
};

/* The class of a parcel and its place in it; classes take turns by share, in sorted order. */
static const struct number_class *class_of(uint64_t count, uint64_t index, uint64_t *in_class,
                                           uint64_t *class_count)
{
    uint64_t first = 0;
    unsigned share = 0;
    for (unsigned i = 0;; i++) {
        share += classes[i].share;
        uint64_t end = (uint64_t)((unsigned __int128)count * share / 100);
        if (index < end) {
            *in_class = index - first;
            *class_count = end - first;
            return &classes[i];
        }
        first = end;
        must(i + 1 < CLASS_COUNT);
    }
}

static void write_body(char *out, unsigned digits, uint64_t value)
{
    for (unsigned i = digits; i > 0; i--, value /= 10)
        out[i - 1] = (char)('0' + value % 10);
}

static struct parcel make_parcel(const struct options *options, uint64_t index,
                                 struct chance *chance)
{
    static const uint64_t power[] = {[7] = 10000000, [8] = 100000000, [10] = 10000000000};
    struct parcel parcel = {0};
    uint64_t in_class = 0, class_count = 0;
    const struct number_class *class = class_of(options->count, index, &in_class, &class_count);
    size_t start = strlen(class->start);
    uint64_t slot = power[class->digits] / class_count;
    uint64_t body = in_class * slot + below(chance, slot);
    uint64_t foreign = below(chance, 2 * COUNTRY_COUNT);
    char *number = parcel.number;
    parcel.class = class;
    bool abroad = class->kind == FORMAT_S10 && foreign < COUNTRY_COUNT;
    parcel.origin = countries[abroad ? foreign : 0];
    memcpy(number, class->start, start);
    write_body(number + start, class->digits, body);
    char check = parcel_check_digit(class->kind, class->kind == FORMAT_S10 ? number + 2 : number);
    number[start + class->digits] = check;
    if (class->kind == FORMAT_S10)
        memcpy(number + start + class->digits + 1, parcel.origin, 2);
    return parcel;
}

/* ---- Histories
 * ------------------------------------------------------------------------------------ */

enum where { AT_ORIGIN, AT_EXCHANGE, AT_SORTING, AT_OFFICE, AT_COUNTER };

struct moment {
    const char *code;
    enum where where;
    uint32_t hours; /* at most, since the one before */
};

/* Every story is told from its beginning; how far it has come is a question of the date. */
static const struct moment at_home[] = {
    {"DR1", AT_ORIGIN, 0},   {"PC1", AT_ORIGIN, 30},  {"ET1", AT_SORTING, 14},
    {"ET4", AT_SORTING, 10}, {"ET1", AT_SORTING, 20}, {"EP1", AT_OFFICE, 12},
    {"MD2", AT_OFFICE, 6},   {"DI1", AT_OFFICE, 8},
};
static const struct moment at_counter[] = {
    {"DR1", AT_ORIGIN, 0},   {"PC1", AT_ORIGIN, 30},   {"ET1", AT_SORTING, 14},
    {"ET4", AT_SORTING, 20}, {"MD2", AT_OFFICE, 18},   {"ND1", AT_OFFICE, 8},
    {"AG1", AT_COUNTER, 20}, {"DI1", AT_COUNTER, 150},
};
static const struct moment came_back[] = {
    {"PC1", AT_ORIGIN, 0},   {"ET1", AT_SORTING, 14}, {"PB1", AT_SORTING, 40},
    {"PB2", AT_SORTING, 60}, {"MD2", AT_OFFICE, 30},  {"ND1", AT_OFFICE, 8},
    {"RE1", AT_OFFICE, 40},  {"DI2", AT_OFFICE, 90},
};
static const struct moment from_abroad[] = {
    {"EMA", AT_ORIGIN, 0},    {"EMB", AT_ORIGIN, 40},   {"EXA", AT_ORIGIN, 10},
    {"EXC", AT_ORIGIN, 20},   {"EMC", AT_ORIGIN, 20},   {"EMD", AT_EXCHANGE, 120},
    {"EDB", AT_EXCHANGE, 10}, {"EDC", AT_EXCHANGE, 40}, {"EMF", AT_EXCHANGE, 12},
    {"EDD", AT_SORTING, 20},  {"EMG", AT_OFFICE, 20},   {"EDG", AT_OFFICE, 8},
    {"EMI", AT_OFFICE, 8},
};
static const struct moment pallet[] = {
    {"collecting", AT_ORIGIN, 0},  {"departing", AT_ORIGIN, 10}, {"arriving", AT_SORTING, 12},
    {"departing", AT_SORTING, 10}, {"arriving", AT_OFFICE, 12},  {"MD2", AT_OFFICE, 10},
    {"DI1", AT_OFFICE, 8},
};

struct story {
    const struct moment *moment;
    unsigned length;
};
#define STORY(moments) ((struct story){moments, sizeof moments / sizeof moments[0]})

static const char *const sorting_centres[] = {
    "Gennevilliers", "Roissy",          "Chilly-Mazarin", "Lyon Saint-Priest",
    "Toulouse",      "Bordeaux-Cestas", "Orléans",        "Besançon",
    "Nantes",        "Lille Lesquin",   "Rennes",         "Marseille Vitrolles",
};
static const char *const offices[] = {
    "Paris 12",      "Lyon 7", "Bordeaux Mériadeck", "Nîmes",     "Saint-Étienne", "Quimper",
    "Aix-les-Bains", "Angers", "Mulhouse",           "Perpignan", "Le Havre",      "Dijon",
};
enum { PLACE_COUNT = 12 };

struct happening {
    const struct moment *moment;
    int64_t at;
    const char *place, *country;
};

struct history {
    struct happening event[EVENTS_MOST];
    unsigned count;
    int32_t expected_day;
    unsigned pickup; /* 0: none */
};

static struct story story_of(const struct parcel *parcel, struct chance *chance)
{
    uint64_t luck = below(chance, 100);
    if (parcel->class->kind == FORMAT_SSCC)
        return STORY(pallet);
    if (strcmp(parcel->origin, "FR") != 0)
        return STORY(from_abroad);
    return luck < 80 ? STORY(at_home) : luck < 96 ? STORY(at_counter) : STORY(came_back);
}

/* Longer than the story, for benchmarks that want many events: more sorting before its last two
 * moments. */
static const struct moment *moment_at(struct story story, unsigned i, unsigned wanted)
{
    static const struct moment more[] = {{"ET4", AT_SORTING, 10}, {"ET1", AT_SORTING, 10}};
    unsigned tail = 2, extra = wanted > story.length ? wanted - story.length : 0;
    if (i < story.length - tail)
        return &story.moment[i];
    if (i < story.length - tail + extra)
        return &more[i % 2];
    return &story.moment[i - extra];
}

static struct happening place_it(const struct parcel *parcel, const struct moment *moment,
                                 uint64_t luck, int64_t at)
{
    struct happening happening = {.moment = moment, .at = at, .country = "FR"};
    switch (moment->where) {
    case AT_ORIGIN:
        happening.country = parcel->origin;
        happening.place = strcmp(parcel->origin, "FR") == 0 ? offices[luck % PLACE_COUNT] : "";
        break;
    case AT_EXCHANGE:
        happening.place = "Roissy Hub International";
        break;
    case AT_SORTING:
        happening.place = sorting_centres[luck % PLACE_COUNT];
        break;
    case AT_OFFICE:
    case AT_COUNTER:
        happening.place = offices[(luck >> 16) % PLACE_COUNT];
        break;
    }
    return happening;
}

static void make_history(const struct options *options, const struct parcel *parcel,
                         struct chance *chance, struct history *out)
{
    struct story story = story_of(parcel, chance);
    unsigned wanted = options->events ? options->events + options->skip : story.length;
    int64_t gap[EVENTS_MOST], whole = 0, age = (int64_t)below(chance, 12 * DAY);
    uint64_t luck = draw(chance);
    for (unsigned i = 0; i < wanted; i++) {
        const struct moment *moment = moment_at(story, i, wanted);
        gap[i] = i ? 600 + (int64_t)below(chance, (uint64_t)moment->hours * 3600) : 0;
        whole += gap[i];
    }
    /* Where the number of events is fixed, all of them lie in the past. */
    int64_t at = options->now - age - (options->events ? whole : 0);
    out->expected_day = (int32_t)((at + 3 * DAY) / DAY);
    out->pickup = 10000 + (unsigned)(luck % 80000);
    out->count = 0;
    for (unsigned i = 0; i < wanted; i++) {
        at += gap[i];
        if (at > options->now)
            break;
        const struct moment *moment = moment_at(story, i, wanted);
        uint64_t where = moment->where == AT_SORTING ? luck >> i : luck;
        out->event[out->count++] = place_it(parcel, moment, where, at);
    }
}

/* ---- Output
 * --------------------------------------------------------------------------------------- */

static char buffer[BUFFER_SIZE];
static struct writer output = {.data = buffer, .size = sizeof buffer};
static uint64_t written;

static bool flush_output(void)
{
    for (size_t at = 0; at < output.length;) {
        ssize_t n = write(STDOUT_FILENO, output.data + at, output.length - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += (size_t)n;
    }
    output.length = 0;
    return true;
}

static void put(const char *string)
{
    write_string(&output, string);
}

static void put_two(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

static void put_date(int32_t day)
{
    char text[10] = {[4] = '-', [7] = '-'};
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    put_two(text, (unsigned)year / 100);
    put_two(text + 2, (unsigned)year % 100);
    put_two(text + 5, month);
    put_two(text + 8, day_of_month);
    write_bytes(&output, text, sizeof text);
}

static void put_time(int64_t at)
{
    char text[15] = "T00:00:00+01:00";
    unsigned second;
    at += 3600;
    second = (unsigned)(at % DAY);
    put_date((int32_t)(at / DAY));
    put_two(text + 1, second / 3600);
    put_two(text + 4, second / 60 % 60);
    put_two(text + 7, second % 60);
    write_bytes(&output, text, sizeof text);
}

static void put_ndjson(const struct options *options, const struct parcel *parcel,
                       const struct history *history, const struct happening *event)
{
    WRITE_LITERAL(&output, "{\"parcel\":\"");
    put(parcel->number);
    WRITE_LITERAL(&output, "\",\"at\":\"");
    put_time(event->at);
    WRITE_LITERAL(&output, "\",\"code\":\"");
    put(event->moment->code);
    if (event->place[0]) {
        WRITE_LITERAL(&output, "\",\"place\":\"");
        put(event->place);
    }
    WRITE_LITERAL(&output, "\",\"country\":\"");
    put(event->country);
    if (event == history->event) {
        WRITE_LITERAL(&output, "\",\"product\":\"");
        put(parcel->class->product);
        WRITE_LITERAL(&output, "\",\"delivery_date\":\"");
        put_date(history->expected_day);
    }
    if (strcmp(event->moment->code, "AG1") == 0) {
        WRITE_LITERAL(&output, "\",\"pickup\":\"");
        write_unsigned(&output, history->pickup);
    }
    if (options->source) {
        WRITE_LITERAL(&output, "\",\"source\":\"");
        put(options->source);
    }
    WRITE_LITERAL(&output, "\"}\n");
}

static void put_csv(const struct options *options, const struct parcel *parcel,
                    const struct history *history, const struct happening *event)
{
    bool first = event == history->event;
    put(parcel->number);
    put(",");
    put_time(event->at);
    put(",");
    put(event->moment->code);
    put(",");
    put(event->place);
    put(",");
    put(event->country);
    put(",");
    put(first ? parcel->class->product : "");
    put(",");
    if (first)
        put_date(history->expected_day);
    put(",");
    if (strcmp(event->moment->code, "AG1") == 0)
        write_unsigned(&output, history->pickup);
    put(",");
    put(options->source ? options->source : "");
    put("\n");
}

static bool put_event(const struct options *options, const struct parcel *parcel,
                      const struct history *history, unsigned i)
{
    if (output.size - output.length < LINE_MOST && !flush_output())
        return false;
    if (options->csv)
        put_csv(options, parcel, history, &history->event[i]);
    else
        put_ndjson(options, parcel, history, &history->event[i]);
    written++;
    return true;
}

/* ---- Orders
 * --------------------------------------------------------------------------------------- */

static struct parcel tell(const struct options *options, uint64_t index, struct history *history)
{
    struct chance chance = chance_of(options->seed, index);
    struct parcel parcel = make_parcel(options, index, &chance);
    make_history(options, &parcel, &chance, history);
    return parcel;
}

static bool in_order(const struct options *options)
{
    struct history history;
    for (uint64_t index = 0; index < options->count; index++) {
        struct parcel parcel = tell(options, index, &history);
        for (unsigned i = options->skip; i < history.count; i++)
            if (written == options->limit)
                return true;
            else if (!put_event(options, &parcel, &history, i))
                return false;
    }
    return true;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The first events of all parcels, then the second ones, ..., each round in an order of its own:
 * steps of a length that has no divisor in common with the count pass every parcel once. */
static bool shuffled(const struct options *options)
{
    unsigned rounds = options->events ? options->events + options->skip : EVENTS_MOST;
    struct history history;
    bool any = true;
    for (unsigned round = options->skip; round < rounds && any; round++) {
        struct chance chance = chance_of(options->seed ^ UINT64_C(0x5deece66d), round);
        uint64_t step = 1 + below(&chance, options->count), index = below(&chance, options->count);
        while (common_divisor(step, options->count) != 1)
            step++;
        any = false;
        for (uint64_t n = 0; n < options->count; n++, index = (index + step) % options->count) {
            struct parcel parcel = tell(options, index, &history);
            if (round >= history.count)
                continue;
            any = true;
            if (written == options->limit)
                return true;
            if (!put_event(options, &parcel, &history, round))
                return false;
        }
    }
    return true;
}

static bool write_numbers(const struct options *options)
{
    FILE *file = fopen(options->numbers, "we");
    if (!file)
        return false;
    for (uint64_t index = 0; index < options->count; index++) {
        struct chance chance = chance_of(options->seed, index);
        struct parcel parcel = make_parcel(options, index, &chance);
        fputs(parcel.number, file);
        putc('\n', file);
    }
    bool good = !ferror(file);
    return fclose(file) == 0 && good;
}

/* ---- Command
 * -------------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: make-parcels --count N --seed S [options]\n"
    "  --events K      exactly K events for each parcel, all in the past (1 to 20);\n"
    "                  without it, what has happened until now: 1 to 13\n"
    "  --skip E        leave out the first E events of each history (at most 20)\n"
    "  --limit M       stop after M events\n"
    "  --format F      ndjson (default) or csv\n"
    "  --shuffle       in no order: first events of all parcels, then second ones, ...\n"
    "  --numbers FILE  write every number there, one a line\n"
    "  --source NAME   the feed that the events say they are from\n"
    "  --now T         as if it were T, like 2026-11-20T12:00:00Z (default: the clock);\n"
    "                  the same seed, count and T give the same bytes\n";

static bool number_of(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || value < least || value > most)
        return false;
    *out = value;
    return true;
}

static bool set_option(struct options *options, int option, const char *value)
{
    uint64_t number = 0;
    int16_t offset;
    switch (option) {
    case 'c':
        return number_of(value, 1, COUNT_MOST, &options->count);
    case 's':
        return number_of(value, 0, UINT64_MAX, &options->seed);
    case 'l':
        return number_of(value, 1, UINT64_MAX, &options->limit);
    case 'e':
        if (!number_of(value, 1, EVENTS_MOST / 2, &number))
            return false;
        options->events = (unsigned)number;
        return true;
    case 'k':
        if (!number_of(value, 0, EVENTS_MOST / 2, &number))
            return false;
        options->skip = (unsigned)number;
        return true;
    case 'f':
        options->csv = strcmp(value, "csv") == 0;
        return options->csv || strcmp(value, "ndjson") == 0;
    case 'h':
        options->shuffle = true;
        return true;
    case 'n':
        options->numbers = value;
        return true;
    case 'o':
        options->source = value;
        return strlen(value) < CONTRACT_NAME_SIZE && !strpbrk(value, "\"\\,;\n\r\t");
    case 't':
        return event_time_parse(text_of(value), &options->now, &offset);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"count", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'},
        {"skip", required_argument, NULL, 'k'},
        {"limit", required_argument, NULL, 'l'},
        {"format", required_argument, NULL, 'f'},
        {"shuffle", no_argument, NULL, 'h'},
        {"numbers", required_argument, NULL, 'n'},
        {"source", required_argument, NULL, 'o'},
        {"now", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    bool seeded = false;
    int option;
    *options = (struct options){.limit = UINT64_MAX, .now = clock_wall() / NANOS_SECOND};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (!set_option(options, option, optarg)) {
            if (option != '?')
                fprintf(stderr, "make-parcels: %s is not a value for this option\n", optarg);
            return false;
        }
        seeded |= option == 's';
    }
    return options->count && seeded && optind == argc;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    if (options.numbers && !write_numbers(&options)) {
        fprintf(stderr, "make-parcels: %s: %s\n", options.numbers, strerror(errno));
        return 2;
    }
    if (options.csv)
        put("parcel,at,code,place,country,product,delivery_date,pickup,source\n");
    bool good = options.shuffle ? shuffled(&options) : in_order(&options);
    if (!good || !flush_output()) {
        fprintf(stderr, "make-parcels: standard output: %s\n", strerror(errno));
        return 2;
    }
    return 0;
}
