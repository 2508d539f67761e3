/* Steps: of all readings in one, what each function makes of them.
 *
 * Mean, sum, least and greatest are of numbers (a boolean is 0 or 1); the others of anything.  Sums
 * are Kahan's (1965), so that a year of small numbers adds up.  A step without readings is left out
 * or filled; a straight line needs the step behind the gap, so gaps are filled when that is there.
 */
#include "base/err.h"
#include "core/past.h"

#include <stdlib.h>

struct steps {
    struct fold fold;
    struct step_now {
        int64_t start, end; /* start == end: there is none */
        size_t n, numbers;  /* readings in it */
        double sum, lost;   /* lost: what the sum could not hold */
        struct point least, greatest, first, last;
    } now;
    /* what was given last, for filling */
    struct point given[FN_N]; /* t_us: the beginning of its step */
    bool any;
    int64_t next_us; /* the first step that was not given */
};

static void add_to_sum(struct step_now *s, double v)
{
    double y = v - s->lost, sum = s->sum + y;
    s->lost = (sum - s->sum) - y;
    s->sum = sum;
}

static void add_number(struct step_now *s, const struct point *p)
{
    double v = point_height(p);
    if (!s->numbers || v < point_height(&s->least))
        s->least = *p;
    if (!s->numbers || v > point_height(&s->greatest))
        s->greatest = *p;
    s->numbers++;
    add_to_sum(s, v);
}

static int add_points(struct step_now *s, const struct point *p, size_t n)
{
    if (!s->n && point_keep(&s->first, &p[0]))
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (p[i].type != VALUE_TEXT)
            add_number(s, &p[i]);
    s->n += n;
    return point_keep(&s->last, &p[n - 1]);
}

static struct point double_point(double v)
{
    return (struct point){.type = VALUE_DOUBLE, .as.d = v};
}

/* What other points come to, all of them doubles. */
static void add_sum(struct step_now *s, const struct history_sum *sum)
{
    if (!s->n) {
        point_release(&s->first);
        s->first = double_point(sum->first);
    }
    if (!s->numbers || sum->least < point_height(&s->least))
        s->least = double_point(sum->least);
    if (!s->numbers || sum->greatest > point_height(&s->greatest))
        s->greatest = double_point(sum->greatest);
    point_release(&s->last);
    s->last = double_point(sum->last);
    s->n += sum->n;
    s->numbers += sum->n;
    add_to_sum(s, sum->sum);
}

static void add_numbers(struct step_now *s, const double *v, size_t n)
{
    struct extent e = numbers_extent(v, n);
    add_sum(s, &(struct history_sum){.n = n,
                                     .least = e.least,
                                     .greatest = e.greatest,
                                     .sum = e.sum,
                                     .first = v[0],
                                     .last = v[n - 1]});
}

static int add_rollup(struct step_now *s, const struct rollup *b)
{
    if (!s->n && point_keep(&s->first, &b->first))
        return ERR_NOMEM;
    if (b->numbers && (!s->numbers || point_height(&b->low) < point_height(&s->least)))
        s->least = b->low;
    if (b->numbers && (!s->numbers || point_height(&b->high) > point_height(&s->greatest)))
        s->greatest = b->high;
    s->n += b->n;
    s->numbers += b->numbers;
    if (b->numbers)
        add_to_sum(s, b->sum + b->lost);
    return point_keep(&s->last, &b->last);
}

/* ---- rows ---- */

static struct value value_of(const struct step_now *s, enum history_fn fn)
{
    switch (fn) {
    case FN_COUNT:
        return value_double((double)s->n);
    case FN_FIRST:
        return point_value(&s->first);
    case FN_LAST:
        return point_value(&s->last);
    default:
        break;
    }
    if (!s->numbers)
        return (struct value){.type = VALUE_NONE};
    return fn == FN_MIN   ? point_value(&s->least)
           : fn == FN_MAX ? point_value(&s->greatest)
           : fn == FN_SUM ? value_double(s->sum)
                          : value_double(s->sum / (double)s->numbers);
}

static struct value between(const struct point *from, struct value to, int64_t to_us, int64_t t_us)
{
    bool numbers = (from->type == VALUE_DOUBLE || from->type == VALUE_INT) && value_is_number(to);
    if (!numbers)
        return (struct value){.type = VALUE_NONE};
    double a = point_height(from), b = value_as_double(to);
    double share = ((double)t_us - (double)from->t_us) / ((double)to_us - (double)from->t_us);
    return value_double(a + (b - a) * share);
}

static struct value filler(const struct steps *s, size_t i, const struct value *behind,
                           int64_t behind_us)
{
    const struct history_query *q = s->fold.query;
    if (q->fill == FILL_NUMBER)
        return value_double(q->fill_number);
    if (q->fill == FILL_PREVIOUS)
        return point_value(s->any ? &s->given[i] : &s->fold.standing);
    if (q->fill == FILL_LINEAR && s->any && behind)
        return between(&s->given[i], behind[i], behind_us, s->next_us);
    return (struct value){.type = VALUE_NONE};
}

