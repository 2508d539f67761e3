/* Attempts that are counted, and what is awaited from browsers. */
#include "access/pending.h"
#include "access/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static int64_t now = 1;

static int64_t take(struct throttle *t, const char *account, const char *address,
                    const char *browser)
{
    struct throttle_try of;
    throttle_begin(&of, slice_str(account), slice_str(address), slice_str(browser));
    return throttle_take(t, &of, now);
}

static void right(struct throttle *t, const char *account, const char *address)
{
    struct throttle_try of;
    throttle_begin(&of, slice_str(account), slice_str(address), slice_str(""));
    throttle_right(t, &of);
}

static void delays_double_up_to_the_longest(void **state)
{
    struct throttle *t = throttle_new();
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(t, "ada", "192.0.2.1", ""), 0);
    int64_t want = SECOND;
    for (int i = 0; i < 14; i++) {
        assert_int_equal(take(t, "ada", "192.0.2.1", ""), want);
        now += want;
        assert_int_equal(take(t, "ada", "192.0.2.1", ""), 0);
        want = want < 450 * SECOND ? want * 2 : 900 * SECOND;
    }
    throttle_free(t);
}

static void the_wait_begins_when_it_was_wrong(void **state)
{
    struct throttle *t = throttle_new();
    struct throttle_try of;
    (void)state;
    throttle_begin(&of, SLICE_LIT("ada"), SLICE_LIT("192.0.2.1"), SLICE_LIT(""));
    for (int i = 0; i < 5; i++)
        assert_int_equal(throttle_take(t, &of, now), 0);
    now += 3 * SECOND; /* so long it takes to hash */
    throttle_wrong(t, &of, now);
    assert_int_equal(throttle_take(t, &of, now), SECOND);
    now += SECOND;
    assert_int_equal(throttle_take(t, &of, now), 0);
    throttle_free(t);
}

static void who_is_attacked_is_not_hindered_elsewhere(void **state)
{
    struct throttle *t = throttle_new();
    (void)state;
    while (!take(t, "ada", "192.0.2.1", ""))
        ;
    assert_int_equal(take(t, "ada", "192.0.2.2", ""), 0);
    assert_int_equal(take(t, "bo", "192.0.2.1", ""), 0);
    assert_int_equal(take(t, "ada", "192.0.2.1", "a browser of theirs"), 0);
    /* from everywhere: half a minute at most */
    char address[32];
    for (int i = 0; i < 400; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        int64_t wait = take(t, "ada", address, "");
        assert_true(wait <= 30 * SECOND);
        now += wait;
    }
    assert_true(take(t, "ada", "192.0.2.9", "") > 0);
    assert_int_equal(take(t, "ada", "192.0.2.9", "a browser of theirs"), 0);
    throttle_free(t);
}

static void what_was_right_is_taken_back(void **state)
{
    struct throttle *t = throttle_new();
    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(take(t, "ada", "192.0.2.1", ""), 0);
        right(t, "ada", "192.0.2.1");
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(t, "ada", "192.0.2.1", ""), 0);
    right(t, "ada", "192.0.2.1");
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(t, "ada", "192.0.2.1", ""), 0);
    assert_int_not_equal(take(t, "ada", "192.0.2.1", ""), 0);
    throttle_free(t);
}

static void a_network_is_one_address(void **state)
{
    struct throttle *t = throttle_new();
    char address[64];
    int n = 0;
    (void)state;
    for (; n < 100; n++) {
        snprintf(address, sizeof address, "2001:db8:1:2::%x", n + 1);
        if (take(t, "ada", address, ""))
            break;
    }
    assert_int_equal(n, 5);
    assert_int_equal(take(t, "ada", "2001:db8:1:3::1", ""), 0);
    assert_int_not_equal(take(t, "ada", "[2001:db8:1:2::ffff]", ""), 0);
    throttle_free(t);
}

static void memory_is_bounded_and_time_forgets(void **state)
{
    struct throttle *t = throttle_new();
    char account[32];
    (void)state;
    for (int i = 0; i < 3 * THROTTLE_MAX; i++) {
        snprintf(account, sizeof account, "%d", i);
        take(t, account, "192.0.2.1", account);
    }
    assert_int_equal(throttle_count(t), THROTTLE_MAX);
    now += 7 * 3600 * SECOND;
    take(t, "ada", "192.0.2.1", "x");
    assert_int_equal(throttle_count(t), 1);
    throttle_free(t);
}

static void an_answer_is_awaited_once_and_for_a_while(void **state)
{
    struct pendings *p = pendings_new(1000);
    unsigned char bytes[PENDING_BYTES];
    size_t n = 0;
    const struct slice ada = SLICE_LIT("ada"), bo = SLICE_LIT("bo");
    (void)state;
    assert_int_equal(pending_put(p, PENDING_SIGN_IN, ada, SLICE_LIT("first"), 0), 0);
    assert_int_equal(pending_put(p, PENDING_SIGN_IN, ada, SLICE_LIT("second"), 1), 0);
    assert_false(pending_take(p, PENDING_SIGN_IN, bo, bytes, &n, 2));
    assert_false(pending_take(p, PENDING_PASSKEY, ada, bytes, &n, 2));
    assert_true(pending_see(p, PENDING_SIGN_IN, ada, bytes, &n, 2));
    assert_true(pending_take(p, PENDING_SIGN_IN, ada, bytes, &n, 2));
    assert_true(slice_is(slice_of((const char *)bytes, n), "second"));
    assert_false(pending_take(p, PENDING_SIGN_IN, ada, bytes, &n, 2));
    assert_int_equal(pending_put(p, PENDING_TOTP, ada, SLICE_LIT("seed"), 0), 0);
    assert_true(pending_see(p, PENDING_TOTP, ada, bytes, &n, PENDING_US - 1));
    assert_false(pending_see(p, PENDING_TOTP, ada, bytes, &n, PENDING_US));
    char whom[32];
    for (int i = 0; i < 1010; i++) {
        snprintf(whom, sizeof whom, "%d", i);
        assert_int_equal(pending_put(p, PENDING_SIGN_IN, slice_str(whom), ada, 1), 0);
    }
    assert_false(pending_see(p, PENDING_SIGN_IN, SLICE_LIT("9"), bytes, &n, 1));
    assert_true(pending_see(p, PENDING_SIGN_IN, SLICE_LIT("10"), bytes, &n, 1));
    pendings_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_up_to_the_longest),
        cmocka_unit_test(the_wait_begins_when_it_was_wrong),
        cmocka_unit_test(who_is_attacked_is_not_hindered_elsewhere),
        cmocka_unit_test(what_was_right_is_taken_back),
        cmocka_unit_test(a_network_is_one_address),
        cmocka_unit_test(memory_is_bounded_and_time_forgets),
        cmocka_unit_test(an_answer_is_awaited_once_and_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
