/* alarm.h: what `status` puts first: one table, from which docs/operate.md's list comes too. */
#ifndef ECLUSE_ALARM_H
#define ECLUSE_ALARM_H

#include "base/base.h"

#include <stddef.h>

/* Where `ecluse run` says what went wrong, under systemd and without. */
#define ALARM_LOG "what `ecluse run` says (`journalctl -u ecluse`; under `serve` its terminal)"

/*    constant           kind                 what it means, and what to do */
#define ALARMS(X)                                                                                  \
    X(PANIC, "panic", "every budget is in observe: nobody is slowed or refused",                   \
      "`ecluse panic --off` once the reason is gone")                                              \
    X(PROMISE_BROKEN, "promise_broken",                                                            \
      "more answers failed or were late than the contract allows",                                 \
      "look at the origin's health and at the budgets' refusals below it")                         \
    X(SUPERVISOR_DOWN, "supervisor_down",                                                          \
      "`ecluse run` does not run: nginx and the kernel go on as last decided, shares are free, "   \
      "and no change, release of memory or sync to disk happens",                                  \
      "start it (`systemctl start ecluse`, or `ecluse serve` again); why it ended is in what it "  \
      "said (`journalctl -u ecluse`; under `serve` its terminal)")                                 \
    X(GUARD_DOWN, "guard_down", "no process of a guard is alive that a budget needs",              \
      "front: `nginx -t`, then start nginx with the module; egress, files: look at " ALARM_LOG)    \
    X(GUARD_BEHIND, "guard_behind",                                                                \
      "a process of a guard works with an older contract than the one in force for over 5 s",      \
      "it takes it up at its next look; if this lasts, reload nginx, or restart `ecluse run`")     \
    X(CONTRACT_REFUSED, "contract_refused",                                                        \
      "the contract's file was changed, and the change is not in force",                           \
      "`ecluse check`, correct the file; it is read again at once. Where `state` or `runtime` "    \
      "was "                                                                                       \
      "changed: restart `ecluse run`")                                                             \
    X(KEEPER_DOWN, "keeper_down", "the process that removes expired parcels keeps dying",          \
      "look at " ALARM_LOG "; it is started again by itself")                                      \
    X(DESK_DOWN, "desk_down", "the operators' desk does not run: its page does not answer",        \
      "look at " ALARM_LOG ": its address may be in use; it is started again by itself")           \
    X(RECORDER_DOWN, "recorder_down",                                                              \
      "the audit log is not written: releases, panic and looser contracts wait for it",            \
      "a full disk, mostly: look at " ALARM_LOG "; --without-record is for an emergency")          \
    X(RECORD_LOST, "record_lost",                                                                  \
      "acts could not be taken into the audit log; their number is an entry of it",                \
      "`ecluse audit tail` shows the entry `lost` and what went before")                           \
    X(NOT_WITNESSED, "not_witnessed", "no witness has cosigned the audit log's newest entries",    \
      "look whether the witness answers; the reason is in " ALARM_LOG)                             \
    X(BREAKER_OPEN, "breaker_open",                                                                \
      "a budget would hold too large a share of yesterday's good clients, so it stops only who "   \
      "is "                                                                                        \
      "four times over: its limit is too low, or it is an attack from many addresses",             \
      "`ecluse holds`: customers: raise its limit; strangers: leave it, it closes by itself")      \
    X(NO_HOLD_SLOT, "no_hold_slot", "more principals were over a budget than can be held at once", \
      "add a budget per network, so that fewer holds cover the flood")                             \
    X(THINGS_FULL, "things_full",                                                                  \
      "more distinct things were read than are remembered: read again, they cost again",           \
      "shorten the longest window of the budgets on distinct things; docs/budgets.md has the "     \
      "size")                                                                                      \
    X(SHARE_UNGUARDED, "share_unguarded",                                                          \
      "files of a share are read and written without a limit, and nothing of them is kept",        \
      "its reason says what is in the way; `ecluse check` says where a share may lie")             \
    X(QUEUE_OVERFLOW, "queue_overflow",                                                            \
      "the kernel had more removals and renames to tell than are taken: some were not counted",    \
      "what they removed is in the vault; fewer removals at once, or a faster disk")               \
    X(NOT_COVERED, "not_covered",                                                                  \
      "files were opened for writing of which the vault has no version: they could not be "        \
      "restored",                                                                                  \
      "put the share on XFS or btrfs, or raise `copy_up_to`; failures are in " ALARM_LOG)          \
    X(VAULT_FULL, "vault_full",                                                                    \
      "somebody has rewritten so much that no room is left for what it was: he may write no more", \
      "`ecluse holds` and `ecluse files list`: who it is; then `files.vault` more room, or less "  \
      "`keep`")                                                                                    \
    X(OPENED_BEFORE, "opened_before",                                                              \
      "programs have files of a share open for writing since before the guard began",              \
      "restart them; `ecluse files opened` says which, to root")                                  \
    X(STORE_OFF, "store_off",                                                                      \
      "workers died while reading the store, so it is switched off and lookups go to the origin",  \
      "set `state/tracking` aside, restore it or feed it again")                                   \
    X(STORE_UNREADABLE, "store_unreadable",                                                        \
      "the store of parcels cannot be opened, or kills who reads it",                              \
      "set `state/tracking` aside, restore it or feed it again")                                   \
    X(RECORDS_DAMAGED, "records_damaged",                                                          \
      "records failed their checksum; they were given to nobody",                                  \
      "look at the disk's health; set `state/tracking` aside, and feed it again")                  \
    X(ORIGIN_DOWN, "origin_down",                                                                  \
      "the origin refuses connections, times out or answers 5xx: the store answers for it",        \
      "look at the origin; readers are told meanwhile")                                            \
    X(FLOOD, "flood",                                                                              \
      "a route is asked for more than its origin takes: strangers are asked for proof first",      \
      "nothing, mostly: it ends by itself. `ecluse status` has the figures, `ecluse waves` what "  \
      "it is made of; docs/flood.md")                                                              \
    X(SELF_OFF, "self_off",                                                                        \
      "a worker met a mistake of ours and switched the module off in itself",                      \
      "report the line in nginx's error log; reloading nginx brings the module back")              \
    X(PASS_KEYS, "pass_keys",                                                                      \
      "the keys that passes are signed with are not looked after: none is added, none is read",    \
      "its reason says what to do; it is looked at again as soon as the file changes")             \
    X(FEED_SILENT, "feed_silent", "a source has sent nothing for longer than the contract says",   \
      "ask whoever sends it; answers from the store grow old meanwhile")                           \
    X(FEED_FLOODING, "feed_flooding",                                                              \
      "a source sends far more events than it usually does in an hour",                            \
      "ask whoever sends it; stop feeding it if it is not theirs")                                 \
    X(FILTER_UNUSABLE, "filter_unusable",                                                          \
      "the filter of live numbers is missing or damaged: lookups are slower, never wrong",         \
      "`ecluse ingest` with any feed builds it anew")                                              \
    X(OUTPUT_FAILING, "output_failing",                                                            \
      "an output has told nothing for five minutes, because its receiver or its file takes "       \
      "nothing",                                                                                   \
      "`ecluse status` has its reason; what it had to tell is kept, and told later")               \
    X(HERALD_DOWN, "herald_down",                                                                  \
      "the process that tells others does not run: no figures, events, calls or heartbeat",        \
      "look at " ALARM_LOG "; it is started again by itself")                                      \
    X(DISK_FULL, "disk_full", "less than 5 % of the disk under `state` is free",                   \
      "make room: feeds are refused when it is full; answers go on")

enum alarm_kind {
#define X(constant, ...) ALARM_##constant,
    ALARMS(X)
#undef X
        ALARM_KIND_COUNT
};

enum { ALARMS_MAX = 256 };

struct alarm {
    enum alarm_kind kind;
    const char *to_do; /* NULL: what the table says of its kind */
    char text[360];
};

struct alarms {
    size_t count;
    struct alarm alarm[ALARMS_MAX];
};

const char *alarm_name(enum alarm_kind kind);
const char *alarm_meaning(enum alarm_kind kind);
const char *alarm_remedy(enum alarm_kind kind);
const char *alarm_to_do(const struct alarm *alarm);

/* More than ALARMS_MAX are not kept: by then the first ones say enough. */
__attribute__((format(printf, 3, 4))) void alarm_add(struct alarms *alarms, enum alarm_kind kind,
                                                     const char *format, ...);

/* What to do of the alarm that was added last, where more is known than its kind; kept as it is. */
void alarm_say_to_do(struct alarms *alarms, const char *to_do);

#endif
