#include "egress/config.h"

#include <errno.h>
#include <stdio.h>

_Static_assert((int)CONTRACT_MAX_BYTES_OUT == EGRESS_ACCOUNTS &&
                   (int)CONTRACT_MAX_BYTES_TOGETHER == EGRESS_CHARGES,
               "the checker lets through what the program can count");
_Static_assert(CLASS_COUNT *BY_COUNT <= EGRESS_LISTS, "the table of lists is too small");
_Static_assert(CLASS_FIRST + CONTRACT_MAX_CLASSES <= CLASS_COUNT,
               "a contract may have more classes");

/* A host of which the kernel has no entry has no history: those that have one get theirs before the
 * program is attached. So it may have a whole limit until the process has looked, as far as the
 * newcomers' common account reaches. */
static uint64_t first_of(const struct budget_rule *rule)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < rule->window_count; i++)
        if (rule->window[i].limit < least)
            least = rule->window[i].limit;
    return least;
}

static uint8_t per_of(enum principal_kind kind)
{
    if (kind == PRINCIPAL_PAIR)
        return PER_PAIR;
    return kind == PRINCIPAL_EVERYONE ? PER_EVERYONE : PER_HOST;
}

static bool covers(const struct budget_rule *rule, unsigned class, unsigned by)
{
    if (class == CLASS_INSIDE ||
        (rule->begun != BEGUN_ANY && (rule->begun == BEGUN_OUTSIDE) != (by == BY_OUTSIDE)))
        return false;
    if (rule->class == CONTRACT_CLASS_ANY)
        return true;
    if (rule->class == CONTRACT_CLASS_UNLISTED)
        return class == CLASS_UNLISTED;
    return class == CLASS_FIRST + (unsigned)rule->class;
}

static int account_add(struct egress_config *out, unsigned account, const struct budget_rule *rule,
                       unsigned class_count, struct error *error)
{
    struct egress_settings *s = &out->settings;
    struct egress_rule *r = &s->rule[account];
    r->per = per_of(rule->per);
    r->first = first_of(rule);
    snprintf(r->name, sizeof r->name, "%s", rule->name);
    s->pairs |= r->per == PER_PAIR;
    for (unsigned class = 0; class < CLASS_FIRST + class_count; class ++) {
        for (unsigned by = 0; by < BY_COUNT; by++) {
            struct egress_list *list = &s->applies[class * BY_COUNT + by];
            if (!covers(rule, class, by))
                continue;
            if (list->count == EGRESS_CHARGES)
                return error_set(
                    error, -E2BIG,
                    "budget \"%s\": more than %d budgets of bytes_out apply to the same "
                    "bytes; allowed: up to %d",
                    rule->name, EGRESS_CHARGES, EGRESS_CHARGES);
            list->index[list->count++] = (uint8_t)account;
        }
    }
    return 0;
}

static void prefix_add(struct egress_config *out, const struct prefix *prefix, uint32_t class)
{
    struct class_prefix *p = &out->prefix[out->prefix_count++];
    *p = (struct class_prefix){.class = class};
    p->prefix.bits = prefix->bits;
    memcpy(p->prefix.address, prefix->address, 16);
}

/* What no router passes on (RFC 3927, RFC 4291 2.5.6 and 2.7, RFC 5771 4): it stays on the link. */
static void local_prefixes(struct egress_config *out)
{
    static const struct prefix local[] = {
        {{[10] = 0xff, [11] = 0xff, [12] = 169, [13] = 254}, 112},
        {{[10] = 0xff, [11] = 0xff, [12] = 224}, 120},
        {{[10] = 0xff, [11] = 0xff, [12] = 255, [13] = 255, [14] = 255, [15] = 255}, 128},
        {{[10] = 0xff, [11] = 0xff, [12] = 127}, 104},
        {{0xfe, 0x80}, 10},
        {{0xff, 0x01}, 16},
        {{0xff, 0x02}, 16},
    };
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        prefix_add(out, &local[i], CLASS_INSIDE);
}

uint64_t config_owner(const struct contract *contract)
{
    return hash_checksum(3, contract->state, strlen(contract->state));
}

int config_make(const struct contract *contract, uint8_t link, struct egress_config *out,
                struct error *error)
{
    memset(out, 0, sizeof *out);
    struct egress_settings *s = &out->settings;
    const struct network_rules *network = &contract->network;
    unsigned accounts = 0;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        out->budget[i] = -1;
    for (uint32_t i = 0; i < contract->budget_count; i++) {
        const struct budget_rule *rule = &contract->budget[i];
        if (rule->meter != METER_BYTES_OUT)
            continue;
        if (accounts == EGRESS_ACCOUNTS)
            return error_set(error, -E2BIG, "budget \"%s\": allowed: up to %d budgets of bytes_out",
                             rule->name, EGRESS_ACCOUNTS);
        int code = account_add(out, accounts, rule, network->class_count, error);
        if (code < 0)
            return code;
        out->budget[accounts++] = (int16_t)i;
    }
    local_prefixes(out);
    for (uint32_t i = 0; i < network->inside.count; i++)
        prefix_add(out, &network->inside.prefix[i], CLASS_INSIDE);
    for (uint32_t c = 0; c < network->class_count; c++)
        for (uint32_t i = 0; i < network->class[c].to.count; i++)
            prefix_add(out, &network->class[c].to.prefix[i], CLASS_FIRST + c);
    s->layout = EGRESS_LAYOUT;
    s->owner = config_owner(contract);
    s->link = link;
    s->without_guard = network->without_guard;
    /* Everything above, so that a guard that starts again knows whether the kernel still runs this
     * very contract. */
    s->digest = hash_checksum(hash_checksum(1, s, sizeof *s), out->prefix,
                              out->prefix_count * sizeof out->prefix[0]);
    s->enforced = config_enforced(out, contract, MODE_ENFORCE);
    s->generation = 1;
    return 0;
}

uint32_t config_enforced(const struct egress_config *config, const struct contract *contract,
                         enum mode mode)
{
    uint32_t enforced = 0;
    if (mode == MODE_OBSERVE || contract->mode == MODE_OBSERVE)
        return 0;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (config->budget[i] >= 0 && contract->budget[config->budget[i]].mode == MODE_ENFORCE)
            enforced |= 1u << i;
    return enforced;
}
