/* witness.h: somebody else's signature on what the log was at a time (c2sp.org/tlog-witness).
 *
 * A witness keeps, for each log that it knows, the latest checkpoint that it cosigned, and cosigns
 * another only when it is shown to be a continuation. Run by a supervisor, another operator or an
 * insurer, it is what makes a rollback show. This is its judgement; HTTP is around it (cli).
 *
 * State     a folder with one file a log, named by the SHA-256 of its origin: the cosigned
 *           checkpoint, replaced by rename after its fsync, before the answer goes out. One process
 *           (flock).
 * Input     request bodies from anybody: bounded (WITNESS_REQUEST_MAX), parsed strictly, fuzzed.
 */
#ifndef ECLUSE_AUDIT_WITNESS_H
#define ECLUSE_AUDIT_WITNESS_H

#include "audit/note.h"

enum { WITNESS_REQUEST_MAX = NOTE_SIZE_MAX, WITNESS_LOGS_MAX = 64, WITNESS_ANSWER_MAX = 4096 };

struct witness;

/* `key` is a cosigner's; `logs` are the logs' verifier keys (several may have one origin, while
 * a key is rotated). */
int witness_open(const char *folder, const struct signer_key *key, const struct verifier_key *logs,
                 size_t count, struct witness **out, struct error *error);
void witness_close(struct witness *witness); /* takes NULL */

struct witness_answer {
    unsigned status; /* HTTP: 200, 400, 403, 404, 409, 422; 500 when the state cannot be written */
    const char *content_type;
    char body[WITNESS_ANSWER_MAX];
    size_t length;
};

/* POST /add-checkpoint. `time` is the wall clock in seconds. */
void witness_add_checkpoint(struct witness *witness, struct text request, uint64_t time,
                            struct witness_answer *out);

/* GET /<origin hash>/checkpoint. */
void witness_get_checkpoint(struct witness *witness, struct text origin_hash,
                            struct witness_answer *out);

/* ---- The log's side -------------------------------------------------------------------------- */

/* The body of a request: the consistency proof from `old_size` and the log's signed checkpoint. */
void witness_request_write(uint64_t old_size, const struct merkle_proof *proof,
                           struct text checkpoint, struct writer *out);

/* The lines of an answer that are cosignatures by this key on this checkpoint's body, written to
 * *out; false when there is none. Anything else in the answer is left out. */
bool witness_answer_lines(struct text answer, struct text body, const struct verifier_key *key,
                          struct writer *out);

#endif
