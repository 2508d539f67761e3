/* graphql_parse.c - from tokens to a document: a descent by the grammar of the standard's appendix
 * B, one function a production.  How deep it goes is limited, so that no text exhausts the stack.
 */
#include "base/err.h"
#include "codec/graphql_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { DEPTH_DEFAULT = 200 };

struct parser {
    struct arena *arena;
    struct gql_lexer lexer;
    struct gql_token token;
    struct gql_errors *errors;
    size_t tokens, depth;
    struct gql_limits limits;
    int err;
};

/* ---- errors and tokens ---- */

static void syntax(struct parser *p, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void syntax(struct parser *p, size_t offset, const char *format, ...)
{
    char text[256];
    va_list args;
    uint32_t at = (uint32_t)offset;
    if (p->err)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->err = ERR_MALFORMED;
    gql_error_add(p->errors, p->lexer.text, "Syntax", &at, 1, "Syntax Error: %s.", text);
}

static void name_token(const struct gql_token *t, char out[static 96])
{
    static const char *const kinds[] = {"<EOF>",  "Name",        "Int",    "Float",
                                        "String", "BlockString", "\"...\""};
    struct slice s = t->text;
    if (t->kind > GQL_TOKEN_SPREAD)
        snprintf(out, 96, "\"%c\"", t->kind);
    else if (t->kind == GQL_TOKEN_END || t->kind == GQL_TOKEN_SPREAD)
        snprintf(out, 96, "%s", kinds[t->kind]);
    else
        snprintf(out, 96, "%s \"%.*s\"", kinds[t->kind], s.n > 60 ? 60 : (int)s.n, s.p);
}

static void unexpected(struct parser *p, const struct gql_token *t)
{
    char name[96];
    name_token(t, name);
    syntax(p, t->at, "Unexpected %s", name);
}

static void advance(struct parser *p)
{
    if (p->err)
        return;
    int err = gql_lex(&p->lexer, &p->token);
    if (err == ERR_MALFORMED)
        syntax(p, p->lexer.error_at, "%s", p->lexer.error);
    else if (err)
        p->err = err;
    else if (p->token.kind != GQL_TOKEN_END && p->limits.tokens && ++p->tokens > p->limits.tokens)
        syntax(p, p->token.at, "Document contains more than %zu tokens. Parsing aborted",
               p->limits.tokens);
}

/* After an error nothing fits any more, so that every loop ends. */
static bool peek(const struct parser *p, int kind)
{
    return !p->err && p->token.kind == kind;
}

static bool peek_word(const struct parser *p, const char *word)
{
    return peek(p, GQL_TOKEN_NAME) && slice_is(p->token.text, word);
}

static bool take(struct parser *p, int kind)
{
    if (!peek(p, kind))
        return false;
    advance(p);
    return true;
}

static bool take_word(struct parser *p, const char *word)
{
    if (!peek_word(p, word))
        return false;
    advance(p);
    return true;
}

static void expect(struct parser *p, int kind)
{
    char found[96];
    if (take(p, kind) || p->err)
        return;
    name_token(&p->token, found);
    if (kind > GQL_TOKEN_SPREAD)
        syntax(p, p->token.at, "Expected \"%c\", found %s", kind, found);
    else
        syntax(p, p->token.at, "Expected Name, found %s", found);
}

static void expect_word(struct parser *p, const char *word)
{
    char found[96];
    if (take_word(p, word) || p->err)
        return;
    name_token(&p->token, found);
    syntax(p, p->token.at, "Expected \"%s\", found %s", word, found);
}

static bool deeper(struct parser *p)
{
    if (p->depth == p->limits.depth)
        syntax(p, p->token.at, "Document is nested more than %zu levels deep. Parsing aborted",
               p->limits.depth);
    if (p->err)
        return false;
    p->depth++;
    return true;
}

/* ---- nodes and lists ---- */

static struct gql_node *node_at(struct parser *p, enum gql_kind kind, uint32_t at)
{
    static struct gql_node nowhere; /* is never kept: the parse has failed */
    struct gql_node *n = p->err ? NULL : arena_zalloc(p->arena, sizeof *n);
    if (!n) {
        p->err = p->err ? p->err : ERR_NOMEM;
        nowhere = (struct gql_node){0};
        return &nowhere;
    }
    n->kind = (uint8_t)kind;
    n->at = at;
    return n;
}

static struct gql_node *node(struct parser *p, enum gql_kind kind)
{
    return node_at(p, kind, p->token.at);
}

static void name(struct parser *p, struct gql_node *n)
{
    n->name_at = p->token.at;
    n->name = p->token.text;
    expect(p, GQL_TOKEN_NAME);
}

typedef struct gql_node *parse_fn(struct parser *p);

/* One or more between brackets that are here. */
static struct gql_node *many(struct parser *p, int open, parse_fn *fn, int close)
{
    struct gql_node *first = NULL, **last = &first;
    expect(p, open);
    do {
        struct gql_node *n = fn(p);
        if (p->err)
            return NULL;
        *last = n;
        last = &n->next;
    } while (!take(p, close) && !p->err);
    return p->err ? NULL : first;
}

static struct gql_node *optional_many(struct parser *p, int open, parse_fn *fn, int close)
{
    return peek(p, open) ? many(p, open, fn, close) : NULL;
}

/* A & B, with a leading & or without. */
static struct gql_node *delimited(struct parser *p, int by, parse_fn *fn)
{
    struct gql_node *first = NULL, **last = &first;
    take(p, by);
    do {
        struct gql_node *n = fn(p);
        if (p->err)
            return NULL;
        *last = n;
        last = &n->next;
    } while (take(p, by));
    return first;
}

/* ---- values ---- */

static struct gql_node *value(struct parser *p, bool constant);

static struct gql_node *variable(struct parser *p)
{
    struct gql_node *n = node(p, GQL_VARIABLE);
    expect(p, '$');
    name(p, n);
    return n;
}

static struct gql_node *object_field(struct parser *p, bool constant)
{
    struct gql_node *n = node(p, GQL_OBJECT_FIELD);
    name(p, n);
    expect(p, ':');
    n->value = value(p, constant);
    return n;
}

/* A list or an object, which may be empty. */
static struct gql_node *nested(struct parser *p, bool constant)
{
    bool list = peek(p, '[');
    struct gql_node *n = node(p, list ? GQL_LIST : GQL_OBJECT), **last = &n->kids;
    if (!deeper(p))
        return n;
    advance(p);
    while (!p->err && !take(p, list ? ']' : '}')) {
        struct gql_node *kid = list ? value(p, constant) : object_field(p, constant);
        if (p->err)
            return n;
        *last = kid;
        last = &kid->next;
    }
    p->depth--;
    return n;
}

static struct gql_node *word(struct parser *p)
{
    struct slice text = p->token.text;
    enum gql_kind kind = slice_is(text, "true") || slice_is(text, "false") ? GQL_BOOLEAN
                         : slice_is(text, "null")                          ? GQL_NULL
                                                                           : GQL_ENUM;
    struct gql_node *n = node(p, kind);
    n->text = text;
    advance(p);
    return n;
}

static struct gql_node *text_value(struct parser *p, enum gql_kind kind)
{
    struct gql_node *n = node(p, kind);
    n->text = p->token.text;
    n->block = p->token.kind == GQL_TOKEN_BLOCK;
    advance(p);
    return n;
}

static struct gql_node *value(struct parser *p, bool constant)
{
    if (p->err)
        return NULL;
    switch (p->token.kind) {
    case '[':
    case '{':
        return nested(p, constant);
    case GQL_TOKEN_INT:
        return text_value(p, GQL_INT);
    case GQL_TOKEN_FLOAT:
        return text_value(p, GQL_FLOAT);
    case GQL_TOKEN_STRING:
    case GQL_TOKEN_BLOCK:
        return text_value(p, GQL_STRING);
    case GQL_TOKEN_NAME:
        return word(p);
    case '$': {
        uint32_t at = p->token.at;
        if (!constant)
            return variable(p);
        advance(p);
        if (peek(p, GQL_TOKEN_NAME))
            syntax(p, at, "Unexpected variable \"$%.*s\" in constant value",
                   p->token.text.n > 60 ? 60 : (int)p->token.text.n, p->token.text.p);
        else
            syntax(p, at, "Unexpected \"$\"");
        return NULL;
    }
    default:
        unexpected(p, &p->token);
        return NULL;
    }
}

/* ---- arguments, directives, types ---- */

static struct gql_node *argument_of(struct parser *p, bool constant)
{
    struct gql_node *n = node(p, GQL_ARGUMENT);
    name(p, n);
    expect(p, ':');
    n->value = value(p, constant);
    return n;
}

static struct gql_node *argument(struct parser *p)
{
    return argument_of(p, false);
}

static struct gql_node *constant_argument(struct parser *p)
{
    return argument_of(p, true);
}

static struct gql_node *directives(struct parser *p, bool constant)
{
    struct gql_node *first = NULL, **last = &first;
    while (peek(p, '@')) {
        struct gql_node *n = node(p, GQL_DIRECTIVE);
        advance(p);
        name(p, n);
        n->args = optional_many(p, '(', constant ? constant_argument : argument, ')');
        if (p->err)
            return NULL;
        *last = n;
        last = &n->next;
    }
    return first;
}

static struct gql_node *named(struct parser *p)
{
    struct gql_node *n = node(p, GQL_NAMED);
    name(p, n);
    return n;
}

static struct gql_node *type(struct parser *p)
{
    struct gql_node *n;
    uint32_t at = p->token.at;
    if (peek(p, '[')) {
        n = node(p, GQL_LIST_TYPE);
        if (!deeper(p))
            return n;
        advance(p);
        n->type = type(p);
        expect(p, ']');
        p->depth -= p->err ? 0 : 1;
    } else {
        n = named(p);
    }
    if (!peek(p, '!'))
        return n;
    struct gql_node *outer = node_at(p, GQL_NON_NULL, at);
    outer->type = n;
    advance(p);
    return outer;
}

/* ---- what is executed ---- */

static struct gql_node *selection(struct parser *p);

static void selections(struct parser *p, struct gql_node *n)
{
    n->kids_at = p->token.at;
    if (!deeper(p))
        return;
    n->kids = many(p, '{', selection, '}');
    p->depth -= p->err ? 0 : 1;
}

static struct gql_node *field(struct parser *p)
{
    struct gql_node *n = node(p, GQL_FIELD);
    name(p, n);
    if (take(p, ':')) {
        n->alias = n->name;
        name(p, n);
    }
    n->args = optional_many(p, '(', argument, ')');
    n->directives = directives(p, false);
    if (peek(p, '{'))
        selections(p, n);
    return n;
}

static void fragment_name(struct parser *p, struct gql_node *n)
{
    if (peek_word(p, "on"))
        unexpected(p, &p->token);
    name(p, n);
}

static struct gql_node *spread(struct parser *p)
{
    struct gql_node *n = node(p, GQL_SPREAD);
    advance(p);
    bool on = take_word(p, "on");
    if (!on && peek(p, GQL_TOKEN_NAME)) {
        fragment_name(p, n);
        n->directives = directives(p, false);
        return n;
    }
    n->kind = GQL_INLINE;
    if (on)
        n->type = named(p);
    n->directives = directives(p, false);
    selections(p, n);
    return n;
}

static struct gql_node *selection(struct parser *p)
{
    return peek(p, GQL_TOKEN_SPREAD) ? spread(p) : field(p);
}

static bool peek_description(const struct parser *p)
{
    return peek(p, GQL_TOKEN_STRING) || peek(p, GQL_TOKEN_BLOCK);
}

static void description(struct parser *p, struct gql_node *n)
{
    if (!peek_description(p))
        return;
    n->described = true;
    n->description = p->token.text;
    advance(p);
}

static struct gql_node *variable_definition(struct parser *p)
{
    struct gql_node *n = node(p, GQL_VARIABLE_DEFINITION);
    description(p, n);
    expect(p, '$');
    name(p, n);
    expect(p, ':');
    n->type = type(p);
    if (take(p, '='))
        n->value = value(p, true);
    n->directives = directives(p, true);
    return n;
}

static int operation_word(struct slice text)
{
    static const char *const words[] = {"query", "mutation", "subscription"};
    for (int i = 0; i < 3; i++)
        if (slice_is(text, words[i]))
            return i;
    return -1;
}

static struct gql_node *operation(struct parser *p)
{
    struct gql_node *n = node(p, GQL_OPERATION);
    if (!peek(p, '{')) {
        description(p, n);
        n->operation = (uint8_t)operation_word(p->token.text);
        advance(p);
        if (peek(p, GQL_TOKEN_NAME))
            name(p, n);
        n->args = optional_many(p, '(', variable_definition, ')');
        n->directives = directives(p, false);
    }
    selections(p, n);
    return n;
}

static struct gql_node *fragment(struct parser *p)
{
    struct gql_node *n = node(p, GQL_FRAGMENT);
    description(p, n);
    advance(p);
    fragment_name(p, n);
    expect_word(p, "on");
    n->type = named(p);
    n->directives = directives(p, false);
    selections(p, n);
    return n;
}

/* ---- the type system ---- */

static struct gql_node *input_value(struct parser *p)
{
    struct gql_node *n = node(p, GQL_INPUT_VALUE);
    description(p, n);
    name(p, n);
    expect(p, ':');
    n->type = type(p);
    if (take(p, '='))
        n->value = value(p, true);
    n->directives = directives(p, true);
    return n;
}

static struct gql_node *field_definition(struct parser *p)
{
    struct gql_node *n = node(p, GQL_FIELD_DEFINITION);
    description(p, n);
    name(p, n);
    n->args = optional_many(p, '(', input_value, ')');
    expect(p, ':');
    n->type = type(p);
    n->directives = directives(p, true);
    return n;
}

static struct gql_node *enum_value(struct parser *p)
{
    struct gql_node *n = node(p, GQL_ENUM_VALUE);
    description(p, n);
    if (peek_word(p, "true") || peek_word(p, "false") || peek_word(p, "null"))
        syntax(p, p->token.at, "Name \"%.*s\" is reserved and cannot be used for an enum value",
               SLICE_ARG(p->token.text));
    name(p, n);
    n->directives = directives(p, true);
    return n;
}

static struct gql_node *operation_type(struct parser *p)
{
    struct gql_node *n = node(p, GQL_OPERATION_TYPE);
    int which = operation_word(p->token.text);
    if (peek(p, GQL_TOKEN_NAME) && which < 0)
        unexpected(p, &p->token);
    n->operation = (uint8_t)which;
    expect(p, GQL_TOKEN_NAME);
    expect(p, ':');
    n->type = named(p);
    return n;
}

static struct gql_node *directive_place(struct parser *p)
{
    struct gql_node *n = node(p, GQL_NAMED);
    struct gql_token t = p->token;
    name(p, n);
    for (size_t i = 0; i < GQL_AT_N; i++)
        if (slice_is(n->name, gql_directive_places[i]))
            return n;
    unexpected(p, &t);
    return n;
}

static void directive_definition(struct parser *p, struct gql_node *n)
{
    expect(p, '@');
    name(p, n);
    n->args = optional_many(p, '(', input_value, ')');
    n->repeatable = take_word(p, "repeatable");
    expect_word(p, "on");
    n->kids = delimited(p, '|', directive_place);
}

static void body(struct parser *p, struct gql_node *n)
{
    if (n->kind != GQL_SCHEMA_DEFINITION)
        name(p, n);
    if ((n->kind == GQL_OBJECT_DEFINITION || n->kind == GQL_INTERFACE_DEFINITION) &&
        take_word(p, "implements"))
        n->interfaces = delimited(p, '&', named);
    n->directives = directives(p, true);
    switch (n->kind) {
    case GQL_SCHEMA_DEFINITION:
        n->kids = n->extends ? optional_many(p, '{', operation_type, '}')
                             : many(p, '{', operation_type, '}');
        break;
    case GQL_OBJECT_DEFINITION:
    case GQL_INTERFACE_DEFINITION:
        n->kids = optional_many(p, '{', field_definition, '}');
        break;
    case GQL_UNION_DEFINITION:
        n->kids = take(p, '=') ? delimited(p, '|', named) : NULL;
        break;
    case GQL_ENUM_DEFINITION:
        n->kids = optional_many(p, '{', enum_value, '}');
        break;
    case GQL_INPUT_DEFINITION:
        n->kids = optional_many(p, '{', input_value, '}');
        break;
    default:
        break;
    }
    if (n->extends && !n->kids && !n->directives && !n->interfaces)
        unexpected(p, &p->token);
}

static const struct {
    const char *word;
    enum gql_kind kind;
} definitions[] = {
    {"schema", GQL_SCHEMA_DEFINITION}, {"scalar", GQL_SCALAR_DEFINITION},
    {"type", GQL_OBJECT_DEFINITION},   {"interface", GQL_INTERFACE_DEFINITION},
    {"union", GQL_UNION_DEFINITION},   {"enum", GQL_ENUM_DEFINITION},
    {"input", GQL_INPUT_DEFINITION},   {"directive", GQL_DIRECTIVE_DEFINITION},
};

static int definition_word(struct slice text)
{
    for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++)
        if (slice_is(text, definitions[i].word))
            return (int)definitions[i].kind;
    return -1;
}

