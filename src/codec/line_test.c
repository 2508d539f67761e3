/* Tests of line.c: the grammar, its corners, and what is said of a line that is wrong. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A line as text: measurement|tag=value|..., field type value, ..., @time; or !error */
static void show(struct arena *a, const struct line *l, struct buf *out)
{
    static const char types[] = {'?', 'd', 'i', 'b', 's'};
    struct line_key k;
    const char *error = l->error ? l->error : line_key_read(l->key, &k);
    if (error) {
        buf_addf(out, "!%zu %s", l->number, error);
        return;
    }
    buf_add_slice(out, line_name(a, k.measurement));
    for (size_t i = 0; i < k.n; i++) {
        buf_add_byte(out, '|');
        buf_add_slice(out, line_name(a, k.tags[i].key));
        buf_add_byte(out, '=');
        buf_add_slice(out, line_name(a, k.tags[i].value));
    }
    for (size_t i = 0; i < l->fields_n; i++) {
        const struct line_field *f = &l->fields[i];
        buf_add_byte(out, i ? ',' : ' ');
        buf_add_slice(out, line_name(a, f->key));
        buf_addf(out, ":%c", types[f->value.type]);
        if (f->value.type == VALUE_DOUBLE)
            buf_add_double(out, f->value.as.d);
        else if (f->value.type == VALUE_INT)
            buf_add_i64(out, f->value.as.i);
        else if (f->value.type == VALUE_BOOL)
            buf_add_str(out, f->value.as.b ? "true" : "false");
        else
            buf_add_slice(out, line_text(a, f->value.as.text));
    }
    if (l->has_time)
        buf_addf(out, " @%lld", (long long)l->t_us);
}

static char *shown(struct slice text, int64_t unit)
{
    struct line_reader r = {0};
    struct line l;
    struct buf out = {0};
    struct arena *a = arena_new();
    line_reader_init(&r, text, unit);
    while (line_next(&r, &l)) {
        if (out.n)
            buf_add_byte(&out, ';');
        show(a, &l, &out);
    }
    line_reader_release(&r);
    arena_free(a);
    return buf_take(&out);
}

static void expect(const char *text, const char *wanted)
{
    /* in memory that ends where the text does, so that a byte too far is noticed */
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);
    memcpy(exact, text, n);
    char *got = shown(slice_of(exact, n), -1000);
    if (strcmp(got, wanted) != 0)
        print_error("%s\n", text);
    assert_string_equal(got, wanted);
    free(got);
    free(exact);
}

struct row {
    const char *text, *wanted;
};

