/* stream.c - /api/v1/stream: live values over WebSocket, and readings in.
 *
 * Who wants a series is worked out when the series first speaks after any subscription changed
 * (stream_wants.c), so a reading that nobody wants costs one comparison.  What a client is owed for
 * one sensor is a slot; a slot that waits holds no value: when its turn comes, the sensor's newest
 * one is sent.  It waits in `later`, a small wheel of the timer's ticks, for its rate; in `ready`
 * it waits for nothing but a reader that is too slow.
 *
 * Without a rate each reading is written into the client's batch at once, and the batch leaves as
 * one frame at the end of the loop's turn. */
#include "api/internal.h"
#include "api/stream_client.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- out ---- */

void client_flush(struct client *k)
{
    if (!k->batch_n)
        return;
    if (k->batch_n > 1)
        buf_add_byte(&k->batch, ']');
    if (k->ws && k->batch.failed) {
        ws_close(k->ws, 1011, "out of memory"); /* it would not know what it did not get */
    } else if (k->ws) {
        /* the room for the bracket stands in front */
        size_t skip = k->batch_n > 1 ? 0 : 1;
        ws_send(k->ws, true, slice_of(k->batch.p + skip, k->batch.n - skip));
    }
    buf_clear(&k->batch);
    k->batch_n = 0;
}

static void batch_update(struct client *k, const struct sensor *s, int64_t t_us, struct value v,
                         uint8_t quality)
{
    buf_add_byte(&k->batch, k->batch_n ? ',' : '[');
    k->batch_n++;
    loop_at_end(k->stream->api->loop, &k->hook);
    core_write_update(&k->batch, k->who->org, s, t_us, v, quality);
    if (k->batch.n > FRAME_BYTES)
        client_flush(k);
}

static bool is_slow(const struct client *k)
{
    return k->ws && ws_queued(k->ws) > SLOW_BYTES;
}

static int64_t tick_of(int64_t mono_us)
{
    return mono_us / (TIMER_MS * 1000);
}

/* It is not due yet: the wheel comes back to it. */
static void slot_later(struct client *k, struct slot *slot)
{
    int64_t tick = tick_of(slot->sent_us + slot->interval_us) + 1;
    if (tick > k->later_at + LATER_TICKS - 1)
        tick = k->later_at + LATER_TICKS - 1; /* looked at again then */
    if (tick <= k->later_at)
        tick = k->later_at + 1;
    slots_add(&k->later[tick % LATER_TICKS], slot);
}

static bool is_due(const struct slot *slot, int64_t now)
{
    return now - slot->sent_us >= slot->interval_us;
}

static void turn_later(struct client *k, int64_t now)
{
    int64_t tick = tick_of(now);
    if (tick - k->later_at > LATER_TICKS)
        k->later_at = tick - LATER_TICKS;
    while (k->later_at < tick) {
        struct slots *list = &k->later[++k->later_at % LATER_TICKS];
        for (struct slot *slot; (slot = list->first);) {
            if (is_due(slot, now))
                slots_add(&k->ready, slot);
            else
                slot_later(k, slot); /* never into this list */
        }
    }
}

static void send_missed(struct client *k)
{
    char text[80];
    int n = snprintf(text, sizeof text, "{\"event\":\"missed\",\"count\":%llu}",
                     (unsigned long long)k->missed);
    k->missed = 0;
    ws_send(k->ws, true, slice_of(text, (size_t)n));
}

void client_pump(struct client *k)
{
    if (!k->ws || walk_is_on(k) || is_slow(k))
        return;
    if (k->missed)
        send_missed(k);
    int64_t now = clock_mono_us();
    turn_later(k, now);
    for (struct slot *slot; (slot = k->ready.first) && !is_slow(k);) {
        const struct sensor *s = slot->sensor;
        if (!is_due(slot, now)) { /* asked for again before its time */
            slot_later(k, slot);
            continue;
        }
        slot_out(slot);
        slot->sent_us = now;
        if (s->has_value && !s->retired)
            batch_update(k, s, s->last.t_us, point_value(&s->last), s->last.quality);
    }
}

static void at_end_of_turn(void *arg)
{
    client_flush(arg);
}

static void go_on(struct client *k)
{
    client_pump(k);
    client_flush(k);
    if (!k->paused || walk_is_on(k) || !core_has_room(k->stream->api->core) ||
        org_wait_us(k->who->org) || ws_queued(k->ws) > DEAF_BYTES)
        return;
    k->paused = false;
    ws_resume(k->ws);
}

