/* Names that were changed: removed, renamed, renamed over. There is no permission event for these;
 * what they destroy is in the vault, and what is counted is counted afterwards. */
#include "files/listener_parts.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { FOLDERS = 64 };

static struct folder { /* whose path was found lately; all forgotten when a folder is renamed */
    uint64_t key;
    char path[VAULT_PATH_SIZE];
} folders[FOLDERS];

struct record {                       /* of an event */
    const struct file_handle *handle; /* NULL: not there; its bytes are checked */
    const char *name;                 /* NULL: none */
};

struct renaming {
    uint64_t file_system;
    struct record from, to, target;
};

void naming_begin(struct listener *l)
{
    for (unsigned i = 0; i < l->contract->share_count; i++) {
        struct statfs status;
        l->file_system[i] = 0;
        if (l->start->place[i].device && fstatfs(l->start->place[i].mount, &status) == 0)
            memcpy(&l->file_system[i], &status.f_fsid, sizeof l->file_system[i]);
    }
}

/* ---- What an event holds --------------------------------------------------------------------- */

static struct record read_record(const struct fanotify_event_info_fid *info, bool named)
{
    struct record record = {NULL, NULL};
    const char *end = (const char *)info + info->hdr.len;
    const struct file_handle *handle = (const void *)info->handle;
    const char *after = (const char *)handle + sizeof *handle;
    if (after > end || handle->handle_bytes > LISTENER_HANDLE ||
        handle->handle_bytes > (size_t)(end - after))
        return record;
    record.handle = handle;
    const char *name = after + handle->handle_bytes;
    if (named && name < end && memchr(name, 0, (size_t)(end - name)))
        record.name = name;
    return record;
}

static struct renaming read_event(const struct fanotify_event_metadata *event)
{
    struct renaming r = {0};
    const char *at = (const char *)event + event->metadata_len;
    const char *end = (const char *)event + event->event_len;
    while (end - at >= (ptrdiff_t)sizeof(struct fanotify_event_info_fid)) {
        const struct fanotify_event_info_fid *info = (const void *)at;
        if (info->hdr.len < sizeof *info || info->hdr.len > end - at)
            break;
        memcpy(&r.file_system, &info->fsid, sizeof r.file_system);
        switch (info->hdr.info_type) {
        case FAN_EVENT_INFO_TYPE_FID:
            r.target = read_record(info, false);
            break;
        case FAN_EVENT_INFO_TYPE_DFID_NAME:
        case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
            r.from = read_record(info, true);
            break;
        case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
            r.to = read_record(info, true);
            break;
        default:
            break;
        }
        at += info->hdr.len;
    }
    return r;
}

/* Inode and generation, of the handles of ext4 and others (FILEID_INO32_GEN, with a parent or
 * without), XFS (XFS_FILEID_TYPE_64FLAG) and btrfs: include/linux/exportfs.h, fs/xfs/xfs_export.c,
 * fs/btrfs/export.h. */
static struct vault_file file_of(const struct file_handle *handle)
{
    struct vault_file file = {0, 0};
    uint32_t words[5];
    if (!handle || handle->handle_bytes < 8)
        return file;
    size_t size = handle->handle_bytes < sizeof words ? handle->handle_bytes : sizeof words;
    memcpy(words, handle->f_handle, size);
    if (handle->handle_type == 1 || handle->handle_type == 2)
        file = (struct vault_file){words[0], words[1]};
    else if ((handle->handle_type == 0x81 || handle->handle_type == 0x82) && size >= 12)
        file = (struct vault_file){(uint64_t)words[1] << 32 | words[0], words[2]};
    else if (handle->handle_type >= 0x4d && handle->handle_type <= 0x4f && size >= 20)
        file = (struct vault_file){(uint64_t)words[1] << 32 | words[0], words[4]};
    return file;
}

/* ---- Handles --------------------------------------------------------------------------------- */

uint64_t naming_copy(const struct listener *l, unsigned share, const struct file_handle *from,
                     struct naming_handle *to)
{
    *to = (struct naming_handle){.head = *from};
    memcpy(to->head.f_handle, from->f_handle, from->handle_bytes);
    return siphash(l->key, to, sizeof to->head + from->handle_bytes) ^ share;
}

