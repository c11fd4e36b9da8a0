/* What reading a parcel number costs, by how it is typed: bench-parcel. Median of 9 rounds on
 * one core over numbers that all differ, so that no branch is learnt by heart. Target under 40
 * ns for what is typed in ASCII. */
#include "tracking/parcel.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 9, TURNS = 20, NUMBERS = 65536 };

static const struct parcel_format formats[] = {
    {FORMAT_S10, 0, 0}, {FORMAT_COLISSIMO, 0, 0}, {FORMAT_SSCC, 0, 0}};

static const struct {
    const char *what, *shape; /* 0: any digit, *: the check digit; others as they are */
    enum parcel_format_kind kind;
    unsigned body;         /* how many characters the check digit is about, ... */
    unsigned skip;         /* ... after these */
    const char *separator; /* put behind every fourth character or so */
    int wrong;             /* added to the check digit */
} cases[] = {
    {"S10", "RA00000000*FR", FORMAT_S10, 8, 2, NULL, 0},
    {"S10, lower case, spaces", "ra00000000*fr", FORMAT_S10, 8, 2, " ", 0},
    {"S10, a digit mistyped", "RA00000000*FR", FORMAT_S10, 8, 2, NULL, 1},
    {"Colissimo", "6P0000000000*", FORMAT_COLISSIMO, 12, 0, NULL, 0},
    {"SSCC", "00000000000000000*", FORMAT_SSCC, 17, 0, NULL, 0},
    {"SSCC, spaces", "00000000000000000*", FORMAT_SSCC, 17, 0, " ", 0},
    {"SSCC, no-break spaces", "00000000000000000*", FORMAT_SSCC, 17, 0, "\xc2\xa0", 0},
    {"no number", "wp-login.php", FORMAT_S10, 0, 0, NULL, 0},
};

static char typed[NUMBERS][PARCEL_INPUT_MAX];
static struct text text[NUMBERS];

static void type(unsigned which, unsigned n)
{
    char number[32];
    size_t length = strlen(cases[which].shape), at = 0;
    for (size_t i = 0; i <= length; i++) {
        char c = cases[which].shape[i];
        number[i] = c == '0' ? (char)('0' + rand() % 10) : c;
        if (c == '*') {
            int check = parcel_check_digit(cases[which].kind, number + cases[which].skip) - '0';
            number[i] = (char)('0' + (check + cases[which].wrong) % 10);
        }
    }
    for (size_t i = 0; i < length; i++) {
        typed[n][at++] = number[i];
        if (cases[which].separator && rand() % 4 == 0)
            for (const char *s = cases[which].separator; *s; s++)
                typed[n][at++] = *s;
    }
    text[n] = (struct text){typed[n], at};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double read_all(void)
{
    nanos_t begun = clock_boot();
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (unsigned n = 0; n < NUMBERS; n++) {
            struct parcel_number number;
            enum parcel_verdict verdict = parcel_parse(formats, 3, text[n], &number, NULL);
            __asm__ volatile("" : : "r"(verdict), "m"(number)); /* it is wanted */
        }
    return (double)(clock_boot() - begun) / TURNS / NUMBERS;
}

int main(void)
{
    for (unsigned which = 0; which < sizeof cases / sizeof cases[0]; which++) {
        double round[ROUNDS];
        for (unsigned n = 0; n < NUMBERS; n++)
            type(which, n);
        for (int r = 0; r < ROUNDS; r++)
            round[r] = read_all();
        qsort(round, ROUNDS, sizeof round[0], by_size);
        printf("%-26s %6.1f ns\n", cases[which].what, round[ROUNDS / 2]);
    }
    return 0;
}
