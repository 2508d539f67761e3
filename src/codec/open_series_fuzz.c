/* Fuzz target: the bytes are points to add, any value at any time; they must come out again. */
#include "codec/open_series.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS_MAX = 4096 };

static bool take(const uint8_t **p, size_t *left, void *to, size_t n)
{
    if (*left < n)
        return false;
    memcpy(to, *p, n);
    *p += n;
    *left -= n;
    return true;
}

/* A byte says what follows: bits 0-2 the type, 3-4 quality, 5-6 the way of telling the time. */
static bool take_point(const uint8_t **p, size_t *left, int64_t *t, struct open_point *ret)
{
    uint8_t kind, n;
    int16_t small;
    int64_t number = 0;
    if (!take(p, left, &kind, 1))
        return false;
    if (kind & 0x40 ? !take(p, left, t, sizeof *t) : !take(p, left, &small, sizeof small))
        return false;
    if (!(kind & 0x40))
        *t = (int64_t)((uint64_t)*t + (uint64_t)(int64_t)small * (kind & 0x20 ? 1000 : 1));
    *ret = (struct open_point){.t_us = *t, .quality = (kind >> 3 & 3) % 3};
    struct value *v = &ret->value;
    switch (kind & 7) {
    case 0:
        v->type = VALUE_NONE;
        return true;
    case 1:
        *v = value_double(0);
        return take(p, left, &v->as.d, sizeof v->as.d);
    case 2:
    case 3:
        if (!take(p, left, &small, sizeof small))
            return false;
        *v = value_double((double)small / ((kind & 7) == 2 ? 10 : 1000));
        return true;
    case 4:
        *v = (struct value){VALUE_INT, {.i = number}};
        return take(p, left, &v->as.i, sizeof v->as.i);
    case 5:
    case 6:
        *v = (struct value){VALUE_BOOL, {.b = kind & 1}};
        return true;
    default:
        if (!take(p, left, &n, 1) || *left < n)
            return false;
        *v = (struct value){VALUE_TEXT, {.text = slice_of((const char *)*p, n)}};
        *p += n;
        *left -= n;
        return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct open_point points[POINTS_MAX];
    struct open_series *s = NULL;
    struct open_reader r;
    struct open_point p;
    int64_t t = 0;
    size_t n = 0, left = size;
    while (n < POINTS_MAX && take_point(&data, &left, &t, &points[n])) {
        int err = open_series_add(&s, points[n].t_us, points[n].value, points[n].quality);
        assert(!err);
        n++;
    }
    assert(open_series_count(s) == n);
    open_reader_init(&r, s);
    for (size_t i = 0; i < n; i++) {
        bool more = open_reader_next(&r, &p);
        assert(more && p.t_us == points[i].t_us && p.quality == points[i].quality);
        assert(value_eq(p.value, points[i].value));
    }
    bool more = open_reader_next(&r, &p);
    assert(!more);
    open_series_free(s);
    return 0;
}
