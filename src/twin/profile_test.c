/* Tests of profiles: the cases of tests/profiles (see the README there), filling, reading, levels,
 * and that table, documentation and schema agree. */
#include "twin/profile.h"

#include "base/clock.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1760000000000000) /* 2025-10-09T08:53:20Z */

static const struct profile_defaults defaults = {"mqtt://127.0.0.1:1883/twins/"};

static struct slice read_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be read: run the tests in the project's folder", path);
    struct buf b = {0};
    char part[65536];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(&b, part, n);
    fclose(f);
    struct slice text = arena_dup(a, buf_slice(&b));
    buf_release(&b);
    assert_non_null(text.p);
    return text;
}

static struct jval *parse(struct arena *a, struct slice text)
{
    struct jval *root = NULL;
    struct json_error e;
    if (jdoc_parse(a, text, &root, &e))
        fail_msg("line %d, column %d: %s", e.line, e.column, e.message);
    return root;
}

static struct slice write(struct arena *a, const struct jval *root)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 2);
    jval_write(&w, root);
    struct slice text = arena_dup(a, buf_slice(&b));
    buf_release(&b);
    return text;
}

static struct jval *check(struct arena *a, struct slice text, struct findings *ret)
{
    struct jval *root = NULL;
    assert_int_equal(profile_check(a, text, &root, ret), 0);
    return root;
}

static int set_up(void **state)
{
    clock_set(NOW);
    *state = arena_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    arena_free(*state);
    clock_real();
    return 0;
}

/* ---- the cases ---- */

static struct slice member(const struct jval *v, const char *name)
{
    return jval_string(jval_get(v, name));
}

static struct jval *pointed(struct arena *a, struct jval *root, struct slice pointer)
{
    return jval_pointer(root, arena_strndup(a, pointer.p, pointer.n));
}

/* One edit of a case: set or remove what a pointer names; "-" is behind the end of a list. */
static void edit(struct arena *a, struct jval *root, const struct jval *e)
{
    struct slice at = member(e, "at"), parent = at;
    const struct jval *to = jval_get(e, "set");
    struct jval *old = pointed(a, root, at), *copy = to ? jval_copy(a, to) : NULL;
    while (parent.n && parent.p[parent.n - 1] != '/')
        parent.n--;
    struct slice key = slice_skip(at, parent.n);
    parent.n--;
    struct jval *home = pointed(a, root, parent);
    assert_non_null(home);
    if (!to) {
        assert_true(jval_remove(home, key));
    } else if (home->type == J_OBJECT) {
        assert_non_null(jval_set(a, home, key, copy));
    } else if (!old) {
        assert_true(slice_is(key, "-"));
        assert_non_null(jval_append(home, copy));
    } else { /* an item of a list takes on another's content */
        old->type = copy->type;
        old->boolean = copy->boolean;
        old->text = copy->text;
        old->first = copy->first;
        old->last = copy->last;
        old->count = copy->count;
        for (struct jval *child = old->first; child; child = child->next)
            child->parent = old;
    }
}

static struct slice case_text(struct arena *a, struct slice base, const struct jval *c)
{
    const struct jval *edits = jval_get(c, "edit");
    if (!edits)
        return member(c, "text");
    struct jval *root = parse(a, base);
    for (const struct jval *e = edits->first; e; e = e->next)
        edit(a, root, e);
    return write(a, root);
}

static bool says(const char *message, struct slice part)
{
    return memmem(message, strlen(message), part.p, part.n) != NULL;
}

static bool rule_is_core(const char *id)
{
    const struct profile_rule *r = profile_rules;
    while (r->id && strcmp(r->id, id) != 0)
        r++;
    assert_non_null(r->id);
    return r->core;
}

/* A finding stands where its pointer says. */
static void is_well_formed(const struct finding *f, struct jval *root, struct slice text)
{
    const struct jval *at = root ? jval_pointer(root, f->pointer) : NULL;
    size_t n = strlen(f->message);
    if (n < 20 || f->message[n - 1] != '.')
        fail_msg("no sentence: %s", f->message);
    assert_int_equal(f->core, rule_is_core(f->rule));
    if (!root)
        return;
    assert_non_null(at);
    int line, column;
    json_position(text, at->offset, &line, &column);
    assert_int_equal(f->line, line);
    assert_int_equal(f->column, column);
}

