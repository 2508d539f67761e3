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

static size_t key_of(char key[KEY_MAX + ID_MAX + 2], struct slice twin, struct slice sensor)
{
    if (twin.n)
        memcpy(key, twin.p, twin.n);
    key[twin.n] = '/';
    if (sensor.n)
        memcpy(key + twin.n + 1, sensor.p, sensor.n);
    return twin.n + 1 + sensor.n;
}

bool sub_init(struct sub *sub, const struct client *k, struct slice twin, struct slice sensor)
{
    struct buf scratch = {0};
    struct org *org;
    if (slice_is(twin, "*"))
        twin = SLICE_LIT("");
    if (slice_is(sensor, "*"))
        sensor = SLICE_LIT("");
    struct slice bare = slice_skip(twin, access_key_prefix(twin));
    bool good = (!twin.n || slice_is_id(bare)) && (!sensor.n || slice_is_id(sensor));
    if (good && twin.n) {
        const struct access *a = core_access(k->stream->api->core);
        int err = access_key(a, k->who, twin, &scratch, &twin, &org);
        if (err == ERR_NOT_FOUND) /* a name like another; nothing will come of it */
            good = (twin.n - bare.n) + bare.n <= KEY_MAX;
        else
            good = !err && twin.n <= KEY_MAX;
    }
    if (good) {
        *sub = (struct sub){.twin_n = twin.n, .sensor_n = sensor.n};
        key_of(sub->key, twin, sensor);
    }
    buf_release(&scratch);
    return good;
}

static struct slice sub_key(const struct sub *sub)
{
    return slice_of(sub->key, sub->twin_n + 1 + sub->sensor_n);
}

struct slice sub_twin(const struct sub *sub)
{
    return slice_of(sub->key, sub->twin_n);
}

struct slice sub_sensor(const struct sub *sub)
{
    return slice_of(sub->key + sub->twin_n + 1, sub->sensor_n);
}

/* ---- what a client wants of a sensor ---- */

struct wish wish_of(const struct client *k, const struct sensor *s)
{
    struct wish wish = {0};
    char key[KEY_MAX + ID_MAX + 2];
    struct slice none = {0}, twins[] = {slice_str(s->twin->key), none},
                 sensors[] = {slice_str(s->id), none};
    if (!core_may(k->stream->api->core, k->who, OP_DATA_READ, s))
        return wish;
    /* without a name it means their own organisation's */
    for (size_t i = 0; i < (s->twin->org == k->who->org ? 4u : 2u); i++) {
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

struct slot *slot_of(const struct client *k, uint32_t series)
{
    return map_get(&k->slots, slot_key(&series));
}

static struct slot *slot_new(struct client *k)
{
    struct slot *slot = k->slots_free;
    if (slot)
        k->slots_free = slot->next;
    else if (k->arena || (k->arena = arena_new()))
        slot = arena_alloc(k->arena, sizeof *slot);
    if (slot)
        *slot = (struct slot){0};
    return slot;
}

static void slot_give_back(struct client *k, struct slot *slot)
{
    slot->next = k->slots_free;
    k->slots_free = slot;
}

struct slot *slot_get(struct client *k, struct sensor *s)
{
    struct slot *slot = slot_of(k, s->series);
    if (slot)
        return slot;
    if (k->stream->slots_n >= k->stream->api->opts.max_watched || !(slot = slot_new(k)))
        return NULL;
    slot->sensor = s;
    slot->series = s->series;
    slot->sent_us = INT64_MIN / 2; /* never: long ago enough for any interval */
    if (map_put(&k->slots, slot_key(&slot->series), slot, NULL)) {
        slot_give_back(k, slot);
        return NULL;
    }
    k->stream->slots_n++;
    return slot;
}

void slot_free(struct client *k, struct slot *slot)
{
    slot_out(slot);
    map_remove(&k->slots, slot_key(&slot->series));
    slot_give_back(k, slot);
    k->stream->slots_n--;
}

static void slots_free_all(struct client *k)
{
    k->stream->slots_n -= k->slots.count;
    map_release(&k->slots);
    arena_free(k->arena);
    k->arena = NULL;
    k->slots_free = NULL;
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

int wants_add(struct client *k, const struct sub *list, size_t n, size_t *ret_reserved)
{
    struct stream *st = k->stream;
    size_t fresh = 0;
    for (size_t i = 0; i < n; i++)
        fresh += !map_get(&k->subs, sub_key(&list[i]));
    if (k->subs.count + fresh > SUBS_MAX)
        return ERR_TOO_LARGE;
    size_t most = sensors_of(st->api->core, list, n);
    size_t more = most > k->slots.count ? most - k->slots.count : 0;
    if (more && st->slots_n + st->slots_reserved + more > st->api->opts.max_watched)
        return ERR_OVERLOAD;
    if (map_reserve(&k->slots, k->slots.count + more)) /* to grow late would take long */
        return ERR_NOMEM;
    st->generation++;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++)
        err = sub_put(k, &list[i]);
    if (!err)
        st->slots_reserved += *ret_reserved = more;
    return err;
}

/* ---- unsubscribing ---- */

void wants_remove(struct client *k, const struct sub *list, size_t n)
{
    k->stream->generation++;
    for (size_t i = 0; i < n; i++) {
        struct sub *sub = map_remove(&k->subs, sub_key(&list[i]));
        if (!sub)
            continue;
        index_remove(k->stream, sub_twin(sub), k);
        free(sub);
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
    struct wanted *more = calloc(n, sizeof *more); /* the system clears it where it is used */
    if (!more)
        return ERR_NOMEM;
    if (st->wanted_n)
        memcpy(more, st->wanted, st->wanted_n * sizeof *more);
    free(st->wanted);
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
    if (!slot->message && !walk_is_on(k))
        slot->message = k->message; /* of a twin made since: no message will count it */
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
    struct twin_index *index = map_get(&st->by_twin, slice_str(s->twin->key));
    for (size_t i = 0; index && i < index->n; i++)
        resolve_one(w, index->uses[i].client, s);
    for (size_t i = 0; i < st->everywhere.n; i++) {
        struct client *k = st->everywhere.uses[i].client;
        if (!index || !use_of(index, k)) /* once is enough */
            resolve_one(w, k, s);
    }
    return w;
}

void wants_judge(struct client *k)
{
    const struct core *c = k->stream->api->core;
    struct slot *slot,
        **lost = k->slots.count ? malloc(k->slots.count * sizeof(struct slot *)) : NULL;
    size_t at = 0, n = 0;
    while (lost && (slot = map_next(&k->slots, &at)))
        if (!core_may(c, k->who, OP_DATA_READ, slot->sensor))
            lost[n++] = slot;
    while (n)
        slot_free(k, lost[--n]);
    if (!lost && k->slots.count && k->ws) /* it must not hear what it may not any more */
        ws_close(k->ws, 1011, "out of memory");
    free(lost);
}

void wants_forget_twin(struct stream *st, const struct twin *t)
{
    for (size_t i = 0; i < t->all_n; i++) {
        uint32_t series = t->all[i]->series;
        for (struct client *k = st->clients; k; k = k->next) {
            struct slot *slot = slot_of(k, series);
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
