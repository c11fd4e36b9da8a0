/* What is read, and what each question about a contract answers. */
#include "contract/test_yaml.h"

#include "contract/test_paths.h"

static struct contract *read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_CONTRACTS, name);
    struct contract *c = contract_new();
    struct problems problems;
    struct error error = {0};
    int result = contract_read(path, c, &problems, &error);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%s:%u:%u: %s\n", path, problems.problem[i].line, problems.problem[i].column,
                    problems.problem[i].text);
    problems_free(&problems);
    assert_int_equal(result, 0);
    return c;
}

static void the_design_s_example_is_a_contract(void **state)
{
    UNUSED(state);
    struct contract *c = read_file("design-example.yaml");
    assert_string_equal(c->organisation, "Poste d'exemple");
    assert_int_equal(c->budget_count, 8);
    const struct budget_rule *theft = &c->budget[contract_budget_named(c, TEXT("bulk theft"))];
    assert_int_equal(theft->meter, METER_BYTES_OUT);
    assert_int_equal(theft->per, PRINCIPAL_HOST);
    assert_int_equal(theft->class, CONTRACT_CLASS_UNLISTED);
    assert_int_equal(theft->begun, BEGUN_INSIDE);
    assert_int_equal(theft->window_count, 3);
    assert_int_equal(theft->window[2].span, 30 * NANOS_DAY);
    assert_int_equal(theft->window[2].limit, 3000000000);
    assert_int_equal(theft->hold_for, 4 * NANOS_HOUR);
    assert_int_equal(c->budget[0].route, contract_route_named(c, TEXT("login")));
    assert_int_equal(c->promise[0].success, 990000);
    assert_int_equal(c->promise[0].route, contract_route_named(c, TEXT("tracking")));
    assert_string_equal(c->network.class[1].name, "partners");
    assert_int_equal(c->keep.tracking, 180 * NANOS_DAY);
    free(c);
}

static void every_field_is_read(void **state)
{
    UNUSED(state);
    struct contract *c = read_file("every-field.yaml");
    assert_int_equal(c->languages, 1u << LANGUAGE_NL | 1u << LANGUAGE_FR);
    assert_int_equal(c->first_language, LANGUAGE_NL);
    assert_int_equal(c->mode, MODE_OBSERVE);
    assert_string_equal(c->runtime, "/srv/ecluse/runtime");
    assert_int_equal(c->tracking.format_count, 6);
    assert_int_equal(c->tracking.ahead, 5 * NANOS_MINUTE);
    assert_int_equal(c->tracking.before, 90 * NANOS_DAY);
    assert_int_equal(c->tracking.source_count, 2);
    assert_int_equal(c->tracking.source[0].usual_per_hour, 20000);
    assert_int_equal(c->tracking.source[1].silent_after, 0);
    assert_true(c->network.attach_host);
    assert_int_equal(c->network.without_guard, 500000);
    assert_string_equal(c->network.interface, "uplink0");
    assert_int_equal(c->network.inside.count, 2);
    assert_int_equal(c->share[0].copy_up_to, UINT64_C(3) << 29);
    assert_string_equal(c->share[1].path, "/mnt/scans");
    assert_int_equal(c->trusted_proxies.count, 2);
    assert_int_equal(c->keep.holds, 14 * NANOS_DAY);
    assert_int_equal(c->keep.audit_names, 400 * NANOS_DAY);
    assert_string_equal(c->audit.origin, "poste.example/ecluse");
    assert_int_equal(c->audit.witness_count, 1);
    assert_string_equal(c->audit.witness[0].url, "https://witness.example/log");
    assert_true(c->desk.present);
    assert_string_equal(c->desk.listen, "127.0.0.1:9443");
    assert_string_equal(c->outputs.syslog, "unix:/dev/log");
    assert_int_equal(c->outputs.heartbeat_every, 30 * NANOS_SECOND);
    assert_string_equal(c->passes.keys, "/etc/ecluse/pass.keys");
    assert_int_equal(c->passes.rotate, 3 * NANOS_DAY);
    assert_true(c->promise[2].statement);
    assert_int_equal(c->promise[2].route, -1);
    assert_int_equal(c->budget[0].window[0].span,
                     10 * NANOS_SECOND); /* shortest first, however written */
    assert_int_equal(c->budget[3].breaker, 25000);
    assert_int_equal(c->budget[2].breaker, 50000);
    assert_int_equal(c->budget[7].breaker, 1000000); /* no breaker on what leaves */
    assert_int_equal(c->budget[6].mode, MODE_OBSERVE);
    assert_int_equal(c->budget[6].begun, BEGUN_ANY);
    assert_int_equal(c->budget[8].share, 1);
    free(c);
}

