/* expr.h - expressions, as people write them in rules and virtual sensors: the dialect of SQLite,
 * read into a tree.
 *
 * Literals, names, operators with SQLite's precedence, IS, BETWEEN, IN, LIKE, CASE, CAST and calls;
 * beyond SQLite `condition FOR '2m'`, which binds weakest of all, and paths through the graph as
 * the first argument of AT: `at(feeds.pump/^contains, pressure)`.  Names are bare words or stand in
 * "double quotes"; one point may stand in between (twin.name).  What names and calls mean is the
 * caller's business: expr_eval() asks for them.
 *
 * Pure; the tree lives in the arena and points into the text. */
#ifndef CODEC_EXPR_H
#define CODEC_EXPR_H

#include "codec/expr_value.h"

enum {
    EXPR_TEXT_MAX = 16384,
    EXPR_NODES_MAX = 1000,
    EXPR_DEPTH_MAX = 100,
    EXPR_PATH_MAX = 4,
};

enum expr_kind {
    EXPR_LITERAL, /* value */
    EXPR_NAME,    /* name; member, when there is a point */
    EXPR_UNARY,   /* op; args[0] */
    EXPR_BINARY,  /* op; args[0], args[1] */
    EXPR_BETWEEN, /* args[0] between args[1] and args[2] */
    EXPR_IN,      /* args[0] in args[1] ... */
    EXPR_LIKE,    /* args[0] like args[1] [escape args[2]] */
    EXPR_TRUTH,   /* args[0] is true (op OP_EQ) or false (OP_NE) */
    EXPR_CASE,    /* args: [base], when, then, when, then ..., [else] */
    EXPR_CAST,    /* args[0] as affinity */
    EXPR_CALL,    /* name; args */
    EXPR_FOR,     /* args[0] for value (a text) */
    EXPR_PATH,    /* the first argument of AT: steps */
};

struct expr_step {
    struct slice kind;   /* of the relationship */
    struct slice filter; /* a twin or a type; or empty */
    bool inward;
};

struct expr {
    uint8_t kind;            /* enum expr_kind */
    uint8_t op;              /* enum expr_op */
    uint8_t affinity;        /* enum expr_affinity: what a comparison sees */
    bool negated;            /* NOT BETWEEN, NOT IN, NOT LIKE, IS NOT TRUE */
    bool has_base, has_else; /* EXPR_CASE */
    uint32_t at, end;        /* where it stands in the text */
    uint32_t slot;           /* the caller's */
    struct expr_value value; /* EXPR_LITERAL, EXPR_FOR */
    struct slice name, member;
    const struct expr_fn *fn; /* EXPR_CALL of a function of values alone; or NULL */
    struct expr **args;
    size_t n;
    struct expr_step *steps; /* EXPR_PATH: n of them */
};

struct expr_error {
    uint32_t at, end;    /* bytes at fault */
    int line, column;    /* from 1; the column counts characters */
    const char *message; /* a sentence: what is wrong and what to do; in the arena or for good */
};

/* ERR_INVALID with *ret_error; ERR_NOMEM. */
int expr_parse(struct arena *a, struct slice text, struct expr **ret, struct expr_error *ret_error);
/* For callers who find fault with a part of the tree. */
void expr_place(struct slice text, struct expr_error *e);

/* What a name (EXPR_NAME), FOR, or a call that is no function of values alone is worth now. */
struct expr_env {
    struct expr_value (*leaf)(struct expr_env *env, const struct expr *e);
    struct arena *arena; /* for texts that are made */
};
struct expr_value expr_eval(const struct expr *e, struct expr_env *env);

#endif
