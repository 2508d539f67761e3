/* dtdl.c - interfaces of the Digital Twins Definition Language, version 3 (and 2, read), as types.
 *
 *     Telemetry, and a Property that cannot be written      a sensor
 *     a Property that can be written                        a setting
 *     Command                                               a command
 *     Relationship                                          a relationship
 *     Component                                             a relationship whose kind is the
 * component's name extends                                               extends
 *
 * "dtmi:com:example:Pump;1" is the type com:example:Pump.1: a DTMI has letters, digits, _ and :
 * before its version, so the first full stop tells the version from the rest. */
#include "exchange/dtdl.h"

#include <ctype.h>
#include <stdio.h>

#define CONTEXT "dtmi:dtdl:context;"
#define QUANTITIES "dtmi:dtdl:extension:quantitativeTypes;1"

/* ---- names ---- */

/* "dtmi:" segments between ':' , each a letter, then letters, digits and _, not _ at its end; then
 * ";" and a version without zeroes in front. */
bool dtmi_is(struct slice s)
{
    if (!slice_starts(s, "dtmi:") || s.n > 2048)
        return false;
    ptrdiff_t semicolon = slice_find(s, ';');
    struct slice path = slice_skip(s, 5), version = {0}, segment;
    if (semicolon >= 0) {
        path = slice_of(s.p + 5, (size_t)semicolon - 5);
        version = slice_skip(s, (size_t)semicolon + 1);
        if (!version.n || version.p[0] == '0')
            return false;
        for (size_t i = 0; i < version.n; i++)
            if (!isdigit((unsigned char)version.p[i]) && version.p[i] != '.')
                return false;
    }
    while (path.p && slice_cut(&path, ':', &segment))
        if (!dtdl_is_name(segment))
            return false;
    return true;
}

bool dtdl_is_name(struct slice s)
{
    enum { NAME_MAX_V3 = 512 };
    if (!s.n || s.n > NAME_MAX_V3 || !isalpha((unsigned char)s.p[0]) || s.p[s.n - 1] == '_')
        return s.n == 1 && isalpha((unsigned char)s.p[0]);
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
            return false;
    return true;
}

struct slice dtmi_to_id(struct exchange *x, struct slice dtmi)
{
    struct slice rest = slice_skip(dtmi, 5);
    char *id = arena_strndup(x->arena, rest.p, rest.n);
    x->failed |= !id;
    for (char *p = id; p && *p; p++)
        if (*p == ';')
            *p = '.';
    return slice_str(id ? id : "");
}

/* A name of ours as one that DTDL takes. */
static struct slice to_name(struct exchange *x, struct slice s)
{
    char *name = arena_printf(x->arena, "%s%.*s", s.n && isalpha((unsigned char)s.p[0]) ? "" : "n_",
                              s.n > 500 ? 500 : (int)s.n, s.p);
    x->failed |= !name;
    size_t n = name ? strlen(name) : 0;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]))
            name[i] = '_';
    while (n > 1 && name[n - 1] == '_')
        name[--n] = 0;
    return slice_of(name, n);
}

struct slice id_to_dtmi(struct exchange *x, struct slice id)
{
    struct buf b = {0};
    ptrdiff_t dot = slice_find(id, '.');
    struct slice path = dot > 0 ? slice_of(id.p, (size_t)dot) : id, segment;
    bool versioned = dot > 0 && (size_t)dot + 1 < id.n;
    for (size_t i = (size_t)(versioned ? dot + 1 : 0); versioned && i < id.n; i++)
        versioned = isdigit((unsigned char)id.p[i]) || id.p[i] == '.';
    if (!versioned)
        path = id;
    buf_add_str(&b, "dtmi");
    if (slice_find(path, ':') < 0)
        buf_add_str(&b, ":doppel");
    while (path.p && slice_cut(&path, ':', &segment)) {
        struct slice name = to_name(x, segment);
        buf_addf(&b, ":%.*s", SLICE_ARG(name));
    }
    if (versioned)
        buf_addf(&b, ";%.*s", (int)(id.n - (size_t)dot - 1), id.p + dot + 1);
    else
        buf_add_str(&b, ";1");
    struct slice made = b.failed ? (struct slice){0} : arena_dup(x->arena, buf_slice(&b));
    buf_release(&b);
    x->failed |= !made.p;
    return made;
}

/* ---- reading ---- */

struct content_reading {
    struct exchange *x;
    const struct jval *interface;
    struct jval *sensors, *settings, *commands, *relationships;
};

