/* Tables of catalog.db, version 1:
 *
 *   twin(id, profile, findings, version, created_us, modified_us, demo)   one row a twin
 *   series(series, twin, sensor, kind, retired)                           one row a sensor's series
 *   meta(name, value)   small facts; "catalog.last_series" is the highest number ever given, which
 * only rises, in the same transaction that gives a number
 *
 * Ids compare as bytes (BINARY), so that the order of catalog_each() is that of memcmp(). */
#include "store/catalog.h"

#include "base/err.h"
#include "store/db.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE twin(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL, modified_us INTEGER NOT NULL, demo INTEGER NOT NULL,"
    "  profile TEXT NOT NULL, findings TEXT NOT NULL);"
    "CREATE TABLE series(series INTEGER PRIMARY KEY, twin TEXT NOT NULL, sensor TEXT NOT NULL,"
    "  kind INTEGER NOT NULL, retired INTEGER NOT NULL);"
    "CREATE INDEX series_twin ON series(twin);",
};

enum {
    SQL_TWINS,
    SQL_TWIN,
    SQL_SERIES_OF,
    SQL_PUT_TWIN,
    SQL_CLEAR_SERIES,
    SQL_PUT_SERIES,
    SQL_REMOVE_TWIN,
    SQL_SET_KIND,
    SQL_META_GET,
    SQL_META_SET,
    SQL_HIGHEST_SERIES,
    SQL_COUNT
};

static const char *const sql[SQL_COUNT] = {
    [SQL_TWINS] = "SELECT id, profile, findings, version, created_us, modified_us, demo FROM twin"
                  " ORDER BY id",
    [SQL_TWIN] = "SELECT id, profile, findings, version, created_us, modified_us, demo FROM twin"
                 " WHERE id=?",
    [SQL_SERIES_OF] = "SELECT series, sensor, kind, retired FROM series WHERE twin=?"
                      " ORDER BY series",
    [SQL_PUT_TWIN] =
        "INSERT INTO twin(id, profile, findings, version, created_us, modified_us, demo)"
        " VALUES(?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET profile=excluded.profile,"
        " findings=excluded.findings, version=excluded.version, created_us=excluded.created_us,"
        " modified_us=excluded.modified_us, demo=excluded.demo",
    [SQL_CLEAR_SERIES] = "DELETE FROM series WHERE twin=?",
    [SQL_PUT_SERIES] = "INSERT INTO series(series, twin, sensor, kind, retired) VALUES(?,?,?,?,?)",
    [SQL_REMOVE_TWIN] = "DELETE FROM twin WHERE id=?",
    [SQL_SET_KIND] = "UPDATE series SET kind=? WHERE series=?",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name=?",
    [SQL_META_SET] = "INSERT INTO meta(name, value) VALUES(?,?)"
                     " ON CONFLICT(name) DO UPDATE SET value=excluded.value",
    [SQL_HIGHEST_SERIES] = "SELECT max(ifnull((SELECT max(series) FROM series), 0),"
                           " ifnull((SELECT CAST(value AS INTEGER) FROM meta"
                           " WHERE name='catalog.last_series'), 0))",
};

static const struct db_kind kind = {
    .room = "catalog",
    .what = "catalog",
    .application_id = 0x44506331, /* "DPc1" */
    .version = sizeof steps / sizeof steps[0],
    .steps = steps,
    .page_bytes = 4096,
    .write_cache_kib = 2048,
    .read_cache_kib = 512,
    .sql = sql,
    .sql_n = SQL_COUNT,
};

enum { READERS = 2 };

struct catalog {
    struct db writer;
    struct db_pool *readers;
    _Atomic uint32_t last_series;
};

int catalog_open(const char *path, struct catalog **ret)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    int err = db_open(&c->writer, path, &kind);
    if (err) {
        free(c);
        return err;
    }
    err = db_pool_new(path, &kind, READERS, &c->readers);
    if (err)
        goto fail;
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_HIGHEST_SERIES);
    if (!s || sqlite3_step(s) != SQLITE_ROW) {
        err = db_error(&c->writer);
        goto fail;
    }
    atomic_init(&c->last_series, (uint32_t)sqlite3_column_int64(s, 0));
    sqlite3_reset(s);
    *ret = c;
    return 0;
