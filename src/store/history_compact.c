#include "store/history_compact.h"

#include "base/crc32c.h"
#include "base/err.h"

#include <stdlib.h>

/* Rows that are taken over as they are.  The order of chunks is that of their ids. */
enum { ROWS_CHUNK, ROWS_ROLLUP, ROWS_LAST, ROWS_DIRTY, ROWS };

#define CHUNK_COLUMNS                                                                              \
    "series, line, open, t_min, t_max, span, n, weight, type, numbers, least, greatest, sum,"      \
    " first, last, data"
#define LAST_COLUMNS                                                                               \
    "series, t, edge, point, rolled, raw_from, kept_from, tiers, late_from, late_at, late_since"

static const struct {
    const char *select, *insert, *remove;
} row_sql[ROWS] = {
    [ROWS_CHUNK] = {"SELECT " CHUNK_COLUMNS " FROM"
                    " (SELECT * FROM chunk WHERE open=1 AND series=?1 UNION ALL"
                    " SELECT * FROM chunk WHERE open=0 AND series=?1) ORDER BY id",
                    "INSERT INTO chunk(" CHUNK_COLUMNS
                    ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
                    "DELETE FROM chunk WHERE id>=?1"},
    [ROWS_ROLLUP] = {"SELECT series, tier, t, t_last, n, data FROM rollup WHERE series=?1",
                     "INSERT INTO rollup(series, tier, t, t_last, n, data)"
                     " VALUES(?1,?2,?3,?4,?5,?6)",
                     "DELETE FROM rollup WHERE series=?1"},
    [ROWS_LAST] = {"SELECT " LAST_COLUMNS " FROM last WHERE series=?1",
                   "INSERT INTO last(" LAST_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
                   "DELETE FROM last WHERE series=?1"},
    [ROWS_DIRTY] = {"SELECT series, t_from, t_to FROM dirty WHERE series=?1",
                    "INSERT INTO dirty(series, t_from, t_to) VALUES(?1,?2,?3)",
                    "DELETE FROM dirty WHERE series=?1"},
};

struct compact_copy {
    struct history *from, *to;
    struct history_totals totals;
    sqlite3_stmt *select[ROWS], *insert[ROWS], *remove[ROWS];
    /* the series at hand */
    uint32_t series;
    enum chunk_level level;
    struct point points[CHUNK_POINTS_MAX]; /* read, not written yet; texts are their own */
    size_t n;
    bool has_edge;
    int64_t edge;
};

/* ---- digests ---- */

static uint32_t digest_value(uint32_t crc, const struct point *p)
{
    struct {
        int64_t t_us;
        uint64_t bits;
        uint8_t type, quality, zero[6];
    } fixed = {.t_us = p->t_us, .type = p->type, .quality = p->quality};
    struct value v = point_value(p);
    switch (p->type) {
    case VALUE_DOUBLE:
        memcpy(&fixed.bits, &v.as.d, sizeof fixed.bits);
        break;
    case VALUE_INT:
        fixed.bits = (uint64_t)v.as.i;
        break;
    case VALUE_BOOL:
        fixed.bits = v.as.b;
        break;
    case VALUE_TEXT:
        fixed.bits = v.as.text.n;
        break;
    default:
        break;
    }
    crc = crc32c(crc, &fixed, sizeof fixed);
    return p->type == VALUE_TEXT ? crc32c(crc, v.as.text.p, v.as.text.n) : crc;
}

static void digest_points(struct compact_digest *d, const struct point *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct value v = point_value(&p[i]);
        d->points_crc = digest_value(d->points_crc, &p[i]);
        d->sum += value_is_number(v) ? value_as_double(v) : 0;
    }
    d->points += n;
}

static void digest_rollups(struct compact_digest *d, const struct rollup *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct point *const ends[] = {&b[i].low, &b[i].high, &b[i].first, &b[i].last};
        double sum = b[i].sum + b[i].lost;
        uint32_t crc = crc32c(d->rollups_crc, &b[i].t_us, sizeof b[i].t_us);
        crc = crc32c(crc, &b[i].n, sizeof b[i].n);
        crc = crc32c(crc, &b[i].numbers, sizeof b[i].numbers);
        crc = crc32c(crc, &sum, sizeof sum);
        for (size_t k = 0; k < 4; k++)
            crc = digest_value(crc, ends[k]);
        d->rollups_crc = crc;
    }
    d->rollups += n;
}

static int take_digest(void *arg, const struct history_run *run)
{
    digest_points(arg, run->points, run->n);
    return 0;
}

