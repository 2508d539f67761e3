/* graphql_run_test.c - operations over a world of JSON: a field is the member of its name.
 *
 * With --peer it reads requests from stdin, a line of JSON each, and answers them: tests/ compares
 * what comes back with what npm's graphql says to the same. */
#include "base/err.h"
#include "codec/graphql_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- a world of JSON ---- */

struct later {
    struct gql_cell *cell;
    const struct jval *value;
    struct later *next;
};

struct world {
    struct arena *arena;
    bool slowly; /* answers come when everything else has been asked */
    struct later *first, **last;
};

static void put(struct gql_cell *cell, const struct jval *v);

static void put_array(struct gql_cell *cell, const struct jval *v)
{
    struct gql_cell *items = gql_put_list(cell, v->count);
    size_t i = 0;
    for (const struct jval *item = v->first; item && items; item = item->next)
        put(gql_list_at(items, i++), item);
}

static void put_object(struct gql_cell *cell, const struct jval *v)
{
    struct slice error = jval_string(jval_get(v, "__error"));
    struct slice type = jval_string(jval_get(v, "__typename"));
    char name[64] = "";
    if (error.p) {
        gql_fail(cell, "test", NULL, "%.*s", SLICE_ARG(error));
        return;
    }
    if (type.n < sizeof name && type.n)
        memcpy(name, type.p, type.n);
    gql_put_object(cell, (void *)(uintptr_t)v, *name ? name : NULL);
}

static void put_any(struct gql_cell *cell, const struct jval *v)
{
    struct buf text = {0};
    struct json_writer w;
    json_writer_init(&w, &text, 0);
    jval_write(&w, v);
    gql_put_json(cell, buf_slice(&text));
    buf_release(&text);
}

static void put(struct gql_cell *cell, const struct jval *v)
{
    double d;
    const struct gql_type *t = gql_cell_type(cell);
    if (v && v->type == J_ARRAY && t->kind == GQL_T_SCALAR && t->scalar == GQL_S_OWN) {
        put_any(cell, v);
        return;
    }
    switch (v ? v->type : J_NULL) {
    case J_BOOL:
        gql_put_bool(cell, v->boolean);
        break;
    case J_NUMBER:
        if (jval_number(v, &d))
            gql_put_double(cell, d);
        else
            gql_put_null(cell);
        break;
    case J_STRING:
        gql_put_text(cell, v->text);
        break;
    case J_ARRAY:
        put_array(cell, v);
        break;
    case J_OBJECT:
        put_object(cell, v);
        break;
    default:
        gql_put_null(cell);
    }
}

static void put_echo(struct gql_cell *cell, const struct jval *args)
{
    struct buf text = {0};
    struct json_writer w;
    json_writer_init(&w, &text, 0);
    jval_write(&w, args);
    gql_put_text(cell, buf_slice(&text));
    buf_release(&text);
}

static void resolve(void *arg, struct gql_cell *cell, void *source, const struct jval *args)
{
    struct world *world = arg;
    const struct gql_field *f = gql_cell_field(cell);
    const struct jval *v = jval_get_slice(source, f->name);
    if (slice_is(f->name, "echo")) { /* what it was given, as JSON */
        put_echo(cell, args);
        return;
    }
    if (!world->slowly) {
        put(cell, v);
        return;
    }
    struct later *l = arena_alloc(world->arena, sizeof *l);
    assert_non_null(l);
    *l = (struct later){cell, v, NULL};
    *world->last = l;
    world->last = &l->next;
}

static void carry_out(struct world *world, const struct gql_run_opts *opts, struct buf *out)
{
    struct gql_run *run = gql_run_new(opts);
    struct json_writer w;
    assert_non_null(run);
    world->first = NULL;
    world->last = &world->first;
    for (;;) {
        enum gql_progress p = gql_run_turn(run, 7);
        if (p == GQL_RUN_DONE)
            break;
        struct later *l = world->first;
        assert_true(p == GQL_RUN_MORE || l);
        world->first = NULL;
        world->last = &world->first;
        for (; l; l = l->next)
            put(l->cell, l->value);
    }
    json_writer_init(&w, out, 0);
    gql_run_write(run, &w);
}

