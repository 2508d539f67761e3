/* graph.h - relationships between twins, in memory: what profiles say under doppel:relationships,
 * as edges that can be walked in both directions.
 *
 * Owner: the loop's thread.  Blocks: never.  What is pointed to lives until the loop turns: a
 * change of a twin makes its outgoing edges anew.
 *
 * A node is a twin that an edge touches, or the name of one that an edge points to and that is not
 * there (twin is NULL: the edge dangles).  Edges stay within an organisation.  There may be loops,
 * so who walks marks where they have been.  Nothing here asks who may see what, but graph_shows().
 *
 *     for (const struct edge *e = graph_first(t, GRAPH_OUT, kind); e; e = graph_next(e, ...))
 */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H

#include "core/core.h"

struct edge_kind {
    const char *name; /* "feeds" */
    size_t edges;     /* that are of it */
};

struct node {
    struct twin *twin; /* NULL: there is none of this name */
    const char *key;   /* as twin->key */
    const char *id;    /* within the organisation; points into the key */
    struct edge *out;  /* out_n of them, in the order of the profile */
    struct edge *in;   /* the first of in_n that point here, in no order; then in_next */
    uint32_t out_n, in_n;
};

struct edge {
    struct node *source, *target;
    const struct edge_kind *kind;
    const char *name;       /* its id, when it is not kind:target; else NULL */
    const char *properties; /* JSON, an object; NULL: none */
    struct edge *in_next, **in_link;
};

enum graph_direction { GRAPH_OUT, GRAPH_IN };

/* The first edge of a twin and the one after it; kind NULL: of whatever kind. */
const struct edge *graph_first(const struct twin *t, enum graph_direction direction,
                               const struct edge_kind *kind);
const struct edge *graph_next(const struct edge *e, enum graph_direction direction,
                              const struct edge_kind *kind);

/* NULL: no edge is, or was, of that kind.  The same name is the same pointer, until core_close().
 */
const struct edge_kind *graph_kind(const struct core *c, struct slice name);
const struct edge_kind *graph_kinds_next(const struct core *c, size_t *at); /* from 0; NULL: end */
size_t graph_edges(const struct core *c);                                   /* how many there are */

/* The outgoing edge of that id; NULL: none. */
const struct edge *graph_edge(const struct twin *t, struct slice id);
/* Its id: what the profile says, else kind:target. */
void edge_put_id(struct buf *out, const struct edge *e);

/* May they see it: are both twins theirs to see?  One that dangles is seen with its source. */
bool graph_shows(const struct core *c, const struct principal *who, const struct edge *e);

#endif
