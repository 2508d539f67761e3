/* Tests of the databases on a disk that fails and under a power that goes.
 *
 * A life of a data directory - twins, flushes, corrections, a deletion, roll-ups, expiry, a
 * restart, a twin that goes - is lived again and again, each time with another call of the system
 * that fails: once, from then on, or because the power went.  Afterwards what was answered with 0
 * is there, what was not is there as a whole or not at all, roll-ups say what the readings said,
 * the totals and doppel check agree; and the rest of the life ends as one without faults. */
#include "store/disk_sim.h"

#include "base/log.h"
#include "store/catalog.h"
#include "store/check.h"
#include "store/history_testing.h"

enum { KEEPS = 1, GOES = 2, POINTS = 400, TRIES = 4 };

struct life {
    struct catalog *c;
    struct history *h;
    struct model m; /* of the first series */
    int done;       /* steps that have answered 0 */
    struct point points[2 * POINTS];
};

static const struct history_policy policy = {
    .keep_us = 90 * DAY, .raw_us = 6 * HOUR, .sampling_us = MINUTE, .level = CHUNK_MEDIUM};

/* ---- the steps; each can be tried again ---- */

static struct slice profile_of(const char *id, char p[64])
{
    int n = snprintf(p, 64, "{\"identifier\":{\"value\":\"%s\"}}", id);
    return slice_of(p, (size_t)n);
}

static int put_twin(struct life *l, const char *id, uint32_t series)
{
    const struct catalog_series s = {.series = series, .sensor = SLICE_LIT("a")};
    char profile[64];
    return catalog_put(l->c, &(struct catalog_twin){.id = slice_str(id),
                                                    .profile = profile_of(id, profile),
                                                    .version = 1,
                                                    .series = &s,
                                                    .series_n = 1});
}

static int open_both(struct life *l)
{
    char name[96];
    snprintf(name, sizeof name, "%s/catalog.db", dir);
    int err = l->c ? 0 : catalog_open(name, &l->c);
    return err || l->h ? err : history_open(path, &l->h);
}

static void close_both(struct life *l)
{
    catalog_close(l->c);
    history_close(l->h);
    l->c = NULL;
    l->h = NULL;
}

static int twins_come(struct life *l)
{
    int err = catalog_begin(l->c);
    if (!err)
        err = put_twin(l, "keeps", KEEPS);
    if (!err)
        err = put_twin(l, "goes", GOES);
    return err ? err : catalog_commit(l->c);
}

/* n readings from a time on, the same whenever it is called. */
static size_t readings(struct point *p, size_t n, int64_t from, int64_t step, int salt)
{
    for (size_t i = 0; i < n; i++)
        p[i] = number(from + (int64_t)i * step, (double)((i * 7919 + (size_t)salt) % 1000) / 8);
    return n;
}

static size_t first_readings(struct point *p)
{
    return readings(p, POINTS, START, 10 * SECOND, 1);
}

static size_t corrections(struct point *p)
{
    size_t n = readings(p, 20, START + 100 * SECOND, 30 * SECOND, 2);
    return n + readings(p + n, 40, START + POINTS * 10 * SECOND, 10 * SECOND, 3);
}

/* Some of a time whose readings have expired, at times of their own. */
static size_t late_readings(struct point *p)
{
    size_t n = readings(p, 20, START + 305 * SECOND, 60 * SECOND, 4);
    return n + readings(p + n, POINTS, START + DAY, 10 * SECOND, 5);
}

static int flush_of(struct life *l, uint32_t series, size_t n, uint64_t seq, bool last)
{
    struct history_flush_series f = {series, l->points, n, policy.level, history_old_s(&policy)};
    if (history_has(l->h, seq, series)) /* as when the journal is read again */
        return 0;
    clock_set(l->points[n - 1].t_us);
    return history_flush(l->h, &f, 1, seq, last);
}

static int first_piece(struct life *l)
{
    return flush_of(l, KEEPS, first_readings(l->points), 1, false);
}

static int last_piece(struct life *l)
{
    return flush_of(l, GOES, first_readings(l->points), 1, true);
}

static int correct(struct life *l)
{
    return flush_of(l, KEEPS, corrections(l->points), 2, true);
}

#define GONE_FROM (START + 500 * SECOND)
#define GONE_TO (START + 620 * SECOND)

static int delete (struct life *l)
{
    uint64_t n;
    struct point newest;
    return history_delete(l->h, KEEPS, GONE_FROM, GONE_TO, &n, &newest);
}

static int keep_up(struct life *l, int64_t now)
{
    const struct history_care care[] = {{KEEPS, policy}, {GOES, policy}};
    bool more = true;
    int err = 0;
    clock_set(now);
    for (int i = 0; more && !err; i++) {
        size_t done = 0;
        err = history_upkeep(l->h, care, 2, &done, INT64_C(1) << 40, &more);
        assert_true(i < 1000);
    }
    return err;
}

