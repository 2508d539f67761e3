/* type.c - a set of types: what each has from those that it extends.
 *
 * HOW THEY MERGE.  A type is resolved when all that it extends are.  First what they have is laid
 * together, in the order of `extends`: of each list the members by name, of defaults the members
 * however deep.  Where two of them say different things of the same, the type itself must say it,
 * else it is a contradiction and the type has a problem.  Then its own words are laid over: its
 * members replace theirs, one by one; but a sensor keeps what it measures, or twins of the type
 * would not be twins of the types above it.
 *
 * A set is one arena that nobody changes; the count of those who hold it is all that moves. */
#include "twin/type.h"

#include "base/err.h"
#include "base/map.h"
#include "twin/units.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The lists of a type, and by what their members are told apart. */
static const struct {
    const char *name, *by, *and;
} lists[] = {
    {"sensors", "id", NULL},
    {"commands", "name", NULL},
    {"settings", "name", NULL},
    {"relationships", "kind", "target"},
};
enum { LISTS = sizeof lists / sizeof lists[0] };

struct entry {
    struct twin_type type; /* the first: what is given out */
    size_t depth;          /* types above one another, from here up */
    bool done;
};

struct type_set {
    atomic_uint refs;
    struct arena *arena;
    struct map by_id; /* struct entry */
    struct entry *entries;
    size_t n;
    bool failed; /* memory ran out */
};

/* ---- laying together ---- */

static struct jval *find_like(const struct jval *list, size_t which, const struct jval *v)
{
    struct slice name = jval_string(jval_get(v, lists[which].by));
    struct slice and = jval_string(lists[which].and ? jval_get(v, lists[which].and) : NULL);
    for (struct jval *one = list && list->type == J_ARRAY ? list->first : NULL; one;
         one = one->next)
        if (slice_eq(jval_string(jval_get(one, lists[which].by)), name) &&
            (!lists[which].and || slice_eq(jval_string(jval_get(one, lists[which].and)), and)))
            return one;
    return NULL;
}

static void problem(struct type_set *set, struct twin_type *t, const char *pointer, char *message)
{
    set->failed |= !message;
    if (t->problem)
        return;
    t->problem = message ? message : "memory ran out";
    t->pointer = pointer;
}

/* Into what others above have said; own: what the type itself says there, or NULL. */
static void lay_members(struct type_set *set, struct twin_type *t, struct jval *into,
                        const struct jval *from, const struct jval *own, const char *where)
{
    for (const struct jval *m = from->first; m && !set->failed; m = m->next) {
        struct jval *there = jval_get_slice(into, m->key);
        const struct jval *said = jval_get_slice(own, m->key);
        if (!there)
            set->failed |= !jval_set(set->arena, into, m->key, jval_copy(set->arena, m));
        else if (there->type == J_OBJECT && m->type == J_OBJECT)
            lay_members(set, t, there, m, said, where);
        else if (!said && !jval_equal(there, m))
            problem(set, t, "/extends",
                    arena_printf(set->arena,
                                 "The types that %.*s extends do not agree about %.*s of %s: say "
                                 "it in %.*s itself.",
                                 SLICE_ARG(t->id), SLICE_ARG(m->key), where, SLICE_ARG(t->id)));
    }
}

static struct jval *list_in(struct type_set *set, struct jval *object, const char *name)
{
    struct jval *list = jval_get(object, name);
    if (!list)
        list = jval_set(set->arena, object, slice_str(name), jval_new(set->arena, J_ARRAY));
    set->failed |= !list;
    return list;
}

