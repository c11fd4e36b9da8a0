/* test_packets.h: packets made by hand, and what the program says to them (BPF_PROG_TEST_RUN). */
#ifndef ECLUSE_EGRESS_TEST_PACKETS_H
#define ECLUSE_EGRESS_TEST_PACKETS_H

#include "egress/kernel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { VERDICT_PASS = -1, VERDICT_DROP = 2, FLAG_SYN = 2, FLAG_ACK = 16 };

#define CONTRACT_HEAD                                                                              \
    "ecluse: 1\n"                                                                                  \
    "network: {inside: [10.1.0.0/16, '2001:db8:1::/48'], interface: lan0, destinations: "          \
    "{partners: [203.0.113.0/24, '2001:db8:2::/48']}}\n"                                           \
    "budgets:\n"                                                                                   \
    "- {name: theft, meter: bytes_out, per: host, where: {to: unlisted}, at_most: {1h: 1MB}, "     \
    "over: "                                                                                       \
    "hold, hold_for: 1h}\n"                                                                        \
    "- {name: all, meter: bytes_out, per: everyone, where: {to: unlisted}, at_most: {1h: 3MB}, "   \
    "over: hold, hold_for: 1h}\n"                                                                  \
    "- {name: partners, meter: bytes_out, per: host, where: {to: partners}, at_most: {1h: 2MB}, "  \
    "over: hold, hold_for: 1h}\n"

enum { ACCOUNT_THEFT, ACCOUNT_ALL, ACCOUNT_PARTNERS, ACCOUNT_OUTSIDE };

struct stage {
    struct contract contract;
    struct egress_config config;
    struct kernel *kernel;
};

static inline bool stage_is_possible(void)
{
    return geteuid() == 0;
}

static inline struct stage *stage_new(const char *yaml, uint32_t hosts)
{
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    struct problems problems = {NULL, 0};
    int code = contract_parse(yaml, strlen(yaml), &s->contract, &problems);
    if (code && problems.count)
        print_message("%s\n", problems.problem[0].text);
    assert_int_equal(code, 0);
    problems_free(&problems);
    struct error error = {""};
    assert_int_equal(config_make(&s->contract, true, &s->config, &error), 0);
    struct kernel_sizes sizes = {.hosts = hosts};
    code = kernel_load(&s->config, &sizes, &s->kernel, &error);
    if (code)
        print_message("%s\n", error.text);
    assert_int_equal(code, 0);
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        s->kernel->entries[ENTRY_EVERYONE].account[i].ceiling = 3000000;
        s->kernel->entries[ENTRY_NEWCOMERS].account[i].ceiling = 1000000;
    }
    s->kernel->settings->deadline = UINT64_MAX;
    return s;
}

static inline void stage_free(struct stage *s)
{
    kernel_close(s->kernel);
    free(s);
}

struct frame { /* what is written is `length` bytes long */
    uint8_t data[2048];
    uint32_t length;
    uint32_t segments, segment_size; /* as if the card cut it up */
};

static inline void put(struct frame *f, const void *data, size_t length)
{
    assert_true(f->length + length <= sizeof f->data);
    memcpy(f->data + f->length, data, length);
    f->length += (uint32_t)length;
}

static inline void put16(struct frame *f, unsigned value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(f, bytes, 2);
}

static inline void put32(struct frame *f, uint32_t value)
{
    put16(f, value >> 16);
    put16(f, value & 0xffff);
}

static inline void put_zeroes(struct frame *f, size_t length)
{
    static const uint8_t zeroes[2048];
    put(f, zeroes, length);
}

struct way {      /* a connection: who is inside, who outside, and which direction a packet goes */
    uint8_t host; /* last byte of the inside link address */
    const char *inside, *outside;
    unsigned inside_port, outside_port;
    uint8_t protocol;
    bool in;
    unsigned tags;
};

static inline void put_link(struct frame *f, const struct way *w, unsigned type)
{
    uint8_t inside[6] = {2, 0, 0, 0, 0, w->host}, gateway[6] = {2, 0, 0, 0, 1, 1};
    put(f, w->in ? inside : gateway, 6);
    put(f, w->in ? gateway : inside, 6);
    for (unsigned i = 0; i < w->tags; i++) {
        put16(f, i + 1 < w->tags ? 0x88a8 : 0x8100);
        put16(f, 100 + i);
    }
    put16(f, type);
}

