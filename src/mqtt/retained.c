/* Retained messages, and their way to a new subscriber.
 *
 * What a subscription matches is gathered at once (references only) and sent in slices: as much as
 * the output takes, the rest when that is drained or acknowledged.  A message that was replaced in
 * the meantime is left out: the newer one has gone the ordinary way. */
#include "mqtt/persist.h"

#include <stdlib.h>

static void count(struct broker *b, const struct message *m, int by)
{
    b->retained_n += (size_t)by;
    b->retained_bytes += (size_t)by * message_size(m);
}

static void link_node(struct broker *b, struct tree_node *n)
{
    n->retained_next = NULL;
    n->retained_prev = b->retained_last;
    if (b->retained_last)
        b->retained_last->retained_next = n;
    else
        b->retained = n;
    b->retained_last = n;
}

static void unlink_node(struct broker *b, struct tree_node *n)
{
    round_skip_node(b, n);
    if (n->retained_prev)
        n->retained_prev->retained_next = n->retained_next;
    else
        b->retained = n->retained_next;
    if (n->retained_next)
        n->retained_next->retained_prev = n->retained_prev;
    else
        b->retained_last = n->retained_prev;
    n->retained_next = n->retained_prev = NULL;
}

/* The message of a node, which has none then; the node may be gone too. */
static struct message *take(struct broker *b, struct tree_node *n)
{
    struct message *m = n->retained;
    count(b, m, -1);
    n->retained = NULL;
    unlink_node(b, n);
    tree_prune(&space_of_message(b, m)->tree, n);
    return m;
}

static void drop(struct broker *b, struct tree_node *n)
{
    message_unref(take(b, n));
}

void retained_drop_before(struct broker *b, uint64_t seq)
{
    struct tree_node *next;
    for (struct tree_node *n = b->retained; n; n = next) {
        next = n->retained_next; /* it has a message of its own and stays */
        if (n->retained->seq < seq)
            drop(b, n);
    }
}

void retained_restore(struct broker *b, const struct message *m, struct message *old)
{
    struct tree *tree = &space_of_message(b, m)->tree;
    struct tree_node *n = tree_find(tree, m->topic);
    struct message *now = n ? n->retained : NULL;
    if (now == (m->payload.n ? m : NULL)) {
        if (now)
            drop(b, n);
        if (old && (n = tree_make(tree, old->topic))) {
            n->retained = message_ref(old);
            count(b, old, 1);
            link_node(b, n);
        }
    }
    message_unref(old);
}

uint8_t retained_store(struct broker *b, struct message *m, struct message **ret_old)
{
    struct tree *tree = &space_of_message(b, m)->tree;
    struct tree_node *n = tree_find(tree, m->topic);
    *ret_old = NULL;
    if (m->payload.n == 0) { /* [MQTT-3.3.1-6], [-7] */
        if (n && n->retained)
            *ret_old = take(b, n);
        return 0;
    }
    size_t was = n && n->retained ? message_size(n->retained) : 0;
    if ((!was && b->retained_n >= MAX_RETAINED) ||
        b->retained_bytes - was + message_size(m) > MAX_RETAINED_BYTES)
        return MQTT_QUOTA;
    if (!n && !(n = tree_make(tree, m->topic)))
        return MQTT_QUOTA;
    if (n->retained) {
        *ret_old = n->retained;
        count(b, n->retained, -1);
        unlink_node(b, n);
    }
    n->retained = message_ref(m); /* [MQTT-3.3.1-5] */
    count(b, m, 1);
    link_node(b, n);
    return 0;
}

/* ---- expiry ---- */

struct nodes {
    struct tree_node **items;
    size_t n, cap;
    bool all;
};

static void gather(void *arg, struct tree_node *n)
{
    struct nodes *list = arg;
    if (!list->all && !message_expired(n->retained))
        return;
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        struct tree_node **items = realloc(list->items, cap * sizeof(struct tree_node *));
        if (!items)
            return;
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = n;
}

static void drop_gathered(struct broker *b, struct space *space, bool all)
{
    struct nodes list = {.all = all};
    tree_retained_all(&space->tree, gather, &list);
    for (size_t i = 0; i < list.n; i++) /* each has its message, so none vanishes with another */
        drop(b, list.items[i]);
    free(list.items);
}

static void drop_everywhere(struct broker *b, bool all)
{
    struct space *space;
    size_t at = 0;
    drop_gathered(b, &b->home, all);
    while ((space = map_next(&b->spaces, &at)))
        drop_gathered(b, space, all);
}

void retained_expire(struct broker *b)
{
    drop_everywhere(b, false);
}

