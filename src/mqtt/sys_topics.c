/* $SYS: what the broker says of itself, in the names that people know from other brokers.
 * Retained; renewed when somebody subscribes and, while somebody does, every ten seconds. */
#include "mqtt/internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

/* What the rows below take their numbers from. */
struct figures {
    struct broker_stats stats;
    struct broker_waiting waiting;
    uint64_t stored, stored_bytes; /* messages kept: retained, queued and in flight */
};

typedef void sys_write_fn(struct buf *out, struct broker *b);

static void write_version(struct buf *out, struct broker *b)
{
    (void)b;
    buf_add_str(out, "doppel " DOPPEL_VERSION);
}

static void write_uptime(struct buf *out, struct broker *b)
{
    buf_add_i64(out, (clock_mono_us() - b->started_us) / 1000000);
    buf_add_str(out, " seconds");
}

#define STAT(member) NULL, offsetof(struct figures, stats.member)
#define FIGURE(member) NULL, offsetof(struct figures, member)

static const struct sys_row {
    const char *topic;
    sys_write_fn *write; /* NULL: the number at offset in the figures */
    size_t offset;
} rows[] = {
    {"version", write_version, 0},
    {"uptime", write_uptime, 0},
    {"clients/connected", STAT(connections)},
    {"clients/disconnected", STAT(sessions_away)},
    {"clients/total", STAT(sessions)},
    {"clients/maximum", STAT(connections_max)},
    {"clients/expired", STAT(sessions_expired)},
    {"subscriptions/count", STAT(subscriptions)},
    {"shared subscriptions/count", STAT(shared)},
    {"retained messages/count", STAT(retained)},
    {"messages/received", STAT(packets_in)},
    {"messages/sent", STAT(packets_out)},
    {"messages/inflight", FIGURE(waiting.in_flight)},
    {"messages/queued", FIGURE(waiting.queued)},
    {"store/messages/count", FIGURE(stored)},
    {"store/messages/bytes", FIGURE(stored_bytes)},
    {"publish/messages/received", STAT(messages_in)},
    {"publish/messages/sent", STAT(messages_out)},
    {"publish/messages/dropped", STAT(dropped)},
    {"publish/bytes/received", STAT(payload_in)},
    {"publish/bytes/sent", STAT(payload_out)},
    {"bytes/received", STAT(bytes_in)},
    {"bytes/sent", STAT(bytes_out)},
};

/* What is averaged over minutes: "load/NAME/1min", "/5min", "/15min". */
static const struct load_row {
    const char *name;
    size_t offset; /* in the statistics */
} loads[] = {
    {"messages/received", offsetof(struct broker_stats, packets_in)},
    {"messages/sent", offsetof(struct broker_stats, packets_out)},
    {"publish/received", offsetof(struct broker_stats, messages_in)},
    {"publish/sent", offsetof(struct broker_stats, messages_out)},
    {"publish/dropped", offsetof(struct broker_stats, dropped)},
    {"bytes/received", offsetof(struct broker_stats, bytes_in)},
    {"bytes/sent", offsetof(struct broker_stats, bytes_out)},
    {"connections", offsetof(struct broker_stats, connected_total)},
    {"expired", offsetof(struct broker_stats, sessions_expired)},
};
static_assert(sizeof loads / sizeof loads[0] == SYS_LOADS, "struct broker has a place for each");

static const int minutes[3] = {1, 5, 15};

static uint64_t number_at(const void *figures, size_t offset)
{
    uint64_t n;
    memcpy(&n, (const char *)figures + offset, sizeof n);
    return n;
}

bool sys_is_filter(struct slice filter)
{
    return slice_starts(filter, "$SYS/");
}

/* One message; text is released. */
static void tell(struct broker *b, const char *name, struct buf *text, bool aloud)
{
    struct buf topic = {0};
    buf_addf(&topic, "$SYS/broker/%s", name);
    struct message *m = topic.failed || text->failed
                            ? NULL
                            : message_new(buf_slice(&topic), slice_of("", 0), buf_slice(text));
    buf_release(&topic);
    buf_release(text);
    if (!m)
        return;
    m->retain = true;
    struct message *old = NULL;
    if (aloud)
        broker_publish(b, NULL, m, false);
    else
        retained_store(b, m, &old);
    message_unref(old);
    message_unref(m);
}

static void tell_loads(struct broker *b, bool aloud)
{
    char name[64];
    for (size_t i = 0; i < SYS_LOADS; i++)
        for (size_t k = 0; k < 3; k++) {
            struct buf text = {0};
            snprintf(name, sizeof name, "load/%s/%dmin", loads[i].name, minutes[k]);
            buf_addf(&text, "%.2f", b->load[i].per_minute[k]);
            tell(b, name, &text, aloud);
        }
}

static void renew(struct broker *b, bool aloud)
{
    struct figures f;
    broker_stats(b, &f.stats);
    broker_waiting(b, &f.waiting);
    f.stored = f.stats.retained + f.waiting.queued + f.waiting.in_flight;
    f.stored_bytes = f.stats.retained_bytes + f.waiting.queued_bytes;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = {0};
        if (rows[i].write)
            rows[i].write(&text, b);
        else
            buf_add_u64(&text, number_at(&f, rows[i].offset));
        tell(b, rows[i].topic, &text, aloud);
    }
    tell_loads(b, aloud);
}

void sys_refresh(struct broker *b)
{
    renew(b, false);
}

/* Averages that forget: what is older than the window weighs less and less. */
static void average(struct broker *b, double elapsed_s)
{
    for (size_t i = 0; i < SYS_LOADS; i++) {
        struct sys_load *l = &b->load[i];
        uint64_t now = number_at(&b->stats, loads[i].offset);
        double per_minute = (double)(now - l->last) * 60 / elapsed_s;
        for (size_t k = 0; k < 3; k++) {
            double keeps = exp(-elapsed_s / (60.0 * minutes[k]));
            l->per_minute[k] = per_minute + keeps * (l->per_minute[k] - per_minute);
        }
        l->last = now;
    }
}

void sys_tick(struct broker *b, int64_t now_us)
{
    if (now_us - b->load_us >= SYS_EVERY_US) {
        average(b, (double)(now_us - b->load_us) / 1e6);
        b->load_us = now_us;
    }
    if (!b->sys_subs || now_us < b->sys_us)
        return;
    b->sys_us = now_us + SYS_EVERY_US;
    renew(b, true);
}
