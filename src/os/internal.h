/* internal.h - what the files of this room share. */
#ifndef OS_INTERNAL_H
#define OS_INTERNAL_H

#include "os/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

struct loop_task {
    loop_fn *fn;
    void *arg;
    struct loop_task *next;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;        /* something was posted, or stop was asked for */
    uv_prepare_t turn_end;  /* runs the hooks, just before the loop would sleep */
    uv_idle_t again;        /* active while hooks wait for the next turn: the loop must not sleep */
    struct loop_hook hooks; /* head of the ring of armed ones */
    pthread_mutex_t lock;   /* posted_* */
    struct loop_task *posted_first, **posted_end;
    atomic_bool stop;

    /* net.c keeps what all connections of this loop share in here. */
    void *net;
    void (*net_free)(void *net);
};

#endif
