/* Tests of upkeep: what expires when, what is kept instead, and what a changed policy does.  The
 * model keeps everything, so a roll-up is held against readings that are gone. */
#include "store/history_testing.h"

#include <signal.h>
#include <sys/wait.h>

static void begin(struct series *s, struct history_policy policy)
{
    *s = (struct series){.h = open_history(), .now = START, .policy = policy};
}

static void end(struct series *s)
{
    check_totals(s->h);
    history_close(s->h);
    free(s->m.p);
}

/* Days of readings as they come, one every step, with upkeep every day. */
static void live(struct series *s, int days, int64_t step)
{
    enum { MOST = 86400 };
    static struct point p[MOST];
    for (int day = 0; day < days; day++) {
        size_t n = 0;
        for (int64_t end_us = s->now + DAY; s->now < end_us; s->now += step) {
            p[n] = number(s->now, (double)(int64_t)(draw() % 1000) / 10);
            model_put(&s->m, p[n++]);
        }
        flush(s, p, n);
        upkeep(s, true);
    }
}

static int64_t oldest_raw(void)
{
    return ask_file("SELECT ifnull(min(t_min), 0) FROM chunk");
}

static void say_at(struct series *s, int64_t t_us, double d)
{
    struct point p = number(t_us, d);
    model_put(&s->m, p);
    flush(s, &p, 1);
}

static const struct history_policy quarter = {
    .keep_us = 90 * DAY, .sampling_us = MINUTE, .level = CHUNK_HIGH};

static void readings_go_before_rollups(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 40, 10 * SECOND);
    assert_true(oldest_raw() > s.now - 32 * DAY && oldest_raw() <= s.now - 30 * DAY);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    struct history_spans spans;
    assert_int_equal(history_spans(s.h, 1, &spans), 0);
    assert_int_equal(spans.tiers, 2 | 4 | 8); /* and no seconds: they were not asked for */
    assert_true(spans.raw_from > s.now - 32 * DAY && spans.tier_from[1] == START);

    live(&s, 55, 10 * SECOND);
    assert_true(oldest_raw() > s.now - 32 * DAY);
    int64_t kept = rollup_floor(s.now - 90 * DAY, DAY);
    assert_true(ask_file("SELECT min(t) FROM rollup") >= kept - DAY);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, kept, s.now + DAY, NULL, 0);
    end(&s);
}

/* What comes when the readings of its time are gone is added to what is left of them. */
static void late_where_readings_are_gone(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 40, 10 * SECOND);
    int64_t raw = oldest_raw();
    say_at(&s, START + 3 * DAY + 59 * SECOND, 1234);
    say_at(&s, START + 5 * DAY + HOUR - SECOND, -1234);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    upkeep(&s, true);
    assert_int_equal(oldest_raw(), raw); /* the new ones are in the roll-ups, and only there */
    say_at(&s, START - DAY, 7);          /* before anything that there was */
    upkeep(&s, true);
    assert_int_equal(oldest_raw(), raw);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    end(&s);
}

static void deleting_where_readings_are_gone(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 40, 10 * SECOND);
    uint64_t n;
    struct point newest;
    int64_t from = START + 2 * DAY + 17 * MINUTE, to = START + 4 * DAY + 3 * HOUR + MINUTE;
    size_t had = s.m.n;
    assert_int_equal(history_delete(s.h, 1, from, to, &n, &newest), 0);
    model_cut(&s.m, from, to);
    assert_int_equal(n, had - s.m.n);
    assert_int_equal(newest.t_us, s.m.p[s.m.n - 1].t_us);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    upkeep(&s, true);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);

    /* across the border, with corrections that lie in chunks of their own, and then all there is */
    from = s.now - 35 * DAY;
    to = s.now - 20 * DAY;
    for (int i = 0; i < 3; i++)
        say_at(&s, s.now - 22 * DAY, i);
    had = s.m.n;
    assert_int_equal(history_delete(s.h, 1, from, to, &n, &newest), 0);
    model_cut(&s.m, from, to);
    assert_int_equal(n, had - s.m.n);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    assert_int_equal(history_delete(s.h, 1, INT64_MIN, INT64_MAX, &n, &newest), 0);
    assert_int_equal(newest.type, VALUE_NONE);
    assert_int_equal(n, s.m.n);
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM chunk"), 0);
    assert_int_equal(ask_file("SELECT count(*) FROM rollup"), 0);
    struct model none = {0};
    check_tier(s.h, &none, 1, 0, s.now + DAY, NULL, 0);
    end(&s);
}

