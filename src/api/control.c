/* control.c - commands over REST: for those who send them, and for devices that take them.
 *
 * Lists come from the catalog, so nothing is shown that could still be lost.  Who waits (for a
 * result, or for the next command) stands in a list until a step of a command tells of it, or its
 * time is up. */
#include "control/control.h"

#include "access/state.h"
#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, TURN_ROWS = 500, TURN_US = 20000, WAIT_MAX_S = 60 };

/* ---- who waits ---- */

struct waiting {
    struct call *call;
    struct loop_timer *timer;
    int64_t n;         /* a result of this one, or */
    struct slice twin; /* the next command of this twin; its key, in the call's arena */
    struct waiting *next, **link;
};

static void waiting_end(struct waiting *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    loop_timer_free(w->timer);
}

static void on_gone(struct call *call)
{
    waiting_end(call->data);
    http_release(call->req);
}

static void answer_command(struct call *call, int status, const struct twin_command *c)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    command_write(&w, call->api->control, call->who, c);
    call_json(call, status, &b);
}

static void answer_request(struct call *call, const struct twin_command *c)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    command_write_request(&w, c);
    call_json(call, 200, &b);
}

static void answer_none(struct call *call)
{
    http_respond(call->req, 204, NULL, slice_of("", 0));
}

static void on_time(void *arg)
{
    struct waiting *w = arg;
    struct call *call = w->call;
    const struct twin_command *c = w->n ? control_find(call->api->control, w->n) : NULL;
    waiting_end(w);
    if (c)
        answer_command(call, 202, c);
    else
        answer_none(call);
}

static void wait_for(struct call *call, int64_t n, struct slice twin, uint64_t wait_us)
{
    struct waiting *w = arena_zalloc(call->arena, sizeof *w);
    struct api *api = call->api;
    if (!w || loop_timer_new(api->loop, on_time, w, &w->timer)) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    w->call = call;
    w->n = n;
    w->twin = twin;
    w->next = api->waiting;
    w->link = &api->waiting;
    if (w->next)
        w->next->link = &w->next;
    api->waiting = w;
    call->data = w;
    call_wait(call, on_gone);
    loop_timer_start(w->timer, (wait_us + 999) / 1000, 0);
}

/* How long they want to wait; false: answered. */
static bool read_wait(struct call *call, uint64_t *ret_us)
{
    struct slice text = call_param(call, "wait");
    int64_t us = 0;
    if (text.p && !slice_is(text, "0") &&
        (clock_parse_duration(text, &us) || us > WAIT_MAX_S * INT64_C(1000000))) {
        call_problem(call, ERR_INVALID, "wait is a duration such as \"10s\", at most 60s.");
        return false;
    }
    *ret_us = (uint64_t)us;
    return true;
}

/* ---- devices take commands ---- */

static void on_delivered(void *arg, int err, const char *why, const struct twin_command *c)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (err)
        call_problem(call, err, why);
    else
        answer_request(call, c);
}

/* It is delivered when that is on stable storage, and handed over then. */
static void deliver(struct call *call, const struct twin_command *c)
{
    const struct asker by = call_asker(call);
    const struct command_act act = {.deed = DEED_DELIVER, .n = c->n};
    call_wait(call, NULL);
    control_act(call->api->control, &by, &act, on_delivered, call);
}

static const struct twin_command *next_for(const struct call *call, struct slice key)
{
    const struct control *control = call->api->control;
    const struct twin_command *c = NULL;
    while ((c = control_next(control, key, c ? c->n : 0)))
        if (command_may(control, call->who, OP_COMMANDS_RECEIVE, c))
            return c;
    return NULL;
}

static void command_next(struct call *call)
{
    uint64_t wait_us;
    struct twin *t = call_seen_twin(call);
    if (!t || !read_wait(call, &wait_us))
        return;
    const struct access_object o = {
        .org = t->org, .twin = slice_str(t->key), .part = PART_COMMANDS};
    if (!access_may(core_access(call->core), call->who, OP_COMMANDS_RECEIVE, &o)) {
        call_denied(call, ERR_FORBIDDEN, OP_COMMANDS_RECEIVE, NULL);
        return;
    }
    const struct twin_command *c = next_for(call, o.twin);
    if (c)
        deliver(call, c);
    else if (!wait_us)
        answer_none(call);
    else
        wait_for(call, 0, arena_dup(call->arena, o.twin), wait_us);
}

