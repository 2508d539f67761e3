/* Tests of the topics under twins/ on a real core in a temporary folder. */
#include "mqtt/testing.h"

#include <ftw.h>
#include <unistd.h>

static struct core *core;
static char dir[64];

static const char profile[] =
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
    "\"@type\":\"DigitalDocument\",\"name\":\"Pump\",\"description\":\"A pump\",\"identifier\":"
    "{\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"%s\"},\"subjectOf\":"
    "{\"@type\":\"Thing\",\"name\":\"Water pump\"},\"sensors\":["
    "{\"id\":\"temp\",\"name\":\"Temperature\",\"type\":\"temperature\",\"unit\":\"celsius\","
    "\"updateFrequency\":1,\"normalRange\":[30,65],\"criticalRange\":[75,90]},"
    "{\"id\":\"flow\",\"name\":\"Flow\",\"type\":\"flow\",\"unit\":\"m3/h\","
    "\"updateFrequency\":1,\"normalRange\":[30,65],\"criticalRange\":[75,90]}]}";

/* ---- the world ---- */

static void made(void *arg, const struct twin_result *r)
{
    assert_int_equal(r->err, 0);
    *(bool *)arg = true;
}

struct until {
    const bool *flag; /* or until no publish waits for the core */
    struct loop_timer *timer;
};

static void look(void *arg)
{
    const struct until *u = arg;
    if (u->flag ? *u->flag : !b->pendings)
        loop_stop(loop);
}

static void run_until(const bool *flag)
{
    struct until u = {.flag = flag};
    assert_int_equal(loop_timer_new(loop, look, &u, &u.timer), 0);
    loop_timer_start(u.timer, 1, 1);
    loop_run(loop);
    loop_timer_free(u.timer);
}

static void settle(void)
{
    run_until(NULL);
}

static void make_twin(const char *id)
{
    char text[2048];
    bool done = false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(text, sizeof text, profile, id);
#pragma GCC diagnostic pop
    core_twin_put(core, (const struct asker[]){core_system(core)}, TWIN_CREATE, SLICE_LIT(""),
                  slice_of(text, (size_t)n), 0, false, made, &done);
    run_until(&done);
}

