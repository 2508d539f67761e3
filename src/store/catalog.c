/* Tables of catalog.db, version 4:
 *
 *   twin      one row a twin: id, n, version, times, demo, and what a start needs of it: view (its
 *             names, packed), layout, series (packed).  In order of id, and small, so that a start
 *             reads a million of them in seconds
 *   document  n, profile, findings: what only those read who ask for the twin; and the CRC-32C of
 *             both, one behind the other (NULL in rows that version 2 wrote)
 *   layout    n, sensors (packed), their checksum, and how many twins have them: the twins of a
 *             kind share one
 *   meta      small facts; "catalog.last_series" is the highest number ever given, which only
 *             rises, in the same transaction that gives a number
 *   record    kind, id, doc (JSON): organisations, people, credentials and what else the room
 *             access keeps; it has their form (access/record.h)
 *   audit     n, ..., hash: who did what; audit.c tells how the rows hold each other
 *   series    of version 1: one row a series.  Twins that were not written since have their series
 *             there, and neither view nor layout; core writes them anew at the first start
 *
 * view, sensors and layout follow from the profile (twin/packed.h); series do not.  Packed series
 * are a byte, 1, then one behind the other, in rising order of their numbers: a varint, this number
 * less the one before; a byte, the kind, plus 8 when retired; a varint and the bytes of the
 * sensor's id.
 *
 * Ids compare as bytes (BINARY), so that the order of catalog_each() is that of memcmp(). */
#include "store/catalog_internal.h"

#include "base/crc32c.h"
#include "base/err.h"
#include "base/log.h"
#include "store/catalog_series.h"

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

    "CREATE TABLE document(n INTEGER PRIMARY KEY, profile TEXT NOT NULL, findings TEXT NOT NULL);"
    "INSERT INTO document SELECT n, profile, findings FROM twin ORDER BY n;"
    "CREATE TABLE layout(n INTEGER PRIMARY KEY, hash INTEGER NOT NULL, twins INTEGER NOT NULL,"
    "  sensors BLOB NOT NULL);"
    "CREATE INDEX layout_hash ON layout(hash);"
    "CREATE TABLE brief(id TEXT PRIMARY KEY, n INTEGER NOT NULL, version INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL, modified_us INTEGER NOT NULL, demo INTEGER NOT NULL,"
    "  layout INTEGER, view BLOB, series BLOB) WITHOUT ROWID;"
    "INSERT INTO brief SELECT id, n, version, created_us, modified_us, demo, NULL, NULL, NULL"
    "  FROM twin ORDER BY id;"
    "DROP TABLE twin;"
    "ALTER TABLE brief RENAME TO twin;",

    "ALTER TABLE document ADD COLUMN crc INTEGER;",

    "CREATE TABLE record(kind INTEGER NOT NULL, id TEXT NOT NULL, doc TEXT NOT NULL,"
    "  PRIMARY KEY(kind, id)) WITHOUT ROWID;"
    "CREATE TABLE audit(n INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, org TEXT NOT NULL,"
    "  who_kind TEXT NOT NULL, who TEXT NOT NULL, via TEXT NOT NULL, request TEXT NOT NULL,"
    "  operation TEXT NOT NULL, object TEXT NOT NULL, outcome TEXT NOT NULL,"
    "  who_name TEXT NOT NULL, address TEXT NOT NULL, who_salt BLOB, who_digest BLOB NOT NULL,"
    "  detail TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, what_salt BLOB,"
    "  what_digest BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE INDEX audit_at ON audit(at_us);"
    "CREATE INDEX audit_org ON audit(org, at_us);"
    "CREATE INDEX audit_who ON audit(who, at_us);"
    "CREATE INDEX audit_object ON audit(object, at_us);",
};

#define TWIN "t.id, t.version, t.created_us, t.modified_us, t.demo, t.view, l.sensors, t.series"

/* Newest first, from behind (?1, ?2) down to ?3. */
#define AUDIT_FROM(index, where)                                                                   \
    "SELECT n, at_us, " AUDIT_COLUMNS ", hash FROM audit " index "  WHERE " where                  \
    " (at_us, n) < (?1, ?2) AND at_us>=?3 ORDER BY at_us DESC, n DESC"

