/* deliveries.c - what was and is to be sent of alarms, over REST; a destination's secret and test.
 */
#include "alarms/deliver.h"

#include "access/audit.h"
#include "access/state.h"
#include "api/internal.h"
#include "base/err.h"

#include <stdio.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

struct looking {
    struct call *call;
    struct delivery_query query;
    uint64_t limit, met;
    int64_t n, last_n; /* n: one is wanted, for act */
    struct pool_job job;
    struct arena *arena;
    struct delivery one;
    int (*act)(struct alarms *a, const struct asker *by, const struct delivery *d);
    struct buf out;
    struct json_writer w;
    int err;
    bool more;
};

/* ---- on a thread of readers ---- */

static int on_row(void *arg, const struct delivery *d)
{
    struct looking *r = arg;
    if (r->met == r->limit) {
        r->more = true;
        return 1;
    }
    r->met++;
    r->last_n = d->n;
    delivery_write(&r->w, d);
    return 0;
}

static bool keep(struct arena *arena, struct slice *s)
{
    *s = arena_dup(arena, *s);
    return s->p;
}

static int on_one(void *arg, const struct delivery *d)
{
    struct looking *r = arg;
    if (d->n != r->n)
        return ERR_NOT_FOUND;
    r->one = *d;
    struct delivery *o = &r->one;
    return keep(r->arena, &o->org) && keep(r->arena, &o->destination) &&
                   keep(r->arena, &o->command) && keep(r->arena, &o->on) &&
                   keep(r->arena, &o->body) && keep(r->arena, &o->why)
               ? 1
               : ERR_NOMEM;
}

static void work(void *arg)
{
    struct looking *r = arg;
    struct catalog *c = core_catalog(r->call->core);
    r->arena = arena_new();
    int code = !r->arena ? ERR_NOMEM
               : c       ? catalog_delivery_each(c, &r->query, r->n ? on_one : on_row, r)
                         : ERR_CANCELLED;
    r->err = code < 0 ? code : r->n && !code ? ERR_NOT_FOUND : 0;
}

/* ---- on the loop's ---- */

static void finish_list(struct looking *r)
{
    char next[24];
    json_close(&r->w, ']');
    if (r->more) {
        snprintf(next, sizeof next, "%lld", (long long)r->last_n);
        json_key(&r->w, "next");
        json_put_cstr(&r->w, next);
    }
    json_close(&r->w, '}');
    call_json(r->call, 200, &r->out);
}

static void finish_act(struct looking *r)
{
    struct call *call = r->call;
    const struct asker by = call_asker(call);
    int err = r->act(call->api->alarms, &by, &r->one);
    if (err == ERR_CONFLICT)
        call_problem(call, err, "It has been sent, was discarded, or is on its way just now.");
    else if (err)
        call_problem(call, err, NULL);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

static void done(void *arg)
{
    struct looking *r = arg;
    struct call *call = r->call;
    if (!call_alive(call)) {
        buf_release(&r->out);
    } else if (r->err) {
        buf_release(&r->out);
        call_problem(call, r->err,
                     r->err == ERR_NOT_FOUND ? "There is no delivery of that id." : NULL);
    } else if (r->n) {
        finish_act(r);
    } else {
        finish_list(r);
    }
    arena_free(r->arena);
}

static struct looking *begin(struct call *call)
{
    struct looking *r = arena_zalloc(call->arena, sizeof *r);
    if (!r || !core_reads(call->core)) {
        call_problem(call, r ? ERR_CANCELLED : ERR_NOMEM, NULL);
        return NULL;
    }
    r->call = call;
    r->query = (struct delivery_query){.org = slice_str(org_slug(call->org)), .state = -1};
    r->job = (struct pool_job){.work = work, .done = done, .arg = r};
    return r;
}

static void deliveries_list(struct call *call)
{
    struct looking *r = begin(call);
    uint64_t cursor = 0;
    if (!r)
        return;
    r->limit = LIST_DEFAULT;
    struct slice state = call_param(call, "state"), alarm = call_param(call, "alarm");
    r->query.destination = call_param(call, "destination");
    if (state.p && (r->query.state = delivery_state_by_name(state)) < 0) {
        call_problem(call, ERR_INVALID, "state is waiting, sent, dead or discarded.");
        return;
    }
    if (alarm.p && !alarm_number(alarm, &r->query.alarm)) {
        call_problem(call, ERR_INVALID, "alarm is the id of an alarm, such as a-12.");
        return;
    }
    if (!call_uint(call, "limit", 1, LIST_MAX, &r->limit) ||
        !call_uint(call, "cursor", 1, INT64_MAX, &cursor))
        return;
    r->query.before_n = (int64_t)cursor;
    call_rows_begin(&r->w, &r->out, "deliveries");
    call_wait(call, NULL);
    pool_submit(core_reads(call->core), &r->job);
}

static void act(struct call *call,
                int (*fn)(struct alarms *a, const struct asker *by, const struct delivery *d))
{
    struct looking *r = begin(call);
    if (!r)
        return;
    if (!delivery_number(call->parts[0], &r->n)) {
        call_problem(call, ERR_NOT_FOUND, "There is no delivery of that id.");
        return;
    }
    r->act = fn;
    r->query.before_n = r->n + 1;
    call_wait(call, NULL);
    pool_submit(core_reads(call->core), &r->job);
}

static void delivery_retry(struct call *call)
{
    act(call, deliver_retry);
}

static void delivery_discard(struct call *call)
{
    act(call, deliver_discard);
}

/* ---- destinations ---- */

static void answer_secret(struct call *call, struct ask *ask)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_text(&w, "secret", ask->secret);
    json_close(&w, '}');
    explicit_bzero(ask->secret, sizeof ask->secret);
    call_json(call, 200, &b);
}

