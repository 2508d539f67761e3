/* From a topic to those who hear it.
 *
 * A session that matches with several subscriptions gets one copy, with the highest QoS of them
 * and all their identifiers [MQTT-3.3.4-2], [MQTT-3.3.4-3].  Of a shared subscription one member
 * gets a copy of its own [MQTT-4.8.2-4]: the next in turn of those who are online and keep up,
 * else of those who are online, else of those whose session waits. */
#include "mqtt/internal.h"

#include <stdlib.h>

struct walk {
    struct broker *b;
    const struct session *from;
};

static struct target *target_of(struct broker *b, struct session *s)
{
    struct match *m = &b->match;
    if (s->match_round == b->match_round)
        return &m->items[s->match_at];
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        struct target *items = realloc(m->items, cap * sizeof *items);
        if (!items)
            return NULL;
        memset(items + m->cap, 0, (cap - m->cap) * sizeof *items);
        m->items = items;
        m->cap = cap;
    }
    struct target *t = &m->items[m->n];
    s->match_round = b->match_round;
    s->match_at = m->n++;
    t->session = s;
    t->qos = 0;
    t->retain_as_published = false;
    buf_clear(&t->ids);
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
        if (!s->no_local || s->session != w->from) /* [MQTT-3.8.3-3] */
            take_sub(w->b, s);
    for (struct share *s = n->shares; s; s = s->next)
        take_share(&w->b->match, s);
}

struct match *route_match(struct broker *b, struct slice topic, const struct session *from)
{
    struct walk w = {b, from};
    b->match_round++;
    b->match.n = b->match.shares_n = 0;
    if (b->subs_n)
        tree_match(&b->tree, topic, take_node, &w);
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

struct sub *share_turn(struct share *share)
{
    struct sub *best = NULL;
    int best_rank = -1;
    for (struct sub *s = share->subs; s && best_rank < 2; s = s->next) {
        const struct conn *c = s->session->conn;
        int rank = !c ? 0 : s->session->queue.n || mqtt_conn_queued(c) > OUT_HIGH ? 1 : 2;
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

static void to_share(struct share *share, struct message *m)
{
    struct sub *s = share_turn(share);
    char bytes[8];
    struct buf ids = {.p = bytes, .cap = sizeof bytes};
    if (!s)
        return;
    if (s->id)
        mqtt_props_add_number(&ids, MQTT_SUBSCRIPTION_ID, s->id);
    session_deliver(s->session, m, lower(s->qos, m->qos), m->retain && s->retain_as_published,
                    buf_slice(&ids));
}

size_t route_send(struct broker *b, struct message *m)
{
    struct match *found = &b->match;
    for (size_t i = 0; i < found->n; i++) {
        struct target *t = &found->items[i];
        session_deliver(t->session, m, lower(t->qos, m->qos), m->retain && t->retain_as_published,
                        buf_slice(&t->ids));
    }
    for (size_t i = 0; i < found->shares_n; i++)
        to_share(found->shares[i], m);
    return found->n + found->shares_n;
}
