/* audit.c - the audit log over REST, in pages of JSON or as one long answer of lines.
 *
 * As with the past (history.c): a turn fills a buffer, the buffer goes to the peer, and the next
 * turn begins when the peer has taken it.  So an export of millions of lines needs the memory of a
 * turn, and a reader who stalls holds no transaction. */
#include "access/audit.h"

#include "access/state.h"
#include "api/internal.h"
#include "base/err.h"

#include <stdio.h>

enum { FULL = 64 << 10, LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };

struct audit_answer {
    struct call *call;
    enum answer_form form;
    struct audit_query query;
    uint64_t limit;
    struct audit_job *job;
    struct audit_turn turn;
    struct buf out;
    struct json_writer json;
    bool sending, waiting;
};

static const char *const types[] = {[FORM_JSON] = "application/json",
                                    [FORM_NDJSON] = "application/x-ndjson",
                                    [FORM_CSV] = "text/csv; charset=utf-8"};

/* ---- what is asked ---- */

static bool refuse(struct call *call, const char *detail)
{
    call_problem(call, ERR_INVALID, detail);
    return false;
}

static bool read_cursor(struct call *call, struct audit_query *q)
{
    struct slice rest = call_param(call, "cursor"), at;
    if (!rest.p)
        return true;
    slice_cut(&rest, '.', &at);
    if (slice_to_i64(at, &q->before_us) || slice_to_i64(rest, &q->before_n) || q->before_n <= 0)
        return refuse(call, "cursor is what an earlier answer gave as next.");
    return true;
}

static bool read_query(struct audit_answer *a)
{
    struct call *call = a->call;
    struct audit_query *q = &a->query;
    q->from_us = INT64_MIN;
    q->to_us = INT64_MAX;
    q->who = call_param(call, "who");
    q->operation = call_param(call, "operation");
    q->object = call_param(call, "object");
    q->outcome = call_param(call, "outcome");
    if (!call_form(call, &a->form) || !call_time(call, "from", &q->from_us) ||
        !call_time(call, "to", &q->to_us) || !read_cursor(call, q))
        return false;
    if (q->from_us > q->to_us)
        return refuse(call, "from is after to.");
    if (q->outcome.p && !slice_is(q->outcome, "done") && !slice_is(q->outcome, "refused") &&
        !slice_is(q->outcome, "failed"))
        return refuse(call, "outcome is done, refused or failed.");
    a->limit = a->form == FORM_JSON ? LIMIT_DEFAULT : 0;
    return call_uint(call, "limit", 1, a->form == FORM_JSON ? LIMIT_MAX : INT64_MAX, &a->limit);
}

/* ---- lines, on a thread of readers ---- */

static bool on_row(void *arg, const struct audit_row *row)
{
    struct audit_answer *a = arg;
    if (a->form == FORM_CSV) {
        audit_write_csv(&a->out, row);
    } else if (a->form == FORM_NDJSON) {
        struct json_writer w;
        json_writer_init(&w, &a->out, 0);
        audit_write_json(&w, row);
        buf_add_byte(&a->out, '\n');
    } else {
        audit_write_json(&a->json, row);
    }
    return a->out.n >= FULL || a->out.failed;
}

static void begin(struct audit_answer *a)
{
    if (a->form == FORM_CSV)
        buf_add_str(&a->out, audit_csv_head);
    if (a->form != FORM_JSON)
        return;
    json_writer_init(&a->json, &a->out, 0);
    json_open(&a->json, '{');
    json_key(&a->json, "entries");
    json_open(&a->json, '[');
}

static void end(struct audit_answer *a)
{
    char next[48];
    if (a->form != FORM_JSON)
        return;
    json_close(&a->json, ']');
    if (a->turn.more) {
        snprintf(next, sizeof next, "%lld.%lld", (long long)a->turn.next_us,
                 (long long)a->turn.next_n);
        json_key(&a->json, "next");
        json_put_cstr(&a->json, next);
    }
    json_close(&a->json, '}');
}

/* ---- turns, on the loop's thread ---- */

static void go_on(struct audit_answer *a);

static void on_ready(struct http_req *r, void *data)
{
    struct call *call = data;
    struct audit_answer *a = call->data;
    (void)r;
    if (a->waiting) {
        a->waiting = false;
        go_on(a);
    }
}

static void fail(struct audit_answer *a, int err)
{
    buf_release(&a->out);
    if (a->sending)
        http_respond_abort(a->call->req);
    else
        call_problem(a->call, err, NULL);
}

/* false: the peer is slow, and on_ready() goes on. */
static bool send(struct audit_answer *a)
{
    if (!a->sending) {
        http_respond_start(a->call->req, 200, types[a->form], on_ready);
        a->sending = true;
    }
    a->waiting = !http_respond_write(a->call->req, buf_slice(&a->out));
    buf_clear(&a->out);
    return !a->waiting;
}

static void finish(struct audit_answer *a)
{
    struct http_req *req = a->call->req;
    end(a);
    if (a->out.failed) {
        fail(a, ERR_NOMEM);
        return;
    }
    struct buf out = a->out;
    a->out = (struct buf){0};
    if (a->sending) {
        http_respond_write(req, buf_slice(&out));
        http_respond_end(req);
    } else {
        http_respond(req, 200, types[a->form], buf_slice(&out));
    }
    buf_release(&out);
}

static void go_on(struct audit_answer *a)
{
    if (a->out.failed) {
        if (a->job)
            audit_cancel(a->job);
        else
            fail(a, ERR_NOMEM);
        return;
    }
    if (a->out.n >= FULL / 2 && !send(a))
        return;
    if (a->job)
        audit_go(a->job);
    else
        finish(a);
}

static void on_turn(void *arg, const struct audit_turn *turn)
{
    struct audit_answer *a = arg;
    a->turn = *turn;
    if (turn->ended)
        a->job = NULL;
    if (a->call->gone && turn->ended) {
        buf_release(&a->out);
        http_release(a->call->req);
    } else if (a->call->gone) {
        audit_cancel(a->job);
    } else if (turn->err) {
        fail(a, turn->err == ERR_CANCELLED && a->out.failed ? ERR_NOMEM : turn->err);
    } else {
        go_on(a);
    }
}

static void on_gone(struct call *call)
{
    struct audit_answer *a = call->data;
    if (a->job) { /* its last turn releases */
        audit_cancel(a->job);
        return;
    }
    buf_release(&a->out);
    http_release(call->req);
}

static void answer(struct call *call, struct slice org)
{
    static const struct audit_taker taker = {on_row, on_turn};
    struct audit_answer *a = arena_zalloc(call->arena, sizeof *a);
    if (!a) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->call = call;
    a->query.org = org;
    call->data = a;
    if (!read_query(a))
        return;
    if (slice_is(http_method(call->req), "HEAD")) {
        http_respond_start(call->req, 200, types[a->form], NULL);
        http_respond_end(call->req);
        return;
    }
    call_wait(call, on_gone);
    begin(a);
    a->job = access_audit_read(core_access(call->core), &a->query, a->limit, &taker, a);
    if (!a->job)
        fail(a, ERR_NOMEM);
}

void audit_of_org(struct call *call)
{
    answer(call, slice_str(org_slug(call->org)));
}

void audit_of_all(struct call *call)
{
    answer(call, call_param(call, "organization"));
}