static bool is_as_wanted(const struct finding *f, struct slice rule, const struct jval *want)
{
    bool error = f->severity == SEVERITY_ERROR;
    return want && slice_is(rule, f->rule) && slice_is(member(want, "pointer"), f->pointer) &&
           slice_is(member(want, "severity"), error ? "error" : "warning") &&
           says(f->message, member(want, "says"));
}

/* True when what is found is what the case wants and nothing else. */
static bool run_case(struct arena *a, struct slice base, const struct jval *c)
{
    struct findings found;
    struct slice name = member(c, "name"), rule = member(c, "rule"), text = case_text(a, base, c);
    struct jval *root = check(a, text, &found);
    const struct jval *wanted = jval_get(c, "finds");
    size_t errors = 0, core = 0;
    bool good = found.n == wanted->count;
    for (size_t i = 0; i < found.n; i++) {
        const struct finding *f = &found.items[i];
        good &= is_as_wanted(f, rule, jval_at(wanted, i));
        is_well_formed(f, root, text);
        errors += f->severity == SEVERITY_ERROR;
        core += f->severity == SEVERITY_ERROR && f->core;
    }
    assert_int_equal(found.errors, errors);
    assert_int_equal(found.core_errors, core);
    assert_int_equal(found.warnings, found.n - errors);
    if (good)
        return true;
    print_error("%.*s: %.*s: %zu findings\n", SLICE_ARG(rule), SLICE_ARG(name), found.n);
    for (size_t i = 0; i < found.n; i++)
        print_error("    %s %s: %s\n", found.items[i].rule, found.items[i].pointer,
                    found.items[i].message);
    return false;
}

static void each_case_finds_what_it_says_and_only_that(void **state)
{
    struct arena *a = *state;
    struct slice base = read_file(a, "tests/profiles/perfect.json");
    const struct jval *cases = parse(a, read_file(a, "tests/profiles/cases.json"));
    size_t failed = 0;
    for (const struct jval *c = cases->first; c; c = c->next)
        failed += !run_case(a, base, c);
    assert_int_equal(failed, 0);
}

static void every_rule_has_cases_that_break_it(void **state)
{
    struct arena *a = *state;
    const struct jval *cases = parse(a, read_file(a, "tests/profiles/cases.json"));
    for (const struct profile_rule *r = profile_rules; r->id; r++) {
        bool broken = false, gravest = false;
        for (const struct jval *c = cases->first; c; c = c->next) {
            const struct jval *first = jval_at(jval_get(c, "finds"), 0);
            if (!slice_is(member(c, "rule"), r->id) || !first)
                continue;
            broken = true;
            gravest |= slice_is(member(first, "severity"),
                                r->severity == SEVERITY_ERROR ? "error" : "warning");
            assert_true(r->severity == SEVERITY_ERROR ||
                        slice_is(member(first, "severity"), "warning"));
        }
        if (!broken || !gravest)
            fail_msg("no case breaks the rule %s as gravely as it can be", r->id);
    }
}

static void the_complete_example_has_no_error(void **state)
{
    struct arena *a = *state;
    struct findings found;
    check(a, read_file(a, "tests/profiles/complete.json"), &found);
    for (size_t i = 0; i < found.n; i++)
        if (found.items[i].severity == SEVERITY_ERROR)
            fail_msg("%s: %s", found.items[i].rule, found.items[i].message);
    assert_int_equal(found.errors, 0);
    assert_int_equal(found.warnings, found.n);
    bool motion = false;
    for (size_t i = 0; i < found.n; i++)
        motion |= strcmp(found.items[i].rule, "sensor.range.missing") == 0 &&
                  strcmp(found.items[i].pointer, "/sensors/1") == 0;
    assert_true(motion);
    check(a, read_file(a, "tests/profiles/perfect.json"), &found);
    assert_int_equal(found.n, 0);
}

static void a_profile_comes_back_as_it_was(void **state)
{
    struct arena *a = *state;
    struct findings found;
    struct slice text = read_file(a, "tests/profiles/perfect.json");
    struct jval *root = check(a, text, &found);
    struct slice again = write(a, root);
    assert_true(memmem(again.p, again.n, "9007199254740993", 16) != NULL);
    assert_true(memmem(again.p, again.n, "24.50,", 6) != NULL);
    assert_true(memmem(again.p, again.n, "\"height\": 4.50", 14) != NULL);
    assert_true(jval_equal(parse(a, again), root));
}

