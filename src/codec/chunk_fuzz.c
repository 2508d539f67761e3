/* Fuzzes chunks both ways.  The first byte chooses: bytes taken as a chunk as they are; as a chunk
 * whose checksum is made right, to get past it; or as orders to make points, which must come back
 * as they went in.  What decodes is also read as columns and summed, in all ways of the lanes. */
#include "codec/chunk.h"

#include "base/crc32c.h"
#include "codec/chunk_lanes.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_columns(const struct chunk_points *points, const struct chunk_columns *c)
{
    size_t at = 0, rows = 0;
    for (size_t i = 0; i < points->n; i++) {
        const struct point *p = &points->points[i];
        if (p->type != VALUE_DOUBLE && p->type != VALUE_INT)
            continue;
        double d = p->type == VALUE_INT ? (double)p->as.i : p->as.d;
        if (at == c->n || c->times[at] != p->t_us || memcmp(&c->numbers[at], &d, sizeof d) != 0)
            abort();
        at++;
    }
    for (size_t i = 0; i < c->runs_n; i++)
        rows += c->runs[i].n;
    if (at != c->n || rows != c->n)
        abort();
}

/* Thirds of a chunk side by side are what they are one by one, unless damage shows in one way only.
 */
static void try_stretches(struct slice bytes, const struct chunk_points *points,
                          struct chunk_columns *columns)
{
    struct chunk_stretches ask = {.from_us = INT64_MIN, .placed = true, .n = 3};
    struct chunk_summary about;
    int64_t from = INT64_MIN;
    for (size_t k = 0; k < 3; k++)
        ask.list[k].to_us =
            k < 2 && points->n > 2 ? points->points[(k + 1) * points->n / 3].t_us : INT64_MAX;
    if (chunk_sum_stretches(bytes, &ask, columns, &about))
        return;
    for (size_t k = 0; k < 3 && points->n; from = ask.list[k++].to_us) {
        struct chunk_numbers one;
        const struct chunk_stretch *got = &ask.list[k];
        if (got->n &&
            (got->t_first < from || got->t_last >= got->to_us ||
             (got->numbers.n && (got->t_least < got->t_first || got->t_least > got->t_last ||
                                 got->t_greatest < got->t_first || got->t_greatest > got->t_last))))
            abort();
        if (!chunk_sum(bytes, from, got->to_us, columns, &one) && one.n != got->numbers.n &&
            got->n != points->n)
            abort();
    }
}

/* All ways give the same.  Damage that the points do not show may be refused or not. */
static void try_ways(struct slice bytes, const struct chunk_points *points, int expected)
{
    struct chunk_columns columns = {0};
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    struct chunk_numbers numbers[3] = {0};
    struct chunk_summary summary;
    int64_t from = points->n ? points->points[points->n / 3].t_us : 0, err = 0;
    for (size_t k = 0; k < ways; k++) {
        chunk_lanes_use(all[k]);
        if (chunk_to_columns(bytes, &columns) != expected)
            abort();
        if (!expected)
            check_columns(points, &columns);
        int got = chunk_sum(bytes, from, INT64_MAX, &columns, &numbers[k]);
        if (k == 0)
            err = got;
        if (got != err || numbers[k].n != numbers[0].n ||
            memcmp(&numbers[k].least, &numbers[0].least, 5 * sizeof(double)) != 0)
            abort();
    }
    chunk_lanes_use(NULL);
    try_stretches(bytes, points, &columns);
    if (!expected && (err || chunk_summarize(bytes, &summary)))
        abort();
    chunk_columns_release(&columns);
}

/* What decodes can be encoded, and decodes to the same. */
static void try_bytes(const char *p, size_t n)
{
    struct chunk_points first = {0}, second = {0};
    struct buf out = {0};
    int err = chunk_decode(slice_of(p, n), &first);
    try_ways(slice_of(p, n), &first, err);
    if (!err) {
        assert(first.n > 0 && first.n <= CHUNK_POINTS_MAX);
        if (chunk_encode(first.points, first.n, &out) != 0)
            abort();
        if (chunk_decode(buf_slice(&out), &second) != 0 || second.n != first.n)
            abort();
    }
    buf_release(&out);
    chunk_points_release(&first);
    chunk_points_release(&second);
}

