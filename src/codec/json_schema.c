/* A keyword is a row: which form it must have, and what judges a value by it.  A schema's members
 * are judged in their order, each by its row; keywords that must know a neighbour (items, which
 * begins behind prefixItems) look it up in the schema themselves. */
#include "codec/json_schema.h"

#include "base/err.h"
#include "base/map.h"

#include <math.h>
#include <stdio.h>

struct judge {
    struct arena *arena;
    struct json_schema_error *error;
    size_t steps;
    int quiet; /* not 0: the fault is only counted, as within anyOf */
};

typedef int judge_fn(struct judge *j, const struct jval *schema, const struct jval *word,
                     const struct jval *value);

enum form {
    FORM_ANY,
    FORM_TEXT,
    FORM_BOOL,
    FORM_NUMBER,
    FORM_POSITIVE,
    FORM_COUNT,
    FORM_TYPES,
    FORM_LIST,  /* not empty */
    FORM_NAMES, /* texts, each once */
    FORM_SCHEMA,
    FORM_SCHEMAS, /* a list of them, not empty */
    FORM_MEMBERS, /* an object of them */
};

static const char *const form_words[] = {
    [FORM_TEXT] = "a text",
    [FORM_BOOL] = "true or false",
    [FORM_NUMBER] = "a number",
    [FORM_POSITIVE] = "a number above 0",
    [FORM_COUNT] = "a whole number from 0",
    [FORM_TYPES] = "null, boolean, integer, number, string, array or object, or a list of these",
    [FORM_LIST] = "a list with something in it",
    [FORM_NAMES] = "a list of different texts",
    [FORM_SCHEMA] = "a schema: an object, true or false",
    [FORM_SCHEMAS] = "a list of schemas with something in it",
    [FORM_MEMBERS] = "an object of schemas",
};

static int judge(struct judge *j, const struct jval *schema, const struct jval *value);

/* ---- faults ---- */

static const char *path(struct arena *a, const struct jval *v)
{
    struct buf b = {0};
    jval_path(&b, v);
    struct slice s = arena_dup(a, buf_slice(&b));
    buf_release(&b);
    return s.p ? arena_printf(a, "%.*s", SLICE_ARG(s)) : "";
}

__attribute__((format(printf, 3, 4))) static int fault(struct judge *j, const struct jval *at,
                                                       const char *format, ...)
{
    va_list args;
    struct buf b = {0};
    if (j->quiet)
        return ERR_INVALID;
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    j->error->message = arena_printf(j->arena, "%.*s", SLICE_ARG(buf_slice(&b)));
    j->error->pointer = path(j->arena, at);
    buf_release(&b);
    return j->error->message && j->error->pointer ? ERR_INVALID : ERR_NOMEM;
}

static int spent(struct judge *j, const struct jval *at, size_t steps)
{
    j->steps += steps;
    if (j->steps <= JSON_SCHEMA_STEPS)
        return 0;
    j->quiet = 0;
    fault(j, at, "It takes too long to tell whether this is as its schema says.");
    return ERR_TOO_LARGE;
}

/* ---- any value ---- */

static bool is_whole(const struct jval *v)
{
    double d;
    return jval_number(v, &d) && d == floor(d);
}

static bool is_type(const struct jval *v, struct slice type)
{
    static const char *const names[] = {
        [J_NULL] = "null",     [J_BOOL] = "boolean", [J_NUMBER] = "number",
        [J_STRING] = "string", [J_ARRAY] = "array",  [J_OBJECT] = "object"};
    return slice_is(type, names[v->type]) || (slice_is(type, "integer") && is_whole(v));
}

static int judge_type(struct judge *j, const struct jval *schema, const struct jval *word,
                      const struct jval *value)
{
    (void)schema;
    if (word->type == J_STRING)
        return is_type(value, word->text)
                   ? 0
                   : fault(j, value, "It must be of type %.*s.", SLICE_ARG(word->text));
    for (const struct jval *t = word->first; t; t = t->next)
        if (is_type(value, t->text))
            return 0;
    return fault(j, value, "It is of none of the types that it may have.");
}

