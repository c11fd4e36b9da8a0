#include "files/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = CONTRACT_PATH_SIZE + 128, LINE_SIZE = 8 * TRACE_PATH_SIZE + 512 };

static const char *const kinds[TRACE_KINDS] = {"read", "opened for writing", "rewritten", "canary"};

static int name_file(char out[PATH_SIZE], const char *state, const char *hold, const char *end)
{
    for (const char *c = hold; *c; c++) /* a name from a command line is no path */
        if (*c == '/' || *c == '.')
            return -EINVAL;
    int length = snprintf(out, PATH_SIZE, "%s/evidence/%s.jsonl%s", state, hold, end);
    return length < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static bool is_about(const struct evidence *e, const struct trace *trace)
{
    if (trace->at < e->from || trace->at > e->until)
        return false;
    switch (e->kind) {
    case PRINCIPAL_PROCESS:
        return trace->tree == e->tree_id;
    case PRINCIPAL_SHARE:
        return trace->share == e->share;
    case PRINCIPAL_USER:
        return trace->user == e->user;
    default:
        return false;
    }
}

/* JSON wants UTF-8: a byte that begins none becomes a question mark. */
static void write_path(struct writer *w, const char *path)
{
    struct text rest = text_of(path);
    while (rest.length) {
        size_t length = utf8_character((const unsigned char *)rest.data, rest.length);
        if (length)
            write_json_escaped(w, (struct text){rest.data, length});
        else
            WRITE_LITERAL(w, "?");
        rest.data += length ? length : 1;
        rest.length -= length ? length : 1;
    }
}

static void write_figures(struct writer *w, const struct rewrite_figures *figures)
{
    char entropy[64];
    WRITE_LITERAL(w, ", \"ground\": \"");
    write_string(w, rewrite_ground_name(figures->ground));
    snprintf(entropy, sizeof entropy, "\", \"entropy\": [%u.%03u, %u.%03u]",
             figures->entropy_before / 1000u, figures->entropy_before % 1000u,
             figures->entropy_after / 1000u, figures->entropy_after % 1000u);
    write_string(w, entropy);
    WRITE_LITERAL(w, ", \"size\": [");
    write_unsigned(w, figures->size_before);
    WRITE_LITERAL(w, ", ");
    write_unsigned(w, figures->size_after);
    WRITE_LITERAL(w, "]");
}

static void write_trace(struct writer *w, const struct contract *c, const struct evidence *e,
                        const struct trace *trace)
{
    char at[CLOCK_TEXT_SIZE];
    WRITE_LITERAL(w, "{\"at\": \"");
    write_string(w, clock_text(e->wall - (e->boot - trace->at), at));
    WRITE_LITERAL(w, "\", \"act\": \"");
    write_string(w, kinds[trace->kind < TRACE_KINDS ? trace->kind : 0]);
    WRITE_LITERAL(w, "\", \"user\": ");
    write_unsigned(w, trace->user);
    WRITE_LITERAL(w, ", \"share\": \"");
    write_string(w, trace->share < c->share_count ? c->share[trace->share].name : "?");
    WRITE_LITERAL(w, "\", \"path\": \"");
    write_path(w, trace->path);
    WRITE_LITERAL(w, "\"");
    if (trace->kind == TRACE_REWRITTEN)
        write_figures(w, &trace->figures);
    WRITE_LITERAL(w, "}\n");
}

static void write_head(FILE *file, const struct evidence *e, long count, const char *reason)
{
    char line[LINE_SIZE], name[HOLD_NAME_SIZE];
    struct writer w = writer_on(line, sizeof line);
    WRITE_LITERAL(&w, "{\"hold\": \"");
    write_string(&w, hold_name(GUARD_FILES, e->hold, name));
    WRITE_LITERAL(&w, "\", \"budget\": \"");
    write_json_escaped(&w, text_of(e->budget));
    WRITE_LITERAL(&w, "\", \"tree\": \"");
    write_json_escaped(&w, text_of(e->tree));
    WRITE_LITERAL(&w, "\", \"user\": ");
    write_unsigned(&w, e->user);
    WRITE_LITERAL(&w, ", \"files\": ");
    write_unsigned(&w, (uint64_t)count);
    WRITE_LITERAL(&w, ", \"reason\": \"");
    write_json_escaped(&w, text_of(reason));
    WRITE_LITERAL(&w, "\"}\n");
    fwrite(line, 1, w.length, file);
}

/* Twice over the traces: to sum up, then to write; `file` NULL: to sum up. */
static long walk(const struct contract *c, const struct board *board, const struct evidence *e,
                 FILE *file, struct rewrite_tally *tally)
{
    char line[LINE_SIZE];
    struct trace trace;
    long count = 0;
    uint64_t last = atomic_load(&board->next), first = last > TRACE_COUNT ? last - TRACE_COUNT : 0;
    for (uint64_t number = first + 1; number <= last; number++) {
        if (!board_trace_read(board, number, &trace) || !is_about(e, &trace))
            continue;
        count++;
        if (!file && trace.kind == TRACE_REWRITTEN)
            rewrite_tally_add(tally, &trace.figures, trace.at);
        struct writer w = writer_on(line, sizeof line);
        if (file)
            write_trace(&w, c, e, &trace);
        if (file && !w.overflow)
            fwrite(line, 1, w.length, file);
    }
    return count;
}

static int write_whole(const char *path, const char *temporary, const struct contract *c,
                       const struct board *board, const struct evidence *e, long count,
                       const char *reason)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        int code = -errno;
        if (fd >= 0)
            close(fd);
        return code;
    }
    write_head(file, e, count, reason);
    walk(c, board, e, file, NULL);
    int code = ferror(file) ? -EIO : 0;
    if (fclose(file) != 0 && code == 0)
        code = -errno;
    if (code == 0 && rename(temporary, path) != 0)
        code = -errno;
    if (code)
        unlink(temporary);
    return code;
}

