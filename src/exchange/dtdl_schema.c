#include "exchange/dtdl.h"

enum { DEPTH_MAX = 8 }; /* of schemas in schemas; DTDL allows 5 (v2) and 8 (v3) */

static const struct {
    const char *dtdl, *type, *format, *word;
} primitives[] = {
    {"double", "number", NULL, "number"},       {"float", "number", NULL, "number"},
    {"integer", "integer", NULL, "number"},     {"long", "integer", NULL, "number"},
    {"boolean", "boolean", NULL, "boolean"},    {"string", "string", NULL, "text"},
    {"date", "string", "date", "text"},         {"dateTime", "string", "date-time", "text"},
    {"duration", "string", "duration", "text"}, {"time", "string", "time", "text"},
};
enum { PRIMITIVES = sizeof primitives / sizeof primitives[0] };

const struct jval *dtdl_resolve(const struct jval *interface, const struct jval *schema)
{
    struct slice name = jval_string(schema);
    const struct jval *named = name.p ? list_at(interface, "schemas") : NULL;
    for (const struct jval *s = named ? named->first : NULL; s; s = s->next)
        if (string_at(s, "@id").p && slice_eq(string_at(s, "@id"), name))
            return s;
    return schema;
}

struct slice dtdl_value_word(const struct jval *schema)
{
    struct slice name = jval_string(schema);
    for (int i = 0; name.p && i < PRIMITIVES; i++)
        if (slice_is(name, primitives[i].dtdl))
            return slice_str(primitives[i].word);
    if (schema && lists_text(jval_get(schema, "@type"), "Enum"))
        return slice_is(string_at(schema, "valueSchema"), "integer") ? SLICE_LIT("number")
                                                                     : SLICE_LIT("text");
    return (struct slice){0};
}

static struct jval *of_primitive(struct exchange *x, struct slice name)
{
    for (int i = 0; i < PRIMITIVES; i++) {
        if (!slice_is(name, primitives[i].dtdl))
            continue;
        struct jval *s = x_object(x);
        x_put_text(x, s, "type", slice_str(primitives[i].type));
        if (primitives[i].format)
            x_put_text(x, s, "format", slice_str(primitives[i].format));
        return s;
    }
    return NULL;
}

static struct jval *of_enum(struct exchange *x, const struct jval *schema)
{
    struct jval *s = x_object(x), *values = x_list(x);
    const struct jval *list = list_at(schema, "enumValues");
    bool integer = slice_is(string_at(schema, "valueSchema"), "integer");
    x_put_text(x, s, "type", integer ? SLICE_LIT("integer") : SLICE_LIT("string"));
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        if (jval_get(v, "enumValue"))
            x_append(x, values, x_copy(x, jval_get(v, "enumValue")));
    x_put_list(x, s, "enum", values);
    return s;
}

struct jval *dtdl_fields_to_schema(struct exchange *x, const struct jval *interface,
                                   const struct jval *fields, int depth)
{
    struct jval *s = x_object(x), *properties = x_object(x);
    x_put_text(x, s, "type", SLICE_LIT("object"));
    for (const struct jval *f = fields ? fields->first : NULL; f; f = f->next) {
        struct slice name = string_at(f, "name");
        if (name.p)
            x_put_slice(x, properties, name,
                        dtdl_to_schema(x, interface, jval_get(f, "schema"), depth + 1));
    }
    x_put(x, s, "properties", properties);
    return s;
}

struct jval *dtdl_to_schema(struct exchange *x, const struct jval *interface,
                            const struct jval *schema, int depth)
{
    schema = dtdl_resolve(interface, schema);
    struct jval *s = jval_string(schema).p ? of_primitive(x, schema->text) : NULL;
    const struct jval *type = schema ? jval_get(schema, "@type") : NULL;
    if (s)
        return s;
    if (depth < DEPTH_MAX && lists_text(type, "Enum"))
        return of_enum(x, schema);
    if (depth < DEPTH_MAX && lists_text(type, "Object"))
        return dtdl_fields_to_schema(x, interface, list_at(schema, "fields"), depth);
    if (depth < DEPTH_MAX && lists_text(type, "Array")) {
        s = x_object(x);
        x_put_text(x, s, "type", SLICE_LIT("array"));
        x_put(x, s, "items",
              dtdl_to_schema(x, interface, jval_get(schema, "elementSchema"), depth + 1));
        return s;
    }
    if (depth < DEPTH_MAX && lists_text(type, "Map")) {
        s = x_object(x);
        x_put_text(x, s, "type", SLICE_LIT("object"));
        x_put(x, s, "additionalProperties",
              dtdl_to_schema(x, interface, jval_get(jval_get(schema, "mapValue"), "schema"),
                             depth + 1));
        return s;
    }
    x_note(x, !schema, schema ? schema : interface,
           schema ? "This schema is none that we know; any value is taken."
                  : "A schema is missing.");
    return x_object(x);
}

