#include "tracking/answer_text.h"

static const struct text table[ANSWER_TEXT_COUNT][LANGUAGE_COUNT] = {
#define LENGTH(literal)                                                                            \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define X(constant, fr, nl, de, en)                                                                \
    [ANSWER_TEXT_##constant] = {LENGTH(fr), LENGTH(nl), LENGTH(de), LENGTH(en)},
    ANSWER_TEXTS(X)
#undef X
};

static const struct text weekdays[LANGUAGE_COUNT][7] = {
    {LENGTH("lundi"), LENGTH("mardi"), LENGTH("mercredi"), LENGTH("jeudi"), LENGTH("vendredi"),
     LENGTH("samedi"), LENGTH("dimanche")},
    {LENGTH("maandag"), LENGTH("dinsdag"), LENGTH("woensdag"), LENGTH("donderdag"),
     LENGTH("vrijdag"), LENGTH("zaterdag"), LENGTH("zondag")},
    {LENGTH("Montag"), LENGTH("Dienstag"), LENGTH("Mittwoch"), LENGTH("Donnerstag"),
     LENGTH("Freitag"), LENGTH("Samstag"), LENGTH("Sonntag")},
    {LENGTH("Monday"), LENGTH("Tuesday"), LENGTH("Wednesday"), LENGTH("Thursday"), LENGTH("Friday"),
     LENGTH("Saturday"), LENGTH("Sunday")},
};

static const struct text months[LANGUAGE_COUNT][12] = {
    {LENGTH("janvier"), LENGTH("février"), LENGTH("mars"), LENGTH("avril"), LENGTH("mai"),
     LENGTH("juin"), LENGTH("juillet"), LENGTH("août"), LENGTH("septembre"), LENGTH("octobre"),
     LENGTH("novembre"), LENGTH("décembre")},
    {LENGTH("januari"), LENGTH("februari"), LENGTH("maart"), LENGTH("april"), LENGTH("mei"),
     LENGTH("juni"), LENGTH("juli"), LENGTH("augustus"), LENGTH("september"), LENGTH("oktober"),
     LENGTH("november"), LENGTH("december")},
    {LENGTH("Januar"), LENGTH("Februar"), LENGTH("März"), LENGTH("April"), LENGTH("Mai"),
     LENGTH("Juni"), LENGTH("Juli"), LENGTH("August"), LENGTH("September"), LENGTH("Oktober"),
     LENGTH("November"), LENGTH("Dezember")},
    {LENGTH("January"), LENGTH("February"), LENGTH("March"), LENGTH("April"), LENGTH("May"),
     LENGTH("June"), LENGTH("July"), LENGTH("August"), LENGTH("September"), LENGTH("October"),
     LENGTH("November"), LENGTH("December")},
};

struct text answer_text(enum answer_text text, enum language language)
{
    return table[text][language];
}

struct text answer_weekday(unsigned weekday, enum language language)
{
    return weekdays[language][weekday % 7];
}

struct text answer_month(unsigned month, enum language language)
{
    return months[language][(month + 11) % 12];
}
