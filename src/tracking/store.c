#include "tracking/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* LMDB says EIO for a write that was cut short, which is how a disk becomes full. */
static bool disk_is_full(const struct store *s)
{
    struct statvfs fs;
    return statvfs(s->path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < 1 << 20;
}

int store_error(struct error *error, int rc, const struct store *s, const char *doing)
{
    if (rc == EIO && disk_is_full(s))
        rc = ENOSPC;
    int code = rc > 0 ? -rc : -EIO; /* LMDB passes errno through; its own codes are negative */
    if (rc == MDB_MAP_FULL)
        return error_set(error, -ENOSPC, "%s: %s: the store has reached %zu GiB, its largest size",
                         s->path, doing, s->map_size >> 30);
    if (rc == MDB_VERSION_MISMATCH || rc == MDB_INVALID || rc == MDB_CORRUPTED)
        return error_set(error, -EPROTO,
                         "%s: %s: it is damaged, or of another version; restore it "
                         "from a backup, or move it away and feed it again",
                         s->path, doing);
    return error_set(error, code, "%s: %s: %s", s->path, doing, mdb_strerror(rc));
}

uint64_t store_file_generation(const char *path)
{
    struct statx sx;
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &sx) != 0)
        return 0;
    /* Not the device: its number may change at a boot. The time of birth, since inode numbers are
     * used again. */
    bool born = sx.stx_mask & STATX_BTIME;
    uint64_t id[3] = {sx.stx_ino, born ? (uint64_t)sx.stx_btime.tv_sec : 0,
                      born ? sx.stx_btime.tv_nsec : 0};
    uint64_t generation = hash_checksum(1, id, sizeof id);
    return generation ? generation : 1;
}

/* A file that is shorter than its own header says would kill its reader with SIGBUS. */
static int check_length(const struct store *s, struct error *error)
{
    MDB_envinfo info;
    struct stat st;
    int rc = mdb_env_info(s->env, &info);
    if (rc != 0)
        return store_error(error, rc, s, "cannot be examined");
    if (stat(s->path, &st) != 0)
        return error_set(error, -errno, "%s: %s", s->path, strerror(errno));
    if (info.me_last_pgno + 1 > (uint64_t)st.st_size / s->page_size)
        return error_set(error, -EPROTO,
                         "%s: is cut short; restore it from a backup, or move it away "
                         "and feed it again",
                         s->path);
    return 0;
}

static int env_setup(struct store *s, struct error *error)
{
    int rc = mdb_env_create(&s->env);
    if (rc != 0) {
        s->env = NULL;
        return store_error(error, rc, s, "cannot be opened");
    }
    struct stat st;
    s->map_size = s->map_size ? s->map_size : STORE_MAP_SIZE;
    while (stat(s->path, &st) == 0 && (uint64_t)st.st_size > s->map_size / 2 &&
           s->map_size >= STORE_MAP_SIZE)
        s->map_size *= 2;
    (void)mdb_env_set_maxreaders(s->env, STORE_READERS);
    (void)mdb_env_set_mapsize(s->env, s->map_size);
    /* No MDB_WRITEMAP: with it, a full disk is a SIGBUS. Read-ahead would read 30 pages for each
     * random lookup. */
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (s->read_only ? MDB_RDONLY | MDB_NORDAHEAD : 0);
    rc = mdb_env_open(s->env, s->path, flags, 0640);
    return rc ? store_error(error, rc, s, "cannot be opened") : 0;
}

int store_env_open(struct store *s, struct error *error)
{
    int code = env_setup(s, error);
    if (code != 0)
        return code;
    MDB_stat stat;
    int dead;
    (void)mdb_env_stat(s->env, &stat);
    s->page_size = stat.ms_psize;
    s->generation = store_file_generation(s->path);
    (void)mdb_reader_check(s->env, &dead);
    code = check_length(s, error);
    if (code == 0 && !s->read_only)
        code = store_create(s, error);
    if (code != 0)
        return code;
    int rc = store_read_begin(s);
    if (rc != 0)
        return store_error(error, rc, s, "cannot be read");
    rc = mdb_dbi_open(s->read, NULL, 0, &s->dbi);
    if (rc == 0)
        rc = store_check_about(s, s->read);
    if (rc == 0)
        rc = dictionary_load(s->dictionary, s->read, s->dbi);
    mdb_txn_reset(s->read);
    return rc ? store_error(error, rc, s, "cannot be read") : 0;
}

