/* alarms.c - alarms over REST: lists, one with its steps, what people do with them.
 *
 * What is read comes from the catalog, so nothing is shown that could still be lost.  A list is
 * made in turns: a thread of readers takes rows, the loop's thread leaves out what the asker may
 * not see, until the page is full. */
#include "alarms/deliver.h"

#include "access/state.h"
#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, TURN_ROWS = 500, TURN_US = 20000 };

struct listing {
    struct call *call;
    struct alarm_query query;
    uint64_t limit, met;
    struct pool_job job;
    struct arena *arena; /* of the turn */
    struct alarm *rows;
    size_t rows_n;
    int64_t turn_end_us;
    int err;
    bool ended;
    struct buf out;
    struct json_writer w;
};

/* ---- what is asked ---- */

static bool refuse(struct call *call, const char *detail)
{
    call_problem(call, ERR_INVALID, detail);
    return false;
}

static bool read_set(struct call *call, const char *name, int (*by_name)(struct slice),
                     const char *words, unsigned *ret)
{
    struct slice rest = call_param(call, name);
    for (struct slice one; rest.n && slice_cut(&rest, ',', &one);) {
        int v = by_name(one);
        if (v < 0) {
            call_problemf(call, ERR_INVALID, "%s is %s, or several with commas between.", name,
                          words);
            return false;
        }
        *ret |= 1U << v;
    }
    return true;
}

static bool read_state(struct call *call, struct alarm_query *q)
{
    static const struct {
        const char *name;
        int state, open, shelved;
    } states[] = {{"open", 0, 1, -1},    {"raised", 1, 0, -1},  {"acknowledged", 2, 0, -1},
                  {"cleared", 3, 1, -1}, {"settled", 0, -1, 0}, {"shelved", 0, 0, 1},
                  {"all", 0, 0, 0}};
    struct slice name = call_param(call, "state");
    if (!name.p)
        name = SLICE_LIT("all");
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (!slice_is(name, states[i].name))
            continue;
        q->state = states[i].state;
        q->open = states[i].open;
        q->shelved = states[i].shelved;
        return true;
    }
    return refuse(call, "state is open, raised, acknowledged, cleared (and not acknowledged), "
                        "settled, shelved or all.");
}

static bool read_cursor(struct call *call, struct alarm_query *q)
{
    struct slice rest = call_param(call, "cursor"), at;
    if (!rest.p)
        return true;
    slice_cut(&rest, '.', &at);
    if (slice_to_i64(at, &q->before_us) || slice_to_i64(rest, &q->before_n) || q->before_n <= 0)
        return refuse(call, "cursor is what an earlier answer gave as next.");
    return true;
}

static bool read_twin(struct call *call, struct alarm_query *q)
{
    struct slice id = call_param(call, "twin");
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    if (!id.n)
        return true;
    int err = access_key(core_access(call->core), call->who, id, &scratch, &key, &org);
    q->twin = err ? id : arena_dup(call->arena, key);
    if (!err)
        q->org = slice_str(org_slug(org));
    buf_release(&scratch);
    return true;
}

static bool read_query(struct listing *l)
{
    struct call *call = l->call;
    struct alarm_query *q = &l->query;
    bool grouped = true;
    q->org = slice_str(org_slug(call->org));
    q->sensor = call_param(call, "sensor");
    q->rule = call_param(call, "rule");
    q->assignee = call_param(call, "assignee");
    if (slice_is(q->assignee, "none"))
        q->assignee = slice_of("", 0);
    l->limit = LIST_DEFAULT;
    if (!read_state(call, q) || !read_twin(call, q) || !read_cursor(call, q) ||
        !read_set(call, "severity", alarm_severity_by_name, "info, warning, major or critical",
                  &q->severities) ||
        !read_set(call, "source", alarm_source_by_name,
                  "range, threshold, connection, frequency, rule or flood", &q->sources) ||
        !call_time(call, "from", &q->from_us) || !call_time(call, "to", &q->to_us) ||
        !call_time(call, "at", &q->at_us) || !call_bool(call, "grouped", &grouped) ||
        !call_uint(call, "limit", 1, LIST_MAX, &l->limit))
        return false;
    q->grouped = grouped ? 0 : -1;
    return true;
}

