/* Streams, as they are written on the command line. */
#include "traffic.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
#define X(constant, name, text) name,
    TRAFFIC_KINDS(X)
#undef X
};

static int usage(const char *wrong)
{
    fprintf(stderr,
            "traffic: %s\n"
            "traffic --to 127.0.0.1:PORT [--numbers FILE] [--warm S] [--seconds S] "
            "[--seed N] [--live 1] --stream NAME,KEY=VALUE,...\n"
            "  kind=",
            wrong);
    for (size_t i = 0; i < TRAFFIC_KIND_COUNT; i++)
        fprintf(stderr, "%s%s", i ? "|" : "", kinds[i]);
    fputs("\n  rate=N (open loop) or at_once=N (closed loop; with rate: at most so many wait)\n"
          "  from=ADDRESS/BITS addresses=N port=N begin=S end=S within=MS tls=1 http2=1 html=1\n"
          "  cookies=FILE (lines ADDRESS COOKIE) header=NAME: VALUE\n",
          stderr);
    return 2;
}

static bool number(const char *text, double least, double most, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= least && value <= most))
        return false;
    *out = value;
    return true;
}

static bool read_from(char *text, struct traffic_stream *s)
{
    struct in_addr in;
    char *slash = strchr(text, '/');
    double bits = 32;
    if (slash)
        *slash = '\0';
    if (inet_pton(AF_INET, text, &in) != 1 || ntohl(in.s_addr) >> 24 != 127 ||
        (slash && !number(slash + 1, 8, 32, &bits)))
        return false;
    s->from = ntohl(in.s_addr);
    s->from_bits = (unsigned)bits;
    return true;
}

static bool read_cookies(const char *path, struct traffic_stream *s)
{
    char address[32], cookie[512];
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (fscanf(file, "%31s %511s", address, cookie) == 2) {
        struct in_addr in;
        char **more = realloc(s->cookie, (s->cookies + 1) * sizeof *more);
        uint32_t *where = realloc(s->cookie_address, (s->cookies + 1) * sizeof *where);
        if (!more || !where || inet_pton(AF_INET, address, &in) != 1 ||
            ntohl(in.s_addr) >> 24 != 127) {
            fclose(file);
            return false;
        }
        s->cookie = more;
        s->cookie_address = where;
        s->cookie[s->cookies] = strdup(cookie);
        s->cookie_address[s->cookies++] = ntohl(in.s_addr);
    }
    fclose(file);
    return s->cookies > 0;
}

static bool read_kind(const char *name, enum traffic_kind *out)
{
    for (unsigned i = 0; i < TRAFFIC_KIND_COUNT; i++) {
        if (strcmp(name, kinds[i]) == 0) {
            *out = (enum traffic_kind)i;
            return true;
        }
    }
    return false;
}

static bool read_figure(const char *key, const char *value, struct traffic_stream *s)
{
    double v;
    if (!number(value, 0, 1e9, &v))
        return false;
    if (strcmp(key, "rate") == 0)
        return (s->rate = v) > 0 && v <= CUSTOMERS_RATE_MAX;
    if (strcmp(key, "at_once") == 0)
        return (s->at_once = (unsigned)v) > 0 && v <= TRAFFIC_AT_ONCE_MAX;
    if (strcmp(key, "addresses") == 0)
        return (s->addresses = (unsigned)v) > 0 && v <= 4000000;
    if (strcmp(key, "port") == 0)
        return (s->port = (uint16_t)v) > 0 && v <= UINT16_MAX;
    if (strcmp(key, "begin") == 0)
        s->begin = (nanos)(v * 1e9);
    else if (strcmp(key, "end") == 0)
        s->end = (nanos)(v * 1e9);
    else if (strcmp(key, "within") == 0)
        return (s->within = (nanos)(v * 1e6)) > 0 && v <= 60000;
    else if (strcmp(key, "tls") == 0)
        s->tls = v > 0;
    else if (strcmp(key, "http2") == 0)
        s->http2 = v > 0;
    else if (strcmp(key, "html") == 0)
        s->html = v > 0;
    else
        return false;
    return v <= TRAFFIC_SECONDS_MAX;
}

