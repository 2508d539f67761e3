/* expr_value.c - conversions, comparisons and operators of expressions. */
#include "codec/expr_value.h"
#include "codec/number.h"

#include <stdio.h>

/* ---- texts as numbers ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The number with which a text begins; *ret_whole: nothing but spaces stands around it. */
static struct expr_value number_of(struct slice s, bool *ret_whole)
{
    const char *p = s.p, *end = s.p + s.n, *behind;
    struct decimal d;
    struct value v;
    *ret_whole = false;
    while (p < end && is_space(*p))
        p++;
    behind = p < end ? decimal_scan(p, end, &d) : NULL;
    if (!behind)
        return expr_int(0);
    struct slice text = slice_of(p, (size_t)(behind - p));
    while (behind < end && is_space(*behind))
        behind++;
    *ret_whole = behind == end;
    if (text.n && text.p[0] == '+')
        text = slice_skip(text, 1);
    int64_t i;
    if (!d.real && !slice_to_i64(text, &i))
        return expr_int(i);
    if (decimal_value(&d, text, &v))
        return expr_real(d.negative ? -INFINITY : INFINITY);
    return expr_real(value_as_double(v));
}

static struct expr_value to_number(struct expr_value v)
{
    bool whole;
    return v.type == EXPR_TEXT ? number_of(expr_slice(v), &whole) : v;
}

int expr_truth(struct expr_value v)
{
    v = to_number(v);
    if (v.type == EXPR_NULL)
        return -1;
    return v.type == EXPR_INT ? v.as.i != 0 : v.as.d != 0;
}

double expr_as_double(struct expr_value v)
{
    v = to_number(v);
    if (v.type == EXPR_NULL)
        return NAN;
    return v.type == EXPR_INT ? (double)v.as.i : v.as.d;
}

static int64_t real_to_int(double d)
{
    if (d <= -9223372036854775808.0)
        return INT64_MIN;
    return d >= 9223372036854775808.0 ? INT64_MAX : (int64_t)d;
}

/* A text is read up to what no longer belongs to a whole number: CAST('1e3' AS INTEGER) is 1. */
static int64_t text_to_int(struct slice s)
{
    size_t from = 0, to;
    while (from < s.n && is_space(s.p[from]))
        from++;
    to = from;
    if (to < s.n && (s.p[to] == '-' || s.p[to] == '+'))
        to++;
    size_t digits = to;
    while (to < s.n && s.p[to] >= '0' && s.p[to] <= '9')
        to++;
    int64_t i = 0;
    if (to == digits)
        return 0;
    bool negative = s.p[from] == '-';
    if (s.p[from] == '+')
        from++;
    if (slice_to_i64(slice_of(s.p + from, to - from), &i)) {
        bool whole; /* zeroes in front, or too large */
        struct expr_value v = number_of(slice_of(s.p + from, to - from), &whole);
        if (v.type == EXPR_INT)
            return v.as.i;
        while (digits < to && s.p[digits] == '0')
            digits++;
        if (to - digits < 19 && !slice_to_i64(slice_of(s.p + digits, to - digits), &i))
            return negative ? -i : i;
        return digits == to ? 0 : negative ? INT64_MIN : INT64_MAX;
    }
    return i;
}

int64_t expr_as_int(struct expr_value v)
{
    switch (v.type) {
    case EXPR_INT:
        return v.as.i;
    case EXPR_REAL:
        return real_to_int(v.as.d);
    case EXPR_TEXT:
        return text_to_int(expr_slice(v));
    default:
        return 0;
    }
}

struct expr_value expr_of(struct value v)
{
    switch (v.type) {
    case VALUE_DOUBLE:
        return expr_real(v.as.d);
    case VALUE_INT:
        return expr_int(v.as.i);
    case VALUE_BOOL:
        return expr_int(v.as.b);
    case VALUE_TEXT:
        return expr_text(v.as.text);
    case VALUE_NONE:
        break;
    }
    return expr_null();
}

