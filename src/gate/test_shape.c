#include "gate/shape.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct hash_key key = {1, 2};

static struct shape_request get(const char *path, const char *query)
{
    return (struct shape_request){.method = TEXT("GET"),
                                  .path = text_of(path),
                                  .query = text_of(query),
                                  .route = -1,
                                  .version = 11,
                                  .headers = SHAPE_HAS(ACCEPT) | SHAPE_HAS(AGENT)};
}

static uint64_t id(struct shape_request request)
{
    return shape_of(key, &request).id;
}

static void test_what_is_drawn_at_random_does_not_change_a_shape(void **state)
{
    (void)state;
    uint64_t one = id(get("/recherche", "q=x7k2m9pq&r=83619402117"));
    assert_true(one == id(get("/recherche", "q=zz81abkr4t&r=10000000009")));
    assert_true(one == id(get("/recherche", "w=a9b8c7d6e5&v=40718293846")));
    assert_true(id(get("/suivi/RB123456785FR", "")) == id(get("/suivi/CC000000012DE", "")));
    assert_true(id(get("/a/qwert", "k=v")) == id(get("/a/zuiop", "other=word")));
}

static void test_what_a_program_is_made_of_does(void **state)
{
    (void)state;
    uint64_t one = id(get("/recherche", "q=x7k2m9pq"));
    assert_true(one != id(get("/connexion", "q=x7k2m9pq")));
    assert_true(one != id(get("/recherche", "q=x7k2m9pq&r=1")));
    assert_true(one != id(get("/recherche", "q=12345678")));
    assert_true(one != id(get("/recherche/x7k2m9pq", "q=x7k2m9pq")));
    struct shape_request other = get("/recherche", "q=x7k2m9pq");
    other.method = TEXT("POST");
    assert_true(one != id(other));
    other = get("/recherche", "q=x7k2m9pq");
    other.headers |= SHAPE_HAS(LANGUAGE);
    assert_true(one != id(other));
    other = get("/recherche", "q=x7k2m9pq");
    other.version = 20;
    assert_true(one != id(other));
}

static void test_who_solves_a_challenge_sends_the_same_again(void **state)
{
    (void)state;
    struct shape_request again = get("/recherche", "q=x7k2m9pq");
    uint64_t before = id(again);
    again.headers |= SHAPE_HAS(COOKIE) | SHAPE_HAS(REFERER);
    assert_true(before == id(again));
}

static void test_ids_are_of_the_key(void **state)
{
    (void)state;
    struct shape_request request = get("/recherche", "q=1");
    assert_true(shape_of(key, &request).id != shape_of((struct hash_key){1, 3}, &request).id);
}

static void test_the_text_tells_kinds_and_never_what_was_typed(void **state)
{
    (void)state;
    char text[SHAPE_TEXT_SIZE];
    struct shape_request request = get("/clients/Dupont/7a", "nom=Durand&tel=0612345678");
    struct shape shape = shape_of(key, &request);
    shape_text(&shape, NULL, text);
    assert_string_equal(
        text, "GET elsewhere, 3 segments (a word of 6 to 12; a word of 6 to 12; "
              "letters and digits of up to 5), 2 values (a word of 6 to 12; digits of 6 to 12), "
              "HTTP/1.1, without Accept-Language, Accept-Encoding, Referer, Cookie");
    assert_null(strstr(text, "upont"));
}

static void test_any_bytes_make_a_shape_and_any_shape_a_text(void **state)
{
    (void)state;
    char path[3000], text[SHAPE_TEXT_SIZE];
    memset(path, '/', sizeof path);
    struct shape_request request = {.method = TEXT(""),
                                    .path = {path, sizeof path},
                                    .query = {path, sizeof path},
                                    .route = 4000,
                                    .headers = 0xffff};
    struct shape shape = shape_of(key, &request);
    assert_int_equal(shape.segments, 255);
    memset(path, '&', sizeof path);
    assert_int_equal(shape_of(key, &request).values, 255);
    memset(&shape, 0xff, sizeof shape);
    assert_true(strlen(shape_text(&shape, NULL, text)) < SHAPE_TEXT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_drawn_at_random_does_not_change_a_shape),
        cmocka_unit_test(test_what_a_program_is_made_of_does),
        cmocka_unit_test(test_who_solves_a_challenge_sends_the_same_again),
        cmocka_unit_test(test_ids_are_of_the_key),
        cmocka_unit_test(test_the_text_tells_kinds_and_never_what_was_typed),
        cmocka_unit_test(test_any_bytes_make_a_shape_and_any_shape_a_text),
    };
    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
