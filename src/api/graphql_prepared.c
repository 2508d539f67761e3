/* graphql_prepared.c - documents that were found valid, so that programs which ask the same again
 * and again have it read and judged once.  The schema never changes while the server runs. */
#include "api/graphql.h"
#include "base/err.h"

#include <stdlib.h>

enum { PREPARED_MAX = 500, PREPARED_BYTES = 4 << 20, TEXT_MAX = 16 << 10 };

struct prepared {
    struct arena *arena; /* of the text and all that was made of it */
    struct slice text;
    struct gql_document *doc;
    bool asks_schema;
    size_t refs;                  /* of the list, and of questions */
    struct prepared *prev, *next; /* by use, the latest first */
};

struct prepareds {
    struct map by_text;
    struct prepared *first, *last;
    size_t n, bytes;
};

static void drop(struct prepared *p)
{
    if (--p->refs)
        return;
    arena_free(p->arena);
    free(p);
}

static void take_out(struct prepareds *all, struct prepared *p)
{
    *(p->prev ? &p->prev->next : &all->first) = p->next;
    *(p->next ? &p->next->prev : &all->last) = p->prev;
}

static void put_first(struct prepareds *all, struct prepared *p)
{
    p->prev = NULL;
    p->next = all->first;
    *(all->first ? &all->first->prev : &all->last) = p;
    all->first = p;
}

static void forget(struct prepareds *all, struct prepared *p)
{
    take_out(all, p);
    map_remove(&all->by_text, p->text);
    all->n--;
    all->bytes -= p->text.n;
    drop(p);
}

struct prepared *prepared_find(struct graphql *g, struct slice text)
{
    struct prepareds *all = g->prepareds;
    struct prepared *p = map_get(&all->by_text, text);
    if (!p)
        return NULL;
    take_out(all, p);
    put_first(all, p);
    p->refs++;
    return p;
}

struct gql_document *prepared_document(const struct prepared *p)
{
    return p->doc;
}

bool prepared_asks_schema(const struct prepared *p)
{
    return p->asks_schema;
}

struct prepared *prepared_new(struct arena *take_arena, struct gql_document *doc, bool asks_schema)
{
    struct prepared *p = calloc(1, sizeof *p);
    if (!p) {
        arena_free(take_arena);
        return NULL;
    }
    *p = (struct prepared){
        .arena = take_arena, .text = doc->text, .doc = doc, .asks_schema = asks_schema, .refs = 1};
    return p;
}

void prepared_keep(struct graphql *g, struct prepared *p)
{
    struct prepareds *all = g->prepareds;
    if (p->text.n > TEXT_MAX || map_get(&all->by_text, p->text) ||
        map_put(&all->by_text, p->text, p, NULL))
        return;
    p->refs++;
    put_first(all, p);
    all->n++;
    all->bytes += p->text.n;
    while (all->n > PREPARED_MAX || all->bytes > PREPARED_BYTES)
        forget(all, all->last);
}

struct prepared *prepared_ref(struct prepared *p)
{
    p->refs++;
    return p;
}

void prepared_unref(struct prepared *p)
{
    if (p)
        drop(p);
}

int prepareds_new(struct prepareds **ret)
{
    struct prepareds *all = calloc(1, sizeof *all);
    if (!all)
        return ERR_NOMEM;
    *ret = all;
    return 0;
}

void prepareds_free(struct prepareds *all)
{
    while (all && all->first)
        forget(all, all->first);
    if (all)
        map_release(&all->by_text);
    free(all);
}
