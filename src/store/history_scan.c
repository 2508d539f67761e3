/* Reading: a merge of all chunks that overlap the span asked for, and the head.
 *
 * A cursor for the open chunks and one for each class of finished ones give chunks in order of
 * t_min; a chunk is read and decoded only when the merge reaches its t_min.  Where one source
 * stands alone its points are handed on as they lie; only where sources overlap are points copied
 * one by one, the highest rank winning a time: the head, then the highest id.  A chunk that nothing
 * overlaps goes as what it comes to, when its taker is content with that, and then it is not even
 * read; or as what few stretches of it come to, which are summed while it is being unpacked; or as
 * columns. */
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BATCH = 512, RUN_MIN = 16, STRETCH_MIN = 64, CURSORS_MAX = HISTORY_SPANS + 1 };

struct cursor {
    sqlite3_stmt *s; /* NULL: at its end */
    int64_t id, t_min, t_max, n;
    bool has_sum; /* every point is a double */
    struct history_sum sum;
};

struct source {
    const struct point *points;
    size_t n, at;
    int64_t rank;
    struct chunk_points chunk; /* of the head: empty */
};

struct scan {
    struct db *db;
    uint32_t series;
    int64_t from, to;
    const struct history_taker *taker;
    const _Atomic(bool) *cancel;
    struct cursor cursors[CURSORS_MAX];
    int cursors_n;
    struct source *sources; /* not used up yet */
    size_t sources_n, sources_cap;
    struct chunk_points spare; /* a used-up chunk's memory */
    struct chunk_columns columns;
    struct chunk_stretches stretches;
    struct point batch[BATCH];
    size_t batch_n;
    bool corrupt;
};

/* Whole numbers and booleans have a sum as well, but lose what they are in it. */
static void read_sum(struct cursor *c)
{
    c->has_sum = sqlite3_column_int(c->s, 4) == VALUE_DOUBLE && c->n > 0 &&
                 sqlite3_column_int64(c->s, 5) == c->n;
    c->sum = (struct history_sum){
        .t_min = c->t_min,
        .t_max = c->t_max,
        .n = (size_t)c->n,
        .least = sqlite3_column_double(c->s, 6),
        .greatest = sqlite3_column_double(c->s, 7),
        .sum = sqlite3_column_double(c->s, 8),
        .first = sqlite3_column_double(c->s, 9),
        .last = sqlite3_column_double(c->s, 10),
    };
}

static int advance(struct scan *s, struct cursor *c)
{
    int code = sqlite3_step(c->s);
    if (code == SQLITE_ROW) {
        c->id = sqlite3_column_int64(c->s, 0);
        c->t_min = sqlite3_column_int64(c->s, 1);
        c->t_max = sqlite3_column_int64(c->s, 2);
        c->n = sqlite3_column_int64(c->s, 3);
        if (s->taker->until || s->taker->columns)
            read_sum(c);
        return 0;
    }
    c->s = NULL;
    return code == SQLITE_DONE ? 0 : db_error(s->db);
}

static int add_cursor(struct scan *s, sqlite3_stmt *stmt)
{
    assert(s->cursors_n < CURSORS_MAX);
    struct cursor *c = &s->cursors[s->cursors_n++];
    c->s = stmt;
    return advance(s, c);
}

static int open_span(struct scan *s, int span)
{
    sqlite3_stmt *stmt = db_stmt(s->db, SQL_SCAN_SPAN + span);
    if (!stmt)
        return db_error(s->db);
    /* the chunks of this class are shorter than 16^span */
    uint64_t length = span < 16 ? (UINT64_C(1) << 4 * span) - 1 : UINT64_MAX;
    uint64_t room = (uint64_t)s->from - (uint64_t)INT64_MIN;
    int64_t lowest = length > room ? INT64_MIN : (int64_t)((uint64_t)s->from - length);
    sqlite3_bind_int64(stmt, 1, s->series);
    sqlite3_bind_int(stmt, 2, span);
    sqlite3_bind_int64(stmt, 3, lowest);
    sqlite3_bind_int64(stmt, 4, s->to);
    sqlite3_bind_int64(stmt, 5, s->from);
    return add_cursor(s, stmt);
}

