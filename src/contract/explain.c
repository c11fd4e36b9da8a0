#include "contract/explain.h"

#include "contract/explain_words.h"
#include "contract/value.h"

#include <inttypes.h>

enum { LONGEST_WAIT_SECONDS = 11 }; /* LONGEST_WAIT of src/front/admit.c */

static void heading(const struct speech *s, const char *english, const char *french)
{
    fprintf(s->out, "\n%s\n", say(s, english, french));
}

/* ", " between, "and" before the last. */
static const char *between(const struct speech *s, uint32_t i, uint32_t count)
{
    return !i ? "" : i + 1 == count ? say(s, " and ", " et ") : ", ";
}

static void explain_whole(const struct speech *s)
{
    const struct contract *c = s->contract;
    if (c->organisation[0])
        fprintf(s->out, "%s\n", c->organisation);
    fputs(c->mode == MODE_ENFORCE
              ? say(s, "This contract is enforced: what is over a budget is acted upon at once.\n",
                    "Ce contrat est appliqué\u00a0: tout dépassement d'un budget a aussitôt sa "
                    "conséquence.\n")
              : say(s,
                    "This contract is only observed: everything is decided and recorded, and "
                    "nothing is changed.\n",
                    "Ce contrat est seulement observé\u00a0: tout est décidé et consigné, rien "
                    "n'est modifié.\n"),
          s->out);
}

static void explain_tracking(const struct speech *s)
{
    const struct tracking_rules *t = &s->contract->tracking;
    if (!t->present)
        return;
    char words[WORDS_SIZE], text[VALUE_TEXT_SIZE];
    heading(s, "Tracking", "Suivi");
    fputs(say(s, "- Parcel numbers that can exist: ",
              "- Numéros de colis qui peuvent exister\u00a0: "),
          s->out);
    for (uint32_t i = 0; i < t->format_count; i++)
        fprintf(s->out, "%s%s", between(s, i, t->format_count),
                format_words(s, &t->format[i], text));
    fprintf(s->out,
            say(s, ". Anything else is refused at once.\n- An answer older than %s says so.\n",
                ". Tout autre numéro est refusé d'emblée.\n- Une réponse datant de plus de %s le "
                "dit.\n"),
            duration_words(s, t->stale_after, words));
    fprintf(s->out,
            say(s, "- A parcel's history is kept for %s after its last event.\n",
                "- L'historique d'un colis est conservé %s après son dernier événement.\n"),
            duration_words(s, s->contract->keep.tracking, words));
    if (!t->source_count)
        return;
    fputs(say(s, "- Events are believed from these feeds only: ",
              "- Seuls ces flux d'événements sont crus\u00a0: "),
          s->out);
    for (uint32_t i = 0; i < t->source_count; i++)
        fprintf(s->out, "%s%s", between(s, i, t->source_count), t->source[i].name);
    fputs(".\n", s->out);
}

static void explain_protected(const struct speech *s)
{
    const struct contract *c = s->contract;
    if (!c->protected_count)
        return;
    heading(s, "Who is protected", "Qui est protégé");
    for (uint32_t i = 0; i < c->protected_count; i++) {
        const struct protected_rule *p = &c->protected[i];
        fprintf(s->out, "- %s (", p->name);
        for (uint32_t j = 0; j < p->from.count; j++) {
            char text[VALUE_TEXT_SIZE];
            fprintf(s->out, "%s%s", between(s, j, p->from.count),
                    value_prefix_text(&p->from.prefix[j], text));
        }
        fputs(say(s, "): never held for the sake of continuity.\n",
                  ")\u00a0: jamais retenus au nom de la continuité.\n"),
              s->out);
    }
    if (!c->network.present && !c->share_count)
        return;
    fputs(say(s, "  What leaves or is destroyed stays limited for them too.\n",
              "  Ce qui sort ou est détruit reste limité pour eux aussi.\n"),
          s->out);
}

static void explain_promises(const struct speech *s)
{
    const struct contract *c = s->contract;
    if (!c->promise_count)
        return;
    heading(s, "What must keep working", "Ce qui doit continuer de fonctionner");
    for (uint32_t i = 0; i < c->promise_count; i++) {
        const struct promise_rule *p = &c->promise[i];
        char within[WORDS_SIZE], over[WORDS_SIZE], share[WORDS_SIZE];
        char route[2 * CONTRACT_NAME_SIZE];
        duration_words(s, p->within, within);
        if (p->statement)
            fprintf(s->out,
                    say(s,
                        "- %s: the first public statement follows within %s of the start of an "
                        "incident. (Not measured in this release.)\n",
                        "- %s\u00a0: la première déclaration publique suit le début d'un incident "
                        "de %s au plus. (Pas mesuré dans cette version.)\n"),
                    p->name, within);
        else
            fprintf(s->out,
                    say(s, "- %s: %s of the answers on %s are given within %s, measured over %s.\n",
                        "- %s\u00a0: %s des réponses sur %s sont données en %s, mesure "
                        "faite sur %s.\n"),
                    p->name, share_words(s, p->success, share), route_words(s, p->route, route),
                    within, duration_words(s, p->over, over));
    }
}

