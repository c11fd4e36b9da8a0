#include "front/front.h"
#include "gate/client_key.h"

#include <limits.h>

static ngx_int_t preconfiguration(ngx_conf_t *cf);
static ngx_int_t postconfiguration(ngx_conf_t *cf);
static void *main_create(ngx_conf_t *cf);
static char *main_init(ngx_conf_t *cf, void *conf);
static void *location_create(ngx_conf_t *cf);
static char *location_merge(ngx_conf_t *cf, void *parent, void *child);
static char *set_switch(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_runtime(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_route(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_lookup(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_answer(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_page(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_origin(ngx_conf_t *cf, ngx_command_t *command, void *conf);
static char *set_lane(ngx_conf_t *cf, ngx_command_t *command, void *conf);

#define EVERYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)

static ngx_command_t commands[] = {
    {ngx_string("ecluse"), EVERYWHERE | NGX_CONF_TAKE1, set_switch, NGX_HTTP_LOC_CONF_OFFSET, 0,
     NULL},
    {ngx_string("ecluse_runtime"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_runtime,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("ecluse_route"), EVERYWHERE | NGX_CONF_TAKE1, set_route, NGX_HTTP_LOC_CONF_OFFSET,
     0, NULL},
    {ngx_string("ecluse_lookup"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1234, set_lookup,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("ecluse_answer"), EVERYWHERE | NGX_CONF_TAKE1, set_answer, NGX_HTTP_LOC_CONF_OFFSET,
     0, NULL},
    {ngx_string("ecluse_page"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, set_page,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("ecluse_lane"), NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, set_lane,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("ecluse_origin"), EVERYWHERE | NGX_CONF_TAKE1, set_origin,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    ngx_null_command};

static ngx_http_module_t context = {
    .preconfiguration = preconfiguration,
    .postconfiguration = postconfiguration,
    .create_main_conf = main_create,
    .init_main_conf = main_init,
    .create_loc_conf = location_create,
    .merge_loc_conf = location_merge,
};

ngx_module_t ngx_http_ecluse_module = {
    NGX_MODULE_V1,     &context, commands, NGX_HTTP_MODULE,   NULL, NULL,
    front_worker_init, NULL,     NULL,     front_worker_exit, NULL, NGX_MODULE_V1_PADDING};

/* What nginx's own build would generate for a dynamic filter module: loaded before the copy filter,
 * so that our filters see a response before gzip, charset and add_header do; but what writes
 * cookies (credential_answer.c) sees it after add_header. */
extern ngx_module_t *ngx_modules[];
extern char *ngx_module_names[];
extern char *ngx_module_order[];
ngx_module_t *ngx_modules[] = {&ngx_http_ecluse_module, &ngx_http_ecluse_cookie_module, NULL};
char *ngx_module_names[] = {(char *)"ngx_http_ecluse_module",
                            (char *)"ngx_http_ecluse_cookie_module", NULL};
char *ngx_module_order[] = {
    (char *)"ngx_http_ecluse_cookie_module", (char *)"ngx_http_headers_filter_module",
    (char *)"ngx_http_ecluse_module", (char *)"ngx_http_copy_filter_module", NULL};

static ngx_str_t *argument(ngx_conf_t *cf, ngx_uint_t number)
{
    return (ngx_str_t *)cf->args->elts + number;
}

static bool is(const ngx_str_t *value, const char *word)
{
    return value->len == strlen(word) && ngx_strncmp(value->data, word, value->len) == 0;
}

static char *complain(ngx_conf_t *cf, const char *what, const ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s, not \"%V\"", argument(cf, 0), what, value);
    return NGX_CONF_ERROR;
}

/* ---- Directives ------------------------------------------------------------------------------ */

static char *set_switch(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    ngx_str_t *value = argument(cf, 1);
    if (location->enabled != NGX_CONF_UNSET_UINT)
        return "is duplicate";
    if (is(value, "on"))
        location->enabled = FRONT_ON;
    else if (is(value, "observe"))
        location->enabled = FRONT_OBSERVE;
    else if (is(value, "off"))
        location->enabled = FRONT_OFF;
    else
        return complain(cf, "takes \"on\", \"observe\" or \"off\"", value);
    if (location->enabled != FRONT_OFF) {
        struct front_main *conf_main =
            ngx_http_conf_get_module_main_conf(cf, ngx_http_ecluse_module);
        conf_main->used = 1;
    }
    return NGX_CONF_OK;
}

static char *set_runtime(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_main *conf_main = conf;
    ngx_str_t *value = argument(cf, 1);
    if (conf_main->runtime.data)
        return "is duplicate";
    if (value->len == 0 || value->data[0] != '/')
        return complain(cf, "takes an absolute path (the contract's \"runtime\")", value);
    if (value->len >= CONTRACT_PATH_SIZE)
        return "takes a path of at most 255 bytes";
    conf_main->runtime = *value; /* ends with a zero byte, as all of nginx's arguments do */
    return NGX_CONF_OK;
}

static char *set_route(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    ngx_str_t *value = argument(cf, 1);
    if (location->route.data)
        return "is duplicate";
    if (value->len == 0 || value->len >= CONTRACT_NAME_SIZE)
        return complain(cf, "takes the name of a route in the contract, of 1 to 63 bytes", value);
    location->route = *value;
    struct front_main *conf_main = ngx_http_conf_get_module_main_conf(cf, ngx_http_ecluse_module);
    struct front_location **slot = ngx_array_push(&conf_main->locations);
    if (!slot)
        return NGX_CONF_ERROR;
    *slot = location;
    return NGX_CONF_OK;
}

static char *compile_typed(ngx_conf_t *cf, struct front_location *location)
{
    ngx_str_t *value = argument(cf, 1);
    ngx_http_compile_complex_value_t compile = {.cf = cf, .value = value};
    if (ngx_http_script_variables_count(value) == 0)
        return complain(cf, "takes a variable that holds the parcel number first (\"$id\")", value);
    location->typed = ngx_palloc(cf->pool, sizeof *location->typed);
    if (!location->typed)
        return NGX_CONF_ERROR;
    compile.complex_value = location->typed;
    ngx_str_t bare = {value->len - 1,
                      value->data + 1}; /* the compiler below may move what value points to */
    if (ngx_http_compile_complex_value(&compile) != NGX_OK)
        return NGX_CONF_ERROR;
    for (size_t i = 0; i < bare.len; i++)
        if (!isalnum(bare.data[i]) && bare.data[i] != '_')
            return NGX_CONF_OK;
    location->rest = is(&bare, "ecluse_rest");
    if (bare.len && !isdigit(bare.data[0]))
        location->typed_variable = ngx_http_get_variable_index(cf, &bare);
    return location->typed_variable == NGX_ERROR && bare.len && !isdigit(bare.data[0])
               ? NGX_CONF_ERROR
               : NGX_CONF_OK;
}

static char *set_lookup(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    if (location->typed)
        return "is duplicate";
    for (ngx_uint_t i = 2; i < cf->args->nelts; i++) {
        ngx_str_t *value = argument(cf, i);
        static const char prefix[] = "redirect=";
        if (is(value, "html")) {
            location->form = FRONT_FORM_HTML;
        } else if (is(value, "json")) {
            location->form = FRONT_FORM_JSON;
        } else if (is(value, "early")) {
            location->early = true;
        } else if (value->len > sizeof prefix - 1 &&
                   ngx_strncmp(value->data, prefix, sizeof prefix - 1) == 0) {
            location->redirect =
                (ngx_str_t){value->len - (sizeof prefix - 1), value->data + sizeof prefix - 1};
            if (location->redirect.data[0] != '/')
                return complain(cf, "takes \"redirect=\" with a path that begins with \"/\"",
                                value);
        } else {
            return complain(
                cf, "takes \"html\", \"json\", \"early\" or \"redirect=/path/\" after the variable",
                value);
        }
    }
    return compile_typed(cf, location);
}

static char *set_answer(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    ngx_str_t *value = argument(cf, 1);
    if (location->order != NGX_CONF_UNSET_UINT)
        return "is duplicate";
    if (is(value, "first"))
        location->order = FRONT_FIRST;
    else if (is(value, "fallback"))
        location->order = FRONT_FALLBACK;
    else
        return complain(cf,
                        "takes \"first\" (the store, then the origin) or \"fallback\" (the origin, "
                        "then the store)",
                        value);
    return NGX_CONF_OK;
}

static char *set_page(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    ngx_str_t *value = argument(cf, 1);
    if (location->page != NGX_CONF_UNSET_UINT)
        return "is duplicate";
    if (is(value, "home"))
        location->page = ANSWER_HOME;
    else if (is(value, "notice"))
        location->page = ANSWER_NOTICE;
    else
        return complain(cf, "takes \"home\" (the search form) or \"notice\" (the service is away)",
                        value);
    return NGX_CONF_OK;
}

static char *set_origin(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    struct front_main *conf_main = ngx_http_conf_get_module_main_conf(cf, ngx_http_ecluse_module);
    ngx_str_t *value = argument(cf, 1);
    if (location->behind != NGX_CONF_UNSET_UINT)
        return "is duplicate";
    if (value->len == 0 || value->len >= CONTRACT_NAME_SIZE)
        return complain(cf, "takes the name of an origin, of 1 to 63 bytes", value);
    for (ngx_uint_t i = 1; i < conf_main->origin_count; i++)
        if (conf_main->origins[i].len == value->len &&
            ngx_strncmp(conf_main->origins[i].data, value->data, value->len) == 0) {
            location->behind = i;
            return NGX_CONF_OK;
        }
    if (conf_main->origin_count == LEDGER_ORIGINS)
        return complain(cf, "knows at most 7 names of origins", value);
    location->behind = conf_main->origin_count;
    conf_main->origins[conf_main->origin_count++] = *value;
    return NGX_CONF_OK;
}

static char *set_lane(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct front_location *location = conf;
    ngx_str_t *value = argument(cf, 1);
    if (location->lane.data)
        return "is duplicate";
    if (!lane_name_is_allowed(front_text(*value)))
        return complain(cf,
                        "takes the name of a lane, of 1 to 31 letters a to z, digits, dots, "
                        "dashes and underscores",
                        value);
    location->lane = *value;
    return NGX_CONF_OK;
}

/* ---- Life of the configuration --------------------------------------------------------------- */

static void *main_create(ngx_conf_t *cf)
{
    struct front_main *conf = ngx_pcalloc(cf->pool, sizeof *conf);
    if (!conf ||
        ngx_array_init(&conf->locations, cf->pool, 8, sizeof(struct front_location *)) != NGX_OK)
        return NULL;
    conf->origin_count = 1; /* the one without a name */
    return conf;
}

static char *main_init(ngx_conf_t *cf, void *conf)
{
    struct front_main *conf_main = conf;
    if (!conf_main->runtime.data)
        conf_main->runtime = (ngx_str_t)ngx_string("/run/ecluse");
    return NGX_CONF_OK;
}

static void *location_create(ngx_conf_t *cf)
{
    struct front_location *location = ngx_pcalloc(cf->pool, sizeof *location);
    if (!location)
        return NULL;
    location->enabled = NGX_CONF_UNSET_UINT;
    location->order = NGX_CONF_UNSET_UINT;
    location->page = NGX_CONF_UNSET_UINT;
    location->behind = NGX_CONF_UNSET_UINT;
    location->typed_variable = NGX_ERROR;
    location->route_index = -1;
    return location;
}

/* A server's "error_page 502 /50x.html" would take a failure away from us before we see it. */
static char *keep_failures(ngx_conf_t *cf, ngx_http_core_loc_conf_t *core)
{
    if (!core->error_pages)
        return NGX_CONF_OK;
    ngx_array_t *kept =
        ngx_array_create(cf->pool, core->error_pages->nelts, sizeof(ngx_http_err_page_t));
    if (!kept)
        return NGX_CONF_ERROR;
    ngx_http_err_page_t *page = core->error_pages->elts;
    for (ngx_uint_t i = 0; i < core->error_pages->nelts; i++) {
        if (page[i].status >= 500 && page[i].status <= 504)
            continue;
        ngx_http_err_page_t *copy = ngx_array_push(kept);
        if (!copy)
            return NGX_CONF_ERROR;
        *copy = page[i];
    }
    core->error_pages = kept->nelts ? kept : NULL;
    return NGX_CONF_OK;
}

static char *check_lookup(ngx_conf_t *cf, const struct front_location *location,
                          const ngx_str_t *name)
{
    if (location->enabled == NGX_CONF_UNSET_UINT) {
        ngx_log_error(
            NGX_LOG_EMERG, cf->log, 0,
            "\"%s\" in location \"%V\" needs \"ecluse on\" or \"ecluse observe\" there or above it",
            location->typed ? "ecluse_lookup" : "ecluse_page", name);
        return NGX_CONF_ERROR;
    }
    if (location->typed && location->page != NGX_CONF_UNSET_UINT) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has both \"ecluse_lookup\" and \"ecluse_page\": choose one",
                      name);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

/* The handler is taken over here and not where the directive stands, so that it does not matter
 * whether proxy_pass comes before or after it. */
static char *take_over(ngx_conf_t *cf, struct front_location *location,
                       ngx_http_core_loc_conf_t *core)
{
    if (location->typed && location->order == FRONT_FALLBACK && !core->handler &&
        location->enabled != FRONT_OFF) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"ecluse_answer fallback\" in location \"%V\" needs an origin "
                      "(\"proxy_pass\" or its like)",
                      &core->name);
        return NGX_CONF_ERROR;
    }
#if (NGX_PCRE)
    if (location->rest && core->regex) {
        ngx_log_error(
            NGX_LOG_EMERG, cf->log, 0,
            "\"$ecluse_rest\" in location \"%V\" is what follows a location's path: a regular "
            "expression has captures of its own",
            &core->name);
        return NGX_CONF_ERROR;
    }
#endif
    location->origin = core->handler;
    if (location->enabled != FRONT_OFF)
        core->handler = location->typed ? front_lookup : front_page;
    return NGX_CONF_OK;
}

static char *location_merge(ngx_conf_t *cf, void *parent, void *child)
{
    const struct front_location *above = parent;
    struct front_location *location = child;
    ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    if (core->noname && !location->typed) { /* an `if` block is its location in another guise */
        location->typed = above->typed;
        location->typed_variable = above->typed_variable;
        location->rest = above->rest;
        location->form = above->form;
        location->early = above->early;
        location->redirect = above->redirect;
        if (location->page == NGX_CONF_UNSET_UINT)
            location->page = above->page;
        if (core->handler == front_lookup || core->handler == front_page)
            core->handler = above->origin;
    }
    if (location->enabled == NGX_CONF_UNSET_UINT)
        location->enabled = above->enabled;
    ngx_conf_merge_uint_value(location->order, above->order, NGX_CONF_UNSET_UINT);
    ngx_conf_merge_uint_value(location->behind, above->behind, 0);
    if (!location->route.data)
        location->route = above->route;
    if (!location->lane.data)
        location->lane = above->lane;
    bool answers = location->typed || location->page != NGX_CONF_UNSET_UINT;
    if (answers && check_lookup(cf, location, &core->name) != NGX_CONF_OK)
        return NGX_CONF_ERROR;
    if (location->enabled == NGX_CONF_UNSET_UINT || location->enabled == FRONT_OFF)
        return NGX_CONF_OK;
    if ((location->typed || location->order == FRONT_FALLBACK) &&
        keep_failures(cf, core) != NGX_CONF_OK)
        return NGX_CONF_ERROR;
    return answers ? take_over(cf, location, core) : NGX_CONF_OK;
}

/* $ecluse_last: what stands after the last slash of the URI. Spares a regular expression in the
 * location that a flood meets. */
static ngx_int_t last_segment(ngx_http_request_t *r, ngx_http_variable_value_t *value,
                              uintptr_t data)
{
    const u_char *slash = memrchr(r->uri.data, '/', r->uri.len);
    size_t start = slash ? (size_t)(slash - r->uri.data) + 1 : 0;
    value->data = r->uri.data + start;
    value->len = (unsigned)(r->uri.len - start) & 0xfffffff; /* the field has 28 bits */
    value->valid = 1;
    value->no_cacheable = 0;
    value->not_found = 0;
    return NGX_OK;
}

/* $ecluse_rest: what stands after the location's own path, further slashes included. */
static ngx_int_t rest_of_path(ngx_http_request_t *r, ngx_http_variable_value_t *value,
                              uintptr_t data)
{
    const ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    bool within =
        r->uri.len >= core->name.len && memcmp(r->uri.data, core->name.data, core->name.len) == 0;
#if (NGX_PCRE)
    within = within && core->regex == NULL;
#endif
    value->valid = within;
    value->not_found = !within;
    value->no_cacheable = 0;
    value->data = within ? r->uri.data + core->name.len : NULL;
    value->len = within ? (unsigned)(r->uri.len - core->name.len) & 0xfffffff : 0;
    return NGX_OK;
}

static ngx_int_t preconfiguration(ngx_conf_t *cf)
{
    static const struct {
        ngx_str_t name;
        ngx_http_get_variable_pt value;
    } variables[] = {{ngx_string("ecluse_last"), last_segment},
                     {ngx_string("ecluse_rest"), rest_of_path}};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        ngx_str_t name = variables[i].name;
        ngx_http_variable_t *variable = ngx_http_add_variable(cf, &name, 0);
        if (!variable)
            return NGX_ERROR;
        variable->get_handler = variables[i].value;
    }
    return NGX_OK;
}

static ngx_int_t add_handler(ngx_conf_t *cf, ngx_uint_t phase, ngx_http_handler_pt handler)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt *slot = ngx_array_push(&core->phases[phase].handlers);
    if (!slot)
        return NGX_ERROR;
    *slot = handler;
    return NGX_OK;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
    const struct front_main *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ecluse_module);
    if (!conf->used)
        return NGX_OK; /* loaded and not used: not one instruction a request */
    front_filters_install();
    if (add_handler(cf, NGX_HTTP_PREACCESS_PHASE, front_admit) != NGX_OK)
        return NGX_ERROR;
    return add_handler(cf, NGX_HTTP_LOG_PHASE, front_measure);
}
