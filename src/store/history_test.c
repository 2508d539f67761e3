/* Tests of history on real files: a model of what was written is compared with what is read. */
#include "store/history.h"

#include "base/err.h"
#include "base/log.h"
#include "store/history_internal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static char dir[64];
static char path[96];
static uint64_t seed;

static uint64_t draw(void) /* xorshift */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void remove_file(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
}

static int set_up(void **state)
{
    (void)state;
    seed = 88172645463325252u;
    snprintf(dir, sizeof dir, "/tmp/history_test.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/history.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_file();
    return rmdir(dir);
}

/* What is tested does not lie in syncing, and a thousand flushes would take long with it. */
static struct history *open_history(void)
{
    struct history *h = NULL;
    assert_int_equal(history_open(path, &h), 0);
    assert_int_equal(db_exec(&h->writer, "PRAGMA synchronous=OFF"), 0);
    return h;
}

static int flush(struct history *h, struct history_flush_series *list, size_t n, uint64_t seq)
{
    return history_flush(h, list, n, seq, true);
}

/* What a series holds, in order of time; texts are its own. */
struct model {
    struct point *p;
    size_t n, cap;
    struct point newest; /* text not owned: it is p's */
};

static struct point copy_of(const struct point *p)
{
    struct point copy;
    assert_int_equal(point_make(p->t_us, point_value(p), p->quality, &copy), 0);
    return copy;
}

static void model_put(struct model *m, const struct point *p)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->p[middle].t_us < p->t_us)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < m->n && m->p[low].t_us == p->t_us) {
        point_release(&m->p[low]);
    } else {
        if (m->n == m->cap) {
            m->cap = m->cap ? 2 * m->cap : 64;
            m->p = realloc(m->p, m->cap * sizeof *m->p);
            assert_non_null(m->p);
        }
        memmove(&m->p[low + 1], &m->p[low], (m->n - low) * sizeof *m->p);
        m->n++;
    }
    m->p[low] = copy_of(p);
}

static void model_clear(struct model *m)
{
    for (size_t i = 0; i < m->n; i++)
        point_release(&m->p[i]);
    free(m->p);
    *m = (struct model){0};
}

enum { ANY = 4, GOOD_DOUBLES };

static struct point random_point(int64_t t, unsigned kinds)
{
    static const char *const texts[] = {"", "on", "off", "an alarm of some length"};
    struct value v;
    switch (kinds == ANY ? draw() % 4 : kinds) {
    case GOOD_DOUBLES:
        return (struct point){
            .t_us = t, .type = VALUE_DOUBLE, .as.d = (double)(draw() % 10000) / 100 - 50};
    case 0:
        v = value_double((double)(draw() % 10000) / 100);
        break;
    case 1:
        v = (struct value){VALUE_INT, {.i = (int64_t)draw()}};
        break;
    case 2:
        v = (struct value){VALUE_BOOL, {.b = draw() & 1}};
        break;
    default:
        v = (struct value){VALUE_TEXT, {.text = slice_str(texts[draw() % 4])}};
    }
    struct point p;
    assert_int_equal(point_make(t, v, (uint8_t)(draw() % 30 ? 0 : draw() % 3), &p), 0);
    return p;
}

static void release_points(struct point *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        point_release(&p[i]);
    free(p);
}

/* The points of a scan must be these, one after the other. */
struct expectation {
    const struct point *p;
    size_t n, at;
    size_t stop_at; /* 0: do not */
    size_t whole;   /* chunks, or stretches, that came as columns or a sum */
    bool placed;
    size_t placed_sums;
};

static bool same(const struct point *a, const struct point *b)
{
    return a->t_us == b->t_us && a->quality == b->quality &&
           value_eq(point_value(a), point_value(b));
}

/* Read a span with a taker of points. */
static int scan(struct history *h, uint32_t series, int64_t from, int64_t to,
                int (*run)(void *arg, const struct history_run *run), void *arg)
{
    struct history_taker taker = {.run = run, .arg = arg};
    return history_scan(h, series, from, to, NULL, 0, &taker, NULL);
}

static int expect_points(struct expectation *e, const struct point *points, size_t n)
{
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++, e->at++) {
        if (e->at >= e->n)
            fail_msg("a point too many, at %lld", (long long)points[i].t_us);
        if (!same(&points[i], &e->p[e->at]))
            fail_msg("point %zu of %zu is %lld, not %lld", e->at, e->n, (long long)points[i].t_us,
                     (long long)e->p[e->at].t_us);
    }
    return e->stop_at && e->at >= e->stop_at ? 99 : 0;
}

