/* UPKEEP: what happens to readings after they were written.  It runs in the background, a few
 * milliseconds at a time, visits one series after the other, and begins again; nothing else waits
 * for it, and what it has not done yet nobody sees but the disk.
 *
 * A VISIT of a series makes dirty stretches anew, rolls up what lies before the edge (history.c) or
 * is about to expire, and then lets go of readings and roll-ups whose time has come.
 *
 * WHICH TIERS.  The finest that may be kept is the coarsest not wider than samplingRate; those
 * above it may be kept too as long as several of their buckets fit into the time for which readings
 * are kept.  Of these a tier is kept when it is worth it: when its buckets have WORTH readings on
 * average.  That is looked at when a series is rolled up; a tier that turns out to be worth it
 * later is made of all readings there are, and before them of the next finer tier.  A tier goes
 * only when the policy does not want it any more, and not while it is the only one that tells of a
 * time whose readings have expired.
 *
 * HOW LONG.  Roll-ups are kept for retentionPeriod, readings for doppel:rawRetention or a third of
 * it; and for all of it when samplingRate is finer than any tier, or its tier is not worth keeping:
 * then the readings themselves are what was asked for.  Both expire in steps, so that a chunk is
 * cut once a step and not with every visit, and at whole buckets of the coarsest tier, so that no
 * bucket is half gone.
 *
 * WHAT COMES OLD.  Who brings in a recording of last year does not want it gone a minute later, by
 * the letter of "90d".  So readings that have half of their time behind them when they come count
 * from when they came: the series notes from when they are (late_from) and when the last came
 * (late_at), and lets nothing behind late_from go until the period has passed since.  A sensor
 * whose clock is wrong again and again would keep everything for ever: after twice the period
 * (late_since) the letter holds.
 *
 * WHAT TIME IT IS.  A clock that jumps forward, or is wrong when the machine starts, lets nothing
 * go: time goes by base/steady.h, from the last time on that history.db knows of. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <stdio.h>

enum {
    RAW_SHARE = 3,       /* readings are kept for this part of the retention period */
    WORTH = 4,           /* readings in a bucket */
    FIT = 4,             /* buckets in the time for which readings are kept */
    STEPS = 8,           /* in which a period expires, at least */
    BITE_POINTS = 65536, /* rolled up at once */
    FILL_BUCKETS = 16384,
    VACUUM_PAGES = 256, /* given back at once */
    VACUUM_SLACK = 16,  /* one page in so many may stay free */
    VACUUM_LEAST = 64,
};

#define LATE_SLACK_US INT64_C(60000000) /* late_at is noted once a minute */

/* What a policy means. */
struct plan {
    int64_t keep_us, raw_us; /* 0: for ever */
    int allowed;             /* tiers */
    int finest;              /* the tier that stands for samplingRate; -1: readings do */
};

struct upkeep {
    struct history *h;
    struct history_totals totals;
    bool begun; /* the transaction, which many visits share */
    uint64_t rolled, expired;
};

struct visit {
    struct upkeep *u;
    struct history_view view;
    struct plan plan;
    struct history_time now;
    bool more;
};

static struct plan make_plan(const struct history_policy *p)
{
    struct plan plan = {.keep_us = p->keep_us, .raw_us = p->raw_us, .finest = -1};
    if (!plan.raw_us || (plan.keep_us && plan.raw_us > plan.keep_us))
        plan.raw_us = p->raw_us ? plan.keep_us : plan.keep_us / RAW_SHARE;
    for (int k = 0; k < ROLLUP_TIERS; k++) {
        if (rollup_width_us[k] <= p->sampling_us)
            plan.finest = k;
        if (!plan.raw_us || rollup_width_us[k] <= plan.raw_us / FIT)
            plan.allowed |= 1 << k;
    }
    if (plan.finest > 0)
        plan.allowed &= ~((1 << plan.finest) - 1);
    return plan;
}

