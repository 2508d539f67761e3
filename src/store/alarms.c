/* Tables:
 *
 *   alarm       n, what stays of an alarm, the number of its newest step, and what lists go by:
 *               whether it is open, and when it last changed
 *   alarm_step  n, i: its steps from 1; each has who and what, and what changes of an alarm, as it
 *               was from then on.  Never changed
 *
 * So an alarm as it stands is its row and its newest step, and as it stood at any time its row and
 * the newest step until then.  Numbers are never given twice (AUTOINCREMENT): what is outside under
 * "a-12" is the same for ever. */
#include "store/alarms.h"

#include "base/err.h"
#include "store/catalog_internal.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS alarm(n INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL,"
    "  org TEXT NOT NULL, twin TEXT NOT NULL, sensor TEXT NOT NULL, rule TEXT NOT NULL,"
    "  rule_version INTEGER NOT NULL, raised_us INTEGER NOT NULL, readings TEXT NOT NULL,"
    "  limits TEXT NOT NULL, actions TEXT NOT NULL, escalate TEXT NOT NULL, step INTEGER NOT NULL,"
    "  open INTEGER NOT NULL, changed_us INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS alarm_org ON alarm(org, raised_us, n);"
    "CREATE INDEX IF NOT EXISTS alarm_twin ON alarm(twin, raised_us, n);"
    "CREATE INDEX IF NOT EXISTS alarm_open ON alarm(open, raised_us, n) WHERE open=1;"
    "CREATE INDEX IF NOT EXISTS alarm_settled ON alarm(changed_us) WHERE open=0;"
    "CREATE TABLE IF NOT EXISTS alarm_step(n INTEGER NOT NULL, i INTEGER NOT NULL,"
    "  at_us INTEGER NOT NULL, step INTEGER NOT NULL, who TEXT NOT NULL, who_name TEXT NOT NULL,"
    "  text TEXT NOT NULL, severity INTEGER NOT NULL, active INTEGER NOT NULL,"
    "  acknowledged INTEGER NOT NULL, message TEXT NOT NULL, value TEXT NOT NULL,"
    "  peak TEXT NOT NULL, count INTEGER NOT NULL, cleared_us INTEGER NOT NULL,"
    "  acknowledged_us INTEGER NOT NULL, acknowledged_by TEXT NOT NULL, assignee TEXT NOT NULL,"
    "  shelved_us INTEGER NOT NULL, shelved_why TEXT NOT NULL, grouped INTEGER NOT NULL,"
    "  PRIMARY KEY(n, i)) WITHOUT ROWID;";

#define STAYS                                                                                      \
    "a.n, a.source, a.org, a.twin, a.sensor, a.rule, a.rule_version, a.raised_us, a.readings,"     \
    " a.limits, a.actions, a.escalate"
#define CHANGES                                                                                    \
    "s.at_us, s.severity, s.active, s.acknowledged, s.message, s.value, s.peak, s.count,"          \
    " s.cleared_us, s.acknowledged_us, s.acknowledged_by, s.assignee, s.shelved_us,"               \
    " s.shelved_why, s.grouped"
enum { STAYS_N = 12, CHANGES_N = 15 };

#define NOW "JOIN alarm_step s ON s.n=a.n AND s.i=a.step "
#define THEN                                                                                       \
    "JOIN alarm_step s ON s.n=a.n AND s.i=(SELECT max(i) FROM alarm_step x WHERE x.n=a.n AND"      \
    " x.at_us<=?6) "
/* Newest first, from behind (?1, ?2), with ?3 <= raised < ?4. */
#define LIST(index, step, where)                                                                   \
    "SELECT " STAYS ", " CHANGES " FROM alarm a " index " " step "WHERE " where                    \
    "(a.raised_us, a.n) < (?1, ?2) AND a.raised_us>=?3 AND a.raised_us<?4"                         \
    " ORDER BY a.raised_us DESC, a.n DESC"
#define LISTS(step)                                                                                \
    LIST("", step, ""), LIST("INDEXED BY alarm_org", step, "a.org=?5 AND "),                       \
        LIST("INDEXED BY alarm_twin", step, "a.twin=?5 AND "),                                     \
        LIST("INDEXED BY alarm_open", step, "a.open=1 AND ")

enum sql {
    LIST_ALL,
    LIST_ORG,
    LIST_TWIN,
    LIST_OPEN,
    LIST_THEN, /* the same four, as they stood */
    GET_NOW = LIST_THEN + 4,
    GET_THEN,
    STEPS,
    PUT,
    PUT_STEP,
    LAST,
    STEPS_N,
    EXPIRE_STEPS,
    EXPIRE,
    SQL_N
};