static bool is_due(const struct waiting *w, const struct twin_command *c)
{
    if (w->n)
        return w->n == c->n && !command_is_open(c->state);
    return slice_eq(w->twin, c->twin) && c->state == COMMAND_PENDING &&
           command_may(w->call->api->control, w->call->who, OP_COMMANDS_RECEIVE, c);
}

static void on_step(void *arg, const struct twin_command *c)
{
    struct api *api = arg;
    for (struct waiting *w = api->waiting, *next; w; w = next) {
        next = w->next;
        if (!is_due(w, c))
            continue;
        struct call *call = w->call;
        bool result = w->n;
        waiting_end(w);
        if (result) {
            answer_command(call, 200, c);
        } else {
            deliver(call, c);
            break; /* one is enough: others wait for the next */
        }
    }
}

void control_api_watch(struct api *api)
{
    api->control_watch = (struct control_watch){.on_step = on_step, .arg = api};
    if (api->control)
        control_watch_add(api->control, &api->control_watch);
}

void control_api_unwatch(struct api *api)
{
    if (api->control)
        control_watch_remove(api->control, &api->control_watch);
}

/* ---- the body ---- */

/* Only these members.  NULL: answered. */
static const struct jval *body_of(struct call *call, const char *const *names)
{
    struct jval *body = jval_new(call->arena, J_OBJECT);
    if (http_body(call->req).n) {
        if (!call_json_type(call) || !call_json_params(call))
            return NULL;
        body = call->params;
    }
    for (const struct jval *v = body ? body->first : NULL; v; v = v->next) {
        size_t i = 0;
        while (names[i] && !slice_is(v->key, names[i]))
            i++;
        if (names[i])
            continue;
        call_problemf(call, ERR_INVALID, "There is no member \"%.*s\" here.",
                      v->key.n > 64 ? 64 : (int)v->key.n, v->key.p);
        return NULL;
    }
    return body;
}

static struct slice json_of(struct call *call, const struct jval *v)
{
    struct buf b = {0};
    struct json_writer w;
    if (!v)
        return SLICE_LIT("");
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    struct slice s = arena_dup(call->arena, buf_slice(&b));
    buf_release(&b);
    return s;
}

static bool read_duration(struct call *call, const struct jval *body, const char *name,
                          int64_t most_us, int64_t *ret_us)
{
    const struct jval *v = jval_get(body, name);
    struct slice text = jval_string(v);
    if (!v || (text.p && !clock_parse_duration(text, ret_us) && *ret_us <= most_us))
        return true;
    call_problemf(call, ERR_INVALID, "%s is a duration such as \"30s\", at most %lld days.", name,
                  (long long)(most_us / INT64_C(86400000000)));
    return false;
}

/* ---- sending ---- */

struct sending {
    struct command_ask ask;
    uint64_t wait_us;
};

static void on_sent(void *arg, int err, const char *why, const struct twin_command *c)
{
    struct call *call = arg;
    const struct sending *s = call->data;
    if (!call_alive(call))
        return;
    if (err == ERR_FORBIDDEN || err == ERR_UNAUTHENTICATED)
        call_denied(call, err, OP_COMMANDS_SEND, NULL);
    else if (err)
        call_problem(call, err, why);
    else if (s->wait_us)
        wait_for(call, c->n, slice_of(NULL, 0), s->wait_us);
    else
        answer_command(call, 202, c);
}

