#include "server/import_map.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 4096 };

/* ---- what is wrong, and where ---- */

struct reading_map {
    struct arena *a;
    struct import_map *map;
    const char **why;
};

static int wrong(struct reading_map *r, const struct jval *v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int wrong(struct reading_map *r, const struct jval *v, const char *format, ...)
{
    struct buf b = {0};
    int line, column;
    va_list args;
    size_t at = v->key_offset != SIZE_MAX && v->key.p ? v->key_offset : v->offset;
    json_position(r->map->text, at, &line, &column);
    buf_addf(&b, "line %d: ", line);
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    const char *why = arena_strndup(r->a, b.p ? b.p : "", b.n);
    *r->why = why ? why : "out of memory";
    buf_release(&b);
    return ERR_INVALID;
}

/* ---- members ---- */

typedef int member_fn(struct reading_map *r, const struct jval *v);

struct member_row {
    const char *name;
    member_fn *take;
};

static int take_members(struct reading_map *r, const struct jval *object,
                        const struct member_row *rows, const char *what)
{
    if (object->type != J_OBJECT)
        return wrong(r, object, "%s is an object", what);
    for (const struct jval *v = object->first; v; v = v->next) {
        const struct member_row *row = rows;
        while (row->name && !slice_is(v->key, row->name))
            row++;
        if (!row->name)
            return wrong(r, v, "%s has no member \"%.*s\"", what, SLICE_ARG(v->key));
        int err = row->take(r, v);
        if (err)
            return err;
    }
    return 0;
}

static const char *text_of(struct reading_map *r, const struct jval *v)
{
    return v->type == J_STRING ? arena_strndup(r->a, v->text.p, v->text.n) : NULL;
}

static int take_separator(struct reading_map *r, const struct jval *v)
{
    struct slice s = jval_string(v);
    if (slice_is(s, "tab"))
        s = SLICE_LIT("\t");
    if (s.n != 1 || s.p[0] == '"' || s.p[0] == '\n' || s.p[0] == '\r')
        return wrong(r, v, "separator is one character, or \"tab\"");
    r->map->separator = s.p[0];
    return 0;
}

static int take_decimal(struct reading_map *r, const struct jval *v)
{
    struct slice s = jval_string(v);
    if (!slice_is(s, ",") && !slice_is(s, "."))
        return wrong(r, v, "decimal is \",\" or \".\"");
    r->map->opts.decimal_comma = s.p[0] == ',';
    return 0;
}

static int take_header(struct reading_map *r, const struct jval *v)
{
    if (v->type != J_BOOL)
        return wrong(r, v, "header is true or false");
    r->map->opts.header = v->boolean;
    r->map->opts.no_header = !v->boolean;
    return 0;
}

static int take_create(struct reading_map *r, const struct jval *v)
{
    if (v->type != J_BOOL)
        return wrong(r, v, "create is true or false");
    r->map->create = v->boolean;
    return 0;
}

static int take_time_column(struct reading_map *r, const struct jval *v)
{
    /* a number stands for itself: its digits are looked up like a name */
    r->map->opts.time =
        v->type == J_NUMBER ? arena_strndup(r->a, v->text.p, v->text.n) : text_of(r, v);
    return r->map->opts.time ? 0 : wrong(r, v, "a column is named, or numbered from 1");
}

static int keep(struct reading_map *r, const struct jval *v)
{
    return v->type == J_STRING ? 0 : wrong(r, v, "%.*s is a text", SLICE_ARG(v->key));
}

static int take_time(struct reading_map *r, const struct jval *v)
{
    static const struct member_row rows[] = {
        {"column", take_time_column}, {"format", keep}, {"zone", keep}, {0}};
    if (v->type != J_OBJECT)
        return take_time_column(r, v);
    int err = take_members(r, v, rows, "time");
    if (err)
        return err;
    const struct jval *format = jval_get(v, "format"), *zone = jval_get(v, "zone");
    const char *why;
    if (time_form_init(&r->map->opts.form, format ? text_of(r, format) : NULL,
                       zone ? text_of(r, zone) : NULL, &why))
        return wrong(r, format ? format : zone ? zone : v, "%s", why);
    return 0;
}

static int take_column_name(struct reading_map *r, const struct jval *v, struct slice *ret)
{
    const struct jval *column = jval_get(v, "column");
    if (v->type != J_OBJECT || v->count != 1 || !column ||
        (column->type != J_STRING && column->type != J_NUMBER))
        return wrong(r, v, "%.*s is an id, or {\"column\": NAME}", SLICE_ARG(v->key));
    *ret = column->text;
    return 0;
}

static int take_twin(struct reading_map *r, const struct jval *v)
{
    if (v->type != J_STRING)
        return take_column_name(r, v, &r->map->twin_column);
    if (!slice_is_id(v->text))
        return wrong(r, v, "\"%.*s\" cannot be the id of a twin", SLICE_ARG(v->text));
    r->map->twin = v->text;
    return 0;
}

static int take_columns(struct reading_map *r, const struct jval *v)
{
    if (v->type != J_OBJECT)
        return wrong(r, v, "columns is an object: a column's name, and what it is");
    r->map->columns_said = v;
    return 0;
}

int import_map_read(struct arena *a, struct slice text, struct import_map *ret,
                    const char **ret_why)
{
    static const struct member_row rows[] = {
        {"separator", take_separator}, {"decimal", take_decimal},
        {"header", take_header},       {"time", take_time},
        {"twin", take_twin},           {"create", take_create},
        {"columns", take_columns},     {0}};
    struct import_map map = {.text = text, .twin_at = SIZE_MAX};
    struct reading_map r = {a, &map, ret_why};
    struct json_error error;
    struct jval *root;
    if (jdoc_parse(a, text, &root, &error)) {
        *ret_why =
            arena_printf(a, "line %d, column %d: %s", error.line, error.column, error.message);
        return ERR_INVALID;
    }
    int err = take_members(&r, root, rows, "a mapping");
    if (!err && !map.columns_said)
        err = wrong(&r, root, "a mapping has \"columns\": which column is which sensor");
    if (!err)
        *ret = map;
    return err;
}

/* ---- columns ---- */

static int find(struct reading_map *r, const struct plan *plan, const struct jval *v,
                struct slice name, size_t *ret)
{
    *ret = plan_column(plan, name);
    return *ret != SIZE_MAX ? 0 : wrong(r, v, "the table has no column \"%.*s\"", SLICE_ARG(name));
}

static int take_sensor(struct reading_map *r, const struct plan *plan, const struct jval *v,
                       struct import_column *c)
{
    struct slice column;
    if (v->type == J_OBJECT) {
        int err = take_column_name(r, v, &column);
        return err ? err : find(r, plan, v, column, &c->sensor_at);
    }
    c->sensor = jval_string(v);
    if (!slice_is_id(c->sensor))
        return wrong(r, v, "\"%.*s\" cannot be the id of a sensor", SLICE_ARG(v->text));
    if (slice_is(c->sensor, "timestamp"))
        return wrong(r, v, "a sensor called timestamp is not reached by an import");
    return 0;
}

static int take_type(struct reading_map *r, const struct jval *v, struct import_column *c)
{
    static const struct {
        const char *name;
        enum value_type type;
    } types[] = {{"number", VALUE_DOUBLE}, {"text", VALUE_TEXT}, {"boolean", VALUE_BOOL}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!slice_is(jval_string(v), types[i].name))
            continue;
        c->as = types[i].type;
        return 0;
    }
    return wrong(r, v, "type is \"number\", \"text\" or \"boolean\"");
}

