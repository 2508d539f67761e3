/* The table:
 *
 *   version   kind, id, n, at_us, gone, who_kind, who, reason, body, until_us
 *
 * until_us is when the next version took its place; NULL: it is the newest. */
#include "store/versions.h"

#include "base/err.h"
#include "store/catalog_internal.h"

enum {
    SQL_LAST,
    SQL_KEEP,
    SQL_ADD,
    SQL_LIST,
    SQL_GET,
    SQL_AT,
    SQL_EACH_AT,
    SQL_EXPIRE,
    SQL_VERSIONS_COUNT
};

#define COLUMNS "n, at_us, gone, who_kind, who, reason"

static const char *const sql[SQL_VERSIONS_COUNT] = {
    [SQL_LAST] = "SELECT n, gone FROM version WHERE kind=? AND id=? ORDER BY n DESC LIMIT 1",
    [SQL_KEEP] = "UPDATE version SET until_us=?4, body=?5 WHERE kind=?1 AND id=?2 AND n=?3",
    [SQL_ADD] = "INSERT INTO version(kind, id, " COLUMNS ") VALUES(?,?,?,?,?,?,?,?)",
    [SQL_LIST] = ("SELECT " COLUMNS ", NULL FROM version WHERE kind=? AND id=? AND n<?"
                  " ORDER BY n DESC LIMIT ?"),
    [SQL_GET] = "SELECT " COLUMNS ", body FROM version WHERE kind=? AND id=? AND n=?",
    [SQL_AT] = ("SELECT " COLUMNS ", body FROM version WHERE kind=? AND id=? AND at_us<=?"
                " ORDER BY n DESC LIMIT 1"),
    /* an id has but one that holds at a time */
    [SQL_EACH_AT] = ("SELECT " COLUMNS ", body, id FROM version WHERE kind=?1 AND id>?2 AND id<?3"
                     " AND at_us<=?4 AND (until_us IS NULL OR until_us>?4) AND NOT gone"
                     " ORDER BY id LIMIT ?5"),
    [SQL_EXPIRE] = ("DELETE FROM version WHERE (kind, id, n) IN (SELECT kind, id, n FROM version"
                    " WHERE until_us<?1 OR (gone AND at_us<?1 AND until_us IS NULL) LIMIT ?2)"),
};

const struct db_part versions_part = {
    .schema = "CREATE TABLE IF NOT EXISTS version(kind INTEGER NOT NULL, id TEXT NOT NULL,"
              "  n INTEGER NOT NULL, at_us INTEGER NOT NULL, gone INTEGER NOT NULL,"
              "  who_kind TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, body TEXT,"
              "  until_us INTEGER, PRIMARY KEY(kind, id, n)) WITHOUT ROWID;"
              "CREATE INDEX IF NOT EXISTS version_until ON version(until_us)"
              "  WHERE until_us IS NOT NULL;"
              "CREATE INDEX IF NOT EXISTS version_gone ON version(at_us) WHERE gone;",
    .sql = sql,
    .sql_n = SQL_VERSIONS_COUNT,
};

static sqlite3_stmt *prepare(struct db *db, int i, enum version_kind kind, struct slice id)
{
    sqlite3_stmt *s = db_part_stmt(db, &versions_part, i);
    if (s) {
        sqlite3_bind_int(s, 1, (int)kind);
        db_bind_text(s, 2, id);
    }
    return s;
}

static int add_row(struct db *db, enum version_kind kind, struct slice id, const struct version *v)
{
    sqlite3_stmt *s = prepare(db, SQL_ADD, kind, id);
    if (s) {
        sqlite3_bind_int64(s, 3, (int64_t)v->n);
        sqlite3_bind_int64(s, 4, v->at_us);
        sqlite3_bind_int(s, 5, v->gone);
        db_bind_text(s, 6, v->who_kind);
        db_bind_text(s, 7, v->who);
        db_bind_text(s, 8, v->reason);
    }
    return db_run(db, s);
}

/* The newest has been replaced: from now on it needs its text. */
static int keep_row(struct db *db, enum version_kind kind, struct slice id, uint64_t n,
                    struct slice body, int64_t until_us)
{
    sqlite3_stmt *s = prepare(db, SQL_KEEP, kind, id);
    if (s) {
        sqlite3_bind_int64(s, 3, (int64_t)n);
        sqlite3_bind_int64(s, 4, until_us);
        if (body.n)
            db_bind_text(s, 5, body);
        else
            sqlite3_bind_null(s, 5);
    }
    return db_run(db, s);
}

static int last_row(struct db *db, enum version_kind kind, struct slice id, uint64_t *ret_n)
{
    sqlite3_stmt *s = prepare(db, SQL_LAST, kind, id);
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    *ret_n = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    int err = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : db_error(db);
    if (s)
        sqlite3_reset(s);
    return err;
}

