#include "server/progress.h"

#include "base/clock.h"
#include "server/term.h"

#include <stdio.h>

enum { EVERY_US = 100000 };

void progress_bytes(uint64_t n, char out[static 24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double v = (double)n;
    size_t i = 0;
    for (; v >= 1000 && i + 1 < sizeof units / sizeof units[0]; i++)
        v /= 1000;
    snprintf(out, 24, i && v < 100 ? "%.1f %s" : "%.0f %s", v, units[i]);
}

static void amount(uint64_t n, const char *unit, char out[static 24])
{
    if (*unit == 'B' && !unit[1])
        progress_bytes(n, out);
    else
        snprintf(out, 24, "%llu", (unsigned long long)n);
}

void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total,
                   const char *unit)
{
    int64_t now = clock_mono_us();
    char a[24], b[24];
    if (!term_width(stderr) || (p->shown_us && now - p->shown_us < EVERY_US))
        return;
    p->shown_us = now;
    amount(done, unit, a);
    amount(total, unit, b);
    const char *word = *unit == 'B' && !unit[1] ? "" : unit;
    if (total)
        fprintf(stderr, "\r\033[K  %.40s  %3.0f %%  %s of %s %s", what,
                100.0 * (double)(done < total ? done : total) / (double)total, a, b, word);
    else
        fprintf(stderr, "\r\033[K  %.40s  %s %s", what, a, word);
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (p->shown_us)
        fputs("\r\033[K", stderr);
    p->shown_us = 0;
}
