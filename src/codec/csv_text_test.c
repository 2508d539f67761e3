/* Fields of CSV: plain, quoted, and what a spreadsheet would take for a formula. */
#include "codec/csv_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct field {
    const char *text, *plain, *foreign;
};

static void fields(void **state)
{
    static const struct field all[] = {
        {"", "", ""},
        {"pump", "pump", "pump"},
        {"a,b", "\"a,b\"", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\"", "\"say \"\"x\"\"\""},
        {"two\nlines", "\"two\nlines\"", "\"two\nlines\""},
        {"a\rb", "\"a\rb\"", "\"a\rb\""},
        {"=1+1", "=1+1", "'=1+1"},
        {"@SUM(A1,A2)", "\"@SUM(A1,A2)\"", "\"'@SUM(A1,A2)\""},
        {"-5", "-5", "'-5"},
        {"+5", "+5", "'+5"},
        {"\tx", "\tx", "'\tx"},
        {"x=1", "x=1", "x=1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct buf b = {0};
        csv_put_text(&b, slice_str(all[i].text));
        assert_true(slice_is(buf_slice(&b), all[i].plain));
        buf_clear(&b);
        csv_put_foreign(&b, slice_str(all[i].text));
        assert_true(slice_is(buf_slice(&b), all[i].foreign));
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
