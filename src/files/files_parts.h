/* files_parts.h: the guard's manager between its files. */
#ifndef ECLUSE_FILES_PARTS_H
#define ECLUSE_FILES_PARTS_H

#include "files/evidence.h"
#include "files/files.h"
#include "files/freezer.h"
#include "files/listener.h"
#include "files/vault_service.h"

enum { NEWS_MOST = 64, HOLDS_MOST = 256, OPENED_MOST = 1024 };

struct share_crew { /* what serves one share */
    struct place place;
    char reason[232]; /* why it is not guarded; said once */
    pid_t vault, judge;
    int socket;       /* the listener's end, to be given again to its successor */
    nanos_t start_at; /* of the vault, not before this */
    nanos_t back_off;
    uint32_t opened_before, stuck;
    nanos_t silent_since; /* of the vault */
    struct vault_view *view; /* read-only; NULL: not open */
};

struct listener_crew {
    pid_t pid;   /* 0: none */
    int control; /* our end */
    bool leaving;
    nanos_t began;
    struct listener_start start;
};

struct held { /* a hold that was met: its evidence is written when it began and once more */
    struct evidence evidence; /* hold 0: free */
    char tree[TREE_NAME_SIZE];
    unsigned written;
    nanos_t again;
};

struct opened { /* open for writing, from before */
    pid_t process;
    uint64_t inode;
};

struct files {
    const struct contract *contract;
    struct budgets *budgets;
    int slot;               /* guard_register() */
    uint64_t generation[3]; /* prepared, running, refused: told again after a new segment */
    struct board *board;
    enum mode mode;
    struct moment moment;
    int poll;
    struct share_crew share[CONTRACT_MAX_SHARES];
    struct listener_crew listener[SEATS];
    unsigned seat;       /* of the listener in charge */
    bool renew;          /* another listener is wanted */
    nanos_t listener_at; /* not before this */
    unsigned deaths_lately;
    nanos_t down_since, up_since;
    uint64_t deaths, killed_told, overflows_told;
    pid_t watchdog;
    nanos_t second, minute;
    struct freezer freezer;
    struct ended *ended; /* NULL: the kernel gives none */
    struct held *held; /* HOLDS_MOST */
    struct files_news news[NEWS_MOST];
    unsigned news_first, news_count;
    struct opened opened[OPENED_MOST];
    unsigned opened_count;
    struct timespec canaries_read; /* the list's time when it was read */
    void *state;                   /* runtime/files.state, mapped */
};

/* ---- files.c --------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) void files_say(struct files *f, enum files_event event,
                                                     const char *object, const char *format, ...);

/* ---- crew.c: the processes ------------------------------------------------------------------- */

int crew_begin(struct files *f);   /* the watchdog; -EAGAIN */
void crew_places(struct files *f); /* shares that can be guarded now, or no more */
void crew_tick(struct files *f);   /* who died is started again; who is wanted, begun */
void crew_release_children(struct files *f, bool all); /* stop, and wait for them */
void crew_lose(struct files *f, unsigned share);       /* its place, and who serves it */
/* What the next contract says of its vault. */
void crew_limit(struct files *f, unsigned share, const struct contract *next);
bool crew_is_up(const struct files *f);

/* ---- answering.c: what the listener tells ---------------------------------------------------- */

void answering_notes(struct files *f, unsigned seat);
void answering_tick(struct files *f); /* once a second: evidence, and who goes on */

/* ---- state.c --------------------------------------------------------------------------------- */

int state_open(struct files *f, struct error *error);
void state_write(struct files *f);
void state_close(struct files *f);

/* ---- opened.c: open before the guard was ----------------------------------------------------- */

/* `all`: whatever is open now is from before; else which of these still is. */
void opened_look(struct files *f, bool all);

/* ---- canary.c -------------------------------------------------------------------------------- */

void canaries_look(struct files *f);
uint32_t canaries_of(const struct files *f, unsigned share);

/* ---- confining.c ----------------------------------------------------------------------------- */

/* Whether this process may begin them. -EPERM, and which capabilities it lacks. */
int confining_begin(struct error *error);
int confining_judge(void); /* everything given up: nothing can be opened, only read */
int confining_vault(void);

#endif
