/* stream_wants.c - who wants what: subscriptions, the slots of what a client is owed, and for each
 * series the list of those who want it.
 *
 * A sensor is wanted under four names at most: itself, all of its twin, its name in every twin,
 * everything.  So a client's subscriptions are a map by name, and what a sensor is wanted for is
 * four looks into it, however many subscriptions there are. */
#include "api/stream_client.h"
#include "base/err.h"

#include <stdlib.h>

/* ---- names ---- */

static size_t key_of(char key[2 * ID_MAX + 2], struct slice twin, struct slice sensor)
{
    if (twin.n)
        memcpy(key, twin.p, twin.n);
    key[twin.n] = '/';
    if (sensor.n)
        memcpy(key + twin.n + 1, sensor.p, sensor.n);
    return twin.n + 1 + sensor.n;
}

bool sub_init(struct sub *sub, struct slice twin, struct slice sensor)
{
    if (slice_is(twin, "*"))
        twin = SLICE_LIT("");
    if (slice_is(sensor, "*"))
        sensor = SLICE_LIT("");
    if ((twin.n && !slice_is_id(twin)) || (sensor.n && !slice_is_id(sensor)))
        return false;
    *sub = (struct sub){.twin_n = twin.n, .sensor_n = sensor.n};
    key_of(sub->key, twin, sensor);
    return true;
}

static struct slice sub_key(const struct sub *sub)
{
    return slice_of(sub->key, sub->twin_n + 1 + sub->sensor_n);
}

static struct slice sub_twin(const struct sub *sub)
{
    return slice_of(sub->key, sub->twin_n);
}

static struct slice sub_sensor(const struct sub *sub)
{
    return slice_of(sub->key + sub->twin_n + 1, sub->sensor_n);
}

/* ---- what a client wants of a sensor ---- */

struct wish {
    bool any, now; /* now: the present message asked for it */
    int64_t interval_us;
};

static struct wish wish_of(const struct client *k, const struct sensor *s)
{
    struct wish wish = {0};
    char key[2 * ID_MAX + 2];
    struct slice none = {0}, twins[] = {slice_str(s->twin->id), none},
                 sensors[] = {slice_str(s->id), none};
    for (size_t i = 0; i < 4; i++) {
        size_t n = key_of(key, twins[i / 2], sensors[i % 2]);
        const struct sub *sub = map_get(&k->subs, slice_of(key, n));
        if (!sub)
            continue;
        if (!wish.any || sub->interval_us < wish.interval_us)
            wish.interval_us = sub->interval_us;
        wish.any = true;
        wish.now |= sub->message == k->message;
    }
    return wish;
}

/* ---- slots ---- */

void slots_init(struct slots *list)
{
    list->first = NULL;
    list->last = &list->first;
}

void slot_out(struct slot *slot)
{
    if (!slot->link)
        return;
    *slot->link = slot->next;
    if (slot->next)
        slot->next->link = slot->link;
    else
        slot->in->last = slot->link;
    slot->link = NULL;
    slot->next = NULL;
}

void slots_add(struct slots *list, struct slot *slot)
{
    slot_out(slot);
    slot->in = list;
    slot->link = list->last;
    *list->last = slot;
    list->last = &slot->next;
}

static struct slice slot_key(const uint32_t *series)
{
    return slice_of((const char *)series, sizeof *series);
}

static struct slot *slot_get(struct client *k, struct sensor *s)
{
    struct slot *slot = map_get(&k->slots, slot_key(&s->series));
    if (slot)
        return slot;
    if (k->stream->slots_n >= k->stream->api->opts.max_watched || !(slot = calloc(1, sizeof *slot)))
        return NULL;
    slot->sensor = s;
    slot->series = s->series;
    slot->sent_us = INT64_MIN / 2; /* never: long ago enough for any interval */
    if (map_put(&k->slots, slot_key(&slot->series), slot, NULL)) {
        free(slot);
        return NULL;
    }
    k->stream->slots_n++;
    return slot;
}

static void slot_free(struct client *k, struct slot *slot)
{
    slot_out(slot);
    map_remove(&k->slots, slot_key(&slot->series));
    free(slot);
    k->stream->slots_n--;
}

static void slots_free_all(struct client *k)
{
    struct slot *slot;
    size_t at = 0;
    while ((slot = map_next(&k->slots, &at)))
        free(slot);
    k->stream->slots_n -= k->slots.count;
    map_release(&k->slots);
    k->slots = (struct map){0};
    slots_init(&k->ready);
    for (size_t i = 0; i < LATER_TICKS; i++)
        slots_init(&k->later[i]);
}

/* ---- which clients name a twin ---- */

