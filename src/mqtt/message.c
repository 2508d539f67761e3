#include "mqtt/internal.h"

#include <stdlib.h>

struct message *message_new(struct slice topic, struct slice props, struct slice payload)
{
    struct message *m = malloc(sizeof *m + topic.n + props.n + payload.n);
    if (!m)
        return NULL;
    char *at = (char *)(m + 1);
    *m = (struct message){.refs = 1,
                          .topic = {at, topic.n},
                          .props = {at + topic.n, props.n},
                          .payload = {at + topic.n + props.n, payload.n}};
    if (topic.n)
        memcpy(at, topic.p, topic.n);
    if (props.n)
        memcpy(at + topic.n, props.p, props.n);
    if (payload.n)
        memcpy(at + topic.n + props.n, payload.p, payload.n);
    return m;
}

struct message *message_ref(struct message *m)
{
    m->refs++;
    return m;
}

void message_unref(struct message *m)
{
    if (!m || --m->refs)
        return;
    if (m->account)
        *m->account -= message_size(m);
    free(m);
}

bool message_expired(const struct message *m)
{
    return m->expires_us && clock_mono_us() >= m->expires_us;
}

size_t message_size(const struct message *m)
{
    return sizeof *m + m->topic.n + m->props.n + m->payload.n;
}

struct slice message_type(const struct message *m)
{
    struct mqtt_prop_value v;
    size_t at = 0;
    while (mqtt_prop_next(m->props, &at, &v))
        if (v.prop == MQTT_CONTENT_TYPE)
            return v.text;
    return (struct slice){0};
}

/* ---- packet identifiers: open addressing, at most half full ---- */

static uint32_t home(const struct idset *s, uint16_t id)
{
    return (id * UINT32_C(2654435761)) >> 16 & (s->cap - 1);
}

static uint32_t place(const struct idset *s, uint16_t id)
{
    uint32_t i = home(s, id);
    while (s->slots[i] && s->slots[i] != id)
        i = (i + 1) & (s->cap - 1);
    return i;
}

bool idset_has(const struct idset *s, uint16_t id)
{
    return s->count && s->slots[place(s, id)] == id;
}

int idset_add(struct idset *s, uint16_t id)
{
    if ((s->count + 1) * 2 > s->cap) {
        struct idset bigger = {.cap = s->cap ? s->cap * 2 : 8, .count = s->count};
        bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
        if (!bigger.slots)
            return ERR_NOMEM;
        for (uint32_t i = 0; i < s->cap; i++)
            if (s->slots[i])
                bigger.slots[place(&bigger, s->slots[i])] = s->slots[i];
        free(s->slots);
        *s = bigger;
    }
    uint32_t i = place(s, id);
    if (!s->slots[i])
        s->count++;
    s->slots[i] = id;
    return 0;
}

void idset_remove(struct idset *s, uint16_t id)
{
    if (!idset_has(s, id))
        return;
    uint32_t mask = s->cap - 1, hole = place(s, id);
    for (uint32_t i = (hole + 1) & mask; s->slots[i]; i = (i + 1) & mask) {
        if (((i - home(s, s->slots[i])) & mask) >= ((i - hole) & mask)) {
            s->slots[hole] = s->slots[i];
            hole = i;
        }
    }
    s->slots[hole] = 0;
    s->count--;
}

void idset_release(struct idset *s)
{
    free(s->slots);
    *s = (struct idset){0};
}
