#include "server/replay_plan.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- values ---- */

static bool is_gap(struct slice s)
{
    static const char *const words[] = {"", "-", "na", "n/a", "nan", "null", "none", "?"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (slice_is_nocase(s, words[i]))
            return true;
    }
    return false;
}

/* Numbers as tables have them: JSON's, and +1, .5, 5. and decimal commas.  JSON's keep their
 * digits. */
static bool take_number(const struct plan *p, struct slice s, struct buf *out)
{
    char text[64];
    double v;
    if (slice_to_double(s, &v) == 0) {
        buf_add_slice(out, s);
        return true;
    }
    if (s.n == 0 || s.n >= sizeof text)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        text[i] = s.p[i] == p->decimal && p->decimal == ',' ? '.' : s.p[i];
        if (!strchr("0123456789+-.eE", text[i]) || !text[i])
            return false;
    }
    text[s.n] = 0;
    if (slice_to_double(slice_of(text, s.n), &v) == 0) {
        buf_add(out, text, s.n);
        return true;
    }
    char *end;
    v = strtod(text, &end);
    if (*end || !isfinite(v))
        return false;
    buf_add_double(out, v);
    return true;
}

int plan_value(const struct plan *p, struct slice field, struct buf *out)
{
    field = slice_trim(field);
    if (is_gap(field))
        return 1;
    if (slice_is_nocase(field, "true") || slice_is_nocase(field, "false")) {
        buf_add_str(out, slice_is_nocase(field, "true") ? "true" : "false");
    } else if (!take_number(p, field, out)) {
        /* faulty UTF-8, of some old code page, is told with U+FFFD */
        struct json_writer w;
        json_writer_init(&w, out, 0);
        json_put_string(&w, field);
    }
    return out->failed ? ERR_NOMEM : 0;
}

static enum value_type kind_of(const struct plan *p, struct slice field)
{
    struct buf b = {0};
    enum value_type kind = VALUE_NONE;
    if (plan_value(p, field, &b) == 0)
        kind = b.p[0] == '"'                    ? VALUE_TEXT
               : b.p[0] == 't' || b.p[0] == 'f' ? VALUE_BOOL
                                                : VALUE_DOUBLE;
    buf_release(&b);
    return kind;
}

/* ---- names ---- */

struct slice plan_slug(struct arena *a, struct slice name)
{
    char *out = arena_alloc(a, name.n + 2);
    size_t n = 0;
    for (size_t i = 0; out && i < name.n && n < 128; i++) {
        char c = name.p[i];
        if (c == '(' || c == '[')
            break; /* the unit */
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':')
            out[n++] = c;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    return out ? slice_of(out, n) : (struct slice){0};
}

/* "Pressure [bar]", "Temperature (°C)" */
static struct slice unit_of(struct slice name)
{
    struct slice none = {0};
    if (name.n < 3 || (name.p[name.n - 1] != ']' && name.p[name.n - 1] != ')'))
        return none;
    char open = name.p[name.n - 1] == ']' ? '[' : '(';
    ptrdiff_t at = slice_find(name, open);
    if (at < 1)
        return none;
    struct slice unit = slice_trim(slice_of(name.p + at + 1, name.n - (size_t)at - 2));
    return unit.n && utf8_valid(unit) ? unit : none;
}

size_t plan_column(const struct plan *p, struct slice name)
{
    uint64_t number;
    for (size_t i = 0; i < p->n; i++) {
        if (slice_eq(p->columns[i].name, name))
            return i;
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->columns[i].name.n == name.n &&
            strncasecmp(p->columns[i].name.p, name.p, name.n) == 0)
            return i;
    }
    if (slice_to_u64(name, &number) == 0 && number >= 1 && number <= p->n)
        return (size_t)number - 1;
    return SIZE_MAX;
}

/* ---- what the sample tells ---- */

/* A header names things: it has a field that is neither number nor time nor gap. */
static bool looks_like_header(const struct plan *p, const struct plan_row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        int64_t t;
        if (kind_of(p, row->fields[i]) == VALUE_TEXT &&
            time_form_parse(&p->form, row->fields[i], &t) != 0)
            return true;
    }
    return false;
}

static int name_columns(struct arena *a, struct plan *p, const struct plan_row *first)
{
    p->n = first->n;
    p->columns = arena_zalloc(a, (p->n + 1) * sizeof *p->columns);
    if (!p->columns)
        return ERR_NOMEM;
    for (size_t i = 0; i < p->n; i++) {
        struct slice name = p->header ? slice_trim(first->fields[i]) : (struct slice){0};
        struct plan_column *c = &p->columns[i];
        if (!name.n) {
            char *number = arena_printf(a, "%zu", i + 1);
            name = slice_str(number);
        }
        c->name = arena_dup(a, name);
        if (!c->name.p)
            return ERR_NOMEM;
        c->unit = unit_of(c->name);
    }
    return 0;
}