static void findings_are_written_as_the_wire_has_them(void **state)
{
    struct arena *a = *state;
    struct findings found;
    check(a, SLICE_LIT("{\n  \"name\": 7}"), &found);
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    findings_write(&w, &found);
    struct jval *list = parse(a, arena_dup(a, buf_slice(&b)));
    buf_release(&b);
    assert_int_equal(list->count, found.n);
    const struct jval *last = list->last;
    assert_true(slice_is(member(last, "rule"), "name"));
    assert_true(slice_is(member(last, "severity"), "error"));
    assert_true(slice_is(member(last, "pointer"), "/name"));
    assert_true(slice_is(jval_get(last, "line")->text, "2"));
    assert_true(slice_is(jval_get(last, "column")->text, "11"));
}

static void many_findings_are_counted_and_the_errors_kept(void **state)
{
    struct arena *a = *state;
    struct findings found;
    struct buf b = {0};
    buf_add_str(&b, "{\"sensors\": [");
    for (int i = 0; i < 20000; i++)
        buf_addf(&b, "%s{\"id\": \"s-%d\", \"unit\": \"frobs\", \"name\": \"s\", \"type\": \"t\"}",
                 i ? ", " : "", i);
    for (int i = 0; i < 20000; i++)
        buf_add_str(&b, ", 1");
    buf_add_str(&b, "]}");
    check(a, buf_slice(&b), &found);
    assert_int_equal(found.n, 1000);
    assert_true(found.errors >= 20000 && found.warnings >= 20000);
    assert_int_equal(found.core_errors, 6);
    for (size_t i = 0; i < found.n; i++)
        assert_int_equal(found.items[i].severity, SEVERITY_ERROR);
    buf_release(&b);
}

/* ---- filling ---- */

static const char core_only[] =
    "{\"@context\": {\"@vocab\": \"https://schema.org/\", \"mvmd\": \"https://mvmd.org/v1/\"},\n"
    "\"@type\": \"DigitalDocument\", \"name\": \"Pump\", \"description\": \"My pump\",\n"
    "\"identifier\": {\"@type\": \"PropertyValue\", \"propertyID\": \"MVMD-ID\", \"value\": "
    "\"pump-7\"},\n"
    "\"subjectOf\": {\"name\": \"A pump\"}%s}";

static struct jval *filled(struct arena *a, const char *more, const char *const **ret_pointers)
{
    struct findings found;
    struct jval *root = check(a, slice_str(arena_printf(a, core_only, more)), &found);
    assert_non_null(root);
    assert_int_equal(found.core_errors, 0);
    assert_int_equal(profile_fill(a, root, &defaults, ret_pointers), 0);
    return root;
}

static void are(const char *const *pointers, const char *wanted)
{
    struct slice rest = slice_str(wanted), one;
    size_t n = 0;
    while (*wanted && slice_cut(&rest, ' ', &one)) {
        if (!pointers[n] || !slice_is(one, pointers[n]))
            fail_msg("%s was filled, not %.*s", pointers[n] ? pointers[n] : "nothing",
                     SLICE_ARG(one));
        n++;
    }
    if (pointers[n])
        fail_msg("%s was filled too", pointers[n]);
}

static void the_core_alone_becomes_complete(void **state)
{
    struct arena *a = *state;
    const char *const *pointers;
    struct findings found;
    struct jval *root = filled(a, "", &pointers);
    are(pointers, "/synchronization /sensors /dataStorage /maintenance");
    assert_int_equal(profile_check_doc(a, root, slice_of(NULL, 0), &found), 0);
    assert_int_equal(found.errors, 0);
    assert_true(slice_is(jval_string(jval_pointer(root, "/synchronization/endpoint")),
                         "mqtt://127.0.0.1:1883/twins/pump-7"));
    check(a, write(a, root), &found);
    assert_int_equal(found.errors, 0);
    filled(a, "", &pointers);
    assert_int_equal(profile_fill(a, root, &defaults, &pointers), 0);
    are(pointers, "");
}