fail:
    catalog_close(c);
    return err;
}

void catalog_close(struct catalog *c)
{
    if (!c)
        return;
    db_pool_free(c->readers);
    db_close(&c->writer);
    free(c);
}

static void read_twin(sqlite3_stmt *s, struct catalog_twin *t)
{
    *t = (struct catalog_twin){
        .id = db_column(s, 0),
        .profile = db_column(s, 1),
        .findings = db_column(s, 2),
        .version = (uint64_t)sqlite3_column_int64(s, 3),
        .created_us = sqlite3_column_int64(s, 4),
        .modified_us = sqlite3_column_int64(s, 5),
        .demo = sqlite3_column_int(s, 6) != 0,
    };
}

/* The series of a twin, in the arena. */
static int read_series(struct db *db, struct arena *a, struct catalog_twin *t)
{
    struct catalog_series *list = NULL;
    size_t n = 0, cap = 0;
    sqlite3_stmt *s = db_stmt(db, SQL_SERIES_OF);
    if (!s)
        return db_error(db);
    db_bind_text(s, 1, t->id);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (n == cap) {
            cap = cap ? 2 * cap : 16;
            struct catalog_series *more = arena_alloc(a, cap * sizeof *more);
            if (!more)
                return ERR_NOMEM;
            if (n)
                memcpy(more, list, n * sizeof *more);
            list = more;
        }
        list[n] = (struct catalog_series){
            .series = (uint32_t)sqlite3_column_int64(s, 0),
            .sensor = arena_dup(a, db_column(s, 1)),
            .kind = (uint8_t)sqlite3_column_int(s, 2),
            .retired = sqlite3_column_int(s, 3) != 0,
        };
        if (!list[n++].sensor.p)
            return ERR_NOMEM;
    }
    sqlite3_reset(s);
    t->series = list;
    t->series_n = n;
    return db_map_error(code);
}

int catalog_each(struct catalog *c, int (*fn)(void *arg, const struct catalog_twin *t), void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    struct arena *a = arena_new();
    if (!a)
        err = ERR_NOMEM;
    if (!err)
        err = db_exec(db, "BEGIN");
    sqlite3_stmt *s = err ? NULL : db_stmt(db, SQL_TWINS);
    if (!s && !err)
        err = db_error(db);
    int code = SQLITE_DONE;
    while (!err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct catalog_twin t;
        arena_reset(a);
        read_twin(s, &t);
        err = read_series(db, a, &t);
        if (!err)
            err = fn(arg, &t);
    }
    if (!err)
        err = db_map_error(code);
    arena_free(a);
    db_pool_give(c->readers, db);
    return err;
}

static int put_series(struct catalog *c, const struct catalog_twin *t, uint32_t *highest)
{
    struct db *db = &c->writer;
    sqlite3_stmt *s = db_stmt(db, SQL_CLEAR_SERIES);
    if (s)
        db_bind_text(s, 1, t->id);
    int err = db_run(db, s);
    for (size_t i = 0; !err && i < t->series_n; i++) {
        const struct catalog_series *one = &t->series[i];
        s = db_stmt(db, SQL_PUT_SERIES);
        if (s) {
            sqlite3_bind_int64(s, 1, one->series);
            db_bind_text(s, 2, t->id);
            db_bind_text(s, 3, one->sensor);
            sqlite3_bind_int(s, 4, one->kind);
            sqlite3_bind_int(s, 5, one->retired);
        }
        err = db_run(db, s);
        if (one->series > *highest)
            *highest = one->series;
    }
    return err;
}

static int meta_set(struct catalog *c, const char *name, struct slice value)
{
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_META_SET);
    if (s) {
        db_bind_text(s, 1, slice_str(name));
        db_bind_blob(s, 2, value);
    }
    return db_run(&c->writer, s);
}

