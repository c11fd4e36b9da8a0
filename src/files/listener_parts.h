/* listener_parts.h: the listener between its files. */
#ifndef ECLUSE_FILES_LISTENER_PARTS_H
#define ECLUSE_FILES_LISTENER_PARTS_H

#include "files/flight.h"
#include "files/listener.h"
#include "files/rescue.h"
#include "files/vault_service.h"
#include "files/waiting.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

enum {
    SAID_MOST = 256,
    TRACED_MOST = 1 << 14,
    LISTENER_HANDLE = 128, /* bytes of a file's handle: MAX_HANDLE_SZ */
};

/* One act that the kernel told of, as far as it is known. */
struct act_seen {
    int fd;
    struct stat status;
    uint64_t thing; /* 40 bits: the file, as the listener calls it */
    nanos_t since;  /* when it was told of first */
    struct owner owner;
    struct payer payer;
};

struct said { /* whom the manager was told of, not to tell it at every open */
    uint64_t hold, tree;
    nanos_t at;
};

struct traced { /* what was traced lately */
    uint64_t key;
    nanos_t at;
};

struct listener {
    const struct listener_start *start;
    const struct contract *contract;
    struct board *board;
    struct seat *seat;
    bool enforce, calm; /* calm: a panic came; everything is let be */
    struct budgets *budgets;
    struct charging charging;
    struct owners *owners;
    struct hash_key key;
    int opens, names, changes, poll;
    bool missed[CONTRACT_MAX_SHARES]; /* a vault was not told of something, and is to be told so */
    struct vault_view *view[CONTRACT_MAX_SHARES];
    uint64_t file_system[CONTRACT_MAX_SHARES]; /* f_fsid, as events say it */
    int vault[CONTRACT_MAX_SHARES];
    const struct control *control;
    nanos_t now;
    struct flights flights, gone; /* open for writing; removed, and nothing took the name yet */
    struct waiting waiting[WAITING_MOST];
    unsigned waiting_count;
    struct unseen unseen[UNSEEN_MOST];
    unsigned unseen_count;
    bool holding; /* a hold of ours may be in force */
    uint32_t questions;
    struct rescue rescue;
    struct said said[SAID_MOST];
    struct traced traced[TRACED_MOST];
    bool leave;
};

/* ---- listener.c ------------------------------------------------------------------------------ */

/* Fills who and which for an event; false when it is none of ours to look at: another file system,
 * no regular file, or an act of our own. */
bool listener_see(struct listener *l, int fd, pid_t thread, bool lately, struct act_seen *out);
int listener_share(const struct listener *l, uint64_t device); /* -1 */
uint64_t listener_thing(const struct listener *l, const struct stat *status);
void listener_answer(struct listener *l, int fd, bool refuse); /* and closes it */
void listener_beat(struct listener *l); /* the time is looked at, and the watchdog told */
/* Whether the file was there before whoever acts now: without birth times, yes. */
bool listener_was_there(int fd);
/* Whether it is a file on a share that was made just now and was never written to. Fills the status
 * as far as listener_thing() looks at it, and the owner. */
bool listener_is_new(const struct listener *l, int fd, struct stat *status);
void listener_trace(struct listener *l, const struct act_seen *act, enum trace_kind kind);
/* A hold was met or begun: the manager freezes, and the vault takes note. */
void listener_held(struct listener *l, const struct payer *payer, const struct charged *charged);
/* Whoever it is stands still for a moment, if he can. */
void listener_pause(struct listener *l, const struct payer *payer);
__attribute__((format(printf, 3, 4))) void listener_say(struct listener *l, enum log_level level,
                                                        const char *format, ...);

/* ---- opening.c: opens that wait for an answer, and files that are closed --------------------- */

