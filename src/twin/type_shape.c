/* How a type is built, as shape.c tells of a profile; and the rules that findings name. */
#include "twin/check.h"
#include "twin/type.h"

#include "base/err.h"

#define E SEVERITY_ERROR
#define W SEVERITY_WARNING

/* clang-format off: tables */
const struct profile_rule type_rules[] = {
    {"type", E, true, "A type is an object with an `id`; its members are as docs/graph.md says."},
    {"type.list", E, true,
     "Each of `sensors`, `commands`, `settings` and `relationships` is an object with a name of "
     "its own in the list."},
    {"type.extends", E, true,
     "`extends` names types that are there, in no circle, and whose words do not contradict each "
     "other."},
    {"type.defaults", E, true,
     "`defaults` is an object that says nothing of what makes a twin itself."},
    {"type.unknown", W, false, "There is the type that a twin says it is of."},
    {"type.sensor", E, false, "A twin has the sensors of its types."},
    {"type.sensor.type", E, false, "They measure what the type says."},
    {"type.sensor.unit", E, false, "Their units convert to those of the type."},
    {"type.command", E, false, "A twin has the commands of its types."},
    {"type.setting", E, false, "A twin has the settings of its types."},
    {"type.relationship", E, false,
     "A twin has as many relationships of a kind as its types say, to twins of the type that they "
     "name."},
    {NULL, E, false, NULL},
};

static const struct field no_fields[] = {{0}};

static const struct field type_sensor_fields[] = {
    {.name = "id",
     .rule = "type.list",
     .missing = "type.list",
     .kind = &kind_id,
     .what = "the id that the sensor has in every twin",
     .example = "'temp-1'"},
    {.name = "name", .rule = "type.list", .kind = &kind_text, .what = "what people call it"},
    {.name = "type",
     .rule = "type.list",
     .kind = &kind_text,
     .what = "what it measures",
     .example = "'temperature'"},
    {.name = "unit",
     .rule = "type.list",
     .kind = &kind_text,
     .what = "a unit of the same dimension as that of its values",
     .example = "'celsius'"},
    {.name = "updateFrequency",
     .rule = "type.list",
     .kind = &kind_interval,
     .what = "how often readings come",
     .example = "'10s'"},
    {.name = "normalRange",
     .rule = "type.list",
     .kind = &kind_range,
     .what = "where values are in good order"},
    {.name = "criticalRange",
     .rule = "type.list",
     .kind = &kind_range,
     .what = "where values are a danger"},
    {.name = "accuracy",
     .rule = "type.list",
     .kind = &kind_positive,
     .what = "how far a value may be from the truth"},
    {0},
};

static const struct field type_command_fields[] = {
    {.name = "name",
     .rule = "type.list",
     .missing = "type.list",
     .kind = &kind_id,
     .what = "the name by which the command is sent",
     .example = "'stop'"},
    {.name = "title", .rule = "type.list", .kind = &kind_text, .what = "what people call it"},
    {.name = "input",
     .rule = "type.list",
     .shape = SHAPE_OBJECT,
     .members = no_fields,
     .what = "the JSON Schema of what is sent",
     .example = "{'type': 'object'}"},
    {.name = "output",
     .rule = "type.list",
     .shape = SHAPE_OBJECT,
     .members = no_fields,
     .what = "the JSON Schema of what comes back",
     .example = "{'type': 'object'}"},
    {.name = "timeout",
     .rule = "type.list",
     .kind = &kind_duration,
     .what = "how long an answer may take",
     .example = "'30s'"},
    {.name = "expires",
     .rule = "type.list",
     .kind = &kind_duration,
     .what = "how long it waits for a device that is away",
     .example = "'1d'"},
    {0},
};

static const struct field type_setting_fields[] = {
    {.name = "name",
     .rule = "type.list",
     .missing = "type.list",
     .kind = &kind_id,
     .what = "the name of the setting",
     .example = "'interval'"},
    {.name = "title", .rule = "type.list", .kind = &kind_text, .what = "what people call it"},
    {.name = "unit", .rule = "type.list", .kind = &kind_text, .what = "the unit of its value"},
    {.name = "schema",
     .rule = "type.list",
     .shape = SHAPE_OBJECT,
     .members = no_fields,
     .what = "the JSON Schema of its value",
     .example = "{'type': 'number'}"},
    {0},
};

static const struct field type_relationship_fields[] = {
    {.name = "kind",
     .rule = "type.list",
     .missing = "type.list",
     .kind = &kind_id,
     .what = "the kind of relationship",
     .example = "'feeds'"},
    {.name = "target",
     .rule = "type.list",
     .kind = &kind_id,
     .what = "the type that its targets are of",
     .example = "'Pump'"},
    {.name = "min",
     .rule = "type.list",
     .kind = &kind_not_negative,
     .what = "how many of them a twin has at least",
     .example = "1"},
    {.name = "max",
     .rule = "type.list",
     .kind = &kind_not_negative,
     .what = "how many of them a twin has at most",
     .example = "1"},
    {.name = "properties",
     .rule = "type.list",
     .shape = SHAPE_OBJECT,
     .members = no_fields,
     .what = "the JSON Schema of its properties",
     .example = "{'type': 'object'}"},
    {0},
};

