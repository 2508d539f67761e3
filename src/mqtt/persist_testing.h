/* persist_testing.h - for tests of what survives: a broker over a directory, and what another one
 * finds there when this one is killed.  Included by tests only. */
#ifndef MQTT_PERSIST_TESTING_H
#define MQTT_PERSIST_TESTING_H

#include "mqtt/persist.h"
#include "mqtt/testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char persist_dir[64];

static inline void run_command(const char *text)
{
    assert_int_equal(system(text), 0);
}

static inline void remove_dir(void)
{
    char text[128];
    snprintf(text, sizeof text, "rm -rf %s", persist_dir);
    run_command(text);
}

static inline int open_broker(void)
{
    struct broker_opts opts = {.dir = persist_dir};
    return broker_new(loop, NULL, &opts, &b);
}

static inline int setup_kept(void **state)
{
    (void)state;
    clock_set(INT64_C(1700000000000000));
    snprintf(persist_dir, sizeof persist_dir, "/tmp/persist_test.XXXXXX");
    return !mkdtemp(persist_dir) || loop_new(&loop) || open_broker();
}

static inline int teardown_kept(void **state)
{
    (void)state;
    broker_free(b);
    loop_free(loop);
    clock_real();
    remove_dir();
    return 0;
}

#define KEPT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_kept, teardown_kept)

/* The disk has everything, and whoever waited has heard. */
static inline void settle(void)
{
    persist_settle(b);
}

/* kill -9: the files as they are now, under another name, are what the next broker finds.  What
 * the clients of the old one hold is lost; they were dropped before, or are dropped by this. */
static inline void crash(void)
{
    char copy[64], text[256];
    settle();
    snprintf(copy, sizeof copy, "/tmp/persist_test.XXXXXX");
    assert_non_null(mkdtemp(copy));
    /* a segment that is no longer needed may be renamed meanwhile: then once more */
    snprintf(text, sizeof text, "rm -f %s/*; cp --sparse=always %s/* %s/ 2>/dev/null", copy,
             persist_dir, copy);
    int tries = 100;
    while (system(text) != 0 && --tries)
        usleep(10000);
    assert_true(tries > 0);
    broker_free(b);
    remove_dir();
    snprintf(persist_dir, sizeof persist_dir, "%s", copy);
    assert_int_equal(open_broker(), 0);
}

/* A client whose connection dies with its broker. */
static inline void abandon(struct client *t)
{
    mqtt_conn_let_go(t->c);
    buf_release(&t->last);
    *t = (struct client){0};
}

static inline struct client kept_client(enum mqtt_version v, const char *id, bool clean,
                                        bool present)
{
    struct mqtt_packet p = connect_packet(v, id, clean);
    p.as.connect.props.has = MQTT_BIT(MQTT_SESSION_EXPIRY);
    p.as.connect.props.session_expiry = 100;
    struct client t = client_open(b, v);
    client_say(&t, &p);
    expect_nothing(&t); /* not before it is on the disk */
    settle();
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, 0);
    assert_int_equal(t.p.as.connack.session_present, present);
    return t;
}

static inline uint8_t kept_subscribe(struct client *t, const char *filter, uint8_t qos)
{
    struct buf list = {0};
    mqtt_topics_add(&list, MQTT_SUBSCRIBE, t->v,
                    &(struct mqtt_filter){.filter = slice_str(filter), .qos = qos});
    client_say(t, &(struct mqtt_packet){.type = MQTT_SUBSCRIBE,
                                        .as.topics = {.packet_id = 7, .list = buf_slice(&list)}});
    buf_release(&list);
    settle();
    expect(t, MQTT_SUBACK);
    return (uint8_t)t->p.as.topics.list.p[0];
}

#endif
