/* Tests of the catalog, on real files. */
#include "store/catalog.h"

#include "base/err.h"
#include "base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static char dir[64];
static char path[96];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/catalog_test.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    return rmdir(dir);
}

static struct catalog *open_catalog(void)
{
    struct catalog *c = NULL;
    assert_int_equal(catalog_open(path, &c), 0);
    return c;
}

static struct catalog_twin make_twin(const char *id, const struct catalog_series *series, size_t n)
{
    return (struct catalog_twin){
        .id = slice_str(id),
        .profile = SLICE_LIT("{\"name\":\"J\xc3\xbcrgen\"}"),
        .findings = SLICE_LIT("[]"),
        .view = SLICE_LIT("view"),
        .sensors = SLICE_LIT("sensors"),
        .version = 1,
        .created_us = 1700000000000001,
        .modified_us = -5,
        .demo = true,
        .series = series,
        .series_n = n,
    };
}

struct seen {
    char text[512];
    int stop_after, n;
};

static int note_twin(void *arg, const struct catalog_twin *t)
{
    struct seen *seen = arg;
    size_t at = strlen(seen->text);
    at += (size_t)snprintf(seen->text + at, sizeof seen->text - at, "%.*s@%llu%s(",
                           SLICE_ARG(t->id), (unsigned long long)t->version, t->demo ? "*" : "");
    for (size_t i = 0; i < t->series_n; i++)
        at += (size_t)snprintf(seen->text + at, sizeof seen->text - at, "%s%u:%.*s:%d%s",
                               i ? "," : "", t->series[i].series, SLICE_ARG(t->series[i].sensor),
                               t->series[i].kind, t->series[i].retired ? "-" : "");
    snprintf(seen->text + at, sizeof seen->text - at, ")");
    return ++seen->n == seen->stop_after ? 7 : 0;
}

static void assert_content(struct catalog *c, const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(catalog_each(c, note_twin, &seen), 0);
    assert_string_equal(seen.text, expected);
}

static void twins_and_series_come_back(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    assert_content(c, "");
    assert_int_equal(catalog_last_series(c), 0);
    struct catalog_series s1[] = {{1, SLICE_LIT("temp"), VALUE_DOUBLE, false},
                                  {2, SLICE_LIT("on"), VALUE_BOOL, false}};
    struct catalog_series s2[] = {{3, SLICE_LIT("temp"), VALUE_NONE, false}};
    struct catalog_twin robot = make_twin("robot", s1, 2), arm = make_twin("Arm:1", s2, 1);
    assert_int_equal(catalog_put(c, &robot), 0);
    assert_int_equal(catalog_put(c, &arm), 0);
    assert_content(c, "Arm:1@1*(3:temp:0)robot@1*(1:temp:1,2:on:3)");

    s1[0] = s1[1];
    s1[0].retired = true;
    s1[1] = (struct catalog_series){4000000000u, SLICE_LIT("speed"), VALUE_INT, false};
    robot.version = 2;
    robot.demo = false;
    assert_int_equal(catalog_put(c, &robot), 0);
    const char *expected = "Arm:1@1*(3:temp:0)robot@2(2:on:3-,4000000000:speed:2)";
    assert_content(c, expected);
    struct seen seen = {.stop_after = 1};
    assert_int_equal(catalog_each(c, note_twin, &seen), 7);
    catalog_close(c);

    c = open_catalog();
    assert_content(c, expected);
    struct arena *a = arena_new();
    struct catalog_twin got;
    assert_int_equal(catalog_get(c, SLICE_LIT("Arm:1"), a, &got), 0);
    assert_true(slice_eq(got.profile, arm.profile));
    assert_true(slice_is(got.findings, "[]"));
    assert_int_equal(got.created_us, 1700000000000001);
    assert_int_equal(got.modified_us, -5);
    assert_true(slice_is(got.view, "view") && slice_is(got.sensors, "sensors"));
    assert_int_equal(got.series_n, 1);
    assert_true(slice_is(got.series[0].sensor, "temp"));
    assert_int_equal(got.series[0].series, 3);
    assert_int_equal(catalog_get(c, SLICE_LIT("arm:1"), a, &got), ERR_NOT_FOUND);
    arena_free(a);
    catalog_close(c);
}

