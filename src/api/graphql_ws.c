/* graphql_ws.c - graphql-transport-ws: operations over a WebSocket, many at once, each with an id.
 *
 *   they                                      we
 *   connection_init {payload}                 connection_ack
 *   ping                                      pong
 *   subscribe {id, payload: the request}      next {id, payload: an answer}..., complete {id}
 *                                             or error {id, payload: errors}
 *   complete {id}
 *
 * Who asks is known from the handshake (cookie, token), or from connection_init, whose payload may
 * have {"authorization": "Bearer TOKEN"}: browsers cannot send headers.  What a subscription hears
 * is carried out one event after another, so that it comes in order; who does not read fast enough
 * to keep EVENTS_MAX waiting hears an error and no more, and not in silence less. */
#include "access/knock.h"
#include "api/graphql.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CLOSE_BAD = 4400,
    CLOSE_UNAUTHORIZED = 4401,
    CLOSE_FORBIDDEN = 4403,
    CLOSE_INIT_TIMEOUT = 4408,
    CLOSE_EXISTS = 4409,
    CLOSE_TOO_MANY = 4429,
    MESSAGE_MAX = 1 << 20,
    ID_LENGTH = 200,
    EVENTS_MAX = 1000,
    UNSENT_MAX = 1 << 20,
    SOCKETS_MAX = 10000
};

struct event {
    struct event *next;
    struct slice root; /* JSON, behind it */
};

struct operation {
    struct gql_socket *socket;
    struct question *asked;   /* the operation itself */
    struct question *running; /* of a subscription: an event of it */
    struct listener *listener;
    struct event *first, **last; /* that wait */
    size_t events_n;
    bool over; /* to be freed when nothing of it is on the stack */
    int busy;
    struct operation *next;
    struct slice id;
    char id_text[ID_LENGTH + 1];
};

struct gql_socket {
    struct graphql *g;
    struct ws *ws; /* NULL: gone */
    struct gql_asker by;
    char peer[80], address[80], request[40], agent[201];
    bool initialised, acknowledged;
    int64_t until_us; /* for connection_init */
    struct operation *operations;
    size_t operations_n;
    struct gql_socket *next;
};

/* ---- out ---- */

static void send_buf(struct gql_socket *s, struct buf *b)
{
    if (s->ws && b->failed)
        ws_close(s->ws, 1011, "out of memory");
    else if (s->ws)
        ws_send(s->ws, true, buf_slice(b));
    buf_release(b);
}

static void send_plain(struct gql_socket *s, const char *type)
{
    struct buf b = {0};
    buf_addf(&b, "{\"type\":\"%s\"}", type);
    send_buf(s, &b);
}

static void begin(struct buf *b, const char *type, struct slice id)
{
    buf_addf(b, "{\"type\":\"%s\",\"id\":", type);
    json_quote(b, id);
}

static void send_complete(struct operation *o)
{
    struct buf b = {0};
    begin(&b, "complete", o->id);
    buf_add_byte(&b, '}');
    send_buf(o->socket, &b);
}

static void send_errors(struct operation *o, const struct gql_errors *errors)
{
    struct buf b = {0};
    struct json_writer w;
    begin(&b, "error", o->id);
    buf_add_str(&b, ",\"payload\":");
    json_writer_init(&w, &b, 0);
    errors_write(&w, errors);
    buf_add_byte(&b, '}');
    send_buf(o->socket, &b);
}

static void send_next(struct operation *o, const struct question *q)
{
    struct buf b = {0};
    begin(&b, "next", o->id);
    buf_add_str(&b, ",\"payload\":");
    question_write(q, &b);
    buf_add_byte(&b, '}');
    send_buf(o->socket, &b);
}

/* ---- operations ---- */

static void operation_free(struct operation *o)
{
    for (struct event *e; (e = o->first);) {
        o->first = e->next;
        free(e);
    }
    live_leave(o->listener);
    question_free(o->running);
    question_free(o->asked);
    free(o);
}

