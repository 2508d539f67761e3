/* past.c - questions about the past of one sensor.
 *
 * What is still in memory is copied on the loop's thread; the rest is read on a thread of `reads`,
 * where both are merged and made smaller as they stream by, so an answer's memory is bounded by its
 * points, not by the span asked for. */
#include "base/err.h"
#include "core/internal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STEPS_MAX = 100000 };

struct bucket {
    struct point low, high; /* the extremes; one and the same point when low_only */
};

/* Thinning keeps the extremes of buckets of equal width.  How wide they must be is not known before
 * the last point came, so they begin narrow, and whenever there are too many, neighbours are joined
 * and the width doubles: in the end at least half of the allowed number is used, in one pass. */
struct thinner {
    struct bucket *buckets;
    size_t n, cap;
    int64_t start_us, width_us;
    int64_t bucket_no; /* of the last one */
    struct point first, last;
    bool any;
};

struct history_job {
    struct core *core;
    struct pool_job job;
    struct history_query q;
    uint32_t series;
    struct point *head;
    size_t head_n;
    struct point *out;
    size_t out_n, out_cap;
    struct thinner thin;
    int64_t step_us; /* start of the present step, when step_count */
    uint64_t step_count;
    double step_sum, step_lost; /* Kahan (1965): what the sum could not hold */
    struct point step_point;
    bool more, damaged;
    int64_t next_us;
    int err;
    _Atomic(bool) cancelled;
    history_done_fn *done;
    void *arg;
};

static int copy_point(struct point *to, const struct point *from)
{
    return point_make(from->t_us, point_value(from), from->quality, to);
}

static int push_copy(struct history_job *j, const struct point *p)
{
    if (j->out_n == j->out_cap) {
        size_t cap = j->out_cap ? j->out_cap * 2 : 256;
        struct point *out = realloc(j->out, cap * sizeof *out);
        if (!out)
            return ERR_NOMEM;
        j->out = out;
        j->out_cap = cap;
    }
    if (copy_point(&j->out[j->out_n], p))
        return ERR_NOMEM;
    j->out_n++;
    return 0;
}

/* ---- raw ---- */

static int on_raw(struct history_job *j, const struct point *p)
{
    if (j->out_n == j->q.limit) {
        j->more = true;
        j->next_us = p->t_us;
        return 1; /* enough */
    }
    return push_copy(j, p);
}

/* ---- thinned ---- */

static double height(const struct point *p)
{
    switch (p->type) {
    case VALUE_BOOL:
        return p->as.b;
    case VALUE_INT:
        return (double)p->as.i;
    case VALUE_DOUBLE:
        return p->as.d;
    default:
        return 0; /* a text: the first of each bucket stands for it */
    }
}

static void replace(struct point *to, struct point from)
{
    point_release(to);
    *to = from;
}

/* Put b into a, of which one may be the other's copy of a text; b is used up. */
static void join(struct bucket *a, struct bucket *b)
{
    if (height(&b->low) < height(&a->low))
        replace(&a->low, b->low);
    else
        point_release(&b->low);
    if (height(&b->high) > height(&a->high))
        replace(&a->high, b->high);
    else
        point_release(&b->high);
}

static void halve(struct thinner *t)
{
    size_t n = 0;
    int64_t last_no = -1;
    /* buckets are dense: number k stands at k; empty ones have type VALUE_NONE */
    for (size_t i = 0; i < t->n; i++) {
        struct bucket b = t->buckets[i];
        size_t to = i / 2;
        if (i % 2 == 0)
            t->buckets[to] = (struct bucket){0};
        if (b.low.type != VALUE_NONE) {
            if (t->buckets[to].low.type == VALUE_NONE)
                t->buckets[to] = b;
            else
                join(&t->buckets[to], &b);
        }
        n = to + 1;
        last_no = (int64_t)to;
    }
    t->n = n;
    t->bucket_no = last_no;
    t->width_us *= 2;
}

static int on_thin(struct history_job *j, const struct point *p)
{
    struct thinner *t = &j->thin;
    if (!t->any) {
        t->any = true;
        t->start_us = p->t_us;
        t->width_us = 1;
        t->cap = (j->q.limit - 2) / 2;
        t->buckets = calloc(t->cap, sizeof *t->buckets);
        if (!t->buckets || copy_point(&t->first, p))
            return ERR_NOMEM;
    }
    while ((p->t_us - t->start_us) / t->width_us >= (int64_t)t->cap)
        halve(t);
    size_t no = (size_t)((p->t_us - t->start_us) / t->width_us);
    for (; t->n <= no; t->n++)
        t->buckets[t->n] = (struct bucket){0};
    struct bucket *b = &t->buckets[no], one = {0};
    if (copy_point(&one.low, p) || copy_point(&one.high, p))
        return ERR_NOMEM;
    if (b->low.type == VALUE_NONE)
        *b = one;
    else
        join(b, &one);
    struct point last;
    if (copy_point(&last, p))
        return ERR_NOMEM;
    replace(&t->last, last);
    return 0;
}

/* As long as all points fit they are kept as they are; only then is thinning begun. */
static int on_few(struct history_job *j, const struct point *p)
{
    if (j->thin.any)
        return on_thin(j, p);
    if (j->out_n < j->q.limit)
        return push_copy(j, p);
    int err = 0;
    for (size_t i = 0; i < j->out_n; i++) {
        err = err ? err : on_thin(j, &j->out[i]);
        point_release(&j->out[i]);
    }
    j->out_n = 0;
    return err ? err : on_thin(j, p);
}