static int open_cursors(struct scan *s)
{
    sqlite3_stmt *stmt = db_stmt(s->db, SQL_SCAN_OPEN);
    if (!stmt)
        return db_error(s->db);
    sqlite3_bind_int64(stmt, 1, s->series);
    sqlite3_bind_int64(stmt, 2, s->to);
    sqlite3_bind_int64(stmt, 3, s->from);
    int err = add_cursor(s, stmt);
    for (int span = -1; !err;) {
        stmt = db_stmt(s->db, SQL_NEXT_SPAN);
        if (!stmt)
            return db_error(s->db);
        sqlite3_bind_int64(stmt, 1, s->series);
        sqlite3_bind_int(stmt, 2, span);
        int code = sqlite3_step(stmt);
        if (code != SQLITE_ROW)
            return db_map_error(code);
        span = sqlite3_column_int(stmt, 0);
        sqlite3_reset(stmt);
        if (span < 0 || span >= HISTORY_SPANS)
            return ERR_CORRUPT;
        err = open_span(s, span);
    }
    return err;
}

/* The cursor whose chunk begins first, NULL when all are at their end. */
static struct cursor *next_chunk(struct scan *s)
{
    struct cursor *first = NULL;
    for (int i = 0; i < s->cursors_n; i++)
        if (s->cursors[i].s && (!first || s->cursors[i].t_min < first->t_min))
            first = &s->cursors[i];
    return first;
}