static struct gql_node *type_system(struct parser *p, bool extends)
{
    struct gql_node *n = node(p, GQL_SCHEMA_DEFINITION);
    n->extends = extends;
    if (extends)
        advance(p);
    else
        description(p, n);
    int kind = peek(p, GQL_TOKEN_NAME) ? definition_word(p->token.text) : -1;
    if (kind < 0 || (extends && kind == GQL_DIRECTIVE_DEFINITION)) {
        unexpected(p, &p->token);
        return n;
    }
    n->kind = (uint8_t)kind;
    advance(p);
    if (kind == GQL_DIRECTIVE_DEFINITION)
        directive_definition(p, n);
    else
        body(p, n);
    return n;
}

static struct gql_node *definition(struct parser *p)
{
    struct gql_token t = p->token, described = t;
    if (p->err)
        return NULL;
    if (t.kind == '{')
        return operation(p);
    if (peek_description(p)) {
        struct gql_lexer ahead = p->lexer;
        int err = gql_lex(&ahead, &t);
        if (err) {
            p->lexer = ahead;
            syntax(p, ahead.error_at, "%s", ahead.error ? ahead.error : "out of memory");
            return NULL;
        }
        if (t.kind == '{')
            syntax(p, described.at,
                   "Unexpected description, descriptions are not supported on "
                   "shorthand queries");
    }
    if (t.kind == GQL_TOKEN_NAME) {
        if (definition_word(t.text) >= 0)
            return type_system(p, false);
        if (operation_word(t.text) >= 0)
            return operation(p);
        if (slice_is(t.text, "fragment"))
            return fragment(p);
        if (t.at != described.at)
            syntax(p, described.at,
                   "Unexpected description, only GraphQL definitions support "
                   "descriptions");
        else if (slice_is(t.text, "extend"))
            return type_system(p, true);
    }
    unexpected(p, &t);
    return NULL;
}

int gql_parse(struct arena *a, struct slice text, const struct gql_limits *limits,
              struct gql_document **ret, struct gql_errors *errors)
{
    struct parser p = {.arena = a, .lexer = {.arena = a, .text = text}, .errors = errors};
    struct gql_document *doc = arena_zalloc(a, sizeof *doc);
    p.limits = limits ? *limits : (struct gql_limits){0};
    if (!p.limits.depth)
        p.limits.depth = DEPTH_DEFAULT;
    if (!doc)
        return ERR_NOMEM;
    if (text.n >= UINT32_MAX)
        return ERR_TOO_LARGE;
    doc->text = text;
    advance(&p);
    struct gql_node **last = &doc->first;
    do {
        struct gql_node *n = definition(&p);
        if (p.err)
            return p.err;
        n->number = (uint32_t)doc->definitions++;
        *last = n;
        last = &n->next;
    } while (!peek(&p, GQL_TOKEN_END));
    doc->tokens = p.tokens;
    *ret = doc;
    return 0;
}
