/* say.h: what the page says, in English and in French: one table of words, and figures as each
 * language writes them.
 */
#ifndef ECLUSE_DESK_SAY_H
#define ECLUSE_DESK_SAY_H

#include "audit/act.h"
#include "contract/contract.h"
#include "status/alarm.h"

enum { SAY_EN, SAY_FR, SAY_COUNT };

/*    constant          English                                     French */
/* clang-format off */
#define WORDS(X)                                                                                   \
    X(DESK, "Operators' desk", "Poste de conduite")                                                \
    X(SKIP, "Skip to the content", "Aller au contenu")                                             \
    X(SIGN_IN, "Sign in", "Se connecter")                                                          \
    X(SIGN_OUT, "Sign out", "Se déconnecter")                                                      \
    X(NAME, "Name", "Nom")                                                                         \
    X(PASSWORD, "Password", "Mot de passe")                                                        \
    X(CODE, "Six-digit code", "Code à six chiffres")                                               \
    X(CODE_HINT,                                                                                   \
      "From your authenticator. Each code works once.",                                            \
      "De votre application d’authentification. Chaque code sert une fois.")                       \
    X(LOCKED_OUT,                                                                                  \
      "Locked out? Root on this machine can help: ecluse operator totp NAME.",                     \
      "Plus d’accès ? Root sur cette machine peut aider : ecluse operator totp NOM.")              \
    X(REFUSED,                                                                                     \
      "That did not match. Check the name, the password, and that the code is a new one.",         \
      "Cela ne correspond pas. Vérifiez le nom, le mot de passe, et que le code est "              \
      "nouveau.")                                                                                  \
    X(TOO_OFTEN, "Too many attempts. Try again in", "Trop d’essais. Réessayez dans")               \
    X(BUSY,                                                                                        \
      "Too many are signing in right now. Try again in a moment.",                                 \
      "Trop de connexions en cours. Réessayez dans un instant.")                                   \
    X(ALL_WELL, "All is well", "Tout va bien")                                                     \
    X(ONE_ALARM, "1 alarm", "1 alarme")                                                            \
    X(ALARMS, "alarms", "alarmes")                                                                 \
    X(ALARMS_TITLE, "Alarms", "Alarmes")                                                           \
    X(NO_ALARM, "No alarm.", "Aucune alarme.")                                                     \
    X(TO_DO, "What to do:", "Que faire :")                                                         \
    X(PROMISES, "Promises", "Promesses")                                                           \
    X(NO_PROMISE, "The contract makes no promise.", "Le contrat ne fait aucune promesse.")         \
    X(KEPT, "kept", "tenue")                                                                       \
    X(BROKEN, "broken", "rompue")                                                                  \
    X(NO_ANSWERS, "no answers yet", "pas encore de réponses")                                      \
    X(NOT_MEASURED, "not measured", "non mesurée")                                                 \
    X(PROMISED, "promised", "promis")                                                              \
    X(PROMISED_STATEMENT,                                                                          \
      "promised: the first public statement within %s",                                            \
      "promis : la première déclaration publique en moins de %s")                                  \
    X(WITHIN, "within", "en moins de")                                                             \
    X(OVER_TIME, "over", "sur")                                                                    \
    X(BEARS, "bears %s more failures", "supporte encore %s échecs")                                \
    X(BEARS_NONE, "bears no more failure", "ne supporte plus d’échec")                             \
    X(OF_ANSWERS, "of %s answers", "de %s réponses")                                               \
    X(CURVE,                                                                                       \
      "The last five minutes; the dashed line is what is promised.",                               \
      "Les cinq dernières minutes ; le pointillé est ce qui est promis.")                          \
    X(HOLDS, "Held now", "Retenus")                                                                \
    X(NO_HOLDS, "Nobody is held.", "Personne n’est retenu.")                                       \
    X(SINCE, "since", "depuis")                                                                    \
    X(UNDO, "Undo…", "Annuler…")                                                                   \
    X(UNDO_NAME, "Undo the hold", "Annuler la retenue")                                            \
    X(OBSERVED, "observed only", "observée seulement")                                             \
    X(MORE_HOLDS,                                                                                  \
      "and %s more: ecluse holds lists them all",                                                  \
      "et %s de plus : ecluse holds les liste tous")                                               \
    X(REFUSED_SINCE, "refused %s times since", "refusé %s fois depuis")                            \
    X(BUDGETS, "Budgets", "Budgets")                                                               \
    X(UNUSED, "nobody is near the limit", "personne n’est près de la limite")                      \
    X(NO_GUARD, "no guard for this budget yet", "pas encore de gardien pour ce budget")            \
    X(OBSERVES, "observes only", "observe seulement")                                              \
    X(BREAKER, "breaker open: stops only who is four times over",                                  \
      "disjoncteur ouvert : n’arrête que qui dépasse quatre fois la limite")                       \
    X(AT_MOST, "at most", "au plus")                                                               \
    X(IN_SPAN, "in", "en")                                                                         \
    X(OF, "of", "sur")                                                                             \
    X(HELD_COUNT, "%s held", "%s retenus")                                                         \
    X(PER_CLIENT, "each client", "chaque client")                                                  \
    X(PER_NETWORK, "each network", "chaque réseau")                                                \
    X(PER_ACCOUNT, "each account", "chaque compte")                                                \
    X(PER_HOST, "each host", "chaque machine")                                                     \
    X(PER_PAIR, "each pair of hosts", "chaque paire de machines")                                  \
    X(PER_USER, "each user", "chaque utilisateur")                                                 \
    X(PER_PROCESS, "each process", "chaque processus")                                             \
    X(PER_SHARE, "each share", "chaque partage")                                                   \
    X(PER_EVERYONE, "everyone together", "tous ensemble")                                          \
    X(OVER_SLOWED, "over it: slowed", "au-delà : ralenti")                                         \
    X(OVER_CHALLENGED, "over it: challenged", "au-delà : mis à l’épreuve")                         \
    X(OVER_HELD, "over it: held %s", "au-delà : retenu %s")                                        \
    X(GUARDS, "Guards", "Gardiens")                                                                \
    X(UP, "up", "en service")                                                                      \
    X(DOWN, "down", "arrêté")                                                                      \
    X(UNSEEN, "not visible", "non visible")                                                        \
    X(UNWANTED, "not needed", "inutile")                                                           \
    X(FRONT, "Front (nginx)", "Façade (nginx)")                                                    \
    X(EGRESS, "Bytes out (kernel)", "Octets sortants (noyau)")                                     \
    X(FILES, "Files", "Fichiers")                                                                  \
    X(SUPERVISOR, "Supervisor", "Superviseur")                                                     \
    X(KEEPER, "Keeper of the store", "Gardien du stock")                                           \
    X(RECORDER, "Audit log", "Journal d’audit")                                                    \
    X(WORKERS, "%s workers", "%s processus")                                                       \
    X(ENTRIES, "%s entries", "%s entrées")                                                         \
    X(UNWITNESSED, "%s not witnessed yet", "%s pas encore attestées")                              \
    X(LOST_ACTS, "%s could not be taken", "%s n’ont pu être prises")                               \
    X(TIMELINE, "What happened", "Ce qui s’est passé")                                             \
    X(NO_ENTRIES,                                                                                  \
      "The audit log cannot be read yet.",                                                         \
      "Le journal d’audit n’est pas encore lisible.")                                              \
    X(OLDER, "Older entries", "Entrées plus anciennes")                                            \
    X(NEWEST, "Newest entries", "Dernières entrées")                                               \
    X(ENTRY, "Entry", "Entrée")                                                                    \
    X(PROVE,                                                                                       \
      "Its proof, for somebody who does not trust us:",                                            \
      "Sa preuve, pour qui ne nous fait pas confiance :")                                          \
    X(BACK, "Back to the desk", "Retour au poste")                                                 \
    X(PANIC, "Panic…", "Panique…")                                                                 \
    X(PANIC_END, "End the panic…", "Finir la panique…")                                            \
    X(PANIC_NOW,                                                                                   \
      "PANIC: every budget only observes",                                                         \
      "PANIQUE : tous les budgets observent seulement")                                            \
    X(PANIC_TITLE, "Panic: let everybody through", "Panique : laisser passer tout le monde")       \
    X(PANIC_TEXT,                                                                                  \
      "Every budget goes into observe within a second: nobody is slowed, challenged or "           \
      "held any more. What would have been is still counted. It lasts until it is ended "          \
      "here or with ecluse panic --off.",                                                          \
      "Tous les budgets passent en observation en une seconde : plus personne n’est "              \
      "ralenti, mis à l’épreuve ou retenu. Ce qui l’aurait été reste compté. Cela dure "           \
      "jusqu’à ce qu’on y mette fin ici ou avec ecluse panic --off.")                              \
    X(PANIC_BEGIN, "Let everybody through now", "Laisser passer tout le monde")                    \
    X(PANIC_OFF_TITLE, "End the panic", "Finir la panique")                                        \
    X(PANIC_OFF_TEXT,                                                                              \
      "The contract’s modes are in force again within a second.",                                  \
      "Les modes du contrat sont de nouveau en vigueur en une seconde.")                           \
    X(REASON,                                                                                      \
      "Why (it goes on the record; name nobody)",                                                  \
      "Pourquoi (inscrit au journal ; ne nommez personne)")                                        \
    X(REASON_NEEDED,                                                                               \
      "Say why: it goes on the record.",                                                           \
      "Dites pourquoi : c’est inscrit au journal.")                                                \
    X(UNDO_TEXT,                                                                                   \
      "It ends within a second. Nothing that was counted is refunded: whoever is still "           \
      "over the limit may be held again.",                                                         \
      "Elle prend fin en une seconde. Rien de ce qui a été compté n’est rendu : qui "              \
      "dépasse encore la limite peut être retenu de nouveau.")                                     \
    X(CANCEL, "Leave it as it is", "Laisser en l’état")                                            \
    X(DONE_RELEASE,                                                                                \
      "The hold is undone; it is on the record.",                                                  \
      "La retenue est annulée ; c’est au journal.")                                                \
    X(DONE_ASKED,                                                                                  \
      "It is on the record and asked for; the guard has not answered yet.",                        \
      "C’est au journal et demandé ; le gardien n’a pas encore répondu.")                          \
    X(DONE_PANIC,                                                                                  \
      "Panic: everybody is let through; it is on the record.",                                     \
      "Panique : tout le monde passe ; c’est au journal.")                                         \
    X(DONE_PANIC_OFF,                                                                              \
      "The panic is over; it is on the record.",                                                   \
      "La panique est finie ; c’est au journal.")                                                  \
    X(DONE_PASSWORD,                                                                               \
      "Your password is changed. Sign in with it.",                                                \
      "Votre mot de passe est changé. Connectez-vous avec.")                                       \
    X(SIGNED_OUT, "You are signed out.", "Vous êtes déconnecté.")                                  \
    X(PASSWORD_TITLE, "Change your password", "Changer votre mot de passe")                        \
    X(PASSWORD_MUST,                                                                               \
      "It was set by somebody else: choose one that only you know.",                               \
      "Il a été choisi par quelqu’un d’autre : prenez-en un que vous seul connaissez.")            \
    X(PASSWORD_OLD, "Present password", "Mot de passe actuel")                                     \
    X(PASSWORD_NEW,                                                                                \
      "New password, 12 characters or more",                                                       \
      "Nouveau mot de passe, 12 caractères ou plus")                                               \
    X(PASSWORD_CHANGE, "Change it", "Le changer")                                                  \
    X(NOT_LIVE,                                                                                    \
      "The page is not live: reload it.",                                                          \
      "La page n’est pas en direct : rechargez-la.")                                               \
    X(RELOAD, "Reload", "Recharger")                                                               \
    X(UTC, "Times are UTC.", "Les heures sont en UTC.")                                            \
    X(PROBLEM, "That did not work", "Cela n’a pas marché")                                         \
    X(MODE_OBSERVE,                                                                                \
      "The contract observes only: nobody is slowed or held.",                                     \
      "Le contrat observe seulement : personne n’est ralenti ni retenu.")
