/* Durability.  WAL with synchronous=FULL: a commit is an fsync of the WAL before it answers, and a
 * checkpoint syncs the WAL before and the file after it copies pages.  The directory is synced by
 * SQLite when it makes the WAL, which covers the database file made just before.
 *
 * Versions.  user_version counts schema steps.  A file of a newer version is left alone.  The
 * application_id tells our files from each other's and from strangers'. */
#include "store/db.h"

#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int db_map_error(int sqlite_error)
{
    switch (sqlite_error & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
        return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
        return ERR_STORAGE;
    default:
        return ERR_IO;
    }
}

int db_error(struct db *db)
{
    int err = db_map_error(sqlite3_errcode(db->handle));
    return err ? err : ERR_IO;
}

int db_exec(struct db *db, const char *sql)
{
    return db_map_error(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int db_run(struct db *db, sqlite3_stmt *s)
{
    if (!s)
        return db_error(db);
    int code = sqlite3_step(s);
    sqlite3_reset(s);
    assert(code != SQLITE_ROW);
    return db_map_error(code);
}

int db_begin(struct db *db)
{
    return db_exec(db, "BEGIN IMMEDIATE");
}

int db_commit(struct db *db)
{
    int err = db_exec(db, "COMMIT");
    if (err)
        db_rollback(db);
    return err;
}

void db_rollback(struct db *db)
{
    for (int i = 0; i < db->kind->sql_n; i++)
        sqlite3_reset(db->statements[i]);
    for (int p = 0; db->kind->parts && db->kind->parts[p]; p++)
        for (int i = 0; i < db->kind->parts[p]->sql_n; i++)
            sqlite3_reset(db->of_parts[p][i]);
    if (!sqlite3_get_autocommit(db->handle))
        db_exec(db, "ROLLBACK");
}

static sqlite3_stmt *ready(struct db *db, sqlite3_stmt **s, const char *sql)
{
    if (!*s) {
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
        return *s;
    }
    sqlite3_reset(*s);
    sqlite3_clear_bindings(*s);
    return *s;
}

sqlite3_stmt *db_stmt(struct db *db, int i)
{
    assert(i >= 0 && i < db->kind->sql_n);
    return ready(db, &db->statements[i], db->kind->sql[i]);
}

sqlite3_stmt *db_part_stmt(struct db *db, const struct db_part *part, int i)
{
    int p = 0;
    while (db->kind->parts[p] != part)
        p++;
    assert(i >= 0 && i < part->sql_n);
    return ready(db, &db->of_parts[p][i], part->sql[i]);
}

/* A pragma or query that answers one whole number. */
static int ask(struct db *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? ERR_CORRUPT : db_map_error(code);
}

__attribute__((format(printf, 2, 3))) static int execf(struct db *db, const char *format, ...)
{
    char sql[128];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    return db_exec(db, sql);
}

static int upgrade(struct db *db, const char *path)
{
    const struct db_kind *kind = db->kind;
    int64_t version = 0, application = 0, tables = 0;
    int err = ask(db, "PRAGMA user_version", &version);
    if (!err)
        err = ask(db, "PRAGMA application_id", &application);
    if (!err)
        err = ask(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (err)
        return err;
    if (application != kind->application_id && (application || version || tables)) {
        log_error(kind->room, "%s is a database, but not a %s of Doppel", path, kind->what);
        return ERR_CORRUPT;
    }
    if (version > kind->version) {
        log_error(kind->room,
                  "%s: this data directory was written by a newer Doppel (version %lld, this one "
                  "knows %d)",
                  path, (long long)version, kind->version);
        return ERR_UNSUPPORTED;
    }
    for (int at = (int)version; at < kind->version; at++) {
        err = db_begin(db);
        if (!err)
            err = db_exec(db, kind->steps[at]);
        if (!err)
            err = execf(db, "PRAGMA application_id=%d", kind->application_id);
        if (!err)
            err = execf(db, "PRAGMA user_version=%d", at + 1);
        if (!err)
            err = db_commit(db);
        if (err) {
            db_rollback(db);
            return err;
        }
    }
    return 0;
}

static int make_parts(struct db *db)
{
    int err = 0;
    for (int p = 0; !err && db->kind->parts && db->kind->parts[p]; p++)
        err = db_exec(db, db->kind->parts[p]->schema);
    return err;
}

static int open_handle(struct db *db, const char *path, const struct db_kind *kind, int flags)
{
    assert(kind->sql_n <= DB_STATEMENTS_MAX);
    for (int p = 0; kind->parts && kind->parts[p]; p++)
        assert(p < DB_PARTS_MAX && kind->parts[p]->sql_n <= DB_PART_STATEMENTS_MAX);
    *db = (struct db){.kind = kind};
    int code = sqlite3_open_v2(path, &db->handle,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL);
    if (code != SQLITE_OK)
        return (code & 0xff) == SQLITE_CANTOPEN ? ERR_IO : db_map_error(code);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, 10000);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, 512, 64);
    return db_exec(db, "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=1");
}

static int set_up(struct db *db, const char *path)
{
    /* Page size and vacuum mode hold from the first page written on: before WAL.  The WAL is
     * brought home every 4 MB or so and does not stay larger than 8 MB after a large flush. */
    int err =
        execf(db, "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL", db->kind->page_bytes);
    if (!err)
        err = db_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                          "PRAGMA journal_size_limit=8388608");
    if (!err)
        err = execf(db, "PRAGMA wal_autocheckpoint=%d", (4 << 20) / db->kind->page_bytes);
    if (!err)
        err = execf(db, "PRAGMA cache_size=-%d", db->kind->write_cache_kib);
    if (!err)
        err = upgrade(db, path);
    return err ? err : make_parts(db);
}

