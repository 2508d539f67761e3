#include "analysis/together.h"

#include "analysis/window.h"
#include "base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N = TOGETHER_SENSORS_MAX, BLOCKS = 4 };

struct model {
    size_t sensors, components;
    double mean[N], deviation[N];
    double vectors[N][N], values[N]; /* column k goes with values[k], the largest first */
};

struct together {
    struct together_opts o;
    struct window newest[N]; /* of each sensor, to be smoothed */
    size_t seen;             /* rows, up to learn */
    double *rows;            /* n * sensors, smoothed; let go of once they are learnt */
    double *t2, *q;          /* room for n each; likewise */
    size_t n;
    struct model model;
    double t2_limit, q_limit;
    struct together_parts parts;
};

int together_new(const struct together_opts *opts, struct together **ret)
{
    struct together_opts o = *opts;
    o.explained = o.explained > 0 ? o.explained : 0.95;
    o.smooth = o.smooth ? o.smooth : 1;
    if (o.sensors < 1 || o.sensors > N || o.smooth > TOGETHER_SMOOTH_MAX || o.explained > 1 ||
        o.learn < o.smooth + BLOCKS * (o.sensors + 2) || o.learn > TOGETHER_LEARN_MAX)
        return ERR_INVALID;
    struct together *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->o = o;
    t->rows = malloc(o.learn * o.sensors * sizeof *t->rows);
    t->t2 = malloc(o.learn * sizeof *t->t2);
    t->q = malloc(o.learn * sizeof *t->q);
    bool good = t->rows && t->t2 && t->q;
    for (size_t i = 0; i < o.sensors && good && o.smooth > 1; i++)
        good = window_init(&t->newest[i], o.smooth, false) == 0;
    if (!good) {
        together_free(t);
        return ERR_NOMEM;
    }
    *ret = t;
    return 0;
}

static void forget_rows(struct together *t)
{
    free(t->rows);
    free(t->t2);
    free(t->q);
    t->rows = t->t2 = t->q = NULL;
}

void together_free(struct together *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < N; i++)
        window_release(&t->newest[i]);
    forget_rows(t);
    free(t);
}

/* One of Jacobi's rotations (1846), after which a[p][q] is 0. */
static void rotate(double a[N][N], double v[N][N], size_t d, size_t p, size_t q)
{
    if (fabs(a[p][q]) < 1e-300)
        return;
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < d; k++) {
        double x = a[k][p], y = a[k][q];
        a[k][p] = c * x - s * y;
        a[k][q] = s * x + c * y;
    }
    for (size_t k = 0; k < d; k++) {
        double x = a[p][k], y = a[q][k];
        a[p][k] = c * x - s * y;
        a[q][k] = s * x + c * y;
        x = v[k][p];
        y = v[k][q];
        v[k][p] = c * x - s * y;
        v[k][q] = s * x + c * y;
    }
}

/* The symmetric matrix a becomes diagonal, v its vectors; for 32 sensors in a few sweeps. */
static void eigen(double a[N][N], double v[N][N], size_t d)
{
    for (size_t i = 0; i < d; i++)
        v[i][i] = 1;
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0;
        for (size_t p = 0; p < d; p++)
            for (size_t q = p + 1; q < d; q++)
                off += a[p][q] * a[p][q];
        if (off < 1e-24)
            return;
        for (size_t p = 0; p < d; p++)
            for (size_t q = p + 1; q < d; q++)
                rotate(a, v, d, p, q);
    }
}

static void standardise(const struct model *m, const double *row, double *ret)
{
    for (size_t i = 0; i < m->sensors; i++)
        ret[i] = (row[i] - m->mean[i]) / m->deviation[i];
}

/* Mean, deviation and matrix of correlations of all n rows but those of [from, to).  A sensor that
 * stood still has no part in it, and is far out as soon as it moves. */
static void correlations(struct model *m, const double *rows, size_t n, size_t from, size_t to,
                         double a[N][N])
{
    size_t d = m->sensors;
    double used = (double)(n - (to - from));
    for (size_t i = 0; i < d; i++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < n; k++)
            sum += k < from || k >= to ? rows[k * d + i] : 0;
        m->mean[i] = sum / used;
        for (size_t k = 0; k < n; k++) {
            double x = k < from || k >= to ? rows[k * d + i] - m->mean[i] : 0;
            squares += x * x;
        }
        m->deviation[i] = sqrt(squares / (used - 1));
        if (!(m->deviation[i] > fabs(m->mean[i]) * 1e-9))
            m->deviation[i] = fmax(fabs(m->mean[i]) * 1e-3, 1e-9);
    }
    for (size_t k = 0; k < n; k++) {
        double z[N];
        if (k >= from && k < to)
            continue;
        standardise(m, rows + k * d, z);
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < d; j++)
                a[i][j] += z[i] * z[j] / (used - 1);
    }
}

