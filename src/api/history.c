/* history.c - questions about the past, answered as the peer takes them.
 *
 * Series after series, turn after turn: the core fills the buffer and stops when it is full, the
 * buffer goes to the peer, and only when the peer has taken it the next turn begins.  So an answer
 * of any length needs the memory of a turn.  One that fits into the first buffer goes as a whole,
 * with its length, and what goes wrong until then is a problem document; what goes wrong later
 * breaks the answer off, so that nobody takes a part for the whole. */
#include "api/history.h"

#include "base/err.h"

enum { FULL = 64 << 10 };

static void go_on(struct past_answer *a);

static bool on_row(void *arg, const struct history_row *row)
{
    struct past_answer *a = arg;
    a->form->row(a, row);
    a->had_before |= row->before;
    a->had_row |= !row->before;
    return a->out.n >= FULL || a->out.failed;
}

static void release(struct past_answer *a)
{
    buf_release(&a->out);
    buf_release(&a->prefix);
}

static void fail(struct past_answer *a, int err)
{
    release(a);
    if (a->sending)
        http_respond_abort(a->call->req);
    else
        call_problem(a->call, err,
                     err == ERR_NOT_FOUND ? "The twin was deleted in the meantime." : NULL);
}

static void on_ready(struct http_req *r, void *data)
{
    struct call *call = data;
    struct past_answer *a = call->data;
    (void)r;
    if (a->waiting) {
        a->waiting = false;
        go_on(a);
    }
}

/* Send what there is; false: the peer is slow, and on_ready() goes on. */
static bool send(struct past_answer *a)
{
    if (!a->sending) {
        http_respond_start(a->call->req, 200, a->form->type, on_ready);
        a->sending = true;
    }
    a->waiting = !http_respond_write(a->call->req, buf_slice(&a->out));
    buf_clear(&a->out);
    return !a->waiting;
}

static void finish(struct past_answer *a)
{
    a->form->end(a);
    if (a->out.failed) {
        fail(a, ERR_NOMEM);
        return;
    }
    struct http_req *req = a->call->req;
    if (a->sending) {
        http_respond_write(req, buf_slice(&a->out));
        http_respond_end(req);
        release(a);
    } else {
        struct buf out = a->out;
        a->out = (struct buf){0};
        release(a);
        http_respond(req, 200, a->form->type, buf_slice(&out));
        buf_release(&out);
    }
}

static void end_series(struct past_answer *a, const struct history_turn *turn)
{
    a->job = NULL;
    if (turn->damaged && !a->form->tells_damage) { /* what there is, and no proper end */
        send(a);
        fail(a, ERR_CORRUPT);
        return;
    }
    a->form->series_end(a, turn);
    a->at = NULL;
    go_on(a);
}

static void on_turn(void *arg, const struct history_turn *turn)
{
    struct past_answer *a = arg;
    if (turn->ended)
        a->job = NULL;
    if (a->call->gone) {
        if (turn->ended) {
            release(a);
            http_release(a->call->req);
        } else {
            history_cancel(a->job);
        }
        return;
    }
    if (turn->err)
        fail(a, turn->err);
    else if (turn->ended)
        end_series(a, turn);
    else
        go_on(a);
}

/* What somebody may can change while they read. */
static bool is_kept_from(const struct past_answer *a, const struct sensor *s)
{
    return !core_may(a->call->core, a->call->who, OP_HISTORY_READ, s);
}

static struct sensor *sensor_of(const struct past_answer *a, const struct past_target *target)
{
    struct twin *t = core_twin(a->call->core, target->key);
    return t ? core_sensor(t, target->sensor) : NULL;
}

/* Begin with the next series that is still there. */
static bool begin_series(struct past_answer *a)
{
    static const struct history_taker_fns fns = {on_row, on_turn};
    struct core *core = a->call->core;
    const struct past_target *target = a->next++;
    struct sensor *s = sensor_of(a, target);
    if (!s || is_kept_from(a, s))
        return true; /* deleted meanwhile, or no more theirs to see */
    a->at = target;
    a->unit = arena_dup(a->call->arena, s->spec->unit);
    a->had_before = a->had_row = false;
    a->form->series(a);
    a->job = core_history(core, s, &a->query, &fns, a);
    return a->job;
}

/* Whatever is next: send, another turn, another series, the end. */
static void go_on(struct past_answer *a)
{
    if (a->out.failed) {
        if (a->job)
            history_cancel(a->job);
        else
            fail(a, ERR_NOMEM);
        return;
    }
    if (a->out.n >= FULL / 2 && !send(a))
        return;
    if (a->job) {
        const struct sensor *s = sensor_of(a, a->at);
        if (s && is_kept_from(a, s))
            history_cancel(a->job); /* its last turn says so */
        else
            history_go(a->job);
        return;
    }
    while (a->next < a->targets + a->targets_n) {
        if (!begin_series(a)) {
            fail(a, ERR_NOMEM);
            return;
        }
        if (a->job)
            return;
    }
    finish(a);
}

static void on_gone(struct call *call)
{
    struct past_answer *a = call->data;
    if (a->job) { /* its last turn releases */
        history_cancel(a->job);
        return;
    }
    release(a);
    http_release(call->req);
}

static void answer(struct call *call, bool many)
{
    struct past_answer *a = arena_zalloc(call->arena, sizeof *a);
    if (!a) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->call = call;
    a->many = many;
    call->data = a;
    if (!past_read(a))
        return;
    if (slice_is(http_method(call->req), "HEAD")) { /* as long as it is, nobody wants it */
        http_respond_start(call->req, 200, a->form->type, NULL);
        http_respond_end(call->req);
        return;
    }
    call_wait(call, on_gone);
    a->next = a->targets;
    a->form->begin(a);
    go_on(a);
}

void sensor_history(struct call *call)
{
    answer(call, false);
}

void history_read(struct call *call)
{
    answer(call, true);
}

void history_ask(struct call *call)
{
    if (call_json_type(call) && call_json_params(call))
        answer(call, true);
}
