/* evidence.h: which files a hold is about. Personal: read by root, erased after `keep: holds`.
 *
 * `state/evidence/HOLD.jsonl`, 0600 in a folder of 0700. The first line is about the hold, each
 * other about one file, oldest first. Paths are bytes as the file system has them; what is no UTF-8
 * in them is written as `?`.
 */
#ifndef ECLUSE_FILES_EVIDENCE_H
#define ECLUSE_FILES_EVIDENCE_H

#include "budget/budget.h"
#include "files/board.h"

struct evidence {
    uint64_t hold;
    const char *budget, *tree; /* names; tree "" when the hold is not about one */
    enum principal_kind kind;
    uint32_t user;
    uint64_t tree_id;
    uint16_t share;
    nanos_t from, until; /* boot clock: traces in between */
    nanos_t wall;        /* now, on both clocks */
    nanos_t boot;
};

/* Writes it whole (temporary name, rename). `reason`: the figures of what was rewritten, "" when
 * nothing was (REWRITE_TEXT_SIZE). Returns how many files it names, or a negative errno. */
long files_evidence_write(const char *state, const struct contract *contract,
                          const struct board *board, const struct evidence *evidence, char *reason);

/* Erases what is older than `keep` and about no hold in force; touches what is. */
void files_evidence_expire(const char *state, const struct budgets *b, nanos_t keep, nanos_t boot,
                           nanos_t wall);

/* The lines, for `ecluse why`: calls `line` for each; a negative errno, or how many. */
long files_evidence_read(const char *state, const char *hold,
                         void (*line)(void *context, const char *text, size_t length),
                         void *context);

#endif
