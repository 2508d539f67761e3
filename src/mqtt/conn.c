/* One connection: bytes in to packets, packets out to bytes, and its end.
 *
 * Packets are handled where they lie in the net's buffer; only what is not whole yet, or came while
 * the connection must wait, is kept in c->in.  It waits (is not read from) while the core has no
 * room, while too many of its publishes have no acknowledgement yet, and while it does not take
 * what we send it. */
#include "mqtt/persist.h"

#include <stdio.h>
#include <stdlib.h>

enum { DRAINED = 64 << 10 }; /* unsent bytes below which a carrier calls nobody back */

static const struct net_events events;
static void flush_to_carrier(void *arg);

/* ---- beginning and end ---- */

struct conn *mqtt_conn_new(struct broker *b, struct net_conn *net)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->broker = b;
    c->net = net;
    c->flush = (struct loop_hook){.fn = flush_to_carrier, .arg = c};
    c->max_packet = UINT32_MAX;
    c->request_problem = true;
    c->since_us = c->last_in_us = clock_mono_us();
    c->next = b->conns;
    if (c->next)
        c->next->prev = c;
    b->conns = c;
    b->conns_n++;
    if (b->conns_n > b->stats.connections_max)
        b->stats.connections_max = b->conns_n;
    if (net) {
        c->grant = net_is_tls(net) ? b->opts.grant_tls : b->opts.grant;
        c->anonymous = net_is_tls(net) ? b->opts.anonymous_tls : b->opts.anonymous;
        net_set_events(net, &events, c);
    }
    return c;
}

static void free_aliases(struct conn *c)
{
    struct alias_out *a;
    size_t at = 0;
    while ((a = map_next(&c->aliases_out, &at)))
        free(a);
    map_release(&c->aliases_out);
    for (size_t i = 0; i < ALIASES_IN; i++)
        free(c->aliases_in[i]);
}

static void mqtt_conn_free(struct conn *c)
{
    free_aliases(c);
    buf_release(&c->in);
    buf_release(&c->memory);
    principal_unref(c->who);
    free(c->peer);
    free(c);
}

void mqtt_conn_hold(struct conn *c)
{
    c->busy++;
}

void mqtt_conn_let_go(struct conn *c)
{
    if (--c->busy == 0 && c->closed)
        mqtt_conn_free(c);
}

static void pause_input(struct conn *c)
{
    if (c->net)
        net_pause(c->net);
    else if (c->carrier)
        c->carrier->pause(c->carrier_arg);
}

static void resume_input(struct conn *c)
{
    if (c->net)
        net_resume(c->net);
    else if (c->carrier)
        c->carrier->resume(c->carrier_arg);
}

static void stop_waiting(struct conn *c)
{
    struct broker *b = c->broker;
    if (!c->waiting)
        return;
    c->waiting = false;
    if (c->wait_prev)
        c->wait_prev->wait_next = c->wait_next;
    else
        b->waiting = c->wait_next;
    if (c->wait_next)
        c->wait_next->wait_prev = c->wait_prev;
    c->wait_next = c->wait_prev = NULL;
}

static void say_why(struct conn *c, uint8_t reason, const char *text)
{
    struct mqtt_packet p = {.type = MQTT_DISCONNECT, .as.notice = {.reason = reason}};
    if (!mqtt_reason_fits(MQTT_DISCONNECT, reason))
        p.as.notice.reason = MQTT_PROTOCOL_ERROR;
    if (text) {
        p.as.notice.props.has = MQTT_BIT(MQTT_REASON_STRING);
        p.as.notice.props.reason_string = slice_str(text);
    }
    mqtt_conn_send(c, &p);
}

static void leave_carrier(struct conn *c, const char *text)
{
    const struct broker_carrier *carrier = c->carrier;
    loop_disarm(c->broker->loop, &c->flush);
    if (!carrier)
        return;
    c->carrier = NULL;
    if (c->memory.n)
        carrier->send(c->carrier_arg, buf_slice(&c->memory));
    buf_release(&c->memory);
    carrier->close(c->carrier_arg, text);
}

/* Whoever asks why a device is not heard finds it in the log, once a minute at most: a client that
 * is refused comes again at once, for ever. */
