/* graphql_execute.c - the answer as it grows: a tree of cells, the places of the answer.
 *
 * A cell is one of: not answered yet, a leaf, a list or an object.  An object that was answered
 * waits in a queue until the turn comes to it; then its fields become cells, and each is asked for.
 * `pending` counts cells that are not answered and objects that wait; at none it is done.
 *
 * What is selected from an object depends on its type alone, so it is worked out once for all
 * objects that stand at one place of the document (struct set): fields by response key, with their
 * arguments.
 *
 * A null where none may be makes what is around it null, up to where one may be (section 6.4.4 of
 * the standard): that cell is `dead`, and what is answered below is not looked at any more. */
#include "base/err.h"
#include "codec/graphql_internal.h"
#include "codec/graphql_introspect.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { FAILURES_MAX = 1000 };

enum cell_kind { OPEN, NUL, BOOLEAN, INTEGER, DOUBLE, TEXT, JSON, LIST, OBJECT };

/* A field of a selection. */
struct group {
    struct slice key;
    const struct gql_node **nodes; /* all that were merged */
    size_t nodes_n, nodes_cap;
    const struct gql_field *field;
    struct jval *args; /* NULL: wrong_why says why there are none */
    const char *wrong_why;
    const struct gql_node *wrong_at;
    struct set *sets; /* of what its objects are asked, by type */
};

struct set {
    const struct gql_type *type;
    struct group *groups;
    size_t n, cap;
    struct set *next;
};

struct gql_cell {
    struct gql_run *run;
    struct gql_cell *parent;
    struct group *group;
    const struct gql_type *type; /* what must stand here */
    uint32_t index;              /* in a list; UINT32_MAX: it is a field */
    uint8_t kind;
    bool dead;
    union {
        bool b;
        int64_t i;
        double d;
        struct slice text;
        struct {
            struct gql_cell *kids;
            struct set *set; /* of an object */
            void *source;
        } in;
    } as;
    size_t kids_n;
    struct gql_cell *queue_next;
};

struct failure {
    const char *message, *code, *extra;
    struct gql_place *places;
    size_t places_n;
    const struct gql_cell *cell;
    struct failure *next;
};

struct gql_run {
    struct gql_run_opts o;
    struct gql_cell root;
    struct group root_group;
    const struct gql_node *root_nodes[1];
    struct gql_cell *queue, **queue_last;
    struct failure *failures, **failures_last;
    size_t failures_n, pending, cells, serial; /* serial: the next of a mutation's fields */
    bool in_turn, stopped, started;
};

static void *alloc(struct gql_run *run, size_t n)
{
    void *p = arena_zalloc(run->o.arena, n);
    run->stopped |= !p;
    return p;
}

/* ---- what is selected ---- */

static struct group *group_of(struct gql_run *run, struct set *set, struct slice key)
{
    for (size_t i = 0; i < set->n; i++)
        if (slice_eq(set->groups[i].key, key))
            return &set->groups[i];
    if (set->n == set->cap) {
        size_t cap = set->cap ? set->cap * 2 : 8;
        struct group *more = alloc(run, cap * sizeof *more);
        if (!more)
            return NULL;
        if (set->n)
            memcpy(more, set->groups, set->n * sizeof *more);
        set->groups = more;
        set->cap = cap;
    }
    struct group *g = &set->groups[set->n++];
    g->key = key;
    return g;
}

static void add_node(struct gql_run *run, struct group *g, const struct gql_node *n)
{
    if (g->nodes_n == g->nodes_cap) {
        size_t cap = g->nodes_cap ? g->nodes_cap * 2 : 1;
        const struct gql_node **more = alloc(run, cap * sizeof *more);
        if (!more)
            return;
        if (g->nodes_n)
            memcpy(more, g->nodes, g->nodes_n * sizeof *more);
        g->nodes = more;
        g->nodes_cap = cap;
    }
    g->nodes[g->nodes_n++] = n;
}

