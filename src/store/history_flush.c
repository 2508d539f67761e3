/* Writing: how points become chunks is told at the top of history.c. */
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    OPEN_MAX = 64,           /* chunks taken up at once; the stack is a dozen high */
    DONE_POINTS = 2048,      /* so many are finished */
    DONE_WEIGHT = 256 << 10, /* or so heavy */
    CHUNK_WEIGHT = 1 << 20,  /* a chunk is cut before it gets heavier */
    POINT_WEIGHT = 16,
};

#define DIRTY_GAP_US INT64_C(3600000000) /* late points so close are one range */
#define OLD_NOTED_US INT64_C(60000000)   /* how exactly it is noted when */

struct open_chunk {
    int64_t id, n, weight, bytes;
};

/* One line of a series on its way: the stack of open chunks from the top, and what is taken up. */
struct line {
    struct history *h;
    struct history_totals *totals;
    uint32_t series;
    enum chunk_level level;
    int line;
    struct open_chunk open[OPEN_MAX];
    int open_n, taken;
    struct chunk_points *old; /* taken chunks, as in open */
    struct point *merged;     /* NULL: nothing was taken up */
    const struct point *points;
    size_t n;
    bool has_done;
    int64_t done_t_max;
};

static size_t weight_of(const struct point *p)
{
    return POINT_WEIGHT + (p->type == VALUE_TEXT ? p->as.text->n : 0);
}

static size_t weight_of_all(const struct point *p, size_t n)
{
    size_t weight = 0;
    for (size_t i = 0; i < n; i++)
        weight += weight_of(&p[i]);
    return weight;
}

static int read_stack(struct line *l)
{
    struct db *db = &l->h->writer;
    sqlite3_stmt *s = db_stmt(db, SQL_OPEN_OF_LINE);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, l->series);
    sqlite3_bind_int(s, 2, l->line);
    int code = SQLITE_DONE;
    while (l->open_n < OPEN_MAX && (code = sqlite3_step(s)) == SQLITE_ROW)
        l->open[l->open_n++] = (struct open_chunk){
            .id = sqlite3_column_int64(s, 0),
            .n = sqlite3_column_int64(s, 1),
            .weight = sqlite3_column_int64(s, 2),
        };
    sqlite3_reset(s);
    return db_map_error(code);
}

/* How many of the stack are taken up. */
static int choose(const struct line *l)
{
    int64_t n = (int64_t)l->n, weight = (int64_t)weight_of_all(l->points, l->n);
    for (int i = 0; i < l->open_n; i++) {
        if (n >= DONE_POINTS || weight >= DONE_WEIGHT)
            return l->open_n; /* something will be finished: then everything is taken up */
        if (l->open[i].n > 2 * n)
            return i;
        n += l->open[i].n;
        weight += l->open[i].weight;
    }
    return l->open_n;
}

/* 0 with *ret.n == 0: damaged, and put aside as finished. */
static int read_chunk(struct line *l, struct open_chunk *o, struct chunk_points *ret)
{
    struct db *db = &l->h->writer;
    sqlite3_stmt *s = db_stmt(db, SQL_DATA);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, o->id);
    int code = sqlite3_step(s);
    int err = code == SQLITE_ROW    ? chunk_decode(db_column(s, 0), ret)
              : code == SQLITE_DONE ? ERR_CORRUPT
                                    : db_map_error(code);
    o->bytes = code == SQLITE_ROW ? sqlite3_column_bytes(s, 0) : 0;
    sqlite3_reset(s);
    if (err == ERR_NOMEM || (code != SQLITE_ROW && code != SQLITE_DONE))
        return err;
    if (!err)
        return 0;
    log_error("history", "chunk %lld of series %u is damaged and left alone", (long long)o->id,
              l->series);
    ret->n = 0;
    s = db_stmt(db, SQL_CLOSE);
    if (s)
        sqlite3_bind_int64(s, 1, o->id);
    return db_run(db, s);
}

