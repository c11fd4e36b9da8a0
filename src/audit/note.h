/* note.h: signed notes, checkpoints and cosignatures, as C2SP writes them.
 *
 * Sources    c2sp.org/signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature (Ed25519, type
 *            0x04). ML-DSA-44 is recommended there for new logs; no library of Debian 12 has it, so
 *            its signatures are ignored like those of any unknown key.
 * Keys       Ed25519 of libsodium. A verifier key ("vkey") is text: NAME+KEYID+base64(type ||
 *            public key).
 * Errors     outside text is parsed strictly: control characters, non-canonical numbers and base64
 *            are refused with -EBADMSG.
 */
#ifndef ECLUSE_NOTE_H
#define ECLUSE_NOTE_H

#include "audit/merkle.h"
#include "base/base.h"

enum {
    NOTE_SIZE_MAX = 64 * 1024,
    NOTE_NAME_MAX = 255,
    NOTE_SIGNATURES_MAX = 64, /* the specification asks for at least 16 */
    NOTE_VKEY_SIZE = NOTE_NAME_MAX + 80,
    NOTE_LINE_SIZE = NOTE_NAME_MAX + 120, /* one signature line of ours */
};

enum note_key_type { NOTE_KEY_LOG = 0x01, NOTE_KEY_COSIGNER = 0x04 };

struct verifier_key {
    char name[NOTE_NAME_MAX + 1];
    uint32_t id;
    uint8_t type; /* enum note_key_type */
    uint8_t key[32];
};

struct signer_key {
    struct verifier_key verifier;
    uint8_t secret[64]; /* libsodium's form: seed, then public key */
};

/* Names must not be empty nor hold spaces, '+' or control characters: -EINVAL. */
int signer_key_make(const char *name, enum note_key_type type, const uint8_t seed[32],
                    struct signer_key *out);
void signer_key_wipe(struct signer_key *key);

/* "NAME+KEYID+BASE64"; returns out. */
char *verifier_key_text(const struct verifier_key *key, char out[NOTE_VKEY_SIZE]);
int verifier_key_parse(struct text text, struct verifier_key *out);

/* A note in two parts, borrowed from the text that was parsed. */
struct note {
    struct text body; /* with its final newline, without the empty line */
    size_t count;
    struct note_signature {
        struct text name;
        uint32_t id;
        struct text line;      /* whole, with its newline */
        uint8_t signature[80]; /* what follows the id; longer ones have length > 80 and are kept
                                  only as `line` */
        size_t length;
    } signature[NOTE_SIGNATURES_MAX];
};

int note_parse(struct text text, struct note *out);

enum note_verdict {
    NOTE_SIGNED,     /* by this key */
    NOTE_NOT_SIGNED, /* no line of this key's name and id */
    NOTE_WRONG,      /* a line of this key that does not verify: the whole note is to be refused */
};

/* For a cosigner's key, *time (may be NULL) receives the time it stated, in seconds. */
enum note_verdict note_verify(const struct note *note, const struct verifier_key *key,
                              uint64_t *time);

/* Appends "— NAME BASE64\n" for the body. `time` is for a cosigner's key only. */
void note_sign(const struct signer_key *key, struct text body, uint64_t time, struct writer *out);

struct checkpoint {
    struct text origin; /* borrowed */
    uint64_t size;
    struct merkle_hash root;
};

int checkpoint_parse(struct text body, struct checkpoint *out);
void checkpoint_write(const struct checkpoint *checkpoint, struct writer *out);

/* Canonical base64 of exactly 32 bytes, as proofs have them. */
int hash_parse(struct text text, struct merkle_hash *out);
void hash_write(const struct merkle_hash *hash, struct writer *out);

/* Decimal without leading zeroes. */
bool decimal_parse(struct text text, uint64_t *out);

#endif
