/* What is, for status: one small file that is mapped, and written whole a few times a second. */
#include "base/shared_file.h"
#include "files/files_parts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static const uint64_t state_seed = 4; /* raise it when the struct's meaning changes */

static void name_state(char out[CONTRACT_PATH_SIZE + 16], const char *runtime)
{
    snprintf(out, CONTRACT_PATH_SIZE + 16, "%s/files.state", runtime);
}

static uint64_t check_of(const struct files_state *state)
{
    const size_t skipped = offsetof(struct files_state, heartbeat);
    return hash_checksum(state_seed, (const char *)state + skipped, sizeof *state - skipped);
}

int state_open(struct files *f, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 16];
    name_state(path, f->contract->runtime);
    int code = shared_file_make(path, sizeof(struct files_state), -1, NULL, NULL, error);
    if (code == 0)
        code = chmod(path, 0644) != 0 ? -errno : 0;
    return code ? code : shared_file_map(path, sizeof(struct files_state), false, &f->state, error);
}

static void fill_vault(struct files *f, unsigned i, struct vault_report *out)
{
    struct share_crew *crew = &f->share[i];
    struct error error;
    if (crew->vault && !crew->view &&
        vault_view_open(f->contract->runtime, f->contract->share[i].name, false, &crew->view,
                        &error) < 0)
        crew->view = NULL;
    if (crew->vault && crew->view)
        vault_view_report(crew->view, out);
}

static void fill_share(struct files *f, unsigned i, struct files_share_state *out)
{
    struct share_crew *crew = &f->share[i];
    out->guarded = crew->place.device && crew_is_up(f);
    out->covered = crew->vault > 0;
    out->opened_before = crew->opened_before;
    out->canaries = canaries_of(f, i);
    memcpy(out->reason, crew->reason, sizeof out->reason);
    fill_vault(f, i, &out->vault);
}

void state_write(struct files *f)
{
    static struct files_state state;
    bool up = crew_is_up(f);
    memset(&state, 0, sizeof state);
    state.heartbeat = f->moment.boot;
    state.manager = f->board->ours[0];
    state.listener = up ? f->listener[f->seat].pid : 0;
    state.watchdog = f->watchdog;
    state.enforce = up && f->mode == MODE_ENFORCE;
    state.since = up ? f->up_since : f->down_since;
    state.deaths = f->deaths;
    state.killed = atomic_load(&f->board->killed);
    for (unsigned i = 0; i < BOARD_COUNT_COUNT; i++)
        state.count[i] = atomic_load(&f->board->count[i]);
    state.frozen = freezer_count(&f->freezer);
    state.share_count = f->contract->share_count;
    for (unsigned i = 0; i < state.share_count; i++)
        fill_share(f, i, &state.share[i]);
    state.check = check_of(&state);
    if (f->state)
        memcpy(f->state, &state, sizeof state);
}

/* Nobody beats any more: what it said is not so any longer. */
void state_close(struct files *f)
{
    if (f->state)
        memset(f->state, 0, sizeof(struct files_state));
    shared_file_unmap(f->state, sizeof(struct files_state));
    f->state = NULL;
}

/* Written while it is read, it does not agree with its checksum: a few tries are enough. */
int files_state_read(const char *runtime, struct files_state *out)
{
    char path[CONTRACT_PATH_SIZE + 16];
    void *mapped;
    struct files_state state;
    struct error error;
    name_state(path, runtime);
    int code = shared_file_map(path, sizeof state, true, &mapped, &error);
    if (code)
        return code;
    code = -EPROTO;
    for (int i = 0; i < 100 && code; i++) {
        memcpy(&state, mapped, sizeof state);
        if (state.check == check_of(&state) && state.share_count <= CONTRACT_MAX_SHARES)
            code = 0;
    }
    shared_file_unmap(mapped, sizeof state);
    if (code == 0) {
        for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++)
            state.share[i].reason[sizeof state.share[i].reason - 1] = 0;
        *out = state;
    }
    return code;
}
