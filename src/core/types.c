/* types.c - types of twins: which there are, whether a change of one may be, and who is as they
 * say.
 *
 * Sets are kept by organisation and made when they are asked for.  What a change would break is
 * tried on a set of those that it could touch: the type, all that stand below it, and all above
 * those. */
#include "core/types.h"
#include "access/documents.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/graph_keep.h"
#include "core/internal.h"
#include "core/layouts.h"
#include "core/types_keep.h"
#include "twin/relations.h"

#include <stdlib.h>

enum { JUDGED_IN_A_TURN = 4000, NEIGHBOURS_JUDGED = 100 };

/* One organisation's. */
struct org_types {
    char *slug;
    struct type_set *set;
    bool old; /* it is to be made anew */
};

struct types {
    struct core *core;
    struct map by_org; /* struct org_types */
    struct document_watch watch;
    size_t judge_at; /* the twin to look at next */
    bool judging;
};

/* ---- sets ---- */

static struct org_types *types_of(struct types *ty, const struct org *org, bool make)
{
    struct org_types *o = map_get(&ty->by_org, slice_str(org->e.id));
    if (o || !make)
        return o;
    o = calloc(1, sizeof *o);
    if (!o || !(o->slug = strdup(org->e.id)) || map_put(&ty->by_org, slice_str(o->slug), o, NULL)) {
        if (o)
            free(o->slug);
        free(o);
        return NULL;
    }
    return o;
}

/* Documents of types of an organisation; the caller frees.  NULL: out of memory. */
static const struct jval **documents_of(const struct core *c, const struct org *org, size_t *ret_n)
{
    const struct document *d;
    size_t n = 0, at = 0;
    while (document_next(c->access, DOCUMENT_TYPE, org, &at))
        n++;
    const struct jval **docs = malloc((n + 1) * sizeof *docs);
    for (n = at = 0; docs && (d = document_next(c->access, DOCUMENT_TYPE, org, &at));)
        docs[n++] = d->body;
    *ret_n = n;
    return docs;
}

struct type_set *core_types(struct core *c, const struct org *org)
{
    struct org_types *o = c->types && org ? types_of(c->types, org, false) : NULL;
    if (!o || !o->old)
        return o ? o->set : NULL;
    size_t n;
    const struct jval **docs = documents_of(c, org, &n);
    struct type_set *set = NULL;
    if (!docs || (n && type_set_new(docs, n, &set))) {
        log_error("core", "the types of %s stay as they were: out of memory", o->slug);
        free(docs);
        return o->set;
    }
    free(docs);
    type_set_unref(o->set);
    o->set = set;
    o->old = false;
    return set;
}

bool core_twin_is(struct core *c, const struct twin *t, struct slice type)
{
    for (const char *at = t->twin_types; *at; at += strlen(at) + 1)
        if (slice_is(type, at)) /* most often, and cheap */
            return true;
    const struct type_set *set = *t->twin_types ? core_types(c, t->org) : NULL;
    for (const char *at = t->twin_types; set && *at; at += strlen(at) + 1)
        if (type_is(set, slice_str(at), type))
            return true;
    return false;
}

int core_twin_id_is(struct core *c, const struct twin *beside, struct slice id, struct slice type)
{
    struct buf key = {0};
    buf_add(&key, beside->key, (size_t)(beside->id - beside->key));
    buf_add_slice(&key, id);
    const struct twin *t = key.failed ? NULL : core_twin(c, buf_slice(&key));
    buf_release(&key);
    return t ? core_twin_is(c, t, type) : -1;
}

void core_type_use(struct core *c, const struct org *org, struct slice type, struct type_use *ret)
{
    size_t n;
    struct twin *const *all = core_twins(c, &n);
    *ret = (struct type_use){0};
    for (size_t i = 0; i < n; i++) {
        bool direct = false;
        if (all[i]->org != org || !*all[i]->twin_types)
            continue;
        for (const char *at = all[i]->twin_types; *at && !direct; at += strlen(at) + 1)
            direct = slice_is(type, at);
        bool is = direct || core_twin_is(c, all[i], type);
        ret->direct += direct;
        ret->twins += is;
        ret->misfits += is && all[i]->misfits;
    }
}

/* ---- is a twin as its types say, by what is in memory ---- */

struct subject {
    struct core *core;
    struct twin *twin;
    uint32_t errors;
};

static bool live_sensor(void *arg, struct slice id, struct slice *ret_type, struct slice *ret_unit,
                        const struct jval **ret_at)
{
    const struct subject *s = arg;
    const struct sensor_spec *spec = s->twin->layout ? layout_find(s->twin->layout, id) : NULL;
    (void)ret_at;
    if (!spec)
        return false;
    *ret_type = spec->type;
    *ret_unit = spec->unit;
    return true;
}

