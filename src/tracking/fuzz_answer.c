/* Whatever a record and a reader's number hold, a page brings no markup of theirs and has its end,
 * and the JSON parses. */
#include "tracking/answer_samples.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
};

static unsigned take_byte(struct input *in)
{
    if (!in->size)
        return 0;
    in->size--;
    return *in->data++;
}

static struct text take_text(struct input *in)
{
    size_t length = take_byte(in);
    if (length > in->size)
        length = in->size;
    struct text text = {(const char *)in->data, length};
    in->data += length;
    in->size -= length;
    return text;
}

static int64_t take_number(struct input *in)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 6; i++)
        number = number << 8 | take_byte(in);
    return (int64_t)(number % 5000000000u); /* to the year 2128: events outside 1990 to 2100 are
                                               refused when fed */
}

static void take_history(struct input *in, struct history *h)
{
    *h = (struct history){.count = 0};
    h->parcel.length = (uint8_t)(take_byte(in) % (PARCEL_TEXT_MAX + 1));
    for (unsigned i = 0; i < h->parcel.length; i++)
        h->parcel.text[i] =
            (char)(' ' +
                   take_byte(in) % 95); /* more than a number can hold, which is ASCII at least */
    h->product = take_text(in);
    h->pickup = take_text(in);
    h->changed = take_number(in);
    h->delivery_day = (int32_t)(take_number(in) / 86400);
    do {
        struct history_event *event = &h->event[h->count++];
        event->at = take_number(in);
        event->offset = (int16_t)((int)take_byte(in) * 7 - 800);
        event->step = (uint8_t)take_byte(in);
        event->code = take_text(in);
        event->place = take_text(in);
        for (unsigned i = 0; i < 3; i++)
            event->country[i] = (char)take_byte(in);
    } while (h->count < STORE_MAX_EVENTS && in->size);
}

static void check(const struct answer_request *request, const struct answer *answer, char *body)
{
    must(answer->length < ANSWER_SIZE);
    body[answer->length] = '\0';
    if (request->form == ANSWER_HTML) {
        must(!strstr(body, "<script") && !strstr(body, "<img"));
        must(answer->length > 8 && strcmp(body + answer->length - 8, "</html>\n") == 0);
        return;
    }
    /* What comes from a record was checked to be UTF-8 when it was fed; what was typed is made so
     * by the answer. */
    if (request->kind == ANSWER_FOUND)
        return;
    json_t *document = json_loadb(body, answer->length, 0, NULL);
    must(document);
    json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct contract *contract;
    static struct history history;
    static char body[ANSWER_SIZE];
    if (!contract)
        contract = sample_contract();
    struct input in = {data, size};
    struct answer_request request = {
        .contract = contract, .history = &history, .parcel = &history.parcel};
    request.kind = (enum answer_kind)(take_byte(&in) % (ANSWER_HELD + 1));
    request.language = (enum language)(take_byte(&in) % LANGUAGE_COUNT);
    request.form = (enum answer_form)(take_byte(&in) % 2);
    request.origin_down = take_byte(&in) % 2;
    request.now = take_number(&in);
    request.typed = take_text(&in);
    request.base = take_text(&in);
    take_history(&in, &history);
    if (!contract)
        return 0;
    struct answer answer;
    answer_render(&request, body, sizeof body, &answer);
    check(&request, &answer, body);
    return 0;
}
