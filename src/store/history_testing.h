/* history_testing.h - a history on a real file, a model of one series beside it, and what is done
 * to both.  Included by tests only. */
#ifndef STORE_HISTORY_TESTING_H
#define STORE_HISTORY_TESTING_H

#include "store/history.h"

#include "base/clock.h"
#include "base/err.h"
#include "store/history_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTING __attribute__((unused)) static
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define START (INT64_C(19700) * DAY) /* 2023-12-09 */

TESTING char dir[64];
TESTING char path[96];
TESTING uint64_t seed;

TESTING uint64_t draw(void) /* xorshift */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

TESTING int set_up(void **state)
{
    (void)state;
    seed = 88172645463325252u;
    snprintf(dir, sizeof dir, "/tmp/history_rollup_test.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/history.db", dir);
    return 0;
}

TESTING int tear_down(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    clock_real();
    return rmdir(dir);
}

TESTING struct history *open_history(void)
{
    struct history *h = NULL;
    assert_int_equal(history_open(path, &h), 0);
    assert_int_equal(db_exec(&h->writer, "PRAGMA synchronous=OFF"), 0);
    return h;
}

/* ---- a model ---- */

struct model {
    struct point *p; /* numbers only, in order of time */
    size_t n, cap;
};

TESTING size_t lower(const struct model *m, int64_t t)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->p[middle].t_us < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

TESTING void model_put(struct model *m, struct point p)
{
    size_t at = lower(m, p.t_us);
    if (at < m->n && m->p[at].t_us == p.t_us) {
        m->p[at] = p;
        return;
    }
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 1024;
        m->p = realloc(m->p, m->cap * sizeof *m->p);
        assert_non_null(m->p);
    }
    memmove(&m->p[at + 1], &m->p[at], (m->n - at) * sizeof *m->p);
    m->p[at] = p;
    m->n++;
}

TESTING void model_cut(struct model *m, int64_t from, int64_t to)
{
    size_t low = lower(m, from), high = lower(m, to);
    memmove(&m->p[low], &m->p[high], (m->n - high) * sizeof *m->p);
    m->n -= high - low;
}

TESTING struct point number(int64_t t, double d)
{
    return (struct point){.t_us = t, .type = VALUE_DOUBLE, .as.d = d};
}

/* What a scan must give: the buckets of the model, and of them what is expected. */
struct expectation {
    const struct model *m;
    int64_t width, at, to;
    size_t seen;
};

TESTING void check_bucket(const struct rollup *b, const struct point *p, size_t n)
{
    double sum = 0, low = p[0].as.d, high = p[0].as.d;
    for (size_t i = 0; i < n; i++) {
        sum += p[i].as.d;
        low = p[i].as.d < low ? p[i].as.d : low;
        high = p[i].as.d > high ? p[i].as.d : high;
    }
    assert_int_equal(b->n, n);
    assert_int_equal(b->numbers, n);
    assert_true(fabs(b->sum + b->lost - sum) <= 1e-9 * (1 + fabs(sum)));
    assert_true(b->low.as.d == low && b->high.as.d == high);
    assert_true(b->first.as.d == p[0].as.d && b->last.as.d == p[n - 1].as.d);
    bool low_is_there = false, high_is_there = false;
    for (size_t i = 0; i < n; i++) {
        low_is_there |= p[i].t_us == b->low.t_us && p[i].as.d == low;
        high_is_there |= p[i].t_us == b->high.t_us && p[i].as.d == high;
    }
    assert_true(low_is_there && high_is_there);
}

TESTING int on_bucket(void *arg, const struct rollup *b)
{
    struct expectation *e = arg;
    size_t from = lower(e->m, e->at);
    assert_true(from < e->m->n);
    int64_t start = rollup_floor(e->m->p[from].t_us, e->width);
    if (b->t_us != start)
        fail_msg("bucket %lld, not %lld", (long long)b->t_us, (long long)start);
    size_t end = lower(e->m, start + e->width);
    check_bucket(b, e->m->p + from, end - from);
    e->at = start + e->width;
    e->seen++;
    return 0;
}

