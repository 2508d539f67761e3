/* history_bytes.c - how much of the file each series takes. */
#include "base/clock.h"
#include "store/history_internal.h"

static int add_sum(struct db *db, int sql, int column, uint32_t series, uint64_t *bytes)
{
    sqlite3_stmt *s = db_stmt(db, sql);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, series);
    int err = sqlite3_step(s) == SQLITE_ROW ? 0 : db_error(db);
    if (!err)
        *bytes += (uint64_t)sqlite3_column_int64(s, column);
    sqlite3_reset(s);
    return err;
}

int history_series_bytes(struct history *h, const uint32_t *series, size_t n, uint64_t *bytes,
                         int64_t budget_us, size_t *ret_done)
{
    struct db *db;
    int64_t end_us = clock_mono_us() + budget_us;
    size_t done = 0;
    int err = db_pool_take(h->readers, &db);
    if (err)
        return err;
    while (done < n && !err && (!done || clock_mono_us() < end_us)) {
        bytes[done] = 0;
        err = add_sum(db, SQL_SUM_OPEN, 2, series[done], &bytes[done]);
        if (!err)
            err = add_sum(db, SQL_SUM_DONE, 2, series[done], &bytes[done]);
        if (!err)
            err = add_sum(db, SQL_SUM_ROLLUPS, 1, series[done], &bytes[done]);
        done += !err;
    }
    db_pool_give(h->readers, db);
    *ret_done = done;
    return err;
}
