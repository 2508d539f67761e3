/* registry.c - twins and sensors in memory. */
#include "core/registry.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/graph_keep.h"
#include "core/internal.h"
#include "core/layouts.h"

#include <stdlib.h>

struct twin *core_twin(struct core *c, struct slice key)
{
    return map_get(&c->twins_by_id, key);
}

int core_find(struct core *c, const struct principal *who, struct slice id, enum access_op op,
              struct twin **ret)
{
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    int err = access_key(c->access, who, id, &scratch, &key, &org);
    struct twin *t = err ? NULL : core_twin(c, key);
    const struct access_object o = {.org = t ? org : NULL, .twin = t ? slice_str(t->key) : key};
    if (t)
        err = access_check(c->access, who, op, &o);
    else if (err != ERR_NOMEM)
        err = who->kind == WHO_ANONYMOUS && !who->everything ? ERR_UNAUTHENTICATED : ERR_NOT_FOUND;
    buf_release(&scratch);
    if (err == ERR_FORBIDDEN)
        *ret = t;
    if (err)
        return err == ERR_NOT_FOUND ? ERR_UNKNOWN_TWIN : err;
    *ret = t;
    return 0;
}

bool core_may(const struct core *c, const struct principal *who, enum access_op op,
              const struct sensor *s)
{
    const struct access_object o = {.org = s->twin->org,
                                    .twin = slice_str(s->twin->key),
                                    .part = PART_SENSOR,
                                    .name = slice_str(s->id)};
    return access_may(c->access, who, op, &o);
}

struct sensor *core_sensor(const struct twin *t, struct slice id)
{
    const struct sensor_spec *spec = t->layout ? layout_find(t->layout, id) : NULL;
    return spec ? t->sensors[spec->index] : NULL;
}

struct sensor *core_series(struct core *c, uint32_t series)
{
    return series < c->by_series_n ? c->by_series[series] : NULL;
}

uint32_t core_series_end(const struct core *c)
{
    return (uint32_t)c->by_series_n;
}

size_t core_twin_count(const struct core *c)
{
    return c->twins_n;
}

size_t core_series_count(const struct core *c)
{
    return c->series_n;
}