/* ---- a list, in turns ---- */

static int on_row(void *arg, const struct alarm *alarm)
{
    struct listing *l = arg;
    struct alarm *row = &l->rows[l->rows_n];
    *row = *alarm;
    if (alarm_keep(l->arena, row))
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
               : c      ? catalog_alarm_each(c, &l->query, on_row, l)
                        : ERR_CANCELLED;
    l->err = code < 0 ? code : 0;
    l->ended = code <= 0;
}

static void finish(struct listing *l, const struct alarm *last)
{
    char next[48];
    json_close(&l->w, ']');
    if (last) {
        snprintf(next, sizeof next, "%lld.%lld", (long long)last->raised_us, (long long)last->n);
        json_key(&l->w, "next");
        json_put_cstr(&l->w, next);
    }
    json_close(&l->w, '}');
    call_json(l->call, 200, &l->out);
}

static void read_turn(struct listing *l);

static void read_done(void *arg)
{
    struct listing *l = arg;
    struct call *call = l->call;
    const struct alarm *last = NULL;
    if (!call_alive(call)) {
        arena_free(l->arena);
        buf_release(&l->out);
        return;
    }
    for (size_t i = 0; i < l->rows_n && !l->err; i++) {
        if (l->met == l->limit)
            break;
        last = &l->rows[i];
        if (!alarm_may(call->api->alarms, call->who, OP_ALARMS_READ, last))
            continue;
        alarm_write(&l->w, call->api->alarms, call->who, last);
        l->met++;
    }
    bool full = l->met == l->limit;
    if (l->err) {
        buf_release(&l->out);
        call_problem(call, l->err, NULL);
    } else if (full || l->ended) {
        finish(l, full && (!l->ended || last != &l->rows[l->rows_n - 1]) ? last : NULL);
    } else {
        l->query.before_us = last->raised_us;
        l->query.before_n = last->n;
        arena_free(l->arena);
        read_turn(l);
        return;
    }
    arena_free(l->arena);
}

static void read_turn(struct listing *l)
{
    l->job = (struct pool_job){.work = read_work, .done = read_done, .arg = l};
    pool_submit(core_reads(l->call->core), &l->job);
}

static void alarms_list(struct call *call)
{
    struct listing *l = arena_zalloc(call->arena, sizeof *l);
    if (!l) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    l->call = call;
    if (!read_query(l))
        return;
    if (!core_reads(call->core)) {
        call_problem(call, ERR_CANCELLED, NULL);
        return;
    }
    call_rows_begin(&l->w, &l->out, "alarms");
    call_wait(call, NULL);
    read_turn(l);
}

/* ---- how many ---- */

static void put_counts(struct json_writer *w, const char *key, const size_t counts[])
{
    json_key(w, key);
    json_open(w, '{');
    for (int s = ALARM_SEVERITY_N - 1; s >= 0; s--) {
        json_key(w, alarm_severity_name((enum alarm_severity)s));
        json_put_uint(w, counts[s]);
    }
    json_close(w, '}');
}

