#include "cli/evidence_view.h"

#include "cli/evidence_files.h"
#include "cli/output.h"
#include "egress/trail.h"
#include "status/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { PLACE_SIZE = INET6_ADDRSTRLEN + 12 };

static int read_for(const struct situation *s, enum guard guard, uint64_t hold, struct trail **out)
{
    if (guard != GUARD_EGRESS)
        return -ENOENT;
    struct trail *e = calloc(1, sizeof *e);
    must(e != NULL);
    int code = trail_read(s->contract->state, hold, e);
    if (code == 0)
        *out = e;
    else
        free(e);
    return code;
}

static char *place_text(const uint8_t address[16], uint16_t port, char out[PLACE_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN] = "?";
    bool four = memcmp(address, mapped, sizeof mapped) == 0;
    inet_ntop(four ? AF_INET : AF_INET6, four ? address + 12 : address, text, sizeof text);
    if (port)
        snprintf(out, PLACE_SIZE, four ? "%s:%u" : "[%s]:%u", text, port);
    else
        snprintf(out, PLACE_SIZE, "%s", text);
    return out;
}

static const char *protocol_text(uint8_t protocol, char out[16])
{
    static const struct {
        uint8_t number;
        const char *name;
    } known[] = {{IPPROTO_TCP, "tcp"},       {IPPROTO_UDP, "udp"},   {IPPROTO_ICMP, "icmp"},
                 {IPPROTO_ICMPV6, "icmpv6"}, {IPPROTO_SCTP, "sctp"}, {IPPROTO_GRE, "gre"},
                 {IPPROTO_ESP, "esp"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].number == protocol)
            return known[i].name;
    snprintf(out, 16, "protocol %u", protocol);
    return out;
}

/* ---- For people -------------------------------------------------------------------------------
 */

static void destinations_print(const struct trail *e, nanos_t wall)
{
    static const char *const titles[] = {"destination", ">bytes", ">connections", "first", "last"};
    char place[PLACE_SIZE], one[FIGURE_SIZE], two[FIGURE_SIZE];
    struct table table = table_of(5, titles);
    for (size_t i = 0; i < e->listed_destinations; i++) {
        const struct trail_destination *d = &e->destination[i];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", place_text(d->to, 0, place));
        table_cell(&table, TONE_PLAIN, "%s", figure_bytes(d->bytes, one));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(d->connections, one));
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(d->first, wall, one));
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(d->last, wall, two));
    }
    if (e->listed_destinations)
        table_print(&table, stdout);
}

static void connections_print(const struct trail *e, nanos_t wall)
{
    static const char *const titles[] = {"from", "to", "", "begun", ">bytes", "first", "last"};
    char from[PLACE_SIZE], to[PLACE_SIZE], protocol[16], one[FIGURE_SIZE], two[FIGURE_SIZE];
    struct table table = table_of(7, titles);
    for (size_t i = 0; i < e->listed_connections; i++) {
        const struct trail_connection *c = &e->connection[i];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", place_text(c->from, c->from_port, from));
        table_cell(&table, TONE_PLAIN, "%s", place_text(c->to, c->to_port, to));
        table_cell(&table, TONE_DIM, "%s", protocol_text(c->protocol, protocol));
        table_cell(&table, TONE_DIM, "%s", c->begun_outside ? "outside" : "inside");
        table_cell(&table, TONE_PLAIN, "%s", figure_bytes(c->bytes, one));
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(c->first, wall, one));
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(c->last, wall, two));
    }
    if (e->listed_connections)
        table_print(&table, stdout);
}

/* A bar for each, eighths of the greatest; nothing when nothing went. */
static void pace_print(const char *what, const uint64_t *bytes, size_t count)
{
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint64_t most = 0, sum = 0;
    char one[FIGURE_SIZE], two[FIGURE_SIZE];
    for (size_t i = 0; i < count; i++) {
        most = bytes[i] > most ? bytes[i] : most;
        sum += bytes[i];
    }
    if (!most)
        return;
    printf("%s |", what);
    for (size_t i = 0; i < count; i++)
        fputs(bars[bytes[i] ? 1 + (size_t)((double)bytes[i] / (double)most * 7) : 0], stdout);
    printf("| %s, at most %s in one\n", figure_bytes(sum, one), figure_bytes(most, two));
}

