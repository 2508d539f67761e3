/* graph.c - relationships in memory.
 *
 * A twin's outgoing edges are one block of memory: the edges, then the texts of those that have an
 * id or properties of their own.  So a change of its profile is a new block, and what most edges
 * cost is the edge alone.  An edge hangs in the list of those that point to its target, by a link
 * that takes it out again without a walk: a hub may have a hundred thousand of them.
 *
 * A node lives as long as an edge touches it, whether its twin is there or not.  Kinds are few, and
 * stay: their names are compared by pointer. */
#include "core/graph.h"
#include "access/state.h"
#include "base/err.h"
#include "core/graph_keep.h"
#include "core/internal.h"
#include "twin/relations.h"

#include <stdlib.h>

/* ---- nodes and kinds ---- */

static struct node *node_get(struct core *c, struct slice prefix, struct slice id)
{
    char *key = malloc(prefix.n + id.n + 1);
    if (!key)
        return NULL;
    if (prefix.n)
        memcpy(key, prefix.p, prefix.n);
    memcpy(key + prefix.n, id.p, id.n);
    key[prefix.n + id.n] = 0;
    struct slice name = slice_of(key, prefix.n + id.n);
    struct node *node = map_get(&c->graph.nodes, name);
    if (node) {
        free(key);
        return node;
    }
    node = calloc(1, sizeof *node);
    if (!node || map_put(&c->graph.nodes, name, node, NULL)) {
        free(node);
        free(key);
        return NULL;
    }
    node->key = key;
    node->id = key + prefix.n;
    node->twin = core_twin(c, name);
    if (node->twin)
        node->twin->node = node;
    return node;
}

static void node_free(struct node *node)
{
    free(node->out);
    free((void *)(uintptr_t)node->key);
    free(node);
}

static void node_let_go(struct core *c, struct node *node)
{
    if (node->out_n || node->in_n)
        return;
    map_remove(&c->graph.nodes, slice_str(node->key));
    if (node->twin)
        node->twin->node = NULL;
    node_free(node);
}

static struct edge_kind *kind_get(struct core *c, struct slice name)
{
    struct edge_kind *kind = map_get(&c->graph.kinds, name);
    if (kind)
        return kind;
    char *copy = strndup(name.p, name.n);
    kind = copy ? calloc(1, sizeof *kind) : NULL;
    if (!kind || map_put(&c->graph.kinds, slice_of(copy, name.n), kind, NULL)) {
        free(kind);
        free(copy);
        return NULL;
    }
    kind->name = copy;
    return kind;
}

/* ---- edges ---- */

static struct edge_kind *kind_of(const struct edge *e)
{
    return (struct edge_kind *)(uintptr_t)e->kind;
}

static void link_edge(struct edge *e)
{
    struct node *to = e->target;
    e->in_next = to->in;
    e->in_link = &to->in;
    if (to->in)
        to->in->in_link = &e->in_next;
    to->in = e;
    to->in_n++;
    kind_of(e)->edges++;
}

static void unlink_edge(struct edge *e)
{
    *e->in_link = e->in_next;
    if (e->in_next)
        e->in_next->in_link = e->in_link;
    e->target->in_n--;
    kind_of(e)->edges--;
}

static void drop_out(struct core *c, struct node *node)
{
    struct edge *out = node->out;
    uint32_t n = node->out_n;
    node->out = NULL;
    node->out_n = 0;
    c->graph.edges -= n;
    for (uint32_t i = 0; i < n; i++) {
        unlink_edge(&out[i]);
        if (out[i].target != node)
            node_let_go(c, out[i].target);
    }
    free(out);
}

static char *put_text(char *at, struct slice s)
{
    memcpy(at, s.p, s.n);
    at[s.n] = 0;
    return at + s.n + 1;
}

/* As the block of a node; targets and kinds are there then, nothing hangs anywhere. */
static int make_out(struct core *c, struct slice prefix, struct slice packed, struct edge **ret,
                    uint32_t *ret_n)
{
    struct relation r;
    size_t n = 0, texts = 0;
    for (struct slice rest = packed; relations_next(&rest, &r); n++)
        texts += (r.id.n ? r.id.n + 1 : 0) + (r.properties.n ? r.properties.n + 1 : 0);
    struct edge *out = malloc(n * sizeof *out + texts);
    char *text = out ? (char *)(out + n) : NULL;
    if (!out)
        return ERR_NOMEM;
    for (size_t i = 0; i < n && relations_next(&packed, &r); i++) {
        out[i] =
            (struct edge){.target = node_get(c, prefix, r.target), .kind = kind_get(c, r.kind)};
        if (!out[i].target || !out[i].kind) {
            for (size_t j = 0; j <= i; j++)
                if (out[j].target)
                    out[j].target->in_n++; /* twice the same is let go of once */
            for (size_t j = 0; j <= i; j++)
                if (out[j].target && !--out[j].target->in_n)
                    node_let_go(c, out[j].target);
            free(out);
            return ERR_NOMEM;
        }
        if (r.id.n) {
            out[i].name = text;
            text = put_text(text, r.id);
        }
        if (r.properties.n) {
            out[i].properties = text;
            text = put_text(text, r.properties);
        }
    }
    *ret = out;
    *ret_n = (uint32_t)n;
    return 0;
}

