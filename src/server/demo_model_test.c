/* Tests of the demo's models: physics that can be checked by hand, and a life with an end. */
#include "server/demo_pump.h"
#include "server/demo_robot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const double DT = 0.1;

static void the_bearing_tends_to_its_steady_state(void **state)
{
    (void)state;
    struct pump p;
    pump_init(&p, 7);
    double before = p.bearing_c;
    for (int i = 0; i < 6000; i++) { /* 3.5 time constants of C R = 168 s, without wear */
        p.wear = 0;
        pump_step(&p, DT);
        assert_true(p.bearing_c > before - 0.02); /* it warms up, but for the air's slow swing */
        before = p.bearing_c;
    }
    /* P R above the air: 60 W * 0.42 K/W = 25.2 K, less what is missing after 600 s (3 %) */
    assert_true(fabs(p.bearing_c - p.ambient_c - 25.2) < 1.5);
    /* standing still it gives all of it back */
    p.state = PUMP_FAILED;
    p.failed_s = 0;
    p.age_s = 0;
    for (int i = 0; i < 20000; i++)
        pump_step(&p, DT);
    /* what is left is the lag behind the air's swing: 1.5 K wt / sqrt(1 + (wt)^2) = 1.14 K */
    assert_true(fabs(p.bearing_c - p.ambient_c) < 1.2);
}

static void water_flows_where_the_curves_meet(void **state)
{
    (void)state;
    struct pump p;
    pump_init(&p, 3);
    for (int i = 0; i < 3000; i++) {
        pump_step(&p, DT);
        if (p.age_s < 20)
            continue;
        double q = p.flow_m3s, curve = 48 * (1 - 0.1 * p.wear) - 62208 * q * q;
        assert_true(fabs(p.head_m - curve) < 0.1);          /* on the pump's curve */
        assert_true(p.head_m > 12 && p.head_m < 48);        /* above the static head */
        assert_true(p.shaft_w > 998 * 9.81 * q * p.head_m); /* no more out than in */
    }
    struct pump_sensors now;
    pump_read(&p, &now);
    assert_true(now.flow_m3h > 35 && now.flow_m3h < 60);
    assert_true(now.pressure_bar > 3 && now.pressure_bar < 4.6);
    assert_true(now.power_kw > 6 && now.power_kw < 9);
    assert_string_equal(now.state, "running");
}

static void a_pump_wears_out_and_says_so_before(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pump p;
        struct pump_sensors now;
        double warned_s = 0, failed_s = 0, wear = 0;
        pump_init(&p, seed);
        while (p.age_s < PUMP_LIFE_S) {
            pump_step(&p, DT);
            pump_read(&p, &now);
            assert_true(p.wear >= wear);
            wear = p.wear;
            if (warned_s == 0 && now.vibration_mms > 4.5)
                warned_s = p.age_s;
            if (failed_s == 0 && p.state != PUMP_RUNNING)
                failed_s = p.age_s;
        }
        assert_true(failed_s > 20 * 60 && failed_s < PUMP_LIFE_S - 45);
        assert_true(warned_s > 15 * 60 && warned_s < failed_s - 30); /* time to act */
        assert_int_equal(p.state, PUMP_REPAIR);
        assert_true(p.flow_m3s == 0 && p.speed == 0);
        assert_true(now.vibration_mms < 0.1 && now.power_kw < 0.01);
    }
}

static void an_arm_moves_smoothly_and_wears_out(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct robot r;
        double failed_s = 0, hottest = 0, lowest = 2000, last = 0, end = 0;
        robot_init(&r, seed);
        while (r.age_s < ROBOT_LIFE_S) {
            robot_step(&r, DT);
            assert_true(r.angle_deg >= -30.001 && r.angle_deg <= 90.001);
            /* the greatest step: 90 degrees in 1.6 s, at most 1.875 times the mean velocity */
            assert_true(fabs(r.angle_deg - last) < 90 / 1.6 * 1.875 * DT + 0.5);
            last = r.angle_deg;
            if (r.joint_c > hottest)
                hottest = r.joint_c;
            if (!r.failed && r.pressure_psi < lowest)
                lowest = r.pressure_psi;
            if (r.age_s > 300 && r.age_s < 900)
                assert_true(r.joint_c > 30 && r.joint_c < 65 && r.pressure_psi > 1000 &&
                            r.pressure_psi < 1500);
            if (r.failed && failed_s == 0) {
                failed_s = r.age_s;
                end = r.angle_deg;
            }
        }
        assert_true(failed_s > 25 * 60 && failed_s < ROBOT_LIFE_S - 45);
        assert_true(hottest > 70 && hottest < 95); /* over the profile's threshold */
        assert_true(lowest < 1100);
        assert_true(r.pressure_psi < 50 && r.angle_deg == end && r.joint_c < hottest - 10);
    }
}

static void velocity_is_the_change_of_the_angle(void **state)
{
    (void)state;
    struct robot r;
    robot_init(&r, 1);
    double dt = 0.001, last_angle = 0, last_velocity = 0, worst = 0;
    for (int i = 0; i < 20000; i++) {
        robot_step(&r, dt);
        double by_angle = (r.angle_deg - last_angle) / dt * M_PI / 180;
        double mean = (r.velocity_rads + last_velocity) / 2;
        if (i > 0 && fabs(by_angle - mean) > worst)
            worst = fabs(by_angle - mean);
        last_angle = r.angle_deg;
        last_velocity = r.velocity_rads;
    }
    assert_true(worst < 0.02);
}

static void the_same_seed_is_the_same_course(void **state)
{
    (void)state;
    struct pump a, b, c;
    struct pump_sensors x, y, z;
    int differ = 0;
    pump_init(&a, 5);
    pump_init(&b, 5);
    pump_init(&c, 6);
    for (int i = 0; i < 1000; i++) {
        pump_step(&a, DT);
        pump_step(&b, DT);
        pump_step(&c, DT);
        pump_read(&a, &x);
        pump_read(&b, &y);
        pump_read(&c, &z);
        assert_true(x.flow_m3h == y.flow_m3h && x.vibration_mms == y.vibration_mms);
        differ += x.flow_m3h != z.flow_m3h;
    }
    assert_true(differ > 900);
}

static void noise_is_what_it_says(void **state)
{
    (void)state;
    struct noise n = {42};
    double sum = 0, squares = 0, x = 0, wander = 0;
    enum { N = 200000 };
    for (int i = 0; i < N; i++) {
        double v = noise_normal(&n);
        assert_true(fabs(v) < 3.5);
        sum += v;
        squares += v * v;
        x = noise_wander(&n, x, 1, 0.1);
        wander += x * x;
    }
    assert_true(fabs(sum / N) < 0.01);
    assert_true(fabs(squares / N - 1) < 0.02);
    assert_true(fabs(wander / N - 1) < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bearing_tends_to_its_steady_state),
        cmocka_unit_test(water_flows_where_the_curves_meet),
        cmocka_unit_test(a_pump_wears_out_and_says_so_before),
        cmocka_unit_test(an_arm_moves_smoothly_and_wears_out),
        cmocka_unit_test(velocity_is_the_change_of_the_angle),
        cmocka_unit_test(the_same_seed_is_the_same_course),
        cmocka_unit_test(noise_is_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
