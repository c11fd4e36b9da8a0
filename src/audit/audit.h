/* audit.h: on the record: every act of Ecluse and of its operators, in a log that shows when it was
 * changed.
 *
 * act.h       one thing that Ecluse did or was told
 * handover.h  from the guards to the one writer, without ever waiting
 * entry.h     an act as one line of the log: JSON, nobody named
 * key.h       the key that signs the log, and those before it
 * recorder.h  the one writer: from the rings to the log and the salts
 * follower.h  the thread that keeps the index up with the log
 * index.h     which entry is where: rebuilt from the log, never evidence
 * salts.h     whom the entries meant, kept outside the log and for a while only
 * merkle.h    RFC 6962 trees as arithmetic: roots, proofs and their verification
 * note.h      signed notes, checkpoints, cosignatures (C2SP)
 * tile.h      the log's files: tiles and bundles of entries (C2SP tlog-tiles)
 * log.h       the one writer: staged, synced, then signed; a checkpoint never says more than the
 *             disk holds
 * verify.h    a folder judged without trust in who wrote it, and the first place that is wrong
 * reader.h    entries and proofs out of a folder, for anybody who may read it
 * witness.h   somebody else's signature on what the log was at a time (C2SP tlog-witness)
 * sync.h      many files made durable in about the time of one
 */
#ifndef ECLUSE_AUDIT_H
#define ECLUSE_AUDIT_H

#include "audit/act.h"
#include "audit/entry.h"
#include "audit/follower.h"
#include "audit/handover.h"
#include "audit/index.h"
#include "audit/key.h"
#include "audit/log.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "audit/reader.h"
#include "audit/recorder.h"
#include "audit/salts.h"
#include "audit/tile.h"
#include "audit/verify.h"
#include "audit/witness.h"

#endif
