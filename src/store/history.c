/* Tables of history.db, version 2.
 *
 *   chunk   one row a chunk: id, series, line, open, t_min, t_max (both included), span, n, weight,
 *           type, then of its numbers the count, least, greatest, sum, first and last (NULL where
 *           there is none), then the bytes (codec/chunk.h)
 *   last    one row a series: its newest point as a chunk of one point (empty: there is none any
 *           more), its edge, and (struct history_state) up to where it is rolled up, what has
 *           expired, the tiers it keeps, and what came late
 *   rollup  up to 256 buckets of a tier of a series: first and last time, n, the bytes (rollup.c)
 *   dirty   stretches of time of a series in which roll-ups do not hold (history_rollup.c)
 *   meta    checkpoint: the journal is in here up to this number; how far a flush under way is
 *           (history_flush.c); a time that has been; and running totals
 *
 * WRITTEN LATER WINS.  Ids rise with every write, and of two points of one time the one in the
 * chunk of the higher id holds.  Taking up an old chunk gives its points a new id, so it must not
 * overtake anything written in between; two rules see to that.
 *
 * First, a series has two lines of chunks.  Its edge is the end of the newest finished chunk.
 * Points behind the edge go to the line of fresh ones (0), which is how nearly all points come;
 * points up to the edge, late ones, go to the other (1).  So the open chunks of the fresh line
 * never share a time with anything outside it, and a late chunk is always younger than the finished
 * ones it corrects.
 *
 * Second, within a line the open chunks are a stack in order of writing, and only its top is taken
 * up.  A flush of m points takes up the top while it has at most 2m points, m growing as it goes:
 * so sizes at least double down the stack, there are a dozen open chunks at most however slow the
 * sensor, and a point is written again about log2(4096) times, not once a flush.  When what came
 * together has 2,048 points or 256 KiB of text, everything open is taken up and finished in chunks
 * of 4,096 points; only a small rest stays open.  Only a chunk that moves the stack's bottom
 * finishes, so nothing open is older than what is finished.
 *
 * FINDING.  Finished chunks are indexed by (series, span, t_min), span being the length in time in
 * powers of 16: in a class of length L only chunks with from - L < t_min < to can overlap, so a
 * scan reads its window of the index, whatever overlaps.  Open chunks have an index of their own,
 * so that a flush touches the large one only when a chunk is finished.
 *
 * A damaged chunk is passed over and stays where it is.
 *
 * VERSIONS.  1 had no roll-ups: no tables rollup and dirty, and last ended with the point. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define KNOWN_EVERY_US INT64_C(10000000)

static const char *const steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, line INTEGER NOT NULL,"
    "  open INTEGER NOT NULL, t_min INTEGER NOT NULL, t_max INTEGER NOT NULL,"
    "  span INTEGER NOT NULL, n INTEGER NOT NULL, weight INTEGER NOT NULL, type INTEGER NOT NULL,"
    "  numbers INTEGER NOT NULL, least REAL, greatest REAL, sum REAL, first REAL, last REAL,"
    "  data BLOB NOT NULL);"
    "CREATE INDEX chunk_open ON chunk(series, line, id, t_min, t_max, n, weight) WHERE open=1;"
    "CREATE INDEX chunk_done ON chunk(series, span, t_min, t_max) WHERE open=0;"
    "CREATE TABLE last(series INTEGER PRIMARY KEY, t INTEGER NOT NULL, edge INTEGER,"
    "  point BLOB NOT NULL);",
    "ALTER TABLE last ADD COLUMN rolled INTEGER;"
    "ALTER TABLE last ADD COLUMN raw_from INTEGER;"
    "ALTER TABLE last ADD COLUMN kept_from INTEGER;"
    "ALTER TABLE last ADD COLUMN tiers INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE last ADD COLUMN late_from INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE last ADD COLUMN late_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE last ADD COLUMN late_since INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE dirty(series INTEGER NOT NULL, t_from INTEGER NOT NULL, t_to INTEGER NOT NULL,"
    "  PRIMARY KEY(series, t_from)) WITHOUT ROWID;"
    "CREATE TABLE rollup(series INTEGER NOT NULL, tier INTEGER NOT NULL, t INTEGER NOT NULL,"
    "  t_last INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL,"
    "  PRIMARY KEY(series, tier, t)) WITHOUT ROWID;",
};

#define SCAN_COLUMNS                                                                               \
    "SELECT id, t_min, t_max, n, type, numbers, least, greatest, sum, first, last FROM chunk "
#define SCAN_SPAN                                                                                  \
    SCAN_COLUMNS "WHERE open=0 AND series=?1 AND span=?2"                                          \
                 " AND t_min>=?3 AND t_min<?4 AND t_max>=?5 ORDER BY t_min"

static const char *const sql[SQL_COUNT] = {
    [SQL_META_GET] = "SELECT value FROM meta WHERE name=?",
    [SQL_META_SET] = "INSERT INTO meta(name, value) VALUES(?,?)"
                     " ON CONFLICT(name) DO UPDATE SET value=excluded.value",
    [SQL_LAST_ALL] = "SELECT series, point FROM last ORDER BY series",
    [SQL_LAST_GET] = "SELECT t, edge, rolled, raw_from, kept_from, tiers, late_from, late_at,"
                     " late_since FROM last WHERE series=?",
    [SQL_LAST_SET] = "INSERT INTO last(series, t, point) VALUES(?,?,?)"
                     " ON CONFLICT(series) DO UPDATE SET t=excluded.t, point=excluded.point",
    [SQL_EDGE_SET] = "UPDATE last SET edge=? WHERE series=?",
    [SQL_STATE_SET] =
        "UPDATE last SET rolled=?2, raw_from=?3, kept_from=?4, tiers=?5, late_from=?6,"
        " late_at=?7, late_since=?8 WHERE series=?1",
    [SQL_OPEN_OF_LINE] = "SELECT id, n, weight FROM chunk"
                         " WHERE open=1 AND series=? AND line=? ORDER BY id DESC",
    [SQL_DATA] = "SELECT data FROM chunk WHERE id=?",
    [SQL_INSERT] = "INSERT INTO chunk(id, series, line, open, t_min, t_max, span, n, weight, type,"
                   " numbers, least, greatest, sum, first, last, data)"
                   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [SQL_DELETE] = "DELETE FROM chunk WHERE id=?",
    [SQL_CLOSE] = "UPDATE chunk SET open=0 WHERE id=?",
    [SQL_HIGHEST_ID] = "SELECT ifnull(max(id), 0) FROM chunk",
    [SQL_SUM_OPEN] = "SELECT count(*), ifnull(sum(n), 0), ifnull(sum(length(data)), 0) FROM chunk"
                     " WHERE open=1 AND series=?",
    [SQL_SUM_DONE] = "SELECT count(*), ifnull(sum(n), 0), ifnull(sum(length(data)), 0) FROM chunk"
                     " WHERE open=0 AND series=?",
    [SQL_DROP_OPEN] = "DELETE FROM chunk WHERE open=1 AND series=?",
    [SQL_DROP_DONE] = "DELETE FROM chunk WHERE open=0 AND series=?",
    [SQL_DROP_LAST] = "DELETE FROM last WHERE series=?",
    [SQL_DROP_DIRTY] = "DELETE FROM dirty WHERE series=?",
    [SQL_DROP_ROLLUPS] = "DELETE FROM rollup WHERE series=?",
    [SQL_SUM_ROLLUPS] = "SELECT count(*), ifnull(sum(length(data)), 0) FROM rollup WHERE series=?",
    [SQL_DIRTY_TOUCHING] = "SELECT min(t_from), max(t_to), count(*) FROM dirty"
                           " WHERE series=?1 AND t_from<=?3 AND t_to>=?2",
    [SQL_DIRTY_REMOVE] = "DELETE FROM dirty WHERE series=?1 AND t_from>=?2 AND t_to<=?3",
    [SQL_DIRTY_PUT] = "INSERT INTO dirty(series, t_from, t_to) VALUES(?,?,?)",
    [SQL_DIRTY_LIST] = "SELECT t_from, t_to FROM dirty"
                       " WHERE series=?1 AND t_from<?3 AND t_to>?2 ORDER BY t_from",
    [SQL_ROLLUP_LIST] = "SELECT t, t_last, n, data FROM rollup WHERE series=?1 AND tier=?2"
                        " AND t>=ifnull((SELECT max(t) FROM rollup WHERE series=?1 AND tier=?2"
                        " AND t<=?3), ?3) AND t<?4 AND t_last>=?3 ORDER BY t",
    [SQL_ROLLUP_BEFORE] =
        "SELECT t, t_last, n, data FROM rollup WHERE series=?1 AND tier=?2 AND t<?3"
        " ORDER BY t DESC LIMIT 1",
    [SQL_ROLLUP_PUT] = "INSERT INTO rollup(series, tier, t, t_last, n, data) VALUES(?,?,?,?,?,?)",
    [SQL_ROLLUP_REMOVE] = "DELETE FROM rollup WHERE series=? AND tier=? AND t=?",
    [SQL_ROLLUP_SPAN] = "SELECT min(t), max(t_last) FROM rollup WHERE series=? AND tier=?",
    [SQL_CHUNKS_OF] = "SELECT id, t_min, t_max, n, length(data) FROM chunk"
                      " WHERE open=1 AND series=?1 AND t_min<?3 AND t_max>=?2 UNION ALL"
                      " SELECT id, t_min, t_max, n, length(data) FROM chunk"
                      " WHERE open=0 AND series=?1 AND t_min<?3 AND t_max>=?2",
    [SQL_CHUNK_SET] = "UPDATE chunk SET t_min=?2, t_max=?3, span=?4, n=?5, weight=?6, type=?7,"
                      " numbers=?8, least=?9, greatest=?10, sum=?11, first=?12, last=?13,"
                      " data=?14 WHERE id=?1",
    [SQL_NEWEST] = "SELECT max(t) FROM (SELECT max(t_max) AS t FROM chunk WHERE open=1 AND"
                   " series=?1 UNION ALL SELECT max(t_max) FROM chunk WHERE open=0 AND series=?1)",
    [SQL_ANY_BEFORE] = "SELECT 1 FROM chunk WHERE open=1 AND series=?1 AND t_min<?2 UNION ALL"
                       " SELECT 1 FROM chunk WHERE open=0 AND series=?1 AND t_min<?2 LIMIT 1",
    [SQL_PAGES] = "PRAGMA page_count",
    [SQL_FREE_PAGES] = "PRAGMA freelist_count",
    [SQL_SCAN_OPEN] = SCAN_COLUMNS "WHERE open=1 AND series=?1"
                                   " AND t_min<?2 AND t_max>=?3 ORDER BY t_min",
    [SQL_NEXT_SPAN] = "SELECT span FROM chunk WHERE open=0 AND series=? AND span>?"
                      " ORDER BY span LIMIT 1",
    [SQL_BEFORE_OPEN] = "SELECT max(t_min) FROM chunk WHERE open=1 AND series=? AND t_min<?",
    [SQL_BEFORE_SPAN] = "SELECT t_min FROM chunk WHERE open=0 AND series=? AND span=? AND t_min<?"
                        " ORDER BY t_min DESC LIMIT 1",
    /* one statement a class, since several are read at once */
    [SQL_SCAN_SPAN + 0] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 1] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 2] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 3] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 4] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 5] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 6] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 7] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 8] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 9] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 10] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 11] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 12] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 13] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 14] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 15] = SCAN_SPAN,
    [SQL_SCAN_SPAN + 16] = SCAN_SPAN,
};

