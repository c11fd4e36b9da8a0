/* reader.h: entries and proofs out of a log's folder, for anybody who may read it; the writer is
 * not asked.
 *
 * What a reader sees is what its checkpoint covers; reader_refresh() takes up a later one. Not
 * thread-safe; a few hundred kB each.
 */
#ifndef ECLUSE_AUDIT_READER_H
#define ECLUSE_AUDIT_READER_H

#include "audit/entry.h"
#include "audit/note.h"
#include "audit/tile.h"

struct audit_reader;

/* `folder` is a log ("state/audit", or a copy of one). -ENOENT when there is none, -EBADMSG when
 * its checkpoint is not one. */
int audit_reader_open(const char *folder, struct audit_reader **out, struct error *error);
void audit_reader_close(struct audit_reader *reader); /* takes NULL */
int audit_reader_refresh(struct audit_reader *reader, struct error *error);

uint64_t audit_reader_size(const struct audit_reader *reader);
struct text
audit_reader_checkpoint(const struct audit_reader *reader); /* the signed note, borrowed */

/* One entry's bytes, borrowed until the next call. -ERANGE beyond the checkpoint, -EBADMSG when
 * the file is not whole. */
int audit_reader_entry(struct audit_reader *reader, uint64_t index, struct text *out);

int audit_reader_inclusion(struct audit_reader *reader, uint64_t index, struct merkle_proof *out);
int audit_reader_consistency(struct audit_reader *reader, uint64_t size1, struct merkle_proof *out);

/* Appends a proof in the form of c2sp.org/tlog-proof: the entry itself is its `extra`, so that
 * the proof needs nothing else. Several proofs may stand one after the other in a file: each
 * begins with the line "c2sp.org/tlog-proof@v1". */
enum { PROOF_SIZE_MAX = 3 * 64 * 1024 };
int audit_reader_proof(struct audit_reader *reader, uint64_t index, struct writer *out);

#endif
