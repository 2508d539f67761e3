/* The arm in equations.
 *
 * Path.  The arm goes round five stations.  Between two it follows the curve of least jerk,
 * x = 10 s^3 - 15 s^4 + 6 s^5 for s from 0 to 1 (Flash and Hogan, 1985), which starts and ends at
 * rest; then it waits a moment.
 *
 * Heat.  The joint's torque is inertia, friction and gravity, J a + b v + G cos(angle); the motor
 * loses (torque / kt)^2 Rw in its windings and b v^2 in the gear.  Both heat one mass:
 * C dT/dt = P - (T - Ta) / R.  Wear makes the gear stiffer, b (1 + a w^2).
 *
 * Hydraulics.  The gripper and the balancing cylinder live from an accumulator.  A pump with a
 * pressure regulator fills it, q = qmax clamp((p_off - p) / band, 0, 1); moving takes a share of
 * the speed, and a leak that grows with wear takes its own: dp/dt = E (q_pump - q_move - q_leak).
 *
 * Wear grows as the pump's does (demo_pump.c).  At its end the seal bursts: pressure is gone within
 * seconds, the arm stops where it stands and cools down until the life ends with a repair. */
#include "server/demo_robot.h"

static const double STATIONS[] = {0, 45, 90, 20, -30};
enum { STATIONS_N = 5 };
static const double MOVE_S = 1.6, WAIT_S = 0.6;
static const double INERTIA = 6.0, FRICTION = 9.0, GRAVITY = 34.0; /* kg m2, N m s, N m */
static const double TORQUE_CONSTANT = 3.2, WINDING_OHM = 0.42;     /* N m/A */
static const double FRICTION_WEAR = 8.0;
static const double JOINT_C = 300.0, JOINT_R = 0.50, AMBIENT_C = 22.0; /* J/K, K/W */
static const double STIFFNESS = 900.0;                                 /* psi/l */
static const double PUMP_LS = 0.16, OFF_PSI = 1320.0, BAND_PSI = 160.0;
static const double MOVE_L_RAD = 0.085, LEAK_LS = 0.004, LEAK_WEAR = 0.16;
static const double GROWTH = 3.0, WEAR_T = 3780.0;

void robot_init(struct robot *r, uint64_t seed)
{
    *r = (struct robot){.noise = {seed}, .joint_c = 30, .pressure_psi = 1250};
}

static void step_path(struct robot *r, double dt)
{
    if (r->failed) {
        r->velocity_rads = r->acceleration_rads2 = 0;
        return;
    }
    r->path_s += dt;
    double lap = fmod(r->path_s, STATIONS_N * (MOVE_S + WAIT_S));
    int from = (int)(lap / (MOVE_S + WAIT_S)) % STATIONS_N;
    double a = STATIONS[from], span = STATIONS[(from + 1) % STATIONS_N] - a;
    double s = fmin((lap - from * (MOVE_S + WAIT_S)) / MOVE_S, 1), s2 = s * s, s3 = s2 * s;
    double rad = span * M_PI / 180;
    r->angle_deg = a + span * (10 * s3 - 15 * s3 * s + 6 * s3 * s2);
    r->velocity_rads = rad / MOVE_S * (30 * s2 - 60 * s3 + 30 * s3 * s);
    r->acceleration_rads2 = rad / (MOVE_S * MOVE_S) * (60 * s - 180 * s2 + 120 * s3);
}

static void step_heat(struct robot *r, double dt)
{
    double friction = FRICTION * (1 + FRICTION_WEAR * r->wear * r->wear);
    double v = r->velocity_rads, power = 0;
    if (!r->failed) {
        double torque = INERTIA * r->acceleration_rads2 + friction * v +
                        GRAVITY * cos(r->angle_deg * M_PI / 180);
        double ampere = torque / TORQUE_CONSTANT;
        power = ampere * ampere * WINDING_OHM + friction * v * v;
    }
    r->joint_c += (power - (r->joint_c - AMBIENT_C) / JOINT_R) / JOINT_C * dt;
}

static void step_pressure(struct robot *r, double dt)
{
    double w = r->wear, p = r->pressure_psi;
    double pump = PUMP_LS * fmin(fmax((OFF_PSI - p) / BAND_PSI, 0), 1);
    double move = MOVE_L_RAD * fabs(r->velocity_rads);
    double leak = (LEAK_LS + LEAK_WEAR * w * w * w) * p / 1250;
    if (r->failed) { /* what is left runs out of the burst seal */
        pump = 0;
        leak = 0.6 * p / 1250;
    }
    r->pressure_psi = fmax(p + STIFFNESS * (pump - move - leak) * dt, 0);
}

void robot_step(struct robot *r, double dt)
{
    r->age_s += dt;
    step_path(r, dt);
    step_heat(r, dt);
    step_pressure(r, dt);
    if (!r->failed)
        r->wear += (1 + GROWTH * r->wear) / WEAR_T * dt;
    if (r->wear >= 1) {
        r->wear = 1;
        r->failed = true;
    }
}

void robot_read(struct robot *r, struct robot_sensors *ret)
{
    struct noise *n = &r->noise;
    ret->temperature_c = r->joint_c + 0.06 * noise_normal(n);
    ret->angle_deg = r->angle_deg + 0.04 * noise_normal(n);
    ret->pressure_psi = fmax(r->pressure_psi + 2.5 * noise_normal(n), 0);
}
