/* buf.h - bytes that grow.
 *
 * A buffer remembers that memory ran out: after a failed append it keeps what it had, `failed` is
 * set and every further append does nothing, so a writer checks once at the end.  A struct buf
 * of all zeroes is an empty buffer. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

#include <stdarg.h>

struct buf {
    char *p;
    size_t n;    /* bytes in use */
    size_t cap;  /* bytes there */
    bool failed; /* memory ran out */
};

void buf_release(struct buf *b); /* free and make empty */

/* Make room for n more bytes; NULL when memory ran out.  The caller writes there and adds to n. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_byte(struct buf *b, unsigned char c);
void buf_add_str(struct buf *b, const char *s);
void buf_add_slice(struct buf *b, struct slice s);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Numbers in their shortest decimal form; the double one reads back as the same double. */
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_i64(struct buf *b, int64_t v);
void buf_add_double(struct buf *b, double v);

void buf_drop(struct buf *b, size_t n); /* forget the first n bytes */

static inline void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->p, b->n);
}

/* The bytes as a NUL-ended string that the caller frees; the buffer is empty then.  NULL when
 * memory ran out, now or before. */
char *buf_take(struct buf *b);

#endif