static const struct db_kind kind = {
    .room = "history",
    .what = "history",
    .application_id = 0x44506831, /* "DPh1" */
    .version = sizeof steps / sizeof steps[0],
    .steps = steps,
    .page_bytes = 8192,
    .write_cache_kib = 2048,
    .read_cache_kib = 4096, /* a year of one reading a minute, so that asking again reads no file */
    .sql = sql,
    .sql_n = SQL_COUNT,
};

static const struct {
    const char *name;
    size_t at;
} total_rows[] = {
    {"checkpoint", offsetof(struct history_totals, checkpoint)},
    {"chunks", offsetof(struct history_totals, chunks)},
    {"points", offsetof(struct history_totals, points)},
    {"bytes", offsetof(struct history_totals, bytes)},
    {"partial_seq", offsetof(struct history_totals, partial_seq)},
    {"partial_series", offsetof(struct history_totals, partial_series)},
    {"rollup_rows", offsetof(struct history_totals, rollup_rows)},
    {"rollup_bytes", offsetof(struct history_totals, rollup_bytes)},
    {"known_us", offsetof(struct history_totals, known_us)},
};
enum { TOTALS = sizeof total_rows / sizeof total_rows[0] };

static int64_t *total_at(struct history_totals *t, int i)
{
    return (int64_t *)((char *)t + total_rows[i].at);
}