TESTING void check_tier(struct history *h, const struct model *m, int tier, int64_t from,
                        int64_t to, const struct point *head, size_t head_n)
{
    const int64_t width = rollup_width_us[tier];
    struct expectation e = {.m = m, .width = width, .at = rollup_floor(from, width)};
    struct history_rollup_ask ask = {.series = 1,
                                     .tier = tier,
                                     .from = from,
                                     .to = to,
                                     .head = head,
                                     .head_n = head_n,
                                     .fn = on_bucket,
                                     .arg = &e};
    assert_int_equal(history_rollup_scan(h, &ask), 0);
    size_t next = lower(m, e.at);
    if (next < m->n && m->p[next].t_us < rollup_ceil(to, width))
        fail_msg("tier %d: nothing from %lld on", tier, (long long)m->p[next].t_us);
}

TESTING int64_t ask_file(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int64_t v = 0;
    while (sqlite3_step(s) == SQLITE_ROW)
        v = sqlite3_column_int64(s, 0);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    sqlite3_close(db);
    return v;
}

TESTING void check_totals(struct history *h)
{
    struct history_stats stats;
    assert_int_equal(history_stats(h, &stats), 0);
    assert_int_equal(stats.chunks, ask_file("SELECT count(*) FROM chunk"));
    assert_int_equal(stats.points, ask_file("SELECT ifnull(sum(n), 0) FROM chunk"));
    assert_int_equal(stats.chunk_bytes, ask_file("SELECT ifnull(sum(length(data)), 0) FROM chunk"));
    assert_int_equal(stats.rollup_rows, ask_file("SELECT count(*) FROM rollup"));
    assert_int_equal(stats.rollup_bytes,
                     ask_file("SELECT ifnull(sum(length(data)), 0) FROM rollup"));
}

/* ---- what is done to a series ---- */

struct series {
    struct history *h;
    struct model m;
    uint64_t seq;
    int64_t now;
    struct history_policy policy;
};

TESTING void flush(struct series *s, struct point *p, size_t n)
{
    struct history_flush_series f = {1, p, points_sort(p, n), s->policy.level,
                                     history_old_s(&s->policy)};
    clock_set(s->now);
    assert_int_equal(history_flush(s->h, &f, 1, ++s->seq, true), 0);
}

/* One visit, or all there is to do. */
TESTING void upkeep(struct series *s, bool all)
{
    struct history_care care = {1, s->policy};
    bool more = true;
    clock_set(s->now);
    for (int i = 0; more && (all || i == 0); i++) {
        size_t done = 0;
        assert_int_equal(history_upkeep(s->h, &care, 1, &done, 0, &more), 0);
        assert_true(more || done == 1);
        assert_true(i < 10000);
    }
}

TESTING void delete_range(struct series *s, int64_t from, int64_t to)
{
    uint64_t n;
    struct point newest;
    size_t before = s->m.n;
    assert_int_equal(history_delete(s->h, 1, from, to, &n, &newest), 0);
    model_cut(&s->m, from, to);
    assert_true(n >= before - s->m.n); /* one time may be in several chunks */
    if (s->m.n)
        assert_true(newest.t_us == s->m.p[s->m.n - 1].t_us &&
                    newest.as.d == s->m.p[s->m.n - 1].as.d);
    else
        assert_int_equal(newest.type, VALUE_NONE);
}

/* Some readings, mostly of now; of every late_of one is late or corrects another. */
TESTING size_t some_readings(struct series *s, struct point *p, size_t n, int64_t step, int late_of)
{
    for (size_t i = 0; i < n; i++) {
        int64_t t = s->now;
        if (late_of && draw() % (uint64_t)late_of == 0) {
            t = s->m.n && draw() % 2 ? s->m.p[draw() % s->m.n].t_us
                                     : START + (int64_t)(draw() % (uint64_t)(s->now - START + 1));
        } else {
            s->now += draw() % 50 ? step : step * (int64_t)(draw() % 400);
        }
        p[i] = number(t, (double)((int64_t)(draw() % 2000) - 500) / 10);
        model_put(&s->m, p[i]);
    }
    return n;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
