/* merkle.h: the Merkle tree of RFC 6962 section 2.1, as arithmetic: no files, no memory, no clock.
 *
 * Hashes are SHA-256 (libcrypto), 0x00 before a leaf, 0x01 before two children. Proofs are verified
 * as RFC 9162 section 2.1 spells the algorithms out; those of subtrees as
 * draft-ietf-plants-merkle-tree-certs section 4 does.
 *
 * A proof holds at most 64 hashes, since a tree holds at most 2^63 leaves.
 */
#ifndef ECLUSE_MERKLE_H
#define ECLUSE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MERKLE_HASH_SIZE = 32, MERKLE_PROOF_MAX = 64 };

struct merkle_hash {
    uint8_t byte[MERKLE_HASH_SIZE];
};

struct merkle_proof {
    size_t count;
    struct merkle_hash hash[MERKLE_PROOF_MAX];
};

/* One a thread: holds libcrypto's context, so that hashing allocates nothing. NULL when out of
 * memory. */
struct merkle_hasher;
struct merkle_hasher *merkle_hasher_new(void);
void merkle_hasher_free(struct merkle_hasher *hasher); /* takes NULL */

struct merkle_hash merkle_leaf(struct merkle_hasher *hasher, const void *data, size_t length);
struct merkle_hash merkle_node(struct merkle_hasher *hasher, const struct merkle_hash *left,
                               const struct merkle_hash *right);
struct merkle_hash merkle_empty(struct merkle_hasher *hasher);

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b);

/* Whether [start, end) is a subtree as the draft means it: not empty, and start a multiple of
 * the smallest power of two that is not below its size. */
bool merkle_subtree_is_valid(uint64_t start, uint64_t end);

bool merkle_verify_inclusion(struct merkle_hasher *hasher, uint64_t index, uint64_t size,
                             const struct merkle_hash *leaf, const struct merkle_proof *proof,
                             const struct merkle_hash *root);

/* That the leaf at `index` of the whole tree is in the subtree [start, end) with this root. */
bool merkle_verify_subtree_inclusion(struct merkle_hasher *hasher, uint64_t index, uint64_t start,
                                     uint64_t end, const struct merkle_hash *leaf,
                                     const struct merkle_proof *proof,
                                     const struct merkle_hash *root);

/* That the tree of size1 leaves is a beginning of that of size2. An empty tree is a beginning of
 * every tree, and proves nothing: it is refused, as is size1 over size2. */
bool merkle_verify_consistency(struct merkle_hasher *hasher, uint64_t size1, uint64_t size2,
                               const struct merkle_hash *root1, const struct merkle_hash *root2,
                               const struct merkle_proof *proof);

bool merkle_verify_subtree_consistency(struct merkle_hasher *hasher, uint64_t start, uint64_t end,
                                       uint64_t size, const struct merkle_hash *subtree,
                                       const struct merkle_hash *root,
                                       const struct merkle_proof *proof);

/* The complete subtrees of a growing tree, left to right: what is needed to append, and nothing
 * else. */
struct merkle_frontier {
    uint64_t size;
    struct merkle_hash
        peak[64]; /* peak[h] is set when bit h of size is: the subtree of 2^h leaves */
};

void merkle_append(struct merkle_hasher *hasher, struct merkle_frontier *frontier,
                   const struct merkle_hash *leaf);
struct merkle_hash merkle_root(struct merkle_hasher *hasher,
                               const struct merkle_frontier *frontier);

/* Where proofs get their hashes from: the hash of the complete subtree of 2^height leaves that
 * begins at leaf index << height. Returns 0 or a negative errno, which the proof call returns. */
typedef int (*merkle_source)(void *context, unsigned height, uint64_t index,
                             struct merkle_hash *out);

int merkle_prove_inclusion(struct merkle_hasher *hasher, uint64_t index, uint64_t size,
                           merkle_source source, void *context, struct merkle_proof *out);
int merkle_prove_consistency(struct merkle_hasher *hasher, uint64_t size1, uint64_t size2,
                             merkle_source source, void *context, struct merkle_proof *out);

/* MTH(D[begin:end]) for a range that begins where its subtree does: of use for roots of any past
 * size. */
int merkle_range(struct merkle_hasher *hasher, uint64_t begin, uint64_t end, merkle_source source,
                 void *context, struct merkle_hash *out);

#endif
