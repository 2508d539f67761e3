#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (b->cap - b->n >= n)
        return b->p + b->n;
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->n < n) {
        if (cap > SIZE_MAX / 2) {
            b->failed = true;
            return NULL;
        }
        cap *= 2;
    }
    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return NULL;
    }
    b->p = p;
    b->cap = cap;
    return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n && buf_reserve(b, n)) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}

void buf_add_byte(struct buf *b, unsigned char c)
{
    if (b->n < b->cap && !b->failed)
        b->p[b->n++] = (char)c;
    else
        buf_add(b, &c, 1);
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_slice(struct buf *b, struct slice s)
{
    buf_add(b, s.p, s.n);
}

void buf_vaddf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n > 0 && buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vaddf(b, format, args);
    va_end(args);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(b, text + at, sizeof text - at);
}

void buf_add_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_add_byte(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Decimals of up to six places are tried in integers first: most measurements are such, and
 * printf with reading back costs twenty times as much. */
static bool add_short_decimal(struct buf *b, double v)
{
    static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double a = fabs(v);
    if (!(a < 1e9))
        return false;
    for (int places = 0; places <= 6; places++) {
        double scaled = nearbyint(a * scale[places]);
        if (scaled / scale[places] != a)
            continue;
        uint64_t u = (uint64_t)scaled, one = (uint64_t)scale[places];
        if (signbit(v))
            buf_add_byte(b, '-');
        buf_add_u64(b, u / one);
        if (places) {
            char text[8] = {'.'};
            uint64_t fraction = u % one;
            for (int i = places; i > 0; i--, fraction /= 10)
                text[i] = (char)('0' + fraction % 10);
            buf_add(b, text, (size_t)places + 1);
        }
        return true;
    }
    return false;
}

void buf_add_double(struct buf *b, double v)
{
    if (add_short_decimal(b, v))
        return;
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (digits == 17 || strtod(text, NULL) == v)
            break;
    }
    buf_add_str(b, text);
}

void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

char *buf_take(struct buf *b)
{
    buf_add_byte(b, 0);
    char *p = b->failed ? NULL : b->p;
    if (!p)
        free(b->p);
    *b = (struct buf){0};
    return p;
}
