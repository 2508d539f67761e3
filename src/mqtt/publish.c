/* What clients publish, and the acknowledgements that they get for it.
 *
 * Acknowledgements leave in the order in which the publishes came [MQTT-4.6.0-2], [MQTT-4.6.0-3],
 * although the answers of the core come when they come: whoever has to wait stands in a line of its
 * connection, and whoever comes behind one that waits stands there too.
 *
 * What changes something that is kept on the disk waits there too, until the disk has it.
 *
 * A publish that waits for the core outlives its connection, its session and the broker: each of
 * them lets go of it when it dies, and the core's answer finds NULL. */
#include "mqtt/persist.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum { SPARES = 4096 };

/* ---- pending publishes ---- */

struct pending *pending_new(struct broker *b, struct session *s, uint8_t qos, uint16_t packet_id)
{
    struct pending *p = b->spare;
    if (p) {
        b->spare = p->next;
        b->spare_n--;
    } else if (!(p = malloc(sizeof *p))) {
        return NULL;
    }
    *p = (struct pending){
        .broker = b, .session = s, .qos = qos, .packet_id = packet_id, .next = b->pendings};
    if (p->next)
        p->next->prev = p;
    b->pendings = p;
    if (s) {
        p->session_next = s->pending;
        if (p->session_next)
            p->session_next->session_prev = p;
        s->pending = p;
    }
    return p;
}

static void leave_session(struct pending *p)
{
    if (!p->session)
        return;
    if (p->session_prev)
        p->session_prev->session_next = p->session_next;
    else
        p->session->pending = p->session_next;
    if (p->session_next)
        p->session_next->session_prev = p->session_prev;
    p->session_next = p->session_prev = NULL;
    p->session = NULL;
}

static void pending_free(struct pending *p)
{
    struct broker *b = p->broker;
    leave_session(p);
    message_unref(p->forward);
    free(p->detail);
    if (!b) {
        free(p);
        return;
    }
    if (p->prev)
        p->prev->next = p->next;
    else
        b->pendings = p->next;
    if (p->next)
        p->next->prev = p->prev;
    if (b->spare_n >= SPARES) {
        free(p);
        return;
    }
    p->next = b->spare;
    b->spare = p;
    b->spare_n++;
}

void session_forget_pending(struct session *s)
{
    while (s->pending)
        leave_session(s->pending);
}

void pending_wait_in(struct conn *c, struct pending *p)
{
    p->conn = c;
    p->ack_next = NULL;
    if (c->acks_last)
        c->acks_last->ack_next = p;
    else
        c->acks_first = p;
    c->acks_last = p;
    c->acks_n++;
    c->unacked += p->qos == 1;
}

static struct pending *next_ack(struct conn *c)
{
    struct pending *p = c->acks_first;
    c->acks_first = p->ack_next;
    if (!c->acks_first)
        c->acks_last = NULL;
    c->acks_n--;
    c->unacked -= p->qos == 1;
    p->conn = NULL;
    return p;
}

/* Those that the core has not answered go on without a connection. */
void mqtt_conn_forget_acks(struct conn *c)
{
    while (c->acks_first) {
        struct pending *p = next_ack(c);
        if (!p->waiting)
            pending_free(p);
    }
}

static enum mqtt_type ack_type(uint8_t qos)
{
    return qos == 1 ? MQTT_PUBACK : MQTT_PUBREC;
}

static void send_acks(struct conn *c)
{
    while (c->acks_first && !c->acks_first->waiting) {
        struct pending *p = c->acks_first;
        if (p->retry && c->version != MQTT_V5) {
            /* 3.1.1 cannot say "not now": without an acknowledgement the client sends it again */
            mqtt_conn_close(c, p->reason, "a publish could not be stored");
            return;
        }
        next_ack(c);
        mqtt_conn_send_ack(c, ack_type(p->qos), p->packet_id, p->reason, p->detail);
        pending_free(p);
    }
}

void pending_done(struct pending *p)
{
    struct conn *c = p->conn;
    p->waiting = false;
    bool told = c && c->version == MQTT_V5;
    if (p->qos == 2 && p->reason >= 0x80 && p->session && (!c || told || p->retry))
        received_forget(p->session, p->packet_id); /* it is free again [MQTT-4.3.3-..] */
    if (c)
        send_acks(c);
    else
        pending_free(p);
}

