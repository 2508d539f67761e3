/* functions.c - what a question may call: ours, and those of SQLite's that are harmless.
 *
 * Some of SQLite's own take time that grows with the square of what they are given, within one step
 * of its machine, which nothing can interrupt: instr(), replace() and trim() are done anew here,
 * the others are not in the list. */
#include "ask/internal.h"

#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/step.h"
#include "core/zones.h"
#include "twin/units.h"

#include <math.h>
#include <stdlib.h>

#define SET_MAX 64 /* characters that trim() takes off */

static const struct question *asking(sqlite3_context *x)
{
    const struct engine *c = sqlite3_user_data(x);
    return c->q;
}

static struct slice text_of(sqlite3_value *v)
{
    const char *p = (const char *)sqlite3_value_text(v);
    return slice_of(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

static bool any_null(sqlite3_context *x, int n, sqlite3_value **v)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            sqlite3_result_null(x);
            return true;
        }
    return false;
}

static void result_text(sqlite3_context *x, struct buf *b)
{
    if (b->failed)
        sqlite3_result_error_nomem(x);
    else
        sqlite3_result_text64(x, b->p ? b->p : "", b->n, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_release(b);
}

static void result_time(sqlite3_context *x, int64_t t_us)
{
    struct buf b = {0};
    clock_format(&b, t_us);
    result_text(x, &b);
}

/* ---- time ---- */

int time_of_cell(const struct cell *c, int64_t now_us, int64_t *ret)
{
    double t = c->type == ASK_INTEGER ? (double)c->i : c->type == ASK_REAL ? c->d : NAN;
    if (c->type == ASK_TEXT)
        return time_of_text(c->s, now_us, ret);
    if (!(fabs(t) < 9e15))
        return ERR_BAD_TIME;
    *ret = (int64_t)(t * 1000);
    return 0;
}

int time_of_value(sqlite3_value *v, int64_t now_us, int64_t *ret)
{
    struct cell c = {.type = ASK_REAL};
    if (sqlite3_value_type(v) == SQLITE_TEXT)
        c = (struct cell){.type = ASK_TEXT, .s = text_of(v)};
    else
        c.d = sqlite3_value_double(v);
    return time_of_cell(&c, now_us, ret);
}

static bool read_time(sqlite3_context *x, sqlite3_value *v, int64_t *ret)
{
    if (!time_of_value(v, asking(x)->now_us, ret))
        return true;
    sqlite3_result_error(x, "this is no time: write '2026-11-02T14:00Z', a date, 'now' or '-1h'",
                         -1);
    return false;
}

static void fn_now(sqlite3_context *x, int n, sqlite3_value **v)
{
    (void)n, (void)v;
    result_time(x, asking(x)->at_us ? asking(x)->at_us : asking(x)->now_us);
}

static void fn_epoch(sqlite3_context *x, int n, sqlite3_value **v)
{
    int64_t t;
    if (!any_null(x, n, v) && read_time(x, v[0], &t))
        sqlite3_result_double(x, (double)t / 1e6);
}

static void fn_from_epoch(sqlite3_context *x, int n, sqlite3_value **v)
{
    if (any_null(x, n, v))
        return;
    double s = sqlite3_value_double(v[0]);
    if (fabs(s) < 2e11)
        result_time(x, (int64_t)llround(s * 1e6));
    else
        sqlite3_result_null(x);
}

static void fn_time_diff(sqlite3_context *x, int n, sqlite3_value **v)
{
    int64_t a, b;
    if (!any_null(x, n, v) && read_time(x, v[0], &a) && read_time(x, v[1], &b))
        sqlite3_result_double(x, ((double)a - (double)b) / 1e6);
}

static void fn_time_add(sqlite3_context *x, int n, sqlite3_value **v)
{
    int64_t t, by, sum;
    if (any_null(x, n, v) || !read_time(x, v[0], &t))
        return;
    struct slice text = slice_trim(text_of(v[1]));
    bool back = slice_starts(text, "-");
    if (back || slice_starts(text, "+"))
        text = slice_skip(text, 1);
    if (clock_parse_duration(text, &by) || __builtin_add_overflow(t, back ? -by : by, &sum))
        sqlite3_result_error(x, "this is no span of time: write '10s', '-5m', '1h' or '1d'", -1);
    else
        result_time(x, sum);
}

static void fn_time_bucket(sqlite3_context *x, int n, sqlite3_value **v)
{
    struct step step = {0};
    int64_t t, start, end;
    if (any_null(x, n, v) || !read_time(x, v[1], &t))
        return;
    if (step_parse(text_of(v[0]), &step)) {
        sqlite3_result_error(x, "this is no step: write '10s', '15m', '1h', '1d', '1w', '1mo'", -1);
        return;
    }
    if (n == 3 && zones_find(text_of(v[2]), &step.zone)) {
        sqlite3_result_error(x, "there is no such time zone: write 'Europe/Berlin'", -1);
        return;
    }
    step_around(&step, t, &start, &end);
    result_time(x, start);
}

/* ---- units ---- */

static void fn_convert(sqlite3_context *x, int n, sqlite3_value **v)
{
    double r;
    struct buf why = {0};
    if (any_null(x, n, v))
        return;
    struct slice from = text_of(v[1]), to = text_of(v[2]);
    if (!units_convert(from, to, sqlite3_value_double(v[0]), &r)) {
        sqlite3_result_double(x, r);
        return;
    }
    buf_addf(&why, "\"%.60s\" does not convert to \"%.60s\"", from.p ? from.p : "",
             to.p ? to.p : "");
    sqlite3_result_error(x, why.p ? why.p : "out of memory", why.p ? (int)why.n : -1);
    buf_release(&why);
}

/* ---- texts, in time that grows with their length ---- */

static void fn_instr(sqlite3_context *x, int n, sqlite3_value **v)
{
    if (any_null(x, n, v))
        return;
    struct slice in = text_of(v[0]), what = text_of(v[1]);
    const char *at = what.n ? memmem(in.p, in.n, what.p, what.n) : in.p;
    sqlite3_int64 place = at ? 1 : 0;
    for (const char *p = in.p; at && p < at; p++)
        place += ((unsigned char)*p & 0xc0) != 0x80;
    sqlite3_result_int64(x, place);
}

static void fn_replace(sqlite3_context *x, int n, sqlite3_value **v)
{
    struct buf out = {0};
    if (any_null(x, n, v))
        return;
    struct slice in = text_of(v[0]), what = text_of(v[1]), with = text_of(v[2]);
    while (what.n && in.n && out.n <= ASK_VALUE_BYTES) {
        const char *at = memmem(in.p, in.n, what.p, what.n);
        if (!at)
            break;
        buf_add(&out, in.p, (size_t)(at - in.p));
        buf_add_slice(&out, with);
        in = slice_skip(in, (size_t)(at - in.p) + what.n);
    }
    if (out.n + in.n > ASK_VALUE_BYTES) {
        sqlite3_result_error_toobig(x);
        buf_release(&out);
        return;
    }
    buf_add_slice(&out, in);
    result_text(x, &out);
}

/* The length of the character of set that s begins with (or ends with); 0: none. */
static size_t of_set(struct slice s, struct slice set, bool end)
{
    for (size_t i = 0, n; i < set.n; i += n) {
        for (n = 1; i + n < set.n && ((unsigned char)set.p[i + n] & 0xc0) == 0x80;)
            n++;
        if (s.n >= n && memcmp(end ? s.p + s.n - n : s.p, set.p + i, n) == 0)
            return n;
    }
    return 0;
}

static void trim(sqlite3_context *x, int n, sqlite3_value **v, bool left, bool right)
{
    if (any_null(x, n, v))
        return;
    struct slice s = text_of(v[0]), set = n > 1 ? text_of(v[1]) : SLICE_LIT(" ");
    if (set.n > SET_MAX) {
        sqlite3_result_error(x, "trim() takes off at most 64 bytes of characters", -1);
        return;
    }
    for (size_t k; left && (k = of_set(s, set, false));)
        s = slice_skip(s, k);
    for (size_t k; right && (k = of_set(s, set, true));)
        s.n -= k;
    sqlite3_result_text64(x, s.p ? s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void fn_trim(sqlite3_context *x, int n, sqlite3_value **v)
{
    trim(x, n, v, true, true);
}

static void fn_ltrim(sqlite3_context *x, int n, sqlite3_value **v)
{
    trim(x, n, v, true, false);
}

static void fn_rtrim(sqlite3_context *x, int n, sqlite3_value **v)
{
    trim(x, n, v, false, true);
}

/* ---- aggregates ---- */

/* All numbers, in SQLite's memory, which has a limit. */
struct numbers {
    double *v, p;
    size_t n, cap;
};

static struct numbers *numbers_add(sqlite3_context *x, sqlite3_value *v)
{
    struct numbers *a = sqlite3_aggregate_context(x, sizeof *a);
    int type = sqlite3_value_numeric_type(v);
    if (!a || (type != SQLITE_INTEGER && type != SQLITE_FLOAT))
        return a;
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        double *more = sqlite3_realloc64(a->v, cap * sizeof *more);
        if (!more) {
            sqlite3_result_error_nomem(x);
            return a;
        }
        a->v = more;
        a->cap = cap;
    }
    a->v[a->n++] = sqlite3_value_double(v);
    return a;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest ranks, as PostgreSQL's percentile_cont() and numpy do. */
static double percentile(const struct numbers *a, double p)
{
    double rank = p / 100 * (double)(a->n - 1);
    size_t low = (size_t)floor(rank), high = (size_t)ceil(rank);
    return a->v[low] + (a->v[high] - a->v[low]) * (rank - floor(rank));
}

static void percentile_result(sqlite3_context *x, double fixed)
{
    struct numbers *a = sqlite3_aggregate_context(x, 0);
    if (!a || !a->n) {
        sqlite3_result_null(x);
    } else {
        qsort(a->v, a->n, sizeof *a->v, by_value);
        sqlite3_result_double(x, percentile(a, fixed >= 0 ? fixed : a->p));
    }
    if (a)
        sqlite3_free(a->v);
}

static void median_step(sqlite3_context *x, int n, sqlite3_value **v)
{
    (void)n;
    numbers_add(x, v[0]);
}

static void median_end(sqlite3_context *x)
{
    percentile_result(x, 50);
}

static void percentile_step(sqlite3_context *x, int n, sqlite3_value **v)
{
    (void)n;
    struct numbers *a = numbers_add(x, v[0]);
    double p = sqlite3_value_double(v[1]);
    if (!(p >= 0 && p <= 100))
        sqlite3_result_error(x, "percentile() wants a number from 0 to 100", -1);
    else if (a)
        a->p = p;
}

static void percentile_end(sqlite3_context *x)
{
    percentile_result(x, -1);
}

/* Welford's: the sum of squares without taking large numbers from each other. */
struct spread {
    double n, mean, squares;
};

static void spread_step(sqlite3_context *x, int n, sqlite3_value **v)
{
    struct spread *s = sqlite3_aggregate_context(x, sizeof *s);
    int type = sqlite3_value_numeric_type(v[0]);
    (void)n;
    if (!s || (type != SQLITE_INTEGER && type != SQLITE_FLOAT))
        return;
    double d = sqlite3_value_double(v[0]), off = d - s->mean;
    s->n++;
    s->mean += off / s->n;
    s->squares += off * (d - s->mean);
}

static void variance_end(sqlite3_context *x)
{
    const struct spread *s = sqlite3_aggregate_context(x, 0);
    if (s && s->n > 1)
        sqlite3_result_double(x, s->squares / (s->n - 1));
}

static void stddev_end(sqlite3_context *x)
{
    const struct spread *s = sqlite3_aggregate_context(x, 0);
    if (s && s->n > 1)
        sqlite3_result_double(x, sqrt(s->squares / (s->n - 1)));
}

/* ---- the tables ---- */

typedef void scalar_fn(sqlite3_context *x, int n, sqlite3_value **v);
typedef void end_fn(sqlite3_context *x);

static const struct function {
    const char *name;
    int args;
    scalar_fn *call, *step;
    end_fn *end;
    bool varies; /* from question to question, with the same arguments */
} functions[] = {
    {"now", 0, fn_now, NULL, NULL, true},
    {"epoch", 1, fn_epoch, NULL, NULL, true},
    {"from_epoch", 1, fn_from_epoch, NULL, NULL, false},
    {"time_diff", 2, fn_time_diff, NULL, NULL, true},
    {"time_add", 2, fn_time_add, NULL, NULL, true},
    {"time_bucket", 2, fn_time_bucket, NULL, NULL, true},
    {"time_bucket", 3, fn_time_bucket, NULL, NULL, true},
    {"convert", 3, fn_convert, NULL, NULL, false},
    {"instr", 2, fn_instr, NULL, NULL, false},
    {"replace", 3, fn_replace, NULL, NULL, false},
    {"trim", 1, fn_trim, NULL, NULL, false},
    {"trim", 2, fn_trim, NULL, NULL, false},
    {"ltrim", 1, fn_ltrim, NULL, NULL, false},
    {"ltrim", 2, fn_ltrim, NULL, NULL, false},
    {"rtrim", 1, fn_rtrim, NULL, NULL, false},
    {"rtrim", 2, fn_rtrim, NULL, NULL, false},
    {"median", 1, NULL, median_step, median_end, false},
    {"percentile", 2, NULL, percentile_step, percentile_end, false},
    {"stddev", 1, NULL, spread_step, stddev_end, false},
    {"variance", 1, NULL, spread_step, variance_end, false},
};

int functions_register(struct engine *c)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const struct function *f = &functions[i];
        int flags = SQLITE_UTF8 | (f->varies ? 0 : SQLITE_DETERMINISTIC);
        int code =
            sqlite3_create_function(c->db, f->name, f->args, flags, c, f->call, f->step, f->end);
        if (code)
            return code;
    }
    return SQLITE_OK;
}

/* clang-format off */
const struct ask_function ask_functions[] = {
    {"now", "", "the time as of which the question is answered, as RFC 3339"},
    {"epoch", "time", "seconds since 1970-01-01 in UTC"},
    {"from_epoch", "seconds", "the time again"},
    {"time_diff", "later, earlier", "seconds between two times"},
    {"time_add", "time, span", "time_add(now(), '-1h'), also '10s', '5m', '1d'"},
    {"time_bucket", "step, time, zone?", "the beginning of the step that the time is in: '15m', '1h', '1d', '1mo'"},
    {"convert", "value, from, to", "convert(value, 'celsius', 'degF')"},
    {"median", "x", "aggregate"},
    {"percentile", "x, p", "aggregate; p from 0 to 100, between ranks"},
    {"stddev", "x", "aggregate; of a sample"},
    {"variance", "x", "aggregate; of a sample"},
    {"json_extract", "json, path, ...", "json_extract(profile, '$.subjectOf.name'); also profile ->> '$.name'"},
    {"json_each", "json, path?", "a table: the members of an object or array, as key and value"},
    {"json_tree", "json, path?", "a table: everything in it, as fullkey and value"},
    {0},
};

/* Of SQLite: https://sqlite.org/lang_corefunc.html, lang_aggfunc.html, lang_datefunc.html,
 * lang_mathfunc.html, windowfunctions.html, json1.html. */
static const char of_sqlite[] =
    " abs char coalesce format glob hex ifnull iif instr length like likely unlikely likelihood lower ltrim max "
    "min nullif printf quote random replace round rtrim sign sqlite_version substr substring trim typeof unicode upper "
    "avg count group_concat sum total "
    "date time datetime julianday strftime unixepoch current_date current_time current_timestamp "
    "acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power "
    "radians sin sinh sqrt tan tanh trunc "
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value "
    "json json_array json_array_length json_extract -> ->> json_object json_quote json_type json_valid json_insert "
    "json_replace json_set json_remove json_group_array json_group_object ";
/* clang-format on */

bool function_is_known(const char *name)
{
    char padded[64];
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (sqlite3_stricmp(functions[i].name, name) == 0)
            return true;
    sqlite3_snprintf(sizeof padded, padded, " %s ", name);
    return strlen(name) < 40 && !strchr(name, ' ') && strcasestr(of_sqlite, padded);
}
