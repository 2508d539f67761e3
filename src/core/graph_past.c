/* graph_past.c - the graph as it was: versions over what is in memory.
 *
 * A row is a twin that has changed, or gone, since: what its version of the time said.  Rows are in
 * order of key.  Beside them stands who of them pointed where, for the way back. */
#include "core/graph_past.h"
#include "access/state.h"
#include "base/err.h"
#include "core/internal.h"
#include "store/versions.h"
#include "twin/relations.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 200000, PAGE = 2000 };

struct pointing {
    const struct past_twin *from;
    struct relation relation;
    struct pointing *next; /* at the same target */
};

struct graph_past {
    struct core *core;
    struct org *org;
    char prefix[80]; /* of keys in the organisation */
    int64_t at_us;
    struct arena *arena; /* all of it */
    struct past_twin **rows;
    size_t n, cap;
    struct map by_key; /* rows */
    struct map same;   /* keys of those that are now as they were, written again or not */
    struct map into;   /* struct pointing, by id of the target */
    struct pool_job job;
    int err;
    struct slice last; /* the key up to which was read */
    size_t page;
    graph_past_fn *fn;
    void *arg;
};

/* ---- on a thread of readers ---- */

static bool keep(struct graph_past *g, struct slice *s)
{
    *s = arena_dup(g->arena, s->n ? *s : SLICE_LIT(""));
    return s->p;
}

static int keep_row(struct graph_past *g, struct slice key, const struct profile_view *view)
{
    size_t skip = strlen(g->prefix);
    struct past_twin *row = arena_zalloc(g->arena, sizeof *row);
    if (!row)
        return ERR_NOMEM;
    *row = (struct past_twin){.key = key,
                              .name = view->name,
                              .type = view->type,
                              .types = view->types,
                              .relations = view->relations};
    if (!keep(g, &row->key) || !keep(g, &row->name) || !keep(g, &row->type) ||
        !keep(g, &row->types) || !keep(g, &row->relations))
        return ERR_NOMEM;
    row->id = slice_skip(row->key, skip);
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 64;
        struct past_twin **more = realloc(g->rows, cap * sizeof(struct past_twin *));
        if (!more)
            return ERR_NOMEM;
        g->rows = more;
        g->cap = cap;
    }
    g->rows[g->n++] = row;
    return map_put(&g->by_key, row->key, row, NULL);
}

static int on_version(void *arg, struct slice key, const struct version *v)
{
    struct graph_past *g = arg;
    struct profile_view view;
    struct jval *root;
    g->page++;
    g->last = arena_dup(g->arena, key);
    if (!g->last.p)
        return ERR_NOMEM;
    if (access_key_prefix(key) != strlen(g->prefix))
        return 0; /* of another organisation */
    if (!v->body.p)
        return map_put(&g->same, g->last, g, NULL);
    if (g->n == ROWS_MAX)
        return ERR_LIMIT;
    struct arena *a = arena_new();
    int err = a ? jdoc_parse(a, v->body, &root, NULL) : ERR_NOMEM;
    if (!err)
        err = profile_read(a, root, &view);
    if (!err)
        err = keep_row(g, key, &view);
    arena_free(a);
    return err == ERR_MALFORMED ? ERR_CORRUPT : err;
}

/* Who of the rows pointed where. */
static int turn_round(struct graph_past *g)
{
    int err = 0;
    for (size_t i = 0; i < g->n && !err; i++) {
        struct slice rest = g->rows[i]->relations;
        struct relation r;
        while (!err && relations_next(&rest, &r)) {
            struct pointing *p = arena_alloc(g->arena, sizeof *p);
            if (!p)
                return ERR_NOMEM;
            *p = (struct pointing){g->rows[i], r, map_get(&g->into, r.target)};
            err = map_put(&g->into, r.target, p, NULL);
        }
    }
    return err;
}

static void work(void *arg)
{
    struct graph_past *g = arg;
    do {
        g->page = 0;
        g->err = catalog_versions_at(g->core->catalog, VERSION_TWIN, slice_str(g->prefix), g->last,
                                     g->at_us, PAGE, on_version, g);
    } while (!g->err && g->page == PAGE);
    if (!g->err)
        g->err = turn_round(g);
}

static void done(void *arg)
{
    struct graph_past *g = arg;
    int err = g->core->ready ? g->err : ERR_CANCELLED;
    graph_past_fn *fn = g->fn;
    void *fn_arg = g->arg;
    if (err)
        graph_past_free(g);
    fn(fn_arg, err, err ? NULL : g);
}

void graph_past_read(struct core *c, struct org *org, int64_t at_us, graph_past_fn *fn, void *arg)
{
    struct graph_past *g = c->reads ? calloc(1, sizeof *g) : NULL;
    if (!g || !(g->arena = arena_new())) {
        free(g);
        fn(arg, c->reads ? ERR_NOMEM : ERR_CANCELLED, NULL);
        return;
    }
    g->core = c;
    g->org = org;
    g->at_us = at_us;
    snprintf(g->prefix, sizeof g->prefix, "%s", org->first ? "" : org->prefix);
    g->fn = fn;
    g->arg = arg;
    g->job = (struct pool_job){.work = work, .done = done, .arg = g};
    pool_submit(c->reads, &g->job);
}

