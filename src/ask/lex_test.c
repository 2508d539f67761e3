#include "ask/lex.h"

#include "base/clock.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t NOW = INT64_C(1790000000000000);

static int64_t at(const char *text)
{
    int64_t t = -1;
    assert_int_equal(clock_parse(slice_str(text), &t), 0);
    return t;
}

/* Runs of spaces as one, and none at the end. */
static void squeeze(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++)
        if (*p != ' ' || (p[1] != ' ' && p[1]))
            *to++ = *p;
    *to = 0;
}

/* What becomes of it: as long as it was, and this but for spaces. */
static void becomes(const char *sql, const char *expected, int64_t at_us)
{
    char text[200];
    struct as_of as_of;
    size_t n = strlen(sql);
    memcpy(text, sql, n + 1);
    assert_int_equal(as_of_take(text, n, NOW, &as_of), 0);
    assert_int_equal(strlen(text), n);
    squeeze(text);
    assert_string_equal(text, expected);
    assert_int_equal(as_of.at_us, at_us);
}

static void as_of_at_the_end_is_the_questions(void **state)
{
    (void)state;
    int64_t t = at("2026-11-02T14:00:00Z");
    becomes("SELECT 1 AS OF '2026-11-02T14:00Z'", "SELECT 1", t);
    becomes("SELECT 1 as of '2026-11-02 14:00';", "SELECT 1 ;", t);
    becomes("SELECT 1 AS/**/OF '2026-11-02T15:00+01:00' -- end", "SELECT 1 -- end", t);
    becomes("SELECT a FROM t AS OF '-1h'", "SELECT a FROM t", NOW - INT64_C(3600000000));
}

static void as_of_behind_a_table_is_its_argument(void **state)
{
    (void)state;
    becomes("SELECT * FROM a AS OF '2026-01-01' x", "SELECT * FROM a ('2026-01-01') x", 0);
    becomes("FROM a, \"b\" AS OF 'now' AS y", "FROM a, \"b\" ('now') AS y", 0);
    becomes("a JOIN b AS OF 'now' ON 1", "a JOIN b ('now') ON 1", 0);
}

static void no_clause_is_found_where_none_is(void **state)
{
    static const char *const same[] = {"SELECT 1 AS of",
                                       "SELECT ' AS OF ''now'' '",
                                       "SELECT \"AS OF 'now'\"",
                                       "SELECT 1 -- AS OF 'now'",
                                       "SELECT 1 /* AS OF 'now' */",
                                       "SELECT [AS OF 'now'], `AS OF 'now'`",
                                       "SELECT x'00' AS OFF, 'a",
                                       ""};
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        becomes(same[i], same[i], 0);
}

static void what_is_no_time_or_out_of_place_is_told(void **state)
{
    static const struct {
        const char *sql;
        size_t place;
    } bad[] = {{"SELECT 1 AS OF 'then'", 15},
               {"SELECT 1 AS OF ''", 15},
               {"SELECT 1 AS OF 'open", 15},
               {"SELECT a AS OF 'now' FROM b", 9},
               {"SELECT a FROM b WHERE c AS OF 'now' ORDER BY d", 24}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100];
        struct as_of as_of;
        size_t n = strlen(bad[i].sql);
        memcpy(text, bad[i].sql, n + 1);
        assert_int_equal(as_of_take(text, n, NOW, &as_of), ERR_BAD_TIME);
        assert_int_equal(as_of.place, bad[i].place);
    }
}

static void words_are_cut_as_sqlite_cuts_them(void **state)
{
    static const struct {
        enum lex_kind kind;
        const char *text;
    } expected[] = {{LEX_WORD, "a1"},       {LEX_STRING, "'b''c'"}, {LEX_NAME, "\"d\""},
                    {LEX_PARAM, ":e"},      {LEX_OTHER, "1e5"},     {LEX_OTHER, "x'0a'"},
                    {LEX_NAME, "[f g]"},    {LEX_OTHER, "|"},       {LEX_OTHER, "|"},
                    {LEX_WORD, "\xc3\xa4"}, {LEX_STRING, "'open"}};
    struct slice rest = slice_str("a1'b''c'\"d\":e 1e5/* / */x'0a'[f g]||\xc3\xa4--'\n\t'open");
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct lex_token t = lex_next(&rest);
        assert_int_equal(t.kind, expected[i].kind);
        assert_true(slice_is(t.text, expected[i].text));
    }
    assert_int_equal(lex_next(&rest).kind, LEX_END);
    struct buf b = {0};
    lex_put_text(&b, (struct lex_token){LEX_STRING, SLICE_LIT("'it''s'")});
    assert_true(slice_is(buf_slice(&b), "it's"));
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_of_at_the_end_is_the_questions),
        cmocka_unit_test(as_of_behind_a_table_is_its_argument),
        cmocka_unit_test(no_clause_is_found_where_none_is),
        cmocka_unit_test(what_is_no_time_or_out_of_place_is_told),
        cmocka_unit_test(words_are_cut_as_sqlite_cuts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