static void a_series_number_is_never_given_twice(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    struct catalog_series one = {7, SLICE_LIT("a"), 0, false};
    struct catalog_twin t = make_twin("t", &one, 1);
    assert_int_equal(catalog_put(c, &t), 0);
    assert_content(c, "t@1*(7:a:0)");
    assert_int_equal(catalog_remove(c, SLICE_LIT("t")), 0);
    assert_int_equal(catalog_remove(c, SLICE_LIT("t")), ERR_NOT_FOUND);
    assert_content(c, "");
    assert_int_equal(catalog_last_series(c), 7);
    catalog_close(c);
    c = open_catalog();
    assert_int_equal(catalog_last_series(c), 7);
    one.series = 3; /* a lower number moves nothing */
    assert_int_equal(catalog_put(c, &t), 0);
    assert_int_equal(catalog_last_series(c), 7);
    catalog_close(c);
}

static int64_t ask(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return answer;
}

static void put_with_sensors(struct catalog *c, const char *id, const char *sensors)
{
    struct catalog_twin t = make_twin(id, NULL, 0);
    t.sensors = slice_str(sensors);
    assert_int_equal(catalog_put(c, &t), 0);
}

static void twins_with_the_same_sensors_share_a_layout(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    put_with_sensors(c, "a", "one");
    put_with_sensors(c, "b", "one");
    put_with_sensors(c, "c", "two");
    assert_int_equal(ask("SELECT count(*) FROM layout"), 2);
    assert_int_equal(ask("SELECT twins FROM layout WHERE sensors=CAST('one' AS BLOB)"), 2);
    put_with_sensors(c, "c", "one");
    assert_int_equal(ask("SELECT count(*) FROM layout"), 1);
    put_with_sensors(c, "a", "three");
    assert_int_equal(ask("SELECT twins FROM layout WHERE sensors=CAST('one' AS BLOB)"), 2);
    assert_int_equal(catalog_remove(c, SLICE_LIT("b")), 0);
    assert_int_equal(catalog_remove(c, SLICE_LIT("c")), 0);
    assert_int_equal(ask("SELECT count(*) FROM layout"), 1);
    assert_int_equal(ask("SELECT count(*) FROM document"), 1);
    catalog_close(c);
}

static void a_batch_is_one_transaction_and_each_part_fails_alone(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    struct arena *a = arena_new();
    struct catalog_series one = {1, SLICE_LIT("a"), 0, false};
    struct catalog_twin t = make_twin("t", &one, 1), u = make_twin("u", NULL, 0), got;
    assert_int_equal(catalog_begin(c), 0);
    assert_int_equal(catalog_put(c, &t), 0);
    assert_int_equal(catalog_remove(c, SLICE_LIT("nobody")), ERR_NOT_FOUND);
    assert_int_equal(catalog_put(c, &u), 0);
    assert_int_equal(catalog_get_latest(c, SLICE_LIT("t"), a, &got), 0);
    assert_int_equal(catalog_get(c, SLICE_LIT("t"), a, &got), ERR_NOT_FOUND);
    assert_int_equal(catalog_commit(c), 0);
    assert_int_equal(catalog_get(c, SLICE_LIT("t"), a, &got), 0);
    assert_content(c, "t@1*(1:a:0)u@1*()");
    arena_free(a);
    catalog_close(c);
}

/* A file as version 1 left it: its twins are there, their series too; written again, they are as
 * any other. */