static void points(void **state)
{
    static const struct row rows[] = {
        {"m f=1", "m f:d1"},
        {"m f=1 1700000000000000000", "m f:d1 @1700000000000000"},
        {"m f=1 1700000000000000999\n", "m f:d1 @1700000000000000"},
        {"m f=1 -1", "m f:d1 @-1"},
        {"m f=1 -1000", "m f:d1 @-1"},
        {"m f=1 0", "m f:d1 @0"},
        {"m,b=2,a=1 f=1,g=2", "m|a=1|b=2 f:d1,g:d2"},
        {"m f=1\r\nn f=2 1000\r\n", "m f:d1;n f:d2 @1"},
        {"\n\n# a comment, with = and \"\n  m f=1 \n\t\nn f=2", "m f:d1;n f:d2"},
        {"m   f=1   1000   ", "m f:d1 @1"},
        {"", ""},
        {"\n \r\n#", ""},
        {"m\\ x\\,y,t\\ a\\,g\\=k=v\\ a\\,l\\=u f\\ i\\,e\\=ld=1",
         "m x,y|t a,g=k=v a,l=u f i,e=ld:d1"},
        {"m\\a,t=\\b f\\c=1", "m\\a|t=\\b f\\c:d1"},                 /* stands for itself */
        {"a=b,c=d e=1", "a=b|c=d e:d1"},                             /* = in a measurement */
        {"\"m\",\"t\"=\"v\" \"f\"=1", "\"m\"|\"t\"=\"v\" \"f\":d1"}, /* quotes are of the name */
        {"m\xc3\xa9,t\xc3\xa9=\xe2\x82\xac f\xc3\xa9=1",
         "m\xc3\xa9|t\xc3\xa9=\xe2\x82\xac f\xc3\xa9:d1"},
        {"m f=1,f=2", "m f:d1,f:d2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].text, rows[i].wanted);
}

static void values(void **state)
{
    static const struct row rows[] = {
        {"1", "d1"},
        {"-1.5", "d-1.5"},
        {"+2", "d2"},
        {"1e3", "d1000"},
        {"-2.5E-3", "d-0.0025"},
        {"1.", "d1"},
        {".5", "d0.5"},
        {"007", "d7"},
        {"0.1234567890123456789012345678901234567890", "d0.12345678901234568"},
        {"12i", "d12"},
        {"-12i", "d-12"},
        {"12u", "d12"},
        {"9007199254740993i", "i9007199254740993"},
        {"9223372036854775807i", "i9223372036854775807"},
        {"9223372036854775807u", "i9223372036854775807"},
        {"-9223372036854775808i", "d-9.223372036854776e+18"},
        {"t", "btrue"},
        {"T", "btrue"},
        {"true", "btrue"},
        {"True", "btrue"},
        {"TRUE", "btrue"},
        {"f", "bfalse"},
        {"F", "bfalse"},
        {"false", "bfalse"},
        {"False", "bfalse"},
        {"FALSE", "bfalse"},
        {"\"\"", "s"},
        {"\"a b,c=d\"", "sa b,c=d"},
        {"\"say \\\"so\\\" \\\\ \\n\"", "ssay \"so\" \\ \\n"},
        {"\"two\nlines\"", "stwo\nlines"},
        {"\"ends in \\\\\"", "sends in \\"},
        {"\"# no comment\"", "s# no comment"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256], wanted[256];
        snprintf(text, sizeof text, "m f=%s,g=1", rows[i].text);
        snprintf(wanted, sizeof wanted, "m f:%s,g:d1", rows[i].wanted);
        expect(text, wanted);
        snprintf(text, sizeof text, "m f=%s 1000\nn g=2", rows[i].text);
        snprintf(wanted, sizeof wanted, "m f:%s @1;n g:d2", rows[i].wanted);
        expect(text, wanted);
        snprintf(text, sizeof text, "m f=%s", rows[i].text);
        snprintf(wanted, sizeof wanted, "m f:%s", rows[i].wanted);
        expect(text, wanted);
    }
}

static void what_is_wrong_is_said(void **state)
{
    static const struct row rows[] = {
        {"m", "!1 missing fields"},
        {"m ", "!1 missing fields"},
        {"m,t=v", "!1 missing fields"},
        {"m 1000", "!1 invalid field format"},
        {",t=v f=1", "!1 missing measurement"},
        {"m, f=1", "!1 missing tag key"},
        {"m,t f=1", "!1 missing tag value"},
        {"m,t= f=1", "!1 missing tag value"},
        {"m,=v f=1", "!1 missing tag key"},
        {"m,t=v, f=1", "!1 missing tag key"},
        {"m,t=v=w f=1", "!1 invalid tag format"},
        {"m,t=1,t=2 f=1", "!1 duplicate tags"},
        {"m f", "!1 invalid field format"},
        {"m f=", "!1 missing field value"},
        {"m f= 1000", "!1 missing field value"},
        {"m =1", "!1 missing field key"},
        {"m f=1,", "!1 invalid field format"},
        {"m f=1,,g=2", "!1 invalid field format"},
        {"m f=1, g=2", "!1 invalid field format"},
        {"m f=a", "!1 invalid boolean"},
        {"m f=tRUE", "!1 invalid boolean"},
        {"m f,g=1", "!1 invalid field format"},
        {"m f=NaN", "!1 invalid number"},
        {"m f=1x", "!1 invalid number"},
        {"m f=1.5i", "!1 invalid number"},
        {"m f=1e3i", "!1 invalid number"},
        {"m f=1ii", "!1 invalid number"},
        {"m f=-1u", "!1 invalid number"},
        {"m f=--1", "!1 invalid number"},
        {"m f=1e", "!1 invalid number"},
        {"m f=.", "!1 invalid number"},
        {"m f=0x10", "!1 invalid number"},
        {"m f=1e999", "!1 unable to parse float: value out of range"},
        {"m f=9223372036854775808i", "!1 unable to parse integer: value out of range"},
        {"m f=-9223372036854775809i", "!1 unable to parse integer: value out of range"},
        {"m f=99999999999999999999i", "!1 unable to parse integer: value out of range"},
        {"m f=18446744073709551615u",
         "!1 unsigned integers above 9223372036854775807 cannot be kept exactly"},
        {"m f=\"a", "!1 unbalanced quotes"},
        {"m f=\"a\\", "!1 unbalanced quotes"},
        {"m f=\"a\"b", "!1 bad timestamp"},
        {"m f=1 x", "!1 bad timestamp"},
        {"m f=1 1x", "!1 bad timestamp"},
        {"m f=1 -", "!1 bad timestamp"},
        {"m f=1 1000 2000", "!1 bad timestamp"},
        {"m f=1 1.5", "!1 bad timestamp"},
        {"m f=1 9223372036854775808", "!1 time outside range"},
        {"m f=1 99999999999999999999999", "!1 time outside range"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].text, rows[i].wanted);
        char text[256], wanted[256]; /* and what stands around it counts */
        if (strstr(rows[i].wanted, "quotes"))
            continue;
        snprintf(text, sizeof text, "a f=1\n%s\nb f=2", rows[i].text);
        snprintf(wanted, sizeof wanted, "a f:d1;!2 %s;b f:d2", rows[i].wanted + 3);
        expect(text, wanted);
    }
}

static void a_line_ends_where_it_should(void **state)
{
    (void)state;
    expect("m f=\"a\nb\nc\"\nn f=x\no f=1", "m f:sa\nb\nc;!4 invalid boolean;o f:d1");
    /* what stands in a text is no line, even where its line is wrong */
    expect("m x=bad,f=\"a\nevil f=1\n\"\nn f=2", "!1 invalid boolean;n f:d2");
    expect("m f=\"a\nevil f=1\nn f=2", "!1 unbalanced quotes");
    /* a quote that begins no text hides no line */
    expect("m\" f=1\nn f\"=2x\no f=3", "m\" f:d1;!2 invalid number;o f:d3");
    expect("m\\\nn f=1", "!1 missing fields;n f:d1");
    expect("m f\\\nn f=1", "!1 invalid field format;n f:d1");
}

static void precisions(void **state)
{
    static const struct {
        const char *name;
        const char *wanted;
    } rows[] = {{"", "m f:d1 @1"},
                {"n", "m f:d1 @1"},
                {"ns", "m f:d1 @1"},
                {"u", "m f:d1 @1500"},
                {"us", "m f:d1 @1500"},
                {"\xc2\xb5", "m f:d1 @1500"},
                {"ms", "m f:d1 @1500000"},
                {"s", "m f:d1 @1500000000"},
                {"m", "m f:d1 @90000000000"},
                {"h", "m f:d1 @5400000000000"}};
    int64_t unit = 7;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(line_precision(slice_str(rows[i].name), &unit), 0);
        char *got = shown(SLICE_LIT("m f=1 1500"), unit);
        assert_string_equal(got, rows[i].wanted);
        free(got);
    }
    char *got = shown(SLICE_LIT("m f=1 9223372036854775807"), unit);
    assert_string_equal(got, "!1 time outside range");
    free(got);
    unit = 7;
    assert_int_equal(line_precision(SLICE_LIT("d"), &unit), ERR_INVALID);
    assert_int_equal(unit, 7);
}