void received_forget(struct session *s, uint16_t packet_id)
{
    idset_remove(&s->received, packet_id);
    idset_remove(&s->received_kept, packet_id);
}

/* ---- what waits for the disk ---- */

/* Something was published, and perhaps retained. */
struct published {
    struct commit commit;
    struct broker *broker;
    struct pending *pending;       /* NULL: nobody waits for it */
    struct message *message, *old; /* NULL: nothing was retained */
};

static void refuse_unkept(struct pending *p)
{
    p->reason = err_info(ERR_STORAGE)->mqtt;
    p->retry = true;
    free(p->detail);
    p->detail = strdup(err_info(ERR_STORAGE)->text);
}

static void published_done(struct commit *commit, int err)
{
    struct published *p = (struct published *)commit;
    if (p->message && err)
        retained_restore(p->broker, p->message, p->old);
    else
        message_unref(p->old);
    message_unref(p->message);
    if (p->pending && err)
        refuse_unkept(p->pending);
    if (p->pending)
        pending_done(p->pending);
    free(p);
}

/* p: over when it is kept; what: retained, when it is not NULL. */
static int wait_for_disk(struct broker *b, uint64_t seq, struct pending *p, struct publishing *what)
{
    struct published *w = calloc(1, sizeof *w);
    if (!w) {
        if (what)
            message_unref(what->old);
        return ERR_NOMEM;
    }
    w->commit.done = published_done;
    w->broker = b;
    w->pending = p;
    if (what && what->stored) {
        w->message = message_ref(what->message);
        w->old = what->old;
    }
    persist_wait(b, seq, &w->commit);
    return 0;
}

void pending_done_after(struct pending *p, uint64_t seq)
{
    if (!p->broker || seq <= p->broker->kept_seq) {
        pending_done(p);
    } else if (wait_for_disk(p->broker, seq, p, NULL)) {
        refuse_unkept(p);
        pending_done(p);
    }
}

/* Answer a publish at once, or as soon as those before it are answered. */
static uint8_t acknowledge(struct conn *c, uint8_t qos, uint16_t id, uint8_t reason,
                           const char *detail)
{
    if (qos == 0)
        return 0;
    if (!c->acks_first) {
        mqtt_conn_send_ack(c, ack_type(qos), id, reason, detail);
        return 0;
    }
    struct pending *p = pending_new(c->broker, c->session, qos, id);
    if (!p)
        return broker_refuse(c->broker, MQTT_QUOTA, "the server is out of memory");
    p->reason = reason;
    p->detail = detail ? strdup(detail) : NULL;
    pending_wait_in(c, p);
    return 0;
}

/* ---- PUBLISH ---- */

/* The topic behind an alias; a new alias is kept.  NULL slice and b->why: cannot be. */
static uint8_t resolve_alias(struct conn *c, const struct mqtt_publish *m, struct slice *topic)
{
    uint32_t alias = m->props.topic_alias;
    if (alias > ALIASES_IN) /* [MQTT-3.3.2-9] */
        return broker_refuse(c->broker, MQTT_BAD_ALIAS, "the topic alias is over the maximum");
    char **place = &c->aliases_in[alias - 1];
    if (m->topic.n == 0) {
        if (!*place)
            return broker_refuse(c->broker, MQTT_PROTOCOL_ERROR, "the topic alias is not known");
        *topic = slice_str(*place);
        return 0;
    }
    char *copy = strndup(m->topic.p, m->topic.n); /* no U+0000 in it */
    if (!copy)
        return broker_refuse(c->broker, MQTT_QUOTA, "the server is out of memory");
    free(*place);
    *place = copy;
    return 0;
}

