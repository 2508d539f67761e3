/* From an applied reading to those who subscribed to twins/{id}/sensors/{sensor}.
 *
 * This is on the way of every reading: it costs one test when nobody subscribes to anything that
 * could match, and one look into an array when somebody does (twins_routes.c).
 *
 * A reader at QoS 0 who is slow is owed the newest value of each series and no more: its series are
 * noted once each, and their values are read from the core when the output has drained. */
#include "mqtt/twins_out.h"

#include <stdlib.h>

/* Series of which a slow reader is owed the newest value. */
struct behind {
    uint8_t *noted; /* a bit each */
    size_t noted_n; /* series that fit */
    uint32_t *series;
    size_t n, cap, at;
};

/* ---- slow readers ---- */

static bool behind_grow(struct behind *x, uint32_t series)
{
    if (series >= x->noted_n) {
        size_t n = x->noted_n ? x->noted_n : 1024;
        while (n <= series)
            n *= 2;
        uint8_t *noted = realloc(x->noted, n / 8);
        if (!noted)
            return false;
        memset(noted + x->noted_n / 8, 0, (n - x->noted_n) / 8);
        x->noted = noted;
        x->noted_n = n;
    }
    if (x->n == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 256;
        uint32_t *list = realloc(x->series, cap * sizeof *list);
        if (!list)
            return false;
        x->series = list;
        x->cap = cap;
    }
    return true;
}

static void owe(struct conn *c, uint32_t series)
{
    struct behind *x = c->behind;
    if (!x && !(x = c->behind = calloc(1, sizeof *x)))
        return;
    if (series < x->noted_n && x->noted[series / 8] >> (series % 8) & 1)
        return;
    if (!behind_grow(x, series))
        return;
    x->noted[series / 8] |= (uint8_t)(1u << (series % 8));
    x->series[x->n++] = series;
}

void behind_free(struct behind *x)
{
    if (!x)
        return;
    free(x->noted);
    free(x->series);
    free(x);
}

/* ---- sending ---- */

/* One update on its way to its listeners; what they have in common is made once, when the first of
 * them needs it: for readers who are all behind it never is. */
struct update {
    struct twins_out *t;
    const struct sensor *sensor;
    int64_t t_us;
    struct value value;
    uint8_t quality;
    bool retain, made, foreign;
    uint64_t batch;       /* in which the reading is, when it is new */
    struct message view;  /* for QoS 0: points into t's buffers */
    struct message *kept; /* for QoS 1 */
};

/* reader: the organisation of who is told; all that are told at once call the twin the same. */
static bool make(struct update *u, const struct org *reader)
{
    struct twins_out *t = u->t;
    if (u->made)
        return true;
    twins_write_topic(&t->topic, u->sensor, u->foreign);
    buf_clear(&t->payload);
    core_write_update(&t->payload, reader, u->sensor, u->t_us, u->value, u->quality);
    if (t->topic.failed || t->payload.failed)
        return false;
    t->plain[0].n = t->plain[1].n = 0;
    u->view = (struct message){.refs = 1,
                               .qos = 1,
                               .topic = buf_slice(&t->topic),
                               .props = {"", 0},
                               .payload = buf_slice(&t->payload)};
    return u->made = true;
}

static struct update last_of(struct twins_out *t, const struct sensor *s)
{
    return (struct update){.t = t,
                           .sensor = s,
                           .t_us = s->last.t_us,
                           .value = point_value(&s->last),
                           .quality = s->last.quality};
}

/* The same bytes for everyone at QoS 0 who needs nothing of their own in it. */
static void send_plain(struct update *u, struct conn *c)
{
    struct buf *bytes = &u->t->plain[c->version == MQTT_V5];
    if (!bytes->n) {
        struct mqtt_publish p = {.topic = u->view.topic, .payload = u->view.payload};
        buf_clear(bytes);
        if (mqtt_write_publish(bytes, c->version, &p))
            return;
    }
    if (bytes->n > c->max_packet)
        return;
    struct buf *out = mqtt_conn_out(c);
    size_t before = out->n;
    buf_add_slice(out, buf_slice(bytes));
    u->t->broker->stats.messages_out++;
    u->t->broker->stats.payload_out += u->view.payload.n;
    mqtt_conn_sent(c, before);
}

