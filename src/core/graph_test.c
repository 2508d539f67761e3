/* Tests of the graph: edges follow the profiles, through changes, removals and a restart. */
#include "core/core_testing.h"
#include "core/graph.h"

static void say_twin(struct world *w, const char *id, const char *relationships)
{
    char *text = NULL;
    assert_true(asprintf(&text,
                         "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":"
                         "\"https://mvmd.org/v1/\"},\"@type\":\"DigitalDocument\",\"name\":\"n\","
                         "\"description\":\"d\",\"identifier\":{\"@type\":\"PropertyValue\","
                         "\"propertyID\":\"MVMD-ID\",\"value\":\"%s\"},\"subjectOf\":{\"name\":"
                         "\"t\"},\"doppel:twinType\":\"Pump\",\"doppel:relationships\":[%s]}",
                         id, relationships) > 0);
    struct kept k = put(w, TWIN_PUT, text, 0);
    if (k.err)
        print_error("%s\n", k.detail);
    assert_int_equal(k.err, 0);
    free(text);
}

static void remove_twin(struct world *w, const char *id)
{
    struct kept k = {.w = w};
    core_twin_remove(w->core, (const struct asker[]){core_system(w->core)}, slice_str(id), 0,
                     on_twin, &k);
    loop_run(w->loop);
    assert_int_equal(k.err, 0);
}

static struct twin *twin(struct world *w, const char *id)
{
    struct twin *t = core_twin(w->core, slice_str(id));
    assert_non_null(t);
    return t;
}

/* The edges in the order of the list, as "id>target", a target that is not there with a "!". */
static void assert_edges(struct world *w, const char *id, enum graph_direction direction,
                         const char *kind, const char *wanted)
{
    struct buf b = {0};
    const struct edge_kind *k = kind ? graph_kind(w->core, slice_str(kind)) : NULL;
    const struct edge *e = graph_first(twin(w, id), direction, k);
    for (; e; e = graph_next(e, direction, k)) {
        buf_add_str(&b, b.n ? " " : "");
        edge_put_id(&b, e);
        buf_addf(&b, direction == GRAPH_OUT ? ">%s%s" : "<%s%s",
                 direction == GRAPH_OUT ? e->target->id : e->source->id,
                 e->target->twin ? "" : "!");
    }
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, wanted);
    buf_release(&b);
}

static void edges_follow_profiles(void **state)
{
    struct world *w = *state;
    say_twin(w, "a",
             "{\"kind\":\"feeds\",\"target\":\"b\"},{\"kind\":\"contains\",\"target\":\"c\","
             "\"properties\":{\"n\":1.50}},{\"id\":\"spare\",\"kind\":\"feeds\",\"target\":\"b\"},"
             "{\"kind\":\"feeds\",\"target\":\"a\"}");
    assert_edges(w, "a", GRAPH_OUT, NULL, "feeds:b>b! contains:c>c! spare>b! feeds:a>a");
    assert_int_equal(graph_edges(w->core), 4);
    say_twin(w, "b", "{\"kind\":\"feeds\",\"target\":\"a\"}");
    assert_edges(w, "a", GRAPH_OUT, NULL, "feeds:b>b contains:c>c! spare>b feeds:a>a");
    assert_edges(w, "a", GRAPH_OUT, "contains", "contains:c>c!");
    assert_edges(w, "b", GRAPH_IN, "contains", "");
    assert_edges(w, "a", GRAPH_IN, NULL, "feeds:a<b feeds:a<a");
    assert_int_equal(twin(w, "b")->node->in_n, 2);
    assert_string_equal(graph_edge(twin(w, "a"), SLICE_LIT("contains:c"))->properties,
                        "{\"n\":1.50}");
    assert_null(graph_edge(twin(w, "a"), SLICE_LIT("feeds:c")));
    assert_string_equal(twin(w, "a")->twin_types, "Pump");

    world_close(w);
    world_open(w);
    assert_edges(w, "a", GRAPH_OUT, NULL, "feeds:b>b contains:c>c! spare>b feeds:a>a");
    assert_edges(w, "b", GRAPH_OUT, NULL, "feeds:a>a");
    assert_string_equal(graph_edge(twin(w, "a"), SLICE_LIT("contains:c"))->properties,
                        "{\"n\":1.50}");

    remove_twin(w, "b");
    assert_edges(w, "a", GRAPH_OUT, NULL, "feeds:b>b! contains:c>c! spare>b! feeds:a>a");
    assert_edges(w, "a", GRAPH_IN, NULL, "feeds:a<a");
    say_twin(w, "a", "");
    assert_null(twin(w, "a")->node);
    assert_int_equal(graph_edges(w->core), 0);
    assert_int_equal(graph_kind(w->core, SLICE_LIT("feeds"))->edges, 0);
}

enum { TWINS = 6, ROUNDS = 400 };

/* Whatever is done to the twins, what points to one is what others say points to it. */
static void the_graph_is_the_sum_of_profiles(void **state)
{
    struct world *w = *state;
    uint8_t says[TWINS][TWINS] = {{0}}, there[TWINS] = {0};
    unsigned seed = 7;
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = (seed = seed * 1103515245 + 12345) >> 16 & 0x7fff, all = 0;
        char id[2] = {(char)('a' + i % TWINS), 0}, text[1024] = "";
        if (i % 4 == 0 && there[i % TWINS]) {
            remove_twin(w, id);
            there[i % TWINS] = 0;
            memset(says[i % TWINS], 0, TWINS);
        } else {
            for (size_t j = 0; j < TWINS; j++) {
                uint8_t yes = (seed >> j) & 1;
                says[i % TWINS][j] = yes;
                if (yes)
                    sprintf(text + strlen(text), "%s{\"kind\":\"k\",\"target\":\"%c\"}",
                            *text ? "," : "", (char)('a' + j));
            }
            say_twin(w, id, text);
            there[i % TWINS] = 1;
        }
        for (size_t from = 0; from < TWINS; from++)
            for (size_t to = 0; to < TWINS; to++)
                all += says[from][to];
        assert_int_equal(graph_edges(w->core), all);
        for (size_t to = 0; to < TWINS; to++) {
            size_t in = 0, wanted = 0;
            const struct twin *t = core_twin(w->core, slice_of((char[]){(char)('a' + to)}, 1));
            assert_int_equal(!!t, there[to]);
            for (size_t from = 0; from < TWINS; from++)
                wanted += says[from][to];
            for (const struct edge *e = t ? graph_first(t, GRAPH_IN, NULL) : NULL; e;
                 e = graph_next(e, GRAPH_IN, NULL))
                in += says[e->source->id[0] - 'a'][to];
            assert_true(!t || in == wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(edges_follow_profiles, setup, teardown),
        cmocka_unit_test_setup_teardown(the_graph_is_the_sum_of_profiles, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