static void expect_sum(struct expectation *e, const struct history_sum *sum)
{
    assert_true(e->n - e->at >= sum->n);
    const struct point *p = e->p + e->at;
    struct history_sum want = {.t_min = p[0].t_us,
                               .t_max = p[sum->n - 1].t_us,
                               .least = p[0].as.d,
                               .greatest = p[0].as.d,
                               .first = p[0].as.d,
                               .last = p[sum->n - 1].as.d,
                               .t_least = p[0].t_us,
                               .t_greatest = p[0].t_us};
    for (size_t i = 0; i < sum->n; i++) {
        assert_int_equal(p[i].type, VALUE_DOUBLE);
        assert_true(!e->placed || p[i].quality == QUALITY_GOOD);
        want.t_least = p[i].as.d < want.least ? p[i].t_us : want.t_least;
        want.t_greatest = p[i].as.d > want.greatest ? p[i].t_us : want.t_greatest;
        want.least = p[i].as.d < want.least ? p[i].as.d : want.least;
        want.greatest = p[i].as.d > want.greatest ? p[i].as.d : want.greatest;
        want.sum += p[i].as.d;
    }
    assert_true(want.t_min == sum->t_min && want.t_max == sum->t_max);
    assert_true(want.least == sum->least && want.greatest == sum->greatest);
    assert_true(want.first == sum->first && want.last == sum->last);
    e->placed_sums += e->placed;
    if (e->placed)
        assert_true(want.t_least == sum->t_least && want.t_greatest == sum->t_greatest);
    double off = want.sum - sum->sum;
    assert_true(off < 1e-6 && off > -1e-6);
    e->at += sum->n;
}

static int expect(void *arg, const struct history_run *run)
{
    struct expectation *e = arg;
    if (run->points)
        return expect_points(e, run->points, run->n);
    if (run->sum)
        expect_sum(e, run->sum);
    for (size_t i = 0; i < run->n && run->times; i++) {
        struct point p = {.t_us = run->times[i], .type = VALUE_DOUBLE, .as.d = run->numbers[i]};
        assert_int_equal(expect_points(e, &p, 1), 0);
    }
    e->whole += !run->points;
    return 0;
}

/* Nothing will do, or all of it, or some. */
static int64_t now_and_then(void *arg, int64_t t, int64_t t_max)
{
    (void)arg;
    assert_true(t <= t_max);
    uint64_t length = (uint64_t)t_max - (uint64_t)t;
    uint64_t choice = draw() % 8;
    return choice == 0   ? t
           : choice < 3  ? t_max + 1
           : length < 1  ? t + 1
           : choice == 3 ? t + 1 + (int64_t)(draw() % length)
                         : t + 1 + (int64_t)(length / 4 + draw() % (length / 2 + 1));
}

static size_t lower(const struct model *m, int64_t t)
{
    size_t i = 0;
    while (i < m->n && m->p[i].t_us < t)
        i++;
    return i;
}

static size_t whole_chunks, placed_sums;

static void check_scan(struct history *h, uint32_t series, const struct model *m, int64_t from,
                       int64_t to, const struct point *head, size_t head_n)
{
    size_t first = lower(m, from), end = lower(m, to);
    struct expectation e = {.p = m->p + first, .n = end > first ? end - first : 0};
    assert_int_equal(history_scan(h, series, from, to, head, head_n,
                                  &(struct history_taker){.run = expect, .arg = &e}, NULL),
                     0);
    assert_int_equal(e.at, e.n);
    bool placed = draw() & 1;
    struct expectation other = {.p = e.p, .n = e.n, .placed = placed}; /* the same in every form */
    struct history_taker taker = {
        .run = expect, .until = now_and_then, .placed = placed, .columns = true, .arg = &other};
    assert_int_equal(history_scan(h, series, from, to, head, head_n, &taker, NULL), 0);
    assert_int_equal(other.at, other.n);
    whole_chunks += other.whole;
    placed_sums += other.placed_sums;
}

