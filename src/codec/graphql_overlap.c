/* graphql_overlap.c - fields of one response key must be the same field with the same arguments, or
 * never be there together (section 5.3.2 of the standard).
 *
 * Taken literally the rule compares everything that fragments bring with everything else, which
 * grows without bounds; so what was compared is remembered.  A `group` is what one brace holds by
 * response key, inline fragments opened, with the names of the fragments that are spread in it.
 * Compared are: the fields of a group with each other; a group with each fragment that is spread
 * in it, and with those spread there; the fragments that are spread in it with each other.  Where
 * two fields of one key both have selections, the two groups of these are compared likewise.
 * Whoever compares pays from a budget; when that is used up the document is refused. */
#include "base/err.h"
#include "codec/graphql_internal.h"

#include <stdlib.h>

enum { BUDGET = 500000, REASON_MAX = 1000, NODES_MAX = 20 };

struct entry { /* a field in a group */
    const struct gql_node *node;
    const struct gql_type *parent; /* NULL: not known */
    const struct gql_field *field; /* NULL: not known */
    struct entry *next;
};

struct key {
    struct slice name;
    struct entry *first, **last;
    struct key *next;
};

struct name { /* of a fragment that is spread */
    struct slice text;
    struct name *next;
};

struct group {
    const struct gql_type *parent;
    const struct gql_node *node;
    struct map keys; /* struct key */
    struct key *first, **last;
    struct name *names, **names_last;
    struct map spread;   /* struct name */
    struct map compared; /* with fragments, by name: the addresses below */
    struct group *next;  /* of all */
};

struct nodes {
    uint32_t at[NODES_MAX];
    size_t n;
};

struct conflict {
    struct slice key;
    const char *reason;
    struct nodes one, two;
    struct conflict *next;
};

struct conflicts {
    struct conflict *first, **last;
};

struct gql_overlaps {
    struct gql_check *check;
    struct map groups; /* by parent and node */
    struct group *all;
    struct map pairs; /* of fragments that were compared */
    int64_t budget;
};

static char loosely, strictly; /* how something was compared: as exclusive parents, or not */

static bool spend(struct gql_overlaps *o, int64_t n)
{
    o->budget -= n;
    return o->budget >= 0 && !o->check->failed;
}

static void *alloc(struct gql_overlaps *o, size_t n)
{
    return gql_check_alloc(o->check, n);
}

static void put(struct gql_overlaps *o, struct map *m, struct slice key, void *value)
{
    if (map_put(m, key, value, NULL))
        o->check->failed = true;
}

/* ---- groups ---- */

static void add_field(struct gql_overlaps *o, struct group *g, const struct gql_type *parent,
                      const struct gql_node *n)
{
    struct slice name = gql_response_key(n);
    struct key *k = map_get(&g->keys, name);
    struct entry *e = alloc(o, sizeof *e);
    if (!e)
        return;
    if (!k) {
        k = alloc(o, sizeof *k);
        if (!k)
            return;
        k->name = name;
        k->last = &k->first;
        put(o, &g->keys, name, k);
        *g->last = k;
        g->last = &k->next;
    }
    *e = (struct entry){n, parent, parent ? gql_field(parent, n->name) : NULL, NULL};
    *k->last = e;
    k->last = &e->next;
}

static void add_spread(struct gql_overlaps *o, struct group *g, struct slice text)
{
    struct name *name = map_get(&g->spread, text) ? NULL : alloc(o, sizeof *name);
    if (!name)
        return;
    name->text = text;
    put(o, &g->spread, text, name);
    *g->names_last = name;
    g->names_last = &name->next;
}

static void gather(struct gql_overlaps *o, struct group *g, const struct gql_type *parent,
                   const struct gql_node *node)
{
    for (const struct gql_node *n = node->kids; n; n = n->next) {
        if (n->kind == GQL_FIELD)
            add_field(o, g, parent, n);
        else if (n->kind == GQL_SPREAD)
            add_spread(o, g, n->name);
        else
            gather(o, g, n->type ? gql_type(o->check->schema, n->type->name) : parent, n);
    }
}

