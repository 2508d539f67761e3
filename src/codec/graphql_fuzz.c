/* Fuzz target: any bytes as a document: read, printed and read again, judged against a schema, and
 * where it fits carried out over a world in which everything is there. */
#include "base/err.h"
#include "base/utf8.h"
#include "codec/graphql_run.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sdl[] =
    "directive @cost(weight: Int, items: Int, by: [String!]) on FIELD_DEFINITION\n"
    "interface Node { id: ID! } union Any = A | B scalar J enum E { X Y }\n"
    "type A implements Node { id: ID! b(first: Int = 2): [B!] @cost(items: 3, by: [\"first\"]) j: "
    "J }\n"
    "type B implements Node { id: ID! a: A e(of: E! = X, i: I): E any: Any }\n"
    "input I { x: Int! = 1 y: [I!] e: E } input O @oneOf { x: Int y: String }\n"
    "type Query { a(i: I, o: O, l: [[Int!]]): A n: Node any: [Any] s(x: String): String! }\n"
    "type Mutation { a: A s: String } type Subscription { a: A s: String }\n";

static void resolve(void *arg, struct gql_cell *cell, void *source, const struct jval *args)
{
    size_t *left = arg;
    const struct gql_type *t = gql_cell_type(cell);
    (void)args;
    if (!*left || !--*left) {
        gql_put_null(cell);
    } else if (t->kind == GQL_T_LIST) {
        struct gql_cell *items = gql_put_list(cell, 2);
        for (size_t i = 0; items && i < 2; i++)
            resolve(arg, gql_list_at(items, i), source, args);
    } else if (gql_is_composite(t)) {
        gql_put_object(cell, NULL, t->kind == GQL_T_OBJECT ? NULL : "B");
    } else if (t->kind == GQL_T_ENUM) {
        gql_put_static(cell, "X");
    } else if (t->scalar == GQL_S_OWN) {
        gql_put_json(cell, SLICE_LIT("{\"a\":[1]}"));
    } else {
        gql_put_static(cell, "text");
    }
}

static void carry_out(struct arena *a, const struct gql_schema *s, const struct gql_document *doc,
                      struct gql_errors *errors)
{
    const struct gql_node *operation = gql_operation_of(doc, slice_of(NULL, 0), errors);
    struct jval *variables = NULL;
    size_t left = 2000;
    if (!operation || gql_variables(a, s, doc, operation, NULL, &variables, errors))
        return;
    const struct gql_price price = gql_price(s, doc, operation, variables);
    assert(price.fields || !price.cost);
    const struct gql_run_opts opts = {.arena = a,
                                      .schema = s,
                                      .doc = doc,
                                      .operation = operation,
                                      .variables = variables,
                                      .resolve = resolve,
                                      .arg = &left,
                                      .max_cells = 10000};
    struct gql_run *run = gql_run_new(&opts);
    struct buf out = {0};
    struct json_writer w;
    struct jval *answer;
    assert(run);
    while (gql_run_turn(run, 100) == GQL_RUN_MORE)
        ;
    json_writer_init(&w, &out, 0);
    gql_run_write(run, &w);
    assert(jdoc_parse(a, buf_slice(&out), &answer, NULL) == 0);
    buf_release(&out);
}

/* What is printed says the same. */
static void print_again(struct arena *a, const struct gql_document *doc)
{
    struct gql_errors errors;
    struct gql_document *again;
    struct buf one = {0}, two = {0};
    gql_errors_init(&errors, a);
    gql_print(&one, doc);
    assert(gql_parse(a, buf_slice(&one), NULL, &again, &errors) == 0);
    gql_print(&two, again);
    assert(slice_eq(buf_slice(&one), buf_slice(&two)));
    buf_release(&one);
    buf_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct slice text = slice_of((const char *)data, size);
    struct gql_errors errors;
    struct gql_document *doc;
    struct gql_schema *s = NULL, *own = NULL;
    assert(a);
    gql_errors_init(&errors, a);
    assert(gql_schema_new(a, slice_str(sdl), &s, &errors) == 0);
    if (utf8_valid(text) && size < 20000 &&
        gql_parse(a, text, &(struct gql_limits){5000, 100}, &doc, &errors) == 0) {
        print_again(a, doc);
        gql_validate(s, doc, &errors);
        if (!errors.n)
            carry_out(a, s, doc, &errors);
        if (gql_schema_new(a, text, &own, &errors) == 0)
            gql_schema_release(own);
    }
    gql_schema_release(s);
    arena_free(a);
    return 0;
}
