/* Tests of spark_in.c: names, the order of a node's messages, sessions. */
#include "codec/sparkplug.h"
#include "core/core_testing.h"
#include "core/spark_in.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- names ---- */

static void topics(void **state)
{
    (void)state;
    static const struct {
        const char *topic;
        enum spark_kind kind;
        const char *group, *node, *device;
    } cases[] = {
        {"spBv1.0/g/NBIRTH/n", SPARK_NBIRTH, "g", "n", NULL},
        {"spBv1.0/g/NDATA/n", SPARK_NDATA, "g", "n", NULL},
        {"spBv1.0/g/NDEATH/n", SPARK_NDEATH, "g", "n", NULL},
        {"spBv1.0/g 1/DBIRTH/n/d x", SPARK_DBIRTH, "g 1", "n", "d x"},
        {"spBv1.0/g/DDATA/n/d", SPARK_DDATA, "g", "n", "d"},
        {"spBv1.0/g/DDEATH/n/d", SPARK_DDEATH, "g", "n", "d"},
        {"spBv1.0/g/NCMD/n", SPARK_NONE, NULL, NULL, NULL},
        {"spBv1.0/g/DCMD/n/d", SPARK_NONE, NULL, NULL, NULL},
        {"spBv1.0/STATE/host", SPARK_NONE, NULL, NULL, NULL},
        {"spAv1.0/g/NDATA/n", SPARK_NONE, NULL, NULL, NULL},
        {"twins/a/telemetry", SPARK_NONE, NULL, NULL, NULL},
        {"spBv1.0/", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/NDATA", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/NDATA/", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0//NDATA/n", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/NDATA/n/d", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/DDATA/n", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/DDATA/n/", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/DDATA/n/d/e", SPARK_BAD, NULL, NULL, NULL},
        {"spBv1.0/g/WHAT/n", SPARK_BAD, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct spark_topic t;
        spark_topic_parse(slice_str(cases[i].topic), &t);
        assert_int_equal(t.kind, cases[i].kind);
        if (!cases[i].group)
            continue;
        assert_true(slice_is(t.group, cases[i].group) && slice_is(t.node, cases[i].node));
        assert_true(cases[i].device ? slice_is(t.device, cases[i].device) : !t.device.p);
    }
}

static void no_two_things_have_one_id(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct slice none = {0}, g = SLICE_LIT("g");
    char longest[200];
    memset(longest, 'x', sizeof longest);
    assert_true(slice_is(spark_twin_id(a, g, SLICE_LIT("n"), none), "g:n"));
    assert_true(slice_is(spark_twin_id(a, g, SLICE_LIT("n"), SLICE_LIT("d")), "g:n:d"));
    assert_true(slice_is(spark_sensor_id(a, SLICE_LIT("Inputs/A-1")), "Inputs:A-1"));
    struct slice ids[] = {
        spark_twin_id(a, g, SLICE_LIT("n:d"), none),
        spark_twin_id(a, g, SLICE_LIT("n"), SLICE_LIT("d")),
        spark_twin_id(a, SLICE_LIT("g:n"), SLICE_LIT("d"), none),
        spark_twin_id(a, g, SLICE_LIT("n d"), none),
        spark_twin_id(a, g, SLICE_LIT("n_d"), none),
        spark_twin_id(a, g, SLICE_LIT("n\u00e4d"), none),
        spark_twin_id(a, g, slice_of(longest, 199), none),
        spark_twin_id(a, g, slice_of(longest, 200), none),
        spark_sensor_id(a, SLICE_LIT("a/b")),
        spark_sensor_id(a, SLICE_LIT("a:b")),
        spark_sensor_id(a, SLICE_LIT("/")),
        spark_sensor_id(a, slice_of(longest, 129)),
    };
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_true(slice_is_id(ids[i]));
        for (size_t k = 0; k < i; k++)
            assert_false(slice_eq(ids[i], ids[k]));
    }
    arena_free(a);
}

/* ---- messages ---- */

/* A payload of doubles a, b, ... with their names, and bdSeq. */
static void payload(struct buf *out, uint64_t seq, int bd_seq, const char *names, double value)
{
    char field[64];
    buf_clear(out);
    for (const char *c = names; *c; c++) {
        int n = snprintf(field, sizeof field, "\x12\x0e\x0a\x01%c\x20\x0a\x69", *c);
        memcpy(field + n, &value, 8); /* the machine's order is the wire's */
        buf_add(out, field, (size_t)n + 8);
    }
    if (bd_seq >= 0)
        buf_addf(out, "\x12\x0b\x0a\x05%s\x20\x08\x58%c", "bdSeq", bd_seq);
    buf_add_byte(out, 0x18);
    buf_add_byte(out, (unsigned char)(seq & 127));
}

struct talk {
    struct world *w;
    struct spark_in *in;
    struct provision_grant grant;
    unsigned rebirths, called, expected;
    struct heard last;
};

static void on_rebirth(void *arg, struct org *org, struct slice group, struct slice node)
{
    struct talk *t = arg;
    (void)org;
    assert_true(slice_is(group, "g") && slice_is(node, "n"));
    t->rebirths++;
}

static void on_taken(void *arg, const struct ingest_result *r)
{
    struct talk *t = arg;
    t->called++;
    t->last.accepted = r->accepted;
    t->last.rejected = r->rejected;
    t->last.err = r->err;
    if (t->called == t->expected)
        loop_stop(t->w->loop);
}

static void send(struct talk *t, const char *topic, const struct buf *body)
{
    struct ingest_source src = {.via = "mqtt",
                                .peer = "peer",
                                .topic = slice_str(topic),
                                .who = core_system(t->w->core).who};
    spark_in_take(t->in, &src, buf_slice(body), &t->grant, on_taken, t);
}

static void wait_for(struct talk *t, unsigned n)
{
    t->expected = n;
    if (t->called < n)
        loop_run(t->w->loop);
    assert_int_equal(t->called, n);
}

static void begin(struct talk *t, struct world *w)
{
    *t = (struct talk){.w = w, .grant.limits = {100, 100, 100, 100}};
    const struct spark_opts opts = {on_rebirth, t};
    assert_int_equal(spark_in_new(w->core, &opts, &t->in), 0);
}

static struct sensor *find(struct talk *t, const char *twin, const char *sensor)
{
    struct twin *found = core_twin(t->w->core, slice_str(twin));
    return found ? core_sensor(found, slice_str(sensor)) : NULL;
}

/* All at once: the births make twins, and what is behind them waits for that. */
static void a_node_that_says_everything_at_once(void **state)
{
    struct talk t;
    struct buf b = {0};
    begin(&t, *state);
    payload(&b, 0, 1, "ab", 1);
    send(&t, "spBv1.0/g/NBIRTH/n", &b);
    payload(&b, 1, -1, "c", 2);
    send(&t, "spBv1.0/g/DBIRTH/n/d", &b);
    payload(&b, 2, -1, "c", 3);
    send(&t, "spBv1.0/g/DDATA/n/d", &b);
    payload(&b, 3, -1, "b", 4);
    send(&t, "spBv1.0/g/NDATA/n", &b);
    assert_null(core_twin(t.w->core, SLICE_LIT("g:n")));
    wait_for(&t, 4);
    assert_int_equal(t.last.err, 0);
    assert_int_equal(t.rebirths, 0);
    assert_true(find(&t, "g:n", "a")->last.as.d == 1);
    assert_true(find(&t, "g:n", "b")->last.as.d == 4);
    assert_true(find(&t, "g:n:d", "c")->last.as.d == 3);
    assert_int_equal(find(&t, "g:n:d", "c")->twin->state, LIVE_LIVE);

    payload(&b, 0, 9, "", 0); /* of another session */
    send(&t, "spBv1.0/g/NDEATH/n", &b);
    wait_for(&t, 5);
    assert_int_equal(find(&t, "g:n", "a")->twin->state, LIVE_LIVE);
    payload(&b, 4, -1, "c", 5);
    send(&t, "spBv1.0/g/DDATA/n/d", &b);
    payload(&b, 0, 1, "", 0);
    send(&t, "spBv1.0/g/NDEATH/n", &b); /* waits for the reading before it */
    wait_for(&t, 7);
    assert_true(find(&t, "g:n:d", "c")->last.as.d == 5);
    assert_int_equal(find(&t, "g:n", "a")->twin->state, LIVE_STALE);
    assert_int_equal(find(&t, "g:n:d", "c")->twin->state, LIVE_STALE);

    payload(&b, 5, -1, "c", 6);
    send(&t, "spBv1.0/g/DDATA/n/d", &b);
    wait_for(&t, 8);
    assert_int_equal(t.last.err, ERR_NOT_FOUND);
    assert_int_equal(t.rebirths, 1);
    buf_release(&b);
    spark_in_free(t.in);
}

/* Whoever lets go of it while messages are under way still hears of each. */
static void it_ends_in_the_middle(void **state)
{
    struct talk t;
    struct buf b = {0};
    begin(&t, *state);
    payload(&b, 0, 1, "ab", 1);
    send(&t, "spBv1.0/g/NBIRTH/n", &b);
    payload(&b, 7, -1, "a", 2);
    send(&t, "spBv1.0/g/NDATA/n", &b);
    spark_in_free(t.in);
    wait_for(&t, 2);
    assert_int_equal(t.rebirths, 0);
    buf_release(&b);
}

static void stop_when_stale(void *arg)
{
    struct world *w = arg;
    if (core_twin(w->core, SLICE_LIT("pump"))->state == LIVE_STALE)
        loop_stop(w->loop);
}

static void a_session_lasts_through_silence(void **state)
{
    struct world *w = *state;
    struct talk t;
    struct buf b = {0};
    struct loop_timer *timer;
    begin(&t, w);
    put(w, TWIN_CREATE, profile, 0);
    payload(&b, 0, 1, "a", 1);
    send(&t, "spBv1.0/g/NBIRTH/n", &b);
    wait_for(&t, 1);
    say(w, ingest_telemetry, "{\"temp\":1}");
    clock_set(clock_now_us() + INT64_C(3600000000));
    assert_int_equal(loop_timer_new(w->loop, stop_when_stale, w, &timer), 0);
    loop_timer_start(timer, 20, 20);
    loop_run(w->loop); /* the pump goes quiet */
    loop_timer_free(timer);
    assert_int_equal(find(&t, "g:n", "a")->twin->state, LIVE_LIVE);
    payload(&b, 0, 1, "", 0);
    send(&t, "spBv1.0/g/NDEATH/n", &b);
    wait_for(&t, 2);
    assert_int_equal(find(&t, "g:n", "a")->twin->state, LIVE_STALE);
    buf_release(&b);
    spark_in_free(t.in);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics),
        cmocka_unit_test(no_two_things_have_one_id),
        TEST(a_node_that_says_everything_at_once),
        TEST(it_ends_in_the_middle),
        TEST(a_session_lasts_through_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