/* It has an end; whoever is inside of it frees it. */
static void operation_end(struct operation *o)
{
    struct gql_socket *s = o->socket;
    if (o->over)
        return;
    o->over = true;
    for (struct operation **at = &s->operations; *at; at = &(*at)->next) {
        if (*at != o)
            continue;
        *at = o->next;
        s->operations_n--;
        break;
    }
    if (!o->busy)
        operation_free(o);
}

static void leave(struct operation *o)
{
    if (!--o->busy && o->over)
        operation_free(o);
}

static struct operation *operation_of(const struct gql_socket *s, struct slice id)
{
    struct operation *o = s->operations;
    while (o && !slice_eq(o->id, id))
        o = o->next;
    return o;
}

static void on_answer(void *arg, struct question *q)
{
    struct operation *o = arg;
    o->busy++;
    if (!question_ran(q))
        send_errors(o, &q->errors);
    else
        send_next(o, q);
    if (question_ran(q))
        send_complete(o);
    operation_end(o);
    leave(o);
}

/* ---- what a subscription hears ---- */

static void next_event(struct operation *o);

static void on_event_answer(void *arg, struct question *q)
{
    struct operation *o = arg;
    if (!o->over)
        send_next(o, q);
    if (o->running == q) { /* else next_event() has it on its stack */
        o->running = NULL;
        question_free(q);
        o->busy++;
        next_event(o);
        leave(o);
    }
}

static struct jval *root_of(struct question *q, struct slice text)
{
    struct jval *v = NULL;
    struct slice kept = arena_dup(q->arena, text);
    return kept.p && jdoc_parse(q->arena, kept, &v, NULL) == 0 ? v : NULL;
}

static void next_event(struct operation *o)
{
    while (!o->over && !o->running && o->first) {
        struct event *e = o->first;
        struct question *q = question_again(o->asked);
        struct jval *root = q ? root_of(q, e->root) : NULL;
        o->first = e->next;
        if (!o->first)
            o->last = &o->first;
        o->events_n--;
        free(e);
        if (!root) {
            question_free(q);
            continue;
        }
        question_start(q, root, on_event_answer, o);
        if (q->ended)
            question_free(q);
        else
            o->running = q;
    }
}

static void too_slow(struct operation *o)
{
    struct gql_error e = {.rule = "Slow",
                          .message = "The client does not keep up with what it subscribed to."};
    const struct gql_errors errors = {.first = &e};
    send_errors(o, &errors);
    operation_end(o);
}

static void on_heard(void *arg, struct slice root)
{
    struct operation *o = arg;
    struct event *e = malloc(sizeof *e + root.n);
    if (!e || o->over) {
        free(e);
        return;
    }
    memcpy(e + 1, root.p, root.n);
    *e = (struct event){NULL, {(const char *)(e + 1), root.n}};
    *o->last = e;
    o->last = &e->next;
    o->events_n++;
    o->busy++;
    if (o->events_n > EVENTS_MAX || (o->socket->ws && ws_queued(o->socket->ws) > UNSENT_MAX))
        too_slow(o);
    else
        next_event(o);
    leave(o);
}

/* ---- in ---- */

static void close_with(struct gql_socket *s, int code, const char *reason)
{
    if (s->ws)
        ws_close(s->ws, code, reason);
}

static void bad(struct gql_socket *s, const char *reason)
{
    close_with(s, CLOSE_BAD, reason);
}

static struct operation *operation_new(struct gql_socket *s, struct slice id)
{
    struct operation *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    memcpy(o->id_text, id.p, id.n);
    o->id = slice_of(o->id_text, id.n);
    o->socket = s;
    o->last = &o->first;
    o->next = s->operations;
    s->operations = o;
    s->operations_n++;
    o->asked = question_new(s->g, &s->by);
    if (o->asked)
        return o;
    operation_end(o);
    return NULL;
}

