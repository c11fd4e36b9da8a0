/* history.h: what the vault's log says, in memory: files, their versions, and paths. Room's own.
 *
 * One function applies one record; the writer calls it after each append, readers while they read
 * the log, so that both know the same. Indices instead of pointers, since arrays grow; HISTORY_NONE
 * is none. About 250 bytes a version with its file and path. Not for several threads at once.
 */
#ifndef ECLUSE_FILES_HISTORY_H
#define ECLUSE_FILES_HISTORY_H

#include "files/vault.h"
#include "files/vault_log.h"

enum { HISTORY_NONE = 0xffffffff };

struct version {
    uint64_t id, mark;
    uint64_t size, bytes;
    uint64_t offset; /* of its record in the log */
    uint64_t writer_tree, past_tree;
    int64_t at;               /* kept */
    int64_t past_at;          /* 0: it is its file's current one */
    uint32_t writer, past_by; /* users */
    uint32_t file, path;      /* indices; the path is where it was when it was kept */
    uint32_t older;           /* of the same file */
    uint32_t older_here;      /* with the same path */
    uint32_t links;
    uint8_t when;   /* enum vault_when */
    uint8_t ground; /* of its end: enum rewrite_ground, or LOG_UNJUDGED */
    uint8_t flags;  /* LOG_TORN, ... */
    bool gone;      /* evicted or expired */
};

struct file {
    struct vault_file identity;
    uint32_t newest; /* version */
    uint32_t path;   /* where it is, as far as known */
    bool removed;
};

struct path {
    char *name; /* ends with a zero byte */
    uint32_t length;
    uint32_t file;        /* what is there now */
    uint32_t newest;      /* version with this path, of any file */
    uint64_t folder_at;   /* offset of the newest FOLDER record of it; 0: none */
    uint64_t folder_mark; /* what that says: history_folder_mark() */
};

struct user_use {
    uint32_t user;
    uint64_t past_bytes;
};

struct index_table { /* indices of one of the arrays, by hash */
    uint32_t *slot;
    size_t size, count;
};

struct history {
    struct hash_key key;   /* of marks: the log's */
    struct hash_key names; /* of the table of paths: fresh */
    struct version *version;
    struct file *file;
    struct path *path;
    struct user_use *user;
    size_t version_count, file_count, path_count, user_count;
    size_t version_room, file_room, path_room, user_room;
    struct index_table by_id, by_inode, by_path;
    uint64_t highest;                         /* id */
    uint64_t current, kept, past_bytes, gone; /* files with a current version; versions there are */
};

int history_new(struct hash_key key, struct history **out);
void history_free(struct history *h); /* takes NULL */

/* -ENOMEM leaves it damaged: give it up. */
int history_apply(struct history *h, const struct log_record *record);

uint64_t history_mark(struct hash_key key, uint64_t inode, int64_t changed, uint64_t size);
uint64_t history_folder_mark(const struct log_record *folder);

uint32_t history_version(const struct history *h, uint64_t id);
uint32_t history_file(const struct history *h, struct vault_file identity);
uint32_t history_path(const struct history *h, struct text name);
uint64_t history_used(const struct history *h, uint32_t user); /* bytes of past versions */

/* The path of a file or version; "" when it is not known. */
const char *history_name(const struct history *h, uint32_t path);

#endif
