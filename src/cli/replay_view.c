#include "cli/replay_view.h"

#include "cli/output.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

enum { HOLDS_SHOWN = 40, ROWS_SHOWN = 40, WHO_SIZE = 48 };

/* ---- Words ----------------------------------------------------------------------------------- */

static char *address_words(const uint8_t address[16], char out[WHO_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool four = memcmp(address, mapped, sizeof mapped) == 0;
    inet_ntop(four ? AF_INET : AF_INET6, four ? address + 12 : address, out, WHO_SIZE);
    return out;
}

static char *who_words(const struct replay_who *who, char out[WHO_SIZE])
{
    static const uint8_t none[16], link[10] = {1};
    const uint8_t *a = who->id + 10;
    if (memcmp(who->id, none, sizeof none) == 0)
        snprintf(out, WHO_SIZE, "newcomers");
    else if (memcmp(who->id, link, sizeof link) == 0)
        snprintf(out, WHO_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
                 a[5]);
    else
        address_words(who->id, out);
    return out;
}

static const char *class_words(const struct contract *c, unsigned class)
{
    return class < 2 ? "unlisted" : c->network.class[class - 2].name;
}

static bool class_exists(const struct contract *c, unsigned class)
{
    return class == 0 || (class >= 2 && class < 2 + c->network.class_count);
}

static bool has_budget(const struct contract *c, unsigned class, unsigned by)
{
    for (uint32_t i = 0; i < c->budget_count; i++) {
        const struct budget_rule *b = &c->budget[i];
        if (b->meter != METER_BYTES_OUT ||
            (b->begun != BEGUN_ANY && (b->begun == BEGUN_OUTSIDE) != (by == 1)))
            continue;
        if (b->class == CONTRACT_CLASS_ANY ||
            (class ? b->class == (int)class - 2 : b->class == CONTRACT_CLASS_UNLISTED))
            return true;
    }
    return false;
}

uint64_t replay_view_faults(const struct replay_view *v)
{
    uint64_t sum = v->report->unreadable;
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        sum += v->fault[i].count;
    return sum;
}

static void sums(const struct replay_view *v, uint64_t *left, uint64_t *would)
{
    *left = *would = 0;
    for (unsigned class = 0; class < REPLAY_CLASSES; class ++)
        for (unsigned by = 0; by < 2; by++) {
            *left += v->report->sum[class][by].left;
            *would += v->report->sum[class][by].would_have_left;
        }
}

/* What bounds what is said: each with its count, left out when there is none. */
#define NOTES(X)                                                                                   \
    X(inside, "records stay inside: not counted")                                                  \
    X(elsewhere, "records have no end that is `inside`: not counted")                              \
    X(unreadable, "packets whose headers are cut off or make no sense: not counted")               \
    X(backwards, "packets are dated earlier than the one before: counted as of that one's time")   \
    X(jumps, "records are dated over an hour ahead of all others: counted as of the one before")   \
    X(late, "bytes of flows were told too late to be put in order: counted in their windows, but " \
            "their holds begin when they were told")                                               \
    X(forgotten, "connections were forgotten for want of room: begun outside, they then count as " \
                 "begun inside")                                                                   \
    X(no_place, "times a host or pair had no place of its own: charged to newcomers")              \
    X(no_row, "bytes are not in the table of hosts and weeks: it was full")                        \
    X(no_slot, "holds found no slot, as they would not have found one in the guard")

/* ---- For people ------------------------------------------------------------------------------ */

static void head_text(const struct replay_view *v)
{
    const struct replay_report *r = v->report;
    char packets[FIGURE_SIZE], flows[FIGURE_SIZE], bytes[FIGURE_SIZE], span[FIGURE_SIZE],
        rate[FIGURE_SIZE], first[FIGURE_SIZE], last[FIGURE_SIZE];
    uint64_t count = r->frames + r->flows + v->other;
    double seconds = (double)v->took / (double)NANOS_SECOND;
    printf("%s packets and %s flows in %s, read in %s (%s records/s)\n",
           figure_count(r->frames, packets), figure_count(r->flows, flows),
           figure_bytes(v->bytes, bytes), figure_span(v->took, span),
           figure_count(seconds > 0 ? (uint64_t)((double)count / seconds) : count, rate));
    if (r->first)
        printf("from %s to %s\n", figure_wall(r->first, 0, first), figure_wall(r->last, 0, last));
    putchar('\n');
}

static void holds_text(const struct replay_view *v)
{
    const struct replay_report *r = v->report;
    static const char *const titles[] = {"when",    "until", "who",    "budget",
                                         ">window", ">used", ">limit", "at a packet to"};
    struct table table = table_of(8, titles);
    char figure[FIGURE_SIZE], who[WHO_SIZE];
    if (r->holds == 0) {
        output_tone(stdout, TONE_GOOD, "There would have been no hold.");
        puts("\n");
        return;
    }
    printf("Holds there would have been: %s\n\n", figure_count(r->holds, figure));
    for (size_t i = 0; i < r->hold_count && i < HOLDS_SHOWN; i++) {
        const struct replay_hold *h = &r->hold[i];
        const struct budget_rule *rule = &v->contract->budget[h->budget];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(h->since, 0, figure));
        table_cell(&table, TONE_DIM, "%s", figure_wall(h->until, h->since, figure));
        table_cell(&table, TONE_BOLD, "%s", who_words(&h->who, who));
        table_cell(&table, TONE_PLAIN, "%s", rule->name);
        table_cell(&table, TONE_PLAIN, "%s", figure_span(rule->window[h->window].span, figure));
        table_cell(&table, TONE_WARNING, "%s", figure_bytes(h->used, figure));
        table_cell(&table, TONE_PLAIN, "%s", figure_bytes(h->limit, figure));
        table_cell(&table, TONE_PLAIN, "%s", address_words(h->to, who));
    }
    table_print(&table, stdout);
    if (r->holds > HOLDS_SHOWN)
        printf("and %s more; --json tells the first %d\n",
               figure_count(r->holds - HOLDS_SHOWN, figure), REPLAY_HOLDS);
    putchar('\n');
}

