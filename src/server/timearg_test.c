/* Tests of the times that people write. */
#include "server/timearg.h"

#include "base/clock.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000000000)
#define MARCH INT64_C(1583756076000000) /* 2020-03-09T12:14:36Z */

static int64_t arg(const char *text)
{
    int64_t t = INT64_MIN;
    assert_int_equal(timearg_parse(slice_str(text), NOW, &t), 0);
    return t;
}

static void arguments_are_read(void **state)
{
    (void)state;
    assert_int_equal(arg("now"), NOW);
    assert_int_equal(arg("-1h"), NOW - INT64_C(3600000000));
    assert_int_equal(arg("now-90s"), NOW - 90000000);
    assert_int_equal(arg("+5m"), NOW + INT64_C(300000000));
    assert_int_equal(arg("2020-03-09T12:14:36Z"), MARCH);
    assert_int_equal(arg("2020-03-09T13:14:36.5+01:00"), MARCH + 500000);
    assert_int_equal(arg("2020-03-09 12:14:36"), MARCH);
    assert_int_equal(arg("2020-03-09 12:14"), MARCH - 36000000);
    assert_int_equal(arg("2020-03-09"), MARCH - INT64_C(44076000000));
    assert_int_equal(arg("1583756076000"), MARCH);
    assert_int_equal(arg("1583756076000.25"), MARCH + 250);
    assert_int_equal(arg("-1000"), -1000000);
    static const char *const bad[] = {"",         "yesterday",  "-1",
                                      "now-",     "now1h",      "2020-13-01",
                                      "-1h30",    "2020-02-30", "2020-03-09T25:00:00Z",
                                      "12:14:36", "9e99",       "-1parsec"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t t;
        if (strcmp(bad[i], "-1") == 0)
            continue; /* a number of milliseconds */
        if (!timearg_parse(slice_str(bad[i]), NOW, &t))
            fail_msg("%s was taken", bad[i]);
    }
}

static int64_t column(const char *form, const char *zone, const char *text)
{
    struct time_form f;
    const char *why = NULL;
    int64_t t = INT64_MIN;
    if (time_form_init(&f, form, zone, &why))
        fail_msg("%s: %s", form, why);
    if (time_form_parse(&f, slice_str(text), &t))
        fail_msg("%s was not read as %s", text, form ? form : "auto");
    return t;
}

static void columns_are_read(void **state)
{
    (void)state;
    assert_int_equal(column(NULL, NULL, "2020-03-09 12:14:36"), MARCH);
    assert_int_equal(column("auto", NULL, " 2020/3/9 12:14:36 "), MARCH);
    assert_int_equal(column("auto", "+02:00", "2020-03-09 14:14:36"), MARCH);
    assert_int_equal(column("auto", "+02:00", "2020-03-09T12:14:36Z"), MARCH);
    assert_int_equal(column("auto", NULL, "1583756076"), MARCH);
    assert_int_equal(column("auto", NULL, "1583756076.25"), MARCH + 250000);
    assert_int_equal(column("auto", NULL, "1583756076000"), MARCH);
    assert_int_equal(column("auto", NULL, "1583756076000000"), MARCH);
    assert_int_equal(column("unix", NULL, "-0.5"), -500000);
    assert_int_equal(column("unix-us", NULL, "7"), 7);
    assert_int_equal(column("%d.%m.%Y %H:%M:%S", NULL, "09.03.2020 12:14:36"), MARCH);
    assert_int_equal(column("%d-%b-%y %I:%M:%S.%f %p %z", NULL, "09-Mar-20 01:14:36.5 PM +0100"),
                     MARCH + 500000);
    assert_int_equal(column("%s.%f", NULL, "1583756076.000001"), MARCH + 1);
    assert_int_equal(column("%H:%M%%", NULL, "00:01%"), 60000000);
}

static void wrong_columns_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"auto", ""},
                                           {"auto", "n/a"},
                                           {"auto", "2020-03-09 12:14:36 x"},
                                           {"unix", "1e9"},
                                           {"unix", "1.x"},
                                           {"unix", "99999999999999999999"},
                                           {"%Y", "20"},
                                           {"%Y-%m-%d", "2021-02-29"},
                                           {"%H %p", "13 pm"},
                                           {"%z", "+25:00"},
                                           {"%b", "Mag"},
                                           {"%s", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct time_form f;
        const char *why;
        int64_t t;
        assert_int_equal(time_form_init(&f, cases[i][0], NULL, &why), 0);
        if (time_form_parse(&f, slice_str(cases[i][1]), &t) != ERR_BAD_TIME)
            fail_msg("%s took \"%s\"", cases[i][0], cases[i][1]);
    }
    struct time_form f;
    const char *why = NULL;
    assert_int_equal(time_form_init(&f, "%Q", NULL, &why), ERR_INVALID);
    assert_non_null(why);
    assert_int_equal(time_form_init(&f, "seconds", NULL, &why), ERR_INVALID);
    assert_int_equal(time_form_init(&f, "%Y%", NULL, &why), ERR_INVALID);
    assert_int_equal(time_form_init(&f, NULL, "Middle/Earth", &why), ERR_INVALID);
    assert_int_equal(time_form_init(&f, NULL, "../../etc/passwd", &why), ERR_INVALID);
    assert_int_equal(time_form_init(&f, NULL, "+2", &why), ERR_INVALID);
}

static void zones_keep_summer_time(void **state)
{
    (void)state;
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0)
        skip();
    assert_int_equal(column(NULL, "Europe/Berlin", "2020-03-09 13:14:36"), MARCH);
    int64_t winter = column(NULL, "Europe/Berlin", "2020-03-28 12:00:00");
    int64_t summer = column(NULL, "Europe/Berlin", "2020-03-29 12:00:00");
    assert_int_equal(summer - winter, INT64_C(23) * 3600 * 1000000);
}

/* 2 o'clock comes twice on 2024-10-27: which it is, the row before tells. */
static void an_hour_that_comes_twice_is_two(void **state)
{
    (void)state;
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0)
        skip();
    static const char *const rows[] = {"01:30", "02:00", "02:30", "02:00", "02:30", "03:00"};
    struct time_form f;
    const char *why;
    int64_t t, begin = 0;
    assert_int_equal(time_form_init(&f, NULL, "Europe/Berlin", &why), 0);
    for (int i = 0; i < 6; i++) {
        char text[32];
        snprintf(text, sizeof text, "2024-10-27 %s", rows[i]);
        assert_int_equal(time_form_parse(&f, slice_str(text), &t), 0);
        begin = i ? begin : t;
        assert_int_equal((t - begin) / 60000000, 30 * i);
        f.near_us = t;
    }
    f.near_us = 0;
    assert_int_equal(time_form_parse(&f, SLICE_LIT("2024-10-27 02:30"), &t), 0);
    assert_int_equal((t - begin) / 60000000, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_read),
        cmocka_unit_test(columns_are_read),
        cmocka_unit_test(wrong_columns_are_refused),
        cmocka_unit_test(zones_keep_summer_time),
        cmocka_unit_test(an_hour_that_comes_twice_is_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
