/* db.h - what catalog and history share about SQLite: opening, versions, statements, errors.
 *
 * Private to the store.  A struct db is one connection with its prepared statements and belongs to
 * one thread at a time; a pool lends connections for reading to any thread.  Everything blocks. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/slice.h"

#include <sqlite3.h>

enum { DB_STATEMENTS_MAX = 64, DB_PARTS_MAX = 16, DB_PART_STATEMENTS_MAX = 32 };

/* Tables of a file that belong together, and what is asked of them: for files that several keep
 * things in.  The schema is CREATE ... IF NOT EXISTS, run at every opening for writing, so a part
 * that a new program brings along needs no step; a change of a table is a step as ever. */
struct db_part {
    const char *schema;
    const char *const *sql;
    int sql_n;
};

/* What a file of ours is. */
struct db_kind {
    const char *room; /* for the log */
    const char *what; /* "catalog": for sentences */
    int application_id;
    int version;              /* the newest schema that this program knows */
    const char *const *steps; /* steps[i] makes version i + 1 of version i */
    int page_bytes;
    int write_cache_kib, read_cache_kib;
    const char *const *sql; /* the statements, by number */
    int sql_n;
    const struct db_part *const *parts; /* ended by NULL; or NULL */
};

struct db {
    sqlite3 *handle;
    const struct db_kind *kind;
    sqlite3_stmt *statements[DB_STATEMENTS_MAX];
    sqlite3_stmt *of_parts[DB_PARTS_MAX][DB_PART_STATEMENTS_MAX];
};

/* Open for writing, make or upgrade the schema, WAL and synchronous=FULL.  ERR_CORRUPT: not a
 * database, damaged, or somebody else's; ERR_UNSUPPORTED: written by a newer program.  Both are
 * logged with the path. */
int db_open(struct db *db, const char *path, const struct db_kind *kind);
int db_open_read(struct db *db, const char *path, const struct db_kind *kind);
void db_close(struct db *db); /* also one of all zeroes */

/* Statement number i, reset and without bindings; NULL when it could not be prepared, and then
 * db_error() says why. */
sqlite3_stmt *db_stmt(struct db *db, int i);
sqlite3_stmt *db_part_stmt(struct db *db, const struct db_part *part,
                           int i);  /* the same of a part */
int db_error(struct db *db);        /* the ERR_* of the last failure */
int db_map_error(int sqlite_error); /* the ERR_* of SQLite's code; 0 for SQLITE_OK and DONE */

/* Step a statement that gives no rows, and reset it. */
int db_run(struct db *db, sqlite3_stmt *s);
int db_exec(struct db *db, const char *sql);
int db_begin(struct db *db);
int db_commit(struct db *db);    /* on failure nothing of the transaction is kept */
void db_rollback(struct db *db); /* also when there is none */

void db_bind_text(sqlite3_stmt *s, int at, struct slice text); /* the bytes must live until reset */
void db_bind_blob(sqlite3_stmt *s, int at, struct slice bytes);
struct slice db_column(sqlite3_stmt *s, int at); /* text or blob; lives until the next step */

struct db_pool; /* opaque */
int db_pool_new(const char *path, const struct db_kind *kind, int max, struct db_pool **ret);
void db_pool_free(struct db_pool *p); /* none may be lent */

/* Waits while all are lent.  A connection is opened when first needed. */
int db_pool_take(struct db_pool *p, struct db **ret);
void db_pool_give(struct db_pool *p, struct db *db); /* NULL too */

#endif
