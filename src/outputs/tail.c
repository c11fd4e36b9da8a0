#include "outputs/tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct tail {
    char folder[400], path[400];
    char origin[NOTE_NAME_MAX + 1];
    struct audit_reader *reader;
    struct cursor cursor;
    dev_t device;
    ino_t inode; /* of the folder that is open */
    bool begun;  /* the cursor has been held against the log */
    bool has_cursor;
    bool changed;   /* since it was saved */
    uint64_t given; /* checksum of the entry given last */
    unsigned tries;
};

int tail_new(const char *folder, const char *cursor, struct tail **out, struct error *error)
{
    struct tail *f = calloc(1, sizeof *f);
    if (f == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    snprintf(f->folder, sizeof f->folder, "%s", folder);
    snprintf(f->path, sizeof f->path, "%s", cursor);
    int code = cursor_read(cursor, &f->cursor);
    f->has_cursor = code == 0;
    if (code == -EBADMSG)
        log_line(LOG_LEVEL_WARNING, "%s is damaged: the last %d entries are told again", cursor,
                 TAIL_AT_FIRST);
    *out = f;
    return 0;
}

void tail_free(struct tail *tail)
{
    if (tail == NULL)
        return;
    audit_reader_close(tail->reader);
    free(tail);
}

static uint64_t sum_of(struct text entry)
{
    uint64_t sum = hash_checksum(0, entry.data, entry.length);
    return sum ? sum : 1;
}

static void take_origin(struct tail *f)
{
    struct text note = audit_reader_checkpoint(f->reader);
    const char *end = memchr(note.data, '\n', note.length);
    size_t length = end ? (size_t)(end - note.data) : 0;
    if (length >= sizeof f->origin)
        length = sizeof f->origin - 1;
    memcpy(f->origin, note.data, length);
    f->origin[length] = 0;
}

/* Whether the entry told last is in this log where it was: else it is another log. */
static bool is_same_log(struct tail *f)
{
    struct text entry;
    if (f->cursor.next > audit_reader_size(f->reader))
        return false;
    return f->cursor.last == 0 || audit_reader_entry(f->reader, f->cursor.next - 1, &entry) != 0 ||
           sum_of(entry) == f->cursor.last;
}

static void begin(struct tail *f)
{
    uint64_t size = audit_reader_size(f->reader);
    take_origin(f);
    if (!f->has_cursor) {
        f->cursor.next = size > TAIL_AT_FIRST ? size - TAIL_AT_FIRST : 0;
    } else if (!is_same_log(f)) {
        log_line(LOG_LEVEL_WARNING,
                 "outputs: this is another log than the one that was told from; it is told from "
                 "its beginning");
        f->cursor.next = 0;
    }
    f->begun = true;
}

static void skip_to(struct tail *f, uint64_t next)
{
    f->cursor.skipped += next - f->cursor.next;
    f->cursor.next = next;
    struct text entry;
    f->cursor.last =
        next && audit_reader_entry(f->reader, next - 1, &entry) == 0 ? sum_of(entry) : 0;
    f->changed = true;
}

/* A log that was set aside is another folder by now, and the open one would be read for ever. */
static void look_at_folder(struct tail *f)
{
    struct stat now;
    if (stat(f->folder, &now) != 0 || (now.st_dev == f->device && now.st_ino == f->inode))
        return;
    audit_reader_close(f->reader);
    f->reader = NULL;
    f->has_cursor = f->has_cursor || f->begun;
    f->begun = false;
    f->device = now.st_dev;
    f->inode = now.st_ino;
}

int tail_refresh(struct tail *f, struct error *error)
{
    look_at_folder(f);
    int code = f->reader ? audit_reader_refresh(f->reader, error)
                         : audit_reader_open(f->folder, &f->reader, error);
    if (code < 0) {
        /* Set aside, or not made yet: opened by its name again next time. */
        audit_reader_close(f->reader);
        f->reader = NULL;
        f->has_cursor = f->has_cursor || f->begun;
        f->begun = false;
        return code;
    }
    if (!f->begun || audit_reader_size(f->reader) < f->cursor.next)
        begin(f);
    uint64_t size = audit_reader_size(f->reader);
    if (size - f->cursor.next > TAIL_BEHIND_MOST)
        skip_to(f, size - TAIL_BEHIND_MOST);
    return 0;
}

int tail_next(struct tail *f, uint64_t *index, struct text *entry, struct error *error)
{
    if (f->reader == NULL || f->cursor.next >= audit_reader_size(f->reader))
        return 0;
    int code = audit_reader_entry(f->reader, f->cursor.next, entry);
    if (code == 0) {
        f->tries = 0;
        f->given = sum_of(*entry);
        *index = f->cursor.next;
        return 1;
    }
    uint64_t at = f->cursor.next;
    if (++f->tries >= TAIL_TRIES) {
        uint64_t after = (at / TILE_WIDTH + 1) * TILE_WIDTH, size = audit_reader_size(f->reader);
        skip_to(f, after < size ? after : size);
        f->cursor.last = 0;
        f->tries = 0;
    }
    return error_set(error, code, "entry %llu of the audit log cannot be read: %s",
                     (unsigned long long)at, strerror(-code));
}

void tail_told(struct tail *f)
{
    f->cursor.next++;
    f->cursor.last = f->given;
    f->changed = true;
}

int tail_save(struct tail *f, struct error *error)
{
    if (!f->changed)
        return 0;
    int code = cursor_write(f->path, &f->cursor, error);
    f->changed = code != 0;
    return code;
}

uint64_t tail_behind(const struct tail *f)
{
    uint64_t size = f->reader ? audit_reader_size(f->reader) : 0;
    return size > f->cursor.next ? size - f->cursor.next : 0;
}

uint64_t tail_skipped(const struct tail *f)
{
    return f->cursor.skipped;
}

const char *tail_origin(const struct tail *f)
{
    return f->origin;
}
