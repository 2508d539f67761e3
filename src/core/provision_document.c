/* provision_document.c - the profile of a twin that nobody wrote: as much as is known, and honest
 * about the rest, which profile_fill() completes. */
#include "base/err.h"
#include "base/map.h"
#include "core/provision.h"

enum { WORDS_MAX = 256 }; /* bytes of what a device calls itself */

/* The words, or where they say nothing the fallback; cut between two characters. */
static void put(struct json_writer *w, const char *key, struct slice s, struct slice fallback)
{
    if (!slice_trim(s).n)
        s = fallback;
    if (s.n > WORDS_MAX)
        for (s.n = WORDS_MAX; s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
            s.n--;
    json_key(w, key);
    json_put_string(w, s);
}

/* What is said of a sensor must lead sensor_kind() (twin/words.c) to its kind. */
static struct slice kind_word(enum value_type kind)
{
    return kind == VALUE_BOOL   ? SLICE_LIT("boolean")
           : kind == VALUE_TEXT ? SLICE_LIT("text")
                                : SLICE_LIT("unspecified");
}

static void put_sensor(struct json_writer *w, const struct provision_sensor *s)
{
    json_open(w, '{');
    put(w, "id", s->id, s->id);
    put(w, "name", s->name, s->id);
    put(w, "type", s->type, kind_word(s->kind));
    put(w, "unit", s->unit, kind_word(s->kind));
    json_close(w, '}');
}

static int finish(struct arena *a, struct buf *b, struct slice *ret)
{
    struct slice text = b->failed ? (struct slice){0} : arena_dup(a, buf_slice(b));
    buf_release(b);
    if (!text.p)
        return ERR_NOMEM;
    *ret = text;
    return 0;
}

static int new_document(struct arena *a, const struct provision_twin *t,
                        const struct provision_sensor *sensors, size_t n, struct slice *ret)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 2);
    json_open(&w, '{');
    json_key(&w, "@context");
    json_put_raw(&w, SLICE_LIT("{\"@vocab\": \"https://schema.org/\", \"mvmd\": "
                               "\"https://mvmd.org/v1/\"}"));
    put(&w, "@type", SLICE_LIT("DigitalDocument"), SLICE_LIT(""));
    put(&w, "name", t->name, t->id);
    put(&w, "description", t->description,
        SLICE_LIT("Made when a device first spoke of it; nobody has described it yet"));
    json_key(&w, "identifier");
    json_open(&w, '{');
    put(&w, "@type", SLICE_LIT("PropertyValue"), SLICE_LIT(""));
    put(&w, "propertyID", SLICE_LIT("MVMD-ID"), SLICE_LIT(""));
    put(&w, "value", t->id, t->id);
    json_close(&w, '}');
    json_key(&w, "subjectOf");
    json_open(&w, '{');
    put(&w, "@type", SLICE_LIT("Thing"), SLICE_LIT(""));
    put(&w, "name", t->type, SLICE_LIT("Device"));
    json_close(&w, '}');
    if (n) { /* without one the profile gets the sensor that every twin has */
        json_key(&w, "sensors");
        json_open(&w, '[');
        for (size_t i = 0; i < n; i++)
            put_sensor(&w, &sensors[i]);
        json_close(&w, ']');
    }
    json_close(&w, '}');
    return finish(a, &b, ret);
}

static struct jval *sensor_node(struct arena *a, const struct provision_sensor *s)
{
    struct buf b = {0};
    struct json_writer w;
    struct slice text;
    struct jval *node = NULL;
    json_writer_init(&w, &b, 0);
    put_sensor(&w, s);
    if (finish(a, &b, &text) || jdoc_parse(a, text, &node, NULL))
        return NULL;
    return node;
}

static int add_missing(struct arena *a, struct jval *list, const struct provision_sensor *sensors,
                       size_t n, size_t *ret_added)
{
    static char there[] = "";
    struct map ids = {0};
    size_t added = 0;
    int err = 0;
    for (struct jval *s = list->first; s && !err; s = s->next) {
        struct slice id = jval_string(jval_get(s, "id"));
        if (id.p)
            err = map_put(&ids, id, there, NULL);
    }
    for (size_t i = 0; i < n && !err; i++) {
        if (map_get(&ids, sensors[i].id))
            continue;
        struct jval *node = sensor_node(a, &sensors[i]);
        err =
            node && jval_append(list, node) ? map_put(&ids, sensors[i].id, there, NULL) : ERR_NOMEM;
        added++;
    }
    map_release(&ids);
    if (!err)
        *ret_added = added;
    return err;
}

int provision_document(struct arena *a, struct slice kept, const struct provision_twin *twin,
                       const struct provision_sensor *sensors, size_t n, struct slice *ret_body,
                       size_t *ret_added)
{
    if (!kept.n) {
        *ret_added = n;
        return new_document(a, twin, sensors, n, ret_body);
    }
    struct jval *root;
    if (jdoc_parse(a, kept, &root, NULL) || root->type != J_OBJECT)
        return ERR_CORRUPT;
    struct jval *list = jval_get(root, "sensors");
    if (!list || list->type != J_ARRAY) {
        list = jval_new(a, J_ARRAY);
        if (!list || !jval_set(a, root, SLICE_LIT("sensors"), list))
            return ERR_NOMEM;
    }
    int err = add_missing(a, list, sensors, n, ret_added);
    if (err || !*ret_added)
        return err;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 2);
    jval_write(&w, root);
    return finish(a, &b, ret_body);
}