static void amounts(struct table *t, uint64_t left, uint64_t would)
{
    char figure[FIGURE_SIZE];
    table_cell(t, TONE_PLAIN, "%s", figure_bytes(left, figure));
    table_cell(t, would < left ? TONE_WARNING : TONE_PLAIN, "%s", figure_bytes(would, figure));
}

static void rows_text(const struct replay_view *v)
{
    const struct replay_report *r = v->report;
    static const char *const titles[] = {"week of", "host", ">left", ">would have left", ">holds"};
    struct table table = table_of(5, titles);
    char figure[FIGURE_SIZE], who[WHO_SIZE];
    if (!r->row_count)
        return;
    for (size_t i = 0; i < r->row_count && i < ROWS_SHOWN; i++) {
        const struct replay_row *row = &r->row[i];
        table_row(&table);
        figure_wall(row->week, 0, figure);
        table_cell(&table, TONE_PLAIN, "%.10s", figure);
        table_cell(&table, TONE_BOLD, "%s", who_words(&row->who, who));
        amounts(&table, row->left, row->would_have_left);
        table_cell(&table, TONE_PLAIN, "%s", figure_count(row->holds, figure));
    }
    table_print(&table, stdout);
    if (r->row_count > ROWS_SHOWN)
        printf("and %s more; --json tells all\n", figure_count(r->row_count - ROWS_SHOWN, figure));
    putchar('\n');
}

static void classes_text(const struct replay_view *v)
{
    static const char *const titles[] = {"to", "begun", ">records", ">left", ">would have left",
                                         ""};
    struct table table = table_of(6, titles);
    char figure[FIGURE_SIZE];
    uint64_t left, would;
    for (unsigned class = 0; class < REPLAY_CLASSES; class ++) {
        for (unsigned by = 0; by < 2; by++) {
            const struct replay_sum *sum = &v->report->sum[class][by];
            if (!class_exists(v->contract, class) || !sum->packets)
                continue;
            table_row(&table);
            table_cell(&table, TONE_PLAIN, "%s", class_words(v->contract, class));
            table_cell(&table, TONE_PLAIN, "%s", by ? "outside" : "inside");
            table_cell(&table, TONE_PLAIN, "%s", figure_count(sum->packets, figure));
            amounts(&table, sum->left, sum->would_have_left);
            if (!has_budget(v->contract, class, by))
                table_cell(&table, TONE_DIM, "no budget counts it");
        }
    }
    sums(v, &left, &would);
    table_row(&table);
    table_cell(&table, TONE_BOLD, "in all");
    table_cell(&table, TONE_PLAIN, " ");
    table_cell(&table, TONE_PLAIN, " ");
    amounts(&table, left, would);
    table_print(&table, stdout);
}

static void notes_text(const struct replay_view *v)
{
    const struct replay_report *r = v->report;
    static const char *const titles[] = {">", ""};
    struct table table = table_of(2, titles);
    char figure[FIGURE_SIZE];
#define X(name, text)                                                                              \
    if (r->name) {                                                                                 \
        table_row(&table);                                                                         \
        table_cell(&table, TONE_PLAIN, "  %s", figure_count(r->name, figure));                     \
        table_cell(&table, TONE_PLAIN, "%s", text);                                                \
    }
    NOTES(X)
#undef X
    if (v->other) {
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "  %s", figure_count(v->other, figure));
        table_cell(&table, TONE_PLAIN, "lines are about something else: passed by");
    }
    if (table.count)
        putchar('\n');
    table_print(&table, stdout);
}

static bool is_place_a_line(enum record_fault fault)
{
    return fault >= FAULT_LINE;
}

