/* head.c - the readings of a series that are not yet in history: its head, compressed while it
 * grows (codec/open_series.h), and, while a flush is under way, the frozen one before it. */
#include "base/clock.h"
#include "base/err.h"
#include "core/internal.h"

#include <stdlib.h>

bool heads_are(const struct core *c, size_t times)
{
    return c->head_readings >= times * c->head_limit || c->head_bytes >= times * HEAD_BYTES;
}

static int note_dirty(struct core *c, struct sensor *s)
{
    if (s->dirty_at)
        return 0;
    if (c->dirty_n == c->dirty_cap) {
        size_t cap = c->dirty_cap ? c->dirty_cap * 2 : 256;
        struct sensor **dirty = realloc(c->dirty, cap * sizeof(struct sensor *));
        if (!dirty)
            return ERR_NOMEM;
        c->dirty = dirty;
        c->dirty_cap = cap;
    }
    c->dirty[c->dirty_n++] = s;
    s->dirty_at = (uint32_t)c->dirty_n;
    return 0;
}

int head_add(struct core *c, struct sensor *s, const struct reading *r)
{
    size_t before = open_series_bytes(s->head);
    if (note_dirty(c, s) || open_series_add(&s->head, r->t_us, r->value, r->quality))
        return ERR_NOMEM;
    c->head_bytes += open_series_bytes(s->head) - before;
    if (!c->head_readings++)
        c->head_since_us = clock_mono_us();
    return 0;
}

struct open_series *head_take(struct sensor *s)
{
    struct open_series *taken = s->head;
    s->head = NULL;
    s->dirty_at = 0;
    return taken;
}

void head_drop(struct core *c, struct sensor *s)
{
    if (s->dirty_at) {
        struct sensor *last = c->dirty[--c->dirty_n];
        c->dirty[s->dirty_at - 1] = last;
        last->dirty_at = s->dirty_at;
        c->head_readings -= open_series_count(s->head);
        c->head_bytes -= open_series_bytes(s->head);
    }
    open_series_free(head_take(s));
}

/* ---- as points ---- */

int open_series_points(const struct open_series *s, int64_t from, int64_t to, struct point *points,
                       size_t *n)
{
    struct open_reader r;
    struct open_point p;
    open_reader_init(&r, s);
    while (open_reader_next(&r, &p)) {
        if (p.t_us < from || p.t_us >= to)
            continue;
        if (point_make(p.t_us, p.value, p.quality, &points[*n]))
            return ERR_NOMEM;
        ++*n;
    }
    return 0;
}

void points_free(struct point *points, size_t n)
{
    for (size_t i = 0; i < n; i++)
        point_release(&points[i]);
    free(points);
}