static void any_subset_of_sections_is_a_contract(void **state)
{
    UNUSED(state);
    free(read_file("front-only.yaml"));
    struct contract *c = read_file("least.yaml");
    assert_false(c->tracking.present);
    assert_false(c->network.present);
    assert_int_equal(c->languages, 0xf);
    assert_string_equal(c->state, "/var/lib/ecluse");
    assert_string_equal(c->runtime, "/run/ecluse");
    free(c);
}

static int route_of(const struct contract *c, const char *method, const char *path)
{
    return contract_route(c, text_of(method), text_of(path));
}

static void a_request_has_the_first_route_that_matches(void **state)
{
    UNUSED(state);
    struct contract *c = read_file("every-field.yaml");
    static const struct {
        const char *method, *path, *route;
    } cases[] = {
        {"GET", "/", "home"},
        {"GET", "/suivi/RA123456785FR", "tracking"},
        {"HEAD", "/suivi/RA123456785FR", "tracking"},
        {"GET", "/suivi/v2/idships/RA123456785FR", "api"},
        {"POST", "/connexion", "login"},
        {"GET", "/recherche", "search"},
        {"GET", "/recherche/avancee", "search"},
        {"DELETE", "/boutique/x", "anything-under-shop"},
        {"POST", "/connexion/", "login"},
        {"POST", "/connexion;a", "login"},
        {"POST", "/connexion;a=/", "login"},
        {"POST", "/connexion/;a", "login"},
        {"POST", "/connexion ", "login"},
        {"POST", "/connexion \t;a", "login"},
        {"POST", "/;a/connexion", "login"},
        {"POST", "/suivi/..;/connexion", "login"},
        {"POST", "/.;a/connexion", "login"},
        {"GET", "/;a", "home"},
        {"GET", "/suivi/RA123456785FR;a", "tracking"},
        {"GET", "/suivi/;a", "tracking"},
        {"GET", "/;/recherche/x", "search"},
        {"DELETE", "/BOUTIQUE/x", "anything-under-shop"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(route_of(c, cases[i].method, cases[i].path),
                         contract_route_named(c, text_of(cases[i].route)));
    assert_int_equal(route_of(c, "GET", "/connexion"), -1);
    assert_int_equal(route_of(c, "POST", "/connexion//"), -1); /* nginx merges them */
    assert_int_equal(route_of(c, "POST", "/Connexion"), -1);
    assert_int_equal(route_of(c, "POST", "/connexion/a;b"), -1);
    assert_int_equal(route_of(c, "POST", "/connexio;n"), -1);
    assert_int_equal(route_of(c, "DELETE", "/boutique;a"), -1);
    assert_int_equal(route_of(c, "DELETE", "\x0f" "boutique/x"), -1); /* not a case of `/` */
    assert_int_equal(route_of(c, "HEAD", "/connexion"), -1);
    assert_int_equal(route_of(c, "GET", ""), -1);
    assert_true(contract_route_named(c, TEXT("named-in-nginx")) >= 0);
    free(c);
}

static void a_path_longer_than_any_route_is_read_whole(void **state)
{
    UNUSED(state);
    struct contract *c = read_file("every-field.yaml");
    char path[2048], *at = path;
    for (int i = 0; i < 3; i++) { /* three segments of 300, and as many ways back */
        *at++ = '/';
        memset(at, 'x', 300);
        at += 300;
    }
    snprintf(at, 64, "/..;/..;/..;/connexion");
    assert_int_equal(route_of(c, "POST", path), contract_route_named(c, TEXT("login")));
    snprintf(at, 64, "/..;/..;/connexion");
    assert_int_equal(route_of(c, "POST", path), -1);
    snprintf(path + 100, 64, "/;a/..;/..;/recherche/;b");
    assert_int_equal(route_of(c, "GET", path), contract_route_named(c, TEXT("search")));
    free(c);
}

static void login_is_known_before_it_has_a_path(void **state)
{
    UNUSED(state);
    struct contract *c = accepted("ecluse: 1\n");
    int login = contract_route_named(c, TEXT("login"));
    assert_true(login >= 0);
    assert_true(c->route[login].builtin);
    assert_int_equal(route_of(c, "GET", ""), -1);
    free(c);
    c = accepted("ecluse: 1\nroutes: [{name: login, match: /signin}]\n");
    assert_int_equal(c->route_count, 4);
    assert_int_equal(route_of(c, "POST", "/signin"), contract_route_named(c, TEXT("login")));
    free(c);
}

static void who_is_protected_is_found_by_address(void **state)
{
    UNUSED(state);
    struct contract *c = accepted("ecluse: 1\nprotected:\n"
                                  "  - {name: a, from: [10.20.0.0/15, \"2001:db8::/33\"]}\n"
                                  "  - {name: b, from: [198.51.100.7]}\n");
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 21, [15] = 1};
    assert_int_equal(contract_protected(c, address), 0);
    address[13] = 22;
    assert_int_equal(contract_protected(c, address), -1);
    memcpy(address + 12, (uint8_t[]){198, 51, 100, 7}, 4);
    assert_int_equal(contract_protected(c, address), 1);
    uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, 0x7f};
    assert_int_equal(contract_protected(c, six), 0);
    six[4] = 0x80;
    assert_int_equal(contract_protected(c, six), -1);
    free(c);
}

