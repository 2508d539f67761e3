/* From a topic to those who hear it.
 *
 * A session that matches with several subscriptions gets one copy, with the highest QoS of them
 * and all their identifiers [MQTT-3.3.4-2], [MQTT-3.3.4-3].  Of a shared subscription one member
 * gets a copy of its own (4.8.2): the next in turn of those who are online and keep up,
 * else of those who are online, else of those whose session waits. */
#include "mqtt/persist.h"

#include <stdlib.h>

struct walk {
    struct broker *b;
    const struct session *from;
    struct about *about;
};

static struct target *new_target(struct broker *b, struct session *s)
{
    struct match *m = &b->match;
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        struct target *items = realloc(m->items, cap * sizeof *items);
        if (!items)
            return NULL;
        memset(items + m->cap, 0, (cap - m->cap) * sizeof *items);
        m->items = items;
        m->cap = cap;
    }
    struct target *t = &m->items[m->n++];
    t->session = s;
    t->qos = 0;
    t->retain_as_published = false;
    t->no = 0;
    buf_clear(&t->ids);
    return t;
}

static struct target *target_of(struct broker *b, struct session *s)
{
    struct match *m = &b->match;
    if (s->match_round == b->match_round)
        return &m->items[s->match_at];
    struct target *t = new_target(b, s);
    if (t) {
        s->match_round = b->match_round;
        s->match_at = m->n - 1;
    }
    return t;
}

static void take_sub(struct broker *b, struct sub *s)
{
    struct target *t = target_of(b, s->session);
    if (!t)
        return;
    if (s->qos > t->qos)
        t->qos = s->qos;
    t->retain_as_published |= s->retain_as_published;
    if (s->id)
        mqtt_props_add_number(&t->ids, MQTT_SUBSCRIPTION_ID, s->id);
}

static void take_share(struct match *m, struct share *s)
{
    if (m->shares_n == m->shares_cap) {
        size_t cap = m->shares_cap ? m->shares_cap * 2 : 8;
        struct share **shares = realloc(m->shares, cap * sizeof *shares);
        if (!shares)
            return;
        m->shares = shares;
        m->shares_cap = cap;
    }
    m->shares[m->shares_n++] = s;
}

static void take_node(void *arg, struct tree_node *n)
{
    struct walk *w = arg;
    for (struct sub *s = n->subs; s; s = s->next)
        if ((!s->no_local || s->session != w->from) && /* [MQTT-3.8.3-3] */
            may_hear(w->b, s->session->who, w->about))
            take_sub(w->b, s);
    for (struct share *s = n->shares; s; s = s->next)
        take_share(&w->b->match, s);
}

void route_none(struct broker *b)
{
    b->match_round++;
    b->match.n = b->match.shares_n = 0;
}

struct target *route_add(struct broker *b, struct session *s, uint8_t qos, struct slice ids)
{
    struct target *t = new_target(b, s);
    if (!t)
        return NULL;
    t->qos = qos;
    buf_add_slice(&t->ids, ids);
    return t;
}

struct match *route_match(struct broker *b, struct space *space, struct slice topic,
                          const struct session *from)
{
    struct walk w = {b, from, &b->match.about};
    route_none(b);
    if (!b->subs_n)
        return &b->match;
    about_topic(b, space, topic, &b->match.about);
    tree_match(&space->tree, topic, take_node, &w);
    return &b->match;
}

void route_release(struct match *m)
{
    for (size_t i = 0; i < m->cap; i++)
        buf_release(&m->items[i].ids);
    free(m->items);
    free(m->shares);
    *m = (struct match){0};
}

/* Whoever was chosen goes to the end of the line. */
static void to_the_end(struct share *share, struct sub *s)
{
    if (!s->next)
        return;
    if (s->prev)
        s->prev->next = s->next;
    else
        share->subs = s->next;
    s->next->prev = s->prev;
    s->prev = share->last;
    s->next = NULL;
    share->last->next = s;
    share->last = s;
}

struct sub *share_turn(struct broker *b, struct share *share, struct about *a)
{
    struct sub *best = NULL;
    int best_rank = -1;
    for (struct sub *s = share->subs; s && best_rank < 2; s = s->next) {
        const struct conn *c = s->session->conn;
        bool behind = s->session->queue.n && !s->session->wait_seq;
        if (!may_hear(b, s->session->who, a))
            continue;
        int rank = !c ? 0 : behind || mqtt_conn_queued(c) > OUT_HIGH ? 1 : 2;
        if (rank > best_rank) {
            best = s;
            best_rank = rank;
        }
    }
    if (best)
        to_the_end(share, best);
    return best;
}