static const char *const sql[SQL_COUNT] = {
    [SQL_TWINS] = "SELECT " TWIN " FROM twin t LEFT JOIN layout l ON l.n=t.layout ORDER BY t.id",
    [SQL_TWIN] = "SELECT " TWIN ", d.profile, d.findings, d.crc FROM twin t"
                 " JOIN document d ON d.n=t.n LEFT JOIN layout l ON l.n=t.layout WHERE t.id=?",
    [SQL_OLD_SERIES] = "SELECT series, sensor, kind, retired FROM series WHERE twin=?"
                       " ORDER BY series",
    [SQL_DROP_OLD_SERIES] = "DELETE FROM series WHERE twin=?",
    [SQL_PLACE] = "SELECT n, layout FROM twin WHERE id=?",
    [SQL_PUT_TWIN] =
        "INSERT INTO twin(id, n, version, created_us, modified_us, demo, layout, view, series)"
        " VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET version=excluded.version,"
        " created_us=excluded.created_us, modified_us=excluded.modified_us, demo=excluded.demo,"
        " layout=excluded.layout, view=excluded.view, series=excluded.series",
    [SQL_PUT_DOCUMENT] = "INSERT INTO document(n, profile, findings, crc) VALUES(?,?,?,?)"
                         " ON CONFLICT(n) DO UPDATE SET profile=excluded.profile,"
                         " findings=excluded.findings, crc=excluded.crc",
    [SQL_REMOVE_TWIN] = "DELETE FROM twin WHERE id=?",
    [SQL_REMOVE_DOCUMENT] = "DELETE FROM document WHERE n=?",
    [SQL_LAYOUTS_LIKE] = "SELECT n, sensors FROM layout WHERE hash=?",
    [SQL_NEW_LAYOUT] = "INSERT INTO layout(hash, twins, sensors) VALUES(?,0,?)",
    [SQL_COUNT_LAYOUT] = "UPDATE layout SET twins=twins+? WHERE n=?",
    [SQL_REMOVE_LAYOUT] = "DELETE FROM layout WHERE n=? AND twins<=0",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name=?",
    [SQL_META_SET] = "INSERT INTO meta(name, value) VALUES(?,?)"
                     " ON CONFLICT(name) DO UPDATE SET value=excluded.value",
    [SQL_HIGHEST_SERIES] = "SELECT max(ifnull((SELECT max(series) FROM series), 0),"
                           " ifnull((SELECT CAST(value AS INTEGER) FROM meta"
                           " WHERE name='catalog.last_series'), 0))",
    [SQL_RECORDS] = "SELECT kind, id, doc FROM record ORDER BY kind, id",
    [SQL_PUT_RECORD] = "INSERT INTO record(kind, id, doc) VALUES(?,?,?)"
                       " ON CONFLICT(kind, id) DO UPDATE SET doc=excluded.doc",
    [SQL_REMOVE_RECORD] = "DELETE FROM record WHERE kind=? AND id=?",
    [SQL_LAST_AUDIT] = "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1",
    [SQL_ADD_AUDIT] = "INSERT INTO audit(n, at_us, " AUDIT_COLUMNS ", hash)"
                      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [SQL_AUDIT_ALL] = AUDIT_FROM("", ""),
    [SQL_AUDIT_OF_ORG] = AUDIT_FROM("INDEXED BY audit_org", "org=?4 AND"),
    [SQL_AUDIT_OF_WHO] = AUDIT_FROM("INDEXED BY audit_who", "who=?4 AND"),
    [SQL_AUDIT_OF_OBJECT] = AUDIT_FROM("INDEXED BY audit_object", "object=?4 AND"),
    [SQL_AUDIT_FIRST_KEPT] = "SELECT n FROM audit WHERE at_us>=? ORDER BY n LIMIT 1",
    [SQL_AUDIT_NTH] = "SELECT n, hash FROM audit WHERE n<? AND n<="
                      "(SELECT max(n) FROM (SELECT n FROM audit ORDER BY n LIMIT ?))"
                      " ORDER BY n DESC LIMIT 1",
    [SQL_AUDIT_EXPIRE] = "DELETE FROM audit WHERE n<=?",
    [SQL_AUDIT_ERASE_WHO] = "UPDATE audit SET who_name='', address='', who_salt=NULL"
                            " WHERE who=?1 AND who_salt IS NOT NULL AND n BETWEEN ?2 AND ?3",
    [SQL_AUDIT_ERASE_WHAT] = "UPDATE audit SET detail='', before='', after='', what_salt=NULL"
                             " WHERE n BETWEEN ?2 AND ?3 AND what_salt IS NOT NULL AND"
                             " (instr(object, ?1) OR instr(detail, ?1) OR instr(before, ?1)"
                             " OR instr(after, ?1))",
    [SQL_AUDIT_CHAIN] = "SELECT n, at_us, " AUDIT_COLUMNS ", hash FROM audit ORDER BY n",
    [SQL_AUDIT_ENDS] = "SELECT ifnull(min(n), 0), ifnull(max(n), 0) FROM audit",
};

