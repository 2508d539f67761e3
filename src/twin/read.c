/* profile_read(): what the server runs on; and what a value means for its sensor. */
#include "twin/profile.h"

#include "base/err.h"
#include "base/map.h"
#include "twin/kinds.h"
#include "twin/relations.h"
#include "twin/words.h"

#include <math.h>

static bool read_range(const struct jval *v, double ret[static 2])
{
    double range[2];
    if (!range_read(v, range) || !(range[0] < range[1]))
        return false;
    ret[0] = range[0];
    ret[1] = range[1];
    return true;
}

static int64_t interval_of(const struct jval *v)
{
    int64_t us;
    return interval_parse(v, &us) ? 0 : us;
}

static int64_t duration_of(const struct jval *v)
{
    int64_t us;
    return duration_parse(jval_string(v), &us) ? 0 : us;
}

static void read_alarm(const struct jval *v, struct alarm_spec *ret)
{
    *ret = (struct alarm_spec){.severity = -1};
    if (!v || v->type != J_OBJECT)
        return;
    const struct jval *enabled = jval_get(v, "enabled"), *width = jval_get(v, "hysteresis");
    ret->said = true;
    ret->off = enabled && enabled->type == J_BOOL && !enabled->boolean;
    ret->severity = (int8_t)severity_parse(jval_string(jval_get(v, "severity")));
    if (!width || !jval_number(width, &ret->hysteresis) || !(ret->hysteresis >= 0))
        ret->hysteresis = 0;
    ret->delay_us = duration_of(jval_get(v, "delay"));
    ret->clear_delay_us = duration_of(jval_get(v, "clearDelay"));
}

static void read_sensor(const struct jval *sensor, const struct jval *thresholds,
                        struct sensor_spec *s)
{
    s->name = jval_string(jval_get(sensor, "name"));
    if (!s->name.n)
        s->name = s->id;
    s->type = jval_string(jval_get(sensor, "type"));
    s->unit = jval_string(jval_get(sensor, "unit"));
    s->interval_us = interval_of(jval_get(sensor, "updateFrequency"));
    s->has_normal = read_range(jval_get(sensor, "normalRange"), s->normal);
    s->has_critical = read_range(jval_get(sensor, "criticalRange"), s->critical);
    const struct jval *t = jval_get_slice(thresholds, s->id);
    if (!t && s->type.n)
        t = jval_get_slice(thresholds, s->type);
    s->has_threshold = t && jval_number(t, &s->threshold);
    read_alarm(jval_get(sensor, "doppel:alarm"), &s->alarm);
    enum evidence evidence;
    s->kind = sensor_kind(sensor, &evidence);
    if (s->has_threshold && evidence <= EVIDENCE_VALUE)
        s->kind = VALUE_DOUBLE; /* who warns beyond a number expects numbers */
}

static int read_sensors(struct arena *a, const struct jval *root, struct profile_view *view)
{
    const struct jval *list = jval_get(root, "sensors");
    const struct jval *thresholds =
        jval_get(jval_get(jval_get(root, "dataStorage"), "analytics"), "alertThresholds");
    struct map seen = {0};
    size_t index = 0;
    int err = 0;
    if (!list || list->type != J_ARRAY || !list->count)
        return 0;
    view->sensors = arena_zalloc(a, list->count * sizeof *view->sensors);
    if (!view->sensors)
        return ERR_NOMEM;
    for (const struct jval *v = list->first; v && !err; v = v->next, index++) {
        struct sensor_spec *s = &view->sensors[view->sensors_n];
        struct slice id = jval_string(jval_get(v, "id"));
        if (!slice_is_id(id) || map_get(&seen, id))
            continue; /* not usable, or the second of its name */
        s->id = id;
        s->index = index;
        read_sensor(v, thresholds, s);
        err = map_put(&seen, id, s, NULL);
        view->sensors_n++;
    }
    map_release(&seen);
    return err;
}

