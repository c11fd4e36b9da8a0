#include "desk/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *word(int language, enum word word)
{
    static const char *const words[WORD_COUNT][SAY_COUNT] = {
#define X(constant, english, french) {english, french},
        WORDS(X)
#undef X
    };
    must(word < WORD_COUNT);
    return words[word][language == SAY_FR ? SAY_FR : SAY_EN];
}

const char *language_tag(int language)
{
    return language == SAY_FR ? "fr" : "en";
}

const char *act_word(int language, enum act_kind kind)
{
    static const char *const french[ACT_KIND_COUNT] = {
        [ACT_STARTED] = "Ecluse a démarré",
        [ACT_STOPPED] = "Ecluse s’est arrêté dans l’ordre",
        [ACT_GUARD_UP] = "un gardien a pris son service",
        [ACT_GUARD_DOWN] = "un gardien est tombé",
        [ACT_CONTRACT] = "un contrat est entré en vigueur",
        [ACT_CONTRACT_REFUSED] = "un contrat a été refusé",
        [ACT_HOLD] = "quelqu’un a été retenu",
        [ACT_HOLDS] = "plusieurs ont été retenus par un même budget",
        [ACT_EXPIRY] = "une retenue a pris fin",
        [ACT_EXPIRIES] = "plusieurs retenues ont pris fin",
        [ACT_RELEASE] = "une retenue a été annulée",
        [ACT_BREAKER] = "un budget aurait retenu trop de monde : il observe",
        [ACT_PANIC] = "tout est passé en observation",
        [ACT_PANIC_OFF] = "les modes du contrat sont de nouveau en vigueur",
        [ACT_WAVE] = "une vague de requêtes a pris fin",
        [ACT_INGEST] = "un flux a été reçu",
        [ACT_CLOCK_JUMP] = "l’horloge a sauté",
        [ACT_ALARM] = "quelque chose demande une personne",
        [ACT_SIGN_IN] = "un opérateur s’est connecté",
        [ACT_SIGN_IN_FAILED] = "la connexion a été refusée",
        [ACT_OPERATOR] = "un opérateur a changé quelque chose",
        [ACT_EXPORT] = "des entrées ont été exportées",
        [ACT_RESTORE] = "des fichiers ont été remis depuis le coffre",
        [ACT_ERASED] = "le sel d’une entrée a été effacé",
        [ACT_LOST] = "des entrées n’ont pu être prises",
        [ACT_KEY] = "la clé du journal a changé",
        [ACT_CLIENT_KEY] = "la clé d’un client a été délivrée ou révoquée",
        [ACT_PASS_KEYS] = "les clés qui signent les laissez-passer ont été renouvelées",
    };
    if (kind >= ACT_KIND_COUNT)
        return "";
    return language == SAY_FR && french[kind] ? french[kind] : act_kind_text(kind);
}

/* ---- Alarms ---------------------------------------------------------------------------------- */

struct alarm_french {
    const char *title, *advice;
};

/* ALARM_LOG. */
#define LOG_IN_FRENCH                                                                              \
    "ce que dit « ecluse run » (« journalctl -u ecluse » ; sous « serve », son terminal)"

/* One without French here is said in English: an alarm that is not understood at once is still one.
 */
