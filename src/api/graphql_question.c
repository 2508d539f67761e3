/* graphql_question.c - one operation: read, judged, and carried out in turns of the loop. */
#include "api/graphql.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <stdlib.h>

enum { TURN_CELLS = 2000, DOCUMENT_MAX = 256 << 10 };

/* ---- coming and going ---- */

static void put_in(struct question *q)
{
    struct question **first = &q->g->waiting;
    q->next = *first;
    q->at = first;
    if (*first)
        (*first)->at = &q->next;
    *first = q;
    graphql_tick(q->g);
}

static void take_out(struct question *q)
{
    if (!q->at)
        return;
    *q->at = q->next;
    if (q->next)
        q->next->at = q->at;
    q->at = NULL;
}

struct question *question_new(struct graphql *g, const struct gql_asker *by)
{
    struct question *q = calloc(1, sizeof *q);
    struct arena *a = arena_new();
    if (!q || !a) {
        free(q);
        arena_free(a);
        return NULL;
    }
    q->g = g;
    q->arena = a;
    q->by = *by;
    principal_ref(by->who);
    q->by.peer = arena_printf(a, "%s", by->peer);
    q->by.from.address = arena_printf(a, "%s", by->from.address);
    q->by.from.request = arena_printf(a, "%s", by->from.request);
    q->by.from.agent = arena_printf(a, "%s", by->from.agent);
    q->by.from.reason = by->from.reason ? arena_printf(a, "%s", by->from.reason) : NULL;
    gql_errors_init(&q->errors, a);
    return q;
}

struct question *question_again(const struct question *of)
{
    struct question *q = question_new(of->g, &of->by);
    if (!q)
        return NULL;
    q->prepared = prepared_ref(of->prepared);
    q->doc = of->doc;
    q->operation = of->operation;
    q->variables = of->variables;
    return q;
}

void question_free(struct question *q)
{
    if (!q)
        return;
    if (q->run)
        gql_run_stop(q->run);
    take_out(q);
    loop_disarm(q->g->api->loop, &q->hook);
    lookups_end(q);
    principal_unref(q->by.who);
    prepared_unref(q->prepared);
    arena_free(q->arena);
    free(q);
}

/* ---- is it one? ---- */

static void say(struct question *q, const char *rule, const char *message)
{
    struct gql_errors *e = &q->errors;
    struct gql_error *error = arena_zalloc(q->arena, sizeof *error);
    if (!error)
        return;
    error->rule = rule;
    error->message = message;
    *e->last = error;
    e->last = &error->next;
    e->n++;
}

static bool asks_schema(const struct gql_node *node)
{
    for (const struct gql_node *n = node->kids; n; n = n->next)
        if ((n->kind == GQL_FIELD &&
             (slice_is(n->name, "__schema") || slice_is(n->name, "__type"))) ||
            asks_schema(n))
            return true;
    return false;
}

static bool has_schema_fields(const struct gql_document *doc)
{
    for (const struct gql_node *n = doc->first; n; n = n->next)
        if (asks_schema(n))
            return true;
    return false;
}

/* The document lives in an arena of its own, which others may use after this question. */
static struct prepared *read(struct question *q, struct slice text)
{
    const struct gql_limits limits = {.tokens = q->g->limits.tokens, .depth = 100};
    struct arena *a = arena_new();
    struct slice kept = a ? arena_dup(a, text) : slice_of(NULL, 0);
    struct gql_document *doc = NULL;
    struct prepared *p = NULL;
    if (!kept.p || !utf8_valid(kept))
        say(q, "Syntax", kept.p ? "The document is not UTF-8." : "The server is out of memory.");
    else if (gql_parse(a, kept, &limits, &doc, &q->errors) == 0 && !q->errors.n)
        gql_validate(q->g->schema, doc, &q->errors);
    if (doc && !q->errors.n && !q->errors.failed)
        p = prepared_new(a, doc, has_schema_fields(doc));
    else
        arena_free(a);
    return p;
}

static bool judge(struct question *q, struct slice text)
{
    const struct principal *who = q->by.who;
    struct prepared *p = prepared_find(q->g, text);
    if (text.n > DOCUMENT_MAX) {
        say(q, "Limits", "The document is longer than 256 KiB.");
        return false;
    }
    if (!p && (p = read(q, text)))
        prepared_keep(q->g, p);
    if (!p)
        return false;
    q->prepared = p;
    q->doc = prepared_document(p);
    /* who nobody knows is not told what there is */
    bool introspects = prepared_asks_schema(p) && who->kind == WHO_ANONYMOUS && !who->everything;
    if (introspects)
        say(q, "Introspection", "Introspection is for those who have signed in.");
    return !introspects;
}

static bool is_cheap(struct question *q)
{
    const struct graphql_limits *l = &q->g->limits;
    const struct gql_price p = gql_price(q->g->schema, q->doc, q->operation, q->variables);
    char *why = NULL;
    if (p.depth > l->depth)
        why = arena_printf(q->arena, "The operation is %zu levels deep; at most %zu are allowed.",
                           p.depth, l->depth);
    else if (p.aliases > l->aliases)
        why = arena_printf(q->arena, "The operation has %zu aliases; at most %zu are allowed.",
                           p.aliases, l->aliases);
    else if (p.cost > l->cost)
        why = arena_printf(q->arena,
                           "The operation may cost %llu; at most %llu is allowed. Ask for fewer "
                           "fields, or for fewer items of lists.",
                           (unsigned long long)p.cost, (unsigned long long)l->cost);
    if (why)
        say(q, "Limits", why);
    return !why;
}

