#include "tracking/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct store_batch {
    struct store *s;
    MDB_txn *txn;
    MDB_cursor *cursor;
    struct parcel_number
        last; /* greatest number in the store: past it, nothing need be looked up */
    struct parcel_number current; /* the parcel whose record is in memory; length 0: none */
    bool changed, append;
    uintptr_t page; /* of the record seen last */
    size_t pages, appended;
    struct record record;
    uint8_t bytes[RECORD_SIZE_MAX];
};

enum { ABOUT_SIZE = 32 };

static const char about_key[] = "\0about";
static const char about_magic[8] = "ecluse01";

/* ---- the file ------------------------------------------------------------------------------- */

void store_share_file(const char *path, mode_t mode, const struct stat *directory)
{
    /* Best effort: without these rights, readers of another user say so when they open. */
    if (chown(path, (uid_t)-1, directory->st_gid) != 0 || chmod(path, mode) != 0)
        return;
}

static int make_directory(const char *path, const struct stat *parent, struct error *error)
{
    if (mkdir(path, 0750) == 0) {
        if (parent)
            store_share_file(path, 0750, parent);
        return 0;
    }
    return errno == EEXIST ? 0 : error_set(error, -errno, "%s: %s", path, strerror(errno));
}

int store_prepare(const char *state, struct error *error)
{
    char path[STORE_PATH_SIZE];
    struct stat st;
    if (store_path(path, state, "") != 0)
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", state);
    int code = make_directory(state, NULL, error);
    if (code != 0)
        return code;
    if (stat(state, &st) != 0)
        return error_set(error, -errno, "%s: %s", state, strerror(errno));
    return make_directory(path, &st, error);
}

int store_check_about(struct store *s, MDB_txn *txn)
{
    MDB_val key = {sizeof about_key - 1, (void *)(uintptr_t)about_key}, value;
    int rc = mdb_get(txn, s->dbi, &key, &value);
    if (rc == MDB_NOTFOUND)
        return MDB_INVALID;
    if (rc != 0)
        return rc;
    uint64_t checksum;
    const uint8_t *bytes = value.mv_data;
    if (value.mv_size != ABOUT_SIZE || memcmp(bytes, about_magic, sizeof about_magic) != 0)
        return MDB_VERSION_MISMATCH;
    memcpy(&checksum, bytes + ABOUT_SIZE - 8, 8);
    return checksum == hash_checksum(0, bytes, ABOUT_SIZE - 8) ? 0 : MDB_CORRUPTED;
}

static int write_about(MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t bytes[ABOUT_SIZE];
    struct hash_key identity = hash_key_random();
    memcpy(bytes, about_magic, sizeof about_magic);
    memcpy(bytes + 8, &identity, sizeof identity);
    uint64_t checksum = hash_checksum(0, bytes, ABOUT_SIZE - 8);
    memcpy(bytes + ABOUT_SIZE - 8, &checksum, 8);
    MDB_val key = {sizeof about_key - 1, (void *)(uintptr_t)about_key},
            value = {sizeof bytes, bytes};
    return mdb_put(txn, dbi, &key, &value, 0);
}

static void share_files(const struct store *s)
{
    char path[STORE_PATH_SIZE + 8];
    struct stat st;
    if (store_path(path, s->state, "") != 0 || stat(path, &st) != 0)
        return;
    store_share_file(s->path, 0640, &st);
    (void)store_path(path, s->state, "parcels.mdb-lock");
    store_share_file(path, 0660, &st); /* readers enter themselves there */
}

int store_create(struct store *s, struct error *error)
{
    MDB_txn *txn;
    MDB_stat stat_;
    share_files(s);
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0)
        return store_error(error, rc, s, "cannot be written");
    rc = mdb_dbi_open(txn, NULL, 0, &s->dbi);
    if (rc == 0)
        rc = mdb_stat(txn, s->dbi, &stat_);
    if (rc == 0 && stat_.ms_entries == 0)
        rc = write_about(txn, s->dbi);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return store_error(error, rc, s, "cannot be written");
    }
    rc = mdb_txn_commit(txn);
    return rc ? store_error(error, rc, s, "cannot be written") : 0;
}

