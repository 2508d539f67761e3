/* Tests of the journal on real files: what comes back, damage, recycling, limits.
 * journal_fault_test.c makes calls fail, journal_crash_test.c kills a writer. */
#include "store/journal.h"

#include "base/err.h"
#include "base/log.h"
#include "store/journal_format.h"
#include "store/journal_testing.h"

#include <fcntl.h>
#include <sys/stat.h>

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

static struct journal *open_journal(struct tally *t, uint64_t from, size_t segment_bytes)
{
    struct journal_opts opts = tally_opts(t, from, segment_bytes);
    struct journal *j = NULL;
    assert_int_equal(testing_open_quick(dir, &opts, &j), 0);
    return j;
}

static void append_and_wait(struct journal *j, struct tally *t, uint64_t n)
{
    uint64_t seq = 0;
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(tally_append(j, t, &seq), 0);
    assert_int_equal(tally_wait(t, seq), 0);
}

/* One of each value, in one batch. */
struct every {
    int calls;
};

static const struct reading every_value[] = {
    {0, QUALITY_GOOD, INT64_MIN, {VALUE_DOUBLE, {.d = -0.0}}},
    {UINT32_MAX, QUALITY_BAD, INT64_MAX, {VALUE_DOUBLE, {.d = 1e308}}},
    {7, QUALITY_UNCERTAIN, 0, {VALUE_INT, {.i = INT64_MIN}}},
    {7, QUALITY_GOOD, 1, {VALUE_INT, {.i = INT64_MAX}}},
    {6, QUALITY_GOOD, -1, {VALUE_BOOL, {.b = true}}},
    {6, QUALITY_GOOD, -1, {VALUE_BOOL, {.b = false}}},
    {5, QUALITY_GOOD, 1700000000000000, {VALUE_TEXT, {.text = {"", 0}}}},
    {5, QUALITY_GOOD, 1700000000000001, {VALUE_TEXT, {.text = {"a\0\xff", 3}}}},
    {5, QUALITY_BAD, 1700000000000000, {VALUE_DOUBLE, {.d = 42.3}}},
};
enum { EVERY = sizeof every_value / sizeof every_value[0] };

static int check_every(void *arg, uint64_t seq, const struct reading *readings, size_t n)
{
    struct every *e = arg;
    e->calls++;
    assert_int_equal(seq, 1);
    assert_int_equal(n, EVERY);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(readings[i].series, every_value[i].series);
        assert_int_equal(readings[i].quality, every_value[i].quality);
        assert_true(readings[i].t_us == every_value[i].t_us);
        assert_true(value_eq(readings[i].value, every_value[i].value));
    }
    return 0;
}

static void every_value_comes_back(void **state)
{
    (void)state;
    struct every e = {0};
    struct journal_opts opts = {.arg = &e, .on_replay = check_every, .segment_bytes = 1 << 16};
    struct journal *j;
    uint64_t seq = 0;
    assert_int_equal(journal_open(dir, &opts, &j), 0);
    assert_int_equal(journal_append(j, every_value, EVERY, &seq), 0);
    assert_int_equal(seq, 1);
    journal_close(j);
    assert_int_equal(e.calls, 0);
    assert_int_equal(journal_open(dir, &opts, &j), 0);
    assert_int_equal(e.calls, 1);
    struct journal_stats stats;
    journal_stats(j, &stats);
    assert_int_equal(stats.damaged_bytes, 0);
    assert_int_equal(stats.missing_batches, 0);
    journal_close(j);
}

static void what_is_no_batch_is_refused(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal_opts opts = tally_opts(t, 0, 0);
    opts.pending_bytes = 200000;
    struct journal *j;
    assert_int_equal(journal_open(dir, &opts, &j), 0);
    static char long_text[VALUE_TEXT_MAX + 1];
    struct reading r = {1, QUALITY_GOOD, 0, {VALUE_NONE, {.d = 0}}};
    uint64_t seq = 77;
    assert_int_equal(journal_append(j, &r, 0, &seq), ERR_INVALID);
    assert_int_equal(journal_append(j, &r, 1, &seq), ERR_INVALID);
    r.value = (struct value){VALUE_TEXT, {.text = {long_text, sizeof long_text}}};
    assert_int_equal(journal_append(j, &r, 1, &seq), ERR_INVALID);
    r.value.as.text.n--;
    struct reading many[4] = {r, r, r, r};
    assert_int_equal(journal_append(j, many, 4, &seq), ERR_TOO_LARGE);
    assert_int_equal(seq, 77);
    assert_int_equal(journal_append(j, many, 3, &seq), 0);
    assert_int_equal(seq, 1);
    journal_close(j);
    tally_free(t);
}

