/* json_number.c - what a decimal number is worth, JSON's first of all.
 *
 * Three ways to a correctly rounded double, the fast ones first:
 *  - a mantissa of at most 2^53 and a power of ten of at most 10^22 are exact doubles, so one
 *    division rounds once (Clinger, "How to read floating point numbers accurately", 1990);
 *  - a mantissa of 19 digits times or over 10^19 at most: whole arithmetic in 128 bits, what was
 *    cut off stays as a sticky lowest bit, and the conversion of 64 bits rounds once;
 *  - all others: strtod(). */
#include "base/err.h"
#include "codec/json_internal.h"
#include "codec/number.h"

#include <math.h>
#include <stdlib.h>

enum { MANTISSA_DIGITS = 19, POW10_MAX = 19, EXPONENT_MAX = 1000000 };

static const uint64_t ten_to[POW10_MAX + 1] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

/* Powers of ten that a double holds exactly. */
static const double exact_pow10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The run of digits at p; places: how much the exponent sinks with each (0 or 1). */
static inline const unsigned char *read_digits(const unsigned char *p, const unsigned char *end,
                                               struct decimal *d, int places)
{
    for (; p < end && json_is_digit(*p); p++) {
        unsigned digit = *p - (unsigned)'0';
        if (d->digits < MANTISSA_DIGITS) {
            d->mantissa = d->mantissa * 10 + digit;
            d->digits += d->mantissa != 0;
            d->exponent -= places;
        } else {
            d->cut |= digit != 0;
            d->exponent += 1 - places;
        }
    }
    return p;
}

static const unsigned char *read_exponent(const unsigned char *p, const unsigned char *end,
                                          struct decimal *d)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '+' || *p == '-'))
        p++;
    const unsigned char *first = p;
    int e = 0;
    for (; p < end && json_is_digit(*p); p++)
        if (e < EXPONENT_MAX)
            e = e * 10 + (*p - '0');
    d->exponent += negative ? -e : e;
    return p > first ? p : NULL;
}

/* The number at p; lax: as decimal_scan() takes it, else as JSON does. */
static inline const unsigned char *scan(const unsigned char *p, const unsigned char *end, bool lax,
                                        struct decimal *d)
{
    if (end - p > INT32_MAX / 2)
        end = p + INT32_MAX / 2;
    d->negative = p < end && *p == '-';
    p += d->negative || (lax && p < end && *p == '+');
    const unsigned char *first = p, *point = NULL;
    p = read_digits(p, end, d, 0);
    bool some = p > first;
    if (!lax && (!some || (*first == '0' && p - first > 1)))
        return NULL;
    if (p < end && *p == '.') {
        point = ++p;
        p = read_digits(p, end, d, 1);
        if (!lax && p == point)
            return NULL;
        some |= p > point;
    }
    if (!some)
        return NULL;
    d->real = point;
    if (p < end && (*p | 0x20) == 'e') {
        p = read_exponent(p + 1, end, d);
        d->real = true;
    }
    return p;
}

const char *decimal_scan(const char *p, const char *end, struct decimal *ret)
{
    *ret = (struct decimal){0};
    return (const char *)scan((const unsigned char *)p, (const unsigned char *)end, true, ret);
}

/* Is the decimal a whole number of 64 bits? */
static bool is_whole(const struct decimal *d, uint64_t *ret)
{
    uint64_t u = d->mantissa;
    if (d->exponent < -POW10_MAX || d->exponent > POW10_MAX)
        return false;
    if (d->exponent < 0) {
        uint64_t one = ten_to[-d->exponent];
        *ret = u / one;
        return u % one == 0;
    }
    return !__builtin_mul_overflow(u, ten_to[d->exponent], ret);
}

static bool is_exact_double(uint64_t u)
{
    return !u || u >> __builtin_ctzll(u) <= UINT64_C(1) << 53;
}