static void start(struct operation *o, const struct gql_request *r)
{
    struct graphql *g = o->socket->g;
    struct question *q = o->asked;
    if (!question_prepare(q, r)) {
        send_errors(o, &q->errors);
        operation_end(o);
    } else if (q->operation->operation != GQL_SUBSCRIPTION) {
        question_start(q, NULL, on_answer, o);
    } else if (!(o->listener = live_listen(g->live, q, on_heard, o))) {
        send_errors(o, &q->errors);
        operation_end(o);
    }
}

static bool read_request(const struct jval *payload, struct gql_request *ret)
{
    const struct jval *variables = jval_get(payload, "variables");
    const struct jval *name = jval_get(payload, "operationName");
    const struct jval *query = jval_get(payload, "query");
    const struct jval *extensions = jval_get(payload, "extensions");
    if ((variables && variables->type != J_NULL && variables->type != J_OBJECT) ||
        (name && name->type != J_NULL && name->type != J_STRING) ||
        (query && query->type != J_STRING) ||
        (extensions && extensions->type != J_NULL && extensions->type != J_OBJECT))
        return false;
    ret->query = jval_string(query);
    ret->operation_name = jval_string(name);
    ret->variables = variables && variables->type == J_OBJECT ? variables : NULL;
    ret->hash = jval_string(jval_get(jval_get(extensions, "persistedQuery"), "sha256Hash"));
    return ret->query.p || ret->hash.p;
}

static void on_subscribe(struct gql_socket *s, const struct jval *message)
{
    struct slice id = jval_string(jval_get(message, "id"));
    struct gql_request r = {0};
    if (!s->acknowledged) {
        close_with(s, CLOSE_UNAUTHORIZED, "Unauthorized");
        return;
    }
    if (!id.n || id.n > ID_LENGTH || !read_request(jval_get(message, "payload"), &r)) {
        bad(s, "subscribe has an id and a payload with a query");
        return;
    }
    if (operation_of(s, id)) {
        close_with(s, CLOSE_EXISTS, "Subscriber for that id already exists");
        return;
    }
    if (s->operations_n >= s->g->limits.at_once) {
        bad(s, "too many operations at once");
        return;
    }
    struct operation *o = operation_new(s, id);
    if (!o) {
        close_with(s, 1011, "out of memory");
        return;
    }
    o->busy++;
    start(o, &r);
    leave(o);
}

/* A token in place of what the handshake had. */
static bool sign_in(struct gql_socket *s, const struct jval *payload)
{
    static const char *const names[] = {"authorization", "Authorization", "token"};
    struct access *a = core_access(s->g->api->core);
    struct principal *who = NULL;
    struct slice token = {0};
    int64_t wait_us;
    for (size_t i = 0; i < 3 && !token.p; i++)
        token = jval_string(jval_get(payload, names[i]));
    if (!token.p || access_is_open(a))
        return true;
    if (token.n > 7 && strncasecmp(token.p, "bearer ", 7) == 0)
        token = slice_trim(slice_skip(token, 7));
    if (!knock_may(access_knocks(a), s->by.from.address, &wait_us))
        return false;
    if (access_by_token(a, token, &who)) {
        knock_wrong(access_knocks(a), s->by.from.address);
        return false;
    }
    principal_unref(s->by.who);
    s->by.who = who;
    return true;
}

static void on_init(struct gql_socket *s, const struct jval *message)
{
    const struct jval *payload = jval_get(message, "payload");
    if (s->initialised) {
        close_with(s, CLOSE_TOO_MANY, "Too many initialisation requests");
        return;
    }
    if (payload && payload->type != J_OBJECT && payload->type != J_NULL) {
        bad(s, "the payload of connection_init is an object");
        return;
    }
    s->initialised = true;
    if (!sign_in(s, payload)) {
        close_with(s, CLOSE_FORBIDDEN, "Forbidden");
        return;
    }
    s->acknowledged = true;
    send_plain(s, "connection_ack");
}

static void on_complete(struct gql_socket *s, const struct jval *message)
{
    struct slice id = jval_string(jval_get(message, "id"));
    struct operation *o = id.p ? operation_of(s, id) : NULL;
    if (!id.p)
        bad(s, "complete has an id");
    else if (o)
        operation_end(o);
}

