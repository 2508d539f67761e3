/* Messages on their way to one session.
 *
 * QoS 0 is sent at once or not at all: to nobody who is offline, and not to a reader who is slow.
 * QoS 1 and 2 go through the queue into flight, in order [MQTT-4.6.0-6]; at most the client's
 * Receive Maximum, and WINDOW, are in flight.  After a new connection everything in flight is sent
 * again in the same order with the same identifiers [MQTT-4.4.0-1], as far as its quota allows;
 * nothing overtakes it.  When the queue is over its limit the oldest message that was never sent
 * makes room for the newest: of a thing that was silent for long the present matters most. */
#include "mqtt/internal.h"

#include <stdlib.h>

/* ---- lists and the index ---- */

static void append(struct delivery_list *l, struct delivery *d)
{
    d->next = NULL;
    d->prev = l->last;
    if (l->last)
        l->last->next = d;
    else
        l->first = d;
    l->last = d;
    l->n++;
}

static void unlink_from(struct delivery_list *l, struct delivery *d)
{
    if (d->prev)
        d->prev->next = d->next;
    else
        l->first = d->next;
    if (d->next)
        d->next->prev = d->prev;
    else
        l->last = d->prev;
    l->n--;
}

static struct delivery **bucket(const struct session *s, uint16_t id)
{
    return &s->by_id[id & (s->by_id_cap - 1)];
}

static struct delivery *find(const struct session *s, uint16_t id)
{
    if (!s->by_id_cap)
        return NULL;
    struct delivery *d = *bucket(s, id);
    while (d && d->packet_id != id)
        d = d->same_hash;
    return d;
}

static bool index_grow(struct session *s)
{
    if (s->flight.n < s->by_id_cap)
        return true;
    size_t cap = s->by_id_cap ? s->by_id_cap * 2 : 16;
    struct delivery **by_id = calloc(cap, sizeof(struct delivery *));
    if (!by_id)
        return s->by_id_cap > 0; /* longer chains do as well */
    free(s->by_id);
    s->by_id = by_id;
    s->by_id_cap = cap;
    for (struct delivery *d = s->flight.first; d; d = d->next) {
        d->same_hash = *bucket(s, d->packet_id);
        *bucket(s, d->packet_id) = d;
    }
    return true;
}

static void index_remove(struct session *s, struct delivery *d)
{
    struct delivery **at = bucket(s, d->packet_id);
    while (*at != d)
        at = &(*at)->same_hash;
    *at = d->same_hash;
}

/* An identifier that is not in flight [MQTT-2.2.1-4]; there are far more than WINDOW. */
static uint16_t new_id(struct session *s)
{
    do {
        s->last_id++;
    } while (s->last_id == 0 || find(s, s->last_id));
    return s->last_id;
}

/* ---- delivery ---- */

static void free_delivery(struct delivery *d)
{
    message_unref(d->message);
    free(d);
}

static struct delivery *dequeue(struct session *s)
{
    struct delivery *d = s->queue.first;
    unlink_from(&s->queue, d);
    s->queue_bytes -= message_size(d->message);
    return d;
}

void session_lost(struct session *s, uint64_t n)
{
    int64_t now = clock_mono_us();
    s->broker->stats.dropped += n;
    s->lost += n;
    if (s->told_us && now - s->told_us < INT64_C(60000000))
        return;
    log_info("mqtt", "client %.*s reads too slowly: %llu messages dropped", SLICE_ARG(s->id),
             (unsigned long long)s->lost);
    s->told_us = now;
    s->lost = 0;
}

static void make_room(struct session *s, size_t bytes)
{
    while (s->queue.n && (s->queue.n >= s->broker->opts.max_queued ||
                          s->queue_bytes + bytes > MAX_QUEUED_BYTES)) {
        free_delivery(dequeue(s));
        session_lost(s, 1);
    }
}

static bool may_send(const struct session *s)
{
    return s->conn && s->conn->quota > 0 && mqtt_conn_queued(s->conn) < OUT_HIGH;
}

static void send_publish(struct session *s, struct delivery *d, bool dup)
{
    struct outgoing o = {.message = d->message,
                         .qos = d->qos,
                         .retain = d->retain,
                         .dup = dup,
                         .packet_id = d->packet_id,
                         .ids = {d->ids, d->ids_n}};
    if (mqtt_conn_send_publish(s->conn, &o)) {
        s->conn->quota--;
        return;
    }
    /* too large for the client: as if it had been delivered [MQTT-3.1.2-25] */
    index_remove(s, d);
    unlink_from(&s->flight, d);
    free_delivery(d);
}

