/* Messages on their way to one session.
 *
 * QoS 0 is sent at once or not at all: to nobody who is offline, and not to a reader who is slow.
 * QoS 1 and 2 go through the queue into flight, in order [MQTT-4.6.0-6]; at most the client's
 * Receive Maximum, and WINDOW, are in flight.  After a new connection everything in flight is sent
 * again in the same order with the same identifiers [MQTT-4.4.0-1], as far as its quota allows;
 * nothing overtakes it.  When the queue is over its limit the oldest message that was never sent
 * makes room for the newest: of a thing that was silent for long the present matters most.
 *
 * What waits for the disk stands in the queue too, also at QoS 0, and holds up what is behind it.
 * The packet identifier follows from the number of the delivery: so the record that has the one has
 * the other, and a client that knew a message of QoS 2 before a crash knows it after. */
#include "mqtt/persist.h"

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

static uint16_t id_of(uint64_t no)
{
    return (uint16_t)(1 + (no - 1) % UINT16_MAX);
}

uint64_t session_number(struct session *s)
{
    do {
        s->last_no++;
    } while (find(s, id_of(s->last_no)));
    return s->last_no;
}

/* ---- delivery ---- */

static void free_delivery(struct delivery *d)
{
    message_unref(d->message);
    free(d);
}

/* It is over, in whatever way. */
static void discard(struct session *s, struct delivery *d)
{
    if (d->no)
        keep_gone(s, d->no);
    free_delivery(d);
}

static void enqueue(struct session *s, struct delivery *d)
{
    append(&s->queue, d);
    s->queue_bytes += d->message ? message_size(d->message) : 0;
    s->queued0 += !d->qos;
}

static struct delivery *dequeue(struct session *s, struct delivery *d)
{
    unlink_from(&s->queue, d);
    s->queue_bytes -= d->message ? message_size(d->message) : 0;
    s->queued0 -= !d->qos;
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
        discard(s, dequeue(s, s->queue.first));
        session_lost(s, 1);
    }
}

static bool may_write(const struct session *s)
{
    return s->conn && !s->conn->hold && mqtt_conn_queued(s->conn) < OUT_HIGH;
}

/* Its identifier was free when it got its number, but a queue may be longer than there are. */
static bool may_launch(struct session *s, uint64_t no)
{
    return s->conn->quota > 0 && !find(s, id_of(no)) && !keep_lags(s);
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
        d->counted = true;
        return;
    }
    /* too large for the client: as if it had been delivered [MQTT-3.1.2-25] */
    index_remove(s, d);
    unlink_from(&s->flight, d);
    discard(s, d);
}

/* False: no memory; the delivery is as it was. */
static bool put_in_flight(struct session *s, struct delivery *d)
{
    if (!index_grow(s))
        return false;
    d->packet_id = id_of(d->no);
    append(&s->flight, d);
    d->same_hash = *bucket(s, d->packet_id);
    *bucket(s, d->packet_id) = d;
    return true;
}

static void launch(struct session *s, struct delivery *d)
{
    if (!put_in_flight(s, d)) {
        discard(s, d);
        session_lost(s, 1);
        return;
    }
    d->state = DELIVERY_SENT;
    send_publish(s, d, false);
}

static void deliver_qos0(struct session *s, struct message *m, bool retain, struct slice ids)
{
    if (!s->conn || s->conn->hold)
        return;
    if (mqtt_conn_queued(s->conn) > OUT_HIGH) {
        session_lost(s, 1);
        return;
    }
    struct outgoing o = {.message = m, .retain = retain, .ids = ids};
    mqtt_conn_send_publish(s->conn, &o);
}

void session_deliver(struct session *s, struct message *m, const struct copy *how)
{
    bool waits = how->seq > s->broker->kept_seq;
    if (!how->qos && !waits && !s->queued0) {
        deliver_qos0(s, m, how->retain, how->ids);
        return;
    }
    if (!how->qos && !s->conn)
        return;
    uint64_t no = how->no || !how->qos ? how->no : session_number(s);
    struct delivery *d = malloc(sizeof *d + how->ids.n);
    if (!d) {
        if (no)
            keep_gone(s, no);
        session_lost(s, 1);
        return;
    }
    *d = (struct delivery){.message = message_ref(m),
                           .no = no,
                           .seq = how->seq,
                           .qos = how->qos,
                           .retain = how->retain,
                           .ids_n = how->ids.n};
    if (how->ids.n)
        memcpy(d->ids, how->ids.p, how->ids.n);
    if (!waits && !s->queue.n && !s->resend && may_write(s) && may_launch(s, no)) {
        launch(s, d);
        return;
    }
    make_room(s, message_size(m));
    enqueue(s, d);
    if (waits)
        persist_wait_session(s, how->seq);
}

