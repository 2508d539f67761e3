/* stream_client.c - what a client of the stream says. */
#include "api/stream_client.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define RATE_MIN 0.00001 /* about one a day */

struct said {
    struct slice subscribe, unsubscribe, publish, id; /* raw JSON; p NULL: not said */
    double rate;
    bool has_rate, has_events, events, has_alarms, alarms;
};

/* ---- answers ---- */

static void put_id(struct json_writer *w, const char *key, struct slice id)
{
    if (!id.p)
        return;
    json_key(w, key);
    json_put_raw(w, id);
}

/* An answer overtakes no update that was written before it. */
static void send_buf(struct client *k, struct buf *b)
{
    client_flush(k);
    if (k->ws && !b->failed)
        ws_send(k->ws, true, buf_slice(b));
    buf_release(b);
}

static void send_error(struct client *k, struct slice id, int err, const char *detail,
                       const struct ingest_result *ingest)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "error");
    json_open(&w, '{');
    problem_write(&w, err, detail);
    json_close(&w, '}');
    put_id(&w, "id", id);
    if (ingest) {
        json_key(&w, "accepted");
        json_put_uint(&w, ingest->accepted);
        json_key(&w, "refused");
        json_put_uint(&w, ingest->rejected);
    }
    json_close(&w, '}');
    send_buf(k, &b);
}

/* ---- publish ---- */

struct publish {
    struct client *client;
    char id[64]; /* raw JSON, empty: none */
};

static void on_published(void *arg, const struct ingest_result *r)
{
    struct publish *p = arg;
    struct slice id = p->id[0] ? slice_str(p->id) : (struct slice){0};
    if (r->err) {
        send_error(p->client, id, r->err, r->detail, r);
    } else {
        struct buf b = {0};
        struct json_writer w;
        json_writer_init(&w, &b, 0);
        json_open(&w, '{');
        json_key(&w, "ack");
        json_put_raw(&w, id.p ? id : SLICE_LIT("null"));
        json_key(&w, "accepted");
        json_put_uint(&w, r->accepted);
        json_close(&w, '}');
        send_buf(p->client, &b);
    }
    client_release(p->client);
    free(p);
}

static int read_publish(enum body_format format, struct slice text, struct slice *ret_twin,
                        struct slice *ret_readings)
{
    struct body b;
    enum body_event e;
    body_init(&b, format, text);
    if (body_next(&b, &e) || e != BODY_OBJECT)
        return ERR_INVALID;
    while (body_next(&b, &e) == 0 && e == BODY_KEY) {
        struct slice key = body_is_plain(&b) ? body_text(&b, NULL) : (struct slice){0};
        if (body_next(&b, &e))
            break;
        size_t from = b.from;
        if (slice_is(key, "twin") && e == BODY_STRING && body_is_plain(&b))
            *ret_twin = body_text(&b, NULL);
        body_skip(&b, e);
        if (slice_is(key, "readings"))
            *ret_readings = body_raw(&b, from);
    }
    return ret_twin->p && ret_readings->p ? 0 : ERR_INVALID;
}

static void publish(struct client *k, enum body_format format, struct slice text, struct slice id)
{
    struct slice twin = {0}, readings = {0};
    if (read_publish(format, text, &twin, &readings)) {
        send_error(k, id, ERR_INVALID, "publish is {\"twin\":…,\"readings\":…}", NULL);
        return;
    }
    struct core *c = k->stream->api->core;
    struct ingest_source src = {"websocket", ws_peer(k->ws), SLICE_LIT("/api/v1/stream"), format,
                                k->who};
    struct publish *p = calloc(1, sizeof *p);
    struct ingest *in = p ? ingest_begin(c, &src) : NULL;
    if (!in) {
        free(p);
        send_error(k, id, ERR_NOMEM, NULL, NULL);
        return;
    }
    p->client = k;
    if (id.p)
        snprintf(p->id, sizeof p->id, "%.*s", SLICE_ARG(id));
    client_ref(k);
    ingest_readings(in, twin, readings);
    ingest_commit(in, on_published, p);
    if ((!core_has_room(c) || org_wait_us(k->who->org)) && !k->paused) {
        k->paused = true; /* the stream's timer goes on with it */
        ws_pause(k->ws);
    }
}

/* ---- CBOR: a binary frame may publish, and is answered in text ---- */

/* An id of CBOR as JSON.  False: it is none that we give back. */
static bool write_id(const struct body *b, enum body_event e, struct buf *id)
{
    struct json_writer w;
    struct value v = {0};
    buf_clear(id);
    json_writer_init(&w, id, 0);
    if (e == BODY_STRING && body_is_plain(b))
        json_put_string(&w, body_text(b, NULL));
    else if (e == BODY_NUMBER && body_number(b, &v) == 0)
        json_put_value(&w, v);
    return id->n && id->n < 64 && !id->failed;
}

