/* map.h - a hash map from byte strings to pointers.
 *
 * Keys are not copied: a key must live as long as its entry (usually it is a member of the
 * value).  Open addressing with linear probing and backward-shift deletion, SipHash-1-3 under a
 * key drawn at start, so that names from outside cannot be chosen to collide.  Not thread-safe. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map_slot {
    struct slice key;
    void *value; /* NULL: free */
    uint64_t hash;
};

/* All zeroes is an empty map. */
struct map {
    struct map_slot *slots;
    size_t cap; /* a power of two or 0 */
    size_t count;
};

void map_release(struct map *m); /* the values are not touched */
void *map_get(const struct map *m, struct slice key);

/* Add or replace; value is not NULL.  On replacement the old value is in *ret_old (may be NULL)
 * and the entry has the new key.  ERR_NOMEM leaves the map as it was. */
int map_put(struct map *m, struct slice key, void *value, void **ret_old);
int map_reserve(struct map *m, size_t n); /* so many entries go in without growing; ERR_NOMEM */
void *map_remove(struct map *m, struct slice key); /* the value that was there, or NULL */

/* Walk: size_t at = 0; while ((v = map_next(m, &at))) ...; the map must not change meanwhile. */
void *map_next(const struct map *m, size_t *at);

uint64_t map_hash(const void *p, size_t n);

#endif
