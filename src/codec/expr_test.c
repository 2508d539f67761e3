/* Tests of expr*.c: SQLite itself is asked what expressions are worth. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/expr.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The names that expressions may use, and what they are worth. */
static const struct {
    const char *name, *sql;
    struct expr_value value;
} names[] = {
    {"a", "1.5", {EXPR_REAL, 0, {.d = 1.5}}},
    {"b", "-3", {EXPR_INT, 0, {.i = -3}}},
    {"c", "NULL", {.type = EXPR_NULL}},
    {"d", "'12'", {EXPR_TEXT, 2, {.p = "12"}}},
    {"e", "'Pump A'", {EXPR_TEXT, 6, {.p = "Pump A"}}},
    {"f", "0.0", {EXPR_REAL, 0, {.d = 0}}},
    {"g", "9223372036854775807", {EXPR_INT, 0, {.i = INT64_MAX}}},
    {"\"in-let\"", "7", {EXPR_INT, 0, {.i = 7}}},
    {"h", "'1e2x'", {EXPR_TEXT, 4, {.p = "1e2x"}}},
};
enum { NAMES = sizeof names / sizeof *names };

static struct expr_value leaf(struct expr_env *env, const struct expr *e)
{
    (void)env;
    for (size_t i = 0; i < NAMES; i++) {
        struct slice n = slice_str(names[i].name);
        if (n.p[0] == '"')
            n = slice_of(n.p + 1, n.n - 2);
        if (slice_eq(n, e->name))
            return names[i].value;
    }
    return expr_null();
}

static void show(struct buf *out, struct expr_value v)
{
    static const char *const types[] = {"null", "integer", "real", "text"};
    buf_addf(out, "%s ", types[v.type]);
    if (v.type == EXPR_INT)
        buf_add_i64(out, v.as.i);
    else if (v.type == EXPR_REAL)
        buf_addf(out, "%.12g", v.as.d == 0 ? 0.0 : v.as.d);
    else if (v.type == EXPR_TEXT)
        buf_add_slice(out, expr_slice(v));
    buf_add_byte(out, 0);
}

/* "error", or the type and value, NUL-ended */
static void ours(struct buf *out, const char *text)
{
    struct arena *a = arena_new();
    struct expr_env env = {leaf, a};
    struct expr_error error;
    struct expr *e;
    if (expr_parse(a, slice_str(text), &e, &error))
        buf_add(out, "error", 6);
    else
        show(out, expr_eval(e, &env));
    arena_free(a);
}

static void theirs(sqlite3 *db, struct buf *out, const char *text)
{
    struct buf sql = {0};
    sqlite3_stmt *st;
    buf_addf(&sql, "SELECT %s FROM (SELECT ", text);
    for (size_t i = 0; i < NAMES; i++)
        buf_addf(&sql, "%s%s AS %s", i ? ", " : "", names[i].sql, names[i].name);
    buf_add_str(&sql, ")");
    buf_add_byte(&sql, 0);
    if (sqlite3_prepare_v2(db, sql.p, -1, &st, NULL) || sqlite3_step(st) != SQLITE_ROW) {
        buf_add(out, "error", 6);
    } else {
        static const char types[] = {0, EXPR_INT, EXPR_REAL, EXPR_TEXT, EXPR_TEXT, EXPR_NULL};
        struct expr_value v = {.type = (uint32_t)types[sqlite3_column_type(st, 0)]};
        if (v.type == EXPR_INT)
            v.as.i = sqlite3_column_int64(st, 0);
        else if (v.type == EXPR_REAL)
            v.as.d = sqlite3_column_double(st, 0);
        else if (v.type == EXPR_TEXT)
            v = expr_text(slice_str((const char *)sqlite3_column_text(st, 0)));
        show(out, v);
    }
    sqlite3_finalize(st);
    buf_release(&sql);
}

static int differ; /* expressions of which SQLite thinks otherwise */

static void agree(sqlite3 *db, const char *text)
{
    struct buf a = {0}, b = {0};
    ours(&a, text);
    theirs(db, &b, text);
    if (strcmp(a.p, b.p) != 0)
        print_error("%s\n   ours: %s\n SQLite: %s\n", text, a.p, b.p), differ++;
    buf_release(&a);
    buf_release(&b);
}

