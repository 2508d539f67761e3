/* Numbers are seen block by block, of every stretch of the column what lies in the block.
 *
 * Sums of decimals are made from the whole numbers, without rounding, and divided once; those of
 * other doubles lane by lane.  Where the extremes are is searched only in a block that has a new
 * one. */
#include "codec/chunk_tally.h"

#include <math.h>
#include <string.h>

static const struct tally nothing = {
    .decimals = {INT64_MAX, INT64_MIN, 0},
    .doubles = {.least = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL,
                          HUGE_VAL},
                .greatest = {-HUGE_VAL, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL,
                             -HUGE_VAL, -HUGE_VAL}},
    .least = NAN,
    .greatest = NAN};

static void note_ends(struct tally *t, double first, double last)
{
    if (!t->any)
        t->first = first;
    t->last = last;
    t->any = true;
}

static double least_of(const struct lane_fold *f)
{
    double least = f->least[0];
    for (size_t i = 1; i < LANES; i++)
        least = f->least[i] < least ? f->least[i] : least;
    return least;
}

static double greatest_of(const struct lane_fold *f)
{
    double greatest = f->greatest[0];
    for (size_t i = 1; i < LANES; i++)
        greatest = f->greatest[i] > greatest ? f->greatest[i] : greatest;
    return greatest;
}

static size_t find_double(const double *v, size_t from, size_t to, double sought)
{
    while (from < to && v[from] != sought)
        from++;
    return from;
}

static size_t find_whole(const int64_t *m, size_t from, size_t to, int64_t sought)
{
    while (from < to && m[from] != sought)
        from++;
    return from;
}

/* Of v[from..to), which are in t->doubles already and not all NaN: only what is new is searched
 * for.  Place k of v is start + k, or where fix k is. */
static void place_doubles(struct tally *t, const double *v, size_t from, size_t to, size_t start,
                          const struct fix *fixes)
{
    double least = least_of(&t->doubles), greatest = greatest_of(&t->doubles);
    if (!(least >= t->least)) {
        size_t k = find_double(v, from, to, least);
        t->least = least;
        t->doubles_at.least = start + (fixes ? fixes[k].at : k);
    }
    if (!(greatest <= t->greatest)) {
        size_t k = find_double(v, from, to, greatest);
        t->greatest = greatest;
        t->doubles_at.greatest = start + (fixes ? fixes[k].at : k);
    }
}

/* The same of m[from..to); before: what was known without them. */
static void place_decimals(struct tally *t, const struct lane_range *before, const int64_t *m,
                           size_t from, size_t to, size_t start)
{
    if (!t->decimals_n || t->decimals.least < before->least)
        t->decimals_at.least = start + find_whole(m, from, to, t->decimals.least);
    if (!t->decimals_n || t->decimals.greatest > before->greatest)
        t->decimals_at.greatest = start + find_whole(m, from, to, t->decimals.greatest);
}

/* Doubles from..to of the block that begins at place start. */
static void tally_doubles(struct tally *t, const double *v, size_t from, size_t to, size_t start)
{
    size_t a = from, b = to, skip = from % LANES, at = from;
    while (a < b && isnan(v[a]))
        a++;
    while (b > a && isnan(v[b - 1]))
        b--;
    if (a == b)
        return;
    note_ends(t, v[a], v[b - 1]);
    if (skip) { /* each in the lane of its place: before the first comes NaN */
        double head[LANES];
        size_t n = to - from < LANES - skip ? to - from : LANES - skip;
        for (size_t i = 0; i < skip; i++)
            head[i] = NAN;
        memcpy(head + skip, v + from, n * sizeof *v);
        chunk_lanes()->fold(head, skip + n, &t->doubles);
        at += n;
    }
    chunk_lanes()->fold(v + at, to - at, &t->doubles);
    if (t->placed)
        place_doubles(t, v, from, to, start, NULL);
}

/* Decimals from..to of the block that begins at place start, in m, and the fixes among them; in m
 * these become like a number that has none. */
