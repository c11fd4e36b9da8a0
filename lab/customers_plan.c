/* The customers' plan: read from the command line and a list of numbers, bounded. */
#include "customers.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "customers --to 127.0.0.1:PORT --numbers FILE [options]\n"
    "  --rate N         on average a second, open loop (default 100)\n"
    "  --seconds N      then stop (default: until SIGTERM)\n"
    "  --sweep          instead: ask every number once\n"
    "  --connections N  of a sweep (default 16)\n"
    "  --path PREFIX    before the number (default /suivi/)\n"
    "  --from ADDRESS   the first of their addresses, in 127.0.0.0/8\n"
    "  --addresses N    how many addresses (default 1)\n"
    "  --within MS      later is no answer (default 3000)\n"
    "  --mark TEXT      count answers that contain it\n"
    "  --language TAG   Accept-Language (default en)\n"
    "  --seed N\n"
    "Prints JSON: a line for each second and for the phase so far, and one for all at the end.\n";

uint64_t random_next(uint64_t *state)
{
    /* splitmix64 (Steele, Lea, Flood 2014): statistics only. */
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

nanos random_gap(uint64_t *state, double rate)
{
    double uniform = ((double)(random_next(state) >> 11) + 1.0) / 9007199254740993.0;
    return (nanos)(-log(uniform) / rate * 1e9);
}

static bool on_loopback(const char *text, uint32_t *address)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    *address = ntohl(in.s_addr);
    return *address >> 24 == 127;
}

bool plan_target(char *text, struct sockaddr_in *to)
{
    char *colon = strchr(text, ':');
    uint32_t address;
    if (!colon)
        return false;
    *colon = '\0';
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (!on_loopback(text, &address) || port == 0 || port > UINT16_MAX)
        return false;
    *to = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(address)};
    return true;
}

static bool split_lines(struct plan *plan, size_t length)
{
    size_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += plan->text[i] == '\n';
    plan->number = calloc(lines + 1, sizeof *plan->number);
    if (!plan->number)
        return false;
    for (char *start = plan->text, *end; (end = strchr(start, '\n')); start = end + 1) {
        *end = '\0';
        if (end > start && end - start < 256)
            plan->number[plan->numbers++] = (uint32_t)(start - plan->text);
    }
    return plan->numbers > 0;
}

bool plan_numbers(const char *path, struct plan *plan)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool good = fseek(file, 0, SEEK_END) == 0;
    long size = good ? ftell(file) : -1;
    good = size > 0 && size < INT32_MAX && fseek(file, 0, SEEK_SET) == 0;
    plan->text = good ? malloc((size_t)size + 1) : NULL;
    good = plan->text && fread(plan->text, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (!good)
        return false;
    plan->text[size] = '\0';
    return split_lines(plan, (size_t)size);
}

static bool read_option(const char *name, char *value, struct plan *plan)
{
    unsigned long whole = strtoul(value, NULL, 10);
    if (strcmp(name, "--to") == 0)
        return plan_target(value, &plan->to);
    if (strcmp(name, "--numbers") == 0)
        return plan_numbers(value, plan);
    if (strcmp(name, "--path") == 0)
        return (plan->path = value)[0] == '/' && strlen(value) < 256;
    if (strcmp(name, "--mark") == 0)
        return (plan->mark = value)[0] != '\0';
    if (strcmp(name, "--language") == 0)
        return strlen(plan->language = value) < 64;
    if (strcmp(name, "--from") == 0)
        return on_loopback(value, &plan->from);
    if (strcmp(name, "--rate") == 0)
        return (plan->rate = strtod(value, NULL)) > 0 && plan->rate <= CUSTOMERS_RATE_MAX;
    if (strcmp(name, "--addresses") == 0)
        return (plan->addresses = (unsigned)whole) > 0 && whole <= CUSTOMERS_ADDRESSES_MAX;
    if (strcmp(name, "--connections") == 0)
        return (plan->connections = (unsigned)whole) > 0 && whole <= CUSTOMERS_WAITING_MAX;
    if (strcmp(name, "--seconds") == 0)
        return (plan->seconds = (nanos)whole) > 0 && whole <= CUSTOMERS_SECONDS_MAX;
    if (strcmp(name, "--within") == 0)
        return (plan->within = (nanos)whole * 1000000) > 0 && whole <= 60000;
    if (strcmp(name, "--seed") == 0)
        return (plan->seed = whole, true);
    return false;
}

bool plan_read(int count, char **arguments, struct plan *plan)
{
    *plan = (struct plan){.path = "/suivi/",
                          .language = "en",
                          .addresses = 1,
                          .rate = 100,
                          .within = 3000000000,
                          .connections = 16,
                          .seed = 1};
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--sweep") == 0) {
            plan->sweep = true;
        } else if (i + 1 == count || !read_option(arguments[i], arguments[i + 1], plan)) {
            fprintf(stderr, "customers: %s is not good\n%s", arguments[i], help);
            return false;
        } else {
            i++;
        }
    }
    if (plan->to.sin_port == 0 || plan->numbers == 0) {
        fputs(help, stderr);
        return false;
    }
    return true;
}

void plan_free(struct plan *plan)
{
    free(plan->text);
    free(plan->number);
}