static void command_send(struct call *call)
{
    static const char *const names[] = {"input", "timeout", "expires", NULL};
    const int64_t day = INT64_C(86400000000);
    struct sending *s = arena_zalloc(call->arena, sizeof *s);
    struct twin *t = s ? call_seen_twin(call) : NULL;
    if (!s)
        call_problem(call, ERR_NOMEM, NULL);
    if (!t)
        return;
    struct access_object o = {
        .org = t->org, .twin = slice_str(t->key), .part = PART_COMMANDS, .name = call->parts[1]};
    if (!access_may(core_access(call->core), call->who, OP_COMMANDS_SEND, &o)) {
        call_denied(call, ERR_FORBIDDEN, OP_COMMANDS_SEND, NULL);
        return;
    }
    const struct jval *body = read_wait(call, &s->wait_us) ? body_of(call, names) : NULL;
    if (!body || !read_duration(call, body, "timeout", 7 * day, &s->ask.timeout_us) ||
        !read_duration(call, body, "expires", 366 * day, &s->ask.expires_in_us))
        return;
    s->ask.twin = call->parts[0];
    s->ask.name = call->parts[1];
    s->ask.input = json_of(call, jval_get(body, "input"));
    call->data = s;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    control_send(call->api->control, &by, &s->ask, on_sent, call);
}

/* ---- what becomes of it ---- */

static void not_there(struct call *call)
{
    call_problemf(call, ERR_NOT_FOUND, "There is no command \"%.*s\".",
                  call->parts[0].n > 64 ? 64 : (int)call->parts[0].n, call->parts[0].p);
}

static void on_acted(void *arg, int err, const char *why, const struct twin_command *c)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (err == ERR_FORBIDDEN)
        call_denied(call, err, call->route->op, NULL);
    else if (err == ERR_NOT_FOUND)
        not_there(call);
    else if (err)
        call_problem(call, err, why);
    else
        answer_command(call, 200, c);
}

static void act(struct call *call, const struct command_act *what)
{
    struct command_act a = *what;
    if (!command_number(call->parts[0], &a.n)) {
        not_there(call);
        return;
    }
    const struct asker by = call_asker(call);
    call_wait(call, NULL);
    control_act(call->api->control, &by, &a, on_acted, call);
}

static void command_cancel(struct call *call)
{
    act(call, &(struct command_act){.deed = DEED_CANCEL});
}

/* Who may not is told so before the body is looked at.  False: answered. */
static bool may_receive(struct call *call)
{
    const struct control *control = call->api->control;
    int64_t n;
    const struct twin_command *c =
        command_number(call->parts[0], &n) ? control_find(control, n) : NULL;
    if (!c || !command_may(control, call->who, OP_TWIN_READ, c) ||
        command_may(control, call->who, OP_COMMANDS_RECEIVE, c))
        return true;
    call_denied(call, ERR_FORBIDDEN, OP_COMMANDS_RECEIVE, NULL);
    return false;
}

static void command_accept(struct call *call)
{
    static const char *const names[] = {NULL};
    if (may_receive(call) && body_of(call, names))
        act(call, &(struct command_act){.deed = DEED_ACCEPT});
}

static void command_result(struct call *call)
{
    static const char *const names[] = {"output", "error", NULL};
    const struct jval *body = may_receive(call) ? body_of(call, names) : NULL;
    if (!body)
        return;
    const struct jval *error = jval_get(body, "error");
    if (error && (error->type != J_STRING || jval_get(body, "output"))) {
        call_problem(call, ERR_INVALID,
                     "A result has an \"output\", or an \"error\" that is a sentence.");
        return;
    }
    if (error)
        act(call, &(struct command_act){.deed = DEED_FAIL, .error = error->text});
    else
        act(call, &(struct command_act){.deed = DEED_FINISH,
                                        .output = json_of(call, jval_get(body, "output"))});
}

/* ---- lists, in turns ---- */

struct listing {
    struct call *call;
    struct command_query query;
    uint64_t limit, met;
    struct pool_job job;
    struct arena *arena; /* of the turn */
    struct twin_command *rows;
    size_t rows_n;
    int64_t turn_end_us;
    int err;
    bool ended;
    struct buf out;
    struct json_writer w;
};

static bool read_states(struct call *call, struct command_query *q)
{
    struct slice rest = call_param(call, "state");
    for (struct slice one; rest.n && slice_cut(&rest, ',', &one);) {
        int v = command_state_by_name(one);
        if (v < 0) {
            call_problem(call, ERR_INVALID,
                         "state is pending, delivered, accepted, done, failed, timed-out, expired "
                         "or cancelled, or several with commas between.");
            return false;
        }
        q->states |= 1U << v;
    }
    return true;
}

