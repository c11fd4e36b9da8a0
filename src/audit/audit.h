/* audit.h: on the record: every act of Ecluse and of its operators, in a log that shows when it was changed.
 *
 * merkle.h    RFC 6962 trees as arithmetic
 * note.h      signed notes, checkpoints, cosignatures (C2SP)
 *
 * The tree, its proofs and its signatures are here; the log's files, its writer and its commands are the next to come
 * (CHANGELOG says what is there).
 */
#ifndef ECLUSE_AUDIT_H
#define ECLUSE_AUDIT_H

#include "audit/merkle.h"
#include "audit/note.h"

#endif
