/* rewrite.h: what became of a file: its new version judged against the old one, by figures.
 *
 * A rewrite counts against `files_rewritten` when what the file held is gone in a way that saving,
 * building and converting do not have; every count carries its ground and the figures behind it,
 * and there is no score. REWRITE_GROUNDS is the whole rule.
 *
 * Figures    the file type by its own magic (few types that matter, and `text`, and `unknown`); the
 *            Shannon entropy of 4 KiB chunks, in thousandths of a bit per byte, over the chunks
 *            that differ; how many of these rose to that of noise; and for types that are dense in
 *            themselves (zip, JPEG, PNG, gzip, PDF) whether their inner structure still holds.
 * Sampled    small files whole; of large ones the head, the tail and chunks at places that depend
 *            on a secret seed, so that nobody can write around them: at most REWRITE_CHUNKS chunks
 *            of each file. Encryption of every other block or of the first 4 KiB changes many of
 *            the sampled chunks, or the type.
 * Pure       reads the two descriptors given (pread, never at more than the bound) and nothing
 *            else; no clock, no allocation beyond the stack. It parses what attackers wrote: run
 *            it where nothing can be lost (rewrite_serve(), in a process without rights).
 * Limits     whoever rewrites text by other text, or a photo by another photo, passes as benign;
 *            the vault has the old version all the same. docs/files.md.
 */
#ifndef ECLUSE_FILES_REWRITE_H
#define ECLUSE_FILES_REWRITE_H

#include "base/base.h"

#include <stdbool.h>

enum { REWRITE_CHUNK = 4096, REWRITE_CHUNKS = 256 };

enum rewrite_verdict { REWRITE_BENIGN, REWRITE_COUNTS };

/*    constant       verdict  name             of a file: what is said */
#define REWRITE_GROUNDS(X)                                                                         \
    X(UNCHANGED, BENIGN, "unchanged", "holds what it held")                                        \
    X(KEPT, BENIGN, "kept", "kept its type, and its entropy did not rise")                         \
    X(GROWN, BENIGN, "grown", "was added to, and holds what it held")                              \
    X(PACKED, BENIGN, "packed", "was compressed: what it held comes out of its successor")         \
    X(CONVERTED, BENIGN, "converted", "became another type that holds, under another name")        \
    X(OWN, BENIGN, "own", "held only what the same process tree wrote a short while before")       \
    X(TYPE_LOST, COUNTS, "type_lost", "lost its type")                                             \
    X(RISEN, COUNTS, "risen", "gained the entropy of noise")                                       \
    X(DAMAGED, COUNTS, "damaged", "has its type's head, but its structure is broken")              \
    X(EMPTIED, COUNTS, "emptied", "was emptied, blanked or cut to less than an eighth")            \
    X(VANISHED, COUNTS, "vanished", "was removed, and nothing took its place")                     \
    X(UNJUDGED, COUNTS, "unjudged", "could not be judged")

enum rewrite_ground {
#define X(constant, ...) REWRITE_##constant,
    REWRITE_GROUNDS(X)
#undef X
        REWRITE_GROUND_COUNT
};

const char *rewrite_ground_name(enum rewrite_ground ground);
const char *rewrite_ground_text(enum rewrite_ground ground);
enum rewrite_verdict rewrite_ground_verdict(enum rewrite_ground ground);

struct rewrite_figures {
    uint8_t verdict;       /* enum rewrite_verdict */
    uint8_t ground;        /* enum rewrite_ground */
    uint8_t before, after; /* types: filetype_name() in filetype.h */
    /* over the sampled chunks that differ; equal to each other when none does */
    uint16_t entropy_before, entropy_after; /* thousandths of a bit per byte: 0 to 8000 */
    uint16_t read, changed, risen;          /* chunks */
    uint64_t size_before, size_after;       /* bytes */
};

/* Judges new_fd against old_fd, both open for reading (or new_fd -1: there is none, so VANISHED).
 * `same_name`: the new one stands under the old one's name, or is the same inode. Who converts a
 * file gives it another name; under the same one, another type is a type lost.
 * What cannot be read is UNJUDGED; it never fails. 0.1 to 1 ms (bench/vault). */
void rewrite_judge(int old_fd, int new_fd, bool same_name, uint64_t seed,
                   struct rewrite_figures *out);

/* A ground that the two files do not show (OWN, VANISHED, UNJUDGED), with sizes alone. */
void rewrite_figures_set(struct rewrite_figures *out, enum rewrite_ground ground,
                         uint64_t size_before, uint64_t size_after);

/* ---- Of many files: for a hold's reason ------------------------------------------------------ */

struct rewrite_tally { /* all zero to begin with; of one process tree or one user */
    uint32_t files, counted;
    uint32_t of_ground[REWRITE_GROUND_COUNT];
    uint32_t measured; /* files whose entropy was: all that changed, but the vanished */
    uint64_t entropy_before, entropy_after; /* sums over these */
    nanos_t first, last;
};

void rewrite_tally_add(struct rewrite_tally *tally, const struct rewrite_figures *figures,
                       nanos_t now);

/* "47 of 50 files rewritten in 9 s, 46 lost their type, 1 was emptied, mean entropy 3.1 to 7.99":
 * counted, all, first to last, the grounds that were counted (most frequent first, three at most),
 * and the entropy when it was measured. Nothing personal in it. Returns out. */
enum { REWRITE_TEXT_SIZE = 192 };
char *rewrite_tally_text(const struct rewrite_tally *tally, char out[REWRITE_TEXT_SIZE]);

/* ---- In a process of its own ----------------------------------------------------------------- */

/* Judges what comes over a SOCK_SEQPACKET socket until the other end closes (0) or it fails
 * (negative errno). Needs read, pread, fstat, recvmsg, sendmsg and close, and no file system: call
 * it after all rights were given up. */
int rewrite_serve(int socket);

/* The other end: asks one question and waits for its answer, `patience` at most; whatever goes
 * wrong is the ground UNJUDGED, and -ETIMEDOUT or another negative errno is returned (the caller
 * then starts a new judge). One question at a time on a socket. */
int rewrite_ask(int socket, int old_fd, int new_fd, bool same_name, uint64_t seed, nanos_t patience,
                struct rewrite_figures *out);

#endif
