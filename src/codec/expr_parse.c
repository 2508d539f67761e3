/* expr_parse.c - text of an expression as a tree.
 *
 * One token ahead, precedence climbing.  The levels are those of SQLite's grammar; FOR stands below
 * all of them. */
#include "base/err.h"
#include "codec/expr.h"
#include "codec/json.h"
#include "codec/number.h"

#include <stdlib.h>

enum token { T_END, T_NUMBER, T_TEXT, T_WORD, T_QUOTED, T_SIGN };

enum level {
    LEVEL_FOR,
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_EQUAL,
    LEVEL_COMPARE,
    LEVEL_ESCAPE,
    LEVEL_BITS,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_CONCAT,
    LEVEL_PREFIX
};

struct parser {
    struct arena *a;
    struct slice text;
    struct expr_error *error;
    int err;
    size_t nodes, depth;
    /* the token ahead */
    enum token token;
    size_t at, end;    /* where it stands */
    size_t last_end;   /* where the one before ended */
    struct slice name; /* T_TEXT, T_QUOTED: what it stands for; T_WORD: as written */
};

static struct expr *parse(struct parser *p, enum level least);

/* ---- what is wrong ---- */

void expr_place(struct slice text, struct expr_error *e)
{
    json_position(text, e->at, &e->line, &e->column);
}

static void *fail_at(struct parser *p, size_t at, size_t end, const char *message)
{
    if (p->err)
        return NULL;
    p->err = message ? ERR_INVALID : ERR_NOMEM;
    *p->error = (struct expr_error){
        .at = (uint32_t)at, .end = (uint32_t)end, .message = message ? message : "out of memory"};
    expr_place(p->text, p->error);
    return NULL;
}

/* `wanted` is what could stand where the token ahead is. */
static void *unexpected(struct parser *p, const char *wanted)
{
    if (p->token == T_END)
        return fail_at(p, p->at, p->end,
                       arena_printf(p->a, "The text ends where %s should stand.", wanted));
    struct slice it = slice_of(p->text.p + p->at, p->end - p->at);
    if (it.n > 40)
        it.n = 40;
    while (it.n && ((unsigned char)it.p[it.n - 1] & 0xC0) == 0x80 && it.n < p->end - p->at)
        it.n--;
    return fail_at(p, p->at, p->end,
                   arena_printf(p->a, "%.*s stands where %s should stand.", SLICE_ARG(it), wanted));
}

/* ---- tokens ---- */

