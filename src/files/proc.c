#include "files/proc.h"

#include <fcntl.h>
#include <sys/syscall.h>

/* The unsigned decimal at *at, not past end; *at moves behind it. */
static bool take_number(const char **at, const char *end, uint64_t *out)
{
    uint64_t value = 0;
    const char *begin = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(**at - '0'), &value))
            return false;
    *out = value;
    return *at > begin;
}

static bool take_hexadecimal(const char **at, const char *end, uint64_t *out)
{
    uint64_t value = 0;
    if (end - *at < 3 || (*at)[0] != '0' || (*at)[1] != 'x')
        return false;
    const char *begin = *at += 2;
    for (; *at < end && *at - begin < 17; (*at)++) {
        char c = **at;
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    *out = value;
    return *at > begin && *at - begin <= 16;
}

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
}

/* ---- status ---------------------------------------------------------------------------------- */

/* Numbers of the line that begins with key; the first line is the name, where the kernel escapes
 * line ends, so that no other line can be forged in it. */
static bool line_numbers(struct text text, const char *key, uint64_t *out, size_t count)
{
    const char *at = text.data, *end = text.data + text.length;
    size_t length = strlen(key);
    while (at && at < end) {
        if ((size_t)(end - at) > length && memcmp(at, key, length) == 0) {
            at += length;
            for (size_t i = 0; i < count; i++) {
                skip_blanks(&at, end);
                if (!take_number(&at, end, &out[i]) || out[i] > UINT32_MAX)
                    return false;
            }
            return true;
        }
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return false;
}

bool proc_status_parse(struct text text, struct proc_status *out)
{
    uint64_t process, parent, uid[4];
    if (!line_numbers(text, "Tgid:", &process, 1) || !line_numbers(text, "PPid:", &parent, 1) ||
        !line_numbers(text, "Uid:", uid, 4) || process > INT32_MAX || parent > INT32_MAX)
        return false;
    *out = (struct proc_status){.process = (pid_t)process,
                                .parent = (pid_t)parent,
                                .real = (uid_t)uid[0],
                                .effective = (uid_t)uid[1],
                                .saved = (uid_t)uid[2],
                                .file = (uid_t)uid[3]};
    return true;
}

/* ---- stat, sessionid ------------------------------------------------------------------------- */

enum { STAT_FIELDS_BEFORE_START = 19 }; /* from the state (field 3) to starttime (field 22) */

bool proc_stat_parse(struct text text, uint64_t *began)
{
    const char *end = text.data + text.length;
    const char *at = text.length ? memrchr(text.data, ')', text.length) : NULL;
    if (!at)
        return false;
    at++;
    for (int i = 0; i < STAT_FIELDS_BEFORE_START; i++) {
        skip_blanks(&at, end);
        at = at < end ? memchr(at, ' ', (size_t)(end - at)) : NULL;
        if (!at)
            return false;
    }
    skip_blanks(&at, end);
    return take_number(&at, end, began);
}

bool proc_login_parse(struct text text, uint32_t *login)
{
    const char *at = text.data;
    uint64_t value;
    if (!text.length || !take_number(&at, text.data + text.length, &value) || value >= UINT32_MAX)
        return false; /* UINT32_MAX: none */
    *login = (uint32_t)value;
    return true;
}

/* ---- syscall --------------------------------------------------------------------------------- */

enum intent intent_of_flags(uint64_t flags)
{
    /* O_TRUNC changes a file whatever the access mode; mode 3 is neither, and asks for both. */
    uint64_t mode = flags & O_ACCMODE;
    if (mode == O_RDONLY)
        return flags & O_TRUNC ? INTENT_BOTH : INTENT_READ;
    return mode == O_WRONLY ? INTENT_WRITE : INTENT_BOTH;
}

enum intent proc_syscall_parse(struct text text, uint64_t *pointer)
{
    const char *at = text.data, *end = text.data + text.length;
    uint64_t number, argument[4];
    if (text.length && *at == 'r') /* "running" */
        return INTENT_RUNNING;
    if (!text.length || !take_number(&at, end, &number))
        return INTENT_UNSEEN; /* -1: not in a system call */
    for (int i = 0; i < 4; i++) {
        skip_blanks(&at, end);
        if (!take_hexadecimal(&at, end, &argument[i]))
            return INTENT_UNSEEN;
    }
    switch (number) {
#ifdef SYS_open
    case SYS_open:
        return intent_of_flags(argument[1]);
#endif
    case SYS_openat:
    case SYS_open_by_handle_at:
        return intent_of_flags(argument[2]);
    case SYS_openat2:
        *pointer = argument[2];
        return INTENT_POINTED;
    case SYS_execve:
    case SYS_execveat:
        return INTENT_READ;
    default:
        return INTENT_UNSEEN;
    }
}