static int put(struct steps *s, int64_t t_us, const struct value *values)
{
    struct history_row row = {.t_us = t_us, .values = values, .n = s->fold.query->fns_n};
    return s->fold.on_row(s->fold.arg, &row) ? FOLD_FULL : 0;
}

/* Give the steps from the next one up to a time, which are empty; behind: what comes then. */
static int fill_up_to(struct steps *s, int64_t until, const struct value *behind)
{
    const struct history_query *q = s->fold.query;
    struct value values[FN_N];
    int64_t start, end;
    if (q->fill == FILL_NONE)
        return 0;
    while (s->next_us < until) {
        step_around(&q->every, s->next_us, &start, &end);
        for (size_t i = 0; i < q->fns_n; i++)
            values[i] = filler(s, i, behind, until);
        s->next_us = end;
        if (put(s, start, values))
            return FOLD_FULL;
    }
    return 0;
}

static int remember(struct steps *s, const struct value *values)
{
    for (size_t i = 0; i < s->fold.query->fns_n; i++) {
        struct point p;
        if (point_make(s->now.start, values[i], QUALITY_GOOD, &p))
            return ERR_NOMEM;
        point_release(&s->given[i]);
        s->given[i] = p;
    }
    s->any = true;
    return 0;
}

/* The present step is over. */
static int finish(struct steps *s)
{
    const struct history_query *q = s->fold.query;
    struct value values[FN_N];
    bool any = false;
    if (!s->now.n)
        return 0;
    for (size_t i = 0; i < q->fns_n; i++) {
        values[i] = value_of(&s->now, q->fns[i]);
        any |= values[i].type != VALUE_NONE;
    }
    int code = any ? fill_up_to(s, s->now.start, values) : 0;
    if (code)
        return code;
    s->now.n = 0;
    if (!any)
        return 0;
    s->next_us = s->now.end;
    if (q->fill != FILL_NONE && remember(s, values))
        return ERR_NOMEM;
    return put(s, s->now.start, values);
}

static void begin(struct steps *s, int64_t t_us)
{
    struct step_now *n = &s->now;
    point_release(&n->first);
    point_release(&n->last);
    *n = (struct step_now){0};
    step_around(&s->fold.query->every, t_us, &n->start, &n->end);
}

/* Be in the step of a time. */
static int enter(struct steps *s, int64_t t_us)
{
    if (t_us >= s->now.start && t_us < s->now.end)
        return 0;
    int code = finish(s);
    if (code == FOLD_FULL)
        s->fold.resume_us = t_us;
    if (!code)
        begin(s, t_us);
    return code;
}

/* The first of n points, from the second on, that is not before t. */
static size_t find(const struct point *p, size_t n, int64_t t)
{
    size_t step = 1, low = 1;
    while (low + step < n && p[low + step].t_us < t) { /* near, as a rule */
        low += step;
        step *= 2;
    }
    size_t high = low + step < n ? low + step : n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p[middle].t_us < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int take_points(struct steps *s, const struct point *p, size_t n)
{
    int code = 0;
    for (size_t i = 0; i < n && !code;) {
        code = enter(s, p[i].t_us);
        if (code)
            break;
        size_t in_step = find(p + i, n - i, s->now.end);
        code = add_points(&s->now, p + i, in_step);
        i += in_step;
    }
    return code;
}

static int take_columns(struct steps *s, const struct history_run *run)
{
    int code = 0;
    for (size_t i = 0; i < run->n && !(code = enter(s, run->times[i]));) {
        size_t in_step = times_find(run->times + i, run->n - i, s->now.end);
        add_numbers(&s->now, run->numbers + i, in_step);
        i += in_step;
    }
    return code;
}

static int take(struct fold *f, const struct history_run *run)
{
    struct steps *s = (struct steps *)f;
    if (run->points)
        return take_points(s, run->points, run->n);
    if (run->times)
        return take_columns(s, run);
    int code = enter(s, run->rollup ? run->rollup->t_us : run->sum->t_min);
    if (!code && run->rollup)
        code = add_rollup(&s->now, run->rollup);
    else if (!code)
        add_sum(&s->now, run->sum);
    return code;
}

static int64_t until(const struct fold *f, int64_t t, int64_t t_max)
{
    (void)t_max;
    const struct steps *s = (const struct steps *)f;
    int64_t start = s->now.start, end = s->now.end;
    if (t < start || t >= end)
        step_around(&f->query->every, t, &start, &end);
    return end;
}

static int end(struct fold *f)
{
    struct steps *s = (struct steps *)f;
    int code = finish(s);
    return code ? code : fill_up_to(s, f->query->to_us, NULL);
}

static void release(struct fold *f)
{
    struct steps *s = (struct steps *)f;
    point_release(&s->now.first);
    point_release(&s->now.last);
    for (size_t i = 0; i < FN_N; i++)
        point_release(&s->given[i]);
    free(s);
}

struct fold *fold_steps(const struct history_query *q)
{
    static const struct fold_kind kind = {
        .take = take, .end = end, .until = until, .columns = true, .free = release};
    struct steps *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->fold.kind = &kind;
    s->next_us = q->from_us;
    return &s->fold;
}
