/* What the table of the structure cannot say: one member against another, against the units, the
 * clock and what we know of mechanisms; and advice.  What does not fit its kind is passed over
 * here, the walk has said it. */
#include "codec/json_schema.h"
#include "twin/check.h"
#include "twin/relations.h"
#include "twin/sync.h"
#include "twin/units.h"
#include "twin/url.h"
#include "twin/words.h"

#include <stdlib.h>

static const struct jval *object_of(const struct jval *parent, const char *name)
{
    const struct jval *v = jval_get(parent, name);
    return v && v->type == J_OBJECT ? v : NULL;
}

static const struct jval *list_of(const struct jval *parent, const char *name)
{
    const struct jval *v = jval_get(parent, name);
    return v && v->type == J_ARRAY ? v : NULL;
}

static const struct jval *fitting(const struct jval *parent, const char *name,
                                  const struct kind *kind)
{
    const struct jval *v = jval_get(parent, name);
    return v && kind->fits(v) ? v : NULL;
}

/* Is something said there: not null, not an empty text, list or object? */
static bool says_something(const struct jval *v)
{
    if (!v || v->type == J_NULL)
        return false;
    if (v->type == J_STRING)
        return kind_text.fits(v);
    return v->type == J_BOOL || v->type == J_NUMBER || v->count > 0;
}

static bool contains_nocase(struct slice s, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= s.n; i++)
        if (strncasecmp(s.p + i, part, n) == 0)
            return true;
    return false;
}

/* Does a member of that name ('|' between parts of names) say something, here or further in? */
static bool said_in(const struct jval *v, const char *parts)
{
    for (const struct jval *m = v ? v->first : NULL; m; m = m->next) {
        struct slice rest = slice_str(parts), part;
        while (v->type == J_OBJECT && slice_cut(&rest, '|', &part)) {
            char word[32];
            memcpy(word, part.p, part.n);
            word[part.n] = 0;
            if (contains_nocase(m->key, word) && says_something(m))
                return true;
        }
        if (said_in(m, parts))
            return true;
    }
    return false;
}

/* ---- the document and its subject ---- */

static bool names_type(const struct jval *type, const char *name)
{
    if (type->type == J_STRING)
        return slice_is(type->text, name);
    for (const struct jval *t = type->first; t; t = t->next)
        if (slice_is(t->text, name))
            return true;
    return false;
}

static void relate_document(struct check *c)
{
    const struct jval *type = fitting(c->root, "@type", &kind_types);
    const struct jval *identifier = object_of(c->root, "identifier");
    if (type && !names_type(type, "DigitalDocument") && !names_type(type, "Dataset"))
        check_warn(c, "type", type,
                   "@type is %s: a digital twin is a \"DigitalDocument\" or a \"Dataset\".",
                   check_show(c, type));
    if (identifier && !jval_get(identifier, "@type"))
        check_warn(c, "identifier", identifier,
                   "Add \"@type\": \"PropertyValue\" to identifier, so that other programs "
                   "understand it too.");
}

static void relate_identity(struct check *c, const struct jval *subject)
{
    static const char *const members[] = {"manufacturer", "model", "serialNumber"};
    const char *missing[3];
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct jval *v = jval_get(subject, members[i]);
        if (!v)
            missing[n++] = members[i];
        else if (!says_something(v))
            check_warn(c, "subject.identity", v, "subjectOf.%s is %s: write what it is.",
                       members[i], check_show(c, v));
    }
    if (n)
        check_warn(c, "subject.identity", subject,
                   "Add %s%s%s%s%s to subjectOf, so that the thing can be told from others.",
                   missing[0],
                   n > 2   ? ", "
                   : n > 1 ? " and "
                           : "",
                   n > 1 ? missing[1] : "", n > 2 ? " and " : "", n > 2 ? missing[2] : "");
}