/* The newest point before a time is in reach of what is said about it. */
static void check_before(struct history *h, uint32_t series, const struct model *m, int64_t t)
{
    int64_t start = 0;
    size_t n = lower(m, t);
    int err = history_start_before(h, series, t, &start);
    assert_int_equal(err, n ? 0 : ERR_NOT_FOUND);
    if (n)
        assert_true(start < t && m->p[n - 1].t_us >= start);
}

static int64_t ask(const char *sql)
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

static void check_totals(struct history *h)
{
    struct history_stats stats;
    assert_int_equal(history_stats(h, &stats), 0);
    assert_int_equal(stats.chunks, ask("SELECT count(*) FROM chunk"));
    assert_int_equal(stats.points, ask("SELECT ifnull(sum(n), 0) FROM chunk"));
    assert_int_equal(stats.chunk_bytes, ask("SELECT ifnull(sum(length(data)), 0) FROM chunk"));
    assert_true(ask("SELECT ifnull(max(k), 0) FROM (SELECT count(*) AS k FROM chunk WHERE open=1"
                    " GROUP BY series, line)") <= 13);
}

enum { SERIES = 4 };

/* How times are drawn: mostly forward, sometimes late, sometimes the same again. */
static int64_t random_time(int64_t *now, unsigned late_of)
{
    if (late_of && draw() % late_of == 0)
        return *now - (int64_t)(draw() % (uint64_t)(*now / 2 + 1));
    *now += (int64_t)(draw() % 3 ? 10 : draw() % 40);
    return *now;
}

struct newest {
    struct model *models;
    int seen;
};

static int check_newest(void *arg, const struct reading *r)
{
    struct newest *n = arg;
    const struct model *m = &n->models[r->series - 1];
    const struct point *p = &m->p[m->n - 1];
    assert_true(p->t_us == r->t_us && p->quality == r->quality);
    assert_true(value_eq(point_value(p), r->value));
    n->seen++;
    return 0;
}

static void random_flushes(unsigned kinds, unsigned late_of, int rounds, size_t flush_max)
{
    struct history *h = open_history();
    struct model models[SERIES] = {0};
    int64_t now[SERIES];
    for (int i = 0; i < SERIES; i++)
        now[i] = 1000;
    for (int round = 1; round <= rounds; round++) {
        struct history_flush_series list[SERIES];
        for (uint32_t i = 0; i < SERIES; i++) {
            size_t n = draw() % 10 == 0 ? draw() % flush_max : draw() % 20;
            struct point *p = calloc(n + 1, sizeof *p);
            assert_non_null(p);
            for (size_t k = 0; k < n; k++) {
                p[k] = random_point(random_time(&now[i], late_of), kinds);
                model_put(&models[i], &p[k]);
            }
            list[i] = (struct history_flush_series){i + 1, p, points_sort(p, n), CHUNK_MEDIUM, 0};
        }
        assert_int_equal(flush(h, list, SERIES, (uint64_t)round), 0);
        for (int i = 0; i < SERIES; i++)
            release_points(list[i].points, list[i].n);
        if (draw() % 20 == 0) {
            history_close(h);
            h = open_history();
            assert_int_equal(history_checkpoint(h), round);
        }
        uint32_t i = (uint32_t)(draw() % SERIES);
        int64_t from = (int64_t)(draw() % (uint64_t)(now[i] + 100));
        check_scan(h, i + 1, &models[i], from, from + (int64_t)(draw() % 5000), NULL, 0);
        check_before(h, i + 1, &models[i], from);
        if (round % 20 == 0)
            check_scan(h, i + 1, &models[i], INT64_MIN, INT64_MAX, NULL, 0);
    }
    check_totals(h);
    struct newest newest = {models, 0};
    assert_int_equal(history_each_last(h, check_newest, &newest), 0);
    assert_int_equal(newest.seen, SERIES);
    for (uint32_t i = 0; i < SERIES; i++) {
        check_scan(h, i + 1, &models[i], INT64_MIN, INT64_MAX, NULL, 0);
        check_scan(h, i + 1, &models[i], models[i].p[7].t_us, models[i].p[7].t_us + 1, NULL, 0);
        model_clear(&models[i]);
    }
    history_close(h);
    remove_file();
}

static void what_was_flushed_is_read(void **state)
{
    (void)state;
    random_flushes(0, 0, 300, 6000);
    random_flushes(GOOD_DOUBLES, 0, 100, 6000);
    random_flushes(1, 0, 100, 6000);
    random_flushes(2, 0, 100, 6000);
    random_flushes(3, 0, 100, 3000);
    assert_true(whole_chunks > 100 && placed_sums > 100);
}