void evidence_print(const struct situation *s, enum guard guard, uint64_t hold)
{
    struct trail *e = NULL;
    char one[FIGURE_SIZE], two[FIGURE_SIZE], three[FIGURE_SIZE], four[FIGURE_SIZE];
    nanos_t wall = s->now.wall;
    if (guard == GUARD_FILES)
        evidence_files_print(s, hold);
    int code = read_for(s, guard, hold, &e);
    if (code == -EACCES)
        puts("Its evidence is not yours to see.");
    if (code < 0)
        return;
    printf("\nEvidence of %s: %s on %s connection%s to %s%s destination%s.\n",
           figure_wall(e->taken, wall, one), figure_bytes(e->bytes, two),
           figure_count(e->connections, three), e->connections == 1 ? "" : "s",
           e->destinations == TRAIL_DESTINATIONS ? "at least " : "",
           figure_count(e->destinations, four), e->destinations == 1 ? "" : "s");
    char day[CLOCK_TEXT_SIZE];
    if (e->known_since)
        printf("The host was first seen on %.10s.\n", clock_text(e->known_since, day));
    destinations_print(e, wall);
    connections_print(e, wall);
    pace_print("by the minute, the last hour  ", e->minute, PACE_MINUTES);
    pace_print("by the second, the last minute", e->second, PACE_SECONDS);
    free(e);
}

/* ---- For programs -----------------------------------------------------------------------------
 */

static json_t *wall_json(nanos_t wall)
{
    char text[CLOCK_TEXT_SIZE];
    return wall ? json_string(clock_text(wall, text)) : json_null();
}

static json_t *numbers_json(const uint64_t *numbers, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer((json_int_t)numbers[i]));
    return list;
}

static json_t *destinations_json(const struct trail *e)
{
    json_t *list = json_array();
    char place[PLACE_SIZE];
    for (size_t i = 0; i < e->listed_destinations; i++) {
        const struct trail_destination *d = &e->destination[i];
        json_array_append_new(
            list, json_pack("{s:s,s:I,s:I,s:o,s:o}", "to", place_text(d->to, 0, place), "bytes",
                            (json_int_t)d->bytes, "connections", (json_int_t)d->connections,
                            "first", wall_json(d->first), "last", wall_json(d->last)));
    }
    return list;
}

static json_t *connections_json(const struct trail *e)
{
    json_t *list = json_array();
    char from[PLACE_SIZE], to[PLACE_SIZE], protocol[16];
    for (size_t i = 0; i < e->listed_connections; i++) {
        const struct trail_connection *c = &e->connection[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:o}", "from",
                                              place_text(c->from, c->from_port, from), "to",
                                              place_text(c->to, c->to_port, to), "protocol",
                                              protocol_text(c->protocol, protocol), "begun",
                                              c->begun_outside ? "outside" : "inside", "bytes",
                                              (json_int_t)c->bytes, "first", wall_json(c->first),
                                              "last", wall_json(c->last)));
    }
    return list;
}

json_t *evidence_json(const struct situation *s, enum guard guard, uint64_t hold)
{
    struct trail *e = NULL;
    if (guard == GUARD_FILES)
        return evidence_files_json(s, hold);
    if (read_for(s, guard, hold, &e) < 0)
        return json_null();
    json_t *object = json_pack(
        "{s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:b,s:o,s:o,s:o,s:o}", "taken", wall_json(e->taken), "since",
        wall_json(e->since), "until", wall_json(e->until), "known_since", wall_json(e->known_since),
        "bytes", (json_int_t)e->bytes, "connections", (json_int_t)e->connections, "destinations",
        (json_int_t)e->destinations, "more_destinations",
        (int)(e->destinations == TRAIL_DESTINATIONS), "largest_destinations", destinations_json(e),
        "largest_connections", connections_json(e), "by_second",
        numbers_json(e->second, PACE_SECONDS), "by_minute", numbers_json(e->minute, PACE_MINUTES));
    free(e);
    return object;
}
