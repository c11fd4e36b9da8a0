#include "tracking/dictionary.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>

struct word_memory { /* chunks never move: texts are borrowed from them */
    struct word_memory *next;
    size_t used, size;
    char data[];
};

enum { CHUNK = 64 * 1024, KEY_PREFIX = 1 };

struct dictionary *dictionary_new(void)
{
    struct dictionary *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    static const uint32_t bounds[] = {
#define X(constant, most, ...) most,
        WORD_CLASSES(X)
#undef X
    };
    memcpy(d->bound, bounds, sizeof bounds);
    d->key = hash_key_random();
    return d;
}

static void memory_free(struct word_memory *memory)
{
    while (memory) {
        struct word_memory *next = memory->next;
        free(memory);
        memory = next;
    }
}

static void list_free(struct word_list *list)
{
    free(list->word);
    free(list->slot);
    *list = (struct word_list){0};
}

void dictionary_free(struct dictionary *d)
{
    if (!d)
        return;
    for (int class = 0; class < WORD_CLASS_COUNT; class ++) {
        list_free(&d->stored[class]);
        list_free(&d->local[class]);
    }
    memory_free(d->memory);
    memory_free(d->local_memory);
    free(d);
}

static const char *remember(struct word_memory **memory, struct text text)
{
    if (!*memory || (*memory)->size - (*memory)->used < text.length) {
        struct word_memory *chunk = malloc(sizeof *chunk + CHUNK);
        if (!chunk)
            return NULL;
        *chunk = (struct word_memory){.next = *memory, .size = CHUNK};
        *memory = chunk;
    }
    char *at = (*memory)->data + (*memory)->used;
    memcpy(at, text.data, text.length);
    (*memory)->used += text.length;
    return at;
}

uint64_t dictionary_hash(enum word_class class, struct text text)
{
    return hash_checksum(UINT64_C(0x776f726400) + (uint64_t) class, text.data, text.length);
}

/* The slot that holds the text, or the empty one where it belongs. */
static uint32_t *slot_of(const struct dictionary *d, const struct word_list *list, struct text text)
{
    uint32_t mask = list->slots - 1;
    uint32_t at = (uint32_t)siphash(d->key, text.data, text.length) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t number = list->slot[at];
        if (number == 0)
            return &list->slot[at];
        const struct word *w = &list->word[number - 1];
        if (w->data && w->length == text.length && memcmp(w->data, text.data, text.length) == 0)
            return &list->slot[at];
    }
}

static int list_grow(struct dictionary *d, struct word_list *list)
{
    if (list->count < list->room)
        return 0;
    uint32_t room = list->room ? list->room * 2 : 256;
    struct word *word = realloc(list->word, room * sizeof *word);
    if (!word)
        return -ENOMEM;
    list->word = word;
    uint32_t *slot = calloc((size_t)room * 2, sizeof *slot);
    if (!slot)
        return -ENOMEM;
    free(list->slot);
    list->slot = slot;
    list->slots = room * 2;
    list->room = room;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->word[i].data)
            *slot_of(d, list, (struct text){list->word[i].data, list->word[i].length}) = i + 1;
    return 0;
}

/* Takes the next number for a word; an empty text is a damaged one, whose number stays taken. */
static int list_append(struct dictionary *d, struct word_list *list, struct word_memory **memory,
                       enum word_class class, struct text text, bool saved)
{
    if (list_grow(d, list) != 0)
        return -ENOMEM;
    struct word word = {.length = (uint32_t)text.length, .saved = saved};
    if (text.length) {
        word.data = remember(memory, text);
        if (!word.data)
            return -ENOMEM;
        word.hash = dictionary_hash(class, text);
    }
    list->word[list->count] = word;
    list->count++;
    if (word.data)
        *slot_of(d, list, text) = list->count;
    return 0;
}

int32_t dictionary_word(struct dictionary *d, enum word_class class, struct text text)
{
    if (text.length == 0)
        return 0;
    must(text.length <= WORD_TEXT_MAX);
    struct word_list *stored = &d->stored[class], *local = &d->local[class];
    uint32_t found;
    if (stored->slots && (found = *slot_of(d, stored, text)) != 0)
        return (int32_t)found;
    if (stored->count < d->bound[class])
        return list_append(d, stored, &d->memory, class, text, false) == 0 ? (int32_t)stored->count
                                                                           : WORD_NONE;
    if (local->slots && (found = *slot_of(d, local, text)) != 0)
        return (int32_t)(found - 1 + WORD_LOCAL);
    if (local->count >= WORD_LOCAL_MAX ||
        list_append(d, local, &d->local_memory, class, text, false) != 0)
        return WORD_NONE;
    return (int32_t)(local->count - 1 + WORD_LOCAL);
}