/* clang-format on */

enum word {
#define X(constant, ...) WORD_##constant,
    WORDS(X)
#undef X
        WORD_COUNT
};

const char *word(int language, enum word word);
const char *language_tag(int language); /* "en", "fr" */

/* What an act is called on the timeline, and an alarm at the top. */
const char *act_word(int language, enum act_kind kind);
const char *alarm_word(int language, enum alarm_kind kind);
const char *alarm_advice(int language, enum alarm_kind kind);

/* ---- Figures: 12,345 and 12 345; 99.98 % and 99,98 % ----------------------------------------- */

enum { SAY_SIZE = 64 };

char *say_count(int language, uint64_t count, char out[SAY_SIZE]);
char *say_amount(int language, enum meter_unit unit, uint64_t amount, char out[SAY_SIZE]);
char *say_share(int language, uint32_t millionths, char out[SAY_SIZE]);
char *say_span(int language, nanos_t span,
               char out[SAY_SIZE]); /* at most two units: "2 d 4 h", "2 j 4 h" */

/* ---- HTML ------------------------------------------------------------------------------------ */

void html_text(struct writer *w, const char *text); /* escaped; what is not UTF-8 becomes "?" */
void html_word(struct writer *w, int language, enum word word); /* escaped */
/* A word in which %s stands for `with`, both escaped. */
void html_word_with(struct writer *w, int language, enum word word, const char *with);
/* <time datetime="...">14:03:20</time> (UTC), with the date when it is another day; and two of them
 * with an arrow and "UTC". */
void html_time(struct writer *w, nanos_t wall, nanos_t now);
void html_times(struct writer *w, nanos_t from, nanos_t to, nanos_t now);

#endif