static void lay_parent(struct type_set *set, struct twin_type *t, struct jval *into,
                       const struct jval *parent)
{
    for (size_t i = 0; i < LISTS && !set->failed; i++) {
        const struct jval *from = jval_get(parent, lists[i].name);
        struct jval *list = from ? list_in(set, into, lists[i].name) : NULL;
        for (const struct jval *v = from ? from->first : NULL; v && !set->failed; v = v->next) {
            struct jval *there = find_like(list, i, v);
            const struct jval *own = find_like(jval_get(t->own, lists[i].name), i, v);
            struct slice name = jval_string(jval_get(v, lists[i].by));
            if (there)
                lay_members(set, t, there, v, own, arena_strndup(set->arena, name.p, name.n));
            else
                set->failed |= !jval_append(list, jval_copy(set->arena, v));
        }
    }
    const struct jval *defaults = jval_get(parent, "defaults");
    struct jval *mine = jval_get(into, "defaults");
    if (defaults && !mine)
        set->failed |=
            !jval_set(set->arena, into, SLICE_LIT("defaults"), jval_copy(set->arena, defaults));
    else if (defaults)
        lay_members(set, t, mine, defaults, jval_get(t->own, "defaults"), "defaults");
}

/* ---- laying over ---- */

static bool converts(struct slice from, struct slice to)
{
    double d;
    return !from.n || !to.n || slice_eq(from, to) || !units_known(from) || !units_known(to) ||
           units_convert(from, to, 1, &d) == 0;
}

static bool same_word(struct slice a, struct slice b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static void keep_measuring(struct type_set *set, struct twin_type *t, const struct jval *there,
                           const struct jval *own, size_t index)
{
    struct slice type = jval_string(jval_get(there, "type"));
    struct slice unit = jval_string(jval_get(there, "unit"));
    struct slice own_type = jval_string(jval_get(own, "type"));
    struct slice own_unit = jval_string(jval_get(own, "unit"));
    const char *what = type.n && own_type.n && !same_word(type, own_type) ? "type"
                       : !converts(own_unit, unit)                        ? "unit"
                                                                          : NULL;
    if (what)
        problem(set, t, arena_printf(set->arena, "/sensors/%zu/%s", index, what),
                arena_printf(set->arena,
                             "The sensor %.*s has the %s \"%.*s\" here, and \"%.*s\" in what %.*s "
                             "extends: a twin of it would not be one of that.",
                             SLICE_ARG(jval_string(jval_get(own, "id"))), what,
                             SLICE_ARG(*what == 't' ? own_type : own_unit),
                             SLICE_ARG(*what == 't' ? type : unit), SLICE_ARG(t->id)));
}

static void lay_list_over(struct type_set *set, struct twin_type *t, struct jval *into,
                          size_t which)
{
    const struct jval *own = jval_get(t->own, lists[which].name);
    struct jval *list = own ? list_in(set, into, lists[which].name) : NULL;
    size_t index = 0;
    for (const struct jval *v = own ? own->first : NULL; v && !set->failed; v = v->next, index++) {
        struct jval *there = find_like(list, which, v);
        if (!there) {
            set->failed |= !jval_append(list, jval_copy(set->arena, v));
            continue;
        }
        if (which == 0)
            keep_measuring(set, t, there, v, index);
        for (const struct jval *m = v->first; m && !set->failed; m = m->next)
            set->failed |= !jval_set(set->arena, there, m->key, jval_copy(set->arena, m));
    }
}

static bool is_list(struct slice key)
{
    for (size_t i = 0; i < LISTS; i++)
        if (slice_is(key, lists[i].name))
            return true;
    return false;
}

static void lay_own(struct type_set *set, struct twin_type *t, struct jval *into)
{
    for (const struct jval *m = t->own->first; m && !set->failed; m = m->next)
        if (!is_list(m->key) && !slice_is(m->key, "defaults"))
            set->failed |= !jval_set(set->arena, into, m->key, jval_copy(set->arena, m));
    for (size_t i = 0; i < LISTS && !set->failed; i++)
        lay_list_over(set, t, into, i);
    const struct jval *defaults = jval_get(t->own, "defaults");
    if (!defaults || set->failed)
        return;
    struct jval *theirs = jval_get(into, "defaults");
    if (theirs)
        jval_take_out(theirs);
    struct jval *merged = jval_merge_patch(set->arena, theirs, defaults);
    set->failed |= !merged || !jval_set(set->arena, into, SLICE_LIT("defaults"), merged);
}

/* ---- one after the other ---- */

static void add_above(struct type_set *set, struct twin_type *t, const struct twin_type *one,
                      const struct twin_type **list, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == one)
            return;
    if (*n == TYPE_ANCESTORS_MAX) {
        problem(set, t, "/extends",
                arena_printf(set->arena, "%.*s extends more than %d types, counting those above.",
                             SLICE_ARG(t->id), TYPE_ANCESTORS_MAX));
        return;
    }
    list[(*n)++] = one;
}

