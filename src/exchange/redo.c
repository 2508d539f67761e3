#include "exchange/exchange.h"

/* By what an object in a list is known; what[0].p NULL: it is not. */
struct known_by {
    struct slice what[2];
};

static struct known_by name_in_list(const struct jval *v)
{
    static const char *const members[][2] = {
        {"kind", "target"}, {"rel", "href"}, {"@id", NULL}, {"id", NULL}, {"name", NULL}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct slice first = jval_string(jval_get(v, members[i][0]));
        struct slice second =
            members[i][1] ? jval_string(jval_get(v, members[i][1])) : SLICE_LIT("");
        if (first.p && second.p)
            return (struct known_by){{first, second}};
    }
    return (struct known_by){0};
}

static struct jval *find_named(const struct jval *list, struct known_by name)
{
    for (struct jval *v = list->first; v; v = v->next) {
        struct known_by one = name_in_list(v);
        if (one.what[0].p && slice_eq(one.what[0], name.what[0]) &&
            slice_eq(one.what[1], name.what[1]))
            return v;
    }
    return NULL;
}

/* Are they objects, each with a name that no other has? */
static bool all_named(const struct jval *list)
{
    if (!list || list->type != J_ARRAY)
        return false;
    for (const struct jval *v = list->first; v; v = v->next) {
        struct known_by name = name_in_list(v);
        if (v->type != J_OBJECT || !name.what[0].p || find_named(list, name) != v)
            return false;
    }
    return true;
}

static bool redo_members(struct arena *a, struct jval *out, const struct jval *then,
                         const struct jval *now)
{
    for (const struct jval *m = now->first; m; m = m->next) {
        const struct jval *before = jval_get_slice(then, m->key);
        struct jval *kept = jval_get_slice(out, m->key);
        struct jval *made = before && kept ? exchange_redo(a, kept, before, m) : jval_copy(a, m);
        if (before && !kept && jval_equal(before, m))
            continue; /* it followed from nothing that was written */
        if (!made || !jval_set(a, out, m->key, made))
            return false;
    }
    for (const struct jval *m = then->first; m; m = m->next)
        if (!jval_get_slice(now, m->key))
            jval_remove(out, m->key);
    return true;
}

static bool redo_list(struct arena *a, struct jval *out, const struct jval *then,
                      const struct jval *now)
{
    for (const struct jval *m = then->first; m; m = m->next) {
        struct jval *kept = find_named(out, name_in_list(m));
        if (kept && !find_named(now, name_in_list(m)))
            jval_take_out(kept);
    }
    for (const struct jval *m = now->first; m; m = m->next) {
        const struct jval *before = find_named(then, name_in_list(m));
        struct jval *kept = find_named(out, name_in_list(m));
        if (!kept) {
            struct jval *made = before && jval_equal(before, m) ? NULL : jval_copy(a, m);
            if (made ? !jval_append(out, made) : !(before && jval_equal(before, m)))
                return false;
        } else if (before && !redo_members(a, kept, before, m)) {
            return false;
        }
    }
    return true;
}

struct jval *exchange_redo(struct arena *a, const struct jval *kept, const struct jval *then,
                           const struct jval *now)
{
    if (jval_equal(then, now))
        return jval_copy(a, kept);
    struct jval *out = jval_copy(a, kept);
    if (!out)
        return NULL;
    if (kept->type == J_OBJECT && then->type == J_OBJECT && now->type == J_OBJECT)
        return redo_members(a, out, then, now) ? out : NULL;
    if (all_named(kept) && all_named(then) && all_named(now))
        return redo_list(a, out, then, now) ? out : NULL;
    return jval_copy(a, now);
}
