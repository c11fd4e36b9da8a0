/* The largest loss: what could leave or be destroyed if everything that is allowed were taken.
 *
 * A window of span S and limit L admits at most L in any S, so at most L x ceil(H / S) in a time H.
 * All windows of all budgets hold at once: the least of these is the bound. Budgets that observe
 * bound nothing. Over a limit of files that everyone shares, the largest contributors are held and
 * what they took is taken off the count, at most one limit in any window (budget/crowd.c):
 * twice the limit may be lost. Bytes are not taken off (egress/egress.h): there the limit is the
 * limit. */
#include "contract/explain.h"
#include "contract/explain_words.h"

#define UNBOUNDED UINT64_MAX

enum { HORIZONS = 2 };
static const nanos_t HORIZON[HORIZONS] = {NANOS_DAY, 30 * NANOS_DAY};

struct loss {
    uint64_t in[HORIZONS];
};

static const struct loss NO_BOUND = {{UNBOUNDED, UNBOUNDED}};

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return a == UNBOUNDED || __builtin_mul_overflow(a, b, &product) ? UNBOUNDED : product;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UNBOUNDED : sum;
}

static void tighten(struct loss *loss, const struct budget_rule *b)
{
    for (size_t h = 0; h < HORIZONS; h++)
        for (uint32_t w = 0; w < b->window_count; w++) {
            uint64_t windows = (uint64_t)((HORIZON[h] + b->window[w].span - 1) / b->window[w].span);
            bool doubled = b->per == PRINCIPAL_EVERYONE && b->meter != METER_BYTES_OUT;
            uint64_t bound = times(times(b->window[w].limit, doubled ? 2 : 1), windows);
            if (bound < loss->in[h])
                loss->in[h] = bound;
        }
}

static bool bounds(const struct contract *c, const struct budget_rule *b, enum meter meter,
                   enum principal_kind per)
{
    return b->meter == meter && b->per == per && b->over == OVER_HOLD && b->mode == MODE_ENFORCE &&
           c->mode == MODE_ENFORCE;
}

/* What budgets that cover this class, or (CONTRACT_CLASS_ANY) all of them at once, leave to a
 * principal of this kind. */
static struct loss bytes_to(const struct contract *c, int class, enum principal_kind per,
                            enum begun begun)
{
    struct loss loss = NO_BOUND;
    for (uint32_t i = 0; i < c->budget_count; i++) {
        const struct budget_rule *b = &c->budget[i];
        bool here = b->class == CONTRACT_CLASS_ANY || b->class == class;
        if (bounds(c, b, METER_BYTES_OUT, per) && here &&
            (b->begun == begun || b->begun == BEGUN_ANY))
            tighten(&loss, b);
    }
    return loss;
}

static bool is_bounded(struct loss loss)
{
    return loss.in[0] != UNBOUNDED || loss.in[1] != UNBOUNDED;
}

static const char *pair_of_sizes(const struct speech *s, struct loss loss, char out[3 * WORDS_SIZE])
{
    char day[WORDS_SIZE], month[WORDS_SIZE];
    const char *none = say(s, "without limit", "sans limite");
    snprintf(out, 3 * WORDS_SIZE,
             say(s, "%s in a day, %s in 30 days", "%s par jour, %s en 30 jours"),
             loss.in[0] == UNBOUNDED ? none : size_words(s, loss.in[0], day),
             loss.in[1] == UNBOUNDED ? none : size_words(s, loss.in[1], month));
    return out;
}

struct sums {
    struct loss together,
        each; /* classes bounded for everyone; and those that are bounded for each machine only */
    bool any_together, any_each, open;
};

static void add(struct loss *sum, struct loss loss)
{
    for (size_t h = 0; h < HORIZONS; h++)
        sum->in[h] = plus(sum->in[h], loss.in[h]);
}

