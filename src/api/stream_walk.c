/* stream_walk.c - going through all the sensors that a message of a client names.
 *
 * They may be a million, so it is done in turns of WALK_SENSORS: what is wanted gets its place and
 * waits for its last value, what is wanted no more loses it. Until the end the client is not read
 * from, so that its messages are done one after the other, and it is sent nothing of what it asks
 * for: the answer comes first, then the newest values, then what changes. What is under way may
 * change meanwhile, so the place reached is a number of a series, or of the list. */
#include "api/stream_client.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

/* The sensor is wanted anew: its last value is owed.  Overlapping subscriptions of one message owe
 * it once. */
static int owe(struct client *k, struct sensor *s)
{
    struct wish wish = wish_of(k, s);
    struct walk *w = &k->owe;
    size_t before = k->slots.count;
    if (!wish.now || s->retired)
        return 0;
    struct slot *slot = slot_get(k, s);
    if (!slot)
        return ERR_NOMEM;
    if (k->slots.count > before && w->reserved) {
        w->reserved--;
        k->stream->slots_reserved--;
    }
    slot->interval_us = wish.interval_us;
    if (slot->message == k->message)
        return 0;
    slot->message = k->message;
    w->sensors++;
    if (s->has_value)
        slots_add(&k->ready, slot);
    return 0;
}

/* A subscription for it went: is the sensor still wanted, and how often? */
static int review(struct client *k, struct sensor *s)
{
    struct slot *slot = slot_of(k, s->series);
    struct wish wish = slot ? wish_of(k, s) : (struct wish){0};
    if (wish.any)
        slot->interval_us = wish.interval_us;
    else if (slot)
        slot_free(k, slot);
    return 0;
}

/* The same for all that the client has, where that is little. */
static void review_all(struct client *k)
{
    struct sensor *all[WALK_SENSORS];
    const struct slot *slot;
    size_t n = 0, at = 0;
    while (n < WALK_SENSORS && (slot = map_next(&k->slots, &at)))
        all[n++] = slot->sensor;
    for (size_t i = 0; i < n; i++)
        review(k, all[i]);
}

typedef int look_fn(struct client *k, struct sensor *s);

static int look_at_twin(struct client *k, const struct twin *t, look_fn *look)
{
    int err = 0;
    for (size_t i = 0; t && i < t->all_n && !err; i++)
        err = look(k, t->all[i]);
    return err;
}

static int look_at_sub(struct client *k, const struct sub *sub, look_fn *look, size_t *looked)
{
    struct twin *t = core_twin(k->stream->api->core, sub_twin(sub));
    ++*looked;
    if (!sub->sensor_n) {
        *looked += t ? t->all_n : 0;
        return look_at_twin(k, t, look);
    }
    struct sensor *s = t ? core_sensor(t, sub_sensor(sub)) : NULL;
    return s ? look(k, s) : 0;
}

/* A turn: looked says how much of it went.  True: the walk is at its end. */
static bool go(struct client *k, struct walk *w, look_fn *look, size_t *looked, int *ret_err)
{
    struct core *c = k->stream->api->core;
    *ret_err = 0;
    while (*looked < WALK_SENSORS && !*ret_err) {
        if (w->all && w->series < core_series_end(c)) {
            struct sensor *s = core_series(c, w->series++);
            ++*looked;
            if (s)
                *ret_err = look(k, s);
        } else if (!w->all && w->at < w->n) {
            *ret_err = look_at_sub(k, &w->list[w->at++], look, looked);
        } else {
            return true;
        }
    }
    return *ret_err;
}

static void begin(struct walk *w, struct sub *take_list, size_t n, const char *id)
{
    *w = (struct walk){.on = true, .list = take_list, .n = n};
    for (size_t i = 0; i < n; i++)
        w->all |= !take_list[i].twin_n;
    snprintf(w->id, sizeof w->id, "%s", id);
}

static void end(struct client *k, struct walk *w)
{
    w->on = false;
    free(w->list);
    w->list = NULL;
    k->stream->slots_reserved -= w->reserved;
    w->reserved = 0;
}

void walk_turn(void *arg)
{
    struct client *k = arg;
    size_t looked = 0;
    int err;
    if (k->review.on && go(k, &k->review, review, &looked, &err)) {
        end(k, &k->review);
        client_unsubscribed(k, k->review.id);
    }
    if (!k->review.on && k->owe.on && go(k, &k->owe, owe, &looked, &err)) {
        end(k, &k->owe);
        client_subscribed(k, k->owe.id, err, k->owe.sensors);
    }
    if (walk_is_on(k) && k->ws)
        loop_at_end(k->stream->api->loop, &k->walking);
}

void walk_owe(struct client *k, struct sub *take_list, size_t n, size_t reserved, const char *id)
{
    begin(&k->owe, take_list, n, id);
    k->owe.reserved = reserved;
    walk_turn(k);
}

void walk_review(struct client *k, struct sub *take_list, size_t n, const char *id)
{
    begin(&k->review, take_list, n, id);
    if (k->review.all && k->slots.count <= WALK_SENSORS) {
        review_all(k);
        k->review.all = false;
        k->review.n = 0;
    }
    walk_turn(k);
}

bool walk_is_on(const struct client *k)
{
    return k->review.on || k->owe.on;
}

void walk_end(struct client *k)
{
    end(k, &k->review);
    end(k, &k->owe);
    loop_disarm(k->stream->api->loop, &k->walking);
}
