#include "audit/merkle.h"

#include "base/must.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct merkle_hasher {
    EVP_MD_CTX *context;
    EVP_MD *sha256;
};

struct merkle_hasher *merkle_hasher_new(void)
{
    struct merkle_hasher *hasher = calloc(1, sizeof *hasher);
    if (!hasher)
        return NULL;
    hasher->context = EVP_MD_CTX_new();
    hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (hasher->context && hasher->sha256)
        return hasher;
    merkle_hasher_free(hasher);
    return NULL;
}

void merkle_hasher_free(struct merkle_hasher *hasher)
{
    if (!hasher)
        return;
    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->sha256);
    free(hasher);
}

struct piece {
    const void *data;
    size_t length;
};

static struct merkle_hash hash_pieces(struct merkle_hasher *hasher, const struct piece *pieces,
                                      size_t count)
{
    struct merkle_hash hash;
    bool done = EVP_DigestInit_ex2(hasher->context, hasher->sha256, NULL) == 1;
    for (size_t i = 0; i < count; i++)
        done = done && EVP_DigestUpdate(hasher->context, pieces[i].data, pieces[i].length) == 1;
    done = done && EVP_DigestFinal_ex(hasher->context, hash.byte, NULL) == 1;
    must(done); /* SHA-256 over memory has no way to fail once its context exists */
    return hash;
}

struct merkle_hash merkle_leaf(struct merkle_hasher *hasher, const void *data, size_t length)
{
    return hash_pieces(hasher, (const struct piece[]){{"\x00", 1}, {data, length}}, 2);
}

struct merkle_hash merkle_node(struct merkle_hasher *hasher, const struct merkle_hash *left,
                               const struct merkle_hash *right)
{
    uint8_t joined[1 + 2 * MERKLE_HASH_SIZE];
    joined[0] = 1;
    memcpy(joined + 1, left, MERKLE_HASH_SIZE);
    memcpy(joined + 1 + MERKLE_HASH_SIZE, right, MERKLE_HASH_SIZE);
    return hash_pieces(hasher, &(const struct piece){joined, sizeof joined}, 1);
}

struct merkle_hash merkle_empty(struct merkle_hasher *hasher)
{
    return hash_pieces(hasher, NULL, 0);
}

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- Verifying ------------------------------------------------------------------------------- */

bool merkle_subtree_is_valid(uint64_t start, uint64_t end)
{
    if (start >= end)
        return false;
    uint64_t size = end - start, power = 1;
    while (power && power < size)
        power <<= 1;
    return power ? start % power == 0 : start == 0;
}

