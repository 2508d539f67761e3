/* Doubles as decimals: most measured numbers were decimals with few digits once, and a double made
 * from the decimal m / 10^e with |m| <= 2^53 and e <= 22 comes back exactly from that division,
 * because both operands are exact and IEEE 754 rounds the quotient correctly.  Bits are compared,
 * so that -0.0, infinities and NaN are never taken for decimals. */
#include "codec/chunk_column.h"

#include "base/err.h"
#include "base/map.h"
#include "codec/chunk_pack.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { EXPONENT_MAX = 17, DOUBLES_AS_BITS = 64 };

static const double power[EXPONENT_MAX + 1] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,
                                               1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};

static int64_t bits_of(double d)
{
    int64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static double double_of(int64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* Is d = *ret_m / 10^e, exactly? */
static bool is_decimal(double d, int e, int64_t *ret_m)
{
    double scaled = d * power[e];
    if (!(fabs(scaled) <= 9007199254740992.0))
        return false;
    int64_t m = llrint(scaled);
    if (bits_of((double)m / power[e]) != bits_of(d))
        return false;
    *ret_m = m;
    return true;
}

/* The fewest decimals, starting the search at hint; EXPONENT_MAX + 1 when there is no such form. */
static int decimals_of(double d, int hint)
{
    int64_t m;
    int e = hint;
    if (is_decimal(d, e, &m)) {
        while (e > 0 && is_decimal(d, e - 1, &m))
            e--;
        return e;
    }
    while (++e <= EXPONENT_MAX)
        if (is_decimal(d, e, &m))
            return e;
    for (e = 0; e < hint; e++) /* too large for hint's power */
        if (is_decimal(d, e, &m))
            return e;
    return EXPONENT_MAX + 1;
}

/* Most of a sample have no decimal form: searching one for each would be in vain. */
static bool is_hopeless(const struct point *points, size_t n)
{
    enum { SAMPLE = 64 };
    int doubles = 0, without = 0;
    for (size_t i = 0; i < SAMPLE && n >= SAMPLE; i++) {
        const struct point *p = &points[i * n / SAMPLE];
        if (p->type != VALUE_DOUBLE)
            continue;
        doubles++;
        without += decimals_of(p->as.d, 0) > EXPONENT_MAX;
    }
    return without * 4 > doubles * 3;
}

/* The exponent that should give the fewest bytes: a decimal more costs each number log2(10) bits,
 * a number that does not fit about 80. */
static int choose_exponent(const struct point *points, size_t n, size_t count)
{
    size_t with[EXPONENT_MAX + 2] = {0};
    int hint = 0;
    if (is_hopeless(points, n))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (points[i].type != VALUE_DOUBLE)
            continue;
        int e = decimals_of(points[i].as.d, hint);
        with[e]++;
        if (e <= EXPONENT_MAX)
            hint = e;
    }
    size_t beyond = count;
    double best_cost = HUGE_VAL;
    int best = 0;
    for (int e = 0; e <= EXPONENT_MAX; e++) {
        beyond -= with[e];
        double cost = (double)count * 3.33 * e + 80.0 * (double)beyond;
        if (cost < best_cost) {
            best_cost = cost;
            best = e;
        }
    }
    return best;
}

static void put_exceptions(const struct point *points, size_t n, int exponent, size_t exceptions,
                           struct buf *out)
{
    pack_varint(out, exceptions);
    size_t at = 0, next = 0; /* positions among the doubles */
    for (size_t i = 0; i < n && exceptions; i++) {
        int64_t m;
        if (points[i].type != VALUE_DOUBLE)
            continue;
        if (!is_decimal(points[i].as.d, exponent, &m)) {
            uint64_t bits = (uint64_t)bits_of(points[i].as.d);
            pack_varint(out, at - next);
            for (int k = 0; k < 8; k++)
                buf_add_byte(out, (unsigned char)(bits >> 8 * k));
            next = at + 1;
            exceptions--;
        }
        at++;
    }
}

/* Mantissas of all doubles; one that has none is written aside, and here the one before it is the
 * cheapest.  How many have none. */
static size_t fill_decimals(const struct point *points, size_t n, int exponent, int64_t *numbers)
{
    size_t at = 0, exceptions = 0;
    int64_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (points[i].type != VALUE_DOUBLE)
            continue;
        exceptions += !is_decimal(points[i].as.d, exponent, &m);
        numbers[at++] = m;
    }
    return exceptions;
}