static struct message *message_of(struct broker *b, const struct mqtt_publish *m,
                                  struct space *space, struct slice topic)
{
    struct slice props = m->props.raw;
    if (m->props.has & ~PASS_THROUGH) {
        buf_clear(&b->scratch);
        mqtt_props_copy(&b->scratch, m->props.raw, PASS_THROUGH);
        if (b->scratch.failed)
            return NULL;
        props = buf_slice(&b->scratch);
    }
    struct message *msg = message_new(topic, props, m->payload);
    if (!msg)
        return NULL;
    msg->space = space->slug.n ? space : NULL;
    msg->qos = m->qos;
    msg->retain = m->retain;
    if (mqtt_has(&m->props, MQTT_MESSAGE_EXPIRY))
        msg->expires_us = clock_mono_us() + (int64_t)m->props.message_expiry * 1000000;
    return msg;
}

/* Why this message is not taken, or 0. */
static uint8_t check(struct broker *b, const struct mqtt_publish *m, struct slice topic)
{
    if (topic.p[0] == '$' &&
        (slice_starts(topic, "$SYS/") || slice_starts(topic, "$share/") || slice_is(topic, "$SYS")))
        return broker_refuse(b, MQTT_BAD_TOPIC, "this topic is the server's own");
    if (sparkplug_is_own(b, topic))
        return broker_refuse(b, MQTT_BAD_TOPIC, "this topic is the server's own");
    if (mqtt_topic_levels(topic) > MAX_LEVELS)
        return broker_refuse(b, MQTT_BAD_TOPIC, "the topic has too many levels");
    if (mqtt_has(&m->props, MQTT_PAYLOAD_FORMAT) && m->props.payload_format == 1 &&
        !utf8_valid(m->payload)) /* 3.3.2.3.2 */
        return broker_refuse(b, MQTT_BAD_PAYLOAD,
                             "the payload is not the UTF-8 that it says it is");
    return 0;
}

static uint8_t publish_twin(struct conn *c, const struct mqtt_publish *m, struct slice topic,
                            enum twin_topic kind)
{
    struct broker *b = c->broker;
    struct pending *p = pending_new(b, c->session, m->qos, m->packet_id);
    if (!p)
        return broker_refuse(b, MQTT_QUOTA, "the server is out of memory");
    struct space *space = c->session->space;
    struct slice place = topic;
    if (kind == TWIN_TOPIC_TELEMETRY && b->subs_n && space_of_topic(b, &space, &place, &b->place)) {
        const struct match *found = route_match(b, space, place, c->session);
        if (found->n || found->shares_n || route_goes_abroad(b, place))
            p->forward = message_of(b, m, space, place);
        if (p->forward)
            p->forward->retain = false; /* the twin is its own last value */
    }
    bool typed = mqtt_has(&m->props, MQTT_CONTENT_TYPE);
    p->waiting = c->feeds = true;
    if (m->qos)
        pending_wait_in(c, p);
    twins_ingest(b, p, c->who, c->peer, topic, typed ? m->props.content_type : (struct slice){0},
                 m->payload);
    return 0;
}

/* It could not be put on the disk. */
static uint8_t unkept(struct conn *c, const struct mqtt_publish *m, int err)
{
    const struct err_info *why = err_info(err);
    c->broker->stats.dropped += !m->qos;
    if (m->qos == 2)
        received_forget(c->session, m->packet_id);
    if (m->qos && c->version != MQTT_V5) /* which cannot say "not now"; see send_acks() */
        return broker_refuse(c->broker, MQTT_QUOTA, "a publish could not be stored");
    return acknowledge(c, m->qos, m->packet_id, MQTT_QUOTA, why->text);
}

static uint8_t answer_when_kept(struct conn *c, const struct mqtt_publish *m, uint8_t reason,
                                struct publishing *what)
{
    struct broker *b = c->broker;
    struct pending *p = m->qos ? pending_new(b, c->session, m->qos, m->packet_id) : NULL;
    if (p) {
        p->reason = reason;
        p->waiting = true;
        pending_wait_in(c, p);
    }
    int err = wait_for_disk(b, what->seq, p, what);
    if (err && p) {
        refuse_unkept(p);
        pending_done(p);
    }
    return m->qos && !p ? broker_refuse(b, MQTT_QUOTA, "the server is out of memory") : 0;
}

