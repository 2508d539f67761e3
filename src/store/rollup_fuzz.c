/* Fuzzes rows of roll-ups.  The first byte chooses: bytes taken as a row as they are; or as orders
 * to make buckets out of points, which must come back as they went in. */
#include "store/rollup.h"

#include "store/history.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const struct rollup *a, const struct rollup *b)
{
    assert(a->t_us == b->t_us && a->n == b->n && a->numbers == b->numbers);
    assert(value_eq(point_value(&a->first), point_value(&b->first)));
    assert(value_eq(point_value(&a->last), point_value(&b->last)));
    assert(a->first.quality == b->first.quality && a->last.quality == b->last.quality);
    if (!a->numbers)
        return;
    assert(value_eq(point_value(&a->low), point_value(&b->low)) && a->low.t_us == b->low.t_us);
    assert(value_eq(point_value(&a->high), point_value(&b->high)) && a->high.t_us == b->high.t_us);
}

/* What decodes can be encoded, and decodes to the same. */
static void try_bytes(struct slice row)
{
    struct rollups first = {0}, second = {0};
    struct buf out = {0};
    if (rollup_decode(row, &first) == 0) {
        assert(first.n > 0 && first.n <= ROLLUP_ROW_MAX);
        if (rollup_encode(first.items, first.n, &out) || rollup_decode(buf_slice(&out), &second))
            abort();
        assert(second.n == first.n);
        for (size_t i = 0; i < first.n; i++)
            must_be_same(&first.items[i], &second.items[i]);
    }
    buf_release(&out);
    rollups_release(&first);
    rollups_release(&second);
}

/* Two bytes a point: how far on, and what it says. */
static struct point ordered(int64_t t_us, uint8_t what, struct point_text *text)
{
    struct point p = {.t_us = t_us, .quality = what % 3};
    switch (what % 4) {
    case 0:
        p.type = VALUE_TEXT;
        p.as.text = text;
        break;
    case 1:
        p.type = VALUE_BOOL;
        p.as.b = what & 16;
        break;
    case 2:
        p.type = VALUE_INT;
        p.as.i = INT64_C(9007199254740993) * what;
        break;
    default:
        p.type = VALUE_DOUBLE;
        p.as.d = (double)what / 10;
    }
    return p;
}

static void try_points(const uint8_t *data, size_t size)
{
    struct rollups list = {0}, back = {0};
    struct buf out = {0};
    struct point_text *text = calloc(1, sizeof *text + 4);
    int64_t t = 0, width = rollup_width_us[0];
    for (size_t i = 0; text && i + 1 < size; i += 2) {
        struct rollup *last = list.n ? &list.items[list.n - 1] : NULL;
        text->n = data[i] % 5;
        t += 1 + data[i] * INT64_C(20011);
        if (!last || last->t_us != rollup_floor(t, width)) {
            if (list.n == ROLLUP_ROW_MAX || !(last = rollups_push(&list, rollup_floor(t, width))))
                break;
        }
        struct point p = ordered(t, data[i + 1], text);
        if (rollup_add_point(last, &p))
            abort();
    }
    if (list.n) {
        if (rollup_encode(list.items, list.n, &out) || rollup_decode(buf_slice(&out), &back))
            abort();
        assert(back.n == list.n);
        for (size_t i = 0; i < list.n; i++)
            must_be_same(&list.items[i], &back.items[i]);
        try_bytes(buf_slice(&out));
    }
    free(text);
    buf_release(&out);
    rollups_release(&list);
    rollups_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    if (data[0] & 1)
        try_bytes(slice_of((const char *)data + 1, size - 1));
    else
        try_points(data + 1, size - 1);
    return 0;
}
