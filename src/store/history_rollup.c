/* ROLL-UPS of four tiers (1 s, 1 min, 1 h, 1 d) in the table rollup: one row holds up to 256
 * buckets of one series and tier (rollup.c); rows of a tier do not overlap.
 *
 * WHAT A BUCKET IS.  The finest tier that a series keeps is made of its readings; each coarser one
 * of the next finer that is kept.  That holds wherever a bucket comes from, so it comes out the
 * same whether it was stored or is made while somebody asks.
 *
 * WHERE STORED ONES HOLD.  Before state.rolled, but for the ranges in the table dirty.  A flush
 * does not touch roll-ups at all: it notes as dirty where it wrote before state.rolled, in its own
 * transaction, and the rest is done in the background (history_upkeep.c), thousands of readings at
 * once.  Who reads takes stored buckets where they hold, and makes the others of what is finer: for
 * the newest stretch, which is not rolled up yet, that is what it would read anyway.
 *
 * WHERE READINGS HAVE EXPIRED (before state.raw_from) a bucket cannot be made anew.  Readings that
 * come later are added to what is stored; once that is done the readings themselves are let go, so
 * that whatever lies there has not been added yet. */
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ADD_BUCKETS = 64 * ROLLUP_ROW_MAX }; /* looked at together */

#define HEAD_GAP_US INT64_C(3600000000)

/* ---- what does not hold ---- */

int history_mark_dirty(struct history *h, uint32_t series, int64_t from, int64_t to)
{
    struct db *db = &h->writer;
    sqlite3_stmt *s = db_stmt(db, SQL_DIRTY_TOUCHING);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int64(s, 2, from);
    sqlite3_bind_int64(s, 3, to);
    int code = sqlite3_step(s);
    int64_t rows = code == SQLITE_ROW ? sqlite3_column_int64(s, 2) : 0;
    bool any = rows > 0;
    int64_t low = any ? sqlite3_column_int64(s, 0) : from;
    int64_t high = any ? sqlite3_column_int64(s, 1) : to;
    sqlite3_reset(s);
    int err = code == SQLITE_ROW ? 0 : db_error(db);
    if (!err && rows == 1 && low <= from && high >= to)
        return 0; /* of several there may be a gap between them */
    from = low < from ? low : from;
    to = high > to ? high : to;
    static const int steps[] = {SQL_DIRTY_REMOVE, SQL_DIRTY_PUT};
    for (int i = any ? 0 : 1; i < 2 && !err; i++) {
        if ((s = db_stmt(db, steps[i]))) {
            sqlite3_bind_int64(s, 1, series);
            sqlite3_bind_int64(s, 2, from);
            sqlite3_bind_int64(s, 3, to);
        }
        err = db_run(db, s);
    }
    return err;
}

