/* ingest_body.c - what messages say: the bodies of docs/interfaces.md into readings and refusals.
 */
#include "base/clock.h"
#include "base/utf8.h"
#include "core/ingest.h"

#include <stdlib.h>

/* ---- what is said ---- */

static void say(struct said *said, int err, const char *detail)
{
    if (!said->err) {
        said->err = err;
        said->detail = detail;
    }
}

/* The characters of the key or string that was just read. */
static struct slice text_of(struct ingest *in, const struct body *b)
{
    if (body_is_plain(b))
        return body_text(b, NULL);
    struct slice text = {0};
    if (ingest_arena(in))
        text = body_text(b, in->arena);
    in->failed |= !text.p;
    return text;
}

/* A scalar event as a value.  False: it is none. */
static bool scalar(struct ingest *in, const struct body *b, enum body_event e, struct said *said)
{
    switch (e) {
    case BODY_NUMBER:
        if (body_number(b, &said->value))
            say(said, ERR_WRONG_TYPE,
                b->format == BODY_CBOR ? "NaN and infinity are no values"
                                       : "the number is too large");
        break;
    case BODY_TRUE:
    case BODY_FALSE:
        said->value = (struct value){VALUE_BOOL, {.b = e == BODY_TRUE}};
        break;
    case BODY_STRING:
        said->value = (struct value){VALUE_TEXT, {.text = text_of(in, b)}};
        break;
    case BODY_NULL:
        say(said, ERR_WRONG_TYPE, "null is no value");
        break;
    case BODY_OTHER:
        say(said, ERR_WRONG_TYPE, b->why);
        break;
    default:
        return false;
    }
    said->has_value = true;
    return true;
}

/* RFC 3339 or Unix milliseconds. */
static void read_time(struct ingest *in, struct body *b, enum body_event e, struct said *said)
{
    said->has_time = true;
    if (e == BODY_STRING) {
        if (clock_parse(text_of(in, b), &said->t_us))
            say(said, ERR_BAD_TIME,
                "the time is not RFC 3339 with an offset, such as "
                "2024-03-15T14:30:00Z");
    } else if (e == BODY_NUMBER) {
        if (body_time(b, &said->t_us))
            say(said, ERR_BAD_TIME, "the time is a number that Unix milliseconds do not reach");
    } else {
        say(said, ERR_BAD_TIME, "the time is neither RFC 3339 nor Unix milliseconds");
    }
}

static void read_quality(struct ingest *in, const struct body *b, enum body_event e,
                         struct said *said)
{
    struct slice word = e == BODY_STRING ? text_of(in, b) : (struct slice){0};
    if (slice_is(word, "good"))
        said->quality = QUALITY_GOOD;
    else if (slice_is(word, "uncertain"))
        said->quality = QUALITY_UNCERTAIN;
    else if (slice_is(word, "bad"))
        said->quality = QUALITY_BAD;
    else
        say(said, ERR_MALFORMED, "quality is good, uncertain or bad");
}

/* The members of {"value","timestamp"|"t","quality","unit","sensor"}, the brace is open.  An
 * unknown member is left aside: devices send more than we ask. */
static int read_object(struct ingest *in, struct body *b, struct said *said,
                       struct slice *ret_sensor)
{
    enum body_event e;
    int err;
    while (!(err = body_next(b, &e)) && e == BODY_KEY) {
        struct slice key = text_of(in, b);
        if ((err = body_next(b, &e)))
            return err;
        if (slice_is(key, "value")) {
            if (!scalar(in, b, e, said))
                say(said, ERR_WRONG_TYPE, "a value is a number, true, false or a text");
        } else if (slice_is(key, "timestamp") || slice_is(key, "t")) {
            read_time(in, b, e, said);
        } else if (slice_is(key, "quality")) {
            read_quality(in, b, e, said);
        } else if (slice_is(key, "unit")) {
            if (e == BODY_STRING)
                said->unit = text_of(in, b);
            else
                say(said, ERR_BAD_UNIT, "a unit is a text");
        } else if (ret_sensor && slice_is(key, "sensor") && e == BODY_STRING) {
            *ret_sensor = text_of(in, b);
        }
        if ((err = body_skip(b, e)))
            return err;
    }
    if (!err && !said->has_value)
        say(said, ERR_MALFORMED, "the object has no \"value\"");
    return err;
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
        *hint = s->spec->index + 1;
    return s;
}

