/* graph_past.c - the graph, and the relationships of a twin, as they were (?at=).
 *
 * What has changed since is read from versions first (core/graph_past.h); then the answer is
 * written as of the graph that is.  There is no state of a twin in it: what its sensors said stands
 * in their history. */
#include "core/graph_past.h"

#include "api/graph.h"
#include "base/err.h"
#include "base/map.h"
#include "twin/relations.h"

#include <stdio.h>

struct stop {
    struct past_twin twin;
    uint64_t depth;
};

struct past {
    struct call *call;
    const struct graph_past *g;
    struct graph_ask ask;
    struct org *org;
    uint64_t from; /* of a list: the first that is shown */
    struct slice twin;
    struct stop *stops;
    size_t n;
    struct map seen; /* struct stop, by key */
    bool truncated, failed;
    struct json_writer w;
    /* the edge walk under way */
    const struct stop *at;
    uint64_t counted;
    enum graph_direction direction;
};

static bool may_see(const struct past *p, struct slice key, enum access_part part)
{
    const struct access_object o = {.org = p->org, .twin = key, .part = part},
                               any = {.org = p->org};
    const struct access *a = core_access(p->call->core);
    /* the policy of a twin that is gone went with it: it is for who may restore it */
    return access_may(a, p->call->who, OP_TWIN_READ, &o) &&
           (core_twin(p->call->core, key) || access_may(a, p->call->who, OP_TWIN_CREATE, &any));
}

static bool is_wanted(const struct past *p, const struct past_edge *e)
{
    bool wanted = p->ask.wish.all_kinds;
    for (size_t i = 0; i < p->ask.wish.names_n && !wanted; i++)
        wanted = slice_eq(p->ask.wish.names[i], e->kind);
    struct buf key = {0};
    struct past_twin to;
    if (wanted && graph_past_twin(p->g, past_target(p->g, e->target, &key), &to))
        wanted = may_see(p, to.key, PART_WHOLE);
    buf_release(&key);
    return wanted && may_see(p, e->source.key, PART_PROFILE);
}

/* ---- writing ---- */

static void write_edge(struct past *p, const struct past_edge *e)
{
    struct relation r = {.id = e->id, .kind = e->kind, .target = e->target};
    struct json_writer *w = &p->w;
    struct buf key = {0};
    struct past_twin to;
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, relation_id(p->call->arena, &r));
    json_key(w, "source");
    json_put_string(w, e->source.id);
    json_key(w, "kind");
    json_put_string(w, e->kind);
    json_key(w, "target");
    json_put_string(w, e->target);
    json_key(w, "properties");
    json_put_raw(w, e->properties.n ? e->properties : SLICE_LIT("{}"));
    json_key(w, "dangling");
    json_put_bool(w, !graph_past_twin(p->g, past_target(p->g, e->target, &key), &to));
    json_close(w, '}');
    buf_release(&key);
}

static bool count(void *arg, const struct past_edge *e)
{
    struct past *p = arg;
    p->counted += is_wanted(p, e);
    return true;
}

static uint64_t degree(struct past *p, const struct past_twin *t, enum graph_direction direction)
{
    p->counted = 0;
    graph_past_edges(p->g, t, direction, count, p);
    return p->counted;
}

static void write_node(struct past *p, const struct past_twin *t)
{
    struct json_writer *w = &p->w;
    struct slice rest = t->types, type;
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, t->id);
    json_key(w, "name");
    json_put_string(w, t->name);
    json_key(w, "type");
    json_put_string(w, t->type);
    json_key(w, "twinTypes");
    json_open(w, '[');
    while (twin_types_next(&rest, &type))
        json_put_string(w, type);
    json_close(w, ']');
    json_key(w, "state");
    json_put_null(w);
    json_key(w, "level");
    json_put_null(w);
    json_key(w, "out");
    json_put_uint(w, degree(p, t, GRAPH_OUT));
    json_key(w, "in");
    json_put_uint(w, degree(p, t, GRAPH_IN));
    json_close(w, '}');
}

