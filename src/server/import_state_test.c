/* Tests of what an import remembers. */
#include "server/import_state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/doppel-state-XXXXXX";
static char table[64], path[64];

static void write_text(const char *file, const char *text)
{
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct import_state identify(const char *mapping, const char *server)
{
    struct import_state s;
    int fd = open(table, O_RDONLY | O_CLOEXEC);
    assert_int_equal(import_state_identify(fd, slice_str(mapping), server, &s), 0);
    close(fd);
    return s;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    const char *why = "";
    write_text(table, "a,b\n1,2\n");
    struct import_state s = identify("map", "http://x");
    assert_int_equal(import_state_read(path, &s, &why), 0);
    assert_null(why);
    s.rows = UINT64_C(9007199254740993);
    s.accepted = 5;
    s.refused = 6;
    s.errors = 7;
    assert_int_equal(import_state_write(path, &s), 0);
    s = identify("map", "http://x");
    assert_int_equal(import_state_read(path, &s, &why), 1);
    assert_true(s.rows == UINT64_C(9007199254740993));
    assert_true(s.accepted == 5 && s.refused == 6 && s.errors == 7);
}

static void another_import_is_told(void **state)
{
    (void)state;
    const char *why = "";
    struct import_state s = identify("other", "http://x");
    assert_int_equal(import_state_read(path, &s, &why), 0);
    assert_string_equal(why, "the mapping was changed since");
    s = identify("map", "http://y");
    assert_int_equal(import_state_read(path, &s, &why), 0);
    assert_string_equal(why, "it went to another server");
    write_text(table, "a,b\n1,3\n");
    s = identify("map", "http://x");
    assert_int_equal(import_state_read(path, &s, &why), 0);
    assert_string_equal(why, "the table was changed since");
    write_text(path, "{\"rows\":");
    assert_int_equal(import_state_read(path, &s, &why), 0);
    assert_string_equal(why, "it cannot be read");
    assert_int_equal(s.rows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(another_import_is_told),
    };
    if (!mkdtemp(dir))
        return 1;
    snprintf(table, sizeof table, "%s/table.csv", dir);
    snprintf(path, sizeof path, "%s/table.csv.import", dir);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(table);
    unlink(path);
    rmdir(dir);
    return failed;
}
