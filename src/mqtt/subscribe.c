/* SUBSCRIBE and UNSUBSCRIBE. */
#include "mqtt/persist.h"

#include <stdlib.h>

static struct share *share_find(struct tree_node *n, struct slice group)
{
    struct share *s = n->shares;
    while (s && !slice_eq(s->group, group))
        s = s->next;
    return s;
}

static struct share *share_make(struct tree_node *n, struct slice group)
{
    struct share *s = share_find(n, group);
    if (s)
        return s;
    s = calloc(1, sizeof *s + group.n);
    if (!s)
        return NULL;
    memcpy(s + 1, group.p, group.n);
    s->group = slice_of((char *)(s + 1), group.n);
    s->node = n;
    s->next = n->shares;
    n->shares = s;
    return s;
}

static void share_free(struct share *s)
{
    struct share **at = &s->node->shares;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}

/* At the node the newest comes first; in a share, where turns are taken, it comes last. */
static void link_sub(struct sub *s)
{
    if (!s->share) {
        s->next = s->node->subs;
        if (s->next)
            s->next->prev = s;
        s->node->subs = s;
        return;
    }
    s->prev = s->share->last;
    if (s->prev)
        s->prev->next = s;
    else
        s->share->subs = s;
    s->share->last = s;
}

static void unlink_sub(struct sub *s)
{
    struct sub **first = s->share ? &s->share->subs : &s->node->subs;
    if (s->prev)
        s->prev->next = s->next;
    else
        *first = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else if (s->share)
        s->share->last = s->prev;
    if (s->share && !s->share->subs)
        share_free(s->share);
}

static void count_sub(struct broker *b, const struct sub *s, int by)
{
    b->subs_n += (size_t)by;
    if (s->share)
        b->shared_n += (size_t)by;
    if (sys_is_filter(s->topic_filter))
        b->sys_subs += (size_t)by;
    if (s->topic_filter.p[0] == '#' || s->topic_filter.p[0] == '+' ||
        slice_starts(s->topic_filter, "twins/"))
        s->session->space->twin_words += (size_t)by;
    twins_subscribers_changed(b, s->session->space, s->topic_filter, by);
}

static void set_options(struct sub *s, const struct mqtt_filter *f, uint32_t id)
{
    s->qos = f->qos;
    s->no_local = f->no_local;
    s->retain_as_published = f->retain_as_published;
    s->id = id;
}

static struct sub *sub_new(struct session *session, struct slice filter)
{
    struct slice group = {NULL, 0}, plain = filter;
    bool shared = mqtt_share_parse(filter, &group, &plain) == 1;
    struct sub *s = calloc(1, sizeof *s + filter.n);
    if (!s)
        return NULL;
    char *copy = (char *)(s + 1);
    memcpy(copy, filter.p, filter.n);
    s->session = session;
    s->filter = slice_of(copy, filter.n);
    s->topic_filter = slice_of(copy + (plain.p - filter.p), plain.n);
    struct tree *tree = &session->space->tree;
    s->node = tree_make(tree, s->topic_filter);
    if (s->node && shared && !(s->share = share_make(s->node, group))) {
        tree_prune(tree, s->node);
        s->node = NULL;
    }
    if (!s->node) {
        free(s);
        return NULL;
    }
    link_sub(s);
    return s;
}

static void sub_free(struct sub *s)
{
    unlink_sub(s);
    tree_prune(&s->session->space->tree, s->node);
    free(s);
}

uint8_t sub_add(struct session *session, const struct mqtt_filter *f, uint32_t id, bool *ret_new)
{
    struct broker *b = session->broker;
    struct sub *s = map_get(&session->subs, f->filter);
    *ret_new = !s;
    if (s) { /* [MQTT-3.8.4-3]: replaced, without a gap */
        set_options(s, f, id);
        twins_subscribers_changed(b, session->space, s->topic_filter, 0);
        return f->qos;
    }
    if (mqtt_topic_levels(f->filter) > MAX_LEVELS)
        return MQTT_BAD_FILTER;
    if (session->subs.count >= MAX_SUBS_SESSION || b->subs_n >= MAX_SUBS)
        return MQTT_QUOTA;
    s = sub_new(session, f->filter);
    if (!s)
        return MQTT_QUOTA;
    if (map_put(&session->subs, s->filter, s, NULL)) {
        sub_free(s);
        return MQTT_QUOTA;
    }
    set_options(s, f, id);
    count_sub(b, s, 1);
    return f->qos;
}

bool sub_remove(struct session *session, struct slice filter)
{
    struct sub *s = map_remove(&session->subs, filter);
    if (!s)
        return false;
    count_sub(session->broker, s, -1);
    sub_free(s);
    return true;
}

void subs_remove_all(struct session *session)
{
    struct sub *s;
    size_t at = 0;
    while ((s = map_next(&session->subs, &at))) {
        count_sub(session->broker, s, -1);
        sub_free(s);
    }
    map_release(&session->subs);
}

/* ---- the packets ---- */

/* Does the subscriber get retained messages, by its retain handling (3.8.3.1)? */
static bool wants_retained(const struct mqtt_filter *f, bool is_new)
{
    if (slice_starts(f->filter, "$share/")) /* 4.8.2: never for shared ones */
        return false;
    return f->retain_handling == 0 || (f->retain_handling == 1 && is_new);
}