static const char *const statements[SQL_N] = {
    LISTS(NOW),
    LISTS(THEN),
    "SELECT " STAYS ", " CHANGES " FROM alarm a " NOW "WHERE a.n=?1",
    "SELECT " STAYS ", " CHANGES " FROM alarm a " THEN "WHERE a.n=?1",
    "SELECT s.step, s.who, s.who_name, s.text, " CHANGES " FROM alarm_step s WHERE s.n=?1 AND"
    " s.at_us<=?2 ORDER BY s.i",
    "INSERT INTO alarm(n, source, org, twin, sensor, rule, rule_version, raised_us, readings,"
    " limits, actions, escalate, step, open, changed_us) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT(n) DO UPDATE SET step=excluded.step, open=excluded.open,"
    " changed_us=excluded.changed_us, actions=excluded.actions",
    "INSERT INTO alarm_step(n, i, step, who, who_name, text, at_us, severity, active,"
    " acknowledged, message, value, peak, count, cleared_us, acknowledged_us, acknowledged_by,"
    " assignee, shelved_us, shelved_why, grouped)"
    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name='alarm'",
    "SELECT ifnull(max(i), 0) FROM alarm_step WHERE n=?1",
    "DELETE FROM alarm_step WHERE n IN (SELECT n FROM alarm WHERE open=0 AND changed_us<?1"
    " ORDER BY changed_us LIMIT ?2)",
    "DELETE FROM alarm WHERE n IN (SELECT n FROM alarm WHERE open=0 AND changed_us<?1"
    " ORDER BY changed_us LIMIT ?2)",
};

const struct db_part alarms_part = {schema, statements, SQL_N};

/* ---- names ---- */

#define X(name, text) text,
static const char *const severities[] = {ALARM_SEVERITIES(X)};
static const char *const sources[] = {ALARM_SOURCES(X)};
static const char *const steps[] = {ALARM_STEPS(X)};
#undef X

const char *alarm_severity_name(enum alarm_severity severity)
{
    return severities[severity];
}

const char *alarm_source_name(enum alarm_source source)
{
    return sources[source];
}

const char *alarm_step_name(enum alarm_step step)
{
    return steps[step];
}

static int by_name(const char *const *names, int n, struct slice name)
{
    for (int i = 0; i < n; i++)
        if (slice_is(name, names[i]))
            return i;
    return -1;
}

int alarm_severity_by_name(struct slice name)
{
    return by_name(severities, ALARM_SEVERITY_N, name);
}

int alarm_source_by_name(struct slice name)
{
    return by_name(sources, ALARM_SOURCE_N, name);
}

const char *alarm_state(const struct alarm *a)
{
    return !a->active ? "cleared" : a->acknowledged ? "acknowledged" : "raised";
}

/* ---- rows ---- */

/* A number of the file that stands for a name: one that this program does not know is the first. */
static unsigned known(sqlite3_stmt *s, int at, unsigned n)
{
    int v = sqlite3_column_int(s, at);
    return v >= 0 && (unsigned)v < n ? (unsigned)v : 0;
}

static void read_stays(sqlite3_stmt *s, struct alarm *a)
{
    *a = (struct alarm){.n = sqlite3_column_int64(s, 0),
                        .source = (enum alarm_source)known(s, 1, ALARM_SOURCE_N),
                        .org = db_column(s, 2),
                        .twin = db_column(s, 3),
                        .sensor = db_column(s, 4),
                        .rule = db_column(s, 5),
                        .rule_version = (uint64_t)sqlite3_column_int64(s, 6),
                        .raised_us = sqlite3_column_int64(s, 7),
                        .readings = db_column(s, 8),
                        .limit = db_column(s, 9),
                        .actions = db_column(s, 10),
                        .escalate = db_column(s, 11)};
}

