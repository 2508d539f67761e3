#include "analysis/together.h"

#include "analysis/window.h"
#include "base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N = TOGETHER_SENSORS_MAX };

struct together {
    struct together_opts o;
    double *rows;  /* learn * sensors; let go of once they are learnt */
    double *sizes; /* 2 * learn, of T-squared and Q; likewise */
    size_t n;
    size_t components;
    double mean[N], deviation[N];
    double vectors[N][N], values[N]; /* column k goes with values[k], the largest first */
    double t2_limit, q_limit;
    struct window smooth;
    struct together_parts parts;
};

int together_new(const struct together_opts *opts, struct together **ret)
{
    struct together_opts o = *opts;
    o.explained = o.explained > 0 ? o.explained : 0.9;
    if (o.sensors < 1 || o.sensors > N || o.learn < o.sensors + 2 || o.learn > TOGETHER_LEARN_MAX ||
        o.explained > 1 || o.smooth > TOGETHER_SMOOTH_MAX)
        return ERR_INVALID;
    struct together *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->o = o;
    t->rows = malloc(o.learn * o.sensors * sizeof *t->rows);
    t->sizes = malloc(2 * o.learn * sizeof *t->sizes);
    if (!t->rows || !t->sizes || (o.smooth > 1 && window_init(&t->smooth, o.smooth, true) != 0)) {
        together_free(t);
        return ERR_NOMEM;
    }
    *ret = t;
    return 0;
}

void together_free(struct together *t)
{
    if (!t)
        return;
    window_release(&t->smooth);
    free(t->rows);
    free(t->sizes);
    free(t);
}

/* Jacobi's rotations (1846): a becomes diagonal, v its vectors.  For 32 sensors a few sweeps. */
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
        x = v[k][p], y = v[k][q];
        v[k][p] = c * x - s * y;
        v[k][q] = s * x + c * y;
    }
}

static void eigen(double a[N][N], double v[N][N], size_t d)
{
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d; k++)
            v[i][k] = i == k;
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

static void standardise(const struct together *t, const double *row, double *ret)
{
    for (size_t i = 0; i < t->o.sensors; i++)
        ret[i] = (row[i] - t->mean[i]) / t->deviation[i];
}

/* The matrix of correlations.  A sensor that stood still has no part in it, but is far out as soon
 * as it moves. */
static void correlations(struct together *t, double a[N][N])
{
    size_t d = t->o.sensors, n = t->o.learn;
    for (size_t i = 0; i < d; i++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < n; k++)
            sum += t->rows[k * d + i];
        t->mean[i] = sum / (double)n;
        for (size_t k = 0; k < n; k++) {
            double x = t->rows[k * d + i] - t->mean[i];
            squares += x * x;
        }
        t->deviation[i] = sqrt(squares / (double)(n - 1));
        if (!(t->deviation[i] > fabs(t->mean[i]) * 1e-9))
            t->deviation[i] = fmax(fabs(t->mean[i]) * 1e-3, 1e-9);
    }
    for (size_t k = 0; k < n; k++) {
        double z[N];
        standardise(t, t->rows + k * d, z);
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < d; j++)
                a[i][j] += z[i] * z[j] / (double)(n - 1);
    }
}

static void sort_components(struct together *t, double a[N][N], double v[N][N])
{
    size_t d = t->o.sensors;
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
        t->values[k] = fmax(a[best][best], 0);
        for (size_t i = 0; i < d; i++)
            t->vectors[i][k] = v[i][best];
        if (so_far < t->o.explained * all && t->values[k] > 1e-9)
            t->components = k + 1;
        so_far += t->values[k];
    }
}

static void distances(const struct together *t, const double *row, double *ret_t2, double *ret_q)
{
    double z[N], inside = 0, t2 = 0, all = 0;
    standardise(t, row, z);
    for (size_t i = 0; i < t->o.sensors; i++)
        all += z[i] * z[i];
    for (size_t k = 0; k < t->components; k++) {
        double score = 0;
        for (size_t i = 0; i < t->o.sensors; i++)
            score += z[i] * t->vectors[i][k];
        t2 += score * score / t->values[k];
        inside += score * score;
    }
    *ret_t2 = t2;
    *ret_q = fmax(all - inside, 0);
}

/* The point that a chi-squared with df degrees stays under at 99 per cent (Wilson, Hilferty
 * 1931). */
static double chi_squared_99(double df)
{
    double c = 2 / (9 * df), x = 1 - c + 2.326348 * sqrt(c);
    return df * x * x * x;
}

static double q_by_theory(const struct together *t)
{
    double theta[3] = {0};
    for (size_t k = t->components; k < t->o.sensors; k++) {
        double v = t->values[k];
        theta[0] += v;
        theta[1] += v * v;
        theta[2] += v * v * v;
    }
    if (theta[0] < 1e-9)
        return 1e-9; /* the components say everything: any Q is too much */
    double h = 1 - 2 * theta[0] * theta[2] / (3 * theta[1] * theta[1]);
    if (fabs(h) < 1e-3)
        h = h < 0 ? -1e-3 : 1e-3;
    double x = 2.326348 * sqrt(2 * theta[1] * h * h) / theta[0] + 1 +
               theta[1] * h * (h - 1) / (theta[0] * theta[0]);
    return x > 0 ? theta[0] * pow(x, 1 / h) : theta[0];
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Of theory, or what 99 in 100 of the learnt rows stay within, if that is more. */
static void limits(struct together *t)
{
    size_t n = t->o.learn, at = (n - 1) * 99 / 100;
    double p = (double)t->components, rows = (double)n;
    double *t2 = t->sizes, *q = t->sizes + n;
    for (size_t k = 0; k < n; k++)
        distances(t, t->rows + k * t->o.sensors, &t2[k], &q[k]);
    qsort(t2, n, sizeof *t2, by_size);
    qsort(q, n, sizeof *q, by_size);
    /* p (n^2 - 1) / (n (n - p)) F(p, n - p), where F is taken as chi-squared(p) / p */
    double theory = p > 0 ? (rows * rows - 1) / (rows * (rows - p)) * chi_squared_99(p) : 1;
    t->t2_limit = fmax(theory, t2[at]);
    t->q_limit = fmax(q_by_theory(t), q[at]);
}

static void learn(struct together *t)
{
    double a[N][N] = {{0}}, v[N][N] = {{0}};
    correlations(t, a);
    eigen(a, v, t->o.sensors);
    sort_components(t, a, v);
    limits(t);
    free(t->rows);
    free(t->sizes);
    t->rows = t->sizes = NULL;
}

double together_step(struct together *t, const double *row)
{
    for (size_t i = 0; i < t->o.sensors; i++)
        if (!isfinite(row[i]))
            return NAN;
    if (t->n < t->o.learn) {
        memcpy(t->rows + t->n++ * t->o.sensors, row, t->o.sensors * sizeof *row);
        if (t->n == t->o.learn)
            learn(t);
        return NAN;
    }
    double t2, q;
    distances(t, row, &t2, &q);
    t->parts = (struct together_parts){t2 / t->t2_limit, q / t->q_limit, t->components};
    double score = fmax(t->parts.t2, t->parts.q);
    if (t->o.smooth < 2)
        return score;
    window_push(&t->smooth, score);
    return window_median(&t->smooth);
}

struct together_parts together_parts(const struct together *t)
{
    return t->parts;
}