/* All readings of a series; the taker hears what is not damaged. */
static int scan_all(struct db *db, uint32_t series, struct history_taker *taker, bool *damaged)
{
    struct history_ask ask = {.series = series, .from = INT64_MIN, .to = INT64_MAX, .taker = taker};
    int err = history_scan_on(db, &ask);
    *damaged |= err == ERR_CORRUPT;
    return err == ERR_CORRUPT ? 0 : err;
}

/* Every row of roll-ups, in order of tier and time, decoded; those that are damaged are counted. */
static int each_rollup_row(sqlite3_stmt *rows, struct compact_digest *d,
                           int (*fn)(void *arg, int tier, const struct rollups *row), void *arg)
{
    struct rollups list = {0};
    int code = SQLITE_DONE, err = 0;
    while (!err && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        rollups_clear(&list);
        err = rollup_decode(db_column(rows, 5), &list);
        if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
            d->damaged = true;
            err = 0;
            continue;
        }
        digest_rollups(d, list.items, list.n);
        if (!err && fn)
            err = fn(arg, sqlite3_column_int(rows, 1), &list);
    }
    rollups_release(&list);
    sqlite3_reset(rows);
    return err ? err : db_map_error(code);
}

int compact_digest_of(struct db *db, uint32_t series, struct compact_digest *ret)
{
    struct compact_digest d = {.series = series};
    struct history_taker taker = {.run = take_digest, .arg = &d};
    int err = scan_all(db, series, &taker, &d.damaged);
    sqlite3_stmt *rows = NULL;
    if (!err && sqlite3_prepare_v2(db->handle, row_sql[ROWS_ROLLUP].select, -1, &rows, NULL))
        err = db_error(db);
    if (!err) {
        sqlite3_bind_int64(rows, 1, series);
        err = each_rollup_row(rows, &d, NULL, NULL);
    }
    sqlite3_finalize(rows);
    if (!err)
        *ret = d;
    return err;
}

/* ---- rows as they are ---- */

static int copy_rows(struct compact_copy *c, int what)
{
    sqlite3_stmt *from = c->select[what], *to = c->insert[what];
    int code, put = SQLITE_DONE;
    sqlite3_bind_int64(from, 1, c->series);
    while ((code = sqlite3_step(from)) == SQLITE_ROW && put == SQLITE_DONE) {
        for (int i = 0; i < sqlite3_column_count(from); i++)
            sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        put = sqlite3_step(to);
        sqlite3_reset(to);
    }
    sqlite3_reset(from);
    sqlite3_clear_bindings(to);
    return put == SQLITE_DONE ? db_map_error(code) : db_map_error(put);
}

static int remove_rows(struct compact_copy *c, int what, int64_t key)
{
    sqlite3_bind_int64(c->remove[what], 1, key);
    return db_run(&c->to->writer, c->remove[what]);
}

/* ---- chunks ---- */

static void drop_points(struct compact_copy *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        point_release(&c->points[i]);
    c->n -= n;
    memmove(c->points, c->points + n, c->n * sizeof *c->points);
}

/* One chunk of what has gathered.  rest: nothing comes behind it. */
static int write_chunk(struct compact_copy *c, bool rest)
{
    size_t n = history_cut(c->points, c->n);
    struct history_place at = {c->series, LINE_FRESH,
                               rest && n == c->n && !history_is_done(c->points, n)};
    int err = history_insert_chunk(c->to, &at, c->points, n, c->level, &c->totals);
    if (!at.open) {
        c->has_edge = true;
        c->edge = c->points[n - 1].t_us;
    }
    drop_points(c, n);
    return err;
}

struct gathering {
    struct compact_copy *copy;
    struct compact_digest *digest;
};

static int gather(void *arg, const struct history_run *run)
{
    struct gathering *g = arg;
    struct compact_copy *c = g->copy;
    digest_points(g->digest, run->points, run->n);
    for (size_t i = 0; i < run->n; i++) {
        const struct point *p = &run->points[i];
        int err = c->n == CHUNK_POINTS_MAX ? write_chunk(c, false) : 0;
        if (!err)
            err = point_make(p->t_us, point_value(p), p->quality, &c->points[c->n]);
        if (err)
            return err;
        c->n++;
    }
    return 0;
}

static int write_edge(struct compact_copy *c)
{
    sqlite3_stmt *s = db_stmt(&c->to->writer, SQL_EDGE_SET);
    if (!s)
        return db_error(&c->to->writer);
    if (c->has_edge)
        sqlite3_bind_int64(s, 1, c->edge);
    sqlite3_bind_int64(s, 2, c->series);
    return db_run(&c->to->writer, s);
}

/* A chunk that cannot be read may be of a newer program, and its place among the others matters: a
 * series that has one stays as it is. */
