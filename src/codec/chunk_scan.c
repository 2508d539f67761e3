/* Chunks as columns and as sums.  A chunk of version 2 that is all doubles or all whole numbers is
 * read straight; any other by way of its points. */
#include "base/err.h"
#include "codec/chunk_doubles.h"
#include "codec/chunk_head.h"
#include "codec/chunk_lanes.h"

#include <assert.h>
#include <stdlib.h>

static bool is_straight(const struct chunk_head *h)
{
    return h->version > 1 && (h->type == VALUE_DOUBLE || h->type == VALUE_INT);
}

static int make_room(struct chunk_columns *c, size_t n)
{
    if (n <= c->cap)
        return 0;
    int64_t *times = realloc(c->times, n * sizeof *times);
    if (times)
        c->times = times;
    double *numbers = realloc(c->numbers, n * sizeof *numbers);
    if (numbers)
        c->numbers = numbers;
    struct chunk_run *runs = realloc(c->runs, n * sizeof *runs);
    if (runs)
        c->runs = runs;
    if (!times || !numbers || !runs)
        return ERR_NOMEM;
    c->cap = n;
    return 0;
}

static void add_run(struct chunk_columns *c, uint32_t n, uint8_t quality)
{
    if (c->runs_n && c->runs[c->runs_n - 1].quality == quality)
        c->runs[c->runs_n - 1].n += n;
    else
        c->runs[c->runs_n++] = (struct chunk_run){n, quality};
}

static bool get_qualities(struct slice *in, const struct chunk_head *h, struct chunk_columns *c)
{
    uint64_t runs, run;
    size_t n = 0;
    unsigned qualities = 0;
    if (!unpack_varint(in, &runs) || runs > h->n)
        return false;
    if (!runs) {
        n = h->n;
        qualities = 1u << QUALITY_GOOD;
        if (c)
            add_run(c, (uint32_t)h->n, QUALITY_GOOD);
    }
    while (runs--) {
        if (!unpack_varint(in, &run) || run / CHUNK_RUN_VALUES == 0 ||
            run / CHUNK_RUN_VALUES > h->n - n || run % CHUNK_RUN_VALUES > QUALITY_BAD)
            return false;
        n += (size_t)(run / CHUNK_RUN_VALUES);
        qualities |= 1u << run % CHUNK_RUN_VALUES;
        if (c)
            add_run(c, (uint32_t)(run / CHUNK_RUN_VALUES), run % CHUNK_RUN_VALUES);
    }
    return n == h->n && qualities == h->qualities;
}

static int columns_straight(const struct chunk_head *h, struct chunk_columns *c)
{
    struct slice in = h->rest;
    int64_t *whole = (int64_t *)(void *)c->numbers; /* the same memory */
    if (!chunk_times(h, c->times) || !get_qualities(&in, h, c))
        return ERR_CORRUPT;
    if (h->type == VALUE_DOUBLE) {
        if (!unpack_doubles(&in, c->numbers, h->n))
            return ERR_CORRUPT;
    } else {
        if (!unpack_numbers(&in, whole, h->n))
            return ERR_CORRUPT;
        chunk_lanes()->divide(whole, h->n, 1, c->numbers);
    }
    if (in.n)
        return ERR_CORRUPT;
    c->n = h->n;
    return 0;
}

static void columns_of_points(const struct chunk_points *points, struct chunk_columns *c)
{
    for (size_t i = 0; i < points->n; i++) {
        const struct point *p = &points->points[i];
        if (p->type != VALUE_DOUBLE && p->type != VALUE_INT)
            continue;
        c->times[c->n] = p->t_us;
        c->numbers[c->n++] = p->type == VALUE_INT ? (double)p->as.i : p->as.d;
        add_run(c, 1, p->quality);
    }
}

int chunk_to_columns(struct slice bytes, struct chunk_columns *ret)
{
    struct chunk_head head;
    ret->n = ret->runs_n = 0;
    int err = chunk_open(bytes, &head);
    if (!err)
        err = make_room(ret, head.n);
    if (err)
        return err;
    if (is_straight(&head)) {
        err = columns_straight(&head, ret);
        if (err)
            ret->n = ret->runs_n = 0;
        return err;
    }
    err = chunk_decode(bytes, &ret->points);
    if (!err)
        columns_of_points(&ret->points, ret);
    return err;
}

/* The first of n rising times at or behind t. */
static size_t find(const int64_t *times, size_t n, int64_t t)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (times[middle] < t)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/* Times into the scratch, and places of what is asked for by time. */
static int open_sums(const struct chunk_head *h, struct slice *in, struct chunk_columns *scratch)
{
    int err = make_room(scratch, h->n);
    if (err)
        return err;
    *in = h->rest;
    return chunk_times(h, scratch->times) && get_qualities(in, h, NULL) ? 0 : ERR_CORRUPT;
}

static int sum_columns(const struct chunk_head *h, struct slice in, struct column_sums *ask)
{
    bool ok = (h->type == VALUE_INT ? sum_whole : sum_doubles)(&in, h->n, ask);
    return ok ? 0 : ERR_CORRUPT;
}

