/* What YAML a contract may be, and where mistakes of syntax are said to be. */
#include "contract/test_yaml.h"

#include "contract/tree.h"

static void every_node_knows_where_it_stood(void **state)
{
    UNUSED(state);
    static const char yaml[] = "a: 1\n# é\nb:\n  - {c: \"é\", d: e}\n";
    struct tree tree;
    struct problems problems = {0};
    assert_int_equal(tree_parse(yaml, sizeof yaml - 1, &tree, &problems), 0);
    assert_int_equal(problems.count, 0);
    const struct node *list = node_get(tree.root, "b");
    const struct node *d = node_get(list->first, "d");
    assert_true(text_is(d->text, "e"));
    assert_int_equal(d->line, 4);
    assert_int_equal(d->column, 17); /* characters: the é is one */
    assert_int_equal(d->key->column, 14);
    tree_free(&tree);
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    UNUSED(state);
    static const char yaml[] = "\xef\xbb\xbf"
                               "a: b\n";
    struct tree tree;
    struct problems problems = {0};
    assert_int_equal(tree_parse(yaml, sizeof yaml - 1, &tree, &problems), 0);
    assert_int_equal(problems.count, 0);
    assert_int_equal(node_get(tree.root, "a")->column, 4);
    tree_free(&tree);
    refuses("\xef\xbb\xbf"
            "ecluse: 1\nmode: &a enforce\n",
            2, 7, "anchors");
    refuses("\xef\xbb\xbf"
            "ecluse: &a 1\n",
            1, 9, "anchors");
}

static void what_a_contract_needs_not_is_refused_with_its_place(void **state)
{
    UNUSED(state);
    refuses("ecluse: &version 1\n", 1, 9, "anchors (`&version`)");
    refuses("ecluse: 1\nmode: !!str enforce\n", 2, 7, "tags");
    refuses("ecluse: 1\n---\nmode: enforce\n", 2, 1, "second document");
    refuses("ecluse: 1\nstate: |\n  /a\n  /b\n", 2, 8, "one line");
    refuses("ecluse: 1\nstate: \"/a\\0b\"\n", 2, 8, "control characters");
    refuses("ecluse: 1\norganisation: {name: \"a\\u202eb\"}\n", 2, 22,
            "control characters"); /* right to left */
    refuses("ecluse: 1\n? [a, b]\n: c\n", 2, 3, "a key is a single word");
}

static void aliases_are_not_followed(void **state)
{
    UNUSED(state);
    static const char laughs[] = "ecluse: 1\nkeep: &a {tracking: 1d}\nrouten: [*a, *a, *a]\n";
    static const struct expected expected[] = {
        {2, 7, "anchors"},
        {3, 1, "unknown key `routen` in the contract; did you mean `routes`?"},
        {3, 10, "aliases (`*a`)"},
        {3, 14, "aliases"},
        {3, 18, "aliases"}};
    refuses_all(laughs, sizeof laughs - 1, expected, 5);
}

static void a_key_that_stands_twice_is_told_where_it_stood(void **state)
{
    UNUSED(state);
    refuses("ecluse: 1\nmode: enforce\nmode: observe\n", 3, 1,
            "`mode` stands here twice; it is written on line 2");
}

static void every_tab_that_indents_is_reported(void **state)
{
    UNUSED(state);
    static const char yaml[] = "ecluse: 1\ntracking:\n\tformats: [s10]\n  \tstale_after: 1d\n";
    static const struct expected expected[] = {{3, 1, "a tab cannot indent"},
                                               {4, 3, "a tab cannot indent"}};
    refuses_all(yaml, sizeof yaml - 1, expected, 2);
}

static void bad_syntax_is_said_in_our_words_after_what_stood_before(void **state)
{
    UNUSED(state);
    static const char yaml[] =
        "ecluse: 1\nmode: enforced\norganisation: {name: \"Poste\"\nstate: /a\n";
    static const struct expected expected[] = {{2, 7, "unknown mode"},
                                               {4, 1, "lacks its `}`. More may show"}};
    refuses_all(yaml, sizeof yaml - 1, expected, 2);
    refuses("ecluse: 1\nmode: \"enforce\n", 2, 7, "the quote opened here is not closed");
    static const char quote[] =
        "ecluse: 1\nroutes:\n  - {name: a, match: \"POST /a}\n  - {name: b, "
        "match: \"POST /b\"}\n";
    refuses_all(quote, sizeof quote - 1, &(struct expected){3, 22, "the quote opened here is not"},
                1);
    refuses("ecluse: 1\nstate: /a: b\n", 2, 10, "a `:` stands where no key can be");
    refuses("ecluse: 1\nmode: @x\n", 2, 7, "cannot begin a value");
    refuses("ecluse: 1\n# \xff\n", 2, 3, "not UTF-8");
}

static void depth_and_size_are_bounded(void **state)
{
    UNUSED(state);
    char deep[64] = "ecluse: ";
    memset(deep + 8, '[', 40);
    static const struct expected expected[] = {{1, 9, "has a list here"},
                                               {1, 20, "nested too deep"}};
    refuses_all(deep, strlen(deep), expected, 2);
    size_t size = TREE_MAX_BYTES + 1;
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, '#', size);
    refuses_all(large, size, &(struct expected){1, 1, "larger than 1024 KiB"}, 1);
    /* a million entries, each a single character */
    for (size_t i = 0; i < size; i += 2)
        memcpy(large + i, i ? "a," : "[ ", size - i < 2 ? 1 : 2);
    refuses_all(large, size - 1, &(struct expected){1, 200001, "too many entries"}, 1);
    free(large);
}

/* A long word is quoted in part; the part does not end within a character. */
static void messages_are_text_whatever_they_quote(void **state)
{
    UNUSED(state);
    char yaml[256] = "ecluse: 1\nmode: x";
    for (unsigned i = 0; i < 60; i++)
        strcat(yaml, "\u00e9");
    struct contract *c = contract_new();
    struct problems problems;
    assert_int_equal(contract_parse(yaml, strlen(yaml), c, &problems), -EINVAL);
    assert_int_equal(problems.count, 1);
    assert_true(utf8_is_valid(text_of(problems.problem[0].text)));
    problems_free(&problems);
    free(c);
}

static void nothing_is_no_contract(void **state)
{
    UNUSED(state);
    refuses("", 1, 1, "begins with `ecluse: 1`");
    refuses("# only this\n", 1, 1, "begins with `ecluse: 1`");
    refuses("- ecluse\n", 1, 1, "begins with `ecluse: 1`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_where_it_stood),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(what_a_contract_needs_not_is_refused_with_its_place),
        cmocka_unit_test(aliases_are_not_followed),
        cmocka_unit_test(a_key_that_stands_twice_is_told_where_it_stood),
        cmocka_unit_test(every_tab_that_indents_is_reported),
        cmocka_unit_test(bad_syntax_is_said_in_our_words_after_what_stood_before),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(messages_are_text_whatever_they_quote),
        cmocka_unit_test(nothing_is_no_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
