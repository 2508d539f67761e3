/* Tests of layouts: one for the same sensors, gone with the last who has it. */
#include "core/layouts.h"

#include "base/err.h"
#include "twin/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct sensor_spec few[] = {
    {.id = SLICE_LIT("a"), .unit = SLICE_LIT("celsius"), .kind = VALUE_DOUBLE},
    {.id = SLICE_LIT("b"), .kind = VALUE_TEXT},
};

static void the_same_sensors_are_one_layout(void **state)
{
    (void)state;
    struct map layouts = {0};
    struct layout *one, *same, *less;
    assert_int_equal(layout_get_of(&layouts, few, 2, &one), 0);
    assert_int_equal(layout_get_of(&layouts, few, 2, &same), 0);
    assert_int_equal(layout_get_of(&layouts, few, 1, &less), 0);
    assert_ptr_equal(one, same);
    assert_ptr_not_equal(one, less);
    assert_int_equal(layouts.count, 2);
    assert_true(slice_is(layout_find(one, SLICE_LIT("a"))->unit, "celsius"));
    assert_int_equal(layout_find(one, SLICE_LIT("b"))->index, 1);
    assert_null(layout_find(less, SLICE_LIT("b")));
    layout_unref(one);
    layout_unref(less);
    assert_int_equal(layouts.count, 1);
    layout_unref(same);
    assert_int_equal(layouts.count, 0);
    layout_unref(NULL);
    map_release(&layouts);
}

static void many_sensors_are_found(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct map layouts = {0};
    struct layout *l;
    static char names[N][16];
    static struct sensor_spec specs[N];
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "s%d", i);
        specs[i].id = slice_str(names[i]);
    }
    assert_int_equal(layout_get_of(&layouts, specs, N, &l), 0);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(layout_find(l, slice_str(names[i]))->index, i);
    assert_null(layout_find(l, SLICE_LIT("s1000")));
    layout_unref(l);
    map_release(&layouts);
}

static void damaged_bytes_make_none(void **state)
{
    (void)state;
    struct map layouts = {0};
    struct layout *l = NULL;
    struct buf b = {0};
    sensors_pack(&b, few, 2);
    assert_int_equal(layout_get(&layouts, SLICE_LIT(""), &l), ERR_CORRUPT);
    assert_int_equal(layout_get(&layouts, slice_of(b.p, b.n - 1), &l), ERR_CORRUPT);
    b.p[0] = 0x7f;
    assert_int_equal(layout_get(&layouts, buf_slice(&b), &l), ERR_UNSUPPORTED);
    buf_release(&b);
    assert_null(l);
    assert_int_equal(layouts.count, 0);
    map_release(&layouts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_sensors_are_one_layout),
        cmocka_unit_test(many_sensors_are_found),
        cmocka_unit_test(damaged_bytes_make_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