/* m * 10^e for m > 0 and |e| <= POW10_MAX, rounded once. */
static double scale(uint64_t m, int e)
{
    if (e >= 0) {
        unsigned __int128 x = (unsigned __int128)m * ten_to[e];
        uint64_t high = (uint64_t)(x >> 64);
        if (!high)
            return (double)(uint64_t)x;
        int shift = 64 - __builtin_clzll(high);
        bool sticky = x << (128 - shift) != 0;
        return ldexp((double)((uint64_t)(x >> shift) | sticky), shift);
    }
    uint64_t divisor = ten_to[-e];
    int up = __builtin_clzll(m), divisor_up = __builtin_clzll(divisor);
    divisor <<= divisor_up;
    /* both have their top bit set, so the quotient has 63 or 64 bits */
    unsigned __int128 x = (unsigned __int128)(m << up) << 63;
    uint64_t quotient = (uint64_t)(x / divisor);
    bool sticky = x != (unsigned __int128)quotient * divisor;
    return ldexp((double)(quotient | sticky), divisor_up - up - 63);
}

/* The long way, of a text that is a number already. */
static int by_library(struct slice text, double *ret)
{
    char small[64], *copy = text.n < sizeof small ? small : malloc(text.n + 1);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    double v = strtod(copy, NULL); /* the program never leaves the C locale */
    if (copy != small)
        free(copy);
    if (!isfinite(v))
        return ERR_INVALID;
    *ret = v;
    return 0;
}

static inline int value_of(const struct decimal *d, struct slice text, struct value *ret)
{
    bool negative = d->negative;
    double v;
    uint64_t u;
    if (!d->cut && d->mantissa <= UINT64_C(1) << 53 && d->exponent <= 0 && d->exponent >= -22) {
        v = (double)d->mantissa / exact_pow10[-d->exponent];
    } else if (!d->mantissa) {
        v = 0;
    } else if (!d->cut && is_whole(d, &u) && u <= INT64_MAX && !is_exact_double(u)) {
        *ret = (struct value){VALUE_INT, {.i = negative ? -(int64_t)u : (int64_t)u}};
        return 0;
    } else if (!d->cut && d->exponent >= -POW10_MAX && d->exponent <= POW10_MAX) {
        v = scale(d->mantissa, d->exponent);
    } else {
        int rc = by_library(text, &v);
        if (rc)
            return rc;
        negative = false; /* v has its sign */
    }
    *ret = value_double(negative ? -v : v);
    return 0;
}

int decimal_value(const struct decimal *d, struct slice text, struct value *ret)
{
    return value_of(d, text, ret);
}

/* Puts the run of digits at p behind those of the mantissa, which wraps around where there are too
 * many.  Eight bytes at a time, whatever their digits: numbers of ever different length cost a
 * wrong guess each when every digit is a branch.  The eight digits become one number by pairs,
 * fours and eights. */
static inline const unsigned char *add_digits(const unsigned char *p, const unsigned char *end,
                                              uint64_t *mantissa)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - p >= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        x = le64toh(x) ^ ones * '0'; /* a digit is at most 9 now, all else is more */
        uint64_t others = ((x + ones * 0x76) | x) & ones << 7;
        int n = others ? __builtin_ctzll(others) >> 3 : 8;
        if (!n)
            return p;
        x <<= 64 - 8 * n; /* zeros in front */
        x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
        x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
        x = (x * 10000 + (x >> 32)) & UINT64_C(0xffffffff);
        *mantissa = *mantissa * ten_to[n] + x;
        p += n;
        if (n < 8)
            return p;
    }
    for (; p < end && json_is_digit(*p); p++)
        *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
    return p;
}

/* Nearly all numbers: at most 18 digits, without an exponent, worth one exact division.  NULL: not
 * one of these, whatever else it may be. */
