#include "contract/fields.h"

const struct field FIELDS[] = {
#define X(scope_, key_, type_, to, need_, fallback_, low_, high_, example_, text_)                 \
    {SCOPE_##scope_,    key_,     TYPE_##type_, to, NEED_##need_, fallback_, (uint64_t)(low_),     \
     (uint64_t)(high_), example_, text_},
    CONTRACT_FIELDS(X)
#undef X
};

const size_t FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS;

struct words {
    const char *const *words, *const *meanings;
};

static const char *const meters[] = {
#define X(constant, name, ...) name,
    METERS(X)
#undef X
        NULL};
static const char *const meter_meanings[] = {
#define X(constant, name, guard, unit, distinct, what) what,
    METERS(X)
#undef X
        NULL};
static const char *const principals[] = {
#define X(constant, name, who) name,
    PRINCIPALS(X)
#undef X
        NULL};
static const char *const principal_meanings[] = {
#define X(constant, name, who) who,
    PRINCIPALS(X)
#undef X
        NULL};
static const char *const modes[] = {"enforce", "observe", NULL};
static const char *const mode_meanings[] = {"verdicts are carried out",
                                            "they are only decided and recorded", NULL};
static const char *const overs[] = {"slow", "challenge", "hold", NULL};
static const char *const over_meanings[] = {
    "requests wait, without occupying a worker", "proof is asked for before the request is served",
    "nothing more for a stated time: reversible, expiring, explained with its numbers", NULL};
static const char *const begun[] = {"inside", "outside", "any", NULL};
static const char *const begun_meanings[] = {
    "by the inside machine", "by the other end: what leaves is an answer", "by either", NULL};
static const char *const attach[] = {"gateway", "host", NULL};
static const char *const attach_meanings[] = {"the inside interface of a gateway",
                                              "the uplink of this host", NULL};
static const char *const statements[] = {"first", NULL};
static const char *const statement_meanings[] = {"the first one of an incident", NULL};
static const char *const cases[] = {"exact", "any", NULL};
static const char *const case_meanings[] = {"as written", "capital or small", NULL};
static const char *const languages[] = {"fr", "nl", "de", "en", NULL};
static const char *const language_meanings[] = {"French", "Dutch", "German", "English", NULL};

static const struct words WORDS[] = {
    [TYPE_METER] = {meters, meter_meanings},
    [TYPE_PRINCIPAL] = {principals, principal_meanings},
    [TYPE_MODE] = {modes, mode_meanings},
    [TYPE_OVER] = {overs, over_meanings},
    [TYPE_BEGUN] = {begun, begun_meanings},
    [TYPE_ATTACH] = {attach, attach_meanings},
    [TYPE_STATEMENT] = {statements, statement_meanings},
    [TYPE_CASE] = {cases, case_meanings},
    [TYPE_LANGUAGES] = {languages, language_meanings},
};

static struct words words_of(enum field_type type)
{
    return (size_t)type < sizeof WORDS / sizeof *WORDS ? WORDS[type] : (struct words){NULL, NULL};
}

const char *const *type_words(enum field_type type)
{
    return words_of(type).words;
}

const char *const *type_meanings(enum field_type type)
{
    return words_of(type).meanings;
}

static const struct {
    const char *path;
    size_t size;
} SCOPES[] = {
    [SCOPE_CONTRACT] = {"", sizeof(struct contract)},
    [SCOPE_ORGANISATION] = {"organisation", sizeof(struct contract)},
    [SCOPE_TRACKING] = {"tracking", sizeof(struct tracking_rules)},
    [SCOPE_SOURCE] = {"tracking.sources[]", sizeof(struct source_rule)},
    [SCOPE_NETWORK] = {"network", sizeof(struct network_rules)},
    [SCOPE_FILES] = {"files", sizeof(struct contract)},
    [SCOPE_FILE_SHARE] = {"files.shares[]", sizeof(struct share_rule)},
    [SCOPE_TRUSTED] = {"files.trusted[]", sizeof(struct trusted_rule)},
    [SCOPE_VAULT] = {"files.vault", sizeof(struct vault_rules)},
    [SCOPE_PROTECTED] = {"protected[]", sizeof(struct protected_rule)},
    [SCOPE_ROUTE] = {"routes[]", sizeof(struct route_rule)},
    [SCOPE_KEEP] = {"keep", sizeof(struct keep_rules)},
    [SCOPE_AUDIT] = {"audit", sizeof(struct audit_rules)},
    [SCOPE_WITNESS] = {"audit.witnesses[]", sizeof(struct witness_rule)},
    [SCOPE_DESK] = {"desk", sizeof(struct desk_rules)},
    [SCOPE_OUTPUTS] = {"outputs", sizeof(struct output_rules)},
    [SCOPE_PASSES] = {"passes", sizeof(struct pass_rules)},
    [SCOPE_PROMISE] = {"promises[]", sizeof(struct promise_rule)},
    [SCOPE_BUDGET] = {"budgets[]", sizeof(struct budget_rule)},
    [SCOPE_WHERE] = {"budgets[].where", sizeof(struct budget_rule)},
};

const char *scope_path(enum field_scope scope)
{
    must((unsigned)scope < SCOPE_COUNT);
    return SCOPES[scope].path;
}

size_t scope_size(enum field_scope scope)
{
    must((unsigned)scope < SCOPE_COUNT);
    return SCOPES[scope].size;
}