/* Of a page of all its edges; of a walk those that lead to where it came. */
static bool write_out(void *arg, const struct past_edge *e)
{
    struct past *p = arg;
    struct buf key = {0};
    struct past_twin to;
    bool shown = is_wanted(p, e);
    struct slice target = past_target(p->g, e->target, &key);
    if (shown && p->ask.root.n)
        shown = graph_past_twin(p->g, target, &to) ? !!map_get(&p->seen, target)
                                                   : p->ask.wish.out && p->at->depth < p->ask.depth;
    if (shown)
        write_edge(p, e);
    buf_release(&key);
    return true;
}

static void answer_graph(struct past *p, struct buf *b, const struct slice *next)
{
    call_rows_begin(&p->w, b, "nodes");
    for (size_t i = 0; i < p->n; i++)
        write_node(p, &p->stops[i].twin);
    json_close(&p->w, ']');
    json_key(&p->w, "edges");
    json_open(&p->w, '[');
    for (size_t i = 0; i < p->n; i++) {
        p->at = &p->stops[i];
        graph_past_edges(p->g, &p->stops[i].twin, GRAPH_OUT, write_out, p);
    }
    json_close(&p->w, ']');
    json_key(&p->w, "next");
    if (next)
        json_put_string(&p->w, *next);
    else
        json_put_null(&p->w);
    json_key(&p->w, "truncated");
    json_put_bool(&p->w, p->truncated);
    json_close(&p->w, '}');
}

/* ---- all, and from some ---- */

static void come_to(struct past *p, const struct past_twin *t, uint64_t depth)
{
    if (map_get(&p->seen, t->key))
        return;
    if (p->n == p->ask.limit) {
        p->truncated = true;
        return;
    }
    struct stop *stop = &p->stops[p->n];
    *stop = (struct stop){*t, depth};
    if (map_put(&p->seen, stop->twin.key, stop, NULL))
        p->failed = true;
    else
        p->n++;
}

static bool go_on(void *arg, const struct past_edge *e)
{
    struct past *p = arg;
    struct buf key = {0};
    struct past_twin to = e->source;
    bool there =
        p->direction == GRAPH_IN || graph_past_twin(p->g, past_target(p->g, e->target, &key), &to);
    if (there && is_wanted(p, e))
        come_to(p, &to, p->at->depth + 1);
    buf_release(&key);
    return !p->failed && !p->truncated;
}

/* The first of the roots that is not there; p NULL: all are. */
static struct slice walk(struct past *p)
{
    struct slice rest = p->ask.root, id;
    for (size_t n = 0; n < GRAPH_ROOTS_MAX && slice_cut(&rest, ',', &id); n++) {
        struct buf key = {0};
        struct past_twin t;
        bool there =
            graph_past_twin(p->g, past_target(p->g, id, &key), &t) && may_see(p, t.key, PART_WHOLE);
        buf_release(&key);
        if (!there)
            return id.p ? id : SLICE_LIT("");
        come_to(p, &t, 0);
    }
    for (size_t i = 0; i < p->n && !p->failed; i++) {
        p->at = &p->stops[i];
        for (int d = GRAPH_OUT; d <= GRAPH_IN && p->at->depth < p->ask.depth; d++) {
            p->direction = (enum graph_direction)d;
            if (d == GRAPH_OUT ? p->ask.wish.out : p->ask.wish.in)
                graph_past_edges(p->g, &p->at->twin, p->direction, go_on, p);
        }
    }
    return slice_of(NULL, 0);
}

/* A page of all; is there more behind it? */
static bool list(struct past *p)
{
    struct buf scratch = {0};
    struct past_twin t;
    struct slice after = past_target(p->g, p->ask.cursor, &scratch);
    bool more;
    while ((more = graph_past_next(p->g, after, &t)) && p->n < p->ask.limit && !p->failed) {
        after = t.key;
        if (may_see(p, t.key, PART_WHOLE) &&
            (!p->ask.linked || degree(p, &t, GRAPH_OUT) || degree(p, &t, GRAPH_IN)))
            come_to(p, &t, 0);
    }
    buf_release(&scratch);
    return more;
}