struct value expr_to_value(struct expr_value v)
{
    switch (v.type) {
    case EXPR_INT:
        if (v.as.i < -(1LL << 53) || v.as.i > 1LL << 53)
            return (struct value){VALUE_INT, {.i = v.as.i}};
        return value_double((double)v.as.i);
    case EXPR_REAL:
        return value_double(v.as.d);
    case EXPR_TEXT:
        return (struct value){VALUE_TEXT, {.text = expr_slice(v)}};
    default:
        return (struct value){.type = VALUE_NONE};
    }
}

/* ---- as texts ---- */

/* Reals have 15 digits and a point, as SQLite writes them. */
static size_t real_text(double d, char *out, size_t room)
{
    char text[40];
    if (isinf(d))
        return (size_t)snprintf(out, room, d < 0 ? "-Inf" : "Inf");
    snprintf(text, sizeof text, "%.15g", d);
    if (d == 0)
        return (size_t)snprintf(out, room, "0.0");
    size_t mantissa = strcspn(text, "e");
    if (memchr(text, '.', mantissa))
        return (size_t)snprintf(out, room, "%s", text);
    return (size_t)snprintf(out, room, "%.*s.0%s", (int)mantissa, text, text + mantissa);
}

static struct expr_value to_text(struct arena *a, struct expr_value v)
{
    char text[48];
    size_t n;
    if (v.type == EXPR_NULL || v.type == EXPR_TEXT)
        return v;
    if (v.type == EXPR_INT)
        n = (size_t)snprintf(text, sizeof text, "%lld", (long long)v.as.i);
    else
        n = real_text(v.as.d, text, sizeof text);
    char *copy = arena_strndup(a, text, n);
    return copy ? expr_text(slice_of(copy, n)) : expr_null();
}

/* ---- comparing ---- */

static int order_int_real(int64_t i, double r)
{
    if (r < -9223372036854775808.0)
        return 1;
    if (r >= 9223372036854775808.0)
        return -1;
    int64_t y = (int64_t)r;
    if (i != y)
        return i < y ? -1 : 1;
    double s = (double)i;
    return s < r ? -1 : s > r;
}

static int order_bytes(struct slice x, struct slice y)
{
    size_t n = x.n < y.n ? x.n : y.n;
    int order = n ? memcmp(x.p, y.p, n) : 0;
    return order ? order : x.n < y.n ? -1 : x.n > y.n;
}

int expr_order(struct expr_value x, struct expr_value y)
{
    if (x.type == EXPR_REAL && y.type == EXPR_REAL)
        return x.as.d < y.as.d ? -1 : x.as.d > y.as.d;
    if (x.type == EXPR_INT && y.type == EXPR_INT)
        return x.as.i < y.as.i ? -1 : x.as.i > y.as.i;
    if (x.type == EXPR_INT && y.type == EXPR_REAL)
        return order_int_real(x.as.i, y.as.d);
    if (x.type == EXPR_REAL && y.type == EXPR_INT)
        return -order_int_real(y.as.i, x.as.d);
    if (x.type == EXPR_TEXT && y.type == EXPR_TEXT)
        return order_bytes(expr_slice(x), expr_slice(y));
    return x.type < y.type ? -1 : x.type > y.type;
}

/* A text that is a number through and through becomes one. */
static void numeric(struct expr_value *x)
{
    bool whole;
    if (x->type != EXPR_TEXT)
        return;
    struct expr_value n = number_of(expr_slice(*x), &whole);
    if (!whole)
        return;
    *x = n;
}

void expr_affine(struct arena *a, struct expr_value *x, enum expr_affinity ax, struct expr_value *y,
                 enum expr_affinity ay)
{
    if (ax >= AFFINITY_NUMERIC || ay >= AFFINITY_NUMERIC) {
        if (ax < AFFINITY_NUMERIC)
            numeric(x);
        if (ay < AFFINITY_NUMERIC)
            numeric(y);
    } else if (ax == AFFINITY_TEXT && ay == AFFINITY_NONE) {
        *y = to_text(a, *y);
    } else if (ay == AFFINITY_TEXT && ax == AFFINITY_NONE) {
        *x = to_text(a, *x);
    }
}