uint32_t history_old_s(const struct history_policy *policy)
{
    int64_t s = make_plan(policy).raw_us / 2 / 1000000;
    return s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

/* For how long readings are kept as things are. */
static int64_t raw_time(const struct visit *v)
{
    bool stands = v->plan.finest >= 0 && v->view.state.tiers & 1 << v->plan.finest;
    return stands ? v->plan.raw_us : v->plan.keep_us;
}

static int coarsest(int tiers)
{
    int k = ROLLUP_TIERS - 1;
    while (k >= 0 && !(tiers & 1 << k))
        k--;
    return k;
}

static int finest(int tiers)
{
    for (int k = 0; k < ROLLUP_TIERS; k++)
        if (tiers & 1 << k)
            return k;
    return -1;
}

/* What lies before has had its time.  INT64_MIN: nothing has. */
static int64_t limit_of(const struct visit *v, int64_t time_us)
{
    const struct history_state *state = &v->view.state;
    if (!time_us)
        return INT64_MIN;
    int k = coarsest(state->tiers);
    k = k < 0 ? 0 : k;
    while (k + 1 < ROLLUP_TIERS && rollup_width_us[k + 1] <= time_us / STEPS)
        k++;
    int64_t limit = v->now.sure - time_us;
    bool waits = state->late_at && v->now.sure - state->late_at <= time_us + LATE_SLACK_US &&
                 v->now.sure - state->late_since <= 2 * time_us;
    if (waits && state->late_from < limit)
        limit = state->late_from;
    return rollup_floor(limit, rollup_width_us[k]);
}

static int begin(struct upkeep *u)
{
    if (u->begun)
        return 0;
    u->totals = history_totals(u->h);
    int err = db_begin(&u->h->writer);
    u->begun = !err;
    return err;
}

static int save(struct visit *v)
{
    return history_state_write(v->u->h, v->view.series, &v->view.state);
}

static int put(struct visit *v, int tier, int64_t from, int64_t to, const struct rollups *list)
{
    return history_put_rollups(v->u->h, v->view.series, tier, from, to, list, &v->u->totals);
}

/* ---- making roll-ups ---- */

static int collect(void *arg, const struct rollup *b)
{
    return rollups_push_copy(arg, b);
}

/* Collects until it has a mouthful, and says where the rest begins. */
struct bite {
    struct rollups list;
    uint64_t points;
    int64_t rest_us;
};

static int take_bite(void *arg, const struct rollup *b)
{
    struct bite *bite = arg;
    if (bite->points >= BITE_POINTS) {
        bite->rest_us = b->t_us;
        return 1;
    }
    bite->points += b->n;
    return collect(&bite->list, b);
}

static int fold_bite(struct visit *v, int tier, int64_t from, int64_t to, struct bite *bite)
{
    *bite = (struct bite){.rest_us = to};
    int err = history_fold(&v->view, tier, from, to, take_bite, bite);
    v->u->rolled += bite->points;
    return err < 0 ? err : 0;
}

/* Coarser tiers around from <= t < to, made of finer ones; whole buckets before `end`. */
static int make_coarser(struct visit *v, int above, int64_t from, int64_t to, int64_t end)
{
    int err = 0;
    for (int k = above + 1; k < ROLLUP_TIERS && !err; k++) {
        const int64_t width = rollup_width_us[k];
        if (!(v->view.state.tiers & 1 << k))
            continue;
        int64_t low = rollup_floor(from, width), high = rollup_ceil(to, width);
        int64_t whole = rollup_floor(end, width);
        struct history_zones zones;
        if ((err = history_zones(&v->view, k, &zones)))
            break;
        high = high < whole ? high : whole;
        low = low > zones.split ? low : zones.split;
        if (low >= high)
            continue;
        struct rollups list = {0};
        v->view.ranges_n = 0;
        err = history_view_ranges(&v->view, low, high);
        if (!err)
            err = history_make_rollups(&v->view, k, low, high, collect, &list);
        if (!err)
            err = put(v, k, low, high, &list);
        rollups_release(&list);
    }
    return err;
}

/* Roll-ups of from <= t < to out of readings; *ret_to: so far it came. */
static int roll(struct visit *v, int64_t from, int64_t to, int64_t *ret_to)
{
    int tier = finest(v->view.state.tiers);
    struct bite bite;
    int err = fold_bite(v, tier, from, to, &bite);
    if (!err)
        err = put(v, tier, from, bite.rest_us, &bite.list);
    *ret_to = bite.rest_us;
    rollups_release(&bite.list);
    return err;
}

/* Add readings to stored buckets whose own readings have expired, and let the new ones go. */
static int add_late(struct visit *v, int64_t from, int64_t to, int64_t *ret_to)
{
    struct history_view *view = &v->view;
    struct history_range all = {from, to};
    int tier = finest(view->state.tiers);
    struct bite bite;
    int err = fold_bite(v, tier, from, to, &bite);
    rollups_release(&bite.list);
    all.to = *ret_to = bite.rest_us < to ? bite.rest_us : to;
    for (int k = 0; k < ROLLUP_TIERS && !err; k++) {
        if (!(view->state.tiers & 1 << k))
            continue;
        const int64_t width = rollup_width_us[k];
        struct history_zones zones;
        if ((err = history_zones(view, k, &zones)))
            break;
        int64_t low = rollup_floor(all.from, width), high = rollup_ceil(all.to, width);
        high = high < zones.split ? high : zones.split;
        low = low > zones.low ? low : zones.low;
        struct rollups list = {0};
        if (low < high)
            err = history_add_rollups(view, k, low, high, &all, collect, &list);
        if (!err && low < high)
            err = put(v, k, low, high, &list);
        rollups_release(&list);
    }
    if (!err)
        err = make_coarser(v, tier, all.from, all.to, view->state.rolled);
    return err ? err : history_raw_cut(v->u->h, view->series, all.from, all.to, &v->u->totals);
}

static int renew(struct visit *v, struct history_range dirty, int64_t *ret_to)
{
    const struct history_state *state = &v->view.state;
    int tier = finest(state->tiers);
    const int64_t width = rollup_width_us[tier];
    if (dirty.from < state->raw_from)
        return add_late(v, dirty.from, dirty.to < state->raw_from ? dirty.to : state->raw_from,
                        ret_to);
    int64_t low = rollup_floor(dirty.from, width), high = rollup_ceil(dirty.to, width);
    high = high < state->rolled ? high : state->rolled;
    *ret_to = dirty.to;
    if (low >= high)
        return 0;
    int64_t end;
    int err = roll(v, low, high, &end);
    if (end < high)
        *ret_to = end;
    return err ? err : make_coarser(v, tier, low, end, state->rolled);
}

static int remove_dirty(struct visit *v, struct history_range r)
{
    sqlite3_stmt *s = db_stmt(&v->u->h->writer, SQL_DIRTY_REMOVE);
    if (s) {
        sqlite3_bind_int64(s, 1, v->view.series);
        sqlite3_bind_int64(s, 2, r.from);
        sqlite3_bind_int64(s, 3, r.to);
    }
    return db_run(&v->u->h->writer, s);
}

static int first_dirty(struct visit *v, struct history_range *ret, bool *ret_any)
{
    sqlite3_stmt *s = db_stmt(&v->u->h->writer, SQL_DIRTY_LIST);
    if (!s)
        return db_error(&v->u->h->writer);
    sqlite3_bind_int64(s, 1, v->view.series);
    sqlite3_bind_int64(s, 2, INT64_MIN);
    sqlite3_bind_int64(s, 3, INT64_MAX);
    int code = sqlite3_step(s);
    *ret_any = code == SQLITE_ROW;
    if (*ret_any)
        *ret = (struct history_range){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
    sqlite3_reset(s);
    return db_map_error(code);
}

/* One dirty stretch, or a mouthful of it. */
static int tidy(struct visit *v, struct history_range r)
{
    int64_t end = r.to;
    int err = begin(v->u);
    if (!err) /* first, since a stretch is not to see itself as dirty */
        err = remove_dirty(v, r);
    if (!err && v->view.state.tiers)
        err = renew(v, r, &end);
    if (!err && end < r.to)
        err = history_mark_dirty(v->u->h, v->view.series, end, r.to);
    return err;
}

/* ---- which tiers ---- */

struct count {
    uint64_t points, buckets[ROLLUP_TIERS];
    int64_t last[ROLLUP_TIERS];
};

static int count_bucket(void *arg, const struct rollup *b)
{
    struct count *c = arg;
    for (int k = 0; k < ROLLUP_TIERS; k++) {
        int64_t start = rollup_floor(b->t_us, rollup_width_us[k]);
        c->buckets[k] += !c->points || start != c->last[k];
        c->last[k] = start;
    }
    c->points += b->n;
    return c->points >= BITE_POINTS;
}

/* The tiers that are allowed, not kept yet and worth it, to judge by the readings to come. */
static int worth(struct visit *v, int64_t from, int64_t to, int *ret)
{
    struct count c = {0};
    int missing = v->plan.allowed & ~v->view.state.tiers;
    *ret = 0;
    int err = missing ? history_fold(&v->view, finest(missing), from, to, count_bucket, &c) : 0;
    for (int k = 0; k < ROLLUP_TIERS && err >= 0; k++)
        if (missing & 1 << k && c.points && c.points >= WORTH * c.buckets[k])
            *ret |= 1 << k;
    return err < 0 ? err : 0;
}

/* Forget what was rolled up where there are readings, and begin anew. */
static int begin_again(struct visit *v)
{
    struct history_state *state = &v->view.state;
    const struct rollups none = {0};
    int err = 0;
    for (int k = 0; k < ROLLUP_TIERS && !err; k++)
        if (state->tiers & 1 << k)
            err = put(v, k, state->raw_from, INT64_MAX, &none);
    state->is_rolled = state->raw_from != INT64_MIN;
    state->rolled = state->is_rolled ? state->raw_from : 0;
    return err;
}

/* What a new tier says of the time before readings: what the next finer one has of it. */
static int fill_tier(struct visit *v, int tier)
{
    const int64_t width = rollup_width_us[tier], stride = width * FILL_BUCKETS;
    int below = coarsest(v->view.state.tiers & ((1 << tier) - 1)), err = 0;
    int64_t from = INT64_MAX, to = rollup_floor(v->view.state.raw_from, width);
    if (below >= 0)
        err = history_first_rollup(v->view.db, v->view.series, below, &from);
    v->view.ranges_n = 0; /* nothing is dirty: what is stored holds */
    for (from = rollup_floor(from, width); from < to && !err; from += stride) {
        struct rollups list = {0};
        int64_t next = to - from > stride ? from + stride : to;
        err = history_make_rollups(&v->view, tier, from, next, collect, &list);
        if (!err)
            err = put(v, tier, from, next, &list);
        rollups_release(&list);
    }
    return err;
}

static int add_tiers(struct visit *v, int more)
{
    int err = begin_again(v);
    v->view.state.tiers |= more;
    for (int k = 1; k < ROLLUP_TIERS && !err; k++)
        if (more & 1 << k)
            err = fill_tier(v, k);
    return err ? err : save(v);
}

/* Those of the tiers that are not wanted any more which another one can do without. */
static int dispensable(struct visit *v, int *ret)
{
    const struct history_state *state = &v->view.state;
    int64_t first[ROLLUP_TIERS];
    int err = 0, stay = state->tiers & v->plan.allowed;
    *ret = state->tiers & ~stay;
    for (int k = 0; k < ROLLUP_TIERS && *ret && !err; k++)
        err = history_first_rollup(v->view.db, v->view.series, k, &first[k]);
    for (int k = 0; k < ROLLUP_TIERS && !err; k++) {
        bool told = !(*ret & 1 << k) || first[k] >= state->raw_from;
        for (int j = 0; j < ROLLUP_TIERS && !told; j++) {
            const int64_t width = rollup_width_us[j > k ? j : k];
            told = stay & 1 << j && rollup_floor(first[j], width) <= rollup_floor(first[k], width);
        }
        if (!told)
            *ret &= ~(1 << k);
    }
    return err;
}

static int drop_tiers(struct visit *v)
{
    int tiers;
    int err = dispensable(v, &tiers);
    if (err || !tiers)
        return err;

    const struct rollups none = {0};
    err = begin(v->u);
    for (int k = 0; k < ROLLUP_TIERS && !err; k++)
        if (tiers & 1 << k)
            err = put(v, k, INT64_MIN, INT64_MAX, &none);
    v->view.state.tiers &= ~tiers;
    return err ? err : save(v);
}

/* Roll up what has come to rest. */
static int advance(struct visit *v)
{
    struct history_state *state = &v->view.state;
    int tier = finest(state->tiers ? state->tiers : v->plan.allowed), more = 0;
    const int64_t width = rollup_width_us[tier];
    int64_t from = state->is_rolled ? state->rolled : state->raw_from;
    int64_t to = state->has_edge ? rollup_floor(state->edge, width) : INT64_MIN;
    int64_t limit = limit_of(v, raw_time(v));
    to = to > limit ? to : limit;
    if (to <= from)
        return 0;
    int err = begin(v->u);
    if (!err)
        err = worth(v, from, to, &more);
    if (!err && more) {
        v->more = true;
        return add_tiers(v, more);
    }
    int64_t end = to;
    if (!err && state->tiers)
        err = roll(v, from, to, &end);
    state->is_rolled = true;
    state->rolled = end;
    v->more |= end < to;
    if (!err && state->tiers)
        err = make_coarser(v, tier, from, end, end);
    return err ? err : save(v);
}

/* ---- letting go ---- */

/* Are there readings that begin before this time? */
static int has_before(struct visit *v, int64_t t_us, bool *ret)
{
    sqlite3_stmt *s = db_stmt(&v->u->h->writer, SQL_ANY_BEFORE);
    if (!s)
        return db_error(&v->u->h->writer);
    sqlite3_bind_int64(s, 1, v->view.series);
    sqlite3_bind_int64(s, 2, t_us);
    int code = sqlite3_step(s);
    *ret = code == SQLITE_ROW;
    sqlite3_reset(s);
    return db_map_error(code);
}

/* Where there was nothing, nothing has expired: raw_from stays, and the years that somebody brings
 * into a series that began yesterday are readings and not just additions to roll-ups. */
static int expire_raw(struct visit *v)
{
    struct history_state *state = &v->view.state;
    int64_t limit = limit_of(v, raw_time(v)), before;
    if (limit <= state->raw_from || (state->tiers && (!state->is_rolled || state->rolled < limit)))
        return 0;
    bool any = state->raw_from != INT64_MIN;
    int err = any ? 0 : has_before(v, limit, &any);
    if (err || !any)
        return err;
    err = begin(v->u);
    before = v->u->totals.points;
    if (!err)
        err = history_raw_cut(v->u->h, v->view.series, INT64_MIN, limit, &v->u->totals);
    v->u->expired += (uint64_t)(before - v->u->totals.points);
    state->raw_from = limit;
    return err ? err : save(v);
}

static int expire_rollups(struct visit *v)
{
    struct history_state *state = &v->view.state;
    const struct rollups none = {0};
    int64_t limit = limit_of(v, v->plan.keep_us);
    limit = limit < state->raw_from ? limit : state->raw_from;
    if (!state->tiers || limit <= state->kept_from)
        return 0;
    int err = begin(v->u);
    for (int k = 0; k < ROLLUP_TIERS && !err; k++)
        if (state->tiers & 1 << k)
            err = put(v, k, INT64_MIN, rollup_floor(limit, rollup_width_us[k]), &none);
    state->kept_from = limit;
    return err ? err : save(v);
}

static int forget_late(struct visit *v)
{
    struct history_state *state = &v->view.state;
    int64_t keep = v->plan.keep_us;
    if (!state->late_at || !keep)
        return 0;
    bool early = state->late_at > v->now.latest + LATE_SLACK_US; /* noted by a wrong clock */
    if (!early && v->now.sure - state->late_at <= keep + LATE_SLACK_US)
        return 0;
    int err = begin(v->u);
    if (early)
        state->late_at = state->late_since = v->now.latest;
    else
        state->late_at = state->late_from = state->late_since = 0;
    return err ? err : save(v);
}

static int visit(struct upkeep *u, const struct history_care *care, struct history_time now,
                 bool *ret_more)
{
    struct visit v = {.u = u, .plan = make_plan(&care->policy), .now = now};
    v.view = (struct history_view){.db = &u->h->writer, .series = care->series};
    struct history_state *state = &v.view.state;
    struct history_range dirty = {0};
    bool any = false;
    *ret_more = false;
    int err = history_state_read(v.view.db, care->series, state);
    if (err || !state->known)
        return err;
    if (state->tiers & ~v.plan.allowed)
        err = drop_tiers(&v);
    if (!err)
        err = first_dirty(&v, &dirty, &any);
    if (!err && any) {
        v.more = true;
        err = tidy(&v, dirty);
    }
    if (!err && !any && v.plan.allowed)
        err = advance(&v);
    if (!err && !v.more)
        err = expire_raw(&v);
    if (!err && !v.more)
        err = expire_rollups(&v);
    if (!err && !v.more)
        err = forget_late(&v);
    history_view_release(&v.view);
    *ret_more = v.more;
    return err;
}

/* ---- slices ---- */

static int64_t ask_pragma(struct db *db, int statement)
{
    sqlite3_stmt *s = db_stmt(db, statement);
    int64_t n = s && sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return n;
}

/* What is free at the file's end is given back; a little stays for what is written next. */
static int give_back(struct history *h, bool *ret_more)
{
    int64_t free_pages = ask_pragma(&h->writer, SQL_FREE_PAGES);
    int64_t pages = ask_pragma(&h->writer, SQL_PAGES);
    int64_t slack = (pages - free_pages) / VACUUM_SLACK;
    if (free_pages <= VACUUM_LEAST || free_pages <= slack)
        return 0;
    char sql[64];
    int64_t n = free_pages - (slack > VACUUM_LEAST ? slack : VACUUM_LEAST);
    *ret_more |= n > VACUUM_PAGES;
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)",
             (int)(n < VACUUM_PAGES ? n : VACUUM_PAGES));
    return db_exec(&h->writer, sql);
}