static const struct alarm_french in_french[ALARM_KIND_COUNT] = {
    [ALARM_PANIC] = {"tous les budgets observent : personne n’est ralenti ni refusé",
                     "« ecluse panic --off » dès que la raison a disparu"},
    [ALARM_FLOOD] = {"une route est demandée plus que son origine ne supporte : les inconnus "
                     "doivent d’abord donner une preuve",
                     "rien le plus souvent : cela cesse de soi-même ; « ecluse waves » dit de "
                     "quoi la vague est faite"},
    [ALARM_PROMISE_BROKEN] = {"plus de réponses en échec ou en retard que le contrat ne permet",
                              "regardez la santé de l’origine et les refus des budgets"},
    [ALARM_SUPERVISOR_DOWN] =
        {"« ecluse run » ne tourne pas : nginx et le noyau continuent comme décidé en dernier, les "
         "partages sont libres",
         "démarrez-le (« systemctl start ecluse », ou de nouveau « ecluse serve »)"},
    [ALARM_GUARD_DOWN] = {"aucun processus d’un gardien nécessaire n’est en vie",
                          "front : « nginx -t », puis démarrez nginx avec le module ; egress, "
                          "files : voyez " LOG_IN_FRENCH},
    [ALARM_GUARD_BEHIND] = {"un processus travaille avec un contrat plus ancien",
                            "il le reprend à son prochain regard ; sinon rechargez nginx, ou "
                            "redémarrez « ecluse run »"},
    [ALARM_CONTRACT_REFUSED] =
        {"le contrat a été modifié, et la modification n’est pas en vigueur",
         "« ecluse check », corrigez le fichier ; il est relu aussitôt ; pour « state » ou « "
         "runtime », "
         "relancez « ecluse run »"},
    [ALARM_KEEPER_DOWN] = {"le processus qui retire les colis expirés meurt sans cesse",
                           "voyez " LOG_IN_FRENCH " ; il redémarre de lui-même"},
    [ALARM_DESK_DOWN] = {"le poste des opérateurs ne tourne pas : sa page ne répond pas",
                         "voyez " LOG_IN_FRENCH " : son adresse est peut-être prise ; il redémarre "
                         "de lui-même"},
    [ALARM_BREAKER_OPEN] =
        {"un budget retiendrait trop de bons clients d’hier, et n’arrête plus que qui dépasse "
         "quatre "
         "fois la limite : limite trop basse, ou attaque depuis beaucoup d’adresses",
         "« ecluse holds » : si ce sont des clients, relevez la limite ; sinon laissez, il se "
         "referme seul"},
    [ALARM_NO_HOLD_SLOT] =
        {"plus de clients au-delà d’un budget qu’on ne peut en retenir",
         "ajoutez un budget par réseau : moins de retenues couvrent le flot"},
    [ALARM_THINGS_FULL] = {"plus de choses distinctes lues qu’on ne peut en retenir : relues, "
                           "elles coûtent encore",
                           "raccourcissez la plus longue fenêtre de ces budgets ; "
                           "docs/budgets.md en dit la taille"},
    [ALARM_SHARE_UNGUARDED] =
        {"les fichiers d’un partage sont lus et écrits sans limite, et rien n’en est gardé",
         "la raison dit ce qui l’empêche ; « ecluse check » dit où un partage peut se trouver"},
    [ALARM_QUEUE_OVERFLOW] =
        {"le noyau avait plus de suppressions et de renommages à dire qu’on n’en prend : "
         "certains n’ont pas été comptés",
         "ce qui a été supprimé est au coffre ; moins de suppressions à la fois, ou un disque "
         "plus rapide"},
    [ALARM_NOT_COVERED] =
        {"des fichiers ont été ouverts en écriture sans que le coffre en ait une version : ils "
         "ne pourraient pas être rendus",
         "mettez le partage sur XFS ou btrfs, ou relevez copy_up_to ; pour les échecs, "
         "voyez " LOG_IN_FRENCH},
    [ALARM_VAULT_FULL] =
        {"quelqu’un a tant réécrit que la place manque pour ce qui était là : il ne peut plus "
         "écrire",
         "« ecluse holds » et « ecluse files list » disent qui ; puis plus de place dans "
         "files.vault, ou un keep plus court"},
    [ALARM_OPENED_BEFORE] =
        {"des programmes tiennent des fichiers d’un partage ouverts en écriture depuis avant le "
         "début de la garde",
         "relancez-les ; « ecluse files opened » dit lesquels, à root"},
    [ALARM_STORE_OFF] = {"des processus sont morts en lisant le stock : il est débranché",
                         "écartez state/tracking, restaurez-le ou réalimentez-le"},
    [ALARM_STORE_UNREADABLE] = {"le stock des colis ne s’ouvre pas, ou tue qui le lit",
                                "écartez state/tracking, restaurez-le ou réalimentez-le"},
    [ALARM_RECORDS_DAMAGED] = {"des enregistrements étaient abîmés ; personne ne les a reçus",
                               "vérifiez le disque ; écartez state/tracking et réalimentez-le"},
    [ALARM_SELF_OFF] =
        {"un processus a rencontré une faute à nous et s’est débranché",
         "signalez la ligne du journal de nginx ; le recharger rétablit le module"},
    [ALARM_PASS_KEYS] = {"les clés qui signent les laissez-passer ne sont plus entretenues",
                         "la raison dit que faire ; dès que le fichier change, il est relu"},
    [ALARM_FEED_SILENT] = {"une source n’a rien envoyé depuis plus longtemps que prévu",
                           "demandez à qui l’envoie ; les réponses du stock vieillissent"},
    [ALARM_FEED_FLOODING] =
        {"une source envoie bien plus d’événements que d’habitude",
         "demandez à qui l’envoie ; cessez de la recevoir si ce n’est pas lui"},
    [ALARM_FILTER_UNUSABLE] = {"le filtre des numéros manque : plus lent, jamais faux",
                               "« ecluse ingest » avec n’importe quel flux le reconstruit"},
    [ALARM_DISK_FULL] = {"moins de 5 % du disque de state est libre",
                         "faites de la place : les flux sont refusés quand il est plein"},
};

static const struct alarm_french *alarm_french(enum alarm_kind kind)
{
    return kind < ALARM_KIND_COUNT && in_french[kind].title ? &in_french[kind] : NULL;
}

const char *alarm_word(int language, enum alarm_kind kind)
{
    const struct alarm_french *french = alarm_french(kind);
    return language == SAY_FR && french ? french->title : alarm_meaning(kind);
}