static bool live_relation(void *arg, const void **state, struct slice *ret_kind,
                          struct slice *ret_target, const struct jval **ret_at)
{
    const struct subject *s = arg;
    const struct edge *e =
        *state ? graph_next(*state, GRAPH_OUT, NULL) : graph_first(s->twin, GRAPH_OUT, NULL);
    (void)ret_at;
    if (!e)
        return false;
    *state = e;
    *ret_kind = slice_str(e->kind->name);
    *ret_target = slice_str(e->target->id);
    return true;
}

static int live_is_of(void *arg, struct slice twin, struct slice type)
{
    const struct subject *s = arg;
    return core_twin_id_is(s->core, s->twin, twin, type);
}

static void __attribute__((format(printf, 5, 6)))
live_say(void *arg, enum severity severity, const char *rule, const struct jval *at,
         const char *format, ...)
{
    struct subject *s = arg;
    (void)rule, (void)at, (void)format;
    s->errors += severity == SEVERITY_ERROR;
}

static void judge(struct core *c, struct twin *t)
{
    struct subject one = {c, t, 0};
    struct type_subject s = {.arg = &one,
                             .sensor = live_sensor,
                             .relation = live_relation,
                             .is_of = live_is_of,
                             .say = live_say};
    for (const char *at = t->twin_types; *at; at += strlen(at) + 1)
        s.types = slice_of(t->twin_types, (size_t)(at - t->twin_types) + strlen(at) + 1);
    struct type_set *set = s.types.n ? core_types(c, t->org) : NULL;
    if (set)
        type_judge(set, &s);
    t->misfits = one.errors;
}

void types_twin_changed(struct core *c, struct twin *t)
{
    size_t n = 0;
    judge(c, t);
    for (const struct edge *e = graph_first(t, GRAPH_IN, NULL); e && n < NEIGHBOURS_JUDGED;
         e = graph_next(e, GRAPH_IN, NULL), n++)
        if (*e->source->twin->twin_types) /* whose relationships it may fit, or not */
            judge(c, e->source->twin);
}

void types_turn(struct core *c)
{
    struct types *ty = c->types;
    size_t n;
    if (!ty || !ty->judging)
        return;
    struct twin *const *all = core_twins(c, &n);
    for (size_t done = 0; done < JUDGED_IN_A_TURN && ty->judge_at < n; ty->judge_at++, done++)
        if (*all[ty->judge_at]->twin_types)
            judge(c, all[ty->judge_at]);
    ty->judging = ty->judge_at < n;
}

/* ---- may a change be ---- */

static bool extends_one(const struct jval *doc, const struct map *of)
{
    const struct jval *said = jval_get(doc, "extends");
    const struct jval *v = said && said->type == J_ARRAY ? said->first : said;
    for (; v; v = v == said ? NULL : v->next)
        if (map_get(of, jval_string(v)))
            return true;
    return false;
}

static int add(struct map *of, const struct jval *doc)
{
    return map_put(of, jval_string(jval_get(doc, "id")), (void *)(uintptr_t)doc, NULL);
}

/* Into *of: body, all that stand below it, and all above those. */
static int touched(struct core *c, const struct org *org, const struct jval *body, struct map *of)
{
    struct slice id = jval_string(jval_get(body, "id"));
    size_t n, before;
    const struct jval **docs = documents_of(c, org, &n);
    int err = docs ? add(of, body) : ERR_NOMEM;
    for (size_t i = 0; i < n && !err; i++)
        if (slice_eq(jval_string(jval_get(docs[i], "id")), id))
            docs[i] = body;
    do { /* downwards */
        before = of->count;
        for (size_t i = 0; i < n && !err; i++)
            if (extends_one(docs[i], of))
                err = add(of, docs[i]);
    } while (!err && of->count > before);
    struct map wanted = {0};
    do { /* upwards */
        before = of->count;
        size_t at = 0;
        const struct jval *doc;
        while ((doc = map_next(of, &at)) && !err) {
            const struct jval *said = jval_get(doc, "extends");
            const struct jval *v = said && said->type == J_ARRAY ? said->first : said;
            for (; v && !err; v = v == said ? NULL : v->next)
                if (jval_string(v).n)
                    err = map_put(&wanted, jval_string(v), (void *)(uintptr_t)v, NULL);
        }
        for (size_t i = 0; i < n && !err; i++)
            if (map_get(&wanted, jval_string(jval_get(docs[i], "id"))))
                err = add(of, docs[i]);
    } while (!err && of->count > before);
    map_release(&wanted);
    free(docs);
    return err;
}

