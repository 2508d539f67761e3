#include "access/knock.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000000000)

static void only_so_many_are_wrong(void **state)
{
    (void)state;
    int64_t wait;
    clock_set(NOW);
    struct knocks *k = knocks_new();
    for (int i = 0; i < KNOCKS; i++) {
        assert_true(knock_may(k, "192.0.2.1", &wait));
        knock_wrong(k, "192.0.2.1");
    }
    assert_false(knock_may(k, "192.0.2.1", &wait));
    assert_true(wait > 0 && wait <= KNOCK_EVERY_US);
    assert_true(knock_may(k, "192.0.2.2", &wait));
    clock_set(NOW + KNOCK_EVERY_US);
    assert_true(knock_may(k, "192.0.2.1", &wait));
    knock_wrong(k, "192.0.2.1");
    assert_false(knock_may(k, "192.0.2.1", &wait));
    knocks_free(k);
    clock_real();
}

static void a_network_of_ipv6_is_one(void **state)
{
    (void)state;
    int64_t wait;
    char address[64];
    struct knocks *k = knocks_new();
    for (int i = 0; i < KNOCKS; i++) {
        snprintf(address, sizeof address, "2001:db8:0:1::%x", i);
        knock_wrong(k, address);
    }
    assert_false(knock_may(k, "[2001:db8:0:1:ffff::1]", &wait));
    assert_true(knock_may(k, "2001:db8:0:2::1", &wait));
    knocks_free(k);
}

static void those_of_long_ago_are_forgotten(void **state)
{
    (void)state;
    int64_t wait;
    char address[64];
    struct knocks *k = knocks_new();
    for (int i = 0; i < KNOCKS; i++)
        knock_wrong(k, "192.0.2.1");
    for (int i = 0; i < KNOCKERS; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        knock_wrong(k, address);
    }
    assert_true(knock_may(k, "192.0.2.1", &wait));
    knocks_free(k);
    knocks_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_so_many_are_wrong),
        cmocka_unit_test(a_network_of_ipv6_is_one),
        cmocka_unit_test(those_of_long_ago_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
