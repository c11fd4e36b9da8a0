/* forwarded.h: whose request it is, behind trusted proxies.
 *
 * X-Forwarded-For is written from left to right by each proxy in turn, so only its right end can be
 * believed: it is walked from the right as long as whoever vouches for the next address is trusted.
 * What is left of that is the client's own invention.
 */
#ifndef ECLUSE_FORWARDED_H
#define ECLUSE_FORWARDED_H

#include "contract/contract.h"

/* IPv4 (as ::ffff:a.b.c.d) or IPv6, with or without a port or brackets; false and *out untouched
 * for anything else. */
bool address_parse(struct text text, uint8_t out[16]);

/* `peer` is whose connection it is. Headers are in the order they came. A hop that is no address
 * ends the walk: the last address that was vouched for is the client. */
void forwarded_client(const struct prefix_list *trusted, const uint8_t peer[16],
                      const struct text *headers, size_t count, uint8_t client[16]);

#endif
