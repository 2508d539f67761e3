/* history_query.c - what a question about the past says: parameters of the address, or of the same
 * names as members of a JSON body. */
#include "api/history.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "core/zones.h"

enum {
    RAW_DEFAULT = 10000,
    RAW_MAX = 100000,
    POINTS_MIN = 4,
    POINTS_MAX = 20000,
    STEPS_MAX = 100000,
    SERIES_MAX = 1000,  /* of one question */
    LOOKED_MAX = 100000 /* twins that patterns are compared with */
};

static const char *const fn_names[FN_N] = {
    [FN_MEAN] = "mean", [FN_MIN] = "min",     [FN_MAX] = "max", [FN_FIRST] = "first",
    [FN_LAST] = "last", [FN_COUNT] = "count", [FN_SUM] = "sum"};

const char *history_fn_name(enum history_fn fn)
{
    return fn_names[fn];
}

static bool refuse(struct past_answer *a, const char *detail)
{
    call_problem(a->call, ERR_INVALID, detail);
    return false;
}

static bool read_form(struct past_answer *a)
{
    enum answer_form form;
    if (!call_form(a->call, &form))
        return false;
    a->form = &past_forms[form];
    return true;
}

/* ---- what of it ---- */

static bool read_span(struct past_answer *a)
{
    struct history_query *q = &a->query;
    q->to_us = clock_now_us() + 1;
    if (!call_time(a->call, "to", &q->to_us))
        return false;
    q->from_us = q->to_us - INT64_C(3600000000);
    if (!call_time(a->call, "from", &q->from_us))
        return false;
    return q->from_us <= q->to_us || refuse(a, "from is after to.");
}

static bool read_fns(struct past_answer *a, struct slice text)
{
    struct history_query *q = &a->query;
    struct slice name;
    while (text.p && slice_cut(&text, ',', &name)) {
        size_t fn = 0;
        while (fn < FN_N && !slice_is(name, fn_names[fn]))
            fn++;
        for (size_t i = 0; i < q->fns_n; i++)
            if (q->fns[i] == fn)
                return refuse(a, "A function stands twice in fn.");
        if (fn == FN_N)
            return refuse(a,
                          "With every, fn is mean, min, max, first, last, count or sum, or "
                          "several of them with commas between; with points it is thin or lttb.");
        q->fns[q->fns_n++] = (enum history_fn)fn;
    }
    if (!q->fns_n)
        q->fns[q->fns_n++] = FN_MEAN;
    return true;
}

static bool read_fill(struct past_answer *a)
{
    static const char *const names[] = {[FILL_NONE] = "none",
                                        [FILL_NULL] = "null",
                                        [FILL_PREVIOUS] = "previous",
                                        [FILL_LINEAR] = "linear"};
    struct history_query *q = &a->query;
    struct slice fill = call_param(a->call, "fill");
    if (!fill.p)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is(fill, names[i])) {
            q->fill = (enum history_fill)i;
            return true;
        }
    q->fill = FILL_NUMBER;
    return slice_to_double(fill, &q->fill_number) == 0 ||
           refuse(a, "fill is none, null, previous, linear or a number.");
}

static bool read_zone(struct past_answer *a)
{
    struct slice tz = call_param(a->call, "tz");
    int err = tz.p ? zones_find(tz, &a->query.every.zone) : 0;
    if (err == ERR_NOT_FOUND)
        call_problemf(a->call, ERR_INVALID,
                      "There is no time zone \"%.*s\"; tz is a name such as Europe/Berlin, UTC, or "
                      "an offset such as +02:00.",
                      tz.n > 64 ? 64 : (int)tz.n, tz.p);
    else if (err)
        call_problem(a->call, err, "The file of this time zone cannot be read on the server.");
    return !err;
}

