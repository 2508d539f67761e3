/* wot.c - W3C Web of Things: Thing Descriptions 1.1 as twins, Thing Models as types.
 *
 *     a property that is read only        a sensor
 *     a property that can be written      a setting
 *     an action                           a command
 *     a link with a relation              a relationship
 *     a link "tm:extends"                 extends
 *
 * What is written tells how this server is asked: `base` is put in front of its addresses. */
#include "exchange/internal.h"

#define CONTEXT "https://www.w3.org/2022/wot/td/v1.1"
#define OLD_CONTEXT "https://www.w3.org/2019/wot/td/v1"
#define MODEL "tm:ThingModel"
#define OWN_URN "urn:doppel:"

/* ---- reading ---- */

static struct slice own_id(struct exchange *x, struct slice uri)
{
    return id_of(x, slice_starts(uri, OWN_URN) ? slice_skip(uri, strlen(OWN_URN)) : uri);
}

/* Of an affordance what says how its values are made: JSON Schema. */
static struct jval *schema_of(struct exchange *x, const struct jval *affordance)
{
    static const char *const others[] = {
        "forms",       "observable", "readOnly",     "writeOnly",    "unit",   "title", "titles",
        "description", "@type",      "descriptions", "uriVariables", "tm:ref", SOURCE,  DOCUMENT};
    struct jval *schema = x_copy(x, affordance);
    for (size_t i = 0; schema && i < sizeof others / sizeof others[0]; i++)
        jval_remove(schema, slice_str(others[i]));
    return schema;
}

static bool is_true(const struct jval *v)
{
    return v && v->type == J_BOOL && v->boolean;
}

static struct slice title_of(const struct jval *v)
{
    return jval_get(v, "title") ? text_of(jval_get(v, "title")) : text_of(jval_get(v, "titles"));
}

static struct slice description_of(const struct jval *v)
{
    return jval_get(v, "description") ? text_of(jval_get(v, "description"))
                                      : text_of(jval_get(v, "descriptions"));
}

static void read_sensor(struct exchange *x, const struct jval *p, struct jval *sensors)
{
    static const struct {
        const char *type, *word;
    } words[] = {
        {"number", "none"}, {"integer", "none"}, {"boolean", "boolean"}, {"string", "text"}};
    struct slice type = string_at(p, "type"), unit = string_at(p, "unit");
    struct slice semantic = first_text(jval_get(p, "@type"));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!slice_is(type, words[i].type))
            continue;
        bool number = slice_is(type, "number") || slice_is(type, "integer");
        struct jval *s = new_sensor(x, id_of(x, p->key), title_of(p),
                                    semantic.p ? semantic
                                    : number   ? SLICE_LIT("measurement")
                                               : slice_str(words[i].word),
                                    number && unit.n ? unit : slice_str(words[i].word));
        x_put_text(x, s, "description", description_of(p));
        x_append(x, sensors, s);
        return;
    }
    x_note(x, false, p,
           "A sensor has numbers, texts or true and false; this property was kept aside.");
}

static void read_properties(struct exchange *x, const struct jval *e, struct jval *sensors,
                            struct jval *settings)
{
    const struct jval *properties = object_at(e, "properties");
    for (const struct jval *p = properties ? properties->first : NULL; p; p = p->next) {
        if (is_true(jval_get(p, "readOnly"))) {
            read_sensor(x, p, sensors);
            continue;
        }
        struct jval *s = x_object(x);
        x_put_text(x, s, "name", id_of(x, p->key));
        x_put_text(x, s, "title", title_of(p));
        x_put_text(x, s, "description", description_of(p));
        x_put_text(x, s, "unit", string_at(p, "unit"));
        x_put(x, s, "schema", schema_of(x, p));
        x_append(x, settings, s);
    }
}

static void read_actions(struct exchange *x, const struct jval *e, struct jval *commands)
{
    const struct jval *actions = object_at(e, "actions");
    for (const struct jval *a = actions ? actions->first : NULL; a; a = a->next) {
        struct jval *c = x_object(x);
        x_put_text(x, c, "name", id_of(x, a->key));
        x_put_text(x, c, "title", title_of(a));
        x_put_text(x, c, "description", description_of(a));
        x_put(x, c, "input", object_at(a, "input") ? schema_of(x, object_at(a, "input")) : NULL);
        x_put(x, c, "output", object_at(a, "output") ? schema_of(x, object_at(a, "output")) : NULL);
        x_append(x, commands, c);
    }
}

