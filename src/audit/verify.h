/* verify.h: whether a log's folder is what its checkpoint says, without trust in whoever wrote it.
 *
 * Reads every entry once, in order, and every tile against what the entries hash to. Needs nothing
 * but the folder; with the log's key it says who signed, and with a checkpoint that somebody else
 * has cosigned and kept it says that nothing before it was changed, cut or rolled back.
 *
 * Cost      about 300 ns an entry of 250 bytes on one core; memory does not grow with the log
 *           (bench/audit).
 * Place     the first thing found wrong is named by its file and, where there is one, its entry.
 *           Older partial tiles that are still there must agree too; what a cut-off write left
 *           beyond the checkpoint is not judged.
 */
#ifndef ECLUSE_AUDIT_VERIFY_H
#define ECLUSE_AUDIT_VERIFY_H

#include "audit/note.h"

/*  constant               what people read */
#define VERIFY_FINDINGS(X)                                                                         \
    X(SOUND, "every entry is the one that the checkpoint covers")                                  \
    X(NO_CHECKPOINT, "there is no checkpoint")                                                     \
    X(BAD_CHECKPOINT, "the checkpoint is not a signed checkpoint")                                 \
    X(BAD_SIGNATURE, "the checkpoint is not signed by this key")                                   \
    X(MISSING, "a file that the checkpoint needs is missing or cannot be read")                    \
    X(MALFORMED, "a file is not of the form that it should have")                                  \
    X(ENTRY_CHANGED, "an entry is not the one in the tree")                                        \
    X(TILE_CHANGED, "a tile is not what the entries below it hash to")                             \
    X(ROOT_DIFFERS, "entries and tiles agree with each other, but not with the checkpoint")        \
    X(FOREIGN_FILE, "there is a file that does not belong to a log")                               \
    X(BAD_COSIGNED,                                                                                \
      "the cosigned checkpoint is not one of this log, or its signature does not verify")          \
    X(ROLLED_BACK, "the log is shorter than the cosigned checkpoint: entries were cut off")        \
    X(HISTORY_CHANGED, "an entry before the cosigned checkpoint was changed")

enum verify_finding {
#define X(constant, text) VERIFY_##constant,
    VERIFY_FINDINGS(X)
#undef X
        VERIFY_FINDING_COUNT
};

const char *verify_finding_text(enum verify_finding finding);

struct verify_options {
    const struct verifier_key
        *key; /* of the log; NULL: the signature is not authenticated, and the report says so */
    const struct verifier_key
        *former; /* keys that it had before they were rotated: any of them may have signed */
    size_t former_count;
    struct text cosigned; /* a checkpoint kept elsewhere, with its signatures; empty: rollback is
                             not excluded */
    const struct verifier_key
        *witnesses; /* whose cosignature on it counts; none: the log's own signature on it does */
    size_t witness_count;
    /* For each entry, in order; NULL for none. Not called for what was found wrong. */
    void (*entry)(void *context, uint64_t index, struct text entry);
    void (*progress)(void *context, uint64_t done, uint64_t size);
    void *context;
};

struct verify_report {
    enum verify_finding finding;
    char place[160]; /* "tile/entries/x001/234, entry 60019"; "" when sound */
    uint64_t size;   /* of the checkpoint */
    bool key_authenticated;
    bool rollback_excluded; /* up to cosigned_size */
    uint64_t cosigned_size;
    char key_text[NOTE_VKEY_SIZE]; /* name and id that the checkpoint claims */
};

/* 0 when it could be judged (the report says how), a negative errno when it could not. */
int audit_verify(const char *folder, const struct verify_options *options,
                 struct verify_report *out);

#endif
