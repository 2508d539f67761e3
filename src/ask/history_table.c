/* history_table.c - the past of sensors: readings as they came, and history by steps. */
#include "ask/live.h"

#include "base/err.h"
#include "core/zones.h"

static const char *const qualities[] = {"good", "uncertain", "bad"};

static void put_quality(struct scan *s, struct cell *row, int column, uint8_t quality)
{
    cell_text(s, row, column, slice_str(qualities[quality <= QUALITY_BAD ? quality : QUALITY_BAD]));
}

/* What is behind the time AS OF which it is asked had not come. */
static int64_t end_of(const struct scan *s, int64_t to_us)
{
    return s->at_us && s->at_us < to_us ? s->at_us + 1 : to_us;
}

/* ---- readings ---- */

enum { D_TWIN, D_SENSOR, D_TIME, D_VALUE, D_QUALITY, D_AS_OF };

/* clang-format off */
static const struct ask_column reading_columns[] = {
    COLUMN("twin", "TEXT", "the twin's id", .match = true, .rows = 1e-6),
    COLUMN("sensor", "TEXT", "the sensor's id", .match = true, .rows = 0.01),
    COLUMN("time", "time", "", .time = true),
    COLUMN("value", "", "a number or a text; a boolean is 0 or 1"),
    COLUMN("quality", "TEXT", "good, uncertain or bad"),
    COLUMN("as_of", "time", "AS OF this time", .hidden = true),
    {0}};
/* clang-format on */

/* Sensor after sensor, each from its past. */
struct readings {
    struct sensor_walk walk;
    struct history_query query;
    struct past *past;
    struct buf twin, sensor; /* of the past */
};

static double rows_of_readings(const struct core *core)
{
    return 1000.0 * (double)core_series_count(core);
}

static int open_readings(struct scan *s)
{
    struct readings *w = s->state;
    sensor_walk_begin(&w->walk, s, D_TWIN, D_SENSOR, OP_HISTORY_READ);
    w->query = (struct history_query){.from_us = s->from_us, .to_us = end_of(s, s->to_us)};
    return 0;
}

static void close_readings(struct scan *s)
{
    struct readings *w = s->state;
    past_close(w->past);
    buf_release(&w->twin);
    buf_release(&w->sensor);
}

/* The next sensor.  False: there is none, or not yet. */
static bool next_series(struct scan *s, struct readings *w)
{
    struct question *q = s->q;
    gate_enter(s);
    struct twin_look look = twin_look(q);
    sensor_walk_resume(&w->walk, q);
    const struct sensor *at = NULL;
    while (!at && !w->walk.over && !scan_late(s) && question_may_go_on(q))
        at = sensor_walk_next(&w->walk, &look);
    if (at) {
        struct buf name = {0};
        buf_clear(&w->twin);
        buf_clear(&w->sensor);
        buf_add_slice(&w->twin, twin_name(q, at->twin, &name));
        buf_add_slice(&w->sensor, at->spec->id);
        buf_release(&name);
        w->past = past_open(q, at, &w->query);
    }
    sensor_walk_leave(&w->walk);
    loop_leave(q->loop);
    return w->past;
}

static int fill_readings(struct scan *s)
{
    struct readings *w = s->state;
    struct past_row r;
    while (!scan_full(s) && (w->past || !w->walk.over)) {
        if (!w->past && !next_series(s, w))
            break;
        if (!past_next(w->past, &r)) {
            past_close(w->past);
            w->past = NULL;
            break; /* somebody may want to cancel where many are empty */
        }
        struct cell *row = scan_row(s);
        cell_text(s, row, D_TWIN, buf_slice(&w->twin));
        cell_text(s, row, D_SENSOR, buf_slice(&w->sensor));
        cell_time(s, row, D_TIME, r.t_us);
        cell_value(s, row, D_VALUE, r.value);
        if (scan_wants(s, D_QUALITY))
            put_quality(s, row, D_QUALITY, r.quality);
    }
    s->done = !w->past && w->walk.over;
    return s->q->err;
}

const struct ask_table table_readings = {.name = "readings",
                                         .text = "every reading that is kept; name a twin, a "
                                                 "sensor and a time, or it takes long",
                                         .columns = reading_columns,
                                         .state = sizeof(struct readings),
                                         .by_time = true,
                                         .rows = rows_of_readings,
                                         .open = open_readings,
                                         .fill = fill_readings,
                                         .close = close_readings};

/* ---- history ---- */

enum { H_TWIN, H_SENSOR, H_FROM, H_TO, H_EVERY, H_FN, H_TZ, H_TIME, H_VALUE, H_QUALITY };

/* clang-format off */
static const struct ask_column history_columns[] = {
    COLUMN("twin", "TEXT", "the twin's id", .hidden = true),
    COLUMN("sensor", "TEXT", "the sensor's id", .hidden = true),
    COLUMN("from", "time", "first time, or how long ago: '-1h' (default: an hour before to)", .hidden = true),
    COLUMN("to", "time", "end, not included (default: now)", .hidden = true),
    COLUMN("every", "TEXT", "one row a step: '10s', '15m', '1h', '1d', '1w', '1mo'; NULL: every reading", .hidden = true),
    COLUMN("fn", "TEXT", "mean (default), min, max, first, last, count or sum", .hidden = true),
    COLUMN("tz", "TEXT", "the zone of the calendar of days and longer: 'Europe/Berlin' (default: UTC)", .hidden = true),
    COLUMN("time", "time", "of the reading, or the beginning of the step"),
    COLUMN("value", "", "a number or a text; a boolean is 0 or 1"),
    COLUMN("quality", "TEXT", "good, uncertain or bad"),
    {0}};
