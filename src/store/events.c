/* Table: event(n, at_us, org, twin, kind, what); rows are only ever added, and expire from the
 * oldest. */
#include "store/events.h"

#include "base/err.h"
#include "store/catalog_internal.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS event(n INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL,"
    "  org TEXT NOT NULL, twin TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS event_at ON event(at_us, n);"
    "CREATE INDEX IF NOT EXISTS event_org ON event(org, at_us, n);"
    "CREATE INDEX IF NOT EXISTS event_twin ON event(twin, at_us, n);";

/* Newest first, from behind (?1, ?2), with ?3 <= at < ?4. */
#define LIST(index, where)                                                                         \
    "SELECT n, at_us, org, twin, kind, what FROM event INDEXED BY " index " WHERE " where          \
    "(at_us, n) < (?1, ?2) AND at_us>=?3 AND at_us<?4 ORDER BY at_us DESC, n DESC"

enum sql { LIST_ALL, LIST_ORG, LIST_TWIN, ADD, EXPIRE, SQL_N };

static const char *const statements[SQL_N] = {
    [LIST_ALL] = LIST("event_at", ""),
    [LIST_ORG] = LIST("event_org", "org=?5 AND "),
    [LIST_TWIN] = LIST("event_twin", "twin=?5 AND "),
    [ADD] = "INSERT INTO event(at_us, org, twin, kind, what) VALUES(?,?,?,?,?)",
    [EXPIRE] = ("DELETE FROM event WHERE n IN (SELECT n FROM event INDEXED BY event_at"
                " WHERE at_us<?1 ORDER BY at_us LIMIT ?2)"),
};

const struct db_part events_part = {schema, statements, SQL_N};

static bool is_kind(struct slice want, struct slice have)
{
    if (!want.p || slice_eq(want, have))
        return true;
    return slice_ends(want, ".") && have.n > want.n && memcmp(have.p, want.p, want.n) == 0;
}

static int walk(sqlite3_stmt *s, struct db *db, const struct event_query *q, event_fn *fn,
                void *arg)
{
    int code = SQLITE_ROW, err = 0;
    while (!err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const struct event e = {.n = sqlite3_column_int64(s, 0),
                                .at_us = sqlite3_column_int64(s, 1),
                                .org = db_column(s, 2),
                                .twin = db_column(s, 3),
                                .kind = db_column(s, 4),
                                .what = db_column(s, 5)};
        if ((!q->org.p || slice_eq(q->org, e.org)) && is_kind(q->kind, e.kind))
            err = fn(arg, &e);
    }
    return err || code == SQLITE_DONE ? err : db_error(db);
}

int catalog_event_each(struct catalog *c, const struct event_query *q, event_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    bool behind = q->before_us || q->before_n;
    sqlite3_stmt *s = db_part_stmt(db, &events_part,
                                   q->twin.p  ? LIST_TWIN
                                   : q->org.p ? LIST_ORG
                                              : LIST_ALL);
    if (s) {
        sqlite3_bind_int64(s, 1, behind ? q->before_us : INT64_MAX);
        sqlite3_bind_int64(s, 2, behind ? q->before_n : INT64_MAX);
        sqlite3_bind_int64(s, 3, q->from_us ? q->from_us : INT64_MIN);
        sqlite3_bind_int64(s, 4, q->to_us ? q->to_us : INT64_MAX);
        if (q->twin.p || q->org.p)
            db_bind_text(s, 5, q->twin.p ? q->twin : q->org);
        err = walk(s, db, q, fn, arg);
        sqlite3_reset(s);
    } else {
        err = db_error(db);
    }
    db_pool_give(c->readers, db);
    return err;
}

int catalog_event_add(struct catalog *c, const struct event *e)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &events_part, ADD);
    if (!s)
        return db_error(&c->writer);
    sqlite3_bind_int64(s, 1, e->at_us);
    db_bind_text(s, 2, e->org);
    db_bind_text(s, 3, e->twin);
    db_bind_text(s, 4, e->kind);
    db_bind_text(s, 5, e->what);
    return db_run(&c->writer, s);
}

int catalog_event_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &events_part, EXPIRE);
    if (!s)
        return db_error(&c->writer);
    sqlite3_bind_int64(s, 1, before_us);
    sqlite3_bind_int64(s, 2, (int64_t)most);
    int err = db_run(&c->writer, s);
    if (!err)
        *ret_n = (size_t)sqlite3_changes(c->writer.handle);
    return err;
}