static void encode_doubles(const struct point *points, size_t n, size_t count, int64_t *scratch,
                           struct buf *out)
{
    int exponent = choose_exponent(points, n, count);
    size_t exceptions = fill_decimals(points, n, exponent, scratch);
    struct pack_plan decimals = pack_plan(scratch, count);
    size_t bytes = decimals.bytes + 1 + exceptions * 9;
    if (bytes > count * 4) { /* not clearly good: compare */
        size_t at = 0;
        for (size_t i = 0; i < n; i++)
            if (points[i].type == VALUE_DOUBLE)
                scratch[at++] = bits_of(points[i].as.d);
        struct pack_plan bits = pack_plan(scratch, count);
        if (bits.bytes <= bytes) {
            buf_add_byte(out, DOUBLES_AS_BITS);
            pack_numbers(out, scratch, count, bits);
            return;
        }
        fill_decimals(points, n, exponent, scratch);
    }
    buf_add_byte(out, (unsigned char)exponent);
    pack_numbers(out, scratch, count, decimals);
    put_exceptions(points, n, exponent, exceptions, out);
}

static uint64_t get_le64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return v;
}

/* The numbers become the bits of their doubles, in place. */
static bool decode_decimals(struct slice *in, int exponent, size_t count, int64_t *numbers)
{
    uint64_t exceptions, gap;
    if (!unpack_numbers(in, numbers, count) || !unpack_varint(in, &exceptions) ||
        exceptions > count)
        return false;
    for (size_t i = 0; i < count; i++)
        numbers[i] = bits_of((double)numbers[i] / power[exponent]);
    for (size_t at = 0; exceptions; exceptions--, at++) {
        if (!unpack_varint(in, &gap) || gap >= count - at || in->n < 8)
            return false;
        at += (size_t)gap;
        numbers[at] = (int64_t)get_le64(in->p);
        *in = slice_skip(*in, 8);
        if (at + 1 == count && exceptions > 1)
            return false;
    }
    return true;
}

static int decode_doubles(struct slice *in, struct point *points, size_t n, size_t count,
                          int64_t *scratch)
{
    if (in->n < 1)
        return ERR_CORRUPT;
    int form = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    bool ok = false;
    if (form <= EXPONENT_MAX)
        ok = decode_decimals(in, form, count, scratch);
    else if (form == DOUBLES_AS_BITS)
        ok = unpack_numbers(in, scratch, count);
    if (!ok)
        return ERR_CORRUPT;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i].type == VALUE_DOUBLE)
            points[i].as.d = double_of(scratch[at++]);
    return 0;
}

static void encode_numbers(uint8_t type, const struct point *points, size_t n, size_t count,
                           int64_t *scratch, struct buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i].type == type)
            scratch[at++] = type == VALUE_INT ? points[i].as.i : points[i].as.b;
    pack_numbers(out, scratch, count, pack_plan(scratch, count));
}

static int decode_numbers(uint8_t type, struct slice *in, struct point *points, size_t n,
                          size_t count, int64_t *scratch)
{
    if (!unpack_numbers(in, scratch, count))
        return ERR_CORRUPT;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (points[i].type != type)
            continue;
        int64_t v = scratch[at++];
        if (type == VALUE_INT)
            points[i].as.i = v;
        else if (v == 0 || v == 1)
            points[i].as.b = v == 1;
        else
            return ERR_CORRUPT;
    }
    return 0;
}

