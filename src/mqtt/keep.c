/* What is put into the journal: one function for each change. */
#include "mqtt/persist.h"

/* ---- times ---- */

static uint64_t wall(int64_t mono_us) /* 0 stays 0: none */
{
    int64_t t = mono_us ? clock_now_us() + (mono_us - clock_mono_us()) : 0;
    return t > 0 ? (uint64_t)t : mono_us ? 1 : 0;
}

/* ---- messages ---- */

static void account(struct broker *b, struct message *m)
{
    if (!m->account) {
        m->account = &b->stored_bytes;
        b->stored_bytes += message_size(m);
    }
}

static int put_message(struct broker *b, struct message *m, struct record *r)
{
    const struct tree_node *n = m->seq ? tree_find(&space_of_message(b, m)->tree, m->topic) : NULL;
    if (n && n->retained == m) /* its record is the retained message's, too */
        r->flags |= RECORD_STORE;
    r->type = RECORD_MESSAGE;
    r->flags |= m->qos | (m->retain ? RECORD_RETAIN : 0u);
    r->expires_us = wall(m->expires_us);
    r->topic = m->topic;
    r->props = m->props;
    r->payload = m->payload;
    r->org = space_of_message(b, m)->slug;
    int err = persist_put(b, r, false);
    if (!err) {
        m->seq = b->put_seq;
        account(b, m);
    }
    return err;
}

int keep_message(struct broker *b, const struct publishing *p, struct slice targets)
{
    struct message *m = p->message;
    struct record r = {.targets = targets};
    if (m->seq && m->seq >= b->round.start) {
        r.type = RECORD_DELIVER;
        r.number = m->seq;
        return persist_put(b, &r, false);
    }
    if (targets.n && !m->account && b->stored_bytes + message_size(m) > MAX_STORED_BYTES)
        return ERR_OVERLOAD;
    bool from = p->from && keeps(p->from) && (p->packet_id || p->is_will);
    r.flags = (p->stored ? RECORD_STORE : 0u) | (from && p->is_will ? RECORD_IS_WILL : 0u);
    r.session = from ? p->from->no : 0;
    r.number = from ? p->packet_id : p->batch;
    int err = put_message(b, m, &r);
    if (!err && p->batch) {
        b->applied = p->batch - 1; /* there may be more of this one */
        b->updated = p->batch;
    }
    if (!err && from && r.number)
        err = idset_add(&p->from->received_kept, p->packet_id);
    return err;
}

/* ---- sessions ---- */

bool keeps(const struct session *s)
{
    return s->no != 0;
}

static void leave_list(struct session *s)
{
    struct broker *b = s->broker;
    round_skip_session(b, s);
    if (s->kept_prev)
        s->kept_prev->kept_next = s->kept_next;
    else
        b->kept = s->kept_next;
    if (s->kept_next)
        s->kept_next->kept_prev = s->kept_prev;
    else
        b->kept_last = s->kept_prev;
    s->kept_next = s->kept_prev = NULL;
}

void keep_begin(struct session *s)
{
    struct broker *b = s->broker;
    if (!b->persist || s->no)
        return;
    s->no = ++b->session_no;
    keep_list(s);
}

void keep_list(struct session *s)
{
    struct broker *b = s->broker;
    s->kept_next = NULL;
    s->kept_prev = b->kept_last;
    if (b->kept_last)
        b->kept_last->kept_next = s;
    else
        b->kept = s;
    b->kept_last = s;
}

void keep_end(struct session *s)
{
    struct record r = {.type = RECORD_END, .session = s->no};
    if (!s->no)
        return;
    leave_list(s);
    s->no = 0;
    if (!s->broker->closing)
        persist_put(s->broker, &r, false);
}