int history_view_add(struct history_view *v, int64_t from, int64_t to)
{
    struct history_range *last = v->ranges_n ? &v->ranges[v->ranges_n - 1] : NULL;
    if (last && from <= last->to) {
        last->to = to > last->to ? to : last->to;
        return 0;
    }
    if (v->ranges_n == v->ranges_cap) {
        size_t cap = v->ranges_cap ? 2 * v->ranges_cap : 8;
        struct history_range *more = realloc(v->ranges, cap * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        v->ranges = more;
        v->ranges_cap = cap;
    }
    v->ranges[v->ranges_n++] = (struct history_range){from, to};
    return 0;
}

/* The next stretch of the head before state.rolled, from point *at on; false: no more. */
static bool head_range(const struct history_view *v, size_t *at, struct history_range *ret)
{
    size_t i = *at;
    if (i >= v->head_n || v->head[i].t_us >= v->state.rolled)
        return false;
    ret->from = v->head[i].t_us;
    for (i++; i < v->head_n && v->head[i].t_us < v->state.rolled &&
              v->head[i].t_us - v->head[i - 1].t_us <= HEAD_GAP_US;)
        i++;
    ret->to = v->head[i - 1].t_us + 1;
    *at = i;
    return true;
}

/* Dirty ranges and those of the head, in one rising line. */
static int add_ranges(struct history_view *v, sqlite3_stmt *s)
{
    size_t at = 0;
    struct history_range head, one;
    bool has_head = head_range(v, &at, &head);
    int code = sqlite3_step(s), err = 0;
    while ((code == SQLITE_ROW || has_head) && !err) {
        one = (struct history_range){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
        if (has_head && (code != SQLITE_ROW || head.from < one.from)) {
            err = history_view_add(v, head.from, head.to);
            has_head = head_range(v, &at, &head);
        } else {
            err = history_view_add(v, one.from, one.to);
            code = sqlite3_step(s);
        }
    }
    sqlite3_reset(s);
    return err ? err : db_map_error(code);
}

int history_view_ranges(struct history_view *v, int64_t from, int64_t to)
{
    if (!v->state.is_rolled)
        return history_view_add(v, INT64_MIN, INT64_MAX);
    /* what is asked for may be widened to days */
    const int64_t day = rollup_width_us[ROLLUP_TIERS - 1];
    sqlite3_stmt *s = db_stmt(v->db, SQL_DIRTY_LIST);
    if (!s)
        return db_error(v->db);
    sqlite3_bind_int64(s, 1, v->series);
    sqlite3_bind_int64(s, 2, rollup_floor(from, day));
    sqlite3_bind_int64(s, 3, rollup_ceil(to, day));
    int err = add_ranges(v, s);
    return err ? err : history_view_add(v, v->state.rolled, INT64_MAX);
}

void history_view_release(struct history_view *v)
{
    free(v->ranges);
    v->ranges = NULL;
    v->ranges_n = v->ranges_cap = 0;
}

/* ---- making ---- */

/* Gathers into buckets of one width, and hands each on when the next begins. */
struct gather {
    int64_t width_us;
    struct rollup now;
    history_rollup_fn *fn;
    void *arg;
};

static int hand_on(struct gather *g)
{
    int err = g->now.n ? g->fn(g->arg, &g->now) : 0;
    rollup_release(&g->now);
    return err;
}

static int begin_bucket(struct gather *g, int64_t t_us)
{
    int64_t start = rollup_floor(t_us, g->width_us);
    if (g->now.n && g->now.t_us == start)
        return 0;
    int err = hand_on(g);
    g->now = (struct rollup){.t_us = start};
    return err;
}

static int gather_run(void *arg, const struct history_run *run)
{
    struct gather *g = arg;
    int err = 0;
    for (size_t i = 0; i < run->n && !err; i++) {
        err = begin_bucket(g, run->points[i].t_us);
        if (!err)
            err = rollup_add_point(&g->now, &run->points[i]);
    }
    return err;
}

static int gather_rollup(void *arg, const struct rollup *b)
{
    struct gather *g = arg;
    int err = begin_bucket(g, b->t_us);
    return err ? err : rollup_add(&g->now, b);
}

static int end_gather(struct gather *g, int err)
{
    if (!err)
        err = hand_on(g);
    rollup_release(&g->now);
    return err;
}

int history_fold(struct history_view *v, int tier, int64_t from, int64_t to, history_rollup_fn *fn,
                 void *arg)
{
    struct gather g = {.width_us = rollup_width_us[tier], .fn = fn, .arg = arg};
    struct history_taker taker = {.run = gather_run, .arg = &g};
    struct history_ask ask = {.series = v->series,
                              .from = from,
                              .to = to,
                              .head = v->head,
                              .head_n = v->head_n,
                              .taker = &taker,
                              .cancel = v->cancel};
    int err = history_scan_on(v->db, &ask);
    if (err == ERR_CORRUPT) { /* it is in the log; the rest is there */
        v->corrupt = true;
        err = 0;
    }
    return end_gather(&g, err);
}

/* The next finer tier that is kept; -1: readings. */
static int finer(const struct history_view *v, int tier)
{
    do
        tier--;
    while (tier >= 0 && !(v->state.tiers & 1 << tier));
    return tier;
}

int history_make_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                         history_rollup_fn *fn, void *arg)
{
    int below = finer(v, tier);
    if (below < 0)
        return history_fold(v, tier, from, to, fn, arg);
    struct gather g = {.width_us = rollup_width_us[tier], .fn = fn, .arg = arg};
    int err = history_read_rollups(v, below, from, to, gather_rollup, &g);
    return end_gather(&g, err);
}

/* ---- reading ---- */

int history_first_rollup(struct db *db, uint32_t series, int tier, int64_t *ret)
{
    sqlite3_stmt *s = db_stmt(db, SQL_ROLLUP_SPAN);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int(s, 2, tier);
    int code = sqlite3_step(s);
    bool any = code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
    *ret = any ? sqlite3_column_int64(s, 0) : INT64_MAX;
    sqlite3_reset(s);
    return code == SQLITE_ROW ? 0 : db_error(db);
}

int history_zones(struct history_view *v, int tier, struct history_zones *ret)
{
    const int64_t width = rollup_width_us[tier];
    struct history_zones zones = {INT64_MIN, rollup_floor(v->state.raw_from, width)};
    int64_t first, other;
    int below = finer(v, tier);
    if (v->state.raw_from == INT64_MIN) {
        *ret = zones;
        return 0;
    }
    int err = history_first_rollup(v->db, v->series, tier, &first);
    if (!err && below >= 0) {
        err = history_first_rollup(v->db, v->series, below, &other);
        if (!err && other != INT64_MAX && rollup_floor(other, width) < zones.split)
            zones.split = rollup_floor(other, width);
    }
    for (int k = tier + 1; k < ROLLUP_TIERS && !err; k++) {
        if (!(v->state.tiers & 1 << k))
            continue;
        err = history_first_rollup(v->db, v->series, k, &other);
        if (!err && other < rollup_floor(first, rollup_width_us[k]))
            zones.low = first;
    }
    *ret = zones;
    return err;
}

static int emit_row(struct history_view *v, struct rollups *list, int64_t from, int64_t to,
                    history_rollup_fn *fn, void *arg)
{
    int err = 0;
    for (size_t i = 0; i < list->n && !err; i++)
        if (list->items[i].t_us >= from && list->items[i].t_us < to)
            err = fn(arg, &list->items[i]);
    if (!err && v->cancel && atomic_load_explicit(v->cancel, memory_order_relaxed))
        err = ERR_CANCELLED;
    return err;
}

int history_stored_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                           history_rollup_fn *fn, void *arg)
{
    struct rollups list = {0};
    sqlite3_stmt *s = from < to ? db_stmt(v->db, SQL_ROLLUP_LIST) : NULL;
    if (!s)
        return from < to ? db_error(v->db) : 0;
    sqlite3_bind_int64(s, 1, v->series);
    sqlite3_bind_int(s, 2, tier);
    sqlite3_bind_int64(s, 3, from);
    sqlite3_bind_int64(s, 4, to);
    int code, err = 0;
    while (!err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        rollups_clear(&list);
        err = rollup_decode(db_column(s, 3), &list);
        if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
            log_error("history", "a roll-up of series %u (tier %d, from %lld) is damaged",
                      v->series, tier, (long long)sqlite3_column_int64(s, 0));
            v->corrupt = true;
            err = 0;
        } else if (!err) {
            err = emit_row(v, &list, from, to, fn, arg);
        }
    }
    sqlite3_reset(s);
    rollups_release(&list);
    return err ? err : db_map_error(code);
}

