/* compact.h - a data directory made small, while no server runs in it.
 *
 * Blocks; the caller has the directory's lock.  What becomes of chunks and roll-ups, and why the
 * directory is whole at any moment, is told at the top of compact.c. */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

struct compact_watch {
    void (*say)(void *arg, const char *sentence); /* what could not be made small, and why */
    void (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
    void *arg;
};

struct compact_size {
    uint64_t history_bytes, catalog_bytes; /* of the files */
    uint64_t chunks, points, rollup_rows;
};

struct compact_report {
    struct compact_size before, after;
    uint64_t series;
    uint64_t superseded;             /* points that a later write had taken the place of */
    uint64_t orphans, orphan_points; /* series of twins that were deleted: removed */
    uint64_t damaged; /* series that have something damaged: taken over as they are */
    char why[512];    /* a sentence when it failed */
};

/* Make history.db and catalog.db as small as they can be.  dry: do everything but keep the old
 * files, and so tell what would be won.  ERR_NOT_FOUND: it is no data directory; ERR_BUSY: another
 * program reads its history; ERR_STORAGE: no room for the new file; ERR_CORRUPT.  Whenever it
 * fails, nothing has changed. */
int compact_directory(const char *dir, bool dry, const struct compact_watch *w,
                      struct compact_report *ret);

#endif
