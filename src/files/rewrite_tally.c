#include "files/rewrite.h"

#include <stdio.h>

static const struct {
    enum rewrite_verdict verdict;
    const char *name, *text;
} grounds[] = {
#define X(constant, verdict, name, text) {REWRITE_##verdict, name, text},
    REWRITE_GROUNDS(X)
#undef X
};

const char *rewrite_ground_name(enum rewrite_ground ground)
{
    return ground < REWRITE_GROUND_COUNT ? grounds[ground].name : "unknown";
}

const char *rewrite_ground_text(enum rewrite_ground ground)
{
    return ground < REWRITE_GROUND_COUNT ? grounds[ground].text : "unknown";
}

enum rewrite_verdict rewrite_ground_verdict(enum rewrite_ground ground)
{
    return ground < REWRITE_GROUND_COUNT ? grounds[ground].verdict : REWRITE_COUNTS;
}

void rewrite_figures_set(struct rewrite_figures *out, enum rewrite_ground ground,
                         uint64_t size_before, uint64_t size_after)
{
    *out = (struct rewrite_figures){
        .verdict = (uint8_t)rewrite_ground_verdict(ground),
        .ground = (uint8_t)ground,
        .size_before = size_before,
        .size_after = size_after,
    };
}

void rewrite_tally_add(struct rewrite_tally *tally, const struct rewrite_figures *figures,
                       nanos_t now)
{
    if (figures->ground >= REWRITE_GROUND_COUNT)
        return;
    if (tally->files == 0 || now < tally->first)
        tally->first = now;
    if (tally->files == 0 || now > tally->last)
        tally->last = now;
    tally->files++;
    tally->counted += figures->verdict == REWRITE_COUNTS;
    tally->of_ground[figures->ground]++;
    if (figures->changed) {
        tally->measured++;
        tally->entropy_before += figures->entropy_before;
        tally->entropy_after += figures->entropy_after;
    }
}

/* "3.1", and "7.99" where a tenth would hide how near to noise it is. */
static void write_entropy(struct writer *w, uint64_t thousandths)
{
    bool fine = thousandths >= 7900;
    uint64_t rounded = fine ? (thousandths + 5) / 10 : (thousandths + 50) / 100;
    uint64_t one = fine ? 100 : 10;
    if (rounded > 8 * one)
        rounded = 8 * one;
    write_unsigned(w, rounded / one);
    WRITE_LITERAL(w, ".");
    write_padded(w, (unsigned)(rounded % one), fine ? 2 : 1);
}

static void write_span(struct writer *w, nanos_t span)
{
    uint64_t seconds = (uint64_t)((span + NANOS_SECOND - 1) / NANOS_SECOND);
    if (seconds == 0)
        seconds = 1;
    bool minutes = seconds >= 600;
    write_unsigned(w, minutes ? (seconds + 30) / 60 : seconds);
    write_string(w, minutes ? " min" : " s");
}

/* The counted ground with most files below `limit`; of equal ones, that which stands first. */
static int next_ground(const struct rewrite_tally *tally, const bool *said)
{
    int best = -1;
    for (int i = 0; i < REWRITE_GROUND_COUNT; i++) {
        if (said[i] || tally->of_ground[i] == 0 ||
            rewrite_ground_verdict((enum rewrite_ground)i) != REWRITE_COUNTS)
            continue;
        if (best < 0 || tally->of_ground[i] > tally->of_ground[best])
            best = i;
    }
    return best;
}

char *rewrite_tally_text(const struct rewrite_tally *tally, char out[REWRITE_TEXT_SIZE])
{
    enum { GROUNDS_SAID = 3 };
    static const char *const plural[REWRITE_GROUND_COUNT] = {
        [REWRITE_TYPE_LOST] = "lost their type",
        [REWRITE_RISEN] = "gained the entropy of noise",
        [REWRITE_DAMAGED] = "have a broken structure",
        [REWRITE_EMPTIED] = "were emptied",
        [REWRITE_VANISHED] = "vanished",
        [REWRITE_UNJUDGED] = "could not be judged",
    };
    struct writer w = writer_on(out, REWRITE_TEXT_SIZE - 1);
    write_unsigned(&w, tally->counted);
    WRITE_LITERAL(&w, " of ");
    write_unsigned(&w, tally->files);
    WRITE_LITERAL(&w, " files rewritten in ");
    write_span(&w, tally->last - tally->first);
    bool said[REWRITE_GROUND_COUNT] = {false};
    for (int i = 0; i < GROUNDS_SAID; i++) {
        int ground = next_ground(tally, said);
        if (ground < 0)
            break;
        said[ground] = true;
        WRITE_LITERAL(&w, ", ");
        write_unsigned(&w, tally->of_ground[ground]);
        WRITE_LITERAL(&w, " ");
        write_string(&w, plural[ground]);
    }
    if (tally->measured) {
        WRITE_LITERAL(&w, ", mean entropy ");
        write_entropy(&w, tally->entropy_before / tally->measured);
        WRITE_LITERAL(&w, " to ");
        write_entropy(&w, tally->entropy_after / tally->measured);
    }
    out[w.length] = 0;
    return out;
}
