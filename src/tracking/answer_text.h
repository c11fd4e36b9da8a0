/* answer_text.h: every sentence that the public reads, in four languages; one table.
 *
 * The steps' own labels and sentences are in step.h; the names of countries in answer_country.c.
 * The texts are plain: whoever writes them into a page escapes them. French sets its high
 * punctuation off by a no-break space. Dutch addresses the reader with "je", as bpost and PostNL
 * do; German with "Sie".
 */
#ifndef ECLUSE_ANSWER_TEXT_H
#define ECLUSE_ANSWER_TEXT_H

#include "base/base.h"
#include "contract/contract.h"

/* clang-format off */
/*    constant            French, Dutch, German, English */
#define ANSWER_TEXTS(X) \
    X(TAG,                "fr", "nl", "de", "en") \
    X(LOCALE,             "fr_FR", "nl_NL", "de_DE", "en_GB") \
    X(LANGUAGE_NAME,      "Français", "Nederlands", "Deutsch", "English") \
    /* --- every page ----------------------------------------------------------------------- */ \
    X(SKIP,               "Aller au contenu", \
                          "Ga naar de inhoud", \
                          "Zum Inhalt springen", \
                          "Skip to the content") \
    X(LANGUAGES,          "Langue", "Taal", "Sprache", "Language") \
    X(FORM_LABEL,         "Numéro de suivi", "Trackingnummer", "Sendungsnummer", "Tracking " \
                          "number") \
    X(FORM_BUTTON,        "Suivre", "Volgen", "Verfolgen", "Track") \
    X(FORM_AGAIN,         "Suivre un autre colis", \
                          "Een ander pakket volgen", \
                          "Eine andere Sendung verfolgen", \
                          "Track another parcel") \
    /* --- home ----------------------------------------------------------------------------- */ \
    X(HOME_TITLE,         "Suivre un colis", \
                          "Volg je pakket", \
                          "Sendung verfolgen", \
                          "Track a parcel") \
    X(HOME_TEXT,          "Saisissez le numéro qui figure sur votre avis d’expédition, sur " \
                          "l’étiquette du colis ou sur votre preuve de dépôt.", \
                          "Vul het nummer in dat op je verzendbericht, op het etiket of op je " \
                          "verzendbewijs staat.", \
                          "Geben Sie die Nummer ein, die in Ihrer Versandmitteilung, auf dem " \
                          "Etikett oder auf Ihrem Einlieferungsbeleg steht.", \
                          "Enter the number shown in your dispatch message, on the label or on " \
                          "your proof of posting.") \
    X(FORMS_INTRO,        "Un numéro de suivi compte\u00a0:", \
                          "Een trackingnummer bestaat uit:", \
                          "Eine Sendungsnummer besteht aus:", \
                          "A tracking number has:") \
    X(FORMS_SPACES,       "Vous pouvez le saisir avec ou sans espaces, en majuscules ou en " \
                          "minuscules.", \
                          "Spaties mogen, hoofdletters hoeven niet.", \
                          "Mit oder ohne Leerzeichen, in Groß- oder Kleinbuchstaben.", \
                          "With or without spaces, in capitals or small letters.") \
    X(FORM_S10,           "2 lettres, 9 chiffres et 2 lettres", \
                          "2 letters, 9 cijfers en 2 letters", \
                          "2 Buchstaben, 9 Ziffern und 2 Buchstaben", \
                          "2 letters, 9 digits and 2 letters") \
    X(FORM_COLISSIMO,     "13 caractères, dont les 11 derniers sont des chiffres", \
                          "13 tekens, waarvan de laatste 11 cijfers zijn", \
                          "13 Zeichen, davon die letzten 11 Ziffern", \
                          "13 characters, of which the last 11 are digits") \
    X(FORM_SSCC,          "18 ou 20 chiffres", "18 of 20 cijfers", "18 oder 20 Ziffern", \
                          "18 or 20 digits") \
    X(FORM_TO,            " à ", " tot ", " bis ", " to ") \
    X(FORM_DIGITS,        " chiffres", " cijfers", " Ziffern", " digits") \
    X(FORM_ALNUM,         " lettres ou chiffres", " letters of cijfers", \
                          " Buchstaben oder Ziffern", " letters or digits") \
    /* --- a number that cannot exist --------------------------------------------------------- */ \
    X(TYPED,              "Vous avez saisi", "Je vulde in", "Ihre Eingabe", "You entered") \
    X(WRONG_FORM_TITLE,   "Ce n’est pas un numéro de suivi", \
                          "Dit is geen trackingnummer", \
                          "Das ist keine Sendungsnummer", \
                          "This is not a tracking number") \
    X(WRONG_FORM_TEXT,    "Il manque peut-être un caractère, ou il y en a un de trop. Comparez " \
                          "avec votre avis d’expédition.", \
                          "Misschien ontbreekt er een teken of staat er een te veel. Vergelijk " \
                          "met je verzendbericht.", \
                          "Vielleicht fehlt ein Zeichen, oder es ist eines zu viel. Vergleichen " \
                          "Sie bitte mit Ihrer Versandmitteilung.", \
                          "A character may be missing, or there may be one too many. Please " \
                          "compare it with your dispatch message.") \
    X(SEVERAL_TITLE,      "Un seul numéro par demande\u00a0: interrogez-les l’un après l’autre", \
                          "Eén nummer per aanvraag: vraag ze één voor één op", \
                          "Eine Nummer je Anfrage: Bitte fragen Sie sie einzeln ab", \
                          "One number per request: ask for them one by one") \
    X(WRONG_CHECK_TITLE,  "Une faute de frappe, sans doute", \
                          "Waarschijnlijk een tikfout", \
                          "Vermutlich ein Tippfehler", \
                          "Probably a typing mistake") \
    X(WRONG_CHECK_TEXT,   "Ce numéro ne peut pas exister\u00a0: un de ses caractères est faux, " \
                          "ou deux sont intervertis. Relisez-le caractère par caractère\u00a0; " \
                          "on confond facilement 0 et O, 1 et I, 5 et S, 8 et B.", \
                          "Dit nummer kan niet bestaan: een van de tekens is fout, of er zijn " \
                          "er twee verwisseld. Lees het teken voor teken na; 0 en O, 1 en I, 5 " \
                          "en S, 8 en B lijken sterk op elkaar.", \
                          "Diese Nummer kann es nicht geben: Ein Zeichen ist falsch, oder zwei " \
                          "sind vertauscht. Prüfen Sie sie Zeichen für Zeichen; leicht zu " \
                          "verwechseln sind 0 und O, 1 und I, 5 und S, 8 und B.", \
                          "This number cannot exist: one of its characters is wrong, or two are " \
                          "swapped. Check it character by character; 0 and O, 1 and I, 5 and S, " \
                          "8 and B are easily confused.") \
    /* --- a number that nobody has told us about --- */ \
    X(UNKNOWN_TITLE,      "Pas encore d’information sur ce numéro", \
                          "Nog geen informatie over dit nummer", \
                          "Noch keine Informationen zu dieser Nummer", \
                          "No information about this number yet") \
    X(UNKNOWN_TEXT,       "Le numéro est bien formé, mais aucune étape ne nous est encore " \
                          "parvenue. Un colis qui vient d’être annoncé peut mettre quelques " \
                          "heures à apparaître.", \
                          "Het nummer klopt van vorm, maar we hebben er nog geen bericht over " \
                          "gekregen. Bij een pakket dat net is aangemeld, kan dat enkele uren " \
                          "duren.", \
                          "Die Nummer ist richtig aufgebaut, aber uns liegt noch keine Meldung " \
                          "dazu vor. Bei einem gerade angekündigten Paket kann das einige " \
                          "Stunden dauern.", \
                          "The number is well formed, but we have not received any news of it " \
                          "yet. A parcel that has just been announced may take a few hours to " \
                          "appear.") \
    X(UNKNOWN_ADVICE,     "Revenez un peu plus tard. Si rien n’apparaît demain, adressez-vous à " \
                          "l’expéditeur\u00a0: il peut vérifier le numéro.", \
                          "Kom later nog eens terug. Verschijnt er morgen nog niets, vraag het " \
                          "dan aan de afzender: die kan het nummer nakijken.", \
                          "Schauen Sie später noch einmal vorbei. Ist morgen noch nichts zu " \
                          "sehen, wenden Sie sich bitte an den Absender: Er kann die Nummer " \
                          "prüfen.", \
                          "Please come back a little later. If nothing appears by tomorrow, ask " \
                          "the sender, who can check the number.") \
    /* --- the service behind is away --- */ \
    X(NOTICE_TITLE,       "Ce service est momentanément indisponible", \
                          "Deze dienst is even niet beschikbaar", \
                          "Dieser Dienst ist vorübergehend nicht verfügbar", \
                          "This service is temporarily unavailable") \
    X(NOTICE_TEXT,        "Nous en sommes désolés. Le suivi des colis, lui, continue de " \
                          "répondre ici même.", \
                          "Onze excuses daarvoor. Je pakket volgen kan nog altijd, hieronder.", \
                          "Das tut uns leid. Die Sendungsverfolgung funktioniert weiterhin, " \
                          "gleich hier.", \
                          "We are sorry. Parcel tracking still works, right here.") \
    /* --- too many requests --- */ \
    X(HELD_TITLE,         "Un instant, s’il vous plaît", \
                          "Even geduld, alsjeblieft", \
                          "Einen Moment, bitte", \
                          "One moment, please") \
    X(HELD_TEXT,          "Nous recevons en ce moment beaucoup de demandes, peut-être aussi " \
                          "depuis votre connexion. Pour que le service réponde à tous, " \
                          "certaines doivent attendre.", \
                          "We krijgen op dit moment heel veel aanvragen, misschien ook via je " \
                          "verbinding. Om iedereen te kunnen helpen, moeten sommige even " \
                          "wachten.", \
                          "Bei uns gehen gerade sehr viele Anfragen ein, vielleicht auch über " \
                          "Ihre Verbindung. Damit der Dienst für alle erreichbar bleibt, müssen " \
                          "einige warten.", \
                          "We are receiving a great many requests at the moment, perhaps also " \
                          "through your connection. To keep the service open to everyone, some " \
                          "have to wait.") \
    X(RETRY,              "Vous pouvez réessayer dans", \
                          "Je kunt het opnieuw proberen over", \
                          "Bitte versuchen Sie es erneut in", \
                          "You can try again in") \
    X(RETRY_SOON,         "quelques instants", "enkele ogenblikken", "wenigen Augenblicken", "a " \
                          "few moments") \
    X(SECOND,             "seconde", "seconde", "Sekunde", "second") \
    X(SECONDS,            "secondes", "seconden", "Sekunden", "seconds") \
    X(MINUTE,             "minute", "minuut", "Minute", "minute") \
    X(MINUTES,            "minutes", "minuten", "Minuten", "minutes") \
    X(HOUR,               "heure", "uur", "Stunde", "hour") \
    X(HOURS,              "heures", "uur", "Stunden", "hours") \
    /* --- a parcel --- */ \
    X(PARCEL,             "Colis", "Pakket", "Sendung", "Parcel") \
    X(PROGRESS,           "Avancement", "Voortgang", "Fortschritt", "Progress") \
    X(STAGE_REACHED,      "étape passée", "voltooid", "erledigt", "done") \
    X(STAGE_CURRENT,      "étape actuelle", "huidige stap", "aktueller Schritt", "current step") \
    X(STAGE_PROBLEM,      "étape actuelle, avec une difficulté", "huidige stap, met een probleem", \
                          "aktueller Schritt, mit einem Problem", "current step, with a problem") \
    X(STAGE_AHEAD,        "à venir", "nog te komen", "steht noch aus", "still to come") \
    X(STAGE_1,            "Annoncé", "Aangemeld", "Angekündigt", "Announced") \
    X(STAGE_2,            "Pris en charge", "Ontvangen", "Angenommen", "Accepted") \
    X(STAGE_3,            "En chemin", "Onderweg", "Unterwegs", "On its way") \
    X(STAGE_4,            "Tout près", "Vlakbij", "In Ihrer Nähe", "Nearby") \
    X(STAGE_5,            "Livré", "Bezorgd", "Zugestellt", "Delivered") \
    X(STAGE_RETURNED,     "Retourné", "Teruggestuurd", "Zurückgesandt", "Returned") \
    X(STAGE_1_LONG,       "L’expéditeur nous a annoncé votre colis.", \
                          "De afzender heeft je pakket aangemeld.", \
                          "Der Absender hat uns Ihr Paket angekündigt.", \
                          "The sender has told us about your parcel.") \
    X(STAGE_2_LONG,       "Votre colis nous a été remis.", \
                          "We hebben je pakket ontvangen.", \
                          "Ihr Paket wurde uns übergeben.", \
                          "Your parcel has been handed to us.") \
    X(STAGE_3_LONG,       "Votre colis est en cours d’acheminement.", \
                          "Je pakket is onderweg.", \
                          "Ihr Paket ist unterwegs.", \
                          "Your parcel is being carried to its destination.") \
    X(STAGE_4_LONG,       "Votre colis est arrivé près de chez vous.", \
                          "Je pakket is bij jou in de buurt.", \
                          "Ihr Paket ist in Ihrer Nähe angekommen.", \
                          "Your parcel has arrived in your area.") \
    X(STAGE_5_LONG,       "Votre colis est livré.", \
                          "Je pakket is bezorgd.", \
                          "Ihr Paket ist zugestellt.", \
                          "Your parcel has been delivered.") \
    X(STAGE_RETURNED_LONG, "Votre colis a été retourné à l’expéditeur.", \
                          "Je pakket is teruggestuurd naar de afzender.", \
                          "Ihr Paket wurde an den Absender zurückgesandt.", \
                          "Your parcel has been returned to the sender.") \
    X(EXPECTED,           "Livraison prévue", "Verwachte bezorging", "Voraussichtliche " \
                          "Zustellung", \
                          "Expected delivery") \
    X(PICKUP,             "Point de retrait", "Afhaalpunt", "Abholstelle", "Pickup point") \
    X(PRODUCT,            "Service", "Dienst", "Versandart", "Service") \
    X(HISTORY,            "Historique", "Verloop", "Sendungsverlauf", "History") \
    X(OLDER_CUT,          "Les étapes plus anciennes ne sont pas affichées.", \
                          "Oudere stappen worden niet getoond.", \
                          "Ältere Ereignisse werden nicht angezeigt.", \
                          "Older events are not shown.") \
    X(AS_OF,              "Situation à ", "Stand van ", "Stand: ", "As of ") \
    X(AS_OF_COMMA,        ", le ", ", ", ", ", ", ") \
    X(ORIGIN_DOWN,        "Nos systèmes sont momentanément perturbés. Voici la dernière " \
                          "situation connue de votre colis.", \
                          "Er is een storing in onze systemen. Dit is de laatst bekende stand " \
                          "van je pakket.", \
                          "Unsere Systeme sind vorübergehend gestört. Sie sehen den letzten " \
                          "bekannten Stand Ihrer Sendung.", \
                          "We are having technical problems. This is the last known state of " \
                          "your parcel.") \
    X(STALE,              "Nous n’avons pas reçu de nouvelles récentes\u00a0: votre colis a pu " \
                          "avancer depuis.", \
                          "We hebben geen recent bericht ontvangen: je pakket kan intussen " \
                          "verder zijn.", \
                          "Uns liegt keine aktuelle Meldung vor: Ihr Paket kann inzwischen " \
                          "weiter sein.", \
                          "We have had no recent news: your parcel may have moved on since.") \
    /* --- messages of the API --- */ \
    X(API_FOUND,          "Colis trouvé", "Pakket gevonden", "Sendung gefunden", "Parcel found")
/* clang-format on */

enum answer_text {
#define X(constant, ...) ANSWER_TEXT_##constant,
    ANSWER_TEXTS(X)
#undef X
        ANSWER_TEXT_COUNT
};

struct text answer_text(enum answer_text text, enum language language);

/* 0 is Monday; month from 1. */
struct text answer_weekday(unsigned weekday, enum language language);
struct text answer_month(unsigned month, enum language language);

#endif
