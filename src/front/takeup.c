#include "front/takeup.h"
#include "audit/guard_report.h"
#include "front/front.h"
#include "gate/challenge.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SAID_AGAIN_AFTER NANOS_MINUTE

static struct guard_report report = {.guard = GUARD_FRONT, .name = HANDOVER_FRONT};

/* Each kind once a minute for as long as it stands, so that none hides another. */
enum complaint { NO_CONTROL, NO_CONTRACT, NO_SEGMENT, COMPLAINTS };

static void complain(nanos_t now, enum complaint kind, const char *what, const struct error *error)
{
    static nanos_t said[COMPLAINTS];
    if (said[kind] && now - said[kind] < SAID_AGAIN_AFTER)
        return;
    said[kind] = now;
    log_line(
        LOG_LEVEL_ERROR,
        "%s: %s (if nginx's module and `ecluse` are of different versions, install both from one "
        "build and restart nginx)",
        what, error->text);
}

/* ---- Contract -------------------------------------------------------------------------------- */

static struct contract *read_contract(uint64_t generation, struct error *error)
{
    struct contract *contract = malloc(sizeof *contract);
    if (!contract) {
        error_set(error, -ENOMEM, "no memory for a contract");
        return NULL;
    }
    if (contract_published(front.runtime, generation, contract, error) != 0) {
        free(contract);
        return NULL;
    }
    return contract;
}

static void state_generation(void)
{
    if (front.budgets && front.slot >= 0)
        guard_set_generation(front.budgets, front.slot, front.prepared, front.running,
                             front.refused);
}

/* Everything that is derived from a contract, for the one now in force. */
static void derive(void)
{
    charges_learn(front.contract, &front.charges);
    answer_prepare(front.contract);
    challenge_prepare(front.contract);
}

static void close_store(void)
{
    store_close(front.store);
    filter_close(front.filter);
    front.store = NULL;
    front.filter = NULL;
}

static void close_segment(void)
{
    if (front.budgets && front.slot >= 0)
        guard_leave(front.budgets, front.slot);
    budget_close(front.budgets);
    front.budgets = NULL;
    front.slot = -1;
}

/* A contract that was not prepared comes into force whole: at the start, or when a turn was missed.
 */
static void begin(struct contract *contract, uint64_t generation)
{
    close_segment(); /* it points into the old contract */
    if (front.contract && strcmp(front.contract->state, contract->state) != 0)
        close_store();
    free(front.contract);
    free(front.next);
    front.contract = contract;
    front.next = NULL;
    front.running = front.prepared = generation;
    front.refused = 0;
    derive();
}

static void prepare(uint64_t generation)
{
    struct error error = {""};
    struct contract *next = read_contract(generation, &error);
    if (next && front.budgets && budget_prepare(front.budgets, next, &error) != 0) {
        free(next);
        next = NULL;
    }
    if (next) {
        front.next = next;
        front.prepared = generation;
    } else {
        front.refused = generation;
        log_line(LOG_LEVEL_ERROR, "the offered contract is refused: %s", error.text);
    }
    state_generation();
}

static void roll_back(void)
{
    if (front.budgets)
        budget_rollback(front.budgets);
    free(front.next);
    front.next = NULL;
    front.prepared = front.running;
    state_generation();
}

static void commit(void)
{
    if (front.budgets)
        budget_commit(front.budgets);
    if (strcmp(front.contract->state, front.next->state) != 0)
        close_store();
    free(front.contract);
    front.contract = front.next;
    front.next = NULL;
    front.running = front.prepared;
    derive();
    state_generation();
}

/* The control page cannot be read: the newest contract that can. Names are contract.N. */
static uint64_t newest_published(void)
{
    uint64_t newest = 0;
    DIR *directory = opendir(front.runtime);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)) != NULL) {
        char *end;
        if (strncmp(entry->d_name, "contract.", 9) != 0 || entry->d_name[9] < '0' ||
            entry->d_name[9] > '9')
            continue;
        uint64_t generation = strtoull(entry->d_name + 9, &end, 10);
        if (*end == 0 && generation > newest)
            newest = generation;
    }
    if (directory)
        closedir(directory);
    return newest;
}

