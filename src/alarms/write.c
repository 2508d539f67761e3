/* write.c - alarms as they look outside. */
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"

void put_value(struct buf *out, struct value v)
{
    struct json_writer w;
    json_writer_init(&w, out, 0);
    json_put_value(&w, v);
}

bool alarm_number(struct slice id, int64_t *ret_n)
{
    uint64_t n;
    if (!slice_starts(id, "a-") || slice_to_u64(slice_skip(id, 2), &n) || !n || n > INT64_MAX)
        return false;
    *ret_n = (int64_t)n;
    return true;
}

void alarm_put_id(struct buf *out, int64_t n)
{
    buf_addf(out, "a-%lld", (long long)n);
}

static void text(struct json_writer *w, const char *key, struct slice s)
{
    json_key(w, key);
    if (s.n)
        json_put_string(w, s);
    else
        json_put_null(w);
}

static void raw(struct json_writer *w, const char *key, struct slice json)
{
    json_key(w, key);
    if (json.n)
        json_put_raw(w, json);
    else
        json_put_null(w);
}

static void when(struct json_writer *w, const char *key, int64_t t_us)
{
    json_key(w, key);
    if (t_us)
        json_put_time(w, t_us);
    else
        json_put_null(w);
}

static void put_twin(struct json_writer *w, const struct alarms *a, const struct principal *reader,
                     const struct alarm *alarm)
{
    struct buf id = {0};
    const struct twin *t = alarm->twin.n ? core_twin(a->core, alarm->twin) : NULL;
    if (reader)
        access_put_id(a->access, reader, alarm->twin, &id);
    else
        buf_add_slice(&id, slice_skip(alarm->twin, access_key_prefix(alarm->twin)));
    text(w, "twin", alarm->twin.n ? buf_slice(&id) : alarm->twin);
    text(w, "twinName", slice_str(t ? t->name : ""));
    w->out->failed |= id.failed;
    buf_release(&id);
    const struct sensor *s = t && alarm->sensor.n ? core_sensor(t, alarm->sensor) : NULL;
    text(w, "sensor", alarm->sensor);
    text(w, "sensorName", s ? s->spec->name : SLICE_LIT(""));
    text(w, "unit", s ? s->spec->unit : SLICE_LIT(""));
}

static void put_changes(struct json_writer *w, const struct alarm *alarm)
{
    json_key(w, "severity");
    json_put_cstr(w, alarm_severity_name(alarm->severity));
    json_key(w, "state");
    json_put_cstr(w, alarm_state(alarm));
    json_key(w, "active");
    json_put_bool(w, alarm->active);
    json_key(w, "acknowledged");
    json_put_bool(w, alarm->acknowledged);
    json_key(w, "open");
    json_put_bool(w, alarm_is_open(alarm));
    text(w, "message", alarm->message);
    raw(w, "value", alarm->value);
    raw(w, "peak", alarm->peak);
    json_key(w, "count");
    json_put_uint(w, alarm->count);
}

void alarm_write(struct json_writer *w, const struct alarms *a, const struct principal *reader,
                 const struct alarm *alarm)
{
    struct buf id = {0};
    json_open(w, '{');
    alarm_put_id(&id, alarm->n);
    text(w, "id", buf_slice(&id));
    put_twin(w, a, reader, alarm);
    json_key(w, "source");
    json_put_cstr(w, alarm_source_name(alarm->source));
    text(w, "rule", alarm->rule);
    json_key(w, alarm->rule.n ? "ruleVersion" : "profileVersion");
    json_put_uint(w, alarm->rule_version);
    put_changes(w, alarm);
    when(w, "raised", alarm->raised_us);
    when(w, "changed", alarm->changed_us);
    when(w, "cleared", alarm->cleared_us);
    when(w, "acknowledgedAt", alarm->acknowledged_us);
    text(w, "acknowledgedBy", alarm->acknowledged_by);
    text(w, "assignee", alarm->assignee);
    when(w, "shelvedUntil", alarm->shelved_until_us);
    text(w, "shelvedReason", alarm->shelved_why);
    raw(w, "limit", alarm->limit);
    raw(w, "readings", alarm->readings);
    buf_clear(&id);
    if (alarm->group)
        alarm_put_id(&id, alarm->group);
    text(w, "group", buf_slice(&id));
    w->out->failed |= id.failed;
    buf_release(&id);
    json_close(w, '}');
}

/* ---- in the live profile: performance.alerts ---- */

enum { ALERTS_MAX = 32 };

static void put_alert(struct arena *arena, const struct alarm *alarm, struct jval *list)
{
    struct jval *o = jval_new(arena, J_OBJECT);
    struct buf date = {0};
    struct slice source = alarm->sensor;
    struct jval *value = NULL;
    if (!o)
        return;
    clock_format(&date, alarm->raised_us);
    const struct {
        const char *key;
        struct slice text;
    } texts[] = {{"date", buf_slice(&date)},
                 {"type", slice_str(alarm_severity_name(alarm->severity))},
                 {"source", source},
                 {"message", alarm->message},
                 {"resolution", slice_str(alarm->active ? "" : "auto-resolved")}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].text.n)
            jval_set(arena, o, slice_str(texts[i].key), jval_new_string(arena, texts[i].text));
    if (alarm->value.n && jdoc_parse(arena, alarm->value, &value, NULL) == 0)
        jval_set(arena, o, SLICE_LIT("value"), value);
    jval_append(list, o);
    buf_release(&date);
}

void alarms_of_profile(void *arg, const struct principal *who, struct arena *arena,
                       const struct twin *t, struct jval *list)
{
    const struct alarms *a = arg;
    const struct crowd *c = map_get(&a->crowds, slice_str(t->key));
    size_t n = 0;
    for (const struct item *i = c ? c->items : NULL; i && n < ALERTS_MAX; i = i->next) {
        /* the profile's alerts are of its sensors */
        if (!i->a.sensor.n || !alarm_may(a, who, OP_DATA_READ, &i->a))
            continue;
        put_alert(arena, &i->a, list);
        n++;
    }
}
