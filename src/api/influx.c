/* influx.c - what clients of InfluxDB 1 and 2 say and hear: writes in line protocol, and as much
 * else as they ask before they write.  docs/line-protocol.md tells it to people.
 *
 * What cannot be kept is answered as InfluxDB does, so that its clients do the right thing: 400 and
 * 422 mean that sending it again is no use, 503 and 507 that it is. */
#include "api/internal.h"
#include "base/err.h"

#include <stdio.h>

enum {
    LATER_S = 10, /* until more may be made again, most likely */
    HEADER_SHOWN = 512,
};

/* Clients look at the version to learn what is understood: that of the last 1.x. */
static void greet(struct call *call)
{
    http_add_headerf(call->req, "X-Influxdb-Version", "1.8.10-doppel-%s", call->api->opts.version);
    http_add_header(call->req, "X-Influxdb-Build", "Doppel");
}

/* As much of it as a header should hold, and without what it cannot. */
static void put_header(struct call *call, const char *name, const char *text)
{
    char *copy = arena_strndup(call->arena, text, strnlen(text, HEADER_SHOWN));
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = ' ';
    if (copy)
        http_add_header(call->req, name, copy);
}

/* ---- refusals ---- */

struct refusal {
    int status;
    size_t line; /* 0: of the whole */
    const char *text;
};

static const char *code_of(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "invalid"},
                 {404, "not found"},
                 {413, "request too large"},
                 {415, "invalid"},
                 {422, "unprocessable entity"},
                 {503, "unavailable"}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].status == status)
            return codes[i].code;
    return "internal error";
}

static void refuse_1(struct call *call, struct refusal r)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "error");
    json_put_cstr(&w, r.text);
    json_close(&w, '}');
    buf_add_byte(&b, '\n');
    put_header(call, "X-Influxdb-Error", r.text);
    call_json(call, r.status, &b);
}

static void refuse_2(struct call *call, struct refusal r)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "code");
    json_put_cstr(&w, code_of(r.status));
    json_key(&w, "message");
    json_put_cstr(&w, r.text);
    if (r.line) {
        json_key(&w, "line");
        json_put_uint(&w, r.line);
    }
    json_close(&w, '}');
    put_header(call, "X-Platform-Error-Code", code_of(r.status));
    call_json(call, r.status, &b);
}

static void refuse(struct call *call, struct refusal r)
{
    if (r.status == 503)
        http_add_headerf(call->req, "Retry-After", "%d", call->flag ? LATER_S : 1);
    if (slice_starts(http_path(call->req), "/api/v2/"))
        refuse_2(call, r);
    else
        refuse_1(call, r);
}

/* ---- writing ---- */

static struct refusal describe(struct call *call, const struct line_result *r)
{
    bool v2 = slice_starts(http_path(call->req), "/api/v2/");
    int status = err_info(r->err)->http;
    if (status != 503 && status != 507 && r->err != ERR_QUOTA)
        status = r->unreadable || !v2 ? 400 : 422;
    const char *text = r->detail;
    if (!r->unreadable || r->dropped < r->points)
        text = arena_printf(call->arena, "partial write: %s dropped=%zu", r->detail, r->dropped);
    return (struct refusal){status, r->line, text ? text : err_info(ERR_NOMEM)->text};
}

