#include "desk/exchange.h"

#include "desk/page.h"
#include "status/figure.h"

#include <stdio.h>
#include <stdlib.h>

struct text exchange_header(const struct exchange *x, const char *name)
{
    const char *value = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
    return value ? text_of(value) : (struct text){"", 0};
}

struct text exchange_query(const struct exchange *x, const char *name)
{
    const char *value = MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
    return value ? text_of(value) : (struct text){"", 0};
}

/* Nothing from elsewhere, nothing in the page that runs or styles, nobody's frame; names of people
 * and addresses stay in no cache and go to no other site. */
static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy",
     "same-origin"}, /* `no-referrer` would make forms come from the origin `null` */
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
    {"Vary", "Cookie, Accept-Language"},
};

static void add_headers(struct exchange *x, struct MHD_Response *response, const char *type)
{
    bool asset = x->route && x->route->need == NEED_NOTHING && strchr(x->route->path, '.');
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    MHD_add_response_header(response, "Cache-Control", asset ? "no-cache" : "no-store");
    MHD_add_response_header(response, "Content-Type", type);
    if (*x->cookie)
        MHD_add_response_header(response, "Set-Cookie", x->cookie);
    if (x->language_chosen) {
        char cookie[64];
        snprintf(cookie, sizeof cookie, "lang=%s; Path=/; SameSite=Strict; Max-Age=31536000",
                 x->language ? "fr" : "en");
        MHD_add_response_header(response, "Set-Cookie", cookie);
    }
}

static enum MHD_Result send_response(struct exchange *x, unsigned status,
                                     struct MHD_Response *response)
{
    enum MHD_Result queued = MHD_queue_response(x->connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static struct MHD_Response *response_of(struct text body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.length, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    must(response != NULL);
    return response;
}

enum MHD_Result reply(struct exchange *x, unsigned status, const char *type, struct text body)
{
    struct MHD_Response *response = response_of(body);
    add_headers(x, response, type);
    return send_response(x, status, response);
}

enum MHD_Result reply_json(struct exchange *x, unsigned status, json_t *object)
{
    must(object != NULL);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    must(text != NULL);
    enum MHD_Result result = reply(x, status, "application/json", text_of(text));
    free(text);
    return result;
}

static json_t *error_object(const char *code, const char *text)
{
    return json_pack("{s:{s:s,s:o}}", "error", "code", code, "text", json_safe(text));
}

enum MHD_Result reply_error(struct exchange *x, unsigned status, const char *code, const char *text)
{
    return x->api ? reply_json(x, status, error_object(code, text)) : page_problem(x, status, text);
}

enum MHD_Result reply_later(struct exchange *x, unsigned status, nanos_t wait, const char *code,
                            const char *text)
{
    char seconds[24];
    char *body = json_dumps(error_object(code, text), JSON_COMPACT);
    must(body != NULL);
    struct MHD_Response *response = response_of(text_of(body));
    free(body);
    add_headers(x, response, "application/json");
    snprintf(seconds, sizeof seconds, "%lld", (long long)(wait / NANOS_SECOND) + 1);
    MHD_add_response_header(response, "Retry-After", seconds);
    return send_response(x, status, response);
}

enum MHD_Result reply_see(struct exchange *x, const char *location)
{
    struct MHD_Response *response = response_of(TEXT(""));
    add_headers(x, response, "text/plain");
    MHD_add_response_header(response, "Location", location);
    return send_response(x, MHD_HTTP_SEE_OTHER, response);
}

void reply_with_cookie(struct exchange *x, const char *token)
{
    snprintf(x->cookie, sizeof x->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
             x->https ? "__Host-ecluse" : "ecluse", token, x->https ? "; Secure" : "",
             *token ? "" : "; Max-Age=0");
}
