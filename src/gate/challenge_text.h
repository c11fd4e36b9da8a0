/* challenge_text.h: every sentence of the challenge's pages, in four languages; one table.
 *
 * Plain texts: whoever writes them into a page escapes them. Manner as in tracking/answer_text.h:
 * French with a no-break space before high punctuation, Dutch with "je", German with "Sie".
 */
#ifndef ECLUSE_GATE_CHALLENGE_TEXT_H
#define ECLUSE_GATE_CHALLENGE_TEXT_H

#include "base/base.h"
#include "contract/contract.h"

/* clang-format off */
/*    constant            French, Dutch, German, English */
#define CHALLENGE_TEXTS(X) \
    X(TITLE,              "Un instant, s’il vous plaît", \
                          "Even geduld, alsjeblieft", \
                          "Einen Moment, bitte", \
                          "One moment, please") \
    X(MANY,               "Nous recevons en ce moment un très grand nombre de demandes.", \
                          "We krijgen op dit moment heel veel aanvragen.", \
                          "Bei uns gehen gerade sehr viele Anfragen ein.", \
                          "We are receiving a great many requests at the moment.") \
    /* --- with JavaScript -------------------------------------------------------------------- */ \
    X(WORK,               "Votre navigateur fait un petit calcul, puis la page s’ouvre. Cela " \
                          "prend quelques secondes\u00a0; vous n’avez rien à faire.", \
                          "Je browser maakt een kleine berekening, daarna opent de pagina. Dat " \
                          "duurt enkele seconden; je hoeft niets te doen.", \
                          "Ihr Browser führt eine kleine Berechnung aus, dann öffnet sich die " \
                          "Seite. Das dauert wenige Sekunden; Sie müssen nichts tun.", \
                          "Your browser is doing a small calculation, then the page opens. This " \
                          "takes a few seconds; there is nothing for you to do.") \
    X(QUEUE,              "Nouvel essai dans environ #\u00a0secondes\u00a0; vous n’avez rien à " \
                          "faire.", \
                          "Over ongeveer #\u00a0seconden proberen we het opnieuw; je hoeft niets " \
                          "te doen.", \
                          "In etwa #\u00a0Sekunden folgt ein neuer Versuch; Sie müssen nichts " \
                          "tun.", \
                          "We will try again in about #\u00a0seconds; there is nothing for you " \
                          "to do.") /* # is the number */ \
    X(WHY,                "Pour une personne, ce calcul n’est presque rien\u00a0; pour une " \
                          "machine qui envoie des milliers de demandes, c’est beaucoup. Rien " \
                          "n’est transmis à un autre site.", \
                          "Voor één bezoeker stelt die berekening weinig voor, voor een machine " \
                          "die duizenden aanvragen verstuurt des te meer. Er gaat niets naar een " \
                          "andere site.", \
                          "Für einen einzelnen Menschen ist das kaum Aufwand, für eine Maschine, " \
                          "die Tausende Anfragen sendet, sehr viel. An andere Websites wird " \
                          "nichts übermittelt.", \
                          "For one person this is next to nothing; for a machine that sends " \
                          "thousands of requests it is a lot. Nothing is sent to any other site.") \
    X(PROGRESS,           "Avancement", "Voortgang", "Fortschritt", "Progress") \
    X(DONE,               "C’est fait, la page s’ouvre…", \
                          "Klaar, de pagina wordt geopend…", \
                          "Fertig, die Seite wird geöffnet…", \
                          "Done, the page is opening…") \
    X(FAILED,             "Cela n’a pas fonctionné. Réessayez dans une minute, s’il vous plaît.", \
                          "Het is niet gelukt. Probeer het over een minuut opnieuw.", \
                          "Das hat leider nicht geklappt. Bitte versuchen Sie es in einer Minute " \
                          "noch einmal.", \
                          "That did not work. Please try again in a minute.") \
    X(STOPPED,            "Le formulaire n’a pas été renvoyé. Appuyez sur le bouton pour le " \
                          "renvoyer.", \
                          "Het formulier is niet opnieuw verstuurd. Druk op de knop om het te " \
                          "versturen.", \
                          "Das Formular wurde nicht noch einmal gesendet. Zum Senden drücken Sie " \
                          "bitte die Schaltfläche.", \
                          "The form was not sent again. Press the button to send it.") \
    /* --- without ---------------------------------------------------------------------------- */ \
    X(RELOADS,            "Cette page s’actualise d’elle-même dans", \
                          "Deze pagina ververst zichzelf over", \
                          "Diese Seite lädt sich in", \
                          "This page reloads by itself in") \
    X(RELOADS_AFTER,      "\u00a0; vous n’avez rien à faire.", \
                          "; je hoeft niets te doen.", \
                          " von selbst neu; Sie müssen nichts tun.", \
                          "; there is nothing for you to do.") \
    X(COMES_BACK,         "Si cette page revient sans cesse, autorisez les cookies pour ce site.", \
                          "Komt deze pagina steeds terug, sta dan cookies voor deze site toe.", \
                          "Kommt diese Seite immer wieder, erlauben Sie bitte Cookies für diese " \
                          "Website.", \
                          "If this page keeps coming back, please allow cookies for this site.") \
    X(WAIT,               "Patientez", "Wacht", "Warten Sie bitte", "Please wait for") \
    X(WAIT_PRESS,         ", puis appuyez sur le bouton.", \
                          " en druk dan op de knop.", \
                          " und drücken Sie dann die Schaltfläche.", \
                          ", then press the button.") \
    X(WAIT_BACK,          ", puis revenez en arrière et envoyez à nouveau.", \
                          ", ga dan terug en verstuur het opnieuw.", \
                          ", gehen Sie dann zurück und senden Sie es noch einmal.", \
                          ", then go back and send it again.") \
    /* --- what was sent ---------------------------------------------------------------------- */ \
    X(OFFER,              "Ce que vous avez saisi n’est pas perdu\u00a0: le formulaire sera " \
                          "renvoyé tel quel.", \
                          "Wat je hebt ingevuld, gaat niet verloren: het formulier wordt " \
                          "ongewijzigd opnieuw verstuurd.", \
                          "Ihre Eingaben gehen nicht verloren: Das Formular wird unverändert " \
                          "noch einmal gesendet.", \
                          "What you filled in is not lost: the form is sent again, unchanged.") \
    X(OFFER_BUTTON,       "Envoyer à nouveau", "Opnieuw versturen", "Noch einmal senden", \
                          "Send again") \
    X(RESEND,             "Ce que vous avez envoyé (un fichier, par exemple, ou un texte très " \
                          "long) ne peut pas être gardé ici. Nous vous prions de l’envoyer à " \
                          "nouveau.", \
                          "Wat je hebt verstuurd (bijvoorbeeld een bestand of een erg lange " \
                          "tekst) kan hier niet worden bewaard. Verstuur het alsjeblieft " \
                          "opnieuw.", \
                          "Was Sie gesendet haben (zum Beispiel eine Datei oder ein sehr langer " \
                          "Text), kann hier nicht aufbewahrt werden. Bitte senden Sie es noch " \
                          "einmal.", \
                          "What you sent (a file, for instance, or a very long text) cannot be " \
                          "kept here. Please send it again.") \
    X(RESEND_DONE,        "C’est prêt\u00a0: revenez en arrière et envoyez à nouveau.", \
                          "Klaar: ga terug en verstuur het opnieuw.", \
                          "Fertig: Bitte gehen Sie zurück und senden Sie es noch einmal.", \
                          "Ready: please go back and send it again.") \
    X(BACK_BUTTON,        "Revenir en arrière", "Ga terug", "Zurück", "Go back") \
    /* --- a place in the queue did not come -------------------------------------------------- */ \
    X(BUSY_TITLE,         "Beaucoup de monde en ce moment", \
                          "Het is erg druk", \
                          "Gerade ist sehr viel los", \
                          "We are very busy") \
    X(BUSY,               "Votre demande a attendu son tour, mais aucune place ne s’est libérée " \
                          "à temps.", \
                          "Je aanvraag stond in de wachtrij, maar kwam niet op tijd aan de " \
                          "beurt.", \
                          "Ihre Anfrage hat gewartet, kam aber nicht rechtzeitig an die Reihe.", \
                          "Your request waited for its turn, but its turn did not come in time.") \
    /* --- cookies are refused ---------------------------------------------------------------- */ \
    X(COOKIES_TITLE,      "Les cookies sont bloqués", \
                          "Cookies zijn geblokkeerd", \
                          "Cookies sind blockiert", \
                          "Cookies are blocked") \
    X(COOKIES,            "Pour vous laisser passer, nous avons besoin d’un seul cookie, qui ne " \
                          "dit pas qui vous êtes\u00a0; votre navigateur le refuse. Autorisez " \
                          "les cookies pour ce site, puis réessayez.", \
                          "Om je door te laten, hebben we één cookie nodig, dat niet zegt wie je " \
                          "bent; je browser weigert het. Sta cookies voor deze site toe en " \
                          "probeer het opnieuw.", \
                          "Um Sie durchzulassen, brauchen wir ein einziges Cookie, das nicht " \
                          "verrät, wer Sie sind; Ihr Browser lehnt es ab. Bitte erlauben Sie " \
                          "Cookies für diese Website und versuchen Sie es noch einmal.", \
                          "To let you through we need a single cookie, which does not say who " \
                          "you are; your browser refuses it. Please allow cookies for this site, " \
                          "then try again.") \
    X(AGAIN,              "Réessayer", "Opnieuw proberen", "Noch einmal versuchen", "Try again") \
    /* --- a lane's door ---------------------------------------------------------------------- */ \
    X(LANE_TITLE,         "Accès réservé", "Geen toegang", "Kein Zugang", "No access") \
    X(LANE,               "Cette adresse est réservée au personnel et aux partenaires. Il faut y " \
                          "présenter le certificat installé sur l’appareil, ou la clé remise au " \
                          "programme.", \
                          "Dit adres is bestemd voor medewerkers en partners. Je hebt het " \
                          "certificaat op het toestel nodig, of de sleutel van het programma.", \
                          "Diese Adresse ist Beschäftigten und Partnern vorbehalten. Nötig ist " \
                          "das Zertifikat auf dem Gerät oder der Schlüssel des Programms.", \
                          "This address is for staff and partners. It takes the certificate " \
                          "installed on the device, or the key issued to the program.") \
    /* --- to programs ------------------------------------------------------------------------ */ \
    X(PROGRAM,            "Service très sollicité\u00a0: réessayez après le délai donné par " \
                          "l’en-tête Retry-After. Un programme connu passe avec une clé, que " \
                          "l’exploitant délivre.", \
                          "Het is erg druk: probeer het opnieuw na de tijd in de header " \
                          "Retry-After. Een bekend programma mag door met een sleutel, die de " \
                          "beheerder verstrekt.", \
                          "Der Dienst ist stark ausgelastet: Bitte versuchen Sie es nach der im " \
                          "Header Retry-After genannten Zeit erneut. Ein bekanntes Programm " \
                          "kommt mit einem Schlüssel durch, den der Betreiber ausstellt.", \
                          "The service is very busy: try again after the time in the Retry-After " \
                          "header. A known program passes with a key, which the operator issues.")
/* clang-format on */

enum challenge_text {
#define X(constant, ...) CHALLENGE_TEXT_##constant,
    CHALLENGE_TEXTS(X)
#undef X
        CHALLENGE_TEXT_COUNT
};

struct text challenge_text(enum challenge_text text, enum language language);

#endif