static void relate_subject(struct check *c)
{
    const struct jval *subject = object_of(c->root, "subjectOf");
    if (!subject)
        return;
    relate_identity(c, subject);
    const struct jval *made = fitting(subject, "productionDate", &kind_date);
    const struct jval *installed = fitting(subject, "installDate", &kind_date);
    int64_t made_us, installed_us;
    bool date_alone;
    if (made && installed && !moment_parse(made->text, &made_us, &date_alone) &&
        !moment_parse(installed->text, &installed_us, &date_alone) && made_us > installed_us)
        check_error(c, "subject.dates", made,
                    "productionDate %s is after installDate %s: a thing is made before it is "
                    "installed; correct one of them.",
                    check_show(c, made), check_show(c, installed));
    const struct jval *place = jval_get(subject, "location");
    if (!place)
        check_warn(c, "subject.location", subject,
                   "Add \"location\" to subjectOf: where it is, such as \"location\": {\"@type\": "
                   "\"Place\", \"name\": \"Factory Floor - Section B\"}.");
    else if ((place->type != J_OBJECT && place->type != J_STRING && place->type != J_ARRAY) ||
             !says_something(place))
        check_warn(c, "subject.location", place,
                   "subjectOf.location is %s: write a place, such as {\"@type\": \"Place\", "
                   "\"name\": \"Factory Floor - Section B\"}.",
                   check_show(c, place));
}

static void relate_media(struct check *c)
{
    const struct jval *media = jval_get(c->root, "associatedMedia");
    const struct jval *item = media && media->type == J_ARRAY ? media->first : media;
    for (; item; item = media->type == J_ARRAY ? item->next : NULL)
        if (item->type == J_OBJECT && !jval_get(item, "contentUrl") && !jval_get(item, "url") &&
            check_room_error(c, "media"))
            check_error(c, "media", item,
                        "Add \"contentUrl\" to %s: where the file is, such as \"contentUrl\": "
                        "\"https://example.com/models/robot.glb\".",
                        check_path(c, item));
}

/* ---- synchronization ---- */

static void relate_security(struct check *c, const struct jval *endpoint, const struct url *url)
{
    if (url_has_password(endpoint->text))
        check_error(c, "sync.endpoint.secure", endpoint,
                    "The endpoint has a password in it, which everybody who reads the profile "
                    "sees: take it out of the URL and give it to the connection's settings.");
    const char *better = scheme_encrypted(url->scheme);
    if (better && !url_is_loopback(url))
        check_warn(c, "sync.endpoint.secure", endpoint,
                   "%.*s:// is not encrypted: use %s:// so that nobody on the way reads or changes "
                   "the values.",
                   SLICE_ARG(url->scheme), better);
}

static void relate_sync(struct check *c)
{
    const struct jval *sync = object_of(c->root, "synchronization");
    if (!sync)
        return;
    const struct jval *name = fitting(sync, "mechanism", &kind_text);
    const struct jval *endpoint = fitting(sync, "endpoint", &kind_url);
    const struct mechanism *m = name ? mechanism_find(name->text) : NULL;
    struct url url;
    if (name && !m) {
        struct buf known = {0};
        mechanism_names(&known);
        check_warn(c, "sync.mechanism", name,
                   "The mechanism %s is not one that we know and is kept as it is; we know %.*s.",
                   check_show(c, name), SLICE_ARG(known));
        buf_release(&known);
    }
    if (endpoint && url_parse(endpoint->text, &url)) {
        if (m && !one_of(url.scheme, m->schemes))
            check_error(c, "sync.endpoint", endpoint,
                        "%.*s:// does not fit the mechanism %s: write an endpoint such as \"%s\", "
                        "or change the mechanism.",
                        SLICE_ARG(url.scheme), m->name, m->example);
        relate_security(c, endpoint, &url);
    }
    if (!said_in(sync, "loss|lost|offline|disconnect|buffer|reconnect|fallback|outage|forward|"
                       "lastWill|resume"))
        check_warn(c, "sync.loss", sync,
                   "Say in synchronization what happens when the connection is lost, such as "
                   "\"connectionLoss\": \"the gateway keeps readings for a day and sends them "
                   "later\".");
}

/* ---- sensors ---- */

