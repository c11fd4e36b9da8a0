/* read.h: from the tree to the struct, field by field, as fields.h says. */
#ifndef ECLUSE_READ_H
#define ECLUSE_READ_H

#include "contract/fields.h"
#include "contract/tree.h"

struct reading {
    struct contract *contract;
    const struct tree *tree;
    struct problems *problems;
};

/* Reads every field of a scope into `base`, which is zeroed; `map` may be NULL: then only fallbacks
 * are taken. */
void read_scope(struct reading *r, enum field_scope scope, void *base, struct node *map);

/* The whole contract, from the root of the tree. */
void read_contract(struct reading *r);

/* Reads one value. What is wrong goes to the problems, marks the node and leaves the field as it
 * is. */
void read_value(struct reading *r, const struct field *field, void *base, struct node *value,
                const struct node *map);

/* Adds a problem at a node, and marks it. */
__attribute__((format(printf, 3, 4))) void read_complain(struct reading *r, struct node *node,
                                                         const char *format, ...);

/* "did you mean `x`? " when a word is near enough to be a slip of the pen, otherwise "". Valid
 * until the next call. */
const char *read_suggest(struct text written, const char *const *words);

/* "x, y, z" of at most `size` bytes. */
char *read_join(char *out, size_t size, const char *const *words);

/* Whether a value stands there and was read without a problem. */
bool node_is_good(const struct node *map, const char *key);

#endif
