#include "files/history.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Arrays and tables that grow ------------------------------------------------------------- */

static int grow(void *array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return 0;
    size_t more = *room ? *room * 2 : 1024;
    if (more > HISTORY_NONE)
        return -ENOMEM;
    void **pointer = array;
    void *grown = realloc(*pointer, more * size);
    if (grown == NULL)
        return -ENOMEM;
    *pointer = grown;
    *room = more;
    return 0;
}

static uint64_t hash_number(uint64_t n)
{
    return (n ^ n >> 29) * UINT64_C(0x9e3779b97f4a7c15);
}

static size_t slot_of(const struct index_table *t, uint64_t hash)
{
    return (size_t)(hash >> 20) & (t->size - 1);
}

static int table_grow(struct index_table *t, uint64_t (*hash_of)(const struct history *, uint32_t),
                      const struct history *h)
{
    if (t->count * 2 < t->size)
        return 0;
    struct index_table more = {.size = t->size ? t->size * 2 : 4096};
    more.slot = malloc(more.size * sizeof *more.slot);
    if (more.slot == NULL)
        return -ENOMEM;
    memset(more.slot, 0xff, more.size * sizeof *more.slot);
    for (size_t i = 0; i < t->size; i++) {
        if (t->slot[i] == HISTORY_NONE)
            continue;
        size_t at = slot_of(&more, hash_of(h, t->slot[i]));
        while (more.slot[at] != HISTORY_NONE)
            at = (at + 1) & (more.size - 1);
        more.slot[at] = t->slot[i];
    }
    free(t->slot);
    more.count = t->count;
    *t = more;
    return 0;
}

static uint64_t hash_version(const struct history *h, uint32_t i)
{
    return hash_number(h->version[i].id);
}

static uint64_t hash_identity(struct vault_file identity)
{
    return hash_number(identity.inode + ((uint64_t)identity.generation << 40));
}

static uint64_t hash_file(const struct history *h, uint32_t i)
{
    return hash_identity(h->file[i].identity);
}

static uint64_t hash_path(const struct history *h, uint32_t i)
{
    return siphash(h->names, h->path[i].name, h->path[i].length);
}

static int table_add(struct history *h, struct index_table *t, uint32_t index,
                     uint64_t (*hash_of)(const struct history *, uint32_t))
{
    int status = table_grow(t, hash_of, h);
    if (status < 0)
        return status;
    size_t at = slot_of(t, hash_of(h, index));
    while (t->slot[at] != HISTORY_NONE)
        at = (at + 1) & (t->size - 1);
    t->slot[at] = index;
    t->count++;
    return 0;
}

/* ---- Looking up ------------------------------------------------------------------------------ */

uint32_t history_version(const struct history *h, uint64_t id)
{
    const struct index_table *t = &h->by_id;
    for (size_t at = t->size ? slot_of(t, hash_number(id)) : 0; t->size;
         at = (at + 1) & (t->size - 1)) {
        uint32_t i = t->slot[at];
        if (i == HISTORY_NONE || h->version[i].id == id)
            return i;
    }
    return HISTORY_NONE;
}

uint32_t history_file(const struct history *h, struct vault_file identity)
{
    const struct index_table *t = &h->by_inode;
    for (size_t at = t->size ? slot_of(t, hash_identity(identity)) : 0; t->size;
         at = (at + 1) & (t->size - 1)) {
        uint32_t i = t->slot[at];
        if (i == HISTORY_NONE || vault_same_file(h->file[i].identity, identity))
            return i;
    }
    return HISTORY_NONE;
}

uint32_t history_path(const struct history *h, struct text name)
{
    const struct index_table *t = &h->by_path;
    uint64_t hash = t->size ? siphash(h->names, name.data, name.length) : 0;
    for (size_t at = t->size ? slot_of(t, hash) : 0; t->size; at = (at + 1) & (t->size - 1)) {
        uint32_t i = t->slot[at];
        if (i == HISTORY_NONE ||
            text_equal((struct text){h->path[i].name, h->path[i].length}, name))
            return i;
    }
    return HISTORY_NONE;
}

