#include "files/settling.h"

#include <stdlib.h>

enum { CHAINS = 8192 };
enum key { BY_FILE, BY_PATH, KEYS };

struct place {
    struct settling item;
    uint32_t next, last; /* in its line; `next` of free ones, too */
    uint32_t same[KEYS]; /* the next of its chain */
};

struct settlings {
    size_t count, most;
    uint32_t free, first[SETTLING_LINES], last[SETTLING_LINES];
    uint32_t head[KEYS][CHAINS];
    struct place place[SETTLING_MOST];
};

struct settlings *settlings_new(size_t most)
{
    struct settlings *s = malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->count = 0;
    s->most = most < SETTLING_MOST ? most : SETTLING_MOST;
    memset(s->first, 0xff, sizeof s->first); /* SETTLING_NONE */
    memset(s->last, 0xff, sizeof s->last);
    memset(s->head, 0xff, sizeof s->head);
    s->free = 0;
    for (uint32_t i = 0; i < SETTLING_MOST; i++)
        s->place[i].next = i + 1 < SETTLING_MOST ? i + 1 : SETTLING_NONE;
    return s;
}

void settlings_free(struct settlings *s)
{
    free(s);
}

size_t settlings_count(const struct settlings *s)
{
    return s->count;
}

bool settlings_full(const struct settlings *s)
{
    return s->count >= s->most;
}

bool settlings_nearly_full(const struct settlings *s)
{
    return s->count * 4 > s->most * 3;
}

struct settling *settlings_item(struct settlings *s, uint32_t at)
{
    return &s->place[at].item;
}

/* ---- Chains ---------------------------------------------------------------------------------- */

static size_t file_chain(struct vault_file file)
{
    uint64_t mixed = (file.inode ^ (uint64_t)file.generation << 32) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed >> 32 & (CHAINS - 1);
}

static size_t path_chain(uint64_t path)
{
    return path & (CHAINS - 1);
}

static size_t chain_of(const struct settling *item, enum key key)
{
    return key == BY_FILE ? file_chain(item->file) : path_chain(item->path);
}

static void chain(struct settlings *s, uint32_t at, enum key key)
{
    uint32_t *head = &s->head[key][chain_of(&s->place[at].item, key)];
    s->place[at].same[key] = *head;
    *head = at;
}

static void unchain(struct settlings *s, uint32_t at, enum key key)
{
    uint32_t *link = &s->head[key][chain_of(&s->place[at].item, key)];
    while (*link != at)
        link = &s->place[*link].same[key];
    *link = s->place[at].same[key];
}

/* ---- Adding, removing ------------------------------------------------------------------------ */

static enum settling_line line_of(const struct settling *item)
{
    return item->early ? SETTLING_MAY_WAIT : SETTLING_SOON;
}

uint32_t settlings_add(struct settlings *s, const struct settling *item)
{
    uint32_t at = s->free, line = line_of(item);
    struct place *p = &s->place[at];
    s->free = p->next;
    *p = (struct place){.item = *item, .next = SETTLING_NONE, .last = s->last[line]};
    *(p->last == SETTLING_NONE ? &s->first[line] : &s->place[p->last].next) = at;
    s->last[line] = at;
    chain(s, at, BY_FILE);
    chain(s, at, BY_PATH);
    s->count++;
    return at;
}

struct settling settlings_remove(struct settlings *s, uint32_t at)
{
    struct place *p = &s->place[at];
    uint32_t line = line_of(&p->item);
    unchain(s, at, BY_FILE);
    unchain(s, at, BY_PATH);
    *(p->last == SETTLING_NONE ? &s->first[line] : &s->place[p->last].next) = p->next;
    *(p->next == SETTLING_NONE ? &s->last[line] : &s->place[p->next].last) = p->last;
    p->next = s->free;
    s->free = at;
    s->count--;
    struct settling item = p->item;
    p->item.busy = p->item.urgent = false; /* who waits for it sees that it is gone */
    return item;
}

void settlings_moved(struct settlings *s, uint32_t at, uint64_t path)
{
    unchain(s, at, BY_PATH);
    s->place[at].item.path = path;
    chain(s, at, BY_PATH);
}

/* ---- Finding --------------------------------------------------------------------------------- */

uint32_t settlings_find(const struct settlings *s, struct vault_file file)
{
    uint32_t at = s->head[BY_FILE][file_chain(file)];
    while (at != SETTLING_NONE &&
           (s->place[at].item.stuck || !vault_same_file(s->place[at].item.file, file)))
        at = s->place[at].same[BY_FILE];
    return at;
}

static uint32_t along_path(const struct settlings *s, uint32_t at, uint64_t path)
{
    while (at != SETTLING_NONE && (s->place[at].item.stuck || s->place[at].item.path != path))
        at = s->place[at].same[BY_PATH];
    return at;
}

uint32_t settlings_at(const struct settlings *s, uint64_t path)
{
    return along_path(s, s->head[BY_PATH][path_chain(path)], path);
}

uint32_t settlings_also_at(const struct settlings *s, uint32_t at)
{
    return along_path(s, s->place[at].same[BY_PATH], s->place[at].item.path);
}

uint32_t settlings_first(const struct settlings *s, enum settling_line line)
{
    return s->first[line];
}

uint32_t settlings_next(const struct settlings *s, uint32_t at)
{
    return s->place[at].next;
}
