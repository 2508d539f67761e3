/* Who may what over MQTT: on a real core that is locked, with two organisations. */
#include "access/change.h"
#include "access/knock.h"
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "mqtt/testing.h"

#include <ftw.h>
#include <unistd.h>

static struct core *core;
static char dir[64];

/* ---- the world ---- */

struct wish {
    enum record_kind kind;
    const char *id, *doc; /* doc NULL: it goes */
    bool done;
};

static int prepare(struct change *ch)
{
    const struct wish *w = ch->arg;
    struct jval *doc;
    if (!w->doc) {
        change_remove(ch, w->kind, w->id);
    } else {
        assert_int_equal(jdoc_parse(ch->arena, slice_str(w->doc), &doc, NULL), 0);
        change_put(ch, w->kind, w->id, doc);
    }
    change_audit(ch, "test", w->id, NULL, NULL);
    return 0;
}

static void done(struct change *ch)
{
    ((struct wish *)ch->arg)->done = true;
    assert_int_equal(ch->err, 0);
    loop_stop(loop);
}

static void put(enum record_kind kind, const char *id, const char *doc)
{
    struct wish w = {kind, id, doc, false};
    struct principal *system = access_the_system(core_access(core));
    access_change(
        core_access(core),
        &(struct change_plan){
            .who = system, .from = {.via = "test"}, .prepare = prepare, .done = done, .arg = &w});
    while (!w.done)
        loop_run(loop);
}

/* A document with the hash of a secret. */
static void put_secret(enum record_kind kind, const char *id, const char *secret, const char *rest)
{
    unsigned char hash[SHA256_BYTES];
    struct buf doc = {0};
    digest_sha256(slice_str(secret), hash);
    buf_add_str(&doc, "{\"hash\":\"");
    encode_add(&doc, ENCODE_HEX, slice_of((const char *)hash, sizeof hash));
    buf_addf(&doc, "\",%s}", rest);
    buf_add_byte(&doc, 0);
    put(kind, id, doc.p);
    buf_release(&doc);
}

static void person(const char *name, const char *org, const char *role)
{
    char id[64], doc[128], rest[128];
    snprintf(id, sizeof id, "p_%s", name);
    snprintf(doc, sizeof doc, "{\"name\":\"%s\",\"email\":\"%s@example.org\"}", name, name);
    put(RECORD_PERSON, id, doc);
    snprintf(rest, sizeof rest, "\"person\":\"%s\",\"organization\":\"%s\"", id, org);
    snprintf(id, sizeof id, "%s/p_%s", org, name);
    snprintf(doc, sizeof doc, "{\"role\":\"%s\"}", role);
    put(RECORD_MEMBER, id, doc);
    put_secret(RECORD_TOKEN, name, name, rest);
}

static void device(const char *id, const char *secret, const char *twin)
{
    char rest[128];
    snprintf(rest, sizeof rest, "\"twin\":\"%s\"", twin);
    put_secret(RECORD_CREDENTIAL, id, secret, rest);
}

static void made(void *arg, const struct twin_result *r)
{
    if (r->err)
        fail_msg("%s %.*s", r->detail, SLICE_ARG(r->findings));
    *(bool *)arg = true;
    loop_stop(loop);
}

static const char profile[] =
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
    "\"@type\":\"DigitalDocument\",\"name\":\"Pump\",\"description\":\"A pump\",\"identifier\":"
    "{\"@type\":\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"%s\"},"
    "\"subjectOf\":{\"@type\":\"Thing\",\"name\":\"Water pump\"},\"sensors\":["
    "{\"id\":\"temp\",\"name\":\"Temperature\",\"type\":\"temperature\",\"unit\":\"celsius\","
    "\"updateFrequency\":1,\"normalRange\":[30,65],\"criticalRange\":[75,90]},"
    "{\"id\":\"flow\",\"name\":\"Flow\",\"type\":\"flow\",\"unit\":\"m3/h\","
    "\"updateFrequency\":1,\"normalRange\":[30,65],\"criticalRange\":[75,90]}]}";

static void make_twin(const char *key)
{
    char text[2048];
    bool ready = false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(text, sizeof text, profile, key + access_key_prefix(slice_str(key)));
#pragma GCC diagnostic pop
    core_twin_put(core, (const struct asker[]){core_system(core)}, TWIN_CREATE, slice_str(key),
                  slice_of(text, (size_t)n), 0, false, made, &ready);
    while (!ready)
        loop_run(loop);
}