/* What other files of this room keep in catalog.db, each with its own tables. */
static const struct db_part *const parts[] = {
    &versions_part, &alarms_part,   &events_part, &deliveries_part,
    &causes_part,   &commands_part, NULL,
};

const struct db_kind catalog_kind = {
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
    .parts = parts,
};

enum { READERS = 2 };

int64_t catalog_crc(struct slice profile, struct slice findings)
{
    return crc32c(crc32c(0, profile.p, profile.n), findings.p, findings.n);
}

int catalog_open(const char *path, struct catalog **ret)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    int err = db_open(&c->writer, path, &catalog_kind);
    if (err) {
        free(c);
        return err;
    }
    err = db_pool_new(path, &catalog_kind, READERS, &c->readers);
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

/* ---- reading ---- */

static void read_twin(sqlite3_stmt *s, struct catalog_twin *t)
{
    *t = (struct catalog_twin){
        .id = db_column(s, 0),
        .version = (uint64_t)sqlite3_column_int64(s, 1),
        .created_us = sqlite3_column_int64(s, 2),
        .modified_us = sqlite3_column_int64(s, 3),
        .demo = sqlite3_column_int(s, 4) != 0,
        .view = db_column(s, 5),
        .sensors = db_column(s, 6),
    };
}

static int read_old_series(struct db *db, struct arena *a, struct catalog_twin *t)
{
    struct catalog_series *list = NULL;
    size_t n = 0, cap = 0;
    sqlite3_stmt *s = db_stmt(db, SQL_OLD_SERIES);
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

/* Of the row at hand; the ids point into it. */
static int read_series(struct db *db, sqlite3_stmt *s, struct arena *a, struct catalog_twin *t)
{
    if (sqlite3_column_type(s, 7) == SQLITE_NULL)
        return read_old_series(db, a, t);
    return catalog_series_unpack(db_column(s, 7), a, &t->series, &t->series_n);
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
        err = read_series(db, s, a, &t);
        if (!err)
            err = fn(arg, &t);
    }
    if (!err)
        err = db_map_error(code);
    arena_free(a);
    db_pool_give(c->readers, db);
    return err;
}

/* What lives in the row, into the arena. */
static int keep(struct arena *a, struct catalog_twin *t)
{
    struct slice *const texts[] = {&t->id, &t->view, &t->sensors, &t->profile, &t->findings};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_dup(a, *texts[i]);
        if (!texts[i]->p)
            return ERR_NOMEM;
    }
    struct catalog_series *series = (struct catalog_series *)(uintptr_t)t->series;
    for (size_t i = 0; i < t->series_n; i++) {
        series[i].sensor = arena_dup(a, series[i].sensor);
        if (!series[i].sensor.p)
            return ERR_NOMEM;
    }
    return 0;
}

/* Are the texts those that were written, as far as that can be known? */
static bool document_holds(sqlite3_stmt *s, int crc_at, struct slice profile, struct slice findings)
{
    return sqlite3_column_type(s, crc_at) == SQLITE_NULL ||
           sqlite3_column_int64(s, crc_at) == catalog_crc(profile, findings);
}

