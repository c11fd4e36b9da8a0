#include "files/listener_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A question's cookie, which comes back with its answer: what it was about. */
enum { COOKIE_THING = 40, COOKIE_NUMBER = 23 };
#define COOKIE_THINGS  ((UINT64_C(1) << COOKIE_THING) - 1)
#define COOKIE_NUMBERS ((UINT64_C(1) << COOKIE_NUMBER) - 1)

static uint64_t cookie_of(uint64_t thing, uint32_t number)
{
    return thing | (uint64_t)number << COOKIE_THING;
}

/* ---- The socket ------------------------------------------------------------------------------ */

void asking_open(struct listener *l, unsigned share)
{
    struct error error;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = share};
    if (l->vault[share] < 0)
        return;
    if (epoll_ctl(l->poll, EPOLL_CTL_ADD, l->vault[share], &event) < 0) {
        asking_gone(l, share);
        return;
    }
    if (!l->view[share] && vault_view_open(l->contract->runtime, l->contract->share[share].name,
                                           false, &l->view[share], &error) < 0)
        l->view[share] = NULL;
}

void asking_gone(struct listener *l, unsigned share)
{
    vault_view_close(l->view[share]);
    l->view[share] = NULL;
    if (l->vault[share] >= 0)
        close(l->vault[share]);
    l->vault[share] = -1;
}

bool asking_is_up(const struct listener *l, unsigned share)
{
    return l->vault[share] >= 0;
}

bool asking_has(const struct listener *l, unsigned share, const struct stat *status)
{
    return l->view[share] && vault_view_has(l->view[share], status);
}

bool asking_refuses(const struct listener *l, unsigned share, uint32_t user)
{
    return l->view[share] && vault_view_refuses(l->view[share], user);
}

/* ---- Questions ------------------------------------------------------------------------------- */

static int ask(struct listener *l, unsigned share, const struct vault_question *question, int fd)
{
    int code = l->vault[share] < 0 ? -EPIPE : vault_ask(l->vault[share], question, fd);
    if (code == -EPIPE && l->vault[share] >= 0)
        asking_gone(l, share);
    if (code < 0)
        board_add(l->board, BOARD_NOT_ASKED);
    /* Who opens is told that nobody could be asked; of what has happened, the vault finds out. */
    l->missed[share] |= code < 0 && question->event != VAULT_OPENED;
    return code;
}

/* Of what has happened. Whoever does more than the vault can take note of stands still for a
 * moment: else a flood of renames would hide what else he does. */
static void tell(struct listener *l, const struct payer *payer,
                 const struct vault_question *question, int fd)
{
    int code = ask(l, payer->share, question, fd);
    const struct vault_view *view = l->view[payer->share];
    if ((code == -EAGAIN || (view && vault_view_pressed(view))) && payer->trusted == OWNER_NOBODY)
        listener_pause(l, payer);
}

static struct vault_who who_of(const struct payer *payer)
{
    return (struct vault_who){.user = payer->known ? payer->user : VAULT_NOBODY,
                              .tree = payer->tree ? payer->tree->id : 0};
}

int asking_opened(struct listener *l, const struct waiting *waiting, bool kept)
{
    static struct vault_question question;
    question.cookie = cookie_of(waiting->thing, waiting->number);
    question.event = VAULT_OPENED;
    question.kept = kept;
    question.who = (struct vault_who){waiting->user, waiting->tree};
    question.at = clock_wall();
    return ask(l, waiting->share, &question, waiting->fd);
}

/* The number of what has happened tells who is trusted: 0 nobody, else the entry and one. */
static void ask_of(struct listener *l, const struct act_seen *act, enum vault_event event)
{
    static struct vault_question question;
    question.cookie = cookie_of(act->thing, (uint32_t)(act->owner.trusted + 1));
    question.event = (uint8_t)event;
    question.who = who_of(&act->payer);
    question.at = clock_wall();
    tell(l, &act->payer, &question, act->fd);
}

void asking_closed(struct listener *l, const struct act_seen *act)
{
    ask_of(l, act, VAULT_WRITTEN);
}

void asking_changed(struct listener *l, const struct act_seen *act)
{
    ask_of(l, act, VAULT_CHANGED);
}

