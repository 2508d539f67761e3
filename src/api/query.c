/* query.c - questions in SQL over HTTP, answered as the peer takes them.
 *
 * Rows are written on the question's thread into a buffer; when that is full the turn ends, the
 * buffer goes to the peer, and the next turn begins once the peer has taken it.  An answer that
 * fits into the first buffer goes as a whole, with its length, and what goes wrong until then is a
 * problem document that says where in the text; what goes wrong later breaks the answer off, so
 * that nobody takes a part for the whole. */
#include "access/documents.h"
#include "api/internal.h"
#include "ask/ask.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/csv_text.h"

enum { FULL = 64 << 10 };

struct answer {
    struct call *call;
    struct ask_job *job; /* NULL: it has ended */
    enum answer_form form;
    struct buf out;
    struct json_writer json;
    struct arena *arena; /* of the question's thread: the request's is the loop's */
    const char **names;  /* each once for NDJSON */
    size_t names_n;
    bool sending, waiting, commas;
};

/* ---- forms; on the question's thread ---- */

static void put_value(struct json_writer *w, const struct ask_value *v)
{
    struct buf hex = {0};
    switch (v->type) {
    case ASK_INTEGER:
        json_put_int(w, v->i);
        break;
    case ASK_REAL:
        json_put_double(w, v->d);
        break;
    case ASK_TEXT:
        json_put_string(w, v->text);
        break;
    case ASK_BLOB:
        for (size_t i = 0; i < v->text.n; i++)
            buf_addf(&hex, "%02x", (unsigned char)v->text.p[i]);
        json_put_string(w, buf_slice(&hex));
        w->out->failed |= hex.failed;
        buf_release(&hex);
        break;
    default:
        json_put_null(w);
    }
}

static void csv_value(struct buf *out, const struct ask_value *v)
{
    struct json_writer w;
    if (v->type == ASK_TEXT) {
        csv_put_foreign(out, v->text);
    } else if (v->type != ASK_NULL) {
        json_writer_init(&w, out, 0);
        put_value(&w, v);
    }
}

/* Two columns of one name are two members of an object: the second is called "name:1". */
static const char *once(struct answer *a, const char *name, size_t n)
{
    const char *as = name;
    for (unsigned k = 1; k <= n; k++) {
        size_t i = 0;
        while (i < n && strcmp(a->names[i], as) != 0)
            i++;
        if (i == n)
            break;
        as = arena_printf(a->arena, "%s:%u", name, k);
        if (!as)
            return name;
    }
    return as;
}

static void on_columns(void *arg, const char *const *names, size_t n)
{
    struct answer *a = arg;
    struct json_writer *w = &a->json;
    a->names = arena_alloc(a->arena, (n ? n : 1) * sizeof *a->names);
    a->out.failed |= !a->names;
    for (size_t i = 0; a->names && i < n; i++) {
        const char *kept = arena_strndup(a->arena, names[i], strlen(names[i]));
        a->out.failed |= !kept;
        a->names[i] = once(a, kept ? kept : "", i);
        a->names_n = i + 1;
    }
    json_writer_init(w, &a->out, 0);
    if (a->form == FORM_JSON) {
        json_open(w, '{');
        json_key(w, "columns");
        json_open(w, '[');
        for (size_t i = 0; i < n; i++)
            json_put_cstr(w, names[i]);
        json_close(w, ']');
        json_key(w, "rows");
        json_open(w, '[');
    }
    for (size_t i = 0; a->form == FORM_CSV && i < n; i++) {
        if (i)
            buf_add_byte(&a->out, ',');
        csv_put_foreign(&a->out, slice_str(names[i]));
    }
    if (a->form == FORM_CSV)
        buf_add_byte(&a->out, '\n');
}

static bool on_row(void *arg, const struct ask_value *v, size_t n)
{
    struct answer *a = arg;
    struct json_writer line, *w = &a->json;
    if (a->form == FORM_JSON) {
        json_open(w, '[');
        for (size_t i = 0; i < n; i++)
            put_value(w, &v[i]);
        json_close(w, ']');
    } else if (a->form == FORM_NDJSON) {
        json_writer_init(&line, &a->out, 0);
        json_open(&line, '{');
        for (size_t i = 0; i < n && i < a->names_n; i++) {
            json_key(&line, a->names[i]);
            put_value(&line, &v[i]);
        }
        json_close(&line, '}');
        buf_add_byte(&a->out, '\n');
    } else {
        for (size_t i = 0; i < n; i++) {
            if (i)
                buf_add_byte(&a->out, ',');
            csv_value(&a->out, &v[i]);
        }
        buf_add_byte(&a->out, '\n');
    }
    return a->out.n >= FULL || a->out.failed;
}

