/* catalog_records.c - what the room access keeps. */
#include "store/catalog_internal.h"

#include "base/err.h"

int catalog_record_each(struct catalog *c, catalog_record_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_RECORDS);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW)
        err = fn(arg, sqlite3_column_int(s, 0), db_column(s, 1), db_column(s, 2));
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_record_put(struct catalog *c, int kind, struct slice id, struct slice doc)
{
    int err = catalog_change_begin(c);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_PUT_RECORD);
    if (s) {
        sqlite3_bind_int(s, 1, kind);
        db_bind_text(s, 2, id);
        db_bind_text(s, 3, doc);
    }
    return catalog_change_end(c, db_run(&c->writer, s));
}

int catalog_record_remove(struct catalog *c, int kind, struct slice id)
{
    int err = catalog_change_begin(c);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_REMOVE_RECORD);
    if (s) {
        sqlite3_bind_int(s, 1, kind);
        db_bind_text(s, 2, id);
    }
    return catalog_change_end(c, db_run(&c->writer, s));
}
