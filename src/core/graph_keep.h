/* graph_keep.h - how the graph follows the twins; for the files of this room that make and remove
 * them.  Loop's thread. */
#ifndef CORE_GRAPH_KEEP_H
#define CORE_GRAPH_KEEP_H

#include "core/graph.h"

/* The twin's edges are these (twin/relations.h) and no others.  ERR_NOMEM: they are as they were.
 */
int graph_put(struct core *c, struct twin *t, struct slice packed);
void graph_made(struct core *c, struct twin *t); /* what pointed to its name points to it */
void graph_gone(struct core *c,
                struct twin *t); /* before it is freed: what pointed to it dangles */
void graph_release(struct core *c);

/* Take out of a profile the relationships to twins that they may not see. */
void graph_hide(struct core *c, const struct principal *who, const struct twin *t,
                struct jval *root);

#endif