static int take_column(struct reading_map *r, const struct plan *plan, const struct jval *v,
                       struct import_column *c)
{
    if (v->type == J_STRING)
        return take_sensor(r, plan, v, c);
    if (v->type != J_OBJECT)
        return wrong(r, v, "a column is a sensor's id, {\"sensor\": ...} or null");
    bool named = false;
    for (const struct jval *m = v->first; m; m = m->next) {
        int err = 0;
        if (slice_is(m->key, "sensor")) {
            named = true;
            err = take_sensor(r, plan, m, c);
        } else if (slice_is(m->key, "type")) {
            err = take_type(r, m, c);
        } else if (slice_is(m->key, "unit")) {
            err = keep(r, m);
            c->unit = m->text;
        } else if (slice_is(m->key, "twin")) {
            c->twin = jval_string(m);
            if (!slice_is_id(c->twin))
                err = wrong(r, m, "twin is an id");
        } else {
            err = wrong(r, m, "a column has no member \"%.*s\"", SLICE_ARG(m->key));
        }
        if (err)
            return err;
    }
    return named ? 0 : wrong(r, v, "a column that is taken has a \"sensor\"");
}

static bool same_place(const struct import_column *x, const struct import_column *y)
{
    return x->sensor_at == SIZE_MAX && y->sensor_at == SIZE_MAX && slice_eq(x->sensor, y->sensor) &&
           slice_eq(x->twin, y->twin);
}

