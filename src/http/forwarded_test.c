/* forwarded_test.c - whose address counts behind proxies. */
#include "http/forwarded.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct proxies *proxies(const char *text)
{
    struct proxies *p = NULL;
    struct slice bad;
    assert_int_equal(proxies_parse(slice_str(text), &p, &bad), 0);
    return p;
}

static void expect(const char *list, const char *peer, const char *header, const char *client)
{
    char ret[FORWARDED_TEXT] = "none";
    struct proxies *p = proxies(list);
    bool found = proxies_client(p, peer, slice_str(header), ret);
    assert_string_equal(found ? ret : "none", client);
    proxies_free(p);
}

static void the_last_that_is_no_proxy_is_the_client(void **state)
{
    (void)state;
    expect("127.0.0.1", "127.0.0.1:99", "203.0.113.7", "203.0.113.7:0");
    expect("127.0.0.1", "127.0.0.1:99", "203.0.113.7, 198.51.100.1", "198.51.100.1:0");
    expect("127.0.0.1, 10.0.0.0/8", "127.0.0.1:99", "6.6.6.6, 203.0.113.7, 10.1.2.3",
           "203.0.113.7:0");
    expect("127.0.0.1,10.0.0.0/8", "127.0.0.1:99", "10.9.9.9,10.1.2.3", "10.9.9.9:0");
    expect("::1, fd00::/8", "[::1]:99", "2001:db8::7, fd00::1", "[2001:db8::7]:0");
    expect("0.0.0.0/0", "192.0.2.1:99", "203.0.113.7", "203.0.113.7:0");
}

static void who_is_no_proxy_is_not_believed(void **state)
{
    (void)state;
    expect("127.0.0.1", "127.0.0.2:99", "203.0.113.7", "none");
    expect("10.0.0.0/8", "11.0.0.1:99", "203.0.113.7", "none");
    expect("10.0.0.0/9", "10.128.0.1:99", "203.0.113.7", "none");
    expect("::/0", "memory", "203.0.113.7", "none");
    expect("0.0.0.0/0", "[2001:db8::1]:9", "203.0.113.7", "none");
}

static void the_forms_that_proxies_write(void **state)
{
    (void)state;
    expect("127.0.0.1", "127.0.0.1:99", "203.0.113.7:4711", "203.0.113.7:0");
    expect("127.0.0.1", "127.0.0.1:99", "[2001:db8::7]:4711", "[2001:db8::7]:0");
    expect("127.0.0.1", "127.0.0.1:99", "\"[2001:db8::7]\"", "[2001:db8::7]:0");
    expect("127.0.0.1", "127.0.0.1:99", "::ffff:203.0.113.7", "203.0.113.7:0");
    expect("::ffff:127.0.0.1", "127.0.0.1:99", " 203.0.113.7\t", "203.0.113.7:0");
}

/* What cannot be read ends the walk: nothing in front of it is believed. */
static void nonsense_is_nobody(void **state)
{
    (void)state;
    expect("127.0.0.1", "127.0.0.1:99", "", "none");
    expect("127.0.0.1", "127.0.0.1:99", "unknown", "none");
    expect("127.0.0.1", "127.0.0.1:99", "203.0.113.7, _hidden", "none");
    expect("127.0.0.1", "127.0.0.1:99", "203.0.113.7,", "none");
    expect("127.0.0.0/8", "127.0.0.1:99", "evil, 127.0.0.9", "127.0.0.9:0");
    expect("127.0.0.1", "127.0.0.1:99", "1.2.3.4.5", "none");
    expect("127.0.0.1", "127.0.0.1:99", "[::1", "none");
}

static void lists_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "localhost", "10.0.0.0/33", "10.0.0/8",         "10.0.0.0/-1", "10.0.0.0/8,",
        "::1/129", "1.2.3.4/",  "a, 10.0.0.1", "10.0.0.1 10.0.0.2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct proxies *p = NULL;
        struct slice part;
        assert_int_equal(proxies_parse(slice_str(bad[i]), &p, &part), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_that_is_no_proxy_is_the_client),
        cmocka_unit_test(who_is_no_proxy_is_not_believed),
        cmocka_unit_test(the_forms_that_proxies_write),
        cmocka_unit_test(nonsense_is_nobody),
        cmocka_unit_test(lists_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
