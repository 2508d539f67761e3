/* ngsi.c - entities of NGSI-LD (ETSI GS CIM 009) as twins; normalised, and concise as values alone.
 *
 *     a Property of a number, text, true or false     a sensor with its value and observedAt
 *     name, description                               name, description
 *     a Relationship                                  relationships, one an object
 *     a GeoProperty `location` that is a Point        the place of the subject
 *     type                                            what the twin mirrors
 *
 * Properties without a unit or a time whose value is a text are about the thing, not measured: they
 * are kept aside.  Where values stand alone, a text that begins with "urn:" is a relationship. */
#include "exchange/internal.h"

#define CONTEXT "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
#define OWN_URN "urn:ngsi-ld:"

/* ---- reading ---- */

static bool is_own_member(struct slice key)
{
    static const char *const members[] = {
        "id",         "type",      "@context", "@id",         "@type",    "createdAt", "scope",
        "modifiedAt", "deletedAt", "name",     "description", "location", DOCUMENT};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (slice_is(key, members[i]))
            return true;
    return false;
}

/* "temperature" of "https://example.org/terms#temperature". */
static struct slice short_name(struct slice key)
{
    for (size_t i = key.n; i > 0; i--)
        if ((key.p[i - 1] == '/' || key.p[i - 1] == '#') && i < key.n)
            return slice_skip(key, i);
    return key;
}

/* A Property's value, or what stands there alone. */
static const struct jval *value_of(const struct jval *attribute)
{
    if (!attribute || attribute->type != J_OBJECT)
        return attribute;
    return jval_get(attribute, "value");
}

static bool is_of_type(const struct jval *attribute, const char *type)
{
    struct slice t = string_at(attribute, "type");
    return attribute->type == J_OBJECT && t.p && slice_is(t, type);
}

static void read_relationship(struct exchange *x, const struct jval *attribute,
                              const struct jval *object, struct jval *relationships)
{
    const struct jval *one = object && object->type == J_ARRAY ? object->first : object;
    for (; one; one = object->type == J_ARRAY ? one->next : NULL) {
        if (!jval_string(one).p) {
            x_note(x, true, one, "The object of a Relationship is the id of an entity.");
            continue;
        }
        struct jval *r = x_object(x);
        x_put_text(x, r, "kind", id_of(x, short_name(attribute->key)));
        x_put_text(x, r, "target", id_of(x, one->text));
        x_append(x, relationships, r);
    }
}

static void read_sensor(struct exchange *x, const struct jval *a, struct jval *sensors)
{
    const struct jval *value = value_of(a);
    struct slice code = string_at(a, "unitCode"), observed = string_at(a, "observedAt");
    bool number = value->type == J_NUMBER, boolean = value->type == J_BOOL;
    struct slice unit = code.p ? unit_of_cefact(code) : (struct slice){0};
    if (code.p && !unit.p) {
        x_note(x, false, jval_get(a, "unitCode"),
               "%.*s is no code of Recommendation 20 that we know; it stays as it is.",
               SLICE_ARG(code));
        unit = code;
    }
    struct slice name = short_name(a->key);
    struct jval *s = new_sensor(x, id_of(x, name), name,
                                boolean  ? SLICE_LIT("boolean")
                                : number ? SLICE_LIT("measurement")
                                         : SLICE_LIT("text"),
                                unit.p    ? unit
                                : boolean ? SLICE_LIT("boolean")
                                : number  ? SLICE_LIT("none")
                                          : SLICE_LIT("text"));
    if (observed.p) {
        x_put_copy(x, s, "currentValue", value);
        x_put_text(x, s, "timestamp", observed);
    }
    x_append(x, sensors, s);
}