static bool is_word(unsigned char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80 ||
           (!first && ((c >= '0' && c <= '9') || c == '$'));
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

/* Spaces, -- to the end of the line, and what stands between C's marks. */
static size_t skip_blanks(struct parser *p, size_t at)
{
    for (;;) {
        struct slice rest = slice_skip(p->text, at);
        if (rest.n && is_blank(rest.p[0])) {
            at++;
        } else if (slice_starts(rest, "--")) {
            ptrdiff_t n = slice_find(rest, '\n');
            at = n < 0 ? p->text.n : at + (size_t)n;
        } else if (slice_starts(rest, "/*")) {
            size_t n = 2;
            while (n < rest.n && !slice_starts(slice_skip(rest, n), "*/"))
                n++;
            at += n + 2 < rest.n ? n + 2 : rest.n;
        } else {
            return at;
        }
    }
}

static void quoted(struct parser *p, char mark)
{
    size_t from = p->at + 1, at = from, n = 0;
    char *out = arena_alloc(p->a, p->text.n - p->at + 1);
    if (!out) {
        fail_at(p, p->at, p->at, NULL);
        return;
    }
    for (;; at++) {
        if (at >= p->text.n) {
            fail_at(p, p->at, p->text.n,
                    mark == '\'' ? "This text has no end: close it with '."
                                 : "This name has no end: close it with \".");
            return;
        }
        if (p->text.p[at] == mark) {
            if (at + 1 >= p->text.n || p->text.p[at + 1] != mark)
                break;
            at++;
        }
        out[n++] = p->text.p[at];
    }
    out[n] = 0;
    p->end = at + 1;
    p->name = slice_of(out, n);
    p->token = mark == '\'' ? T_TEXT : T_QUOTED;
    if (mark == '"' && !n)
        fail_at(p, p->at, p->end, "A name is not empty. A text stands in single quotes: ''.");
}

static void number_token(struct parser *p)
{
    const char *begin = p->text.p + p->at, *end = p->text.p + p->text.n;
    struct decimal d;
    p->token = T_NUMBER;
    const char *behind = decimal_scan(begin, end, &d);
    p->end = behind ? (size_t)(behind - p->text.p) : p->at + 1;
    if (behind && behind < end && is_word((unsigned char)*behind, false)) {
        while (p->end < p->text.n && is_word((unsigned char)p->text.p[p->end], false))
            p->end++;
        fail_at(p, p->at, p->end,
                "This is neither a number nor a name: a name that begins with a digit stands in "
                "double quotes, a duration in single quotes ('5m').");
    }
}

static void advance(struct parser *p)
{
    static const char signs[][3] = {"||", "<=", ">=", "<>", "!=", "==", "<<", ">>"};
    p->last_end = p->end;
    p->at = p->end = skip_blanks(p, p->end);
    struct slice rest = slice_skip(p->text, p->at);
    if (!rest.n) {
        p->token = T_END;
        return;
    }
    char c = rest.p[0];
    if (c == '\'' || c == '"') {
        quoted(p, c);
    } else if ((c >= '0' && c <= '9') ||
               (c == '.' && rest.n > 1 && rest.p[1] >= '0' && rest.p[1] <= '9')) {
        number_token(p);
    } else if (is_word((unsigned char)c, true)) {
        p->token = T_WORD;
        while (p->end < p->text.n && is_word((unsigned char)p->text.p[p->end], false))
            p->end++;
        p->name = slice_of(rest.p, p->end - p->at);
    } else {
        p->token = T_SIGN;
        p->end = p->at + 1;
        for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
            if (slice_starts(rest, signs[i]))
                p->end = p->at + 2;
        if (!memchr("+-*/%()<>=!|&~,.^", c, 17))
            fail_at(p, p->at, p->end,
                    "This sign means nothing here. Names with other signs than letters, digits and "
                    "_ stand in double quotes.");
    }
}

static bool is_sign(const struct parser *p, const char *sign)
{
    return p->token == T_SIGN && slice_is(slice_of(p->text.p + p->at, p->end - p->at), sign);
}

static bool is_keyword(const struct parser *p, const char *word)
{
    return p->token == T_WORD && slice_is_nocase(p->name, word);
}

static bool take_sign(struct parser *p, const char *sign)
{
    bool it = !p->err && is_sign(p, sign);
    if (it)
        advance(p);
    return it;
}

static bool take_keyword(struct parser *p, const char *word)
{
    bool it = !p->err && is_keyword(p, word);
    if (it)
        advance(p);
    return it;
}

static void want_sign(struct parser *p, const char *sign)
{
    if (!p->err && !take_sign(p, sign))
        unexpected(p, sign);
}

static void want_keyword(struct parser *p, const char *word)
{
    if (!p->err && !take_keyword(p, word))
        unexpected(p, word);
}

/* ---- the tree ---- */

static struct expr *node(struct parser *p, enum expr_kind kind, size_t at, size_t args)
{
    struct expr *e = NULL;
    if (p->err)
        return NULL;
    if (p->nodes++ >= EXPR_NODES_MAX)
        return fail_at(p, at, p->end,
                       "The expression is too large: make virtual sensors of its "
                       "parts.");
    e = arena_zalloc(p->a, sizeof *e);
    if (e && args)
        e->args = arena_zalloc(p->a, args * sizeof *e->args);
    if (!e || (args && !e->args))
        return fail_at(p, at, at, NULL);
    e->kind = (uint8_t)kind;
    e->at = (uint32_t)at;
    e->end = (uint32_t)p->end;
    e->n = args;
    return e;
}

/* The node is whole: it ends where the last token did. */
static struct expr *whole(struct parser *p, struct expr *e)
{
    if (p->err)
        return NULL;
    e->end = (uint32_t)p->last_end;
    return e;
}

/* A list that grows: args[n] is put behind. */
static void push(struct parser *p, struct expr *e, struct expr *arg)
{
    if (p->err)
        return;
    if ((e->n & (e->n - 1)) == 0) { /* 0, 1, 2, 4, ...: it is full */
        struct expr **args = arena_alloc(p->a, (e->n ? 2 * e->n : 1) * sizeof *args);
        if (!args) {
            fail_at(p, e->at, e->at, NULL);
            return;
        }
        if (e->n)
            memcpy(args, e->args, e->n * sizeof *args);
        e->args = args;
    }
    e->args[e->n++] = arg;
}

static struct expr *literal(struct parser *p, struct expr_value v)
{
    struct expr *e = node(p, EXPR_LITERAL, p->at, 0);
    if (e)
        e->value = v;
    advance(p);
    return whole(p, e);
}

static struct expr *number(struct parser *p, bool negative)
{
    struct slice text = slice_of(p->text.p + p->at, p->end - p->at);
    const char *end = text.p + text.n;
    struct decimal d;
    struct value v;
    int64_t i;
    decimal_scan(text.p, end, &d);
    if (!d.real) {
        char digits[24];
        if (text.n < sizeof digits - 1) { /* with its sign, so that the least number is one */
            digits[0] = '-';
            memcpy(digits + 1, text.p, text.n);
            if (!slice_to_i64(slice_of(digits + !negative, text.n + negative), &i))
                return literal(p, expr_int(i));
        }
    }
    double r = decimal_value(&d, text, &v) ? INFINITY : value_as_double(v);
    return literal(p, expr_real(negative ? -r : r));
}

static struct expr *cast(struct parser *p, size_t at)
{
    static const struct {
        const char *name;
        enum expr_affinity to;
    } types[] = {{"integer", AFFINITY_INT},    {"int", AFFINITY_INT},    {"real", AFFINITY_REAL},
                 {"double", AFFINITY_REAL},    {"float", AFFINITY_REAL}, {"text", AFFINITY_TEXT},
                 {"numeric", AFFINITY_NUMERIC}};
    struct expr *e = node(p, EXPR_CAST, at, 1);
    want_sign(p, "(");
    struct expr *of = parse(p, LEVEL_FOR);
    want_keyword(p, "AS");
    for (size_t i = 0; !p->err && i < sizeof types / sizeof *types; i++)
        if (take_keyword(p, types[i].name))
            e->affinity = (uint8_t)types[i].to;
    if (!p->err && !e->affinity)
        return unexpected(p, "INTEGER, REAL, TEXT or NUMERIC");
    want_sign(p, ")");
    if (!p->err)
        e->args[0] = of;
    return whole(p, e);
}

static struct expr *choose(struct parser *p, size_t at)
{
    struct expr *e = node(p, EXPR_CASE, at, 0);
    if (!p->err && !is_keyword(p, "WHEN")) {
        push(p, e, parse(p, LEVEL_FOR));
        if (!p->err)
            e->has_base = true;
    }
    if (!p->err && !is_keyword(p, "WHEN"))
        return unexpected(p, "WHEN");
    while (take_keyword(p, "WHEN")) {
        push(p, e, parse(p, LEVEL_FOR));
        want_keyword(p, "THEN");
        push(p, e, parse(p, LEVEL_FOR));
    }
    if (take_keyword(p, "ELSE")) {
        push(p, e, parse(p, LEVEL_FOR));
        if (!p->err)
            e->has_else = true;
    }
    want_keyword(p, "END");
    return whole(p, e);
}

/* ---- names, calls and paths ---- */

static struct slice name(struct parser *p, const char *wanted)
{
    struct slice it = p->name;
    if (p->err)
        return slice_of("", 0);
    if (p->token != T_WORD && p->token != T_QUOTED) {
        unexpected(p, wanted);
        return slice_of("", 0);
    }
    advance(p);
    return it;
}

/* feeds.pump/^contains */
static struct expr *path(struct parser *p)
{
    struct expr *e = node(p, EXPR_PATH, p->at, 0);
    struct expr_step *steps = arena_zalloc(p->a, EXPR_PATH_MAX * sizeof *steps);
    if (!steps)
        fail_at(p, p->at, p->at, NULL);
    while (!p->err) {
        if (e->n == EXPR_PATH_MAX)
            return fail_at(p, p->at, p->end, "A path has 4 steps at most.");
        struct expr_step *s = &steps[e->n++];
        s->inward = take_sign(p, "^");
        s->kind = name(p, "the kind of a relationship (feeds, or ^feeds against its direction)");
        if (take_sign(p, "."))
            s->filter = name(p, "the id of a twin or a type");
        if (!take_sign(p, "/"))
            break;
    }
    if (e)
        e->steps = steps;
    return whole(p, e);
}

static struct expr *check_count(struct parser *p, struct expr *e)
{
    const struct expr_fn *f = expr_fn_find(e->name);
    /* min(x) and max(x) of one argument are the caller's: they look at several neighbours */
    if (!f || (e->n == 1 && (f->least == 2 && f->most == 255)))
        return e;
    if (e->n >= f->least && (f->most == 255 || e->n <= f->most)) {
        e->fn = f;
        return e;
    }
    return fail_at(p, e->at, e->end,
                   arena_printf(p->a, "%s(%s) is how the function is called: it has %s arguments.",
                                f->name, f->arguments, e->n < f->least ? "more" : "fewer"));
}

static struct expr *call(struct parser *p, struct slice fn, size_t at)
{
    struct expr *e = node(p, EXPR_CALL, at, 0);
    advance(p); /* ( */
    if (e)
        e->name = fn;
    if (!p->err && !is_sign(p, ")")) {
        push(p, e, slice_is_nocase(fn, "at") ? path(p) : parse(p, LEVEL_FOR));
        while (take_sign(p, ","))
            push(p, e, parse(p, LEVEL_FOR));
    }
    if (!p->err && !take_sign(p, ")"))
        return unexpected(p, ", or )");
    return whole(p, e) ? check_count(p, e) : NULL;
}

static bool is_reserved(struct slice word)
{
    static const char *const words[] = {"and",  "or",   "not",  "is",    "between", "in",
                                        "like", "case", "when", "then",  "else",    "end",
                                        "for",  "as",   "null", "escape"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is_nocase(word, words[i]))
            return true;
    return false;
}

static struct expr *named(struct parser *p)
{
    size_t at = p->at;
    bool bare = p->token == T_WORD;
    struct slice it = p->name;
    if (bare && take_keyword(p, "CASE"))
        return choose(p, at);
    if (bare && is_keyword(p, "NULL"))
        return literal(p, expr_null());
    if (bare && is_reserved(it))
        return unexpected(p, "a value");
    advance(p);
    if (!p->err && bare && is_sign(p, "("))
        return slice_is_nocase(it, "cast") ? cast(p, at) : call(p, it, at);
    struct expr *e = node(p, EXPR_NAME, at, 0);
    if (!e)
        return NULL;
    e->name = it;
    if (take_sign(p, ".")) {
        e->member = name(p, "a name");
    } else if (bare && (slice_is_nocase(it, "true") || slice_is_nocase(it, "false"))) {
        e->kind = EXPR_LITERAL;
        e->value = expr_int(slice_is_nocase(it, "true"));
        e->op = OP_EQ; /* so that IS knows that it was a word */
    }
    return whole(p, e);
}

static struct expr *prefix(struct parser *p)
{
    static const struct {
        const char *sign;
        enum expr_op op;
    } signs[] = {{"-", OP_NEGATE}, {"+", OP_PLUS}, {"~", OP_BIT_NOT}};
    size_t at = p->at;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!take_sign(p, signs[i].sign))
            continue;
        if (signs[i].op == OP_NEGATE && !p->err && p->token == T_NUMBER)
            return number(p, true);
        struct expr *e = node(p, EXPR_UNARY, at, 1), *of = parse(p, LEVEL_PREFIX);
        if (p->err)
            return NULL;
        e->op = (uint8_t)signs[i].op;
        e->args[0] = of;
        return whole(p, e);
    }
    if (take_keyword(p, "NOT")) {
        struct expr *e = node(p, EXPR_UNARY, at, 1), *of = parse(p, LEVEL_NOT);
        if (p->err)
            return NULL;
        e->op = OP_NOT;
        e->args[0] = of;
        return whole(p, e);
    }
    if (take_sign(p, "(")) {
        struct expr *e = parse(p, LEVEL_FOR);
        want_sign(p, ")");
        return p->err ? NULL : e;
    }
    if (p->err)
        return NULL;
    switch (p->token) {
    case T_NUMBER:
        return number(p, false);
    case T_TEXT:
        return literal(p, expr_text(p->name));
    case T_WORD:
    case T_QUOTED:
        return named(p);
    default:
        return unexpected(p, "a value");
    }
}

