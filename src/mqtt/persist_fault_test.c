/* Tests of what survives when the disk takes nothing for a while, and when files are damaged. */
#include "mqtt/persist_testing.h"

#include <signal.h>
#include <sys/resource.h>

/* No file may grow, or be written to, behind its first page: as good as a full disk. */
static void disk_is_full(bool full)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = full ? 4096 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void wait_for_the_disk(void)
{
    for (int i = 0; i < 2000 && persist_failing(b); i++) {
        usleep(10000);
        broker_tick(b);
    }
    assert_false(persist_failing(b));
    settle();
    assert_false(persist_failing(b));
}

static void expect_retained(const char *payload)
{
    struct client t = client_new(b, MQTT_V5, "look");
    subscribe(&t, "r", 0);
    expect_publish(&t, "r", payload);
    client_leave(&t);
}

static struct mqtt_packet retained_packet(const char *payload, uint16_t id)
{
    struct mqtt_packet p = publish_packet("r", payload, 1, id);
    p.as.publish.retain = true;
    return p;
}

static void a_full_disk_refuses_and_comes_back(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    struct client online = kept_client(MQTT_V5, "online", false, false);
    struct client from = client_new(b, MQTT_V5, "from"), old = client_new(b, MQTT_V311, "old");
    struct mqtt_packet p = retained_packet("before", 9);
    kept_subscribe(&t, "a", 1);
    client_leave(&t);
    client_say(&from, &p);
    publish(&from, "a", "one", 1, 1);
    settle();
    expect_ack(&from, MQTT_PUBACK, 9, MQTT_NO_SUBSCRIBERS);
    expect_ack(&from, MQTT_PUBACK, 1, 0);

    disk_is_full(true);
    p = retained_packet("second", 10);
    client_say(&from, &p); /* under way when it shows */
    p = retained_packet("third", 11);
    client_say(&from, &p);
    publish(&from, "a", "two", 2, 2);
    settle();
    expect_ack(&from, MQTT_PUBACK, 10, MQTT_QUOTA);
    expect_ack(&from, MQTT_PUBACK, 11, MQTT_QUOTA);
    expect_ack(&from, MQTT_PUBREC, 2, MQTT_QUOTA);
    assert_true(persist_failing(b));
    publish(&from, "a", "three", 1, 3);
    expect_ack(&from, MQTT_PUBACK, 3, MQTT_QUOTA);
    publish(&old, "a", "four", 1, 4); /* 3.1.1 has no word for it */
    expect_closed(&old, 0);
    client_drop(&old);
    assert_int_equal(subscribe_with(&online, &(struct mqtt_filter){.filter = SLICE_LIT("b")}, 0),
                     MQTT_QUOTA);
    p = connect_packet(MQTT_V311, "new", false);
    t = client_open(b, MQTT_V311);
    client_say(&t, &p);
    expect(&t, MQTT_CONNACK);
    assert_int_equal(t.p.as.connack.reason, MQTT311_UNAVAILABLE);
    client_drop(&t);
    expect_retained("before");
    subscribe(&from, "clean", 1); /* the others go on */
    publish(&from, "clean", "x", 1, 5);
    expect_publish(&from, "clean", "x");
    expect_ack(&from, MQTT_PUBACK, 5, 0);
    say_ack(&from, MQTT_PUBACK, from.p.as.publish.packet_id);
    client_drop(&online); /* memory is ahead of the disk now */

    disk_is_full(false);
    wait_for_the_disk();
    publish(&from, "a", "five", 1, 6);
    settle();
    expect_ack(&from, MQTT_PUBACK, 6, 0);
    abandon(&from);
    crash();
    expect_retained("before");
    t = kept_client(MQTT_V5, "me", false, true);
    expect_publish(&t, "a", "one");
    expect_publish(&t, "a", "five");
    expect_nothing(&t);
    client_drop(&t);
    assert_int_equal(b->sessions.count, 2);
}

