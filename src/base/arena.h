/* arena.h - memory that dies together, such as everything of one request.
 *
 * Not thread-safe: an arena belongs to one thread at a time.  Pieces are aligned for any type and
 * never given back one by one. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena; /* opaque */

struct arena *arena_new(void); /* NULL when memory ran out */
void arena_free(struct arena *a);
void arena_reset(struct arena *a); /* forget every piece, keep one block for the next use */

void *arena_alloc(struct arena *a, size_t n);  /* not cleared; NULL when memory ran out */
void *arena_zalloc(struct arena *a, size_t n); /* cleared */
char *arena_strndup(struct arena *a, const char *p, size_t n); /* NUL-ended copy */
struct slice arena_dup(struct arena *a,
                       struct slice s); /* a copy (NUL behind it); p NULL on failure */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Call fn(arg) when the arena is freed or reset, the last that was put first.  ERR_NOMEM: it will
 * not be called. */
int arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);
size_t arena_used(const struct arena *a); /* bytes taken from the system */

#endif
