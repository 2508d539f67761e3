/* stream.c - /api/v1/stream: live values over WebSocket, and readings in.
 *
 * A client's subscriptions are indexed by twin.  Who wants a series is worked out when the series
 * first speaks after any subscription changed, and kept in `wanted`, so a reading that nobody wants
 * costs one comparison.  What a client is owed for one sensor is a slot; a slot that waits (the
 * rate, or a reader that is too slow) holds no value: when its turn comes, the sensor's newest one
 * is sent.
 *
 * Without a rate each reading is written into the client's batch at once, and the batch leaves as
 * one frame at the end of the loop's turn. */
#include "api/internal.h"
#include "api/stream_client.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static void client_unref(struct client *k);

/* ---- who wants a series ---- */

static bool sub_wants(const struct sub *sub, const struct sensor *s)
{
    return (!sub->twin[0] || strcmp(sub->twin, s->twin->id) == 0) &&
           (!sub->sensor[0] || strcmp(sub->sensor, s->id) == 0);
}

/* The shortest interval of the client's subscriptions that want the sensor; -1: none does. */
static int64_t wanted_interval(const struct client *k, const struct sensor *s)
{
    int64_t least = -1;
    for (size_t i = 0; i < k->subs_n; i++)
        if (sub_wants(&k->subs[i], s) && (least < 0 || k->subs[i].interval_us < least))
            least = k->subs[i].interval_us;
    return least;
}

static struct slot *slot_get(struct client *k, struct sensor *s)
{
    char key[4];
    memcpy(key, &s->series, sizeof key);
    struct slot *slot = map_get(&k->slots, slice_of(key, sizeof key));
    if (slot)
        return slot;
    if (!(slot = calloc(1, sizeof *slot)))
        return NULL;
    slot->sensor = s;
    slot->series = s->series;
    if (map_put(&k->slots, slice_of((char *)&slot->series, sizeof slot->series), slot, NULL)) {
        free(slot);
        return NULL;
    }
    return slot;
}

static int want_room(struct stream *st, uint32_t series)
{
    if (series < st->wanted_n)
        return 0;
    size_t n = st->wanted_n ? st->wanted_n : 256;
    while (n <= series)
        n *= 2;
    struct wanted *more = realloc(st->wanted, n * sizeof *more);
    if (!more)
        return ERR_NOMEM;
    memset(more + st->wanted_n, 0, (n - st->wanted_n) * sizeof *more);
    st->wanted = more;
    st->wanted_n = n;
    return 0;
}

static void resolve_one(struct wanted *w, struct client *k, struct sensor *s)
{
    int64_t interval = wanted_interval(k, s);
    if (interval < 0)
        return;
    struct slot *slot = slot_get(k, s);
    if (!slot)
        return;
    slot->interval_us = interval;
    if (w->n == w->cap) {
        uint32_t cap = w->cap ? w->cap * 2 : 2;
        struct want *more = realloc(w->list, cap * sizeof *more);
        if (!more)
            return;
        w->list = more;
        w->cap = cap;
    }
    w->list[w->n++] = (struct want){k, slot};
}

static void resolve(struct stream *st, struct wanted *w, struct sensor *s)
{
    w->n = 0;
    w->generation = st->generation;
    struct twin_index *index = map_get(&st->by_twin, slice_str(s->twin->id));
    for (size_t i = 0; index && i < index->n; i++)
        resolve_one(w, index->clients[i], s);
    for (size_t i = 0; i < st->everywhere.n; i++) {
        struct client *k = st->everywhere.clients[i];
        if (!index || !index_has(index, k)) /* once is enough */
            resolve_one(w, k, s);
    }
}

/* ---- out ---- */

static void batch_end(struct client *k)
{
    if (!k->batch_n)
        return;
    if (k->batch_n > 1)
        buf_add_byte(&k->batch, ']');
    if (k->ws && !k->batch.failed) {
        /* the room for the bracket stands in front */
        size_t skip = k->batch_n > 1 ? 0 : 1;
        ws_send(k->ws, true, slice_of(k->batch.p + skip, k->batch.n - skip));
    }
    buf_clear(&k->batch);
    k->batch_n = 0;
}