static void test_corners(void **state)
{
    static const char *const list[] = {
        "1",
        "1.0",
        ".5",
        "5.",
        "1e3",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "- 9223372036854775808",
        "-(-9223372036854775808)",
        "1e400",
        "-1e400",
        "''",
        "'it''s'",
        "NULL",
        "true",
        "FALSE + 1",
        "c IS NULL",
        "c ISNULL",
        "c NOTNULL",
        "c NOT NULL",
        "c = NULL",
        "c IS NOT 1",
        "a IS TRUE",
        "c IS NOT TRUE",
        "0 IS FALSE",
        "a IS DISTINCT FROM c",
        "c IS NOT DISTINCT FROM NULL",
        "1 = 1.0",
        "1 = '1'",
        "CAST(1 AS TEXT) = 1",
        "CAST('1' AS INTEGER) = '1'",
        "d = 12",
        "d + 0 = 12",
        "d < 2",
        "CAST(d AS REAL) = '12.0'",
        "'abc' < 'abd'",
        "'a' > 5",
        "NULL < 1",
        "1 / 0",
        "1 / 0.0",
        "7 / 2",
        "-7 / 2",
        "7 % -2",
        "-7 % 2",
        "7.9 % 3",
        "g + 1",
        "g * 2",
        "-g - 2",
        "'3x' + 1",
        "'x' + 1",
        "h + 1",
        "' 12 ' + 1",
        "1 || 2",
        "1.5 || 'x'",
        "1.0 || ''",
        "1e15 || ''",
        "1e14 || ''",
        "0.0001 || ''",
        "0.00001 || ''",
        "1e100 || ''",
        "c || 'x'",
        "not 1 = 2",
        "NOT c",
        "not 'x'",
        "1 + 2 * 3 - 4",
        "1 - 2 - 3",
        "2 * 3 % 4",
        "1 | 2 + 1",
        "6 & 3 = 2",
        "1 << 2 + 1",
        "-1 >> 1",
        "1 << 64",
        "1 << -1",
        "-8 >> 70",
        "~5",
        "- - 3",
        "-+3",
        "1 < 2 < 3",
        "3 > 2 > 1",
        "1 = 1 = 1",
        "a BETWEEN 1 AND 2",
        "a NOT BETWEEN 1 AND 2",
        "c BETWEEN 1 AND 2",
        "3 BETWEEN c AND 2",
        "a BETWEEN 1 AND 2 AND 0",
        "b IN (1, -3)",
        "b IN ()",
        "c IN ()",
        "b NOT IN (1, NULL)",
        "c IN (1)",
        "d IN (12)",
        "d IN ('12')",
        "CAST(d AS INTEGER) IN ('12', 3)",
        "e LIKE 'pump%'",
        "e LIKE '%a'",
        "e LIKE '_ump _'",
        "e NOT LIKE 'x%'",
        "'a%b' LIKE 'a\\%b' ESCAPE '\\'",
        "'axb' LIKE 'a\\%b' ESCAPE '\\'",
        "12 LIKE 1 || '%'",
        "'äb' LIKE '_b'",
        "c LIKE 'x'",
        "'x' LIKE c",
        "CASE WHEN c THEN 1 ELSE 2 END",
        "CASE b WHEN -3 THEN 'x' END",
        "CASE b WHEN 1 THEN 'x' END",
        "CASE WHEN 0 THEN 1 WHEN 1 THEN 2 END",
        "CASE c WHEN NULL THEN 1 ELSE 2 END",
        "CAST('12abc' AS INTEGER)",
        "CAST('1e3' AS INTEGER)",
        "CAST('1e3' AS NUMERIC)",
        "CAST('1e3' AS REAL)",
        "CAST(1.9 AS INTEGER)",
        "CAST(-1.9 AS INTEGER)",
        "CAST(1e30 AS INTEGER)",
        "CAST('x' AS INTEGER)",
        "CAST(2.0 AS NUMERIC)",
        "CAST('2.0' AS NUMERIC)",
        "CAST(c AS TEXT)",
        "CAST(1.5 AS TEXT)",
        "CAST('  7' AS INTEGER)",
        "CAST('+7' AS INTEGER)",
        "CAST('007' AS INTEGER)",
        "CAST('99999999999999999999' AS INTEGER)",
        "\"in-let\" + 1",
        "abs(-3)",
        "abs(b)",
        "abs('x')",
        "coalesce(c, c, 4)",
        "ifnull(c, 2)",
        "nullif(1, 1)",
        "nullif(1, 2)",
        "iif(c, 1, 2)",
        "min(1, 2.0)",
        "max(1, c)",
        "max('a', 3)",
        "min(d, 5)",
        "round(2.5)",
        "round(-2.5)",
        "round(1.2345, 2)",
        "round(1e17)",
        "round(12345)",
        "round(c)",
        "round(1.5, -1)",
        "length('äöü')",
        "length(12.5)",
        "lower('AÄb')",
        "upper(e)",
        "substr('hello', 2, 3)",
        "substr('hello', -3)",
        "substr('hello', 0, 2)",
        "substr('hello', 3, -2)",
        "substr('hello', -10, 7)",
        "substr('äöü', 2, 1)",
        "instr('hello', 'll')",
        "instr('hello', 'x')",
        "instr('äöü', 'ü')",
        "trim('  a ')",
        "ltrim('  a ')",
        "rtrim('  a ')",
        "typeof(1)",
        "typeof(c)",
        "typeof(a)",
        "sign(-2)",
        "sign('x')",
        "ceil(1.2)",
        "floor(-1.2)",
        "trunc(-1.7)",
        "ceil(3)",
        "sqrt(2)",
        "sqrt(-1)",
        "exp(1)",
        "ln(0)",
        "ln(2)",
        "log(100)",
        "log(2, 8)",
        "log10(1000)",
        "log2(8)",
        "pow(2, 10)",
        "power(2, 0.5)",
        "mod(7, 2.5)",
        "sin(1)",
        "cos(1)",
        "atan2(1, 2)",
        "degrees(1)",
        "radians(180)",
        "pi()",
        "sqrt('4')",
        "sqrt('4x')",
        "sqrt(c)",
        "1 -- a remark\n + 2",
        "1 /* and */ + 2",
        "1 == 1",
        "1 <> 2",
        "1 +",
        "(1",
        "1)",
        "1 2",
        "CASE END",
        "'x",
        "1 IN",
        "a NOT 3",
        "x'00'",
        "1..2",
        "1a",
    };
    sqlite3 *db;
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(list[i], "x'00'") != 0) /* there are no blobs here */
            agree(db, list[i]);
    sqlite3_close(db);
    assert_int_equal(differ, 0);
}

