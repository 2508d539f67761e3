#include "base/arena.h"

#include "base/err.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 4096, ALIGN = alignof(max_align_t) };

struct block {
    struct block *next;
    size_t cap, used;
    alignas(max_align_t) char bytes[];
};

struct deferred {
    void (*fn)(void *arg);
    void *arg;
    struct deferred *next;
};

struct arena {
    struct block *top;
    size_t total;
    struct deferred *deferred; /* in its own blocks */
};

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

static void run_deferred(struct arena *a)
{
    struct deferred *d;
    while ((d = a->deferred)) {
        a->deferred = d->next;
        d->fn(d->arg);
    }
}

int arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct deferred *d = arena_alloc(a, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    *d = (struct deferred){fn, arg, a->deferred};
    a->deferred = d;
    return 0;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    run_deferred(a);
    free_blocks(a->top);
    free(a);
}

void arena_reset(struct arena *a)
{
    run_deferred(a);
    if (!a->top)
        return;
    free_blocks(a->top->next);
    a->top->next = NULL;
    if (a->top->cap > 16 * (size_t)BLOCK) { /* one huge request must not keep its memory */
        free(a->top);
        a->top = NULL;
    } else {
        a->top->used = 0;
    }
    a->total = a->top ? a->top->cap : 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!n)
        n = ALIGN;
    if (!a->top || a->top->cap - a->top->used < n) {
        size_t cap = a->top ? a->top->cap * 2 : BLOCK;
        if (cap > (1u << 20))
            cap = 1u << 20;
        if (cap < n)
            cap = n;
        struct block *b = malloc(sizeof *b + cap);
        if (!b)
            return NULL;
        b->next = a->top;
        b->cap = cap;
        b->used = 0;
        a->top = b;
        a->total += cap;
    }
    void *p = a->top->bytes + a->top->used;
    a->top->used += n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

char *arena_strndup(struct arena *a, const char *p, size_t n)
{
    char *copy = arena_alloc(a, n + 1);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, p, n);
    copy[n] = 0;
    return copy;
}

struct slice arena_dup(struct arena *a, struct slice s)
{
    char *copy = arena_strndup(a, s.p, s.n);
    return slice_of(copy, copy ? s.n : 0);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

size_t arena_used(const struct arena *a)
{
    return a->total;
}
