/* Tests of the table of commands and of everything that is derived from it. */
#include "server/command.h"

#include "base/buf.h"
#include "base/err.h"
#include "os/file.h"
#include "server/config.h"
#include "server/term.h"
#include "server/ws_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* What a function prints, as a string of the caller's. */
static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

/* Run a command line; what came on standard output and error, and the code. */
struct outcome {
    int code;
    char *out, *err;
};

static char *take_file(FILE *f)
{
    struct buf b = {0};
    char piece[4096];
    rewind(f);
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&b, piece, n);
    fclose(f);
    return buf_take(&b);
}

static struct outcome run(const char *line)
{
    char copy[512], *argv[32] = {0};
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    fflush(stdout);
    fflush(stderr);
    int kept_out = dup(STDOUT_FILENO), kept_err = dup(STDERR_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    struct outcome o = {.code = command_main(argc, argv)};
    fflush(stdout);
    fflush(stderr);
    dup2(kept_out, STDOUT_FILENO);
    dup2(kept_err, STDERR_FILENO);
    close(kept_out);
    close(kept_err);
    o.out = take_file(out);
    o.err = take_file(err);
    return o;
}

static void release(struct outcome *o)
{
    free(o->out);
    free(o->err);
}

static void check(const char *line, int code, const char *out, const char *err)
{
    struct outcome o = run(line);
    if (o.code != code)
        fail_msg("%s: %d\n%s%s", line, o.code, o.out, o.err);
    if (out && !strstr(o.out, out))
        fail_msg("%s: no \"%s\" in\n%s", line, out, o.out);
    if (err && !strstr(o.err, err))
        fail_msg("%s: no \"%s\" in\n%s", line, err, o.err);
    release(&o);
}

static void every_command_is_whole(void **state)
{
    (void)state;
    for (const struct command *c = commands; c->name; c++) {
        char line[64];
        const struct option_row *o;
        assert_non_null(c->run);
        assert_true(c->codes & 1U << CODE_OK && c->codes & 1U << CODE_USAGE);
        snprintf(line, sizeof line, "doppel %s --help", c->name);
        struct outcome help = run(line);
        assert_int_equal(help.code, CODE_OK);
        assert_non_null(strstr(help.out, c->summary));
        for (size_t i = 0; (o = command_option(c, i)); i++) {
            char option[64];
            snprintf(option, sizeof option, "%s%s", o->negatable ? "--[no-]" : "--", o->name);
            assert_non_null(strstr(help.out, option));
            assert_true(strlen(o->help) > 10 || strcmp(o->name, "help") == 0 ||
                        strcmp(o->name, "to") == 0);
            /* no two options of one command share a name or a letter */
            const struct option_row *other;
            for (size_t k = 0; k < i && (other = command_option(c, k)); k++) {
                assert_string_not_equal(o->name, other->name);
                assert_true(!o->letter || o->letter != other->letter);
            }
        }
        release(&help);
        snprintf(line, sizeof line, "doppel help %s", c->name);
        check(line, CODE_OK, c->summary, NULL);
    }
}

static void mistakes_are_understood(void **state)
{
    (void)state;
    check("doppel", CODE_USAGE, NULL, "Commands");
    check("doppel --help", CODE_OK, "Commands", NULL);
    check("doppel help", CODE_OK, "Commands", NULL);
    check("doppel --version", CODE_OK, "doppel " DOPPEL_VERSION, NULL);
    check("doppel version --json", CODE_OK, "{\"version\":\"" DOPPEL_VERSION "\"", NULL);
    check("doppel sevre", CODE_USAGE, NULL, "did you mean \"serve\"?");
    check("doppel twin", CODE_USAGE, NULL, "usage: doppel twin ls");
    check("doppel twin lst", CODE_USAGE, NULL, "did you mean \"twin ls\"?");
    check("doppel help histroy", CODE_USAGE, NULL, "did you mean \"history\"?");
    check("doppel serve --htpp x", CODE_USAGE, NULL, "did you mean --http?");
    check("doppel serve --http", CODE_USAGE, NULL, "--http needs a value: --http HOST:PORT");
    check("doppel serve --demo=yes", CODE_USAGE, NULL, "--demo takes no value");
    check("doppel serve extra", CODE_USAGE, NULL, "\"extra\" is one too many");
    check("doppel validate", CODE_USAGE, NULL, "something is missing");
    check("doppel twin ls -z", CODE_USAGE, NULL, "there is no option -z");
    check("doppel completion tcsh", CODE_USAGE, NULL, "bash, zsh and fish");
    check("doppel watch --count x", CODE_USAGE, NULL, "--count takes a number");
    check("doppel status --server ftp://x", CODE_USAGE, NULL, "is no address of a server");
    check("doppel history a b --from whenever", CODE_USAGE, NULL, "\"whenever\" is no time");
    check("doppel history a b --fn max", CODE_USAGE, NULL, "--fn needs the step");
    check("doppel send a b", CODE_USAGE, NULL, "\"b\" is not SENSOR=VALUE");
    check("doppel replay x.csv", CODE_USAGE, NULL, "--twin ID");
    check("doppel replay x.csv --twin a --loop", CODE_USAGE, NULL, "--loop needs --shift now");
    check("doppel replay /nowhere/x.csv --twin a", CODE_FAILED, NULL, "No such file");
}

static void nobody_is_there(void **state)
{
    (void)state;
    /* port 9 of loopback: discard, which nobody runs */
    check("doppel status --server 127.0.0.1:9", CODE_REACH, NULL, "is the server running?");
    check("doppel watch --server 127.0.0.1:9", CODE_REACH, NULL, "is the server running?");
}

static void validation_needs_no_server(void **state)
{
    (void)state;
    check("doppel validate tests/profiles/complete.json", CODE_OK, ": complete", NULL);
    check("doppel validate -q blueprints/demo/water-pump.json", CODE_NO, "error [sync]", NULL);
    check("doppel validate /nowhere.json", CODE_FAILED, NULL, "No such file");
    check("doppel validate --json tests/profiles/complete.json", CODE_OK, "\"complete\": true",
          NULL);
    check("doppel validate tests/profiles/complete.json CMakePresets.json", CODE_NO,
          "1 of 2 profiles complete", NULL);
}

static void settings_are_printed_as_a_file(void **state)
{
    (void)state;
    struct outcome o =
        run("doppel serve --print-config --http [::1]:9000 --max-body 64k --no-demo");
    struct config c;
    struct buf why = {0};
    assert_int_equal(o.code, CODE_OK);
    assert_non_null(strstr(o.out, "# from: --http\nhttp = [::1]:9000"));
    assert_non_null(strstr(o.out, "# from: --no-demo\nenabled = false"));
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_read_file(&c, "x", slice_str(o.out), false, &why), 0);
    assert_string_equal(c.http, "[::1]:9000");
    assert_int_equal(c.max_body, 65536);
    config_release(&c);
    release(&o);
    check("doppel serve --print-config --tls-cert x", CODE_USAGE, NULL, "go together");
    check("doppel serve --https 127.0.0.1:0", CODE_USAGE, NULL, "need a certificate");
    check("doppel serve --http off --mqtt off", CODE_USAGE, NULL, "every listener is off");
    check("doppel serve --http 0.0.0.0:0", CODE_USAGE, NULL, "--insecure-listen");
    check("doppel serve --http 8080", CODE_USAGE, NULL, "which takes HOST:PORT");
    check("doppel serve --config /nowhere.ini", CODE_USAGE, NULL, "/nowhere.ini cannot be read");
}