/* ---- requests ---- */

static void write_errors(struct buf *out, const struct gql_errors *errors)
{
    struct json_writer w;
    json_writer_init(&w, out, 0);
    json_open(&w, '{');
    json_key(&w, "errors");
    json_open(&w, '[');
    for (const struct gql_error *e = errors->first; e; e = e->next) {
        json_open(&w, '{');
        json_key(&w, "rule");
        json_put_cstr(&w, e->rule);
        json_key(&w, "message");
        json_put_cstr(&w, e->message);
        json_key(&w, "locations");
        json_open(&w, '[');
        for (size_t i = 0; i < e->places_n; i++) {
            json_open(&w, '{');
            json_key(&w, "line");
            json_put_uint(&w, e->places[i].line);
            json_key(&w, "column");
            json_put_uint(&w, e->places[i].column);
            json_close(&w, '}');
        }
        json_close(&w, ']');
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
}

static void print(const struct gql_document *doc, struct buf *out)
{
    struct buf text = {0};
    gql_print(&text, doc);
    buf_add_str(out, "{\"printed\":");
    json_quote(out, buf_slice(&text));
    buf_add_byte(out, '}');
    buf_release(&text);
}

/* request: {"query", "do": "parse" | "validate" | "run", "root", "variables", "operationName",
 * "slowly"} */
static void answer(struct arena *a, const struct gql_schema *s, struct jval *request,
                   struct buf *out)
{
    struct gql_errors errors;
    struct gql_document *doc = NULL;
    struct slice what = jval_string(jval_get(request, "do"));
    struct jval *variables = NULL, *slowly = jval_get(request, "slowly");
    struct world world = {.arena = a, .slowly = slowly && slowly->boolean};
    const struct gql_node *operation = NULL;
    gql_errors_init(&errors, a);
    int err = gql_parse(a, jval_string(jval_get(request, "query")), NULL, &doc, &errors);
    if (!err && slice_is(what, "parse")) {
        print(doc, out);
        return;
    }
    if (!err)
        gql_validate(s, doc, &errors);
    if (!errors.n && slice_is(what, "run"))
        operation = gql_operation_of(doc, jval_string(jval_get(request, "operationName")), &errors);
    if (operation)
        gql_variables(a, s, doc, operation, jval_get(request, "variables"), &variables, &errors);
    if (!operation || errors.n) {
        write_errors(out, &errors);
        return;
    }
    const struct gql_run_opts opts = {.arena = a,
                                      .schema = s,
                                      .doc = doc,
                                      .operation = operation,
                                      .variables = variables,
                                      .resolve = resolve,
                                      .arg = &world,
                                      .root = jval_get(request, "root")};
    carry_out(&world, &opts, out);
}

static int peer(void)
{
    struct arena *mine = arena_new();
    struct gql_schema *schema = NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        struct arena *a = arena_new();
        struct jval *request = NULL;
        struct gql_errors errors;
        struct buf out = {0};
        gql_errors_init(&errors, mine);
        if (!a || jdoc_parse(a, slice_of(line, (size_t)n), &request, NULL))
            return 2;
        struct slice sdl = jval_string(jval_get(request, "schema"));
        if (sdl.p) {
            gql_schema_release(schema);
            schema = NULL;
            gql_schema_new(mine, arena_dup(mine, sdl), &schema, &errors);
            write_errors(&out, &errors);
        } else {
            answer(a, schema, request, &out);
        }
        printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
        fflush(stdout);
        buf_release(&out);
        arena_free(a);
    }
    gql_schema_release(schema);
    arena_free(mine);
    free(line);
    return 0;
}

/* ---- tests ---- */

static const char sdl[] = "type Query { a: Thing, b: Thing!, list: [Thing!], echo(n: Int = 3, "
                          "of: [In!]): String, n: Int }\n"
                          "type Mutation { first: Int second: Int! }\n"
                          "input In { x: Int! = 1, y: String }\n"
                          "type Thing { name: String!, more: Thing, u: U }\n"
                          "union U = Thing | Other  type Other { id: ID }\n";