const char *history_name(const struct history *h, uint32_t path)
{
    return path < h->path_count ? h->path[path].name : "";
}

uint64_t history_mark(struct hash_key key, uint64_t inode, int64_t changed, uint64_t size)
{
    uint64_t mark = siphash_words3(key, inode, (uint64_t)changed, size);
    return mark ? mark : 1; /* 0 is of a version that was torn */
}

/* Its times do not count: they change with every file in it. */
uint64_t history_folder_mark(const struct log_record *folder)
{
    const struct log_folder *b = &folder->body.FOLDER;
    uint64_t parts[4] = {b->inode, b->mode, (uint64_t)b->owner << 32 | b->group,
                         hash_checksum(1, folder->second.data, folder->second.length)};
    return hash_checksum(2, parts, sizeof parts) | 1;
}

static struct user_use *user_of(const struct history *h, uint32_t user)
{
    for (size_t i = 0; i < h->user_count; i++)
        if (h->user[i].user == user)
            return &h->user[i];
    return NULL;
}

uint64_t history_used(const struct history *h, uint32_t user)
{
    const struct user_use *use = user_of(h, user);
    return use ? use->past_bytes : 0;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int path_make(struct history *h, struct text name, uint32_t *out)
{
    uint32_t found = history_path(h, name);
    if (found != HISTORY_NONE) {
        *out = found;
        return 0;
    }
    if (grow(&h->path, &h->path_room, h->path_count, sizeof *h->path) < 0)
        return -ENOMEM;
    char *copy = malloc(name.length + 1);
    if (copy == NULL)
        return -ENOMEM;
    if (name.length)
        memcpy(copy, name.data, name.length);
    copy[name.length] = 0;
    uint32_t index = (uint32_t)h->path_count++;
    h->path[index] = (struct path){.name = copy,
                                   .length = (uint32_t)name.length,
                                   .file = HISTORY_NONE,
                                   .newest = HISTORY_NONE};
    *out = index;
    return table_add(h, &h->by_path, index, hash_path);
}

static int file_make(struct history *h, struct vault_file identity, uint32_t *out)
{
    uint32_t found = history_file(h, identity);
    if (found != HISTORY_NONE) {
        *out = found;
        return 0;
    }
    if (grow(&h->file, &h->file_room, h->file_count, sizeof *h->file) < 0)
        return -ENOMEM;
    uint32_t index = (uint32_t)h->file_count++;
    h->file[index] =
        (struct file){.identity = identity, .newest = HISTORY_NONE, .path = HISTORY_NONE};
    *out = index;
    return table_add(h, &h->by_inode, index, hash_file);
}

static int charge(struct history *h, uint32_t user, uint64_t bytes, bool add)
{
    struct user_use *use = user_of(h, user);
    if (use == NULL) {
        if (grow(&h->user, &h->user_room, h->user_count, sizeof *h->user) < 0)
            return -ENOMEM;
        use = &h->user[h->user_count++];
        *use = (struct user_use){.user = user};
    }
    use->past_bytes += add ? bytes : (uint64_t)0 - bytes;
    h->past_bytes += add ? bytes : (uint64_t)0 - bytes;
    return 0;
}

/* ---- What changes ---------------------------------------------------------------------------- */

/* Makes a version past, or says better whose act that was. */
static int end_version(struct history *h, uint32_t index, uint32_t user, uint64_t tree, int64_t at,
                       uint8_t ground)
{
    struct version *v = &h->version[index];
    if (v->gone)
        return 0;
    if (v->past_at) {
        int status = charge(h, v->past_by, v->bytes, false);
        if (status < 0)
            return status;
    } else {
        h->current--;
        v->past_at = at ? at : 1;
    }
    v->past_by = user;
    v->past_tree = tree;
    v->ground = ground;
    return charge(h, user, v->bytes, true);
}

/* A file is at a path from now on; what was there is not any more. */
static int place(struct history *h, uint32_t file, uint32_t path, uint32_t user, uint64_t tree,
                 int64_t at)
{
    struct file *f = &h->file[file];
    if (f->path != HISTORY_NONE && f->path != path && h->path[f->path].file == file)
        h->path[f->path].file = HISTORY_NONE;
    uint32_t other = h->path[path].file;
    f->path = path;
    f->removed = false;
    h->path[path].file = file;
    if (other == HISTORY_NONE || other == file)
        return 0;
    struct file *over = &h->file[other];
    over->removed = true;
    if (over->newest != HISTORY_NONE && h->version[over->newest].past_at == 0)
        return end_version(h, over->newest, user, tree, at, LOG_UNJUDGED);
    return 0;
}

static int apply_version(struct history *h, const struct log_record *r)
{
    const struct log_version *b = &r->body.KEPT;
    uint32_t file, path;
    int status = file_make(h, (struct vault_file){b->inode, b->generation}, &file);
    if (status == 0)
        status = path_make(h, r->first, &path);
    if (status == 0)
        status = grow(&h->version, &h->version_room, h->version_count, sizeof *h->version);
    if (status < 0)
        return status;
    uint32_t older = h->file[file].newest;
    if (older != HISTORY_NONE && (b->flags & LOG_SAME) && !h->version[older].past_at)
        h->version[older].bytes =
            0; /* only its name or rights changed: both have the same blocks */
    if (older != HISTORY_NONE && !h->version[older].past_at)
        status = end_version(h, older, b->user, b->tree, b->at,
                             b->flags & LOG_SAME ? REWRITE_UNCHANGED : LOG_UNJUDGED);
    if (status == 0)
        status = place(h, file, path, b->user, b->tree, b->at);
    if (status < 0)
        return status;
    uint32_t index = (uint32_t)h->version_count++;
    h->version[index] = (struct version){
        .id = b->id,
        .mark = b->flags & LOG_TORN ? 0 : history_mark(h->key, b->inode, b->changed, b->size),
        .size = b->size,
        .bytes = b->bytes,
        .offset = r->offset,
        .writer_tree = b->tree,
        .at = b->at,
        .writer = b->user,
        .file = file,
        .path = path,
        .links = b->links,
        .older = older,
        .older_here = h->path[path].newest,
        .when = b->when,
        .ground = LOG_UNJUDGED,
        .flags = b->flags,
    };
    h->file[file].newest = index;
    h->path[path].newest = index;
    h->current++;
    h->kept++;
    if (b->id > h->highest)
        h->highest = b->id;
    return table_add(h, &h->by_id, index, hash_version);
}

static int apply_writer(struct history *h, const struct log_record *r)
{
    const struct log_writer *b = &r->body.WRITER;
    uint32_t index = history_version(h, b->id);
    if (index == HISTORY_NONE)
        return 0;
    struct version *v = &h->version[index];
    v->writer = b->user;
    v->writer_tree = b->tree;
    v->when = VAULT_CLOSED;
    return 0;
}

static int apply_past(struct history *h, const struct log_record *r)
{
    const struct log_past *b = &r->body.PAST;
    uint32_t index = history_version(h, b->id);
    if (index == HISTORY_NONE)
        return 0;
    int status = end_version(h, index, b->user, b->tree, b->at, b->ground);
    return status;
}

/* Past, too, when nobody judged what became of it. */
static int apply_nameless(struct history *h, const struct log_record *r)
{
    const struct log_nameless *b = &r->body.NAMELESS;
    uint32_t index = history_version(h, b->id);
    if (index == HISTORY_NONE)
        return 0;
    uint32_t file = h->version[index].file;
    struct file *f = &h->file[file];
    f->removed = true;
    if (f->path != HISTORY_NONE && h->path[f->path].file == file)
        h->path[f->path].file = HISTORY_NONE;
    return h->version[f->newest].past_at
               ? 0
               : end_version(h, f->newest, b->user, b->tree, b->at, LOG_UNJUDGED);
}

/* All that lies in a folder: as many steps as there are paths, once for each folder that is moved.
 */
static int move_folder(struct history *h, const struct log_record *r)
{
    const struct log_moved *b = &r->body.MOVED;
    char name[2 * VAULT_PATH_SIZE];
    size_t count = h->path_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct path *p = &h->path[i];
        uint32_t file = p->file;
        size_t rest = p->length > r->first.length ? p->length - r->first.length : 0;
        if (file == HISTORY_NONE || rest == 0 || p->name[r->first.length] != '/' ||
            memcmp(p->name, r->first.data, r->first.length) != 0 ||
            r->second.length + rest > sizeof name)
            continue;
        memcpy(name, r->second.data, r->second.length);
        memcpy(name + r->second.length, p->name + r->first.length, rest);
        uint32_t to;
        int status = path_make(h, (struct text){name, r->second.length + rest}, &to);
        if (status == 0)
            status = place(h, file, to, b->user, b->tree, b->at);
        if (status < 0)
            return status;
    }
    return 0;
}