static int copy_chunks(struct compact_copy *c, struct compact_digest *d)
{
    struct gathering g = {c, d};
    struct history_taker taker = {.run = gather, .arg = &g};
    int64_t first_id = c->to->next_id;
    bool damaged = false;
    c->has_edge = false;
    int err = scan_all(&c->from->writer, c->series, &taker, &damaged);
    while (!err && c->n)
        err = write_chunk(c, true);
    drop_points(c, c->n);
    if (err || !damaged)
        return err ? err : write_edge(c);
    d->damaged = true;
    err = remove_rows(c, ROWS_CHUNK, first_id);
    if (!err)
        err = copy_rows(c, ROWS_CHUNK);
    int64_t last_id = sqlite3_last_insert_rowid(c->to->writer.handle);
    c->to->next_id = last_id >= first_id ? last_id + 1 : first_id;
    return err;
}

/* ---- roll-ups ---- */

static int put_rollup_row(void *arg, int tier, const struct rollups *row)
{
    struct compact_copy *c = arg;
    /* fills the row before, which is the last of the tier, first */
    return history_put_rollups(c->to, c->series, tier, row->items[0].t_us,
                               row->items[row->n - 1].t_us + 1, row, &c->totals);
}

static int copy_rollups(struct compact_copy *c, struct compact_digest *d)
{
    bool before = d->damaged;
    d->damaged = false;
    sqlite3_bind_int64(c->select[ROWS_ROLLUP], 1, c->series);
    int err = each_rollup_row(c->select[ROWS_ROLLUP], d, put_rollup_row, c);
    if (!err && d->damaged) {
        err = remove_rows(c, ROWS_ROLLUP, c->series);
        if (!err)
            err = copy_rows(c, ROWS_ROLLUP);
    }
    d->damaged |= before;
    return err;
}

/* ---- all of it ---- */

int compact_copy_series(struct compact_copy *c, uint32_t series, enum chunk_level level,
                        struct compact_digest *ret)
{
    struct compact_digest d = {.series = series};
    c->series = series;
    c->level = level;
    int err = copy_rows(c, ROWS_LAST);
    if (!err)
        err = copy_rows(c, ROWS_DIRTY);
    if (!err)
        err = copy_chunks(c, &d);
    if (!err)
        err = copy_rollups(c, &d);
    if (!err)
        *ret = d;
    return err;
}

static int count_rows(struct history *h, const char *sql, int64_t *counts[3])
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(h->writer.handle, sql, -1, &s, NULL) != SQLITE_OK)
        return db_error(&h->writer);
    int code = sqlite3_step(s);
    for (int i = 0; i < 3 && code == SQLITE_ROW; i++)
        if (counts[i])
            *counts[i] = sqlite3_column_int64(s, i);
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? 0 : db_map_error(code);
}

int compact_copy_end(struct compact_copy *c)
{
    struct history_totals t = history_totals(c->from);
    int err = count_rows(c->to,
                         "SELECT count(*), ifnull(sum(n), 0), ifnull(sum(length(data)), 0)"
                         " FROM chunk",
                         (int64_t *[]){&t.chunks, &t.points, &t.bytes});
    if (!err)
        err = count_rows(c->to, "SELECT count(*), ifnull(sum(length(data)), 0), 0 FROM rollup",
                         (int64_t *[]){&t.rollup_rows, &t.rollup_bytes, NULL});
    return err ? err : history_commit(c->to, &t);
}

int compact_copy_new(struct history *from, struct history *to, struct compact_copy **ret)
{
    struct compact_copy *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->from = from;
    c->to = to;
    to->clock = from->clock; /* what it knows of the time goes with what it has */
    for (int i = 0; i < ROWS; i++) {
        sqlite3 *read = from->writer.handle, *write = to->writer.handle;
        if (sqlite3_prepare_v2(read, row_sql[i].select, -1, &c->select[i], NULL) ||
            sqlite3_prepare_v2(write, row_sql[i].insert, -1, &c->insert[i], NULL) ||
            sqlite3_prepare_v2(write, row_sql[i].remove, -1, &c->remove[i], NULL)) {
            compact_copy_free(c);
            return ERR_CORRUPT;
        }
    }
    int err = db_begin(&to->writer);
    if (err) {
        compact_copy_free(c);
        return err;
    }
    *ret = c;
    return 0;
}

void compact_copy_free(struct compact_copy *c)
{
    if (!c)
        return;
    drop_points(c, c->n);
    for (int i = 0; i < ROWS; i++) {
        sqlite3_finalize(c->select[i]);
        sqlite3_finalize(c->insert[i]);
        sqlite3_finalize(c->remove[i]);
    }
    free(c);
}
