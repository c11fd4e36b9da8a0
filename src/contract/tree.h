/* tree.h: YAML text to a tree that remembers where everything stood.
 *
 * The part of YAML that a contract needs: maps, lists and plain or quoted scalars, every scalar a
 * text. Anchors, aliases, tags, merge keys, several documents and block scalars are refused, each
 * with its place: none is needed in a contract, and a reader who does not know them would read
 * another contract than the machine.
 *
 * Bounds   TREE_MAX_BYTES of input, TREE_MAX_DEPTH levels, TREE_MAX_NODES nodes; memory is at most
 * 64 bytes a node and the texts, once. Places   line and column count from 1; a column is a
 * character, not a byte. Cut      at a mistake of syntax the rest cannot be read: `cut` is set, and
 * the tree holds what stood before it.
 */
#ifndef ECLUSE_TREE_H
#define ECLUSE_TREE_H

#include "contract/problem.h"

enum { TREE_MAX_BYTES = 1 << 20, TREE_MAX_DEPTH = 12, TREE_MAX_NODES = 100000 };

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    uint32_t line, column;
    struct text text;   /* of a scalar: ends with a zero byte that `length` does not count */
    struct node *key;   /* in a map: the scalar that names this value */
    struct node *first; /* children of a list or map, in the file's order */
    struct node *last;
    struct node *next;
    uint32_t count; /* of children */
    bool quoted;
    bool bad; /* something below or about it is wrong already: rules that span fields keep quiet */
};

struct tree {
    struct node *root; /* NULL: nothing but comments */
    bool cut;
    struct block *blocks; /* memory */
};

/* Adds what is wrong to *problems and fills *tree in any case; -ENOMEM or 0. */
int tree_parse(const char *yaml, size_t length, struct tree *tree, struct problems *problems);
void tree_free(struct tree *tree);

/* The value under a key of a map, or NULL. */
struct node *node_get(const struct node *map, const char *key);

#endif