static struct group *group_of(struct gql_overlaps *o, const struct gql_type *parent,
                              const struct gql_node *node)
{
    const void *id[2] = {parent, node};
    struct group *g = map_get(&o->groups, slice_of((const char *)id, sizeof id));
    if (g)
        return g;
    g = alloc(o, sizeof *g);
    if (!g)
        return NULL;
    g->parent = parent;
    g->node = node;
    g->last = &g->first;
    g->names_last = &g->names;
    g->next = o->all;
    o->all = g;
    _Static_assert(offsetof(struct group, node) == sizeof(void *), "both are the key");
    put(o, &o->groups, slice_of((const char *)g, sizeof id), g);
    gather(o, g, parent, node);
    return o->check->failed ? NULL : g;
}

static struct group *group_of_fragment(struct gql_overlaps *o, struct slice name)
{
    const struct gql_node *f = gql_fragment(o->check, name);
    return f ? group_of(o, gql_type(o->check->schema, f->type->name), f) : NULL;
}

/* ---- two fields ---- */

static bool same_value(const struct gql_node *a, const struct gql_node *b)
{
    const struct gql_node *x = a->kids, *y = b->kids;
    if (a->kind != b->kind || a->block != b->block)
        return false;
    switch (a->kind) {
    case GQL_VARIABLE:
        return slice_eq(a->name, b->name);
    case GQL_LIST:
        for (; x && y && same_value(x, y); y = y->next)
            x = x->next;
        return !x && !y;
    case GQL_OBJECT: /* in any order */
        for (; x && y; y = y->next) {
            const struct gql_node *other = gql_find_node(b->kids, x->name);
            if (!other || !same_value(x->value, other->value))
                return false;
            x = x->next;
        }
        return !x && !y;
    default:
        return slice_eq(a->text, b->text);
    }
}

static bool same_arguments(struct gql_overlaps *o, const struct gql_node *a,
                           const struct gql_node *b)
{
    const struct gql_node *x = a->args, *y = b->args;
    for (; x && y; y = y->next) {
        const struct gql_node *other = NULL;
        for (const struct gql_node *n = b->args; n; n = n->next)
            if (slice_eq(n->name, x->name))
                other = n; /* the last counts */
        if (!spend(o, 1) || !other || !same_value(x->value, other->value))
            return false;
        x = x->next;
    }
    return !x && !y;
}

static bool types_conflict(const struct gql_type *a, const struct gql_type *b)
{
    while (a != b) {
        if (!a->of && !b->of)
            return !gql_is_composite(a) || !gql_is_composite(b);
        if (a->kind != b->kind)
            return true;
        a = a->of;
        b = b->of;
    }
    return false;
}

static struct conflict *conflict_new(struct gql_overlaps *o, struct slice key, const char *reason,
                                     const struct gql_node *one, const struct gql_node *two)
{
    struct conflict *f = alloc(o, sizeof *f);
    if (!f || !reason) {
        o->check->failed = true;
        return NULL;
    }
    f->key = key;
    f->reason = reason;
    f->one = (struct nodes){{one->at}, 1};
    f->two = (struct nodes){{two->at}, 1};
    return f;
}

/* The deepest of what conflicts below are told of. */
static void add_nodes(struct nodes *to, const struct nodes *from)
{
    size_t room = NODES_MAX - to->n, n = from->n < room ? from->n : room;
    memcpy(to->at + to->n, from->at + from->n - n, n * sizeof *to->at);
    to->n += n;
}

static struct conflict *of_subfields(struct gql_overlaps *o, struct slice key,
                                     const struct conflicts *below, const struct gql_node *one,
                                     const struct gql_node *two)
{
    struct buf reason = {0};
    if (!below->first)
        return NULL;
    for (const struct conflict *f = below->first; f && reason.n < REASON_MAX; f = f->next)
        buf_addf(&reason, "%ssubfields \"%.*s\" conflict because %s", reason.n ? " and " : "",
                 SLICE_ARG(f->key), f->reason);
    if (reason.n > REASON_MAX)
        reason.n = REASON_MAX;
    struct conflict *all =
        conflict_new(o, key, arena_strndup(o->check->arena, reason.p, reason.n), one, two);
    for (const struct conflict *f = below->first; f && all; f = f->next) {
        add_nodes(&all->one, &f->one);
        add_nodes(&all->two, &f->two);
    }
    buf_release(&reason);
    return all;
}

