/* Table: delivery, a row each; what waits is found by an index of its own, so that a long past
 * costs a start nothing. */
#include "store/deliveries.h"

#include "base/err.h"
#include "store/catalog_internal.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS delivery(n INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT NOT NULL,"
    "  destination TEXT NOT NULL, command TEXT NOT NULL, alarm INTEGER NOT NULL,"
    "  told TEXT NOT NULL, body TEXT NOT NULL, made_us INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL, next_us INTEGER NOT NULL, ended_us INTEGER NOT NULL,"
    "  why TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS delivery_org ON delivery(org, n);"
    "CREATE INDEX IF NOT EXISTS delivery_alarm ON delivery(alarm, n);"
    "CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery(n) WHERE state=0;"
    "CREATE INDEX IF NOT EXISTS delivery_ended ON delivery(ended_us) WHERE state<>0;";

#define COLUMNS                                                                                    \
    "n, org, destination, command, alarm, told, body, made_us, state, tries, next_us, ended_us, "  \
    "why"

enum sql { LIST, LIST_ALARM, WAITING, ADD, SET, LAST, EXPIRE, SQL_N };

static const char *const statements[SQL_N] = {
    [LIST] = "SELECT " COLUMNS " FROM delivery INDEXED BY delivery_org WHERE org=?1 AND n<?2"
             " ORDER BY n DESC",
    [LIST_ALARM] = "SELECT " COLUMNS " FROM delivery INDEXED BY delivery_alarm WHERE alarm=?1"
                   " AND n<?2 ORDER BY n DESC",
    [WAITING] = "SELECT " COLUMNS " FROM delivery INDEXED BY delivery_waiting WHERE state=0"
                " ORDER BY n",
    [ADD] = "INSERT INTO delivery(" COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [SET] = "UPDATE delivery SET state=?2, tries=?3, next_us=?4, ended_us=?5, why=?6 WHERE n=?1",
    [LAST] = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name='delivery'",
    [EXPIRE] = ("DELETE FROM delivery WHERE n IN (SELECT n FROM delivery WHERE state<>0 AND"
                " ended_us<?1 ORDER BY ended_us LIMIT ?2)"),
};

const struct db_part deliveries_part = {schema, statements, SQL_N};

static const char *const states[DELIVERY_STATES] = {"waiting", "sent", "dead", "discarded"};

const char *delivery_state_name(enum delivery_state state)
{
    return states[state];
}

int delivery_state_by_name(struct slice name)
{
    for (int i = 0; i < DELIVERY_STATES; i++)
        if (slice_is(name, states[i]))
            return i;
    return -1;
}

static void read_row(sqlite3_stmt *s, struct delivery *d)
{
    int state = sqlite3_column_int(s, 8);
    *d = (struct delivery){
        .n = sqlite3_column_int64(s, 0),
        .org = db_column(s, 1),
        .destination = db_column(s, 2),
        .command = db_column(s, 3),
        .alarm = sqlite3_column_int64(s, 4),
        .on = db_column(s, 5),
        .body = db_column(s, 6),
        .made_us = sqlite3_column_int64(s, 7),
        .state = state >= 0 && state < DELIVERY_STATES ? (enum delivery_state)state : DELIVERY_DEAD,
        .tries = (unsigned)sqlite3_column_int(s, 9),
        .next_us = sqlite3_column_int64(s, 10),
        .ended_us = sqlite3_column_int64(s, 11),
        .why = db_column(s, 12)};
}

static bool fits(const struct delivery_query *q, const struct delivery *d)
{
    return (!q->org.p || slice_eq(q->org, d->org)) &&
           (!q->destination.p || slice_eq(q->destination, d->destination)) &&
           (q->state < 0 || q->state == (int)d->state) && (!q->alarm || q->alarm == d->alarm);
}

static int walk(struct catalog *c, int which, const struct delivery_query *q, delivery_fn *fn,
                void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db), code = SQLITE_ROW;
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(db, &deliveries_part, which);
    if (s && q) {
        if (which == LIST)
            db_bind_text(s, 1, q->org);
        else
            sqlite3_bind_int64(s, 1, q->alarm);
        sqlite3_bind_int64(s, 2, q->before_n ? q->before_n : INT64_MAX);
    }
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct delivery d;
        read_row(s, &d);
        if (!q || fits(q, &d))
            err = fn(arg, &d);
    }
    if (!err && (!s || code != SQLITE_DONE))
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_delivery_each(struct catalog *c, const struct delivery_query *q, delivery_fn *fn,
                          void *arg)
{
    return walk(c, q->alarm ? LIST_ALARM : LIST, q, fn, arg);
}

int catalog_delivery_waiting(struct catalog *c, delivery_fn *fn, void *arg)
{
    return walk(c, WAITING, NULL, fn, arg);
}

int catalog_delivery_add(struct catalog *c, const struct delivery *d)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &deliveries_part, ADD);
    if (!s)
        return db_error(&c->writer);
    sqlite3_bind_int64(s, 1, d->n);
    db_bind_text(s, 2, d->org);
    db_bind_text(s, 3, d->destination);
    db_bind_text(s, 4, d->command);
    sqlite3_bind_int64(s, 5, d->alarm);
    db_bind_text(s, 6, d->on);
    db_bind_text(s, 7, d->body);
    sqlite3_bind_int64(s, 8, d->made_us);
    sqlite3_bind_int(s, 9, (int)d->state);
    sqlite3_bind_int(s, 10, (int)d->tries);
    sqlite3_bind_int64(s, 11, d->next_us);
    sqlite3_bind_int64(s, 12, d->ended_us);
    db_bind_text(s, 13, d->why);
    return db_run(&c->writer, s);
}

int catalog_delivery_set(struct catalog *c, const struct delivery *d)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &deliveries_part, SET);
    if (!s)
        return db_error(&c->writer);
    sqlite3_bind_int64(s, 1, d->n);
    sqlite3_bind_int(s, 2, (int)d->state);
    sqlite3_bind_int(s, 3, (int)d->tries);
    sqlite3_bind_int64(s, 4, d->next_us);
    sqlite3_bind_int64(s, 5, d->ended_us);
    db_bind_text(s, 6, d->why);
    return db_run(&c->writer, s);
}

int64_t catalog_delivery_last(struct catalog *c)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &deliveries_part, LAST);
    int64_t v = s && sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    if (s)
        sqlite3_reset(s);
    return v;
}

int catalog_delivery_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &deliveries_part, EXPIRE);
    if (!s)
        return db_error(&c->writer);
    sqlite3_bind_int64(s, 1, before_us);
    sqlite3_bind_int64(s, 2, (int64_t)most);
    int err = db_run(&c->writer, s);
    if (!err)
        *ret_n = (size_t)sqlite3_changes(c->writer.handle);
    return err;
}