static bool control_is_there(nanos_t now)
{
    struct error error = {""};
    if (front.control && control_replaced(front.control, front.runtime)) {
        const struct control *control;
        if (control_open(front.runtime, &control, &error) == 0) {
            control_close(front.control);
            front.control = control;
        }
    }
    if (!front.control && control_open(front.runtime, &front.control, &error) != 0) {
        front.control = NULL;
        complain(now, NO_CONTROL, "no contract is published here", &error);
    }
    return front.control != NULL;
}

static void take_whole(uint64_t generation, nanos_t now)
{
    struct error error = {""};
    struct contract *contract = generation ? read_contract(generation, &error) : NULL;
    if (contract)
        begin(contract, generation);
    else if (generation)
        complain(now, NO_CONTRACT, "the published contract cannot be read", &error);
}

void takeup_contract(nanos_t now)
{
    if (!control_is_there(now)) {
        if (!front.contract)
            take_whole(newest_published(), now);
        return;
    }
    uint64_t offered = control_offered(front.control), live = control_live(front.control);
    if (live && live != front.running) {
        if (front.next && live == front.prepared)
            commit();
        else
            take_whole(live, now);
    }
    if (!front.contract)
        return;
    if (front.next && offered != front.prepared)
        roll_back();
    if (offered && offered != front.running && offered != front.prepared &&
        offered != front.refused)
        prepare(offered);
}

/* ---- Segment --------------------------------------------------------------------------------- */

static ino_t segment_inode(void)
{
    char path[CONTRACT_PATH_SIZE + 32];
    struct stat status;
    int length = snprintf(path, sizeof path, "%s/front.segment", front.contract->runtime);
    if (length < 0 || (size_t)length >= sizeof path || stat(path, &status) != 0)
        return 0;
    return status.st_ino;
}

void takeup_segment(nanos_t now)
{
    ino_t inode = segment_inode();
    if (front.budgets && (inode == front.segment || inode == 0))
        return; /* a file that has lost its name still counts */
    struct error error = {""};
    struct budgets *budgets;
    if (budget_open(front.contract, GUARD_FRONT, false, &budgets, &error) != 0) {
        if (!front.budgets)
            complain(now, NO_SEGMENT, "admission is off, answers go on", &error);
        return;
    }
    if (front.next)
        roll_back(); /* what was prepared was prepared in the old segment; it is offered again */
    close_segment();
    front.budgets = budgets;
    front.segment = inode;
    front.slot = guard_register(budgets, now);
    front.refused = 0;
    state_generation();
}

/* ---- Store ----------------------------------------------------------------------------------- */

static void open_store(void)
{
    struct error error = {""};
    struct store *store;
    struct filter *filter;
    if (store_open(front.contract->state, true, &store, &error) != 0)
        return; /* nothing was fed yet, or what is there is no store: `status` says which */
    close_store();
    front.store = store;
    if (filter_open(front.contract->state, &filter, &error) == 0)
        front.filter = filter;
    if (front.budgets)
        guard_store_is_new(front.budgets, store_generation(store));
}

void takeup_store(void)
{
    if (!front.store || store_was_replaced(front.store))
        open_store();
    if (front.filter)
        filter_refresh(front.filter);
    bool off = front.budgets && guard_store_is_off(front.budgets);
    if (off && !front.store_off)
        log_line(
            LOG_LEVEL_ERROR,
            "two workers died inside the store within a minute: it is switched off until another "
            "file takes its place");
    front.store_off = off;
}

/* ---- Each second ----------------------------------------------------------------------------- */

/* Floods are remembered, and told when they have ended. */
static void beat_waves(nanos_t now)
{
    struct act act;
    if (front_wave_beat(front_gate_challenged(), now, &act) && report.ring)
        handover_act(report.ring, &act);
}

void takeup_beat(nanos_t now)
{
    if (front.slot < 0)
        front.slot = guard_register(front.budgets, now);
    if (front.slot >= 0)
        guard_beat(front.budgets, front.slot, now);
    state_generation();
    budget_set_mode(front.budgets, front_mode());
    release_apply(front.budgets, front.contract->runtime, now);
    guard_report_beat(&report, front.budgets, front.contract, now);
    beat_waves(now);
    budget_tick(front.budgets, now);
}

void takeup_close(void)
{
    close_segment();
    close_store();
    front_wave_close();
    guard_report_close(&report);
    control_close(front.control);
    front.control = NULL;
}
