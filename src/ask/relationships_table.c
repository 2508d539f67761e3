/* relationships_table.c - the graph: edges by source, by target, or all. */
#include "ask/asof.h"
#include "ask/live.h"

#include "base/err.h"
#include "core/graph.h"

#include <stdio.h>

enum { R_SOURCE, R_KIND, R_TARGET, R_ID, R_PROPERTIES, R_DANGLING, R_AS_OF };

/* clang-format off */
static const struct ask_column columns[] = {
    COLUMN("source", "TEXT", "the id of the twin whose profile says it", .match = true, .rows = 1e-9),
    COLUMN("kind", "TEXT", "feeds, contains, ...", .match = true, .rows = 0.2),
    COLUMN("target", "TEXT", "the id of the twin it points to", .match = true, .rows = 1e-9),
    COLUMN("id", "TEXT", "within its source"),
    COLUMN("properties", "json", "an object"),
    COLUMN("dangling", "INTEGER", "1: there is no such target"),
    COLUMN("as_of", "time", "AS OF this time", .hidden = true),
    {0}};
/* clang-format on */

/* Edges of a twin are given in one go: there may be more of them than rows are asked for, so where
 * it stands among them is counted. */
struct relationships {
    struct twins_of of;
    bool by_target, begun;
    char at[300]; /* the twin whose edges are under way; "" for none */
    size_t given; /* of its edges */
};

static double rows_of_edges(const struct core *core)
{
    return (double)graph_edges(core);
}

static int open_edges(struct scan *s)
{
    struct relationships *w = s->state;
    w->by_target = scan_has(s, R_TARGET) && !scan_has(s, R_SOURCE);
    twins_of_begin(&w->of, s, w->by_target ? R_TARGET : R_SOURCE);
    return 0;
}

static void put_edge(struct scan *s, const struct edge *e)
{
    struct question *q = s->q;
    struct buf b = {0};
    struct cell *row = scan_row(s);
    cell_text(s, row, R_SOURCE, twin_name(q, e->source->twin, &b));
    cell_text(s, row, R_KIND, slice_str(e->kind->name));
    cell_text(s, row, R_TARGET, slice_str(e->target->id));
    if (scan_wants(s, R_ID)) {
        buf_clear(&b);
        edge_put_id(&b, e);
        cell_text(s, row, R_ID, buf_slice(&b));
    }
    cell_text(s, row, R_PROPERTIES, slice_str(e->properties ? e->properties : "{}"));
    cell_int(s, row, R_DANGLING, !e->target->twin);
    buf_release(&b);
}

static bool wants(const struct scan *s, const struct twin_look *look, const struct edge *e)
{
    if (scan_has(s, R_KIND) && !slice_is(scan_eq(s, R_KIND), e->kind->name))
        return false;
    if (scan_has(s, R_TARGET) && !slice_is(scan_eq(s, R_TARGET), e->target->id))
        return false;
    return look->plain || graph_shows(s->q->core, s->q->who, e);
}

/* False: the rows are full, and there is more of this twin. */
static bool put_edges(struct scan *s, struct relationships *w, const struct twin_look *look,
                      const struct twin *t)
{
    enum graph_direction way = w->by_target ? GRAPH_IN : GRAPH_OUT;
    size_t n = 0;
    for (const struct edge *e = graph_first(t, way, NULL); e; e = graph_next(e, way, NULL)) {
        if (!wants(s, look, e) || n++ < w->given)
            continue;
        if (scan_full(s))
            return false;
        put_edge(s, e);
        w->given++;
    }
    w->given = 0;
    return true;
}

static int fill_edges(struct scan *s)
{
    struct relationships *w = s->state;
    struct twin_look look = twin_look(s->q);
    struct twin *t = *w->at ? core_twin(s->q->core, slice_str(w->at)) : NULL, *last = NULL;
    if (w->by_target && !w->begun && !twin_called(s->q, scan_eq(s, R_TARGET))) {
        w->by_target = false; /* edges may dangle there: they are found from their sources */
        twins_of_begin(&w->of, s, R_SOURCE);
    }
    w->begun = true;
    if (!t)
        w->given = 0;
    for (unsigned n = 1; !scan_full(s) && (n % 64 || !scan_late(s)); n++) {
        if (!t)
            t = twins_of_next(&w->of, &look);
        if (!t) {
            s->done = true;
            break;
        }
        last = t;
        if (!put_edges(s, w, &look, t))
            break;
        t = NULL;
    }
    snprintf(w->at, sizeof w->at, "%s", t ? t->key : "");
    twins_of_leave(&w->of, last);
    return s->q->err;
}

static void put_then(struct scan *s, const struct asof_twin *t, const struct jval *e)
{
    struct slice kind = jval_string(jval_get(e, "kind"));
    struct slice target = jval_string(jval_get(e, "target")), id = jval_string(jval_get(e, "id"));
    const struct jval *properties = jval_get(e, "properties");
    struct buf b = {0};
    struct json_writer w;
    if (!kind.p || !target.p || (scan_has(s, R_KIND) && !slice_eq(scan_eq(s, R_KIND), kind)) ||
        (scan_has(s, R_TARGET) && !slice_eq(scan_eq(s, R_TARGET), target)) ||
        !asof_sees(s->q, target))
        return;
    struct cell *row = scan_row(s);
    cell_text(s, row, R_SOURCE, t->id);
    cell_text(s, row, R_KIND, kind);
    cell_text(s, row, R_TARGET, target);
    if (!id.p)
        buf_addf(&b, "%.*s:%.*s", SLICE_ARG(kind), SLICE_ARG(target));
    cell_text(s, row, R_ID, id.p ? id : buf_slice(&b));
    buf_clear(&b);
    json_writer_init(&w, &b, 0);
    if (properties)
        jval_write(&w, properties);
    cell_text(s, row, R_PROPERTIES, properties ? buf_slice(&b) : SLICE_LIT("{}"));
    buf_release(&b);
    if (scan_wants(s, R_DANGLING))
        cell_int(s, row, R_DANGLING, !asof_was(s->q, s->at_us, target));
}

static size_t edges_then(struct scan *s, const struct asof_twin *t, size_t at)
{
    const struct jval *list = jval_get(t->root, "doppel:relationships"), *e = NULL;
    size_t n = 0;
    if (t->sees_profile && list && list->type == J_ARRAY)
        e = list->first;
    for (; e && !scan_full(s); e = e->next)
        if (n++ >= at)
            put_then(s, t, e);
    return e ? n : SIZE_MAX;
}

const struct ask_table table_relationships = {.name = "relationships",
                                              .text =
                                                  "relationships between twins that you may see",
                                              .columns = columns,
                                              .exact = true,
                                              .state = sizeof(struct relationships),
                                              .live = true,
                                              .rows = rows_of_edges,
                                              .open = open_edges,
                                              .fill = fill_edges,
                                              .then = edges_then};
