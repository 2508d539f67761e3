#include "twin/words.h"

#include "twin/units.h"

static const char boolean_words[] = "boolean|bool|on/off|true/false|yes/no|open/closed";
static const char text_words[] = "text|string";

static bool has_word(const struct jval *sensor, const char *words)
{
    return one_of(jval_string(jval_get(sensor, "unit")), words) ||
           one_of(jval_string(jval_get(sensor, "type")), words);
}

enum value_type sensor_kind(const struct jval *sensor, enum evidence *ret_evidence)
{
    const struct jval *value = jval_get(sensor, "currentValue");
    enum evidence evidence = EVIDENCE_NONE;
    enum value_type kind = VALUE_NONE;
    if (jval_get(sensor, "normalRange") || jval_get(sensor, "criticalRange") ||
        jval_get(sensor, "accuracy")) {
        evidence = EVIDENCE_NUMBERS;
        kind = VALUE_DOUBLE;
    } else if (has_word(sensor, boolean_words)) {
        evidence = EVIDENCE_WORD;
        kind = VALUE_BOOL;
    } else if (has_word(sensor, text_words)) {
        evidence = EVIDENCE_WORD;
        kind = VALUE_TEXT;
    } else if (units_class(jval_string(jval_get(sensor, "unit"))) >= UNIT_COUNT) {
        evidence = EVIDENCE_UNIT;
        kind = VALUE_DOUBLE;
    } else if (value && kind_value.fits(value)) {
        evidence = EVIDENCE_VALUE;
        kind = value->type == J_BOOL     ? VALUE_BOOL
               : value->type == J_STRING ? VALUE_TEXT
                                         : VALUE_DOUBLE;
    }
    if (ret_evidence)
        *ret_evidence = evidence;
    return kind;
}

bool sensor_is_measured(const struct jval *sensor)
{
    enum evidence evidence;
    if (sensor_kind(sensor, &evidence) != VALUE_DOUBLE)
        return false;
    enum unit_class class = units_class(jval_string(jval_get(sensor, "unit")));
    return evidence == EVIDENCE_NUMBERS || class == UNIT_MEASURE;
}

static void put_words(struct buf *out, const char *words)
{
    buf_add_str(out, "{'anyOf': [{'required': ['unit'], 'properties': {'unit': {'type': 'string', "
                     "'pattern': '^");
    one_of_pattern(out, words);
    buf_add_str(out, "$'}}}, {'required': ['type'], 'properties': {'type': {'type': 'string', "
                     "'pattern': '^");
    one_of_pattern(out, words);
    buf_add_str(out, "$'}}}]}");
}

static void put_required(struct buf *out, const char *name)
{
    buf_addf(out, "{'required': ['%s'], 'properties': {'%s': true}}", name, name);
}

void sensor_conditions(struct buf *out)
{
    buf_add_str(out, ", 'dependentRequired': {'currentValue': ['timestamp']}, '$comment': "
                     "'sensor.value: the type of currentValue fits what else is said', 'if': "
                     "{'anyOf': [");
    put_required(out, "normalRange");
    buf_add_str(out, ", ");
    put_required(out, "criticalRange");
    buf_add_str(out, ", ");
    put_required(out, "accuracy");
    buf_add_str(out, "]}, 'then': {'properties': {'currentValue': {'type': 'number'}}}, 'else': "
                     "{'if': ");
    put_words(out, boolean_words);
    buf_add_str(out, ", 'then': {'properties': {'currentValue': {'type': 'boolean'}}}, 'else': "
                     "{'if': ");
    put_words(out, text_words);
    buf_add_str(out, ", 'then': {'properties': {'currentValue': {'type': 'string'}}}}}");
}

void media_conditions(struct buf *out)
{
    buf_add_str(out, ", 'anyOf': [");
    put_required(out, "contentUrl");
    buf_add_str(out, ", ");
    put_required(out, "url");
    buf_add_str(out, "]");
}
