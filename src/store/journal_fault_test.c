/* Tests of the journal on a disk that fails and under a power that goes: whatever call it is, what
 * was reported as kept is there once after a restart, and what was reported as refused is not. */
#include "store/journal.h"

#include "base/err.h"
#include "base/log.h"
#include "store/journal_sim.h"

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    return testing_make_dir(dir, sizeof dir);
}

static int tear_down(void **state)
{
    (void)state;
    testing_remove_dir(dir);
    return 0;
}

/* Write until so many batches are kept or the power is gone, with rotation, trimming and recycling
 * on the way.  How far was trimmed. */
static uint64_t work(struct journal *j, struct tally *t, const struct sim *s, int batches)
{
    uint64_t trimmed = 0, kept = 0, seq = 0;
    int patience = 3000;
    for (int done = 0; done < batches && !t->dead && patience;) {
        int err = tally_append(j, t, &seq);
        if (!err && rand_r(&t->seed) % 3 == 0)
            err = tally_append(j, t, &seq); /* two in a group, perhaps */
        if (err) {
            assert_int_equal(err, ERR_STORAGE);
            usleep(500);
            patience--;
            continue;
        }
        if (tally_wait(t, seq) != 0 || t->dead)
            continue;
        kept = seq;
        done++;
        if (done % 5 == 0) {
            trimmed = kept;
            journal_trim(j, kept);
        }
    }
    assert_true(patience > 0 || s->dead);
    return trimmed;
}

static void one_more_is_kept(uint64_t from)
{
    struct journal_opts opts = {.segment_bytes = 16384, .from = from};
    struct journal *j;
    assert_int_equal(testing_open_quick(dir, &opts, &j), 0);
    struct reading r = {1, 0, 5, {VALUE_BOOL, {.b = true}}};
    uint64_t seq = 0;
    assert_int_equal(journal_append(j, &r, 1, &seq), 0);
    journal_close(j);
    struct tally *t = tally_new();
    opts = tally_opts(t, seq - 1, 16384);
    opts.on_replay = NULL;
    assert_int_equal(testing_open_quick(dir, &opts, &j), 0);
    struct journal_stats stats;
    journal_stats(j, &stats);
    assert_int_equal(stats.missing_batches, 0);
    journal_close(j);
    tally_free(t);
}

struct run {
    long fail_at, fail_n, power_at;
    int error;
    bool short_writes;
    unsigned seed;
};

/* One life with what is to go wrong, then a restart with a sound disk.  How many calls it made. */
static long live(const struct run *run)
{
    struct tally *t = tally_new();
    t->batch_min = 100;
    t->batch_max = 300;
    t->seed = run->seed;
    struct sim *s = sim_new(dir, run->seed, &t->dead);
    s->fail_at = run->fail_at;
    s->fail_n = run->fail_n ? run->fail_n : 1;
    s->power_at = run->power_at;
    s->error = run->error ? run->error : EIO;
    s->short_writes = run->short_writes;
    struct journal_io io = sim_io(s);
    struct journal_opts opts = tally_opts(t, 0, 16384);
    struct journal *j = NULL;
    uint64_t trimmed = 0;
    int err = journal_open_with(dir, &opts, &io, &j);
    if (!err) {
        trimmed = work(j, t, s, 25);
        journal_close(j);
    } else { /* the call that failed was one of opening */
        assert_true(run->fail_at || run->power_at);
    }
    long calls = s->calls;
    if (s->dead)
        sim_restart(s);
    tally_forget_reports(t);
    opts = tally_opts(t, trimmed, 16384);
    assert_int_equal(testing_open_quick(dir, &opts, &j), 0);
    struct journal_stats stats;
    journal_stats(j, &stats);
    journal_close(j);
    tally_check_after(t, trimmed);
    assert_int_equal(stats.missing_batches, 0);
    one_more_is_kept(trimmed);
    sim_free(s);
    tally_free(t);
    testing_remove_dir(dir);
    return calls;
}

static void any_call_may_fail(void **state)
{
    (void)state;
    long calls = live(&(struct run){.seed = 1});
    assert_true(calls > 80); /* it rotates and recycles */
    static const int errors[] = {EIO, ENOSPC};
    for (int e = 0; e < 2; e++)
        for (long i = 1; i <= calls + 5; i++)
            live(&(struct run){.seed = (unsigned)i, .fail_at = i, .error = errors[e]});
}

static void several_calls_in_a_row_may_fail(void **state)
{
    (void)state;
    for (long n = 2; n <= 9; n++)
        for (long i = 1; i <= 90; i += 3)
            live(&(struct run){.seed = (unsigned)(i * 7), .fail_at = i + n % 3, .fail_n = n});
}

