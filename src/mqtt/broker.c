/* broker.c - the beginning and the end, the clock, the numbers. */
#include "mqtt/persist.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { ROOM_MS = 5, STRANGERS = 1000 /* connections above the limit that are told so */ };

/* ---- waiting for room ---- */

void broker_wait_for_room(struct broker *b, struct conn *c)
{
    if (c->waiting)
        return;
    c->waiting = true;
    c->wait_prev = NULL;
    c->wait_next = b->waiting;
    if (c->wait_next)
        c->wait_next->wait_prev = c;
    if (!b->waiting)
        loop_timer_start(b->room, ROOM_MS, ROOM_MS);
    b->waiting = c;
}

static bool has_room(const struct broker *b)
{
    return (!b->core || core_has_room(b->core)) && persist_has_room(b);
}

static void room_tick(void *arg)
{
    struct broker *b = arg;
    struct conn *next;
    if (!has_room(b))
        return;
    for (struct conn *c = b->waiting; c; c = next) {
        next = c->wait_next;
        if (c->acks_n <= ACKS_HIGH / 2 && !mqtt_conn_paced(c))
            mqtt_conn_continue(c); /* it may wait again, or end: but it alone */
        if (!has_room(b))
            break;
    }
    if (!b->waiting)
        loop_timer_stop(b->room);
}

/* ---- the clock ---- */

static void check_conn(struct broker *b, struct conn *c, int64_t now)
{
    if (!c->session) {
        if (now - c->since_us > (int64_t)b->opts.connect_ms * 1000)
            mqtt_conn_close(c, MQTT_UNSPECIFIED, "no CONNECT came");
        return;
    }
    bool deaf = c->full || c->waiting || c->hold; /* then it is us who do not listen */
    if (c->keep_alive_us && !deaf && now - c->last_in_us > c->keep_alive_us)
        mqtt_conn_close(c, MQTT_KEEP_ALIVE_TIMEOUT, "nothing was heard for too long");
    /* [MQTT-3.1.2-22]; 3.1.1 [MQTT-3.1.2-24] */
}

void broker_tick(struct broker *b)
{
    int64_t now = clock_mono_us();
    struct conn *next;
    for (struct conn *c = b->conns; c; c = next) {
        next = c->next; /* closing one closes no other */
        check_conn(b, c, now);
    }
    persist_tick(b);
    enter_tick(b);
    sessions_tick(b, now);
    sys_tick(b, now);
    if (now >= b->expire_us) {
        b->expire_us = now + INT64_C(60000000);
        retained_expire(b);
    }
}

static void on_tick(void *arg)
{
    broker_tick(arg);
}

/* ---- beginning and end ---- */

static void draw_prefix(struct broker *b)
{
    uint64_t r = (uint64_t)clock_now_us();
    if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
        r ^= (uint64_t)(uintptr_t)b;
    snprintf(b->id_prefix, sizeof b->id_prefix, "%016llx", (unsigned long long)r);
}

static void set_defaults(struct broker_opts *o)
{
    if (!o->max_packet)
        o->max_packet = MAX_PACKET;
    if (!o->max_queued)
        o->max_queued = MAX_QUEUED;
    if (!o->max_connections)
        o->max_connections = MAX_CONNECTIONS;
    if (!o->connect_ms)
        o->connect_ms = CONNECT_MS;
    if (!o->keep_alive_max_s)
        o->keep_alive_max_s = KEEP_ALIVE_MAX_S;
}

int broker_new(struct loop *l, struct core *c, const struct broker_opts *opts, struct broker **ret)
{
    struct broker *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    b->loop = l;
    b->core = c;
    b->access = c ? core_access(c) : NULL;
    b->home.org = b->access ? access_first_org(b->access) : NULL;
    if (opts)
        b->opts = *opts;
    set_defaults(&b->opts);
    draw_prefix(b);
    enter_watch(b);
    b->started_us = b->load_us = clock_mono_us();
    b->expire_us = b->started_us + INT64_C(60000000);
    int err = loop_timer_new(l, on_tick, b, &b->tick);
    if (!err)
        err = loop_timer_new(l, room_tick, b, &b->room);
    if (!err && c)
        err = twins_out_init(b);
    if (!err && b->opts.dir)
        err = persist_open(b, b->opts.dir);
    b->opts.dir = NULL; /* it is not ours */
    if (!err)
        err = sparkplug_init(b);
    if (err) {
        broker_free(b);
        return err;
    }
    loop_timer_start(b->tick, TICK_MS, TICK_MS);
    *ret = b;
    return 0;
}

