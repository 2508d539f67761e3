#include "base/slice.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct slice slice_trim(struct slice a)
{
    while (a.n && is_space(a.p[0]))
        a = slice_skip(a, 1);
    while (a.n && is_space(a.p[a.n - 1]))
        a.n--;
    return a;
}

bool slice_cut(struct slice *rest, char c, struct slice *ret_head)
{
    if (!rest->p)
        return false;
    ptrdiff_t at = slice_find(*rest, c);
    if (at < 0) {
        *ret_head = *rest;
        *rest = (struct slice){NULL, 0};
    } else {
        *ret_head = slice_of(rest->p, (size_t)at);
        *rest = slice_skip(*rest, (size_t)at + 1);
    }
    return true;
}

int slice_to_u64(struct slice a, uint64_t *ret)
{
    uint64_t v = 0;
    if (!a.n)
        return ERR_INVALID;
    for (size_t i = 0; i < a.n; i++) {
        if (!is_digit(a.p[i]))
            return ERR_INVALID;
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(a.p[i] - '0'), &v))
            return ERR_INVALID;
    }
    *ret = v;
    return 0;
}

int slice_to_i64(struct slice a, int64_t *ret)
{
    bool negative = a.n && a.p[0] == '-';
    uint64_t v = 0;
    if (slice_to_u64(negative ? slice_skip(a, 1) : a, &v))
        return ERR_INVALID;
    if (negative ? v > (uint64_t)INT64_MAX + 1 : v > (uint64_t)INT64_MAX)
        return ERR_INVALID;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

/* RFC 8259, section 6: -? int frac? exp? */
static bool is_json_number(struct slice a)
{
    size_t i = 0;
    if (i < a.n && a.p[i] == '-')
        i++;
    if (i >= a.n || !is_digit(a.p[i]))
        return false;
    if (a.p[i] == '0')
        i++;
    else
        while (i < a.n && is_digit(a.p[i]))
            i++;
    if (i < a.n && a.p[i] == '.') {
        i++;
        if (i >= a.n || !is_digit(a.p[i]))
            return false;
        while (i < a.n && is_digit(a.p[i]))
            i++;
    }
    if (i < a.n && (a.p[i] == 'e' || a.p[i] == 'E')) {
        i++;
        if (i < a.n && (a.p[i] == '+' || a.p[i] == '-'))
            i++;
        if (i >= a.n || !is_digit(a.p[i]))
            return false;
        while (i < a.n && is_digit(a.p[i]))
            i++;
    }
    return i == a.n;
}

/* Powers of ten that a double holds exactly. */
static const double exact_pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Short decimals (mantissa below 2^53, at most 22 decimal places) are one exact division away
 * from their correctly rounded double (Clinger 1990); the rest goes to strtod. */
static bool fast_double(struct slice a, double *ret)
{
    bool negative = a.p[0] == '-';
    size_t i = negative;
    uint64_t mantissa = 0;
    int places = 0, digits = 0;
    bool fraction = false;
    for (; i < a.n; i++) {
        char c = a.p[i];
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (!is_digit(c) || ++digits > 18)
            return false;
        mantissa = mantissa * 10 + (uint64_t)(c - '0');
        places += fraction;
    }
    if (mantissa > (UINT64_C(1) << 53) || places > 22)
        return false;
    double v = (double)mantissa / exact_pow10[places];
    *ret = negative ? -v : v;
    return true;
}

int slice_to_double(struct slice a, double *ret)
{
    if (!is_json_number(a))
        return ERR_INVALID;
    if (fast_double(a, ret))
        return 0;
    char small[64], *text = small, *end = NULL;
    if (a.n >= sizeof small && !(text = malloc(a.n + 1)))
        return ERR_NOMEM;
    memcpy(text, a.p, a.n);
    text[a.n] = 0;
    double v = strtod(text, &end); /* the program never leaves the C locale */
    bool whole = end == text + a.n;
    if (text != small)
        free(text);
    if (!whole || !isfinite(v))
        return ERR_INVALID;
    *ret = v;
    return 0;
}

bool slice_is_id(struct slice a)
{
    if (a.n < 1 || a.n > 128)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        char c = a.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' ||
                  c == '_' || c == '-' || c == ':';
        if (!ok)
            return false;
    }
    return true;
}

bool slice_like(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* the run of the last * is longer by one */
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
