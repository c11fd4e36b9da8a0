/* Any bytes as a cookie header, a form, a JSON body, an origin, a host and a list of addresses. */
#include "desk/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size};
    struct text cookie = cookie_find(bytes, "__Host-ecluse");
    must(cookie.length <= size);
    char value[64], other[32];
    if (form_field(bytes, "name", value, sizeof value) == 0)
        must(utf8_is_valid(text_of(value)));
    const struct json_field fields[] = {{"name", value, sizeof value, true},
                                        {"code", other, sizeof other, false}};
    if (json_body(bytes, fields, 2, NULL) == 0)
        must(utf8_is_valid(text_of(value)));
    struct text half = {bytes.data, size / 2}, rest = {bytes.data + size / 2, size - size / 2};
    const struct provenance from = {
        .origin = half, .host = rest, .address = {"", 0}, .fetch_site = {"", 0}};
    provenance_is_ours(&from);
    host_is_ours(half, rest);
    uint8_t address[16];
    forwarded_address(bytes, address);
    language_wanted(bytes);
    return 0;
}