int naming_open(const struct listener *l, unsigned share, struct naming_handle *handle)
{
    return open_by_handle_at(l->start->place[share].mount, &handle->head, O_PATH | O_CLOEXEC);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static const char *path_of_folder(const struct listener *l, unsigned share,
                                  const struct file_handle *found)
{
    struct naming_handle handle;
    char link[32], path[VAULT_PATH_SIZE];
    uint64_t key = naming_copy(l, share, found, &handle);
    struct folder *folder = &folders[key % FOLDERS];
    if (folder->key == key)
        return folder->path;
    int fd = naming_open(l, share, &handle);
    if (fd < 0)
        return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    close(fd);
    size_t root = strlen(l->contract->share[share].path);
    if (length < (ssize_t)root || memcmp(path, l->contract->share[share].path, root) != 0)
        return NULL;
    path[length] = 0;
    folder->key = key;
    snprintf(folder->path, sizeof folder->path, "%s", path[root] == '/' ? path + root + 1 : "");
    return folder->path;
}

static bool path_of(const struct listener *l, unsigned share, const struct record *record,
                    char out[VAULT_PATH_SIZE])
{
    const char *folder = record->handle ? path_of_folder(l, share, record->handle) : NULL;
    out[0] = 0;
    if (!folder || !record->name)
        return false;
    return snprintf(out, VAULT_PATH_SIZE, "%s%s%s", folder, *folder ? "/" : "", record->name) <
           VAULT_PATH_SIZE;
}

/* ---- An event -------------------------------------------------------------------------------- */

static int share_of(const struct listener *l, uint64_t file_system)
{
    for (unsigned i = 0; i < l->contract->share_count; i++)
        if (l->start->place[i].device && l->file_system[i] == file_system)
            return (int)i;
    return -1;
}

static void renamed(struct listener *l, const struct payer *payer, const struct renaming *r,
                    bool folder)
{
    static char from[VAULT_PATH_SIZE], to[VAULT_PATH_SIZE];
    bool known = path_of(l, payer->share, &r->from, from) && path_of(l, payer->share, &r->to, to);
    if (folder)
        memset(folders, 0, sizeof folders);
    struct vault_file file = folder ? (struct vault_file){0, 0} : file_of(r->target.handle);
    if (known)
        asking_moved(l, payer, &file, from, to);
    else
        board_add(l->board, BOARD_NOT_ASKED);
}

static uint64_t name_key(const struct listener *l, const struct record *record)
{
    struct {
        unsigned char bytes[LISTENER_HANDLE];
        char name[256];
    } whole = {.name = ""};
    if (!record->handle || !record->name)
        return 0;
    memcpy(whole.bytes, record->handle->f_handle, record->handle->handle_bytes);
    snprintf(whole.name, sizeof whole.name, "%s", record->name);
    return siphash(l->key, &whole, sizeof whole);
}

/* Nobody is asked before a file is removed, and whether another takes its name is known a moment
 * later. Who removes more than is left to him stands still until then. */
static void count_gone(struct listener *l, const struct payer *payer, uint64_t key)
{
    struct flight flight = {.thing = key,
                            .tree = payer->tree ? payer->tree->id : 0,
                            .user = payer->user,
                            .share = payer->share};
    struct charging_left left =
        charging_left(&l->charging, l->budgets, METER_FILES_REWRITTEN, payer, l->now);
    flights_add(&l->gone, &flight, l->now, l->now + FLIGHT_GONE);
    struct flights_count count = flights_count(&l->gone, &flight, l->now);
    if (!flights_fit(count.own, left.own))
        listener_pause(l, payer);
}

static void removed(struct listener *l, const struct payer *payer, const struct renaming *r)
{
    static char path[VAULT_PATH_SIZE];
    struct vault_file file = file_of(r->target.handle);
    path_of(l, payer->share, &r->from, path);
    if (!file.inode && !*path)
        return;
    if (payer->known)
        count_gone(l, payer, name_key(l, &r->from));
    asking_removed(l, payer, &file, path);
}

void naming_take(struct listener *l, const struct fanotify_event_metadata *event)
{
    if (!(event->mask & (FAN_RENAME | FAN_DELETE)) && !l->gone.used)
        return; /* a name is taken that nobody waits for */
    struct renaming r = read_event(event);
    int share = share_of(l, r.file_system);
    if (share < 0 || l->calm)
        return;
    if (event->mask & FAN_CREATE)
        flights_judged(&l->gone, name_key(l, &r.from));
    if (!(event->mask & (FAN_RENAME | FAN_DELETE)))
        return;
    struct owner owner = owners_find(l->owners, event->pid, l->now);
    if (owner.ours)
        return;
    if (!owner.known)
        board_add(l->board, BOARD_UNKNOWN);
    struct payer payer = {.user = owner.user,
                          .known = owner.known,
                          .tree = owner.tree,
                          .process = owner.process,
                          .trusted = owner.trusted,
                          .share = (uint16_t)share};
    bool folder = event->mask & FAN_ONDIR;
    if (event->mask & FAN_RENAME) {
        flights_judged(&l->gone, name_key(l, &r.to));
        renamed(l, &payer, &r, folder);
    } else if (event->mask & FAN_DELETE && !folder) {
        removed(l, &payer, &r);
    }
}

const struct file_handle *naming_target(const struct listener *l,
                                        const struct fanotify_event_metadata *event, int *share,
                                        uint64_t *inode)
{
    struct renaming r = read_event(event);
    *share = share_of(l, r.file_system);
    *inode = file_of(r.target.handle).inode;
    return *share < 0 ? NULL : r.target.handle;
}
