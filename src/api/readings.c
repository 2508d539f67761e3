/* readings.c - readings in over HTTP, the sensors, their past, and what was refused. */
#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>

enum {
    RAW_DEFAULT = 10000,
    RAW_MAX = 100000,
    POINTS_MIN = 4,
    POINTS_MAX = 20000,
    STEPS_MAX = 100000
};
enum { REJECTIONS_DEFAULT = 100, REJECTIONS_MAX = 1000 };

/* ---- in ---- */

static void on_ingested(void *arg, const struct ingest_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    if (r->err)
        problem_write(&w, r->err, r->detail);
    json_key(&w, "accepted");
    json_put_uint(&w, r->accepted);
    if (r->err) {
        json_key(&w, "refused");
        json_put_uint(&w, r->rejected);
        json_key(&w, "rejected");
        json_open(&w, '[');
        for (size_t i = 0; i < r->rejects_n; i++) {
            json_open(&w, '{');
            json_key(&w, "index");
            json_put_uint(&w, r->rejects[i].index);
            json_key(&w, "sensor");
            json_put_string(&w, r->rejects[i].sensor);
            json_key(&w, "code");
            json_put_cstr(&w, err_info(r->rejects[i].err)->code);
            json_key(&w, "detail");
            json_put_cstr(&w, r->rejects[i].detail);
            json_close(&w, '}');
        }
        json_close(&w, ']');
    }
    json_close(&w, '}');
    if (r->err && err_info(r->err)->http == 503)
        http_add_header(call->req, "Retry-After", "1");
    http_respond(call->req, r->err ? err_info(r->err)->http : 200,
                 r->err ? "application/problem+json" : "application/json", buf_slice(&b));
    buf_release(&b);
}

/* What a body of readings may be called.  Sequences hold one object after the other. */
static const struct media {
    const char *name;
    enum body_format format;
    bool sequence;
} medias[] = {
    {"application/x-ndjson", BODY_JSON, true}, {"application/ndjson", BODY_JSON, true},
    {"application/jsonl", BODY_JSON, true},    {"application/cbor", BODY_CBOR, false},
    {"application/cbor-seq", BODY_CBOR, true},
};

/* False: it is none that we take, which was answered. */
static bool find_media(struct call *call, struct media *ret)
{
    struct slice name = call_media(call);
    for (size_t i = 0; i < sizeof medias / sizeof medias[0]; i++) {
        if (!slice_is_nocase(name, medias[i].name))
            continue;
        *ret = medias[i];
        return true;
    }
    *ret = (struct media){.format = body_format_of((struct slice){0}, http_body(call->req))};
    return call_json_type(call);
}

static struct ingest *begin(struct call *call, enum body_format format)
{
    struct ingest_source src = {"http", http_peer(call->req), http_path(call->req), format};
    struct ingest *in = NULL;
    if (!core_has_room(call->core))
        call_problem(call, ERR_OVERLOAD, "The disk is behind. Send it again in a second.");
    else if (!(in = ingest_begin(call->core, &src)))
        call_problem(call, ERR_NOMEM, NULL);
    return in;
}

void twin_readings(struct call *call)
{
    struct media media;
    struct ingest *in = find_media(call, &media) ? begin(call, media.format) : NULL;
    if (!in)
        return;
    if (media.sequence)
        ingest_sequence(in, call->parts[0], http_body(call->req));
    else
        ingest_readings(in, call->parts[0], http_body(call->req));
    call_wait(call, NULL);
    ingest_commit(in, on_ingested, call);
}

void sensor_readings(struct call *call)
{
    struct media media;
    if (!find_media(call, &media))
        return;
    if (media.sequence) {
        call_problem(call, ERR_MEDIA_TYPE,
                     "A sensor takes application/json or application/cbor; for a sequence send "
                     "an array.");
        return;
    }
    struct ingest *in = begin(call, media.format);
    if (!in)
        return;
    ingest_sensor(in, call->parts[0], call->parts[1], http_body(call->req));
    call_wait(call, NULL);
    ingest_commit(in, on_ingested, call);
}

/* ---- sensors ---- */

