/* What the origin says. Texts in its database are its own; only the path comes from outside, and of
 * it only letters and digits are ever repeated. */
#include "origin.h"

#include <stdarg.h>
#include <string.h>

struct writer {
    struct origin_page *page;
    bool json;
    bool first;
};

__attribute__((format(printf, 2, 3))) static void put(struct origin_page *page, const char *form,
                                                      ...)
{
    size_t room = sizeof page->body - page->length;
    va_list arguments;
    va_start(arguments, form);
    int length = vsnprintf(page->body + page->length, room, form, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < room)
        page->length += (size_t)length;
}

static void put_event(void *context, const char *at, const char *code, const char *place)
{
    struct writer *writer = context;
    if (writer->json)
        put(writer->page, "%s{\"date\":\"%s\",\"code\":\"%s\",\"label\":\"%s\"}",
            writer->first ? "" : ",", at, code, place);
    else
        put(writer->page, "<li>%s %s %s</li>\n", at, code, place);
    writer->first = false;
}

static void plain(struct origin_page *page, unsigned status, const char *text)
{
    page->status = status;
    page->length = 0;
    put(page, "<!doctype html><html lang=en><title>Origin</title><p>%s</p></html>\n", text);
}

static bool is_number(const char *text, size_t length)
{
    if (length == 0 || length > ORIGIN_NUMBER_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!(text[i] >= 'A' && text[i] <= 'Z') && !(text[i] >= '0' && text[i] <= '9'))
            return false;
    }
    return true;
}

static void parcel(struct origin_database *database, const char *number, size_t length, bool json,
                   struct origin_page *page)
{
    struct writer writer = {.page = page, .json = json, .first = true};
    int shown = (int)length;
    if (json)
        put(page, "{\"returnCode\":200,\"shipment\":{\"idShip\":\"%.*s\",\"event\":[", shown,
            number);
    else
        put(page, "<!doctype html><html lang=en><title>%.*s</title><h1>%.*s</h1>\n<ol>\n", shown,
            number, shown, number);
    int events = database_events(database, number, length, put_event, &writer);
    put(page, "%s", json ? "]}}\n" : "</ol></html>\n");
    if (events < 0)
        plain(page, 500, "The database failed.");
    else if (events == 0)
        plain(page, 404, "No such parcel.");
}

static bool is_path(const char *path, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(path, wanted, length) == 0;
}

static void post_page(const char *path, size_t length, struct origin_page *page)
{
    if (is_path(path, length, "/connexion")) {
        plain(page, 200, "Welcome.");
        page->route = ORIGIN_LOGIN;
    } else if (is_path(path, length, "/scans")) {
        plain(page, 200, "Scanned.");
        page->route = ORIGIN_SCAN;
    } else {
        plain(page, 404, "No such page.");
    }
}

void page_make(struct origin_database *database, bool post, const char *path, size_t length,
               struct origin_page *page)
{
    static const char api[] = "/suivi/v2/idships/", page_path[] = "/suivi/";
    page->route = ORIGIN_OTHER;
    page->status = 200;
    page->type = "text/html; charset=utf-8";
    page->length = 0;
    bool json = length > sizeof api - 1 && memcmp(path, api, sizeof api - 1) == 0;
    size_t before = json ? sizeof api - 1 : sizeof page_path - 1;
    if (post) {
        post_page(path, length, page);
    } else if ((json || (length > before && memcmp(path, page_path, before) == 0)) &&
               is_number(path + before, length - before)) {
        parcel(database, path + before, length - before, json, page);
        if (json && page->status == 200)
            page->type = "application/json; charset=utf-8";
        page->route = page->status == 200 ? ORIGIN_PARCEL : ORIGIN_UNKNOWN;
    } else if (is_path(path, length, "/recherche")) {
        plain(page, 200, "Nothing was found.");
        page->route = ORIGIN_SEARCH;
    } else if ((length == 1 && path[0] == '/') || is_path(path, length, "/tarifs")) {
        plain(page, 200, "Prices: a letter 1.39, a parcel from 4.99.");
    } else {
        plain(page, 404, "No such page.");
    }
}