static void compare_selections(struct gql_overlaps *o, struct conflicts *out, bool exclusive,
                               struct group *a, struct group *b);

static const struct gql_type *below(const struct entry *e)
{
    return e->field ? gql_bare(e->field->type) : NULL;
}

static const char *differ(struct gql_overlaps *o, const struct gql_node *a,
                          const struct gql_node *b)
{
    if (!slice_eq(a->name, b->name))
        return arena_printf(o->check->arena, "\"%.*s\" and \"%.*s\" are different fields",
                            SLICE_ARG(a->name), SLICE_ARG(b->name));
    return same_arguments(o, a, b) ? NULL : "they have differing arguments";
}

static const char *types_text(struct gql_overlaps *o, const struct gql_type *a,
                              const struct gql_type *b)
{
    struct buf text = {0};
    buf_add_str(&text, "they return conflicting types \"");
    gql_put_type(&text, a);
    buf_add_str(&text, "\" and \"");
    gql_put_type(&text, b);
    buf_add_byte(&text, '"');
    const char *kept = text.failed ? NULL : arena_strndup(o->check->arena, text.p, text.n);
    buf_release(&text);
    return kept;
}

static struct conflict *compare(struct gql_overlaps *o, bool exclusive, struct slice key,
                                const struct entry *a, const struct entry *b)
{
    const struct gql_node *one = a->node, *two = b->node;
    const struct gql_type *ta = a->field ? a->field->type : NULL;
    const struct gql_type *tb = b->field ? b->field->type : NULL;
    if (!spend(o, 2))
        return NULL;
    exclusive |= a->parent != b->parent && a->parent && a->parent->kind == GQL_T_OBJECT &&
                 b->parent && b->parent->kind == GQL_T_OBJECT;
    const char *reason = exclusive ? NULL : differ(o, one, two);
    if (!reason && ta && tb && types_conflict(ta, tb))
        reason = types_text(o, ta, tb);
    if (reason)
        return conflict_new(o, key, reason, one, two);
    if (!one->kids || !two->kids)
        return NULL;
    struct conflicts under = {NULL, &under.first};
    struct group *ga = group_of(o, below(a), one), *gb = group_of(o, below(b), two);
    if (ga && gb)
        compare_selections(o, &under, exclusive, ga, gb);
    return of_subfields(o, key, &under, one, two);
}

static void compare_into(struct gql_overlaps *o, struct conflicts *out, bool exclusive,
                         struct slice key, const struct entry *a, const struct entry *b)
{
    struct conflict *f = compare(o, exclusive, key, a, b);
    if (!f)
        return;
    *out->last = f;
    out->last = &f->next;
}

/* ---- two groups ---- */

static void compare_groups(struct gql_overlaps *o, struct conflicts *out, bool exclusive,
                           const struct group *a, const struct group *b)
{
    for (const struct key *k = a->first; k && spend(o, 1); k = k->next) {
        const struct key *other = map_get(&b->keys, k->name);
        for (const struct entry *x = k->first; other && x; x = x->next)
            for (const struct entry *y = other->first; y && o->budget >= 0; y = y->next)
                compare_into(o, out, exclusive, k->name, x, y);
    }
}

static bool was_compared(const struct map *m, struct slice key, bool exclusive)
{
    const void *how = map_get(m, key);
    return how && (exclusive || how == &strictly);
}

static void compare_with_fragment(struct gql_overlaps *o, struct conflicts *out, bool exclusive,
                                  struct group *g, struct slice name)
{
    if (!spend(o, 1) || !g->first || was_compared(&g->compared, name, exclusive))
        return;
    put(o, &g->compared, name, exclusive ? &loosely : &strictly);
    struct group *f = group_of_fragment(o, name);
    if (!f || f == g)
        return;
    compare_groups(o, out, exclusive, g, f);
    for (const struct name *n = f->names; n; n = n->next)
        compare_with_fragment(o, out, exclusive, g, n->text);
}