static int open_world(void **state)
{
    (void)state;
    const char *why = NULL;
    strcpy(dir, "/tmp/doppel-mqtt-XXXXXX");
    assert_non_null(mkdtemp(dir));
    struct core_opts opts = {.dir = dir, .access_open = true};
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(core_open(loop, &opts, &core, &why), 0);
    assert_int_equal(broker_new(loop, core, NULL, &b), 0);
    make_twin("pump");
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static int close_world(void **state)
{
    (void)state, (void)setup, (void)setup_small, (void)teardown;
    broker_free(b);
    core_close(core);
    loop_free(loop);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct sensor *sensor(const char *twin, const char *id)
{
    return core_sensor(core_twin(core, slice_str(twin)), slice_str(id));
}

static double last_of(const char *id)
{
    return point_value(&sensor("pump", id)->last).as.d;
}

/* The value in an update object. */
static double value_in(const struct client *t)
{
    struct slice p = t->p.as.publish.payload;
    const char *at = memmem(p.p, p.n, "\"value\":", 8);
    assert_non_null(at);
    return strtod(at + 8, NULL);
}

static void expect_update(struct client *t, const char *topic, double value)
{
    expect(t, MQTT_PUBLISH);
    assert_true(slice_is(t->p.as.publish.topic, topic));
    assert_true(value_in(t) == value);
}

/* ---- in ---- */

static void readings_are_acknowledged_when_they_are_safe(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct client t = client_new(b, both[i], "dev");
        publish(&t, "twins/pump/sensors/temp", "42.5", 1, 1);
        publish(&t, "twins/pump/telemetry", "{\"temp\":43,\"flow\":7}", 2, 2);
        expect_nothing(&t); /* the disk has not answered */
        settle();
        expect_ack(&t, MQTT_PUBACK, 1, 0);
        expect_ack(&t, MQTT_PUBREC, 2, 0);
        say_ack(&t, MQTT_PUBREL, 2);
        expect_ack(&t, MQTT_PUBCOMP, 2, 0);
        assert_true(last_of("temp") == 43 && last_of("flow") == 7);
        publish(&t, "twins/pump/sensors/temp", "44", 0, 0);
        settle();
        expect_nothing(&t);
        assert_true(last_of("temp") == 44);
        client_drop(&t);
    }
}

static void refusals_reach_the_sender(void **state)
{
    (void)state;
    static const struct {
        const char *topic, *payload;
        uint8_t reason;
    } rows[] = {
        {"twins/nobody/sensors/temp", "1", MQTT_BAD_TOPIC},
        {"twins/pump/sensors/none", "1", MQTT_BAD_TOPIC},
        {"twins/pump/sensors/temp", "\"warm\"", MQTT_BAD_PAYLOAD},
        {"twins/pump/telemetry", "{\"temp\":", MQTT_BAD_PAYLOAD},
        {"twins/pump/telemetry", "{\"temp\":1,\"none\":2}", MQTT_BAD_TOPIC},
        {"twins/pump/sensors", "1", MQTT_BAD_TOPIC},
        {"twins/pump/sensors/temp/x", "1", MQTT_BAD_TOPIC},
        {"twins/pump/temp", "1", MQTT_BAD_TOPIC},
        {"twins/pump/sensor/temp", "1", MQTT_BAD_TOPIC},
        {"twins/pump", "1", MQTT_BAD_TOPIC},
        {"twins/pump/telemetry/", "{\"temp\":1}", MQTT_BAD_TOPIC},
        {"twins/pump/sensors/temp", "", MQTT_BAD_PAYLOAD},
    };
    size_t n = sizeof rows / sizeof rows[0];
    struct client t = client_new(b, MQTT_V5, "dev"), old = client_new(b, MQTT_V311, "old");
    for (size_t i = 0; i < n; i++) {
        uint64_t before = core_rejection_total(core);
        publish(&t, rows[i].topic, rows[i].payload, 1, 5);
        settle();
        expect_ack(&t, MQTT_PUBACK, 5, rows[i].reason);
        assert_true(t.p.as.ack.props.reason_string.n > 0);
        publish(&t, rows[i].topic, rows[i].payload, 2, 6);
        settle();
        expect_ack(&t, MQTT_PUBREC, 6, rows[i].reason);
        assert_false(idset_has(&t.c->session->received, 6)); /* the identifier is free */
        publish(&old, rows[i].topic, rows[i].payload, 1, 7);
        publish(&old, rows[i].topic, rows[i].payload, 0, 0);
        settle();
        expect_ack(&old, MQTT_PUBACK, 7, 0);
        assert_int_equal(core_rejection_total(core) - before, 4);
    }
    const struct rejection *r = core_rejection(core, 0);
    assert_string_equal(r->via, "mqtt");
    assert_string_equal(r->topic, rows[n - 1].topic);
    assert_non_null(strstr(r->peer, "old"));
    client_drop(&t);
    client_drop(&old);
}

/* The disk is full: 5.0 hears so, 3.1.1 can only be ended, and sends it again. */
static void what_cannot_be_stored_now(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        for (uint8_t qos = 1; qos < 3; qos++) {
            struct client t = client_stay(b, both[i], "dev", 100);
            struct pending *p = pending_new(b, t.c->session, qos, 9);
            if (qos == 2)
                idset_add(&t.c->session->received, 9);
            p->waiting = true;
            pending_wait_in(t.c, p);
            twins_done(p, &(struct ingest_result){.rejected = 1, .err = ERR_STORAGE});
            if (both[i] == MQTT_V5) {
                expect_ack(&t, qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, 9, MQTT_QUOTA);
                assert_false(t.c->closed);
            } else { /* a transient error: 3.1.1 [MQTT-4.8.0-2] */
                expect_closed(&t, 0);
            }
            client_drop(&t);
            t = client_stay(b, both[i], "dev", 100);
            assert_false(idset_has(&t.c->session->received, 9)); /* it may come again */
            client_drop(&t);
        }
}

static void acknowledgements_keep_their_order(void **state) /* as clients must */
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "dev");
    publish(&t, "twins/pump/sensors/temp", "1", 1, 1);
    publish(&t, "twins/nobody/sensors/temp", "1", 1, 2); /* refused at once */
    publish(&t, "plain", "1", 1, 3);                     /* done at once */
    publish(&t, "twins/pump/sensors/temp", "2", 2, 4);
    publish(&t, "plain", "1", 2, 5);
    settle();
    for (uint16_t id = 1; id <= 5; id++) {
        assert_true(client_hear(&t));
        assert_int_equal(t.p.as.ack.packet_id, id);
    }
    expect_nothing(&t);
    client_drop(&t);
}

