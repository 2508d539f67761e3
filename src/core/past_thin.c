/* Thinning keeps the extremes of buckets of equal width in time, the first point and the last.
 *
 * How wide buckets must be is not known before the last point came, so they begin narrow, and
 * whenever there are too many, neighbours are joined and the width doubles: in the end at least
 * half of the allowed number is used, in one pass.  As long as all points fit they are kept as they
 * are.  Of texts the first of each bucket stands for it. */
#include "base/err.h"
#include "core/past.h"

#include <stdlib.h>

/* The extremes of its numbers, one and the same point at first; of texts low is the first and high
 * is nothing.  VALUE_NONE: empty. */
struct bucket {
    struct point low, high;
};

struct thin {
    struct fold fold;
    size_t limit;      /* points at most */
    struct point *few; /* all points, until they are too many; in the end those of the answer */
    size_t few_n, few_cap, given;
    struct bucket *buckets; /* number k stands at k */
    size_t n, cap;
    int64_t start_us;
    uint64_t width_us;
    struct point first, last;
    bool collected;
};

/* Put the bucket b behind a into it; b is used up. */
static void join(struct bucket *a, struct bucket *b)
{
    if (b->low.type == VALUE_NONE)
        return;
    if (a->low.type == VALUE_NONE) {
        *a = *b;
    } else if (a->low.type == VALUE_TEXT || b->low.type == VALUE_TEXT) {
        point_release(&b->low);
    } else {
        if (point_height(&b->low) < point_height(&a->low))
            a->low = b->low;
        if (point_height(&b->high) > point_height(&a->high))
            a->high = b->high;
    }
}

static void halve(struct thin *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct bucket b = t->buckets[i];
        if (i % 2 == 0)
            t->buckets[i / 2] = b;
        else
            join(&t->buckets[i / 2], &b);
    }
    t->n = (t->n + 1) / 2;
    t->width_us = t->width_us > UINT64_MAX / 2 ? UINT64_MAX : 2 * t->width_us;
}

/* The last time, included, of bucket number no, buckets being so wide. */
static int64_t last_of(const struct thin *t, uint64_t no, uint64_t width_us)
{
    uint64_t room = (uint64_t)INT64_MAX - (uint64_t)t->start_us, end;
    if (__builtin_mul_overflow(no + 1, width_us, &end) || end > room)
        return INT64_MAX;
    return (int64_t)((uint64_t)t->start_us + end - 1);
}

/* The bucket of a time not before any other; *ret_last: up to which time it goes, included. */
static struct bucket *bucket_of(struct thin *t, int64_t t_us, int64_t *ret_last)
{
    uint64_t since = (uint64_t)t_us - (uint64_t)t->start_us;
    while (since / t->width_us >= t->cap)
        halve(t);
    size_t no = (size_t)(since / t->width_us);
    for (; t->n <= no; t->n++)
        t->buckets[t->n] = (struct bucket){0};
    *ret_last = last_of(t, no, t->width_us);
    return &t->buckets[no];
}

static int add(struct bucket *b, const struct point *p)
{
    if (b->low.type == VALUE_NONE) {
        if (p->type == VALUE_TEXT)
            return point_keep(&b->low, p);
        b->low = b->high = *p;
    } else if (p->type != VALUE_TEXT && b->low.type != VALUE_TEXT) {
        double v = point_height(p);
        if (v < point_height(&b->low))
            b->low = *p;
        if (v > point_height(&b->high))
            b->high = *p;
    }
    return 0;
}

static int take_many(struct thin *t, const struct point *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        int64_t last;
        struct bucket *b = bucket_of(t, p[i].t_us, &last);
        for (; i < n && p[i].t_us <= last; i++)
            if (add(b, &p[i]))
                return ERR_NOMEM;
    }
    return n ? point_keep(&t->last, &p[n - 1]) : 0;
}

static struct point double_at(int64_t t_us, double v)
{
    return (struct point){.t_us = t_us, .type = VALUE_DOUBLE, .as.d = v};
}

/* Add doubles; of equal extremes the first counts, as among points. */
static int add_numbers(struct bucket *b, const int64_t *times, const double *v, size_t n)
{
    struct extent e = numbers_extent(v, n);
    struct point p = double_at(times[0], v[0]);
    size_t i = 0;
    if (add(b, &p))
        return ERR_NOMEM;
    if (b->low.type == VALUE_TEXT)
        return 0;
    if (e.least < point_height(&b->low)) {
        while (v[i] != e.least)
            i++;
        b->low = double_at(times[i], v[i]);
    }
    if (e.greatest > point_height(&b->high)) {
        for (i = 0; v[i] != e.greatest;)
            i++;
        b->high = double_at(times[i], v[i]);
    }
    return 0;
}

static int take_columns(struct thin *t, const struct history_run *run)
{
    size_t i = 0;
    while (i < run->n) {
        int64_t last;
        struct bucket *b = bucket_of(t, run->times[i], &last);
        size_t n =
            last == INT64_MAX ? run->n - i : times_find(run->times + i, run->n - i, last + 1);
        if (add_numbers(b, run->times + i, run->numbers + i, n))
            return ERR_NOMEM;
        i += n;
    }
    struct point newest = double_at(run->times[i - 1], run->numbers[i - 1]);
    return point_keep(&t->last, &newest);
}

