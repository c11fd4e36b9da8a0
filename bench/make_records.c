/* make-records: captures and flow logs of any length on standard output, for benchmarks and tests.
 *
 *   make-records FORM COUNT [--hosts N] [--flows N] [--seconds S] [--size BYTES] [--seed N]
 *
 * FORM is pcap, pcapng, zeek, zeek-json or eve; COUNT how many packets or flows, from 2 November
 * 2026 on, evenly over S seconds. Hosts are 10.1.0.0/16 behind one gateway, and begin connections
 * to 198.51.100.0/24 (unlisted) and 203.0.113.0/24; every third packet is the answer of the other
 * end. Addresses are those of documentation (RFC 5737) and private ones. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEGIN INT64_C(1793577600) /* Monday, 2 November 2026 */

enum { HEADERS = 54, LENGTH_MOST = 1514 };

struct wish {
    const char *form;
    uint64_t count, hosts, flows, seconds, size, seed;
};

struct connection {
    uint32_t host, to;
    uint16_t port;
    uint8_t begun; /* packets of the handshake that have been */
};

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static uint64_t nanos_of(const struct wish *w, uint64_t i)
{
    return (uint64_t)((unsigned __int128)i * w->seconds * 1000000000u / w->count);
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static struct connection connection_of(const struct wish *w, uint64_t n)
{
    uint64_t host = n % w->hosts;
    return (struct connection){.host = 0x0a010000u + (uint32_t)(host % 65000) + 2,
                               .to = (n % 7 ? 0xc6336400u : 0xcb007100u) +
                                     (uint32_t)(n * 31 % 250) + 1,
                               .port = (uint16_t)(1024 + n / w->hosts % 60000)};
}

static unsigned frame_make(uint8_t f[LENGTH_MOST], const struct wish *w, struct connection *c,
                           uint64_t r)
{
    static const uint8_t gateway[6] = {2, 0, 0, 0, 0, 1};
    bool in = c->begun < 3 ? c->begun == 1 : r % 3 == 0;
    unsigned length = c->begun < 3 || in ? 66 : (unsigned)w->size;
    uint8_t flags = c->begun == 0 ? 0x02 : c->begun == 1 ? 0x12 : 0x10;
    uint8_t machine[6] = {2, 1};
    put32(machine + 2, c->host);
    memset(f, 0, HEADERS);
    memcpy(f, in ? machine : gateway, 6);
    memcpy(f + 6, in ? gateway : machine, 6);
    put16(f + 12, 0x0800);
    f[14] = 0x45;
    put16(f + 16, length - 14);
    f[22] = 64;
    f[23] = 6;
    put32(f + 26, in ? c->to : c->host);
    put32(f + 30, in ? c->host : c->to);
    put16(f + 34, in ? 443 : c->port);
    put16(f + 36, in ? c->port : 443);
    put32(f + 38, in ? 1000 : c->begun == 0 ? 5000 : 5001);
    put32(f + 42, in ? 5001 : c->begun == 0 ? 0 : 1001);
    f[46] = 5 << 4;
    f[47] = flags;
    c->begun = (uint8_t)(c->begun < 3 ? c->begun + 1 : 3);
    return length;
}

static void pcap_header(bool ng)
{
    static const uint32_t classic[] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
    static const uint32_t blocks[] = {0x0a0d0d0a, 28,         0x1a2b3c4d, 1,  UINT32_MAX,
                                      UINT32_MAX, 28,         1,          32, 1,
                                      262144,     0x00010009, 9,          0,  32};
    fwrite(ng ? blocks : classic, ng ? sizeof blocks : sizeof classic, 1, stdout);
}

static void packets_make(const struct wish *w, bool ng)
{
    struct connection *all = calloc(w->flows, sizeof *all);
    static uint8_t frame[LENGTH_MOST + 64];
    uint64_t state = w->seed;
    if (!all)
        exit(2);
    for (uint64_t i = 0; i < w->flows; i++)
        all[i] = connection_of(w, i);
    pcap_header(ng);
    for (uint64_t i = 0; i < w->count; i++) {
        uint64_t r = random_next(&state), at = nanos_of(w, i);
        unsigned length = frame_make(frame, w, &all[r % w->flows], r / w->flows);
        unsigned padding = ng ? (4 - length % 4) % 4 : 0;
        if (ng) {
            uint64_t stamp = (uint64_t)BEGIN * 1000000000u + at;
            uint32_t head[] = {
                6,     32 + length + padding, 0, (uint32_t)(stamp >> 32), (uint32_t)stamp, length,
                length};
            fwrite(head, sizeof head, 1, stdout);
            memset(frame + length, 0, padding);
            memcpy(frame + length + padding, head + 1, 4);
            fwrite(frame, length + padding + 4, 1, stdout);
        } else {
            uint32_t head[] = {(uint32_t)((uint64_t)BEGIN + at / 1000000000u),
                               (uint32_t)(at % 1000000000u / 1000), length, length};
            fwrite(head, sizeof head, 1, stdout);
            fwrite(frame, length, 1, stdout);
        }
    }
    free(all);
}

struct told { /* a connection as a log has it */
    double begin, span;
    char from[16], to[16];
    unsigned port;
    uint64_t out, in, packets_out, packets_in;
};

static struct told told_make(const struct wish *w, uint64_t i, uint64_t *state)
{
    struct connection c = connection_of(w, random_next(state) % w->flows);
    struct in_addr from = {htonl(c.host)}, to = {htonl(c.to)};
    struct told t = {.port = c.port};
    t.span = (double)(random_next(state) % 30000) / 1000;
    t.begin = (double)BEGIN + (double)nanos_of(w, i) / 1e9 - t.span;
    t.packets_out = 3 + random_next(state) % (2 * w->size / 100 + 1);
    t.packets_in = 2 + t.packets_out / 2;
    t.out = t.packets_out * 52 + random_next(state) % (2 * w->size + 1);
    t.in = t.packets_in * 52 + random_next(state) % 20000;
    inet_ntop(AF_INET, &from, t.from, sizeof t.from);
    inet_ntop(AF_INET, &to, t.to, sizeof t.to);
    return t;
}

static void zeek_header(void)
{
    puts("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
         "#path\tconn\n#open\t2026-11-02-00-00-00\n"
         "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
         "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\t"
         "orig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n"
         "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\t"
         "string\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]");
}

static void zeek_line(const struct told *t, uint64_t i)
{
    printf("%.6f\tC%016" PRIx64 "x\t%s\t%u\t%s\t443\ttcp\tssl\t%.6f\t%" PRIu64 "\t%" PRIu64
           "\tSF\tT\tF\t0\tShADadFf\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t-\n",
           t->begin, i, t->from, t->port, t->to, t->span, t->out - t->packets_out * 52,
           t->in - t->packets_in * 52, t->packets_out, t->out, t->packets_in, t->in);
}

static void zeek_json_line(const struct told *t, uint64_t i)
{
    printf("{\"ts\":%.6f,\"uid\":\"C%016" PRIx64 "x\",\"id.orig_h\":\"%s\",\"id.orig_p\":%u,"
           "\"id.resp_h\":\"%s\",\"id.resp_p\":443,\"proto\":\"tcp\",\"service\":\"ssl\","
           "\"duration\":%.6f,\"orig_bytes\":%" PRIu64 ",\"resp_bytes\":%" PRIu64
           ",\"conn_state\":\"SF\",\"local_orig\":true,\"local_resp\":false,\"missed_bytes\":0,"
           "\"history\":\"ShADadFf\",\"orig_pkts\":%" PRIu64 ",\"orig_ip_bytes\":%" PRIu64
           ",\"resp_pkts\":%" PRIu64 ",\"resp_ip_bytes\":%" PRIu64 "}\n",
           t->begin, i, t->from, t->port, t->to, t->span, t->out - t->packets_out * 52,
           t->in - t->packets_in * 52, t->packets_out, t->out, t->packets_in, t->in);
}

static void eve_time(double at, char out[64])
{
    time_t second = (time_t)at;
    struct tm parts;
    char text[32];
    gmtime_r(&second, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, 64, "%s.%06u+0000", text, (unsigned)((at - (double)second) * 1e6) % 1000000);
}

static void eve_line(const struct told *t, uint64_t i)
{
    char begin[64], end[64];
    eve_time(t->begin, begin);
    eve_time(t->begin + t->span, end);
    printf("{\"timestamp\":\"%s\",\"flow_id\":%" PRIu64 ",\"in_iface\":\"lan0\",\"event_type\":"
           "\"flow\",\"src_ip\":\"%s\",\"src_port\":%u,\"dest_ip\":\"%s\",\"dest_port\":443,"
           "\"proto\":\"TCP\",\"app_proto\":\"tls\",\"flow\":{\"pkts_toserver\":%" PRIu64
           ",\"pkts_toclient\":%" PRIu64 ",\"bytes_toserver\":%" PRIu64
           ",\"bytes_toclient\":%" PRIu64
           ",\"start\":\"%s\",\"end\":\"%s\",\"age\":%d,\"state\":\"closed\",\"reason\":"
           "\"timeout\",\"alerted\":false},\"tcp\":{\"tcp_flags\":\"1b\",\"tcp_flags_ts\":\"1b\","
           "\"tcp_flags_tc\":\"1b\",\"syn\":true,\"fin\":true,\"psh\":true,\"ack\":true,\"state\":"
           "\"closed\"}}\n",
           end, i, t->from, t->port, t->to, t->packets_out, t->packets_in,
           t->out + t->packets_out * 14, t->in + t->packets_in * 14, begin, end, (int)t->span);
}

static void flows_make(const struct wish *w)
{
    uint64_t state = w->seed;
    bool json = strcmp(w->form, "zeek-json") == 0, eve = strcmp(w->form, "eve") == 0;
    if (!json && !eve)
        zeek_header();
    for (uint64_t i = 0; i < w->count; i++) {
        struct told t = told_make(w, i, &state);
        if (eve)
            eve_line(&t, i);
        else if (json)
            zeek_json_line(&t, i);
        else
            zeek_line(&t, i);
    }
}

static _Noreturn void usage(void)
{
    fputs("usage: make-records pcap|pcapng|zeek|zeek-json|eve COUNT [--hosts N] [--flows N] "
          "[--seconds S] [--size BYTES] [--seed N]\n",
          stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    struct wish w = {.hosts = 200, .flows = 5000, .seconds = 3600, .size = 1514, .seed = 1};
    const struct {
        const char *name;
        uint64_t *value;
    } options[] = {{"--hosts", &w.hosts},
                   {"--flows", &w.flows},
                   {"--seconds", &w.seconds},
                   {"--size", &w.size},
                   {"--seed", &w.seed}};
    if (argc < 3 || argc % 2 == 0)
        usage();
    w.form = argv[1];
    w.count = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i += 2)
        for (size_t k = 0; k < sizeof options / sizeof options[0]; k++)
            if (strcmp(argv[i], options[k].name) == 0)
                *options[k].value = strtoull(argv[i + 1], NULL, 10);
    bool packets = strncmp(w.form, "pcap", 4) == 0;
    if (!w.count || !w.hosts || !w.flows || (packets && (w.size < 66 || w.size > LENGTH_MOST)))
        usage();
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (packets)
        packets_make(&w, strcmp(w.form, "pcapng") == 0);
    else
        flows_make(&w);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