static void a_file_that_cannot_be_read_is_an_error_and_no_problem(void **state)
{
    UNUSED(state);
    struct contract *c = contract_new();
    struct problems problems;
    struct error error;
    assert_int_equal(contract_read(TEST_CONTRACTS "/no-such-file.yaml", c, &problems, &error),
                     -ENOENT);
    assert_int_equal(problems.count, 0);
    assert_int_equal(contract_read(TEST_CONTRACTS, c, &problems, &error), -EISDIR);
    assert_non_null(strstr(error.text, TEST_CONTRACTS));
    free(c);
}

/* The reference page begins with a contract: it must be one. */
static void the_example_in_the_reference_page_is_a_contract(void **state)
{
    UNUSED(state);
    FILE *page = fopen(TEST_CONTRACTS "/../../docs/contract.md", "r");
    assert_non_null(page);
    static char text[1 << 18];
    size_t length = fread(text, 1, sizeof text - 1, page);
    fclose(page);
    text[length] = 0;
    char *begin = strstr(text, "```yaml\n");
    assert_non_null(begin);
    begin += 8;
    *strstr(begin, "```") = 0;
    accepts(begin);
}

static void names_of_meters_and_others_are_those_of_the_file(void **state)
{
    UNUSED(state);
    assert_string_equal(meter_name(METER_FILES_REWRITTEN), "files_rewritten");
    assert_int_equal(meter_guard(METER_BYTES_OUT), GUARD_EGRESS);
    assert_int_equal(meter_unit(METER_BYTES_OUT), METER_UNIT_BYTES);
    assert_true(meter_is_distinct(METER_PARCELS_READ));
    assert_false(meter_is_continuity(METER_PEOPLE_READ));
    assert_string_equal(principal_name(PRINCIPAL_EVERYONE), "everyone");
    assert_string_equal(principal_name((enum principal_kind)99),
                        "?"); /* read from a segment, perhaps */
    assert_string_equal(guard_name(GUARD_DESK), "desk");
    assert_string_equal(over_name(OVER_CHALLENGE), "challenge");
    assert_string_equal(mode_name(MODE_OBSERVE), "observe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_design_s_example_is_a_contract),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(any_subset_of_sections_is_a_contract),
        cmocka_unit_test(a_request_has_the_first_route_that_matches),
        cmocka_unit_test(a_path_longer_than_any_route_is_read_whole),
        cmocka_unit_test(login_is_known_before_it_has_a_path),
        cmocka_unit_test(who_is_protected_is_found_by_address),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error_and_no_problem),
        cmocka_unit_test(the_example_in_the_reference_page_is_a_contract),
        cmocka_unit_test(names_of_meters_and_others_are_those_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
