/* line_map.h - which twin and which sensor a point of line protocol speaks of.
 *
 * Without a rule the twin is the value of the first of some tags that the point has (twin, host,
 * device), else the measurement.  The sensor is measurement_field, and every other tag follows as
 * :key:value in order of the keys, since it makes another series:
 *
 *   cpu,host=web-1,cpu=cpu0 usage_idle=98   twin web-1, sensor cpu_usage_idle:cpu:cpu0
 *   temp,device=pump value=42               twin pump, sensor temp
 *   weather rain=f                          twin weather, sensor rain
 *
 * A field called value is not named; where the measurement is the twin it is not named either;
 * where it has an underscore in it, a colon stands behind it.  So no two series of a twin have one
 * id.  What other bytes become is told in made_id.h.
 *
 * Rules (docs/line-protocol.md) come before that, the first that fits.  Pure but for the arena. */
#ifndef CORE_LINE_MAP_H
#define CORE_LINE_MAP_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/line.h"

#define LINE_TWIN_TAGS "twin,host,device"

struct line_map; /* opaque, not changed once made */

/* What a field of a point is, its names meant, not as written. */
struct line_origin {
    struct slice database, measurement, field;
    const struct line_tag *tags;
    size_t tags_n;
};

/* All live in the arena or the map; empty: nothing is said of it. */
struct line_names {
    struct slice twin, twin_name;
    struct slice sensor, sensor_name;
    struct slice twin_type, type, unit;
};

/* rules: JSON, or empty; twin_tags: "twin,host,device".  On failure why has a sentence:
 * ERR_MALFORMED, ERR_INVALID, ERR_NOMEM. */
int line_map_new(struct slice rules, struct slice twin_tags, struct line_map **ret,
                 struct buf *why);
void line_map_free(struct line_map *m);

bool line_map_has_database(const struct line_map *m, struct slice database);
bool line_map_by_database(const struct line_map *m); /* does it matter for names? */

int line_map_names(const struct line_map *m, struct arena *a, const struct line_origin *o,
                   struct line_names *ret); /* ERR_NOMEM */

#endif
