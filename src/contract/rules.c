#include "contract/check.h"

const struct rule_text RULE_TEXTS[] = {
#define X(rule, what, why) {what, why},
    RULES(X)
#undef X
};

const size_t RULE_COUNT = sizeof RULE_TEXTS / sizeof *RULE_TEXTS;