static uint8_t publish_plain(struct conn *c, const struct mqtt_publish *m, struct space *space,
                             struct slice topic)
{
    struct broker *b = c->broker;
    const struct match *found = route_match(b, space, topic, c->session);
    uint8_t reason = found->n || found->shares_n ? MQTT_SUCCESS : MQTT_NO_SUBSCRIBERS;
    const char *detail = NULL;
    if (m->retain || reason == MQTT_SUCCESS || route_goes_abroad(b, topic)) {
        struct message *msg = message_of(b, m, space, topic);
        if (!msg)
            return broker_refuse(b, MQTT_QUOTA, "the server is out of memory");
        struct publishing p = {
            .message = msg, .from = c->session, .packet_id = m->qos == 2 ? m->packet_id : 0};
        uint8_t full = m->retain ? retained_store(b, msg, &p.old) : 0;
        p.stored = m->retain && !full;
        int err = 0;
        if (full && c->version == MQTT_V5 && m->qos) {
            reason = full;
            detail = "no room for more retained messages";
        } else {
            err = route_send(b, &p);
            if (!err)
                route_abroad(b, &p);
        }
        uint8_t end = err ? unkept(c, m, err) : p.seq ? answer_when_kept(c, m, reason, &p) : 0;
        if (!p.seq)
            message_unref(p.old);
        message_unref(msg);
        if (err || p.seq)
            return end;
    }
    if (reason >= 0x80 && m->qos == 2)
        received_forget(c->session, m->packet_id);
    return acknowledge(c, m->qos, m->packet_id, reason, detail);
}

/* To the subscribers, and retained; what->seq: whoever waits for it is answered when this is kept.
 * An error: nothing was sent. */
static int pass_on(struct broker *b, struct publishing *what)
{
    struct message *m = what->message;
    what->stored = m->retain && !retained_store(b, m, &what->old);
    route_match(b, space_of_message(b, m), m->topic, what->from);
    int err = route_send(b, what);
    if (!err)
        route_abroad(b, what);
    if (!err && what->seq)
        return wait_for_disk(b, what->seq, NULL, what);
    message_unref(what->old);
    return err;
}

/* The listener's grant, for who may have twins made. */
static struct provision_grant *may_make(const struct conn *c)
{
    const struct access_object o = {.org = c->who ? c->who->org : NULL};
    bool may = c->who && access_may(c->broker->access, c->who, OP_PROVISION, &o);
    return may ? c->grant : NULL;
}

/* An ordinary message for its subscribers, whose acknowledgement waits for what it says. */
static uint8_t publish_sparkplug(struct conn *c, const struct mqtt_publish *m, struct slice topic)
{
    struct broker *b = c->broker;
    struct publishing what = {.from = c->session};
    struct space *space = c->session->space;
    const struct match *found = route_match(b, space, topic, c->session);
    int err = 0;
    if (m->retain || found->n || found->shares_n) {
        what.message = message_of(b, m, space, topic);
        err = what.message ? pass_on(b, &what) : ERR_NOMEM;
        message_unref(what.message);
    }
    if (err)
        return unkept(c, m, err);
    struct pending *p = pending_new(b, c->session, m->qos, m->packet_id);
    if (!p)
        return broker_refuse(b, MQTT_QUOTA, "the server is out of memory");
    p->after = what.seq;
    p->waiting = c->feeds = true;
    if (m->qos)
        pending_wait_in(c, p);
    sparkplug_ingest(b, p, c->who, c->peer, topic, m->payload, may_make(c));
    return 0;
}

/* A QoS 2 publish that came before.  It may still wait for the core, from a connection that is
 * gone; then its answer belongs to this one. */
static uint8_t publish_again(struct conn *c, uint16_t id)
{
    for (struct pending *p = c->session->pending; p; p = p->session_next) {
        if (p->qos != 2 || p->packet_id != id || (!p->waiting && !p->conn))
            continue;
        if (!p->conn)
            pending_wait_in(c, p);
        return 0;
    }
    return acknowledge(c, 2, id, MQTT_SUCCESS, NULL);
}

static uint8_t refuse_publish(struct conn *c, const struct mqtt_publish *m, struct slice topic,
                              uint8_t reason, const char *why)
{
    int err = reason == MQTT_NOT_AUTHORIZED ? ERR_FORBIDDEN : ERR_NOT_FOUND;
    tell_refusal(c, c->broker->miss, topic, err, why, m->payload);
    return acknowledge(c, m->qos, m->packet_id, reason, why);
}