static struct slice name_at(struct content_reading *r, const struct jval *content)
{
    struct slice name = string_at(content, "name");
    if (!name.p || !dtdl_is_name(name)) {
        x_note(r->x, true, content,
               "A content has a \"name\" of letters, digits and _ that begins with a letter.");
        return (struct slice){0};
    }
    return name;
}

/* "Temperature" of ["Telemetry", "Temperature"]. */
static struct slice semantic_type(const struct jval *content, const char *kind)
{
    const struct jval *type = jval_get(content, "@type");
    for (const struct jval *t = type && type->type == J_ARRAY ? type->first : NULL; t; t = t->next)
        if (jval_string(t).p && !slice_is(t->text, kind))
            return t->text;
    return (struct slice){0};
}

/* In small letters at its beginning, as sensors' types are written. */
static struct slice decapitalized(struct exchange *x, struct slice s)
{
    char *copy = arena_strndup(x->arena, s.p, s.n);
    x->failed |= !copy;
    if (copy)
        copy[0] = (char)tolower((unsigned char)copy[0]);
    return slice_str(copy ? copy : "");
}

static struct slice unit_at(struct content_reading *r, const struct jval *content,
                            struct slice otherwise)
{
    struct slice unit = string_at(content, "unit");
    if (!unit.p)
        return otherwise;
    struct slice own = unit_of_dtdl(unit);
    if (!own.p)
        x_note(r->x, false, jval_get(content, "unit"),
               "The unit %.*s is none of DTDL's; it stays as it is.", SLICE_ARG(unit));
    return own.p ? own : unit;
}

/* One sensor a primitive; of an object one a field. */
static void add_sensors(struct content_reading *r, const struct jval *content, const char *kind,
                        struct slice id, struct slice title, const struct jval *schema, int depth)
{
    struct exchange *x = r->x;
    schema = dtdl_resolve(r->interface, schema);
    if (schema && lists_text(jval_get(schema, "@type"), "Object") && depth < 4) {
        const struct jval *fields = list_at(schema, "fields");
        for (const struct jval *f = fields ? fields->first : NULL; f; f = f->next) {
            char *inner =
                arena_printf(x->arena, "%.*s.%.*s", SLICE_ARG(id), SLICE_ARG(string_at(f, "name")));
            x->failed |= !inner;
            if (inner)
                add_sensors(r, f, "Field", id_of(x, slice_str(inner)),
                            text_of(jval_get(f, "displayName")), jval_get(f, "schema"), depth + 1);
        }
        return;
    }
    struct slice word = dtdl_value_word(schema);
    if (!word.p) {
        x_note(x, false, content,
               "A sensor has numbers, texts or true and false; this schema was kept aside.");
        return;
    }
    struct slice type = semantic_type(content, kind);
    bool number = slice_is(word, "number");
    struct jval *s = new_sensor(x, id, title,
                                type.p   ? decapitalized(x, type)
                                : number ? SLICE_LIT("measurement")
                                         : word,
                                unit_at(r, content, number ? SLICE_LIT("none") : word));
    x_put_text(x, s, "description", text_of(jval_get(content, "description")));
    x_append(x, r->sensors, s);
}

static void read_telemetry(struct content_reading *r, const struct jval *c)
{
    struct slice name = name_at(r, c);
    if (name.p)
        add_sensors(r, c, "Telemetry", id_of(r->x, name), text_of(jval_get(c, "displayName")),
                    jval_get(c, "schema"), 0);
}

static void read_property(struct content_reading *r, const struct jval *c)
{
    struct exchange *x = r->x;
    const struct jval *writable = jval_get(c, "writable");
    struct slice name = name_at(r, c);
    if (!name.p)
        return;
    if (!writable || writable->type != J_BOOL || !writable->boolean) {
        add_sensors(r, c, "Property", id_of(x, name), text_of(jval_get(c, "displayName")),
                    jval_get(c, "schema"), 0);
        return;
    }
    struct jval *s = x_object(x);
    x_put_text(x, s, "name", id_of(x, name));
    x_put_text(x, s, "title", text_of(jval_get(c, "displayName")));
    x_put_text(x, s, "description", text_of(jval_get(c, "description")));
    if (jval_get(c, "unit"))
        x_put_text(x, s, "unit", unit_at(r, c, SLICE_LIT("none")));
    x_put(x, s, "schema", dtdl_to_schema(x, r->interface, jval_get(c, "schema"), 0));
    x_append(x, r->settings, s);
}