static void batch_begin_one(struct client *k)
{
    buf_add_byte(&k->batch, k->batch_n ? ',' : '[');
    k->batch_n++;
    loop_at_end(k->stream->api->loop, &k->hook);
}

static void batch_update(struct client *k, const struct sensor *s, int64_t t_us, struct value v,
                         uint8_t quality)
{
    batch_begin_one(k);
    core_write_update(&k->batch, s, t_us, v, quality);
    if (k->batch.n > FRAME_BYTES)
        batch_end(k);
}

static bool is_slow(const struct client *k)
{
    return k->ws && ws_queued(k->ws) > SLOW_BYTES;
}

static void slot_wait(struct client *k, struct slot *slot)
{
    if (slot->waits)
        return;
    slot->waits = true;
    slot->next = NULL;
    if (k->waiting_last)
        k->waiting_last->next = slot;
    else
        k->waiting = slot;
    k->waiting_last = slot;
    loop_at_end(k->stream->api->loop, &k->hook);
}

static void send_newest(struct client *k, struct slot *slot, int64_t now)
{
    const struct sensor *s = slot->sensor;
    slot->waits = false;
    slot->sent_us = now;
    if (s && s->has_value)
        batch_update(k, s, s->last.t_us, point_value(&s->last), s->last.quality);
}

/* Send what waits and is due.  What is not yet due stays, and the stream's timer comes back to it.
 */
static void pump(struct client *k)
{
    int64_t now = clock_mono_us();
    struct slot *slot = k->waiting, *next;
    k->waiting = k->waiting_last = NULL;
    for (; slot; slot = next) {
        next = slot->next;
        bool due = now - slot->sent_us >= slot->interval_us;
        if (due && k->ws && !is_slow(k)) {
            send_newest(k, slot, now);
            continue;
        }
        slot->next = NULL;
        if (k->waiting_last)
            k->waiting_last->next = slot;
        else
            k->waiting = slot;
        k->waiting_last = slot;
    }
}

static void at_end_of_turn(void *arg)
{
    struct client *k = arg;
    pump(k);
    batch_end(k);
}

static void on_timer(void *arg)
{
    struct stream *st = arg;
    for (struct client *k = st->clients; k; k = k->next) {
        if (k->waiting)
            at_end_of_turn(k);
        if (k->paused && core_has_room(st->api->core)) {
            k->paused = false;
            ws_resume(k->ws);
        }
    }
}

/* ---- the core's taps ---- */

static void on_reading(void *arg, struct sensor *s, const struct reading *r)
{
    struct stream *st = arg;
    if (!st->clients_n || want_room(st, r->series))
        return;
    struct wanted *w = &st->wanted[r->series];
    if (w->generation != st->generation)
        resolve(st, w, s);
    for (uint32_t i = 0; i < w->n; i++) {
        struct client *k = w->list[i].client;
        struct slot *slot = w->list[i].slot;
        if (slot->interval_us || slot->waits || is_slow(k))
            slot_wait(k, slot);
        else
            batch_update(k, s, r->t_us, r->value, r->quality);
    }
}

static void send_event(struct client *k, const struct core_event *e)
{
    static const char *const names[] = {"twin-created", "twin-changed", "twin-deleted", "state",
                                        "rejection"};
    struct json_writer w;
    batch_end(k); /* events stand in frames of their own */
    struct buf b = {0};
    json_writer_init(&w, &b, 0);
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
    if (!b.failed && k->ws && !is_slow(k))
        ws_send(k->ws, true, buf_slice(&b));
    buf_release(&b);
}