static void on_timer(void *arg)
{
    struct stream *st = arg;
    for (struct client *k = st->clients, *next; k; k = next) {
        next = k->next;
        go_on(k);
    }
}

/* ---- the core's taps ---- */

static void offer(struct client *k, struct slot *slot, const struct sensor *s,
                  const struct reading *r)
{
    if (slot->link && slot->in == &k->ready)
        return; /* the newest is owed already */
    /* of what is being asked for nothing is sent before the answer */
    bool asked = walk_is_on(k) && (!slot->message || slot->message == k->message);
    if (asked || is_slow(k)) {
        slots_add(&k->ready, slot);
        return;
    }
    if (slot->interval_us) {
        int64_t now = clock_mono_us();
        if (!is_due(slot, now)) {
            if (!slot->link)
                slot_later(k, slot);
            return;
        }
        slot->sent_us = now;
    }
    slot_out(slot);
    batch_update(k, s, r->t_us, r->value, r->quality);
}

static void on_reading(void *arg, struct sensor *s, const struct reading *r)
{
    struct stream *st = arg;
    struct wanted *w = st->clients_n ? wants_of(st, s) : NULL;
    for (uint32_t i = 0; w && i < w->n; i++)
        offer(w->list[i].client, w->list[i].slot, s, r);
}

static void write_event(struct buf *b, const struct core_event *e)
{
    static const char *const names[] = {"twin-created", "twin-changed", "twin-deleted", "state",
                                        "rejection"};
    struct json_writer w;
    json_writer_init(&w, b, 0);
    json_open(&w, '{');
    json_key(&w, "event");
    json_put_cstr(&w, names[e->kind]);
    if (e->twin) {
        json_key(&w, "twin");
        json_put_cstr(&w, e->twin->id);
    }
    if (e->kind == EVENT_STATE) {
        json_key(&w, "state");
        json_put_cstr(&w, state_name(e->twin->state));
    }
    if (e->rejection)
        write_rejection(&w, e->rejection);
    json_close(&w, '}');
}

/* Is it any of their business? */
static bool hears(const struct client *k, const struct core_event *e)
{
    const struct access *a = core_access(k->stream->api->core);
    struct org *org = e->twin ? e->twin->org : NULL;
    if (!e->twin) {
        const struct access_object o = {.org = k->who->org};
        return access_may(a, k->who, OP_REJECTIONS_READ, &o) &&
               rejection_is_for(k->stream->api->core, k->who, e->rejection);
    }
    const struct access_object o = {.org = org, .twin = slice_str(e->twin->key)};
    return org == k->who->org && access_may(a, k->who, OP_TWIN_READ, &o);
}

static void on_event(void *arg, const struct core_event *e)
{
    struct stream *st = arg;
    struct buf b = {0};
    for (struct client *k = st->clients; k; k = k->next) {
        if (!k->events || !k->ws || !hears(k, e))
            continue;
        if (!b.n)
            write_event(&b, e);
        client_flush(k); /* events stand in frames of their own */
        if (b.failed || k->missed || is_slow(k))
            k->missed++;
        else
            ws_send(k->ws, true, buf_slice(&b));
    }
    buf_release(&b);
    if (e->kind == EVENT_TWIN_DELETED)
        wants_forget_twin(st, e->twin);
}

/* {"event":"alarm","step":"raised","alarm":{...}}; those that a flood tells of are not told. */
static void on_alarm(void *arg, const struct alarm *alarm, enum alarm_step step)
{
    struct stream *st = arg;
    struct buf b = {0};
    const struct org *written_for = NULL;
    for (struct client *k = st->clients; k; k = k->next) {
        if (!k->alarms || !k->ws || alarm->group ||
            !alarm_may(st->api->alarms, k->who, OP_ALARMS_READ, alarm))
            continue;
        if (!b.n || written_for != k->who->org) { /* who calls the twin by another name */
            struct json_writer w;
            buf_clear(&b);
            buf_addf(&b, "{\"event\":\"alarm\",\"step\":\"%s\",\"alarm\":", alarm_step_name(step));
            json_writer_init(&w, &b, 0);
            alarm_write(&w, st->api->alarms, k->who, alarm);
            buf_add_byte(&b, '}');
            written_for = k->who->org;
        }
        client_flush(k);
        if (b.failed || k->missed || is_slow(k))
            k->missed++;
        else
            ws_send(k->ws, true, buf_slice(&b));
    }
    buf_release(&b);
}

