/* What is valid is canonical: read again, it is the same; the rest leaves its output alone. */
#include "tracking/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_number(struct text typed)
{
    static const struct parcel_format formats[] = {{FORMAT_S10, 0, 0},
                                                   {FORMAT_COLISSIMO, 0, 0},
                                                   {FORMAT_SSCC, 0, 0},
                                                   {FORMAT_DIGITS, 5, 30},
                                                   {FORMAT_ALNUM, 1, 30}};
    for (size_t count = 0; count <= 5; count++) {
        struct parcel_number out = {.length = 99}, again;
        const struct parcel_format *format = NULL;
        if (parcel_parse(formats, count, typed, &out, &format) != PARCEL_VALID) {
            must(out.length == 99 && !format);
            continue;
        }
        must(out.length >= 1 && out.length <= PARCEL_TEXT_MAX);
        must(strlen(out.text) == out.length && format && format < formats + count);
        must(parcel_parse(format, 1, text_of(out.text), &again, NULL) == PARCEL_VALID);
        must(memcmp(&again, &out, sizeof out) == 0);
    }
}

static void check_time(struct text text)
{
    int64_t at = -1;
    int16_t offset = 9999;
    int32_t day = -1;
    if (event_time_parse(text, &at, &offset))
        must(at >= 631152000 && at < 4102444800 && offset >= -840 && offset <= 840);
    else
        must(at == -1 && offset == 9999);
    must(event_day_parse(text, &day) ? day >= 7305 && day < 47482 : day == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = {(const char *)data, size};
    check_number(text);
    check_time(text);
    return 0;
}
