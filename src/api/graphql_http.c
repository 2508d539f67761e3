/* graphql_http.c - GraphQL over HTTP: POST and GET /graphql, and the schema as text.
 *
 * Whoever asks for application/graphql-response+json gets statuses that say how it went; for
 * application/json, as older clients have it, what is a proper request is answered with 200. */
#include "api/graphql.h"
#include "base/err.h"

#include <stdlib.h>

#define RESPONSE_TYPE "application/graphql-response+json"

struct asked {
    struct call *call;
    struct question *question;
    struct gql_request request;
    bool own_type; /* RESPONSE_TYPE */
};

/* ---- the answer's form ---- */

static struct slice media(struct slice item, double *ret_q)
{
    struct slice type, param;
    *ret_q = 1;
    slice_cut(&item, ';', &type);
    while (item.p && slice_cut(&item, ';', &param)) {
        param = slice_trim(param);
        if (slice_starts(param, "q=") && slice_to_double(slice_skip(param, 2), ret_q))
            *ret_q = 0;
    }
    return slice_trim(type);
}

/* Of what Accept names the best that we have; the more general, the less it counts. */
static bool choose_type(struct asked *a)
{
    struct slice rest = http_header(a->call->req, "accept"), item;
    double best = 0, q;
    if (!rest.p)
        return true;
    while (rest.p && slice_cut(&rest, ',', &item)) {
        struct slice type = media(item, &q);
        bool own = slice_is_nocase(type, RESPONSE_TYPE);
        bool ours = own || slice_is_nocase(type, "application/json") ||
                    slice_is_nocase(type, "application/*") || slice_is(type, "*/*");
        if (ours && q > best) {
            best = q;
            a->own_type = own;
        }
    }
    if (best > 0)
        return true;
    call_problem(a->call, ERR_NOT_ACCEPTABLE,
                 "The answer is " RESPONSE_TYPE " or application/json.");
    return false;
}

static void respond(struct asked *a, int status, struct buf *body)
{
    const char *type =
        a->own_type ? RESPONSE_TYPE "; charset=utf-8" : "application/json; charset=utf-8";
    if (body->failed)
        call_problem(a->call, ERR_NOMEM, NULL);
    else
        http_respond(a->call->req, status, type, buf_slice(body));
    buf_release(body);
}

static void refuse(struct asked *a, int status, const char *message)
{
    struct buf b = {0};
    struct gql_error error = {.rule = "Request", .message = message};
    const struct gql_errors errors = {.first = &error};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "errors");
    errors_write(&w, &errors);
    json_close(&w, '}');
    respond(a, status, &b);
}

static bool has_rule(const struct question *q, const char *rule)
{
    return q->errors.first && q->errors.first->rule && strcmp(q->errors.first->rule, rule) == 0;
}

static int status_of(const struct asked *a)
{
    const struct question *q = a->question;
    if (q->run || has_rule(q, "PersistedQueryNotFound"))
        return 200;
    if (has_rule(q, "Method"))
        return 405;
    if (!q->errors.first || has_rule(q, "Memory"))
        return 503;
    if (has_rule(q, "Timeout"))
        return a->own_type ? 503 : 200;
    return a->own_type ? 400 : 200;
}

static void on_done(void *arg, struct question *q)
{
    struct asked *a = arg;
    struct buf b = {0};
    int status = status_of(a);
    question_write(q, &b);
    a->question = NULL;
    if (status == 405)
        http_add_header(a->call->req, "Allow", "POST");
    respond(a, status, &b);
    question_free(q);
}

static void on_gone(struct call *call)
{
    struct asked *a = call->data;
    question_free(a->question);
    http_release(call->req);
}

/* ---- what was asked ---- */

static void carry_out(struct asked *a)
{
    struct call *call = a->call;
    const struct gql_asker by = {.who = call->who,
                                 .from = call->from,
                                 .server = http_server_of(call->req),
                                 .peer = http_peer(call->req),
                                 .is_tls = http_is_tls(call->req)};
    struct question *q = a->question = question_new(call->api->graphql, &by);
    if (!q) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    call->data = a;
    call_wait(call, on_gone);
    if (question_prepare(q, &a->request) && q->operation->operation == GQL_SUBSCRIPTION) {
        question_free(q);
        refuse(a, 400, "Subscriptions are asked for over WebSocket, graphql-transport-ws.");
    } else if (q->errors.first) {
        on_done(a, q);
    } else {
        question_start(q, NULL, on_done, a);
    }
}

