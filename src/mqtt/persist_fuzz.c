/* Replays records out of the input: two bytes for the length of each, then the record.  What a
 * record says, read and put again, is the same; and a broker that was filled by any records serves
 * clients and can record itself anew. */
#include "mqtt/persist.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct slice bytes)
{
    struct record r, again;
    struct buf out = {0};
    if (record_get(bytes, &r))
        return;
    record_put(&out, &r);
    assert(out.failed || !record_get(buf_slice(&out), &again));
    assert(out.failed || (again.type == r.type && again.session == r.session &&
                          again.number == r.number && slice_eq(again.targets, r.targets) &&
                          slice_eq(again.topic, r.topic) && slice_eq(again.subs, r.subs) &&
                          slice_eq(again.org, r.org) && slice_eq(again.subject, r.subject)));
    buf_release(&out);
}

static void connect_as(struct broker *b, const char *id)
{
    struct conn *c = mqtt_conn_new(b, NULL);
    struct buf out = {0};
    struct mqtt_packet p = {.type = MQTT_CONNECT,
                            .as.connect = {.version = MQTT_V5, .client_id = slice_str(id)}};
    if (!c)
        return;
    mqtt_conn_hold(c);
    p.as.connect.props.has = MQTT_BIT(MQTT_SESSION_EXPIRY);
    p.as.connect.props.session_expiry = 1000;
    if (mqtt_write(&out, MQTT_V5, &p) == 0)
        mqtt_conn_feed(c, buf_slice(&out));
    buf_clear(&out);
    p = (struct mqtt_packet){
        .type = MQTT_PUBLISH,
        .as.publish = {.topic = SLICE_LIT("a/b"), .payload = SLICE_LIT("x"), .qos = 1}};
    for (uint16_t i = 1; i < 5; i++) {
        struct mqtt_packet ack = {.type = i % 2 ? MQTT_PUBACK : MQTT_PUBREC, .as.ack.packet_id = i};
        p.as.publish.packet_id = i;
        if (mqtt_write(&out, MQTT_V5, &p) == 0 && mqtt_write(&out, MQTT_V5, &ack) == 0)
            mqtt_conn_feed(c, buf_slice(&out));
        buf_clear(&out);
    }
    buf_release(&out);
    mqtt_conn_close(c, MQTT_SUCCESS, NULL);
    mqtt_conn_let_go(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loop *loop;
    struct broker *b;
    struct loading *l;
    uint64_t seq = 0;
    log_set_level(LOG_ERROR + 1);
    clock_set(INT64_C(1700000000000000));
    if (loop_new(&loop))
        return 0;
    if (broker_new(loop, NULL, &(struct broker_opts){.max_queued = 10}, &b)) {
        loop_free(loop);
        return 0;
    }
    if (!loading_new(b, &l)) {
        while (size >= 2) {
            size_t n = data[0] | (size_t)data[1] << 8;
            n = n < size - 2 ? n : size - 2;
            struct slice record = slice_of((const char *)data + 2, n);
            check_again(record);
            loading_record(l, ++seq, record);
            data += 2 + n;
            size -= 2 + n;
        }
        b->put_seq = b->kept_seq = seq;
        loading_end(l, false);
        round_begin(b);
        round_step(b, SIZE_MAX); /* at once: without a journal no record gets a number */
        connect_as(b, "a");
        connect_as(b, "b");
        clock_set(INT64_C(1700000100000000));
        broker_tick(b);
    }
    broker_free(b);
    loop_free(loop);
    clock_real();
    return 0;
}
