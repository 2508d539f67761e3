/* profile.h - the MVMD profile of a twin: reading, checking and completing it.
 *
 * Pure: works on a JSON document in the caller's arena.  Loop thread or any other, one at a time an
 * arena. The rules have the ids that docs/profile.md lists. */
#ifndef TWIN_PROFILE_H
#define TWIN_PROFILE_H

#include "base/value.h"
#include "codec/json.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct finding {
    const char *rule; /* "sensor.unit" */
    enum severity severity;
    bool core;           /* of the few rules without which no twin can be made */
    const char *pointer; /* JSON Pointer of the value at fault, or of where it is missing */
    int line, column;    /* from 1; 0 for what was added later and stands in no text */
    const char *message; /* a sentence that says what to do */
};

struct findings {
    struct finding *items;
    size_t n;
    size_t errors, core_errors, warnings;
};

/* One row a rule, for documentation and tests; NULL-ended by id. */
struct profile_rule {
    const char *id;
    enum severity severity;
    bool core;
    const char *text;
};
extern const struct profile_rule profile_rules[];

/* Parse and check.  *ret_root is NULL when the text is not JSON (a finding of rule "json" says
 * where).  ERR_NOMEM or 0; what is wrong with the profile stands in the findings. */
int profile_check(struct arena *a, struct slice text, struct jval **ret_root, struct findings *ret);

/* Check a document that is parsed already; text is what it was parsed from, for positions. */
int profile_check_doc(struct arena *a, struct jval *root, struct slice text, struct findings *ret);

/* Findings as a JSON array. */
void findings_write(struct json_writer *w, const struct findings *f);

struct profile_defaults {
    const char *mqtt_endpoint; /* "mqtt://127.0.0.1:1883/twins/" ; the id is added */
};

/* Fill in what is required and missing so that the profile is complete; the pointers of what was
 * filled, NULL-ended. */
int profile_fill(struct arena *a, struct jval *root, const struct profile_defaults *d,
                 const char *const **ret_filled);

/* doppel:alarm, of a sensor or of the twin's connection. */
struct alarm_spec {
    bool said, off;    /* said: it is there at all */
    int8_t severity;   /* 0 info to 3 critical; -1: not said */
    double hysteresis; /* in the sensor's unit */
    int64_t delay_us, clear_delay_us;
};

struct sensor_spec {
    struct slice id, name, type, unit;
    enum value_type kind; /* VALUE_DOUBLE for measured quantities, BOOL, TEXT; NONE: the first
                             reading decides */
    int64_t interval_us;  /* expected between readings; 0: not said */
    bool has_normal, has_critical, has_threshold;
    double normal[2], critical[2];
    double threshold; /* of dataStorage.analytics.alertThresholds, by id or else by type */
    struct alarm_spec alarm;
    size_t index; /* in the profile's sensors */
};

/* compressionLevel: how hard stored readings are compressed. */
enum compression {
    COMPRESSION_NONE,
    COMPRESSION_LOW,
    COMPRESSION_MEDIUM, /* when it is not said */
    COMPRESSION_HIGH
};

struct profile_view {
    struct slice id, name, description;
    struct slice type;   /* subjectOf.name */
    bool simulated;      /* "doppel:simulated": true */
    int64_t interval_us; /* synchronization.updateFrequency; 0: realtime */
    /* dataStorage.historicalData; 0: not said (docs/history.md) */
    int64_t retention_us, raw_us, sampling_us;
    uint8_t compression;     /* enum compression */
    struct alarm_spec alarm; /* of the twin's silence */
    struct slice types;      /* doppel:twinType; twin_types_next() */
    struct slice relations;  /* doppel:relationships; relations_next() */
    struct sensor_spec *sensors;
    size_t sensors_n;
};

/* What the server runs on; slices point into the document.  Call it on a profile without core
 * errors; what is not usable is left out. */
int profile_read(struct arena *a, const struct jval *root, struct profile_view *ret);

/* 2 critical: inside the critical range, or past it on the side away from the normal range.
 * 1 warning: outside the normal range, or beyond the threshold (above it; below it when it lies at
 * or below the normal range).  0 normal, -1 when there is nothing to compare with. */
int sensor_level(const struct sensor_spec *s, struct value v);

/* Which limit a value of that level (1 or 2) has passed. */
struct sensor_limit {
    double at;
    bool above;     /* else it is below */
    bool threshold; /* of alertThresholds, else of a range */
};
struct sensor_limit sensor_limit(const struct sensor_spec *s, double v, int level);

/* The level that its alarm has, when it was `before`: it rises at the limits and falls when the
 * value is back behind them by the hysteresis. */
int sensor_alarm_level(const struct sensor_spec *s, struct value v, int before);

/* The sample profile to start from, with this id. */
struct slice profile_sample(struct arena *a, struct slice id);

/* The JSON Schema (draft 2020-12) of a complete profile, derived from the rules. */
void profile_schema(struct buf *out);

#endif