static bool is_text(const struct jval *v)
{
    return !v || v->type == J_NULL || v->type == J_STRING;
}

static bool is_map(const struct jval *v)
{
    return !v || v->type == J_NULL || v->type == J_OBJECT;
}

/* {"persistedQuery":{"version":1,"sha256Hash":"..."}} */
static bool read_extensions(struct asked *a, const struct jval *extensions)
{
    const struct jval *persisted = jval_get(extensions, "persistedQuery");
    double version;
    if (!persisted)
        return true;
    a->request.hash = jval_string(jval_get(persisted, "sha256Hash"));
    if (a->request.hash.p && jval_number(jval_get(persisted, "version"), &version) && version == 1)
        return true;
    refuse(a, 400, "extensions.persistedQuery is {\"version\":1,\"sha256Hash\":\"...\"}.");
    return false;
}

static bool read_members(struct asked *a, const struct jval *body)
{
    const struct jval *query = jval_get(body, "query"), *name = jval_get(body, "operationName");
    const struct jval *variables = jval_get(body, "variables");
    const struct jval *extensions = jval_get(body, "extensions");
    const char *why = NULL;
    if (!is_text(query))
        why = "query is a text: the document.";
    else if (!is_text(name))
        why = "operationName is a text.";
    else if (!is_map(variables))
        why = "variables is an object.";
    else if (!is_map(extensions))
        why = "extensions is an object.";
    if (why) {
        refuse(a, 400, why);
        return false;
    }
    a->request.query = jval_string(query);
    a->request.operation_name = jval_string(name);
    a->request.variables = variables && variables->type == J_OBJECT ? variables : NULL;
    if (!read_extensions(a, extensions))
        return false;
    if (a->request.query.p || a->request.hash.p)
        return true;
    refuse(a, 400, "query is missing: the document of the operation.");
    return false;
}

/* ---- POST ---- */

static bool is_utf8(struct slice type)
{
    struct slice param;
    slice_cut(&type, ';', &param);
    while (type.p && slice_cut(&type, ';', &param)) {
        param = slice_trim(param);
        if (param.n > 8 && strncasecmp(param.p, "charset=", 8) == 0) {
            struct slice name = slice_skip(param, 8);
            if (name.n > 2 && name.p[0] == '"')
                name = slice_of(name.p + 1, name.n - 2);
            return slice_is_nocase(name, "utf-8") || slice_is_nocase(name, "utf8");
        }
    }
    return true;
}

static bool read_body(struct asked *a, struct jval **ret)
{
    struct call *call = a->call;
    struct json_error why;
    struct slice body;
    if (!slice_is_nocase(call_media(call), "application/json")) {
        call_problem(call, ERR_MEDIA_TYPE, "The body is application/json.");
        return false;
    }
    if (!is_utf8(http_header(call->req, "content-type"))) {
        call_problem(call, ERR_MEDIA_TYPE, "The body is UTF-8.");
        return false;
    }
    if (!call_content(call, &body))
        return false;
    int err = jdoc_parse(call->arena, body, ret, &why);
    if (err == ERR_NOMEM) {
        call_problem(call, err, NULL);
    } else if (err) {
        char *text = arena_printf(call->arena, "The body is no JSON: line %d, column %d: %s.",
                                  why.line, why.column, why.message);
        refuse(a, 400, text ? text : "The body is no JSON.");
    } else if ((*ret)->type == J_ARRAY) {
        refuse(a, 400,
               "A request is one operation; batches of them are not taken. Send several "
               "requests, or ask for several fields in one.");
    } else if ((*ret)->type != J_OBJECT) {
        refuse(a, 400, "The body is an object: {\"query\":...,\"variables\":...}.");
    } else {
        return true;
    }
    return false;
}

static void graphql_post(struct call *call)
{
    struct asked *a = arena_zalloc(call->arena, sizeof *a);
    struct jval *body;
    if (!a) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->call = call;
    if (choose_type(a) && read_body(a, &body) && read_members(a, body))
        carry_out(a);
}

/* ---- GET ---- */