void store_env_close(struct store *s)
{
    if (s->read)
        mdb_txn_abort(s->read);
    if (s->env)
        mdb_env_close(s->env);
    s->read = NULL;
    s->env = NULL;
}

/* The pid in the file is for people; the lock is the kernel's, and ends with its process. */
static int take_lock(struct store *s, struct error *error)
{
    char path[STORE_PATH_SIZE], pid[32] = "";
    if (store_path(path, s->state, "writer.lock") != 0)
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", s->state);
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->lock < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
        int code = errno == EWOULDBLOCK ? -EBUSY : -errno;
        ssize_t got = pread(s->lock, pid, sizeof pid - 1, 0);
        pid[got > 0 ? (size_t)got : 0] = 0;
        return error_set(error, code, "%s: another writer is at work (process %d)", path,
                         atoi(pid));
    }
    struct writer w = writer_on(pid, sizeof pid);
    write_unsigned(&w, (uint64_t)getpid());
    WRITE_LITERAL(&w, "\n");
    if (ftruncate(s->lock, 0) != 0 || pwrite(s->lock, pid, w.length, 0) < 0)
        return 0; /* a full disk: only the name of the holder is lost */
    return 0;
}

static int open_in(struct store *s, struct error *error)
{
    if (!s->dictionary)
        return error_set(error, -ENOMEM, "no memory");
    if (strlen(s->state) + 40 > sizeof s->path || store_path(s->path, s->state, "parcels.mdb") != 0)
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", s->state);
    if (s->read_only) {
        if (access(s->path, F_OK) != 0)
            return error_set(error, -errno, "%s: %s", s->path, strerror(errno));
        return store_env_open(s, error);
    }
    int code = store_prepare(s->state, error);
    if (code == 0)
        code = take_lock(s, error);
    return code ? code : store_env_open(s, error);
}

int store_open_sized(const char *state, bool read_only, size_t map_size, struct store **out,
                     struct error *error)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, -ENOMEM, "no memory");
    s->lock = -1;
    s->read_only = read_only;
    s->map_size = map_size;
    s->dictionary = dictionary_new();
    struct writer w = writer_on(s->state, sizeof s->state - 1);
    write_string(&w, state);
    int code = w.overflow ? error_set(error, -ENAMETOOLONG, "%s: the path is too long", state)
                          : open_in(s, error);
    if (code != 0) {
        store_close(s);
        return code;
    }
    *out = s;
    return 0;
}

int store_open(const char *state, bool read_only, struct store **out, struct error *error)
{
    return store_open_sized(state, read_only, 0, out, error);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_env_close(s);
    dictionary_free(s->dictionary);
    if (s->lock >= 0)
        close(s->lock);
    free(s);
}

uint64_t store_generation(const struct store *s)
{
    return s->generation;
}

bool store_was_replaced(const struct store *s)
{
    return store_file_generation(s->path) != s->generation;
}

static int read_once(struct store *s)
{
    return s->read ? mdb_txn_renew(s->read) : mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->read);
}

int store_read_begin(struct store *s)
{
    int rc = read_once(s), dead;
    if (rc == MDB_READERS_FULL) { /* killed workers leave their slots taken */
        (void)mdb_reader_check(s->env, &dead);
        rc = read_once(s);
    } else if (rc == MDB_MAP_RESIZED) { /* a writer with a larger map */
        rc = mdb_env_set_mapsize(s->env, 0);
        rc = rc ? rc : read_once(s);
    }
    return rc;
}

/* Copies the record out of the map: what is checked is then what is read. A value that a damaged
 * node places outside its page is not followed. */
