/* readings.c - readings in over HTTP, the sensors, and what was refused. */
#include "access/state.h"
#include "api/asof.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>

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
static bool find_media(struct call *call, struct slice body, struct media *ret)
{
    struct slice name = call_media(call);
    for (size_t i = 0; i < sizeof medias / sizeof medias[0]; i++) {
        if (!slice_is_nocase(name, medias[i].name))
            continue;
        *ret = medias[i];
        return true;
    }
    *ret = (struct media){.format = body_format_of((struct slice){0}, body)};
    return call_json_type(call);
}

static struct ingest *begin(struct call *call, enum body_format format)
{
    /* the peer's words live with the connection, which may end before the answer */
    const char *peer = arena_printf(call->arena, "%s", http_peer(call->req));
    struct ingest_source src = {"http", peer ? peer : "", http_path(call->req), format, call->who};
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
    struct slice body;
    bool known = call_content(call, &body) && find_media(call, body, &media);
    struct ingest *in = known ? begin(call, media.format) : NULL;
    if (!in)
        return;
    call_wait(call, NULL);
    ingest_large(
        in,
        &(struct ingest_body){.twin = call->parts[0], .payload = body, .sequence = media.sequence},
        on_ingested, call);
}

void sensor_readings(struct call *call)
{
    struct media media;
    struct slice body;
    if (!call_content(call, &body) || !find_media(call, body, &media))
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
    call_wait(call, NULL);
    ingest_large(
        in,
        &(struct ingest_body){.twin = call->parts[0], .sensor = call->parts[1], .payload = body},
        on_ingested, call);
}

/* ---- sensors ---- */

static void write_sensors_then(struct asof *a)
{
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "items");
    for (size_t i = 0; i < a->view.sensors_n; i++)
        if (a->seen[i])
            write_sensor(&w, &a->sensors[i]);
    call_rows_end(a->call, &w, &b);
}

static void write_sensor_then(struct asof *a)
{
    struct call *call = a->call;
    struct buf b = {0};
    struct json_writer w;
    for (size_t i = 0; i < a->view.sensors_n; i++)
        if (a->seen[i] && slice_eq(call->parts[1], a->view.sensors[i].id)) {
            json_writer_init(&w, &b, 0);
            write_sensor(&w, &a->sensors[i]);
            call_json(call, 200, &b);
            return;
        }
    call_problem(call, ERR_UNKNOWN_SENSOR, "The twin had no such sensor at that time.");
}

/* ?at=: false: they ask for now. */
static bool asks_then(struct call *call, void (*fn)(struct asof *a))
{
    int64_t at_us;
    bool answered;
    if (!call_asks_then(call, &at_us, &answered))
        return false;
    if (!answered)
        call_then(call, at_us, fn);
    return true;
}

void sensors_list(struct call *call)
{
    if (asks_then(call, write_sensors_then))
        return;
    struct twin *t = call_seen_twin(call);
    if (!t)
        return;
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "items");
    for (size_t i = 0; i < t->sensors_n; i++)
        if (core_may(call->core, call->who, OP_DATA_READ, t->sensors[i]))
            write_sensor(&w, t->sensors[i]);
    call_rows_end(call, &w, &b);
}

void sensor_read(struct call *call)
{
    if (asks_then(call, write_sensor_then))
        return;
    struct sensor *s = call_sensor(call);
    if (!s)
        return;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    write_sensor(&w, s);
    call_json(call, 200, &b);
}

/* For those who want no more than the number. */
void sensor_value(struct call *call)
{
    const struct sensor *s = call_sensor(call);
    if (!s)
        return;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    if (s->has_value)
        json_put_value(&w, point_value(&s->last));
    else
        json_put_null(&w);
    call_json(call, 200, &b);
}

/* ---- what was refused ---- */

/* It has what was sent: of a sensor that a policy keeps from somebody that is as good as reading
 * it, and a message without a sensor may have been about any of them. */
static bool is_hidden(struct core *c, const struct principal *who, const struct rejection *r)
{
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    bool named = !access_key(core_access(c), who, slice_str(r->twin), &scratch, &key, &org);
    const struct twin *t = named ? core_twin(c, key) : NULL;
    buf_release(&scratch);
    /* that it is not there is said of hidden ones, too */
    if (!t || t->org != who->org || r->err == ERR_UNKNOWN_TWIN || r->err == ERR_UNKNOWN_SENSOR ||
        access_is_plain(core_access(c), who, t->org))
        return false;
    const struct sensor *s = core_sensor(t, slice_str(r->sensor));
    for (size_t i = 0; !s && i < t->sensors_n; i++)
        if (!core_may(c, who, OP_DATA_READ, t->sensors[i]))
            return true;
    return s && !core_may(c, who, OP_DATA_READ, s);
}

bool rejection_is_for(struct core *c, const struct principal *who, const struct rejection *r)
{
    /* what nobody sent whose organisation is known may be anybody's, when there are several */
    bool all = who->installation || access_org_count(core_access(c)) == 1;
    bool own = r->org == who->org || (!r->org && all);
    return own && !is_hidden(c, who, r);
}

static bool is_own(const struct call *call, const struct rejection *r)
{
    return rejection_is_for(call->core, call->who, r);
}

static uint64_t count_own(const struct call *call)
{
    const struct rejection *r;
    uint64_t n = 0;
    for (size_t i = 0; (r = core_rejection(call->core, i)); i++)
        n += is_own(call, r);
    return n;
}

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
    json_put_uint(&w, call->who->installation ? core_rejection_total(call->core) : count_own(call));
    json_key(&w, "items");
    json_open(&w, '[');
    const struct rejection *r;
    for (size_t i = 0; given < limit && (r = core_rejection(call->core, i)); i++) {
        if (!is_own(call, r) || r->at_us < since || (twin.p && !slice_is(twin, r->twin)))
            continue;
        json_open(&w, '{');
        write_rejection(&w, r);
        json_close(&w, '}');
        given++;
    }
    call_rows_end(call, &w, &b);
}
