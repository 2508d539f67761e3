/* loop_test.c - order and number of what the loop and the pool run. */
#include "base/clock.h"
#include "base/err.h"
#include "os/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct loop *l;
    struct loop_hook hook, hook2;
    struct loop_timer *timer;
    int count, hook_runs, order[16], n;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->l), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_free(f->l);
    free(f);
    return 0;
}

static void stop_at_1000(void *arg)
{
    struct fixture *f = arg;
    if (++f->count == 1000)
        loop_stop(f->l);
}

static void *post_250(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 250; i++)
        if (loop_post(f->l, stop_at_1000, f) != 0)
            abort();
    return NULL;
}

static void posts_from_threads_all_run(void **state)
{
    struct fixture *f = *state;
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, post_250, f), 0);
    assert_int_equal(loop_run(f->l), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(f->count, 1000);
}

static void note_1(void *arg)
{
    struct fixture *f = arg;
    f->order[f->n++] = 1;
    loop_at_end(f->l, &f->hook);
    loop_at_end(f->l, &f->hook);
}

static void note_2(void *arg)
{
    struct fixture *f = arg;
    f->order[f->n++] = 2;
}

static void note_3_and_stop(void *arg)
{
    struct fixture *f = arg;
    f->order[f->n++] = 3;
    loop_stop(f->l);
}

static void hook_runs_once_after_everything_posted(void **state)
{
    struct fixture *f = *state;
    f->hook = (struct loop_hook){.fn = note_3_and_stop, .arg = f};
    loop_post(f->l, note_1, f);
    loop_post(f->l, note_1, f);
    loop_post(f->l, note_2, f);
    loop_run(f->l);
    const int want[] = {1, 1, 2, 3};
    assert_int_equal(f->n, 4);
    assert_memory_equal(f->order, want, sizeof want);
}

static void arm_again(void *arg)
{
    struct fixture *f = arg;
    f->hook_runs++;
    loop_at_end(f->l, &f->hook);
}

static void disarm_and_stop(void *arg)
{
    struct fixture *f = arg;
    loop_disarm(f->l, &f->hook);
    loop_stop(f->l);
}

static void endless_hook_leaves_room_for_timers_and_posts(void **state)
{
    struct fixture *f = *state;
    f->hook = (struct loop_hook){.fn = arm_again, .arg = f};
    loop_at_end(f->l, &f->hook);
    assert_int_equal(loop_timer_new(f->l, disarm_and_stop, f, &f->timer), 0);
    loop_timer_start(f->timer, 20, 0);
    loop_run(f->l);
    assert_true(f->hook_runs > 10);
    assert_false(f->hook.armed);
    loop_timer_free(f->timer);
}

static void disarm_other(void *arg)
{
    struct fixture *f = arg;
    f->order[f->n++] = 4;
    loop_disarm(f->l, &f->hook2);
    loop_stop(f->l);
}

static void hook_may_disarm_another_of_the_same_turn(void **state)
{
    struct fixture *f = *state;
    f->hook = (struct loop_hook){.fn = disarm_other, .arg = f};
    f->hook2 = (struct loop_hook){.fn = note_2, .arg = f};
    loop_at_end(f->l, &f->hook);
    loop_at_end(f->l, &f->hook2);
    loop_run(f->l);
    assert_int_equal(f->n, 1);
    assert_int_equal(f->order[0], 4);
}

static void timer_repeats_and_keeps_time(void **state)
{
    struct fixture *f = *state;
    f->count = 995;
    usleep(30000); /* the loop's idea of now is old */
    int64_t start = clock_mono_us();
    assert_int_equal(loop_timer_new(f->l, stop_at_1000, f, &f->timer), 0);
    loop_timer_start(f->timer, 20, 5);
    loop_run(f->l);
    int64_t took = clock_mono_us() - start;
    assert_int_equal(f->count, 1000);
    assert_true(took >= 38000);
    loop_timer_free(f->timer);
}

/* ---- pool ---- */

struct task {
    struct pool_job job;
    struct fixture *f;
    int number;
    atomic_int worked;
    int finished;
};

