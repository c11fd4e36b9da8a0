#include "audit/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_TEXT_SIZE = NOTE_NAME_MAX + 100 };

char *key_path(const char *state, enum key_file file, char out[KEY_PATH_SIZE])
{
    static const char *const leaf[] = {"audit.key", "audit.pub", "audit.former"};
    snprintf(out, KEY_PATH_SIZE, "%s/keys/%s", state, leaf[file]);
    return out;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int read_key(const char *path, uint8_t seed[32], struct text *name, char *buffer,
                    size_t size, struct error *error)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    ssize_t length = fstat(file, &about) < 0 ? -1 : read(file, buffer, size);
    close(file);
    if (length < 0)
        return error_set(error, -EIO, "%s cannot be read", path);
    if (about.st_mode & 077)
        return error_set(error, -EPERM, "%s may be read by others: its mode must be 0600", path);
    /* "NAME\nHEX\n" */
    const char *newline = memchr(buffer, '\n', (size_t)length);
    size_t hex = 0;
    if (newline)
        *name = (struct text){buffer, (size_t)(newline - buffer)};
    if (!newline || name->length > NOTE_NAME_MAX || (size_t)length - name->length - 1 < 64 ||
        sodium_hex2bin(seed, 32, newline + 1, 64, NULL, &hex, NULL) != 0 || hex != 32)
        return error_set(
            error, -EBADMSG,
            "%s is not a key file: it has the key's name on its first line and 64 hexadecimal "
            "digits on its second",
            path);
    return 0;
}

/* Under a temporary name, synced, then renamed; whoever owned the file before goes on owning it. */
static int write_file_durably(const char *path, mode_t mode, const char *text, struct error *error)
{
    char temporary[KEY_PATH_SIZE + 8];
    struct stat before;
    bool replaces = lstat(path, &before) == 0;
    snprintf(temporary, sizeof temporary, "%s.new", path);
    unlink(temporary);
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0)
        return error_set(error, -errno, "%s cannot be made: %s", temporary, strerror(errno));
    size_t length = strlen(text);
    int failed = write(file, text, length) == (ssize_t)length && fsync(file) == 0 ? 0
                 : errno                                                          ? -errno
                                                                                  : -EIO;
    if (!failed && replaces && geteuid() == 0 && fchown(file, before.st_uid, before.st_gid) < 0)
        failed = -errno;
    close(file);
    if (!failed && rename(temporary, path) < 0)
        failed = -errno;
    return failed ? error_set(error, failed, "%s cannot be written: %s", path, strerror(-failed))
                  : 0;
}

static int make_key(const char *path, const char *name, struct error *error)
{
    uint8_t seed[32];
    char hex[65], text[NOTE_NAME_MAX + 80];
    randombytes_buf(seed, sizeof seed);
    sodium_bin2hex(hex, sizeof hex, seed, sizeof seed);
    snprintf(text, sizeof text, "%s\n%s\n", name, hex);
    int failed = write_file_durably(path, 0600, text, error);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(text, sizeof text);
    return failed;
}

int key_file_load(const char *path, const char *name, enum note_key_type type,
                  struct signer_key *out, struct error *error)
{
    char buffer[KEY_TEXT_SIZE], key_name[NOTE_NAME_MAX + 1];
    uint8_t seed[32];
    struct text stored;
    if (sodium_init() < 0)
        return error_set(error, -EIO, "libsodium does not start");
    int failed = read_key(path, seed, &stored, buffer, sizeof buffer, error);
    if (failed == -ENOENT && name) {
        failed = make_key(path, name, error);
        if (!failed)
            failed = read_key(path, seed, &stored, buffer, sizeof buffer, error);
    }
    if (failed)
        return failed;
    snprintf(key_name, sizeof key_name, "%.*s", (int)stored.length, stored.data);
    failed = signer_key_make(key_name, type, seed, out);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(buffer, sizeof buffer);
    return failed ? error_set(error, failed, "%s: a key's name has no spaces and no +", path) : 0;
}

/* ---- The log's ------------------------------------------------------------------------------- */

static int write_public(const char *state, const struct verifier_key *key, struct error *error)
{
    char path[KEY_PATH_SIZE], text[NOTE_VKEY_SIZE + 1];
    verifier_key_text(key, text);
    strcat(text, "\n");
    return write_file_durably(key_path(state, KEY_PUBLIC, path), 0644, text, error);
}

int audit_key_load(const char *state, const char *name, struct signer_key *out, struct error *error)
{
    char folder[KEY_PATH_SIZE], path[KEY_PATH_SIZE];
    snprintf(folder, sizeof folder, "%s/keys", state);
    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    int failed = key_file_load(key_path(state, KEY_SECRET, path), name, NOTE_KEY_LOG, out, error);
    if (failed || access(key_path(state, KEY_PUBLIC, path), F_OK) == 0)
        return failed;
    return write_public(state, &out->verifier, error);
}

static int append_former(const char *state, const struct verifier_key *key, struct error *error)
{
    char path[KEY_PATH_SIZE], text[NOTE_VKEY_SIZE + 1];
    verifier_key_text(key, text);
    strcat(text, "\n");
    int file = open(key_path(state, KEY_FORMER, path),
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
        return error_set(error, -errno, "%s cannot be written: %s", path, strerror(errno));
    size_t length = strlen(text);
    bool written = write(file, text, length) == (ssize_t)length && fsync(file) == 0;
    close(file);
    return written ? 0 : error_set(error, -EIO, "%s cannot be written", path);
}

int audit_key_rotate(const char *state, struct signer_key *out, struct error *error)
{
    char path[KEY_PATH_SIZE];
    struct signer_key old;
    int failed = key_file_load(key_path(state, KEY_SECRET, path), NULL, NOTE_KEY_LOG, &old, error);
    if (!failed)
        failed = append_former(state, &old.verifier, error);
    if (!failed)
        failed = make_key(path, old.verifier.name, error);
    if (!failed)
        failed = key_file_load(path, NULL, NOTE_KEY_LOG, out, error);
    if (!failed)
        failed = write_public(state, &out->verifier, error);
    signer_key_wipe(&old);
    return failed;
}

/* ---- Verifier keys --------------------------------------------------------------------------- */

static int take_line(const char *path, unsigned line, struct text text, struct verifier_key *out,
                     struct error *error)
{
    if (verifier_key_parse(text, out) != 0)
        return error_set(error, -EBADMSG, "%s:%u: is not a verifier key (NAME+ID+KEY)", path, line);
    return 0;
}

long verifier_keys_load(const char *path, struct verifier_key *out, size_t most,
                        struct error *error)
{
    char text[NOTE_VKEY_SIZE + 8];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    size_t count = 0;
    int failed = 0;
    for (unsigned line = 1; !failed && fgets(text, sizeof text, file); line++) {
        size_t length = strcspn(text, "\r\n");
        if (length == 0 || text[0] == '#')
            continue;
        struct verifier_key key;
        failed = take_line(path, line, (struct text){text, length}, &key, error);
        if (!failed && count == most)
            failed = error_set(error, -E2BIG, "%s: more than %zu keys", path, most);
        if (!failed)
            out[count++] = key;
    }
    fclose(file);
    return failed ? failed : (long)count;
}

long audit_former_load(const char *state, struct verifier_key out[AUDIT_FORMER_MAX],
                       struct error *error)
{
    char path[KEY_PATH_SIZE];
    long count =
        verifier_keys_load(key_path(state, KEY_FORMER, path), out, AUDIT_FORMER_MAX, error);
    return count == -ENOENT ? 0 : count;
}
