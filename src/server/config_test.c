/* Tests of the settings: values, files, environment, ranks. */
#include "server/config.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static size_t row(const char *flag)
{
    size_t i = 0;
    while (strcmp(config_rows[i].flag, flag) != 0)
        i++;
    return i;
}

static int read_text(struct config *c, const char *text, struct buf *why)
{
    int err = config_read_file(c, "doppel.ini", slice_str(text), false, why);
    buf_add_byte(why, 0);
    why->n--;
    return err;
}

static void every_default_fits_its_row(void **state)
{
    (void)state;
    struct config c;
    assert_int_equal(config_init(&c), 0);
    assert_string_equal(c.http, "127.0.0.1:8080");
    assert_string_equal(c.mqtt, "127.0.0.1:1883");
    assert_null(c.https);
    assert_null(c.web);
    assert_false(c.demo);
    assert_int_equal(c.max_body, 16 << 20);
    assert_int_equal(c.flush_us, 30000000);
    assert_int_equal(c.log_level, LOG_INFO);
    for (size_t i = 0; config_rows[i].section; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(config_rows[i].flag, config_rows[k].flag);
            assert_int_not_equal(config_rows[i].field, config_rows[k].field);
        }
    }
    config_release(&c);
}

static void a_file_is_read(void **state)
{
    (void)state;
    struct config c;
    struct buf why = {0};
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(
        read_text(&c,
                  "\xEF\xBB\xBF# settings\n[server]\r\nhttp = [::1]:9000 ; here\n"
                  "mqtt=off\nweb = \"a # dir \\\"x\\\"\"\n\n [ limits ]\nmax-body = 64k\n"
                  "[storage]\nflush = 500ms\n[demo]\nenabled = Yes\n[log]\nlevel = warn",
                  &why),
        0);
    assert_string_equal(why.p, "");
    assert_string_equal(c.http, "[::1]:9000");
    assert_null(c.mqtt);
    assert_string_equal(c.web, "a # dir \"x\"");
    assert_int_equal(c.max_body, 65536);
    assert_int_equal(c.flush_us, 500000);
    assert_true(c.demo);
    assert_int_equal(c.log_level, LOG_WARN);
    assert_string_equal(c.where[row("http")], "doppel.ini:3");
    config_release(&c);
    buf_release(&why);
}

static void every_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[server]\nhtpp = 127.0.0.1:1\n",
         "doppel.ini:2: there is no setting \"htpp\" in [server]; did you mean \"http\"?\n"},
        {"[server]\nflush = 1s\n", "doppel.ini:2: there is no setting \"flush\" in [server]; did "
                                   "you mean \"flush\" in [storage]?\n"},
        {"[server\n", "doppel.ini:1: the closing ] is missing\n"},
        {"[server] x\n", "doppel.ini:1: something stands behind the ]\n"},
        {"[server]\nhttp\n", "doppel.ini:2: write it as \"key = value\"\n"},
        {"[server]\nhttp = 8080\n", "doppel.ini:2: \"8080\" does not fit http, which takes "
                                    "HOST:PORT such as 127.0.0.1:8080 or "
                                    "[::1]:8080, or off\n"},
        {"[server]\nmqtt = off\nmqtt = off\n", "doppel.ini:3: mqtt was set in line 2 already\n"},
        {"[server]\nweb = \"x\n", "doppel.ini:2: the closing quote is missing\n"},
        {"[server]\nweb = \"x\" y\n", "doppel.ini:2: something stands behind the quote\n"},
        {"[demo]\nenabled = maybe\n",
         "doppel.ini:2: \"maybe\" does not fit demo, which takes true or false\n"},
        {"[limits]\nmax-body = 1\nhttp-connections = -1\n",
         "doppel.ini:2: \"1\" does not fit max-body, which takes bytes such as 65536, 64k or 16M, "
         "from "
         "1024 to 4294967296\n"
         "doppel.ini:3: \"-1\" does not fit http-connections, which takes a whole number from 1 to "
         "1000000\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c;
        struct buf why = {0};
        assert_int_equal(config_init(&c), 0);
        assert_int_equal(read_text(&c, cases[i][0], &why), ERR_INVALID);
        assert_string_equal(why.p, cases[i][1]);
        config_release(&c);
        buf_release(&why);
    }
}

static void the_nearer_wins(void **state)
{
    (void)state;
    struct config c;
    struct buf why = {0}, odd = {0};
    char http[] = "DOPPEL_HTTP=127.0.0.1:2", flush[] = "DOPPEL_FLUSH=2s", other[] = "PATH=/bin";
    char empty[] = "DOPPEL_MQTT=", wrong[] = "DOPPEL_HTTPSS=x", ours[] = "DOPPEL_SERVER=http://x";
    char theirs[] = "DOPPEL_PRESET=asan";
    char *const environment[] = {http, flush, other, empty, wrong, ours, theirs, NULL};
    assert_int_equal(config_init(&c), 0);
    /* in the order in which the program does it: flags and environment first, to find the file */
    assert_int_equal(
        config_set(&c, row("http"), CONFIG_FROM_FLAG, "--http", SLICE_LIT("127.0.0.1:3"), &why), 0);
    assert_int_equal(config_read_env(&c, environment, &why, &odd), 0);
    assert_int_equal(
        read_text(&c, "[server]\nhttp=127.0.0.1:1\nmqtt=127.0.0.1:1\n[storage]\nflush=1s\n", &why),
        0);
    assert_string_equal(c.http, "127.0.0.1:3");
    assert_int_equal(c.flush_us, 2000000);
    assert_string_equal(c.where[row("flush")], "DOPPEL_FLUSH");
    assert_string_equal(c.mqtt, "127.0.0.1:1");
    buf_add_byte(&odd, 0);
    assert_string_equal(odd.p, "there is no setting DOPPEL_HTTPSS; did you mean DOPPEL_HTTPS?\n");
    config_release(&c);
    buf_release(&why);
    buf_release(&odd);
}

static void a_wrong_variable_is_told(void **state)
{
    (void)state;
    struct config c;
    struct buf why = {0}, odd = {0};
    char level[] = "DOPPEL_LOG_LEVEL=loud";
    char *const environment[] = {level, NULL};
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_read_env(&c, environment, &why, &odd), ERR_INVALID);
    buf_add_byte(&why, 0);
    assert_string_equal(why.p, "\"loud\" does not fit log-level, which takes debug, info, warn or "
                               "error (from DOPPEL_LOG_LEVEL)\n");
    config_release(&c);
    buf_release(&why);
    buf_release(&odd);
}

static void sizes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0},
                {"1", 1},
                {"64k", 65536},
                {"64K", 65536},
                {"16M", 16 << 20},
                {"2G", INT64_C(2) << 30},
                {"8388607T", INT64_C(8388607) << 40}};
    static const char *const bad[] = {"", "k", "1.5M", "-1", "1 M", "1Mi", "8388608T", "1m"};
    int64_t n;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(config_parse_size(slice_str(good[i].text), &n), 0);
        assert_int_equal(n, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(config_parse_size(slice_str(bad[i]), &n), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_fits_its_row),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(every_mistake_is_told_with_its_line),
        cmocka_unit_test(the_nearer_wins),
        cmocka_unit_test(a_wrong_variable_is_told),
        cmocka_unit_test(sizes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