/* ---- what may stand behind a value ---- */

static struct expr *binary(struct parser *p, struct expr *left, enum expr_op op, enum level level)
{
    struct expr *e = node(p, EXPR_BINARY, left->at, 2);
    struct expr *right = parse(p, level + 1);
    if (p->err)
        return NULL;
    e->op = (uint8_t)op;
    e->args[0] = left;
    e->args[1] = right;
    return whole(p, e);
}

static struct expr *with_null(struct parser *p, struct expr *left, enum expr_op op)
{
    struct expr *e = node(p, EXPR_BINARY, left->at, 2), *null = node(p, EXPR_LITERAL, p->at, 0);
    if (p->err)
        return NULL;
    e->op = (uint8_t)op;
    e->args[0] = left;
    e->args[1] = null;
    return whole(p, e);
}

static struct expr *is(struct parser *p, struct expr *left)
{
    bool negated = take_keyword(p, "NOT");
    if (take_keyword(p, "DISTINCT")) {
        want_keyword(p, "FROM");
        return p->err ? NULL : binary(p, left, negated ? OP_IS : OP_IS_NOT, LEVEL_EQUAL);
    }
    if (p->err)
        return NULL;
    struct expr *e = binary(p, left, negated ? OP_IS_NOT : OP_IS, LEVEL_EQUAL);
    if (e && e->args[1]->kind == EXPR_LITERAL && e->args[1]->op == OP_EQ) {
        e->kind = EXPR_TRUTH;
        e->op = e->args[1]->value.as.i ? OP_EQ : OP_NE;
        e->negated = negated;
        e->n = 1;
    }
    return e;
}