/* Where a message that is no reading belongs, when its sender may say it; else b->why. */
static uint8_t judge_topic(struct conn *c, struct space **space, struct slice *topic)
{
    struct broker *b = c->broker;
    struct about about;
    if (!b->access)
        return 0;
    b->miss = OP_MESSAGES_WRITE;
    /* no organisation of that name: as one of which they may nothing */
    bool there = space_of_topic(b, space, topic, &b->place);
    about_topic(b, *space, *topic, &about);
    if (there && may_say(b, c->session->who, &about))
        return 0;
    b->miss = op_to_say(&about);
    snprintf(b->why_text, sizeof b->why_text, "to publish to this topic takes %s",
             op_info(b->miss)->name);
    return broker_refuse(b, MQTT_NOT_AUTHORIZED, b->why_text);
}

/* More readings than the organisation's quota?  Who can be told is; others are taken, and not read
 * from until it is their turn again. */
static bool is_too_fast(struct conn *c, const struct mqtt_publish *m)
{
    if (!org_wait_us(c->session->space->org))
        return false;
    bool told = m->qos && c->version == MQTT_V5;
    c->paced |= !told;
    return told;
}

uint8_t handle_publish(struct conn *c, const struct mqtt_packet *packet)
{
    const struct mqtt_publish *m = &packet->as.publish;
    struct broker *b = c->broker;
    struct session *s = c->session;
    struct slice topic = m->topic, twin, sensor;
    uint8_t reason;
    b->stats.messages_in++;
    b->stats.payload_in += m->payload.n;
    if (mqtt_has(&m->props, MQTT_SUBSCRIPTION_ID)) /* [MQTT-3.3.4-6] */
        return broker_refuse(b, MQTT_PROTOCOL_ERROR, "a subscription identifier from a client");
    if (mqtt_has(&m->props, MQTT_TOPIC_ALIAS) && (reason = resolve_alias(c, m, &topic)))
        return reason;
    if (m->qos == 2 && idset_has(&s->received, m->packet_id)) /* [MQTT-4.3.3-10] */
        return publish_again(c, m->packet_id);
    if (m->qos && c->version == MQTT_V5 && c->unacked + s->received.count >= RECEIVE_MAXIMUM)
        return broker_refuse(b, MQTT_RECEIVE_MAXIMUM, "more in flight than the Receive Maximum");
    reason = check(b, m, topic);
    if (reason)
        return acknowledge(c, m->qos, m->packet_id, reason, b->why);
    enum twin_topic kind = b->core ? twin_topic_parse(topic, &twin, &sensor) : TWIN_TOPIC_NONE;
    struct space *space = s->space;
    struct slice place = topic;
    if (kind == TWIN_TOPIC_NONE && (reason = judge_topic(c, &space, &place)))
        return refuse_publish(c, m, topic, reason, b->why);
    if (kind != TWIN_TOPIC_NONE && is_too_fast(c, m))
        return acknowledge(c, m->qos, m->packet_id, MQTT_QUOTA,
                           "the organisation sends more readings in a second than it may");
    if (m->qos == 2 && idset_add(&s->received, m->packet_id))
        return broker_refuse(b, MQTT_QUOTA, "the server is out of memory");
    if (kind != TWIN_TOPIC_NONE) /* the core judges */
        return publish_twin(c, m, topic, kind);
    return sparkplug_takes(b, topic) ? publish_sparkplug(c, m, topic)
                                     : publish_plain(c, m, space, place);
}

/* Who speaks, in the words of a rejection: "will CLIENT". */
static void name_will(const struct session *s, char peer[static 160])
{
    size_t n = s->id.n < 154 ? s->id.n : 154;
    memcpy(peer, "will ", 5);
    memcpy(peer + 5, s->id.p, n);
    peer[5 + n] = 0;
}