static void lose_to_class(const struct speech *s, int class, struct sums *sums)
{
    struct loss all = bytes_to(s->contract, class, PRINCIPAL_EVERYONE, BEGUN_INSIDE);
    struct loss each = bytes_to(s->contract, class, PRINCIPAL_HOST, BEGUN_INSIDE);
    char text[3 * WORDS_SIZE];
    fprintf(s->out, say(s, "- to %s: ", "- vers %s\u00a0: "), class_words(s, class));
    if (is_bounded(all)) {
        fprintf(s->out, say(s, "%s, all machines together", "%s, toutes machines ensemble"),
                pair_of_sizes(s, all, text));
        add(&sums->together, all);
        sums->any_together = true;
    }
    if (is_bounded(each)) {
        fprintf(s->out, say(s, "%s%s for each machine", "%s%s pour chaque machine"),
                is_bounded(all) ? say(s, "; ", "\u00a0; ") : "", pair_of_sizes(s, each, text));
        if (!is_bounded(all)) {
            fputs(say(s, ", however many there are", ", quel que soit leur nombre"), s->out);
            add(&sums->each, each);
            sums->any_each = true;
        }
    }
    if (!is_bounded(all) && !is_bounded(each)) {
        fputs(say(s, "without limit", "sans limite"), s->out);
        sums->open = true;
    }
    fputs(".\n", s->out);
}

static void lose_in_all(const struct speech *s, const struct sums *sums)
{
    const struct contract *c = s->contract;
    struct loss whole = sums->together;
    char text[3 * WORDS_SIZE], each[3 * WORDS_SIZE];
    fputs(say(s, "- in all: ", "- au total\u00a0: "), s->out);
    /* A budget for everyone to all destinations bounds what leaves, whatever the classes say by
     * themselves. */
    struct loss over_all = bytes_to(c, CONTRACT_CLASS_ANY, PRINCIPAL_EVERYONE, BEGUN_INSIDE);
    for (size_t h = 0; h < HORIZONS; h++)
        if (over_all.in[h] < whole.in[h] || sums->any_each || sums->open)
            whole.in[h] = is_bounded(over_all) ? over_all.in[h] : whole.in[h];
    if (sums->open && !is_bounded(over_all))
        fputs(say(s, "without limit", "sans limite"), s->out);
    else if (sums->any_each && !is_bounded(over_all) && !sums->any_together)
        fprintf(s->out,
                say(s, "%s for each machine, however many there are",
                    "%s pour chaque machine, quel que soit leur nombre"),
                pair_of_sizes(s, sums->each, each));
    else if (sums->any_each && !is_bounded(over_all))
        fprintf(
            s->out,
            say(s, "%s, and for each machine another %s", "%s, et pour chaque machine encore %s"),
            pair_of_sizes(s, whole, text), pair_of_sizes(s, sums->each, each));
    else
        fputs(pair_of_sizes(s, whole, text), s->out);
    fputs(".\n", s->out);
}

/* Answers to connections begun outside are the service itself, and no budget needs to limit them:
 * it is said. */
static void lose_by_answers(const struct speech *s)
{
    const struct contract *c = s->contract;
    const char *separator = "";
    for (int class = -1; class < (int)c->network.class_count; class ++) {
        int here = class < 0 ? CONTRACT_CLASS_UNLISTED : class;
        if (is_bounded(bytes_to(c, here, PRINCIPAL_EVERYONE, BEGUN_OUTSIDE)) ||
            is_bounded(bytes_to(c, here, PRINCIPAL_HOST, BEGUN_OUTSIDE)))
            continue;
        if (!*separator)
            fputs(say(s, "- not limited: what answers connections begun outside, to ",
                      "- sans limite\u00a0: ce qui répond à des connexions ouvertes de "
                      "l'extérieur, vers "),
                  s->out);
        fprintf(s->out, "%s%s", separator, class_words(s, here));
        separator = ", ";
    }
    if (*separator)
        fputs(".\n", s->out);
}

static void lose_bytes(const struct speech *s)
{
    const struct network_rules *network = &s->contract->network;
    if (!network->present) {
        fputs(say(s,
                  "- Data that leaves over the network: not limited (this contract has no "
                  "`network`).\n",
                  "- Données qui sortent par le réseau\u00a0: sans limite (ce contrat n'a pas de "
                  "section «\u00a0network\u00a0»).\n"),
              s->out);
        return;
    }
    struct sums sums = {0};
    for (uint32_t i = 0; i < network->class_count; i++)
        lose_to_class(s, (int)i, &sums);
    lose_to_class(s, CONTRACT_CLASS_UNLISTED, &sums);
    lose_in_all(s, &sums);
    lose_by_answers(s);
    char rate[WORDS_SIZE], day[WORDS_SIZE];
    fprintf(s->out,
            say(s,
                "- while the guard of the network is down: %s a second, %s a day, all together.\n",
                "- tant que la garde du réseau est arrêtée\u00a0: %s par seconde, %s par jour, au "
                "total.\n"),
            size_words(s, network->without_guard, rate),
            size_words(s, times(network->without_guard, 86400), day));
}

