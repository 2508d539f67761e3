/* resolve.c - which sensors the names of an expression mean. */
#include "core/graph.h"
#include "core/types.h"
#include "rules/internal.h"

enum resolved resolve_sensor(const struct twin *t, struct slice name, struct sensor **ret)
{
    struct sensor *s = core_sensor(t, name), *found = NULL;
    if (s) {
        *ret = s;
        return RESOLVED;
    }
    for (int by_name = 0; by_name < 2; by_name++) {
        for (size_t i = 0; i < t->sensors_n; i++) {
            const struct sensor_spec *spec = t->sensors[i]->spec;
            if (!slice_eq(by_name ? spec->name : spec->type, name))
                continue;
            if (found)
                return RESOLVED_SEVERAL;
            found = t->sensors[i];
        }
        if (found) {
            *ret = found;
            return RESOLVED;
        }
    }
    return RESOLVED_NONE;
}

/* ---- neighbours ---- */

struct walk {
    struct core *core;
    const struct expr *path;
    struct slice name;
    struct sensor **ret;
    size_t n, max, steps; /* steps: edges that may still be looked at */
};

static bool passes(struct walk *w, const struct twin *t, struct slice filter)
{
    return !filter.n || slice_is(filter, t->id) || core_twin_is(w->core, t, filter);
}

static void walk(struct walk *w, const struct twin *t, size_t depth)
{
    if (depth == w->path->n) {
        struct sensor *s;
        if (w->n < w->max && resolve_sensor(t, w->name, &s) == RESOLVED) {
            for (size_t i = 0; i < w->n; i++)
                if (w->ret[i] == s)
                    return;
            w->ret[w->n++] = s;
        }
        return;
    }
    const struct expr_step *step = &w->path->steps[depth];
    enum graph_direction direction = step->inward ? GRAPH_IN : GRAPH_OUT;
    const struct edge_kind *kind = graph_kind(w->core, step->kind);
    if (!kind)
        return;
    for (const struct edge *e = graph_first(t, direction, kind); e && w->n < w->max && w->steps;
         e = graph_next(e, direction, kind)) {
        const struct twin *there = step->inward ? e->source->twin : e->target->twin;
        w->steps--;
        if (there && passes(w, there, step->filter))
            walk(w, there, depth + 1);
    }
}

size_t resolve_input(struct core *c, const struct twin *t, const struct program_input *in,
                     struct sensor **ret, size_t max)
{
    enum { STEPS = 100000 };
    if (!in->path)
        return resolve_sensor(t, in->name, ret) == RESOLVED;
    struct walk w = {c, in->path, in->name, ret, 0, max, STEPS};
    walk(&w, t, 0);
    return w.n;
}

/* ---- advice ---- */

/* Levenshtein's distance, of the first 64 bytes, letters of ASCII without case. */
static size_t distance(struct slice a, struct slice b)
{
    enum { MOST = 64 };
    uint8_t row[MOST + 1];
    size_t n = a.n < MOST ? a.n : MOST, m = b.n < MOST ? b.n : MOST;
    for (size_t j = 0; j <= m; j++)
        row[j] = (uint8_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint8_t corner = row[0];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = strncasecmp(a.p + i - 1, b.p + j - 1, 1) == 0;
            uint8_t least = (uint8_t)(corner + !same);
            corner = row[j];
            if (row[j] + 1 < least)
                least = (uint8_t)(row[j] + 1);
            if (row[j - 1] + 1 < least)
                least = (uint8_t)(row[j - 1] + 1);
            row[j] = least;
        }
    }
    return row[m];
}

const char *resolve_advice(struct arena *a, const struct twin *t, struct slice name)
{
    enum { TOLD = 3 };
    const struct sensor *best[TOLD] = {0};
    size_t far[TOLD], n = 0;
    struct sensor *s;
    if (name.n > 128)
        name.n = 128;
    if (resolve_sensor(t, name, &s) == RESOLVED_SEVERAL)
        return arena_printf(a,
                            "The twin %s has several sensors of the type or name %.*s: say "
                            "which by its id.",
                            t->id, SLICE_ARG(name));
    for (size_t i = 0; i < t->sensors_n; i++) {
        size_t d = distance(name, slice_str(t->sensors[i]->id)), at = n;
        size_t of_type = distance(name, t->sensors[i]->spec->type);
        d = of_type < d ? of_type : d;
        while (at && far[at - 1] > d)
            at--;
        if (at == TOLD)
            continue;
        n += n < TOLD;
        for (size_t k = n - 1; k > at; k--) {
            best[k] = best[k - 1];
            far[k] = far[k - 1];
        }
        best[at] = t->sensors[i];
        far[at] = d;
    }
    return arena_printf(a, "The twin %s has no sensor %.*s%s%s%s%s%s%s.", t->id, SLICE_ARG(name),
                        n ? ", but " : "", n ? best[0]->id : "", n > 1 ? ", " : "",
                        n > 1 ? best[1]->id : "", n > 2 ? ", " : "", n > 2 ? best[2]->id : "");
}
