#include "cli/progress.h"

#include "cli/output.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct progress progress_begin(uint64_t total, const char *unit, nanos_t now)
{
    return (struct progress){
        .began = now, .total = total, .unit = unit, .on_terminal = isatty(STDERR_FILENO) == 1};
}

static double share_done(const struct progress *p, uint64_t done)
{
    double share = (double)done / (double)p->total;
    return share > 1 ? 1 : share; /* a file may grow while it is read */
}

void progress_line(const struct progress *p, uint64_t done, uint64_t count, nanos_t now,
                   unsigned columns, char *out, size_t size)
{
    char counted[FIGURE_SIZE], rate[FIGURE_SIZE], left[FIGURE_SIZE];
    double seconds = (double)(now - p->began) / (double)NANOS_SECOND;
    figure_count(count, counted);
    figure_count(seconds > 0 ? (uint64_t)((double)count / seconds) : 0, rate);
    if (p->total == 0) {
        snprintf(out, size, "%s %s, %s/s, %s", counted, p->unit, rate,
                 figure_span(now - p->began, left));
        return;
    }
    double share = share_done(p, done);
    char tail[160];
    if (share > 0)
        snprintf(tail, sizeof tail, "%3.0f %%  %s %s, %s/s, %s left", share * 100, counted, p->unit,
                 rate, figure_span((nanos_t)((double)(now - p->began) * (1 / share - 1)), left));
    else
        snprintf(tail, sizeof tail, "  0 %%  %s %s", counted, p->unit);
    size_t width = text_width(tail);
    size_t room = columns > width + 14 ? columns - (unsigned)width - 4 : 0;
    char bar[64] = "";
    if (room > 40)
        room = 40;
    for (size_t i = 0; i < room; i++)
        bar[i] = (double)i < share * (double)room ? '#' : '.';
    bar[room] = 0;
    snprintf(out, size, room ? "[%s] %s" : "%s%s", bar, tail);
}

void progress_show(struct progress *p, uint64_t done, uint64_t count, nanos_t now)
{
    if (!p->on_terminal || now - p->began < NANOS_SECOND ||
        now - p->shown < 100 * NANOS_MILLISECOND)
        return;
    struct winsize window = {0};
    unsigned columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
    char line[256];
    progress_line(p, done, count, now, columns ? columns : 80, line, sizeof line);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    p->shown = now;
    p->drawn = true;
}

void progress_end(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = false;
}