static bool read_key(char *key, char *value, struct traffic_stream *s)
{
    if (strcmp(key, "kind") == 0)
        return read_kind(value, &s->kind);
    if (strcmp(key, "from") == 0)
        return read_from(value, s);
    if (strcmp(key, "cookies") == 0)
        return read_cookies(value, s);
    if (strcmp(key, "header") == 0)
        return (s->header = value)[0] != '\0' && strlen(value) < 400;
    return read_figure(key, value, s);
}

static bool read_stream(char *text, struct traffic_stream *s)
{
    char *rest = text, *word = strsep(&rest, ",");
    *s = (struct traffic_stream){.addresses = 1, .from_bits = 32, .within = 3000000000};
    snprintf(s->name, sizeof s->name, "%s", word);
    while ((word = strsep(&rest, ","))) {
        char *equals = strchr(word, '=');
        if (!equals)
            return false;
        *equals = '\0';
        if (!read_key(word, equals + 1, s)) {
            fprintf(stderr, "traffic: stream %s: %s=%s\n", s->name, word, equals + 1);
            return false;
        }
    }
    if (s->at_once == 0)
        s->at_once = s->rate > 0 ? 9000 : 0;
    return s->at_once > 0;
}

static bool read_option(const char *name, char *value, struct traffic_plan *plan)
{
    double v = 0;
    if (strcmp(name, "--stream") == 0)
        return plan->streams < TRAFFIC_STREAMS_MAX &&
               read_stream(value, &plan->stream[plan->streams++]);
    if (strcmp(name, "--to") == 0)
        return plan_target(value, &plan->to);
    if (strcmp(name, "--numbers") == 0)
        return plan_numbers(value, &plan->numbers);
    if (!number(value, 0, 1e18, &v))
        return false;
    if (strcmp(name, "--warm") == 0)
        plan->warm = (nanos)(v * 1e9);
    else if (strcmp(name, "--seconds") == 0)
        plan->seconds = (nanos)(v * 1e9);
    else if (strcmp(name, "--seed") == 0)
        plan->random = (uint64_t)v;
    else if (strcmp(name, "--live") == 0)
        plan->live = v > 0;
    else
        return false;
    return plan->warm + plan->seconds <= (nanos)TRAFFIC_SECONDS_MAX * 1000000000;
}

bool traffic_plan_read(int count, char **arguments, struct traffic_plan *plan)
{
    *plan = (struct traffic_plan){.warm = 3000000000, .seconds = 10000000000, .random = 1};
    for (int i = 1; i < count; i += 2)
        if (i + 1 == count || !read_option(arguments[i], arguments[i + 1], plan))
            return usage(arguments[i]) == 0;
    for (size_t i = 0; i < plan->streams; i++)
        if (plan->stream[i].kind == TRAFFIC_LOOKUP && plan->numbers.numbers == 0)
            return usage("a stream of lookups needs --numbers") == 0;
    if (plan->to.sin_port == 0 || plan->streams == 0)
        return usage("--to and --stream are needed") == 0;
    return true;
}

void traffic_plan_free(struct traffic_plan *plan)
{
    for (size_t i = 0; i < plan->streams; i++) {
        for (size_t k = 0; k < plan->stream[i].cookies; k++)
            free(plan->stream[i].cookie[k]);
        free(plan->stream[i].cookie);
        free(plan->stream[i].cookie_address);
    }
    plan_free(&plan->numbers);
}

/* Evenly over the prefix, so that 50,000 in a /9 are one or two in a /24; never .0 or .255. */
uint32_t traffic_source(const struct traffic_stream *s, uint64_t i)
{
    if (s->cookies)
        return s->cookie_address[i % s->cookies];
    if (s->from == 0)
        return 0;
    double span = (double)(UINT64_C(1) << (32 - s->from_bits));
    uint32_t address = s->from + (uint32_t)((double)(i % s->addresses) * (span / s->addresses));
    if ((address & 255) == 0)
        address++;
    return (address & 255) == 255 ? address - 1 : address;
}