const char *alarm_advice(int language, enum alarm_kind kind)
{
    const struct alarm_french *french = alarm_french(kind);
    return language == SAY_FR && french ? french->advice : alarm_remedy(kind);
}

/* ---- Figures --------------------------------------------------------------------------------- */

char *say_count(int language, uint64_t count, char out[SAY_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    struct writer w = writer_on(out, SAY_SIZE - 1);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            write_string(&w, language == SAY_FR ? "\u202f" : ",");
        write_bytes(&w, digits + i, 1);
    }
    out[w.length] = 0;
    return out;
}

static void comma_for_point(int language, char *text)
{
    char *point = strchr(text, '.');
    if (language == SAY_FR && point)
        *point = ',';
}

static char *say_bytes(int language, uint64_t bytes, char out[SAY_SIZE])
{
    static const char *const units[2][5] = {{"B", "kB", "MB", "GB", "TB"},
                                            {"o", "ko", "Mo", "Go", "To"}};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1000 && unit < 4; unit++)
        value /= 1000;
    snprintf(out, SAY_SIZE, unit == 0 || value >= 100 ? "%.0f\u00a0%s" : "%.1f\u00a0%s", value,
             units[language == SAY_FR][unit]);
    comma_for_point(language, out);
    return out;
}

char *say_amount(int language, enum meter_unit unit, uint64_t amount, char out[SAY_SIZE])
{
    return unit == METER_UNIT_BYTES ? say_bytes(language, amount, out)
                                    : say_count(language, amount, out);
}

char *say_share(int language, uint32_t millionths, char out[SAY_SIZE])
{
    /* Down, so that 99.999 % is never shown as all of it. */
    unsigned hundredths = millionths / 100;
    if (hundredths % 100 == 0)
        snprintf(out, SAY_SIZE, "%u\u00a0%%", hundredths / 100);
    else
        snprintf(out, SAY_SIZE, "%u.%02u\u00a0%%", hundredths / 100, hundredths % 100);
    comma_for_point(language, out);
    return out;
}

char *say_span(int language, nanos_t span, char out[SAY_SIZE])
{
    static const struct {
        nanos_t length;
        const char *name[SAY_COUNT];
    } units[] = {{NANOS_DAY, {"d", "j"}},
                 {NANOS_HOUR, {"h", "h"}},
                 {NANOS_MINUTE, {"min", "min"}},
                 {NANOS_SECOND, {"s", "s"}},
                 {NANOS_MILLISECOND, {"ms", "ms"}}};
    enum { UNITS = sizeof units / sizeof *units };
    unsigned i = 0;
    if (span < 0)
        span = 0;
    while (i + 1 < UNITS && span < units[i].length)
        i++;
    int which = language == SAY_FR;
    long long first = span / units[i].length;
    long long second = i + 2 < UNITS ? span % units[i].length / units[i + 1].length : 0;
    if (second)
        snprintf(out, SAY_SIZE, "%lld\u00a0%s %lld\u00a0%s", first, units[i].name[which], second,
                 units[i + 1].name[which]);
    else
        snprintf(out, SAY_SIZE, "%lld\u00a0%s", first, units[i].name[which]);
    return out;
}

/* ---- HTML ------------------------------------------------------------------------------------ */

void html_text(struct writer *w, const char *text)
{
    struct text t = text_of(text);
    if (utf8_is_valid(t)) {
        write_html_escaped(w, t);
        return;
    }
    for (size_t i = 0; i < t.length; i++)
        write_html_escaped(w, (unsigned char)t.data[i] < 0x80 ? (struct text){t.data + i, 1}
                                                              : TEXT("?"));
}

void html_word(struct writer *w, int language, enum word which)
{
    html_text(w, word(language, which));
}

void html_word_with(struct writer *w, int language, enum word which, const char *with)
{
    const char *text = word(language, which), *at = strstr(text, "%s");
    must(at != NULL);
    write_html_escaped(w, (struct text){text, (size_t)(at - text)});
    html_text(w, with);
    html_text(w, at + 2);
}

void html_time(struct writer *w, nanos_t wall, nanos_t now)
{
    char text[CLOCK_TEXT_SIZE], shown[48];
    time_t seconds = wall / NANOS_SECOND;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    bool today = wall / NANOS_DAY == now / NANOS_DAY;
    strftime(shown, sizeof shown, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &tm);
    WRITE_LITERAL(w, "<time datetime=\"");
    write_string(w, clock_text(wall, text));
    WRITE_LITERAL(w, "\">");
    write_string(w, shown);
    WRITE_LITERAL(w, "</time>");
}

void html_times(struct writer *w, nanos_t from, nanos_t to, nanos_t now)
{
    html_time(w, from, now);
    WRITE_LITERAL(w, " \u2192 ");
    html_time(w, to, now);
    WRITE_LITERAL(w, " UTC");
}
