/* Chunks as columns and as sums.  A chunk of version 2 that is all doubles or all whole numbers is
 * read straight; any other by way of its points. */
#include "base/err.h"
#include "codec/chunk_doubles.h"
#include "codec/chunk_head.h"
#include "codec/chunk_lanes.h"

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

static int sum_straight(const struct chunk_head *h, int64_t from_us, int64_t to_us,
                        struct chunk_columns *scratch, struct chunk_numbers *ret)
{
    struct slice in = h->rest;
    int err = make_room(scratch, h->n);
    if (err)
        return err;
    if (!chunk_times(h, scratch->times) || !get_qualities(&in, h, NULL))
        return ERR_CORRUPT;
    size_t from = find(scratch->times, h->n, from_us), to = find(scratch->times, h->n, to_us);
    bool ok = (h->type == VALUE_INT ? sum_whole : sum_doubles)(&in, h->n, from, to, ret);
    return ok ? 0 : ERR_CORRUPT;
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

int chunk_summarize(struct slice bytes, struct chunk_summary *ret)
{
    struct chunk_head head;
    int err = chunk_open(bytes, &head);
    if (err)
        return err;
    *ret = (struct chunk_summary){.n = (uint32_t)head.n, .type = head.type};
    if (head.version > 1) {
        ret->qualities = head.qualities;
        ret->t_first = head.t_first;
        ret->t_last = (int64_t)((uint64_t)head.t_first + head.span);
        ret->numbers = head.numbers;
        return 0;
    }
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
