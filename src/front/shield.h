/* shield.h: form, check digit, filter, store: in that order, the cheap before the dear.
 *
 * What cannot exist ends at its form; what is not live ends in memory; only what is known touches
 * the disk.
 */
#ifndef ECLUSE_SHIELD_H
#define ECLUSE_SHIELD_H

#include "budget/guard.h"
#include "tracking/filter.h"
#include "tracking/store.h"

struct shield {
    const struct contract *contract;
    struct store *store;         /* NULL: there is none, or it is switched off */
    const struct filter *filter; /* NULL: says "maybe" to everything */
    struct budgets *budgets; /* NULL: nothing is counted, and nobody notes who dies in the store */
    int slot;
};

enum sight {
    SIGHT_WRONG_FORM,
    SIGHT_WRONG_CHECK,
    SIGHT_UNKNOWN, /* well-formed and not live */
    SIGHT_FOUND,
    SIGHT_BLIND, /* well-formed; the store cannot say */
};

/* Form and check digit alone: SIGHT_BLIND when both are right, with *parcel set. */
enum sight shield_form(const struct shield *s, struct text typed, struct parcel_number *parcel);

/* Filter and store. On SIGHT_FOUND the worker is noted as inside the store, since the history
 * borrows from it: shield_done() when it has been used. */
enum sight shield_look(const struct shield *s, const struct parcel_number *parcel,
                       struct history *history);
void shield_done(const struct shield *s);

/* %XX and + of a query string, and nothing else, into `out`; what does not fit is cut. A number has
 * neither sign, so decoding what was decoded before changes nothing. */
struct text shield_unescape(struct text typed, char *out, size_t size);

#endif