static void on_ping(struct gql_socket *s, const struct jval *message)
{
    (void)message;
    send_plain(s, "pong");
}

static void on_pong(struct gql_socket *s, const struct jval *message)
{
    (void)s;
    (void)message;
}

static void on_message(void *arg, bool text, struct slice bytes)
{
    static const struct {
        const char *type;
        void (*fn)(struct gql_socket *s, const struct jval *message);
    } kinds[] = {{"connection_init", on_init},
                 {"subscribe", on_subscribe},
                 {"complete", on_complete},
                 {"ping", on_ping},
                 {"pong", on_pong}};
    struct gql_socket *s = arg;
    struct arena *a = arena_new();
    struct jval *message = NULL;
    if (!text || !a || jdoc_parse(a, bytes, &message, NULL)) {
        bad(s, "a message is JSON");
        arena_free(a);
        return;
    }
    struct slice type = jval_string(jval_get(message, "type"));
    size_t i = 0, n = sizeof kinds / sizeof kinds[0];
    while (i < n && !slice_is(type, kinds[i].type))
        i++;
    if (i < n)
        kinds[i].fn(s, message);
    else
        bad(s, "a message has a type of the protocol");
    arena_free(a);
}

/* ---- coming and going ---- */

static void socket_free(struct gql_socket *s)
{
    principal_unref(s->by.who);
    free(s);
}

static void on_close(void *arg, int code)
{
    struct gql_socket *s = arg;
    struct gql_socket **at = &s->g->sockets;
    (void)code;
    s->ws = NULL;
    while (s->operations)
        operation_end(s->operations);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    socket_free(s);
}

void sockets_tick(struct graphql *g)
{
    int64_t now = clock_mono_us();
    for (struct gql_socket *s = g->sockets, *next; s; s = next) {
        next = s->next;
        if (!s->initialised && now > s->until_us)
            close_with(s, CLOSE_INIT_TIMEOUT, "Connection initialisation timeout");
    }
}

void sockets_judge(struct graphql *g)
{
    for (struct gql_socket *s = g->sockets, *next; s; s = next) {
        next = s->next;
        if (s->by.who->gone)
            close_with(s, CLOSE_UNAUTHORIZED, "the session or token has ended");
    }
}

static void set_asker(struct gql_socket *s, struct call *call)
{
    snprintf(s->peer, sizeof s->peer, "%s", http_peer(call->req));
    snprintf(s->address, sizeof s->address, "%s", call->from.address);
    snprintf(s->request, sizeof s->request, "%s", call->from.request);
    snprintf(s->agent, sizeof s->agent, "%s", call->from.agent);
    s->by = (struct gql_asker){.who = principal_ref(call->who),
                               .from = {.via = "websocket",
                                        .address = s->address,
                                        .request = s->request,
                                        .agent = s->agent},
                               .server = http_server_of(call->req),
                               .peer = s->peer,
                               .is_tls = http_is_tls(call->req)};
}

void gql_socket_open(struct call *call)
{
    static const char *const protocols[] = {"graphql-transport-ws", NULL};
    static const struct ws_opts opts = {.max_message = MESSAGE_MAX,
                                        .protocols = protocols,
                                        .need_protocol = true,
                                        .ping_ms = 30000,
                                        .check_origin = true};
    static const struct ws_events events = {on_message, NULL, on_close};
    struct graphql *g = call->api->graphql;
    struct gql_socket *s = calloc(1, sizeof *s);
    if (!s) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    s->g = g;
    set_asker(s, call); /* the call ends with the handshake */
    if (!ws_accept(call->req, &opts, &events, s, &s->ws)) {
        socket_free(s);
        return;
    }
    s->until_us = clock_mono_us() + (int64_t)g->limits.init_ms * 1000;
    s->next = g->sockets;
    g->sockets = s;
    graphql_tick(g);
}
