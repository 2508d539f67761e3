/* Table: cause(org, signature, alarm, cause, confirmed, at_us, who, comment). */
#include "store/causes.h"

#include "base/err.h"
#include "store/catalog_internal.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS cause(org TEXT NOT NULL, signature TEXT NOT NULL,"
    "  alarm INTEGER NOT NULL, cause TEXT NOT NULL, confirmed INTEGER NOT NULL,"
    "  at_us INTEGER NOT NULL, who TEXT NOT NULL, comment TEXT NOT NULL,"
    "  PRIMARY KEY(org, alarm, cause)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cause_like ON cause(org, signature, at_us);";

enum sql { LIST, PUT, SQL_N };

static const char *const statements[SQL_N] = {
    [LIST] = "SELECT alarm, cause, confirmed, at_us, who, comment FROM cause INDEXED BY cause_like"
             " WHERE org=?1 AND signature=?2 ORDER BY at_us DESC LIMIT ?3",
    [PUT] = "INSERT OR REPLACE INTO cause(org, signature, alarm, cause, confirmed, at_us, who,"
            " comment) VALUES(?,?,?,?,?,?,?,?)",
};

const struct db_part causes_part = {schema, statements, SQL_N};

static int walk(struct db *db, sqlite3_stmt *s, struct slice org, struct slice signature,
                cause_fn *fn, void *arg)
{
    int code = SQLITE_ROW, err = 0;
    while (!err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const struct cause_verdict v = {.alarm = sqlite3_column_int64(s, 0),
                                        .org = org,
                                        .signature = signature,
                                        .cause = db_column(s, 1),
                                        .confirmed = sqlite3_column_int(s, 2) != 0,
                                        .at_us = sqlite3_column_int64(s, 3),
                                        .who = db_column(s, 4),
                                        .comment = db_column(s, 5)};
        err = fn(arg, &v);
    }
    sqlite3_reset(s);
    return err || code == SQLITE_DONE ? err : db_error(db);
}

int catalog_cause_each(struct catalog *c, struct slice org, struct slice signature, size_t most,
                       cause_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(db, &causes_part, LIST);
    if (!s) {
        err = db_error(db);
    } else {
        db_bind_text(s, 1, org);
        db_bind_text(s, 2, signature);
        sqlite3_bind_int64(s, 3, (sqlite3_int64)most);
        err = walk(db, s, org, signature, fn, arg);
    }
    db_pool_give(c->readers, db);
    return err;
}

int catalog_cause_put(struct catalog *c, const struct cause_verdict *v)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &causes_part, PUT);
    if (!s)
        return db_error(&c->writer);
    db_bind_text(s, 1, v->org);
    db_bind_text(s, 2, v->signature);
    sqlite3_bind_int64(s, 3, v->alarm);
    db_bind_text(s, 4, v->cause);
    sqlite3_bind_int(s, 5, v->confirmed);
    sqlite3_bind_int64(s, 6, v->at_us);
    db_bind_text(s, 7, v->who);
    db_bind_text(s, 8, v->comment);
    return db_run(&c->writer, s);
}