/* Links to documents are none between twins. */
static bool is_relationship(struct slice rel, struct slice href)
{
    static const char *const others[] = {"icon",    "type",     "alternate",   "license",
                                         "service", "manifest", "describedby", "stylesheet"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (slice_is(rel, others[i]))
            return false;
    return slice_is_id(rel) && !slice_starts(rel, "tm:") &&
           (slice_starts(href, "urn:") || slice_is_id(href));
}

static void read_links(struct exchange *x, const struct jval *e, bool is_type, struct jval *doc,
                       struct jval *relationships)
{
    const struct jval *links = list_at(e, "links");
    for (const struct jval *l = links ? links->first : NULL; l; l = l->next) {
        struct slice rel = string_at(l, "rel"), href = string_at(l, "href");
        if (!rel.p || !href.p)
            continue;
        if (slice_is(rel, "tm:extends") && is_type) {
            x_put_text(x, doc, "extends", own_id(x, href));
        } else if (is_relationship(rel, href)) {
            struct jval *r = x_object(x);
            x_put_text(x, r, "kind", rel);
            x_put_text(x, r, "target", own_id(x, href));
            x_put_copy(x, r, "properties", object_at(l, "doppel:properties"));
            x_append(x, relationships, r);
        }
    }
}

static struct jval *read_thing(struct exchange *x, const struct jval *e, bool *ret_is_type)
{
    struct slice uri = string_at(e, "id"), title = title_of(e);
    const struct jval *context = jval_get(e, "@context");
    *ret_is_type = lists_text(jval_get(e, "@type"), MODEL);
    if (!lists_text(context, CONTEXT) && !lists_text(context, OLD_CONTEXT)) {
        x_note(x, true, e, "\"@context\" names " CONTEXT ".");
        return NULL;
    }
    if (!uri.n && !slice_trim(title).n) {
        x_note(x, true, e, "A thing has an \"id\" or a \"title\" by which it can be told.");
        return NULL;
    }
    struct slice id = uri.n ? own_id(x, uri) : id_of(x, title);
    struct jval *sensors = x_list(x), *settings = x_list(x), *commands = x_list(x),
                *relationships = x_list(x), *doc;
    if (*ret_is_type) {
        doc = x_object(x);
        x_put_text(x, doc, "id", id);
        x_put_text(x, doc, "name", title.n ? title : id);
        x_put_text(x, doc, "description", description_of(e));
    } else {
        doc = new_profile(x, id, title, description_of(e), first_text(jval_get(e, "@type")));
    }
    read_properties(x, e, sensors, settings);
    read_actions(x, e, commands);
    read_links(x, e, *ret_is_type, doc, relationships);
    x_put_list(x, doc, "sensors", sensors);
    x_put_list(x, doc, *ret_is_type ? "settings" : "doppel:settings", settings);
    x_put_list(x, doc, *ret_is_type ? "commands" : "doppel:commands", commands);
    x_put_list(x, doc, *ret_is_type ? "relationships" : "doppel:relationships", relationships);
    return doc;
}

/* ---- writing ---- */

struct writing {
    struct exchange *x;
    bool is_type;
    struct slice id;
};

static void put_forms(struct writing *w, struct jval *affordance, const char *what,
                      struct slice name, const char *op, const char *end)
{
    struct exchange *x = w->x;
    if (w->is_type)
        return;
    struct jval *form = x_object(x), *forms = x_list(x);
    x_put(x, form, "href",
          x_textf(x, "%s/api/v1/twins/%.*s/%s/%.*s%s", x->opts.base ? x->opts.base : "",
                  SLICE_ARG(w->id), what, SLICE_ARG(name), end));
    x_put(x, form, "contentType", x_text(x, SLICE_LIT("application/json")));
    x_put(x, form, "op", x_parse(x, op));
    x_append(x, forms, form);
    x_put(x, affordance, "forms", forms);
}

static void write_sensors(struct writing *w, const struct jval *list, struct jval *properties)
{
    struct exchange *x = w->x;
    for (const struct jval *s = list ? list->first : NULL; s; s = s->next) {
        struct slice id = string_at(s, "id"), unit = string_at(s, "unit"),
                     type = string_at(s, "type");
        if (!id.p)
            continue;
        struct jval *p = x_object(x);
        bool boolean = slice_is(unit, "boolean"), text = slice_is(unit, "text");
        x_put_text(x, p, "title", string_at(s, "name"));
        x_put_text(x, p, "description", string_at(s, "description"));
        if (type.p && !slice_is(type, "measurement") && !boolean && !text)
            x_put_text(x, p, "@type", type);
        x_put_text(x, p, "type", slice_str(boolean ? "boolean" : text ? "string" : "number"));
        if (unit.p && !boolean && !text && !slice_is(unit, "none"))
            x_put_text(x, p, "unit", unit);
        x_put(x, p, "readOnly", x_bool(x, true));
        put_forms(w, p, "sensors", id, "['readproperty']", "/value");
        x_put_slice(x, properties, id, p);
    }
}

static void write_settings(struct writing *w, const struct jval *list, struct jval *properties)
{
    struct exchange *x = w->x;
    for (const struct jval *s = list ? list->first : NULL; s; s = s->next) {
        struct slice name = string_at(s, "name");
        if (!name.p)
            continue;
        const struct jval *schema = object_at(s, "schema");
        struct jval *p = schema ? x_copy(x, schema) : x_object(x);
        x_put_text(x, p, "title", string_at(s, "title"));
        x_put_text(x, p, "description", string_at(s, "description"));
        x_put_text(x, p, "unit", string_at(s, "unit"));
        put_forms(w, p, "settings", name, "['readproperty', 'writeproperty']", "");
        x_put_slice(x, properties, name, p);
    }
}

static void write_commands(struct writing *w, const struct jval *list, struct jval *actions)
{
    struct exchange *x = w->x;
    for (const struct jval *c = list ? list->first : NULL; c; c = c->next) {
        struct slice name = string_at(c, "name");
        if (!name.p)
            continue;
        struct jval *a = x_object(x);
        x_put_text(x, a, "title", string_at(c, "title"));
        x_put_text(x, a, "description", string_at(c, "description"));
        x_put_copy(x, a, "input", object_at(c, "input"));
        x_put_copy(x, a, "output", object_at(c, "output"));
        put_forms(w, a, "commands", name, "['invokeaction']", "");
        x_put_slice(x, actions, name, a);
    }
}

static void add_link(struct exchange *x, struct jval *links, struct slice rel, struct slice target,
                     const struct jval *properties)
{
    struct jval *l = x_object(x);
    x_put_text(x, l, "rel", rel);
    x_put(x, l, "href",
          x_textf(x, "%s%.*s", slice_starts(target, "urn:") ? "" : OWN_URN, SLICE_ARG(target)));
    x_put_copy(x, l, "doppel:properties", properties);
    x_append(x, links, l);
}

static void write_links(struct writing *w, const struct jval *doc, struct jval *links)
{
    const struct jval *list = list_at(doc, w->is_type ? "relationships" : "doppel:relationships");
    const struct jval *extends = jval_get(doc, "extends");
    if (w->is_type && first_text(extends).p)
        add_link(w->x, links, SLICE_LIT("tm:extends"), first_text(extends), NULL);
    for (const struct jval *r = list ? list->first : NULL; r; r = r->next)
        if (string_at(r, "kind").p && string_at(r, "target").p)
            add_link(w->x, links, string_at(r, "kind"), string_at(r, "target"),
                     w->is_type ? NULL : object_at(r, "properties"));
}

static struct jval *write_thing(struct writing *w, const struct jval *doc)
{
    struct exchange *x = w->x;
    struct jval *e = x_object(x), *properties = x_object(x), *actions = x_object(x),
                *links = x_list(x);
    struct slice kind = string_at(jval_get(doc, "subjectOf"), "name");
    x_put(x, e, "@context", x_parse(x, "['" CONTEXT "', {'doppel': 'urn:doppel:ns:'}]"));
    x_put(x, e, "id",
          x_textf(x, "%s%.*s", slice_starts(w->id, "urn:") ? "" : OWN_URN, SLICE_ARG(w->id)));
    if (w->is_type)
        x_put(x, e, "@type", x_text(x, SLICE_LIT(MODEL)));
    else if (slice_is_id(kind))
        x_put_text(x, e, "@type", kind);
    x_put_text(x, e, "title", string_at(doc, "name"));
    x_put_text(x, e, "description", string_at(doc, "description"));
    if (!w->is_type) {
        x_put(x, e, "securityDefinitions", x_parse(x, "{'token': {'scheme': 'bearer'}}"));
        x_put(x, e, "security", x_parse(x, "['token']"));
    }
    write_sensors(w, list_at(doc, "sensors"), properties);
    write_settings(w, list_at(doc, w->is_type ? "settings" : "doppel:settings"), properties);
    write_commands(w, list_at(doc, w->is_type ? "commands" : "doppel:commands"), actions);
    write_links(w, doc, links);
    x_put_list(x, e, "properties", properties);
    x_put_list(x, e, "actions", actions);
    x_put_list(x, e, "links", links);
    return e;
}

static struct jval *write_type(struct exchange *x, const struct jval *type)
{
    struct writing w = {.x = x, .is_type = true, .id = string_at(type, "id")};
    return write_thing(&w, type);
}

static struct jval *write_twin(struct exchange *x, const struct jval *twin)
{
    struct writing w = {.x = x, .id = profile_id(twin)};
    return write_thing(&w, twin);
}

const struct exchange_words wot_words = {
    .read = read_thing, .write_type = write_type, .write_twin = write_twin, .list = "things"};
