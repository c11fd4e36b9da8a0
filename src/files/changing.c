/* Files that changed though nobody was asked: truncated by path. There is no permission event for
 * that, nor a notice when it is over; FAN_MODIFY alone tells of it, by the file's handle. Every
 * write(2) would be told there, too, so what is open for writing is left out by a mark of its own:
 * who opened it was asked, and it is judged when it is closed.
 *
 * A new file has no such mark until it is written to a second time: most are written to once, and
 * a mark costs more than a notice.
 *
 * A file may be changed again while its notices are left out, or by whoever knows that one follows
 * the other; so what was told of once is looked at again when the marks are taken off, and taken
 * for the same hand's. */
#include "files/listener_parts.h"

#include <fcntl.h>
#include <unistd.h>

/* Since Linux 6.0, and in headers later than Debian 12's. */
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x00000400
#endif
#define WATCH_IGNORE (FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_EVICTABLE)

enum {
    CHANGED_MOST = 1024,
    NEW_MOST = 4096,
    MARKED_BITS = 1 << 16,
    READ_SIZE = 64 * 1024,
    READS_AT_ONCE = 8
};

static struct changed { /* what was told of since the marks were taken off last */
    uint64_t key;       /* 0: free */
    struct naming_handle handle;
    struct stat status;
    uint64_t tree;
    uint32_t user;
    uint16_t share;
    int16_t trusted;
    bool known;
} changed[CHANGED_MOST];

/* All three are emptied when the marks are taken off. */
static struct new_file { /* made a moment ago, and its notices are its maker's */
    uint64_t thing;      /* 0: free */
    bool noticed;
} new_files[NEW_MOST];

/* A bit for each file that has a mark, and for some others. */
static uint64_t marked[MARKED_BITS / 64];

void changing_watch(struct listener *l, const struct act_seen *act, bool watch)
{
    unsigned what = watch ? FAN_MARK_REMOVE : FAN_MARK_ADD;
    uint64_t bit = UINT64_C(1) << act->thing % 64, *word = &marked[act->thing % MARKED_BITS / 64];
    char link[32];
    if (l->changes < 0 || (watch && !(*word & bit)))
        return;
    *word |= bit;
    snprintf(link, sizeof link, "/proc/self/fd/%d", act->fd); /* which may only name it */
    if (fanotify_mark(l->changes, what | FAN_MARK_INODE | WATCH_IGNORE, FAN_MODIFY, AT_FDCWD,
                      link) < 0)
        return; /* it is told of all the same, or was: that costs time and nothing else */
}

static struct new_file *new_file(uint64_t thing)
{
    return &new_files[thing % NEW_MOST];
}

void changing_new(struct listener *l, uint64_t thing)
{
    if (l->changes >= 0)
        *new_file(thing) = (struct new_file){.thing = thing};
}

static bool take_new(struct listener *l, int share, uint64_t inode, const struct file_handle *from)
{
    struct stat status = {.st_dev = l->start->place[share].device, .st_ino = inode};
    struct act_seen act = {.thing = listener_thing(l, &status)};
    struct new_file *new = new_file(act.thing);
    if (!inode || new->thing != act.thing)
        return false;
    if (new->noticed) { /* he writes on */
        struct naming_handle handle;
        naming_copy(l, (unsigned)share, from, &handle);
        act.fd = naming_open(l, (unsigned)share, &handle);
        if (act.fd >= 0) {
            changing_watch(l, &act, false);
            close(act.fd);
        }
    }
    new->noticed = true;
    return true;
}

/* What somebody has open for writing is judged for him, soon. */
static void tell(struct listener *l, const struct act_seen *act)
{
    if (!flights_has(&l->flights, act->thing, l->now))
        asking_changed(l, act);
}

static void take(struct listener *l, const struct fanotify_event_metadata *event)
{
    struct act_seen act;
    struct changed one;
    int share;
    uint64_t inode;
    const struct file_handle *handle = naming_target(l, event, &share, &inode);
    if (!handle || l->calm || take_new(l, share, inode, handle))
        return;
    one.key = naming_copy(l, (unsigned)share, handle, &one.handle) | 1;
    struct changed *place = &changed[one.key / 2 % CHANGED_MOST];
    if (place->key == one.key)
        return; /* it is looked at again */
    int fd = naming_open(l, (unsigned)share, &one.handle);
    if (fd < 0)
        return;
    if (listener_see(l, fd, event->pid, true, &act)) {
        tell(l, &act);
        one.status = act.status;
        one.tree = act.payer.tree ? act.payer.tree->id : 0;
        one.user = act.payer.user;
        one.share = act.payer.share;
        one.trusted = act.payer.trusted;
        one.known = act.payer.known;
        if (!place->key) {
            *place = one;
            changing_watch(l, &act, false); /* most often somebody writes to it */
        }
    }
    close(fd);
}

/* Every write(2) is told there, merged while it waits: looked at now and then, and not at once.
 * What overflows is no loss, since a file that somebody opened is judged when it is closed. */
void changing_take_all(struct listener *l)
{
    static char buffer[READ_SIZE] __attribute__((aligned(8)));
    ssize_t length;
    for (int i = 0; i < READS_AT_ONCE; i++) {
        if ((length = read(l->changes, buffer, sizeof buffer)) <= 0)
            break;
        const struct fanotify_event_metadata *event = (const void *)buffer;
        for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
            listener_beat(l);
            if (!(event->mask & FAN_Q_OVERFLOW))
                take(l, event);
        }
    }
}

void changing_old(struct listener *l, uint64_t thing)
{
    struct new_file *new = new_file(thing);
    if (new->thing != thing)
        return;
    changing_take_all(l); /* its maker's writes are told already */
    new->thing = 0;
}

static bool is_as_it_was(const struct stat *one, const struct stat *other)
{
    return one->st_size == other->st_size && one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
           one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

static void look_again(struct listener *l, struct changed *one)
{
    struct act_seen act = {.fd = naming_open(l, one->share, &one->handle)};
    one->key = 0;
    if (act.fd < 0)
        return;
    if (fstat(act.fd, &act.status) == 0 && !is_as_it_was(&act.status, &one->status)) {
        act.thing = listener_thing(l, &act.status);
        act.owner.trusted = one->trusted;
        act.payer = (struct payer){.user = one->user,
                                   .known = one->known,
                                   .tree = owners_tree(l->owners, one->tree),
                                   .trusted = one->trusted,
                                   .share = one->share};
        tell(l, &act);
    }
    close(act.fd);
}

void changing_watch_all(struct listener *l)
{
    if (l->changes < 0 ||
        fanotify_mark(l->changes, FAN_MARK_FLUSH | FAN_MARK_INODE, 0, AT_FDCWD, NULL) < 0)
        return;
    memset(new_files, 0, sizeof new_files);
    memset(marked, 0, sizeof marked);
    for (unsigned i = 0; i < CHANGED_MOST; i++)
        if (changed[i].key)
            look_again(l, &changed[i]);
}
