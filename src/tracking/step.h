/* step.h: the steps of a parcel's life, and what each carrier's codes mean.
 *
 * Two X-macro tables, each the only one of its kind: steps (with the texts that the public reads)
 * and codes. Event codes outside the table are kept as they came and shown as "in transit" without
 * a claim.
 */
#ifndef ECLUSE_STEP_H
#define ECLUSE_STEP_H

#include "base/base.h"
#include "contract/contract.h"

/* Order is the order of a parcel's life; the value is stored: append only. */
enum step {
    STEP_UNKNOWN,
    STEP_ANNOUNCED,
    STEP_ACCEPTED,
    STEP_IN_TRANSIT,
    STEP_CUSTOMS,
    STEP_SORTING,
    STEP_OUT_FOR_DELIVERY,
    STEP_ATTEMPTED,
    STEP_PICKUP,
    STEP_DELIVERED,
    STEP_RETURNED,
    STEP_INCIDENT,
    STEP_COUNT
};

/* The ids 1 to 5 of Suivi v2's timeline. */
enum step_stage { STAGE_ANNOUNCED = 1, STAGE_TAKEN, STAGE_TRANSIT, STAGE_NEAR, STAGE_DONE };

const char *step_name(enum step step); /* "out_for_delivery": in JSON and tests */
struct text step_label(enum step step, enum language language); /* "Out for delivery" */
/* What comes next, a sentence; empty when the step is final. */
struct text step_next(enum step step, enum language language);
enum step_stage step_stage(enum step step);
bool step_is_final(enum step step);
int step_sentiment(enum step step); /* Suivi v2: 1 positive, 0 neutral, -1 problem */

enum code_list {
    CODES_LAPOSTE,
    CODES_UPU,
    CODES_EPCIS_STEP,
    CODES_EPCIS_DISPOSITION,
    CODE_LIST_COUNT
};

/* The step of a carrier's code; STEP_UNKNOWN when the table does not have it. For EPCIS the CBV's
 * full URIs and short names are both taken. */
enum step step_of_code(enum code_list list, struct text code);

/* The short name in a CBV URI ("urn:epcglobal:cbv:bizstep:shipping" gives "shipping"); any other
 * text as it is. */
struct text step_bare_code(enum code_list list, struct text code);

/* The step named as step_name() names it: for carriers without codes of their own. STEP_UNKNOWN
 * when there is none. */
enum step step_of_name(struct text name);

/* Which list a bare code ("ET1", "EMC") belongs to, tried in the order La Poste, UPU. */
enum step step_of_any_code(struct text code, enum code_list *list);

/* The La Poste code to show for a step where the event came from another carrier (for Suivi v2
 * clients). */
const char *step_laposte_code(enum step step);

#endif
