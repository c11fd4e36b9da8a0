/* answer_samples.h: parcels to try the answer on; for its tests, its benchmark and the check of the
 * pages. */
#ifndef ECLUSE_ANSWER_SAMPLES_H
#define ECLUSE_ANSWER_SAMPLES_H

#include "tracking/answer.h"

#include <stdlib.h>

enum { SAMPLE_NOW = 1795262400 /* 2026-11-21T12:00:00Z */, SAMPLE_HOUR = 3600 };

/* To be freed by the caller; NULL without memory. */
static inline struct contract *sample_contract(void)
{
    struct contract *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    strcpy(c->organisation, "Poste d’exemple");
    c->languages = 15;
    c->first_language = LANGUAGE_FR;
    c->tracking.present = true;
    c->tracking.format_count = 3;
    c->tracking.format[0].kind = FORMAT_S10;
    c->tracking.format[1].kind = FORMAT_COLISSIMO;
    c->tracking.format[2].kind = FORMAT_SSCC;
    c->tracking.stale_after = NANOS_DAY;
    return c;
}

struct sample_event {
    enum step step;
    const char *code, *place;
    char country[3];
};

/* A life in the usual order; a sample is its first events, then one that is not in it. */
static const struct sample_event sample_life[] = {
    {STEP_ANNOUNCED, "DR1", "", ""},
    {STEP_ACCEPTED, "EMA", "Leeds", "GB"},
    {STEP_SORTING, "EMB", "Langley", "GB"},
    {STEP_CUSTOMS, "DO1", "Roissy", "FR"},
    {STEP_SORTING, "ET1", "Bonneuil-sur-Marne", "FR"},
    {STEP_IN_TRANSIT, "ET4", "Bonneuil-sur-Marne", "FR"},
    {STEP_OUT_FOR_DELIVERY, "MD2", "Vitry-sur-Seine", "FR"},
    {STEP_DELIVERED, "DI1", "Vitry-sur-Seine", "FR"},
};

enum { SAMPLE_LIFE = sizeof sample_life / sizeof *sample_life };

static inline void sample_add(struct history *h, struct sample_event event, int64_t at,
                              int16_t offset)
{
    struct history_event *added = &h->event[h->count++];
    *added = (struct history_event){.at = at,
                                    .offset = offset,
                                    .step = (uint8_t)event.step,
                                    .code = text_of(event.code),
                                    .place = text_of(event.place)};
    memcpy(added->country, event.country, sizeof added->country);
    h->changed = at + 240;
}

/* Its first `count` events, nine hours apart, the last an hour before SAMPLE_NOW. */
static inline struct history sample_history(unsigned count)
{
    struct history h = {.parcel = {.length = 13, .text = "RB123456785GB"}, .checksum = 0x5eed};
    for (unsigned i = 0; i < count; i++)
        sample_add(&h, sample_life[i % SAMPLE_LIFE],
                   SAMPLE_NOW - SAMPLE_HOUR - (int64_t)(count - 1 - i) * 9 * SAMPLE_HOUR - 35 * 60,
                   i % SAMPLE_LIFE < 3 && i ? 0 : 60);
    h.product = TEXT("Colis international");
    h.delivery_day = SAMPLE_NOW / 86400 + 2;
    return h;
}

#endif
