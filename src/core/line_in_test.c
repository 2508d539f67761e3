/* Tests of line_in.c: bodies of line protocol on a real core. */
#include "core/core_testing.h"
#include "core/line_in.h"

struct lines {
    struct world *w;
    struct line_in *in;
};

struct line_heard {
    struct world *w;
    struct line_result r;
    char detail[2048];
    bool called;
};

static void on_lines(void *arg, const struct line_result *r)
{
    struct line_heard *h = arg;
    assert_false(h->called);
    h->called = true;
    h->r = *r;
    snprintf(h->detail, sizeof h->detail, "%s", r->detail ? r->detail : "");
    loop_stop(h->w->loop);
}

static struct line_in *open_in(struct world *w, const char *rules)
{
    struct line_map *m = NULL;
    struct line_in *in = NULL;
    struct buf why = {0};
    assert_int_equal(line_map_new(slice_str(rules), SLICE_LIT("twin,host"), &m, &why), 0);
    assert_int_equal(line_in_new(w->core, m, &in), 0);
    return in;
}

static bool begin(struct world *w, struct line_in *in, struct provision_grant *g, const char *text,
                  struct line_heard *h)
{
    const struct line_body body = {.source = {.via = "test",
                                              .peer = "peer",
                                              .topic = SLICE_LIT("/write"),
                                              .who = core_system(w->core).who},
                                   .database = SLICE_LIT("db"),
                                   .text = slice_str(text),
                                   .unit = 1000000,
                                   .grant = g};
    *h = (struct line_heard){.w = w};
    return line_in_take(in, &body, on_lines, h);
}

static struct line_heard take(struct world *w, struct line_in *in, struct provision_grant *g,
                              const char *text)
{
    struct line_heard h;
    assert_true(begin(w, in, g, text, &h));
    while (!h.called)
        loop_run(w->loop);
    return h;
}

static struct sensor *named(struct world *w, const char *twin, const char *sensor)
{
    const struct twin *t = core_twin(w->core, slice_str(twin));
    return t ? core_sensor(t, slice_str(sensor)) : NULL;
}

static void known_twins_take_readings(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "{\"rules\":[{\"measurement\":\"p\",\"sensor\":\"{field}\"}]}");
    put(w, TWIN_CREATE, profile, 0);
    for (int round = 0; round < 3; round++) { /* by names, then from the cache */
        struct line_heard h =
            take(w, in, NULL,
                 "p,twin=pump temp=42.5,on=true,mode=\"say \\\"so\\\"\" 1700000000\n"
                 "p,twin=pump mode=\"auto\",temp=43i 1700000001");
        assert_int_equal(h.r.err, 0);
        assert_int_equal(h.r.accepted, 5);
        assert_int_equal(h.r.points, 2);
        assert_int_equal(h.r.dropped, 0);
    }
    assert_true(named(w, "pump", "temp")->last.as.d == 43);
    assert_int_equal(named(w, "pump", "temp")->last.t_us, INT64_C(1700000001000000));
    assert_true(named(w, "pump", "on")->last.as.b);
    line_in_free(in);
}

static void good_lines_of_a_bad_body_are_kept(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "{\"rules\":[{\"measurement\":\"p\",\"sensor\":\"{field}\"}]}");
    put(w, TWIN_CREATE, profile, 0);
    struct line_heard h = take(w, in, NULL,
                               "p,twin=pump temp=1 1\n"
                               "p,twin=pump temp= 1\n"
                               "p,twin=pump temp=\"x\",on=f 2\n"
                               "p,twin=pump,twin=pump temp=1\n"
                               "p,twin=none temp=1\n"
                               "p,twin=pump none=1,temp=4 -5\n"
                               "p,twin=pump temp=9 9\n");
    assert_int_equal(h.r.accepted, 3);
    assert_int_equal(h.r.points, 7);
    assert_int_equal(h.r.dropped, 5);
    assert_int_equal(h.r.line, 2);
    assert_int_equal(h.r.err, ERR_MALFORMED);
    assert_false(h.r.unreadable);
    assert_string_equal(
        h.detail,
        "unable to parse 'p,twin=pump temp= 1': missing field value\n"
        "field type conflict: line 3: temp takes a number, not a text\n"
        "unable to parse 'p,twin=pump,twin=pump temp=1': duplicate tags\n"
        "line 5: there is no twin \"none\" (for its sensor \"temp\"), " PROVISION_NONE "\n"
        "line 6: pump has no sensor \"none\", " PROVISION_NONE "\n"
        "line 6: the time is before 1970");
    assert_int_equal(core_rejection_total(w->core), 6);
    assert_string_equal(core_rejection(w->core, 5)->payload, "p,twin=pump temp= 1");
    assert_string_equal(core_rejection(w->core, 4)->sensor, "temp");
    h = take(w, in, NULL, "nothing\nof this");
    assert_true(h.r.unreadable);
    h = take(w, in, NULL, "");
    assert_int_equal(h.r.err | (int)h.r.points, 0);
    h = take(w, in, NULL, "p,twin=pump mode=\"\xff\"");
    assert_int_equal(h.r.err, ERR_MALFORMED);
    assert_string_equal(h.detail,
                        "unable to parse 'p,twin=pump mode=\"\xff\"': the text is not UTF-8");
    line_in_free(in);
}

