#include "front/gate_worker.h"
#include "front/front.h"
#include "front/shed.h"

#include <stdlib.h>

#define RELAXED         memory_order_relaxed
/* Of a slow reader: the origin has been read as far as nginx's buffers go, and may wait for more.
 */
#define HELD_AFTER_HEAD NANOS_SECOND
#define HELD_WITHOUT    NANOS_SECOND

struct gate_worker gate = {.slot = -1};

static ngx_event_t tick_event;
static ngx_connection_t tick_connection = {.fd = (ngx_socket_t)-1};
static nanos_t tick_due, worst_lag;

struct ledger *front_ledger(void)
{
    return gate.ledger;
}

unsigned front_ledger_slot(void)
{
    return gate.slot < 0 ? (unsigned)ngx_pid : (unsigned)gate.slot;
}

uint64_t front_gate_challenged(void)
{
    return gate.challenged;
}

struct network_call {
    uint8_t address[16];
    struct principal network;
    uint64_t hash;
};

static void network_now(void *argument)
{
    struct network_call *call = argument;
    call->network = principal_network(front.contract, call->address);
    call->hash = siphash(gate.key, call->network.id, sizeof call->network.id);
}

uint64_t gate_network(ngx_http_request_t *r)
{
    struct network_call call;
    front_client_address(r, call.address);
    return front_guarded(network_now, &call) && call.hash ? call.hash : 1;
}

/* ---- Woken ----------------------------------------------------------------------------------- */

/* Its connection's handlers run in this turn of the loop: place_ready() finds its new state. */
static void wake(struct front_place *place, enum place_state state)
{
    ngx_event_t *write = place->request->connection->write;
    place->state = state;
    ngx_post_event(write, &ngx_posted_events);
}

static void tick_is_needed(void)
{
    bool waits = false;
    for (unsigned i = 0; i < gate.origins; i++)
        waits = waits || gate.origin[i]->queue.count > 0;
    tick_event.cancelable = !waits; /* a worker that is leaving does not leave who waits */
    if (waits && !tick_event.timer_set) {
        tick_due = clock_boot() + PRESSURE_TICK;
        ngx_add_timer(&tick_event, PRESSURE_TICK / NANOS_MILLISECOND);
    }
}

/* ---- One place ------------------------------------------------------------------------------- */

struct place_call {
    struct gate_origin *origin;
    struct front_place *place;
    enum pressure_outcome outcome;
    nanos_t delay, now;
    void *who;
    bool done;
};

static void count_given(struct gate_origin *origin, const struct front_place *place)
{
    origin->given[place->route]++;
    ledger_admit(gate.ledger, front_ledger_slot(), place->standing);
}

static void take_now(void *argument)
{
    struct place_call *call = argument;
    const struct front_place *place = call->place;
    pressure_take(&call->origin->pressure, place->route);
    queue_served(&call->origin->queue, place->network, place->pass, call->now);
    count_given(call->origin, place);
}

void gate_take(struct front_place *place)
{
    struct place_call call = {
        .origin = gate.origin[place->origin], .place = place, .now = front_loop_time()};
    if (!front_guarded(take_now, &call))
        return;
    place->state = PLACE_HELD;
    place->taken = call.now;
    ngx_queue_insert_tail(&call.origin->held, &place->link);
}

static void next_now(void *argument)
{
    struct place_call *call = argument;
    struct gate_origin *origin = call->origin;
    call->who = NULL;
    if (!pressure_has_room(&origin->pressure))
        return;
    call->who = queue_next(&origin->queue, origin->pressure.by_route, call->now);
    if (!call->who)
        return;
    const struct front_place *place = call->who;
    pressure_take(&origin->pressure, place->route);
    count_given(origin, place);
}

static void wake_next(struct gate_origin *origin)
{
    struct place_call call = {.origin = origin, .now = front_loop_time()};
    if (origin->queue.count == 0)
        return;
    while (front_guarded(next_now, &call) && call.who) {
        struct front_place *place = call.who;
        place->taken = call.now;
        ngx_queue_insert_tail(&origin->held, &place->link);
        wake(place, PLACE_HELD);
    }
    tick_is_needed();
}

static void give_now(void *argument)
{
    const struct place_call *call = argument;
    pressure_give(&call->origin->pressure, call->place->route);
}

void gate_give(struct front_place *place)
{
    struct place_call call = {.origin = gate.origin[place->origin], .place = place};
    ngx_queue_remove(&place->link);
    if (front_guarded(give_now, &call))
        wake_next(call.origin);
}

