#include "cli/children.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct child_kind kinds[CHILD_COUNT] = {
#define X(constant, word, main, ...) {word, "the " word, main, __VA_ARGS__},
    CHILDREN(X)
#undef X
};

const struct child_kind *child_kind(enum child_name name)
{
    return &kinds[name];
}

const struct child_kind *child_kind_told(int argc, char **argv, struct child_words *out)
{
    for (int i = 0; i < CHILD_COUNT; i++)
        if (child_words(kinds[i].name, argc, argv, out))
            return &kinds[i];
    return NULL;
}

void children_open(struct children *all, struct chronicle *chronicle)
{
    *all = (struct children){.chronicle = chronicle};
    for (int i = 0; i < CHILD_COUNT; i++)
        all->child[i].name = kinds[i].title;
}

void children_start(struct children *all, enum child_name name, const struct contract *c,
                    nanos_t now)
{
    const struct child_kind *kind = &kinds[name];
    struct child *child = &all->child[name];
    struct error error = {""};
    struct child_words words = {.parent = getpid()};
    memcpy(words.runtime, c->runtime, sizeof words.runtime);
    memcpy(words.state, c->state, sizeof words.state);
    all->fixed[name] = kind->fixed ? kind->fixed(c) : 0;
    pid_t pid = !kind->prepare || kind->prepare(c, &error) == 0 ? fork() : -1;
    if (pid == 0) {
        child_prepare(words.parent);
        child_exec(kind->name, &words);
    }
    if (pid < 0) {
        log_line(LOG_LEVEL_ERROR, "%s cannot be started: %s", kind->title,
                 *error.text ? error.text : strerror(errno));
        child->start_at = now + kind->retry;
        return;
    }
    child_began(child, pid, now);
    chronicle_say(all->chronicle, ACT_GUARD_UP, kind->name, "process %d", pid);
    all->since[name] = clock_wall();
    all->changed = true;
}

static bool is_wanted(const struct child_kind *kind, const struct contract *c)
{
    return !kind->wanted || kind->wanted(c);
}

static void tidy(struct children *all, enum child_name name, const struct contract *c, nanos_t now)
{
    nanos_t *tidied = &all->tidied[name];
    if (!kinds[name].unwanted || (*tidied && now - *tidied < NANOS_HOUR))
        return;
    kinds[name].unwanted(c);
    *tidied = now;
}

void children_start_due(struct children *all, const struct contract *c, nanos_t now)
{
    for (int i = 0; i < CHILD_COUNT; i++)
        if (!is_wanted(&kinds[i], c))
            tidy(all, (enum child_name)i, c, now);
        else if (child_due(&all->child[i], now))
            children_start(all, (enum child_name)i, c, now);
}

void children_follow(struct children *all, const struct contract *c)
{
    for (int i = CHILD_COUNT - 1; i >= 0; i--) {
        uint64_t fixed = kinds[i].fixed ? kinds[i].fixed(c) : 0;
        bool differs = fixed != all->fixed[i];
        if (differs || !is_wanted(&kinds[i], c))
            child_stop(&all->child[i], kinds[i].stop_signal, kinds[i].patience);
        if (differs)
            all->child[i].start_at = 0;
        all->fixed[i] = fixed;
        all->tidied[i] = 0;
    }
    all->changed = true;
}

bool children_reap(struct children *all, pid_t gone, int status, const struct contract *c,
                   nanos_t now)
{
    int i = 0;
    while (i < CHILD_COUNT && all->child[i].pid != gone)
        i++;
    if (i == CHILD_COUNT)
        return false;
    const struct child_kind *kind = &kinds[i];
    struct child *child = &all->child[i];
    const int ended = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (kind->again && ended == kind->again) {
        child->pid = 0;
        child->start_at = now;
        return true;
    }
    child_died(child, status, now);
    all->since[i] = clock_wall();
    all->changed = true;
    if (kind->mends && ended == kind->mends) {
        kind->mend(c, all->chronicle);
        child->start_at = now;
        return true;
    }
    chronicle_say(all->chronicle, ACT_GUARD_DOWN, kind->name,
                  "process %d %s %d; started again in %lld s", gone,
                  WIFSIGNALED(status) ? "died of signal" : "ended with status",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                  (long long)(child->back_off / NANOS_SECOND));
    return true;
}

void children_stop(struct children *all, bool to_the_last)
{
    for (int i = CHILD_COUNT - 1; i >= 0; i--)
        if (kinds[i].to_the_last == to_the_last)
            child_stop(&all->child[i], kinds[i].stop_signal, kinds[i].patience);
}
