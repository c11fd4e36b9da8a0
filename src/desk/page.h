/* page.h: the pages, written whole: what a browser without scripts sees, and what live parts are
 * put into.
 */
#ifndef ECLUSE_DESK_PAGE_H
#define ECLUSE_DESK_PAGE_H

#include "desk/exchange.h"

struct page {
    struct writer w;
    struct exchange *x;
};

/* Begins a page with its head and header; `title` is also its only h1. */
struct page page_begin(struct exchange *x, enum word title);
enum MHD_Result page_end(struct page *page, unsigned status);

/* The hidden field that every form needs. */
void page_csrf(struct page *page);
void page_notice(struct page *page, const char *kind, const char *text);

/* The page itself, and the one to sign in (`failed`: what went wrong, or NULL). */
enum MHD_Result page_main(struct exchange *x);
enum MHD_Result page_sign_in(struct exchange *x, unsigned status, const char *failed);
enum MHD_Result page_password(struct exchange *x, unsigned status, const char *failed);
enum MHD_Result page_hold(struct exchange *x, unsigned status, const struct hold *hold,
                          const char *failed);
enum MHD_Result page_panic(struct exchange *x, unsigned status, const char *failed);
enum MHD_Result page_problem(struct exchange *x, unsigned status, const char *text);
enum MHD_Result page_timeline(struct exchange *x, uint64_t before);
enum MHD_Result page_entry(struct exchange *x, uint64_t index);

#endif