static struct expr *between(struct parser *p, struct expr *left, bool negated)
{
    struct expr *e = node(p, EXPR_BETWEEN, left->at, 3), *low = parse(p, LEVEL_NOT);
    want_keyword(p, "AND");
    struct expr *high = parse(p, LEVEL_COMPARE);
    if (p->err)
        return NULL;
    e->args[0] = left;
    e->args[1] = low;
    e->args[2] = high;
    e->negated = negated;
    return whole(p, e);
}

static struct expr *in(struct parser *p, struct expr *left, bool negated)
{
    struct expr *e = node(p, EXPR_IN, left->at, 0);
    if (e)
        e->negated = negated;
    want_sign(p, "(");
    push(p, e, left);
    if (!p->err && !is_sign(p, ")")) {
        do
            push(p, e, parse(p, LEVEL_FOR));
        while (take_sign(p, ","));
    }
    if (!p->err && !take_sign(p, ")"))
        return unexpected(p, ", or )");
    return whole(p, e);
}

static struct expr *like(struct parser *p, struct expr *left, bool negated)
{
    struct expr *e = node(p, EXPR_LIKE, left->at, 2), *pattern = parse(p, LEVEL_COMPARE);
    struct expr *escape = take_keyword(p, "ESCAPE") ? parse(p, LEVEL_ESCAPE) : NULL;
    if (p->err)
        return NULL;
    e->negated = negated;
    e->n = 0;
    e->args = NULL;
    push(p, e, left);
    push(p, e, pattern);
    if (escape)
        push(p, e, escape);
    return whole(p, e);
}

