#include "api/versions.h"

#include "base/err.h"
#include "codec/json_diff.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000 };

/* A question under way, in the request's arena. */
struct asking {
    struct call *call;
    struct versions_of of;
    uint64_t n, from, to; /* to 0: as it is now */
    struct jval *before, *after;
    struct version found;
    void (*then)(struct asking *q);
};

static struct access *access_of(const struct call *call)
{
    return core_access(call->core);
}

static struct asking *ask(struct call *call, const struct versions_of *of)
{
    struct asking *q = arena_zalloc(call->arena, sizeof *q);
    if (!q) {
        call_problem(call, ERR_NOMEM, NULL);
        return NULL;
    }
    q->call = call;
    q->of = *of;
    return q;
}

static void fail(struct call *call, int err)
{
    call_problem(call, err,
                 err == ERR_NOT_FOUND
                     ? "There is no such version; .../versions lists those that there are."
                     : NULL);
}

static void write_version(struct json_writer *w, const struct call *call, const struct version *v,
                          bool current)
{
    json_key(w, "n");
    json_put_uint(w, v->n);
    json_key(w, "time");
    json_put_time(w, v->at_us);
    json_key(w, "by");
    if (v->who_kind.n) {
        json_open(w, '{');
        json_key(w, "kind");
        json_put_string(w, v->who_kind);
        json_key(w, "id");
        json_put_string(w, v->who);
        put_text(w, "name", version_author(access_of(call), v));
        json_close(w, '}');
    } else {
        json_put_null(w);
    }
    json_key(w, "reason");
    json_put_string(w, v->reason);
    json_key(w, "gone");
    json_put_bool(w, v->gone);
    json_key(w, "current");
    json_put_bool(w, current);
}

/* ---- the list ---- */