static int get(struct db *db, struct slice id, struct arena *a, struct catalog_twin *ret)
{
    sqlite3_stmt *s = db_stmt(db, SQL_TWIN);
    if (s)
        db_bind_text(s, 1, id);
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    if (code != SQLITE_ROW) {
        int err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_error(db);
        sqlite3_reset(s);
        return err;
    }
    struct catalog_twin t;
    read_twin(s, &t);
    t.profile = db_column(s, 8);
    t.findings = db_column(s, 9);
    int err = document_holds(s, 10, t.profile, t.findings) ? 0 : ERR_CORRUPT;
    if (err)
        log_error("catalog", "the profile of the twin %.*s is damaged: its checksum differs",
                  SLICE_ARG(id));
    else
        err = read_series(db, s, a, &t);
    if (!err)
        err = keep(a, &t);
    sqlite3_reset(s);
    if (!err)
        *ret = t;
    return err;
}

int catalog_get(struct catalog *c, struct slice id, struct arena *a, struct catalog_twin *ret)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    err = get(db, id, a, ret);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_get_latest(struct catalog *c, struct slice id, struct arena *a,
                       struct catalog_twin *ret)
{
    return get(&c->writer, id, a, ret);
}

/* ---- writing ---- */

int catalog_begin(struct catalog *c)
{
    int err = db_begin(&c->writer);
    c->batch = !err;
    c->fault = 0;
    return err;
}

int catalog_commit(struct catalog *c)
{
    c->batch = false;
    if (!c->fault)
        return db_commit(&c->writer);
    db_rollback(&c->writer); /* unless SQLite has done so itself */
    return c->fault;
}

void catalog_fail(struct catalog *c, int err)
{
    if (!c->fault)
        c->fault = err;
}

int catalog_vacuum(struct catalog *c)
{
    int err = db_exec(&c->writer, "VACUUM");
    return err ? err : db_exec(&c->writer, "PRAGMA wal_checkpoint(TRUNCATE)");
}

int catalog_change_begin(struct catalog *c)
{
    if (!c->batch)
        return db_begin(&c->writer);
    return c->fault ? c->fault : db_exec(&c->writer, "SAVEPOINT change");
}

int catalog_change_end(struct catalog *c, int err)
{
    struct db *db = &c->writer;
    if (!c->batch && !err)
        return db_commit(db);
    if (!c->batch) {
        db_rollback(db);
        return err;
    }
    if (err && sqlite3_get_autocommit(db->handle)) { /* SQLite has taken all of it back */
        c->fault = err;
        return err;
    }
    if (err)
        db_exec(db, "ROLLBACK TO change");
    int released = db_exec(db, "RELEASE change");
    return err ? err : released;
}

/* Where the twin stands; n 0: nowhere, layout 0: none. */
struct place {
    int64_t n, layout;
};

static int find_place(struct db *db, struct slice id, struct place *ret)
{
    sqlite3_stmt *s = db_stmt(db, SQL_PLACE);
    if (!s)
        return db_error(db);
    db_bind_text(s, 1, id);
    int code = sqlite3_step(s);
    *ret = (struct place){0};
    if (code == SQLITE_ROW)
        *ret = (struct place){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
    sqlite3_reset(s);
    return db_map_error(code);
}

static int count_layout(struct db *db, int64_t n, int by)
{
    if (!n)
        return 0;
    sqlite3_stmt *s = db_stmt(db, SQL_COUNT_LAYOUT);
    if (s) {
        sqlite3_bind_int(s, 1, by);
        sqlite3_bind_int64(s, 2, n);
    }
    int err = db_run(db, s);
    if (err || by > 0)
        return err;
    if ((s = db_stmt(db, SQL_REMOVE_LAYOUT)))
        sqlite3_bind_int64(s, 1, n);
    return db_run(db, s);
}

static int find_layout(struct db *db, struct slice sensors, int64_t *ret)
{
    uint32_t hash = crc32c(0, sensors.p, sensors.n);
    sqlite3_stmt *s = db_stmt(db, SQL_LAYOUTS_LIKE);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, hash);
    int code;
    *ret = 0;
    while (!*ret && (code = sqlite3_step(s)) == SQLITE_ROW)
        if (slice_eq(db_column(s, 1), sensors))
            *ret = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (*ret || code != SQLITE_DONE)
        return *ret ? 0 : db_map_error(code);
    if ((s = db_stmt(db, SQL_NEW_LAYOUT))) {
        sqlite3_bind_int64(s, 1, hash);
        db_bind_blob(s, 2, sensors);
    }
    int err = db_run(db, s);
    *ret = sqlite3_last_insert_rowid(db->handle);
    return err;
}

