#include "audit/note.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

static const char dash[] = "\xe2\x80\x94 "; /* em dash, space */
enum { DASH_LENGTH = sizeof dash - 1 };

/* ---- Small parts ----------------------------------------------------------------------------- */

bool decimal_parse(struct text text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.length == 0 || (text.length > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *out = value;
    return true;
}

/* libsodium's decoder takes a last character whose unused bits are not zero; two texts for one
 * value would let a note be changed without its signature noticing, so what is decoded must
 * encode to the same text. */
static bool base64_parse(struct text text, uint8_t *out, size_t size, size_t *length)
{
    char again[200];
    if (sodium_base642bin(out, size, text.data, text.length, NULL, length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    if (sodium_base64_ENCODED_LEN(*length, sodium_base64_VARIANT_ORIGINAL) > sizeof again)
        return false;
    sodium_bin2base64(again, sizeof again, out, *length, sodium_base64_VARIANT_ORIGINAL);
    return text_is(text, again);
}

static void base64_write(const uint8_t *data, size_t length, struct writer *out)
{
    char text[200];
    must(sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL) <= sizeof text);
    write_string(
        out, sodium_bin2base64(text, sizeof text, data, length, sodium_base64_VARIANT_ORIGINAL));
}

int hash_parse(struct text text, struct merkle_hash *out)
{
    struct merkle_hash hash;
    size_t length;
    if (!base64_parse(text, hash.byte, sizeof hash.byte, &length) || length != sizeof hash.byte)
        return -EBADMSG;
    *out = hash;
    return 0;
}

void hash_write(const struct merkle_hash *hash, struct writer *out)
{
    base64_write(hash->byte, sizeof hash->byte, out);
}

static void store_big_endian(uint64_t value, uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t load_big_endian(const uint8_t *data, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | data[i];
    return value;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* The specification forbids all Unicode spaces; names of ours are ASCII, which forbids them too. */
static bool name_is_allowed(struct text name)
{
    if (name.length == 0 || name.length > NOTE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] <= ' ' || name.data[i] == '+' || name.data[i] == 0x7f)
            return false;
    return true;
}

static uint32_t key_id(struct text name, uint8_t type, const uint8_t key[32])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)name.data, name.length);
    crypto_hash_sha256_update(&state, (const uint8_t *)"\n", 1);
    crypto_hash_sha256_update(&state, &type, 1);
    crypto_hash_sha256_update(&state, key, 32);
    crypto_hash_sha256_final(&state, hash);
    return (uint32_t)load_big_endian(hash, 4);
}

int signer_key_make(const char *name, enum note_key_type type, const uint8_t seed[32],
                    struct signer_key *out)
{
    if (!name_is_allowed(text_of(name)) || sodium_init() < 0)
        return -EINVAL;
    *out = (struct signer_key){.verifier = {.type = (uint8_t)type}};
    memcpy(out->verifier.name, name, strlen(name));
    crypto_sign_seed_keypair(out->verifier.key, out->secret, seed);
    out->verifier.id = key_id(text_of(name), (uint8_t)type, out->verifier.key);
    return 0;
}

void signer_key_wipe(struct signer_key *key)
{
    sodium_memzero(key, sizeof *key);
}

char *verifier_key_text(const struct verifier_key *key, char out[NOTE_VKEY_SIZE])
{
    uint8_t typed[33] = {key->type};
    char base64[sodium_base64_ENCODED_LEN(sizeof typed, sodium_base64_VARIANT_ORIGINAL)];
    memcpy(typed + 1, key->key, sizeof key->key);
    sodium_bin2base64(base64, sizeof base64, typed, sizeof typed, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, NOTE_VKEY_SIZE, "%s+%08x+%s", key->name, key->id, base64);
    return out;
}

int verifier_key_parse(struct text text, struct verifier_key *out)
{
    struct verifier_key key = {.id = 0};
    const char *first = memchr(text.data, '+', text.length);
    if (!first)
        return -EBADMSG;
    struct text name = {text.data, (size_t)(first - text.data)};
    struct text rest = {first + 1, text.length - name.length - 1};
    uint8_t typed[33];
    size_t length;
    char id[9];
    if (!name_is_allowed(name) || rest.length < 9 || rest.data[8] != '+' ||
        !base64_parse((struct text){rest.data + 9, rest.length - 9}, typed, sizeof typed,
                      &length) ||
        length != 33)
        return -EBADMSG;
    memcpy(key.name, name.data, name.length);
    key.type = typed[0];
    memcpy(key.key, typed + 1, 32);
    key.id = key_id(name, key.type, key.key);
    snprintf(id, sizeof id, "%08x", key.id);
    if (memcmp(id, rest.data, 8) != 0 ||
        (key.type != NOTE_KEY_LOG && key.type != NOTE_KEY_COSIGNER))
        return -EBADMSG;
    *out = key;
    return 0;
}

/* ---- Notes ----------------------------------------------------------------------------------- */

static bool note_text_is_allowed(struct text text)
{
    if (text.length == 0 || text.length > NOTE_SIZE_MAX || text.data[text.length - 1] != '\n')
        return false;
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < ' ' && text.data[i] != '\n')
            return false;
    return true;
}