static const struct gql_node *fragment(const struct gql_run *run, struct slice name)
{
    const struct gql_node *found = NULL;
    for (const struct gql_node *n = run->o.doc->first; n; n = n->next)
        if (n->kind == GQL_FRAGMENT && slice_eq(n->name, name))
            found = n;
    return found;
}

struct seen { /* a fragment that was spread into a set already */
    const struct gql_node *fragment;
    struct seen *next;
};

static bool is_first(struct gql_run *run, struct seen **seen, const struct gql_node *f)
{
    for (const struct seen *s = *seen; s; s = s->next)
        if (s->fragment == f)
            return false;
    struct seen *s = alloc(run, sizeof *s);
    if (s) {
        *s = (struct seen){f, *seen};
        *seen = s;
    }
    return s;
}

static void collect(struct gql_run *run, struct set *set, struct seen **seen,
                    const struct gql_node *node)
{
    for (const struct gql_node *n = node->kids; n && !run->stopped; n = n->next) {
        if (!gql_is_included(n, run->o.variables))
            continue;
        if (n->kind == GQL_FIELD) {
            struct group *g = group_of(run, set, gql_response_key(n));
            if (g)
                add_node(run, g, n);
            continue;
        }
        const struct gql_node *f = n->kind == GQL_SPREAD ? fragment(run, n->name) : n;
        if (!f || (f != n && !is_first(run, seen, f)))
            continue;
        const struct gql_type *on = f->type ? gql_type(run->o.schema, f->type->name) : set->type;
        if (on && gql_is_possible(on, set->type))
            collect(run, set, seen, f);
    }
}

static void complete_groups(struct gql_run *run, struct set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->n && !run->stopped; i++) {
        struct group *g = &set->groups[i];
        g->field = gql_field_of(run->o.schema, set->type, g->nodes[0]->name);
        if (!g->field)
            continue; /* no valid document has one */
        int err = gql_arguments(run->o.arena, g->field->args, g->field->args_n, g->nodes[0],
                                run->o.variables, &g->args, &g->wrong_why, &g->wrong_at);
        run->stopped |= err == ERR_NOMEM;
        set->groups[kept++] = *g;
    }
    set->n = kept;
}

static struct set *set_of(struct gql_run *run, struct group *g, const struct gql_type *type)
{
    for (struct set *s = g->sets; s; s = s->next)
        if (s->type == type)
            return s;
    struct set *s = alloc(run, sizeof *s);
    struct seen *seen = NULL;
    if (!s)
        return NULL;
    s->type = type;
    for (size_t i = 0; i < g->nodes_n; i++)
        collect(run, s, &seen, g->nodes[i]);
    complete_groups(run, s);
    s->next = g->sets;
    g->sets = s;
    return s;
}

/* ---- failures ---- */

static const struct gql_node *node_of(const struct gql_cell *cell)
{
    return cell->group->nodes[0];
}

static void fail_at(struct gql_cell *cell, const struct gql_node *const *at, size_t n,
                    const char *code, const char *extra, const char *message)
{
    struct gql_run *run = cell->run;
    struct failure *f = run->failures_n < FAILURES_MAX ? alloc(run, sizeof *f) : NULL;
    if (!f)
        return;
    if (n > GQL_PLACES_MAX)
        n = GQL_PLACES_MAX;
    *f = (struct failure){.code = code, .cell = cell, .places_n = n};
    f->message = message ? arena_strndup(run->o.arena, message, strlen(message)) : "";
    f->extra = extra ? arena_strndup(run->o.arena, extra, strlen(extra)) : NULL;
    f->places = alloc(run, (n ? n : 1) * sizeof *f->places);
    for (size_t i = 0; i < n && f->places; i++)
        f->places[i] = gql_place(run->o.doc->text, at[i]->at);
    *run->failures_last = f;
    run->failures_last = &f->next;
    run->failures_n++;
}

/* What is null may not be: what is around it is, up to where it may. */
static void become_null(struct gql_cell *cell)
{
    cell->kind = NUL;
    while (cell->type && cell->type->kind == GQL_T_NON_NULL && cell->parent) {
        cell = cell->parent;
        cell->kind = NUL;
        cell->dead = true;
    }
    if (!cell->parent)
        cell->kind = NUL;
}

