/* step.h - how time is divided into steps.
 *
 * Steps of milliseconds to hours are elapsed time.  They begin where the clock on the wall of the
 * zone shows a multiple of the step, counted from 1970-01-01 00:00, and none goes beyond a change
 * of the zone's offset: a day of 25 hours has 25 steps of an hour.  Days, weeks, months and years
 * are those of the zone's calendar, so that they are as long as they are; weeks begin on Monday.
 * Several of them are counted from 1970-01-01, weeks from Monday 1969-12-29.
 *
 * Pure.  A zone outlives the steps that name it. */
#ifndef CORE_STEP_H
#define CORE_STEP_H

#include "codec/zone.h"

enum step_unit { STEP_US, STEP_DAY, STEP_WEEK, STEP_MONTH, STEP_YEAR };

struct step {
    int64_t n; /* so many units; 0: no steps */
    enum step_unit unit;
    const struct zone *zone; /* NULL: UTC */
};

/* "10s", "15m", "1h", "1d", "2w", "1mo", "1y", and in ISO 8601 "PT15M", "P1D", "P1W", "P1M", "P1Y".
 * ERR_INVALID for all else.  The zone is left NULL. */
int step_parse(struct slice text, struct step *ret);

/* The step that a time is in: *ret_start <= t_us < *ret_end. */
void step_around(const struct step *s, int64_t t_us, int64_t *ret_start, int64_t *ret_end);

/* About how many there are between two times. */
double step_count(const struct step *s, int64_t from_us, int64_t to_us);

#endif