static void tell_operator(struct conn *c, uint8_t reason, const char *text)
{
    struct broker *b = c->broker;
    const char *who = c->peer ? c->peer : mqtt_conn_address(c);
    int64_t now = clock_mono_us();
    bool usual = reason == MQTT_SHUTTING_DOWN || reason == MQTT_KEEP_ALIVE_TIMEOUT ||
                 reason == MQTT_TAKEN_OVER;
    text = text ? text : "-";
    b->stats.turned_away += !usual;
    if (usual || (b->told_us && now - b->told_us < INT64_C(60000000))) {
        log_debug("mqtt", "%s: ended with 0x%02x, %s", who, reason, text);
        return;
    }
    uint64_t others = b->stats.turned_away - b->told_before - 1;
    log_info("mqtt", "%s: ended with 0x%02x, %s; %llu others since the last such line", who, reason,
             text, (unsigned long long)others);
    b->told_us = now;
    b->told_before = b->stats.turned_away;
}

void mqtt_conn_close(struct conn *c, uint8_t reason, const char *text)
{
    struct broker *b = c->broker;
    struct session *s = c->session;
    if (c->closed)
        return;
    if (reason)
        tell_operator(c, reason, text);
    if (s && !c->hold && c->version == MQTT_V5 && reason) /* [MQTT-3.14.0-1]: not before CONNACK */
        say_why(c, reason, text);
    c->closed = true;
    stop_waiting(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        b->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    b->conns_n--;
    b->begun_bytes -= c->in_count;
    c->in_count = 0;
    mqtt_conn_forget_acks(c);
    replays_free(c);
    behind_free(c->behind);
    c->behind = NULL;
    if (c->net)
        net_close(c->net);
    c->net = NULL;
    leave_carrier(c, text);
    c->session = NULL;
    if (s) {
        session_left(s);
        session_offline(s, !c->normal);
    }
    if (!c->busy)
        mqtt_conn_free(c);
}

/* ---- out ---- */

size_t mqtt_conn_queued(const struct conn *c)
{
    if (c->net)
        return net_queued(c->net);
    return c->memory.n + (c->carrier ? c->carrier->queued(c->carrier_arg) : 0);
}

const char *mqtt_conn_address(const struct conn *c)
{
    return c->net ? net_peer(c->net) : c->carrier ? c->carrier->peer(c->carrier_arg) : "-";
}

const struct net_cert *mqtt_conn_cert(const struct conn *c)
{
    if (c->net)
        return net_peer_cert(c->net);
    return c->carrier && c->carrier->cert ? c->carrier->cert(c->carrier_arg) : NULL;
}

struct buf *mqtt_conn_out(struct conn *c)
{
    return c->net ? net_out(c->net) : &c->memory;
}

void mqtt_conn_sent(struct conn *c, size_t before)
{
    c->broker->stats.bytes_out += mqtt_conn_out(c)->n - before;
    c->broker->stats.packets_out++;
    if (c->net)
        net_flush_later(c->net);
    else if (c->carrier)
        loop_at_end(c->broker->loop, &c->flush);
}

/* The carrier calls back when much of its output has drained.  Where it has little of it, because
 * it has compressed it or sent the rest before, that call may never come: it is drained already. */
static void flush_to_carrier(void *arg)
{
    struct conn *c = arg;
    c->carrier->send(c->carrier_arg, buf_slice(&c->memory));
    buf_clear(&c->memory);
    if (c->memory.cap > DRAINED)
        buf_release(&c->memory);
    if (c->carrier->queued(c->carrier_arg) <= DRAINED)
        mqtt_conn_drained(c);
}

static void drop_reason_string(struct mqtt_packet *p)
{
    uint64_t not = ~MQTT_BIT(MQTT_REASON_STRING);
    if (p->type == MQTT_CONNACK)
        p->as.connack.props.has &= not ;
    else if (p->type == MQTT_DISCONNECT)
        p->as.notice.props.has &= not ;
    else if (p->type >= MQTT_PUBACK && p->type <= MQTT_PUBCOMP)
        p->as.ack.props.has &= not ;
}

/* A packet over the client's limit goes without its reason string, or not at all [MQTT-3.1.2-24],
 * [MQTT-3.4.2-2]. */
bool mqtt_conn_send(struct conn *c, const struct mqtt_packet *p)
{
    struct buf *out = mqtt_conn_out(c);
    size_t before = out->n;
    if (mqtt_write(out, c->version, p))
        return false;
    if (out->n - before > c->max_packet) {
        struct mqtt_packet shorter = *p;
        out->n = before;
        drop_reason_string(&shorter);
        if (mqtt_write(out, c->version, &shorter))
            return false;
        if (out->n - before > c->max_packet) {
            out->n = before;
            return false;
        }
    }
    mqtt_conn_sent(c, before);
    return true;
}

void mqtt_conn_send_ack(struct conn *c, enum mqtt_type type, uint16_t id, uint8_t reason,
                        const char *detail)
{
    if (detail && c->version == MQTT_V5 && c->request_problem) {
        struct mqtt_packet p = {.type = type, .as.ack = {.packet_id = id, .reason = reason}};
        p.as.ack.props.has = MQTT_BIT(MQTT_REASON_STRING);
        p.as.ack.props.reason_string = slice_str(detail);
        mqtt_conn_send(c, &p);
        return;
    }
    struct buf *out = mqtt_conn_out(c);
    size_t before = out->n;
    mqtt_write_ack(out, c->version, type, id, reason);
    mqtt_conn_sent(c, before);
}

/* The alias of a topic; a new one is agreed on with the topic beside it while the client has room
 * for more [MQTT-3.1.2-26], [-27].  *ret_new: to be taken back when the packet is not sent. */
static void use_alias(struct conn *c, struct mqtt_publish *p, struct alias_out **ret_new)
{
    struct alias_out *a = map_get(&c->aliases_out, p->topic);
    if (a) {
        p->topic = SLICE_LIT("");
    } else {
        if (c->aliases_out.count >= c->alias_max)
            return;
        a = malloc(sizeof *a + p->topic.n);
        if (!a)
            return;
        memcpy(a + 1, p->topic.p, p->topic.n);
        a->topic = slice_of((char *)(a + 1), p->topic.n);
        a->alias = (uint16_t)(c->aliases_out.count + 1);
        if (map_put(&c->aliases_out, a->topic, a, NULL)) {
            free(a);
            return;
        }
        *ret_new = a;
    }
    p->props.has |= MQTT_BIT(MQTT_TOPIC_ALIAS);
    p->props.topic_alias = a->alias;
}

static void set_props(struct conn *c, const struct outgoing *o, struct mqtt_props *props)
{
    const struct message *m = o->message;
    if (m->expires_us) { /* what is left of it [MQTT-3.3.2-6] */
        int64_t left = (m->expires_us - clock_mono_us() + 999999) / 1000000;
        props->has |= MQTT_BIT(MQTT_MESSAGE_EXPIRY);
        props->message_expiry = left > 0 ? (uint32_t)left : 0;
    }
    props->more = m->props;
    if (o->ids.n) {
        struct buf *both = &c->broker->scratch;
        buf_clear(both);
        buf_add_slice(both, m->props);
        buf_add_slice(both, o->ids);
        props->more = buf_slice(both);
    }
}

bool mqtt_conn_send_publish(struct conn *c, const struct outgoing *o)
{
    struct buf *out = mqtt_conn_out(c);
    size_t before = out->n;
    struct alias_out *made = NULL;
    struct mqtt_publish p = {.dup = o->dup,
                             .retain = o->retain,
                             .qos = o->qos,
                             .packet_id = o->packet_id,
                             .topic = o->message->topic,
                             .payload = o->message->payload};
    if (c->version == MQTT_V5) {
        set_props(c, o, &p.props);
        if (c->alias_max)
            use_alias(c, &p, &made);
    }
    int err = mqtt_write_publish(out, c->version, &p);
    if (err || out->n - before > c->max_packet) {
        out->n = before;
        if (made) {
            map_remove(&c->aliases_out, made->topic);
            free(made);
        }
        return false;
    }
    c->broker->stats.messages_out++;
    c->broker->stats.payload_out += o->message->payload.n;
    mqtt_conn_sent(c, before);
    return true;
}

/* ---- in ---- */

static uint8_t handle_pingreq(struct conn *c, const struct mqtt_packet *p)
{
    (void)p;
    mqtt_conn_send(c, &(struct mqtt_packet){.type = MQTT_PINGRESP}); /* [MQTT-3.12.4-1] */
    return 0;
}

static uint8_t handle_disconnect(struct conn *c, const struct mqtt_packet *p)
{
    const struct mqtt_notice *m = &p->as.notice;
    if (mqtt_has(&m->props, MQTT_SESSION_EXPIRY)) {
        if (c->session->expiry_s == 0 && m->props.session_expiry != 0) /* 3.14.2.2.2 */
            return broker_refuse(c->broker, MQTT_PROTOCOL_ERROR,
                                 "a session that was to end cannot be kept by DISCONNECT");
        c->session->expiry_s = m->props.session_expiry;
    }
    c->normal = m->reason == MQTT_SUCCESS; /* [MQTT-3.14.4-3]; 3.1.1 [MQTT-3.14.4-3] */
    mqtt_conn_close(c, MQTT_SUCCESS, NULL);
    return 0;
}

static uint8_t handle_auth(struct conn *c, const struct mqtt_packet *p)
{
    (void)p;
    return broker_refuse(c->broker, MQTT_PROTOCOL_ERROR,
                         "AUTH without an authentication method in CONNECT"); /* [MQTT-4.12.0-6] */
}

static handler *const handlers[16] = {
    [MQTT_CONNECT] = handle_connect,     [MQTT_PUBLISH] = handle_publish,
    [MQTT_PUBACK] = handle_puback,       [MQTT_PUBREC] = handle_puback,
    [MQTT_PUBREL] = handle_pubrel,       [MQTT_PUBCOMP] = handle_puback,
    [MQTT_SUBSCRIBE] = handle_subscribe, [MQTT_UNSUBSCRIBE] = handle_unsubscribe,
    [MQTT_PINGREQ] = handle_pingreq,     [MQTT_DISCONNECT] = handle_disconnect,
    [MQTT_AUTH] = handle_auth,
};

/* A first packet that cannot be read. */
static void stranger(struct conn *c, const struct mqtt_packet *p, int err,
                     const struct mqtt_fault *fault)
{
    if (p->type == MQTT_CONNECT && err == ERR_UNSUPPORTED) {
        c->version = fault->reason == MQTT_BAD_VERSION ? MQTT_V5 : MQTT_V311;
        connect_refuse(c, MQTT_BAD_VERSION, fault->text);
    } else if (p->type == MQTT_CONNECT && p->as.connect.version == MQTT_V5) {
        c->version = MQTT_V5; /* 3.1.4: it may be told; 3.1.1 closes without a word */
        connect_refuse(c, fault->reason, fault->text);
    }
    mqtt_conn_close(c, fault->reason, fault->text);
}

static void handle_packet(struct conn *c, struct slice bytes)
{
    struct mqtt_packet p;
    struct mqtt_fault fault = {MQTT_PROTOCOL_ERROR, "a packet before CONNECT"};
    p.type = (enum mqtt_type)((uint8_t)bytes.p[0] >> 4);
    p.as.connect.version = 0;
    if (!c->session && p.type != MQTT_CONNECT) { /* [MQTT-3.1.0-1] */
        mqtt_conn_close(c, fault.reason, fault.text);
        return;
    }
    int err = mqtt_read(bytes, c->version, &p, &fault);
    if (err) {
        if (c->session)
            mqtt_conn_close(c, err == ERR_UNSUPPORTED ? MQTT_PROTOCOL_ERROR : fault.reason,
                            fault.text);
        else
            stranger(c, &p, err, &fault);
        return;
    }
    uint8_t reason = handlers[p.type] ? handlers[p.type](c, &p)
                                      : broker_refuse(c->broker, MQTT_PROTOCOL_ERROR,
                                                      "a packet that only servers send");
    if (reason)
        mqtt_conn_close(c, reason, c->broker->why);
}

/* Is it not to be read from for now? */
static bool is_deaf(const struct conn *c)
{
    return c->full || c->waiting || c->hold;
}

bool mqtt_conn_paced(struct conn *c)
{
    if (c->paced && !org_wait_us(c->session ? c->session->space->org : NULL))
        c->paced = false;
    return c->paced;
}

/* Must this connection rest before more of it is handled? */
static bool must_wait(struct conn *c)
{
    struct broker *b = c->broker;
    if (mqtt_conn_queued(c) > OUT_HIGH && c->session)
        c->full = true;
    if ((c->feeds && !core_has_room(b->core)) || c->acks_n > ACKS_HIGH || !persist_has_room(b) ||
        mqtt_conn_paced(c))
        broker_wait_for_room(b, c);
    return is_deaf(c);
}

/* Handle the whole packets at the front; how many bytes were used. */
static size_t consume(struct conn *c, struct slice bytes)
{
    struct broker *b = c->broker;
    size_t at = 0, size;
    while (at < bytes.n && !c->closed && !is_deaf(c)) {
        struct slice rest = slice_skip(bytes, at);
        size_t limit = c->session ? b->opts.max_packet : MAX_CONNECT_PACKET;
        int err = mqtt_frame(rest, limit, &size);
        if (err == ERR_AGAIN || (!err && size > rest.n))
            break;
        if (err) {
            mqtt_conn_close(c, err == ERR_TOO_LARGE ? MQTT_PACKET_TOO_LARGE : MQTT_MALFORMED,
                            err == ERR_TOO_LARGE ? "the packet is larger than the server takes"
                                                 : "no packet of MQTT begins like this");
            break;
        }
        b->stats.packets_in++;
        handle_packet(c, slice_of(rest.p, size));
        at += size;
        if (!c->closed)
            must_wait(c);
    }
    if (at)
        c->last_in_us = clock_mono_us(); /* whole packets keep alive, not bytes [MQTT-3.1.2-22] */
    return at;
}

static void consume_kept(struct conn *c)
{
    struct buf kept = c->in; /* c->in stays untouched by handlers; it is put back below */
    c->in = (struct buf){0};
    size_t used = consume(c, buf_slice(&kept));
    if (!c->closed)
        buf_drop(&kept, used);
    if (c->closed || kept.n == 0) {
        if (c->closed || kept.cap > 65536)
            buf_release(&kept);
        kept.n = 0;
    }
    c->in = kept;
}

/* A packet may be large, but not many at a time: 20,000 peers could begin one each. */
static void count_begun(struct conn *c)
{
    struct broker *b = c->broker;
    if (c->closed)
        return;
    b->begun_bytes += c->in.n - c->in_count;
    c->in_count = c->in.n;
    if (c->in.failed)
        mqtt_conn_close(c, MQTT_QUOTA, "the server is out of memory");
    else if (b->begun_bytes > MAX_BEGUN_BYTES && c->in.n > OUT_HIGH)
        mqtt_conn_close(c, MQTT_QUOTA, "too many large packets are under way");
}

void mqtt_conn_feed(struct conn *c, struct slice bytes)
{
    if (c->closed)
        return;
    mqtt_conn_hold(c);
    c->broker->stats.bytes_in += bytes.n;
    if (c->in.n || is_deaf(c)) {
        buf_add_slice(&c->in, bytes);
        if (!is_deaf(c))
            consume_kept(c);
    } else {
        size_t used = consume(c, bytes);
        if (!c->closed)
            buf_add_slice(&c->in, slice_skip(bytes, used));
    }
    count_begun(c);
    if (!c->closed && is_deaf(c))
        pause_input(c);
    mqtt_conn_let_go(c);
}

void mqtt_conn_read_on(struct conn *c)
{
    if (is_deaf(c))
        return;
    mqtt_conn_hold(c);
    c->last_in_us = clock_mono_us(); /* it could not be heard meanwhile */
    if (c->in.n)
        consume_kept(c);
    count_begun(c);
    if (!c->closed && !is_deaf(c))
        resume_input(c);
    mqtt_conn_let_go(c);
}

void mqtt_conn_continue(struct conn *c)
{
    stop_waiting(c);
    mqtt_conn_read_on(c);
}

void mqtt_conn_drained(struct conn *c)
{
    if (c->session && !c->hold) {
        session_pump(c->session);
        twins_catch_up(c);
        replay_pump(c);
    }
    if (c->full) {
        c->full = false;
        mqtt_conn_read_on(c);
    }
}

static void on_data(void *arg, struct slice bytes)
{
    mqtt_conn_feed(arg, bytes);
}

static void on_drain(void *arg)
{
    mqtt_conn_drained(arg);
}

static void on_close(void *arg, int err)
{
    (void)err;
    mqtt_conn_close(arg, MQTT_SUCCESS, NULL); /* nobody is there to be told; the will is due */
}

static void on_untrusted(void *arg)
{
    mqtt_conn_close(arg, MQTT_NOT_AUTHORIZED, "the client's certificate is not trusted any more");
}

static const struct net_events events = {
    .on_data = on_data, .on_drain = on_drain, .on_close = on_close, .on_untrusted = on_untrusted};

/* ---- by a carrier ---- */

void broker_carried(struct conn *c, struct slice bytes)
{
    mqtt_conn_feed(c, bytes);
}

void broker_carrier_drained(struct conn *c)
{
    mqtt_conn_drained(c);
}

void broker_carrier_gone(struct conn *c)
{
    c->carrier = NULL;
    on_close(c, 0);
}