static inline const unsigned char *short_number(const unsigned char *p, const unsigned char *end,
                                                double *ret)
{
    bool negative = p < end && *p == '-';
    const unsigned char *first = p + negative;
    uint64_t mantissa = 0;
    p = add_digits(first, end, &mantissa);
    ptrdiff_t digits = p - first, places = 0;
    if (!digits || (*first == '0' && digits > 1))
        return NULL;
    if (p < end && *p == '.') {
        const unsigned char *point = p + 1;
        p = add_digits(point, end, &mantissa);
        places = p - point;
        if (!places)
            return NULL;
    }
    if (digits + places > 18 || mantissa > UINT64_C(1) << 53 || (p < end && (*p | 0x20) == 'e'))
        return NULL;
    double v = (double)mantissa / exact_pow10[places];
    *ret = negative ? -v : v;
    return p;
}

static const unsigned char *long_number(const unsigned char *p, const unsigned char *end,
                                        struct value *ret)
{
    struct decimal d = {0};
    const unsigned char *behind = scan(p, end, false, &d);
    if (!behind || value_of(&d, slice_of((const char *)p, (size_t)(behind - p)), ret))
        return NULL;
    return behind;
}

const char *json_number_at(const char *p, const char *end, struct value *ret)
{
    const unsigned char *from = (const unsigned char *)p, *stop = (const unsigned char *)end;
    double v;
    const unsigned char *behind = short_number(from, stop, &v);
    if (!behind)
        return (const char *)long_number(from, stop, ret);
    ret->type = VALUE_DOUBLE;
    ret->as.d = v;
    return (const char *)behind;
}

int json_number(struct slice text, struct value *ret)
{
    struct value v;
    const char *end = text.p + text.n;
    if (!text.n || json_number_at(text.p, end, &v) != end)
        return ERR_INVALID;
    *ret = v;
    return 0;
}

/* ---- equality ---- */

/* A number as its digits, from the first to the last that is not 0, with the power of ten of the
 * first: no number is too long or too large. */
struct digits {
    const char *p, *end; /* a point may stand between */
    int64_t exponent;
    bool negative;
    bool huge; /* an exponent past all reason */
};

static struct digits digits_of(struct slice text)
{
    struct digits d = {.p = text.p, .end = text.p + text.n};
    d.negative = d.p < d.end && *d.p == '-';
    d.p += d.negative;
    const char *mark = d.p;
    while (mark < d.end && (*mark | 0x20) != 'e')
        mark++;
    if (mark < d.end) {
        const char *e = mark + 1;
        bool negative = *e == '-';
        for (e += *e == '-' || *e == '+'; e < d.end; e++) {
            d.huge |= d.exponent > INT64_MAX / 100;
            if (!d.huge)
                d.exponent = d.exponent * 10 + (*e - '0');
        }
        if (negative)
            d.exponent = -d.exponent;
    }
    d.end = mark;
    const char *point = memchr(d.p, '.', (size_t)(d.end - d.p));
    d.exponent += (point ? point : d.end) - d.p - 1; /* of the first digit */
    while (d.p < d.end && (*d.p == '0' || *d.p == '.'))
        d.exponent -= *d.p++ == '0';
    while (d.end > d.p && (d.end[-1] == '0' || d.end[-1] == '.'))
        d.end--;
    return d;
}

bool json_number_equal(struct slice a, struct slice b)
{
    if (slice_eq(a, b))
        return true;
    struct digits x = digits_of(a), y = digits_of(b);
    if (x.p == x.end || y.p == y.end)
        return x.p == x.end && y.p == y.end; /* zeros */
    if (x.huge || y.huge || x.negative != y.negative || x.exponent != y.exponent)
        return false;
    for (;;) {
        x.p += x.p < x.end && *x.p == '.';
        y.p += y.p < y.end && *y.p == '.';
        if (x.p == x.end || y.p == y.end)
            return x.p == x.end && y.p == y.end;
        if (*x.p++ != *y.p++)
            return false;
    }
}
