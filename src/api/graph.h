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
    struct slice names[GRAPH_KINDS_MAX]; /* of the kinds, also of those that are none now */
    size_t names_n;
};
bool graph_params(struct call *call, struct graph_wish *ret); /* false: answered */
bool graph_wants(const struct graph_wish *wish, const struct edge *e);
void edge_write(struct json_writer *w, const struct edge *e);

/* What graph_read() was asked for. */
struct graph_ask {
    struct graph_wish wish;
    uint64_t depth, limit;
    struct slice root, cursor;
    bool linked;
};
enum { GRAPH_ROOTS_MAX = 100 };

route_fn graph_read;
/* graph_past.c: the same as it was at a time; and the relationships of a twin. */
void graph_read_past(struct call *call, const struct graph_ask *ask, int64_t at_us);
void relationships_past(struct call *call, const struct graph_wish *wish, uint64_t limit,
                        uint64_t from, int64_t at_us);

/* types.c: a type with all that it extends, when that is asked for; then it is answered. */
bool type_show_resolved(struct call *call);

#endif