/* What was acknowledged by a subscriber while nothing could be written does not come again. */
static void what_changed_in_memory_reaches_the_disk_later(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    struct client from = client_new(b, MQTT_V5, "from");
    kept_subscribe(&t, "a", 1);
    for (uint16_t i = 1; i <= 3; i++)
        publish(&from, "a", i == 1 ? "one" : i == 2 ? "two" : "three", 1, i);
    settle();
    for (int i = 0; i < 3; i++)
        expect(&t, MQTT_PUBLISH);
    disk_is_full(true);
    publish(&from, "a", "lost", 1, 4);
    settle();
    say_ack(&t, MQTT_PUBACK, 1);
    say_ack(&t, MQTT_PUBACK, 2);
    disk_is_full(false);
    wait_for_the_disk();
    abandon(&t);
    abandon(&from);
    crash();
    t = kept_client(MQTT_V5, "me", false, true);
    expect_publish(&t, "a", "three");
    expect_nothing(&t);
    client_drop(&t);
}

/* PUBREC that cannot be kept ends the connection; the message is still the same one later. */
static void qos_2_stays_exact_over_a_full_disk(void **state)
{
    (void)state;
    struct client t = kept_client(MQTT_V5, "me", false, false);
    struct client from = client_new(b, MQTT_V5, "from");
    kept_subscribe(&t, "a", 2);
    publish(&from, "a", "one", 2, 1);
    settle();
    expect_publish(&t, "a", "one");
    uint16_t id = t.p.as.publish.packet_id;
    disk_is_full(true);
    say_ack(&t, MQTT_PUBREC, id);
    settle();
    expect_closed(&t, MQTT_QUOTA);
    client_drop(&t);
    disk_is_full(false);
    wait_for_the_disk();
    t = kept_client(MQTT_V5, "me", false, true);
    assert_true(client_hear(&t));
    assert_true(t.p.type == MQTT_PUBREL ? t.p.as.ack.packet_id == id
                                        : t.p.as.publish.packet_id == id && t.p.as.publish.dup);
    client_drop(&t);
    client_drop(&from);
}

/* ---- damage ---- */

static char file[128];
static unsigned char *content;
static size_t content_n;

static void read_file(void)
{
    char text[160];
    FILE *names, *f;
    snprintf(text, sizeof text, "ls %s/journal-* | head -1", persist_dir);
    assert_non_null(names = popen(text, "r"));
    assert_int_equal(fscanf(names, "%127s", file), 1);
    pclose(names);
    assert_non_null(f = fopen(file, "rb"));
    content = malloc(1 << 20);
    content_n = fread(content, 1, 1 << 20, f);
    fclose(f);
    while (content_n && !content[content_n - 1])
        content_n--;
}

/* The directory holds nothing but the file with the first n bytes, and opens. */
static void open_damaged(size_t n)
{
    char text[160];
    broker_free(b);
    snprintf(text, sizeof text, "rm -f %s/*", persist_dir);
    run_command(text);
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, n, f), n);
    fclose(f);
    assert_int_equal(open_broker(), 0);
}

/* Three sessions and three retained messages, each in a frame of its own. */
static void fill(void)
{
    for (int i = 0; i < 3; i++) {
        char id[8] = {(char)('a' + i), 0}, topic[8] = {'r', (char)('a' + i), 0};
        struct client t = kept_client(MQTT_V5, id, false, false);
        kept_subscribe(&t, id, 1);
        retain(&t, topic, "payload");
        settle();
        client_drop(&t);
        settle();
    }
}

static void any_byte_may_be_damaged(void **state)
{
    (void)state;
    fill();
    read_file();
    size_t served = 0, cases = 0;
    for (size_t at = 0; at < content_n; at += at < 64 ? 5 : at >= 4096 ? 3 : 197, cases++) {
        content[at] ^= 0x55;
        open_damaged(content_n);
        content[at] ^= 0x55;
        assert_true(b->sessions.count >= 2 && b->retained_n >= 2);
        served += b->sessions.count + b->retained_n + b->subs_n;
    }
    assert_true(served > cases * 8); /* of nine */
    free(content);
}

static void the_file_may_be_cut_anywhere(void **state)
{
    (void)state;
    fill();
    read_file();
    size_t before = 0;
    for (size_t n = 4000; n <= content_n; n += 11) {
        open_damaged(n);
        size_t now = b->sessions.count + b->retained_n;
        assert_true(now >= before);
        before = now;
    }
    open_damaged(content_n);
    assert_int_equal(b->sessions.count + b->retained_n, 6);
    free(content);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        KEPT_TEST(a_full_disk_refuses_and_comes_back),
        KEPT_TEST(what_changed_in_memory_reaches_the_disk_later),
        KEPT_TEST(qos_2_stays_exact_over_a_full_disk),
        KEPT_TEST(any_byte_may_be_damaged),
        KEPT_TEST(the_file_may_be_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
