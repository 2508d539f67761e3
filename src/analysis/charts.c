#include "analysis/charts.h"

#include "base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

void moments_push(struct moments *m, double x)
{
    m->n++;
    double d = x - m->mean;
    m->mean += d / (double)m->n;
    m->m2 += d * (x - m->mean);
}

double moments_deviation(const struct moments *m)
{
    return m->n < 2 ? NAN : sqrt(m->m2 / (double)(m->n - 1));
}

void baseline_learn(struct baseline *b, uint64_t learn)
{
    *b = (struct baseline){.learn = learn < 2 ? 2 : learn};
}

void baseline_given(struct baseline *b, double mean, double deviation)
{
    *b = (struct baseline){.mean = mean, .deviation = deviation};
}

/* Is x to be judged?  Otherwise it was learnt from. */
static bool baseline_ready(struct baseline *b, double x)
{
    if (b->seen.n >= b->learn)
        return b->deviation > 0;
    moments_push(&b->seen, x);
    if (b->seen.n == b->learn) {
        b->mean = b->seen.mean;
        b->deviation = moments_deviation(&b->seen);
        /* a sensor that stood still while it was learnt from: any change is a large one, and
         * finite */
        if (!(b->deviation > 0))
            b->deviation = fmax(fabs(b->mean) * 1e-9, 1e-12);
    }
    return false;
}

void ewma_init(struct ewma *e, double lambda, uint64_t learn)
{
    *e = (struct ewma){.lambda = lambda, .faded = 1};
    baseline_learn(&e->base, learn);
}

double ewma_step(struct ewma *e, double x)
{
    if (!isfinite(x) || !baseline_ready(&e->base, x))
        return NAN;
    if (e->faded == 1)
        e->z = e->base.mean;
    double keep = 1 - e->lambda;
    e->z = e->lambda * x + keep * e->z;
    e->faded *= keep * keep;
    return (e->z - e->base.mean) /
           (e->base.deviation * sqrt(e->lambda / (2 - e->lambda) * (1 - e->faded)));
}

void cusum_init(struct cusum *c, double slack, uint64_t learn)
{
    *c = (struct cusum){.slack = slack};
    baseline_learn(&c->base, learn);
}

void cusum_reset(struct cusum *c)
{
    c->up = c->down = 0;
    c->up_since = c->down_since = 0;
}

double cusum_step(struct cusum *c, double x)
{
    if (!isfinite(x) || !baseline_ready(&c->base, x))
        return NAN;
    double z = (x - c->base.mean) / c->base.deviation;
    c->up = fmax(0, c->up + z - c->slack);
    c->down = fmax(0, c->down - z - c->slack);
    c->up_since = c->up > 0 ? c->up_since + 1 : 0;
    c->down_since = c->down > 0 ? c->down_since + 1 : 0;
    return c->up >= c->down ? c->up : -c->down;
}

void page_hinkley_init(struct page_hinkley *p, double delta)
{
    *p = (struct page_hinkley){.delta = delta};
}

double page_hinkley_step(struct page_hinkley *p, double x)
{
    if (!isfinite(x))
        return NAN;
    moments_push(&p->seen, x);
    p->up += x - p->seen.mean - p->delta;
    p->down += x - p->seen.mean + p->delta;
    p->up_least = fmin(p->up_least, p->up);
    p->down_greatest = fmax(p->down_greatest, p->down);
    double rise = p->up - p->up_least, fall = p->down_greatest - p->down;
    return rise >= fall ? rise : -fall;
}

int holt_winters_init(struct holt_winters *h, size_t period, double alpha, double beta,
                      double gamma)
{
    if (period < 1 || period > HOLT_WINTERS_PERIOD_MAX || !(alpha > 0 && alpha < 1) ||
        !(beta > 0 && beta < 1) || !(gamma > 0 && gamma < 1))
        return ERR_INVALID;
    double *season = calloc(2 * period, sizeof *season);
    if (!season)
        return ERR_NOMEM;
    *h = (struct holt_winters){
        .alpha = alpha, .beta = beta, .gamma = gamma, .season = season, .period = period};
    return 0;
}

void holt_winters_release(struct holt_winters *h)
{
    free(h->season);
    *h = (struct holt_winters){0};
}

/* Two periods are there: the level at the end of the second, the trend from one to the other, and
 * the seasons as what is left, their mean taken out.  What the usual error is, the difference of
 * both periods says, each of which has an error of its own. */
static void holt_winters_begin(struct holt_winters *h)
{
    double p = (double)h->period, first = 0, second = 0, error = 0, off = 0;
    for (size_t i = 0; i < h->period; i++) {
        first += h->season[i] / p;
        second += h->season[h->period + i] / p;
    }
    h->trend = (second - first) / p;
    for (size_t i = 0; i < h->period; i++) {
        double at = ((double)i - (p - 1) / 2) * h->trend;
        double a = h->season[i] - first - at, b = h->season[h->period + i] - second - at;
        error += fabs(a - b) / p;
        h->season[i] = (a + b) / 2;
        off += h->season[i] / p;
    }
    for (size_t i = 0; i < h->period; i++)
        h->season[i] -= off;
    h->level = second + (p - 1) / 2 * h->trend;
    h->error = error / sqrt(2);
}

double holt_winters_forecast(const struct holt_winters *h)
{
    return h->n < 2 * h->period ? NAN : h->level + h->trend + h->season[h->at];
}

double holt_winters_step(struct holt_winters *h, double x)
{
    if (!isfinite(x))
        return NAN;
    if (h->n < 2 * h->period) {
        h->season[h->n++] = x;
        if (h->n == 2 * h->period)
            holt_winters_begin(h);
        return NAN;
    }
    double error = x - holt_winters_forecast(h);
    double usual = 1.2533 * h->error, score = usual > 0 ? error / usual : NAN;
    double learnt = usual > 0 ? fmax(-4 * usual, fmin(4 * usual, error)) : error;
    double level = h->level;
    /* the error-correction form of the same recursions */
    h->level += h->trend + h->alpha * learnt;
    h->trend = h->trend + h->beta * (h->level - level - h->trend);
    h->season[h->at] += h->gamma * (1 - h->alpha) * learnt;
    h->error += 0.02 * (fabs(learnt) - h->error);
    h->at = (h->at + 1) % h->period;
    h->n++;
    return score;
}