static void secret_make(struct call *call)
{
    call_ask(call, destination_secret, answer_secret);
}

static void destination_test(struct call *call)
{
    int64_t n;
    struct buf b = {0};
    struct json_writer w;
    char id[32];
    int err = deliver_test(call->api->alarms, call->org, call->parts[0], &n);
    if (err) {
        call_problem(call, err,
                     err == ERR_NOT_FOUND ? "There is no destination of that id." : NULL);
        return;
    }
    const struct asker by = call_asker(call);
    char *object = arena_printf(call->arena, "destination:%.*s", SLICE_ARG(call->parts[0]));
    access_note(core_access(call->core), &by,
                &(struct audit_note){.org = call->org,
                                     .operation = "destinations:manage",
                                     .object = object,
                                     .detail = "a test was sent"});
    snprintf(id, sizeof id, "d-%lld", (long long)n);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_text(&w, "delivery", id);
    json_close(&w, '}');
    call_json(call, 202, &b);
}

/* ---- routes ---- */

#define S "{\"type\":\"string\"}"
#define SN "{\"type\":[\"string\",\"null\"]}"
#define T "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TN "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define STATES "{\"type\":\"string\",\"enum\":[\"waiting\",\"sent\",\"dead\",\"discarded\"]}"

static const struct route_param list_params[] = {
    {"state", STATES, "dead: it was tried often enough"},
    {"destination", S, "to this one"},
    {"alarm", S, "of this alarm"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
     "at most so many"},
    {"cursor", S, "what an earlier answer gave as next"},
    {0},
};
static const struct route_answer list_answers[] = {{200, "DeliveryList", NULL}, {0}};
static const struct route_answer secret_answers[] = {{200, "DestinationSecret", NULL}, {0}};
static const struct route_answer test_answers[] = {{202, "DestinationTest", NULL}, {0}};
static const struct route_answer gone_answers[] = {{204, NULL, NULL}, {0}};

/* clang-format off: a row a line */
const struct route delivery_routes[] = {
    {"GET", "/api/v1/deliveries", OP_DESTINATIONS_MANAGE, "listDeliveries", deliveries_list,
     "What was and is to be sent of alarms, the newest first", list_params, NULL, NULL,
     list_answers},
    {"POST", "/api/v1/deliveries/{delivery}/retry", OP_DESTINATIONS_MANAGE, "retryDelivery",
     delivery_retry, "Try once more", NULL, NULL, NULL, gone_answers},
    {"POST", "/api/v1/deliveries/{delivery}/discard", OP_DESTINATIONS_MANAGE, "discardDelivery",
     delivery_discard, "Never send it", NULL, NULL, NULL, gone_answers},
    {"POST", "/api/v1/destinations/{id}/secret", OP_DESTINATIONS_MANAGE, "makeDestinationSecret",
     secret_make, "A new secret of a webhook, shown once", NULL, NULL, NULL, secret_answers},
    {"POST", "/api/v1/destinations/{id}/test", OP_DESTINATIONS_MANAGE, "testDestination",
     destination_test, "Send a test", NULL, NULL, NULL, test_answers},
    {0},
};

const struct named_schema delivery_schemas[] = {
    {"Delivery",
     "{\"type\":\"object\",\"required\":[\"id\",\"state\",\"tries\",\"made\"],\"properties\":{"
     "\"id\":" S ",\"alarm\":" SN ",\"destination\":" SN
     ",\"command\":{\"type\":[\"object\",\"null\"]},\"on\":" SN ",\"why\":" SN ",\"state\":" STATES
     ",\"tries\":{\"type\":\"integer\"},\"made\":" T ",\"next\":" TN ",\"ended\":" TN "}}"},
    {"DeliveryList",
     "{\"type\":\"object\",\"required\":[\"deliveries\"],\"properties\":{\"deliveries\":{\"type\":"
     "\"array\",\"items\":{\"$ref\":\"#/components/schemas/Delivery\"}},\"next\":" S "}}"},
    {"DestinationSecret",
     "{\"type\":\"object\",\"required\":[\"secret\"],\"properties\":{\"secret\":" S "}}"},
    {"DestinationTest",
     "{\"type\":\"object\",\"required\":[\"delivery\"],\"properties\":{\"delivery\":" S "}}"},
    {0},
};
/* clang-format on */