static void the_answer_finds_nobody(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "gone"), stay = client_stay(b, MQTT_V5, "stay", 100);
    publish(&t, "twins/pump/sensors/temp", "1", 1, 1);
    publish(&t, "twins/pump/sensors/temp", "2", 2, 2);
    publish(&t, "plain", "1", 1, 3);
    client_drop(&t);
    publish(&stay, "twins/pump/sensors/flow", "3", 2, 7);
    client_drop(&stay);
    stay = client_stay(b, MQTT_V5, "stay", 100);
    publish(&stay, "twins/pump/sensors/flow", "3", 2, 7); /* once more: it still waits */
    expect_nothing(&stay);
    settle();
    expect_ack(&stay, MQTT_PUBREC, 7, 0);
    expect_nothing(&stay);
    assert_true(last_of("temp") == 2 && sensor("pump", "flow")->updates == 1);
    /* and the broker may go before the answer comes */
    publish(&stay, "twins/pump/sensors/temp", "9", 1, 8);
    publish(&stay, "twins/pump/telemetry", "{\"temp\":10}", 0, 0);
    assert_non_null(b->pendings);
    client_drop(&stay);
    broker_free(b);
    b = NULL;
}

static void wills_of_devices_are_readings(void **state)
{
    (void)state;
    struct mqtt_packet p = with_will(MQTT_V311, "77", true, 0, 0);
    p.as.connect.will_topic = SLICE_LIT("twins/pump/sensors/temp");
    struct client t = client_with(b, &p);
    client_drop(&t);
    settle();
    assert_true(last_of("temp") == 77);
    assert_int_equal(b->retained_n, 0);
}

/* ---- out ---- */

static void ingest_elsewhere(const char *body)
{
    struct ingest_source src = {
        .via = "http", .peer = "-", .topic = SLICE_LIT("/"), .who = core_system(core).who};
    struct ingest *in = ingest_begin(core, &src);
    ingest_telemetry(in, SLICE_LIT("pump"), slice_str(body));
    struct pending *p = pending_new(b, NULL, 0, 0); /* so that settle() waits for it as well */
    p->waiting = true;
    ingest_commit(in, twins_done, p);
    settle();
}