static bool read_steps(struct past_answer *a, struct slice every, struct slice fn)
{
    struct history_query *q = &a->query;
    if (step_parse(every, &q->every))
        return refuse(a, "every is a duration such as 10s, 15m, 1h, or 1d, 1w, 1mo, 1y of the "
                         "calendar.");
    q->how = PAST_STEPS;
    if (!read_zone(a) || !read_fns(a, fn) || !read_fill(a))
        return false;
    if (a->form->is_document && step_count(&q->every, q->from_us, q->to_us) > STEPS_MAX) {
        call_problemf(a->call, ERR_TOO_LARGE,
                      "That is more than %d steps: ask for a longer step, a shorter span, or "
                      "format=ndjson or csv, which have no end.",
                      STEPS_MAX);
        return false;
    }
    return true;
}

static bool read_raw(struct past_answer *a)
{
    struct history_query *q = &a->query;
    struct slice after = call_param(a->call, "cursor");
    uint64_t limit = a->form->is_document ? RAW_DEFAULT : 0;
    int64_t cursor;
    if (!call_uint(a->call, "limit", 1, a->form->is_document ? RAW_MAX : INT64_MAX, &limit))
        return false;
    q->limit = limit;
    if (!after.p)
        return true;
    if (slice_to_i64(after, &cursor) || cursor < q->from_us)
        return refuse(a, "cursor is what an earlier answer gave as next.");
    q->from_us = cursor < q->to_us ? cursor : q->to_us;
    return true;
}

static bool read_thin(struct past_answer *a, uint64_t points, struct slice fn)
{
    a->query.limit = points;
    a->query.how = slice_is(fn, "lttb") ? PAST_LTTB : PAST_THIN;
    return !fn.p || slice_is(fn, "lttb") || slice_is(fn, "thin") ||
           refuse(a, "With points, fn is thin or lttb; the others go with every.");
}

