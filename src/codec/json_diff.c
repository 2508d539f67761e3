#include "codec/json_diff.h"

#include <stdio.h>

struct diff {
    struct json_writer *w;
    struct buf path; /* of what is compared */
    size_t n;
};

static void put_pointer(struct diff *d, struct slice key)
{
    buf_add_byte(&d->path, '/');
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~')
            buf_add_str(&d->path, "~0");
        else if (key.p[i] == '/')
            buf_add_str(&d->path, "~1");
        else
            buf_add_byte(&d->path, (unsigned char)key.p[i]);
    }
}

static void put(struct diff *d, const struct jval *before, const struct jval *after)
{
    struct json_writer *w = d->w;
    d->n++;
    json_open(w, '{');
    json_key(w, "pointer");
    json_put_string(w, buf_slice(&d->path));
    if (before) {
        json_key(w, "before");
        jval_write(w, before);
    }
    if (after) {
        json_key(w, "after");
        jval_write(w, after);
    }
    json_close(w, '}');
}

static void compare(struct diff *d, const struct jval *before, const struct jval *after);

static void compare_under(struct diff *d, struct slice key, const struct jval *before,
                          const struct jval *after)
{
    size_t n = d->path.n;
    put_pointer(d, key);
    compare(d, before, after);
    d->path.n = n;
}

static void compare_objects(struct diff *d, const struct jval *before, const struct jval *after)
{
    for (const struct jval *m = before->first; m; m = m->next)
        compare_under(d, m->key, m, jval_get_slice(after, m->key));
    for (const struct jval *m = after->first; m; m = m->next)
        if (!jval_get_slice(before, m->key))
            compare_under(d, m->key, NULL, m);
}

/* By what an object in a list is known; p NULL: nothing. */
static struct slice name_of(const struct jval *v)
{
    struct slice id = jval_string(jval_get(v, "id"));
    return id.p ? id : jval_string(jval_get(v, "name"));
}

static const struct jval *named(const struct jval *list, struct slice name)
{
    for (const struct jval *v = list->first; v && name.p; v = v->next)
        if (name_of(v).p && slice_eq(name_of(v), name))
            return v;
    return NULL;
}

static bool all_named(const struct jval *list)
{
    for (const struct jval *v = list->first; v; v = v->next)
        if (!name_of(v).p || named(list, name_of(v)) != v)
            return false;
    return list->count > 0;
}

static void compare_at(struct diff *d, size_t index, const struct jval *before,
                       const struct jval *after)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    compare_under(d, slice_str(text), before, after);
}

/* Objects that have names are compared with their likes, wherever they stand; else the first with
 * the first.  The index is the place where it is now or, of what went, where it was. */
static void compare_lists(struct diff *d, const struct jval *before, const struct jval *after)
{
    bool names = all_named(before) && all_named(after);
    size_t at = 0;
    for (const struct jval *v = after->first; v; v = v->next, at++)
        compare_at(d, at, names ? named(before, name_of(v)) : jval_at(before, at), v);
    at = 0;
    for (const struct jval *v = before->first; v; v = v->next, at++)
        if (names ? !named(after, name_of(v)) : at >= after->count)
            compare_at(d, at, v, NULL);
}

static void compare(struct diff *d, const struct jval *before, const struct jval *after)
{
    if (before && after ? jval_equal(before, after) : !before && !after)
        return;
    if (before && after && before->type == J_OBJECT && after->type == J_OBJECT)
        compare_objects(d, before, after);
    else if (before && after && before->type == J_ARRAY && after->type == J_ARRAY)
        compare_lists(d, before, after);
    else
        put(d, before, after);
}

size_t json_diff(struct json_writer *w, const struct jval *before, const struct jval *after)
{
    struct diff d = {.w = w};
    json_open(w, '[');
    compare(&d, before, after);
    json_close(w, ']');
    w->out->failed |= d.path.failed;
    buf_release(&d.path);
    return d.n;
}