/* The twin's layout, counted; the one that it had is let go. */
static int put_layout(struct db *db, struct slice sensors, struct place *at)
{
    int64_t layout = 0;
    int err = find_layout(db, sensors, &layout);
    if (err || layout == at->layout)
        return err;
    err = count_layout(db, layout, 1);
    if (!err)
        err = count_layout(db, at->layout, -1);
    at->layout = layout;
    return err;
}

static int put_document(struct db *db, const struct catalog_twin *t, struct place *at)
{
    sqlite3_stmt *s = db_stmt(db, SQL_PUT_DOCUMENT);
    if (s) {
        if (at->n)
            sqlite3_bind_int64(s, 1, at->n);
        db_bind_text(s, 2, t->profile);
        db_bind_text(s, 3, t->findings);
        sqlite3_bind_int64(s, 4, catalog_crc(t->profile, t->findings));
    }
    int err = db_run(db, s);
    if (!at->n)
        at->n = sqlite3_last_insert_rowid(db->handle);
    return err;
}

static int put_twin(struct db *db, const struct catalog_twin *t, struct place at,
                    struct slice series)
{
    sqlite3_stmt *s = db_stmt(db, SQL_PUT_TWIN);
    if (s) {
        db_bind_text(s, 1, t->id);
        sqlite3_bind_int64(s, 2, at.n);
        sqlite3_bind_int64(s, 3, (int64_t)t->version);
        sqlite3_bind_int64(s, 4, t->created_us);
        sqlite3_bind_int64(s, 5, t->modified_us);
        sqlite3_bind_int(s, 6, t->demo);
        sqlite3_bind_int64(s, 7, at.layout);
        db_bind_blob(s, 8, t->view);
        db_bind_blob(s, 9, series);
    }
    int err = db_run(db, s);
    if (!err && (s = db_stmt(db, SQL_DROP_OLD_SERIES)))
        db_bind_text(s, 1, t->id);
    return err ? err : db_run(db, s);
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

static int put_all(struct catalog *c, const struct catalog_twin *t, uint32_t highest)
{
    struct db *db = &c->writer;
    struct buf series = {0};
    struct place at;
    int err = find_place(db, t->id, &at);
    catalog_series_pack(&series, t->series, t->series_n);
    if (!err && series.failed)
        err = ERR_NOMEM;
    if (!err)
        err = put_layout(db, t->sensors, &at);
    if (!err)
        err = put_document(db, t, &at);
    if (!err)
        err = put_twin(db, t, at, buf_slice(&series));
    if (!err && highest > atomic_load(&c->last_series)) {
        char text[16];
        int n = snprintf(text, sizeof text, "%u", highest);
        err = meta_set(c, "catalog.last_series", slice_of(text, (size_t)n));
    }
    buf_release(&series);
    return err;
}

int catalog_put(struct catalog *c, const struct catalog_twin *t)
{
    uint32_t highest = atomic_load(&c->last_series);
    for (size_t i = 0; i < t->series_n; i++)
        if (t->series[i].series > highest)
            highest = t->series[i].series;
    int err = catalog_change_begin(c);
    if (!err)
        err = catalog_change_end(c, put_all(c, t, highest));
    if (!err)
        atomic_store(&c->last_series, highest);
    return err;
}

static int remove_all(struct db *db, struct slice id)
{
    struct place at;
    int err = find_place(db, id, &at);
    if (!err && !at.n)
        return ERR_NOT_FOUND;
    if (!err)
        err = count_layout(db, at.layout, -1);
    static const int removals[] = {SQL_REMOVE_TWIN, SQL_DROP_OLD_SERIES};
    for (size_t i = 0; i < sizeof removals / sizeof removals[0] && !err; i++) {
        sqlite3_stmt *s = db_stmt(db, removals[i]);
        if (s)
            db_bind_text(s, 1, id);
        err = db_run(db, s);
    }
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_REMOVE_DOCUMENT);
    if (s)
        sqlite3_bind_int64(s, 1, at.n);
    return db_run(db, s);
}

int catalog_remove(struct catalog *c, struct slice id)
{
    int err = catalog_change_begin(c);
    return err ? err : catalog_change_end(c, remove_all(&c->writer, id));
}

uint32_t catalog_last_series(struct catalog *c)
{
    return atomic_load(&c->last_series);
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