static size_t size_of(const struct jval *v)
{
    size_t n = 1 + v->text.n / 64;
    for (const struct jval *c = v->first; c; c = c->next)
        n += size_of(c);
    return n;
}

static int judge_const(struct judge *j, const struct jval *schema, const struct jval *word,
                       const struct jval *value)
{
    (void)schema;
    return jval_equal(word, value) ? 0 : fault(j, value, "It is not the one value that it may be.");
}

static int judge_enum(struct judge *j, const struct jval *schema, const struct jval *word,
                      const struct jval *value)
{
    (void)schema;
    int err = spent(j, value, word->count);
    for (const struct jval *v = word->first; v && !err; v = v->next)
        if (jval_equal(v, value))
            return 0;
    return err ? err : fault(j, value, "It is not one of the values that it may be.");
}

/* ---- numbers ---- */

static int compare(const struct jval *value, const struct jval *word, int *ret)
{
    double a, b;
    if (value->type != J_NUMBER || !jval_number(value, &a) || !jval_number(word, &b))
        return -1;
    *ret = (a > b) - (a < b);
    return 0;
}

#define NUMBER_KEYWORD(name, bad, sentence)                                                        \
    static int judge_##name(struct judge *j, const struct jval *schema, const struct jval *word,   \
                            const struct jval *value)                                              \
    {                                                                                              \
        int c;                                                                                     \
        (void)schema;                                                                              \
        if (compare(value, word, &c) || !(bad))                                                    \
            return 0;                                                                              \
        return fault(j, value, sentence, SLICE_ARG(word->text));                                   \
    }
NUMBER_KEYWORD(minimum, c < 0, "It must be at least %.*s.")
NUMBER_KEYWORD(maximum, c > 0, "It must be at most %.*s.")
NUMBER_KEYWORD(above, c <= 0, "It must be more than %.*s.")
NUMBER_KEYWORD(below, c >= 0, "It must be less than %.*s.")

/* 0.3 is a multiple of 0.1: what doubles lose is forgiven. */
static int judge_multiple(struct judge *j, const struct jval *schema, const struct jval *word,
                          const struct jval *value)
{
    double v, of;
    (void)schema;
    if (value->type != J_NUMBER || !jval_number(value, &v) || !jval_number(word, &of))
        return 0;
    double q = v / of;
    if (isfinite(q) && fabs(q - rint(q)) <= 1e-9)
        return 0;
    return fault(j, value, "It must be a multiple of %.*s.", SLICE_ARG(word->text));
}

/* ---- counts ---- */

static size_t characters(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

#define COUNT_KEYWORD(name, kind, number, bad, sentence)                                           \
    static int judge_##name(struct judge *j, const struct jval *schema, const struct jval *word,   \
                            const struct jval *value)                                              \
    {                                                                                              \
        double limit;                                                                              \
        (void)schema;                                                                              \
        if (value->type != (kind) || !jval_number(word, &limit))                                   \
            return 0;                                                                              \
        double n = (double)(number);                                                               \
        return (bad) ? fault(j, value, sentence, SLICE_ARG(word->text)) : 0;                       \
    }
COUNT_KEYWORD(min_length, J_STRING, characters(value->text), n < limit,
              "It must have at least %.*s characters.")
COUNT_KEYWORD(max_length, J_STRING, characters(value->text), n > limit,
              "It must have at most %.*s characters.")
COUNT_KEYWORD(min_items, J_ARRAY, value->count, n < limit, "It must have at least %.*s items.")
COUNT_KEYWORD(max_items, J_ARRAY, value->count, n > limit, "It must have at most %.*s items.")
COUNT_KEYWORD(min_members, J_OBJECT, value->count, n < limit, "It must have at least %.*s members.")
COUNT_KEYWORD(max_members, J_OBJECT, value->count, n > limit, "It must have at most %.*s members.")

