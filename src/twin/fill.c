/* profile_fill(): what is required and missing, with defaults.  Nothing that is there is changed,
 * and nothing is filled in that would have to be guessed of the thing itself. */
#include "twin/profile.h"

#include "base/err.h"
#include "twin/kinds.h"
#include "twin/sync.h"
#include "twin/units.h"
#include "twin/url.h"
#include "twin/words.h"

struct filling {
    struct arena *arena;
    const char **pointers;
    size_t n, cap;
    bool failed;
};

static void note(struct filling *f, const struct jval *v)
{
    struct buf b = {0};
    if (f->n + 1 >= f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 16;
        const char **pointers = arena_alloc(f->arena, cap * sizeof *pointers);
        if (!pointers) {
            f->failed = true;
            return;
        }
        for (size_t i = 0; i < f->n; i++)
            pointers[i] = f->pointers[i];
        f->pointers = pointers;
        f->cap = cap;
    }
    jval_path(&b, v);
    char *p = b.failed ? NULL : arena_strndup(f->arena, b.p, b.n);
    buf_release(&b);
    if (p)
        f->pointers[f->n++] = p;
    else
        f->failed = true;
}

/* Add a member from JSON (' for ") where there is none.  The member that is there then, when it is
 * an object; else NULL. */
static struct jval *fill(struct filling *f, struct jval *object, const char *name, const char *json)
{
    struct jval *v = jval_get(object, name);
    if (!v && json) {
        struct jval *copy = NULL;
        char *text = arena_strndup(f->arena, json, strlen(json));
        for (char *p = text; p && *p; p++)
            if (*p == '\'')
                *p = '"';
        if (!text || jdoc_parse(f->arena, slice_str(text), &copy, NULL)) {
            f->failed = true;
            return NULL;
        }
        /* a copy stands in no text: its offsets would be those of the default */
        copy = jval_copy(f->arena, copy);
        v = copy ? jval_set(f->arena, object, slice_str(name), copy) : NULL;
        if (!v) {
            f->failed = true;
            return NULL;
        }
        note(f, v);
    }
    return v && v->type == J_OBJECT ? v : NULL;
}

static void fill_string(struct filling *f, struct jval *object, const char *name, struct slice s)
{
    if (jval_get(object, name))
        return;
    struct jval *v = jval_new_string(f->arena, s);
    if (!v || !jval_set(f->arena, object, slice_str(name), v))
        f->failed = true;
    else
        note(f, v);
}

static void fill_endpoint(struct filling *f, struct jval *sync, const struct jval *root,
                          const struct profile_defaults *d)
{
    struct slice id = jval_string(jval_get(jval_get(root, "identifier"), "value"));
    char *endpoint = arena_printf(f->arena, "%s%.*s", d->mqtt_endpoint, SLICE_ARG(id));
    if (!endpoint)
        f->failed = true;
    else
        fill_string(f, sync, "endpoint", slice_str(endpoint));
}

static void fill_sync(struct filling *f, struct jval *root, const struct profile_defaults *d)
{
    bool whole = !jval_get(root, "synchronization");
    struct jval *sync = fill(f, root, "synchronization", "{}");
    if (!sync)
        return;
    size_t noted = f->n;
    struct slice name = jval_string(jval_get(sync, "mechanism"));
    struct url url;
    if (!jval_get(sync, "mechanism")) {
        const struct jval *endpoint = jval_get(sync, "endpoint");
        const struct mechanism *m = url_parse(jval_string(endpoint), &url)
                                        ? mechanism_of_scheme(url.scheme)
                                        : mechanism_find(SLICE_LIT("MQTT"));
        if (m)
            fill_string(f, sync, "mechanism", slice_str(m->name));
        name = jval_string(jval_get(sync, "mechanism"));
    }
    /* our own endpoint speaks MQTT: another mechanism's endpoint only its owner knows */
    const struct mechanism *m = mechanism_find(name);
    if (m && slice_is(slice_str(m->name), "MQTT"))
        fill_endpoint(f, sync, root, d);
    fill_string(f, sync, "updateFrequency", SLICE_LIT("realtime"));
    if (whole) {
        fill_string(f, sync, "connectionLoss",
                    SLICE_LIT("Silent sensors are shown as stale; readings that come later with "
                              "their own timestamp are taken in."));
        f->n = noted; /* one pointer for the whole */
    }
}

/* A step shorter than what is kept, and the other way round. */
static const char *sampling_for(int64_t kept_us)
{
    return kept_us > 60000000  ? "'1m'"
           : kept_us > 1000000 ? "'1s'"
           : kept_us > 1000    ? "'1ms'"
                               : NULL;
}

static const char *retention_for(int64_t step_us)
{
    const int64_t day_us = INT64_C(86400000000);
    return step_us < 90 * day_us ? "'90d'" : step_us < 36500 * day_us ? "'100y'" : NULL;
}

static void fill_storage(struct filling *f, struct jval *root)
{
    static const char policy[] =
        "{'retentionPeriod': '90d', 'samplingRate': '1m', 'compressionLevel': 'high'}";
    int64_t us = 0;
    if (!jval_get(root, "dataStorage")) {
        struct jval *storage = fill(f, root, "dataStorage", "{}");
        size_t noted = f->n;
        if (storage)
            fill(f, storage, "historicalData", policy);
        f->n = noted;
        return;
    }
    struct jval *storage = jval_get(root, "dataStorage");
    if (storage->type != J_OBJECT)
        return;
    struct jval *history = fill(f, storage, "historicalData", policy);
    if (!history)
        return;
    const struct jval *step = jval_get(history, "samplingRate");
    if (!step || !duration_parse(jval_string(step), &us))
        fill(f, history, "retentionPeriod", retention_for(us));
    if (!duration_parse(jval_string(jval_get(history, "retentionPeriod")), &us))
        fill(f, history, "samplingRate", sampling_for(us));
}

static void fill_sensor(struct filling *f, struct jval *sensor)
{
    struct slice id = jval_string(jval_get(sensor, "id"));
    if (!slice_is_id(id))
        return;
    enum value_type kind = sensor_kind(sensor, NULL);
    fill_string(f, sensor, "name", id);
    fill_string(f, sensor, "type", SLICE_LIT("unspecified"));
    fill_string(f, sensor, "unit",
                kind == VALUE_BOOL   ? SLICE_LIT("boolean")
                : kind == VALUE_TEXT ? SLICE_LIT("text")
                                     : SLICE_LIT("unspecified"));
}

static void fill_sensors(struct filling *f, struct jval *root)
{
    static const char status[] =
        "[{'id': 'status', 'name': 'Status', 'type': 'status', 'unit': 'none'}]";
    struct jval *sensors = jval_get(root, "sensors");
    if (!sensors) {
        fill(f, root, "sensors", status);
        return;
    }
    if (sensors->type != J_ARRAY)
        return;
    for (struct jval *s = sensors->first; s; s = s->next)
        if (s->type == J_OBJECT)
            fill_sensor(f, s);
}

int profile_fill(struct arena *a, struct jval *root, const struct profile_defaults *d,
                 const char *const **ret_filled)
{
    struct filling f = {.arena = a};
    if (root->type != J_OBJECT)
        return ERR_INVALID;
    fill_sync(&f, root, d);
    fill_sensors(&f, root);
    fill_storage(&f, root);
    fill(&f, root, "maintenance", "{}");
    if (!f.pointers)
        f.pointers = arena_zalloc(a, sizeof *f.pointers);
    if (f.failed || !f.pointers)
        return ERR_NOMEM;
    f.pointers[f.n] = NULL;
    *ret_filled = f.pointers;
    return 0;
}
