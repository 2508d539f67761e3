/* graphql_run.h - carries out a valid operation (section 6 of the standard).
 *
 * Whoever runs it gives one function that answers fields.  It is called for one field of one object
 * after another, level by level, so that a whole level's questions are known before the first of
 * the next is asked; it answers at once, or later, exactly once, by one of the gql_put functions
 * or gql_fail.  What is answered too late, or is not wanted any more because something beside it
 * failed, is let go of.
 *
 * Owner: one thread.  Blocks: never; gql_run_turn() does so much and no more.  Memory: the arena's,
 * which lives as long as the run and whatever still has a cell of it. */
#ifndef CODEC_GRAPHQL_RUN_H
#define CODEC_GRAPHQL_RUN_H

#include "codec/graphql.h"

struct gql_run;  /* opaque */
struct gql_cell; /* opaque: a place in the answer */

/* source: of the object whose field it is; args: an object. */
typedef void gql_resolve_fn(void *arg, struct gql_cell *cell, void *source,
                            const struct jval *args);

struct gql_run_opts {
    struct arena *arena;
    const struct gql_schema *schema;
    const struct gql_document *doc;
    const struct gql_node *operation;
    const struct jval *variables; /* of gql_variables() */
    gql_resolve_fn *resolve;
    /* Something was answered outside of gql_run_turn(): call it again, not out of this. */
    void (*wake)(void *arg);
    void *arg;
    void *root;       /* source of the operation's fields */
    size_t max_cells; /* of the answer; 0: no limit */
};

/* NULL: out of memory.  Nothing is done yet. */
struct gql_run *gql_run_new(const struct gql_run_opts *opts);

/* MORE: call again, in another turn of the loop; WAIT: until wake(). */
enum gql_progress { GQL_RUN_MORE, GQL_RUN_WAIT, GQL_RUN_DONE };
enum gql_progress gql_run_turn(struct gql_run *run, size_t cells);
void gql_run_stop(struct gql_run *run); /* nothing more is asked, nothing answered is kept */

/* {"errors":[...],"data":...} */
void gql_run_write(const struct gql_run *run, struct json_writer *w);
bool gql_run_failed(const struct gql_run *run);   /* there are errors */
bool gql_run_has_data(const struct gql_run *run); /* data is not null */

/* ---- for whoever answers ---- */

const struct gql_field *gql_cell_field(const struct gql_cell *cell);
const struct gql_node *gql_cell_node(const struct gql_cell *cell); /* the first of its selections */
const struct gql_type *gql_cell_type(const struct gql_cell *cell); /* non-null taken off */
struct arena *gql_cell_arena(const struct gql_cell *cell);
bool gql_cell_wanted(const struct gql_cell *cell);
/* Is a field of that name asked of the object that will stand here? */
bool gql_cell_selects(const struct gql_cell *cell, const char *field);

void gql_put_null(struct gql_cell *cell);
void gql_put_bool(struct gql_cell *cell, bool v);
void gql_put_int(struct gql_cell *cell, int64_t v);
void gql_put_double(struct gql_cell *cell, double v);        /* not finite: null */
void gql_put_text(struct gql_cell *cell, struct slice v);    /* also enums and ids; p NULL: null.
                                                                Copied */
void gql_put_static(struct gql_cell *cell, const char *v);   /* the same, and not copied */
void gql_put_json(struct gql_cell *cell, struct slice json); /* of a scalar of ours; copied */
/* An object.  type: which, where the field's is an interface or union; else NULL. */
void gql_put_object(struct gql_cell *cell, void *source, const char *type);
/* A list: n places, each to be answered likewise; NULL: let it be. */
struct gql_cell *gql_put_list(struct gql_cell *cell, size_t n);
struct gql_cell *gql_list_at(struct gql_cell *list, size_t i); /* of what gql_put_list() gave */
/* An error here: what stands here becomes null, or what is around it where that may not be.
 * code: "not-found"; extra: the whole of its extensions as JSON instead, or NULL. */
void gql_fail(struct gql_cell *cell, const char *code, const char *extra, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
