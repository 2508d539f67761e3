/* $SYS: what the broker says of itself, in the names that people know from other brokers.
 * Retained; renewed when somebody subscribes and, while somebody does, every ten seconds. */
#include "mqtt/internal.h"

typedef void sys_write_fn(struct buf *out, struct broker *b, const struct broker_stats *s);

static void write_version(struct buf *out, struct broker *b, const struct broker_stats *s)
{
    (void)b, (void)s;
    buf_add_str(out, "doppel " DOPPEL_VERSION);
}

static void write_uptime(struct buf *out, struct broker *b, const struct broker_stats *s)
{
    (void)s;
    buf_add_i64(out, (clock_mono_us() - b->started_us) / 1000000);
    buf_add_str(out, " seconds");
}

static const struct sys_row {
    const char *topic;
    sys_write_fn *write; /* NULL: the number at offset in the statistics */
    size_t offset;
} rows[] = {
    {"$SYS/broker/version", write_version, 0},
    {"$SYS/broker/uptime", write_uptime, 0},
    {"$SYS/broker/clients/connected", NULL, offsetof(struct broker_stats, connections)},
    {"$SYS/broker/clients/total", NULL, offsetof(struct broker_stats, sessions)},
    {"$SYS/broker/subscriptions/count", NULL, offsetof(struct broker_stats, subscriptions)},
    {"$SYS/broker/retained messages/count", NULL, offsetof(struct broker_stats, retained)},
    {"$SYS/broker/messages/received", NULL, offsetof(struct broker_stats, messages_in)},
    {"$SYS/broker/messages/sent", NULL, offsetof(struct broker_stats, messages_out)},
    {"$SYS/broker/publish/messages/dropped", NULL, offsetof(struct broker_stats, dropped)},
    {"$SYS/broker/bytes/received", NULL, offsetof(struct broker_stats, bytes_in)},
    {"$SYS/broker/bytes/sent", NULL, offsetof(struct broker_stats, bytes_out)},
};

bool sys_is_filter(struct slice filter)
{
    return slice_starts(filter, "$SYS/");
}

static struct message *message_of(struct broker *b, const struct sys_row *row)
{
    struct broker_stats stats;
    struct buf text = {0};
    uint64_t number;
    broker_stats(b, &stats);
    memcpy(&number, (const char *)&stats + row->offset, sizeof number);
    if (row->write)
        row->write(&text, b, &stats);
    else
        buf_add_u64(&text, number);
    struct message *m =
        text.failed ? NULL : message_new(slice_str(row->topic), slice_of("", 0), buf_slice(&text));
    buf_release(&text);
    if (m)
        m->retain = true;
    return m;
}

static void renew(struct broker *b, bool tell)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct message *m = message_of(b, &rows[i]);
        if (!m)
            return;
        if (tell)
            broker_publish(b, NULL, m);
        else
            retained_store(b, m);
        message_unref(m);
    }
}

void sys_refresh(struct broker *b)
{
    renew(b, false);
}

void sys_tick(struct broker *b, int64_t now_us)
{
    if (!b->sys_subs || now_us < b->sys_us)
        return;
    b->sys_us = now_us + SYS_EVERY_US;
    renew(b, true);
}