static void late_and_repeated_times_are_read_right(void **state)
{
    (void)state;
    random_flushes(GOOD_DOUBLES, 5, 100, 6000);
    random_flushes(0, 3, 200, 6000);
    random_flushes(0, 50, 300, 6000);
    random_flushes(4, 10, 200, 3000);
    random_flushes(4, 2, 150, 2000);
}

static void the_head_wins_over_chunks(void **state)
{
    (void)state;
    struct history *h = open_history();
    struct model m = {0};
    int64_t now = 1000;
    for (int round = 1; round <= 60; round++) {
        size_t n = 1 + draw() % 300;
        struct point *p = calloc(n, sizeof *p);
        assert_non_null(p);
        for (size_t k = 0; k < n; k++) {
            p[k] = random_point(random_time(&now, 5), 4);
            model_put(&m, &p[k]);
        }
        /* first as head, then flushed, and once as both */
        struct point *head = calloc(n, sizeof *head);
        assert_non_null(head);
        for (size_t k = 0; k < n; k++)
            head[k] = copy_of(&p[k]);
        size_t head_n = points_sort(head, n);
        check_scan(h, 1, &m, INT64_MIN, INT64_MAX, head, head_n);
        check_scan(h, 1, &m, now - 2000, now - 100, head, head_n);
        struct history_flush_series f = {1, p, points_sort(p, n), CHUNK_MEDIUM, 0};
        assert_int_equal(flush(h, &f, 1, (uint64_t)round), 0);
        check_scan(h, 1, &m, INT64_MIN, INT64_MAX, head, head_n);
        release_points(head, head_n);
        release_points(f.points, f.n);
    }
    struct expectation none = {0};
    assert_int_equal(scan(h, 77, 0, 100, expect, &none), 0);
    assert_int_equal(scan(h, 1, 100, 100, expect, &none), 0);
    assert_int_equal(scan(h, 1, 100, 50, expect, &none), 0);
    model_clear(&m);
    history_close(h);
}

/* Points i = first, first + 1, ...: time 1000 i, value i. */
static void flush_run(struct history *h, uint32_t series, int64_t first, size_t n, uint64_t seq)
{
    struct point *p = calloc(n, sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(point_make((first + (int64_t)i) * 1000,
                                    value_double((double)(first + (int64_t)i)), 0, &p[i]),
                         0);
    struct history_flush_series f = {series, p, n, CHUNK_MEDIUM, 0};
    assert_int_equal(flush(h, &f, 1, seq), 0);
    release_points(f.points, f.n);
}

struct run {
    int64_t next, count, missing;
    int64_t stop_after;
};

static int count_run(void *arg, const struct history_run *run)
{
    const struct point *p = run->points;
    size_t n = run->n;
    struct run *r = arg;
    for (size_t i = 0; i < n; i++) {
        int64_t k = p[i].t_us / 1000;
        assert_true(k >= r->next && p[i].as.d == (double)k);
        r->missing += k - r->next;
        r->next = k + 1;
        r->count++;
    }
    return r->stop_after && r->count >= r->stop_after ? -77 : 0;
}

/* One point a flush, as a sensor that speaks once a minute: few chunks, little written again. */
static void a_slow_sensor_leaves_few_chunks(void **state)
{
    (void)state;
    struct history *h = open_history();
    uint64_t written = 0;
    for (int64_t i = 0; i < 5000; i++) {
        int64_t before = ask("SELECT ifnull(max(id), 0) FROM chunk");
        if (i % 500 < 400) {
            flush_run(h, 1, i, 1, (uint64_t)i + 1);
        } else { /* the same through SQL, to count what is written */
            flush_run(h, 1, i, 1, (uint64_t)i + 1);
            char sql[96];
            snprintf(sql, sizeof sql, "SELECT ifnull(sum(n), 0) FROM chunk WHERE id>%lld",
                     (long long)before);
            written += (uint64_t)ask(sql);
        }
    }
    struct history_stats stats;
    history_stats(h, &stats);
    assert_true(stats.chunks <= 2 + 12);
    assert_int_equal(stats.points, 5000);
    assert_int_equal(stats.flushes, 5000);
    assert_true(written < 1000 * 16); /* a point is written some log2(2048) times */
    struct run r = {0};
    assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), 0);
    assert_int_equal(r.count, 5000);
    assert_int_equal(r.missing, 0);
    check_totals(h);
    history_close(h);
}

