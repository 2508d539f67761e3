/* json_edit.c - documents made and changed: values, members, merge patches; and equality.
 *
 * Where two objects meet and both are large, the members of one are hashed, so that documents
 * from outside cannot make this quadratic. */
#include "base/err.h"
#include "codec/json_internal.h"

#include <math.h>

/* ---- making ---- */

struct jval *jval_new(struct arena *a, enum jtype type)
{
    struct jval *v = arena_zalloc(a, sizeof *v);
    if (!v)
        return NULL;
    v->type = type;
    v->offset = v->key_offset = SIZE_MAX;
    if (type == J_NUMBER)
        v->text = SLICE_LIT("0");
    else if (type == J_STRING)
        v->text = SLICE_LIT("");
    return v;
}

/* A new string or number with a copy of the text. */
static struct jval *new_text(struct arena *a, enum jtype type, struct slice text)
{
    struct jval *v = jval_new(a, type);
    if (!v)
        return NULL;
    v->text = arena_dup(a, text);
    return v->text.p ? v : NULL;
}

struct jval *jval_new_string(struct arena *a, struct slice s)
{
    return new_text(a, J_STRING, s);
}

struct jval *jval_new_number(struct arena *a, double number)
{
    if (!isfinite(number))
        return jval_new(a, J_NULL);
    struct buf digits = {0};
    buf_add_double(&digits, number);
    struct jval *v = digits.failed ? NULL : new_text(a, J_NUMBER, buf_slice(&digits));
    buf_release(&digits);
    return v;
}

struct jval *jval_new_raw_number(struct arena *a, struct slice digits)
{
    return json_number_valid(digits) ? new_text(a, J_NUMBER, digits) : NULL;
}

struct jval *jval_new_bool(struct arena *a, bool boolean)
{
    struct jval *v = jval_new(a, J_BOOL);
    if (v)
        v->boolean = boolean;
    return v;
}

/* ---- changing ---- */

/* Put v where old stands; without v only take old out. */
static void replace(struct jval *parent, struct jval *old, struct jval *v)
{
    struct jval *prev = old->prev, *next = old->next;
    if (v) {
        v->parent = parent;
        v->key = old->key;
        v->key_offset = SIZE_MAX;
        v->prev = prev;
        v->next = next;
    } else {
        parent->count--;
    }
    *(prev ? &prev->next : &parent->first) = v ? v : next;
    *(next ? &next->prev : &parent->last) = v ? v : prev;
    old->parent = old->prev = old->next = NULL;
}

static struct jval *add_member(struct arena *a, struct jval *object, struct slice key,
                               struct jval *v)
{
    struct slice copy = arena_dup(a, key);
    if (!copy.p)
        return NULL;
    v->key = copy;
    v->key_offset = SIZE_MAX;
    jval_link(object, v);
    return v;
}

struct jval *jval_set(struct arena *a, struct jval *object, struct slice key, struct jval *v)
{
    if (!v || !object || object->type != J_OBJECT)
        return NULL;
    struct jval *old = jval_get_slice(object, key);
    if (!old)
        return add_member(a, object, key, v);
    if (old != v)
        replace(object, old, v);
    return v;
}

struct jval *jval_append(struct jval *array, struct jval *v)
{
    if (!v || !array || array->type != J_ARRAY)
        return NULL;
    jval_link(array, v);
    return v;
}

bool jval_remove(struct jval *object, struct slice key)
{
    struct jval *old = jval_get_slice(object, key);
    if (!old)
        return false;
    replace(object, old, NULL);
    return true;
}

void jval_take_out(struct jval *v)
{
    replace(v->parent, v, NULL);
}

struct jval *jval_copy(struct arena *a, const struct jval *v)
{
    if (!v)
        return NULL;
    bool text = v->type == J_STRING || v->type == J_NUMBER;
    struct jval *copy = text ? new_text(a, v->type, v->text) : jval_new(a, v->type);
    if (!copy)
        return NULL;
    copy->boolean = v->boolean;
    for (const struct jval *child = v->first; child; child = child->next) {
        struct jval *twin = jval_copy(a, child);
        if (!twin)
            return NULL;
        if (v->type == J_ARRAY)
            jval_link(copy, twin);
        else if (!add_member(a, copy, child->key, twin))
            return NULL;
    }
    return copy;
}

static int merge_members(struct arena *a, struct jval *target, const struct jval *patch,
                         const struct jval_index *index)
{
    for (const struct jval *m = patch->first; m; m = m->next) {
        struct jval *old = jval_find(target, index, m->key);
        if (m->type == J_NULL) {
            if (old)
                replace(target, old, NULL);
            continue;
        }
        struct jval *merged = jval_merge_patch(a, old, m);
        if (!merged)
            return ERR_NOMEM;
        if (!old && !add_member(a, target, m->key, merged))
            return ERR_NOMEM;
        if (old && old != merged)
            replace(target, old, merged);
    }
    return 0;
}

struct jval *jval_merge_patch(struct arena *a, struct jval *target, const struct jval *patch)
{
    if (patch->type != J_OBJECT)
        return jval_copy(a, patch);
    if (!target || target->type != J_OBJECT)
        target = jval_new(a, J_OBJECT);
    if (!target)
        return NULL;
    /* A patch names a member once: the index of the members there were is all that it needs,
     * and what it adds itself need not be searched, be the target small or empty. */
    struct jval_index index = {0};
    if (patch->count > JSON_LINEAR)
        jval_index_make(&index, target);
    int rc = merge_members(a, target, patch, &index);
    map_release(&index.map);
    return rc ? NULL : target;
}

/* ---- equality ---- */

static bool objects_equal(const struct jval *a, const struct jval *b)
{
    struct jval_index index = {0};
    bool equal = true;
    const struct jval *same = b->first; /* the member of b at the same place, mostly the one */
    for (const struct jval *m = a->first; m && equal; m = m->next) {
        const struct jval *other = same;
        if (!same || !slice_eq(same->key, m->key)) {
            if (!index.there && b->count > JSON_LINEAR)
                jval_index_make(&index, b);
            other = jval_find(b, &index, m->key);
        }
        equal = other && jval_equal(m, other);
        same = same ? same->next : NULL;
    }
    map_release(&index.map);
    return equal;
}

bool jval_equal(const struct jval *a, const struct jval *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case J_NULL:
        return true;
    case J_BOOL:
        return a->boolean == b->boolean;
    case J_NUMBER:
        return json_number_equal(a->text, b->text);
    case J_STRING:
        return slice_eq(a->text, b->text);
    case J_OBJECT:
        return objects_equal(a, b);
    case J_ARRAY:
        break;
    }
    const struct jval *other = b->first;
    for (const struct jval *child = a->first; child; child = child->next, other = other->next)
        if (!jval_equal(child, other))
            return false;
    return true;
}
