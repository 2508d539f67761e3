/* sensors_table.c - sensors and their newest values, and the walk over them. */
#include "ask/asof.h"
#include "ask/live.h"

#include "base/err.h"
#include "core/layouts.h"

#include <stdio.h>

double rows_of_sensors(const struct core *core)
{
    return (double)core_series_count(core);
}

/* ---- the walk ---- */

void sensor_walk_begin(struct sensor_walk *w, const struct scan *s, int twin, int sensor,
                       enum access_op op)
{
    *w = (struct sensor_walk){.op = op, .one = scan_has(s, sensor), .id = scan_eq(s, sensor)};
    twins_of_begin(&w->of, s, twin);
}

void sensor_walk_resume(struct sensor_walk *w, struct question *q)
{
    struct twin *t = *w->at ? core_twin(q->core, slice_str(w->at)) : NULL;
    w->twin = t && t->org == q->org ? t : NULL;
    w->layout = NULL;
}

void sensor_walk_leave(struct sensor_walk *w)
{
    if (w->twin)
        snprintf(w->at, sizeof w->at, "%s", w->twin->key);
    else
        *w->at = 0;
    twins_of_leave(&w->of, w->twin);
}

/* Twins of one kind share what their sensors are, so the id is looked for once. */
static struct sensor *the_one(struct sensor_walk *w, const struct twin *t)
{
    if (w->layout != t->layout) {
        w->layout = t->layout;
        w->spec = t->layout && w->id.p ? layout_find(t->layout, w->id) : NULL;
    }
    return w->spec ? t->sensors[w->spec->index] : NULL;
}

/* One sensor of every twin: each is three reads of memory that nobody has touched lately, so they
 * are begun for twins that come soon. */
static void fetch_ahead(const struct sensor_walk *w, const struct twin_look *look)
{
    enum { FAR = 24, NEAR = 16, NEXT = 8 };
    size_t at = w->of.walk.at;
    if (!w->spec || at + FAR >= look->n)
        return;
    const struct twin *near = look->all[at + NEAR], *next = look->all[at + NEXT];
    __builtin_prefetch(look->all[at + FAR]);
    __builtin_prefetch((const char *)look->all[at + FAR] + 64);
    __builtin_prefetch((const char *)look->all[at + FAR] + 128);
    if (near->layout == w->layout)
        __builtin_prefetch(&near->sensors[w->spec->index]);
    if (next->layout == w->layout) {
        __builtin_prefetch(next->sensors[w->spec->index]);
        __builtin_prefetch((const char *)next->sensors[w->spec->index] + 64);
    }
}

struct sensor *sensor_walk_next(struct sensor_walk *w, struct twin_look *look)
{
    if (w->one)
        fetch_ahead(w, look);
    if (!w->twin || w->next >= (w->one ? 1 : w->twin->sensors_n)) {
        w->twin = twins_of_next(&w->of, look);
        w->next = 0;
        w->over = !w->twin;
        if (w->over)
            return NULL;
    }
    size_t i = w->next++;
    struct sensor *s = w->one                   ? the_one(w, w->twin)
                       : i < w->twin->sensors_n ? w->twin->sensors[i]
                                                : NULL;
    return s && sensor_seen(look, s, w->op) ? s : NULL;
}

/* ---- the table ---- */

enum {
    S_TWIN,
    S_ID,
    S_NAME,
    S_TYPE,
    S_UNIT,
    S_VALUE,
    S_TIME,
    S_QUALITY,
    S_LEVEL,
    S_STATE,
    S_NORMAL_LOW,
    S_NORMAL_HIGH,
    S_CRITICAL_LOW,
    S_CRITICAL_HIGH,
    S_VIRTUAL,
    S_AS_OF
};

/* clang-format off */
static const struct ask_column columns[] = {
    COLUMN("twin", "TEXT", "the twin's id", .match = true, .rows = 1e-9),
    COLUMN("id", "TEXT", "within the twin", .match = true, .rows = 0.05),
    COLUMN("name", "TEXT", "from the profile"),
    COLUMN("type", "TEXT", "from the profile: temperature, pressure, ...", .match = true, .rows = 0.1),
    COLUMN("unit", "TEXT", "of the values"),
    COLUMN("value", "", "the newest: a number, a text; a boolean is 0 or 1; NULL: none has come"),
    COLUMN("time", "time", "of that value"),
    COLUMN("quality", "TEXT", "good, uncertain or bad"),
    COLUMN("level", "TEXT", "unknown, normal, warning or critical", .match = true, .rows = 0.1),
    COLUMN("state", "TEXT", "waiting, live or stale", .match = true, .rows = 0.4),
    COLUMN("normal_low", "REAL", "normalRange"),
    COLUMN("normal_high", "REAL", ""),
    COLUMN("critical_low", "REAL", "criticalRange"),
    COLUMN("critical_high", "REAL", ""),
    COLUMN("virtual", "INTEGER", "1: its values are worked out from others'"),
    COLUMN("as_of", "time", "AS OF this time", .hidden = true),
    {0}};
/* clang-format on */

static const char *const levels[] = {"unknown", "normal", "warning", "critical"};
static const char *const states[] = {"waiting", "live", "stale"};
static const char *const qualities[] = {"good", "uncertain", "bad"};

struct sensors {
    struct sensor_walk walk;
};

