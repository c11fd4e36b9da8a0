/* restore_parts.h: what the parts of restoring share. Room's own. */
#ifndef ECLUSE_FILES_RESTORE_PARTS_H
#define ECLUSE_FILES_RESTORE_PARTS_H

#include "files/restore.h"
#include "files/vault_internal.h"

enum { RESTORE_LIST_MOST = 1000, RESTORE_FOLDERS = 65536 };

struct target {             /* of one file: what stood before */
    uint32_t version, path; /* indices; HISTORY_NONE: none */
    uint32_t by;
    uint64_t tree;
    nanos_t at; /* of the first act */
};

struct seen { /* what lay at an item's place when the plan was made */
    bool there;
    uint64_t inode, size;
    int64_t modified;
};

struct restore {
    struct vault_place place;
    struct vault_log log;
    struct history *history;
    struct vault *vault; /* ours, when no other process keeps it */
    bool vault_tried;
    uint32_t *made_folder; /* paths of folders that were made: RESTORE_FOLDERS of them */
    size_t made_count;
    struct restore_request request;
    struct vault_who held;
    nanos_t from, held_at;
    struct target *target; /* by index of file */
    size_t target_room;
    bool *made;       /* by index of file: by the held principal */
    uint32_t *marked; /* versions in the order of their marks */
    size_t marked_count;
    struct restore_item *item;
    struct seen *seen;
    size_t item_count, item_room;
    struct restore_left *left;
    size_t left_count, left_room;
    int list; /* of what the vault's process is to be told; -1: none yet */
    char list_name[64];
    size_t listed;
    int status;
};

/* restore_look.c: what is there now, and what that means. */
void restore_look(struct restore *r, const struct target *target, struct restore_item *item,
                  struct seen *seen);
int restore_index(struct restore *r);
int restore_plan_paths(struct restore *r);
int restore_plan_untold(struct restore *r);
int restore_add(struct restore *r, const struct target *target);
int restore_add_left(struct restore *r, const char *path, uint64_t size);
bool restore_within(const char *path, const char *folder); /* folder NULL or "": all */

#endif