static const char hint[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>GraphQL</title></head>"
    "<body><main><h1>GraphQL</h1><p>Here programs ask, with <code>POST /graphql</code>, "
    "<code>GET /graphql?query=</code> or a WebSocket of <code>graphql-transport-ws</code>. The "
    "schema is at <a href=\"/api/v1/graphql/schema\">/api/v1/graphql/schema</a>.</p></main></body>"
    "</html>";

static bool read_param(struct asked *a, struct jval *to, const char *name, bool json)
{
    struct call *call = a->call;
    struct slice text = http_query(call->req, name);
    struct jval *v = NULL;
    if (!text.p)
        return true;
    if (json && jdoc_parse(call->arena, text, &v, NULL)) {
        char *why = arena_printf(call->arena, "%s is no JSON.", name);
        refuse(a, 400, why ? why : "A parameter is no JSON.");
        return false;
    }
    if (!json)
        v = jval_new_string(call->arena, text);
    if (v)
        jval_set(call->arena, to, slice_str(name), v);
    return true;
}

static bool wants_page(struct call *call)
{
    struct slice accept = http_header(call->req, "accept");
    return accept.n && memmem(accept.p, accept.n, "text/html", 9) &&
           !http_query(call->req, "query").p && !http_query(call->req, "extensions").p;
}

static void graphql_get(struct call *call)
{
    struct asked *a = arena_zalloc(call->arena, sizeof *a);
    struct jval *members = jval_new(call->arena, J_OBJECT);
    if (http_header(call->req, "sec-websocket-version").p) {
        gql_socket_open(call);
        return;
    }
    if (wants_page(call)) {
        http_respond(call->req, 200, "text/html; charset=utf-8", slice_str(hint));
        return;
    }
    if (!a || !members) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    a->call = call;
    a->request.queries_only = true;
    if (!choose_type(a) || !read_param(a, members, "query", false) ||
        !read_param(a, members, "operationName", false) ||
        !read_param(a, members, "variables", true) || !read_param(a, members, "extensions", true) ||
        !read_members(a, members))
        return;
    a->request.queries_only = true;
    carry_out(a);
}

static void schema_text(struct call *call)
{
    http_respond(call->req, 200, "text/plain; charset=utf-8", slice_str(graphql_sdl));
}

/* ---- the table ---- */

#define TEXT "{\"type\":\"string\"}"
static const struct route_param get_params[] = {
    {"query", TEXT, "the document; operations that change something are refused"},
    {"operationName", TEXT, "which operation of the document"},
    {"variables", TEXT, "JSON, an object"},
    {"extensions", TEXT, "JSON: {\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"...\"}}"},
    {0}};
static const struct route_answer ask_answers[] = {{200, "GraphqlAnswer", NULL},
                                                  {400, "GraphqlAnswer", "application/json"},
                                                  {405, "GraphqlAnswer", "application/json"},
                                                  {406, "Problem", NULL},
                                                  {415, "Problem", NULL},
                                                  {503, "GraphqlAnswer", "application/json"},
                                                  {0}};
static const struct route_answer schema_answers[] = {{200, "Text", "text/plain"}, {0}};

/* clang-format off */
const struct route graphql_routes[] = {
    {"GET", "/graphql", OP_EACH, "queryGraphql", graphql_get, "A query in GraphQL; or a WebSocket of graphql-transport-ws", get_params, NULL, NULL, ask_answers},
    {"POST", "/graphql", OP_EACH, "askGraphql", graphql_post, "An operation in GraphQL", NULL, "GraphqlRequest", NULL, ask_answers},
    {"GET", "/api/v1/graphql/schema", OP_TWIN_READ, "readGraphqlSchema", schema_text, "The schema of GraphQL, as text", NULL, NULL, NULL, schema_answers},
    {0},
};

const struct named_schema graphql_schemas[] = {
    {"GraphqlRequest", "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":[\"string\",\"null\"]},\"operationName\":{\"type\":[\"string\",\"null\"]},\"variables\":{\"type\":[\"object\",\"null\"]},\"extensions\":{\"type\":[\"object\",\"null\"]}}}"},
    {"GraphqlAnswer", "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":[\"object\",\"null\"]},\"errors\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\",\"required\":[\"message\"],\"properties\":{\"message\":{\"type\":\"string\"},\"locations\":{\"type\":\"array\"},\"path\":{\"type\":\"array\"},\"extensions\":{\"type\":\"object\"}}}}}}"},
    {0},
};
/* clang-format on */
