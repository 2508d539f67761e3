#include "base/map.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t hash_key[2];

static void draw_key(void)
{
    if (getrandom(hash_key, sizeof hash_key, 0) != (ssize_t)sizeof hash_key)
        hash_key[0] = (uint64_t)(uintptr_t)&hash_key; /* before the pool is ready: address bits */
}

static uint64_t rotl(uint64_t x, int b)
{
    return (x << b) | (x >> (64 - b));
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static void sip_round(struct sip *s)
{
    s->v0 += s->v1, s->v1 = rotl(s->v1, 13), s->v1 ^= s->v0, s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3, s->v3 = rotl(s->v3, 16), s->v3 ^= s->v2;
    s->v0 += s->v3, s->v3 = rotl(s->v3, 21), s->v3 ^= s->v0;
    s->v2 += s->v1, s->v1 = rotl(s->v1, 17), s->v1 ^= s->v2, s->v2 = rotl(s->v2, 32);
}

/* SipHash-1-3 (Aumasson, Bernstein 2012: one compression round, three final ones). */
uint64_t map_hash(const void *p, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw_key);
    const unsigned char *in = p;
    struct sip s = {
        hash_key[0] ^ UINT64_C(0x736f6d6570736575), hash_key[1] ^ UINT64_C(0x646f72616e646f6d),
        hash_key[0] ^ UINT64_C(0x6c7967656e657261), hash_key[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word, last = (uint64_t)n << 56;
    size_t left = n;
    for (; left >= 8; left -= 8, in += 8) {
        memcpy(&word, in, 8);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)in[i] << (8 * i);
    s.v3 ^= last;
    sip_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void map_release(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}

/* The slot of the key, or the free one where it would stand. */
static struct map_slot *find(const struct map *m, struct slice key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].value && !(m->slots[i].hash == hash && slice_eq(m->slots[i].key, key)))
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

void *map_get(const struct map *m, struct slice key)
{
    return m->count ? find(m, key, map_hash(key.p, key.n))->value : NULL;
}

static int grow(struct map *m, size_t cap)
{
    struct map bigger = {.cap = cap, .count = m->count};
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return ERR_NOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].value)
            *find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}

int map_reserve(struct map *m, size_t n)
{
    size_t cap = m->cap ? m->cap : 16;
    while (cap / 4 * 3 < n && cap < SIZE_MAX / 4)
        cap *= 2;
    return cap > m->cap ? grow(m, cap) : 0;
}

int map_put(struct map *m, struct slice key, void *value, void **ret_old)
{
    if ((m->count + 1) * 4 > m->cap * 3 && grow(m, m->cap ? m->cap * 2 : 16))
        return ERR_NOMEM;
    uint64_t hash = map_hash(key.p, key.n);
    struct map_slot *s = find(m, key, hash);
    if (ret_old)
        *ret_old = s->value;
    if (!s->value)
        m->count++;
    *s = (struct map_slot){key, value, hash};
    return 0;
}

void *map_remove(struct map *m, struct slice key)
{
    if (!m->count)
        return NULL;
    struct map_slot *s = find(m, key, map_hash(key.p, key.n));
    void *value = s->value;
    if (!value)
        return NULL;
    size_t mask = m->cap - 1, hole = (size_t)(s - m->slots);
    for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole].value = NULL;
    m->count--;
    return value;
}

void *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        void *value = m->slots[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