static void on_written(void *arg, const struct line_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    call->flag = r->err == ERR_OVERLOAD;
    if (r->err)
        refuse(call, describe(call, r));
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

static bool read_unit(struct call *call, int64_t *ret)
{
    struct slice precision = http_query(call->req, "precision");
    if (line_precision(precision, ret) == 0)
        return true;
    const char *text =
        arena_printf(call->arena, "invalid precision \"%.*s\" (use ns, u, ms, s, m or h)",
                     precision.n > 32 ? 32 : (int)precision.n, precision.p);
    refuse(call, (struct refusal){400, 0, text ? text : "invalid precision"});
    return false;
}

static bool read_text(struct call *call, struct slice *ret)
{
    int err = http_content(call->req, ret);
    if (err)
        refuse(call, (struct refusal){err_info(err)->http, 0, call_content_why(err)});
    return !err;
}

/* 413 and the like came before; no more is asked of who writes than which database. */
static void write_lines(struct call *call, struct slice database)
{
    struct api *a = call->api;
    /* the peer's words live with the connection, which may end before the answer */
    const char *peer = arena_printf(call->arena, "%s", http_peer(call->req));
    struct line_body body = {
        .source = {.via = "line", .topic = http_path(call->req), .who = call->who},
        .database = database,
        .grant = call_grant(call)};
    if (!read_unit(call, &body.unit) || !read_text(call, &body.text))
        return;
    body.source.peer = peer ? peer : "";
    if (!core_has_room(call->core)) {
        refuse(call, (struct refusal){503, 0, "the disk is behind: send it again in a second"});
        return;
    }
    call_wait(call, NULL);
    if (!line_in_take(a->lines, &body, on_written, call))
        refuse(call, (struct refusal){503, 0, err_info(ERR_NOMEM)->text});
}

void influx_write_1(struct call *call)
{
    struct slice db = http_query(call->req, "db");
    greet(call);
    if (!db.n) {
        refuse(call, (struct refusal){400, 0, "database is required"});
    } else if (!line_map_has_database(line_in_map(call->api->lines), db)) {
        const char *text = arena_printf(call->arena, "database not found: \"%.*s\"", SLICE_ARG(db));
        refuse(call, (struct refusal){404, 0, text ? text : "database not found"});
    } else {
        write_lines(call, db);
    }
}

void influx_write_2(struct call *call)
{
    struct slice bucket = http_query(call->req, "bucket");
    greet(call);
    if (!bucket.p)
        bucket = http_query(call->req, "bucketID");
    if (!bucket.n) {
        refuse(call, (struct refusal){400, 0, "bucket is required"});
    } else if (!line_map_has_database(line_in_map(call->api->lines), bucket)) {
        const char *text =
            arena_printf(call->arena, "bucket \"%.*s\" not found", SLICE_ARG(bucket));
        refuse(call, (struct refusal){404, 0, text ? text : "bucket not found"});
    } else {
        write_lines(call, bucket);
    }
}

/* ---- what clients ask before ---- */

/* The statements that make ready for writing; there is nothing to make. */
static const struct {
    const char *begins, *series; /* JSON, or NULL */
} statements[] = {
    {"CREATE DATABASE ", NULL},
    {"CREATE RETENTION POLICY ", NULL},
    {"ALTER RETENTION POLICY ", NULL},
    {"SHOW DATABASES", "[{\"name\":\"databases\",\"columns\":[\"name\"]}]"},
};

/* Its row, or -1.  Words may have any case. */
static int find_statement(struct slice text)
{
    for (int i = 0; i < (int)(sizeof statements / sizeof statements[0]); i++) {
        size_t n = strlen(statements[i].begins);
        if (text.n >= n && strncasecmp(text.p, statements[i].begins, n) == 0)
            return i;
    }
    return -1;
}

static void put_result(struct json_writer *w, int id, const char *series)
{
    json_open(w, '{');
    json_key(w, "statement_id");
    json_put_int(w, id);
    if (series) {
        json_key(w, "series");
        json_put_raw(w, slice_str(series));
    }
    json_close(w, '}');
}

/* Every statement of q; false: one is not understood. */
static bool put_results(struct json_writer *w, struct slice q)
{
    struct slice one;
    int n = 0;
    json_open(w, '{');
    json_key(w, "results");
    json_open(w, '[');
    while (slice_cut(&q, ';', &one)) {
        one = slice_trim(one);
        int row = one.n ? find_statement(one) : 0;
        if (row < 0)
            return false;
        if (one.n)
            put_result(w, n++, statements[row].series);
    }
    json_close(w, ']');
    json_close(w, '}');
    return true;
}

void influx_query(struct call *call)
{
    struct slice q = http_query(call->req, "q"), body;
    struct buf b = {0};
    struct json_writer w;
    greet(call);
    if (!q.p && !read_text(call, &body))
        return;
    if (!q.p)
        q = http_form(call->req, body, "q");
    if (!q.n) {
        refuse(call, (struct refusal){400, 0, "missing required parameter \"q\""});
        return;
    }
    json_writer_init(&w, &b, 0);
    if (put_results(&w, q)) {
        call_json(call, 200, &b);
        return;
    }
    buf_release(&b);
    refuse(call, (struct refusal){400, 0,
                                  "error parsing query: only CREATE DATABASE, CREATE and ALTER "
                                  "RETENTION POLICY and SHOW DATABASES are understood; read the "
                                  "past at /api/v1/history"});
}

void influx_ping(struct call *call)
{
    struct slice verbose = http_query(call->req, "verbose");
    greet(call);
    if (!verbose.n || slice_is(verbose, "0") || slice_is(verbose, "false")) {
        http_respond(call->req, 204, NULL, slice_of("", 0));
        return;
    }
    struct buf b = {0};
    buf_addf(&b, "{\"version\":\"1.8.10-doppel-%s\"}", call->api->opts.version);
    call_json(call, 200, &b);
}

void influx_health(struct call *call)
{
    bool ready = core_ready(call->core);
    struct buf b = {0};
    greet(call);
    buf_addf(&b,
             "{\"name\":\"doppel\",\"message\":\"%s\",\"status\":\"%s\",\"checks\":[],"
             "\"version\":\"%s\"}",
             ready ? "ready for writes" : "the disk does not take readings",
             ready ? "pass" : "fail", call->api->opts.version);
    call_json(call, ready ? 200 : 503, &b);
}
