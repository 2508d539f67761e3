/* From an applied reading to those who subscribed to twins/{id}/sensors/{sensor}.
 *
 * This is on the way of every reading, so it costs one test when nobody subscribes to anything
 * that could match, and one look into an array by the series' number when somebody does: who hears
 * a series is worked out once and kept until a subscription that could match a twin comes or goes
 * (`generation`).
 *
 * A reader at QoS 0 who is slow is owed the newest value of each series and no more: its series are
 * noted once each, and their values are read from the core when the output has drained. */
#include "mqtt/internal.h"

#include <stdlib.h>

struct listener {
    struct session *session; /* NULL: the member of `share` whose turn it is */
    struct share *share;
    uint8_t qos;
    struct slice ids; /* the bytes stand behind the route's listeners */
};

struct route {
    uint32_t generation; /* 0: never worked out */
    uint32_t n;
    struct listener *listeners; /* NULL when n is 0 */
};

struct twins_out {
    struct broker *broker;
    struct core_tap tap;
    struct route *routes; /* by series */
    size_t routes_n;
    uint32_t generation;
    size_t filters;                      /* subscriptions that could match */
    struct buf topic, payload, plain[2]; /* plain: the PUBLISH at QoS 0 for 3.1.1 and 5.0 */
};

/* Series of which a slow reader is owed the newest value. */
struct behind {
    uint8_t *noted; /* a bit each */
    size_t noted_n; /* series that fit */
    uint32_t *series;
    size_t n, cap, at;
};

/* ---- who listens ---- */

bool twins_filter(struct slice filter)
{
    struct slice level;
    static const char *const want[] = {"twins", NULL, "sensors", NULL};
    for (size_t i = 0; i < 4; i++) {
        if (!slice_cut(&filter, '/', &level))
            return false;
        if (slice_is(level, "#"))
            return true;
        if (want[i] && !slice_is(level, "+") && !slice_is(level, want[i]))
            return false;
    }
    return !filter.p || slice_is(filter, "#");
}

void twins_subscribers_changed(struct broker *b, struct slice filter, int by)
{
    struct twins_out *t = b->twins;
    if (!t || !twins_filter(filter))
        return;
    t->filters += (size_t)by;
    if (++t->generation == 0)
        t->generation = 1;
}

static void route_clear(struct route *r)
{
    free(r->listeners);
    *r = (struct route){0};
}

static void write_topic(struct buf *out, const struct sensor *s)
{
    buf_clear(out);
    buf_add_str(out, "twins/");
    buf_add_str(out, s->twin->id);
    buf_add_str(out, "/sensors/");
    buf_add_str(out, s->id);
}

/* Ask the tree who hears s->topic, and keep the answer. */
static void work_out(struct twins_out *t, struct route *r, const struct sensor *s)
{
    write_topic(&t->topic, s);
    if (t->topic.failed)
        return;
    const struct match *m = route_match(t->broker, buf_slice(&t->topic), NULL);
    size_t n = m->n + m->shares_n, bytes = n * sizeof(struct listener);
    for (size_t i = 0; i < m->n; i++)
        bytes += m->items[i].ids.n;
    struct listener *list = n ? malloc(bytes) : NULL;
    if (n && !list)
        return; /* tried again at the next reading */
    char *at = (char *)(list + n);
    for (size_t i = 0; i < m->n; i++) {
        const struct target *from = &m->items[i];
        list[i] = (struct listener){
            .session = from->session, .qos = from->qos ? 1 : 0, .ids = {at, from->ids.n}};
        if (from->ids.n)
            memcpy(at, from->ids.p, from->ids.n);
        at += from->ids.n;
    }
    for (size_t i = 0; i < m->shares_n; i++)
        list[m->n + i] = (struct listener){.share = m->shares[i]};
    free(r->listeners);
    *r = (struct route){t->generation, (uint32_t)n, list};
}

static struct route *route_of(struct twins_out *t, const struct sensor *s)
{
    if (s->series >= t->routes_n) {
        size_t n = t->routes_n ? t->routes_n : 256;
        while (n <= s->series)
            n *= 2;
        struct route *routes = realloc(t->routes, n * sizeof *routes);
        if (!routes)
            return NULL;
        memset(routes + t->routes_n, 0, (n - t->routes_n) * sizeof *routes);
        t->routes = routes;
        t->routes_n = n;
    }
    struct route *r = &t->routes[s->series];
    if (r->generation != t->generation)
        work_out(t, r, s);
    return r->generation == t->generation ? r : NULL;
}

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
    bool retain, made;
    struct message view;  /* for QoS 0: points into t's buffers */
    struct message *kept; /* for QoS 1 */
};