static void remove_twin(const char *key)
{
    bool gone = false;
    core_twin_remove(core, (const struct asker[]){core_system(core)}, slice_str(key), 0, made,
                     &gone);
    while (!gone)
        loop_run(loop);
}

static void open_broker(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/mqtt", dir);
    assert_int_equal(
        broker_new(loop, core, &(struct broker_opts){.dir = path, .sparkplug = true}, &b), 0);
}

static int open_world(void **state)
{
    (void)state;
    const char *why = NULL;
    strcpy(dir, "/tmp/doppel-mqtt-XXXXXX");
    assert_non_null(mkdtemp(dir));
    struct core_opts opts = {.dir = dir};
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(core_open(loop, &opts, &core, &why), 0);
    open_broker();
    put(RECORD_ORG, "acme", "{\"name\":\"Acme\"}");
    person("ada", "home", "editor");
    person("cy", "home", "viewer");
    person("bo", "acme", "editor");
    make_twin("pump");
    make_twin("fan");
    make_twin("acme~pump");
    device("d1", "of pump", "pump");
    device("d2", "of acme's pump", "acme~pump");
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

static void look(void *arg)
{
    if (--*(int *)arg <= 0 && !b->pendings && b->kept_seq >= b->put_seq)
        loop_stop(loop);
}

/* Until nothing waits for the core or the disk, and rights were judged. */
static void settle(void)
{
    int turns = 3;
    struct loop_timer *timer;
    assert_int_equal(loop_timer_new(loop, look, &turns, &timer), 0);
    loop_timer_start(timer, 1, 1);
    loop_run(loop);
    loop_timer_free(timer);
    enter_tick(b);
}

static struct mqtt_packet connect_as(enum mqtt_version v, const char *id, const char *secret,
                                     bool stays)
{
    struct mqtt_packet p = connect_packet(v, id, !stays);
    p.as.connect.has_username = p.as.connect.has_password = secret != NULL;
    p.as.connect.username = SLICE_LIT("anything");
    p.as.connect.password = slice_str(secret);
    if (v == MQTT_V5 && stays) {
        p.as.connect.props.has = MQTT_BIT(MQTT_SESSION_EXPIRY);
        p.as.connect.props.session_expiry = 3600;
    }
    return p;
}

static struct client client_in(const struct mqtt_packet *p)
{
    struct client t = client_open(b, (enum mqtt_version)p->as.connect.version);
    client_say(&t, p);
    settle();
    expect(&t, MQTT_CONNACK);
    return t;
}

static struct client client_as(const char *id, const char *secret)
{
    struct mqtt_packet p = connect_as(MQTT_V5, id, secret, false);
    struct client t = client_in(&p);
    assert_int_equal(t.p.as.connack.reason, 0);
    return t;
}

static struct client client_staying(const char *id, const char *secret)
{
    struct mqtt_packet p = connect_as(MQTT_V5, id, secret, true);
    struct client t = client_in(&p);
    assert_int_equal(t.p.as.connack.reason, 0);
    return t;
}

static void expect_refused(const struct mqtt_packet *p, uint8_t reason)
{
    struct client t = client_in(p);
    assert_int_equal(t.p.as.connack.reason, reason);
    expect_nothing(&t);
    assert_true(t.c->closed);
    client_drop(&t);
}

/* The code of SUBACK. */
static uint8_t wish_for(struct client *t, const char *filter)
{
    struct buf list = {0};
    mqtt_topics_add(&list, MQTT_SUBSCRIBE, t->v,
                    &(struct mqtt_filter){.filter = slice_str(filter), .qos = 1});
    client_say(t, &(struct mqtt_packet){.type = MQTT_SUBSCRIBE,
                                        .as.topics = {.packet_id = 9, .list = buf_slice(&list)}});
    buf_release(&list);
    settle();
    expect(t, MQTT_SUBACK);
    return (uint8_t)t->p.as.topics.list.p[0];
}

static void expect_wishes(struct client *t, uint8_t code, const char *const *filters)
{
    for (; *filters; filters++)
        if (wish_for(t, *filters) != code)
            fail_msg("%s: 0x%02x, not 0x%02x", *filters, (uint8_t)t->p.as.topics.list.p[0], code);
}

/* The reason code of PUBACK. */
static uint8_t say(struct client *t, const char *topic, const char *payload)
{
    publish(t, topic, payload, 1, 5);
    settle();
    while (client_hear(t))
        if (t->p.type == MQTT_PUBACK)
            return t->p.as.ack.reason;
    fail_msg("no PUBACK");
    return 0;
}

static void drain(struct client *t)
{
    while (client_hear(t))
        ;
}

/* ---- CONNECT ---- */

static void who_shows_nothing_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *secret;
        uint8_t code, reason;
    } cases[] = {{NULL, MQTT311_NOT_AUTHORIZED, MQTT_NOT_AUTHORIZED},
                 {"", MQTT311_NOT_AUTHORIZED, MQTT_NOT_AUTHORIZED},
                 {"not Ada's", MQTT311_BAD_CREDENTIALS, MQTT_BAD_CREDENTIALS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mqtt_packet old = connect_as(MQTT_V311, "me", cases[i].secret, false),
                           new = connect_as(MQTT_V5, "me", cases[i].secret, false);
        expect_refused(&old, cases[i].code);
        expect_refused(&new, cases[i].reason);
    }
    assert_int_equal(core_rejection_total(core), 6);
    assert_string_equal(core_rejection(core, 0)->via, "mqtt");
    assert_int_equal(core_rejection(core, 0)->err, ERR_CREDENTIALS);
}