/* clang-format on */

enum { HOUR_S = 3600 };

struct history_walk {
    struct history_query query;
    struct past *past;
    bool begun;
};

static int read_fn(struct scan *s, struct history_query *q)
{
    static const char *const names[] = {"mean", "min", "max", "first", "last", "count", "sum"};
    struct slice fn = scan_eq(s, H_FN);
    q->fns_n = 1;
    for (int i = 0; i < FN_N; i++)
        if (!fn.p || slice_is(fn, names[i])) {
            q->fns[0] = (enum history_fn)i;
            return 0;
        }
    return question_fail(s->q, ERR_INVALID,
                         "history: \"%.40s\" is no function: write 'mean', 'min', 'max', 'first', "
                         "'last', 'count' or 'sum'.",
                         fn.p);
}

static int read_step(struct scan *s, struct history_query *q)
{
    struct slice every = scan_eq(s, H_EVERY), zone = scan_eq(s, H_TZ);
    if (!every.p)
        return 0;
    q->how = PAST_STEPS;
    if (step_parse(every, &q->every))
        return question_fail(s->q, ERR_INVALID,
                             "history: \"%.40s\" is no step: write '10s', '15m', '1h', '1d', '1w' "
                             "or '1mo'.",
                             every.p);
    if (zone.p && zones_find(zone, &q->every.zone))
        return question_fail(s->q, ERR_INVALID, "history: there is no time zone \"%.40s\".",
                             zone.p);
    return read_fn(s, q);
}

static int read_span(struct scan *s, struct history_query *q)
{
    int64_t now = s->at_us ? s->at_us : s->q->now_us;
    const struct cell *from = &s->eq[H_FROM], *to = &s->eq[H_TO];
    bool has_from = scan_has(s, H_FROM) && from->type != ASK_NULL;
    bool has_to = scan_has(s, H_TO) && to->type != ASK_NULL;
    q->to_us = now;
    if ((has_to && time_of_cell(to, now, &q->to_us)) ||
        (has_from && time_of_cell(from, now, &q->from_us)))
        return question_fail(s->q, ERR_BAD_TIME,
                             "history: from and to are times such as '2026-11-02T14:00Z', a date, "
                             "'now', or '-1h'.");
    if (!has_from)
        q->from_us = q->to_us - HOUR_S * INT64_C(1000000);
    q->to_us = end_of(s, q->to_us);
    return 0;
}

static int open_history(struct scan *s)
{
    struct history_walk *w = s->state;
    if (read_span(s, &w->query) || read_step(s, &w->query))
        return s->q->err;
    s->done =
        w->query.from_us >= w->query.to_us || !scan_eq(s, H_TWIN).p || !scan_eq(s, H_SENSOR).p;
    return 0;
}

static void close_history(struct scan *s)
{
    struct history_walk *w = s->state;
    past_close(w->past);
}

static void begin_history(struct scan *s, struct history_walk *w)
{
    struct question *q = s->q;
    gate_enter(s);
    struct twin_look look = twin_look(q);
    const struct twin *t = question_may_go_on(q) ? twin_called(q, scan_eq(s, H_TWIN)) : NULL;
    const struct sensor *at = t ? core_sensor(t, scan_eq(s, H_SENSOR)) : NULL;
    if (at && sensor_seen(&look, at, OP_HISTORY_READ))
        w->past = past_open(q, at, &w->query);
    loop_leave(q->loop);
    w->begun = true;
}

static int fill_history(struct scan *s)
{
    struct history_walk *w = s->state;
    struct past_row r;
    if (!w->begun)
        begin_history(s, w);
    while (w->past && !scan_full(s)) {
        if (!past_next(w->past, &r)) {
            past_close(w->past);
            w->past = NULL;
            break;
        }
        struct cell *row = scan_row(s);
        cell_time(s, row, H_TIME, r.t_us);
        cell_value(s, row, H_VALUE, r.value);
        if (scan_wants(s, H_QUALITY))
            put_quality(s, row, H_QUALITY, r.quality);
    }
    s->done = !w->past;
    return s->q->err;
}

static double rows_of_history(const struct core *core)
{
    (void)core;
    return 1000;
}

const struct ask_table table_history = {
    .name = "history",
    .text = "the past of a sensor: history(twin, sensor, from, to, every, fn, tz)",
    .columns = history_columns,
    .required = 1U << H_TWIN | 1U << H_SENSOR,
    .missing = "history wants a twin and a sensor: history('pump-1', 'temp-1', '-1h').",
    .state = sizeof(struct history_walk),
    .by_time = true,
    .rows = rows_of_history,
    .open = open_history,
    .fill = fill_history,
    .close = close_history};
