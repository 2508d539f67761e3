/* Tests of the survey: every sealed text of a record is found, with its key and what it belongs to,
 * and those of twins are not looked at. */
#include "store/sealed.h"

#include "base/err.h"
#include "base/log.h"
#include "store/catalog.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/doppel-sealed-XXXXXX", path[64];

struct found {
    char text[512];
    int n;
};

static void on_found(void *arg, struct slice key, struct slice what)
{
    struct found *f = arg;
    size_t n = strlen(f->text);
    snprintf(f->text + n, sizeof f->text - n, "%.*s=%.*s;", SLICE_ARG(what), SLICE_ARG(key));
    f->n++;
}

static void run(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void all_are_found(void **state)
{
    (void)state;
    struct found f = {0};
    struct sealed_watch watch = {.found = on_found, .arg = &f};
    struct catalog *c;
    assert_int_equal(sealed_survey(dir, &watch), ERR_NOT_FOUND);
    assert_int_equal(catalog_open(path, &c), 0);
    const struct catalog_twin twin = {
        .id = SLICE_LIT("t"),
        .profile =
            SLICE_LIT("{\"identifier\":{\"value\":\"t\"},\"x\":\"sealed:v1:0123456789ab:A\"}"),
        .version = 1};
    assert_int_equal(catalog_put(c, &twin), 0);
    assert_int_equal(sealed_survey(dir, &watch), 0);
    assert_int_equal(f.n, 0);

    run("CREATE TABLE secret_things(kind TEXT, id TEXT, body BLOB);"
        "INSERT INTO secret_things VALUES('person', 'ada', "
        "CAST('{\"a\":\"sealed:v1:aaaaaaaaaaaa:x\","
        "\"b\":\"sealed:v1:bbbbbbbbbbbb:y\"}' AS BLOB));"
        "INSERT INTO secret_things VALUES('person', 'bob', 'nothing');"
        "INSERT INTO secret_things VALUES('person', 'cy', 'sealed:v1:nokey');"
        "CREATE TABLE \"odd \"\" name\"(n INTEGER, text TEXT);"
        "INSERT INTO \"odd \"\" name\" VALUES(1, 'sealed:v1:cccccccccccc:z');");
    assert_int_equal(sealed_survey(dir, &watch), 0);
    assert_string_equal(f.text, "person ada=aaaaaaaaaaaa;person ada=bbbbbbbbbbbb;"
                                "odd \" name=cccccccccccc;");
    catalog_close(c);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    struct found f = {0};
    struct sealed_watch watch = {.found = on_found, .arg = &f};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 10000; i++)
        fputs("no database", file);
    fclose(file);
    assert_int_equal(sealed_survey(dir, &watch), ERR_CORRUPT);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    log_set_level(LOG_ERROR + 1);
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_found),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char more[80];
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(more, sizeof more, "%s%s", path, ends[i]);
        unlink(more);
    }
    rmdir(dir);
    return failed;
}