static void alarms_summary(struct call *call)
{
    struct alarm_counts counts;
    struct buf b = {0};
    struct json_writer w;
    alarms_count_for(call->api->alarms, call->who, call->org, &counts);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_counts(&w, "active", counts.active);
    put_counts(&w, "unacknowledged", counts.unacknowledged);
    json_key(&w, "shelved");
    json_put_uint(&w, counts.shelved);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* ---- one ---- */

struct reading_one {
    struct call *call;
    int64_t n, at_us;
    struct pool_job job;
    struct arena *arena;
    struct alarm alarm;
    struct buf steps, deliveries; /* arrays, without their brackets */
    int err;
    bool conflict; /* it is not open: say so, if they may see it */
};

static void put_event_text(struct json_writer *w, const char *key, struct slice s)
{
    if (!s.n)
        return;
    json_key(w, key);
    json_put_string(w, s);
}

static int on_step(void *arg, const struct alarm_event *e)
{
    struct reading_one *r = arg;
    struct json_writer w;
    if (r->steps.n)
        buf_add_byte(&r->steps, ',');
    json_writer_init(&w, &r->steps, 0);
    json_open(&w, '{');
    json_key(&w, "at");
    json_put_time(&w, e->at_us);
    json_key(&w, "step");
    json_put_cstr(&w, alarm_step_name(e->step));
    put_event_text(&w, "who", e->who);
    put_event_text(&w, "whoName", e->who_name);
    put_event_text(&w, "text", e->text);
    json_key(&w, "state");
    json_put_cstr(&w, alarm_state(&e->alarm));
    json_key(&w, "severity");
    json_put_cstr(&w, alarm_severity_name(e->alarm.severity));
    put_event_text(&w, "message", e->alarm.message);
    if (e->alarm.value.n) {
        json_key(&w, "value");
        json_put_raw(&w, e->alarm.value);
    }
    json_close(&w, '}');
    return 0;
}

static int on_delivery(void *arg, const struct delivery *d)
{
    struct reading_one *r = arg;
    struct json_writer w;
    if (r->deliveries.n)
        buf_add_byte(&r->deliveries, ',');
    json_writer_init(&w, &r->deliveries, 0);
    delivery_write(&w, d);
    return 0;
}

static void one_work(void *arg)
{
    struct reading_one *r = arg;
    struct catalog *c = core_catalog(r->call->core);
    r->arena = arena_new();
    r->err = !r->arena ? ERR_NOMEM
             : c       ? catalog_alarm_get(c, r->n, r->at_us, r->arena, &r->alarm)
                       : ERR_CANCELLED;
    const struct delivery_query q = {.state = -1, .alarm = r->n};
    if (!r->err && !r->conflict)
        r->err = catalog_alarm_events(c, r->n, r->at_us, on_step, r);
    if (!r->err && !r->conflict)
        r->err = catalog_delivery_each(c, &q, on_delivery, r);
}

static void answer_one(struct reading_one *r)
{
    struct call *call = r->call;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    alarm_write(&w, call->api->alarms, call->who, &r->alarm);
    if (b.n && b.p[b.n - 1] == '}')
        b.n--;
    buf_add_str(&b, ",\"steps\":[");
    buf_add_slice(&b, buf_slice(&r->steps));
    buf_add_str(&b, "],\"deliveries\":[");
    buf_add_slice(&b, buf_slice(&r->deliveries));
    buf_add_str(&b, "]}");
    call_json(call, 200, &b);
}

static void not_there(struct call *call)
{
    call_problemf(call, ERR_NOT_FOUND, "There is no alarm \"%.*s\".",
                  call->parts[0].n > 64 ? 64 : (int)call->parts[0].n, call->parts[0].p);
}

static void one_done(void *arg)
{
    struct reading_one *r = arg;
    struct call *call = r->call;
    if (call_alive(call)) {
        if (r->err == ERR_NOT_FOUND ||
            (!r->err && !alarm_may(call->api->alarms, call->who, OP_ALARMS_READ, &r->alarm)))
            not_there(call);
        else if (r->err)
            call_problem(call, r->err, NULL);
        else if (!r->conflict)
            answer_one(r);
        else if (!alarm_may(call->api->alarms, call->who, OP_ALARMS_HANDLE, &r->alarm))
            call_denied(call, ERR_FORBIDDEN, OP_ALARMS_HANDLE, NULL);
        else
            call_problem(call, ERR_CONFLICT,
                         "The alarm is settled: it is over and was acknowledged.");
    }
    buf_release(&r->steps);
    buf_release(&r->deliveries);
    arena_free(r->arena);
}

static void read_one(struct call *call, int64_t n, int64_t at_us, bool conflict)
{
    struct reading_one *r = arena_zalloc(call->arena, sizeof *r);
    if (!r || !core_reads(call->core)) {
        call_problem(call, r ? ERR_CANCELLED : ERR_NOMEM, NULL);
        return;
    }
    *r = (struct reading_one){.call = call, .n = n, .at_us = at_us, .conflict = conflict};
    r->job = (struct pool_job){.work = one_work, .done = one_done, .arg = r};
    call_wait(call, NULL);
    pool_submit(core_reads(call->core), &r->job);
}

static void alarm_read(struct call *call)
{
    int64_t n, at_us = 0;
    if (!call_time(call, "at", &at_us))
        return;
    if (alarm_number(call->parts[0], &n))
        read_one(call, n, at_us, false);
    else
        not_there(call);
}

/* ---- what people do ---- */

static void on_done(void *arg, int err, const char *why, const struct alarm *alarm)
{
    struct call *call = arg;
    struct alarm_ask *ask = call->data;
    struct buf b = {0};
    struct json_writer w;
    if (!call_alive(call))
        return;
    if (err == ERR_NOT_FOUND) { /* it was not open; has it been? */
        read_one(call, ask->n, 0, true);
    } else if (err == ERR_FORBIDDEN) {
        call_denied(call, err, OP_ALARMS_HANDLE, NULL);
    } else if (err) {
        call_problem(call, err, why);
    } else {
        json_writer_init(&w, &b, 0);
        alarm_write(&w, call->api->alarms, call->who, alarm);
        call_json(call, 200, &b);
    }
}

/* The object in the body, or an empty one.  NULL: answered. */
static struct jval *body_of(struct call *call)
{
    if (!http_body(call->req).n)
        return jval_new(call->arena, J_OBJECT);
    if (!call_json_type(call) || !call_json_params(call))
        return NULL;
    return call->params;
}

/* Only these members, strings or null.  False: answered. */
static bool members(struct call *call, const struct jval *body, const char *const *names)
{
    for (const struct jval *v = body->first; v; v = v->next) {
        size_t i = 0;
        while (names[i] && !slice_is(v->key, names[i]))
            i++;
        if (!names[i])
            call_problemf(call, ERR_INVALID, "There is no member \"%.*s\" here.",
                          v->key.n > 64 ? 64 : (int)v->key.n, v->key.p);
        else if (v->type != J_STRING && v->type != J_NULL)
            call_problemf(call, ERR_INVALID, "%s is a string.", names[i]);
        else
            continue;
        return false;
    }
    return true;
}

static bool read_until(struct call *call, const struct jval *body, int64_t *ret_us)
{
    struct slice until = jval_string(jval_get(body, "until"));
    struct slice length = jval_string(jval_get(body, "for"));
    int64_t us;
    if (!until.p == !length.p)
        return refuse(call, "Say until when with \"until\", or how long with \"for\".");
    if (until.p && clock_parse(until, ret_us))
        return refuse(call, "until is RFC 3339 with an offset, such as 2026-11-02T14:00:00Z.");
    if (length.p && clock_parse_duration(length, &us))
        return refuse(call, "for is a duration such as \"8h\".");
    if (length.p)
        *ret_us = us > INT64_MAX / 2 ? INT64_MAX / 2 : clock_now_us() + us;
    return true;
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

static void act(struct call *call, enum alarm_deed deed, const char *const *names,
                const char *text_name)
{
    struct alarm_ask *ask = arena_zalloc(call->arena, sizeof *ask);
    if (!ask) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    ask->deed = deed;
    if (!alarm_number(call->parts[0], &ask->n)) {
        not_there(call);
        return;
    }
    struct jval *body = may_handle(call, ask->n) ? body_of(call) : NULL;
    if (!body || !members(call, body, names))
        return;
    ask->text = slice_trim(jval_string(jval_get(body, text_name)));
    ask->assignee = jval_string(jval_get(body, "assignee"));
    if (deed == DEED_ASSIGN && !jval_get(body, "assignee")) {
        refuse(call, "assignee says who: \"person:ID\", \"team:ID\", or null for nobody.");
        return;
    }
    if (deed == DEED_SHELVE && !read_until(call, body, &ask->until_us))
        return;
    call->data = ask;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    alarms_do(call->api->alarms, &by, ask, on_done, call);
}

static const char *const with_comment[] = {"comment", NULL};

static void alarm_acknowledge(struct call *call)
{
    act(call, DEED_ACKNOWLEDGE, with_comment, "comment");
}

static void alarm_clear(struct call *call)
{
    act(call, DEED_CLEAR, with_comment, "comment");
}

static void alarm_assign(struct call *call)
{
    static const char *const names[] = {"assignee", NULL};
    act(call, DEED_ASSIGN, names, "comment");
}

static void alarm_comment(struct call *call)
{
    static const char *const names[] = {"text", NULL};
    act(call, DEED_COMMENT, names, "text");
}

static void alarm_shelve(struct call *call)
{
    static const char *const names[] = {"until", "for", "reason", NULL};
    act(call, DEED_SHELVE, names, "reason");
}

static void alarm_unshelve(struct call *call)
{
    act(call, DEED_UNSHELVE, with_comment, "comment");
}

/* ---- routes ---- */

#define S "{\"type\":\"string\"}"
#define U "{\"type\":\"integer\",\"minimum\":0}"
#define T "{\"type\":\"string\",\"format\":\"date-time\"}"
#define B "{\"type\":\"boolean\"}"
#define SN "{\"type\":[\"string\",\"null\"]}"
#define TN "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define SEVERITY "{\"type\":\"string\",\"enum\":[\"info\",\"warning\",\"major\",\"critical\"]}"
#define COUNTS                                                                                     \
    "{\"type\":\"object\",\"required\":[\"critical\",\"major\",\"warning\",\"info\"],"             \
    "\"properties\":{\"critical\":" U ",\"major\":" U ",\"warning\":" U ",\"info\":" U "}}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define COMMENT                                                                                    \
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"comment\":" SN "}}"

static const struct route_param list_params[] = {
    {"state",
     "{\"type\":\"string\",\"enum\":[\"open\",\"raised\",\"acknowledged\",\"cleared\",\"settled\","
     "\"shelved\",\"all\"]}",
     "open: active or to be acknowledged, and not shelved; settled: neither"},
    {"severity", S, "one, or several with commas"},
    {"source", S, "range, threshold, connection, frequency, rule, flood; several with commas"},
    {"twin", S, "of this twin"},
    {"sensor", S, "of the sensor of that id"},
    {"rule", S, "of this rule"},
    {"assignee", S, "person:ID or team:ID; none: of nobody"},
    {"from", S, "raised at or after"},
    {"to", S, "raised before"},
    {"grouped", B, "false: without those that a flood tells of"},
    {"at", S, "as they stood at that time"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
     "at most so many"},
    {"cursor", S, "what an earlier answer gave as next"},
    {0},
};
static const struct route_param at_params[] = {{"at", S, "as it stood at that time"}, {0}};
static const struct route_answer list_answers[] = {{200, "AlarmList", NULL}, {0}};
static const struct route_answer summary_answers[] = {{200, "AlarmSummary", NULL}, {0}};
static const struct route_answer one_answers[] = {{200, "AlarmDetail", NULL}, {0}};
static const struct route_answer alarm_answers[] = {{200, "Alarm", NULL}, {0}};

#define ALARM "/api/v1/alarms/{alarm}"

/* clang-format off: a row a line */
const struct route alarm_routes[] = {
    {"GET", "/api/v1/alarms", OP_ALARMS_READ, "listAlarms", alarms_list,
     "List alarms, the newest first", list_params, NULL, NULL, list_answers},
    {"GET", "/api/v1/alarms/summary", OP_ALARMS_READ, "readAlarmSummary", alarms_summary,
     "How many are open, by severity", NULL, NULL, NULL, summary_answers},
    {"GET", ALARM, OP_ALARMS_READ, "readAlarm", alarm_read,
     "One alarm with its steps and what was sent of it", at_params, NULL, NULL, one_answers},
    {"POST", ALARM "/acknowledge", OP_ALARMS_HANDLE, "acknowledgeAlarm", alarm_acknowledge,
     "Say that you have taken note", NULL, "AlarmComment", NULL, alarm_answers},
    {"POST", ALARM "/clear", OP_ALARMS_HANDLE, "clearAlarm", alarm_clear, "End it by hand", NULL,
     "AlarmComment", NULL, alarm_answers},
    {"POST", ALARM "/assign", OP_ALARMS_HANDLE, "assignAlarm", alarm_assign,
     "Give it to a person or a team", NULL, "AlarmAssign", NULL, alarm_answers},
    {"POST", ALARM "/comment", OP_ALARMS_HANDLE, "commentAlarm", alarm_comment,
     "Write something about it", NULL, "AlarmText", NULL, alarm_answers},
    {"POST", ALARM "/shelve", OP_ALARMS_HANDLE, "shelveAlarm", alarm_shelve,
     "Put it out of service until a time, with a reason", NULL, "AlarmShelve", NULL, alarm_answers},
    {"POST", ALARM "/unshelve", OP_ALARMS_HANDLE, "unshelveAlarm", alarm_unshelve,
     "Put it back into service", NULL, "AlarmComment", NULL, alarm_answers},
    {0},
};

#define ALARM_MEMBERS                                                                              \
    "\"id\":" S ",\"twin\":" SN ",\"twinName\":" SN ",\"sensor\":" SN ",\"sensorName\":" SN        \
    ",\"unit\":" SN ",\"source\":" S ",\"rule\":" SN ",\"ruleVersion\":" U                         \
    ",\"profileVersion\":" U ",\"severity\":" SEVERITY                                             \
    ",\"state\":{\"type\":\"string\",\"enum\":[\"raised\",\"acknowledged\",\"cleared\"]},"         \
    "\"active\":" B ",\"acknowledged\":" B ",\"open\":" B ",\"message\":" SN                       \
    ",\"value\":{},\"peak\":{},\"count\":" U ",\"raised\":" T ",\"changed\":" T ",\"cleared\":" TN \
    ",\"acknowledgedAt\":" TN ",\"acknowledgedBy\":" SN ",\"assignee\":" SN                        \
    ",\"shelvedUntil\":" TN ",\"shelvedReason\":" SN                                               \
    ",\"limit\":{\"type\":[\"object\",\"null\"]},\"readings\":{\"type\":[\"array\",\"null\"]},"    \
    "\"group\":" SN
#define ALARM_REQUIRED                                                                             \
    "\"required\":[\"id\",\"twin\",\"sensor\",\"source\",\"severity\",\"state\",\"active\","       \
    "\"acknowledged\",\"open\",\"count\",\"raised\",\"changed\"]"

const struct named_schema alarm_schemas[] = {
    {"Alarm", "{\"type\":\"object\"," ALARM_REQUIRED ",\"properties\":{" ALARM_MEMBERS "}}"},
    {"AlarmStep",
     "{\"type\":\"object\",\"required\":[\"at\",\"step\",\"state\",\"severity\"],\"properties\":{"
     "\"at\":" T ",\"step\":" S ",\"who\":" S ",\"whoName\":" S ",\"text\":" S ",\"state\":" S
     ",\"severity\":" SEVERITY ",\"message\":" S ",\"value\":{}}}"},
    {"AlarmDetail",
     "{\"type\":\"object\"," ALARM_REQUIRED ",\"properties\":{" ALARM_MEMBERS
     ",\"steps\":{\"type\":\"array\",\"items\":" REF(
         "AlarmStep") "},\"deliveries\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}"},
    {"AlarmList", "{\"type\":\"object\",\"required\":[\"alarms\"],\"properties\":{\"alarms\":{"
                  "\"type\":\"array\",\"items\":" REF("Alarm") "},\"next\":" S "}}"},
    {"AlarmSummary",
     "{\"type\":\"object\",\"required\":[\"active\",\"unacknowledged\",\"shelved\"],\"properties\":"
     "{\"active\":" COUNTS ",\"unacknowledged\":" COUNTS ",\"shelved\":" U "}}"},
    {"AlarmComment", COMMENT},
    {"AlarmAssign", "{\"type\":\"object\",\"required\":[\"assignee\"],\"additionalProperties\":"
                    "false,\"properties\":{\"assignee\":" SN "}}"},
    {"AlarmText", "{\"type\":\"object\",\"required\":[\"text\"],\"additionalProperties\":false,"
                  "\"properties\":{\"text\":" S "}}"},
    {"AlarmShelve", "{\"type\":\"object\",\"required\":[\"reason\"],\"additionalProperties\":false,"
                    "\"properties\":{\"until\":" T ",\"for\":" S ",\"reason\":" S "}}"},
    {0},
};
/* clang-format on */