void graph_past_free(struct graph_past *g)
{
    if (!g)
        return;
    map_release(&g->by_key);
    map_release(&g->into);
    map_release(&g->same);
    free(g->rows);
    arena_free(g->arena);
    free(g);
}

/* ---- on the loop's thread ---- */

static bool is_unchanged(const struct graph_past *g, const struct twin *t)
{
    struct slice key = slice_str(t->key);
    return t->org == g->org && !map_get(&g->by_key, key) &&
           (t->modified_us <= g->at_us || map_get(&g->same, key));
}

static struct past_twin of_twin(const struct twin *t)
{
    const char *end = t->twin_types;
    while (*end)
        end += strlen(end) + 1;
    return (struct past_twin){.key = slice_str(t->key),
                              .id = slice_str(t->id),
                              .name = slice_str(t->name),
                              .type = slice_str(t->type),
                              .types = slice_of(t->twin_types, (size_t)(end - t->twin_types)),
                              .twin = t};
}

bool graph_past_twin(const struct graph_past *g, struct slice key, struct past_twin *ret)
{
    const struct past_twin *row = map_get(&g->by_key, key);
    const struct twin *t = row ? NULL : core_twin(g->core, key);
    if (!row && (!t || !is_unchanged(g, t)))
        return false;
    *ret = row ? *row : of_twin(t);
    return true;
}

static int by_key(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : a.n < b.n ? -1 : a.n > b.n;
}

bool graph_past_next(const struct graph_past *g, struct slice after, struct past_twin *ret)
{
    size_t n, low = 0, high = g->n;
    struct twin *const *all = core_twins(g->core, &n);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (by_key(g->rows[mid]->key, after) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    const struct past_twin *row = low < g->n ? g->rows[low] : NULL;
    for (low = 0, high = n; low < high;) {
        size_t mid = (low + high) / 2;
        if (by_key(slice_str(all[mid]->key), after) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    while (low < n && !is_unchanged(g, all[low]))
        low++;
    const struct twin *t = low < n ? all[low] : NULL;
    if (!row && !t)
        return false;
    *ret = row && (!t || by_key(row->key, slice_str(t->key)) < 0) ? *row : of_twin(t);
    return true;
}

struct slice past_target(const struct graph_past *g, struct slice id, struct buf *scratch)
{
    buf_clear(scratch);
    buf_add_str(scratch, g->prefix);
    buf_add_slice(scratch, id);
    return buf_slice(scratch);
}

static bool tell_live(const struct edge *e, past_edge_fn *fn, void *arg)
{
    struct past_edge edge = {.source = of_twin(e->source->twin),
                             .kind = slice_str(e->kind->name),
                             .id = slice_str(e->name),
                             .target = slice_str(e->target->id),
                             .properties = slice_str(e->properties)};
    return fn(arg, &edge);
}

static bool tell_row(const struct past_twin *from, const struct relation *r, past_edge_fn *fn,
                     void *arg)
{
    struct past_edge edge = {.source = *from,
                             .kind = r->kind,
                             .id = r->id,
                             .target = r->target,
                             .properties = r->properties};
    return fn(arg, &edge);
}

static void edges_out(const struct past_twin *t, past_edge_fn *fn, void *arg)
{
    struct slice rest = t->relations;
    struct relation r;
    bool on = true;
    for (const struct edge *e = t->twin ? graph_first(t->twin, GRAPH_OUT, NULL) : NULL; e && on;
         e = graph_next(e, GRAPH_OUT, NULL))
        on = tell_live(e, fn, arg);
    while (on && !t->twin && relations_next(&rest, &r))
        on = tell_row(t, &r, fn, arg);
}

/* From those that have not changed since, as the graph has it now, and from the rows. */
static void edges_in(const struct graph_past *g, const struct past_twin *t, past_edge_fn *fn,
                     void *arg)
{
    const struct node *node = map_get(&g->core->graph.nodes, t->key);
    bool on = true;
    for (const struct edge *e = node ? node->in : NULL; e && on; e = e->in_next)
        if (is_unchanged(g, e->source->twin))
            on = tell_live(e, fn, arg);
    for (const struct pointing *p = map_get(&g->into, t->id); p && on; p = p->next)
        on = tell_row(p->from, &p->relation, fn, arg);
}

void graph_past_edges(const struct graph_past *g, const struct past_twin *t,
                      enum graph_direction direction, past_edge_fn *fn, void *arg)
{
    if (direction == GRAPH_OUT)
        edges_out(t, fn, arg);
    else
        edges_in(g, t, fn, arg);
}