static void expired_and_revoked_tokens_are_refused(void **state)
{
    (void)state;
    put_secret(RECORD_TOKEN, "t1", "expired",
               "\"person\":\"p_ada\",\"organization\":\"home\",\"expires\":"
               "\"2001-01-01T00:00:00Z\"");
    put_secret(RECORD_TOKEN, "t2", "revoked",
               "\"person\":\"p_ada\",\"organization\":\"home\",\"revoked\":"
               "\"2001-01-01T00:00:00Z\"");
    struct mqtt_packet p = connect_as(MQTT_V5, "me", "expired", false),
                       q = connect_as(MQTT_V5, "me", "revoked", false);
    expect_refused(&p, MQTT_NOT_AUTHORIZED);
    expect_refused(&q, MQTT_NOT_AUTHORIZED);
}

static void who_tries_many_secrets_has_to_wait(void **state)
{
    (void)state;
    struct mqtt_packet wrong = connect_as(MQTT_V5, "me", "guess", false),
                       old = connect_as(MQTT_V311, "me", "guess", false);
    for (int i = 0; i < KNOCKS; i++)
        expect_refused(&wrong, MQTT_BAD_CREDENTIALS);
    expect_refused(&wrong, MQTT_CONNECTION_RATE);
    expect_refused(&old, MQTT311_UNAVAILABLE);
    assert_int_equal(core_rejection_total(core), KNOCKS);
    struct client ada = client_as("a", "ada"); /* who may come in comes in */
    client_leave(&ada);
}

/* ---- whose a session is ---- */

static void a_client_identifier_belongs_to_whom_it_was_given(void **state)
{
    (void)state;
    struct client ada = client_staying("me", "ada");
    struct mqtt_packet p = connect_as(MQTT_V5, "me", "cy", true),
                       old = connect_as(MQTT_V311, "me", "cy", false);
    expect_refused(&p, MQTT_BAD_CLIENT_ID);
    expect_refused(&old, MQTT311_BAD_CLIENT_ID);
    assert_false(ada.c->closed);
    struct client bo = client_staying("me", "bo"); /* another organisation's */
    assert_false(bo.p.as.connack.session_present);
    assert_false(ada.c->closed);
    client_leave(&ada);
    expect_refused(&p, MQTT_BAD_CLIENT_ID); /* also while its owner is away */
    struct client again = client_staying("me", "ada");
    assert_true(again.p.as.connack.session_present);
    client_leave(&again);
    client_leave(&bo);
}

static void a_new_token_finds_the_session_of_the_device(void **state)
{
    (void)state;
    struct client t = client_staying("dev", "of pump"), ada = client_as("ada", "ada");
    assert_int_equal(wish_for(&t, "twins/pump/commands/#"), 1);
    device("d3", "newer", "pump");
    put(RECORD_CREDENTIAL, "d1", NULL);
    settle();
    expect_closed(&t, MQTT_ADMINISTRATIVE);
    client_drop(&t);
    settle();
    assert_int_equal(say(&ada, "twins/pump/commands/open", "now"), 0);
    t = client_staying("dev", "newer");
    assert_true(t.p.as.connack.session_present);
    settle();
    expect_publish(&t, "twins/pump/commands/open", "now");
    client_leave(&t);
    client_leave(&ada);
}

