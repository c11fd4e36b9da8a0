#include "gate/gate.h"

const char *gate_rule_name(enum gate_rule rule)
{
    static const char *const names[] = {
#define X(constant, name, refuses, meaning) name,
        GATE_RULES(X)
#undef X
    };
    return (unsigned)rule < GATE_RULE_COUNT ? names[rule] : "unknown";
}

const char *gate_rule_meaning(enum gate_rule rule)
{
    static const char *const meanings[] = {
#define X(constant, name, refuses, meaning) meaning,
        GATE_RULES(X)
#undef X
    };
    return (unsigned)rule < GATE_RULE_COUNT ? meanings[rule] : "unknown";
}

bool gate_rule_refuses(enum gate_rule rule)
{
    static const bool refuses[] = {
#define X(constant, name, refusing, meaning) refusing,
        GATE_RULES(X)
#undef X
    };
    return (unsigned)rule < GATE_RULE_COUNT && refuses[rule];
}

static struct gate_decision proof(const struct gate_question *question, enum gate_rule people,
                                  enum gate_rule programs)
{
    return question->html ? (struct gate_decision){GATE_CHALLENGE, people}
                          : (struct gate_decision){GATE_BUSY, programs};
}

struct gate_decision gate_decide(const struct gate_question *question)
{
    if (question->standing == STANDING_LANE)
        return (struct gate_decision){.verdict = GATE_PASS};
    if (question->standing < STANDING_FRESH) {
        if (question->over_budget)
            return proof(question, GATE_RULE_CHALLENGED_BUDGET, GATE_RULE_PROGRAM_BUDGET);
        if (question->route_challenges)
            return proof(question, GATE_RULE_CHALLENGED_PRESSURE, GATE_RULE_PROGRAM_PRESSURE);
        if (question->wave_known)
            return proof(question, GATE_RULE_CHALLENGED_WAVE, GATE_RULE_PROGRAM_WAVE);
    }
    if (question->has_room)
        return (struct gate_decision){.verdict = GATE_PASS};
    return (struct gate_decision){GATE_WAIT, GATE_RULE_QUEUED};
}
