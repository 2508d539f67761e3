/* Kills a process that appends, at random moments, again and again over the same directory: every
 * batch that was reported as kept is replayed once, with the content it had. */
#include "store/journal.h"

#include "base/err.h"
#include "base/log.h"
#include "store/journal_testing.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { ROUNDS = 50 };

/* Shared with the child that is killed. */
struct shared {
    _Atomic uint64_t synced, trimmed, appended;
};

static void child_on_synced(void *arg, uint64_t seq, int err)
{
    struct shared *s = arg;
    if (err)
        _exit(3);
    atomic_store(&s->synced, seq);
}

/* Append as fast as it goes, trim now and then, until killed. */
static void child(const char *dir, struct shared *s, unsigned seed)
{
    struct journal_opts opts = {
        .segment_bytes = 65536,
        .from = atomic_load(&s->trimmed),
        .on_synced = child_on_synced,
        .arg = s,
    };
    struct journal *j;
    static struct reading readings[300];
    static char texts[300][16];
    if (journal_open(dir, &opts, &j) != 0)
        _exit(1);
    for (uint64_t seq = 0;;) {
        size_t n = 1 + (size_t)rand_r(&seed) % (rand_r(&seed) % 50 ? 20 : 300);
        uint64_t next = atomic_load(&s->appended) + 1, got;
        if (seq == 0) { /* which number comes first, an append tells */
            readings[0] = testing_reading(0, 0, texts[0]);
            readings[0].series = UINT32_MAX;
            if (journal_append(j, readings, 1, &seq) != 0)
                _exit(2);
            atomic_store(&s->appended, seq);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            readings[i] = testing_reading(next, i, texts[i]);
        int err = journal_append(j, readings, n, &got);
        if (err == ERR_OVERLOAD)
            continue;
        if (err || got != next)
            _exit(2);
        atomic_store(&s->appended, got);
        if (rand_r(&seed) % 200 == 0) {
            uint64_t synced = atomic_load(&s->synced);
            if (synced > atomic_load(&s->trimmed) + 40) {
                atomic_store(&s->trimmed, synced - 40);
                journal_trim(j, synced - 40);
            }
        }
        if (rand_r(&seed) % 8 == 0)
            usleep(50);
    }
}

struct check {
    uint64_t last, n;
    int bad;
};

static int on_replay(void *arg, uint64_t seq, const struct reading *readings, size_t n)
{
    struct check *c = arg;
    if (seq != c->last + 1)
        c->bad++;
    c->last = seq;
    c->n++;
    for (size_t i = 0; i < n && readings[0].series != UINT32_MAX; i++) {
        char text[16];
        struct reading r = testing_reading(seq, i, text);
        if (r.series != readings[i].series || r.t_us != readings[i].t_us ||
            !value_eq(r.value, readings[i].value))
            c->bad++;
    }
    return 0;
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    (void)state;
    char dir[64];
    assert_int_equal(testing_make_dir(dir, sizeof dir), 0);
    struct shared *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s != MAP_FAILED);
    unsigned seed = 7;
    uint64_t replayed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(dir, s, seed + (unsigned)round);
        /* some die while opening, some after several segments */
        usleep((useconds_t)(rand_r(&seed) % (round % 3 ? 60000 : 4000)));
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));

        struct check c = {.last = atomic_load(&s->trimmed)};
        struct journal_opts opts = {
            .segment_bytes = 65536, .from = c.last, .on_replay = on_replay, .arg = &c};
        struct journal *j;
        assert_int_equal(journal_open(dir, &opts, &j), 0);
        struct journal_stats stats;
        journal_stats(j, &stats);
        journal_close(j);
        assert_int_equal(c.bad, 0);
        assert_true(c.last >= atomic_load(&s->synced));
        assert_int_equal(stats.missing_batches, 0);
        assert_int_equal(stats.damaged_bytes, stats.torn_bytes); /* nothing but a torn end */
        atomic_store(&s->synced, c.last);
        replayed += c.n;
    }
    assert_true(atomic_load(&s->appended) > 1000 && replayed > 1000);
    munmap(s, sizeof *s);
    testing_remove_dir(dir);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_survives_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
