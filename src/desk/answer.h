/* answer.h: the functions of the routes, one each; and who is asking.
 */
#ifndef ECLUSE_DESK_ANSWER_H
#define ECLUSE_DESK_ANSWER_H

#include "desk/exchange.h"

/* All checks, then the route's function. Called again when a job that it gave away is done. */
enum MHD_Result answer(struct exchange *x);

/* One function a route: answer_PAGE() and so on. */
#define X(constant, ...) enum MHD_Result answer_##constant(struct exchange *x);
ROUTES(X)
#undef X

/* ---- For those functions --------------------------------------------------------------------- */

/* The session of the cookie, or NULL: asked again after a job, since it may have ended meanwhile.
 */
struct session *answer_session(struct exchange *x, bool active);

/* An act of who is signed in: filled but for what it is about. */
struct act act_of(const struct exchange *x, enum act_kind kind);

/* Hands an act over to the log without waiting; nothing is lost but the record when there is none.
 */
void act_tell(struct exchange *x, const struct act *act);

/* In a job: 0 once work->act is durable. Without a ring (no log is kept here) it is 0 too. */
int act_durably(struct work *work);

/* In a job: what was handed over by act_durably() was not done after all. */
void act_take_back(struct work *work, const char *why);

/* A field of the form or of the JSON body, whichever the route takes. Answers and returns false
 * when it is not right. */
struct wanted {
    const char *name;
    char *out;
    size_t size;
    bool required;
};
bool answer_fields(struct exchange *x, const struct wanted *fields, size_t count,
                   struct error *error);

#endif