/* ---- a batch -------------------------------------------------------------------------------- */

static int batch_start(struct store_batch *b)
{
    struct store *s = b->s;
    int rc = mdb_txn_begin(s->env, NULL, 0, &b->txn);
    if (rc != 0) {
        b->txn = NULL;
        return rc;
    }
    rc = mdb_cursor_open(b->txn, s->dbi, &b->cursor);
    if (rc != 0)
        return rc;
    MDB_val key, value;
    rc = mdb_cursor_get(b->cursor, &key, &value, MDB_LAST);
    if (rc == 0 && key.mv_size <= PARCEL_TEXT_MAX) {
        b->last.length = (uint8_t)key.mv_size;
        memcpy(b->last.text, key.mv_data, key.mv_size);
    }
    return rc;
}

/* After a failed write of its header LMDB refuses everything until it is opened again. */
static int reopen(struct store *s, struct error *error)
{
    store_env_close(s);
    dictionary_free(s->dictionary);
    s->dictionary = dictionary_new();
    return s->dictionary ? store_env_open(s, error) : error_set(error, -ENOMEM, "no memory");
}

int store_begin(struct store *s, struct store_batch **out, struct error *error)
{
    struct store_batch *b = calloc(1, sizeof *b);
    if (!b)
        return error_set(error, -ENOMEM, "no memory");
    b->s = s;
    int dead, code = 0;
    if (!s->env)
        code = reopen(s, error);
    if (code == 0) {
        (void)mdb_reader_check(s->env, &dead);
        int rc = batch_start(b);
        if (rc == MDB_PANIC) {
            code = reopen(s, error);
            rc = code ? 0 : batch_start(b);
        }
        if (rc != 0)
            code = store_error(error, rc, s, "cannot be written");
    }
    if (code != 0) {
        store_abort(b);
        return code;
    }
    *out = b;
    return 0;
}

void store_abort(struct store_batch *batch)
{
    if (!batch)
        return;
    if (batch->cursor)
        mdb_cursor_close(batch->cursor);
    if (batch->txn)
        mdb_txn_abort(batch->txn);
    free(batch);
}

static int put_current(struct store_batch *b)
{
    if (b->current.length == 0 || !b->changed)
        return 0;
    size_t length = record_encode(b->s->dictionary, &b->current, &b->record, b->bytes);
    MDB_val key = {b->current.length, b->current.text}, value = {length, b->bytes};
    int rc = mdb_cursor_put(b->cursor, &key, &value, b->append ? MDB_APPEND : 0);
    if (rc != 0)
        return rc;
    b->changed = false;
    if (b->append) {
        b->last = b->current;
        b->appended += length + b->current.length + 10; /* a node's header and its slot */
    }
    return 0;
}

static int number_compare(const struct parcel_number *a, const struct parcel_number *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, shorter);
    return order ? order : (int)a->length - (int)b->length;
}

/* Numbers come sorted as a rule, so a change of page is a page not seen before. */
static void count_page(struct store_batch *b, const void *data)
{
    uintptr_t at = (uintptr_t)data;
    if (at - b->page + b->s->page_size >= 2 * b->s->page_size)
        b->pages++;
    b->page = at;
}

/* Makes a parcel's record the current one: read, or empty. A damaged one is replaced: it could not
 * be told anyway. */
static int load_current(struct store_batch *b, const struct parcel_number *parcel)
{
    b->record.count = 0;
    b->current = *parcel;
    b->append = b->last.length == 0 || number_compare(parcel, &b->last) > 0;
    if (b->append)
        return 0;
    MDB_val key = {parcel->length, (void *)(uintptr_t)parcel->text}, value;
    int rc = mdb_cursor_get(b->cursor, &key, &value, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0)
        return rc;
    count_page(b, value.mv_data);
    if (key.mv_size != parcel->length || memcmp(key.mv_data, parcel->text, key.mv_size) != 0)
        return 0;
    const uint8_t *bytes = value.mv_data;
    if (record_decode(b->s->dictionary, parcel, bytes, value.mv_size, &b->record) != RECORD_OK)
        b->record.count = 0;
    return record_own(b->s->dictionary, bytes, &b->record) ? 0 : ENOMEM;
}