static void tally_decimals(struct tally *t, int64_t *m, size_t from, size_t to, size_t start,
                           double divisor, const struct fix *fixes, size_t fixes_n)
{
    double fixed[LANE_BLOCK];
    size_t a = 0, b = fixes_n, plain = from, plain_last = to;
    for (size_t i = 0; i < fixes_n; i++)
        fixed[i] = fixes[i].v;
    chunk_lanes()->fold(fixed, fixes_n, &t->doubles);
    /* the ends: of the fixes those that are no NaN, of the others the outermost */
    while (a < b && isnan(fixed[a]))
        a++;
    while (b > a && isnan(fixed[b - 1]))
        b--;
    for (size_t i = 0; i < fixes_n && fixes[i].at == plain; i++)
        plain++;
    for (size_t i = fixes_n; i > 0 && fixes[i - 1].at + 1 == plain_last; i--)
        plain_last--;
    if (t->placed && a < b)
        place_doubles(t, fixed, a, b, start, fixes);
    if (plain == to) {
        if (a < b)
            note_ends(t, fixed[a], fixed[b - 1]);
        return;
    }
    note_ends(t, a < b && fixes[a].at < plain ? fixed[a] : (double)m[plain] / divisor,
              a < b && fixes[b - 1].at >= plain_last ? fixed[b - 1]
                                                     : (double)m[plain_last - 1] / divisor);
    for (size_t i = 0; i < fixes_n; i++)
        m[fixes[i].at] = m[plain];
    struct lane_range before = t->decimals;
    chunk_lanes()->range(m + from, to - from, &t->decimals);
    if (t->placed) /* from plain on no fix is taken for what it is not */
        place_decimals(t, &before, m, plain, to, start);
    t->decimals.sum -= (uint64_t)m[plain] * fixes_n;
    t->decimals_n += to - from - fixes_n;
}

/* Of equal ones the first counts. */
static void finish_places(const struct tally *t, double least, double greatest,
                          struct column_sum *ret)
{
    const struct places *m = &t->decimals_at, *d = &t->doubles_at;
    bool both = t->decimals_n && t->doubles.n;
    bool low =
        both ? least < t->least || (least == t->least && m->least < d->least) : t->decimals_n > 0;
    bool high =
        both ? greatest > t->greatest || (greatest == t->greatest && m->greatest < d->greatest)
             : t->decimals_n > 0;
    ret->least_at = low ? m->least : d->least;
    ret->greatest_at = high ? m->greatest : d->greatest;
}

static void finish(const struct tally *t, double divisor, struct column_sum *ret_sum)
{
    const struct lane_fold *d = &t->doubles;
    struct chunk_numbers *ret = &ret_sum->numbers;
    *ret = (struct chunk_numbers){.n = (uint32_t)(t->decimals_n + d->n)};
    if (!ret->n)
        return;
    const double *s = d->sum;
    ret->first = t->first;
    ret->last = t->last;
    ret->sum = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    if (t->decimals_n) {
        ret->sum += (double)(int64_t)t->decimals.sum / divisor;
        least = (double)t->decimals.least / divisor;
        greatest = (double)t->decimals.greatest / divisor;
    }
    if (t->placed)
        finish_places(t, least, greatest, ret_sum);
    double other_least = least_of(d), other_greatest = greatest_of(d);
    ret->least = (other_least < least ? other_least : least) + 0.0; /* no -0.0 */
    ret->greatest = (other_greatest > greatest ? other_greatest : greatest) + 0.0;
    if (isnan(ret->sum)) /* infinities of both signs: one NaN everywhere */
        ret->sum = NAN;
}

/* ---- the walk through the stretches ---- */

struct sum_walk sum_walk_begin(struct column_sums *ask, double divisor)
{
    struct sum_walk w = {.ask = ask, .from = ask->from, .divisor = divisor, .t = nothing};
    w.t.placed = ask->placed;
    return w;
}

size_t sum_walk_end(const struct sum_walk *w)
{
    return w->ask->list[w->ask->n - 1].end;
}

/* The next piece of the block of n places from start on: it is of one stretch, and from *ret_from
 * up to *ret_to in the block.  False: the block is done. */
static bool walk_piece(struct sum_walk *w, size_t start, size_t n, size_t *ret_from, size_t *ret_to)
{
    while (w->k < w->ask->n && w->from >= w->ask->list[w->k].end) {
        finish(&w->t, w->divisor, &w->ask->list[w->k++]);
        w->t = nothing;
        w->t.placed = w->ask->placed;
    }
    if (w->k == w->ask->n || w->from >= start + n)
        return false;
    size_t end = w->ask->list[w->k].end;
    end = end < start + n ? end : start + n;
    *ret_from = w->from - start;
    *ret_to = end - start;
    w->from = end;
    return true;
}

void sum_walk_doubles(struct sum_walk *w, const double *v, size_t n, size_t start)
{
    size_t from, to;
    while (walk_piece(w, start, n, &from, &to))
        tally_doubles(&w->t, v, from, to, start);
}

void sum_walk_decimals(struct sum_walk *w, int64_t *m, size_t n, size_t start,
                       const struct fix *fixes, size_t fixes_n)
{
    size_t from, to, first = 0;
    while (walk_piece(w, start, n, &from, &to)) {
        while (first < fixes_n && fixes[first].at < from)
            first++;
        size_t behind = first;
        while (behind < fixes_n && fixes[behind].at < to)
            behind++;
        tally_decimals(&w->t, m, from, to, start, w->divisor, fixes + first, behind - first);
        first = behind;
    }
}

void sum_walk_finish(struct sum_walk *w)
{
    size_t from, to;
    walk_piece(w, sum_walk_end(w), 0, &from, &to);
}
