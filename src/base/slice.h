/* slice.h - a piece of somebody else's bytes.  Owns nothing, need not end in NUL. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *p;
    size_t n;
};

/* For printf: printf("%.*s", SLICE_ARG(s)) */
#define SLICE_ARG(s) ((int)(s).n), ((s).p ? (s).p : "")
#define SLICE_LIT(text) ((struct slice){(text), sizeof(text) - 1})

static inline struct slice slice_of(const char *p, size_t n)
{
    return (struct slice){p, n};
}

/* A NULL string is the empty slice. */
static inline struct slice slice_str(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
    return slice_eq(a, slice_str(s));
}

/* ASCII letters compare without case. */
static inline bool slice_is_nocase(struct slice a, const char *s)
{
    return strlen(s) == a.n && (a.n == 0 || strncasecmp(a.p, s, a.n) == 0);
}

static inline bool slice_starts(struct slice a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.n >= n && memcmp(a.p, prefix, n) == 0;
}

static inline bool slice_ends(struct slice a, const char *suffix)
{
    size_t n = strlen(suffix);
    return a.n >= n && memcmp(a.p + a.n - n, suffix, n) == 0;
}

/* What is left after the first n bytes; n is at most the length. */
static inline struct slice slice_skip(struct slice a, size_t n)
{
    return (struct slice){a.p + n, a.n - n};
}

/* Position of c, or -1. */
static inline ptrdiff_t slice_find(struct slice a, char c)
{
    const char *at = a.n ? memchr(a.p, c, a.n) : NULL;
    return at ? at - a.p : -1;
}

struct slice slice_trim(struct slice a); /* without spaces, tabs, CR and LF at both ends */

/* Cut at the first c: *ret_head is before it, *rest behind it; without c the head is all and the
 * rest is empty with p NULL.  False when *rest was used up (p NULL) already. */
bool slice_cut(struct slice *rest, char c, struct slice *ret_head);

/* The whole slice as a number in base 10; ERR_INVALID for anything else, also overflow. */
int slice_to_u64(struct slice a, uint64_t *ret);
int slice_to_i64(struct slice a, int64_t *ret);
int slice_to_double(struct slice a, double *ret); /* JSON's number form; no hex, inf or nan */

/* Is it a usable id of a twin or sensor: letters, digits, . _ - : and 1 to 128 bytes? */
bool slice_is_id(struct slice a);

/* Does it fit a pattern, in which * is any run of bytes and ? any one? */
bool slice_like(struct slice pattern, struct slice text);

#endif
