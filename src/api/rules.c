/* rules.c - expressions over REST: what one means, and what it is worth now.  The documents of
 * rules are served by documents.c. */
#include "rules/rules.h"

#include "access/state.h"
#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "rules/backtest.h"

#include <stdlib.h>

static void put_problem(struct json_writer *w, const struct expr_error *e)
{
    json_key(w, "error");
    json_open(w, '{');
    json_key(w, "message");
    json_put_cstr(w, e->message);
    json_key(w, "line");
    json_put_int(w, e->line);
    json_key(w, "column");
    json_put_int(w, e->column);
    json_key(w, "at");
    json_put_uint(w, e->at);
    json_key(w, "end");
    json_put_uint(w, e->end);
    json_close(w, '}');
}

static const char *const types[] = {"null", "integer", "real", "text"};

static void put_reads(struct call *call, struct json_writer *w, const struct rules_check *check)
{
    struct buf id = {0};
    json_key(w, "reads");
    json_open(w, '[');
    for (size_t i = 0; i < check->reads_n; i++) {
        const struct sensor *s = check->reads[i];
        buf_clear(&id);
        access_put_id(core_access(call->core), call->who, slice_str(s->twin->key), &id);
        json_open(w, '{');
        json_key(w, "twin");
        json_put_string(w, buf_slice(&id));
        json_key(w, "sensor");
        json_put_cstr(w, s->id);
        json_key(w, "type");
        json_put_string(w, s->spec->type);
        json_key(w, "unit");
        json_put_string(w, s->spec->unit);
        json_close(w, '}');
    }
    json_close(w, ']');
    buf_release(&id);
}

/* May they see all that it reads?  False: answered. */
static bool may_read(struct call *call, const struct rules_check *check)
{
    for (size_t i = 0; i < check->reads_n; i++)
        if (!core_may(call->core, call->who, OP_DATA_READ, check->reads[i])) {
            call_problem(call, ERR_FORBIDDEN, "It reads a sensor whose values you may not see.");
            return false;
        }
    return true;
}

static void answer(struct call *call, const struct rules_check *check, const struct twin *t)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "valid");
    json_put_bool(&w, !check->err);
    if (check->err) {
        put_problem(&w, &check->error);
    } else if (t) {
        json_key(&w, "value");
        json_put_value(&w, expr_to_value(check->value));
        json_key(&w, "type");
        json_put_cstr(&w, types[check->value.type]);
        put_reads(call, &w, check);
    }
    json_close(&w, '}');
    call_json(call, 200, &b);
}

static void expression_check(struct call *call)
{
    struct twin *t = NULL;
    struct rules_check check;
    if (!call_json_type(call) || !call_json_params(call))
        return;
    const struct jval *text = jval_get(call->params, "expression");
    const struct jval *id = jval_get(call->params, "twin");
    if (!text || text->type != J_STRING || (id && id->type != J_STRING)) {
        call_problem(
            call, ERR_INVALID,
            "The body is {\"expression\": \"temperature > 80\", \"twin\": \"pump-1\"}; the "
            "twin may be left out.");
        return;
    }
    if (id) {
        int err = core_find(call->core, call->who, id->text, OP_DATA_READ, &t);
        if (err) {
            call_problem(call, err, NULL);
            return;
        }
    }
    rules_check(call->api->rules, t, text->text, call->arena, &check);
    if (check.err && check.err != ERR_INVALID)
        call_problem(call, check.err, NULL);
    else if (check.err || may_read(call, &check))
        answer(call, &check, t);
    free(check.reads);
    program_free(check.program);
}

/* ---- backtests ---- */