static void a_policy_can_be_changed(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 60, 10 * SECOND);
    int64_t rows = ask_file("SELECT count(*) FROM rollup WHERE tier=1");
    assert_true(rows > 0);

    s.policy.keep_us = 30 * DAY; /* shorter */
    upkeep(&s, true);
    int64_t raw = oldest_raw();
    assert_true(raw > s.now - 13 * DAY && raw <= s.now - 10 * DAY);
    assert_true(ask_file("SELECT min(t) FROM rollup WHERE tier=1") >= s.now - 32 * DAY);
    s.policy.keep_us = 3650 * DAY; /* longer: what is gone is gone, what is there stays */
    live(&s, 20, 10 * SECOND);
    assert_int_equal(oldest_raw(), raw);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, s.now - 48 * DAY, s.now + DAY, NULL, 0);

    s.policy.sampling_us = HOUR; /* coarser: minutes go, hours stay */
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM rollup WHERE tier=1"), 0);
    for (int tier = 2; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, s.now - 48 * DAY, s.now + DAY, NULL, 0);
    s.policy.sampling_us = MINUTE; /* finer: of what readings there are */
    live(&s, 1, 10 * SECOND);
    assert_true(ask_file("SELECT count(*) FROM rollup WHERE tier=1") > 0);
    for (int tier = 2; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, s.now - 48 * DAY, s.now + DAY, NULL, 0);
    check_tier(s.h, &s.m, 1, rollup_floor(raw, DAY) + DAY, s.now + DAY, NULL, 0);
    end(&s);
}

/* A tier that comes when readings have expired has what finer ones say of them. */
static void a_wider_tier_comes_late(void **state)
{
    (void)state;
    struct series s;
    begin(&s, (struct history_policy){.keep_us = 3650 * DAY,
                                      .raw_us = 12 * HOUR,
                                      .sampling_us = MINUTE,
                                      .level = CHUNK_HIGH});
    live(&s, 20, 10 * SECOND);
    assert_int_equal(ask_file("SELECT count(*) FROM rollup WHERE tier=3"), 0);
    assert_true(oldest_raw() > START + 18 * DAY);
    s.policy.raw_us = 20 * DAY;
    live(&s, 2, 10 * SECOND);
    assert_true(ask_file("SELECT count(*) FROM rollup WHERE tier=3") > 0);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    s.policy.sampling_us = DAY; /* and the finer ones may go */
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM rollup WHERE tier<3"), 0);
    check_tier(s.h, &s.m, 3, 0, s.now + DAY, NULL, 0);
    end(&s);
}

/* retentionPeriod holds, whatever else is changed: what only one tier tells does not go with it. */
static void the_only_tier_of_a_time_stays(void **state)
{
    (void)state;
    struct series s;
    begin(&s,
          (struct history_policy){
              .keep_us = 3650 * DAY, .raw_us = 5 * DAY, .sampling_us = DAY, .level = CHUNK_HIGH});
    live(&s, 20, 10 * SECOND);
    s.policy.sampling_us = MINUTE;
    s.policy.raw_us = 12 * HOUR; /* for which days are too wide */
    live(&s, 10, 10 * SECOND);
    assert_true(oldest_raw() > START + 28 * DAY);
    assert_true(ask_file("SELECT count(*) FROM rollup WHERE tier=1") > 0);
    check_tier(s.h, &s.m, 3, 0, s.now + DAY, NULL, 0);
    end(&s);
}