static void leave_now(void *argument)
{
    const struct place_call *call = argument;
    queue_leave(&call->origin->queue, call->place);
}

void gate_leave(struct front_place *place)
{
    struct place_call call = {.origin = gate.origin[place->origin], .place = place};
    front_guarded(leave_now, &call);
    tick_is_needed();
}

static void enter_now(void *argument)
{
    struct place_call *call = argument;
    struct front_place *place = call->place;
    const struct waiter waiter = {.who = place,
                                  .route = place->route,
                                  .standing = place->standing,
                                  .network = place->network,
                                  .pass = place->pass,
                                  .came = call->now};
    call->done = queue_enter(&call->origin->queue, &waiter, &call->who);
}

bool gate_enter(struct front_place *place)
{
    struct place_call call = {
        .origin = gate.origin[place->origin], .place = place, .now = front_loop_time()};
    if (!front_guarded(enter_now, &call) || !call.done)
        return false;
    place->state = PLACE_WAITING;
    if (call.who) {
        struct front_place *pushed = call.who;
        pushed->pushed = true;
        wake(pushed, PLACE_VAIN);
    }
    tick_is_needed();
    return true;
}

static void saw_now(void *argument)
{
    const struct place_call *call = argument;
    pressure_saw(&call->origin->pressure, call->place->route, call->outcome, call->delay);
}

void gate_saw(struct front_place *place, enum pressure_outcome outcome, nanos_t delay)
{
    struct place_call call = {
        .origin = gate.origin[place->origin], .place = place, .outcome = outcome, .delay = delay};
    front_guarded(saw_now, &call);
}

/* ---- Each tick ------------------------------------------------------------------------------- */

struct tick_call {
    struct gate_origin *origin;
    unsigned index;
    nanos_t lag, now;
};

static void say(unsigned route, const char *what)
{
    char name[CONTRACT_NAME_SIZE];
    ledger_name_text(&gate.ledger->route_name[route], name);
    log_line(LOG_LEVEL_WARNING, "route \"%s\" %s", name[0] ? name : "(none)", what);
}

static unsigned busy_routes(const struct gate_origin *origin)
{
    unsigned count = 0;
    for (unsigned i = 0; i < GATE_ROUTES; i++)
        count += origin->pressure.by_route[i] || origin->queue.route[i].waiting;
    return count;
}

/* A route that has not half of its share of what is in flight, and waits all the same, waits for
 * an origin that is slow for others: to challenge it would help nobody. */
static bool has_its_share(const struct gate_origin *origin, unsigned route)
{
    const struct pressure *p = &origin->pressure;
    return 2 * p->by_route[route] * busy_routes(origin) >= p->in_flight;
}

/* In observe nobody waits: a request that found no room stands for one who would. */
static void look_at_route(const struct tick_call *call, unsigned route)
{
    struct gate_origin *origin = call->origin;
    struct demand *demand = &gate.ledger->route[route];
    demand_add(demand, origin->asked[route], origin->given[route], call->now);
    origin->asked[route] = origin->given[route] = 0;
    nanos_t longest = queue_longest(&origin->queue, route, call->now);
    nanos_t is_long = demand_long_wait(origin->pressure.baseline[route]);
    bool is_short =
        (longest - call->lag > is_long || origin->short_of[route]) && has_its_share(origin, route);
    origin->short_of[route] = false;
    if (!is_short)
        origin->short_since[route] = 0;
    else if (origin->short_since[route] == 0)
        origin->short_since[route] = call->now;
    else if (call->now - origin->short_since[route] >= DEMAND_ONSET &&
             demand_begin(demand, longest, call->now))
        say(route, "is asked for more than its origin takes: strangers are asked for proof");
    if (demand_look(demand, call->now))
        say(route, "is calm again: nobody is asked for proof");
}

static nanos_t middle_baseline(const struct pressure *p)
{
    nanos_t least = 0;
    for (unsigned i = 0; i < GATE_ROUTES; i++)
        if (p->baseline[i] && (least == 0 || p->baseline[i] < least))
            least = p->baseline[i];
    return least;
}

static void publish(const struct tick_call *call)
{
    if (gate.slot < 0)
        return;
    struct ledger_worker *worker = &gate.ledger->worker[gate.slot];
    struct ledger_pressure *view = &worker->origin[call->index];
    const struct gate_origin *origin = call->origin;
    atomic_store_explicit(&view->limit, (uint64_t)origin->pressure.limit, RELAXED);
    atomic_store_explicit(&view->in_flight, origin->pressure.in_flight, RELAXED);
    atomic_store_explicit(&view->waiting, origin->queue.count, RELAXED);
    atomic_store_explicit(&view->baseline, (uint64_t)middle_baseline(&origin->pressure), RELAXED);
}

