#include "gate/client_key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    PATH_SIZE = 512,
    MASTER_SIZE = 32,
    MASTER_TEXT = 2 * MASTER_SIZE,
    LINE_MAX_LENGTH = CLIENT_KEY_ID_LENGTH + CLIENT_KEY_NAME_SIZE + LANE_NAME_SIZE + 32,
    FILE_SIZE_MAX = CLIENT_KEY_MAX * LINE_MAX_LENGTH
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

static int path_of(const char *folder, const char *leaf, char out[PATH_SIZE], struct error *error)
{
    int length = snprintf(out, PATH_SIZE, "%s/%s", folder, leaf);
    return length < 0 || length >= PATH_SIZE
               ? error_set(error, -ENAMETOOLONG, "%s/%s: too long", folder, leaf)
               : 0;
}

static bool word_is_allowed(struct text word, size_t size)
{
    if (word.length == 0 || word.length >= size || (word.length == 1 && word.data[0] == '-'))
        return false;
    for (size_t i = 0; i < word.length; i++) {
        char c = word.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool lane_name_is_allowed(struct text name)
{
    return word_is_allowed(name, LANE_NAME_SIZE);
}

/* ---- The master ------------------------------------------------------------------------------ */

static int master_read(const char *folder, uint8_t master[MASTER_SIZE], struct error *error)
{
    char path[PATH_SIZE], text[MASTER_TEXT + 2];
    size_t length = 0;
    int failed = path_of(folder, "client.master", path, error);
    if (failed)
        return failed;
    ssize_t read = secret_file_read(path, text, sizeof text, error);
    if (read < 0)
        return (int)read;
    if (read != MASTER_TEXT + 1 || text[MASTER_TEXT] != '\n' ||
        sodium_hex2bin(master, MASTER_SIZE, text, MASTER_TEXT, NULL, &length, NULL) != 0 ||
        length != MASTER_SIZE)
        failed = error_set(error, -EBADMSG,
                           "%s: is not 64 hexadecimal digits and a newline; put the right file "
                           "back, or remove it, and all client keys with it",
                           path);
    sodium_memzero(text, sizeof text);
    return failed;
}

static int master_make(const char *folder, int group, uint8_t master[MASTER_SIZE],
                       struct error *error)
{
    char path[PATH_SIZE], text[MASTER_TEXT + 1];
    int failed = path_of(folder, "client.master", path, error);
    if (failed)
        return failed;
    randombytes_buf(master, MASTER_SIZE);
    sodium_bin2hex(text, sizeof text, master, MASTER_SIZE);
    text[MASTER_TEXT] = '\n';
    failed = secret_file_write(path, group, text, sizeof text, error);
    sodium_memzero(text, sizeof text);
    return failed;
}

static void secret_of(const uint8_t master[MASTER_SIZE], const char *id,
                      char out[CLIENT_KEY_SECRET_LENGTH + 1])
{
    uint8_t secret[CLIENT_KEY_SECRET_LENGTH / 2];
    crypto_generichash(secret, sizeof secret, (const uint8_t *)id, CLIENT_KEY_ID_LENGTH, master,
                       MASTER_SIZE);
    sodium_bin2hex(out, CLIENT_KEY_SECRET_LENGTH + 1, secret, sizeof secret);
    sodium_memzero(secret, sizeof secret);
}

static void hmac_prepare(struct client_key_entry *entry, const uint8_t master[MASTER_SIZE])
{
    char secret[CLIENT_KEY_SECRET_LENGTH + 1];
    secret_of(master, entry->key.id, secret);
    crypto_auth_hmacsha256_init(&entry->hmac, (const uint8_t *)secret, CLIENT_KEY_SECRET_LENGTH);
    sodium_memzero(secret, sizeof secret);
}

/* ---- The list -------------------------------------------------------------------------------- */

static struct text next_word(struct text *rest)
{
    const char *space = memchr(rest->data, ' ', rest->length);
    struct text word = {rest->data, space ? (size_t)(space - rest->data) : rest->length};
    size_t taken = word.length + (space != NULL);
    rest->data += taken;
    rest->length -= taken;
    return word;
}

static bool seconds_read(struct text word, int64_t *out)
{
    int64_t value = 0;
    if (word.length == 0 || word.length > 11)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        value = value * 10 + (word.data[i] - '0');
    }
    *out = value;
    return true;
}

static void copy_word(struct text word, char *out)
{
    memcpy(out, word.data, word.length);
    out[word.length] = 0;
}

static bool id_is_allowed(struct text id)
{
    if (id.length != CLIENT_KEY_ID_LENGTH)
        return false;
    for (size_t i = 0; i < id.length; i++)
        if (!id.data[i] || !strchr(letters, id.data[i]))
            return false;
    return true;
}

static bool line_read(struct text line, struct client_key *out)
{
    struct text id = next_word(&line), name = next_word(&line), lane = next_word(&line);
    struct text created = next_word(&line), revoked = next_word(&line);
    bool none = text_is(lane, "-");
    if (line.length || !id_is_allowed(id) || !word_is_allowed(name, sizeof out->name) ||
        !(none || word_is_allowed(lane, sizeof out->lane)) ||
        !seconds_read(created, &out->created) || !seconds_read(revoked, &out->revoked))
        return false;
    copy_word(id, out->id);
    copy_word(name, out->name);
    copy_word(none ? TEXT("") : lane, out->lane);
    return true;
}

static int list_parse(struct text rest, const char *path, struct client_keys *keys,
                      struct error *error)
{
    keys->count = 0;
    for (unsigned number = 1; rest.length; number++) {
        const char *end = memchr(rest.data, '\n', rest.length);
        struct text line = {rest.data, end ? (size_t)(end - rest.data) : rest.length};
        if (!end || keys->count == CLIENT_KEY_MAX ||
            !line_read(line, &keys->entry[keys->count].key))
            return error_set(error, -EBADMSG, "%s:%u: is no line of `ecluse key`", path, number);
        keys->count++;
        rest.data += line.length + 1;
        rest.length -= line.length + 1;
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct client_key_entry *)a)->key.id,
                  ((const struct client_key_entry *)b)->key.id, CLIENT_KEY_ID_LENGTH);
}