/* Let go of the slots for which drop() says so. */
static void drop_slots(struct client *k,
                       bool (*drop)(const struct client *k, const struct slot *slot,
                                    const void *arg),
                       const void *arg)
{
    struct slot **all = malloc((k->slots.count + 1) * sizeof(struct slot *)), *slot;
    size_t n = 0, at = 0;
    if (!all)
        return;
    while ((slot = map_next(&k->slots, &at)))
        if (drop(k, slot, arg))
            all[n++] = slot;
    for (size_t i = 0; i < n; i++) {
        map_remove(&k->slots, slice_of((char *)&all[i]->series, sizeof all[i]->series));
        struct slot **link = &k->waiting, *before = NULL;
        for (; all[i]->waits && *link; before = *link, link = &(*link)->next) {
            if (*link != all[i])
                continue;
            *link = all[i]->next;
            if (k->waiting_last == all[i])
                k->waiting_last = before;
            break;
        }
        free(all[i]);
    }
    free(all);
}

static bool of_twin(const struct client *k, const struct slot *slot, const void *arg)
{
    (void)k;
    return slot->sensor->twin == arg;
}

static bool unwanted(const struct client *k, const struct slot *slot, const void *arg)
{
    (void)arg;
    return wanted_interval(k, slot->sensor) < 0;
}

static void on_event(void *arg, const struct core_event *e)
{
    struct stream *st = arg;
    if (e->kind <= EVENT_TWIN_DELETED)
        st->generation++;
    for (struct client *k = st->clients; k; k = k->next) {
        if (k->events)
            send_event(k, e);
        if (e->kind == EVENT_TWIN_DELETED)
            drop_slots(k, of_twin, e->twin);
    }
}

/* ---- subscriptions ---- */

bool index_has(const struct twin_index *index, const struct client *k)
{
    for (size_t i = 0; i < index->n; i++)
        if (index->clients[i] == k)
            return true;
    return false;
}

static int index_add(struct twin_index *index, struct client *k)
{
    if (index_has(index, k))
        return 0;
    if (index->n == index->cap) {
        size_t cap = index->cap ? index->cap * 2 : 4;
        struct client **more = realloc(index->clients, cap * sizeof(struct client *));
        if (!more)
            return ERR_NOMEM;
        index->clients = more;
        index->cap = cap;
    }
    index->clients[index->n++] = k;
    return 0;
}

static void index_drop(struct twin_index *index, const struct client *k)
{
    for (size_t i = 0; i < index->n; i++) {
        if (index->clients[i] != k)
            continue;
        index->clients[i] = index->clients[--index->n];
        return;
    }
}

static struct twin_index *index_of(struct stream *st, const char *twin)
{
    if (!twin[0])
        return &st->everywhere;
    struct twin_index *index = map_get(&st->by_twin, slice_str(twin));
    if (index || !(index = calloc(1, sizeof *index)))
        return index;
    index->twin = strdup(twin);
    if (index->twin && map_put(&st->by_twin, slice_str(index->twin), index, NULL) == 0)
        return index;
    free(index->twin);
    free(index);
    return NULL;
}

static bool twin_is_used(const struct client *k, const char *twin)
{
    for (size_t i = 0; i < k->subs_n; i++)
        if (strcmp(k->subs[i].twin, twin) == 0)
            return true;
    return false;
}

static void unindex(struct client *k, const char *twin)
{
    struct stream *st = k->stream;
    struct twin_index *index = twin[0] ? map_get(&st->by_twin, slice_str(twin)) : &st->everywhere;
    if (!index || twin_is_used(k, twin))
        return;
    index_drop(index, k);
    if (index->n || index == &st->everywhere)
        return;
    map_remove(&st->by_twin, slice_str(index->twin));
    free(index->clients);
    free(index->twin);
    free(index);
}

static struct sub *sub_find(struct client *k, const struct sub *like)
{
    for (size_t i = 0; i < k->subs_n; i++)
        if (strcmp(k->subs[i].twin, like->twin) == 0 &&
            strcmp(k->subs[i].sensor, like->sensor) == 0)
            return &k->subs[i];
    return NULL;
}

