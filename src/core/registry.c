/* registry.c - twins and sensors in memory. */
#include "core/registry.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"

#include <stdlib.h>

enum { FEW_SENSORS = 16 }; /* so many are found by looking at each */

struct twin *core_twin(struct core *c, struct slice id)
{
    return map_get(&c->twins_by_id, id);
}

struct sensor *core_sensor(const struct twin *t, struct slice id)
{
    if (t->by_id.count)
        return map_get(&t->by_id, id);
    for (size_t i = 0; i < t->sensors_n; i++)
        if (slice_is(id, t->sensors[i]->id))
            return t->sensors[i];
    return NULL;
}

struct sensor *core_series(struct core *c, uint32_t series)
{
    return series < c->by_series_n ? c->by_series[series] : NULL;
}

size_t core_twin_count(const struct core *c)
{
    return c->twins_n;
}

static int by_id(const void *a, const void *b)
{
    const struct twin *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

struct twin *const *core_twins(struct core *c, size_t *ret_n)
{
    if (c->twins_sorted < c->twins_n)
        qsort(c->twins, c->twins_n, sizeof(struct twin *), by_id);
    c->twins_sorted = c->twins_n;
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

static struct slice put(char **at, struct slice s)
{
    struct slice copy = slice_of(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    (*at)[s.n] = 0;
    *at += s.n + 1;
    return copy;
}

static int set_spec(struct sensor *s, const struct sensor_spec *spec)
{
    char *strings = malloc(spec->id.n + spec->name.n + spec->type.n + spec->unit.n + 4), *at;
    if (!strings)
        return ERR_NOMEM;
    free(s->strings);
    at = s->strings = strings;
    s->spec = *spec;
    s->spec.id = put(&at, spec->id);
    s->spec.name = put(&at, spec->name);
    s->spec.type = put(&at, spec->type);
    s->spec.unit = put(&at, spec->unit);
    s->id = s->spec.id.p;
    if (spec->kind != VALUE_NONE)
        s->kind = spec->kind;
    return 0;
}

static struct sensor *sensor_new(struct core *c, struct twin *t, const struct sensor_spec *spec,
                                 uint32_t series)
{
    struct sensor *s = series_room(c, series) ? NULL : calloc(1, sizeof *s);
    if (!s || set_spec(s, spec)) {
        free(s);
        return NULL;
    }
    s->twin = t;
    s->series = series;
    s->level = LEVEL_UNKNOWN;
    c->by_series[series] = s;
    c->series_n++;
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
    point_release(&s->last);
    free(s->strings);
    free(s);
}

/* Make t->all hold one sensor for each row, in their order; by_row maps an id to its sensor. */
static int take_rows(struct core *c, struct twin *t, const struct catalog_series *rows, size_t n,
                     struct map *by_row)
{
    struct sensor **all = calloc(n ? n : 1, sizeof(struct sensor *));
    size_t i = 0;
    for (; all && i < n; i++) {
        struct sensor_spec plain = {.id = rows[i].sensor, .name = rows[i].sensor};
        plain.kind = (enum value_type)rows[i].kind;
        all[i] = core_series(c, rows[i].series);
        if (!all[i] && !(all[i] = sensor_new(c, t, &plain, rows[i].series)))
            break;
        if (map_put(by_row, rows[i].sensor, all[i], NULL))
            break;
    }
    if (!all || i < n) {
        for (size_t k = t->all_n; all && k < n && k <= i; k++) /* new ones stand behind the old */
            sensor_free(c, all[k]);
        free(all);
        return ERR_NOMEM;
    }
    free(t->all);
    t->all = all;
    t->all_n = n;
    return 0;
}

static int index_sensors(struct twin *t)
{
    for (size_t i = 0; t->sensors_n > FEW_SENSORS && i < t->sensors_n; i++)
        if (map_put(&t->by_id, slice_str(t->sensors[i]->id), t->sensors[i], NULL))
            return ERR_NOMEM;
    return 0;
}

static int take_sensors(struct core *c, struct twin *t, const struct profile_view *view,
                        const struct catalog_series *rows, size_t rows_n)
{
    struct map by_row = {0};
    struct sensor **sensors =
        calloc(view->sensors_n ? view->sensors_n : 1, sizeof(struct sensor *));
    if (!sensors || take_rows(c, t, rows, rows_n, &by_row)) {
        map_release(&by_row);
        free(sensors);
        return ERR_NOMEM;
    }
    map_release(&t->by_id); /* its keys are about to move */
    size_t n = 0;
    for (size_t i = 0; i < view->sensors_n; i++) {
        struct sensor *s = map_get(&by_row, view->sensors[i].id);
        if (!s || set_spec(s, &view->sensors[i]))
            continue;
        s->spec.index = n;
        sensors[n++] = s;
    }
    map_release(&by_row);
    free(t->sensors);
    t->sensors = sensors;
    t->sensors_n = n;
    for (size_t i = 0; i < t->all_n; i++)
        live_revise(c, t->all[i], rows[i].retired);
    live_recount(c, t);
    return index_sensors(t);
}

/* ---- twins ---- */

static int set_text(const char **field, struct slice s)
{
    char *copy = strndup(s.p ? s.p : "", s.n);
    if (!copy)
        return ERR_NOMEM;
    free((void *)(uintptr_t)*field);
    *field = copy;
    return 0;
}

static void twin_free(struct core *c, struct twin *t)
{
    for (size_t i = 0; i < t->all_n; i++)
        sensor_free(c, t->all[i]);
    map_release(&t->by_id);
    free(t->all);
    free(t->sensors);
    free(t->alerts);
    free((void *)(uintptr_t)t->name);
    free((void *)(uintptr_t)t->description);
    free((void *)(uintptr_t)t->type);
    free((void *)(uintptr_t)t->id);
    free(t);
}

static struct twin *twin_new(struct core *c, struct slice id)
{
    if (c->twins_n == c->twins_cap) {
        size_t cap = c->twins_cap ? c->twins_cap * 2 : 64;
        struct twin **more = realloc(c->twins, cap * sizeof(struct twin *));
        if (!more)
            return NULL;
        c->twins = more;
        c->twins_cap = cap;
    }
    struct twin *t = calloc(1, sizeof *t);
    if (!t || set_text(&t->id, id) || map_put(&c->twins_by_id, slice_str(t->id), t, NULL)) {
        if (t)
            free((void *)(uintptr_t)t->id);
        free(t);
        return NULL;
    }
    t->latency_us = -1;
    t->watched_us = clock_mono_us();
    c->twins[c->twins_n++] = t;
    return t;
}

int registry_put(struct core *c, const struct catalog_twin *row, const struct profile_view *view,
                 struct twin **ret, bool *ret_created)
{
    struct twin *t = core_twin(c, row->id);
    bool created = !t;
    if (!t && !(t = twin_new(c, row->id)))
        return ERR_NOMEM;
    if (set_text(&t->name, view->name) || set_text(&t->description, view->description) ||
        set_text(&t->type, view->type))
        return ERR_NOMEM;
    t->simulated = view->simulated;
    t->demo = row->demo;
    t->version = row->version;
    t->created_us = row->created_us;
    t->modified_us = row->modified_us;
    t->interval_us = view->interval_us;
    int err = take_sensors(c, t, view, row->series, row->series_n);
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
    map_remove(&c->twins_by_id, slice_str(t->id));
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
    for (size_t i = 0; i < c->twins_n; i++)
        twin_free(c, c->twins[i]);
    free(c->twins);
    free(c->by_series);
}