static void put_will(struct record *r, const struct session *s)
{
    const struct will *w = s->will;
    if (!w)
        return;
    r->flags |= RECORD_HAS_WILL;
    r->will_flags = w->message->qos | (w->message->retain ? RECORD_RETAIN : 0u);
    r->will_delay_s = w->delay_s;
    r->expires_us = (uint64_t)w->message->expires_us; /* counted from its publication */
    r->topic = w->message->topic;
    r->props = w->message->props;
    r->payload = w->message->payload;
}

static void put_deliveries(struct buf *list, const struct delivery_list *from)
{
    for (const struct delivery *d = from->first; d; d = d->next) {
        unsigned flags = d->qos | (d->retain ? RECORD_RETAIN : 0u);
        flags |= d->state == DELIVERY_SENT ? RECORD_SENT : 0u;
        flags |= d->state == DELIVERY_RELEASED ? RECORD_IS_RELEASED : 0u;
        if (d->qos)
            record_put_item(list, &(struct record_item){.a = d->no,
                                                        .b = d->message ? d->message->seq : 0,
                                                        .flags = (uint8_t)flags,
                                                        .bytes = {d->ids, d->ids_n}});
    }
}

void keep_sub_item(struct buf *list, const struct sub *s)
{
    unsigned flags = s->qos | (s->no_local ? RECORD_NO_LOCAL : 0u) |
                     (s->retain_as_published ? RECORD_AS_PUBLISHED : 0u);
    record_put_item(list,
                    &(struct record_item){.a = s->id, .flags = (uint8_t)flags, .bytes = s->filter});
}

static void put_subs(struct buf *list, const struct session *s)
{
    const struct sub *sub;
    size_t at = 0;
    while ((sub = map_next(&s->subs, &at)))
        keep_sub_item(list, sub);
}

static void put_received(struct buf *list, const struct idset *ids)
{
    for (uint32_t i = 0; i < ids->cap; i++)
        if (ids->slots[i])
            record_put_item(list, &(struct record_item){.a = ids->slots[i]});
}

/* Messages that have no record, or one from before the round.  How many bytes; an error. */
static int keep_messages(struct session *s, const struct delivery_list *list, size_t *left)
{
    for (const struct delivery *d = list->first; d && *left; d = d->next) {
        struct message *m = d->message;
        if (!m || !d->qos || (m->seq && m->seq >= s->broker->round.start))
            continue;
        struct record r = {0};
        int err = put_message(s->broker, m, &r);
        if (err)
            return err;
        *left -= message_size(m) < *left ? message_size(m) : *left;
    }
    return 0;
}

int keep_session(struct session *s)
{
    struct buf subs = {0}, deliveries = {0}, received = {0};
    if (!keeps(s))
        return 0;
    put_subs(&subs, s);
    put_deliveries(&deliveries, &s->flight);
    put_deliveries(&deliveries, &s->queue);
    put_received(&received, &s->received_kept);
    struct record r = {.type = RECORD_SESSION,
                       .session = s->no,
                       .id = s->id,
                       .org = s->space->slug,
                       .subject = slice_str(s->subject),
                       .flags = s->conn ? RECORD_IS_ONLINE : 0,
                       .expiry_s = s->expiry_s,
                       .window = s->conn ? s->conn->quota_max : 0,
                       .ends_us = wall(s->ends_us),
                       .will_us = wall(s->will_us),
                       .next_number = s->last_no,
                       .subs = buf_slice(&subs),
                       .deliveries = buf_slice(&deliveries),
                       .received = buf_slice(&received)};
    put_will(&r, s);
    int err = subs.failed || deliveries.failed || received.failed
                  ? ERR_NOMEM
                  : persist_put(s->broker, &r, false);
    buf_release(&subs);
    buf_release(&deliveries);
    buf_release(&received);
    return err;
}

int keep_online(struct session *s)
{
    struct record r = {.type = RECORD_ONLINE,
                       .session = s->no,
                       .expiry_s = s->expiry_s,
                       .window = s->conn->quota_max};
    put_will(&r, s);
    return persist_put(s->broker, &r, false);
}