/* SUBACK or UNSUBACK that waits for the disk, when the session is kept. */
struct late_answer {
    struct commit commit;
    struct conn *conn;
    enum mqtt_type type;
    uint16_t packet_id;
    struct buf codes;
    struct buf wanted; /* items: the filters whose retained messages are to be sent */
};

static void answer_done(struct commit *commit, int err)
{
    struct late_answer *a = (struct late_answer *)commit;
    struct conn *c = a->conn;
    struct mqtt_packet p = {.type = a->type,
                            .as.topics = {.packet_id = a->packet_id, .list = buf_slice(&a->codes)}};
    struct slice wanted = buf_slice(&a->wanted);
    struct record_item item;
    if (err) {
        mqtt_conn_close(c, MQTT_QUOTA, err_info(err)->text);
    } else if (!c->closed && !mqtt_conn_send(c, &p)) {
        /* whoever cannot be told what became of its request must not go on as if all were well */
        mqtt_conn_close(c, MQTT_PACKET_TOO_LARGE, "the answer is larger than the client takes");
    } else if (!c->closed) {
        /* [MQTT-3.8.4-1], [-5], [-6]; [MQTT-3.10.4-4], [-5], [MQTT-3.11.3-1] */
        while (record_next(&wanted, &item))
            if (replay_start(c, &(struct mqtt_filter){.filter = item.bytes}))
                session_lost(c->session, 1);
        replay_pump(c);
    }
    mqtt_conn_let_go(c);
    buf_release(&a->codes);
    buf_release(&a->wanted);
    free(a);
}

static struct late_answer *answer_new(struct conn *c, enum mqtt_type type,
                                      const struct mqtt_packet *to)
{
    struct late_answer *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->commit.done = answer_done;
    a->conn = c;
    a->type = type;
    a->packet_id = to->as.topics.packet_id;
    mqtt_conn_hold(c);
    return a;
}

/* What changed is put and the answer follows it.  As handlers answer. */
static uint8_t answer_after(struct late_answer *a, enum record_type type, struct buf *changed)
{
    struct broker *b = a->conn->broker;
    int err = a->codes.failed || a->wanted.failed || changed->failed ? ERR_NOMEM : 0;
    if (!err && changed->n)
        err = keep_subs(a->conn->session, type, changed);
    uint64_t seq = !err && changed->n ? b->put_seq : 0;
    buf_release(changed);
    if (!err) {
        persist_wait(b, seq, &a->commit);
        return 0;
    }
    mqtt_conn_let_go(a->conn); /* its packet is being handled: it stays */
    buf_release(&a->codes);
    buf_release(&a->wanted);
    free(a);
    return broker_refuse(b, MQTT_QUOTA, err_info(err)->text);
}

/* One filter; the code that answers it. */
static uint8_t subscribe_one(struct conn *c, const struct mqtt_filter *f, uint32_t id,
                             struct late_answer *a, struct buf *changed)
{
    struct session *s = c->session;
    bool is_new;
    struct slice group, plain = f->filter;
    mqtt_share_parse(f->filter, &group, &plain);
    if (!may_subscribe(c->broker, s->space, s->who, plain))
        return MQTT_NOT_AUTHORIZED;
    if (keeps(s) && persist_failing(c->broker))
        return MQTT_QUOTA;
    uint8_t code = sub_add(s, f, id, &is_new);
    if (code < 0x80 && keeps(s))
        keep_sub_item(changed, map_get(&s->subs, f->filter));
    if (code < 0x80 && wants_retained(f, is_new))
        record_put_item(&a->wanted, &(struct record_item){.bytes = f->filter});
    return code;
}

uint8_t handle_subscribe(struct conn *c, const struct mqtt_packet *packet)
{
    const struct mqtt_props *props = &packet->as.topics.props;
    struct buf changed = {0};
    struct mqtt_filter f;
    size_t at = 0;
    uint32_t id = mqtt_has(props, MQTT_SUBSCRIPTION_ID) ? props->subscription_id : 0;
    struct late_answer *a = answer_new(c, MQTT_SUBACK, packet);
    if (!a)
        return broker_refuse(c->broker, MQTT_QUOTA, "the server is out of memory");
    while (mqtt_topics_next(packet, c->version, &at, &f)) {
        uint8_t code = subscribe_one(c, &f, id, a, &changed);
        if (code >= 0x80 && c->version != MQTT_V5) /* 3.1.1 [MQTT-3.9.3-2] */
            code = 0x80;
        buf_add_byte(&a->codes, code);
    }
    return answer_after(a, RECORD_SUBSCRIBED, &changed);
}

uint8_t handle_unsubscribe(struct conn *c, const struct mqtt_packet *packet)
{
    struct buf changed = {0};
    struct mqtt_filter f;
    size_t at = 0;
    struct late_answer *a = answer_new(c, MQTT_UNSUBACK, packet);
    if (!a)
        return broker_refuse(c->broker, MQTT_QUOTA, "the server is out of memory");
    while (mqtt_topics_next(packet, c->version, &at, &f)) {
        bool there = sub_remove(c->session, f.filter);
        buf_add_byte(&a->codes, there ? MQTT_SUCCESS : MQTT_NO_SUBSCRIPTION);
        if (there && keeps(c->session))
            record_put_item(&changed, &(struct record_item){.bytes = f.filter});
    }
    return answer_after(a, RECORD_UNSUBSCRIBED, &changed);
}