/* Put the points of taken chunks, oldest first, before the new ones, and sort. */
static int take_up(struct line *l)
{
    l->taken = choose(l);
    if (!l->taken)
        return 0;
    size_t n = l->n;
    l->old = calloc((size_t)l->taken, sizeof *l->old);
    if (!l->old)
        return ERR_NOMEM;
    for (int i = 0; i < l->taken; i++) {
        int err = read_chunk(l, &l->open[i], &l->old[i]);
        if (err)
            return err;
        n += l->old[i].n;
    }
    l->merged = malloc(n * sizeof *l->merged);
    if (!l->merged)
        return ERR_NOMEM;
    size_t at = 0;
    for (int i = l->taken - 1; i >= 0; i--) {
        if (l->old[i].n)
            memcpy(l->merged + at, l->old[i].points, l->old[i].n * sizeof *l->merged);
        at += l->old[i].n;
    }
    memcpy(l->merged + at, l->points, l->n * sizeof *l->merged);
    l->n = points_sort_keep(l->merged, n, false);
    l->points = l->merged;
    return 0;
}

struct numbers {
    int64_t n;
    double least, greatest, sum, first, last;
};

static struct numbers summarize(const struct point *p, size_t n)
{
    struct numbers s = {0};
    for (size_t i = 0; i < n; i++) {
        struct value v = point_value(&p[i]);
        if (!value_is_number(v))
            continue;
        double d = value_as_double(v);
        if (s.n++ == 0)
            s.least = s.greatest = s.first = d;
        s.least = d < s.least ? d : s.least;
        s.greatest = d > s.greatest ? d : s.greatest;
        s.sum += d;
        s.last = d;
    }
    return s;
}

static void bind_numbers(sqlite3_stmt *s, int at, const struct numbers *m)
{
    sqlite3_bind_int64(s, at, m->n);
    if (!m->n)
        return; /* unbound is NULL */
    sqlite3_bind_double(s, at + 1, m->least);
    sqlite3_bind_double(s, at + 2, m->greatest);
    sqlite3_bind_double(s, at + 3, m->sum);
    sqlite3_bind_double(s, at + 4, m->first);
    sqlite3_bind_double(s, at + 5, m->last);
}

int history_bind_chunk(struct history *h, sqlite3_stmt *s, int at, const struct point *p, size_t n,
                       enum chunk_level level)
{
    buf_clear(&h->encoded);
    int err = chunk_encode_at(p, n, level, &h->encoded);
    if (err)
        return err;
    struct numbers numbers = summarize(p, n);
    sqlite3_bind_int64(s, at, p[0].t_us);
    sqlite3_bind_int64(s, at + 1, p[n - 1].t_us);
    sqlite3_bind_int(s, at + 2, history_span(p[0].t_us, p[n - 1].t_us));
    sqlite3_bind_int64(s, at + 3, (int64_t)n);
    sqlite3_bind_int64(s, at + 4, (int64_t)weight_of_all(p, n));
    sqlite3_bind_int(s, at + 5, (unsigned char)h->encoded.p[1]); /* 0 when types differ */
    bind_numbers(s, at + 6, &numbers);
    db_bind_blob(s, at + 12, buf_slice(&h->encoded));
    return 0;
}

int history_insert_chunk(struct history *h, const struct history_place *at, const struct point *p,
                         size_t n, enum chunk_level level, struct history_totals *totals)
{
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_INSERT);
    if (!s)
        return db_error(&h->writer);
    int err = history_bind_chunk(h, s, 5, p, n, level);
    if (err)
        return err;
    sqlite3_bind_int64(s, 1, h->next_id++);
    sqlite3_bind_int64(s, 2, at->series);
    sqlite3_bind_int(s, 3, at->line);
    sqlite3_bind_int(s, 4, at->open);
    err = db_run(&h->writer, s);
    totals->chunks++;
    totals->points += (int64_t)n;
    totals->bytes += (int64_t)h->encoded.n;
    return err;
}

static int remove_taken(struct line *l)
{
    struct db *db = &l->h->writer;
    for (int i = 0; i < l->taken; i++) {
        if (!l->old[i].n)
            continue; /* damaged: it stays */
        sqlite3_stmt *s = db_stmt(db, SQL_DELETE);
        if (s)
            sqlite3_bind_int64(s, 1, l->open[i].id);
        int err = db_run(db, s);
        if (err)
            return err;
        l->totals->chunks--;
        l->totals->points -= l->open[i].n;
        l->totals->bytes -= l->open[i].bytes;
    }
    return 0;
}

size_t history_cut(const struct point *p, size_t n)
{
    size_t weight = 0, i = 0;
    while (i < n && i < CHUNK_POINTS_MAX) {
        weight += weight_of(&p[i]);
        if (i && weight > CHUNK_WEIGHT)
            break;
        i++;
    }
    return i;
}