static void unknown_sensor(struct ingest *in, const struct twin *t, struct slice id,
                           struct slice raw)
{
    ingest_refusef(in, slice_str(t->id), id, ERR_UNKNOWN_SENSOR, raw, "%s has no sensor \"%.*s\"",
                   t->id, id.n > 128 ? 128 : (int)id.n, id.p ? id.p : "");
    in->index++;
}

static struct said *said_at(struct ingest *in, size_t i)
{
    if (i >= INGEST_MEMBERS_MAX)
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
static int read_telemetry(struct ingest *in, struct body *b, struct said *ret_common, size_t *ret_n)
{
    enum body_event e;
    size_t n = 0;
    int err;
    while (!(err = body_next(b, &e)) && e == BODY_KEY) {
        struct slice key = text_of(in, b);
        if ((err = body_next(b, &e)))
            return err;
        size_t from = b->from;
        if (slice_is(key, "timestamp")) {
            read_time(in, b, e, ret_common);
            if ((err = body_skip(b, e)))
                return err;
            continue;
        }
        struct said *said = said_at(in, n);
        if (!said)
            return n < INGEST_MEMBERS_MAX ? ERR_NOMEM : ERR_TOO_LARGE;
        *said = (struct said){.sensor = key};
        n++;
        if (e == BODY_OBJECT) {
            err = read_object(in, b, said, NULL);
        } else if (!scalar(in, b, e, said)) {
            say(said, ERR_WRONG_TYPE, "a value is a number, true, false or a text");
            err = body_skip(b, e);
        }
        if (err)
            return err;
        said->raw = body_raw(b, from);
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
            ingest_take(in, s, said);
        else
            unknown_sensor(in, t, said->sensor, said->raw);
    }
}

/* {"sensor":"temp-1","value":...}: such an object has both members, and the first is a text. */
static bool is_single(struct ingest *in, const struct body *ahead)
{
    bool sensor = false, value = false;
    enum body_event e;
    struct body b;
    body_copy(&b, ahead);
    while (body_next(&b, &e) == 0 && e == BODY_KEY) {
        struct slice key = text_of(in, &b);
        if (body_next(&b, &e))
            return false;
        sensor |= slice_is(key, "sensor") && e == BODY_STRING;
        value |= slice_is(key, "value");
        if (body_skip(&b, e))
            return false;
    }
    return sensor && value;
}

static int read_single(struct ingest *in, struct twin *t, struct body *b)
{
    struct said said = {0};
    struct slice id = {0};
    size_t from = b->from, hint = 0;
    int err = read_object(in, b, &said, &id);
    if (err)
        return err;
    said.raw = body_raw(b, from);
    struct sensor *s = find_sensor(t, id, &hint);
    if (s)
        ingest_take(in, s, &said);
    else
        unknown_sensor(in, t, id, said.raw);
    return 0;
}

/* One object of a message, the brace is open.  singles: {"sensor":...} is allowed too. */
static int read_message(struct ingest *in, struct twin *t, struct body *b, bool singles)
{
    struct said common = {0};
    size_t n = 0;
    if (singles && is_single(in, b))
        return read_single(in, t, b);
    int err = read_telemetry(in, b, &common, &n);
    if (!err)
        take_telemetry(in, t, &common, n);
    return err;
}

/* One reading of a sensor's own message. */
static int read_own(struct ingest *in, struct sensor *s, struct body *b, enum body_event e)
{
    struct said said = {0};
    size_t from = b->from;
    int err = 0;
    if (e == BODY_OBJECT)
        err = read_object(in, b, &said, NULL);
    else if (!scalar(in, b, e, &said))
        err = ERR_INVALID;
    said.raw = body_raw(b, from);
    if (!err)
        ingest_take(in, s, &said);
    return err;
}

/* A whole text, of JSON or CBOR, on its way: an object or an array of objects; or, with s, what
 * that sensor says. */
struct text {
    struct body b;
    enum body_event e; /* the next, while err is 0 */
    int err;           /* ERR_INVALID: it is JSON, but not of the right form */
    bool array, singles;
    struct slice payload;
    struct ingest_mark before;
};

static void text_begin(struct text *x, const struct ingest *in, struct slice payload, bool singles)
{
    x->payload = payload;
    x->singles = singles;
    x->before = ingest_mark(in);
    body_init(&x->b, in->src.format, payload);
    x->err = body_next(&x->b, &x->e);
    x->array = !x->err && x->e == BODY_ARRAY;
    if (x->array)
        x->err = body_next(&x->b, &x->e);
}

/* The values of it, one after the other, up to the one that ends at this byte or behind.  True:
 * that was all. */
static bool text_read(struct ingest *in, struct twin *t, struct sensor *s, struct text *x,
                      size_t until)
{
    struct body *b = &x->b;
    int err = x->err;
    while (!err && x->e != BODY_ARRAY_END && x->e != BODY_END) {
        if (body_at(b) >= until)
            return false;
        if (s)
            err = read_own(in, s, b, x->e);
        else
            err = x->e == BODY_OBJECT ? read_message(in, t, b, x->singles) : ERR_INVALID;
        if (!err)
            err = body_next(b, &x->e);
        if (!x->array)
            break;
    }
    if (!err && x->array)
        err = body_next(b, &x->e);
    if (!err && x->e != BODY_END)
        err = ERR_INVALID;
    x->err = err;
    return true;
}

/* A text that cannot be read is refused whole, for that one reason: what it seemed to say before
 * the fault is let go. */
static void text_end(struct ingest *in, const struct twin *t, const struct sensor *s,
                     const struct text *x)
{
    struct slice twin = slice_str(t->id), id = slice_str(s ? s->id : NULL);
    if (!x->err)
        return;
    ingest_rewind(in, x->before);
    if (x->err == ERR_MALFORMED)
        ingest_refusef(in, twin, id, x->err, x->payload, "not %s at byte %zu: %s",
                       x->b.format == BODY_CBOR ? "CBOR" : "JSON", body_at(&x->b),
                       body_error(&x->b) ? body_error(&x->b) : "it ends too early");
    else if (x->err == ERR_INVALID)
        ingest_refuse(in, twin, id, ERR_MALFORMED,
                      s ? "a reading is a value or an object with \"value\", or an array of these"
                        : "a message is an object, or an array of objects",
                      x->payload);
    else if (x->err == ERR_TOO_LARGE)
        ingest_refusef(in, twin, id, x->err, x->payload, "an object has at most %d readings",
                       INGEST_MEMBERS_MAX);
    else
        ingest_refuse(in, twin, id, x->err, err_info(x->err)->text, x->payload);
    in->index++;
}

static void read_text(struct ingest *in, struct twin *t, struct sensor *s, struct slice payload,
                      bool singles)
{
    struct text x;
    if (!s && in->src.format == BODY_JSON && ingest_plain(in, t, payload))
        return;
    text_begin(&x, in, payload, singles);
    text_read(in, t, s, &x, SIZE_MAX);
    text_end(in, t, s, &x);
}

/* ---- the bodies ---- */

static struct twin *need_twin(struct ingest *in, struct slice id, struct slice sensor,
                              struct slice payload)
{
    struct twin *t = NULL;
    int err = ingest_find(in, id, &t);
    if (err == ERR_UNKNOWN_TWIN)
        ingest_refusef(in, id, sensor, err, payload, "there is no twin \"%.*s\"",
                       id.n > 128 ? 128 : (int)id.n, id.p ? id.p : "");
    else if (err)
        ingest_refusef(in, id, sensor, err, payload, "you may not send readings to \"%.*s\"",
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

/* What a sensor says in text: a number, true, false or characters as they stand, or JSON. */
static void take_text(struct ingest *in, struct sensor *s, struct slice payload)
{
    struct slice text = slice_trim(payload);
    struct said said = {.raw = payload};
    if (s->kind == VALUE_DOUBLE && json_number(text, &said.value) == 0) {
        ingest_take(in, s, &said);
    } else if (is_bare_text(s, text)) {
        said.value = (struct value){VALUE_TEXT, {.text = text}};
        if (!utf8_valid(text) || memchr(text.p, 0, text.n))
            say(&said, ERR_MALFORMED, "the text is not UTF-8");
        ingest_take(in, s, &said);
    } else {
        read_text(in, s->twin, s, text, false);
    }
}

void ingest_sensor(struct ingest *in, struct slice twin, struct slice sensor, struct slice payload)
{
    struct twin *t = need_twin(in, twin, sensor, payload);
    struct sensor *s = t ? core_sensor(t, sensor) : NULL;
    bool json = in->src.format == BODY_JSON;
    if (t && !s)
        unknown_sensor(in, t, sensor, payload);
    if (!s)
        return;
    if (!(json ? slice_trim(payload).n : payload.n))
        ingest_refuse(in, twin, sensor, ERR_MALFORMED, "the message is empty", payload);
    else if (json)
        take_text(in, s, payload);
    else
        read_text(in, t, s, payload, false);
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

/* The next of a sequence: a line, or an item; of CBOR that cannot be read, all the rest. */
static bool next_of(enum body_format format, struct slice *rest, struct slice *ret)
{
    size_t n;
    if (format == BODY_JSON)
        return slice_cut(rest, '\n', ret);
    if (!rest->n)
        return false;
    if (cbor_item_size(*rest, &n))
        n = rest->n;
    *ret = slice_of(rest->p, n);
    *rest = slice_skip(*rest, n);
    return true;
}

void ingest_sequence(struct ingest *in, struct slice twin, struct slice payload)
{
    enum body_format format = in->src.format;
    struct twin *t = need_twin(in, twin, SLICE_LIT(""), payload);
    struct slice rest = payload, item;
    while (t && next_of(format, &rest, &item)) {
        if (format == BODY_JSON)
            item = slice_trim(item);
        if (item.n)
            read_text(in, t, NULL, item, true);
    }
}

/* ---- large ones, in turns ---- */

struct large {
    struct ingest *in;
    struct ingest_turn turn;
    struct slice twin, sensor, rest;
    bool sequence, open;
    struct text text;
    ingest_done_fn *done;
    void *arg;
};

static bool next_text(struct large *l, struct slice *ret)
{
    if (l->sequence)
        return next_of(l->in->src.format, &l->rest, ret);
    *ret = l->rest;
    l->rest = (struct slice){0};
    return ret->n;
}

/* True: it is read to its end, or no more of it can be. */
static bool read_turn(struct large *l)
{
    struct ingest *in = l->in;
    struct twin *t = need_twin(in, l->twin, l->sensor, l->rest); /* it may have gone meanwhile */
    struct sensor *s = t && l->sensor.n ? core_sensor(t, l->sensor) : NULL;
    size_t room = TURN_BYTES;
    if (t && l->sensor.n && !s)
        unknown_sensor(in, t, l->sensor, l->rest);
    if (!t || (l->sensor.n && !s))
        return true;
    while (room) {
        struct slice item;
        if (!l->open && !next_text(l, &item))
            return true;
        if (!l->open && !(in->src.format == BODY_JSON ? slice_trim(item).n : item.n)) {
            room--;
            continue;
        }
        if (!l->open)
            text_begin(&l->text, in, l->sequence ? slice_trim(item) : item, !s);
        l->open = true;
        size_t from = body_at(&l->text.b);
        if (!text_read(in, t, s, &l->text, from + room))
            return false;
        text_end(in, t, s, &l->text);
        l->open = false;
        size_t read = body_at(&l->text.b) - from;
        room -= read < room ? read : room;
    }
    return false;
}

static void go_on(void *arg)
{
    struct large *l = arg;
    l->in->entered = NULL; /* it may have gone since the last turn */
    if (!ingest_is_over(l->in->core) && !read_turn(l)) {
        ingest_later(l->in->core, &l->turn, go_on, l);
        return;
    }
    ingest_commit(l->in, l->done, l->arg);
    free(l);
}

void ingest_large(struct ingest *in, const struct ingest_body *body, ingest_done_fn *done,
                  void *arg)
{
    bool json = in->src.format == BODY_JSON;
    struct slice text = json ? slice_trim(body->payload) : body->payload;
    bool bare = body->sensor.n && json && text.n && text.p[0] != '['; /* one value */
    struct large *l = text.n > TURN_BYTES && !bare ? calloc(1, sizeof *l) : NULL;
    if (l) {
        *l = (struct large){.in = in,
                            .twin = body->twin,
                            .sensor = body->sensor,
                            .rest = body->sequence ? body->payload : text,
                            .sequence = body->sequence,
                            .done = done,
                            .arg = arg};
        go_on(l);
        return;
    }
    if (body->sensor.n)
        ingest_sensor(in, body->twin, body->sensor, body->payload);
    else if (body->sequence)
        ingest_sequence(in, body->twin, body->payload);
    else
        ingest_readings(in, body->twin, body->payload);
    ingest_commit(in, done, arg);
}