static int collect(void *arg, const struct rollup *b)
{
    return rollups_push_copy(arg, b);
}

/* Both lists in one line; of one time they are added up. */
static int emit_sum(const struct rollups *stored, const struct rollups *added,
                    history_rollup_fn *fn, void *arg)
{
    size_t a = 0, b = 0;
    int err = 0;
    while ((a < stored->n || b < added->n) && !err) {
        struct rollup *x = a < stored->n ? &stored->items[a] : NULL;
        const struct rollup *y = b < added->n ? &added->items[b] : NULL;
        if (x && y && x->t_us == y->t_us) {
            err = rollup_add(x, y);
            b++;
        } else if (!x || (y && y->t_us < x->t_us)) {
            err = fn(arg, y);
            b++;
            continue;
        }
        if (!err)
            err = fn(arg, x);
        a++;
    }
    return err;
}

int history_add_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                        const struct history_range *of, history_rollup_fn *fn, void *arg)
{
    struct rollups stored = {0}, added = {0};
    int64_t low = from > of->from ? from : of->from, high = to < of->to ? to : of->to;
    int err = history_fold(v, tier, low, high, collect, &added);
    if (!err)
        err = history_stored_rollups(v, tier, from, to, collect, &stored);
    if (!err)
        err = emit_sum(&stored, &added, fn, arg);
    rollups_release(&stored);
    rollups_release(&added);
    return err;
}

