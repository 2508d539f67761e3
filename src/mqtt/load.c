/* Replaying the records: memory as it was when the last of them was put.
 *
 * Records may speak of sessions, messages and deliveries that are not known: those whose beginning
 * was trimmed away, which the next round tells whole, or was lost to damage, which the journal has
 * reported.  Such a record is passed over.  Records come out of files, so nothing in them is
 * trusted beyond their form.
 *
 * Where a session was online when the last record was put, its connection is lost now: that is when
 * its time to live and the delay of its will begin.  What may have been sent to it counts as sent:
 * as much as its window held, behind the UNKEPT_MAX deliveries that may have been over already. */
#include "mqtt/persist.h"

#include <stdlib.h>

/* A session and what is only of interest while loading. */
struct loaded {
    uint64_t no;
    struct session *session;
    struct map deliveries; /* struct delivery by no; all of them stand in the queue */
    uint64_t whole_seq;    /* of its last RECORD_SESSION */
    uint64_t window;
    uint64_t ends_us, will_us; /* as recorded */
    bool online;
};

struct loaded_message {
    uint64_t seq;
    struct message *message;
};

struct loading {
    struct broker *broker;
    struct map sessions; /* struct loaded by no */
    struct map messages; /* struct loaded_message by seq */
    int64_t now_us, mono_us;
    uint64_t first_seq;   /* of all records that are there */
    uint64_t round_start; /* of the last whole round */
};

static struct slice key_of(const uint64_t *number)
{
    return slice_of((const char *)number, sizeof *number);
}

static struct loaded *session_of(struct loading *l, uint64_t no)
{
    if (no > l->broker->session_no && no < UINT64_MAX / 2)
        l->broker->session_no = no; /* whatever was named is not given again */
    return map_get(&l->sessions, key_of(&no));
}

/* ---- leaving ---- */

static void end_session(struct loading *l, struct loaded *x)
{
    struct session *s = x->session;
    map_remove(&l->sessions, key_of(&x->no));
    map_release(&x->deliveries);
    will_free(s->will);
    s->will = NULL; /* not to be published by this */
    session_end(s);
    free(x);
}

static void forget_message(struct loading *l, struct loaded_message *x)
{
    map_remove(&l->messages, key_of(&x->seq));
    message_unref(x->message);
    free(x);
}

/* ---- messages ---- */

static bool topic_fits(struct slice topic)
{
    return mqtt_topic_ok(topic) && mqtt_topic_levels(topic) <= MAX_LEVELS;
}

static struct message *message_from(const struct record *r, struct space *space, uint64_t flags)
{
    if (!space || !topic_fits(r->topic) || (flags & RECORD_QOS) > 2)
        return NULL;
    struct message *m = message_new(r->topic, r->props, r->payload);
    if (!m)
        return NULL;
    m->space = space->slug.n ? space : NULL;
    m->qos = flags & RECORD_QOS;
    m->retain = flags & RECORD_RETAIN;
    return m;
}

static int remember(struct loading *l, struct message *m)
{
    struct loaded_message *x = malloc(sizeof *x);
    void *old = NULL;
    if (!x)
        return ERR_NOMEM;
    *x = (struct loaded_message){m->seq, message_ref(m)};
    int err = map_put(&l->messages, key_of(&x->seq), x, &old);
    if (err) {
        message_unref(m);
        free(x);
    }
    return err;
}

static int deliver(struct loaded *x, struct message *m, const struct record_item *item)
{
    uint8_t qos = item->flags & RECORD_QOS;
    if (!item->a || !qos || qos > 2 || map_get(&x->deliveries, key_of(&item->a)))
        return 0;
    struct delivery *d = malloc(sizeof *d + item->bytes.n);
    if (!d)
        return ERR_NOMEM;
    *d = (struct delivery){.message = m ? message_ref(m) : NULL,
                           .no = item->a,
                           .qos = qos,
                           .retain = item->flags & RECORD_RETAIN,
                           .ids_n = item->bytes.n};
    d->state = item->flags & RECORD_SENT ? DELIVERY_SENT : DELIVERY_QUEUED;
    if (!m)
        d->state = DELIVERY_RELEASED;
    if (item->bytes.n)
        memcpy(d->ids, item->bytes.p, item->bytes.n);
    session_load(x->session, d);
    return map_put(&x->deliveries, key_of(&d->no), d, NULL);
}

