#include "server/demo_course.h"

#include <assert.h>

enum { STEP_US = 100000, SECOND_US = 1000000 };

static void begin_pump(union course_state *s, uint64_t seed)
{
    pump_init(&s->pump, seed);
}

static void step_pump(union course_state *s, double dt)
{
    pump_step(&s->pump, dt);
}

/* Readings as an instrument shows them: so many decimals. */
static struct value shown(double v, double decimals)
{
    return value_double(round(v * decimals) / decimals);
}

static struct value text(struct slice s)
{
    return (struct value){VALUE_TEXT, {.text = s}};
}

static void read_pump(union course_state *s, const struct weather *w,
                      struct value v[COURSE_SERIES_MAX])
{
    struct pump_sensors now;
    (void)w;
    pump_read(&s->pump, &now);
    v[0] = shown(now.vibration_mms, 1000);
    v[1] = shown(now.bearing_c, 100);
    v[2] = shown(now.flow_m3h, 100);
    v[3] = shown(now.pressure_bar, 1000);
    v[4] = shown(now.power_kw, 1000);
    v[5] = shown(now.speed_rpm, 10);
    v[6] = text(slice_str(now.state));
}

static void begin_robot(union course_state *s, uint64_t seed)
{
    robot_init(&s->robot, seed);
}

static void step_robot(union course_state *s, double dt)
{
    robot_step(&s->robot, dt);
}

static void read_robot(union course_state *s, const struct weather *w,
                       struct value v[COURSE_SERIES_MAX])
{
    struct robot_sensors now;
    (void)w;
    robot_read(&s->robot, &now);
    v[0] = shown(now.temperature_c, 100);
    v[1] = shown(now.angle_deg, 100);
    v[2] = shown(now.pressure_psi, 10);
}

static void begin_weather(union course_state *s, uint64_t seed)
{
    (void)seed; /* measured, not drawn */
    s->day = SIZE_MAX;
}

static void step_weather(union course_state *s, double dt)
{
    (void)dt;
    s->day++;
}

static void read_weather(union course_state *s, const struct weather *w,
                         struct value v[COURSE_SERIES_MAX])
{
    const struct weather_day *d = &w->days[s->day];
    v[0] = value_double(d->temp_max_c);
    v[1] = value_double(d->temp_min_c);
    v[2] = value_double(d->precipitation_mm);
    v[3] = value_double(d->wind_ms);
    v[4] = text(d->weather);
    v[5] = text(d->date);
}

const struct course_kind course_kinds[] = {
    {.twin = "robot-arm",
     .blueprint = "demo/robot-arm.json",
     .step_us = STEP_US,
     .life_steps = ROBOT_LIFE_S * 10,
     .lead_steps = 700 * 10,
     .series = {{"temp-1", "celsius", VALUE_DOUBLE, 5},
                {"motion-1", "degrees", VALUE_DOUBLE, 1},
                {"pressure-1", "psi", VALUE_DOUBLE, 2}},
     .begin = begin_robot,
     .step = step_robot,
     .read = read_robot},
    {.twin = "water-pump",
     .blueprint = "demo/water-pump.json",
     .step_us = STEP_US,
     .life_steps = PUMP_LIFE_S * 10,
     .lead_steps = 900 * 10,
     .series = {{"vibration-1", "mm/s", VALUE_DOUBLE, 2},
                {"temp-1", "celsius", VALUE_DOUBLE, 5},
                {"flow-1", "m3/h", VALUE_DOUBLE, 2},
                {"pressure-1", "bar", VALUE_DOUBLE, 2},
                {"power-1", "kW", VALUE_DOUBLE, 5},
                {"speed-1", "rpm", VALUE_DOUBLE, 5},
                {"state-1", "text", VALUE_TEXT, 10}},
     .begin = begin_pump,
     .step = step_pump,
     .read = read_pump},
    {.twin = "building-weather",
     .blueprint = "demo/building-weather.json",
     .step_us = SECOND_US,
     .lead_steps = 700,
     .series = {{"temp-max", "celsius", VALUE_DOUBLE, 1},
                {"temp-min", "celsius", VALUE_DOUBLE, 1},
                {"precipitation", "mm", VALUE_DOUBLE, 1},
                {"wind", "m/s", VALUE_DOUBLE, 1},
                {"weather", "text", VALUE_TEXT, 1},
                {"measured-on", "text", VALUE_TEXT, 1}},
     .begin = begin_weather,
     .step = step_weather,
     .read = read_weather},
    {0},
};

/* A seed for each life, the same on every machine. */
static uint64_t seed_of(const struct course *c, int64_t life)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a of the id */
    for (const char *p = c->kind->twin; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return h + (uint64_t)life * UINT64_C(0x9E3779B97F4A7C15);
}

int64_t course_step_at(const struct course *c, int64_t t_us)
{
    return t_us < c->begin_us ? 0 : (t_us - c->begin_us) / c->kind->step_us;
}

/* A life begins with the step that follows a multiple of its length, so the state between two lives
 * is that of nobody: it is read behind a step only. */
static void step(struct course *c, struct value values[COURSE_SERIES_MAX])
{
    if (c->at % c->life_steps == 0)
        c->kind->begin(&c->state, seed_of(c, c->at / c->life_steps));
    c->at++;
    c->kind->step(&c->state, (double)c->kind->step_us / 1e6);
    /* also when nobody wants to know: instruments draw their noise from the course's chance */
    c->kind->read(&c->state, c->weather, values);
}

void course_seek(struct course *c, int64_t to)
{
    struct value values[COURSE_SERIES_MAX];
    if (to < c->at || to / c->life_steps != c->at / c->life_steps)
        c->at = to / c->life_steps * c->life_steps;
    while (c->at < to)
        step(c, values);
}

void course_run(struct course *c, int64_t to, course_fn *fn, void *arg)
{
    struct value values[COURSE_SERIES_MAX];
    while (c->at < to) {
        step(c, values);
        for (size_t i = 0; i < COURSE_SERIES_MAX && c->kind->series[i].sensor; i++) {
            const struct course_series *s = &c->kind->series[i];
            if (c->at % s->every == 0)
                fn(arg, s, c->begin_us + c->at * c->kind->step_us, values[i]);
        }
    }
}

void course_start(struct course *c, const struct course_kind *kind, const struct weather *weather,
                  int64_t made_us, int64_t now_us)
{
    int64_t begin = made_us - made_us % SECOND_US - kind->lead_steps * kind->step_us;
    *c = (struct course){.kind = kind, .weather = weather, .begin_us = begin};
    c->life_steps = kind->life_steps ? kind->life_steps : (int64_t)weather->n;
    assert(c->life_steps > 0);
    course_seek(c, course_step_at(c, now_us));
}