/* FOR '2m', and what is as strong as =; *ret_none: none of it stands here. */
static struct expr *special(struct parser *p, struct expr *left, enum level least, bool *ret_none)
{
    *ret_none = false;
    if (least <= LEVEL_FOR && take_keyword(p, "FOR")) {
        struct expr *e = node(p, EXPR_FOR, left->at, 1);
        if (!p->err && p->token != T_TEXT)
            return unexpected(p, "a duration such as '2m'");
        if (p->err)
            return NULL;
        e->args[0] = left;
        e->value = expr_text(p->name);
        advance(p);
        return whole(p, e);
    }
    if (least <= LEVEL_EQUAL) {
        if (take_keyword(p, "IS"))
            return is(p, left);
        if (take_keyword(p, "ISNULL"))
            return with_null(p, left, OP_IS);
        if (take_keyword(p, "NOTNULL"))
            return with_null(p, left, OP_IS_NOT);
        bool negated = take_keyword(p, "NOT");
        if (negated && take_keyword(p, "NULL"))
            return with_null(p, left, OP_IS_NOT);
        if (take_keyword(p, "BETWEEN"))
            return between(p, left, negated);
        if (take_keyword(p, "IN"))
            return in(p, left, negated);
        if (take_keyword(p, "LIKE"))
            return like(p, left, negated);
        if (negated)
            return unexpected(p, "BETWEEN, IN, LIKE or NULL");
    }
    *ret_none = true;
    return left;
}