/* {"publish":{...},"id":...}: the parts that are there. */
static int read_binary(struct body *b, struct slice *ret_publish, struct buf *id, const char **why)
{
    enum body_event e;
    int err = body_next(b, &e);
    *why = "a binary message is a map of CBOR with \"publish\"";
    if (!err && e != BODY_OBJECT)
        return ERR_INVALID;
    while (!err && !(err = body_next(b, &e)) && e == BODY_KEY) {
        struct slice key = body_is_plain(b) ? body_text(b, NULL) : (struct slice){0};
        if ((err = body_next(b, &e)))
            break;
        size_t from = b->from;
        if (slice_is(key, "id") && !write_id(b, e, id)) {
            buf_clear(id);
            *why = "id is a number or text of at most 60 bytes";
            return ERR_INVALID;
        }
        err = body_skip(b, e);
        if (!err && slice_is(key, "publish"))
            *ret_publish = body_raw(b, from);
    }
    if (!err)
        err = body_next(b, &e); /* nothing may follow */
    return err;
}

void client_binary(struct client *k, struct slice message)
{
    struct body b;
    struct buf id = {0};
    struct slice said = {0};
    const char *why;
    char detail[160];
    body_init(&b, BODY_CBOR, message);
    int err = read_binary(&b, &said, &id, &why);
    struct slice raw_id = id.n ? buf_slice(&id) : (struct slice){0};
    if (err == ERR_MALFORMED) {
        snprintf(detail, sizeof detail, "not CBOR at byte %zu: %s", body_at(&b),
                 body_error(&b) ? body_error(&b) : "it ends too early");
        send_error(k, raw_id, err, detail, NULL);
    } else if (err || !said.p) {
        send_error(k, raw_id, ERR_INVALID, why, NULL);
    } else {
        publish(k, BODY_CBOR, said, raw_id);
    }
    buf_release(&id);
}

/* ---- subscribe ---- */

/* {"twin":..., "sensor"?:...}, the brace is open; 1: it is not that. */
static int read_sub(struct json_reader *r, const struct client *k, struct sub *ret)
{
    struct slice twin = {0}, sensor = SLICE_LIT("*");
    enum json_event e;
    bool good = true;
    while (json_next(r, &e) == 0 && e == JSON_KEY) {
        struct slice key = r->text;
        if (json_next(r, &e))
            return ERR_INVALID;
        if (slice_is(key, "twin") || slice_is(key, "sensor")) {
            struct slice *name = slice_is(key, "twin") ? &twin : &sensor;
            good &= e == JSON_STRING && r->text.n > 0;
            *name = r->text;
        }
        if (json_skip(r, e))
            return ERR_INVALID;
    }
    return good && twin.p && sub_init(ret, k, twin, sensor) ? 0 : ERR_INVALID;
}

