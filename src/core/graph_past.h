/* graph_past.h - the graph as it was at a time.
 *
 * Twins that have not changed since are as they are in memory; what has changed is read from its
 * versions, on a thread of readers: a pass over the list of versions, and the texts of those alone.
 *
 * Owner: the loop's thread.  What is pointed to lives as long as the past graph and until the loop
 * turns. */
#ifndef CORE_GRAPH_PAST_H
#define CORE_GRAPH_PAST_H

#include "core/graph.h"

struct graph_past; /* opaque */

/* g is the caller's, to be given back with graph_past_free(); NULL: err says why. */
typedef void graph_past_fn(void *arg, int err, struct graph_past *g);
void graph_past_read(struct core *c, struct org *org, int64_t at_us, graph_past_fn *fn, void *arg);
void graph_past_free(struct graph_past *g);

struct past_twin {
    struct slice key, id, name, type;
    struct slice types;      /* as in a profile's view */
    struct slice relations;  /* of one that is another now; p NULL: see twin */
    const struct twin *twin; /* of one that has not changed since */
};
bool graph_past_twin(const struct graph_past *g, struct slice key, struct past_twin *ret);
/* Those whose keys come behind, in order; false: there are no more. */
bool graph_past_next(const struct graph_past *g, struct slice after, struct past_twin *ret);

struct past_edge {
    struct past_twin source;
    struct slice kind, id, target; /* id empty: kind:target; target: an id */
    struct slice properties;       /* empty: none */
};
/* Every edge out of a twin, or into it; other than true ends it. */
typedef bool past_edge_fn(void *arg, const struct past_edge *e);
void graph_past_edges(const struct graph_past *g, const struct past_twin *t,
                      enum graph_direction direction, past_edge_fn *fn, void *arg);
/* The key of an edge's target. */
struct slice past_target(const struct graph_past *g, struct slice id, struct buf *scratch);

#endif