static const struct jval *first_above(const struct entry *e)
{
    const struct jval *extends = jval_get(e->type.own, "extends");
    return extends && extends->type == J_ARRAY ? extends->first : extends;
}

/* Those that it extends are resolved, or it has a problem with them. */
static bool is_ready(const struct type_set *set, const struct entry *e)
{
    for (const struct jval *v = first_above(e); v; v = v->next) {
        const struct entry *p = map_get(&set->by_id, jval_string(v));
        if (p && !p->done)
            return false;
        if (v->key.n)
            break; /* one alone, and what follows are other members */
    }
    return true;
}

static void take_parent(struct type_set *set, struct entry *e, struct slice id, struct jval *into,
                        const struct twin_type **above, size_t *n)
{
    struct twin_type *t = &e->type;
    const struct entry *p = map_get(&set->by_id, id);
    const char *why = !p                              ? "which is not there"
                      : p->type.problem               ? "which has a problem itself"
                      : p->depth + 1 > TYPE_DEPTH_MAX ? "which has 16 types above it already"
                                                      : NULL;
    if (why) {
        problem(set, t, "/extends",
                arena_printf(set->arena, "%.*s extends %.*s, %s.", SLICE_ARG(t->id), SLICE_ARG(id),
                             why));
        return;
    }
    if (p->depth + 1 > e->depth)
        e->depth = p->depth + 1;
    add_above(set, t, &p->type, above, n);
    for (size_t i = 0; p->type.above[i]; i++)
        add_above(set, t, p->type.above[i], above, n);
    lay_parent(set, t, into, p->type.resolved);
}

static void resolve(struct type_set *set, struct entry *e)
{
    struct twin_type *t = &e->type;
    const struct twin_type *above[TYPE_ANCESTORS_MAX + 1];
    struct jval *into = jval_new(set->arena, J_OBJECT);
    size_t n = 0;
    set->failed |= !into;
    for (const struct jval *v = first_above(e); v && !set->failed; v = v->key.n ? NULL : v->next)
        take_parent(set, e, jval_string(v), into, above, &n);
    if (into)
        lay_own(set, t, into);
    above[n++] = NULL;
    const struct twin_type **kept = arena_alloc(set->arena, n * sizeof *kept);
    set->failed |= !kept;
    if (kept)
        memcpy(kept, above, n * sizeof *kept);
    t->above = kept;
    t->resolved = t->problem ? NULL : into;
    e->done = true;
}

/* Does the way up from it lead to itself? */
static bool is_in_circle(struct type_set *set, const struct entry *from)
{
    struct map seen = {0};
    const struct entry **queue = arena_alloc(set->arena, (set->n + 1) * sizeof *queue);
    size_t n = 0;
    bool found = false;
    set->failed |= !queue;
    if (queue)
        queue[n++] = from;
    for (size_t at = 0; at < n && !found && !set->failed; at++)
        for (const struct jval *v = first_above(queue[at]); v; v = v->key.n ? NULL : v->next) {
            struct entry *p = map_get(&set->by_id, jval_string(v));
            found |= p == from;
            if (!p || map_get(&seen, p->type.id))
                continue;
            set->failed |= map_put(&seen, p->type.id, p, NULL) != 0;
            queue[n++] = p;
        }
    map_release(&seen);
    return found;
}

/* From the top down.  What is left after as many rounds as types may stand above one another is in
 * a circle, below one, or too deep. */
