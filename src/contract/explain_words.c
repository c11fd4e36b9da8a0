#include "contract/explain_words.h"

#include "contract/value.h"

#include <inttypes.h>

#define NARROW "\u00a0" /* French sets a space that does not break before units and signs */

const char *say(const struct speech *s, const char *english, const char *french)
{
    return s->french ? french : english;
}

char *duration_words(const struct speech *s, nanos_t duration, char out[WORDS_SIZE])
{
    static const struct {
        nanos_t length;
        const char *one[2], *many[2];
    } units[] = {
        {NANOS_DAY, {"day", "jour"}, {"days", "jours"}},
        {NANOS_HOUR, {"hour", "heure"}, {"hours", "heures"}},
        {NANOS_MINUTE, {"minute", "minute"}, {"minutes", "minutes"}},
        {NANOS_SECOND, {"second", "seconde"}, {"seconds", "secondes"}},
        {NANOS_MILLISECOND, {"millisecond", "milliseconde"}, {"milliseconds", "millisecondes"}},
        {1, {"nanosecond", "nanoseconde"}, {"nanoseconds", "nanosecondes"}},
    };
    size_t i = 0;
    while (duration < units[i].length || duration % units[i].length) {
        if (units[i].length == 1)
            break;
        i++;
    }
    int64_t count = duration / units[i].length;
    snprintf(out, WORDS_SIZE, "%" PRId64 "%s%s", count, say(s, " ", NARROW),
             count == 1 ? units[i].one[s->french] : units[i].many[s->french]);
    return out;
}

char *size_words(const struct speech *s, uint64_t bytes, char out[WORDS_SIZE])
{
    static const char *const names[2][6] = {{"B", "kB", "MB", "GB", "TB", "PB"},
                                            {"o", "ko", "Mo", "Go", "To", "Po"}};
    size_t unit = 0;
    uint64_t factor = 1;
    while (unit < 5 && bytes / factor >= 1000) {
        factor *= 1000;
        unit++;
    }
    uint64_t whole = bytes / factor, rest = bytes % factor;
    uint64_t hundredths = factor == 1 ? 0 : (rest + factor / 100 - 1) / (factor / 100);
    if (hundredths == 100) {
        whole++;
        hundredths = 0;
    }
    if (whole == 1000 && unit < 5) {
        whole = 1;
        unit++;
    }
    char decimals[8] = "";
    if (hundredths % 10)
        snprintf(decimals, sizeof decimals, "%s%02u", say(s, ".", ","), (unsigned)hundredths % 100);
    else if (hundredths)
        snprintf(decimals, sizeof decimals, "%s%u", say(s, ".", ","),
                 (unsigned)(hundredths / 10) % 10);
    snprintf(out, WORDS_SIZE, "%" PRIu64 "%s%s%s", whole, decimals, say(s, " ", NARROW),
             names[s->french][unit]);
    return out;
}

char *share_words(const struct speech *s, uint32_t millionths, char out[WORDS_SIZE])
{
    char text[VALUE_TEXT_SIZE];
    value_share_text(millionths, text);
    char *point = strchr(text, '.');
    if (!s->french) {
        snprintf(out, WORDS_SIZE, "%s", text);
        return out;
    }
    if (point)
        *point = ',';
    snprintf(out, WORDS_SIZE, "%.*s" NARROW "%%", (int)strlen(text) - 1, text);
    return out;
}

char *amount_words(const struct speech *s, enum meter meter, uint64_t amount, char out[WORDS_SIZE])
{
    if (meter_unit(meter) == METER_UNIT_BYTES)
        return size_words(s, amount, out);
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, amount);
    const char *between_thousands = say(s, ",", "\u202f");
    struct writer w = writer_on(out, WORDS_SIZE - 1);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            write_string(&w, between_thousands);
        write_bytes(&w, &digits[i], 1);
    }
    out[w.length] = 0;
    return out;
}

const char *meter_words(const struct speech *s, enum meter meter, uint64_t amount)
{
    static const struct {
        const char *one[2], *many[2];
    } words[] = {
        [METER_REQUESTS] = {{"request", "requête"}, {"requests", "requêtes"}},
        [METER_ORIGIN_REQUESTS] = {{"request passed to the origin",
                                    "requête transmise à l'origine"},
                                   {"requests passed to the origin",
                                    "requêtes transmises à l'origine"}},
        [METER_PARCELS_READ] = {{"parcel read", "colis consulté"},
                                {"different parcels read", "colis différents consultés"}},
        [METER_PEOPLE_READ] = {{"person's record read", "dossier de personne consulté"},
                               {"different persons' records read",
                                "dossiers de personnes différentes consultés"}},
        [METER_LOGIN_FAILURES] = {{"failed sign-in", "échec de connexion"},
                                  {"failed sign-ins", "échecs de connexion"}},
        [METER_PACKETS] = {{"packet received", "paquet reçu"},
                           {"packets received", "paquets reçus"}},
        [METER_BYTES_OUT] = {{"sent out", "envoyé"}, {"sent out", "envoyés"}},
        [METER_FILES_READ] = {{"file read", "fichier lu"},
                              {"different files read", "fichiers différents lus"}},
        [METER_FILES_REWRITTEN] = {{"file rewritten", "fichier réécrit"},
                                   {"different files rewritten", "fichiers différents réécrits"}},
    };
    must((unsigned)meter < METER_COUNT);
    return amount == 1 ? words[meter].one[s->french] : words[meter].many[s->french];
}