static void launch(struct session *s, struct delivery *d)
{
    if (!index_grow(s)) {
        free_delivery(d);
        session_lost(s, 1);
        return;
    }
    d->packet_id = new_id(s);
    d->state = DELIVERY_SENT;
    append(&s->flight, d);
    d->same_hash = *bucket(s, d->packet_id);
    *bucket(s, d->packet_id) = d;
    send_publish(s, d, false);
}

static void deliver_qos0(struct session *s, struct message *m, bool retain, struct slice ids)
{
    if (!s->conn)
        return;
    if (mqtt_conn_queued(s->conn) > OUT_HIGH) {
        session_lost(s, 1);
        return;
    }
    struct outgoing o = {.message = m, .retain = retain, .ids = ids};
    mqtt_conn_send_publish(s->conn, &o);
}

void session_deliver(struct session *s, struct message *m, uint8_t qos, bool retain,
                     struct slice ids)
{
    if (qos == 0) {
        deliver_qos0(s, m, retain, ids);
        return;
    }
    struct delivery *d = malloc(sizeof *d + ids.n);
    if (!d) {
        session_lost(s, 1);
        return;
    }
    *d = (struct delivery){.message = message_ref(m), .qos = qos, .retain = retain, .ids_n = ids.n};
    if (ids.n)
        memcpy(d->ids, ids.p, ids.n);
    if (!s->queue.n && !s->resend && may_send(s)) {
        launch(s, d);
        return;
    }
    make_room(s, message_size(m));
    append(&s->queue, d);
    s->queue_bytes += message_size(m);
}

static void send_again(struct session *s)
{
    struct delivery *d = s->resend;
    s->resend = d->next;
    if (!d->resend) /* it was answered meanwhile */
        return;
    d->resend = false;
    if (d->state == DELIVERY_RELEASED)
        mqtt_conn_send_ack(s->conn, MQTT_PUBREL, d->packet_id, MQTT_SUCCESS, NULL);
    else
        send_publish(s, d, true); /* [MQTT-3.3.1-1] */
}

void session_pump(struct session *s)
{
    while (may_send(s)) {
        if (s->resend) {
            send_again(s);
        } else if (s->queue.n) {
            struct delivery *d = dequeue(s);
            if (message_expired(d->message)) /* [MQTT-3.3.2-5] */
                free_delivery(d);
            else
                launch(s, d);
        } else {
            return;
        }
    }
}

void session_resume(struct session *s)
{
    for (struct delivery *d = s->flight.first; d; d = d->next)
        d->resend = true;
    s->resend = s->flight.first;
    session_pump(s);
}

static void land(struct session *s, struct delivery *d)
{
    if (s->resend == d)
        s->resend = d->next;
    index_remove(s, d);
    unlink_from(&s->flight, d);
    free_delivery(d);
    if (s->conn && s->conn->quota < s->conn->quota_max)
        s->conn->quota++;
}

enum ack_result session_acked(struct session *s, enum mqtt_type type, uint16_t id, uint8_t reason)
{
    struct delivery *d = find(s, id);
    if (!d)
        return ACK_UNKNOWN;
    if (d->qos != (type == MQTT_PUBACK ? 1 : 2))
        return ACK_WRONG;
    if (type == MQTT_PUBREC && reason < 0x80) {
        message_unref(d->message);
        d->message = NULL;
        d->state = DELIVERY_RELEASED;
        if (d->resend && s->resend == d)
            s->resend = d->next; /* PUBREL goes out now */
        d->resend = false;
        return ACK_OK;
    }
    if (type == MQTT_PUBCOMP && d->state != DELIVERY_RELEASED)
        return ACK_WRONG;
    land(s, d);
    session_pump(s);
    return ACK_OK;
}

void session_forget(struct session *s)
{
    struct delivery *d;
    while ((d = s->queue.first)) {
        unlink_from(&s->queue, d);
        free_delivery(d);
    }
    while ((d = s->flight.first)) {
        unlink_from(&s->flight, d);
        free_delivery(d);
    }
    s->queue_bytes = 0;
    s->resend = NULL;
    free(s->by_id);
    s->by_id = NULL;
    s->by_id_cap = 0;
}