static void read_attribute(struct exchange *x, const struct jval *a, struct jval *sensors,
                           struct jval *relationships)
{
    const struct jval *value = value_of(a);
    if (is_of_type(a, "Relationship") || (a->type == J_OBJECT && jval_get(a, "object"))) {
        read_relationship(x, a, jval_get(a, "object"), relationships);
    } else if (a->type == J_ARRAY && a->first && is_of_type(a->first, "Relationship")) {
        for (const struct jval *one = a->first; one; one = one->next) /* datasetId */
            read_relationship(x, a, jval_get(one, "object"), relationships);
    } else if (a->type == J_STRING && slice_starts(a->text, "urn:")) {
        read_relationship(x, a, a, relationships);
    } else if (value && (value->type == J_NUMBER || value->type == J_BOOL ||
                         (value->type == J_STRING &&
                          (jval_get(a, "observedAt") || jval_get(a, "unitCode"))))) {
        read_sensor(x, a, sensors);
    } else {
        x_note(x, false, a, "This is no measured value; it was kept aside.");
    }
}

static void read_location(struct exchange *x, const struct jval *e, struct jval *subject)
{
    const struct jval *a = object_at(e, "location");
    const struct jval *geometry = a && is_of_type(a, "GeoProperty") ? object_at(a, "value") : a;
    const struct jval *at = geometry && slice_is(string_at(geometry, "type"), "Point")
                                ? list_at(geometry, "coordinates")
                                : NULL;
    double longitude, latitude;
    if (!at || at->count < 2 || !jval_number(jval_at(at, 0), &longitude) ||
        !jval_number(jval_at(at, 1), &latitude))
        return;
    struct jval *place = x_object(x), *geo = x_object(x);
    x_put(x, place, "@type", x_text(x, SLICE_LIT("Place")));
    x_put(x, geo, "@type", x_text(x, SLICE_LIT("GeoCoordinates")));
    x_put_copy(x, geo, "latitude", jval_at(at, 1));
    x_put_copy(x, geo, "longitude", jval_at(at, 0));
    x_put(x, place, "geo", geo);
    x_put(x, subject, "location", place);
}

static struct jval *read_entity(struct exchange *x, const struct jval *e, bool *ret_is_type)
{
    struct slice id = string_at(e, jval_get(e, "id") ? "id" : "@id");
    struct slice type = first_text(jval_get(e, jval_get(e, "type") ? "type" : "@type"));
    *ret_is_type = false;
    if (!id.n || !type.n) {
        x_note(x, true, e, "An entity has an \"id\" and a \"type\".");
        return NULL;
    }
    struct slice name = text_of(value_of(jval_get(e, "name")));
    struct slice description = text_of(value_of(jval_get(e, "description")));
    struct jval *profile = new_profile(x, id_of(x, id), name, description, short_name(type));
    struct jval *sensors = x_list(x), *relationships = x_list(x);
    read_location(x, e, jval_get(profile, "subjectOf"));
    for (const struct jval *a = e->first; a; a = a->next)
        if (!is_own_member(a->key))
            read_attribute(x, a, sensors, relationships);
    x_put_list(x, profile, "sensors", sensors);
    x_put_list(x, profile, "doppel:relationships", relationships);
    return profile;
}

/* ---- writing ---- */

/* An attribute, or in concise form its value alone. */
static struct jval *add_property(struct exchange *x, struct jval *e, struct slice key,
                                 const char *type, const char *member, struct jval *value)
{
    if (x->opts.concise) {
        x_put_slice(x, e, key, value);
        return NULL;
    }
    struct jval *a = x_object(x);
    x_put_text(x, a, "type", slice_str(type));
    x_put(x, a, member, value);
    x_put_slice(x, e, key, a);
    return a;
}