int db_open(struct db *db, const char *path, const struct db_kind *kind)
{
    struct db made;
    int err = open_handle(&made, path, kind, SQLITE_OPEN_CREATE);
    if (!err)
        err = set_up(&made, path);
    if (err) {
        if (err != ERR_UNSUPPORTED)
            log_error(kind->room, "%s cannot be opened: %s", path,
                      made.handle ? sqlite3_errmsg(made.handle) : "out of memory");
        db_close(&made);
        return err;
    }
    *db = made;
    return 0;
}

int db_open_read(struct db *db, const char *path, const struct db_kind *kind)
{
    struct db made;
    int err = open_handle(&made, path, kind, 0);
    if (!err)
        err = execf(&made, "PRAGMA query_only=1; PRAGMA cache_size=-%d", kind->read_cache_kib);
    if (err) {
        db_close(&made);
        return err;
    }
    *db = made;
    return 0;
}

void db_close(struct db *db)
{
    for (int i = 0; i < DB_STATEMENTS_MAX; i++)
        sqlite3_finalize(db->statements[i]);
    for (int p = 0; p < DB_PARTS_MAX; p++)
        for (int i = 0; i < DB_PART_STATEMENTS_MAX; i++)
            sqlite3_finalize(db->of_parts[p][i]);
    sqlite3_close(db->handle);
    *db = (struct db){0};
}

void db_bind_text(sqlite3_stmt *s, int at, struct slice text)
{
    sqlite3_bind_text64(s, at, text.p ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *s, int at, struct slice bytes)
{
    sqlite3_bind_blob64(s, at, bytes.p ? bytes.p : "", bytes.n, SQLITE_STATIC);
}

struct slice db_column(sqlite3_stmt *s, int at)
{
    const char *p = sqlite3_column_blob(s, at); /* before the length, which may convert */
    return slice_of(p ? p : "", p ? (size_t)sqlite3_column_bytes(s, at) : 0);
}

enum { POOL_MAX = 8 };

struct db_pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    char *path;
    const struct db_kind *kind;
    struct db connections[POOL_MAX];
    bool lent[POOL_MAX];
    int max;
};

int db_pool_new(const char *path, const struct db_kind *kind, int max, struct db_pool **ret)
{
    assert(max > 0 && max <= POOL_MAX);
    struct db_pool *p = calloc(1, sizeof *p);
    char *copy = strdup(path);
    if (!p || !copy) {
        free(p);
        free(copy);
        return ERR_NOMEM;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->given, NULL);
    p->path = copy;
    p->kind = kind;
    p->max = max;
    *ret = p;
    return 0;
}

void db_pool_free(struct db_pool *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->max; i++) {
        assert(!p->lent[i]);
        db_close(&p->connections[i]);
    }
    pthread_cond_destroy(&p->given);
    pthread_mutex_destroy(&p->lock);
    free(p->path);
    free(p);
}

/* A free place, an open connection before an empty one; -1: all are lent. */
static int free_place(const struct db_pool *p)
{
    int empty = -1;
    for (int i = 0; i < p->max; i++) {
        if (p->lent[i])
            continue;
        if (p->connections[i].handle)
            return i;
        if (empty < 0)
            empty = i;
    }
    return empty;
}

int db_pool_take(struct db_pool *p, struct db **ret)
{
    pthread_mutex_lock(&p->lock);
    int at;
    while ((at = free_place(p)) < 0)
        pthread_cond_wait(&p->given, &p->lock);
    p->lent[at] = true;
    pthread_mutex_unlock(&p->lock);

    struct db *db = &p->connections[at];
    if (!db->handle) {
        int err = db_open_read(db, p->path, p->kind);
        if (err) {
            *db = (struct db){0};
            db_pool_give(p, db);
            return err;
        }
    }
    *ret = db;
    return 0;
}

void db_pool_give(struct db_pool *p, struct db *db)
{
    if (!db)
        return;
    if (db->handle)
        db_rollback(db); /* ends what it was reading, so that the WAL can be reused */
    pthread_mutex_lock(&p->lock);
    p->lent[db - p->connections] = false;
    pthread_cond_signal(&p->given);
    pthread_mutex_unlock(&p->lock);
}
