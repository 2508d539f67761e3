/* Taking readings out: a range of time, from chunks and roll-ups. */
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <assert.h>
#include <stdlib.h>

struct touched {
    int64_t id, t_min, t_max, n, bytes;
};

static int list_chunks(struct history *h, uint32_t series, int64_t from, int64_t to,
                       struct touched **ret, size_t *ret_n)
{
    size_t cap = 0, n = 0;
    struct touched *list = NULL;
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_CHUNKS_OF);
    if (!s)
        return db_error(&h->writer);
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int64(s, 2, from);
    sqlite3_bind_int64(s, 3, to);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (n == cap) {
            cap = cap ? 2 * cap : 16;
            struct touched *more = realloc(list, cap * sizeof *more);
            if (!more) {
                code = SQLITE_NOMEM;
                break;
            }
            list = more;
        }
        list[n++] = (struct touched){
            .id = sqlite3_column_int64(s, 0),
            .t_min = sqlite3_column_int64(s, 1),
            .t_max = sqlite3_column_int64(s, 2),
            .n = sqlite3_column_int64(s, 3),
            .bytes = sqlite3_column_int64(s, 4),
        };
    }
    sqlite3_reset(s);
    int err = db_map_error(code);
    if (err) {
        free(list);
        return err;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

static int remove_chunk(struct history *h, const struct touched *c, struct history_totals *totals)
{
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_DELETE);
    if (s)
        sqlite3_bind_int64(s, 1, c->id);
    totals->chunks--;
    totals->points -= c->n;
    totals->bytes -= c->bytes;
    return db_run(&h->writer, s);
}

static int read_points(struct history *h, int64_t id, struct chunk_points *ret)
{
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_DATA);
    if (!s)
        return db_error(&h->writer);
    sqlite3_bind_int64(s, 1, id);
    int code = sqlite3_step(s);
    int err = code == SQLITE_ROW ? chunk_decode(db_column(s, 0), ret) : db_error(&h->writer);
    sqlite3_reset(s);
    return err;
}

/* A chunk of which something stays keeps its id, and so its rank among writes. */
static int cut_chunk(struct history *h, const struct touched *c, int64_t from, int64_t to,
                     struct chunk_points *points, struct history_totals *totals)
{
    int err = read_points(h, c->id, points);
    if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
        log_error("history", "chunk %lld is damaged and left as it is", (long long)c->id);
        return 0;
    }
    if (err)
        return err;
    size_t kept = 0;
    for (size_t i = 0; i < points->n; i++)
        if (points->points[i].t_us < from || points->points[i].t_us >= to)
            points->points[kept++] = points->points[i];
    if (kept == points->n)
        return 0;
    if (!kept)
        return remove_chunk(h, c, totals);
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_CHUNK_SET);
    if (!s)
        return db_error(&h->writer);
    err = history_bind_chunk(h, s, 2, points->points, kept, CHUNK_MEDIUM);
    if (err)
        return err;
    sqlite3_bind_int64(s, 1, c->id);
    totals->points -= c->n - (int64_t)kept;
    totals->bytes -= c->bytes - (int64_t)h->encoded.n;
    return db_run(&h->writer, s);
}

int history_raw_cut(struct history *h, uint32_t series, int64_t from, int64_t to,
                    struct history_totals *totals)
{
    struct touched *list = NULL;
    struct chunk_points points = {0};
    size_t n = 0;
    int err = list_chunks(h, series, from, to, &list, &n);
    for (size_t i = 0; i < n && !err; i++) {
        const struct touched *c = &list[i];
        bool whole = c->t_min >= from && c->t_max < to;
        err = whole ? remove_chunk(h, c, totals) : cut_chunk(h, c, from, to, &points, totals);
    }
    chunk_points_release(&points);
    free(list);
    return err;
}

/* ---- the newest that is left ---- */

static int take_newest(void *arg, const struct history_run *run)
{
    struct point *to = arg;
    point_release(to);
    const struct point *newest = &run->points[run->n - 1];
    return point_make(newest->t_us, point_value(newest), newest->quality, to);
}

/* *ret of type VALUE_NONE: there is none. */
static int find_newest(struct history *h, uint32_t series, struct point *ret)
{
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_NEWEST);
    if (!s)
        return db_error(&h->writer);
    sqlite3_bind_int64(s, 1, series);
    int code = sqlite3_step(s);
    bool any = code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
    int64_t t = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (code != SQLITE_ROW)
        return db_error(&h->writer);
    struct history_taker taker = {.run = take_newest, .arg = ret};
    struct history_ask ask = {.series = series, .from = t, .to = t + 1, .taker = &taker};
    int err = any ? history_scan_on(&h->writer, &ask) : 0;
    return err == ERR_CORRUPT ? 0 : err;
}

/* ---- a range ---- */

static int collect(void *arg, const struct rollup *b)
{
    return rollups_push_copy(arg, b);
}