static void sessions_end_with_their_owner(void **state)
{
    (void)state;
    struct client t = client_staying("dev", "of pump"), cy = client_staying("cy", "cy");
    client_leave(&t);
    client_leave(&cy);
    size_t before = b->sessions.count;
    remove_twin("pump");
    put(RECORD_MEMBER, "home/p_cy", NULL);
    put(RECORD_TOKEN, "cy", NULL);
    put(RECORD_PERSON, "p_cy", NULL);
    settle();
    settle();
    assert_int_equal(b->sessions.count, before - 2);
}

/* ---- topics of organisations ---- */

static void organisations_hear_nothing_of_each_other(void **state)
{
    (void)state;
    struct client ada = client_as("a", "ada"), bo = client_as("b", "bo");
    static const char *const all[] = {"#", "+/#", "a/b", "$share/g/#", "twins/+/sensors/#", NULL};
    expect_wishes(&ada, 1, all);
    expect_wishes(&bo, 1, all);
    retain(&ada, "a/b", "Ada's");
    settle();
    drain(&ada);
    expect_nothing(&bo);
    assert_int_equal(wish_for(&bo, "a/b"), 1);
    expect_nothing(&bo); /* nor what was retained */
    assert_int_equal(say(&ada, "twins/pump/sensors/temp", "42"), 0);
    assert_int_equal(say(&ada, "twins/pump/commands/open", "now"), 0);
    settle();
    expect_nothing(&bo);
    assert_int_equal(say(&bo, "a/b", "Bo's"), 0);
    drain(&ada);
    assert_int_equal(wish_for(&ada, "a/b"), 1);
    expect_publish(&ada, "a/b", "Ada's");
    client_leave(&ada);
    client_leave(&bo);
}

static void names_of_others_are_no_way_to_them(void **state)
{
    (void)state;
    struct client ada = client_as("a", "ada"), bo = client_as("b", "bo");
    static const char *const hopeless[] = {"twins/acme~pump/#",
                                           "twins/acme~pump/commands/x",
                                           "$share/g/twins/acme~pump/sensors/temp",
                                           "twins/nobody~pump/sensors/+",
                                           "twins/~pump/sensors/+",
                                           NULL};
    expect_wishes(&ada, MQTT_NOT_AUTHORIZED, hopeless);
    assert_int_equal(wish_for(&bo, "#"), 1);
    assert_int_equal(say(&ada, "twins/acme~pump/commands/open", "x"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&ada, "twins/nobody~pump/commands/open", "x"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&ada, "twins//commands/open", "x"), MQTT_BAD_TOPIC);
    assert_int_equal(say(&ada, "acme~x/y", "x"), MQTT_NO_SUBSCRIBERS); /* only a word */
    expect_nothing(&bo);
    assert_int_equal(wish_for(&ada, "twins/home~pump/commands/#"), 1);
    assert_int_equal(say(&bo, "twins/home~pump/commands/open", "x"), MQTT_NOT_AUTHORIZED);
    client_leave(&ada);
    client_leave(&bo);
}

/* ---- what a device may ---- */

static void a_device_stays_with_its_twin(void **state)
{
    (void)state;
    struct client t = client_as("dev", "of pump"), ada = client_as("a", "ada");
    static const char *const allowed[] = {"#",
                                          "+/pump/#",
                                          "twins/#",
                                          "twins/pump/#",
                                          "twins/+/commands/+",
                                          "twins/pump/settings/rate",
                                          "spBv1.0/STATE/+",
                                          NULL};
    static const char *const refused[] = {"twins/fan/#",
                                          "twins/pump/sensors/temp",
                                          "twins/+/sensors/#",
                                          "twins/pump/telemetry",
                                          "a/b",
                                          "a/#",
                                          "$share/g/twins/fan/commands/+",
                                          "$SYS/#",
                                          "spBv1.0/g/NCMD/n",
                                          NULL};
    expect_wishes(&t, 1, allowed);
    expect_wishes(&t, MQTT_NOT_AUTHORIZED, refused);
    assert_int_equal(say(&t, "twins/pump/commands/open/answer", "done"), 0);
    drain(&t);
    assert_int_equal(say(&t, "twins/fan/commands/open", "x"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&t, "a/b", "x"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&t, "spBv1.0/g/NCMD/n", "x"), MQTT_NOT_AUTHORIZED);
    /* what everybody hears with # and it does not */
    say(&ada, "a/b", "x");
    say(&ada, "twins/fan/commands/open", "x");
    say(&ada, "twins/pump/sensors/temp", "42");
    settle();
    expect_nothing(&t);
    assert_int_equal(say(&ada, "twins/pump/commands/open", "x"), 0);
    expect_publish(&t, "twins/pump/commands/open", "x");
    client_leave(&t);
    client_leave(&ada);
}

