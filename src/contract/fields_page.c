#include "contract/fields_page.h"

#include "contract/value.h"

#include <inttypes.h>

const char *const EXAMPLE_CONTRACT[] = {
    "ecluse: 1",
    "organisation: {name: \"Poste d'exemple\", languages: [fr, nl, de, en]}",
    "tracking:",
    "  formats: [s10, colissimo, sscc]",
    "network:",
    "  inside: [10.1.0.0/16]",
    "  interface: lan0",
    "routes:",
    "  - {name: search, match: \"GET /recherche*\"}",
    "promises:",
    "  - {name: tracking answers, route: tracking, success: 99%, within: 300ms, over: 5m}",
    "  - {name: first statement, statement: first, within: 30m}",
    "budgets:",
    "  - name: searches",
    "    meter: requests",
    "    per: client",
    "    where: {route: search}",
    "    at_most: {10s: 5, 1h: 60}",
    "    over: challenge",
    "  - name: bulk theft",
    "    meter: bytes_out",
    "    per: host",
    "    where: {to: unlisted}",
    "    at_most: {1h: 200MB, 1d: 500MB, 30d: 3GB}",
    "    over: hold",
    "    hold_for: 4h",
    NULL,
};

const char *scope_title(enum field_scope scope)
{
    static const char *const titles[] = {
        [SCOPE_CONTRACT] = "The contract", [SCOPE_ORGANISATION] = "Organisation",
        [SCOPE_TRACKING] = "Tracking",     [SCOPE_SOURCE] = "A source of events",
        [SCOPE_NETWORK] = "Network",       [SCOPE_FILES] = "Files",
        [SCOPE_FILE_SHARE] = "A share",    [SCOPE_PROTECTED] = "A protected entry",
        [SCOPE_ROUTE] = "A route",         [SCOPE_KEEP] = "Keep",
        [SCOPE_PROMISE] = "A promise",     [SCOPE_BUDGET] = "A budget",
        [SCOPE_WHERE] = "Where",           [SCOPE_AUDIT] = "Audit",
        [SCOPE_WITNESS] = "A witness",     [SCOPE_DESK] = "Desk",
        [SCOPE_OUTPUTS] = "Outputs",       [SCOPE_VAULT] = "The vault",
        [SCOPE_TRUSTED] = "A trusted program", [SCOPE_PASSES] = "Passes",
    };
    must((unsigned)scope < SCOPE_COUNT);
    return titles[scope];
}

static const char *type_text(enum field_type type)
{
    static const char *const texts[] = {
        [TYPE_VERSION] = "`1`",
        [TYPE_TITLE] = "text, at most 127 bytes",
        [TYPE_NAME] = "text, at most 63 bytes",
        [TYPE_WORD] = "a word: a letter, then letters, digits, `-` and `_`; at most 63",
        [TYPE_PATH] = "an absolute path",
        [TYPE_INTERFACE] = "the name of a network interface",
        [TYPE_ORIGIN] = "a name without spaces and `+`, at most 127 bytes",
        [TYPE_KEY] = "a verifier key: `NAME+ID+KEY`",
        [TYPE_URL] = "an address that begins with `https://` or `http://`",
        [TYPE_LISTEN] = "`ADDRESS:PORT` or `unix:/path`",
        [TYPE_SYSLOG] = "`unix:/path`, `udp:ADDRESS:PORT` or `tcp:ADDRESS:PORT`",
        [TYPE_DURATION] = "a duration: `ms`, `s`, `m`, `h`, `d`",
        [TYPE_SIZE] = "a size: `B`, `kB`, `MB`, `GB`, `TB`, `KiB` ... `TiB`",
        [TYPE_RATE] = "a size a second",
        [TYPE_SHARE] = "a share in per cent",
        [TYPE_COUNT] = "a number",
        [TYPE_MATCH] = "`METHOD /path`, `/path` or either with `*` at its end",
        [TYPE_LANGUAGES] = "a list",
        [TYPE_FORMATS] =
            "a list of `s10`, `colissimo`, `sscc`, `digits-N`, `digits-N-M`, `alnum-N-M`",
        [TYPE_PREFIXES] = "a list of addresses and prefixes, IPv4 and IPv6",
        [TYPE_CLASSES] = "a map of names to lists of addresses and prefixes",
        [TYPE_WINDOWS] =
            "a map of durations (`1s` to `366d`) to limits: numbers, or sizes for `bytes_out`",
        [TYPE_ROUTE_REF] = "the name of a route",
        [TYPE_SHARE_REF] = "the name of a share",
        [TYPE_TRUSTED_REF] = "the name of a trusted program",
        [TYPE_CLASS_REF] = "the name of a class of destinations, or `unlisted`",
        [TYPE_MAP] = "a map",
        [TYPE_LIST] = "a list of maps",
    };
    return texts[type] ? texts[type] : "one of";
}

static void amount_words(const struct field *field, uint64_t amount, char out[VALUE_TEXT_SIZE])
{
    if (field->type == TYPE_DURATION)
        value_duration_text((nanos_t)amount, out);
    else if (field->type == TYPE_SHARE)
        value_share_text((uint32_t)amount, out);
    else if (field->type == TYPE_COUNT)
        snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64, amount);
    else
        strcat(value_size_text(amount, out), field->type == TYPE_RATE ? "/s" : "");
}

void field_value_words(const struct field *field, char *out, size_t size)
{
    struct writer w = writer_on(out, size - 1);
    write_string(&w, type_text(field->type));
    const char *const *words = type_words(field->type);
    for (size_t i = 0; words && words[i]; i++) {
        write_string(&w, i ? ", `" : field->type == TYPE_LANGUAGES ? " of `" : " `");
        write_string(&w, words[i]);
        write_string(&w, "`");
    }
    if (field->high) {
        char low[VALUE_TEXT_SIZE], high[VALUE_TEXT_SIZE];
        amount_words(field, field->low, low);
        amount_words(field, field->high, high);
        write_string(&w, ", `");
        write_string(&w, low);
        write_string(&w, "` to `");
        write_string(&w, high);
        write_string(&w, "`");
    }
    must(!w.overflow);
    out[w.length] = 0;
}

void field_need_words(const struct field *field, char *out, size_t size)
{
    if (field->fallback)
        snprintf(out, size, "`%s` if not written", field->fallback);
    else if (field->need == NEED_YES)
        snprintf(out, size, "required");
    else if (field->need == NEED_WITH_HOLD)
        snprintf(out, size, "required with `over: hold`, and only there");
    else if (field->need == NEED_WITH_ROUTE)
        snprintf(out, size, "required with `route`, and only there");
    else if (field->need == NEED_ROUTE_OR_STATEMENT)
        snprintf(out, size, "either `route` or `statement`");
    else
        snprintf(out, size, "optional");
}