/* Each different text once, in order of its first use; then each point's number of its text. */
static int encode_texts(const struct point *points, size_t n, size_t count, int64_t *scratch,
                        struct buf *out)
{
    struct map numbers = {0};
    struct buf texts = {0};
    const char *base = (const char *)points; /* a number k is kept as the address base + k + 1 */
    size_t at = 0, different = 0;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        if (points[i].type != VALUE_TEXT)
            continue;
        struct slice text = slice_of(points[i].as.text->bytes, points[i].as.text->n);
        const char *known = map_get(&numbers, text);
        if (known) {
            scratch[at++] = known - base - 1;
            continue;
        }
        scratch[at++] = (int64_t)different++;
        pack_varint(&texts, text.n);
        buf_add_slice(&texts, text);
        void *old;
        err = map_put(&numbers, text, (void *)(uintptr_t)(base + different), &old);
    }
    if (texts.failed)
        err = ERR_NOMEM;
    if (!err) {
        pack_varint(out, different);
        buf_add_slice(out, buf_slice(&texts));
        pack_numbers(out, scratch, count, pack_plan(scratch, count));
    }
    buf_release(&texts);
    map_release(&numbers);
    return err;
}

static size_t text_room(uint64_t n)
{
    return (sizeof(struct point_text) + (size_t)n + 3) & ~(size_t)3;
}

/* Room for the different texts one behind the other, and where each is. */
static int read_texts(struct slice *in, size_t different, struct point_text **where, void **ret)
{
    struct slice ahead = *in;
    size_t bytes = 0;
    uint64_t n;
    for (size_t i = 0; i < different; i++) {
        if (!unpack_varint(&ahead, &n) || n > ahead.n || n > UINT32_MAX)
            return ERR_CORRUPT;
        ahead = slice_skip(ahead, (size_t)n);
        bytes += text_room(n);
    }
    char *room = malloc(bytes ? bytes : 1);
    if (!room)
        return ERR_NOMEM;
    *ret = room;
    for (size_t i = 0; i < different; i++) {
        struct point_text *text = (struct point_text *)(void *)room;
        unpack_varint(in, &n);
        text->n = (uint32_t)n;
        memcpy(text->bytes, in->p, (size_t)n);
        *in = slice_skip(*in, (size_t)n);
        where[i] = text;
        room += text_room(n);
    }
    return 0;
}

static int decode_texts(struct slice *in, struct point *points, size_t n, size_t count,
                        int64_t *scratch, void **ret_texts)
{
    uint64_t different;
    if (!unpack_varint(in, &different) || different == 0 || different > count)
        return ERR_CORRUPT;
    struct point_text **where = malloc((size_t)different * sizeof *where);
    void *texts = NULL;
    int err = where ? read_texts(in, (size_t)different, where, &texts) : ERR_NOMEM;
    if (!err && !unpack_numbers(in, scratch, count))
        err = ERR_CORRUPT;
    size_t at = 0;
    for (size_t i = 0; i < n && !err; i++) {
        if (points[i].type != VALUE_TEXT)
            continue;
        int64_t number = scratch[at++];
        if (number < 0 || (uint64_t)number >= different)
            err = ERR_CORRUPT;
        else
            points[i].as.text = where[number];
    }
    free(where);
    if (err)
        free(texts);
    else
        *ret_texts = texts;
    return err;
}

int column_encode(uint8_t type, const struct point *points, size_t n, size_t count,
                  int64_t *scratch, struct buf *out)
{
    if (type == VALUE_DOUBLE)
        encode_doubles(points, n, count, scratch, out);
    else if (type == VALUE_TEXT)
        return encode_texts(points, n, count, scratch, out);
    else
        encode_numbers(type, points, n, count, scratch, out);
    return 0;
}

int column_decode(uint8_t type, struct slice *in, struct point *points, size_t n, size_t count,
                  int64_t *scratch, void **ret_texts)
{
    if (type == VALUE_DOUBLE)
        return decode_doubles(in, points, n, count, scratch);
    if (type == VALUE_TEXT)
        return decode_texts(in, points, n, count, scratch, ret_texts);
    return decode_numbers(type, in, points, n, count, scratch);
}
