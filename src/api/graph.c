/* graph.c - GET /api/v1/graph: twins and what they are to each other, page by page, or as far as
 * some steps lead from one of them.
 *
 * A page of all twins has the edges that go out from its twins, so that every edge stands on one
 * page.  A walk has those between the twins that it came to. */
#include "api/graph.h"
#include "api/asof.h"
#include "base/err.h"
#include "base/map.h"
#include "twin/relations.h"

#include <stdlib.h>

enum {
    NODES_DEFAULT = 1000,
    NODES_MAX = 10000,
    DEPTH_DEFAULT = 2,
    DEPTH_MAX = 64,
    EDGES_MAX = 100000
};

/* A twin that the walk came to, in the order of coming. */
struct stop {
    const struct twin *twin;
    uint64_t depth;
};

struct walk {
    struct call *call;
    struct graph_wish wish;
    uint64_t depth, limit;
    struct stop *stops; /* room for limit of them */
    size_t n;
    struct map seen; /* struct stop, by key */
    bool truncated, failed;
};

/* ---- writing ---- */

static int level_of(const struct call *call, const struct twin *t)
{
    int worst = LEVEL_UNKNOWN;
    for (size_t i = 0; i < t->sensors_n; i++)
        if (t->sensors[i]->level > worst &&
            core_may(call->core, call->who, OP_DATA_READ, t->sensors[i]))
            worst = t->sensors[i]->level;
    return worst;
}

static size_t count(struct call *call, const struct graph_wish *wish, const struct twin *t,
                    enum graph_direction direction)
{
    size_t n = 0;
    if (!t->node)
        return 0;
    if (wish->all_kinds && access_is_plain(core_access(call->core), call->who, t->org))
        return direction == GRAPH_OUT ? t->node->out_n : t->node->in_n;
    for (const struct edge *e = graph_first(t, direction, NULL); e;
         e = graph_next(e, direction, NULL))
        n += graph_wants(wish, e) && graph_shows(call->core, call->who, e);
    return n;
}

static void write_node(struct json_writer *w, struct call *call, const struct graph_wish *wish,
                       const struct twin *t)
{
    static const char *const levels[] = {"unknown", "normal", "warning", "critical"};
    json_open(w, '{');
    put_text(w, "id", t->id);
    put_text(w, "name", t->name);
    put_text(w, "type", t->type);
    write_twin_types(w, t);
    put_text(w, "state", state_name(t->state));
    put_text(w, "level", levels[level_of(call, t) + 1]);
    json_key(w, "out");
    json_put_uint(w, count(call, wish, t, GRAPH_OUT));
    json_key(w, "in");
    json_put_uint(w, count(call, wish, t, GRAPH_IN));
    json_close(w, '}');
}

static void answer(struct call *call, struct json_writer *w, struct buf *b, const char *next,
                   bool truncated)
{
    json_close(w, ']');
    json_key(w, "next");
    json_put_cstr(w, next);
    json_key(w, "truncated");
    json_put_bool(w, truncated);
    json_close(w, '}');
    call_json(call, 200, b);
}

static void edges_begin(struct json_writer *w)
{
    json_close(w, ']');
    json_key(w, "edges");
    json_open(w, '[');
}

/* ---- all of them ---- */

static void read_all(struct call *call, const struct graph_ask *ask)
{
    const struct graph_wish *wish = &ask->wish;
    struct own_twins own;
    struct json_writer w;
    struct buf b = {0};
    const struct twin **page = arena_alloc(call->arena, ask->limit * sizeof *page);
    const struct twin *t = NULL;
    size_t n = 0, edges = 0;
    if (!page) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    call_rows_begin(&w, &b, "nodes");
    own_twins_begin(call, ask->cursor, &own);
    while (n < ask->limit && edges < EDGES_MAX && (t = own_twins_next(call, &own))) {
        if (ask->linked && !t->node)
            continue;
        write_node(&w, call, wish, page[n++] = t);
        edges += t->node ? t->node->out_n : 0;
    }
    bool more = t && own_twins_next(call, &own);
    edges_begin(&w);
    for (size_t i = 0; i < n; i++)
        for (const struct edge *e = graph_first(page[i], GRAPH_OUT, NULL); e;
             e = graph_next(e, GRAPH_OUT, NULL))
            if (graph_wants(wish, e) && graph_shows(call->core, call->who, e))
                edge_write(&w, e);
    answer(call, &w, &b, more && n ? page[n - 1]->id : NULL, false);
}

/* ---- from some of them ---- */