/* One such object or an array of them, into an array that the caller frees. */
static int read_subs(const struct client *k, const struct said *said, struct slice json,
                     struct sub **ret, size_t *ret_n)
{
    struct json_reader r;
    enum json_event e;
    size_t n = 0, cap = 16;
    struct sub *list = malloc(cap * sizeof *list);
    int err = list ? 0 : ERR_NOMEM;
    json_reader_init(&r, json);
    if (!err && json_next(&r, &e) == 0 && e == JSON_ARRAY)
        err = json_next(&r, &e) ? ERR_INVALID : 0;
    for (; !err && e != JSON_ARRAY_END && e != JSON_END; n++) {
        if (n == SUBS_MAX) {
            err = ERR_TOO_LARGE;
            break;
        }
        if (n == cap) {
            struct sub *more = realloc(list, 2 * cap * sizeof *list);
            if (!more) {
                err = ERR_NOMEM;
                break;
            }
            list = more;
            cap *= 2;
        }
        err = e == JSON_OBJECT ? read_sub(&r, k, &list[n]) : ERR_INVALID;
        if (err)
            break;
        list[n].interval_us = said->has_rate ? (int64_t)(1e6 / said->rate) : 0;
        if (json_next(&r, &e))
            err = ERR_INVALID;
    }
    if (err) {
        free(list);
        return err;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

static void send_subs_error(struct client *k, const struct said *said, int err, const char *invalid)
{
    send_error(k, said->id, err,
               err == ERR_INVALID     ? invalid
               : err == ERR_TOO_LARGE ? "a connection has at most 10,000 subscriptions"
               : err == ERR_OVERLOAD
                   ? "all streams together would watch more sensors than the "
                     "server allows (max-watched); name the twins that are looked at"
                   : NULL,
               NULL);
}

/* {word:id, ...}, to who gave an id.  sensors: SIZE_MAX: it does not say how many. */
static void send_done(struct client *k, const char *word, const char *id, size_t sensors)
{
    struct buf b = {0};
    struct json_writer w;
    if (!*id)
        return;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_id(&w, word, slice_str(id));
    if (sensors != SIZE_MAX) {
        json_key(&w, "sensors");
        json_put_uint(&w, sensors);
    }
    json_close(&w, '}');
    send_buf(k, &b);
}

void client_subscribed(struct client *k, const char *id, int err, size_t sensors)
{
    if (err)
        send_error(k, *id ? slice_str(id) : (struct slice){0}, err, NULL, NULL);
    else
        send_done(k, "subscribed", id, sensors);
    client_pump(k); /* the last values as they are now, before anything newer */
}

void client_unsubscribed(struct client *k, const char *id)
{
    send_done(k, "unsubscribed", id, SIZE_MAX);
}

static void copy_id(char to[SAID_ID], struct slice id)
{
    snprintf(to, SAID_ID, "%.*s", (int)id.n, id.p ? id.p : "");
}

static void subscribe(struct client *k, const struct said *said)
{
    struct sub *list = NULL;
    size_t n = 0, reserved = 0;
    char id[SAID_ID];
    copy_id(id, said->id);
    int err = read_subs(k, said, said->subscribe, &list, &n);
    if (!err)
        err = wants_add(k, list, n, &reserved);
    if (!err) {
        walk_owe(k, list, n, reserved, id);
        return;
    }
    free(list);
    send_subs_error(k, said, err,
                    "subscribe is a list of {\"twin\":\"id or *\",\"sensor\":\"id or *\"}");
}

static void unsubscribe(struct client *k, const struct said *said)
{
    struct sub *list = NULL;
    size_t n = 0;
    char id[SAID_ID];
    copy_id(id, said->id);
    if (slice_is(said->unsubscribe, "\"*\"")) {
        wants_remove_all(k);
        client_unsubscribed(k, id);
        return;
    }
    int err = read_subs(k, said, said->unsubscribe, &list, &n);
    if (err) {
        send_subs_error(k, said, err, "unsubscribe is \"*\" or a list as for subscribe");
        return;
    }
    wants_remove(k, list, n);
    walk_review(k, list, n, id);
}

/* ---- the message ---- */

struct slice raw_json(const struct json_reader *r, size_t from)
{
    struct slice raw = slice_of(r->input.p + from, r->at - from);
    while (raw.n && (raw.p[0] == ':' || raw.p[0] == ' ' || raw.p[0] == '\t' || raw.p[0] == '\r' ||
                     raw.p[0] == '\n'))
        raw = slice_skip(raw, 1);
    return slice_trim(raw);
}

static int read_member(struct json_reader *r, struct slice key, struct said *said)
{
    enum json_event e;
    size_t from = r->at;
    int err = json_next(r, &e);
    if (err)
        return err;
    if (slice_is(key, "rate")) {
        said->has_rate = true;
        if (e != JSON_NUMBER || slice_to_double(r->text, &said->rate))
            said->rate = 0;
    } else if (slice_is(key, "events")) {
        said->has_events = true;
        said->events = e == JSON_TRUE;
    } else if (slice_is(key, "alarms")) {
        said->has_alarms = true;
        said->alarms = e == JSON_TRUE;
    }
    if ((err = json_skip(r, e)))
        return err;
    struct slice raw = raw_json(r, from);
    if (slice_is(key, "subscribe"))
        said->subscribe = raw;
    else if (slice_is(key, "unsubscribe"))
        said->unsubscribe = raw;
    else if (slice_is(key, "publish"))
        said->publish = raw;
    else if (slice_is(key, "id") && (e == JSON_NUMBER || e == JSON_STRING))
        said->id = raw;
    return 0;
}

static bool read_said(struct client *k, struct slice message, struct said *said)
{
    struct json_reader r;
    enum json_event e;
    char detail[160];
    json_reader_init(&r, message);
    int err = json_next(&r, &e);
    if (!err && e != JSON_OBJECT) {
        send_error(k, said->id, ERR_MALFORMED, "a message is a JSON object", NULL);
        return false;
    }
    while (!err && !(err = json_next(&r, &e)) && e == JSON_KEY)
        err = read_member(&r, r.text, said);
    if (!err)
        err = json_next(&r, &e);
    if (err) {
        snprintf(detail, sizeof detail, "not JSON at byte %zu: %s", r.at,
                 r.error ? r.error : "it ends too early");
        send_error(k, (struct slice){0}, ERR_MALFORMED, detail, NULL);
        return false;
    }
    if (said->id.n >= 64) {
        send_error(k, (struct slice){0}, ERR_INVALID, "id is a number or text of at most 60 bytes",
                   NULL);
        return false;
    }
    if (said->has_rate && !(said->rate >= RATE_MIN && said->rate <= 1000)) {
        send_error(k, said->id, ERR_INVALID, "rate is updates a second, from 0.00001 to 1000",
                   NULL);
        return false;
    }
    return true;
}

void client_message(struct client *k, struct slice message)
{
    struct said said = {0};
    k->message++;
    if (!read_said(k, message, &said))
        return;
    if (said.has_events)
        k->events = said.events;
    if (said.has_alarms)
        k->alarms = said.alarms;
    if (said.unsubscribe.p)
        unsubscribe(k, &said);
    if (said.subscribe.p)
        subscribe(k, &said);
    if (said.publish.p)
        publish(k, BODY_JSON, said.publish, said.id);
    if (!said.publish.p && !said.subscribe.p && !said.unsubscribe.p && !said.has_events &&
        !said.has_alarms)
        send_error(k, said.id, ERR_INVALID, "say subscribe, unsubscribe, events, alarms or publish",
                   NULL);
}