static void compare_page(const char *path, char *now, const char *command)
{
    struct buf kept = {0};
    assert_int_equal(file_read(path, 1 << 20, &kept), 0);
    if (!slice_is(buf_slice(&kept), now))
        fail_msg("%s is not what the program says; write it anew: %s > %s", path, command, path);
    buf_release(&kept);
    free(now);
}

static void the_pages_are_current(void **state)
{
    (void)state;
    compare_page("docs/cli.md", printed(help_markdown), "doppel help --markdown");
    compare_page("docs/configuration.md", printed(config_markdown),
                 "doppel help configuration --markdown");
}

static void completions_have_every_option(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < 3; i++) {
        char line[64];
        snprintf(line, sizeof line, "doppel completion %s", shells[i]);
        struct outcome o = run(line);
        assert_int_equal(o.code, CODE_OK);
        for (const struct command *c = commands; c->name; c++) {
            const struct option_row *row;
            for (size_t k = 0; (row = command_option(c, k)); k++)
                assert_non_null(strstr(o.out, row->name));
            assert_non_null(
                strstr(o.out, strchr(c->name, ' ') ? strchr(c->name, ' ') + 1 : c->name));
        }
        if (i == 0) { /* the other shells are not on every machine */
            FILE *bash = popen("bash -n", "w");
            assert_non_null(bash);
            fputs(o.out, bash);
            assert_int_equal(pclose(bash), 0);
        }
        release(&o);
    }
}

static void the_handshake_is_that_of_the_standard(void **state)
{
    (void)state;
    char accept[29];
    ws_client_accept("dGhlIHNhbXBsZSBub25jZQ==", accept); /* RFC 6455, section 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void clean_is(const char *text, size_t columns, const char *want)
{
    struct buf b = {0};
    term_clean(&b, slice_str(text), columns);
    buf_add_byte(&b, 0);
    assert_string_equal(b.p, want);
    buf_release(&b);
}

static void nobody_steers_the_terminal(void **state)
{
    (void)state;
    clean_is("plain \xC2\xB0"
             "C",
             0,
             "plain \xC2\xB0"
             "C");
    clean_is("\033[31mred\a", 0, "\xEF\xBF\xBD[31mred\xEF\xBF\xBD");
    clean_is("\xC2\x9B"
             "2J",
             0,
             "\xEF\xBF\xBD"
             "2J"); /* a control character of one code point */
    clean_is("a\xE2\x80\xAE"
             "b\xFF\xC3",
             0,
             "a\xEF\xBF\xBD"
             "b\xEF\xBF\xBD\xEF\xBF\xBD");
    clean_is("abcdef", 4, "abc\xE2\x80\xA6");
    clean_is("abcd", 4, "abcd");
    assert_int_equal(term_columns(SLICE_LIT("\xC2\xB0"
                                            "C")),
                     2);
}

int main(void)
{
    unsetenv("DOPPEL_SERVER");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_whole),
        cmocka_unit_test(mistakes_are_understood),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(validation_needs_no_server),
        cmocka_unit_test(settings_are_printed_as_a_file),
        cmocka_unit_test(the_pages_are_current),
        cmocka_unit_test(completions_have_every_option),
        cmocka_unit_test(the_handshake_is_that_of_the_standard),
        cmocka_unit_test(nobody_steers_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
