#include "analysis/forest.h"

#include "base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct tree_node {
    double cut;
    uint32_t left, right; /* numbers of nodes; left 0: a leaf */
    uint32_t rows;        /* of the sample, in a leaf */
    uint32_t sensor;
};

struct forest {
    struct forest_opts o;
    double *rows;            /* learn * sensors; let go of once they are learnt */
    size_t n;                /* rows so far, up to learn */
    uint32_t *picks;         /* the sample of a tree: numbers of rows, parted in place */
    struct tree_node *nodes; /* trees * (2 * sample - 1) */
    uint64_t random;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next_random(struct forest *f)
{
    uint64_t z = f->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double next_unit(struct forest *f) /* 0 <= .. < 1 */
{
    return (double)(next_random(f) >> 11) * 0x1p-53;
}

static size_t next_below(struct forest *f, size_t n)
{
    return (size_t)(next_unit(f) * (double)n);
}

int forest_new(const struct forest_opts *opts, struct forest **ret)
{
    struct forest_opts o = *opts;
    o.trees = o.trees ? o.trees : 100;
    o.sample = o.sample ? o.sample : 256;
    o.sample = o.sample < o.learn ? o.sample : o.learn;
    if (o.sensors < 1 || o.sensors > FOREST_SENSORS_MAX || o.learn < 2 ||
        o.learn > FOREST_LEARN_MAX || o.trees > FOREST_TREES_MAX || o.sample < 2)
        return ERR_INVALID;
    struct forest *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->o = o;
    f->random = o.seed;
    f->rows = malloc(o.learn * o.sensors * sizeof *f->rows);
    f->picks = malloc(o.learn * sizeof *f->picks);
    f->nodes = malloc(o.trees * (2 * o.sample - 1) * sizeof *f->nodes);
    if (!f->rows || !f->picks || !f->nodes) {
        forest_free(f);
        return ERR_NOMEM;
    }
    *ret = f;
    return 0;
}

void forest_free(struct forest *f)
{
    if (!f)
        return;
    free(f->rows);
    free(f->picks);
    free(f->nodes);
    free(f);
}

/* How deep a search in a binary tree of n goes that finds nothing: 2 H(n - 1) - 2 (n - 1) / n. */
static double usual_depth(size_t n)
{
    if (n < 2)
        return 0;
    double harmonic = 0;
    for (size_t i = 1; i < n; i++)
        harmonic += 1 / (double)i;
    return 2 * harmonic - 2 * (double)(n - 1) / (double)n;
}

/* A sensor in which the rows differ, and its extent; false: they are all the same. */
static bool choose_sensor(struct forest *f, const uint32_t *picks, size_t n, uint32_t *ret_sensor,
                          double *ret_low, double *ret_high)
{
    size_t first = next_below(f, f->o.sensors);
    for (size_t k = 0; k < f->o.sensors; k++) {
        size_t s = (first + k) % f->o.sensors;
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            double x = f->rows[picks[i] * f->o.sensors + s];
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        if (low < high) {
            *ret_sensor = (uint32_t)s;
            *ret_low = low;
            *ret_high = high;
            return true;
        }
    }
    return false;
}

static size_t part(const struct forest *f, uint32_t *picks, size_t n, uint32_t sensor, double cut)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (f->rows[picks[i] * f->o.sensors + sensor] < cut) {
            uint32_t swap = picks[left];
            picks[left++] = picks[i];
            picks[i] = swap;
        }
    }
    return left;
}

/* A tree is grown with a stack of what is still to be parted: its depth is limited, as in the
 * paper, to log2(sample), since deeper rows are ordinary anyway. */
static void grow(struct forest *f, struct tree_node *nodes)
{
    struct todo {
        uint32_t node, from, n, depth;
    } stack[32];
    unsigned limit = (unsigned)ceil(log2((double)f->o.sample));
    size_t waiting = 0;
    uint32_t used = 1;
    stack[waiting++] = (struct todo){0, 0, (uint32_t)f->o.sample, 0};
    while (waiting) {
        struct todo t = stack[--waiting];
        struct tree_node *node = &nodes[t.node];
        double low, high;
        *node = (struct tree_node){.rows = t.n};
        if (t.n < 2 || t.depth >= limit ||
            !choose_sensor(f, f->picks + t.from, t.n, &node->sensor, &low, &high))
            continue;
        node->cut = low + (high - low) * next_unit(f);
        if (!(node->cut > low))
            node->cut = high; /* so that neither side is empty */
        uint32_t left = (uint32_t)part(f, f->picks + t.from, t.n, node->sensor, node->cut);
        node->left = used;
        node->right = used + 1;
        used += 2;
        stack[waiting++] = (struct todo){node->right, t.from + left, t.n - left, t.depth + 1};
        stack[waiting++] = (struct todo){node->left, t.from, left, t.depth + 1};
    }
}

static void learn(struct forest *f)
{
    for (size_t i = 0; i < f->o.learn; i++)
        f->picks[i] = (uint32_t)i;
    for (size_t t = 0; t < f->o.trees; t++) {
        for (size_t i = 0; i < f->o.sample; i++) { /* Fisher and Yates, as far as needed */
            size_t k = i + next_below(f, f->o.learn - i);
            uint32_t swap = f->picks[i];
            f->picks[i] = f->picks[k];
            f->picks[k] = swap;
        }
        grow(f, f->nodes + t * (2 * f->o.sample - 1));
    }
    free(f->rows);
    free(f->picks);
    f->rows = NULL;
    f->picks = NULL;
}

static double depth_in(const struct tree_node *nodes, const double *row)
{
    double depth = 0;
    const struct tree_node *node = nodes;
    for (; node->left; depth++)
        node = &nodes[row[node->sensor] < node->cut ? node->left : node->right];
    return depth + usual_depth(node->rows);
}

double forest_step(struct forest *f, const double *row)
{
    for (size_t s = 0; s < f->o.sensors; s++)
        if (!isfinite(row[s]))
            return NAN;
    if (f->n < f->o.learn) {
        memcpy(f->rows + f->n++ * f->o.sensors, row, f->o.sensors * sizeof *row);
        if (f->n == f->o.learn)
            learn(f);
        return NAN;
    }
    double depth = 0;
    for (size_t t = 0; t < f->o.trees; t++)
        depth += depth_in(f->nodes + t * (2 * f->o.sample - 1), row);
    return exp2(-depth / (double)f->o.trees / usual_depth(f->o.sample));
}
