/* Lanes: a listener of their own for those who show a certificate or a key, who are never
 * challenged and never wait behind the public (docs/lanes.md). Standing comes from what was
 * verified here, on a location that is a lane's: nothing that a request says of itself gives it
 * elsewhere. */
#include "front/front.h"

/* nginx has verified it against the server's own `ssl_client_certificate`. */
static bool shows_certificate(ngx_http_request_t *r)
{
#if (NGX_HTTP_SSL)
    static const char success[] = "SUCCESS";
    ngx_str_t said;
    return r->connection->ssl &&
           ngx_ssl_get_client_verify(r->connection, r->pool, &said) == NGX_OK &&
           said.len == sizeof success - 1 && memcmp(said.data, success, said.len) == 0;
#else
    return false;
#endif
}

void front_lane_raise(ngx_http_request_t *r, struct caller *caller)
{
    const struct front_location *location = front_location_of(r);
    struct text lane = front_text(location->lane);
    if (lane.length && (text_is(lane, caller->lane) || shows_certificate(r)))
        caller->standing = STANDING_LANE;
}

bool front_lane_shut(ngx_http_request_t *r, struct front_location *location)
{
    const struct caller *caller = front_caller(r);
    bool observed = location->enabled == FRONT_OBSERVE || front_mode() == MODE_OBSERVE;
    if (caller->standing == STANDING_LANE)
        return false;
    front_gate_count(GATE_RULE_LANE_CLOSED, caller->standing, observed);
    if (observed)
        return false;
    ngx_http_finalize_request(r, front_lane_closed(r, location));
    return true;
}