/* The components by what they explain, as many as it takes. */
static void choose_components(struct model *m, double a[N][N], double v[N][N], double explained)
{
    size_t d = m->sensors;
    bool taken[N] = {false};
    double all = 0, so_far = 0;
    for (size_t k = 0; k < d; k++)
        all += a[k][k];
    for (size_t k = 0; k < d; k++) {
        size_t best = d;
        for (size_t i = 0; i < d; i++)
            if (!taken[i] && (best == d || a[i][i] > a[best][best]))
                best = i;
        taken[best] = true;
        m->values[k] = fmax(a[best][best], 0);
        for (size_t i = 0; i < d; i++)
            m->vectors[i][k] = v[i][best];
        if (so_far < explained * all && m->values[k] > 1e-9)
            m->components = k + 1;
        so_far += m->values[k];
    }
}

static void model_learn(const struct together *t, size_t from, size_t to, struct model *ret)
{
    double a[N][N] = {{0}}, v[N][N] = {{0}};
    *ret = (struct model){.sensors = t->o.sensors};
    correlations(ret, t->rows, t->n, from, to, a);
    eigen(a, v, t->o.sensors);
    choose_components(ret, a, v, t->o.explained);
}

static void distances(const struct model *m, const double *row, double *ret_t2, double *ret_q)
{
    double z[N], inside = 0, t2 = 0, all = 0;
    standardise(m, row, z);
    for (size_t i = 0; i < m->sensors; i++)
        all += z[i] * z[i];
    for (size_t k = 0; k < m->components; k++) {
        double score = 0;
        for (size_t i = 0; i < m->sensors; i++)
            score += z[i] * m->vectors[i][k];
        t2 += score * score / m->values[k];
        inside += score * score;
    }
    *ret_t2 = t2;
    *ret_q = fmax(all - inside, 0);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* What 99 in 100 stay within, as between ranks. */
static double limit_of(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_size);
    double at = 0.99 * (double)(n - 1);
    size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    return fmax(x[low] + (at - (double)low) * (x[high] - x[low]), 1e-9);
}

static void learn(struct together *t)
{
    for (size_t b = 0; b < BLOCKS; b++) {
        size_t from = t->n * b / BLOCKS, to = t->n * (b + 1) / BLOCKS;
        model_learn(t, from, to, &t->model);
        for (size_t k = from; k < to; k++)
            distances(&t->model, t->rows + k * t->o.sensors, &t->t2[k], &t->q[k]);
    }
    t->t2_limit = limit_of(t->t2, t->n);
    t->q_limit = limit_of(t->q, t->n);
    model_learn(t, 0, 0, &t->model);
    forget_rows(t);
}

/* False: there are too few rows yet to smooth. */
static bool smooth(struct together *t, const double *row, double *ret)
{
    if (t->o.smooth == 1) {
        memcpy(ret, row, t->o.sensors * sizeof *ret);
        return true;
    }
    for (size_t i = 0; i < t->o.sensors; i++) {
        window_push(&t->newest[i], row[i]);
        ret[i] = window_mean(&t->newest[i]);
    }
    return t->newest[0].n == t->o.smooth;
}

double together_step(struct together *t, const double *row)
{
    double r[N], t2, q;
    for (size_t i = 0; i < t->o.sensors; i++)
        if (!isfinite(row[i]))
            return NAN;
    bool whole = smooth(t, row, r);
    if (t->seen < t->o.learn) {
        if (whole)
            memcpy(t->rows + t->n++ * t->o.sensors, r, t->o.sensors * sizeof *r);
        if (++t->seen == t->o.learn)
            learn(t);
        return NAN;
    }
    distances(&t->model, r, &t2, &q);
    t->parts = (struct together_parts){t2 / t->t2_limit, q / t->q_limit, t->model.components};
    return fmax(t->parts.t2, t->parts.q);
}

struct together_parts together_parts(const struct together *t)
{
    return t->parts;
}
