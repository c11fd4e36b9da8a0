/* replay_world.h: one way in which the past could have gone: its rings, its accounts, its holds.
 * The room's own.
 *
 * The kernel's accounts are charged packet by packet, and the rings are told what went once an
 * epoch (a sixtieth of the shortest window), as the live guard tells them several times a second.
 * Where an account has no room the rings are asked at once, so that no packet is refused that fits
 * and none goes that does not. What was refused once in an epoch is refused until its end: only
 * then does a window give anything back.
 */
#ifndef ECLUSE_EGRESS_REPLAY_WORLD_H
#define ECLUSE_EGRESS_REPLAY_WORLD_H

#include "budget/budget.h"
#include "egress/config.h"
#include "egress/replay_kernel.h"
#include "egress/replay_places.h"

struct replay_world;

struct replay_act {      /* a packet, or a part of a flow, that leaves */
    uint32_t host, pair; /* indices of places */
    uint32_t list;
    uint32_t bytes;
    bool proven;
    nanos_t now, when; /* boot clock; when < now: it is told late */
    uint8_t to[16];
};

/* Called for each hold that begins. */
typedef void replay_held(void *context, const struct hold *hold, const struct replay_who *who,
                         const struct replay_act *act);

struct replay_world_options {
    const struct contract *contract;
    const struct egress_config *config;
    const struct replay_places *places;
    const char *folder; /* exists, and is empty */
    bool enforce;
    nanos_t begin;
    replay_held *held;
    void *context;
};

int replay_world_open(const struct replay_world_options *options, struct replay_world **out,
                      struct error *error);
void replay_world_close(struct replay_world *w); /* takes NULL */

nanos_t replay_world_epoch(const struct replay_world *w); /* its length */

/* What charging this host will look at: fetched while something else is done. */
void replay_world_fetch(const struct replay_world *w, uint32_t host);

/* Whether it goes. */
bool replay_world_charge(struct replay_world *w, const struct replay_act *act);

/* The end of an epoch: what went in it is counted as of `then`, and it is `now`. */
void replay_world_turn(struct replay_world *w, nanos_t then, nanos_t now);

void replay_world_place_made(struct replay_world *w, uint32_t index, bool newcomer);
void replay_world_place_known(struct replay_world *w, uint32_t index); /* from today on */
void replay_world_place_gone(struct replay_world *w, uint32_t index);

uint64_t replay_world_no_slot(const struct replay_world *w, nanos_t now);

#endif