int history_span(int64_t t_min, int64_t t_max)
{
    uint64_t length = (uint64_t)t_max - (uint64_t)t_min;
    int k = 0;
    for (; length; length >>= 4)
        k++;
    return k;
}

static int get_number(struct history *h, sqlite3_stmt *s, int64_t *ret)
{
    if (!s)
        return db_error(&h->writer);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return db_map_error(code);
}

static int read_totals(struct history *h)
{
    int64_t highest = 0;
    for (int i = 0; i < TOTALS; i++) {
        sqlite3_stmt *s = db_stmt(&h->writer, SQL_META_GET);
        if (s)
            db_bind_text(s, 1, slice_str(total_rows[i].name));
        int err = get_number(h, s, total_at(&h->totals, i));
        if (err)
            return err;
    }
    int err = get_number(h, db_stmt(&h->writer, SQL_HIGHEST_ID), &highest);
    h->next_id = highest + 1;
    return err;
}

static int put_totals(struct history *h, const struct history_totals *totals)
{
    struct history_totals copy = *totals, known = h->totals;
    for (int i = 0; i < TOTALS; i++) {
        if (*total_at(&copy, i) == *total_at(&known, i))
            continue; /* only this thread changes them */
        sqlite3_stmt *s = db_stmt(&h->writer, SQL_META_SET);
        if (s) {
            db_bind_text(s, 1, slice_str(total_rows[i].name));
            sqlite3_bind_int64(s, 2, *total_at(&copy, i));
        }
        int err = db_run(&h->writer, s);
        if (err)
            return err;
    }
    return 0;
}