long files_evidence_write(const char *state, const struct contract *contract,
                          const struct board *board, const struct evidence *evidence, char *reason)
{
    char path[PATH_SIZE], temporary[PATH_SIZE], name[HOLD_NAME_SIZE];
    struct rewrite_tally tally = {0};
    hold_name(GUARD_FILES, evidence->hold, name);
    int code = name_file(path, state, name, "");
    if (code == 0)
        code = name_file(temporary, state, name, ".new");
    if (code < 0)
        return code;
    long count = walk(contract, board, evidence, NULL, &tally);
    reason[0] = 0;
    if (tally.files)
        rewrite_tally_text(&tally, reason);
    code = write_whole(path, temporary, contract, board, evidence, count, reason);
    return code ? code : count;
}

/* ---- Later ----------------------------------------------------------------------------------- */

static void expire_one(int folder, const char *leaf, const struct budgets *b, nanos_t keep,
                       nanos_t boot, nanos_t wall)
{
    struct stat status;
    enum guard guard;
    uint64_t id;
    struct hold hold;
    const char *dot = strchr(leaf, '.');
    bool named =
        dot && hold_name_parse((struct text){leaf, (size_t)(dot - leaf)}, &guard, &id) == 0;
    if (!named || fstatat(folder, leaf, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (hold_find(b, id, &hold) && hold.until > boot)
        utimensat(folder, leaf, NULL, AT_SYMLINK_NOFOLLOW);
    else if (wall - (nanos_t)status.st_mtim.tv_sec * NANOS_SECOND > keep)
        unlinkat(folder, leaf, 0);
}

void files_evidence_expire(const char *state, const struct budgets *b, nanos_t keep, nanos_t boot,
                           nanos_t wall)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/evidence", state);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        expire_one(dirfd(folder), entry->d_name, b, keep, boot, wall);
    if (folder)
        closedir(folder);
}

long files_evidence_read(const char *state, const char *hold,
                         void (*line)(void *context, const char *text, size_t length),
                         void *context)
{
    char path[PATH_SIZE], *text = NULL;
    size_t size = 0;
    long count = 0;
    int code = name_file(path, state, hold, "");
    FILE *file = code ? NULL : fopen(path, "re");
    if (!file)
        return code ? code : -errno;
    for (ssize_t length; (length = getline(&text, &size, file)) > 0; count++)
        line(context, text, (size_t)length - (text[length - 1] == '\n'));
    free(text);
    fclose(file);
    return count;
}
