/* sparkplug.c - messages under spBv1.0/: ordinary MQTT for their subscribers, and readings.
 *
 * The core makes readings of them (core/spark_in.h); here is what it wants of MQTT: the command to
 * be born again, and our own STATE, by which edge nodes know that their primary host is there.  The
 * broker is the host, so the host is online as long as it is. */
#include "codec/sparkplug.h"
#include "core/spark_in.h"
#include "mqtt/internal.h"

/* As if a client had said it.  Both buffers are released. */
static void say(struct broker *b, struct space *space, struct buf *topic, struct buf *payload,
                uint8_t qos, bool retain)
{
    bool failed = topic->failed || payload->failed;
    struct message *m =
        failed ? NULL : message_new(buf_slice(topic), (struct slice){0}, buf_slice(payload));
    if (m) {
        m->space = space && space->slug.n ? space : NULL;
        m->qos = qos;
        m->retain = retain;
        broker_publish(b, NULL, m, false);
    }
    message_unref(m);
    buf_release(topic);
    buf_release(payload);
}

/* At QoS 0 and not retained, as commands are. */
static void on_rebirth(void *arg, struct org *org, struct slice group, struct slice node)
{
    struct broker *b = arg;
    struct buf topic = {0}, payload = {0};
    buf_addf(&topic, "spBv1.0/%.*s/NCMD/%.*s", SLICE_ARG(group), SLICE_ARG(node));
    spb_write_rebirth(&payload, (uint64_t)clock_now_us() / 1000);
    say(b, space_of_org(b, org), &topic, &payload, 0, false);
}

int sparkplug_init(struct broker *b)
{
    const struct spark_opts opts = {.rebirth = on_rebirth, .arg = b};
    if (!b->core || !b->opts.sparkplug)
        return 0;
    b->state_ms = clock_now_us() / 1000;
    int err = spark_in_new(b->core, &opts, &b->spark);
    if (!err)
        sparkplug_state(b, true);
    return err;
}

void sparkplug_release(struct broker *b)
{
    spark_in_free(b->spark);
    b->spark = NULL;
}

/* The death has the time of the birth, so that it is told from that of an earlier host. */
void sparkplug_state_in(struct broker *b, struct space *space, bool online)
{
    struct buf topic = {0}, payload = {0};
    if (!b->spark || !b->opts.sparkplug_host)
        return;
    buf_addf(&topic, "spBv1.0/STATE/%s", b->opts.sparkplug_host);
    buf_addf(&payload, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false",
             (long long)b->state_ms);
    say(b, space, &topic, &payload, 1, true);
}

void sparkplug_state(struct broker *b, bool online)
{
    struct space *space;
    size_t at = 0;
    sparkplug_state_in(b, &b->home, online);
    while ((space = map_next(&b->spaces, &at)))
        sparkplug_state_in(b, space, online);
}

bool sparkplug_is_own(const struct broker *b, struct slice topic)
{
    return b->spark && b->opts.sparkplug_host && slice_starts(topic, "spBv1.0/STATE/") &&
           slice_is(slice_skip(topic, 14), b->opts.sparkplug_host);
}

bool sparkplug_takes(const struct broker *b, struct slice topic)
{
    struct spark_topic t;
    if (!b->spark)
        return false;
    spark_topic_parse(topic, &t);
    return t.kind != SPARK_NONE;
}

void sparkplug_ingest(struct broker *b, struct pending *p, struct principal *who, const char *peer,
                      struct slice topic, struct slice payload, struct provision_grant *grant)
{
    struct ingest_source src = {.via = "mqtt",
                                .peer = peer,
                                .topic = topic,
                                .who = who ? who : access_nobody(core_access(b->core))};
    spark_in_take(b->spark, &src, payload, grant, twins_done, p);
}
