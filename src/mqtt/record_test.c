/* Records as bytes: what was added later is left out while it says nothing. */
#include "mqtt/record.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct record message = {
    .type = RECORD_MESSAGE, .flags = 1, .topic = {"a/b", 3}, .props = {"", 0}, .payload = {"x", 1}};

/* What is put and read again; its texts live in out. */
static struct record again(const struct record *r, struct buf *out)
{
    struct record read;
    buf_clear(out);
    record_put(out, r);
    assert_int_equal(record_get(buf_slice(out), &read), 0);
    return read;
}

static void records_of_before_can_be_read(void **state)
{
    (void)state;
    static const char before[] = "\1\1\0\0\0\3a/b\0\1x\0"; /* as they were without organisations */
    struct record r;
    struct buf out = {0};
    struct slice bytes = slice_of(before, sizeof before - 1);
    assert_int_equal(record_get(bytes, &r), 0);
    assert_true(slice_is(r.topic, "a/b") && r.org.n == 0);
    record_put(&out, &r);
    assert_true(slice_eq(buf_slice(&out), bytes)); /* nor does the first organisation cost a byte */
    buf_release(&out);
}

static void organisation_and_subject_come_back(void **state)
{
    (void)state;
    struct buf out = {0};
    struct record m = message, s = {.type = RECORD_SESSION, .id = {"me", 2}}, read;
    m.org = SLICE_LIT("acme");
    read = again(&m, &out);
    assert_true(slice_is(read.org, "acme") && slice_is(read.payload, "x"));
    s.subject = SLICE_LIT("device:pump-1"); /* behind an organisation that is left empty */
    read = again(&s, &out);
    assert_true(slice_is(read.subject, "device:pump-1") && read.org.n == 0);
    s.org = SLICE_LIT("acme");
    read = again(&s, &out);
    assert_true(slice_is(read.subject, "device:pump-1") && slice_is(read.org, "acme"));
    buf_release(&out);
}

static void what_is_cut_short_or_too_long_is_refused(void **state)
{
    (void)state;
    struct buf out = {0};
    struct record r = message, read;
    r.org = SLICE_LIT("acme");
    record_put(&out, &r);
    for (size_t n = 1; n < out.n; n++) /* but for where the organisation begins */
        if (n != out.n - 5)
            assert_int_equal(record_get(slice_of(out.p, n), &read), ERR_CORRUPT);
    buf_add_byte(&out, 'x');
    assert_int_equal(record_get(buf_slice(&out), &read), ERR_CORRUPT);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_before_can_be_read),
        cmocka_unit_test(organisation_and_subject_come_back),
        cmocka_unit_test(what_is_cut_short_or_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
