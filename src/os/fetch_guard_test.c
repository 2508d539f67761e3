/* fetch_guard_test.c - every kind of address that is not public, in every way it is written. */
#include "base/err.h"
#include "os/fetch_guard.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&a, &v4, sizeof v4);
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&a, &v6, sizeof v6);
    else
        fail_msg("%s is no address", text);
    return a;
}

static const char *private_words(const char *text)
{
    struct sockaddr_storage a = address(text);
    return fetch_guard_private((const struct sockaddr *)&a);
}

static void special_addresses_are_private(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0.0.0.0", "this machine"},
        {"0.1.2.3", "this machine"},
        {"10.255.255.255", "private"},
        {"100.64.0.1", "carrier"},
        {"100.100.100.200", "carrier"}, /* metadata at Alibaba */
        {"100.127.255.255", "carrier"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.254", "loopback"},
        {"168.63.129.16", "metadata"}, /* Azure */
        {"169.254.169.254", "link-local"},
        {"172.16.0.1", "private"},
        {"172.31.255.255", "private"},
        {"192.0.0.192", "reserved"}, /* Oracle */
        {"192.168.1.1", "private"},
        {"198.19.0.1", "benchmarking"},
        {"203.0.113.9", "documentation"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.250", "multicast"},
        {"255.255.255.255", "reserved"},
        {"::", "this machine"},
        {"::1", "loopback"},
        {"::127.0.0.1", "reserved"},         /* the old IPv4-compatible form */
        {"::ffff:127.0.0.1", "loopback"},    /* mapped */
        {"::ffff:a9fe:a9fe", "link-local"},  /* 169.254.169.254 */
        {"::ffff:0:127.0.0.1", "reserved"},  /* translated, RFC 2765 */
        {"64:ff9b::7f00:1", "loopback"},     /* NAT64 */
        {"64:ff9b::10.0.0.1", "private"},    /* the same */
        {"64:ff9b:1::10.0.0.1", "reserved"}, /* NAT64 of a network's own */
        {"2002:7f00:1::1", "6to4"},          /* 127.0.0.1 */
        {"2001:0:7f00:1::1", "reserved"},    /* Teredo */
        {"2001:db8::1", "documentation"},
        {"3fff::1", "documentation"},
        {"100::1", "reserved"},
        {"5f00::1", "reserved"},
        {"fc00::1", "private"},
        {"fd00:ec2::254", "private"}, /* metadata at Amazon */
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "reserved"},
        {"ff02::1", "multicast"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *words = private_words(rows[i][0]);
        if (!words || !strstr(words, rows[i][1]))
            fail_msg("%s is %s, not %s", rows[i][0], words ? words : "public", rows[i][1]);
    }
}

static void others_are_public(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "1.1.1.1",         "9.255.255.255",  "11.0.0.0",        "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0",      "168.63.129.17",   "169.253.0.1",    "172.15.255.255",
        "172.32.0.0",      "192.167.0.1",    "223.255.255.255", "2606:4700::1",   "2a00::1",
        "2001:200::1",     "64:ff9b::101:1", "::ffff:1.1.1.1",  "2003::1"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *words = private_words(rows[i]);
        if (words)
            fail_msg("%s is %s", rows[i], words);
    }
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    assert_non_null(fetch_guard_private(&unix_socket));
}

static bool listed(const struct fetch_guard *g, const char *host, const char *ip)
{
    struct sockaddr_storage a = address(ip);
    return fetch_guard_listed(g, slice_str(host), (const struct sockaddr *)&a);
}

static void list_allows_blocks_and_hosts(void **state)
{
    (void)state;
    struct fetch_guard *g;
    struct buf why = {0};
    assert_int_equal(
        fetch_guard_new(" 127.0.0.1, 10.8.0.0/13,fd00:1::/32 ,Keycloak.LAN.,", &g, &why), 0);
    assert_true(listed(g, "x", "127.0.0.1"));
    assert_true(listed(g, "x", "::ffff:127.0.0.1"));
    assert_true(listed(g, "x", "64:ff9b::127.0.0.1"));
    assert_false(listed(g, "x", "127.0.0.2"));
    assert_false(listed(g, "x", "::1"));
    assert_true(listed(g, "x", "10.8.0.0"));
    assert_true(listed(g, "x", "10.15.255.255"));
    assert_false(listed(g, "x", "10.16.0.0"));
    assert_false(listed(g, "x", "10.7.255.255"));
    assert_true(listed(g, "x", "fd00:1:2::3"));
    assert_false(listed(g, "x", "fd00:2::3"));
    assert_true(listed(g, "keycloak.lan", "192.168.0.9"));
    assert_true(listed(g, "KEYCLOAK.lan.", "192.168.0.9"));
    assert_false(listed(g, "evil.keycloak.lan", "192.168.0.9"));
    assert_false(listed(g, "keycloak.lan.evil.example", "192.168.0.9"));
    assert_false(listed(g, "", "192.168.0.9"));
    fetch_guard_free(g);
    assert_int_equal(fetch_guard_new(NULL, &g, &why), 0);
    assert_false(listed(g, "", "127.0.0.1"));
    fetch_guard_free(g);
    assert_int_equal(fetch_guard_new("::/0,0.0.0.0/0", &g, &why), 0);
    assert_true(listed(g, "x", "fe80::1"));
    assert_true(listed(g, "x", "1.2.3.4"));
    fetch_guard_free(g);
    buf_release(&why);
}

static void faulty_lists_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "10.0.0.0/33",  "10.0.0/8", "10.0.0.0/",  "10.0.0.0/-1", "fd00::/129", "10.0.0.256",
        "http://a.lan", "a lan",    "user@a.lan", "a.lan:80",    "[::1]",      "1.2.3.4.5",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fetch_guard *g;
        struct buf why = {0};
        assert_int_equal(fetch_guard_new(rows[i], &g, &why), ERR_INVALID);
        assert_true(why.n > 0);
        buf_release(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_addresses_are_private),
        cmocka_unit_test(others_are_public),
        cmocka_unit_test(list_allows_blocks_and_hosts),
        cmocka_unit_test(faulty_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
