/* line_in.h - readings that come as line protocol.
 *
 * What a key (measurement and tags, as written) and a field mean is found once: the numbers of
 * their series are kept by the bytes of the key, so that a point that was seen before builds no
 * name.
 *
 * A point whose twin or sensor is not there, of a source that may have them made
 * (core/provision.h), holds up what stands behind it in the body, so that the order of readings
 * stays: the rest is looked through for more of the kind, all are made at once, and it goes on from
 * there.
 *
 * The loop's thread.  Does not block. */
#ifndef CORE_LINE_IN_H
#define CORE_LINE_IN_H

#include "core/line_map.h"
#include "core/provision.h"

struct line_in; /* opaque: one for a core */

int line_in_new(struct core *c, struct line_map *take_map, struct line_in **ret);
void line_in_free(struct line_in *l); /* when no body is under way */
const struct line_map *line_in_map(const struct line_in *l);

struct line_body {
    struct ingest_source source;
    struct slice database, text;   /* live until done */
    int64_t unit;                  /* of line_precision() */
    struct provision_grant *grant; /* NULL: nothing is made */
};

struct line_result {
    size_t accepted;        /* readings */
    size_t points, dropped; /* that are wrong; that lost readings, those included */
    int err;         /* 0, or of the first refusal; but one after which it is worth sending again */
    bool unreadable; /* all refusals are of lines that are none */
    size_t line;     /* of the first refusal; 0: of the body as a whole */
    const char *detail; /* of the first refusals, a line each; lives until done returns */
};

typedef void line_done_fn(void *arg, const struct line_result *r);

/* done comes when the good readings are on stable storage and applied, or refused; maybe before
 * this returns.  False, and no done: out of memory. */
bool line_in_take(struct line_in *l, const struct line_body *body, line_done_fn *done, void *arg);

#endif
