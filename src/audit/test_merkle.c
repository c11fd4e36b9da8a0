#include "audit/merkle.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct merkle_hasher *hasher;

static int begin(void **state)
{
    (void)state;
    hasher = merkle_hasher_new();
    return hasher ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    merkle_hasher_free(hasher);
    return 0;
}

/* ---- The vectors of transparency-dev/merkle -------------------------------------------------- */

/* Some vectors have roots of a few bytes ("don't care"), which stand for any hash: they are
 * filled up with zeroes. An empty hash, or one over 32 bytes, cannot be given to us at all. */
static bool hash_of(const json_t *value, struct merkle_hash *out)
{
    size_t length;
    const char *text = json_string_value(value);
    memset(out, 0, sizeof *out);
    return text &&
           sodium_base642bin(out->byte, sizeof out->byte, text, strlen(text), NULL, &length, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           length > 0;
}

static bool proof_of(const json_t *vector, struct merkle_proof *out)
{
    const json_t *list = json_object_get(vector, "proof");
    out->count = json_array_size(list);
    bool whole = out->count <= MERKLE_PROOF_MAX;
    for (size_t i = 0; whole && i < out->count; i++)
        whole = hash_of(json_array_get(list, i), &out->hash[i]);
    return whole;
}

/* Some vectors have numbers over 2^63, which jansson cannot hold: numbers are read from the
 * text. */
static char vector_text[8192];

static uint64_t number_of(const json_t *vector, const char *key)
{
    (void)vector;
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(vector_text, quoted);
    assert_non_null(at);
    return strtoull(at + strlen(quoted), NULL, 10);
}

static bool inclusion(const json_t *v)
{
    struct merkle_hash leaf, root;
    struct merkle_proof proof;
    return hash_of(json_object_get(v, "leafHash"), &leaf) &&
           hash_of(json_object_get(v, "root"), &root) && proof_of(v, &proof) &&
           merkle_verify_inclusion(hasher, number_of(v, "leafIdx"), number_of(v, "treeSize"), &leaf,
                                   &proof, &root);
}

static bool subtree_inclusion(const json_t *v)
{
    struct merkle_hash leaf, root;
    struct merkle_proof proof;
    return hash_of(json_object_get(v, "leafHash"), &leaf) &&
           hash_of(json_object_get(v, "root"), &root) && proof_of(v, &proof) &&
           merkle_verify_subtree_inclusion(hasher, number_of(v, "leafIdx"), number_of(v, "start"),
                                           number_of(v, "end"), &leaf, &proof, &root);
}

static bool consistency(const json_t *v)
{
    struct merkle_hash root1, root2;
    struct merkle_proof proof;
    return hash_of(json_object_get(v, "root1"), &root1) &&
           hash_of(json_object_get(v, "root2"), &root2) && proof_of(v, &proof) &&
           merkle_verify_consistency(hasher, number_of(v, "size1"), number_of(v, "size2"), &root1,
                                     &root2, &proof);
}

static bool subtree_consistency(const json_t *v)
{
    struct merkle_hash root1, root2;
    struct merkle_proof proof;
    return hash_of(json_object_get(v, "root1"), &root1) &&
           hash_of(json_object_get(v, "root2"), &root2) && proof_of(v, &proof) &&
           merkle_verify_subtree_consistency(hasher, number_of(v, "start"), number_of(v, "end"),
                                             number_of(v, "size"), &root1, &root2, &proof);
}

static void check_vector(const char *path, bool (*verify)(const json_t *))
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    vector_text[fread(vector_text, 1, sizeof vector_text - 1, file)] = 0;
    fclose(file);
    json_error_t error;
    json_t *vector = json_loads(vector_text, JSON_DECODE_INT_AS_REAL, &error);
    if (!vector)
        fail_msg("%s: %s", path, error.text);
    bool wanted = !json_is_true(json_object_get(vector, "wantErr"));
    bool got = verify(vector);
    json_decref(vector);
    if (got != wanted)
        fail_msg("%s: %s, and should not be", path, got ? "accepted" : "refused");
}

static unsigned check_folder(const char *folder, bool (*verify)(const json_t *))
{
    DIR *open_folder = opendir(folder);
    if (!open_folder)
        fail_msg("no vectors at %s: set ECLUSE_DATA", folder);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(open_folder));) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            count += check_folder(path, verify);
        } else if (strstr(entry->d_name, ".json")) {
            check_vector(path, verify);
            count++;
        }
    }
    closedir(open_folder);
    return count;
}

