/* What the guard of files tells of itself: shares, their vaults, and what needs a person. */
#include "status/figure.h"
#include "status/status.h"

#include <inttypes.h>

static bool is_fresh(const struct status *st)
{
    return st->has_files &&
           st->s.now.boot - st->files.heartbeat < FILES_SILENT_AFTER;
}

static const char *share_name(const struct status *st, unsigned i)
{
    return i < st->s.contract->share_count ? st->s.contract->share[i].name : "?";
}

/* ---- Alarms ---------------------------------------------------------------------------------- */

static void vault_alarms(struct status *st, const char *name, const struct files_share_state *share)
{
    const struct vault_state *vault = &share->vault.vault;
    if (!share->covered)
        alarm_add(&st->alarms, ALARM_NOT_COVERED,
                  "share %s: its vault is down; what is opened for writing counts as rewritten",
                  name);
    else if (vault->not_covered || vault->failed)
        alarm_add(&st->alarms, ALARM_NOT_COVERED,
                  "share %s: %" PRIu64 " files were not kept before they could be written, and "
                  "%" PRIu64 " failed",
                  name, vault->not_covered, vault->failed);
    if (share->vault.stuck)
        alarm_add(&st->alarms, ALARM_NOT_COVERED,
                  "share %s: %u threads of its vault wait for files that somebody keeps locked",
                  name, share->vault.stuck);
    if (vault->full)
        alarm_add(&st->alarms, ALARM_VAULT_FULL, "share %s: the disk is full, and so its vault",
                  name);
    else if (vault->refused)
        alarm_add(&st->alarms, ALARM_VAULT_FULL,
                  "share %s: %" PRIu64 " times somebody had no room left and could not write", name,
                  vault->refused);
}

static void share_alarms(struct status *st, unsigned i)
{
    const struct files_share_state *share = &st->files.share[i];
    const char *name = share_name(st, i);
    if (!share->guarded) {
        alarm_add(&st->alarms, ALARM_SHARE_UNGUARDED, "share %s is not guarded: %.200s", name,
                  *share->reason ? share->reason : "the listener is not up");
        return;
    }
    if (share->opened_before)
        alarm_add(
            &st->alarms, ALARM_OPENED_BEFORE,
            "share %s: %u descriptors for writing were opened before the guard, and still are",
            name, share->opened_before);
    if (st->files.enforce)
        vault_alarms(st, name, share);
}

void files_look(struct status *st)
{
    if (!contract_wants(st->s.contract, GUARD_FILES))
        return;
    st->has_files = files_state_read(st->s.runtime, &st->files) == 0;
    if (!is_fresh(st))
        return; /* guard_down says it */
    if (!st->files.listener) {
        alarm_add(&st->alarms, ALARM_GUARD_DOWN,
                  "the guard files has no listener: opens on shares are not asked about");
        alarm_say_to_do(&st->alarms, guard_to_do(GUARD_FILES));
    }
    if (st->files.count[BOARD_OVERFLOWS])
        alarm_add(&st->alarms, ALARM_QUEUE_OVERFLOW,
                  "the queue of notices overflowed %" PRIu64 " times",
                  st->files.count[BOARD_OVERFLOWS]);
    for (unsigned i = 0; i < st->files.share_count; i++)
        share_alarms(st, i);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Where nothing is kept (observe), nothing is left to be kept. */
static json_t *vault_json(const struct files_share_state *share, bool enforces)
{
    const struct vault_report *report = &share->vault;
    const struct vault_state *vault = &report->vault;
    json_t *object = json_pack(
        "{s:b,s:s,s:b,s:i,s:b}", "up", (int)share->covered, "kind",
        vault_kind_name(vault->kind <= VAULT_COPIES ? (enum vault_kind)vault->kind : VAULT_NONE),
        "pass_done", !enforces || report->pass.ended, "pid", (int)report->pid, "full",
        (int)vault->full);
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"pass_seen", report->pass.seen},  {"pass_kept", report->pass.kept},
        {"files", vault->files},           {"versions", vault->versions},
        {"past_bytes", vault->past_bytes}, {"at_most", vault->at_most},
        {"per_user", vault->per_user},     {"log_bytes", vault->log_bytes},
        {"waiting", report->waiting},      {"stuck", report->stuck},
        {"judged", report->judged},
        {"counted", report->counted},      {"not_covered", vault->not_covered},
        {"failed", vault->failed},         {"refused", vault->refused},
        {"evicted", vault->evicted},       {"expired", vault->expired},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        json_object_set_new(object, figures[i].name, number(figures[i].value));
    return object;
}

static json_t *share_json(const struct status *st, unsigned i)
{
    const struct files_share_state *share = &st->files.share[i];
    return json_pack("{s:o,s:b,s:o,s:o,s:o,s:o}", "name", json_safe(share_name(st, i)), "guarded",
                     (int)share->guarded, "reason",
                     *share->reason ? json_safe(share->reason) : json_null(), "canaries",
                     number(share->canaries), "opened_before", number(share->opened_before),
                     "vault", vault_json(share, st->files.enforce));
}

json_t *files_json(const struct status *st)
{
    if (!is_fresh(st))
        return json_null();
    const struct files_state *files = &st->files;
    json_t *counts = json_object(), *shares = json_array();
    for (unsigned i = 0; i < BOARD_COUNT_COUNT; i++)
        json_object_set_new(counts, board_count_name((enum board_count)i), number(files->count[i]));
    for (unsigned i = 0; i < files->share_count; i++)
        json_array_append_new(shares, share_json(st, i));
    json_t *listener = json_pack("{s:o,s:b,s:o,s:o}", "pid",
                                 files->listener ? number((uint64_t)files->listener) : json_null(),
                                 "enforces", (int)files->enforce, "deaths", number(files->deaths),
                                 "killed", number(files->killed));
    return json_pack("{s:i,s:o,s:i,s:o,s:i,s:o}", "manager", files->manager, "listener", listener,
                     "watchdog", files->watchdog, "counts", counts, "frozen", (int)files->frozen,
                     "shares", shares);
}