static enum store_result copy_record(struct store *s, const struct parcel_number *parcel,
                                     size_t *length)
{
    MDB_val key = {parcel->length, (void *)(uintptr_t)parcel->text}, value;
    int rc = mdb_get(s->read, s->dbi, &key, &value);
    if (rc == MDB_NOTFOUND)
        return STORE_ABSENT;
    if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID)
        return STORE_DAMAGED;
    if (rc != 0)
        return STORE_FAILED;
    size_t in_page = (uintptr_t)value.mv_data & (s->page_size - 1);
    bool overflow_page = value.mv_size > s->page_size / 2 && in_page == 16;
    if (value.mv_size > RECORD_SIZE_MAX ||
        (!overflow_page && in_page + value.mv_size > s->page_size))
        return STORE_DAMAGED;
    memcpy(s->bytes, value.mv_data, value.mv_size);
    *length = value.mv_size;
    return STORE_FOUND;
}

static enum store_result get_once(struct store *s, const struct parcel_number *parcel, bool load,
                                  enum record_result *decoded)
{
    size_t length = 0;
    int rc = store_read_begin(s);
    if (rc != 0)
        return STORE_FAILED;
    enum store_result result = copy_record(s, parcel, &length);
    if (load && result == STORE_FOUND && dictionary_load(s->dictionary, s->read, s->dbi) != 0)
        result = STORE_DAMAGED;
    mdb_txn_reset(s->read);
    if (result != STORE_FOUND)
        return result;
    *decoded = record_decode(s->dictionary, parcel, s->bytes, length, &s->record);
    return *decoded == RECORD_OK ? STORE_FOUND : STORE_DAMAGED;
}

enum store_result store_get(struct store *s, const struct parcel_number *parcel,
                            struct history *out)
{
    if (parcel->length == 0 || parcel->length > PARCEL_TEXT_MAX ||
        (uint8_t)parcel->text[0] < STORE_KEY_FIRST)
        return STORE_ABSENT;
    enum record_result decoded = RECORD_OK;
    enum store_result result = get_once(s, parcel, false, &decoded);
    if (decoded == RECORD_UNKNOWN_WORD) /* a word that was added since the dictionary was read */
        result = get_once(s, parcel, true, &decoded);
    if (result != STORE_FOUND)
        return result;
    out->parcel = *parcel;
    record_history(s->dictionary, s->bytes, &s->record, out);
    return STORE_FOUND;
}

int store_figures(struct store *s, struct store_figures *out)
{
    MDB_stat stat_;
    MDB_envinfo info;
    struct stat st;
    int rc = store_read_begin(s);
    if (rc != 0)
        return rc > 0 ? -rc : -EIO;
    rc = mdb_stat(s->read, s->dbi, &stat_);
    if (rc == 0)
        rc = dictionary_load(s->dictionary, s->read, s->dbi);
    mdb_txn_reset(s->read);
    if (rc == 0)
        rc = mdb_env_info(s->env, &info);
    if (rc != 0 || stat(s->path, &st) != 0)
        return rc > 0 ? -rc : -EIO;
    uint64_t others = 1; /* about the file */
    for (int class = 0; class < WORD_CLASS_COUNT; class ++)
        for (uint32_t i = 0; i < s->dictionary->stored[class].count; i++)
            others += s->dictionary->stored[class].word[i].saved;
    uint64_t pages = stat_.ms_branch_pages + stat_.ms_leaf_pages + stat_.ms_overflow_pages;
    *out = (struct store_figures){
        .parcels = stat_.ms_entries > others ? stat_.ms_entries - others : 0,
        .bytes_used = pages * s->page_size,
        .bytes_file = (uint64_t)st.st_size,
        .bytes_map = info.me_mapsize,
    };
    return 0;
}

int store_each_number(struct store *s, int (*each)(void *context, struct text number),
                      void *context)
{
    MDB_cursor *cursor;
    int rc = store_read_begin(s);
    if (rc == 0)
        rc = mdb_cursor_open(s->read, s->dbi, &cursor);
    if (rc != 0)
        return rc > 0 ? -rc : -EIO;
    uint8_t first = STORE_KEY_FIRST;
    MDB_val key = {1, &first}, value;
    int answer = 0;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rc == 0 && answer == 0) {
        answer = each(context, (struct text){key.mv_data, key.mv_size});
        rc = mdb_cursor_get(cursor, &key, NULL, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    mdb_txn_reset(s->read);
    if (answer != 0 || rc == MDB_NOTFOUND)
        return answer;
    return rc > 0 ? -rc : -EIO;
}
