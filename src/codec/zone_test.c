/* Tests of zones: every zone of the system against the C library, and files that are wrong. */
#include "codec/zone.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define FOLDER "/usr/share/zoneinfo/"

static uint64_t seed = 88172645463325252u;

static uint64_t draw(void) /* xorshift */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static struct buf read_file(const char *name)
{
    char path[256];
    struct buf b = {0};
    snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    char *at = buf_reserve(&b, ZONE_BYTES_MAX);
    b.n = fread(at, 1, ZONE_BYTES_MAX, f);
    fclose(f);
    return b;
}

static struct zone *read_zone(const char *name)
{
    struct buf b = read_file(name);
    struct zone *z = NULL;
    assert_int_equal(zone_parse(buf_slice(&b), &z), 0);
    buf_release(&b);
    return z;
}

/* A span is what it says, and as long as it can be; the clock read backwards leads back. */
static void check_at(const struct zone *z, const char *name, int64_t t)
{
    struct zone_span span = zone_span(z, t);
    time_t libc = (time_t)t;
    struct tm tm;
    localtime_r(&libc, &tm);
    if (span.offset != tm.tm_gmtoff)
        fail_msg("%s at %lld: %d, not %ld", name, (long long)t, span.offset, tm.tm_gmtoff);
    assert_true(span.from <= t && t < span.until);
    if (span.until != INT64_MAX)
        assert_int_not_equal(zone_span(z, span.until).offset, span.offset);
    if (span.from != INT64_MIN)
        assert_int_not_equal(zone_span(z, span.from - 1).offset, span.offset);
    int64_t wall = t + span.offset, instant = zone_instant(z, wall);
    assert_true(instant <= t);
    assert_int_equal(instant + zone_span(z, instant).offset, wall);
}

static void check_zone(const char *name)
{
    struct zone *z = read_zone(name);
    setenv("TZ", name, 1);
    tzset();
    for (int i = 0; i < 300; i++)
        check_at(z, name, (int64_t)(draw() % 8000000000) - 3500000000); /* 1859 to 2112 */
    int64_t t = -2000000000;
    for (int i = 0; i < 400 && t < 6000000000; i++) { /* around every change */
        check_at(z, name, t);
        struct zone_span span = zone_span(z, t);
        if (span.until == INT64_MAX)
            break;
        check_at(z, name, span.until - 1);
        t = span.until;
    }
    zone_free(z);
}