static void resolve_all(struct type_set *set)
{
    for (int round = 0; round <= TYPE_DEPTH_MAX && !set->failed; round++)
        for (size_t i = 0; i < set->n && !set->failed; i++)
            if (!set->entries[i].done && is_ready(set, &set->entries[i]))
                resolve(set, &set->entries[i]);
    for (size_t i = 0; i < set->n && !set->failed; i++) {
        struct entry *e = &set->entries[i];
        static const struct twin_type *const none[] = {NULL};
        if (e->done)
            continue;
        e->type.above = none;
        problem(
            set, &e->type, "/extends",
            arena_printf(set->arena,
                         is_in_circle(set, e)
                             ? "%.*s extends itself: what it extends leads back to it."
                             : "What %.*s extends leads into a circle, or up more than 16 types.",
                         SLICE_ARG(e->type.id)));
    }
}

/* ---- the set ---- */

int type_set_new(const struct jval *const *docs, size_t n, struct type_set **ret)
{
    struct type_set *set = calloc(1, sizeof *set);
    if (!set || !(set->arena = arena_new()) ||
        !(set->entries = arena_zalloc(set->arena, (n + 1) * sizeof *set->entries)))
        goto nomem;
    set->refs = 1;
    for (size_t i = 0; i < n; i++) {
        struct entry *e = &set->entries[set->n];
        e->type.own = jval_copy(set->arena, docs[i]);
        e->type.id = jval_string(jval_get(e->type.own, "id"));
        if (!e->type.own)
            goto nomem;
        if (!e->type.id.n || map_get(&set->by_id, e->type.id))
            continue;
        if (map_put(&set->by_id, e->type.id, e, NULL))
            goto nomem;
        set->n++;
    }
    resolve_all(set);
    if (set->failed)
        goto nomem;
    *ret = set;
    return 0;
nomem:
    if (set) {
        map_release(&set->by_id);
        arena_free(set->arena);
    }
    free(set);
    return ERR_NOMEM;
}

struct type_set *type_set_ref(struct type_set *set)
{
    if (set)
        set->refs++;
    return set;
}

void type_set_unref(struct type_set *set)
{
    if (!set || --set->refs)
        return;
    map_release(&set->by_id);
    arena_free(set->arena);
    free(set);
}

const struct twin_type *type_set_get(const struct type_set *set, struct slice id)
{
    const struct entry *e = set ? map_get(&set->by_id, id) : NULL;
    return e ? &e->type : NULL;
}

const struct twin_type *type_set_next(const struct type_set *set, size_t *at)
{
    return set && *at < set->n ? &set->entries[(*at)++].type : NULL;
}

bool type_is(const struct type_set *set, struct slice id, struct slice wanted)
{
    if (slice_eq(id, wanted))
        return true;
    const struct twin_type *t = type_set_get(set, id);
    for (size_t i = 0; t && t->above && t->above[i]; i++)
        if (slice_eq(t->above[i]->id, wanted))
            return true;
    return false;
}

/* ---- a list of them ---- */

static bool waits(const struct map *left, const struct jval *doc)
{
    const struct jval *said = jval_get(doc, "extends");
    const struct jval *v = said && said->type == J_ARRAY ? said->first : said;
    for (; v; v = v == said ? NULL : v->next) {
        const struct jval *other = map_get(left, jval_string(v));
        if (other && other != doc)
            return true;
    }
    return false;
}

struct jval *types_in_order(struct arena *a, struct jval *list)
{
    struct jval *out = jval_new(a, J_ARRAY);
    struct map left = {0};
    bool failed = !out;
    for (struct jval *v = list->first; v && !failed; v = v->next)
        failed = map_put(&left, jval_string(jval_get(v, "id")), v, NULL);
    for (int round = 0; round <= TYPE_DEPTH_MAX && !failed; round++)
        for (struct jval *v = list->first, *next; v; v = next) {
            next = v->next;
            if (waits(&left, v))
                continue;
            struct slice id = jval_string(jval_get(v, "id"));
            if (map_get(&left, id) == v)
                map_remove(&left, id);
            jval_take_out(v);
            jval_append(out, v);
        }
    for (struct jval *v = list->first, *next; v && !failed; v = next) { /* they lead nowhere */
        next = v->next;
        jval_take_out(v);
        jval_append(out, v);
    }
    map_release(&left);
    return failed ? NULL : out;
}