bool history_is_done(const struct point *p, size_t n)
{
    return n >= DONE_POINTS || weight_of_all(p, n) >= DONE_WEIGHT;
}

static int write_chunks(struct line *l)
{
    const struct point *p = l->points;
    size_t left = l->n;
    while (left) {
        size_t n = history_cut(p, left);
        struct history_place at = {l->series, l->line, n == left && !history_is_done(p, n)};
        /* what is open is written again soon */
        enum chunk_level level = at.open && l->level > CHUNK_LOW ? CHUNK_LOW : l->level;
        int err = history_insert_chunk(l->h, &at, p, n, level, l->totals);
        if (err)
            return err;
        if (!at.open) {
            l->has_done = true;
            l->done_t_max = p[n - 1].t_us;
        }
        p += n;
        left -= n;
    }
    return 0;
}

static int write_line(struct line *l)
{
    int err = read_stack(l);
    if (!err)
        err = take_up(l);
    if (!err)
        err = write_chunks(l);
    if (!err)
        err = remove_taken(l);
    for (int i = 0; l->old && i < l->taken; i++)
        chunk_points_release(&l->old[i]);
    free(l->old);
    free(l->merged);
    return err;
}

int history_write_last(struct history *h, uint32_t series, const struct point *newest)
{
    buf_clear(&h->encoded);
    int err = newest ? chunk_encode(newest, 1, &h->encoded) : 0;
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_LAST_SET);
    if (s) {
        sqlite3_bind_int64(s, 1, series);
        sqlite3_bind_int64(s, 2, newest ? newest->t_us : INT64_MIN);
        db_bind_blob(s, 3, buf_slice(&h->encoded));
    }
    return db_run(&h->writer, s);
}

static int write_edge(struct history *h, uint32_t series, int64_t edge)
{
    sqlite3_stmt *s = db_stmt(&h->writer, SQL_EDGE_SET);
    if (s) {
        sqlite3_bind_int64(s, 1, edge);
        sqlite3_bind_int64(s, 2, series);
    }
    return db_run(&h->writer, s);
}

/* Points that came after their time was rolled up: their neighbourhoods are to be made anew. */
static int mark_late(struct history *h, uint32_t series, const struct point *p, size_t n)
{
    int err = 0;
    for (size_t from = 0, to; from < n && !err; from = to) {
        for (to = from + 1; to < n && p[to].t_us - p[to - 1].t_us <= DIRTY_GAP_US;)
            to++;
        err = history_mark_dirty(h, series, p[from].t_us, p[to - 1].t_us + 1);
    }
    return err;
}

/* Readings that were old when they came are kept as if they were of today; see history_upkeep.c. */
static bool note_old(struct history_state *state, int64_t oldest_us, int64_t now_us, uint32_t old_s)
{
    if (!old_s || oldest_us > now_us - (int64_t)old_s * 1000000)
        return false;
    if (!state->late_at) {
        state->late_from = oldest_us;
        state->late_since = state->late_at = now_us;
        return true;
    }
    bool new = oldest_us < state->late_from || now_us - state->late_at > OLD_NOTED_US;
    state->late_from = oldest_us < state->late_from ? oldest_us : state->late_from;
    if (new)
        state->late_at = now_us;
    return new;
}

static int keep_state(struct history *h, const struct history_flush_series *f,
                      struct history_state *state)
{
    int err = 0;
    size_t late_n = 0;
    while (state->is_rolled && late_n < f->n && f->points[late_n].t_us < state->rolled)
        late_n++;
    if (late_n)
        err = mark_late(h, f->series, f->points, late_n);
    if (!err && note_old(state, f->points[0].t_us, history_now(h).latest, f->old_s))
        err = history_state_write(h, f->series, state);
    return err;
}

static int flush_series(struct history *h, const struct history_flush_series *f,
                        struct history_totals *totals)
{
    if (!f->n)
        return 0;
    assert(points_rise(f->points, f->n));
    struct history_state last;
    int err = history_state_read(&h->writer, f->series, &last);
    if (err)
        return err;
    size_t late_n = 0;
    while (last.has_edge && late_n < f->n && f->points[late_n].t_us <= last.edge)
        late_n++;
    struct line late = {.h = h,
                        .totals = totals,
                        .series = f->series,
                        .level = (enum chunk_level)f->level,
                        .line = LINE_LATE,
                        .points = f->points,
                        .n = late_n};
    struct line fresh = {.h = h,
                         .totals = totals,
                         .series = f->series,
                         .level = (enum chunk_level)f->level,
                         .line = LINE_FRESH,
                         .points = f->points + late_n,
                         .n = f->n - late_n};
    if (late.n)
        err = write_line(&late);
    if (!err && fresh.n)
        err = write_line(&fresh);
    const struct point *newest = &f->points[f->n - 1];
    if (!err && (!last.known || newest->t_us >= last.t))
        err = history_write_last(h, f->series, newest);
    if (!err && fresh.has_done)
        err = write_edge(h, f->series, fresh.done_t_max);
    return err ? err : keep_state(h, f, &last);
}