/* The report of the first group is held back, so that nothing leaves the pending buffer. */
static void too_much_waiting_is_overload(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal_opts opts = tally_opts(t, 0, 0);
    opts.pending_bytes = 4096;
    struct journal *j;
    assert_int_equal(journal_open(dir, &opts, &j), 0);
    uint64_t seq;
    tally_hold(t);
    assert_int_equal(tally_append(j, t, &seq), 0);
    tally_wait_held(t);
    int err = 0, n = 0;
    while (!err && n < 1000) {
        err = tally_append(j, t, &seq);
        n++;
    }
    assert_int_equal(err, ERR_OVERLOAD);
    assert_true(n > 5);
    tally_let_go(t);
    assert_int_equal(tally_wait(t, t->appended), 0);
    append_and_wait(j, t, 1); /* there is room again */
    journal_close(j);
    tally_free(t);
}

static void a_batch_larger_than_a_segment_is_kept(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal *j = open_journal(t, 0, 16384);
    append_and_wait(j, t, 3);
    t->batch_max = 20000;
    t->batch_min = 20000;
    append_and_wait(j, t, 2);
    t->batch_min = t->batch_max = 3;
    append_and_wait(j, t, 3);
    journal_close(j);
    tally_forget_reports(t);
    j = open_journal(t, 0, 16384);
    tally_check(t);
    assert_int_equal(t->replayed, 8);
    journal_close(j);
    tally_free(t);
}

static void numbers_rise_for_ever(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal *j = open_journal(t, 0, 16384);
    append_and_wait(j, t, 10);
    journal_close(j);
    for (int i = 0; i < 3; i++) { /* all in history: nothing is replayed, no number comes twice */
        j = open_journal(t, t->appended, 16384);
        assert_int_equal(t->replayed, 0);
        append_and_wait(j, t, 2);
        assert_int_equal(t->last_seq, 12 + 2 * i);
        journal_close(j);
    }
    testing_remove_dir(dir);
    j = open_journal(t, t->appended, 16384);
    append_and_wait(j, t, 1);
    assert_int_equal(t->last_seq, 17);
    struct journal_stats stats;
    journal_stats(j, &stats);
    assert_int_equal(stats.missing_batches, 0);
    journal_close(j);
    tally_free(t);
}

static void segments_are_recycled(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal *j = open_journal(t, 0, 16384);
    struct journal_stats stats;
    for (int i = 0; i < 300; i++) {
        append_and_wait(j, t, 5);
        if (i % 10 == 9)
            journal_trim(j, t->last_seq - 3);
    }
    journal_trim(j, t->last_seq - 2);
    append_and_wait(j, t, 1); /* behind the trim */
    append_and_wait(j, t, 1);
    journal_stats(j, &stats);
    assert_true(stats.segment_bytes <= 5 * 16384);
    assert_true(testing_count_files(dir) <= 5);
    uint64_t kept = t->last_seq - 4;
    journal_close(j);
    tally_forget_reports(t);
    j = open_journal(t, kept, 16384);
    assert_int_equal(t->replayed, 4);
    assert_int_equal(t->first_replayed, kept + 1);
    journal_stats(j, &stats);
    assert_int_equal(stats.damaged_bytes, 0);
    assert_int_equal(stats.missing_batches, 0);
    journal_close(j);
    tally_free(t);
}

/* The file of the only segment with batches in it. */
static void find_segment(char *path, size_t n)
{
    uint64_t number = testing_first_segment(dir);
    assert_true(number > 0);
    snprintf(path, n, "%s/journal-%016llx", dir, (unsigned long long)number);
}

struct bytes {
    unsigned char *p;
    size_t n;
};

static struct bytes load(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    struct bytes b = {malloc((size_t)st.st_size), (size_t)st.st_size};
    assert_int_equal(read(fd, b.p, b.n), b.n);
    close(fd);
    return b;
}

static void store(const char *path, const unsigned char *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    close(fd);
}

/* Where each frame starts, in *starts; the last entry is the end. */
static size_t frame_starts(const struct bytes *b, size_t *starts, size_t max)
{
    size_t n = 0, at = JOURNAL_FIRST_FRAME;
    struct journal_frame_header h;
    while (at + JOURNAL_FRAME_HEADER <= b->n && journal_get_frame_header(b->p + at, &h)) {
        assert_true(n + 1 < max);
        starts[n++] = at;
        at += journal_frame_bytes(h.payload_bytes);
    }
    starts[n] = at;
    return n;
}

static struct bytes write_frames(struct tally *t, char *path, size_t path_n, int frames)
{
    struct journal *j = open_journal(t, 0, 32768);
    for (int i = 0; i < frames; i++)
        append_and_wait(j, t, 1); /* waited for: a frame each */
    journal_close(j);
    find_segment(path, path_n);
    tally_forget_reports(t);
    return load(path);
}