static struct twin_use *use_of(const struct twin_index *index, const struct client *k)
{
    for (size_t i = 0; i < index->n; i++)
        if (index->uses[i].client == k)
            return &index->uses[i];
    return NULL;
}

static struct twin_index *index_get(struct stream *st, struct slice twin)
{
    if (!twin.n)
        return &st->everywhere;
    struct twin_index *index = map_get(&st->by_twin, twin);
    if (index || !(index = calloc(1, sizeof *index)))
        return index;
    index->twin = strndup(twin.p, twin.n);
    if (index->twin && map_put(&st->by_twin, slice_str(index->twin), index, NULL) == 0)
        return index;
    free(index->twin);
    free(index);
    return NULL;
}

static void index_free_if_empty(struct stream *st, struct twin_index *index)
{
    if (index->n || index == &st->everywhere)
        return;
    map_remove(&st->by_twin, slice_str(index->twin));
    free(index->uses);
    free(index->twin);
    free(index);
}

static int index_add(struct stream *st, struct slice twin, struct client *k)
{
    struct twin_index *index = index_get(st, twin);
    struct twin_use *use = index ? use_of(index, k) : NULL;
    if (!index)
        return ERR_NOMEM;
    if (use) {
        use->subs++;
        return 0;
    }
    if (index->n == index->cap) {
        size_t cap = index->cap ? index->cap * 2 : 4;
        struct twin_use *more = realloc(index->uses, cap * sizeof *more);
        if (!more) {
            index_free_if_empty(st, index);
            return ERR_NOMEM;
        }
        index->uses = more;
        index->cap = cap;
    }
    index->uses[index->n++] = (struct twin_use){k, 1};
    return 0;
}

static void index_remove(struct stream *st, struct slice twin, const struct client *k)
{
    struct twin_index *index = twin.n ? map_get(&st->by_twin, twin) : &st->everywhere;
    struct twin_use *use = index ? use_of(index, k) : NULL;
    if (!use || --use->subs)
        return;
    *use = index->uses[--index->n];
    index_free_if_empty(st, index);
}

/* ---- subscribing ---- */

static int sub_put(struct client *k, const struct sub *like)
{
    struct sub *sub = map_get(&k->subs, sub_key(like));
    if (!sub) {
        if (!(sub = malloc(sizeof *sub)))
            return ERR_NOMEM;
        *sub = *like;
        if (map_put(&k->subs, sub_key(sub), sub, NULL)) {
            free(sub);
            return ERR_NOMEM;
        }
        if (index_add(k->stream, sub_twin(sub), k)) {
            map_remove(&k->subs, sub_key(sub));
            free(sub);
            return ERR_NOMEM;
        }
    }
    sub->interval_us = like->interval_us;
    sub->message = k->message;
    return 0;
}

/* The sensor is wanted anew: its last value is owed.  Overlapping subscriptions of one message owe
 * it once. */
static int owe(struct client *k, struct sensor *s, size_t *sensors)
{
    struct wish wish = wish_of(k, s);
    if (!wish.now)
        return 0;
    struct slot *slot = slot_get(k, s);
    if (!slot)
        return ERR_NOMEM;
    slot->interval_us = wish.interval_us;
    if (slot->message == k->message)
        return 0;
    slot->message = k->message;
    ++*sensors;
    if (s->has_value)
        slots_add(&k->ready, slot);
    return 0;
}

static int owe_twin(struct client *k, const struct twin *t, size_t *sensors)
{
    int err = 0;
    for (size_t i = 0; t && i < t->sensors_n && !err; i++)
        err = owe(k, t->sensors[i], sensors);
    return err;
}

/* For every sensor that the list names: once over all twins, or over those that it names. */
static int owe_list(struct client *k, const struct sub *list, size_t n, size_t *sensors)
{
    struct core *c = k->stream->api->core;
    size_t twins_n;
    int err = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].twin_n)
            continue;
        struct twin *const *twins = core_twins(c, &twins_n);
        for (size_t t = 0; t < twins_n && !err; t++)
            err = owe_twin(k, twins[t], sensors);
        return err;
    }
    for (size_t i = 0; i < n && !err; i++) {
        struct twin *t = core_twin(c, sub_twin(&list[i]));
        struct sensor *s = t && list[i].sensor_n ? core_sensor(t, sub_sensor(&list[i])) : NULL;
        if (s)
            err = owe(k, s, sensors);
        else if (!list[i].sensor_n)
            err = owe_twin(k, t, sensors);
    }
    return err;
}

/* How many sensors the list names, at most. */
static size_t sensors_of(struct core *c, const struct sub *list, size_t n)
{
    size_t sensors = 0;
    for (size_t i = 0; i < n; i++) {
        const struct twin *t = list[i].twin_n ? core_twin(c, sub_twin(&list[i])) : NULL;
        if (!list[i].twin_n)
            return core_series_count(c);
        sensors += !t ? 0 : list[i].sensor_n ? 1 : t->sensors_n;
    }
    return sensors;
}