static void heavy_texts_make_smaller_chunks(void **state)
{
    (void)state;
    static char big[VALUE_TEXT_MAX];
    memset(big, 'x', sizeof big);
    struct history *h = open_history();
    struct model m = {0};
    for (int round = 1; round <= 12; round++) {
        enum { N = 30 };
        struct point *p = calloc(N, sizeof *p);
        assert_non_null(p);
        for (int i = 0; i < N; i++) {
            memcpy(big, &round, sizeof round);
            memcpy(big + 4, &i, sizeof i);
            struct value v = {VALUE_TEXT, {.text = {big, round % 3 ? 100 : sizeof big}}};
            int64_t t = round * 1000 + i * 10 - (round % 4 == 0 ? 3500 : 0);
            assert_int_equal(point_make(t, v, 0, &p[i]), 0);
            model_put(&m, &p[i]);
        }
        struct history_flush_series f = {1, p, points_sort(p, N), CHUNK_MEDIUM, 0};
        assert_int_equal(flush(h, &f, 1, (uint64_t)round), 0);
        release_points(f.points, f.n);
        check_scan(h, 1, &m, INT64_MIN, INT64_MAX, NULL, 0);
    }
    assert_true(ask("SELECT max(weight) FROM chunk") <= (1 << 20) + VALUE_TEXT_MAX + 16);
    check_totals(h);
    model_clear(&m);
    history_close(h);
}

static void a_scan_reads_only_what_overlaps(void **state)
{
    (void)state;
    struct history *h = open_history();
    for (int64_t i = 0; i < 20; i++)
        flush_run(h, 1, i * 5000, 5000, (uint64_t)i + 1);
    history_close(h);
    /* All chunks but those around the window are made unreadable: nobody must miss them. */
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE chunk SET data=x'01' WHERE t_max<50000000 OR"
                                  " t_min>=51000000",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_true(sqlite3_changes(db) > 15);
    sqlite3_close(db);
    h = open_history();
    struct run r = {.next = 50000};
    assert_int_equal(scan(h, 1, 50000000, 51000000, count_run, &r), 0);
    assert_int_equal(r.count, 1000);
    assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &(struct run){0}), ERR_CORRUPT);
    history_close(h);
}

static void a_scan_can_be_ended(void **state)
{
    (void)state;
    struct history *h = open_history();
    flush_run(h, 1, 0, 20000, 1);
    struct run r = {.stop_after = 5000};
    assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), -77);
    assert_true(r.count >= 5000 && r.count < 20000);
    _Atomic(bool) cancel = true;
    r = (struct run){0};
    assert_int_equal(history_scan(h, 1, 0, INT64_MAX, NULL, 0,
                                  &(struct history_taker){.run = count_run, .arg = &r}, &cancel),
                     ERR_CANCELLED);
    assert_int_equal(r.count, 0);
    history_close(h);
}

static int enough(void *arg, const struct history_run *run)
{
    (void)arg, (void)run;
    return 42;
}

static int64_t by_thousands(void *arg, int64_t t, int64_t t_max)
{
    (void)arg, (void)t_max;
    return (t / 1000000 + 1) * 1000000;
}

static int count_sums(void *arg, const struct history_run *run)
{
    size_t *count = arg;
    *count += run->n;
    return 0;
}