/* ---- arrays ---- */

static int judge_prefix(struct judge *j, const struct jval *schema, const struct jval *word,
                        const struct jval *value)
{
    (void)schema;
    int err = 0;
    if (value->type != J_ARRAY)
        return 0;
    const struct jval *s = word->first;
    for (const struct jval *v = value->first; v && s && !err; v = v->next, s = s->next)
        err = judge(j, s, v);
    return err;
}

static int judge_items(struct judge *j, const struct jval *schema, const struct jval *word,
                       const struct jval *value)
{
    const struct jval *prefix = jval_get(schema, "prefixItems");
    size_t skip = prefix ? prefix->count : 0;
    int err = 0;
    if (value->type != J_ARRAY)
        return 0;
    for (const struct jval *v = value->first; v && !err; v = v->next)
        if (skip)
            skip--;
        else
            err = judge(j, word, v);
    return err;
}

static int judge_unique(struct judge *j, const struct jval *schema, const struct jval *word,
                        const struct jval *value)
{
    (void)schema;
    int err = 0;
    if (value->type != J_ARRAY || !word->boolean)
        return 0;
    for (const struct jval *v = value->first; v && !err; v = v->next) {
        size_t size = size_of(v);
        for (const struct jval *w = value->first; w != v && !err; w = w->next) {
            err = spent(j, value, size);
            if (!err && jval_equal(v, w))
                return fault(j, v, "It stands in the list twice.");
        }
    }
    return err;
}

/* ---- objects ---- */

static int judge_properties(struct judge *j, const struct jval *schema, const struct jval *word,
                            const struct jval *value)
{
    (void)schema;
    int err = 0;
    for (const struct jval *s = value->type == J_OBJECT ? word->first : NULL; s && !err;
         s = s->next) {
        err = spent(j, value, value->count);
        const struct jval *v = err ? NULL : jval_get_slice(value, s->key);
        if (v)
            err = judge(j, s, v);
    }
    return err;
}

static int judge_additional(struct judge *j, const struct jval *schema, const struct jval *word,
                            const struct jval *value)
{
    const struct jval *known = jval_get(schema, "properties");
    int err = 0;
    for (const struct jval *v = value->type == J_OBJECT ? value->first : NULL; v && !err;
         v = v->next) {
        err = spent(j, value, known ? known->count : 0);
        if (err || (known && jval_get_slice(known, v->key)))
            continue;
        if (word->type == J_BOOL && !word->boolean)
            return fault(j, v, "There is no member of that name: take it out.");
        err = judge(j, word, v);
    }
    return err;
}

static int judge_required(struct judge *j, const struct jval *schema, const struct jval *word,
                          const struct jval *value)
{
    (void)schema;
    int err = 0;
    for (const struct jval *n = value->type == J_OBJECT ? word->first : NULL; n && !err;
         n = n->next) {
        err = spent(j, value, value->count);
        if (!err && !jval_get_slice(value, n->text))
            return fault(j, value, "It must have a member %.*s.", SLICE_ARG(n->text));
    }
    return err;
}

/* ---- schemas of schemas ---- */

static int judge_all(struct judge *j, const struct jval *schema, const struct jval *word,
                     const struct jval *value)
{
    (void)schema;
    int err = 0;
    for (const struct jval *s = word->first; s && !err; s = s->next)
        err = judge(j, s, value);
    return err;
}

/* How many of them hold; below 0: an error that is none of the value's. */
static int holding(struct judge *j, const struct jval *word, const struct jval *value, int enough)
{
    int n = 0, err = 0;
    for (const struct jval *s = word->first; s && n < enough; s = s->next) {
        j->quiet++;
        err = judge(j, s, value);
        if (err == ERR_TOO_LARGE || err == ERR_NOMEM)
            return err;
        j->quiet--;
        n += !err;
    }
    return n;
}