/* ---- generated ones ---- */

static uint64_t seed;

static unsigned draw(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

static void any(struct buf *out, int depth);

static void atom(struct buf *out)
{
    static const char *const literals[] = {"0",     "1",   "2.5",  "-7",    "'12'",
                                           "'abc'", "''",  "NULL", "1e3",   "3",
                                           "'1.0'", "0.1", "'A'",  "'1e1'", "10"};
    if (draw(2))
        buf_add_str(out, names[draw(NAMES)].name);
    else
        buf_add_str(out, literals[draw(sizeof literals / sizeof *literals)]);
}

static void list(struct buf *out, const char *fn, unsigned n, int depth)
{
    buf_addf(out, "%s(", fn);
    for (unsigned i = 0; i < n; i++) {
        if (i)
            buf_add_str(out, ", ");
        any(out, depth);
    }
    buf_add_str(out, ")");
}

static void any(struct buf *out, int depth)
{
    static const char *const infix[] = {"+",  "-",  "*",   "/",  "%",  "||",     "=",   "<>",
                                        "<",  "<=", ">",   ">=", "&",  "|",      "<<",  ">>",
                                        "IS", "OR", "AND", "==", "!=", "IS NOT", "AND", "OR"};
    static const char *const casts[] = {"INTEGER", "REAL", "TEXT", "NUMERIC"};
    static const char *const ones[] = {"abs",  "typeof", "length", "lower",
                                       "sign", "floor",  "round"};
    if (depth <= 0) {
        atom(out);
        return;
    }
    depth--;
    switch (draw(14)) {
    case 0:
        buf_add_str(out, "(");
        any(out, depth);
        buf_add_str(out, ")");
        return;
    case 1:
        buf_add_str(out, draw(2) ? "NOT " : "- ");
        any(out, depth);
        return;
    case 2:
        any(out, 0);
        buf_add_str(out, draw(2) ? " BETWEEN " : " NOT BETWEEN ");
        any(out, 0);
        buf_add_str(out, " AND ");
        any(out, 0);
        return;
    case 3:
        any(out, 0);
        list(out, draw(2) ? " IN " : " NOT IN ", draw(4), depth);
        return;
    case 4:
        buf_add_str(out, "CASE ");
        if (draw(2))
            any(out, depth);
        buf_add_str(out, " WHEN ");
        any(out, depth);
        buf_add_str(out, " THEN ");
        any(out, depth);
        buf_add_str(out, draw(2) ? " ELSE 3 END" : " END");
        return;
    case 5:
        buf_add_str(out, "CAST(");
        any(out, depth);
        buf_addf(out, " AS %s)", casts[draw(4)]);
        return;
    case 6:
        list(out, ones[draw(7)], 1, depth);
        return;
    case 7:
        list(out, draw(2) ? "coalesce" : draw(2) ? "min" : "max", 2 + draw(2), depth);
        return;
    default:
        any(out, depth);
        buf_addf(out, " %s ", infix[draw(sizeof infix / sizeof *infix)]);
        any(out, depth);
    }
}

static void test_generated(void **state)
{
    sqlite3 *db;
    struct buf text = {0};
    (void)state;
    seed = 88172645463325252ULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (int i = 0; i < 20000; i++) {
        buf_clear(&text);
        any(&text, 1 + (int)draw(4));
        buf_add_byte(&text, 0);
        agree(db, text.p);
    }
    buf_release(&text);
    sqlite3_close(db);
    assert_int_equal(differ, 0);
}

/* ---- what SQLite does not have, and what is said of faults ---- */

static struct expr *parsed(struct arena *a, const char *text)
{
    struct expr_error error;
    struct expr *e;
    if (expr_parse(a, slice_str(text), &e, &error))
        fail_msg("%s: %s", text, error.message);
    return e;
}

static void test_beyond(void **state)
{
    struct arena *a = arena_new();
    (void)state;
    struct expr *e = parsed(a, "a > 1 or b > 2 for '2m'");
    assert_int_equal(e->kind, EXPR_FOR);
    assert_true(slice_is(expr_slice(e->value), "2m"));
    assert_int_equal(e->args[0]->op, OP_OR);
    e = parsed(a, "avg(at(feeds.\"pump-2\"/^contains, pressure)) - twin.name");
    assert_true(slice_is(e->args[1]->name, "twin") && slice_is(e->args[1]->member, "name"));
    const struct expr *path = e->args[0]->args[0]->args[0];
    assert_int_equal(path->kind, EXPR_PATH);
    assert_int_equal(path->n, 2);
    assert_true(slice_is(path->steps[0].kind, "feeds") && !path->steps[0].inward);
    assert_true(slice_is(path->steps[0].filter, "pump-2"));
    assert_true(slice_is(path->steps[1].kind, "contains") && path->steps[1].inward);
    assert_false(path->steps[1].filter.n);
    arena_free(a);
}

static void refused(const char *text, int line, int column, const char *message)
{
    struct arena *a = arena_new();
    struct expr_error error;
    struct expr *e;
    assert_int_equal(expr_parse(a, slice_str(text), &e, &error), ERR_INVALID);
    assert_string_equal(error.message, message);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    arena_free(a);
}

static void test_faults(void **state)
{
    struct buf deep = {0};
    (void)state;
    refused("", 1, 1, "The text ends where a value should stand.");
    refused("a >\n  > 3", 2, 3, "> stands where a value should stand.");
    refused("ä + 5m", 1, 5,
            "This is neither a number nor a name: a name that begins with a digit stands in double "
            "quotes, a duration in single quotes ('5m').");
    refused("a > 1 for 2", 1, 11, "2 stands where a duration such as '2m' should stand.");
    refused("round(1, 2, 3)", 1, 1,
            "round(x[, digits]) is how the function is called: it has fewer arguments.");
    refused("a # 3", 1, 3,
            "This sign means nothing here. Names with other signs than letters, digits and _ stand "
            "in double quotes.");
    for (int i = 0; i < 200; i++)
        buf_add_byte(&deep, '(');
    buf_add_byte(&deep, 0);
    refused(deep.p, 1, 101, "The expression is too deep: 100 levels are the most.");
    buf_release(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corners),
        cmocka_unit_test(test_generated),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