/* The answers of the core that are still to come find that nobody is there. */
static void let_go_of_pendings(struct broker *b)
{
    struct pending *p;
    while ((p = b->pendings)) {
        b->pendings = p->next;
        p->broker = NULL;
        p->next = p->prev = NULL;
    }
    while ((p = b->spare)) {
        b->spare = p->next;
        free(p);
    }
}

void broker_goodbye(struct broker *b)
{
    if (!b->closing)
        sparkplug_state(b, false);
    if (!b->closing)
        persist_settle(b); /* those who wait for it are still there to hear */
    b->closing = true;     /* no wills: nobody is left to hear them */
    while (b->conns)
        mqtt_conn_close(b->conns, MQTT_SHUTTING_DOWN, "the server is shutting down");
}

void broker_free(struct broker *b)
{
    struct session *s;
    size_t at;
    if (!b)
        return;
    broker_goodbye(b);
    enter_unwatch(b);
    loop_timer_free(b->tick);
    loop_timer_free(b->room);
    persist_close(b);
    for (at = 0; (s = map_next(&b->sessions, &at)); at = 0)
        session_end(s);
    let_go_of_pendings(b);
    sparkplug_release(b);
    twins_out_release(b);
    retained_drop_all(b);
    spaces_release(b);
    map_release(&b->sessions);
    route_release(&b->match);
    buf_release(&b->scratch);
    buf_release(&b->place);
    free(b);
}

static bool is_crowded(const struct broker *b)
{
    return b->conns_n >= (size_t)b->opts.max_connections + STRANGERS;
}

void broker_accept(void *arg, struct net_conn *net)
{
    struct broker *b = arg;
    if (b->closing || is_crowded(b) || !mqtt_conn_new(b, net))
        net_abort(net);
}

int broker_join(struct broker *b, const struct broker_carrier *carrier, void *arg,
                const struct broker_guest *guest, struct conn **ret)
{
    struct conn *c = b->closing || is_crowded(b) ? NULL : mqtt_conn_new(b, NULL);
    if (!c)
        return b->closing || is_crowded(b) ? ERR_BUSY : ERR_NOMEM;
    c->carrier = carrier;
    c->carrier_arg = arg;
    c->grant = guest->grant;
    c->who = guest->who ? principal_ref(guest->who) : NULL;
    c->anonymous = guest->anonymous;
    *ret = c;
    return 0;
}

void broker_stats(const struct broker *b, struct broker_stats *ret)
{
    *ret = b->stats;
    ret->connections = b->conns_n;
    ret->sessions = b->sessions.count;
    ret->subscriptions = b->subs_n;
    ret->sessions_away = b->offline_n;
    ret->shared = b->shared_n;
    ret->retained = b->retained_n;
    ret->retained_bytes = b->retained_bytes;
}

void broker_waiting(const struct broker *b, struct broker_waiting *ret)
{
    const struct session *s;
    size_t at = 0;
    *ret = (struct broker_waiting){0};
    while ((s = map_next(&b->sessions, &at))) {
        ret->in_flight += s->flight.n;
        ret->queued += s->queue.n;
        ret->queued_bytes += s->queue_bytes;
    }
}

int broker_tell(struct broker *b, const struct org *org, struct slice topic, struct slice payload)
{
    struct message *m = message_new(topic, slice_of("", 0), payload);
    if (!m)
        return ERR_NOMEM;
    m->qos = 1;
    m->space = space_of_org(b, org);
    broker_publish(b, NULL, m, false);
    message_unref(m);
    return 0;
}