static bool make(struct update *u)
{
    struct twins_out *t = u->t;
    if (u->made)
        return true;
    write_topic(&t->topic, u->sensor);
    buf_clear(&t->payload);
    core_write_update(&t->payload, u->sensor, u->t_us, u->value, u->quality);
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
    mqtt_conn_sent(c, before);
}

static void send_to(struct update *u, struct session *s, uint8_t qos, struct slice ids)
{
    struct conn *c = s->conn;
    if (!qos && c && mqtt_conn_queued(c) > OUT_HIGH) {
        owe(c, u->sensor->series);
        return;
    }
    if ((!qos && !c) || !make(u))
        return;
    if (qos) {
        if (!u->kept)
            u->kept = message_new(u->view.topic, u->view.props, u->view.payload);
        if (!u->kept)
            return;
        u->kept->qos = 1;
        session_deliver(s, u->kept, 1, u->retain, ids);
    } else if (!u->retain && !ids.n && !c->alias_max) {
        send_plain(u, c);
    } else {
        mqtt_conn_send_publish(
            c, &(struct outgoing){.message = &u->view, .retain = u->retain, .ids = ids});
    }
}

static void send_to_share(struct update *u, struct share *share)
{
    char bytes[8];
    struct buf ids = {.p = bytes, .cap = sizeof bytes};
    struct sub *s = share_turn(share);
    if (!s)
        return;
    if (s->id)
        mqtt_props_add_number(&ids, MQTT_SUBSCRIPTION_ID, s->id);
    send_to(u, s->session, s->qos ? 1 : 0, buf_slice(&ids));
}

static void on_reading(void *arg, struct sensor *s, const struct reading *r)
{
    struct twins_out *t = arg;
    if (!t->filters)
        return;
    const struct route *route = route_of(t, s);
    if (!route || !route->n)
        return;
    struct update u = {
        .t = t, .sensor = s, .t_us = r->t_us, .value = r->value, .quality = r->quality};
    for (uint32_t i = 0; i < route->n; i++) {
        const struct listener *l = &route->listeners[i];
        if (l->session)
            send_to(&u, l->session, l->qos, l->ids);
        else
            send_to_share(&u, l->share);
    }
    message_unref(u.kept);
}

/* The newest value of a series to one session, if it listens (still). */
static void send_last(struct twins_out *t, const struct sensor *s, struct session *to)
{
    const struct route *route = route_of(t, s);
    for (uint32_t i = 0; route && i < route->n; i++) {
        const struct listener *l = &route->listeners[i];
        if (l->session != to)
            continue;
        struct update u = last_of(t, s);
        send_to(&u, to, l->qos, l->ids);
        message_unref(u.kept);
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

static void replay_twin(struct conn *c, const struct twin *twin, struct slice sensor, uint8_t qos,
                        struct slice ids)
{
    struct twins_out *t = c->broker->twins;
    for (size_t i = 0; i < twin->sensors_n; i++) {
        const struct sensor *s = twin->sensors[i];
        if (!s->has_value || s->retired || !level_matches(sensor, s->id))
            continue;
        struct update u = last_of(t, s);
        u.retain = true;
        send_to(&u, c->session, qos ? 1 : 0, ids);
        message_unref(u.kept);
    }
}

/* Where the twins behind this id begin. */
static size_t behind_id(struct twin *const *twins, size_t n, const char *id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(twins[mid]->id, id) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool twins_replay_step(struct conn *c, struct slice filter, uint8_t qos, struct slice ids,
                       struct twins_replay *at)
{
    struct slice twin, sensor;
    size_t n;
    if (!c->broker->twins)
        return false;
    split(filter, &twin, &sensor);
    if (!slice_is(twin, "+")) {
        const struct twin *one = core_twin(c->broker->core, twin);
        if (one)
            replay_twin(c, one, sensor, qos, ids);
        return false;
    }
    struct twin *const *twins = core_twins(c->broker->core, &n);
    size_t i = behind_id(twins, n, at->twin);
    if (i == n)
        return false;
    replay_twin(c, twins[i], sensor, qos, ids);
    strncpy(at->twin, twins[i]->id, sizeof at->twin - 1);
    return true;
}

/* ---- beginning and end ---- */

int twins_out_init(struct broker *b)
{
    struct twins_out *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->broker = b;
    t->generation = 1;
    t->tap = (struct core_tap){.on_reading = on_reading, .arg = t};
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
    for (size_t i = 0; i < t->routes_n; i++)
        route_clear(&t->routes[i]);
    free(t->routes);
    buf_release(&t->topic);
    buf_release(&t->payload);
    buf_release(&t->plain[0]);
    buf_release(&t->plain[1]);
    free(t);
    b->twins = NULL;
}