static void tell_core(struct broker *b, struct session *s, struct message *m, bool of_twin)
{
    struct pending *p = pending_new(b, s, 0, 0);
    char peer[160] = "-";
    if (!p)
        return;
    if (s)
        name_will(s, peer);
    p->waiting = true;
    if (!of_twin) {
        sparkplug_ingest(b, p, s ? s->who : NULL, peer, m->topic, m->payload, NULL);
        return;
    }
    p->forward = message_ref(m);
    m->retain = false;
    twins_ingest(b, p, s ? s->who : NULL, peer, m->topic, message_type(m), m->payload);
}

void broker_publish(struct broker *b, struct session *s, struct message *m, bool is_will)
{
    struct slice twin, sensor;
    bool of_twin = b->core && twin_topic_parse(m->topic, &twin, &sensor) != TWIN_TOPIC_NONE;
    struct publishing what = {.message = m, .from = s, .is_will = is_will};
    if (!of_twin)
        pass_on(b, &what);
    if (of_twin || sparkplug_takes(b, m->topic))
        tell_core(b, s, m, of_twin);
    if (is_will && s && keeps(s) && !what.seq)
        keep_number(s, RECORD_WILL_OVER, 0);
}

/* ---- the other three ---- */

/* PUBCOMP or PUBREL that waits. */
struct late_ack {
    struct commit commit;
    struct conn *conn;
    enum mqtt_type type;
    uint16_t packet_id;
    uint8_t reason;
};

static void late_ack_done(struct commit *commit, int err)
{
    struct late_ack *a = (struct late_ack *)commit;
    struct conn *c = a->conn;
    if (err)
        mqtt_conn_close(c, MQTT_QUOTA, err_info(err)->text);
    else if (!c->closed)
        mqtt_conn_send_ack(c, a->type, a->packet_id, a->reason, NULL);
    mqtt_conn_let_go(c);
    free(a);
}

/* Send an acknowledgement when the record seq is kept.  As handlers answer. */
static uint8_t answer_after(struct conn *c, uint64_t seq, enum mqtt_type type, uint16_t id,
                            uint8_t reason)
{
    if (seq <= c->broker->kept_seq) {
        mqtt_conn_send_ack(c, type, id, reason, NULL);
        return 0;
    }
    struct late_ack *a = malloc(sizeof *a);
    if (!a)
        return broker_refuse(c->broker, MQTT_QUOTA, "the server is out of memory");
    *a = (struct late_ack){
        .commit.done = late_ack_done, .conn = c, .type = type, .packet_id = id, .reason = reason};
    mqtt_conn_hold(c);
    persist_wait(c->broker, seq, &a->commit);
    return 0;
}

uint8_t handle_pubrel(struct conn *c, const struct mqtt_packet *p)
{
    struct session *s = c->session;
    uint16_t id = p->as.ack.packet_id;
    uint8_t reason = idset_has(&s->received, id) ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND;
    bool kept = idset_has(&s->received_kept, id);
    if (kept && keep_number(s, RECORD_FORGOTTEN, id))
        return broker_refuse(c->broker, MQTT_QUOTA, err_info(ERR_STORAGE)->text);
    received_forget(s, id);
    /* it may be used for another message as soon as the client hears of it */
    return answer_after(c, kept ? c->broker->put_seq : 0, MQTT_PUBCOMP, id, reason);
}

/* PUBACK, PUBREC, PUBCOMP: the client has something of ours. */
uint8_t handle_puback(struct conn *c, const struct mqtt_packet *p)
{
    struct session *s = c->session;
    const struct mqtt_ack *a = &p->as.ack;
    uint64_t seq = 0;
    enum ack_result result = session_acked(s, p->type, a->packet_id, a->reason, &seq);
    if (result == ACK_LOST)
        return broker_refuse(c->broker, MQTT_QUOTA, err_info(ERR_STORAGE)->text);
    if (result == ACK_WRONG)
        return broker_refuse(c->broker, MQTT_PROTOCOL_ERROR,
                             "an acknowledgement that does not belong to the message's QoS");
    uint8_t reason = 0;
    if (p->type == MQTT_PUBREC && a->reason < 0x80) /* [MQTT-4.3.3-4] */
        reason = answer_after(c, seq, MQTT_PUBREL, a->packet_id,
                              result == ACK_OK ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND);
    if (c->replays)
        replay_pump(c);
    return reason;
}