static int take_targets(struct loading *l, struct message *m, struct slice list)
{
    struct record_item item;
    int err = 0;
    while (!err && record_next(&list, &item)) {
        struct loaded *x = session_of(l, item.a);
        item.a = item.b;
        item.flags &= RECORD_QOS | RECORD_RETAIN;
        if (x)
            err = deliver(x, m, &item);
    }
    return err;
}

static void drop_will(struct session *s)
{
    will_free(s->will);
    s->will = NULL;
}

static int receive(struct session *s, uint64_t packet_id)
{
    if (!packet_id || packet_id > UINT16_MAX)
        return 0;
    int err = idset_add(&s->received, (uint16_t)packet_id);
    return err ? err : idset_add(&s->received_kept, (uint16_t)packet_id);
}

static int take_message(struct loading *l, uint64_t seq, const struct record *r)
{
    struct broker *b = l->broker;
    struct loaded *from = session_of(l, r->session);
    struct message *m = message_from(r, space_of_slug(b, r->org), r->flags), *old = NULL;
    if (!m)
        return 0;
    m->seq = seq;
    m->account = &b->stored_bytes;
    b->stored_bytes += message_size(m);
    if (r->expires_us)
        m->expires_us = l->mono_us + ((int64_t)r->expires_us - l->now_us);
    if (r->expires_us && m->expires_us <= 0)
        m->expires_us = 1;
    int err = remember(l, m);
    if (!err)
        err = take_targets(l, m, r->targets);
    if (!err && r->flags & RECORD_STORE)
        retained_store(b, m, &old);
    if (!r->session && r->number > l->broker->applied)
        l->broker->applied = r->number - 1;
    if (from && r->flags & RECORD_IS_WILL)
        drop_will(from->session);
    else if (from && !err)
        err = receive(from->session, r->number);
    message_unref(old);
    message_unref(m);
    return err;
}

static int take_deliver(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    const struct loaded_message *x = map_get(&l->messages, key_of(&r->number));
    return x ? take_targets(l, x->message, r->targets) : 0;
}

/* ---- sessions ---- */

static int take_will(struct session *s, const struct record *r)
{
    drop_will(s);
    if (!(r->flags & RECORD_HAS_WILL))
        return 0;
    struct will *w = calloc(1, sizeof *w);
    if (w)
        w->message = message_from(r, s->space, r->will_flags);
    if (!w || !w->message) {
        free(w);
        return 0;
    }
    w->delay_s = (uint32_t)r->will_delay_s;
    w->message->expires_us = (int64_t)(r->expires_us & INT64_MAX);
    s->will = w;
    return 0;
}

static void take_subs(struct session *s, struct slice list)
{
    struct record_item item;
    bool is_new;
    while (record_next(&list, &item)) {
        struct mqtt_filter f = {.filter = item.bytes,
                                .qos = item.flags & RECORD_QOS,
                                .no_local = item.flags & RECORD_NO_LOCAL,
                                .retain_as_published = item.flags & RECORD_AS_PUBLISHED};
        struct slice group, plain;
        if (f.qos <= 2 && mqtt_filter_ok(f.filter) &&
            mqtt_share_parse(f.filter, &group, &plain) >= 0 && item.a <= MQTT_REMAINING_MAX)
            sub_add(s, &f, (uint32_t)item.a, &is_new);
    }
}

static int take_deliveries(struct loading *l, struct loaded *to, struct slice list)
{
    struct record_item item;
    int err = 0;
    while (!err && record_next(&list, &item)) {
        const struct loaded_message *x = map_get(&l->messages, key_of(&item.b));
        bool released = item.flags & RECORD_IS_RELEASED;
        if (x || released)
            err = deliver(to, released ? NULL : x->message, &item);
    }
    return err;
}

