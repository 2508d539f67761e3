/* Tests of compaction: whatever was done to a series before, it reads the same afterwards, takes
 * less room, goes on as before, and a failure leaves the old file. */
#include "store/catalog.h"
#include "store/check.h"
#include "store/compact.h"
#include "store/history_testing.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char catalog_path[128];

/* A twin with the series 1 to n; the catalog has given out numbers up to last. */
static void make_catalog(uint32_t n, uint32_t last, const char *level)
{
    struct catalog *c;
    struct catalog_series series[8];
    char profile[256];
    snprintf(catalog_path, sizeof catalog_path, "%s/catalog.db", dir);
    snprintf(profile, sizeof profile,
             "{\"identifier\":{\"value\":\"t\"},\"dataStorage\":{\"historicalData\":"
             "{\"compressionLevel\":\"%s\"}}}",
             level);
    assert_int_equal(catalog_open(catalog_path, &c), 0);
    for (uint32_t i = 0; i < last; i++)
        series[i] = (struct catalog_series){.series = i + 1, .sensor = slice_str("s")};
    struct catalog_twin t = {.id = slice_str("t"),
                             .profile = slice_str(profile),
                             .version = 1,
                             .series = series,
                             .series_n = last};
    assert_int_equal(catalog_put(c, &t), 0);
    t.series_n = n;
    assert_int_equal(catalog_put(c, &t), 0);
    catalog_close(c);
}

static int tear_down_all(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char file[160];
        snprintf(file, sizeof file, "%s%s", catalog_path, ends[i]);
        unlink(file);
    }
    return tear_down(state);
}

