/* What a reader typed, made fit to be repeated. A request's path holds any bytes at all; a page and
 * a JSON document hold UTF-8, and nothing that hides or turns what stands beside it. */
#include "tracking/answer_page.h"

#include "base/utf8.h"

struct text answer_typed(struct text typed, char out[ANSWER_TYPED_SIZE])
{
    struct writer w = writer_on(out, ANSWER_TYPED_SIZE);
    typed = text_clipped(typed, PARCEL_INPUT_MAX);
    while (typed.length) {
        size_t length = utf8_character((const unsigned char *)typed.data, typed.length);
        struct text character = {typed.data, length};
        if (length && !text_has_controls(character))
            write_text(&w, character);
        else
            WRITE_LITERAL(&w, "?");
        size_t read = length ? length : 1;
        typed = (struct text){typed.data + read, typed.length - read};
    }
    return (struct text){out, w.length};
}
