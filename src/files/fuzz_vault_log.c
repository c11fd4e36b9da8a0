/* A log with whole records of any content, and rubbish between them: read, and applied. */
#include "files/history.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static bool apply(void *context, const struct log_record *record)
{
    return history_apply(context, record) == 0;
}

/* A record out of the next bytes: its type, how long its texts are, and its body. */
static void append(struct vault_log *log, const uint8_t **data, size_t *left)
{
    struct log_record record = {.type = (enum log_type)(1 + **data % (LOG_TYPE_COUNT - 1))};
    size_t first = (*data)[1] % 64, second = (*data)[2] % 64;
    size_t body = *left - 3 < sizeof record.body ? *left - 3 : sizeof record.body;
    memcpy(&record.body, *data + 3, body);
    *data += 3 + body;
    *left -= 3 + body;
    record.first = (struct text){(const char *)*data, first < *left ? first : *left};
    record.second = (struct text){(const char *)*data, second < *left ? second : *left};
    (void)vault_log_append(log, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    int file = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    struct vault_log log = {.fd = file, .key = {1, 2}};
    struct history *history;
    uint64_t whole;
    must(file >= 0 && history_new(log.key, &history) == 0);
    log.length = 64;
    for (size_t left = length; left > 8;) {
        append(&log, &data, &left);
        if (left && *data & 1) /* rubbish between */
            log.length += 8 * (1 + *data % 4);
    }
    (void)vault_log_read(&log, 0, apply, history, &whole);
    history_free(history);
    vault_log_close(&log);
    return 0;
}
