/* challenge.h: what a caller reads who is to prove something, or to wait, before going on.
 *
 * One page for browsers, in four languages, in which three ways lead on:
 *   - its script finds the puzzle's solution in a Web Worker, hands it in as a cookie, and asks
 *     again (reloads, or sends the form again);
 *   - without JavaScript a <meta http-equiv=refresh> asks again when the ticket, which came as a
 *     cookie with the page, is ripe;
 *   - a small form that was sent is given back in hidden fields: nothing is lost, and a button
 *     sends it again for those without JavaScript.
 * Programs (no text/html in Accept, or not a navigation) get a few words as JSON or plain text.
 * No third party, no CAPTCHA, no motion. Where cookies are refused the page says so; it does not
 * come back for ever.
 *
 * What is prepared   all of a page but one slot: a constant first and a constant second half for
 *                    each kind, form and language, and their headers. What a flood gets, the page
 *                    with a puzzle and the usual seconds, is prepared but for the puzzle itself:
 * two pointers and 43 bytes. Policy             script and style are constant, so that the
 * Content-Security-Policy names them by their hashes; nothing else runs, whatever stands in a
 * field. Status             503 and Retry-After (403 for a lane's closed door), no-store, noindex:
 * no cache keeps it, no index lists it, a search engine comes again later. Life challenge_prepare()
 * once in each process and again with each new contract; then the rest, from one thread. What was
 * handed out stays readable until the second call after it, as with answer_prepare(). Cost
 * bench/refused.
 */
#ifndef ECLUSE_GATE_CHALLENGE_H
#define ECLUSE_GATE_CHALLENGE_H

#include "gate/puzzle.h"
#include "tracking/answer.h"

enum {
    CHALLENGE_BODY_MAX = 8 * 1024,     /* of a form that is given back */
    CHALLENGE_FIELDS_SIZE = 24 * 1024, /* what its hidden fields may come to, escaped */
    CHALLENGE_SLOT_SIZE = 1536,        /* the rest of a slot */
    CHALLENGE_USUAL_SECONDS = 9,       /* of who has just come */
    CHALLENGE_QUICK_SIZE = 8 + PUZZLE_TEXT_LENGTH
};

enum challenge_form { CHALLENGE_HTML, CHALLENGE_JSON, CHALLENGE_TEXT, CHALLENGE_FORM_COUNT };

/*    constant      status, what the page is */
#define CHALLENGE_KINDS(X)                                                                         \
    X(PUZZLE, 503, "solve, or wait, and ask again")                                                \
    X(PUZZLE_OFFER, 503, "solve, or wait, and send the form again that is given back")             \
    X(PUZZLE_RESEND, 503, "solve; what was sent could not be kept: please send it again")          \
    X(BUSY, 503, "nothing to prove: waited in the queue for too long; ask again in N seconds")     \
    X(BUSY_OFFER, 503, "the same, with the form that is given back")                               \
    X(BUSY_RESEND, 503, "the same; what was sent could not be kept")                               \
    X(COOKIES, 503, "came back without the cookie: says so, and does not ask again by itself")     \
    X(LANE, 403, "a lane's listener, and neither its certificate nor its key was shown")

enum challenge_kind {
#define X(constant, status, what) CHALLENGE_##constant,
    CHALLENGE_KINDS(X)
#undef X
        CHALLENGE_KIND_COUNT
};

/* One prepared page: `open`, then what challenge_write() writes, then `close`; what belongs to no
 * slot has all of it in `open`. about.length and about.retry_after are 0: the caller fills them in.
 */
struct challenge_page {
    struct answer about;
    struct text open, middle, close; /* the middle is short, and copied into the slot */
    bool has_slot;
    struct text quick_open, quick_close; /* CHALLENGE_PUZZLE only: around challenge_quick() */
};

void challenge_prepare(const struct contract *c);

/* Never NULL after challenge_prepare(). */
const struct challenge_page *challenge_page(enum challenge_kind kind, enum challenge_form form,
                                            enum language language);

/* What goes between the halves. */
struct challenge_slot {
    struct text puzzle; /* of puzzle_write(); for PUZZLE kinds, empty for the others */
    unsigned bits;      /* that it asks for */
    uint32_t seconds;   /* until it is worth asking again: 1 to 3600, others are brought there */
    struct text fields; /* of challenge_fields(); for OFFER kinds */
};

/* What stands between `open` and `close`: CHALLENGE_SLOT_SIZE bytes at most besides the fields. */
void challenge_write(struct writer *w, enum challenge_kind kind, enum language language,
                     const struct challenge_slot *slot);

/* The slot between quick_open and quick_close; returns its length. */
size_t challenge_quick(unsigned bits, struct text puzzle, char out[CHALLENGE_QUICK_SIZE]);

/* Writes an application/x-www-form-urlencoded body as a form of hidden fields, up to its button. A
 * browser that reads these and sends the form again sends the same names and values in the same
 * order, byte by byte once decoded: bytes that are no UTF-8 go as windows-1252, which has a
 * character for each byte.
 *
 * False, and the writer is left as it was, for what HTML cannot carry back unchanged: a NUL, a lone
 * CR or LF, a field without name, one named _charset_, a body that is empty or longer than
 * CHALLENGE_BODY_MAX, or fields over CHALLENGE_FIELDS_SIZE. Then the page is a RESEND kind. */
bool challenge_fields(struct text body, struct writer *w);

#endif
