/* memory.c - windows of time as a ring of numbers; least and greatest by a queue of those that may
 * still become it (the ascending minima of Harter 2001). */
#include "rules/memory.h"
#include "base/err.h"

#include <stdlib.h>

enum { FIRST_POINTS = 16, MOST_POINTS = 65536 };

struct sample {
    int64_t t_us;
    double v;
};

struct ring {
    struct sample *items;
    size_t cap, at, n; /* cap: a power of two or 0; at: the oldest */
};

struct memory {
    struct memory_spec spec;
    struct ring ring; /* of a window of time, or of lag; for MIN and MAX those that may be it */
    double sum, lost; /* the sum, and what rounding took of it */
    double squares, lost_squares, origin;
    double score;
    union {
        struct window window;
        struct ewma ewma;
        struct cusum cusum;
        struct holt_winters seasons;
        struct forest *forest;
    } by;
};

static struct sample *ring_at(const struct ring *r, size_t i)
{
    return &r->items[(r->at + i) & (r->cap - 1)];
}

/* A ring that is full lets go of its oldest: what it remembers has an end. */
static bool ring_push(struct ring *r, struct sample s)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : FIRST_POINTS;
        struct sample *items = malloc(cap * sizeof *items);
        if (!items)
            return false;
        for (size_t i = 0; i < r->n; i++)
            items[i] = *ring_at(r, i);
        free(r->items);
        *r = (struct ring){items, cap, 0, r->n};
    }
    *ring_at(r, r->n++) = s;
    return true;
}

static void ring_drop(struct ring *r)
{
    r->at = (r->at + 1) & (r->cap - 1);
    r->n--;
}

static void add(double *sum, double *lost, double x)
{
    double s = *sum + x;
    *lost += fabs(*sum) >= fabs(x) ? (*sum - s) + x : (x - s) + *sum;
    *sum = s;
}

static void tally(struct memory *m, double x, double sign)
{
    double d = x - m->origin;
    add(&m->sum, &m->lost, sign * x);
    add(&m->squares, &m->lost_squares, sign * d * d);
}

static bool is_extreme(const struct memory *m)
{
    return m->spec.kind == MEMORY_MIN || m->spec.kind == MEMORY_MAX;
}

static void let_go(struct memory *m, int64_t now_us)
{
    while (m->ring.n &&
           (ring_at(&m->ring, 0)->t_us <= now_us - m->spec.span_us || m->ring.n > MOST_POINTS)) {
        if (!is_extreme(m))
            tally(m, ring_at(&m->ring, 0)->v, -1);
        ring_drop(&m->ring);
    }
    if (!m->ring.n)
        m->sum = m->lost = m->squares = m->lost_squares = 0;
}

static void window_step(struct memory *m, int64_t t_us, double x)
{
    struct ring *r = &m->ring;
    let_go(m, t_us);
    if (!r->n)
        m->origin = x;
    if (is_extreme(m)) {
        double sign = m->spec.kind == MEMORY_MIN ? 1 : -1;
        while (r->n && sign * ring_at(r, r->n - 1)->v >= sign * x)
            r->n--;
    }
    if (ring_push(r, (struct sample){t_us, x}) && !is_extreme(m))
        tally(m, x, 1);
    let_go(m, t_us);
}

static double deviation(const struct memory *m)
{
    double n = (double)m->ring.n, off = (m->sum + m->lost) / n - m->origin;
    double var = ((m->squares + m->lost_squares) - n * off * off) / (n - 1);
    return m->ring.n < 2 ? NAN : var > 0 ? sqrt(var) : 0;
}

static struct expr_value window_value(struct memory *m, int64_t now_us)
{
    struct ring *r = &m->ring;
    let_go(m, now_us);
    if (m->spec.kind == MEMORY_COUNT)
        return expr_int((int64_t)r->n);
    if (!r->n)
        return expr_null();
    const struct sample *old = ring_at(r, 0), *new = ring_at(r, r->n - 1);
    switch (m->spec.kind) {
    case MEMORY_AVG:
        return expr_real((m->sum + m->lost) / (double)r->n);
    case MEMORY_SUM:
        return expr_real(m->sum + m->lost);
    case MEMORY_STDDEV:
        return expr_real(deviation(m));
    case MEMORY_DELTA:
        return expr_real(new->v - old->v);
    case MEMORY_RATE:
        return new->t_us == old->t_us
                   ? expr_null()
                   : expr_real((new->v - old->v) / ((double)(new->t_us - old->t_us) / 1e6));
    default: /* MIN, MAX */
        return expr_real(old->v);
    }
}