bool merkle_verify_inclusion(struct merkle_hasher *hasher, uint64_t index, uint64_t size,
                             const struct merkle_hash *leaf, const struct merkle_proof *proof,
                             const struct merkle_hash *root)
{
    if (index >= size)
        return false;
    uint64_t node = index, last = size - 1; /* RFC 9162 section 2.1.3.2: fn and sn */
    struct merkle_hash hash = *leaf;
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if (node & 1 || node == last) {
            hash = merkle_node(hasher, &proof->hash[i], &hash);
            for (; !(node & 1) && node; node >>= 1)
                last >>= 1;
        } else {
            hash = merkle_node(hasher, &hash, &proof->hash[i]);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && merkle_equal(&hash, root);
}

bool merkle_verify_subtree_inclusion(struct merkle_hasher *hasher, uint64_t index, uint64_t start,
                                     uint64_t end, const struct merkle_hash *leaf,
                                     const struct merkle_proof *proof,
                                     const struct merkle_hash *root)
{
    return merkle_subtree_is_valid(start, end) && index >= start && index < end &&
           merkle_verify_inclusion(hasher, index - start, end - start, leaf, proof, root);
}

bool merkle_verify_subtree_consistency(struct merkle_hasher *hasher, uint64_t start, uint64_t end,
                                       uint64_t size, const struct merkle_hash *subtree,
                                       const struct merkle_hash *root,
                                       const struct merkle_proof *proof)
{
    if (start == end) { /* the empty subtree: it has one hash, and no place in the tree to prove */
        struct merkle_hash empty = merkle_empty(hasher);
        return end <= size && proof->count == 0 && merkle_equal(subtree, &empty);
    }
    if (!merkle_subtree_is_valid(start, end) || end > size)
        return false;
    uint64_t first = start, last = end - 1, whole = size - 1; /* the draft's fn, sn and tn */
    while (first != last && (last == whole || last & 1)) {
        first >>= 1;
        last >>= 1;
        whole >>= 1;
    }
    size_t used = 0;
    struct merkle_hash from_subtree = *subtree, from_root = *subtree;
    if (first != last) {
        if (proof->count == 0)
            return false;
        from_subtree = from_root = proof->hash[used++];
    }
    for (; used < proof->count; used++) {
        const struct merkle_hash *next = &proof->hash[used];
        if (whole == 0)
            return false;
        if (last & 1 || last == whole) {
            if (first < last)
                from_subtree = merkle_node(hasher, next, &from_subtree);
            from_root = merkle_node(hasher, next, &from_root);
            for (; !(last & 1) && last; last >>= 1) {
                first >>= 1;
                whole >>= 1;
            }
        } else {
            from_root = merkle_node(hasher, &from_root, next);
        }
        first >>= 1;
        last >>= 1;
        whole >>= 1;
    }
    return whole == 0 && merkle_equal(&from_subtree, subtree) && merkle_equal(&from_root, root);
}

bool merkle_verify_consistency(struct merkle_hasher *hasher, uint64_t size1, uint64_t size2,
                               const struct merkle_hash *root1, const struct merkle_hash *root2,
                               const struct merkle_proof *proof)
{
    return size1 > 0 &&
           merkle_verify_subtree_consistency(hasher, 0, size1, size2, root1, root2, proof);
}

/* ---- Growing --------------------------------------------------------------------------------- */

void merkle_append(struct merkle_hasher *hasher, struct merkle_frontier *frontier,
                   const struct merkle_hash *leaf)
{
    struct merkle_hash hash = *leaf;
    unsigned height = 0;
    for (; frontier->size >> height & 1; height++)
        hash = merkle_node(hasher, &frontier->peak[height], &hash);
    frontier->peak[height] = hash;
    frontier->size++;
}

struct merkle_hash merkle_root(struct merkle_hasher *hasher, const struct merkle_frontier *frontier)
{
    struct merkle_hash hash = {{0}};
    bool begun = false;
    for (unsigned height = 0; height < 64; height++) {
        if (!(frontier->size >> height & 1))
            continue;
        hash = begun ? merkle_node(hasher, &frontier->peak[height], &hash) : frontier->peak[height];
        begun = true;
    }
    return begun ? hash : merkle_empty(hasher);
}

/* ---- Proving --------------------------------------------------------------------------------- */

static unsigned floor_log2(uint64_t x)
{
    return 63 - (unsigned)__builtin_clzll(x);
}

/* Largest power of two smaller than size, which is at least 2: where RFC 6962 splits a tree. */
static uint64_t split_of(uint64_t size)
{
    return UINT64_C(1) << floor_log2(size - 1);
}

int merkle_range(struct merkle_hasher *hasher, uint64_t begin, uint64_t end, merkle_source source,
                 void *context, struct merkle_hash *out)
{
    must(merkle_subtree_is_valid(begin, end));
    struct merkle_hash peaks[64];
    size_t count = 0;
    for (uint64_t at = begin; at < end; count++) {
        unsigned height = floor_log2(end - at);
        int failed = source(context, height, at >> height, &peaks[count]);
        if (failed)
            return failed;
        at += UINT64_C(1) << height;
    }
    struct merkle_hash hash = peaks[--count];
    while (count > 0)
        hash = merkle_node(hasher, &peaks[--count], &hash);
    *out = hash;
    return 0;
}

struct proof_job {
    struct merkle_hasher *hasher;
    merkle_source source;
    void *context;
    struct merkle_proof *out;
};

static int add_range(const struct proof_job *job, uint64_t begin, uint64_t end)
{
    must(job->out->count < MERKLE_PROOF_MAX);
    return merkle_range(job->hasher, begin, end, job->source, job->context,
                        &job->out->hash[job->out->count++]);
}

static void reverse(struct merkle_proof *proof)
{
    for (size_t i = 0, j = proof->count; i + 1 < j; i++) {
        struct merkle_hash swap = proof->hash[i];
        proof->hash[i] = proof->hash[--j];
        proof->hash[j] = swap;
    }
}

int merkle_prove_inclusion(struct merkle_hasher *hasher, uint64_t index, uint64_t size,
                           merkle_source source, void *context, struct merkle_proof *out)
{
    if (index >= size)
        return -EINVAL;
    struct merkle_proof proof = {.count = 0};
    struct proof_job job = {hasher, source, context, &proof};
    uint64_t begin = 0, end = size;
    while (end - begin > 1) {
        uint64_t middle = begin + split_of(end - begin);
        int failed = index < middle ? add_range(&job, middle, end) : add_range(&job, begin, middle);
        if (failed)
            return failed;
        *(index < middle ? &end : &begin) = middle;
    }
    reverse(&proof); /* found from the root down, told from the leaf up */
    *out = proof;
    return 0;
}

int merkle_prove_consistency(struct merkle_hasher *hasher, uint64_t size1, uint64_t size2,
                             merkle_source source, void *context, struct merkle_proof *out)
{
    if (size1 == 0 || size1 > size2)
        return -EINVAL;
    struct merkle_proof proof = {.count = 0};
    struct proof_job job = {hasher, source, context, &proof};
    uint64_t begin = 0, end = size2;
    int failed = 0;
    while (!failed && end != size1) { /* RFC 6962 section 2.1.2: SUBPROOF(m, D[n], b) */
        uint64_t middle = begin + split_of(end - begin);
        failed = size1 <= middle ? add_range(&job, middle, end) : add_range(&job, begin, middle);
        *(size1 <= middle ? &end : &begin) = middle;
    }
    if (!failed && begin > 0)
        failed = add_range(&job, begin, end);
    if (failed)
        return failed;
    reverse(&proof);
    *out = proof;
    return 0;
}