/* Where readings have expired: what is stored, and what came later. */
static int read_sum(struct history_view *v, int tier, int64_t from, int64_t to,
                    history_rollup_fn *fn, void *arg)
{
    int64_t stride = ADD_BUCKETS * rollup_width_us[tier];
    int err = 0;
    for (int64_t next; from < to && !err; from = next) {
        next = to - stride > from ? from + stride : to; /* none of them is near the limits */
        struct history_range all = {from, next};
        err = history_add_rollups(v, tier, from, next, &all, fn, arg);
    }
    return err;
}

/* What does not hold, anew. */
static int renew(struct history_view *v, int tier, int64_t from, int64_t to, history_rollup_fn *fn,
                 void *arg)
{
    struct history_zones zones;
    int err = history_zones(v, tier, &zones);
    int64_t middle = zones.split < from ? from : zones.split < to ? zones.split : to;
    int64_t low = zones.low < from ? from : zones.low < middle ? zones.low : middle;
    if (!err)
        err = history_stored_rollups(v, tier, from, low, fn, arg);
    if (!err && low < middle)
        err = read_sum(v, tier, low, middle, fn, arg);
    return err || middle >= to ? err : history_make_rollups(v, tier, middle, to, fn, arg);
}

int history_read_rollups(struct history_view *v, int tier, int64_t from, int64_t to,
                         history_rollup_fn *fn, void *arg)
{
    const int64_t width = rollup_width_us[tier];
    if (!(v->state.tiers & 1 << tier))
        return history_make_rollups(v, tier, from, to, fn, arg);
    int err = 0;
    int64_t at = from;
    for (size_t i = 0; i < v->ranges_n && at < to && !err; i++) {
        int64_t low = rollup_floor(v->ranges[i].from, width);
        int64_t high = rollup_ceil(v->ranges[i].to, width);
        low = low < at ? at : low;
        high = high > to ? to : high;
        if (high <= low)
            continue;
        err = history_stored_rollups(v, tier, at, low, fn, arg);
        if (!err)
            err = renew(v, tier, low, high, fn, arg);
        at = high;
    }
    return err || at >= to ? err : history_stored_rollups(v, tier, at, to, fn, arg);
}

int history_rollup_scan(struct history *h, const struct history_rollup_ask *ask)
{
    struct db *db;
    const int64_t width = rollup_width_us[ask->tier];
    int err = db_pool_take(h->readers, &db);
    if (err)
        return err;
    struct history_view v = {.db = db,
                             .series = ask->series,
                             .head = ask->head,
                             .head_n = ask->head_n,
                             .cancel = ask->cancel};
    int64_t from = rollup_floor(ask->from, width), to = rollup_ceil(ask->to, width);
    err = db_exec(db, "BEGIN"); /* one state of the file */
    if (!err)
        err = history_state_read(db, ask->series, &v.state);
    if (!err)
        err = history_view_ranges(&v, from, to);
    if (!err)
        err = history_read_rollups(&v, ask->tier, from, to, ask->fn, ask->arg);
    if (!err && v.corrupt)
        err = ERR_CORRUPT;
    history_view_release(&v);
    db_pool_give(h->readers, db);
    return err;
}

static int read_spans(struct db *db, uint32_t series, struct history_spans *ret)
{
    for (int tier = 0; tier < ROLLUP_TIERS; tier++) {
        ret->tier_from[tier] = INT64_MAX;
        int err = ret->tiers & 1 << tier
                      ? history_first_rollup(db, series, tier, &ret->tier_from[tier])
                      : 0;
        if (err)
            return err;
    }
    return 0;
}

int history_spans(struct history *h, uint32_t series, struct history_spans *ret)
{
    struct db *db;
    struct history_state state;
    int err = db_pool_take(h->readers, &db);
    if (err)
        return err;
    err = db_exec(db, "BEGIN");
    if (!err)
        err = history_state_read(db, series, &state);
    struct history_spans spans = {
        .newest = state.t, .raw_from = state.raw_from, .tiers = state.tiers};
    if (!err)
        err = read_spans(db, series, &spans);
    db_pool_give(h->readers, db);
    if (!err)
        *ret = spans;
    return err;
}