int wants_add(struct client *k, const struct sub *list, size_t n, size_t *ret_sensors)
{
    size_t fresh = 0, sensors = 0;
    for (size_t i = 0; i < n; i++)
        fresh += !map_get(&k->subs, sub_key(&list[i]));
    if (k->subs.count + fresh > SUBS_MAX)
        return ERR_TOO_LARGE;
    size_t most = sensors_of(k->stream->api->core, list, n);
    if (most > k->slots.count &&
        k->stream->slots_n + most - k->slots.count > k->stream->api->opts.max_watched)
        return ERR_OVERLOAD;
    k->stream->generation++;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++)
        err = sub_put(k, &list[i]);
    if (!err)
        err = owe_list(k, list, n, &sensors);
    if (!err)
        *ret_sensors = sensors;
    return err;
}

/* ---- unsubscribing ---- */

/* A subscription for it went: is the sensor still wanted, and how often? */
static void review(struct client *k, struct slot *slot)
{
    struct wish wish = wish_of(k, slot->sensor);
    if (wish.any)
        slot->interval_us = wish.interval_us;
    else
        slot_free(k, slot);
}

static void review_all(struct client *k)
{
    struct slot **all = malloc((k->slots.count + 1) * sizeof(struct slot *)), *slot;
    size_t n = 0, at = 0;
    if (!all)
        return; /* what is not wanted is not resolved any more, it only keeps its memory */
    while ((slot = map_next(&k->slots, &at)))
        all[n++] = slot;
    for (size_t i = 0; i < n; i++)
        review(k, all[i]);
    free(all);
}

void wants_remove(struct client *k, const struct sub *list, size_t n)
{
    struct core *c = k->stream->api->core;
    bool wild = false;
    k->stream->generation++;
    for (size_t i = 0; i < n; i++) {
        struct sub *sub = map_remove(&k->subs, sub_key(&list[i]));
        if (!sub)
            continue;
        wild |= !sub->twin_n || !sub->sensor_n;
        index_remove(k->stream, sub_twin(sub), k);
        free(sub);
    }
    if (wild) {
        review_all(k);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct twin *t = core_twin(c, sub_twin(&list[i]));
        struct sensor *s = t ? core_sensor(t, sub_sensor(&list[i])) : NULL;
        struct slot *slot = s ? map_get(&k->slots, slot_key(&s->series)) : NULL;
        if (slot)
            review(k, slot);
    }
}

void wants_remove_all(struct client *k)
{
    struct sub *sub;
    size_t at = 0;
    k->stream->generation++;
    while ((sub = map_next(&k->subs, &at))) {
        index_remove(k->stream, sub_twin(sub), k);
        free(sub);
    }
    map_release(&k->subs);
    k->subs = (struct map){0};
    slots_free_all(k);
}

/* ---- who wants a series ---- */

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
    struct wish wish = wish_of(k, s);
    struct slot *slot = wish.any ? slot_get(k, s) : NULL;
    if (wish.any && !slot)
        k->missed++; /* of a twin made since, with no room for it: the client is told */
    if (!slot)
        return;
    slot->interval_us = wish.interval_us;
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

struct wanted *wants_of(struct stream *st, struct sensor *s)
{
    if (want_room(st, s->series))
        return NULL;
    struct wanted *w = &st->wanted[s->series];
    if (w->generation == st->generation)
        return w;
    w->n = 0;
    w->generation = st->generation;
    struct twin_index *index = map_get(&st->by_twin, slice_str(s->twin->id));
    for (size_t i = 0; index && i < index->n; i++)
        resolve_one(w, index->uses[i].client, s);
    for (size_t i = 0; i < st->everywhere.n; i++) {
        struct client *k = st->everywhere.uses[i].client;
        if (!index || !use_of(index, k)) /* once is enough */
            resolve_one(w, k, s);
    }
    return w;
}

void wants_forget_twin(struct stream *st, const struct twin *t)
{
    for (size_t i = 0; i < t->all_n; i++) {
        uint32_t series = t->all[i]->series;
        for (struct client *k = st->clients; k; k = k->next) {
            struct slot *slot = map_get(&k->slots, slot_key(&series));
            if (slot)
                slot_free(k, slot);
        }
        if (series < st->wanted_n) {
            free(st->wanted[series].list);
            st->wanted[series] = (struct wanted){0};
        }
    }
}

void wants_release(struct stream *st)
{
    for (size_t i = 0; i < st->wanted_n; i++)
        free(st->wanted[i].list);
    free(st->wanted);
    free(st->everywhere.uses);
    map_release(&st->by_twin);
}