static int apply_moved(struct history *h, const struct log_record *r)
{
    const struct log_moved *b = &r->body.MOVED;
    if (r->first.length == 0 || r->second.length == 0)
        return 0;
    uint32_t from = history_path(h, r->first), to;
    if (from == HISTORY_NONE || h->path[from].file == HISTORY_NONE)
        return b->folder ? move_folder(h, r) : 0;
    uint32_t file = h->path[from].file;
    int status = path_make(h, r->second, &to);
    return status < 0 ? status : place(h, file, to, b->user, b->tree, b->at);
}

static int apply_gone(struct history *h, const struct log_record *r)
{
    uint32_t index = history_version(h, r->body.GONE.id);
    if (index == HISTORY_NONE || h->version[index].gone)
        return 0;
    struct version *v = &h->version[index];
    int status = v->past_at ? charge(h, v->past_by, v->bytes, false) : 0;
    h->current -= v->past_at == 0;
    h->kept--;
    h->gone++;
    v->gone = true;
    return status;
}

static int apply_folder(struct history *h, const struct log_record *r)
{
    uint32_t path;
    int status = path_make(h, r->first, &path);
    if (status == 0) {
        h->path[path].folder_at = r->offset;
        h->path[path].folder_mark = history_folder_mark(r);
    }
    return status;
}

