/* zone.h - what the clocks on the wall show: a time zone of the tz database.
 *
 * Pure, any thread; a zone does not change once it is made.  Instants and wall times are seconds
 * since 1970-01-01 00:00, the one in UTC, the other as the clocks there show them.  zone NULL is
 * UTC everywhere.  The format is told at the top of zone.c. */
#ifndef CODEC_ZONE_H
#define CODEC_ZONE_H

#include "base/slice.h"

struct zone; /* opaque */

enum { ZONE_BYTES_MAX = 256 << 10 };

/* Read a TZif file.  ERR_CORRUPT, ERR_NOMEM. */
int zone_parse(struct slice file, struct zone **ret);
/* A zone whose clocks are always so many seconds ahead of UTC. */
int zone_fixed(int32_t offset, struct zone **ret);
void zone_free(struct zone *z);

/* A time during which the offset stays the same: from <= t < until. */
struct zone_span {
    int64_t from, until; /* INT64_MIN, INT64_MAX: for ever */
    int32_t offset;      /* seconds ahead of UTC */
};
struct zone_span zone_span(const struct zone *z, int64_t t);

/* The first instant at which the clocks show this wall time or a later one: the first of two where
 * they are put back, the moment of change where they jump over it. */
int64_t zone_instant(const struct zone *z, int64_t wall);

#endif
