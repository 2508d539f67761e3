/* progress.h - how far something long has come, on a terminal's last line.
 *
 * One thread.  Nothing is shown where standard error is no terminal. */
#ifndef SERVER_PROGRESS_H
#define SERVER_PROGRESS_H

#include <stdint.h>

struct progress {
    int64_t shown_us; /* when it was shown last; 0: nothing stands there */
};

/* Show "WHAT 42 % of 1.2 GB", at most ten times a second; total 0: not known. */
void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total,
                   const char *unit);
void progress_clear(struct progress *p); /* before anything else is printed */

/* "1.2 GB" into out. */
void progress_bytes(uint64_t n, char out[static 24]);

#endif
