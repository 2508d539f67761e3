/* A ROW, version 1: a byte, the version; then nine columns, each a varint, its length, and a chunk
 * (codec/chunk.h) of so many bytes, or nothing when it has no entry:
 *
 *   0  count of each bucket, a whole number, at the time where the bucket begins
 *   1  how many of these are numbers, for buckets where not all are
 *   2  sum                      for buckets that have numbers
 *   3  low, 4 high: the values  for the same
 *   5  low, 6 high: their times less the bucket's, for the same
 *   7  first, 8 last
 *
 * In columns 1 to 8 the time of an entry is the bucket's place in the row, from 0, so that a column
 * without gaps has times that cost nothing.  Values keep their type, readings their quality.  Every
 * chunk has a checksum of its own.
 *
 * SUMS are added up with what was lost on the way (Neumaier 1974).  So a bucket's sum is nearly
 * always the double nearest to the true one, which of decimals is a decimal again, and short. */
#include "store/rollup.h"

#include "base/err.h"
#include "codec/chunk_pack.h"
#include "store/history.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { ROW_VERSION = 1 };

enum {
    COLUMN_COUNT,
    COLUMN_NUMBERS,
    COLUMN_SUM,
    COLUMN_LOW,
    COLUMN_HIGH,
    COLUMN_LOW_AT,
    COLUMN_HIGH_AT,
    COLUMN_FIRST,
    COLUMN_LAST,
    COLUMNS
};

const int64_t rollup_width_us[ROLLUP_TIERS] = {
    INT64_C(1000000),
    INT64_C(60000000),
    INT64_C(3600000000),
    INT64_C(86400000000),
};

int64_t rollup_floor(int64_t t_us, int64_t width_us)
{
    int64_t rest = t_us % width_us;
    rest += rest < 0 ? width_us : 0;
    return t_us < INT64_MIN + rest ? INT64_MIN : t_us - rest;
}

int64_t rollup_ceil(int64_t t_us, int64_t width_us)
{
    int64_t floor = rollup_floor(t_us, width_us);
    if (floor == t_us)
        return t_us;
    return floor > INT64_MAX - width_us ? INT64_MAX : floor + width_us;
}

/* ---- adding up ---- */

static double height(const struct point *p)
{
    return p->type == VALUE_BOOL ? (double)p->as.b : value_as_double(point_value(p));
}

static void add_to_sum(struct rollup *to, double v)
{
    double sum = to->sum + v;
    to->lost += fabs(to->sum) >= fabs(v) ? (to->sum - sum) + v : (v - sum) + to->sum;
    to->sum = sum;
}

/* What the sum is, all told. */
static double sum_of(const struct rollup *b)
{
    double sum = b->sum + b->lost;
    return isfinite(sum) ? sum : b->sum;
}

static int copy_point(struct point *to, const struct point *from)
{
    return point_make(from->t_us, point_value(from), from->quality, to);
}

/* Both or none, so that a bucket is never half added to. */
static int copy_ends(struct rollup *to, const struct point *first, const struct point *last)
{
    struct point a, b;
    if (copy_point(&b, last))
        return ERR_NOMEM;
    if (!to->n && copy_point(&a, first)) {
        point_release(&b);
        return ERR_NOMEM;
    }
    if (!to->n)
        to->first = a;
    point_release(&to->last);
    to->last = b;
    return 0;
}

int rollup_add_point(struct rollup *to, const struct point *p)
{
    if (copy_ends(to, p, p))
        return ERR_NOMEM;
    to->n++;
    if (p->type == VALUE_TEXT)
        return 0;
    double v = height(p);
    if (!to->numbers || v < height(&to->low))
        to->low = *p;
    if (!to->numbers || v > height(&to->high))
        to->high = *p;
    to->numbers++;
    add_to_sum(to, v);
    return 0;
}

int rollup_add(struct rollup *to, const struct rollup *from)
{
    if (!from->n)
        return 0;
    if (copy_ends(to, &from->first, &from->last))
        return ERR_NOMEM;
    to->n += from->n;
    if (!from->numbers)
        return 0;
    if (!to->numbers || height(&from->low) < height(&to->low))
        to->low = from->low;
    if (!to->numbers || height(&from->high) > height(&to->high))
        to->high = from->high;
    to->numbers += from->numbers;
    add_to_sum(to, sum_of(from));
    return 0;
}