static int sum_straight(const struct chunk_head *h, int64_t from_us, int64_t to_us,
                        struct chunk_columns *scratch, struct chunk_numbers *ret)
{
    struct slice in;
    int err = open_sums(h, &in, scratch);
    if (err)
        return err;
    struct column_sum one = {.end = find(scratch->times, h->n, to_us)};
    size_t from = find(scratch->times, h->n, from_us);
    err = sum_columns(h, in, &(struct column_sums){.from = from, .list = &one, .n = 1});
    *ret = one.numbers;
    return err;
}

static int sum_by_points(struct slice bytes, int64_t from_us, int64_t to_us,
                         struct chunk_columns *scratch, struct chunk_numbers *ret)
{
    struct chunk_points *c = &scratch->points;
    int err = chunk_decode(bytes, c);
    if (err)
        return err;
    size_t from = 0, to = c->n;
    while (from < to && c->points[from].t_us < from_us)
        from++;
    while (to > from && c->points[to - 1].t_us >= to_us)
        to--;
    chunk_sum_points(c->points + from, to - from, ret);
    return 0;
}

int chunk_sum(struct slice bytes, int64_t from_us, int64_t to_us, struct chunk_columns *scratch,
              struct chunk_numbers *ret)
{
    struct chunk_head head;
    int err = chunk_open(bytes, &head);
    if (err)
        return err;
    int64_t t_last = (int64_t)((uint64_t)head.t_first + head.span);
    if (head.version > 1 && from_us <= head.t_first && to_us > t_last) {
        *ret = head.numbers;
        return 0;
    }
    if (is_straight(&head))
        return sum_straight(&head, from_us, to_us, scratch, ret);
    return sum_by_points(bytes, from_us, to_us, scratch, ret);
}

/* ---- stretches side by side ---- */

static void tell_stretch(const int64_t *times, size_t from, const struct column_sum *sum,
                         bool placed, struct chunk_stretch *ret)
{
    ret->n = sum->end > from ? sum->end - from : 0;
    ret->numbers = sum->numbers;
    if (!ret->n)
        return;
    ret->t_first = times[from];
    ret->t_last = times[sum->end - 1];
    if (placed && sum->numbers.n) {
        ret->t_least = times[sum->least_at];
        ret->t_greatest = times[sum->greatest_at];
    }
}

/* The places of stretches; the first one's beginning is answered. */
static size_t stretch_places(const struct chunk_stretches *ask, const int64_t *times, size_t n,
                             struct column_sum *sums)
{
    size_t from = find(times, n, ask->from_us), at = from;
    for (size_t k = 0; k < ask->n; k++) {
        at += find(times + at, n - at, ask->list[k].to_us);
        sums[k].end = at;
    }
    return from;
}

/* What the head of a chunk tells, but for its numbers. */
static void tell_head(const struct chunk_head *h, struct chunk_summary *ret)
{
    *ret = (struct chunk_summary){.n = (uint32_t)h->n,
                                  .type = h->type,
                                  .qualities = h->qualities,
                                  .t_first = h->t_first,
                                  .t_last = (int64_t)((uint64_t)h->t_first + h->span)};
}

int chunk_sum_stretches(struct slice bytes, struct chunk_stretches *io,
                        struct chunk_columns *scratch, struct chunk_summary *ret_about)
{
    struct chunk_head head;
    struct slice in;
    struct column_sum sums[CHUNK_STRETCHES_MAX] = {0};
    assert(io->n > 0 && io->n <= CHUNK_STRETCHES_MAX);
    int err = chunk_open(bytes, &head);
    if (!err && !is_straight(&head))
        err = ERR_INVALID;
    if (!err)
        err = open_sums(&head, &in, scratch);
    if (err)
        return err;
    const int64_t *times = scratch->times;
    size_t from = stretch_places(io, times, head.n, sums);
    err = sum_columns(&head, in, &(struct column_sums){from, sums, io->n, io->placed});
    if (err)
        return err;
    tell_head(&head, ret_about);
    for (size_t k = 0; k < io->n; from = sums[k++].end)
        tell_stretch(times, from, &sums[k], io->placed, &io->list[k]);
    return 0;
}

int chunk_summarize(struct slice bytes, struct chunk_summary *ret)
{
    struct chunk_head head;
    int err = chunk_open(bytes, &head);
    if (err)
        return err;
    if (head.version > 1) {
        tell_head(&head, ret);
        ret->numbers = head.numbers;
        return 0;
    }
    *ret = (struct chunk_summary){.n = (uint32_t)head.n, .type = head.type};
    struct chunk_points c = {0};
    err = chunk_decode(bytes, &c);
    if (!err) {
        ret->t_first = c.points[0].t_us;
        ret->t_last = c.points[c.n - 1].t_us;
        for (size_t i = 0; i < c.n; i++)
            ret->qualities |= (uint8_t)(1u << c.points[i].quality);
        chunk_sum_points(c.points, c.n, &ret->numbers);
    }
    chunk_points_release(&c);
    return err;
}

void chunk_columns_release(struct chunk_columns *c)
{
    free(c->times);
    free(c->numbers);
    free(c->runs);
    chunk_points_release(&c->points);
    *c = (struct chunk_columns){0};
}