/* As an empty message clears it: also on the disk. */
static void clear(struct broker *b, const struct message *m)
{
    struct publishing p = {.message = message_new(m->topic, (struct slice){0}, (struct slice){0}),
                           .stored = true};
    if (!p.message)
        return;
    p.message->space = m->space;
    p.message->retain = true;
    retained_store(b, p.message, &p.old);
    route_none(b); /* nobody hears it */
    if (route_send(b, &p) == 0)
        message_unref(p.old);
    message_unref(p.message);
}

void retained_drop_space(struct broker *b, struct space *space)
{
    struct nodes list = {.all = true};
    tree_retained_all(&space->tree, gather, &list);
    for (size_t i = 0; i < list.n; i++)
        clear(b, list.items[i]->retained);
    free(list.items);
    drop_gathered(b, space, true); /* what could not be kept comes again at the next start */
}

void retained_drop_all(struct broker *b)
{
    drop_everywhere(b, true);
}

/* ---- replays ---- */

struct replay {
    struct replay *next;
    struct message **messages;
    size_t n, cap, at;
    bool failed;
    bool twins; /* last values of twins are left to send */
    struct twins_replay twins_at;
    struct slice filter; /* the bytes are the replay's own */
};

static void add_message(void *arg, struct tree_node *n)
{
    struct replay *r = arg;
    if (message_expired(n->retained))
        return;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        struct message **messages = realloc(r->messages, cap * sizeof(struct message *));
        if (!messages) {
            r->failed = true;
            return;
        }
        r->messages = messages;
        r->cap = cap;
    }
    r->messages[r->n++] = message_ref(n->retained);
}

static void replay_free(struct replay *r)
{
    for (; r->at < r->n; r->at++)
        message_unref(r->messages[r->at]);
    free(r->messages);
    free(r);
}

int replay_start(struct conn *c, const struct mqtt_filter *f)
{
    struct broker *b = c->broker;
    struct replay *r = calloc(1, sizeof *r + f->filter.n);
    if (!r)
        return ERR_NOMEM;
    memcpy(r + 1, f->filter.p, f->filter.n);
    r->filter = slice_of((char *)(r + 1), f->filter.n);
    if (sys_is_filter(r->filter))
        sys_refresh(b);
    tree_retained(&c->session->space->tree, r->filter, add_message, r);
    r->twins = b->core && twins_filter(r->filter);
    if (r->failed || (!r->n && !r->twins)) {
        int err = r->failed ? ERR_NOMEM : 0;
        replay_free(r);
        return err;
    }
    if (c->replays_last)
        c->replays_last->next = r;
    else
        c->replays = r;
    c->replays_last = r;
    return 0;
}

static void send_retained(struct conn *c, struct message *m, const struct sub *s, struct slice ids)
{
    struct broker *b = c->broker;
    const struct tree_node *n = tree_find(&space_of_message(b, m)->tree, m->topic);
    struct about about;
    if (!n || n->retained != m || message_expired(m))
        return;
    about_topic(b, space_of_message(b, m), m->topic, &about);
    if (!may_hear(b, c->session->who, &about))
        return;
    struct publishing p = {.message = m, .as_is = true};
    route_none(b);
    struct target *t = route_add(b, c->session, s->qos, ids);
    if (t)
        t->retain_as_published = true;
    if (!t || route_send(b, &p))
        session_lost(c->session, 1);
}

/* One step; false when this replay is over. */
static bool step(struct conn *c, struct replay *r)
{
    const struct sub *s = map_get(&c->session->subs, r->filter);
    char bytes[8];
    struct buf ids = {.p = bytes, .cap = sizeof bytes};
    if (!s) /* unsubscribed in the meantime */
        return false;
    if (s->id)
        mqtt_props_add_number(&ids, MQTT_SUBSCRIPTION_ID, s->id);
    if (r->at < r->n) {
        struct message *m = r->messages[r->at++];
        send_retained(c, m, s, buf_slice(&ids));
        message_unref(m);
        return true;
    }
    if (r->twins)
        r->twins = twins_replay_step(c, r->filter, s->qos, buf_slice(&ids), &r->twins_at);
    return r->twins;
}

void replay_pump(struct conn *c)
{
    const struct session *s = c->session;
    /* what waits for the disk goes out many at a time */
    while (c->replays && mqtt_conn_queued(c) < OUT_HIGH &&
           s->queue.n < (s->wait_seq ? WINDOW : 1) && !s->resend) {
        struct replay *r = c->replays;
        if (step(c, r))
            continue;
        c->replays = r->next;
        if (!c->replays)
            c->replays_last = NULL;
        replay_free(r);
    }
}

void replays_free(struct conn *c)
{
    while (c->replays) {
        struct replay *r = c->replays;
        c->replays = r->next;
        replay_free(r);
    }
    c->replays_last = NULL;
}
