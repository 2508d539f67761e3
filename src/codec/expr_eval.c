/* expr_eval.c - what an expression is worth. */
#include "codec/expr.h"

static struct expr_value truth(int t)
{
    return t < 0 ? expr_null() : expr_int(t);
}

static struct expr_value not(struct expr_value v, bool negated)
{
    return negated ? expr_unary(OP_NOT, v) : v;
}

/* What is known ends it: false AND unknown is false. */
static struct expr_value logic(const struct expr *e, struct expr_env *env)
{
    int decided = e->op == OP_OR;
    int x = expr_truth(expr_eval(e->args[0], env));
    if (x == decided)
        return expr_int(x);
    int y = expr_truth(expr_eval(e->args[1], env));
    if (y == decided)
        return expr_int(y);
    return truth(x < 0 || y < 0 ? -1 : !decided);
}

static struct expr_value compared(enum expr_op op, const struct expr *ex, struct expr_value x,
                                  const struct expr *ey, struct expr_value y, struct expr_env *env)
{
    enum expr_affinity ay = ey ? (enum expr_affinity)ey->affinity : AFFINITY_NONE;
    if (x.type != EXPR_REAL || y.type != EXPR_REAL)
        expr_affine(env->arena, &x, (enum expr_affinity)ex->affinity, &y, ay);
    return expr_binary(env->arena, op, x, y);
}

static struct expr_value binary(const struct expr *e, struct expr_env *env)
{
    enum expr_op op = (enum expr_op)e->op;
    if (op <= OP_AND)
        return logic(e, env);
    struct expr_value x = expr_eval(e->args[0], env), y = expr_eval(e->args[1], env);
    if (op <= OP_GE)
        return compared(op, e->args[0], x, e->args[1], y, env);
    return expr_binary(env->arena, op, x, y);
}

static struct expr_value between(const struct expr *e, struct expr_env *env)
{
    struct expr_value x = expr_eval(e->args[0], env);
    struct expr_value low =
        compared(OP_GE, e->args[0], x, e->args[1], expr_eval(e->args[1], env), env);
    struct expr_value high =
        compared(OP_LE, e->args[0], x, e->args[2], expr_eval(e->args[2], env), env);
    int a = expr_truth(low), b = expr_truth(high);
    return not(truth(a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1), e->negated);
}

static struct expr_value in(const struct expr *e, struct expr_env *env)
{
    struct expr_value x = expr_eval(e->args[0], env);
    bool unknown = false;
    if (e->n == 1) /* nothing is in an empty list, not even NULL */
        return expr_int(e->negated);
    for (size_t i = 1; i < e->n; i++) {
        int same =
            expr_truth(compared(OP_EQ, e->args[0], x, NULL, expr_eval(e->args[i], env), env));
        if (same > 0)
            return expr_int(!e->negated);
        unknown |= same < 0;
    }
    return unknown ? expr_null() : expr_int(e->negated);
}

static struct expr_value like(const struct expr *e, struct expr_env *env)
{
    struct expr_value x = expr_cast(env->arena, expr_eval(e->args[0], env), AFFINITY_TEXT);
    struct expr_value p = expr_cast(env->arena, expr_eval(e->args[1], env), AFFINITY_TEXT);
    uint32_t escape = 0;
    if (e->n > 2) { /* one character of ASCII */
        struct expr_value v = expr_cast(env->arena, expr_eval(e->args[2], env), AFFINITY_TEXT);
        if (v.type == EXPR_NULL || v.n != 1 || (unsigned char)v.as.p[0] >= 0x80)
            return expr_null();
        escape = (unsigned char)v.as.p[0];
    }
    if (x.type == EXPR_NULL || p.type == EXPR_NULL)
        return expr_null();
    return expr_int(expr_like(expr_slice(p), expr_slice(x), escape) != e->negated);
}

static struct expr_value choose(const struct expr *e, struct expr_env *env)
{
    size_t at = e->has_base, end = e->n - e->has_else;
    struct expr_value base = e->has_base ? expr_eval(e->args[0], env) : expr_null();
    for (; at + 1 < end; at += 2) {
        struct expr_value when = expr_eval(e->args[at], env);
        if (e->has_base)
            when = compared(OP_EQ, e->args[0], base, e->args[at], when, env);
        if (expr_truth(when) > 0)
            return expr_eval(e->args[at + 1], env);
    }
    return e->has_else ? expr_eval(e->args[e->n - 1], env) : expr_null();
}

static struct expr_value call(const struct expr *e, struct expr_env *env)
{
    enum { FEW = 8 };
    struct expr_value few[FEW], *args = few;
    if (e->n > FEW)
        args = arena_alloc(env->arena, e->n * sizeof *args);
    if (!args)
        return expr_null();
    for (size_t i = 0; i < e->n; i++)
        args[i] = expr_eval(e->args[i], env);
    return e->fn->fn(env->arena, args, e->n);
}

struct expr_value expr_eval(const struct expr *e, struct expr_env *env)
{
    switch ((enum expr_kind)e->kind) {
    case EXPR_LITERAL:
        return e->value;
    case EXPR_UNARY:
        return expr_unary((enum expr_op)e->op, expr_eval(e->args[0], env));
    case EXPR_BINARY:
        return binary(e, env);
    case EXPR_BETWEEN:
        return between(e, env);
    case EXPR_IN:
        return in(e, env);
    case EXPR_LIKE:
        return like(e, env);
    case EXPR_TRUTH: {
        int t = expr_truth(expr_eval(e->args[0], env));
        return expr_int((t == (e->op == OP_EQ)) != e->negated);
    }
    case EXPR_CASE:
        return choose(e, env);
    case EXPR_CAST:
        return expr_cast(env->arena, expr_eval(e->args[0], env), (enum expr_affinity)e->affinity);
    case EXPR_CALL:
        if (e->fn)
            return call(e, env);
        return env->leaf(env, e);
    case EXPR_NAME:
    case EXPR_FOR:
    case EXPR_PATH:
        return env->leaf(env, e);
    }
    return expr_null();
}