int catalog_version_add(struct catalog *c, enum version_kind kind, struct slice id,
                        struct slice before, int64_t before_at_us, struct version *v)
{
    struct db *db = &c->writer;
    uint64_t last;
    int err = catalog_change_begin(c);
    if (err)
        return err;
    err = last_row(db, kind, id, &last);
    if (!err && !last && before.n) { /* it is older than versions are */
        err = add_row(db, kind, id, &(struct version){.n = 1, .at_us = before_at_us});
        last = 1;
    }
    if (!err && last)
        err = keep_row(db, kind, id, last, before, v->at_us);
    v->n = last + 1;
    if (!err)
        err = add_row(db, kind, id, v);
    return catalog_change_end(c, err);
}

/* ---- reading ---- */

static void read_row(sqlite3_stmt *s, struct version *v)
{
    bool none = sqlite3_column_type(s, 6) == SQLITE_NULL;
    *v = (struct version){.n = (uint64_t)sqlite3_column_int64(s, 0),
                          .at_us = sqlite3_column_int64(s, 1),
                          .gone = sqlite3_column_int(s, 2),
                          .who_kind = db_column(s, 3),
                          .who = db_column(s, 4),
                          .reason = db_column(s, 5),
                          .body = none ? (struct slice){0} : db_column(s, 6)};
}

static int end_of(struct db *db, sqlite3_stmt *s, int code, int err)
{
    if (!err && code != SQLITE_DONE && code != SQLITE_ROW)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    return err;
}

int catalog_versions(struct catalog *c, enum version_kind kind, struct slice id, uint64_t before,
                     size_t limit, version_fn *fn, void *arg)
{
    struct db *db;
    struct version v;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = prepare(db, SQL_LIST, kind, id);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    if (s) {
        sqlite3_bind_int64(s, 3, before && before < INT64_MAX ? (int64_t)before : INT64_MAX);
        sqlite3_bind_int64(s, 4, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    }
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        read_row(s, &v);
        err = fn(arg, &v);
    }
    err = end_of(db, s, code, err);
    db_pool_give(c->readers, db);
    return err;
}

static int keep(struct arena *a, struct slice *s)
{
    if (s->p)
        *s = arena_dup(a, *s);
    return s->p ? 0 : ERR_NOMEM;
}

int catalog_version_get(struct catalog *c, enum version_kind kind, struct slice id, uint64_t n,
                        int64_t at_us, struct arena *a, struct version *ret)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = prepare(db, n ? SQL_GET : SQL_AT, kind, id);
    if (s)
        sqlite3_bind_int64(s, 3, n ? (int64_t)n : at_us);
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    if (code == SQLITE_ROW) {
        read_row(s, ret);
        err = keep(a, &ret->who_kind) || keep(a, &ret->who) || keep(a, &ret->reason) ||
                      (ret->body.p && keep(a, &ret->body))
                  ? ERR_NOMEM
                  : 0;
    } else if (code == SQLITE_DONE) {
        err = ERR_NOT_FOUND;
    }
    err = end_of(db, s, code, err);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_versions_at(struct catalog *c, enum version_kind kind, struct slice prefix,
                        struct slice after, int64_t at_us, size_t limit, version_each_fn *fn,
                        void *arg)
{
    struct db *db;
    struct version v;
    struct buf end = {0};
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    buf_add_slice(&end, prefix);
    buf_add_byte(&end, 0xff); /* no id has that byte */
    sqlite3_stmt *s = end.failed ? NULL : db_part_stmt(db, &versions_part, SQL_EACH_AT);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    if (s) {
        sqlite3_bind_int(s, 1, (int)kind);
        db_bind_text(s, 2, after.n ? after : prefix);
        db_bind_text(s, 3, buf_slice(&end));
        sqlite3_bind_int64(s, 4, at_us);
        sqlite3_bind_int64(s, 5, limit < INT64_MAX ? (int64_t)limit : INT64_MAX);
    }
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        read_row(s, &v);
        err = fn(arg, db_column(s, 7), &v);
    }
    err = end_of(db, s, code, err);
    buf_release(&end);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_versions_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n)
{
    *ret_n = 0;
    int err = catalog_change_begin(c);
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(&c->writer, &versions_part, SQL_EXPIRE);
    if (s) {
        sqlite3_bind_int64(s, 1, before_us);
        sqlite3_bind_int64(s, 2, (int64_t)most);
    }
    err = db_run(&c->writer, s);
    if (!err)
        *ret_n = (size_t)sqlite3_changes(c->writer.handle);
    return catalog_change_end(c, err);
}