static int apply_place(struct history *h, const struct log_record *r)
{
    const struct log_place *b = &r->body.PLACE;
    uint32_t file = history_file(h, (struct vault_file){b->inode, b->generation}), path;
    if (file == HISTORY_NONE)
        return 0;
    int status = path_make(h, r->first, &path);
    return status < 0 ? status : place(h, file, path, VAULT_NOBODY, 0, b->at);
}

int history_apply(struct history *h, const struct log_record *record)
{
    switch (record->type) {
    case LOG_KEPT:
        return apply_version(h, record);
    case LOG_WRITER:
        return apply_writer(h, record);
    case LOG_PAST:
        return apply_past(h, record);
    case LOG_MOVED:
        return apply_moved(h, record);
    case LOG_NAMELESS:
        return apply_nameless(h, record);
    case LOG_GONE:
        return apply_gone(h, record);
    case LOG_FOLDER:
        return apply_folder(h, record);
    case LOG_PLACE:
        return apply_place(h, record);
    default:
        return 0;
    }
}

int history_new(struct hash_key key, struct history **out)
{
    struct history *h = calloc(1, sizeof *h);
    if (h == NULL)
        return -ENOMEM;
    h->key = key;
    h->names = hash_key_random();
    *out = h;
    return 0;
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->path_count; i++)
        free(h->path[i].name);
    free(h->version);
    free(h->file);
    free(h->path);
    free(h->user);
    free(h->by_id.slot);
    free(h->by_inode.slot);
    free(h->by_path.slot);
    free(h);
}