static void updates_reach_subscribers(void **state)
{
    (void)state;
    struct client zero = client_new(b, MQTT_V311, "zero"), one = client_new(b, MQTT_V5, "one");
    struct client none = client_new(b, MQTT_V5, "none"), dev = client_new(b, MQTT_V311, "dev");
    subscribe(&zero, "twins/+/sensors/temp", 0);
    subscribe_with(&one, &(struct mqtt_filter){.filter = SLICE_LIT("#"), .qos = 2}, 9);
    subscribe(&none, "twins/pump/sensors/flow", 1);
    publish(&dev, "twins/pump/sensors/temp", "{\"value\":12.5}", 0, 0);
    settle();
    expect_update(&zero, "twins/pump/sensors/temp", 12.5);
    assert_false(zero.p.as.publish.retain);
    expect_update(&one, "twins/pump/sensors/temp", 12.5);
    assert_int_equal(one.p.as.publish.qos, 1);
    assert_int_equal(one.p.as.publish.props.subscription_id, 9);
    expect_nothing(&none);
    ingest_elsewhere("[{\"temp\":1,\"flow\":2},{\"temp\":3}]"); /* whatever way it came in */
    expect_update(&zero, "twins/pump/sensors/temp", 1);
    expect_update(&zero, "twins/pump/sensors/temp", 3);
    expect_nothing(&zero);
    expect_update(&none, "twins/pump/sensors/flow", 2);
    for (int i = 0; i < 3; i++)
        expect(&one, MQTT_PUBLISH);
    /* who hears what follows the subscriptions */
    assert_int_equal(unsubscribe(&none, "twins/pump/sensors/flow"), 0);
    client_drop(&one);
    struct client share[2];
    for (int i = 0; i < 2; i++) {
        share[i] = client_new(b, MQTT_V5, i ? "s1" : "s0");
        subscribe(&share[i], "$share/g/twins/#", 1);
    }
    ingest_elsewhere("[{\"flow\":5},{\"flow\":6}]");
    for (int i = 0; i < 2; i++) {
        expect(&share[i], MQTT_PUBLISH);
        expect_nothing(&share[i]);
        client_drop(&share[i]);
    }
    expect_nothing(&none);
    client_drop(&none);
    client_drop(&zero);
    client_drop(&dev);
    ingest_elsewhere("{\"flow\":7}");
}

static void the_last_value_greets(void **state)
{
    (void)state;
    char id[16];
    enum { TWINS = 50 };
    for (int i = 0; i < TWINS; i++) {
        snprintf(id, sizeof id, "t%d", i);
        make_twin(id);
    }
    struct client dev = client_new(b, MQTT_V311, "dev"), t = client_new(b, MQTT_V5, "t");
    for (int i = 0; i < TWINS; i += 2) {
        char topic[64];
        snprintf(topic, sizeof topic, "twins/t%d/sensors/temp", i);
        publish(&dev, topic, "5", 0, 0);
    }
    settle();
    subscribe(&t, "twins/t4/sensors/temp", 1);
    expect_update(&t, "twins/t4/sensors/temp", 5);
    assert_true(t.p.as.publish.retain);
    assert_int_equal(t.p.as.publish.qos, 1);
    say_ack(&t, MQTT_PUBACK, t.p.as.publish.packet_id);
    subscribe(&t, "twins/t5/sensors/temp", 1);
    expect_nothing(&t); /* no value yet */
    static const char *const all[] = {
        "#", "twins/#", "twins/+/sensors/+", "twins/+/sensors/#", "+/+/+/temp", "twins/+/#"};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        int got = 0;
        subscribe(&t, all[k], 0);
        for (; client_hear(&t); got++)
            assert_true(t.p.as.publish.retain);
        assert_int_equal(got, TWINS / 2);
    }
    struct mqtt_filter f = {.filter = SLICE_LIT("twins/#"), .retain_handling = 1};
    subscribe_with(&t, &f, 0);
    expect_nothing(&t);
    f.filter = SLICE_LIT("twins/t2/#");
    f.retain_handling = 2;
    subscribe_with(&t, &f, 0);
    expect_nothing(&t);
    subscribe(&t, "twins/+/sensors/flow", 0);
    subscribe(&t, "twins/+", 0);
    subscribe(&t, "+/t2", 0);
    expect_nothing(&t);
    client_drop(&t);
    client_drop(&dev);
}