static void send_to(struct update *u, struct session *s, uint8_t qos, struct slice ids)
{
    struct conn *c = s->conn;
    if (!qos && c && mqtt_conn_queued(c) > OUT_HIGH) {
        owe(c, u->sensor->series);
        return;
    }
    if ((!qos && (!c || c->hold)) || !make(u, s->space->org))
        return;
    if (qos) {
        struct target *t = route_add(u->t->broker, s, 1, ids);
        if (t)
            t->retain_as_published = u->retain;
    } else if (!u->retain && !ids.n && !c->alias_max) {
        send_plain(u, c);
    } else {
        mqtt_conn_send_publish(
            c, &(struct outgoing){.message = &u->view, .retain = u->retain, .ids = ids});
    }
}

/* Those at QoS 1 were gathered in the broker's match since begin(): one record has them all. */
static void begin(const struct update *u)
{
    route_none(u->t->broker);
}

static void end(struct update *u)
{
    struct twins_out *t = u->t;
    if (!t->broker->match.n)
        return;
    u->kept = message_new(u->view.topic, u->view.props, u->view.payload);
    if (!u->kept) {
        t->kept_err = ERR_NOMEM;
        return;
    }
    u->kept->qos = 1;
    struct publishing p = {.message = u->kept, .as_is = true, .batch = u->batch};
    int err = route_send(t->broker, &p);
    if (err)
        t->kept_err = err;
    if (p.seq)
        t->kept_seq = p.seq;
    message_unref(u->kept);
}

int twins_out_kept(struct broker *b, uint64_t *ret_seq)
{
    struct twins_out *t = b->twins;
    int err = t ? t->kept_err : 0;
    if (t) {
        *ret_seq = t->kept_seq;
        t->kept_err = 0;
    }
    return err;
}

static void send_to_share(struct update *u, struct share *share)
{
    char bytes[8];
    struct buf ids = {.p = bytes, .cap = sizeof bytes};
    struct about about;
    if (u->t->broker->access)
        about_sensor(u->t->broker, u->sensor, &about);
    struct sub *s = share_turn(u->t->broker, share, &about);
    if (!s)
        return;
    if (s->id)
        mqtt_props_add_number(&ids, MQTT_SUBSCRIPTION_ID, s->id);
    send_to(u, s->session, s->qos ? 1 : 0, buf_slice(&ids));
}

/* Those from this one on who know the sensor by the same name; behind the last of them. */
static size_t tell(struct update *u, const struct audience *heard_by, size_t i)
{
    begin(u);
    for (; i < heard_by->n && heard_by->listeners[i].foreign == u->foreign; i++) {
        const struct listener *l = &heard_by->listeners[i];
        if (l->session)
            send_to(u, l->session, l->qos, listener_ids(heard_by, l));
        else
            send_to_share(u, l->share);
    }
    end(u);
    return i;
}

static void tell_reading(void *arg, uint64_t batch, struct sensor *s, const struct reading *r)
{
    struct twins_out *t = arg;
    if (!t->filters)
        return;
    const struct audience *heard_by = twins_audience(t, s);
    if (!heard_by || !heard_by->n)
        return;
    struct update u = {.t = t,
                       .sensor = s,
                       .t_us = r->t_us,
                       .value = r->value,
                       .quality = r->quality,
                       .batch = batch};
    size_t i = tell(&u, heard_by, 0);
    if (i < heard_by->n) { /* the others know it by another name */
        u.foreign = true;
        u.made = false;
        tell(&u, heard_by, i);
    }
}

static void on_reading(void *arg, struct sensor *s, const struct reading *r)
{
    struct twins_out *t = arg;
    if (t->filters) /* on the way of every reading */
        tell_reading(t, core_applied(t->broker->core), s, r);
}

void twins_out_replay(struct broker *b)
{
    if (b->core)
        core_replayed(b->core, b->applied, tell_reading, b->twins);
}

/* The newest value of a series to one session, if it listens (still). */
static void send_last(struct twins_out *t, const struct sensor *s, struct session *to)
{
    const struct audience *heard_by = twins_audience(t, s);
    for (size_t i = 0; heard_by && i < heard_by->n; i++) {
        const struct listener *l = &heard_by->listeners[i];
        if (l->session != to)
            continue;
        struct update u = last_of(t, s);
        u.foreign = l->foreign;
        begin(&u);
        send_to(&u, to, l->qos, listener_ids(heard_by, l));
        end(&u);
    }
}

