#include "files/waiting.h"

struct waiting *waiting_place(struct waiting *waiting, unsigned used, uint32_t user)
{
    struct waiting *found = NULL;
    unsigned his = 0;
    for (unsigned i = 0; i < WAITING_MOST && (used || !found); i++) {
        struct waiting *w = &waiting[i];
        bool free = w->waits_for == WAITS_FOR_NOTHING;
        used -= !free;
        his += !free && w->user == user;
        if (free && !found)
            found = w;
    }
    return his < WAITING_A_USER ? found : NULL;
}

struct unseen *unseen_place(struct unseen *unseen, uint32_t user)
{
    struct unseen *found = NULL;
    unsigned his = 0;
    for (unsigned i = 0; i < UNSEEN_MOST; i++) {
        his += unseen[i].thread && unseen[i].user == user;
        if (!unseen[i].thread && !found)
            found = &unseen[i];
    }
    return his < UNSEEN_A_USER ? found : NULL;
}
