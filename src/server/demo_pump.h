/* demo_pump.h - a centrifugal water pump that wears out, as a small physical model.
 *
 * Pure: the same seed and steps give the same course.  Units are SI but for what the sensors say.
 * The equations stand at the top of demo_pump.c. */
#ifndef SERVER_DEMO_PUMP_H
#define SERVER_DEMO_PUMP_H

#include "server/noise.h"

enum pump_state { PUMP_RUNNING, PUMP_FAILED, PUMP_REPAIR };

enum { PUMP_LIFE_S = 1440 }; /* from one repair to the next */

struct pump {
    struct noise noise;
    double age_s;     /* since the last repair */
    double speed;     /* of the rated one */
    double wear;      /* 0 new, 1 the bearing seizes */
    double bearing_c; /* temperature of its metal */
    double ambient_c;
    double flow_m3s, head_m, shaft_w;
    double demand;   /* wandering part of what the consumers take */
    double failed_s; /* since when it stands still; below 0: it runs */
    enum pump_state state;
};

/* What the sensors read, noise included. */
struct pump_sensors {
    double flow_m3h, pressure_bar, vibration_mms, bearing_c, power_kw, speed_rpm;
    const char *state; /* "running", "failed", "in repair" */
};

void pump_init(struct pump *p, uint64_t seed); /* just repaired, at rest */
void pump_step(struct pump *p, double dt);
void pump_read(struct pump *p, struct pump_sensors *ret);

#endif
