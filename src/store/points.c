/* Points in memory: making, releasing, sorting. */
#include "base/err.h"
#include "store/history.h"
#include "store/history_internal.h"

#include <stdlib.h>

int point_make(int64_t t_us, struct value v, uint8_t quality, struct point *ret)
{
    struct point p = {.t_us = t_us, .type = (uint8_t)v.type, .quality = quality};
    switch (v.type) {
    case VALUE_DOUBLE:
        p.as.d = v.as.d;
        break;
    case VALUE_INT:
        p.as.i = v.as.i;
        break;
    case VALUE_BOOL:
        p.as.b = v.as.b;
        break;
    case VALUE_TEXT:
        p.as.text = malloc(sizeof *p.as.text + v.as.text.n);
        if (!p.as.text)
            return ERR_NOMEM;
        p.as.text->n = (uint32_t)v.as.text.n;
        if (v.as.text.n)
            memcpy(p.as.text->bytes, v.as.text.p, v.as.text.n);
        break;
    case VALUE_NONE:
        break;
    }
    *ret = p;
    return 0;
}

struct value point_value(const struct point *p)
{
    switch (p->type) {
    case VALUE_DOUBLE:
        return value_double(p->as.d);
    case VALUE_INT:
        return (struct value){VALUE_INT, {.i = p->as.i}};
    case VALUE_BOOL:
        return (struct value){VALUE_BOOL, {.b = p->as.b}};
    case VALUE_TEXT:
        return (struct value){VALUE_TEXT, {.text = slice_of(p->as.text->bytes, p->as.text->n)}};
    default:
        return (struct value){.type = VALUE_NONE};
    }
}

void point_release(struct point *p)
{
    if (p->type == VALUE_TEXT)
        free(p->as.text);
    *p = (struct point){.t_us = p->t_us};
}

static void merge_halves(const struct point *from, size_t left, size_t n, struct point *to)
{
    size_t a = 0, b = left, at = 0;
    while (a < left && b < n)
        to[at++] = from[b].t_us < from[a].t_us ? from[b++] : from[a++];
    memcpy(to + at, from + a, (left - a) * sizeof *to);
    at += left - a;
    memcpy(to + at, from + b, (n - b) * sizeof *to);
}

/* Stable; what is in order already is only looked at. */
static void merge_sort(struct point *p, size_t n, struct point *scratch)
{
    if (n < 2)
        return;
    size_t left = n / 2;
    merge_sort(p, left, scratch);
    merge_sort(p + left, n - left, scratch);
    if (p[left - 1].t_us <= p[left].t_us)
        return;
    memcpy(scratch, p, n * sizeof *p);
    merge_halves(scratch, left, n, p);
}

static void insertion_sort(struct point *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct point one = p[i];
        size_t at = i;
        for (; at && p[at - 1].t_us > one.t_us; at--)
            p[at] = p[at - 1];
        p[at] = one;
    }
}

bool points_rise(const struct point *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i].t_us <= p[i - 1].t_us)
            return false;
    return true;
}

size_t points_sort_keep(struct point *points, size_t n, bool release)
{
    if (n < 2 || points_rise(points, n))
        return n;
    struct point *scratch = malloc(n * sizeof *scratch);
    if (scratch)
        merge_sort(points, n, scratch);
    else
        insertion_sort(points, n); /* slow, and needs no memory */
    free(scratch);
    size_t kept = 0;
    for (size_t i = 1; i < n; i++) {
        if (points[i].t_us != points[kept].t_us)
            kept++;
        else if (release)
            point_release(&points[kept]);
        points[kept] = points[i];
    }
    return kept + 1;
}

size_t points_sort(struct point *points, size_t n)
{
    return points_sort_keep(points, n, true);
}