static void every_zone_is_that_of_the_c_library(void **state)
{
    (void)state;
    FILE *f = fopen(FOLDER "zone1970.tab", "re");
    char line[512], name[128];
    int zones = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (line[0] != '#' && sscanf(line, "%*s %*s %127s", name) == 1) {
            check_zone(name);
            zones++;
        }
    fclose(f);
    assert_true(zones > 200);
    static const char *const others[] = {"UTC", "EST", "EST5EDT", "Etc/GMT+12", "Factory"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        check_zone(others[i]);
}

static void the_days_that_clocks_are_changed(void **state)
{
    (void)state;
    struct zone *z = read_zone("Europe/Berlin");
    const int64_t march = 1711843200 /* 2024-03-31 00:00 */, october = 1729987200; /* 10-27 */
    assert_int_equal(zone_instant(z, march), march - 3600);
    assert_int_equal(zone_instant(z, march + 86400) - zone_instant(z, march), 23 * 3600);
    assert_int_equal(zone_instant(z, october + 86400) - zone_instant(z, october), 25 * 3600);
    /* 02:30 does not exist: the moment of change; and exists twice: the first */
    assert_int_equal(zone_instant(z, march + 9000), march + 3600);
    assert_int_equal(zone_instant(z, october + 9000), october + 9000 - 7200);
    zone_free(z);
    z = read_zone("Pacific/Apia"); /* had no 2011-12-30 */
    const int64_t gone = 1325203200;
    assert_int_equal(zone_instant(z, gone), zone_instant(z, gone + 86400));
    zone_free(z);
}

static void utc_and_fixed_offsets(void **state)
{
    (void)state;
    struct zone *z = NULL;
    assert_int_equal(zone_span(NULL, 5).offset, 0);
    assert_int_equal(zone_instant(NULL, 5), 5);
    assert_int_equal(zone_fixed(-12600, &z), 0);
    assert_int_equal(zone_span(z, 5).offset, -12600);
    assert_int_equal(zone_instant(z, 0), 12600);
    zone_free(z);
}

static void a_file_that_is_cut_or_changed_is_refused_or_a_zone(void **state)
{
    (void)state;
    struct buf b = read_file("Europe/Berlin");
    for (size_t n = 0; n < b.n; n++) {
        struct zone *z = NULL;
        char *copy = malloc(n ? n : 1); /* so that reading behind it is seen */
        memcpy(copy, b.p, n);
        assert_int_equal(zone_parse(slice_of(copy, n), &z), ERR_CORRUPT);
        free(copy);
    }
    for (size_t i = 0; i < b.n; i++) {
        struct zone *z = NULL;
        b.p[i] ^= (char)(1 << draw() % 8);
        if (zone_parse(buf_slice(&b), &z) == 0)
            zone_instant(z, (int64_t)(draw() % 4000000000));
        zone_free(z);
    }
    buf_release(&b);
}

/* A version 2 file without transitions, whose rule is all there is. */
static struct zone *zone_of_rule(const char *rule, int expected)
{
    struct buf b = {0};
    struct zone *z = NULL;
    for (int block = 0; block < 2; block++) {
        static const char head[44] = "TZif2";
        size_t at = b.n;
        buf_add(&b, head, sizeof head);
        b.p[at + 39] = 1; /* one type, four bytes of names */
        b.p[at + 43] = 4;
        buf_add(&b, "\0\0\0\0\0\0UTC", 10);
    }
    buf_addf(&b, "\n%s\n", rule);
    assert_int_equal(zone_parse(buf_slice(&b), &z), expected);
    buf_release(&b);
    return z;
}

static void rules(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "UTC0",
                                       "<+0330>-3:30",
                                       "EST5EDT,M3.2.0,M11.1.0",
                                       "IST-1GMT0,M10.5.0,M3.5.0/1",
                                       "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
                                       "EET-2EEST,J60/0,J305/24",
                                       "AAA4BBB,0/0,J365/25", /* summer all year */
                                       "XYZ-10:30:15XYT,59,300/167"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct zone *z = zone_of_rule(good[i], 0);
        setenv("TZ", good[i][0] ? good[i] : "UTC0", 1);
        tzset();
        for (int k = 0; k < 300; k++) {
            /* glibc takes rules as beginning in 1970 */
            int64_t t = 32000000 + (int64_t)(draw() % 8000000000);
            struct zone_span span = zone_span(z, t);
            time_t libc = (time_t)t;
            struct tm tm;
            localtime_r(&libc, &tm);
            if (tm.tm_gmtoff != span.offset)
                fail_msg("%s at %lld: %d, not %ld", good[i], (long long)t, span.offset,
                         tm.tm_gmtoff);
            assert_true(span.from <= t && t < span.until);
        }
        zone_free(z);
    }
    static const char *const bad[] = {"U0",
                                      "UTC",
                                      "UTC25",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5EDT,M3.2.7,M11.1.0",
                                      "EST5EDT,J0,J365",
                                      "EST5EDT,M3.2.0/168,M11.1.0",
                                      "EST5EDT,M3.2.0,M11.1.0x",
                                      "<+03-3",
                                      "UTC0:60"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        zone_free(zone_of_rule(bad[i], ERR_CORRUPT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_zone_is_that_of_the_c_library),
        cmocka_unit_test(the_days_that_clocks_are_changed),
        cmocka_unit_test(utc_and_fixed_offsets),
        cmocka_unit_test(a_file_that_is_cut_or_changed_is_refused_or_a_zone),
        cmocka_unit_test(rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