void session_drop_qos0(struct session *s)
{
    struct delivery *next;
    for (struct delivery *d = s->queued0 ? s->queue.first : NULL; d; d = next) {
        next = d->next;
        if (!d->qos)
            free_delivery(dequeue(s, d));
    }
}

static bool is_heard(struct session *s, const struct message *m)
{
    struct about about;
    about_topic(s->broker, space_of_message(s->broker, m), m->topic, &about);
    return may_hear(s->broker, s->who, &about);
}

static void land(struct session *s, struct delivery *d);

void session_drop_unheard(struct session *s)
{
    struct delivery *next;
    if (!s->who || s->who->everything)
        return;
    for (struct delivery *d = s->queue.first; d; d = next) {
        next = d->next;
        if (!is_heard(s, d->message))
            discard(s, dequeue(s, d));
    }
    for (struct delivery *d = s->flight.first; d; d = next) {
        next = d->next;
        if (d->resend && d->message && !is_heard(s, d->message))
            land(s, d);
    }
}

void session_drop_lost(struct session *s, uint64_t from, uint64_t to)
{
    struct delivery *next;
    for (struct delivery *d = s->queue.first; d; d = next) {
        next = d->next;
        if (d->seq > from && d->seq <= to)
            free_delivery(dequeue(s, d));
    }
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

/* The first in the queue may go. */
static void send_first(struct session *s)
{
    struct delivery *d = dequeue(s, s->queue.first);
    if (message_expired(d->message)) { /* [MQTT-3.3.2-5] */
        discard(s, d);
    } else if (d->qos) {
        launch(s, d);
    } else {
        deliver_qos0(s, d->message, d->retain, slice_of(d->ids, d->ids_n));
        free_delivery(d);
    }
}

void session_pump(struct session *s)
{
    while (may_write(s)) {
        const struct delivery *d = s->queue.first;
        if (s->resend) {
            if (!s->conn->quota)
                return;
            send_again(s);
        } else if (d && d->seq <= s->broker->kept_seq && (!d->qos || may_launch(s, d->no))) {
            send_first(s);
        } else {
            return;
        }
    }
}

void session_resume(struct session *s)
{
    for (struct delivery *d = s->flight.first; d; d = d->next) {
        d->resend = true;
        d->counted = false;
    }
    s->resend = s->flight.first;
    session_drop_unheard(s);
    session_pump(s);
}

static void land(struct session *s, struct delivery *d)
{
    if (s->resend == d)
        s->resend = d->next;
    if (s->conn && d->counted) /* not so whose PUBREL alone was sent again [MQTT-3.3.4-9] */
        s->conn->quota++;
    index_remove(s, d);
    unlink_from(&s->flight, d);
    discard(s, d);
}

enum ack_result session_acked(struct session *s, enum mqtt_type type, uint16_t id, uint8_t reason,
                              uint64_t *ret_seq)
{
    struct delivery *d = find(s, id);
    if (!d)
        return ACK_UNKNOWN;
    if (d->qos != (type == MQTT_PUBACK ? 1 : 2))
        return ACK_WRONG;
    if (type == MQTT_PUBREC && reason < 0x80) {
        message_unref(d->message);
        d->message = NULL;
        if (d->state != DELIVERY_RELEASED && keeps(s)) {
            if (keep_number(s, RECORD_RELEASED, d->no))
                return ACK_LOST;
            d->seq = s->broker->put_seq;
        }
        *ret_seq = d->seq;
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

void session_load(struct session *s, struct delivery *d)
{
    enqueue(s, d);
    if (d->no > s->last_no)
        s->last_no = d->no;
}

void session_unqueue(struct session *s, struct delivery *d)
{
    free_delivery(dequeue(s, d));
}

void session_load_released(struct session *s, struct delivery *d)
{
    s->queue_bytes -= d->message ? message_size(d->message) : 0;
    message_unref(d->message);
    d->message = NULL;
    d->state = DELIVERY_RELEASED;
}

void session_load_end(struct session *s)
{
    struct delivery *next;
    for (struct delivery *d = s->queue.first; d; d = next) {
        next = d->next;
        if (d->state == DELIVERY_QUEUED)
            continue;
        dequeue(s, d);
        if (!put_in_flight(s, d))
            discard(s, d);
    }
    if (s->queue.n > s->broker->opts.max_queued)
        make_room(s, 0);
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
    s->queue_bytes = s->queued0 = 0;
    s->resend = NULL;
    free(s->by_id);
    s->by_id = NULL;
    s->by_id_cap = 0;
}
