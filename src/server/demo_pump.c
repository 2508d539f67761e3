/* The pump in equations.
 *
 * Hydraulics.  The pump's curve, by the affinity laws for a speed s (1 is rated), is
 * H = H0 s^2 - k Q^2; the pipes and consumers behind it ask for H = Hs + r Q^2.  They meet at
 * Q = sqrt((H0 s^2 - Hs) / (k + r)).  r changes as consumers open and close: a slow swell and a
 * wandering part.  Wear eats up to a tenth of H0.
 *
 * Power.  Hydraulic power rho g Q H over the efficiency, a parabola around the best point, is the
 * shaft's; the motor takes a ninth more.
 *
 * Bearing.  Friction P = P0 s^2 (1 + a w^2) heats a mass C that loses heat to the air through R:
 * C dT/dt = P - (T - Ta) / R, which for constant P tends to Ta + P R with the time constant C R.
 *
 * Vibration (mm/s RMS, as ISO 10816 measures it) grows with the square of the speed and with wear,
 * slowly at first and steeply at the end; running far from the best point adds to it.
 *
 * Wear.  dw/dt = (1 + g w) load / T: damage makes damage.  For load 1 it reaches 1 after
 * T ln(1 + g) / g seconds; T is chosen so that a life ends about 22 minutes after a repair.  Then
 * the bearing seizes: the shaft stops within seconds.  Repair ends with the life. */
#include "server/demo_pump.h"

#include <stdbool.h>

static const double RHO_G = 998.0 * 9.81;
static const double H0 = 48.0, HS = 12.0;       /* m */
static const double K = 62208.0, R0 = 124416.0; /* s^2/m^5: 50 m3/h at 36 m */
static const double Q_BEST = 50.0 / 3600;       /* m3/s */
static const double EFFICIENCY = 0.72, MOTOR = 0.9;
static const double FRICTION_W = 60.0, FRICTION_WEAR = 2.0;
static const double BEARING_C = 400.0, BEARING_R = 0.42; /* J/K, K/W */
static const double GROWTH = 3.0, WEAR_T = 2860.0;
static const double RATED_RPM = 2900.0, START_TAU = 1.5, STOP_TAU = 0.8;
static const double REPAIR_S = 40.0; /* the last part of a life, with people at work */

void pump_init(struct pump *p, uint64_t seed)
{
    *p = (struct pump){.noise = {seed}, .ambient_c = 21, .bearing_c = 24, .failed_s = -1};
    p->demand = noise_normal(&p->noise);
}

static void step_speed(struct pump *p, double dt)
{
    bool runs = p->state == PUMP_RUNNING;
    double target = runs ? 1 : 0;
    p->speed += (target - p->speed) * (1 - exp(-dt / (runs ? START_TAU : STOP_TAU)));
    if (!runs && p->speed < 0.002)
        p->speed = 0;
}

static void step_water(struct pump *p, double dt)
{
    p->demand = noise_wander(&p->noise, p->demand, 25, dt);
    double swell = sin(p->age_s * 2 * M_PI / 240);
    double r = R0 * (1.15 + 0.35 * swell + 0.06 * p->demand);
    double shut_off = H0 * (1 - 0.1 * p->wear) * p->speed * p->speed;
    double drive = shut_off - HS;
    p->flow_m3s = drive > 0 ? sqrt(drive / (K + r)) : 0;
    p->head_m = shut_off - K * p->flow_m3s * p->flow_m3s;
    double off = (p->flow_m3s - Q_BEST) / Q_BEST;
    double efficiency = fmax(EFFICIENCY * (1 - 0.8 * off * off), 0.15);
    p->shaft_w = RHO_G * p->flow_m3s * p->head_m / efficiency +
                 250 * p->speed * p->speed * p->speed; /* discs and seals turn in water too */
}

static void step_bearing(struct pump *p, double dt)
{
    double s2 = p->speed * p->speed;
    double friction = FRICTION_W * s2 * (1 + FRICTION_WEAR * p->wear * p->wear);
    double loss = (p->bearing_c - p->ambient_c) / BEARING_R;
    p->ambient_c = 21 + 1.5 * sin(p->age_s * 2 * M_PI / 900);
    p->bearing_c += (friction - loss) / BEARING_C * dt;
    if (p->state == PUMP_RUNNING) {
        double load = s2 * (0.9 + 0.1 * p->flow_m3s / Q_BEST);
        p->wear += (1 + GROWTH * p->wear) * load / WEAR_T * dt;
    }
}

void pump_step(struct pump *p, double dt)
{
    p->age_s += dt;
    if (p->failed_s >= 0)
        p->failed_s += dt;
    step_speed(p, dt);
    step_water(p, dt);
    step_bearing(p, dt);
    if (p->state == PUMP_RUNNING && p->wear >= 1) {
        p->wear = 1;
        p->failed_s = 0;
        p->state = PUMP_FAILED;
    }
    if (p->state == PUMP_FAILED && p->age_s >= PUMP_LIFE_S - REPAIR_S)
        p->state = PUMP_REPAIR;
}

static double vibration(const struct pump *p)
{
    double w = p->wear, s2 = p->speed * p->speed;
    double off = fabs(p->flow_m3s - Q_BEST) / Q_BEST;
    double grown = 1 + 0.7 * w + 4.9 * w * w * w * w * w;
    double seizing = p->failed_s >= 0 ? 9 * exp(-p->failed_s / 1.5) : 0;
    return 1.3 * s2 * grown + 0.9 * off * s2 + seizing;
}

void pump_read(struct pump *p, struct pump_sensors *ret)
{
    static const char *const states[] = {"running", "failed", "in repair"};
    struct noise *n = &p->noise;
    double suction_bar = 0.3;
    ret->flow_m3h = fmax(p->flow_m3s * 3600 * (1 + 0.004 * noise_normal(n)), 0);
    ret->pressure_bar = fmax(suction_bar + RHO_G * p->head_m / 1e5 + 0.01 * noise_normal(n), 0);
    ret->vibration_mms = fmax(vibration(p) * (1 + 0.05 * noise_normal(n)) + 0.02, 0);
    ret->bearing_c = p->bearing_c + 0.08 * noise_normal(n);
    ret->power_kw = fmax(p->shaft_w / MOTOR / 1000 * (1 + 0.003 * noise_normal(n)), 0);
    ret->speed_rpm = fmax(RATED_RPM * p->speed + (p->speed > 0 ? 2 * noise_normal(n) : 0), 0);
    ret->state = states[p->state];
}