struct history_time history_now(struct history *h)
{
    int64_t now = clock_now_us(), sure = steady_now(&h->clock, now, clock_mono_us());
    return (struct history_time){sure, now > sure ? now : sure};
}

int history_commit(struct history *h, const struct history_totals *changed)
{
    struct history_totals totals = *changed;
    int64_t sure = history_now(h).sure, known = totals.known_us;
    if (sure < known || sure - known > KNOWN_EVERY_US)
        totals.known_us = sure;
    int err = put_totals(h, &totals);
    if (!err)
        err = db_commit(&h->writer);
    if (err)
        return err;
    pthread_mutex_lock(&h->lock);
    h->totals = totals;
    pthread_mutex_unlock(&h->lock);
    return 0;
}

static int64_t column_or(sqlite3_stmt *s, int at, int64_t none)
{
    return sqlite3_column_type(s, at) == SQLITE_NULL ? none : sqlite3_column_int64(s, at);
}

int history_state_read(struct db *db, uint32_t series, struct history_state *ret)
{
    sqlite3_stmt *s = db_stmt(db, SQL_LAST_GET);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, series);
    int code = sqlite3_step(s);
    *ret = (struct history_state){.raw_from = INT64_MIN, .kept_from = INT64_MIN};
    if (code == SQLITE_ROW)
        *ret = (struct history_state){
            .known = true,
            .has_edge = sqlite3_column_type(s, 1) != SQLITE_NULL,
            .is_rolled = sqlite3_column_type(s, 2) != SQLITE_NULL,
            .t = sqlite3_column_int64(s, 0),
            .edge = sqlite3_column_int64(s, 1),
            .rolled = sqlite3_column_int64(s, 2),
            .raw_from = column_or(s, 3, INT64_MIN),
            .kept_from = column_or(s, 4, INT64_MIN),
            .tiers = sqlite3_column_int(s, 5),
            .late_from = sqlite3_column_int64(s, 6),
            .late_at = sqlite3_column_int64(s, 7),
            .late_since = sqlite3_column_int64(s, 8),
        };
    sqlite3_reset(s);
    return db_map_error(code);
}