void opening_take(struct listener *l, const struct fanotify_event_metadata *event);
/* Answers at once when nothing is to be found out first; false when something is. */
bool opening_new(struct listener *l, const struct fanotify_event_metadata *event);
void opening_closed(struct listener *l, const struct fanotify_event_metadata *event);
void opening_again(struct listener *l); /* those that wait: anew, or late */
void opening_see(struct listener *l);   /* those that could not be seen */
/* Of the open that waits for this question. */
void opening_kept(struct listener *l, uint32_t number, enum vault_result result);

/* ---- asking.c: the vault --------------------------------------------------------------------- */

void asking_open(struct listener *l, unsigned share);
void asking_gone(struct listener *l, unsigned share);
void asking_answers(struct listener *l, unsigned share);
/* Whether there is one to be asked. */
bool asking_is_up(const struct listener *l, unsigned share);
bool asking_has(const struct listener *l, unsigned share, const struct stat *status);
/* 0, or negative when nobody could be asked. */
int asking_opened(struct listener *l, const struct waiting *waiting, bool kept);
/* Whether his acts have no room in the vault any more. */
bool asking_refuses(const struct listener *l, unsigned share, uint32_t user);
void asking_closed(struct listener *l, const struct act_seen *act);
void asking_changed(struct listener *l, const struct act_seen *act);
void asking_held(struct listener *l, unsigned share, uint64_t hold, const struct payer *payer,
                 const struct principal *principal, nanos_t from);
/* Notices were lost: each vault is told so as soon as it can be, and looks for itself. */
void asking_missed(struct listener *l);
void asking_tell_missed(struct listener *l);
void asking_moved(struct listener *l, const struct payer *payer, const struct vault_file *file,
                  const char *from, const char *to);
void asking_removed(struct listener *l, const struct payer *payer, const struct vault_file *file,
                    const char *path);

/* ---- naming.c: names that were changed ------------------------------------------------------- */

void naming_begin(struct listener *l);
void naming_take(struct listener *l, const struct fanotify_event_metadata *event);
/* A handle with room for its bytes, as an event has it behind itself. */
struct naming_handle {
    struct file_handle head;
    unsigned char bytes[LISTENER_HANDLE];
};

/* Copies it. Returns the key under which it is known here, on its share. */
uint64_t naming_copy(const struct listener *l, unsigned share, const struct file_handle *from,
                     struct naming_handle *to);
/* O_PATH, or -1. */
int naming_open(const struct listener *l, unsigned share, struct naming_handle *handle);
/* The file that a notice is about, if it is on a share; and its inode, or 0. */
const struct file_handle *naming_target(const struct listener *l,
                                        const struct fanotify_event_metadata *event, int *share,
                                        uint64_t *inode);

/* ---- changing.c: files that changed though nobody was asked ---------------------------------- */

/* Whether changes of a file are told. Not while somebody has it open for writing: it is judged then
 * anyhow, and each write(2) would cost him a notice. */
void changing_watch(struct listener *l, const struct act_seen *act, bool watch);
/* A new file is written to by who made it, most often once: its first notice says nothing, and only
 * who writes on is spared the others. */
void changing_new(struct listener *l, uint64_t thing);
/* It was closed: what is told of it from now on is somebody's act. */
void changing_old(struct listener *l, uint64_t thing);
/* Of all files again: every WATCH_AGAIN, so that what a program keeps open for long is watched when
 * it has gone. */
void changing_watch_all(struct listener *l);
#define WATCH_AGAIN NANOS_SECOND
void changing_take_all(struct listener *l);

/* ---- tripping.c: canaries -------------------------------------------------------------------- */

/* Whether it is a canary, which then has done what it is for. */
bool tripping_canary(struct listener *l, const struct act_seen *act);

/* ---- confining.c ----------------------------------------------------------------------------- */

/* After everything is open, rights are given up for good: first capabilities, which each thread has
 * its own of, then, with all threads there, system calls. 0 or a negative errno with *error. */
int confining_listener(struct error *error);
int confining_listener_calls(struct error *error);

#endif