static void read_changes(sqlite3_stmt *s, int at, struct alarm *a)
{
    a->changed_us = sqlite3_column_int64(s, at);
    a->severity = (enum alarm_severity)known(s, at + 1, ALARM_SEVERITY_N);
    a->active = sqlite3_column_int(s, at + 2);
    a->acknowledged = sqlite3_column_int(s, at + 3);
    a->message = db_column(s, at + 4);
    a->value = db_column(s, at + 5);
    a->peak = db_column(s, at + 6);
    a->count = (uint64_t)sqlite3_column_int64(s, at + 7);
    a->cleared_us = sqlite3_column_int64(s, at + 8);
    a->acknowledged_us = sqlite3_column_int64(s, at + 9);
    a->acknowledged_by = db_column(s, at + 10);
    a->assignee = db_column(s, at + 11);
    a->shelved_until_us = sqlite3_column_int64(s, at + 12);
    a->shelved_why = db_column(s, at + 13);
    a->group = sqlite3_column_int64(s, at + 14);
}

/* ---- reading ---- */

static bool is(struct slice want, struct slice have)
{
    return !want.p || slice_eq(want, have);
}

static bool state_fits(const struct alarm_query *q, const struct alarm *a)
{
    int state = !a->active ? 3 : a->acknowledged ? 2 : 1;
    return (!q->state || q->state == state) && (!q->open || (q->open > 0) == alarm_is_open(a)) &&
           (!q->shelved || (q->shelved > 0) == (a->shelved_until_us != 0)) &&
           (q->grouped >= 0 || !a->group);
}

static bool fits(const struct alarm_query *q, const struct alarm *a)
{
    return is(q->org, a->org) && is(q->twin, a->twin) && is(q->sensor, a->sensor) &&
           is(q->rule, a->rule) && is(q->assignee, a->assignee) &&
           (!q->severities || q->severities >> a->severity & 1) &&
           (!q->sources || q->sources >> a->source & 1) && state_fits(q, a);
}

static sqlite3_stmt *list_statement(struct db *db, const struct alarm_query *q)
{
    int which = q->twin.p                  ? LIST_TWIN
                : q->open > 0 && !q->at_us ? LIST_OPEN
                : q->org.p                 ? LIST_ORG
                                           : LIST_ALL;
    sqlite3_stmt *s = db_part_stmt(db, &alarms_part, which + (q->at_us ? LIST_THEN : 0));
    if (!s)
        return NULL;
    bool behind = q->before_us || q->before_n;
    sqlite3_bind_int64(s, 1, behind ? q->before_us : INT64_MAX);
    sqlite3_bind_int64(s, 2, behind ? q->before_n : INT64_MAX);
    sqlite3_bind_int64(s, 3, q->from_us ? q->from_us : INT64_MIN);
    sqlite3_bind_int64(s, 4, q->to_us ? q->to_us : INT64_MAX);
    if (which == LIST_TWIN || which == LIST_ORG)
        db_bind_text(s, 5, which == LIST_TWIN ? q->twin : q->org);
    if (q->at_us)
        sqlite3_bind_int64(s, 6, q->at_us);
    return s;
}

int catalog_alarm_each(struct catalog *c, const struct alarm_query *q, alarm_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = list_statement(db, q);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct alarm a;
        read_stays(s, &a);
        read_changes(s, STAYS_N, &a);
        if (fits(q, &a))
            err = fn(arg, &a);
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

static bool keep(struct arena *arena, struct slice *s)
{
    *s = arena_dup(arena, *s);
    return s->p;
}

int alarm_keep(struct arena *arena, struct alarm *a)
{
    struct slice *const texts[] = {&a->org,      &a->twin,       &a->sensor,  &a->rule,
                                   &a->readings, &a->limit,      &a->actions, &a->escalate,
                                   &a->message,  &a->value,      &a->peak,    &a->acknowledged_by,
                                   &a->assignee, &a->shelved_why};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!keep(arena, texts[i]))
            return ERR_NOMEM;
    return 0;
}

int catalog_alarm_get(struct catalog *c, int64_t n, int64_t at_us, struct arena *arena,
                      struct alarm *ret)
{
    struct db *db;
    struct alarm a;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(db, &alarms_part, at_us ? GET_THEN : GET_NOW);
    int code = SQLITE_ERROR;
    if (s) {
        sqlite3_bind_int64(s, 1, n);
        if (at_us)
            sqlite3_bind_int64(s, 6, at_us);
        code = sqlite3_step(s);
    }
    if (code == SQLITE_ROW) {
        read_stays(s, &a);
        read_changes(s, STAYS_N, &a);
        err = alarm_keep(arena, &a);
    } else {
        err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db);
    }
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    if (!err)
        *ret = a;
    return err;
}