static void what_is_missing_is_made_and_nothing_is_lost(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "");
    struct provision_grant g = {.limits = {100, 100, 100, 100}};
    struct line_heard h = take(w, in, &g,
                               "cpu,host=a idle=1,user=2 1\nbad line\ncpu,host=b idle=3,on=t 1\n"
                               "cpu,host=a idle=4,user=5 2\nlog,host=a text=\"x\" 2");
    assert_int_equal(h.r.accepted, 7);
    assert_int_equal(h.r.points, 5);
    assert_int_equal(h.r.dropped, 1);
    assert_int_equal(core_rejection_total(w->core), 1); /* told once */
    assert_int_equal(g.twins, 2);
    assert_int_equal(g.sensors, 5);
    assert_true(named(w, "a", "cpu_idle")->last.as.d == 4);
    assert_int_equal(named(w, "a", "cpu_idle")->updates, 2);
    assert_int_equal(named(w, "b", "cpu_on")->kind, VALUE_BOOL);
    /* in the middle of a point: what stood before is not taken twice */
    h = take(w, in, &g, "cpu,host=a idle=5,user=6,system=7,on=f 3");
    assert_int_equal(h.r.accepted, 4);
    assert_int_equal(named(w, "a", "cpu_idle")->updates, 3);
    /* a twin that went is made again */
    struct kept k = {.w = w};
    core_twin_remove(w->core, (const struct asker[]){core_system(w->core)}, SLICE_LIT("a"), 0,
                     on_twin, &k);
    loop_run(w->loop);
    h = take(w, in, &g, "cpu,host=a idle=6 4");
    assert_int_equal(h.r.accepted, 1);
    assert_true(named(w, "a", "cpu_idle")->last.as.d == 6);
    line_in_free(in);
}

static void two_bodies_at_once_make_it_once(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "");
    struct provision_grant g = {.limits = {100, 100, 100, 100}};
    struct line_heard one, two;
    assert_true(begin(w, in, &g, "m,host=h x=1,y=1 1", &one));
    assert_true(begin(w, in, &g, "m,host=h y=2,z=2 2", &two));
    while (!one.called || !two.called)
        loop_run(w->loop);
    assert_int_equal(one.r.accepted, 2);
    assert_int_equal(two.r.accepted, 2);
    assert_int_equal(core_twin(w->core, SLICE_LIT("h"))->sensors_n, 3);
    assert_int_equal(g.twins, 1);
    assert_int_equal(g.sensors, 3);
    line_in_free(in);
}

static void past_a_limit_it_is_said(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "");
    struct provision_grant g = {.limits = {100, 2, 100, 100}};
    struct line_heard h = take(w, in, &g, "m,host=h x=1,y=1,z=1 1\nbad");
    assert_int_equal(h.r.accepted, 2);
    assert_int_equal(h.r.err, ERR_OVERLOAD); /* worth sending again, whatever else is wrong */
    assert_non_null(strstr(h.detail, "no more than 2 sensors are made by themselves in a minute"));
    g.limits.sensors = 2;
    g.minute_sensors = 0;
    h = take(w, in, &g, "m,host=h z=1 1");
    assert_int_equal(h.r.err, ERR_UNKNOWN_SENSOR);
    assert_non_null(strstr(h.detail, "no more than 2 sensors are made by themselves here"));
    line_in_free(in);
}

static void an_end_answers(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "");
    struct provision_grant g = {.limits = {100, 100, 100, 100}};
    struct line_heard h;
    assert_true(begin(w, in, &g, "m,host=h x=1 1", &h));
    core_stop(w->core);
    assert_true(h.called);
    assert_int_equal(h.r.accepted, 1); /* what was under way is made and kept */
    h = take(w, in, NULL, "m,host=h x=1 1");
    assert_int_not_equal(h.r.err, 0);
    line_in_free(in);
}

/* Known and new twins by turns, far more than a turn reads. */
static void large_bodies_are_read_in_turns(void **state)
{
    struct world *w = *state;
    enum { LINES = 20000, TWINS = 50 };
    struct line_in *in = open_in(w, "");
    struct provision_grant g = {.limits = {100, 1000, 100, 1000}};
    struct buf b = {0};
    struct line_heard h, small;
    for (int i = 0; i < LINES; i++)
        buf_addf(&b, "m,host=h%d x=%d %d\n", i * TWINS / LINES, i, i + 1);
    buf_addf(&b, "m,host=h0 x\n");
    buf_add_byte(&b, 0);
    assert_true(begin(w, in, &g, b.p, &h));
    small = take(w, in, &g, "m,host=small x=1 1");
    assert_int_equal(small.r.accepted, 1);
    assert_false(h.called);
    while (!h.called)
        loop_run(w->loop);
    assert_int_equal(h.r.accepted, LINES);
    assert_int_equal(h.r.points, LINES + 1);
    assert_int_equal(h.r.dropped, 1);
    assert_int_equal(h.r.line, LINES + 1);
    assert_int_equal(named(w, "h49", "m_x")->updates, LINES / TWINS);
    assert_true(begin(w, in, &g, b.p, &h));
    core_stop(w->core);
    assert_true(h.called);
    assert_int_equal(h.r.accepted, 0);
    assert_int_equal(h.r.err, ERR_CANCELLED);
    buf_release(&b);
    line_in_free(in);
}

static void databases_may_be_told_apart(void **state)
{
    struct world *w = *state;
    struct line_in *in = open_in(w, "{\"rules\":[{\"twin\":\"{db}-{tag.host}\"}]}");
    struct provision_grant g = {.limits = {100, 100, 100, 100}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(take(w, in, &g, "m,host=h x=1 1").r.err, 0);
    assert_non_null(named(w, "db-h", "m_x"));
    line_in_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_twins_take_readings),
        TEST(good_lines_of_a_bad_body_are_kept),
        TEST(what_is_missing_is_made_and_nothing_is_lost),
        TEST(two_bodies_at_once_make_it_once),
        TEST(past_a_limit_it_is_said),
        TEST(an_end_answers),
        TEST(large_bodies_are_read_in_turns),
        TEST(databases_may_be_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