/* A recording of long ago is kept as if it were of today. */
static void what_comes_old_is_kept(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    struct point p[20000];
    s.now = START + 1000 * DAY;
    for (int i = 0; i < 20000; i++) {
        p[i] = number(START + i * 10 * SECOND, i);
        model_put(&s.m, p[i]);
    }
    flush(&s, p, 20000);
    upkeep(&s, true);
    assert_int_equal(oldest_raw(), START);
    s.now += 29 * DAY;
    upkeep(&s, true);
    assert_int_equal(oldest_raw(), START);
    s.now += 2 * DAY;
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM chunk"), 0);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    s.now += 60 * DAY;
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM rollup"), 0);
    end(&s);
}

/* A clock that is wrong at every start does not keep everything for ever. */
/* Years that are brought into a series which has been live for some days, piece by piece and not in
 * order, stay as readings for as long as they would have had they come at their time. */
static void years_into_a_young_series(void **state)
{
    (void)state;
    enum { PIECE = 5000 };
    static struct point p[PIECE];
    struct series s;
    begin(&s, quarter);
    live(&s, 3, 10 * SECOND);
    const int64_t old = START - 2000 * DAY;
    for (int i = 0; i < 12; i++) {
        int64_t from = old + (int64_t)(i * 7 % 12) * PIECE * 10 * SECOND;
        for (int k = 0; k < PIECE; k++) {
            p[k] = number(from + k * 10 * SECOND, (double)(draw() % 1000) / 8);
            model_put(&s.m, p[k]);
        }
        flush(&s, p, PIECE);
        upkeep(&s, false);
    }
    upkeep(&s, true);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    live(&s, 28, 10 * SECOND);
    assert_int_equal(oldest_raw(), old);
    assert_int_equal(ask_file("SELECT sum(n) FROM chunk"), s.m.n);
    live(&s, 4, 10 * SECOND);
    assert_true(oldest_raw() > START - DAY);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    end(&s);
}

static void what_comes_old_again_and_again(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    for (int day = 0; day < 100; day++) {
        live(&s, 1, 10 * SECOND);
        say_at(&s, INT64_C(86400) * SECOND + day, 1);
        upkeep(&s, true);
    }
    assert_true(ask_file("SELECT min(t_min) FROM chunk WHERE t_min>100000000000000") >
                s.now - 62 * DAY);
    end(&s);
}

/* Tiers that would have as many buckets as there are readings are not kept; then readings are. */
static void slow_sensors_keep_their_readings(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 80, HOUR);
    assert_int_equal(oldest_raw(), START);
    assert_int_equal(ask_file("SELECT count(*) FROM rollup WHERE tier<3"), 0);
    live(&s, 30, HOUR);
    assert_true(ask_file("SELECT count(*) FROM rollup WHERE tier=3") > 0);
    assert_true(oldest_raw() > s.now - 92 * DAY);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, rollup_ceil(oldest_raw(), DAY), s.now, NULL, 0);
    end(&s);
}

static void short_times(void **state)
{
    (void)state;
    struct series s;
    begin(&s, (struct history_policy){.keep_us = 10 * SECOND, .sampling_us = SECOND});
    struct point p[600];
    for (int i = 0; i < 600; i++, s.now += SECOND / 10)
        p[i] = number(s.now, i);
    flush(&s, p, 600);
    upkeep(&s, true);
    s.now += 21 * SECOND;
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT count(*) FROM chunk"), 0);
    end(&s);
}

