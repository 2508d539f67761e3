/* loop.c - the turn of the loop.
 *
 * libuv's iteration is: timers, idle, prepare, poll (sleeps, then runs the I/O callbacks and the
 * posted functions), check, closing.  Hooks are run by the prepare handle, so whatever the
 * timers, the I/O of the poll before and the posted functions armed runs before the loop can
 * sleep again, once.  A hook that is armed by a hook waits for the next prepare; meanwhile the
 * idle handle makes the poll in between return at once, so I/O is never starved by a hook that
 * arms itself for ever. */
#include "base/err.h"
#include "os/internal.h"

#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
};

static void nothing(uv_idle_t *handle)
{
    (void)handle;
}

static bool hooks_empty(const struct loop_hook *head)
{
    return head->next == head;
}

static void unlink_hook(struct loop_hook *h)
{
    h->prev->next = h->next;
    h->next->prev = h->prev;
    h->armed = false;
}

/* Open the gate.  A mutex is not fair, and a busy loop would shut it again before anybody who waits
 * has run: so the loop waits until one of them is in, which is until a thread is scheduled; it then
 * wakes up no sooner than that one has left. */
static void fall_asleep(struct loop *l)
{
    unsigned before = atomic_load(&l->entered);
    l->awake = false;
    pthread_mutex_unlock(&l->gate);
    while (atomic_load(&l->waiting) && atomic_load(&l->entered) == before)
        sched_yield();
}

static void run_hooks(uv_prepare_t *handle)
{
    struct loop *l = handle->data;
    loop_wake(l);
    if (!hooks_empty(&l->hooks)) {
        /* a ring of its own: what gets armed from here on belongs to the next turn */
        struct loop_hook now = l->hooks;
        now.next->prev = now.prev->next = &now;
        l->hooks.next = l->hooks.prev = &l->hooks;
        while (!hooks_empty(&now)) {
            struct loop_hook *h = now.next;
            unlink_hook(h);
            h->fn(h->arg);
        }
    }
    if (hooks_empty(&l->hooks))
        uv_idle_stop(&l->again);
    else
        uv_idle_start(&l->again, nothing);
    fall_asleep(l);
}

static void run_posted(uv_async_t *handle)
{
    struct loop *l = handle->data;
    loop_wake(l);
    pthread_mutex_lock(&l->lock);
    struct loop_task *t = l->posted_first;
    l->posted_first = NULL;
    l->posted_end = &l->posted_first;
    pthread_mutex_unlock(&l->lock);
    while (t) {
        struct loop_task *next = t->next;
        loop_fn *fn = t->fn;
        void *arg = t->arg;
        free(t);
        fn(arg);
        t = next;
    }
    if (atomic_exchange(&l->stop, false))
        uv_stop(&l->uv);
}

int loop_new(struct loop **ret)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    if (uv_loop_init(&l->uv) != 0) {
        free(l);
        return ERR_IO;
    }
    if (uv_async_init(&l->uv, &l->wake, run_posted) != 0) {
        uv_loop_close(&l->uv);
        free(l);
        return ERR_IO;
    }
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of write(), nothing more */
    uv_prepare_init(&l->uv, &l->turn_end);
    uv_idle_init(&l->uv, &l->again);
    l->wake.data = l->turn_end.data = l->again.data = l;
    l->hooks.next = l->hooks.prev = &l->hooks;
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->gate, NULL);
    l->posted_end = &l->posted_first;
    uv_prepare_start(&l->turn_end, run_hooks);
    *ret = l;
    return 0;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->net)
        l->net_stop(l->net);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->turn_end, NULL);
    uv_close((uv_handle_t *)&l->again, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT); /* the handles that are closing, and these three */
    int rc = uv_loop_close(&l->uv);
    assert(rc == 0); /* a timer or a process outlives its loop: its owner forgot it */
    if (l->net)
        l->net_free(l->net);
    while (l->posted_first) {
        struct loop_task *t = l->posted_first;
        l->posted_first = t->next;
        free(t);
    }
    if (l->awake)
        pthread_mutex_unlock(&l->gate);
    pthread_mutex_destroy(&l->gate);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
    if (l->awake)
        fall_asleep(l);
    return 0;
}

void loop_enter(struct loop *l)
{
    atomic_fetch_add(&l->waiting, 1);
    pthread_mutex_lock(&l->gate);
    atomic_fetch_add(&l->entered, 1);
    atomic_fetch_sub(&l->waiting, 1);
}

void loop_leave(struct loop *l)
{
    pthread_mutex_unlock(&l->gate);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
    uv_async_send(&l->wake);
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

int loop_post(struct loop *l, loop_fn *fn, void *arg)
{
    struct loop_task *t = malloc(sizeof *t);
    if (!t)
        return ERR_NOMEM;
    *t = (struct loop_task){fn, arg, NULL};
    pthread_mutex_lock(&l->lock);
    bool was_empty = !l->posted_first;
    *l->posted_end = t;
    l->posted_end = &t->next;
    pthread_mutex_unlock(&l->lock);
    if (was_empty) /* else a wake-up is on its way already */
        uv_async_send(&l->wake);
    return 0;
}

void loop_at_end(struct loop *l, struct loop_hook *h)
{
    if (h->armed)
        return;
    h->armed = true;
    h->next = &l->hooks;
    h->prev = l->hooks.prev;
    h->prev->next = h->next->prev = h;
}

void loop_disarm(struct loop *l, struct loop_hook *h)
{
    (void)l;
    if (h->armed)
        unlink_hook(h);
}

/* ---- timers ---- */

static void timer_fired(uv_timer_t *handle)
{
    struct loop_timer *t = handle->data;
    loop_wake(t->loop);
    t->fn(t->arg);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int loop_timer_new(struct loop *l, loop_fn *fn, void *arg, struct loop_timer **ret)
{
    struct loop_timer *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->loop = l;
    t->fn = fn;
    t->arg = arg;
    *ret = t;
    return 0;
}

void loop_timer_start(struct loop_timer *t, uint64_t first_ms, uint64_t repeat_ms)
{
    /* libuv counts from the start of the turn, which is long ago before the loop runs */
    uv_update_time(t->uv.loop);
    uv_timer_start(&t->uv, timer_fired, first_ms, repeat_ms);
}

void loop_timer_stop(struct loop_timer *t)
{
    uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->uv, timer_closed);
}
