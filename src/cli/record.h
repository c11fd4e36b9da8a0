/* record.h: what the command's own processes put on the record.
 *
 * Most acts are handed over and forgotten (audit/handover.h). Acts that loosen containment (a
 * release, a panic, a contract that allows more) are done only once their entry is durable:
 * record_durably() waits for that, for 2 s at most (where `ecluse run` is dead, not at all), and
 * otherwise says what to type. Root may go on
 * with --without-record: then the act is told to syslog and to the journal instead, and is handed
 * over all the same, so that it is on the record as soon as the log can be written again.
 */
#ifndef ECLUSE_RECORD_H
#define ECLUSE_RECORD_H

#include "audit/handover.h"
#include "cli/cli.h"
#include "contract/contract.h"

#define RECORD_PATIENCE (2 * NANOS_SECOND)

/* An act of now. `actor` is "root", "guard front", ...; the reason is a sentence with its numbers,
 * cut to what an act may hold. */
__attribute__((format(printf, 4, 5))) struct act
record_act(enum act_kind kind, const char *actor, const char *object, const char *format, ...);

/* Who runs this command: "operator NAME" when root was asked through sudo, "root", or "user N". */
void record_actor(char out[ACT_NAME_SIZE]);

/* Puts a command's act on the record, durably. EXIT_DONE, or EXIT_COULD_NOT after having said why
 * (and handed over that it was not done). `what` says it in a few words: "the release of
 * hold-2f-front". */
int record_durably(const struct arguments *a, const char *runtime, const struct act *act,
                   const char *what);

/* The same where a log was begun. Where `ecluse run` has never run there is none yet, and what must
 * be set up before it (the first operator, a key) is done without, which is said; the log begins
 * with it (unrecorded.h). */
int record_where_kept(const struct arguments *a, const struct contract *c, const struct act *act,
                      const char *what);

/* The same without waiting, for what tightens or only tells. Says nothing when there is no ring. */
void record_say(const char *runtime, enum handover_name ring, const struct act *act);

/* Takes back what record_durably() has put there, and could then not be done. */
void record_not_done(const char *runtime, const struct act *act, const char *why);

#endif