static void on_tested(void *arg, const struct backtest_result *r)
{
    struct call *call = arg;
    struct buf b = {0};
    struct json_writer w;
    call->data = NULL;
    call->api->backtests--;
    if (!call_alive(call))
        return;
    if (r->err) {
        call_problem(call, r->err, r->why);
        return;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "fired");
    json_put_uint(&w, r->fired);
    json_key(&w, "readings");
    json_put_uint(&w, r->readings);
    json_key(&w, "periods");
    json_open(&w, '[');
    for (size_t i = 0; i < r->periods_n; i++) {
        json_open(&w, '{');
        json_key(&w, "raised");
        json_put_time(&w, r->periods[i].from_us);
        json_key(&w, "cleared");
        if (r->periods[i].to_us == INT64_MAX)
            json_put_null(&w);
        else
            json_put_time(&w, r->periods[i].to_us);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    call_json(call, 200, &b);
}

static void on_gone(struct call *call)
{
    if (call->data)
        backtest_cancel(call->data);
}

static bool read_time(struct call *call, const char *key, int64_t *ret)
{
    const struct jval *v = jval_get(call->params, key);
    if (!v || (v->type == J_STRING && clock_parse(v->text, ret) == 0))
        return true;
    call_problemf(call, ERR_INVALID, "\"%s\" is a time such as \"2024-03-15T14:30:00Z\".", key);
    return false;
}

/* The rule that is meant: in the body, or by its id.  NULL: answered. */
static const struct jval *rule_of(struct call *call)
{
    const struct jval *v = jval_get(call->params, "rule");
    if (v && v->type == J_OBJECT)
        return v;
    const struct document *d =
        v && v->type == J_STRING
            ? document_find(core_access(call->core), DOCUMENT_RULE, call->who->org, v->text)
            : NULL;
    if (!d && v && v->type == J_STRING)
        call_problem(call, ERR_NOT_FOUND, "There is no rule of that id.");
    else if (!d)
        call_problem(call, ERR_INVALID, "\"rule\" is a rule, or the id of one.");
    return d ? d->body : NULL;
}

static void rule_test(struct call *call)
{
    enum { SPAN_DAYS = 3660, BACKTESTS_AT_ONCE = 2 };
    struct twin *t = NULL;
    const char *why = NULL;
    if (!call_json_type(call) || !call_json_params(call))
        return;
    int64_t to = clock_now_us(), from = INT64_MIN;
    const struct jval *id = jval_get(call->params, "twin"), *rule = rule_of(call);
    if (!rule || !read_time(call, "from", &from) || !read_time(call, "to", &to))
        return;
    if (from == INT64_MIN)
        from = to - 86400LL * 1000000;
    if (from >= to || to - from > SPAN_DAYS * 86400LL * 1000000) {
        call_problem(call, ERR_INVALID, "\"from\" is before \"to\", ten years at most.");
        return;
    }
    if (!jval_string(id).n) {
        call_problem(call, ERR_INVALID, "\"twin\" is the id of the twin to test the rule on.");
        return;
    }
    if (call->api->backtests >= BACKTESTS_AT_ONCE) {
        call_problem(call, ERR_OVERLOAD, "Others test rules just now. Try again in a moment.");
        return;
    }
    int err = core_find(call->core, call->who, id->text, OP_HISTORY_READ, &t);
    struct backtest *b = NULL;
    if (!err)
        b = backtest_begin(call->api->loop, call->core, t, rule, from, to, call->arena, on_tested,
                           call, &err, &why);
    if (!b) {
        call_problem(call, err, why);
        return;
    }
    for (size_t i = 0; i < backtest_sensors_n(b); i++)
        if (!core_may(call->core, call->who, OP_HISTORY_READ, backtest_sensor(b, i))) {
            backtest_drop(b);
            call_problem(call, ERR_FORBIDDEN, "It reads a sensor whose past you may not see.");
            return;
        }
    call->data = b;
    call->api->backtests++;
    call_wait(call, on_gone);
}

static void put_function(struct json_writer *w, const char *name, const char *arguments,
                         const char *what)
{
    json_open(w, '{');
    json_key(w, "name");
    json_put_cstr(w, name);
    json_key(w, "arguments");
    json_put_cstr(w, arguments);
    json_key(w, "description");
    json_put_cstr(w, what);
    json_close(w, '}');
}

static void functions_list(struct call *call)
{
    struct buf b = {0};
    struct json_writer w;
    const struct machine_fn_info *f;
    const struct expr_fn *v;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "functions");
    json_open(&w, '[');
    put_function(&w, "at", "path, sensor", "A sensor of a neighbour, by relationships");
    for (size_t i = 0; (f = machine_fn_at(i)); i++)
        put_function(&w, f->name, f->arguments, f->what);
    for (size_t i = 0; (v = expr_fn_at(i)); i++)
        put_function(&w, v->name, v->arguments, v->what);
    json_close(&w, ']');
    json_close(&w, '}');
    call_json(call, 200, &b);
}