static int list_read(const char *folder, struct client_keys *keys, struct error *error)
{
    char path[PATH_SIZE];
    struct error missing = {""};
    int failed = path_of(folder, "client.keys", path, error);
    char *text = failed ? NULL : malloc(FILE_SIZE_MAX);
    if (!text)
        return failed ? failed : -ENOMEM;
    ssize_t length = secret_file_read(path, text, FILE_SIZE_MAX, &missing);
    keys->count = 0;
    if (length >= 0)
        failed = list_parse((struct text){text, (size_t)length}, path, keys, error);
    else if (length != -ENOENT)
        failed = error_set(error, (int)length, "%s", missing.text);
    free(text);
    if (!failed)
        qsort(keys->entry, keys->count, sizeof *keys->entry, by_id);
    return failed;
}

static int list_write(const char *folder, const struct client_keys *keys, int group,
                      struct error *error)
{
    char path[PATH_SIZE];
    int failed = path_of(folder, "client.keys", path, error);
    char *text = failed ? NULL : malloc(FILE_SIZE_MAX);
    if (!text)
        return failed ? failed : -ENOMEM;
    struct writer w = writer_on(text, FILE_SIZE_MAX);
    for (size_t i = 0; i < keys->count; i++) {
        const struct client_key *key = &keys->entry[i].key;
        const char *const words[] = {key->id, key->name, *key->lane ? key->lane : "-"};
        for (unsigned k = 0; k < 3; k++) {
            write_string(&w, words[k]);
            write_string(&w, " ");
        }
        write_unsigned(&w, (uint64_t)key->created);
        write_string(&w, " ");
        write_unsigned(&w, (uint64_t)key->revoked);
        write_string(&w, "\n");
    }
    must(!w.overflow);
    failed = secret_file_write(path, group, text, w.length, error);
    free(text);
    return failed;
}

int client_keys_read(const char *folder, struct client_keys **out, struct error *error)
{
    uint8_t master[MASTER_SIZE];
    if (sodium_init() < 0)
        return error_set(error, -EIO, "libsodium does not start");
    struct client_keys *keys = malloc(sizeof *keys);
    int failed = keys ? list_read(folder, keys, error) : -ENOMEM;
    if (!failed && keys->count)
        failed = master_read(folder, master, error);
    if (failed) {
        free(keys);
        return failed;
    }
    for (size_t i = 0; i < keys->count; i++)
        hmac_prepare(&keys->entry[i], master);
    sodium_memzero(master, sizeof master);
    *out = keys;
    return 0;
}

void client_keys_free(struct client_keys *keys)
{
    if (keys)
        sodium_memzero(keys, sizeof *keys);
    free(keys);
}

/* ---- Changes --------------------------------------------------------------------------------- */

/* Two commands at once, one after the other; whoever waits, waits for a moment only. */
static int lock(const char *folder, struct error *error)
{
    char path[PATH_SIZE];
    int failed = path_of(folder, "client.lock", path, error);
    if (failed)
        return failed;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || flock(file, LOCK_EX) < 0) {
        failed = error_set(error, -errno, "%s: %s", path, strerror(errno));
        if (file >= 0)
            close(file);
        return failed;
    }
    return file;
}