/* ---- coming and going ---- */

static void client_unref(struct client *k)
{
    if (--k->refs)
        return;
    principal_unref(k->who);
    buf_release(&k->batch);
    free(k);
}

static void on_close(void *arg, int code)
{
    struct client *k = arg;
    struct stream *st = k->stream;
    (void)code;
    k->ws = NULL;
    walk_end(k);
    wants_remove_all(k);
    loop_disarm(st->api->loop, &k->hook);
    for (struct client **at = &st->clients; *at; at = &(*at)->next) {
        if (*at != k)
            continue;
        *at = k->next;
        st->clients_n--;
        break;
    }
    client_unref(k);
}

static void on_drain(void *arg)
{
    go_on(arg);
}

static void on_message(void *arg, bool text, struct slice message)
{
    struct client *k = arg;
    if (!text)
        client_binary(k, message);
    else
        client_message(k, message);
    if (k->ws && !k->paused && (walk_is_on(k) || ws_queued(k->ws) > DEAF_BYTES)) {
        k->paused = true; /* the timer goes on with it */
        ws_pause(k->ws);
    }
}

void client_ref(struct client *k)
{
    k->refs++;
}

void client_release(struct client *k)
{
    client_unref(k);
}

void stream_open(struct call *call)
{
    static const struct ws_opts opts = {
        .max_message = MESSAGE_MAX, .ping_ms = 30000, .check_origin = true};
    static const struct ws_events events = {on_message, on_drain, on_close};
    struct stream *st = call->api->stream;
    struct client *k = calloc(1, sizeof *k);
    if (!k) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    k->who = principal_ref(call->who); /* the call ends with the request, by being accepted */
    if (!ws_accept(call->req, &opts, &events, k, &k->ws)) {
        principal_unref(k->who);
        free(k);
        return;
    }
    k->refs = 1;
    k->stream = st;
    slots_init(&k->ready);
    for (size_t i = 0; i < LATER_TICKS; i++)
        slots_init(&k->later[i]);
    k->later_at = tick_of(clock_mono_us());
    k->hook = (struct loop_hook){.fn = at_end_of_turn, .arg = k};
    k->walking = (struct loop_hook){.fn = walk_turn, .arg = k};
    k->next = st->clients;
    st->clients = k;
    st->clients_n++;
}

enum { CLOSE_UNAUTHENTICATED = 4401 }; /* of ours: sign in again */

static void on_access(void *arg)
{
    struct stream *st = arg;
    st->generation++;
    for (struct client *k = st->clients; k; k = k->next) {
        if (!k->ws)
            continue;
        if (k->who->gone)
            ws_close(k->ws, CLOSE_UNAUTHENTICATED, "the session or token has ended");
        else
            wants_judge(k);
    }
}

int stream_new(struct api *a, struct stream **ret)
{
    struct stream *st = calloc(1, sizeof *st);
    if (!st || loop_timer_new(a->loop, on_timer, st, &st->timer)) {
        free(st);
        return ERR_NOMEM;
    }
    st->api = a;
    st->generation = 1;
    st->tap = (struct core_tap){.on_reading = on_reading, .on_event = on_event, .arg = st};
    core_tap_add(a->core, &st->tap);
    st->watch = (struct access_watch){.on_change = on_access, .arg = st};
    access_watch_add(core_access(a->core), &st->watch);
    st->alarms = (struct alarms_watch){.on_step = on_alarm, .arg = st};
    if (a->alarms)
        alarms_watch_add(a->alarms, &st->alarms);
    loop_timer_start(st->timer, TIMER_MS, TIMER_MS);
    *ret = st;
    return 0;
}

void stream_free(struct stream *st)
{
    if (!st)
        return;
    core_tap_remove(st->api->core, &st->tap);
    access_watch_remove(core_access(st->api->core), &st->watch);
    if (st->api->alarms)
        alarms_watch_remove(st->api->alarms, &st->alarms);
    loop_timer_free(st->timer);
    wants_release(st);
    free(st);
}

size_t stream_clients(const struct stream *st)
{
    return st->clients_n;
}
