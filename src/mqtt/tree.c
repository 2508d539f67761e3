/* The tree of topics.  A filter and the name of a topic go the same way down, one node a level;
 * the levels + and # have places of their own, so no name collides with them.  A node holds the
 * subscriptions whose filter ends there and the retained message of that topic. */
#include "mqtt/internal.h"

#include <stdlib.h>

static struct tree_node **wildcard_place(struct tree_node *n, struct slice level)
{
    if (slice_is(level, "+"))
        return &n->plus;
    if (slice_is(level, "#"))
        return &n->hash;
    return NULL;
}

static struct tree_node *child(struct tree_node *n, struct slice level)
{
    struct tree_node **place = wildcard_place(n, level);
    return place ? *place : map_get(&n->children, level);
}

static struct tree_node *child_make(struct tree *t, struct tree_node *n, struct slice level)
{
    struct tree_node *c = child(n, level);
    if (c || t->nodes >= MAX_NODES)
        return c;
    c = calloc(1, sizeof *c + level.n);
    if (!c)
        return NULL;
    char *name = (char *)(c + 1);
    if (level.n)
        memcpy(name, level.p, level.n);
    c->name = slice_of(name, level.n);
    c->parent = n;
    struct tree_node **place = wildcard_place(n, level);
    if (place) {
        *place = c;
    } else if (map_put(&n->children, c->name, c, NULL)) {
        free(c);
        return NULL;
    }
    t->nodes++;
    return c;
}

struct tree_node *tree_make(struct tree *t, struct slice filter)
{
    struct tree_node *n = &t->root, *next;
    struct slice level;
    while (slice_cut(&filter, '/', &level)) {
        next = child_make(t, n, level);
        if (!next) {
            tree_prune(t, n);
            return NULL;
        }
        n = next;
    }
    return n;
}

struct tree_node *tree_find(struct tree *t, struct slice filter)
{
    struct tree_node *n = &t->root;
    struct slice level;
    while (n && slice_cut(&filter, '/', &level))
        n = child(n, level);
    return n;
}

static bool is_empty(const struct tree_node *n)
{
    return !n->subs && !n->shares && !n->retained && !n->plus && !n->hash && !n->children.count;
}

void tree_prune(struct tree *t, struct tree_node *n)
{
    while (n->parent && is_empty(n)) {
        struct tree_node *parent = n->parent;
        if (parent->plus == n)
            parent->plus = NULL;
        else if (parent->hash == n)
            parent->hash = NULL;
        else
            map_remove(&parent->children, n->name);
        if (!parent->children.count)
            map_release(&parent->children);
        map_release(&n->children);
        free(n);
        t->nodes--;
        n = parent;
    }
}

/* Recursion is bounded by MAX_LEVELS, which every filter and topic in the tree keeps to. */
static void free_below(struct tree_node *n)
{
    struct tree_node *c;
    size_t at = 0;
    while ((c = map_next(&n->children, &at))) {
        free_below(c);
        free(c);
    }
    if (n->plus)
        free_below(n->plus);
    if (n->hash)
        free_below(n->hash);
    free(n->plus);
    free(n->hash);
    map_release(&n->children);
}

void tree_release(struct tree *t)
{
    free_below(&t->root);
    *t = (struct tree){0};
}

static void match_below(struct tree_node *n, struct slice rest, bool wildcards, tree_fn *fn,
                        void *arg)
{
    struct slice level;
    struct tree_node *c;
    if (n->hash && wildcards)
        fn(arg, n->hash); /* the level above # matches too */
    if (!slice_cut(&rest, '/', &level)) {
        fn(arg, n);
        return;
    }
    if (n->children.count && (c = map_get(&n->children, level)))
        match_below(c, rest, true, fn, arg);
    if (n->plus && wildcards)
        match_below(n->plus, rest, true, fn, arg);
}

void tree_match(struct tree *t, struct slice topic, tree_fn *fn, void *arg)
{
    match_below(&t->root, topic, topic.p[0] != '$', fn, arg); /* [MQTT-4.7.2-1] */
}

/* Do wildcards stand for this child?  Not in the first level for one that begins with $. */
static bool is_plain(const struct tree_node *n, const struct tree_node *c)
{
    return n->parent || c->name.n == 0 || c->name.p[0] != '$';
}

static void retained_all(struct tree_node *n, bool dollars, tree_fn *fn, void *arg)
{
    struct tree_node *c;
    size_t at = 0;
    if (n->retained)
        fn(arg, n);
    while ((c = map_next(&n->children, &at)))
        if (dollars || is_plain(n, c))
            retained_all(c, dollars, fn, arg);
}

void tree_retained_all(struct tree *t, tree_fn *fn, void *arg)
{
    retained_all(&t->root, true, fn, arg);
}

static void retained_below(struct tree_node *n, struct slice rest, tree_fn *fn, void *arg)
{
    struct slice level;
    struct tree_node *c;
    size_t at = 0;
    if (!slice_cut(&rest, '/', &level)) {
        if (n->retained)
            fn(arg, n);
    } else if (slice_is(level, "#")) {
        retained_all(n, false, fn, arg);
    } else if (slice_is(level, "+")) {
        while ((c = map_next(&n->children, &at)))
            if (is_plain(n, c))
                retained_below(c, rest, fn, arg);
    } else if ((c = map_get(&n->children, level))) {
        retained_below(c, rest, fn, arg);
    }
}

void tree_retained(struct tree *t, struct slice filter, tree_fn *fn, void *arg)
{
    retained_below(&t->root, filter, fn, arg);
}