/* Last values at once: every sensor that the subscription names is owed its newest. */
static size_t owe_last(struct client *k, const struct sub *sub, struct twin *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->sensors_n; i++) {
        struct sensor *s = t->sensors[i];
        struct slot *slot = sub_wants(sub, s) ? slot_get(k, s) : NULL;
        if (!slot)
            continue;
        n++;
        slot->interval_us = wanted_interval(k, s);
        if (s->has_value)
            slot_wait(k, slot);
    }
    return n;
}

int client_subscribe(struct client *k, const struct sub *sub, size_t *ret_sensors)
{
    struct stream *st = k->stream;
    struct sub *old = sub_find(k, sub);
    struct twin_index *index = index_of(st, sub->twin);
    if (!index)
        return ERR_NOMEM;
    if (old) {
        old->interval_us = sub->interval_us;
    } else {
        if (k->subs_n == SUBS_MAX)
            return ERR_TOO_LARGE;
        struct sub *more = realloc(k->subs, (k->subs_n + 1) * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        k->subs = more;
        k->subs[k->subs_n++] = *sub;
        if (index_add(index, k))
            return ERR_NOMEM;
    }
    st->generation++;
    size_t n;
    struct twin *const *all = core_twins(st->api->core, &n);
    struct twin *one = sub->twin[0] ? core_twin(st->api->core, slice_str(sub->twin)) : NULL;
    if (one)
        *ret_sensors += owe_last(k, sub, one);
    for (size_t i = 0; !sub->twin[0] && i < n; i++)
        *ret_sensors += owe_last(k, sub, all[i]);
    return 0;
}

void client_unsubscribe(struct client *k, const struct sub *like)
{
    for (size_t i = 0; i < k->subs_n;) {
        struct sub gone = k->subs[i];
        if (like &&
            (strcmp(gone.twin, like->twin) != 0 || strcmp(gone.sensor, like->sensor) != 0)) {
            i++;
            continue;
        }
        k->subs[i] = k->subs[--k->subs_n];
        unindex(k, gone.twin);
    }
    k->stream->generation++;
    drop_slots(k, unwanted, NULL);
}

/* ---- coming and going ---- */

static bool all_slots(const struct client *k, const struct slot *slot, const void *arg)
{
    (void)k, (void)slot, (void)arg;
    return true;
}

static void client_unref(struct client *k)
{
    if (--k->refs)
        return;
    map_release(&k->slots);
    buf_release(&k->batch);
    free(k->subs);
    free(k);
}

static void on_close(void *arg, int code)
{
    struct client *k = arg;
    struct stream *st = k->stream;
    (void)code;
    k->ws = NULL;
    client_unsubscribe(k, NULL);
    drop_slots(k, all_slots, NULL);
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
    at_end_of_turn(arg);
}

static void on_message(void *arg, bool text, struct slice message)
{
    struct client *k = arg;
    if (!text)
        ws_close(k->ws, 1003, "send JSON as text");
    else
        client_message(k, message);
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
    if (!ws_accept(call->req, &opts, &events, k, &k->ws)) {
        free(k);
        return;
    }
    k->refs = 1;
    k->stream = st;
    k->hook = (struct loop_hook){.fn = at_end_of_turn, .arg = k};
    k->next = st->clients;
    st->clients = k;
    st->clients_n++;
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
    loop_timer_start(st->timer, TIMER_MS, TIMER_MS);
    *ret = st;
    return 0;
}

void stream_free(struct stream *st)
{
    if (!st)
        return;
    core_tap_remove(st->api->core, &st->tap);
    loop_timer_free(st->timer);
    for (size_t i = 0; i < st->wanted_n; i++)
        free(st->wanted[i].list);
    free(st->wanted);
    free(st->everywhere.clients);
    map_release(&st->by_twin);
    free(st);
}

size_t stream_clients(const struct stream *st)
{
    return st->clients_n;
}