static bool is_dead(const struct gql_cell *cell)
{
    for (; cell; cell = cell->parent)
        if (cell->dead)
            return true;
    return false;
}

/* ---- answers ---- */

static void wake(struct gql_run *run)
{
    if (!run->in_turn && run->o.wake)
        run->o.wake(run->o.arg);
}

/* The cell was answered; false: nobody wants it. */
static bool settle(struct gql_cell *cell)
{
    struct gql_run *run = cell->run;
    run->pending--;
    if (!run->stopped && !is_dead(cell))
        return true;
    cell->kind = NUL;
    return false;
}

void gql_fail(struct gql_cell *cell, const char *code, const char *extra, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    buf_add_byte(&text, 0);
    if (settle(cell)) {
        fail_at(cell, cell->group->nodes, cell->group->nodes_n, code, extra,
                text.failed ? "out of memory" : text.p);
        become_null(cell);
    }
    buf_release(&text);
    wake(cell->run);
}

static void put_nothing(struct gql_cell *cell)
{
    if (cell->type && cell->type->kind == GQL_T_NON_NULL) {
        const struct gql_field *f = cell->group->field;
        char *text = arena_printf(
            cell->run->o.arena, "Cannot return null for non-nullable field %.*s.%.*s.",
            SLICE_ARG(f->parent ? f->parent->name : SLICE_LIT("Query")), SLICE_ARG(f->name));
        fail_at(cell, cell->group->nodes, cell->group->nodes_n, "null", NULL, text);
    }
    become_null(cell);
}

void gql_put_null(struct gql_cell *cell)
{
    if (settle(cell))
        put_nothing(cell);
    wake(cell->run);
}

static void misfit(struct gql_cell *cell, const char *what)
{
    struct buf text = {0};
    gql_put_type(&text, cell->type);
    gql_fail(cell, "internal", NULL, "%s is no value of type \"%.*s\".", what,
             SLICE_ARG(buf_slice(&text)));
    buf_release(&text);
}

static bool is_scalar(const struct gql_type *t, unsigned scalars)
{
    return t->kind == GQL_T_SCALAR && (scalars >> t->scalar & 1);
}

#define BIT(scalar) (1u << (scalar))

void gql_put_bool(struct gql_cell *cell, bool v)
{
    if (!is_scalar(gql_cell_type(cell), BIT(GQL_S_BOOLEAN) | BIT(GQL_S_OWN))) {
        misfit(cell, "A boolean");
        return;
    }
    if (settle(cell)) {
        cell->kind = BOOLEAN;
        cell->as.b = v;
    }
    wake(cell->run);
}

void gql_put_int(struct gql_cell *cell, int64_t v)
{
    const struct gql_type *t = gql_cell_type(cell);
    bool fits = is_scalar(t, BIT(GQL_S_FLOAT) | BIT(GQL_S_ID) | BIT(GQL_S_OWN)) ||
                (is_scalar(t, BIT(GQL_S_INT)) && v >= INT32_MIN && v <= INT32_MAX);
    if (!fits) {
        misfit(cell, "The number");
        return;
    }
    if (settle(cell)) {
        cell->kind = INTEGER;
        cell->as.i = v;
    }
    wake(cell->run);
}

void gql_put_double(struct gql_cell *cell, double v)
{
    const struct gql_type *t = gql_cell_type(cell);
    if (!isfinite(v)) {
        gql_put_null(cell);
        return;
    }
    if (is_scalar(t, BIT(GQL_S_INT)) && floor(v) == v && fabs(v) < 1e10) {
        gql_put_int(cell, (int64_t)v);
        return;
    }
    if (!is_scalar(t, BIT(GQL_S_FLOAT) | BIT(GQL_S_OWN))) {
        misfit(cell, "The number");
        return;
    }
    if (settle(cell)) {
        cell->kind = DOUBLE;
        cell->as.d = v;
    }
    wake(cell->run);
}