/* A flush comes in pieces, in order of series.  Between two pieces the checkpoint stands where it
 * was, and a mark (seq, series) says how far the flush is: readings up to this number of series up
 * to that one are in here.  After a crash they are not taken from the journal again.  For chunks
 * that would do no harm, but where readings have expired they are added to roll-ups.  A mark that a
 * crash left holds until one that covers it takes its place, or the checkpoint passes it. */
static void set_mark(struct history_totals *totals, uint64_t seq, uint32_t series, bool last)
{
    if (last)
        totals->checkpoint = (int64_t)seq;
    else if ((int64_t)seq >= totals->partial_seq && (int64_t)series >= totals->partial_series)
        totals->partial_seq = (int64_t)seq, totals->partial_series = (int64_t)series;
    if (totals->partial_seq <= totals->checkpoint)
        totals->partial_seq = totals->partial_series = 0;
}

int history_flush(struct history *h, struct history_flush_series *list, size_t n, uint64_t seq,
                  bool last)
{
    struct history_totals totals = history_totals(h);
    assert((int64_t)seq >= totals.checkpoint);
    int err = db_begin(&h->writer);
    for (size_t i = 0; i < n && !err; i++)
        err = flush_series(h, &list[i], &totals);
    set_mark(&totals, seq, n ? list[n - 1].series : 0, last);
    if (!err)
        err = history_commit(h, &totals);
    if (err) {
        db_rollback(&h->writer);
        return err;
    }
    pthread_mutex_lock(&h->lock);
    h->flushes += last;
    pthread_mutex_unlock(&h->lock);
    return 0;
}

static int drop_series(struct history *h, uint32_t series, struct history_totals *totals)
{
    static const int sums[] = {SQL_SUM_OPEN, SQL_SUM_DONE};
    static const int drops[] = {SQL_DROP_OPEN, SQL_DROP_DONE, SQL_DROP_LAST, SQL_DROP_DIRTY,
                                SQL_DROP_ROLLUPS};
    struct db *db = &h->writer;
    sqlite3_stmt *rollups = db_stmt(db, SQL_SUM_ROLLUPS);
    if (rollups)
        sqlite3_bind_int64(rollups, 1, series);
    if (!rollups || sqlite3_step(rollups) != SQLITE_ROW)
        return db_error(db);
    totals->rollup_rows -= sqlite3_column_int64(rollups, 0);
    totals->rollup_bytes -= sqlite3_column_int64(rollups, 1);
    sqlite3_reset(rollups);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        sqlite3_stmt *s = db_stmt(db, sums[i]);
        if (s)
            sqlite3_bind_int64(s, 1, series);
        if (!s || sqlite3_step(s) != SQLITE_ROW)
            return db_error(db);
        totals->chunks -= sqlite3_column_int64(s, 0);
        totals->points -= sqlite3_column_int64(s, 1);
        totals->bytes -= sqlite3_column_int64(s, 2);
        sqlite3_reset(s);
    }
    for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++) {
        sqlite3_stmt *s = db_stmt(db, drops[i]);
        if (s)
            sqlite3_bind_int64(s, 1, series);
        int err = db_run(db, s);
        if (err)
            return err;
    }
    return 0;
}

int history_drop(struct history *h, const uint32_t *series, size_t n)
{
    struct history_totals totals = history_totals(h);
    int err = db_begin(&h->writer);
    for (size_t i = 0; i < n && !err; i++)
        err = drop_series(h, series[i], &totals);
    if (!err)
        err = history_commit(h, &totals);
    if (err) {
        db_rollback(&h->writer);
        return err;
    }
    db_exec(&h->writer, "PRAGMA incremental_vacuum(1000)"); /* 8 MB at most; the rest is reused */
    return 0;
}