/* A rate without a window is that between the newest two, lag(x, n) the one n before the newest:
 * both keep n + 1. */
static void lag_step(struct memory *m, int64_t t_us, double x)
{
    if (ring_push(&m->ring, (struct sample){t_us, x}) && m->ring.n > m->spec.n + 1)
        ring_drop(&m->ring);
}

static struct expr_value lag_value(const struct memory *m)
{
    const struct ring *r = &m->ring;
    if (r->n < m->spec.n + 1)
        return expr_null();
    const struct sample *old = ring_at(r, 0), *new = ring_at(r, r->n - 1);
    if (m->spec.kind == MEMORY_LAG)
        return expr_real(old->v);
    return new->t_us == old->t_us
               ? expr_null()
               : expr_real((new->v - old->v) / ((double)(new->t_us - old->t_us) / 1e6));
}

/* ---- all of them ---- */

static bool is_lag(const struct memory *m)
{
    return m->spec.kind == MEMORY_LAG || (m->spec.kind == MEMORY_RATE && !m->spec.span_us);
}

int memory_new(const struct memory_spec *spec, struct memory **ret)
{
    struct memory *m = calloc(1, sizeof *m);
    int err = m ? 0 : ERR_NOMEM;
    if (err)
        return err;
    m->spec = *spec;
    m->score = NAN;
    switch (spec->kind) {
    case MEMORY_ZSCORE:
    case MEMORY_ROBUST_Z:
        err = window_init(&m->by.window, spec->n, spec->kind == MEMORY_ROBUST_Z);
        break;
    case MEMORY_EWMA:
        ewma_init(&m->by.ewma, spec->a, spec->learn);
        break;
    case MEMORY_CUSUM:
        cusum_init(&m->by.cusum, spec->a, spec->learn);
        break;
    case MEMORY_HOLT_WINTERS:
        err = holt_winters_init(&m->by.seasons, spec->n, 0.2, 0.05, 0.1);
        break;
    case MEMORY_IFOREST:
        err = forest_new(&(struct forest_opts){.sensors = spec->n, .learn = spec->learn, .seed = 1},
                         &m->by.forest);
        break;
    default:
        break;
    }
    if (err)
        free(m);
    else
        *ret = m;
    return err;
}

void memory_free(struct memory *m)
{
    if (!m)
        return;
    if (m->spec.kind == MEMORY_ZSCORE || m->spec.kind == MEMORY_ROBUST_Z)
        window_release(&m->by.window);
    if (m->spec.kind == MEMORY_HOLT_WINTERS)
        holt_winters_release(&m->by.seasons);
    if (m->spec.kind == MEMORY_IFOREST)
        forest_free(m->by.forest);
    free(m->ring.items);
    free(m);
}

void memory_step(struct memory *m, int64_t t_us, const double *x)
{
    switch (m->spec.kind) {
    case MEMORY_ZSCORE:
        m->score = window_z(&m->by.window, *x);
        window_push(&m->by.window, *x);
        return;
    case MEMORY_ROBUST_Z:
        m->score = window_robust_z(&m->by.window, *x);
        window_push(&m->by.window, *x);
        return;
    case MEMORY_EWMA:
        m->score = ewma_step(&m->by.ewma, *x);
        return;
    case MEMORY_CUSUM:
        m->score = cusum_step(&m->by.cusum, *x);
        return;
    case MEMORY_HOLT_WINTERS:
        m->score = holt_winters_step(&m->by.seasons, *x);
        return;
    case MEMORY_IFOREST:
        m->score = forest_step(m->by.forest, x);
        return;
    default:
        if (is_lag(m))
            lag_step(m, t_us, *x);
        else
            window_step(m, t_us, *x);
    }
}

struct expr_value memory_value(struct memory *m, int64_t now_us)
{
    if (m->spec.kind >= MEMORY_ZSCORE)
        return expr_real(m->score);
    return is_lag(m) ? lag_value(m) : window_value(m, now_us);
}

int64_t memory_due(const struct memory *m)
{
    if (m->spec.kind >= MEMORY_LAG || is_lag(m) || !m->ring.n)
        return INT64_MAX;
    return ring_at(&m->ring, m->ring.n - 1)->t_us + m->spec.span_us;
}