static void put_text(struct gql_cell *cell, struct slice v, bool copy)
{
    const struct gql_type *t = gql_cell_type(cell);
    bool fits = is_scalar(t, BIT(GQL_S_STRING) | BIT(GQL_S_ID) | BIT(GQL_S_OWN)) ||
                (t->kind == GQL_T_ENUM && gql_enum_value(t, v));
    if (!v.p) {
        gql_put_null(cell);
        return;
    }
    if (!fits) {
        misfit(cell, "The text");
        return;
    }
    if (settle(cell)) {
        cell->kind = TEXT;
        cell->as.text = copy && v.n ? arena_dup(cell->run->o.arena, v) : v;
        cell->run->stopped |= v.n && !cell->as.text.p;
    }
    wake(cell->run);
}

void gql_put_text(struct gql_cell *cell, struct slice v)
{
    put_text(cell, v.p && !v.n ? SLICE_LIT("") : v, true);
}

void gql_put_static(struct gql_cell *cell, const char *v)
{
    put_text(cell, slice_str(v), false);
}

void gql_put_json(struct gql_cell *cell, struct slice json)
{
    if (!is_scalar(gql_cell_type(cell), BIT(GQL_S_OWN))) {
        misfit(cell, "JSON");
        return;
    }
    if (slice_is(json, "null")) {
        gql_put_null(cell);
        return;
    }
    if (settle(cell)) {
        cell->kind = JSON;
        cell->as.text = arena_dup(cell->run->o.arena, json);
        cell->run->stopped |= !cell->as.text.p;
    }
    wake(cell->run);
}

void gql_put_object(struct gql_cell *cell, void *source, const char *type)
{
    struct gql_run *run = cell->run;
    const struct gql_type *is = gql_cell_type(cell);
    const struct gql_type *of = type ? gql_type(run->o.schema, slice_str(type)) : is;
    if (!gql_is_composite(is) || !of || of->kind != GQL_T_OBJECT || !gql_is_possible(is, of)) {
        misfit(cell, "The object");
        return;
    }
    if (settle(cell)) {
        cell->kind = OBJECT;
        cell->as.in.source = source;
        cell->as.in.set = set_of(run, cell->group, of);
        cell->queue_next = NULL;
        *run->queue_last = cell;
        run->queue_last = &cell->queue_next;
        run->pending++;
    }
    wake(run);
}

static struct gql_cell *cells_new(struct gql_run *run, size_t n)
{
    run->cells += n;
    if (run->o.max_cells && run->cells > run->o.max_cells)
        return NULL;
    return alloc(run, (n ? n : 1) * sizeof(struct gql_cell));
}

struct gql_cell *gql_put_list(struct gql_cell *cell, size_t n)
{
    struct gql_run *run = cell->run;
    const struct gql_type *t = gql_cell_type(cell);
    if (t->kind != GQL_T_LIST) {
        misfit(cell, "A list");
        return NULL;
    }
    struct gql_cell *kids = cells_new(run, n);
    if (!kids) {
        gql_fail(cell, "too-large", NULL, "The answer is too large; ask for less at once.");
        return NULL;
    }
    if (!settle(cell)) {
        wake(run);
        return NULL;
    }
    cell->kind = LIST;
    cell->as.in.kids = kids;
    cell->kids_n = n;
    run->pending += n;
    for (size_t i = 0; i < n; i++)
        kids[i] = (struct gql_cell){
            .run = run, .parent = cell, .group = cell->group, .type = t->of, .index = (uint32_t)i};
    wake(run);
    return kids;
}

struct gql_cell *gql_list_at(struct gql_cell *list, size_t i)
{
    return &list[i];
}

/* ---- asking ---- */

static void ask(struct gql_cell *cell, void *source)
{
    struct gql_run *run = cell->run;
    const struct group *g = cell->group;
    if (!g->args) {
        if (settle(cell)) {
            const struct gql_node *const at[] = {g->wrong_at};
            fail_at(cell, at, 1, "invalid", NULL, g->wrong_why);
            become_null(cell);
        }
    } else if (gql_is_meta(g->field)) {
        gql_introspect(run->o.schema, cell, cell->parent->as.in.set->type, source, g->args);
    } else {
        run->o.resolve(run->o.arg, cell, source, g->args);
    }
}

