/* history_compact.h - a history written anew, as small as it can be, series by series.
 *
 * Private to the store.  Blocks; one thread, which has both histories alone.  The rules are told at
 * the top of compact.c. */
#ifndef STORE_HISTORY_COMPACT_H
#define STORE_HISTORY_COMPACT_H

#include "store/history_internal.h"

/* What a series comes to: equal when what is read of it is equal. */
struct compact_digest {
    uint32_t series;
    uint32_t points_crc, rollups_crc;
    uint64_t points, rollups;
    double sum; /* of the points that are numbers */
    bool damaged;
};

struct compact_copy; /* opaque */

/* From one history into an empty one. */
int compact_copy_new(struct history *from, struct history *to, struct compact_copy **ret);
void compact_copy_free(struct compact_copy *c); /* NULL too */

/* Write a series anew; *ret is what was read of it. */
int compact_copy_series(struct compact_copy *c, uint32_t series, enum chunk_level level,
                        struct compact_digest *ret);

/* The counts of the new history, and what the old one knows of the journal; commits. */
int compact_copy_end(struct compact_copy *c);

/* What is read of a series on a connection: readings, roll-ups, and whether there is damage. */
int compact_digest_of(struct db *db, uint32_t series, struct compact_digest *ret);

#endif