static struct expr_value compare(enum expr_op op, struct expr_value x, struct expr_value y)
{
    if (op == OP_IS || op == OP_IS_NOT)
        return expr_int((expr_order(x, y) == 0) == (op == OP_IS));
    if (x.type == EXPR_NULL || y.type == EXPR_NULL)
        return expr_null();
    int order = expr_order(x, y);
    switch (op) {
    case OP_EQ:
        return expr_int(order == 0);
    case OP_NE:
        return expr_int(order != 0);
    case OP_LT:
        return expr_int(order < 0);
    case OP_LE:
        return expr_int(order <= 0);
    case OP_GT:
        return expr_int(order > 0);
    default:
        return expr_int(order >= 0);
    }
}

/* ---- arithmetic ---- */

/* Of whole numbers; false: it overflows, and reals are to be taken. */
static bool whole_arithmetic(enum expr_op op, int64_t x, int64_t y, struct expr_value *ret)
{
    int64_t r;
    switch (op) {
    case OP_ADD:
        if (__builtin_add_overflow(x, y, &r))
            return false;
        break;
    case OP_SUB:
        if (__builtin_sub_overflow(x, y, &r))
            return false;
        break;
    case OP_MUL:
        if (__builtin_mul_overflow(x, y, &r))
            return false;
        break;
    default: /* OP_DIV */
        if (y == 0) {
            *ret = expr_null();
            return true;
        }
        if (x == INT64_MIN && y == -1)
            return false;
        r = x / y;
    }
    *ret = expr_int(r);
    return true;
}

static struct expr_value modulo(struct expr_value x, struct expr_value y, bool whole)
{
    int64_t i = expr_as_int(x), j = expr_as_int(y);
    if (j == 0)
        return expr_null();
    int64_t r = j == -1 ? 0 : i % j;
    return whole ? expr_int(r) : expr_real((double)r);
}

static struct expr_value arithmetic(enum expr_op op, struct expr_value said_x,
                                    struct expr_value said_y)
{
    struct expr_value r, x = to_number(said_x), y = to_number(said_y);
    if (x.type == EXPR_NULL || y.type == EXPR_NULL)
        return expr_null();
    bool whole = x.type == EXPR_INT && y.type == EXPR_INT;
    if (op == OP_MOD) /* which reads a text as CAST does: '1e1' is 1 */
        return modulo(said_x, said_y, whole);
    if (whole && whole_arithmetic(op, x.as.i, y.as.i, &r))
        return r;
    double a = expr_as_double(x), b = expr_as_double(y);
    switch (op) {
    case OP_ADD:
        return expr_real(a + b);
    case OP_SUB:
        return expr_real(a - b);
    case OP_MUL:
        return expr_real(a * b);
    default:
        return b == 0 ? expr_null() : expr_real(a / b);
    }
}

static int64_t shift(int64_t x, int64_t by, bool left)
{
    if (by < 0) {
        left = !left;
        by = by > -64 ? -by : 64;
    }
    if (by >= 64)
        return left || x >= 0 ? 0 : -1;
    return left ? (int64_t)((uint64_t)x << by) : x >> by;
}

static struct expr_value bits(enum expr_op op, struct expr_value x, struct expr_value y)
{
    if (x.type == EXPR_NULL || y.type == EXPR_NULL)
        return expr_null();
    int64_t i = expr_as_int(x), j = expr_as_int(y);
    switch (op) {
    case OP_BIT_AND:
        return expr_int(i & j);
    case OP_BIT_OR:
        return expr_int(i | j);
    default:
        return expr_int(shift(i, j, op == OP_SHIFT_LEFT));
    }
}

