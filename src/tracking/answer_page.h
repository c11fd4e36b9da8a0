/* answer_page.h: what the files of the answer share. Other rooms' pages begin with its open, head
 * and style, so that all look alike (gate/challenge.c); the rest is not for them. */
#ifndef ECLUSE_ANSWER_PAGE_H
#define ECLUSE_ANSWER_PAGE_H

#include "tracking/answer.h"
#include "tracking/answer_text.h"

enum {
    ANSWER_KIND_COUNT = ANSWER_HELD + 1,
    ANSWER_FORM_COUNT = ANSWER_JSON + 1,
    STAGE_COUNT = STAGE_DONE
};

/* Where a parcel stands in the five stages; a returned parcel's last stage has another name. */
enum course { COURSE_FINE, COURSE_PROBLEM, COURSE_RETURNED, COURSE_COUNT };

/* What is prepared for one language: runs of bytes in the arena of the current generation. */
struct answer_fragments {
    struct text page[ANSWER_KIND_COUNT][ANSWER_FORM_COUNT]; /* whole static bodies */
    /* the pieces of a parcel's page, in their order; slots between them */
    struct text open;              /* up to the title */
    struct text title[STEP_COUNT]; /* the rest of the title */
    struct text body;              /* style sheets and the page's header */
    struct text notices[2][2];     /* [origin down][stale], and up to the number */
    struct text step[STEP_COUNT];  /* heading and what comes next */
    struct text stages[STAGE_COUNT + 1][COURSE_COUNT];
    struct text label[STEP_COUNT];         /* escaped for HTML */
    struct text expected, pickup, product; /* opening of each fact */
    struct text as_of, as_of_comma;
    struct text history, cut, close;
    /* the pieces of its JSON */
    struct text json_label[STEP_COUNT]; /* escaped for JSON, with what is around it */
    struct text json_open;
    struct text stage_labels[STAGE_COUNT + 1][COURSE_COUNT];
};

const struct answer_fragments *answer_fragments(const struct contract *c, enum language language);
uint64_t answer_version(void); /* changes when any prepared byte does */

/* What a page that is not a parcel's leaves open. */
struct answer_slots {
    struct text typed;    /* empty: not repeated */
    uint32_t retry_after; /* 0: "a few moments" */
};

void answer_page_html(struct writer *w, const struct contract *c, enum answer_kind kind,
                      enum language language, struct answer_slots slots);
void answer_page_json(struct writer *w, enum answer_kind kind, enum language language,
                      struct text number);

/* Parts of pages. */
void answer_page_open(struct writer *w, enum language language);   /* up to the title */
void answer_page_head(struct writer *w, const struct contract *c); /* to the end of the title */
void answer_page_style(struct writer *w, bool parcel);             /* what else is in every head */
void answer_page_top(struct writer *w, const struct contract *c,
                     enum language language); /* up to what is in <main> */
void answer_page_form(struct writer *w, enum language language, struct text value,
                      bool hint); /* the search form */

void answer_html_prepare(struct writer *w, const struct contract *c, enum language language,
                         struct answer_fragments *f);
void answer_json_prepare(struct writer *w, enum language language, struct answer_fragments *f);

/* A parcel. */
void answer_html_parcel(struct writer *w, const struct answer_request *request, bool stale);
void answer_json_parcel(struct writer *w, const struct answer_request *request, bool stale);

/* What was typed, at most PARCEL_INPUT_MAX bytes of it: UTF-8, with "?" for what is not and for
 * what would not be seen. */
enum { ANSWER_TYPED_SIZE = PARCEL_INPUT_MAX };
struct text answer_typed(struct text typed, char out[ANSWER_TYPED_SIZE]);

/* What both forms say of a history. */
const struct history_event *history_newest(const struct history *h);
enum step history_step(const struct history *h);
enum step_stage history_stage(const struct history *h);
enum course history_course(const struct history *h);
enum step event_step(const struct history_event *event);
struct text event_country(const struct history_event *event); /* empty or two bytes */
bool answer_is_stale(const struct answer_request *request);
int answer_return_code(enum answer_kind kind);
enum answer_text answer_title(enum answer_kind kind);

/* Dates and times of a moment `at` (seconds) in an offset (minutes). */
void write_date_time(struct writer *w, int64_t at, int16_t offset); /* 2026-11-20T14:03:00+01:00 */
void write_date(struct writer *w, int32_t day);                     /* 2026-11-20 */
void write_long_date(struct writer *w, int32_t day, bool with_year, enum language language);
void write_clock(struct writer *w, int64_t at, int16_t offset); /* 14:03, or 13:03 UTC */
void write_short_date(struct writer *w, int32_t day, enum language language); /* 20/11 */
int32_t local_day(int64_t at, int16_t offset);
int year_of(int32_t day);

/* The name of a country; empty when the code is unknown. */
struct text country_name(struct text code, enum language language);

/* A record's texts have these lengths at most; a reader's page does not depend on it. */
static inline struct text text_clipped(struct text t, size_t most)
{
    return (struct text){t.data, t.length < most ? t.length : most};
}

#endif