static void on_graph(void *arg, int err, struct graph_past *g)
{
    struct past *p = arg;
    struct call *call = p->call;
    struct buf b = {0};
    if (!call_alive(call)) {
        graph_past_free(g);
        return;
    }
    p->g = g;
    p->stops = err ? NULL : arena_alloc(call->arena, p->ask.limit * sizeof *p->stops);
    if (!err && !p->stops)
        err = ERR_NOMEM;
    bool more = !err && !p->ask.root.n && list(p);
    struct slice missing = !err && p->ask.root.n ? walk(p) : slice_of(NULL, 0);
    if (!err && p->failed)
        err = ERR_NOMEM;
    if (!err && !missing.p)
        answer_graph(p, &b, more && p->n ? &p->stops[p->n - 1].twin.id : NULL);
    map_release(&p->seen);
    graph_past_free(g);
    if (err)
        call_problem(call, err, err == ERR_LIMIT ? "Too much has changed since then." : NULL);
    else if (missing.p)
        call_problemf(call, ERR_UNKNOWN_TWIN, "There was no twin \"%.*s\" at that time.",
                      missing.n > 128 ? 128 : (int)missing.n, missing.p);
    else
        call_json(call, 200, &b);
}

static struct past *past_new(struct call *call)
{
    const struct access_object nothing = {.org = call->who->org};
    if (!call->who->org) { /* nobody, or of nowhere */
        if (call_may(call, OP_TWIN_READ, &nothing))
            call_problem(call, ERR_UNKNOWN_TWIN, NULL);
        return NULL;
    }
    struct past *p = arena_zalloc(call->arena, sizeof *p);
    if (!p) {
        call_problem(call, ERR_NOMEM, NULL);
        return NULL;
    }
    p->call = call;
    p->org = call->who->org;
    return p;
}

void graph_read_past(struct call *call, const struct graph_ask *ask, int64_t at_us)
{
    struct past *p = past_new(call);
    if (!p)
        return;
    p->ask = *ask;
    call_wait(call, NULL);
    graph_past_read(call->core, p->org, at_us, on_graph, p);
}

/* ---- of a twin ---- */

static bool write_listed(void *arg, const struct past_edge *e)
{
    struct past *p = arg;
    bool loop = p->direction == GRAPH_IN && p->ask.wish.out && slice_eq(e->source.id, e->target);
    if (loop || !is_wanted(p, e))
        return true;
    if (p->counted >= p->from && p->counted - p->from < p->ask.limit)
        write_edge(p, e);
    p->counted++;
    return true;
}

static void on_relationships(void *arg, int err, struct graph_past *g)
{
    struct past *p = arg;
    struct call *call = p->call;
    struct buf b = {0}, key = {0};
    struct past_twin t;
    char next[32];
    if (!call_alive(call)) {
        graph_past_free(g);
        return;
    }
    p->g = g;
    if (!err &&
        (!graph_past_twin(g, past_target(g, p->twin, &key), &t) || !may_see(p, t.key, PART_WHOLE)))
        err = ERR_UNKNOWN_TWIN;
    if (!err) {
        call_rows_begin(&p->w, &b, "items");
        for (int d = GRAPH_OUT; d <= GRAPH_IN; d++) {
            p->direction = (enum graph_direction)d;
            if (d == GRAPH_OUT ? p->ask.wish.out : p->ask.wish.in)
                graph_past_edges(g, &t, p->direction, write_listed, p);
        }
        json_close(&p->w, ']');
        bool more = p->counted > p->from && p->counted - p->from > p->ask.limit;
        snprintf(next, sizeof next, "%llu", (unsigned long long)(p->from + p->ask.limit));
        json_key(&p->w, "next");
        json_put_cstr(&p->w, more ? next : NULL);
        json_key(&p->w, "total");
        json_put_uint(&p->w, p->counted);
        json_close(&p->w, '}');
    }
    buf_release(&key);
    graph_past_free(g);
    if (err)
        call_problem(call, err, err == ERR_LIMIT ? "Too much has changed since then." : NULL);
    else
        call_json(call, 200, &b);
}

void relationships_past(struct call *call, const struct graph_wish *wish, uint64_t limit,
                        uint64_t from, int64_t at_us)
{
    struct past *p = past_new(call);
    if (!p)
        return;
    p->ask.wish = *wish;
    p->ask.limit = limit;
    p->from = from;
    p->twin = call->parts[0];
    call_wait(call, NULL);
    graph_past_read(call->core, p->org, at_us, on_relationships, p);
}