/* Its fields become cells. */
static bool open_object(struct gql_cell *cell)
{
    struct gql_run *run = cell->run;
    struct set *set = cell->as.in.set;
    struct gql_cell *kids = set ? cells_new(run, set->n) : NULL;
    if (!kids) {
        cell->dead = true;
        fail_at(cell, cell->group->nodes, cell->group->nodes_n, "too-large", NULL,
                "The answer is too large; ask for less at once.");
        become_null(cell);
        return false;
    }
    cell->as.in.kids = kids;
    cell->kids_n = set->n;
    for (size_t i = 0; i < set->n; i++)
        kids[i] = (struct gql_cell){.run = run,
                                    .parent = cell,
                                    .group = &set->groups[i],
                                    .type = set->groups[i].field->type,
                                    .index = UINT32_MAX};
    return true;
}

static size_t expand(struct gql_cell *cell)
{
    struct gql_run *run = cell->run;
    void *source = cell->as.in.source;
    run->pending--;
    if (is_dead(cell) || !open_object(cell))
        return 1;
    size_t n = cell->kids_n;
    struct gql_cell *kids = cell->as.in.kids;
    run->pending += n;
    for (size_t i = 0; i < n; i++) {
        if (is_dead(cell)) { /* what is beside it failed: it is not asked for */
            kids[i].kind = NUL;
            run->pending--;
        } else {
            ask(&kids[i], source);
        }
    }
    return n + 1;
}

/* The next of a mutation's fields, once the one before it has all that was asked of it. */
static bool next_serial(struct gql_run *run)
{
    struct gql_cell *root = &run->root;
    if (root->dead || run->serial >= root->kids_n)
        return false;
    run->pending++;
    ask(&root->as.in.kids[run->serial++], run->o.root);
    return true;
}

static void start(struct gql_run *run)
{
    run->started = true;
    if (run->o.operation->operation != GQL_MUTATION) {
        run->pending++;
        run->queue = &run->root;
        run->queue_last = &run->root.queue_next;
    } else {
        open_object(&run->root);
    }
}

enum gql_progress gql_run_turn(struct gql_run *run, size_t cells)
{
    size_t done = 0;
    run->in_turn = true;
    if (!run->started)
        start(run);
    while (!run->stopped && done < cells) {
        struct gql_cell *cell = run->queue;
        if (cell) {
            run->queue = cell->queue_next;
            if (!run->queue)
                run->queue_last = &run->queue;
            done += expand(cell);
        } else if (run->pending || run->o.operation->operation != GQL_MUTATION ||
                   !next_serial(run)) {
            break;
        }
    }
    run->in_turn = false;
    if (run->stopped)
        return GQL_RUN_DONE;
    bool serial = run->o.operation->operation == GQL_MUTATION && !run->root.dead &&
                  run->serial < run->root.kids_n;
    if (run->queue || (!run->pending && serial))
        return GQL_RUN_MORE;
    return run->pending ? GQL_RUN_WAIT : GQL_RUN_DONE;
}

void gql_run_stop(struct gql_run *run)
{
    run->stopped = true;
}

struct gql_run *gql_run_new(const struct gql_run_opts *o)
{
    struct gql_run *run = arena_zalloc(o->arena, sizeof *run);
    if (!run)
        return NULL;
    run->o = *o;
    run->queue_last = &run->queue;
    run->failures_last = &run->failures;
    run->root_nodes[0] = o->operation;
    run->root_group = (struct group){.nodes = run->root_nodes, .nodes_n = 1};
    run->root = (struct gql_cell){.run = run,
                                  .group = &run->root_group,
                                  .type = gql_root(o->schema, o->operation->operation),
                                  .index = UINT32_MAX,
                                  .kind = OBJECT};
    run->root.as.in.source = o->root;
    run->root.as.in.set = set_of(run, &run->root_group, run->root.type);
    return run->stopped ? NULL : run;
}

