/* explain.c - why an alarm may have been raised, and what people say of that. */
#include "alarms/explain.h"

#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

#define HOUR INT64_C(3600000000)
#define WINDOW_LEAST (INT64_C(60) * 1000000)
#define WINDOW_MOST (INT64_C(90) * 24 * HOUR)
enum { CAUSE_MAX = 300, COMMENT_MAX = 2000 };

static void not_there(struct call *call)
{
    call_problemf(call, ERR_NOT_FOUND, "There is no alarm \"%.*s\".",
                  call->parts[0].n > 64 ? 64 : (int)call->parts[0].n, call->parts[0].p);
}

static struct principal *alive(void *arg)
{
    struct call *call = arg;
    return call->gone ? NULL : call->who;
}

static void on_explained(void *arg, const struct explained *e)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (e->err == ERR_NOT_FOUND)
        not_there(call);
    else if (e->err)
        call_problem(call, e->err, NULL);
    else
        http_respond(call->req, 200, "application/json", e->body);
}

static void explanation_read(struct call *call)
{
    struct slice window = call_param(call, "window");
    struct explain_ask ask = {
        .window_us = 6 * HOUR, .alive = alive, .fn = on_explained, .arg = call};
    if (window.p && (clock_parse_duration(window, &ask.window_us) || ask.window_us < WINDOW_LEAST ||
                     ask.window_us > WINDOW_MOST)) {
        call_problem(call, ERR_INVALID,
                     "window is a duration from 1m to 90d such as \"6h\": how long before the "
                     "alarm is looked at.");
        return;
    }
    if (!alarm_number(call->parts[0], &ask.n)) {
        not_there(call);
        return;
    }
    call_wait(call, NULL);
    int err = explain_begin(call->api->alarms, &ask);
    if (err && call_alive(call))
        call_problem(call, err, NULL);
}

/* ---- what people say ---- */

struct saying {
    struct call *call;
    int64_t n;
    struct slice cause, comment;
    bool confirmed;
    struct pool_job job;
    struct arena *arena;
    struct alarm alarm;
    int err;
};

static void on_said(void *arg, int err)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (err)
        call_problem(call, err, NULL);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

static void say_work(void *arg)
{
    struct saying *s = arg;
    struct catalog *c = core_catalog(s->call->core);
    s->arena = arena_new();
    s->err = !s->arena ? ERR_NOMEM
             : c       ? catalog_alarm_get(c, s->n, 0, s->arena, &s->alarm)
                       : ERR_CANCELLED;
}

static void say_done(void *arg)
{
    struct saying *s = arg;
    struct call *call = s->call;
    struct arena *arena = s->arena;
    if (!call->gone) {
        struct alarms *a = call->api->alarms;
        bool seen = !s->err && alarm_may(a, call->who, OP_ALARMS_READ, &s->alarm);
        int err = s->err;
        if (!err && seen && alarm_may(a, call->who, OP_ALARMS_HANDLE, &s->alarm)) {
            const struct asker by = call_asker(call);
            err = explain_say(a, &by, &s->alarm, s->cause, s->confirmed, s->comment, on_said, call);
            if (!err) {
                arena_free(arena);
                return;
            }
        } else if (!err) {
            err = seen ? ERR_FORBIDDEN : ERR_NOT_FOUND;
        }
        if (!call_alive(call))
            (void)0;
        else if (err == ERR_NOT_FOUND)
            not_there(call);
        else if (err == ERR_FORBIDDEN)
            call_denied(call, err, OP_ALARMS_HANDLE, NULL);
        else
            call_problem(call, err, NULL);
    } else {
        call_alive(call); /* releases it */
    }
    arena_free(arena);
}

/* Who may not is told so before the body is looked at.  False: answered. */
static bool may_handle(struct call *call, int64_t n)
{
    const struct alarms *all = call->api->alarms;
    const struct alarm *open = alarms_find(all, n);
    if (!open || !alarm_may(all, call->who, OP_ALARMS_READ, open) ||
        alarm_may(all, call->who, OP_ALARMS_HANDLE, open))
        return true;
    call_denied(call, ERR_FORBIDDEN, OP_ALARMS_HANDLE, NULL);
    return false;
}