static void faults_text(const struct replay_view *v)
{
    char figure[FIGURE_SIZE];
    bool any = false;
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        const struct replay_fault *f = &v->fault[i];
        if (!f->count)
            continue;
        if (!any)
            output_tone(stdout, TONE_WARNING, "\nWhat could not be read:\n");
        any = true;
        printf("  %s times: %s\n", figure_count(f->count, figure),
               record_fault_text((enum record_fault)i));
        for (uint64_t k = 0; k < f->count && k < REPLAY_PLACES_TOLD; k++)
            printf("      %s, %s %s\n", v->inputs->input[f->first[k].input].name,
                   is_place_a_line((enum record_fault)i) ? "line" : "byte",
                   figure_count(f->first[k].place, figure));
    }
}

void replay_view_text(const struct replay_view *v)
{
    head_text(v);
    holds_text(v);
    rows_text(v);
    classes_text(v);
    notes_text(v);
    faults_text(v);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value));
}

static json_t *time_json(nanos_t wall)
{
    char text[CLOCK_TEXT_SIZE];
    return wall ? json_string(clock_text(wall, text)) : json_null();
}

static json_t *holds_json(const struct replay_view *v)
{
    json_t *list = json_array();
    char who[WHO_SIZE], to[WHO_SIZE];
    for (size_t i = 0; i < v->report->hold_count; i++) {
        const struct replay_hold *h = &v->report->hold[i];
        const struct budget_rule *rule = &v->contract->budget[h->budget];
        json_array_append_new(
            list,
            json_pack("{s:o,s:o,s:s,s:o,s:s,s:o,s:o,s:o,s:s}", "since", time_json(h->since),
                      "until", time_json(h->until), "who", who_words(&h->who, who), "budget",
                      json_safe(rule->name), "per", principal_name(rule->per), "window_seconds",
                      integer((uint64_t)(rule->window[h->window].span / NANOS_SECOND)), "used",
                      integer(h->used), "limit", integer(h->limit), "to",
                      address_words(h->to, to)));
    }
    return list;
}

static json_t *rows_json(const struct replay_view *v)
{
    json_t *list = json_array();
    char who[WHO_SIZE];
    for (size_t i = 0; i < v->report->row_count; i++) {
        const struct replay_row *row = &v->report->row[i];
        char week[CLOCK_TEXT_SIZE];
        clock_text(row->week, week);
        week[10] = 0;
        json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:o,s:i}", "week", week, "host",
                                              who_words(&row->who, who), "left", integer(row->left),
                                              "would_have_left", integer(row->would_have_left),
                                              "holds", (int)row->holds));
    }
    return list;
}

static json_t *classes_json(const struct replay_view *v)
{
    json_t *list = json_array();
    for (unsigned class = 0; class < REPLAY_CLASSES; class ++) {
        for (unsigned by = 0; by < 2; by++) {
            const struct replay_sum *sum = &v->report->sum[class][by];
            if (!class_exists(v->contract, class) || !sum->packets)
                continue;
            json_array_append_new(list,
                                  json_pack("{s:o,s:s,s:b,s:o,s:o,s:o}", "to",
                                            json_safe(class_words(v->contract, class)), "begun",
                                            by ? "outside" : "inside", "budget",
                                            has_budget(v->contract, class, by), "records",
                                            integer(sum->packets), "left", integer(sum->left),
                                            "would_have_left", integer(sum->would_have_left)));
        }
    }
    return list;
}

static json_t *faults_json(const struct replay_view *v)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        const struct replay_fault *f = &v->fault[i];
        if (!f->count)
            continue;
        json_t *places = json_array();
        for (uint64_t k = 0; k < f->count && k < REPLAY_PLACES_TOLD; k++)
            json_array_append_new(places,
                                  json_pack("{s:o,s:o}", "input",
                                            json_safe(v->inputs->input[f->first[k].input].name),
                                            is_place_a_line((enum record_fault)i) ? "line" : "byte",
                                            integer(f->first[k].place)));
        json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "kind",
                                              record_fault_name((enum record_fault)i), "count",
                                              integer(f->count), "first", places));
    }
    return list;
}

static json_t *notes_json(const struct replay_view *v)
{
    json_t *notes = json_object();
#define X(name, text) json_object_set_new(notes, #name, integer(v->report->name));
    NOTES(X)
#undef X
    json_object_set_new(notes, "other", integer(v->other));
    return notes;
}

void replay_view_json(const struct replay_view *v)
{
    const struct replay_report *r = v->report;
    uint64_t left, would;
    sums(v, &left, &would);
    output_json(json_pack(
        "{s:i,s:o,s:o,s:o,s:f,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "inputs",
        (int)v->inputs->count, "bytes", integer(v->bytes), "packets", integer(r->frames), "flows",
        integer(r->flows), "seconds", (double)v->took / (double)NANOS_SECOND, "first",
        time_json(r->first), "last", time_json(r->last), "holds", integer(r->holds),
        "holds_in_force", integer(r->holds_enforced), "left", integer(left), "would_have_left",
        integer(would), "hold", holds_json(v), "host_weeks", rows_json(v), "destinations",
        classes_json(v), "rejected", integer(replay_view_faults(v)), "faults", faults_json(v),
        "notes", notes_json(v)));
}
