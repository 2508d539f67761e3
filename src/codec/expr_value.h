/* expr_value.h - values of expressions and what operators and functions do to them, as SQLite does.
 *
 * A value is NULL, a whole number, a real number or a text; a real that is no number is NULL.
 * Comparing, casting and three-valued logic follow SQLite's documents "Datatypes In SQLite" and
 * "SQL Language Expressions"; the tests ask SQLite itself.
 *
 * Pure.  Texts that are made live in the caller's arena; where memory runs out the answer is NULL.
 */
#ifndef CODEC_EXPR_VALUE_H
#define CODEC_EXPR_VALUE_H

#include "base/arena.h"
#include "base/value.h"

#include <math.h>

enum expr_type { EXPR_NULL, EXPR_INT, EXPR_REAL, EXPR_TEXT };

struct expr_value {
    uint32_t type; /* enum expr_type */
    uint32_t n;    /* bytes of the text */
    union {
        int64_t i;
        double d;
        const char *p; /* need not end in NUL */
    } as;
};

/* What a comparison makes of its operands: of CAST; all else has none. */
enum expr_affinity { AFFINITY_NONE, AFFINITY_TEXT, AFFINITY_NUMERIC, AFFINITY_INT, AFFINITY_REAL };

static inline struct expr_value expr_null(void)
{
    return (struct expr_value){.type = EXPR_NULL};
}

static inline struct expr_value expr_int(int64_t i)
{
    return (struct expr_value){.type = EXPR_INT, .as.i = i};
}

static inline struct expr_value expr_real(double d)
{
    return isnan(d) ? expr_null() : (struct expr_value){.type = EXPR_REAL, .as.d = d};
}

static inline struct expr_value expr_text(struct slice s)
{
    return (struct expr_value){.type = EXPR_TEXT, .n = (uint32_t)s.n, .as.p = s.p};
}

static inline struct slice expr_slice(struct expr_value v)
{
    return slice_of(v.as.p, v.type == EXPR_TEXT ? v.n : 0);
}

/* 1 true, 0 false, -1 unknown (NULL). */
int expr_truth(struct expr_value v);
double expr_as_double(struct expr_value v); /* NAN: NULL; of a text what it begins with, or 0 */
int64_t expr_as_int(struct expr_value v);   /* cut and clamped; NULL is 0 */

struct expr_value expr_of(struct value v); /* a boolean is 1 or 0 */
struct value expr_to_value(struct expr_value v);

/* The order of ORDER BY: NULL, numbers, texts by their bytes. */
int expr_order(struct expr_value a, struct expr_value b);

/* Before they are compared. */
void expr_affine(struct arena *a, struct expr_value *x, enum expr_affinity ax, struct expr_value *y,
                 enum expr_affinity ay);

enum expr_op {
    OP_OR,
    OP_AND,
    OP_EQ,
    OP_NE,
    OP_IS,
    OP_IS_NOT,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_BIT_AND,
    OP_BIT_OR,
    OP_SHIFT_LEFT,
    OP_SHIFT_RIGHT,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_CONCAT,
    OP_NOT,
    OP_NEGATE,
    OP_PLUS,
    OP_BIT_NOT,
};

/* Two operands, by which affinity stands already; not OP_AND and OP_OR. */
struct expr_value expr_binary(struct arena *a, enum expr_op op, struct expr_value x,
                              struct expr_value y);
struct expr_value expr_unary(enum expr_op op, struct expr_value x);
struct expr_value expr_cast(struct arena *a, struct expr_value x, enum expr_affinity to);
/* LIKE as SQLite has it: % and _, letters of ASCII without case; escape 0: none. */
bool expr_like(struct slice pattern, struct slice text, uint32_t escape);

/* Functions of values alone. */
struct expr_fn {
    const char *name;
    uint8_t least, most; /* arguments; most 255: any number */
    struct expr_value (*fn)(struct arena *a, const struct expr_value *args, size_t n);
    const char *arguments, *what; /* for people: "x, digits", one sentence without full stop */
};
const struct expr_fn *expr_fn_find(struct slice name); /* NULL: none; case does not matter */
const struct expr_fn *expr_fn_at(size_t index);        /* NULL past the end */

#endif