static int roll_up(struct life *l)
{
    return keep_up(l, START + 2 * HOUR);
}

static int expire(struct life *l)
{
    return keep_up(l, START + DAY);
}

static int restart(struct life *l)
{
    close_both(l);
    return open_both(l);
}

static int write_late(struct life *l)
{
    return flush_of(l, KEEPS, late_readings(l->points), 3, true);
}

static int keep_on(struct life *l)
{
    return keep_up(l, START + DAY + 2 * HOUR);
}

static int twin_goes(struct life *l)
{
    int err = catalog_remove(l->c, SLICE_LIT("goes"));
    return err == ERR_NOT_FOUND ? 0 : err;
}

static int past_goes(struct life *l)
{
    return history_drop(l->h, &(uint32_t){GOES}, 1);
}

static void model_of(struct life *l, size_t (*make)(struct point *))
{
    size_t n = make(l->points);
    for (size_t i = 0; i < n; i++)
        model_put(&l->m, l->points[i]);
}

static void after_first(struct life *l)
{
    model_of(l, first_readings);
}

static void after_correct(struct life *l)
{
    model_of(l, corrections);
}

static void after_delete(struct life *l)
{
    model_cut(&l->m, GONE_FROM, GONE_TO);
}

static void after_late(struct life *l)
{
    model_of(l, late_readings);
}

enum {
    STEP_TWINS = 1,
    STEP_FIRST = 2,
    STEP_LAST_PIECE = 3,
    STEP_TWIN_GOES = 11,
    STEP_PAST_GOES = 12,
    STEPS_N = 14
};

static const struct step {
    int (*run)(struct life *l);
    void (*model)(struct life *l); /* what it does to the readings of the first series */
} steps[STEPS_N] = {
    {open_both, NULL},        {twins_come, NULL},       {first_piece, after_first},
    {last_piece, NULL},       {correct, after_correct}, {roll_up, NULL},
    {delete, after_delete},   {expire, NULL},           {restart, NULL},
    {write_late, after_late}, {keep_on, NULL},          {twin_goes, NULL},
    {past_goes, NULL},        {restart, NULL},
};

/* Live until a step fails for good. */
static void live(struct life *l)
{
    while (l->done < STEPS_N) {
        int err = 1;
        for (int i = 0; i < TRIES && err && !disk.dead; i++) {
            err = l->done > STEP_TWINS ? open_both(l) : 0;
            if (!err)
                err = steps[l->done].run(l);
            if (err && err != ERR_STORAGE)
                assert_true(err == ERR_IO || err == ERR_BUSY);
        }
        if (err)
            return;
        if (steps[l->done].model)
            steps[l->done].model(l);
        l->done++;
    }
}

/* ---- what must be so ---- */

struct found {
    struct point p[4 * POINTS];
    size_t n;
};

static int on_run(void *arg, const struct history_run *run)
{
    struct found *f = arg;
    assert_true(f->n + run->n <= sizeof f->p / sizeof f->p[0]);
    for (size_t i = 0; i < run->n; i++)
        f->p[f->n++] = run->points ? run->points[i] : number(run->times[i], run->numbers[i]);
    return 0;
}

static bool is(const struct found *f, const struct model *m, int64_t from)
{
    size_t at = lower(m, from);
    if (f->n != m->n - at)
        return false;
    for (size_t i = 0; i < f->n; i++)
        if (f->p[i].t_us != m->p[at + i].t_us || f->p[i].as.d != m->p[at + i].as.d)
            return false;
    return true;
}

/* The readings are those of the steps that were done, or of the one that was under way as well. */
static void check_readings(struct life *l)
{
    struct history_spans spans = {0};
    static struct found f;
    const struct history_taker taker = {.run = on_run, .arg = &f};
    f.n = 0;
    int err = history_spans(l->h, KEEPS, &spans);
    assert_true(!err || (err == ERR_NOT_FOUND && l->done <= STEP_FIRST));
    int64_t from = err ? INT64_MIN : spans.raw_from;
    assert_int_equal(history_scan(l->h, KEEPS, INT64_MIN, INT64_MAX, NULL, 0, &taker, NULL), 0);
    if (!is(&f, &l->m, from)) {
        assert_true(l->done < STEPS_N && steps[l->done].model);
        steps[l->done++].model(l);
        assert_true(is(&f, &l->m, from));
    }
    for (int k = 1; k < ROLLUP_TIERS && !err && l->m.n; k++)
        check_tier(l->h, &l->m, k, START, START + 2 * DAY, NULL, 0);
}