static void for_ever(void **state)
{
    (void)state;
    struct series s;
    begin(&s, (struct history_policy){.sampling_us = SECOND / 1000});
    live(&s, 3, 10 * SECOND);
    s.now += 100000 * DAY;
    upkeep(&s, true);
    assert_int_equal(oldest_raw(), START);
    for (int tier = 0; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    end(&s);
}

static void readings_for_a_time_of_their_own(void **state)
{
    (void)state;
    struct series s;
    struct history_policy policy = quarter;
    policy.raw_us = 2 * DAY;
    begin(&s, policy);
    live(&s, 10, 5 * SECOND);
    assert_true(oldest_raw() >= s.now - 3 * DAY && oldest_raw() <= s.now - 2 * DAY);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    end(&s);
}

static void space_comes_back(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 29, 2 * SECOND);
    int64_t before = ask_file("PRAGMA page_count");
    s.policy.keep_us = 3 * DAY;
    upkeep(&s, true);
    assert_true(ask_file("PRAGMA page_count") < before / 3);
    end(&s);
}

/* Slices with many series get through all of them, whatever the budget. */
static void slices(void **state)
{
    (void)state;
    enum { SERIES = 50 };
    struct history *h = open_history();
    struct history_flush_series list[SERIES];
    struct history_care care[SERIES];
    struct point *p = calloc(6000, sizeof *p);
    assert_non_null(p);
    for (int i = 0; i < 6000; i++)
        p[i] = number(START + i * SECOND, i % 100);
    for (uint32_t i = 0; i < SERIES; i++) {
        list[i] = (struct history_flush_series){i + 1, p, 6000, CHUNK_MEDIUM, 0};
        care[i] = (struct history_care){i + 1, quarter};
    }
    clock_set(START + 2 * HOUR);
    assert_int_equal(history_flush(h, list, SERIES, 1, true), 0);
    size_t done = 0;
    bool more;
    for (int i = 0; done < SERIES; i++) {
        assert_int_equal(history_upkeep(h, care, SERIES, &done, 0, &more), 0);
        assert_true(i < 10 * SERIES);
    }
    assert_int_equal(ask_file("SELECT count(DISTINCT series) FROM rollup"), SERIES);
    free(p);
    history_close(h);
}

/* As if the machine's clock had been set by so much, while monotonic time stood still. */
static void step(struct series *s, int64_t by)
{
    s->now += by;
    s->h->clock.mono_us += by;
    s->h->clock.since_us += by;
}

static void a_clock_that_jumps_lets_nothing_go(void **state)
{
    (void)state;
    struct series s;
    begin(&s, quarter);
    live(&s, 5, 10 * SECOND);
    int64_t n = ask_file("SELECT sum(n) FROM chunk"), now = s.now;
    step(&s, 400 * DAY);
    upkeep(&s, true);
    struct point p[100]; /* what comes now looks old, or of the future */
    for (int i = 0; i < 100; i++) {
        p[i] = number(now + i * SECOND, i);
        model_put(&s.m, p[i]);
    }
    flush(&s, p, 100);
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT sum(n) FROM chunk"), n + 100);
    history_close(s.h); /* and when the program starts with such a clock */
    s.h = open_history();
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT sum(n) FROM chunk"), n + 100);
    step(&s, -400 * DAY);
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT sum(n) FROM chunk"), n + 100);
    assert_true(ask_file("SELECT late_at FROM last") <= s.now);
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);

    step(&s, 400 * DAY); /* it is so late indeed */
    upkeep(&s, true);
    s.now += HOUR + MINUTE;
    upkeep(&s, true);
    assert_int_equal(ask_file("SELECT ifnull(sum(n), 0) FROM chunk"), 0);
    end(&s);
}