void sensors_list(struct call *call)
{
    struct twin *t = call_twin(call);
    if (!t)
        return;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "items");
    json_open(&w, '[');
    for (size_t i = 0; i < t->sensors_n; i++)
        write_sensor(&w, t->sensors[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void sensor_read(struct call *call)
{
    struct sensor *s = call_sensor(call);
    if (!s)
        return;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    write_sensor(&w, s);
    call_json(call, 200, &b);
}

/* ---- the past ---- */

static void write_point(struct json_writer *w, const struct point *p, bool with_quality)
{
    json_open(w, '[');
    json_put_time_ms(w, p->t_us);
    json_put_value(w, point_value(p));
    if (with_quality)
        json_put_cstr(w, quality_name(p->quality));
    json_close(w, ']');
}

static void on_history(void *arg, const struct history_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    struct sensor *s = call_sensor(call); /* it may have gone meanwhile */
    if (!s)
        return;
    if (r->err) {
        call_problem(call, r->err,
                     r->err == ERR_TOO_LARGE
                         ? "That is too many steps: ask for a longer step or a shorter span."
                         : NULL);
        return;
    }
    char cursor[32];
    snprintf(cursor, sizeof cursor, "%lld", (long long)r->next_us);
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "twin");
    json_put_cstr(&w, s->twin->id);
    json_key(&w, "sensor");
    json_put_cstr(&w, s->id);
    json_key(&w, "unit");
    json_put_string(&w, s->spec->unit);
    json_key(&w, "from");
    json_put_time_ms(&w, call->query.from_us);
    json_key(&w, "to");
    json_put_time_ms(&w, call->query.to_us);
    json_key(&w, "points");
    json_open(&w, '[');
    for (size_t i = 0; i < r->n; i++)
        write_point(&w, &r->points[i], call->flag);
    json_close(&w, ']');
    if (r->damaged) {
        json_key(&w, "damaged");
        json_put_bool(&w, true);
    }
    if (call->query.fn == FN_RAW) {
        json_key(&w, "limit");
        json_put_uint(&w, call->query.limit);
        json_key(&w, "next");
        json_put_cstr(&w, r->more ? cursor : NULL);
    }
    json_close(&w, '}');
    call_json(call, 200, &b);
}

static void on_history_gone(struct call *call)
{
    core_history_cancel(call->job);
    http_release(call->req);
}

static bool read_fn(struct call *call, struct history_query *q)
{
    static const struct {
        const char *name;
        enum history_fn fn;
    } fns[] = {{"mean", FN_MEAN}, {"min", FN_MIN},     {"max", FN_MAX}, {"first", FN_FIRST},
               {"last", FN_LAST}, {"count", FN_COUNT}, {"sum", FN_SUM}};
    struct slice every = http_query(call->req, "every"), fn = http_query(call->req, "fn");
    if (fn.p && !every.p) {
        call_problem(call, ERR_INVALID, "fn goes with every, such as every=10s.");
        return false;
    }
    if (!every.p)
        return true;
    if (clock_parse_duration(every, &q->every_us)) {
        call_problem(call, ERR_INVALID, "every is a duration such as 10s, 1m, 1h, 1d.");
        return false;
    }
    if (q->to_us / q->every_us - q->from_us / q->every_us > STEPS_MAX) {
        call_problemf(call, ERR_TOO_LARGE,
                      "That is more than %d steps: ask for a longer step or a shorter span.",
                      STEPS_MAX);
        return false;
    }
    q->fn = FN_MEAN;
    for (size_t i = 0; fn.p && i < sizeof fns / sizeof fns[0]; i++) {
        if (!slice_is(fn, fns[i].name))
            continue;
        q->fn = fns[i].fn;
        return true;
    }
    if (fn.p)
        call_problem(call, ERR_INVALID, "fn is mean, min, max, first, last, count or sum.");
    return !fn.p;
}

static bool read_history(struct call *call, struct history_query *q)
{
    uint64_t points = 0, limit = RAW_DEFAULT;
    int64_t cursor;
    struct slice after = http_query(call->req, "cursor");
    q->to_us = clock_now_us() + 1;
    if (!call_time(call, "to", &q->to_us))
        return false;
    q->from_us = q->to_us - INT64_C(3600000000);
    if (!call_time(call, "from", &q->from_us))
        return false;
    if (q->from_us > q->to_us) {
        call_problem(call, ERR_INVALID, "from is after to.");
        return false;
    }
    if (!call_uint(call, "points", POINTS_MIN, POINTS_MAX, &points) ||
        !call_uint(call, "limit", 1, RAW_MAX, &limit) || !call_bool(call, "quality", &call->flag) ||
        !read_fn(call, q))
        return false;
    if (points && q->every_us) {
        call_problem(call, ERR_INVALID, "Ask for points or for every, not for both.");
        return false;
    }
    if (after.p && (points || q->every_us)) {
        call_problem(call, ERR_INVALID,
                     "cursor goes on with raw readings, not with points or every.");
        return false;
    }
    if (after.p && (slice_to_i64(after, &cursor) || cursor < q->from_us)) {
        call_problem(call, ERR_INVALID, "cursor is what an earlier answer gave as next.");
        return false;
    }
    if (after.p)
        q->from_us = cursor < q->to_us ? cursor : q->to_us;
    q->limit = points ? points : limit;
    if (points)
        q->fn = FN_THIN;
    return true;
}

void sensor_history(struct call *call)
{
    struct sensor *s = call_sensor(call);
    if (!s || !read_history(call, &call->query))
        return;
    call_wait(call, on_history_gone);
    call->job = core_history(call->core, s, &call->query, on_history, call);
    if (!call->job)
        call_problem(call, ERR_NOMEM, NULL);
}

/* ---- what was refused ---- */

void rejections(struct call *call)
{
    uint64_t limit = REJECTIONS_DEFAULT, given = 0;
    int64_t since = INT64_MIN;
    struct slice twin = http_query(call->req, "twin");
    if (!call_uint(call, "limit", 1, REJECTIONS_MAX, &limit) || !call_time(call, "since", &since))
        return;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "total");
    json_put_uint(&w, core_rejection_total(call->core));
    json_key(&w, "items");
    json_open(&w, '[');
    const struct rejection *r;
    for (size_t i = 0; given < limit && (r = core_rejection(call->core, i)); i++) {
        if (r->at_us < since || (twin.p && !slice_is(twin, r->twin)))
            continue;
        json_open(&w, '{');
        write_rejection(&w, r);
        json_close(&w, '}');
        given++;
    }
    json_close(&w, ']');
    json_close(&w, '}');
    call_json(call, 200, &b);
}