/* ---- for whoever answers ---- */

const struct gql_field *gql_cell_field(const struct gql_cell *cell)
{
    return cell->group->field;
}

const struct gql_node *gql_cell_node(const struct gql_cell *cell)
{
    return node_of(cell);
}

const struct gql_type *gql_cell_type(const struct gql_cell *cell)
{
    return gql_nullable(cell->type);
}

struct arena *gql_cell_arena(const struct gql_cell *cell)
{
    return cell->run->o.arena;
}

bool gql_cell_wanted(const struct gql_cell *cell)
{
    return !cell->run->stopped && !is_dead(cell);
}

bool gql_cell_selects(const struct gql_cell *cell, const char *field)
{
    const struct gql_type *t = gql_bare(cell->type);
    const struct set *set = t->kind == GQL_T_OBJECT ? set_of(cell->run, cell->group, t) : NULL;
    for (size_t i = 0; set && i < set->n; i++)
        if (slice_is(set->groups[i].field->name, field))
            return true;
    return false;
}

bool gql_run_failed(const struct gql_run *run)
{
    return run->failures;
}

bool gql_run_has_data(const struct gql_run *run)
{
    return run->root.kind == OBJECT;
}

/* ---- the answer ---- */

static void write_cell(struct json_writer *w, const struct gql_cell *cell)
{
    switch (cell->kind) {
    case BOOLEAN:
        json_put_bool(w, cell->as.b);
        break;
    case INTEGER:
        if (gql_cell_type(cell)->scalar == GQL_S_ID) {
            char digits[24];
            snprintf(digits, sizeof digits, "%lld", (long long)cell->as.i);
            json_put_cstr(w, digits);
        } else {
            json_put_int(w, cell->as.i);
        }
        break;
    case DOUBLE:
        json_put_double(w, cell->as.d);
        break;
    case TEXT:
        json_put_string(w, cell->as.text);
        break;
    case JSON:
        json_put_raw(w, cell->as.text);
        break;
    case LIST:
        json_open(w, '[');
        for (size_t i = 0; i < cell->kids_n; i++)
            write_cell(w, &cell->as.in.kids[i]);
        json_close(w, ']');
        break;
    case OBJECT:
        json_open(w, '{');
        for (size_t i = 0; i < cell->kids_n; i++) {
            json_key_slice(w, cell->as.in.kids[i].group->key);
            write_cell(w, &cell->as.in.kids[i]);
        }
        json_close(w, '}');
        break;
    default:
        json_put_null(w);
    }
}

static void write_path(struct json_writer *w, const struct gql_cell *cell)
{
    if (!cell->parent)
        return;
    write_path(w, cell->parent);
    if (cell->index == UINT32_MAX)
        json_put_string(w, cell->group->key);
    else
        json_put_uint(w, cell->index);
}

static void write_failure(struct json_writer *w, const struct failure *f)
{
    json_open(w, '{');
    json_key(w, "message");
    json_put_cstr(w, f->message);
    json_key(w, "locations");
    json_open(w, '[');
    for (size_t i = 0; i < f->places_n && f->places; i++) {
        json_open(w, '{');
        json_key(w, "line");
        json_put_uint(w, f->places[i].line);
        json_key(w, "column");
        json_put_uint(w, f->places[i].column);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_key(w, "path");
    json_open(w, '[');
    write_path(w, f->cell);
    json_close(w, ']');
    json_key(w, "extensions");
    if (f->extra)
        json_put_raw(w, slice_str(f->extra));
    else {
        json_open(w, '{');
        json_key(w, "code");
        json_put_cstr(w, f->code);
        json_close(w, '}');
    }
    json_close(w, '}');
}

void gql_run_write(const struct gql_run *run, struct json_writer *w)
{
    json_open(w, '{');
    if (run->failures) {
        json_key(w, "errors");
        json_open(w, '[');
        for (const struct failure *f = run->failures; f; f = f->next)
            write_failure(w, f);
        json_close(w, ']');
    }
    json_key(w, "data");
    write_cell(w, &run->root);
    json_close(w, '}');
}