static void a_damaged_chunk_is_passed_over(void **state)
{
    (void)state;
    struct history *h = open_history();
    for (int64_t i = 0; i < 6; i++)
        flush_run(h, 1, i * 3000, 3000, (uint64_t)i + 1);
    flush_run(h, 1, 18000, 500, 7); /* stays open */
    flush_run(h, 2, 0, 100, 8);
    history_close(h);
    int64_t ids[] = {ask("SELECT id FROM chunk WHERE series=1 AND t_min=6000000"),
                     ask("SELECT id FROM chunk WHERE series=1 AND open=1")};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        char sql[160];
        snprintf(sql, sizeof sql,
                 "UPDATE chunk SET data=substr(data, 1, 40) || x'ff' || substr(data, 42)"
                 " WHERE id=%lld",
                 (long long)ids[i]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_changes(db), 1);
    }
    sqlite3_close(db);
    h = open_history();
    struct run r = {0};
    assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), ERR_CORRUPT);
    assert_int_equal(r.count, 15000);
    assert_int_equal(r.missing, 3000);
    for (int placed = 0; placed < 2; placed++) { /* also when it is cut into stretches */
        size_t count = 0;
        bool told = false;
        struct history_taker sums = {.run = count_sums,
                                     .until = by_thousands,
                                     .placed = placed,
                                     .columns = true,
                                     .arg = &count,
                                     .damaged = &told};
        assert_int_equal(history_scan(h, 1, 0, INT64_MAX, NULL, 0, &sums, NULL), ERR_CORRUPT);
        assert_true(told);
        /* of the short one nothing is read when what is stored about it will do */
        assert_int_equal(count, placed ? 15000 : 15500);
    }
    bool damaged = false; /* it is told as well when the taker has had enough */
    struct history_taker taker = {.run = enough, .damaged = &damaged};
    assert_int_equal(history_scan(h, 1, 6000000, INT64_MAX, NULL, 0, &taker, NULL), 42);
    assert_true(damaged);
    flush_run(h, 1, 18500, 400, 9); /* writing goes on around it */
    flush_run(h, 1, 18900, 3000, 10);
    r = (struct run){0};
    assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), ERR_CORRUPT);
    assert_int_equal(r.count, 15000 + 3400);
    assert_int_equal(r.missing, 3500);
    r = (struct run){0};
    assert_int_equal(scan(h, 2, 0, INT64_MAX, count_run, &r), 0);
    assert_int_equal(r.count, 100);
    history_close(h);
}

static void dropped_series_are_gone(void **state)
{
    (void)state;
    struct history *h = open_history();
    for (uint32_t s = 1; s <= 3; s++) {
        flush_run(h, s, 0, 9000, s);
        flush_run(h, s, 500, 10, s); /* late */
    }
    uint32_t gone[] = {1, 3, 99};
    assert_int_equal(history_drop(h, gone, 3), 0);
    check_totals(h);
    history_close(h);
    h = open_history();
    for (uint32_t s = 1; s <= 3; s++) {
        struct run r = {0};
        assert_int_equal(scan(h, s, 0, INT64_MAX, count_run, &r), 0);
        assert_int_equal(r.count, s == 2 ? 9000 : 0);
    }
    assert_int_equal(ask("SELECT count(*) FROM last"), 1);
    uint32_t rest = 2;
    assert_int_equal(history_drop(h, &rest, 1), 0);
    struct history_stats stats;
    history_stats(h, &stats);
    assert_int_equal(stats.chunks, 0);
    assert_int_equal(stats.points, 0);
    assert_int_equal(stats.chunk_bytes, 0);
    assert_int_equal(history_checkpoint(h), 3);
    history_close(h);
}

struct background {
    struct history *h;
    atomic_bool stop;
    atomic_int scans;
};

static int rising(void *arg, const struct history_run *run)
{
    const struct point *p = run->points;
    size_t n = run->n;
    int64_t *last = arg;
    for (size_t i = 0; i < n; i++) {
        assert_true(p[i].t_us > *last);
        *last = p[i].t_us;
    }
    return 0;
}

static void *scan_often(void *arg)
{
    struct background *b = arg;
    while (!atomic_load(&b->stop)) {
        int64_t last = -1;
        struct history_stats stats;
        assert_int_equal(scan(b->h, 1, 0, INT64_MAX, rising, &last), 0);
        history_stats(b->h, &stats);
        history_checkpoint(b->h);
        atomic_fetch_add(&b->scans, 1);
    }
    return NULL;
}

static void any_thread_reads_while_one_writes(void **state)
{
    (void)state;
    struct background b = {.h = open_history()};
    pthread_t threads[6]; /* more than there are connections */
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scan_often, &b), 0);
    for (int64_t i = 0; i < 100 || atomic_load(&b.scans) < 20; i++)
        flush_run(b.h, 1, i * 100, 120, (uint64_t)i + 1);
    atomic_store(&b.stop, true);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    history_close(b.h);
}

/* A process that flushes is killed at any moment: of each flush there is all or nothing, and the
 * checkpoint tells which. */
