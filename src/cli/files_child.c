#include "cli/files_child.h"

#include "audit/guard_report.h"
#include "contract/publish.h"
#include "files/files.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_NICE = -10 };

static volatile sig_atomic_t stopping;

struct work {
    const struct child_words *words;
    const struct control *control;
    struct files *files;
    struct contract *contract, *next; /* in force; prepared */
    uint64_t prepared, running, refused;
    struct guard_report report;
    nanos_t second;
};

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

/* ---- Contracts ------------------------------------------------------------------------------- */

static struct contract *read_contract(const struct work *w, uint64_t generation)
{
    struct error error = {""};
    struct contract *contract = malloc(sizeof *contract);
    if (contract && contract_published(w->words->runtime, generation, contract, &error) == 0)
        return contract;
    log_line(LOG_LEVEL_ERROR, "files: the published contract cannot be read: %s", error.text);
    free(contract);
    return NULL;
}

static void prepare(struct work *w, uint64_t generation)
{
    struct error error = {""};
    struct contract *next = read_contract(w, generation);
    if (next && files_prepare(w->files, next, &error) < 0) {
        log_line(LOG_LEVEL_ERROR, "files: the offered contract is refused: %s", error.text);
        free(next);
        next = NULL;
    }
    w->next = next;
    *(next ? &w->prepared : &w->refused) = generation;
}

static void roll_back(struct work *w)
{
    files_rollback(w->files);
    free(w->next);
    w->next = NULL;
    w->prepared = w->running;
}

static void commit(struct work *w)
{
    files_commit(w->files, w->next);
    free(w->contract);
    w->contract = w->next;
    w->next = NULL;
    w->running = w->prepared;
}

/* As publish.h says. False: a contract came into force that was not prepared, or the folder is
 * another one: begin anew. */
static bool take_up(struct work *w)
{
    uint64_t offered = control_offered(w->control), live = control_live(w->control);
    if (control_replaced(w->control, w->words->runtime))
        return false;
    if (live && live != w->running) {
        if (!w->next || live != w->prepared)
            return false;
        commit(w);
    }
    if (w->next && offered != w->prepared)
        roll_back(w);
    if (offered && offered != w->running && offered != w->prepared && offered != w->refused)
        prepare(w, offered);
    files_tell(w->files, w->prepared, w->running, w->refused);
    files_set_mode(w->files, control_panic(w->control) ? MODE_OBSERVE : w->contract->mode);
    return true;
}

/* ---- The record ------------------------------------------------------------------------------ */

static void put_on_record(struct work *w)
{
    static const enum act_kind kinds[] = {
        [FILES_UP] = ACT_GUARD_UP, [FILES_DOWN] = ACT_GUARD_DOWN, [FILES_ALARM] = ACT_ALARM};
    struct files_news news;
    while (w->report.ring && files_news(w->files, &news)) {
        struct act act = {.at = clock_wall(), .kind = (uint8_t)kinds[news.event]};
        act_text(act.actor, sizeof act.actor, TEXT("guard files"));
        act_text(act.object, sizeof act.object, text_of(news.object));
        act_text(act.reason, sizeof act.reason, text_of(news.text));
        handover_act(w->report.ring, &act);
        log_line(news.event == FILES_UP ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "files: %s: %s",
                 news.object, news.text);
    }
}

/* ---- The work -------------------------------------------------------------------------------- */

static bool begin(struct work *w, struct error *error)
{
    int code = control_open(w->words->runtime, &w->control, error);
    if (code < 0)
        return false;
    w->running = w->prepared = control_live(w->control);
    w->contract = read_contract(w, w->running);
    if (!w->contract) {
        error_set(error, -EPROTO, "there is no contract to begin with");
        return false;
    }
    enum mode mode = control_panic(w->control) ? MODE_OBSERVE : MODE_ENFORCE;
    return files_open(w->contract, mode, moment_now(), &w->files, error) == 0;
}

static int work(struct work *w)
{
    bool good = true;
    while (!stopping && good && getppid() == w->words->parent) {
        struct pollfd ready = {.fd = files_descriptor(w->files), .events = POLLIN};
        poll(&ready, 1, (int)(FILES_PACE / NANOS_MILLISECOND));
        struct moment moment = moment_now();
        good = take_up(w) && !budget_is_replaced(files_budgets(w->files));
        files_tick(w->files, moment);
        put_on_record(w);
        if (moment.boot - w->second < NANOS_SECOND)
            continue;
        w->second = moment.boot;
        guard_report_beat(&w->report, files_budgets(w->files), w->contract, moment.boot);
    }
    put_on_record(w);
    files_close(w->files);
    guard_report_close(&w->report);
    return good ? EXIT_SUCCESS : FILES_AGAIN;
}

bool files_wanted(const struct contract *c)
{
    return contract_wants(c, GUARD_FILES);
}

_Noreturn void files_main(const struct child_words *words)
{
    struct error error = {""};
    struct work w = {.words = words, .report = {.guard = GUARD_FILES, .name = HANDOVER_FILES}};
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN); /* the supervisor stops us in order */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "ecluse-files-m");
    setpriority(PRIO_PROCESS, 0, FILES_NICE); /* it stops who removes files faster than it */
    umask(0077);
    /* A listener that dies for want of memory is begun again, and what is opened meanwhile is not
     * asked: others go first. */
    files_oom_score("-900");
    if (!begin(&w, &error)) {
        log_line(LOG_LEVEL_ERROR, "files: %s", error.text);
        _exit(EXIT_FAILURE);
    }
    _exit(work(&w));
}