static void put_end(struct answer *a, const struct ask_turn *t)
{
    struct json_writer *w = &a->json;
    if (a->form != FORM_JSON)
        return;
    json_close(w, ']');
    json_key(w, "rowCount");
    json_put_uint(w, t->rows);
    json_key(w, "truncated");
    json_put_bool(w, t->truncated);
    json_key(w, "damaged");
    json_put_bool(w, t->damaged);
    json_key(w, "took");
    json_put_double(w, (double)t->run_us / 1000);
    json_close(w, '}');
}

/* ---- to the peer; the loop's thread ---- */

static const char *const types[] = {[FORM_JSON] = "application/json",
                                    [FORM_NDJSON] = "application/x-ndjson",
                                    [FORM_CSV] = "text/csv; charset=utf-8"};

static void problem(struct answer *a, const struct ask_turn *t)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    problem_write(&w, t->err, t->detail);
    if (t->line) {
        json_key(&w, "line");
        json_put_int(&w, t->line);
        json_key(&w, "column");
        json_put_int(&w, t->column);
    }
    json_close(&w, '}');
    http_respond(a->call->req, err_info(t->err)->http, "application/problem+json", buf_slice(&b));
    buf_release(&b);
}

/* The question has ended; the call's arena, where this stands, goes with the request. */
static void release(struct answer *a)
{
    buf_release(&a->out);
    arena_free(a->arena);
    a->arena = NULL;
}

static void fail(struct answer *a, const struct ask_turn *t)
{
    release(a);
    if (a->sending)
        http_respond_abort(a->call->req);
    else
        problem(a, t);
}

static void on_ready(struct http_req *r, void *data)
{
    struct call *call = data;
    struct answer *a = call->data;
    (void)r;
    if (a->waiting && a->job) {
        a->waiting = false;
        ask_go(a->job);
    }
}

static void send(struct answer *a)
{
    if (!a->sending)
        http_respond_start(a->call->req, 200, types[a->form], on_ready);
    a->sending = true;
    a->waiting = !http_respond_write(a->call->req, buf_slice(&a->out));
    buf_clear(&a->out);
}

static void finish(struct answer *a, const struct ask_turn *t)
{
    struct http_req *req = a->call->req;
    put_end(a, t);
    /* a stream has no place to say that it is not all */
    bool whole = a->form == FORM_JSON || !(t->truncated || t->damaged);
    if (a->out.failed || (!whole && t->damaged)) {
        fail(a, &(struct ask_turn){.err = a->out.failed ? ERR_NOMEM : ERR_CORRUPT});
        return;
    }
    if (a->sending) {
        http_respond_write(req, buf_slice(&a->out));
        release(a);
        http_respond_end(req);
        return;
    }
    struct buf out = a->out;
    a->out = (struct buf){0};
    release(a);
    http_respond(req, 200, types[a->form], buf_slice(&out));
    buf_release(&out);
}

static void on_turn(void *arg, const struct ask_turn *t)
{
    struct answer *a = arg;
    struct ask_job *job = a->job;
    if (t->ended)
        a->job = NULL;
    if (a->call->gone) {
        if (t->ended) {
            release(a);
            http_release(a->call->req);
        } else {
            ask_cancel(job);
        }
    } else if (t->err) {
        fail(a, t);
    } else if (t->ended) {
        finish(a, t);
    } else if (a->out.failed) {
        ask_cancel(job); /* its last turn fails */
    } else {
        if (a->out.n)
            send(a);
        if (!a->waiting)
            ask_go(job);
    }
}

static void on_gone(struct call *call)
{
    struct answer *a = call->data;
    if (a->job) /* its last turn releases */
        ask_cancel(a->job);
    else
        http_release(call->req);
}

/* ---- what is asked ---- */

/* A body of JSON has all of it; one of text is the SQL, and the rest stands in the address. */
static bool read_body(struct call *call, struct slice *ret_sql)
{
    struct slice media = call_media(call);
    if (slice_is_nocase(media, "text/plain") || slice_is_nocase(media, "application/sql"))
        return call_content(call, ret_sql);
    if (!call_json_type(call) || !call_json_params(call))
        return false;
    *ret_sql = call_param(call, "sql");
    if (ret_sql->p)
        return true;
    call_problem(call, ERR_INVALID, "sql is the question: {\"sql\":\"SELECT * FROM twins\"}.");
    return false;
}

