/* The walk along the table of the structure (shape.c), and the sentences that it says. */
#include "twin/check.h"

#include "base/err.h"

/* ---- a member that is not there ---- */

enum { NEAR_MAX = 32 };

/* Edits between two names, counting a swap of neighbours as one; NEAR_MAX when they are long. */
static int distance(struct slice a, struct slice b)
{
    int rows[3][NEAR_MAX + 1];
    int *before = rows[0], *last = rows[1], *row = rows[2];
    if (a.n > NEAR_MAX || b.n > NEAR_MAX)
        return NEAR_MAX;
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            int swap = (a.p[i - 1] | 32) != (b.p[j - 1] | 32);
            int best = last[j - 1] + swap;
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        int *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b.n];
}

static bool is_field(const struct field *fields, struct slice name)
{
    for (; fields->name; fields++)
        if (slice_is(name, fields->name))
            return true;
    return false;
}

/* A member of the object that may be a misspelling of the name. */
static const struct jval *misspelt(const struct jval *object, const struct field *fields,
                                   const char *name)
{
    int looked_at = 0;
    for (const struct jval *m = object->first; m && looked_at < 64; m = m->next, looked_at++) {
        int d = distance(m->key, slice_str(name));
        if (d <= 2 && (size_t)d * 3 <= strlen(name) && !is_field(fields, m->key))
            return m;
    }
    return NULL;
}

static const char *example_of(struct check *c, const struct field *f)
{
    const char *example = f->example ? f->example : f->kind ? f->kind->example : NULL;
    return example ? check_quotes(c, example) : NULL;
}

static void say_missing(struct check *c, const struct jval *object, const struct field *fields,
                        const struct field *f)
{
    if (!check_room_error(c, f->missing))
        return;
    const struct jval *other = misspelt(object, fields, f->name);
    const char *where = check_path(c, object), *example = example_of(c, f);
    if (other)
        check_error(c, f->missing, object,
                    "Add \"%s\" to %s: %s. Perhaps \"%.*s\" was meant to be it.", f->name, where,
                    f->what, SLICE_ARG(other->key));
    else if (example)
        check_error(c, f->missing, object, "Add \"%s\" to %s: %s, such as \"%s\": %s.", f->name,
                    where, f->what, f->name, example);
    else
        check_error(c, f->missing, object, "Add \"%s\" to %s: %s.", f->name, where, f->what);
}

/* ---- a value that does not fit ---- */

static void say_wrong(struct check *c, const struct jval *v, const struct field *f)
{
    const char *rule = f->type_rule && v->type != J_STRING ? f->type_rule : f->rule;
    if (!check_room_error(c, rule))
        return;
    const char *where = check_path(c, v), *shown = check_show(c, v), *example = example_of(c, f);
    const char *why = f->kind->why ? f->kind->why(c->arena, v) : NULL;
    double d;
    if (example && strstr(f->kind->wanted, example))
        example = NULL;
    if (f->kind->number && v->type == J_STRING && !why && !slice_to_double(v->text, &d)) {
        check_error(c, rule, v, "%s is the number %.*s in quotes: write it without them.", where,
                    SLICE_ARG(v->text));
        return;
    }
    check_error(c, rule, v, "%s is %s%s%s: write %s%s%s.", where, shown, why ? ", which " : "",
                why ? why : "", f->kind->wanted, example ? ", such as " : "",
                example ? example : "");
}

static void check_value(struct check *c, const struct jval *v, const struct field *f)
{
    int64_t t;
    bool date_alone;
    if (!f->kind->fits(v)) {
        say_wrong(c, v, f);
        return;
    }
    if (!(f->flags & FIELD_PAST) || moment_parse(v->text, &t, &date_alone))
        return;
    /* a day begins fourteen hours before it does in Greenwich, in the east of Kiribati */
    int64_t slack = (date_alone ? 14 * 60 + 1 : 1) * INT64_C(60000000);
    if (t > c->now_us + slack && check_room_warn(c))
        check_warn(c, "time", v,
                   "%s is %s, which is still to come: write when it was, or set the clock right.",
                   check_path(c, v), check_show(c, v));
}

/* ---- the walk ---- */

static void check_object(struct check *c, const struct jval *v, const struct field *f)
{
    if (v->type == J_OBJECT) {
        check_members(c, v, f->members);
        return;
    }
    const char *example = example_of(c, f);
    check_error(c, f->rule, v, "%s is %s: write an object%s%s.", check_path(c, v), check_show(c, v),
                example ? ", such as " : "", example ? example : "");
}

static void check_list(struct check *c, const struct jval *v, const struct field *f)
{
    const char *example = example_of(c, f);
    bool one = f->shape == SHAPE_LIST_OR_ONE;
    if (one && v->type == J_OBJECT) {
        check_members(c, v, f->members);
        return;
    }
    if (v->type != J_ARRAY) {
        check_error(c, f->rule, v, "%s is %s: write a list of objects%s%s.", check_path(c, v),
                    check_show(c, v), example ? ", such as " : "", example ? example : "");
        return;
    }
    if (!v->count && (f->flags & FIELD_FILLED))
        check_error(c, f->rule, v, "%s is empty: list at least one%s%s.", check_path(c, v),
                    example ? ", such as " : "", example ? example : "");
    for (const struct jval *item = v->first; item; item = item->next) {
        if (item->type == J_OBJECT)
            check_members(c, item, f->members);
        else if (check_room_error(c, f->rule))
            check_error(c, f->rule, item, "%s is %s: write an object.", check_path(c, item),
                        check_show(c, item));
    }
}

static void check_numbers(struct check *c, const struct jval *v, const struct field *f)
{
    if (v->type != J_OBJECT) {
        check_error(c, f->rule, v, "%s is %s: write an object of numbers, such as %s.",
                    check_path(c, v), check_show(c, v), example_of(c, f));
        return;
    }
    static const struct field entry = {.kind = &kind_number};
    struct field named = entry;
    named.rule = f->rule;
    for (const struct jval *m = v->first; m; m = m->next)
        check_value(c, m, &named);
}

void check_members(struct check *c, const struct jval *object, const struct field *fields)
{
    for (const struct field *f = fields; f->name; f++) {
        const struct jval *v = jval_get(object, f->name);
        if (!v) {
            if (f->missing)
                say_missing(c, object, fields, f);
            continue;
        }
        switch (f->shape) {
        case SHAPE_VALUE:
            check_value(c, v, f);
            break;
        case SHAPE_OBJECT:
            check_object(c, v, f);
            break;
        case SHAPE_OPEN:
            if (v->type == J_OBJECT)
                check_members(c, v, f->members);
            break;
        case SHAPE_LIST:
        case SHAPE_LIST_OR_ONE:
            check_list(c, v, f);
            break;
        case SHAPE_NUMBERS:
            check_numbers(c, v, f);
            break;
        }
    }
}
