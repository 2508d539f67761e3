/* graphql_test.c - documents, schemas, values and prices: what the tests beside npm's graphql do
 * not come to. */
#include "base/err.h"
#include "codec/graphql.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char sdl[] =
    "directive @cost(weight: Int, items: Int, by: [String!]) on FIELD_DEFINITION\n"
    "type Query { one: One @cost(weight: 3) many(first: Int = 5, last: Int): [One!] @cost(weight: "
    "2, "
    "items: 5, by: [\"first\", \"last\"]) }\n"
    "type One { id: ID! many(first: Int): [One!] @cost(items: 10, by: [\"first\"]) }\n";

struct world {
    struct arena *arena;
    struct gql_schema *schema;
    struct gql_errors errors;
};

static int set_up(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->arena = arena_new();
    gql_errors_init(&w->errors, w->arena);
    assert_int_equal(gql_schema_new(w->arena, slice_str(sdl), &w->schema, &w->errors), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    gql_schema_release(w->schema);
    arena_free(w->arena);
    test_free(w);
    return 0;
}

static struct gql_document *parse(struct world *w, const char *text)
{
    struct gql_document *doc = NULL;
    gql_parse(w->arena, slice_str(text), &(struct gql_limits){100, 10}, &doc, &w->errors);
    return doc;
}

static struct gql_price price(struct world *w, const char *text, const char *variables)
{
    struct gql_document *doc = parse(w, text);
    struct jval *given = NULL, *values = NULL;
    assert_non_null(doc);
    if (variables)
        assert_int_equal(jdoc_parse(w->arena, slice_str(variables), &given, NULL), 0);
    const struct gql_node *o = gql_operation_of(doc, slice_of(NULL, 0), &w->errors);
    assert_non_null(o);
    assert_int_equal(gql_variables(w->arena, w->schema, doc, o, given, &values, &w->errors), 0);
    return gql_price(w->schema, doc, o, values);
}

static void prices(void **state)
{
    struct world *w = *state;
    assert_int_equal(price(w, "{ one { id } }", NULL).cost, 4);
    assert_int_equal(price(w, "{ many { id } }", NULL).cost, 2 + 5);
    assert_int_equal(price(w, "{ many(first: 7) { id x: id } }", NULL).cost, 2 + 14);
    assert_int_equal(price(w, "{ many(last: 2) { many { id } } }", NULL).cost, 2 + 2 + 20);
    assert_int_equal(price(w, "query ($n: Int) { many(first: $n) { id } }", "{\"n\": 30}").cost,
                     2 + 30);
    assert_int_equal(price(w, "{ ...F ...F } fragment F on Query { one { id } }", NULL).cost, 8);
    assert_int_equal(price(w, "{ one @skip(if: true) { id } a: one { id } }", NULL).cost, 4);
    const struct gql_price p = price(w, "{ a: one { many { id } } }", NULL);
    assert_int_equal(p.depth, 3);
    assert_int_equal(p.aliases, 1);
    assert_int_equal(p.fields, 3);
}

/* Fragments that spread each other double with each: counting stops before the sun goes down. */
static void price_of_doubling(void **state)
{
    struct world *w = *state;
    struct buf text = {0};
    struct gql_document *doc = NULL;
    buf_add_str(&text, "{ ...F0 }");
    for (int i = 0; i < 60; i++)
        buf_addf(&text, " fragment F%d on Query { ...F%d ...F%d }", i, i + 1, i + 1);
    buf_add_str(&text, " fragment F60 on Query { one { id } }");
    assert_int_equal(gql_parse(w->arena, buf_slice(&text), NULL, &doc, &w->errors), 0);
    const struct gql_node *o = gql_operation_of(doc, slice_of(NULL, 0), &w->errors);
    assert_true(gql_price(w->schema, doc, o, NULL).cost >= 1000000000);
    buf_release(&text);
}

/* So is comparing them. */
static void overlaps_are_limited(void **state)
{
    struct world *w = *state;
    struct buf text = {0};
    struct gql_document *doc = NULL;
    buf_add_str(&text, "{");
    for (int i = 0; i < 2000; i++)
        buf_add_str(&text, " many(first: 1) { id }");
    buf_add_str(&text, "}");
    assert_int_equal(gql_parse(w->arena, buf_slice(&text), NULL, &doc, &w->errors), 0);
    gql_validate(w->schema, doc, &w->errors);
    assert_int_equal(w->errors.n, 1);
    assert_string_equal(w->errors.first->rule, "OverlappingFieldsCanBeMerged");
    buf_release(&text);
}

static void limits(void **state)
{
    struct world *w = *state;
    assert_null(parse(w, "{a{a{a{a{a{a{a{a{a{a{a}}}}}}}}}}}"));
    assert_non_null(strstr(w->errors.first->message, "levels deep"));
    assert_null(parse(w, "{a(b:[[[[[[[[[[[1]]]]]]]]]]])}"));
    assert_null(parse(w, "query($a:[[[[[[[[[[[Int]]]]]]]]]]]){a}"));
    struct buf text = {0};
    for (int i = 0; i < 101; i++)
        buf_add_str(&text, "{");
    buf_add_byte(&text, 0);
    assert_null(parse(w, text.p));
    buf_release(&text);
}

static void places(void **state)
{
    const struct slice text = SLICE_LIT("a\r\nb\rc\n\xf0\x9f\x98\x80x\xc3\xa9y");
    (void)state;
    assert_int_equal(gql_place(text, 3).line, 2);
    assert_int_equal(gql_place(text, 5).line, 3);
    const struct gql_place p = gql_place(text, 7 + 4 + 1 + 2);
    assert_int_equal(p.line, 4);
    assert_int_equal(p.column, 5); /* two units, then x and an e with an accent */
}

static void refused_schemas(void **state)
{
    static const char *const bad[] = {"type Query { a: Nothing }",
                                      "type A { a: Int }",
                                      "type Query { a: Int } type Query { b: Int }",
                                      "type Query { a: In } input In { x: Int }",
                                      "type Query { a(x: Query): Int }",
                                      "type Query { a: Int a: Int }",
                                      "type Query {"};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct gql_schema *s = NULL;
        struct gql_errors errors;
        gql_errors_init(&errors, w->arena);
        assert_int_not_equal(gql_schema_new(w->arena, slice_str(bad[i]), &s, &errors), 0);
        assert_true(errors.n > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(price_of_doubling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overlaps_are_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits, set_up, tear_down),
        cmocka_unit_test(places),
        cmocka_unit_test_setup_teardown(refused_schemas, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
