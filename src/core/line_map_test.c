/* Tests of line_map.c: names without rules, by rules, and rules that are wrong. */
#include "base/err.h"
#include "core/line_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct line_map *make(const char *rules, const char *tags)
{
    struct line_map *m = NULL;
    struct buf why = {0};
    int err = line_map_new(slice_str(rules), slice_str(tags), &m, &why);
    if (err)
        print_error("%.*s\n", SLICE_ARG(buf_slice(&why)));
    assert_int_equal(err, 0);
    buf_release(&why);
    return m;
}

/* "twin sensor" of a key and a field. */
static void expect(const struct line_map *m, const char *key, const char *field, const char *wanted)
{
    struct line_key k;
    struct line_names n;
    struct arena *a = arena_new();
    char got[400];
    assert_null(line_key_read(slice_str(key), &k));
    for (size_t i = 0; i < k.n; i++)
        k.tags[i] = (struct line_tag){line_name(a, k.tags[i].key), line_name(a, k.tags[i].value)};
    struct line_origin o = {.database = SLICE_LIT("db"),
                            .measurement = line_name(a, k.measurement),
                            .field = slice_str(field),
                            .tags = k.tags,
                            .tags_n = k.n};
    assert_int_equal(line_map_names(m, a, &o, &n), 0);
    assert_true(slice_is_id(n.twin) && slice_is_id(n.sensor));
    snprintf(got, sizeof got, "%.*s %.*s", SLICE_ARG(n.twin), SLICE_ARG(n.sensor));
    assert_string_equal(got, wanted);
    arena_free(a);
}

static void names_without_rules(void **state)
{
    struct line_map *m = make("", "twin,host,device");
    (void)state;
    expect(m, "cpu,host=web-1", "usage_idle", "web-1 cpu_usage_idle");
    expect(m, "cpu,cpu=cpu0,host=web-1", "usage_idle", "web-1 cpu_usage_idle:cpu:cpu0");
    expect(m, "temp,device=pump", "value", "pump temp");
    expect(m, "temp,device=pump,host=gw", "value", "gw temp:device:pump");
    expect(m, "temp,twin=t,device=pump,host=gw", "value", "t temp:device:pump:host:gw");
    expect(m, "weather", "rain", "weather rain");
    expect(m, "weather", "value", "weather value");
    expect(m, "weather,place=x", "rain", "weather rain:place:x");
    expect(m, "net,host=10.0.0.1:9100", "up", "10.0.0.1:9100 net_up");
    expect(m, "docker_cpu,host=a", "usage", "a docker_cpu:usage");
    line_map_free(m);
    m = make("", " site , ,");
    expect(m, "cpu,host=web-1,site=s", "x", "s cpu_x:host:web-1");
    line_map_free(m);
    m = make("", "");
    expect(m, "cpu,host=web-1", "x", "cpu x:host:web-1");
    line_map_free(m);
}

/* What reads the same on the whole must not be the same. */
static void no_two_have_one_name(void **state)
{
    static const struct {
        const char *key, *field;
    } rows[] = {
        {"a,host=h", "b_c"},       {"a_b,host=h", "c"},      {"a_b_c,host=h", "value"},
        {"a:b,host=h", "c"},       {"a,host=h", "b:c"},      {"a,host=h", "b c"},
        {"a,host=h", "b_c "},      {"a,b=c,host=h", "x"},    {"a,b=c:d:e,host=h", "x"},
        {"a,b=c,d=e,host=h", "x"}, {"a,b=,host=h", "x:b:"},  {"a\\ ,host=h", "b_c"},
        {"\xc3\xa4,host=h", "x"},  {"\xc3\xb6,host=h", "x"}, {"a,host=h", "value"},
        {"a,b=c,host=h", "value"}, {"a,host=h", "c_b"},      {"b:c,host=h", "value"},
        {"a,host=h", "value:b:c"}, {"a_b,host=h", "value"},  {"a,host=h", "b"},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    struct line_map *m = make("", "host");
    struct arena *a = arena_new();
    struct slice ids[N] = {0};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        struct line_key k;
        struct line_names n;
        if (line_key_read(slice_str(rows[i].key), &k))
            continue; /* b= is none */
        struct line_origin o = {.measurement = line_name(a, k.measurement),
                                .field = slice_str(rows[i].field),
                                .tags = k.tags,
                                .tags_n = k.n};
        assert_int_equal(line_map_names(m, a, &o, &n), 0);
        assert_true(slice_is_id(n.sensor));
        ids[i] = n.sensor;
        for (size_t j = 0; j < i; j++)
            if (slice_eq(ids[i], ids[j]))
                fail_msg("%s %s is as %s %s: %.*s", rows[i].key, rows[i].field, rows[j].key,
                         rows[j].field, SLICE_ARG(ids[i]));
    }
    arena_free(a);
    line_map_free(m);
}