static void what_is_there_is_not_touched(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *more, *pointers;
        size_t errors;
    } cases[] = {
        {", \"synchronization\": {\"mechanism\": \"MQTT\"}, \"sensors\": [], \"dataStorage\": {}, "
         "\"maintenance\": {}",
         "/synchronization/endpoint /synchronization/updateFrequency /dataStorage/historicalData",
         1},
        {", \"synchronization\": {\"endpoint\": \"wss://x.example/y\", \"updateFrequency\": 2}, "
         "\"sensors\": [{\"id\": \"t\"}], \"maintenance\": 5, \"dataStorage\": "
         "{\"historicalData\": {\"retentionPeriod\": \"30s\"}}",
         "/synchronization/mechanism /sensors/0/name /sensors/0/type /sensors/0/unit "
         "/dataStorage/historicalData/samplingRate",
         1},
        {", \"synchronization\": {\"mechanism\": \"HTTP\"}, \"sensors\": [{\"name\": \"n\"}, 7, "
         "{\"id\": \"b\", \"type\": \"boolean\", \"name\": \"B\"}], \"maintenance\": {}, "
         "\"dataStorage\": {\"historicalData\": {\"samplingRate\": \"100d\"}}",
         "/synchronization/updateFrequency /sensors/2/unit "
         "/dataStorage/historicalData/retentionPeriod",
         5},
        {", \"synchronization\": \"later\", \"sensors\": {}, \"maintenance\": {}, \"dataStorage\": "
         "[]",
         "", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *pointers;
        struct findings found, before;
        char *text = arena_printf(a, core_only, cases[i].more);
        struct jval *was = check(a, slice_str(text), &before);
        struct jval *root = filled(a, cases[i].more, &pointers);
        are(pointers, cases[i].pointers);
        check(a, write(a, root), &found);
        assert_int_equal(found.errors, cases[i].errors);
        for (const char *const *p = pointers; *p; p++)
            assert_null(jval_pointer(was, *p));
        for (const char *const *p = pointers; *p; p++) { /* taken out again, it is as it was */
            struct slice path = slice_str(*p);
            size_t slash = path.n;
            while (path.p[slash - 1] != '/')
                slash--;
            struct jval *home = pointed(a, root, slice_of(path.p, slash - 1));
            assert_true(jval_remove(home, slice_skip(path, slash)));
        }
        assert_true(jval_equal(root, was));
    }
}

/* ---- reading ---- */

static void the_complete_example_reads(void **state)
{
    struct arena *a = *state;
    struct profile_view v;
    struct jval *root = parse(a, read_file(a, "tests/profiles/complete.json"));
    assert_int_equal(profile_read(a, root, &v), 0);
    assert_true(slice_is(v.id, "twin-2024-001"));
    assert_true(slice_is(v.type, "Industrial Robot Arm"));
    assert_false(v.simulated);
    assert_int_equal(v.interval_us, 0);
    assert_true(v.retention_us == INT64_C(90) * 86400 * 1000000);
    assert_true(v.sampling_us == 60000000);
    assert_int_equal(v.sensors_n, 3);
    const struct sensor_spec *temp = &v.sensors[0], *motion = &v.sensors[1],
                             *pressure = &v.sensors[2];
    assert_true(slice_is(temp->unit, "celsius") && temp->kind == VALUE_DOUBLE);
    assert_true(temp->interval_us == 100000 && motion->interval_us == 20000);
    assert_true(temp->has_normal && temp->normal[1] == 65 && temp->critical[0] == 75);
    assert_true(temp->has_threshold && temp->threshold == 70);
    assert_true(pressure->has_threshold && pressure->threshold == 1700);
    assert_false(motion->has_normal || motion->has_critical || motion->has_threshold);
    assert_int_equal(pressure->index, 2);
}