/* A new session under this number and client identifier; whoever had either is no more. */
static struct loaded *make_session(struct loading *l, const struct record *r)
{
    struct broker *b = l->broker;
    struct loaded *x = session_of(l, r->session);
    struct space *space = space_of_slug(b, r->org);
    struct session *other;
    if (x)
        end_session(l, x);
    if (!space) /* the organisation has gone */
        return NULL;
    if ((other = session_find(b, space, r->id)) && (x = session_of(l, other->no)))
        end_session(l, x);
    if (!r->session || r->id.n > UINT16_MAX || session_find(b, space, r->id))
        return NULL;
    x = calloc(1, sizeof *x);
    if (x)
        x->session = session_new(b, space, r->id);
    if (!x || !x->session) {
        free(x);
        return NULL;
    }
    session_set_subject(x->session, r->subject);
    x->no = x->session->no = r->session;
    keep_list(x->session);
    if (map_put(&l->sessions, key_of(&x->no), x, NULL)) {
        end_session(l, x);
        return NULL;
    }
    return x;
}

static int take_session(struct loading *l, uint64_t seq, const struct record *r)
{
    struct loaded *x = make_session(l, r);
    struct slice received = r->received;
    struct record_item item;
    if (!x)
        return 0;
    struct session *s = x->session;
    x->whole_seq = seq;
    x->online = r->flags & RECORD_IS_ONLINE;
    x->window = r->window;
    x->ends_us = r->ends_us;
    x->will_us = r->will_us;
    s->expiry_s = (uint32_t)r->expiry_s;
    take_subs(s, r->subs);
    int err = take_deliveries(l, x, r->deliveries);
    if (r->next_number > s->last_no)
        s->last_no = r->next_number;
    while (!err && record_next(&received, &item))
        err = receive(s, item.a);
    return err ? err : take_will(s, r);
}

static int take_online(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    struct loaded *x = session_of(l, r->session);
    if (!x)
        return 0;
    x->online = true;
    x->window = r->window;
    x->session->expiry_s = (uint32_t)r->expiry_s;
    return take_will(x->session, r);
}

static int take_offline(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    struct loaded *x = session_of(l, r->session);
    if (!x)
        return 0;
    x->online = false;
    x->ends_us = r->ends_us;
    x->will_us = r->will_us;
    x->session->expiry_s = (uint32_t)r->expiry_s;
    if (!r->will_us)
        drop_will(x->session);
    for (struct delivery *d = x->session->queue.first; d; d = d->next)
        if (d->no <= r->number && d->state == DELIVERY_QUEUED)
            d->state = DELIVERY_SENT;
    return 0;
}

static int take_end(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    struct loaded *x = session_of(l, r->session);
    if (x)
        end_session(l, x);
    return 0;
}

static int take_change(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    struct loaded *x = session_of(l, r->session);
    struct slice list = r->subs;
    struct record_item item;
    if (x && r->type == RECORD_SUBSCRIBED)
        take_subs(x->session, list);
    else
        while (x && record_next(&list, &item))
            sub_remove(x->session, item.bytes);
    return 0;
}

static int take_number(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    struct loaded *x = session_of(l, r->session);
    struct session *s = x ? x->session : NULL;
    struct delivery *d;
    if (!s)
        return 0;
    switch (r->type) {
    case RECORD_GONE:
        if ((d = map_remove(&x->deliveries, key_of(&r->number))))
            session_unqueue(s, d);
        return 0;
    case RECORD_RELEASED:
        if ((d = map_get(&x->deliveries, key_of(&r->number))) && d->qos == 2)
            session_load_released(s, d);
        return 0;
    case RECORD_RECEIVED:
        return receive(s, r->number);
    case RECORD_FORGOTTEN:
        received_forget(s, (uint16_t)r->number);
        return 0;
    default:
        drop_will(s);
        return 0;
    }
}

/* The values of a map, which may change then.  NULL: no memory. */
static void *values_of(const struct map *m)
{
    void **all = malloc((m->count + 1) * sizeof(void *));
    size_t at = 0, n = 0;
    void *value;
    while (all && (value = map_next(m, &at)))
        all[n++] = value;
    return all;
}

static int take_applied(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    if (r->number > l->broker->applied)
        l->broker->applied = r->number;
    return 0;
}

