#include "server/suggest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t an = strlen(a), bn = strlen(b);
    if (an > LONGEST || bn > LONGEST)
        return SIZE_MAX;
    size_t row[3][LONGEST + 1]; /* this one, the one above, and the one above that */
    for (size_t j = 0; j <= bn; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= an; i++) {
        size_t *now = row[i % 3], *up = row[(i + 2) % 3], *upper = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= bn; j++) {
            size_t d = up[j - 1] + (a[i - 1] != b[j - 1]);
            d = least(d, least(up[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = least(d, upper[j - 2] + 1);
            now[j] = d;
        }
    }
    return row[an % 3][bn];
}

void suggest_begin(struct suggestion *s, const char *wanted)
{
    *s = (struct suggestion){.wanted = wanted, .distance = SIZE_MAX};
}

void suggest_offer(struct suggestion *s, const char *candidate)
{
    size_t d = suggest_distance(s->wanted, candidate);
    size_t n = strlen(s->wanted);
    /* One slip in three letters; what was begun right ("hist" for "history") counts as near. */
    size_t allowed = n < 3 ? 1 : (n + 2) / 3;
    if (n >= 3 && strncmp(s->wanted, candidate, n) == 0)
        d = 1;
    if (d <= allowed && d < s->distance) {
        s->distance = d;
        s->best = candidate;
    }
}