/* Of what lies in one bucket the extremes are enough. */
static int take_sum(struct thin *t, const struct history_sum *sum)
{
    struct point low = double_at(sum->t_least, sum->least);
    struct point high = double_at(sum->t_greatest, sum->greatest);
    struct point newest = double_at(sum->t_max, sum->last);
    bool low_first = low.t_us <= high.t_us;
    const struct point *first = low_first ? &low : &high, *second = low_first ? &high : &low;
    int64_t last;
    if (add(bucket_of(t, first->t_us, &last), first) ||
        add(bucket_of(t, second->t_us, &last), second))
        return ERR_NOMEM;
    bucket_of(t, newest.t_us, &last); /* this decides how wide they are */
    return point_keep(&t->last, &newest);
}

static int keep_few(struct thin *t, const struct point *p, size_t n)
{
    if (t->few_n + n > t->few_cap) {
        size_t cap = 2 * (t->few_n + n);
        struct point *few = realloc(t->few, cap * sizeof *few);
        if (!few)
            return ERR_NOMEM;
        t->few = few;
        t->few_cap = cap;
    }
    for (size_t i = 0; i < n; i++) {
        t->few[t->few_n] = (struct point){0};
        if (point_keep(&t->few[t->few_n], &p[i]))
            return ERR_NOMEM;
        t->few_n++;
    }
    return 0;
}

static void release_few(struct thin *t)
{
    for (size_t i = 0; i < t->few_n; i++)
        point_release(&t->few[i]);
    t->few_n = 0;
}

/* They have become too many. */
static int begin_buckets(struct thin *t, const struct point *first)
{
    t->start_us = first->t_us;
    t->width_us = 1;
    t->cap = (t->limit - 2) / 2;
    t->buckets = calloc(t->cap, sizeof *t->buckets);
    if (!t->buckets || point_keep(&t->first, first))
        return ERR_NOMEM;
    int err = take_many(t, t->few, t->few_n);
    release_few(t);
    return err;
}

static int keep_few_columns(struct thin *t, const struct history_run *run)
{
    for (size_t i = 0; i < run->n; i++) {
        struct point p = double_at(run->times[i], run->numbers[i]);
        if (keep_few(t, &p, 1))
            return ERR_NOMEM;
    }
    return 0;
}

static int take(struct fold *f, const struct history_run *run)
{
    struct thin *t = (struct thin *)f;
    if (run->sum)
        return take_sum(t, run->sum);
    if (!t->buckets && t->few_n + run->n <= t->limit)
        return run->points ? keep_few(t, run->points, run->n) : keep_few_columns(t, run);
    if (!t->buckets) {
        struct point first = t->few_n      ? t->few[0]
                             : run->points ? run->points[0]
                                           : double_at(run->times[0], run->numbers[0]);
        if (begin_buckets(t, &first))
            return ERR_NOMEM;
    }
    return run->points ? take_many(t, run->points, run->n) : take_columns(t, run);
}

/* The end of the bucket of t, as wide as buckets will be when t_max has come. */
static int64_t until(const struct fold *f, int64_t t_us, int64_t t_max)
{
    const struct thin *t = (const struct thin *)f;
    if (!t->buckets)
        return t_us;
    uint64_t width_us = t->width_us, most = (uint64_t)t_max - (uint64_t)t->start_us;
    while (most / width_us >= t->cap)
        width_us = width_us > UINT64_MAX / 2 ? UINT64_MAX : 2 * width_us;
    int64_t last = last_of(t, ((uint64_t)t_us - (uint64_t)t->start_us) / width_us, width_us);
    return last < INT64_MAX ? last + 1 : INT64_MAX;
}

/* ---- the answer ---- */

static int collect_one(struct thin *t, const struct point *p)
{
    if (p->type == VALUE_NONE || (t->few_n && t->few[t->few_n - 1].t_us >= p->t_us))
        return 0;
    return keep_few(t, p, 1);
}

static int collect(struct thin *t)
{
    int err = collect_one(t, &t->first);
    for (size_t i = 0; i < t->n && !err; i++) {
        const struct bucket *b = &t->buckets[i];
        bool low_first = b->low.t_us <= b->high.t_us;
        err = collect_one(t, low_first ? &b->low : &b->high);
        if (!err)
            err = collect_one(t, low_first ? &b->high : &b->low);
    }
    return err ? err : collect_one(t, &t->last);
}

static int end(struct fold *f)
{
    struct thin *t = (struct thin *)f;
    if (!t->collected) {
        if (t->buckets && collect(t))
            return ERR_NOMEM;
        if (t->limit > f->query->limit)
            t->few_n = lttb(t->few, t->few_n, f->query->limit);
        t->collected = true;
    }
    while (t->given < t->few_n)
        if (fold_put(f, &t->few[t->given++]))
            return FOLD_FULL;
    return 0;
}

static void release(struct fold *f)
{
    struct thin *t = (struct thin *)f;
    for (size_t i = 0; i < t->n; i++)
        point_release(&t->buckets[i].low);
    point_release(&t->first);
    point_release(&t->last);
    release_few(t);
    free(t->few);
    free(t->buckets);
    free(t);
}

static const struct fold_kind kind = {
    .take = take, .end = end, .until = until, .placed = true, .columns = true, .free = release};

struct fold *fold_thin(const struct history_query *q, size_t factor)
{
    struct thin *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->fold.kind = &kind;
    t->limit = q->limit * factor;
    return &t->fold;
}
