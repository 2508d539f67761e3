/* import_map.h - the mapping file of `doppel import`: which column of a table is what.
 *
 * JSON, for instance (docs/cli.md tells every member):
 *
 *     {"separator": ";", "decimal": ",", "header": true,
 *      "time": {"column": "datetime", "format": "%d.%m.%Y %H:%M:%S", "zone": "Europe/Berlin"},
 *      "twin": "pump-7",
 *      "columns": {"Pressure": "pressure", "Temp": {"sensor": "temp-1", "unit": "degF"},
 *                  "note": null}}
 *
 * Pure; everything lives in the caller's arena.  What is wrong is told as a sentence with its line
 * of the file: ERR_INVALID sets *ret_why. */
#ifndef SERVER_IMPORT_MAP_H
#define SERVER_IMPORT_MAP_H

#include "server/replay_plan.h"

struct import_column {
    size_t at;           /* of the table */
    size_t sensor_at;    /* the column that names the sensor; SIZE_MAX: sensor does */
    struct slice sensor; /* an id */
    struct slice twin;   /* p NULL: that of the map */
    struct slice unit;   /* of the values; p NULL: the sensor's own */
    enum value_type as;  /* VALUE_NONE: as they look */
};

struct import_map {
    struct slice text; /* the file */
    const struct jval *columns_said;
    char separator; /* 0: find out */
    struct plan_opts opts;
    struct slice twin, twin_column; /* p NULL: not said */
    bool create;
    /* once bound to a table */
    size_t time_at, twin_at; /* twin_at SIZE_MAX: no column */
    struct import_column *columns;
    size_t columns_n;
};

/* Read the file; text must live as long as the map. */
int import_map_read(struct arena *a, struct slice text, struct import_map *ret,
                    const char **ret_why);

/* Find its columns in a table.  plan: of plan_look() with map->opts. */
int import_map_bind(struct arena *a, struct import_map *map, const struct plan *plan,
                    const char **ret_why);

/* A map to start from, as text: what the sample tells. */
void import_map_propose(const struct plan *plan, char separator, const char *twin, struct arena *a,
                        struct buf *out);

#endif