int rollup_copy(struct rollup *to, const struct rollup *from)
{
    struct rollup copy = {.t_us = from->t_us};
    int err = rollup_add(&copy, from);
    if (!err)
        *to = copy;
    return err;
}

void rollup_release(struct rollup *b)
{
    point_release(&b->first);
    point_release(&b->last);
    *b = (struct rollup){.t_us = b->t_us};
}

struct rollup *rollups_push(struct rollups *list, int64_t t_us)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        struct rollup *more = realloc(list->items, cap * sizeof *more);
        if (!more)
            return NULL;
        list->items = more;
        list->cap = cap;
    }
    struct rollup *b = &list->items[list->n++];
    *b = (struct rollup){.t_us = t_us};
    return b;
}

int rollups_push_copy(struct rollups *list, const struct rollup *b)
{
    struct rollup *to = rollups_push(list, b->t_us);
    int err = to ? rollup_copy(to, b) : ERR_NOMEM;
    if (to && err)
        list->n--;
    return err;
}

static void cut_to(struct rollups *list, size_t n)
{
    while (list->n > n)
        rollup_release(&list->items[--list->n]);
}

void rollups_clear(struct rollups *list)
{
    cut_to(list, 0);
}

void rollups_release(struct rollups *list)
{
    cut_to(list, 0);
    free(list->items);
    *list = (struct rollups){0};
}

/* ---- rows ---- */

static struct point whole(int64_t t_us, int64_t i)
{
    return (struct point){.t_us = t_us, .type = VALUE_INT, .as.i = i};
}

/* The entry that a bucket has in a column; false: none. */
static bool entry(const struct rollup *b, int column, int64_t place, struct point *ret)
{
    switch (column) {
    case COLUMN_COUNT:
        *ret = whole(b->t_us, (int64_t)b->n);
        return true;
    case COLUMN_NUMBERS:
        *ret = whole(place, (int64_t)b->numbers);
        return b->numbers != b->n;
    case COLUMN_SUM:
        *ret = (struct point){.t_us = place, .type = VALUE_DOUBLE, .as.d = sum_of(b)};
        return b->numbers;
    case COLUMN_LOW_AT:
        *ret = whole(place, b->low.t_us - b->t_us);
        return b->numbers;
    case COLUMN_HIGH_AT:
        *ret = whole(place, b->high.t_us - b->t_us);
        return b->numbers;
    case COLUMN_LOW:
    case COLUMN_HIGH:
        *ret = column == COLUMN_LOW ? b->low : b->high;
        ret->t_us = place;
        return b->numbers;
    default:
        *ret = column == COLUMN_FIRST ? b->first : b->last;
        ret->t_us = place;
        return true;
    }
}

int rollup_encode(const struct rollup *b, size_t n, struct buf *out)
{
    struct point points[ROLLUP_ROW_MAX];
    struct buf chunk = {0};
    size_t before = out->n;
    int err = 0;
    assert(n > 0 && n <= ROLLUP_ROW_MAX);
    buf_add_byte(out, ROW_VERSION);
    for (int column = 0; column < COLUMNS && !err; column++) {
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            k += entry(&b[i], column, (int64_t)i, &points[k]);
        buf_clear(&chunk);
        if (k)
            err = chunk_encode(points, k, &chunk);
        pack_varint(out, chunk.n);
        buf_add(out, chunk.p ? chunk.p : "", chunk.n);
    }
    buf_release(&chunk);
    if (!err && out->failed)
        err = ERR_NOMEM;
    if (err)
        out->n = before;
    return err;
}

