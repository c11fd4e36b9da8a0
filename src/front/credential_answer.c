/* The pass that goes with an answer, if one does: credential.h.
 *
 * In a header filter of a module of its own, which nginx asks after `expires` and `add_header`:
 * what these say to caches decides whether a cookie may go with an answer. */
#include "front/front.h"

#include "front/keys.h"
#include "gate/cookie.h"
#include "gate/sharing.h"

static ngx_http_output_header_filter_pt next_header_filter;

/* ---- Caches ---------------------------------------------------------------------------------- */

enum {
    CACHE_WORDS = 8
}; /* Cache-Control headers that are looked at; who sends more is not given */

static bool is_cache_control(const ngx_table_elt_t *header)
{
    static const char name[] = "cache-control";
    return header->hash && header->key.len == sizeof name - 1 &&
           ngx_strncasecmp(header->key.data, (u_char *)(uintptr_t)name, sizeof name - 1) == 0;
}

static enum sharing sharing_now(const ngx_http_request_t *r)
{
    struct text values[CACHE_WORDS];
    size_t count = 0;
    for (const ngx_list_part_t *part = &r->headers_out.headers.part; part; part = part->next) {
        const ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            if (is_cache_control(&header[i]) && count < CACHE_WORDS)
                values[count++] = front_text(header[i].value);
    }
    bool dated = r->headers_out.expires || r->headers_out.last_modified || r->headers_out.etag ||
                 r->headers_out.last_modified_time != -1;
    return sharing_of(values, count, dated);
}

/* Whatever its caches were told, this one answer is for this one reader. */
static ngx_int_t make_private(ngx_http_request_t *r)
{
    for (ngx_list_part_t *part = &r->headers_out.headers.part; part; part = part->next) {
        ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            if (is_cache_control(&header[i]))
                header[i].hash = 0;
    }
    if (r->headers_out.expires)
        r->headers_out.expires->hash = 0;
    r->headers_out.expires = NULL;
    return front_push_header(r, "Cache-Control", 13, TEXT("private"));
}

/* ---- Cookies --------------------------------------------------------------------------------- */

static ngx_int_t push_cookie(ngx_http_request_t *r, const char *name, struct text value,
                             int64_t max_age)
{
    char line[COOKIE_LINE_MAX];
    size_t length = cookie_line(name, value, max_age, front_is_secure(r), line);
    u_char *copy = length ? ngx_pnalloc(r->pool, length) : NULL;
    if (!copy)
        return NGX_ERROR;
    memcpy(copy, line, length);
    return front_push_header(r, "Set-Cookie", 10, (struct text){(const char *)copy, length});
}

struct write_call {
    const struct pass *pass;
    size_t length;
    char text[PASS_TEXT_LENGTH];
};

static void write_now(void *argument)
{
    struct write_call *call = argument;
    call->length = pass_write(keys_ring(), call->pass, ngx_time(), call->text);
}

static void carry(ngx_http_request_t *r, const struct front_credential *credential,
                  enum sharing sharing)
{
    struct write_call call = {.pass = &credential->pass};
    if (!front_guarded(write_now, &call) || !call.length ||
        push_cookie(r, COOKIE_PASS, (struct text){call.text, call.length}, PASS_LIFE_SECONDS) !=
            NGX_OK)
        return;
    if (credential->redeemed != REDEEMED_NOTHING)
        push_cookie(r, credential->redeemed == REDEEMED_PROOF ? COOKIE_PROOF : COOKIE_TICKET,
                    TEXT(""), 0);
    if (sharing != SHARING_REFUSED)
        make_private(r);
}

/* In calm times: under half the budget of its network, to what reads pages. */
static void give_now(void *argument)
{
    struct front_credential *credential = argument;
    const struct caller *caller = &credential->caller;
    struct cells *issues = ledger_issues(front_ledger());
    nanos_t now = front_loop_time();
    if (!issues || cells_count(issues, caller->network, ISSUE_EACH, now) >= ISSUE_BUDGET / 2)
        return;
    if (cells_add(issues, caller->network, 1, ISSUE_EACH, now) < 0)
        return;
    pass_begin(&credential->pass, NULL, PASS_GIVEN, caller->wide, ngx_time());
    credential->has_pass = true;
}

static bool may_be_given(const struct front_credential *credential)
{
    const struct caller *caller = &credential->caller;
    return !credential->has_pass && caller->html && caller->network &&
           caller->fault != TOKEN_STRUCK && caller->standing == STANDING_STRANGER &&
           front_ledger() && front_gate_challenged() == 0;
}

static bool is_well_answered(const ngx_http_request_t *r)
{
    ngx_uint_t status = r->headers_out.status;
    return r->upstream && status >= 200 && status < 400 && status != NGX_HTTP_NOT_MODIFIED;
}

static void answer(ngx_http_request_t *r)
{
    bool well = is_well_answered(r);
    struct front_context *context = front_context_find(r);
    if (!context && !(well && (context = front_context_take(r))))
        return;
    struct front_credential *credential = &context->credential;
    if (credential->told)
        return;
    enum sharing sharing = sharing_now(r);
    if (credential->redeemed != REDEEMED_NOTHING) {
        credential->told = true;
        carry(r, credential, sharing);
        return;
    }
    if (!well || sharing == SHARING_LIKELY)
        return;
    credential->told = true;
    front_caller(r);
    if (credential->has_pass && credential->caller.fault == TOKEN_NONE) {
        if (pass_visit(&credential->pass, ngx_time()))
            carry(r, credential, sharing);
        return;
    }
    if (may_be_given(credential) && front_guarded(give_now, credential) && credential->has_pass)
        carry(r, credential, sharing);
}

/* ---- The module ------------------------------------------------------------------------------ */

static ngx_int_t header_filter(ngx_http_request_t *r)
{
    if (r == r->main && front_ready() && front_location_of(r)->enabled == FRONT_ON &&
        front_mode() == MODE_ENFORCE && keys_ring()->count)
        answer(r);
    return next_header_filter(r);
}

static ngx_int_t install(ngx_conf_t *cf)
{
    next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = header_filter;
    return NGX_OK;
}

static ngx_http_module_t context = {.postconfiguration = install};

ngx_module_t ngx_http_ecluse_cookie_module = {NGX_MODULE_V1, &context, NULL, NGX_HTTP_MODULE,
                                              NULL,          NULL,     NULL, NULL,
                                              NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING};