/* The first point at or behind t. */
static size_t find(const struct point *p, size_t n, int64_t t)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (p[middle].t_us < t)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static int add_source(struct scan *s, const struct point *p, size_t n, int64_t rank,
                      struct chunk_points *take_chunk)
{
    size_t first = find(p, n, s->from), end = find(p, n, s->to);
    if (first >= end)
        return 0;
    if (s->sources_n == s->sources_cap) {
        size_t cap = s->sources_cap ? 2 * s->sources_cap : 8;
        struct source *more = realloc(s->sources, cap * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        s->sources = more;
        s->sources_cap = cap;
    }
    s->sources[s->sources_n] = (struct source){.points = p, .n = end, .at = first, .rank = rank};
    if (take_chunk) {
        s->sources[s->sources_n].chunk = *take_chunk;
        *take_chunk = (struct chunk_points){0};
    }
    s->sources_n++;
    return 0;
}

/* The bytes of the cursor's chunk, until *ret_stmt is reset. */
static int find_bytes(struct scan *s, const struct cursor *c, sqlite3_stmt **ret_stmt,
                      struct slice *ret)
{
    sqlite3_stmt *stmt = db_stmt(s->db, SQL_DATA);
    *ret_stmt = stmt;
    if (!stmt)
        return db_error(s->db);
    sqlite3_bind_int64(stmt, 1, c->id);
    if (sqlite3_step(stmt) != SQLITE_ROW)
        return db_error(s->db);
    *ret = db_column(stmt, 0);
    return 0;
}

static int read_points(struct scan *s, const struct cursor *c, struct chunk_points *ret)
{
    sqlite3_stmt *stmt;
    struct slice bytes;
    int err = find_bytes(s, c, &stmt, &bytes);
    if (!err)
        err = chunk_decode(bytes, ret);
    sqlite3_reset(stmt);
    if (!err && (ret->n != (size_t)c->n || ret->points[0].t_us != c->t_min ||
                 ret->points[ret->n - 1].t_us != c->t_max))
        err = ERR_CORRUPT;
    return err;
}

/* *ret_done: columns, which do not tell of quality, tell all of it. */
static int read_columns(struct scan *s, const struct cursor *c, bool *ret_done)
{
    struct chunk_columns *columns = &s->columns;
    sqlite3_stmt *stmt;
    struct slice bytes;
    int err = find_bytes(s, c, &stmt, &bytes);
    if (!err)
        err = chunk_to_columns(bytes, columns);
    sqlite3_reset(stmt);
    if (!err && (columns->n != (size_t)c->n || columns->times[0] != c->t_min ||
                 columns->times[columns->n - 1] != c->t_max))
        err = ERR_CORRUPT;
    *ret_done = !err && columns->runs_n == 1 && columns->runs[0].quality == QUALITY_GOOD;
    return err;
}

/* A chunk that does not check is told and passed over. */
static int pass_over(struct scan *s, const struct cursor *c, int err)
{
    if (err != ERR_CORRUPT && err != ERR_UNSUPPORTED)
        return err;
    log_error("history", "chunk %lld of series %u is damaged: %lld points are passed over",
              (long long)c->id, s->series, (long long)c->n);
    s->corrupt = true;
    return 0;
}

/* Read a chunk into the merge. */
static int load(struct scan *s, const struct cursor *c)
{
    struct chunk_points chunk = s->spare;
    s->spare = (struct chunk_points){0};
    int err = read_points(s, c, &chunk);
    if (!err)
        err = add_source(s, chunk.points, chunk.n, c->id, &chunk);
    else
        err = pass_over(s, c, err);
    if (chunk.points) {
        chunk_points_release(&s->spare);
        s->spare = chunk;
    }
    return err;
}

static int hand_over(struct scan *s, const struct point *p, size_t n)
{
    return n ? s->taker->run(s->taker->arg, &(struct history_run){.n = n, .points = p}) : 0;
}

static int flush_batch(struct scan *s)
{
    size_t n = s->batch_n;
    s->batch_n = 0;
    return hand_over(s, s->batch, n);
}

/* Points as they lie, many at once; few are collected. */
static int emit(struct scan *s, const struct point *p, size_t n)
{
    if (n < RUN_MIN) {
        int err = s->batch_n + n > BATCH ? flush_batch(s) : 0;
        memcpy(s->batch + s->batch_n, p, n * sizeof *p);
        s->batch_n += n;
        return err;
    }
    int err = flush_batch(s);
    return err ? err : hand_over(s, p, n);
}

/* Forget sources that are used up.  What was collected may hold texts of theirs: it goes first. */
static int sweep(struct scan *s)
{
    for (size_t i = 0; i < s->sources_n;) {
        struct source *one = &s->sources[i];
        if (one->at < one->n) {
            i++;
            continue;
        }
        int err = flush_batch(s);
        if (err)
            return err;
        chunk_points_release(&s->spare);
        s->spare = one->chunk;
        *one = s->sources[--s->sources_n];
    }
    return 0;
}

/* The source that has the next point: the lowest time, of one time the highest rank.  *ret_limit:
 * the next time of any other source. */
static struct source *leader(struct scan *s, int64_t *ret_limit)
{
    struct source *best = &s->sources[0];
    int64_t limit = INT64_MAX;
    for (size_t i = 1; i < s->sources_n; i++) {
        struct source *one = &s->sources[i];
        int64_t t = one->points[one->at].t_us, best_t = best->points[best->at].t_us;
        bool better = t < best_t || (t == best_t && one->rank > best->rank);
        int64_t other = better ? best_t : t;
        limit = other < limit ? other : limit;
        if (better)
            best = one;
    }
    *ret_limit = limit;
    return best;
}

/* One step: everything that comes before the next meeting of sources, or one point of a meeting. */
static int step(struct scan *s)
{
    int64_t limit;
    struct source *best = leader(s, &limit);
    int64_t t = best->points[best->at].t_us;
    const struct cursor *next = next_chunk(s);
    if (next && next->t_min < limit)
        limit = next->t_min; /* behind t: all others are loaded */
    const struct point *p = best->points + best->at;
    size_t n = 1;
    if (t < limit)
        n = find(p, best->n - best->at, limit);
    for (size_t i = 0; i < s->sources_n && n == 1; i++) { /* what loses against best */
        struct source *one = &s->sources[i];
        if (one != best && one->points[one->at].t_us == t)
            one->at++;
    }
    best->at += n;
    int err = emit(s, p, n);
    return err ? err : sweep(s);
}

static bool is_cancelled(const struct scan *s)
{
    return s->cancel && atomic_load_explicit(s->cancel, memory_order_relaxed);
}

/* Does the next chunk begin no later than the next point? */
static bool is_needed(struct scan *s, const struct cursor *next)
{
    if (!next || !s->sources_n)
        return next != NULL;
    int64_t limit;
    const struct source *best = leader(s, &limit);
    return next->t_min <= best->points[best->at].t_us;
}

/* Are the points of this chunk, behind which all cursors are, nobody else's? */
static bool is_alone(const struct scan *s, const struct cursor *c)
{
    for (size_t i = 0; i < s->sources_n; i++)
        if (s->sources[i].points[s->sources[i].at].t_us <= c->t_max)
            return false;
    for (int i = 0; i < s->cursors_n; i++)
        if (s->cursors[i].s && s->cursors[i].t_min <= c->t_max)
            return false;
    return true;
}

static size_t find_time(const int64_t *times, size_t n, int64_t t)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (times[middle] < t)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static int give_columns(struct scan *s)
{
    const struct chunk_columns *c = &s->columns;
    size_t first = find_time(c->times, c->n, s->from), end = find_time(c->times, c->n, s->to);
    if (first >= end)
        return 0;
    struct history_run run = {
        .n = end - first, .times = c->times + first, .numbers = c->numbers + first};
    return s->taker->run(s->taker->arg, &run);
}

/* Into how many stretches its taker would have the chunk cut; 0: none, or so many that columns are
 * better. */
static size_t cut(struct scan *s, const struct cursor *c)
{
    const struct history_taker *taker = s->taker;
    struct chunk_stretches *list = &s->stretches;
    int64_t t = c->t_min > s->from ? c->t_min : s->from;
    int64_t t_max = c->t_max < s->to ? c->t_max : s->to - 1;
    size_t most = (size_t)c->n / STRETCH_MIN;
    list->from_us = t;
    list->placed = taker->placed;
    list->n = 0;
    while (t <= t_max) {
        int64_t end = taker->until(taker->arg, t, t_max);
        if (end <= t || list->n == most || list->n == CHUNK_STRETCHES_MAX)
            return list->n = 0;
        t = end < s->to ? end : s->to;
        list->list[list->n++].to_us = t;
    }
    return list->n;
}

static int give_sum(struct scan *s, const struct history_sum *sum)
{
    return s->taker->run(s->taker->arg, &(struct history_run){.n = sum->n, .sum = sum});
}

/* Read the chunk as stretches.  *ret_done: this is the form of it. */
static int read_stretches(struct scan *s, const struct cursor *c, bool *ret_done)
{
    sqlite3_stmt *stmt;
    struct slice bytes;
    struct chunk_summary about;
    int err = find_bytes(s, c, &stmt, &bytes);
    if (!err)
        err = chunk_sum_stretches(bytes, &s->stretches, &s->columns, &about);
    sqlite3_reset(stmt);
    *ret_done = !err && (!s->taker->placed || about.qualities == 1 << QUALITY_GOOD);
    if (err)
        return err == ERR_INVALID ? 0 : err;
    if (about.n != c->n || about.t_first != c->t_min || about.t_last != c->t_max)
        return ERR_CORRUPT;
    for (size_t k = 0; k < s->stretches.n; k++)
        if (s->stretches.list[k].n != s->stretches.list[k].numbers.n)
            return ERR_CORRUPT; /* the row says that none is NaN */
    return 0;
}

static int give_stretches(struct scan *s)
{
    int code = 0;
    for (size_t k = 0; k < s->stretches.n && !code; k++) {
        const struct chunk_stretch *one = &s->stretches.list[k];
        const struct chunk_numbers *v = &one->numbers;
        if (one->n)
            code = give_sum(s, &(struct history_sum){.t_min = one->t_first,
                                                     .t_max = one->t_last,
                                                     .n = one->n,
                                                     .least = v->least,
                                                     .greatest = v->greatest,
                                                     .sum = v->sum,
                                                     .first = v->first,
                                                     .last = v->last,
                                                     .t_least = one->t_least,
                                                     .t_greatest = one->t_greatest});
    }
    return code;
}

/* A chunk of doubles that nothing overlaps goes to its taker without becoming points: as what it
 * comes to, or its stretches do, or as columns.  *ret_done: it went, or was passed over. */
static int try_whole(struct scan *s, const struct cursor *c, bool *ret_done)
{
    const struct history_taker *taker = s->taker;
    bool in_stretches = false, in_columns = false;
    *ret_done = false;
    if (!c->has_sum || !is_alone(s, c))
        return 0;
    int err = flush_batch(s);
    if (err)
        return err;
    size_t stretches = taker->until ? cut(s, c) : 0;
    bool inside = c->t_min >= s->from && c->t_max < s->to;
    if (stretches == 1 && inside && !taker->placed) {
        *ret_done = true;
        return give_sum(s, &c->sum);
    }
    if (stretches)
        err = read_stretches(s, c, &in_stretches);
    if (!err && !in_stretches && taker->columns)
        err = read_columns(s, c, &in_columns);
    *ret_done = err || in_stretches || in_columns;
    return err            ? pass_over(s, c, err)
           : in_stretches ? give_stretches(s)
           : in_columns   ? give_columns(s)
                          : 0;
}

/* Take up the chunk of a cursor, in whatever form, and move the cursor on. */
static int take_up(struct scan *s, struct cursor *c)
{
    struct cursor chunk = *c;
    bool done = false;
    int err = advance(s, c);
    if (!err)
        err = try_whole(s, &chunk, &done);
    return err || done ? err : load(s, &chunk);
}

static int merge(struct scan *s)
{
    int err = 0;
    while (!err) {
        if (is_cancelled(s))
            return ERR_CANCELLED;
        struct cursor *next = next_chunk(s);
        if (is_needed(s, next)) {
            err = take_up(s, next);
        } else if (s->sources_n) {
            err = step(s);
        } else {
            return flush_batch(s);
        }
    }
    return err;
}

int history_scan_on(struct db *db, const struct history_ask *ask)
{
    if (ask->from >= ask->to)
        return 0;
    struct scan *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->db = db;
    s->series = ask->series;
    s->from = ask->from;
    s->to = ask->to;
    s->taker = ask->taker;
    s->cancel = ask->cancel;
    int err = open_cursors(s);
    if (!err && ask->head_n)
        err = add_source(s, ask->head, ask->head_n, INT64_MAX, NULL);
    if (!err)
        err = merge(s);
    for (size_t i = 0; i < s->sources_n; i++)
        chunk_points_release(&s->sources[i].chunk);
    for (int i = 0; i < s->cursors_n; i++)
        sqlite3_reset(s->cursors[i].s); /* one that ended early would hold the file's state */
    free(s->sources);
    chunk_points_release(&s->spare);
    chunk_columns_release(&s->columns);
    if (s->corrupt && s->taker->damaged)
        *s->taker->damaged = true;
    if (!err && s->corrupt)
        err = ERR_CORRUPT;
    free(s);
    return err;
}

int history_scan(struct history *h, uint32_t series, int64_t from, int64_t to,
                 const struct point *head, size_t head_n, const struct history_taker *taker,
                 const _Atomic(bool) *cancel)
{
    struct history_ask ask = {.series = series,
                              .from = from,
                              .to = to,
                              .head = head,
                              .head_n = head_n,
                              .taker = taker,
                              .cancel = cancel};
    struct db *db;
    int err = db_pool_take(h->readers, &db);
    if (err)
        return err;
    err = db_exec(db, "BEGIN"); /* one state of the file, whatever is flushed meanwhile */
    if (!err)
        err = history_scan_on(db, &ask);
    db_pool_give(h->readers, db);
    return err;
}

/* ---- what stands before a time ---- */

static int start_of(struct db *db, int statement, uint32_t series, int span, int64_t before,
                    int64_t *latest, bool *found)
{
    sqlite3_stmt *stmt = db_stmt(db, statement);
    if (!stmt)
        return db_error(db);
    sqlite3_bind_int64(stmt, 1, series);
    if (span >= 0)
        sqlite3_bind_int(stmt, 2, span);
    sqlite3_bind_int64(stmt, span >= 0 ? 3 : 2, before);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        int64_t t = sqlite3_column_int64(stmt, 0);
        *latest = *found && *latest > t ? *latest : t;
        *found = true;
    }
    sqlite3_reset(stmt);
    return code == SQLITE_ROW ? 0 : db_map_error(code);
}

int history_start_before(struct history *h, uint32_t series, int64_t before, int64_t *ret_t_us)
{
    struct db *db;
    int64_t latest = INT64_MIN;
    bool found = false;
    int err = db_pool_take(h->readers, &db);
    if (err)
        return err;
    err = start_of(db, SQL_BEFORE_OPEN, series, -1, before, &latest, &found);
    for (int span = 0; span < HISTORY_SPANS && !err; span++)
        err = start_of(db, SQL_BEFORE_SPAN, series, span, before, &latest, &found);
    db_pool_give(h->readers, db);
    if (!err && !found)
        return ERR_NOT_FOUND;
    if (!err)
        *ret_t_us = latest;
    return err;
}