static void come_to(struct walk *walk, const struct twin *t, uint64_t depth)
{
    if (map_get(&walk->seen, slice_str(t->key)))
        return;
    if (walk->n == walk->limit) {
        walk->truncated = true;
        return;
    }
    struct stop *stop = &walk->stops[walk->n];
    *stop = (struct stop){t, depth};
    if (map_put(&walk->seen, slice_str(t->key), stop, NULL))
        walk->failed = true;
    else
        walk->n++;
}

static void go_on(struct walk *walk, const struct stop *from, enum graph_direction direction)
{
    struct call *call = walk->call;
    const struct edge *e = graph_first(from->twin, direction, NULL);
    for (; e && !walk->failed && !walk->truncated; e = graph_next(e, direction, NULL)) {
        const struct twin *to = direction == GRAPH_OUT ? e->target->twin : e->source->twin;
        if (to && graph_wants(&walk->wish, e) && graph_shows(call->core, call->who, e))
            come_to(walk, to, from->depth + 1);
    }
}

static bool read_roots(struct walk *walk)
{
    struct call *call = walk->call;
    struct slice rest = call_param(call, "root"), id;
    while (slice_cut(&rest, ',', &id)) {
        struct twin *t = NULL;
        int err = walk->n == GRAPH_ROOTS_MAX
                      ? ERR_INVALID
                      : core_find(call->core, call->who, id, OP_TWIN_READ, &t);
        if (err == ERR_INVALID)
            call_problemf(call, err, "root names at most %d twins.", GRAPH_ROOTS_MAX);
        else if (err == ERR_UNKNOWN_TWIN)
            call_problemf(call, err, "There is no twin \"%.*s\".", id.n > 128 ? 128 : (int)id.n,
                          id.p);
        else if (err)
            call_denied(call, err, OP_TWIN_READ, NULL);
        if (err)
            return false;
        come_to(walk, t, 0);
    }
    return true;
}

static void write_walk(struct walk *walk, struct json_writer *w)
{
    struct call *call = walk->call;
    for (size_t i = 0; i < walk->n; i++)
        write_node(w, call, &walk->wish, walk->stops[i].twin);
    edges_begin(w);
    for (size_t i = 0; i < walk->n; i++) {
        const struct stop *from = &walk->stops[i];
        const struct edge *e = graph_first(from->twin, GRAPH_OUT, NULL);
        for (; e; e = graph_next(e, GRAPH_OUT, NULL)) {
            bool shown = e->target->twin ? !!map_get(&walk->seen, slice_str(e->target->key))
                                         : walk->wish.out && from->depth < walk->depth;
            if (shown && graph_wants(&walk->wish, e) && graph_shows(call->core, call->who, e))
                edge_write(w, e);
        }
    }
}

static void read_from(struct walk *walk)
{
    struct call *call = walk->call;
    struct json_writer w;
    struct buf b = {0};
    walk->stops = arena_alloc(call->arena, walk->limit * sizeof *walk->stops);
    if (!walk->stops)
        walk->failed = true;
    else if (!read_roots(walk)) {
        map_release(&walk->seen);
        return;
    }
    for (size_t at = 0; at < walk->n && !walk->failed; at++) {
        const struct stop *from = &walk->stops[at];
        if (from->depth < walk->depth && walk->wish.out)
            go_on(walk, from, GRAPH_OUT);
        if (from->depth < walk->depth && walk->wish.in)
            go_on(walk, from, GRAPH_IN);
    }
    if (walk->failed) {
        call_problem(call, ERR_NOMEM, NULL);
    } else {
        call_rows_begin(&w, &b, "nodes");
        write_walk(walk, &w);
        answer(call, &w, &b, NULL, walk->truncated);
    }
    map_release(&walk->seen);
}

void graph_read(struct call *call)
{
    struct graph_ask ask = {.depth = DEPTH_DEFAULT, .limit = NODES_DEFAULT};
    int64_t at_us = 0;
    bool answered, past = call_asks_then(call, &at_us, &answered);
    if (answered)
        return;
    if (!graph_params(call, &ask.wish) || !call_uint(call, "depth", 0, DEPTH_MAX, &ask.depth) ||
        !call_uint(call, "limit", 1, NODES_MAX, &ask.limit) ||
        !call_bool(call, "linked", &ask.linked))
        return;
    ask.root = call_param(call, "root");
    ask.cursor = call_param(call, "cursor");
    if (ask.cursor.p && !slice_is_id(ask.cursor)) {
        call_problem(call, ERR_INVALID, "cursor is what an earlier answer gave as next.");
        return;
    }
    struct walk walk = {.call = call, .wish = ask.wish, .depth = ask.depth, .limit = ask.limit};
    if (past)
        graph_read_past(call, &ask, at_us);
    else if (ask.root.n)
        read_from(&walk);
    else
        read_all(call, &ask);
}
