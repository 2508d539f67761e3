/* ingest.c - messages into readings.
 *
 * One message is one struct ingest: the good readings it has, the refusals, and who wants to hear.
 * On commit the readings go to the journal as one batch and the message waits in a queue, in order
 * of the journal's numbers; when the journal says that they are on stable storage they are applied,
 * in that order, and the sender hears.  So what anyone is shown is never lost, and recovery, which
 * reads the journal in the same order, comes to the same state. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "core/internal.h"
#include "twin/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AHEAD_MAX_US INT64_C(86400000000) /* a device's clock may be so far ahead */

enum {
    ROOM_READINGS = 2000000, /* waiting for the disk: more is not read from the peers */
    SPARE_MAX = 64,
    SPARE_READINGS = 4096, /* a spare does not keep a larger array */
    SPARE_SAID = 256,
    MEMBERS_MAX = 100000, /* readings in one object */
};

/* What a message says of one reading, before it is checked. */
struct said {
    struct value value;
    bool has_value, has_time;
    int64_t t_us;
    uint8_t quality;
    struct slice unit;
    int err;            /* found while it was read */
    const char *detail; /* then */
    struct slice raw;   /* as it stood in the message */
    struct slice sensor;
};

struct ingest {
    struct core *core;
    struct ingest *next;
    struct ingest_source src; /* until commit */
    struct arena *arena;      /* made when first needed */
    struct reading *readings;
    size_t n, cap;
    struct said *said; /* room for one object's members */
    size_t said_cap;
    size_t index; /* of the next reading in the message */
    int64_t now_us;
    struct ingest_reject *rejects;
    size_t rejects_n, rejected;
    int err;
    const char *detail;
    uint64_t seq;
    ingest_done_fn *done;
    void *done_arg;
    bool failed; /* memory ran out */
};

struct ingest *ingest_begin(struct core *c, const struct ingest_source *src)
{
    struct ingest *in = c->spare;
    if (in) {
        c->spare = in->next;
        c->spare_n--;
    } else if (!(in = calloc(1, sizeof *in))) {
        return NULL;
    }
    in->core = c;
    in->src = *src;
    in->now_us = clock_now_us();
    return in;
}

static void ingest_end(struct ingest *in)
{
    struct core *c = in->core;
    arena_free(in->arena);
    if (c->spare_n >= SPARE_MAX || in->cap > SPARE_READINGS || in->said_cap > SPARE_SAID) {
        free(in->readings);
        free(in->said);
        free(in);
        return;
    }
    *in = (struct ingest){.readings = in->readings,
                          .cap = in->cap,
                          .said = in->said,
                          .said_cap = in->said_cap,
                          .next = c->spare};
    c->spare = in;
    c->spare_n++;
}

static struct arena *arena_of(struct ingest *in)
{
    if (!in->arena && !(in->arena = arena_new()))
        in->failed = true;
    return in->arena;
}

/* ---- refusals ---- */

void ingest_refuse(struct ingest *in, struct slice twin, struct slice sensor, int err,
                   const char *detail, struct slice payload)
{
    rejection_add(in->core, err, &in->src, twin, sensor, detail, payload);
    in->rejected++;
    if (!arena_of(in))
        return;
    const char *kept = arena_strndup(in->arena, detail, strlen(detail));
    if (!in->err) {
        in->err = err;
        in->detail = kept ? kept : err_info(err)->text;
    }
    if (!in->rejects)
        in->rejects = arena_alloc(in->arena, REJECTS_TOLD * sizeof *in->rejects);
    if (in->rejects && in->rejects_n < REJECTS_TOLD)
        in->rejects[in->rejects_n++] = (struct ingest_reject){
            in->index, arena_dup(in->arena, sensor), err, kept ? kept : err_info(err)->text};
}