static void explain_where(const struct speech *s, const struct budget_rule *b)
{
    const struct contract *c = s->contract;
    char route[2 * CONTRACT_NAME_SIZE];
    if (b->route >= 0)
        fprintf(s->out, say(s, ", on %s", ", sur %s"), route_words(s, b->route, route));
    if (b->share >= 0)
        fprintf(s->out, say(s, ", on the share %s", ", sur le partage %s"),
                c->share[b->share].name);
    if (b->trusted >= 0)
        fprintf(s->out, say(s, ", by the trusted program %s", ", par le programme de confiance %s"),
                c->trusted[b->trusted].name);
    if (b->meter != METER_BYTES_OUT)
        return;
    static const char *const begun[][2] = {
        [BEGUN_INSIDE] = {"on connections begun inside",
                          "sur des connexions ouvertes de l'intérieur"},
        [BEGUN_OUTSIDE] = {"on connections begun outside",
                           "sur des connexions ouvertes de l'extérieur"},
        [BEGUN_ANY] = {"whoever began the connection", "quel que soit l'auteur de la connexion"},
    };
    fprintf(s->out, say(s, ", to %s, %s", ", vers %s, %s"), class_words(s, b->class),
            begun[b->begun][s->french]);
}

static void explain_consequence(const struct speech *s, const struct budget_rule *b)
{
    char length[WORDS_SIZE];
    duration_words(s, b->hold_for, length);
    if (b->over == OVER_HOLD && b->per == PRINCIPAL_EVERYONE && b->meter == METER_BYTES_OUT) {
        fprintf(s->out,
                say(s,
                    "Over that, nothing more leaves until the window lets go, and the largest "
                    "contributors are held for %s.",
                    "Au-delà, plus rien ne sort jusqu'à ce que la fenêtre se libère, et les plus "
                    "gros contributeurs sont retenus pendant %s."),
                length);
    } else if (b->over == OVER_HOLD && b->per == PRINCIPAL_EVERYONE) {
        fprintf(s->out,
                say(s, "Over that, the largest contributors are held for %s, until the rest fits.",
                    "Au-delà, les plus gros contributeurs sont retenus pendant %s, jusqu'à ce que "
                    "le reste tienne dans la limite."),
                length);
    } else if (b->over == OVER_HOLD) {
        fputs(say(s, "Over that, ", "Au-delà, "), s->out);
        fprintf(s->out, hold_words(s, b->meter), length);
        fputs(say(s, "; everything else goes on.", "\u00a0; tout le reste continue."), s->out);
    } else {
        if (b->over == OVER_CHALLENGE && b->meter != METER_PARCELS_READ)
            fputs(say(s,
                      "Over that, whoever has not shown a light proof yet is asked for one, and a "
                      "program is told to come back later; of who has shown one, ",
                      "Au-delà, une preuve légère est demandée à qui n'en a pas encore montré, et "
                      "un programme est prié de revenir plus tard\u00a0; de qui en a montré une, "),
                  s->out);
        else
            fputs(say(s, "Over that, ", "Au-delà, "), s->out);
        fprintf(s->out,
                say(s, "requests wait up to %d seconds, then are refused.",
                    "les requêtes attendent jusqu'à %d\u00a0secondes, puis sont refusées."),
                LONGEST_WAIT_SECONDS);
    }
    if (b->mode == MODE_OBSERVE)
        fputs(say(s, " This budget is only observed: nothing happens yet.",
                  " Ce budget est seulement observé\u00a0: rien ne se produit encore."),
              s->out);
    if (!rule_is_enforced(b))
        fputs(say(s, " (Not enforced in this release.)", " (Pas appliqué dans cette version.)"),
              s->out);
}

/* Strangers on lookups are charged twice (src/front/lookup.c). */
static void explain_half(const struct speech *s, const struct budget_rule *b)
{
    if (b->meter == METER_ORIGIN_REQUESTS &&
        (b->per == PRINCIPAL_NETWORK || b->per == PRINCIPAL_EVERYONE))
        fputs(
            say(s,
                "  On lookups of parcels that the store does not have, and only there, half of it "
                "is kept for known customers: those who have shown a proof, a key or a lane's "
                "certificate.\n",
                "  Pour les recherches de colis que le magasin n'a pas, et elles seules, la moitié "
                "en est gardée aux clients connus\u00a0: ceux qui ont montré une preuve, une clé "
                "ou le certificat d'une voie réservée.\n"),
            s->out);
}

