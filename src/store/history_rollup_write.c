/* Storing roll-ups: the rows that a range touches are taken out, and written again with the new
 * buckets in the place of the old.  A short row before the range is taken up too, so that a series
 * that grows has full rows and one short one. */
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <stdlib.h>

enum { ROW_FEW = 32 }; /* a rest so small is not left alone */

struct rewrite {
    struct history *h;
    struct history_totals *totals;
    uint32_t series;
    int tier;
    int64_t from, to;
    struct rollups before, behind; /* of the rows taken out, what is outside of the range */
    struct buf row;
};

static int remove_row(struct rewrite *w, int64_t t_us, size_t bytes)
{
    sqlite3_stmt *s = db_stmt(&w->h->writer, SQL_ROLLUP_REMOVE);
    if (s) {
        sqlite3_bind_int64(s, 1, w->series);
        sqlite3_bind_int(s, 2, w->tier);
        sqlite3_bind_int64(s, 3, t_us);
    }
    w->totals->rollup_rows--;
    w->totals->rollup_bytes -= (int64_t)bytes;
    return db_run(&w->h->writer, s);
}

/* Keep of a row what is outside of the range.  A damaged row has nothing that could be kept. */
static int keep_outside(struct rewrite *w, struct slice row)
{
    struct rollups list = {0};
    int err = rollup_decode(row, &list);
    if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
        log_error("history", "a damaged roll-up of series %u (tier %d) is replaced", w->series,
                  w->tier);
        err = 0;
    }
    for (size_t i = 0; i < list.n && !err; i++) {
        const struct rollup *b = &list.items[i];
        if (b->t_us < w->from)
            err = rollups_push_copy(&w->before, b);
        else if (b->t_us >= w->to)
            err = rollups_push_copy(&w->behind, b);
    }
    rollups_release(&list);
    return err;
}

/* The row that begins before the range, when it reaches into it or has room. */
static int take_before(struct rewrite *w, bool join)
{
    sqlite3_stmt *s = db_stmt(&w->h->writer, SQL_ROLLUP_BEFORE);
    if (!s)
        return db_error(&w->h->writer);
    sqlite3_bind_int64(s, 1, w->series);
    sqlite3_bind_int(s, 2, w->tier);
    sqlite3_bind_int64(s, 3, w->from);
    int code = sqlite3_step(s);
    if (code != SQLITE_ROW) {
        sqlite3_reset(s);
        return db_map_error(code);
    }
    int64_t t_us = sqlite3_column_int64(s, 0), t_last = sqlite3_column_int64(s, 1);
    bool take = t_last >= w->from || (join && sqlite3_column_int64(s, 2) < ROLLUP_ROW_MAX);
    struct slice row = db_column(s, 3);
    int err = take ? keep_outside(w, row) : 0;
    sqlite3_reset(s);
    return err || !take ? err : remove_row(w, t_us, row.n);
}

/* One row that begins in the range; *ret_any: there was one. */
static int take_one(struct rewrite *w, bool *ret_any)
{
    sqlite3_stmt *s = db_stmt(&w->h->writer, SQL_ROLLUP_LIST);
    if (!s)
        return db_error(&w->h->writer);
    sqlite3_bind_int64(s, 1, w->series);
    sqlite3_bind_int(s, 2, w->tier);
    sqlite3_bind_int64(s, 3, w->from);
    sqlite3_bind_int64(s, 4, w->to);
    int code = sqlite3_step(s);
    *ret_any = code == SQLITE_ROW;
    if (!*ret_any) {
        sqlite3_reset(s);
        return db_map_error(code);
    }
    int64_t t_us = sqlite3_column_int64(s, 0);
    struct slice row = db_column(s, 3);
    int err = sqlite3_column_int64(s, 1) >= w->to ? keep_outside(w, row) : 0;
    sqlite3_reset(s);
    return err ? err : remove_row(w, t_us, row.n);
}

static int write_row(struct rewrite *w, const struct rollup *b, size_t n)
{
    buf_clear(&w->row);
    int err = rollup_encode(b, n, &w->row);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(&w->h->writer, SQL_ROLLUP_PUT);
    if (s) {
        sqlite3_bind_int64(s, 1, w->series);
        sqlite3_bind_int(s, 2, w->tier);
        sqlite3_bind_int64(s, 3, b[0].t_us);
        sqlite3_bind_int64(s, 4, b[n - 1].t_us);
        sqlite3_bind_int64(s, 5, (int64_t)n);
        db_bind_blob(s, 6, buf_slice(&w->row));
    }
    w->totals->rollup_rows++;
    w->totals->rollup_bytes += (int64_t)w->row.n;
    return db_run(&w->h->writer, s);
}

static int write_rows(struct rewrite *w, const struct rollups *list)
{
    size_t n = w->before.n + list->n + w->behind.n, at = 0;
    /* side by side without copies: whose texts they are does not change */
    struct rollup *all = n ? malloc(n * sizeof *all) : NULL;
    const struct rollups *const parts[] = {&w->before, list, &w->behind};
    if (n && !all)
        return ERR_NOMEM;
    for (int i = 0; i < 3; i++) {
        if (parts[i]->n)
            memcpy(all + at, parts[i]->items, parts[i]->n * sizeof *all);
        at += parts[i]->n;
    }
    int err = 0;
    for (size_t from = 0, some; from < n && !err; from += some) {
        some = n - from;
        if (some > ROLLUP_ROW_MAX)
            some = some < ROLLUP_ROW_MAX + ROW_FEW ? some / 2 : ROLLUP_ROW_MAX;
        err = write_row(w, all + from, some);
    }
    free(all);
    return err;
}

int history_put_rollups(struct history *h, uint32_t series, int tier, int64_t from, int64_t to,
                        const struct rollups *list, struct history_totals *totals)
{
    struct rewrite w = {
        .h = h, .totals = totals, .series = series, .tier = tier, .from = from, .to = to};
    bool any = true;
    int err = take_before(&w, list->n > 0);
    while (!err && any)
        err = take_one(&w, &any);
    if (!err)
        err = write_rows(&w, list);
    rollups_release(&w.before);
    rollups_release(&w.behind);
    buf_release(&w.row);
    return err;
}