static void many_fields_and_many_tags(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_byte(&b, 'm');
    for (int i = 0; i < LINE_TAGS_MAX; i++)
        buf_addf(&b, ",t%03d=v", LINE_TAGS_MAX - i);
    struct line_key *k = malloc(sizeof *k);
    assert_null(line_key_read(buf_slice(&b), k));
    assert_int_equal(k->n, LINE_TAGS_MAX);
    for (size_t i = 1; i < k->n; i++)
        assert_true(strncmp(k->tags[i - 1].key.p, k->tags[i].key.p, 4) < 0);
    buf_add_str(&b, ",u=v");
    assert_string_equal(line_key_read(buf_slice(&b), k), "too many tags");
    free(k);
    buf_clear(&b);
    buf_add_str(&b, "m f=1");
    for (int i = 1; i < LINE_FIELDS_MAX; i++)
        buf_add_str(&b, ",f=1");
    struct line_reader r = {0};
    struct line l;
    line_reader_init(&r, buf_slice(&b), 1);
    assert_true(line_next(&r, &l));
    assert_null(l.error);
    assert_int_equal(l.fields_n, LINE_FIELDS_MAX);
    buf_add_str(&b, ",f=1\nn f=1");
    line_reader_init(&r, buf_slice(&b), 1);
    assert_true(line_next(&r, &l));
    assert_string_equal(l.error, "too many fields");
    assert_true(line_next(&r, &l));
    assert_null(l.error);
    buf_clear(&b);
    for (int i = 0; i <= LINE_NAME_MAX; i++)
        buf_add_byte(&b, 'm');
    buf_add_str(&b, " f=1");
    line_reader_init(&r, buf_slice(&b), 1);
    assert_true(line_next(&r, &l));
    assert_string_equal(l.error, "max key length exceeded: 65535");
    line_reader_release(&r);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points),
        cmocka_unit_test(values),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_line_ends_where_it_should),
        cmocka_unit_test(precisions),
        cmocka_unit_test(many_fields_and_many_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