static void a_killed_flush_is_all_or_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 15; round++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct history *h = NULL;
            if (history_open(path, &h) != 0)
                _exit(1);
            for (uint64_t seq = history_checkpoint(h) + 1;; seq++) {
                flush_run(h, 1, (int64_t)(seq - 1) * 50, 50, seq);
                flush_run(h, 2, (int64_t)(seq - 1) * 50, 50, seq);
            }
        }
        usleep((useconds_t)(10000 + draw() % 30000));
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct history *h = open_history();
        struct run r = {0}, r2 = {0};
        assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), 0);
        assert_int_equal(scan(h, 2, 0, INT64_MAX, count_run, &r2), 0);
        assert_int_equal(r.missing + r2.missing, 0);
        assert_int_equal(r.count, history_checkpoint(h) * 50);
        assert_true(r2.count == r.count || r2.count == r.count - 50);
        if (r2.count < r.count) /* level for the next round */
            flush_run(h, 2, r2.count, 50, history_checkpoint(h));
        check_totals(h);
        history_close(h);
    }
}

/* A disk that is full for a while: nothing of the flush is kept, and later all of it. */
static void a_failed_flush_leaves_all_as_it_was(void **state)
{
    (void)state;
    struct history *h = open_history();
    flush_run(h, 1, 0, 3000, 1);
    flush_run(h, 1, 3000, 100, 2);
    char limit[64];
    snprintf(limit, sizeof limit, "PRAGMA max_page_count=%lld",
             (long long)ask("PRAGMA page_count") + 2);
    assert_int_equal(db_exec(&h->writer, limit), 0);
    enum { N = 60000 };
    struct point *p = calloc(N, sizeof *p);
    assert_non_null(p);
    for (int64_t i = 0; i < N; i++) {
        assert_int_equal(point_make((3100 + i) * 1000, value_double((double)(3100 + i)),
                                    (uint8_t)(draw() % 3), &p[i]),
                         0);
    }
    struct history_flush_series f = {1, p, N, CHUNK_MEDIUM, 0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(flush(h, &f, 1, 3), ERR_STORAGE);
        assert_int_equal(f.n, N);
        assert_int_equal(history_checkpoint(h), 2);
        struct run r = {0};
        assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), 0);
        assert_int_equal(r.count, 3100);
        check_totals(h);
    }
    assert_int_equal(db_exec(&h->writer, "PRAGMA max_page_count=1000000"), 0);
    assert_int_equal(flush(h, &f, 1, 3), 0);
    struct run r = {0};
    assert_int_equal(scan(h, 1, 0, INT64_MAX, count_run, &r), 0);
    assert_int_equal(r.count, 3100 + N);
    assert_int_equal(r.missing, 0);
    check_totals(h);
    release_points(f.points, f.n);
    history_close(h);
}

static void points_sort_keeps_the_last_written(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        size_t n = draw() % 200;
        struct point *p = calloc(n + 1, sizeof *p);
        assert_non_null(p);
        struct model m = {0};
        uint64_t range = 1 + draw() % 300;
        for (size_t i = 0; i < n; i++) {
            p[i] = random_point((int64_t)(draw() % range), 4);
            model_put(&m, &p[i]);
        }
        n = points_sort(p, n);
        assert_int_equal(n, m.n);
        for (size_t i = 0; i < n; i++)
            assert_true(same(&p[i], &m.p[i]));
        release_points(p, n);
        model_clear(&m);
    }
}

static void strange_files_are_refused(void **state)
{
    (void)state;
    struct history *h = NULL;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 5000; i++)
        fputc(i * 7, f);
    fclose(f);
    assert_int_equal(history_open(path, &h), ERR_CORRUPT);
    remove_file();
    history_close(open_history());
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(history_open(path, &h), ERR_UNSUPPORTED);
    assert_null(h);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_flushed_is_read),
        TEST(late_and_repeated_times_are_read_right),
        TEST(the_head_wins_over_chunks),
        TEST(a_slow_sensor_leaves_few_chunks),
        TEST(heavy_texts_make_smaller_chunks),
        TEST(a_scan_reads_only_what_overlaps),
        TEST(a_scan_can_be_ended),
        TEST(a_damaged_chunk_is_passed_over),
        TEST(dropped_series_are_gone),
        TEST(any_thread_reads_while_one_writes),
        TEST(a_killed_flush_is_all_or_nothing),
        TEST(a_failed_flush_leaves_all_as_it_was),
        TEST(points_sort_keeps_the_last_written),
        TEST(strange_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
