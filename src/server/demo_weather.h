/* demo_weather.h - days of measured weather out of a table (vega-datasets, seattle-weather.csv).
 *
 * Pure. */
#ifndef SERVER_DEMO_WEATHER_H
#define SERVER_DEMO_WEATHER_H

#include "base/arena.h"

struct weather_day {
    double temp_max_c, temp_min_c, precipitation_mm, wind_ms;
    struct slice weather; /* "rain" */
    struct slice date;    /* "2012-01-01" */
};

struct weather {
    struct weather_day *days;
    size_t n;
};

/* Columns are found by their names; a day that lacks a number is left out.  ERR_NOMEM, or
 * ERR_MALFORMED when it is not such a table. */
int weather_read(struct arena *a, struct slice csv, struct weather *ret);

#endif