/* Events of one second are put in an order that does not depend on which came first. */
static int event_compare(const struct dictionary *d, const struct record_event *a,
                         const struct record_event *b)
{
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    for (int class = WORD_CODE; class <= WORD_PLACE; class ++) {
        struct text x = record_word(d, (enum word_class) class, NULL, class ? a->place : a->code);
        struct text y = record_word(d, (enum word_class) class, NULL, class ? b->place : b->code);
        int order = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);
        if (order || x.length != y.length)
            return order ? order : x.length < y.length ? -1 : 1;
    }
    return 0;
}

/* What a repeated event says anew: a delivery day that moved is sent with the event that was sent
 * before. */
static bool take_facts(struct record_event *e, const struct record_event *said)
{
    struct record_event before = *e;
    if (said->delivery_day)
        e->delivery_day = said->delivery_day;
    if (said->product)
        e->product = said->product;
    if (said->pickup)
        e->pickup = said->pickup;
    return e->delivery_day != before.delivery_day || e->product != before.product ||
           e->pickup != before.pickup;
}

static enum store_added add_event(struct store_batch *b, const struct record_event *event,
                                  int64_t before)
{
    struct record *r = &b->record;
    uint32_t at = r->count;
    for (; at > 0 && r->event[at - 1].at >= event->at; at--) {
        struct record_event *e = &r->event[at - 1];
        if (e->at == event->at && e->code == event->code && e->place == event->place)
            return take_facts(e, event) ? ADDED_FACTS : ADDED_NOTHING;
    }
    if (r->count && event->at < r->event[0].at - before)
        return ADDED_TOO_EARLY;
    if (r->count == STORE_MAX_EVENTS)
        return ADDED_TOO_MANY;
    while (at < r->count && event_compare(b->s->dictionary, &r->event[at], event) < 0)
        at++;
    memmove(&r->event[at + 1], &r->event[at], (r->count - at) * sizeof *r->event);
    r->event[at] = *event;
    r->count++;
    return r->count == 1 ? ADDED_NEW_PARCEL : ADDED_EVENT;
}

int store_add_words(struct store_batch *batch, const struct parcel_number *parcel,
                    const struct record_event *event, int64_t before, int64_t changed)
{
    if (parcel->length == 0 || parcel->length > PARCEL_TEXT_MAX ||
        (uint8_t)parcel->text[0] < STORE_KEY_FIRST || event->at < RECORD_EPOCH ||
        event->at - RECORD_EPOCH > UINT32_MAX)
        return -EINVAL;
    if (number_compare(parcel, &batch->current) != 0) {
        int rc = put_current(batch);
        if (rc == 0)
            rc = load_current(batch, parcel);
        if (rc != 0) {
            batch->current.length = 0;
            return store_error(NULL, rc, batch->s, "");
        }
    }
    enum store_added added = add_event(batch, event, before);
    if (added == ADDED_NEW_PARCEL || added == ADDED_EVENT || added == ADDED_FACTS) {
        batch->changed = true;
        batch->record.changed = changed;
    }
    return (int)added;
}

bool store_event_words(struct store *s, const struct event *event, struct record_event *out)
{
    char place[2 + EVENT_PLACE_MAX];
    size_t place_length = strnlen(event->place, EVENT_PLACE_MAX);
    memcpy(place, event->country, 2);
    memcpy(place + 2, event->place, place_length);
    if (place_length || event->country[0])
        place_length += 2;
    struct dictionary *d = s->dictionary;
    int32_t code = dictionary_word(d, WORD_CODE, text_of(event->code));
    int32_t where = dictionary_word(d, WORD_PLACE, (struct text){place, place_length});
    int32_t product = dictionary_word(d, WORD_PRODUCT, text_of(event->product));
    int32_t pickup = dictionary_word(d, WORD_PICKUP, text_of(event->pickup));
    int32_t source = dictionary_word(d, WORD_SOURCE, text_of(event->source));
    if (code < 0 || where < 0 || product < 0 || pickup < 0 || source < 0)
        return false;
    *out = (struct record_event){
        .at = event->at,
        .delivery_day = event->delivery_day,
        .offset = event->offset,
        .step = event->step < STEP_COUNT ? event->step : STEP_UNKNOWN,
        .code = (uint32_t)code,
        .place = (uint32_t)where,
        .product = (uint32_t)product,
        .pickup = (uint32_t)pickup,
        .source = (uint32_t)source,
    };
    return true;
}

