/* pool.c - threads that take jobs from one queue and hand them back to the loop.
 *
 * Jobs that are done are collected in a second list; the loop is woken when it was empty, and
 * takes all of it at once. */
#include "base/err.h"
#include "os/internal.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct jobs {
    struct pool_job *first, **end;
};

struct pool {
    struct loop *loop;
    uv_async_t wake;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t more;
    struct jobs waiting, finished;
    bool ending;
    bool draining; /* done() is being called (the loop's thread alone) */
    char name[16];
    int count;
    pthread_t threads[];
};

static void jobs_init(struct jobs *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void jobs_add(struct jobs *q, struct pool_job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
}

static struct pool_job *jobs_take(struct jobs *q)
{
    struct pool_job *job = q->first;
    if (job && !(q->first = job->next))
        q->end = &q->first;
    return job;
}

static void *run_thread(void *arg)
{
    struct pool *p = arg;
    pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct pool_job *job = jobs_take(&p->waiting);
        if (!job) {
            if (p->ending)
                break;
            pthread_cond_wait(&p->more, &p->lock);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        job->work(job->arg);
        pthread_mutex_lock(&p->lock);
        bool was_empty = !p->finished.first;
        jobs_add(&p->finished, job);
        if (was_empty && !p->ending)
            uv_async_send(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void call_done(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct pool_job *job = p->finished.first;
    jobs_init(&p->finished);
    pthread_mutex_unlock(&p->lock);
    p->draining = true;
    while (job) {
        struct pool_job *next = job->next; /* done() may free or submit the job */
        if (job->done)
            job->done(job->arg);
        job = next;
    }
    p->draining = false;
}

static void woken(uv_async_t *handle)
{
    struct pool *p = handle->data;
    loop_wake(p->loop);
    call_done(p);
}

static void end_threads(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
}

static void closed(uv_handle_t *handle)
{
    struct pool *p = handle->data;
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int pool_new(struct loop *l, const char *name, int threads, struct pool **ret)
{
    assert(threads > 0);
    struct pool *p = calloc(1, sizeof *p + (size_t)threads * sizeof p->threads[0]);
    if (!p)
        return ERR_NOMEM;
    if (uv_async_init(&l->uv, &p->wake, woken) != 0) {
        free(p);
        return ERR_IO;
    }
    p->wake.data = p;
    p->loop = l;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    jobs_init(&p->waiting);
    jobs_init(&p->finished);
    snprintf(p->name, sizeof p->name, "%s", name);

    /* signals are for the thread that runs the loop */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = 0;
    while (p->count < threads && rc == 0) {
        rc = pthread_create(&p->threads[p->count], NULL, run_thread, p);
        if (rc == 0)
            p->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        end_threads(p);
        uv_close((uv_handle_t *)&p->wake, closed);
        return ERR_NOMEM;
    }
    *ret = p;
    return 0;
}

void pool_submit(struct pool *p, struct pool_job *job)
{
    job->pool = p;
    pthread_mutex_lock(&p->lock);
    jobs_add(&p->waiting, job);
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    assert(!p->draining); /* not out of a done() of the same pool */
    end_threads(p);
    for (;;) {
        call_done(p);
        struct pool_job *job = jobs_take(&p->waiting); /* submitted by one of these done() */
        if (!job)
            break;
        job->work(job->arg);
        jobs_add(&p->finished, job);
    }
    uv_close((uv_handle_t *)&p->wake, closed);
}
