/* graph.h - what the handlers of relationships and of the graph share. */
#ifndef API_GRAPH_H
#define API_GRAPH_H

#include "api/internal.h"
#include "core/graph.h"

enum { GRAPH_KINDS_MAX = 32 };

/* Which edges are asked for. */
struct graph_wish {
    bool out, in, all_kinds;
    const struct edge_kind *kinds[GRAPH_KINDS_MAX];
    size_t kinds_n;
};
bool graph_params(struct call *call, struct graph_wish *ret); /* false: answered */
bool graph_wants(const struct graph_wish *wish, const struct edge *e);
void edge_write(struct json_writer *w, const struct edge *e);

route_fn graph_read;

/* types.c: a type with all that it extends, when that is asked for; then it is answered. */
bool type_show_resolved(struct call *call);

#endif
