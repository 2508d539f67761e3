#include "store/catalog_series.h"

#include "base/err.h"

enum { FORM = 1, RETIRED = 8, LEAST = 3 /* bytes of a series */ };

static void put_number(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_byte(out, (unsigned char)(v | 0x80));
    buf_add_byte(out, (unsigned char)v);
}

void catalog_series_pack(struct buf *out, const struct catalog_series *series, size_t n)
{
    uint32_t before = 0;
    buf_add_byte(out, FORM);
    for (size_t i = 0; i < n; i++) {
        const struct catalog_series *one = &series[i];
        put_number(out, (uint32_t)(one->series - before)); /* wraps around when it falls */
        buf_add_byte(out, (unsigned char)(one->kind | (one->retired ? RETIRED : 0)));
        put_number(out, one->sensor.n);
        buf_add_slice(out, one->sensor);
        before = one->series;
    }
}

static bool take_number(struct slice *s, uint32_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift <= 28 && s->n; shift += 7) {
        unsigned char byte = (unsigned char)*s->p++;
        s->n--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = (uint32_t)v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

static bool take_one(struct slice *s, uint32_t before, struct catalog_series *ret)
{
    uint32_t step, n;
    if (!take_number(s, &step) || !s->n)
        return false;
    unsigned char kind = (unsigned char)*s->p++;
    s->n--;
    if ((kind & ~RETIRED) > VALUE_TEXT || !take_number(s, &n) || n > s->n)
        return false;
    *ret = (struct catalog_series){before + step, slice_of(s->p, n),
                                   (uint8_t)(kind & (RETIRED - 1)), kind & RETIRED};
    s->p += n;
    s->n -= n;
    return true;
}

int catalog_series_unpack(struct slice bytes, struct arena *a, const struct catalog_series **ret,
                          size_t *ret_n)
{
    if (!bytes.n)
        return ERR_CORRUPT;
    if (bytes.p[0] != FORM)
        return ERR_UNSUPPORTED;
    struct slice rest = slice_skip(bytes, 1);
    struct catalog_series *list = arena_alloc(a, (rest.n / LEAST + 1) * sizeof *list);
    if (!list)
        return ERR_NOMEM;
    size_t n = 0;
    for (uint32_t before = 0; rest.n; before = list[n++].series)
        if (!take_one(&rest, before, &list[n]))
            return ERR_CORRUPT;
    *ret = list;
    *ret_n = n;
    return 0;
}