static int take_round(struct loading *l, uint64_t seq, const struct record *r)
{
    (void)seq;
    l->round_start = r->number;
    size_t sessions_n = l->sessions.count, messages_n = l->messages.count;
    struct loaded **sessions = values_of(&l->sessions);
    struct loaded_message **messages = values_of(&l->messages);
    int err = sessions && messages ? 0 : ERR_NOMEM;
    for (size_t i = 0; !err && i < sessions_n; i++)
        if (sessions[i]->whole_seq < r->number)
            end_session(l, sessions[i]);
    for (size_t i = 0; !err && i < messages_n; i++)
        if (messages[i]->seq < r->number)
            forget_message(l, messages[i]);
    free(sessions);
    free(messages);
    if (!err)
        retained_drop_before(l->broker, r->number);
    return err;
}

static int (*const takers[])(struct loading *l, uint64_t seq, const struct record *r) = {
    [RECORD_MESSAGE] = take_message,   [RECORD_DELIVER] = take_deliver,
    [RECORD_SESSION] = take_session,   [RECORD_ONLINE] = take_online,
    [RECORD_OFFLINE] = take_offline,   [RECORD_END] = take_end,
    [RECORD_SUBSCRIBED] = take_change, [RECORD_UNSUBSCRIBED] = take_change,
    [RECORD_GONE] = take_number,       [RECORD_RELEASED] = take_number,
    [RECORD_RECEIVED] = take_number,   [RECORD_FORGOTTEN] = take_number,
    [RECORD_WILL_OVER] = take_number,  [RECORD_ROUND] = take_round,
    [RECORD_APPLIED] = take_applied,
};

int loading_record(void *arg, uint64_t seq, struct slice bytes)
{
    struct loading *l = arg;
    struct record r;
    if (!l->first_seq)
        l->first_seq = seq;
    int err = record_get(bytes, &r);
    if (err == ERR_UNSUPPORTED)
        log_error("mqtt", "this data directory was written by a newer Doppel");
    return err ? err : takers[r.type](l, seq, &r);
}

/* ---- beginning and end ---- */

int loading_new(struct broker *b, struct loading **ret)
{
    struct loading *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->broker = b;
    l->now_us = clock_now_us();
    l->mono_us = clock_mono_us();
    *ret = l;
    return 0;
}

/* When something happens that was to happen at wall_us, at most max_s from now: the clock may have
 * been set. */
static int64_t when(const struct loading *l, uint64_t wall_us, uint32_t max_s)
{
    int64_t left = wall_us < INT64_MAX ? (int64_t)wall_us - l->now_us : INT64_MAX;
    int64_t most = (int64_t)max_s * 1000000;
    left = left < 0 ? 0 : left > most ? most : left;
    return l->mono_us + left;
}

static void settle_session(struct loading *l, struct loaded *x, bool opened)
{
    struct session *s = x->session;
    uint64_t window = (x->window < WINDOW ? x->window : WINDOW) + UNKEPT_MAX;
    for (struct delivery *d = s->queue.first; x->online && d && window; d = d->next, window--)
        if (d->state == DELIVERY_QUEUED)
            d->state = DELIVERY_SENT;
    session_load_end(s);
    uint64_t now = (uint64_t)l->now_us, delay = s->will ? (uint64_t)s->will->delay_s * 1000000 : 0;
    if (x->online) {
        x->ends_us = now + (uint64_t)s->expiry_s * 1000000;
        x->will_us = now + delay;
    }
    s->ends_us = s->expiry_s == UINT32_MAX ? 0 : when(l, x->ends_us, s->expiry_s);
    s->will_us = s->will ? when(l, x->will_us, s->will->delay_s) : 0;
    if (x->online && opened)
        keep_offline(s);
}

void loading_end(struct loading *l, bool opened)
{
    struct loaded *x;
    struct loaded_message *m;
    size_t at = 0;
    if (!l)
        return;
    if (l->first_seq > (l->round_start ? l->round_start : 1))
        log_warn("mqtt", "%llu records of sessions and messages are missing",
                 (unsigned long long)(l->first_seq - (l->round_start ? l->round_start : 1)));
    while ((x = map_next(&l->sessions, &at))) {
        map_release(&x->deliveries);
        settle_session(l, x, opened);
        free(x);
    }
    for (at = 0; (m = map_next(&l->messages, &at));) {
        message_unref(m->message);
        free(m);
    }
    map_release(&l->sessions);
    map_release(&l->messages);
    free(l);
}
