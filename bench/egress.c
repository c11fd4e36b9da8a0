/* What the kernel's program costs a packet: nanoseconds, medians of 9 runs, three budgets that
 * apply (host, pair, everyone).
 *
 * BPF_PROG_TEST_RUN repeats one packet for the hot figure; for the random one, a run of one packet
 * is given with each of 65,536 hosts in random order, so that tables are read from memory: there
 * the cost of the run itself is taken off: what a packet to an inside destination costs more when
 * it is alone in its run. Needs root. */
#include "egress/kernel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 9, REPEAT = 1000000, HOSTS = 65536, LENGTH = 1514 };

static const char *const yaml =
    "ecluse: 1\n"
    "network: {inside: [10.0.0.0/8], interface: lan0, destinations: {partners: [203.0.113.0/24]}}\n"
    "budgets:\n"
    "- {name: a, meter: bytes_out, per: host, where: {to: unlisted}, at_most: {1d: 4TB}, over: "
    "hold, "
    "hold_for: 1h}\n"
    "- {name: b, meter: bytes_out, per: everyone, where: {to: unlisted}, at_most: {1d: 4TB}, over: "
    "hold, "
    "hold_for: 1h}\n"
    "- {name: c, meter: bytes_out, per: host, at_most: {1d: 4TB}, over: hold, hold_for: 1h}\n"
    "- {name: d, meter: bytes_out, per: host, where: {to: partners}, at_most: {1d: 4TB}, over: "
    "hold, "
    "hold_for: 1h}\n";

static int smaller(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, smaller);
    return values[count / 2];
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-egress: %s\n", what);
    exit(2);
}

/* A TCP segment of full size from host n; its connection too is one of its own. */
static void frame_make(uint8_t f[LENGTH], uint32_t n, uint8_t first_octet, uint8_t flags,
                       uint32_t sequence, uint32_t acknowledged)
{
    static const uint8_t head[] = {2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 0, 8, 0, 0x45};
    memset(f, 0, LENGTH);
    memcpy(f, head, sizeof head);
    uint32_t name = htonl(n), source = htonl(0x0a000000u + n),
             target = htonl((uint32_t)first_octet << 24 | 9);
    memcpy(f + 8, &name, 4);
    f[16] = 5, f[17] = 0xdc;
    f[22] = 64, f[23] = 6;
    memcpy(f + 26, &source, 4);
    memcpy(f + 30, &target, 4);
    f[34] = 0x9c, f[36] = 1, f[37] = 0xbb;
    sequence = htonl(sequence), acknowledged = htonl(acknowledged);
    memcpy(f + 38, &sequence, 4);
    memcpy(f + 42, &acknowledged, 4);
    f[46] = 5 << 4;
    f[47] = flags;
}

static double run(int program, const uint8_t *frame, int repeat)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = LENGTH,
                .repeat = repeat);
    if (bpf_prog_test_run_opts(program, &options) < 0 || options.retval == 2)
        fail("the program refused a packet");
    return (double)options.duration;
}

static void reverse(uint8_t f[LENGTH])
{
    uint8_t swap[6];
    memcpy(swap, f, 6), memcpy(f, f + 6, 6), memcpy(f + 6, swap, 6);
    memcpy(swap, f + 26, 4), memcpy(f + 26, f + 30, 4), memcpy(f + 30, swap, 4);
    memcpy(swap, f + 34, 2), memcpy(f + 34, f + 36, 2), memcpy(f + 36, swap, 2);
}

static void connect_host(const struct kernel *k, uint32_t n)
{
    uint8_t f[LENGTH];
    frame_make(f, n, 198, 2, 5000, 0);
    run(k->out, f, 1);
    frame_make(f, n, 198, 18, 1000, 5001);
    reverse(f);
    run(k->in, f, 1);
    frame_make(f, n, 198, 16, 5001, 1001);
    run(k->out, f, 1);
}

static double hot(const struct kernel *k, uint8_t first_octet)
{
    uint8_t f[LENGTH];
    double figure[RUNS];
    frame_make(f, 7, first_octet, 16, 5001, 1001);
    for (unsigned i = 0; i < RUNS; i++)
        figure[i] = run(k->out, f, REPEAT);
    return median(figure, RUNS);
}

/* Every host once, in random order (a bijection of 16 bits). */
static double scattered(const struct kernel *k, uint8_t first_octet, bool same)
{
    static double figure[HOSTS];
    uint8_t f[LENGTH];
    for (uint32_t i = 0; i < HOSTS; i++) {
        uint32_t n = same ? 7 : (i * 40503u + 12345u) % HOSTS;
        n = same ? n : ((n ^ n >> 7) * 9029u) % HOSTS;
        frame_make(f, n, first_octet, 16, 5001, 1001);
        figure[i] = run(k->out, f, 1);
    }
    return median(figure, HOSTS);
}

int main(void)
{
    struct contract *contract = calloc(1, sizeof *contract);
    struct egress_config *config = calloc(1, sizeof *config);
    struct problems problems = {NULL, 0};
    struct error error = {""};
    struct kernel *k;
    if (!contract || !config || contract_parse(yaml, strlen(yaml), contract, &problems) < 0)
        fail(problems.count ? problems.problem[0].text : "no memory");
    if (config_make(contract, true, config, &error) < 0 ||
        kernel_load(config, NULL, &k, &error) < 0)
        fail(error.text);
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        k->entries[ENTRY_EVERYONE].account[i].ceiling =
            k->entries[ENTRY_NEWCOMERS].account[i].ceiling = UINT64_MAX;
    for (uint32_t n = 0; n < HOSTS; n++)
        connect_host(k, n);
    for (uint32_t i = ENTRY_FIRST; i < k->entry_count; i++) {
        k->entries[i].newcomer = 0;
        for (unsigned a = 0; a < EGRESS_ACCOUNTS; a++)
            k->entries[i].account[a].ceiling = UINT64_MAX;
    }
    double inside = hot(k, 10);
    printf("one host, repeated              %6.0f ns a packet\n", hot(k, 198));
    printf("  to an inside destination      %6.0f ns a packet\n", inside);
    double nothing = scattered(k, 10, true), one = scattered(k, 198, true),
           all = scattered(k, 198, false), call = nothing - inside;
    printf("one packet a run: inside        %6.0f ns, of which the run itself %.0f\n", nothing,
           call);
    printf("  the same host each time       %6.0f ns a packet\n", one - call);
    printf("  random ones among %d       %6.0f ns a packet\n", HOSTS, all - call);
    kernel_close(k);
    free(config);
    free(contract);
    return 0;
}
