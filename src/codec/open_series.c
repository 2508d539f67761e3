/* A sensor that reports every few seconds fills a chunk in an hour, a million of them in an hour
 * too, and until then their points are here.  As plain points they would take 24 bytes each; most
 * take three to six here, and adding one costs some tens of nanoseconds.  So the format is made of
 * bytes and not of bits, and looks back at one point only.
 *
 * FORMAT.  One point behind the other.  A point is a byte, its time, its value:
 *
 *   bits 0-1  time    0 the step to it is the last step
 *                     1 a zigzag varint follows: this step less the last one, in microseconds
 *                     2 the same in milliseconds
 *   bits 2-4  value   0 the value of the point before
 *                     1 a decimal: the zigzag varint of its mantissa less the last mantissa or
 *                       whole number
 *                     2 a decimal with more places than before: a byte with their number, then the
 *                       zigzag varint of the mantissa
 *                     3 a double: a byte (high half: how many bytes were cut at the high end, low
 *                       half: how many stay), then the bytes that stay, of the bits XOR the bits of
 *                       the last number
 *                     4 a whole number: zigzag varint of it less the last whole number or mantissa
 *                     5 false   6 true
 *                     7 a text: a varint with its bytes' number, then its bytes
 *   bits 5-6  quality
 *   bit  7    set: there is no value (then bits 2-4 are 0)
 *
 * Before the first point all is zero, the value is the double 0.0.
 *
 * A decimal is a double that is m / 10^p exactly, with |m| < 2^53 and p places.  p begins at 0 and
 * only rises: 23.4 is 2340 / 10^2 as well as 234 / 10.  Since m and 10^p are exact in a double, the
 * division rounds once, and the value is exactly that which the digits say (Clinger 1990).
 *
 * Differences wrap around in 64 bits, so any time and any whole number may follow any other. */
#include "codec/open_series.h"

#include "base/err.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    PLACES_MAX = 9,
    ROOM_STEP = 16,  /* what malloc rounds to */
    POINT_MOST = 32, /* bytes of a point without its text */
};

enum { TIME_SAME, TIME_US, TIME_MS };

enum {
    VALUE_SAME,
    VALUE_DECIMAL,
    VALUE_PLACES,
    VALUE_BITS,
    VALUE_WHOLE,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_STRING
};

enum { NOTHING = 0x80 };

struct open_series {
    struct open_state state;
    uint32_t count, used, cap;
    _Atomic uint32_t holders; /* beside the owner */
    unsigned char bytes[];
};