/* What the sample has in a column.  A number is mostly numbers: a word among them ("ERR") is a
 * fault that is told when its row comes, and does not make texts of all the others. */
static enum value_type find_kind(const struct plan *p, const struct plan_row *rows, size_t n,
                                 size_t column)
{
    size_t numbers = 0, words = 0, texts = 0;
    for (size_t i = p->header; i < n; i++) {
        if (column >= rows[i].n)
            continue;
        enum value_type kind = kind_of(p, rows[i].fields[column]);
        numbers += kind == VALUE_DOUBLE;
        words += kind == VALUE_BOOL;
        texts += kind == VALUE_TEXT;
    }
    if (numbers > texts && !words)
        return VALUE_DOUBLE;
    if (!numbers && !texts)
        return words ? VALUE_BOOL : VALUE_NONE;
    return VALUE_TEXT;
}

static void find_kinds(struct plan *p, const struct plan_row *rows, size_t n)
{
    for (size_t c = 0; c < p->n; c++)
        p->columns[c].kind = find_kind(p, rows, n, c);
}

/* Do at least half of the first rows have times there?  A bare number is one only where a name says
 * so. */
static bool has_times(const struct plan *p, const struct plan_row *rows, size_t n, size_t column)
{
    size_t good = 0, all = 0;
    for (size_t i = p->header; i < n && i < (size_t)p->header + 20; i++, all++) {
        int64_t t;
        good += column < rows[i].n && !time_form_parse(&p->form, rows[i].fields[column], &t);
    }
    return good > 0 && good * 2 >= all;
}

static size_t find_time(const struct plan *p, const struct plan_row *rows, size_t n)
{
    static const char *const names[] = {"timestamp", "datetime", "time", "date", "ts", "t", "zeit"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t c = 0; c < p->n; c++) {
            if (slice_is_nocase(p->columns[c].name, names[i]) && has_times(p, rows, n, c))
                return c;
        }
    }
    for (size_t c = 0; c < p->n; c++) {
        if (p->columns[c].kind == VALUE_TEXT && has_times(p, rows, n, c))
            return c;
    }
    return p->n;
}

/* ---- the map ---- */

static int map_one(struct arena *a, struct plan *p, struct slice item, const char **ret_why)
{
    struct slice sensor = item, column;
    slice_cut(&sensor, '=', &column);
    column = slice_trim(column);
    sensor = sensor.p ? slice_trim(sensor) : plan_slug(a, column);
    size_t at = plan_column(p, column);
    if (at == SIZE_MAX) {
        *ret_why = arena_printf(a, "the table has no column \"%.*s\"", SLICE_ARG(column));
        return ERR_INVALID;
    }
    if (!slice_is_id(sensor)) {
        *ret_why = arena_printf(a, "\"%.*s\" cannot be the id of a sensor", SLICE_ARG(sensor));
        return ERR_INVALID;
    }
    p->columns[at].sensor = sensor;
    return 0;
}

static int map_columns(struct arena *a, struct plan *p, const struct plan_opts *opts,
                       const char **ret_why)
{
    bool mapped = false;
    for (const char *const *m = opts->maps; m && *m; m++) {
        struct slice rest = slice_str(*m), item;
        while (slice_cut(&rest, ',', &item)) {
            int err = map_one(a, p, item, ret_why);
            if (err)
                return err;
            mapped = true;
        }
    }
    for (size_t i = 0; i < p->n && !mapped; i++) {
        struct slice slug = plan_slug(a, p->columns[i].name);
        if (i != p->time && slice_is_id(slug))
            p->columns[i].sensor = slug;
    }
    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (p->columns[i].sensor.p && slice_eq(p->columns[i].sensor, p->columns[k].sensor)) {
                *ret_why = arena_printf(a,
                                        "two columns would be the sensor \"%.*s\"; say with --map "
                                        "which is which",
                                        SLICE_ARG(p->columns[i].sensor));
                return ERR_INVALID;
            }
        }
    }
    return 0;
}

int plan_look(struct arena *a, const struct plan_row *rows, size_t n, const struct plan_opts *opts,
              struct plan *ret, const char **ret_why)
{
    struct plan p = {.decimal = opts->decimal_comma ? ',' : '.', .form = opts->form};
    *ret_why = "out of memory";
    if (n == 0) {
        *ret_why = "the table is empty";
        return ERR_INVALID;
    }
    p.header = opts->header || (!opts->no_header && looks_like_header(&p, &rows[0]));
    int err = name_columns(a, &p, &rows[0]);
    if (err)
        return err;
    find_kinds(&p, rows, n);
    p.time = opts->time ? plan_column(&p, slice_str(opts->time)) : find_time(&p, rows, n);
    if (p.time == SIZE_MAX) {
        *ret_why = arena_printf(a, "the table has no column \"%s\"", opts->time);
        return ERR_INVALID;
    }
    *ret = p;
    return 0;
}