bool question_prepare(struct question *q, const struct gql_request *r)
{
    struct slice text;
    if (!persisted_find(q, r, &text) || !judge(q, text))
        return false;
    q->operation = gql_operation_of(q->doc, r->operation_name, &q->errors);
    if (!q->operation)
        return false;
    if (r->queries_only && q->operation->operation != GQL_QUERY) {
        say(q, "Method", "GET is for queries; send what changes something by POST.");
        return false;
    }
    if (gql_variables(q->arena, q->g->schema, q->doc, q->operation, r->variables, &q->variables,
                      &q->errors) ||
        !is_cheap(q))
        return false;
    if (r->hash.p && r->query.p)
        persisted_keep(q->g, text);
    return true;
}

/* ---- carrying it out ---- */

static void end(struct question *q)
{
    q->ended = true;
    take_out(q);
    loop_disarm(q->g->api->loop, &q->hook);
    q->done(q->arg, q);
}

static void turn(void *arg)
{
    struct question *q = arg;
    if (q->ended)
        return;
    if (clock_mono_us() > q->until_us) {
        gql_run_stop(q->run);
        q->run = NULL;
        say(q, "Timeout", "The operation took longer than it may.");
        end(q);
        return;
    }
    enum gql_progress p = gql_run_turn(q->run, TURN_CELLS);
    if (p == GQL_RUN_DONE) {
        end(q);
        return;
    }
    if (!q->at)
        put_in(q);
    if (p == GQL_RUN_MORE)
        loop_at_end(q->g->api->loop, &q->hook);
}

static void wake(void *arg)
{
    struct question *q = arg;
    if (!q->ended)
        loop_at_end(q->g->api->loop, &q->hook);
}

void question_start(struct question *q, struct jval *root,
                    void (*done)(void *arg, struct question *q), void *arg)
{
    const struct gql_run_opts opts = {.arena = q->arena,
                                      .schema = q->g->schema,
                                      .doc = q->doc,
                                      .operation = q->operation,
                                      .variables = q->variables,
                                      .resolve = rest_resolve,
                                      .wake = wake,
                                      .arg = q,
                                      .root = root,
                                      .max_cells = q->g->limits.cells};
    q->done = done;
    q->arg = arg;
    q->hook = (struct loop_hook){.fn = turn, .arg = q};
    q->until_us = clock_mono_us() + (int64_t)q->g->limits.timeout_ms * 1000;
    q->run = gql_run_new(&opts);
    if (q->run) {
        turn(q);
        return;
    }
    say(q, "Memory", "The server is out of memory.");
    end(q);
}

bool question_ran(const struct question *q)
{
    return q->run;
}

/* ---- the answer ---- */

static const char *code_of(const char *rule)
{
    static const struct {
        const char *rule, *code;
    } codes[] = {{"Syntax", "GRAPHQL_PARSE_FAILED"},
                 {"VariableValues", "BAD_USER_INPUT"},
                 {"Operation", "OPERATION_RESOLUTION_FAILURE"},
                 {"Introspection", "unauthenticated"},
                 {"not-found", "not-found"},
                 {"forbidden", "forbidden"},
                 {"Slow", "overload"},
                 {"Limits", "too-large"},
                 {"Method", "method-not-allowed"},
                 {"Timeout", "timeout"},
                 {"Memory", "out-of-memory"},
                 {"PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"},
                 {"PersistedQuery", "BAD_USER_INPUT"},
                 {"Request", "invalid"}};
    for (size_t i = 0; rule && i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(rule, codes[i].rule) == 0)
            return codes[i].code;
    return "GRAPHQL_VALIDATION_FAILED";
}

void errors_write(struct json_writer *w, const struct gql_errors *errors)
{
    json_open(w, '[');
    for (const struct gql_error *e = errors->first; e; e = e->next) {
        json_open(w, '{');
        put_text(w, "message", e->message);
        if (e->places_n) {
            json_key(w, "locations");
            json_open(w, '[');
            for (size_t i = 0; i < e->places_n; i++) {
                json_open(w, '{');
                json_key(w, "line");
                json_put_uint(w, e->places[i].line);
                json_key(w, "column");
                json_put_uint(w, e->places[i].column);
                json_close(w, '}');
            }
            json_close(w, ']');
        }
        json_key(w, "extensions");
        json_open(w, '{');
        put_text(w, "code", code_of(e->rule));
        if (strcmp(code_of(e->rule), "GRAPHQL_VALIDATION_FAILED") == 0 && e->rule)
            put_text(w, "rule", e->rule);
        json_close(w, '}');
        json_close(w, '}');
    }
    json_close(w, ']');
}

void question_write(const struct question *q, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, 0);
    if (q->run) {
        gql_run_write(q->run, &w);
        return;
    }
    json_open(&w, '{');
    json_key(&w, "errors");
    errors_write(&w, &q->errors);
    json_close(&w, '}');
}
