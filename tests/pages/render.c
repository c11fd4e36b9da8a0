/* Writes every page that the public can meet into a folder, for the checks in a browser:
 * render-pages DIRECTORY.
 *
 * One file a page and language, NAME.LANGUAGE.html; the policy that a front would send with it
 * stands in NAME.LANGUAGE.policy where it is not that of all, `policy`. */
#include "gate/challenge.h"
#include "tracking/answer_samples.h"

#include <errno.h>
#include <stdio.h>

static const char *const tags[LANGUAGE_COUNT] = {"fr", "nl", "de", "en"};
static char buffer[ANSWER_SIZE];

static void save(const char *folder, const char *name, const char *data, size_t length)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(data, 1, length, file) != length || fclose(file) != 0) {
        fprintf(stderr, "render-pages: %s: %s\n", path, strerror(errno));
        exit(2);
    }
}

static void render(const char *folder, const char *name, struct answer_request request)
{
    struct answer answer;
    char file[128];
    request.now = SAMPLE_NOW;
    for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
        request.language = (enum language)i;
        request.form = ANSWER_HTML;
        answer_render(&request, buffer, sizeof buffer, &answer);
        snprintf(file, sizeof file, "%s.%s.html", name, tags[i]);
        save(folder, file, buffer, answer.length);
        if (i == 0 && request.kind == ANSWER_HOME)
            save(folder, "policy", answer.policy.data, answer.policy.length);
        request.form = ANSWER_JSON;
        answer_render(&request, buffer, sizeof buffer, &answer);
        snprintf(file, sizeof file, "%s.%s.json", name, tags[i]);
        save(folder, file, buffer, answer.length);
    }
}

static void render_static(const char *folder, const char *name, enum answer_kind kind)
{
    struct answer answer;
    char file[128];
    for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
        struct text body = answer_static(kind, ANSWER_HTML, (enum language)i, &answer);
        snprintf(file, sizeof file, "static_%s.%s.html", name, tags[i]);
        save(folder, file, body.data, body.length);
    }
}

/* Pages that no parcel stands behind. */
static void render_others(const char *folder, const struct contract *c)
{
    static const struct parcel_number number = {.length = 13, .text = "RB123456785GB"};
    struct answer_request request = {.contract = c, .kind = ANSWER_HOME};
    render(folder, "home", request);
    request.kind = ANSWER_NOT_KNOWN_YET;
    request.parcel = &number;
    render(folder, "unknown", request);
    request.typed = TEXT("RB12345678GB");
    request.kind = ANSWER_WRONG_FORM;
    render(folder, "wrong_form", request);
    request.typed = TEXT("RB123456786GB");
    request.kind = ANSWER_WRONG_CHECK;
    render(folder, "wrong_check", request);
    request.retry_after = 120;
    request.kind = ANSWER_NOTICE;
    render(folder, "notice", request);
    request.retry_after = 45;
    request.kind = ANSWER_HELD;
    render(folder, "held", request);
    render_static(folder, "unknown", ANSWER_NOT_KNOWN_YET);
    render_static(folder, "wrong_form", ANSWER_WRONG_FORM);
    render_static(folder, "wrong_check", ANSWER_WRONG_CHECK);
    render_static(folder, "home", ANSWER_HOME);
    render_static(folder, "notice", ANSWER_NOTICE);
    render_static(folder, "held", ANSWER_HELD);
}

/* A parcel after `count` usual events, and one more unless `last.code` is NULL. */
static void render_parcel(const char *folder, const char *name, struct answer_request request,
                          unsigned count, struct sample_event last)
{
    struct history h = sample_history(count);
    if (last.code)
        sample_add(&h, last, SAMPLE_NOW - SAMPLE_HOUR / 2, 60);
    if (last.step == STEP_PICKUP)
        h.pickup = TEXT("75013-A2P-0417");
    request.history = &h;
    request.kind = ANSWER_FOUND;
    render(folder, name, request);
}

