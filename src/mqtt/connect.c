/* CONNECT: who is it, which session is theirs, what was agreed. */
#include "mqtt/persist.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

/* 0: none of them tells it; then the connection just ends (3.1.1 [MQTT-3.2.2-6]). */
static uint8_t code_of_311(uint8_t reason)
{
    switch (reason) {
    case MQTT_BAD_VERSION:
        return MQTT311_BAD_VERSION;
    case MQTT_BAD_CLIENT_ID:
        return MQTT311_BAD_CLIENT_ID;
    case MQTT_BAD_CREDENTIALS:
        return MQTT311_BAD_CREDENTIALS;
    case MQTT_NOT_AUTHORIZED:
        return MQTT311_NOT_AUTHORIZED;
    case MQTT_SERVER_BUSY:
    case MQTT_QUOTA:
    case MQTT_CONNECTION_RATE:
        return MQTT311_UNAVAILABLE;
    default:
        return 0;
    }
}

void connect_refuse(struct conn *c, uint8_t reason, const char *text)
{
    struct mqtt_packet p = {.type = MQTT_CONNACK, .as.connack = {.reason = reason}};
    if (c->version != MQTT_V5) {
        p.as.connack.reason = code_of_311(reason);
        if (!p.as.connack.reason)
            return;
    } else {
        if (!mqtt_reason_fits(MQTT_CONNACK, reason))
            p.as.connack.reason = MQTT_PROTOCOL_ERROR;
        p.as.connack.props.has = MQTT_BIT(MQTT_REASON_STRING);
        p.as.connack.props.reason_string = slice_str(text);
    }
    mqtt_conn_send(c, &p);
}

/* 0, or with which reason and text the connection is refused. */
static uint8_t check(struct conn *c, const struct mqtt_connect *m)
{
    struct broker *b = c->broker;
    const struct mqtt_props *w = &m->will_props;
    if (b->conns_n > (size_t)b->opts.max_connections)
        return broker_refuse(b, MQTT_SERVER_BUSY, "too many connections");
    if (mqtt_has(&m->props, MQTT_AUTH_METHOD)) /* [MQTT-4.12.0-1] */
        return broker_refuse(b, MQTT_BAD_AUTH_METHOD, "no authentication method is known here");
    if (m->client_id.n == 0 && m->version == MQTT_V311 && !m->clean_start)
        return broker_refuse(b, MQTT_BAD_CLIENT_ID, /* 3.1.1 [MQTT-3.1.3-8] */
                             "a session to be kept needs a client identifier");
    if (!m->has_will)
        return 0;
    if (m->will_topic.p[0] == '$' || mqtt_topic_levels(m->will_topic) > MAX_LEVELS ||
        sparkplug_is_own(b, m->will_topic))
        return broker_refuse(b, MQTT_BAD_TOPIC, "a will cannot have this topic");
    if (mqtt_has(w, MQTT_PAYLOAD_FORMAT) && w->payload_format == 1 && !utf8_valid(m->will_payload))
        return broker_refuse(b, MQTT_BAD_PAYLOAD, "the will is not the UTF-8 that it says it is");
    return 0;
}

/* May they say what their will says?  Asked again when it is due. */
static uint8_t check_will(struct conn *c, const struct mqtt_connect *m)
{
    struct broker *b = c->broker;
    struct space *space = space_of_org(b, c->who ? c->who->org : NULL);
    struct slice topic = m->will_topic;
    struct about about;
    if (!b->access || !m->has_will)
        return 0;
    if (!space)
        return broker_refuse(b, MQTT_BAD_TOPIC, "there is no such organisation");
    /* none of the name in the topic: as one of which they may nothing */
    bool there = space_of_topic(b, &space, &topic, &b->place);
    about_topic(b, space, topic, &about);
    return there && may_say(b, c->who, &about)
               ? 0
               : broker_refuse(b, MQTT_NOT_AUTHORIZED, "it may not publish to the will's topic");
}

static struct will *will_new(struct broker *b, const struct mqtt_connect *m)
{
    const struct mqtt_props *p = &m->will_props;
    struct will *w = calloc(1, sizeof *w);
    buf_clear(&b->scratch);
    if (p->raw.n)
        mqtt_props_copy(&b->scratch, p->raw, PASS_THROUGH);
    if (w && !b->scratch.failed)
        w->message = message_new(m->will_topic, buf_slice(&b->scratch), m->will_payload);
    if (!w || !w->message) {
        free(w);
        return NULL;
    }
    w->message->qos = m->will_qos;
    w->message->retain = m->will_retain;
    if (mqtt_has(p, MQTT_MESSAGE_EXPIRY)) /* from its publication on; see will_publish() */
        w->message->expires_us = (int64_t)p->message_expiry * 1000000;
    w->delay_s = mqtt_has(p, MQTT_WILL_DELAY) ? p->will_delay : 0;
    return w;
}

