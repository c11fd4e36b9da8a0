#include "status/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void store_look_here(const struct contract *c, nanos_t wall, struct store_look *out)
{
    out->feed_count = feed_sources(c, wall / NANOS_SECOND, out->feed, CONTRACT_MAX_SOURCES);
    struct error error = {""};
    struct store *store;
    int code = store_open(c->state, true, &store, &error);
    out->exists = code != -ENOENT;
    out->unseen = code == -EACCES;
    if (code == 0) {
        code = store_figures(store, &out->store);
        if (code < 0)
            error_set(&error, code, "%s", strerror(-code));
        store_close(store);
    }
    out->readable = code == 0;
    snprintf(out->reason, sizeof out->reason, "%s", error.text);
    struct filter *filter;
    if (filter_open(c->state, &filter, &error) == 0) {
        filter_figures(filter, &out->filter);
        out->filter_open = true;
        filter_close(filter);
    }
}