static const struct route_answer check_answers[] = {{200, "ExpressionCheck", NULL},
                                                    {400, "Problem", NULL},
                                                    {403, "Refusal", NULL},
                                                    {404, "Problem", NULL},
                                                    {413, "Problem", NULL},
                                                    {415, "Problem", NULL},
                                                    {0}};
static const struct route_answer functions_answers[] = {{200, "ExpressionFunctions", NULL}, {0}};

static const struct route_answer test_answers[] = {
    {200, "RuleTested", NULL}, {400, "Problem", NULL}, {403, "Refusal", NULL},
    {404, "Problem", NULL},    {413, "Problem", NULL}, {415, "Problem", NULL},
    {422, "Problem", NULL},    {503, "Problem", NULL}, {0}};

const struct route rule_routes[] = {
    {"POST", "/api/v1/rules/test", OP_RULES_READ, "testRule", rule_test,
     "When a rule would have been raised and cleared on a twin, by its history", NULL, "RuleTest",
     NULL, test_answers},
    {"POST", "/api/v1/expressions/check", OP_RULES_READ, "checkExpression", expression_check,
     "Is it an expression, what does it read, and what is it worth for a twin now", NULL,
     "ExpressionAsk", NULL, check_answers},
    {"GET", "/api/v1/expressions/functions", OP_RULES_READ, "listExpressionFunctions",
     functions_list, "The functions of expressions", NULL, NULL, NULL, functions_answers},
    {0},
};

#define S "{\"type\":\"string\"}"
#define T "{\"type\":\"string\",\"format\":\"date-time\"}"
#define U "{\"type\":\"integer\",\"minimum\":0}"
/* clang-format off */
const struct named_schema rule_schemas[] = {
    {"ExpressionAsk", "{\"type\":\"object\",\"required\":[\"expression\"],\"properties\":{\"expression\":" S ",\"twin\":" S "}}"},
    {"ExpressionCheck", "{\"type\":\"object\",\"required\":[\"valid\"],\"properties\":{\"valid\":{\"type\":\"boolean\"},\"error\":{\"type\":\"object\",\"required\":[\"message\",\"line\",\"column\",\"at\",\"end\"],\"properties\":{\"message\":" S ",\"line\":" U ",\"column\":" U ",\"at\":" U ",\"end\":" U "}},\"value\":{},\"type\":" S ",\"reads\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"twin\",\"sensor\",\"type\",\"unit\"],\"properties\":{\"twin\":" S ",\"sensor\":" S ",\"type\":" S ",\"unit\":" S "}}}}}"},
    {"RuleTest", "{\"type\":\"object\",\"required\":[\"rule\",\"twin\"],\"properties\":{\"rule\":{\"type\":[\"object\",\"string\"]},\"twin\":" S ",\"from\":" T ",\"to\":" T "}}"},
    {"RuleTested", "{\"type\":\"object\",\"required\":[\"fired\",\"readings\",\"periods\"],\"properties\":{\"fired\":" U ",\"readings\":" U ",\"periods\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"raised\",\"cleared\"],\"properties\":{\"raised\":" T ",\"cleared\":{\"type\":[\"string\",\"null\"]}}}}}}"},
    {"ExpressionFunctions", "{\"type\":\"object\",\"required\":[\"functions\"],\"properties\":{\"functions\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"arguments\",\"description\"],\"properties\":{\"name\":" S ",\"arguments\":" S ",\"description\":" S "}}}}}"},
    {0},
};
/* clang-format on */
