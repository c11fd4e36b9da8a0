#include "budget/promise.h"

#include "budget/plan.h"

/* Bins of delays: half octaves from BIN_FIRST up; the last one has no upper end. */
enum { BIN_FIRST_NS = 125000, FEWEST_ANSWERS = 20, WHOLE = 1000000 };

static unsigned bin_of(nanos_t delay)
{
    if (delay <= BIN_FIRST_NS)
        return 0;
    uint64_t ratio = (uint64_t)delay / BIN_FIRST_NS;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ratio);
    uint64_t half = (UINT64_C(181) << octave) / 128; /* 181/128: the square root of two */
    unsigned bin = 1 + 2 * octave + (ratio >= half);
    return bin < PROMISE_BINS ? bin : PROMISE_BINS - 1;
}

static nanos_t bin_end(unsigned bin)
{
    if (bin == 0)
        return BIN_FIRST_NS;
    nanos_t octave = (nanos_t)BIN_FIRST_NS << ((bin - 1) / 2);
    return (bin - 1) % 2 ? octave * 2 : octave * 181 / 128 + BIN_FIRST_NS;
}

/* A refusal of ours says nothing about what was promised to those who were let in, whether it was
 * said (429) or the connection closed without a word (nginx's 444): it is not an answer. Else who
 * asks too much could break a promise that was made to all, or prop up one that is broken. */
static bool is_refusal(unsigned status)
{
    return status == 429 || status == 444;
}

void promise_record(struct budgets *b, int route, unsigned status, nanos_t delay, nanos_t now)
{
    const struct plan *plan = plan_of(b);
    if (b->read_only || is_refusal(status))
        return;
    for (unsigned i = 0; i < plan->promise_count; i++) {
        const struct promise_rule *rule = &plan->contract->promise[i];
        if (rule->route < 0 || rule->route != route || plan->promise_slot[i] >= PROMISE_SLOTS)
            continue;
        struct promise_slot *slot = &b->promises[plan->promise_slot[i]];
        struct slice at = slice_at(now, slice_width(rule->over));
        word_add(&slot->bucket[at.index].bin[bin_of(delay)], at.lap, 1);
        if (status < 500 && delay <= rule->within)
            word_add(&slot->bucket[at.index].kept, at.lap, 1);
    }
}

static nanos_t quantile(const uint64_t bin[PROMISE_BINS], uint64_t answers, uint64_t thousandths)
{
    uint64_t wanted = (answers * thousandths + 999) / 1000, seen = 0;
    for (unsigned i = 0; i < PROMISE_BINS; i++) {
        seen += bin[i];
        if (seen >= wanted)
            return bin_end(i);
    }
    return bin_end(PROMISE_BINS - 1);
}

void promise_state(const struct budgets *b, unsigned promise, nanos_t now,
                   struct promise_state *out)
{
    const struct plan *plan = plan_of(b);
    *out = (struct promise_state){.share = WHOLE};
    if (promise >= plan->promise_count || plan->promise_slot[promise] >= PROMISE_SLOTS)
        return;
    const struct promise_rule *rule = &plan->contract->promise[promise];
    struct promise_slot *slot = &b->promises[plan->promise_slot[promise]];
    struct slice at = slice_at(now, slice_width(rule->over));
    const size_t stride = sizeof slot->bucket[0] / sizeof(word_t);
    uint64_t bin[PROMISE_BINS], answers = 0;
    for (unsigned i = 0; i < PROMISE_BINS; i++) {
        bin[i] = words_sum(&slot->bucket[0].bin[i], stride, at);
        answers += bin[i];
    }
    if (answers == 0)
        return;
    uint64_t kept = words_sum(&slot->bucket[0].kept, stride, at);
    if (kept > answers)
        kept = answers; /* an answer is being recorded at this moment */
    uint64_t success = rule->success < WHOLE ? rule->success : WHOLE;
    uint64_t may_fail = (uint64_t)((unsigned __int128)answers * (WHOLE - success) / WHOLE);
    out->answers = answers;
    out->kept = kept;
    out->share = (uint32_t)((unsigned __int128)kept * WHOLE / answers);
    out->broken = out->share < success && answers >= FEWEST_ANSWERS;
    out->left = may_fail > answers - kept ? may_fail - (answers - kept) : 0;
    out->p50 = quantile(bin, answers, 500);
    out->p99 = quantile(bin, answers, 990);
}