static void writes_may_be_short(void **state)
{
    (void)state;
    long calls = live(&(struct run){.seed = 3, .short_writes = true});
    for (long i = 1; i <= calls; i += 7)
        live(&(struct run){.seed = (unsigned)i, .fail_at = i, .short_writes = true});
}

static void the_power_may_go_at_any_call(void **state)
{
    (void)state;
    long calls = live(&(struct run){.seed = 1});
    for (unsigned seed = 1; seed <= 3; seed++)
        for (long i = 1; i <= calls; i++)
            live(&(struct run){.seed = seed * 1000 + (unsigned)i, .power_at = i});
}

/* A failed call, what it entails, and then the power, one to twelve calls later. */
static void the_power_may_go_after_a_failure(void **state)
{
    (void)state;
    long calls = live(&(struct run){.seed = 1});
    for (long i = 1; i <= calls; i++)
        for (long later = 1 + i % 3; later <= 12; later += 3)
            live(&(struct run){
                .seed = (unsigned)(i * 31 + later), .fail_at = i, .power_at = i + later});
}

/* A disk that is full for a while: refused at once, then kept again without anybody's help. */
static void a_full_disk_is_waited_for(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct sim *s = sim_new(dir, 1, &t->dead);
    struct journal_io io = sim_io(s);
    struct journal_opts opts = tally_opts(t, 0, 16384);
    struct journal *j;
    uint64_t seq;
    assert_int_equal(journal_open_with(dir, &opts, &io, &j), 0);
    assert_int_equal(tally_append(j, t, &seq), 0);
    assert_int_equal(tally_wait(t, seq), 0);
    pthread_mutex_lock(&s->lock);
    s->error = ENOSPC;
    s->fail_at = s->calls + 1;
    s->fail_n = 1000000;
    pthread_mutex_unlock(&s->lock);
    assert_int_equal(tally_append(j, t, &seq), 0);
    assert_int_equal(tally_wait(t, seq), -1);
    assert_int_equal(tally_append(j, t, &seq), ERR_STORAGE);
    usleep(20000);
    assert_int_equal(tally_append(j, t, &seq), ERR_STORAGE);
    struct journal_stats stats;
    journal_stats(j, &stats);
    assert_int_equal(stats.last_error, ERR_STORAGE);
    assert_int_equal(stats.last_errno, ENOSPC);
    assert_true(stats.failures > 3);
    pthread_mutex_lock(&s->lock);
    s->fail_at = 0;
    pthread_mutex_unlock(&s->lock);
    int err = ERR_STORAGE;
    for (int i = 0; i < 1000 && err; i++) {
        usleep(1000);
        err = tally_append(j, t, &seq);
    }
    assert_int_equal(err, 0);
    assert_int_equal(tally_wait(t, seq), 0);
    journal_stats(j, &stats);
    assert_int_equal(stats.last_error, 0);
    journal_close(j);
    tally_forget_reports(t);
    opts = tally_opts(t, 0, 16384);
    assert_int_equal(journal_open(dir, &opts, &j), 0);
    journal_close(j);
    tally_check(t);
    assert_int_equal(t->replayed, 2);
    sim_free(s);
    tally_free(t);
}

/* Full when the program starts: it starts, refuses, and goes on when there is room. */
static void a_full_disk_does_not_keep_it_from_starting(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct sim *s = sim_new(dir, 1, &t->dead);
    struct journal_io io = sim_io(s);
    io.retry_ms = 10000; /* not before it is trimmed */
    struct journal_opts opts = tally_opts(t, 0, 16384);
    struct journal *j;
    uint64_t seq;
    s->error = ENOSPC;
    s->fail_at = 3; /* behind opening the directory and the new file: allocating */
    assert_int_equal(journal_open_with(dir, &opts, &io, &j), 0);
    assert_int_equal(tally_append(j, t, &seq), ERR_STORAGE);
    journal_close(j);
    io.retry_ms = 1;
    assert_int_equal(journal_open_with(dir, &opts, &io, &j), 0);
    assert_int_equal(tally_append(j, t, &seq), 0);
    assert_int_equal(tally_wait(t, seq), 0);
    journal_close(j);
    sim_free(s);
    tally_free(t);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(any_call_may_fail),
        TEST(several_calls_in_a_row_may_fail),
        TEST(writes_may_be_short),
        TEST(the_power_may_go_at_any_call),
        TEST(the_power_may_go_after_a_failure),
        TEST(a_full_disk_is_waited_for),
        TEST(a_full_disk_does_not_keep_it_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
