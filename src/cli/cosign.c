#include "cli/cosign.h"

#include "cli/asker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const nanos_t ask_again = NANOS_SECOND;
static const nanos_t back_off_first = 5 * NANOS_SECOND, back_off_longest = 5 * NANOS_MINUTE;

struct cosigner {
    struct witness_rule rule;
    struct verifier_key key;
    int end; /* of its asker; -1 */
    pid_t pid;
    bool busy, dead, alarmed;
    uint64_t seen;            /* what it cosigned last, as far as we know */
    uint64_t asked;           /* the size of what it is asked for now */
    char body[NOTE_SIZE_MAX]; /* ... and its checkpoint's body */
    size_t body_length;
    uint64_t cosigned; /* by an answer that we verified */
    nanos_t next, back_off, cosigned_at;
    int32_t failed; /* the status last complained of */
};

struct cosigners {
    struct audit_rules rules;
    uint32_t count;
    struct audit_reader *reader; /* for proofs */
    struct cosigner cosigner[CONTRACT_MAX_WITNESSES];
};

struct cosigners *cosigners_start(const struct contract *c, const struct account *account)
{
    struct cosigners *all = calloc(1, sizeof *all);
    must(all != NULL);
    all->rules = c->audit;
    for (uint32_t i = 0; i < c->audit.witness_count; i++) {
        struct cosigner *one = &all->cosigner[all->count];
        *one = (struct cosigner){.rule = c->audit.witness[i], .end = -1};
        if (verifier_key_parse(text_of(one->rule.key), &one->key) != 0 ||
            one->key.type != NOTE_KEY_COSIGNER) {
            log_line(LOG_LEVEL_ERROR,
                     "recorder: the key of witness %s is no cosigner's key; it is not asked",
                     one->rule.name);
            continue;
        }
        one->end = asker_start(one->rule.url, account, &one->pid);
        if (one->end < 0)
            log_line(LOG_LEVEL_ERROR, "recorder: witness %s cannot be asked: %s", one->rule.name,
                     strerror(-one->end));
        one->dead = one->end < 0;
        all->count++;
    }
    return all;
}

void cosigners_stop(struct cosigners *all)
{
    if (!all)
        return;
    for (uint32_t i = 0; i < all->count; i++)
        if (all->cosigner[i].end >= 0)
            close(all->cosigner[i].end); /* which ends its asker */
    audit_reader_close(all->reader);
    free(all);
}

bool cosigners_differ(const struct cosigners *all, const struct contract *c)
{
    return memcmp(&all->rules, &c->audit, sizeof all->rules) != 0;
}

bool cosigners_broken(const struct cosigners *all)
{
    bool broken = false;
    for (uint32_t i = 0; i < all->count; i++)
        broken = broken || all->cosigner[i].dead;
    return broken;
}

/* ---- What it answered -------------------------------------------------------------------------
 */

static void later(struct cosigner *one, nanos_t now)
{
    one->back_off = one->back_off ? one->back_off * 2 : back_off_first;
    if (one->back_off > back_off_longest)
        one->back_off = back_off_longest;
    one->next = now + one->back_off;
}

static void alarm_once(struct cosigner *one, struct recorder *recorder, const char *what,
                       uint64_t theirs, uint64_t ours)
{
    struct act act = {.kind = ACT_ALARM};
    if (one->alarmed)
        return;
    one->alarmed = true;
    log_line(LOG_LEVEL_ERROR,
             "recorder: witness %s: %s (it has seen %" PRIu64 " entries, the log has %" PRIu64 ")",
             one->rule.name, what, theirs, ours);
    act_text(act.object, sizeof act.object, text_of(one->rule.name));
    act_text(act.reason, sizeof act.reason, text_of(what));
    act_number(&act, "witnessed", (int64_t)theirs);
    act_number(&act, "entries", (int64_t)ours);
    recorder_say(recorder, act, clock_wall());
}

/* The checkpoint with this witness's lines, for whoever is to keep it elsewhere. */
static void keep(const struct cosigner *one, const char *state, struct text log_lines,
                 struct text lines)
{
    char path[CONTRACT_PATH_SIZE + CONTRACT_NAME_SIZE + 32], temporary[sizeof path + 4];
    snprintf(path, sizeof path, "%s/record/cosigned.%s", state, one->rule.name);
    for (char *c = path + strlen(state) + strlen("/record/cosigned."); *c; c++)
        if (*c == '/' || *c == ' ')
            *c = '-';
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "we");
    if (!file)
        return;
    bool written = fwrite(one->body, 1, one->body_length, file) == one->body_length &&
                   fputc('\n', file) != EOF &&
                   fwrite(log_lines.data, 1, log_lines.length, file) == log_lines.length &&
                   fwrite(lines.data, 1, lines.length, file) == lines.length;
    written = fclose(file) == 0 && written;
    if (!written || rename(temporary, path) != 0)
        unlink(temporary);
}