/* The session that this client gets; an older connection of it ends [MQTT-3.1.4-3]. */
static struct session *take_session(struct broker *b, struct space *space, struct slice id,
                                    bool clean, bool *ret_present)
{
    struct session *s = session_find(b, space, id);
    if (s && s->conn) {
        mqtt_conn_close(s->conn, MQTT_TAKEN_OVER,
                        "another connection has the same client identifier");
        s = session_find(b, space, id); /* it may have ended with that */
    }
    bool over = s && s->ends_us && clock_mono_us() >= s->ends_us; /* the tick comes late */
    if (s && (clean || over)) {                                   /* [MQTT-3.1.2-4] */
        session_end(s);
        s = NULL;
    }
    *ret_present = s != NULL;
    if (!s && b->sessions.count < MAX_SESSIONS)
        s = session_new(b, space, id);
    return s;
}

static uint32_t wanted_expiry(const struct mqtt_connect *m)
{
    if (m->version != MQTT_V5)
        return m->clean_start ? 0 : UINT32_MAX;
    return mqtt_has(&m->props, MQTT_SESSION_EXPIRY) ? m->props.session_expiry : 0;
}

static void agree(struct conn *c, const struct mqtt_connect *m)
{
    const struct mqtt_props *p = &m->props;
    c->quota_max = WINDOW;
    c->keep_alive_us = (int64_t)m->keep_alive * 1500000;
    c->session->expiry_s = wanted_expiry(m);
    if (m->version == MQTT_V5) {
        if (mqtt_has(p, MQTT_RECEIVE_MAX) && p->receive_max < c->quota_max)
            c->quota_max = (uint16_t)p->receive_max;
        if (mqtt_has(p, MQTT_TOPIC_ALIAS_MAX))
            c->alias_max =
                (uint16_t)(p->topic_alias_max < ALIASES_OUT ? p->topic_alias_max : ALIASES_OUT);
        if (mqtt_has(p, MQTT_REQUEST_PROBLEM))
            c->request_problem = p->request_problem;
    }
    c->quota = c->quota_max;
}

/* What CONNACK says beside the rest. */
struct greeting {
    bool present;        /* the session was there */
    bool adopted;        /* and nobody's */
    bool assigned;       /* the client identifier is ours */
    uint16_t keep_alive; /* as asked for */
};

/* False: the client does not take a packet as large as this CONNACK. */
static bool accept_client(struct conn *c, const struct greeting *g)
{
    struct broker *b = c->broker;
    struct mqtt_packet p = {.type = MQTT_CONNACK, .as.connack = {.session_present = g->present}};
    struct mqtt_props *props = &p.as.connack.props;
    props->has = MQTT_BIT(MQTT_RECEIVE_MAX) | MQTT_BIT(MQTT_TOPIC_ALIAS_MAX) |
                 MQTT_BIT(MQTT_MAX_PACKET_SIZE);
    props->receive_max = RECEIVE_MAXIMUM;
    props->topic_alias_max = ALIASES_IN;
    props->max_packet_size = (uint32_t)b->opts.max_packet;
    if (g->assigned) { /* [MQTT-3.1.3-7] */
        props->has |= MQTT_BIT(MQTT_ASSIGNED_CLIENT_ID);
        props->assigned_client_id = c->session->id;
    }
    if (c->version == MQTT_V5 && g->keep_alive > b->opts.keep_alive_max_s) { /* [MQTT-3.1.2-21] */
        props->has |= MQTT_BIT(MQTT_SERVER_KEEP_ALIVE);
        props->server_keep_alive = b->opts.keep_alive_max_s;
        c->keep_alive_us = (int64_t)b->opts.keep_alive_max_s * 1500000;
    }
    return mqtt_conn_send(c, &p);
}

static char *peer_name(const struct conn *c, struct slice id)
{
    struct buf name = {0};
    buf_add_str(&name, mqtt_conn_address(c));
    buf_add_byte(&name, ' ');
    buf_add_slice(&name, slice_of(id.p, id.n < 256 ? id.n : 256));
    return buf_take(&name);
}

/* CONNACK that waits until what CONNECT changed is on the disk. */
struct late_connack {
    struct commit commit;
    struct conn *conn;
    struct greeting greeting;
};