static int set_of(const struct map *of, struct type_set **ret)
{
    const struct jval **docs = malloc((of->count + 1) * sizeof *docs), *doc;
    size_t n = 0, at = 0;
    while (docs && (doc = map_next(of, &at)))
        docs[n++] = doc;
    int err = docs ? type_set_new(docs, n, ret) : ERR_NOMEM;
    free(docs);
    return err;
}

int types_try(struct core *c, const struct org *org, const struct jval *body, struct arena *a,
              const char **ret_pointer, const char **ret_why)
{
    struct map of = {0};
    struct type_set *set = NULL;
    struct slice id = jval_string(jval_get(body, "id"));
    int err = touched(c, org, body, &of);
    if (!err)
        err = set_of(&of, &set);
    map_release(&of);
    if (err)
        return err;
    const struct twin_type *t = type_set_get(set, id), *other;
    *ret_why = NULL;
    if (t->problem) {
        *ret_pointer = arena_strndup(a, t->pointer, strlen(t->pointer));
        *ret_why = arena_strndup(a, t->problem, strlen(t->problem));
    }
    for (size_t at = 0; !*ret_why && (other = type_set_next(set, &at));) {
        /* the whole set is only made for this where there is something to compare */
        const struct twin_type *was =
            other->problem ? type_set_get(core_types(c, org), other->id) : NULL;
        if (!was || was->problem)
            continue;
        *ret_pointer = "";
        *ret_why = arena_printf(a, "That would break the type %.*s: %s", SLICE_ARG(other->id),
                                other->problem);
    }
    type_set_unref(set);
    return *ret_why ? ERR_CONFLICT : 0;
}

static int check_removal(struct core *c, struct change *ch, const struct org *org, struct slice id)
{
    struct type_use use;
    const struct document *d;
    size_t at = 0;
    struct map self = {0};
    core_type_use(c, org, id, &use);
    if (use.direct)
        return change_refuse(ch, ERR_CONFLICT,
                             "%zu %s of the type %.*s: give them another one first.", use.direct,
                             use.direct == 1 ? "twin is" : "twins are", SLICE_ARG(id));
    int err = map_put(&self, id, ch, NULL);
    while (!err && (d = document_next(c->access, DOCUMENT_TYPE, org, &at)))
        if (extends_one(d->body, &self))
            err = change_refuse(ch, ERR_CONFLICT, "The type %s extends %.*s: change that first.",
                                d->id, SLICE_ARG(id));
    map_release(&self);
    return err;
}

static int check(void *arg, struct change *ch, struct org *org, struct slice id,
                 const struct jval *body)
{
    struct types *ty = arg;
    struct findings f;
    const char *pointer = "", *why = NULL;
    if (!body)
        return check_removal(ty->core, ch, org, id);
    if (type_check(ch->arena, body, slice_of(NULL, 0), &f))
        return ERR_NOMEM;
    for (size_t i = 0; i < f.n; i++)
        if (f.items[i].severity == SEVERITY_ERROR)
            return change_refuse(ch, ERR_INVALID, "%s (at \"%s\")", f.items[i].message,
                                 f.items[i].pointer);
    int err = types_try(ty->core, org, body, ch->arena, &pointer, &why);
    return err && why ? change_refuse(ch, err, "%s (at \"%s\")", why, pointer) : err;
}

/* ---- following the documents ---- */

static void on_document(void *arg, struct document *d)
{
    struct types *ty = arg;
    struct org_types *o = types_of(ty, d->org, true);
    if (o)
        o->old = true;
    ty->judging = true;
    ty->judge_at = 0;
}

int types_open(struct core *c)
{
    struct types *ty = calloc(1, sizeof *ty);
    if (!ty)
        return ERR_NOMEM;
    ty->core = c;
    ty->watch = (struct document_watch){
        .kind = DOCUMENT_TYPE, .check = check, .put = on_document, .drop = on_document, .arg = ty};
    c->types = ty;
    documents_watch(c->access, &ty->watch);
    return 0;
}

void types_close(struct core *c)
{
    struct types *ty = c->types;
    struct org_types *o;
    size_t at = 0;
    if (!ty)
        return;
    documents_unwatch(c->access, &ty->watch);
    while ((o = map_next(&ty->by_org, &at))) {
        type_set_unref(o->set);
        free(o->slug);
        free(o);
    }
    map_release(&ty->by_org);
    free(ty);
    c->types = NULL;
}