static void work(void *arg)
{
    struct task *t = arg;
    atomic_fetch_add(&t->worked, 1);
}

static void done(void *arg)
{
    struct task *t = arg;
    t->finished++;
    if (t->f->n < 16)
        t->f->order[t->f->n++] = t->number;
    stop_at_1000(t->f);
}

static void pool_of_one_keeps_order_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct pool *p;
    struct task *t = calloc(1000, sizeof *t);
    assert_non_null(t);
    assert_int_equal(pool_new(f->l, "one", 1, &p), 0);
    for (int i = 0; i < 1000; i++) {
        t[i].job = (struct pool_job){.work = work, .done = done, .arg = &t[i]};
        t[i].f = f;
        t[i].number = i;
        pool_submit(p, &t[i].job);
    }
    loop_run(f->l);
    assert_int_equal(f->count, 1000);
    for (int i = 0; i < 16; i++)
        assert_int_equal(f->order[i], i);
    pool_free(p);
    free(t);
}

static void submit_again(void *arg)
{
    struct task *t = arg;
    if (++t->finished < 3)
        pool_submit(t->job.pool, &t->job);
}

static void pool_free_finishes_what_was_submitted(void **state)
{
    struct fixture *f = *state;
    struct pool *p;
    struct task t[64] = {0};
    assert_int_equal(pool_new(f->l, "four", 4, &p), 0);
    for (int i = 0; i < 64; i++) {
        t[i].job = (struct pool_job){.work = work, .done = submit_again, .arg = &t[i]};
        t[i].f = f;
        pool_submit(p, &t[i].job);
    }
    pool_free(p);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(t[i].worked, 3);
        assert_int_equal(t[i].finished, 3);
    }
}

/* ---- the gate ---- */

enum { VISITS = 2000, VISITORS = 3 };

struct guarded {
    struct loop *l;
    struct loop_hook busy;
    long a, b;          /* the loop keeps them the same, at the end of each of its functions */
    _Atomic(int) left;  /* visitors that have not ended */
    _Atomic(long) torn; /* what a visitor must not see */
};

static void keep_busy(void *arg)
{
    struct guarded *g = arg;
    g->a++;
    for (volatile int i = 0; i < 200; i++)
        ;
    g->b++;
    if (atomic_load(&g->left))
        loop_at_end(g->l, &g->busy); /* a loop that never sleeps */
    else
        loop_stop(g->l);
}

static void *visit(void *arg)
{
    struct guarded *g = arg;
    for (int i = 0; i < VISITS; i++) {
        loop_enter(g->l);
        if (g->a != g->b)
            atomic_fetch_add(&g->torn, 1);
        loop_leave(g->l);
    }
    atomic_fetch_sub(&g->left, 1);
    return NULL;
}

static void begin_busy(void *arg)
{
    struct guarded *g = arg;
    loop_at_end(g->l, &g->busy);
}

/* Visitors see what the loop leaves, and come in although it is always awake. */
static void gate_lets_others_in_between_turns(void **state)
{
    struct fixture *f = *state;
    struct guarded g = {.l = f->l, .busy = {.fn = keep_busy, .arg = &g}, .left = VISITORS};
    pthread_t threads[VISITORS];
    loop_post(f->l, begin_busy, &g);
    for (int i = 0; i < VISITORS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &g), 0);
    loop_run(f->l);
    for (int i = 0; i < VISITORS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(g.torn, 0);
    assert_true(g.a > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(posts_from_threads_all_run, setup, teardown),
        cmocka_unit_test_setup_teardown(hook_runs_once_after_everything_posted, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_hook_leaves_room_for_timers_and_posts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hook_may_disarm_another_of_the_same_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(timer_repeats_and_keeps_time, setup, teardown),
        cmocka_unit_test_setup_teardown(pool_of_one_keeps_order_and_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(pool_free_finishes_what_was_submitted, setup, teardown),
        cmocka_unit_test_setup_teardown(gate_lets_others_in_between_turns, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
