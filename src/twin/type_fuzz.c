/* Fuzz target: any list as types, and what they give to a profile.  A type that can be used makes
 * twins that are as it says. */
#include "twin/type.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES_MAX = 32 };

static const struct profile_defaults defaults = {"mqtt://127.0.0.1:1883/twins/"};

static bool is_about_more_than_relationships(const struct finding *f)
{
    return strncmp(f->rule, "type.", 5) == 0 && strcmp(f->rule, "type.relationship") != 0;
}

static void make_one(struct arena *a, const struct type_set *set, const struct twin_type *t)
{
    const struct type_eyes eyes = {.set = set};
    const char *const *filled = NULL;
    struct findings f;
    struct jval *root = type_instance(a, t, SLICE_LIT("x"), NULL);
    if (!root || type_fill(a, set, root, &filled))
        return;
    for (const char *const *p = filled; *p; p++)
        assert(jval_pointer(root, *p));
    if (profile_fill(a, root, &defaults, &filled))
        return;
    assert(profile_check_as(a, root, slice_of(NULL, 0), &eyes, &f) == 0);
    struct jval *id = jval_get(root, "doppel:twinType");
    for (size_t i = 0; i < f.n && id && slice_eq(jval_string(id), t->id); i++)
        assert(!is_about_more_than_relationships(&f.items[i]) ||
               jval_get(t->resolved, "defaults")); /* which may say anything of lists */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct jval *root = NULL;
    struct type_set *set = NULL;
    const struct jval *docs[TYPES_MAX];
    size_t n = 0, at = 0;
    if (!a)
        abort();
    if (jdoc_parse(a, slice_of((const char *)data, size), &root, NULL) == 0)
        for (const struct jval *v = root->first; v && n < TYPES_MAX; v = v->next) {
            struct findings f;
            assert(type_check(a, v, slice_of((const char *)data, size), &f) == 0);
            if (!f.errors)
                docs[n++] = v;
        }
    if (n && type_set_new(docs, n, &set) == 0)
        for (const struct twin_type *t; (t = type_set_next(set, &at));) {
            assert(!t->resolved == !!t->problem);
            assert(type_is(set, t->id, t->id));
            for (size_t i = 0; t->above[i]; i++)
                assert(t->above[i] != t && type_is(set, t->id, t->above[i]->id));
            if (t->resolved)
                make_one(a, set, t);
        }
    type_set_unref(set);
    arena_free(a);
    return 0;
}