static void on_list(void *arg, const struct versions_read *r)
{
    struct asking *q = arg;
    struct call *call = q->call;
    struct buf b = {0};
    struct json_writer w;
    if (!call_alive(call))
        return;
    if (r->err || (!r->n && !q->n)) {
        call_problem(call, r->err ? r->err : q->of.missing, NULL);
        return;
    }
    call_rows_begin(&w, &b, "versions");
    for (size_t i = 0; i < r->n; i++) {
        json_open(&w, '{');
        write_version(&w, call, &r->list[i], !q->n && !i && !r->list[i].gone);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_key(&w, "next");
    if (r->more)
        json_put_uint(&w, r->list[r->n - 1].n);
    else
        json_put_null(&w);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void versions_answer(struct call *call, const struct versions_of *of)
{
    uint64_t limit = LIST_DEFAULT, cursor = 0;
    if (!call_uint(call, "limit", 1, LIST_MAX, &limit) ||
        !call_uint(call, "cursor", 1, INT64_MAX, &cursor))
        return;
    struct asking *q = ask(call, of);
    if (!q)
        return;
    q->n = cursor;
    call_wait(call, NULL);
    versions_list(access_of(call), of->kind, of->id, cursor, (size_t)limit, on_list, q);
}

/* ---- one, with its text ---- */

static void on_now(struct call *call, struct jval *body)
{
    struct asking *q = call->data;
    q->after = body;
    q->then(q);
}

static void on_one(void *arg, const struct versions_read *r)
{
    struct asking *q = arg;
    struct call *call = q->call;
    struct jval *body = NULL;
    if (!call_alive(call))
        return;
    if (r->err) {
        fail(call, r->err);
        return;
    }
    q->found = r->list[0];
    struct version *v = &q->found;
    v->who = arena_dup(call->arena, v->who);
    v->who_kind = arena_dup(call->arena, v->who_kind);
    v->reason = arena_dup(call->arena, v->reason);
    struct slice text = v->body.p ? arena_dup(call->arena, v->body) : v->body;
    call->data = q;
    if (!text.p && !v->gone) {
        q->of.now(call, on_now);
        return;
    }
    if (text.p && jdoc_parse(call->arena, text, &body, NULL)) {
        call_problem(call, ERR_CORRUPT, NULL);
        return;
    }
    q->after = body;
    q->then(q);
}

static void get(struct asking *q, uint64_t n, void (*then)(struct asking *q))
{
    struct call *call = q->call;
    q->then = then;
    versions_get(access_of(call), q->of.kind, q->of.id, n, 0, on_one, q);
}

static void show(struct asking *q)
{
    struct call *call = q->call;
    struct buf b = {0};
    struct json_writer w;
    if (q->after && q->of.hide)
        q->of.hide(call, q->after);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    write_version(&w, call, &q->found, !q->found.gone && !q->found.body.p);
    json_key(&w, "document");
    if (q->after)
        jval_write(&w, q->after);
    else
        json_put_null(&w);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

static bool number_of(struct call *call, struct slice text, uint64_t *ret)
{
    if (text.p && slice_to_u64(text, ret) == 0 && *ret && *ret <= INT64_MAX)
        return true;
    call_problem(call, ERR_NOT_FOUND, "A version is a number, from 1 on.");
    return false;
}

void version_answer(struct call *call, const struct versions_of *of)
{
    uint64_t n;
    struct asking *q = number_of(call, call->parts[1], &n) ? ask(call, of) : NULL;
    if (!q)
        return;
    call_wait(call, NULL);
    get(q, n, show);
}

/* ---- as it was at a time ---- */

static void show_then(struct asking *q)
{
    struct call *call = q->call;
    struct buf b = {0};
    struct json_writer w;
    if (!q->after) {
        call_problem(call, q->of.missing, "It was not there at that time.");
        return;
    }
    if (q->of.hide)
        q->of.hide(call, q->after);
    json_writer_init(&w, &b, 0);
    jval_write(&w, q->after);
    call_json(call, 200, &b);
}

static void on_then(void *arg, const struct versions_read *r)
{
    struct asking *q = arg;
    if (r->err != ERR_NOT_FOUND)
        on_one(arg, r);
    else if (call_alive(q->call))
        show_then(q);
}

void then_answer(struct call *call, const struct versions_of *of, int64_t at_us)
{
    struct asking *q = ask(call, of);
    if (!q)
        return;
    q->then = show_then;
    call_wait(call, NULL);
    versions_get(access_of(call), of->kind, of->id, 0, at_us, on_then, q);
}

/* ---- the difference of two ---- */

static void write_diff(struct asking *q)
{
    struct call *call = q->call;
    struct buf b = {0};
    struct json_writer w;
    if (q->after && q->of.hide)
        q->of.hide(call, q->after);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "from");
    json_put_uint(&w, q->from);
    json_key(&w, "to");
    json_put_uint(&w, q->found.n);
    json_key(&w, "changes");
    json_diff(&w, q->before, q->after);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

static void on_newest(void *arg, const struct versions_read *r)
{
    struct asking *q = arg;
    if (!call_alive(q->call))
        return;
    if (r->err || !r->n)
        fail(q->call, r->err ? r->err : ERR_NOT_FOUND);
    else
        get(q, r->list[0].n, write_diff);
}

static void on_from(struct asking *q)
{
    q->before = q->after;
    q->after = NULL;
    if (q->before && q->of.hide)
        q->of.hide(q->call, q->before);
    if (q->to)
        get(q, q->to, write_diff);
    else
        versions_list(access_of(q->call), q->of.kind, q->of.id, 0, 1, on_newest, q);
}

void diff_answer(struct call *call, const struct versions_of *of)
{
    uint64_t from = 0, to = 0;
    if (!call_uint(call, "from", 1, INT64_MAX, &from) || !call_uint(call, "to", 1, INT64_MAX, &to))
        return;
    if (!from) {
        call_problem(call, ERR_INVALID, "from is the number of a version; to, of another, or now.");
        return;
    }
    struct asking *q = ask(call, of);
    if (!q)
        return;
    q->from = from;
    q->to = to;
    call_wait(call, NULL);
    get(q, from, on_from);
}

/* ---- back to one ---- */

static void restore(struct asking *q)
{
    if (q->after)
        q->of.restore(q->call, q->after);
    else
        call_problem(q->call, ERR_CONFLICT,
                     "At that version it was deleted; restore the one before it.");
}

void restore_answer(struct call *call, const struct versions_of *of)
{
    struct jval *body = NULL;
    struct slice text;
    double n = 0;
    if (!call_json_type(call) || !call_content(call, &text))
        return;
    if (jdoc_parse(call->arena, text, &body, NULL) || !jval_number(jval_get(body, "version"), &n) ||
        n < 1 || n > 1e15 || n != (double)(uint64_t)n) {
        call_problem(call, ERR_INVALID, "The body is {\"version\": 3}: the number of a version.");
        return;
    }
    struct slice reason = jval_string(jval_get(body, "reason"));
    if (reason.p && !call_reason(call, reason))
        return;
    struct asking *q = ask(call, of);
    if (!q)
        return;
    call_wait(call, NULL);
    get(q, (uint64_t)n, restore);
}