static void write_sensor(struct exchange *x, struct jval *e, const struct jval *s)
{
    const struct jval *value = jval_get(s, "currentValue");
    struct slice id = string_at(s, "id"), unit = string_at(s, "unit");
    if (!id.p || is_own_member(id))
        return;
    if (!value || value->type == J_NULL) {
        if (x->opts.strict)
            x_note(x, false, s, "%.*s has no value yet, and NGSI-LD no word for that.",
                   SLICE_ARG(id));
        return;
    }
    struct jval *a = add_property(x, e, id, "Property", "value", x_copy(x, value));
    if (!a)
        return;
    x_put_text(x, a, "unitCode", unit_to_cefact(unit));
    x_put_copy(x, a, "observedAt", jval_get(s, "timestamp"));
}

static struct slice urn_of(struct exchange *x, struct slice type, struct slice id)
{
    if (slice_starts(id, "urn:"))
        return id;
    char *urn = arena_printf(x->arena, OWN_URN "%.*s:%.*s", SLICE_ARG(type), SLICE_ARG(id));
    x->failed |= !urn;
    return slice_str(urn ? urn : "");
}

/* All edges of a kind are one attribute, whose object is a list when there are several. */
static void write_relationships(struct exchange *x, struct jval *e, const struct jval *list)
{
    for (const struct jval *r = list ? list->first : NULL; r; r = r->next) {
        struct slice kind = string_at(r, "kind"), target = string_at(r, "target");
        if (!kind.p || !target.p || is_own_member(kind))
            continue;
        struct jval *object = x_text(x, urn_of(x, SLICE_LIT("Thing"), target));
        struct jval *there = jval_get_slice(e, kind);
        if (!there) {
            add_property(x, e, kind, "Relationship", "object", object);
            continue;
        }
        struct jval *before = x->opts.concise ? there : jval_get(there, "object");
        struct jval *many = before && before->type == J_ARRAY ? before : x_list(x);
        if (before && before != many) {
            x_append(x, many, x_copy(x, before));
            if (x->opts.concise)
                x_put_slice(x, e, kind, many);
            else
                x_put(x, there, "object", many);
        }
        x_append(x, many, object);
    }
}

static void write_location(struct exchange *x, struct jval *e, const struct jval *subject)
{
    const struct jval *geo = jval_get(jval_get(subject, "location"), "geo");
    double latitude, longitude;
    if (!jval_number(jval_get(geo, "latitude"), &latitude) ||
        !jval_number(jval_get(geo, "longitude"), &longitude))
        return;
    struct jval *point = x_object(x), *at = x_list(x);
    x_put_text(x, point, "type", SLICE_LIT("Point"));
    x_append(x, at, x_copy(x, jval_get(geo, "longitude")));
    x_append(x, at, x_copy(x, jval_get(geo, "latitude")));
    x_put(x, point, "coordinates", at);
    add_property(x, e, SLICE_LIT("location"), "GeoProperty", "value", point);
}

static struct jval *write_entity(struct exchange *x, const struct jval *twin)
{
    struct jval *e = x_object(x);
    struct slice kind = string_at(jval_get(twin, "subjectOf"), "name");
    struct slice name = string_at(twin, "name"), description = string_at(twin, "description");
    struct slice type = id_of(x, kind.n ? kind : SLICE_LIT("Thing"));
    x_put_text(x, e, "id", urn_of(x, type, profile_id(twin)));
    x_put_text(x, e, "type", type);
    if (name.p)
        add_property(x, e, SLICE_LIT("name"), "Property", "value", x_text(x, name));
    if (description.p)
        add_property(x, e, SLICE_LIT("description"), "Property", "value", x_text(x, description));
    write_location(x, e, jval_get(twin, "subjectOf"));
    const struct jval *sensors = list_at(twin, "sensors");
    for (const struct jval *s = sensors ? sensors->first : NULL; s; s = s->next)
        write_sensor(x, e, s);
    write_relationships(x, e, list_at(twin, "doppel:relationships"));
    x_put(x, e, "@context", x_parse(x, "['" CONTEXT "']"));
    return e;
}

const struct exchange_words ngsi_words = {
    .read = read_entity, .write_twin = write_entity, .property = true};