static int judge_any(struct judge *j, const struct jval *schema, const struct jval *word,
                     const struct jval *value)
{
    (void)schema;
    int n = holding(j, word, value, 1);
    return n < 0 ? n : n ? 0 : fault(j, value, "It is as none of the schemas of anyOf say.");
}

static int judge_one(struct judge *j, const struct jval *schema, const struct jval *word,
                     const struct jval *value)
{
    (void)schema;
    int n = holding(j, word, value, 2);
    if (n < 0 || n == 1)
        return n < 0 ? n : 0;
    return fault(j, value,
                 n ? "It is as more than one of the schemas of oneOf say."
                   : "It is as none of the schemas of oneOf say.");
}

static int judge_not(struct judge *j, const struct jval *schema, const struct jval *word,
                     const struct jval *value)
{
    (void)schema;
    j->quiet++;
    int err = judge(j, word, value);
    if (err == ERR_TOO_LARGE || err == ERR_NOMEM)
        return err;
    j->quiet--;
    return err ? 0 : fault(j, value, "It is as it must not be.");
}

/* ---- the table ---- */

static const struct keyword {
    const char *name;
    enum form form;
    judge_fn *judge; /* NULL: it says something to people */
} keywords[] = {
    {"type", FORM_TYPES, judge_type},
    {"enum", FORM_LIST, judge_enum},
    {"const", FORM_ANY, judge_const},
    {"minimum", FORM_NUMBER, judge_minimum},
    {"maximum", FORM_NUMBER, judge_maximum},
    {"exclusiveMinimum", FORM_NUMBER, judge_above},
    {"exclusiveMaximum", FORM_NUMBER, judge_below},
    {"multipleOf", FORM_POSITIVE, judge_multiple},
    {"minLength", FORM_COUNT, judge_min_length},
    {"maxLength", FORM_COUNT, judge_max_length},
    {"prefixItems", FORM_SCHEMAS, judge_prefix},
    {"items", FORM_SCHEMA, judge_items},
    {"minItems", FORM_COUNT, judge_min_items},
    {"maxItems", FORM_COUNT, judge_max_items},
    {"uniqueItems", FORM_BOOL, judge_unique},
    {"properties", FORM_MEMBERS, judge_properties},
    {"additionalProperties", FORM_SCHEMA, judge_additional},
    {"required", FORM_NAMES, judge_required},
    {"minProperties", FORM_COUNT, judge_min_members},
    {"maxProperties", FORM_COUNT, judge_max_members},
    {"allOf", FORM_SCHEMAS, judge_all},
    {"anyOf", FORM_SCHEMAS, judge_any},
    {"oneOf", FORM_SCHEMAS, judge_one},
    {"not", FORM_SCHEMA, judge_not},
    {"title", FORM_TEXT, NULL},
    {"description", FORM_TEXT, NULL},
    {"default", FORM_ANY, NULL},
    {"examples", FORM_ANY, NULL},
    {"format", FORM_TEXT, NULL},
    {"unit", FORM_TEXT, NULL},
    {"readOnly", FORM_BOOL, NULL},
    {"writeOnly", FORM_BOOL, NULL},
    {"deprecated", FORM_BOOL, NULL},
    {"$schema", FORM_TEXT, NULL},
    {"$id", FORM_TEXT, NULL},
    {"$comment", FORM_TEXT, NULL},
};

static const struct keyword *keyword_of(struct slice name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (slice_is(name, keywords[i].name))
            return &keywords[i];
    return NULL;
}

static int judge(struct judge *j, const struct jval *schema, const struct jval *value)
{
    int err = spent(j, value, 1);
    if (!err && schema->type == J_BOOL && !schema->boolean)
        return fault(j, value, "There must be nothing here.");
    for (const struct jval *word = schema->first; word && !err; word = word->next) {
        const struct keyword *k = keyword_of(word->key);
        err = spent(j, value, 1);
        if (!err && k && k->judge)
            err = k->judge(j, schema, word, value);
    }
    return err;
}

