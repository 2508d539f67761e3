/* Tests of the reader of tables. */
#include "server/csv.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct text {
    struct slice rest;
    size_t piece; /* bytes a call; 0: as many as there is room for */
};

static ptrdiff_t fill(void *arg, char *into, size_t cap)
{
    struct text *t = arg;
    size_t n = t->rest.n < cap ? t->rest.n : cap;
    if (t->piece && n > t->piece)
        n = t->piece;
    memcpy(into, t->rest.p, n);
    t->rest = slice_skip(t->rest, n);
    return (ptrdiff_t)n;
}

/* Everything that is read, as "LINE:[field][field]\n" or "LINE!why\n". */
static void read_all(const char *text, size_t piece, char separator, struct buf *out)
{
    struct text t = {slice_str(text), piece};
    struct csv *c = NULL;
    const struct slice *fields;
    size_t n;
    int r;
    assert_int_equal(csv_new(fill, &t, separator, &c), 0);
    while ((r = csv_next(c, &fields, &n)) == 1 || r == ERR_MALFORMED) {
        buf_addf(out, "%zu", csv_line(c));
        if (r == ERR_MALFORMED) {
            buf_addf(out, "!%s", csv_why(c));
        } else {
            buf_add_byte(out, ':');
            for (size_t i = 0; i < n; i++)
                buf_addf(out, "[%.*s]", SLICE_ARG(fields[i]));
        }
        buf_add_byte(out, '\n');
    }
    assert_int_equal(r, 0);
    csv_free(c);
}

static void check(const char *text, char separator, const char *want)
{
    for (size_t piece = 0; piece < 6; piece++) {
        struct buf got = {0};
        read_all(text, piece, separator, &got);
        buf_add_byte(&got, 0);
        assert_string_equal(got.p, want);
        buf_release(&got);
    }
}

static void rows_are_read_whatever_the_pieces(void **state)
{
    (void)state;
    check("a,b\n1,2\n", 0, "1:[a][b]\n2:[1][2]\n");
    check("a,b\r\n1,2", 0, "1:[a][b]\n2:[1][2]\n");
    check("a,b\r1,2\r\r\r\n3,4", 0, "1:[a][b]\n2:[1][2]\n5:[3][4]\n");
    check("\xEF\xBB\xBFt;x\n\n\n1,5;\n", 0, "1:[t][x]\n4:[1,5][]\n");
    check("", 0, "");
    check("\n\r\n", 0, "");
    check("alone", 0, "1:[alone]\n");
    check(",\n", 0, "1:[][]\n");
    check("a\tb\n1\t2\n", 0, "1:[a][b]\n2:[1][2]\n");
    check("a|b,c\n", '|', "1:[a][b,c]\n");
}

static void quotes_hold_anything(void **state)
{
    (void)state;
    check("\"a,b\",\"c\"\"d\",\"\"\n\"line\none\",2,3\n4,5,6\n", 0,
          "1:[a,b][c\"d][]\n2:[line\none][2][3]\n4:[4][5][6]\n");
    check("a\"\"b,c\"\nx,y\n", 0, "1:[a\"\"b][c\"]\n2:[x][y]\n");
    check("\"a\"b,1\nc,2\n", 0, "1!something stands behind a closing quote\n2:[c][2]\n");
    check("x,y\n\"open,1\nc,2\n", 0, "1:[x][y]\n2!the closing quote is missing\n");
}

static void the_separator_is_found(void **state)
{
    (void)state;
    /* decimal commas must not win over the semicolons between the fields */
    check("t;a;b\n1,5;2,5;3\n", 0, "1:[t][a][b]\n2:[1,5][2,5][3]\n");
    check("\"a,b,c\";d\n", 0, "1:[a,b,c][d]\n");
}

static ptrdiff_t endless(void *arg, char *into, size_t cap)
{
    (void)arg;
    memset(into, 'x', cap);
    return (ptrdiff_t)cap;
}

static ptrdiff_t broken(void *arg, char *into, size_t cap)
{
    (void)arg, (void)into, (void)cap;
    return -1;
}

static void limits_hold(void **state)
{
    (void)state;
    struct csv *c = NULL;
    const struct slice *fields;
    size_t n;
    assert_int_equal(csv_new(endless, NULL, ',', &c), 0);
    assert_int_equal(csv_next(c, &fields, &n), ERR_TOO_LARGE);
    csv_free(c);
    assert_int_equal(csv_new(broken, NULL, 0, &c), 0);
    assert_int_equal(csv_next(c, &fields, &n), ERR_IO);
    assert_int_equal(csv_next(c, &fields, &n), ERR_IO);
    csv_free(c);
    struct buf wide = {0}, out = {0};
    for (int i = 0; i < CSV_FIELDS_MAX + 1; i++)
        buf_add_byte(&wide, ',');
    buf_add_str(&wide, "\n1,2\n");
    buf_add_byte(&wide, 0);
    read_all(wide.p, 0, 0, &out);
    buf_add_byte(&out, 0);
    assert_string_equal(out.p, "1!a row has more than 4096 fields\n2:[1][2]\n");
    buf_release(&wide);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_whatever_the_pieces),
        cmocka_unit_test(quotes_hold_anything),
        cmocka_unit_test(the_separator_is_found),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