/* Open over the content given and say what was replayed. */
static struct journal_stats reopen_over(struct tally *t, const char *path, const unsigned char *p,
                                        size_t n)
{
    testing_remove_dir(dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    store(path, p, n);
    tally_forget_replay(t);
    struct journal_opts opts = tally_opts(t, 0, 32768);
    struct journal *j;
    assert_int_equal(testing_open_quick(dir, &opts, &j), 0);
    struct journal_stats stats;
    journal_stats(j, &stats);
    journal_close(j);
    return stats;
}

static void a_cut_file_gives_what_is_whole(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    char path[128];
    struct bytes b = write_frames(t, path, sizeof path, 6);
    size_t starts[16], frames = frame_starts(&b, starts, 16);
    assert_int_equal(frames, 6);
    for (size_t n = 0; n <= starts[frames]; n += n < JOURNAL_FIRST_FRAME - 61 ? 61 : 1) {
        struct journal_stats stats = reopen_over(t, path, b.p, n);
        size_t whole = 0; /* frames; only the padding of the last may be gone */
        struct journal_frame_header h;
        while (whole < frames && journal_get_frame_header(b.p + starts[whole], &h) &&
               n >= starts[whole] + JOURNAL_FRAME_HEADER + h.payload_bytes)
            whole++;
        assert_int_equal(t->replayed, whole);
        tally_check_prefix(t, whole);
        assert_int_equal(stats.damaged_bytes > 0, n < JOURNAL_FIRST_FRAME || n > starts[whole]);
    }
    free(b.p);
    tally_free(t);
}

static void any_flipped_byte_is_seen_and_costs_one_frame(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    char path[128];
    struct bytes b = write_frames(t, path, sizeof path, 6);
    size_t starts[16], frames = frame_starts(&b, starts, 16);
    size_t at = 0;
    while (at < starts[frames]) {
        unsigned char bit = (unsigned char)(1u << (at % 8));
        b.p[at] ^= bit;
        struct journal_stats stats = reopen_over(t, path, b.p, b.n);
        b.p[at] ^= bit;
        if (at < JOURNAL_FIRST_FRAME) {
            assert_int_equal(t->replayed, frames); /* there is a second header */
        } else {
            size_t hit = 0;
            while (starts[hit + 1] <= at)
                hit++;
            struct journal_frame_header h;
            assert_true(journal_get_frame_header(b.p + starts[hit], &h));
            bool padding = at >= starts[hit] + JOURNAL_FRAME_HEADER + h.payload_bytes;
            assert_int_equal(t->replayed, frames - !padding);
            if (!padding) {
                assert_int_equal(stats.damaged_bytes, starts[hit + 1] - starts[hit]);
                assert_int_equal(stats.torn_bytes, hit + 1 == frames ? stats.damaged_bytes : 0);
                assert_int_equal(stats.missing_batches, hit + 1 == frames ? 0 : 1);
                assert_false(t->status[h.first_seq] & TALLY_REPLAYED);
            }
        }
        /* headers in full, the empty rest of their page in steps */
        at += at >= 64 && at < 2048 - 64                    ? 97
              : at >= 2112 && at < JOURNAL_FIRST_FRAME - 97 ? 97
                                                            : 1;
    }
    free(b.p);
    tally_free(t);
}

static void both_headers_lost_costs_nothing(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    char path[128];
    struct bytes b = write_frames(t, path, sizeof path, 3);
    memset(b.p, 0, JOURNAL_FIRST_FRAME);
    struct journal_stats stats = reopen_over(t, path, b.p, b.n);
    assert_int_equal(t->replayed, 3);
    assert_true(stats.damaged_bytes >= JOURNAL_FIRST_FRAME);
    free(b.p);
    tally_free(t);
}

/* A recycled file is full of intact frames of its earlier use, also at the right places. */
static void stale_frames_are_never_taken(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal *j = open_journal(t, 0, 16384);
    t->batch_min = t->batch_max =
        4; /* frames of one size, so that old ones line up with new ones */
    while (testing_count_files(dir) < 4)
        append_and_wait(j, t, 1);
    journal_trim(j, t->last_seq);
    uint64_t kept = t->last_seq;
    journal_close(j);
    tally_forget_reports(t);
    j = open_journal(t, kept, 16384); /* begins in a recycled file */
    for (int i = 0; i < 3; i++)
        append_and_wait(j, t, 1);
    journal_close(j);
    tally_forget_reports(t);

    /* Take away the zeroes behind the last frame, as a write cut off by a crash may have. */
    char path[128];
    find_segment(path, sizeof path);
    struct bytes b = load(path);
    size_t starts[512];
    size_t frames = frame_starts(&b, starts, 512);
    assert_int_equal(frames, 3);
    struct journal_frame_header h;
    size_t stale = 0;
    for (size_t at = starts[3]; at + JOURNAL_FRAME_HEADER <= b.n; at += 8)
        stale += journal_get_frame_header(b.p + at, &h);
    assert_true(stale > 10); /* the test tests something */
    size_t old = starts[3];
    while (!journal_get_frame_header(b.p + old, &h))
        old += 8;
    memmove(b.p + starts[3], b.p + old, b.n - old);
    store(path, b.p, b.n);
    tally_forget_replay(t);
    j = open_journal(t, 0, 16384);
    assert_int_equal(t->replayed, 3);
    assert_int_equal(t->first_replayed, kept + 1);
    struct journal_stats stats;
    journal_stats(j, &stats);
    assert_int_equal(stats.damaged_bytes, 0);
    assert_int_equal(stats.missing_batches, kept); /* from was 0, and they are gone */
    journal_close(j);
    free(b.p);
    tally_free(t);
}

static void a_lost_segment_is_noticed(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    struct journal *j = open_journal(t, 0, 16384);
    while (testing_count_files(dir) < 4)
        append_and_wait(j, t, 1);
    journal_close(j);
    tally_forget_reports(t);
    char path[128];
    snprintf(path, sizeof path, "%s/journal-%016llx", dir,
             (unsigned long long)testing_first_segment(dir) + 1);
    assert_int_equal(unlink(path), 0);
    uint64_t appended = t->appended;
    j = open_journal(t, 0, 16384);
    struct journal_stats stats;
    journal_stats(j, &stats);
    assert_true(stats.missing_batches > 0);
    assert_int_equal(stats.missing_batches + t->replayed, appended);
    journal_close(j);
    tally_free(t);
}

static void a_newer_segment_is_left_alone(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    char path[128];
    struct bytes b = write_frames(t, path, sizeof path, 1);
    for (int copy = 0; copy < 2; copy++) {
        unsigned char *p = b.p + copy * JOURNAL_SECOND_HEADER;
        p[8] = 2;
        testing_put_crc(p, 60);
    }
    store(path, b.p, b.n);
    struct journal_opts opts = tally_opts(t, 0, 32768);
    struct journal *j = NULL;
    assert_int_equal(journal_open(dir, &opts, &j), ERR_UNSUPPORTED);
    assert_null(j);
    free(b.p);
    tally_free(t);
}

static int stop_at_two(void *arg, uint64_t seq, const struct reading *readings, size_t n)
{
    (void)arg;
    (void)readings;
    (void)n;
    return seq == 2 ? ERR_CORRUPT : 0;
}

static void the_replay_can_be_ended(void **state)
{
    (void)state;
    struct tally *t = tally_new();
    char path[128];
    struct bytes b = write_frames(t, path, sizeof path, 2);
    struct journal_opts opts = tally_opts(t, 0, 32768);
    opts.on_replay = stop_at_two;
    struct journal *j = NULL;
    assert_int_equal(journal_open(dir, &opts, &j), ERR_CORRUPT);
    assert_null(j);
    free(b.p);
    tally_free(t);
}

static uint64_t room; /* that the disk says it has */

static uint64_t say_room(void *arg, int fd)
{
    (void)arg, (void)fd;
    return room;
}

static uint64_t bytes_with_room(uint64_t bytes)
{
    struct journal_opts opts = {.from = 1000}; /* nothing of before is kept */
    struct journal_io io = journal_io_system;
    struct journal_stats stats;
    struct journal *j = NULL;
    io.room = say_room;
    room = bytes;
    assert_int_equal(journal_open_with(dir, &opts, &io, &j), 0);
    journal_stats(j, &stats);
    journal_close(j);
    assert_int_equal(stats.segments, 1);
    return stats.segment_bytes;
}

static void files_follow_the_room_of_the_disk(void **state)
{
    (void)state;
    assert_int_equal(bytes_with_room(UINT64_MAX), 64 << 20);
    assert_int_equal(bytes_with_room(UINT64_C(2) << 30), 32 << 20);
    assert_int_equal(bytes_with_room(100 << 20), 4 << 20);
    assert_int_equal(bytes_with_room(0), 4 << 20);
    assert_int_equal(bytes_with_room(UINT64_C(4) << 30), 64 << 20);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_value_comes_back),
        TEST(what_is_no_batch_is_refused),
        TEST(too_much_waiting_is_overload),
        TEST(a_batch_larger_than_a_segment_is_kept),
        TEST(numbers_rise_for_ever),
        TEST(segments_are_recycled),
        TEST(files_follow_the_room_of_the_disk),
        TEST(a_cut_file_gives_what_is_whole),
        TEST(any_flipped_byte_is_seen_and_costs_one_frame),
        TEST(both_headers_lost_costs_nothing),
        TEST(stale_frames_are_never_taken),
        TEST(a_lost_segment_is_noticed),
        TEST(a_newer_segment_is_left_alone),
        TEST(the_replay_can_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
