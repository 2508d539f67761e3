/* type.h - types of twins: what twins of a kind have in common.
 *
 * A type is a document of its own (docs/graph.md): sensors, commands, settings and relationships
 * that its twins have, and defaults for their profiles.  It may extend others.  A set holds all
 * types of an organisation, each with what it has from those that it extends.
 *
 * Pure.  A set is made whole and never changes: any thread may read it while it holds it. */
#ifndef TWIN_TYPE_H
#define TWIN_TYPE_H

#include "twin/profile.h"

enum {
    TYPE_DEPTH_MAX = 16,    /* types above one another */
    TYPE_PARENTS_MAX = 16,  /* that one extends */
    TYPE_ANCESTORS_MAX = 64 /* above one, in all */
};

/* Rules that findings about types name; NULL-ended by id, as profile_rules. */
extern const struct profile_rule type_rules[];

/* Is the document a type, by itself?  What it says of others a set can tell. */
int type_check(struct arena *a, const struct jval *root, struct slice text, struct findings *ret);

struct twin_type {
    struct slice id;
    const struct jval *own;      /* the document */
    const struct jval *resolved; /* with what it has from those above; NULL: there is a problem */
    const char *problem;         /* a sentence: what is wrong with what it extends; or NULL */
    const char *pointer;         /* where in the document */
    const struct twin_type *const *above; /* all that it extends, however far up; NULL-ended */
};

struct type_set; /* opaque; shared by reference */

/* Of documents that type_check() found no error in; they are copied.  ERR_NOMEM. */
int type_set_new(const struct jval *const *docs, size_t n, struct type_set **ret);
struct type_set *type_set_ref(struct type_set *set); /* NULL too, here and below */
void type_set_unref(struct type_set *set);
const struct twin_type *type_set_get(const struct type_set *set, struct slice id); /* NULL: none */
const struct twin_type *type_set_next(const struct type_set *set, size_t *at);     /* from 0 */

/* The documents of a list in an order in which each stands behind those of them that it extends: a
 * new list, the old one is empty then.  NULL: out of memory. */
struct jval *types_in_order(struct arena *a, struct jval *list);

/* Is a twin of type `id` one of `wanted` as well: the same, or above it? */
bool type_is(const struct type_set *set, struct slice id, struct slice wanted);

/* What a profile gets from its types when it is made: sensors, commands and settings that it lacks,
 * and defaults for members that it does not have.  As profile_fill(), which comes behind it. */
int type_fill(struct arena *a, const struct type_set *set, struct jval *root,
              const char *const **ret_filled);

/* The smallest profile of a twin of that type; members of `more` (an object, or NULL) are put over
 * it.  It is filled when the twin is made. */
struct jval *type_instance(struct arena *a, const struct twin_type *type, struct slice id,
                           const struct jval *more);

/* ---- is a twin as its types say ---- */

/* The twin, wherever what is known of it is kept. */
struct type_subject {
    void *arg;
    struct slice types; /* as in a profile's view */
    bool (*sensor)(void *arg, struct slice id, struct slice *ret_type, struct slice *ret_unit,
                   const struct jval **ret_at);
    /* Its relationships one after the other: *state is NULL at first.  False: there are no more. */
    bool (*relation)(void *arg, const void **state, struct slice *ret_kind,
                     struct slice *ret_target, const struct jval **ret_at);
    /* Is something of that name in a list of the profile?  NULL: that is not known here. */
    bool (*lists)(void *arg, const char *list, struct slice name);
    /* Is the twin of that id one of that type?  -1: there is none, or it is not known here. */
    int (*is_of)(void *arg, struct slice twin, struct slice type);
    void (*say)(void *arg, enum severity severity, const char *rule, const struct jval *at,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
};
void type_judge(const struct type_set *set, const struct type_subject *s);

/* profile_check_doc(), and whether the profile is as its types say.  is_of as above; or NULL. */
struct type_eyes {
    const struct type_set *set; /* NULL: types are not looked at */
    int (*is_of)(void *arg, struct slice twin, struct slice type);
    void *arg;
};
int profile_check_as(struct arena *a, struct jval *root, struct slice text,
                     const struct type_eyes *eyes, struct findings *ret);

#endif
