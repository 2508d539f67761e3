/* expr_fn.c - the functions of values alone, which SQLite has as well. */
#include "codec/expr_value.h"

#include <stdio.h>
#include <stdlib.h>

#define FN(name)                                                                                   \
    static struct expr_value name(struct arena *a __attribute__((unused)),                         \
                                  const struct expr_value *x, size_t n __attribute__((unused)))

/* Functions of reals: NULL where an argument is NULL or no number, or the answer is none. */
static bool is_number(struct expr_value v)
{
    return v.type == EXPR_INT || v.type == EXPR_REAL;
}

/* SQLite's mathematical functions take a text only if it is a number through and through. */
static struct expr_value numeric(struct arena *a, struct expr_value v)
{
    struct expr_value one = expr_int(1);
    expr_affine(a, &v, AFFINITY_NONE, &one, AFFINITY_NUMERIC);
    return v;
}

static double number(struct arena *a, struct expr_value v)
{
    v = numeric(a, v);
    return is_number(v) ? expr_as_double(v) : NAN;
}

#define MATH(name, call)                                                                           \
    static struct expr_value name(struct arena *a, const struct expr_value *args, size_t n)        \
    {                                                                                              \
        double x = number(a, args[0]);                                                             \
        (void)n;                                                                                   \
        return isnan(x) ? expr_null() : expr_real(call);                                           \
    }
MATH(fn_sqrt, sqrt(x))
MATH(fn_exp, exp(x))
MATH(fn_ln, x > 0 ? log(x) : NAN)
MATH(fn_log10, x > 0 ? log10(x) : NAN)
MATH(fn_log2, x > 0 ? log2(x) : NAN)
MATH(fn_sin, sin(x))
MATH(fn_cos, cos(x))
MATH(fn_tan, tan(x))
MATH(fn_asin, asin(x))
MATH(fn_acos, acos(x))
MATH(fn_atan, atan(x))
MATH(fn_radians, x *(M_PI / 180.0))
MATH(fn_degrees, x *(180.0 / M_PI))

/* Whole numbers stay whole. */
#define ROUNDING(name, call)                                                                       \
    static struct expr_value name(struct arena *a, const struct expr_value *args, size_t n)        \
    {                                                                                              \
        struct expr_value x = numeric(a, args[0]);                                                 \
        (void)n;                                                                                   \
        return x.type == EXPR_INT ? x : is_number(x) ? expr_real(call(x.as.d)) : expr_null();      \
    }
ROUNDING(fn_ceil, ceil)
ROUNDING(fn_floor, floor)
ROUNDING(fn_trunc, trunc)

FN(fn_log)
{
    if (n == 1)
        return fn_log10(a, x, 1);
    double base = number(a, x[0]), of = number(a, x[1]);
    if (!(base > 0) || !(of > 0) || !(log(base) > 0))
        return expr_null();
    return expr_real(log(of) / log(base));
}

FN(fn_pow)
{
    double base = number(a, x[0]), to = number(a, x[1]);
    return isnan(base) || isnan(to) ? expr_null() : expr_real(pow(base, to));
}

FN(fn_mod)
{
    double of = number(a, x[0]), by = number(a, x[1]);
    return isnan(of) || isnan(by) ? expr_null() : expr_real(fmod(of, by));
}

FN(fn_atan2)
{
    double y = number(a, x[0]), of = number(a, x[1]);
    return isnan(y) || isnan(of) ? expr_null() : expr_real(atan2(y, of));
}

FN(fn_pi)
{
    (void)x;
    return expr_real(M_PI);
}

FN(fn_sign)
{
    double d = number(a, x[0]);
    return isnan(d) ? expr_null() : expr_int(d < 0 ? -1 : d > 0);
}

FN(fn_abs)
{
    if (x[0].type == EXPR_INT)
        return x[0].as.i == INT64_MIN ? expr_null() : expr_int(llabs(x[0].as.i));
    return x[0].type == EXPR_NULL ? expr_null() : expr_real(fabs(expr_as_double(x[0])));
}

FN(fn_round)
{
    char text[400];
    int64_t digits = n > 1 ? expr_as_int(x[1]) : 0;
    double d = expr_as_double(x[0]);
    if (isnan(d) || (n > 1 && x[1].type == EXPR_NULL))
        return expr_null();
    if (fabs(d) >= 4503599627370496.0)
        return expr_real(d);
    if (digits <= 0)
        return expr_real((double)(int64_t)(d + (d < 0 ? -0.5 : 0.5)));
    snprintf(text, sizeof text, "%.*f", digits > 30 ? 30 : (int)digits, d);
    return expr_real(strtod(text, NULL));
}