static void connack_done(struct commit *commit, int err)
{
    struct late_connack *k = (struct late_connack *)commit;
    struct conn *c = k->conn;
    if (!c->closed && err) {
        connect_refuse(c, MQTT_QUOTA, err_info(err)->text);
        mqtt_conn_close(c, MQTT_QUOTA, err_info(err)->text);
    } else if (!c->closed) {
        c->hold = false;
        if (accept_client(c, &k->greeting)) {
            session_resume(c->session);
            mqtt_conn_read_on(c);
        } else { /* nothing can be said before CONNACK, and nothing has begun */
            c->normal = true;
            mqtt_conn_close(c, MQTT_SUCCESS, "CONNACK is larger than the client takes");
        }
    }
    mqtt_conn_let_go(c);
    free(k);
}

/* Does this CONNECT touch something that is kept on the disk? */
static bool touches_disk(struct broker *b, const struct session *s, const struct mqtt_connect *m)
{
    return (s && keeps(s)) || (b->persist && wanted_expiry(m));
}

/* Put what has become of the session. */
static int keep_connected(struct session *s, const struct greeting *g)
{
    if (!s->expiry_s) {
        keep_end(s); /* it was kept, and will not be any more */
        return 0;
    }
    if (keeps(s) && g->present && !g->adopted)
        return keep_online(s);
    keep_begin(s);
    return keep_session(s);
}

static uint8_t greet(struct conn *c, const struct greeting *g, uint64_t put_before)
{
    struct broker *b = c->broker;
    struct late_connack *k = calloc(1, sizeof *k);
    c->hold = true;
    int err = k ? keep_connected(c->session, g) : ERR_NOMEM;
    if (err) {
        connect_refuse(c, MQTT_QUOTA, err_info(err)->text);
        free(k);
        return broker_refuse(b, MQTT_QUOTA, err_info(err)->text);
    }
    *k = (struct late_connack){.commit.done = connack_done, .conn = c, .greeting = *g};
    mqtt_conn_hold(c);
    persist_wait(b, b->put_seq > put_before ? b->put_seq : 0, &k->commit);
    return 0;
}

/* May the client have the session that is there under its identifier? */
static uint8_t check_owner(struct conn *c, struct session *s, struct greeting *g)
{
    if (!s || session_suits(s, c->who, &g->adopted))
        return 0;
    return broker_refuse(c->broker, MQTT_BAD_CLIENT_ID,
                         "another's session has this client identifier");
}

uint8_t handle_connect(struct conn *c, const struct mqtt_packet *packet)
{
    struct broker *b = c->broker;
    const struct mqtt_connect *m = &packet->as.connect;
    char made[64];
    struct greeting g = {.assigned = !m->client_id.n, .keep_alive = m->keep_alive};
    uint64_t put_before = b->put_seq;
    if (c->session) /* [MQTT-3.1.0-2] */
        return broker_refuse(b, MQTT_PROTOCOL_ERROR, "a second CONNECT");
    c->version = (enum mqtt_version)m->version;
    if (c->version == MQTT_V5 && mqtt_has(&m->props, MQTT_MAX_PACKET_SIZE))
        c->max_packet = m->props.max_packet_size; /* for refusals too [MQTT-3.2.2-19] */
    uint8_t reason = check(c, m);
    if (!reason)
        reason = enter(c, m);
    if (!reason)
        reason = check_will(c, m);
    struct space *space = reason ? NULL : space_of_org(b, c->who ? c->who->org : NULL);
    struct slice id = m->client_id;
    if (!id.n) {
        int n = snprintf(made, sizeof made, "auto-%s-%llu", b->id_prefix,
                         (unsigned long long)++b->assigned);
        id = slice_of(made, (size_t)n);
    }
    struct will *will = reason || !m->has_will ? NULL : will_new(b, m);
    if (!reason && m->has_will && !will)
        reason = broker_refuse(b, MQTT_QUOTA, "the server is out of memory");
    struct session *s = space ? session_find(b, space, id) : NULL;
    if (!reason)
        reason = check_owner(c, s, &g);
    if (!reason && persist_failing(b) && touches_disk(b, s, m))
        reason = broker_refuse(b, MQTT_QUOTA, err_info(ERR_STORAGE)->text);
    s = reason || !space ? NULL : take_session(b, space, id, m->clean_start, &g.present);
    if (!reason && !s)
        reason = broker_refuse(b, MQTT_QUOTA, "too many sessions");
    if (reason) {
        will_free(will);
        connect_refuse(c, reason, b->why);
        return reason;
    }
    c->peer = peer_name(c, id);
    session_online(s, c);
    session_own(s, c->who);
    s->will = will;
    b->stats.connected_total++;
    agree(c, m);
    return greet(c, &g, put_before);
}