static void take_cosignature(struct cosigner *one, struct recorder *recorder, const char *state,
                             struct text answer, nanos_t now)
{
    char buffer[NOTE_LINE_SIZE * 4];
    struct writer lines = writer_on(buffer, sizeof buffer);
    struct text body = {one->body, one->body_length};
    if (!witness_answer_lines(answer, body, &one->key, &lines)) {
        log_line(LOG_LEVEL_ERROR,
                 "recorder: witness %s answered with something that its key did not sign",
                 one->rule.name);
        later(one, now);
        return;
    }
    struct text added = {lines.data, lines.length};
    struct audit_log *log = recorder_log(recorder);
    struct error error;
    if (one->failed)
        log_line(LOG_LEVEL_INFO, "recorder: witness %s cosigns again", one->rule.name);
    one->seen = one->cosigned = one->asked;
    one->cosigned_at = now;
    one->back_off = 0;
    one->failed = 0;
    one->alarmed = false;
    one->next = now + ask_again;
    struct text whole = audit_log_checkpoint(log);
    if (audit_log_size(log) != one->asked || whole.length <= body.length + 1)
        return;
    keep(one, state, (struct text){whole.data + body.length + 1, whole.length - body.length - 1},
         added);
    if (audit_log_cosigned(log, one->asked, added, &error) != 0)
        log_line(LOG_LEVEL_WARNING, "recorder: %s", error.text);
}

static void take_conflict(struct cosigner *one, struct recorder *recorder, struct text answer,
                          nanos_t now)
{
    uint64_t theirs, ours = audit_log_size(recorder_log(recorder));
    if (answer.length && answer.data[answer.length - 1] == '\n')
        answer.length--;
    if (!decimal_parse(answer, &theirs)) {
        later(one, now);
        return;
    }
    bool moved = theirs != one->seen;
    one->seen = theirs;
    if (theirs > ours) {
        alarm_once(
            one, recorder,
            "has seen more of the log than there is: the log was rolled back, or is another's",
            theirs, ours);
        later(one, now);
    } else if (!moved) {
        later(one, now);
    }
}

static void take_answer(struct cosigner *one, struct recorder *recorder, const char *state,
                        const struct asker_answer *answer, nanos_t now)
{
    struct text body = {answer->body, answer->length < sizeof answer->body ? answer->length : 0};
    one->busy = false;
    if (answer->status == 200) {
        take_cosignature(one, recorder, state, body, now);
        return;
    }
    if (answer->status == 409) {
        take_conflict(one, recorder, body, now);
        return;
    }
    if (answer->status == 422)
        alarm_once(one, recorder, "was shown a log that does not continue what it has seen",
                   one->seen, audit_log_size(recorder_log(recorder)));
    if (answer->status != one->failed || one->back_off == 0)
        log_line(LOG_LEVEL_WARNING, "recorder: witness %s does not cosign: %.*s (HTTP %d)",
                 one->rule.name,
                 (int)(body.length > 200 ? 200 : body.length) -
                     (body.length && body.data[body.length - 1] == '\n'),
                 body.data, answer->status);
    one->failed = answer->status;
    later(one, now);
}

/* ---- Asking -----------------------------------------------------------------------------------
 */

static bool proof_of(struct cosigners *all, const char *state, uint64_t from,
                     struct merkle_proof *out)
{
    struct error error;
    char folder[CONTRACT_PATH_SIZE + 16];
    snprintf(folder, sizeof folder, "%s/audit", state);
    if (!all->reader && audit_reader_open(folder, &all->reader, &error) != 0)
        return false;
    out->count = 0;
    return audit_reader_refresh(all->reader, &error) == 0 &&
           (from == 0 || from >= audit_reader_size(all->reader) ||
            audit_reader_consistency(all->reader, from, out) == 0);
}

static void ask(struct cosigners *all, struct cosigner *one, struct recorder *recorder,
                const char *state, nanos_t now)
{
    static char request[WITNESS_REQUEST_MAX];
    struct audit_log *log = recorder_log(recorder);
    uint64_t size = audit_log_size(log);
    struct merkle_proof proof;
    struct note note;
    struct writer w = writer_on(request, sizeof request);
    struct text checkpoint = audit_log_checkpoint(log);
    if (one->seen > size) /* it will say so again, and that is not forgotten */
        one->seen = 0;
    if (!proof_of(all, state, one->seen, &proof) || audit_reader_size(all->reader) != size ||
        note_parse(checkpoint, &note) != 0)
        return;
    witness_request_write(one->seen, &proof, checkpoint, &w);
    if (w.overflow || note.body.length > sizeof one->body)
        return;
    memcpy(one->body, note.body.data, note.body.length);
    one->body_length = note.body.length;
    one->asked = size;
    if (write(one->end, request, w.length) ==
        (ssize_t)w.length) /* not send(2): the recorder may use no call of sockets */
        one->busy = true;
    else if (errno != EAGAIN)
        one->dead = true;
    one->next = now + ask_again;
}

void cosigners_step(struct cosigners *all, struct recorder *recorder, const char *state,
                    nanos_t now)
{
    static struct asker_answer answer;
    nanos_t when = 0;
    uint64_t most = 0, size = audit_log_size(recorder_log(recorder));
    for (uint32_t i = 0; i < all->count; i++) {
        struct cosigner *one = &all->cosigner[i];
        if (!one->dead && one->busy) {
            ssize_t got = read(one->end, &answer, sizeof answer);
            if (got == (ssize_t)sizeof answer)
                take_answer(one, recorder, state, &answer, now);
            else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
                one->dead = true;
        }
        if (!one->dead && !one->busy && size > 0 && one->cosigned != size && now >= one->next)
            ask(all, one, recorder, state, now);
        if (one->cosigned > most)
            most = one->cosigned;
        if (one->cosigned_at > when)
            when = one->cosigned_at;
    }
    recorder_witnessed(recorder, most, when);
}