/* What budgets of one kind leave on a share, to those who are not trusted (-1) or to one who is. */
static struct loss files_of(const struct contract *c, uint32_t share, enum meter meter,
                            enum principal_kind kind, int trusted)
{
    struct loss loss = NO_BOUND;
    for (uint32_t i = 0; i < c->budget_count; i++)
        if (bounds(c, &c->budget[i], meter, kind) && c->budget[i].trusted == trusted &&
            (c->budget[i].share < 0 || c->budget[i].share == (int)share))
            tighten(&loss, &c->budget[i]);
    return loss;
}

/* Files of one share: the bound for each kind of principal that has one. */
static void lose_files(const struct speech *s, uint32_t share, enum meter meter, int trusted)
{
    static const enum principal_kind kinds[] = {PRINCIPAL_EVERYONE, PRINCIPAL_SHARE, PRINCIPAL_USER,
                                                PRINCIPAL_PROCESS};
    const struct contract *c = s->contract;
    const char *separator = "";
    fprintf(s->out, say(s, "- %s on the share %s", "- %s sur le partage %s"),
            meter_words(s, meter, 2), c->share[share].name);
    if (trusted >= 0)
        fprintf(s->out, say(s, ", by the trusted program %s", ", par le programme de confiance %s"),
                c->trusted[trusted].name);
    fputs(say(s, ": ", "\u00a0: "), s->out);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        struct loss loss = files_of(c, share, meter, kinds[kind], trusted);
        if (!is_bounded(loss))
            continue;
        char day[WORDS_SIZE], month[WORDS_SIZE];
        fprintf(s->out,
                say(s, "%s%s in a day, %s in 30 days %s", "%s%s par jour, %s en 30 jours %s"),
                separator, amount_words(s, meter, loss.in[0], day),
                amount_words(s, meter, loss.in[1], month), principal_words(s, kinds[kind]));
        separator = say(s, "; ", "\u00a0; ");
    }
    fprintf(s->out, "%s.\n", *separator ? "" : say(s, "without limit", "sans limite"));
}

/* A figure above the one in the contract needs its reason beside it. */
static void lose_together(const struct speech *s)
{
    const struct contract *c = s->contract;
    for (uint32_t i = 0; i < c->budget_count; i++) {
        const struct budget_rule *b = &c->budget[i];
        if (!bounds(c, b, METER_FILES_READ, PRINCIPAL_EVERYONE) &&
            !bounds(c, b, METER_FILES_REWRITTEN, PRINCIPAL_EVERYONE))
            continue;
        fputs(
            say(s,
                "- what a limit of files for all together lets pass is counted twice here: those "
                "who took most are held, and the others may go on until as much again was "
                "taken.\n",
                "- ce que laisse passer une limite de fichiers commune à tous est compté ici deux "
                "fois\u00a0: ceux qui ont le plus pris sont retenus, et les autres peuvent "
                "continuer jusqu'à ce qu'il en soit pris encore autant.\n"),
            s->out);
        return;
    }
}

/* Every budget that nothing counts yet, by name. */
static void list_unguarded(const struct speech *s)
{
    const struct contract *c = s->contract;
    for (uint32_t i = 0; i < c->budget_count; i++) {
        const struct budget_rule *b = &c->budget[i];
        if (!rule_is_enforced(b))
            fprintf(s->out,
                    say(s, "- %s: not enforced in this release (%s%s).\n",
                        "- %s\u00a0: pas appliqué dans cette version (%s%s).\n"),
                    b->name, meter_is_enforced(b->meter) ? "per: " : "",
                    meter_is_enforced(b->meter) ? principal_name(b->per)
                                                : meter_name(b->meter));
    }
}

void contract_explain_loss(const struct contract *c, enum language language, FILE *out)
{
    struct speech s = {c, out, language == LANGUAGE_FR};
    if (c->mode == MODE_OBSERVE)
        fputs(say(&s, "- everything: this contract only observes, so that nothing is limited.\n",
                  "- tout\u00a0: ce contrat ne fait qu'observer, rien n'est donc limité.\n"),
              out);
    lose_bytes(&s);
    for (uint32_t i = 0; i < c->share_count; i++) {
        for (int trusted = -1; trusted < (int)c->trusted_count; trusted++) {
            lose_files(&s, i, METER_FILES_READ, trusted);
            lose_files(&s, i, METER_FILES_REWRITTEN, trusted);
        }
    }
    lose_together(&s);
    list_unguarded(&s);
}