static void telemetry_is_forwarded_when_it_was_taken(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), dev = client_new(b, MQTT_V5, "dev");
    subscribe_with(&t,
                   &(struct mqtt_filter){.filter = SLICE_LIT("twins/pump/telemetry"),
                                         .qos = 1,
                                         .retain_as_published = true},
                   0);
    struct mqtt_packet p = publish_packet("twins/pump/telemetry", "{\"temp\": 1}", 1, 1);
    p.as.publish.retain = true;
    p.as.publish.props.has = MQTT_BIT(MQTT_CONTENT_TYPE);
    p.as.publish.props.content_type = SLICE_LIT("application/json");
    client_say(&dev, &p);
    expect_nothing(&t); /* not before it is safe */
    settle();
    expect_publish(&t, "twins/pump/telemetry", "{\"temp\": 1}");
    assert_false(t.p.as.publish.retain); /* the twin is its own last value */
    assert_true(slice_is(t.p.as.publish.props.content_type, "application/json"));
    assert_int_equal(b->retained_n, 0);
    publish(&dev, "twins/pump/telemetry", "{\"none\":1}", 1, 2);
    settle();
    expect_nothing(&t);
    publish(&dev, "twins/pump/telemetry", "{\"temp\":2,\"none\":1}", 1, 3); /* partly */
    settle();
    expect_publish(&t, "twins/pump/telemetry", "{\"temp\":2,\"none\":1}");
    client_drop(&t);
    client_drop(&dev);
}

static void other_words_are_between_clients(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), dev = client_new(b, MQTT_V311, "dev");
    subscribe(&t, "twins/pump/commands/#", 1);
    publish(&dev, "twins/pump/commands/stop", "now", 1, 1);
    expect_ack(&dev, MQTT_PUBACK, 1, 0);
    expect_publish(&t, "twins/pump/commands/stop", "now");
    retain(&dev, "twins/pump/commands/mode", "slow");
    assert_int_equal(b->retained_n, 1);
    assert_int_equal(core_rejection_total(core), 0);
    client_drop(&t);
    client_drop(&dev);
}

static void a_slow_reader_gets_the_newest(void **state)
{
    (void)state;
    struct client t = client_new(b, MQTT_V5, "t"), dev = client_new(b, MQTT_V311, "dev");
    char payload[64];
    double last = -1;
    int got = 0, flows = 0;
    enum { MANY = 6000 };
    subscribe(&t, "twins/pump/sensors/+", 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(payload, sizeof payload, "%d", i);
        publish(&dev, "twins/pump/sensors/temp", payload, 0, 0);
    }
    publish(&dev, "twins/pump/sensors/flow", "1", 0, 0);
    settle();
    assert_non_null(t.c->behind);
    assert_true(t.c->memory.n < OUT_HIGH + 1000);
    for (int round = 0; round < 2; round++) {
        for (; client_hear(&t); got++) {
            if (slice_is(t.p.as.publish.topic, "twins/pump/sensors/flow"))
                flows++;
            else
                last = value_in(&t);
        }
        mqtt_conn_drained(t.c);
    }
    assert_true(got < MANY && last == MANY - 1); /* not all, but the newest */
    assert_int_equal(flows, 1);
    assert_null(t.c->behind);
    publish(&dev, "twins/pump/sensors/temp", "-1", 0, 0); /* and goes on as before */
    settle();
    expect_update(&t, "twins/pump/sensors/temp", -1);
    client_drop(&t);
    client_drop(&dev);
}

#define TWINS_TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TWINS_TEST(readings_are_acknowledged_when_they_are_safe),
        TWINS_TEST(refusals_reach_the_sender),
        TWINS_TEST(what_cannot_be_stored_now),
        TWINS_TEST(acknowledgements_keep_their_order),
        TWINS_TEST(the_answer_finds_nobody),
        TWINS_TEST(wills_of_devices_are_readings),
        TWINS_TEST(updates_reach_subscribers),
        TWINS_TEST(the_last_value_greets),
        TWINS_TEST(telemetry_is_forwarded_when_it_was_taken),
        TWINS_TEST(other_words_are_between_clients),
        TWINS_TEST(a_slow_reader_gets_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