static int open_sensors(struct scan *s)
{
    struct sensors *w = s->state;
    sensor_walk_begin(&w->walk, s, S_TWIN, S_ID, OP_DATA_READ);
    return 0;
}

static bool fits(const struct scan *s, int column, struct slice text)
{
    return !scan_has(s, column) || slice_eq(scan_eq(s, column), text);
}

static bool all_fit(const struct scan *s, const struct sensor *at)
{
    return fits(s, S_TYPE, at->spec->type) && fits(s, S_LEVEL, slice_str(levels[at->level + 1])) &&
           fits(s, S_STATE, slice_str(states[sensor_state(at)]));
}

static void put_range(struct scan *s, struct cell *row, int column, const double range[2])
{
    cell_real(s, row, column, range[0]);
    cell_real(s, row, column + 1, range[1]);
}

static void put_spec(struct scan *s, struct cell *row, const struct sensor_spec *spec)
{
    cell_text(s, row, S_NAME, spec->name);
    cell_text(s, row, S_TYPE, spec->type);
    cell_text(s, row, S_UNIT, spec->unit);
    if (spec->has_normal)
        put_range(s, row, S_NORMAL_LOW, spec->normal);
    if (spec->has_critical)
        put_range(s, row, S_CRITICAL_LOW, spec->critical);
    cell_int(s, row, S_VIRTUAL, 0);
}

static void put_words(struct scan *s, struct cell *row, const struct sensor *at)
{
    put_spec(s, row, at->spec);
    cell_text(s, row, S_LEVEL, slice_str(levels[at->level + 1]));
    cell_text(s, row, S_STATE, slice_str(states[sensor_state(at)]));
}

static void put_sensor(struct scan *s, const struct sensor *at)
{
    struct buf name = {0};
    struct cell *row = scan_row(s);
    if (scan_wants(s, S_TWIN)) {
        cell_text(s, row, S_TWIN, twin_name(s->q, at->twin, &name));
        buf_release(&name);
    }
    if (scan_wants(s, S_ID))
        cell_text(s, row, S_ID, at->spec->id);
    if (at->has_value && scan_wants(s, S_VALUE))
        cell_value(s, row, S_VALUE, point_value(&at->last));
    if (at->has_value) {
        cell_time(s, row, S_TIME, at->last.t_us);
        if (scan_wants(s, S_QUALITY))
            cell_text(
                s, row, S_QUALITY,
                slice_str(
                    qualities[at->last.quality <= QUALITY_BAD ? at->last.quality : QUALITY_BAD]));
    }
    if (s->words)
        put_words(s, row, at);
}

static int fill_sensors(struct scan *s)
{
    struct sensors *w = s->state;
    struct twin_look look = twin_look(s->q);
    bool narrowed = scan_has(s, S_TYPE) || scan_has(s, S_LEVEL) || scan_has(s, S_STATE);
    s->words =
        s->used & ~(1U << S_TWIN | 1U << S_ID | 1U << S_VALUE | 1U << S_TIME | 1U << S_QUALITY);
    sensor_walk_resume(&w->walk, s->q);
    for (unsigned n = 1; !scan_full(s) && (n % 64 || !scan_late(s)); n++) {
        const struct sensor *at = sensor_walk_next(&w->walk, &look);
        if (at && (!narrowed || all_fit(s, at)))
            put_sensor(s, at);
        s->done = w->walk.over;
        if (s->done)
            break;
    }
    sensor_walk_leave(&w->walk);
    return s->q->err;
}

static void put_then(struct scan *s, const struct asof_twin *t, const struct sensor_spec *spec)
{
    struct asof_value v;
    if (scan_has(s, S_STATE)) /* which is not known of then */
        return;
    if (!asof_value(s->q, s->at_us, t, spec->id, s->arena, &v))
        return; /* it is kept from them */
    int level = v.value.type == VALUE_NONE ? LEVEL_UNKNOWN : sensor_level(spec, v.value);
    if (!fits(s, S_LEVEL, slice_str(levels[level + 1])))
        return;
    struct cell *row = scan_row(s);
    cell_text(s, row, S_TWIN, t->id);
    cell_text(s, row, S_ID, spec->id);
    put_spec(s, row, spec);
    cell_text(s, row, S_LEVEL, slice_str(levels[level + 1]));
    if (v.value.type == VALUE_NONE)
        return;
    cell_value(s, row, S_VALUE, v.value);
    cell_time(s, row, S_TIME, v.t_us);
    cell_text(s, row, S_QUALITY,
              slice_str(qualities[v.quality <= QUALITY_BAD ? v.quality : QUALITY_BAD]));
}

static size_t sensors_then(struct scan *s, const struct asof_twin *t, size_t at)
{
    for (; at < t->view.sensors_n && !scan_full(s); at++) {
        const struct sensor_spec *spec = &t->view.sensors[at];
        if (fits(s, S_ID, spec->id) && fits(s, S_TYPE, spec->type))
            put_then(s, t, spec);
    }
    return at < t->view.sensors_n ? at : SIZE_MAX;
}

const struct ask_table table_sensors = {.name = "sensors",
                                        .text =
                                            "sensors that you may see, with their newest values",
                                        .columns = columns,
                                        .exact = true,
                                        .state = sizeof(struct sensors),
                                        .live = true,
                                        .rows = rows_of_sensors,
                                        .open = open_sensors,
                                        .fill = fill_sensors,
                                        .then = sensors_then};