static bool read_query(struct listing *l)
{
    struct call *call = l->call;
    struct command_query *q = &l->query;
    struct slice cursor = call_param(call, "cursor");
    l->limit = LIST_DEFAULT;
    q->name = call_param(call, "name");
    if (cursor.p && !command_number(cursor, &q->before_n)) {
        call_problem(call, ERR_INVALID, "cursor is what an earlier answer gave as next.");
        return false;
    }
    return read_states(call, q) && call_time(call, "from", &q->from_us) &&
           call_time(call, "to", &q->to_us) && call_uint(call, "limit", 1, LIST_MAX, &l->limit);
}

static int on_row(void *arg, const struct twin_command *c)
{
    struct listing *l = arg;
    struct twin_command *row = &l->rows[l->rows_n];
    *row = *c;
    if (command_keep(l->arena, row))
        return ERR_NOMEM;
    return ++l->rows_n == TURN_ROWS || clock_mono_us() > l->turn_end_us ? 1 : 0;
}

static void read_work(void *arg)
{
    struct listing *l = arg;
    struct catalog *c = core_catalog(l->call->core);
    l->rows_n = 0;
    l->turn_end_us = clock_mono_us() + TURN_US;
    l->arena = arena_new();
    l->rows = l->arena ? arena_alloc(l->arena, TURN_ROWS * sizeof *l->rows) : NULL;
    int code = !l->rows ? ERR_NOMEM
               : c      ? catalog_command_each(c, &l->query, on_row, l)
                        : ERR_CANCELLED;
    l->err = code < 0 ? code : 0;
    l->ended = code <= 0;
}

static void finish(struct listing *l, int64_t next)
{
    char text[32];
    json_close(&l->w, ']');
    if (next) {
        snprintf(text, sizeof text, "c-%lld", (long long)next);
        json_key(&l->w, "next");
        json_put_cstr(&l->w, text);
    }
    json_close(&l->w, '}');
    call_json(l->call, 200, &l->out);
}

static void read_turn(struct listing *l);

static void read_done(void *arg)
{
    struct listing *l = arg;
    struct call *call = l->call;
    size_t i = 0;
    if (!call_alive(call)) {
        arena_free(l->arena);
        buf_release(&l->out);
        return;
    }
    for (; i < l->rows_n && !l->err && l->met < l->limit; i++) {
        l->query.before_n = l->rows[i].n;
        if (!command_may(call->api->control, call->who, OP_TWIN_READ, &l->rows[i]))
            continue;
        command_write(&l->w, call->api->control, call->who, &l->rows[i]);
        l->met++;
    }
    bool more = i < l->rows_n || !l->ended;
    arena_free(l->arena);
    if (l->err) {
        buf_release(&l->out);
        call_problem(call, l->err, NULL);
    } else if (l->met == l->limit || l->ended) {
        finish(l, more ? l->query.before_n : 0);
    } else {
        read_turn(l);
    }
}

static void read_turn(struct listing *l)
{
    l->job = (struct pool_job){.work = read_work, .done = read_done, .arg = l};
    pool_submit(core_reads(l->call->core), &l->job);
}

static void list(struct call *call, const struct twin *t)
{
    struct listing *l = arena_zalloc(call->arena, sizeof *l);
    if (!l || !core_reads(call->core)) {
        call_problem(call, l ? ERR_CANCELLED : ERR_NOMEM, NULL);
        return;
    }
    l->call = call;
    if (!read_query(l))
        return;
    if (t)
        l->query.twin = arena_dup(call->arena, slice_str(t->key));
    else
        l->query.org = slice_str(org_slug(call->org));
    call_rows_begin(&l->w, &l->out, "commands");
    call_wait(call, NULL);
    read_turn(l);
}

static void commands_of_twin(struct call *call)
{
    struct twin *t = call_twin(call);
    if (t)
        list(call, t);
}