/* A file of version 1 opens, its readings stay, and are rolled up from the beginning. */
static void a_file_of_version_1(void **state)
{
    (void)state;
    struct series s;
    begin(&s, (struct history_policy){.sampling_us = MINUTE});
    struct point p[9000];
    for (int i = 0; i < 9000; i++) {
        p[i] = number(START + i * 10 * SECOND, i % 77);
        model_put(&s.m, p[i]);
    }
    s.now = START + 9000 * 10 * SECOND;
    flush(&s, p, 9000);
    history_close(s.h);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    static const char back[] =
        "DROP TABLE dirty; DROP TABLE rollup; ALTER TABLE last DROP COLUMN rolled;"
        "ALTER TABLE last DROP COLUMN raw_from; ALTER TABLE last DROP COLUMN kept_from;"
        "ALTER TABLE last DROP COLUMN tiers; ALTER TABLE last DROP COLUMN late_from;"
        "ALTER TABLE last DROP COLUMN late_at; ALTER TABLE last DROP COLUMN late_since;"
        "PRAGMA user_version=1";
    sqlite3_exec(db, back, NULL, NULL, &why);
    assert_null(why);
    sqlite3_close(db);
    s.h = open_history();
    for (int tier = 0; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    upkeep(&s, true);
    assert_true(ask_file("SELECT count(*) FROM rollup WHERE tier=1") > 0);
    for (int tier = 0; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    end(&s);
}

/* ---- killed in the middle ---- */

static int copy_run(void *arg, const struct history_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        model_put(arg, run->points[i]);
    return 0;
}

/* What is read, as a model: roll-ups must agree with it. */
static void check_against_readings(struct series *s)
{
    struct history_taker taker = {.run = copy_run, .arg = &s->m};
    s->m.n = 0;
    assert_int_equal(history_scan(s->h, 1, 0, INT64_MAX, NULL, 0, &taker, NULL), 0);
    for (int tier = 0; tier < ROLLUP_TIERS; tier++)
        check_tier(s->h, &s->m, tier, 0, s->now + 400 * DAY, NULL, 0);
    check_totals(s->h);
}

/* Writes, corrects, deletes and looks after until it is killed. */
static _Noreturn void write_on(uint64_t child_seed)
{
    struct series s = {.h = open_history(), .policy.sampling_us = MINUTE};
    struct history_state state;
    static struct point p[1000];
    seed = child_seed;
    s.seq = history_checkpoint(s.h);
    if (history_state_read(&s.h->writer, 1, &state))
        _exit(1);
    s.now = state.known && state.t > START ? state.t : START;
    for (;;) {
        size_t n = 1 + draw() % 1000, late = 0;
        for (size_t i = 0; i < n; i++) {
            late = draw() % 20 == 0;
            p[i] = number(late ? START + (int64_t)(draw() % (uint64_t)(s.now - START + 1))
                               : (s.now += 5 * SECOND),
                          (double)(draw() % 100));
        }
        flush(&s, p, n);
        upkeep(&s, draw() % 2);
        uint64_t gone;
        struct point newest;
        int64_t from = START + (int64_t)(draw() % (uint64_t)(s.now - START));
        if (draw() % 4 == 0 && history_delete(s.h, 1, from, from + HOUR, &gone, &newest))
            _exit(1);
    }
}

static void killed_in_the_middle(void **state)
{
    (void)state;
    struct series s = {.now = START, .policy.sampling_us = MINUTE};
    for (int round = 0; round < 8; round++) {
        uint64_t child_seed = draw();
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_on(child_seed);
        usleep((useconds_t)(50000 + draw() % 200000));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_true(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        s.h = open_history();
        check_against_readings(&s);
        upkeep(&s, true);
        check_against_readings(&s);
        assert_int_equal(ask_file("SELECT count(*) FROM dirty"), 0);
        history_close(s.h);
    }
    assert_true(s.m.n > 0);
    free(s.m.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_go_before_rollups),
        TEST(late_where_readings_are_gone),
        TEST(deleting_where_readings_are_gone),
        TEST(a_policy_can_be_changed),
        TEST(a_wider_tier_comes_late),
        TEST(the_only_tier_of_a_time_stays),
        TEST(what_comes_old_is_kept),
        TEST(years_into_a_young_series),
        TEST(what_comes_old_again_and_again),
        TEST(slow_sensors_keep_their_readings),
        TEST(short_times),
        TEST(for_ever),
        TEST(readings_for_a_time_of_their_own),
        TEST(space_comes_back),
        TEST(slices),
        TEST(a_clock_that_jumps_lets_nothing_go),
        TEST(a_file_of_version_1),
        TEST(killed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