void keep_offline(struct session *s)
{
    uint64_t sent = 0;
    for (const struct delivery *d = s->flight.last; d && !sent; d = d->prev)
        sent = d->no;
    struct record r = {.type = RECORD_OFFLINE,
                       .session = s->no,
                       .expiry_s = s->expiry_s,
                       .ends_us = wall(s->ends_us),
                       .will_us = wall(s->will_us),
                       .number = sent};
    if (keeps(s))
        persist_put(s->broker, &r, false);
}

int keep_applied(struct broker *b, bool lazy)
{
    struct record r = {.type = RECORD_APPLIED};
    if (!b->core)
        return 0;
    b->applied = b->updated = r.number = core_applied(b->core);
    return persist_put(b, &r, lazy);
}

int keep_subs(struct session *s, enum record_type type, const struct buf *list)
{
    struct record r = {.type = type, .session = s->no, .subs = buf_slice(list)};
    int err = keep_applied(s->broker, true); /* earlier readings are none of a new subscription's */
    return err ? err : persist_put(s->broker, &r, false);
}

/* How many deliveries are over and perhaps not on the disk: at least as many as really are. */
static uint32_t unkept(struct session *s)
{
    struct broker *b = s->broker;
    if (s->gone_mark <= b->kept_seq) {
        s->gone_before = s->gone_n;
        s->gone_n = 0;
        s->gone_mark = b->put_seq;
    }
    if (b->put_seq <= b->kept_seq)
        s->gone_before = 0;
    return s->gone_n + s->gone_before;
}

void keep_gone(struct session *s, uint64_t delivery)
{
    struct record r = {.type = RECORD_GONE, .session = s->no, .number = delivery};
    if (keeps(s) && !persist_put(s->broker, &r, unkept(s) < UNKEPT_MAX / 2))
        s->gone_n++;
}

bool keep_lags(struct session *s)
{
    if (!keeps(s) || unkept(s) < UNKEPT_MAX || persist_failing(s->broker))
        return false;
    persist_wait_session(s, s->broker->put_seq);
    return true;
}

int keep_number(struct session *s, enum record_type type, uint64_t number)
{
    struct record r = {.type = type, .session = s->no, .number = number};
    return persist_put(s->broker, &r, false);
}

/* ---- rounds ---- */

void round_begin(struct broker *b)
{
    b->round = (struct round){b->put_seq + 1, b->kept, b->retained};
}

void round_skip_session(struct broker *b, const struct session *s)
{
    if (b->round.session == s)
        b->round.session = s->kept_next;
}

void round_skip_node(struct broker *b, const struct tree_node *n)
{
    if (b->round.node == n)
        b->round.node = n->retained_next;
}

/* 0: the session is not through yet, or it is and the next one stands there. */
static int step_session(struct broker *b, size_t *left)
{
    struct session *s = b->round.session;
    int err = keep_messages(s, &s->flight, left);
    if (!err)
        err = keep_messages(s, &s->queue, left);
    if (err || !*left)
        return err;
    err = keep_session(s);
    b->round.session = s->kept_next;
    *left -= *left > 100 ? 100 : *left;
    return err;
}

static int step_node(struct broker *b, size_t *left)
{
    struct tree_node *n = b->round.node;
    struct message *m = n->retained;
    b->round.node = n->retained_next;
    if (m->seq >= b->round.start || slice_starts(m->topic, "$SYS/"))
        return 0;
    struct record r = {.flags = RECORD_STORE};
    *left -= message_size(m) < *left ? message_size(m) : *left;
    return put_message(b, m, &r);
}

int round_step(struct broker *b, size_t bytes)
{
    int err = 0;
    while (!err && bytes && (b->round.session || b->round.node))
        err = b->round.session ? step_session(b, &bytes) : step_node(b, &bytes);
    return err ? err : !b->round.session && !b->round.node;
}
