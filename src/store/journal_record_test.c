/* Tests of journals of records: opaque bytes, lazy ones among them. */
#include "store/journal.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "store/journal_testing.h"

static char dir[64];
static struct tally *tally;
static struct buf seen; /* what was replayed, as text */

static int set_up(void **state)
{
    (void)state;
    tally = tally_new();
    return testing_make_dir(dir, sizeof dir);
}

static int tear_down(void **state)
{
    (void)state;
    testing_remove_dir(dir);
    tally_free(tally);
    buf_release(&seen);
    seen = (struct buf){0};
    return 0;
}

static int on_record(void *arg, uint64_t seq, struct slice record)
{
    (void)arg;
    buf_addf(&seen, "%llu:%zu:%.*s ", (unsigned long long)seq, record.n,
             record.n < 20 ? (int)record.n : 20, record.p);
    return 0;
}

static struct journal *open_records(uint64_t from)
{
    struct journal_opts opts = tally_opts(tally, from, 16384);
    struct journal *j;
    opts.on_replay = NULL;
    opts.on_record = on_record;
    opts.what = "tests";
    buf_clear(&seen);
    assert_int_equal(journal_open(dir, &opts, &j), 0);
    buf_add_byte(&seen, 0);
    return j;
}

static uint64_t put(struct journal *j, const char *text, bool lazy)
{
    uint64_t seq = 0;
    assert_int_equal(journal_append_record(j, slice_str(text), lazy, &seq), 0);
    tally->last_seq = seq;
    return seq;
}

static uint64_t syncs(struct journal *j)
{
    struct journal_stats stats;
    journal_stats(j, &stats);
    return stats.syncs;
}

static void records_come_back_in_order(void **state)
{
    (void)state;
    struct journal *j = open_records(0);
    uint64_t seq = 0;
    char *big = malloc(100000);
    memset(big, 'x', 100000);
    put(j, "one", false);
    put(j, "two", false);
    assert_int_equal(journal_append_record(j, slice_of(big, 100000), false, &seq), 0);
    free(big);
    assert_int_equal(tally_wait(tally, seq), 0);
    assert_int_equal(journal_append_record(j, slice_of("", 0), false, &seq), ERR_INVALID);
    journal_close(j);
    j = open_records(0);
    assert_string_equal(seen.p, "1:3:one 2:3:two 3:100000:xxxxxxxxxxxxxxxxxxxx ");
    journal_close(j);
    j = open_records(2);
    assert_string_equal(seen.p, "3:100000:xxxxxxxxxxxxxxxxxxxx ");
    journal_close(j);
}

static void lazy_records_wait_for_company(void **state)
{
    (void)state;
    struct journal *j = open_records(0);
    for (int i = 0; i < 50; i++)
        put(j, "lazy", true);
    usleep(20000);
    assert_int_equal(syncs(j), 0);
    assert_int_equal(tally_wait(tally, put(j, "now", false)), 0);
    assert_int_equal(syncs(j), 1);
    uint64_t seq = put(j, "hurried", true);
    journal_hurry(j);
    assert_int_equal(tally_wait(tally, seq), 0);
    put(j, "at the end", true);
    journal_close(j);
    j = open_records(51);
    assert_string_equal(seen.p, "52:7:hurried 53:10:at the end ");
    journal_close(j);
}

static void many_lazy_records_do_not_wait(void **state)
{
    (void)state;
    struct journal *j = open_records(0);
    char text[1001] = {0};
    memset(text, 'x', 1000);
    for (int i = 0; i < 1100; i++)
        put(j, text, true);
    assert_int_equal(tally_wait(tally, 1000), 0);
    journal_close(j);
}

/* The seq of one that begins a new segment, or lies behind its begin. */
static uint64_t fill_segments(struct journal *j, unsigned segments)
{
    char text[4001] = {0};
    memset(text, 'x', 4000);
    struct journal_stats stats;
    uint64_t seq;
    do {
        seq = put(j, text, false);
        assert_int_equal(tally_wait(tally, seq), 0);
        journal_stats(j, &stats);
    } while (stats.segments < segments);
    return seq;
}

static uint64_t missing(struct journal *j)
{
    struct journal_stats stats;
    journal_stats(j, &stats);
    return stats.missing_batches;
}

static void what_was_trimmed_is_not_missing(void **state)
{
    (void)state;
    struct journal *j = open_records(0);
    uint64_t seq = fill_segments(j, 4);
    journal_trim(j, seq - 1);
    fill_segments(j, 4);
    journal_close(j);
    j = open_records(0);
    assert_int_not_equal(strncmp(seen.p, "1:", 2), 0); /* it was trimmed */
    assert_int_equal(missing(j), 0);
    fill_segments(j, 7);
    journal_close(j);
    char path[128];
    snprintf(path, sizeof path, "%s/journal-%016llx", dir,
             (unsigned long long)testing_first_segment(dir) + 1);
    assert_int_equal(unlink(path), 0);
    j = open_records(0);
    assert_true(missing(j) > 0);
    journal_close(j);
}

static void what_carries_something_else_is_refused(void **state)
{
    (void)state;
    struct journal *j = open_records(0);
    put(j, "one", false);
    journal_close(j);
    struct journal_opts opts = tally_opts(tally, 0, 16384);
    assert_int_equal(journal_open(dir, &opts, &j), ERR_UNSUPPORTED);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(records_come_back_in_order),
        TEST(lazy_records_wait_for_company),
        TEST(many_lazy_records_do_not_wait),
        TEST(what_was_trimmed_is_not_missing),
        TEST(what_carries_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
