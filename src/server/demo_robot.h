/* demo_robot.h - the robot arm of the profile's example, as a small physical model.
 *
 * Pure: the same seed and steps give the same course.  The equations stand at the top of
 * demo_robot.c. */
#ifndef SERVER_DEMO_ROBOT_H
#define SERVER_DEMO_ROBOT_H

#include "server/noise.h"

#include <stdbool.h>

enum { ROBOT_LIFE_S = 1860 }; /* from one repair to the next */

struct robot {
    struct noise noise;
    double age_s;  /* since the last repair */
    double path_s; /* time spent moving along the path */
    double angle_deg, velocity_rads, acceleration_rads2;
    double joint_c; /* temperature of motor and gear */
    double pressure_psi;
    double wear; /* 0 new, 1 the hydraulic seal bursts */
    bool failed;
};

struct robot_sensors {
    double temperature_c, angle_deg, pressure_psi;
};

void robot_init(struct robot *r, uint64_t seed);
void robot_step(struct robot *r, double dt);
void robot_read(struct robot *r, struct robot_sensors *ret);

#endif
