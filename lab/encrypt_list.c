/* encrypt_list: see encrypt.h. */
#include "encrypt.h"

#include <errno.h>
#include <fts.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int keep(struct list *list, const char *path)
{
    if (list->count == ENCRYPT_FILES_MAX)
        return -EFBIG;
    list->path[list->count] = strdup(path);
    if (!list->path[list->count])
        return -ENOMEM;
    list->count++;
    return 0;
}

static void put_in_order(struct list *list, enum order order)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t other = order == ORDER_BACKWARD ? list->count - 1 - i
                       : order == ORDER_RANDOM
                           ? i + randombytes_uniform((uint32_t)(list->count - i))
                           : i;
        if (order == ORDER_BACKWARD && other <= i)
            break;
        char *path = list->path[i];
        list->path[i] = list->path[other];
        list->path[other] = path;
    }
}

int list_make(const struct marked *m, enum order order, struct list *out)
{
    struct list list = {.path = calloc(ENCRYPT_FILES_MAX, sizeof(char *))};
    char top[] = ".";
    char *const tops[] = {top, NULL};
    if (!list.path || fchdir(m->directory) != 0) {
        free(list.path);
        return -errno;
    }
    FTS *walk = fts_open(tops, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, by_name);
    int result = walk ? 0 : -errno;
    for (FTSENT *found = walk ? fts_read(walk) : NULL; found && result == 0; found = fts_read(walk))
        if (found->fts_info == FTS_F && strcmp(found->fts_name, MARK_FILE) != 0)
            result = keep(&list, found->fts_path + 2); /* without its ./ */
    if (walk)
        fts_close(walk);
    if (result != 0) {
        list_free(&list);
        return result;
    }
    put_in_order(&list, order);
    *out = list;
    return 0;
}

void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->path[i]);
    free(list->path);
    *list = (struct list){0};
}