static bool signature_parse(struct text line, struct note_signature *out)
{
    if (line.length < DASH_LENGTH + 3 || memcmp(line.data, dash, DASH_LENGTH) != 0)
        return false;
    struct text rest = {line.data + DASH_LENGTH, line.length - DASH_LENGTH - 1};
    const char *space = memchr(rest.data, ' ', rest.length);
    if (!space)
        return false;
    out->line = line;
    out->name = (struct text){rest.data, (size_t)(space - rest.data)};
    struct text base64 = {space + 1, rest.length - out->name.length - 1};
    if (!name_is_allowed(out->name))
        return false;
    uint8_t bytes[4 + sizeof out->signature];
    size_t length;
    if (!base64_parse(base64, bytes, sizeof bytes, &length)) {
        /* Longer than any type that we verify (ML-DSA-44, say): kept as a line of an unknown
         * key. */
        out->length = SIZE_MAX;
        return base64.length > 4 * sizeof bytes / 3;
    }
    if (length <= 4)
        return false;
    out->id = (uint32_t)load_big_endian(bytes, 4);
    out->length = length - 4;
    memcpy(out->signature, bytes + 4, out->length);
    return true;
}

int note_parse(struct text text, struct note *out)
{
    if (!note_text_is_allowed(text))
        return -EBADMSG;
    size_t split = text.length - 1; /* the last "\n\n" ends the body */
    while (split > 0 && !(text.data[split] == '\n' && text.data[split - 1] == '\n'))
        split--;
    if (split < 2)
        return -EBADMSG;
    struct note note = {.body = {text.data, split}};
    for (size_t at = split + 1; at < text.length;) {
        const char *newline = memchr(text.data + at, '\n', text.length - at);
        struct text line = {text.data + at, (size_t)(newline - (text.data + at)) + 1};
        if (note.count == NOTE_SIGNATURES_MAX ||
            !signature_parse(line, &note.signature[note.count]))
            return -EBADMSG;
        note.count++;
        at += line.length;
    }
    if (note.count == 0)
        return -EBADMSG;
    *out = note;
    return 0;
}

/* What a cosigner signs: two lines of its own before the body. */
enum { COSIGNED_HEAD = 64 };

static struct text cosigned_head(uint64_t time, char buffer[COSIGNED_HEAD])
{
    int length =
        snprintf(buffer, COSIGNED_HEAD, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
    return (struct text){buffer, (size_t)length};
}

static struct text cosigned_message(uint64_t time, struct text body, char *buffer)
{
    struct text head = cosigned_head(time, buffer);
    memcpy(buffer + head.length, body.data, body.length);
    return (struct text){buffer, head.length + body.length};
}

static bool signature_verifies(const struct note *note, const struct note_signature *signature,
                               const struct verifier_key *key, uint64_t *time)
{
    static _Thread_local char buffer[COSIGNED_HEAD + NOTE_SIZE_MAX];
    const uint8_t *bytes = signature->signature;
    struct text message = note->body;
    if (key->type == NOTE_KEY_COSIGNER) {
        if (signature->length != 8 + crypto_sign_BYTES)
            return false;
        uint64_t stated = load_big_endian(bytes, 8);
        if (stated > INT64_MAX)
            return false;
        message = cosigned_message(stated, note->body, buffer);
        bytes += 8;
        if (time)
            *time = stated;
    } else if (signature->length != crypto_sign_BYTES) {
        return false;
    }
    return crypto_sign_verify_detached(bytes, (const uint8_t *)message.data, message.length,
                                       key->key) == 0;
}

enum note_verdict note_verify(const struct note *note, const struct verifier_key *key,
                              uint64_t *time)
{
    enum note_verdict verdict = NOTE_NOT_SIGNED;
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *signature = &note->signature[i];
        if (signature->length == SIZE_MAX || signature->id != key->id ||
            !text_is(signature->name, key->name))
            continue;
        if (!signature_verifies(note, signature, key, time))
            return NOTE_WRONG;
        verdict = NOTE_SIGNED;
    }
    return verdict;
}

void note_sign(const struct signer_key *key, struct text body, uint64_t time, struct writer *out)
{
    uint8_t bytes[4 + 8 + crypto_sign_BYTES];
    size_t at = 4;
    struct text message = body;
    static _Thread_local char buffer[COSIGNED_HEAD + NOTE_SIZE_MAX];
    must(body.length <= NOTE_SIZE_MAX);
    store_big_endian(key->verifier.id, bytes, 4);
    if (key->verifier.type == NOTE_KEY_COSIGNER) {
        store_big_endian(time, bytes + at, 8);
        at += 8;
        message = cosigned_message(time, body, buffer);
    }
    crypto_sign_detached(bytes + at, NULL, (const uint8_t *)message.data, message.length,
                         key->secret);
    at += crypto_sign_BYTES;
    write_bytes(out, dash, DASH_LENGTH);
    write_string(out, key->verifier.name);
    WRITE_LITERAL(out, " ");
    base64_write(bytes, at, out);
    WRITE_LITERAL(out, "\n");
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

static bool next_line(struct text *rest, struct text *line)
{
    const char *newline = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
    if (!newline)
        return false;
    *line = (struct text){rest->data, (size_t)(newline - rest->data)};
    rest->data += line->length + 1;
    rest->length -= line->length + 1;
    return line->length > 0;
}

int checkpoint_parse(struct text body, struct checkpoint *out)
{
    struct checkpoint checkpoint;
    struct text size, root, extension;
    if (!next_line(&body, &checkpoint.origin) || !next_line(&body, &size) ||
        !next_line(&body, &root) || !decimal_parse(size, &checkpoint.size) ||
        hash_parse(root, &checkpoint.root) != 0)
        return -EBADMSG;
    while (body.length)
        if (!next_line(&body, &extension))
            return -EBADMSG;
    *out = checkpoint;
    return 0;
}

void checkpoint_write(const struct checkpoint *checkpoint, struct writer *out)
{
    write_text(out, checkpoint->origin);
    WRITE_LITERAL(out, "\n");
    write_unsigned(out, checkpoint->size);
    WRITE_LITERAL(out, "\n");
    hash_write(&checkpoint->root, out);
    WRITE_LITERAL(out, "\n");
}