static void relate_unit(struct check *c, const struct jval *sensor)
{
    const struct jval *unit = fitting(sensor, "unit", &kind_text);
    if (!unit)
        return;
    struct slice type = jval_string(jval_get(sensor, "type"));
    bool letter = slice_is(unit->text, "C") || slice_is(unit->text, "F");
    bool known = units_known(unit->text);
    if ((known && !(letter && contains_nocase(type, "temp"))) || !check_room_warn(c))
        return;
    if (!known)
        check_warn(c, "sensor.unit", unit,
                   "The unit %s is not one that we know: values are kept as they come, but not "
                   "converted. Write one such as \"celsius\", \"bar\" or \"m3/h\", or \"none\".",
                   check_show(c, unit));
    else
        check_warn(c, "sensor.unit", unit, "%s is the %s: write \"%s\" for a temperature.",
                   check_show(c, unit), slice_is(unit->text, "C") ? "coulomb" : "farad",
                   slice_is(unit->text, "C") ? "celsius" : "fahrenheit");
}

static const char *const kind_names[] = {
    [VALUE_DOUBLE] = "a number",
    [VALUE_BOOL] = "true or false",
    [VALUE_TEXT] = "a text",
};

static void relate_value(struct check *c, const struct jval *sensor)
{
    const struct jval *value = fitting(sensor, "currentValue", &kind_value);
    const struct jval *time = jval_get(sensor, "timestamp");
    enum evidence evidence;
    enum value_type kind = sensor_kind(sensor, &evidence);
    double d;
    if (jval_get(sensor, "currentValue") && !time && check_room_error(c, "sensor.value"))
        check_error(c, "sensor.value", sensor,
                    "Add \"timestamp\" to %s: a value goes with its time, such as \"timestamp\": "
                    "\"2024-03-15T14:30:00Z\".",
                    check_path(c, sensor));
    if (time && !jval_get(sensor, "currentValue") && check_room_warn(c))
        check_warn(c, "sensor.value", time,
                   "%s goes with a currentValue: add it, or take the timestamp out.",
                   check_path(c, time));
    if (!value || kind == VALUE_NONE)
        return;
    enum value_type is = value->type == J_BOOL     ? VALUE_BOOL
                         : value->type == J_STRING ? VALUE_TEXT
                                                   : VALUE_DOUBLE;
    if (is == kind || !check_room_error(c, "sensor.value"))
        return;
    const char *because = evidence == EVIDENCE_NUMBERS ? "as the sensor's ranges and accuracy say"
                          : evidence == EVIDENCE_UNIT  ? "as the sensor's unit says"
                                                       : "as the sensor's type or unit says";
    if (is == VALUE_TEXT && kind == VALUE_DOUBLE && !slice_to_double(value->text, &d))
        check_error(c, "sensor.value", value,
                    "%s is the number %.*s in quotes: write it without them.", check_path(c, value),
                    SLICE_ARG(value->text));
    else
        check_error(c, "sensor.value", value, "%s is %s: write %s, %s.", check_path(c, value),
                    check_show(c, value), kind_names[kind], because);
}

static void relate_range(struct check *c, const struct jval *v, const char *name)
{
    double range[2];
    if (!range_read(v, range) || range[0] < range[1] || !check_room_error(c, "sensor.range"))
        return;
    const char *low = check_show(c, v->first), *high = check_show(c, v->last);
    if (range[0] > range[1])
        check_error(c, "sensor.range", v, "%s is [%s, %s]: write the low end first, [%s, %s].",
                    check_path(c, v), low, high, high, low);
    else
        check_error(c, "sensor.range", v,
                    "%s begins and ends at %s: write a %s whose low end is below its high end.",
                    check_path(c, v), low, name);
}

static void relate_ranges(struct check *c, const struct jval *sensor)
{
    const struct jval *normal = jval_get(sensor, "normalRange");
    const struct jval *critical = jval_get(sensor, "criticalRange");
    double n[2], k[2];
    relate_range(c, normal, "normalRange");
    relate_range(c, critical, "criticalRange");
    if (range_read(normal, n) && range_read(critical, k) && n[0] < n[1] && k[0] < k[1] &&
        k[0] < n[1] && n[0] < k[1] && check_room_error(c, "sensor.range"))
        check_error(c, "sensor.range", critical,
                    "%s [%s, %s] overlaps the normal range [%s, %s]: a value cannot be both; write "
                    "where the danger begins and ends, above or below the normal range.",
                    check_path(c, critical), check_show(c, critical->first),
                    check_show(c, critical->last), check_show(c, normal->first),
                    check_show(c, normal->last));
}

