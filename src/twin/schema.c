/* profile_schema(): the table of the structure (shape.c) and the kinds (kinds.c), written as JSON
 * Schema, draft 2020-12.
 *
 * Only patterns and no `format`: a validator may treat formats as remarks, and each has its own
 * idea of a date.  What a schema cannot say stands in a $comment at its place; docs/profile.md
 * lists it. */
#include "base/arena.h"
#include "twin/profile.h"
#include "twin/shape.h"

static void put(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        buf_add_byte(out, *p == '\'' ? '"' : (unsigned char)*p);
}

static void put_quoted(struct buf *out, const char *text)
{
    json_quote(out, slice_str(text));
}

static void put_conditions(struct buf *out, const struct field *f)
{
    struct buf b = {0};
    if (!f->conditions)
        return;
    f->conditions(&b);
    buf_add_byte(&b, 0);
    if (b.failed)
        out->failed = true;
    else
        put(out, b.p);
    buf_release(&b);
}

static void put_field(struct buf *out, const struct field *f);

/* The members of the schema of an object, without braces. */
static void put_object(struct buf *out, const struct field *fields, const struct field *owner)
{
    const char *separator = "";
    put(out, "'type': 'object'");
    for (const struct field *f = fields; f->name; f++) {
        if (!f->missing)
            continue;
        put(out, *separator ? separator : ", 'required': [");
        put_quoted(out, f->name);
        separator = ", ";
    }
    put(out, *separator ? "], 'properties': {" : ", 'properties': {");
    for (const struct field *f = fields; f->name; f++) {
        put(out, f == fields ? "" : ", ");
        put_quoted(out, f->name);
        put(out, ": {");
        put_field(out, f);
        put(out, "}");
    }
    put(out, "}");
    if (owner)
        put_conditions(out, owner);
}

static void put_shape(struct buf *out, const struct field *f)
{
    switch (f->shape) {
    case SHAPE_VALUE:
        put(out, "'$ref': '#/$defs/");
        put(out, f->kind->name);
        put(out, "'");
        break;
    case SHAPE_OBJECT:
        put_object(out, f->members, f);
        break;
    case SHAPE_OPEN:
        put(out, "'if': {'type': 'object'}, 'then': {");
        put_object(out, f->members, f);
        put(out, "}");
        break;
    case SHAPE_LIST_OR_ONE:
        put(out, "'anyOf': [{");
        put_object(out, f->members, f);
        put(out, "}, {'type': 'array', 'items': {");
        put_object(out, f->members, f);
        put(out, "}}]");
        break;
    case SHAPE_LIST:
        put(out, "'type': 'array'");
        put(out, f->flags & FIELD_FILLED ? ", 'minItems': 1, 'items': {" : ", 'items': {");
        put_object(out, f->members, f);
        put(out, "}");
        break;
    case SHAPE_NUMBERS:
        put(out, "'type': 'object', 'additionalProperties': {'$ref': '#/$defs/");
        put(out, f->kind->name);
        put(out, "'}");
        break;
    }
}

static void put_field(struct buf *out, const struct field *f)
{
    const char *example = f->example ? f->example : f->kind ? f->kind->example : NULL;
    put(out, "'description': ");
    put_quoted(out, f->what);
    put(out, ", ");
    put_shape(out, f);
    if (example) {
        put(out, ", 'examples': [");
        put(out, example);
        put(out, "]");
    }
}

static void put_schema(struct buf *out)
{
    put(out, "{'$schema': 'https://json-schema.org/draft/2020-12/schema', 'title': "
             "'A complete profile of a digital twin', 'description': 'The MVMD Digital Twin "
             "Integration Profile as Doppel judges it: what is valid here has no error there.', "
             "'$comment': 'Beyond a schema are: no member twice in an object (json), production "
             "not after installation (subject.dates), an id for one sensor alone (sensor.id), a "
             "value that fits its unit (sensor.value), ranges that rise and do not overlap "
             "(sensor.range), sampling shorter than retention (storage), thresholds and alerts "
             "that name a sensor of the profile (analytics.threshold, performance), one id for "
             "one relationship (relationship.id), the schemas of commands (commands).', ");
    put_object(out, profile_fields, NULL);
    put(out, ", '$defs': {");
    for (size_t i = 0; kinds[i]; i++) {
        put(out, i ? ", " : "");
        put_quoted(out, kinds[i]->name);
        put(out, ": {");
        put(out, kinds[i]->schema);
        put(out, "}");
    }
    put(out, "}}");
}

void profile_schema(struct buf *out)
{
    struct arena *a = arena_new();
    struct buf text = {0};
    struct jval *root = NULL;
    put_schema(&text);
    if (!a || text.failed || jdoc_parse(a, buf_slice(&text), &root, NULL)) {
        out->failed = true; /* of memory: the text itself is checked by the tests */
    } else {
        struct json_writer w;
        json_writer_init(&w, out, 2);
        jval_write(&w, root);
    }
    buf_release(&text);
    arena_free(a);
}