static void an_older_file_is_taken_over(void **state)
{
    (void)state;
    sqlite3 *db;
    static const char *const old =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE twin(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT "
        "NULL, created_us INTEGER NOT NULL, modified_us INTEGER NOT NULL, demo INTEGER NOT NULL,"
        " profile TEXT NOT NULL, findings TEXT NOT NULL);"
        "CREATE TABLE series(series INTEGER PRIMARY KEY, twin TEXT NOT NULL, sensor TEXT NOT NULL,"
        " kind INTEGER NOT NULL, retired INTEGER NOT NULL);"
        "CREATE INDEX series_twin ON series(twin);"
        "INSERT INTO meta VALUES('catalog.last_series', CAST('9' AS BLOB));"
        "INSERT INTO twin VALUES(1,'z',3,4,5,0,'{\"a\":1}','[]'),(2,'b',1,2,3,1,'{}','');"
        "INSERT INTO series VALUES(5,'z','temp',1,0),(2,'z','old',3,1),(7,'b','x',0,0);"
        "PRAGMA application_id=1146118961; PRAGMA user_version=1;";
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, old, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct catalog *c = open_catalog();
    struct arena *a = arena_new();
    struct catalog_twin t;
    const char *expected = "b@1*(7:x:0)z@3(2:old:3-,5:temp:1)";
    assert_content(c, expected);
    assert_int_equal(catalog_last_series(c), 9);
    assert_int_equal(catalog_get(c, SLICE_LIT("z"), a, &t), 0);
    assert_true(slice_is(t.profile, "{\"a\":1}"));
    assert_int_equal(t.view.n, 0);
    t.view = SLICE_LIT("view");
    t.sensors = SLICE_LIT("sensors");
    assert_int_equal(catalog_put(c, &t), 0);
    assert_content(c, expected);
    assert_int_equal(ask("SELECT count(*) FROM series"), 1);
    assert_int_equal(catalog_remove(c, SLICE_LIT("b")), 0);
    assert_int_equal(ask("SELECT count(*) FROM series"), 0);
    assert_content(c, "z@3(2:old:3-,5:temp:1)");
    arena_free(a);
    catalog_close(c);
}

static void facts_are_kept(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    struct arena *a = arena_new();
    struct slice v;
    assert_int_equal(catalog_meta_get(c, "id", a, &v), ERR_NOT_FOUND);
    assert_int_equal(catalog_meta_set(c, "id", slice_of("a\0b", 3)), 0);
    assert_int_equal(catalog_meta_set(c, "empty", slice_str("")), 0);
    catalog_close(c);
    c = open_catalog();
    assert_int_equal(catalog_meta_get(c, "id", a, &v), 0);
    assert_true(slice_eq(v, slice_of("a\0b", 3)));
    assert_int_equal(catalog_meta_get(c, "empty", a, &v), 0);
    assert_int_equal(v.n, 0);
    arena_free(a);
    catalog_close(c);
}

static void change_version(int version)
{
    sqlite3 *db;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", version);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_newer_file_is_left_alone(void **state)
{
    (void)state;
    catalog_close(open_catalog());
    change_version(99);
    struct catalog *c = NULL;
    assert_int_equal(catalog_open(path, &c), ERR_UNSUPPORTED);
    assert_null(c);
    change_version(4);
    catalog_close(open_catalog());
}

static void execute(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* One letter of a profile, still JSON, still of the same length: only the checksum tells. */
static void a_document_with_a_flipped_bit_is_not_served(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct catalog *c = open_catalog();
    struct catalog_twin t = {.id = SLICE_LIT("t"),
                             .profile = SLICE_LIT("{\"name\":\"Pump\"}"),
                             .findings = SLICE_LIT("[]"),
                             .version = 1},
                        got;
    assert_int_equal(catalog_put(c, &t), 0);
    assert_int_equal(catalog_get(c, SLICE_LIT("t"), a, &got), 0);
    catalog_close(c);
    execute("UPDATE document SET profile=replace(profile, 'Pump', 'Pumq')");
    c = open_catalog();
    assert_int_equal(catalog_get(c, SLICE_LIT("t"), a, &got), ERR_CORRUPT);
    assert_int_equal(catalog_put(c, &t), 0); /* written anew it is well */
    assert_int_equal(catalog_get(c, SLICE_LIT("t"), a, &got), 0);
    catalog_close(c);
    execute("UPDATE document SET crc=NULL"); /* as version 2 had it */
    c = open_catalog();
    assert_int_equal(catalog_get(c, SLICE_LIT("t"), a, &got), 0);
    catalog_close(c);
    arena_free(a);
}

static void write_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void strange_files_are_refused(void **state)
{
    (void)state;
    static char junk[8192];
    struct catalog *c = NULL;
    memset(junk, 'x', sizeof junk);
    write_file(junk, sizeof junk);
    assert_int_equal(catalog_open(path, &c), ERR_CORRUPT);
    unlink(path);

    sqlite3 *db; /* somebody else's database */
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE mine(a)", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(catalog_open(path, &c), ERR_CORRUPT);
    unlink(path);

    assert_int_equal(catalog_open("/tmp/no/such/folder/catalog.db", &c), ERR_IO);
    assert_null(c);
}

/* Bytes in the middle are overwritten: an error, never a crash or a wrong answer taken as right. */
static void a_damaged_file_answers_corrupt(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    for (int i = 0; i < 200; i++) {
        char id[32];
        snprintf(id, sizeof id, "twin-%03d", i);
        struct catalog_series one = {(uint32_t)i + 1, SLICE_LIT("a"), 1, false};
        struct catalog_twin t = make_twin(id, &one, 1);
        assert_int_equal(catalog_put(c, &t), 0);
    }
    catalog_close(c);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    static char junk[4096 * 4];
    memset(junk, 0xa5, sizeof junk);
    fseek(f, 4096 * 3, SEEK_SET);
    fwrite(junk, 1, sizeof junk, f);
    fclose(f);
    int err = catalog_open(path, &c);
    if (!err) {
        struct seen seen = {.stop_after = 0};
        struct catalog_twin t = make_twin("twin-100", NULL, 0);
        struct arena *a = arena_new();
        err = catalog_get(c, t.id, a, &t);
        arena_free(a);
        if (!err)
            err = catalog_each(c, note_twin, &seen);
        catalog_close(c);
    }
    assert_int_equal(err, ERR_CORRUPT);
}

static void *read_often(void *arg)
{
    struct arena *a = arena_new();
    intptr_t bad = 0;
    for (int i = 0; i < 200; i++) {
        struct catalog_twin t;
        arena_reset(a);
        bad += catalog_get(arg, SLICE_LIT("t"), a, &t) != 0;
        bad += catalog_last_series(arg) < 1;
    }
    arena_free(a);
    return (void *)bad; /* NOLINT */
}

static void any_thread_reads_while_one_writes(void **state)
{
    (void)state;
    struct catalog *c = open_catalog();
    struct catalog_series one = {1, SLICE_LIT("a"), 0, false};
    struct catalog_twin t = make_twin("t", &one, 1);
    assert_int_equal(catalog_put(c, &t), 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, c), 0);
    for (int i = 0; i < 50; i++) {
        t.version++;
        assert_int_equal(catalog_put(c, &t), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    catalog_close(c);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(twins_and_series_come_back),
        TEST(a_series_number_is_never_given_twice),
        TEST(twins_with_the_same_sensors_share_a_layout),
        TEST(a_batch_is_one_transaction_and_each_part_fails_alone),
        TEST(an_older_file_is_taken_over),
        TEST(facts_are_kept),
        TEST(a_newer_file_is_left_alone),
        TEST(a_document_with_a_flipped_bit_is_not_served),
        TEST(strange_files_are_refused),
        TEST(a_damaged_file_answers_corrupt),
        TEST(any_thread_reads_while_one_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
