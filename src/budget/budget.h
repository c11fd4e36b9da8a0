/* budget.h: who has spent what, and what follows.
 *
 * A budget limits one meter for each principal over one or more sliding windows. Guards charge what
 * they see and do what the verdict says; they keep no counts of their own.
 *
 * Life      each guard has one segment: `runtime/GUARD.segment` (rate cells, holds, health,
 *           promises) and `state/budget/GUARD.rings` (what must survive). `ecluse run` creates them
 *           with budget_create() before the guard starts; any number of the guard's processes open
 *           and charge them at once; others open them read-only.
 * Time      now is the boot clock in nanoseconds; no call here reads a clock. budget_create() is
 *           told both clocks and the boot id, and ages what an earlier boot left by the wall clock,
 *           once.
 * Cost      bench/budget.
 * Memory    fixed at creation: budget_footprint(). Full tables degrade as docs/budgets.md says,
 *           never silently.
 * Crash     a writer may be killed at any instruction: no lock is ever held, every entry is valid
 *           at each step.
 * Failure   a call that fails leaves the counts as they were. A damaged or foreign segment is
 *           refused at open; indices and counts read from a segment are bounds-checked like input.
 *
 * guard.h    health of the guard's processes: heartbeats, generation in use, counters by name
 * promise.h  promises measured: answers in time and all answers, over their window
 */
#ifndef ECLUSE_BUDGET_H
#define ECLUSE_BUDGET_H

#include "base/base.h"
#include "contract/contract.h"

struct budgets; /* one guard's open segment */

/* Who is charged. Made by the principal_* functions below; `id` means nothing outside this room. */
struct principal {
    uint8_t kind;          /* enum principal_kind */
    /* a valid pass, an account, a local user: not minted by an attacker at will */
    uint8_t proven;
    uint8_t id[16];
    uint8_t network[16];   /* whom to charge when rings are short; zero when there is none. Of a
                              pair: the destination */
    int16_t protected_by;  /* index of the contract's protected entry, or -1 */
};

/* IPv4 mapped */
struct principal principal_client(const struct contract *c, const uint8_t address[16]);
struct principal principal_pass(const struct contract *c, const uint8_t pass[16],
                                const uint8_t address[16]);
struct principal principal_network(const struct contract *c, const uint8_t address[16]);
/* account, user, share */
struct principal principal_named(enum principal_kind kind, struct text name);
/* A host inside: an address (IPv4 mapped), or a link address as 01, nine zero bytes, and itself. */
struct principal principal_host(const uint8_t id[16]);
/* Such a host and one destination. */
struct principal principal_pair(const uint8_t host[16], const uint8_t to[16]);
struct principal principal_everyone(void);

/* A readable name of it for the person who may see it ("198.51.100.0/24", "pass 3f9a..."); never
 * for logs. */
#define PRINCIPAL_TEXT_SIZE 96
char *principal_text(const struct principal *p, char out[PRINCIPAL_TEXT_SIZE]);
/* The inverse, for `ecluse why CLIENT`: an address, a network in CIDR form, or a link address. */
int principal_parse(const struct contract *c, struct text text, struct principal *out);

enum verdict { VERDICT_ALLOW, VERDICT_SLOW, VERDICT_CHALLENGE, VERDICT_HOLD };

/* Whose count decided: the principal's own, or a wider one because tables are short. */
enum charged_to { CHARGED_SELF, CHARGED_NETWORK, CHARGED_OTHERS };

struct outcome {
    enum verdict verdict;  /* what is to be done: never more than the modes in force allow */
    enum verdict would_be; /* what it would have been in enforce: counted for `observe` */
    enum charged_to charged_to;
    int16_t budget;        /* index into the contract's budgets */
    uint8_t window;        /* the tightest: index into the budget's windows */
    uint64_t used, limit;  /* of that window, in the meter's unit */
    nanos_t until;         /* when this principal would be allowed again; 0 if it is now */
    uint64_t hold;         /* id of the hold in force, 0 for none */
};

/* Charges amount to the principal. All windows are charged or none. Never blocks, never allocates.
 * What is not allowed is not counted: a request that was slowed is charged again when it is due
 * (`until`). For a budget `per: everyone` p is who acts (it is counted among the contributors), not
 * principal_everyone(). Over `over: hold` a hold is begun (if a slot of its kind is free; otherwise
 * an alarm is counted). */
