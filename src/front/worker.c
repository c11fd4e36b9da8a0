#include "front/front.h"
#include "front/keys.h"
#include "front/takeup.h"

#include <stdlib.h>
#include <sys/stat.h>

struct front_worker front = {.slot = -1};

static ngx_event_t tick_event;
static ngx_connection_t tick_connection = {
    .fd = (ngx_socket_t)-1}; /* nginx's debug log wants one behind each event */

static void write_log(enum log_level level, const char *line)
{
    static const ngx_uint_t to_nginx[] = {NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_NOTICE};
    ngx_log_error(to_nginx[level], ngx_cycle->log, 0, "ecluse: %s", line);
}

static void warn_of_routes(const ngx_cycle_t *cycle)
{
    const struct front_main *conf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ecluse_module);
    struct front_location *const *location = conf->locations.elts;
    for (ngx_uint_t i = 0; i < conf->locations.nelts; i++)
        if (contract_route_named(front.contract, front_text(location[i]->route)) < 0)
            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "ecluse: the contract has no route \"%V\" (ecluse_route): no budget and "
                          "no promise is about "
                          "it",
                          &location[i]->route);
}

static void tick_now(void *argument)
{
    const ngx_cycle_t *cycle = argument;
    uint64_t running = front.running;
    nanos_t now = clock_boot();
    front.boot_base = now - (nanos_t)ngx_current_msec * NANOS_MILLISECOND;
    front.refused_lately = 0;
    front.blind_asks = 0;
    takeup_contract(now);
    if (!front.contract)
        return;
    takeup_segment(now);
    takeup_store();
    keys_look(front.contract, now);
    if (front.budgets)
        takeup_beat(now);
    front_gate_beat(now);
    if (front.running != running)
        warn_of_routes(cycle);
}

static void tick(ngx_event_t *event)
{
    if (ngx_exiting || ngx_terminate || ngx_quit || front.off) {
        /* What is still being answered goes on with what is open; the slot is given back at the
         * end. */
        if (front.off || ngx_terminate)
            return;
    }
    event->log = ngx_cycle->log;
    front_guarded(tick_now, (void *)(uintptr_t)ngx_cycle);
    if (!front.off && !ngx_exiting)
        ngx_add_timer(event, 1000);
}

ngx_int_t front_worker_init(ngx_cycle_t *cycle)
{
    const struct front_main *conf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ecluse_module);
    if (!conf || !conf->used ||
        (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
        return NGX_OK;
    /* Neither is of the cycle's pool: a single process (`master_process off`) may outlive its
     * cycle. */
    static char runtime[CONTRACT_PATH_SIZE];
    front.page = malloc(ANSWER_SIZE);
    if (!front.page)
        return NGX_ERROR;
    memcpy(runtime, conf->runtime.data, conf->runtime.len + 1);
    front.runtime = runtime;
    log_set_writer(write_log);
    front_trap_install();
    if (front_gate_init(cycle) != NGX_OK)
        return NGX_ERROR;
    front_guarded(tick_now, cycle);
    tick_event.handler = tick;
    tick_event.data = &tick_connection;
    tick_event.log = cycle->log;
    tick_event.cancelable = 1; /* a worker that is leaving does not wait for it */
    ngx_add_timer(&tick_event, 1000);
    return NGX_OK;
}

static void close_all(void *argument)
{
    (void)argument;
    front_gate_exit();
    takeup_close();
    keys_close();
}

void front_worker_exit(ngx_cycle_t *cycle)
{
    (void)cycle;
    if (front.runtime)
        front_guarded(close_all, NULL);
}
