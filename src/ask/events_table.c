/* events_table.c - alarms and what happened: rows of the catalog, newest first, of twins that they
 * may see. */
#include "ask/live.h"

#include "access/state.h"
#include "base/err.h"
#include "store/alarms.h"
#include "store/events.h"

#include <stdio.h>

enum { LOOKED_MAX = 2000 }; /* rows that do not fit, before somebody may cancel */

/* What both walks know. */
struct kept_walk {
    struct scan *s;
    size_t looked;
    char org[130], key[300]; /* slug; the twin that is named */
    bool begun;
    struct buf name;
    struct alarm_query alarms;
    struct event_query events;
};

static void close_kept(struct scan *s)
{
    struct kept_walk *w = s->state;
    buf_release(&w->name);
}

/* The organisation, and the twin of column `twin` as the catalog calls it. */
static void open_kept(struct scan *s, int twin)
{
    struct kept_walk *w = s->state;
    struct question *q = s->q;
    w->s = s;
    loop_enter(q->loop);
    const char *slug = q->org ? org_slug(q->org) : "";
    snprintf(w->org, sizeof w->org, "%s", slug);
    struct slice id = scan_eq(s, twin);
    if (id.p)
        snprintf(w->key, sizeof w->key, "%s%.*s", q->prefix, id.n > 128 ? 128 : (int)id.n, id.p);
    s->done = !q->org || (scan_has(s, twin) && !id.p);
    loop_leave(q->loop);
}

/* May they see what is about the twin (empty: the organisation)?  Then w->name is what they call
 * it. */
static bool sees(struct kept_walk *w, enum access_op op, struct slice key, enum access_part part,
                 struct slice name)
{
    struct question *q = w->s->q;
    loop_enter(q->loop);
    const struct access_object o = {.org = q->org, .twin = key, .part = part, .name = name};
    bool may = question_may_go_on(q) && access_may(core_access(q->core), q->who, op, &o);
    if (may && key.n)
        key_name(q, key, &w->name);
    else
        buf_clear(&w->name);
    loop_leave(q->loop);
    return may;
}

static double rows_kept(const struct core *core)
{
    (void)core;
    return 10000;
}

/* ---- alarms ---- */

enum {
    A_ID,
    A_TWIN,
    A_SENSOR,
    A_SOURCE,
    A_RULE,
    A_RULE_VERSION,
    A_SEVERITY,
    A_STATE,
    A_ACTIVE,
    A_ACKNOWLEDGED,
    A_RAISED,
    A_CLEARED,
    A_VALUE,
    A_MESSAGE,
    A_ASSIGNEE,
    A_COUNT,
    A_SHELVED_UNTIL,
    A_READINGS,
    A_AS_OF
};

/* clang-format off */
static const struct ask_column alarm_columns[] = {
    COLUMN("id", "TEXT", "a- and a number"),
    COLUMN("twin", "TEXT", "the twin's id", .match = true, .rows = 0.01),
    COLUMN("sensor", "TEXT", "NULL: it is about the twin", .match = true, .rows = 0.1),
    COLUMN("source", "TEXT", "range, threshold, connection, frequency, rule or flood"),
    COLUMN("rule", "TEXT", "the rule's id", .match = true, .rows = 0.1),
    COLUMN("rule_version", "INTEGER", "of the rule, else of the profile"),
    COLUMN("severity", "TEXT", "info, warning, major or critical"),
    COLUMN("state", "TEXT", "raised, acknowledged or cleared"),
    COLUMN("active", "INTEGER", "1: its condition holds"),
    COLUMN("acknowledged", "INTEGER", "1: somebody has"),
    COLUMN("raised", "time", "", .time = true),
    COLUMN("cleared", "time", "NULL: not yet"),
    COLUMN("value", "json", "of when it was raised"),
    COLUMN("message", "TEXT", ""),
    COLUMN("assignee", "TEXT", "person:p_1, team:night"),
    COLUMN("count", "INTEGER", "how often its condition came true"),
    COLUMN("shelved_until", "time", "NULL: it is not"),
    COLUMN("readings", "json", "that raised it"),
    COLUMN("as_of", "time", "AS OF this time", .hidden = true),
    {0}};
/* clang-format on */

static struct slice some(struct slice s)
{
    return s.n ? s : (struct slice){0};
}

static void put_alarm(struct scan *s, const struct alarm *a, struct slice twin)
{
    char id[32];
    struct cell *row = scan_row(s);
    snprintf(id, sizeof id, "a-%lld", (long long)a->n);
    cell_text(s, row, A_ID, slice_str(id));
    cell_text(s, row, A_TWIN, some(twin));
    cell_text(s, row, A_SENSOR, some(a->sensor));
    cell_text(s, row, A_SOURCE, slice_str(alarm_source_name(a->source)));
    cell_text(s, row, A_RULE, some(a->rule));
    cell_int(s, row, A_RULE_VERSION, (int64_t)a->rule_version);
    cell_text(s, row, A_SEVERITY, slice_str(alarm_severity_name(a->severity)));
    cell_text(s, row, A_STATE, slice_str(alarm_state(a)));
    cell_int(s, row, A_ACTIVE, a->active);
    cell_int(s, row, A_ACKNOWLEDGED, a->acknowledged);
    cell_time(s, row, A_RAISED, a->raised_us);
    cell_time(s, row, A_CLEARED, a->cleared_us);
    cell_text(s, row, A_VALUE, some(a->value));
    cell_text(s, row, A_MESSAGE, a->message);
    cell_text(s, row, A_ASSIGNEE, some(a->assignee));
    cell_int(s, row, A_COUNT, (int64_t)a->count);
    cell_time(s, row, A_SHELVED_UNTIL, a->shelved_until_us);
    cell_text(s, row, A_READINGS, some(a->readings));
}

