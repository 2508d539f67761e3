/* call.c - what every handler needs: problems, parameters, the wait for something slower. */
#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <math.h>
#include <stdio.h>

#define TIME_MAX_MS 8.64e15 /* as far as a Date of JavaScript goes; microseconds of it fit */

static void problem_members(struct json_writer *w, int err, int status_code, const char *detail)
{
    const struct err_info *e = err_info(err);
    char type[64];
    snprintf(type, sizeof type, "/errors/%s", e->code);
    json_key(w, "type");
    json_put_cstr(w, type);
    json_key(w, "title");
    json_put_cstr(w, e->text);
    json_key(w, "status");
    json_put_int(w, status_code);
    json_key(w, "detail");
    json_put_cstr(w, detail ? detail : e->text);
    json_key(w, "code");
    json_put_cstr(w, e->code);
}

void problem_write(struct json_writer *w, int err, const char *detail)
{
    problem_members(w, err, err_info(err)->http, detail);
}

static void answer_problem(struct call *call, int err, int status_code, const char *detail)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    problem_members(&w, err, status_code, detail);
    json_close(&w, '}');
    if (status_code == 503)
        http_add_header(call->req, "Retry-After", "1");
    http_respond(call->req, status_code, "application/problem+json", buf_slice(&b));
    buf_release(&b);
}

void call_problem(struct call *call, int err, const char *detail)
{
    answer_problem(call, err, err_info(err)->http, detail);
}

void call_problemf(struct call *call, int err, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    call_problem(call, err, detail);
}

void call_json(struct call *call, int status_code, struct buf *body)
{
    if (body->failed)
        call_problem(call, ERR_NOMEM, NULL);
    else
        http_respond(call->req, status_code, "application/json", buf_slice(body));
    buf_release(body);
}

void call_rows_begin(struct json_writer *w, struct buf *body, const char *key)
{
    json_writer_init(w, body, 0);
    json_open(w, '{');
    json_key(w, key);
    json_open(w, '[');
}

void call_rows_end(struct call *call, struct json_writer *w, struct buf *body)
{
    json_close(w, ']');
    json_close(w, '}');
    call_json(call, 200, body);
}

static void gone(struct http_req *r, void *data)
{
    struct call *call = data;
    call->gone = true;
    if (call->on_gone)
        call->on_gone(call);
    (void)r;
}

struct provision_grant *call_grant(const struct call *call)
{
    const struct api_opts *opts = &call->api->opts;
    const struct access_object o = {.org = call->who->org};
    if (!access_may(core_access(call->core), call->who, OP_PROVISION, &o))
        return NULL;
    return http_is_tls_listener(call->req) ? opts->grant_https : opts->grant_http;
}

bool call_takes_anybody(const struct call *call)
{
    const struct api_opts *opts = &call->api->opts;
    return http_is_tls(call->req) ? opts->anonymous_https : opts->anonymous_http;
}

void call_wait(struct call *call, void (*on_gone)(struct call *call))
{
    call->on_gone = on_gone;
    http_set_data(call->req, call, gone);
}

bool call_alive(struct call *call)
{
    if (!call->gone)
        return true;
    http_release(call->req);
    return false;
}

struct access_object twin_object(const struct twin *t)
{
    return (struct access_object){.org = t->org, .twin = slice_str(t->key)};
}

struct access_object sensor_object(const struct sensor *s)
{
    return (struct access_object){.org = s->twin->org,
                                  .twin = slice_str(s->twin->key),
                                  .part = PART_SENSOR,
                                  .name = slice_str(s->id)};
}

struct twin *call_seen_twin(struct call *call)
{
    struct twin *t = NULL;
    int err = core_find(call->core, call->who, call->parts[0], OP_TWIN_READ, &t);
    if (t)
        call->org = t->org; /* a refusal names it */
    if (err && call->who->kind == WHO_DEVICE && err == ERR_FORBIDDEN)
        err = 0; /* its own, of which it may do something else */
    if (err == ERR_UNAUTHENTICATED || err == ERR_FORBIDDEN)
        call_denied(call, err, call->route->op, NULL);
    else if (err)
        call_problemf(call, err, "There is no twin \"%.*s\".",
                      call->parts[0].n > 128 ? 128 : (int)call->parts[0].n, call->parts[0].p);
    return err ? NULL : t;
}

