/* Readings as they are, and what all folds share. */
#include "base/err.h"
#include "core/past.h"

#include <stdlib.h>

/* Extremes kept beforehand for each point that is chosen (MinMaxLTTB). */
enum { LTTB_FACTOR = 4 };

double point_height(const struct point *p)
{
    switch (p->type) {
    case VALUE_BOOL:
        return p->as.b;
    case VALUE_INT:
        return (double)p->as.i;
    case VALUE_DOUBLE:
        return p->as.d;
    default:
        return 0;
    }
}

int point_keep(struct point *to, const struct point *from)
{
    struct point copy;
    if (point_make(from->t_us, point_value(from), from->quality, &copy))
        return ERR_NOMEM;
    point_release(to);
    *to = copy;
    return 0;
}

int fold_put(struct fold *f, const struct point *p)
{
    struct value v = point_value(p);
    struct history_row row = {.t_us = p->t_us, .values = &v, .n = 1, .quality = p->quality};
    return f->on_row(f->arg, &row) ? FOLD_FULL : 0;
}

struct fold *fold_new(const struct history_query *q,
                      bool (*on_row)(void *arg, const struct history_row *row), void *arg)
{
    struct fold *f = q->how == PAST_RAW    ? fold_raw()
                     : q->how == PAST_THIN ? fold_thin(q, 1)
                     : q->how == PAST_LTTB ? fold_thin(q, LTTB_FACTOR)
                                           : fold_steps(q);
    if (!f)
        return NULL;
    f->query = q;
    f->on_row = on_row;
    f->arg = arg;
    return f;
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    point_release(&f->standing);
    f->kind->free(f);
}

struct raw {
    struct fold fold;
    size_t n;
};

static int take(struct fold *f, const struct history_run *run)
{
    struct raw *r = (struct raw *)f;
    for (size_t i = 0; i < run->n; i++) {
        const struct point *p = &run->points[i];
        if (f->query->limit && r->n == f->query->limit) {
            f->ended = f->more = true;
            f->resume_us = p->t_us;
            return FOLD_FULL;
        }
        r->n++;
        if (fold_put(f, p)) {
            f->resume_us = p->t_us + 1;
            return FOLD_FULL;
        }
    }
    return 0;
}

static int end(struct fold *f)
{
    (void)f;
    return 0;
}

static void release(struct fold *f)
{
    free(f);
}

struct fold *fold_raw(void)
{
    static const struct fold_kind kind = {.take = take, .end = end, .free = release};
    struct raw *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->fold.kind = &kind;
    return &r->fold;
}
