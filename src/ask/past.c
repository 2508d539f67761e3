/* past.c - readings of one series, pulled one after the other.
 *
 * The core answers in turns on threads of its own (core/past.c).  A turn fills the batch; the
 * question's thread waits for its end, takes the rows, and lets the next begin.  A question that is
 * called off waits for nothing: what is under way then belongs to the turn, which ends it. */
#include "ask/internal.h"

#include "base/err.h"

#include <stdlib.h>

enum { BATCH = 1024 };

struct past {
    struct question *q;      /* not once `left` */
    struct history_job *job; /* NULL: it has ended */
    struct arena *arena;     /* of texts in the batch */
    bool idle, left;         /* under the question's lock: no turn is under way; nobody waits */
    struct past_row rows[BATCH];
    size_t n, at;
};

static bool on_row(void *arg, const struct history_row *row)
{
    struct past *p = arg;
    struct past_row *to = &p->rows[p->n++];
    *to = (struct past_row){row->t_us, row->values[0], row->quality, row->before};
    if (to->value.type == VALUE_TEXT) {
        to->value.as.text = arena_dup(p->arena, to->value.as.text);
        if (!to->value.as.text.p)
            to->value.type = VALUE_NONE;
    }
    return p->n == BATCH;
}

static void drop(struct past *p)
{
    arena_free(p->arena);
    free(p);
}

/* The lock is global: a question may be gone when the last turn of what it left comes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void on_turn(void *arg, const struct history_turn *turn)
{
    struct past *p = arg;
    struct history_job *job = p->job;
    pthread_mutex_lock(&lock);
    if (turn->ended)
        p->job = NULL;
    if (p->left) {
        pthread_mutex_unlock(&lock);
        if (turn->ended)
            drop(p);
        else
            history_cancel(job);
        return;
    }
    p->q->damaged |= turn->damaged;
    if (turn->err && turn->err != ERR_NOT_FOUND) /* deleted meanwhile: it is as if it had ended */
        question_fail(p->q, turn->err, NULL);
    p->idle = true;
    pthread_cond_broadcast(&p->q->turned);
    pthread_mutex_unlock(&lock);
}

void question_wake(struct question *q)
{
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&q->turned);
    pthread_mutex_unlock(&lock);
}

struct past *past_open(struct question *q, const struct sensor *s,
                       const struct history_query *query)
{
    static const struct history_taker_fns fns = {on_row, on_turn};
    struct past *p = calloc(1, sizeof *p);
    if (p)
        p->arena = arena_new();
    if (p && p->arena) {
        p->q = q;
        p->job = core_history(q->core, s, query, &fns, p);
        if (p->job)
            return p;
        drop(p);
    } else {
        free(p);
    }
    question_fail(q, ERR_NOMEM, NULL);
    return NULL;
}

/* False: the question was called off. */
static bool wait_for_turn(struct past *p)
{
    struct question *q = p->q;
    pthread_mutex_lock(&lock);
    while (!p->idle && !atomic_load(&q->cancelled))
        pthread_cond_wait(&q->turned, &lock);
    bool turned = p->idle;
    if (!turned)
        question_fail(q, ERR_CANCELLED, NULL);
    pthread_mutex_unlock(&lock);
    return turned;
}

bool past_has(const struct past *p)
{
    return p->at < p->n;
}

bool past_next(struct past *p, struct past_row *ret)
{
    struct question *q = p->q;
    while (wait_for_turn(p)) {
        if (p->at < p->n) {
            *ret = p->rows[p->at++];
            return true;
        }
        if (!p->job || q->err)
            return false;
        p->n = p->at = 0;
        arena_reset(p->arena);
        loop_enter(q->loop);
        p->idle = false; /* no turn is under way, so nobody else looks */
        if (question_may_go_on(q))
            history_go(p->job);
        else
            p->idle = true;
        loop_leave(q->loop);
    }
    return false;
}

void past_close(struct past *p)
{
    if (!p)
        return;
    struct loop *loop = p->q->loop;
    pthread_mutex_lock(&lock);
    bool idle = p->idle;
    p->left = true;
    pthread_mutex_unlock(&lock);
    if (!idle) /* its turn ends it */
        return;
    if (!p->job) {
        drop(p);
        return;
    }
    loop_enter(loop);
    history_cancel(p->job); /* at once, and on_turn() drops it */
    loop_leave(loop);
}
