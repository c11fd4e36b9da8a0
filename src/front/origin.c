#include "front/front.h"

static ngx_http_output_header_filter_pt next_header_filter;
static ngx_http_output_body_filter_pt next_body_filter;

/* A lookup is answered whatever the origin's failure was; elsewhere an application's own 500 is its
 * own to explain, and only its absence is ours. */
static bool origin_failed(ngx_http_request_t *r, const struct front_location *location,
                          const struct front_context *context)
{
    ngx_uint_t status = r->headers_out.status;
    if (context && context->asked)
        return status >= 500;
    bool absent =
        r->upstream && status >= NGX_HTTP_BAD_GATEWAY && status <= NGX_HTTP_GATEWAY_TIME_OUT;
    return absent &&
           (location->typed ? front_goes_on(r, location) : location->order == FRONT_FALLBACK);
}

/* What the origin said of its own body must not be said of ours. */
static void forget_headers(ngx_http_request_t *r)
{
    ngx_http_headers_out_t *out = &r->headers_out;
    for (ngx_list_part_t *part = &out->headers.part; part; part = part->next) {
        ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            header[i].hash = 0;
    }
    out->server = out->date = out->content_encoding = out->location = out->refresh = NULL;
    out->last_modified = out->content_range = out->accept_ranges = out->www_authenticate = NULL;
    out->expires = out->etag = out->content_length = NULL;
    ngx_memzero(&out->cache_control, sizeof out->cache_control);
    ngx_memzero(&out->link, sizeof out->link);
    ngx_str_null(&out->charset);
    out->last_modified_time = -1;
    r->allow_ranges = 0;
}

static bool keep_body(ngx_http_request_t *r, struct front_context *context,
                      const struct front_answer *answer)
{
    context->body = answer->body;
    if (answer->lasting || answer->body.length == 0)
        return true;
    u_char *copy = ngx_pnalloc(r->pool, answer->body.length);
    if (!copy)
        return false;
    memcpy(copy, answer->body.data, answer->body.length);
    context->body.data = (const char *)copy;
    return true;
}

static ngx_int_t header_filter(ngx_http_request_t *r)
{
    struct front_context *held = r == r->main ? front_context_find(r) : NULL;
    if (held && held->place.state != PLACE_NONE)
        front_gate_head(r, held);
    if (r->headers_out.status < 500 || r != r->main)
        return next_header_filter(r);
    struct front_location *location = front_location_of(r);
    struct front_context *context = front_context_find(r);
    if (location->enabled != FRONT_ON || !front_ready() || !origin_failed(r, location, context))
        return next_header_filter(r);
    struct front_answer answer;
    if (!(context || (context = front_context_take(r))) ||
        !front_stand_in(r, location, context, &answer) || !keep_body(r, context, &answer))
        return next_header_filter(r);
    forget_headers(r);
    if (front_set_headers(r, &answer.about, answer.body.length) != NGX_OK)
        return NGX_ERROR;
    r->err_status = 0;
    context->replacing = true;
    return next_header_filter(r);
}

static ngx_int_t body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    struct front_context *context = ngx_http_get_module_ctx(r, ngx_http_ecluse_module);
    if (context && context->place.state == PLACE_HELD)
        for (const ngx_chain_t *link = in; link; link = link->next)
            if (link->buf->last_buf)
                front_gate_end(context);
    if (!context || !context->replacing)
        return next_body_filter(r, in);
    bool any = in != NULL;
    for (; in; in = in->next) { /* read, so that the upstream's buffers go round */
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }
    if (context->replaced || !any)
        return next_body_filter(r, NULL);
    ngx_buf_t *buffer = ngx_calloc_buf(r->pool);
    if (!buffer)
        return NGX_ERROR;
    buffer->pos = buffer->start = (u_char *)(uintptr_t)context->body.data;
    buffer->last = buffer->end = buffer->pos + context->body.length;
    buffer->memory = context->body.length > 0;
    buffer->last_buf = 1;
    buffer->last_in_chain = 1;
    context->replaced = true;
    ngx_chain_t out = {buffer, NULL};
    return next_body_filter(r, &out);
}

void front_filters_install(void)
{
    next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = header_filter;
    next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = body_filter;
}
