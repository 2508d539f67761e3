/* graphql_internal.h - what the files of GraphQL share; nobody else includes it. */
#ifndef CODEC_GRAPHQL_INTERNAL_H
#define CODEC_GRAPHQL_INTERNAL_H

#include "base/map.h"
#include "codec/graphql.h"

/* ---- lexer ---- */

enum gql_token_kind {
    GQL_TOKEN_END,
    GQL_TOKEN_NAME,
    GQL_TOKEN_INT,
    GQL_TOKEN_FLOAT,
    GQL_TOKEN_STRING,
    GQL_TOKEN_BLOCK,
    GQL_TOKEN_SPREAD, /* ... ; every other is its character */
};

struct gql_token {
    int kind;
    uint32_t at, end;
    struct slice text; /* of a name or number as written, of a string what it says */
};

struct gql_lexer {
    struct arena *arena;
    struct slice text;
    size_t pos;
    size_t error_at;
    const char *error;
};

int gql_lex(struct gql_lexer *lx, struct gql_token *ret); /* ERR_MALFORMED, ERR_NOMEM */

/* ---- errors ---- */

/* nodes: where; n of them.  The message is copied. */
struct gql_error *gql_error_add(struct gql_errors *e, struct slice text, const char *rule,
                                const uint32_t *offsets, size_t n, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* ---- directives ---- */

#define GQL_DIRECTIVE_PLACES(X)                                                                    \
    X(QUERY)                                                                                       \
    X(MUTATION)                                                                                    \
    X(SUBSCRIPTION)                                                                                \
    X(FIELD)                                                                                       \
    X(FRAGMENT_DEFINITION)                                                                         \
    X(FRAGMENT_SPREAD)                                                                             \
    X(INLINE_FRAGMENT)                                                                             \
    X(VARIABLE_DEFINITION)                                                                         \
    X(SCHEMA)                                                                                      \
    X(SCALAR)                                                                                      \
    X(OBJECT)                                                                                      \
    X(FIELD_DEFINITION)                                                                            \
    X(ARGUMENT_DEFINITION)                                                                         \
    X(INTERFACE)                                                                                   \
    X(UNION)                                                                                       \
    X(ENUM)                                                                                        \
    X(ENUM_VALUE)                                                                                  \
    X(INPUT_OBJECT)                                                                                \
    X(INPUT_FIELD_DEFINITION)

enum gql_directive_place {
#define X(name) GQL_AT_##name,
    GQL_DIRECTIVE_PLACES(X)
#undef X
        GQL_AT_N
};
extern const char *const gql_directive_places[GQL_AT_N];

/* ---- schema ---- */

struct gql_schema {
    struct arena *arena;
    struct gql_document *doc, *builtin;
    const struct gql_type **types;
    struct gql_directive *directives;
    size_t types_n, directives_n;
    struct map by_name; /* struct gql_type */
    const struct gql_type *roots[3];
    struct gql_field typename_, schema, type; /* __typename, __schema, __type */
    const struct gql_node *definition;        /* schema { }, or NULL */
};

extern const char gql_builtin_sdl[];

/* ---- values ---- */

/* A literal as a value of a type; NULL: it is none.  variables may be NULL: a constant. */
struct jval *gql_literal(struct arena *a, const struct gql_type *type, const struct gql_node *node,
                         const struct jval *variables);
bool gql_leaf_literal(const struct gql_type *type, const struct gql_node *node);
const struct gql_node *gql_find_node(const struct gql_node *list, struct slice name);

/* ---- validation: graphql_validate.c walks through a document with the types of its places, and
 * the other files have the rules that need more than one place ---- */

struct gql_usage { /* of a variable */
    const struct gql_node *node;
    const struct gql_type *type;   /* that stands there; NULL: not known */
    const struct gql_type *parent; /* of the object or list around it */
    bool has_default;              /* the place has a value of its own */
    struct gql_usage *next;
};

struct gql_spread {
    const struct gql_node *node;
    struct gql_spread *next;
};

/* What the walk learns of each definition, by its number. */
struct gql_part {
    struct gql_usage *usages, **usages_last;
    struct gql_spread *spreads; /* all, in the order in which npm's graphql finds them */
    uint32_t seen;              /* the mark of whoever walks by spreads */
};

struct gql_check {
    const struct gql_schema *schema;
    const struct gql_document *doc;
    struct gql_errors *errors;
    struct arena *arena;
    struct map fragments; /* struct gql_node: the last of each name */
    struct gql_part *parts, *part;
    uint32_t mark;
    bool failed; /* memory ran out */
};

void gql_say(struct gql_check *c, const char *rule, const struct gql_node *at, const char *format,
             ...) __attribute__((format(printf, 4, 5)));
void gql_say_at(struct gql_check *c, const char *rule, const uint32_t *offsets, size_t n,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
const struct gql_node *gql_fragment(const struct gql_check *c, struct slice name);
void *gql_check_alloc(struct gql_check *c, size_t n);

void gql_rules_document(struct gql_check *c);  /* graphql_rules.c */
void gql_rules_variables(struct gql_check *c); /* graphql_variables.c */
/* graphql_overlap.c: within the selections of a node; parent may be NULL */
struct gql_overlaps;
struct gql_overlaps *gql_overlaps_new(struct gql_check *c);
void gql_overlaps_free(struct gql_overlaps *o);
void gql_rule_overlaps(struct gql_overlaps *o, const struct gql_type *parent,
                       const struct gql_node *node);
/* graphql_literal.c: a value at a place; type and parent may be NULL */
void gql_rules_value(struct gql_check *c, const struct gql_type *type,
                     const struct gql_type *parent, bool has_default, const struct gql_node *value);
/* Names that stand twice in a list; at the name itself.  what: "argument named \"". */
void gql_rule_unique(struct gql_check *c, const char *rule, const struct gql_node *list,
                     const char *what);

#endif