struct twin *call_twin(struct call *call)
{
    struct twin *t = call_seen_twin(call);
    if (!t)
        return NULL;
    const struct access_object o = twin_object(t);
    return call_may(call, call->route->op, &o) ? t : NULL;
}

/* A part of the twin that they neither see nor may do this to is not there for them. */
static bool is_hidden(const struct call *call, const struct sensor *s)
{
    const struct access *a = core_access(call->core);
    const struct access_object o = sensor_object(s);
    return call->who->kind != WHO_DEVICE && !access_may(a, call->who, call->route->op, &o) &&
           !access_may(a, call->who, OP_DATA_READ, &o) && call->who->scopes & OP_BIT(OP_DATA_READ);
}

struct sensor *call_sensor(struct call *call)
{
    struct twin *t = call_seen_twin(call);
    struct sensor *s = t ? core_sensor(t, call->parts[1]) : NULL;
    if (s && is_hidden(call, s))
        s = NULL;
    if (t && !s) {
        char detail[256];
        snprintf(detail, sizeof detail, "%s has no sensor \"%.*s\".", t->id,
                 call->parts[1].n > 128 ? 128 : (int)call->parts[1].n, call->parts[1].p);
        /* as an address it is missing, whatever it is in a message */
        answer_problem(call, ERR_UNKNOWN_SENSOR, 404, detail);
    }
    if (!s)
        return NULL;
    const struct access_object o = sensor_object(s);
    return call_may(call, call->route->op, &o) ? s : NULL;
}

/* The parts of an array with commas between. */
static struct slice joined(struct arena *a, const struct jval *array)
{
    struct buf b = {0};
    for (const struct jval *v = array->first; v; v = v->next) {
        buf_add_slice(&b, v->text);
        if (v->next)
            buf_add_byte(&b, ',');
    }
    struct slice copy = arena_dup(a, b.failed ? slice_of(NULL, 0) : buf_slice(&b));
    buf_release(&b);
    return copy;
}

struct slice call_param(struct call *call, const char *name)
{
    if (!call->params)
        return http_query(call->req, name);
    const struct jval *v = jval_get(call->params, name);
    switch (v ? v->type : J_NULL) {
    case J_BOOL:
        return slice_str(v->boolean ? "true" : "false");
    case J_NUMBER:
    case J_STRING:
        return v->text;
    case J_ARRAY:
        return joined(call->arena, v);
    default:
        return slice_of(NULL, 0);
    }
}

bool call_json_params(struct call *call)
{
    struct json_error e;
    if (jdoc_parse(call->arena, http_body(call->req), &call->params, &e)) {
        call_problemf(call, ERR_MALFORMED, "The body is no JSON: %s (line %d, column %d).",
                      e.message, e.line, e.column);
        return false;
    }
    if (call->params->type != J_OBJECT) {
        call_problem(call, ERR_MALFORMED, "The body is an object with the parameters in it.");
        return false;
    }
    return true;
}