static bool read_params(struct call *call, const struct jval **ret)
{
    const struct jval *params = call->params ? jval_get(call->params, "params") : NULL;
    if (params && params->type != J_OBJECT && params->type != J_ARRAY && params->type != J_NULL) {
        call_problem(call, ERR_INVALID,
                     "params is an object of what :name stands for, or an array of what ? does.");
        return false;
    }
    *ret = params && params->type != J_NULL ? params : NULL;
    return true;
}

static bool read_timeout(struct call *call, int64_t *ret)
{
    struct slice text = call_param(call, "timeout");
    if (!text.p)
        return true;
    if (!clock_parse_duration(text, ret) && *ret >= 1000 && *ret <= ASK_RUN_MAX_MS * INT64_C(1000))
        return true;
    call_problemf(call, ERR_INVALID, "timeout is a span of time up to %d s, such as 5s.",
                  ASK_RUN_MAX_MS / 1000);
    return false;
}

static const char *why(int err)
{
    switch (err) {
    case ERR_RATE:
        return "You ask as many questions at once as you may. Wait for one to end, or cancel it.";
    case ERR_TOO_LARGE:
        return "The question is longer than 64 KiB.";
    case ERR_EXISTS:
        return "You ask a question of that id already.";
    case ERR_INVALID:
        return "id has letters, digits and . _ - :, at most 64 of them.";
    default:
        return NULL;
    }
}

void query_answer(struct call *call, struct slice sql, const struct jval *params)
{
    static const struct ask_taker taker = {on_columns, on_row, on_turn};
    struct answer *a = arena_zalloc(call->arena, sizeof *a);
    struct ask_question q = {.sql = sql, .params = params, .id = call_param(call, "id")};
    if (!a) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->call = call;
    if (!call_form(call, &a->form))
        return;
    q.limits.rows = a->form == FORM_JSON ? ASK_ROWS : ASK_ROWS_MAX;
    if (!call_uint(call, "limit", 1, ASK_ROWS_MAX, &q.limits.rows) ||
        !call_time(call, "at", &q.at_us) || !read_timeout(call, &q.limits.run_us))
        return;
    call->data = a;
    a->arena = arena_new();
    int err = !a->arena ? ERR_NOMEM
              : call->api->opts.asks
                  ? ask_start(call->api->opts.asks, call->who, &q, &taker, a, &a->job)
                  : ERR_UNSUPPORTED;
    if (err) {
        release(a);
        if (err == ERR_RATE)
            http_add_header(call->req, "Retry-After", "1");
        call_problem(call, err, why(err));
        return;
    }
    http_add_header(call->req, "Doppel-Query", ask_id(a->job));
    call_wait(call, on_gone);
}

static void query_run(struct call *call)
{
    struct slice sql;
    const struct jval *params;
    if (read_body(call, &sql) && read_params(call, &params))
        query_answer(call, sql, params);
}

/* A saved one: by the SQL of its document, with the parameters of the body. */
static void query_run_saved(struct call *call)
{
    const struct document *d =
        document_find(core_access(call->core), DOCUMENT_QUERY, call->who->org, call->parts[0]);
    const struct jval *params = NULL;
    struct slice body;
    if (!call_content(call, &body) ||
        (body.n &&
         (!call_json_type(call) || !call_json_params(call) || !read_params(call, &params))))
        return;
    if (d)
        query_answer(call, jval_string(jval_get(d->body, "sql")), params);
    else
        call_problemf(call, ERR_NOT_FOUND, "There is no saved question \"%.*s\".",
                      call->parts[0].n > 128 ? 128 : (int)call->parts[0].n, call->parts[0].p);
}

static void query_cancel(struct call *call)
{
    struct ask_job *j =
        call->api->opts.asks ? ask_find(call->api->opts.asks, call->who, call->parts[0]) : NULL;
    if (!j) {
        call_problem(call, ERR_NOT_FOUND, "You ask no question of that id; it may have ended.");
        return;
    }
    ask_cancel(j);
    http_respond(call->req, 204, NULL, SLICE_LIT(""));
}

static void query_schema(struct call *call)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    ask_schema(&w);
    call_json(call, 200, &b);
}

/* ---- routes ---- */