static const double tens[PLACES_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

static uint64_t bits_of(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static int64_t less(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- bytes ---- */

static unsigned char *put_varint(unsigned char *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (unsigned char)(v | 0x80);
    *to++ = (unsigned char)v;
    return to;
}

static unsigned char *put_zigzag(unsigned char *to, int64_t v)
{
    return put_varint(to, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static uint64_t get_varint(const unsigned char *bytes, size_t *at)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = bytes[(*at)++];
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
}

static int64_t get_zigzag(const unsigned char *bytes, size_t *at)
{
    uint64_t v = get_varint(bytes, at);
    return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

/* ---- writing ---- */

/* Room for n more bytes: of a series that has few points there are ten million, so it is cut close
 * at first. */
static int make_room(struct open_series **s, size_t n)
{
    struct open_series *old = *s;
    size_t used = old ? old->used : 0, cap = old ? old->cap : 0;
    assert(!old || !atomic_load_explicit(&old->holders, memory_order_relaxed));
    if (cap - used >= n)
        return 0;
    size_t all = sizeof *old + used + n + used / 2;
    all =
        (all + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP + ROOM_STEP / 2; /* with malloc's own word */
    if (all > UINT32_MAX)
        return ERR_NOMEM;
    struct open_series *grown = realloc(old, all);
    if (!grown)
        return ERR_NOMEM;
    if (!old)
        *grown = (struct open_series){0};
    grown->cap = (uint32_t)(all - sizeof *grown);
    *s = grown;
    return 0;
}

static unsigned char *put_time(unsigned char *to, unsigned char *head, struct open_state *state,
                               int64_t t_us)
{
    int64_t step = less(t_us, state->t_us), change = less(step, state->step_us);
    state->t_us = t_us;
    state->step_us = step;
    if (!change)
        return to;
    bool ms = change % 1000 == 0;
    *head |= ms ? TIME_MS : TIME_US;
    return put_zigzag(to, ms ? change / 1000 : change);
}

/* Is d a decimal with so many places? */
static bool is_decimal(double d, uint8_t places, int64_t *ret_mantissa)
{
    double m = d * tens[places];
    if (!(fabs(m) < 9007199254740992.0)) /* 2^53; NaN neither */
        return false;
    int64_t mantissa = (int64_t)(m + (m < 0 ? -0.5 : 0.5));
    if (bits_of((double)mantissa / tens[places]) != bits_of(d)) /* -0.0 neither */
        return false;
    *ret_mantissa = mantissa;
    return true;
}

static unsigned char *put_bits(unsigned char *to, uint64_t x)
{
    unsigned cut = x ? (unsigned)__builtin_clzll(x) / 8 : 8;
    unsigned zeroes = x ? (unsigned)__builtin_ctzll(x) / 8 : 0, stay = 8 - cut - zeroes;
    *to++ = (unsigned char)(cut << 4 | stay);
    for (unsigned i = 0; i < stay; i++)
        *to++ = (unsigned char)(x >> (8 * (zeroes + i)));
    return to;
}

static unsigned char *put_double(unsigned char *to, unsigned char *head, struct open_state *state,
                                 double d, uint64_t before)
{
    int64_t mantissa;
    if (is_decimal(d, state->places, &mantissa)) {
        *head |= VALUE_DECIMAL << 2;
        to = put_zigzag(to, less(mantissa, state->whole));
        state->whole = mantissa;
        return to;
    }
    /* what has few places has the most, too, unless that is too large for 2^53 */
    bool hopeless = fabs(d) < 2e6 && !is_decimal(d, PLACES_MAX, &mantissa);
    for (uint8_t places = state->places + 1; !hopeless && places <= PLACES_MAX; places++) {
        if (!is_decimal(d, places, &mantissa))
            continue;
        *head |= VALUE_PLACES << 2;
        *to++ = places;
        state->places = places;
        state->whole = mantissa;
        return put_zigzag(to, mantissa);
    }
    *head |= VALUE_BITS << 2;
    return put_bits(to, bits_of(d) ^ before);
}

/* The bits that a double is compared with: those of the last number, if the last was one. */
static uint64_t bits_before(const struct open_state *state)
{
    return state->type == VALUE_DOUBLE ? bits_of(state->last.d) : 0;
}

static struct value last_value(const struct open_series *s, const struct open_state *state)
{
    switch (state->type) {
    case VALUE_DOUBLE:
        return value_double(state->last.d);
    case VALUE_INT:
        return (struct value){VALUE_INT, {.i = state->last.i}};
    case VALUE_BOOL:
        return (struct value){VALUE_BOOL, {.b = state->last.b}};
    case VALUE_TEXT:
        return (struct value){
            VALUE_TEXT,
            {.text = slice_of((const char *)s->bytes + state->last.text.at, state->last.text.n)}};
    default:
        return (struct value){.type = VALUE_NONE};
    }
}

/* Of a text only its length: its bytes follow. */
static unsigned char *put_value(unsigned char *to, unsigned char *head, const struct open_series *s,
                                struct open_state *state, struct value v)
{
    if (v.type == VALUE_DOUBLE && state->type == VALUE_DOUBLE) {
        if (bits_of(v.as.d) == bits_of(state->last.d))
            return to;
    } else if (v.type != VALUE_NONE && value_eq(v, last_value(s, state))) {
        return to;
    }
    switch (v.type) {
    case VALUE_DOUBLE:
        to = put_double(to, head, state, v.as.d, bits_before(state));
        state->last.d = v.as.d;
        break;
    case VALUE_INT:
        *head |= VALUE_WHOLE << 2;
        to = put_zigzag(to, less(v.as.i, state->whole));
        state->whole = state->last.i = v.as.i;
        break;
    case VALUE_BOOL:
        *head |= (unsigned char)((v.as.b ? VALUE_TRUE : VALUE_FALSE) << 2);
        state->last.b = v.as.b;
        break;
    case VALUE_TEXT:
        *head |= VALUE_STRING << 2;
        to = put_varint(to, v.as.text.n);
        state->last.text.n = (uint32_t)v.as.text.n;
        break;
    case VALUE_NONE:
        *head |= NOTHING;
        break;
    }
    state->type = (uint8_t)v.type;
    return to;
}

static unsigned char *put_point(unsigned char *to, const struct open_series *s,
                                struct open_state *state, int64_t t_us, struct value v,
                                uint8_t quality)
{
    unsigned char *head = to;
    *head = (unsigned char)((quality & 3) << 5);
    to = put_time(to + 1, head, state, t_us);
    return put_value(to, head, s, state, v);
}

/* Where there may be no room for the point, it is made aside, to see how large it is. */
static int make_room_for(struct open_series **s, int64_t t_us, struct value v, uint8_t quality)
{
    unsigned char bytes[POINT_MOST];
    struct open_state state = {.type = VALUE_DOUBLE};
    if (*s)
        state = (*s)->state;
    size_t n = (size_t)(put_point(bytes, *s, &state, t_us, v, quality) - bytes);
    bool made = !*s;
    if (make_room(s, n + (v.type == VALUE_TEXT ? v.as.text.n : 0)))
        return ERR_NOMEM;
    if (made)
        (*s)->state.type = VALUE_DOUBLE;
    return 0;
}

int open_series_add(struct open_series **s, int64_t t_us, struct value v, uint8_t quality)
{
    size_t text_n = v.type == VALUE_TEXT ? v.as.text.n : 0;
    if ((!*s || (*s)->cap - (*s)->used < POINT_MOST + text_n) && make_room_for(s, t_us, v, quality))
        return ERR_NOMEM;
    struct open_series *o = *s;
    unsigned char *to = o->bytes + o->used, *end = put_point(to, o, &o->state, t_us, v, quality);
    o->used += (uint32_t)(end - to);
    if ((*to >> 2 & 7) == VALUE_STRING) {
        if (text_n)
            memcpy(end, v.as.text.p, text_n);
        o->state.last.text.at = o->used;
        o->used += (uint32_t)text_n;
    }
    o->count++;
    return 0;
}

void open_series_fetch(const struct open_series *s, bool end)
{
    if (s)
        __builtin_prefetch(end ? s->bytes + s->used : (const void *)s, 1);
}

void open_series_free(struct open_series *s)
{
    if (s && atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) == 0)
        free(s);
}

struct open_series *open_series_hold(struct open_series *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->holders, 1, memory_order_relaxed);
    return s;
}

int open_series_copy(const struct open_series *s, struct open_series **ret)
{
    size_t n = s ? sizeof *s + s->used : 0;
    struct open_series *copy = s ? malloc(n) : NULL;
    if (s && !copy)
        return ERR_NOMEM;
    if (s) {
        memcpy(copy, s, n);
        copy->cap = copy->used;
        atomic_init(&copy->holders, 0);
    }
    *ret = copy;
    return 0;
}

size_t open_series_count(const struct open_series *s)
{
    return s ? s->count : 0;
}

size_t open_series_bytes(const struct open_series *s)
{
    return s ? sizeof *s + s->cap : 0;
}

/* ---- reading ---- */

void open_reader_init(struct open_reader *r, const struct open_series *s)
{
    *r = (struct open_reader){.s = s, .state.type = VALUE_DOUBLE};
}

static void get_time(struct open_reader *r, unsigned head)
{
    struct open_state *state = &r->state;
    int64_t change = 0;
    if ((head & 3) != TIME_SAME)
        change = get_zigzag(r->s->bytes, &r->at);
    if ((head & 3) == TIME_MS)
        change *= 1000;
    state->step_us = plus(state->step_us, change);
    state->t_us = plus(state->t_us, state->step_us);
}

static double get_bits(struct open_reader *r, uint64_t before)
{
    const unsigned char *bytes = r->s->bytes;
    unsigned sizes = bytes[r->at++], stay = sizes & 15, zeroes = 8 - (sizes >> 4) - stay;
    uint64_t x = 0;
    for (unsigned i = 0; i < stay; i++)
        x |= (uint64_t)bytes[r->at++] << (8 * (zeroes + i));
    x ^= before;
    double d;
    memcpy(&d, &x, sizeof d);
    return d;
}

static void get_decimal(struct open_state *state, int64_t mantissa)
{
    state->whole = mantissa;
    state->last.d = (double)mantissa / tens[state->places];
    state->type = VALUE_DOUBLE;
}

static void get_value(struct open_reader *r, unsigned code)
{
    const unsigned char *bytes = r->s->bytes;
    struct open_state *state = &r->state;
    switch (code) {
    case VALUE_DECIMAL:
        get_decimal(state, plus(state->whole, get_zigzag(bytes, &r->at)));
        break;
    case VALUE_PLACES:
        state->places = bytes[r->at++];
        get_decimal(state, get_zigzag(bytes, &r->at));
        break;
    case VALUE_BITS:
        state->last.d = get_bits(r, bits_before(state));
        state->type = VALUE_DOUBLE;
        break;
    case VALUE_WHOLE:
        state->last.i = state->whole = plus(state->whole, get_zigzag(bytes, &r->at));
        state->type = VALUE_INT;
        break;
    case VALUE_FALSE:
    case VALUE_TRUE:
        state->last.b = code == VALUE_TRUE;
        state->type = VALUE_BOOL;
        break;
    case VALUE_STRING:
        state->last.text.n = (uint32_t)get_varint(bytes, &r->at);
        state->last.text.at = (uint32_t)r->at;
        r->at += state->last.text.n;
        state->type = VALUE_TEXT;
        break;
    default:
        break; /* the same again */
    }
}

bool open_reader_next(struct open_reader *r, struct open_point *ret)
{
    if (!r->s || r->at == r->s->used)
        return false;
    unsigned head = r->s->bytes[r->at++];
    get_time(r, head);
    if (head & NOTHING)
        r->state.type = VALUE_NONE;
    else
        get_value(r, (head >> 2) & 7);
    *ret =
        (struct open_point){r->state.t_us, last_value(r->s, &r->state), (uint8_t)(head >> 5 & 3)};
    return true;
}
