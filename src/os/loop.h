/* loop.h - the event loop of one thread (libuv), and work that leaves it and comes back.
 *
 * Everything here is called on the loop's thread but loop_post(), loop_stop(), loop_enter() and
 * loop_leave(). */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop; /* opaque */
typedef struct uv_loop_s uv_loop_t;
typedef void loop_fn(void *arg);

int loop_new(struct loop **ret);
void loop_free(struct loop *l);
int loop_run(struct loop *l);   /* until loop_stop() */
void loop_stop(struct loop *l); /* any thread, also a signal handler's */
uv_loop_t *loop_uv(struct loop *l);

/* Run fn(arg) on the loop's thread soon, in order of posting.  Any thread.  ERR_NOMEM. */
int loop_post(struct loop *l, loop_fn *fn, void *arg);

/* What belongs to the loop's thread, read by another: between the two the loop sleeps, or waits to
 * wake up.  Any thread but the loop's, for a millisecond at most; a loop that is busy lets one in a
 * turn.  Not before it runs and not after: who may be in here has ended by then. */
void loop_enter(struct loop *l);
void loop_leave(struct loop *l);

/* Run fn(arg) once at the end of this turn, before the loop sleeps.  A hook is embedded in its
 * owner; arming it twice in a turn is arming it once.  An armed hook may be disarmed. */
struct loop_hook {
    loop_fn *fn;
    void *arg;
    struct loop_hook *next, *prev;
    bool armed;
};
void loop_at_end(struct loop *l, struct loop_hook *hook);
void loop_disarm(struct loop *l, struct loop_hook *hook);

struct loop_timer; /* opaque */
int loop_timer_new(struct loop *l, loop_fn *fn, void *arg, struct loop_timer **ret);
void loop_timer_start(struct loop_timer *t, uint64_t first_ms,
                      uint64_t repeat_ms); /* repeat 0: once */
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL allowed */

/* ---- a pool of threads for what blocks ---- */

struct pool; /* opaque */

/* A job runs work() on a thread of the pool, then done() on the loop's thread, exactly once each.
 * It is embedded in its owner, who keeps it until done().  A pool of one thread keeps the order. */
struct pool_job {
    loop_fn *work; /* may block */
    loop_fn *done; /* may be NULL */
    void *arg;
    struct pool_job *next;
    struct pool *pool;
};

int pool_new(struct loop *l, const char *name, int threads, struct pool **ret);
void pool_submit(struct pool *p, struct pool_job *job); /* the loop's thread */
void pool_free(
    struct pool *p); /* waits until every job's work() has run; done() of the rest run in here */

#endif
