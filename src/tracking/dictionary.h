/* dictionary.h: words that records repeat, kept once in the store.
 *
 * A word is a code, a place with its country, a product, a pickup point or a source. Records hold
 * its number. Words are only ever added, never changed: a record stays readable for as long as the
 * file exists.
 *
 * Bounds      each class holds a stated number of words. Past it a word is local: known to this
 *             process until dictionary_forget_local(), and written out in full inside the record.
 * Numbers     0 is "not said"; 1 to the bound are stored words; WORD_LOCAL and over are local ones.
 * Damage      each word carries a checksum in the store; one that does not check is refused, and so
 *             is every record that uses it.
 */
#ifndef ECLUSE_DICTIONARY_H
#define ECLUSE_DICTIONARY_H

#include "base/base.h"

#include <lmdb.h>

/*    constant  most words  what it is */
#define WORD_CLASSES(X)                                                                            \
    X(CODE,    4096,  "event code")                                                                \
    X(PLACE,   65536, "place, after the two letters of its country")                               \
    X(PRODUCT, 4096,  "product")                                                                   \
    X(PICKUP,  65536, "pickup point")                                                              \
    X(SOURCE,  1024,  "feed")

enum word_class {
#define X(constant, ...) WORD_##constant,
    WORD_CLASSES(X)
#undef X
        WORD_CLASS_COUNT
};

enum {
    WORD_TEXT_MAX = 64,
    WORD_LOCAL = 1 << 28,      /* of the process only */
    WORD_LOCAL_MAX = 1 << 20,  /* of one class, between two dictionary_forget_local() */
    WORD_NONE = -1,            /* no memory, or too many local words */
    DICTIONARY_KEY_SIZE = 6,   /* 0x01, class, number (big-endian) */
    DICTIONARY_VALUE_MAX = 8 + WORD_TEXT_MAX,
};

struct word {
    const char *data; /* NULL: damaged */
    uint32_t length;
    uint32_t saved;   /* in a committed transaction */
    uint64_t hash;    /* of class and text: the same in every process */
};

struct word_list {
    struct word *word;
    uint32_t count, room;
    uint32_t *slot; /* index by keyed hash: word + 1 */
    uint32_t slots;
};

struct word_memory;

struct dictionary {
    struct hash_key key;
    uint32_t bound[WORD_CLASS_COUNT];
    struct word_list stored[WORD_CLASS_COUNT], local[WORD_CLASS_COUNT];
    struct word_memory *memory, *local_memory;
};

struct dictionary *dictionary_new(void); /* NULL: no memory */
void dictionary_free(struct dictionary *d);

/* Reads the words that this dictionary does not have yet. Texts already handed out stay where they
 * are. */
int dictionary_load(struct dictionary *d, MDB_txn *txn, MDB_dbi dbi);

/* The word's number, a new one when it has none; 0 for an empty text; WORD_NONE. */
int32_t dictionary_word(struct dictionary *d, enum word_class class, struct text text);

/* NULL when there is no such word or it is damaged. */
static inline const struct word *dictionary_find(const struct dictionary *d, enum word_class class,
                                                 uint32_t number)
{
    const struct word_list *list = &d->stored[class];
    if (number >= WORD_LOCAL) {
        list = &d->local[class];
        number -= WORD_LOCAL;
    } else {
        number--;
    }
    return number < list->count && list->word[number].data ? &list->word[number] : NULL;
}

uint64_t dictionary_hash(enum word_class class, struct text text);

/* Puts the words that are new since the last commit; after the commit, dictionary_saved(). */
int dictionary_save(struct dictionary *d, MDB_txn *txn, MDB_dbi dbi);
void dictionary_saved(struct dictionary *d);

/* How many local words there are: the writer forgets them between batches. */
uint32_t dictionary_local(const struct dictionary *d);
void dictionary_forget_local(struct dictionary *d);

#endif
