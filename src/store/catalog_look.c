#include "store/catalog_look.h"

#include "base/err.h"
#include "store/db.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

int catalog_look_open(const char *data, struct sqlite3 **ret)
{
    char path[PATH_MAX];
    struct stat st;
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/catalog.db", data);
    if (stat(path, &st) != 0)
        return ERR_NOT_FOUND;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(db, 10000);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "PRAGMA query_only=1; BEGIN", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        sqlite3_close(db);
        return db_map_error(code);
    }
    *ret = db;
    return 0;
}

int catalog_look(const char *data, catalog_record_fn *fn, void *arg)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int err = catalog_look_open(data, &db);
    if (err)
        return err;
    int code =
        sqlite3_prepare_v2(db, "SELECT kind, id, doc FROM record ORDER BY kind, id", -1, &s, NULL);
    while (!err && (code == SQLITE_OK || code == SQLITE_ROW)) {
        if ((code = sqlite3_step(s)) == SQLITE_ROW)
            err = fn(arg, sqlite3_column_int(s, 0), db_column(s, 1), db_column(s, 2));
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    return err ? err : db_map_error(code);
}