static void refusef(struct ingest *in, struct slice twin, struct slice sensor, int err,
                    struct slice payload, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void refusef(struct ingest *in, struct slice twin, struct slice sensor, int err,
                    struct slice payload, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    ingest_refuse(in, twin, sensor, err, detail, payload);
}

/* ---- one reading ---- */

static const char *type_name(enum value_type type)
{
    static const char *const names[] = {"nothing", "a number", "a number", "true or false",
                                        "a text"};
    return names[type];
}

static void push(struct ingest *in, struct sensor *s, const struct said *said)
{
    if (in->n == in->cap) {
        size_t cap = in->cap ? in->cap * 2 : 16;
        struct reading *readings = realloc(in->readings, cap * sizeof *readings);
        if (!readings) {
            in->failed = true;
            return;
        }
        in->readings = readings;
        in->cap = cap;
    }
    struct value v = said->value;
    if (v.type == VALUE_TEXT) {
        if (!arena_of(in))
            return;
        v.as.text = arena_dup(in->arena, v.as.text);
        if (!v.as.text.p) {
            in->failed = true;
            return;
        }
    }
    int64_t t = said->t_us;
    if (!said->has_time) {
        t = in->now_us > s->assigned_us ? in->now_us : s->assigned_us + 1;
        s->assigned_us = t;
    }
    if (s->kind == VALUE_NONE) /* the first reading decides */
        s->kind = v.type == VALUE_INT ? VALUE_DOUBLE : v.type;
    in->readings[in->n++] = (struct reading){s->series, said->quality, t, v};
}

/* Convert, compare with what the sensor is, and keep or refuse. */
static void take(struct ingest *in, struct sensor *s, struct said *said)
{
    struct slice twin = slice_str(s->twin->id), id = slice_str(s->id);
    struct value *v = &said->value;
    if (said->err) {
        ingest_refuse(in, twin, id, said->err, said->detail, said->raw);
    } else if (s->kind != VALUE_NONE && s->kind != v->type &&
               !(s->kind == VALUE_DOUBLE && v->type == VALUE_INT)) {
        refusef(in, twin, id, ERR_WRONG_TYPE, said->raw, "%s takes %s, not %s", s->id,
                type_name(s->kind), type_name(v->type));
    } else if (v->type == VALUE_TEXT && v->as.text.n > VALUE_TEXT_MAX) {
        refusef(in, twin, id, ERR_TOO_LARGE, said->raw, "a text has at most %d bytes",
                VALUE_TEXT_MAX);
    } else if (said->has_time && said->t_us < 0) {
        ingest_refuse(in, twin, id, ERR_BAD_TIME, "the time is before 1970", said->raw);
    } else if (said->has_time && said->t_us > in->now_us + AHEAD_MAX_US) {
        ingest_refuse(in, twin, id, ERR_BAD_TIME,
                      "the time is more than 24 hours ahead of the server's clock", said->raw);
    } else if (said->unit.n && !slice_eq(said->unit, s->spec.unit)) {
        double to;
        if (!value_is_number(*v) ||
            units_convert(said->unit, s->spec.unit, value_as_double(*v), &to) || !isfinite(to)) {
            refusef(in, twin, id, ERR_BAD_UNIT, said->raw, "\"%.*s\" does not convert to \"%.*s\"",
                    SLICE_ARG(said->unit), SLICE_ARG(s->spec.unit));
        } else {
            *v = value_double(to);
            push(in, s, said);
        }
    } else {
        push(in, s, said);
    }
    in->index++;
}

void ingest_value(struct ingest *in, struct sensor *s, int64_t t_us, struct value v,
                  uint8_t quality)
{
    struct said said = {.value = v, .has_time = t_us != 0, .t_us = t_us, .quality = quality};
    take(in, s, &said);
}

/* ---- JSON ---- */

static void say(struct said *said, int err, const char *detail)
{
    if (!said->err) {
        said->err = err;
        said->detail = detail;
    }
}

/* A scalar event as a value.  False: it is none. */
static bool scalar(struct ingest *in, const struct json_reader *r, enum json_event e,
                   struct said *said)
{
    switch (e) {
    case JSON_NUMBER:
        if (json_number(r->text, &said->value))
            say(said, ERR_WRONG_TYPE, "the number is too large");
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        said->value = (struct value){VALUE_BOOL, {.b = e == JSON_TRUE}};
        break;
    case JSON_STRING:
        said->value.type = VALUE_TEXT;
        said->value.as.text = r->text;
        if (r->escaped) {
            if (!arena_of(in))
                return false;
            said->value.as.text = json_unescape(in->arena, r->text, true);
        }
        break;
    case JSON_NULL:
        say(said, ERR_WRONG_TYPE, "null is no value");
        break;
    default:
        return false;
    }
    said->has_value = true;
    return true;
}

/* RFC 3339 or Unix milliseconds. */
static void read_time(struct json_reader *r, enum json_event e, struct said *said)
{
    double ms;
    said->has_time = true;
    if (e == JSON_STRING) {
        if (clock_parse(r->text, &said->t_us))
            say(said, ERR_BAD_TIME,
                "the time is not RFC 3339 with an offset, such as "
                "2024-03-15T14:30:00Z");
    } else if (e == JSON_NUMBER && slice_to_double(r->text, &ms) == 0 && fabs(ms) < 9e12) {
        said->t_us = (int64_t)floor(ms * 1000 + 0.5);
    } else {
        say(said, ERR_BAD_TIME, "the time is neither RFC 3339 nor Unix milliseconds");
    }
}

static void read_quality(struct json_reader *r, enum json_event e, struct said *said)
{
    if (e == JSON_STRING && slice_is(r->text, "good"))
        said->quality = QUALITY_GOOD;
    else if (e == JSON_STRING && slice_is(r->text, "uncertain"))
        said->quality = QUALITY_UNCERTAIN;
    else if (e == JSON_STRING && slice_is(r->text, "bad"))
        said->quality = QUALITY_BAD;
    else
        say(said, ERR_INVALID, "quality is good, uncertain or bad");
}

/* The members of {"value","timestamp"|"t","quality","unit","sensor"}, the brace is open.  An
 * unknown member is left aside: devices send more than we ask. */
static int read_object(struct ingest *in, struct json_reader *r, struct said *said,
                       struct slice *ret_sensor)
{
    enum json_event e;
    int err;
    while (!(err = json_next(r, &e)) && e == JSON_KEY) {
        struct slice key = r->text;
        if ((err = json_next(r, &e)))
            return err;
        if (slice_is(key, "value")) {
            if (!scalar(in, r, e, said))
                say(said, ERR_WRONG_TYPE, "a value is a number, true, false or a text");
        } else if (slice_is(key, "timestamp") || slice_is(key, "t")) {
            read_time(r, e, said);
        } else if (slice_is(key, "quality")) {
            read_quality(r, e, said);
        } else if (slice_is(key, "unit")) {
            if (e == JSON_STRING && arena_of(in))
                said->unit = json_unescape(in->arena, r->text, r->escaped);
            else
                say(said, ERR_BAD_UNIT, "a unit is a text");
        } else if (ret_sensor && slice_is(key, "sensor") && e == JSON_STRING) {
            *ret_sensor = r->text;
        }
        if ((err = json_skip(r, e)))
            return err;
    }
    if (!err && !said->has_value)
        say(said, ERR_MALFORMED, "the object has no \"value\"");
    return err;
}

static struct slice raw_since(const struct json_reader *r, size_t from)
{
    return slice_trim(slice_of(r->input.p + from, r->at - from));
}

/* Sensors come in the same order again and again: look behind the last one first. */
static struct sensor *find_sensor(const struct twin *t, struct slice id, size_t *hint)
{
    for (size_t i = 0; i < 2 && t->sensors_n; i++) {
        size_t at = (*hint + i) % t->sensors_n;
        if (slice_is(id, t->sensors[at]->id)) {
            *hint = at + 1;
            return t->sensors[at];
        }
    }
    struct sensor *s = core_sensor(t, id);
    if (s)
        *hint = s->spec.index + 1;
    return s;
}

static void unknown_sensor(struct ingest *in, const struct twin *t, struct slice id,
                           struct slice raw)
{
    refusef(in, slice_str(t->id), id, ERR_UNKNOWN_SENSOR, raw, "%s has no sensor \"%.*s\"", t->id,
            id.n > 128 ? 128 : (int)id.n, id.p ? id.p : "");
    in->index++;
}

static struct said *said_at(struct ingest *in, size_t i)
{
    if (i >= MEMBERS_MAX)
        return NULL;
    if (i >= in->said_cap) {
        size_t cap = in->said_cap ? in->said_cap * 2 : 16;
        struct said *said = realloc(in->said, cap * sizeof *said);
        if (!said)
            return NULL;
        in->said = said;
        in->said_cap = cap;
    }
    return &in->said[i];
}

/* The rest of a telemetry object, the brace is open.  The time may stand behind the values, so
 * what is said is collected first. */
static int read_telemetry(struct ingest *in, struct json_reader *r, struct said *ret_common,
                          size_t *ret_n)
{
    enum json_event e;
    size_t n = 0;
    int err;
    while (!(err = json_next(r, &e)) && e == JSON_KEY) {
        struct slice key = r->text;
        if (r->escaped) {
            if (!arena_of(in))
                return ERR_NOMEM;
            key = json_unescape(in->arena, key, true);
        }
        size_t from = r->at;
        if ((err = json_next(r, &e)))
            return err;
        if (slice_is(key, "timestamp")) {
            read_time(r, e, ret_common);
            if ((err = json_skip(r, e)))
                return err;
            continue;
        }
        struct said *said = said_at(in, n);
        if (!said)
            return n < MEMBERS_MAX ? ERR_NOMEM : ERR_TOO_LARGE;
        *said = (struct said){.sensor = key};
        n++;
        if (e == JSON_OBJECT) {
            err = read_object(in, r, said, NULL);
        } else if (!scalar(in, r, e, said)) {
            say(said, ERR_WRONG_TYPE, "a value is a number, true, false or a text");
            err = json_skip(r, e);
        }
        if (err)
            return err;
        said->raw = raw_since(r, from);
    }
    *ret_n = n;
    return err;
}

static void take_telemetry(struct ingest *in, struct twin *t, const struct said *common, size_t n)
{
    size_t hint = 0;
    if (!n && common->err)
        ingest_refuse(in, slice_str(t->id), SLICE_LIT(""), common->err, common->detail,
                      SLICE_LIT(""));
    for (size_t i = 0; i < n; i++) {
        struct said *said = &in->said[i];
        if (!said->has_time && common->has_time) {
            said->has_time = true;
            said->t_us = common->t_us;
            if (common->err)
                say(said, common->err, common->detail);
        }
        struct sensor *s = find_sensor(t, said->sensor, &hint);
        if (s)
            take(in, s, said);
        else
            unknown_sensor(in, t, said->sensor, said->raw);
    }
}

/* {"sensor":"temp-1","value":...}: such an object has both members, and the first is a text. */
static bool is_single(struct json_reader r)
{
    bool sensor = false, value = false;
    enum json_event e;
    while (json_next(&r, &e) == 0 && e == JSON_KEY) {
        struct slice key = r.text;
        if (json_next(&r, &e))
            return false;
        sensor |= slice_is(key, "sensor") && e == JSON_STRING;
        value |= slice_is(key, "value");
        if (json_skip(&r, e))
            return false;
    }
    return sensor && value;
}

static int read_single(struct ingest *in, struct twin *t, struct json_reader *r)
{
    struct said said = {0};
    struct slice id = {0};
    size_t from = r->at ? r->at - 1 : 0, hint = 0;
    int err = read_object(in, r, &said, &id);
    if (err)
        return err;
    said.raw = raw_since(r, from);
    struct sensor *s = find_sensor(t, id, &hint);
    if (s)
        take(in, s, &said);
    else
        unknown_sensor(in, t, id, said.raw);
    return 0;
}

/* One object of a message, the brace is open.  singles: {"sensor":...} is allowed too. */
static int read_message(struct ingest *in, struct twin *t, struct json_reader *r, bool singles)
{
    struct said common = {0};
    size_t n = 0;
    if (singles && is_single(*r))
        return read_single(in, t, r);
    int err = read_telemetry(in, r, &common, &n);
    if (!err)
        take_telemetry(in, t, &common, n);
    return err;
}

/* A whole JSON text: an object or an array of objects, each read by one().  A text that is not JSON
 * is refused whole: what it seemed to say before the fault is let go. */
static void read_text(struct ingest *in, struct twin *t, struct sensor *s, struct slice payload,
                      bool singles)
{
    struct json_reader r;
    enum json_event e;
    size_t first = in->n;
    json_reader_init(&r, payload);
    int err = json_next(&r, &e);
    bool array = !err && e == JSON_ARRAY;
    if (array)
        err = json_next(&r, &e);
    while (!err && e != JSON_ARRAY_END && e != JSON_END) {
        size_t from = r.at;
        if (s) {
            struct said said = {0};
            if (e == JSON_OBJECT)
                err = read_object(in, &r, &said, NULL);
            else if (!scalar(in, &r, e, &said))
                err = ERR_INVALID;
            said.raw = raw_since(&r, e == JSON_OBJECT && from ? from - 1 : from);
            if (!err)
                take(in, s, &said);
        } else {
            err = e == JSON_OBJECT ? read_message(in, t, &r, singles) : ERR_INVALID;
        }
        if (!err)
            err = json_next(&r, &e);
        if (!array)
            break;
    }
    if (!err && array)
        err = json_next(&r, &e);
    if (!err && e != JSON_END)
        err = ERR_INVALID;
    if (!err)
        return;
    in->n = first;
    struct slice twin = slice_str(t->id), id = slice_str(s ? s->id : NULL);
    if (err == ERR_MALFORMED)
        refusef(in, twin, id, err, payload, "not JSON at byte %zu: %s", r.at,
                r.error ? r.error : "it ends too early");
    else if (err == ERR_INVALID)
        ingest_refuse(in, twin, id, ERR_MALFORMED,
                      s ? "a reading is a value or an object with \"value\", or an array of these"
                        : "a message is an object, or an array of objects",
                      payload);
    else if (err == ERR_TOO_LARGE)
        refusef(in, twin, id, err, payload, "an object has at most %d readings", MEMBERS_MAX);
    else
        ingest_refuse(in, twin, id, err, err_info(err)->text, payload);
}

/* ---- the bodies ---- */

static struct twin *need_twin(struct ingest *in, struct slice id, struct slice sensor,
                              struct slice payload)
{
    struct twin *t = core_twin(in->core, id);
    if (!t)
        refusef(in, id, sensor, ERR_UNKNOWN_TWIN, payload, "there is no twin \"%.*s\"",
                id.n > 128 ? 128 : (int)id.n, id.p ? id.p : "");
    return t;
}

/* A payload of one sensor need not be JSON: text without quotes is a text. */
static bool is_bare_text(const struct sensor *s, struct slice payload)
{
    char c = payload.n ? payload.p[0] : 0;
    if (c == '{' || c == '[' || c == '"')
        return false;
    if (s->kind == VALUE_TEXT)
        return true;
    struct json_reader r;
    enum json_event e;
    json_reader_init(&r, payload);
    return json_next(&r, &e) != 0 || json_next(&r, &e) != 0;
}

void ingest_sensor(struct ingest *in, struct slice twin, struct slice sensor, struct slice payload)
{
    struct twin *t = need_twin(in, twin, sensor, payload);
    struct sensor *s = t ? core_sensor(t, sensor) : NULL;
    if (t && !s)
        unknown_sensor(in, t, sensor, payload);
    if (!s)
        return;
    struct slice text = slice_trim(payload);
    struct said said = {.raw = payload};
    if (slice_to_double(text, &said.value.as.d) == 0 && s->kind == VALUE_DOUBLE) {
        json_number(text, &said.value);
        take(in, s, &said);
    } else if (!text.n) {
        ingest_refuse(in, twin, sensor, ERR_MALFORMED, "the message is empty", payload);
    } else if (is_bare_text(s, text)) {
        said.value = (struct value){VALUE_TEXT, {.text = text}};
        if (!utf8_valid(text) || memchr(text.p, 0, text.n))
            say(&said, ERR_MALFORMED, "the text is not UTF-8");
        take(in, s, &said);
    } else {
        read_text(in, t, s, text, false);
    }
}

void ingest_telemetry(struct ingest *in, struct slice twin, struct slice payload)
{
    struct twin *t = need_twin(in, twin, SLICE_LIT(""), payload);
    if (t)
        read_text(in, t, NULL, payload, false);
}

void ingest_readings(struct ingest *in, struct slice twin, struct slice payload)
{
    struct twin *t = need_twin(in, twin, SLICE_LIT(""), payload);
    if (t)
        read_text(in, t, NULL, payload, true);
}

void ingest_ndjson(struct ingest *in, struct slice twin, struct slice payload)
{
    struct twin *t = need_twin(in, twin, SLICE_LIT(""), payload);
    struct slice rest = payload, line;
    while (t && slice_cut(&rest, '\n', &line)) {
        line = slice_trim(line);
        if (line.n)
            read_text(in, t, NULL, line, true);
    }
}

/* ---- commit ---- */

static void answer(struct ingest *in)
{
    struct ingest_result r = {.accepted = in->n,
                              .rejected = in->rejected,
                              .err = in->err,
                              .detail = in->detail,
                              .rejects = in->rejects,
                              .rejects_n = in->rejects_n};
    if (in->done)
        in->done(in->done_arg, &r);
    ingest_end(in);
}

static void refuse_all(struct ingest *in, int err)
{
    size_t n = in->n;
    in->n = 0;
    if (err == ERR_STORAGE)
        ingest_refuse(in, SLICE_LIT(""), SLICE_LIT(""), err,
                      "the server cannot write to its disk; nothing of this was kept",
                      SLICE_LIT(""));
    else
        ingest_refuse(in, SLICE_LIT(""), SLICE_LIT(""), err, err_info(err)->text, SLICE_LIT(""));
    in->rejected += n ? n - 1 : 0;
    in->core->stats.rejected += n ? n - 1 : 0;
}

void ingest_commit(struct ingest *in, ingest_done_fn *done, void *arg)
{
    struct core *c = in->core;
    in->done = done;
    in->done_arg = arg;
    int err = in->failed ? ERR_NOMEM : !c->journal ? ERR_CANCELLED : 0;
    if (!err && in->n)
        err = journal_append(c->journal, in->readings, in->n, &in->seq);
    if (err)
        refuse_all(in, err);
    if (!in->n) {
        answer(in);
        return;
    }
    in->src = (struct ingest_source){.via = in->src.via, .peer = ""};
    in->next = NULL;
    if (c->waiting_last)
        c->waiting_last->next = in;
    else
        c->waiting_first = in;
    c->waiting_last = in;
    c->waiting_readings += in->n;
    c->stats.batches++;
}

void ingest_drop(struct ingest *in)
{
    ingest_end(in);
}

bool core_has_room(const struct core *c)
{
    return c->waiting_readings < ROOM_READINGS &&
           c->head_readings < 4 * c->head_limit; /* history keeps up */
}

/* ---- the journal's word ---- */

static void drain_posted(void *arg)
{
    ingest_drain(arg);
}

void ingest_on_synced(void *arg, uint64_t seq, int err)
{
    struct core *c = arg;
    bool post = false;
    pthread_mutex_lock(&c->synced_lock);
    struct synced *last = c->synced_n ? &c->synced[c->synced_n - 1] : NULL;
    if (last && last->err == err) {
        last->seq = seq;
    } else {
        if (c->synced_n == c->synced_cap) {
            size_t cap = c->synced_cap ? c->synced_cap * 2 : 16;
            struct synced *more = realloc(c->synced, cap * sizeof *more);
            assert(more); /* a few bytes; without them no sender would ever hear again */
            c->synced = more;
            c->synced_cap = cap;
        }
        c->synced[c->synced_n++] = (struct synced){seq, err};
    }
    post = !c->synced_posted;
    c->synced_posted = true;
    pthread_mutex_unlock(&c->synced_lock);
    if (post) {
        int failed = loop_post(c->loop, drain_posted, c);
        assert(!failed);
    }
}

static void apply_all(struct core *c, const struct ingest *in)
{
    for (size_t i = 0; i < in->n; i++) {
        const struct reading *r = &in->readings[i];
        struct sensor *s = r->series < c->by_series_n ? c->by_series[r->series] : NULL;
        if (!s)
            continue; /* its twin was deleted meanwhile */
        if (head_add(c, s, r))
            log_error("core", "out of memory: a reading is in the journal but not yet in history");
        live_apply(c, s, r, false);
    }
    c->stats.readings += in->n;
}

static void settle(struct core *c, struct synced word)
{
    while (c->waiting_first && c->waiting_first->seq <= word.seq) {
        struct ingest *in = c->waiting_first;
        c->waiting_first = in->next;
        if (!c->waiting_first)
            c->waiting_last = NULL;
        c->waiting_readings -= in->n;
        if (word.err)
            refuse_all(in, word.err);
        else
            apply_all(c, in);
        answer(in);
    }
    if (!word.err)
        c->applied_seq = word.seq;
}

void ingest_drain(struct core *c)
{
    pthread_mutex_lock(&c->synced_lock);
    struct synced *words = c->synced;
    size_t n = c->synced_n;
    c->synced = NULL;
    c->synced_n = c->synced_cap = 0;
    c->synced_posted = false;
    pthread_mutex_unlock(&c->synced_lock);
    c->apply_now_us = clock_now_us();
    c->apply_mono_us = clock_mono_us();
    for (size_t i = 0; i < n; i++)
        settle(c, words[i]);
    free(words);
    if (n)
        flush_if_due(c, false);
}

void ingest_cancel_all(struct core *c)
{
    while (c->waiting_first) {
        struct ingest *in = c->waiting_first;
        c->waiting_first = in->next;
        refuse_all(in, ERR_CANCELLED);
        answer(in);
    }
    c->waiting_last = NULL;
    c->waiting_readings = 0;
}

void ingest_release(struct core *c)
{
    while (c->spare) {
        struct ingest *in = c->spare;
        c->spare = in->next;
        free(in->readings);
        free(in->said);
        free(in);
    }
    free(c->synced);
}
