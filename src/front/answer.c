#include "front/front.h"

#define ACCEPT_JSON "application/json"
#define ACCEPT_HTML "text/html"

/* ---- What the reader asked for ---------------------------------------------------------------------- */

static bool header_has(const ngx_table_elt_t *header, const char *word, size_t length)
{
    return ngx_strlcasestrn(header->value.data, header->value.data + header->value.len, (u_char *)(uintptr_t)word,
                            length - 1) != NULL;
}

enum answer_form front_form(ngx_http_request_t *r, const struct front_location *location)
{
    if (location->typed && location->form == FRONT_FORM_JSON)
        return ANSWER_JSON;
    const ngx_table_elt_t *accept = r->headers_in.accept;
    if ((location->typed && location->form == FRONT_FORM_HTML) || !accept)
        return ANSWER_HTML;
    bool json = header_has(accept, ACCEPT_JSON, sizeof ACCEPT_JSON - 1) &&
                !header_has(accept, ACCEPT_HTML, sizeof ACCEPT_HTML - 1);
    return json ? ANSWER_JSON : ANSWER_HTML;
}

struct language_call {
    struct text parameter, header;
    enum language language;
};

static void language_now(void *argument)
{
    struct language_call *call = argument;
    call->language = answer_language(front.contract, call->parameter, call->header);
}

enum language front_language(ngx_http_request_t *r)
{
    ngx_str_t parameter = ngx_null_string;
    if (r->args.len)
        ngx_http_arg(r, (u_char *)"lang", 4, &parameter);
    struct language_call call = {.parameter = front_text(parameter), .language = front.contract->first_language};
    if (r->headers_in.accept_language)
        call.header = front_text(r->headers_in.accept_language->value);
    if (parameter.len || call.header.length)
        front_guarded(language_now, &call);
    return call.language;
}

/* ---- Headers and body ------------------------------------------------------------------------------- */

struct static_call {
    enum answer_kind kind;
    enum answer_form form;
    enum language language;
    struct front_answer *out;
};

static void static_now(void *argument)
{
    struct static_call *call = argument;
    call->out->body = answer_static(call->kind, call->form, call->language, &call->out->about);
}

void front_static(enum answer_kind kind, enum answer_form form, enum language language, struct front_answer *out)
{
    struct static_call call = {kind, form, language, out};
    out->lasting = true;
    out->about = (struct answer){.status = NGX_HTTP_SERVICE_UNAVAILABLE};
    out->body = TEXT("");
    front_guarded(static_now, &call);
}

static ngx_table_elt_t *push(ngx_http_request_t *r, const char *name, size_t name_length, struct text value)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
    if (!header)
        return NULL;
    header->hash = 1;
    header->key.data = (u_char *)(uintptr_t)name;
    header->key.len = name_length;
    header->value.data = (u_char *)(uintptr_t)value.data;
    header->value.len = value.length;
    header->lowcase_key = NULL; /* HTTP/2 lower-cases as it writes */
    return header;
}

ngx_int_t front_push_header(ngx_http_request_t *r, const char *name, size_t name_length, struct text value)
{
    if (value.length == 0)
        return NGX_OK;
    return push(r, name, name_length, value) ? NGX_OK : NGX_ERROR;
}

#define PUSH(r, name, value) (front_push_header((r), name, sizeof(name) - 1, (value)) == NGX_OK)

static ngx_int_t push_retry_after(ngx_http_request_t *r, uint32_t seconds)
{
    u_char *text = ngx_pnalloc(r->pool, NGX_INT32_LEN);
    if (!text)
        return NGX_ERROR;
    u_char *end = ngx_sprintf(text, "%uD", seconds);
    return front_push_header(r, "Retry-After", sizeof "Retry-After" - 1,
                             (struct text){(const char *)text, (size_t)(end - text)});
}

static ngx_int_t push_etag(ngx_http_request_t *r, const struct answer *about)
{
    size_t length = strlen(about->etag);
    u_char *copy = ngx_pnalloc(r->pool, length);
    if (!copy)
        return NGX_ERROR;
    memcpy(copy, about->etag, length);
    r->headers_out.etag = push(r, "ETag", 4, (struct text){(const char *)copy, length});
    return r->headers_out.etag ? NGX_OK : NGX_ERROR;
}

ngx_int_t front_set_headers(ngx_http_request_t *r, const struct answer *about, size_t length)
{
    r->headers_out.status = about->status;
    r->headers_out.status_line.len = 0;
    r->headers_out.content_length_n = (off_t)length;
    r->headers_out.content_type = (ngx_str_t){about->content_type.length, (u_char *)(uintptr_t)about->content_type.data};
    const char *parameters = memchr(about->content_type.data, ';', about->content_type.length);
    r->headers_out.content_type_len = parameters ? (size_t)(parameters - about->content_type.data)
                                                 : about->content_type.length; /* what gzip_types compares */
    r->headers_out.content_type_lowcase = NULL;
    if (about->last_modified)
        r->headers_out.last_modified_time = about->last_modified;
    if (about->etag[0] && push_etag(r, about) != NGX_OK)
        return NGX_ERROR;
    if (about->retry_after && push_retry_after(r, about->retry_after) != NGX_OK)
        return NGX_ERROR;
#define X(name, value) && PUSH(r, name, TEXT(value))
    bool pushed = PUSH(r, "Content-Language", about->content_language) &&
                  PUSH(r, "Cache-Control", about->cache_control) &&
                  PUSH(r, "Content-Security-Policy", about->policy) &&
                  PUSH(r, "X-Robots-Tag", about->robots) ANSWER_HEADERS(X);
#undef X
    return pushed ? NGX_OK : NGX_ERROR;
}

ngx_int_t front_send(ngx_http_request_t *r, const struct front_answer *answer)
{
    if (front_set_headers(r, &answer->about, answer->body.length) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    ngx_buf_t *buffer;
    if (answer->lasting) {
        buffer = ngx_calloc_buf(r->pool);
        if (!buffer)
            return NGX_ERROR;
        buffer->pos = buffer->start = (u_char *)(uintptr_t)answer->body.data;
        buffer->last = buffer->end = buffer->pos + answer->body.length;
        buffer->memory = answer->body.length > 0;
    } else {
        buffer = ngx_create_temp_buf(r->pool, answer->body.length);
        if (!buffer)
            return NGX_ERROR;
        buffer->last = ngx_cpymem(buffer->pos, answer->body.data, answer->body.length);
    }
    buffer->last_buf = 1;
    buffer->last_in_chain = 1;
    ngx_chain_t out = {buffer, NULL};
    return ngx_http_output_filter(r, &out);
}

/* ---- Pages ------------------------------------------------------------------------------------------ */

ngx_int_t front_page(ngx_http_request_t *r)
{
    enum { NOTICE_RETRY_SECONDS = 30 };
    const struct front_location *location = front_location_of(r);
    struct front_answer answer;
    if (!front_ready())
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    if (location->page == ANSWER_HOME && !(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return NGX_HTTP_NOT_ALLOWED;
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    front_static((enum answer_kind)location->page, front_form(r, location), front_language(r), &answer);
    if (location->page == ANSWER_NOTICE) {
        answer.about.retry_after = NOTICE_RETRY_SECONDS;
        front_count(COUNTER_NOTICES);
    }
    return front_send(r, &answer);
}