static int64_t size_now(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void expect_whole(void)
{
    struct check_report r;
    assert_int_equal(check_directory(dir, NULL, &r), 0);
    assert_int_equal(r.errors + r.warnings, 0);
}

struct reader {
    const struct model *m;
    size_t at;
};

static int on_run(void *arg, const struct history_run *run)
{
    struct reader *r = arg;
    for (size_t i = 0; i < run->n; i++, r->at++) {
        assert_true(r->at < r->m->n);
        assert_true(run->points[i].t_us == r->m->p[r->at].t_us &&
                    run->points[i].as.d == r->m->p[r->at].as.d);
    }
    return 0;
}

static void check_points(struct history *h, const struct model *m)
{
    struct reader r = {.m = m};
    struct history_taker taker = {.run = on_run, .arg = &r};
    assert_int_equal(history_scan(h, 1, 0, INT64_MAX, NULL, 0, &taker, NULL), 0);
    assert_int_equal(r.at, m->n);
}

static void visit(struct series *s)
{
    static struct point p[3000];
    flush(s, p, some_readings(s, p, 1 + draw() % 3000, SECOND, 5));
    if (draw() % 2)
        upkeep(s, draw() % 2);
    if (draw() % 4 == 0) {
        int64_t from = START + (int64_t)(draw() % (uint64_t)(s->now - START));
        delete_range(s, from, from + (int64_t)(draw() % 1000) * SECOND);
    }
}

/* As upkeep would, between any two visits. */
static void reads_the_same(void **state)
{
    (void)state;
    struct series s = {.h = open_history(), .now = START, .policy = {.sampling_us = MINUTE}};
    struct compact_report r;
    make_catalog(1, 1, "high");
    uint64_t superseded = 0;
    for (int round = 0; round < 16; round++) {
        visit(&s);
        if (round % 3)
            continue;
        history_close(s.h);
        int64_t before = size_now();
        assert_int_equal(compact_directory(dir, true, NULL, &r), 0);
        assert_int_equal(size_now(), before);
        uint64_t would = r.after.history_bytes;
        assert_int_equal(compact_directory(dir, false, NULL, &r), 0);
        assert_int_equal(size_now(), would);
        assert_int_equal(r.after.points, s.m.n);
        assert_int_equal(r.before.points - r.after.points, r.superseded);
        assert_int_equal(r.after.chunks, (s.m.n + CHUNK_POINTS_MAX - 1) / CHUNK_POINTS_MAX);
        superseded += r.superseded;
        expect_whole();
        s.h = open_history();
        check_points(s.h, &s.m);
        for (int tier = 0; tier < ROLLUP_TIERS; tier++)
            check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
        check_totals(s.h);
    }
    assert_true(superseded > 0);
    history_close(s.h);
    free(s.m.p);
}

/* Roll-ups whose readings are gone cannot be made anew: they are taken over. */
static void rollups_outlive_readings(void **state)
{
    (void)state;
    struct series s = {
        .h = open_history(),
        .now = START,
        .policy = {.keep_us = 90 * DAY, .raw_us = DAY, .sampling_us = MINUTE, .level = CHUNK_HIGH}};
    static struct point p[8640];
    struct compact_report r;
    make_catalog(1, 1, "high");
    for (int day = 0; day < 5; day++) {
        flush(&s, p, some_readings(&s, p, 8640, 10 * SECOND, 0));
        upkeep(&s, true);
    }
    history_close(s.h);
    assert_int_equal(compact_directory(dir, false, NULL, &r), 0);
    assert_true(r.after.rollup_rows > 0 && r.after.points < s.m.n / 2);
    expect_whole();
    s.h = open_history();
    for (int tier = 1; tier < ROLLUP_TIERS; tier++)
        check_tier(s.h, &s.m, tier, 0, s.now + DAY, NULL, 0);
    history_close(s.h);
    free(s.m.p);
}

/* Of all types and with texts, at the level of the profile.  */
static void all_types(void **state)
{
    (void)state;
    enum { N = 9000 };
    struct history *h = open_history();
    static struct point p[N];
    struct compact_report r;
    make_catalog(2, 2, "none");
    for (int i = 0; i < N; i++) {
        char word[40];
        snprintf(word, sizeof word, "state %d of many", i % 13);
        struct value values[] = {value_double(i / 8.0), (struct value){VALUE_INT, {.i = i}},
                                 (struct value){VALUE_BOOL, {.b = i % 3 == 0}},
                                 (struct value){VALUE_TEXT, {.text = slice_str(word)}}};
        assert_int_equal(
            point_make(START + i * SECOND, values[i / 500 % 4], (uint8_t)(i / 700 % 3), &p[i]), 0);
    }
    for (size_t at = 0, seq = 0; at < N; at += 100) {
        struct history_flush_series f = {2, p + at, 100, CHUNK_HIGH, 0};
        assert_int_equal(history_flush(h, &f, 1, ++seq, true), 0);
    }
    history_close(h);
    assert_int_equal(compact_directory(dir, false, NULL, &r), 0);
    assert_int_equal(r.after.points, N);
    assert_int_equal(r.after.chunks, 3);
    expect_whole();
    for (int i = 0; i < N; i++)
        point_release(&p[i]);
}

struct sayings {
    char text[1024];
};

static void on_say(void *arg, const char *sentence)
{
    struct sayings *s = arg;
    snprintf(s->text + strlen(s->text), sizeof s->text - strlen(s->text), "%s\n", sentence);
}

static void flush_plain(struct history *h, uint32_t series, uint64_t *seq)
{
    static struct point p[5000];
    for (int i = 0; i < 5000; i++)
        p[i] = number(START + i * SECOND, (double)(i % 77) / 8 + series);
    for (size_t at = 0; at < 5000; at += 250) {
        struct history_flush_series f = {series, p + at, 250, CHUNK_MEDIUM, 0};
        assert_int_equal(history_flush(h, &f, 1, ++*seq, true), 0);
    }
}

/* Series 1 is a twin's, 2 was a deleted one's, 9 is younger than the catalog. */
static void orphans_go_and_strangers_stay(void **state)
{
    (void)state;
    struct history *h = open_history();
    struct sayings said = {0};
    struct compact_watch watch = {.say = on_say, .arg = &said};
    struct compact_report r;
    uint64_t seq = 0;
    make_catalog(1, 2, "medium");
    flush_plain(h, 1, &seq);
    flush_plain(h, 2, &seq);
    flush_plain(h, 9, &seq);
    history_close(h);
    assert_int_equal(compact_directory(dir, false, &watch, &r), 0);
    assert_int_equal(r.orphans, 1);
    assert_int_equal(r.orphan_points, 5000);
    assert_non_null(strstr(said.text, "1 series"));
    assert_int_equal(ask_file("SELECT count(*) FROM chunk WHERE series=2"), 0);
    assert_int_equal(ask_file("SELECT sum(n) FROM chunk WHERE series IN (1, 9)"), 10000);
    assert_int_equal(ask_file("SELECT count(*) FROM last"), 2);
    h = open_history();
    assert_int_equal(history_checkpoint(h), seq);
    history_close(h);
}

/* A clock that is far ahead while it is made small is believed no sooner than by a server. */
static void time_is_taken_over(void **state)
{
    (void)state;
    static const char known[] = "SELECT value FROM meta WHERE name='known_us'";
    struct compact_report r;
    uint64_t seq = 0;
    make_catalog(1, 1, "medium");
    clock_set(START + DAY);
    struct history *h = open_history();
    flush_plain(h, 1, &seq);
    history_close(h);
    int64_t before = ask_file(known);
    clock_set(START + 900 * DAY);
    assert_int_equal(compact_directory(dir, false, NULL, &r), 0);
    assert_true(before > START && ask_file(known) - before < DAY);
}

/* A series with a damaged chunk, or a chunk of a newer program, is taken over as it is. */
static void damage_is_kept(void **state)
{
    (void)state;
    struct history *h = open_history();
    struct sayings said = {0};
    struct compact_watch watch = {.say = on_say, .arg = &said};
    struct compact_report r;
    uint64_t seq = 0;
    make_catalog(3, 3, "high");
    for (uint32_t series = 1; series <= 3; series++)
        flush_plain(h, series, &seq);
    assert_int_equal(
        db_exec(&h->writer, "UPDATE chunk SET data=substr(data, 1, 50) || x'00' || substr(data, 52)"
                            " WHERE id=(SELECT min(id) FROM chunk WHERE series=1);"
                            "UPDATE chunk SET data=x'63' || substr(data, 2)"
                            " WHERE id=(SELECT max(id) FROM chunk WHERE series=2)"),
        0);
    int64_t chunks = ask_file("SELECT count(*) FROM chunk WHERE series IN (1, 2)");
    int64_t bytes = ask_file("SELECT sum(length(data)) FROM chunk WHERE series IN (1, 2)");
    history_close(h);
    assert_int_equal(compact_directory(dir, false, &watch, &r), 0);
    assert_int_equal(r.damaged, 2);
    assert_non_null(strstr(said.text, "series 1"));
    assert_non_null(strstr(said.text, "series 2"));
    assert_null(strstr(said.text, "series 3"));
    assert_int_equal(ask_file("SELECT count(*) FROM chunk WHERE series IN (1, 2)"), chunks);
    assert_int_equal(ask_file("SELECT sum(length(data)) FROM chunk WHERE series IN (1, 2)"), bytes);
    assert_int_equal(ask_file("SELECT count(*) FROM chunk WHERE series=3"), 2);
    h = open_history(); /* and it goes on */
    flush_plain(h, 1, &seq);
    check_totals(h);
    history_close(h);
}

/* A file that cannot grow, from no byte at all to nearly enough. */
static void a_full_disk(void **state)
{
    (void)state;
    struct history *h = open_history();
    struct compact_report r;
    struct rlimit old;
    uint64_t seq = 0;
    make_catalog(2, 2, "none");
    flush_plain(h, 1, &seq);
    flush_plain(h, 2, &seq);
    history_close(h);
    int64_t before = size_now();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (rlim_t limit = 0; limit < 60000; limit += 20000) {
        struct rlimit low = {limit, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        int err = compact_directory(dir, false, NULL, &r);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_true(err != 0 && *r.why);
        assert_int_equal(size_now(), before);
        expect_whole();
    }
    assert_int_equal(compact_directory(dir, false, NULL, &r), 0);
    expect_whole();
}

/* Who reads the file meanwhile would find another one under its name. */
static void not_while_it_is_read(void **state)
{
    (void)state;
    struct history *h = open_history();
    struct compact_report r;
    uint64_t seq = 0;
    make_catalog(1, 1, "high");
    flush_plain(h, 1, &seq);
    assert_int_equal(compact_directory(dir, false, NULL, &r), ERR_BUSY);
    assert_non_null(strstr(r.why, "another program"));
    history_close(h);
    assert_int_equal(compact_directory(dir, false, NULL, &r), 0);
    snprintf(catalog_path, sizeof catalog_path, "%s/catalog.db", dir);
    unlink(catalog_path);
    assert_int_equal(compact_directory(dir, false, NULL, &r), ERR_NOT_FOUND);
}

#define WHOLE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WHOLE(reads_the_same),     WHOLE(rollups_outlive_readings),
        WHOLE(all_types),          WHOLE(orphans_go_and_strangers_stay),
        WHOLE(time_is_taken_over), WHOLE(damage_is_kept),
        WHOLE(a_full_disk),        WHOLE(not_while_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
