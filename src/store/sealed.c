/* sealed.c - a walk over the tables that may hold records with secrets: all but those of twins,
 * which are many and hold none.  A table that somebody adds is looked at without being told. */
#include "store/sealed.h"

#include "base/err.h"
#include "store/catalog_look.h"
#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>

static const char tables_sql[] =
    "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'"
    " AND name NOT LIKE 'audit%' AND name NOT IN"
    " ('twin','document','layout','series','meta','brief')";

/* The value of the column of this name; p NULL when there is none, or it is no text. */
static struct slice column_named(sqlite3_stmt *s, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        if (strcmp(sqlite3_column_name(s, i), name) == 0 &&
            sqlite3_column_type(s, i) == SQLITE_TEXT)
            return db_column(s, i);
    }
    return (struct slice){0};
}

static void look_in(struct slice text, struct slice what, const struct sealed_watch *w)
{
    static const struct slice mark = SLICE_LIT(SEAL_PREFIX);
    const char *at;
    while (text.n && (at = memmem(text.p, text.n, mark.p, mark.n))) {
        text = slice_skip(text, (size_t)(at - text.p));
        struct slice key = seal_key_of(text);
        if (key.p)
            w->found(w->arg, key, what);
        text = slice_skip(text, mark.n);
    }
}

static void look_at_row(sqlite3_stmt *s, const char *table, const struct sealed_watch *w)
{
    char what[128];
    struct slice kind = column_named(s, "kind"), id = column_named(s, "id");
    if (!kind.p) /* records have numbers for it */
        kind = slice_str(w->kind && strcmp(table, "record") == 0 ? w->kind(sqlite3_column_int(s, 0))
                                                                 : table);
    snprintf(what, sizeof what, "%.*s%s%.*s", SLICE_ARG(kind), id.p ? " " : "", SLICE_ARG(id));
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        int type = sqlite3_column_type(s, i);
        if (type == SQLITE_TEXT || type == SQLITE_BLOB)
            look_in(db_column(s, i), slice_str(what), w);
    }
}

static int look_at_table(sqlite3 *db, const char *table, const struct sealed_watch *w)
{
    sqlite3_stmt *s = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    int code = sql ? sqlite3_prepare_v2(db, sql, -1, &s, NULL) : SQLITE_NOMEM;
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        if (code == SQLITE_ROW)
            look_at_row(s, table, w);
    }
    sqlite3_finalize(s);
    sqlite3_free(sql);
    return code;
}

int sealed_survey(const char *data, const struct sealed_watch *w)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int err = catalog_look_open(data, &db);
    if (err)
        return err;
    int code = sqlite3_prepare_v2(db, tables_sql, -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        if ((code = sqlite3_step(s)) != SQLITE_ROW)
            break;
        int table = look_at_table(db, (const char *)sqlite3_column_text(s, 0), w);
        if (table != SQLITE_DONE)
            code = table;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    return db_map_error(code);
}