/* What a finer tier has of a bucket that the range cut. */
static int remake(struct history_view *v, int finer, int64_t from, int64_t to, struct rollups *ret)
{
    struct rollups parts = {0};
    int err = history_stored_rollups(v, finer, from, to, collect, &parts);
    struct rollup *b = !err && parts.n ? rollups_push(ret, from) : NULL;
    if (!err && parts.n && !b)
        err = ERR_NOMEM;
    for (size_t i = 0; i < parts.n && !err; i++)
        err = rollup_add(b, &parts.items[i]);
    rollups_release(&parts);
    return err;
}

static int count_rollup(void *arg, const struct rollup *b)
{
    *(uint64_t *)arg += b->n;
    return 0;
}

/* What goes of a tier; *ret_n becomes how many readings it spoke of. */
static int cut_tier(struct history *h, struct history_view *v, int tier, int finer,
                    struct history_range range, struct history_totals *totals, uint64_t *ret_n)
{
    const int64_t width = rollup_width_us[tier], split = rollup_floor(v->state.raw_from, width);
    int64_t low = rollup_floor(range.from, width), high = rollup_ceil(range.to, width);
    struct rollups left = {0};
    uint64_t had = 0, has = 0;
    high = high < split ? high : split;
    if (low >= high)
        return 0;
    int err = history_stored_rollups(v, tier, low, high, count_rollup, &had);
    if (finer >= 0 && !err) /* of the others nothing is left */
        err = remake(v, finer, low, low + width, &left);
    if (finer >= 0 && !err && low < high - width)
        err = remake(v, finer, high - width, high, &left);
    if (!err)
        err = history_put_rollups(h, v->series, tier, low, high, &left, totals);
    for (size_t i = 0; i < left.n; i++)
        has += left.items[i].n;
    *ret_n = had > has ? had - has : 0;
    rollups_release(&left);
    return err;
}

/* Where readings have expired nothing says which share of a bucket was in the range: a bucket of
 * which a part was goes, unless a finer tier has the rest.  The widest tier goes back furthest, and
 * says how many readings that were. */
static int cut_expired(struct history *h, struct history_view *v, int64_t from, int64_t to,
                       struct history_totals *totals, uint64_t *ret_n)
{
    int err = 0, finer = -1;
    for (int tier = 0; tier < ROLLUP_TIERS && !err; tier++) {
        if (!(v->state.tiers & 1 << tier))
            continue;
        err = cut_tier(h, v, tier, finer, (struct history_range){from, to}, totals, ret_n);
        finer = tier;
    }
    return err;
}

static int count_run(void *arg, const struct history_run *run)
{
    *(uint64_t *)arg += run->n;
    return 0;
}

static int64_t count_until(void *arg, int64_t t, int64_t t_max)
{
    (void)arg, (void)t;
    return t_max + 1; /* how many they are is all there is to know */
}

/* Readings of a range.  Chunks have more points: of one that was corrected, each that was said. */
static int count_readings(struct history *h, uint32_t series, int64_t from, int64_t to,
                          uint64_t *ret_n)
{
    struct history_taker taker = {
        .run = count_run, .until = count_until, .columns = true, .arg = ret_n};
    struct history_ask ask = {.series = series, .from = from, .to = to, .taker = &taker};
    int err = history_scan_on(&h->writer, &ask);
    return err == ERR_CORRUPT ? 0 : err;
}

static int delete_range(struct history *h, uint32_t series, int64_t from, int64_t to,
                        struct history_totals *totals, uint64_t *ret_n, struct point *ret_newest)
{
    struct history_view v = {.db = &h->writer, .series = series};
    uint64_t rolled = 0;
    int err = history_state_read(&h->writer, series, &v.state);
    if (err || !v.state.known)
        return err;
    err = count_readings(h, series, from, to, ret_n);
    if (!err)
        err = history_raw_cut(h, series, from, to, totals);
    if (!err && v.state.tiers && from < v.state.raw_from)
        err = cut_expired(h, &v, from, to, totals, &rolled);
    *ret_n += rolled;
    int64_t low = from > v.state.raw_from ? from : v.state.raw_from;
    int64_t high = to < v.state.rolled ? to : v.state.rolled;
    if (!err && v.state.is_rolled && low < high)
        err = history_mark_dirty(h, series, low, high);
    if (!err)
        err = find_newest(h, series, ret_newest);
    if (!err && v.state.t >= from && v.state.t < to)
        err = history_write_last(h, series, ret_newest->type ? ret_newest : NULL);
    return err;
}

int history_delete(struct history *h, uint32_t series, int64_t from, int64_t to, uint64_t *ret_n,
                   struct point *ret_newest)
{
    struct history_totals totals = history_totals(h);
    uint64_t readings = 0;
    struct point newest = {0};
    int err = db_begin(&h->writer);
    if (!err)
        err = delete_range(h, series, from, to, &totals, &readings, &newest);
    if (!err)
        err = history_commit(h, &totals);
    if (err) {
        db_rollback(&h->writer);
        point_release(&newest);
        return err;
    }
    *ret_n = readings;
    *ret_newest = newest;
    return 0;
}