/* Can this be the entry of that column? */
static bool fits(const struct rollup *b, int column, const struct point *p)
{
    bool number = p->type != VALUE_TEXT && p->type != VALUE_NONE;
    switch (column) {
    case COLUMN_COUNT:
        return p->type == VALUE_INT && p->as.i > 0;
    case COLUMN_NUMBERS:
        return p->type == VALUE_INT && p->as.i >= 0 && (uint64_t)p->as.i < b->n;
    case COLUMN_SUM:
        return p->type == VALUE_DOUBLE && b->numbers;
    case COLUMN_LOW:
    case COLUMN_HIGH:
        return number && b->numbers;
    case COLUMN_LOW_AT:
    case COLUMN_HIGH_AT:
        return p->type == VALUE_INT && p->as.i >= 0 &&
               p->as.i < rollup_width_us[ROLLUP_TIERS - 1] && b->numbers;
    default:
        return p->type != VALUE_NONE;
    }
}

static int put_entry(struct rollup *b, int column, const struct point *p)
{
    switch (column) {
    case COLUMN_NUMBERS:
        b->numbers = (uint64_t)p->as.i;
        break;
    case COLUMN_SUM:
        b->sum = p->as.d;
        break;
    case COLUMN_LOW:
        b->low = *p;
        break;
    case COLUMN_HIGH:
        b->high = *p;
        break;
    case COLUMN_LOW_AT:
        b->low.t_us = b->t_us + p->as.i;
        break;
    case COLUMN_HIGH_AT:
        b->high.t_us = b->t_us + p->as.i;
        break;
    case COLUMN_FIRST:
    case COLUMN_LAST: {
        struct point *to = column == COLUMN_FIRST ? &b->first : &b->last;
        int err = copy_point(to, p);
        if (!err)
            to->t_us = b->t_us;
        return err;
    }
    default:
        break;
    }
    return 0;
}

static int begin_buckets(const struct chunk_points *counts, struct rollups *ret)
{
    for (size_t i = 0; i < counts->n; i++) {
        const struct point *p = &counts->points[i];
        if (!fits(NULL, COLUMN_COUNT, p) || p->t_us > INT64_MAX - rollup_width_us[ROLLUP_TIERS - 1])
            return ERR_CORRUPT;
        struct rollup *b = rollups_push(ret, p->t_us);
        if (!b)
            return ERR_NOMEM;
        b->n = b->numbers = (uint64_t)p->as.i;
    }
    return 0;
}

/* A column's entries; each bucket that must have one has one. */
static int take_column(const struct chunk_points *c, int column, struct rollup *b, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        bool here = at < c->n && c->points[at].t_us == (int64_t)i;
        bool wanted = column == COLUMN_NUMBERS ? here
                      : column < COLUMN_FIRST  ? b[i].numbers > 0
                                               : true;
        if (here != wanted)
            return ERR_CORRUPT;
        if (!here)
            continue;
        if (!fits(&b[i], column, &c->points[at]))
            return ERR_CORRUPT;
        int err = put_entry(&b[i], column, &c->points[at++]);
        if (err)
            return err;
    }
    return at == c->n ? 0 : ERR_CORRUPT;
}

static int next_column(struct slice *in, struct chunk_points *ret)
{
    uint64_t length;
    if (!unpack_varint(in, &length) || length > in->n)
        return ERR_CORRUPT;
    ret->n = 0;
    int err = length ? chunk_decode(slice_of(in->p, (size_t)length), ret) : 0;
    in->p += length;
    in->n -= (size_t)length;
    return err;
}

int rollup_decode(struct slice row, struct rollups *ret)
{
    struct chunk_points c = {0};
    size_t before = ret->n;
    if (!row.n || row.p[0] != ROW_VERSION)
        return row.n && (unsigned char)row.p[0] > ROW_VERSION ? ERR_UNSUPPORTED : ERR_CORRUPT;
    struct slice in = slice_of(row.p + 1, row.n - 1);
    int err = next_column(&in, &c);
    if (!err && (!c.n || c.n > ROLLUP_ROW_MAX))
        err = ERR_CORRUPT;
    if (!err)
        err = begin_buckets(&c, ret);
    for (int column = 1; column < COLUMNS && !err; column++) {
        err = next_column(&in, &c);
        if (!err)
            err = take_column(&c, column, ret->items + before, ret->n - before);
    }
    if (!err && in.n)
        err = ERR_CORRUPT;
    if (err)
        cut_to(ret, before);
    chunk_points_release(&c);
    return err;
}