/* Link and IP header for `payload` bytes of what follows; fragment is the field of IPv4. */
static inline void put_ip(struct frame *f, const struct way *w, size_t payload, unsigned fragment)
{
    const char *from = w->in ? w->outside : w->inside, *to = w->in ? w->inside : w->outside;
    uint8_t address[16];
    if (strchr(w->inside, ':')) {
        put_link(f, w, 0x86dd);
        put32(f, 6u << 28);
        put16(f, (unsigned)payload);
        put16(f, (unsigned)w->protocol << 8 | 64);
        assert_int_equal(inet_pton(AF_INET6, from, address), 1);
        put(f, address, 16);
        assert_int_equal(inet_pton(AF_INET6, to, address), 1);
        put(f, address, 16);
        return;
    }
    put_link(f, w, 0x0800);
    put16(f, 0x4500);
    put16(f, (unsigned)payload + 20);
    put16(f, 77);
    put16(f, fragment);
    put16(f, 64u << 8 | w->protocol);
    put16(f, 0);
    assert_int_equal(inet_pton(AF_INET, from, address), 1);
    put(f, address, 4);
    assert_int_equal(inet_pton(AF_INET, to, address), 1);
    put(f, address, 4);
}

static inline void put_ports(struct frame *f, const struct way *w)
{
    put16(f, w->in ? w->outside_port : w->inside_port);
    put16(f, w->in ? w->inside_port : w->outside_port);
}

static inline struct frame frame_tcp(const struct way *w, unsigned flags, uint32_t sequence,
                                     uint32_t acknowledged, size_t payload)
{
    struct frame f = {.length = 0};
    put_ip(&f, w, 20 + payload, 0);
    put_ports(&f, w);
    put32(&f, sequence);
    put32(&f, acknowledged);
    put16(&f, 5u << 12 | flags);
    put_zeroes(&f, 6 + payload);
    return f;
}

static inline struct frame frame_udp(const struct way *w, size_t payload)
{
    struct frame f = {.length = 0};
    put_ip(&f, w, 8 + payload, 0);
    put_ports(&f, w);
    put16(&f, (unsigned)payload + 8);
    put_zeroes(&f, 2 + payload);
    return f;
}

static inline int run(const struct stage *s, const struct frame *f, bool in)
{
    struct __sk_buff skb = {.gso_segs = f->segments, .gso_size = f->segment_size};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = f->data, .data_size_in = f->length,
                .ctx_in = &skb, .ctx_size_in = sizeof skb);
    assert_int_equal(bpf_prog_test_run_opts(in ? s->kernel->in : s->kernel->out, &options), 0);
    return (int)options.retval;
}

static inline int send_out(const struct stage *s, struct frame f)
{
    return run(s, &f, false);
}

static inline void send_in(const struct stage *s, struct frame f)
{
    assert_int_equal(run(s, &f, true), VERDICT_PASS);
}

/* A whole handshake of TCP on `w`, begun by whom it says. */
static inline void handshake(const struct stage *s, struct way w, bool from_outside)
{
    struct way in = w, out = w;
    in.in = true;
    out.in = false;
    if (from_outside) {
        send_in(s, frame_tcp(&in, FLAG_SYN, 1000, 0, 0));
        send_out(s, frame_tcp(&out, FLAG_SYN | FLAG_ACK, 5000, 1001, 0));
        send_in(s, frame_tcp(&in, FLAG_ACK, 1001, 5001, 0));
        return;
    }
    send_out(s, frame_tcp(&out, FLAG_SYN, 5000, 0, 0));
    send_in(s, frame_tcp(&in, FLAG_SYN | FLAG_ACK, 1000, 5001, 0));
    send_out(s, frame_tcp(&out, FLAG_ACK, 5001, 1001, 0));
}

static inline struct egress_entry *entry_of_host(const struct stage *s, uint8_t host)
{
    struct egress_pair who = {.host = {{1, [10] = 2, [15] = host}}};
    uint32_t index;
    return kernel_place(s->kernel, &who, &index) == 0 ? &s->kernel->entries[index] : NULL;
}

static inline uint64_t spent(const struct stage *s, uint8_t host, unsigned account)
{
    const struct egress_entry *entry = entry_of_host(s, host);
    return entry ? entry->account[account].spent : 0;
}

static const struct way web = {.host = 7,
                               .inside = "10.1.0.7",
                               .outside = "198.51.100.9",
                               .inside_port = 40000,
                               .outside_port = 443,
                               .protocol = IPPROTO_TCP};

#endif