static void share_usual(struct gate_origin *origin, unsigned route)
{
    struct pressure *p = &origin->pressure;
    if (!origin->usual)
        return;
    demand_word *usual = &origin->usual[route];
    nanos_t told = pressure_tells(p, route);
    if (told)
        atomic_store_explicit(usual, (uint64_t)told, RELAXED);
    else
        pressure_told(p, route, (nanos_t)atomic_load_explicit(usual, RELAXED));
}

static void tick_now(void *argument)
{
    const struct tick_call *call = argument;
    for (unsigned route = 0; route < GATE_ROUTES; route++) {
        look_at_route(call, route);
        share_usual(call->origin, route);
    }
    pressure_tick(&call->origin->pressure, call->lag, call->now);
    publish(call);
}

static void overdue_now(void *argument)
{
    struct place_call *call = argument;
    call->who = queue_overdue(&call->origin->queue, call->now - GATE_LONGEST_WAIT);
}

struct below_call {
    struct gate_origin *origin;
    unsigned route;
    void *who;
};

static void below_now(void *argument)
{
    struct below_call *call = argument;
    call->who = NULL;
    if (demand_challenges(&gate.ledger->route[call->route]))
        call->who = queue_below(&call->origin->queue, call->route, STANDING_FRESH);
}

/* Strangers who already wait where a challenge has begun are judged anew: their number is a second
 * and a half of the origin's time, which those with a proof would wait behind. */
static void judge_anew(struct gate_origin *origin)
{
    struct below_call call = {.origin = origin};
    for (call.route = 0; call.route < GATE_ROUTES && origin->queue.count; call.route++)
        while (front_guarded(below_now, &call) && call.who)
            wake(call.who, PLACE_READING);
}

static void tell_overdue(struct gate_origin *origin, nanos_t now)
{
    struct place_call call = {.origin = origin, .now = now};
    while (front_guarded(overdue_now, &call) && call.who)
        wake(call.who, PLACE_VAIN);
}

static bool has_held_enough(struct front_place *place, nanos_t now)
{
    if (place->seen)
        return now - place->head >= HELD_AFTER_HEAD;
    if (now - place->taken < HELD_WITHOUT || !place->request->upstream)
        return false;
    gate_saw(place, PRESSURE_MUTE, 0);
    return true;
}

/* The ends that no filter has told of: an upgraded connection, a slow reader, a long poll. */
static void give_back_old(struct gate_origin *origin, nanos_t now)
{
    ngx_queue_t *next;
    for (ngx_queue_t *q = ngx_queue_head(&origin->held); q != ngx_queue_sentinel(&origin->held);
         q = next) {
        struct front_place *place = ngx_queue_data(q, struct front_place, link);
        next = ngx_queue_next(q);
        if (!has_held_enough(place, now))
            continue;
        place->state = PLACE_BACK;
        gate_give(place);
        next = ngx_queue_head(&origin->held); /* giving may have added some */
    }
}

/* Switched off: who waits goes on as if there were no gate. */
static void let_all_go(void)
{
    for (unsigned i = 0; i < gate.origins; i++) {
        struct queue *queue = &gate.origin[i]->queue;
        for (uint32_t k = 0; k < queue->count && k < GATE_WAITING; k++)
            wake(queue->waiting[k].who, PLACE_BACK);
        queue->count = 0;
    }
}

static void learn_challenged(void)
{
    gate.challenged = 0;
    for (unsigned route = 0; route < CONTRACT_MAX_ROUTES; route++)
        if (gate.route[route + 1] && demand_challenges(&gate.ledger->route[gate.route[route + 1]]))
            gate.challenged |= UINT64_C(1) << route;
}

static void tick_origins(nanos_t lag, nanos_t now)
{
    for (unsigned i = 0; i < gate.origins && !front.off; i++) {
        struct tick_call call = {gate.origin[i], i, lag, now};
        give_back_old(call.origin, now);
        front_guarded(tick_now, &call);
        judge_anew(call.origin);
        tell_overdue(call.origin, now);
        wake_next(call.origin);
    }
    learn_challenged();
}

static void publish_shedding(unsigned pressure)
{
    if (gate.slot < 0)
        return;
    struct ledger_worker *worker = &gate.ledger->worker[gate.slot];
    atomic_store_explicit(&worker->shedding, pressure, RELAXED);
    atomic_store_explicit(&worker->backlog, shed_backlog(), RELAXED);
}