/* ---- one ---- */

struct reading_one {
    struct call *call;
    int64_t n;
    struct pool_job job;
    struct arena *arena;
    struct twin_command c;
    struct buf steps; /* an array, without its brackets */
    int err;
};

static int on_one_step(void *arg, const struct command_step *s)
{
    struct reading_one *r = arg;
    struct json_writer w;
    if (r->steps.n)
        buf_add_byte(&r->steps, ',');
    json_writer_init(&w, &r->steps, 0);
    json_open(&w, '{');
    json_key(&w, "at");
    json_put_time(&w, s->at_us);
    json_key(&w, "state");
    json_put_cstr(&w, command_state_name(s->state));
    json_key(&w, "late");
    json_put_bool(&w, s->late);
    if (s->who.n) {
        json_key(&w, "who");
        json_put_string(&w, s->who);
    }
    json_close(&w, '}');
    return 0;
}

static void one_work(void *arg)
{
    struct reading_one *r = arg;
    struct catalog *c = core_catalog(r->call->core);
    r->arena = arena_new();
    r->err = !r->arena ? ERR_NOMEM
             : c       ? catalog_command_get(c, r->n, r->arena, &r->c)
                       : ERR_CANCELLED;
    if (!r->err)
        r->err = catalog_command_steps(c, r->n, on_one_step, r);
}

static void one_done(void *arg)
{
    struct reading_one *r = arg;
    struct call *call = r->call;
    struct buf b = {0};
    struct json_writer w;
    if (call_alive(call)) {
        const struct control *control = call->api->control;
        if (r->err == ERR_NOT_FOUND ||
            (!r->err && !command_may(control, call->who, OP_TWIN_READ, &r->c) &&
             !command_may(control, call->who, OP_COMMANDS_RECEIVE, &r->c))) {
            not_there(call);
        } else if (r->err) {
            call_problem(call, r->err, NULL);
        } else {
            json_writer_init(&w, &b, 0);
            command_write(&w, control, call->who, &r->c);
            if (b.n && b.p[b.n - 1] == '}')
                b.n--;
            buf_add_str(&b, ",\"steps\":[");
            buf_add_slice(&b, buf_slice(&r->steps));
            buf_add_str(&b, "]}");
            call_json(call, 200, &b);
        }
    }
    buf_release(&r->steps);
    arena_free(r->arena);
}

static void command_read(struct call *call)
{
    struct reading_one *r = arena_zalloc(call->arena, sizeof *r);
    int64_t n;
    if (!command_number(call->parts[0], &n)) {
        not_there(call);
        return;
    }
    if (!r || !core_reads(call->core)) {
        call_problem(call, r ? ERR_CANCELLED : ERR_NOMEM, NULL);
        return;
    }
    *r = (struct reading_one){.call = call, .n = n};
    r->job = (struct pool_job){.work = one_work, .done = one_done, .arg = r};
    call_wait(call, NULL);
    pool_submit(core_reads(call->core), &r->job);
}

/* ---- routes ---- */

#define S "{\"type\":\"string\"}"
#define T "{\"type\":\"string\",\"format\":\"date-time\"}"
#define B "{\"type\":\"boolean\"}"
#define N "{\"type\":\"number\",\"minimum\":0}"
#define STATE                                                                                      \
    "{\"type\":\"string\",\"enum\":[\"pending\",\"delivered\",\"accepted\",\"done\",\"failed\","   \
    "\"timed-out\",\"expired\",\"cancelled\"]}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

static const struct route_param send_params[] = {
    {"wait", S, "answer when it has ended, or after this long; at most 60s"}, {0}};
static const struct route_param next_params[] = {{"wait", S, "wait this long for one; at most 60s"},
                                                 {0}};
static const struct route_param list_params[] = {
    {"state", S,
     "pending, delivered, accepted, done, failed, timed-out, expired, cancelled; "
     "several with commas"},
    {"name", S, "of this command"},
    {"from", S, "sent at or after"},
    {"to", S, "sent before"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
     "at most so many"},
    {"cursor", S, "what an earlier answer gave as next"},
    {0},
};
static const struct route_answer send_answers[] = {
    {200, "Command", NULL}, {202, "Command", NULL}, {0}};