static int by_id(const void *a, const void *b)
{
    const struct twin *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

/* Those that were made since the last time are sorted among themselves, then both are merged, from
 * the back. */
static void sort_twins(struct core *c)
{
    size_t sorted = c->twins_sorted, fresh = c->twins_n - sorted, at = c->twins_n;
    struct twin **tail = malloc(fresh * sizeof(struct twin *));
    c->twins_sorted = c->twins_n;
    if (!tail) {
        qsort(c->twins, c->twins_n, sizeof(struct twin *), by_id);
        return;
    }
    memcpy(tail, c->twins + sorted, fresh * sizeof(struct twin *));
    qsort(tail, fresh, sizeof(struct twin *), by_id);
    while (fresh) {
        bool old = sorted && by_id(&c->twins[sorted - 1], &tail[fresh - 1]) > 0;
        c->twins[--at] = old ? c->twins[--sorted] : tail[--fresh];
    }
    free(tail);
}

struct twin *const *core_twins(struct core *c, size_t *ret_n)
{
    if (c->twins_sorted < c->twins_n)
        sort_twins(c);
    *ret_n = c->twins_n;
    return c->twins;
}

static int series_room(struct core *c, uint32_t series)
{
    if (series < c->by_series_n)
        return 0;
    size_t n = c->by_series_n ? c->by_series_n : 256;
    while (n <= series)
        n *= 2;
    struct sensor **more = realloc(c->by_series, n * sizeof(struct sensor *));
    if (!more)
        return ERR_NOMEM;
    memset(more + c->by_series_n, 0, (n - c->by_series_n) * sizeof(struct sensor *));
    c->by_series = more;
    c->by_series_n = n;
    return 0;
}

/* ---- sensors ---- */

static void set_spec(struct sensor *s, const struct sensor_spec *spec)
{
    s->spec = spec;
    s->id = spec->id.p;
    if (spec->kind != VALUE_NONE)
        s->kind = (uint8_t)spec->kind;
}

static struct sensor *sensor_new(struct core *c, struct twin *t, uint32_t series)
{
    struct sensor *s = series_room(c, series) ? NULL : calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->twin = t;
    s->series = series;
    s->level = s->alarm = LEVEL_UNKNOWN;
    c->by_series[series] = s;
    c->series_n++;
    if (t->org)
        t->org->series_n++;
    return s;
}

static void sensor_free(struct core *c, struct sensor *s)
{
    if (!s)
        return;
    live_drop(s);
    head_drop(c, s);
    c->by_series[s->series] = NULL;
    c->series_n--;
    if (s->twin->org)
        s->twin->org->series_n--;
    point_release(&s->last);
    free(s);
}

/* What a twin is about to consist of. */
struct cast {
    struct layout *layout, *gone;
    struct sensor **all, **sensors; /* may be one array */
    size_t all_n;
};

static void cast_release(struct cast *k)
{
    layout_unref(k->layout);
    layout_unref(k->gone);
    if (k->sensors != k->all)
        free(k->sensors);
    free(k->all);
}

/* One sensor for each row, in their order: those that the twin has, and new ones. */
static int cast_rows(struct core *c, struct twin *t, const struct catalog_twin *row, struct cast *k)
{
    k->all = malloc((row->series_n ? row->series_n : 1) * sizeof(struct sensor *));
    if (!k->all)
        return ERR_NOMEM;
    for (; k->all_n < row->series_n; k->all_n++) {
        uint32_t series = row->series[k->all_n].series;
        struct sensor *s = core_series(c, series);
        if (s && s->twin != t)
            return ERR_CORRUPT; /* two twins, one past */
        if (!s && !(s = sensor_new(c, t, series)))
            return ERR_NOMEM;
        k->all[k->all_n] = s;
    }
    return 0;
}

static bool is_in_order(const struct catalog_twin *row, const struct layout *l)
{
    bool same = row->series_n == l->n;
    for (size_t i = 0; i < l->n && same; i++)
        same = !row->series[i].retired && slice_eq(row->series[i].sensor, l->specs[i].id);
    return same;
}

/* The layout of the retired, which keep what they were; one not known from before has its name. */
static int cast_gone(struct core *c, const struct catalog_twin *row, struct cast *k)
{
    struct sensor_spec *specs = calloc(row->series_n, sizeof *specs);
    size_t n = 0;
    if (!specs)
        return ERR_NOMEM;
    for (size_t i = 0; i < row->series_n; i++) {
        const struct catalog_series *one = &row->series[i];
        if (!one->retired)
            continue;
        specs[n].id = specs[n].name = one->sensor;
        specs[n].kind = (enum value_type)one->kind;
        if (k->all[i]->spec)
            specs[n] = *k->all[i]->spec;
        n++;
    }
    int err = n ? layout_get_of(&c->layouts, specs, n, &k->gone) : 0;
    free(specs);
    return err;
}

/* The sensors of the profile in its order, when the rows are in another one or have more. */
static int cast_sensors(struct core *c, const struct catalog_twin *row, struct cast *k)
{
    struct map by_row = {0};
    int err = 0;
    k->sensors = malloc((k->layout->n ? k->layout->n : 1) * sizeof(struct sensor *));
    if (!k->sensors)
        return ERR_NOMEM;
    for (size_t i = 0; i < row->series_n && !err; i++)
        err = map_put(&by_row, row->series[i].sensor, k->all[i], NULL);
    for (size_t i = 0; i < k->layout->n && !err; i++)
        if (!(k->sensors[i] = map_get(&by_row, k->layout->specs[i].id)))
            err = ERR_CORRUPT;
    map_release(&by_row);
    return err ? err : cast_gone(c, row, k);
}

static int cast_make(struct core *c, struct twin *t, const struct catalog_twin *row, struct cast *k)
{
    int err = layout_get(&c->layouts, row->sensors, &k->layout);
    if (!err)
        err = cast_rows(c, t, row, k);
    if (!err && is_in_order(row, k->layout))
        k->sensors = k->all;
    else if (!err)
        err = cast_sensors(c, row, k);
    if (!err)
        return 0;
    for (size_t i = t->all_n; i < k->all_n; i++) /* new ones stand behind the old */
        sensor_free(c, k->all[i]);
    cast_release(k);
    return err;
}

static int take_sensors(struct core *c, struct twin *t, const struct catalog_twin *row)
{
    struct cast k = {0};
    int err = cast_make(c, t, row, &k);
    if (err)
        return err;
    for (size_t i = 0, gone = 0; i < k.all_n; i++)
        if (row->series[i].retired && k.gone)
            set_spec(k.all[i], &k.gone->specs[gone++]);
    for (size_t i = 0; i < k.layout->n; i++)
        set_spec(k.sensors[i], &k.layout->specs[i]);
    cast_release(&(struct cast){t->layout, t->gone, t->all, t->sensors, 0});
    t->layout = k.layout;
    t->gone = k.gone;
    t->all = k.all;
    t->all_n = k.all_n;
    t->sensors = k.sensors;
    t->sensors_n = k.layout->n;
    for (size_t i = 0; i < t->all_n; i++)
        live_revise(c, t->all[i], row->series[i].retired);
    live_recount(c, t);
    return 0;
}

/* ---- twins ---- */

static char *put(char *at, struct slice s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    at[s.n] = 0;
    return at + s.n + 1;
}

static int set_texts(struct twin *t, const struct profile_view *view)
{
    size_t texts = view->name.n + view->description.n + view->type.n + view->types.n;
    char *name = malloc(texts + 4);
    if (!name)
        return ERR_NOMEM;
    free((void *)(uintptr_t)t->name);
    char *description = put(name, view->name), *type = put(description, view->description);
    char *types = put(type, view->type);
    put(types, view->types);
    t->name = name;
    t->description = description;
    t->type = type;
    t->twin_types = types;
    return 0;
}

static void twin_free(struct core *c, struct twin *t)
{
    for (size_t i = 0; i < t->all_n; i++)
        sensor_free(c, t->all[i]);
    cast_release(&(struct cast){t->layout, t->gone, t->all, t->sensors, 0});
    free((void *)(uintptr_t)t->name);
    free((void *)(uintptr_t)t->key);
    free(t);
}

/* Of a key whose organisation is not on record it is made, in memory alone: nobody is in it but who
 * looks after the installation. */
static struct org *org_of(struct core *c, struct slice key)
{
    struct org *org = access_org_of_key(c->access, key);
    if (org)
        return org;
    struct slice slug = slice_of(key.p, access_key_prefix(key) - 1);
    log_warn("core", "there is no organisation %.*s, of which there are twins", SLICE_ARG(slug));
    return access_load(c->access, RECORD_ORG, slug, SLICE_LIT("{}")) ? NULL
                                                                     : access_org(c->access, slug);
}

static struct twin *twin_new(struct core *c, struct slice key)
{
    if (c->twins_n == c->twins_cap) {
        size_t cap = c->twins_cap ? c->twins_cap * 2 : 64;
        struct twin **more = realloc(c->twins, cap * sizeof(struct twin *));
        if (!more)
            return NULL;
        c->twins = more;
        c->twins_cap = cap;
    }
    struct org *org = org_of(c, key);
    struct twin *t = org ? calloc(1, sizeof *t) : NULL;
    if (!t || !(t->key = strndup(key.p, key.n)) ||
        map_put(&c->twins_by_id, slice_str(t->key), t, NULL)) {
        if (t)
            free((void *)(uintptr_t)t->key);
        free(t);
        return NULL;
    }
    t->id = t->key + access_key_prefix(key);
    t->org = org;
    org->twins_n++;
    org->twins_there++;
    t->latency_us = -1;
    t->watched_us = clock_mono_us();
    if (c->twins_sorted == c->twins_n && (!c->twins_n || by_id(&c->twins[c->twins_n - 1], &t) < 0))
        c->twins_sorted++;
    c->twins[c->twins_n++] = t;
    graph_made(c, t);
    return t;
}

int registry_put(struct core *c, const struct catalog_twin *row, const struct profile_view *view,
                 struct twin **ret, bool *ret_created)
{
    struct twin *t = core_twin(c, row->id);
    bool created = !t;
    if (!t && !(t = twin_new(c, row->id)))
        return ERR_NOMEM;
    if (set_texts(t, view))
        return ERR_NOMEM;
    t->simulated = view->simulated;
    t->demo = row->demo;
    t->version = row->version;
    t->created_us = row->created_us;
    t->modified_us = row->modified_us;
    t->interval_us = view->interval_us;
    t->alarm = view->alarm;
    t->policy = (struct history_policy){.keep_us = view->retention_us,
                                        .raw_us = view->raw_us,
                                        .sampling_us = view->sampling_us,
                                        .level = view->compression};
    int err = take_sensors(c, t, row);
    if (!err)
        err = graph_put(c, t, view->relations);
    *ret = t;
    *ret_created = created;
    return err;
}

static size_t place_of(const struct core *c, const struct twin *t)
{
    struct twin *const *at = bsearch(&t, c->twins, c->twins_sorted, sizeof(struct twin *), by_id);
    size_t i = at ? (size_t)(at - c->twins) : c->twins_sorted;
    while (c->twins[i] != t)
        i++;
    return i;
}

void registry_remove(struct core *c, struct twin *t)
{
    map_remove(&c->twins_by_id, slice_str(t->key));
    t->org->twins_n--;
    t->org->twins_there--;
    graph_gone(c, t);
    size_t i = place_of(c, t);
    memmove(&c->twins[i], &c->twins[i + 1], (c->twins_n - i - 1) * sizeof(struct twin *));
    c->twins_n--;
    if (i < c->twins_sorted)
        c->twins_sorted--;
    twin_free(c, t);
}

void registry_release(struct core *c)
{
    map_release(&c->twins_by_id);
    graph_release(c);
    for (size_t i = 0; i < c->twins_n; i++)
        twin_free(c, c->twins[i]);
    map_release(&c->layouts);
    free(c->twins);
    free(c->by_series);
}
