/* type_judge.c - is a twin as its types say; and what a profile gets from them when it is made. */
#include "twin/type.h"

#include "base/err.h"
#include "twin/check.h"
#include "twin/relations.h"
#include "twin/units.h"

#include <stdarg.h>

/* ---- the judgement ---- */

static bool same_word(struct slice a, struct slice b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static void judge_sensor(const struct type_subject *s, const struct twin_type *t,
                         const struct jval *wanted)
{
    struct slice id = jval_string(jval_get(wanted, "id")), type, unit;
    struct slice type_wanted = jval_string(jval_get(wanted, "type"));
    struct slice unit_wanted = jval_string(jval_get(wanted, "unit"));
    const struct jval *at = NULL;
    double d;
    if (!s->sensor(s->arg, id, &type, &unit, &at)) {
        s->say(s->arg, SEVERITY_ERROR, "type.sensor", NULL,
               "A twin of type %.*s has a sensor \"%.*s\"%s%.*s%s: add it to sensors.",
               SLICE_ARG(t->id), SLICE_ARG(id), unit_wanted.n ? ", in " : "",
               SLICE_ARG(unit_wanted), "");
        return;
    }
    if (type_wanted.n && !same_word(type, type_wanted))
        s->say(s->arg, SEVERITY_ERROR, "type.sensor.type", at,
               "The sensor %.*s measures \"%.*s\", but in the type %.*s it is \"%.*s\".",
               SLICE_ARG(id), SLICE_ARG(type), SLICE_ARG(t->id), SLICE_ARG(type_wanted));
    if (unit_wanted.n && units_convert(unit, unit_wanted, 1, &d))
        s->say(s->arg, SEVERITY_ERROR, "type.sensor.unit", at,
               "The unit \"%.*s\" of the sensor %.*s does not convert to \"%.*s\", which the type "
               "%.*s says.",
               SLICE_ARG(unit), SLICE_ARG(id), SLICE_ARG(unit_wanted), SLICE_ARG(t->id));
}

static void judge_names(const struct type_subject *s, const struct twin_type *t, const char *list,
                        const char *profile_list, const char *rule, const char *what)
{
    const struct jval *wanted = jval_get(t->resolved, list);
    for (const struct jval *v = wanted ? wanted->first : NULL; v && s->lists; v = v->next) {
        struct slice name = jval_string(jval_get(v, "name"));
        if (!s->lists(s->arg, profile_list, name))
            s->say(s->arg, SEVERITY_ERROR, rule, NULL,
                   "A twin of type %.*s has the %s \"%.*s\": add it to %s.", SLICE_ARG(t->id), what,
                   SLICE_ARG(name), profile_list);
    }
}

/* Those of the kind whose target is of the type count; where the type names no target, all do. */
static void judge_relationship(const struct type_subject *s, const struct twin_type *t,
                               const struct jval *rule, bool alone)
{
    struct slice kind = jval_string(jval_get(rule, "kind")), k, target;
    struct slice wanted = jval_string(jval_get(rule, "target"));
    double least = 0, most = -1, n = 0, unknown = 0;
    const void *state = NULL;
    const struct jval *at = NULL;
    jval_number(jval_get(rule, "min"), &least);
    jval_number(jval_get(rule, "max"), &most);
    while (s->relation(s->arg, &state, &k, &target, &at)) {
        if (!slice_eq(k, kind))
            continue;
        int is = !wanted.n ? 1 : s->is_of ? s->is_of(s->arg, target, wanted) : -1;
        n += is == 1;
        unknown += is < 0;
        if (is == 0 && alone) /* another row of the type may be about it */
            s->say(s->arg, SEVERITY_ERROR, "type.relationship", at,
                   "%.*s of a twin of type %.*s leads to twins of type %.*s, and %.*s is none.",
                   SLICE_ARG(kind), SLICE_ARG(t->id), SLICE_ARG(wanted), SLICE_ARG(target));
    }
    if (n + unknown < least)
        s->say(s->arg, SEVERITY_ERROR, "type.relationship", NULL,
               "A twin of type %.*s %.*s at least %g%s%.*s, and has %g: add what is missing.",
               SLICE_ARG(t->id), SLICE_ARG(kind), least, wanted.n ? " of type " : "",
               SLICE_ARG(wanted), n + unknown);
    if (most >= 0 && n > most)
        s->say(s->arg, SEVERITY_ERROR, "type.relationship", NULL,
               "A twin of type %.*s %.*s at most %g%s%.*s, and has %g: take some out.",
               SLICE_ARG(t->id), SLICE_ARG(kind), most, wanted.n ? " of type " : "",
               SLICE_ARG(wanted), n);
}

static bool stands_alone(const struct jval *rule)
{
    struct slice kind = jval_string(jval_get(rule, "kind"));
    for (const struct jval *v = rule->parent->first; v; v = v->next)
        if (v != rule && slice_eq(jval_string(jval_get(v, "kind")), kind))
            return false;
    return true;
}

static void judge_one(const struct type_subject *s, const struct twin_type *t)
{
    const struct jval *sensors = jval_get(t->resolved, "sensors");
    const struct jval *rules = jval_get(t->resolved, "relationships");
    for (const struct jval *v = sensors ? sensors->first : NULL; v; v = v->next)
        judge_sensor(s, t, v);
    judge_names(s, t, "commands", "doppel:commands", "type.command", "command");
    judge_names(s, t, "settings", "doppel:settings", "type.setting", "setting");
    for (const struct jval *v = rules ? rules->first : NULL; v; v = v->next)
        judge_relationship(s, t, v, stands_alone(v));
}

void type_judge(const struct type_set *set, const struct type_subject *s)
{
    struct slice rest = s->types, id;
    while (twin_types_next(&rest, &id)) {
        const struct twin_type *t = type_set_get(set, id);
        if (!t)
            s->say(s->arg, SEVERITY_WARNING, "type.unknown", NULL,
                   "There is no type %.*s: make it, or correct doppel:twinType.", SLICE_ARG(id));
        else if (!t->resolved)
            s->say(s->arg, SEVERITY_WARNING, "type.unknown", NULL,
                   "The type %.*s cannot be used: %s", SLICE_ARG(id), t->problem);
        else
            judge_one(s, t);
    }
}

/* ---- a profile, as the subject ---- */

struct document {
    struct check *check;
    const struct type_eyes *eyes;
};

static bool doc_sensor(void *arg, struct slice id, struct slice *ret_type, struct slice *ret_unit,
                       const struct jval **ret_at)
{
    const struct document *d = arg;
    const struct jval *v = map_get(&d->check->sensor_ids, id);
    if (!v)
        return false;
    *ret_type = jval_string(jval_get(v, "type"));
    *ret_unit = jval_string(jval_get(v, "unit"));
    *ret_at = v;
    return true;
}

static bool doc_relation(void *arg, const void **state, struct slice *ret_kind,
                         struct slice *ret_target, const struct jval **ret_at)
{
    const struct document *d = arg;
    const struct jval *list = jval_get(d->check->root, "doppel:relationships");
    const struct jval *before = *state;
    const struct jval *v = before                          ? before->next
                           : list && list->type == J_ARRAY ? list->first
                                                           : NULL;
    for (; v; v = v->next) {
        *ret_kind = jval_string(jval_get(v, "kind"));
        *ret_target = jval_string(jval_get(v, "target"));
        if (!slice_is_id(*ret_kind) || !slice_is_id(*ret_target))
            continue;
        *ret_at = v;
        *state = v;
        return true;
    }
    return false;
}

static bool doc_lists(void *arg, const char *name, struct slice wanted)
{
    const struct document *d = arg;
    const struct jval *list = jval_get(d->check->root, name);
    for (const struct jval *v = list && list->type == J_ARRAY ? list->first : NULL; v; v = v->next)
        if (slice_eq(jval_string(jval_get(v, "name")), wanted))
            return true;
    return false;
}

static int doc_is_of(void *arg, struct slice twin, struct slice type)
{
    const struct document *d = arg;
    return d->eyes->is_of ? d->eyes->is_of(d->eyes->arg, twin, type) : -1;
}

static void __attribute__((format(printf, 5, 6)))
doc_say(void *arg, enum severity severity, const char *rule, const struct jval *at,
        const char *format, ...)
{
    struct document *d = arg;
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    if (!at)
        at = jval_get(d->check->root, "doppel:twinType");
    d->check->failed |= b.failed;
    if (severity == SEVERITY_ERROR)
        check_error(d->check, rule, at, "%.*s", SLICE_ARG(buf_slice(&b)));
    else
        check_warn(d->check, rule, at, "%.*s", SLICE_ARG(buf_slice(&b)));
    buf_release(&b);
}

void check_types(struct check *c, const struct type_eyes *eyes)
{
    struct document d = {c, eyes};
    struct type_subject s = {.arg = &d,
                             .sensor = doc_sensor,
                             .relation = doc_relation,
                             .lists = doc_lists,
                             .is_of = doc_is_of,
                             .say = doc_say};
    if (!eyes->set)
        return;
    if (twin_types_read(c->arena, c->root, &s.types))
        c->failed = true;
    else
        type_judge(eyes->set, &s);
}

/* ---- what a profile gets ---- */

struct filling {
    struct arena *arena;
    const char **pointers;
    size_t n, cap;
    bool failed;
};

static void filled(struct filling *f, const struct jval *v)
{
    struct buf b = {0};
    if (!v) {
        f->failed = true;
        return;
    }
    if (f->n + 1 >= f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;
        const char **more = arena_alloc(f->arena, cap * sizeof *more);
        if (!more) {
            f->failed = true;
            return;
        }
        if (f->n)
            memcpy(more, f->pointers, f->n * sizeof *more);
        f->pointers = more;
        f->cap = cap;
    }
    jval_path(&b, v);
    const char *pointer = b.failed ? NULL : arena_strndup(f->arena, b.p, b.n);
    buf_release(&b);
    f->failed |= !pointer;
    if (pointer)
        f->pointers[f->n++] = pointer;
}

/* A sensor of a profile has what a type need not say. */
static struct jval *complete(struct filling *f, const struct jval *member)
{
    struct jval *v = jval_copy(f->arena, member);
    if (v && jval_get(v, "id") && !jval_get(v, "name"))
        f->failed |= !jval_set(f->arena, v, SLICE_LIT("name"),
                               jval_new_string(f->arena, jval_string(jval_get(v, "id"))));
    return v;
}

static void fill_list(struct filling *f, struct jval *root, const struct twin_type *t,
                      const char *from, const char *to, const char *by)
{
    const struct jval *wanted = jval_get(t->resolved, from);
    struct jval *list = jval_get(root, to);
    if (!wanted || !wanted->count || (list && list->type != J_ARRAY))
        return;
    for (const struct jval *v = wanted->first; v && !f->failed; v = v->next) {
        struct slice name = jval_string(jval_get(v, by));
        bool there = false;
        for (const struct jval *o = list ? list->first : NULL; o && !there; o = o->next)
            there = slice_eq(jval_string(jval_get(o, by)), name);
        if (there)
            continue;
        if (!list)
            list = jval_set(f->arena, root, slice_str(to), jval_new(f->arena, J_ARRAY));
        filled(f, list ? jval_append(list, complete(f, v)) : NULL);
    }
}

static void fill_members(struct filling *f, struct jval *into, const struct jval *defaults)
{
    for (const struct jval *m = defaults ? defaults->first : NULL; m && !f->failed; m = m->next) {
        struct jval *there = jval_get_slice(into, m->key);
        if (!there)
            filled(f, jval_set(f->arena, into, m->key, jval_copy(f->arena, m)));
        else if (there->type == J_OBJECT && m->type == J_OBJECT)
            fill_members(f, there, m);
    }
}

int type_fill(struct arena *a, const struct type_set *set, struct jval *root,
              const char *const **ret_filled)
{
    struct filling f = {.arena = a, .cap = 1};
    struct slice rest, id;
    f.pointers = arena_alloc(a, sizeof *f.pointers);
    if (!f.pointers || twin_types_read(a, root, &rest))
        return ERR_NOMEM;
    while (twin_types_next(&rest, &id)) {
        const struct twin_type *t = type_set_get(set, id);
        if (!t || !t->resolved)
            continue;
        fill_list(&f, root, t, "sensors", "sensors", "id");
        fill_list(&f, root, t, "commands", "doppel:commands", "name");
        fill_list(&f, root, t, "settings", "doppel:settings", "name");
        fill_members(&f, root, jval_get(t->resolved, "defaults"));
    }
    if (f.failed)
        return ERR_NOMEM;
    f.pointers[f.n] = NULL;
    *ret_filled = f.pointers;
    return 0;
}

static struct jval *parse(struct arena *a, const char *text)
{
    struct jval *v = NULL;
    return jdoc_parse(a, slice_str(text), &v, NULL) ? NULL : v;
}

static bool put_text(struct arena *a, struct jval *object, const char *key, struct slice text)
{
    return jval_set(a, object, slice_str(key), jval_new_string(a, text));
}

struct jval *type_instance(struct arena *a, const struct twin_type *type, struct slice id,
                           const struct jval *more)
{
    static const char core[] =
        "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
        "\"@type\":\"DigitalDocument\",\"name\":\"\",\"description\":\"\",\"identifier\":{\"@"
        "type\":"
        "\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"\"},\"doppel:twinType\":\"\","
        "\"subjectOf\":{\"@type\":\"Product\",\"name\":\"\"}}";
    struct jval *root = parse(a, core);
    struct slice kind = jval_string(jval_get(type->own, "name"));
    struct slice description = jval_string(jval_get(type->own, "description"));
    if (!kind.n)
        kind = type->id;
    if (!root || !put_text(a, root, "name", id) ||
        !put_text(a, root, "description", description.n ? description : kind) ||
        !put_text(a, jval_get(root, "identifier"), "value", id) ||
        !put_text(a, jval_get(root, "subjectOf"), "name", kind) ||
        !put_text(a, root, "doppel:twinType", type->id))
        return NULL;
    const struct jval *defaults = jval_get(type->resolved, "defaults");
    if (defaults && !(root = jval_merge_patch(a, root, defaults)))
        return NULL;
    return more ? jval_merge_patch(a, root, more) : root;
}