static int refuse_taken(const struct client_keys *keys, struct text name, struct error *error)
{
    if (keys->count == CLIENT_KEY_MAX)
        return error_set(error, -ENOSPC, "there are %d client keys already", CLIENT_KEY_MAX);
    for (size_t i = 0; i < keys->count; i++)
        if (!keys->entry[i].key.revoked && text_is(name, keys->entry[i].key.name))
            return error_set(error, -EEXIST,
                             "%.*s has the key %s: revoke that one first, or choose another name",
                             (int)name.length, name.data, keys->entry[i].key.id);
    return 0;
}

static void fresh_id(char out[CLIENT_KEY_ID_LENGTH + 1])
{
    uint8_t random[CLIENT_KEY_ID_LENGTH];
    randombytes_buf(random, sizeof random);
    for (unsigned i = 0; i < CLIENT_KEY_ID_LENGTH; i++)
        out[i] = letters[random[i] & 31];
    out[CLIENT_KEY_ID_LENGTH] = 0;
}

static int add(const char *folder, struct client_keys *keys, struct client_key *key, int group,
               char secret[CLIENT_KEY_SECRET_LENGTH + 1], struct error *error)
{
    uint8_t master[MASTER_SIZE];
    int failed = master_read(folder, master, error);
    if (failed == -ENOENT && keys->count == 0)
        failed = master_make(folder, group, master, error);
    if (failed)
        return failed;
    fresh_id(key->id);
    keys->entry[keys->count++].key = *key;
    failed = list_write(folder, keys, group, error);
    if (!failed)
        secret_of(master, key->id, secret);
    sodium_memzero(master, sizeof master);
    return failed;
}

static int refuse_words(struct text name, struct text lane, struct error *error)
{
    if (word_is_allowed(name, CLIENT_KEY_NAME_SIZE) &&
        (lane.length == 0 || word_is_allowed(lane, LANE_NAME_SIZE)))
        return 0;
    return error_set(error, -EINVAL,
                     "a key's name has 1 to %d, its lane's name 1 to %d letters a to z, digits, "
                     "dots, hyphens and underscores",
                     CLIENT_KEY_NAME_SIZE - 1, LANE_NAME_SIZE - 1);
}

int client_key_may_issue(const char *folder, struct text name, struct text lane,
                         struct error *error)
{
    int failed = refuse_words(name, lane, error);
    struct client_keys *keys = failed ? NULL : malloc(sizeof *keys);
    if (!keys)
        return failed ? failed : -ENOMEM;
    failed = list_read(folder, keys, error);
    if (!failed)
        failed = refuse_taken(keys, name, error);
    free(keys);
    return failed;
}

int client_key_issue(const char *folder, struct text name, struct text lane, int64_t now, int group,
                     struct client_key *out, char secret[CLIENT_KEY_SECRET_LENGTH + 1],
                     struct error *error)
{
    struct client_key key = {.created = now};
    int failed = refuse_words(name, lane, error);
    if (failed)
        return failed;
    copy_word(name, key.name);
    copy_word(lane, key.lane);
    int locked = sodium_init() < 0 ? error_set(error, -EIO, "libsodium does not start")
                                   : lock(folder, error);
    if (locked < 0)
        return locked;
    struct client_keys *keys = malloc(sizeof *keys);
    failed = keys ? list_read(folder, keys, error) : -ENOMEM;
    if (!failed)
        failed = refuse_taken(keys, name, error);
    if (!failed)
        failed = add(folder, keys, &key, group, secret, error);
    if (!failed)
        *out = key;
    free(keys);
    close(locked);
    return failed;
}

static int no_such_key(struct text id, struct error *error)
{
    return error_set(error, -ENOENT, "there is no key %.*s: `ecluse key list` shows them",
                     (int)(id.length < 64 ? id.length : 64), id.data);
}

static int mark_revoked(struct client_keys *keys, struct text id, int64_t now,
                        struct client_key *out, struct error *error)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct client_key *key = &keys->entry[i].key;
        if (!text_is(id, key->id))
            continue;
        if (key->revoked)
            return error_set(error, -EALREADY, "the key %s is revoked already", key->id);
        key->revoked = now;
        *out = *key;
        return 0;
    }
    return no_such_key(id, error);
}

int client_key_revoke(const char *folder, struct text id, int64_t now, int group,
                      struct client_key *out, struct error *error)
{
    struct client_key key;
    int locked = lock(folder, error);
    if (locked < 0)
        return locked == -ENOENT ? no_such_key(id, error) : locked;
    struct client_keys *keys = malloc(sizeof *keys);
    int failed = keys ? list_read(folder, keys, error) : -ENOMEM;
    if (!failed)
        failed = mark_revoked(keys, id, now, &key, error);
    if (!failed)
        failed = list_write(folder, keys, group, error);
    if (!failed && out)
        *out = key;
    free(keys);
    close(locked);
    return failed;
}