static const struct route_answer next_answers[] = {
    {200, "CommandRequest", NULL}, {204, NULL, NULL}, {0}};
static const struct route_answer list_answers[] = {{200, "CommandList", NULL}, {0}};
static const struct route_answer one_answers[] = {{200, "CommandDetail", NULL}, {0}};
static const struct route_answer command_answers[] = {{200, "Command", NULL}, {0}};

#define TWIN_COMMANDS "/api/v1/twins/{id}/commands"
#define COMMAND "/api/v1/commands/{command}"

/* clang-format off: a row a line */
const struct route control_routes[] = {
    {"GET", TWIN_COMMANDS, OP_TWIN_READ, "listCommands", commands_of_twin,
     "Commands to a twin, the newest first", list_params, NULL, NULL, list_answers},
    {"GET", TWIN_COMMANDS "/next", OP_COMMANDS_RECEIVE, "nextCommand", command_next,
     "For devices: the oldest command that was not accepted; it counts as delivered then",
     next_params, NULL, NULL, next_answers},
    {"POST", TWIN_COMMANDS "/{name}", OP_COMMANDS_SEND, "sendCommand", command_send,
     "Send a command to a twin", send_params, "NewCommand", NULL, send_answers},
    {"GET", COMMAND, OP_TWIN_READ, "readCommand", command_read, "One command with its steps", NULL,
     NULL, NULL, one_answers},
    {"DELETE", COMMAND, OP_COMMANDS_SEND, "cancelCommand", command_cancel,
     "Cancel a command that no device has accepted", NULL, NULL, NULL, command_answers},
    {"POST", COMMAND "/accept", OP_COMMANDS_RECEIVE, "acceptCommand", command_accept,
     "For devices: say that you have it, and will see to it", NULL, "NoMembers", NULL,
     command_answers},
    {"POST", COMMAND "/result", OP_COMMANDS_RECEIVE, "answerCommand", command_result,
     "For devices: say what came of it", NULL, "CommandResult", NULL, command_answers},
    {0},
};
/* clang-format on */

#define MEMBERS                                                                                    \
    "\"id\":" S ",\"twin\":" S ",\"name\":" S ",\"state\":" STATE                                  \
    ",\"input\":{},\"output\":{},\"error\":" S ",\"late\":" B ",\"who\":" S ",\"whoName\":" S      \
    ",\"reason\":" S ",\"created\":" T ",\"changed\":" T ",\"expires\":" T ",\"timeout\":" N       \
    ",\"delivered\":" T ",\"accepted\":" T ",\"ended\":" T
#define REQUIRED                                                                                   \
    "\"required\":[\"id\",\"twin\",\"name\",\"state\",\"input\",\"late\",\"created\",\"changed\"," \
    "\"expires\",\"timeout\"]"

const struct named_schema control_schemas[] = {
    {"Command", "{\"type\":\"object\"," REQUIRED ",\"properties\":{" MEMBERS "}}"},
    {"CommandDetail",
     "{\"type\":\"object\"," REQUIRED ",\"properties\":{" MEMBERS
     ",\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"at\","
     "\"state\",\"late\"],\"properties\":{\"at\":" T ",\"state\":" STATE ",\"late\":" B
     ",\"who\":" S "}}}}}"},
    {"CommandList",
     "{\"type\":\"object\",\"required\":[\"commands\"],\"properties\":{"
     "\"commands\":{\"type\":\"array\",\"items\":" REF("Command") "},\"next\":" S "}}"},
    {"CommandRequest",
     "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"input\",\"created\",\"expires\","
     "\"timeout\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"input\":{},\"created\":" T
     ",\"expires\":" T ",\"timeout\":" N "}}"},
    {"NewCommand",
     "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"input\":{},"
     "\"timeout\":" S ",\"expires\":" S "}}"},
    {"CommandResult", "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                      "\"output\":{},\"error\":" S "}}"},
    {"NoMembers", "{\"type\":\"object\",\"additionalProperties\":false}"},
    {0},
};
