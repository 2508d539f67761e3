/* Lines into the audit log and out again in turns; what expires; what is forgotten. */
#include "access/access_testing.h"
#include "access/audit.h"
#include "access/state.h"
#include "base/clock.h"

enum { LINES = 500 };

static void note(struct world *w, const char *object)
{
    const struct asker by = {w->access->system, {"test", "192.0.2.1", "r", "", NULL}};
    access_note(w->access, &by,
                &(struct audit_note){.operation = "test:note",
                                     .object = object,
                                     .before = SLICE_LIT("{}"),
                                     .detail = "ada@example.org"});
}

struct log_reading {
    struct world *w;
    struct audit_job *job;
    size_t n, stop_at, turns;
    int64_t first;
    struct audit_turn last;
    bool cancel;
};

static bool on_row(void *arg, const struct audit_row *row)
{
    struct log_reading *r = arg;
    if (!r->n++)
        r->first = row->n;
    return r->stop_at && r->n % r->stop_at == 0;
}

static void on_turn(void *arg, const struct audit_turn *turn)
{
    struct log_reading *r = arg;
    r->last = *turn;
    r->turns++;
    if (turn->ended)
        loop_stop(r->w->loop);
    else if (r->cancel)
        audit_cancel(r->job);
    else
        audit_go(r->job);
}

static struct log_reading read_log(struct world *w, struct audit_query q, uint64_t limit,
                                   size_t stop_at, bool cancel)
{
    static const struct audit_taker taker = {on_row, on_turn};
    struct log_reading r = {.w = w, .stop_at = stop_at, .cancel = cancel};
    q.to_us = q.to_us ? q.to_us : INT64_MAX;
    r.job = access_audit_read(w->access, &q, limit, &taker, &r);
    assert_non_null(r.job);
    assert_int_equal(loop_run(w->loop), 0);
    r.job = NULL;
    return r;
}

static const struct audit_query notes = {.operation = SLICE_LIT("test:note")};

static void fill(struct world *w)
{
    for (int i = 0; i < LINES; i++)
        note(w, i % 5 ? "thing:a" : "thing:b");
}

static void lines_come_back_in_turns(void **state)
{
    struct world *w = *state;
    fill(w);
    struct log_reading r = read_log(w, notes, 0, 0, false);
    assert_int_equal(r.n, LINES);
    assert_int_equal(r.last.err, 0);
    assert_false(r.last.more);
    int64_t newest = r.first;
    r = read_log(w, notes, 0, 7, false); /* the taker is full again and again */
    assert_int_equal(r.n, LINES);
    assert_true(r.turns > LINES / 7);
    r = read_log(w, notes, 10, 0, false);
    assert_int_equal(r.n, 10);
    assert_int_equal(r.first, newest);
    assert_true(r.last.more);
    struct audit_query next = notes;
    next.before_us = r.last.next_us;
    next.before_n = r.last.next_n;
    r = read_log(w, next, 0, 0, false);
    assert_int_equal(r.n, LINES - 10);
    assert_int_equal(r.first, newest - 10);
    struct audit_query b = notes;
    b.object = SLICE_LIT("thing:b");
    assert_int_equal(read_log(w, b, 0, 0, false).n, LINES / 5);
    r = read_log(w, notes, 0, 7, true);
    assert_int_equal(r.last.err, ERR_CANCELLED);
    assert_int_equal(r.n, 7);
}

static void old_lines_expire(void **state)
{
    struct world *w = *state;
    fill(w);
    assert_int_equal(read_log(w, notes, 0, 0, false).n, LINES);
    w->access->audit_retention_us = 1;
    w->access->expire_in_s = 1;
    audit_tick(w->access);
    assert_true(w->access->expiring);
    assert_int_equal(read_log(w, notes, 0, 0, false).n, 0); /* in the same queue, behind it */
    struct audit_query q = {.operation = SLICE_LIT("audit:expire")};
    assert_int_equal(read_log(w, q, 0, 0, false).n, 1);
    struct audit_report report;
    assert_int_equal(audit_verify(w->dir, NULL, NULL, NULL, &report), 0);
    assert_int_equal(report.broken, 0);
    assert_true(report.expired >= LINES);
}

static void on_erased(void *arg, int err, uint64_t lines)
{
    struct world *w = arg;
    assert_int_equal(err, 0);
    assert_in_range(lines, LINES, 2 * LINES + 100);
    loop_stop(w->loop);
}

static void a_word_is_forgotten(void **state)
{
    struct world *w = *state;
    const struct slice words[] = {SLICE_LIT("ada@example.org"), SLICE_LIT("")};
    fill(w);
    access_audit_erase(w->access, SLICE_LIT("p_ada"), words, 2, on_erased, w);
    assert_int_equal(loop_run(w->loop), 0);
    struct audit_report report;
    assert_int_equal(audit_verify(w->dir, NULL, NULL, NULL, &report), 0);
    assert_int_equal(report.broken, 0);
    assert_true(report.erased >= LINES);
    assert_int_equal(read_log(w, notes, 0, 0, false).n, LINES); /* the lines are still there */
}

static void nothing_is_taken_at_the_end(void **state)
{
    struct world *w = *state;
    static const struct audit_taker taker = {on_row, on_turn};
    struct audit_query q = notes;
    access_stop(w->access);
    note(w, "late");
    assert_int_equal(access_stats(w->access)->audit_failures, 1);
    assert_null(access_audit_read(w->access, &q, 0, &taker, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_back_in_turns, world_begin, world_end),
        cmocka_unit_test_setup_teardown(old_lines_expire, world_begin, world_end),
        cmocka_unit_test_setup_teardown(a_word_is_forgotten, world_begin, world_end),
        cmocka_unit_test_setup_teardown(nothing_is_taken_at_the_end, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