int json_schema_judge(struct arena *a, const struct jval *schema, const struct jval *value,
                      struct json_schema_error *ret)
{
    struct judge j = {.arena = a, .error = ret};
    *ret = (struct json_schema_error){"", ""};
    return judge(&j, schema, value);
}

/* ---- is it a schema ---- */

static int check(struct judge *j, const struct jval *schema, int depth);

static bool is_type_name(const struct jval *v)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    for (size_t i = 0; v->type == J_STRING && i < sizeof names / sizeof names[0]; i++)
        if (slice_is(v->text, names[i]))
            return true;
    return false;
}

static bool all_different(const struct jval *list, bool (*fits)(const struct jval *))
{
    struct map seen = {0};
    bool good = true;
    for (const struct jval *v = list->first; v && good; v = v->next)
        good = fits(v) && !map_get(&seen, v->text) &&
               !map_put(&seen, v->text, (void *)(uintptr_t)v, NULL);
    map_release(&seen);
    return good;
}

static bool is_text(const struct jval *v)
{
    return v->type == J_STRING;
}

static bool has_form(const struct jval *v, enum form form)
{
    double d;
    switch (form) {
    case FORM_ANY:
        return true;
    case FORM_TEXT:
        return v->type == J_STRING;
    case FORM_BOOL:
        return v->type == J_BOOL;
    case FORM_NUMBER:
        return v->type == J_NUMBER && jval_number(v, &d);
    case FORM_POSITIVE:
        return v->type == J_NUMBER && jval_number(v, &d) && d > 0;
    case FORM_COUNT:
        return v->type == J_NUMBER && is_whole(v) && jval_number(v, &d) && d >= 0;
    case FORM_TYPES:
        return is_type_name(v) ||
               (v->type == J_ARRAY && v->count && all_different(v, is_type_name));
    case FORM_LIST:
    case FORM_SCHEMAS:
        return v->type == J_ARRAY && v->count;
    case FORM_NAMES:
        return v->type == J_ARRAY && all_different(v, is_text);
    case FORM_SCHEMA:
        return v->type == J_OBJECT || v->type == J_BOOL;
    case FORM_MEMBERS:
        return v->type == J_OBJECT;
    }
    return false;
}

static int check_word(struct judge *j, const struct jval *word, int depth)
{
    const struct keyword *k = keyword_of(word->key);
    int err = 0;
    if (!k && slice_find(word->key, ':') >= 0)
        return 0;
    if (!k)
        return fault(j, word, "The keyword %.*s is not understood here: take it out.",
                     word->key.n > 64 ? 64 : (int)word->key.n, word->key.p);
    if (!has_form(word, k->form))
        return fault(j, word, "%s must be %s.", k->name, form_words[k->form]);
    if (k->form == FORM_SCHEMA)
        return check(j, word, depth + 1);
    if (k->form == FORM_SCHEMAS || k->form == FORM_MEMBERS)
        for (const struct jval *s = word->first; s && !err; s = s->next)
            err = check(j, s, depth + 1);
    return err;
}

static int check(struct judge *j, const struct jval *schema, int depth)
{
    int err = 0;
    if (!has_form(schema, FORM_SCHEMA))
        return fault(j, schema, "This must be %s.", form_words[FORM_SCHEMA]);
    if (depth > JSON_SCHEMA_DEPTH) {
        fault(j, schema, "Schemas stand in each other to a depth of %d at most.",
              JSON_SCHEMA_DEPTH);
        return ERR_TOO_LARGE;
    }
    for (const struct jval *word = schema->first; word && !err; word = word->next)
        err = check_word(j, word, depth);
    return err;
}

int json_schema_check(struct arena *a, const struct jval *schema, struct json_schema_error *ret)
{
    struct judge j = {.arena = a, .error = ret};
    *ret = (struct json_schema_error){"", ""};
    if (size_of(schema) > JSON_SCHEMA_NODES) {
        fault(&j, schema, "A schema has at most %d values.", JSON_SCHEMA_NODES);
        return ERR_TOO_LARGE;
    }
    return check(&j, schema, 1);
}