int history_state_write(struct history *h, uint32_t series, const struct history_state *state)
{
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_STATE_SET);
    if (s) {
        sqlite3_bind_int64(s, 1, series);
        if (state->is_rolled)
            sqlite3_bind_int64(s, 2, state->rolled);
        if (state->raw_from != INT64_MIN)
            sqlite3_bind_int64(s, 3, state->raw_from);
        if (state->kept_from != INT64_MIN)
            sqlite3_bind_int64(s, 4, state->kept_from);
        sqlite3_bind_int(s, 5, state->tiers);
        sqlite3_bind_int64(s, 6, state->late_from);
        sqlite3_bind_int64(s, 7, state->late_at);
        sqlite3_bind_int64(s, 8, state->late_since);
    }
    return db_run(&h->writer, s);
}

/* What a compaction left that was killed; it holds nothing that is not in the file itself. */
static void remove_leftover(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[4096];
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(name, sizeof name, "%s" HISTORY_COMPACT_END "%s", path, ends[i]);
        unlink(name);
    }
}

int history_open(const char *path, struct history **ret)
{
    struct history *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    remove_leftover(path);
    int err = db_open(&h->writer, path, &kind);
    if (err) {
        free(h);
        return err;
    }
    pthread_mutex_init(&h->lock, NULL);
    h->path = strdup(path);
    err = h->path ? db_pool_new(path, &kind, HISTORY_READERS, &h->readers) : ERR_NOMEM;
    if (!err)
        err = read_totals(h);
    if (err) {
        log_error("history", "%s cannot be read: %s", path, err_info(err)->text);
        history_close(h);
        return err;
    }
    steady_begin(&h->clock, h->totals.known_us, clock_now_us(), clock_mono_us());
    *ret = h;
    return 0;
}

void history_close(struct history *h)
{
    if (!h)
        return;
    db_pool_free(h->readers);
    db_close(&h->writer);
    buf_release(&h->encoded);
    pthread_mutex_destroy(&h->lock);
    free(h->path);
    free(h);
}

struct history_totals history_totals(const struct history *h)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&h->lock; /* the lock is not the state */
    pthread_mutex_lock(lock);
    struct history_totals totals = h->totals;
    pthread_mutex_unlock(lock);
    return totals;
}

uint64_t history_checkpoint(const struct history *h)
{
    return (uint64_t)history_totals(h).checkpoint;
}

bool history_has(const struct history *h, uint64_t seq, uint32_t series)
{
    struct history_totals t = history_totals(h);
    return seq <= (uint64_t)t.checkpoint ||
           (seq <= (uint64_t)t.partial_seq && series <= (uint32_t)t.partial_series);
}

int history_each_last(struct history *h, int (*fn)(void *arg, const struct reading *r), void *arg)
{
    struct db *db;
    int err = db_pool_take(h->readers, &db);
    if (err)
        return err;
    struct chunk_points one = {0};
    sqlite3_stmt *s = db_stmt(db, SQL_LAST_ALL);
    int code = s ? SQLITE_DONE : SQLITE_ERROR;
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        uint32_t series = (uint32_t)sqlite3_column_int64(s, 0);
        if (db_column(s, 1).n == 0)
            continue; /* all of it was deleted or has expired */
        if (chunk_decode(db_column(s, 1), &one) != 0 || one.n != 1) {
            log_error("history", "the newest reading of series %u is damaged and left out", series);
            continue;
        }
        struct reading r = {
            .series = series,
            .quality = one.points[0].quality,
            .t_us = one.points[0].t_us,
            .value = point_value(&one.points[0]),
        };
        err = fn(arg, &r);
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    chunk_points_release(&one);
    db_pool_give(h->readers, db);
    return err;
}

static uint64_t size_of(const char *path, const char *end)
{
    char name[4096];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, end);
    return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t free_around(const char *path)
{
    struct statvfs fs;
    return statvfs(path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

int history_stats(struct history *h, struct history_stats *ret)
{
    pthread_mutex_lock(&h->lock);
    *ret = (struct history_stats){
        .chunks = (uint64_t)h->totals.chunks,
        .points = (uint64_t)h->totals.points,
        .chunk_bytes = (uint64_t)h->totals.bytes,
        .flushes = h->flushes,
        .rollup_rows = (uint64_t)h->totals.rollup_rows,
        .rollup_bytes = (uint64_t)h->totals.rollup_bytes,
        .rolled = h->rolled,
        .expired = h->expired,
    };
    pthread_mutex_unlock(&h->lock);
    ret->file_bytes = size_of(h->path, "") + size_of(h->path, "-wal");
    ret->free_bytes = free_around(h->path);
    return 0;
}
