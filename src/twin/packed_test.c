/* Tests of packed: there and back, and what is cut or damaged is told from what is whole. */
#include "twin/packed.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct sensor_spec sensors[] = {
    {.id = SLICE_LIT("temp-1"),
     .name = SLICE_LIT("Joint Temperature"),
     .type = SLICE_LIT("temperature"),
     .unit = SLICE_LIT("celsius"),
     .kind = VALUE_DOUBLE,
     .interval_us = 1500000,
     .has_normal = true,
     .has_critical = true,
     .has_threshold = true,
     .normal = {-20.5, 80},
     .critical = {90, 1e300},
     .threshold = 85.25,
     .alarm = {.said = true,
               .off = true,
               .severity = 2,
               .hysteresis = 1.5,
               .delay_us = 30000000,
               .clear_delay_us = 60000000}},
    {.id = SLICE_LIT("x"), .name = SLICE_LIT(""), .type = SLICE_LIT(""), .unit = SLICE_LIT("")},
    {.id = SLICE_LIT("door"),
     .name = SLICE_LIT("T\xc3\xbcr"),
     .type = SLICE_LIT("state"),
     .unit = SLICE_LIT(""),
     .kind = VALUE_TEXT,
     .has_critical = true,
     .critical = {1, 2}},
};
enum { N = sizeof sensors / sizeof sensors[0] };

static void assert_same(const struct sensor_spec *a, const struct sensor_spec *b)
{
    assert_true(slice_eq(a->id, b->id) && slice_eq(a->name, b->name));
    assert_true(slice_eq(a->type, b->type) && slice_eq(a->unit, b->unit));
    assert_int_equal(a->kind, b->kind);
    assert_true(a->interval_us == b->interval_us);
    assert_int_equal(a->has_normal, b->has_normal);
    assert_int_equal(a->has_critical, b->has_critical);
    assert_int_equal(a->has_threshold, b->has_threshold);
    assert_memory_equal(a->normal, b->normal, sizeof a->normal);
    assert_memory_equal(a->critical, b->critical, sizeof a->critical);
    assert_true(a->threshold == b->threshold);
    assert_int_equal(a->alarm.said, b->alarm.said);
    if (a->alarm.said) {
        assert_int_equal(a->alarm.off, b->alarm.off);
        assert_int_equal(a->alarm.severity, b->alarm.severity);
        assert_true(a->alarm.hysteresis == b->alarm.hysteresis);
        assert_true(a->alarm.delay_us == b->alarm.delay_us);
        assert_true(a->alarm.clear_delay_us == b->alarm.clear_delay_us);
    }
}

static void sensors_come_back(void **state)
{
    (void)state;
    for (size_t n = 0; n <= N; n++) {
        struct buf b = {0};
        struct sensor_spec *got;
        size_t got_n;
        sensors_pack(&b, sensors, n);
        assert_false(b.failed);
        assert_int_equal(sensors_unpack(buf_slice(&b), &got, &got_n), 0);
        assert_int_equal(got_n, n);
        for (size_t i = 0; i < n; i++) {
            assert_same(&got[i], &sensors[i]);
            assert_int_equal(got[i].index, i);
            assert_int_equal(got[i].id.p[got[i].id.n], 0);
        }
        free(got);
        buf_release(&b);
    }
}

static const struct profile_view view = {.name = SLICE_LIT("Pump"),
                                         .description = SLICE_LIT("Moves water"),
                                         .type = SLICE_LIT(""),
                                         .simulated = true,
                                         .interval_us = INT64_MAX,
                                         .retention_us = 86400000000,
                                         .raw_us = 3600000000,
                                         .sampling_us = 1,
                                         .compression = COMPRESSION_HIGH,
                                         .types = {"Pump\0Asset", 11},
                                         .relations = {"\0\0\5feeds\0\1b\0\0\0", 14}};

static void a_view_comes_back(void **state)
{
    (void)state;
    struct buf b = {0};
    struct profile_view got;
    view_pack(&b, &view);
    assert_int_equal(view_unpack(buf_slice(&b), &got), 0);
    assert_true(slice_eq(got.name, view.name) && slice_eq(got.description, view.description));
    assert_true(slice_eq(got.type, view.type) && got.simulated);
    assert_true(got.interval_us == view.interval_us && got.retention_us == view.retention_us);
    assert_true(got.sampling_us == view.sampling_us && got.raw_us == view.raw_us);
    assert_int_equal(got.compression, view.compression);
    assert_true(slice_eq(got.types, view.types) && slice_eq(got.relations, view.relations));
    buf_release(&b);
}

static void what_is_cut_is_no_whole(void **state)
{
    (void)state;
    struct buf s = {0}, v = {0};
    struct sensor_spec *got;
    struct profile_view got_view;
    size_t n;
    sensors_pack(&s, sensors, N);
    view_pack(&v, &view);
    for (size_t i = 0; i < s.n; i++)
        assert_int_equal(sensors_unpack(slice_of(s.p, i), &got, &n), ERR_CORRUPT);
    for (size_t i = 0; i < v.n; i++)
        assert_int_equal(view_unpack(slice_of(v.p, i), &got_view), ERR_CORRUPT);
    buf_add_byte(&s, 0);
    buf_add_byte(&v, 0);
    assert_int_equal(sensors_unpack(buf_slice(&s), &got, &n), ERR_CORRUPT);
    assert_int_equal(view_unpack(buf_slice(&v), &got_view), ERR_CORRUPT);
    s.p[0] = v.p[0] = 99;
    assert_int_equal(sensors_unpack(buf_slice(&s), &got, &n), ERR_UNSUPPORTED);
    assert_int_equal(view_unpack(buf_slice(&v), &got_view), ERR_UNSUPPORTED);
    buf_release(&s);
    buf_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sensors_come_back),
        cmocka_unit_test(a_view_comes_back),
        cmocka_unit_test(what_is_cut_is_no_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