static void odd_bytes_and_long_names(void **state)
{
    char field[400], wanted[400];
    struct line_map *m = make("", "host");
    (void)state;
    expect(m, "m,host=living\\ room", "x", "living_room:ffc4c14c m_x");
    memset(field, 'f', sizeof field - 1);
    field[399] = 0;
    struct arena *a = arena_new();
    struct line_origin o = {.measurement = SLICE_LIT("m"), .field = slice_str(field)};
    struct line_names n, other;
    assert_int_equal(line_map_names(m, a, &o, &n), 0);
    assert_int_equal(n.sensor.n, 128);
    o.field.n--;
    assert_int_equal(line_map_names(m, a, &o, &other), 0);
    assert_false(slice_eq(n.sensor, other.sensor));
    memset(wanted, 'f', 119);
    assert_memory_equal(n.sensor.p, wanted, 119);
    arena_free(a);
    line_map_free(m);
}

static void rules_come_first(void **state)
{
    struct line_map *m =
        make("{\"databases\":[\"telegraf\",\"iot-*\"],\"rules\":["
             "{\"measurement\":\"weather*\",\"tags\":{\"site\":\"north-?\"},\"field\":\"temp*\","
             "\"twin\":\"station-{tag.site}\",\"sensor\":\"air_{field}\",\"unit\":\"celsius\"},"
             "{\"measurement\":\"weather\",\"twin\":\"{tag.site}\"},"
             "{\"db\":\"other\",\"sensor\":\"never\"},"
             "{\"field\":\"raw\",\"sensor\":\"{measurement}.{field}\"}]}",
             "host");
    (void)state;
    expect(m, "weather_2,site=north-1", "temp_max", "station-north-1 air_temp_max");
    expect(m, "weather_2,site=north-10", "temp_max", "weather_2 temp_max:site:north-10");
    expect(m, "weather,site=south", "temp", "south weather_temp");
    expect(m, "weather", "temp", "weather temp"); /* it lacks the tag of the rule */
    expect(m, "weather,site=a\\ b", "t", "a_b:af3c44ef weather_t");
    expect(m, "cpu,host=h,cpu=1", "raw", "h cpu.raw");
    assert_true(line_map_by_database(m));
    assert_true(line_map_has_database(m, SLICE_LIT("telegraf")));
    assert_true(line_map_has_database(m, SLICE_LIT("iot-7")));
    assert_false(line_map_has_database(m, SLICE_LIT("iot")));
    line_map_free(m);
    m = make("{}", "host");
    assert_true(line_map_has_database(m, SLICE_LIT("any")));
    assert_false(line_map_by_database(m));
    line_map_free(m);
}

static void wrong_rules_say_where(void **state)
{
    static const struct {
        const char *rules, *why;
    } rows[] = {
        {"{", "line 1, column 2: "},
        {"[]", "it is an object"},
        {"{\"rule\":[]}", "/rule is not known"},
        {"{\"rules\":{}}", "/rules is a list"},
        {"{\"rules\":[1]}", "/rules/0 is an object"},
        {"{\"rules\":[{\"twin\":\"{tag.}\"}]}", "/rules/0/twin is a text with {measurement}"},
        {"{\"rules\":[{\"twin\":\"{host}\"}]}", "/rules/0/twin is a text with"},
        {"{\"rules\":[{\"sensor\":\"a{\"}]}", "/rules/0/sensor is a text with"},
        {"{\"rules\":[{\"sensor\":\"\"}]}", "/rules/0/sensor is a text that"},
        {"{\"rules\":[{\"measurment\":\"x\"}]}", "/rules/0/measurment is not known"},
        {"{\"rules\":[{\"tags\":[]}]}", "/rules/0/tags is an object"},
        {"{\"rules\":[{\"tags\":{\"a\":1}}]}", "/rules/0/tags/a is a text"},
        {"{\"databases\":\"x\"}", "/databases is a list"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct line_map *m = NULL;
        struct buf why = {0};
        assert_true(line_map_new(slice_str(rows[i].rules), SLICE_LIT(""), &m, &why) < 0);
        assert_null(m);
        buf_add_byte(&why, 0);
        if (!strstr(why.p, rows[i].why))
            fail_msg("%s: %s", rows[i].rules, why.p);
        buf_release(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_without_rules),      cmocka_unit_test(no_two_have_one_name),
        cmocka_unit_test(odd_bytes_and_long_names), cmocka_unit_test(rules_come_first),
        cmocka_unit_test(wrong_rules_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