static void tick(ngx_event_t *event)
{
    nanos_t now = clock_boot(), lag = now > tick_due ? now - tick_due : 0;
    event->log = ngx_cycle->log;
    if (lag > worst_lag)
        worst_lag = lag;
    if (front.off)
        let_all_go();
    else if (gate.ledger && front.contract)
        tick_origins(lag, now);
    if (gate.ledger && front.contract)
        publish_shedding(shed_tick(lag, now));
    tick_is_needed();
    if (!front.off && (!ngx_exiting || !event->cancelable) && !event->timer_set) {
        tick_due = now + PRESSURE_TICK;
        ngx_add_timer(event, PRESSURE_TICK / NANOS_MILLISECOND);
    }
}

/* ---- Each second ----------------------------------------------------------------------------- */

static void learn_routes(void)
{
    memset(gate.route, 0, sizeof gate.route);
    for (uint32_t i = 0; i < front.contract->route_count; i++)
        gate.route[i + 1] =
            (uint8_t)ledger_route(gate.ledger, text_of(front.contract->route[i].name));
    gate.generation = front.running;
}

static void learn_origins(void)
{
    const struct front_main *conf =
        ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_ecluse_module);
    gate.origin[0]->usual = gate.ledger->usual[0];
    for (unsigned i = 1; i < gate.origins; i++) {
        unsigned named = ledger_origin(gate.ledger, front_text(conf->origins[i]));
        gate.origin[i]->usual = named ? gate.ledger->usual[named] : NULL;
    }
}

static void part(void)
{
    if (gate.ledger)
        ledger_part(gate.ledger, gate.slot);
    ledger_close(gate.ledger);
    gate.ledger = NULL;
    gate.slot = -1;
}

static void take_ledger(nanos_t now)
{
    static nanos_t said;
    struct error error = {""};
    struct ledger *ledger;
    uint64_t inode = ledger_inode(front.contract->runtime);
    if (gate.ledger && (inode == gate.inode || inode == 0))
        return; /* a file that has lost its name still counts */
    if (ledger_open(front.contract->runtime, false, &ledger, &error) != 0) {
        if (!gate.ledger && (said == 0 || now - said >= NANOS_MINUTE)) {
            log_line(LOG_LEVEL_ERROR, "there is no gate before the origin: %s", error.text);
            said = now;
        }
        return;
    }
    part();
    gate.ledger = ledger;
    gate.inode = inode;
    gate.slot = ledger_join(ledger, (int)ngx_pid, now);
    gate.generation = 0;
    learn_origins();
}

void front_gate_beat(nanos_t now)
{
    if (!gate.origins)
        return;
    take_ledger(now);
    if (!gate.ledger)
        return;
    if (gate.generation != front.running)
        learn_routes();
    if (gate.slot < 0)
        gate.slot = ledger_join(gate.ledger, (int)ngx_pid, now);
    if (gate.slot < 0)
        return;
    struct ledger_worker *worker = &gate.ledger->worker[gate.slot];
    atomic_store_explicit(&worker->beat, (uint64_t)now, RELAXED);
    atomic_store_explicit(&worker->lag, (uint64_t)worst_lag, RELAXED);
    atomic_store_explicit(&worker->connections,
                          ngx_cycle->connection_n - ngx_cycle->free_connection_n, RELAXED);
    atomic_store_explicit(&worker->connections_most, ngx_cycle->connection_n, RELAXED);
    worst_lag = 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

ngx_int_t front_gate_init(ngx_cycle_t *cycle)
{
    const struct front_main *conf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ecluse_module);
    nanos_t now = clock_boot();
    for (unsigned i = 0; i < conf->origin_count; i++) {
        struct gate_origin *origin = calloc(1, sizeof *origin);
        if (!origin)
            return NGX_ERROR;
        pressure_init(&origin->pressure, now);
        queue_init(&origin->queue, now);
        ngx_queue_init(&origin->held);
        gate.origin[i] = origin;
    }
    gate.origins = (unsigned)conf->origin_count;
    gate.key = hash_key_random();
    tick_event.handler = tick;
    tick_event.data = &tick_connection;
    tick_event.log = cycle->log;
    tick_event.cancelable = 1;
    tick_due = now + PRESSURE_TICK;
    ngx_add_timer(&tick_event, PRESSURE_TICK / NANOS_MILLISECOND);
    return NGX_OK;
}

void front_gate_exit(void)
{
    part();
}
