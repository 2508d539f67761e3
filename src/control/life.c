/* life.c - the commands that are open, and when a state ends by itself. */
#include "control/internal.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

static struct queue *queue_of(struct control *c, struct slice key)
{
    struct queue *q = map_get(&c->queues, key);
    if (q || !(q = calloc(1, sizeof *q)))
        return q;
    q->key = strndup(key.p, key.n);
    if (q->key && !map_put(&c->queues, slice_str(q->key), q, NULL))
        return q;
    free(q->key);
    free(q);
    return NULL;
}

static void queue_drop(struct control *c, struct queue *q)
{
    if (q->n)
        return;
    map_remove(&c->queues, slice_str(q->key));
    free(q->key);
    free(q);
}

static bool grow(struct control *c)
{
    if (c->items_n < c->items_cap)
        return true;
    size_t cap = c->items_cap ? c->items_cap * 2 : 64;
    struct item **items = realloc(c->items, cap * sizeof(struct item *));
    if (!items)
        return false;
    c->items = items;
    c->items_cap = cap;
    return true;
}

struct item *control_life_add(struct control *c, const struct twin_command *from)
{
    struct arena *arena = arena_new();
    struct item *i = arena ? arena_zalloc(arena, sizeof *i) : NULL;
    struct queue *q = i && grow(c) ? queue_of(c, from->twin) : NULL;
    if (!q) {
        arena_free(arena);
        return NULL;
    }
    i->c = *from;
    i->arena = arena;
    i->queue = q;
    if (command_keep(arena, &i->c)) {
        queue_drop(c, q);
        arena_free(arena);
        return NULL;
    }
    struct item *behind = q->last;
    while (behind && behind->c.n > i->c.n)
        behind = behind->prev;
    i->prev = behind;
    i->next = behind ? behind->next : q->first;
    *(i->next ? &i->next->prev : &q->last) = i;
    *(behind ? &behind->next : &q->first) = i;
    q->n++;
    i->at = c->items_n;
    c->items[c->items_n++] = i;
    return i;
}

void control_life_end(struct control *c, struct item *i)
{
    struct queue *q = i->queue;
    *(i->next ? &i->next->prev : &q->last) = i->prev;
    *(i->prev ? &i->prev->next : &q->first) = i->next;
    q->n--;
    c->items[i->at] = c->items[--c->items_n];
    c->items[i->at]->at = i->at;
    queue_drop(c, q);
    arena_free(i->arena);
}

struct item *control_life_find(const struct control *c, int64_t n)
{
    for (size_t k = 0; k < c->items_n; k++)
        if (c->items[k]->c.n == n)
            return c->items[k];
    return NULL;
}

/* A wait is never longer than it was to be, whatever the clock says since. */
void control_life_plan(struct item *i, int64_t now_us, int64_t mono_us)
{
    const struct twin_command *c = &i->c;
    int64_t whole = c->state == COMMAND_PENDING ? c->expires_us - c->created_us : c->timeout_us;
    int64_t end = c->state == COMMAND_PENDING ? c->expires_us : c->delivered_us + c->timeout_us;
    int64_t left = end - now_us;
    left = left < 0 ? 0 : left > whole ? whole : left;
    i->due_us = mono_us + left;
}

void control_life_tick(struct control *c)
{
    int64_t mono = clock_mono_us();
    for (size_t k = c->items_n; k-- > 0;) {
        struct item *i = c->items[k];
        if (i->due_us > mono)
            continue;
        struct twin_command next = i->c;
        next.state = next.state == COMMAND_PENDING ? COMMAND_EXPIRED : COMMAND_TIMED_OUT;
        next.changed_us = next.ended_us = clock_now_us();
        if (control_keep_step(c, &next, SLICE_LIT("")))
            control_life_end(c, i);
    }
}

void control_life_twin_gone(struct control *c, struct slice key)
{
    struct queue *q = map_get(&c->queues, key);
    for (struct item *i = q ? q->first : NULL, *next; i; i = next) {
        struct twin_command end = i->c;
        next = i->next;
        end.state = COMMAND_CANCELLED;
        end.changed_us = end.ended_us = clock_now_us();
        end.error = SLICE_LIT("The twin was deleted.");
        if (control_keep_step(c, &end, SLICE_LIT("")))
            control_life_end(c, i);
    }
}

void control_life_free(struct control *c)
{
    while (c->items_n)
        control_life_end(c, c->items[c->items_n - 1]);
    free(c->items);
    map_release(&c->queues);
}