#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\"}"
static const struct route_param run_params[] = {
    {"at", "{\"oneOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":\"number\"}]}",
     "as of when (default: now)"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000000}",
     "rows at most (default: 100000 in JSON, else 10000000)"},
    {"timeout", TEXT, "how long it may work, up to 60s (default: 10s)"},
    {"id", TEXT, "by which it can be cancelled (default: it gets one, in Doppel-Query)"},
    {"format", "{\"enum\":[\"json\",\"ndjson\",\"csv\"]}",
     "of the answer; without it, what Accept says"},
    {0}};
static const struct route_answer run_answers[] = {
    {200, "QueryResult", NULL},  {400, "QueryProblem", NULL}, {408, "QueryProblem", NULL},
    {409, "Problem", NULL},      {413, "QueryProblem", NULL}, {415, "Problem", NULL},
    {422, "QueryProblem", NULL}, {503, "Problem", NULL},      {0}};
static const struct route_answer saved_answers[] = {
    {200, "QueryResult", NULL},  {400, "QueryProblem", NULL}, {404, "Problem", NULL},
    {408, "QueryProblem", NULL}, {413, "QueryProblem", NULL}, {415, "Problem", NULL},
    {422, "QueryProblem", NULL}, {503, "Problem", NULL},      {0}};
static const struct route_answer cancel_answers[] = {
    {204, NULL, NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer schema_answers[] = {{200, "QuerySchema", NULL}, {0}};

/* clang-format off */
const struct route query_routes[] = {
    {"POST", "/api/v1/query", OP_QUERY, "query", query_run, "Ask in SQL: live state, history and graph (docs/query.md)", run_params, "Query", "application/json text/plain application/sql", run_answers},
    {"POST", "/api/v1/queries/{id}/run", OP_QUERY, "runQuery", query_run_saved, "Ask a saved question, with parameters", run_params, "QueryRun", NULL, saved_answers},
    {"GET", "/api/v1/query/schema", OP_QUERY, "readQuerySchema", query_schema, "The tables, columns and functions of the SQL", NULL, NULL, NULL, schema_answers},
    {"DELETE", "/api/v1/query/{id}", OP_QUERY, "cancelQuery", query_cancel, "Cancel a question of one's own", NULL, NULL, NULL, cancel_answers},
    {0},
};

#define PROBLEM_PLACE "\"line\":{\"type\":\"integer\"},\"column\":{\"type\":\"integer\"}"
const struct named_schema query_schemas[] = {
    {"Query", "{\"type\":\"object\",\"required\":[\"sql\"],\"properties\":{\"sql\":" TEXT ",\"params\":{\"type\":[\"object\",\"array\",\"null\"]},\"at\":{\"type\":[\"string\",\"number\"]},\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000000},\"timeout\":" TEXT ",\"id\":" TEXT ",\"format\":{\"enum\":[\"json\",\"ndjson\",\"csv\"]}}}"},
    {"QueryRun", "{\"type\":\"object\",\"properties\":{\"params\":{\"type\":[\"object\",\"array\",\"null\"]},\"at\":{\"type\":[\"string\",\"number\"]},\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000000},\"timeout\":" TEXT ",\"id\":" TEXT ",\"format\":{\"enum\":[\"json\",\"ndjson\",\"csv\"]}}}"},
    {"QueryResult", "{\"type\":\"object\",\"required\":[\"columns\",\"rows\",\"rowCount\",\"truncated\",\"damaged\",\"took\"],\"properties\":{\"columns\":{\"type\":\"array\",\"items\":" TEXT "},\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"array\"}},\"rowCount\":{\"type\":\"integer\"},\"truncated\":" FLAG ",\"damaged\":" FLAG ",\"took\":{\"type\":\"number\"}}}"},
    {"QueryProblem", "{\"allOf\":[{\"$ref\":\"#/components/schemas/Problem\"},{\"type\":\"object\",\"properties\":{" PROBLEM_PLACE "}}]}"},
    {"QuerySchema", "{\"type\":\"object\",\"required\":[\"tables\",\"functions\"],\"properties\":{\"tables\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"text\",\"columns\"],\"properties\":{\"name\":" TEXT ",\"text\":" TEXT ",\"columns\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"type\",\"text\",\"argument\",\"narrows\"],\"properties\":{\"name\":" TEXT ",\"type\":" TEXT ",\"text\":" TEXT ",\"argument\":" FLAG ",\"narrows\":" FLAG "}}}}}},\"functions\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"arguments\",\"text\"],\"properties\":{\"name\":" TEXT ",\"arguments\":" TEXT ",\"text\":" TEXT "}}}}}"},
    {0},
};
/* clang-format on */
