#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static nanos_t clock_read(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (nanos_t)t.tv_sec * NANOS_SECOND + t.tv_nsec;
}

nanos_t clock_boot(void)
{
    return clock_read(CLOCK_BOOTTIME);
}

nanos_t clock_monotonic(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

nanos_t clock_wall(void)
{
    return clock_read(CLOCK_REALTIME);
}

nanos_t clock_tick(void)
{
    return clock_read(CLOCK_REALTIME_COARSE);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

void clock_boot_id(uint8_t id[16])
{
    char text[64];
    memset(id, 0, 16);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t length = read(fd, text, sizeof text);
    close(fd);
    size_t digits = 0;
    for (ssize_t i = 0; i < length && digits < 32; i++) {
        int value = hex_value(text[i]);
        if (value < 0)
            continue;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
        digits++;
    }
    if (digits != 32)
        memset(id, 0, 16);
}

char *clock_text(nanos_t wall, char out[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall / NANOS_SECOND);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) ||
        !strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts))
        snprintf(out, CLOCK_TEXT_SIZE, "(no such time)");
    return out;
}