/* What goes with steps alone is refused elsewhere: it would be taken no notice of. */
static bool no_steps_words(struct past_answer *a)
{
    static const char *const words[] = {"tz", "fill"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (call_param(a->call, words[i]).p) {
            call_problemf(a->call, ERR_INVALID, "%s goes with every, such as every=1d.", words[i]);
            return false;
        }
    return true;
}

static bool read_how(struct past_answer *a)
{
    struct slice every = call_param(a->call, "every"), fn = call_param(a->call, "fn");
    bool after = call_param(a->call, "cursor").p;
    uint64_t points = 0;
    if (!call_uint(a->call, "points", POINTS_MIN, POINTS_MAX, &points))
        return false;
    if (points && every.p)
        return refuse(a, "Ask for points or for every, not for both.");
    if (after && a->many)
        return refuse(a, "cursor goes on with one sensor: ask at the history of that one.");
    if (after && (points || every.p))
        return refuse(a, "cursor goes on with raw readings, not with points or every.");
    if (every.p)
        return read_steps(a, every, fn);
    if (!no_steps_words(a))
        return false;
    if (points)
        return read_thin(a, points, fn);
    if (fn.p)
        return refuse(a, "fn goes with every, such as every=10s, or with points.");
    return read_raw(a);
}

/* ---- of which series ---- */

static bool out_of_memory(struct past_answer *a)
{
    call_problem(a->call, ERR_NOMEM, NULL);
    return false;
}

/* seen: the series that are in already.  It is not the answer's, which dies with a refusal. */
static bool add_target(struct past_answer *a, struct map *seen, struct sensor *s)
{
    struct arena *arena = a->call->arena;
    uint32_t *key = arena_alloc(arena, sizeof *key);
    if (!key)
        return out_of_memory(a);
    *key = s->series;
    struct slice name = slice_of((const char *)key, sizeof *key);
    if (map_get(seen, name))
        return true;
    if (a->targets_n == SERIES_MAX) {
        call_problemf(a->call, ERR_TOO_LARGE, "That is more than %d series: ask for fewer at once.",
                      SERIES_MAX);
        return false;
    }
    if (a->targets_n == a->targets_cap) {
        size_t cap = a->targets_cap ? 4 * a->targets_cap : 4;
        struct past_target *more = arena_alloc(arena, cap * sizeof *more);
        if (!more)
            return out_of_memory(a);
        if (a->targets_n)
            memcpy(more, a->targets, a->targets_n * sizeof *more);
        a->targets = more;
        a->targets_cap = cap;
    }
    /* by name: it may be deleted before its turn comes */
    struct buf called = {0};
    access_put_id(core_access(a->call->core), a->call->who, slice_str(s->twin->key), &called);
    a->targets[a->targets_n++] =
        (struct past_target){.twin = arena_dup(arena, buf_slice(&called)),
                             .sensor = arena_dup(arena, slice_str(s->id)),
                             .key = arena_dup(arena, slice_str(s->twin->key))};
    buf_release(&called);
    return map_put(seen, name, s, NULL) == 0 || out_of_memory(a);
}

/* A pattern fits what they may see. */
static bool may_ask(const struct past_answer *a, const struct sensor *s)
{
    return core_may(a->call->core, a->call->who, OP_HISTORY_READ, s);
}

static bool add_sensors(struct past_answer *a, struct map *seen, struct twin *t,
                        struct slice pattern)
{
    if (slice_find(pattern, '*') < 0) {
        struct sensor *s = core_sensor(t, pattern);
        return !s || !may_ask(a, s) || add_target(a, seen, s);
    }
    for (size_t i = 0; i < t->sensors_n; i++)
        if (slice_like(pattern, slice_str(t->sensors[i]->id)) && may_ask(a, t->sensors[i]) &&
            !add_target(a, seen, t->sensors[i]))
            return false;
    return true;
}

static bool add_pattern(struct past_answer *a, struct map *seen, struct slice twin,
                        struct slice sensor, size_t *looked)
{
    size_t n;
    struct twin *const *twins = core_twins(a->call->core, &n);
    for (size_t i = 0; i < n; i++) {
        if (twins[i]->org != a->call->who->org)
            continue;
        if (++*looked > LOOKED_MAX) {
            call_problem(a->call, ERR_TOO_LARGE,
                         "There are too many twins to compare all with a pattern: name them.");
            return false;
        }
        if (slice_like(twin, slice_str(twins[i]->id)) && !add_sensors(a, seen, twins[i], sensor))
            return false;
    }
    return true;
}

static bool add_named(struct past_answer *a, struct map *seen, struct slice twin,
                      struct slice sensor)
{
    a->call->parts[0] = twin;
    a->call->parts[1] = sensor;
    struct twin *t = call_seen_twin(a->call);
    if (!t)
        return false;
    if (slice_find(sensor, '*') >= 0)
        return add_sensors(a, seen, t, sensor);
    struct sensor *s = call_sensor(a->call);
    return s && add_target(a, seen, s);
}

static bool read_many(struct past_answer *a, struct map *seen)
{
    struct slice list = call_param(a->call, "series"), one, twin;
    size_t looked = 0, named = 0;
    if (!list.n)
        return refuse(a, "series says of what: twin/sensor, several with commas between, * for any "
                         "part of a name.");
    while (list.p && slice_cut(&list, ',', &one)) {
        one = slice_trim(one);
        slice_cut(&one, '/', &twin);
        if (!twin.n || !one.n || slice_find(one, '/') >= 0)
            return refuse(a, "Each of series is twin/sensor, such as pump-1/temp or pump-*/temp.");
        if (++named > SERIES_MAX)
            return refuse(a, "series has too many names.");
        if (slice_find(twin, '*') < 0 ? !add_named(a, seen, twin, one)
                                      : !add_pattern(a, seen, twin, one, &looked))
            return false;
    }
    return true;
}

bool past_read(struct past_answer *a)
{
    if (!read_form(a) || !read_span(a) || !call_bool(a->call, "quality", &a->quality) ||
        !call_bool(a->call, "before", &a->query.before) || !read_how(a))
        return false;
    struct map seen = {0};
    bool many = a->many, good;
    struct sensor *s = many ? NULL : call_sensor(a->call);
    good = many ? read_many(a, &seen) : s && add_target(a, &seen, s);
    map_release(&seen);
    return good;
}
