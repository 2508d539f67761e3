/* Tables of history.db, version 1.
 *
 *   chunk   one row a chunk: id, series, line, open, t_min, t_max (both included), span, n, weight,
 *           type, then of its numbers the count, least, greatest, sum, first and last (NULL where
 *           there is none), then the bytes (codec/chunk.h)
 *   last    one row a series: its newest point as a chunk of one point, and its edge
 *   meta    checkpoint: the journal is in here up to this number; and running totals
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
 * A damaged chunk is passed over and stays where it is.  */
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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
    [SQL_LAST_GET] = "SELECT t, edge FROM last WHERE series=?",
    [SQL_LAST_SET] = "INSERT INTO last(series, t, point) VALUES(?,?,?)"
                     " ON CONFLICT(series) DO UPDATE SET t=excluded.t, point=excluded.point",
    [SQL_EDGE_SET] = "UPDATE last SET edge=? WHERE series=?",
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
    .read_cache_kib = 1024,
    .sql = sql,
    .sql_n = SQL_COUNT,
};

static const char *const total_names[] = {"checkpoint", "chunks", "points", "bytes"};
enum { TOTALS = sizeof total_names / sizeof total_names[0] };

static int64_t *total_at(struct history_totals *t, int i)
{
    int64_t *const members[TOTALS] = {&t->checkpoint, &t->chunks, &t->points, &t->bytes};
    return members[i];
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
            db_bind_text(s, 1, slice_str(total_names[i]));
        int err = get_number(h, s, total_at(&h->totals, i));
        if (err)
            return err;
    }
    int err = get_number(h, db_stmt(&h->writer, SQL_HIGHEST_ID), &highest);
    h->next_id = highest + 1;
    return err;
}

int history_put_totals(struct history *h, const struct history_totals *totals)
{
    struct history_totals copy = *totals;
    for (int i = 0; i < TOTALS; i++) {
        sqlite3_stmt *s = db_stmt(&h->writer, SQL_META_SET);
        if (s) {
            db_bind_text(s, 1, slice_str(total_names[i]));
            sqlite3_bind_int64(s, 2, *total_at(&copy, i));
        }
        int err = db_run(&h->writer, s);
        if (err)
            return err;
    }
    return 0;
}

int history_open(const char *path, struct history **ret)
{
    struct history *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
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
        history_close(h);
        return err;
    }
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

int history_stats(struct history *h, struct history_stats *ret)
{
    pthread_mutex_lock(&h->lock);
    *ret = (struct history_stats){
        .chunks = (uint64_t)h->totals.chunks,
        .points = (uint64_t)h->totals.points,
        .chunk_bytes = (uint64_t)h->totals.bytes,
        .flushes = h->flushes,
    };
    pthread_mutex_unlock(&h->lock);
    ret->file_bytes = size_of(h->path, "") + size_of(h->path, "-wal");
    return 0;
}
