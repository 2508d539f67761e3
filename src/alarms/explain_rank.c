#include "alarms/explain_rank.h"

#include <math.h>
#include <stdlib.h>

enum {
    LATE_CELLS = 6,   /* later than the effect by so many: a third of the part is left */
    FOLLOW_CELLS = 8, /* a sensor that moves so much after a change is a third as telling */
    UNDER_WAY_CELLS = 3,
    AHEAD_SHARE = 4, /* lags up to this part of the grid */
};

const char *const cause_part_names[CAUSE_PARTS] = {"change", "lead", "correlation", "closeness"};
const double cause_part_weights[CAUSE_PARTS] = {0.3, 0.3, 0.25, 0.15};

static int64_t cell_us(const struct cause_grid *g, size_t cell)
{
    return g->from_us + (int64_t)cell * g->step_us;
}

static int64_t end_us(const struct cause_grid *g)
{
    return cell_us(g, g->count);
}

/* When the effect began, as far as is known. */
static int64_t effect_us(const struct cause_grid *g, const struct onset *effect)
{
    int64_t latest = g->since_us && g->since_us < end_us(g) ? g->since_us : end_us(g);
    return effect->found && cell_us(g, effect->at) < latest ? cell_us(g, effect->at) : latest;
}

static double fade(int64_t late_us, int64_t cells, int64_t step_us)
{
    return late_us <= 0 ? 1 : exp(-(double)late_us / (double)(cells * step_us));
}

static void look_at(const struct cause_grid *g, const double *effect, struct cause *c,
                    double *scratch)
{
    struct onset_opts opts = {.quiet = g->quiet};
    c->onset = (struct onset){0};
    c->onset_us = c->cells ? 0 : c->at_us;
    c->best = (struct correlation){NAN, 0};
    c->followed_us = -1;
    if (c->cells) {
        c->onset = onset_find(c->cells, g->count, &opts, scratch);
        if (c->onset.found)
            c->onset_us = cell_us(g, c->onset.at);
        if (effect)
            c->best = correlation_best(c->cells, effect, g->count, 0,
                                       (ptrdiff_t)(g->count / AHEAD_SHARE));
    }
    c->lead_us = c->onset_us ? end_us(g) - c->onset_us : 0;
}

/* The share of the other candidates that changed, and changed later.  Two that are within a cell of
 * each other changed at once. */
static double ahead_of(const struct cause_grid *g, const struct cause *causes, size_t n, size_t at)
{
    double others = 0, later = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == at || !causes[i].cells || !causes[i].onset_us)
            continue;
        int64_t ahead = causes[i].onset_us - causes[at].onset_us;
        others++;
        later += ahead > g->step_us ? 1 : ahead >= -g->step_us ? 0.5 : 0;
    }
    return others > 0 ? later / others : 1;
}

/* What began to move after a change that somebody made, on its twin or where the alarm is. */
static double followed(const struct cause_grid *g, const struct onset *effect, size_t effect_twin,
                       const struct cause *causes, size_t n, struct cause *c)
{
    double best = 0;
    for (size_t i = 0; i <= n; i++) {
        bool is_effect = i == n;
        const struct onset *o = is_effect ? effect : &causes[i].onset;
        if (!o->found || (!is_effect && causes[i].twin != c->twin && causes[i].twin != effect_twin))
            continue;
        int64_t after = cell_us(g, o->at) - c->at_us;
        if (after < -2 * g->step_us) /* an onset is known to a cell or two */
            continue;
        double size = fabs(o->size);
        double telling = fade(after, FOLLOW_CELLS, g->step_us) * size / (size + 4);
        if (telling > best) {
            best = telling;
            c->followed_us = after > 0 ? after : 0;
        }
    }
    return best;
}

/* What follows soon is likelier to follow from it, and what moves first moves others.  Where there
 * is no sensor whose course could tell, how soon counts for more. */
static double lead_of(const struct cause_grid *g, const double *effect, int64_t begins,
                      const struct cause *causes, size_t n, size_t at)
{
    const struct cause *c = &causes[at];
    double quarters = 4 * fmax(0, (double)(begins - c->onset_us)) /
                      (double)((int64_t)(g->count - g->quiet) * g->step_us);
    double ahead = ahead_of(g, causes, n, at);
    double lead = effect ? ahead / 2 + 0.5 / (1 + quarters) : ahead / 4 + 0.75 / (1 + 2 * quarters);
    lead *= fade(c->onset_us - begins, LATE_CELLS, g->step_us);
    /* it was on its way when the baseline ended, so nobody knows since when */
    return c->onset.at < g->quiet + UNDER_WAY_CELLS ? lead / 2 : lead;
}

static void judge_sensor(const struct cause_grid *g, const double *effect, int64_t begins,
                         struct cause *causes, size_t n, size_t at)
{
    struct cause *c = &causes[at];
    if (c->onset_us) {
        double jump = fabs(c->onset.jump);
        c->part[CAUSE_CHANGE] = jump / (jump + 2);
        c->part[CAUSE_LEAD] = lead_of(g, effect, begins, causes, n, at);
    }
    c->part[CAUSE_CORRELATION] = isnan(c->best.r) ? 0 : fabs(c->best.r);
}

static void judge_change(const struct cause_grid *g, const struct onset *effect, size_t effect_twin,
                         const struct cause *causes, size_t n, struct cause *c)
{
    int64_t begins = effect_us(g, effect);
    int64_t soon = (int64_t)((g->count - g->quiet) / 4);
    if (c->at_us >= end_us(g))
        return;
    c->part[CAUSE_CHANGE] = 1;
    /* what came after the effect had begun is as unlikely as a sensor would be */
    c->part[CAUSE_LEAD] = fade(begins - c->at_us, soon, g->step_us) *
                          fade(c->at_us - begins - 2 * g->step_us, LATE_CELLS, g->step_us);
    c->part[CAUSE_CORRELATION] = followed(g, effect, effect_twin, causes, n, c);
}

static int likelier(const void *a, const void *b)
{
    const struct cause *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

void causes_rank(const struct cause_grid *grid, const double *effect, size_t effect_twin,
                 struct cause *causes, size_t n, struct onset *ret_effect, double *scratch)
{
    struct onset_opts opts = {.quiet = grid->quiet};
    *ret_effect = effect ? onset_find(effect, grid->count, &opts, scratch) : (struct onset){0};
    for (size_t i = 0; i < n; i++)
        look_at(grid, effect, &causes[i], scratch);
    for (size_t i = 0; i < n; i++) {
        struct cause *c = &causes[i];
        for (size_t p = 0; p < CAUSE_PARTS; p++)
            c->part[p] = 0;
        if (c->cells)
            judge_sensor(grid, effect, effect_us(grid, ret_effect), causes, n, i);
        else
            judge_change(grid, ret_effect, effect_twin, causes, n, c);
        c->part[CAUSE_CLOSENESS] = 1 / (1 + c->hops / 4.0);
        c->people = 0.5 + (c->confirmed + 1.0) / (c->confirmed + c->rejected + 2.0);
        c->score = 0;
        for (size_t p = 0; p < CAUSE_PARTS; p++)
            c->score += cause_part_weights[p] * c->part[p];
        c->score *= c->people;
    }
    if (n)
        qsort(causes, n, sizeof *causes, likelier);
}