int catalog_alarm_events(struct catalog *c, int64_t n, int64_t until_us, alarm_event_fn *fn,
                         void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_part_stmt(db, &alarms_part, STEPS);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    if (s) {
        sqlite3_bind_int64(s, 1, n);
        sqlite3_bind_int64(s, 2, until_us ? until_us : INT64_MAX);
    }
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct alarm_event e = {.n = n,
                                .step = (enum alarm_step)known(s, 0, ALARM_STEP_N),
                                .who = db_column(s, 1),
                                .who_name = db_column(s, 2),
                                .text = db_column(s, 3)};
        read_changes(s, 4, &e.alarm);
        e.at_us = e.alarm.changed_us;
        err = fn(arg, &e);
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

/* ---- writing ---- */

static int64_t one_number(struct db *db, int statement, int64_t of)
{
    sqlite3_stmt *s = db_part_stmt(db, &alarms_part, statement);
    int64_t v = 0;
    if (!s)
        return 0;
    if (of)
        sqlite3_bind_int64(s, 1, of);
    if (sqlite3_step(s) == SQLITE_ROW)
        v = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return v;
}

int64_t catalog_alarm_last(struct catalog *c)
{
    return one_number(&c->writer, LAST, 0);
}

int64_t catalog_alarm_steps(struct catalog *c, int64_t n)
{
    return one_number(&c->writer, STEPS_N, n);
}

static int put(struct db *db, const struct alarm *a, int64_t i)
{
    sqlite3_stmt *s = db_part_stmt(db, &alarms_part, PUT);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, a->n);
    sqlite3_bind_int(s, 2, (int)a->source);
    db_bind_text(s, 3, a->org);
    db_bind_text(s, 4, a->twin);
    db_bind_text(s, 5, a->sensor);
    db_bind_text(s, 6, a->rule);
    sqlite3_bind_int64(s, 7, (int64_t)a->rule_version);
    sqlite3_bind_int64(s, 8, a->raised_us);
    db_bind_text(s, 9, a->readings);
    db_bind_text(s, 10, a->limit);
    db_bind_text(s, 11, a->actions);
    db_bind_text(s, 12, a->escalate);
    sqlite3_bind_int64(s, 13, i);
    sqlite3_bind_int(s, 14, alarm_is_open(a));
    sqlite3_bind_int64(s, 15, a->changed_us);
    return db_run(db, s);
}

int catalog_alarm_step(struct catalog *c, const struct alarm *a, enum alarm_step step,
                       struct slice who, struct slice who_name, struct slice text)
{
    struct db *db = &c->writer;
    int64_t i = catalog_alarm_steps(c, a->n) + 1;
    int err = put(db, a, i);
    sqlite3_stmt *s = err ? NULL : db_part_stmt(db, &alarms_part, PUT_STEP);
    if (!s)
        return err ? err : db_error(db);
    sqlite3_bind_int64(s, 1, a->n);
    sqlite3_bind_int64(s, 2, i);
    sqlite3_bind_int(s, 3, (int)step);
    db_bind_text(s, 4, who);
    db_bind_text(s, 5, who_name);
    db_bind_text(s, 6, text);
    sqlite3_bind_int64(s, 7, a->changed_us);
    sqlite3_bind_int(s, 8, (int)a->severity);
    sqlite3_bind_int(s, 9, a->active);
    sqlite3_bind_int(s, 10, a->acknowledged);
    db_bind_text(s, 11, a->message);
    db_bind_text(s, 12, a->value);
    db_bind_text(s, 13, a->peak);
    sqlite3_bind_int64(s, 14, (int64_t)a->count);
    sqlite3_bind_int64(s, 15, a->cleared_us);
    sqlite3_bind_int64(s, 16, a->acknowledged_us);
    db_bind_text(s, 17, a->acknowledged_by);
    db_bind_text(s, 18, a->assignee);
    sqlite3_bind_int64(s, 19, a->shelved_until_us);
    db_bind_text(s, 20, a->shelved_why);
    sqlite3_bind_int64(s, 21, a->group);
    return db_run(db, s);
}

static int expire(struct db *db, int statement, int64_t before_us, size_t most)
{
    sqlite3_stmt *s = db_part_stmt(db, &alarms_part, statement);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, before_us);
    sqlite3_bind_int64(s, 2, (int64_t)most);
    return db_run(db, s);
}

int catalog_alarm_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n)
{
    int err = expire(&c->writer, EXPIRE_STEPS, before_us, most);
    if (!err)
        err = expire(&c->writer, EXPIRE, before_us, most);
    if (!err)
        *ret_n = (size_t)sqlite3_changes(c->writer.handle);
    return err;
}