static bool has_rate_cell(const struct budget_rule *b)
{
    return b->meter == METER_REQUESTS && b->window[0].span <= NANOS_MINUTE;
}

static void explain_budget(const struct speech *s, const struct budget_rule *b)
{
    fprintf(s->out, say(s, "- %s: %s at most ", "- %s\u00a0: %s, au plus "), b->name,
            principal_words(s, b->per));
    for (uint32_t i = 0; i < b->window_count; i++) {
        char amount[WORDS_SIZE], span[WORDS_SIZE];
        fprintf(s->out, "%s%s", between(s, i, b->window_count),
                amount_words(s, b->meter, b->window[i].limit, amount));
        if (!i)
            fprintf(s->out, " %s", meter_words(s, b->meter, b->window[i].limit));
        fprintf(s->out, say(s, " in %s", " en %s"), duration_words(s, b->window[i].span, span));
    }
    explain_where(s, b);
    fputs(". ", s->out);
    explain_consequence(s, b);
    fputc('\n', s->out);
    explain_half(s, b);
    if (has_rate_cell(b))
        fputs(say(s,
                  "  In windows of up to one minute, up to twice the limit may pass at an unlucky "
                  "moment.\n",
                  "  Sur une minute ou moins, jusqu'au double de la limite peut passer à un moment "
                  "malchanceux.\n"),
              s->out);
}

static bool has_breaker(const struct budget_rule *b)
{
    return b->over == OVER_HOLD && meter_is_continuity(b->meter);
}

static void explain_breakers(const struct speech *s)
{
    const struct contract *c = s->contract;
    for (uint32_t i = 0; i < c->budget_count; i++) {
        char share[WORDS_SIZE];
        if (has_breaker(&c->budget[i]))
            fprintf(
                s->out,
                say(s,
                    "- If %s would hold more than %s of those in good standing yesterday, it "
                    "stops only who is "
                    "four times over a limit, with an alarm.\n",
                    "- Si %s devait retenir plus de %s de ceux qui étaient en règle la veille, "
                    "ce budget "
                    "n'arrêterait plus que qui dépasse quatre fois une limite, avec une alarme.\n"),
                c->budget[i].name, share_words(s, c->budget[i].breaker, share));
    }
}

static void name_one(FILE *out, const char *name, bool *any)
{
    fprintf(out, "%s%s", *any ? ", " : "", name);
    *any = true;
}

void contract_explain_routes(const struct contract *c, enum language language, FILE *out)
{
    struct speech s = {c, out, language == LANGUAGE_FR};
    for (int route = 0; route < (int)c->route_count; route++) {
        bool used = false, any = false;
        for (uint32_t i = 0; i < c->promise_count; i++)
            used = used || c->promise[i].route == route;
        for (uint32_t i = 0; i < c->budget_count; i++)
            used = used || c->budget[i].route == route;
        if (!used || c->route[route].path[0])
            continue;
        fprintf(out,
                say(&s,
                    "- the route %s has no `match`: on it is only what nginx's configuration says "
                    "is (`ecluse_route %s;`). Without that, nothing is counted for ",
                    "- la route %s n'a pas de `match`\u00a0: n'en est que ce que la configuration "
                    "de nginx y met (`ecluse_route %s;`). Sans cela, rien n'est compté pour "),
                c->route[route].name, c->route[route].name);
        for (uint32_t i = 0; i < c->promise_count; i++)
            if (c->promise[i].route == route)
                name_one(out, c->promise[i].name, &any);
        for (uint32_t i = 0; i < c->budget_count; i++)
            if (c->budget[i].route == route)
                name_one(out, c->budget[i].name, &any);
        fputs(".\n", out);
    }
}

void contract_explain(const struct contract *c, enum language language, FILE *out)
{
    struct speech s = {c, out, language == LANGUAGE_FR};
    explain_whole(&s);
    explain_tracking(&s);
    explain_promises(&s);
    explain_protected(&s);
    if (c->budget_count)
        heading(&s, "What may be spent or lost at most",
                "Ce qui peut être dépensé ou perdu au plus");
    for (uint32_t i = 0; i < c->budget_count; i++)
        explain_budget(&s, &c->budget[i]);
    explain_breakers(&s);
    contract_explain_routes(c, language, out);
    heading(&s, "The largest loss that this contract allows",
            "La plus grande perte que ce contrat permet");
    contract_explain_loss(c, language, out);
}