int store_add(struct store_batch *batch, const struct event *event, int64_t before, int64_t changed)
{
    struct record_event words;
    if (!store_event_words(batch->s, event, &words))
        return -ENOMEM;
    return store_add_words(batch, &event->parcel, &words, before, changed);
}

size_t store_batch_pages(const struct store_batch *batch)
{
    return batch->pages + batch->appended / batch->s->page_size;
}

int store_commit(struct store_batch *batch, struct error *error)
{
    struct store *s = batch->s;
    int rc = put_current(batch);
    if (rc == 0)
        rc = dictionary_save(s->dictionary, batch->txn, s->dbi);
    mdb_cursor_close(batch->cursor);
    batch->cursor = NULL;
    if (rc == 0) {
        rc = mdb_txn_commit(batch->txn);
        batch->txn = NULL;
    }
    store_abort(batch);
    if (rc != 0)
        return store_error(error, rc, s, "cannot be written");
    dictionary_saved(s->dictionary);
    return 0;
}

/* ---- expiry --------------------------------------------------------------------------------- */

enum { LOOKED_AT_MOST = 500000 }; /* records in one call: under half a second */

static int64_t last_event(struct store *s, const MDB_val *key, const MDB_val *value)
{
    struct parcel_number parcel = {.length = (uint8_t)key->mv_size};
    if (key->mv_size > PARCEL_TEXT_MAX)
        return INT64_MIN;
    memcpy(parcel.text, key->mv_data, key->mv_size);
    s->expire_after = parcel;
    /* What is damaged cannot be told and cannot age: it goes too. */
    if (record_decode(s->dictionary, &parcel, value->mv_data, value->mv_size, &s->record) !=
        RECORD_OK)
        return INT64_MIN;
    return s->record.event[s->record.count - 1].at;
}

static int expire_walk(struct store *s, MDB_cursor *cursor, int64_t oldest, size_t most,
                       long *removed)
{
    char from[PARCEL_TEXT_MAX + 1] = {STORE_KEY_FIRST};
    size_t looked = 0;
    MDB_val key = {1, from}, value;
    if (s->expire_after.length) { /* the next key after it: itself and a zero byte */
        memcpy(from, s->expire_after.text, s->expire_after.length);
        from[s->expire_after.length] = 0;
        key.mv_size = s->expire_after.length + 1u;
    }
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rc == 0 && looked < LOOKED_AT_MOST && (size_t)*removed < most) {
        looked++;
        if (last_event(s, &key, &value) < oldest) {
            rc = mdb_cursor_del(cursor, 0);
            if (rc != 0)
                return rc;
            ++*removed;
        }
        /* after a deletion this is the record that took its place */
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return rc;
}

long store_expire(struct store *s, int64_t oldest, size_t most, bool *done, struct error *error)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    long removed = 0;
    int dead;
    (void)mdb_reader_check(s->env, &dead);
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0)
        return store_error(error, rc, s, "cannot be written");
    struct parcel_number before = s->expire_after;
    rc = mdb_cursor_open(txn, s->dbi, &cursor);
    if (rc == 0) {
        rc = expire_walk(s, cursor, oldest, most, &removed);
        mdb_cursor_close(cursor);
    }
    bool at_end = rc == MDB_NOTFOUND;
    if (rc != 0 && !at_end) {
        mdb_txn_abort(txn);
    } else if (removed) {
        rc = mdb_txn_commit(txn);
    } else {
        mdb_txn_abort(txn);
        rc = 0;
    }
    if (rc != 0) {
        s->expire_after = before;
        return store_error(error, rc, s, "cannot be written");
    }
    if (at_end)
        s->expire_after = (struct parcel_number){0};
    *done = at_end;
    return removed;
}
