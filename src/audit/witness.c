#include "audit/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ORIGIN_HASH_SIZE = 2 * crypto_hash_sha256_BYTES + 1, PROOF_LINES_MAX = 63 };

struct witness {
    int folder;
    struct signer_key key;
    struct merkle_hasher *hasher;
    size_t count;
    struct verifier_key log[WITNESS_LOGS_MAX];
};

int witness_open(const char *folder, const struct signer_key *key, const struct verifier_key *logs,
                 size_t count, struct witness **out, struct error *error)
{
    if (count > WITNESS_LOGS_MAX)
        return error_set(error, -EINVAL, "a witness knows at most %d logs", WITNESS_LOGS_MAX);
    struct witness *witness = calloc(1, sizeof *witness);
    if (!witness)
        return error_set(error, -ENOMEM, "out of memory");
    witness->key = *key;
    witness->count = count;
    memcpy(witness->log, logs, count * sizeof *logs);
    witness->hasher = merkle_hasher_new();
    witness->folder = -1;
    int failed = witness->hasher ? 0 : error_set(error, -ENOMEM, "out of memory");
    if (!failed && mkdir(folder, 0700) < 0 && errno != EEXIST)
        failed = error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    if (!failed && (witness->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        failed = error_set(error, -errno, "%s cannot be opened: %s", folder, strerror(errno));
    if (!failed && flock(witness->folder, LOCK_EX | LOCK_NB) < 0)
        failed = error_set(error, -EBUSY, "%s is in use by another witness", folder);
    if (failed) {
        witness_close(witness);
        return failed;
    }
    *out = witness;
    return 0;
}

void witness_close(struct witness *witness)
{
    if (!witness)
        return;
    if (witness->folder >= 0)
        close(witness->folder);
    merkle_hasher_free(witness->hasher);
    signer_key_wipe(&witness->key);
    free(witness);
}

/* ---- State ----------------------------------------------------------------------------------- */

static char *origin_hash(struct text origin, char out[ORIGIN_HASH_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const uint8_t *)origin.data, origin.length);
    return sodium_bin2hex(out, ORIGIN_HASH_SIZE, hash, sizeof hash);
}

static int read_kept(const struct witness *witness, const char *name, char *buffer, size_t size,
                     struct text *out)
{
    int file = openat(witness->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return -errno;
    ssize_t length = read(file, buffer, size);
    close(file);
    if (length < 0)
        return -EIO;
    *out = (struct text){buffer, (size_t)length};
    return 0;
}

/* What was cosigned last for this origin; size 0 when nothing was. */
static int read_last(const struct witness *witness, struct text origin, struct checkpoint *out,
                     char *buffer, size_t size)
{
    char name[ORIGIN_HASH_SIZE];
    struct text text;
    struct note note;
    int failed = read_kept(witness, origin_hash(origin, name), buffer, size, &text);
    if (failed == -ENOENT) {
        *out =
            (struct checkpoint){.origin = origin, .size = 0, .root = merkle_empty(witness->hasher)};
        return 0;
    }
    if (!failed)
        failed = note_parse(text, &note);
    /* Its own signature: a file that was changed must not make the witness sign a fork. */
    if (!failed && note_verify(&note, &witness->key.verifier, NULL) != NOTE_SIGNED)
        failed = -EBADMSG;
    return failed ? failed : checkpoint_parse(note.body, out);
}

static int keep(const struct witness *witness, struct text origin, struct text note)
{
    char name[ORIGIN_HASH_SIZE];
    int file =
        openat(witness->folder, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return -errno;
    int failed =
        write(file, note.data, note.length) == (ssize_t)note.length && fsync(file) == 0 ? 0 : -EIO;
    close(file);
    if (!failed &&
        (renameat(witness->folder, "new", witness->folder, origin_hash(origin, name)) < 0 ||
         fsync(witness->folder) < 0))
        failed = -errno;
    return failed;
}

/* ---- Requests -------------------------------------------------------------------------------- */

struct request {
    uint64_t old_size;
    struct merkle_proof proof;
    struct text checkpoint; /* the signed note */
};

static bool request_parse(struct text text, struct request *out)
{
    static const char old[] = "old ";
    struct request request = {.proof = {.count = 0}};
    for (bool first = true;; first = false) {
        const char *newline = text.length ? memchr(text.data, '\n', text.length) : NULL;
        if (!newline)
            return false;
        struct text line = {text.data, (size_t)(newline - text.data)};
        text = (struct text){newline + 1, text.length - line.length - 1};
        if (first) {
            struct text number = {line.data + 4, line.length - 4};
            if (line.length < 5 || memcmp(line.data, old, 4) != 0 ||
                !decimal_parse(number, &request.old_size))
                return false;
        } else if (line.length == 0) {
            break;
        } else if (request.proof.count == PROOF_LINES_MAX ||
                   hash_parse(line, &request.proof.hash[request.proof.count++]) != 0) {
            return false;
        }
    }
    request.checkpoint = text;
    *out = request;
    return true;
}

static void answer(struct witness_answer *out, unsigned status, const char *text)
{
    out->status = status;
    out->content_type = "text/plain; charset=utf-8";
    out->length = (size_t)snprintf(out->body, sizeof out->body, "%s\n", text);
}

/* 0, or the status to refuse with. */
static unsigned check_signature(const struct witness *witness, const struct note *note,
                                struct text origin)
{
    bool known = false, is_signed = false;
    for (size_t i = 0; i < witness->count; i++) {
        if (!text_is(origin, witness->log[i].name))
            continue;
        known = true;
        enum note_verdict verdict = note_verify(note, &witness->log[i], NULL);
        if (verdict == NOTE_WRONG)
            return 403;
        is_signed = is_signed || verdict == NOTE_SIGNED;
    }
    return !known ? 404 : is_signed ? 0 : 403;
}

static bool is_continuation(const struct witness *witness, const struct request *request,
                            const struct checkpoint *last, const struct checkpoint *next)
{
    struct merkle_hash empty = merkle_empty(witness->hasher);
    if (next->size == 0 && !merkle_equal(&next->root, &empty))
        return false;
    if (last->size == 0)
        return request->proof.count == 0;
    if (last->size == next->size)
        return request->proof.count == 0 && merkle_equal(&last->root, &next->root);
    return merkle_verify_consistency(witness->hasher, last->size, next->size, &last->root,
                                     &next->root, &request->proof);
}

static void cosign(struct witness *witness, const struct note *note, struct text origin,
                   uint64_t time, struct witness_answer *out)
{
    char whole[NOTE_SIZE_MAX + WITNESS_ANSWER_MAX];
    struct writer line = writer_on(out->body, sizeof out->body),
                  text = writer_on(whole, sizeof whole);
    note_sign(&witness->key, note->body, time, &line);
    write_text(&text, note->body);
    WRITE_LITERAL(&text, "\n");
    for (size_t i = 0; i < note->count;
         i++) /* the log's own lines; whatever else came along is not kept */
        for (size_t j = 0; j < witness->count; j++)
            if (note->signature[i].id == witness->log[j].id &&
                text_is(note->signature[i].name, witness->log[j].name))
                write_text(&text, note->signature[i].line);
    write_text(&text, (struct text){line.data, line.length});
    if (line.overflow || text.overflow ||
        keep(witness, origin, (struct text){whole, text.length}) != 0) {
        answer(out, 500, "the witness cannot keep its state at present");
        return;
    }
    out->status = 200;
    out->content_type = "text/plain; charset=utf-8";
    out->length = line.length;
}

void witness_add_checkpoint(struct witness *witness, struct text request_text, uint64_t time,
                            struct witness_answer *out)
{
    struct request request;
    struct note note;
    struct checkpoint next, last;
    char buffer[NOTE_SIZE_MAX];
    if (request_text.length > WITNESS_REQUEST_MAX || !request_parse(request_text, &request) ||
        note_parse(request.checkpoint, &note) != 0 || checkpoint_parse(note.body, &next) != 0) {
        answer(out, 400, "this is not a request as c2sp.org/tlog-witness has it");
        return;
    }
    unsigned refused = check_signature(witness, &note, next.origin);
    if (refused) {
        answer(out, refused,
               refused == 404 ? "this log is not known here"
                              : "no trusted key of this log signed the checkpoint");
        return;
    }
    if (request.old_size > next.size) {
        answer(out, 400, "the old size is greater than the checkpoint's");
        return;
    }
    if (read_last(witness, next.origin, &last, buffer, sizeof buffer) != 0) {
        answer(out, 500, "what the witness kept of this log cannot be read");
        return;
    }
    if (request.old_size != last.size) {
        out->status = 409;
        out->content_type = "text/x.tlog.size";
        out->length =
            (size_t)snprintf(out->body, sizeof out->body, "%llu\n", (unsigned long long)last.size);
        return;
    }
    if (!is_continuation(witness, &request, &last, &next)) {
        answer(out, 422, "the checkpoint is not shown to continue the one that was cosigned last");
        return;
    }
    cosign(witness, &note, next.origin, time, out);
}

void witness_get_checkpoint(struct witness *witness, struct text origin, struct witness_answer *out)
{
    char name[ORIGIN_HASH_SIZE];
    struct text kept = {NULL, 0};
    bool hexadecimal = origin.length == ORIGIN_HASH_SIZE - 1;
    for (size_t i = 0; hexadecimal && i < origin.length; i++)
        hexadecimal = (origin.data[i] >= '0' && origin.data[i] <= '9') ||
                      (origin.data[i] >= 'a' && origin.data[i] <= 'f');
    if (hexadecimal) {
        memcpy(name, origin.data, origin.length);
        name[origin.length] = 0;
    }
    if (!hexadecimal || read_kept(witness, name, out->body, sizeof out->body, &kept) != 0) {
        answer(out, 404, "no checkpoint of this log was cosigned here");
        return;
    }
    out->status = 200;
    out->content_type = "text/plain; charset=utf-8";
    out->length = kept.length;
}

/* ---- The log's side -------------------------------------------------------------------------- */

void witness_request_write(uint64_t old_size, const struct merkle_proof *proof,
                           struct text checkpoint, struct writer *out)
{
    WRITE_LITERAL(out, "old ");
    write_unsigned(out, old_size);
    WRITE_LITERAL(out, "\n");
    for (size_t i = 0; old_size && i < proof->count; i++) {
        hash_write(&proof->hash[i], out);
        WRITE_LITERAL(out, "\n");
    }
    WRITE_LITERAL(out, "\n");
    write_text(out, checkpoint);
}

bool witness_answer_lines(struct text answer_text, struct text body, const struct verifier_key *key,
                          struct writer *out)
{
    char whole[NOTE_SIZE_MAX];
    struct writer text = writer_on(whole, sizeof whole);
    struct note note;
    write_text(&text, body);
    WRITE_LITERAL(&text, "\n");
    write_text(&text, answer_text);
    if (text.overflow || note_parse((struct text){whole, text.length}, &note) != 0 ||
        note.body.length != body.length || note_verify(&note, key, NULL) != NOTE_SIGNED)
        return false;
    for (size_t i = 0; i < note.count; i++)
        if (note.signature[i].id == key->id && text_is(note.signature[i].name, key->name))
            write_text(out, note.signature[i].line);
    return !out->overflow;
}