struct outcome budget_charge(struct budgets *b, unsigned budget, const struct principal *p,
                             uint64_t amount, nanos_t now);

/* The same for a meter of distinct things: `thing` is any 64-bit hash of it. A thing already
 * counted in the window costs nothing. */
struct outcome budget_charge_distinct(struct budgets *b, unsigned budget, const struct principal *p,
                                      uint64_t thing, nanos_t now);

/* Whether one unit more would be admitted, without charging: for `ecluse why`, and for meters that
 * are charged afterwards (login_failures: peek before the request, charge when it failed). A charge
 * of 0 is the same. */
struct outcome budget_peek(const struct budgets *b, unsigned budget, const struct principal *p,
                           nanos_t now);

/* ---- Where something else stops what is over (the kernel, for bytes)
 * ------------------------------------ *
 *
 * Such a guard asks what is left, lets that much go without asking again, and tells what went and
 * what was refused. What went is counted later than it went, so that a window admits at most its
 * limit as long as no more goes than was left at the last look. For a budget `per: everyone` p is
 * again who acts. Not for rate cells (`requests` up to a minute) nor for distinct things: there
 * nothing is left, and -EINVAL. */

/* The least that is left over all windows, with what a release gave in advance; `outcome` (may be
 * NULL): the window that has least, and the hold in force. */
uint64_t budget_left(const struct budgets *b, unsigned budget, const struct principal *p,
                     nanos_t now, struct outcome *outcome);

/* Counts what went, whether it fits or not. -ENOSPC: no ring was free, and some window does not
 * have it. */
int budget_spent(struct budgets *b, unsigned budget, const struct principal *p, uint64_t amount,
                 nanos_t now);

/* The same for what is told late: it went at `when`, no later than now, and is counted in the
 * windows that reach back to it. */
int budget_spent_before(struct budgets *b, unsigned budget, const struct principal *p,
                        uint64_t amount, nanos_t when, nanos_t now);

/* Tells that `amount` did not go: begins a hold, or meets the one in force. For an everyone-budget
 * its largest contributors are held at once; unlike with budget_charge() nothing is taken off for
 * that, so that a window of it lets out its limit and no more. */
struct outcome budget_refused(struct budgets *b, unsigned budget, const struct principal *p,
                              uint64_t amount, nanos_t now);

/* A signal makes a principal less trusted: its budgets are multiplied by `share` (millionths),
 * growing back linearly until `until`. The strongest of several wins. Interface only in this
 * release: no guard calls it yet. */
int budget_shrink(struct budgets *b, const struct principal *p, uint32_t share, nanos_t now,
                  nanos_t until);

/* ---- Holds ----------------------------------------------------------------------------------- */

struct hold {
    uint64_t id;          /* unique in this state directory, never reused */
    int16_t budget;
    uint8_t guard;        /* enum guard: whose segment it stands in */
    uint8_t window;
    bool observed;        /* would have been: nothing is held */
    struct principal principal;
    uint64_t used, limit; /* when it began */
    uint64_t refused;     /* how often it was met since */
    nanos_t since, until; /* boot clock */
};

/* Holds in force, newest first; returns how many were written (at most `most`). */
size_t holds_list(const struct budgets *b, nanos_t now, struct hold *out, size_t most);
bool hold_find(const struct budgets *b, uint64_t id, struct hold *out);

/* Ends a hold now and refunds nothing: a principal still over its windows is held again at its next
 * charge, but is given one tenth of the tightest window first, so that a release is of use. Guard's
 * processes only. */
int hold_release(struct budgets *b, uint64_t id, nanos_t now);

/* "hold-2f-front" <-> (guard, id): how people name a hold. */
#define HOLD_NAME_SIZE 40
char *hold_name(enum guard guard, uint64_t id, char out[HOLD_NAME_SIZE]);
int hold_name_parse(struct text name, enum guard *guard, uint64_t *id);

/* Releases asked for: a file each in `runtime/releases` (0755: guards read it, only its owner
 * writes). Guards look once a second, check for themselves, and release. request: -EACCES, -ENOSPC.
 * apply: how many were released. */
int release_request(const char *runtime, enum guard guard, uint64_t id, struct error *error);
size_t release_apply(struct budgets *b, const char *runtime, nanos_t now);

/* ---- What happened: for the audit log -------------------------------------------------------- */

enum budget_event {
    BUDGET_HELD,
    BUDGET_ENDED,
    BUDGET_RELEASED,
    BUDGET_BREAKER,
    BUDGET_BREAKER_OFF,
    BUDGET_EVENTS
};

