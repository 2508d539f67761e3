/* A batch is a JSON array.  Over HTTP each reading is an object of its own, so that a refusal's
 * index leads to the line of the table.  Over MQTT it is an array of telemetry objects, a row each,
 * and a refusal is one of the whole message. */
#include "server/replay_sink.h"

#include "base/err.h"
#include "server/term.h"

#include <stdlib.h>
#include <unistd.h>

enum { TRIES = 30 };

/* What a message over MQTT was, for its answer. */
struct tag {
    size_t line, readings;
};

static void begin_batch(struct sink *s)
{
    buf_clear(&s->body);
    json_writer_init(&s->w, &s->body, 0);
    json_open(&s->w, s->http ? '[' : '{');
    s->readings = 0;
}

/* ---- what is refused ---- */

static void tell(struct sink *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct sink *s, const char *format, ...)
{
    struct buf b = {0}, clean = {0};
    va_list args;
    if (s->quiet || s->told > SINK_TOLD_MAX)
        return;
    s->told++;
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    term_clean(&clean, buf_slice(&b), 0);
    term_problem("%.*s", SLICE_ARG(buf_slice(&clean)));
    if (s->told > SINK_TOLD_MAX)
        term_problem("more of this is not told, only counted");
    buf_release(&b);
    buf_release(&clean);
}

static void on_answer(void *arg, void *opaque, uint8_t reason, struct slice text)
{
    struct sink *s = arg;
    struct tag *tag = opaque;
    if (reason < 0x80) {
        s->accepted += tag->readings;
    } else {
        s->refused += tag->readings;
        tell(s, "line %zu: %.*s (reason 0x%02x)", tag->line, SLICE_ARG(text), reason);
    }
    free(tag);
}

/* ---- open and close ---- */

int sink_open(struct sink *s, const char *twin, struct client *http, const char *address,
              const char *token, int timeout_ms)
{
    struct buf path = {0}, topic = {0};
    *s = (struct sink){.twin = twin, .http = http};
    buf_add_str(&path, "/api/v1/twins/");
    client_escape(&path, slice_str(twin));
    buf_add_str(&path, "/readings");
    buf_addf(&topic, "twins/%s/telemetry", twin);
    s->path = buf_take(&path);
    s->topic = buf_take(&topic);
    if (!s->path || !s->topic) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    begin_batch(s);
    return http ? CODE_OK : mqtt_out_open(address, token, timeout_ms, on_answer, s, &s->mqtt);
}

void sink_close(struct sink *s)
{
    mqtt_out_close(s->mqtt);
    buf_release(&s->body);
    free(s->lines);
    free(s->path);
    free(s->topic);
    *s = (struct sink){0};
}

/* ---- rows ---- */

void sink_row(struct sink *s, int64_t t_us, size_t line)
{
    s->row_us = t_us;
    s->line = line;
    if (!s->http) {
        json_key(&s->w, "timestamp");
        json_put_time_ms(&s->w, t_us);
    }
}

void sink_add(struct sink *s, struct slice sensor, struct slice value)
{
    if (s->readings == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        size_t *lines = realloc(s->lines, cap * sizeof *lines);
        if (!lines) {
            s->body.failed = true;
            return;
        }
        s->lines = lines;
        s->cap = cap;
    }
    s->lines[s->readings++] = s->line;
    if (!s->http) {
        json_key_slice(&s->w, sensor);
        json_put_raw(&s->w, value);
        return;
    }
    json_open(&s->w, '{');
    json_key(&s->w, "sensor");
    json_put_string(&s->w, sensor);
    json_key(&s->w, "value");
    json_put_raw(&s->w, value);
    json_key(&s->w, "timestamp");
    json_put_time_ms(&s->w, s->row_us);
    json_close(&s->w, '}');
}

bool sink_full(const struct sink *s)
{
    return !s->http || s->readings >= SINK_READINGS_MAX || s->body.n >= SINK_BYTES_MAX;
}

/* ---- the batch on its way ---- */

static int judge(struct sink *s, const struct answer *a)
{
    const struct jval *rejected = a->json ? jval_get(a->json, "rejected") : NULL;
    s->accepted += (uint64_t)member_number(a->json, "accepted", 0);
    if (a->status == 200)
        return CODE_OK;
    if (slice_is(member(a->json, "code"), "unknown-twin") || !rejected || !rejected->count)
        return client_problem(a, NULL);
    s->refused += (uint64_t)member_number(a->json, "refused", (double)rejected->count);
    for (const struct jval *r = rejected->first; r; r = r->next) {
        double index = member_number(r, "index", -1);
        size_t line = index >= 0 && index < (double)s->readings ? s->lines[(size_t)index] : 0;
        tell(s, "line %zu: %.*s: %.*s (%.*s)", line, SLICE_ARG(member(r, "sensor")),
             SLICE_ARG(member(r, "detail")), SLICE_ARG(member(r, "code")));
    }
    return CODE_OK;
}

static int send_http(struct sink *s)
{
    struct answer a;
    for (int i = 0;; i++) {
        int code =
            client_call(s->http, "POST", s->path, "application/json", buf_slice(&s->body), &a);
        if (code != CODE_OK)
            return code;
        if (a.status != 503 || i >= TRIES || member_number(a.json, "accepted", 0) > 0)
            return judge(s, &a);
        sleep(1); /* it is busy, and says so */
    }
}

static int send_mqtt(struct sink *s)
{
    struct tag *tag = malloc(sizeof *tag);
    if (!tag) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    if (s->accepted == 0 && s->refused > SINK_HOPELESS) {
        term_problem("everything is refused");
        free(tag);
        return CODE_REFUSED;
    }
    *tag = (struct tag){s->line, s->readings};
    int code = mqtt_out_publish(s->mqtt, slice_str(s->topic), buf_slice(&s->body), tag);
    if (code != CODE_OK)
        free(tag);
    return code;
}

int sink_send(struct sink *s)
{
    if (s->readings == 0) { /* rows without a value */
        begin_batch(s);
        return CODE_OK;
    }
    json_close(&s->w, s->http ? ']' : '}');
    if (s->body.failed) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    int code = s->http ? send_http(s) : send_mqtt(s);
    if (code == CODE_OK)
        s->sent += s->readings;
    begin_batch(s);
    return code;
}

int sink_wait(struct sink *s, int ms)
{
    if (s->mqtt)
        return mqtt_out_wait(s->mqtt, ms);
    usleep((useconds_t)ms * 1000);
    return CODE_OK;
}

int sink_finish(struct sink *s)
{
    int code = sink_send(s);
    return code == CODE_OK && s->mqtt ? mqtt_out_finish(s->mqtt) : code;
}
