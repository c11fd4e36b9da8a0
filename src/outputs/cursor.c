#include "outputs/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char form[] =
    "ecluse-cursor 1 next %" PRIu64 " last %" PRIx64 " skipped %" PRIu64 " sum %" PRIx64 "\n";

static uint64_t sum_of(const struct cursor *cursor)
{
    const uint64_t words[] = {cursor->next, cursor->last, cursor->skipped};
    return hash_checksum(1, words, sizeof words);
}

int cursor_read(const char *path, struct cursor *out)
{
    char text[200];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return -errno;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0)
        return -EBADMSG;
    text[length] = 0;
    struct cursor cursor;
    uint64_t sum;
    if (sscanf(text,
               "ecluse-cursor 1 next %" SCNu64 " last %" SCNx64 " skipped %" SCNu64 " sum %" SCNx64,
               &cursor.next, &cursor.last, &cursor.skipped, &sum) != 4 ||
        sum != sum_of(&cursor))
        return -EBADMSG;
    *out = cursor;
    return 0;
}

int cursor_write(const char *path, const struct cursor *cursor, struct error *error)
{
    char temporary[400], text[200];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int length = snprintf(text, sizeof text, form, cursor->next, cursor->last, cursor->skipped,
                          sum_of(cursor));
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
        return error_set(error, -errno, "%s: %s", temporary, strerror(errno));
    ssize_t written = write(file, text, (size_t)length);
    int code = written == length ? 0 : written < 0 ? -errno : -ENOSPC;
    if (code == 0 && fsync(file) != 0)
        code = -errno;
    if (close(file) != 0 && code == 0)
        code = -errno;
    if (code == 0 && rename(temporary, path) != 0)
        code = -errno;
    return code ? error_set(error, code, "%s: %s", path, strerror(-code)) : 0;
}