/* ---- choosing ---- */

FN(fn_coalesce)
{
    for (size_t i = 0; i < n; i++)
        if (x[i].type != EXPR_NULL)
            return x[i];
    return expr_null();
}

FN(fn_nullif)
{
    return expr_order(x[0], x[1]) == 0 ? expr_null() : x[0];
}

FN(fn_iif)
{
    return expr_truth(x[0]) > 0 ? x[1] : x[2];
}

static struct expr_value extreme(const struct expr_value *x, size_t n, int sign)
{
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i].type == EXPR_NULL)
            return expr_null();
        int order = expr_order(x[i], x[best]); /* of two alike SQLite's min takes the later */
        if (sign < 0 ? order <= 0 : order > 0)
            best = i;
    }
    return x[best];
}

FN(fn_min)
{
    return extreme(x, n, -1);
}

FN(fn_max)
{
    return extreme(x, n, 1);
}

FN(fn_typeof)
{
    static const char *const names[] = {"null", "integer", "real", "text"};
    return expr_text(slice_str(names[x[0].type]));
}

/* ---- texts ---- */

static size_t count_chars(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static size_t offset_of(struct slice s, size_t character)
{
    size_t at = 0;
    for (; at < s.n; at++)
        if (((unsigned char)s.p[at] & 0xC0) != 0x80 && !character--)
            break;
    return at;
}

static struct expr_value as_text(struct arena *a, struct expr_value v)
{
    return expr_cast(a, v, AFFINITY_TEXT);
}

FN(fn_length)
{
    struct expr_value t = as_text(a, x[0]);
    return t.type == EXPR_NULL ? t : expr_int((int64_t)count_chars(expr_slice(t)));
}

static struct expr_value cased(struct arena *a, struct expr_value v, char from, char to)
{
    struct expr_value t = as_text(a, v);
    char *p = t.type == EXPR_NULL ? NULL : arena_strndup(a, t.n ? t.as.p : "", t.n);
    for (size_t i = 0; p && i < t.n; i++)
        if (p[i] >= from && p[i] < from + 26)
            p[i] = (char)(p[i] - from + to);
    return p ? expr_text(slice_of(p, t.n)) : expr_null();
}

FN(fn_lower)
{
    return cased(a, x[0], 'A', 'a');
}

FN(fn_upper)
{
    return cased(a, x[0], 'a', 'A');
}

/* From 1; a negative start counts from the end, a negative length takes what stands before. */
FN(fn_substr)
{
    struct expr_value t = as_text(a, x[0]);
    if (t.type == EXPR_NULL || x[1].type == EXPR_NULL || (n > 2 && x[2].type == EXPR_NULL))
        return expr_null();
    struct slice s = expr_slice(t);
    int64_t len = (int64_t)count_chars(s), from = expr_as_int(x[1]);
    int64_t want = n > 2 ? expr_as_int(x[2]) : INT32_MAX;
    from = from > INT32_MAX ? INT32_MAX : from < -INT32_MAX ? -INT32_MAX : from;
    want = want > INT32_MAX ? INT32_MAX : want < -INT32_MAX ? -INT32_MAX : want;
    bool before = want < 0;
    want = before ? -want : want;
    if (from < 0) {
        from += len;
        if (from < 0) {
            want = want + from > 0 ? want + from : 0;
            from = 0;
        }
    } else if (from > 0) {
        from--;
    } else if (want > 0) {
        want--;
    }
    if (before) {
        from -= want;
        if (from < 0) {
            want += from;
            from = 0;
        }
    }
    if (want <= 0 || from >= len)
        return expr_text(SLICE_LIT(""));
    size_t begin = offset_of(s, (size_t)from), end = offset_of(s, (size_t)(from + want));
    return expr_text(slice_of(s.p + begin, end - begin));
}

FN(fn_instr)
{
    struct expr_value in = as_text(a, x[0]), of = as_text(a, x[1]);
    if (in.type == EXPR_NULL || of.type == EXPR_NULL)
        return expr_null();
    struct slice s = expr_slice(in);
    for (size_t at = 0; at + of.n <= s.n; at++)
        if (!of.n || memcmp(s.p + at, of.as.p, of.n) == 0)
            return expr_int((int64_t)count_chars(slice_of(s.p, at)) + 1);
    return expr_int(0);
}

static struct expr_value trimmed(struct arena *a, struct expr_value v, bool left, bool right)
{
    struct expr_value t = as_text(a, v);
    if (t.type == EXPR_NULL)
        return t;
    struct slice s = expr_slice(t);
    while (left && s.n && s.p[0] == ' ')
        s = slice_skip(s, 1);
    while (right && s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return expr_text(s);
}

FN(fn_trim)
{
    return trimmed(a, x[0], true, true);
}

FN(fn_ltrim)
{
    return trimmed(a, x[0], true, false);
}

FN(fn_rtrim)
{
    return trimmed(a, x[0], false, true);
}

#define ANY 255
static const struct expr_fn functions[] = {
    {"abs", 1, 1, fn_abs, "x", "Its size without the sign"},
    {"acos", 1, 1, fn_acos, "x", "Arc cosine, in radians"},
    {"asin", 1, 1, fn_asin, "x", "Arc sine, in radians"},
    {"atan", 1, 1, fn_atan, "x", "Arc tangent, in radians"},
    {"atan2", 2, 2, fn_atan2, "y, x", "The angle of the point (x, y), in radians"},
    {"ceil", 1, 1, fn_ceil, "x", "The next whole number that is not below"},
    {"ceiling", 1, 1, fn_ceil, "x", "As ceil"},
    {"coalesce", 2, ANY, fn_coalesce, "x, y, ...", "The first that is not NULL"},
    {"cos", 1, 1, fn_cos, "x", "Cosine of radians"},
    {"degrees", 1, 1, fn_degrees, "x", "Radians in degrees"},
    {"exp", 1, 1, fn_exp, "x", "e to the power of x"},
    {"floor", 1, 1, fn_floor, "x", "The next whole number that is not above"},
    {"ifnull", 2, 2, fn_coalesce, "x, y", "x, or y when x is NULL"},
    {"iif", 3, 3, fn_iif, "condition, x, y", "x when the condition holds, else y"},
    {"instr", 2, 2, fn_instr, "text, part", "Where the part begins, from 1; 0: nowhere"},
    {"length", 1, 1, fn_length, "text", "How many characters it has"},
    {"ln", 1, 1, fn_ln, "x", "Natural logarithm"},
    {"log", 1, 2, fn_log, "[base,] x", "Logarithm to the base, which is 10 when it is not given"},
    {"log10", 1, 1, fn_log10, "x", "Logarithm to the base 10"},
    {"log2", 1, 1, fn_log2, "x", "Logarithm to the base 2"},
    {"lower", 1, 1, fn_lower, "text", "With small letters of ASCII"},
    {"ltrim", 1, 1, fn_ltrim, "text", "Without spaces in front"},
    {"max", 2, ANY, fn_max, "x, y, ...", "The greatest; NULL when one is NULL"},
    {"min", 2, ANY, fn_min, "x, y, ...", "The least; NULL when one is NULL"},
    {"mod", 2, 2, fn_mod, "x, y", "What is left of x divided by y, also of reals"},
    {"nullif", 2, 2, fn_nullif, "x, y", "NULL when both are the same, else x"},
    {"pi", 0, 0, fn_pi, "", "The number pi"},
    {"pow", 2, 2, fn_pow, "x, y", "x to the power of y"},
    {"power", 2, 2, fn_pow, "x, y", "As pow"},
    {"radians", 1, 1, fn_radians, "x", "Degrees in radians"},
    {"round", 1, 2, fn_round, "x[, digits]", "Rounded to so many digits behind the point"},
    {"rtrim", 1, 1, fn_rtrim, "text", "Without spaces at the end"},
    {"sign", 1, 1, fn_sign, "x", "-1, 0 or 1"},
    {"sin", 1, 1, fn_sin, "x", "Sine of radians"},
    {"sqrt", 1, 1, fn_sqrt, "x", "Square root"},
    {"substr", 2, 3, fn_substr, "text, from[, n]", "n characters from there on, from 1"},
    {"tan", 1, 1, fn_tan, "x", "Tangent of radians"},
    {"trim", 1, 1, fn_trim, "text", "Without spaces at both ends"},
    {"trunc", 1, 1, fn_trunc, "x", "Without what stands behind the point"},
    {"typeof", 1, 1, fn_typeof, "x", "'null', 'integer', 'real' or 'text'"},
    {"upper", 1, 1, fn_upper, "text", "With capital letters of ASCII"},
};

const struct expr_fn *expr_fn_at(size_t index)
{
    return index < sizeof functions / sizeof *functions ? &functions[index] : NULL;
}

const struct expr_fn *expr_fn_find(struct slice name)
{
    const struct expr_fn *f;
    for (size_t i = 0; (f = expr_fn_at(i)); i++)
        if (slice_is_nocase(name, f->name))
            return f;
    return NULL;
}
