/* make-parcels: events of plausible parcels, for trials, benchmarks and the demo. */
#include "parcel_world.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MOST = 512, BUFFER_SIZE = 1 << 20 };

struct options {
    struct world world;
    uint64_t limit;
    bool csv, shuffle;
    const char *numbers, *source;
};

/* ---- Output ---------------------------------------------------------------------------------- */

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
    second = (unsigned)(at % SECONDS_A_DAY);
    put_date((int32_t)(at / SECONDS_A_DAY));
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

/* ---- Orders ---------------------------------------------------------------------------------- */

static bool in_order(const struct options *options)
{
    struct history history;
    for (uint64_t index = 0; index < options->world.count; index++) {
        struct parcel parcel = parcel_tell(&options->world, index, &history);
        for (unsigned i = options->world.skip; i < history.count; i++)
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
    unsigned rounds =
        options->world.events ? options->world.events + options->world.skip : EVENTS_MOST;
    struct history history;
    bool any = true;
    for (unsigned round = options->world.skip; round < rounds && any; round++) {
        struct chance chance = chance_of(options->world.seed ^ UINT64_C(0x5deece66d), round);
        uint64_t step = 1 + chance_below(&chance, options->world.count),
                 index = chance_below(&chance, options->world.count);
        while (common_divisor(step, options->world.count) != 1)
            step++;
        any = false;
        for (uint64_t n = 0; n < options->world.count;
             n++, index = (index + step) % options->world.count) {
            struct parcel parcel = parcel_tell(&options->world, index, &history);
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
    for (uint64_t index = 0; index < options->world.count; index++) {
        struct parcel parcel = parcel_number_of(&options->world, index);
        fputs(parcel.number, file);
        putc('\n', file);
    }
    bool good = !ferror(file);
    return fclose(file) == 0 && good;
}

/* ---- Command --------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: make-parcels --count N --seed S [options]\n"
    "Plausible events of N parcels, on standard output; another S makes other parcels.\n"
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
        return number_of(value, 1, PARCELS_MOST, &options->world.count);
    case 's':
        return number_of(value, 0, UINT64_MAX, &options->world.seed);
    case 'l':
        return number_of(value, 1, UINT64_MAX, &options->limit);
    case 'e':
        if (!number_of(value, 1, EVENTS_MOST / 2, &number))
            return false;
        options->world.events = (unsigned)number;
        return true;
    case 'k':
        if (!number_of(value, 0, EVENTS_MOST / 2, &number))
            return false;
        options->world.skip = (unsigned)number;
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
        return event_time_parse(text_of(value), &options->world.now, &offset);
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
    *options = (struct options){.limit = UINT64_MAX, .world.now = clock_wall() / NANOS_SECOND};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (!set_option(options, option, optarg)) {
            if (option != '?')
                fprintf(stderr, "make-parcels: %s is not a value for this option\n", optarg);
            return false;
        }
        seeded |= option == 's';
    }
    return options->world.count && seeded && optind == argc;
}

int main(int argc, char **argv)
{
    struct options options;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
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
