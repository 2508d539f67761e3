/* Tables:
 *
 *   command       n, what was asked for and by whom, and how it stands
 *   command_step  n, i: the states that it went through, from 1; never changed
 *
 * Numbers are never given twice (AUTOINCREMENT).  A row is small and there are few of them beside
 * readings: lists go by twin or organisation, from the newest. */
#include "store/commands.h"

#include "base/err.h"
#include "store/catalog_internal.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS command(n INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT NOT NULL,"
    "  twin TEXT NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL, who TEXT NOT NULL,"
    "  who_name TEXT NOT NULL, reason TEXT NOT NULL, created_us INTEGER NOT NULL,"
    "  timeout_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, reply BLOB NOT NULL,"
    "  state INTEGER NOT NULL, changed_us INTEGER NOT NULL, delivered_us INTEGER NOT NULL,"
    "  accepted_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, output TEXT NOT NULL,"
    "  error TEXT NOT NULL, late INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS command_org ON command(org, n);"
    "CREATE INDEX IF NOT EXISTS command_twin ON command(twin, n);"
    "CREATE INDEX IF NOT EXISTS command_open ON command(n) WHERE state<=2;"
    "CREATE INDEX IF NOT EXISTS command_ended ON command(ended_us) WHERE state>2;"
    "CREATE TABLE IF NOT EXISTS command_step(n INTEGER NOT NULL, i INTEGER NOT NULL,"
    "  at_us INTEGER NOT NULL, state INTEGER NOT NULL, late INTEGER NOT NULL, who TEXT NOT NULL,"
    "  PRIMARY KEY(n, i)) WITHOUT ROWID;";

#define COLUMNS                                                                                    \
    "n, org, twin, name, input, who, who_name, reason, created_us, timeout_us, expires_us, reply," \
    " state, changed_us, delivered_us, accepted_us, ended_us, output, error, late"
#define LIST(index, where)                                                                         \
    "SELECT " COLUMNS " FROM command " index " WHERE " where "n<?1 ORDER BY n DESC"

enum sql {
    LIST_ALL,
    LIST_ORG,
    LIST_TWIN,
    LIST_OPEN,
    GET,
    STEPS,
    PUT,
    PUT_STEP,
    LAST,
    EXPIRE_STEPS,
    EXPIRE,
    SQL_N
};

static const char *const statements[SQL_N] = {
    LIST("", ""),
    LIST("INDEXED BY command_org", "org=?2 AND "),
    LIST("INDEXED BY command_twin", "twin=?2 AND "),
    LIST("INDEXED BY command_open", "state<=2 AND "),
    "SELECT " COLUMNS " FROM command WHERE n=?1",
    "SELECT at_us, state, late, who FROM command_step WHERE n=?1 ORDER BY i",
    "INSERT INTO command(" COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT(n) DO UPDATE SET state=excluded.state, changed_us=excluded.changed_us,"
    " delivered_us=excluded.delivered_us, accepted_us=excluded.accepted_us,"
    " ended_us=excluded.ended_us, output=excluded.output, error=excluded.error,"
    " late=excluded.late",
    "INSERT INTO command_step(n, i, at_us, state, late, who) VALUES(?1,"
    " (SELECT ifnull(max(i), 0) + 1 FROM command_step WHERE n=?1),?2,?3,?4,?5)",
    "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name='command'",
    "DELETE FROM command_step WHERE n IN (SELECT n FROM command WHERE state>2 AND ended_us<?1"
    " ORDER BY ended_us LIMIT ?2)",
    "DELETE FROM command WHERE n IN (SELECT n FROM command WHERE state>2 AND ended_us<?1"
    " ORDER BY ended_us LIMIT ?2)",
};

const struct db_part commands_part = {schema, statements, SQL_N};

#define X(name, text) text,
static const char *const states[] = {COMMAND_STATES(X)};
#undef X

const char *command_state_name(enum command_state state)
{
    return states[state];
}

int command_state_by_name(struct slice name)
{
    for (int i = 0; i < COMMAND_STATE_N; i++)
        if (slice_is(name, states[i]))
            return i;
    return -1;
}

/* ---- reading ---- */

static enum command_state state_at(sqlite3_stmt *s, int at)
{
    int v = sqlite3_column_int(s, at);
    return v >= 0 && v < COMMAND_STATE_N ? (enum command_state)v : COMMAND_FAILED;
}

static void read_row(sqlite3_stmt *s, struct twin_command *c)
{
    *c = (struct twin_command){.n = sqlite3_column_int64(s, 0),
                               .org = db_column(s, 1),
                               .twin = db_column(s, 2),
                               .name = db_column(s, 3),
                               .input = db_column(s, 4),
                               .who = db_column(s, 5),
                               .who_name = db_column(s, 6),
                               .reason = db_column(s, 7),
                               .created_us = sqlite3_column_int64(s, 8),
                               .timeout_us = sqlite3_column_int64(s, 9),
                               .expires_us = sqlite3_column_int64(s, 10),
                               .reply = db_column(s, 11),
                               .state = state_at(s, 12),
                               .changed_us = sqlite3_column_int64(s, 13),
                               .delivered_us = sqlite3_column_int64(s, 14),
                               .accepted_us = sqlite3_column_int64(s, 15),
                               .ended_us = sqlite3_column_int64(s, 16),
                               .output = db_column(s, 17),
                               .error = db_column(s, 18),
                               .late = sqlite3_column_int(s, 19)};
}

