/* What is dropped where a place belongs, and what is a place. */
#include "tracking/feed_internal.h"
#include "tracking/test_feed.h"

static void assert_all(const char *const *list, bool personal)
{
    for (; *list; list++)
        if (text_is_personal(text_of(*list)) != personal)
            fail_msg("`%s` is %s personal", *list, personal ? "not taken for" : "taken for");
}

static void places_of_the_network_pass(void **state)
{
    (void)state;
    static const char *const places[] = {
        "Lyon 7", "PFC Gennevilliers 92", "DEPOT 4012", "Roissy CDG 2", "75012 Paris",
        "F-94150 Rungis", "M.I.N. Rungis", "HUB MR", "MR 3", "Paris 15",
        "Centre de tri de Lille-Lesquin", "Milaan 2", "Rotterdam 3", "Amsterdam 1012 AB",
        "Marne-la-Vallee 2", "Halfweg 2", "Münster MS 3", "Paketzentrum 21 Hamburg", "Quai 4",
        "PFC 12 Quai 3", "Depot 4 Route Nord 2", "Place de la Gare", "Rue de la Paix",
        "Kerkstraat", "Frauenfeld 2", "Herrenberg 1", "Madame", "Monsieur 2", "Madrid 04",
        "Depot 12.4", "Frankfurt (Main) 60549", "Dover 2", "1012", "Gate 3 Road Hub",
        "10 Street", "Depot 7 Norwegen", "Hub + Lyon", "St. Gallen 9000", "Le Mans 72",
        "Terminal 2E", "Agence 12 rue", "", "Herr", "M.", "M. 4", NULL};
    (void)state;
    assert_all(places, false);
}

static void persons_and_their_addresses_do_not(void **state)
{
    (void)state;
    static const char *const personal[] = {
        "M. Jean Dupont, 12 rue de la Paix +33612345678", "M. Dupont", "M.Dupont",
        "chez M. Dupont", "MME DURAND", "Mme. Durand", "Mr Smith", "Mrs. Smith", "Herr Schmidt",
        "FRAU MEIER", "bei Frau Meier", "Dhr. de Vries", "Mevr. Jansen", "Mlle A",
        "Madame Durand", "jean@example.org", "06 12 34 56 78", "06.12.34.56.78", "0612345678",
        "(020) 123-4567", "12-34/56", "tel 123456", "06\u00a012\u00a034", "+33", "+ 49 (0)",
        "+(44)", "12 rue de la Paix", "Lyon, 12 rue X", "12, rue X", "12 bis rue X",
        "12 bis, av. Foch", "3b chemin vert", "4 place Bellecour", "2 quai de Seine",
        "Rue de la Loi 16", "1000 Bruxelles, Avenue Louise 54",
        "Avenue Louise 54, 1050 Bruxelles", "Kerkstraat 12", "Lange Laan 5b", "Hauptstr. 5",
        "Hauptstraße 5", "HAUPTSTRASSE 5", "5 Kerkstraat", "Potsdamer Platz 1",
        "10 Downing Street", "London, 221B Baker Street", "7 Great North Road", NULL};
    (void)state;
    assert_all(personal, true);
}

static void assert_kept(enum feed_format format, const char *text, const char *place,
                        const char *product, uint64_t dropped)
{
    struct caught *caught = feed_text(format, text_of(text), 0);
    assert_int_equal(caught->events, 1);
    assert_string_equal(caught->event[0].place, place);
    assert_string_equal(caught->event[0].product, product);
    assert_int_equal(caught->dropped, dropped);
    free(caught);
}

#define EPCIS_AT(uri)                                                                              \
    "{\"type\":\"ObjectEvent\",\"eventTime\":\"2026-11-20T14:03:00Z\","                            \
    "\"eventTimeZoneOffset\":\"+01:00\",\"epcList\":[\"urn:epc:id:sscc:0614141.1234567890\"],"     \
    "\"bizStep\":\"receiving\",\"readPoint\":{\"id\":\"" uri "\"}}"

static void every_form_leaves_them_out_and_counts_them(void **state)
{
    (void)state;
    assert_kept(
        FEED_NDJSON,
        "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\","
        "\"place\":\"M. Jean Dupont, 12 rue de la Paix +33612345678\",\"product\":\"a@b\"}\n",
        "", "", 2);
    assert_kept(FEED_CSV,
                "parcel,at,code,place,product\n"
                "RA123456785FR,2026-11-20T14:03:00Z,ET1,Mme Durand,Letter 20\n",
                "", "Letter 20", 1);
    assert_kept(
        FEED_SUIVI,
        "{\"returnCode\":200,\"shipment\":{\"idShip\":\"RA123456785FR\",\"product\":\"Mr X\","
        "\"event\":[{\"code\":\"DR1\",\"date\":\"2026-11-18T08:00:00+01:00\"}]}}",
        "", "", 1);
    assert_kept(FEED_EPCIS, EPCIS_AT("https://example.org/at/M.%20Dupont"), "", "", 1);
    assert_kept(FEED_EPCIS, EPCIS_AT("https://example.org/at/12_rue_X"), "", "", 1);
    assert_kept(FEED_EPCIS, EPCIS_AT("https://example.org/at/DEPOT-4012"), "DEPOT-4012", "", 0);
}

static void a_location_number_is_nobodys_telephone(void **state)
{
    (void)state;
    assert_kept(FEED_EPCIS, EPCIS_AT("urn:epc:id:sgln:0614141.00777.0"), "0614141007776", "", 0);
    assert_kept(FEED_EPCIS, EPCIS_AT("urn:epc:id:sgln:0614141.00777.0612345678"), "0614141007776",
                "", 1);
}

/* What is cut off is judged with the rest, or half a telephone number would stay. */
static void a_long_text_is_judged_whole(void **state)
{
    (void)state;
    char text[400];
    snprintf(text, sizeof text, "%s%45s 06123%s\"}\n",
             "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\","
             "\"place\":\"A",
             "x", "45678");
    assert_kept(FEED_NDJSON, text, "", "", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_the_network_pass),
        cmocka_unit_test(persons_and_their_addresses_do_not),
        cmocka_unit_test(every_form_leaves_them_out_and_counts_them),
        cmocka_unit_test(a_location_number_is_nobodys_telephone),
        cmocka_unit_test(a_long_text_is_judged_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
