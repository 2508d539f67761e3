/* layouts.h - what the sensors of twins are, each different list of sensors once.
 *
 * A million twins of one kind have the same sensors with the same names, units and ranges.  Such a
 * list is a layout: immutable, counted, found by its bytes (twin/packed.h).  Loop's thread. */
#ifndef CORE_LAYOUTS_H
#define CORE_LAYOUTS_H

#include "base/map.h"
#include "twin/profile.h"

struct layout {
    size_t n;
    struct sensor_spec *specs; /* their texts end in a zero */
    struct map by_id;          /* of specs, where there are many */
    struct map *home;
    struct slice bytes;
    uint32_t refs;
};

/* The layout of packed sensors, with a reference for the caller.  layouts is keyed by bytes. */
int layout_get(struct map *layouts, struct slice bytes, struct layout **ret);
int layout_get_of(struct map *layouts, const struct sensor_spec *specs, size_t n,
                  struct layout **ret);
void layout_unref(struct layout *l); /* NULL too */

const struct sensor_spec *layout_find(const struct layout *l, struct slice id); /* or NULL */

#endif