/* {"name", "schema"} as an object with that one member. */
static struct jval *payload(struct content_reading *r, const struct jval *p)
{
    struct exchange *x = r->x;
    struct slice name = string_at(p, "name");
    if (!name.p)
        return NULL;
    struct jval *schema = x_object(x), *properties = x_object(x), *required = x_list(x);
    x_put(x, schema, "type", x_text(x, SLICE_LIT("object")));
    x_put_slice(x, properties, name, dtdl_to_schema(x, r->interface, jval_get(p, "schema"), 0));
    x_put(x, schema, "properties", properties);
    const struct jval *nullable = jval_get(p, "nullable");
    if (!nullable || nullable->type != J_BOOL || !nullable->boolean) {
        x_append(x, required, x_text(x, name));
        x_put(x, schema, "required", required);
    }
    return schema;
}

static void read_command(struct content_reading *r, const struct jval *c)
{
    struct exchange *x = r->x;
    struct slice name = name_at(r, c);
    if (!name.p)
        return;
    struct jval *command = x_object(x);
    x_put_text(x, command, "name", id_of(x, name));
    x_put_text(x, command, "title", text_of(jval_get(c, "displayName")));
    x_put_text(x, command, "description", text_of(jval_get(c, "description")));
    x_put(x, command, "input", payload(r, jval_get(c, "request")));
    x_put(x, command, "output", payload(r, jval_get(c, "response")));
    x_append(x, r->commands, command);
}

static void read_relationship(struct content_reading *r, const struct jval *c)
{
    struct exchange *x = r->x;
    struct slice name = name_at(r, c), target = string_at(c, "target");
    if (!name.p)
        return;
    struct jval *relationship = x_object(x);
    x_put_text(x, relationship, "kind", id_of(x, name));
    if (target.p && dtmi_is(target))
        x_put_text(x, relationship, "target", dtmi_to_id(x, target));
    else if (target.p)
        x_note(x, true, jval_get(c, "target"), "The target of a relationship is a DTMI.");
    x_put_copy(x, relationship, "min", jval_get(c, "minMultiplicity"));
    x_put_copy(x, relationship, "max", jval_get(c, "maxMultiplicity"));
    const struct jval *properties = list_at(c, "properties");
    if (properties && properties->count)
        x_put(x, relationship, "properties", dtdl_fields_to_schema(x, r->interface, properties, 0));
    x_append(x, r->relationships, relationship);
}

static void read_component(struct content_reading *r, const struct jval *c)
{
    struct exchange *x = r->x;
    struct slice name = name_at(r, c), schema = string_at(c, "schema");
    if (!name.p)
        return;
    if (!schema.p || !dtmi_is(schema)) {
        x_note(x, true, c,
               "Write the interface of a component as one of its own and name it here by its "
               "@id.");
        return;
    }
    struct jval *relationship = x_object(x);
    x_put_text(x, relationship, "kind", id_of(x, name));
    x_put_text(x, relationship, "target", dtmi_to_id(x, schema));
    x_put(x, relationship, "min", x_number(x, 1));
    x_put(x, relationship, "max", x_number(x, 1));
    x_append(x, r->relationships, relationship);
}