static void kinds_of_sensors_are_told_apart(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *sensor;
        enum value_type kind;
    } cases[] = {
        {"\"unit\": \"celsius\"", VALUE_DOUBLE},
        {"\"unit\": \"pcs\"", VALUE_DOUBLE},
        {"\"type\": \"boolean\", \"unit\": \"none\"", VALUE_BOOL},
        {"\"type\": \"door\", \"unit\": \"Open/Closed\"", VALUE_BOOL},
        {"\"type\": \"string\"", VALUE_TEXT},
        {"\"type\": \"switch\", \"unit\": \"none\"", VALUE_NONE},
        {"\"type\": \"switch\", \"currentValue\": true", VALUE_BOOL},
        {"\"type\": \"state\", \"currentValue\": \"idle\"", VALUE_TEXT},
        {"\"type\": \"state\", \"currentValue\": 3", VALUE_DOUBLE},
        {"\"unit\": \"frobs\"", VALUE_NONE},
        {"\"unit\": \"frobs\", \"normalRange\": [1, 2]", VALUE_DOUBLE},
        {"\"type\": \"boolean\", \"normalRange\": [0, 1]", VALUE_DOUBLE},
        {"\"type\": \"quux\"", VALUE_DOUBLE}, /* a threshold names it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct profile_view v;
        char *text = arena_printf(a,
                                  "{\"identifier\": {\"value\": \"x\"}, \"sensors\": [{\"id\": "
                                  "\"s\", %s}], \"dataStorage\": {\"analytics\": "
                                  "{\"alertThresholds\": {\"quux\": 4}}}}",
                                  cases[i].sensor);
        assert_int_equal(profile_read(a, parse(a, slice_str(text)), &v), 0);
        if (v.sensors[0].kind != cases[i].kind)
            fail_msg("%s is of kind %d, not %d", cases[i].sensor, v.sensors[0].kind, cases[i].kind);
    }
}

static void what_is_not_usable_is_left_out(void **state)
{
    struct arena *a = *state;
    struct profile_view v;
    struct jval *root =
        parse(a, SLICE_LIT("{\"identifier\": {\"value\": \"x\"}, \"doppel:simulated\": true, "
                           "\"synchronization\": {\"updateFrequency\": \"PT1M\"}, \"sensors\": [1, "
                           "{\"id\": \"a b\"}, {\"id\": \"a\", \"normalRange\": [5, 1], "
                           "\"updateFrequency\": -3}, {\"name\": \"n\"}, {\"id\": \"a\", \"unit\": "
                           "\"bar\"}, {\"id\": \"b\"}], \"dataStorage\": {\"analytics\": "
                           "{\"alertThresholds\": {\"a\": \"x\"}}}}"));
    assert_int_equal(profile_read(a, root, &v), 0);
    assert_true(v.simulated && v.interval_us == 60000000);
    assert_int_equal(v.sensors_n, 2);
    assert_true(slice_is(v.sensors[0].id, "a") && slice_is(v.sensors[0].name, "a"));
    assert_int_equal(v.sensors[0].index, 2);
    assert_int_equal(v.sensors[1].index, 5);
    assert_false(v.sensors[0].has_normal || v.sensors[0].has_threshold || v.sensors[0].unit.n);
    assert_int_equal(v.sensors[0].interval_us, 0);
    assert_int_equal(profile_read(a, parse(a, SLICE_LIT("{}")), &v), ERR_PROFILE);
}

static int level(const struct sensor_spec *s, double v)
{
    return sensor_level(s, value_double(v));
}

static void levels_follow_ranges_and_thresholds(void **state)
{
    (void)state;
    struct sensor_spec s = {.has_normal = true, .normal = {30, 65}};
    assert_int_equal(level(&s, 30), 0);
    assert_int_equal(level(&s, 65), 0);
    assert_int_equal(level(&s, 29.9), 1);
    s.has_critical = true;
    s.critical[0] = 75;
    s.critical[1] = 90;
    assert_int_equal(level(&s, 74.9), 1);
    assert_int_equal(level(&s, 75), 2);
    assert_int_equal(level(&s, 95), 2); /* past it on the far side */
    assert_int_equal(level(&s, -20), 1);
    s.has_threshold = true;
    s.threshold = 60;
    assert_int_equal(level(&s, 60), 0);
    assert_int_equal(level(&s, 61), 1);
    s.threshold = 20; /* below the normal range: warns downwards */
    assert_int_equal(level(&s, 50), 0);
    s.critical[0] = 0;
    s.critical[1] = 10;
    assert_int_equal(level(&s, 10), 2);
    assert_int_equal(level(&s, -5), 2);
    assert_int_equal(level(&s, 95), 1);
    s.has_normal = false;
    assert_int_equal(level(&s, 15), 1); /* the danger is below, so the threshold is too */
    assert_int_equal(level(&s, 25), 0);
    assert_int_equal(level(&s, -5), 1);
    struct sensor_spec bare = {0};
    assert_int_equal(level(&bare, 5), -1);
    assert_int_equal(sensor_level(&s, (struct value){VALUE_BOOL, {.b = true}}), -1);
    assert_int_equal(sensor_level(&s, (struct value){VALUE_NONE, {0}}), -1);
    assert_int_equal(level(&s, __builtin_nan("")), -1);
    assert_int_equal(sensor_level(&s, (struct value){VALUE_INT, {.i = INT64_MAX}}), 0);
}

