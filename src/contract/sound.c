#include "contract/sound.h"

static bool ends(const char *string, size_t size)
{
    return memchr(string, 0, size) != NULL;
}

#define ENDS(array) ends((array), sizeof(array))

/* A bool that holds neither 0 nor 1 may not even be read as one. */
static bool is_truth(const bool *value)
{
    uint8_t byte;
    memcpy(&byte, value, 1);
    return byte <= 1;
}

static bool prefixes_are_sound(const struct prefix_list *list)
{
    if (list->count > CONTRACT_MAX_PREFIXES)
        return false;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->prefix[i].bits > 128)
            return false;
    return true;
}

static bool index_is_sound(int16_t index, uint32_t count)
{
    return index >= -1 && index < (int32_t)count;
}

static bool budget_is_sound(const struct contract *c, const struct budget_rule *b)
{
    if (!ENDS(b->name) || (unsigned)b->meter >= METER_COUNT ||
        (unsigned)b->per >= PRINCIPAL_KIND_COUNT || (unsigned)b->over > OVER_HOLD ||
        (unsigned)b->mode > MODE_OBSERVE || (unsigned)b->begun > BEGUN_ANY)
        return false;
    if (!index_is_sound(b->route, c->route_count) || !index_is_sound(b->share, c->share_count) ||
        !index_is_sound(b->trusted, c->trusted_count))
        return false;
    if (b->class != CONTRACT_CLASS_UNLISTED && !index_is_sound(b->class, c->network.class_count))
        return false;
    if (!b->window_count || b->window_count > CONTRACT_MAX_WINDOWS || b->hold_for < 0)
        return false;
    for (uint32_t i = 0; i < b->window_count; i++)
        if (b->window[i].span < NANOS_SECOND || (i && b->window[i].span <= b->window[i - 1].span))
            return false;
    return true;
}

static bool tracking_is_sound(const struct tracking_rules *t)
{
    if (!is_truth(&t->present) || t->format_count > CONTRACT_MAX_FORMATS ||
        t->source_count > CONTRACT_MAX_SOURCES)
        return false;
    for (uint32_t i = 0; i < t->format_count; i++)
        if ((unsigned)t->format[i].kind > FORMAT_ALNUM ||
            t->format[i].shortest > t->format[i].longest)
            return false;
    for (uint32_t i = 0; i < t->source_count; i++)
        if (!ENDS(t->source[i].name) || t->source[i].silent_after < 0)
            return false;
    return t->stale_after >= 0 && t->ahead >= 0 && t->before >= 0;
}

static bool network_is_sound(const struct network_rules *n)
{
    if (!is_truth(&n->present) || !is_truth(&n->attach_host) || !ENDS(n->interface) ||
        !prefixes_are_sound(&n->inside) || n->class_count > CONTRACT_MAX_CLASSES)
        return false;
    for (uint32_t i = 0; i < n->class_count; i++)
        if (!ENDS(n->class[i].name) || !prefixes_are_sound(&n->class[i].to))
            return false;
    return true;
}

static bool lists_are_sound(const struct contract *c)
{
    if (c->share_count > CONTRACT_MAX_SHARES || c->protected_count > CONTRACT_MAX_PROTECTED ||
        c->route_count > CONTRACT_MAX_ROUTES || c->trusted_count > CONTRACT_MAX_TRUSTED)
        return false;
    for (uint32_t i = 0; i < c->trusted_count; i++)
        if (!ENDS(c->trusted[i].name) || !ENDS(c->trusted[i].executable) ||
            !ENDS(c->trusted[i].user))
            return false;
    for (uint32_t i = 0; i < c->share_count; i++)
        if (!ENDS(c->share[i].name) || !ENDS(c->share[i].path))
            return false;
    for (uint32_t i = 0; i < c->protected_count; i++)
        if (!ENDS(c->protected[i].name) || !prefixes_are_sound(&c->protected[i].from))
            return false;
    for (uint32_t i = 0; i < c->route_count; i++) {
        const struct route_rule *r = &c->route[i];
        if (!ENDS(r->name) || !ENDS(r->method) || !ENDS(r->path) ||
            (unsigned)r->match > MATCH_PREFIX || !is_truth(&r->builtin) || !is_truth(&r->any_case))
            return false;
    }
    return true;
}

static bool promises_are_sound(const struct contract *c)
{
    if (c->promise_count > CONTRACT_MAX_PROMISES)
        return false;
    for (uint32_t i = 0; i < c->promise_count; i++) {
        const struct promise_rule *p = &c->promise[i];
        if (!ENDS(p->name) || !index_is_sound(p->route, c->route_count) || p->success > 1000000 ||
            p->within <= 0 || p->over < 0 || !is_truth(&p->statement))
            return false;
    }
    return true;
}

static bool outputs_are_sound(const struct contract *c)
{
    const struct output_rules *o = &c->outputs;
    if (!ENDS(c->audit.origin) || c->audit.witness_count > CONTRACT_MAX_WITNESSES)
        return false;
    for (uint32_t i = 0; i < c->audit.witness_count; i++) {
        const struct witness_rule *w = &c->audit.witness[i];
        if (!ENDS(w->name) || !ENDS(w->url) || !ENDS(w->key))
            return false;
    }
    return is_truth(&c->desk.present) && ENDS(c->desk.listen) && ENDS(c->desk.address) &&
           ENDS(o->metrics) && ENDS(o->events) && ENDS(o->syslog) && ENDS(o->webhook) &&
           ENDS(o->mail) && ENDS(o->heartbeat) && o->heartbeat_every > 0 &&
           ENDS(c->passes.keys) && c->passes.rotate >= NANOS_DAY;
}

bool contract_is_sound(const struct contract *c)
{
    if (!ENDS(c->organisation) || !ENDS(c->state) || !ENDS(c->runtime) ||
        (unsigned)c->mode > MODE_OBSERVE || (unsigned)c->first_language >= LANGUAGE_COUNT ||
        !c->languages || c->languages >> LANGUAGE_COUNT)
        return false;
    if (!tracking_is_sound(&c->tracking) || !network_is_sound(&c->network) || !lists_are_sound(c) ||
        !promises_are_sound(c) || !prefixes_are_sound(&c->trusted_proxies))
        return false;
    if (c->budget_count > CONTRACT_MAX_BUDGETS)
        return false;
    for (uint32_t i = 0; i < c->budget_count; i++)
        if (!budget_is_sound(c, &c->budget[i]))
            return false;
    return outputs_are_sound(c) && c->keep.tracking > 0 && c->keep.holds > 0 &&
           c->keep.audit_names > 0;
}