static struct expr *infix(struct parser *p, struct expr *left, enum level least, bool *ret_none)
{
    static const struct {
        const char *sign;
        uint8_t op, level;
    } signs[] = {{"=", OP_EQ, LEVEL_EQUAL},         {"==", OP_EQ, LEVEL_EQUAL},
                 {"<>", OP_NE, LEVEL_EQUAL},        {"!=", OP_NE, LEVEL_EQUAL},
                 {"<", OP_LT, LEVEL_COMPARE},       {"<=", OP_LE, LEVEL_COMPARE},
                 {">", OP_GT, LEVEL_COMPARE},       {">=", OP_GE, LEVEL_COMPARE},
                 {"&", OP_BIT_AND, LEVEL_BITS},     {"|", OP_BIT_OR, LEVEL_BITS},
                 {"<<", OP_SHIFT_LEFT, LEVEL_BITS}, {">>", OP_SHIFT_RIGHT, LEVEL_BITS},
                 {"+", OP_ADD, LEVEL_SUM},          {"-", OP_SUB, LEVEL_SUM},
                 {"*", OP_MUL, LEVEL_PRODUCT},      {"/", OP_DIV, LEVEL_PRODUCT},
                 {"%", OP_MOD, LEVEL_PRODUCT},      {"||", OP_CONCAT, LEVEL_CONCAT}};
    if (p->token == T_SIGN)
        for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
            if (signs[i].level >= least && take_sign(p, signs[i].sign))
                return binary(p, left, (enum expr_op)signs[i].op, (enum level)signs[i].level);
    if (least <= LEVEL_OR && take_keyword(p, "OR"))
        return binary(p, left, OP_OR, LEVEL_OR);
    if (least <= LEVEL_AND && take_keyword(p, "AND"))
        return binary(p, left, OP_AND, LEVEL_AND);
    return special(p, left, least, ret_none);
}

static struct expr *parse(struct parser *p, enum level least)
{
    if (p->err)
        return NULL;
    if (++p->depth > EXPR_DEPTH_MAX)
        return fail_at(p, p->at, p->end, "The expression is too deep: 100 levels are the most.");
    struct expr *e = prefix(p);
    for (bool none = false; e && !p->err;) {
        struct expr *more = infix(p, e, least, &none);
        if (none)
            break;
        e = more;
    }
    p->depth--;
    return p->err ? NULL : e;
}

int expr_parse(struct arena *a, struct slice text, struct expr **ret, struct expr_error *ret_error)
{
    struct parser p = {.a = a, .text = text, .error = ret_error};
    if (text.n > EXPR_TEXT_MAX)
        fail_at(&p, 0, 0,
                "The expression has more than 16,384 bytes: make virtual sensors of its "
                "parts.");
    if (text.n && memchr(text.p, 0, text.n))
        fail_at(&p, 0, 0, "The expression has a NUL in it.");
    if (!p.err)
        advance(&p);
    struct expr *e = parse(&p, LEVEL_FOR);
    if (!p.err && p.token != T_END)
        unexpected(&p, "an operator or the end");
    if (!p.err)
        *ret = e;
    return p.err;
}