static void an_alarm_ends_behind_its_hysteresis(void **state)
{
    (void)state;
    struct sensor_spec s = {.has_normal = true,
                            .normal = {30, 65},
                            .has_critical = true,
                            .critical = {75, 90},
                            .alarm = {.hysteresis = 2}};
    const struct {
        double v;
        int before, level;
    } steps[] = {{66, 0, 1}, {65, 1, 1},   {63.1, 1, 1}, {63, 1, 0}, {76, 1, 2}, {74, 2, 2},
                 {73, 2, 2}, {72.9, 2, 1}, {50, 2, 0},   {31, 1, 1}, {32, 1, 0}, {64, 0, 0}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        assert_int_equal(sensor_alarm_level(&s, value_double(steps[i].v), steps[i].before),
                         steps[i].level);
    assert_int_equal(sensor_alarm_level(&s, value_double(__builtin_nan("")), 2), -1);
}

/* ---- sample, schema, documentation ---- */

static void the_sample_is_complete(void **state)
{
    struct arena *a = *state;
    static const char *const ids[] = {"my-pump", "odd \"id\"", ""};
    for (size_t i = 0; i < 3; i++) {
        struct findings found;
        struct profile_view v;
        struct jval *root = check(a, profile_sample(a, slice_str(ids[i])), &found);
        assert_non_null(root);
        if (i)
            continue; /* JSON at least; the id is the caller's affair */
        assert_int_equal(found.n, 0);
        assert_int_equal(profile_read(a, root, &v), 0);
        assert_int_equal(v.sensors_n, 3);
        assert_int_equal(v.sensors[2].kind, VALUE_BOOL);
    }
}

static void the_schema_is_json_and_names_every_member(void **state)
{
    struct arena *a = *state;
    struct buf b = {0};
    profile_schema(&b);
    assert_false(b.failed);
    struct jval *schema = parse(a, arena_dup(a, buf_slice(&b)));
    static const char *const pointers[] = {
        "/properties/sensors/items/properties/normalRange/$ref",
        "/properties/synchronization/allOf/1/then/properties/endpoint/pattern",
        "/properties/maintenance/properties/predictedIssues/items/required/2",
        "/$defs/duration/pattern", "/$defs/range/prefixItems/1/type"};
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        if (!jval_pointer(schema, pointers[i]))
            fail_msg("the schema has no %s", pointers[i]);
    const char *path = getenv("DOPPEL_WRITE_SCHEMA");
    FILE *f = path ? fopen(path, "wb") : NULL;
    if (path) {
        assert_non_null(f);
        assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
        assert_int_equal(fclose(f), 0);
    }
    buf_release(&b);
}

/* docs/profile.md has a row "| `id` | error |", with "core" after it where it is. */
static void the_documentation_lists_the_rules(void **state)
{
    struct arena *a = *state;
    struct slice text = read_file(a, "docs/profile.md"), line;
    size_t rows = 0, rules = 0;
    while (slice_cut(&text, '\n', &line))
        rows += slice_starts(line, "| `") && slice_ends(line, ". |");
    text = read_file(a, "docs/profile.md");
    for (const struct profile_rule *r = profile_rules; r->id; r++, rules++) {
        char *row = arena_printf(a, "| `%s` | %s%s | %s |\n", r->id,
                                 r->severity == SEVERITY_ERROR ? "error" : "warning",
                                 r->core ? ", core" : "", r->text);
        if (!memmem(text.p, text.n, row, strlen(row)))
            fail_msg("docs/profile.md lacks the line\n%s", row);
    }
    assert_int_equal(rows, rules);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_case_finds_what_it_says_and_only_that),
        T(every_rule_has_cases_that_break_it),
        T(the_complete_example_has_no_error),
        T(a_profile_comes_back_as_it_was),
        T(findings_are_written_as_the_wire_has_them),
        T(many_findings_are_counted_and_the_errors_kept),
        T(the_core_alone_becomes_complete),
        T(what_is_there_is_not_touched),
        T(the_complete_example_reads),
        T(kinds_of_sensors_are_told_apart),
        T(what_is_not_usable_is_left_out),
        T(levels_follow_ranges_and_thresholds),
        T(an_alarm_ends_behind_its_hysteresis),
        T(the_sample_is_complete),
        T(the_schema_is_json_and_names_every_member),
        T(the_documentation_lists_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