void twins_catch_up(struct conn *c)
{
    struct behind *x = c->behind;
    struct twins_out *t = c->broker->twins;
    if (!x || !t)
        return;
    while (x->at < x->n && mqtt_conn_queued(c) < OUT_HIGH) {
        uint32_t series = x->series[x->at++];
        const struct sensor *s = core_series(c->broker->core, series);
        x->noted[series / 8] &= (uint8_t) ~(1u << (series % 8));
        if (s && s->has_value)
            send_last(t, s, c->session);
    }
    if (x->at == x->n) {
        behind_free(x);
        c->behind = NULL;
    }
}

/* ---- the last values for a new subscription ---- */

static bool level_matches(struct slice want, const char *have)
{
    return slice_is(want, "+") || slice_is(want, have);
}

/* The levels of a filter that twins_filter() has accepted; "+" for what # covers. */
static void split(struct slice filter, struct slice *ret_twin, struct slice *ret_sensor)
{
    struct slice level[4];
    for (size_t i = 0; i < 4; i++)
        if (!slice_cut(&filter, '/', &level[i]) || slice_is(level[i], "#")) {
            for (; i < 4; i++)
                level[i] = SLICE_LIT("+");
            break;
        }
    *ret_twin = level[1];
    *ret_sensor = level[3];
}

static bool is_for(const struct conn *c, const struct sensor *s)
{
    struct about about;
    if (!c->session->who || c->session->who->everything)
        return true;
    about_sensor(c->broker, s, &about);
    return may_hear(c->broker, c->session->who, &about);
}

static void replay_twin(struct conn *c, const struct twin *twin, struct slice sensor, uint8_t qos,
                        struct slice ids)
{
    struct twins_out *t = c->broker->twins;
    bool foreign = space_of_twin(c->broker, twin) != c->session->space;
    for (size_t i = 0; i < twin->sensors_n; i++) {
        const struct sensor *s = twin->sensors[i];
        if (!s->has_value || s->retired || !level_matches(sensor, s->id) || !is_for(c, s))
            continue;
        struct update u = last_of(t, s);
        u.foreign = foreign;
        u.retain = true;
        begin(&u);
        send_to(&u, c->session, qos ? 1 : 0, ids);
        end(&u);
    }
}

/* Where the twins behind this key begin. */
static size_t behind_key(struct twin *const *twins, size_t n, const char *key)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(twins[mid]->key, key) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool twins_replay_step(struct conn *c, struct slice filter, uint8_t qos, struct slice ids,
                       struct twins_replay *at)
{
    struct slice twin, sensor, key;
    struct org *org;
    size_t n;
    if (!c->broker->twins)
        return false;
    split(filter, &twin, &sensor);
    if (!slice_is(twin, "+")) {
        struct buf scratch = {0};
        const struct principal *who = c->session->who;
        bool known = who && !access_key(c->broker->access, who, twin, &scratch, &key, &org);
        const struct twin *one = known ? core_twin(c->broker->core, key) : NULL;
        if (one)
            replay_twin(c, one, sensor, qos, ids);
        buf_release(&scratch);
        return false;
    }
    struct twin *const *twins = core_twins(c->broker->core, &n);
    size_t i = behind_key(twins, n, at->twin);
    if (i == n)
        return false;
    replay_twin(c, twins[i], sensor, qos, ids);
    strncpy(at->twin, twins[i]->key, sizeof at->twin - 1);
    return true;
}

/* ---- beginning and end ---- */

static void on_event(void *arg, const struct core_event *e)
{
    struct twins_out *t = arg;
    if (e->kind == EVENT_TWIN_DELETED) /* whose sessions end */
        t->broker->rights_changed = t->broker->access != NULL;
}

int twins_out_init(struct broker *b)
{
    struct twins_out *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->broker = b;
    t->generation = 1;
    t->tap = (struct core_tap){.on_reading = on_reading, .on_event = on_event, .arg = t};
    core_tap_add(b->core, &t->tap);
    b->twins = t;
    return 0;
}

void twins_out_release(struct broker *b)
{
    struct twins_out *t = b->twins;
    if (!t)
        return;
    core_tap_remove(b->core, &t->tap);
    twins_routes_release(t);
    buf_release(&t->topic);
    buf_release(&t->payload);
    buf_release(&t->plain[0]);
    buf_release(&t->plain[1]);
    free(t);
    b->twins = NULL;
}