static void expect(const char *request, const char *wanted)
{
    for (int slowly = 0; slowly < 2; slowly++) {
        struct arena *a = arena_new();
        struct gql_schema *s = NULL;
        struct gql_errors errors;
        struct jval *v = NULL;
        struct buf out = {0};
        gql_errors_init(&errors, a);
        assert_int_equal(gql_schema_new(a, slice_str(sdl), &s, &errors), 0);
        assert_int_equal(jdoc_parse(a, slice_str(request), &v, NULL), 0);
        jval_set(a, v, SLICE_LIT("slowly"), jval_new_bool(a, slowly));
        answer(a, s, v, &out);
        buf_add_byte(&out, 0);
        assert_string_equal(out.p, wanted);
        buf_release(&out);
        gql_schema_release(s);
        arena_free(a);
    }
}

static void test_answers(void **state)
{
    (void)state;
    expect("{\"do\":\"run\",\"query\":\"{a{name more{name}} x:n __typename}\",\"root\":{\"a\":{"
           "\"name\":\"A\",\"more\":{\"name\":\"B\"}},\"n\":7}}",
           "{\"data\":{\"a\":{\"name\":\"A\",\"more\":{\"name\":\"B\"}},\"x\":7,\"__typename\":"
           "\"Query\"}}");
    expect(
        "{\"do\":\"run\",\"query\":\"query($l:[In!]){echo(of:$l)}\",\"variables\":{\"l\":{\"y\":"
        "\"q\"}}}",
        "{\"data\":{\"echo\":\"{\\\"n\\\":3,\\\"of\\\":[{\\\"x\\\":1,\\\"y\\\":\\\"q\\\"}]}\"}}");
    expect("{\"do\":\"run\",\"query\":\"{a{u{...on Other{id}}}}\",\"root\":{\"a\":{\"u\":{\"__"
           "typename\":\"Other\",\"id\":\"5\"}}}}",
           "{\"data\":{\"a\":{\"u\":{\"id\":\"5\"}}}}");
    expect("{\"do\":\"run\",\"query\":\"mutation{second first}\",\"root\":{\"first\":1,\"second\":"
           "2}}",
           "{\"data\":{\"second\":2,\"first\":1}}");
}

static void test_nulls(void **state)
{
    (void)state;
    expect("{\"do\":\"run\",\"query\":\"{list{name}}\",\"root\":{\"list\":[{\"name\":\"A\"},{}]}}",
           "{\"errors\":[{\"message\":\"Cannot return null for non-nullable field Thing.name.\","
           "\"locations\":[{\"line\":1,\"column\":7}],\"path\":[\"list\",1,\"name\"],"
           "\"extensions\":{\"code\":\"null\"}}],\"data\":{\"list\":null}}");
    expect("{\"do\":\"run\",\"query\":\"{n b{name}}\",\"root\":{\"b\":{\"__error\":\"no\"}}}",
           "{\"errors\":[{\"message\":\"no\",\"locations\":[{\"line\":1,\"column\":4}],\"path\":["
           "\"b\"],\"extensions\":{\"code\":\"test\"}}],\"data\":null}");
}

static void test_refusals(void **state)
{
    (void)state;
    expect("{\"do\":\"run\",\"query\":\"{a}\"}",
           "{\"errors\":[{\"rule\":\"ScalarLeafs\",\"message\":\"Field \\\"a\\\" of type "
           "\\\"Thing\\\" must have a selection of subfields.\",\"locations\":[{\"line\":1,"
           "\"column\":2}]}]}");
    expect("{\"do\":\"run\",\"query\":\"{a{\"}",
           "{\"errors\":[{\"rule\":\"Syntax\",\"message\":\"Syntax Error: Expected Name, found "
           "<EOF>.\",\"locations\":[{\"line\":1,\"column\":4}]}]}");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--peer") == 0)
        return peer();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