struct budget_news {
    enum budget_event event;
    /* of several: the one that used most. Of a breaker: the budget alone. budget -1: no longer
     * known */
    struct hold hold;
    uint64_t count;       /* how many this stands for */
    uint64_t first, last; /* ids of holds */
};

/* What began and ended since the last report, told once: in one process a second (others get 0 at
 * once), each hold singly, but more than 20 of one budget, and all that would have been in observe,
 * as one. What does not fit is told the next time. No call waits. */
size_t budget_report(struct budgets *b, nanos_t now, struct budget_news *out, size_t most);

/* Whether the beginning of this hold was told, or nobody tells: who is about to put its release on
 * the record waits for that, a second at most, so that the record has them in their order. */
bool hold_is_told(const struct budgets *b, uint64_t id, nanos_t now);

/* ---- Life ------------------------------------------------------------------------------------ */

struct budget_sizes {      /* 0 takes the default */
    uint32_t cells;        /* rate cells, default 1 << 20 */
    uint32_t rings;        /* default 1 << 14 */
    uint32_t holds;        /* default 4096 */
    uint32_t things;       /* remembered distinct things, default 1 << 22 */
};

size_t budget_footprint(const struct contract *c, const struct budget_sizes *sizes);

struct moment {            /* both clocks at one instant, and which boot it is */
    nanos_t boot, wall;
    uint8_t boot_id[16];
    nanos_t monotonic;     /* only for what the kernel stamps with it */
};
struct moment moment_now(void);

/* Makes or takes over the two files of one guard. Counts are kept by budget name, and an older
 * layout is migrated. What is damaged is set aside as NAME.damaged and begun anew, with the reason
 * in *error and 1 returned; a jump of the wall clock across a restart is told in *error too, with
 * 2. `group` may write (the nginx workers'), -1: nobody else. */
int budget_create(const struct contract *c, enum guard guard, const struct budget_sizes *sizes,
                  struct moment moment, int group, struct error *error);

/* After budget_create() without a group: `group` may read both files, and write neither: for a
 * guard whose processes open them as root. */
int budget_share(const struct contract *c, enum guard guard, int group, struct error *error);

/* The contract must outlive the open segment. */
int budget_open(const struct contract *c, enum guard guard, bool read_only, struct budgets **out,
                struct error *error);
void budget_close(struct budgets *b); /* takes NULL */

/* Whether budget_create() has put a new file in the place of this one (damage, other sizes): close
 * and open again. */
bool budget_is_replaced(const struct budgets *b);

/* A new contract, prepared (rings for its new budgets found, nothing changed yet), then switched
 * to, or dropped. */
int budget_prepare(struct budgets *b, const struct contract *next, struct error *error);
/* the prepared contract is now in force, counts kept by budget name */
void budget_commit(struct budgets *b);
void budget_rollback(struct budgets *b);

/* Panic and directives: the most cautious wins. Per process. */
void budget_set_mode(struct budgets *b, enum mode mode);

/* Once a second from one process (whichever takes the turn; others return at once): expires holds,
 * picks the largest contributors of an everyone-budget that is over, works the breakers, recovers
 * what a dead process left half done. */
void budget_tick(struct budgets *b, nanos_t now);

/* Makes the rings durable (msync), about once a second, from `ecluse run`, never from a hot
 * path. */
int budget_sync(struct budgets *b);
int budget_sync_at(struct budgets *b, struct moment moment); /* the same, told the time */

/* ---- What operators see ---------------------------------------------------------------------- */

struct budget_worst { /* the principal nearest to its limit */
    struct principal principal;
    uint8_t window;
    uint64_t used, limit;
};

struct budget_state {
    uint64_t charged, allowed, slowed, challenged, refused; /* verdicts since creation */
    uint64_t would_slow, would_challenge, would_hold;       /* in observe */
    uint64_t to_network, to_others; /* charged wider because rings were short */
    uint64_t no_slot;               /* holds that found no slot: an alarm */
    uint64_t not_remembered;        /* distinct things that found no room: an alarm */
    uint32_t principals;
    uint32_t held;                  /* by holds that bind: not those that were only noticed */
    bool breaker_open;              /* it would have held too many: see docs/budgets.md */
    bool has_worst;
    struct budget_worst worst;
};
void budget_state(const struct budgets *b, unsigned budget, nanos_t now, struct budget_state *out);

#endif
