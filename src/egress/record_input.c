#include "egress/record_input.h"

#include "egress/eve_flow.h"
#include "egress/pcap.h"
#include "egress/pcapng.h"
#include "egress/zeek.h"

#include <stdlib.h>

const char *record_compression(const uint8_t *begin, size_t length)
{
    static const struct {
        uint8_t magic[6];
        uint8_t size;
        const char *command;
    } known[] = {{{0x1f, 0x8b}, 2, "zcat"},
                 {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
                 {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, "xzcat"},
                 {{'B', 'Z', 'h'}, 3, "bzcat"},
                 {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4cat"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (length >= known[i].size && memcmp(begin, known[i].magic, known[i].size) == 0)
            return known[i].command;
    return NULL;
}

/* EVE's lines say their kind; Zeek's have "id.orig_h". */
static int json_read(struct zeek *z, struct text line, struct replay_flow *flow)
{
    static const char kind[] = "\"event_type\"";
    if (memmem(line.data, line.length, kind, sizeof kind - 1))
        return eve_flow_json(line, flow);
    return zeek_json(z, line, flow);
}

static void lines_read(struct source *s, struct zeek *z)
{
    struct text line;
    struct replay_flow flow;
    while (source_line(s, &line)) {
        if (line.length == 0 || (line.length == 1 && *line.data == '\r'))
            continue;
        int code = json_read(z, line, &flow);
        if (code < 0)
            source_fault(s, (enum record_fault)(-code - 1), s->line);
        else if (code)
            s->sink->flow(s->sink->context, &flow);
        else
            s->sink->other(s->sink->context);
    }
}

static void any_read(struct source *s, struct record_input *out)
{
    struct zeek *z;
    if (!source_need(s, 1))
        return; /* empty: nothing is wrong with it */
    source_need(s, 11);
    const uint8_t *at = source_at(s);
    size_t left = source_left(s);
    out->decompressor = record_compression(at, left);
    if (left >= 4 && pcap_is(at)) {
        pcap_read(s);
    } else if (left >= 4 && pcapng_is(at)) {
        pcapng_read(s);
    } else if (*at != '{' && !zeek_is((struct text){(const char *)at, left})) {
        source_fault(s, out->decompressor ? FAULT_COMPRESSED : FAULT_FORM, 0);
    } else if ((z = malloc(sizeof *z))) {
        zeek_begin(z);
        if (*at == '{')
            lines_read(s, z);
        else
            zeek_read(s, z);
        free(z);
    }
}

int record_input(int descriptor, const struct record_sink *sink, struct record_input *out)
{
    struct source s;
    int code = source_open(&s, descriptor, sink);
    if (code < 0)
        return code;
    *out = (struct record_input){.bytes = 0};
    any_read(&s, out);
    out->bytes = s.offset + source_left(&s);
    out->error = s.error;
    if (s.error)
        source_fault(&s, FAULT_INPUT, out->bytes);
    source_close(&s);
    return 0;
}

int record_input_memory(const void *data, size_t length, const struct record_sink *sink)
{
    struct source s;
    struct record_input out;
    int code = source_open(&s, -1, sink);
    if (code < 0)
        return code;
    s.end = length < SOURCE_MOST ? length : SOURCE_MOST;
    if (s.end)
        memcpy(s.data, data, s.end);
    any_read(&s, &out);
    source_close(&s);
    return 0;
}