static void every_public_vector_is_judged_rightly(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        bool (*verify)(const json_t *);
        unsigned count;
    } kinds[] = {
        {"inclusion", inclusion, 98},
        {"consistency", consistency, 98},
        {"subtreeinclusion", subtree_inclusion, 204},
        {"subtreeconsistency", subtree_consistency, 118},
    };
    const char *data = getenv("ECLUSE_DATA");
    if (access(data ? data : "../shared/data", R_OK) != 0)
        skip(); /* the public vectors are not at hand: see CONTRIBUTING */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char folder[512];
        snprintf(folder, sizeof folder, "%s/merkle/%s", data ? data : "../shared/data",
                 kinds[i].folder);
        assert_int_equal(check_folder(folder, kinds[i].verify), kinds[i].count);
    }
}

/* ---- Against a tree that is computed as RFC 6962 defines it ---------------------------------- */

enum { LEAVES = 70 };
static struct merkle_hash leaves[LEAVES];

static struct merkle_hash defined_root(uint64_t from, uint64_t to)
{
    if (to - from == 1)
        return leaves[from];
    uint64_t half = 1;
    while (half * 2 < to - from)
        half *= 2;
    struct merkle_hash left = defined_root(from, from + half),
                       right = defined_root(from + half, to);
    return merkle_node(hasher, &left, &right);
}

static int complete_subtree(void *context, unsigned height, uint64_t index, struct merkle_hash *out)
{
    uint64_t *size = context;
    uint64_t from = index << height, to = (index + 1) << height;
    assert_true(to <= *size); /* a proof may only ask for what exists */
    *out = defined_root(from, to);
    return 0;
}

static void fill_leaves(void)
{
    for (size_t i = 0; i < LEAVES; i++)
        leaves[i] = merkle_leaf(hasher, &i, sizeof i);
}

static void appending_gives_the_root_of_the_definition(void **state)
{
    (void)state;
    fill_leaves();
    struct merkle_frontier frontier = {.size = 0};
    struct merkle_hash empty = merkle_empty(hasher), root = merkle_root(hasher, &frontier);
    assert_memory_equal(&root, &empty, sizeof root);
    for (uint64_t size = 1; size <= LEAVES; size++) {
        merkle_append(hasher, &frontier, &leaves[size - 1]);
        root = merkle_root(hasher, &frontier);
        struct merkle_hash defined = defined_root(0, size);
        assert_memory_equal(&root, &defined, sizeof root);
    }
}

static void a_proof_of_inclusion_holds_for_its_leaf_only(void **state)
{
    (void)state;
    fill_leaves();
    for (uint64_t size = 1; size <= LEAVES; size += 3) {
        struct merkle_hash root = defined_root(0, size);
        for (uint64_t index = 0; index < size; index++) {
            struct merkle_proof proof;
            assert_int_equal(
                merkle_prove_inclusion(hasher, index, size, complete_subtree, &size, &proof), 0);
            assert_true(
                merkle_verify_inclusion(hasher, index, size, &leaves[index], &proof, &root));
            assert_false(merkle_verify_inclusion(hasher, index, size, &leaves[(index + 1) % LEAVES],
                                                 &proof, &root));
            if (size > 1)
                assert_false(merkle_verify_inclusion(hasher, index ^ 1, size, &leaves[index],
                                                     &proof, &root));
        }
    }
}

static void a_proof_of_consistency_holds_for_its_trees_only(void **state)
{
    (void)state;
    fill_leaves();
    for (uint64_t size2 = 1; size2 <= LEAVES; size2++) {
        struct merkle_hash root2 = defined_root(0, size2);
        for (uint64_t size1 = 1; size1 <= size2; size1++) {
            struct merkle_hash root1 = defined_root(0, size1);
            struct merkle_proof proof;
            assert_int_equal(
                merkle_prove_consistency(hasher, size1, size2, complete_subtree, &size2, &proof),
                0);
            assert_true(merkle_verify_consistency(hasher, size1, size2, &root1, &root2, &proof));
            struct merkle_hash wrong = root1;
            wrong.byte[7] ^= 1;
            assert_false(merkle_verify_consistency(hasher, size1, size2, &wrong, &root2, &proof));
            if (proof.count) {
                proof.hash[proof.count - 1].byte[0] ^= 1;
                assert_false(
                    merkle_verify_consistency(hasher, size1, size2, &root1, &root2, &proof));
            }
        }
    }
}

static void what_cannot_be_proven_is_refused(void **state)
{
    (void)state;
    uint64_t size = LEAVES;
    struct merkle_proof proof;
    assert_true(merkle_prove_inclusion(hasher, 5, 5, complete_subtree, &size, &proof) < 0);
    assert_true(merkle_prove_consistency(hasher, 0, 5, complete_subtree, &size, &proof) < 0);
    assert_true(merkle_prove_consistency(hasher, 6, 5, complete_subtree, &size, &proof) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_public_vector_is_judged_rightly),
        cmocka_unit_test(appending_gives_the_root_of_the_definition),
        cmocka_unit_test(a_proof_of_inclusion_holds_for_its_leaf_only),
        cmocka_unit_test(a_proof_of_consistency_holds_for_its_trees_only),
        cmocka_unit_test(what_cannot_be_proven_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