int graph_put(struct core *c, struct twin *t, struct slice packed)
{
    struct slice prefix = slice_of(t->key, (size_t)(t->id - t->key));
    struct edge *out;
    uint32_t n;
    if (!packed.n) {
        if (t->node && t->node->out_n) {
            drop_out(c, t->node);
            node_let_go(c, t->node);
        }
        return 0;
    }
    struct node *node = node_get(c, prefix, slice_str(t->id));
    if (!node)
        return ERR_NOMEM;
    node->in_n++; /* it stays, whatever becomes of the edges */
    int err = make_out(c, prefix, packed, &out, &n);
    node->in_n--;
    if (err) {
        node_let_go(c, node);
        return err;
    }
    for (uint32_t i = 0; i < n; i++) /* first the new ones, so that their targets stay */
        link_edge(&out[i]);
    if (node->out_n)
        drop_out(c, node);
    for (uint32_t i = 0; i < n; i++)
        out[i].source = node;
    node->out = out;
    node->out_n = n;
    c->graph.edges += n;
    return 0;
}

void graph_made(struct core *c, struct twin *t)
{
    t->node = map_get(&c->graph.nodes, slice_str(t->key));
    if (t->node)
        t->node->twin = t;
}

void graph_gone(struct core *c, struct twin *t)
{
    struct node *node = t->node;
    if (!node)
        return;
    drop_out(c, node);
    node->twin = NULL;
    t->node = NULL;
    node_let_go(c, node);
}

void graph_release(struct core *c)
{
    size_t at = 0;
    struct node *node;
    struct edge_kind *kind;
    while ((node = map_next(&c->graph.nodes, &at)))
        node_free(node);
    at = 0;
    while ((kind = map_next(&c->graph.kinds, &at))) {
        free((void *)(uintptr_t)kind->name);
        free(kind);
    }
    map_release(&c->graph.nodes);
    map_release(&c->graph.kinds);
}

/* ---- walking ---- */

static const struct edge *next_out(const struct edge *e, const struct edge *end,
                                   const struct edge_kind *kind)
{
    while (e < end && kind && e->kind != kind)
        e++;
    return e < end ? e : NULL;
}

static const struct edge *next_in(const struct edge *e, const struct edge_kind *kind)
{
    while (e && kind && e->kind != kind)
        e = e->in_next;
    return e;
}

const struct edge *graph_first(const struct twin *t, enum graph_direction direction,
                               const struct edge_kind *kind)
{
    const struct node *node = t->node;
    if (!node)
        return NULL;
    return direction == GRAPH_OUT ? next_out(node->out, node->out + node->out_n, kind)
                                  : next_in(node->in, kind);
}

const struct edge *graph_next(const struct edge *e, enum graph_direction direction,
                              const struct edge_kind *kind)
{
    const struct node *from = e->source;
    return direction == GRAPH_OUT ? next_out(e + 1, from->out + from->out_n, kind)
                                  : next_in(e->in_next, kind);
}

const struct edge_kind *graph_kind(const struct core *c, struct slice name)
{
    return map_get(&c->graph.kinds, name);
}

const struct edge_kind *graph_kinds_next(const struct core *c, size_t *at)
{
    return map_next(&c->graph.kinds, at);
}

size_t graph_edges(const struct core *c)
{
    return c->graph.edges;
}

void edge_put_id(struct buf *out, const struct edge *e)
{
    buf_add_str(out, e->name ? e->name : e->kind->name);
    if (e->name)
        return;
    buf_add_byte(out, ':');
    buf_add_str(out, e->target->id);
}

static bool is_called(const struct edge *e, struct slice id)
{
    size_t n = e->name ? 0 : strlen(e->kind->name);
    if (e->name)
        return slice_is(id, e->name);
    return id.n > n && id.p[n] == ':' && memcmp(id.p, e->kind->name, n) == 0 &&
           slice_is(slice_skip(id, n + 1), e->target->id);
}

const struct edge *graph_edge(const struct twin *t, struct slice id)
{
    const struct edge *e = graph_first(t, GRAPH_OUT, NULL);
    while (e && !is_called(e, id))
        e = graph_next(e, GRAPH_OUT, NULL);
    return e;
}

/* ---- who may see it ---- */

static bool may_see(const struct core *c, const struct principal *who, const struct twin *t,
                    enum access_part part)
{
    const struct access_object o = {.org = t->org, .twin = slice_str(t->key), .part = part};
    return access_may(c->access, who, OP_TWIN_READ, &o);
}

bool graph_shows(const struct core *c, const struct principal *who, const struct edge *e)
{
    const struct twin *from = e->source->twin, *to = e->target->twin;
    return may_see(c, who, from, PART_PROFILE) && (!to || may_see(c, who, to, PART_WHOLE));
}

void graph_hide(struct core *c, const struct principal *who, const struct twin *t,
                struct jval *root)
{
    struct jval *list = jval_get(root, "doppel:relationships");
    if (!list || list->type != J_ARRAY || access_is_plain(c->access, who, t->org))
        return;
    struct slice prefix = slice_of(t->key, (size_t)(t->id - t->key));
    for (struct jval *v = list->first, *next; v; v = next) {
        struct slice target = jval_string(jval_get(v, "target"));
        struct buf key = {0};
        next = v->next;
        buf_add_slice(&key, prefix);
        buf_add_slice(&key, target);
        const struct twin *to = core_twin(c, buf_slice(&key));
        if (key.failed || (to && !may_see(c, who, to, PART_WHOLE)))
            jval_take_out(v);
        buf_release(&key);
    }
}
