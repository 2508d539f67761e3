/* write.c - twins, sensors and refusals as JSON, as docs/interfaces.md tells. */
#include "api/internal.h"
#include "base/err.h"

const char *state_name(enum live_state state)
{
    static const char *const names[] = {"waiting", "live", "stale"};
    return names[state];
}

const char *quality_name(uint8_t quality)
{
    static const char *const names[] = {"good", "uncertain", "bad"};
    return names[quality <= QUALITY_BAD ? quality : QUALITY_BAD];
}

static void put_slice(struct json_writer *w, const char *key, struct slice s)
{
    json_key(w, key);
    json_put_string(w, s);
}

static void put_range(struct json_writer *w, const char *key, const double range[2])
{
    json_key(w, key);
    json_open(w, '[');
    json_put_double(w, range[0]);
    json_put_double(w, range[1]);
    json_close(w, ']');
}

static void put_now(struct json_writer *w, const struct sensor *s)
{
    static const char *const levels[] = {"unknown", "normal", "warning", "critical"};
    json_key(w, "value");
    if (s->has_value)
        json_put_value(w, point_value(&s->last));
    else
        json_put_null(w);
    json_key(w, "t");
    if (s->has_value)
        json_put_time_ms(w, s->last.t_us);
    else
        json_put_null(w);
    json_key(w, "quality");
    json_put_cstr(w, s->has_value ? quality_name(s->last.quality) : NULL);
    json_key(w, "state");
    json_put_cstr(w, state_name(sensor_state(s)));
    json_key(w, "level");
    json_put_cstr(w, levels[s->level + 1]);
}

void write_sensor(struct json_writer *w, const struct sensor *s)
{
    int64_t interval = s->spec->interval_us ? s->spec->interval_us : s->twin->interval_us;
    json_open(w, '{');
    put_slice(w, "id", s->spec->id);
    put_slice(w, "name", s->spec->name);
    put_slice(w, "type", s->spec->type);
    put_slice(w, "unit", s->spec->unit);
    put_now(w, s);
    json_key(w, "interval");
    if (interval)
        json_put_time_ms(w, interval);
    else
        json_put_null(w);
    if (s->spec->has_normal)
        put_range(w, "normalRange", s->spec->normal);
    if (s->spec->has_critical)
        put_range(w, "criticalRange", s->spec->critical);
    if (s->spec->has_threshold) {
        json_key(w, "threshold");
        json_put_double(w, s->spec->threshold);
    }
    json_key(w, "updates");
    json_put_uint(w, s->updates);
    json_close(w, '}');
}

void write_twin_types(struct json_writer *w, const struct twin *t)
{
    json_key(w, "twinTypes");
    json_open(w, '[');
    for (const char *at = t->twin_types; *at; at += strlen(at) + 1)
        json_put_cstr(w, at);
    json_close(w, ']');
}

void write_summary(struct json_writer *w, const struct call *call, const struct twin *t,
                   size_t sensors)
{
    json_open(w, '{');
    put_slice(w, "id", slice_str(t->id));
    put_slice(w, "name", slice_str(t->name));
    put_slice(w, "description", slice_str(t->description));
    put_slice(w, "type", slice_str(t->type));
    write_twin_types(w, t);
    json_key(w, "misfits");
    json_put_uint(w, t->misfits);
    json_key(w, "state");
    json_put_cstr(w, state_name(t->state));
    json_key(w, "simulated");
    json_put_bool(w, t->simulated);
    json_key(w, "demo");
    json_put_bool(w, t->demo);
    json_key(w, "created");
    json_put_time(w, t->created_us);
    json_key(w, "modified");
    json_put_time(w, t->modified_us);
    json_key(w, "lastSynced");
    if (t->synced_us)
        json_put_time(w, t->synced_us);
    else
        json_put_null(w);
    json_key(w, "sensorCount");
    json_put_uint(w, t->sensors_n);
    json_key(w, "sensors");
    json_open(w, '[');
    for (size_t i = 0; i < t->sensors_n && sensors; i++) {
        if (!core_may(call->core, call->who, OP_DATA_READ, t->sensors[i]))
            continue;
        write_sensor(w, t->sensors[i]);
        sensors--;
    }
    json_close(w, ']');
    json_close(w, '}');
}

void write_rejection(struct json_writer *w, const struct rejection *r)
{
    struct {
        const char *key, *text;
    } texts[] = {{"source", r->via},    {"peer", r->peer},      {"topic", r->topic},
                 {"twin", r->twin},     {"sensor", r->sensor},  {"code", err_info(r->err)->code},
                 {"detail", r->detail}, {"payload", r->payload}};
    json_key(w, "at");
    json_put_time(w, r->at_us);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_key(w, texts[i].key);
        json_put_cstr(w, texts[i].text);
    }
}