static int end(struct upkeep *u)
{
    if (!u->begun)
        return 0;
    int err = history_commit(u->h, &u->totals);
    u->begun = false;
    if (err)
        return err;
    pthread_mutex_lock(&u->h->lock);
    u->h->rolled += u->rolled;
    u->h->expired += u->expired;
    pthread_mutex_unlock(&u->h->lock);
    return 0;
}

int history_upkeep(struct history *h, const struct history_care *list, size_t n, size_t *done,
                   int64_t budget_us, bool *ret_more)
{
    struct upkeep u = {.h = h};
    struct history_time now = history_now(h);
    int64_t until = clock_mono_us() + budget_us;
    bool more = false;
    int err = 0;
    size_t at = *done;
    *ret_more = false;
    do {
        if (at == n)
            break;
        err = visit(&u, &list[at], now, &more);
        at += !more || err;
    } while (!err && clock_mono_us() < until);
    if (err && err != ERR_STORAGE && err != ERR_NOMEM) {
        log_error("history", "the upkeep of series %u failed (%s)", list[at - 1].series,
                  err_info(err)->text);
        *done = at; /* the others are not to wait for it */
    }
    if (!err)
        err = end(&u);
    if (err) {
        db_rollback(&h->writer);
        return err;
    }
    *done = at;
    *ret_more = more;
    return give_back(h, ret_more);
}
