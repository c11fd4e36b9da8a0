/* The log written anew without what is gone: beside the old one, while others go on appending. */
#include "files/vault_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VAULT_NEW "log.new"

enum { WORTH = 10000 }; /* versions gone, and more than are left */

struct filter {
    const struct history *history; /* as of the end of what is read */
    struct vault_log *to;
    nanos_t oldest; /* moves and holds before it are dropped */
    int status;
};

static bool wanted(const struct filter *f, const struct log_record *r)
{
    uint32_t index;
    switch (r->type) {
    case LOG_KEPT:
        index = history_version(f->history, r->body.KEPT.id);
        return index != HISTORY_NONE && !f->history->version[index].gone;
    case LOG_WRITER:
        index = history_version(f->history, r->body.WRITER.id);
        return index != HISTORY_NONE && !f->history->version[index].gone;
    case LOG_PAST:
        index = history_version(f->history, r->body.PAST.id);
        return index != HISTORY_NONE && !f->history->version[index].gone;
    case LOG_NAMELESS:
        index = history_version(f->history, r->body.NAMELESS.id);
        return index != HISTORY_NONE && !f->history->version[index].gone;
    case LOG_MOVED:
        return r->body.MOVED.at >= f->oldest;
    case LOG_HELD:
        return r->body.HELD.at >= f->oldest;
    case LOG_FOLDER:
        index = history_path(f->history, r->first);
        return index != HISTORY_NONE && f->history->path[index].folder_at == r->offset;
    default:
        return false; /* what is gone is left out, and places are written anew */
    }
}

static bool copy_one(void *context, const struct log_record *record)
{
    struct filter *f = context;
    if (wanted(f, record)) {
        struct log_record copy = *record;
        f->status = vault_log_append(f->to, &copy);
    }
    return f->status == 0;
}

/* Files that are elsewhere than their newest version says, since what moved them may be dropped;
 * and versions whose end was only implied by what was dropped. */
static int copy_state(const struct history *h, struct vault_log *to, nanos_t now)
{
    int status = 0;
    for (size_t i = 0; i < h->version_count && status == 0; i++) {
        const struct version *v = &h->version[i];
        if (v->gone || !v->past_at)
            continue;
        struct log_record record = {.type = LOG_PAST,
                                    .body.PAST = {.id = v->id,
                                                  .tree = v->past_tree,
                                                  .at = v->past_at,
                                                  .user = v->past_by,
                                                  .ground = v->ground}};
        if (v->ground == LOG_UNJUDGED)
            status = vault_log_append(to, &record);
    }
    for (size_t i = 0; i < h->file_count && status == 0; i++) {
        const struct file *f = &h->file[i];
        if (f->removed || f->path == HISTORY_NONE || f->newest == HISTORY_NONE ||
            h->version[f->newest].gone || h->version[f->newest].path == f->path)
            continue;
        struct log_record record = {
            .type = LOG_PLACE,
            .body.PLACE = {.inode = f->identity.inode,
                           .generation = f->identity.generation,
                           .at = now},
            .first = {h->path[f->path].name, h->path[f->path].length},
        };
        status = vault_log_append(to, &record);
    }
    return status;
}

static int write_anew(struct vault *v, nanos_t now, uint64_t *until, struct vault_log *out)
{
    struct vault_log from;
    int status = vault_log_open(v->place.store, VAULT_LOG, false, v->log.key, &from);
    if (status < 0)
        return status;
    struct history *history = NULL;
    long damaged;
    status = vault_load(&from, &history, until, &damaged);
    (void)unlinkat(v->place.store, VAULT_NEW, 0);
    if (status == 0)
        status = vault_log_open(v->place.store, VAULT_NEW, true, v->log.key, out);
    if (status == 0) {
        struct filter f = {.history = history, .to = out, .oldest = now - v->limits.keep};
        uint64_t whole;
        long found = vault_log_read(&from, 0, copy_one, &f, &whole);
        status = found < 0 ? (int)found : f.status;
        if (status == 0)
            status = copy_state(history, out, now);
        if (status == 0 && fdatasync(out->fd) != 0)
            status = -errno;
        if (status < 0)
            vault_log_close(out);
    }
    history_free(history);
    vault_log_close(&from);
    return status;
}

struct tail {
    struct vault_log *to;
    struct history *history;
    int status;
};

static bool append_one(void *context, const struct log_record *record)
{
    struct tail *t = context;
    struct log_record copy = *record;
    t->status = vault_log_append(t->to, &copy);
    if (t->status == 0)
        t->status = history_apply(t->history, &copy);
    return t->status == 0;
}

/* With the mutex held: what was appended meanwhile, and then the new one is the log. */
static int switch_to(struct vault *v, struct vault_log *new, struct history *history,
                     uint64_t until)
{
    struct tail t = {.to = new, .history = history};
    uint64_t whole;
    long found = vault_log_read(&v->log, until, append_one, &t, &whole);
    int status = found < 0 ? (int)found : t.status;
    if (status == 0 && fdatasync(new->fd) != 0)
        status = -errno;
    if (status == 0 && renameat(v->place.store, VAULT_NEW, v->place.store, VAULT_LOG) != 0)
        status = -errno;
    if (status < 0)
        return status;
    history->highest =
        v->history->highest > history->highest ? v->history->highest : history->highest;
    vault_log_close(&v->log);
    history_free(v->history);
    v->log = *new;
    v->history = history;
    return 0;
}

void vault_compact(struct vault *v, nanos_t now, bool always)
{
    pthread_mutex_lock(&v->mutex);
    bool worth = v->history->gone > WORTH && v->history->gone > v->history->kept;
    pthread_mutex_unlock(&v->mutex);
    if (!always && !worth)
        return;
    uint64_t until, whole;
    long damaged;
    struct vault_log new;
    struct history *history = NULL;
    if (write_anew(v, now, &until, &new) < 0) {
        (void)unlinkat(v->place.store, VAULT_NEW, 0);
        return; /* the old one goes on; the next look tries again */
    }
    int status = vault_load(&new, &history, &whole, &damaged);
    if (status == 0) {
        pthread_mutex_lock(&v->mutex);
        status = switch_to(v, &new, history, until);
        pthread_mutex_unlock(&v->mutex);
    }
    if (status < 0) {
        vault_log_close(&new);
        history_free(history);
        (void)unlinkat(v->place.store, VAULT_NEW, 0);
    }
}
