#include "contract/explain.h"

#include "contract/value.h"

#include <inttypes.h>

void contract_explain(const struct contract *c, enum language language, FILE *out)
{
    for (uint32_t i = 0; i < c->budget_count; i++)
        fprintf(out, "%s: %s, %s %s\n", c->budget[i].name, meter_name(c->budget[i].meter),
                language == LANGUAGE_FR ? "par" : "per", principal_name(c->budget[i].per));
    contract_explain_loss(c, language, out);
}

void contract_explain_loss(const struct contract *c, enum language language, FILE *out)
{
    (void)language;
    for (uint32_t i = 0; i < c->budget_count; i++)
        for (uint32_t w = 0; w < c->budget[i].window_count; w++)
            fprintf(out, "%s: %" PRIu64 "\n", c->budget[i].name, c->budget[i].window[w].limit);
}
