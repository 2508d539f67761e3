/* The rules of the MVMD Digital Twin Integration Profile, one row each.  docs/profile.md tells the
 * same to people; profile_test.c compares the two. */
#include "twin/profile.h"

#define E SEVERITY_ERROR
#define W SEVERITY_WARNING

/* clang-format off: id, severity (the gravest it reports), core, text */
const struct profile_rule profile_rules[] = {
    {"json", E, true,
     "The document is one JSON object in UTF-8 without a member that stands twice."},
    {"context", E, true, "`@context` names schema.org as the vocabulary and binds `mvmd`."},
    {"type", E, true, "`@type` is present: DigitalDocument or Dataset (another one is a warning)."},
    {"name", E, true, "`name` is a text that is not empty."},
    {"description", E, true, "`description` is a text that is not empty."},
    {"identifier", E, true,
     "`identifier` is a PropertyValue with `propertyID` MVMD-ID and a `value` that can be an id."},
    {"subject", E, true, "`subjectOf` is an object with a `name`: the thing that is mirrored."},
    {"subject.identity", W, false, "The subject has manufacturer, model and serial number."},
    {"subject.dates", E, false,
     "`productionDate` and `installDate` are dates, production not after installation."},
    {"subject.location", E, false,
     "The subject's place is given (warning); latitude and longitude are possible (error)."},
    {"sync", E, false, "`synchronization` has `mechanism`, `endpoint` and `updateFrequency`."},
    {"sync.mechanism", E, false, "`mechanism` is a name; one that we do not know is a warning."},
    {"sync.endpoint", E, false, "`endpoint` is an absolute URL whose scheme fits the mechanism."},
    {"sync.endpoint.secure", E, false,
     "The endpoint is encrypted (warning) and carries no password (error)."},
    {"sync.frequency", E, false,
     "`updateFrequency` is \"realtime\", a positive number (hertz) or a duration."},
    {"sync.status", E, false,
     "`connectionStatus`, `lastSynced` and `latency`, where given, have the right type."},
    {"sync.loss", W, false, "It is said what happens when the connection is lost."},
    {"sensors", E, false, "`sensors` is a list of at least one object."},
    {"sensor.id", E, false, "Every sensor has an `id` that can be an id, once in the twin."},
    {"sensor.name", E, false, "Every sensor has a `name`."},
    {"sensor.type", E, false, "Every sensor has a `type`."},
    {"sensor.unit", E, false, "Every sensor has a `unit`; one that we do not know is a warning."},
    {"sensor.frequency", E, false,
     "`updateFrequency` is a positive number (hertz) or a duration (a warning when a measured "
     "quantity has none)."},
    {"sensor.value", E, false,
     "`currentValue` fits the type of the sensor's other values, and its `timestamp` goes with "
     "it."},
    {"sensor.range", E, false,
     "`normalRange` and `criticalRange` are [low, high] and do not overlap."},
    {"sensor.range.missing", W, false, "A measured quantity has a normal and a critical range."},
    {"sensor.accuracy", E, false, "`accuracy` is a number above zero."},
    {"sensor.calibration", W, false, "A measured quantity says when or how it was calibrated."},
    {"time", E, false,
     "Every timestamp is RFC 3339 with an offset; one in the future is a warning."},
    {"storage", E, false,
     "`dataStorage.historicalData` has `retentionPeriod` and, shorter, `samplingRate`; "
     "`doppel:rawRetention`, where it is given, is not longer than the first. What they do: "
     "[history.md](history.md)."},
    {"storage.compression", E, false, "`compressionLevel` is none, low, medium or high."},
    {"storage.privacy", W, false, "Something is said about privacy."},
    {"storage.backup", W, false, "Something is said about backups."},
    {"analytics.threshold", E, false,
     "Each of `alertThresholds` is a number and names a sensor by id or by type."},
    {"analytics.models", W, false, "Each of `predictionModels` is a model that is registered."},
    {"maintenance", E, false,
     "`maintenance` is present; its history has date, type and description, its schedule a date."},
    {"maintenance.issues", E, false,
     "`predictedIssues` have component, probability from 0 to 1 and timeframe."},
    {"performance", E, false,
     "`uptime` is a percentage, metrics have names and numbers, alerts a date, a type and a sensor "
     "as source."},
    {"media", E, false, "Each of `associatedMedia` has a URL and an `encodingFormat`."},
    {"alarm", E, false,
     "`doppel:alarm` of a sensor or of the twin has `enabled` (true or false), `severity` (info, "
     "warning, major or critical), `hysteresis` (a number), `delay` and `clearDelay` (durations), "
     "none of which need be there ([alarms.md](alarms.md))."},
    {"twin-type", E, false,
     "`doppel:twinType` is the id of a type, or a list of at most 16 ([graph.md](graph.md))."},
    {"relationships", E, false,
     "Each of `doppel:relationships` is an object with a `kind` and a `target`, which can be ids; "
     "its `properties` are an object."},
    {"relationship.id", E, false,
     "Every relationship has its own `id` in the twin; where none is given it is kind:target."},
    {"commands", E, false,
     "Each of `doppel:commands` is an object with a `name` of its own; `input` and `output` are "
     "JSON Schemas of the part that is understood, `timeout` and `expires` durations "
     "([commands.md](commands.md))."},
    {NULL, E, false, NULL},
};
/* clang-format on */