static int open_alarms(struct scan *s)
{
    struct kept_walk *w = s->state;
    open_kept(s, A_TWIN);
    w->alarms = (struct alarm_query){.org = slice_str(w->org),
                                     .twin = *w->key ? slice_str(w->key) : (struct slice){0},
                                     .sensor = scan_eq(s, A_SENSOR),
                                     .rule = scan_eq(s, A_RULE),
                                     .from_us = s->from_us,
                                     .to_us = s->to_us == INT64_MAX ? 0 : s->to_us,
                                     .at_us = s->at_us};
    return 0;
}

static int on_alarm(void *arg, const struct alarm *a)
{
    struct kept_walk *w = arg;
    struct scan *s = w->s;
    w->alarms.before_us = a->raised_us;
    w->alarms.before_n = a->n;
    if (sees(w, OP_ALARMS_READ, a->twin, a->sensor.n ? PART_SENSOR : PART_WHOLE, a->sensor))
        put_alarm(s, a, buf_slice(&w->name));
    return s->q->err || scan_full(s) || ++w->looked >= LOOKED_MAX;
}

static int fill_alarms(struct scan *s)
{
    struct kept_walk *w = s->state;
    w->looked = 0;
    int code = catalog_alarm_each(s->q->catalog, &w->alarms, on_alarm, w);
    if (code < 0)
        return question_fail(s->q, code, NULL);
    s->done = !code;
    return s->q->err;
}

const struct ask_table table_alarms = {.name = "alarms",
                                       .text = "alarms that you may see, newest first",
                                       .columns = alarm_columns,
                                       .state = sizeof(struct kept_walk),
                                       .rows = rows_kept,
                                       .open = open_alarms,
                                       .fill = fill_alarms,
                                       .close = close_kept};

/* ---- events ---- */

enum { E_N, E_TIME, E_TWIN, E_KIND, E_WHAT };

/* clang-format off */
static const struct ask_column event_columns[] = {
    COLUMN("n", "INTEGER", "its number"),
    COLUMN("time", "time", "", .time = true),
    COLUMN("twin", "TEXT", "NULL: of none", .match = true, .rows = 0.01),
    COLUMN("kind", "TEXT", "alarm.raised, command.done, ..."),
    COLUMN("what", "json", "an object"),
    {0}};
/* clang-format on */

static int open_events(struct scan *s)
{
    struct kept_walk *w = s->state;
    int64_t to = s->at_us && s->at_us < s->to_us ? s->at_us + 1 : s->to_us;
    open_kept(s, E_TWIN);
    w->events = (struct event_query){.org = slice_str(w->org),
                                     .twin = *w->key ? slice_str(w->key) : (struct slice){0},
                                     .from_us = s->from_us,
                                     .to_us = to == INT64_MAX ? 0 : to};
    return 0;
}

/* Of what sensor it tells: its own word, or that of its alarm.  False: it cannot be known. */
static bool sensor_of(struct question *q, const struct event *e, struct arena *a, struct slice *ret)
{
    struct jval *what;
    struct alarm alarm;
    int64_t n;
    if (jdoc_parse(a, e->what, &what, NULL))
        return false;
    struct slice id = jval_string(jval_get(what, "alarm"));
    *ret = jval_string(jval_get(what, "sensor"));
    if (!id.p)
        return true;
    if (!slice_starts(id, "a-") || slice_to_i64(slice_skip(id, 2), &n) ||
        catalog_alarm_get(q->catalog, n, 0, a, &alarm))
        return false;
    *ret = alarm.sensor;
    return true;
}

static int on_event(void *arg, const struct event *e)
{
    struct kept_walk *w = arg;
    struct scan *s = w->s;
    w->events.before_n = e->n;
    enum access_op op = slice_starts(e->kind, "alarm.") ? OP_ALARMS_READ : OP_TWIN_READ;
    struct arena *arena = arena_new();
    struct slice sensor = {0};
    if (arena && sensor_of(s->q, e, arena, &sensor) &&
        sees(w, op, e->twin, sensor.n ? PART_SENSOR : PART_WHOLE, sensor)) {
        struct cell *row = scan_row(s);
        cell_int(s, row, E_N, e->n);
        cell_time(s, row, E_TIME, e->at_us);
        cell_text(s, row, E_TWIN, some(buf_slice(&w->name)));
        cell_text(s, row, E_KIND, e->kind);
        cell_text(s, row, E_WHAT, e->what);
    }
    arena_free(arena);
    return s->q->err || scan_full(s) || ++w->looked >= LOOKED_MAX;
}

static int fill_events(struct scan *s)
{
    struct kept_walk *w = s->state;
    w->looked = 0;
    int code = catalog_event_each(s->q->catalog, &w->events, on_event, w);
    if (code < 0)
        return question_fail(s->q, code, NULL);
    s->done = !code;
    return s->q->err;
}

const struct ask_table table_events = {.name = "events",
                                       .text = "what happened, newest first",
                                       .columns = event_columns,
                                       .state = sizeof(struct kept_walk),
                                       .rows = rows_kept,
                                       .open = open_events,
                                       .fill = fill_events,
                                       .close = close_kept};