static void a_sparkplug_node_hears_its_commands(void **state)
{
    (void)state;
    make_twin("g:n");
    device("d9", "of node", "g:n");
    struct client t = client_as("dev", "of node"), ada = client_as("a", "ada");
    assert_int_equal(wish_for(&t, "spBv1.0/g/NCMD/n"), 1);
    assert_int_equal(wish_for(&t, "spBv1.0/g/NCMD/other"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&ada, "spBv1.0/g/NCMD/n", "x"), 0);
    expect_publish(&t, "spBv1.0/g/NCMD/n", "x");
    assert_int_equal(say(&t, "spBv1.0/g/NDATA/other", "x"), MQTT_NOT_AUTHORIZED);
    client_leave(&t);
    client_leave(&ada);
}

/* ---- roles ---- */

static void a_viewer_hears_and_says_nothing(void **state)
{
    (void)state;
    struct client cy = client_as("c", "cy"), ada = client_as("a", "ada");
    static const char *const filters[] = {"#", "a/+", "twins/pump/#", "$SYS/#", NULL};
    expect_wishes(&cy, 1, filters);
    drain(&cy);
    assert_int_equal(say(&cy, "a/b", "x"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&cy, "twins/pump/commands/open", "x"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(say(&ada, "twins/pump/sensors/temp", "42"), 0);
    settle();
    expect(&cy, MQTT_PUBLISH);
    assert_true(slice_is(cy.p.as.publish.topic, "twins/pump/sensors/temp"));
    struct client bo = client_as("b", "bo");
    assert_int_equal(wish_for(&bo, "$SYS/broker/uptime"), MQTT_NOT_AUTHORIZED);
    client_leave(&bo);
    client_leave(&cy);
    client_leave(&ada);
}

static void a_policy_takes_a_sensor_away(void **state)
{
    (void)state;
    struct client cy = client_as("c", "cy"), ada = client_as("a", "ada");
    assert_int_equal(wish_for(&cy, "twins/pump/sensors/+"), 1);
    assert_int_equal(wish_for(&cy, "twins/pump/telemetry"), 1);
    assert_int_equal(say(&ada, "twins/pump/telemetry", "{\"temp\":42,\"flow\":1}"), 0);
    settle();
    expect(&cy, MQTT_PUBLISH);
    expect(&cy, MQTT_PUBLISH);
    expect(&cy, MQTT_PUBLISH); /* the telemetry itself */
    put(RECORD_POLICY, "pump",
        "{\"entries\":{\"x\":{\"subjects\":[\"person:p_cy\"],\"resources\":{"
        "\"/sensors/temp\":{\"revoke\":[\"read\"]}}}}}");
    settle();
    assert_int_equal(say(&ada, "twins/pump/telemetry", "{\"temp\":43,\"flow\":2}"), 0);
    settle();
    expect(&cy, MQTT_PUBLISH);
    assert_true(slice_is(cy.p.as.publish.topic, "twins/pump/sensors/flow"));
    expect_nothing(&cy);
    assert_int_equal(wish_for(&cy, "twins/pump/sensors/temp"), MQTT_NOT_AUTHORIZED);
    assert_int_equal(wish_for(&cy, "twins/+/sensors/#"), 1); /* with the last values */
    while (client_hear(&cy))
        assert_false(slice_is(cy.p.as.publish.topic, "twins/pump/sensors/temp"));
    client_leave(&cy);
    client_leave(&ada);
}

static void what_is_shared_has_its_owner_before_it(void **state)
{
    (void)state;
    struct client ada = client_as("a", "ada"), bo = client_as("b", "bo");
    assert_int_equal(wish_for(&ada, "twins/+/sensors/temp"), 1);
    put(RECORD_GRANT, "g1",
        "{\"object\":\"twin:acme~pump\",\"to\":{\"kind\":\"person\",\"id\":\"p_ada\"},"
        "\"role\":\"viewer\"}");
    settle();
    assert_int_equal(say(&bo, "twins/pump/sensors/temp", "42"), 0);
    settle();
    expect(&ada, MQTT_PUBLISH);
    assert_true(slice_is(ada.p.as.publish.topic, "twins/acme~pump/sensors/temp"));
    assert_int_equal(wish_for(&ada, "twins/acme~pump/sensors/+"), 1);
    expect(&ada, MQTT_PUBLISH); /* the last value */
    assert_true(slice_is(ada.p.as.publish.topic, "twins/acme~pump/sensors/temp"));
    /* an operator of it sends commands, and hears what comes of them */
    put(RECORD_GRANT, "g1",
        "{\"object\":\"twin:acme~pump\",\"to\":{\"kind\":\"person\",\"id\":\"p_ada\"},"
        "\"role\":\"operator\"}");
    struct client device_of = client_as("dev", "of acme's pump");
    assert_int_equal(wish_for(&device_of, "twins/pump/commands/+"), 1);
    assert_int_equal(wish_for(&ada, "twins/acme~pump/commands/+/answer"), 1);
    say(&ada, "twins/acme~pump/commands/open", "now");
    expect_publish(&device_of, "twins/pump/commands/open", "now");
    say(&device_of, "twins/pump/commands/open/answer", "done");
    expect_publish(&ada, "twins/acme~pump/commands/open/answer", "done");
    client_leave(&device_of);
    put(RECORD_GRANT, "g1", NULL);
    assert_int_equal(say(&bo, "twins/pump/sensors/temp", "43"), 0);
    settle();
    expect_nothing(&ada);
    client_leave(&ada);
    client_leave(&bo);
}

static void an_organisation_has_its_readings_per_second(void **state)
{
    (void)state;
    put(RECORD_ORG, "acme", "{\"name\":\"Acme\",\"quotas\":{\"readingsPerSecond\":2}}");
    struct client bo = client_as("b", "bo"), ada = client_as("a", "ada");
    struct mqtt_packet p = connect_as(MQTT_V311, "old", "bo", false);
    struct client old = client_in(&p);
    uint8_t reason = 0;
    for (int i = 0; i < 8 && !reason; i++)
        reason = say(&bo, "twins/pump/sensors/temp", "42");
    assert_int_equal(reason, MQTT_QUOTA);
    assert_int_equal(say(&ada, "twins/pump/sensors/temp", "42"), 0);
    assert_int_equal(say(&bo, "a/b", "x"), MQTT_NO_SUBSCRIBERS); /* it is about readings */
    publish(&old, "twins/pump/sensors/temp", "42", 1, 1);
    assert_true(old.c->waiting); /* 3.1.1 cannot be told: what it sends next has to wait */
    for (int i = 0; i < 5000 && old.c->waiting; i++)
        settle();
    assert_false(old.c->waiting);
    client_leave(&old);
    client_leave(&bo);
    client_leave(&ada);
}

/* ---- revocation ---- */

static void a_revoked_client_is_sent_away_without_its_will(void **state)
{
    (void)state;
    struct client cy = client_as("c", "cy");
    struct mqtt_packet p = with_will(MQTT_V5, "gone", true, 0, 0),
                       q = connect_as(MQTT_V5, "me", "ada", false);
    p.as.connect.has_password = true;
    p.as.connect.password = q.as.connect.password;
    assert_int_equal(wish_for(&cy, "#"), 1);
    struct client ada = client_in(&p);
    put(RECORD_TOKEN, "ada", NULL);
    settle();
    expect_closed(&ada, MQTT_ADMINISTRATIVE);
    settle();
    expect_nothing(&cy);
    client_drop(&ada);
    client_leave(&cy);
}

static void a_will_that_may_not_be_said_is_refused_at_once(void **state)
{
    (void)state;
    struct mqtt_packet p = with_will(MQTT_V5, "gone", true, 0, 0);
    p.as.connect.has_password = true;
    p.as.connect.password = SLICE_LIT("cy");
    expect_refused(&p, MQTT_NOT_AUTHORIZED);
}

static void what_was_queued_is_judged_when_the_client_comes_back(void **state)
{
    (void)state;
    struct client cy = client_staying("c", "cy"), ada = client_as("a", "ada");
    assert_int_equal(wish_for(&cy, "#"), 1);
    client_leave(&cy);
    assert_int_equal(say(&ada, "a/b", "secret"), 0);
    client_leave(&ada);
    broker_free(b); /* so that who it was is known by name alone */
    open_broker();
    put(RECORD_MEMBER, "home/p_cy", NULL);
    settle();
    cy = client_staying("c", "cy");
    assert_true(cy.p.as.connack.session_present);
    settle();
    expect_nothing(&cy);
    client_leave(&cy);
}

static void sessions_come_back_to_their_organisation_and_owner(void **state)
{
    (void)state;
    struct client bo = client_staying("me", "bo"), ada = client_staying("me", "ada");
    assert_int_equal(wish_for(&bo, "a/b"), 1);
    assert_int_equal(wish_for(&ada, "a/b"), 1);
    client_leave(&bo);
    assert_int_equal(say(&ada, "a/b", "Ada's"), 0);
    retain(&ada, "a/c", "Ada's");
    settle();
    client_leave(&ada);
    struct client other = client_as("other", "bo");
    assert_int_equal(say(&other, "a/b", "Bo's"), 0);
    client_leave(&other);
    broker_free(b);
    open_broker();
    struct mqtt_packet p = connect_as(MQTT_V5, "me", "cy", true);
    expect_refused(&p, MQTT_BAD_CLIENT_ID);
    bo = client_staying("me", "bo");
    assert_true(bo.p.as.connack.session_present);
    settle();
    expect_publish(&bo, "a/b", "Bo's");
    expect_nothing(&bo);
    assert_int_equal(wish_for(&bo, "a/c"), 1);
    expect_nothing(&bo);
    client_leave(&bo);
}

static void a_later_organisation_of_the_same_name_has_nothing(void **state)
{
    (void)state;
    struct client bo = client_staying("me", "bo");
    assert_int_equal(wish_for(&bo, "a/#"), 1);
    retain(&bo, "a/b", "Bo's");
    settle();
    put(RECORD_ORG, "acme", NULL);
    settle();
    assert_true(bo.c->closed);
    client_drop(&bo);
    settle();
    broker_free(b);
    put(RECORD_ORG, "acme", "{\"name\":\"Another\"}");
    person("di", "acme", "editor");
    open_broker();
    struct client di = client_staying("me", "di");
    assert_false(di.p.as.connack.session_present);
    assert_int_equal(wish_for(&di, "a/#"), 1);
    expect_nothing(&di);
    client_leave(&di);
}

#define ACCESS_TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCESS_TEST(who_shows_nothing_is_refused),
        ACCESS_TEST(expired_and_revoked_tokens_are_refused),
        ACCESS_TEST(who_tries_many_secrets_has_to_wait),
        ACCESS_TEST(a_client_identifier_belongs_to_whom_it_was_given),
        ACCESS_TEST(a_new_token_finds_the_session_of_the_device),
        ACCESS_TEST(sessions_end_with_their_owner),
        ACCESS_TEST(organisations_hear_nothing_of_each_other),
        ACCESS_TEST(names_of_others_are_no_way_to_them),
        ACCESS_TEST(a_device_stays_with_its_twin),
        ACCESS_TEST(a_sparkplug_node_hears_its_commands),
        ACCESS_TEST(a_viewer_hears_and_says_nothing),
        ACCESS_TEST(a_policy_takes_a_sensor_away),
        ACCESS_TEST(what_is_shared_has_its_owner_before_it),
        ACCESS_TEST(an_organisation_has_its_readings_per_second),
        ACCESS_TEST(a_revoked_client_is_sent_away_without_its_will),
        ACCESS_TEST(a_will_that_may_not_be_said_is_refused_at_once),
        ACCESS_TEST(what_was_queued_is_judged_when_the_client_comes_back),
        ACCESS_TEST(sessions_come_back_to_their_organisation_and_owner),
        ACCESS_TEST(a_later_organisation_of_the_same_name_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