int command_keep(struct arena *a, struct twin_command *c)
{
    struct slice *const texts[] = {&c->org,      &c->twin,   &c->name,  &c->input,  &c->who,
                                   &c->who_name, &c->reason, &c->reply, &c->output, &c->error};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_dup(a, *texts[i]);
        if (!texts[i]->p)
            return ERR_NOMEM;
    }
    return 0;
}

static bool is(struct slice want, struct slice have)
{
    return !want.p || slice_eq(want, have);
}

static bool fits(const struct command_query *q, const struct twin_command *c)
{
    return is(q->org, c->org) && is(q->twin, c->twin) && is(q->name, c->name) &&
           (!q->states || q->states >> c->state & 1) && c->created_us >= q->from_us &&
           (!q->to_us || c->created_us < q->to_us);
}

static sqlite3_stmt *list_statement(struct db *db, const struct command_query *q)
{
    const unsigned open = 1U << COMMAND_PENDING | 1U << COMMAND_DELIVERED | 1U << COMMAND_ACCEPTED;
    enum sql which = q->twin.p                           ? LIST_TWIN
                     : q->states && !(q->states & ~open) ? LIST_OPEN
                     : q->org.p                          ? LIST_ORG
                                                         : LIST_ALL;
    sqlite3_stmt *s = db_part_stmt(db, &commands_part, (int)which);
    if (!s)
        return NULL;
    sqlite3_bind_int64(s, 1, q->before_n ? q->before_n : INT64_MAX);
    if (which == LIST_TWIN || which == LIST_ORG)
        db_bind_text(s, 2, which == LIST_TWIN ? q->twin : q->org);
    return s;
}

int catalog_command_each(struct catalog *c, const struct command_query *q, command_fn *fn,
                         void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = list_statement(db, q);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct twin_command row;
        read_row(s, &row);
        if (fits(q, &row))
            err = fn(arg, &row);
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_command_get(struct catalog *c, int64_t n, struct arena *a, struct twin_command *ret)
{
    struct db *db;
    struct twin_command row;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(db, &commands_part, GET);
    int code = SQLITE_ERROR;
    if (s) {
        sqlite3_bind_int64(s, 1, n);
        code = sqlite3_step(s);
    }
    if (code == SQLITE_ROW) {
        read_row(s, &row);
        err = command_keep(a, &row);
    } else {
        err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db);
    }
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    if (!err)
        *ret = row;
    return err;
}

int catalog_command_steps(struct catalog *c, int64_t n, command_step_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(db, &commands_part, STEPS);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    if (s)
        sqlite3_bind_int64(s, 1, n);
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        const struct command_step step = {.at_us = sqlite3_column_int64(s, 0),
                                          .state = state_at(s, 1),
                                          .late = sqlite3_column_int(s, 2),
                                          .who = db_column(s, 3)};
        err = fn(arg, &step);
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

/* ---- writing ---- */

static int put_row(struct db *db, const struct twin_command *c)
{
    sqlite3_stmt *s = db_part_stmt(db, &commands_part, PUT);
    if (!s)
        return db_error(db);
    const struct slice texts[] = {c->org, c->twin,     c->name,  c->input,
                                  c->who, c->who_name, c->reason};
    sqlite3_bind_int64(s, 1, c->n);
    for (int i = 0; i < 7; i++)
        db_bind_text(s, 2 + i, texts[i]);
    sqlite3_bind_int64(s, 9, c->created_us);
    sqlite3_bind_int64(s, 10, c->timeout_us);
    sqlite3_bind_int64(s, 11, c->expires_us);
    db_bind_blob(s, 12, c->reply);
    sqlite3_bind_int(s, 13, (int)c->state);
    sqlite3_bind_int64(s, 14, c->changed_us);
    sqlite3_bind_int64(s, 15, c->delivered_us);
    sqlite3_bind_int64(s, 16, c->accepted_us);
    sqlite3_bind_int64(s, 17, c->ended_us);
    db_bind_text(s, 18, c->output);
    db_bind_text(s, 19, c->error);
    sqlite3_bind_int(s, 20, c->late);
    return db_run(db, s);
}

int catalog_command_put(struct catalog *c, const struct twin_command *command, struct slice who)
{
    struct db *db = &c->writer;
    int err = put_row(db, command);
    sqlite3_stmt *s = err ? NULL : db_part_stmt(db, &commands_part, PUT_STEP);
    if (!s)
        return err ? err : db_error(db);
    sqlite3_bind_int64(s, 1, command->n);
    sqlite3_bind_int64(s, 2, command->changed_us);
    sqlite3_bind_int(s, 3, (int)command->state);
    sqlite3_bind_int(s, 4, command->late);
    db_bind_text(s, 5, who);
    return db_run(db, s);
}

int64_t catalog_command_last(struct catalog *c)
{
    sqlite3_stmt *s = db_part_stmt(&c->writer, &commands_part, LAST);
    int64_t v = 0;
    if (s && sqlite3_step(s) == SQLITE_ROW)
        v = sqlite3_column_int64(s, 0);
    if (s)
        sqlite3_reset(s);
    return v;
}

static int expire(struct db *db, int statement, int64_t before_us, size_t most)
{
    sqlite3_stmt *s = db_part_stmt(db, &commands_part, statement);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, before_us);
    sqlite3_bind_int64(s, 2, (int64_t)most);
    return db_run(db, s);
}

int catalog_command_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n)
{
    int err = expire(&c->writer, EXPIRE_STEPS, before_us, most);
    if (!err)
        err = expire(&c->writer, EXPIRE, before_us, most);
    if (!err)
        *ret_n = (size_t)sqlite3_changes(c->writer.handle);
    return err;
}
