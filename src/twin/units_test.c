/* Tests of units: the names that people write, and what converts to what. */
#include "twin/units.h"

#include "base/err.h"
#include "twin/unit_names.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void names_that_people_write_are_known(void **state)
{
    (void)state;
    static const char *const names[] = {
        "celsius", "Celsius", "CELSIUS", "°C",
        "℃",       "ºC",      "degC",    "degrees celsius",
        "C",       "F",       "[degF]",  "Cel",
        "K",       "degrees", "deg",     "°",
        "rad",     "psi",     "PSI",     "bar",
        "mbar",    "barg",    "hPa",     "kPa",
        "percent", "%",       "%RH",     "ppm",
        "ppb",     "rpm",     "RPM",     "rev/min",
        "l/min",   "L/min",   "lpm",     "m3/h",
        "m³/h",    "m^3/h",   "Nm3/h",   "gpm",
        "kWh",     "Wh",      "MWh",     "kW",
        "VA",      "kVAr",    "mAh",     "V",
        "Volts",   "mV",      "A",       "Amps",
        "ohm",     "Ω",       "kΩ",      "mm/s",
        "m/s²",    "m/s2",    "m/s^2",   "g",
        "gn",      "[g]",     "mph",     "km/h",
        "counts",  "pcs",     "units",   "µm",
        "μm",      "um",      "µg/m³",   "ug/m3",
        "mg/l",    "pH",      "NTU",     "dB",
        "dB(A)",   "lux",     "lx",      "Nm",
        "N·m",     "kg/m3",   "W/m2",    "µS/cm",
        "Hz",      "bpm",     "inHg",    "mmHg",
        "kgf/cm2", "Btu/h",   "°/s",     "deg/s",
        "mol/l",   "1e-6 m",  "kbit/s",  "GB",
        "fl oz",   "gallon",  "t",       "h",
        "min",     "days",    "seconds", "liters per minute",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (units_class(slice_str(names[i])) < UNIT_COUNT)
            fail_msg("%s is not known as a unit", names[i]);
    static const char *const none[] = {"1", "none", "None", "boolean", "text", "on/off", "n/a"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(units_class(slice_str(none[i])), UNIT_NONE);
    assert_int_equal(units_class(SLICE_LIT("celsius")), UNIT_MEASURE);
    assert_int_equal(units_class(SLICE_LIT("Counts")), UNIT_COUNT);
}

static void nonsense_is_unknown(void **state)
{
    (void)state;
    /* UDUNITS-2 alone reads cfd as centi-femto-day and kmph as kilo-milli-pico-hour */
    static const char *const names[] = {"",
                                        "  ",
                                        "frobs",
                                        "cfd",
                                        "mkm",
                                        "xyz",
                                        "m^256",
                                        "m/",
                                        "hotness",
                                        "unspecified",
                                        "c;d",
                                        "°X",
                                        "meters; drop table",
                                        "ppbpp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (units_known(slice_str(names[i])))
            fail_msg("%s is known", names[i]);
    char longer[300];
    memset(longer, 'm', sizeof longer);
    assert_false(units_known(slice_of(longer, sizeof longer)));
    assert_false(units_known(slice_of("m\0s", 3)));
    assert_false(units_known(slice_of("\xff\xfe", 2)));
}

static void values_convert_as_the_units_say(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        double value;
        const char *to;
        double want;
    } cases[] = {
        {"degF", 212, "celsius", 100},
        {"F", 50, "celsius", 10},
        {"celsius", 20, "F", 68},
        {"C", 20, "K", 293.15},
        {"C", 20, "F", 68},
        {"C", 2, "A.s", 2},
        {"psi", 1, "bar", 0.0689475729316836},
        {"degrees", 180, "rad", M_PI},
        {"rpm", 60, "Hz", 1},
        {"Hz", 1, "rpm", 60},
        {"rad/s", 2 * M_PI, "1/s", 1},
        {"rpm", 1, "deg/s", 6},
        {"kWh", 1, "J", 3.6e6},
        {"m3/h", 6, "l/min", 100},
        {"barg", 1, "psig", 14.5037737730},
        {"gn", 1, "m/s2", 9.80665},
        {"km/h", 36, "m/s", 10},
        {"%", 50, "1", 0.5},
        {"pH", 7, "[pH]", 7},
        {"°C", 1, "celsius", 1},
        {"inHg", 29.92, "hPa", 1013.207},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int again = 0; again < 2; again++) {
            double v = 0;
            int err =
                units_convert(slice_str(cases[i].from), slice_str(cases[i].to), cases[i].value, &v);
            if (err || fabs(v - cases[i].want) > 1e-6 * fmax(1, fabs(cases[i].want)))
                fail_msg("%g %s is %g %s, not %.12g (%d)", cases[i].value, cases[i].from,
                         cases[i].want, cases[i].to, v, err);
        }
    }
}

static void what_does_not_convert_is_refused(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"celsius", "bar"}, {"frobs", "celsius"}, {"celsius", "frobs"}, {"bar", "barg"},
        {"deg", "%"},       {"pH", "1"},          {"none", "1"},        {"", "celsius"},
        {"celsius", ""},    {"Nm3/h", "m3/h"},    {"C", "bar"},         {"$", "€"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        double v = 5;
        assert_int_equal(units_convert(slice_str(pairs[i][0]), slice_str(pairs[i][1]), 1, &v),
                         ERR_BAD_UNIT);
        assert_true(v == 5);
    }
    double v = 0;
    assert_int_equal(units_convert(SLICE_LIT("frobs"), SLICE_LIT("frobs"), 3.25, &v), 0);
    assert_true(v == 3.25);
}

static void every_name_of_the_table_has_its_unit(void **state)
{
    (void)state;
    assert_null(units_problem());
    static const struct unit_name *const tables[] = {unit_symbols, unit_words};
    for (size_t t = 0; t < 2; t++) {
        for (const struct unit_name *row = tables[t]; row->names; row++) {
            struct slice rest = slice_str(row->names), name;
            while (slice_cut(&rest, '|', &name)) {
                double v, want;
                assert_true(units_known(name));
                if (!row->spec || !*row->spec)
                    continue;
                /* to a unit that has no name, so that equal names do not hide a missing one */
                char other[80];
                snprintf(other, sizeof other, "0.5 (%s)", row->spec);
                assert_int_equal(units_convert(slice_str(row->spec), slice_str(other), 1, &want),
                                 0);
                if (units_convert(name, slice_str(other), 1, &v) || v != want)
                    fail_msg("%.*s is not %s", SLICE_ARG(name), row->spec);
            }
        }
    }
}

static void memory_stays_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char name[32];
        double v;
        snprintf(name, sizeof name, "%d m", i + 1);
        assert_int_equal(units_convert(slice_str(name), SLICE_LIT("m"), 1, &v), 0);
        assert_true(fabs(v - (i + 1)) < 1e-9 * (i + 1));
        snprintf(name, sizeof name, "frob-%d", i);
        assert_false(units_known(slice_str(name)));
    }
}

static void *ask(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d kPa", i % 700 + 1);
        if (!units_known(slice_str(name)))
            return (void *)1;
    }
    return NULL;
}

static void threads_may_ask_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_people_write_are_known),
        cmocka_unit_test(nonsense_is_unknown),
        cmocka_unit_test(values_convert_as_the_units_say),
        cmocka_unit_test(what_does_not_convert_is_refused),
        cmocka_unit_test(every_name_of_the_table_has_its_unit),
        cmocka_unit_test(memory_stays_bounded),
        cmocka_unit_test(threads_may_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