static void read_content(struct content_reading *r, const struct jval *c)
{
    static const struct {
        const char *type;
        void (*read)(struct content_reading *r, const struct jval *c);
    } kinds[] = {{"Telemetry", read_telemetry},
                 {"Property", read_property},
                 {"Command", read_command},
                 {"Relationship", read_relationship},
                 {"Component", read_component}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (lists_text(jval_get(c, "@type"), kinds[i].type)) {
            kinds[i].read(r, c);
            return;
        }
    x_note(r->x, true, c,
           "\"@type\" of a content is Telemetry, Property, Command, Relationship or Component.");
}

static bool is_version(const struct jval *context)
{
    return lists_text(context, CONTEXT "3") || lists_text(context, CONTEXT "2");
}

static void read_extends(struct exchange *x, const struct jval *interface, struct jval *type)
{
    const struct jval *extends = jval_get(interface, "extends");
    struct jval *list = x_list(x);
    const struct jval *one = extends && extends->type == J_ARRAY ? extends->first : extends;
    for (; one; one = extends->type == J_ARRAY ? one->next : NULL) {
        if (!jval_string(one).p || !dtmi_is(one->text))
            x_note(x, true, one,
                   "Write an interface that is extended as one of its own and name it here by its "
                   "@id.");
        else
            x_append(x, list, x_text(x, dtmi_to_id(x, one->text)));
    }
    if (list && list->count == 1)
        x_put_copy(x, type, "extends", list->first);
    else
        x_put_list(x, type, "extends", list);
}

static struct jval *read_interface(struct exchange *x, const struct jval *e, bool *ret_is_type)
{
    struct slice dtmi = string_at(e, "@id");
    *ret_is_type = true;
    if (!lists_text(jval_get(e, "@type"), "Interface")) {
        x_note(x, true, e, "\"@type\" is Interface: DTDL describes types.");
        return NULL;
    }
    if (!is_version(jval_get(e, "@context"))) {
        x_note(x, true, e, "\"@context\" names " CONTEXT "3 (or 2).");
        return NULL;
    }
    if (!dtmi.p || !dtmi_is(dtmi) || !slice_is_id(dtmi_to_id(x, dtmi))) {
        x_note(x, true, e,
               "\"@id\" is a DTMI such as dtmi:com:example:Pump;1, of at most 128 characters.");
        return NULL;
    }
    struct content_reading r = {.x = x,
                                .interface = e,
                                .sensors = x_list(x),
                                .settings = x_list(x),
                                .commands = x_list(x),
                                .relationships = x_list(x)};
    struct jval *type = x_object(x);
    struct slice id = dtmi_to_id(x, dtmi), name = text_of(jval_get(e, "displayName"));
    x_put_text(x, type, "id", id);
    x_put_text(x, type, "name", name.p ? name : id);
    x_put_text(x, type, "description", text_of(jval_get(e, "description")));
    read_extends(x, e, type);
    const struct jval *contents = list_at(e, "contents");
    for (const struct jval *c = contents ? contents->first : NULL; c; c = c->next)
        read_content(&r, c);
    x_put_list(x, type, "sensors", r.sensors);
    x_put_list(x, type, "settings", r.settings);
    x_put_list(x, type, "commands", r.commands);
    x_put_list(x, type, "relationships", r.relationships);
    return type;
}

/* ---- writing ---- */

struct writing {
    struct exchange *x;
    struct jval *contents;
    bool quantities;
};

static struct jval *add_content(struct writing *w, const char *kind, struct slice name,
                                const struct jval *from)
{
    struct exchange *x = w->x;
    struct jval *c = x_object(x);
    struct slice plain = to_name(x, name);
    x_put_text(x, c, "@type", slice_str(kind));
    x_put_text(x, c, "name", plain);
    if (!slice_eq(plain, name) && x->opts.strict)
        x_note(x, false, from, "%.*s is called %.*s: names of DTDL have letters, digits and _.",
               SLICE_ARG(name), SLICE_ARG(plain));
    x_append(x, w->contents, c);
    return c;
}

static void put_unit(struct writing *w, struct jval *c, const char *kind, struct slice unit)
{
    struct slice there = unit_to_dtdl(unit), quantity = quantity_of_unit(there);
    if (!there.p || slice_is(there, "unity"))
        return;
    struct jval *types = x_list(w->x);
    x_append(w->x, types, x_text(w->x, slice_str(kind)));
    x_append(w->x, types, x_text(w->x, quantity));
    x_put(w->x, c, "@type", types);
    x_put_text(w->x, c, "unit", there);
    w->quantities = true;
}

static void write_sensor(struct writing *w, const struct jval *s)
{
    struct exchange *x = w->x;
    struct slice id = string_at(s, "id"), unit = string_at(s, "unit"), name = string_at(s, "name");
    if (!id.p)
        return;
    struct jval *c = add_content(w, "Telemetry", id, s);
    if (name.p && !slice_eq(name, id))
        x_put_text(x, c, "displayName", name);
    x_put_text(x, c, "description", string_at(s, "description"));
    bool boolean = slice_is(unit, "boolean"), text = slice_is(unit, "text");
    x_put_text(x, c, "schema", slice_str(boolean ? "boolean" : text ? "string" : "double"));
    put_unit(w, c, "Telemetry", unit);
}

static void write_setting(struct writing *w, const struct jval *s)
{
    struct exchange *x = w->x;
    struct slice name = string_at(s, "name");
    if (!name.p)
        return;
    struct jval *c = add_content(w, "Property", name, s);
    x_put_text(x, c, "displayName", string_at(s, "title"));
    x_put_text(x, c, "description", string_at(s, "description"));
    x_put(x, c, "schema", schema_to_dtdl(x, jval_get(s, "schema"), 0));
    x_put(x, c, "writable", x_bool(x, true));
    put_unit(w, c, "Property", string_at(s, "unit"));
}

/* Of a schema with one member that member, else all of it under one name. */
static void put_payload(struct writing *w, struct jval *c, const char *key,
                        const struct jval *schema)
{
    struct exchange *x = w->x;
    if (!schema)
        return;
    const struct jval *properties = object_at(schema, "properties");
    bool alone = properties && properties->count == 1;
    struct jval *p = x_object(x);
    x_put_text(x, p, "name", alone ? to_name(x, properties->first->key) : slice_str(key));
    x_put(x, p, "schema", schema_to_dtdl(x, alone ? properties->first : schema, 0));
    x_put(x, c, key, p);
}

static void write_command(struct writing *w, const struct jval *s)
{
    struct slice name = string_at(s, "name");
    if (!name.p)
        return;
    struct jval *c = add_content(w, "Command", name, s);
    x_put_text(w->x, c, "displayName", string_at(s, "title"));
    x_put_text(w->x, c, "description", string_at(s, "description"));
    put_payload(w, c, "request", object_at(s, "input"));
    put_payload(w, c, "response", object_at(s, "output"));
}

static void write_relationship(struct writing *w, const struct jval *s)
{
    struct exchange *x = w->x;
    struct slice kind = string_at(s, "kind"), target = string_at(s, "target");
    if (!kind.p)
        return;
    struct jval *c = add_content(w, "Relationship", kind, s);
    if (target.p)
        x_put_text(x, c, "target", id_to_dtmi(x, target));
    x_put_copy(x, c, "minMultiplicity", jval_get(s, "min"));
    x_put_copy(x, c, "maxMultiplicity", jval_get(s, "max"));
    const struct jval *properties = object_at(jval_get(s, "properties"), "properties");
    struct jval *list = x_list(x);
    for (const struct jval *p = properties ? properties->first : NULL; p; p = p->next) {
        struct jval *property = x_object(x);
        x_put(x, property, "@type", x_text(x, SLICE_LIT("Property")));
        x_put_text(x, property, "name", to_name(x, p->key));
        x_put(x, property, "schema", schema_to_dtdl(x, p, 0));
        x_append(x, list, property);
    }
    x_put_list(x, c, "properties", list);
}

static void write_each(struct writing *w, const struct jval *type, const char *key,
                       void (*write)(struct writing *w, const struct jval *one))
{
    const struct jval *list = list_at(type, key);
    for (const struct jval *one = list ? list->first : NULL; one; one = one->next)
        write(w, one);
}

static struct jval *extends_of(struct exchange *x, const struct jval *extends)
{
    if (!extends)
        return NULL;
    if (jval_string(extends).p)
        return x_text(x, id_to_dtmi(x, extends->text));
    struct jval *list = x_list(x);
    for (const struct jval *one = extends->first; one; one = one->next)
        if (jval_string(one).p)
            x_append(x, list, x_text(x, id_to_dtmi(x, one->text)));
    return list;
}

static struct jval *write_interface(struct exchange *x, const struct jval *type)
{
    struct writing w = {.x = x, .contents = x_list(x)};
    struct slice id = string_at(type, "id"), name = string_at(type, "name");
    struct jval *e = x_object(x);
    write_each(&w, type, "sensors", write_sensor);
    write_each(&w, type, "settings", write_setting);
    write_each(&w, type, "commands", write_command);
    write_each(&w, type, "relationships", write_relationship);
    x_put(x, e, "@context",
          w.quantities ? x_parse(x, "['" CONTEXT "3', '" QUANTITIES "']")
                       : x_text(x, SLICE_LIT(CONTEXT "3")));
    x_put_text(x, e, "@id", id_to_dtmi(x, id));
    x_put(x, e, "@type", x_text(x, SLICE_LIT("Interface")));
    if (name.p && !slice_eq(name, id))
        x_put_text(x, e, "displayName", name);
    x_put_text(x, e, "description", string_at(type, "description"));
    x_put(x, e, "extends", extends_of(x, jval_get(type, "extends")));
    x_put_list(x, e, "contents", w.contents);
    if (x->opts.strict && jval_get(type, "defaults"))
        x_note(x, false, jval_get(type, "defaults"), "DTDL has no word for defaults.");
    return e;
}

const struct exchange_words dtdl_words = {.read = read_interface, .write_type = write_interface};