/* The names of two fragments, with a NUL between, in one order. */
static struct slice pair_key(struct gql_overlaps *o, struct slice a, struct slice b)
{
    size_t least = a.n < b.n ? a.n : b.n;
    int order = memcmp(a.p, b.p, least);
    if (order > 0 || (order == 0 && a.n > b.n)) {
        struct slice swap = a;
        a = b;
        b = swap;
    }
    char *key = alloc(o, a.n + b.n + 1);
    if (!key)
        return slice_of(NULL, 0);
    memcpy(key, a.p, a.n);
    memcpy(key + a.n + 1, b.p, b.n);
    return slice_of(key, a.n + b.n + 1);
}

static void compare_fragments(struct gql_overlaps *o, struct conflicts *out, bool exclusive,
                              struct slice a, struct slice b)
{
    if (!spend(o, 2) || slice_eq(a, b))
        return;
    struct slice key = pair_key(o, a, b);
    if (!key.p || was_compared(&o->pairs, key, exclusive))
        return;
    put(o, &o->pairs, key, exclusive ? &loosely : &strictly);
    struct group *ga = group_of_fragment(o, a), *gb = group_of_fragment(o, b);
    if (!ga || !gb)
        return;
    compare_groups(o, out, exclusive, ga, gb);
    for (const struct name *n = gb->names; n; n = n->next)
        compare_fragments(o, out, exclusive, a, n->text);
    for (const struct name *n = ga->names; n; n = n->next)
        compare_fragments(o, out, exclusive, n->text, b);
}

static void compare_selections(struct gql_overlaps *o, struct conflicts *out, bool exclusive,
                               struct group *a, struct group *b)
{
    compare_groups(o, out, exclusive, a, b);
    for (const struct name *n = b->names; n; n = n->next)
        compare_with_fragment(o, out, exclusive, a, n->text);
    for (const struct name *n = a->names; n; n = n->next)
        compare_with_fragment(o, out, exclusive, b, n->text);
    for (const struct name *n = a->names; n; n = n->next)
        for (const struct name *m = b->names; m; m = m->next)
            compare_fragments(o, out, exclusive, n->text, m->text);
}

static void within(struct gql_overlaps *o, struct conflicts *out, struct group *g)
{
    for (const struct key *k = g->first; k; k = k->next)
        for (const struct entry *x = k->first; x; x = x->next)
            for (const struct entry *y = x->next; y && o->budget >= 0; y = y->next)
                compare_into(o, out, false, k->name, x, y);
    for (const struct name *n = g->names; n; n = n->next) {
        compare_with_fragment(o, out, false, g, n->text);
        for (const struct name *m = n->next; m; m = m->next)
            compare_fragments(o, out, false, n->text, m->text);
    }
}

void gql_rule_overlaps(struct gql_overlaps *o, const struct gql_type *parent,
                       const struct gql_node *node)
{
    static const char rule[] = "OverlappingFieldsCanBeMerged";
    struct conflicts found = {NULL, &found.first};
    const struct gql_node *only = node->kids;
    if (o->budget < 0 || (!only->next && only->kind != GQL_INLINE))
        return;
    struct group *g = group_of(o, parent, node);
    if (g)
        within(o, &found, g);
    if (o->budget < 0) { /* what was found last may only look like a conflict */
        gql_say(o->check, rule, node,
                "It would take too long to compare the fields of this document; ask for less at "
                "once.");
        return;
    }
    for (const struct conflict *f = found.first; f; f = f->next) {
        uint32_t at[2 * NODES_MAX];
        memcpy(at, f->one.at, f->one.n * sizeof *at);
        memcpy(at + f->one.n, f->two.at, f->two.n * sizeof *at);
        gql_say_at(o->check, rule, at, f->one.n + f->two.n,
                   "Fields \"%.*s\" conflict because %s. Use different aliases on the fields to "
                   "fetch both if this was intentional.",
                   SLICE_ARG(f->key), f->reason);
    }
}

struct gql_overlaps *gql_overlaps_new(struct gql_check *c)
{
    struct gql_overlaps *o = gql_check_alloc(c, sizeof *o);
    if (o) {
        o->check = c;
        o->budget = BUDGET;
    }
    return o;
}

void gql_overlaps_free(struct gql_overlaps *o)
{
    for (struct group *g = o ? o->all : NULL; g; g = g->next) {
        map_release(&g->keys);
        map_release(&g->spread);
        map_release(&g->compared);
    }
    if (o) {
        map_release(&o->groups);
        map_release(&o->pairs);
    }
}