int profile_read(struct arena *a, const struct jval *root, struct profile_view *ret)
{
    struct profile_view view = {0};
    const struct jval *history = jval_get(jval_get(root, "dataStorage"), "historicalData");
    const struct jval *simulated = jval_get(root, "doppel:simulated");
    view.id = jval_string(jval_get(jval_get(root, "identifier"), "value"));
    if (!slice_is_id(view.id))
        return ERR_PROFILE;
    view.name = jval_string(jval_get(root, "name"));
    view.description = jval_string(jval_get(root, "description"));
    view.type = jval_string(jval_get(jval_get(root, "subjectOf"), "name"));
    view.simulated = simulated && simulated->type == J_BOOL && simulated->boolean;
    view.interval_us = interval_of(jval_get(jval_get(root, "synchronization"), "updateFrequency"));
    view.retention_us = duration_of(jval_get(history, "retentionPeriod"));
    view.sampling_us = duration_of(jval_get(history, "samplingRate"));
    view.raw_us = duration_of(jval_get(history, "doppel:rawRetention"));
    int level = compression_parse(jval_string(jval_get(history, "compressionLevel")));
    view.compression = (uint8_t)(level < 0 ? COMPRESSION_MEDIUM : level);
    read_alarm(jval_get(root, "doppel:alarm"), &view.alarm);
    int err = read_sensors(a, root, &view);
    if (!err)
        err = twin_types_read(a, root, &view.types);
    if (!err)
        err = relations_read(a, root, &view.relations);
    if (!err)
        *ret = view;
    return err;
}

/* Inside the critical range, or past it on the side away from the normal one. */
static bool is_critical(const struct sensor_spec *s, double v)
{
    if (!s->has_critical)
        return false;
    if (s->has_normal && s->critical[0] >= s->normal[1])
        return v >= s->critical[0];
    if (s->has_normal && s->critical[1] <= s->normal[0])
        return v <= s->critical[1];
    return v >= s->critical[0] && v <= s->critical[1];
}

/* A threshold warns on its far side: from the normal range, else towards the critical one, else
 * upwards. */
static bool warns_downwards(const struct sensor_spec *s)
{
    return s->has_normal     ? s->threshold <= s->normal[0]
           : s->has_critical ? s->threshold >= s->critical[1]
                             : false;
}

static bool is_beyond(const struct sensor_spec *s, double v)
{
    if (!s->has_threshold)
        return false;
    return warns_downwards(s) ? v < s->threshold : v > s->threshold;
}

int sensor_level(const struct sensor_spec *s, struct value value)
{
    if (!value_is_number(value) || !(s->has_normal || s->has_critical || s->has_threshold))
        return -1;
    double v = value_as_double(value);
    if (isnan(v))
        return -1;
    if (is_critical(s, v))
        return 2;
    if (s->has_normal && (v < s->normal[0] || v > s->normal[1]))
        return 1;
    return is_beyond(s, v) ? 1 : 0;
}

int sensor_alarm_level(const struct sensor_spec *s, struct value value, int before)
{
    int level = sensor_level(s, value);
    if (level >= before || before <= 0 || !(s->alarm.hysteresis > 0))
        return level;
    if (level < 0)
        return level;
    /* a value that much worse, on either side, would it still be as bad? */
    double v = value_as_double(value), h = s->alarm.hysteresis;
    int up = sensor_level(s, value_double(v + h)), down = sensor_level(s, value_double(v - h));
    int worst = up > down ? up : down;
    return worst < before ? (worst > level ? worst : level) : before;
}

struct sensor_limit sensor_limit(const struct sensor_spec *s, double v, int level)
{
    if (level == 2 && s->has_critical) {
        bool below = s->has_normal ? s->critical[1] <= s->normal[0] : false;
        return (struct sensor_limit){.at = s->critical[below ? 1 : 0], .above = !below};
    }
    if (s->has_normal && v > s->normal[1])
        return (struct sensor_limit){.at = s->normal[1], .above = true};
    if (s->has_normal && v < s->normal[0])
        return (struct sensor_limit){.at = s->normal[0]};
    return (struct sensor_limit){
        .at = s->threshold, .above = !warns_downwards(s), .threshold = true};
}