static const struct field type_fields[] = {
    {.name = "id",
     .rule = "type",
     .missing = "type",
     .kind = &kind_id,
     .what = "the name by which twins say that they are of it",
     .example = "'Pump'"},
    {.name = "name", .rule = "type", .kind = &kind_text, .what = "what people call it"},
    {.name = "description", .rule = "type", .kind = &kind_text, .what = "what such a thing is"},
    {.name = "extends",
     .rule = "type.extends",
     .kind = &kind_twin_types,
     .what = "the types that it extends",
     .example = "'Machine'"},
    {.name = "sensors",
     .rule = "type.list",
     .shape = SHAPE_LIST,
     .members = type_sensor_fields,
     .what = "the sensors of its twins",
     .example = "[{'id': 'temp-1', 'type': 'temperature', 'unit': 'celsius'}]"},
    {.name = "commands",
     .rule = "type.list",
     .shape = SHAPE_LIST,
     .members = type_command_fields,
     .what = "the commands that its twins take",
     .example = "[{'name': 'stop'}]"},
    {.name = "settings",
     .rule = "type.list",
     .shape = SHAPE_LIST,
     .members = type_setting_fields,
     .what = "the settings of its twins",
     .example = "[{'name': 'interval', 'unit': 's'}]"},
    {.name = "relationships",
     .rule = "type.list",
     .shape = SHAPE_LIST,
     .members = type_relationship_fields,
     .what = "what its twins are to others",
     .example = "[{'kind': 'feeds', 'target': 'Pump'}]"},
    {.name = "defaults",
     .rule = "type.defaults",
     .shape = SHAPE_OBJECT,
     .members = no_fields,
     .what = "members for profiles that lack them",
     .example = "{'subjectOf': {'manufacturer': 'Acme'}}"},
    {0},
};
/* clang-format on */

/* The first of two with the same name stands. */
static void relate_list(struct check *c, const char *list, const char *by, const char *and)
{
    const struct jval *l = jval_get(c->root, list);
    struct map seen = {0};
    for (const struct jval *v = l && l->type == J_ARRAY ? l->first : NULL; v; v = v->next) {
        struct slice name = jval_string(jval_get(v, by));
        if (and&&name.p)
            name = slice_str(arena_printf(c->arena, "%.*s %.*s", SLICE_ARG(name),
                                          SLICE_ARG(jval_string(jval_get(v, and)))));
        if (!name.n)
            continue;
        if (map_get(&seen, name))
            check_error(c, "type.list", v, "%s stands in %s twice: take one of them out.",
                        check_path(c, v), list);
        else
            c->failed |= map_put(&seen, name, (void *)(uintptr_t)v, NULL) != 0;
    }
    map_release(&seen);
}

static void relate_counts(struct check *c)
{
    const struct jval *l = jval_get(c->root, "relationships");
    for (const struct jval *v = l && l->type == J_ARRAY ? l->first : NULL; v; v = v->next) {
        double least, most;
        if (jval_number(jval_get(v, "min"), &least) && jval_number(jval_get(v, "max"), &most) &&
            least > most)
            check_error(c, "type.list", v, "%s wants at least %g and at most %g: correct one.",
                        check_path(c, v), least, most);
    }
}

static void relate_defaults(struct check *c)
{
    static const char *const not_these[] = {"identifier", "doppel:twinType", "sensors",
                                            "doppel:commands", "doppel:settings"};
    const struct jval *defaults = jval_get(c->root, "defaults");
    for (size_t i = 0; i < sizeof not_these / sizeof not_these[0]; i++) {
        const struct jval *v = jval_get(defaults, not_these[i]);
        if (v)
            check_error(c, "type.defaults", v, "Take %s out of defaults: %s.", not_these[i],
                        i < 2 ? "it is what tells one twin from another"
                              : "the type has members of its own for that");
    }
}

int type_check(struct arena *a, const struct jval *root, struct slice text, struct findings *ret)
{
    struct check c = {.arena = a, .root = root, .root_name = "the type"};
    if (root->type != J_OBJECT) {
        check_error(&c, "type", root, "A type is a JSON object such as {\"id\": \"Pump\"}.");
        return check_finish(&c, text, ret);
    }
    check_members(&c, root, type_fields);
    relate_list(&c, "sensors", "id", NULL);
    relate_list(&c, "commands", "name", NULL);
    relate_list(&c, "settings", "name", NULL);
    relate_list(&c, "relationships", "kind", "target");
    relate_counts(&c);
    relate_defaults(&c);
    return check_finish(&c, text, ret);
}
