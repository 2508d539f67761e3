#include "exchange/internal.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    const struct exchange_words *words;
} formats[EXCHANGE_FORMATS] = {
    [EXCHANGE_DTDL] = {"dtdl", &dtdl_words},
    [EXCHANGE_WOT] = {"wot", &wot_words},
    [EXCHANGE_NGSI_LD] = {"ngsi-ld", &ngsi_words},
};

const char *exchange_name(enum exchange_format f)
{
    return formats[f].name;
}

bool exchange_by_name(struct slice name, enum exchange_format *ret)
{
    for (int f = 0; f < EXCHANGE_FORMATS; f++)
        if (slice_is(name, formats[f].name)) {
            *ret = (enum exchange_format)f;
            return true;
        }
    return false;
}

/* ---- trees ---- */

static struct jval *whole(struct exchange *x, struct jval *v)
{
    x->failed |= !v;
    return v;
}

struct jval *x_object(struct exchange *x)
{
    return whole(x, jval_new(x->arena, J_OBJECT));
}

struct jval *x_list(struct exchange *x)
{
    return whole(x, jval_new(x->arena, J_ARRAY));
}

struct jval *x_text(struct exchange *x, struct slice s)
{
    return whole(x, jval_new_string(x->arena, s));
}

struct jval *x_textf(struct exchange *x, const char *format, ...)
{
    char small[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    size_t kept = n < 0 ? 0 : (size_t)n < sizeof small ? (size_t)n : sizeof small - 1;
    return x_text(x, slice_of(small, kept));
}

struct jval *x_bool(struct exchange *x, bool v)
{
    return whole(x, jval_new_bool(x->arena, v));
}

struct jval *x_number(struct exchange *x, double v)
{
    return whole(x, jval_new_number(x->arena, v));
}

struct jval *x_copy(struct exchange *x, const struct jval *v)
{
    return v ? whole(x, jval_copy(x->arena, v)) : NULL;
}

struct jval *x_parse(struct exchange *x, const char *json)
{
    struct jval *v = NULL;
    char *text = arena_strndup(x->arena, json, strlen(json));
    for (char *p = text; p && *p; p++)
        if (*p == '\'')
            *p = '"';
    if (text && jdoc_parse(x->arena, slice_str(text), &v, NULL))
        v = NULL;
    return whole(x, v);
}

void x_put_slice(struct exchange *x, struct jval *object, struct slice key, struct jval *v)
{
    if (object && v && !jval_set(x->arena, object, key, v))
        x->failed = true;
}

void x_put(struct exchange *x, struct jval *object, const char *key, struct jval *v)
{
    x_put_slice(x, object, slice_str(key), v);
}

void x_put_text(struct exchange *x, struct jval *object, const char *key, struct slice s)
{
    if (s.p)
        x_put(x, object, key, x_text(x, s));
}

void x_put_copy(struct exchange *x, struct jval *object, const char *key, const struct jval *v)
{
    x_put(x, object, key, x_copy(x, v));
}

void x_append(struct exchange *x, struct jval *list, struct jval *v)
{
    if (!list || !v || !jval_append(list, v))
        x->failed = true;
}

void x_put_list(struct exchange *x, struct jval *object, const char *key, struct jval *list)
{
    if (list && list->count)
        x_put(x, object, key, list);
}

void x_note(struct exchange *x, bool error, const struct jval *at, const char *format, ...)
{
    char text[400];
    struct buf path = {0};
    va_list args;
    x->errors += error;
    if (x->notes_n >= EXCHANGE_NOTES_MAX)
        return;
    if (!x->notes)
        x->notes = arena_alloc(x->arena, EXCHANGE_NOTES_MAX * sizeof *x->notes);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (at)
        jval_path(&path, at);
    char *pointer = path.failed ? NULL : arena_strndup(x->arena, path.p ? path.p : "", path.n);
    char *message = arena_strndup(x->arena, text, strlen(text));
    buf_release(&path);
    if (!x->notes || !pointer || !message)
        x->failed = true;
    else
        x->notes[x->notes_n++] = (struct exchange_note){error, pointer, message};
}

/* ---- reading trees ---- */

struct slice string_at(const struct jval *object, const char *key)
{
    return jval_string(jval_get(object, key));
}

const struct jval *list_at(const struct jval *object, const char *key)
{
    const struct jval *v = jval_get(object, key);
    return v && v->type == J_ARRAY ? v : NULL;
}

const struct jval *object_at(const struct jval *object, const char *key)
{
    const struct jval *v = jval_get(object, key);
    return v && v->type == J_OBJECT ? v : NULL;
}

struct slice first_text(const struct jval *v)
{
    if (v && v->type == J_ARRAY)
        v = v->first;
    return jval_string(v);
}

struct slice text_of(const struct jval *v)
{
    if (v && v->type == J_OBJECT)
        v = jval_get(v, "en") ? jval_get(v, "en") : v->first;
    return jval_string(v);
}

bool lists_text(const struct jval *v, const char *text)
{
    if (!v || v->type != J_ARRAY)
        return slice_is(jval_string(v), text) && jval_string(v).p;
    for (const struct jval *one = v->first; one; one = one->next)
        if (jval_string(one).p && slice_is(one->text, text))
            return true;
    return false;
}

struct slice id_of(struct exchange *x, struct slice name)
{
    enum { ID_MAX = 128 };
    size_t n = name.n < ID_MAX ? name.n : ID_MAX;
    char *id = arena_strndup(x->arena, n ? name.p : "_", n ? n : 1);
    x->failed |= !id;
    for (char *p = id; p && *p; p++)
        if (!slice_is_id(slice_of(p, 1)))
            *p = '_';
    return slice_str(id ? id : "_");
}

/* ---- documents of ours ---- */

struct jval *new_profile(struct exchange *x, struct slice id, struct slice name,
                         struct slice description, struct slice kind)
{
    struct jval *p = x_object(x), *identifier = x_object(x), *subject = x_object(x);
    x_put(x, p, "@context",
          x_parse(x, "{'@vocab': 'https://schema.org/', 'mvmd': 'https://mvmd.org/v1/'}"));
    x_put(x, p, "@type", x_text(x, SLICE_LIT("DigitalDocument")));
    x_put_text(x, p, "name", slice_trim(name).n ? name : id);
    x_put_text(x, p, "description",
               slice_trim(description).n ? description
               : slice_trim(name).n      ? name
                                         : id);
    x_put(x, identifier, "@type", x_text(x, SLICE_LIT("PropertyValue")));
    x_put(x, identifier, "propertyID", x_text(x, SLICE_LIT("MVMD-ID")));
    x_put_text(x, identifier, "value", id);
    x_put(x, p, "identifier", identifier);
    x_put(x, subject, "@type", x_text(x, SLICE_LIT("Product")));
    x_put_text(x, subject, "name", slice_trim(kind).n ? kind : SLICE_LIT("Thing"));
    x_put(x, p, "subjectOf", subject);
    return p;
}

struct jval *new_sensor(struct exchange *x, struct slice id, struct slice name, struct slice type,
                        struct slice unit)
{
    struct jval *s = x_object(x);
    x_put_text(x, s, "id", id);
    x_put_text(x, s, "name", slice_trim(name).n ? name : id);
    x_put_text(x, s, "type", type);
    x_put_text(x, s, "unit", unit);
    return s;
}

struct slice profile_id(const struct jval *profile)
{
    return string_at(jval_get(profile, "identifier"), "value");
}

/* ---- one element, both ways ---- */

/* The readers' and writers' own notes would be said again: only what is first said counts. */
static struct exchange quiet(const struct exchange *x)
{
    return (struct exchange){.arena = x->arena, .opts = x->opts};
}

static struct jval *write_one(struct exchange *x, const struct exchange_words *w, bool is_type,
                              const struct jval *doc)
{
    struct jval *(*fn)(struct exchange *, const struct jval *) =
        is_type ? w->write_type : w->write_twin;
    return fn ? fn(x, doc) : NULL;
}

static struct jval *without(struct exchange *x, const struct jval *v, const char *key)
{
    struct jval *copy = x_copy(x, v);
    if (copy)
        jval_remove(copy, slice_str(key));
    return copy;
}

/* What was made of one of ours elsewhere and comes back: ours, with what has changed. */
static struct jval *read_back(struct exchange *x, const struct exchange_words *w, bool is_type,
                              const struct jval *own, struct jval *now)
{
    struct exchange silent = quiet(x);
    bool then_is_type = is_type;
    struct jval *written = write_one(&silent, w, is_type, own);
    struct jval *then = written ? w->read(&silent, written, &then_is_type) : NULL;
    x->failed |= silent.failed;
    if (!then || then_is_type != is_type)
        return now;
    return whole(x, exchange_redo(x->arena, own, then, now));
}

static void read_element(struct exchange *x, enum exchange_format f, const struct jval *element)
{
    const struct exchange_words *w = formats[f].words;
    if (element->type != J_OBJECT) {
        x_note(x, true, element, "An object is wanted here.");
        return;
    }
    const struct jval *own = object_at(element, DOCUMENT);
    if (own && w->property)
        own = object_at(own, "value");
    bool is_type = false;
    struct jval *doc = w->read(x, element, &is_type);
    if (!doc)
        return;
    if (own) {
        doc = read_back(x, w, is_type, own, doc);
    } else {
        struct jval *source = x_object(x);
        x_put_text(x, source, "format", slice_str(formats[f].name));
        x_put_copy(x, source, "document", element);
        x_put(x, doc, SOURCE, source);
    }
    x_append(x, is_type ? x->types : x->twins, doc);
}

int exchange_read(struct arena *a, enum exchange_format f, const struct jval *root,
                  struct exchange *ret)
{
    *ret = (struct exchange){.arena = a};
    ret->types = x_list(ret);
    ret->twins = x_list(ret);
    const char *member = formats[f].words->list;
    if (member && list_at(root, member))
        root = list_at(root, member);
    if (root->type == J_ARRAY)
        for (const struct jval *v = root->first; v && !ret->failed; v = v->next)
            read_element(ret, f, v);
    else
        read_element(ret, f, root);
    return ret->failed ? ERR_NOMEM : 0;
}

/* What came from there goes back as it came, with what has changed. */
static struct jval *write_back(struct exchange *x, const struct exchange_words *w, bool is_type,
                               const struct jval *kept, struct jval *now)
{
    struct exchange silent = quiet(x);
    bool then_is_type = is_type;
    struct jval *doc = w->read(&silent, kept, &then_is_type);
    struct jval *then = doc && then_is_type == is_type ? write_one(&silent, w, is_type, doc) : NULL;
    x->failed |= silent.failed;
    return then ? whole(x, exchange_redo(x->arena, kept, then, now)) : now;
}

static struct jval *as_property(struct exchange *x, const struct jval *doc)
{
    struct jval *p = x_object(x);
    x_put_text(x, p, "type", SLICE_LIT("Property"));
    x_put_copy(x, p, "value", doc);
    return p;
}

static void write_element(struct exchange *x, enum exchange_format f, bool is_type,
                          const struct jval *doc, struct jval *list)
{
    const struct exchange_words *w = formats[f].words;
    const struct jval *source = object_at(doc, SOURCE);
    struct jval *own = without(x, doc, SOURCE);
    struct jval *element = own ? write_one(x, w, is_type, own) : NULL;
    if (!element) {
        if (!x->failed)
            x_note(x, true, doc, "%s has no word for %s.", formats[f].name,
                   is_type ? "types" : "twins");
        return;
    }
    if (source && slice_is(string_at(source, "format"), formats[f].name) &&
        object_at(source, "document"))
        element = write_back(x, w, is_type, object_at(source, "document"), element);
    else if (!x->opts.strict && !x->opts.concise)
        x_put(x, element, DOCUMENT, w->property ? as_property(x, doc) : x_copy(x, doc));
    x_append(x, list, element);
}

int exchange_write(struct arena *a, enum exchange_format f, const struct jval *types,
                   const struct jval *twins, const struct exchange_opts *opts, struct exchange *x,
                   struct jval **ret)
{
    *x = (struct exchange){.arena = a, .opts = *opts};
    struct jval *list = x_list(x);
    for (const struct jval *v = types ? types->first : NULL; v && !x->failed; v = v->next)
        write_element(x, f, true, v, list);
    for (const struct jval *v = twins ? twins->first : NULL; v && !x->failed; v = v->next)
        write_element(x, f, false, v, list);
    *ret = list;
    return x->failed ? ERR_NOMEM : 0;
}