static int add_column(struct reading_map *r, const struct plan *plan, const struct jval *v)
{
    struct import_map *map = r->map;
    struct import_column *c = &map->columns[map->columns_n];
    *c = (struct import_column){.sensor_at = SIZE_MAX};
    int err = find(r, plan, v, v->key, &c->at);
    if (err || v->type == J_NULL || (v->type == J_BOOL && !v->boolean))
        return err;
    if ((err = take_column(r, plan, v, c)))
        return err;
    if (!c->twin.p && !map->twin.p && map->twin_at == SIZE_MAX)
        return wrong(r, v, "into which twin?  Say \"twin\": an id, or {\"column\": NAME}");
    /* what has a unit is a number; what becomes a sensor of texts is sent as it is made */
    if (c->as == VALUE_NONE && c->unit.p)
        c->as = VALUE_DOUBLE;
    if (c->as == VALUE_NONE && map->create && plan->columns[c->at].kind == VALUE_TEXT)
        c->as = VALUE_TEXT;
    for (size_t i = 0; i < map->columns_n; i++)
        if (same_place(&map->columns[i], c))
            return wrong(r, v, "two columns are the sensor \"%.*s\"", SLICE_ARG(c->sensor));
    map->columns_n++;
    return 0;
}

int import_map_bind(struct arena *a, struct import_map *map, const struct plan *plan,
                    const char **ret_why)
{
    struct reading_map r = {a, map, ret_why};
    const struct jval *said = map->columns_said;
    int err = 0;
    if (plan->time == plan->n)
        return wrong(&r, said->parent,
                     "no column has times that are understood; say \"time\": "
                     "{\"column\": NAME, \"format\": FORM}");
    map->time_at = plan->time;
    if (map->twin_column.p)
        err = find(&r, plan, said, map->twin_column, &map->twin_at);
    map->columns = arena_alloc(a, (said->count + 1) * sizeof *map->columns);
    if (!map->columns) {
        *ret_why = "out of memory";
        return ERR_NOMEM;
    }
    map->columns_n = 0;
    for (const struct jval *v = said->first; v && !err; v = v->next)
        err = add_column(&r, plan, v);
    if (!err && !map->columns_n)
        err = wrong(&r, said, "no column is taken");
    return err;
}

/* ---- a proposal ---- */

static void put(struct json_writer *w, const char *key, struct slice text)
{
    json_key(w, key);
    json_put_string(w, text);
}

static void put_proposed(struct json_writer *w, const struct plan *plan, size_t i, struct arena *a)
{
    const struct plan_column *c = &plan->columns[i];
    struct slice slug = plan_slug(a, c->name);
    bool again = false;
    if (i == plan->time)
        return;
    for (size_t k = 0; k < i; k++) {
        if (slice_eq(plan->columns[k].name, c->name))
            return; /* it cannot be named */
        again |= k != plan->time && slice_eq(plan_slug(a, plan->columns[k].name), slug);
    }
    json_key_slice(w, c->name);
    if (c->kind == VALUE_NONE || !slice_is_id(slug) || again || slice_is(slug, "timestamp")) {
        json_put_null(w);
    } else if (!c->unit.p) {
        json_put_string(w, slug);
    } else {
        json_open(w, '{');
        put(w, "sensor", slug);
        put(w, "unit", c->unit);
        json_close(w, '}');
    }
}

void import_map_propose(const struct plan *plan, char separator, const char *twin, struct arena *a,
                        struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, 2);
    json_open(&w, '{');
    put(&w, "separator", separator == '\t' ? SLICE_LIT("tab") : slice_of(&separator, 1));
    put(&w, "decimal", slice_of(&plan->decimal, 1));
    json_key(&w, "header");
    json_put_bool(&w, plan->header);
    json_key(&w, "time");
    json_open(&w, '{');
    put(&w, "column", plan->time < plan->n ? plan->columns[plan->time].name : SLICE_LIT(""));
    put(&w, "format",
        plan->form.kind == TIME_PATTERN ? slice_str(plan->form.pattern) : SLICE_LIT("auto"));
    put(&w, "zone", SLICE_LIT("UTC"));
    json_close(&w, '}');
    put(&w, "twin", slice_str(twin));
    json_key(&w, "create");
    json_put_bool(&w, true);
    json_key(&w, "columns");
    json_open(&w, '{');
    for (size_t i = 0; i < plan->n; i++)
        put_proposed(&w, plan, i, a);
    json_close(&w, '}');
    json_close(&w, '}');
    buf_add_byte(out, '\n');
}