/* Advice for what is measured. */
static void relate_measured(struct check *c, const struct jval *sensor)
{
    const struct jval *normal = jval_get(sensor, "normalRange");
    const struct jval *critical = jval_get(sensor, "criticalRange");
    if (!sensor_is_measured(sensor))
        return;
    if ((!normal || !critical) && check_room_warn(c))
        check_warn(c, "sensor.range.missing", sensor,
                   "Add %s to %s, so that a value out of order is seen.",
                   normal     ? "\"criticalRange\": [low, high]"
                   : critical ? "\"normalRange\": [low, high]"
                              : "\"normalRange\" and \"criticalRange\"",
                   check_path(c, sensor));
    if (!said_in(sensor, "calibrat") && check_room_warn(c))
        check_warn(c, "sensor.calibration", sensor,
                   "Say in %s when or how it was calibrated, such as \"calibration\": {\"date\": "
                   "\"2024-01-15\", \"due\": \"2025-01-15\"}.",
                   check_path(c, sensor));
    if (!jval_get(sensor, "updateFrequency") && check_room_warn(c))
        check_warn(c, "sensor.frequency", sensor,
                   "Add \"updateFrequency\" to %s, in hertz or as a duration such as \"10s\", so "
                   "that its silence is noticed.",
                   check_path(c, sensor));
}

static void keep_first(struct check *c, struct map *m, struct slice name, const struct jval *sensor)
{
    if (name.n && !map_get(m, name) && map_put(m, name, (void *)(uintptr_t)sensor, NULL))
        c->failed = true;
}

static void relate_id(struct check *c, const struct jval *sensor)
{
    const struct jval *id = fitting(sensor, "id", &kind_id);
    const struct jval *first = id ? map_get(&c->sensor_ids, id->text) : NULL;
    if (first && check_room_error(c, "sensor.id"))
        check_error(c, "sensor.id", id,
                    "The id %s is taken by %s: give each sensor an id of its own.",
                    check_show(c, id), check_path(c, first));
    if (id)
        keep_first(c, &c->sensor_ids, id->text, sensor);
    keep_first(c, &c->sensor_types, jval_string(jval_get(sensor, "type")), sensor);
}

static void relate_sensors(struct check *c)
{
    const struct jval *sensors = list_of(c->root, "sensors");
    for (const struct jval *s = sensors ? sensors->first : NULL; s; s = s->next) {
        if (s->type != J_OBJECT)
            continue;
        relate_id(c, s);
        relate_unit(c, s);
        relate_value(c, s);
        relate_ranges(c, s);
        relate_measured(c, s);
    }
}

/* ---- storage and analytics ---- */

static void relate_storage(struct check *c, const struct jval *storage)
{
    const struct jval *history = object_of(storage, "historicalData");
    const struct jval *kept = fitting(history, "retentionPeriod", &kind_duration);
    const struct jval *step = fitting(history, "samplingRate", &kind_duration);
    const struct jval *raw = fitting(history, "doppel:rawRetention", &kind_duration);
    int64_t kept_us, step_us, raw_us;
    if (kept && raw && !duration_parse(kept->text, &kept_us) &&
        !duration_parse(raw->text, &raw_us) && raw_us > kept_us)
        check_error(c, "storage", raw,
                    "doppel:rawRetention %s is longer than retentionPeriod %s; write a shorter "
                    "time, or leave it out.",
                    check_show(c, raw), check_show(c, kept));
    if (kept && step && !duration_parse(kept->text, &kept_us) &&
        !duration_parse(step->text, &step_us) && step_us >= kept_us)
        check_error(c, "storage", step,
                    "samplingRate %s is not shorter than retentionPeriod %s: nothing would be "
                    "kept; write a shorter step, such as \"1m\".",
                    check_show(c, step), check_show(c, kept));
    if (!said_in(c->root, "privacy|confidential|personalData"))
        check_warn(c, "storage.privacy", storage,
                   "Say in dataStorage who may see the data, such as \"privacy\": \"no personal "
                   "data; plant staff only\".");
    if (!said_in(c->root, "backup"))
        check_warn(c, "storage.backup", storage,
                   "Say in dataStorage how it is backed up, such as \"backup\": \"every night to "
                   "the second site\".");
}