static bool read_saying(struct call *call, struct saying *s)
{
    if (!call_json_type(call) || !call_json_params(call))
        return false;
    const struct jval *body = call->params;
    struct slice verdict = jval_string(jval_get(body, "verdict"));
    s->cause = jval_string(jval_get(body, "cause"));
    s->comment = jval_string(jval_get(body, "comment"));
    s->confirmed = slice_is(verdict, "confirmed");
    const char *why = NULL;
    for (const struct jval *v = body->first; v; v = v->next)
        if (!slice_is(v->key, "cause") && !slice_is(v->key, "verdict") &&
            !slice_is(v->key, "comment"))
            why = "The body has the members cause, verdict and comment.";
    if (!s->cause.n || s->cause.n > CAUSE_MAX || slice_find(s->cause, ':') < 1)
        why = "cause is one of the explanation, such as \"sensor:filter-1/dp\".";
    else if (!s->confirmed && !slice_is(verdict, "rejected"))
        why = "verdict is \"confirmed\" or \"rejected\".";
    else if (s->comment.n > COMMENT_MAX)
        why = "comment has at most 2000 bytes.";
    if (!s->comment.p)
        s->comment = SLICE_LIT("");
    if (why)
        call_problem(call, ERR_INVALID, why);
    return !why;
}

static void cause_say(struct call *call)
{
    struct saying *s = arena_zalloc(call->arena, sizeof *s);
    if (!s || !core_reads(call->core)) {
        call_problem(call, s ? ERR_CANCELLED : ERR_NOMEM, NULL);
        return;
    }
    s->call = call;
    if (!alarm_number(call->parts[0], &s->n)) {
        not_there(call);
        return;
    }
    if (!may_handle(call, s->n) || !read_saying(call, s))
        return;
    s->job = (struct pool_job){.work = say_work, .done = say_done, .arg = s};
    call_wait(call, NULL);
    pool_submit(core_reads(call->core), &s->job);
}

/* ---- routes ---- */

static const struct route_param window_params[] = {
    {"window", "{\"type\":\"string\",\"default\":\"6h\"}",
     "how long before the alarm is looked at; the first third is the baseline"},
    {0},
};
static const struct route_answer explanation_answers[] = {{200, "Explanation", NULL}, {0}};
static const struct route_answer said_answers[] = {{204, NULL, NULL}, {0}};

/* clang-format off: a row a line */
const struct route explain_routes[] = {
    {"GET", "/api/v1/alarms/{alarm}/explanation", OP_ALARMS_READ, "explainAlarm", explanation_read,
     "What changed before it, ranked by how likely it caused it", window_params, NULL, NULL,
     explanation_answers},
    {"POST", "/api/v1/alarms/{alarm}/causes", OP_ALARMS_HANDLE, "judgeCause", cause_say,
     "Say that something was its cause, or was not", NULL, "CauseVerdict", NULL, said_answers},
    {0},
};

#define S "{\"type\":\"string\"}"
#define SN "{\"type\":[\"string\",\"null\"]}"
#define N "{\"type\":\"number\"}"
#define NN "{\"type\":[\"number\",\"null\"]}"
#define U "{\"type\":\"integer\",\"minimum\":0}"
#define T "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TN "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define OBJECT "{\"type\":[\"object\",\"null\"]}"
#define POINTS "{\"type\":\"array\",\"items\":" NN "}"

const struct named_schema explain_schemas[] = {
    {"Cause", "{\"type\":\"object\",\"required\":[\"cause\",\"twin\",\"sensor\",\"score\","
              "\"parts\",\"hops\",\"changed\"],\"properties\":{\"cause\":" S ",\"twin\":" S
              ",\"sensor\":" SN ",\"name\":" S ",\"unit\":" SN ",\"what\":" S ",\"score\":" N
              ",\"parts\":{\"type\":\"object\",\"additionalProperties\":" N "},\"hops\":" U
              ",\"confirmed\":" U ",\"rejected\":" U ",\"changed\":" TN ",\"leadSeconds\":" N
              ",\"onset\":" OBJECT ",\"correlation\":" NN ",\"lagSeconds\":" N
              ",\"followedSeconds\":" NN ",\"points\":" POINTS "}}"},
    {"Explanation",
     "{\"type\":\"object\",\"required\":[\"alarm\",\"from\",\"to\",\"pointSeconds\",\"effect\","
     "\"causes\",\"candidates\",\"truncated\",\"said\"],\"properties\":{\"alarm\":" S ",\"from\":" T
     ",\"to\":" T ",\"pointSeconds\":" N ",\"effect\":" OBJECT
     ",\"causes\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/"
     "Cause\"}},\"candidates\":" U
     ",\"truncated\":{\"type\":\"boolean\"},\"said\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"object\",\"properties\":{\"alarm\":" S ",\"cause\":" S ",\"verdict\":" S ",\"at\":" T
     ",\"comment\":" S "}}}}}"},
    {"CauseVerdict",
     "{\"type\":\"object\",\"required\":[\"cause\",\"verdict\"],\"additionalProperties\":false,"
     "\"properties\":{\"cause\":" S
     ",\"verdict\":{\"type\":\"string\",\"enum\":[\"confirmed\",\"rejected\"]},\"comment\":" S
     "}}"},
    {0},
};
/* clang-format on */