static uint8_t lower(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* The member whose turn it is becomes a target like the others, with a copy of its own. */
static void settle_shares(struct broker *b)
{
    struct match *found = &b->match;
    for (size_t i = 0; i < found->shares_n; i++) {
        struct sub *s = share_turn(b, found->shares[i], &found->about);
        struct target *t = s ? new_target(b, s->session) : NULL;
        if (!t)
            continue;
        t->qos = s->qos;
        t->retain_as_published = s->retain_as_published;
        if (s->id)
            mqtt_props_add_number(&t->ids, MQTT_SUBSCRIPTION_ID, s->id);
    }
    found->shares_n = 0;
}

static bool retain_flag(const struct publishing *p, const struct target *t)
{
    return t->retain_as_published && (p->as_is || p->message->retain);
}

/* Record the message for those whose sessions are kept, if there are any. */
static int keep(struct broker *b, struct publishing *p)
{
    struct match *found = &b->match;
    struct buf list = {0};
    bool store = p->stored && !slice_starts(p->message->topic, "$SYS/");
    for (size_t i = 0; i < found->n; i++) {
        struct target *t = &found->items[i];
        uint8_t qos = lower(t->qos, p->message->qos);
        if (!qos || !keeps(t->session))
            continue;
        t->no = session_number(t->session);
        unsigned flags = qos | (retain_flag(p, t) ? RECORD_RETAIN : 0u);
        record_put_item(&list, &(struct record_item){.a = t->session->no,
                                                     .b = t->no,
                                                     .flags = (uint8_t)flags,
                                                     .bytes = buf_slice(&t->ids)});
    }
    int err = list.failed ? ERR_NOMEM : 0;
    if (!err && b->persist && (list.n || store)) {
        err = keep_message(b, p, buf_slice(&list));
        p->seq = err ? 0 : b->put_seq;
    }
    buf_release(&list);
    return err;
}

int route_send(struct broker *b, struct publishing *p)
{
    struct match *found = &b->match;
    settle_shares(b);
    int err = keep(b, p);
    if (err) {
        if (p->stored)
            retained_restore(b, p->message, p->old);
        p->old = NULL;
        return err;
    }
    uint64_t seq = p->seq > p->message->seq ? p->seq : p->message->seq;
    for (size_t i = 0; i < found->n; i++) {
        const struct target *t = &found->items[i];
        session_deliver(t->session, p->message,
                        &(struct copy){.qos = lower(t->qos, p->message->qos),
                                       .retain = retain_flag(p, t),
                                       .ids = buf_slice(&t->ids),
                                       .no = t->no,
                                       .seq = seq});
    }
    return 0;
}

/* One organisation's share of it. */
static void route_to(struct broker *b, struct space *space, struct publishing *p)
{
    const struct message *m = p->message;
    struct buf topic = {0};
    buf_addf(&topic, "twins/%s~", org_slug(space_of_message(b, m)->org));
    buf_add_slice(&topic, slice_skip(m->topic, 6));
    const struct match *found =
        topic.failed ? NULL : route_match(b, space, buf_slice(&topic), p->from);
    struct message *copy = found && (found->n || found->shares_n)
                               ? message_new(buf_slice(&topic), m->props, m->payload)
                               : NULL;
    if (copy) {
        struct publishing there = {.message = copy, .from = p->from};
        copy->space = space->slug.n ? space : NULL;
        copy->qos = m->qos;
        copy->expires_us = m->expires_us;
        b->stats.dropped += route_send(b, &there) != 0;
        p->seq = there.seq > p->seq ? there.seq : p->seq;
    }
    message_unref(copy);
    buf_release(&topic);
}

bool route_goes_abroad(const struct broker *b, struct slice topic)
{
    return b->spaces.count && slice_starts(topic, "twins/");
}

void route_abroad(struct broker *b, struct publishing *p)
{
    struct space *own = space_of_message(b, p->message), *other;
    size_t at = 0;
    if (!route_goes_abroad(b, p->message->topic) || !own->org)
        return;
    if (own != &b->home && b->home.twin_words)
        route_to(b, &b->home, p);
    while ((other = map_next(&b->spaces, &at)))
        if (other != own && other->twin_words)
            route_to(b, other, p);
}