uint32_t dictionary_local(const struct dictionary *d)
{
    uint32_t count = 0;
    for (int class = 0; class < WORD_CLASS_COUNT; class ++)
        count += d->local[class].count;
    return count;
}

void dictionary_forget_local(struct dictionary *d)
{
    for (int class = 0; class < WORD_CLASS_COUNT; class ++)
        list_free(&d->local[class]);
    memory_free(d->local_memory);
    d->local_memory = NULL;
}

static void key_write(uint8_t key[DICTIONARY_KEY_SIZE], enum word_class class, uint32_t number)
{
    key[0] = KEY_PREFIX;
    key[1] = (uint8_t) class;
    for (int i = 0; i < 4; i++)
        key[2 + i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint64_t value_checksum(const uint8_t key[DICTIONARY_KEY_SIZE], const void *text,
                               size_t length)
{
    return hash_checksum(hash_checksum(0, key, DICTIONARY_KEY_SIZE), text, length);
}

/* The text of a stored word; empty when it does not check. */
static struct text value_read(const uint8_t key[DICTIONARY_KEY_SIZE], const MDB_val *value)
{
    uint64_t checksum;
    if (value->mv_size <= sizeof checksum || value->mv_size > DICTIONARY_VALUE_MAX)
        return (struct text){NULL, 0};
    const char *text = (const char *)value->mv_data + sizeof checksum;
    size_t length = value->mv_size - sizeof checksum;
    memcpy(&checksum, value->mv_data, sizeof checksum);
    if (checksum != value_checksum(key, text, length))
        return (struct text){NULL, 0};
    return (struct text){text, length};
}

/* Numbers are given without gaps, so that the next one is all that has to be asked for. */
static int class_load(struct dictionary *d, enum word_class class, MDB_cursor *cursor)
{
    struct word_list *list = &d->stored[class];
    uint8_t wanted[DICTIONARY_KEY_SIZE];
    key_write(wanted, class, list->count + 1);
    MDB_val key = {sizeof wanted, wanted}, value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rc == 0 && list->count < d->bound[class]) {
        key_write(wanted, class, list->count + 1);
        if (key.mv_size != sizeof wanted || memcmp(key.mv_data, wanted, sizeof wanted) != 0)
            break;
        rc = list_append(d, list, &d->memory, class, value_read(wanted, &value), true);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int dictionary_load(struct dictionary *d, MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0)
        return rc;
    for (int class = 0; class < WORD_CLASS_COUNT && rc == 0; class ++)
        rc = class_load(d, (enum word_class) class, cursor);
    mdb_cursor_close(cursor);
    return rc;
}

static int word_save(MDB_txn *txn, MDB_dbi dbi, enum word_class class, uint32_t number,
                     const struct word *word)
{
    uint8_t key_bytes[DICTIONARY_KEY_SIZE], bytes[DICTIONARY_VALUE_MAX];
    key_write(key_bytes, class, number);
    uint64_t checksum = value_checksum(key_bytes, word->data, word->length);
    memcpy(bytes, &checksum, sizeof checksum);
    memcpy(bytes + sizeof checksum, word->data, word->length);
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val value = {sizeof checksum + word->length, bytes};
    return mdb_put(txn, dbi, &key, &value, 0);
}

int dictionary_save(struct dictionary *d, MDB_txn *txn, MDB_dbi dbi)
{
    for (int class = 0; class < WORD_CLASS_COUNT; class ++) {
        const struct word_list *list = &d->stored[class];
        for (uint32_t number = list->count; number > 0 && !list->word[number - 1].saved; number--) {
            int rc = word_save(txn, dbi, (enum word_class) class, number, &list->word[number - 1]);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

void dictionary_saved(struct dictionary *d)
{
    for (int class = 0; class < WORD_CLASS_COUNT; class ++) {
        struct word_list *list = &d->stored[class];
        for (uint32_t number = list->count; number > 0 && !list->word[number - 1].saved; number--)
            list->word[number - 1].saved = true;
    }
}