static struct expr_value concat(struct arena *a, struct expr_value x, struct expr_value y)
{
    x = to_text(a, x);
    y = to_text(a, y);
    if (x.type == EXPR_NULL || y.type == EXPR_NULL || (size_t)x.n + y.n > VALUE_TEXT_MAX)
        return expr_null();
    char *p = arena_alloc(a, (size_t)x.n + y.n + 1);
    if (!p)
        return expr_null();
    if (x.n)
        memcpy(p, x.as.p, x.n);
    if (y.n)
        memcpy(p + x.n, y.as.p, y.n);
    return expr_text(slice_of(p, (size_t)x.n + y.n));
}

struct expr_value expr_binary(struct arena *a, enum expr_op op, struct expr_value x,
                              struct expr_value y)
{
    if (op >= OP_EQ && op <= OP_GE)
        return compare(op, x, y);
    if (op >= OP_ADD && op <= OP_MOD)
        return arithmetic(op, x, y);
    return op == OP_CONCAT ? concat(a, x, y) : bits(op, x, y);
}

struct expr_value expr_unary(enum expr_op op, struct expr_value x)
{
    int truth;
    switch (op) {
    case OP_NOT:
        truth = expr_truth(x);
        return truth < 0 ? expr_null() : expr_int(!truth);
    case OP_NEGATE:
        x = to_number(x);
        if (x.type == EXPR_INT)
            return x.as.i == INT64_MIN ? expr_real(9223372036854775808.0) : expr_int(-x.as.i);
        return x.type == EXPR_REAL ? expr_real(0 - x.as.d) : x;
    case OP_BIT_NOT:
        return x.type == EXPR_NULL ? x : expr_int(~expr_as_int(x));
    default:
        return x;
    }
}

struct expr_value expr_cast(struct arena *a, struct expr_value x, enum expr_affinity to)
{
    if (x.type == EXPR_NULL)
        return x;
    switch (to) {
    case AFFINITY_TEXT:
        return to_text(a, x);
    case AFFINITY_INT:
        return expr_int(expr_as_int(x));
    case AFFINITY_REAL:
        return expr_real(expr_as_double(x));
    case AFFINITY_NUMERIC:
        if (x.type != EXPR_TEXT)
            return x;
        x = to_number(x);
        if (x.type == EXPR_REAL && fabs(x.as.d) < 2251799813685248.0 && x.as.d == trunc(x.as.d))
            x = expr_int((int64_t)x.as.d);
        return x;
    case AFFINITY_NONE:
        break;
    }
    return x;
}

/* ---- LIKE ---- */

static size_t char_len(struct slice s, size_t at)
{
    size_t n = 1;
    while (at + n < s.n && ((unsigned char)s.p[at + n] & 0xC0) == 0x80)
        n++;
    return n;
}

static char low(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_char(struct slice p, size_t i, size_t in, struct slice t, size_t j, size_t jn)
{
    if (in == 1 && jn == 1)
        return low(p.p[i]) == low(t.p[j]);
    return in == jn && memcmp(p.p + i, t.p + j, in) == 0;
}

/* Greedy, going back to the last % alone: never more than pattern times text. */
bool expr_like(struct slice p, struct slice t, uint32_t escape)
{
    size_t i = 0, j = 0, star = SIZE_MAX, from = 0;
    while (j < t.n) {
        size_t at = i, tn = char_len(t, j);
        bool literal = false;
        if (i < p.n && escape && (unsigned char)p.p[i] == escape) {
            if (i + 1 >= p.n)
                return false;
            at = i + 1;
            literal = true;
        }
        size_t pn = at < p.n ? char_len(p, at) : 0;
        if (!literal && i < p.n && p.p[i] == '%') {
            star = ++i;
            from = j;
        } else if (i < p.n && ((!literal && p.p[i] == '_') || same_char(p, at, pn, t, j, tn))) {
            i = at + pn;
            j += tn;
        } else if (star != SIZE_MAX) {
            i = star;
            from += char_len(t, from);
            j = from;
        } else {
            return false;
        }
    }
    while (i < p.n && p.p[i] == '%' && escape != '%')
        i++;
    return i == p.n;
}