int catalog_put(struct catalog *c, const struct catalog_twin *t)
{
    struct db *db = &c->writer;
    uint32_t known = atomic_load(&c->last_series), highest = known;
    int err = db_begin(db);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_PUT_TWIN);
    if (s) {
        db_bind_text(s, 1, t->id);
        db_bind_text(s, 2, t->profile);
        db_bind_text(s, 3, t->findings);
        sqlite3_bind_int64(s, 4, (int64_t)t->version);
        sqlite3_bind_int64(s, 5, t->created_us);
        sqlite3_bind_int64(s, 6, t->modified_us);
        sqlite3_bind_int(s, 7, t->demo);
    }
    err = db_run(db, s);
    if (!err)
        err = put_series(c, t, &highest);
    if (!err && highest > known) {
        char text[16];
        int n = snprintf(text, sizeof text, "%u", highest);
        err = meta_set(c, "catalog.last_series", slice_of(text, (size_t)n));
    }
    if (!err)
        err = db_commit(db);
    else
        db_rollback(db);
    if (!err)
        atomic_store(&c->last_series, highest);
    return err;
}

int catalog_remove(struct catalog *c, struct slice id)
{
    struct db *db = &c->writer;
    int err = db_begin(db);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_REMOVE_TWIN);
    if (s)
        db_bind_text(s, 1, id);
    err = db_run(db, s);
    if (!err && sqlite3_changes(db->handle) == 0)
        err = ERR_NOT_FOUND;
    if (!err) {
        s = db_stmt(db, SQL_CLEAR_SERIES);
        if (s)
            db_bind_text(s, 1, id);
        err = db_run(db, s);
    }
    if (!err)
        return db_commit(db);
    db_rollback(db);
    return err;
}

int catalog_set_kind(struct catalog *c, uint32_t series, uint8_t value_kind)
{
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_SET_KIND);
    if (s) {
        sqlite3_bind_int(s, 1, value_kind);
        sqlite3_bind_int64(s, 2, series);
    }
    int err = db_run(&c->writer, s);
    if (!err && sqlite3_changes(c->writer.handle) == 0)
        err = ERR_NOT_FOUND;
    return err;
}

int catalog_get(struct catalog *c, struct slice id, struct arena *a, struct catalog_twin *ret)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_TWIN);
    if (s)
        db_bind_text(s, 1, id);
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    if (code == SQLITE_ROW) {
        struct catalog_twin t;
        read_twin(s, &t);
        t.id = arena_dup(a, t.id);
        t.profile = arena_dup(a, t.profile);
        t.findings = arena_dup(a, t.findings);
        if (t.id.p && t.profile.p && t.findings.p)
            *ret = t;
        else
            err = ERR_NOMEM;
    } else {
        err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db);
    }
    db_pool_give(c->readers, db);
    return err;
}

uint32_t catalog_last_series(struct catalog *c)
{
    return atomic_load(&c->last_series);
}

int catalog_series_of(struct catalog *c, struct slice id, struct arena *a,
                      struct catalog_series **ret, size_t *ret_n)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    struct catalog_twin t = {.id = id};
    err = read_series(db, a, &t);
    db_pool_give(c->readers, db);
    if (err)
        return err;
    *ret = (struct catalog_series *)(uintptr_t)t.series;
    *ret_n = t.series_n;
    return 0;
}

int catalog_meta_get(struct catalog *c, const char *name, struct arena *a, struct slice *ret)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_META_GET);
    if (s)
        db_bind_text(s, 1, slice_str(name));
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    if (code == SQLITE_ROW) {
        struct slice value = arena_dup(a, db_column(s, 0));
        if (value.p)
            *ret = value;
        else
            err = ERR_NOMEM;
    } else {
        err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db);
    }
    db_pool_give(c->readers, db);
    return err;
}

int catalog_meta_set(struct catalog *c, const char *name, struct slice value)
{
    return meta_set(c, name, value);
}
