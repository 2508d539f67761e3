/* suggest.h - "did you mean": the nearest of the names that would have been right.  Pure. */
#ifndef SERVER_SUGGEST_H
#define SERVER_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *wanted; /* what was written */
    const char *best;   /* NULL: nothing is near enough */
    size_t distance;
};

void suggest_begin(struct suggestion *s, const char *wanted);
void suggest_offer(struct suggestion *s, const char *candidate); /* which must outlive s */

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string
 * alignment).  Names over 64 bytes are as far apart as can be. */
size_t suggest_distance(const char *a, const char *b);

#endif