static void try_mended(const uint8_t *data, size_t size)
{
    if (size < 8)
        return;
    char *copy = malloc(size);
    if (!copy)
        return;
    memcpy(copy, data, size);
    copy[0] = copy[0] % 2 ? 1 : CHUNK_VERSION;
    copy[3] &= 0x1f; /* more counts that are allowed */
    uint32_t crc = crc32c(crc32c(0, copy, 4), copy + 8, size - 8);
    for (int i = 0; i < 4; i++)
        copy[4 + i] = (char)(unsigned char)(crc >> 8 * i);
    try_bytes(copy, size);
    free(copy);
}

struct orders {
    const uint8_t *p;
    size_t n;
};

static uint64_t take(struct orders *o, size_t bytes)
{
    uint64_t v = 0;
    for (; bytes && o->n; bytes--, o->n--)
        v = v << 8 | *o->p++;
    return v;
}

static bool make_point(struct orders *o, struct point *p, int64_t *t)
{
    uint64_t what = take(o, 1), step = take(o, what & 0x40 ? 7 : 1) + 1;
    if (step > (uint64_t)INT64_MAX || __builtin_add_overflow(*t, (int64_t)step, t))
        return false;
    *p = (struct point){.t_us = *t,
                        .type = (uint8_t)(VALUE_DOUBLE + what % 4),
                        .quality = (uint8_t)((what >> 2) % 3)};
    uint64_t v = take(o, what & 0x80 ? 8 : 2);
    switch (p->type) {
    case VALUE_DOUBLE:
        if (what & 0x80)
            memcpy(&p->as.d, &v, sizeof v);
        else
            p->as.d = (double)(int16_t)(uint16_t)v / 100;
        return true;
    case VALUE_INT:
        p->as.i = (int64_t)v;
        return true;
    case VALUE_BOOL:
        p->as.b = v & 1;
        return true;
    default:
        p->as.text = malloc(sizeof *p->as.text + v % 16);
        if (!p->as.text)
            return false;
        p->as.text->n = (uint32_t)(v % 16);
        memset(p->as.text->bytes, (int)(v >> 4), v % 16);
        return true;
    }
}

static void check(const struct point *a, const struct point *b)
{
    bool same = a->t_us == b->t_us && a->type == b->type && a->quality == b->quality;
    if (a->type == VALUE_BOOL)
        same = same && a->as.b == b->as.b;
    else if (a->type == VALUE_TEXT)
        same = same && a->as.text->n == b->as.text->n &&
               memcmp(a->as.text->bytes, b->as.text->bytes, a->as.text->n) == 0;
    else
        same = same && a->as.i == b->as.i;
    if (!same)
        abort();
}

static void try_points(struct orders o, enum chunk_level level)
{
    struct point *points = calloc(CHUNK_POINTS_MAX, sizeof *points);
    struct buf out = {0};
    struct chunk_points got = {0};
    int64_t t = (int64_t)take(&o, 8);
    size_t n = 0;
    while (points && o.n && n < CHUNK_POINTS_MAX && make_point(&o, &points[n], &t))
        n++;
    if (n) {
        if (chunk_encode_at(points, n, level, &out) != 0 ||
            chunk_decode(buf_slice(&out), &got) != 0 || got.n != n)
            abort();
        for (size_t i = 0; i < n; i++)
            check(&points[i], &got.points[i]);
        try_ways(buf_slice(&out), &got, 0);
    }
    for (size_t i = 0; i < n; i++)
        if (points[i].type == VALUE_TEXT)
            free(points[i].as.text);
    free(points);
    buf_release(&out);
    chunk_points_release(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    switch (data[0] % 3) {
    case 0:
        try_bytes((const char *)data + 1, size - 1);
        break;
    case 1:
        try_mended(data + 1, size - 1);
        break;
    default:
        try_points((struct orders){data + 1, size - 1}, (enum chunk_level)(data[0] / 3 % 4));
    }
    return 0;
}
