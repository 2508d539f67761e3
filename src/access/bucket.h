/* bucket.h - token buckets under names: how often something may be done, in bounded memory.
 *
 * A bucket fills at a rate up to its burst.  Whoever takes more than there is goes into debt and
 * waits until it is paid; so a large message passes now and then, and the rate holds over time.  At
 * most `most` buckets are remembered; one that was not touched for the longest is forgotten first,
 * and by then it is usually full again.
 *
 * Owner: one thread; nothing blocks. */
#ifndef ACCESS_BUCKET_H
#define ACCESS_BUCKET_H

#include "base/slice.h"

struct bucket {
    double tokens;   /* negative: debt */
    int64_t full_us; /* monotonic time at which `tokens` was so; 0: it is full */
};
/* Takes n out of it when one is in there.  Else *ret_wait_us: how long until there is. */
bool bucket_take(struct bucket *b, double rate, double burst, double n, int64_t mono_us,
                 int64_t *ret_wait_us);

struct buckets; /* opaque */

struct buckets *buckets_new(size_t most); /* NULL: no memory */
void buckets_free(struct buckets *b);
/* The same of the bucket of that name (at most 160 bytes of it count). */
bool buckets_take(struct buckets *b, struct slice name, double rate, double burst,
                  int64_t *ret_wait_us);
size_t buckets_count(const struct buckets *b);

#endif