static void check_twins(struct life *l)
{
    struct arena *a = arena_new();
    struct catalog_twin t;
    char profile[64];
    int keeps = catalog_get(l->c, SLICE_LIT("keeps"), a, &t);
    if (l->done > STEP_TWINS)
        assert_int_equal(keeps, 0);
    assert_true(keeps == 0 || keeps == ERR_NOT_FOUND);
    if (!keeps)
        assert_true(slice_eq(t.profile, profile_of("keeps", profile)) && t.series_n == 1 &&
                    t.series[0].series == KEEPS);
    int goes = catalog_get(l->c, SLICE_LIT("goes"), a, &t);
    if (l->done < STEP_TWIN_GOES) /* both came in one transaction */
        assert_int_equal(goes, keeps);
    if (l->done > STEP_TWIN_GOES)
        assert_int_equal(goes, ERR_NOT_FOUND);
    arena_free(a);
}

static void on_fault(void *arg, enum check_level level, const char *what, const char *sentence)
{
    (void)arg;
    if (level != CHECK_NOTE && !strstr(sentence, "a deletion was cut short"))
        fail_msg("%s: %s", what, sentence);
}

static void check_all(struct life *l)
{
    struct check_watch watch = {.say = on_fault};
    struct check_report report;
    check_readings(l);
    check_twins(l);
    check_totals(l->h);
    uint64_t seq = history_checkpoint(l->h);
    assert_true(seq >= (l->done > STEP_LAST_PIECE ? 1u : 0u) && seq <= 3);
    assert_int_equal(check_directory(dir, &watch, &report), 0);
}

static bool has_past(struct life *l, uint32_t series)
{
    int64_t t;
    return history_start_before(l->h, series, INT64_MAX, &t) == 0;
}

/* One life whose disk or power fails as was said, and its rest; false: nothing failed. */
static bool one_life(struct life *l, bool power)
{
    live(l);
    bool failed = disk.fail_at ? disk.calls >= disk.fail_at : disk.dead;
    if (!power)
        disk_heal();
    close_both(l);
    if (power) /* also behind a disk that failed once */
        disk_restart();
    clock_set(START + DAY + 3 * HOUR);
    assert_int_equal(open_both(l), 0);
    check_all(l);
    live(l);
    assert_int_equal(l->done, STEPS_N);
    check_all(l);
    assert_false(has_past(l, GOES));
    assert_int_equal(history_checkpoint(l->h), 3);
    close_both(l);
    return failed;
}

static void files_go(void)
{
    static const char *const names[] = {"catalog.db", "history.db"};
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < 8; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/%s%s", dir, names[i / 4], ends[i % 4]);
        unlink(name);
    }
}

/* How a disk fails. */
struct way {
    int error;
    long n; /* calls that fail; 0: the power goes instead */
    bool power_after;
};

static void lives(struct way way)
{
    static struct life l;
    l = (struct life){0};
    const char *wish = getenv("DOPPEL_LONG");
    long stride = wish && *wish == '1' ? 1 : 7;
    bool failed = true;
    for (long n = 1 + way.n % stride; failed; n += stride) {
        l.done = 0;
        l.m.n = 0;
        disk_begin(dir, (unsigned)n);
        disk.error = way.error;
        disk.fail_at = way.n ? n : 0;
        disk.fail_n = way.n;
        disk.power_at = way.n ? 0 : n;
        failed = one_life(&l, !way.n || way.power_after);
        disk_end();
        files_go();
        assert_true(n < 10000);
    }
    free(l.m.p);
    l.m = (struct model){0};
}

static void a_call_fails(void **state)
{
    (void)state;
    lives((struct way){.error = EIO, .n = 1});
}

static void calls_in_a_row_fail(void **state)
{
    (void)state;
    lives((struct way){.error = EIO, .n = 3});
}

static void the_disk_is_full_from_then_on(void **state)
{
    (void)state;
    lives((struct way){.error = ENOSPC, .n = 1000000});
}

static void the_power_goes(void **state)
{
    (void)state;
    lives((struct way){.error = EIO});
}

static void a_call_fails_and_the_power_goes(void **state)
{
    (void)state;
    lives((struct way){.error = EIO, .n = 1, .power_after = true});
}

static int stop(void **state)
{
    (void)state;
    disk_end();
    files_go();
    clock_real();
    return rmdir(dir);
}

#define FAULT(name) cmocka_unit_test_setup_teardown(name, set_up, stop)

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        FAULT(a_call_fails),
        FAULT(calls_in_a_row_fail),
        FAULT(the_disk_is_full_from_then_on),
        FAULT(the_power_goes),
        FAULT(a_call_fails_and_the_power_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
