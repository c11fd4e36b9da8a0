/* clock.h: the only place that reads a clock.
 *
 * Windows are measured on the boot clock, which no one can set and which counts suspended time;
 * people are shown the wall clock. Both are nanoseconds in a signed 64-bit integer: 292 years.
 */
#ifndef ECLUSE_CLOCK_H
#define ECLUSE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t nanos_t;

#define NANOS_MILLISECOND ((nanos_t)1000000)
#define NANOS_SECOND      ((nanos_t)1000000000)
#define NANOS_MINUTE      (60 * NANOS_SECOND)
#define NANOS_HOUR        (60 * NANOS_MINUTE)
#define NANOS_DAY         (24 * NANOS_HOUR)
#define NANOS_FOREVER     INT64_MAX

nanos_t clock_boot(void);      /* CLOCK_BOOTTIME: since the machine started; 20 to 40 ns a call */
nanos_t clock_monotonic(void); /* CLOCK_MONOTONIC: the same without suspended time */
nanos_t clock_wall(void);      /* CLOCK_REALTIME: since 1970-01-01T00:00:00Z */
nanos_t clock_tick(void);      /* the same as of the kernel's last tick, as a file's times go */

/* Identifies this boot: a boot-clock reading of another boot means nothing in this one.
 * Fills 16 bytes from /proc/sys/kernel/random/boot_id; zeroes them if that cannot be read. */
void clock_boot_id(uint8_t id[16]);

/* "2026-11-20T14:03:00Z" into at least CLOCK_TEXT_SIZE bytes; returns its argument. */
#define CLOCK_TEXT_SIZE 32
char *clock_text(nanos_t wall, char out[CLOCK_TEXT_SIZE]);

#endif
