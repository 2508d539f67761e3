/* demo_course.h - what a demo twin's sensors say at each moment, without a server.
 *
 * Pure.  A course runs in steps of fixed length.  It is a sequence of lives, each of so many steps
 * and with a seed of its own, so that any moment is found from the course's beginning alone: after
 * a restart the story goes on where the clock says it is. */
#ifndef SERVER_DEMO_COURSE_H
#define SERVER_DEMO_COURSE_H

#include "base/value.h"
#include "server/demo_pump.h"
#include "server/demo_robot.h"
#include "server/demo_weather.h"

enum { COURSE_SERIES_MAX = 8 };

struct course_series {
    const char *sensor, *unit; /* as in the blueprint: an edited sensor is left alone */
    enum value_type type;
    unsigned every; /* steps between readings */
};

union course_state {
    struct pump pump;
    struct robot robot;
    size_t day;
};

struct course_kind {
    const char *twin;      /* the id */
    const char *blueprint; /* its name among the embedded files */
    int64_t step_us;
    int64_t life_steps;                             /* 0: as many as there are days of weather */
    int64_t lead_steps;                             /* into the first life when the twin is made */
    struct course_series series[COURSE_SERIES_MAX]; /* ended by one without sensor */
    void (*begin)(union course_state *s, uint64_t seed);
    void (*step)(union course_state *s, double dt);
    void (*read)(union course_state *s, const struct weather *w,
                 struct value values[COURSE_SERIES_MAX]);
};
extern const struct course_kind course_kinds[]; /* ended by one without twin */

struct course {
    const struct course_kind *kind;
    const struct weather *weather; /* of the replay, else NULL */
    int64_t life_steps;
    int64_t begin_us; /* of step 0 */
    int64_t at;       /* steps done since the course began */
    union course_state state;
};

/* A reading of a step. */
typedef void course_fn(void *arg, const struct course_series *series, int64_t t_us, struct value v);

/* made_us: when the twin was made.  The course is then at the moment now_us, having told nothing.
 */
void course_start(struct course *c, const struct course_kind *kind, const struct weather *weather,
                  int64_t made_us, int64_t now_us);
int64_t course_step_at(const struct course *c, int64_t t_us); /* the last step due at t_us */
void course_seek(struct course *c, int64_t step);             /* forth or back, telling nothing */
void course_run(struct course *c, int64_t step, course_fn *fn, void *arg); /* forth */

#endif