/* Is it digits, this, and digits? */
static bool has_fraction(struct slice s, char mark)
{
    s = slice_trim(s);
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = slice_skip(s, 1);
    ptrdiff_t at = slice_find(s, mark);
    for (size_t i = 0; i < s.n; i++)
        if ((ptrdiff_t)i != at && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    return at > 0 && (size_t)at + 1 < s.n;
}

void plan_guess(const struct plan_row *rows, size_t n, char separator, struct plan_opts *opts)
{
    static const char *const patterns[] = {"%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f",
                                           "%d.%m.%Y %H:%M:%S,%f", "%d.%m.%Y %H:%M", "%d.%m.%Y"};
    struct time_form form;
    const char *why;
    size_t commas = 0, points = 0, times = 0;
    int64_t t;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < rows[i].n; c++) {
            commas += has_fraction(rows[i].fields[c], ',');
            points += has_fraction(rows[i].fields[c], '.');
        }
    opts->decimal_comma = separator != ',' && commas > points;
    for (size_t k = 0; k < sizeof patterns / sizeof patterns[0] && times * 2 < n; k++) {
        if (time_form_init(&form, patterns[k], NULL, &why))
            continue;
        times = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < rows[i].n; c++)
                if (!time_form_parse(&form, rows[i].fields[c], &t)) {
                    times++;
                    break;
                }
    }
    if (times && times * 2 >= n)
        opts->form = form;
}

int plan_make(struct arena *a, const struct plan_row *rows, size_t n, const struct plan_opts *opts,
              struct plan *ret, const char **ret_why)
{
    struct plan p;
    int err = plan_look(a, rows, n, opts, &p, ret_why);
    if (!err)
        err = map_columns(a, &p, opts, ret_why);
    if (!err)
        *ret = p;
    return err;
}

/* ---- a twin for it ---- */

static void put(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_put_string(w, slice_str(text));
}

static void put_interval(struct json_writer *w, int64_t interval_us)
{
    char text[32];
    if (interval_us <= 0)
        return;
    /* durations have whole numbers */
    if (interval_us % 1000000 == 0)
        snprintf(text, sizeof text, "%llds", (long long)(interval_us / 1000000));
    else
        snprintf(text, sizeof text, "%lldms", (long long)((interval_us + 999) / 1000));
    put(w, "updateFrequency", text);
}

static void put_sensor(struct json_writer *w, const struct plan_column *c, int64_t interval_us)
{
    bool text = c->kind == VALUE_TEXT, boolean = c->kind == VALUE_BOOL;
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, c->sensor);
    json_key(w, "name");
    json_put_string(w, c->name);
    put(w, "type", text ? "text" : boolean ? "boolean" : "measurement");
    json_key(w, "unit");
    json_put_string(w, text        ? SLICE_LIT("text")
                       : boolean   ? SLICE_LIT("boolean")
                       : c->unit.p ? c->unit
                                   : SLICE_LIT("1"));
    put_interval(w, interval_us);
    json_close(w, '}');
}

void plan_profile(const struct plan *p, const char *twin, const char *source, int64_t interval_us,
                  struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, 2);
    json_open(&w, '{');
    json_key(&w, "@context");
    json_open(&w, '{');
    put(&w, "@vocab", "https://schema.org/");
    put(&w, "mvmd", "https://mvmd.org/v1/");
    put(&w, "doppel", "urn:doppel:");
    json_close(&w, '}');
    put(&w, "@type", "DigitalDocument");
    put(&w, "name", twin);
    json_key(&w, "description");
    struct buf text = {0};
    buf_addf(&text, "Made from the table %s", source);
    json_put_string(&w, buf_slice(&text));
    buf_release(&text);
    put(&w, "doppel:origin", "a table");
    json_key(&w, "identifier");
    json_open(&w, '{');
    put(&w, "@type", "PropertyValue");
    put(&w, "propertyID", "MVMD-ID");
    put(&w, "value", twin);
    json_close(&w, '}');
    json_key(&w, "subjectOf");
    json_open(&w, '{');
    put(&w, "@type", "Thing");
    put(&w, "name", twin);
    json_close(&w, '}');
    json_key(&w, "sensors");
    json_open(&w, '[');
    for (size_t i = 0; i < p->n; i++) {
        if (p->columns[i].sensor.p)
            put_sensor(&w, &p->columns[i], interval_us);
    }
    json_close(&w, ']');
    json_close(&w, '}');
}