static void render_parcels(const char *folder, const struct contract *c)
{
    const struct sample_event none = {.code = NULL};
    struct answer_request request = {.contract = c};
    render_parcel(folder, "announced", request, 1, none);
    render_parcel(folder, "accepted", request, 2, none);
    render_parcel(folder, "customs", request, 4, none);
    render_parcel(folder, "transit", request, 6, none);
    render_parcel(folder, "out", request, 7, none);
    render_parcel(folder, "delivered", request, 8, none);
    render_parcel(folder, "attempted", request, 7,
                  (struct sample_event){STEP_ATTEMPTED, "ND1", "Vitry-sur-Seine", "FR"});
    render_parcel(folder, "pickup", request, 7,
                  (struct sample_event){STEP_PICKUP, "AG1", "Vitry-sur-Seine", "FR"});
    render_parcel(folder, "returned", request, 7,
                  (struct sample_event){STEP_RETURNED, "RE1", "", "GB"});
    render_parcel(folder, "incident", request, 5,
                  (struct sample_event){STEP_INCIDENT, "PB1", "Bonneuil-sur-Marne", "FR"});
    render_parcel(folder, "many", request, 99, none);
    render_parcel(folder, "hostile", request, 5,
                  (struct sample_event){STEP_UNKNOWN, "<b>",
                                        "<script>alert(1)</script>\"'&<img src=x onerror=a>",
                                        "<>"});
    request.origin_down = true;
    render_parcel(folder, "origin_down", request, 6, none);
    struct history h = sample_history(6);
    h.changed -= 3 * 86400;
    request.history = &h;
    request.kind = ANSWER_FOUND;
    render(folder, "stale", request);
}

/* A challenge as it is met. The puzzle asks for more than any browser does, so that the page stays
 * as it is while it works. */
static void render_challenge(const char *folder, const char *name, enum challenge_kind kind)
{
    static char fields[CHALLENGE_FIELDS_SIZE];
    struct writer form = writer_on(fields, sizeof fields);
    challenge_fields(TEXT("name=Zo%C3%AB&parcel=RB123456785GB&note=a%0D%0Ab"), &form);
    const struct challenge_slot slot = {.puzzle = TEXT("MYKPoX0Caw885jrcw2tgRYtXk1h0rjNq3oHlFQ"),
                                        .bits = 32,
                                        .seconds = 3600,
                                        .fields = {form.data, form.length}};
    char file[128];
    for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
        const struct challenge_page *page = challenge_page(kind, CHALLENGE_HTML, (enum language)i);
        struct writer w = writer_on(buffer, sizeof buffer);
        write_text(&w, page->open);
        challenge_write(&w, kind, (enum language)i, &slot);
        write_text(&w, page->close);
        snprintf(file, sizeof file, "%s.%s.html", name, tags[i]);
        save(folder, file, buffer, w.length);
        snprintf(file, sizeof file, "%s.%s.policy", name, tags[i]);
        save(folder, file, page->about.policy.data, page->about.policy.length);
    }
}

static void render_challenges(const char *folder, const struct contract *c)
{
    challenge_prepare(c);
    render_challenge(folder, "challenge", CHALLENGE_PUZZLE);
    render_challenge(folder, "challenge_offer", CHALLENGE_PUZZLE_OFFER);
    render_challenge(folder, "challenge_resend", CHALLENGE_PUZZLE_RESEND);
    render_challenge(folder, "busy", CHALLENGE_BUSY);
    render_challenge(folder, "busy_offer", CHALLENGE_BUSY_OFFER);
    render_challenge(folder, "busy_resend", CHALLENGE_BUSY_RESEND);
    render_challenge(folder, "no_cookies", CHALLENGE_COOKIES);
    render_challenge(folder, "lane", CHALLENGE_LANE);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: render-pages DIRECTORY\n");
        return 2;
    }
    struct contract *c = sample_contract();
    if (!c)
        return 2;
    answer_prepare(c);
    render_others(arguments[1], c);
    render_parcels(arguments[1], c);
    render_challenges(arguments[1], c);
    free(c);
    return 0;
}