const char *principal_words(const struct speech *s, enum principal_kind kind)
{
    static const char *const words[][2] = {
        [PRINCIPAL_CLIENT] = {"for each client", "pour chaque client"},
        [PRINCIPAL_NETWORK] = {"for each network of 256 addresses (IPv6: each /48)",
                               "pour chaque réseau de 256 adresses (IPv6" NARROW ": chaque /48)"},
        [PRINCIPAL_ACCOUNT] = {"for each account", "pour chaque compte"},
        [PRINCIPAL_HOST] = {"for each machine inside", "pour chaque machine interne"},
        [PRINCIPAL_PAIR] = {"from each machine inside to each destination",
                            "de chaque machine interne vers chaque destination"},
        [PRINCIPAL_USER] = {"for each user", "pour chaque utilisateur"},
        [PRINCIPAL_PROCESS] = {"for each program with all that it starts",
                               "pour chaque programme avec tout ce qu'il lance"},
        [PRINCIPAL_SHARE] = {"for each share as a whole", "pour chaque partage dans son ensemble"},
        [PRINCIPAL_EVERYONE] = {"for all together", "pour tous ensemble"},
    };
    must((unsigned)kind < PRINCIPAL_KIND_COUNT);
    return words[kind][s->french];
}

const char *route_words(const struct speech *s, int route, char out[2 * CONTRACT_NAME_SIZE])
{
    static const struct {
        const char *name, *words[2];
    } known[] = {
        {"tracking", {"parcel pages", "les pages de colis"}},
        {"api", {"the interface for programs", "l'interface pour les programmes"}},
        {"home", {"the search form", "le formulaire de recherche"}},
        {"login", {"sign-in", "la connexion"}},
    };
    const char *name = s->contract->route[route].name;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            snprintf(out, 2 * CONTRACT_NAME_SIZE, "%s (route %s)", known[i].words[s->french], name);
            return out;
        }
    snprintf(out, 2 * CONTRACT_NAME_SIZE, say(s, "the route %s", "la route %s"), name);
    return out;
}

const char *format_words(const struct speech *s, const struct parcel_format *format,
                         char out[VALUE_TEXT_SIZE])
{
    switch (format->kind) {
    case FORMAT_S10:
        return say(s, "international numbers (S10)", "numéros internationaux (S10)");
    case FORMAT_COLISSIMO:
        return "Colissimo";
    case FORMAT_SSCC:
        return say(s, "numbers of shipping units (SSCC)", "numéros d'unités d'expédition (SSCC)");
    case FORMAT_DIGITS:
    case FORMAT_ALNUM:
        break;
    }
    return value_format_text(format, out);
}

const char *hold_words(const struct speech *s, enum meter meter)
{
    static const char *const words[][2] = {
        [METER_REQUESTS] = {"such requests are refused for %s",
                            "ces requêtes sont refusées pendant %s"},
        [METER_ORIGIN_REQUESTS] = {"no such request is passed to the origin for %s",
                                   "aucune de ces requêtes n'est transmise à l'origine pendant %s"},
        [METER_PARCELS_READ] = {"no parcel is shown there for %s",
                                "aucun colis n'y est montré pendant %s"},
        [METER_PEOPLE_READ] = {"no record is shown there for %s",
                               "aucun dossier n'y est montré pendant %s"},
        [METER_LOGIN_FAILURES] = {"sign-ins are refused for %s",
                                  "les connexions sont refusées pendant %s"},
        [METER_PACKETS] = {"packets are dropped for %s", "les paquets sont rejetés pendant %s"},
        [METER_BYTES_OUT] = {"nothing more leaves that way for %s",
                             "plus rien ne sort par là pendant %s"},
        [METER_FILES_READ] = {"no further file is opened for %s",
                              "aucun autre fichier n'est ouvert pendant %s"},
        [METER_FILES_REWRITTEN] = {"no file is changed any more for %s",
                                   "plus aucun fichier n'est modifié pendant %s"},
    };
    must((unsigned)meter < METER_COUNT);
    return words[meter][s->french];
}

const char *class_words(const struct speech *s, int class)
{
    if (class == CONTRACT_CLASS_ANY)
        return say(s, "all destinations", "toutes les destinations");
    if (class == CONTRACT_CLASS_UNLISTED)
        return say(s, "unlisted destinations", "les destinations non listées");
    return s->contract->network.class[class].name;
}
