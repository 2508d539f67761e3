/* walk.c - which twins there are for somebody.  Everything here is called within the gate. */
#include "ask/internal.h"

#include "access/state.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

bool question_may_go_on(struct question *q)
{
    if (q->who->gone)
        question_fail(q, ERR_UNAUTHENTICATED, "What you signed in with has ended.");
    else if (!question_may(q, OP_QUERY))
        question_fail(q, ERR_FORBIDDEN, "You may not ask questions any more.");
    return !q->err;
}

bool question_may(const struct question *q, enum access_op op)
{
    const struct access_object o = {.org = q->org};
    return access_may(core_access(q->core), q->who, op, &o);
}

int question_fail(struct question *q, int err, const char *format, ...)
{
    va_list args;
    if (q->err)
        return q->err;
    va_start(args, format);
    if (format)
        vsnprintf(q->why, sizeof q->why, format, args);
    else
        q->why[0] = 0;
    va_end(args);
    return q->err = err;
}

/* The first twin whose key comes behind text. */
static size_t behind(const struct twin_look *look, const char *text)
{
    size_t low = 0, high = look->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(look->all[mid]->key, text) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct twin_look twin_look(struct question *q)
{
    struct twin_look look = {.q = q};
    look.all = core_twins(q->core, &look.n);
    look.plain = q->org && access_is_plain(core_access(q->core), q->who, q->org) &&
                 (q->who->everything || q->who->ops & OP_BIT(OP_TWIN_READ));
    return look;
}

static bool may_see(const struct question *q, const struct twin *t)
{
    const struct access_object o = {.org = t->org, .twin = slice_str(t->key)};
    return access_may(core_access(q->core), q->who, OP_TWIN_READ, &o);
}

/* Keys of another organisation than the first stand side by side; those of the first have others'
 * in between, but none of theirs a prefix. */
struct twin *twin_next(struct twin_look *look, struct twin_walk *w)
{
    const struct question *q = look->q;
    if (w->over || !q->org)
        return NULL;
    if (*w->last && (w->at >= look->n || strcmp(look->all[w->at]->key, w->last) != 0))
        w->at = behind(look, w->last); /* twins came or went meanwhile */
    else if (*w->last)
        w->at++;
    else if (!w->at)
        w->at = behind(look, q->prefix);
    *w->last = 0;
    for (; w->at < look->n; w->at++) {
        struct twin *t = look->all[w->at];
        if (t->org == q->org) {
            if (look->plain || may_see(q, t)) {
                w->at++;
                return t;
            }
        } else if (*q->prefix) {
            break;
        }
    }
    w->over = true;
    return NULL;
}

void twin_walk_leave(struct twin_walk *w, const struct twin *last)
{
    if (!last || w->over)
        return;
    snprintf(w->last, sizeof w->last, "%s", last->key);
    w->at--;
}

/* Of their own organisation, as all of a walk: what others have shared is asked of REST. */
struct twin *twin_called(struct question *q, struct slice id)
{
    struct twin *t = NULL;
    if (core_find(q->core, q->who, id, OP_TWIN_READ, &t) || t->org != q->org ||
        !slice_is(id, t->id))
        return NULL;
    return t;
}

struct slice key_name(struct question *q, struct slice key, struct buf *scratch)
{
    buf_clear(scratch);
    access_put_id(core_access(q->core), q->who, key, scratch);
    return buf_slice(scratch);
}

struct slice twin_name(struct question *q, const struct twin *t, struct buf *scratch)
{
    return t->org == q->org ? slice_str(t->id) : key_name(q, slice_str(t->key), scratch);
}

bool profile_seen(const struct question *q, struct org *org, struct slice key)
{
    const struct access_object o = {.org = org, .twin = key, .part = PART_PROFILE};
    return access_may(core_access(q->core), q->who, OP_TWIN_READ, &o);
}

bool sensor_seen(const struct twin_look *look, const struct sensor *s, enum access_op op)
{
    if (look->plain && (look->q->who->everything || look->q->who->ops & OP_BIT(op)))
        return true;
    return core_may(look->q->core, look->q->who, op, s);
}

void twins_of_begin(struct twins_of *o, const struct scan *s, int column)
{
    *o = (struct twins_of){.named = scan_has(s, column), .id = scan_eq(s, column)};
}

struct twin *twins_of_next(struct twins_of *o, struct twin_look *look)
{
    if (!o->named)
        return twin_next(look, &o->walk);
    struct twin *t = o->begun || !o->id.p ? NULL : twin_called(look->q, o->id);
    o->begun = true;
    return t;
}

void twins_of_leave(struct twins_of *o, const struct twin *last)
{
    if (!o->named)
        twin_walk_leave(&o->walk, last);
}
