/* What the journal had when the core was opened, for those who keep a journal of their own of what
 * follows from readings: a reading may be on the disk, and what follows from it not yet.
 *
 * The newest are remembered, until those who ask at the start have asked: what was still on its way
 * to another disk when the program ended is among them. */
#include "core/internal.h"

#include <stdlib.h>

enum { REMEMBERED = 1 << 16 };

struct replayed {
    uint64_t n; /* ever noted; the ring has the last of them */
    struct noted {
        uint64_t batch;
        struct reading reading; /* a text is its own */
    } ring[REMEMBERED];
};

static void forget(struct noted *x)
{
    if (x->reading.value.type == VALUE_TEXT)
        free((char *)(uintptr_t)x->reading.value.as.text.p);
    x->reading.value.type = VALUE_NONE;
}

void replayed_note(struct core *c, uint64_t batch, const struct reading *r)
{
    struct reading copy = *r;
    if (!c->replayed && !(c->replayed = calloc(1, sizeof *c->replayed)))
        return;
    if (r->value.type == VALUE_TEXT) {
        char *text = malloc(r->value.as.text.n + 1);
        if (!text)
            return;
        memcpy(text, r->value.as.text.p, r->value.as.text.n);
        copy.value.as.text.p = text;
    }
    struct noted *x = &c->replayed->ring[c->replayed->n++ % REMEMBERED];
    forget(x);
    *x = (struct noted){batch, copy};
}

void replayed_release(struct core *c)
{
    for (size_t i = 0; c->replayed && i < REMEMBERED; i++)
        forget(&c->replayed->ring[i]);
    free(c->replayed);
    c->replayed = NULL;
}

void core_replayed(struct core *c, uint64_t after, core_replayed_fn *fn, void *arg)
{
    struct replayed *all = c->replayed;
    uint64_t i = all && all->n > REMEMBERED ? all->n - REMEMBERED : 0;
    for (; all && i < all->n; i++) {
        const struct noted *x = &all->ring[i % REMEMBERED];
        struct sensor *s = core_series(c, x->reading.series);
        if (s && !s->retired && x->batch > after)
            fn(arg, x->batch, s, &x->reading);
    }
}

uint64_t core_applied(const struct core *c)
{
    return c->applying_seq;
}

uint64_t core_applied_all(const struct core *c)
{
    return c->half_applied && c->applying_seq ? c->applying_seq - 1 : c->applying_seq;
}