/* ---- back ---- */

static struct jval *to_enum(struct exchange *x, const struct jval *schema,
                            const struct jval *values)
{
    struct jval *s = x_object(x), *list = x_list(x);
    bool text = values->first && values->first->type == J_STRING;
    int n = 0;
    x_put_text(x, s, "@type", SLICE_LIT("Enum"));
    x_put_text(x, s, "valueSchema", text ? SLICE_LIT("string") : SLICE_LIT("integer"));
    for (const struct jval *v = values->first; v; v = v->next) {
        struct jval *one = x_object(x);
        bool named = v->type == J_STRING && dtdl_is_name(v->text);
        x_put(x, one, "name", named ? x_text(x, v->text) : x_textf(x, "value%d", ++n));
        x_put_copy(x, one, "enumValue", v);
        x_append(x, list, one);
    }
    x_put(x, s, "enumValues", list);
    (void)schema;
    return s;
}

static struct jval *to_object(struct exchange *x, const struct jval *properties, int depth)
{
    struct jval *s = x_object(x), *fields = x_list(x);
    x_put_text(x, s, "@type", SLICE_LIT("Object"));
    for (const struct jval *p = properties ? properties->first : NULL; p; p = p->next) {
        struct jval *f = x_object(x);
        x_put_text(x, f, "name", p->key);
        x_put(x, f, "schema", schema_to_dtdl(x, p, depth + 1));
        x_append(x, fields, f);
    }
    x_put(x, s, "fields", fields);
    return s;
}

static struct jval *to_array(struct exchange *x, const struct jval *items, int depth)
{
    struct jval *s = x_object(x);
    x_put_text(x, s, "@type", SLICE_LIT("Array"));
    x_put(x, s, "elementSchema", schema_to_dtdl(x, items, depth + 1));
    return s;
}

static struct jval *to_map(struct exchange *x, const struct jval *values, int depth)
{
    struct jval *s = x_object(x), *value = x_object(x);
    x_put_text(x, s, "@type", SLICE_LIT("Map"));
    x_put(x, s, "mapKey", x_parse(x, "{'name': 'key', 'schema': 'string'}"));
    x_put_text(x, value, "name", SLICE_LIT("value"));
    x_put(x, value, "schema", schema_to_dtdl(x, values, depth + 1));
    x_put(x, s, "mapValue", value);
    return s;
}

struct jval *schema_to_dtdl(struct exchange *x, const struct jval *schema, int depth)
{
    struct slice type = string_at(schema, "type"), format = string_at(schema, "format");
    const struct jval *values = list_at(schema, "enum");
    if (depth < DEPTH_MAX && values && values->count)
        return to_enum(x, schema, values);
    if (depth < DEPTH_MAX && slice_is(type, "object") && type.p)
        return object_at(schema, "properties") || !object_at(schema, "additionalProperties")
                   ? to_object(x, object_at(schema, "properties"), depth)
                   : to_map(x, object_at(schema, "additionalProperties"), depth);
    if (depth < DEPTH_MAX && type.p && slice_is(type, "array"))
        return to_array(x, object_at(schema, "items"), depth);
    for (int i = 0; type.p && i < PRIMITIVES; i++)
        if (slice_is(type, primitives[i].type) &&
            (format.p && primitives[i].format ? slice_is(format, primitives[i].format)
                                              : !primitives[i].format))
            return x_text(x, slice_str(primitives[i].dtdl));
    return x_text(x, SLICE_LIT("string"));
}