void asking_held(struct listener *l, unsigned share, uint64_t hold, const struct payer *payer,
                 const struct principal *principal, nanos_t from)
{
    static struct vault_question question;
    char name[HOLD_NAME_SIZE];
    question.event = VAULT_HELD;
    question.who = (struct vault_who){.user = VAULT_NOBODY};
    if (principal->kind == PRINCIPAL_USER)
        question.who.user = payer->user;
    else if (principal->kind == PRINCIPAL_PROCESS && payer->tree)
        question.who.tree = payer->tree->id;
    question.at = from;
    snprintf(question.hold, sizeof question.hold, "%s", hold_name(GUARD_FILES, hold, name));
    if (l->vault[share] >= 0)
        ask(l, share, &question, -1);
}

void asking_moved(struct listener *l, const struct payer *payer, const struct vault_file *file,
                  const char *from, const char *to)
{
    static struct vault_question question;
    question.cookie = cookie_of(0, (uint32_t)(payer->trusted + 1));
    question.event = VAULT_MOVED;
    question.who = who_of(payer);
    question.file = *file;
    question.at = clock_wall();
    snprintf(question.path, sizeof question.path, "%s", from);
    snprintf(question.to, sizeof question.to, "%s", to);
    tell(l, payer, &question, -1);
}

void asking_removed(struct listener *l, const struct payer *payer, const struct vault_file *file,
                    const char *path)
{
    static struct vault_question question;
    question.cookie = cookie_of(0, (uint32_t)(payer->trusted + 1));
    question.event = VAULT_REMOVED;
    question.who = who_of(payer);
    question.file = *file;
    question.at = clock_wall();
    snprintf(question.path, sizeof question.path, "%s", path);
    tell(l, payer, &question, -1);
}

void asking_missed(struct listener *l)
{
    for (unsigned i = 0; i < l->contract->share_count; i++)
        l->missed[i] = true;
}

void asking_tell_missed(struct listener *l)
{
    static struct vault_question question;
    question.event = VAULT_MISSED;
    question.who = (struct vault_who){.user = VAULT_NOBODY};
    for (unsigned i = 0; i < l->contract->share_count; i++)
        if (l->missed[i] && l->vault[i] >= 0)
            l->missed[i] = vault_ask(l->vault[i], &question, -1) == -EAGAIN;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void count_rewritten(struct listener *l, unsigned share, const struct vault_answer *answer)
{
    uint32_t number = (uint32_t)(answer->cookie >> COOKIE_THING & COOKIE_NUMBERS);
    struct payer payer = {.user = answer->who.user,
                          .known = answer->who.user != VAULT_NOBODY,
                          .tree = owners_tree(l->owners, answer->who.tree),
                          .trusted = OWNER_NOBODY,
                          .share = (uint16_t)share};
    if (answer->event != VAULT_OPENED && number && number <= l->contract->trusted_count)
        payer.trusted = (int16_t)(number - 1);
    struct trace_act trace = {.kind = TRACE_REWRITTEN,
                              .share = (uint16_t)share,
                              .user = answer->who.user,
                              .tree = answer->who.tree,
                              .figures = &answer->figures};
    board_trace(l->board, &trace,
                (struct text){answer->path, strnlen(answer->path, VAULT_PATH_SIZE)}, l->now);
    if (answer->figures.verdict != REWRITE_COUNTS)
        return;
    board_add(l->board, BOARD_REWRITTEN);
    struct charged charged = charging_charge(&l->charging, l->budgets, METER_FILES_REWRITTEN,
                                             &payer, answer->thing, l->now);
    listener_held(l, &payer, &charged);
}

void asking_answers(struct listener *l, unsigned share)
{
    static struct vault_answer answer;
    int code = 0;
    for (int i = 0;
         i < 64 && l->vault[share] >= 0 && (code = vault_answer(l->vault[share], &answer)) > 0;
         i++) {
        if (answer.event == VAULT_OPENED)
            opening_kept(l, (uint32_t)(answer.cookie >> COOKIE_THING & COOKIE_NUMBERS),
                         answer.result);
        if (!answer.rewritten)
            continue;
        flights_judged(&l->flights, answer.cookie & COOKIE_THINGS);
        count_rewritten(l, share, &answer);
    }
    if (code < 0)
        asking_gone(l, share);
}
