#include "parcel_world.h"

/* ---- Chance ---------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014): one multiply-xor chain a draw, good from any state. */
static uint64_t draw(struct chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)draw(chance) * bound >> 64);
}

struct chance chance_of(uint64_t seed, uint64_t index)
{
    struct chance mixed = {seed ^ index * UINT64_C(0xd1342543de82ef95)};
    return (struct chance){draw(&mixed)};
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* In the order in which their numbers sort. `share`: of a hundred parcels. */
static const struct number_class classes[] = {
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

static struct parcel make_parcel(const struct world *world, uint64_t index, struct chance *chance)
{
    static const uint64_t power[] = {[7] = 10000000, [8] = 100000000, [10] = 10000000000};
    struct parcel parcel = {0};
    uint64_t in_class = 0, class_count = 0;
    const struct number_class *class = class_of(world->count, index, &in_class, &class_count);
    size_t start = strlen(class->start);
    uint64_t slot = power[class->digits] / class_count;
    uint64_t body = in_class * slot + chance_below(chance, slot);
    uint64_t foreign = chance_below(chance, 2 * COUNTRY_COUNT);
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

/* ---- Histories ------------------------------------------------------------------------------- */

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

static struct story story_of(const struct parcel *parcel, struct chance *chance)
{
    uint64_t luck = chance_below(chance, 100);
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

static void make_history(const struct world *world, const struct parcel *parcel,
                         struct chance *chance, struct history *out)
{
    struct story story = story_of(parcel, chance);
    unsigned wanted = world->events ? world->events + world->skip : story.length;
    int64_t gap[EVENTS_MOST], whole = 0, age = (int64_t)chance_below(chance, 12 * SECONDS_A_DAY);
    uint64_t luck = draw(chance);
    for (unsigned i = 0; i < wanted; i++) {
        const struct moment *moment = moment_at(story, i, wanted);
        gap[i] = i ? 600 + (int64_t)chance_below(chance, (uint64_t)moment->hours * 3600) : 0;
        whole += gap[i];
    }
    /* Where the number of events is fixed, all of them lie in the past. */
    int64_t at = world->now - age - (world->events ? whole : 0);
    out->expected_day = (int32_t)((at + 3 * SECONDS_A_DAY) / SECONDS_A_DAY);
    out->pickup = 10000 + (unsigned)(luck % 80000);
    out->count = 0;
    for (unsigned i = 0; i < wanted; i++) {
        at += gap[i];
        if (at > world->now)
            break;
        const struct moment *moment = moment_at(story, i, wanted);
        uint64_t where = moment->where == AT_SORTING ? luck >> i : luck;
        out->event[out->count++] = place_it(parcel, moment, where, at);
    }
}

struct parcel parcel_number_of(const struct world *world, uint64_t index)
{
    struct chance chance = chance_of(world->seed, index);
    return make_parcel(world, index, &chance);
}

struct parcel parcel_tell(const struct world *world, uint64_t index, struct history *history)
{
    struct chance chance = chance_of(world->seed, index);
    struct parcel parcel = make_parcel(world, index, &chance);
    make_history(world, &parcel, &chance, history);
    return parcel;
}