static void relate_analytics(struct check *c, const struct jval *analytics)
{
    const struct jval *thresholds = object_of(analytics, "alertThresholds");
    for (const struct jval *t = thresholds ? thresholds->first : NULL; t; t = t->next)
        if (!map_get(&c->sensor_ids, t->key) && !map_get(&c->sensor_types, t->key) &&
            check_room_error(c, "analytics.threshold"))
            check_error(c, "analytics.threshold", t,
                        "No sensor has the id or the type in %s: name a sensor that the profile "
                        "lists.",
                        check_path(c, t));
    const struct jval *models = jval_get(analytics, "predictionModels");
    if (!models)
        return;
    if (models->type != J_ARRAY) {
        check_warn(c, "analytics.models", models,
                   "predictionModels is %s: write a list of names of models.",
                   check_show(c, models));
        return;
    }
    for (const struct jval *m = models->first; m; m = m->next)
        if (check_room_warn(c)) /* no registry of models is here yet, so none is in it */
            check_warn(c, "analytics.models", m,
                       "No model %s is registered here: the name is kept, but nothing is predicted "
                       "by it.",
                       check_show(c, m));
}

static void relate_alerts(struct check *c)
{
    const struct jval *alerts = list_of(jval_get(c->root, "performance"), "alerts");
    for (const struct jval *a = alerts ? alerts->first : NULL; a; a = a->next) {
        const struct jval *source = fitting(a, "source", &kind_id);
        if (source && !map_get(&c->sensor_ids, source->text) && check_room_error(c, "performance"))
            check_error(c, "performance", source,
                        "No sensor has the id %s: name the sensor that raised the alert.",
                        check_show(c, source));
    }
}

/* ---- other twins ---- */

static void relate_relationship(struct check *c, struct map *seen, const struct jval *v)
{
    const struct jval *id = fitting(v, "id", &kind_id);
    const struct jval *kind = fitting(v, "kind", &kind_id);
    const struct jval *target = fitting(v, "target", &kind_id);
    if (!kind || !target)
        return;
    struct relation r = {.kind = kind->text, .target = target->text};
    if (id)
        r.id = id->text;
    struct slice name = relation_id(c->arena, &r);
    const struct jval *first = name.p ? map_get(seen, name) : NULL;
    if (!first)
        c->failed |= !name.p || map_put(seen, name, (void *)(uintptr_t)v, NULL);
    else if (check_room_error(c, "relationship.id"))
        check_error(c, "relationship.id", v,
                    "The relationship %.*s stands in %s already: give one of them an \"id\" of its "
                    "own.",
                    SLICE_ARG(name), check_path(c, first));
}

static void relate_relationships(struct check *c)
{
    const struct jval *list = list_of(c->root, "doppel:relationships");
    struct map seen = {0};
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        relate_relationship(c, &seen, v);
    map_release(&seen);
}

static void relate_schema(struct check *c, const struct jval *command, const char *member)
{
    struct json_schema_error e;
    const struct jval *schema = jval_get(command, member);
    if (!schema || !json_schema_check(c->arena, schema, &e))
        return;
    check_error(c, "commands", schema, "The schema %s is at fault%s%s: %s", check_path(c, schema),
                e.pointer[0] ? " at " : "", e.pointer, e.message);
}

static void relate_commands(struct check *c)
{
    const struct jval *list = list_of(c->root, "doppel:commands");
    struct map seen = {0};
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next) {
        struct slice name = jval_string(jval_get(v, "name"));
        relate_schema(c, v, "input");
        relate_schema(c, v, "output");
        if (name.n && map_get(&seen, name) && check_room_error(c, "commands"))
            check_error(c, "commands", v, "The command %.*s stands there twice: take one out.",
                        SLICE_ARG(name));
        else if (name.n && !map_get(&seen, name))
            c->failed |= map_put(&seen, name, (void *)(uintptr_t)v, NULL) != 0;
    }
    map_release(&seen);
}

void check_relations(struct check *c)
{
    const struct jval *storage = object_of(c->root, "dataStorage");
    relate_document(c);
    relate_subject(c);
    relate_media(c);
    relate_sync(c);
    relate_sensors(c);
    if (storage) {
        relate_storage(c, storage);
        relate_analytics(c, jval_get(storage, "analytics"));
    }
    relate_alerts(c);
    relate_relationships(c);
    relate_commands(c);
}