bool call_uint(struct call *call, const char *name, uint64_t least, uint64_t most, uint64_t *value)
{
    struct slice text = call_param(call, name);
    uint64_t v;
    if (!text.p)
        return true;
    if (slice_to_u64(text, &v) || v < least || v > most) {
        call_problemf(call, ERR_INVALID, "%s is a whole number from %llu to %llu.", name,
                      (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    *value = v;
    return true;
}

/* A plus that was not percent-encoded has become a space: 14:30:00 01:00 */
static struct slice mend_plus(struct arena *a, struct slice text)
{
    struct slice copy = arena_dup(a, text);
    for (size_t i = 11; copy.p && i < copy.n; i++)
        if (copy.p[i] == ' ')
            ((char *)(uintptr_t)copy.p)[i] = '+';
    return copy.p ? copy : text;
}

bool call_bool(struct call *call, const char *name, bool *value)
{
    struct slice text = call_param(call, name);
    if (!text.p)
        return true;
    if (!slice_is(text, "true") && !slice_is(text, "false")) {
        call_problemf(call, ERR_INVALID, "%s is true or false.", name);
        return false;
    }
    *value = slice_is(text, "true");
    return true;
}

bool call_time(struct call *call, const char *name, int64_t *t_us)
{
    struct slice text = call_param(call, name);
    double ms;
    if (!text.p)
        return true;
    if (slice_to_double(text, &ms) == 0 && fabs(ms) <= TIME_MAX_MS) {
        *t_us = (int64_t)floor(ms * 1000 + 0.5);
        return true;
    }
    if (clock_parse(mend_plus(call->arena, text), t_us) == 0)
        return true;
    call_problemf(
        call, ERR_BAD_TIME,
        "%s is RFC 3339 with an offset, such as 2024-03-15T14:30:00Z, or Unix milliseconds.", name);
    return false;
}

struct slice call_media(struct call *call)
{
    struct slice rest = http_header(call->req, "content-type"), media = {0};
    if (rest.p)
        slice_cut(&rest, ';', &media);
    return slice_trim(media);
}

const char *call_content_why(int err)
{
    return err == ERR_MEDIA_TYPE  ? "Content-Encoding is gzip, deflate or identity."
           : err == ERR_MALFORMED ? "The body does not decompress."
           : err == ERR_TOO_LARGE ? "The body is too large once it is decompressed."
                                  : err_info(err)->text;
}

bool call_content(struct call *call, struct slice *ret)
{
    int err = http_content(call->req, ret);
    if (err)
        call_problem(call, err, call_content_why(err));
    return !err;
}

bool call_json_type(struct call *call)
{
    struct slice media = call_media(call);
    /* a form is what curl -d says when it was not told: the body is still what counts */
    if (!media.n || slice_is_nocase(media, "application/json") ||
        slice_is_nocase(media, "text/json") || slice_is_nocase(media, "text/plain") ||
        slice_is_nocase(media, "application/ld+json") ||
        (slice_is_nocase(media, "application/merge-patch+json") &&
         slice_is(http_method(call->req), "PATCH")) ||
        slice_is_nocase(media, "application/x-www-form-urlencoded") ||
        slice_is_nocase(media, "application/octet-stream"))
        return true;
    call_problemf(call, ERR_MEDIA_TYPE, "Send application/json, not %.*s.",
                  media.n > 80 ? 80 : (int)media.n, media.p);
    return false;
}

/* Is it this tag, or this tag as it goes out with a compressed body? */
static bool is_tag(struct slice tag, const char *etag)
{
    const struct slice coded = SLICE_LIT("-gzip\"");
    size_t n = strlen(etag) - 1; /* without the quote at the end */
    return slice_is(tag, etag) || (tag.n == n + coded.n && memcmp(tag.p, etag, n) == 0 &&
                                   slice_eq(slice_skip(tag, n), coded));
}

bool etag_listed(struct slice list, const char *etag, bool weak)
{
    if (!etag[0])
        return false;
    if (slice_is(slice_trim(list), "*"))
        return true;
    while (list.n) {
        bool is_weak = slice_starts(list, "W/\"");
        struct slice tag = slice_skip(list, is_weak ? 2 : 0);
        ptrdiff_t end = tag.p[0] == '"' ? slice_find(slice_skip(tag, 1), '"') : -1;
        if (end < 0) { /* a comma, a space, or what is no tag */
            list = slice_skip(list, 1);
            continue;
        }
        if ((weak || !is_weak) && is_tag(slice_of(tag.p, (size_t)end + 2), etag))
            return true;
        list = slice_skip(tag, (size_t)end + 2);
    }
    return false;
}

void etag_of(char out[static 64], int64_t created_us, uint64_t version)
{
    snprintf(out, 64, "\"%llx-%llu\"", (unsigned long long)created_us, (unsigned long long)version);
}

void etag_write(char out[static 64], const struct twin *t)
{
    etag_of(out, t->created_us, t->version);
}