static int add_once(struct history_job *j, const struct point *p)
{
    if (p->type == VALUE_NONE || (j->out_n && j->out[j->out_n - 1].t_us >= p->t_us))
        return 0;
    return push_copy(j, p);
}

static int end_thin(struct history_job *j)
{
    struct thinner *t = &j->thin;
    int err = t->any ? add_once(j, &t->first) : 0;
    for (size_t i = 0; i < t->n && !err; i++) {
        struct bucket *b = &t->buckets[i];
        bool low_first = b->low.t_us <= b->high.t_us;
        err = add_once(j, low_first ? &b->low : &b->high);
        if (!err)
            err = add_once(j, low_first ? &b->high : &b->low);
    }
    if (t->any && !err)
        err = add_once(j, &t->last);
    return err;
}

static void thinner_release(struct thinner *t)
{
    for (size_t i = 0; i < t->n; i++) {
        point_release(&t->buckets[i].low);
        point_release(&t->buckets[i].high);
    }
    point_release(&t->first);
    point_release(&t->last);
    free(t->buckets);
}

/* ---- steps ---- */

static int end_step(struct history_job *j)
{
    struct point p = {.t_us = j->step_us, .type = VALUE_DOUBLE};
    if (!j->step_count)
        return 0;
    if (j->out_n == STEPS_MAX)
        return ERR_TOO_LARGE;
    switch (j->q.fn) {
    case FN_COUNT:
        p.as.d = (double)j->step_count;
        break;
    case FN_SUM:
        p.as.d = j->step_sum;
        break;
    case FN_MEAN:
        p.as.d = j->step_sum / (double)j->step_count;
        break;
    default: { /* min, max, first, last: a real reading's value */
        struct point q = j->step_point;
        q.t_us = j->step_us;
        return push_copy(j, &q);
    }
    }
    return push_copy(j, &p);
}

static int64_t step_start(int64_t t, int64_t every)
{
    int64_t rest = t % every;
    return t - (rest < 0 ? rest + every : rest);
}

static int on_step(struct history_job *j, const struct point *p)
{
    int64_t start = step_start(p->t_us, j->q.every_us);
    bool numbers =
        j->q.fn == FN_MEAN || j->q.fn == FN_SUM || j->q.fn == FN_MIN || j->q.fn == FN_MAX;
    if (numbers && p->type == VALUE_TEXT)
        return 0; /* nothing to compute with */
    if (!j->step_count || start != j->step_us) {
        int err = end_step(j);
        if (err)
            return err;
        j->step_us = start;
        j->step_count = 0;
        j->step_sum = j->step_lost = 0;
    }
    double v = height(p), y = v - j->step_lost, sum = j->step_sum + y;
    j->step_lost = (sum - j->step_sum) - y;
    j->step_sum = sum;
    bool take = !j->step_count || j->q.fn == FN_LAST ||
                (j->q.fn == FN_MIN && v < height(&j->step_point)) ||
                (j->q.fn == FN_MAX && v > height(&j->step_point));
    j->step_count++;
    if (!take)
        return 0;
    struct point copy;
    if (copy_point(&copy, p))
        return ERR_NOMEM;
    replace(&j->step_point, copy);
    return 0;
}

/* ---- the job ---- */

static int on_points(void *arg, const struct point *points, size_t n)
{
    struct history_job *j = arg;
    for (size_t i = 0; i < n; i++) {
        int stop = j->q.fn == FN_RAW    ? on_raw(j, &points[i])
                   : j->q.fn == FN_THIN ? on_few(j, &points[i])
                                        : on_step(j, &points[i]);
        if (stop)
            return stop;
    }
    return 0;
}

static void job_work(void *arg)
{
    struct history_job *j = arg;
    j->head_n = points_sort(j->head, j->head_n);
    int err = history_scan(j->core->history, j->series, j->q.from_us, j->q.to_us, j->head,
                           j->head_n, on_points, j, &j->cancelled);
    if (err == 1) /* the limit was reached */
        err = 0;
    if (err == ERR_CORRUPT) { /* what can be read is still worth having */
        j->damaged = true;
        err = 0;
    }
    if (!err && j->q.fn == FN_THIN)
        err = end_thin(j);
    else if (!err && j->q.fn > FN_THIN)
        err = end_step(j);
    j->err = err;
}

static void job_free(struct history_job *j)
{
    points_free(j->head, j->head_n);
    points_free(j->out, j->out_n);
    thinner_release(&j->thin);
    point_release(&j->step_point);
    free(j);
}

static void job_done(void *arg)
{
    struct history_job *j = arg;
    j->core->stats.damaged += j->damaged;
    if (!atomic_load(&j->cancelled)) {
        struct history_result r = {.err = j->err,
                                   .points = j->out,
                                   .n = j->out_n,
                                   .more = j->more,
                                   .next_us = j->next_us,
                                   .damaged = j->damaged};
        j->done(j->arg, &r);
    }
    job_free(j);
}

struct history_job *core_history(struct core *c, struct sensor *s, const struct history_query *q,
                                 history_done_fn *done, void *arg)
{
    struct history_job *j = c->reads ? calloc(1, sizeof *j) : NULL;
    if (!j)
        return NULL;
    j->core = c;
    j->q = *q;
    j->series = s->series;
    j->done = done;
    j->arg = arg;
    if (head_copy(s, q->from_us, q->to_us, &j->head, &j->head_n)) {
        job_free(j);
        return NULL;
    }
    j->job = (struct pool_job){.work = job_work, .done = job_done, .arg = j};
    pool_submit(c->reads, &j->job);
    return j;
}

void core_history_cancel(struct history_job *job)
{
    atomic_store(&job->cancelled, true);
}
